//! The outbox: every commit's log entry, handed to the host at least once and in order.

use core::fmt::Display;
use core::future::Future;
use core::num::NonZeroU32;
use core::time::Duration;

use sqlx::{PgPool, Row as _};
use tenancy::{LogEntry, OrganizationId, Version};
use uuid::Uuid;

use crate::error::Error;
use crate::retry;
use crate::statements::{Parameter, Statement, bigint, read};

mod parked;
mod watch;

pub use parked::Parked;
pub use watch::{Depth, Failing};

/// Nobody is made to wait longer than that after a failure.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// A lease is no longer than that.
const LONGEST_LEASE: Duration = Duration::from_hours(24);

/// How much of an error's text is kept, in characters.
const KEPT: usize = 500;

/// What is kept of a reason or an error: PostgreSQL has no text with a NUL in it.
fn kept(why: &str) -> String {
    why.chars().filter(|c| *c != '\0').take(KEPT).collect()
}

/// Hands the log entries of every organization to the host: to send mails, to drop caches, to write projections.
/// Made by [`PostgresRepository::outbox`](crate::PostgresRepository::outbox).
///
/// - **At least once.** A commit is queued in its own statement, and stays queued until the host has said that it is
///   done. If the program ends in between, it is handed out again: make what you do repeatable
///   ([`LogEntry::id`] is the same each time).
/// - **In order**, for each organization. An entry that fails is tried again, each time after twice the pause; until
///   then it holds up its organization, and no other.
/// - **Any number of workers**: an organization is one worker's at a time, for the length of a lease. A worker that
///   takes longer may lose it to another one; before each entry it asks the database whether it still has it. Both
///   ends of a lease are read from the database's clock.
/// - **Nothing is held** while the host works: no lock, no transaction, no connection.
/// - An entry that can't be read (written by a newer version, or by hand) holds up nothing: it is
///   [parked](Self::parked).
///
/// ```no_run
/// use std::num::NonZeroU32;
///
/// # async fn work(repository: tenancy_postgres::PostgresRepository) -> Result<(), Box<dyn std::error::Error>> {
/// let hundred = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
/// loop {
///     let delivery = repository.outbox().deliver(hundred, async |entry| {
///         println!("{} by {}", entry.command, entry.author);
///         Ok::<(), std::io::Error>(())
///     }).await?;
///     for (entry, error) in &delivery.failed {
///         eprintln!("{} of {} will be handed out again: {error}", entry.version, entry.organization);
///     }
///     if delivery.delivered == 0 {
///         tokio::time::sleep(std::time::Duration::from_secs(1)).await;
///     }
/// }
/// # }
/// ```
///
/// A host that wants no outbox just doesn't call it: there is one small row for each organization.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is delivered until `deliver` or `take` is called"]
pub struct Outbox<'r> {
    pool: &'r PgPool,
    lease: Duration,
    retry_after: Duration,
}

/// Some log entries of one organization, to be delivered in order by one worker: what [`Outbox::take`] gives.
///
/// Dropped without [`settle`](Outbox::settle), it is handed out again when the lease is over.
#[derive(Debug)]
#[must_use = "without `settle` it is handed out again"]
pub struct Batch {
    organization: OrganizationId,
    /// 0: a part of the organization's log; else a released entry's version.
    alone: i64,
    worker: Uuid,
    entries: Vec<LogEntry>,
    /// The version after what is delivered once all of it is.
    next: i64,
    parked: u32,
    attempts: u32,
}

/// What [`Outbox::deliver`] did.
#[derive(Debug)]
#[must_use = "see which entries failed"]
pub struct Delivery<E> {
    /// How many entries were delivered.
    pub delivered: u32,
    /// The entries on which the host's closure failed, with its error. They, and what follows them in the same
    /// organization, will be handed out again.
    pub failed: Vec<(LogEntry, E)>,
    /// How many entries couldn't be read, and were [parked](Outbox::parked).
    pub parked: u32,
}

/// `$1` lease in milliseconds. One index look-up, however many organizations wait: the row is found in the order of the
/// index, and then by its key.
pub(crate) const TAKE: &str = "\
WITH due AS MATERIALIZED (
    SELECT t.organization_id, t.alone FROM tenancy.outbox t
    WHERE t.due_at <= statement_timestamp() AND t.due_at < 'infinity'
    ORDER BY t.due_at, t.organization_id, t.alone LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE tenancy.outbox o
SET worker = gen_random_uuid(), attempts = o.attempts + 1,
    due_at = statement_timestamp() + $1::bigint * interval '1 millisecond'
WHERE (o.organization_id, o.alone) = (SELECT due.organization_id, due.alone FROM due)
RETURNING o.organization_id, o.alone, o.version, o.last, o.worker, o.attempts::bigint";

/// `$1` organization, `$2` first version, `$3` last version. A parked entry is null.
const ENTRIES: &str = "\
SELECT c.version, CASE WHEN EXISTS (
           SELECT FROM tenancy.parked_entries p WHERE p.organization_id = $1 AND p.version = c.version
       ) THEN NULL ELSE c.entry::text END
FROM tenancy.commits c
WHERE c.organization_id = $1::uuid AND c.version >= $2::bigint AND c.version <= $3::bigint
ORDER BY c.version";

/// `$1` organization, `$2` version of a released entry.
const RELEASED_ENTRY: &str = "\
SELECT c.version, c.entry::text FROM tenancy.commits c
WHERE c.organization_id = $1::uuid AND c.version = $2::bigint";

/// `$1` organization, `$2` alone, `$3` worker, `$4` next version, `$5` lease in milliseconds. What was delivered is
/// remembered, and the lease begins anew; no row if another worker has it.
const ADVANCE: &str = "\
UPDATE tenancy.outbox o
SET version = $4::bigint, attempts = 1, error = NULL,
    due_at = statement_timestamp() + $5::bigint * interval '1 millisecond'
WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
RETURNING o.version";

/// `$1` organization, `$2` alone, `$3` worker, `$4` next version, `$5` pause in milliseconds if not all was delivered.
const GIVE_BACK: &str = "\
UPDATE tenancy.outbox o
SET version = $4::bigint, worker = NULL, error = NULL,
    attempts = CASE o.version WHEN $4 THEN o.attempts ELSE 0 END,
    due_at = CASE WHEN o.last < $4 THEN 'infinity'
                  ELSE statement_timestamp() + $5::bigint * interval '1 millisecond' END
WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
RETURNING o.version";

/// `$1` organization, `$2` alone, `$3` worker, `$4` next version, `$5` error, `$6` first pause and `$7` longest pause
/// in milliseconds.
const FAIL: &str = "\
UPDATE tenancy.outbox o
SET version = $4::bigint, worker = NULL, error = $5::text,
    attempts = CASE o.version WHEN $4 THEN o.attempts ELSE 1 END,
    due_at = statement_timestamp() + interval '1 millisecond' * least($7::bigint::float8, $6::bigint::float8
        * power(2, CASE o.version WHEN $4 THEN least(o.attempts, 32) - 1 ELSE 0 END))
WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
RETURNING o.version";

/// `$1` organization, `$2` alone, `$3` worker. A released entry was delivered: it isn't parked any more.
const DELIVERED_ALONE: &str = "\
WITH done AS (
    DELETE FROM tenancy.outbox o
    WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
    RETURNING o.alone
),
unparked AS (
    DELETE FROM tenancy.parked_entries p USING done
    WHERE p.organization_id = $1 AND p.version = done.alone
)
SELECT alone FROM done";

/// `$1` organization, `$2` alone, `$3` worker, `$4` error. A released entry failed: it is parked again, for that
/// reason.
const PARKED_AGAIN: &str = "\
WITH back AS (
    DELETE FROM tenancy.outbox o
    WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
    RETURNING o.alone
),
parked AS (
    UPDATE tenancy.parked_entries p SET why = $4::text, parked_at = statement_timestamp() FROM back
    WHERE p.organization_id = $1 AND p.version = back.alone
)
SELECT alone FROM back";

/// `$1` organization, `$2` alone, `$3` worker.
const HOLDS: &str = "\
SELECT o.version FROM tenancy.outbox o
WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint AND o.worker = $3::uuid
  AND o.due_at > statement_timestamp()";

impl<'r> Outbox<'r> {
    pub(crate) const fn new(pool: &'r PgPool) -> Self {
        Self {
            pool,
            lease: Duration::from_mins(1),
            retry_after: Duration::from_secs(10),
        }
    }

    /// How long an organization is one worker's: 60 seconds by default, a day at most. Longer than the
    /// work on one entry takes ([`deliver`](Self::deliver)), or on a batch ([`take`](Self::take)).
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(LONGEST_LEASE);
        self
    }

    /// After how long an entry that failed is handed out again: 10 seconds by default, twice as long after each
    /// further failure, an hour at most.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause.min(LONGEST_PAUSE);
        self
    }

    /// Hands up to `limit` entries to the host's closure, organization by organization, and remembers after each
    /// that it was delivered.
    ///
    /// Dropping the future is safe: what was being delivered is handed out again when the lease is over.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; what was delivered last may be handed out again. The closure's errors are
    /// in [`Delivery::failed`], and the text of the last one of each organization in [`failing`](Self::failing).
    pub async fn deliver<F, Fut, E>(
        self,
        limit: NonZeroU32,
        mut hand_over: F,
    ) -> Result<Delivery<E>, Error>
    where
        F: FnMut(LogEntry) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Display,
    {
        let mut delivery = Delivery {
            delivered: 0,
            failed: Vec::new(),
            parked: 0,
        };
        let mut left = Some(limit);
        while let Some(limit) = left {
            let Some(batch) = self.take(limit).await? else {
                break;
            };
            delivery.parked = delivery.parked.saturating_add(batch.parked);
            let (delivered, failed) = self.deliver_batch(batch, &mut hand_over).await?;
            delivery.delivered = delivery.delivered.saturating_add(delivered);
            let tried = delivered.saturating_add(u32::from(failed.is_some()));
            delivery.failed.extend(failed);
            left = NonZeroU32::new(limit.get().saturating_sub(tried));
        }
        Ok(delivery)
    }

    /// How many entries of a batch were delivered, and the one that wasn't.
    async fn deliver_batch<F, Fut, E>(
        self,
        batch: Batch,
        hand_over: &mut F,
    ) -> Result<(u32, Option<(LogEntry, E)>), Error>
    where
        F: FnMut(LogEntry) -> Fut,
        Fut: Future<Output = Result<(), E>>,
        E: Display,
    {
        let mut delivered = 0_u32;
        for entry in batch.entries.iter().cloned() {
            // After the first, the database says whether this worker still has it: no entry of ours after theirs.
            if delivered > 0 && !self.advance(&batch, delivered).await? {
                return Ok((delivered, None));
            }
            match hand_over(entry.clone()).await {
                Ok(()) => delivered = delivered.saturating_add(1),
                Err(error) => {
                    let said = error.to_string();
                    self.settle(batch, delivered, Some(&said)).await?;
                    return Ok((delivered, Some((entry, error))));
                }
            }
        }
        self.settle(batch, delivered, None).await?;
        Ok((delivered, None))
    }

    /// Takes the organization that has waited longest, with up to `limit` of its entries; `None` if nothing is due
    /// that nobody else has. Until the lease is over nobody else gets it.
    ///
    /// Entries that can't be read are parked; a batch may have none left. Settle it nevertheless.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn take(self, limit: NonZeroU32) -> Result<Option<Batch>, Error> {
        let take = Statement {
            text: TAKE,
            parameters: vec![millis(self.lease)],
        };
        let Some(row) = retry::optional(self.pool, &take).await? else {
            return Ok(None);
        };
        let (id, alone): (Uuid, i64) = (row.try_get(0)?, row.try_get(1)?);
        let (first, newest): (i64, i64) = (row.try_get(2)?, row.try_get(3)?);
        let attempts: i64 = row.try_get(5)?;
        let last = newest.min(
            first
                .saturating_add(i64::from(limit.get()))
                .saturating_sub(1),
        );
        let mut batch = Batch {
            organization: OrganizationId::from_uuid(id),
            alone,
            worker: row.try_get(4)?,
            entries: Vec::new(),
            next: last.saturating_add(1),
            parked: 0,
            attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
        };
        self.fill(&mut batch, first, last).await?;
        Ok(Some(batch))
    }

    /// Reads a batch's entries, in a statement of its own: the one that took the organization may have begun before
    /// the last of them was committed.
    async fn fill(self, batch: &mut Batch, first: i64, last: i64) -> Result<(), Error> {
        let mut entries = Statement {
            text: ENTRIES,
            parameters: vec![batch.id(), Parameter::Number(first)],
        };
        if batch.alone == 0 {
            entries.parameters.push(Parameter::Number(last));
        } else {
            entries.text = RELEASED_ENTRY;
        }
        let mut expected = first;
        for row in retry::all(self.pool, &entries).await? {
            let version: i64 = row.try_get(0)?;
            while expected < version {
                self.lay_aside(batch, expected, ABSENT).await?;
                expected = expected.saturating_add(1);
            }
            expected = version.saturating_add(1);
            let Some(text) = row.try_get(1)? else {
                continue; // parked before
            };
            match read("commits", "entry", None, text) {
                Ok(entry) => batch.entries.push(entry),
                Err(error) => self.lay_aside(batch, version, &causes(&error)).await?,
            }
        }
        while expected <= last {
            self.lay_aside(batch, expected, ABSENT).await?;
            expected = expected.saturating_add(1);
        }
        Ok(())
    }

    /// Whether a batch is still this worker's. Ask before each entry but the first: once another worker may have the
    /// organization, what isn't delivered yet is better left.
    ///
    /// The answer comes from the database, by the clock by which others take it.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn holds(self, batch: &Batch) -> Result<bool, Error> {
        self.mark(HOLDS, batch, []).await
    }

    /// Gives a batch back, of which the first `delivered` entries were delivered, and says whether it was still this
    /// worker's; if another has taken it since, nothing changes.
    ///
    /// If not all were delivered, the rest is handed out again: after [`retry_after`](Self::retry_after), or, with an
    /// `error`, after a pause that doubles with each failure. The error's first 500 characters are kept for
    /// [`failing`](Self::failing). An entry that was [released](Self::release) and fails is parked again, for that
    /// reason.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; the batch is then handed out again.
    pub async fn settle(
        self,
        batch: Batch,
        delivered: u32,
        error: Option<&str>,
    ) -> Result<bool, Error> {
        let next = batch.after(delivered);
        let all = next == batch.next;
        if all && batch.alone != 0 {
            return self.mark(DELIVERED_ALONE, &batch, []).await;
        }
        let next = Parameter::Number(next);
        match error {
            Some(error) if !all => {
                let error = Parameter::Text(kept(error));
                if batch.alone != 0 {
                    return self.mark(PARKED_AGAIN, &batch, [error]).await;
                }
                let (first, longest) = (millis(self.retry_after), millis(LONGEST_PAUSE));
                self.mark(FAIL, &batch, [next, error, first, longest]).await
            }
            _ => {
                let pause = if all {
                    Duration::ZERO
                } else {
                    self.retry_after
                };
                self.mark(GIVE_BACK, &batch, [next, millis(pause)]).await
            }
        }
    }

    /// Remembers that the first entries of a batch were delivered, and makes the lease begin anew; false if another
    /// worker has it.
    async fn advance(self, batch: &Batch, delivered: u32) -> Result<bool, Error> {
        let next = Parameter::Number(batch.after(delivered));
        self.mark(ADVANCE, batch, [next, millis(self.lease)]).await
    }

    /// Sends a statement on a batch's row, and says whether it is still this worker's.
    async fn mark<const N: usize>(
        self,
        text: &'static str,
        batch: &Batch,
        parameters: [Parameter; N],
    ) -> Result<bool, Error> {
        let of = [
            batch.id(),
            Parameter::Number(batch.alone),
            Parameter::Uuid(Some(batch.worker)),
        ];
        let mark = Statement {
            text,
            parameters: of.into_iter().chain(parameters).collect(),
        };
        Ok(retry::optional(self.pool, &mark).await?.is_some())
    }
}

const ABSENT: &str = "the log has no entry of this version";

impl Batch {
    /// Whose entries these are.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.organization
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// How often its first entry was taken, this time included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many entries couldn't be read when it was taken, and were parked.
    #[must_use]
    pub const fn parked(&self) -> u32 {
        self.parked
    }

    fn id(&self) -> Parameter {
        Parameter::Uuid(Some(self.organization.as_uuid()))
    }

    /// The first version that isn't delivered once the first entries are.
    fn after(&self, delivered: u32) -> i64 {
        let undelivered = usize::try_from(delivered)
            .ok()
            .and_then(|delivered| self.entries.get(delivered));
        undelivered.map_or(self.next, |entry| bigint(entry.version))
    }
}

/// A duration as a parameter, in milliseconds.
fn millis(duration: Duration) -> Parameter {
    Parameter::Number(i64::try_from(duration.as_millis()).unwrap_or(i64::MAX))
}

/// A version from a column.
fn version(number: i64) -> Version {
    Version::new(u64::try_from(number).unwrap_or(0))
}

/// An error with what caused it.
fn causes(error: &dyn core::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said.push_str(": ");
        said.push_str(&cause.to_string());
        source = cause.source();
    }
    said
}
