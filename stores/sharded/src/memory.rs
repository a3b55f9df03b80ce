//! The registry in memory: for tests and for examples.

use core::num::NonZeroU32;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenancy::OrganizationId;
use tenancy::store::{Claim, Commit};
use uuid::Uuid;

use crate::registry::{Attempt, Exception, Name, Places, Registry, Reserved, Row};

/// A registry in memory, which goes with its last handle: for tests and for examples. A clone is another handle on the
/// same.
#[derive(Clone, Debug, Default)]
pub struct MemoryRegistry(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    rows: BTreeMap<Name, (OrganizationId, Uuid)>,
    attempts: BTreeMap<Uuid, Pending>,
    epoch: u64,
    exceptions: BTreeMap<OrganizationId, Exception>,
}

#[derive(Debug)]
struct Pending {
    commit: Commit,
    helped: bool,
}

impl MemoryRegistry {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that is done under the lock can panic half-way: what a poisoned one guards is whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn row(&self, name: &Name) -> Option<Row> {
        let (organization, attempt) = *self.rows.get(name)?;
        let pending = self.attempts.get(&attempt);
        Some(Row {
            name: name.clone(),
            organization,
            attempt,
            pending: pending.map(|pending| pending.commit.clone()),
        })
    }
}

fn most(limit: NonZeroU32) -> usize {
    usize::try_from(limit.get()).unwrap_or(usize::MAX)
}

impl Registry for MemoryRegistry {
    type Error = Infallible;

    async fn reserve(
        &self,
        attempt: Uuid,
        names: &[Name],
        commit: &Commit,
    ) -> Result<Reserved, Infallible> {
        let mut kept = self.kept();
        let in_the_way: Vec<_> = names.iter().filter_map(|name| kept.row(name)).collect();
        if !in_the_way.is_empty() {
            return Ok(Reserved::None(in_the_way));
        }
        for name in names {
            let row = (commit.organization(), attempt);
            kept.rows.insert(name.clone(), row);
        }
        let pending = Pending {
            commit: commit.clone(),
            helped: false,
        };
        kept.attempts.insert(attempt, pending);
        Ok(Reserved::All)
    }

    async fn abort(&self, attempt: Uuid) -> Result<bool, Infallible> {
        let mut kept = self.kept();
        if kept
            .attempts
            .get(&attempt)
            .is_none_or(|pending| pending.helped)
        {
            return Ok(false);
        }
        kept.attempts.remove(&attempt);
        kept.rows.retain(|_, (_, of)| *of != attempt);
        Ok(true)
    }

    async fn help(&self, attempt: Uuid) -> Result<bool, Infallible> {
        let mut kept = self.kept();
        let pending = kept.attempts.get_mut(&attempt);
        Ok(pending.map(|pending| pending.helped = true).is_some())
    }

    async fn finish(&self, attempt: Uuid, held: &[Name]) -> Result<(), Infallible> {
        let mut kept = self.kept();
        kept.attempts.remove(&attempt);
        kept.rows
            .retain(|name, (_, of)| *of != attempt || held.contains(name));
        Ok(())
    }

    async fn free(&self, name: &Name, attempt: Uuid) -> Result<(), Infallible> {
        let mut kept = self.kept();
        let its = kept.rows.get(name).is_some_and(|(_, of)| *of == attempt);
        if its && !kept.attempts.contains_key(&attempt) {
            kept.rows.remove(name);
        }
        Ok(())
    }

    async fn enroll(
        &self,
        organization: OrganizationId,
        attempt: Uuid,
        names: &[Name],
    ) -> Result<Vec<Row>, Infallible> {
        let mut kept = self.kept();
        for name in names {
            let row = kept.rows.entry(name.clone());
            row.or_insert((organization, attempt));
        }
        let rows = names.iter().filter_map(|name| kept.row(name));
        Ok(rows
            .filter(|row| row.organization != organization)
            .collect())
    }

    async fn rows(&self, names: &[Name]) -> Result<Vec<Row>, Infallible> {
        let kept = self.kept();
        Ok(names.iter().filter_map(|name| kept.row(name)).collect())
    }

    async fn attempts(
        &self,
        after: Option<Uuid>,
        limit: NonZeroU32,
    ) -> Result<Vec<Attempt>, Infallible> {
        let kept = self.kept();
        let behind = kept
            .attempts
            .iter()
            .filter(|(id, _)| after.is_none_or(|after| **id > after));
        let attempts = behind.map(|(id, pending)| Attempt {
            id: *id,
            commit: pending.commit.clone(),
        });
        Ok(attempts.take(most(limit)).collect())
    }

    async fn claims(
        &self,
        after: Option<&Claim>,
        limit: NonZeroU32,
    ) -> Result<Vec<Row>, Infallible> {
        let kept = self.kept();
        let claims = kept.rows.keys().filter_map(|name| match name {
            Name::Claim(claim) if after.is_none_or(|after| claim > after) => kept.row(name),
            Name::Claim(_) | Name::Commit(_) => None,
        });
        let finished = claims.filter(|row| row.pending.is_none());
        Ok(finished.take(most(limit)).collect())
    }

    async fn places(&self) -> Result<Places, Infallible> {
        let kept = self.kept();
        Ok(Places {
            epoch: kept.epoch,
            exceptions: kept.exceptions.values().cloned().collect(),
        })
    }

    async fn place(
        &self,
        organization: Option<OrganizationId>,
    ) -> Result<(u64, Option<Exception>), Infallible> {
        let kept = self.kept();
        let exception = organization.and_then(|organization| kept.exceptions.get(&organization));
        Ok((kept.epoch, exception.cloned()))
    }

    async fn set_place(&self, exception: &Exception) -> Result<bool, Infallible> {
        let mut kept = self.kept();
        let before = kept.exceptions.get(&exception.organization);
        let before = before.map_or(0, |before| before.generation);
        if before.saturating_add(1) != exception.generation {
            return Ok(false);
        }
        kept.exceptions
            .insert(exception.organization, exception.clone());
        kept.epoch = kept.epoch.saturating_add(1);
        Ok(true)
    }

    fn wrote_nothing(&self, error: &Infallible) -> bool {
        match *error {}
    }
}
