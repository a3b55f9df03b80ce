//! The look-ups that [`OrganizationState`](super::OrganizationState) answers without a scan, so that a
//! command costs the same in an organization of ten members and of a hundred thousand.

use core::iter;
use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::domain::{Domain, RetiredDomainName};
use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::limits::MembersByRole;
use crate::member::{FormerMember, Member, WorkspaceMember};
use crate::own_role::RoleNumber;
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::text::{DomainName, EmailKey, NameKey};
use crate::workspace::Workspace;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    members_by_role: BTreeSet<(OrganizationRole, UserId)>,
    members_by_email: BTreeSet<(EmailKey, UserId)>,
    members_by_own_role: BTreeSet<(RoleNumber, UserId)>,
    workspace_members_by_role: BTreeSet<((WorkspaceId, WorkspaceRole), UserId)>,
    workspace_members_by_own_role: BTreeSet<((WorkspaceId, RoleNumber), UserId)>,
    workspaces_by_user: BTreeSet<(UserId, WorkspaceId)>,
    workspaces_by_name: BTreeMap<NameKey, WorkspaceId>,
    domains_by_name: BTreeMap<DomainName, DomainId>,
    domains_by_workspace: BTreeSet<(WorkspaceId, DomainId)>,
    open: BTreeSet<InvitationId>,
    open_by_email: BTreeMap<EmailKey, Offers>,
    open_by_inviter: BTreeSet<(UserId, InvitationId)>,
    open_by_workspace: BTreeSet<(WorkspaceId, InvitationId)>,
}

/// The open invitations to one address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Offers {
    ids: BTreeSet<InvitationId>,
    /// The members that they would make.
    members: MembersByRole,
}

const FIRST: Uuid = Uuid::nil();
const NIL_USER: UserId = UserId::from_uuid(FIRST);
const NIL_INVITATION: InvitationId = InvitationId::from_uuid(FIRST);

impl Index {
    pub(super) const fn new() -> Self {
        Self {
            members_by_role: BTreeSet::new(),
            members_by_email: BTreeSet::new(),
            members_by_own_role: BTreeSet::new(),
            workspace_members_by_role: BTreeSet::new(),
            workspace_members_by_own_role: BTreeSet::new(),
            workspaces_by_user: BTreeSet::new(),
            workspaces_by_name: BTreeMap::new(),
            domains_by_name: BTreeMap::new(),
            domains_by_workspace: BTreeSet::new(),
            open: BTreeSet::new(),
            open_by_email: BTreeMap::new(),
            open_by_inviter: BTreeSet::new(),
            open_by_workspace: BTreeSet::new(),
        }
    }

    fn add_open(&mut self, invitation: &Invitation) {
        self.open.insert(invitation.id);
        let offers = self.open_by_email.entry(invitation.email.key().clone());
        let offers = offers.or_default();
        if offers.ids.insert(invitation.id) {
            let members = offers.members.of_mut(invitation.target.membership());
            *members = members.saturating_add(1);
        }
        self.open_by_inviter
            .insert((invitation.inviter, invitation.id));
        if let Some(workspace) = invitation.target.workspace() {
            self.open_by_workspace.insert((workspace, invitation.id));
        }
    }

    fn remove_open(&mut self, invitation: &Invitation) {
        self.open.remove(&invitation.id);
        self.remove_offer(invitation);
        self.open_by_inviter
            .remove(&(invitation.inviter, invitation.id));
        if let Some(workspace) = invitation.target.workspace() {
            self.open_by_workspace.remove(&(workspace, invitation.id));
        }
    }

    fn remove_offer(&mut self, invitation: &Invitation) {
        let Some(offers) = self.open_by_email.get_mut(invitation.email.key()) else {
            return;
        };
        if offers.ids.remove(&invitation.id) {
            let members = offers.members.of_mut(invitation.target.membership());
            *members = members.saturating_sub(1);
        }
        if offers.ids.is_empty() {
            self.open_by_email.remove(invitation.email.key());
        }
    }

    pub(super) fn members_holding(
        &self,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = UserId> {
        let roles = OrganizationRole::ALL
            .into_iter()
            .filter(move |role| roles.contains(RoleSet::of_organization(*role)));
        merged(roles.map(move |role| following(&self.members_by_role, role, NIL_USER, after)))
    }

    pub(super) fn workspace_members_holding(
        &self,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = UserId> {
        let roles = WorkspaceRole::ALL
            .into_iter()
            .filter(move |role| roles.contains(RoleSet::of_workspace(*role)));
        merged(roles.map(move |role| {
            let held = (workspace, role);
            following(&self.workspace_members_by_role, held, NIL_USER, after)
        }))
    }

    pub(super) fn holders(
        &self,
        roles: &BTreeSet<RoleNumber>,
        after: Option<UserId>,
    ) -> impl Iterator<Item = UserId> {
        let roles = roles.iter();
        merged(roles.map(move |role| following(&self.members_by_own_role, *role, NIL_USER, after)))
    }

    pub(super) fn holders_in(
        &self,
        workspace: WorkspaceId,
        roles: &BTreeSet<RoleNumber>,
        after: Option<UserId>,
    ) -> impl Iterator<Item = UserId> {
        merged(roles.iter().map(move |role| {
            let held = (workspace, *role);
            following(&self.workspace_members_by_own_role, held, NIL_USER, after)
        }))
    }

    pub(super) fn members_with_email(&self, email: &EmailKey) -> impl Iterator<Item = UserId> {
        following(&self.members_by_email, email.clone(), NIL_USER, None)
    }

    pub(super) fn workspaces_of(
        &self,
        user: UserId,
        after: Option<WorkspaceId>,
    ) -> impl Iterator<Item = WorkspaceId> {
        let first = WorkspaceId::from_uuid(FIRST);
        following(&self.workspaces_by_user, user, first, after)
    }

    pub(super) fn workspace_named(&self, name: &NameKey) -> Option<WorkspaceId> {
        self.workspaces_by_name.get(name).copied()
    }

    pub(super) fn domain_named(&self, name: &DomainName) -> Option<DomainId> {
        self.domains_by_name.get(name).copied()
    }

    pub(super) fn domains_in(
        &self,
        workspace: WorkspaceId,
        after: Option<DomainId>,
    ) -> impl Iterator<Item = DomainId> {
        let first = DomainId::from_uuid(FIRST);
        following(&self.domains_by_workspace, workspace, first, after)
    }

    pub(super) fn open_invitations_to(
        &self,
        email: &EmailKey,
    ) -> impl Iterator<Item = InvitationId> {
        let offers = self.open_by_email.get(email).into_iter();
        offers.flat_map(|offers| &offers.ids).copied()
    }

    /// The organization roles that the open invitations to an address offer.
    pub(super) fn offered_to(&self, email: &EmailKey) -> RoleSet {
        let offers = self.open_by_email.get(email);
        offers.map_or(RoleSet::empty(), |offers| offers.members.roles())
    }

    pub(super) fn open_invitations_by(
        &self,
        inviter: UserId,
    ) -> impl Iterator<Item = InvitationId> {
        following(&self.open_by_inviter, inviter, NIL_INVITATION, None)
    }

    pub(super) fn open_invitations_into(
        &self,
        workspace: WorkspaceId,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = InvitationId> {
        following(&self.open_by_workspace, workspace, NIL_INVITATION, after)
    }

    pub(super) fn open_invitations(
        &self,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = InvitationId> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.open.range((after, Bound::Unbounded)).copied()
    }
}

/// How a kind of record is found. What a kind doesn't need found otherwise than by its key says nothing.
pub(super) trait Found: Sized {
    /// Whether another one, of the same key, is found in the same places: most changes are to what nobody looks for.
    fn is_found_as(&self, _other: &Self) -> bool {
        true
    }

    fn add_to(&self, _index: &mut Index) {}

    fn remove_from(&self, _index: &mut Index) {}
}

impl Found for Member {
    fn is_found_as(&self, other: &Self) -> bool {
        let places = |member: &Self| (member.role, member.own_role);
        places(self) == places(other) && self.email.key() == other.email.key()
    }

    fn add_to(&self, index: &mut Index) {
        index.members_by_role.insert((self.role, self.user));
        let email = self.email.key().clone();
        index.members_by_email.insert((email, self.user));
        let own = self.own_role.map(|role| (role, self.user));
        index.members_by_own_role.extend(own);
    }

    fn remove_from(&self, index: &mut Index) {
        index.members_by_role.remove(&(self.role, self.user));
        let email = self.email.key().clone();
        index.members_by_email.remove(&(email, self.user));
        if let Some(role) = self.own_role {
            index.members_by_own_role.remove(&(role, self.user));
        }
    }
}

impl Found for Workspace {
    fn is_found_as(&self, other: &Self) -> bool {
        self.name_key == other.name_key
    }

    fn add_to(&self, index: &mut Index) {
        index
            .workspaces_by_name
            .insert(self.name_key.clone(), self.id);
    }

    fn remove_from(&self, index: &mut Index) {
        if index.workspaces_by_name.get(&self.name_key) == Some(&self.id) {
            index.workspaces_by_name.remove(&self.name_key);
        }
    }
}

impl Found for WorkspaceMember {
    fn is_found_as(&self, other: &Self) -> bool {
        (self.role, self.own_role) == (other.role, other.own_role)
    }

    fn add_to(&self, index: &mut Index) {
        index.workspaces_by_user.insert((self.user, self.workspace));
        let held = (self.workspace, self.role);
        index.workspace_members_by_role.insert((held, self.user));
        let own = self.own_role.map(|role| (self.workspace, role));
        let own = own.map(|held| (held, self.user));
        index.workspace_members_by_own_role.extend(own);
    }

    fn remove_from(&self, index: &mut Index) {
        index
            .workspaces_by_user
            .remove(&(self.user, self.workspace));
        let held = (self.workspace, self.role);
        index.workspace_members_by_role.remove(&(held, self.user));
        if let Some(role) = self.own_role {
            let held = (self.workspace, role);
            index
                .workspace_members_by_own_role
                .remove(&(held, self.user));
        }
    }
}

impl Found for Domain {
    fn is_found_as(&self, other: &Self) -> bool {
        (self.workspace, &self.name) == (other.workspace, &other.name)
    }

    fn add_to(&self, index: &mut Index) {
        index.domains_by_name.insert(self.name.clone(), self.id);
        index.domains_by_workspace.insert((self.workspace, self.id));
    }

    fn remove_from(&self, index: &mut Index) {
        if index.domains_by_name.get(&self.name) == Some(&self.id) {
            index.domains_by_name.remove(&self.name);
        }
        index
            .domains_by_workspace
            .remove(&(self.workspace, self.id));
    }
}

impl Found for Invitation {
    fn is_found_as(&self, other: &Self) -> bool {
        let places = |one: &Self| (one.is_open(), one.target, one.inviter);
        places(self) == places(other) && self.email.key() == other.email.key()
    }

    fn add_to(&self, index: &mut Index) {
        if self.is_open() {
            index.add_open(self);
        }
    }

    fn remove_from(&self, index: &mut Index) {
        if self.is_open() {
            index.remove_open(self);
        }
    }
}

impl Found for RetiredDomainName {}
impl Found for FormerMember {}

/// The second halves of all pairs that begin with `key`, in order: those after `after`, or all.
/// `first` is the least that a second half can be.
pub(crate) fn following<K: Ord + Clone, V: Ord + Copy>(
    pairs: &BTreeSet<(K, V)>,
    key: K,
    first: V,
    after: Option<V>,
) -> impl Iterator<Item = V> {
    let start = match after {
        None => Bound::Included((key.clone(), first)),
        Some(after) => Bound::Excluded((key.clone(), after)),
    };
    pairs
        .range((start, Bound::Unbounded))
        .take_while(move |(k, _)| *k == key)
        .map(|(_, value)| *value)
}

/// All that the streams hold, in order. Each is in order, and no two hold the same.
fn merged<I: Iterator<Item: Ord + Copy>>(
    streams: impl Iterator<Item = I>,
) -> impl Iterator<Item = I::Item> {
    let mut streams: Vec<_> = streams.map(Iterator::peekable).collect();
    iter::from_fn(move || {
        let heads = streams.iter_mut().filter_map(|s| s.peek().copied());
        let least = heads.min()?;
        streams.iter_mut().find_map(|s| s.next_if_eq(&least))
    })
}
