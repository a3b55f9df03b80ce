//! The outbox: every commit's events, handed to the host at least once and in order.

use core::future::Future;
use core::mem;
use std::sync::{Arc, Mutex, PoisonError};

use sqlx::pool::PoolConnection;
use sqlx::postgres::PgRow;
use sqlx::{Executor as _, PgConnection, PgPool, Postgres, Row as _};
use tenancy::{ConsistencyToken, LogEntry, OrganizationId, Version};
use uuid::Uuid;

use crate::reading;
use crate::repository::Error;
use crate::rows::DecodeError;
use crate::statements;

/// Delivers log entries to the host: mails to send, caches to drop, projections to write.
///
/// Every commit queues its entry in the same statement, so none is lost and none is delivered that didn't
/// happen. Each is delivered **at least once**: again if the worker dies between doing the work and saying
/// so; make what you do with it repeatable (the entry's [`id`](LogEntry::id) is the same each time). The
/// entries of one organization come **in order**, one at a time, however many workers there are; those of
/// different organizations side by side.
///
/// ```no_run
/// # async fn work(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
/// let outbox = tenancy_postgres::Outbox::new(pool);
/// loop {
///     outbox.drain(async |entry| {
///         println!("{} by {}", entry.command, entry.author);
///         Ok::<(), std::io::Error>(())
///     }).await?;
///     tokio::time::sleep(std::time::Duration::from_secs(1)).await;
/// }
/// # }
/// ```
///
/// A delivery that fails is tried again after 1, 2, 4 … seconds, an hour at most. Until it succeeds, the
/// later entries of that organization wait, and other organizations don't.
///
/// While the host's closure runs, the worker holds a connection and a transaction on one row of
/// `tenancy.outbox`: give workers a pool of their own, and the closure a time limit. Dropping the future is
/// safe: the connection is closed, not given back, and the entry will be delivered again.
///
/// A host that needs no outbox needs no worker: the queue grows by a small row a commit, a fraction of the
/// log's, and may be emptied (`TRUNCATE tenancy.outbox`) at any time.
#[derive(Clone, Debug)]
pub struct Outbox {
    pool: PgPool,
    /// From which organization on to look next, so that every one gets its turn.
    next: Arc<Mutex<Uuid>>,
}

/// Why an entry was not delivered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeliveryError<E> {
    /// The host's closure failed. The entry will be delivered again, later.
    #[error("the handler failed")]
    Handler(#[source] E),
    /// The store failed. If that was after the closure succeeded, the entry will be delivered again.
    #[error(transparent)]
    Store(#[from] Error),
}

/// How a round of deliveries went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// How many entries were delivered.
    pub delivered: u64,
    /// How many deliveries failed, to be tried again later.
    pub failed: u64,
}

const TAKE: &str = include_str!("../sql/take.sql");
const DONE: &str = "DELETE FROM tenancy.outbox WHERE organization_id = $1 AND version = $2";
const LATER: &str = "UPDATE tenancy.outbox
    SET attempts = attempts + 1,
        due_at = clock_timestamp() + least(power(2, least(attempts, 20)), 3600) * interval '1 second'
    WHERE organization_id = $1 AND version = $2";

impl Outbox {
    /// The outbox of the organizations in this database.
    #[must_use]
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            next: Arc::default(),
        }
    }

    /// Delivers one entry, the oldest of some organization; `None` if none is due that nobody else is
    /// delivering.
    ///
    /// # Errors
    ///
    /// - [`DeliveryError::Handler`]: the closure failed; the entry is due again later.
    /// - [`DeliveryError::Store`]: the store failed.
    pub async fn deliver<F, Fut, E>(
        &self,
        handler: F,
    ) -> Result<Option<ConsistencyToken>, DeliveryError<E>>
    where
        F: FnOnce(LogEntry) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        let mut held = Held::begin(&self.pool).await.map_err(Error::from)?;
        let Some(row) = self.take(held.connection()).await? else {
            held.commit().await.map_err(Error::from)?;
            return Ok(None);
        };
        let (token, entry) = read(&row)?;
        let result = handler(entry).await;
        let statement = if result.is_ok() { DONE } else { LATER };
        sqlx::query(statement)
            .bind(token.organization.as_uuid())
            .bind(statements::bigint(token.version))
            .execute(held.connection())
            .await
            .map_err(Error::from)?;
        held.commit().await.map_err(Error::from)?;
        result.map_err(DeliveryError::Handler)?;
        Ok(Some(token))
    }

    /// Delivers whatever is due, until nothing is. A failed delivery doesn't stop it: let the closure log why.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn drain<F, Fut, E>(&self, mut handler: F) -> Result<Drained, Error>
    where
        F: FnMut(LogEntry) -> Fut,
        Fut: Future<Output = Result<(), E>>,
    {
        let mut drained = Drained::default();
        loop {
            match self.deliver(&mut handler).await {
                Ok(None) => return Ok(drained),
                Ok(Some(_)) => drained.delivered = drained.delivered.saturating_add(1),
                Err(DeliveryError::Handler(_)) => drained.failed = drained.failed.saturating_add(1),
                Err(DeliveryError::Store(error)) => return Err(error),
            }
        }
    }

    /// How many entries wait, due or not.
    ///
    /// # Errors
    ///
    /// The store's.
    pub async fn waiting(&self) -> Result<u64, Error> {
        let statement = || sqlx::query("SELECT count(*) FROM tenancy.outbox");
        let row = reading::optional(&self.pool, statement).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        let count: i64 = row.try_get(0)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Locks an entry, from where the last one was taken on and then from the start.
    async fn take(&self, connection: &mut PgConnection) -> Result<Option<PgRow>, Error> {
        let next = *self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = take_from(connection, next).await?;
        if taken.is_none() && !next.is_nil() {
            taken = take_from(connection, Uuid::nil()).await?;
        }
        if let Some(row) = &taken {
            let organization: Uuid = row.try_get(0)?;
            let after = Uuid::from_u128(organization.as_u128().wrapping_add(1));
            *self.next.lock().unwrap_or_else(PoisonError::into_inner) = after;
        }
        Ok(taken)
    }
}

async fn take_from(connection: &mut PgConnection, from: Uuid) -> sqlx::Result<Option<PgRow>> {
    sqlx::query(TAKE)
        .bind(from)
        .fetch_optional(connection)
        .await
}

fn read(row: &PgRow) -> Result<(ConsistencyToken, LogEntry), Error> {
    let entry: Option<&str> = row.try_get(2).map_err(Error::Database)?;
    let entry = statements::log_entry(entry.unwrap_or_default()).map_err(|error| match error {
        DecodeError::Row { source, .. } => DecodeError::Row {
            of: "an outbox entry's commit, or its absence,",
            source,
        },
        error @ DecodeError::Code { .. } => error,
    })?;
    let token = ConsistencyToken {
        organization: OrganizationId::from_uuid(row.try_get(0)?),
        version: Version::new(u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0)),
    };
    Ok((token, entry))
}

/// A connection in a transaction of ours, which goes back to its pool only once the transaction has ended.
/// Dropped before, it is closed, and the server rolls back.
///
/// Not sqlx's `Transaction`: in 0.9, a `begin` that is dropped half-way gives the connection back with the
/// transaction open (sqlx#4385).
pub(crate) struct Held {
    connection: PoolConnection<Postgres>,
    open: bool,
}

impl Held {
    /// Begins a transaction, READ COMMITTED whatever the default: it waits for locks, and must see what was
    /// committed meanwhile.
    pub(crate) async fn begin(pool: &PgPool) -> sqlx::Result<Self> {
        let connection = pool.acquire().await?;
        let mut held = Self {
            connection,
            open: true,
        };
        held.connection
            .execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            .await?;
        Ok(held)
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        self.connection.execute("COMMIT").await?;
        self.open = false;
        Ok(())
    }

    pub(crate) async fn roll_back(mut self) -> sqlx::Result<()> {
        self.connection.execute("ROLLBACK").await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if mem::take(&mut self.open) {
            self.connection.close_on_drop();
        }
    }
}
