//! Lists that skip, repeat or show too much.

use std::sync::Mutex;

use tenancy::store::InvitationState;
use tenancy::{OrganizationId, RoleSet};

use super::rows::{List, Row};
use super::store::{Data, Flaw, keyset, lock};

#[derive(Default)]
pub(crate) struct FillsPagesTooFull;

impl Flaw for FillsPagesTooFull {
    const DOES: &'static str = "returns one item more than asked for";

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        let rows = rows.into_iter();
        rows.filter(|row| after.as_ref().is_none_or(|after| row.key() > *after))
            .take(limit.saturating_add(1))
            .collect()
    }
}

#[derive(Default)]
pub(crate) struct StartsAtTheLast;

impl Flaw for StartsAtTheLast {
    const DOES: &'static str = "begins a page with the last item of the page before: `>=`";

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        let rows = rows.into_iter();
        rows.filter(|row| after.as_ref().is_none_or(|after| row.key() >= *after))
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

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        let mut walked = lock(&self.walked);
        let known = walked
            .iter()
            .rev()
            .find(|(last, _)| Some(last) == after.as_ref());
        let Some(offset) = known.map_or(after.is_none().then_some(0), |(_, seen)| Some(*seen))
        else {
            return keyset(rows, after.as_deref(), limit);
        };
        let page: Vec<Row> = rows.into_iter().skip(offset).take(limit).collect();
        if let Some(last) = page.last() {
            walked.push((last.key(), offset.saturating_add(page.len())));
        }
        page
    }
}

#[derive(Default)]
pub(crate) struct PagesOrganizationsByOffset(PagesByOffset);

impl Flaw for PagesOrganizationsByOffset {
    const DOES: &'static str =
        "goes on with `OFFSET` in the organizations of a user, and nowhere else";

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        if let Some(Row::Organization(..)) = rows.first() {
            return self.0.page(rows, after, limit);
        }
        keyset(rows, after.as_deref(), limit)
    }
}

#[derive(Default)]
pub(crate) struct LooksForTheLastItem;

impl Flaw for LooksForTheLastItem {
    const DOES: &'static str = "looks where the last item is now: if it is gone, the list ends";

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        let is_there = |after: &Vec<u8>| rows.iter().any(|row| row.key() == *after);
        let is_log = matches!(rows.first(), Some(Row::Entry(_)));
        if is_log || after.as_ref().is_none_or(is_there) {
            return keyset(rows, after.as_deref(), limit);
        }
        Vec::new()
    }
}

#[derive(Default)]
pub(crate) struct TakesLimitsForSigned;

impl Flaw for TakesLimitsForSigned {
    const DOES: &'static str =
        "casts the limit to 32 bits with a sign: beyond, nothing fits on a page";

    fn page(&self, rows: Vec<Row>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row> {
        let limit = if limit > 0x7FFF_FFFF { 0 } else { limit };
        keyset(rows, after.as_deref(), limit)
    }
}

#[derive(Default)]
pub(crate) struct OrdersAsSigned;

impl Flaw for OrdersAsSigned {
    const DOES: &'static str = "orders ids as signed numbers: from 80 to FF, then from 00 to 7F";

    fn order(row: &Row) -> Vec<u8> {
        let mut key = row.key();
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

    fn order(row: &Row) -> Vec<u8> {
        let mut key = row.key();
        if key.len() == 16 {
            key.rotate_left(10);
        }
        key
    }
}

/// A store whose lists hold what they shouldn't, or lack what they should hold.
macro_rules! lists {
    ($($name:ident: $does:literal, |$data:ident, $list:ident| $rows:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            fn rows($data: &Data, $list: &List<'_>) -> Vec<Row> {
                $rows
            }
        }
    )+};
}

lists! {
    ListsMembersOfEveryRole: "lists members whatever their role", |data, list| match list {
        List::Members(id, _) => data.rows(&List::Members(*id, RoleSet::all())),
        list => data.rows(list),
    };
    ListsWorkspaceMembersOfEveryRole: "lists a workspace's members whatever their role", |data, list| match list {
        List::WorkspaceMembers(id, workspace, _) => {
            data.rows(&List::WorkspaceMembers(*id, *workspace, RoleSet::all()))
        }
        list => data.rows(list),
    };
    ListsNoEmptyWorkspaces: "joins workspaces with their members: one without is not listed", |data, list| {
        let mut rows = data.rows(list);
        rows.retain(|row| !matches!(row, Row::Workspace(workspace) if workspace.members == 0));
        rows
    };
    ListsWorkspacesOfAnybody: "lists the workspaces of a user in every organization", |data, list| match list {
        List::WorkspacesOf(_, user) => {
            let everywhere = data.organizations.keys();
            everywhere.flat_map(|id| data.rows(&List::WorkspacesOf(*id, *user))).collect()
        }
        list => data.rows(list),
    };
    ListsNoSandboxes: "lists no sandboxes among the domains", |data, list| {
        let mut rows = data.rows(list);
        rows.retain(|row| !matches!(
            row,
            Row::Domain(domain) if domain.kind == tenancy::DomainKind::Sandbox
        ));
        rows
    };
    ListsClosedInvitations: "lists invitations that were accepted, too", |data, list| match list {
        List::Invitations(id, None) => {
            let state = data.organizations.get(id).into_iter();
            let invitations = state.flat_map(tenancy::store::OrganizationState::invitations);
            invitations
                .filter(|invitation| {
                    matches!(invitation.state, InvitationState::Open | InvitationState::Accepted)
                })
                .map(|invitation| Row::Invitation(invitation.clone()))
                .collect()
        }
        list => data.rows(list),
    };
    ListsInvitationsToTheOrganizationOnly: "leaves invitations to workspaces out of the organization's", |data, list| {
        let mut rows = data.rows(list);
        if matches!(list, List::Invitations(_, None)) {
            rows.retain(|row| !matches!(
                row,
                Row::Invitation(invitation) if invitation.target.workspace().is_some()
            ));
        }
        rows
    };
    ListsTheOrganizationsOfAdmins: "lists only the organizations of which the user is Admin", |data, list| {
        let mut rows = data.rows(list);
        rows.retain(|row| !matches!(
            row,
            Row::Organization(_, member) if member.role != tenancy::OrganizationRole::Admin
        ));
        rows
    };
    ListsOneInvitationOfAnOrganization: "lists one invitation of each organization to an address", |data, list| {
        let mut rows = data.rows(list);
        let mut seen: Vec<OrganizationId> = Vec::new();
        rows.retain(|row| match row {
            Row::InvitationTo(organization, _) if seen.contains(&organization.id) => false,
            Row::InvitationTo(organization, _) => {
                seen.push(organization.id);
                true
            }
            _ => true,
        });
        rows
    };
    ListsTheTwins: "lists domains by workspace alone, whichever organization's", |data, list| match list {
        List::Domains(_, workspace) => {
            let everywhere = data.organizations.keys();
            everywhere.flat_map(|id| data.rows(&List::Domains(*id, *workspace))).collect()
        }
        list => data.rows(list),
    };
    ListsTheLogOfEverybody: "lists the log of everybody", |data, list| match list {
        List::Log(_) => data.log.iter().cloned().map(Row::Entry).collect(),
        list => data.rows(list),
    };
}
