//! Four servers, for the deep runs: one for the registry and three shards.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Executor as _};
use tenancy_clusters::Cluster;
use tokio::sync::OnceCell;

use crate::databases::{connect, runtime};

/// They end with the process. They don't crash, so they needn't write to the disk.
static SERVERS: LazyLock<[Cluster; 4]> = LazyLock::new(|| {
    let settings = ["fsync = off", "full_page_writes = off", "autovacuum = off"];
    [0, 1, 2, 3].map(|_| Cluster::start(&settings).unwrap())
});

static TEMPLATES: [OnceCell<()>; 4] = [const { OnceCell::const_new() }; 4];

static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A database with tables, dropped in the end.
pub(crate) struct Fresh {
    pub(crate) way: PgConnectOptions,
}

impl Fresh {
    pub(crate) async fn on(server: usize) -> Self {
        let way =
            |database: &str| -> PgConnectOptions { SERVERS[server].url(database).parse().unwrap() };
        let made = TEMPLATES[server].get_or_init(|| async {
            run(way("postgres"), "CREATE DATABASE template".to_owned()).await;
            let pool = connect(way("template"), 1).await;
            tenancy_postgres::migrate(&pool).await.unwrap();
            pool.close().await;
        });
        made.await;
        let name = format!("shard_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let create = format!("CREATE DATABASE {name} TEMPLATE template");
        run(way("postgres"), create).await;
        Self { way: way(&name) }
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let name = self.way.get_database().unwrap_or_default();
        let gone = format!("DROP DATABASE {name} WITH (FORCE)");
        drop(runtime().spawn(run(self.way.clone().database("postgres"), gone)));
    }
}

async fn run(way: PgConnectOptions, statement: String) {
    let mut connection = way.connect().await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
}
