//! The worker between a shard's outbox and the index.

use core::num::NonZeroU32;

use tenancy::store::{Directory, Fed, Repository};
use tenancy_postgres::{Delivery, Error, Outbox};

use crate::lists::Lists;
use crate::with_lists::{ListsError, WithLists};

impl<R: Directory, L: Lists> WithLists<R, L> {
    /// Hands up to `limit` entries of a shard's outbox to the index, organization by organization, and remembers that they
    /// were. A worker for each shard calls it again and again; any number of them may.
    ///
    /// An outbox has one reader. Where a host hands its entries to something else as well, such as mails, call
    /// [`follow`](Self::follow) there.
    ///
    /// A worker that is stopped on the way leaves its organization to another one, when the lease is over. An organization
    /// that moves to another shard meanwhile takes along what is still to be delivered, and is read where it lives.
    ///
    /// # Errors
    ///
    /// Whatever fails in the outbox; what was delivered last may be delivered again. What fails in the store or in the index
    /// is in [`Delivery::failed`], with the first entry that it concerns, and is delivered again after a pause.
    pub async fn deliver(
        &self,
        outbox: Outbox<'_>,
        limit: NonZeroU32,
    ) -> Result<Delivery<ListsError<<R as Repository>::Error, L::Error>>, Error> {
        let mut delivery = Delivery {
            delivered: 0,
            failed: Vec::new(),
            parked: 0,
        };
        let mut left = Some(limit);
        while let Some(limit) = left {
            let Some(batch) = outbox.take(limit).await? else {
                break;
            };
            delivery.parked = delivery.parked.saturating_add(batch.parked());
            let entries = batch.entries();
            let count = u32::try_from(entries.len()).unwrap_or(u32::MAX);
            // What an entry that can't be read says, nobody knows.
            let fed = if batch.parked() > 0 {
                self.catch_up(batch.organization()).await
            } else {
                self.follow(entries).await
            };
            match (fed, entries.first().cloned()) {
                // Others were faster again and again: whether these entries are in it, nobody has seen.
                (Ok(Fed::Behind), _) => {
                    outbox.settle(batch, 0, None).await?;
                }
                (Ok(_), _) => {
                    outbox.settle(batch, count, None).await?;
                    delivery.delivered = delivery.delivered.saturating_add(count);
                }
                (Err(error), Some(first)) => {
                    let said = error.to_string();
                    outbox.settle(batch, 0, Some(&said)).await?;
                    delivery.failed.push((first, error));
                }
                // It isn't settled: it is handed out again when the lease is over.
                (Err(_), None) => {}
            }
            left = NonZeroU32::new(limit.get().saturating_sub(count.max(1)));
        }
        Ok(delivery)
    }
}
