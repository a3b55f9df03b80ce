//! Lists, and walks through them.
//!
//! The reference is a filter over every record there is, and a sort: it shares nothing with
//! [`OrganizationState::list`], which the store under test may itself be made of.

use core::num::NonZeroU32;
use std::collections::BTreeMap;

use tenancy::store::{Directory, Item, List, OrganizationState, Record};
use tenancy::{
    DomainId, InvitationId, LogEntry, OrganizationId, RoleSet, UserId, Version, WorkspaceId,
};

use super::Model;
use crate::report::{Failure, Verdict};

/// The key of an item: where the list goes on after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    User(UserId),
    Workspace(WorkspaceId),
    Domain(DomainId),
    Invitation(InvitationId),
    Organization(OrganizationId),
    InvitationOf(OrganizationId, InvitationId),
    Version(Version),
}

/// The place of an item in a list; `None` if the list has no items of its kind.
pub(crate) fn place(list: &List, item: &Item) -> Option<Place> {
    Some(match (list, item) {
        (
            List::Members { .. }
            | List::Holders {
                workspace: None, ..
            },
            Item::Record(Record::Member(member)),
        ) => Place::User(member.user),
        (List::Workspaces { .. }, Item::Record(Record::Workspace(workspace)))
        | (
            List::WorkspacesOf { .. },
            Item::Pair(Record::Workspace(workspace), Record::WorkspaceMember(_)),
        ) => Place::Workspace(workspace.id),
        (
            List::WorkspaceMembers { .. }
            | List::Holders {
                workspace: Some(_), ..
            },
            Item::Record(Record::WorkspaceMember(member)),
        ) => Place::User(member.user),
        (List::Domains { .. }, Item::Record(Record::Domain(domain))) => Place::Domain(domain.id),
        (List::Invitations { .. }, Item::Record(Record::Invitation(invitation))) => {
            Place::Invitation(invitation.id)
        }
        (List::OrganizationsOf { .. }, Item::Across(organization, Record::Member(_))) => {
            Place::Organization(organization.id)
        }
        (
            List::InvitationsTo { .. },
            Item::Across(organization, Record::Invitation(invitation)),
        ) => Place::InvitationOf(organization.id, invitation.id),
        (List::Log { .. }, Item::LogEntry(entry)) => Place::Version(entry.version),
        _ => return None,
    })
}

/// The list from there on.
pub(crate) fn continued(list: &List, place: Place) -> List {
    let mut list = list.clone();
    match (&mut list, place) {
        (
            List::Members { after, .. }
            | List::WorkspaceMembers { after, .. }
            | List::Holders { after, .. },
            Place::User(user),
        ) => *after = Some(user),
        (
            List::Workspaces { after, .. } | List::WorkspacesOf { after, .. },
            Place::Workspace(workspace),
        ) => *after = Some(workspace),
        (List::Domains { after, .. }, Place::Domain(domain)) => *after = Some(domain),
        (List::Invitations { after, .. }, Place::Invitation(invitation)) => {
            *after = Some(invitation);
        }
        (List::OrganizationsOf { after, .. }, Place::Organization(organization)) => {
            *after = Some(organization);
        }
        (List::InvitationsTo { after, .. }, Place::InvitationOf(organization, invitation)) => {
            *after = Some((organization, invitation));
        }
        (List::Log { after, .. }, Place::Version(version)) => *after = version,
        // A place is made by `place`, of this list.
        _ => {}
    }
    list
}

/// One page of a list, each item with its place.
pub(crate) async fn page<R: Directory>(
    store: &R,
    list: &List,
    limit: u32,
) -> Result<Vec<(Place, Item)>, Failure> {
    let size = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
    let items = store.list(list, size).await?;
    not_longer(items.len(), limit)?;
    let placed = items.into_iter().map(|item| match place(list, &item) {
        Some(place) => Ok((place, item)),
        None => Err(Failure::new(format!(
            "an item of another kind than the list's: {item:?}"
        ))),
    });
    placed.collect()
}

/// A whole list, page by page.
pub(crate) async fn walk<R: Directory>(
    store: &R,
    list: &List,
    limit: u32,
) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    let mut next = list.clone();
    loop {
        let page = page(store, &next, limit).await?;
        let full = not_longer(page.len(), limit)?;
        if let Some((last, _)) = page.last() {
            next = continued(list, *last);
        }
        items.extend(page.into_iter().map(|(_, item)| item));
        enough(items.len())?;
        if !full {
            return Ok(items);
        }
    }
}

/// The whole log of an organization.
pub(crate) async fn whole_log<R: Directory>(
    store: &R,
    organization: OrganizationId,
) -> Result<Vec<LogEntry>, Failure> {
    let items = walk(store, &whole::log(organization), 50).await?;
    let entries = items.into_iter().filter_map(|item| match item {
        Item::LogEntry(entry) => Some(entry),
        _ => None,
    });
    Ok(entries.collect())
}

impl Model {
    /// What a list must hold from its beginning, wherever the page that was asked for begins.
    pub(crate) fn list(&self, list: &List) -> BTreeMap<Place, Item> {
        let mut items = BTreeMap::new();
        for (id, tenant) in &self.tenants {
            if list.organization().is_some_and(|other| other != *id) {
                continue;
            }
            let of_the_log = tenant.log.iter().cloned().map(Item::LogEntry);
            let records = tenant.state.records();
            let of_records = records.filter_map(|record| listed(list, &tenant.state, record));
            for item in of_the_log.chain(of_records) {
                if let Some(place) = place(list, &item) {
                    items.insert(place, item);
                }
            }
        }
        items
    }
}

/// A record as an item of a list; `None` if it doesn't belong there.
fn listed(list: &List, state: &OrganizationState, record: Record) -> Option<Item> {
    let belongs = match (list, &record) {
        (List::Members { roles, .. }, Record::Member(member)) => {
            roles.contains(RoleSet::of_organization(member.role))
        }
        (
            List::WorkspaceMembers {
                workspace, roles, ..
            },
            Record::WorkspaceMember(member),
        ) => member.workspace == *workspace && roles.contains(RoleSet::of_workspace(member.role)),
        (
            List::Holders {
                workspace: None,
                role,
                ..
            },
            Record::Member(member),
        ) => member.own_role == Some(*role),
        (
            List::Holders {
                workspace: Some(workspace),
                role,
                ..
            },
            Record::WorkspaceMember(member),
        ) => member.workspace == *workspace && member.own_role == Some(*role),
        (List::Workspaces { .. }, Record::Workspace(_)) => true,
        (List::Domains { workspace, .. }, Record::Domain(domain)) => domain.workspace == *workspace,
        (List::Invitations { workspace, .. }, Record::Invitation(invitation)) => {
            invitation.is_open()
                && (workspace.is_none() || invitation.target.workspace() == *workspace)
        }
        (List::WorkspacesOf { user, .. }, Record::WorkspaceMember(member)) => {
            if member.user != *user {
                return None;
            }
            let workspace = state.workspace(member.workspace)?.clone();
            return Some(Item::Pair(Record::Workspace(workspace), record));
        }
        (List::OrganizationsOf { user, .. }, Record::Member(member)) => {
            return across(state, member.user == *user, record);
        }
        (List::InvitationsTo { email, .. }, Record::Invitation(invitation)) => {
            let theirs = invitation.is_open() && invitation.email.key() == email;
            return across(state, theirs, record);
        }
        _ => false,
    };
    belongs.then_some(Item::Record(record))
}

fn across(state: &OrganizationState, belongs: bool, record: Record) -> Option<Item> {
    let organization = state.organization().filter(|_| belongs)?;
    Some(Item::Across(organization.summary(), record))
}

/// Whether a page is full; a failure if it holds more than it may.
fn not_longer(items: usize, limit: u32) -> Result<bool, Failure> {
    let length = u32::try_from(items).unwrap_or(u32::MAX);
    if length > limit {
        return Err(Failure::new(format!(
            "a page of {limit} holds {length} items"
        )));
    }
    Ok(length == limit)
}

/// Stops a walk that goes in circles.
fn enough(items: usize) -> Verdict {
    if items > 5_000 {
        return Err(Failure::new("the walk through a list doesn't end"));
    }
    Ok(())
}

/// Every list from its beginning.
pub(crate) mod whole {
    use tenancy::store::List;
    use tenancy::text::EmailKey;
    use tenancy::{OrganizationId, RoleNumber, RoleSet, UserId, Version, WorkspaceId};

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

    pub(crate) const fn holders(
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        role: RoleNumber,
    ) -> List {
        List::Holders {
            organization,
            workspace,
            role,
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
}
