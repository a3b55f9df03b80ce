//! The store, on sqlx.

use core::num::NonZeroU32;

use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection, PgPool, Postgres, Row as _, Transaction};
use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};
use uuid::Uuid;

use crate::begun::Begun;
use crate::error::{Error, VerifyError};
use crate::migrate::{self, SchemaError};
use crate::movable;
use crate::outbox::Outbox;
use crate::retry;
use crate::rows::{Rows, WrittenRows};
use crate::runtime::in_its_runtime;
use crate::statements::{self, CommitAnswer, ListedRow, StandingRow, StoredRow};

/// Organizations in PostgreSQL, on a host's pool.
///
/// Each method is one statement outside any transaction: it takes a connection, sends, reads, and gives the
/// connection back. Dropping its future at any moment leaves no transaction open. Reads that the server
/// gives up for another transaction (at SERIALIZABLE, or on a replica) are made again, commits are not. A
/// clone is another handle on the same pool.
///
/// ```no_run
/// use sqlx::postgres::PgPoolOptions;
/// use tenancy_postgres::PostgresRepository;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = PgPoolOptions::new()
///     .test_before_acquire(false) // a ping before each statement would double a check's round trips
///     .connect("postgres://localhost/app")
///     .await?;
/// tenancy_postgres::migrate(&pool).await?;
/// let repository = PostgresRepository::new(pool);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresRepository {
    pool: PgPool,
    form: Form,
    rows: Option<Rows>,
}

/// How a commit is sent.
#[derive(Clone, Copy, Debug)]
enum Form {
    OneStatement,
    Steps,
}

impl PostgresRepository {
    /// The store behind a pool. [`migrate`](crate::migrate()) makes its tables; call
    /// [`check_schema`](Self::check_schema) at start if something else makes them.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self {
            pool,
            form: Form::OneStatement,
            rows: None,
        }
    }

    /// The same for an engine that refuses to write a table twice in one statement, as `CockroachDB` does: each
    /// commit is a transaction of a few [steps](statements::commit_in_steps). PostgreSQL doesn't need this.
    #[must_use]
    pub const fn in_steps(pool: PgPool) -> Self {
        Self {
            pool,
            form: Form::Steps,
            rows: None,
        }
    }

    /// The same, with rows of the host's own in the transaction of each commit: written together with the organization,
    /// or neither is, whoever makes the commit (a router, the console, a job). For the rows of one command that one
    /// route sends, [`Tenancy::execute_with`](tenancy::Tenancy::execute_with) is enough.
    ///
    /// `write` is called after the commit's statement, with the connection and the commit: its
    /// [events](tenancy::LogEntry::events) say what happened. An error undoes the commit too, and comes back as
    /// [`Error::Rows`]; if it is an [`sqlx::Error`] by which the server gave the transaction up for another, the command is
    /// decided again. It is called once for each attempt, so let it do nothing but write to this connection. The
    /// organization is locked meanwhile: be short. The transaction is the store's: don't end it, and for a savepoint
    /// send the SQL, as sqlx doesn't know that one is open.
    ///
    /// A commit is then a transaction of three round trips and what `write` takes, instead of one statement. Every
    /// process that commits must have the same. What [`apply`] writes, and what moves from another database
    /// ([`Movable`](tenancy::store::Movable)), comes without.
    ///
    /// ```no_run
    /// use tenancy::Event;
    /// use tenancy_postgres::PostgresRepository;
    ///
    /// # fn store(pool: sqlx::PgPool) -> PostgresRepository {
    /// PostgresRepository::new(pool).with_rows(|connection, commit| Box::pin(async move {
    ///     let created = |event: &Event| matches!(event, Event::OrganizationCreated { .. });
    ///     if commit.entry.events.iter().any(created) {
    ///         sqlx::query("INSERT INTO subscriptions (organization, plan) VALUES ($1, 'free')")
    ///             .bind(commit.organization().as_uuid())
    ///             .execute(connection)
    ///             .await?;
    ///     }
    ///     Ok(())
    /// }))
    /// # }
    /// ```
    #[must_use]
    pub fn with_rows<W>(mut self, write: W) -> Self
    where
        W: for<'t> Fn(&'t mut PgConnection, &'t Commit) -> WrittenRows<'t> + Send + Sync + 'static,
    {
        self.rows = Some(Rows::new(write));
        self
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The outbox: every commit's log entry, to be delivered to the host.
    pub const fn outbox(&self) -> Outbox<'_> {
        Outbox::new(&self.pool)
    }

    /// Checks at start that the tables are those of this version. Call it where [`migrate`](crate::migrate()) is
    /// run by somebody else, so that a forgotten migration stops the service and not its first request.
    ///
    /// ```no_run
    /// # use tenancy_postgres::{PostgresRepository, SchemaError};
    /// # async fn check(repository: PostgresRepository) -> Result<(), SchemaError> {
    /// repository.check_schema().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SchemaError::Missing`], [`SchemaError::Older`], [`SchemaError::Newer`]: as they say.
    /// - [`SchemaError::Altered`]: a table, a column, a key, an index or a view is missing, or is not as this version
    ///   defines it: unlogged, with row level security, with another default, deferrable.
    /// - [`SchemaError::Foreign`]: something is there that no step makes and that changes what a commit does: a trigger,
    ///   a rule, a foreign key, a check, a unique index, a column that must be filled.
    /// - [`SchemaError::Refused`]: the server can't prepare a statement that this store sends for a check, a load
    ///   or a commit.
    /// - [`SchemaError::Encoding`]: the database is not UTF-8.
    /// - [`SchemaError::Database`]: the question failed.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        match self.form {
            Form::OneStatement => migrate::check(&self.pool, &statements::texts()).await,
            Form::Steps => migrate::check(&self.pool, &statements::texts_in_steps()).await,
        }
    }

    /// Checks that an organization is what its log makes of it, that it breaks no invariant of the rulebook, that
    /// each record is found by what it says, and that the organization holds the claims that it should. One that
    /// doesn't exist is in order. See [`Stored::verify`](tenancy::store::Stored::verify).
    ///
    /// It reads the whole organization and its history in one statement, and takes time and memory in
    /// proportion: for tests, for a job at night, and before a restored backup goes into use.
    ///
    /// ```no_run
    /// # use tenancy_postgres::{PostgresRepository, VerifyError};
    /// # async fn check(repository: PostgresRepository) -> Result<(), VerifyError> {
    /// repository.verify(tenancy::OrganizationId::new()).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`VerifyError::Drift`]: something other than this library has written the tables.
    /// - [`VerifyError::Store`]: the statement failed, or a row can't be read.
    pub async fn verify(&self, organization: OrganizationId) -> Result<(), VerifyError> {
        let rows = retry::all(&self.pool, &statements::everything(organization)).await;
        let rows = rows.map_err(Error::from)?;
        let rows: Result<Vec<_>, sqlx::Error> = rows.iter().map(stored_row).collect();
        let stored = statements::stored(organization, rows.map_err(Error::from)?);
        Ok(stored.map_err(Error::from)?.verify()?)
    }

    async fn commit_in_transaction(
        &self,
        commit: &Commit,
        rows: Option<&Rows>,
    ) -> Result<Outcome, Error> {
        let mut begun = Begun::begin(&self.pool).await?;
        let outcome = match self.form {
            Form::OneStatement => send(begun.connection(), commit).await?,
            Form::Steps => send_in_steps(begun.connection(), commit).await?,
        };
        if outcome != Outcome::Committed {
            begun.roll_back().await?;
            return Ok(outcome);
        }
        if let Some(rows) = rows
            && let Err(source) = rows.write(begun.connection(), commit).await
        {
            // Never committed: if the way to the server is gone, it rolls back by itself.
            let _ = begun.roll_back().await;
            return match source.downcast_ref() {
                Some(error) if retry::is_given_up(error) => Ok(Outcome::Conflict),
                _ => Err(Error::Rows(source)),
            };
        }
        match begun.commit().await {
            Ok(()) => Ok(Outcome::Committed),
            Err(error) => refused(commit, &error).ok_or_else(|| error.into()),
        }
    }
}

impl Repository for PostgresRepository {
    type Error = Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Error> {
        let rows = retry::all(&self.pool, &statements::load(organization, keys)).await?;
        let texts: Result<Vec<(&str, Option<&str>)>, sqlx::Error> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect();
        Ok(statements::facts(texts?)?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        match (self.form, &self.rows) {
            (Form::OneStatement, None) => in_its_runtime(send(&self.pool, commit)).await,
            (_, rows) => in_its_runtime(self.commit_in_transaction(commit, rows.as_ref())).await,
        }
    }

    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Held>, Error> {
        let row = retry::optional(&self.pool, &statements::standing(user, resource)).await?;
        let Some(row) = row else { return Ok(None) };
        let row = StandingRow {
            version: row.try_get(0)?,
            status: row.try_get(1)?,
            organization_role: row.try_get(2)?,
            organization_counts_until: row.try_get(3)?,
            workspace: row.try_get(4)?,
            workspace_role: row.try_get(5)?,
            workspace_counts_until: row.try_get(6)?,
            domain: row.try_get(7)?,
            kind: row.try_get(8)?,
            organization_own_role: row.try_get(9)?,
            workspace_own_role: row.try_get(10)?,
            summary: row.try_get(11)?,
        };
        Ok(Some(row.held()?))
    }

    /// The database only reads, the pool had no connection to give, or a constraint is in the way. That can only be a
    /// host's own, such as a foreign key to a table of ours: the commit is undone.
    fn wrote_nothing(&self, error: &Error) -> bool {
        use sqlx::Error::{PoolClosed, PoolTimedOut};
        match error {
            Error::ReadOnly(_) | Error::Rows(_) | Error::Database(PoolClosed | PoolTimedOut) => {
                true
            }
            Error::Database(error) => error
                .as_database_error()
                .and_then(sqlx::error::DatabaseError::code)
                // A constraint, or an error before it that the host's rows kept quiet (25P02): undone.
                .is_some_and(|code| code.starts_with("23") || code == "25P02"),
            Error::Decode(_) => false,
        }
    }
}

impl Directory for PostgresRepository {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
        let rows = retry::all(&self.pool, &statements::list(list, limit)).await?;
        let items = rows.iter().filter_map(|row| {
            let row = listed_row(row);
            // What stands in the place of a closed organization's next entry is none.
            match row {
                Ok(row) if movable::is_closed(row.first) => None,
                row => Some(
                    row.map_err(Error::from)
                        .and_then(|row| Ok(statements::item(list, row)?)),
                ),
            }
        });
        items.collect()
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
        let row = retry::optional(&self.pool, &statements::claimed_by(claim)).await?;
        let id: Option<Uuid> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(id.map(OrganizationId::from_uuid))
    }
}

/// Applies a commit inside a transaction of the host's, so that its own rows and the organization change
/// together or not at all. See [`Tenancy::prepare`](tenancy::Tenancy::prepare).
///
/// Commit the transaction after [`Outcome::Committed`] and roll it back after anything else: a lost race
/// may have aborted it already. Make it the last statement before the commit, because it locks the
/// organization's row until then. Every isolation level will do.
///
/// It takes a transaction and not a connection, so that nobody applies a commit beside the rows that it
/// belongs to by mistake. (Dropping the future of sqlx 0.9's `Pool::begin` half-way may give a connection
/// with an open transaction back to the pool: sqlx#4385. Don't `select!` over a `begin`.)
///
/// # Errors
///
/// - [`Error::ReadOnly`]: the database only reads; roll back.
/// - [`Error::Database`]: the statement failed; roll back. Nothing is applied unless the transaction
///   commits, so the outcome is known: not applied.
/// - [`Error::Decode`]: the answer can't be read; roll back.
pub async fn apply(
    transaction: &mut Transaction<'_, Postgres>,
    commit: &Commit,
) -> Result<Outcome, Error> {
    send(&mut **transaction, commit).await
}

/// As [`apply`], in [steps](statements::commit_in_steps).
///
/// # Errors
///
/// As [`apply`].
pub async fn apply_in_steps(
    transaction: &mut Transaction<'_, Postgres>,
    commit: &Commit,
) -> Result<Outcome, Error> {
    send_in_steps(transaction, commit).await
}

/// Sends a commit, once.
async fn send<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    commit: &Commit,
) -> Result<Outcome, Error> {
    let query = retry::query(&statements::commit(commit))?;
    match query.fetch_one(executor).await {
        Ok(row) => {
            let answer = CommitAnswer {
                committed: row.try_get(0)?,
                seen: row.try_get(1)?,
                taken: row.try_get(2)?,
            };
            Ok(statements::outcome(commit, &answer)?)
        }
        Err(error) => refused(commit, &error).ok_or_else(|| error.into()),
    }
}

/// Sends a commit's steps. After anything but `Committed` the transaction must be rolled back.
async fn send_in_steps(connection: &mut PgConnection, commit: &Commit) -> Result<Outcome, Error> {
    let steps = statements::commit_in_steps(commit);
    let turn = retry::query(&steps.turn)?;
    match turn.fetch_optional(&mut *connection).await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Outcome::Conflict),
        Err(error) => return refused(commit, &error).ok_or_else(|| error.into()),
    }
    for step in &steps.rest {
        let done = retry::query(step)?.fetch_one(&mut *connection).await;
        if let Err(error) = done {
            return refused(commit, &error).ok_or_else(|| error.into());
        }
    }
    Ok(Outcome::Committed)
}

/// What the server's error says for certain.
fn refused(commit: &Commit, error: &sqlx::Error) -> Option<Outcome> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    statements::refused(commit, error.code(), error.constraint(), error.detail())
}

fn listed_row(row: &PgRow) -> sqlx::Result<ListedRow<'_>> {
    Ok(ListedRow {
        first: row.try_get(0)?,
        second: row.try_get(1)?,
        place: row.try_get(2)?,
    })
}

fn stored_row(row: &PgRow) -> sqlx::Result<StoredRow<'_>> {
    Ok(StoredRow {
        table: row.try_get(0)?,
        filed: row.try_get(1)?,
        record: row.try_get(2)?,
    })
}
