//! Every list from its beginning.

use tenancy::store::List;
use tenancy::text::EmailKey;
use tenancy::{OrganizationId, RoleSet, UserId, Version, WorkspaceId};

pub(crate) const fn members(organization: OrganizationId, roles: RoleSet) -> List {
    List::Members {
        organization,
        roles,
        after: None,
    }
}

pub(crate) const fn workspaces(organization: OrganizationId) -> List {
    List::Workspaces {
        organization,
        after: None,
    }
}

pub(crate) const fn workspaces_of(organization: OrganizationId, user: UserId) -> List {
    List::WorkspacesOf {
        organization,
        user,
        after: None,
    }
}

pub(crate) const fn workspace_members(
    organization: OrganizationId,
    workspace: WorkspaceId,
    roles: RoleSet,
) -> List {
    List::WorkspaceMembers {
        organization,
        workspace,
        roles,
        after: None,
    }
}

pub(crate) const fn domains(organization: OrganizationId, workspace: WorkspaceId) -> List {
    List::Domains {
        organization,
        workspace,
        after: None,
    }
}

pub(crate) const fn invitations(
    organization: OrganizationId,
    workspace: Option<WorkspaceId>,
) -> List {
    List::Invitations {
        organization,
        workspace,
        after: None,
    }
}

pub(crate) const fn organizations_of(user: UserId) -> List {
    List::OrganizationsOf { user, after: None }
}

pub(crate) fn invitations_to(email: &EmailKey) -> List {
    List::InvitationsTo {
        email: email.clone(),
        after: None,
    }
}

pub(crate) const fn log(organization: OrganizationId) -> List {
    List::Log {
        organization,
        after: Version::ABSENT,
    }
}
