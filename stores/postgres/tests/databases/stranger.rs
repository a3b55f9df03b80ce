//! Somebody who doesn't know the library, and writes its tables with SQL of their own.

use sqlx::{AssertSqlSafe, Executor as _, PgPool};
use tenancy::OrganizationId;
use tenancy::store::{Column, Record, RecordId, Value};
use tenancy_conformance::{Garbled, Tampering};

/// Writes it, and says whether the database allowed it.
pub async fn tamper(pool: &PgPool, tampering: &Tampering) -> bool {
    match pool.execute(AssertSqlSafe(text(tampering))).await {
        Ok(done) => done.rows_affected() == 1,
        Err(sqlx::Error::Database(error)) if error.code().is_some_and(|c| c.starts_with("23")) => {
            false // a constraint stands in the way
        }
        Err(error) => panic!("{tampering:?}: {error}"),
    }
}

fn text(tampering: &Tampering) -> String {
    match tampering {
        Tampering::Misfile {
            organization,
            record,
            column,
            value,
        } => format!(
            "UPDATE tenancy.{} SET {} = {} WHERE {}",
            record.kind().table(),
            column.name,
            literal(value),
            key(*organization, record)
        ),
        Tampering::Row {
            organization,
            version,
            status,
            summary,
        } => format!(
            "UPDATE tenancy.organizations SET version = {version}, status = {}, summary = {} WHERE id = '{organization}'",
            status.code(),
            quoted(&serde_json::to_string(summary).unwrap())
        ),
        Tampering::Put {
            organization,
            record,
        } => put(*organization, record),
        Tampering::Delete {
            organization,
            record,
        } => format!(
            "DELETE FROM tenancy.{} WHERE {}",
            record.kind().table(),
            key(*organization, record)
        ),
        Tampering::Claim { claim, holder } => {
            let (scope, key) = claim.filed();
            match holder {
                Some(holder) => format!(
                    "INSERT INTO tenancy.claims (scope, key, organization_id) VALUES ({scope}, {}, '{holder}')
                     ON CONFLICT (scope, key) DO UPDATE SET organization_id = excluded.organization_id",
                    quoted(key)
                ),
                None => format!(
                    "DELETE FROM tenancy.claims WHERE scope = {scope} AND key = {}",
                    quoted(key)
                ),
            }
        }
        Tampering::Garble {
            organization,
            garbled,
        } => {
            let (what, which) = match garbled {
                Garbled::Record(id) => (
                    format!("{} SET record", id.kind().table()),
                    key(*organization, id),
                ),
                Garbled::LogEntry(version) => (
                    "commits SET entry".to_owned(),
                    format!(
                        "organization_id = '{organization}' AND version = {}",
                        version.get()
                    ),
                ),
                Garbled::Summary => (
                    "organizations SET summary".to_owned(),
                    format!("id = '{organization}'"),
                ),
            };
            format!("UPDATE tenancy.{what} = '{{\"of_the_future\": {{}}}}' WHERE {which}")
        }
        other => panic!("nobody knows how to do that: {other:?}"),
    }
}

fn put(organization: OrganizationId, record: &Record) -> String {
    let (id, json) = (record.id(), serde_json::to_string(record).unwrap());
    let names = |columns: &[Column]| -> Vec<String> {
        let names = columns.iter().map(|column| column.name.to_owned());
        names.collect()
    };
    let (key, columns) = (names(id.kind().key()), names(id.kind().columns()));
    let set = columns
        .iter()
        .map(|name| format!("{name} = excluded.{name}, "));
    let values = [id.key(), record.columns()].concat();
    let values: Vec<_> = values.iter().map(literal).collect();
    format!(
        "INSERT INTO tenancy.{} (organization_id, {}, record) VALUES ('{organization}', {}, {})
         ON CONFLICT (organization_id, {}) DO UPDATE SET {}record = excluded.record",
        id.kind().table(),
        [&key[..], &columns].concat().join(", "),
        values.join(", "),
        quoted(&json),
        key.join(", "),
        set.collect::<String>()
    )
}

fn key(organization: OrganizationId, record: &RecordId) -> String {
    let (columns, values) = (record.kind().key().iter(), record.key());
    let equal = columns
        .zip(&values)
        .map(|(column, value)| format!(" AND {} = {}", column.name, literal(value)));
    format!(
        "organization_id = '{organization}'{}",
        equal.collect::<String>()
    )
}

fn literal(value: &Value) -> String {
    match value {
        Value::Id(Some(id)) => format!("'{id}'"),
        Value::Text(Some(text)) => quoted(text),
        Value::Code(code) => code.to_string(),
        Value::Number(Some(number)) => number.to_string(),
        Value::Id(None) | Value::Text(None) | Value::Number(None) => "NULL".to_owned(),
    }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
