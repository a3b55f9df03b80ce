//! Lists, a page at a time.

use core::num::NonZeroU32;

use rusqlite::Connection;
use tenancy::store::{Invitation, Organization, Workspace};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, OrganizationRole, RoleSet,
    UserId, Version, WorkspaceId, WorkspaceMember, WorkspaceRole,
};

use crate::error::SqliteError;
use crate::load::snapshot;
use crate::rows::{all, organization_role_code, pairs, workspace_role_code};
use crate::sql;

/// Where a page begins: after an id, or with the first. An empty blob comes before every id.
#[derive(Clone, Copy)]
pub(crate) struct After(Option<[u8; 16]>);

macro_rules! after {
    ($($id:ty),+) => {$(
        impl From<Option<$id>> for After {
            fn from(id: Option<$id>) -> Self {
                Self(id.map(|id| id.as_uuid().into_bytes()))
            }
        }
    )+};
}

after!(OrganizationId, WorkspaceId, DomainId, InvitationId, UserId);

impl After {
    fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |id| id.as_slice())
    }
}

/// The part of a list that is asked for.
#[derive(Clone, Copy)]
pub(crate) struct Page {
    pub(crate) after: After,
    pub(crate) limit: NonZeroU32,
}

impl Page {
    pub(crate) fn new(after: impl Into<After>, limit: NonZeroU32) -> Self {
        Self {
            after: after.into(),
            limit,
        }
    }

    fn size(&self) -> usize {
        usize::try_from(self.limit.get()).unwrap_or(usize::MAX)
    }
}

/// By role, as an organization of 100,000 Members has few Admins: a page of each role, merged, and not
/// all members looked through for the few.
pub(crate) fn members(
    connection: &Connection,
    organization: OrganizationId,
    roles: RoleSet,
    page: Page,
) -> Result<Vec<Member>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    let (after, limit) = (page.after.bytes(), page.limit.get());
    let asked: Vec<_> = OrganizationRole::ALL
        .into_iter()
        .filter(|role| roles.contains(RoleSet::of_organization(*role)))
        .collect();
    if asked.len() == OrganizationRole::ALL.len() {
        return all(connection, sql::PAGE_MEMBERS, (id, after, limit));
    }
    snapshot(connection, |connection| {
        let mut members: Vec<Member> = Vec::new();
        for role in asked {
            let parameters = (id, after, limit, organization_role_code(role));
            members.extend(all::<Member>(
                connection,
                sql::PAGE_MEMBERS_ROLE,
                parameters,
            )?);
        }
        members.sort_unstable_by_key(|member| member.user);
        members.truncate(page.size());
        Ok(members)
    })
}

pub(crate) fn workspace_members(
    connection: &Connection,
    organization: OrganizationId,
    workspace: WorkspaceId,
    roles: RoleSet,
    page: Page,
) -> Result<Vec<WorkspaceMember>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    let workspace = workspace.as_uuid().into_bytes();
    let (after, limit) = (page.after.bytes(), page.limit.get());
    let asked: Vec<_> = WorkspaceRole::ALL
        .into_iter()
        .filter(|role| roles.contains(RoleSet::of_workspace(*role)))
        .collect();
    if asked.len() == WorkspaceRole::ALL.len() {
        let parameters = (id, after, limit, workspace);
        return all(connection, sql::PAGE_WORKSPACE_MEMBERS, parameters);
    }
    snapshot(connection, |connection| {
        let mut members: Vec<WorkspaceMember> = Vec::new();
        for role in asked {
            let parameters = (id, after, limit, workspace, workspace_role_code(role));
            let page: Vec<WorkspaceMember> =
                all(connection, sql::PAGE_WORKSPACE_MEMBERS_ROLE, parameters)?;
            members.extend(page);
        }
        members.sort_unstable_by_key(|member| member.user);
        members.truncate(page.size());
        Ok(members)
    })
}

pub(crate) fn workspaces(
    connection: &Connection,
    organization: OrganizationId,
    page: Page,
) -> Result<Vec<Workspace>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    let parameters = (id, page.after.bytes(), page.limit.get());
    all(connection, sql::PAGE_WORKSPACES, parameters)
}

pub(crate) fn workspaces_of(
    connection: &Connection,
    organization: OrganizationId,
    user: UserId,
    page: Page,
) -> Result<Vec<(Workspace, WorkspaceMember)>, SqliteError> {
    let (id, user) = (
        organization.as_uuid().into_bytes(),
        user.as_uuid().into_bytes(),
    );
    let parameters = (id, page.after.bytes(), page.limit.get(), user);
    pairs(connection, sql::PAGE_WORKSPACES_OF, parameters)
}

pub(crate) fn domains(
    connection: &Connection,
    organization: OrganizationId,
    workspace: WorkspaceId,
    page: Page,
) -> Result<Vec<Domain>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    let workspace = workspace.as_uuid().into_bytes();
    let parameters = (id, page.after.bytes(), page.limit.get(), workspace);
    all(connection, sql::PAGE_DOMAINS, parameters)
}

pub(crate) fn invitations(
    connection: &Connection,
    organization: OrganizationId,
    workspace: Option<WorkspaceId>,
    page: Page,
) -> Result<Vec<Invitation>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    let (after, limit) = (page.after.bytes(), page.limit.get());
    match workspace {
        None => all(connection, sql::PAGE_OPEN, (id, after, limit)),
        Some(workspace) => {
            let parameters = (id, after, limit, workspace.as_uuid().into_bytes());
            all(connection, sql::PAGE_OPEN_INTO, parameters)
        }
    }
}

pub(crate) fn organizations_of(
    connection: &Connection,
    user: UserId,
    page: Page,
) -> Result<Vec<(Organization, Member)>, SqliteError> {
    let user = user.as_uuid().into_bytes();
    let parameters = (user, page.after.bytes(), page.limit.get());
    pairs(connection, sql::PAGE_ORGANIZATIONS_OF, parameters)
}

pub(crate) fn invitations_to(
    connection: &Connection,
    email: &EmailKey,
    after: Option<(OrganizationId, InvitationId)>,
    limit: NonZeroU32,
) -> Result<Vec<(Organization, Invitation)>, SqliteError> {
    let organization = After::from(after.map(|(organization, _)| organization));
    let invitation = After::from(after.map(|(_, invitation)| invitation));
    let parameters = (
        email.as_str(),
        organization.bytes(),
        limit.get(),
        invitation.bytes(),
    );
    pairs(connection, sql::PAGE_INVITATIONS_TO, parameters)
}

pub(crate) fn log(
    connection: &Connection,
    organization: OrganizationId,
    after: Version,
    limit: NonZeroU32,
) -> Result<Vec<LogEntry>, SqliteError> {
    let id = organization.as_uuid().into_bytes();
    // A version that SQLite has no room for is beyond every log.
    let after = i64::try_from(after.get()).unwrap_or(i64::MAX);
    all(connection, sql::PAGE_LOG, (id, after, limit.get()))
}
