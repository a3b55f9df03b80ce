//! The outbox: what happened, handed to the host, at least once and in order, by workers on any node.

use core::num::NonZeroU32;
use core::time::Duration;
use std::fmt::Display;

use tenancy::{LogEntry, OrganizationId, Version};
use tenancy_sqlite::tables::outbox::{self, Lease, Leases, Settled, Times, Waits};
use tenancy_sqlite::{Batch, Delivery, Depth, Failing, Parked};

use crate::cluster::Cluster;
use crate::commit::now_millis;
use crate::error::Error;
use crate::optimistic::make;

/// How many entries that can't be read are parked in one transaction: each with its reason, it must fit into the log.
const TOGETHER: usize = 64;

/// Hands the commits of every organization to the host: to send mails, to tell other services, to feed a search index. Made
/// by [`HiqliteRepository::outbox`](crate::HiqliteRepository::outbox).
///
/// It has the methods, the promises and the tables of [`tenancy_sqlite::Outbox`]: at least once, in order for each
/// organization, an entry that can't be read parked by itself. Its workers are threads and tasks on every node.
///
/// - **A lease is in the cluster's log**, as a commit is. Of two workers that want one organization one gets it, whichever
///   nodes they are on, and it keeps it when a leader is lost.
/// - **Whoever ends with an organization in hand** leaves it for as long as its [`lease`](Self::lease) was. So does a
///   [`take`](Self::take) whose answer was lost: it is counted as an attempt, and nothing was handed out.
/// - **A poll that finds nothing** reads this node's copy, writes nothing, and asks nobody. It may be behind by the time that
///   a message takes, and finds on a node that is cut off what that one knew.
/// - **Times are those of the clock of the node that is asked.** Let them differ by less than a lease. What one clock is ahead
///   of another, the other's leases are shorter by, and its own entries wait longer for. Nothing is lost and no order changed
///   by it: a worker asks before each further entry whether another one has begun.
///
/// ```
/// use std::num::NonZeroU32;
/// use tenancy_hiqlite::HiqliteRepository;
///
/// /// Called in a loop on each node, with a pause whenever there was nothing to do.
/// async fn work(node: &HiqliteRepository) -> Result<u32, tenancy_hiqlite::Error> {
///     let hundred = NonZeroU32::new(100).unwrap_or(NonZeroU32::MIN);
///     let delivery = node
///         .outbox()
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
/// ```
///
/// Work that awaits, such as an HTTP request, takes a [`Batch`] with [`take`](Self::take) and gives it back with
/// [`settle`](Self::settle).
///
/// A host that wants no outbox just doesn't call it: there is one small row for each organization, and it doesn't grow.
#[derive(Clone, Debug)]
#[must_use = "nothing is delivered until `deliver` or `take` is called"]
pub struct Outbox<'r> {
    cluster: &'r Cluster,
    times: Times,
}

impl<'r> Outbox<'r> {
    pub(crate) fn new(cluster: &'r Cluster) -> Self {
        let times = Times::default();
        Self { cluster, times }
    }

    /// Sets how long an organization is one worker's: 60 seconds by default, a day at most. Choose it longer than the work on
    /// a batch takes, and longer than the cluster may be without a leader: what is settled later was perhaps delivered twice.
    pub fn lease(self, lease: Duration) -> Self {
        let times = self.times.lease(lease);
        Self { times, ..self }
    }

    /// Sets after how long an entry that failed is handed out again: 10 seconds by default. The pause doubles with each
    /// attempt that fails, up to an hour.
    pub fn retry_after(self, pause: Duration) -> Self {
        let times = self.times.retry_after(pause);
        Self { times, ..self }
    }

    /// Hands up to `limit` entries to the host's closure, organization by organization, and remembers which were delivered.
    ///
    /// What one organization has in the batch is remembered in one go; if the process ends before, it is handed out again.
    /// `limit` 1 remembers each by itself. Before each further entry of a batch it asks the leader whether the organization is
    /// still this worker's.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store; what was delivered may be handed out again. The closure's errors are in
    /// [`Delivery::failed`].
    pub async fn deliver<E: Display>(
        &self,
        limit: NonZeroU32,
        hand_over: impl FnMut(&LogEntry) -> Result<(), E>,
    ) -> Result<Delivery<E>, Error> {
        outbox::deliver(self, limit, hand_over).await
    }

    /// Takes the organization that has waited longest, with up to `limit` of its entries; `None` if this node knows of nothing
    /// to deliver now. Until the lease is over nobody else gets it, on no node.
    ///
    /// That it was taken is counted as an attempt before any entry is read. Entries that can't be read are parked; a batch may
    /// have none left. Settle it nevertheless.
    ///
    /// # Errors
    ///
    /// - [`Error::Timeout`], [`Error::Hiqlite`]: the cluster didn't answer. Perhaps something was taken, and is handed out when
    ///   its lease is over.
    /// - [`Error::Behind`]: something was taken, which this node hasn't got; it is handed out when its lease is over.
    /// - [`Error::Sqlite`]: a row can't be read, or there is no randomness for the worker's name; nothing was taken.
    pub async fn take(&self, limit: NonZeroU32) -> Result<Option<Batch>, Error> {
        let (cluster, times) = (self.cluster, self.times);
        let waits = |connection: &_| Ok(outbox::waits(connection, now_millis())?);
        match cluster.readers.read(waits).await? {
            Waits::Nothing => return Ok(None),
            Waits::Due => {}
            Waits::TooLong => {
                make(cluster, |connection| outbox::heal(connection, now_millis())).await?;
            }
        }
        let taken = move |connection: &_| outbox::take(connection, now_millis(), times);
        let taken = make(cluster, taken).await?;
        let Some(lease) = taken.answer else {
            return Ok(None);
        };
        if !taken.is_here {
            // What was parked before is not to be handed out now.
            cluster.catch_up().await?;
        }
        let entries = move |connection: &_| Ok(outbox::entries(connection, lease, limit)?);
        let found = cluster.readers.read(entries).await?;
        let organization = lease.organization();
        for unreadable in found.unreadable.chunks(TOGETHER) {
            let unreadable = unreadable.to_owned();
            make(cluster, move |connection| {
                outbox::park_unreadable(connection, now_millis(), organization, &unreadable)
            })
            .await?;
        }
        Ok(Some(found.into_batch(lease)))
    }

    /// Whether a batch is still this worker's. Ask before each entry but the first: once another worker may have the
    /// organization, what isn't delivered yet is better left.
    ///
    /// The leader is asked. Ask on the node that took the batch: the end of its lease is read from that node's clock.
    ///
    /// # Errors
    ///
    /// - [`Error::Timeout`], [`Error::Hiqlite`], [`Error::Behind`]: the cluster didn't answer.
    /// - [`Error::Sqlite`]: this node's copy can't be read.
    pub async fn holds(&self, batch: &Batch) -> Result<bool, Error> {
        let lease = Lease::of(batch);
        self.cluster
            .read_latest(move |connection| Ok(outbox::holds(connection, now_millis(), lease)?))
            .await
    }

    /// Gives a batch back, of which the first `delivered` entries were delivered, and says whether it was still this worker's;
    /// if another has taken it since, nothing changes: what the late one delivered is handed out again.
    ///
    /// If not all were delivered, the rest is handed out again after [`retry_after`](Self::retry_after); with an `error`,
    /// which is what the next one failed with, after a pause that doubles with each attempt that fails. The error's first 500
    /// characters are kept for [`failing`](Self::failing). An entry that was [released](Self::release) and fails is parked
    /// again, for that reason.
    ///
    /// # Errors
    ///
    /// - [`Error::Timeout`], [`Error::Hiqlite`]: the cluster didn't answer, and it isn't known whether the batch was given
    ///   back. If it wasn't, it is handed out again when its lease is over.
    /// - [`Error::Behind`], [`Error::Sqlite`]: it wasn't given back.
    pub async fn settle(
        &self,
        batch: Batch,
        delivered: u32,
        error: Option<&str>,
    ) -> Result<bool, Error> {
        let settled = Settled::of(&batch, delivered, error, self.times);
        let settle = move |connection: &_| outbox::settle(connection, now_millis(), &settled);
        Ok(make(self.cluster, settle).await?.answer)
    }

    /// Counts what waits, with everything that was acknowledged.
    ///
    /// It takes time in proportion to the organizations that have something to deliver.
    ///
    /// # Errors
    ///
    /// As [`holds`](Self::holds).
    pub async fn depth(&self) -> Result<Depth, Error> {
        self.cluster
            .read_latest(|connection| Ok(outbox::depth(connection)?))
            .await
    }

    /// Lists the entries whose last attempt failed, at most one of each organization, a page at a time: at most `limit`, of
    /// organizations after that one.
    ///
    /// # Errors
    ///
    /// As [`holds`](Self::holds).
    pub async fn failing(
        &self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Failing>, Error> {
        self.cluster
            .read_latest(move |connection| Ok(outbox::failing(connection, after, limit)?))
            .await
    }

    /// Lists the entries that are parked or were skipped, a page at a time: at most `limit`, after that organization and
    /// version.
    ///
    /// # Errors
    ///
    /// As [`holds`](Self::holds).
    pub async fn parked(
        &self,
        after: Option<(OrganizationId, Version)>,
        limit: NonZeroU32,
    ) -> Result<Vec<Parked>, Error> {
        self.cluster
            .read_latest(move |connection| Ok(outbox::parked(connection, after, limit)?))
            .await
    }

    /// Sets an entry aside that waits, so that its organization's other entries go on. `why` is for whoever reads
    /// [`parked`](Self::parked): say also who decided it.
    ///
    /// It is `false` if there is nothing to set aside: the entry was delivered, was skipped, or doesn't exist.
    ///
    /// # Errors
    ///
    /// - [`Error::Timeout`], [`Error::Hiqlite`]: the cluster didn't answer, and it isn't known whether it was done. Do it again.
    /// - [`Error::Behind`], [`Error::Sqlite`]: it wasn't done.
    pub async fn park(
        &self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        let (entry, why) = ((organization, version), why.to_owned());
        let park = move |connection: &_| outbox::park(connection, now_millis(), entry, &why);
        Ok(make(self.cluster, park).await?.answer)
    }

    /// Gives up an entry that waits or is parked: it is never handed out. It stays in [`parked`](Self::parked) for the record:
    /// let `why` say also who decided it.
    ///
    /// It is `false` if there is nothing to give up: the entry was delivered, was skipped before, or doesn't exist.
    ///
    /// # Errors
    ///
    /// As [`park`](Self::park).
    pub async fn skip(
        &self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        let (entry, why) = ((organization, version), why.to_owned());
        let skip = move |connection: &_| outbox::skip(connection, now_millis(), entry, &why);
        Ok(make(self.cluster, skip).await?.answer)
    }

    /// Lets a parked entry be handed out again: once, by itself, and before its organization's other entries, of which later
    /// ones may have been delivered meanwhile. If it fails, it is parked again.
    ///
    /// It is `false` if the entry isn't parked.
    ///
    /// # Errors
    ///
    /// As [`park`](Self::park).
    pub async fn release(
        &self,
        organization: OrganizationId,
        version: Version,
    ) -> Result<bool, Error> {
        let release =
            move |connection: &_| outbox::release(connection, now_millis(), organization, version);
        Ok(make(self.cluster, release).await?.answer)
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
