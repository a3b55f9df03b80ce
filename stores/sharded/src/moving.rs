//! Organizations that move from one shard to another while they are used.

use tenancy::OrganizationId;
use tenancy::store::Movable;

use crate::error::Error;
use crate::place::{Shard, hashed, numbered};
use crate::registry::{Exception, Registry};
use crate::sharded::{Failure, Sharded, failed};

/// How often a move is begun that met others who move the same organization.
const TIMES: u32 = 64;

impl<S: Movable, R: Registry> Sharded<S, R> {
    /// Moves an organization to the shard of this name, while it is used: nothing is lost, and nothing is there twice.
    /// One that doesn't exist will live there once it does.
    ///
    /// 1. It is closed on its shard: commits on it are conflicts from here on, and reads go on.
    /// 2. All that is kept of it is put into the other shard, closed as well.
    /// 3. The registry says that it lives there. Both shards say the same of it.
    /// 4. It is dropped where it was, and stays closed there. Who still asks there finds nothing, and asks the
    ///    registry.
    /// 5. It is opened where it lives.
    ///
    /// So it can be read all the time, from a shard that knows its last commit, and can't be changed from the first
    /// step to the last: a few milliseconds for a small one, and as long as it takes to copy for a big one. A command
    /// that meets this is tried again, and may come back as [`Contended`](tenancy::Error::Contended).
    ///
    /// It is held in memory meanwhile. If this is stopped half-way, call it again or
    /// [`settle_moves`](Self::settle_moves), from any process. If two do it at once, one of them does it.
    ///
    /// # Errors
    ///
    /// - [`Error::UnknownShard`]: there is no shard of this name here.
    /// - [`Error::NotMoved`]: others moved it at the same time, again and again; or the other shard has an organization
    ///   of this id, which something else has put there.
    /// - [`Error::Registry`], [`Error::Shard`]: one of them failed. The organization may be half-way.
    pub async fn move_to(
        &self,
        organization: OrganizationId,
        shard: &str,
    ) -> Result<(), Failure<S, R>> {
        self.named(shard)?;
        for _ in 0..TIMES {
            let place = self.registry().place(Some(organization)).await;
            let (_, exception) = place.map_err(Error::Registry)?;
            let generation = exception
                .as_ref()
                .map_or(0, |exception| exception.generation);
            let (lives, moving) = match exception {
                Some(exception) => (exception.shard, exception.moving),
                None => (self.hashed(organization)?.name.clone(), None),
            };
            if lives == shard && moving.is_none() {
                return Ok(());
            }
            // Somebody else's move is finished first.
            let moving = moving.unwrap_or_else(|| (lives.clone(), shard.to_owned()));
            let begun = Exception {
                organization,
                shard: lives,
                generation: generation.saturating_add(1),
                moving: Some(moving),
            };
            if self.write(&begun).await? {
                self.carry(begun).await?;
            }
        }
        Err(Error::NotMoved { organization })
    }

    /// Finishes the moves that somebody has left half-way: the janitor's other half, for shards that organizations move
    /// between. It returns how many.
    ///
    /// # Errors
    ///
    /// As [`move_to`](Self::move_to).
    pub async fn settle_moves(&self) -> Result<u64, Failure<S, R>> {
        let places = self.registry().places().await.map_err(Error::Registry)?;
        let mut finished: u64 = 0;
        for exception in places.exceptions {
            if let Some((_, to)) = &exception.moving {
                self.move_to(exception.organization, to).await?;
                finished = finished.saturating_add(1);
            }
        }
        Ok(finished)
    }

    /// Carries a move out from where it is. It stops where another process has taken it over.
    async fn carry(&self, begun: Exception) -> Result<(), Failure<S, R>> {
        let (organization, by) = (begun.organization, begun.generation);
        let Some((from, to)) = begun.moving.clone() else {
            return Ok(());
        };
        let (source, target) = (self.named(&from)?, self.named(&to)?);
        let mut now = begun;
        if now.shard == from {
            let closed = source.store.close(organization, by).await;
            if !closed.map_err(|error| failed(source, error))? {
                return Ok(());
            }
            let moved = source.store.pack(organization).await;
            if let Some(moved) = moved.map_err(|error| failed(source, error))? {
                let put_in = target.store.unpack(organization, by, &moved).await;
                if !put_in.map_err(|error| failed(target, error))? {
                    return Ok(());
                }
            }
            now.generation = now.generation.saturating_add(1);
            now.shard = to;
            if !self.write(&now).await? {
                return Ok(());
            }
        }
        // INVARIANT: nobody finds it where it was any more when the first commit is made where it is.
        let erased = source.store.erase(organization, by).await;
        if !erased.map_err(|error| failed(source, error))? {
            return Ok(());
        }
        let opened = target.store.open(organization, by).await;
        opened.map_err(|error| failed(target, error))?;
        now.generation = now.generation.saturating_add(1);
        now.moving = None;
        self.write(&now).await?;
        Ok(())
    }

    async fn write(&self, exception: &Exception) -> Result<bool, Failure<S, R>> {
        let written = self.registry().set_place(exception).await;
        let written = written.map_err(Error::Registry)?;
        if written {
            self.learn_of(exception);
        }
        Ok(written)
    }

    fn named(&self, name: &str) -> Result<&Shard<S>, Failure<S, R>> {
        let shard = numbered(self.shards(), name).and_then(|number| self.shards().get(number));
        shard.ok_or_else(|| Error::UnknownShard {
            shard: name.to_owned(),
        })
    }

    fn hashed(&self, organization: OrganizationId) -> Result<&Shard<S>, Failure<S, R>> {
        let shard = self.shards().get(hashed(self.shards(), organization));
        shard.ok_or(Error::Names)
    }
}
