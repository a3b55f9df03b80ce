//! The store keeps every promise of the contract, in place and on threads.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "world/stranger.rs"]
mod stranger;
mod world;

use std::sync::Mutex;

use rusqlite::{Connection, ErrorCode, params_from_iter};
use tenancy::OrganizationId;
use tenancy_conformance::{Harness, Tampering, suite};
use tenancy_sqlite::{Options, SqliteRepository};
use world::{Disk, quick, threaded};

/// Files in directories of their own, deleted with the harness.
struct Files {
    options: Options,
    places: Mutex<Vec<Disk>>,
}

impl Files {
    fn new(options: Options) -> Self {
        Self {
            options,
            places: Mutex::default(),
        }
    }
}

impl Harness for Files {
    type Repository = SqliteRepository;

    async fn fresh(&self) -> SqliteRepository {
        let place = Disk::new(self.options.clone());
        let store = place.open();
        self.places.lock().unwrap().push(place);
        store
    }

    /// The same file, opened a second time: nothing is shared but the file.
    async fn another(&self, same: &SqliteRepository) -> SqliteRepository {
        SqliteRepository::open_with(same.path(), &self.options).unwrap()
    }

    async fn reopen(&self, store: SqliteRepository) -> Option<SqliteRepository> {
        let path = store.path().to_owned();
        drop(store);
        Some(SqliteRepository::open_with(path, &self.options).unwrap())
    }

    async fn verify(
        &self,
        store: &SqliteRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let verified = store.verify(organization).await;
        Some(verified.map_err(|found| found.to_string()))
    }

    /// Writes as somebody would who doesn't know the library: with SQL, and around no check of the tables.
    async fn tamper(&self, store: &SqliteRepository, tampering: &Tampering) -> bool {
        let connection = Connection::open(store.path()).unwrap();
        let (sql, cells) = stranger::statement(tampering);
        match connection.execute(&sql, params_from_iter(cells)) {
            Ok(rows) => rows == 1,
            Err(error) => {
                let code = error.sqlite_error_code();
                assert_eq!(code, Some(ErrorCode::ConstraintViolation), "{error}");
                false
            }
        }
    }
}

/// Files in which the host writes a row with each commit.
struct WithRows(Files);

impl WithRows {
    const TABLE: &str = "CREATE TABLE IF NOT EXISTS host_rows (commit_id BLOB PRIMARY KEY)";

    /// What a commit was made without, or the other way round.
    const ALONE: &str = "\
        SELECT count(*) FROM (SELECT id FROM tenancy_commits EXCEPT SELECT commit_id FROM host_rows
        UNION ALL SELECT * FROM (SELECT commit_id FROM host_rows EXCEPT SELECT id FROM tenancy_commits))";

    fn with_rows(store: SqliteRepository) -> SqliteRepository {
        let file = Connection::open(store.path()).unwrap();
        file.execute(Self::TABLE, []).unwrap();
        store.with_rows(|connection, commit| {
            let id = *commit.id().as_uuid().as_bytes();
            connection.execute("INSERT INTO host_rows VALUES (?1)", [id])?;
            Ok(())
        })
    }

    /// Every commit came with its row, and every row with its commit.
    fn assert_together(&self) {
        let places = self.0.places.lock().unwrap();
        assert!(!places.is_empty());
        for place in &*places {
            let file = Connection::open(place.path()).unwrap();
            let count = |text| file.query_row(text, [], |row| row.get(0)).unwrap();
            let (rows, alone): (u32, u32) =
                (count("SELECT count(*) FROM host_rows"), count(Self::ALONE));
            assert!(rows > 0);
            assert_eq!(alone, 0);
        }
    }
}

impl Harness for WithRows {
    type Repository = SqliteRepository;

    async fn fresh(&self) -> SqliteRepository {
        Self::with_rows(self.0.fresh().await)
    }

    async fn another(&self, same: &SqliteRepository) -> SqliteRepository {
        Self::with_rows(self.0.another(same).await)
    }

    async fn reopen(&self, store: SqliteRepository) -> Option<SqliteRepository> {
        self.0.reopen(store).await.map(Self::with_rows)
    }

    async fn verify(
        &self,
        store: &SqliteRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        self.0.verify(store, organization).await
    }

    async fn tamper(&self, store: &SqliteRepository, tampering: &Tampering) -> bool {
        self.0.tamper(store, tampering).await
    }
}

mod in_place {
    use super::*;
    suite!(harness = Files::new(quick()), without = [round_trips]); // there is no way to make
}

mod on_threads {
    use super::*;
    suite!(harness = Files::new(threaded()), without = [round_trips]);
}

// What a host writes with a commit changes nothing of a commit.
mod with_rows {
    use super::*;
    suite!(
        harness = WithRows(Files::new(threaded())),
        without = [
            promise_2,
            promise_3,
            keys,
            lists,
            values,
            standing,
            verify,
            round_trips
        ],
    );
}

/// The known races, with 64 writers. `TENANCY_ROUNDS` says how often.
mod known_races {
    use super::*;
    use tenancy_conformance::{Failure, races};

    fn rounds() -> u32 {
        std::env::var("TENANCY_ROUNDS").map_or(3, |rounds| rounds.parse().unwrap())
    }

    #[test]
    fn break_no_rule_in_place() -> Result<(), Failure> {
        tenancy::block_on(races(&Files::new(quick()), rounds(), 64))
    }

    #[test]
    fn break_no_rule_on_threads() -> Result<(), Failure> {
        tenancy::block_on(races(&Files::new(threaded()), rounds(), 64))
    }

    #[test]
    fn bring_each_commit_its_row() -> Result<(), Failure> {
        let harness = WithRows(Files::new(quick()));
        tenancy::block_on(races(&harness, rounds(), 64))?;
        harness.assert_together();
        Ok(())
    }
}
