//! The queue: who has an organization, from which entry on, and when it is due.

use core::num::NonZeroU32;
use core::time::Duration;
use std::error::Error as _;

use rusqlite::Connection;
use tenancy::{CommitId, LogEntry, OrganizationId, Version};
use uuid::Uuid;

use super::{Depth, Failing, LONGEST_LEASE, LONGEST_PAUSE, parked};
use crate::commit::{End, in_transaction, run};
use crate::error::Error;
use crate::list::beyond;
use crate::migrate::now_millis;
use crate::rows::{self, Cells, all, one};
use crate::statements;

/// An organization that a worker has taken.
#[derive(Clone)]
pub(super) struct Lease {
    pub(super) organization: OrganizationId,
    pub(super) worker: Uuid,
    /// The first version that was not delivered.
    first: Version,
    /// The entry that is handed out by itself, if one was released.
    pub(super) released: Option<Version>,
    pub(super) attempts: u32,
}

/// What a worker finds to deliver.
pub(super) struct Found {
    pub(super) entries: Vec<LogEntry>,
    /// The entries that can't be read, and why.
    pub(super) unreadable: Vec<(Version, String)>,
}

/// What became of a batch.
#[derive(Clone)]
pub(super) struct Settled {
    pub(super) organization: OrganizationId,
    pub(super) worker: Uuid,
    /// The entry that it was of by itself, if one was released.
    pub(super) released: Option<Version>,
    /// Whether nothing of it is left.
    pub(super) all: bool,
    /// The last entry that was delivered.
    pub(super) last: Option<Version>,
    /// Why the next one was not.
    pub(super) error: Option<String>,
    pub(super) retry_after: Duration,
}

/// Takes the organization that has waited longest. The attempt is counted, whatever becomes of it.
pub(super) fn lease(connection: &Connection, lease: Duration) -> Result<Option<Lease>, Error> {
    let now = now_millis();
    let horizon = now.saturating_add(millis(LONGEST_LEASE));
    let ahead = one(connection, &statements::OUTBOX_AHEAD, [horizon], |_| Ok(()))?;
    if ahead.is_none() && next(connection, now)?.is_none() {
        return Ok(None); // the usual case takes no lock
    }
    in_transaction(connection, &statements::BEGIN_WRITE, |connection| {
        // Whoever waits longer than anybody is ever made to wait: the clock was set back.
        run(connection, &statements::OUTBOX_HEAL, (now, horizon))?;
        let Some((organization, first, attempts)) = next(connection, now)? else {
            return Ok((None, End::Commit));
        };
        let released = parked::take_released(connection, organization)?;
        let attempts = match released {
            Some(_) => attempts, // which are of the entry that is next in order
            None => attempts.saturating_add(1),
        };
        // Fresh as the library's ids are; without randomness it is an error, and nobody is given the lease.
        let worker = CommitId::try_new()?.as_uuid();
        let taken = (
            organization.as_uuid().into_bytes(),
            now.saturating_add(millis(lease)),
            worker.into_bytes(),
            attempts,
        );
        run(connection, &statements::OUTBOX_TAKE, taken)?;
        let lease = Lease {
            organization,
            worker,
            first,
            released,
            attempts: if released.is_some() { 1 } else { attempts },
        };
        Ok((Some(lease), End::Commit))
    })
}

/// The organization that has waited longest, its first entry that is not delivered, and how often that was
/// handed out.
fn next(
    connection: &Connection,
    now: i64,
) -> Result<Option<(OrganizationId, Version, u32)>, Error> {
    one(connection, &statements::OUTBOX_NEXT, [now], |row| {
        let cells = Cells::of(row, "outbox");
        let organization = cells.id(0, "organization_id", OrganizationId::from_uuid)?;
        Ok((organization, cells.version(1)?, cells.count(2, "attempts")?))
    })
}

/// The entries that an organization has to deliver.
pub(super) fn entries(
    connection: &Connection,
    lease: &Lease,
    limit: NonZeroU32,
) -> Result<Found, Error> {
    let mut found = Found {
        entries: Vec::new(),
        unreadable: Vec::new(),
    };
    let id = lease.organization.as_uuid().into_bytes();
    let (statement, from, limit) = match lease.released {
        Some(version) => (&statements::OUTBOX_ENTRY, version, 1),
        None => (&statements::OUTBOX_ENTRIES, lease.first, limit.get()),
    };
    all(connection, statement, (id, beyond(from), limit), |row| {
        match rows::entry(row) {
            Ok(entry) => found.entries.push(entry),
            Err(error @ Error::Unreadable { .. }) => {
                let version = Cells::of(row, "commits").version(2)?;
                let mut why = error.to_string();
                if let Some(source) = error.source() {
                    why = format!("{why}: {source}");
                }
                found.unreadable.push((version, why));
            }
            Err(error) => return Err(error),
        }
        Ok(())
    })?;
    Ok(found)
}

/// Whether an organization is a worker's.
pub(super) fn holds(
    connection: &Connection,
    organization: OrganizationId,
    worker: Uuid,
) -> Result<bool, Error> {
    let (id, worker) = (organization.as_uuid().into_bytes(), worker.into_bytes());
    let parameters = (id, worker, now_millis());
    let held = one(
        connection,
        &statements::OUTBOX_HOLDS,
        parameters,
        |_| Ok(()),
    )?;
    Ok(held.is_some())
}

/// Whether the organization was still the worker's. If another has it, or has had it since, nothing changes.
pub(super) fn settle(connection: &Connection, settled: &Settled) -> Result<bool, Error> {
    let id = settled.organization.as_uuid().into_bytes();
    in_transaction(connection, &statements::BEGIN_WRITE, |connection| {
        let Some(attempts) = attempts(connection, settled)? else {
            return Ok((false, End::Commit));
        };
        match (settled.released, settled.last, &settled.error) {
            (Some(released), Some(_), _) => {
                parked::forget(connection, settled.organization, released)?;
            }
            (Some(released), None, Some(error)) => {
                parked::failed_again(connection, settled.organization, released, error)?;
            }
            (None, Some(last), _) => {
                let first = beyond(last.next());
                run(connection, &statements::OUTBOX_SETTLE, (id, first))?;
            }
            (_, None, _) => {}
        }
        give_back(connection, settled, attempts)?;
        run(connection, &statements::OUTBOX_REMOVE, [id])?;
        Ok((true, End::Commit))
    })
}

/// How often a worker's organization was handed out; `None` if it isn't that worker's.
fn attempts(connection: &Connection, settled: &Settled) -> Result<Option<u32>, Error> {
    let (id, worker) = (
        settled.organization.as_uuid().into_bytes(),
        settled.worker.into_bytes(),
    );
    one(
        connection,
        &statements::OUTBOX_ATTEMPTS,
        (id, worker),
        |row| Cells::of(row, "outbox").count(0, "attempts"),
    )
}

/// Frees a worker's organization.
fn give_back(connection: &Connection, settled: &Settled, attempts: u32) -> Result<(), Error> {
    let (id, worker) = (
        settled.organization.as_uuid().into_bytes(),
        settled.worker.into_bytes(),
    );
    let now = now_millis();
    if settled.released.is_some() {
        // What comes in order has neither failed nor succeeded.
        run(connection, &statements::OUTBOX_RETURN, (id, worker, now))?;
        return Ok(());
    }
    let (attempts, pause) = match (&settled.error, settled.last) {
        (Some(_), last) => {
            // Of what comes after something that was delivered, this was the first attempt.
            let attempts = if last.is_some() { 1 } else { attempts };
            (attempts, pause(settled.retry_after, attempts))
        }
        (None, _) if settled.all => (0, Duration::ZERO),
        (None, Some(_)) => (0, settled.retry_after),
        (None, None) => (attempts.saturating_sub(1), settled.retry_after), // it wasn't tried
    };
    let due = now.saturating_add(millis(pause));
    let error = settled.error.as_deref();
    let back = (id, worker, due, attempts, error);
    run(connection, &statements::OUTBOX_GIVE_BACK, back)?;
    Ok(())
}

/// How long an entry waits after so many attempts: twice as long each time.
fn pause(first: Duration, attempts: u32) -> Duration {
    let factor = 2_u32.checked_pow(attempts.saturating_sub(1));
    let factor = factor.unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(LONGEST_PAUSE)
}

pub(super) fn depth(connection: &Connection) -> Result<Depth, Error> {
    let depth = one(connection, &statements::OUTBOX_DEPTH, (), |row| {
        let cells = Cells::of(row, "outbox");
        let organizations = cells.count(0, "organizations")?;
        Ok(Depth {
            organizations,
            entries: cells.count(1, "entries")?,
            failing: cells.count(2, "failing")?,
            parked: cells.count(3, "parked")?,
            skipped: cells.count(4, "skipped")?,
            oldest_due: match organizations {
                0 => None,
                _ => Some(cells.time(5, "due")?),
            },
        })
    })?;
    Ok(depth.unwrap_or_default())
}

pub(super) fn failing(
    connection: &Connection,
    after: Option<OrganizationId>,
    limit: NonZeroU32,
) -> Result<Vec<Failing>, Error> {
    let after = after.map_or(Vec::new(), |id| id.as_uuid().as_bytes().to_vec());
    let parameters = (after, limit.get());
    all(connection, &statements::OUTBOX_FAILING, parameters, |row| {
        let cells = Cells::of(row, "outbox");
        Ok(Failing {
            organization: cells.id(0, "organization_id", OrganizationId::from_uuid)?,
            version: cells.version(1)?,
            attempts: cells.count(2, "attempts")?,
            error: cells.text(3, "error")?.to_owned(),
            due: cells.time(4, "due")?,
        })
    })
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statements::tests::{made, steps};

    /// The steps of two polls, one that finds nothing due and one that finds all, with so many waiting.
    fn polls(organizations: u32) -> [i32; 2] {
        let connection = made();
        let waiting = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?1) \
            INSERT INTO tenancy_outbox SELECT randomblob(16), 1, ?2 + n, NULL, 3, 'the mail server is away' FROM n";
        let later = now_millis().saturating_add(60_000);
        connection.execute(waiting, (organizations, later)).unwrap();
        steps(&connection);
        assert!(
            lease(&connection, Duration::from_secs(60))
                .unwrap()
                .is_none()
        );
        let nothing = steps(&connection);
        let due = "UPDATE tenancy_outbox SET due = due - 3600000";
        connection.execute_batch(due).unwrap();
        let taken = lease(&connection, Duration::from_secs(60))
            .unwrap()
            .unwrap();
        let hundred = NonZeroU32::new(100).unwrap();
        entries(&connection, &taken, hundred).unwrap();
        assert!(holds(&connection, taken.organization, taken.worker).unwrap());
        let settled = Settled {
            organization: taken.organization,
            worker: taken.worker,
            released: None,
            all: false,
            last: None,
            error: Some("still away".to_owned()),
            retry_after: Duration::from_secs(10),
        };
        assert!(settle(&connection, &settled).unwrap());
        [nothing, steps(&connection)]
    }

    #[test]
    fn a_poll_costs_the_same_however_many_wait() {
        let few = polls(10);
        assert!(few.iter().all(|steps| *steps > 0));
        assert_eq!(polls(50_000), few);
    }

    #[test]
    fn the_pause_doubles_up_to_an_hour() {
        let pauses = [1, 2, 3, 9, 10, 40, u32::MAX];
        let pauses = pauses.map(|attempts| pause(Duration::from_secs(10), attempts).as_secs());
        assert_eq!(pauses, [10, 20, 40, 2560, 3600, 3600, 3600]);
    }
}
