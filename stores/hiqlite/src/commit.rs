//! Writing a commit: a transaction that is fixed beforehand, and fails where it isn't the commit's turn.

use core::time::Duration;
use std::time::{SystemTime, UNIX_EPOCH};

use hiqlite::Param;
use tenancy::store::{Change, Claim, Commit, Outcome};
use tenancy::{CommitId, OrganizationId, Version};
use tenancy_sqlite::rusqlite::{Connection, OptionalExtension as _};
use tenancy_sqlite::tables;
use uuid::Uuid;

use crate::cluster::{Cluster, Refused, Step, size, step};
use crate::error::Error;

/// The tables of this crate beside those of `tenancy-sqlite`. They hold nothing of an organization's.
///
/// One row says how many writes there were, by which a node knows whether it has caught up; a write that isn't due fails its
/// check, which undoes the transaction. (A statement that changes no row undoes nothing.) Each commit leaves a mark of the
/// attempt that made it, for an hour, and so does each step of the outbox, under a name of its own: hiqlite sends a transaction again by itself when the leader changes, and what is
/// refused then was perhaps made before.
pub(crate) const TABLES: [&str; 3] = [
    "CREATE TABLE IF NOT EXISTS tenancy_raft (\
        one    INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), \
        writes INTEGER NOT NULL, \
        due    INTEGER NOT NULL, CONSTRAINT tenancy_due CHECK (due = 1)\
    ) STRICT",
    "CREATE TABLE IF NOT EXISTS tenancy_raft_attempts (\
        commit_id BLOB    NOT NULL PRIMARY KEY, \
        attempt   BLOB    NOT NULL, \
        at        INTEGER NOT NULL\
    ) STRICT, WITHOUT ROWID",
    "CREATE INDEX IF NOT EXISTS tenancy_raft_attempts_at ON tenancy_raft_attempts (at)",
];

/// Counts a write that is always due.
pub(crate) const WRITE: &str = "INSERT INTO tenancy_raft (one, writes, due) VALUES (1, 1, 1) \
    ON CONFLICT (one) DO UPDATE SET writes = writes + 1";

/// Counts a write, or fails: of this organization at this version, under an id that nobody has used.
const TURN: &str = "INSERT INTO tenancy_raft (one, writes, due) VALUES (1, 1, \
        coalesce((SELECT o.version FROM tenancy_organizations o WHERE o.id = ?1), 0) = ?2 \
        AND NOT EXISTS (SELECT 1 FROM tenancy_commits c WHERE c.id = ?3)) \
    ON CONFLICT (one) DO UPDATE SET writes = writes + 1, due = excluded.due";

/// Fails if somebody holds the claim.
const FREE: &str = "INSERT INTO tenancy_raft (one, writes, due) VALUES (1, 1, \
        NOT EXISTS (SELECT 1 FROM tenancy_claims c WHERE c.scope = ?1 AND c.key = ?2)) \
    ON CONFLICT (one) DO UPDATE SET due = excluded.due";

/// How SQLite names the check that fails.
pub(crate) const NOT_DUE: &str = "tenancy_due";

pub(crate) const MARK: &str =
    "INSERT INTO tenancy_raft_attempts (commit_id, attempt, at) VALUES (?1, ?2, ?3)";
pub(crate) const FORGET: &str = "DELETE FROM tenancy_raft_attempts WHERE at < ?1";

/// For how long a mark is kept, in milliseconds: much longer than hiqlite goes on with a transaction.
pub(crate) const KEPT: i64 = 60 * 60 * 1000;

/// How long a commit that was made waits until this node has it, too. Usually that is the time that a message takes.
pub(crate) const HERE: Duration = Duration::from_secs(1);

/// Writes a commit.
pub(crate) async fn commit(cluster: &Cluster, commit: &Commit) -> Result<Outcome, Error> {
    let attempt = CommitId::new(); // as good as any id
    let steps = steps(commit, attempt)?;
    let (bytes, limit) = (size(&steps), cluster.limit);
    if bytes > limit {
        return Err(Error::TooLarge { bytes, limit });
    }
    match cluster.transaction(steps).await {
        Ok(()) => {
            // Who commits on this node sees it in checks on this node. That it was made is certain already.
            let (id, version) = (commit.organization(), number(commit.next.version)?);
            let is_here = move |connection: &Connection| Ok(version_of(connection, id)? >= version);
            let _ = cluster.until(HERE, is_here).await;
            Ok(Outcome::Committed)
        }
        Err(Refused::Undone(why)) if why.contains(NOT_DUE) => {
            let asked = Asked::of(commit, attempt)?;
            cluster
                .read_latest(move |connection| asked.became(connection))
                .await
        }
        Err(refused) => Err(refused.into()),
    }
}

/// The transaction: on what condition it is made, and what it writes.
fn steps(commit: &Commit, attempt: CommitId) -> Result<Vec<Step>, Error> {
    let writes = tables::writes(commit)?;
    let id = blob(commit.id().as_uuid());
    let turn = vec![
        blob(commit.organization().as_uuid()),
        Param::Integer(number(commit.expected)?),
        id.clone(),
    ];
    let now = now_millis();
    let mark = vec![id, blob(attempt.as_uuid()), Param::Integer(now)];
    let mut steps = vec![(TURN.into(), turn)];
    steps.extend(claims(commit).map(|claim| {
        let (scope, key) = claim.filed();
        let key = Param::Text(key.to_owned());
        (FREE.into(), vec![Param::Integer(scope.into()), key])
    }));
    steps.extend([
        (MARK.into(), mark),
        (
            FORGET.into(),
            vec![Param::Integer(now.saturating_sub(KEPT))],
        ),
    ]);
    steps.extend(writes.into_iter().map(step));
    Ok(steps)
}

fn claims(commit: &Commit) -> impl Iterator<Item = &Claim> {
    commit.changes.iter().filter_map(|change| match change {
        Change::Claim(claim) => Some(claim),
        _ => None,
    })
}

/// What is asked about a commit that was refused: hiqlite only tells that it was.
struct Asked {
    organization: OrganizationId,
    expected: i64,
    id: CommitId,
    attempt: CommitId,
    claims: Vec<Claim>,
}

impl Asked {
    fn of(commit: &Commit, attempt: CommitId) -> Result<Self, Error> {
        Ok(Self {
            organization: commit.organization(),
            expected: number(commit.expected)?,
            id: commit.id(),
            attempt,
            claims: claims(commit).cloned().collect(),
        })
    }

    /// What became of it, in a copy that has everything.
    fn became(&self, connection: &Connection) -> Result<Outcome, Error> {
        let id = self.id.as_uuid();
        let mark = connection
            .prepare_cached("SELECT attempt FROM tenancy_raft_attempts WHERE commit_id = ?1")?
            .query_row([id.as_bytes()], |row| row.get::<_, [u8; 16]>(0))
            .optional()?;
        if mark.as_ref() == Some(self.attempt.as_uuid().as_bytes()) {
            // It was made, hiqlite sent it again by itself, and what was refused is the second.
            return Ok(Outcome::Committed);
        }
        if version_of(connection, self.organization)? != self.expected {
            return Ok(Outcome::Conflict);
        }
        for claim in &self.claims {
            if tables::claimed_by(connection, claim)?.is_some() {
                return Ok(Outcome::Taken(claim.clone()));
            }
        }
        let is_used = connection
            .prepare_cached("SELECT 1 FROM tenancy_commits WHERE id = ?1")?
            .exists([id.as_bytes()])?;
        Ok(if is_used {
            Outcome::IdUsed
        } else {
            // What was in the way has gone since: the same may be decided again.
            Outcome::Conflict
        })
    }
}

/// The version of an organization in this node's copy; 0 if it isn't there.
fn version_of(connection: &Connection, organization: OrganizationId) -> Result<i64, Error> {
    let version = connection
        .prepare_cached("SELECT version FROM tenancy_organizations WHERE id = ?1")?
        .query_row([organization.as_uuid().as_bytes()], |row| row.get(0))
        .optional()?;
    Ok(version.unwrap_or(0))
}

pub(crate) fn blob(id: Uuid) -> Param {
    Param::Blob(id.as_bytes().to_vec())
}

fn number(version: Version) -> Result<i64, Error> {
    let number = i64::try_from(version.get());
    Ok(number.map_err(|_| tenancy_sqlite::Error::InvalidCommit("a version is too large"))?)
}

/// The system's clock, in milliseconds.
pub(crate) fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    i64::try_from(since.unwrap_or_default().as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use tenancy::commands::{CreateDomain, CreateOrganization};
    use tenancy::store::{MemoryRepository, Repository as _};
    use tenancy::{Actor, DomainKind, DomainName, Name, Tenancy, UserId, VerifiedEmail, block_on};
    use tenancy_sqlite::rusqlite::params_from_iter;
    use tenancy_sqlite::rusqlite::types::Value;

    /// A node's copy.
    pub(crate) fn copy() -> Connection {
        let mut copy = Connection::open_in_memory().unwrap();
        tenancy_sqlite::migrate(&mut copy).unwrap();
        for text in TABLES {
            copy.execute(text, ()).unwrap();
        }
        copy
    }

    /// What a node does with a transaction.
    pub(crate) fn make(copy: &mut Connection, steps: Vec<Step>) -> Result<(), String> {
        let transaction = copy.savepoint().unwrap(); // which may be within another one
        for (text, values) in steps {
            let values = values.into_iter().map(|value| match value {
                Param::Integer(number) => Value::Integer(number),
                Param::Text(text) => Value::Text(text),
                Param::Blob(bytes) => Value::Blob(bytes),
                Param::Null => Value::Null,
                other => panic!("no commit has that: {other:?}"),
            });
            let made = transaction.execute(&text, params_from_iter(values));
            made.map_err(|error| error.to_string())?;
        }
        transaction.commit().map_err(|error| error.to_string())
    }

    fn attempt(copy: &mut Connection, commit: &Commit, attempt: CommitId) -> Outcome {
        let asked = Asked::of(commit, attempt).unwrap();
        match make(copy, steps(commit, attempt).unwrap()) {
            Ok(()) => Outcome::Committed,
            Err(why) => {
                assert!(why.contains(NOT_DUE), "{why}");
                asked.became(copy).unwrap()
            }
        }
    }

    /// An organization, and a domain in it.
    fn commits(called: &str) -> [Commit; 2] {
        let ann = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
        let ann = Actor::user(UserId::from_external("ann"), ann);
        let tenancy = Tenancy::new(MemoryRepository::new());
        let name = Name::new("Acme").unwrap();
        let made = block_on(tenancy.prepare(&ann, CreateOrganization { name })).unwrap();
        let creation = made.commit.unwrap();
        let committed = block_on(tenancy.repository().commit(&creation)).unwrap();
        assert_eq!(committed, Outcome::Committed);
        let create = CreateDomain {
            organization: made.output.organization,
            workspace: made.output.workspace,
            name: DomainName::new(called).unwrap(),
            kind: DomainKind::Sandbox,
        };
        let domain = block_on(tenancy.prepare(&ann, create)).unwrap();
        [creation, domain.commit.unwrap()]
    }

    #[test]
    fn what_was_made_and_is_sent_again_was_made() {
        let mut copy = copy();
        let [creation, domain] = commits("acme");
        let (first, second) = (CommitId::new(), CommitId::new());
        assert_eq!(attempt(&mut copy, &creation, first), Outcome::Committed);
        assert_eq!(attempt(&mut copy, &creation, first), Outcome::Committed);
        // Another attempt is another call, and made nothing.
        assert_eq!(attempt(&mut copy, &creation, second), Outcome::Conflict);
        assert_eq!(attempt(&mut copy, &domain, second), Outcome::Committed);
        assert_eq!(attempt(&mut copy, &creation, first), Outcome::Committed); // whatever came after
        tables::verify(&copy, creation.organization()).unwrap();
        let writes: i64 = copy
            .query_row(crate::cluster::WRITES, (), |row| row.get(0))
            .unwrap();
        assert_eq!(writes, 2);
    }

    #[test]
    fn each_reason_is_told_from_the_others_and_undoes_everything() {
        let mut copy = copy();
        let ([acme, domain], [other, same_domain]) = (commits("acme"), commits("acme"));
        for commit in [&acme, &domain, &other] {
            let made = attempt(&mut copy, commit, CommitId::new());
            assert_eq!(made, Outcome::Committed);
        }
        let taken = claims(&same_domain).next().unwrap().clone();
        let refused = attempt(&mut copy, &same_domain, CommitId::new());
        assert_eq!(refused, Outcome::Taken(taken));
        let mut used = same_domain.clone();
        used.entry.id = acme.id();
        used.changes.clear();
        let refused = attempt(&mut copy, &used, CommitId::new());
        assert_eq!(refused, Outcome::IdUsed);
        let refused = attempt(&mut copy, &domain, CommitId::new());
        assert_eq!(refused, Outcome::Conflict);
        for organization in [acme.organization(), other.organization()] {
            tables::verify(&copy, organization).unwrap();
        }
    }

    /// Without it nothing would be compared.
    #[test]
    fn a_copy_without_the_row_of_writes_refuses_like_any_other() {
        let mut copy = copy();
        let [_, domain] = commits("acme");
        let refused = attempt(&mut copy, &domain, CommitId::new());
        assert_eq!(refused, Outcome::Conflict); // the organization doesn't exist
    }
}
