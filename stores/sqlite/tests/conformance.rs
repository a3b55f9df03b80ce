//! The store keeps every promise of the contract, in place and on threads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod world;

use std::sync::Mutex;

use rusqlite::types::Value as Cell;
use rusqlite::{Connection, ErrorCode, params_from_iter};
use tenancy::OrganizationId;
use tenancy::store::{RecordId, Value};
use tenancy_conformance::{Garbled, Harness, Tampering, suite};
use tenancy_sqlite::{Options, SqliteRepository};
use world::{Disk, quick, threaded};

/// Files in directories of their own, deleted with the harness.
struct Files {
    options: Options,
    places: Mutex<Vec<Disk>>,
}

impl Files {
    fn new(options: Options) -> Self {
        Self {
            options,
            places: Mutex::default(),
        }
    }
}

impl Harness for Files {
    type Repository = SqliteRepository;

    async fn fresh(&self) -> SqliteRepository {
        let place = Disk::new(self.options.clone());
        let store = place.open();
        self.places.lock().unwrap().push(place);
        store
    }

    /// The same file, opened a second time: nothing is shared but the file.
    async fn another(&self, same: &SqliteRepository) -> SqliteRepository {
        SqliteRepository::open_with(same.path(), &self.options).unwrap()
    }

    async fn reopen(&self, store: SqliteRepository) -> Option<SqliteRepository> {
        let path = store.path().to_owned();
        drop(store);
        Some(SqliteRepository::open_with(path, &self.options).unwrap())
    }

    async fn verify(
        &self,
        store: &SqliteRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let verified = store.verify(organization).await;
        Some(verified.map_err(|found| found.to_string()))
    }

    /// Writes as somebody would who doesn't know the library: with SQL, and around no check of the tables.
    async fn tamper(&self, store: &SqliteRepository, tampering: &Tampering) -> bool {
        let stranger = Connection::open(store.path()).unwrap();
        match write(&stranger, tampering) {
            Ok(rows) => rows == 1,
            Err(error) => {
                let code = error.sqlite_error_code();
                assert_eq!(code, Some(ErrorCode::ConstraintViolation), "{error}");
                false
            }
        }
    }
}

fn write(stranger: &Connection, tampering: &Tampering) -> rusqlite::Result<usize> {
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
            stranger.execute(&sql, params_from_iter(cells))
        }
        Tampering::Row {
            organization,
            version,
            status,
            summary,
        } => stranger.execute(
            "UPDATE tenancy_organizations SET version = ?2, status = ?3, summary = ?4 WHERE id = ?1",
            (
                organization.as_uuid().into_bytes(),
                i64::try_from(version.get()).unwrap(),
                status.code(),
                serde_json::to_string(summary).unwrap(),
            ),
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
            stranger.execute(&sql, params_from_iter(cells))
        }
        Tampering::Delete {
            organization,
            record,
        } => {
            let (table, key) = (record.kind().table(), key(record));
            let sql = format!("DELETE FROM tenancy_{table} WHERE {key}");
            let cells = id(*organization, record);
            stranger.execute(&sql, params_from_iter(cells))
        }
        Tampering::Claim { claim, holder } => {
            let (scope, key) = claim.filed();
            match holder {
                Some(holder) => stranger.execute(
                    "INSERT OR REPLACE INTO tenancy_claims (scope, key, organization_id) VALUES (?1, ?2, ?3)",
                    (scope, key, holder.as_uuid().into_bytes()),
                ),
                None => stranger.execute(
                    "DELETE FROM tenancy_claims WHERE scope = ?1 AND key = ?2",
                    (scope, key),
                ),
            }
        }
        Tampering::Garble {
            organization,
            garbled,
        } => {
            let garbage = [Cell::Text("{\"of_the_future\":{}}".to_owned())].into_iter();
            let owner = Cell::Blob(organization.as_uuid().into_bytes().to_vec());
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
                    vec![owner, Cell::Integer(version.get().try_into().unwrap())],
                ),
                Garbled::Summary => (
                    "UPDATE tenancy_organizations SET summary = ? WHERE id = ?".to_owned(),
                    vec![owner],
                ),
            };
            stranger.execute(&sql, params_from_iter(garbage.chain(which)))
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

fn id(organization: OrganizationId, record: &RecordId) -> impl Iterator<Item = Cell> + use<> {
    let organization = Cell::Blob(organization.as_uuid().into_bytes().to_vec());
    [organization].into_iter().chain(cells(&record.key()))
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

mod in_place {
    use super::*;
    suite!(harness = Files::new(quick()), without = [round_trips]); // there is no way to make
}

mod on_threads {
    use super::*;
    suite!(harness = Files::new(threaded()), without = [round_trips]);
}

/// The known races, with 64 writers. `TENANCY_ROUNDS` says how often.
mod known_races {
    use super::*;
    use tenancy_conformance::{Failure, races};

    fn rounds() -> u32 {
        std::env::var("TENANCY_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap())
    }

    #[test]
    fn break_no_rule_in_place() -> Result<(), Failure> {
        tenancy::block_on(races(&Files::new(quick()), rounds(), 64))
    }

    #[test]
    fn break_no_rule_on_threads() -> Result<(), Failure> {
        tenancy::block_on(races(&Files::new(threaded()), rounds(), 64))
    }
}
