//! One type for any harness: what runs the suite compiles it once, and not once for each store.

use core::any::Any;
use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use tenancy::store::{
    AnyError, AnyRepository, Claim, Commit, Directory, Facts, Glance, Held, Item, Key, List,
    Outcome, Repository,
};
use tenancy::{OrganizationId, Resource, UserId};

use crate::harness::{Harness, Tampering, Task};

/// A harness, its type forgotten.
#[derive(Clone, Copy)]
pub(crate) struct AnyHarness<'h>(&'h dyn Erased);

/// A store of such a harness, which alone knows its type.
pub(crate) struct AnyStore {
    any: AnyRepository,
    own: Arc<dyn Any + Send + Sync>,
}

type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// The object-safe twin of [`Harness`].
trait Erased: Send + Sync {
    fn fresh(&self) -> Boxed<'_, AnyStore>;
    fn another<'a>(&'a self, same: &'a AnyStore) -> Boxed<'a, AnyStore>;
    fn reopen(&self, store: AnyStore) -> Boxed<'_, Option<AnyStore>>;
    fn round_trips(&self, store: &AnyStore) -> Option<u64>;
    fn verify<'a>(
        &'a self,
        store: &'a AnyStore,
        organization: OrganizationId,
    ) -> Boxed<'a, Option<Result<(), String>>>;
    fn tamper<'a>(&'a self, store: &'a AnyStore, tampering: &'a Tampering) -> Boxed<'a, bool>;
    fn spawn(&self, task: Task);
    fn lag(&self) -> Duration;
    fn thoroughness(&self) -> u32;
    fn time_limit(&self) -> Duration;
}

impl<'h> AnyHarness<'h> {
    pub(crate) fn of(harness: &'h impl Harness) -> Self {
        Self(harness)
    }
}

impl AnyStore {
    fn of<R: Directory + 'static>(store: R) -> Self {
        let own = Arc::new(store);
        Self {
            any: AnyRepository::new(Arc::clone(&own)),
            own,
        }
    }

    #[expect(
        clippy::expect_used,
        reason = "a harness is asked about its own stores only"
    )]
    fn own<R: 'static>(&self) -> &R {
        self.own.downcast_ref().expect("a store of this harness")
    }

    /// The store alone. `None` if somebody else still holds it.
    fn into_own<R: Send + Sync + 'static>(self) -> Option<R> {
        drop(self.any);
        Arc::into_inner(self.own.downcast().ok()?)
    }
}

impl<H: Harness> Erased for H {
    fn fresh(&self) -> Boxed<'_, AnyStore> {
        Box::pin(async { AnyStore::of(Harness::fresh(self).await) })
    }

    fn another<'a>(&'a self, same: &'a AnyStore) -> Boxed<'a, AnyStore> {
        Box::pin(async { AnyStore::of(Harness::another(self, same.own()).await) })
    }

    fn reopen(&self, store: AnyStore) -> Boxed<'_, Option<AnyStore>> {
        Box::pin(async {
            let own = store.into_own()?;
            Harness::reopen(self, own).await.map(AnyStore::of)
        })
    }

    fn round_trips(&self, store: &AnyStore) -> Option<u64> {
        Harness::round_trips(self, store.own())
    }

    fn verify<'a>(
        &'a self,
        store: &'a AnyStore,
        organization: OrganizationId,
    ) -> Boxed<'a, Option<Result<(), String>>> {
        Box::pin(Harness::verify(self, store.own(), organization))
    }

    fn tamper<'a>(&'a self, store: &'a AnyStore, tampering: &'a Tampering) -> Boxed<'a, bool> {
        Box::pin(Harness::tamper(self, store.own(), tampering))
    }

    fn spawn(&self, task: Task) {
        Harness::spawn(self, task);
    }

    fn lag(&self) -> Duration {
        Harness::lag(self)
    }

    fn thoroughness(&self) -> u32 {
        Harness::thoroughness(self)
    }

    fn time_limit(&self) -> Duration {
        Harness::time_limit(self)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Harness for AnyHarness<'_> {
    type Repository = AnyStore;

    async fn fresh(&self) -> AnyStore {
        self.0.fresh().await
    }

    async fn another(&self, same: &AnyStore) -> AnyStore {
        self.0.another(same).await
    }

    async fn reopen(&self, store: AnyStore) -> Option<AnyStore> {
        self.0.reopen(store).await
    }

    fn round_trips(&self, store: &AnyStore) -> Option<u64> {
        self.0.round_trips(store)
    }

    async fn verify(
        &self,
        store: &AnyStore,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        self.0.verify(store, organization).await
    }

    async fn tamper(&self, store: &AnyStore, tampering: &Tampering) -> bool {
        self.0.tamper(store, tampering).await
    }

    fn spawn(&self, task: Task) {
        self.0.spawn(task);
    }

    fn lag(&self) -> Duration {
        self.0.lag()
    }

    fn thoroughness(&self) -> u32 {
        self.0.thoroughness()
    }

    fn time_limit(&self) -> Duration {
        self.0.time_limit()
    }
}

#[deny(clippy::missing_trait_methods)]
impl Repository for AnyStore {
    type Error = AnyError;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, AnyError> {
        self.any.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, AnyError> {
        self.any.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, AnyError> {
        self.any.standing(user, on).await
    }

    fn glance(&self, user: UserId, on: Resource) -> Option<Glance> {
        self.any.glance(user, on)
    }

    fn wrote_nothing(&self, error: &AnyError) -> bool {
        self.any.wrote_nothing(error)
    }
}

#[deny(clippy::missing_trait_methods)]
impl Directory for AnyStore {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, AnyError> {
        self.any.list(list, limit).await
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, AnyError> {
        self.any.claimed_by(claim).await
    }
}
