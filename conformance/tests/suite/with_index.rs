//! The suite on a store whose checks are answered from memory.

use tenancy::store::{MemoryRepository, WithIndex};
use tenancy_conformance::{Harness, suite};

/// The index of one process, whose handles share it.
struct Indexed;

impl Harness for Indexed {
    type Repository = WithIndex<MemoryRepository>;

    async fn fresh(&self) -> WithIndex<MemoryRepository> {
        WithIndex::new(MemoryRepository::new())
    }

    async fn another(&self, same: &WithIndex<MemoryRepository>) -> WithIndex<MemoryRepository> {
        same.clone()
    }
}

// Lists go to the store as they are.
suite!(
    harness = Indexed,
    without = [lists, reopen, round_trips, verify, tamper]
);
