//! Futures that are dropped, and stores that are closed.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::Mutex;

use tenancy::store::{Commit, Facts, Held, Key, Outcome};
use tenancy::{OrganizationId, Resource, UserId};

use super::store::{Data, Flaw, Lost, Store, WhenDropped, facts, lock, step};

#[derive(Default)]
pub(crate) struct HalfDoneWhenDropped;

impl Flaw for HalfDoneWhenDropped {
    const DOES: &'static str = "writes the organization's row, and the records after the next wait";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let before = store.data().clone();
        let outcome = store.data().commit(commit);
        if outcome == Outcome::Committed {
            // Whoever doesn't drop the future sees it all at once.
            let mut half = before;
            half.set_organization(commit);
            half.log.push(commit.entry.clone());
            let done = AtomicBool::new(false);
            let _drop = WhenDropped(|| {
                if !done.load(Ordering::SeqCst) {
                    *store.data() = half.clone();
                }
            });
            step().await;
            done.store(true, Ordering::SeqCst);
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LogsLater;

impl Flaw for LogsLater {
    const DOES: &'static str = "logs in a transaction of its own, after the commit";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        step().await;
        let outcome = store.data().commit(commit);
        let logged = AtomicBool::new(false);
        let _drop = WhenDropped(|| {
            if !logged.load(Ordering::SeqCst) {
                let mut data = store.data();
                let id = commit.id();
                data.log.retain(|entry| entry.id != id);
            }
        });
        step().await;
        logged.store(true, Ordering::SeqCst);
        Ok(outcome)
    }
}

/// Connections that never come back when a future is dropped.
#[derive(Default)]
struct Pool {
    leaked: AtomicUsize,
}

impl Pool {
    /// Takes a connection for as long as a call waits.
    async fn call<T>(&self, size: usize, call: impl FnOnce() -> T) -> Result<T, Lost> {
        if self.leaked.load(Ordering::SeqCst) >= size {
            return Err(Lost("no connection became free"));
        }
        let returned = AtomicBool::new(false);
        let _drop = WhenDropped(|| {
            if !returned.load(Ordering::SeqCst) {
                self.leaked.fetch_add(1, Ordering::SeqCst);
            }
        });
        step().await;
        let answer = call();
        returned.store(true, Ordering::SeqCst);
        Ok(answer)
    }
}

#[derive(Default)]
pub(crate) struct LosesItsConnectionToDroppedCommits(Pool);

impl Flaw for LosesItsConnectionToDroppedCommits {
    const DOES: &'static str = "has no connection left after a commit was dropped";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let pool = &store.own.0;
        pool.call(1, || store.data().commit(commit)).await
    }
}

#[derive(Default)]
pub(crate) struct LosesItsConnectionToDroppedReads(Pool);

impl Flaw for LosesItsConnectionToDroppedReads {
    const DOES: &'static str = "has no connection left after a read was dropped";

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        let pool = &store.own.0;
        pool.call(1, || facts::<Self>(&store.data(), id, keys))
            .await
    }
}

#[derive(Default)]
pub(crate) struct LosesOneConnectionOfMany(Pool);

impl Flaw for LosesOneConnectionOfMany {
    const DOES: &'static str = "loses one of its twenty connections whenever a check is dropped";

    async fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Lost> {
        store.count(1);
        let pool = &store.own.0;
        pool.call(20, || store.data().held(user, resource)).await
    }
}

#[derive(Default)]
pub(crate) struct LeavesATransactionOpen {
    /// What the open transaction sees, and nobody else.
    inside: Mutex<Option<Data>>,
}

impl Flaw for LeavesATransactionOpen {
    const DOES: &'static str = "goes on in the transaction that a dropped commit left open";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        if let Some(inside) = &mut *lock(&store.own.inside) {
            return Ok(inside.commit(commit));
        }
        let over = AtomicBool::new(false);
        let _drop = WhenDropped(|| {
            if !over.load(Ordering::SeqCst) {
                *lock(&store.own.inside) = Some(store.data().clone());
            }
        });
        step().await;
        over.store(true, Ordering::SeqCst);
        Ok(store.data().commit(commit))
    }

    async fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Lost> {
        if let Some(inside) = &*lock(&store.own.inside) {
            return Ok(facts::<Self>(inside, id, keys));
        }
        Ok(facts::<Self>(&store.data(), id, keys))
    }
}

#[derive(Default)]
pub(crate) struct AcknowledgesTooEarly;

impl Flaw for AcknowledgesTooEarly {
    const DOES: &'static str =
        "acknowledges a commit before it is on the disk: it is gone after a restart";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(store.data().commit_remembering(commit))
    }

    fn reopened(data: Data) -> Data {
        let before = data.before.clone();
        before.map_or(data, |before| *before)
    }
}

#[derive(Default)]
pub(crate) struct ForgetsClaimsWhenClosed;

impl Flaw for ForgetsClaimsWhenClosed {
    const DOES: &'static str = "keeps claims in memory only";

    fn reopened(data: Data) -> Data {
        Data {
            claims: std::collections::BTreeMap::new(),
            ..data
        }
    }
}
