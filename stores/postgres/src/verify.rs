//! An organization, whole, with its log and claims: to be verified.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use tenancy::store::{
    Claim, Kind, Organization, OrganizationState, OrganizationSummary, Record, RecordId, Stored,
};
use tenancy::text::NameKey;
use tenancy::{LogEntry, OrganizationId};
use uuid::Uuid;

use crate::commit::Cell;
use crate::error::DecodeError;
use crate::statements::{Parameter, Statement, Texts, bigint, read};

/// A row that answers [`everything`], column by column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredRow<'a> {
    /// `kind text`: the row's table.
    pub table: &'a str,
    /// `filed text`: its key and other columns, as a list in JSON.
    pub filed: &'a str,
    /// `record text`: what it holds, as JSON.
    pub record: Option<&'a str>,
}

static TEXT: Texts<()> = Texts::new();

/// All that is kept of an organization, in one snapshot: for [`Stored::verify`], not for requests. Its rows are for
/// [`stored`].
#[must_use]
pub fn everything(organization: OrganizationId) -> Statement {
    Statement {
        text: TEXT.of((), |()| text()),
        parameters: vec![Parameter::Uuid(Some(organization.as_uuid()))],
    }
}

fn text() -> String {
    let mut parts = vec![
        "SELECT 'organizations' AS kind, json_build_array(t.version, t.status, t.summary, t.name_key)::text AS filed, \
         t.record::text AS record FROM tenancy.organizations t WHERE t.id = $1::uuid"
            .to_owned(),
        "SELECT 'commits', json_build_array(t.version, t.id)::text, t.entry::text \
         FROM tenancy.commits t WHERE t.organization_id = $1"
            .to_owned(),
        // Those that it holds, and those on its names, whoever holds them.
        "SELECT 'claims', json_build_array(t.scope, t.key, t.organization_id)::text, NULL \
         FROM (SELECT scope, key, organization_id FROM tenancy.claims WHERE organization_id = $1 \
         UNION SELECT c.scope, c.key, c.organization_id \
         FROM (SELECT record->'domain'->>'name' AS name FROM tenancy.domains WHERE organization_id = $1 \
         UNION SELECT record->'retired_domain_name'->>'name' FROM tenancy.retired_domain_names \
         WHERE organization_id = $1) n \
         JOIN tenancy.claims c ON c.scope = 1 AND c.key = n.name) t"
            .to_owned(),
    ];
    for kind in Kind::ALL {
        let columns = kind.key().iter().chain(kind.columns());
        let columns: Vec<_> = columns.map(|column| format!("t.{}", column.name)).collect();
        parts.push(format!(
            "SELECT '{table}', json_build_array({columns})::text, t.record::text \
             FROM tenancy.{table} t WHERE t.organization_id = $1",
            table = kind.table(),
            columns = columns.join(", ")
        ));
    }
    parts.join("\nUNION ALL\n")
}

/// Reads the rows of [`everything`], in whatever order they come.
///
/// The columns of an organization's own row are not part of a [`Stored`]. If they are not those of its record, it is
/// handed on with a record that its log can't have made, so that [`Stored::verify`] says so.
///
/// # Errors
///
/// - [`DecodeError`]: something else has written a row, or a newer version of this library.
pub fn stored<'a>(
    organization: OrganizationId,
    rows: impl IntoIterator<Item = StoredRow<'a>>,
) -> Result<Stored, DecodeError> {
    let mut stored = Stored {
        state: OrganizationState::absent(organization),
        log: Vec::new(),
        claims: BTreeMap::new(),
        misfiled: Vec::new(),
    };
    for row in rows {
        match row.table {
            "organizations" => {
                let (found, filed) = own_row(&row)?;
                if filed {
                    stored.state.set_organization(found);
                }
            }
            "commits" => stored.log.push(entry(&row)?),
            "claims" => {
                let (claim, holder) = claim(&row)?;
                stored.claims.insert(claim, holder);
            }
            _ => {
                let record: Record = read(row.table, "record", Some(row.filed), row.record())?;
                let id = record.id();
                if row.table != id.kind().table() || row.columns()? != filed(&id, &record) {
                    stored.misfiled.push(id);
                }
                stored.state.put(record);
            }
        }
    }
    stored.log.sort_by_key(|entry| entry.version);
    Ok(stored)
}

impl StoredRow<'_> {
    fn record(&self) -> &str {
        self.record.unwrap_or_default()
    }

    fn columns(&self) -> Result<Json, DecodeError> {
        read(self.table, "filed", Some(self.filed), self.filed)
    }
}

/// The columns under which a record should be kept, in the order of [`everything`].
fn filed(id: &RecordId, record: &Record) -> Json {
    let (key, columns) = (id.key(), record.columns());
    let cells = key.iter().chain(&columns);
    // A value that can't be JSON, were there one, equals no column.
    cells
        .map(|value| serde_json::to_value(Cell(value)).unwrap_or_default())
        .collect()
}

/// An organization's row, and whether its columns are those of its record.
fn own_row(row: &StoredRow<'_>) -> Result<(Organization, bool), DecodeError> {
    let organization: Organization = read(row.table, "record", Some(row.filed), row.record())?;
    // Of the summary, what this version knows: a later one may say more in it.
    let (version, status, summary, name): (i64, i64, Json, Option<String>) =
        read(row.table, "filed", Some(row.filed), row.filed)?;
    let name = name.map(|name| NameKey::from_column(&name));
    let summary = serde_json::from_value::<OrganizationSummary>(summary).ok();
    let filed = version == bigint(organization.version)
        && status == i64::from(organization.status.code())
        && summary == Some(organization.summary())
        && name.is_some_and(|name| name.is_of(&organization.name));
    Ok((organization, filed))
}

fn entry(row: &StoredRow<'_>) -> Result<LogEntry, DecodeError> {
    let entry: LogEntry = read(row.table, "entry", Some(row.filed), row.record())?;
    let columns = serde_json::json!([bigint(entry.version), entry.id]);
    if row.columns()? == columns {
        Ok(entry)
    } else {
        Err(DecodeError::Entry {
            row: row.filed.to_owned(),
        })
    }
}

fn claim(row: &StoredRow<'_>) -> Result<(Claim, OrganizationId), DecodeError> {
    let (scope, key, holder): (i64, String, Uuid) =
        read(row.table, "key", Some(row.filed), row.filed)?;
    let known = u8::try_from(scope).ok();
    let claim = known.and_then(|scope| Claim::from_filed(scope, &key));
    let claim = claim.ok_or(DecodeError::Code {
        column: "scope",
        code: scope,
    })?;
    Ok((claim, OrganizationId::from_uuid(holder)))
}
