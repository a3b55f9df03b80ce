//! How the suite gets hold of a store.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::thread;

use tenancy::store::{
    Claim, Column, Directory, OrganizationStatus, OrganizationSummary, Record, RecordId, Value,
};
use tenancy::{OrganizationId, Version};

/// Work that runs beside the check that started it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A change to a store's data that is no commit: what a script, a restored backup or a trigger may do. The suite asks
/// for one after the other and takes each back, to see what the store's own verification finds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Tampering {
    /// A column beside a record says something else than the record ([`Record::columns`]).
    Misfile {
        /// The organization.
        organization: OrganizationId,
        /// The record, which stays as it is.
        record: RecordId,
        /// The column.
        column: Column,
        /// What it says from now on.
        value: Value,
    },
    /// What is kept beside the organization's own record says something else than the record, which stays as it is.
    Row {
        /// The organization.
        organization: OrganizationId,
        /// The version that its column says from now on.
        version: Version,
        /// The status that its column says ([`OrganizationStatus::code`]).
        status: OrganizationStatus,
        /// What lists across organizations tell of it.
        summary: OrganizationSummary,
    },
    /// A record is put, with its own columns, in the place of the one with its id, if there is one.
    Put {
        /// The organization.
        organization: OrganizationId,
        /// The record.
        record: Record,
    },
    /// A record is deleted.
    Delete {
        /// The organization.
        organization: OrganizationId,
        /// The record.
        record: RecordId,
    },
    /// A claim changes hands.
    Claim {
        /// The claim.
        claim: Claim,
        /// Who holds it from now on; `None`: nobody.
        holder: Option<OrganizationId>,
    },
    /// What is kept of something is replaced by JSON that nobody can read: `{"of_the_future": {}}`. Its columns stay as
    /// they are.
    Garble {
        /// The organization.
        organization: OrganizationId,
        /// What can't be read from now on.
        garbled: Garbled,
    },
}

/// What [`Tampering::Garble`] makes unreadable.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Garbled {
    /// A record.
    Record(RecordId),
    /// The entry of this version in the organization's log.
    LogEntry(Version),
    /// What lists across organizations tell of the organization. A store that keeps no such thing by itself takes it
    /// for garbled all the same.
    Summary,
}

/// How the suite gets hold of the store that it is to judge. Two methods must be written; the others say
/// what else the store can do. A check that needs one which isn't written does not hold: it is
/// [not run](crate::Status::NotRun).
pub trait Harness: Send + Sync {
    /// The store.
    type Repository: Directory + 'static;

    /// A new store: empty, and sharing nothing with any other that this made. Checks run at the same time.
    fn fresh(&self) -> impl Future<Output = Self::Repository> + Send;

    /// Another handle on the same data, as another process would have it: a pool of its own, a file opened
    /// a second time. What a handle keeps to itself (a cache, a mutex) must not be shared.
    fn another(&self, same: &Self::Repository) -> impl Future<Output = Self::Repository> + Send;

    /// Closes the store, or kills it, and opens its data again. `None` if the store keeps nothing.
    ///
    /// The only handle there is of that store is the one that is handed in.
    fn reopen(
        &self,
        store: Self::Repository,
    ) -> impl Future<Output = Option<Self::Repository>> + Send {
        drop(store);
        core::future::ready(None)
    }

    /// How many statements (or requests) this handle has sent so far. `None` if nobody counts.
    fn round_trips(&self, store: &Self::Repository) -> Option<u64> {
        let _ = store;
        None
    }

    /// What the store's own verification says of an organization: `Err` with what it found, in words. `None` if
    /// the store offers none.
    fn verify(
        &self,
        store: &Self::Repository,
        organization: OrganizationId,
    ) -> impl Future<Output = Option<Result<(), String>>> + Send {
        let _ = (store, organization);
        core::future::ready(None)
    }

    /// Changes the data behind the store's back. `false` if it can't be done: because the harness can't, or
    /// because the database doesn't allow it.
    fn tamper(
        &self,
        store: &Self::Repository,
        tampering: &Tampering,
    ) -> impl Future<Output = bool> + Send {
        let _ = (store, tampering);
        core::future::ready(false)
    }

    /// Runs a task beside the check. By default on a thread of its own, driven by [`tenancy::block_on`], so that
    /// calls meet in the store in earnest.
    ///
    /// A store that lives on a runtime gives it to the runtime: `drop(tokio::spawn(task))`.
    fn spawn(&self, task: Task) {
        drop(thread::spawn(move || tenancy::block_on(task)));
    }

    /// How long checks ([`Repository::standing`]) and the lists across organizations may lag behind
    /// commits, as the contract lets them. By default they don't.
    ///
    /// [`Repository::standing`]: tenancy::store::Repository::standing
    fn lag(&self) -> Duration {
        Duration::ZERO
    }

    /// How many times over random and concurrent checks are done. 1 takes seconds on a store in memory.
    fn thoroughness(&self) -> u32 {
        1
    }

    /// After how long a check that hasn't ended counts as failed: a store that never answers is wrong.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(120)
    }
}
