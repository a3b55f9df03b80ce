//! Roles of an organization's own, in the rulebook's words (R1–R8).

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use tenancy::{
    DomainAction, DomainId, DomainKind, Grants, InvitationTarget, Layer, OrganizationAction,
    OrganizationId, OrganizationRole, Role, RoleBase, RoleNumber, UserId, WorkspaceAction,
    WorkspaceId, WorkspaceRole,
};

use super::{Invitation, Model, No, On, Organization, Who, meets};
use crate::matrix::{Asked, ticked};

/// "A base, and added actions."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRole {
    pub name: String,
    pub base: RoleBase,
    pub adds: BTreeSet<Adding>,
    pub retired: bool,
}

/// An added action; one on domains for one kind of them (R4).
pub type Adding = (Asked, Option<DomainKind>);

const KINDS: [DomainKind; 2] = [DomainKind::Sandbox, DomainKind::Production];

/// R3: "over people, roles, limits, and the deletion of organizations and workspaces".
fn reserved(action: Asked) -> bool {
    match action {
        Asked::OnOrganization(action) => matches!(
            action,
            OrganizationAction::ManageRoles
                | OrganizationAction::Invite
                | OrganizationAction::RemoveMember
                | OrganizationAction::SuspendMember
                | OrganizationAction::EndMembership
                | OrganizationAction::SetLimits
                | OrganizationAction::SetWorkspaceQuota
                | OrganizationAction::AppointAdmin
                | OrganizationAction::Delete
        ),
        Asked::OnWorkspace(action) => matches!(
            action,
            WorkspaceAction::ManageRoles
                | WorkspaceAction::InviteMember
                | WorkspaceAction::InviteNewcomer
                | WorkspaceAction::Delete
        ),
        Asked::OnDomain(_) => false,
    }
}

fn layer(action: Asked) -> Layer {
    match action {
        Asked::OnOrganization(_) => Layer::Organization,
        Asked::OnWorkspace(_) => Layer::Workspace,
        Asked::OnDomain(_) => Layer::Domain,
    }
}

/// R3: what the Admin of that layer effectively may do, at it or below.
pub fn within(of: Layer, action: Asked) -> bool {
    let admin: &[&str] = match (of, layer(action)) {
        (Layer::Organization, Layer::Organization) => &["A"],
        (Layer::Organization, _) => &["A", "wA"],
        (_, Layer::Organization) => &[],
        (_, _) => &["wA"],
    };
    !reserved(action) && meets(admin, ticked(action))
}

/// Every action.
pub fn all_actions() -> impl Iterator<Item = Asked> {
    let organization = OrganizationAction::ALL.into_iter();
    let workspace = WorkspaceAction::ALL.into_iter();
    let domain = DomainAction::ALL.into_iter();
    organization
        .map(Asked::OnOrganization)
        .chain(workspace.map(Asked::OnWorkspace))
        .chain(domain.map(Asked::OnDomain))
}

/// What is in a set of grants, with the views that it brings (R5).
pub fn adding(grants: Grants) -> BTreeSet<Adding> {
    let mut all = BTreeSet::new();
    for action in all_actions() {
        match action {
            Asked::OnOrganization(it) => {
                if Grants::of(it).is_ok_and(|one| grants.contains(one)) {
                    all.insert((action, None));
                }
            }
            Asked::OnWorkspace(it) => {
                if Grants::of(it).is_ok_and(|one| grants.contains(one)) {
                    all.insert((action, None));
                    all.insert((Asked::OnWorkspace(WorkspaceAction::View), None));
                }
            }
            Asked::OnDomain(it) => {
                for kind in KINDS {
                    if Grants::on(kind, it).is_ok_and(|one| grants.contains(one)) {
                        all.insert((action, Some(kind)));
                        all.insert((Asked::OnDomain(DomainAction::View), Some(kind)));
                        all.insert((Asked::OnWorkspace(WorkspaceAction::View), None));
                    }
                }
            }
        }
    }
    all
}

fn base_of_organization(base: RoleBase) -> Option<OrganizationRole> {
    match base {
        RoleBase::Member => Some(OrganizationRole::Member),
        RoleBase::Accounting => Some(OrganizationRole::Accounting),
        RoleBase::Reader | RoleBase::Developer => None,
    }
}

fn base_of_workspace(base: RoleBase) -> Option<WorkspaceRole> {
    match base {
        RoleBase::Reader => Some(WorkspaceRole::Reader),
        RoleBase::Developer => Some(WorkspaceRole::Developer),
        RoleBase::Member | RoleBase::Accounting => None,
    }
}

/// What somebody holds at one layer: a base, and perhaps a role of the organization's own.
pub type Holding<B> = (B, Option<RoleNumber>);

/// Whether holding the one is holding the other, or more: by the base, as "whoever holds it counts as its base
/// everywhere" (R2).
pub fn covers<B: Ord>((base, own): Holding<B>, (other, theirs): Holding<B>) -> bool {
    base > other || base == other && (theirs.is_none() || theirs == own)
}

/// Whether the second is more than the first, and takes nothing of it away (I7).
pub fn raises<B: Ord>((base, own): Holding<B>, (other, theirs): Holding<B>) -> bool {
    other > base || other == base && own.is_none() && theirs.is_some()
}

/// Whether the second takes something of the first away (M4).
pub fn lowers<B: Ord>((base, own): Holding<B>, (other, theirs): Holding<B>) -> bool {
    other < base || other == base && own.is_some() && theirs != own
}

impl Organization {
    pub(super) fn own_role(&self, number: RoleNumber) -> Result<&OwnRole, No> {
        self.own.get(&number).ok_or("role_not_found")
    }

    fn to_give<B>(
        &self,
        number: RoleNumber,
        base: fn(RoleBase) -> Option<B>,
    ) -> Result<Holding<B>, No> {
        let role = self.own_role(number)?;
        let base = base(role.base).ok_or("role_not_found")?;
        self.in_force(Some(number))?;
        Ok((base, Some(number)))
    }

    /// R7: a retired role isn't given.
    pub(super) fn in_force(&self, number: Option<RoleNumber>) -> Result<(), No> {
        match number.and_then(|number| self.own.get(&number)) {
            Some(role) if role.retired => Err("role_is_retired"),
            _ => Ok(()),
        }
    }

    /// What is held in the organization by whoever is given that.
    pub(super) fn given(
        &self,
        role: Role<OrganizationRole>,
    ) -> Result<Holding<OrganizationRole>, No> {
        match role {
            Role::BuiltIn(role) => Ok((role, None)),
            Role::Own(number) => self.to_give(number, base_of_organization),
        }
    }

    /// What is held in a workspace by whoever is given that there.
    pub(super) fn given_there(
        &self,
        role: Role<WorkspaceRole>,
    ) -> Result<Holding<WorkspaceRole>, No> {
        match role {
            Role::BuiltIn(role) => Ok((role, None)),
            Role::Own(number) => self.to_give(number, base_of_workspace),
        }
    }

    pub(super) fn holds(&self, user: UserId) -> Option<Holding<OrganizationRole>> {
        let member = self.members.get(&user)?;
        Some((member.role, member.own))
    }

    pub(super) fn holds_there(
        &self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Option<Holding<WorkspaceRole>> {
        let role = self.roles.get(&(workspace, user))?;
        Some((*role, self.own_there.get(&(workspace, user)).copied()))
    }

    /// The same, if it counts, as far as the clock goes (T3).
    pub(super) fn holds_now(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Option<Holding<WorkspaceRole>> {
        self.role_in(workspace, user, now)?;
        self.holds_there(workspace, user)
    }

    /// A role in place of what was there: one that has ended is replaced by one that doesn't end (T3).
    pub(super) fn hold_there(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
        (base, own): Holding<WorkspaceRole>,
        now: DateTime<Utc>,
    ) {
        if self.role_in(workspace, user, now).is_none() {
            self.role_ends.remove(&(workspace, user));
        }
        self.roles.insert((workspace, user), base);
        self.own_there.remove(&(workspace, user));
        self.own_there
            .extend(own.map(|own| ((workspace, user), own)));
    }

    /// Whether what is offered is nothing that somebody holds there themself already.
    pub(super) fn is_above(
        &self,
        invitation: &Invitation,
        user: UserId,
        now: DateTime<Utc>,
    ) -> bool {
        let Some(held) = self.holds(user) else {
            return true;
        };
        match invitation.target {
            InvitationTarget::Organization { role } => !covers(held, (role, invitation.own)),
            InvitationTarget::Workspace { workspace, role } => {
                let held = self.holds_now(workspace, user, now);
                held.is_none_or(|held| !covers(held, (role, invitation.own)))
            }
        }
    }

    /// R1: "names unique in the organization by the caseless key of W3, built-in names included".
    pub(super) fn role_name_is_taken(&self, name: &str, but: Option<RoleNumber>) -> bool {
        let name = name.to_lowercase();
        let built_in = ["member", "accounting", "admin", "reader", "developer"];
        let mut own = self.own.iter();
        built_in.contains(&name.as_str())
            || own.any(|(number, role)| Some(*number) != but && role.name.to_lowercase() == name)
    }

    /// R3.
    pub(super) fn may_add(
        &self,
        base: RoleBase,
        adds: &BTreeSet<Adding>,
        before: Option<RoleNumber>,
    ) -> Result<(), No> {
        let before = before.and_then(|number| self.own.get(&number));
        let is_new = |adding: &Adding| before.is_none_or(|before| !before.adds.contains(adding));
        let layer = match base {
            RoleBase::Member | RoleBase::Accounting => Layer::Organization,
            RoleBase::Reader | RoleBase::Developer => Layer::Workspace,
        };
        let mut new = adds.iter().filter(|adding| is_new(adding));
        if new.all(|(action, _)| within(layer, *action)) {
            Ok(())
        } else {
            Err("beyond_its_layer")
        }
    }

    /// R7: who holds it, anywhere, and what offers it.
    pub(super) fn uses(&self, number: RoleNumber) -> usize {
        let members = self.members.values().map(|member| member.own);
        let workers = self.own_there.values().copied().map(Some);
        let offers = self.open().map(|(_, invitation)| invitation.own);
        let all = members.chain(workers).chain(offers);
        all.filter(|own| *own == Some(number)).count()
    }
}

impl Model {
    /// Whether a role of the organization's own that somebody holds adds that, there (R2, R4, R5).
    pub(super) fn added(&self, who: &Who, on: On, action: Asked) -> bool {
        let (On::Organization(id) | On::Workspace(id, _) | On::Domain(id, _)) = on;
        let (Some(it), Who::User(user, _)) = (self.organizations.get(&id), who) else {
            return false;
        };
        let (workspace, kind) = match on {
            On::Organization(_) => (None, None),
            On::Workspace(_, workspace) => (Some(workspace), None),
            On::Domain(_, domain) => {
                let Some(domain) = it.domains.get(&domain) else {
                    return false;
                };
                (Some(domain.workspace), Some(domain.kind))
            }
        };
        self.adds_there(id, *user, workspace, (action, kind))
    }

    /// The same of a workspace, of domains of a kind that might be there.
    pub(super) fn adds_there(
        &self,
        id: OrganizationId,
        user: UserId,
        workspace: Option<WorkspaceId>,
        adding: Adding,
    ) -> bool {
        let Some(it) = self.organizations.get(&id) else {
            return false;
        };
        // T1, T3: what doesn't count adds nothing.
        let member = it.members.get(&user);
        let Some(member) = member.filter(|member| member.counts(self.now)) else {
            return false;
        };
        let there = workspace.filter(|workspace| it.workspaces.contains_key(workspace));
        if workspace.is_some() && there.is_none() {
            return false;
        }
        let there = there.filter(|there| it.role_in(*there, user, self.now).is_some());
        let there = there.and_then(|workspace| it.own_there.get(&(workspace, user)));
        let held = member.own.iter().chain(there);
        let mut held = held.filter_map(|number| it.own.get(number));
        held.any(|role| !role.retired && role.adds.contains(&adding))
    }

    /// "Move to another workspace of the organization (on both)": where the domain would be.
    pub(super) fn may_receive(
        &self,
        who: &Who,
        id: OrganizationId,
        to: WorkspaceId,
        domain: DomainId,
    ) -> bool {
        let Who::User(user, _) = who else {
            return false;
        };
        let domain = self.organizations.get(&id).map(|it| &it.domains[&domain]);
        domain.is_some_and(|domain| {
            let moving = (Asked::OnDomain(DomainAction::Move), Some(domain.kind));
            self.adds_there(id, *user, Some(to), moving)
        })
    }
}
