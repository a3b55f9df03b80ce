//! Writing what was decided beforehand: a transaction that fails where what was read isn't so any more, and a mark by which
//! each attempt is known.

use hiqlite::Param;
use tenancy::CommitId;
use tenancy_sqlite::rusqlite::{self, Connection};
use tenancy_sqlite::tables::Write;
use tenancy_sqlite::tables::outbox::{Optimistic, Read};
use tokio::time::Instant;

use crate::cluster::{Cluster, Refused, Step, param, size, step};
use crate::commit::{FORGET, HERE, KEPT, MARK, NOT_DUE, blob, now_millis};
use crate::error::Error;

/// Counts a write, or fails: of an attempt that hasn't left its mark. hiqlite may send a transaction twice.
const ONCE: &str = "INSERT INTO tenancy_raft (one, writes, due) VALUES (1, 1, \
        NOT EXISTS (SELECT 1 FROM tenancy_raft_attempts a WHERE a.commit_id = ?1)) \
    ON CONFLICT (one) DO UPDATE SET writes = writes + 1, due = excluded.due";

/// A step that was made.
pub(crate) struct Made<T> {
    pub(crate) answer: T,
    /// Whether this node has it already.
    pub(crate) is_here: bool,
}

/// Makes a step. It is decided in this node's copy, however old: what was read there is read again by every node before it
/// writes. Where that says something else, or where nothing is to be written, it is decided again, in a copy that has
/// everything that was acknowledged.
pub(crate) async fn make<T: Send + 'static>(
    cluster: &Cluster,
    decide: impl Fn(&Connection) -> Result<Optimistic<T>, tenancy_sqlite::Error>
    + Clone
    + Send
    + 'static,
) -> Result<Made<T>, Error> {
    let begun = Instant::now();
    let mut is_latest = false;
    loop {
        let decide = decide.clone();
        let decide = move |connection: &Connection| Ok(decide(connection)?);
        let decided = if is_latest {
            cluster.read_latest(decide).await?
        } else {
            cluster.readers.read(decide).await?
        };
        if decided.writes.is_empty() {
            if is_latest {
                let (answer, is_here) = (decided.answer, true);
                return Ok(Made { answer, is_here });
            }
        } else if let Some(made) = attempt(cluster, decided).await? {
            return Ok(made);
        } else if is_latest && begun.elapsed() >= cluster.patience {
            // Others are always faster.
            return Err(Error::Timeout(cluster.patience));
        }
        is_latest = true;
    }
}

/// Makes it, if what was read is still so.
async fn attempt<T>(cluster: &Cluster, decided: Optimistic<T>) -> Result<Option<Made<T>>, Error> {
    let Optimistic {
        answer,
        reads,
        writes,
    } = decided;
    let attempt = CommitId::try_new().map_err(tenancy_sqlite::Error::from)?;
    let steps = steps(attempt, reads, writes, now_millis());
    let (bytes, limit) = (size(&steps), cluster.limit);
    if bytes > limit {
        return Err(Error::TooLarge { bytes, limit });
    }
    let is_marked = move |connection: &Connection| Ok(is_marked(connection, attempt)?);
    match cluster.transaction(steps).await {
        Ok(()) => {}
        Err(Refused::Undone(why)) if why.contains(NOT_DUE) => {
            // Perhaps it was made, hiqlite sent it again by itself, and what was refused is the second.
            if !cluster.read_latest(is_marked).await? {
                return Ok(None);
            }
        }
        Err(refused) => return Err(refused.into()),
    }
    // That it was made is certain, whatever this node does.
    let is_here = cluster.until(HERE, is_marked).await.unwrap_or(false);
    Ok(Some(Made { answer, is_here }))
}

/// The transaction: on what condition it is made, and what it writes.
fn steps(attempt: CommitId, reads: Vec<Read>, writes: Vec<Write>, now: i64) -> Vec<Step> {
    let id = blob(attempt.as_uuid());
    let mark = vec![id.clone(), id.clone(), Param::Integer(now)];
    let forget = vec![Param::Integer(now.saturating_sub(KEPT))];
    let mut steps = vec![(ONCE.into(), vec![id])];
    steps.extend(reads.into_iter().map(still_so));
    steps.extend([(MARK.into(), mark), (FORGET.into(), forget)]);
    steps.extend(writes.into_iter().map(step));
    steps
}

/// Fails unless a query has the same answer again.
fn still_so(read: Read) -> Step {
    let first = read.values.len().saturating_add(1);
    let places = (first..).take(read.answer.len());
    let places: Vec<_> = places.map(|number| format!("?{number}")).collect();
    let text = format!(
        "INSERT INTO tenancy_raft (one, writes, due) VALUES (1, 1, ({}) IS ({})) \
        ON CONFLICT (one) DO UPDATE SET due = excluded.due",
        read.text,
        places.join(", ")
    );
    let values = read.values.into_iter().chain(read.answer);
    (text.into(), values.map(param).collect())
}

fn is_marked(connection: &Connection, attempt: CommitId) -> Result<bool, rusqlite::Error> {
    connection
        .prepare_cached("SELECT 1 FROM tenancy_raft_attempts WHERE commit_id = ?1")?
        .exists([attempt.as_uuid().as_bytes()])
}

#[cfg(test)]
mod tests;
