//! Logs that forget, or tell of others.

use tenancy::store::{Commit, Outcome};
use tenancy::{Author, CommitId, Event, LogEntry, OrganizationId, UserId};

use super::store::{Data, Flaw, Lost, Store};

#[derive(Default)]
pub(crate) struct DropsLogEntries;

impl Flaw for DropsLogEntries {
    const DOES: &'static str = "loses every third entry of the log";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Committed && commit.next.version.get() % 3 == 0 {
            data.log.pop();
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LogsUnderAnotherOrganization;

impl Flaw for LogsUnderAnotherOrganization {
    const DOES: &'static str = "logs under the organization that was there first";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        let first = data.log.first().map(|entry| entry.organization);
        if let (Outcome::Committed, Some(first), Some(entry)) =
            (&outcome, first, data.log.last_mut())
        {
            entry.organization = first;
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LogsConflicts;

impl Flaw for LogsConflicts {
    const DOES: &'static str = "logs what was tried, not what was done";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        if outcome == Outcome::Conflict {
            data.log.push(commit.entry.clone());
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct LogsTheFirstEvent;

impl Flaw for LogsTheFirstEvent {
    const DOES: &'static str = "logs the first event of each commit";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.entry.events.truncate(1);
        commit
    }
}

#[derive(Default)]
pub(crate) struct ForgetsOperators;

impl Flaw for ForgetsOperators {
    const DOES: &'static str = "knows no authors but users";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        if let Author::Operator(_) = commit.entry.author {
            commit.entry.author = Author::User(UserId::from_external("operator"));
        }
        commit
    }
}

#[derive(Default)]
pub(crate) struct DropsWhatALaterVersionSays;

impl Flaw for DropsWhatALaterVersionSays {
    const DOES: &'static str = "logs the events that it knows, and no others";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let events = &mut commit.entry.events;
        events.retain(|event| !matches!(event, Event::Unknown(_)));
        commit
    }
}

#[derive(Default)]
pub(crate) struct ForgetsRequests;

impl Flaw for ForgetsRequests {
    const DOES: &'static str = "doesn't keep the digest of a request";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.entry.request = None;
        commit
    }
}

#[derive(Default)]
pub(crate) struct TakesDigestsForNumbers;

impl Flaw for TakesDigestsForNumbers {
    const DOES: &'static str =
        "keeps digests as numbers: one that begins with zeros is none any more";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        let digest = commit.entry.request;
        commit.entry.request = digest.filter(|digest| !digest.to_string().starts_with("000000"));
        commit
    }
}

#[derive(Default)]
pub(crate) struct ForgetsParts;

impl Flaw for ForgetsParts {
    const DOES: &'static str = "doesn't keep which of a request's commands did what";

    fn written(commit: &Commit) -> Commit {
        let mut commit = commit.clone();
        commit.entry.parts.clear();
        commit
    }
}

#[derive(Default)]
pub(crate) struct FindsNobodyElsesCommits;

impl Flaw for FindsNobodyElsesCommits {
    const DOES: &'static str = "`Key::Commit` finds the organization's own entries only";

    fn committed(data: &Data, id: OrganizationId, commit: CommitId) -> Option<LogEntry> {
        let entry = data.entry(commit);
        entry.filter(|entry| entry.organization == id).cloned()
    }
}

#[derive(Default)]
pub(crate) struct FindsTheLastCommitOnly;

impl Flaw for FindsTheLastCommitOnly {
    const DOES: &'static str = "keeps only the id of an organization's last commit";

    fn committed(data: &Data, id: OrganizationId, commit: CommitId) -> Option<LogEntry> {
        let last = data.log_of(id).last();
        last.filter(|entry| entry.id == commit).cloned()
    }
}

#[derive(Default)]
pub(crate) struct LetsEachUseAnId;

impl Flaw for LetsEachUseAnId {
    const DOES: &'static str = "has the organization and a commit's id as the primary key of its log: another may use the id, too";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let outcome = data.commit(commit);
        let own = |entry: &LogEntry| entry.organization == commit.organization();
        if outcome == Outcome::IdUsed && !data.entry(commit.id()).is_some_and(own) {
            data.apply(commit);
            return Ok(Outcome::Committed);
        }
        Ok(outcome)
    }
}

#[derive(Default)]
pub(crate) struct FailsOnUsedIds;

impl Flaw for FailsOnUsedIds {
    const DOES: &'static str =
        "doesn't tell that a commit's id is used from any other error of its database";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        match store.data().commit(commit) {
            Outcome::IdUsed => Err(Lost("duplicate key value violates unique constraint")),
            outcome => Ok(outcome),
        }
    }
}

#[derive(Default)]
pub(crate) struct FailsOnRepeats;

impl Flaw for FailsOnRepeats {
    const DOES: &'static str = "fails on its own unique index when a commit is made again";

    async fn commit(store: &Store<Self>, commit: &Commit) -> Result<Outcome, Lost> {
        let mut data = store.data();
        let mut log = data.log_of(commit.organization());
        if log.any(|entry| entry.id == commit.id()) {
            return Err(Lost("duplicate key value violates unique constraint"));
        }
        drop(log);
        Ok(data.commit(commit))
    }
}
