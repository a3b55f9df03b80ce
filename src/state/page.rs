//! The lists of an [`OrganizationState`], each from any place on. All are in order of the id that they
//! page by, and reach their first item without passing over others.

use core::ops::Bound;

use super::OrganizationState;
use crate::domain::Domain;
use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::member::{Member, WorkspaceMember};
use crate::role::RoleSet;
use crate::workspace::Workspace;

impl OrganizationState {
    pub(crate) fn members_after(
        &self,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = &Member> {
        self.index
            .members_holding(roles, after)
            .filter_map(|user| self.member(user))
    }

    pub(crate) fn workspaces_after(
        &self,
        after: Option<WorkspaceId>,
    ) -> impl Iterator<Item = &Workspace> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.workspaces
            .range((after, Bound::Unbounded))
            .map(|(_, workspace)| workspace)
    }

    pub(crate) fn workspaces_of_after(
        &self,
        user: UserId,
        after: Option<WorkspaceId>,
    ) -> impl Iterator<Item = (&Workspace, &WorkspaceMember)> {
        self.index
            .workspaces_of(user, after)
            .filter_map(move |id| self.workspace(id).zip(self.workspace_member(id, user)))
    }

    pub(crate) fn workspace_members_after(
        &self,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
    ) -> impl Iterator<Item = &WorkspaceMember> {
        self.index
            .workspace_members_holding(workspace, roles, after)
            .filter_map(move |user| self.workspace_member(workspace, user))
    }

    pub(crate) fn domains_after(
        &self,
        workspace: WorkspaceId,
        after: Option<DomainId>,
    ) -> impl Iterator<Item = &Domain> {
        self.index
            .domains_in(workspace, after)
            .filter_map(|id| self.domain(id))
    }

    pub(crate) fn open_invitations_after(
        &self,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations(after)
            .filter_map(|id| self.invitation(id))
    }

    pub(crate) fn open_invitations_into_after(
        &self,
        workspace: WorkspaceId,
        after: Option<InvitationId>,
    ) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations_into(workspace, after)
            .filter_map(|id| self.invitation(id))
    }
}
