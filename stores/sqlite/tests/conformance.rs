//! The store keeps every promise of the contract, in place and on threads.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod world;

use std::sync::Mutex;

use tenancy_conformance::{Harness, suite};
use tenancy_sqlite::{Options, SqliteRepository};
use world::{Place, quick, threaded};

/// Files in directories of their own, deleted with the harness.
struct Files {
    options: Options,
    places: Mutex<Vec<Place>>,
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
        let place = Place::new(self.options.clone());
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
}

mod in_place {
    use super::*;
    suite!(harness = Files::new(quick()));
}

mod on_threads {
    use super::*;
    suite!(harness = Files::new(threaded()));
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
