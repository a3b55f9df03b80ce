//! Lists: pages by key. Each item is one row of two JSON texts, the second null unless the item has two parts, and of
//! the key as text, by which an item that can't be read is named.
//!
//! The last key of the page before may be null. It is compared by `>=` and `<>` instead of `>`, so that the
//! index is used with and without one, whatever plan the server keeps.
//!
//! The limit is a sub-select, which the planner can't see through: it takes the page for a tenth of the list, and
//! follows the index's order. Told that the page is ten, of a list that it takes for as short (its statistics are of
//! yesterday), it would as soon read the whole list and sort it.

use core::num::NonZeroU32;

use tenancy::store::{Claim, Item, List, Place};
use tenancy::text::NameKey;
use tenancy::{
    DomainId, DomainName, InvitationId, OrganizationId, OrganizationRole, RoleSet, UserId, Version,
    WorkspaceId, WorkspaceRole,
};
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
            "::bigint[]) OR -1 = ANY (",
            $roles,
            ") THEN true ELSE false END"
        )
    };
}

const MEMBERS: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second, m.user_id::text AS place FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid",
    one_of!("$2"),
    page!("m.user_id", "$3", "$4")
);

/// [`MEMBERS`] when plain Members are not among the roles: finds a few Admins among many without a scan.
const MEMBERS_WITH_ROLE: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second, m.user_id::text AS place FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.role > 1",
    one_of!("$2"),
    page!("m.user_id", "$3", "$4")
);

const WORKSPACES: &str = concat!(
    "SELECT w.record::text AS first, NULL::text AS second, w.id::text AS place FROM tenancy.workspaces w WHERE w.organization_id = $1::uuid",
    page!("w.id", "$2", "$3")
);

const WORKSPACES_OF: &str = concat!(
    "SELECT w.record::text AS first, m.record::text AS second, m.workspace_id::text AS place FROM tenancy.workspace_members m",
    " JOIN tenancy.workspaces w ON w.organization_id = m.organization_id AND w.id = m.workspace_id",
    " WHERE m.organization_id = $1::uuid AND m.user_id = $2::uuid",
    page!("m.workspace_id", "$3", "$4")
);

const WORKSPACE_MEMBERS: &str = concat!(
    "SELECT m.record::text AS first, NULL::text AS second, m.user_id::text AS place FROM tenancy.workspace_members m",
    " WHERE m.organization_id = $1::uuid AND m.workspace_id = $2::uuid",
    one_of!("$3"),
    page!("m.user_id", "$4", "$5")
);

/// A page of each role, of which the first make a page of all: the index is in the order of one role's holders.
const HOLDERS: &str = concat!(
    "SELECT held.record::text AS first, NULL::text AS second, held.user_id::text AS place",
    " FROM unnest($2::bigint[]) asked (role) CROSS JOIN LATERAL (SELECT m.record, m.user_id FROM tenancy.members m",
    " WHERE m.organization_id = $1::uuid AND m.own_role = asked.role",
    page!("m.user_id", "$3", "$4"),
    ") held ORDER BY held.user_id LIMIT (SELECT $4::bigint)"
);

/// [`HOLDERS`] in a workspace.
const HOLDERS_THERE: &str = concat!(
    "SELECT held.record::text AS first, NULL::text AS second, held.user_id::text AS place",
    " FROM unnest($3::bigint[]) asked (role) CROSS JOIN LATERAL (SELECT m.record, m.user_id",
    " FROM tenancy.workspace_members m",
    " WHERE m.organization_id = $1::uuid AND m.workspace_id = $2::uuid AND m.own_role = asked.role",
    page!("m.user_id", "$4", "$5"),
    ") held ORDER BY held.user_id LIMIT (SELECT $5::bigint)"
);

const DOMAINS: &str = concat!(
    "SELECT d.record::text AS first, NULL::text AS second, d.id::text AS place FROM tenancy.domains d",
    " WHERE d.organization_id = $1::uuid AND d.workspace_id = $2::uuid",
    page!("d.id", "$3", "$4")
);

/// Empty text comes before every name.
const KEPT_NAMES: &str = "SELECT r.record::text AS first, NULL::text AS second, r.name AS place \
    FROM tenancy.retired_domain_names r WHERE r.organization_id = $1::uuid AND r.name > $2::text \
    ORDER BY r.name LIMIT (SELECT $3::bigint)";

const INVITATIONS: &str = concat!(
    "SELECT i.record::text AS first, NULL::text AS second, i.id::text AS place FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.state + 0 = 1",
    page!("i.id", "$2", "$3")
);

const INVITATIONS_INTO: &str = concat!(
    "SELECT i.record::text AS first, NULL::text AS second, i.id::text AS place FROM tenancy.invitations i",
    " WHERE i.organization_id = $1::uuid AND i.workspace_id = $2::uuid AND i.state = 1",
    page!("i.id", "$3", "$4")
);

const ORGANIZATIONS_OF: &str = concat!(
    "SELECT o.summary::text AS first, m.record::text AS second, m.organization_id::text AS place FROM tenancy.members m",
    " JOIN tenancy.organizations o ON o.id = m.organization_id WHERE m.user_id = $1::uuid",
    page!("m.organization_id", "$2", "$3")
);

/// The second part is two: the invitation, and the workspace or null.
const INVITATIONS_TO: &str = concat!(
    "SELECT o.summary::text AS first, json_build_array(i.record, w.record)::text AS second,",
    " concat_ws(' ', i.organization_id, i.id) AS place FROM tenancy.invitations i",
    " JOIN tenancy.organizations o ON o.id = i.organization_id",
    " LEFT JOIN tenancy.workspaces w ON w.organization_id = i.organization_id AND w.id = i.workspace_id",
    " WHERE i.email_key = $1::text AND i.state = 1",
    " AND (i.organization_id, i.id) >= (COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'),",
    " COALESCE($3::uuid, '00000000-0000-0000-0000-000000000000'))",
    " AND ($2 IS NULL OR (i.organization_id, i.id) <> ($2, $3))",
    " ORDER BY i.organization_id, i.id LIMIT (SELECT $4::bigint)"
);

const ALL_ORGANIZATIONS: &str = concat!(
    "SELECT o.summary::text AS first, NULL::text AS second, o.id::text AS place FROM tenancy.organizations o WHERE true",
    page!("o.id", "$1", "$2")
);

/// The second part is the key of the name.
const ORGANIZATIONS_NAMED: &str = concat!(
    "SELECT o.summary::text AS first, o.name_key AS second, concat_ws(' ', o.id, o.name_key) AS place",
    " FROM tenancy.organizations o WHERE o.name_key < $4::text",
    " AND (o.name_key, o.id) >= ($1::text, COALESCE($2::uuid, '00000000-0000-0000-0000-000000000000'))",
    " AND ($2 IS NULL OR (o.name_key, o.id) <> ($1, $2))",
    " ORDER BY o.name_key, o.id LIMIT (SELECT $3::bigint)"
);

/// Each once, whoever else has the address.
const ORGANIZATIONS_WITH_MEMBER: &str = concat!(
    "SELECT o.summary::text AS first, NULL::text AS second, m.organization_id::text AS place",
    " FROM (SELECT DISTINCT m.organization_id FROM tenancy.members m WHERE m.email_key = $1::text",
    page!("m.organization_id", "$2", "$3"),
    ") m JOIN tenancy.organizations o ON o.id = m.organization_id ORDER BY m.organization_id"
);

const LOG: &str = "SELECT c.entry::text AS first, NULL::text AS second, c.version::text AS place FROM tenancy.commits c \
    WHERE c.organization_id = $1::uuid AND c.version > $2::bigint ORDER BY c.version LIMIT (SELECT $3::bigint)";

const CLAIMED_BY: &str =
    "SELECT organization_id FROM tenancy.claims WHERE scope = $1::smallint AND key = $2::text";

/// A page of a list. Its rows are [`ListedRow`]s, for [`item`].
#[must_use]
pub fn list(list: &List, limit: NonZeroU32) -> Statement {
    let id = |id: Uuid| Parameter::Uuid(Some(id));
    let limited = Parameter::Number(i64::from(limit.get()));
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
                Parameter::Numbers(organization_codes(roles)),
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
                Parameter::Numbers(workspace_codes(roles)),
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
        List::KeptNames {
            organization,
            ref after,
        } => (
            KEPT_NAMES,
            vec![
                id(organization.as_uuid()),
                Parameter::Text(after.as_ref().map_or("", DomainName::as_str).to_owned()),
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
            ref roles,
            after,
        } => {
            let mut parameters = vec![id(organization.as_uuid())];
            parameters.extend(workspace.map(|workspace| id(workspace.as_uuid())));
            parameters.push(Parameter::Numbers(
                roles.iter().map(|role| role.column()).collect(),
            ));
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
        List::AllOrganizations { after } => (
            ALL_ORGANIZATIONS,
            vec![Parameter::Uuid(
                after.map(|organization| organization.as_uuid()),
            )],
        ),
        List::OrganizationsNamed {
            ref prefix,
            ref after,
        } => {
            // A page begins with the prefix, or behind what comes after it.
            let after = after.as_ref().filter(|(name, _)| name >= prefix);
            let begin = after.map_or(prefix, |(name, _)| name);
            let parameters = vec![
                Parameter::Text(begin.as_str().to_owned()),
                Parameter::Uuid(after.map(|(_, organization)| organization.as_uuid())),
                limited,
                Parameter::Text(prefix.end_of_prefix()),
            ];
            let text = ORGANIZATIONS_NAMED;
            return Statement { text, parameters };
        }
        List::OrganizationsWithMember { ref email, after } => (
            ORGANIZATIONS_WITH_MEMBER,
            vec![
                Parameter::Text(email.as_str().to_owned()),
                Parameter::Uuid(after.map(|organization| organization.as_uuid())),
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
    parameters.push(limited);
    Statement { text, parameters }
}

/// The row that answers [`list`], column by column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListedRow<'a> {
    /// `first text`: what the item is, as JSON.
    pub first: &'a str,
    /// `second text`: its second part, of items that have two.
    pub second: Option<&'a str>,
    /// `place text`: its key.
    pub place: &'a str,
}

/// Reads a row of a [`list`]. One that can't be read is [`Item::Unreadable`], so that it holds up nothing but itself.
///
/// # Errors
///
/// - [`DecodeError`]: its key can't be read either; something else is the answer than that of [`list`].
pub fn item(list: &List, row: ListedRow<'_>) -> Result<Item, DecodeError> {
    known(list, row).or_else(|error| match place(list, row.place) {
        Some(place) => Ok(Item::Unreadable(place)),
        None => Err(error),
    })
}

fn known(list: &List, row: ListedRow<'_>) -> Result<Item, DecodeError> {
    let first = row.first;
    let second = || row.second.ok_or(DecodeError::Answer { statement: "list" });
    let item = match list {
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
        List::KeptNames { .. } => {
            Item::Record(read("retired_domain_names", "record", None, first)?)
        }
        List::Invitations { .. } => Item::Record(read("invitations", "record", None, first)?),
        List::WorkspacesOf { .. } => Item::Pair(
            read("workspaces", "record", None, first)?,
            read("workspace_members", "record", None, second()?)?,
        ),
        List::OrganizationsOf { .. } => Item::Across(
            read("organizations", "summary", None, first)?,
            read("members", "record", None, second()?)?,
        ),
        List::InvitationsTo { .. } => {
            let organization = read("organizations", "summary", None, first)?;
            match read("invitations", "record", None, second()?)? {
                (sent, Some(to)) => Item::PairAcross(organization, sent, to),
                (sent, None) => Item::Across(organization, sent),
            }
        }
        List::AllOrganizations { .. } | List::OrganizationsWithMember { .. } => {
            Item::Organization(read("organizations", "summary", None, first)?)
        }
        List::OrganizationsNamed { .. } => Item::Named(
            NameKey::from_column(second()?),
            read("organizations", "summary", None, first)?,
        ),
        List::Log { .. } => Item::LogEntry(read("commits", "entry", None, first)?),
    };
    // A record that belongs into another table is no record of this one.
    let stands = list.place_of(&item);
    stands
        .map(|_| item)
        .ok_or(DecodeError::Answer { statement: "list" })
}

fn place(list: &List, key: &str) -> Option<Place> {
    let id = || key.parse::<Uuid>().ok();
    match list {
        List::Members { .. } | List::WorkspaceMembers { .. } | List::Holders { .. } => {
            id().map(UserId::from_uuid).map(Place::User)
        }
        List::Workspaces { .. } | List::WorkspacesOf { .. } => {
            id().map(WorkspaceId::from_uuid).map(Place::Workspace)
        }
        List::Domains { .. } => id().map(DomainId::from_uuid).map(Place::Domain),
        List::KeptNames { .. } => DomainName::from_column(key).map(Place::DomainName),
        List::Invitations { .. } => id().map(InvitationId::from_uuid).map(Place::Invitation),
        List::OrganizationsOf { .. }
        | List::AllOrganizations { .. }
        | List::OrganizationsWithMember { .. } => {
            id().map(OrganizationId::from_uuid).map(Place::Organization)
        }
        List::OrganizationsNamed { .. } => {
            let (organization, name) = key.split_once(' ')?;
            let organization = organization.parse().ok()?;
            Some(Place::Named(NameKey::from_column(name), organization))
        }
        List::InvitationsTo { .. } => {
            let (organization, invitation) = key.split_once(' ')?;
            let (organization, invitation) = (organization.parse().ok()?, invitation.parse().ok()?);
            Some(Place::InvitationOf(organization, invitation))
        }
        List::Log { .. } => key.parse().ok().map(Version::new).map(Place::Version),
    }
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

fn organization_codes(roles: RoleSet) -> Vec<i64> {
    let all = OrganizationRole::ALL.into_iter();
    codes(all.map(|role| (role.code(), roles.contains(RoleSet::of_organization(role)))))
}

fn workspace_codes(roles: RoleSet) -> Vec<i64> {
    let all = WorkspaceRole::ALL.into_iter();
    codes(all.map(|role| (role.code(), roles.contains(RoleSet::of_workspace(role)))))
}

/// The codes of the roles that are asked for. Where every role is, [`ANY_ROLE`] is too: then a role that a later
/// version wrote is among them.
fn codes(roles: impl Iterator<Item = (u8, bool)>) -> Vec<i64> {
    let (asked, others): (Vec<_>, Vec<_>) = roles.partition(|(_, asked)| *asked);
    let any = others.is_empty().then_some(ANY_ROLE);
    let asked = asked.into_iter().map(|(code, _)| i64::from(code));
    asked.chain(any).collect()
}

/// No role's code: [`one_of`] lets every role pass.
const ANY_ROLE: i64 = -1;
