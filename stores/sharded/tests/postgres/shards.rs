//! Three shards and their registry, each in a database of its own.

use std::sync::Mutex;

use sqlx::postgres::PgConnectOptions;
use sqlx::{Executor as _, PgPool};
use tenancy::store::Directory as _;
use tenancy::{OrganizationId, UserId};
use tenancy_conformance::{Harness, Tampering, Task};
use tenancy_postgres::PostgresRepository;
use tenancy_sharded::{PostgresRegistry, Shard, Sharded};

use crate::databases::{Database, connect, runtime, stranger};
use crate::proxy::Proxy;
use crate::servers::Fresh;

pub(crate) type Store = Sharded<PostgresRepository, PostgresRegistry>;

/// Databases for each store, and pools for each handle.
#[derive(Default)]
pub(crate) struct Shards {
    on_four_servers: bool,
    reused: Mutex<Vec<Database>>,
    fresh: Mutex<Vec<Fresh>>,
    /// What counts between a handle and a database, and the way to that.
    proxies: Mutex<Vec<(Proxy, PgConnectOptions)>>,
}

impl Shards {
    pub(crate) fn on_four_servers() -> Self {
        let mut shards = Self::default();
        shards.on_four_servers = true;
        shards
    }

    /// A database with tables; each time on the next server, where there are several.
    async fn database(&self, server: usize) -> PgConnectOptions {
        if self.on_four_servers {
            let fresh = Fresh::on(server).await;
            let way = fresh.way.clone();
            self.fresh.lock().unwrap().push(fresh);
            return way;
        }
        let database = Database::reused().await;
        let way = database.options.clone();
        self.reused.lock().unwrap().push(database);
        way
    }

    /// A handle on the registry behind the first of these ways, and on the shards behind the others.
    async fn opened(&self, ways: [PgConnectOptions; 4]) -> Store {
        let [registry, ways @ ..] = ways;
        let mut shards = Vec::new();
        for (name, way) in ["a", "b", "c"].into_iter().zip(ways) {
            let store = PostgresRepository::new(self.counted(way).await);
            shards.push(Shard::new(name, store));
        }
        let registry = PostgresRegistry::new(self.counted(registry).await);
        Sharded::open(shards, registry).await.unwrap()
    }

    async fn counted(&self, way: PgConnectOptions) -> PgPool {
        let proxy = Proxy::to(way.get_port()).await;
        let pool = connect(way.clone().port(proxy.port()), 4).await;
        self.proxies.lock().unwrap().push((proxy, way));
        pool
    }

    /// The ways to what a handle is on.
    fn ways(&self, store: &Store) -> [PgConnectOptions; 4] {
        let proxies = self.proxies.lock().unwrap();
        ports(store).map(|port| {
            let mut proxies = proxies.iter();
            let (_, way) = proxies.find(|(proxy, _)| proxy.port() == port).unwrap();
            way.clone()
        })
    }
}

/// Where a handle's pools lead: the registry's, and then the shards'.
fn ports(store: &Store) -> [u16; 4] {
    let port = |pool: &PgPool| pool.connect_options().get_port();
    let shard = |number: usize| port(store.shards()[number].store().pool());
    [port(store.registry().pool()), shard(0), shard(1), shard(2)]
}

/// The id of an organization that would live on this shard.
pub(crate) fn id_on(store: &Store, shard: &str) -> OrganizationId {
    loop {
        let id = OrganizationId::new();
        if store.shard_of(id).unwrap().name() == shard {
            return id;
        }
    }
}

pub(crate) fn ann() -> tenancy::Actor {
    let address = tenancy::VerifiedEmail::attest("ann@acme.example".parse().unwrap());
    tenancy::Actor::user(UserId::from_external("ann"), address)
}

impl Drop for Shards {
    fn drop(&mut self) {
        let databases = self.reused.get_mut().unwrap();
        databases.drain(..).for_each(Database::give_back);
    }
}

impl Harness for Shards {
    type Repository = Store;

    async fn fresh(&self) -> Store {
        let ways = [
            self.database(0).await,
            self.database(1).await,
            self.database(2).await,
            self.database(3).await,
        ];
        let pool = connect(ways[0].clone(), 1).await;
        // Another test's, which has ended.
        let gone = "DROP SCHEMA IF EXISTS tenancy_registry CASCADE";
        pool.execute(gone).await.unwrap();
        let registry = PostgresRegistry::new(pool);
        registry.migrate().await.unwrap();
        registry.migrate().await.unwrap(); // nothing is left to do
        registry.pool().close().await;
        self.opened(ways).await
    }

    async fn another(&self, same: &Store) -> Store {
        self.opened(self.ways(same)).await
    }

    async fn reopen(&self, store: Store) -> Option<Store> {
        let ways = self.ways(&store);
        for shard in store.shards() {
            shard.store().pool().close().await;
        }
        store.registry().pool().close().await;
        Some(self.opened(ways).await)
    }

    fn round_trips(&self, store: &Store) -> Option<u64> {
        let ports = ports(store);
        let proxies = self.proxies.lock().unwrap();
        let its = proxies
            .iter()
            .filter(|(proxy, _)| ports.contains(&proxy.port()));
        Some(its.map(|(proxy, _)| proxy.round_trips()).sum())
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
                let holder = holder.unwrap_or(OrganizationId::new());
                let mut at = store.shard_of(holder).unwrap();
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
