//! Tables: making them, and checking at start that they are there.

use sqlx::{Executor as _, PgConnection, PgPool, Row as _, SqlStr};

use crate::outbox::Held;
use crate::statements::MIGRATIONS;

/// The tables are not those that this version of the crate needs.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// There are no tables: [`migrate()`] was never run on this database.
    #[error("the schema `tenancy` is missing: run `tenancy_postgres::migrate`")]
    Missing,
    /// Steps are missing.
    #[error(
        "the schema `tenancy` is at step {found}, and this version needs {needed}: run `tenancy_postgres::migrate`"
    )]
    Older {
        /// The last step that was made.
        found: u32,
        /// The last step of this version.
        needed: u32,
    },
    /// A newer version of the crate made the tables.
    #[error(
        "the schema `tenancy` is at step {found}, and this version knows only {known}: a newer version made it"
    )]
    Newer {
        /// The last step that was made.
        found: u32,
        /// The last step of this version.
        known: u32,
    },
    /// The step is right, but a table, a column or a right is missing: a statement can't be prepared.
    #[error("the schema `tenancy` was altered, or this role may not use it")]
    Altered(#[source] sqlx::Error),
    /// The step is right, but a key is missing: two could hold one claim, or a commit be made twice.
    #[error("the schema `tenancy` was altered: the constraint `{constraint}` is missing")]
    Unconstrained {
        /// The first that is missing.
        constraint: String,
    },
    /// The database doesn't keep text as UTF-8, so it can't keep everybody's name.
    #[error("the database's encoding is {0}, not UTF8")]
    Encoding(String),
    /// The database or the way to it.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
}

/// "tenancy" as the number that the advisory lock goes by.
const LOCK: i64 = 0x0074_656e_616e_6379;

/// Makes the tables, in the schema `tenancy`, or brings them up to date. Run it as often as you like, from as
/// many places at once: one works, the others wait and find nothing to do.
///
/// It is one transaction under an advisory lock: after a crash in the middle nothing has happened. It keeps
/// its list in a table of its own (`tenancy.migrations`) and never meets a host's `_sqlx_migrations`. The role
/// needs `CREATE` on the database the first time.
///
/// # Errors
///
/// - [`SchemaError::Newer`]: a newer version made the tables; nothing was changed.
/// - [`SchemaError::Encoding`]: the database is not UTF-8.
/// - [`SchemaError::Database`]: a statement failed; nothing was changed.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    let mut held = Held::begin(pool).await?;
    let connection = held.connection();
    sqlx::query("SELECT pg_advisory_xact_lock($1)")
        .bind(LOCK)
        .execute(&mut *connection)
        .await?;
    encoding(connection).await?;
    // Not `CREATE SCHEMA IF NOT EXISTS`, which asks for the right to create one even if it exists.
    if !exists(connection, "SELECT to_regnamespace('tenancy') IS NOT NULL").await? {
        connection.execute("CREATE SCHEMA tenancy").await?;
    }
    if !exists(connection, TABLE_EXISTS).await? {
        connection
            .execute(
                "CREATE TABLE tenancy.migrations (
                     step integer PRIMARY KEY, made_at timestamptz NOT NULL DEFAULT now())",
            )
            .await?;
    }
    let found = last_step(connection).await?;
    newer(found)?;
    for (step, text) in MIGRATIONS {
        if *step > found {
            sqlx::raw_sql(*text).execute(&mut *connection).await?;
            sqlx::query("INSERT INTO tenancy.migrations (step) VALUES ($1)")
                .bind(i64::from(*step))
                .execute(&mut *connection)
                .await?;
        }
    }
    held.commit().await?;
    Ok(())
}

/// Whether the tables are those of this version, and every one of `statements` can be prepared.
pub(crate) async fn check(pool: &PgPool, statements: &[&'static str]) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    encoding(&mut connection).await?;
    if !exists(&mut connection, TABLE_EXISTS).await? {
        return Err(SchemaError::Missing);
    }
    let found = last_step(&mut connection).await?;
    newer(found)?;
    let needed = known();
    match found {
        0 => Err(SchemaError::Missing),
        found if found < needed => Err(SchemaError::Older { found, needed }),
        _ => {
            prepared(&mut connection, statements).await?;
            constrained(&mut connection).await
        }
    }
}

/// The first key that a statement or a promise rests on, and that isn't there.
const MISSING_CONSTRAINT: &str = "SELECT k.name
    FROM unnest(ARRAY['claims_pkey', 'commits_id', 'commits_pkey', 'domains_pkey', 'invitations_pkey',
        'members_pkey', 'organizations_pkey', 'outbox_pkey', 'retired_domain_names_pkey',
        'workspace_members_pkey', 'workspaces_pkey']) AS k(name)
    WHERE NOT EXISTS (
        SELECT 1 FROM pg_catalog.pg_constraint c
        WHERE c.connamespace = to_regnamespace('tenancy') AND c.conname = k.name AND c.contype IN ('p', 'u'))
    ORDER BY k.name LIMIT 1";

async fn constrained(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let missing = sqlx::query(MISSING_CONSTRAINT)
        .fetch_optional(connection)
        .await?;
    match missing {
        None => Ok(()),
        Some(row) => Err(SchemaError::Unconstrained {
            constraint: row.try_get(0)?,
        }),
    }
}

/// Whether the server can prepare what every request will ask for.
async fn prepared(
    connection: &mut PgConnection,
    statements: &[&'static str],
) -> Result<(), SchemaError> {
    for statement in statements.iter().copied() {
        match connection.prepare(SqlStr::from_static(statement)).await {
            Ok(_) => {}
            Err(error @ sqlx::Error::Database(_)) => return Err(SchemaError::Altered(error)),
            Err(error) => return Err(SchemaError::Database(error)),
        }
    }
    Ok(())
}

const TABLE_EXISTS: &str = "SELECT to_regclass('tenancy.migrations') IS NOT NULL";

/// The last step of this version.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |(step, _)| *step)
}

fn newer(found: u32) -> Result<(), SchemaError> {
    let known = known();
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    Ok(())
}

async fn encoding(connection: &mut PgConnection) -> Result<(), SchemaError> {
    let row = sqlx::query("SELECT current_setting('server_encoding')")
        .fetch_one(connection)
        .await?;
    let encoding: String = row.try_get(0)?;
    if encoding == "UTF8" {
        Ok(())
    } else {
        Err(SchemaError::Encoding(encoding))
    }
}

async fn exists(connection: &mut PgConnection, question: &'static str) -> sqlx::Result<bool> {
    sqlx::query(question)
        .fetch_one(connection)
        .await?
        .try_get(0)
}

/// The last step that was made; 0 if none.
async fn last_step(connection: &mut PgConnection) -> sqlx::Result<u32> {
    let row = sqlx::query("SELECT COALESCE(max(step), 0)::bigint FROM tenancy.migrations")
        .fetch_one(connection)
        .await?;
    let step: i64 = row.try_get(0)?;
    Ok(u32::try_from(step).unwrap_or(u32::MAX))
}
