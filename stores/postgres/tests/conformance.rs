//! The store keeps every promise of the contract, at each isolation level that PostgreSQL has.

mod databases;

use std::future::Future;
use std::sync::Mutex;

use databases::{Counting, Database, connect, runtime};
use tenancy_conformance::{Failure, Harness, Task, suite};
use tenancy_postgres::PostgresRepository;

/// A database for each store, a pool for each handle.
struct Postgres {
    isolation: &'static str,
    databases: Mutex<Vec<Database>>,
    ways: Mutex<Vec<Counting>>,
}

impl Postgres {
    fn new(isolation: &'static str) -> Self {
        Self {
            isolation,
            databases: Mutex::default(),
            ways: Mutex::default(),
        }
    }

    /// A handle of its own: another pool, another way to the server.
    async fn open(&self, options: &sqlx::postgres::PgConnectOptions) -> PostgresRepository {
        let way = Counting::before(options).await;
        let options = way
            .options
            .clone()
            .options([("default_transaction_isolation", self.isolation)]);
        self.ways.lock().unwrap().push(way);
        let pool = connect(options, 8).await;
        tenancy_postgres::check_schema(&pool).await.unwrap();
        PostgresRepository::new(pool)
    }

    /// The way to the server of the database that a handle is on, without anything before it.
    fn behind(&self, store: &PostgresRepository) -> sqlx::postgres::PgConnectOptions {
        let name = store.pool().connect_options().get_database().unwrap().to_owned();
        let databases = self.databases.lock().unwrap();
        let database = databases.iter().find(|database| database.name == name);
        database.unwrap().options.clone()
    }
}

impl Harness for Postgres {
    type Repository = PostgresRepository;

    async fn fresh(&self) -> PostgresRepository {
        let database = Database::migrated().await.expect("a server, or the test was skipped");
        let options = database.options.clone();
        self.databases.lock().unwrap().push(database);
        self.open(&options).await
    }

    async fn another(&self, same: &PostgresRepository) -> PostgresRepository {
        self.open(&self.behind(same)).await
    }

    async fn reopen(&self, store: PostgresRepository) -> Option<PostgresRepository> {
        let options = self.behind(&store);
        store.pool().close().await;
        Some(self.open(&options).await)
    }

    fn round_trips(&self, store: &PostgresRepository) -> Option<u64> {
        let port = store.pool().connect_options().get_port();
        let ways = self.ways.lock().unwrap();
        let way = ways.iter().find(|way| way.options.get_port() == port);
        way.map(Counting::count)
    }

    fn spawn(&self, task: Task) {
        drop(runtime().spawn(task));
    }
}

/// Runs a check, or says that it was skipped.
fn checked(check: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    if databases::server().is_none() {
        eprintln!("skipped: there is no PostgreSQL here");
        return Ok(());
    }
    runtime().block_on(check)
}

mod read_committed {
    use super::*;
    suite!(harness = Postgres::new("read committed"), run = checked);
}

mod repeatable_read {
    use super::*;
    suite!(harness = Postgres::new("repeatable read"), run = checked);
}

mod serializable {
    use super::*;
    suite!(harness = Postgres::new("serializable"), run = checked);
}
