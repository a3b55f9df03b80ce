//! The suite on the store in memory, on a runtime that isn't its own, and what it says of itself.

mod moves;
mod on_tokio;
mod races;
mod table;
mod with_index;

use tenancy::OrganizationId;
use tenancy::store::MemoryRepository;
use tenancy_conformance::{Harness, suite};

/// One type for all that these tests need of a harness: the suite is compiled for each.
#[derive(Clone, Copy)]
enum Memory {
    Whole,
    WithoutVerify,
    Panics,
}

impl Harness for Memory {
    type Repository = MemoryRepository;

    async fn fresh(&self) -> MemoryRepository {
        assert!(!matches!(self, Self::Panics), "no such database");
        MemoryRepository::new()
    }

    async fn another(&self, same: &MemoryRepository) -> MemoryRepository {
        same.clone()
    }

    async fn verify(
        &self,
        store: &MemoryRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let found = store.verify(organization);
        let found = found.map_err(|drift| drift.to_string());
        matches!(self, Self::Whole).then_some(found)
    }
}

// It keeps nothing that could be opened again, sends nothing that could be counted, and lets nobody behind its
// back.
suite!(
    harness = Memory::Whole,
    without = [reopen, round_trips, tamper]
);
