//! A second opinion: the rulebook once more, in plain maps, as naively as it reads.
//!
//! It shares nothing with the crate but the ids, the roles and the commands that go in: who may do what, it
//! reads in the rulebook's own table. It keeps whole worlds, looks at everything, optimizes nothing, and answers with refusal codes. Where it and the crate
//! disagree, one of them has misread the rulebook.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, CreateDomain, CreateOrganization,
    CreateWorkspace, DeactivateDomain, DeclineInvitation, DeleteDomain, DeleteOrganization,
    DeleteWorkspace, EditCompany, EditContract, EditInvoicing, EditWorkspaceInvoicing,
    FollowEmailChange, GiveWorkspaceRole, InviteToOrganization, InviteToWorkspace,
    LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain, ReleaseDomainName,
    RemoveMember, RenameOrganization, RenameWorkspace, ResendInvitation, RevokeInvitation,
    SetWorkspaceQuota, TakeWorkspaceRole,
};
use tenancy::store::InvitationState;
use tenancy::{
    CompanyInformation, DomainAction, DomainId, DomainKind, InvitationId, InvitationTarget,
    InvitationToken, InvoicingInformation, Layer, OrganizationAction, OrganizationId,
    OrganizationRole, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use crate::commands::Ask;
use crate::matrix::{Asked, ticked, view};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    User(UserId, Option<String>),
    Operator,
}

/// What the world draws for a command: the id of what is new, and the mark of a new link.
#[derive(Clone, Copy, Debug, Default)]
pub struct Drawn {
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
    pub domains: BTreeMap<DomainId, Domain>,
    /// Names of deleted domains.
    pub retired: BTreeSet<String>,
    pub invitations: BTreeMap<InvitationId, Invitation>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub role: OrganizationRole,
    /// As it was typed.
    pub email: Option<String>,
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
    pub expires: DateTime<Utc>,
    pub state: InvitationState,
}

/// The host's choices.
#[derive(Clone, Copy, Debug)]
pub struct Choices {
    pub validity: TimeDelta,
    pub limit: usize,
    pub quota: u32,
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
        let theirs = |m: &Member| m.email.as_deref().map(normal) == Some(normal(email));
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

    /// M2.
    fn let_go(&mut self, user: UserId) -> Result<(), No> {
        let member = self.members.get(&user).expect("asked before").clone();
        if member.role == OrganizationRole::Admin && self.admins() == 1 {
            return Err("last_admin");
        }
        self.members.remove(&user);
        self.roles.retain(|(_, holder), _| *holder != user);
        if let Some(email) = member.email {
            self.revoke_to(&email);
        }
        self.revoke_what_they_can_not_send(user);
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
        if meets(&letters, action.row()) {
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
        let organization = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
        if organization.deleted {
            return Err("organization_deleted");
        }
        Ok(organization)
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
                let email = who.email().cloned();
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
                    domains: BTreeMap::new(),
                    retired: BTreeSet::new(),
                    invitations: BTreeMap::new(),
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
                it.members.clear();
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
                it.roles.remove(&(*workspace, user));
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
                it.members.get_mut(user).ok_or(NOT_FOUND)?.role = *role;
                it.revoke_what_they_can_not_send(*user);
            }
            // M2
            Ask::RemoveMember(RemoveMember { organization, user }) => {
                let action = OrganizationAction::RemoveMember;
                let it = self.on_organization(who, *organization, action)?;
                if !it.members.contains_key(user) {
                    return Err("member_not_found");
                }
                it.let_go(*user)?;
            }
            // M3
            Ask::LeaveOrganization(LeaveOrganization { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.members.contains_key(&user) {
                    return Err(NOT_FOUND);
                }
                it.let_go(user)?;
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
                if !it.members.contains_key(user) {
                    return Err("member_not_found");
                }
                it.roles.insert((*workspace, *user), *role);
                it.revoke_what_they_can_not_send(*user);
            }
            // M4, I6
            Ask::TakeWorkspaceRole(TakeWorkspaceRole {
                organization,
                workspace,
                user,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if it.roles.remove(&(*workspace, *user)).is_none() {
                    return Err("member_not_found");
                }
                it.revoke_what_they_can_not_send(*user);
            }
            // M3, I6
            Ask::LeaveWorkspace(LeaveWorkspace {
                organization,
                workspace,
            }) => {
                let user = who.user()?;
                let action = WorkspaceAction::View;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if it.roles.remove(&(*workspace, user)).is_none() {
                    return Err("member_not_found");
                }
                it.revoke_what_they_can_not_send(user);
            }
            // M6
            Ask::FollowEmailChange(FollowEmailChange { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                let member = it.members.get_mut(&user).ok_or(NOT_FOUND)?;
                let email = who.email().ok_or("email_unverified")?.clone();
                let before = member.email.replace(email.clone());
                if let Some(before) = before.filter(|before| normal(before) != normal(&email)) {
                    it.revoke_to(&before);
                }
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
                let renewed = it.invitations.get_mut(invitation).ok_or(NOT_FOUND)?;
                renewed.inviter = user;
                renewed.link = drawn.link.unwrap_or_default();
                renewed.expires = now + choices.validity;
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
                let (user, email, invitation) = self.answered(who, now, token)?;
                let id = token.organization();
                let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
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
                let offered = match invitation.target {
                    InvitationTarget::Organization { role } => role,
                    InvitationTarget::Workspace { .. } => OrganizationRole::Member,
                };
                let joining = Member {
                    role: offered,
                    email: Some(email),
                };
                let member = it.members.entry(user).or_insert(joining);
                member.role = member.role.max(offered);
                if let InvitationTarget::Workspace { workspace, role } = invitation.target {
                    let held = it.roles.entry((workspace, user)).or_insert(role);
                    *held = (*held).max(role);
                }
                it.close(token.invitation(), InvitationState::Accepted);
            }
            Ask::DeclineInvitation(DeclineInvitation { token }) => {
                self.answered(who, now, token)?;
                let id = token.organization();
                let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
                it.close(token.invitation(), InvitationState::Declined);
            }
            Ask::AcceptReceivedInvitation(_) | Ask::DeclineReceivedInvitation(_) => {
                return Err("invitation_not_found"); // the next commit reads I11
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
                let email = Some(email.address().as_str().to_owned());
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
        let link = drawn.link.unwrap_or_default();
        let expires = now + choices.validity;
        let open = it.open().count();
        let same = it.invitations.values_mut().find(|i| {
            i.state == InvitationState::Open
                && normal(&i.email) == normal(email)
                && i.target.workspace() == target.workspace()
        });
        if let Some(renewed) = same {
            renewed.target = target;
            renewed.inviter = inviter;
            renewed.link = link;
            renewed.expires = expires;
            return Ok(());
        }
        if open >= choices.limit {
            return Err("too_many_invitations");
        }
        let invitation = Invitation {
            email: email.to_owned(),
            target,
            inviter,
            link,
            expires,
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

    /// I3, I4: what has to be so before an invitation is accepted or declined.
    fn answered(
        &self,
        who: &Who,
        now: DateTime<Utc>,
        token: &InvitationToken,
    ) -> Result<(UserId, String, Invitation), No> {
        let user = who.user()?;
        let it = self.organizations.get(&token.organization());
        let found = it.and_then(|it| it.invitations.get(&token.invitation()));
        let found = found.filter(|i| i.link == *token.hash().as_bytes());
        let found = found.ok_or("invitation_not_found")?;
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        let email = who.email().ok_or("email_unverified")?;
        if normal(email) != normal(&found.email) {
            return Err("wrong_account");
        }
        if now >= found.expires {
            return Err("invitation_expired");
        }
        Ok((user, email.clone(), found.clone()))
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
