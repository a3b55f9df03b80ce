//! What happened, in words: a sentence for each event.

use std::collections::HashMap;
use std::fmt;

use tenancy::{
    DomainId, Event, InvitationId, InvitationTarget, Limits, RevocationReason, RoleNumber, UserId,
    WorkspaceId,
};

use crate::say;

/// A sentence about something that happened. Names stand apart, so that a page can show where they begin and end: they
/// are whatever people typed.
///
/// ```
/// use tenancy::{Event, Name, WorkspaceId};
/// use tenancy_console::words::{Vocabulary, sentence};
///
/// let workspace = WorkspaceId::new();
/// let created = Event::WorkspaceCreated { workspace, name: Name::new("Payments")? };
/// assert_eq!(sentence(&created, &Vocabulary::default()).to_string(), "Created the workspace Payments");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sentence(pub Vec<Part>);

/// A part of a [`Sentence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The console's own words.
    Text(String),
    /// What something or somebody is called.
    Name(String),
}

/// What the ids in events stand for. What isn't in it is said without a name: `a workspace`, `somebody`.
#[derive(Clone, Debug, Default)]
pub struct Vocabulary {
    /// What people are called.
    pub people: HashMap<UserId, String>,
    /// The names of workspaces.
    pub workspaces: HashMap<WorkspaceId, String>,
    /// The names of domains.
    pub domains: HashMap<DomainId, String>,
    /// The addresses that invitations are for.
    pub invitations: HashMap<InvitationId, String>,
    /// The names of the organization's own roles.
    pub roles: HashMap<RoleNumber, String>,
}

impl Vocabulary {
    /// Learns what an event calls things, for those that are gone and can't be looked up.
    pub fn learn(&mut self, event: &Event) {
        match event {
            Event::WorkspaceCreated { workspace, name }
            | Event::WorkspaceDeleted { workspace, name }
            | Event::WorkspaceRenamed {
                workspace,
                to: name,
                ..
            } => {
                self.workspaces
                    .entry(*workspace)
                    .or_insert_with(|| name.to_string());
            }
            Event::DomainCreated { domain, name, .. }
            | Event::DomainDeleted { domain, name, .. } => {
                self.domains
                    .entry(*domain)
                    .or_insert_with(|| name.to_string());
            }
            Event::InvitationSent {
                invitation, email, ..
            }
            | Event::InvitationRenewed {
                invitation, email, ..
            } => {
                self.invitations
                    .entry(*invitation)
                    .or_insert_with(|| email.to_string());
            }
            Event::MemberJoined { user, email, .. } => {
                self.people
                    .entry(*user)
                    .or_insert_with(|| email.to_string());
            }
            Event::RoleDefined { role, name, .. }
            | Event::RoleDeleted { role, name }
            | Event::RoleRevised { role, to: name, .. } => {
                self.roles.entry(*role).or_insert_with(|| name.to_string());
            }
            _ => {}
        }
    }

    /// What somebody is called.
    #[must_use]
    pub fn person(&self, user: UserId) -> String {
        let name = self.people.get(&user).cloned();
        name.unwrap_or_else(|| "somebody".to_owned())
    }

    fn workspace(&self, workspace: WorkspaceId) -> String {
        let name = self.workspaces.get(&workspace).cloned();
        name.unwrap_or_else(|| "a workspace".to_owned())
    }

    fn domain(&self, domain: DomainId) -> String {
        let name = self.domains.get(&domain).cloned();
        name.unwrap_or_else(|| "a domain".to_owned())
    }

    fn invitee(&self, invitation: InvitationId) -> String {
        let email = self.invitations.get(&invitation).cloned();
        email.unwrap_or_else(|| "somebody".to_owned())
    }

    fn role(&self, role: RoleNumber) -> String {
        let name = self.roles.get(&role).cloned();
        name.unwrap_or_else(|| "a role that is gone".to_owned())
    }

    fn target(&self, target: InvitationTarget, said: Sentence) -> Sentence {
        match target {
            InvitationTarget::Organization { role } => said.text(format!(" as {role}")),
            InvitationTarget::Workspace { workspace, role } => said
                .text(format!(" as {role} of "))
                .name(self.workspace(workspace)),
        }
    }
}

impl Sentence {
    fn of(text: impl Into<String>) -> Self {
        Self(vec![Part::Text(text.into())])
    }

    fn text(mut self, text: impl Into<String>) -> Self {
        self.0.push(Part::Text(text.into()));
        self
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "ids, counts and text alike, which callers have or make"
    )]
    fn name(mut self, name: impl ToString) -> Self {
        self.0.push(Part::Name(name.to_string()));
        self
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Text(text) | Part::Name(text) => f.write_str(text),
        })
    }
}

/// An event in words. Who did it, and when, is in its log entry.
#[must_use]
pub fn sentence(event: &Event, known: &Vocabulary) -> Sentence {
    match event {
        Event::OrganizationCreated { name, .. } => {
            Sentence::of("Created the organization ").name(name)
        }
        Event::OrganizationRenamed { from, to } => Sentence::of("Renamed the organization from ")
            .name(from)
            .text(" to ")
            .name(to),
        Event::CompanyEdited { company: Some(_) } => Sentence::of("Edited the company information"),
        Event::CompanyEdited { company: None } => Sentence::of("Cleared the company information"),
        Event::InvoicingEdited { invoicing: Some(_) } => {
            Sentence::of("Edited the invoicing information")
        }
        Event::InvoicingEdited { invoicing: None } => {
            Sentence::of("Cleared the invoicing information")
        }
        Event::ContractEdited {
            contract: Some(contract),
        } => Sentence::of("Set the contract to ").name(contract),
        Event::ContractEdited { contract: None } => Sentence::of("Cleared the contract"),
        Event::WorkspaceQuotaSet { from, to, .. } => {
            Sentence::of(format!("Set the workspace quota from {from} to {to}"))
        }
        Event::LimitsSet { from, to, .. } => Sentence::of(format!(
            "Set the limits from {} to {}",
            limits(*from),
            limits(*to)
        )),
        Event::OrganizationSuspended { reason } => {
            Sentence::of("Suspended the organization: ").name(reason)
        }
        Event::OrganizationReinstated {} => Sentence::of("Reinstated the organization"),
        Event::OrganizationDeleted {} => Sentence::of("Deleted the organization"),
        Event::WorkspaceCreated { name, .. } => Sentence::of("Created the workspace ").name(name),
        Event::WorkspaceRenamed { from, to, .. } => Sentence::of("Renamed the workspace ")
            .name(from)
            .text(" to ")
            .name(to),
        Event::WorkspaceInvoicingEdited {
            workspace,
            invoicing,
        } => {
            let what = if invoicing.is_some() {
                "Gave invoicing information of its own to "
            } else {
                "Let the organization's invoicing information apply to "
            };
            Sentence::of(what).name(known.workspace(*workspace))
        }
        Event::WorkspaceDeleted { name, .. } => Sentence::of("Deleted the workspace ").name(name),
        Event::DomainCreated {
            workspace,
            name,
            kind,
            ..
        } => Sentence::of(format!("Created the {kind} domain "))
            .name(name)
            .text(" in ")
            .name(known.workspace(*workspace)),
        Event::DomainDeactivated { domain } => {
            Sentence::of("Switched off ").name(known.domain(*domain))
        }
        Event::DomainReactivated { domain } => {
            Sentence::of("Switched on ").name(known.domain(*domain))
        }
        Event::DomainMoved { domain, from, to } => Sentence::of("Moved ")
            .name(known.domain(*domain))
            .text(" from ")
            .name(known.workspace(*from))
            .text(" to ")
            .name(known.workspace(*to)),
        Event::DomainDeleted {
            workspace, name, ..
        } => Sentence::of("Deleted the domain ")
            .name(name)
            .text(" in ")
            .name(known.workspace(*workspace)),
        Event::DomainNameReleased { name } => Sentence::of("Released the domain name ").name(name),
        Event::MemberJoined { user, role, .. } => Sentence::default()
            .name(known.person(*user))
            .text(format!(" joined as {role}")),
        Event::OrganizationRoleChanged { user, from, to } => Sentence::of("Changed the role of ")
            .name(known.person(*user))
            .text(format!(" from {from} to {to}")),
        Event::MemberEmailChanged { user, from, to } => Sentence::default()
            .name(known.person(*user))
            .text(" has another address: ")
            .name(to)
            .text(" instead of ")
            .name(from),
        Event::MemberRemoved { user, role } => Sentence::of("Removed ")
            .name(known.person(*user))
            .text(format!(", who was {role}")),
        Event::MemberLeft { user, role } => Sentence::default()
            .name(known.person(*user))
            .text(format!(", who was {role}, left")),
        Event::MemberSuspended { user } => Sentence::of("Suspended ").name(known.person(*user)),
        Event::MemberReinstated { user } => Sentence::of("Reinstated ").name(known.person(*user)),
        Event::MembershipEndSet { user, to, .. } => {
            let said = Sentence::of("Let the membership of ").name(known.person(*user));
            match to {
                Some(end) => said.text(format!(" end after {}", day_before(*end))),
                None => said.text(" last"),
            }
        }
        Event::WorkspaceRoleGiven {
            workspace,
            user,
            role,
            replaces,
        } => {
            let said = Sentence::of("Made ")
                .name(known.person(*user))
                .text(format!(" {role} of "))
                .name(known.workspace(*workspace));
            match replaces {
                Some(before) => said.text(format!(", instead of {before}")),
                None => said,
            }
        }
        Event::WorkspaceRoleTaken {
            workspace,
            user,
            role,
        } => Sentence::default()
            .name(known.person(*user))
            .text(format!(" is no longer {role} of "))
            .name(known.workspace(*workspace)),
        Event::WorkspaceRoleEndSet {
            workspace,
            user,
            to,
            ..
        } => {
            let said = Sentence::of("Let the role of ")
                .name(known.person(*user))
                .text(" in ")
                .name(known.workspace(*workspace));
            match to {
                Some(end) => said.text(format!(" end after {}", day_before(*end))),
                None => said.text(" last"),
            }
        }
        Event::InvitationSent { email, target, .. } => {
            known.target(*target, Sentence::of("Invited ").name(email))
        }
        Event::InvitationRenewed { email, target, .. } => {
            let said = Sentence::of("Sent the invitation again to ").name(email);
            known.target(*target, said)
        }
        Event::InvitationRevoked { invitation, reason } => {
            let said = Sentence::of("The invitation of ").name(known.invitee(*invitation));
            said.text(match reason {
                RevocationReason::Requested => " was taken back",
                RevocationReason::InviterLostAuthority => {
                    " fell, as who sent it may no longer invite"
                }
                RevocationReason::AddresseeLeft => " fell, as they left",
                RevocationReason::AddressChanged => " fell, as they have another address",
                RevocationReason::AddresseeLowered => " fell, as their role was lowered",
                RevocationReason::WorkspaceDeleted => " fell with its workspace",
                RevocationReason::OrganizationDeleted => " fell with the organization",
                _ => " fell",
            })
        }
        Event::InvitationAccepted { user, .. } => Sentence::default()
            .name(known.person(*user))
            .text(" accepted the invitation"),
        Event::InvitationDeclined { invitation, .. } => Sentence::default()
            .name(known.invitee(*invitation))
            .text(" declined the invitation"),
        Event::LinesRefused { lines } => {
            let count = u64::try_from(lines.len()).unwrap_or(u64::MAX);
            Sentence::of(format!("{} not invited", say::count(count, "more address")))
        }
        Event::RoleDefined { name, base, .. } => Sentence::of("Defined the role ")
            .name(name)
            .text(format!(", on {}", say::base(*base))),
        Event::RoleRevised { from, to, .. } if from == to => {
            Sentence::of("Revised the role ").name(to)
        }
        Event::RoleRevised { from, to, .. } => Sentence::of("Revised the role ")
            .name(from)
            .text(", which is now called ")
            .name(to),
        Event::RoleRetired { role, holders } => Sentence::of("Retired the role ")
            .name(known.role(*role))
            .text(format!(", which {} had", people(*holders))),
        Event::RoleRestored { role, .. } => {
            Sentence::of("Restored the role ").name(known.role(*role))
        }
        Event::RoleDeleted { name, .. } => Sentence::of("Deleted the role ").name(name),
        Event::OwnRoleChanged {
            user,
            workspace,
            from,
            to,
        } => {
            let mut said = Sentence::default().name(known.person(*user));
            said = match (from, to) {
                (_, Some(to)) => said.text(" is now ").name(known.role(*to)),
                (Some(from), None) => said.text(" is no longer ").name(known.role(*from)),
                (None, None) => said.text(" holds another role"),
            };
            match workspace {
                Some(workspace) => said.text(" in ").name(known.workspace(*workspace)),
                None => said,
            }
        }
        Event::OwnRoleOffered { invitation, to, .. } => {
            let said = Sentence::of("The invitation of ").name(known.invitee(*invitation));
            match to {
                Some(to) => said.text(" offers ").name(known.role(*to)),
                None => said.text(" offers a built-in role"),
            }
        }
        _ => Sentence::of("Something that this version can't read yet"),
    }
}

fn people(count: u32) -> String {
    match count {
        0 => "nobody".to_owned(),
        1 => "one person".to_owned(),
        more => format!("{more} people"),
    }
}

fn day_before(end: chrono::DateTime<chrono::Utc>) -> String {
    say::last_day(end).format("%-d %b %Y").to_string()
}

fn limits(limits: Limits) -> String {
    let one = |limit: Option<u32>, noun: &str| {
        limit.map_or_else(
            || format!("unlimited {noun}s"),
            |limit| say::count(limit, noun),
        )
    };
    let per_workspace = limits
        .domains_per_workspace
        .map_or_else(String::new, |limit| format!(" ({limit} a workspace)"));
    format!(
        "{}, {}{per_workspace}",
        one(limits.seats, "seat"),
        one(limits.domains, "domain")
    )
}
