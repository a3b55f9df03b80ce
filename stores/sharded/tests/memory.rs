//! Shards and their registry keep every promise of the contract together; and so they do with an index of lists.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU64;

use tenancy::OrganizationId;
use tenancy::store::MemoryRepository;
use tenancy_conformance::{Harness, suite};
use tenancy_sharded::{MemoryLists, MemoryRegistry, Shard, Sharded, WithLists};

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

mod with_lists {
    use super::*;

    /// The same behind an index that nothing feeds but the commits that go through it: lists don't lag. What a handle
    /// knows of shards is its own, and the index is one.
    struct Listed;

    fn listed(store: Memories, lists: MemoryLists) -> WithLists<Memories, MemoryLists> {
        WithLists::new(store, lists).told_every(NonZeroU64::MIN)
    }

    impl Harness for Listed {
        type Repository = WithLists<Memories, MemoryLists>;

        async fn fresh(&self) -> Self::Repository {
            listed(InMemory.fresh().await, MemoryLists::new())
        }

        async fn another(&self, same: &Self::Repository) -> Self::Repository {
            listed(InMemory.another(same.store()).await, same.lists().clone())
        }

        /// The index is lost, and is filled in again.
        async fn reopen(&self, store: Self::Repository) -> Option<Self::Repository> {
            let again = listed(InMemory.another(store.store()).await, MemoryLists::new());
            let filled = again.fill_all().await.unwrap();
            assert!(filled.failed.is_empty(), "{filled:?}");
            Some(again)
        }

        async fn verify(
            &self,
            store: &Self::Repository,
            organization: OrganizationId,
        ) -> Option<Result<(), String>> {
            InMemory.verify(store.store(), organization).await
        }
    }

    suite!(harness = Listed, without = [round_trips, tamper]);
}
