//! Lists: pages by key. Each item is one row of two JSON texts, the second null unless the item has two parts.
//!
//! The last key of the page before may be null. It is compared by `>=` and `<>` instead of `>`, so that the
//! index is used with and without one, whatever plan the server keeps.
//!
//! The limit is a sub-select, which the planner can't see through: it takes the page for a tenth of the list, and
//! follows the index's order. Told that the page is ten, of a list that it takes for as short (its statistics are of
//! yesterday), it would as soon read the whole list and sort it.

use core::num::NonZeroU32;

use tenancy::store::{Claim, Item, List};
use tenancy::{OrganizationRole, RoleSet, WorkspaceRole};
use uuid::Uuid;

use crate::error::DecodeError;
use crate::statements::{Parameter, Statement, bigint, read};

/// After the last key, in its order.
macro_rules! page {
    ($key:literal, $after:literal, $limit:literal) => {
        concat!(
            " AND ",
            $key,
            " >= COALESCE(",
            $after,
            "::uuid, '00000000-0000-0000-0000-000000000000')",
            " AND (",
            $after,
            " IS NULL OR ",
            $key,
            " <> ",
            $after,
            ")",
            " ORDER BY ",
            $key,
            " LIMIT (SELECT ",
            $limit,
            "::bigint)"
        )
    };
}

/// A role among those that are asked for, in words that the planner doesn't reckon with: it would take a role that
/// nobody held when it last looked for one that nobody holds, and look for one row among all, in no order.
macro_rules! one_of {
    ($roles:literal) => {
        concat!(
            " AND CASE WHEN m.role = ANY (",
            $roles,
            "::smallint[]) THEN true ELSE false END"
        )
    };
}

const MEMBERS: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid",
    one_of!("$2"),
    page!("m.user_id", "$3", "$4")
);

/// [`MEMBERS`] when plain Members are not among the roles: finds a few Admins among many without a scan.
const MEMBERS_WITH_ROLE: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.role > 1",
    one_of!("$2"),
    page!("m.user_id", "$3", "$4")
);

const WORKSPACES: &str = concat!(
    "SELECT w.record::text AS first, NULL::text AS second FROM tenancy.workspaces w WHERE w.organization_id = $1::uuid",
    page!("w.id", "$2", "$3")
);

const WORKSPACES_OF: &str = concat!(
    "SELECT w.record::text AS first, m.record::text AS second FROM tenancy.workspace_members m",
    " JOIN tenancy.workspaces w ON w.organization_id = m.organization_id AND w.id = m.workspace_id",
    " WHERE m.organization_id = $1::uuid AND m.user_id = $2::uuid",
    page!("m.workspace_id", "$3", "$4")
);

const WORKSPACE_MEMBERS: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second FROM tenancy.workspace_members m",
    " WHERE m.organization_id = $1::uuid AND m.workspace_id = $2::uuid",
    one_of!("$3"),
    page!("m.user_id", "$4", "$5")
);

const HOLDERS: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.own_role = $2::bigint",
    page!("m.user_id", "$3", "$4")
);

const HOLDERS_THERE: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second FROM tenancy.workspace_members m",
    " WHERE m.organization_id = $1::uuid AND m.workspace_id = $2::uuid AND m.own_role = $3::bigint",
    page!("m.user_id", "$4", "$5")
);

const DOMAINS: &str = concat!(
    "SELECT d.record::text AS first, NULL::text AS second FROM tenancy.domains d",
    " WHERE d.organization_id = $1::uuid AND d.workspace_id = $2::uuid",
    page!("d.id", "$3", "$4")
);

const INVITATIONS: &str = concat!(
    "SELECT i.record::text AS first, NULL::text AS second FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.state + 0 = 1",
    page!("i.id", "$2", "$3")
);

const INVITATIONS_INTO: &str = concat!(
    "SELECT i.record::text AS first, NULL::text AS second FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.workspace_id = $2::uuid AND i.state = 1",
    page!("i.id", "$3", "$4")
);

const ORGANIZATIONS_OF: &str = concat!(
    "SELECT o.summary::text AS first, m.record::text AS second FROM tenancy.members m",
    " JOIN tenancy.organizations o ON o.id = m.organization_id WHERE m.user_id = $1::uuid",
    page!("m.organization_id", "$2", "$3")
);

const INVITATIONS_TO: &str = concat!(
    "SELECT o.summary::text AS first, i.record::text AS second FROM tenancy.invitations i",
    " JOIN tenancy.organizations o ON o.id = i.organization_id WHERE i.email_key = $1::text AND i.state = 1",
    " AND (i.organization_id, i.id) >= (COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'),",
    " COALESCE($3::uuid, '00000000-0000-0000-0000-000000000000'))",
    " AND ($2 IS NULL OR (i.organization_id, i.id) <> ($2, $3))",
    " ORDER BY i.organization_id, i.id LIMIT (SELECT $4::bigint)"
);

const LOG: &str = "SELECT c.entry::text AS first, NULL::text AS second FROM tenancy.commits c \
    WHERE c.organization_id = $1::uuid AND c.version > $2::bigint ORDER BY c.version LIMIT (SELECT $3::bigint)";

const CLAIMED_BY: &str =
    "SELECT organization_id FROM tenancy.claims WHERE scope = $1::smallint AND key = $2::text";

/// A page of a list. Its rows have two columns of type `text` (`first`, `second`), for [`item`].
#[must_use]
pub fn list(list: &List, limit: NonZeroU32) -> Statement {
    let id = |id: Uuid| Parameter::Uuid(Some(id));
    let (text, mut parameters) = match *list {
        List::Members {
            organization,
            roles,
            after,
        } => (
            if roles.contains(RoleSet::MEMBER) {
                MEMBERS
            } else {
                MEMBERS_WITH_ROLE
            },
            vec![
                id(organization.as_uuid()),
                Parameter::Codes(organization_codes(roles)),
                Parameter::Uuid(after.map(|user| user.as_uuid())),
            ],
        ),
        List::Workspaces {
            organization,
            after,
        } => (
            WORKSPACES,
            vec![
                id(organization.as_uuid()),
                Parameter::Uuid(after.map(|workspace| workspace.as_uuid())),
            ],
        ),
        List::WorkspacesOf {
            organization,
            user,
            after,
        } => (
            WORKSPACES_OF,
            vec![
                id(organization.as_uuid()),
                id(user.as_uuid()),
                Parameter::Uuid(after.map(|workspace| workspace.as_uuid())),
            ],
        ),
        List::WorkspaceMembers {
            organization,
            workspace,
            roles,
            after,
        } => (
            WORKSPACE_MEMBERS,
            vec![
                id(organization.as_uuid()),
                id(workspace.as_uuid()),
                Parameter::Codes(workspace_codes(roles)),
                Parameter::Uuid(after.map(|user| user.as_uuid())),
            ],
        ),
        List::Domains {
            organization,
            workspace,
            after,
        } => (
            DOMAINS,
            vec![
                id(organization.as_uuid()),
                id(workspace.as_uuid()),
                Parameter::Uuid(after.map(|domain| domain.as_uuid())),
            ],
        ),
        List::Invitations {
            organization,
            workspace,
            after,
        } => {
            let mut parameters = vec![id(organization.as_uuid())];
            parameters.extend(workspace.map(|workspace| id(workspace.as_uuid())));
            parameters.push(Parameter::Uuid(
                after.map(|invitation| invitation.as_uuid()),
            ));
            let text = if workspace.is_some() {
                INVITATIONS_INTO
            } else {
                INVITATIONS
            };
            (text, parameters)
        }
        List::Holders {
            organization,
            workspace,
            role,
            after,
        } => {
            let mut parameters = vec![id(organization.as_uuid())];
            parameters.extend(workspace.map(|workspace| id(workspace.as_uuid())));
            parameters.push(Parameter::Number(role.column()));
            parameters.push(Parameter::Uuid(after.map(|user| user.as_uuid())));
            let text = if workspace.is_some() {
                HOLDERS_THERE
            } else {
                HOLDERS
            };
            (text, parameters)
        }
        List::OrganizationsOf { user, after } => (
            ORGANIZATIONS_OF,
            vec![
                id(user.as_uuid()),
                Parameter::Uuid(after.map(|organization| organization.as_uuid())),
            ],
        ),
        List::InvitationsTo { ref email, after } => (
            INVITATIONS_TO,
            vec![
                Parameter::Text(email.as_str().to_owned()),
                Parameter::Uuid(after.map(|(organization, _)| organization.as_uuid())),
                Parameter::Uuid(after.map(|(_, invitation)| invitation.as_uuid())),
            ],
        ),
        List::Log {
            organization,
            after,
        } => (
            LOG,
            vec![id(organization.as_uuid()), Parameter::Number(bigint(after))],
        ),
    };
    parameters.push(Parameter::Number(i64::from(limit.get())));
    Statement { text, parameters }
}

/// Reads a row of a [`list`].
///
/// # Errors
///
/// - [`DecodeError`]: something else has written the row, or a newer version of this library.
pub fn item(list: &List, first: &str, second: Option<&str>) -> Result<Item, DecodeError> {
    let second = || second.ok_or(DecodeError::Answer { statement: "list" });
    Ok(match list {
        List::Members { .. }
        | List::Holders {
            workspace: None, ..
        } => Item::Record(read("members", "record", None, first)?),
        List::Workspaces { .. } => Item::Record(read("workspaces", "record", None, first)?),
        List::WorkspaceMembers { .. }
        | List::Holders {
            workspace: Some(_), ..
        } => Item::Record(read("workspace_members", "record", None, first)?),
        List::Domains { .. } => Item::Record(read("domains", "record", None, first)?),
        List::Invitations { .. } => Item::Record(read("invitations", "record", None, first)?),
        List::WorkspacesOf { .. } => Item::Pair(
            read("workspaces", "record", None, first)?,
            read("workspace_members", "record", None, second()?)?,
        ),
        List::OrganizationsOf { .. } => Item::Across(
            read("organizations", "summary", None, first)?,
            read("members", "record", None, second()?)?,
        ),
        List::InvitationsTo { .. } => Item::Across(
            read("organizations", "summary", None, first)?,
            read("invitations", "record", None, second()?)?,
        ),
        List::Log { .. } => Item::LogEntry(read("commits", "entry", None, first)?),
    })
}

/// Who holds a claim: one `uuid`, or no row.
#[must_use]
pub fn claimed_by(claim: &Claim) -> Statement {
    let (scope, key) = claim.filed();
    Statement {
        text: CLAIMED_BY,
        parameters: vec![
            Parameter::Code(scope.into()),
            Parameter::Text(key.to_owned()),
        ],
    }
}

fn organization_codes(roles: RoleSet) -> Vec<i16> {
    let all = OrganizationRole::ALL.into_iter();
    let held = all.filter(|role| roles.contains(RoleSet::of_organization(*role)));
    held.map(|role| role.code().into()).collect()
}

fn workspace_codes(roles: RoleSet) -> Vec<i16> {
    let all = WorkspaceRole::ALL.into_iter();
    let held = all.filter(|role| roles.contains(RoleSet::of_workspace(*role)));
    held.map(|role| role.code().into()).collect()
}
