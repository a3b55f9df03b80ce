//! Databases for tests: made from a migrated template, and dropped.

#![allow(
    dead_code,
    reason = "each test binary that includes this uses its own part of it"
)]

mod counting;

use std::str::FromStr;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions, PgSslMode};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

pub use counting::Counting;

/// One runtime for all tests of a binary: a pool belongs to the runtime that opened its connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
});

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// How to reach the server, or why there is none.
pub fn server() -> Option<PgConnectOptions> {
    let url = std::env::var("TENANCY_DEV_SERVER").ok()?;
    Some(
        PgConnectOptions::from_str(&url)
            .unwrap()
            .ssl_mode(PgSslMode::Disable),
    )
}

/// A database of its own, with the tables, dropped in the end.
#[derive(Debug)]
pub struct Database {
    pub name: String,
    pub options: PgConnectOptions,
}

impl Database {
    /// With the tables.
    pub async fn migrated() -> Option<Self> {
        let server = server()?;
        TEMPLATE
            .get_or_init(|| async {
                let template = Self::made(&server, "tenancy_template", "template0").await;
                let pool = template.pool(1).await;
                tenancy_postgres::migrate(&pool).await.unwrap();
                pool.close().await;
                std::mem::forget(template);
            })
            .await;
        let name = format!("tenancy_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Some(Self::made(&server, &name, "tenancy_template").await)
    }

    /// Without any.
    pub async fn empty() -> Option<Self> {
        let name = format!("tenancy_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Some(Self::made(&server()?, &name, "template0").await)
    }

    async fn made(server: &PgConnectOptions, name: &str, template: &str) -> Self {
        run(server, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await;
        run(
            server,
            format!("CREATE DATABASE {name} TEMPLATE {template} ENCODING 'UTF8'"),
        )
        .await;
        Self {
            name: name.to_owned(),
            options: server.clone().database(name),
        }
    }

    pub async fn pool(&self, connections: u32) -> PgPool {
        connect(self.options.clone(), connections).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.options.clone().database("postgres"), self.name.clone());
        drop(RUNTIME.spawn(async move {
            run(&server, format!("DROP DATABASE {name} WITH (FORCE)")).await;
        }));
    }
}

/// A pool as a host would open it.
pub async fn connect(options: PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(60))
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .unwrap()
}

/// One statement, on a connection of its own.
async fn run(server: &PgConnectOptions, statement: String) {
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
    let mut connection = server.clone().database("postgres").connect().await.unwrap();
    connection
        .execute(AssertSqlSafe(statement))
        .await
        .unwrap();
    connection.close().await.unwrap();
}
