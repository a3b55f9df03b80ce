//! Lists: of one organization, and across all shards.

use core::num::NonZeroU32;
use std::collections::BTreeMap;

use futures_util::future::try_join_all;
use tenancy::OrganizationId;
use tenancy::store::{Directory, Item, List, Place};

use crate::registry::Registry;
use crate::sharded::{Failure, Sharded, failed};

/// How often a list is read again because an organization moved meanwhile.
const TIMES: u32 = 16;

impl<S: Directory, R: Registry> Sharded<S, R> {
    /// A page of a list of one organization. An empty one may be that of a shard which the organization has left.
    pub(crate) async fn list_in(
        &self,
        organization: OrganizationId,
        list: &List,
        limit: NonZeroU32,
    ) -> Result<Vec<Item>, Failure<S, R>> {
        loop {
            let shard = self.shard_of(organization)?;
            let page = shard.store.list(list, limit).await;
            let page = page.map_err(|source| failed(shard, source))?;
            if !page.is_empty() {
                return Ok(page);
            }
            let there = shard.store.load(organization, &[]).await;
            let there = there.map_err(|source| failed(shard, source))?;
            if there.is_some() || !self.has_moved(organization, shard).await? {
                return Ok(page);
            }
        }
    }

    /// A page of a list across organizations: a page of each shard's, merged by key.
    ///
    /// While an organization moves, it is on two shards, and the same on both. It would be on none only for who asks one
    /// before it comes and the other after it has gone; then the epoch has risen in between, and all are asked again.
    pub(crate) async fn list_across(
        &self,
        list: &List,
        limit: NonZeroU32,
    ) -> Result<Vec<Item>, Failure<S, R>> {
        let mut page = Vec::new();
        for _ in 0..TIMES {
            let epoch = self.epoch();
            let pages = self.shards().iter().map(async |shard| {
                let page = shard.store.list(list, limit).await;
                page.map_err(|source| failed::<S, R::Error>(shard, source))
            });
            page = merged(list, try_join_all(pages).await?, limit);
            match self.registry().place(None).await {
                Ok((now, _)) if now != epoch => self.learn().await?,
                // Without the registry, nothing moves on.
                Ok(_) | Err(_) => break,
            }
        }
        Ok(page)
    }
}

fn merged(list: &List, pages: Vec<Vec<Item>>, limit: NonZeroU32) -> Vec<Item> {
    let placed = |item| Some((list.place_of(&item)?, item));
    let items: BTreeMap<Place, Item> = pages.into_iter().flatten().filter_map(placed).collect();
    let most = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    items.into_values().take(most).collect()
}
