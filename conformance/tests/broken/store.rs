//! A store that keeps every promise, with a place for one flaw.

use core::fmt;
use core::future::{Future, poll_fn};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use core::task::Poll;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use tenancy::store::{
    Change, Claim, Commit, Drift, Facts, Glance, Held, Item, Key, List, Organization,
    OrganizationState, OrganizationStatus, OrganizationSummary, Outcome, Record, RecordId, Stored,
    Value,
};
use tenancy::{CommitId, LogEntry, OrganizationId, Resource, UserId, Version};

use tenancy_conformance::{Garbled, Tampering};

use super::handle::{Answer, AnyStore};
use super::items::{after, key};

/// What a store does wrong. Everything that a flaw leaves as it is here is right.
pub(crate) trait Flaw: Default + Send + Sync + 'static {
    /// In a sentence.
    const DOES: &'static str;

    /// Which of the checks that race must find it, however the race goes.
    const SURELY: &'static [&'static str] = &[];

    /// A commit as it is written.
    fn written(commit: &Commit) -> Commit {
        commit.clone()
    }

    fn commit(
        store: &Store<Self>,
        commit: &Commit,
    ) -> impl Future<Output = Result<Outcome, Lost>> + Send {
        async move {
            step().await;
            let outcome = store.data().commit(&Self::written(commit));
            step().await;
            Ok(outcome)
        }
    }

    fn load(
        store: &Store<Self>,
        id: OrganizationId,
        keys: &[Key],
    ) -> impl Future<Output = Result<Option<Facts>, Lost>> + Send {
        async move {
            step().await;
            Ok(facts::<Self>(&store.data(), id, keys))
        }
    }

    fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> impl Future<Output = Result<Option<Held>, Lost>> + Send {
        async move {
            step().await;
            store.count(1);
            Ok(store.data().held(user, resource))
        }
    }

    fn glance(_: &Store<Self>, _: UserId, _: Resource) -> Option<Glance> {
        None
    }

    /// The records that a key brings.
    fn bring(data: &Data, id: OrganizationId, key: &Key) -> Vec<Record> {
        data.bring(id, key)
    }

    /// The log entry of a commit.
    fn committed(data: &Data, _: OrganizationId, commit: CommitId) -> Option<LogEntry> {
        data.entry(commit).cloned()
    }

    /// What a list holds, in any order.
    fn items(data: &Data, list: &List) -> Vec<Item> {
        data.items(list)
    }

    /// In which order.
    fn order(item: &Item) -> Vec<u8> {
        key(item)
    }

    /// A page of items in order.
    fn page(&self, items: Vec<Item>, after: Option<Vec<u8>>, limit: usize) -> Vec<Item> {
        keyset(items, after.as_deref(), limit)
    }

    fn claimed_by(data: &Data, claim: &Claim) -> Option<OrganizationId> {
        data.claims.get(claim).copied()
    }

    /// What is wrong with an organization.
    fn verify(data: &Data, id: OrganizationId) -> Result<(), Drift> {
        data.verify(id, Columns::eq)
    }

    /// What is there after the store was closed and opened again.
    fn reopened(data: Data) -> Data {
        data
    }
}

/// No flaw: what every broken store is measured against.
#[derive(Default)]
pub(crate) struct Sound;

impl Flaw for Sound {
    const DOES: &'static str = "nothing wrong";
}

/// A handle. What it keeps to itself is the flaw's.
pub(crate) struct Store<F> {
    shared: Arc<Shared>,
    pub(crate) own: F,
    round_trips: AtomicU64,
}

#[derive(Default)]
struct Shared {
    data: Mutex<Data>,
    commits_under_way: AtomicUsize,
}

/// All that is kept.
#[derive(Clone, Debug, Default)]
pub(crate) struct Data {
    pub(crate) organizations: BTreeMap<OrganizationId, OrganizationState>,
    pub(crate) claims: BTreeMap<Claim, OrganizationId>,
    pub(crate) log: Vec<LogEntry>,
    /// How it was one commit ago, where a flaw remembers it.
    pub(crate) before: Option<Box<Data>>,
    /// Columns that say something else than their record, because somebody has tampered with them.
    pub(crate) misfiled: BTreeMap<(OrganizationId, RecordId, &'static str), Value>,
    /// What somebody has made unreadable.
    pub(crate) garbled: BTreeSet<(OrganizationId, Garbled)>,
    /// What is kept beside an organization's own record, because somebody has tampered with it.
    pub(crate) rows: BTreeMap<OrganizationId, Columns>,
    /// Claims that a commit under way has locked, where a flaw locks them.
    pub(crate) locks: BTreeMap<Claim, OrganizationId>,
}

/// The columns of an organization's own row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) version: Version,
    pub(crate) status: OrganizationStatus,
    pub(crate) summary: OrganizationSummary,
}

impl Columns {
    pub(crate) fn of(row: &Organization) -> Self {
        Self {
            version: row.version,
            status: row.status,
            summary: row.summary(),
        }
    }
}

/// "You don't know": the connection was lost.
#[derive(Debug)]
pub(crate) struct Lost(pub(crate) &'static str);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for Lost {}

impl<F: Flaw> Store<F> {
    pub(crate) fn data(&self) -> MutexGuard<'_, Data> {
        lock(&self.shared.data)
    }

    pub(crate) fn count(&self, round_trips: u64) {
        self.round_trips.fetch_add(round_trips, Ordering::SeqCst);
    }

    /// Whether more than one commit is under way.
    pub(crate) fn is_contended(&self) -> bool {
        self.shared.commits_under_way.load(Ordering::SeqCst) > 1
    }

    /// Whether any commit is under way.
    pub(crate) fn is_writing(&self) -> bool {
        self.shared.commits_under_way.load(Ordering::SeqCst) > 0
    }
}

impl Data {
    pub(crate) fn version(&self, id: OrganizationId) -> Version {
        let state = self.organizations.get(&id);
        state.map_or(Version::ABSENT, OrganizationState::version)
    }

    pub(crate) fn log_of(&self, id: OrganizationId) -> impl Iterator<Item = &LogEntry> {
        self.log
            .iter()
            .filter(move |entry| entry.organization == id)
    }

    /// The entry of a commit, whichever organization it is of.
    pub(crate) fn entry(&self, id: CommitId) -> Option<&LogEntry> {
        self.log.iter().find(|entry| entry.id == id)
    }

    pub(crate) fn commit(&mut self, commit: &Commit) -> Outcome {
        let outcome = self.judged(commit);
        if outcome == Outcome::Committed {
            self.apply(commit);
        }
        outcome
    }

    /// What would come of a commit, which isn't made.
    pub(crate) fn judged(&self, commit: &Commit) -> Outcome {
        if self.version(commit.organization()) != commit.expected {
            return Outcome::Conflict;
        }
        if let Some(claim) = self.taken(commit) {
            return Outcome::Taken(claim);
        }
        if self.entry(commit.id()).is_some() {
            return Outcome::IdUsed;
        }
        Outcome::Committed
    }

    pub(crate) fn taken(&self, commit: &Commit) -> Option<Claim> {
        let mut claims = claims(commit);
        claims
            .find(|claim| self.claims.contains_key(claim))
            .cloned()
    }

    pub(crate) fn apply(&mut self, commit: &Commit) {
        self.set_organization(commit);
        self.change_records(commit);
        self.change_claims(commit);
        self.log.push(commit.entry.clone());
    }

    pub(crate) fn state_mut(&mut self, id: OrganizationId) -> &mut OrganizationState {
        let state = self.organizations.entry(id);
        state.or_insert_with(|| OrganizationState::absent(id))
    }

    pub(crate) fn set_organization(&mut self, commit: &Commit) {
        let state = self.state_mut(commit.organization());
        state.set_organization(commit.next.clone());
    }

    pub(crate) fn change_records(&mut self, commit: &Commit) {
        let state = self.state_mut(commit.organization());
        for change in &commit.changes {
            match change {
                Change::Put(record) => state.put(record.clone()),
                Change::Delete(id) => drop(state.delete(id)),
                Change::Claim(_) | Change::Release(_) => {}
            }
        }
    }

    pub(crate) fn change_claims(&mut self, commit: &Commit) {
        let id = commit.organization();
        for change in &commit.changes {
            match change {
                Change::Claim(claim) => drop(self.claims.insert(claim.clone(), id)),
                Change::Release(claim) => drop(self.claims.remove(claim)),
                Change::Put(_) | Change::Delete(_) => {}
            }
        }
    }

    /// As `commit`, and remembers what was before.
    pub(crate) fn commit_remembering(&mut self, commit: &Commit) -> Outcome {
        self.before = None;
        let before = self.clone();
        let outcome = self.commit(commit);
        self.before = Some(Box::new(before));
        outcome
    }

    /// All of an organization, to be verified.
    pub(crate) fn stored(&self, id: OrganizationId) -> Option<Stored> {
        let state = self.organizations.get(&id)?.clone();
        let misfiled = self
            .misfiled
            .iter()
            .filter_map(|((of, record, name), value)| {
                let own = state.record(record).filter(|_| *of == id)?.columns();
                let mut columns = record.kind().columns().iter().zip(own);
                let agrees = columns.any(|(column, own)| column.name == *name && own == *value);
                (!agrees).then(|| record.clone())
            });
        Some(Stored {
            misfiled: misfiled.collect(),
            log: self.log_of(id).cloned().collect(),
            claims: self.claims.clone(),
            state,
        })
    }

    /// Verifies an organization, with something that compares its own row's columns with what is due.
    pub(crate) fn verify(
        &self,
        id: OrganizationId,
        agree: fn(&Columns, &Columns) -> bool,
    ) -> Result<(), Drift> {
        let Some(stored) = self.stored(id) else {
            return Ok(());
        };
        let due = stored.state.organization().map(Columns::of);
        match (self.rows.get(&id), due) {
            (Some(found), Some(due)) if !agree(found, &due) => Err(Drift::Organization),
            _ => stored.verify(),
        }
    }

    pub(crate) fn tamper(&mut self, tampering: &Tampering) -> bool {
        match tampering.clone() {
            Tampering::Misfile {
                organization,
                record,
                column,
                value,
            } => drop(
                self.misfiled
                    .insert((organization, record, column.name), value),
            ),
            Tampering::Row {
                organization,
                version,
                status,
                summary,
            } => {
                let columns = Columns {
                    version,
                    status,
                    summary,
                };
                drop(self.rows.insert(organization, columns));
            }
            Tampering::Put {
                organization,
                record,
            } => {
                let garbled = Garbled::Record(record.id());
                self.garbled.remove(&(organization, garbled));
                self.state_mut(organization).put(record);
            }
            Tampering::Garble {
                organization,
                garbled,
            } => drop(self.garbled.insert((organization, garbled))),
            Tampering::Delete {
                organization,
                record,
            } => drop(self.state_mut(organization).delete(&record)),
            Tampering::Claim {
                claim,
                holder: Some(holder),
            } => drop(self.claims.insert(claim, holder)),
            Tampering::Claim {
                claim,
                holder: None,
            } => drop(self.claims.remove(&claim)),
            _ => return false,
        }
        true
    }

    pub(crate) fn bring(&self, id: OrganizationId, key: &Key) -> Vec<Record> {
        let state = self.organizations.get(&id);
        let facts = state.and_then(|state| Facts::select(state, [], core::slice::from_ref(key)));
        facts.map_or_else(Vec::new, |facts| facts.records)
    }

    // What is the same for every flaw takes functions, so that it is compiled once and not once a flaw.

    /// What a store brings that brings this of a key, and of a commit.
    fn facts(
        &self,
        id: OrganizationId,
        keys: &[Key],
        bring: fn(&Self, OrganizationId, &Key) -> Vec<Record>,
        committed: fn(&Self, OrganizationId, CommitId) -> Option<LogEntry>,
    ) -> Option<Facts> {
        let organization = self.organizations.get(&id)?.organization()?.clone();
        let committed = keys.iter().find_map(|key| match key {
            Key::Commit(commit) => committed(self, id, *commit),
            _ => None,
        });
        let records = keys.iter().flat_map(|key| bring(self, id, key)).collect();
        Some(Facts {
            organization,
            records,
            committed,
        })
    }

    /// All that a list holds, as far as it can be read.
    fn in_order(
        &self,
        list: &List,
        items: fn(&Self, &List) -> Vec<Item>,
        order: fn(&Item) -> Vec<u8>,
    ) -> Vec<Item> {
        let mut items = items(self, list);
        items.sort_by_key(order);
        let items = items.into_iter();
        items.map(|item| self.readable(list, item)).collect()
    }

    pub(crate) fn held(&self, user: UserId, resource: Resource) -> Option<Held> {
        let state = self.organizations.get(&resource.organization())?;
        state.held(user, resource)
    }
}

/// The items after a key, as many as asked for.
pub(crate) fn keyset(items: Vec<Item>, after: Option<&[u8]>, limit: usize) -> Vec<Item> {
    let items = items.into_iter();
    items
        .filter(|item| after.is_none_or(|after| key(item).as_slice() > after))
        .take(limit)
        .collect()
}

pub(crate) fn claims(commit: &Commit) -> impl Iterator<Item = &Claim> {
    commit.changes.iter().filter_map(|change| match change {
        Change::Claim(claim) => Some(claim),
        _ => None,
    })
}

pub(crate) fn facts<F: Flaw>(data: &Data, id: OrganizationId, keys: &[Key]) -> Option<Facts> {
    data.facts(id, keys, F::bring, F::committed)
}

/// A commit that counts as under way until it is done or dropped.
async fn counted(count: &AtomicUsize, commit: Answer<'_, Outcome>) -> Result<Outcome, Lost> {
    count.fetch_add(1, Ordering::SeqCst);
    let _done = WhenDropped(|| {
        count.fetch_sub(1, Ordering::SeqCst);
    });
    commit.await
}

impl<F: Flaw> Store<F> {
    pub(crate) fn new() -> Self {
        Self::on(Arc::default())
    }

    fn on(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            own: F::default(),
            round_trips: AtomicU64::new(0),
        }
    }
}

impl<F: Flaw> AnyStore for Store<F> {
    fn load<'a>(&'a self, id: OrganizationId, keys: &'a [Key]) -> Answer<'a, Option<Facts>> {
        Box::pin(F::load(self, id, keys))
    }

    fn commit<'a>(&'a self, commit: &'a Commit) -> Answer<'a, Outcome> {
        let commit = Box::pin(F::commit(self, commit));
        Box::pin(counted(&self.shared.commits_under_way, commit))
    }

    fn standing(&self, user: UserId, on: Resource) -> Answer<'_, Option<Held>> {
        Box::pin(F::standing(self, user, on))
    }

    fn glance(&self, user: UserId, on: Resource) -> Option<Glance> {
        F::glance(self, user, on)
    }

    fn list(&self, list: &List, limit: usize) -> Vec<Item> {
        let items = self.data().in_order(list, F::items, F::order);
        self.own.page(items, after(list), limit)
    }

    fn claimed_by(&self, claim: &Claim) -> Option<OrganizationId> {
        F::claimed_by(&self.data(), claim)
    }

    fn verify(&self, id: OrganizationId) -> Result<(), String> {
        F::verify(&self.data(), id).map_err(|drift| drift.to_string())
    }

    fn tamper(&self, tampering: &Tampering) -> bool {
        self.data().tamper(tampering)
    }

    fn another(&self) -> Box<dyn AnyStore> {
        Box::new(Self::on(Arc::clone(&self.shared)))
    }

    fn reopened(&self) -> Box<dyn AnyStore> {
        let data = F::reopened(self.data().clone());
        Box::new(Self::on(Arc::new(Shared {
            data: Mutex::new(data),
            ..Shared::default()
        })))
    }

    fn round_trips(&self) -> u64 {
        self.round_trips.load(Ordering::SeqCst)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A place where a future waits, and may be dropped.
pub(crate) async fn step() {
    let mut waited = false;
    poll_fn(|context| {
        if waited {
            return Poll::Ready(());
        }
        waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A place where a future waits so long that others come in between.
pub(crate) async fn window() {
    step().await;
    thread::sleep(Duration::from_micros(300));
    step().await;
}

/// Does something when it is dropped, be it because a future was.
pub(crate) struct WhenDropped<D: FnMut()>(pub(crate) D);

impl<D: FnMut()> Drop for WhenDropped<D> {
    fn drop(&mut self) {
        (self.0)();
    }
}
