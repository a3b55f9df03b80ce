//! The lists: pages by key, each row one JSON text.
//!
//! The last key of the page before may be null. It is compared by `>=` and `<>` instead of `>`, so that the
//! index is used with and without one, whatever plan the server keeps.

use tenancy::RoleSet;
use tenancy::store::Claim;

use crate::rows::{ClaimRow, organization_codes, workspace_codes};

/// The organization roles in a set, as `smallint[]` for [`MEMBERS`].
#[must_use]
pub fn organization_roles(roles: RoleSet) -> Vec<i16> {
    organization_codes(roles)
}

/// The workspace roles in a set, as `smallint[]` for [`WORKSPACE_MEMBERS`].
#[must_use]
pub fn workspace_roles(roles: RoleSet) -> Vec<i16> {
    workspace_codes(roles)
}

/// A claim as `$1 smallint` and `$2 text` of [`HOLDER`].
#[must_use]
pub fn claim_parameters(claim: &Claim) -> (i16, String) {
    let row = ClaimRow::from(claim);
    (row.scope, row.key)
}

macro_rules! member { () => { "json_build_object('user_id', m.user_id, 'role', m.role, 'email', m.email, 'since', m.since)::text" } }
macro_rules! workspace { () => { "json_build_object('id', w.id, 'name', w.name, 'invoicing', w.invoicing, 'domains', w.domains, 'members', w.members, 'created_at', w.created_at)::text" } }
macro_rules! workspace_member { () => { "json_build_object('workspace_id', m.workspace_id, 'user_id', m.user_id, 'role', m.role, 'since', m.since)::text" } }
macro_rules! invitation { () => { "json_build_object('id', i.id, 'email', i.email, 'workspace_id', i.workspace_id, 'role', i.role, 'inviter', i.inviter, 'token_hash', encode(i.token_hash, 'hex'), 'sent_at', i.sent_at, 'expires_at', i.expires_at, 'state', i.state)::text" } }
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
            " LIMIT ",
            $limit,
            "::bigint"
        )
    };
}

/// Members by user: `$1 uuid` organization, `$2 smallint[]` roles, `$3 uuid` last user or null, `$4 bigint`
/// limit. Rows for [`member`](super::member).
pub const MEMBERS: &str = concat!(
    "SELECT ",
    member!(),
    " AS member FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.role = ANY ($2::smallint[])",
    page!("m.user_id", "$3", "$4")
);

/// [`MEMBERS`] when plain Members are not among the roles: finds a few Admins among many without a scan.
pub const MEMBERS_WITH_ROLE: &str = concat!(
    "SELECT ",
    member!(),
    " AS member FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.role > 1 AND m.role = ANY ($2::smallint[])",
    page!("m.user_id", "$3", "$4")
);

/// Workspaces by id: `$1 uuid` organization, `$2 uuid` last workspace or null, `$3 bigint` limit. Rows for
/// [`workspace`](super::workspace).
pub const WORKSPACES: &str = concat!(
    "SELECT ",
    workspace!(),
    " AS workspace FROM tenancy.workspaces w WHERE w.organization_id = $1::uuid",
    page!("w.id", "$2", "$3")
);

/// The workspaces of a user: `$1 uuid` organization, `$2 uuid` user, `$3 uuid` last workspace or null,
/// `$4 bigint` limit. Rows for [`workspace`](super::workspace) and
/// [`workspace_member`](super::workspace_member).
pub const WORKSPACES_OF: &str = concat!(
    "SELECT ",
    workspace!(),
    " AS workspace, ",
    workspace_member!(),
    " AS member",
    " FROM tenancy.workspace_members m",
    " JOIN tenancy.workspaces w ON w.organization_id = m.organization_id AND w.id = m.workspace_id",
    " WHERE m.organization_id = $1::uuid AND m.user_id = $2::uuid",
    page!("m.workspace_id", "$3", "$4")
);

/// The members of a workspace: `$1 uuid` organization, `$2 uuid` workspace, `$3 smallint[]` roles, `$4 uuid`
/// last user or null, `$5 bigint` limit. Rows for [`workspace_member`](super::workspace_member).
pub const WORKSPACE_MEMBERS: &str = concat!(
    "SELECT ",
    workspace_member!(),
    " AS member FROM tenancy.workspace_members m",
    " WHERE m.organization_id = $1::uuid AND m.workspace_id = $2::uuid AND m.role = ANY ($3::smallint[])",
    page!("m.user_id", "$4", "$5")
);

/// The domains in a workspace: `$1 uuid` organization, `$2 uuid` workspace, `$3 uuid` last domain or null,
/// `$4 bigint` limit. Rows for [`domain`](super::domain).
pub const DOMAINS: &str = concat!(
    "SELECT json_build_object('id', d.id, 'workspace_id', d.workspace_id, 'name', d.name, 'kind', d.kind,",
    " 'status', d.status, 'created_at', d.created_at)::text AS domain FROM tenancy.domains d",
    " WHERE d.organization_id = $1::uuid AND d.workspace_id = $2::uuid",
    page!("d.id", "$3", "$4")
);

/// Open invitations: `$1 uuid` organization, `$2 uuid` last invitation or null, `$3 bigint` limit. Rows for
/// [`invitation`](super::invitation).
pub const INVITATIONS: &str = concat!(
    "SELECT ",
    invitation!(),
    " AS invitation FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.state + 0 = 1",
    page!("i.id", "$2", "$3")
);

/// Open invitations to a workspace: `$1 uuid` organization, `$2 uuid` workspace, `$3 uuid` last invitation
/// or null, `$4 bigint` limit. Rows for [`invitation`](super::invitation).
pub const INVITATIONS_INTO: &str = concat!(
    "SELECT ",
    invitation!(),
    " AS invitation FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.workspace_id = $2::uuid AND i.state = 1",
    page!("i.id", "$3", "$4")
);

/// The organizations of a user: `$1 uuid` user, `$2 uuid` last organization or null, `$3 bigint` limit. Rows
/// for [`organization`](super::organization) and [`member`](super::member).
pub const ORGANIZATIONS_OF: &str = concat!(
    "SELECT row_to_json(o)::text AS organization, ",
    member!(),
    " AS member FROM tenancy.members m",
    " JOIN tenancy.organizations o ON o.id = m.organization_id WHERE m.user_id = $1::uuid",
    page!("m.organization_id", "$2", "$3")
);

/// The open invitations to an address, across organizations: `$1 text` address, `$2 uuid` and `$3 uuid` last
/// organization and invitation or null, `$4 bigint` limit. Rows for [`organization`](super::organization)
/// and [`invitation`](super::invitation).
pub const INVITATIONS_TO: &str = concat!(
    "SELECT row_to_json(o)::text AS organization, ",
    invitation!(),
    " AS invitation FROM tenancy.invitations i",
    " JOIN tenancy.organizations o ON o.id = i.organization_id WHERE i.email_key = $1::text AND i.state = 1",
    " AND (i.organization_id, i.id) >= (COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'),",
    " COALESCE($3::uuid, '00000000-0000-0000-0000-000000000000'))",
    " AND ($2 IS NULL OR (i.organization_id, i.id) <> ($2, $3))",
    " ORDER BY i.organization_id, i.id LIMIT $4::bigint"
);

/// Who holds a claim: `$1 smallint`, `$2 text` from [`claim_parameters`]. One `uuid`, or no row.
pub const HOLDER: &str =
    "SELECT organization_id FROM tenancy.claims WHERE scope = $1::smallint AND key = $2::text";

/// The log, oldest first: `$1 uuid` organization, `$2 bigint` last version, `$3 bigint` limit. Rows for
/// [`log_entry`](super::log_entry).
pub const LOG: &str = "SELECT row_to_json(c)::text AS entry FROM tenancy.commits c \
    WHERE c.organization_id = $1::uuid AND c.version > $2::bigint ORDER BY c.version LIMIT $3::bigint";
