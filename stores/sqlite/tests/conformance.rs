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

mod in_place {
    use super::*;
    suite!(harness = Files::new(quick()), without = [round_trips]); // there is no way to make
}

mod on_threads {
    use super::*;
    suite!(harness = Files::new(threaded()), without = [round_trips]);
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
}
