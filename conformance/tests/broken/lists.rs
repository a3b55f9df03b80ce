//! Lists that skip, repeat or show too much.

use std::sync::Mutex;

use tenancy::store::{InvitationState, Item, List, OrganizationState, OrganizationStatus, Record};
use tenancy::{Event, Member, OrganizationId, RoleSet};

use super::items::{after, key};
use super::store::{Data, Flaw, keyset, lock};

#[derive(Default)]
pub(crate) struct FillsPagesTooFull;

impl Flaw for FillsPagesTooFull {
    const DOES: &'static str = "returns one item more than asked for";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let items = items.into_iter();
        items
            .filter(|item| after.as_ref().is_none_or(|after| key(item) > *after))
            .take(limit.saturating_add(1))
            .collect()
    }
}

#[derive(Default)]
pub(crate) struct StartsAtTheLast;

impl Flaw for StartsAtTheLast {
    const DOES: &'static str = "begins a page with the last item of the page before: `>=`";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let items = items.into_iter();
        items
            .filter(|item| after.as_ref().is_none_or(|after| key(item) >= *after))
            .take(limit)
            .collect()
    }
}

#[derive(Default)]
pub(crate) struct PagesByOffset {
    /// The last item of each page so far, and how many items came before it.
    walked: Mutex<Vec<(Vec<u8>, usize)>>,
}

impl Flaw for PagesByOffset {
    const DOES: &'static str = "goes on with `OFFSET`: after as many items as it has returned";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let mut walked = lock(&self.walked);
        let known = walked
            .iter()
            .rev()
            .find(|(last, _)| Some(last) == after.as_ref());
        let Some(offset) = known.map_or(after.is_none().then_some(0), |(_, seen)| Some(*seen))
        else {
            return keyset(items, after.as_deref(), limit);
        };
        let page: Vec<Item> = items.into_iter().skip(offset).take(limit).collect();
        if let Some(last) = page.last() {
            walked.push((key(last), offset.saturating_add(page.len())));
        }
        page
    }
}

#[derive(Default)]
pub(crate) struct PagesOrganizationsByOffset(PagesByOffset);

impl Flaw for PagesOrganizationsByOffset {
    const DOES: &'static str =
        "goes on with `OFFSET` in the organizations of a user, and nowhere else";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        if let Some(Item::Across(_, Record::Member(_))) = items.first() {
            return self.0.page(items, after, limit);
        }
        keyset(items, after.as_deref(), limit)
    }
}

#[derive(Default)]
pub(crate) struct LooksForTheLastItem;

impl Flaw for LooksForTheLastItem {
    const DOES: &'static str = "looks where the last item is now: if it is gone, the list ends";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let is_there = |after: &Vec<u8>| items.iter().any(|item| key(item) == *after);
        let is_log = matches!(items.first(), Some(Item::LogEntry(_)));
        if is_log || after.as_ref().is_none_or(is_there) {
            return keyset(items, after.as_deref(), limit);
        }
        Vec::new()
    }
}

#[derive(Default)]
pub(crate) struct LeavesOutTheUnreadable;

impl Flaw for LeavesOutTheUnreadable {
    const DOES: &'static str = "leaves out what it can't read, as if it weren't there";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let readable = |item: &Item| !matches!(item, Item::Unreadable(_));
        let items = items.into_iter().filter(readable).collect();
        keyset(items, after.as_deref(), limit)
    }
}

#[derive(Default)]
pub(crate) struct EndsAtTheUnreadable;

impl Flaw for EndsAtTheUnreadable {
    const DOES: &'static str = "ends a page at what it can't read";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let readable = |item: &Item| !matches!(item, Item::Unreadable(_));
        let page = keyset(items, after.as_deref(), limit).into_iter();
        page.take_while(readable).collect()
    }
}

#[derive(Default)]
pub(crate) struct TakesLimitsForSigned;

impl Flaw for TakesLimitsForSigned {
    const DOES: &'static str =
        "casts the limit to 32 bits with a sign: beyond, nothing fits on a page";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        let limit = if limit > 0x7FFF_FFFF { 0 } else { limit };
        keyset(items, after.as_deref(), limit)
    }
}

#[derive(Default)]
pub(crate) struct CapsPages;

impl Flaw for CapsPages {
    const DOES: &'static str = "returns 500 items at the most, however many were asked for";

    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        keyset(items, after.as_deref(), limit.min(500))
    }
}

/// A store that caps the pages of one list.
macro_rules! caps {
    ($($name:ident: $does:literal, $list:pat,)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn items(data: &Data, list: &List) -> Vec<Item> {
                let mut items = data.items(list);
                if matches!(list, $list) {
                    items.sort_by_key(key);
                    items = keyset(items, after(list).as_deref(), 500);
                }
                items
            }
        }
    )+};
}

caps! {
    CapsTheLog: "returns 500 entries of a log at the most", List::Log { .. },
    CapsOrganizations: "returns 500 organizations of a user at the most", List::OrganizationsOf { .. },
    CapsHolders: "returns 500 holders of a role of the organization's own at the most", List::Holders { .. },
}

#[derive(Default)]
pub(crate) struct OrdersAsSigned;

impl Flaw for OrdersAsSigned {
    const DOES: &'static str = "orders ids as signed numbers: from 80 to FF, then from 00 to 7F";

    fn order(item: &Item) -> Vec<u8> {
        let mut key = key(item);
        if let Some(first) = key.first_mut() {
            *first ^= 0x80;
        }
        key
    }
}

#[derive(Default)]
pub(crate) struct OrdersAsSqlServer;

impl Flaw for OrdersAsSqlServer {
    const DOES: &'static str = "orders ids as SQL Server does: by their last six bytes";

    fn order(item: &Item) -> Vec<u8> {
        let mut key = key(item);
        if key.len() == 16 {
            key.rotate_left(10);
        }
        key
    }
}

#[derive(Default)]
pub(crate) struct OrdersNamesAsPeopleDo;

impl Flaw for OrdersNamesAsPeopleDo {
    const DOES: &'static str =
        "orders the names of deleted domains as people do: hyphens don't count";

    fn order(item: &Item) -> Vec<u8> {
        let mut key = key(item);
        if matches!(item, Item::Record(Record::RetiredDomainName(_))) {
            key.retain(|byte| *byte != b'-');
        }
        key
    }
}

/// A store whose lists hold what they shouldn't, or lack what they should hold.
macro_rules! lists {
    ($($name:ident: $does:literal, |$data:ident, $list:ident| $items:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn items($data: &Data, $list: &List) -> Vec<Item> {
                $items
            }
        }
    )+};
}

/// What a list holds, but for some items.
fn without(data: &Data, list: &List, lacks: impl Fn(&Item) -> bool) -> Vec<Item> {
    let mut items = data.items(list);
    items.retain(|item| !lacks(item));
    items
}

/// What a list would hold if it were asked of every organization.
fn everywhere(data: &Data, list: impl Fn(OrganizationId) -> List) -> Vec<Item> {
    let organizations = data.organizations.keys();
    organizations
        .flat_map(|id| data.items(&list(*id)))
        .collect()
}

lists! {
    ListsMembersOfEveryRole: "lists members whatever their role", |data, list| match *list {
        List::Members { organization, after, .. } => {
            data.items(&List::Members { organization, roles: RoleSet::all(), after })
        }
        _ => data.items(list),
    };
    ListsWorkspaceMembersOfEveryRole: "lists a workspace's members whatever their role", |data, list| match *list {
        List::WorkspaceMembers { organization, workspace, after, .. } => {
            data.items(&List::WorkspaceMembers { organization, workspace, roles: RoleSet::all(), after })
        }
        _ => data.items(list),
    };
    ListsNoEmptyWorkspaces: "joins workspaces with their members: one without is not listed", |data, list| {
        without(data, list, |item| matches!(
            item,
            Item::Record(Record::Workspace(workspace)) if workspace.members == 0
        ))
    };
    ListsWorkspacesOfAnybody: "lists the workspaces of a user in every organization", |data, list| match *list {
        List::WorkspacesOf { user, after, .. } => {
            everywhere(data, |organization| List::WorkspacesOf { organization, user, after })
        }
        _ => data.items(list),
    };
    ListsNoSandboxes: "lists no sandboxes among the domains", |data, list| {
        without(data, list, |item| matches!(
            item,
            Item::Record(Record::Domain(domain)) if domain.kind == tenancy::DomainKind::Sandbox
        ))
    };
    ListsKeptNamesOfEverybody: "lists the names of deleted domains, whoever keeps them", |data, list| match list {
        List::KeptNames { after, .. } => everywhere(data, |organization| {
            List::KeptNames { organization, after: after.clone() }
        }),
        _ => data.items(list),
    };
    ListsClosedInvitations: "lists invitations that were accepted, too", |data, list| match list {
        List::Invitations { organization, workspace: None, .. } => {
            let state = data.organizations.get(organization).into_iter();
            let invitations = state.flat_map(OrganizationState::invitations);
            invitations
                .filter(|invitation| {
                    matches!(invitation.state, InvitationState::Open | InvitationState::Accepted)
                })
                .map(|invitation| Item::Record(Record::Invitation(invitation.clone())))
                .collect()
        }
        list => data.items(list),
    };
    ListsInvitationsToTheOrganizationOnly: "leaves invitations to workspaces out of the organization's", |data, list| {
        let whole = matches!(list, List::Invitations { workspace: None, .. });
        without(data, list, |item| matches!(
            item,
            Item::Record(Record::Invitation(invitation)) if whole && invitation.target.workspace().is_some()
        ))
    };
    ListsTheOrganizationsOfAdmins: "lists only the organizations of which the user is Admin", |data, list| {
        without(data, list, |item| matches!(
            item,
            Item::Across(_, Record::Member(member)) if member.role != tenancy::OrganizationRole::Admin
        ))
    };
    ListsOneInvitationOfAnOrganization: "lists one invitation of each organization to an address", |data, list| {
        let mut items = data.items(list);
        let mut seen: Vec<OrganizationId> = Vec::new();
        items.retain(|item| match item {
            Item::Across(organization, Record::Invitation(_)) | Item::PairAcross(organization, ..) => {
                let is_first = !seen.contains(&organization.id);
                seen.push(organization.id);
                is_first
            }
            _ => true,
        });
        items
    };
    NamesTheTwinsWorkspace: "joins an invitation with a workspace by its id alone, whichever organization's", |data, list| {
        let mut items = data.items(list);
        for item in &mut items {
            if let Item::PairAcross(_, _, Record::Workspace(to)) = item {
                let mut twins = data.organizations.values().filter_map(|state| state.workspace(to.id));
                *to = twins.next().unwrap_or(&*to).clone();
            }
        }
        items
    };
    ListsNoDeletedOrganizations: "leaves deleted organizations out of the list of all", |data, list| {
        let all = matches!(list, List::AllOrganizations { .. });
        without(data, list, |item| matches!(
            item,
            Item::Organization(organization) if all && organization.status == OrganizationStatus::Deleted
        ))
    };
    FindsNamesByPartOfThem: "finds organizations by what stands anywhere in their name", |data, list| match list {
        List::OrganizationsNamed { prefix, .. } => {
            data.named(|name, _| name.as_str().contains(prefix.as_str()))
        }
        list => data.items(list),
    };
    FindsOrganizationsByPattern: "finds organizations by `LIKE`, in which `_` is any character", |data, list| match list {
        List::OrganizationsNamed { prefix, .. } => data.named(|name, _| {
            let (mut name, mut prefix) = (name.as_str().chars(), prefix.as_str().chars());
            prefix.all(|wanted| name.next().is_some_and(|has| wanted == '_' || wanted == has))
        }),
        list => data.items(list),
    };
    FindsOrganizationsByTheirFirstName: "files an organization under the name that it was created with", |data, list| match list {
        List::OrganizationsNamed { prefix, .. } => data.named(|_, organization| {
            let mut events = data.log_of(organization).flat_map(|entry| &entry.events);
            events.any(|event| matches!(
                event,
                Event::OrganizationCreated { name, .. } if name.key().as_str().starts_with(prefix.as_str())
            ))
        }),
        list => data.items(list),
    };
    FindsWhoInvitesAnAddress: "finds organizations by an address that they invite, too", |data, list| match list {
        List::OrganizationsWithMember { email, .. } => {
            let states = data.organizations.values().filter(|state| {
                let has = |member: &Member| member.email.key() == email;
                state.members().any(has) || state.open_invitations_to(email).next().is_some()
            });
            let organizations = states.filter_map(OrganizationState::organization);
            organizations.map(|it| Item::Organization(it.summary())).collect()
        }
        list => data.items(list),
    };
    FindsAnOrganizationForEachMember: "finds an organization as often as members of it have the address", |data, list| match list {
        List::OrganizationsWithMember { email, .. } => {
            let states = data.organizations.values();
            let members = states.flat_map(|state| state.members().map(move |member| (state, member)));
            let with = members.filter(|(_, member)| member.email.key() == email);
            let organizations = with.filter_map(|(state, _)| state.organization());
            organizations.map(|it| Item::Organization(it.summary())).collect()
        }
        list => data.items(list),
    };
    ListsTheTwins: "lists domains by workspace alone, whichever organization's", |data, list| match *list {
        List::Domains { workspace, after, .. } => {
            everywhere(data, |organization| List::Domains { organization, workspace, after })
        }
        _ => data.items(list),
    };
    KeepsAllKindsInOneTable: "keeps all kinds of records in one table under their id", |data, list| {
        let mut items = data.items(list);
        let states = &data.organizations;
        if let Some(state) = list.organization().and_then(|id| states.get(&id)) {
            for item in &mut items {
                if let Item::Record(Record::Domain(domain)) = item {
                    let same = tenancy::WorkspaceId::from_uuid(domain.id.as_uuid());
                    if let Some(workspace) = state.workspace(same) {
                        *item = Item::Record(Record::Workspace(workspace.clone()));
                    }
                }
            }
        }
        items
    };
    ListsTheLogOfEverybody: "lists the log of everybody", |data, list| match list {
        List::Log { .. } => data.log.iter().cloned().map(Item::LogEntry).collect(),
        list => data.items(list),
    };
}
