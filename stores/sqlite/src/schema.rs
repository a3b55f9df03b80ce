//! The tables, and how a file comes to have them.

use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, TransactionBehavior};

use crate::error::SqliteError;

/// The migrations, oldest first: a version, and the SQL that leads to it.
///
/// [`SqliteRepository::open`](crate::SqliteRepository::open) runs those that a file lacks. A host that
/// prefers its own migration tool may copy the text, and then has to keep `tenancy_migrations` as
/// [`migrate`] does. A migration that was released never changes.
pub const MIGRATIONS: &[(u32, &str)] = &[(1, include_str!("migrations/0001_tables.sql"))];

/// Brings the tables of a database up to date, in one transaction. There is nothing to do, and nothing is
/// written, if they already are.
///
/// All names begin with `tenancy_`: the tables can live in the host's own file. Which migrations were run
/// is kept in `tenancy_migrations`, apart from the host's own migrations.
///
/// # Errors
///
/// - [`SqliteError::NewerSchema`]: a newer version of this crate was here.
/// - [`SqliteError::Migration`]: one of them failed; the database is as it was.
/// - [`SqliteError::Sqlite`]: SQLite failed.
pub fn migrate(connection: &mut Connection) -> Result<(), SqliteError> {
    if is_current(schema_version(connection)?)? {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS tenancy_migrations (\
             version    INTEGER NOT NULL PRIMARY KEY, \
             applied_at INTEGER NOT NULL\
         ) STRICT",
    )?;
    // Again, as somebody else may have been first.
    let found = schema_version(&transaction)?;
    if is_current(found)? {
        return Ok(());
    }
    for (version, sql) in MIGRATIONS.iter().filter(|(version, _)| *version > found) {
        transaction
            .execute_batch(sql)
            .and_then(|()| {
                transaction.execute(
                    "INSERT INTO tenancy_migrations (version, applied_at) VALUES (?1, ?2)",
                    (*version, now_millis()),
                )
            })
            .map_err(|source| SqliteError::Migration {
                version: *version,
                source,
            })?;
    }
    transaction.commit()?;
    Ok(())
}

/// The version of the tables that a database has; 0 if it has none.
///
/// # Errors
///
/// [`SqliteError::Sqlite`]: SQLite failed.
pub fn schema_version(connection: &Connection) -> Result<u32, SqliteError> {
    let exists: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tenancy_migrations')",
        (),
        |row| row.get(0),
    )?;
    if !exists {
        return Ok(0);
    }
    Ok(connection.query_row(
        "SELECT coalesce(max(version), 0) FROM tenancy_migrations",
        (),
        |row| row.get(0),
    )?)
}

fn is_current(found: u32) -> Result<bool, SqliteError> {
    let known = MIGRATIONS
        .iter()
        .map(|(version, _)| *version)
        .max()
        .unwrap_or(0);
    if found > known {
        return Err(SqliteError::NewerSchema { found, known });
    }
    Ok(found == known)
}

/// The system's clock, in milliseconds.
pub(crate) fn now_millis() -> i64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
