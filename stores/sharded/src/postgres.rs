//! The registry in PostgreSQL.

use core::num::NonZeroU32;

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Executor as _, PgPool, Postgres, Row as _};
use tenancy::OrganizationId;
use tenancy::store::{Claim, Commit};
use tenancy_postgres::in_its_runtime;
use uuid::Uuid;

use crate::registry::{Attempt, Exception, Name, Places, Registry, Reserved, Row};

/// The registry in a PostgreSQL database, on a host's pool: four small tables in the schema `tenancy_registry`. It may
/// be a shard's database, or one of its own.
///
/// Each method is one statement outside any transaction, but for a reservation that finds names in others' hands, which
/// takes two. It needs what a commit needs: `synchronous_commit = on`, and the primary.
///
/// ```no_run
/// use tenancy_sharded::PostgresRegistry;
///
/// # async fn start(pool: tenancy_postgres::sqlx::PgPool) -> Result<(), tenancy_sharded::PostgresError> {
/// let registry = PostgresRegistry::new(pool);
/// registry.migrate().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresRegistry {
    pool: PgPool,
}

/// What went wrong in the registry's database.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PostgresError {
    /// The database failed, or the way to it.
    #[error("the registry's database failed")]
    Database(#[from] sqlx::Error),
    /// A row holds what this version can't read: a newer one or something else has written it.
    #[error("the registry's table `{table}` holds what this version can't read")]
    Unreadable {
        /// The table.
        table: &'static str,
    },
    /// A commit can't be written as JSON, or one that is kept can't be read: a newer version has written it.
    #[error("a commit in the registry can't be written or read")]
    Commit(#[from] serde_json::Error),
}

/// As `tenancy-postgres` has it: one that is made again meets other transactions than those that it lost to.
const TIMES: u32 = 8;

const RESERVE: &str = "\
WITH attempt AS (INSERT INTO tenancy_registry.attempts (id, commit) VALUES ($1, $2::json))
INSERT INTO tenancy_registry.names (scope, key, organization_id, attempt)
SELECT n.scope, n.key, $3, $1 FROM unnest($4::smallint[], $5::text[]) AS n(scope, key)
ORDER BY n.scope, n.key COLLATE \"C\"";

const ROWS: &str = "\
SELECT t.scope, t.key, t.organization_id, t.attempt, a.commit::text
FROM unnest($1::smallint[], $2::text[]) AS n(scope, key)
JOIN tenancy_registry.names t ON t.scope = n.scope AND t.key = n.key
LEFT JOIN tenancy_registry.attempts a ON a.id = t.attempt";

const ABORT: &str = "\
WITH gone AS (DELETE FROM tenancy_registry.attempts WHERE id = $1 AND NOT helped RETURNING id)
DELETE FROM tenancy_registry.names t USING gone WHERE t.attempt = gone.id";

const HELP: &str = "UPDATE tenancy_registry.attempts SET helped = true WHERE id = $1";

const FINISH: &str = "\
WITH gone AS (DELETE FROM tenancy_registry.attempts WHERE id = $1)
DELETE FROM tenancy_registry.names t WHERE t.attempt = $1 AND NOT EXISTS (
    SELECT FROM unnest($2::smallint[], $3::text[]) AS n(scope, key) WHERE n.scope = t.scope AND n.key = t.key
)";

const FREE: &str = "\
DELETE FROM tenancy_registry.names t
USING unnest($2::smallint[], $3::text[]) AS n(scope, key)
WHERE t.scope = n.scope AND t.key = n.key AND t.attempt = $1
  AND NOT EXISTS (SELECT FROM tenancy_registry.attempts a WHERE a.id = $1)";

const ENROLL: &str = "\
INSERT INTO tenancy_registry.names (scope, key, organization_id, attempt)
SELECT n.scope, n.key, $1, $2 FROM unnest($3::smallint[], $4::text[]) AS n(scope, key)
ORDER BY n.scope, n.key COLLATE \"C\" ON CONFLICT (scope, key) DO NOTHING";

const ATTEMPTS: &str = "\
SELECT id, commit::text FROM tenancy_registry.attempts WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2";

const CLAIMS: &str = "\
SELECT t.scope, t.key, t.organization_id, t.attempt, NULL::text
FROM tenancy_registry.names t
WHERE (t.scope, t.key) > ($1, $2) AND t.scope > 0
  AND NOT EXISTS (SELECT FROM tenancy_registry.attempts a WHERE a.id = t.attempt)
ORDER BY t.scope, t.key LIMIT $3";

const PLACES: &str = "\
SELECT p.epoch, e.organization_id, e.shard, e.generation, e.moving_from, e.moving_to
FROM tenancy_registry.epoch p LEFT JOIN tenancy_registry.exceptions e ON true";

const PLACE: &str = "\
SELECT p.epoch, e.organization_id, e.shard, e.generation, e.moving_from, e.moving_to
FROM tenancy_registry.epoch p LEFT JOIN tenancy_registry.exceptions e ON e.organization_id = $1";

const SET_PLACE: &str = "\
WITH come AS (
    INSERT INTO tenancy_registry.exceptions (organization_id, shard, generation, moving_from, moving_to)
    SELECT $1, $2, $3, $4, $5 WHERE $3 = 1
    ON CONFLICT (organization_id) DO NOTHING RETURNING 1
),
changed AS (
    UPDATE tenancy_registry.exceptions SET shard = $2, generation = $3, moving_from = $4, moving_to = $5
    WHERE organization_id = $1 AND generation = $3 - 1 RETURNING 1
)
UPDATE tenancy_registry.epoch SET epoch = epoch + 1
WHERE EXISTS (SELECT FROM come) OR EXISTS (SELECT FROM changed)";

impl PostgresRegistry {
    /// The registry behind a pool. [`migrate`](Self::migrate) makes its tables.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Makes the tables that are missing. Run it as often as you like, from as many places at once.
    ///
    /// # Errors
    ///
    /// - [`PostgresError::Database`]: a statement failed, and nothing was made.
    pub async fn migrate(&self) -> Result<(), PostgresError> {
        // One simple query is one transaction.
        let text = concat!(
            "SELECT pg_advisory_xact_lock(8387236823645254265);\n",
            include_str!("registry.sql")
        );
        self.pool.execute(sqlx::raw_sql(text)).await?;
        Ok(())
    }

    async fn write<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<u64, PostgresError> {
        Ok(written(&self.pool, query).await?)
    }

    async fn read<'q>(
        &self,
        query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
    ) -> Result<Vec<PgRow>, PostgresError> {
        Ok(rows(&self.pool, query).await?)
    }
}

/// Sends a statement and says how many rows it wrote. Made again where the server gave it up for another.
pub(crate) async fn written<'q>(
    pool: &PgPool,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
) -> sqlx::Result<u64> {
    for _ in 1..TIMES {
        match in_its_runtime(query().execute(pool)).await {
            Err(error) if is_given_up(&error) => {}
            done => return Ok(done?.rows_affected()),
        }
    }
    Ok(in_its_runtime(query().execute(pool)).await?.rows_affected())
}

/// Sends a statement and reads its rows. Made again where the server gave it up for another.
pub(crate) async fn rows<'q>(
    pool: &PgPool,
    query: impl Fn() -> Query<'q, Postgres, PgArguments> + Send,
) -> sqlx::Result<Vec<PgRow>> {
    for _ in 1..TIMES {
        match in_its_runtime(query().fetch_all(pool)).await {
            Err(error) if is_given_up(&error) => {}
            rows => return rows,
        }
    }
    in_its_runtime(query().fetch_all(pool)).await
}

impl Registry for PostgresRegistry {
    type Error = PostgresError;

    async fn reserve(
        &self,
        attempt: Uuid,
        names: &[Name],
        commit: &Commit,
    ) -> Result<Reserved, PostgresError> {
        let json = serde_json::to_string(commit)?;
        let organization = commit.organization().as_uuid();
        let (scopes, keys) = filed(names);
        let reserved = self.write(|| {
            sqlx::query(RESERVE)
                .bind(attempt)
                .bind(json.clone())
                .bind(organization)
                .bind(scopes.clone())
                .bind(keys.clone())
        });
        match reserved.await {
            Ok(_) => Ok(Reserved::All),
            Err(PostgresError::Database(error)) if has_code(&error, &["23505"]) => {
                Ok(Reserved::None(self.rows(names).await?))
            }
            Err(error) => Err(error),
        }
    }

    async fn abort(&self, attempt: Uuid) -> Result<bool, PostgresError> {
        let gone = self.write(|| sqlx::query(ABORT).bind(attempt)).await?;
        Ok(gone > 0) // an attempt has a row at least
    }

    async fn help(&self, attempt: Uuid) -> Result<bool, PostgresError> {
        let marked = self.write(|| sqlx::query(HELP).bind(attempt)).await?;
        Ok(marked > 0)
    }

    async fn finish(&self, attempt: Uuid, held: &[Name]) -> Result<(), PostgresError> {
        self.about(FINISH, attempt, held).await
    }

    async fn free(&self, name: &Name, attempt: Uuid) -> Result<(), PostgresError> {
        let name = core::slice::from_ref(name);
        self.about(FREE, attempt, name).await
    }

    async fn enroll(
        &self,
        organization: OrganizationId,
        attempt: Uuid,
        names: &[Name],
    ) -> Result<Vec<Row>, PostgresError> {
        let (scopes, keys) = filed(names);
        let written = self.write(|| {
            let query = sqlx::query(ENROLL).bind(organization.as_uuid());
            query.bind(attempt).bind(scopes.clone()).bind(keys.clone())
        });
        written.await?;
        let mut rows = self.rows(names).await?;
        rows.retain(|row| row.organization != organization);
        Ok(rows)
    }

    async fn rows(&self, names: &[Name]) -> Result<Vec<Row>, PostgresError> {
        let (scopes, keys) = filed(names);
        let rows = self.read(|| sqlx::query(ROWS).bind(scopes.clone()).bind(keys.clone()));
        rows.await?.iter().map(row).collect()
    }

    async fn attempts(
        &self,
        after: Option<Uuid>,
        limit: NonZeroU32,
    ) -> Result<Vec<Attempt>, PostgresError> {
        let limit = i64::from(limit.get());
        let rows = self.read(|| sqlx::query(ATTEMPTS).bind(after).bind(limit));
        let attempts = rows.await?;
        let attempts = attempts.iter().map(|row| {
            Ok(Attempt {
                id: row.try_get(0)?,
                commit: serde_json::from_str(row.try_get(1)?)?,
            })
        });
        attempts.collect()
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: NonZeroU32,
    ) -> Result<Vec<Row>, PostgresError> {
        let (scope, key) = after.map_or((0, ""), Claim::filed);
        let limit = i64::from(limit.get());
        let rows = self.read(|| {
            let scope = i16::from(scope);
            sqlx::query(CLAIMS)
                .bind(scope)
                .bind(key.to_owned())
                .bind(limit)
        });
        rows.await?.iter().map(row).collect()
    }

    async fn places(&self) -> Result<Places, PostgresError> {
        let rows = self.read(|| sqlx::query(PLACES)).await?;
        let mut places = Places::default();
        for row in &rows {
            let (epoch, exception) = place(row)?;
            places.epoch = epoch;
            places.exceptions.extend(exception);
        }
        Ok(places)
    }

    async fn place(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<(u64, Option<Exception>), PostgresError> {
        let organization = organization.map(|organization| organization.as_uuid());
        let rows = self.read(|| sqlx::query(PLACE).bind(organization)).await?;
        let row = rows.first();
        place(row.ok_or(PostgresError::Unreadable { table: "epoch" })?)
    }

    async fn set_place(&self, exception: &Exception) -> Result<bool, PostgresError> {
        let generation = i64::try_from(exception.generation).unwrap_or(i64::MAX);
        let (from, to) = exception.moving.clone().unzip();
        let written = self.write(|| {
            sqlx::query(SET_PLACE)
                .bind(exception.organization.as_uuid())
                .bind(exception.shard.clone())
                .bind(generation)
                .bind(from.clone())
                .bind(to.clone())
        });
        Ok(written.await? > 0)
    }

    /// The database only reads, or the pool had no connection to give.
    fn wrote_nothing(&self, error: &PostgresError) -> bool {
        use sqlx::Error::{PoolClosed, PoolTimedOut};
        match error {
            PostgresError::Database(PoolClosed | PoolTimedOut) | PostgresError::Commit(_) => true,
            PostgresError::Database(error) => has_code(error, &["25006"]),
            PostgresError::Unreadable { .. } => false,
        }
    }
}

impl PostgresRegistry {
    /// A statement about an attempt and names.
    async fn about(
        &self,
        text: &'static str,
        attempt: Uuid,
        names: &[Name],
    ) -> Result<(), PostgresError> {
        let (scopes, keys) = filed(names);
        let query = || {
            let query = sqlx::query(text).bind(attempt);
            query.bind(scopes.clone()).bind(keys.clone())
        };
        self.write(query).await?;
        Ok(())
    }
}

fn filed(names: &[Name]) -> (Vec<i16>, Vec<String>) {
    let filed = names.iter().map(Name::filed);
    filed.map(|(scope, key)| (i16::from(scope), key)).unzip()
}

fn row(row: &PgRow) -> Result<Row, PostgresError> {
    let (scope, key): (i16, &str) = (row.try_get(0)?, row.try_get(1)?);
    let scope = u8::try_from(scope).ok();
    let name = scope.and_then(|scope| Name::from_filed(scope, key));
    let pending: Option<&str> = row.try_get(4)?;
    Ok(Row {
        name: name.ok_or(PostgresError::Unreadable { table: "names" })?,
        organization: OrganizationId::from_uuid(row.try_get(2)?),
        attempt: row.try_get(3)?,
        pending: pending.map(serde_json::from_str).transpose()?,
    })
}

fn place(row: &PgRow) -> Result<(u64, Option<Exception>), PostgresError> {
    let number = |number: i64| u64::try_from(number).unwrap_or_default();
    let epoch = number(row.try_get(0)?);
    let Some(organization) = row.try_get(1)? else {
        return Ok((epoch, None));
    };
    let moving: (Option<String>, Option<String>) = (row.try_get(4)?, row.try_get(5)?);
    let exception = Exception {
        organization: OrganizationId::from_uuid(organization),
        shard: row.try_get(2)?,
        generation: number(row.try_get(3)?),
        moving: moving.0.zip(moving.1),
    };
    Ok((epoch, Some(exception)))
}

/// Whether the server aborted a statement for concurrency.
fn is_given_up(error: &sqlx::Error) -> bool {
    has_code(error, &["40001", "40P01"])
}

fn has_code(error: &sqlx::Error, codes: &[&str]) -> bool {
    let error = error.as_database_error();
    let code = error.and_then(sqlx::error::DatabaseError::code);
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}
