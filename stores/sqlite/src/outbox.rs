//! The outbox: what happened, handed to the host, at least once and in order.

use core::num::NonZeroU32;
use core::time::Duration;
use std::fmt::Display;

use chrono::{DateTime, Utc};
use tenancy::{LogEntry, OrganizationId, Version};

use crate::error::Error;
use crate::migrate::now_millis;
use crate::repository::SqliteRepository;

mod batch;
pub(crate) mod optimistic;
pub(crate) mod parked;
pub(crate) mod queue;

pub use batch::{Batch, Delivery, Found, Lease, Leases, Settled, Times, deliver};
pub use optimistic::{Optimistic, Read};
pub use queue::Waits;

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
    times: Times,
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
    pub(crate) fn new(repository: &'r SqliteRepository) -> Self {
        let times = Times::default();
        Self { repository, times }
    }

    /// Sets how long an organization is one worker's: 60 seconds by default, a day at most. Choose it longer
    /// than the work on a batch takes.
    pub fn lease(self, lease: Duration) -> Self {
        let times = self.times.lease(lease);
        Self { times, ..self }
    }

    /// Sets after how long an entry that failed is handed out again: 10 seconds by default. The pause doubles
    /// with each attempt that fails, up to an hour.
    pub fn retry_after(self, pause: Duration) -> Self {
        let times = self.times.retry_after(pause);
        Self { times, ..self }
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
        hand_over: impl FnMut(&LogEntry) -> Result<(), E>,
    ) -> Result<Delivery<E>, Error> {
        deliver(self, limit, hand_over).await
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
        let times = self.times;
        let Some(lease) = connections
            .write(&(), move |connection, ()| queue::lease(connection, times))
            .await?
        else {
            return Ok(None);
        };
        let found = connections
            .read(&(), move |connection, ()| {
                queue::entries(connection, lease, limit)
            })
            .await?;
        if !found.unreadable.is_empty() {
            let organization = lease.organization();
            connections
                .write(&found.unreadable, move |connection, unreadable| {
                    optimistic::make(connection, |to| {
                        parked::park_unreadable(to, now_millis(), organization, unreadable)
                    })
                })
                .await?;
        }
        Ok(Some(found.into_batch(lease)))
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
        let lease = Lease::of(batch);
        let connections = self.repository.connections();
        connections
            .read(&(), move |connection, ()| {
                queue::holds(connection, now_millis(), lease)
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
        let settled = Settled::of(&batch, delivered, error, self.times);
        let connections = self.repository.connections();
        connections
            .write(&settled, |connection, settled| {
                optimistic::make(connection, |to| queue::settle(to, now_millis(), settled))
            })
            .await
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
                optimistic::make(connection, |to| {
                    parked::release(to, now_millis(), organization, version)
                })
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
                optimistic::make(connection, |to| {
                    let entry = (organization, version);
                    parked::set_aside(to, now_millis(), state, entry, why)
                })
            })
            .await
    }
}

impl Leases for Outbox<'_> {
    type Error = Error;

    async fn take(&self, limit: NonZeroU32) -> Result<Option<Batch>, Error> {
        Outbox::take(self, limit).await
    }

    async fn holds(&self, batch: &Batch) -> Result<bool, Error> {
        Outbox::holds(self, batch).await
    }

    async fn settle(
        &self,
        batch: Batch,
        delivered: u32,
        error: Option<&str>,
    ) -> Result<bool, Error> {
        Outbox::settle(self, batch, delivered, error).await
    }
}
