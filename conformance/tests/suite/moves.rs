//! Organizations that move: the store in memory, and stores that are each wrong in one place.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tenancy::store::{
    Claim, Commit, Directory, Facts, Held, Item, Key, List, MemoryRepository, Movable, Outcome,
    Repository, Stored,
};
use tenancy::{OrganizationId, Resource, UserId, Version, block_on};
use tenancy_conformance::{Harness, moves};

use crate::Memory;

type Broken = <MemoryRepository as Repository>::Error;

#[test]
fn organizations_move_in_memory() {
    block_on(moves(&Memory::Whole)).unwrap();
}

#[test]
fn what_the_broken_are_made_of_is_right() {
    block_on(moves(&Flawed(Flaw::None))).unwrap();
}

/// Each of them, with what is said of it.
#[test]
fn every_store_that_moves_wrongly_is_found_out() {
    let mut wrong = Vec::new();
    for (flaw, said) in [
        (Flaw::OpensWhatIsOpen, "open: what `open` returned"),
        (Flaw::DropsWhatIsOpen, "open: what `erase` returned"),
        (Flaw::ReplacesWhatIsOpen, "open: what `unpack` returned"),
        (Flaw::ClosesForNobody, "a closed organization"),
        (Flaw::ClosesOneHandle, "closed: what `close` returned"),
        (Flaw::ClosesTheNeighbours, "Conflict"),
        (Flaw::HidesWhatIsClosed, "closed"),
        (Flaw::ClosesForAnyNumber, "what `close` returned"),
        (Flaw::OpensForAnyNumber, "what `open` returned"),
        (Flaw::DropsForAnyNumber, "what `erase` returned"),
        (Flaw::ReplacesForAnyNumber, "what `unpack` returned"),
        (Flaw::ForgetsAGreaterNumber, "what `"),
        (Flaw::PutsInOpen, "a closed organization"),
        (Flaw::LosesTheLog, "put in"),
        (Flaw::LosesTheClaims, "put in"),
        (Flaw::DropsNothing, "dropped"),
        (Flaw::OpensWhatItDrops, "dropped"),
        (Flaw::ClosesOnlyWhatExists, "what was dropped"),
        (Flaw::ClosesBeforeOthersAreDone, "while others write"),
        (Flaw::PacksWhatWas, "put in"),
    ] {
        let found = block_on(moves(&Flawed(flaw)));
        let found = found.map_err(|failure| failure.message().to_owned());
        if !found.as_ref().is_err_and(|found| found.contains(said)) {
            wrong.push(format!("{flaw:?}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// In what a store is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flaw {
    None,
    OpensWhatIsOpen,
    DropsWhatIsOpen,
    ReplacesWhatIsOpen,
    ClosesForNobody,
    ClosesOneHandle,
    ClosesTheNeighbours,
    HidesWhatIsClosed,
    ClosesForAnyNumber,
    OpensForAnyNumber,
    DropsForAnyNumber,
    ReplacesForAnyNumber,
    ForgetsAGreaterNumber,
    PutsInOpen,
    LosesTheLog,
    LosesTheClaims,
    DropsNothing,
    OpensWhatItDrops,
    ClosesOnlyWhatExists,
    ClosesBeforeOthersAreDone,
    PacksWhatWas,
}

struct Flawed(Flaw);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps in a table of its own who is closed, where each flaw can be in the way.
#[derive(Clone)]
struct Store {
    flaw: Flaw,
    inner: MemoryRepository,
    closed: Arc<Mutex<BTreeMap<OrganizationId, u64>>>,
    /// What was packed first of each organization.
    packed: Arc<Mutex<BTreeMap<OrganizationId, Stored>>>,
}

impl Harness for Flawed {
    type Repository = Store;

    async fn fresh(&self) -> Store {
        Store {
            flaw: self.0,
            inner: MemoryRepository::new(),
            closed: Arc::default(),
            packed: Arc::default(),
        }
    }

    async fn another(&self, same: &Store) -> Store {
        let mut another = same.clone();
        if self.0 == Flaw::ClosesOneHandle {
            another.closed = Arc::default();
        }
        another
    }
}

impl Store {
    fn is(&self, flaw: Flaw) -> bool {
        self.flaw == flaw
    }

    fn exists(&self, organization: OrganizationId) -> Result<bool, Broken> {
        Ok(block_on(self.inner.load(organization, &[]))?.is_some())
    }

    /// Whether an organization is closed and listens to this number, or the flaw makes no difference between these.
    fn listens(&self, closed: Option<u64>, by: u64, open: Flaw, number: Flaw) -> bool {
        match closed {
            None => self.is(open),
            Some(closed) => closed <= by || self.is(number),
        }
    }

    fn takes(&self, closed: &BTreeMap<OrganizationId, u64>, commit: &Commit) -> bool {
        let is_closed = closed.contains_key(&commit.organization());
        match self.flaw {
            Flaw::ClosesForNobody => true,
            Flaw::ClosesTheNeighbours => closed.is_empty(),
            Flaw::ClosesOnlyWhatExists => !is_closed || commit.expected == Version::ABSENT,
            _ => !is_closed,
        }
    }
}

impl Repository for Store {
    type Error = Broken;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Broken> {
        let is_closed = lock(&self.closed).contains_key(&id);
        if self.is(Flaw::HidesWhatIsClosed) && is_closed {
            return Ok(None);
        }
        self.inner.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Broken> {
        let closed = lock(&self.closed);
        if !self.takes(&closed, commit) {
            return Ok(Outcome::Conflict);
        }
        if self.is(Flaw::ClosesBeforeOthersAreDone) {
            drop(closed);
            std::thread::sleep(Duration::from_millis(1));
            return block_on(self.inner.commit(commit));
        }
        block_on(self.inner.commit(commit)) // while the table is locked
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Broken> {
        self.inner.standing(user, on).await
    }
}

impl Directory for Store {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Broken> {
        self.inner.list(list, limit).await
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Broken> {
        self.inner.claimed_by(claim).await
    }
}

impl Movable for Store {
    type Moved = Stored;

    async fn close(&self, id: OrganizationId, by: u64) -> Result<bool, Broken> {
        let mut closed = lock(&self.closed);
        let before = closed.get(&id).copied().unwrap_or(by);
        let greatest = if self.is(Flaw::ForgetsAGreaterNumber) {
            by
        } else {
            before.max(by)
        };
        closed.insert(id, greatest);
        Ok(before <= by || self.is(Flaw::ClosesForAnyNumber))
    }

    async fn pack(&self, id: OrganizationId) -> Result<Option<Stored>, Broken> {
        let Some(mut moved) = self.inner.pack(id).await? else {
            return Ok(None);
        };
        match self.flaw {
            Flaw::LosesTheLog => moved.log.truncate(1),
            Flaw::LosesTheClaims => moved.claims.clear(),
            Flaw::PacksWhatWas => {
                let mut packed = lock(&self.packed);
                moved = packed.entry(id).or_insert(moved).clone();
            }
            _ => {}
        }
        Ok(Some(moved))
    }

    async fn unpack(&self, id: OrganizationId, by: u64, moved: &Stored) -> Result<bool, Broken> {
        let mut closed = lock(&self.closed);
        let before = closed.get(&id).copied();
        let (open, number) = (Flaw::ReplacesWhatIsOpen, Flaw::ReplacesForAnyNumber);
        let is_new = before.is_none() && !self.exists(id)?;
        if !is_new && !self.listens(before, by, open, number) {
            return Ok(false);
        }
        block_on(async {
            self.inner.close(id, 0).await?;
            self.inner.unpack(id, 0, moved).await?;
            self.inner.open(id, 0).await
        })?;
        if !self.is(Flaw::PutsInOpen) {
            closed.insert(id, by);
        }
        Ok(true)
    }

    async fn erase(&self, id: OrganizationId, by: u64) -> Result<bool, Broken> {
        let mut closed = lock(&self.closed);
        let before = closed.get(&id).copied();
        let (open, number) = (Flaw::DropsWhatIsOpen, Flaw::DropsForAnyNumber);
        if !self.listens(before, by, open, number) {
            return Ok(false);
        }
        if self.is(Flaw::DropsNothing) {
            return Ok(true);
        }
        block_on(async {
            self.inner.close(id, 0).await?;
            self.inner.erase(id, 0).await?;
            self.inner.open(id, 0).await
        })?;
        if self.is(Flaw::OpensWhatItDrops) {
            closed.remove(&id);
        } else {
            closed.insert(id, by);
        }
        Ok(true)
    }

    async fn open(&self, id: OrganizationId, by: u64) -> Result<bool, Broken> {
        let mut closed = lock(&self.closed);
        let before = closed.get(&id).copied();
        let (open, number) = (Flaw::OpensWhatIsOpen, Flaw::OpensForAnyNumber);
        let listens = self.listens(before, by, open, number);
        if listens {
            closed.remove(&id);
        }
        Ok(listens)
    }
}
