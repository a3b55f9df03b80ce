//! Tables: making them, and checking at start that they are there.

use core::time::Duration;

use sqlx::{AssertSqlSafe, Executor as _, PgConnection, PgPool, Row as _, SqlStr};
use tenancy::store::OrganizationSummary;
use uuid::Uuid;

use crate::begun::Begun;
use crate::statements::{MIGRATIONS, NAMES};

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
    /// A newer version of the crate made the tables, and this one can't live with them.
    #[error(
        "the schema `tenancy` is at step {found}, which programs can live with from step {oldest} on, and this one \
         knows only step {known}: start a newer one"
    )]
    Newer {
        /// The last step that was made.
        found: u32,
        /// The last step of the oldest program that can live with it.
        oldest: u32,
        /// The last step of this version.
        known: u32,
    },
    /// The step is right, but something is not as this version defines it: a table that is unlogged or hides rows, a
    /// column or its default, a key that is checked later, an index, a view.
    #[error("the schema `tenancy` was altered; it should have: {definition}")]
    Altered {
        /// What is missing, or is there in another form.
        definition: String,
    },
    /// The step is right, but there is something that no step makes: a trigger, a rule, a foreign key, a check, a unique
    /// index, a column that must be filled or is filled by itself, a table whose rows appear among these. A commit would
    /// write more than it says, or less.
    #[error("the schema `tenancy` was altered; it should not have: {definition}")]
    Foreign {
        /// What is there.
        definition: String,
    },
    /// The step is right, but the server can't prepare a statement: a table was altered, or this role may not use it.
    #[error("the schema `tenancy` was altered, or this role may not use it")]
    Refused(#[source] sqlx::Error),
    /// Somebody else held a lock that a step needs for longer than this. Nothing was changed; try again when it is
    /// quieter, or wait longer with [`migrate_within`].
    #[error("a step of the schema `tenancy` waited for a lock for {} ms, and was given up", .waited.as_millis())]
    Locked {
        /// How long it waited.
        waited: Duration,
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

/// How long [`migrate()`] waits for each lock.
const PATIENCE: Duration = Duration::from_secs(10);

/// Makes the tables, in the schema `tenancy`, or brings them up to date. Run it as often as you like, from as
/// many places at once: one works, the others wait and find nothing to do.
///
/// It is one transaction under an advisory lock: after a crash in the middle nothing has happened. It keeps
/// its list in a table of its own (`tenancy.migrations`) and never meets a host's `_sqlx_migrations`. The role
/// needs `CREATE` on the database the first time.
///
/// It waits for a lock for 10 seconds at most, because whoever asks for a table after it waits for it in turn.
///
/// # Errors
///
/// - [`SchemaError::Newer`]: a newer version made the tables, and this one can't live with them; nothing was changed.
/// - [`SchemaError::Locked`]: somebody else held a lock, or was migrating, for too long; nothing was changed.
/// - [`SchemaError::Encoding`]: the database is not UTF-8.
/// - [`SchemaError::Database`]: a statement failed; nothing was changed.
pub async fn migrate(pool: &PgPool) -> Result<(), SchemaError> {
    migrate_within(pool, PATIENCE).await
}

/// As [`migrate()`], waiting for each lock for `lock_timeout` at most; zero waits for ever.
///
/// # Errors
///
/// As [`migrate()`].
pub async fn migrate_within(pool: &PgPool, lock_timeout: Duration) -> Result<(), SchemaError> {
    let mut begun = Begun::begin(pool).await?;
    let made = make(begun.connection(), lock_timeout).await;
    made.map_err(|error| match error {
        SchemaError::Database(error) if is_locked(&error) => SchemaError::Locked {
            waited: lock_timeout,
        },
        error => error,
    })?;
    begun.commit().await?;
    Ok(())
}

async fn make(connection: &mut PgConnection, lock_timeout: Duration) -> Result<(), SchemaError> {
    let patience = format!("SET LOCAL lock_timeout = {}", lock_timeout.as_millis());
    connection.execute(AssertSqlSafe(patience)).await?;
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
                     step integer PRIMARY KEY, oldest integer NOT NULL, made_at timestamptz NOT NULL DEFAULT now())",
            )
            .await?;
    }
    let made = Made::read(connection).await?;
    made.suits()?;
    for migration in MIGRATIONS {
        if migration.step > made.step {
            sqlx::raw_sql(migration.sql)
                .execute(&mut *connection)
                .await?;
            if migration.step == NAMES {
                fold_names(connection).await?;
            }
            sqlx::query("INSERT INTO tenancy.migrations (step, oldest) VALUES ($1, $2)")
                .bind(i64::from(migration.step))
                .bind(i64::from(migration.oldest))
                .execute(&mut *connection)
                .await?;
        }
    }
    Ok(())
}

/// Files what organizations there are under their names as the library folds them, some at a time. One whose summary
/// can't be read waits for its next commit.
async fn fold_names(connection: &mut PgConnection) -> Result<(), SchemaError> {
    const SOME: &str =
        "SELECT id, summary::text FROM tenancy.organizations WHERE id > $1 ORDER BY id LIMIT 1000";
    const FILE: &str = "UPDATE tenancy.organizations o SET name_key = n.name_key
        FROM unnest($1::uuid[], $2::text[]) AS n (id, name_key)
        WHERE o.id = n.id AND o.name_key IS DISTINCT FROM n.name_key";
    let mut last = Uuid::nil();
    loop {
        let rows = sqlx::query(SOME).bind(last);
        let rows = rows.fetch_all(&mut *connection).await?;
        let (mut ids, mut names) = (Vec::new(), Vec::new());
        for row in &rows {
            last = row.try_get(0)?;
            let summary = serde_json::from_str::<OrganizationSummary>(row.try_get(1)?);
            if let Ok(summary) = summary {
                ids.push(last);
                names.push(summary.name.key().as_str().to_owned());
            }
        }
        if rows.is_empty() {
            return Ok(());
        }
        let file = sqlx::query(FILE).bind(ids).bind(names);
        file.execute(&mut *connection).await?;
    }
}

/// Whether the server gave up waiting for a lock.
fn is_locked(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    code.as_deref() == Some("55P03")
}

/// Whether the tables are those of this version, and every one of `statements` can be prepared.
pub(crate) async fn check(pool: &PgPool, statements: &[&'static str]) -> Result<(), SchemaError> {
    let mut connection = pool.acquire().await?;
    encoding(&mut connection).await?;
    if !exists(&mut connection, TABLE_EXISTS).await? {
        return Err(SchemaError::Missing);
    }
    let made = Made::read(&mut connection).await?;
    made.suits()?;
    let needed = known();
    match made.step {
        0 => Err(SchemaError::Missing),
        found if found < needed => Err(SchemaError::Older { found, needed }),
        found => {
            defined(&mut connection, found == needed).await?;
            prepared(&mut connection, statements).await
        }
    }
}

/// A line for each thing that could change what a statement does.
const DEFINITIONS: &str = include_str!("../migrations/definitions.sql");

/// The lines of a database that was migrated. `TENANCY_BLESS=1 cargo test -p tenancy-postgres --test server schema` writes it.
const DEFINED: &str = include_str!("../migrations/definitions.txt");

/// What would change what a commit writes or a question finds, were it there besides.
const FOREIGN: [&str; 9] = [
    "trigger ",
    "rule ",
    "foreign key ",
    "check ",
    "exclusion ",
    "unique key ",
    "unique index ",
    "heir ",
    "parent ",
];

/// Whether a line that no step makes would change what a statement does. A column does if it must be filled, or is
/// filled by something that may fail.
fn is_foreign(line: &str) -> bool {
    let fills = [" not null", " default ", " generated ", " identity"];
    let column = line.starts_with("column ") && fills.iter().any(|word| line.contains(word));
    column || FOREIGN.iter().any(|kind| line.starts_with(kind))
}

/// Whether everything is as it was defined. What is there besides is a newer version's, unless this one is the newest.
async fn defined(connection: &mut PgConnection, newest: bool) -> Result<(), SchemaError> {
    let rows = sqlx::query(DEFINITIONS).fetch_all(connection).await?;
    let found: Result<Vec<&str>, _> = rows.iter().map(|row| row.try_get(0)).collect();
    let found = found?;
    let defined: Vec<&str> = DEFINED.lines().collect();
    if let Some(missing) = defined.iter().find(|line| !found.contains(line)) {
        return Err(SchemaError::Altered {
            definition: (*missing).to_owned(),
        });
    }
    let foreign = |line: &&&str| newest && is_foreign(line) && !defined.contains(line);
    match found.iter().find(foreign) {
        None => Ok(()),
        Some(foreign) => Err(SchemaError::Foreign {
            definition: (*foreign).to_owned(),
        }),
    }
}

/// Whether the server can prepare what requests will ask for.
async fn prepared(
    connection: &mut PgConnection,
    statements: &[&'static str],
) -> Result<(), SchemaError> {
    for statement in statements.iter().copied() {
        match connection.prepare(SqlStr::from_static(statement)).await {
            Ok(_) => {}
            Err(error @ sqlx::Error::Database(_)) => return Err(SchemaError::Refused(error)),
            Err(error) => return Err(SchemaError::Database(error)),
        }
    }
    Ok(())
}

const TABLE_EXISTS: &str = "SELECT to_regclass('tenancy.migrations') IS NOT NULL";

/// The last step of this version.
fn known() -> u32 {
    MIGRATIONS.last().map_or(0, |migration| migration.step)
}

/// Which steps were made.
struct Made {
    /// The last one; 0 if none.
    step: u32,
    /// The last step of the oldest program that can live with all of them.
    oldest: u32,
}

impl Made {
    async fn read(connection: &mut PgConnection) -> sqlx::Result<Self> {
        let steps = "SELECT COALESCE(max(step), 0)::bigint, COALESCE(max(oldest), 0)::bigint FROM tenancy.migrations";
        let row = sqlx::query(steps).fetch_one(connection).await?;
        let number = |number: i64| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Self {
            step: number(row.try_get(0)?),
            oldest: number(row.try_get(1)?),
        })
    }

    /// Whether this version can live with what a newer one has made.
    fn suits(&self) -> Result<(), SchemaError> {
        let known = known();
        if self.oldest > known {
            return Err(SchemaError::Newer {
                found: self.step,
                oldest: self.oldest,
                known,
            });
        }
        Ok(())
    }
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
