//! What each [`Key`] brings: the reference for stores, and what the memory store runs.

use std::collections::BTreeMap;

use super::{Facts, Key, Record, RecordId};
use crate::id::{UserId, WorkspaceId};
use crate::log::LogEntry;
use crate::resource::Resource;
use crate::state::OrganizationState;
use crate::text::EmailKey;

impl Facts {
    /// What a store that holds this state answers: the reference of what each [`Key`] brings. `None` if
    /// the organization doesn't exist.
    #[must_use]
    pub fn select<'a>(
        state: &OrganizationState,
        log: impl IntoIterator<Item = &'a LogEntry>,
        keys: &[Key],
    ) -> Option<Self> {
        let organization = state.organization()?.clone();
        let asked = keys.iter().find_map(|key| match key {
            Key::Commit(id) => Some(*id),
            _ => None,
        });
        let committed = asked
            .and_then(|id| log.into_iter().find(|entry| entry.id == id))
            .cloned();
        let mut found = Found {
            state,
            records: BTreeMap::new(),
        };
        for key in keys {
            found.bring(key);
        }
        Some(Self {
            organization,
            records: found.records.into_values().collect(),
            committed,
        })
    }
}

struct Found<'a> {
    state: &'a OrganizationState,
    records: BTreeMap<RecordId, Record>,
}

impl Found<'_> {
    fn bring(&mut self, key: &Key) {
        match key {
            Key::Path(user, resource) => {
                self.add(RecordId::Member(*user));
                match resource {
                    Resource::Organization(_) => {}
                    Resource::Workspace(_, workspace) => self.workspace_for(*workspace, *user),
                    Resource::Domain(_, domain) => {
                        if let Some(domain) = self.state.domain(*domain) {
                            self.add(RecordId::Domain(domain.id));
                            self.workspace_for(domain.workspace, *user);
                        }
                    }
                }
            }
            Key::Person(user) => {
                self.sent_to(*user);
                for membership in self.state.workspaces_of(*user) {
                    self.workspace_for(membership.workspace, *user);
                }
                for former in self.state.departures_of(*user) {
                    self.add(RecordId::FormerMember(former.user, former.workspace));
                }
            }
            Key::SentTo(user) => self.sent_to(*user),
            Key::SentBy(user) => {
                for invitation in self.state.open_invitations_by(*user) {
                    self.address(invitation.email.key(), None);
                }
            }
            Key::Address(email, workspace) => {
                self.address(email, *workspace);
            }
            Key::Invitation(id, user) => {
                let Some(invitation) = self.state.invitation(*id) else {
                    return;
                };
                self.add(RecordId::Invitation(*id));
                let workspace = invitation.target.workspace();
                self.address(invitation.email.key(), workspace);
                if let Some(user) = user {
                    self.add(RecordId::FormerMember(*user, None));
                    if workspace.is_some() {
                        self.add(RecordId::FormerMember(*user, workspace));
                    }
                }
                for user in user.iter().chain([&invitation.inviter]) {
                    self.add(RecordId::Member(*user));
                    if let Some(workspace) = workspace {
                        self.workspace_for(workspace, *user);
                    }
                }
            }
            Key::OpenInvitations(Some(workspace)) => {
                for invitation in self.state.open_invitations_into(*workspace) {
                    self.address(invitation.email.key(), None);
                }
            }
            Key::OpenInvitations(None) => {
                for invitation in self.state.open_invitations() {
                    self.add(RecordId::Invitation(invitation.id));
                }
            }
            Key::WorkspaceNamed(name) => {
                if let Some(workspace) = self.state.workspace_named(name) {
                    self.add(RecordId::Workspace(workspace.id));
                }
            }
            Key::DomainNamed(name) => {
                self.add(RecordId::RetiredDomainName(name.clone()));
                if let Some(domain) = self.state.domain_named(name) {
                    self.add(RecordId::Domain(domain.id));
                }
            }
            Key::Commit(_) => {}
        }
    }

    fn sent_to(&mut self, user: UserId) {
        let Some(member) = self.state.member(user) else {
            return;
        };
        self.add(RecordId::Member(user));
        self.open_to(member.email.key());
    }

    /// Who has an address, and every open invitation to it.
    fn address(&mut self, email: &EmailKey, workspace: Option<WorkspaceId>) {
        self.members_with(email, workspace);
        self.open_to(email);
    }

    fn open_to(&mut self, email: &EmailKey) {
        for invitation in self.state.open_invitations_to(email) {
            self.add(RecordId::Invitation(invitation.id));
        }
    }

    fn workspace_for(&mut self, workspace: WorkspaceId, user: UserId) {
        self.add(RecordId::Workspace(workspace));
        self.add(RecordId::WorkspaceMember(workspace, user));
    }

    fn members_with(&mut self, email: &EmailKey, workspace: Option<WorkspaceId>) {
        for member in self.state.members_with_email(email) {
            self.add(RecordId::Member(member.user));
            if let Some(workspace) = workspace {
                self.add(RecordId::WorkspaceMember(workspace, member.user));
            }
        }
    }

    fn add(&mut self, id: RecordId) {
        if let Some(record) = self.state.record(&id) {
            self.records.insert(id, record);
        }
    }
}
