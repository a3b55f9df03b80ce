//! Rows to what they stand for. What can't be read is an error that names the row, never a panic.

use std::fmt::Write as _;

use rusqlite::types::{FromSqlError, ValueRef};
use rusqlite::{Connection, Params, Row};
use serde::de::DeserializeOwned;
use tenancy::store::{Kind, Logged, Organization, OrganizationSummary, Record, Value};
use tenancy::text::NameKey;
use tenancy::{CommitId, LogEntry, OrganizationId, Version};
use uuid::Uuid;

use crate::error::Error;
use crate::statements::Statement;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// All rows of a query.
pub(crate) fn all<T>(
    connection: &Connection,
    statement: &Statement,
    parameters: impl Params,
    mut read: impl FnMut(&Row<'_>) -> Result<T, Error>,
) -> Result<Vec<T>, Error> {
    let mut statement = connection.prepare_cached(statement.text())?;
    let mut rows = statement.query(parameters)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

/// The row of a query that has one at most.
pub(crate) fn one<T>(
    connection: &Connection,
    statement: &Statement,
    parameters: impl Params,
    read: impl FnOnce(&Row<'_>) -> Result<T, Error>,
) -> Result<Option<T>, Error> {
    let mut statement = connection.prepare_cached(statement.text())?;
    let mut rows = statement.query(parameters)?;
    rows.next()?.map(read).transpose()
}

/// How many columns a statement brings of a record: `{members m}` in its text.
pub(crate) const fn width(kind: Kind) -> usize {
    kind.key().len().saturating_add(2)
}

/// The record whose columns begin at `from`, as `{members m}` in a statement brings them.
pub(crate) fn record(row: &Row<'_>, from: usize, kind: Kind) -> Result<Record, Error> {
    let cells = Cells {
        row,
        from,
        table: kind.table(),
        key: width(kind).saturating_sub(1),
    };
    let record: Record = cells.json(0, "record")?;
    if record.id().kind() == kind {
        Ok(record)
    } else {
        Err(cells.unreadable("record", "it is of another kind".into()))
    }
}

/// The records of these kinds that stand side by side from `from` on. One that an outer join didn't find is
/// null, and left out.
pub(crate) fn records(
    row: &Row<'_>,
    mut from: usize,
    kinds: &[Kind],
    found: &mut Vec<Record>,
) -> Result<(), Error> {
    for kind in kinds {
        if row.get_ref(from)? != ValueRef::Null {
            found.push(record(row, from, *kind)?);
        }
        from = from.saturating_add(width(*kind));
    }
    Ok(())
}

/// How many columns `{organization o}` brings.
pub(crate) const ORGANIZATION_WIDTH: usize = 4;

/// The organization, as `{organization o}` in a statement brings it, and the code of its status.
pub(crate) fn organization(row: &Row<'_>) -> Result<(Organization, u8), Error> {
    let cells = Cells::organization(row);
    let organization: Organization = cells.json(0, "record")?;
    if organization.id != cells.id(1, "id", OrganizationId::from_uuid)?
        || organization.version != cells.version(2)?
    {
        return Err(cells.unreadable("record", "it is of another row, or version".into()));
    }
    Ok((organization, cells.code(3, "status", Some)?))
}

/// What lists across organizations tell, as `{summary o}` in a statement brings it.
pub(crate) fn summary(row: &Row<'_>) -> Result<OrganizationSummary, Error> {
    Cells::organization(row).json(0, "summary")
}

/// The key of an organization's name, as it was filed.
pub(crate) fn name_key(row: &Row<'_>, index: usize) -> Result<NameKey, Error> {
    let cells = Cells::of(row, "organization_names");
    Ok(NameKey::from_column(cells.text(index, "name_key")?))
}

/// How many columns `{summary o}` brings.
pub(crate) const SUMMARY_WIDTH: usize = 2;

/// An entry of the log, as `{commits c}` in a statement brings it.
pub(crate) fn entry(row: &Row<'_>) -> Result<LogEntry, Error> {
    let cells = Cells {
        row,
        from: 0,
        table: "commits",
        key: 2,
    };
    let entry: Logged<'static> = cells.json(0, "entry")?;
    Ok(entry.entry(
        cells.id(1, "organization_id", OrganizationId::from_uuid)?,
        cells.version(2)?,
        cells.id(3, "id", CommitId::from_uuid)?,
    ))
}

/// A value as a cell holds it.
pub(crate) fn cell(value: &Value) -> ValueRef<'_> {
    match value {
        Value::Id(Some(id)) => ValueRef::Blob(id.as_bytes()),
        Value::Text(Some(text)) => ValueRef::Text(text.as_bytes()),
        Value::Code(code) => ValueRef::Integer(i64::from(*code)),
        Value::Number(Some(number)) => ValueRef::Integer(*number),
        Value::Id(None) | Value::Text(None) | Value::Number(None) => ValueRef::Null,
    }
}

/// Some neighbouring cells of a row.
pub(crate) struct Cells<'r> {
    row: &'r Row<'r>,
    from: usize,
    table: &'static str,
    /// How many columns name the row, from the second on.
    key: usize,
}

impl<'r> Cells<'r> {
    /// Cells that are no record: of a check, of the outbox.
    pub(crate) const fn of(row: &'r Row<'r>, table: &'static str) -> Self {
        Self {
            row,
            from: 0,
            table,
            key: 0,
        }
    }

    const fn organization(row: &'r Row<'r>) -> Self {
        Self {
            row,
            from: 0,
            table: "organizations",
            key: 1,
        }
    }

    fn value(&self, index: usize) -> Result<ValueRef<'_>, Error> {
        Ok(self.row.get_ref(self.from.saturating_add(index))?)
    }

    /// A number that stands for something.
    fn number<N: TryFrom<i64>, T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(N) -> Option<T>,
    ) -> Result<T, Error> {
        let number = self.value(index)?.as_i64();
        let number = number.map_err(|error| self.unreadable(column, reason(error)))?;
        let meant = N::try_from(number).ok().and_then(meaning);
        meant.ok_or_else(|| self.unreadable(column, format!("{number} stands for nothing").into()))
    }

    /// A code.
    pub(crate) fn code<T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(u8) -> Option<T>,
    ) -> Result<T, Error> {
        self.number(index, column, meaning)
    }

    /// A code; `None` if the column is null.
    pub(crate) fn optional_code<T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(u8) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        match self.value(index)? {
            ValueRef::Null => Ok(None),
            _ => self.code(index, column, meaning).map(Some),
        }
    }

    /// What a number stands for that may be null.
    pub(crate) fn optional_number<T>(
        &self,
        index: usize,
        column: &'static str,
        meaning: impl FnOnce(Option<i64>) -> Option<T>,
    ) -> Result<T, Error> {
        match self.value(index)? {
            ValueRef::Null => meaning(None)
                .ok_or_else(|| self.unreadable(column, "null stands for nothing".into())),
            _ => self.number(index, column, |number| meaning(Some(number))),
        }
    }

    /// An id; `None` if the column is null.
    pub(crate) fn optional_id<T>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<Option<T>, Error> {
        match self.value(index)? {
            ValueRef::Null => Ok(None),
            _ => self.id(index, column, make).map(Some),
        }
    }

    pub(crate) fn id<T>(
        &self,
        index: usize,
        column: &'static str,
        make: impl FnOnce(Uuid) -> T,
    ) -> Result<T, Error> {
        let bytes = self.value(index)?.as_blob().map_err(reason);
        bytes
            .and_then(|bytes| Uuid::from_slice(bytes).map_err(Source::from))
            .map(make)
            .map_err(|error| self.unreadable(column, error))
    }

    pub(crate) fn version(&self, index: usize) -> Result<Version, Error> {
        self.number(index, "version", Some).map(Version::new)
    }

    pub(crate) fn count<N: TryFrom<i64>>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<N, Error> {
        self.number(index, column, Some)
    }

    pub(crate) fn time(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<chrono::DateTime<chrono::Utc>, Error> {
        self.number(index, column, chrono::DateTime::from_timestamp_millis)
    }

    pub(crate) fn text(&self, index: usize, column: &'static str) -> Result<&str, Error> {
        let text = self.value(index)?.as_str();
        text.map_err(|error| self.unreadable(column, reason(error)))
    }

    /// The number of a role of the organization's own; `None` if the column is null.
    pub(crate) fn own_role(&self, index: usize) -> Result<Option<i64>, Error> {
        self.optional_number(index, "own_role", Some)
    }

    pub(crate) fn json<T: DeserializeOwned>(
        &self,
        index: usize,
        column: &'static str,
    ) -> Result<T, Error> {
        serde_json::from_str(self.text(index, column)?)
            .map_err(|error| self.unreadable(column, Box::new(error)))
    }

    pub(crate) fn unreadable(&self, column: &'static str, source: Source) -> Error {
        Error::Unreadable {
            row: self.name(),
            column,
            source,
        }
    }

    /// The table and the key, as a person would look the row up.
    fn name(&self) -> String {
        let mut name = format!("a row of `tenancy_{}`", self.table);
        for index in 1..=self.key {
            let joint = if index == 1 { ": " } else { ", " };
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
