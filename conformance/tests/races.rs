//! The known races, on the store in memory. `TENANCY_ROUNDS` says how often.

use tenancy::store::MemoryRepository;
use tenancy_conformance::{Failure, Harness, races};

struct Memory;

impl Harness for Memory {
    type Repository = MemoryRepository;

    async fn fresh(&self) -> MemoryRepository {
        MemoryRepository::new()
    }

    async fn another(&self, same: &MemoryRepository) -> MemoryRepository {
        same.clone()
    }
}

#[test]
fn known_races_break_no_rule() -> Result<(), Failure> {
    let rounds = std::env::var("TENANCY_ROUNDS").map_or(20, |rounds| rounds.parse().unwrap_or(20));
    tenancy::block_on(races(&Memory, rounds, 64))
}
