//! The store in memory keeps every promise.

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
}

suite!(harness = Memory);
