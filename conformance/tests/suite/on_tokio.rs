//! The suite on a runtime that isn't its own: the store's calls wait for the runtime, and the tasks are its.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::LazyLock;

use tenancy::store::{
    BrokenContract, Claim, Commit, Directory, Facts, Held, Item, Key, List, MemoryRepository,
    Outcome, Repository,
};
use tenancy::{OrganizationId, Resource, UserId};
use tenancy_conformance::{Harness, Task, suite};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

struct OnTokio;

impl Harness for OnTokio {
    type Repository = Remote;

    async fn fresh(&self) -> Remote {
        Remote(MemoryRepository::new())
    }

    async fn another(&self, same: &Remote) -> Remote {
        Remote(same.0.clone())
    }

    fn spawn(&self, task: Task) {
        drop(tokio::spawn(task));
    }
}

suite!(
    harness = OnTokio,
    run = |test| RUNTIME.block_on(test),
    without = [reopen, round_trips, verify, tamper],
);

/// The store in memory as if it were far away: each call waits for the runtime before and after.
struct Remote(MemoryRepository);

macro_rules! waits {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {$(
        async fn $name(&self, $($argument: $type),*) -> Result<$answer, Self::Error> {
            yield_now().await;
            let answer = self.0.$name($($argument),*).await;
            yield_now().await;
            answer
        }
    )+};
}

impl Repository for Remote {
    type Error = BrokenContract;

    waits! {
        load(id: OrganizationId, keys: &[Key]) -> Option<Facts>;
        commit(commit: &Commit) -> Outcome;
        standing(user: UserId, resource: Resource) -> Option<Held>;
    }
}

impl Directory for Remote {
    waits! {
        list(list: &List, limit: NonZeroU32) -> Vec<Item>;
        claimed_by(claim: &Claim) -> Option<OrganizationId>;
    }
}
