//! The outbox: what happened, handed to the host, at least once and in order.

use core::num::NonZeroU32;
use core::time::Duration;
use std::time::Instant;

use rusqlite::{Connection, OptionalExtension as _};
use tenancy::{LogEntry, OrganizationId, Version};
use uuid::Uuid;

use crate::commit::{End, in_transaction};
use crate::directory;
use crate::error::SqliteError;
use crate::repository::SqliteRepository;
use crate::rows::Cells;
use crate::schema::now_millis;
use crate::sql;

/// Nobody is made to wait longer than that, so that a clock that was set back holds nothing up for ever.
const LONGEST_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// Hands the commits of every organization to the host: to send mails, to tell other services, to feed a
/// search index. Made by [`SqliteRepository::outbox`].
///
/// - **At least once.** A commit is put into the outbox in its own transaction, and stays there until the
///   host has said that it is done. If the program ends in between, it is handed out again: make what you
///   do idempotent, [`LogEntry::id`] is the key to remember.
/// - **In order**, for each organization; a commit that fails holds up its organization, and no other.
/// - **Any number of workers**, threads or processes: an organization is one worker's at a time, for the
///   length of a lease. Should a worker take longer than that, it stops after the commit that it is at,
///   which another worker then delivers as well.
/// - **No lock is held** while the host works: others read and write meanwhile.
///
/// ```
/// # fn send(_: &tenancy::LogEntry) -> Result<(), std::io::Error> { Ok(()) }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let repository = tenancy_sqlite::SqliteRepository::open_in_memory()?;
/// use std::num::NonZeroU32;
///
/// // In a loop, with a pause whenever there was nothing to do:
/// let delivery = tenancy::block_on(repository.outbox().deliver(NonZeroU32::new(100).unwrap(), |entry| {
///     println!("{} did {}", entry.author, entry.command);
///     send(entry)
/// }))?;
/// for (commit, error) in &delivery.failed {
///     eprintln!("commit {} will be handed out again: {error}", commit.id);
/// }
/// # Ok(()) }
/// ```
///
/// Work that awaits, such as an HTTP request, takes a [`Batch`] with [`take`](Self::take) and gives it
/// back with [`settle`](Self::settle).
///
/// A host that wants no outbox just doesn't call it: there is one small row for each organization, and it
/// doesn't grow.
#[derive(Clone, Debug)]
#[must_use = "nothing is delivered until `deliver` or `take` is called"]
pub struct Outbox<'r> {
    repository: &'r SqliteRepository,
    lease: Duration,
    retry_after: Duration,
}

/// Some commits of one organization, to be delivered in order by one worker: what [`Outbox::take`] gives.
///
/// Dropped without [`settle`](Outbox::settle), it is handed out again when the lease is over.
#[derive(Debug)]
#[must_use = "without `settle` it is handed out again"]
pub struct Batch {
    organization: OrganizationId,
    worker: Uuid,
    entries: Vec<LogEntry>,
    until: Instant,
}

/// What [`Outbox::deliver`] did.
#[derive(Debug)]
#[must_use = "see which commits failed"]
pub struct Delivery<E> {
    /// How many commits were delivered.
    pub delivered: u32,
    /// The commits that the host's closure failed on, with its error. They, and what follows them in the
    /// same organization, will be handed out again.
    pub failed: Vec<(LogEntry, E)>,
}

impl<'r> Outbox<'r> {
    pub(crate) const fn new(repository: &'r SqliteRepository) -> Self {
        Self {
            repository,
            lease: Duration::from_secs(60),
            retry_after: Duration::from_secs(10),
        }
    }

    /// How long an organization is one worker's: 60 seconds by default, a day at most. Longer than the
    /// work on a batch takes.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(LONGEST_WAIT);
        self
    }

    /// After how long a commit that failed is handed out again: 10 seconds by default, a day at most.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause.min(LONGEST_WAIT);
        self
    }

    /// Hands up to `limit` commits to the host's closure, organization by organization, and remembers
    /// which were delivered.
    ///
    /// What one organization has in the batch is remembered in one go; if the program ends before, it is
    /// handed out again. `limit` 1 remembers each by itself.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; what was delivered may be handed out again. The closure's errors are
    /// in [`Delivery::failed`].
    pub async fn deliver<E>(
        &self,
        limit: NonZeroU32,
        mut hand_over: impl FnMut(&LogEntry) -> Result<(), E>,
    ) -> Result<Delivery<E>, SqliteError> {
        let mut delivery = Delivery {
            delivered: 0,
            failed: Vec::new(),
        };
        let mut left = Some(limit);
        while let Some(limit) = left {
            let Some(batch) = self.take(limit).await? else {
                break;
            };
            let mut delivered = 0_u32;
            let mut failed = None;
            for entry in batch.entries() {
                if delivered > 0 && batch.is_over() {
                    break; // somebody else may have it: no entry of ours after theirs
                }
                match hand_over(entry) {
                    Ok(()) => delivered = delivered.saturating_add(1),
                    Err(error) => {
                        failed = Some((entry.clone(), error));
                        break;
                    }
                }
            }
            self.settle(batch, delivered).await?;
            delivery.delivered = delivery.delivered.saturating_add(delivered);
            let tried = delivered.saturating_add(u32::from(failed.is_some()));
            delivery.failed.extend(failed);
            left = NonZeroU32::new(limit.get().saturating_sub(tried.max(1)));
        }
        Ok(delivery)
    }

    /// Takes the organization that has waited longest, with up to `limit` of its commits; `None` if there
    /// is nothing to deliver now. Until the lease is over nobody else gets it.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn take(&self, limit: NonZeroU32) -> Result<Option<Batch>, SqliteError> {
        let lease = self.lease;
        let connections = self.repository.connections();
        connections
            .write(&(), move |connection, ()| take(connection, lease, limit))
            .await
    }

    /// Gives a batch back, of which the first `delivered` commits were delivered. If that is not all of
    /// them, the rest is handed out again after [`retry_after`](Self::retry_after).
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; the batch is then handed out again.
    pub async fn settle(&self, batch: Batch, delivered: u32) -> Result<(), SqliteError> {
        let all =
            usize::try_from(delivered).is_ok_and(|delivered| delivered >= batch.entries.len());
        let pause = if all { 0 } else { millis(self.retry_after) };
        let last = usize::try_from(delivered)
            .ok()
            .and_then(|delivered| delivered.checked_sub(1))
            .and_then(|last| batch.entries.get(last))
            .or(if all { batch.entries.last() } else { None })
            .map(|entry| entry.version);
        let (organization, worker) = (batch.organization, batch.worker);
        let connections = self.repository.connections();
        connections
            .write(&(), move |connection, ()| {
                settle(connection, organization, worker, last, pause)
            })
            .await
    }
}

impl Batch {
    /// Whose commits these are.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// Whether the lease is over, so that another worker may have these commits by now. Look before each
    /// one: what isn't delivered yet is better left.
    #[must_use]
    pub fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    /// The commits, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }
}

fn take(
    connection: &Connection,
    lease: Duration,
    limit: NonZeroU32,
) -> Result<Option<Batch>, SqliteError> {
    let now = now_millis();
    let begun = Instant::now();
    if next(connection, now)?.is_none() && !heal_is_due(connection, now)? {
        return Ok(None); // the usual case takes no lock
    }
    in_transaction(connection, sql::BEGIN_WRITE, |connection| {
        let horizon = now.saturating_add(millis(LONGEST_WAIT));
        connection
            .prepare_cached(sql::OUTBOX_HEAL)?
            .execute((now, horizon))?;
        let Some((organization, first)) = next(connection, now)? else {
            return Ok((None, End::Commit));
        };
        let worker = Uuid::new_v4();
        connection.prepare_cached(sql::OUTBOX_TAKE)?.execute((
            organization.as_uuid().into_bytes(),
            now.saturating_add(millis(lease)),
            worker.into_bytes(),
        ))?;
        let before = Version::new(first.get().saturating_sub(1));
        let entries = directory::log(connection, organization, before, limit)?;
        let batch = Batch {
            organization,
            worker,
            entries,
            until: begun.checked_add(lease).unwrap_or(begun),
        };
        Ok((Some(batch), End::Commit))
    })
}

/// The organization that has waited longest, and its first commit that is not delivered.
fn next(
    connection: &Connection,
    now: i64,
) -> Result<Option<(OrganizationId, Version)>, SqliteError> {
    let mut statement = connection.prepare_cached(sql::OUTBOX_NEXT)?;
    let mut rows = statement.query([now])?;
    rows.next()?
        .map(|row| {
            let cells = Cells::of(row, "tenancy_outbox");
            let organization = cells.id(0, "organization_id", OrganizationId::from_uuid)?;
            Ok((organization, cells.version(1)?))
        })
        .transpose()
}

/// Whether somebody waits longer than anybody should.
fn heal_is_due(connection: &Connection, now: i64) -> Result<bool, SqliteError> {
    let horizon = now.saturating_add(millis(LONGEST_WAIT));
    let found = connection
        .prepare_cached(sql::OUTBOX_AHEAD)?
        .query_row([horizon], |_| Ok(()))
        .optional()?;
    Ok(found.is_some())
}

fn settle(
    connection: &Connection,
    organization: OrganizationId,
    worker: Uuid,
    last: Option<Version>,
    pause: i64,
) -> Result<(), SqliteError> {
    let id = organization.as_uuid().into_bytes();
    in_transaction(connection, sql::BEGIN_WRITE, |connection| {
        if let Some(last) = last {
            let first = i64::try_from(last.next().get()).unwrap_or(i64::MAX);
            connection
                .prepare_cached(sql::OUTBOX_SETTLE)?
                .execute((id, first))?;
        }
        connection.prepare_cached(sql::OUTBOX_RETURN)?.execute((
            id,
            now_millis().saturating_add(pause),
            worker.into_bytes(),
        ))?;
        connection
            .prepare_cached(sql::OUTBOX_REMOVE)?
            .execute([id])?;
        Ok(((), End::Commit))
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
