//! The store keeps every promise of the contract, at each isolation level, on a real server.

mod support;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{Executor as _, PgPool};
use support::cluster::Cluster;
use support::proxy::Proxy;
use tenancy_conformance::{Failure, Harness, Task, suite};
use tenancy_postgres::PostgresRepository;
use tokio::runtime::Runtime;

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Runtime::new().unwrap())
}

/// One server for all tests; what they write needn't survive it.
fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER
        .get_or_init(|| {
            let settings = [
                "fsync = off",
                "synchronous_commit = off",
                "full_page_writes = off",
            ];
            let cluster = Cluster::start(&settings)?;
            runtime().block_on(async {
                let admin = connect(&options(cluster.port(), "postgres")).await;
                admin.execute("CREATE DATABASE empty").await.unwrap();
                let empty = connect(&options(cluster.port(), "empty")).await;
                tenancy_postgres::migrate(&empty).await.unwrap();
                empty.close().await;
            });
            Some(cluster)
        })
        .as_ref()
}

/// Runs a check on the runtime; passes, having said so, where there is no server.
fn run<F>(check: F) -> Result<(), Failure>
where
    F: Future<Output = Result<(), Failure>>,
{
    if cluster().is_none() {
        return Ok(());
    }
    runtime().block_on(check)
}

fn options(port: u16, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("postgres")
        .database(database)
}

async fn connect(options: &PgConnectOptions) -> PgPool {
    PgPoolOptions::new()
        .max_connections(8)
        .acquire_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
        .unwrap()
}

/// A database for each fresh store, at one isolation level.
struct Databases {
    isolation: &'static str,
    /// What counts a store's round trips, by the port through which it connects.
    proxies: Mutex<HashMap<u16, Proxy>>,
    made: Mutex<Vec<String>>,
}

impl Databases {
    fn at(isolation: &'static str) -> Self {
        Self {
            isolation,
            proxies: Mutex::default(),
            made: Mutex::default(),
        }
    }

    async fn open(&self, database: &str) -> PostgresRepository {
        let proxy = Proxy::to(cluster().unwrap().port()).await;
        let level = [("default_transaction_isolation", self.isolation)];
        let options = options(proxy.port(), database).options(level);
        self.proxies.lock().unwrap().insert(proxy.port(), proxy);
        PostgresRepository::new(connect(&options).await)
    }

    fn database_of(store: &PostgresRepository) -> String {
        let options = store.pool().connect_options();
        options.get_database().unwrap().to_owned()
    }
}

async fn as_admin(statement: String) -> Result<(), sqlx::Error> {
    let admin = connect(&options(cluster().unwrap().port(), "postgres")).await;
    let done = admin.execute(sqlx::AssertSqlSafe(statement)).await;
    admin.close().await;
    done.map(drop)
}

impl Drop for Databases {
    fn drop(&mut self) {
        for database in self.made.get_mut().unwrap().drain(..) {
            runtime().spawn(as_admin(format!("DROP DATABASE {database} WITH (FORCE)")));
        }
    }
}

impl Harness for Databases {
    type Repository = PostgresRepository;

    async fn fresh(&self) -> PostgresRepository {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let database = format!("check_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        as_admin(format!("CREATE DATABASE {database} TEMPLATE empty"))
            .await
            .unwrap();
        self.made.lock().unwrap().push(database.clone());
        self.open(&database).await
    }

    async fn another(&self, same: &PostgresRepository) -> PostgresRepository {
        self.open(&Self::database_of(same)).await
    }

    async fn reopen(&self, store: PostgresRepository) -> Option<PostgresRepository> {
        let database = Self::database_of(&store);
        store.pool().close().await;
        Some(self.open(&database).await)
    }

    fn round_trips(&self, store: &PostgresRepository) -> Option<u64> {
        let port = store.pool().connect_options().get_port();
        let proxies = self.proxies.lock().unwrap();
        proxies.get(&port).map(Proxy::round_trips)
    }

    fn spawn(&self, task: Task) {
        drop(runtime().spawn(task));
    }
}

mod read_committed {
    use super::*;
    suite!(harness = Databases::at("read committed"), run = run);
}

mod repeatable_read {
    use super::*;
    suite!(harness = Databases::at("repeatable read"), run = run);
}

mod serializable {
    use super::*;
    suite!(harness = Databases::at("serializable"), run = run);
}
