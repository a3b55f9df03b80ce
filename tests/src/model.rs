//! A second opinion: the rulebook once more, in plain maps, as naively as it reads.
//!
//! It shares nothing with the crate but the ids, the roles and the commands that go in: who may do what, it
//! reads in the rulebook's own table. It keeps whole worlds, looks at everything, optimizes nothing, and
//! answers with refusal codes. Where it and the crate disagree, one of them has misread the rulebook.
//!
//! What a rule leaves open, it reads in `docs/rules.md` and `DESIGN.md`. In which order refusals come where
//! several apply is no rule: that is as the commands' documentation lists them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tenancy::store::InvitationState;
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, InvitationId, InvitationTarget,
    InvoicingInformation, Layer, Limits, OrganizationAction, OrganizationId, OrganizationRole,
    RoleNumber, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use crate::commands::Ask;
use crate::matrix::{Asked, ticked, view};
use roles::OwnRole;

mod commands;
mod invitations;
mod limits;
mod organization;
pub mod roles;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    User(UserId, Option<String>),
    Operator,
}

/// What the world draws for a command: the id of what is new, and the mark of a new link.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    pub organization: Option<OrganizationId>,
    pub workspace: Option<WorkspaceId>,
    pub domain: Option<DomainId>,
    pub invitation: Option<InvitationId>,
    pub link: Option<Link>,
    /// Of each line of many that are invited at once: the invitation, and the mark of its link.
    pub many: Vec<Option<(InvitationId, Link)>>,
    pub role: Option<RoleNumber>,
}

/// What tells one link from another.
pub type Link = [u8; 32];

/// The whole deployment, as the rulebook sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub organizations: BTreeMap<OrganizationId, Organization>,
    /// Which organization each domain name belongs to (D2).
    pub names: BTreeMap<String, OrganizationId>,
    /// What became of each of many who were invited at once, last: `invited`, `renewed`, or why not.
    pub lines: Vec<&'static str>,
    /// The time there: what ends, ends by it (T3).
    pub now: DateTime<Utc>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub name: String,
    pub deleted: bool,
    /// Why it is suspended (T4).
    pub suspended: Option<String>,
    pub quota: u32,
    pub limits: Limits,
    pub company: Option<CompanyInformation>,
    pub invoicing: Option<InvoicingInformation>,
    pub contract: Option<String>,
    pub members: BTreeMap<UserId, Member>,
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
    pub roles: BTreeMap<(WorkspaceId, UserId), WorkspaceRole>,
    /// When those of them end that do (T3).
    pub role_ends: BTreeMap<(WorkspaceId, UserId), DateTime<Utc>>,
    /// The roles of the organization's own (R1).
    pub own: BTreeMap<RoleNumber, OwnRole>,
    /// Which of them somebody holds in a workspace; its base is in `roles`.
    pub own_there: BTreeMap<(WorkspaceId, UserId), RoleNumber>,
    pub domains: BTreeMap<DomainId, Domain>,
    /// Names of deleted domains.
    pub retired: BTreeSet<String>,
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// The last day on which it made links, and how many then (I8).
    pub links: Option<(NaiveDate, u32)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: OrganizationRole,
    /// The role of the organization's own whose base that is.
    pub own: Option<RoleNumber>,
    /// As it was typed.
    pub email: String,
    /// Whether "the roles are kept, and none counts" (T1).
    pub suspended: bool,
    /// When the membership ends, if it does (T3).
    pub until: Option<DateTime<Utc>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workspace {
    pub name: String,
    pub invoicing: Option<InvoicingInformation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain {
    pub workspace: WorkspaceId,
    pub name: String,
    pub kind: DomainKind,
    pub active: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// As it was typed.
    pub email: String,
    pub target: InvitationTarget,
    /// The role of the organization's own that it offers.
    pub own: Option<RoleNumber>,
    pub inviter: UserId,
    pub link: Link,
    /// When its link was made.
    pub sent: DateTime<Utc>,
    pub expires: DateTime<Utc>,
    pub state: InvitationState,
    /// While it is open: those to whom its link gives nothing more than what they have, because they departed or
    /// something of theirs was taken or lowered since it was made (M2, M4).
    pub outdated_for: BTreeSet<UserId>,
}

/// The host's choices.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    pub validity: TimeDelta,
    /// How many invitations may be open.
    pub limit: usize,
    /// How many links may be made in a day.
    pub links: u32,
    /// How long after a link another one may be made for its invitation.
    pub pause: TimeDelta,
    pub quota: u32,
    pub limits: Limits,
    /// The organization roles that need a seat (Q4).
    pub seats: &'static [OrganizationRole],
    /// How many roles of its own an organization may have (R1).
    pub roles: usize,
}

/// Q4: "by default all but Accounting".
pub const ALL_BUT_ACCOUNTING: &[OrganizationRole] =
    &[OrganizationRole::Admin, OrganizationRole::Member];

/// Who asks, when, and what the world draws for them.
struct Call<'a> {
    choices: Choices,
    who: &'a Who,
    now: DateTime<Utc>,
    drawn: Drawn,
}

/// What something can be asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum On {
    Organization(OrganizationId),
    Workspace(OrganizationId, WorkspaceId),
    Domain(OrganizationId, DomainId),
}

/// "May they?"
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Allowed,
    /// With the letters of the roles that would do.
    Forbidden(&'static str),
    Hidden,
    /// To operators, of a deleted organization (O6).
    Deleted,
    /// To people, of a suspended organization (T4).
    Suspended,
}

type No = &'static str;

const NOT_FOUND: No = "not_found";
const FORBIDDEN: No = "forbidden";
const SUSPENDED: No = "organization_suspended";

/// An action on a layer, with its row of the rulebook's table.
pub trait Listed {
    /// The letters of the roles that may, as in `A C op`.
    fn ticks(&self) -> &'static str;
    /// Which one it is; `None` if it is a host's, and no role can add it.
    fn asked(&self) -> Option<Asked> {
        None
    }
    /// The action of viewing what it is asked of.
    fn viewing() -> Asked;
    /// The letters of those who may view what it is asked of.
    fn view() -> &'static str;
    /// Whether it is about what is left of a deleted organization: its record, and its domains' names (O6, D2).
    fn goes_on_when_deleted(&self) -> bool {
        false
    }
    /// Whether it is to see what one saw, or to settle invoicing (T4).
    fn goes_on_when_suspended(&self) -> bool {
        false
    }
}

macro_rules! listed {
    ($($action:ty: $asked:ident, $layer:ident, $left:pat, $stays:pat),+) => {$(
        impl Listed for $action {
            fn ticks(&self) -> &'static str {
                ticked(Asked::$asked(*self))
            }

            fn asked(&self) -> Option<Asked> {
                Some(Asked::$asked(*self))
            }

            fn viewing() -> Asked {
                view(Layer::$layer)
            }

            fn view() -> &'static str {
                ticked(view(Layer::$layer))
            }

            fn goes_on_when_deleted(&self) -> bool {
                matches!(self, $left)
            }

            fn goes_on_when_suspended(&self) -> bool {
                matches!(self, $stays)
            }
        }
    )+};
}

// Of a deleted organization no workspace and no domain is left.
listed! {
    OrganizationAction: OnOrganization, Organization,
        Self::View | Self::ViewMembers | Self::ViewInvitations | Self::ViewInvoicing | Self::ViewContract
            | Self::ViewAuditTrail | Self::ReleaseDomainName,
        Self::View | Self::ViewMembers | Self::ViewInvitations | Self::ViewInvoicing | Self::ViewContract
            | Self::ViewAuditTrail | Self::EditInvoicing,
    WorkspaceAction: OnWorkspace, Workspace, _,
        Self::View | Self::ViewMembers | Self::ViewInvitations | Self::ViewInvoicing | Self::ListDomains
            | Self::EditInvoicing,
    DomainAction: OnDomain, Domain, _,
        Self::View | Self::ViewServerKeys
}

fn meets(letters: &[&str], row: &str) -> bool {
    row.split(' ').any(|letter| letters.contains(&letter))
}

/// M6: the normal form of an address; the tests' addresses are plain ASCII.
pub fn normal(email: &str) -> String {
    email.to_lowercase()
}

impl Member {
    pub fn new(role: OrganizationRole, email: String) -> Self {
        Self {
            role,
            own: None,
            email,
            suspended: false,
            until: None,
        }
    }

    /// Whether their roles count (T1, T3).
    pub fn counts(&self, now: DateTime<Utc>) -> bool {
        self.does_count(now).is_ok()
    }

    fn does_count(&self, now: DateTime<Utc>) -> Result<(), No> {
        if self.suspended {
            return Err("membership_suspended");
        }
        if self.until.is_some_and(|until| until <= now) {
            return Err("membership_ended");
        }
        Ok(())
    }

    /// T2: an Admin "who is neither suspended nor bound to end".
    pub fn is_lasting_admin(&self) -> bool {
        self.role == OrganizationRole::Admin && !self.suspended && self.until.is_none()
    }
}

impl Who {
    fn user(&self) -> Result<UserId, No> {
        match self {
            Self::User(user, _) => Ok(*user),
            Self::Operator => Err("user_required"),
        }
    }

    /// The address that they have verified.
    fn email(&self) -> Result<&String, No> {
        match self {
            Self::User(_, Some(email)) => Ok(email),
            Self::User(_, None) | Self::Operator => Err("email_unverified"),
        }
    }
}

/// M6: "an identity that is missing is nobody".
fn identity(user: UserId) -> Result<(), No> {
    if user.as_uuid().is_nil() {
        return Err("identity_missing");
    }
    Ok(())
}

impl Model {
    /// The letters of the matrix that somebody has there; none if it doesn't exist.
    fn letters(&self, who: &Who, on: On) -> Vec<&'static str> {
        let (On::Organization(id) | On::Workspace(id, _) | On::Domain(id, _)) = on;
        let Some(organization) = self.organizations.get(&id) else {
            return vec![];
        };
        let workspace = match on {
            On::Organization(_) => None,
            On::Workspace(_, workspace) if organization.workspaces.contains_key(&workspace) => {
                Some(workspace)
            }
            On::Domain(_, domain) if organization.domains.contains_key(&domain) => {
                Some(organization.domains[&domain].workspace)
            }
            On::Workspace(..) | On::Domain(..) => return vec![],
        };
        let Who::User(user, _) = who else {
            return vec!["op"];
        };
        let member = organization.members.get(user);
        let Some(member) = member.filter(|member| member.counts(self.now)) else {
            return vec![];
        };
        let mut letters = vec![match member.role {
            OrganizationRole::Admin => "A",
            OrganizationRole::Accounting => "C",
            OrganizationRole::Member => "M",
        }];
        if let Some(workspace) = workspace {
            if member.role == OrganizationRole::Admin {
                letters.push("wA");
            }
            match organization.role_in(workspace, *user, self.now) {
                Some(WorkspaceRole::Admin) => letters.push("wA"),
                Some(WorkspaceRole::Developer) => letters.push("wD"),
                Some(WorkspaceRole::Reader) => letters.push("wR"),
                None => {}
            }
        }
        letters
    }

    /// "May they?", A1 and A2.
    pub fn may<A: Listed>(&self, who: &Who, on: On, action: &A) -> Answer {
        let letters = self.letters(who, on);
        let (On::Organization(id) | On::Workspace(id, _) | On::Domain(id, _)) = on;
        let deleted = self.organizations.get(&id).is_some_and(|it| it.deleted);
        // A4: hidden comes first.
        if !meets(&letters, A::view()) && !self.added(who, on, A::viewing()) {
            return Answer::Hidden;
        }
        let added = action.asked().is_some_and(|it| self.added(who, on, it));
        if meets(&letters, action.ticks()) || added {
            if deleted && !action.goes_on_when_deleted() {
                return Answer::Deleted;
            }
            let suspended = self
                .organizations
                .get(&id)
                .is_some_and(|it| it.suspended.is_some());
            if suspended && *who != Who::Operator && !action.goes_on_when_suspended() {
                return Answer::Suspended;
            }
            return Answer::Allowed;
        }
        Answer::Forbidden(action.ticks())
    }

    fn check<A: Listed>(&self, who: &Who, on: On, action: &A) -> Result<(), No> {
        match self.may(who, on, action) {
            Answer::Allowed => Ok(()),
            Answer::Forbidden(_) => Err(FORBIDDEN),
            Answer::Hidden => Err(NOT_FOUND),
            Answer::Deleted => Err("organization_deleted"),
            Answer::Suspended => Err(SUSPENDED),
        }
    }

    /// T4: "nobody else changes anything until it is reinstated, but operators".
    fn changes_go_on(&self, who: &Who, id: OrganizationId) -> Result<(), No> {
        let it = self.organizations.get(&id);
        if *who != Who::Operator && it.is_some_and(|it| it.suspended.is_some()) {
            return Err(SUSPENDED);
        }
        Ok(())
    }

    /// The organization, for whoever may do that there.
    fn on_organization(
        &mut self,
        who: &Who,
        id: OrganizationId,
        action: OrganizationAction,
    ) -> Result<&mut Organization, No> {
        self.check(who, On::Organization(id), &action)?;
        self.organizations.get_mut(&id).ok_or(NOT_FOUND)
    }

    fn on_workspace(
        &mut self,
        who: &Who,
        id: OrganizationId,
        workspace: WorkspaceId,
        action: WorkspaceAction,
    ) -> Result<&mut Organization, No> {
        self.check(who, On::Workspace(id, workspace), &action)?;
        self.organizations.get_mut(&id).ok_or(NOT_FOUND)
    }

    fn on_domain(
        &mut self,
        who: &Who,
        id: OrganizationId,
        domain: DomainId,
        action: DomainAction,
    ) -> Result<&mut Organization, No> {
        self.check(who, On::Domain(id, domain), &action)?;
        self.organizations.get_mut(&id).ok_or(NOT_FOUND)
    }

    /// The world after a command. A refused one does nothing: work on a copy.
    ///
    /// # Errors
    ///
    /// The code of the refusal.
    pub fn ask(
        &self,
        choices: Choices,
        who: &Who,
        now: DateTime<Utc>,
        ask: &Ask,
        drawn: Drawn,
    ) -> Result<Self, No> {
        let mut after = self.clone();
        after.now = now;
        if let Who::User(user, _) = who {
            identity(*user)?;
        }
        let call = Call {
            choices,
            who,
            now,
            drawn,
        };
        after.lines.clear();
        after.carry_out(&call, ask)?;
        after.are_seats_left(self, choices, ask)?;
        Ok(after)
    }

    /// The invariants of the rulebook, over the whole deployment.
    pub fn invariants(&self) {
        for (id, it) in &self.organizations {
            if it.deleted {
                assert!(it.members.is_empty() && it.workspaces.is_empty() && it.domains.is_empty());
                assert_eq!(it.open().count(), 0);
            } else {
                assert!(it.admins() > 0, "O4, T2: {id} has no Admin who lasts");
            }
            for held in it.role_ends.keys() {
                assert!(it.roles.contains_key(held), "T3");
            }
            for (workspace, user) in it.roles.keys() {
                assert!(it.members.contains_key(user), "M1");
                assert!(it.workspaces.contains_key(workspace), "invariant 3");
            }
            for domain in it.domains.values() {
                assert!(it.workspaces.contains_key(&domain.workspace), "invariant 3");
                assert_eq!(self.names.get(&domain.name), Some(id), "D2");
            }
            for name in &it.retired {
                assert_eq!(self.names.get(name), Some(id), "D2");
            }
            for (number, role) in &it.own {
                assert!(it.may_add(role.base, &role.adds, None).is_ok(), "R3");
                assert!(!it.role_name_is_taken(&role.name, Some(*number)), "R1");
            }
            let held = it.members.values().filter_map(|member| member.own);
            let offered = it.open().filter_map(|(_, invitation)| invitation.own);
            for number in held.chain(it.own_there.values().copied()).chain(offered) {
                assert!(it.own.contains_key(&number), "invariant 10");
            }
            assert!(it.own_there.keys().all(|held| it.roles.contains_key(held)));
            let names = it.workspaces.values().map(|w| w.name.to_lowercase());
            let names: BTreeSet<_> = names.collect();
            assert_eq!(names.len(), it.workspaces.len(), "W3");
            let addresses: BTreeSet<_> = it.members.values().map(|m| normal(&m.email)).collect();
            assert_eq!(addresses.len(), it.members.len(), "M6");
            let open = it
                .open()
                .map(|(_, i)| (normal(&i.email), i.target.workspace()));
            let open: BTreeSet<_> = open.collect();
            assert_eq!(open.len(), it.open().count(), "I5");
        }
    }
}
