//! Random histories, told to the crate and to the model at once.

use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};
use proptest::prelude::*;
use tenancy::commands::{
    Accepted, CreatedOrganization, DeletedWorkspace, Departure, Invited, Revoked,
};
use tenancy::store::{InvitationState, MemoryRepository, OrganizationState};
use tenancy::text::TextLine;
use tenancy::{
    Actor, CompanyInformation, DomainId, DomainKind, DomainName, DomainStatus, EmailAddress, Event,
    InvitationId, InvitationToken, InvitationValidity, InvoicingInformation, Name, Operator,
    OrganizationId, OrganizationRole, QuotaUsage, Settings, Tenancy, UserId, VerifiedEmail,
    WorkspaceId, WorkspaceRole,
};

use crate::model::{self, Ask, Choices, Drawn, Organization, Who, World};

/// What one step of a history is decoded from. Small numbers are the plain cases, so that failures
/// shrink to plain histories.
#[derive(Clone, Copy, Debug)]
pub struct Step {
    pub kind: u8,
    pub actor: u8,
    pub at: u8,
    pub whom: u8,
    pub what: u8,
    pub oddly: u8,
}

pub fn steps(upto: usize) -> impl Strategy<Value = Vec<Step>> {
    let step =
        any::<(u8, u8, u8, u8, u8, u8)>().prop_map(|(kind, actor, at, whom, what, oddly)| Step {
            kind,
            actor,
            at,
            whom,
            what,
            oddly,
        });
    proptest::collection::vec(step, 1..=upto)
}

pub const USERS: [&str; 5] = ["ann", "bob", "cy", "dora", "eve"];

pub fn user(index: u8) -> UserId {
    UserId::from_external(USERS[usize::from(index) % USERS.len()])
}

pub fn address(index: u8) -> String {
    format!("{}@host.example", USERS[usize::from(index) % USERS.len()])
}

pub fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).expect("an address")
}

fn line(text: &str) -> TextLine {
    TextLine::new(text).expect("a line")
}

fn pick<T: Clone>(from: &[T], by: u8) -> Option<T> {
    from.get(usize::from(by).checked_rem(from.len())?).cloned()
}

/// The crate and the model, side by side.
pub struct Driver {
    pub tenancy: Tenancy<MemoryRepository>,
    pub world: World,
    clock: Arc<AtomicI64>,
    pub organizations: Vec<OrganizationId>,
    pub workspaces: Vec<(OrganizationId, WorkspaceId)>,
    pub domains: Vec<(OrganizationId, DomainId)>,
    pub invitations: Vec<(OrganizationId, InvitationId)>,
    pub tokens: Vec<InvitationToken>,
}

/// What a command came to.
pub struct Happened {
    pub who: Who,
    pub ask: Ask,
    pub on: Option<OrganizationId>,
    pub before: World,
    pub states_before: BTreeMap<OrganizationId, OrganizationState>,
    pub states_after: BTreeMap<OrganizationId, OrganizationState>,
    pub prepared: Result<Vec<Discriminant<Event>>, &'static str>,
    pub result: Result<Vec<Event>, &'static str>,
    pub expected: Result<(), &'static str>,
    /// The invitations that the answer says were revoked.
    pub revoked: Option<BTreeSet<InvitationId>>,
    pub accepted: Option<Accepted>,
    pub now: DateTime<Utc>,
}

/// What a test wants to know of an answer.
pub trait Told {
    fn token(&self) -> Option<InvitationToken> {
        None
    }
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        None
    }
    fn accepted(&self) -> Option<Accepted> {
        None
    }
}

impl Told for () {}
impl Told for CreatedOrganization {}
impl Told for WorkspaceId {}
impl Told for DomainId {}
impl Told for QuotaUsage {}
impl Told for Accepted {
    fn accepted(&self) -> Option<Accepted> {
        Some(*self)
    }
}
impl Told for Invited {
    fn token(&self) -> Option<InvitationToken> {
        self.token.clone()
    }
}
impl Told for Vec<InvitationId> {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.iter().copied().collect())
    }
}
impl Told for Revoked {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.invitations.iter().copied().collect())
    }
}
impl Told for Departure {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.revoked.iter().copied().collect())
    }
}
impl Told for DeletedWorkspace {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.revoked.iter().copied().collect())
    }
}

/// An organization's records as the model would write them.
pub fn seen(state: &OrganizationState) -> Organization {
    let row = state.organization().expect("it exists");
    Organization {
        name: row.name.as_str().to_owned(),
        deleted: !row.is_active(),
        quota: row.workspace_quota,
        company: row.company.clone(),
        invoicing: row.invoicing.clone(),
        contract: row.contract.as_ref().map(|line| line.as_str().to_owned()),
        members: state
            .members()
            .map(|member| {
                let email = member.email.as_ref().map(|email| email.as_str().to_owned());
                let role = member.role;
                (member.user, model::Member { role, email })
            })
            .collect(),
        workspaces: state
            .workspaces()
            .map(|workspace| {
                let name = workspace.name.as_str().to_owned();
                let invoicing = workspace.invoicing.clone();
                (workspace.id, model::Workspace { name, invoicing })
            })
            .collect(),
        roles: state
            .workspace_members()
            .map(|member| ((member.workspace, member.user), member.role))
            .collect(),
        domains: state
            .domains()
            .map(|domain| {
                let seen = model::Domain {
                    workspace: domain.workspace,
                    name: domain.name.as_str().to_owned(),
                    kind: domain.kind,
                    active: domain.status == DomainStatus::Active,
                };
                (domain.id, seen)
            })
            .collect(),
        retired: state
            .retired_names()
            .map(|retired| retired.name.as_str().to_owned())
            .collect(),
        invitations: state
            .invitations()
            .map(|invitation| {
                let seen = model::Invitation {
                    email: invitation.email.as_str().to_owned(),
                    target: invitation.target,
                    inviter: invitation.inviter,
                    link: *invitation.token_hash.as_bytes(),
                    expires: invitation.expires_at,
                    state: invitation.state,
                };
                (invitation.id, seen)
            })
            .collect(),
    }
}

/// How often each kind of command is drawn, by its place in `Ask::NAMES`.
const WEIGHTS: [(&str, usize); 31] = [
    ("AcceptInvitation", 6),
    ("InviteToOrganization", 4),
    ("InviteToWorkspace", 5),
    ("GiveWorkspaceRole", 4),
    ("CreateWorkspace", 3),
    ("CreateDomain", 3),
    ("ChangeOrganizationRole", 3),
    ("ResendInvitation", 2),
    ("RevokeInvitation", 2),
    ("DeclineInvitation", 2),
    ("RemoveMember", 2),
    ("LeaveOrganization", 2),
    ("TakeWorkspaceRole", 2),
    ("LeaveWorkspace", 1),
    ("DeleteWorkspace", 3),
    ("DeleteDomain", 2),
    ("MoveDomain", 2),
    ("AppointAdmin", 2),
    ("FollowEmailChange", 2),
    ("ReleaseDomainName", 2),
    ("SetWorkspaceQuota", 2),
    ("RenameWorkspace", 2),
    ("DeleteOrganization", 2),
    ("RenameOrganization", 1),
    ("EditCompany", 1),
    ("EditInvoicing", 1),
    ("EditWorkspaceInvoicing", 1),
    ("DeactivateDomain", 1),
    ("ReactivateDomain", 1),
    ("EditContract", 1),
    ("CreateOrganization", 1),
];

fn kind(by: u8) -> &'static str {
    let total: usize = WEIGHTS.iter().map(|(_, weight)| weight).sum();
    let mut left = usize::from(by) * total / 256;
    for (name, weight) in WEIGHTS {
        if left < weight {
            return name;
        }
        left -= weight;
    }
    "CreateOrganization"
}

pub const PENDING_LIMIT: u32 = 4;

impl Driver {
    /// Acme is Ann's, Beta is Dora's; each may hold two workspaces.
    pub fn new() -> Self {
        let mut driver = Self::empty();
        for (owner, name) in [(0, "Acme"), (3, "Beta")] {
            let who = Who::User(user(owner), Some(address(owner)));
            let name = Name::new(name).expect("a name");
            driver.carry_out(
                who,
                Ask::CreateOrganization(tenancy::commands::CreateOrganization { name }),
            );
        }
        for organization in driver.organizations.clone() {
            let quota = tenancy::commands::SetWorkspaceQuota {
                organization,
                quota: 2,
            };
            driver.carry_out(Who::Operator, Ask::SetWorkspaceQuota(quota));
        }
        driver
    }

    fn empty() -> Self {
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let reading = Arc::clone(&clock);
        let settings = Settings {
            pending_invitation_limit: PENDING_LIMIT,
            invitation_validity: InvitationValidity::days(7).expect("7 days"),
            default_workspace_quota: NonZeroU32::MIN,
        };
        let tenancy = Tenancy::new(MemoryRepository::new())
            .with_settings(settings)
            .with_clock(move || at(reading.load(Ordering::SeqCst)));
        Self {
            tenancy,
            world: World::default(),
            clock,
            organizations: vec![],
            workspaces: vec![],
            domains: vec![],
            invitations: vec![],
            tokens: vec![],
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        at(self.clock.load(Ordering::SeqCst))
    }

    pub fn states(&self) -> BTreeMap<OrganizationId, OrganizationState> {
        let all = self.organizations.iter();
        all.filter_map(|id| Some((*id, self.tenancy.repository().state(*id)?)))
            .collect()
    }

    pub fn step(&mut self, step: Step) -> Happened {
        let days = if step.oddly % 16 == 15 { 3 } else { 0 };
        self.clock.fetch_add(days * 86_400 + 60, Ordering::SeqCst);
        let (who, ask) = self.decode(step);
        self.carry_out(who, ask)
    }

    /// Tells both, and compares nothing.
    pub fn carry_out(&mut self, who: Who, ask: Ask) -> Happened {
        let actor = actor(&who);
        let states_before = self.states();
        let before = self.world.clone();
        let now = self.now();
        let (prepared, result, made, token, revoked, accepted) = with_command!(&ask, command => {
            let prepared = tenancy::block_on(self.tenancy.prepare(&actor, command.clone()));
            let prepared = match prepared {
                Ok(decided) => Ok(decided.events.iter().map(discriminant).collect()),
                Err(error) => Err(error.refusal().unwrap_or_else(|| panic!("{error:?}")).code()),
            };
            match tenancy::block_on(self.tenancy.execute(&actor, command.clone())) {
                Ok(done) => {
                    assert_eq!(done.token.version, self.version(done.token.organization));
                    let (token, revoked) = (done.output.token(), done.output.revoked());
                    (prepared, Ok(done.events), Some(done.token.organization), token, revoked, done.output.accepted())
                }
                Err(error) => {
                    let refusal = error.refusal().unwrap_or_else(|| panic!("{ask:?}: {error:?}"));
                    (prepared, Err(refusal.code()), None, None, None, None)
                }
            }
        });
        let on = self.note(
            &ask,
            made,
            result.as_ref().map_or(&[], Vec::as_slice),
            token.as_ref(),
        );
        let drawn = drawn(
            on,
            result.as_ref().map_or(&[], Vec::as_slice),
            token.as_ref(),
        );
        let choices = Choices {
            validity: TimeDelta::days(7),
            limit: PENDING_LIMIT as usize,
            quota: 1,
        };
        let expected = self
            .world
            .ask(choices, &who, now, &ask, drawn)
            .map(|after| {
                self.world = after;
            });
        Happened {
            who,
            ask,
            on,
            before,
            states_before,
            states_after: self.states(),
            prepared,
            result,
            expected,
            revoked,
            accepted,
            now,
        }
    }

    fn version(&self, id: OrganizationId) -> tenancy::Version {
        let state = self.tenancy.repository().state(id);
        state.map_or(tenancy::Version::ABSENT, |state| state.version())
    }

    /// Remembers the ids of what is new. Answers the organization that the command was about.
    fn note(
        &mut self,
        ask: &Ask,
        made: Option<OrganizationId>,
        events: &[Event],
        token: Option<&InvitationToken>,
    ) -> Option<OrganizationId> {
        self.tokens.extend(token.cloned());
        let on = made.or_else(|| about(ask));
        let id = on?;
        for event in events {
            match event {
                Event::OrganizationCreated { .. } => self.organizations.push(id),
                Event::WorkspaceCreated { workspace, .. } => self.workspaces.push((id, *workspace)),
                Event::DomainCreated { domain, .. } => self.domains.push((id, *domain)),
                Event::InvitationSent { invitation, .. } => {
                    self.invitations.push((id, *invitation));
                }
                _ => {}
            }
        }
        on
    }

    fn decode(&self, step: Step) -> (Who, Ask) {
        let Step {
            kind: by,
            actor,
            at,
            whom,
            what,
            oddly,
        } = step;
        let name = kind(by);
        let stranger = oddly % 32 == 7; // an id that doesn't exist, or exists elsewhere
        let organization = match pick(&self.organizations, at) {
            Some(id) if !(stranger && oddly >= 128) => id,
            _ => OrganizationId::from_uuid(uuid(at)),
        };
        let (home, workspace) = self.pick_in(
            &self.workspaces,
            at,
            oddly,
            organization,
            |o, id| o.workspaces.contains_key(id),
            WorkspaceId::from_uuid(uuid(at)),
        );
        let (its, domain) = self.pick_in(
            &self.domains,
            at,
            oddly,
            organization,
            |o, id| o.domains.contains_key(id),
            DomainId::from_uuid(uuid(at)),
        );
        let (from, invitation) = self.pick_in(
            &self.invitations,
            what,
            oddly,
            organization,
            |o, id| o.open().any(|(open, _)| open == id),
            InvitationId::from_uuid(uuid(at)),
        );
        let to = self.pick_in(
            &self.workspaces,
            what,
            oddly,
            its,
            |o, id| o.workspaces.contains_key(id),
            workspace,
        );
        let token = pick(&self.tokens, what);
        let names = ["Acme", "ACME", "Payments", "payments", "Straße"];
        let named = Name::new(names[usize::from(what) % names.len()]).expect("a name");
        let domains = ["api", "pay", "api-2"];
        let labelled =
            DomainName::new(domains[usize::from(what) % domains.len()]).expect("a label");
        let role = OrganizationRole::ALL[usize::from(what) % 3];
        let workspace_role = WorkspaceRole::ALL[usize::from(what / 3) % 3];
        let invited = email(&match whom / 5 % 8 {
            7 => address(whom).to_uppercase(),
            6 => format!("new.{}", address(whom)),
            _ => address(whom),
        });
        let whom_id = if whom == 255 {
            UserId::from_uuid(uuid(1))
        } else {
            user(whom)
        };
        let invoicing = (what % 3 != 0).then(|| InvoicingInformation {
            recipient: line(&format!("Books {}", what % 3)),
            email: email("books@host.example"),
            address: vec![],
            reference: None,
        });
        let ask = match name {
            "CreateOrganization" => {
                Ask::CreateOrganization(tenancy::commands::CreateOrganization { name: named })
            }
            "RenameOrganization" => {
                Ask::RenameOrganization(tenancy::commands::RenameOrganization {
                    organization,
                    name: named,
                })
            }
            "EditCompany" => Ask::EditCompany(tenancy::commands::EditCompany {
                organization,
                company: (what % 2 == 1).then(|| CompanyInformation {
                    legal_name: line("Acme SAS"),
                    registration_number: None,
                    vat_number: None,
                    address: vec![],
                }),
            }),
            "EditInvoicing" => Ask::EditInvoicing(tenancy::commands::EditInvoicing {
                organization,
                invoicing,
            }),
            "DeleteOrganization" => {
                Ask::DeleteOrganization(tenancy::commands::DeleteOrganization { organization })
            }
            "CreateWorkspace" => Ask::CreateWorkspace(tenancy::commands::CreateWorkspace {
                organization,
                name: named,
            }),
            "RenameWorkspace" => Ask::RenameWorkspace(tenancy::commands::RenameWorkspace {
                organization: home,
                workspace,
                name: named,
            }),
            "EditWorkspaceInvoicing" => {
                Ask::EditWorkspaceInvoicing(tenancy::commands::EditWorkspaceInvoicing {
                    organization: home,
                    workspace,
                    invoicing,
                })
            }
            "DeleteWorkspace" => Ask::DeleteWorkspace(tenancy::commands::DeleteWorkspace {
                organization: home,
                workspace,
            }),
            "CreateDomain" => Ask::CreateDomain(tenancy::commands::CreateDomain {
                organization: home,
                workspace,
                name: labelled,
                kind: if what % 2 == 0 {
                    DomainKind::Sandbox
                } else {
                    DomainKind::Production
                },
            }),
            "DeactivateDomain" => Ask::DeactivateDomain(tenancy::commands::DeactivateDomain {
                organization: its,
                domain,
            }),
            "ReactivateDomain" => Ask::ReactivateDomain(tenancy::commands::ReactivateDomain {
                organization: its,
                domain,
            }),
            "MoveDomain" => Ask::MoveDomain(tenancy::commands::MoveDomain {
                organization: its,
                domain,
                to: to.1,
            }),
            "DeleteDomain" => Ask::DeleteDomain(tenancy::commands::DeleteDomain {
                organization: its,
                domain,
            }),
            "ChangeOrganizationRole" => {
                Ask::ChangeOrganizationRole(tenancy::commands::ChangeOrganizationRole {
                    organization,
                    user: whom_id,
                    role,
                })
            }
            "RemoveMember" => Ask::RemoveMember(tenancy::commands::RemoveMember {
                organization,
                user: whom_id,
            }),
            "LeaveOrganization" => {
                Ask::LeaveOrganization(tenancy::commands::LeaveOrganization { organization })
            }
            "GiveWorkspaceRole" => Ask::GiveWorkspaceRole(tenancy::commands::GiveWorkspaceRole {
                organization: home,
                workspace,
                user: whom_id,
                role: workspace_role,
            }),
            "TakeWorkspaceRole" => Ask::TakeWorkspaceRole(tenancy::commands::TakeWorkspaceRole {
                organization: home,
                workspace,
                user: whom_id,
            }),
            "LeaveWorkspace" => Ask::LeaveWorkspace(tenancy::commands::LeaveWorkspace {
                organization: home,
                workspace,
            }),
            "FollowEmailChange" => {
                Ask::FollowEmailChange(tenancy::commands::FollowEmailChange { organization })
            }
            "InviteToOrganization" => {
                Ask::InviteToOrganization(tenancy::commands::InviteToOrganization {
                    organization,
                    email: invited,
                    role,
                })
            }
            "InviteToWorkspace" => Ask::InviteToWorkspace(tenancy::commands::InviteToWorkspace {
                organization: home,
                workspace,
                email: invited,
                role: workspace_role,
            }),
            "ResendInvitation" => Ask::ResendInvitation(tenancy::commands::ResendInvitation {
                organization: from,
                invitation,
            }),
            "RevokeInvitation" => Ask::RevokeInvitation(tenancy::commands::RevokeInvitation {
                organization: from,
                invitation,
            }),
            "AcceptInvitation" | "DeclineInvitation" => {
                let token = match token {
                    Some(token) if !stranger => token,
                    _ => {
                        let secret =
                            tenancy::token::InvitationSecret::generate().expect("randomness");
                        InvitationToken::new(from, invitation, &secret)
                    }
                };
                // Most links that are opened are the newest ones.
                let token = if oddly % 2 == 0 && !stranger {
                    self.newest(what).unwrap_or(token)
                } else {
                    token
                };
                if name == "AcceptInvitation" {
                    Ask::AcceptInvitation(tenancy::commands::AcceptInvitation { token })
                } else {
                    Ask::DeclineInvitation(tenancy::commands::DeclineInvitation { token })
                }
            }
            "SetWorkspaceQuota" => Ask::SetWorkspaceQuota(tenancy::commands::SetWorkspaceQuota {
                organization,
                quota: u32::from(what % 4),
            }),
            "EditContract" => Ask::EditContract(tenancy::commands::EditContract {
                organization,
                contract: (what % 2 == 1).then(|| line("C-1")),
            }),
            "AppointAdmin" => Ask::AppointAdmin(tenancy::commands::AppointAdmin {
                organization,
                user: whom_id,
                email: (what % 4 > 0).then(|| email(&address(whom))),
            }),
            _ => Ask::ReleaseDomainName(tenancy::commands::ReleaseDomainName {
                organization,
                name: labelled,
            }),
        };
        (self.decode_who(&ask, actor, oddly), ask)
    }

    /// A token of an open invitation that its link still opens.
    fn newest(&self, by: u8) -> Option<InvitationToken> {
        let works = |token: &&InvitationToken| {
            let it = self.world.organizations.get(&token.organization());
            it.and_then(|it| it.invitations.get(&token.invitation()))
                .is_some_and(|i| {
                    i.state == InvitationState::Open && i.link == *token.hash().as_bytes()
                })
        };
        let working: Vec<_> = self.tokens.iter().filter(works).cloned().collect();
        pick(&working, by)
    }

    /// Something of the organization that is there; now and then something that was, or is elsewhere, or
    /// never was.
    fn pick_in<I: Copy + PartialEq>(
        &self,
        from: &[(OrganizationId, I)],
        by: u8,
        oddly: u8,
        organization: OrganizationId,
        is_there: impl Fn(&Organization, &I) -> bool,
        never: I,
    ) -> (OrganizationId, I) {
        let by = by / 2;
        match oddly % 32 {
            7 => (organization, never),
            8 => (organization, pick(from, by).map_or(never, |(_, id)| id)),
            9 | 10 => pick(from, by).unwrap_or((organization, never)),
            _ => {
                let there: Vec<_> = from
                    .iter()
                    .filter(|(id, thing)| {
                        *id == organization
                            && self
                                .world
                                .organizations
                                .get(id)
                                .is_some_and(|o| is_there(o, thing))
                    })
                    .copied()
                    .collect();
                pick(&there, by)
                    .or_else(|| pick(from, by))
                    .unwrap_or((organization, never))
            }
        }
    }

    /// Mostly somebody who may; often somebody; now and then somebody odd.
    fn decode_who(&self, ask: &Ask, actor: u8, oddly: u8) -> Who {
        let index = actor % 5;
        let somebody = match actor / 5 % 16 {
            15 => Who::User(user(index), None),
            14 => Who::User(user(index), Some(address(index).to_uppercase())),
            13 => Who::User(user(index), Some(format!("new.{}", address(index)))),
            12 => Who::User(user(index), Some(address(index.wrapping_add(1)))),
            _ => Who::User(user(index), Some(address(index))),
        };
        if actor >= 250 {
            return Who::Operator;
        }
        let plainly = oddly < 160;
        let on = about(ask);
        match ask {
            Ask::SetWorkspaceQuota(_)
            | Ask::EditContract(_)
            | Ask::AppointAdmin(_)
            | Ask::ReleaseDomainName(_)
                if plainly =>
            {
                Who::Operator
            }
            Ask::AcceptInvitation(tenancy::commands::AcceptInvitation { token })
            | Ask::DeclineInvitation(tenancy::commands::DeclineInvitation { token })
                if plainly =>
            {
                let it = self.world.organizations.get(&token.organization());
                let invitation = it.and_then(|it| it.invitations.get(&token.invitation()));
                let invited = invitation
                    .map(|i| model::normal(&i.email))
                    .unwrap_or_default();
                let found = (0..5).find(|index| invited.ends_with(&address(*index)));
                found.map_or(somebody, |index| Who::User(user(index), Some(invited)))
            }
            Ask::FollowEmailChange(_) | Ask::LeaveOrganization(_) | Ask::LeaveWorkspace(_) => {
                somebody
            }
            _ if plainly => {
                let Some(it) = on.and_then(|on| self.world.organizations.get(&on)) else {
                    return somebody;
                };
                let admins: Vec<_> = (0..5)
                    .filter(|index| {
                        let member = it.members.get(&user(*index));
                        member.is_some_and(|member| member.role == OrganizationRole::Admin)
                            || it.roles.iter().any(|((_, holder), role)| {
                                *holder == user(*index) && *role == WorkspaceRole::Admin
                            })
                    })
                    .collect();
                pick(&admins, actor).map_or(somebody, |index| {
                    Who::User(user(index), Some(address(index)))
                })
            }
            _ => somebody,
        }
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

fn uuid(by: u8) -> uuid::Uuid {
    uuid::Uuid::from_u128(u128::from(by) + 1)
}

pub fn actor(who: &Who) -> Actor {
    match who {
        Who::Operator => Actor::Operator(Operator::attest(line("support"))),
        Who::User(id, None) => Actor::unverified(*id),
        Who::User(id, Some(address)) => Actor::user(*id, VerifiedEmail::attest(email(address))),
    }
}

/// The organization that a command names.
pub fn about(ask: &Ask) -> Option<OrganizationId> {
    use tenancy::commands::Command as _;
    let nothing = tenancy::CommitId::from_uuid(uuid::Uuid::nil());
    match ask {
        Ask::CreateOrganization(_) => None,
        ask => Some(with_command!(ask, command => command.organization(nothing))),
    }
}

fn drawn(on: Option<OrganizationId>, events: &[Event], token: Option<&InvitationToken>) -> Drawn {
    let mut drawn = Drawn {
        link: token.map(|token| *token.hash().as_bytes()),
        ..Drawn::default()
    };
    for event in events {
        match event {
            Event::OrganizationCreated { .. } => drawn.organization = on,
            Event::WorkspaceCreated { workspace, .. } => drawn.workspace = Some(*workspace),
            Event::DomainCreated { domain, .. } => drawn.domain = Some(*domain),
            Event::InvitationSent { invitation, .. } => drawn.invitation = Some(*invitation),
            _ => {}
        }
    }
    drawn
}
