//! Columns that are not written again when their record is.

use std::collections::BTreeSet;

use tenancy::store::{Item, Key, List, Record};
use tenancy::text::NameKey;
use tenancy::{Event, OrganizationId, OrganizationRole, RoleSet, UserId, WorkspaceId};

use super::store::{Data, Flaw};

/// The events of an organization, oldest first.
fn events(data: &Data, id: OrganizationId) -> impl Iterator<Item = &Event> {
    data.log_of(id).flat_map(|entry| &entry.events)
}

#[derive(Default)]
pub(crate) struct FindsNobodyWhoMoved;

impl Flaw for FindsNobodyWhoMoved {
    const DOES: &'static str =
        "doesn't fill the column of a member's address again when it changes";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let mut records = data.bring(id, key);
        if matches!(key, Key::Address(..)) {
            records.retain(|record| match record {
                Record::Member(member) => !has_moved(data, id, member.user),
                _ => true,
            });
        }
        records
    }
}

fn has_moved(data: &Data, id: OrganizationId, of: UserId) -> bool {
    events(data, id)
        .any(|event| matches!(event, Event::MemberEmailChanged { user, .. } if *user == of))
}

#[derive(Default)]
pub(crate) struct ListsHoldersByTheirBase;

impl Flaw for ListsHoldersByTheirBase {
    const DOES: &'static str =
        "lists the holders of a role of the organization's own by its base: all who have that";

    fn items(data: &Data, list: &List) -> Vec<Item> {
        let List::Holders {
            organization,
            workspace: None,
            ref roles,
            ..
        } = *list
        else {
            return data.items(list);
        };
        let state = data.organizations.get(&organization);
        let row = state.and_then(tenancy::store::OrganizationState::organization);
        let own = roles.iter().filter_map(|role| row?.role(*role));
        let bases: BTreeSet<_> = own
            .filter_map(|role| role.base.organization_role())
            .collect();
        let members = state
            .into_iter()
            .flat_map(tenancy::store::OrganizationState::members);
        let listed = members.filter(|member| bases.contains(&member.role));
        let listed = listed.cloned().map(Record::Member);
        listed.map(Item::Record).collect()
    }
}

#[derive(Default)]
pub(crate) struct ListsHoldersOfOneRole;

impl Flaw for ListsHoldersOfOneRole {
    const DOES: &'static str =
        "lists the holders of one role only where those of several are asked for";

    fn items(data: &Data, list: &List) -> Vec<Item> {
        let mut one = list.clone();
        if let List::Holders { roles, .. } = &mut one {
            *roles = roles.first().copied().into_iter().collect();
        }
        data.items(&one)
    }
}

#[derive(Default)]
pub(crate) struct ListsHoldersEverywhere;

impl Flaw for ListsHoldersEverywhere {
    const DOES: &'static str =
        "lists the holders of a role of the organization's own in whatever workspace they hold it";

    fn items(data: &Data, list: &List) -> Vec<Item> {
        let List::Holders {
            organization,
            workspace: Some(_),
            ref roles,
            ..
        } = *list
        else {
            return data.items(list);
        };
        let state = data.organizations.get(&organization).into_iter();
        let members = state.flat_map(tenancy::store::OrganizationState::workspace_members);
        let listed =
            members.filter(|member| member.own_role.is_some_and(|own| roles.contains(&own)));
        let listed = listed.cloned().map(Record::WorkspaceMember);
        listed.map(Item::Record).collect()
    }
}

#[derive(Default)]
pub(crate) struct ListsMembersByTheirFirstRole;

impl Flaw for ListsMembersByTheirFirstRole {
    const DOES: &'static str = "lists members by the role that they joined with";

    fn items(data: &Data, list: &List) -> Vec<Item> {
        let List::Members {
            organization,
            roles,
            ..
        } = *list
        else {
            return data.items(list);
        };
        let state = data.organizations.get(&organization).into_iter();
        let members = state.flat_map(tenancy::store::OrganizationState::members);
        let listed = members.filter(|member| {
            let first = joined_as(data, organization, member.user).unwrap_or(member.role);
            roles.contains(RoleSet::of_organization(first))
        });
        let listed = listed.cloned().map(Record::Member);
        listed.map(Item::Record).collect()
    }
}

fn joined_as(data: &Data, id: OrganizationId, of: UserId) -> Option<OrganizationRole> {
    let joined = events(data, id).filter_map(|event| match event {
        Event::MemberJoined { user, role, .. } if *user == of => Some(*role),
        _ => None,
    });
    joined.last()
}

#[derive(Default)]
pub(crate) struct FindsNoNameThatAnotherHad;

impl Flaw for FindsNoNameThatAnotherHad {
    const DOES: &'static str =
        "doesn't find a workspace by a name that it took over from another one by being renamed";

    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        let mut records = data.bring(id, key);
        if let Key::WorkspaceNamed(name) = key {
            records.retain(|record| match record {
                Record::Workspace(workspace) => !was_renamed_from(data, id, name, workspace.id),
                _ => true,
            });
        }
        records
    }
}

fn was_renamed_from(data: &Data, id: OrganizationId, name: &NameKey, now: WorkspaceId) -> bool {
    events(data, id).any(|event| {
        matches!(event, Event::WorkspaceRenamed { workspace, from, .. }
            if *workspace != now && from.key() == *name)
    })
}
