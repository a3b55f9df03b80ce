//! Three databases and one for the registry keep every promise of the contract together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../../postgres/tests/databases/mod.rs"]
mod databases;

use std::sync::Mutex;

use databases::{Database, connect, runtime, stranger, tested};
use sqlx::Executor as _;
use sqlx::postgres::PgConnectOptions;
use tenancy::OrganizationId;
use tenancy::store::Directory as _;
use tenancy_conformance::{Harness, Tampering, Task, suite};
use tenancy_postgres::PostgresRepository;
use tenancy_sharded::{PostgresRegistry, Shard, Sharded};

type Store = Sharded<PostgresRepository, PostgresRegistry>;

/// Databases for each store, pools for each handle.
#[derive(Default)]
struct Databases(Mutex<Vec<Database>>);

impl Databases {
    async fn made(&self) -> PgConnectOptions {
        let database = Database::reused().await;
        let options = database.options.clone();
        self.0.lock().unwrap().push(database);
        options
    }

    async fn open(&self, ways: [PgConnectOptions; 4]) -> Store {
        let [registry, ways @ ..] = ways;
        let mut shards = Vec::new();
        for (name, way) in ["a", "b", "c"].into_iter().zip(ways) {
            let store = PostgresRepository::new(connect(way, 4).await);
            shards.push(Shard::new(name, store));
        }
        let registry = PostgresRegistry::new(connect(registry, 4).await);
        Sharded::open(shards, registry).await.unwrap()
    }
}

fn ways(store: &Store) -> [PgConnectOptions; 4] {
    let way = |pool: &sqlx::PgPool| (*pool.connect_options()).clone();
    let shard = |number: usize| way(store.shards()[number].store().pool());
    [way(store.registry().pool()), shard(0), shard(1), shard(2)]
}

impl Drop for Databases {
    fn drop(&mut self) {
        let databases = self.0.get_mut().unwrap();
        databases.drain(..).for_each(Database::give_back);
    }
}

impl Harness for Databases {
    type Repository = Store;

    async fn fresh(&self) -> Store {
        let ways = [
            self.made().await,
            self.made().await,
            self.made().await,
            self.made().await,
        ];
        let pool = connect(ways[0].clone(), 1).await;
        // Another test's, which has ended.
        let gone = "DROP SCHEMA IF EXISTS tenancy_registry CASCADE";
        pool.execute(gone).await.unwrap();
        PostgresRegistry::new(pool.clone()).migrate().await.unwrap();
        pool.close().await;
        self.open(ways).await
    }

    async fn another(&self, same: &Store) -> Store {
        self.open(ways(same)).await
    }

    async fn reopen(&self, store: Store) -> Option<Store> {
        let ways = ways(&store);
        for shard in store.shards() {
            shard.store().pool().close().await;
        }
        store.registry().pool().close().await;
        Some(self.open(ways).await)
    }

    async fn verify(
        &self,
        store: &Store,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let shard = store.shard_of(organization).unwrap();
        let verified = shard.store().verify(organization).await;
        Some(verified.map_err(|found| found.to_string()))
    }

    async fn tamper(&self, store: &Store, tampering: &Tampering) -> bool {
        let shard = match tampering {
            Tampering::Misfile { organization, .. }
            | Tampering::Row { organization, .. }
            | Tampering::Put { organization, .. }
            | Tampering::Delete { organization, .. }
            | Tampering::Garble { organization, .. } => store.shard_of(*organization).unwrap(),
            Tampering::Claim { claim, holder } => {
                let mut at = store
                    .shard_of(holder.unwrap_or(OrganizationId::new()))
                    .unwrap();
                for shard in store.shards() {
                    if shard.store().claimed_by(claim).await.unwrap().is_some() {
                        at = shard; // where there is a row to change
                    }
                }
                at
            }
            _ => return false,
        };
        stranger::tamper(shard.store().pool(), tampering).await
    }

    fn spawn(&self, task: Task) {
        drop(runtime().spawn(task));
    }
}

suite!(
    harness = Databases::default(),
    run = tested,
    without = [round_trips]
);
