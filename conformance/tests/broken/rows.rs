//! Lists, each as rows with a key.

use tenancy::store::{Invitation, Organization, Workspace};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, LogEntry, Member, OrganizationId, RoleSet, UserId, WorkspaceId, WorkspaceMember,
};

use super::store::Data;

pub(crate) enum List<'a> {
    Members(OrganizationId, RoleSet),
    Workspaces(OrganizationId),
    WorkspacesOf(OrganizationId, UserId),
    WorkspaceMembers(OrganizationId, WorkspaceId, RoleSet),
    Domains(OrganizationId, WorkspaceId),
    Invitations(OrganizationId, Option<WorkspaceId>),
    OrganizationsOf(UserId),
    InvitationsTo(&'a EmailKey),
    Log(OrganizationId),
}

#[derive(Clone, Debug)]
pub(crate) enum Row {
    Member(Member),
    Workspace(Workspace),
    WorkspaceOf(Workspace, WorkspaceMember),
    WorkspaceMember(WorkspaceMember),
    Domain(Domain),
    Invitation(Invitation),
    Organization(Organization, Member),
    InvitationTo(Organization, Invitation),
    Entry(LogEntry),
}

macro_rules! unwraps {
    ($($name:ident: $variant:ident($($field:ident),+) -> $type:ty,)+) => {$(
        pub(crate) fn $name(self) -> Option<$type> {
            match self {
                Self::$variant($($field),+) => Some(($($field),+)),
                _ => None,
            }
        }
    )+};
}

impl Row {
    unwraps! {
        member: Member(member) -> Member,
        workspace: Workspace(workspace) -> Workspace,
        workspace_of: WorkspaceOf(workspace, member) -> (Workspace, WorkspaceMember),
        workspace_member: WorkspaceMember(member) -> WorkspaceMember,
        domain: Domain(domain) -> Domain,
        invitation: Invitation(invitation) -> Invitation,
        organization: Organization(organization, member) -> (Organization, Member),
        invitation_to: InvitationTo(organization, invitation) -> (Organization, Invitation),
        entry: Entry(entry) -> LogEntry,
    }

    pub(crate) fn key(&self) -> Vec<u8> {
        let id = match self {
            Self::Member(member) => member.user.as_uuid(),
            Self::Workspace(workspace) | Self::WorkspaceOf(workspace, _) => workspace.id.as_uuid(),
            Self::WorkspaceMember(member) => member.user.as_uuid(),
            Self::Domain(domain) => domain.id.as_uuid(),
            Self::Invitation(invitation) => invitation.id.as_uuid(),
            Self::Organization(organization, _) => organization.id.as_uuid(),
            Self::InvitationTo(organization, invitation) => {
                let ids = [organization.id.as_uuid(), invitation.id.as_uuid()];
                return ids.map(|id| *id.as_bytes()).concat();
            }
            Self::Entry(entry) => return entry.version.get().to_be_bytes().to_vec(),
        };
        id.as_bytes().to_vec()
    }
}

impl Data {
    pub(crate) fn rows(&self, list: &List<'_>) -> Vec<Row> {
        let state = |id: &OrganizationId| self.organizations.get(id).into_iter();
        match list {
            List::Members(id, roles) => state(id)
                .flat_map(tenancy::store::OrganizationState::members)
                .filter(|member| roles.contains(RoleSet::of_organization(member.role)))
                .map(|member| Row::Member(member.clone()))
                .collect(),
            List::Workspaces(id) => state(id)
                .flat_map(tenancy::store::OrganizationState::workspaces)
                .map(|workspace| Row::Workspace(workspace.clone()))
                .collect(),
            List::WorkspacesOf(id, user) => state(id)
                .flat_map(|state| state.workspaces_of(*user).map(move |held| (state, held)))
                .filter_map(|(state, held)| {
                    let workspace = state.workspace(held.workspace)?.clone();
                    Some(Row::WorkspaceOf(workspace, held.clone()))
                })
                .collect(),
            List::WorkspaceMembers(id, workspace, roles) => state(id)
                .flat_map(|state| state.members_of(*workspace))
                .filter(|member| roles.contains(RoleSet::of_workspace(member.role)))
                .map(|member| Row::WorkspaceMember(member.clone()))
                .collect(),
            List::Domains(id, workspace) => state(id)
                .flat_map(|state| state.domains_in(*workspace))
                .map(|domain| Row::Domain(domain.clone()))
                .collect(),
            List::Invitations(id, within) => state(id)
                .flat_map(tenancy::store::OrganizationState::open_invitations)
                .filter(|invitation| within.is_none() || invitation.target.workspace() == *within)
                .map(|invitation| Row::Invitation(invitation.clone()))
                .collect(),
            List::OrganizationsOf(user) => self
                .organizations
                .values()
                .filter_map(|state| {
                    let member = state.member(*user)?.clone();
                    Some(Row::Organization(state.organization()?.clone(), member))
                })
                .collect(),
            List::InvitationsTo(email) => self
                .organizations
                .values()
                .flat_map(|state| state.open_invitations_to(email).map(move |i| (state, i)))
                .filter_map(|(state, invitation)| {
                    let organization = state.organization()?.clone();
                    Some(Row::InvitationTo(organization, invitation.clone()))
                })
                .collect(),
            List::Log(id) => self.log_of(*id).cloned().map(Row::Entry).collect(),
        }
    }
}
