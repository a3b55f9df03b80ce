//! Commits that are more than nothing, or less than all.

use core::sync::atomic::{AtomicBool, Ordering};

use tenancy::Version;
use tenancy::store::{Change, Commit, Outcome, Record};

use super::store::{Data, Flaw, Lost, Store, lock, step, window};

#[derive(Default)]
pub(crate) struct IgnoresExpected;

impl Flaw for IgnoresExpected {
    const DOES: &'static str = "updates without `WHERE version = …`";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        if let Some(claim) = data.taken(commit) {
            return Ok(Outcome::Taken(claim));
        }
        data.apply(commit);
        Ok(Outcome::Committed)
    }
}

#[derive(Default)]
pub(crate) struct ComparesThenWrites;

impl Flaw for ComparesThenWrites {
    const DOES: &'static str = "compares the version in one step and writes in another";
    const SURELY: &'static [&'static str] = &[
        "promise_1_racers_have_one_winner",
        "promise_1_racers_to_create_have_one_winner",
        "promise_1_a_storm_leaves_what_its_log_says",
    ];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        two_steps(store, commit).await
    }
}

/// What a transaction at READ COMMITTED without a lock amounts to.
async fn two_steps<F: Flaw>(store: &Store<F>, commit: &Commit) -> Result<Outcome, Lost> {
    let outcome = store.data().judged(commit);
    if outcome != Outcome::Committed {
        return Ok(outcome);
    }
    window().await;
    store.data().apply(commit);
    Ok(Outcome::Committed)
}

#[derive(Default)]
pub(crate) struct LocksEachHandle {
    locked: AtomicBool,
}

impl Flaw for LocksEachHandle {
    const DOES: &'static str = "compares and writes behind a lock that only one handle knows";
    const SURELY: &'static [&'static str] = &["promise_1_racers_have_one_winner"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        while store.own.locked.swap(true, Ordering::SeqCst) {
            step().await;
        }
        let _unlocks =
            super::store::WhenDropped(|| store.own.locked.store(false, Ordering::SeqCst));
        two_steps(store, commit).await
    }
}

#[derive(Default)]
pub(crate) struct RacesToCreate;

impl Flaw for RacesToCreate {
    const DOES: &'static str =
        "locks an organization's row, but there is none yet when it is created";
    const SURELY: &'static [&'static str] = &["promise_1_racers_to_create_have_one_winner"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        if commit.expected == Version::ABSENT {
            return two_steps(store, commit).await;
        }
        Ok(store.data().commit(commit))
    }
}

#[derive(Default)]
pub(crate) struct CreatesOver;

impl Flaw for CreatesOver {
    const DOES: &'static str = "creates with `INSERT OR REPLACE`";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        if commit.expected == Version::ABSENT && data.taken(commit).is_none() {
            data.apply(commit);
            return Ok(Outcome::Committed);
        }
        Ok(data.commit(commit))
    }
}

#[derive(Default)]
pub(crate) struct AcceptsTheFuture;

impl Flaw for AcceptsTheFuture {
    const DOES: &'static str =
        "compares with `<=`: a commit on a version that isn't there yet is applied";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let ahead = commit.expected > data.version(commit.organization());
        if ahead && data.taken(commit).is_none() {
            data.apply(commit);
            return Ok(Outcome::Committed);
        }
        Ok(data.commit(commit))
    }
}

#[derive(Default)]
pub(crate) struct TakesNoRowsForSuccess;

impl Flaw for TakesNoRowsForSuccess {
    const DOES: &'static str = "doesn't look at the number of rows that its update matched";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        Ok(match store.data().commit(commit) {
            Outcome::Conflict => Outcome::Committed,
            outcome => outcome,
        })
    }
}

#[derive(Default)]
pub(crate) struct RetriesInside;

impl Flaw for RetriesInside {
    const DOES: &'static str = "tries a conflicting commit again on the new version";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        let version = data.version(commit.organization());
        if outcome != Outcome::Conflict || version < commit.expected {
            return Ok(outcome);
        }
        Ok(data.commit(&rebased(commit, version)))
    }
}

fn rebased(commit: &Commit, version: Version) -> Commit {
    let mut commit = commit.clone();
    commit.expected = version;
    commit.next.version = version.next();
    commit.entry.version = version.next();
    commit
}

#[derive(Default)]
pub(crate) struct MakesRepeatsTwice;

impl Flaw for MakesRepeatsTwice {
    const DOES: &'static str = "applies a commit again that was made just before";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let version = data.version(commit.organization());
        let last = data.log_of(commit.organization()).last();
        if last.is_some_and(|entry| entry.id == commit.id()) && data.taken(commit).is_none() {
            data.apply(&rebased(commit, version));
            return Ok(Outcome::Committed);
        }
        Ok(data.commit(commit))
    }
}

#[derive(Default)]
pub(crate) struct AnswersRepeats;

impl Flaw for AnswersRepeats {
    const DOES: &'static str = "answers `Committed` to a commit that was made before";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let mut log = data.log_of(commit.organization());
        if log.any(|entry| entry.id == commit.id()) {
            return Ok(Outcome::Committed);
        }
        drop(log);
        Ok(data.commit(commit))
    }
}

#[derive(Default)]
pub(crate) struct AppliesRecordsOfConflicts;

impl Flaw for AppliesRecordsOfConflicts {
    const DOES: &'static str =
        "writes records first and doesn't roll back when the version doesn't match";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Conflict {
            data.change_records(commit);
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LosesDeletes;

impl Flaw for LosesDeletes {
    const DOES: &'static str = "deletes nothing";

    fn written(commit: &Commit) -> Commit {
        without(commit, |change| matches!(change, Change::Delete(_)))
    }
}

#[derive(Default)]
pub(crate) struct LosesRetiredNames;

impl Flaw for LosesRetiredNames {
    const DOES: &'static str = "forgets one kind of record: the names of deleted domains";

    fn written(commit: &Commit) -> Commit {
        without(commit, |change| {
            matches!(change, Change::Put(Record::RetiredDomainName(_)))
        })
    }
}

pub(crate) fn without(commit: &Commit, lost: impl Fn(&Change) -> bool) -> Commit {
    let mut commit = commit.clone();
    commit.changes.retain(|change| !lost(change));
    commit
}

#[derive(Default)]
pub(crate) struct KeepsWhatIsThere;

impl Flaw for KeepsWhatIsThere {
    const DOES: &'static str = "puts with `INSERT … ON CONFLICT DO NOTHING`";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let state = data.state_mut(commit.organization()).clone();
        let commit = without(commit, |change| match change {
            Change::Put(record) => state.has(&record.id()),
            _ => false,
        });
        Ok(data.commit(&commit))
    }
}

#[derive(Default)]
pub(crate) struct MergesPuts;

impl Flaw for MergesPuts {
    const DOES: &'static str = "merges a record into the old one: `invoicing = COALESCE(new, old)`";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let mut commit = commit.clone();
        let state = data.state_mut(commit.organization()).clone();
        for change in &mut commit.changes {
            if let Change::Put(Record::Workspace(workspace)) = change {
                let old = state.workspace(workspace.id);
                let old = old.and_then(|old| old.invoicing.clone());
                workspace.invoicing = workspace.invoicing.take().or(old);
            }
        }
        Ok(data.commit(&commit))
    }
}

#[derive(Default)]
pub(crate) struct MergesOrganizations;

impl Flaw for MergesOrganizations {
    const DOES: &'static str = "merges the organization's row into the old one";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let mut commit = commit.clone();
        let state = data.state_mut(commit.organization()).clone();
        if let Some(old) = state.organization() {
            let next = &mut commit.next;
            next.company = next.company.take().or(old.company.clone());
            next.invoicing = next.invoicing.take().or(old.invoicing.clone());
            next.contract = next.contract.take().or(old.contract.clone());
        }
        Ok(data.commit(&commit))
    }
}

#[derive(Default)]
pub(crate) struct SkipsVersions;

impl Flaw for SkipsVersions {
    const DOES: &'static str = "numbers versions with a sequence that all organizations share";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Committed {
            let mut numbered = commit.clone();
            let number = u64::try_from(data.log.len()).unwrap_or(u64::MAX);
            numbered.next.version = Version::new(number);
            data.set_organization(&numbered);
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct RemembersPerHandle {
    cache: std::sync::Mutex<Option<Data>>,
}

impl Flaw for RemembersPerHandle {
    const DOES: &'static str = "keeps what a handle has read until that handle writes";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let outcome = store.data().commit(commit);
        *lock(&store.own.cache) = None;
        Ok(outcome)
    }

    async fn load(
        store: &Store<Self>,
        id: tenancy::OrganizationId,
        keys: &[tenancy::store::Key],
    ) -> Result<Option<tenancy::store::Facts>, Lost> {
        let mut cache = lock(&store.own.cache);
        let data = cache.get_or_insert_with(|| store.data().clone());
        Ok(super::store::facts::<Self>(data, id, keys))
    }
}

#[derive(Default)]
pub(crate) struct StarvesLosers {
    lost: std::sync::Mutex<Vec<tenancy::CommitId>>,
}

impl Flaw for StarvesLosers {
    const DOES: &'static str = "lets nobody win who has lost a race before";
    const SURELY: &'static [&'static str] = &["promise_1_fifty_writers_all_finish"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        if lock(&store.own.lost).contains(&commit.id()) {
            return Ok(Outcome::Conflict);
        }
        window().await;
        let outcome = store.data().commit(commit);
        if outcome == Outcome::Conflict && store.is_contended() {
            lock(&store.own.lost).push(commit.id());
        }
        window().await;
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct TakesBusyForAnError;

impl Flaw for TakesBusyForAnError {
    const DOES: &'static str = "fails when the database is busy, where it should say `Conflict`";
    const SURELY: &'static [&'static str] = &["promise_1_racers_have_one_winner"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        window().await;
        let outcome = store.data().commit(commit);
        if outcome == Outcome::Conflict && store.is_contended() {
            return Err(Lost("database is locked"));
        }
        window().await;
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LosesDeletesUnderLoad;

impl Flaw for LosesDeletesUnderLoad {
    const DOES: &'static str = "skips its deletes while others write, as if they could wait";
    const SURELY: &'static [&'static str] = &["promise_1_a_storm_leaves_what_its_log_says"];

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        window().await;
        let skipped = if store.is_contended() {
            without(commit, |change| matches!(change, Change::Delete(_)))
        } else {
            commit.clone()
        };
        let outcome = store.data().commit(&skipped);
        window().await;
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct CutsLargeCommits;

impl Flaw for CutsLargeCommits {
    const DOES: &'static str = "applies the first 999 changes of a commit: no more parameters fit";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.changes.truncate(999);
        commit
    }
}

#[derive(Default)]
pub(crate) struct CutsLongEntries;

impl Flaw for CutsLongEntries {
    const DOES: &'static str = "keeps the first 100 events of a log entry";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.entry.events.truncate(100);
        commit
    }
}

#[derive(Default)]
pub(crate) struct LooksAtClaimsFirst;

impl Flaw for LooksAtClaimsFirst {
    const DOES: &'static str = "answers `Taken` for its own claims when a commit is made again";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        step().await;
        let mut data = store.data();
        let taken = data.taken(commit);
        Ok(taken.map_or_else(|| data.commit(commit), Outcome::Taken))
    }
}
