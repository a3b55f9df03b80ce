//! The store keeps every promise of the contract, through the leader and through a follower.

use core::time::Duration;
use std::path::PathBuf;
use std::sync::Arc;

use hiqlite::Param;
use tenancy::store::{Claim, Directory as _};
use tenancy::{DomainName, OrganizationId};
pub(crate) use tenancy_conformance::Harness;
use tenancy_conformance::{Failure, Tampering, Task, races, suite};
use tenancy_hiqlite::{HiqliteRepository, hiqlite};
use tenancy_sqlite::rusqlite::types::Value;
use tokio::sync::{Mutex, OnceCell, OwnedSemaphorePermit, Semaphore};

use crate::file;
use crate::nodes::{Nodes, RUNTIME};
use crate::stranger;

/// How many clusters there are at a time: more would wait for the same disk.
const CLUSTERS: usize = 2;

/// Clusters that wait for a test, empty.
static IDLE: Mutex<Vec<Nodes>> = Mutex::const_new(Vec::new());

async fn turn() -> OwnedSemaphorePermit {
    static TURNS: OnceCell<Arc<Semaphore>> = OnceCell::const_new();
    let turns = TURNS
        .get_or_init(|| async { Arc::new(Semaphore::new(CLUSTERS)) })
        .await;
    Arc::clone(turns).acquire_owned().await.unwrap()
}

/// Ends all three nodes and starts them again on what they kept.
async fn again(nodes: Nodes) -> Nodes {
    let [one, two, three] = &nodes.stores;
    let ended = tokio::join!(one.shutdown(), two.shutdown(), three.shutdown());
    let _ = <[_; 3]>::from(ended).map(Result::unwrap);
    drop(nodes.stores);
    Nodes::start_in(nodes.folder, nodes.addresses).await
}

/// Deletes everything that organizations have.
async fn empty(nodes: &Nodes) {
    let tables = "commits claims organization_names members workspaces workspace_members domains retired_domain_names \
        invitations former_members outbox outbox_parked raft_attempts organizations";
    let tables = tables.split(' ');
    let tables = tables.map(|table| (format!("DELETE FROM tenancy_{table}"), Vec::new()));
    let counted = (COUNTED.to_owned(), Vec::new());
    let steps: Vec<_> = tables.chain([counted]).collect();
    nodes.stores[0].client().txn(steps).await.unwrap();
    // A node has it when it has everything.
    let claim = Claim::DomainName(DomainName::new("any").unwrap());
    for store in &nodes.stores {
        store.claimed_by(&claim).await.unwrap();
    }
}

/// What this crate does with every write of its own.
pub(crate) const COUNTED: &str = "UPDATE tenancy_raft SET writes = writes + 1";

/// A test has a cluster, and each handle is a node of it. A check that makes several stores has done with one when it makes
/// the next.
pub(crate) struct Cluster {
    /// Which node is asked first, from the leader on.
    first: usize,
    /// How long checks may be behind.
    lag: Duration,
    nodes: Mutex<Option<(Nodes, OwnedSemaphorePermit)>>,
}

impl Cluster {
    /// First the leader, as it is.
    pub(crate) fn through_the_leader() -> Self {
        Self {
            first: 0,
            // A node learns what was committed by the leader's next message.
            lag: Duration::from_secs(5),
            nodes: Mutex::const_new(None),
        }
    }

    /// First another node; checks are never behind.
    fn through_a_follower() -> Self {
        Self {
            first: 1,
            lag: Duration::ZERO,
            nodes: Mutex::const_new(None),
        }
    }

    /// Where one of the nodes keeps its copy.
    pub(crate) async fn copy(&self) -> PathBuf {
        let held = self.nodes.lock().await;
        let (nodes, _) = held.as_ref().unwrap();
        file::copy(nodes, 1)
    }

    fn handle(&self, store: &HiqliteRepository) -> HiqliteRepository {
        let store = store.clone();
        if self.lag.is_zero() {
            store.with_latest_checks()
        } else {
            store
        }
    }
}

impl Drop for Cluster {
    /// Those that are left are for the next test.
    fn drop(&mut self) {
        if let Some((nodes, turn)) = self.nodes.get_mut().take() {
            RUNTIME.spawn(async move {
                empty(&nodes).await;
                IDLE.lock().await.push(nodes);
                drop(turn);
            });
        }
    }
}

impl Harness for Cluster {
    type Repository = HiqliteRepository;

    async fn fresh(&self) -> HiqliteRepository {
        let mut held = self.nodes.lock().await;
        let (nodes, turn) = if let Some((nodes, turn)) = held.take() {
            empty(&nodes).await;
            (nodes, turn)
        } else {
            let turn = turn().await;
            let idle = IDLE.lock().await.pop();
            match idle {
                Some(nodes) => (nodes, turn),
                None => (Nodes::start().await, turn),
            }
        };
        let mut stores = nodes.leader_first().await;
        stores.rotate_left(self.first);
        *held = Some((nodes, turn));
        let [store, ..] = &stores;
        self.handle(store)
    }

    /// Another node: another process, on another machine, as a rule.
    async fn another(&self, same: &HiqliteRepository) -> HiqliteRepository {
        let held = self.nodes.lock().await;
        let is_same = |store: &HiqliteRepository| std::ptr::eq(store.client(), same.client());
        let (nodes, _) = held.as_ref().unwrap();
        let at = nodes.stores.iter().position(is_same).unwrap();
        self.handle(&nodes.stores[(at + 1) % 3])
    }

    /// All three nodes end, and start on what they kept.
    async fn reopen(&self, store: HiqliteRepository) -> Option<HiqliteRepository> {
        drop(store);
        let mut held = self.nodes.lock().await;
        let (nodes, turn) = held.take().unwrap();
        let nodes = again(nodes).await;
        let store = self.handle(&nodes.stores[0]);
        *held = Some((nodes, turn));
        Some(store)
    }

    async fn verify(
        &self,
        store: &HiqliteRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let verified = store.verify(organization).await;
        Some(verified.map_err(|found| found.to_string()))
    }

    async fn tamper(&self, store: &HiqliteRepository, tampering: &Tampering) -> bool {
        let (sql, cells) = stranger::statement(tampering);
        let param = |cell| match cell {
            Value::Null => Param::Null,
            Value::Integer(number) => Param::Integer(number),
            Value::Real(number) => Param::Real(number),
            Value::Text(text) => Param::Text(text),
            Value::Blob(bytes) => Param::Blob(bytes),
        };
        let sql = (sql, cells.into_iter().map(param).collect());
        let counted = (COUNTED.to_owned(), Vec::new());
        let Ok(rows) = store.client().txn([sql, counted]).await else {
            return false; // the tables don't allow it
        };
        matches!(rows.first(), Some(Ok(1)))
    }

    fn spawn(&self, task: Task) {
        drop(RUNTIME.spawn(task));
    }

    fn lag(&self) -> Duration {
        self.lag
    }

    fn time_limit(&self) -> Duration {
        Duration::from_mins(10)
    }
}

mod through_the_leader {
    use super::*;
    suite!(
        harness = Cluster::through_the_leader(),
        run = |test| RUNTIME.block_on(test),
        without = [round_trips],
    );
}

// What does one thing after the other is the same wherever it begins.
mod through_a_follower {
    use super::*;
    suite!(
        harness = Cluster::through_a_follower(),
        run = |test| RUNTIME.block_on(test),
        without = [keys, lists, values, log, verify, round_trips],
    );
}

/// The known races, with 64 writers.
#[test]
fn the_known_races_break_no_rule() -> Result<(), Failure> {
    RUNTIME.block_on(async { races(&Cluster::through_the_leader(), 1, 64).await })
}
