//! Databases for tests: made from a migrated template, and dropped.

#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "each test binary that includes this uses its own part of it, and fails by panicking"
)]

pub mod deliveries;
pub mod people;
pub mod stranger;

use std::io::Write as _;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, PgPool};
use tokio::runtime::Runtime;
use tokio::sync::OnceCell;

use tenancy_clusters::{Cluster, PgBouncer, PoolMode};

/// One runtime for all tests of a binary: a pool belongs to the runtime that opened its connections.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
});

static TEMPLATE: OnceCell<()> = OnceCell::const_new();
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// Databases whose test has ended, to be emptied for another: to make one takes the server a fifth of a second.
static IDLE: Mutex<Vec<Database>> = Mutex::new(Vec::new());

pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

/// One server for all tests of a binary; `None` if none is installed here. It goes when the process ends.
static CLUSTER: LazyLock<Option<Cluster>> = LazyLock::new(|| {
    // These tests don't crash it, and those of plans make the statistics themselves.
    Cluster::start(&["fsync = off", "full_page_writes = off", "autovacuum = off"])
});

/// How to reach the server, if there is one.
pub fn server() -> Option<PgConnectOptions> {
    let url = CLUSTER.as_ref()?.url("postgres");
    Some(url.parse().unwrap())
}

/// A pooler before that server; `None` if none is installed here.
static POOLER: LazyLock<Option<PgBouncer>> =
    LazyLock::new(|| PgBouncer::start(server()?.get_port(), PoolMode::Session, 64));

/// PgBouncer in session mode before the server, if both are installed.
pub fn pooler() -> Option<&'static PgBouncer> {
    POOLER.as_ref()
}

/// What a test may return.
pub trait Verdict {
    fn skipped() -> Self;
}

impl Verdict for () {
    fn skipped() {}
}

impl<E> Verdict for Result<(), E> {
    fn skipped() -> Self {
        Ok(())
    }
}

/// Runs a test on the shared runtime. Without a server it is skipped, and says so.
pub fn tested<T: Verdict>(test: impl Future<Output = T>) -> T {
    tested_if(server().is_some(), "PostgreSQL server", test)
}

/// Runs a test that needs a pooler before the server, too.
pub fn tested_through_a_pooler<T: Verdict>(test: impl Future<Output = T>) -> T {
    tested_if(pooler().is_some(), "PgBouncer", test)
}

fn tested_if<T: Verdict>(there: bool, what: &str, test: impl Future<Output = T>) -> T {
    if !there {
        // Not `eprintln!`, which is shown only of tests that fail.
        let test = std::thread::current();
        let test = test.name().unwrap_or_default();
        let line = format!("SKIPPED {test}: there is no {what}\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return T::skipped();
    }
    // Boxed, so that the runtime is compiled once and not once a test.
    runtime().block_on(Box::pin(test) as Pin<Box<dyn Future<Output = T>>>)
}

/// A database of its own, with the tables, dropped in the end.
#[derive(Debug)]
pub struct Database {
    pub name: String,
    pub options: PgConnectOptions,
}

impl Database {
    /// With the tables.
    pub async fn migrated() -> Self {
        let server = server().unwrap();
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
        Self::made(&server, &name, "tenancy_template").await
    }

    /// With the tables, empty: one that another test has done with. For tests that change no table's definition, and that
    /// [give it back](Self::give_back).
    pub async fn reused() -> Self {
        let idle = IDLE.lock().unwrap().pop();
        let Some(idle) = idle else {
            return Self::migrated().await;
        };
        let pool = idle.pool(1).await;
        // Whoever is still at work in it is stopped first, and waited for.
        let at_work = "SELECT count(pg_terminate_backend(pid, 60000)) FROM pg_stat_activity \
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        while sqlx::query_scalar::<_, i64>(at_work)
            .fetch_one(&pool)
            .await
            .unwrap()
            > 0
        {}
        // A table of a few pages is emptied faster row by row than by a new file for it and each of its indexes.
        let empty = "DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT format('tenancy.%I', tablename) FROM pg_tables \
            WHERE schemaname = 'tenancy' AND tablename <> 'migrations' LOOP \
            IF pg_relation_size(t) < 262144 THEN EXECUTE 'DELETE FROM ' || t; \
            ELSE EXECUTE 'TRUNCATE ' || t || ' CASCADE'; END IF; END LOOP; END $$";
        sqlx::raw_sql(empty).execute(&pool).await.unwrap();
        pool.close().await;
        idle
    }

    /// Leaves it to another test.
    pub fn give_back(self) {
        IDLE.lock().unwrap().push(self);
    }

    /// Without any.
    pub async fn empty() -> Self {
        Self::in_encoding("UTF8").await
    }

    /// Without any, for text in an encoding.
    pub async fn in_encoding(encoding: &str) -> Self {
        let name = format!("tenancy_{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        let template = format!("template0 ENCODING '{encoding}'");
        Self::made(&server().unwrap(), &name, &template).await
    }

    async fn made(server: &PgConnectOptions, name: &str, template: &str) -> Self {
        run(
            server,
            format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"),
        )
        .await;
        run(
            server,
            format!("CREATE DATABASE {name} TEMPLATE {template}"),
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
        .acquire_timeout(Duration::from_mins(1))
        .test_before_acquire(false)
        .connect_with(options)
        .await
        .unwrap()
}

/// One statement, on a connection of its own.
async fn run(server: &PgConnectOptions, statement: String) {
    use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
    let mut connection = server.clone().database("postgres").connect().await.unwrap();
    connection.execute(AssertSqlSafe(statement)).await.unwrap();
    connection.close().await.unwrap();
}
