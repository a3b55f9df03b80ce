//! Rows to records. What can't be read is an error that names the row, never a panic.

use std::fmt::Write as _;

use chrono::{DateTime, Utc};
use rusqlite::types::{FromSql, FromSqlError, ValueRef};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;
use tenancy::store::{
    Counts, Invitation, InvitationState, Organization, OrganizationStatus, RetiredDomainName,
    Workspace,
};
use tenancy::text::TextLine;
use tenancy::token::TokenHash;
use tenancy::{
    Domain, DomainKind, DomainName, DomainStatus, EmailAddress, InvitationTarget, LogEntry, Member,
    Name, OrganizationRole, Version, WorkspaceMember, WorkspaceRole,
};
use uuid::Uuid;

use crate::error::SqliteError;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// What a row, or some neighbouring columns of one, stand for.
pub(crate) trait FromRow: Sized {
    /// How many columns.
    const WIDTH: usize;

    fn from_row(row: &Row<'_>, from: usize) -> Result<Self, SqliteError>;
}

/// A record of one table, whose key comes first.
pub(crate) trait FromCells: Sized {
    const TABLE: &'static str;
    const WIDTH: usize;
    const KEY: usize;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError>;
}

impl<T: FromCells> FromRow for T {
    const WIDTH: usize = T::WIDTH;

    fn from_row(row: &Row<'_>, from: usize) -> Result<Self, SqliteError> {
        T::from_cells(&Cells {
            row,
            from,
            table: T::TABLE,
            key: T::KEY,
        })
    }
}

/// All rows of a query.
pub(crate) fn all<T: FromRow>(
    connection: &Connection,
    sql: &'static str,
    parameters: impl Params,
) -> Result<Vec<T>, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(T::from_row(row, 0)?);
    }
    Ok(records)
}

/// All rows of a join of two tables.
pub(crate) fn pairs<A: FromRow, B: FromRow>(
    connection: &Connection,
    sql: &'static str,
    parameters: impl Params,
) -> Result<Vec<(A, B)>, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push((A::from_row(row, 0)?, B::from_row(row, A::WIDTH)?));
    }
    Ok(records)
}

/// The row of a query that has one at most.
pub(crate) fn one<T: FromRow>(
    connection: &Connection,
    sql: &'static str,
    parameters: impl Params,
) -> Result<Option<T>, SqliteError> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(|row| T::from_row(row, 0)).transpose()
}

/// The columns of one record in a row.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    from: usize,
    table: &'static str,
    key: usize,
}

impl<'r> Cells<'r> {
    /// Columns that are no record of a table, such as those of a check.
    pub(crate) const fn of(row: &'r Row<'r>, what: &'static str) -> Self {
        Self {
            row,
            from: 0,
            table: what,
            key: 0,
        }
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, SqliteError> {
        Ok(self.row.get_ref(self.from.saturating_add(index))?)
    }

    fn get<T: FromSql>(&self, index: usize, column: &'static str) -> Result<T, SqliteError> {
        T::column_result(self.value(index)?).map_err(|error| self.unreadable(column, reason(error)))
    }

    /// An integer that stands for something; `None` if the column is null.
    pub(crate) fn code<T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(i64) -> Option<T>,
    ) -> Result<Option<T>, SqliteError> {
        let Some(code) = self.get::<Option<i64>>(index, column)? else {
            return Ok(None);
        };
        match meaning(code) {
            Some(meaning) => Ok(Some(meaning)),
            None => Err(self.unreadable(column, format!("{code} stands for nothing").into())),
        }
    }

    /// As [`code`](Self::code), never null.
    fn meaning<T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(i64) -> Option<T>,
    ) -> Result<T, SqliteError> {
        self.code(index, column, meaning)?
            .ok_or_else(|| self.unreadable(column, "it is null".into()))
    }

    /// An id; `None` if the column is null.
    pub(crate) fn optional_id<T>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<Option<T>, SqliteError> {
        match self.value(index)? {
            ValueRef::Null => Ok(None),
            value => value
                .as_blob()
                .map_err(reason)
                .and_then(|bytes| Uuid::from_slice(bytes).map_err(Source::from))
                .map(|uuid| Some(make(uuid)))
                .map_err(|error| self.unreadable(column, error)),
        }
    }

    pub(crate) fn id<T>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<T, SqliteError> {
        self.optional_id(index, column, make)?
            .ok_or_else(|| self.unreadable(column, "it is null".into()))
    }

    pub(crate) fn version(&self, index: usize) -> Result<Version, SqliteError> {
        self.meaning(index, "version", |number| u64::try_from(number).ok())
            .map(Version::new)
    }

    fn count(&self, index: usize, column: &'static str) -> Result<u32, SqliteError> {
        self.meaning(index, column, |number| u32::try_from(number).ok())
    }

    fn time(&self, index: usize, column: &'static str) -> Result<DateTime<Utc>, SqliteError> {
        self.meaning(index, column, DateTime::from_timestamp_millis)
    }

    /// Text that something is made of; `None` if the column is null.
    fn optional_text<T, E: Into<Source>>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, SqliteError> {
        match self.value(index)? {
            ValueRef::Null => Ok(None),
            value => value
                .as_str()
                .map_err(reason)
                .and_then(|text| make(text).map_err(Into::into))
                .map(Some)
                .map_err(|error| self.unreadable(column, error)),
        }
    }

    pub(crate) fn text<T, E: Into<Source>>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, SqliteError> {
        self.optional_text(index, column, make)?
            .ok_or_else(|| self.unreadable(column, "it is null".into()))
    }

    fn optional_json<T: DeserializeOwned>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<Option<T>, SqliteError> {
        self.optional_text(index, column, |text| serde_json::from_str(text))
    }

    fn json<T: DeserializeOwned>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, SqliteError> {
        self.text(index, column, |text| serde_json::from_str(text))
    }

    fn unreadable(&self, column: &'static str, source: Source) -> SqliteError {
        SqliteError::Unreadable {
            row: self.name(),
            column,
            source,
        }
    }

    /// The table and the key, as a person would look the row up.
    fn name(&self) -> String {
        let mut name = format!("a row of `{}`", self.table);
        for index in 0..self.key {
            let joint = if index == 0 { ": " } else { ", " };
            let _ = match self.value(index) {
                Ok(ValueRef::Blob(bytes)) => match Uuid::from_slice(bytes) {
                    Ok(uuid) => write!(name, "{joint}{uuid}"),
                    Err(_) => write!(name, "{joint}{bytes:02x?}"),
                },
                Ok(ValueRef::Integer(number)) => write!(name, "{joint}{number}"),
                Ok(ValueRef::Text(text)) => {
                    let text = String::from_utf8_lossy(text);
                    write!(name, "{joint}`{}`", text.escape_debug())
                }
                _ => write!(name, "{joint}?"),
            };
        }
        name
    }
}

fn reason(error: FromSqlError) -> Source {
    Box::new(error)
}

pub(crate) const fn organization_role(code: i64) -> Option<OrganizationRole> {
    match code {
        0 => Some(OrganizationRole::Member),
        1 => Some(OrganizationRole::Accounting),
        2 => Some(OrganizationRole::Admin),
        _ => None,
    }
}

pub(crate) const fn organization_role_code(role: OrganizationRole) -> i64 {
    match role {
        OrganizationRole::Member => 0,
        OrganizationRole::Accounting => 1,
        OrganizationRole::Admin => 2,
    }
}

pub(crate) const fn workspace_role(code: i64) -> Option<WorkspaceRole> {
    match code {
        0 => Some(WorkspaceRole::Reader),
        1 => Some(WorkspaceRole::Developer),
        2 => Some(WorkspaceRole::Admin),
        _ => None,
    }
}

pub(crate) const fn workspace_role_code(role: WorkspaceRole) -> i64 {
    match role {
        WorkspaceRole::Reader => 0,
        WorkspaceRole::Developer => 1,
        WorkspaceRole::Admin => 2,
    }
}

pub(crate) const fn organization_status_code(status: OrganizationStatus) -> i64 {
    match status {
        OrganizationStatus::Active => 0,
        OrganizationStatus::Deleted => 1,
    }
}

pub(crate) const fn domain_kind_code(kind: DomainKind) -> i64 {
    match kind {
        DomainKind::Sandbox => 0,
        DomainKind::Production => 1,
    }
}

pub(crate) const fn domain_status_code(status: DomainStatus) -> i64 {
    match status {
        DomainStatus::Active => 0,
        DomainStatus::Deactivated => 1,
    }
}

pub(crate) const fn invitation_state_code(state: InvitationState) -> i64 {
    match state {
        InvitationState::Open => 0,
        InvitationState::Accepted => 1,
        InvitationState::Declined => 2,
        InvitationState::Revoked => 3,
    }
}

impl FromCells for Organization {
    const TABLE: &'static str = "tenancy_organizations";
    const WIDTH: usize = 14;
    const KEY: usize = 1;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            id: cells.id(0, "id", tenancy::OrganizationId::from_uuid)?,
            version: cells.version(1)?,
            status: cells.meaning(2, "status", |code| match code {
                0 => Some(OrganizationStatus::Active),
                1 => Some(OrganizationStatus::Deleted),
                _ => None,
            })?,
            name: cells.text(3, "name", Name::new)?,
            company: cells.optional_json(4, "company")?,
            invoicing: cells.optional_json(5, "invoicing")?,
            contract: cells.optional_text(6, "contract", TextLine::new)?,
            workspace_quota: cells.count(7, "workspace_quota")?,
            counts: Counts {
                workspaces: cells.count(8, "workspaces")?,
                domains: cells.count(9, "domains")?,
                members: cells.count(10, "members")?,
                admins: cells.count(11, "admins")?,
                invitations: cells.count(12, "invitations")?,
            },
            created_at: cells.time(13, "created_at")?,
        })
    }
}

impl FromCells for Member {
    const TABLE: &'static str = "tenancy_members";
    const WIDTH: usize = 5;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            user: cells.id(1, "user_id", tenancy::UserId::from_uuid)?,
            role: cells.meaning(2, "role", organization_role)?,
            email: cells.optional_text(3, "email", EmailAddress::new)?,
            since: cells.time(4, "since")?,
        })
    }
}

impl FromCells for Workspace {
    const TABLE: &'static str = "tenancy_workspaces";
    const WIDTH: usize = 7;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            id: cells.id(1, "id", tenancy::WorkspaceId::from_uuid)?,
            name: cells.text(2, "name", Name::new)?,
            invoicing: cells.optional_json(3, "invoicing")?,
            domains: cells.count(4, "domains")?,
            members: cells.count(5, "members")?,
            created_at: cells.time(6, "created_at")?,
        })
    }
}

impl FromCells for WorkspaceMember {
    const TABLE: &'static str = "tenancy_workspace_members";
    const WIDTH: usize = 5;
    const KEY: usize = 3;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            workspace: cells.id(1, "workspace_id", tenancy::WorkspaceId::from_uuid)?,
            user: cells.id(2, "user_id", tenancy::UserId::from_uuid)?,
            role: cells.meaning(3, "role", workspace_role)?,
            since: cells.time(4, "since")?,
        })
    }
}

impl FromCells for Domain {
    const TABLE: &'static str = "tenancy_domains";
    const WIDTH: usize = 7;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            id: cells.id(1, "id", tenancy::DomainId::from_uuid)?,
            workspace: cells.id(2, "workspace_id", tenancy::WorkspaceId::from_uuid)?,
            name: cells.text(3, "name", DomainName::new)?,
            kind: cells.meaning(4, "kind", |code| match code {
                0 => Some(DomainKind::Sandbox),
                1 => Some(DomainKind::Production),
                _ => None,
            })?,
            status: cells.meaning(5, "status", |code| match code {
                0 => Some(DomainStatus::Active),
                1 => Some(DomainStatus::Deactivated),
                _ => None,
            })?,
            created_at: cells.time(6, "created_at")?,
        })
    }
}

impl FromCells for RetiredDomainName {
    const TABLE: &'static str = "tenancy_retired_domain_names";
    const WIDTH: usize = 3;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            name: cells.text(1, "name", DomainName::new)?,
            retired_at: cells.time(2, "retired_at")?,
        })
    }
}

impl FromCells for Invitation {
    const TABLE: &'static str = "tenancy_invitations";
    const WIDTH: usize = 10;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        let target = match cells.optional_id(3, "workspace_id", tenancy::WorkspaceId::from_uuid)? {
            None => InvitationTarget::Organization {
                role: cells.meaning(4, "role", organization_role)?,
            },
            Some(workspace) => InvitationTarget::Workspace {
                workspace,
                role: cells.meaning(4, "role", workspace_role)?,
            },
        };
        Ok(Self {
            id: cells.id(1, "id", tenancy::InvitationId::from_uuid)?,
            email: cells.text(2, "email", EmailAddress::new)?,
            target,
            inviter: cells.id(5, "inviter", tenancy::UserId::from_uuid)?,
            token_hash: TokenHash::from_bytes(cells.get(6, "token_hash")?),
            sent_at: cells.time(7, "sent_at")?,
            expires_at: cells.time(8, "expires_at")?,
            state: cells.meaning(9, "state", |code| match code {
                0 => Some(InvitationState::Open),
                1 => Some(InvitationState::Accepted),
                2 => Some(InvitationState::Declined),
                3 => Some(InvitationState::Revoked),
                _ => None,
            })?,
        })
    }
}

impl FromCells for LogEntry {
    const TABLE: &'static str = "tenancy_commits";
    const WIDTH: usize = 7;
    const KEY: usize = 2;

    fn from_cells(cells: &Cells<'_>) -> Result<Self, SqliteError> {
        Ok(Self {
            organization: cells.id(0, "organization_id", tenancy::OrganizationId::from_uuid)?,
            version: cells.version(1)?,
            id: cells.id(2, "id", tenancy::CommitId::from_uuid)?,
            at: cells.time(3, "at")?,
            author: cells.json(4, "author")?,
            command: cells.get(5, "command")?,
            events: cells.json(6, "events")?,
        })
    }
}
