//! A second opinion: the rulebook once more, in plain maps, as naively as it reads.
//!
//! It shares nothing with the crate but the ids, the roles and the commands that go in: who may do what, it
//! reads in the rulebook's own table. It keeps whole worlds, looks at everything, optimizes nothing, and answers with refusal codes. Where it and the crate
//! disagree, one of them has misread the rulebook.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, AppointAdmin, ChangeOrganizationRole, CreateDomain,
    CreateOrganization, CreateWorkspace, DeactivateDomain, DeclineInvitation,
    DeclineReceivedInvitation, DeleteDomain, DeleteOrganization, DeleteWorkspace, EditCompany,
    EditContract, EditInvoicing, EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole,
    InviteToOrganization, InviteToWorkspace, LeaveOrganization, LeaveWorkspace, MoveDomain,
    ReactivateDomain, ReleaseDomainName, RemoveMember, RenameOrganization, RenameWorkspace,
    ResendInvitation, RevokeInvitation, SetWorkspaceQuota, TakeWorkspaceRole,
};
use tenancy::store::InvitationState;
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, InvitationId, InvitationTarget,
    InvitationToken, InvoicingInformation, Layer, OrganizationAction, OrganizationId,
    OrganizationRole, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use crate::commands::Ask;
use crate::matrix::{Asked, ticked, view, words};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    User(UserId, Option<String>),
    Operator,
}

/// What the world draws for a command: the id of what is new, and the mark of a new link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawn {
    /// The version that it makes: what orders all that happens in an organization.
    pub version: u64,
    pub organization: Option<OrganizationId>,
    pub workspace: Option<WorkspaceId>,
    pub domain: Option<DomainId>,
    pub invitation: Option<InvitationId>,
    pub link: Option<Link>,
}

/// What tells one link from another.
pub type Link = [u8; 32];

/// The whole deployment, as the rulebook sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Model {
    pub organizations: BTreeMap<OrganizationId, Organization>,
    /// Which organization each domain name belongs to (D2).
    pub names: BTreeMap<String, OrganizationId>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub name: String,
    pub deleted: bool,
    pub quota: u32,
    pub company: Option<CompanyInformation>,
    pub invoicing: Option<InvoicingInformation>,
    pub contract: Option<String>,
    pub members: BTreeMap<UserId, Member>,
    pub workspaces: BTreeMap<WorkspaceId, Workspace>,
    pub roles: BTreeMap<(WorkspaceId, UserId), WorkspaceRole>,
    /// When a member's role was lowered last, in the organization (`None`) or a workspace (M4).
    pub lowered: BTreeMap<(UserId, Option<WorkspaceId>), u64>,
    /// When somebody departed last, from the organization (`None`) or a workspace (M2).
    pub departed: BTreeMap<(UserId, Option<WorkspaceId>), u64>,
    pub domains: BTreeMap<DomainId, Domain>,
    /// Names of deleted domains.
    pub retired: BTreeSet<String>,
    pub invitations: BTreeMap<InvitationId, Invitation>,
    /// The last day on which links were made, and how many on it (I8).
    pub links: (i64, u32),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: OrganizationRole,
    /// As it was typed.
    pub email: String,
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
    pub inviter: UserId,
    pub link: Link,
    /// The version that made the link, and the time.
    pub sent: (u64, DateTime<Utc>),
    pub expires: DateTime<Utc>,
    pub state: InvitationState,
}

/// The host's choices.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    pub validity: TimeDelta,
    pub limit: usize,
    pub quota: u32,
    /// How many links a day.
    pub links: u32,
    /// How long a link stands before the next.
    pub pause: TimeDelta,
}

/// An invitation that is answered, and by whom.
struct Answered {
    organization: OrganizationId,
    id: InvitationId,
    user: UserId,
    email: String,
    invitation: Invitation,
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
    /// The organization is, and only what is left of it can be read.
    Deleted,
}

type No = &'static str;

const NOT_FOUND: No = "not_found";
const FORBIDDEN: No = "forbidden";

/// An action on a layer, with its row of the rulebook's table.
pub trait Listed {
    /// The letters of the roles that may, as in `A C op`.
    fn row(&self) -> &'static str;
    /// The letters of those who may view what it is asked of.
    fn view() -> &'static str;
    /// Whether it is left when the organization is deleted.
    fn is_left(&self) -> bool {
        false
    }
}

macro_rules! listed {
    ($($action:ty: $asked:ident, $layer:ident;)+) => {$(
        impl Listed for $action {
            fn row(&self) -> &'static str {
                ticked(Asked::$asked(*self))
            }

            fn view() -> &'static str {
                ticked(view(Layer::$layer))
            }

            // The rulebook's row says so: "view …". So do names that wait for their release (D2).
            fn is_left(&self) -> bool {
                let asked = Asked::$asked(*self);
                let release = Asked::OnOrganization(OrganizationAction::ReleaseDomainName);
                words(asked).starts_with("view") || asked == release
            }
        }
    )+};
}

listed! {
    OrganizationAction: OnOrganization, Organization;
    WorkspaceAction: OnWorkspace, Workspace;
    DomainAction: OnDomain, Domain;
}

fn meets(letters: &[&str], row: &str) -> bool {
    row.split(' ').any(|letter| letters.contains(&letter))
}

/// M6: the normal form of an address; the tests' addresses are plain ASCII.
pub fn normal(email: &str) -> String {
    email.to_lowercase()
}

impl Who {
    fn user(&self) -> Result<UserId, No> {
        match self {
            Self::User(user, _) => Ok(*user),
            Self::Operator => Err("user_required"),
        }
    }

    fn email(&self) -> Option<&String> {
        match self {
            Self::User(_, email) => email.as_ref(),
            Self::Operator => None,
        }
    }
}

impl Organization {
    pub fn admins(&self) -> usize {
        let admins = self.members.values();
        admins.filter(|m| m.role == OrganizationRole::Admin).count()
    }

    pub fn open(&self) -> impl Iterator<Item = (&InvitationId, &Invitation)> {
        let all = self.invitations.iter();
        all.filter(|(_, invitation)| invitation.state == InvitationState::Open)
    }

    /// The members whose address that is.
    fn with_email(&self, email: &str) -> Vec<UserId> {
        let theirs = |m: &Member| normal(&m.email) == normal(email);
        let found = self.members.iter().filter(|(_, member)| theirs(member));
        found.map(|(user, _)| *user).collect()
    }

    /// The role that somebody acts with in a workspace: their own, or Admin by cascade.
    fn acting_role(&self, workspace: WorkspaceId, user: UserId) -> Option<WorkspaceRole> {
        let own = self.roles.get(&(workspace, user)).copied();
        match self.members.get(&user)?.role {
            OrganizationRole::Admin => Some(WorkspaceRole::Admin),
            _ => own,
        }
    }

    /// I2: whether that user may send an invitation of that address to that.
    fn may_send(&self, user: UserId, email: &str, target: InvitationTarget) -> bool {
        let Some(member) = self.members.get(&user) else {
            return false;
        };
        let admin = member.role == OrganizationRole::Admin;
        match target {
            InvitationTarget::Organization { .. } => admin,
            InvitationTarget::Workspace { workspace, .. } => {
                let own = self.roles.get(&(workspace, user));
                let known = !self.with_email(email).is_empty();
                admin || (own == Some(&WorkspaceRole::Admin) && known)
            }
        }
    }

    /// I6, after somebody lost something.
    fn revoke_what_they_can_not_send(&mut self, user: UserId) {
        let lost: Vec<_> = self
            .open()
            .filter(|(_, i)| i.inviter == user && !self.may_send(user, &i.email, i.target))
            .map(|(id, _)| *id)
            .collect();
        for id in lost {
            self.close(id, InvitationState::Revoked);
        }
    }

    fn revoke_to(&mut self, email: &str) {
        let to_them: Vec<_> = self
            .open()
            .filter(|(_, i)| normal(&i.email) == normal(email))
            .map(|(id, _)| *id)
            .collect();
        for id in to_them {
            self.close(id, InvitationState::Revoked);
        }
    }

    fn close(&mut self, id: InvitationId, state: InvitationState) {
        self.invitations.get_mut(&id).expect("it is there").state = state;
    }

    /// M4: of what is to an address known to be theirs, what would give back more than they were left with.
    fn revoke_what_is_above(
        &mut self,
        user: UserId,
        email: &str,
        concerned: impl Fn(Option<WorkspaceId>) -> bool,
    ) {
        let above = |target: InvitationTarget| match target {
            InvitationTarget::Organization { role } => {
                Some(role) > self.members.get(&user).map(|member| member.role)
            }
            InvitationTarget::Workspace { workspace, role } => {
                Some(role) > self.roles.get(&(workspace, user)).copied()
            }
        };
        let above: Vec<_> = self
            .open()
            .filter(|(_, i)| normal(&i.email) == normal(email))
            .filter(|(_, i)| concerned(i.target.workspace()) && above(i.target))
            .map(|(id, _)| *id)
            .collect();
        for id in above {
            self.close(id, InvitationState::Revoked);
        }
    }

    /// M4: a workspace role goes, and all that it was needed for. `false` if there is none.
    fn loses(&mut self, workspace: WorkspaceId, user: UserId, version: u64) -> bool {
        if self.roles.remove(&(workspace, user)).is_none() {
            return false;
        }
        self.lowered.remove(&(user, Some(workspace)));
        self.departed.insert((user, Some(workspace)), version);
        self.revoke_what_they_can_not_send(user);
        let email = self.members[&user].email.clone();
        self.revoke_what_is_above(user, &email, |of| of == Some(workspace));
        true
    }

    /// M2.
    fn let_go(&mut self, user: UserId, version: u64) -> Result<(), No> {
        let member = self.members.get(&user).expect("asked before").clone();
        if member.role == OrganizationRole::Admin && self.admins() == 1 {
            return Err("last_admin");
        }
        self.departs(user, version);
        self.revoke_to(&member.email);
        self.revoke_what_they_can_not_send(user);
        Ok(())
    }

    /// Who departs from an organization departs from all of it.
    fn departs(&mut self, user: UserId, version: u64) {
        self.members.remove(&user);
        self.roles.retain(|(_, holder), _| *holder != user);
        self.lowered.retain(|(holder, _), _| *holder != user);
        self.departed.retain(|(holder, _), _| *holder != user);
        self.departed.insert((user, None), version);
    }

    /// M6: an address is one member's.
    fn is_theirs_alone(&self, user: UserId, email: &str) -> Result<(), No> {
        let alone = self.with_email(email).iter().all(|other| *other == user);
        alone.then_some(()).ok_or("email_in_use")
    }

    /// M6: a member shows an address, and the membership has it.
    fn shows(&mut self, user: UserId, email: &str) {
        let member = self.members.get_mut(&user).expect("asked before");
        let before = core::mem::replace(&mut member.email, email.to_owned());
        if normal(&before) != normal(email) {
            self.revoke_to(&before);
        }
    }

    /// M2, M4: whether that was sent before they departed, or before what they have was lowered.
    fn is_outdated(&self, user: UserId, invitation: &Invitation) -> bool {
        let there = [None, invitation.target.workspace()];
        there.into_iter().any(|of| {
            let happened = [&self.departed, &self.lowered];
            let last = happened.map(|all| all.get(&(user, of)).copied());
            last.into_iter()
                .flatten()
                .any(|last| last > invitation.sent.0)
        })
    }

    /// I8: one link more today.
    fn link(&mut self, choices: Choices, now: DateTime<Utc>) -> Result<(), No> {
        let today = now.timestamp().div_euclid(86_400);
        let made = if self.links.0 == today {
            self.links.1
        } else {
            0
        };
        if made >= choices.links {
            return Err("too_many_links");
        }
        self.links = (today, made + 1);
        Ok(())
    }

    /// I5, I8.
    fn renew(
        &mut self,
        choices: Choices,
        id: InvitationId,
        inviter: UserId,
        target: InvitationTarget,
        now: DateTime<Utc>,
        drawn: Drawn,
    ) -> Result<(), No> {
        if now < self.invitations[&id].sent.1 + choices.pause {
            return Err("resent_too_soon");
        }
        self.link(choices, now)?;
        let renewed = self.invitations.get_mut(&id).expect("it is there");
        renewed.target = target;
        renewed.inviter = inviter;
        renewed.link = drawn.link.unwrap_or_default();
        renewed.sent = (drawn.version, now);
        renewed.expires = now + choices.validity;
        Ok(())
    }

    /// I5: whether somebody with that address has that already, or more.
    fn already_has(&self, email: &str, target: InvitationTarget) -> bool {
        self.with_email(email).into_iter().any(|user| match target {
            InvitationTarget::Organization { role } => self.members[&user].role >= role,
            InvitationTarget::Workspace { workspace, role } => {
                self.acting_role(workspace, user) >= Some(role)
            }
        })
    }

    fn name_is_taken(&self, name: &str, but: Option<WorkspaceId>) -> bool {
        self.workspaces.iter().any(|(id, workspace)| {
            Some(*id) != but && workspace.name.to_lowercase() == name.to_lowercase()
        })
    }
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
        let Some(member) = organization.members.get(user) else {
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
            match organization.roles.get(&(workspace, *user)) {
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
        if meets(&letters, action.row()) && deleted && !action.is_left() {
            Answer::Deleted
        } else if meets(&letters, action.row()) {
            Answer::Allowed
        } else if meets(&letters, A::view()) {
            Answer::Forbidden(action.row())
        } else {
            Answer::Hidden
        }
    }

    fn check<A: Listed>(&self, who: &Who, on: On, action: &A) -> Result<(), No> {
        match self.may(who, on, action) {
            Answer::Allowed => Ok(()),
            Answer::Forbidden(_) => Err(FORBIDDEN),
            Answer::Hidden => Err(NOT_FOUND),
            Answer::Deleted => Err("organization_deleted"),
        }
    }

    /// The organization, for whoever may do that there, while it is not deleted.
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

    /// What a command does, or the code of the refusal. A refused command does nothing: work on a copy.
    pub fn ask(
        &self,
        choices: Choices,
        who: &Who,
        now: DateTime<Utc>,
        ask: &Ask,
        drawn: Drawn,
    ) -> Result<Self, No> {
        let mut after = self.clone();
        after.do_it(choices, who, now, ask, drawn)?;
        Ok(after)
    }

    fn do_it(
        &mut self,
        choices: Choices,
        who: &Who,
        now: DateTime<Utc>,
        ask: &Ask,
        drawn: Drawn,
    ) -> Result<(), No> {
        match ask {
            // O1, O2
            Ask::CreateOrganization(CreateOrganization { name }) => {
                let user = who.user()?;
                let name = name.as_str().to_owned();
                let role = OrganizationRole::Admin;
                let email = who.email().ok_or("email_unverified")?.clone();
                let first = Workspace {
                    name: name.clone(),
                    invoicing: None,
                };
                let organization = Organization {
                    name,
                    deleted: false,
                    quota: choices.quota,
                    company: None,
                    invoicing: None,
                    contract: None,
                    members: [(user, Member { role, email })].into(),
                    workspaces: drawn.workspace.map(|id| (id, first)).into_iter().collect(),
                    roles: BTreeMap::new(),
                    lowered: BTreeMap::new(),
                    departed: BTreeMap::new(),
                    domains: BTreeMap::new(),
                    retired: BTreeSet::new(),
                    invitations: BTreeMap::new(),
                    links: (0, 0),
                };
                if let Some(id) = drawn.organization {
                    self.organizations.insert(id, organization);
                }
            }
            // O5
            Ask::RenameOrganization(RenameOrganization { organization, name }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Rename)?;
                it.name = name.as_str().to_owned();
            }
            Ask::EditCompany(EditCompany {
                organization,
                company,
            }) => {
                let action = OrganizationAction::EditCompany;
                let it = self.on_organization(who, *organization, action)?;
                it.company.clone_from(company);
            }
            Ask::EditInvoicing(EditInvoicing {
                organization,
                invoicing,
            }) => {
                let action = OrganizationAction::EditInvoicing;
                let it = self.on_organization(who, *organization, action)?;
                it.invoicing.clone_from(invoicing);
            }
            // O6
            Ask::DeleteOrganization(DeleteOrganization { organization }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Delete)?;
                if !it.workspaces.is_empty() || it.members.len() > 1 {
                    return Err("organization_not_empty");
                }
                for invitation in it.invitations.values_mut() {
                    if invitation.state == InvitationState::Open {
                        invitation.state = InvitationState::Revoked;
                    }
                }
                for user in it.members.keys().copied().collect::<Vec<_>>() {
                    it.departs(user, drawn.version);
                }
                it.deleted = true;
                it.company = None;
                it.invoicing = None;
                it.contract = None;
            }
            // W1, W2, W3
            Ask::CreateWorkspace(CreateWorkspace { organization, name }) => {
                let action = OrganizationAction::CreateWorkspace;
                let it = self.on_organization(who, *organization, action)?;
                if it.workspaces.len() >= it.quota as usize {
                    return Err("quota_reached");
                }
                if it.name_is_taken(name.as_str(), None) {
                    return Err("workspace_name_taken");
                }
                let name = name.as_str().to_owned();
                let invoicing = None;
                let new = drawn
                    .workspace
                    .map(|id| (id, Workspace { name, invoicing }));
                it.workspaces.extend(new);
            }
            // W3
            Ask::RenameWorkspace(RenameWorkspace {
                organization,
                workspace,
                name,
            }) => {
                let action = WorkspaceAction::Rename;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if it.name_is_taken(name.as_str(), Some(*workspace)) {
                    return Err("workspace_name_taken");
                }
                let renamed = it.workspaces.get_mut(workspace).ok_or(NOT_FOUND)?;
                renamed.name = name.as_str().to_owned();
            }
            // O5
            Ask::EditWorkspaceInvoicing(EditWorkspaceInvoicing {
                organization,
                workspace,
                invoicing,
            }) => {
                let action = WorkspaceAction::EditInvoicing;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let edited = it.workspaces.get_mut(workspace).ok_or(NOT_FOUND)?;
                edited.invoicing.clone_from(invoicing);
            }
            // W4
            Ask::DeleteWorkspace(DeleteWorkspace {
                organization,
                workspace,
            }) => {
                let action = WorkspaceAction::Delete;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let user = who.user()?;
                let domains = it.domains.values().any(|d| d.workspace == *workspace);
                let mut holders = it.roles.keys().filter(|(id, _)| id == workspace);
                if domains || holders.any(|(_, holder)| *holder != user) {
                    return Err("workspace_not_empty");
                }
                it.loses(*workspace, user, drawn.version);
                for invitation in it.invitations.values_mut() {
                    if invitation.state == InvitationState::Open
                        && invitation.target.workspace() == Some(*workspace)
                    {
                        invitation.state = InvitationState::Revoked;
                    }
                }
                it.workspaces.remove(workspace);
            }
            // D1, D2
            Ask::CreateDomain(CreateDomain {
                organization,
                workspace,
                name,
                kind,
            }) => {
                let action = WorkspaceAction::CreateDomain;
                let owner = self.names.get(name.as_str()).copied();
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let here = it.domains.values().any(|d| d.name == name.as_str());
                if here || owner.is_some_and(|owner| owner != *organization) {
                    return Err("domain_name_taken");
                }
                let domain = Domain {
                    workspace: *workspace,
                    name: name.as_str().to_owned(),
                    kind: *kind,
                    active: true,
                };
                it.retired.remove(name.as_str());
                it.domains.extend(drawn.domain.map(|id| (id, domain)));
                self.names.insert(name.as_str().to_owned(), *organization);
            }
            // D3
            Ask::DeactivateDomain(DeactivateDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Deactivate;
                let it = self.on_domain(who, *organization, *domain, action)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.active = false;
            }
            Ask::ReactivateDomain(ReactivateDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Reactivate;
                let it = self.on_domain(who, *organization, *domain, action)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.active = true;
            }
            // "move to another workspace of the organization (on both)"
            Ask::MoveDomain(MoveDomain {
                organization,
                domain,
                to,
            }) => {
                self.on_domain(who, *organization, *domain, DomainAction::Move)?;
                let there = self.letters(who, On::Workspace(*organization, *to));
                if !meets(&there, DomainAction::Move.row()) {
                    let seen = meets(&there, WorkspaceAction::view());
                    return Err(if seen { FORBIDDEN } else { NOT_FOUND });
                }
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.workspace = *to;
            }
            Ask::DeleteDomain(DeleteDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Delete;
                let it = self.on_domain(who, *organization, *domain, action)?;
                let gone = it.domains.remove(domain).ok_or(NOT_FOUND)?;
                it.retired.insert(gone.name);
            }
            // M5, O4, I6
            Ask::ChangeOrganizationRole(ChangeOrganizationRole {
                organization,
                user,
                role,
            }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                let held = it.members.get(user).ok_or("member_not_found")?.role;
                let last = it.admins() == 1;
                if held == OrganizationRole::Admin && *role != OrganizationRole::Admin && last {
                    return Err("last_admin");
                }
                let member = it.members.get_mut(user).ok_or(NOT_FOUND)?;
                member.role = *role;
                if *role < held {
                    let email = member.email.clone();
                    it.lowered.insert((*user, None), drawn.version);
                    it.revoke_what_they_can_not_send(*user);
                    it.revoke_what_is_above(*user, &email, |_| true);
                }
            }
            // M2
            Ask::RemoveMember(RemoveMember { organization, user }) => {
                let action = OrganizationAction::RemoveMember;
                let it = self.on_organization(who, *organization, action)?;
                if !it.members.contains_key(user) {
                    return Err("member_not_found");
                }
                it.let_go(*user, drawn.version)?;
            }
            // M3
            Ask::LeaveOrganization(LeaveOrganization { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.members.contains_key(&user) {
                    return Err(NOT_FOUND);
                }
                it.let_go(user, drawn.version)?;
            }
            // M1, M5, I6
            Ask::GiveWorkspaceRole(GiveWorkspaceRole {
                organization,
                workspace,
                user,
                role,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let email = it
                    .members
                    .get(user)
                    .ok_or("member_not_found")?
                    .email
                    .clone();
                let held = it.roles.insert((*workspace, *user), *role);
                if held > Some(*role) {
                    it.lowered.insert((*user, Some(*workspace)), drawn.version);
                    it.revoke_what_they_can_not_send(*user);
                    it.revoke_what_is_above(*user, &email, |of| of == Some(*workspace));
                }
            }
            // M4, I6
            Ask::TakeWorkspaceRole(TakeWorkspaceRole {
                organization,
                workspace,
                user,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if !it.loses(*workspace, *user, drawn.version) {
                    return Err("member_not_found");
                }
            }
            // M3, I6
            Ask::LeaveWorkspace(LeaveWorkspace {
                organization,
                workspace,
            }) => {
                let user = who.user()?;
                let action = WorkspaceAction::View;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if !it.loses(*workspace, user, drawn.version) {
                    return Err("member_not_found");
                }
            }
            // M6
            Ask::FollowEmailChange(FollowEmailChange { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.members.contains_key(&user) {
                    return Err(NOT_FOUND);
                }
                let email = who.email().ok_or("email_unverified")?.clone();
                it.is_theirs_alone(user, &email)?;
                it.shows(user, &email);
            }
            Ask::InviteToOrganization(InviteToOrganization {
                organization,
                email,
                role,
            }) => {
                let action = OrganizationAction::Invite;
                self.on_organization(who, *organization, action)?;
                let target = InvitationTarget::Organization { role: *role };
                self.invite(
                    choices,
                    who,
                    now,
                    *organization,
                    email.as_str(),
                    target,
                    drawn,
                )?;
            }
            Ask::InviteToWorkspace(InviteToWorkspace {
                organization,
                workspace,
                email,
                role,
            }) => {
                let action = WorkspaceAction::InviteMember;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if it.with_email(email.as_str()).is_empty() {
                    let action = WorkspaceAction::InviteNewcomer;
                    self.on_workspace(who, *organization, *workspace, action)?;
                }
                let target = InvitationTarget::Workspace {
                    workspace: *workspace,
                    role: *role,
                };
                self.invite(
                    choices,
                    who,
                    now,
                    *organization,
                    email.as_str(),
                    target,
                    drawn,
                )?;
            }
            // I4, I5
            Ask::ResendInvitation(ResendInvitation {
                organization,
                invitation,
            }) => {
                let user = self.may_manage(who, *organization, *invitation)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                let old = it.invitations[invitation].clone();
                if it.already_has(&old.email, old.target) {
                    return Err("already_has_role");
                }
                it.renew(choices, *invitation, user, old.target, now, drawn)?;
            }
            Ask::RevokeInvitation(RevokeInvitation {
                organization,
                invitation,
            }) => {
                self.may_manage(who, *organization, *invitation)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.close(*invitation, InvitationState::Revoked);
            }
            // I1, I3, I6, I7
            Ask::AcceptInvitation(AcceptInvitation { token }) => {
                let answered = self.by_link(who, token)?;
                self.accept(now, answered)?;
            }
            Ask::DeclineInvitation(DeclineInvitation { token }) => {
                let answered = self.by_link(who, token)?;
                self.decline(now, answered)?;
            }
            // I11
            Ask::AcceptReceivedInvitation(AcceptReceivedInvitation {
                organization,
                invitation,
            }) => {
                let answered = self.by_address(who, *organization, *invitation)?;
                self.accept(now, answered)?;
            }
            Ask::DeclineReceivedInvitation(DeclineReceivedInvitation {
                organization,
                invitation,
            }) => {
                let answered = self.by_address(who, *organization, *invitation)?;
                self.decline(now, answered)?;
            }
            // W2
            Ask::SetWorkspaceQuota(SetWorkspaceQuota {
                organization,
                quota,
            }) => {
                let action = OrganizationAction::SetWorkspaceQuota;
                self.on_organization(who, *organization, action)?.quota = *quota;
            }
            Ask::EditContract(EditContract {
                organization,
                contract,
            }) => {
                let action = OrganizationAction::EditContract;
                let it = self.on_organization(who, *organization, action)?;
                it.contract = contract.as_ref().map(|line| line.as_str().to_owned());
            }
            // O4
            Ask::AppointAdmin(AppointAdmin {
                organization,
                user,
                email,
            }) => {
                let action = OrganizationAction::AppointAdmin;
                let it = self.on_organization(who, *organization, action)?;
                let role = OrganizationRole::Admin;
                let email = email.address().as_str().to_owned();
                if !it.members.contains_key(user) {
                    it.is_theirs_alone(*user, &email)?;
                }
                let joining = Member { role, email };
                it.members.entry(*user).or_insert(joining).role = role;
            }
            // D2; also of a deleted organization
            Ask::ReleaseDomainName(ReleaseDomainName { organization, name }) => {
                let on = On::Organization(*organization);
                self.check(who, on, &OrganizationAction::ReleaseDomainName)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.retired.remove(name.as_str()) {
                    return Err("domain_name_not_retired");
                }
                self.names.remove(name.as_str());
            }
        }
        Ok(())
    }

    /// I5, I8. Whether they may at all is asked before.
    #[expect(clippy::too_many_arguments, reason = "a helper")]
    fn invite(
        &mut self,
        choices: Choices,
        who: &Who,
        now: DateTime<Utc>,
        id: OrganizationId,
        email: &str,
        target: InvitationTarget,
        drawn: Drawn,
    ) -> Result<(), No> {
        let inviter = who.user()?;
        let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
        if it.already_has(email, target) {
            return Err("already_has_role");
        }
        let same = it.open().find(|(_, i)| {
            normal(&i.email) == normal(email) && i.target.workspace() == target.workspace()
        });
        if let Some((same, _)) = same {
            let same = *same;
            return it.renew(choices, same, inviter, target, now, drawn);
        }
        it.link(choices, now)?;
        if it.open().count() >= choices.limit {
            return Err("too_many_invitations");
        }
        let invitation = Invitation {
            email: email.to_owned(),
            target,
            inviter,
            link: drawn.link.unwrap_or_default(),
            sent: (drawn.version, now),
            expires: now + choices.validity,
            state: InvitationState::Open,
        };
        it.invitations
            .extend(drawn.invitation.map(|id| (id, invitation)));
        Ok(())
    }

    /// I5: "who may invite may also revoke or resend". Who may not view it is told nothing of it (A2).
    fn may_manage(
        &self,
        who: &Who,
        id: OrganizationId,
        invitation: InvitationId,
    ) -> Result<UserId, No> {
        let on = On::Organization(id);
        let it = self.organizations.get(&id);
        let found = it.and_then(|it| it.invitations.get(&invitation));
        let mut views_all = self.check(who, on, &OrganizationAction::ViewInvitations);
        if views_all.is_ok() && it.is_some_and(|it| it.deleted) {
            views_all = Err("organization_deleted");
        }
        let Some(found) = found else {
            views_all?;
            return Err("invitation_not_found");
        };
        let there = found
            .target
            .workspace()
            .map_or(on, |w| On::Workspace(id, w));
        let views_these = found.target.workspace().is_some()
            && self.may(who, there, &WorkspaceAction::ViewInvitations) == Answer::Allowed;
        if !views_these {
            views_all?;
        }
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        match found.target {
            InvitationTarget::Organization { .. } => {
                self.check(who, on, &OrganizationAction::Invite)?;
            }
            InvitationTarget::Workspace { .. } => {
                self.check(who, there, &WorkspaceAction::InviteMember)?;
                if self.organizations[&id].with_email(&found.email).is_empty() {
                    self.check(who, there, &WorkspaceAction::InviteNewcomer)?;
                }
            }
        }
        who.user()
    }

    /// I3: the invitation that a link opens, for whoever shows the invited address.
    fn by_link(&self, who: &Who, token: &InvitationToken) -> Result<Answered, No> {
        let user = who.user()?;
        let (organization, id) = (token.organization(), token.invitation());
        let it = self.organizations.get(&organization);
        let found = it.and_then(|it| it.invitations.get(&id));
        let found = found.filter(|i| i.link == *token.hash().as_bytes());
        let found = found.ok_or("invitation_not_found")?;
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        let email = who.email().ok_or("email_unverified")?;
        if normal(email) != normal(&found.email) {
            return Err("wrong_account");
        }
        Ok(Answered {
            organization,
            id,
            user,
            email: email.clone(),
            invitation: found.clone(),
        })
    }

    /// I11: the invitation that is listed to an address.
    fn by_address(
        &self,
        who: &Who,
        organization: OrganizationId,
        id: InvitationId,
    ) -> Result<Answered, No> {
        let user = who.user()?;
        let email = who.email().ok_or("email_unverified")?;
        let it = self.organizations.get(&organization);
        let found = it.and_then(|it| it.invitations.get(&id));
        let found = found.filter(|i| normal(&i.email) == normal(email));
        let found = found.ok_or("invitation_not_found")?;
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        Ok(Answered {
            organization,
            id,
            user,
            email: email.clone(),
            invitation: found.clone(),
        })
    }

    fn decline(&mut self, now: DateTime<Utc>, answered: Answered) -> Result<(), No> {
        if now >= answered.invitation.expires {
            return Err("invitation_expired");
        }
        let it = self.organizations.get_mut(&answered.organization);
        it.ok_or(NOT_FOUND)?
            .close(answered.id, InvitationState::Declined);
        Ok(())
    }

    /// I1, I4, I6, I7, M2, M4, M6.
    fn accept(&mut self, now: DateTime<Utc>, answered: Answered) -> Result<(), No> {
        let Answered {
            organization,
            id,
            user,
            email,
            invitation,
        } = answered;
        if now >= invitation.expires {
            return Err("invitation_expired");
        }
        let it = self.organizations.get_mut(&organization).ok_or(NOT_FOUND)?;
        // I6: could the inviter still send it, to whoever this is?
        let known = it.members.contains_key(&user);
        let inviter = it.members.get(&invitation.inviter).map(|m| m.role);
        let admin = inviter == Some(OrganizationRole::Admin);
        let still = match invitation.target {
            InvitationTarget::Organization { .. } => admin,
            InvitationTarget::Workspace { workspace, .. } => {
                let role = it.roles.get(&(workspace, invitation.inviter));
                let direct = inviter.is_some() && role == Some(&WorkspaceRole::Admin);
                admin || (direct && known)
            }
        };
        if !still {
            return Err("inviter_lost_authority");
        }
        it.is_theirs_alone(user, &email)?;
        let (offered, there) = match invitation.target {
            InvitationTarget::Organization { role } => (role, None),
            InvitationTarget::Workspace { workspace, role } => {
                (OrganizationRole::Member, Some((workspace, role)))
            }
        };
        let has = it.members.get(&user).map(|member| member.role);
        let raised = has < Some(offered);
        let placed = there
            .filter(|(workspace, role)| it.roles.get(&(*workspace, user)).copied() < Some(*role));
        if (raised || placed.is_some()) && it.is_outdated(user, &invitation) {
            return Err("invitation_outdated");
        }
        if has.is_some() && normal(&it.members[&user].email) != normal(&email) {
            it.shows(user, &email);
        }
        let joining = Member {
            role: offered,
            email,
        };
        let member = it.members.entry(user).or_insert(joining);
        member.role = member.role.max(offered);
        if let Some((workspace, role)) = placed {
            it.roles.insert((workspace, user), role);
        }
        it.close(id, InvitationState::Accepted);
        Ok(())
    }

    /// The invariants of the rulebook, over the whole deployment.
    pub fn invariants(&self) {
        for (id, it) in &self.organizations {
            if it.deleted {
                assert!(it.members.is_empty() && it.workspaces.is_empty() && it.domains.is_empty());
                assert_eq!(it.open().count(), 0);
            } else {
                assert!(it.admins() > 0, "O4: {id} has no Admin");
            }
            let addresses: BTreeSet<_> = it.members.values().map(|m| normal(&m.email)).collect();
            assert_eq!(addresses.len(), it.members.len(), "M6");
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
            let names = it.workspaces.values().map(|w| w.name.to_lowercase());
            let names: BTreeSet<_> = names.collect();
            assert_eq!(names.len(), it.workspaces.len(), "W3");
            let open = it
                .open()
                .map(|(_, i)| (normal(&i.email), i.target.workspace()));
            let open: BTreeSet<_> = open.collect();
            assert_eq!(open.len(), it.open().count(), "I5");
        }
    }
}
