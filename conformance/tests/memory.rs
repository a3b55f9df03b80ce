//! The store in memory keeps every promise.

use tenancy::OrganizationId;
use tenancy::store::MemoryRepository;
use tenancy_conformance::{Harness, suite};

struct Memory;

impl Harness for Memory {
    type Repository = MemoryRepository;

    async fn fresh(&self) -> MemoryRepository {
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
        Some(
            store
                .verify(organization)
                .map_err(|drift| drift.to_string()),
        )
    }
}

// It keeps nothing that could be opened again, sends nothing that could be counted, and lets nobody behind its
// back.
suite!(harness = Memory, without = [reopen, round_trips, tamper]);
