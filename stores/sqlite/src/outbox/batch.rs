//! A batch: what a worker has in its hands, and what is done with it.

use core::num::NonZeroU32;
use core::time::Duration;
use std::fmt::Display;
use std::future::Future;

use tenancy::{LogEntry, OrganizationId, Version};
use uuid::Uuid;

/// Nobody is made to wait longer than that, so that a clock that was set back holds nothing up for ever.
pub(super) const LONGEST_LEASE: Duration = Duration::from_secs(24 * 60 * 60);

/// However often an entry has failed, it is tried again after that time.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

/// How much of an error's text is kept.
pub(super) const ERROR_CHARACTERS: usize = 500;

/// How long a worker has an organization, and how long an entry waits that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// For how long an organization is one worker's.
    lease: Duration,
    /// After how long an entry that failed is handed out again, the first time.
    retry_after: Duration,
}

impl Default for Times {
    /// A minute, and ten seconds.
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            retry_after: Duration::from_secs(10),
        }
    }
}

impl Times {
    /// With another lease, a day at most.
    #[must_use]
    pub fn lease(self, lease: Duration) -> Self {
        let lease = lease.min(LONGEST_LEASE);
        Self { lease, ..self }
    }

    /// With another pause, an hour at most.
    #[must_use]
    pub fn retry_after(self, pause: Duration) -> Self {
        let retry_after = pause.min(LONGEST_PAUSE);
        Self {
            retry_after,
            ..self
        }
    }

    pub(super) const fn of_a_lease(self) -> Duration {
        self.lease
    }
}

/// An organization that a worker has taken.
#[derive(Clone, Copy, Debug)]
pub struct Lease {
    pub(super) organization: OrganizationId,
    pub(super) worker: Uuid,
    /// The first version that was not delivered.
    pub(super) first: Version,
    /// The entry that is handed out by itself, if one was released.
    pub(super) released: Option<Version>,
    pub(super) attempts: u32,
}

impl Lease {
    /// Whose entries are to be delivered.
    #[must_use]
    pub const fn organization(self) -> OrganizationId {
        self.organization
    }

    /// The lease that a batch is of.
    #[must_use]
    pub const fn of(batch: &Batch) -> Self {
        batch.lease
    }
}

/// What a worker finds to deliver.
#[derive(Clone, Debug)]
pub struct Found {
    /// The entries, oldest first.
    pub entries: Vec<LogEntry>,
    /// The entries that can't be read, and why.
    pub unreadable: Vec<(Version, String)>,
}

impl Found {
    /// A batch of it. What can't be read must have been parked.
    pub fn into_batch(self, lease: Lease) -> Batch {
        Batch {
            lease,
            entries: self.entries,
            parked: u32::try_from(self.unreadable.len()).unwrap_or(u32::MAX),
        }
    }
}

/// Some entries of one organization, to be delivered in order by one worker: what [`Outbox::take`](crate::Outbox::take)
/// gives.
///
/// Dropped without [`settle`](crate::Outbox::settle), it is handed out again when the lease is over.
#[derive(Debug)]
#[must_use = "without `settle` it is handed out again"]
pub struct Batch {
    lease: Lease,
    entries: Vec<LogEntry>,
    parked: u32,
}

impl Batch {
    /// Whose entries these are.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.lease.organization
    }

    /// The entries, oldest first.
    #[must_use]
    pub fn entries(&self) -> &[LogEntry] {
        &self.entries
    }

    /// How often its first entry was handed out, this time included.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.lease.attempts
    }

    /// How many entries couldn't be read when it was taken, and were parked.
    #[must_use]
    pub const fn parked(&self) -> u32 {
        self.parked
    }
}

/// What became of a batch.
#[derive(Clone, Debug)]
pub struct Settled {
    pub(super) lease: Lease,
    /// Whether nothing of it is left.
    pub(super) all: bool,
    /// The last entry that was delivered.
    pub(super) last: Option<Version>,
    /// Why the next one was not.
    pub(super) error: Option<String>,
    pub(super) retry_after: Duration,
}

impl Settled {
    /// A batch of which the first `delivered` were delivered, and the next one failed with that error, if there is one.
    #[must_use]
    pub fn of(batch: &Batch, delivered: u32, error: Option<&str>, times: Times) -> Self {
        let delivered = usize::try_from(delivered).unwrap_or(usize::MAX);
        let delivered = delivered.min(batch.entries.len());
        let all = delivered == batch.entries.len();
        Self {
            lease: batch.lease,
            all,
            last: delivered
                .checked_sub(1)
                .and_then(|last| batch.entries.get(last))
                .map(|entry| entry.version),
            error: error.filter(|_| !all).map(shortened),
            retry_after: times.retry_after,
        }
    }
}

/// As much of a text as is kept.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(ERROR_CHARACTERS).collect()
}

/// What [`Outbox::deliver`](crate::Outbox::deliver) did.
#[derive(Debug)]
#[must_use = "see which entries failed"]
#[non_exhaustive]
pub struct Delivery<E> {
    /// How many entries were delivered.
    pub delivered: u32,
    /// The entries that the host's closure failed on, with its error. They, and what follows them in the
    /// same organization, will be handed out again.
    pub failed: Vec<(LogEntry, E)>,
    /// How many entries can't be read, and were parked: [`Outbox::parked`](crate::Outbox::parked) says why.
    pub parked: u32,
}

/// An outbox, for [`deliver`]: each method is that of [`Outbox`](crate::Outbox).
pub trait Leases {
    /// What can go wrong in the store.
    type Error;

    /// Takes an organization, with up to `limit` of its entries.
    fn take(
        &self,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Option<Batch>, Self::Error>> + Send;

    /// Whether a batch is still this worker's.
    fn holds(&self, batch: &Batch) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Gives a batch back.
    fn settle(
        &self,
        batch: Batch,
        delivered: u32,
        error: Option<&str>,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}

/// Hands up to `limit` entries to the host's closure, organization by organization, as
/// [`Outbox::deliver`](crate::Outbox::deliver) does.
///
/// # Errors
///
/// Whatever fails in the store.
pub async fn deliver<L: Leases, E: Display>(
    outbox: &L,
    limit: NonZeroU32,
    mut hand_over: impl FnMut(&LogEntry) -> Result<(), E>,
) -> Result<Delivery<E>, L::Error> {
    let mut delivery = Delivery {
        delivered: 0,
        failed: Vec::new(),
        parked: 0,
    };
    let mut left = Some(limit);
    while let Some(limit) = left {
        let Some(batch) = outbox.take(limit).await? else {
            break;
        };
        let parked = batch.parked;
        let mut delivered = 0_u32;
        let mut failed = None;
        for entry in batch.entries() {
            // Somebody else may have it by now: no entry of ours after theirs.
            if delivered > 0 && !outbox.holds(&batch).await? {
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
        outbox.settle(batch, delivered, error.as_deref()).await?;
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
