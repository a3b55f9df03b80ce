//! Lists, and walks through them.

use core::num::NonZeroU32;

use tenancy::store::{Directory, Invitation, OrganizationState, Workspace};
use tenancy::{
    Domain, InvitationId, LogEntry, Member, OrganizationId, RoleSet, UserId, Version, WorkspaceId,
    WorkspaceMember,
};

use super::Model;
use crate::report::{Failure, Verdict};

/// A list of one organization.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List {
    Members(RoleSet),
    Workspaces,
    WorkspacesOf(UserId),
    WorkspaceMembers(WorkspaceId, RoleSet),
    Domains(WorkspaceId),
    Invitations(Option<WorkspaceId>),
    Log,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Member(Member),
    Workspace(Workspace),
    WorkspaceOf(Workspace, WorkspaceMember),
    WorkspaceMember(WorkspaceMember),
    Domain(Domain),
    Invitation(Invitation),
    Entry(LogEntry),
}

/// Where a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    User(UserId),
    Workspace(WorkspaceId),
    Domain(tenancy::DomainId),
    Invitation(InvitationId),
    Version(Version),
}

impl Item {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Member(member) => Place::User(member.user),
            Self::Workspace(workspace) | Self::WorkspaceOf(workspace, _) => {
                Place::Workspace(workspace.id)
            }
            Self::WorkspaceMember(member) => Place::User(member.user),
            Self::Domain(domain) => Place::Domain(domain.id),
            Self::Invitation(invitation) => Place::Invitation(invitation.id),
            Self::Entry(entry) => Place::Version(entry.version),
        }
    }
}

/// One page of a list.
pub(crate) async fn page<R: Directory>(
    store: &R,
    id: OrganizationId,
    list: List,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Item>, Failure> {
    let user = match after {
        Some(Place::User(user)) => Some(user),
        _ => None,
    };
    let workspace = match after {
        Some(Place::Workspace(workspace)) => Some(workspace),
        _ => None,
    };
    let domain = match after {
        Some(Place::Domain(domain)) => Some(domain),
        _ => None,
    };
    let invitation = match after {
        Some(Place::Invitation(invitation)) => Some(invitation),
        _ => None,
    };
    let version = match after {
        Some(Place::Version(version)) => version,
        _ => Version::ABSENT,
    };
    let size = size(limit);
    let items: Vec<Item> = match list {
        List::Members(roles) => {
            let members = store.members(id, roles, user, size).await?;
            members.into_iter().map(Item::Member).collect()
        }
        List::Workspaces => {
            let workspaces = store.workspaces(id, workspace, size).await?;
            workspaces.into_iter().map(Item::Workspace).collect()
        }
        List::WorkspacesOf(of) => {
            let workspaces = store.workspaces_of(id, of, workspace, size).await?;
            let pairs = workspaces.into_iter();
            pairs
                .map(|(workspace, member)| Item::WorkspaceOf(workspace, member))
                .collect()
        }
        List::WorkspaceMembers(of, roles) => {
            let members = store.workspace_members(id, of, roles, user, size).await?;
            members.into_iter().map(Item::WorkspaceMember).collect()
        }
        List::Domains(of) => {
            let domains = store.domains(id, of, domain, size).await?;
            domains.into_iter().map(Item::Domain).collect()
        }
        List::Invitations(within) => {
            let invitations = store.invitations(id, within, invitation, size).await?;
            invitations.into_iter().map(Item::Invitation).collect()
        }
        List::Log => {
            let entries = store.log(id, version, size).await?;
            entries.into_iter().map(Item::Entry).collect()
        }
    };
    not_longer(&items, limit)?;
    Ok(items)
}

/// A whole list, page by page.
pub(crate) async fn walk<R: Directory>(
    store: &R,
    id: OrganizationId,
    list: List,
    limit: u32,
) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = page(store, id, list, after, limit).await?;
        let full = not_longer(&page, limit)?;
        after = page.last().map(Item::place);
        items.extend(page);
        enough(items.len())?;
        if !full {
            return Ok(items);
        }
    }
}

impl Model {
    /// What a list must hold, in order.
    pub(crate) fn list(&self, id: OrganizationId, list: List) -> Vec<Item> {
        let absent = OrganizationState::absent(id);
        let state = self
            .tenants
            .get(&id)
            .map_or(&absent, |tenant| &tenant.state);
        match list {
            List::Members(roles) => state
                .members()
                .filter(|member| roles.contains(RoleSet::of_organization(member.role)))
                .cloned()
                .map(Item::Member)
                .collect(),
            List::Workspaces => state.workspaces().cloned().map(Item::Workspace).collect(),
            List::WorkspacesOf(user) => state
                .workspaces_of(user)
                .filter_map(|member| {
                    let workspace = state.workspace(member.workspace)?.clone();
                    Some(Item::WorkspaceOf(workspace, member.clone()))
                })
                .collect(),
            List::WorkspaceMembers(workspace, roles) => state
                .members_of(workspace)
                .filter(|member| roles.contains(RoleSet::of_workspace(member.role)))
                .cloned()
                .map(Item::WorkspaceMember)
                .collect(),
            List::Domains(workspace) => state
                .domains_in(workspace)
                .cloned()
                .map(Item::Domain)
                .collect(),
            List::Invitations(within) => state
                .open_invitations()
                .filter(|invitation| within.is_none() || invitation.target.workspace() == within)
                .cloned()
                .map(Item::Invitation)
                .collect(),
            List::Log => self.log_of(id).iter().cloned().map(Item::Entry).collect(),
        }
    }
}

pub(crate) fn size(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)
}

/// Whether a page is full; a failure if it holds more than it may.
pub(crate) fn not_longer<T>(page: &[T], limit: u32) -> Result<bool, Failure> {
    let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
    if length > limit {
        return Err(Failure::new(format!(
            "a page of {limit} holds {length} items"
        )));
    }
    Ok(length == limit)
}

/// Stops a walk that goes in circles.
pub(crate) fn enough(items: usize) -> Verdict {
    if items > 5_000 {
        return Err(Failure::new("the walk through a list doesn't end"));
    }
    Ok(())
}
