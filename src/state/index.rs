//! The look-ups that [`OrganizationState`](super::OrganizationState) answers without a scan, so that a
//! command costs the same in an organization of ten members and of a hundred thousand.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::repository::Record;
use crate::text::{DomainName, EmailKey, NameKey};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Index {
    members_by_email: BTreeSet<(EmailKey, UserId)>,
    workspaces_by_user: BTreeSet<(UserId, WorkspaceId)>,
    workspaces_by_name: BTreeMap<NameKey, WorkspaceId>,
    domains_by_name: BTreeMap<DomainName, DomainId>,
    domains_by_workspace: BTreeSet<(WorkspaceId, DomainId)>,
    open: BTreeSet<InvitationId>,
    open_by_email: BTreeSet<(EmailKey, InvitationId)>,
    open_by_inviter: BTreeSet<(UserId, InvitationId)>,
    open_by_workspace: BTreeSet<(WorkspaceId, InvitationId)>,
}

const FIRST: Uuid = Uuid::nil();

impl Index {
    pub(super) const fn new() -> Self {
        Self {
            members_by_email: BTreeSet::new(),
            workspaces_by_user: BTreeSet::new(),
            workspaces_by_name: BTreeMap::new(),
            domains_by_name: BTreeMap::new(),
            domains_by_workspace: BTreeSet::new(),
            open: BTreeSet::new(),
            open_by_email: BTreeSet::new(),
            open_by_inviter: BTreeSet::new(),
            open_by_workspace: BTreeSet::new(),
        }
    }

    pub(super) fn add(&mut self, record: &Record) {
        match record {
            Record::Member(member) => {
                if let Some(email) = &member.email {
                    self.members_by_email
                        .insert((email.key().clone(), member.user));
                }
            }
            Record::Workspace(workspace) => {
                self.workspaces_by_name
                    .insert(workspace.name.key(), workspace.id);
            }
            Record::WorkspaceMember(member) => {
                self.workspaces_by_user
                    .insert((member.user, member.workspace));
            }
            Record::Domain(domain) => {
                self.domains_by_name.insert(domain.name.clone(), domain.id);
                self.domains_by_workspace
                    .insert((domain.workspace, domain.id));
            }
            Record::RetiredDomainName(_) => {}
            Record::Invitation(invitation) if invitation.is_open() => self.add_open(invitation),
            Record::Invitation(_) => {}
        }
    }

    pub(super) fn remove(&mut self, record: &Record) {
        match record {
            Record::Member(member) => {
                if let Some(email) = &member.email {
                    self.members_by_email
                        .remove(&(email.key().clone(), member.user));
                }
            }
            Record::Workspace(workspace) => {
                let key = workspace.name.key();
                if self.workspaces_by_name.get(&key) == Some(&workspace.id) {
                    self.workspaces_by_name.remove(&key);
                }
            }
            Record::WorkspaceMember(member) => {
                self.workspaces_by_user
                    .remove(&(member.user, member.workspace));
            }
            Record::Domain(domain) => {
                if self.domains_by_name.get(&domain.name) == Some(&domain.id) {
                    self.domains_by_name.remove(&domain.name);
                }
                self.domains_by_workspace
                    .remove(&(domain.workspace, domain.id));
            }
            Record::RetiredDomainName(_) => {}
            Record::Invitation(invitation) => {
                self.open.remove(&invitation.id);
                self.open_by_email
                    .remove(&(invitation.email.key().clone(), invitation.id));
                self.open_by_inviter
                    .remove(&(invitation.inviter, invitation.id));
                if let Some(workspace) = invitation.target.workspace() {
                    self.open_by_workspace.remove(&(workspace, invitation.id));
                }
            }
        }
    }

    fn add_open(&mut self, invitation: &Invitation) {
        self.open.insert(invitation.id);
        self.open_by_email
            .insert((invitation.email.key().clone(), invitation.id));
        self.open_by_inviter
            .insert((invitation.inviter, invitation.id));
        if let Some(workspace) = invitation.target.workspace() {
            self.open_by_workspace.insert((workspace, invitation.id));
        }
    }

    pub(super) fn members_with_email(&self, email: &EmailKey) -> impl Iterator<Item = UserId> {
        second(
            &self.members_by_email,
            email.clone(),
            UserId::from_uuid(FIRST),
        )
    }

    pub(super) fn workspaces_of(&self, user: UserId) -> impl Iterator<Item = WorkspaceId> {
        second(
            &self.workspaces_by_user,
            user,
            WorkspaceId::from_uuid(FIRST),
        )
    }

    pub(super) fn workspace_named(&self, name: &NameKey) -> Option<WorkspaceId> {
        self.workspaces_by_name.get(name).copied()
    }

    pub(super) fn domain_named(&self, name: &DomainName) -> Option<DomainId> {
        self.domains_by_name.get(name).copied()
    }

    pub(super) fn domains_in(&self, workspace: WorkspaceId) -> impl Iterator<Item = DomainId> {
        second(
            &self.domains_by_workspace,
            workspace,
            DomainId::from_uuid(FIRST),
        )
    }

    pub(super) fn open_invitations_to(
        &self,
        email: &EmailKey,
    ) -> impl Iterator<Item = InvitationId> {
        second(
            &self.open_by_email,
            email.clone(),
            InvitationId::from_uuid(FIRST),
        )
    }

    pub(super) fn open_invitations_by(
        &self,
        inviter: UserId,
    ) -> impl Iterator<Item = InvitationId> {
        second(
            &self.open_by_inviter,
            inviter,
            InvitationId::from_uuid(FIRST),
        )
    }

    pub(super) fn open_invitations_into(
        &self,
        workspace: WorkspaceId,
    ) -> impl Iterator<Item = InvitationId> {
        second(
            &self.open_by_workspace,
            workspace,
            InvitationId::from_uuid(FIRST),
        )
    }

    pub(super) fn open_invitations(&self) -> impl Iterator<Item = InvitationId> {
        self.open.iter().copied()
    }
}

/// The second halves of all pairs that begin with `key`, in order.
fn second<K: Ord + Clone, V: Ord + Copy>(
    pairs: &BTreeSet<(K, V)>,
    key: K,
    first: V,
) -> impl Iterator<Item = V> {
    pairs
        .range((key.clone(), first)..)
        .take_while(move |(k, _)| *k == key)
        .map(|(_, value)| *value)
}
