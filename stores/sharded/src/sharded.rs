//! The store.

use core::fmt;
use core::future::Future;
use core::num::NonZeroU32;
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::future::try_join;
use tenancy::store::{
    Change, Claim, Commit, Directory, Facts, Glance, Held, Item, Key, List, Outcome, Repository,
};
use tenancy::{CommitId, OrganizationId, Resource, UserId, Version};
use uuid::Uuid;

use crate::error::Error;
use crate::place::{Known, Shard, are_shards, hashed};
use crate::registry::{Exception, Name, Registry, Reserved, Row};
use crate::settle::{Cleared, Fate};

/// How often a commit comes back to names that were in others' hands and are free again.
const ROUNDS: u32 = 16;

/// A store made of stores: see the [crate's documentation](crate) for what goes where, and for the proof.
///
/// A clone is another handle on the same shards, which knows what the first one knows.
pub struct Sharded<S, R> {
    pub(crate) inner: Arc<Inner<S, R>>,
}

pub(crate) struct Inner<S, R> {
    pub(crate) shards: Vec<Shard<S>>,
    pub(crate) registry: R,
    known: RwLock<Known>,
    ids: Ids,
}

/// Which commits' ids the registry keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ids {
    /// Those that were not drawn by this library: any but UUIDs of version 7.
    Brought,
    None,
}

pub(crate) type Failure<S, R> = Error<<S as Repository>::Error, <R as Registry>::Error>;

impl<S: Directory, R: Registry> Sharded<S, R> {
    /// The store that these shards are, with their registry. It reads where organizations live.
    ///
    /// Every process of a deployment gives the same shards. They must be complete: no organization lives elsewhere, and
    /// who writes a shard goes through a `Sharded`. Organizations of before are [enrolled](Self::enroll).
    ///
    /// # Errors
    ///
    /// - [`Error::Names`]: two shards have one name, or all are guests.
    /// - [`Error::Registry`]: the registry failed.
    pub async fn open(
        shards: impl IntoIterator<Item = Shard<S>>,
        registry: R,
    ) -> Result<Self, Failure<S, R>> {
        let shards: Vec<_> = shards.into_iter().collect();
        if !are_shards(&shards) {
            return Err(Error::Names);
        }
        let opened = Self {
            inner: Arc::new(Inner {
                shards,
                registry,
                known: RwLock::default(),
                ids: Ids::Brought,
            }),
        };
        opened.learn().await?;
        Ok(opened)
    }

    /// The same for a host that brings each commit's id to one organization only, whatever it is derived from: then the
    /// shard alone keeps A6, and commits under ids of the host's cost what others do and go on without the registry.
    /// Every process of a deployment says the same.
    #[must_use]
    pub fn with_ids_of_one_organization(self) -> Self
    where
        S: Clone,
        R: Clone,
    {
        let known = self.inner.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner).clone();
        Self {
            inner: Arc::new(Inner {
                shards: self.inner.shards.clone(),
                registry: self.inner.registry.clone(),
                known: RwLock::new(known),
                ids: Ids::None,
            }),
        }
    }

    /// The shards.
    #[must_use]
    pub fn shards(&self) -> &[Shard<S>] {
        &self.inner.shards
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &R {
        &self.inner.registry
    }

    /// The shard on which an organization lives, or would if it existed, as far as this process knows.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownShard`]: it lives on a shard that this process was not given.
    pub fn shard_of(&self, organization: OrganizationId) -> Result<&Shard<S>, Failure<S, R>> {
        let known = self.inner.known.read();
        let known = known.unwrap_or_else(PoisonError::into_inner);
        let exception = known.exception(organization);
        drop(known);
        let shards = &self.inner.shards;
        let number = match exception {
            None => hashed(shards, organization),
            Some(Ok(number)) => number,
            Some(Err(shard)) => return Err(Error::UnknownShard { shard }),
        };
        shards.get(number).ok_or(Error::Names)
    }

    /// Reads all exceptions.
    pub(crate) async fn learn(&self) -> Result<(), Failure<S, R>> {
        let places = self.registry().places().await.map_err(Error::Registry)?;
        let known = self.inner.known.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.learn_all(&self.inner.shards, &places);
        Ok(())
    }

    /// Whether an organization lives elsewhere than this process thought.
    pub(crate) async fn has_moved(
        &self,
        organization: OrganizationId,
        from: &Shard<S>,
    ) -> Result<bool, Failure<S, R>> {
        let place = self.registry().place(Some(organization)).await;
        let (_, exception) = place.map_err(Error::Registry)?;
        if let Some(exception) = exception {
            self.learn_of(&exception);
        }
        Ok(self.shard_of(organization)?.name != from.name)
    }

    /// Learns of an exception.
    pub(crate) fn learn_of(&self, exception: &Exception) {
        let known = self.inner.known.write();
        let mut known = known.unwrap_or_else(PoisonError::into_inner);
        known.learn(&self.inner.shards, exception);
    }

    /// The last epoch of which this process knows all exceptions.
    pub(crate) fn epoch(&self) -> u64 {
        let known = self.inner.known.read();
        known.unwrap_or_else(PoisonError::into_inner).epoch
    }

    /// Asks an organization's shard; and if that has nothing of it, asks where it lives, and asks there if it is
    /// elsewhere.
    pub(crate) async fn ask<'s, T, F>(
        &'s self,
        organization: OrganizationId,
        ask: impl Fn(&'s S) -> F,
    ) -> Result<Option<T>, Failure<S, R>>
    where
        F: Future<Output = Result<Option<T>, S::Error>>,
    {
        loop {
            let shard = self.shard_of(organization)?;
            let found = ask(&shard.store).await;
            let found = found.map_err(|source| failed(shard, source))?;
            if found.is_some() || !self.has_moved(organization, shard).await? {
                return Ok(found);
            }
        }
    }

    /// What a commit wants that is unique over all shards: claims first, as they come in it.
    pub(crate) fn names(&self, commit: &Commit) -> Vec<Name> {
        let mut names: Vec<_> = commit
            .changes
            .iter()
            .filter_map(|change| match change {
                Change::Claim(claim) => Some(Name::Claim(claim.clone())),
                Change::Put(_) | Change::Delete(_) | Change::Release(_) => None,
            })
            .collect();
        if self.is_kept(commit.id()) {
            names.push(Name::Commit(commit.id()));
        }
        names
    }

    /// Whether the registry keeps this id.
    pub(crate) fn is_kept(&self, id: CommitId) -> bool {
        let id = id.as_uuid();
        let drawn = id.get_version_num() == 7 && id.get_variant() == uuid::Variant::RFC4122;
        self.inner.ids == Ids::Brought && !drawn
    }

    /// The log entry of a commit that another organization made, on whichever shard.
    async fn made_elsewhere(
        &self,
        id: CommitId,
        than: OrganizationId,
    ) -> Result<Option<Facts>, Failure<S, R>> {
        let rows = self.registry().rows(&[Name::Commit(id)]).await;
        let rows = rows.map_err(Error::Registry)?;
        match rows.first() {
            Some(row) if row.organization != than => {
                let (maker, key) = (row.organization, [Key::Commit(id)]);
                self.ask(maker, |shard| shard.load(maker, &key)).await
            }
            _ => Ok(None),
        }
    }

    /// Sends a commit whose names are reserved, and finishes.
    async fn commit_reserved(
        &self,
        shard: &Shard<S>,
        attempt: Uuid,
        names: &[Name],
        commit: &Commit,
    ) -> Result<Outcome, Failure<S, R>> {
        let no = match shard.store.commit(commit).await {
            Ok(Outcome::Committed) => {
                // It is made, whatever becomes of this: an attempt that isn't finished is found.
                let _ = self.registry().finish(attempt, names).await;
                return Ok(Outcome::Committed);
            }
            Ok(no) => Ok(no),
            Err(source) if shard.store.wrote_nothing(&source) => Err(failed(shard, source)),
            // It may be on its way: whoever meets its names finds out.
            Err(source) => return Err(failed(shard, source)),
        };
        let aborted = self.registry().abort(attempt).await;
        if aborted.map_err(|error| under_way(Error::Registry(error)))? {
            return no;
        }
        // Somebody helps, and may have been faster.
        let fate = match self.finish(attempt, commit).await.map_err(under_way)? {
            Some(fate) => fate,
            None => self.decide(commit).await.map_err(under_way)?,
        };
        if fate == Fate::Made {
            Ok(Outcome::Committed)
        } else {
            no
        }
    }

    /// The answer to a commit in whose way these rows are; `None` if one of them may be gone by now.
    async fn refused(
        &self,
        commit: &Commit,
        names: &[Name],
        rows: &[Row],
    ) -> Result<Option<Outcome>, Failure<S, R>> {
        let mut in_order = names.iter().filter_map(|name| {
            let mut rows = rows.iter();
            rows.find(|row| row.name == *name)
        });
        let Some(row) = in_order.next() else {
            return Ok(None);
        };
        if self.clear(row).await? == Cleared::Gone {
            return Ok(None);
        }
        let organization = commit.organization();
        let facts = self.ask(organization, |shard| shard.load(organization, &[]));
        let version = facts
            .await?
            .map_or(Version::ABSENT, |facts| facts.organization.version);
        Ok(Some(match &row.name {
            _ if version != commit.expected => Outcome::Conflict,
            Name::Claim(claim) => Outcome::Taken(claim.clone()),
            Name::Commit(_) => Outcome::IdUsed,
        }))
    }

    /// Frees in the registry what a commit released on its shard. If it fails, the janitor does it later.
    async fn release(&self, commit: &Commit) {
        let released = commit.changes.iter().filter_map(|change| match change {
            Change::Release(claim) => Some(Name::Claim(claim.clone())),
            Change::Put(_) | Change::Delete(_) | Change::Claim(_) => None,
        });
        let released: Vec<_> = released.collect();
        if released.is_empty() {
            return;
        }
        let Ok(rows) = self.registry().rows(&released).await else {
            return;
        };
        for row in rows {
            if row.organization == commit.organization() {
                let _ = self.clear(&row).await;
            }
        }
    }
}

fn under_way<S, E>(error: Error<S, E>) -> Error<S, E> {
    Error::UnderWay(Box::new(error))
}

pub(crate) fn failed<S: Repository, E>(shard: &Shard<S>, source: S::Error) -> Error<S::Error, E> {
    Error::Shard {
        shard: shard.name.clone(),
        source,
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Directory, R: Registry> Repository for Sharded<S, R> {
    type Error = Failure<S, R>;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Self::Error> {
        let kept = keys.iter().find_map(|key| match key {
            Key::Commit(id) if self.is_kept(*id) => Some(*id),
            _ => None,
        });
        let its = self.ask(organization, |shard| shard.load(organization, keys));
        let Some(id) = kept else { return its.await };
        let elsewhere = self.made_elsewhere(id, organization);
        let (its, elsewhere) = try_join(its, elsewhere).await?;
        Ok(its.map(|mut facts| {
            facts.committed = facts
                .committed
                .or(elsewhere.and_then(|facts| facts.committed));
            facts
        }))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        let names = self.names(commit);
        let shard = self.shard_of(commit.organization())?;
        if names.is_empty() {
            let outcome = shard.store.commit(commit).await;
            let outcome = outcome.map_err(|source| failed(shard, source))?;
            if outcome == Outcome::Committed {
                self.release(commit).await;
            }
            return Ok(outcome);
        }
        for _ in 0..ROUNDS {
            let attempt = CommitId::try_new().map_err(|_| Error::Entropy)?.as_uuid();
            let reserved = self.registry().reserve(attempt, &names, commit).await;
            match reserved.map_err(Error::Registry)? {
                Reserved::All => {
                    let outcome = self.commit_reserved(shard, attempt, &names, commit).await?;
                    if outcome == Outcome::Committed {
                        self.release(commit).await;
                    }
                    return Ok(outcome);
                }
                Reserved::None(rows) => {
                    let refused = self.refused(commit, &names, &rows).await;
                    let refused = refused.map_err(|error| Error::NotBegun(Box::new(error)))?;
                    if let Some(outcome) = refused {
                        return Ok(outcome);
                    }
                }
            }
        }
        // Nothing is reserved: others were first each time.
        Ok(Outcome::Conflict)
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Self::Error> {
        self.ask(resource.organization(), |shard| {
            shard.standing(user, resource)
        })
        .await
    }

    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        let shard = self.shard_of(resource.organization()).ok()?;
        shard.store.glance(user, resource)
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        match error {
            Error::Shard { shard, source } => {
                let mut shards = self.inner.shards.iter();
                let shard = shards.find(|known| known.name == *shard);
                shard.is_some_and(|shard| shard.store.wrote_nothing(source))
            }
            Error::Registry(source) => self.registry().wrote_nothing(source),
            Error::NotBegun(_) | Error::UnknownShard { .. } | Error::Names | Error::Entropy => true,
            Error::UnderWay(_)
            | Error::NotEnrolled { .. }
            | Error::Contended { .. }
            | Error::NotMoved { .. } => false,
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<S: Directory, R: Registry> Directory for Sharded<S, R> {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Self::Error> {
        match list.organization() {
            Some(organization) => self.list_in(organization, list, limit).await,
            None => self.list_across(list, limit).await,
        }
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Self::Error> {
        let name = [Name::Claim(claim.clone())];
        let rows = self.registry().rows(&name).await.map_err(Error::Registry)?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let held = self.held(row.organization, &name).await?;
        Ok((!held.is_empty()).then_some(row.organization))
    }
}

impl<S, R> Clone for Sharded<S, R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<S, R> fmt::Debug for Sharded<S, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.inner.shards.iter().map(|shard| &shard.name).collect();
        f.debug_struct("Sharded")
            .field("shards", &names)
            .finish_non_exhaustive()
    }
}
