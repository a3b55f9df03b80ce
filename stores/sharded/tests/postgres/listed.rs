//! Three shards, and an index of lists in the registry's database.

use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Mutex;
use std::time::Duration;

use sqlx::Executor as _;
use tenancy::OrganizationId;
use tenancy::store::RecordId;
use tenancy_conformance::{Garbled, Harness, Tampering, Task};
use tenancy_sharded::{PostgresLists, WithLists};
use tokio::task::JoinHandle;

use crate::databases::runtime;
use crate::shards::{Shards, Store};

pub(crate) type ListedStore = WithLists<Store, PostgresLists>;

/// Who tells the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fed {
    ByWhoCommits,
    ByOutboxes,
}

pub(crate) struct Listed {
    pub(crate) shards: Shards,
    fed: Fed,
    workers: Mutex<Vec<JoinHandle<()>>>,
}

impl Listed {
    fn new(fed: Fed) -> Self {
        Self {
            shards: Shards::default(),
            fed,
            workers: Mutex::default(),
        }
    }

    pub(crate) fn told_of_each_commit() -> Self {
        Self::new(Fed::ByWhoCommits)
    }

    pub(crate) fn fed_by_outboxes() -> Self {
        Self::new(Fed::ByOutboxes)
    }

    fn over(&self, store: Store) -> ListedStore {
        let lists = PostgresLists::new(store.registry().pool().clone());
        let listed = WithLists::new(store, lists).told_every(NonZeroU64::MIN);
        match self.fed {
            Fed::ByWhoCommits => listed,
            Fed::ByOutboxes => listed.left_to_the_outbox(),
        }
    }
}

/// Takes from the outbox of the shard of this number, until it is aborted.
pub(crate) async fn works(index: ListedStore, shard: usize) {
    let many = NonZeroU32::new(50).unwrap();
    loop {
        let outbox = index.store().shards()[shard].store().outbox();
        let outbox = outbox
            .lease(Duration::from_millis(500))
            .retry_after(Duration::from_millis(5));
        let delivery = index.deliver(outbox, many).await.unwrap();
        if delivery.delivered == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Waits until the shards' outboxes have handed over all there was.
pub(crate) async fn are_empty(store: &Store) {
    for shard in store.shards() {
        loop {
            let depth = shard.store().outbox().depth().await.unwrap();
            assert_eq!(depth.parked, 0);
            if depth.organizations == 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
}

impl Drop for Listed {
    fn drop(&mut self) {
        let workers = self.workers.get_mut().unwrap();
        workers.drain(..).for_each(|worker| worker.abort());
    }
}

impl Harness for Listed {
    type Repository = ListedStore;

    async fn fresh(&self) -> ListedStore {
        let store = self.shards.fresh().await;
        let pool = store.registry().pool();
        // Another test's, which has ended.
        let gone = "DROP SCHEMA IF EXISTS tenancy_lists CASCADE";
        pool.execute(gone).await.unwrap();
        let lists = PostgresLists::new(pool.clone());
        lists.migrate().await.unwrap();
        lists.migrate().await.unwrap(); // nothing is left to do
        if self.fed == Fed::ByOutboxes {
            for shard in 0..3 {
                let worker = self.over(self.shards.another(&store).await);
                let worker = runtime().spawn(works(worker, shard));
                self.workers.lock().unwrap().push(worker);
            }
        }
        self.over(store)
    }

    async fn another(&self, same: &ListedStore) -> ListedStore {
        self.over(self.shards.another(same.store()).await)
    }

    async fn verify(
        &self,
        store: &ListedStore,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        self.shards.verify(store.store(), organization).await
    }

    /// What is garbled on a shard is garbled in the index, once the index has been told of all that was before.
    async fn tamper(&self, store: &ListedStore, tampering: &Tampering) -> bool {
        if self.fed == Fed::ByOutboxes {
            are_empty(store.store()).await;
        }
        let (organization, at, json) = match tampering {
            Tampering::Put {
                organization,
                record,
            } => (
                organization,
                Some(record.id()),
                serde_json::to_string(record).unwrap(),
            ),
            Tampering::Garble {
                organization,
                garbled,
            } => {
                let at = match garbled {
                    Garbled::Record(id) => Some(id.clone()),
                    Garbled::Summary | Garbled::LogEntry(_) => None,
                };
                if garbled == &Garbled::Summary {
                    let text = "UPDATE tenancy_lists.organizations SET summary = '{\"of_the_future\": {}}' WHERE id = $1";
                    let garble = sqlx::query(text).bind(organization.as_uuid());
                    garble.execute(store.lists().pool()).await.unwrap();
                }
                (organization, at, "{\"of_the_future\": {}}".to_owned())
            }
            _ => return false,
        };
        let kept = match at {
            Some(RecordId::Member(user)) => Some(("members", "user_id", user.as_uuid())),
            Some(RecordId::Workspace(id)) => Some(("workspaces", "id", id.as_uuid())),
            Some(RecordId::Invitation(id)) => Some(("invitations", "id", id.as_uuid())),
            _ => None,
        };
        if let Some((table, key, id)) = kept {
            let text = format!(
                "UPDATE tenancy_lists.{table} SET record = $3::json WHERE organization_id = $1 AND {key} = $2"
            );
            let garble = sqlx::query(sqlx::AssertSqlSafe(text))
                .bind(organization.as_uuid())
                .bind(id)
                .bind(json);
            let garbled = garble.execute(store.lists().pool()).await.unwrap();
            assert_eq!(garbled.rows_affected(), 1);
        }
        self.shards.tamper(store.store(), tampering).await
    }

    fn spawn(&self, task: Task) {
        drop(runtime().spawn(task));
    }

    fn lag(&self) -> Duration {
        match self.fed {
            Fed::ByWhoCommits => Duration::ZERO,
            Fed::ByOutboxes => Duration::from_secs(20),
        }
    }
}
