//! The lists of an [`OrganizationState`], each from any place on. All are in order of the key that they
//! page by, and reach their first item without passing over others.

use core::ops::Bound;

use super::OrganizationState;
use crate::id::{UserId, WorkspaceId};
use crate::list::{Item, List};
use crate::member::{Member, WorkspaceMember};
use crate::record::{Record, RecordId};
use crate::role::RoleSet;

impl OrganizationState {
    /// A page of a list in this organization, as a store that holds this state answers it. What crosses
    /// organizations, and the log, is not in here: for those, and for another organization's lists, it is
    /// empty.
    ///
    /// ```
    /// use tenancy::OrganizationId;
    /// use tenancy::store::{List, OrganizationState};
    ///
    /// let acme = OrganizationState::absent(OrganizationId::new());
    /// let workspaces = List::Workspaces { organization: acme.id(), after: None };
    /// assert!(acme.list(&workspaces, 20).is_empty());
    /// ```
    #[must_use]
    pub fn list(&self, list: &List, limit: usize) -> Vec<Item> {
        if list.organization() != Some(self.id) {
            return Vec::new();
        }
        match *list {
            List::Members { roles, after, .. } => self
                .members_after(roles, after)
                .map(|member| Item::Record(Record::Member(member.clone())))
                .take(limit)
                .collect(),
            List::Workspaces { after, .. } => {
                let after = after.map_or(Bound::Unbounded, Bound::Excluded);
                let workspaces = self.workspaces.range((after, Bound::Unbounded));
                workspaces
                    .map(|(_, workspace)| Item::Record(Record::Workspace(workspace.clone())))
                    .take(limit)
                    .collect()
            }
            List::WorkspacesOf { user, after, .. } => self
                .index
                .workspaces_of(user, after)
                .filter_map(|id| self.workspace(id).zip(self.workspace_member(id, user)))
                .map(|(workspace, member)| {
                    Item::Pair(
                        Record::Workspace(workspace.clone()),
                        Record::WorkspaceMember(member.clone()),
                    )
                })
                .take(limit)
                .collect(),
            List::WorkspaceMembers {
                workspace,
                roles,
                after,
                ..
            } => self
                .workspace_members_after(workspace, roles, after)
                .map(|member| Item::Record(Record::WorkspaceMember(member.clone())))
                .take(limit)
                .collect(),
            List::Domains {
                workspace, after, ..
            } => self.records_of(
                self.index
                    .domains_in(workspace, after)
                    .map(RecordId::Domain),
                limit,
            ),
            List::KeptNames { ref after, .. } => {
                let after = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
                let kept = self.retired_names.range((after, Bound::Unbounded));
                kept.map(|(_, kept)| Item::Record(Record::RetiredDomainName(kept.clone())))
                    .take(limit)
                    .collect()
            }
            List::Invitations {
                workspace: Some(workspace),
                after,
                ..
            } => self.records_of(
                self.index
                    .open_invitations_into(workspace, after)
                    .map(RecordId::Invitation),
                limit,
            ),
            List::Invitations {
                workspace: None,
                after,
                ..
            } => self.records_of(
                self.index.open_invitations(after).map(RecordId::Invitation),
                limit,
            ),
            List::Holders {
                workspace: None,
                ref roles,
                after,
                ..
            } => self.records_of(
                self.index.holders(roles, after).map(RecordId::Member),
                limit,
            ),
            List::Holders {
                workspace: Some(workspace),
                ref roles,
                after,
                ..
            } => self.records_of(
                self.index
                    .holders_in(workspace, roles, after)
                    .map(|user| RecordId::WorkspaceMember(workspace, user)),
                limit,
            ),
            List::OrganizationsOf { .. }
            | List::InvitationsTo { .. }
            | List::AllOrganizations { .. }
            | List::OrganizationsNamed { .. }
            | List::OrganizationsWithMember { .. }
            | List::Log { .. } => Vec::new(),
        }
    }

    fn records_of(&self, ids: impl Iterator<Item = RecordId>, limit: usize) -> Vec<Item> {
        ids.filter_map(|id| self.record(&id))
            .map(Item::Record)
            .take(limit)
            .collect()
    }

    fn members_after(
        &self,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = &Member> {
        self.index
            .members_holding(roles, after)
            .filter_map(|user| self.member(user))
    }

    fn workspace_members_after(
        &self,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = &WorkspaceMember> {
        self.index
            .workspace_members_holding(workspace, roles, after)
            .filter_map(move |user| self.workspace_member(workspace, user))
    }
}
