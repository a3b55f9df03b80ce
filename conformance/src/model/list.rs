//! Lists, and walks through them.
//!
//! The reference is a filter over every record there is, and a sort: it shares nothing with
//! [`OrganizationState::list`], which the store under test may itself be made of.

use core::num::NonZeroU32;
use std::collections::BTreeMap;

use tenancy::store::{Directory, Item, List, OrganizationState, Place, Record};
use tenancy::text::{EmailKey, NameKey};
use tenancy::{LogEntry, OrganizationId, RoleNumber, RoleSet, UserId, WorkspaceId};

use super::Model;
use crate::report::{Failure, Verdict};

/// One page of a list, each item with its place.
pub(crate) async fn page<R: Directory>(
    store: &R,
    list: &List,
    limit: u32,
) -> Result<Vec<(Place, Item)>, Failure> {
    let size = NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN);
    let items = store.list(list, size).await?;
    not_longer(items.len(), limit)?;
    let placed = items.into_iter().map(|item| match list.place_of(&item) {
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
            next = list.behind(Some(last.clone()));
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
            let itself = found(list, &tenant.state);
            for item in of_the_log.chain(of_records).chain(itself) {
                if let Some(place) = list.place_of(&item) {
                    items.insert(place, item);
                }
            }
        }
        items
    }
}

/// An organization as an item of a list of organizations; `None` if it doesn't belong there.
fn found(list: &List, state: &OrganizationState) -> Option<Item> {
    let organization = state.organization()?;
    match list {
        List::AllOrganizations { .. } => {}
        List::OrganizationsWithMember { email, .. } => {
            state.members().find(|member| member.email.key() == email)?;
        }
        List::OrganizationsNamed { prefix, .. } => {
            let name = organization.name.key();
            let begins_so = name.as_str().starts_with(prefix.as_str());
            return begins_so.then(|| Item::Named(name, organization.summary()));
        }
        _ => return None,
    }
    Some(Item::Organization(organization.summary()))
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
                roles,
                ..
            },
            Record::Member(member),
        ) => member.own_role.is_some_and(|role| roles.contains(&role)),
        (
            List::Holders {
                workspace: Some(workspace),
                roles,
                ..
            },
            Record::WorkspaceMember(member),
        ) => {
            let held = member.own_role.filter(|_| member.workspace == *workspace);
            held.is_some_and(|role| roles.contains(&role))
        }
        (List::Workspaces { .. }, Record::Workspace(_))
        | (List::KeptNames { .. }, Record::RetiredDomainName(_)) => true,
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
            let to = invitation.target.workspace();
            let Some(to) = to.and_then(|to| state.workspace(to)) else {
                return across(state, theirs, record);
            };
            let organization = state.organization().filter(|_| theirs)?;
            let (organization, to) = (organization.summary(), Record::Workspace(to.clone()));
            return Some(Item::PairAcross(organization, record, to));
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

/// Every list that there is, from its beginning: of an organization, a workspace of it, a user, an address, a role
/// of the organization's own, what an organization's name begins with; those of roles with all of them, and with those of
/// whom there are few or many. For a store's own tests of its plans.
///
/// ```
/// use tenancy::{EmailAddress, Name, OrganizationId, UserId, WorkspaceId};
///
/// let (email, name) = (EmailAddress::new("ann@acme.example")?, Name::new("Acme")?);
/// let (organization, workspace) = (OrganizationId::new(), WorkspaceId::new());
/// let (ann, role) = (UserId::new(), "7".parse()?);
/// for list in tenancy_conformance::every_list(organization, workspace, ann, email.key(), role, &name.key()) {
///     println!("{list:?}"); // ask for it, and count the pages that were read
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn every_list(
    organization: OrganizationId,
    workspace: WorkspaceId,
    user: UserId,
    email: &EmailKey,
    role: RoleNumber,
    name: &NameKey,
) -> Vec<List> {
    vec![
        whole::members(organization, RoleSet::all()),
        whole::members(organization, RoleSet::MEMBER),
        whole::members(
            organization,
            RoleSet::ORGANIZATION_ADMIN | RoleSet::ACCOUNTING,
        ),
        whole::workspaces(organization),
        whole::workspaces_of(organization, user),
        whole::workspace_members(organization, workspace, RoleSet::all()),
        whole::workspace_members(organization, workspace, RoleSet::READER),
        whole::holders(organization, None, [role]),
        whole::holders(organization, Some(workspace), [role]),
        whole::domains(organization, workspace),
        whole::kept_names(organization),
        whole::invitations(organization, None),
        whole::invitations(organization, Some(workspace)),
        whole::organizations_of(user),
        whole::invitations_to(email),
        whole::all_organizations(),
        whole::organizations_named(name),
        whole::organizations_with_member(email),
        whole::log(organization),
    ]
}

/// Which lists there are.
macro_rules! kinds {
    ($($kind:ident),+ $(,)?) => {
        /// The kinds of lists. Whoever adds one to the contract comes by here, because [`kind`] knows no other.
        pub(crate) const KINDS: &[&str] = &[$(stringify!($kind)),+];

        /// A list's kind.
        pub(crate) const fn kind(list: &List) -> &'static str {
            match list {
                $(List::$kind { .. } => stringify!($kind)),+
            }
        }
    };
}

kinds! {
    Members, Workspaces, WorkspacesOf, WorkspaceMembers, Domains, KeptNames, Invitations, Holders, OrganizationsOf,
    InvitationsTo, AllOrganizations, OrganizationsNamed, OrganizationsWithMember, Log,
}

/// Every list from its beginning.
pub(crate) mod whole {
    use tenancy::store::List;
    use tenancy::text::{EmailKey, NameKey};
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

    pub(crate) fn holders(
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        roles: impl IntoIterator<Item = RoleNumber>,
    ) -> List {
        List::Holders {
            organization,
            workspace,
            roles: roles.into_iter().collect(),
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

    pub(crate) const fn kept_names(organization: OrganizationId) -> List {
        List::KeptNames {
            organization,
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

    pub(crate) const fn all_organizations() -> List {
        List::AllOrganizations { after: None }
    }

    pub(crate) fn organizations_named(prefix: &NameKey) -> List {
        List::OrganizationsNamed {
            prefix: prefix.clone(),
            after: None,
        }
    }

    pub(crate) fn organizations_with_member(email: &EmailKey) -> List {
        List::OrganizationsWithMember {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_list_leaves_none_out() {
        let (organization, workspace) = (OrganizationId::new(), WorkspaceId::new());
        let email = tenancy::EmailAddress::new("ann@x.example").map(|email| email.key().clone());
        let role = RoleNumber::from_column(1);
        let name = tenancy::Name::new("Acme").map(|name| name.key());
        let (Ok(email), Some(role), Ok(name)) = (email, role, name) else {
            panic!("an address, a number and a name");
        };
        let lists = every_list(organization, workspace, UserId::new(), &email, role, &name);
        let kinds: BTreeSet<_> = lists.iter().map(kind).collect();
        assert_eq!(kinds, KINDS.iter().copied().collect());
    }
}
