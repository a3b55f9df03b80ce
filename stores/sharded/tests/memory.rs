//! Shards and their registry keep every promise of the contract together.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use tenancy::OrganizationId;
use tenancy::store::MemoryRepository;
use tenancy_conformance::{Harness, suite};
use tenancy_sharded::{MemoryRegistry, Shard, Sharded};

/// Three stores in memory. Handles share the shards and the registry, and nothing of what they know.
struct InMemory;

type Memories = Sharded<MemoryRepository, MemoryRegistry>;

impl Harness for InMemory {
    type Repository = Memories;

    async fn fresh(&self) -> Memories {
        let shards = ["a", "b", "c"].map(|name| Shard::new(name, MemoryRepository::new()));
        Sharded::open(shards, MemoryRegistry::new()).await.unwrap()
    }

    async fn another(&self, same: &Memories) -> Memories {
        let shards = same.shards().to_vec();
        Sharded::open(shards, same.registry().clone())
            .await
            .unwrap()
    }

    /// Everything that a handle knows is forgotten.
    async fn reopen(&self, store: Memories) -> Option<Memories> {
        Some(self.another(&store).await)
    }

    async fn verify(
        &self,
        store: &Memories,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let shard = store.shard_of(organization).unwrap();
        let verified = shard.store().verify(organization);
        Some(verified.map_err(|drift| drift.to_string()))
    }
}

suite!(harness = InMemory, without = [round_trips, tamper]);
