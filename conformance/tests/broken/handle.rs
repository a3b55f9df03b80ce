//! A handle on whichever broken store: one type, so that all of them stand in one table.

use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;

use tenancy::store::{
    Claim, Commit, Directory, Facts, Glance, Held, Item, Key, List, Outcome, Repository,
};
use tenancy::{OrganizationId, Resource, UserId};
use tenancy_conformance::{Harness, Tampering};

use super::store::Lost;

/// What a call answers, when it does.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Lost>> + Send + 'a>>;

/// A [`Store`](super::store::Store), whatever its flaw.
pub(crate) trait AnyStore: Send + Sync {
    fn load<'a>(&'a self, id: OrganizationId, keys: &'a [Key]) -> Answer<'a, Option<Facts>>;
    fn commit<'a>(&'a self, commit: &'a Commit) -> Answer<'a, Outcome>;
    fn standing(&self, user: UserId, on: Resource) -> Answer<'_, Option<Held>>;
    fn glance(&self, user: UserId, on: Resource) -> Option<Glance>;
    fn list(&self, list: &List, limit: usize) -> Vec<Item>;
    fn claimed_by(&self, claim: &Claim) -> Option<OrganizationId>;
    fn verify(&self, id: OrganizationId) -> Result<(), String>;
    fn tamper(&self, tampering: &Tampering) -> bool;
    fn another(&self) -> Box<dyn AnyStore>;
    fn reopened(&self) -> Box<dyn AnyStore>;
    fn round_trips(&self) -> u64;
}

pub(crate) struct Handle(Box<dyn AnyStore>);

/// Makes stores with one flaw.
pub(crate) struct With(pub(crate) fn() -> Box<dyn AnyStore>);

impl Harness for With {
    type Repository = Handle;

    async fn fresh(&self) -> Handle {
        Handle((self.0)())
    }

    async fn another(&self, same: &Handle) -> Handle {
        Handle(same.0.another())
    }

    async fn reopen(&self, store: Handle) -> Option<Handle> {
        Some(Handle(store.0.reopened()))
    }

    fn round_trips(&self, store: &Handle) -> Option<u64> {
        Some(store.0.round_trips())
    }

    async fn verify(&self, store: &Handle, id: OrganizationId) -> Option<Result<(), String>> {
        Some(store.0.verify(id))
    }

    async fn tamper(&self, store: &Handle, tampering: &Tampering) -> bool {
        store.0.tamper(tampering)
    }
}

impl Repository for Handle {
    type Error = Lost;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Lost> {
        self.0.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Lost> {
        self.0.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Lost> {
        self.0.standing(user, on).await
    }

    fn glance(&self, user: UserId, on: Resource) -> Option<Glance> {
        self.0.glance(user, on)
    }
}

impl Directory for Handle {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Lost> {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        Ok(self.0.list(list, limit))
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Lost> {
        Ok(self.0.claimed_by(claim))
    }
}
