//! Attempts that were not finished, and rows that are in the way: who meets one helps.

use core::num::NonZeroU32;

use tenancy::store::{Commit, Directory, Key, Outcome};
use tenancy::{CommitId, OrganizationId};
use uuid::Uuid;

use crate::error::Error;
use crate::place::Shard;
use crate::registry::{Name, Registry, Row};
use crate::sharded::{Failure, Sharded, failed};

/// How often a commit is sent, or a question asked, that met others. Each time the organization has changed or moved.
const TIMES: u32 = 64;

const PAGE: NonZeroU32 = NonZeroU32::new(100).unwrap();

/// What became of a commit, for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is in the log.
    Made,
    /// It isn't, and can't be any more.
    Never,
}

/// What became of a row that was in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cleared {
    /// Its organization holds the name.
    Held,
    /// It may be gone: look again.
    Gone,
}

/// What [`Sharded::settle`] found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use = "see what was left behind"]
pub struct Settled {
    /// Attempts that somebody had left, and that were finished.
    pub finished: u64,
    /// Names that the registry kept for an organization which doesn't hold them, and that are free now.
    pub freed: u64,
}

impl<S: Directory, R: Registry> Sharded<S, R> {
    /// Finishes what somebody has left half done, and frees what is held for nothing: the janitor. Afterwards nothing
    /// is pending of what was begun before. Nothing waits for it, as whoever meets something half done finishes it; but
    /// a name that was released while the registry was away is somebody's until somebody wants it, and attempts hold
    /// commits. So call it now and then, from wherever you like, at the same time if it so happens.
    ///
    /// It reads all claims: one look-up on a shard for each.
    ///
    /// # Errors
    ///
    /// - [`Error::Registry`], [`Error::Shard`]: one of them failed. What was settled before is.
    /// - [`Error::NotEnrolled`]: the registry doesn't know of a name that a shard's organization holds.
    /// - [`Error::Contended`]: an organization is changed so often that nothing could be found out about it.
    /// - [`Error::UnknownShard`]: an organization lives on a shard that this process was not given.
    pub async fn settle(&self) -> Result<Settled, Failure<S, R>> {
        let mut settled = Settled::default();
        let mut after = None;
        loop {
            let attempts = self.registry().attempts(after, PAGE).await;
            let attempts = attempts.map_err(Error::Registry)?;
            let Some(last) = attempts.last() else { break };
            after = Some(last.id);
            for attempt in &attempts {
                if self.finish(attempt.id, &attempt.commit).await?.is_some() {
                    settled.finished = settled.finished.saturating_add(1);
                }
            }
        }
        let mut after = None;
        loop {
            let rows = self.registry().claims(after.as_ref(), PAGE).await;
            let rows = rows.map_err(Error::Registry)?;
            let Some(Name::Claim(last)) = rows.last().map(|row| &row.name) else {
                return Ok(settled);
            };
            after = Some(last.clone());
            for row in &rows {
                if self.clear(row).await? == Cleared::Gone {
                    settled.freed = settled.freed.saturating_add(1);
                }
            }
        }
    }

    /// Finishes somebody's attempt or frees a row, if its organization doesn't hold the name.
    pub(crate) async fn clear(&self, row: &Row) -> Result<Cleared, Failure<S, R>> {
        if let Some(commit) = &row.pending {
            self.finish(row.attempt, commit).await?;
            return Ok(Cleared::Gone);
        }
        if let Name::Commit(_) = row.name {
            return Ok(Cleared::Held);
        }
        let name = core::slice::from_ref(&row.name);
        if self.held(row.organization, name).await?.is_empty() {
            let freed = self.registry().free(&row.name, row.attempt).await;
            freed.map_err(Error::Registry)?;
            return Ok(Cleared::Gone);
        }
        Ok(Cleared::Held)
    }

    /// Helps with an attempt: makes its commit or sees that it can't be made, and finishes. `None`: somebody else has.
    pub(crate) async fn finish(
        &self,
        attempt: Uuid,
        commit: &Commit,
    ) -> Result<Option<Fate>, Failure<S, R>> {
        let pending = self.registry().help(attempt).await;
        if !pending.map_err(Error::Registry)? {
            return Ok(None);
        }
        let fate = self.decide(commit).await?;
        let mut held = Vec::new();
        if fate == Fate::Made {
            let names = self.names(commit);
            held = self.held(commit.organization(), &names).await?;
        }
        let finished = self.registry().finish(attempt, &held).await;
        finished.map_err(Error::Registry)?;
        Ok(Some(fate))
    }

    /// Sends a commit until it is made or can't be made any more. Only once its attempt can't be aborted any more.
    pub(crate) async fn decide(&self, commit: &Commit) -> Result<Fate, Failure<S, R>> {
        let (organization, key) = (commit.organization(), [Key::Commit(commit.id())]);
        for _ in 0..TIMES {
            let (shard, _) = self.certain_shard(organization).await?;
            let facts = shard.store.load(organization, &key).await;
            let facts = facts.map_err(|source| failed(shard, source))?;
            if let Some(facts) = facts {
                match facts.committed {
                    Some(entry) if entry == commit.entry => return Ok(Fate::Made),
                    Some(_) => return Ok(Fate::Never),
                    None if facts.organization.version > commit.expected => {
                        return Ok(Fate::Never);
                    }
                    None => {}
                }
            }
            let outcome = shard.store.commit(commit).await;
            match outcome.map_err(|source| failed(shard, source))? {
                Outcome::Committed => return Ok(Fate::Made),
                Outcome::IdUsed => return Ok(Fate::Never),
                Outcome::Conflict => {}
                Outcome::Taken(_) => {
                    return Err(Error::NotEnrolled {
                        commit: commit.id(),
                        shard: shard.name.clone(),
                    });
                }
            }
        }
        Err(contended(commit.id()))
    }

    /// Those of the names that an organization holds by what its shard says; every commit's id is.
    pub(crate) async fn held(
        &self,
        organization: OrganizationId,
        names: &[Name],
    ) -> Result<Vec<Name>, Failure<S, R>> {
        loop {
            let (shard, before) = self.certain_shard(organization).await?;
            let mut held = Vec::new();
            for name in names {
                let its = match name {
                    Name::Commit(_) => true,
                    Name::Claim(claim) => {
                        let holder = shard.store.claimed_by(claim).await;
                        holder.map_err(|source| failed(shard, source))? == Some(organization)
                    }
                };
                if its {
                    held.push(name.clone());
                }
            }
            // It was there all the time.
            if self.certain_shard(organization).await?.1 == before {
                return Ok(held);
            }
        }
    }

    /// The shard on which an organization lives by what the registry says, and the generation of that.
    async fn certain_shard(
        &self,
        organization: OrganizationId,
    ) -> Result<(&Shard<S>, u64), Failure<S, R>> {
        let place = self.registry().place(Some(organization)).await;
        let (_, exception) = place.map_err(Error::Registry)?;
        let generation = exception
            .as_ref()
            .map_or(0, |exception| exception.generation);
        if let Some(exception) = exception {
            self.learn_of(&exception);
        }
        Ok((self.shard_of(organization)?, generation))
    }
}

const fn contended<S, R>(commit: CommitId) -> Error<S, R> {
    Error::Contended { commit }
}
