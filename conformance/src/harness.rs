//! How the suite gets hold of a store.

use core::future::Future;
use core::pin::Pin;
use core::time::Duration;
use std::thread;

use tenancy::store::Directory;

/// Work that runs beside the check that started it.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How the suite gets hold of the store that it is to judge. Two methods must be written; the others say
/// what else the store can do.
pub trait Harness: Send + Sync + 'static {
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
