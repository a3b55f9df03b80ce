//! What somebody writes who doesn't know the library: with SQL, and around no check of the tables. For every store that
//! keeps these tables.

use tenancy::OrganizationId;
use tenancy::store::{RecordId, Value};
use tenancy_conformance::{Garbled, Tampering};
use tenancy_sqlite::rusqlite::types::Value as Cell;

/// The statement, and the cells that are bound to it.
pub(crate) fn statement(tampering: &Tampering) -> (String, Vec<Cell>) {
    match tampering {
        Tampering::Misfile {
            organization,
            record,
            column,
            value,
        } => {
            let (table, key) = (record.kind().table(), key(record));
            let sql = format!("UPDATE tenancy_{table} SET {} = ? WHERE {key}", column.name);
            let cells = [cell(value)].into_iter().chain(id(*organization, record));
            (sql, cells.collect())
        }
        Tampering::Row {
            organization,
            version,
            status,
            summary,
        } => (
            "UPDATE tenancy_organizations SET version = ?2, status = ?3, summary = ?4 WHERE id = ?1".to_owned(),
            vec![
                owner(*organization),
                Cell::Integer(version.get().try_into().unwrap()),
                Cell::Integer(status.code().into()),
                Cell::Text(serde_json::to_string(summary).unwrap()),
            ],
        ),
        Tampering::Put {
            organization,
            record,
        } => {
            let (kind, json) = (record.id().kind(), serde_json::to_string(record).unwrap());
            let columns = kind.key().iter().chain(kind.columns());
            let columns: Vec<_> = columns.map(|column| column.name).collect();
            let cells = id(*organization, &record.id()).chain(cells(&record.columns()));
            let cells: Vec<_> = cells.chain([Cell::Text(json)]).collect();
            let sql = format!(
                "INSERT OR REPLACE INTO tenancy_{} (organization_id, {}, record) VALUES (?{})",
                kind.table(),
                columns.join(", "),
                ", ?".repeat(cells.len().saturating_sub(1)),
            );
            (sql, cells)
        }
        Tampering::Delete {
            organization,
            record,
        } => {
            let (table, key) = (record.kind().table(), key(record));
            let sql = format!("DELETE FROM tenancy_{table} WHERE {key}");
            (sql, id(*organization, record).collect())
        }
        Tampering::Claim { claim, holder } => {
            let (scope, key) = claim.filed();
            let filed = [Cell::Integer(scope.into()), Cell::Text(key.to_owned())].into_iter();
            match holder {
                Some(holder) => (
                    "INSERT OR REPLACE INTO tenancy_claims (scope, key, organization_id) VALUES (?1, ?2, ?3)".to_owned(),
                    filed.chain([owner(*holder)]).collect(),
                ),
                None => (
                    "DELETE FROM tenancy_claims WHERE scope = ?1 AND key = ?2".to_owned(),
                    filed.collect(),
                ),
            }
        }
        Tampering::Garble {
            organization,
            garbled,
        } => {
            let garbage = [Cell::Text("{\"of_the_future\":{}}".to_owned())].into_iter();
            let (sql, which): (_, Vec<Cell>) = match garbled {
                Garbled::Record(record) => (
                    format!(
                        "UPDATE tenancy_{} SET record = ? WHERE {}",
                        record.kind().table(),
                        key(record)
                    ),
                    id(*organization, record).collect(),
                ),
                Garbled::LogEntry(version) => (
                    "UPDATE tenancy_commits SET entry = ? WHERE organization_id = ? AND version = ?".to_owned(),
                    vec![owner(*organization), Cell::Integer(version.get().try_into().unwrap())],
                ),
                Garbled::Summary => (
                    "UPDATE tenancy_organizations SET summary = ? WHERE id = ?".to_owned(),
                    vec![owner(*organization)],
                ),
            };
            (sql, garbage.chain(which).collect())
        }
        other => panic!("nobody knows how to do that: {other:?}"),
    }
}

/// The condition that a row has this key.
fn key(record: &RecordId) -> String {
    let key = record.kind().key().iter();
    key.fold("organization_id = ?".to_owned(), |key, column| {
        format!("{key} AND {} = ?", column.name)
    })
}

fn owner(organization: OrganizationId) -> Cell {
    Cell::Blob(organization.as_uuid().into_bytes().to_vec())
}

fn id(organization: OrganizationId, record: &RecordId) -> impl Iterator<Item = Cell> + use<> {
    [owner(organization)]
        .into_iter()
        .chain(cells(&record.key()))
}

fn cells(values: &[Value]) -> std::vec::IntoIter<Cell> {
    values.iter().map(cell).collect::<Vec<_>>().into_iter()
}

fn cell(value: &Value) -> Cell {
    match value {
        Value::Id(Some(id)) => Cell::Blob(id.into_bytes().to_vec()),
        Value::Text(Some(text)) => Cell::Text(text.clone()),
        Value::Code(code) => Cell::Integer((*code).into()),
        Value::Number(Some(number)) => Cell::Integer(*number),
        Value::Id(None) | Value::Text(None) | Value::Number(None) => Cell::Null,
    }
}
