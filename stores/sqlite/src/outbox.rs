//! The outbox: what happened, handed to the host, at least once and in order.

use core::num::NonZeroU32;
use core::time::Duration;
use std::fmt::Display;

use chrono::{DateTime, Utc};
use tenancy::{LogEntry, OrganizationId, Version};
use uuid::Uuid;

use crate::error::Error;
use crate::repository::SqliteRepository;

mod parked;
mod queue;

/// Nobody is made to wait longer than that, so that a clock that was set back holds nothing up for ever.
const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// However often an entry has failed, it is tried again after that time.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How much of an error's text is kept.
const ERROR_CHARACTERS: usize = 500;

/// Hands the commits of every organization to the host: to send mails, to tell other services, to feed a
/// search index. Made by [`SqliteRepository::outbox`].
///
/// - **At least once.** A commit is put into the outbox in its own transaction, and stays there until the
///   host has said that it is done. If the program ends in between, it is handed out again: make what you
///   do idempotent, [`LogEntry::id`] is the key to remember.
/// - **In order**, for each organization. An entry that fails holds up its organization, and no other. It is
///   tried again after [`retry_after`](Self::retry_after), twice that, and so on up to an hour;
///   [`failing`](Self::failing) shows it. Whoever decides that it has held up enough [parks](Self::park) it or
///   [skips](Self::skip) it.
/// - **An entry that can't be read** holds up nothing: it is parked by itself, with the reason.
/// - **Any number of workers**, threads or processes: an organization is one worker's at a time, for the
///   length of a [`lease`](Self::lease). A worker that takes longer stops after the entry that it is at,
///   which another worker then delivers as well.
/// - **No lock is held** while the host works: others read and write meanwhile.
///
/// ```
/// use std::num::NonZeroU32;
/// use tenancy_sqlite::SqliteRepository;
///
/// /// Called in a loop, with a pause whenever there was nothing to do.
/// async fn work(repository: &SqliteRepository) -> Result<u32, tenancy_sqlite::Error> {
///     let outbox = repository.outbox();
///     let hundred = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
///     let delivery = outbox
///         .deliver(hundred, |entry| {
///             println!("{} did {}", entry.author, entry.command);
///             Ok::<(), std::io::Error>(())
///         })
///         .await?;
///     for (entry, error) in &delivery.failed {
///         eprintln!("commit {} will be handed out again: {error}", entry.id);
///     }
///     Ok(delivery.delivered)
/// }
///
/// let repository = SqliteRepository::open_in_memory().unwrap();
/// assert_eq!(tenancy::block_on(work(&repository)).unwrap(), 0);
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

/// Some entries of one organization, to be delivered in order by one worker: what [`Outbox::take`] gives.
///
/// Dropped without [`settle`](Outbox::settle), it is handed out again when the lease is over.
#[derive(Debug)]
#[must_use = "without `settle` it is handed out again"]
pub struct Batch {
    organization: OrganizationId,
    worker: Uuid,
    entries: Vec<LogEntry>,
    /// The entry that it is of by itself, if one was released.
    released: Option<Version>,
    attempts: u32,
    parked: u32,
}

/// What [`Outbox::deliver`] did.
#[derive(Debug)]
#[must_use = "see which entries failed"]
#[non_exhaustive]
pub struct Delivery<E> {
    /// How many entries were delivered.
    pub delivered: u32,
    /// The entries that the host's closure failed on, with its error. They, and what follows them in the
    /// same organization, will be handed out again.
    pub failed: Vec<(LogEntry, E)>,
    /// How many entries can't be read, and were parked: [`Outbox::parked`] says why.
    pub parked: u32,
}

/// How much waits in the outbox: what [`Outbox::depth`] counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// How many organizations have something to deliver, due or not.
    pub organizations: u64,
    /// How many entries that is in all, with those among them that are parked.
    pub entries: u64,
    /// How many organizations wait after an attempt that failed.
    pub failing: u64,
    /// How many entries are parked, the released ones included.
    pub parked: u64,
    /// How many entries were skipped.
    pub skipped: u64,
    /// The time from which on the longest-waiting organization is due; `None` if none waits. That a worker
    /// has an organization, or that it failed, puts its time off.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// An entry that failed last, and will be tried again: what [`Outbox::failing`] lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failing {
    /// The organization, which waits for it.
    pub organization: OrganizationId,
    /// The version that the entry made.
    pub version: Version,
    /// How often it was handed out.
    pub attempts: u32,
    /// The error of the last attempt, of which the first 500 characters are kept.
    pub error: String,
    /// When it is tried again.
    pub due: DateTime<Utc>,
}

/// An entry that is not handed out in its turn: what [`Outbox::parked`] lists.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parked {
    /// The organization.
    pub organization: OrganizationId,
    /// The version that the entry made.
    pub version: Version,
    /// Whether it was skipped, and so is never handed out.
    pub skipped: bool,
    /// Whether it was released, and is handed out next.
    pub released: bool,
    /// Why, as whoever parked or skipped it said; or why it can't be read.
    pub why: String,
    /// Since when.
    pub at: DateTime<Utc>,
}

impl<'r> Outbox<'r> {
    pub(crate) const fn new(repository: &'r SqliteRepository) -> Self {
        Self {
            repository,
            lease: Duration::from_secs(60),
            retry_after: Duration::from_secs(10),
        }
    }

    /// Sets how long an organization is one worker's: 60 seconds by default, a day at most. Choose it longer
    /// than the work on a batch takes.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = lease.min(LONGEST_LEASE);
        self
    }

    /// Sets after how long an entry that failed is handed out again: 10 seconds by default. The pause doubles
    /// with each attempt that fails, up to an hour.
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.retry_after = pause.min(LONGEST_PAUSE);
        self
    }

    /// Hands up to `limit` entries to the host's closure, organization by organization, and remembers
    /// which were delivered.
    ///
    /// What one organization has in the batch is remembered in one go; if the program ends before, it is
    /// handed out again. `limit` 1 remembers each by itself. Before each further entry of a batch it looks in
    /// the file whether the organization is still this worker's.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; what was delivered may be handed out again. The closure's errors are
    /// in [`Delivery::failed`].
    pub async fn deliver<E: Display>(
        &self,
        limit: NonZeroU32,
        mut hand_over: impl FnMut(&LogEntry) -> Result<(), E>,
    ) -> Result<Delivery<E>, Error> {
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
            let parked = batch.parked;
            let mut delivered = 0_u32;
            let mut failed = None;
            for entry in batch.entries() {
                // Somebody else may have it by now: no entry of ours after theirs.
                if delivered > 0 && !self.holds(&batch).await? {
                    break;
                }
                match hand_over(entry) {
                    Ok(()) => delivered = delivered.saturating_add(1),
                    Err(error) => {
                        failed = Some((entry.clone(), error));
                        break;
                    }
                }
            }
            let error = failed.as_ref().map(|(_, error)| error.to_string());
            self.settle(batch, delivered, error.as_deref()).await?;
            let tried = delivered
                .saturating_add(parked)
                .saturating_add(u32::from(failed.is_some()));
            delivery.delivered = delivery.delivered.saturating_add(delivered);
            delivery.parked = delivery.parked.saturating_add(parked);
            delivery.failed.extend(failed);
            left = NonZeroU32::new(limit.get().saturating_sub(tried.max(1)));
        }
        Ok(delivery)
    }

    /// Takes the organization that has waited longest, with up to `limit` of its entries; `None` if there
    /// is nothing to deliver now. Until the lease is over nobody else gets it.
    ///
    /// That it was taken is counted as an attempt before any entry is read. Entries that can't be read are
    /// parked; a batch may have none left. Settle it nevertheless.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn take(&self, limit: NonZeroU32) -> Result<Option<Batch>, Error> {
        let connections = self.repository.connections();
        let lease = self.lease;
        let Some(lease) = connections
            .write(&(), move |connection, ()| queue::lease(connection, lease))
            .await?
        else {
            return Ok(None);
        };
        let found = connections
            .read(&lease, move |connection, lease| {
                queue::entries(connection, lease, limit)
            })
            .await?;
        if !found.unreadable.is_empty() {
            let organization = lease.organization;
            connections
                .write(&found.unreadable, move |connection, unreadable| {
                    parked::park_unreadable(connection, organization, unreadable)
                })
                .await?;
        }
        Ok(Some(Batch {
            organization: lease.organization,
            worker: lease.worker,
            entries: found.entries,
            released: lease.released,
            attempts: lease.attempts,
            parked: u32::try_from(found.unreadable.len()).unwrap_or(u32::MAX),
        }))
    }

    /// Whether a batch is still this worker's. Ask before each entry but the first: once another worker may
    /// have the organization, what isn't delivered yet is better left.
    ///
    /// The answer comes from where the lease was given, by the clock by which others take it.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn holds(&self, batch: &Batch) -> Result<bool, Error> {
        let (organization, worker) = (batch.organization, batch.worker);
        let connections = self.repository.connections();
        connections
            .read(&(), move |connection, ()| {
                queue::holds(connection, organization, worker)
            })
            .await
    }

    /// Gives a batch back, of which the first `delivered` entries were delivered, and says whether it was still this
    /// worker's; if another has taken it since, nothing changes: what the late one delivered is handed out again.
    ///
    /// If not all were delivered, the rest is handed out again after [`retry_after`](Self::retry_after); with
    /// an `error`, which is what the next one failed with, after a pause that doubles with each attempt that
    /// fails. The error's first 500 characters are kept for [`failing`](Self::failing). An entry that was
    /// [released](Self::release) and fails is parked again, for that reason.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; the batch is then handed out again.
    pub async fn settle(
        &self,
        batch: Batch,
        delivered: u32,
        error: Option<&str>,
    ) -> Result<bool, Error> {
        let delivered = usize::try_from(delivered).unwrap_or(usize::MAX);
        let delivered = delivered.min(batch.entries.len());
        let all = delivered == batch.entries.len();
        let settled = queue::Settled {
            organization: batch.organization,
            worker: batch.worker,
            released: batch.released,
            all,
            last: delivered
                .checked_sub(1)
                .and_then(|last| batch.entries.get(last))
                .map(|entry| entry.version),
            error: error
                .filter(|_| !all)
                .map(|error| error.chars().take(ERROR_CHARACTERS).collect()),
            retry_after: self.retry_after,
        };
        let connections = self.repository.connections();
        connections.write(&settled, queue::settle).await
    }

    /// Counts what waits.
    ///
    /// It takes time in proportion to the organizations that have something to deliver.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn depth(&self) -> Result<Depth, Error> {
        let connections = self.repository.connections();
        connections
            .read(&(), |connection, ()| queue::depth(connection))
            .await
    }

    /// Lists the entries whose last attempt failed, at most one of each organization, a page at a time: at most
    /// `limit`, of organizations after that one.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn failing(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Failing>, Error> {
        let connections = self.repository.connections();
        connections
            .read(&(), move |connection, ()| {
                queue::failing(connection, after, limit)
            })
            .await
    }

    /// Lists the entries that are parked or were skipped, a page at a time: at most `limit`, after that
    /// organization and version.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn parked(
        &self,
        after: Option<(OrganizationId, Version)>,
        limit: NonZeroU32,
    ) -> Result<Vec<Parked>, Error> {
        let connections = self.repository.connections();
        connections
            .read(&(), move |connection, ()| {
                parked::list(connection, after, limit)
            })
            .await
    }

    /// Sets an entry aside that waits, so that its organization's other entries go on. `why` is for whoever
    /// reads [`parked`](Self::parked): say also who decided it.
    ///
    /// It is `false` if there is nothing to set aside: the entry was delivered, was skipped, or doesn't exist.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn park(
        &self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        self.set_aside(parked::State::Parked, organization, version, why)
            .await
    }

    /// Gives up an entry that waits or is parked: it is never handed out. It stays in
    /// [`parked`](Self::parked) for the record: let `why` say also who decided it.
    ///
    /// It is `false` if there is nothing to give up: the entry was delivered, was skipped before, or doesn't
    /// exist.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn skip(
        &self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        self.set_aside(parked::State::Skipped, organization, version, why)
            .await
    }

    /// Lets a parked entry be handed out again: once, by itself, and before its organization's other entries,
    /// of which later ones may have been delivered meanwhile. If it fails, it is parked again.
    ///
    /// It is `false` if the entry isn't parked.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn release(
        &self,
        organization: OrganizationId,
        version: Version,
    ) -> Result<bool, Error> {
        let connections = self.repository.connections();
        connections
            .write(&(), move |connection, ()| {
                parked::release(connection, organization, version)
            })
            .await
    }

    async fn set_aside(
        &self,
        state: parked::State,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        let connections = self.repository.connections();
        connections
            .write(why, move |connection, why| {
                parked::set_aside(connection, state, organization, version, why)
            })
            .await
    }
}

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

    /// How often its first entry was handed out, this time included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts
    }

    /// How many entries couldn't be read when it was taken, and were parked.
    #[must_use]
    pub const fn parked(&self) -> u32 {
        self.parked
    }
}
