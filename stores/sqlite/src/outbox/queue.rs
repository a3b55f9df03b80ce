//! The queue: who has an organization, from which entry on, and when it is due.

use core::num::NonZeroU32;
use core::time::Duration;
use std::error::Error as _;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tenancy::{CommitId, OrganizationId};

use super::batch::{Found, LONGEST_LEASE, LONGEST_PAUSE, Lease, Settled, Times};
use super::optimistic::{Reads, make};
use super::{Depth, Failing, parked};
use crate::commit::Writes;
use crate::error::Error;
use crate::list::beyond;
use crate::migrate::now_millis;
use crate::rows::{self, Cells, all, one};
use crate::statements;

/// Whether something is to be done: what a poll asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// Nothing is due.
    Nothing,
    /// An organization is due.
    Due,
    /// An organization waits longer than anybody is ever made to wait: a clock was set back.
    TooLong,
}

/// What waits.
pub(crate) fn waits(connection: &Connection, now: i64) -> Result<Waits, Error> {
    let horizon = [horizon(now)];
    if one(connection, &statements::OUTBOX_AHEAD, horizon, |_| Ok(()))?.is_some() {
        return Ok(Waits::TooLong);
    }
    Ok(match next(connection, now)? {
        Some(_) => Waits::Due,
        None => Waits::Nothing,
    })
}

/// Takes the organization that has waited longest, on a connection.
pub(super) fn lease(connection: &Connection, times: Times) -> Result<Option<Lease>, Error> {
    let now = now_millis();
    if waits(connection, now)? == Waits::Nothing {
        return Ok(None); // the usual case takes no lock
    }
    make(connection, |to| {
        heal(to, now)?;
        take(to, now, times)
    })
}

/// Whoever waits longer than anybody is ever made to wait is due now.
pub(crate) fn heal(to: &mut impl Writes, now: i64) -> Result<(), Error> {
    let ahead = [now, horizon(now)].map(ValueRef::Integer);
    to.write(&statements::OUTBOX_HEAL, ahead)?;
    Ok(())
}

fn horizon(now: i64) -> i64 {
    now.saturating_add(millis(LONGEST_LEASE))
}

/// Takes the organization that has waited longest. The attempt is counted, whatever becomes of it.
pub(crate) fn take(to: &mut impl Reads, now: i64, times: Times) -> Result<Option<Lease>, Error> {
    let Some(organization) = next(to.connection(), now)? else {
        return Ok(None);
    };
    let id = organization.as_uuid();
    let (id, now_cell) = (ValueRef::Blob(id.as_bytes()), ValueRef::Integer(now));
    let turn = to.read(&statements::OUTBOX_TURN, &[id, now_cell], |row| {
        let cells = Cells::of(row, "outbox");
        Ok((cells.version(0)?, cells.count::<u32>(1, "attempts")?))
    })?;
    let Some((first, attempts)) = turn else {
        return Ok(None);
    };
    let released = parked::take_released(to, now, organization)?;
    let attempts = match released {
        Some(_) => attempts, // which are of the entry that is next in order
        None => attempts.saturating_add(1),
    };
    // Fresh as the library's ids are; without randomness it is an error, and nobody is given the lease.
    let worker = CommitId::try_new()?.as_uuid();
    let taken = [
        id,
        ValueRef::Integer(now.saturating_add(millis(times.of_a_lease()))),
        ValueRef::Blob(worker.as_bytes()),
        ValueRef::Integer(attempts.into()),
    ];
    to.write(&statements::OUTBOX_TAKE, taken)?;
    Ok(Some(Lease {
        organization,
        worker,
        first,
        released,
        attempts: if released.is_some() { 1 } else { attempts },
    }))
}

/// The organization that has waited longest.
fn next(connection: &Connection, now: i64) -> Result<Option<OrganizationId>, Error> {
    one(connection, &statements::OUTBOX_NEXT, [now], |row| {
        Cells::of(row, "outbox").id(0, "organization_id", OrganizationId::from_uuid)
    })
}

/// The entries that an organization has to deliver.
pub(crate) fn entries(
    connection: &Connection,
    lease: Lease,
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
pub(crate) fn holds(connection: &Connection, now: i64, lease: Lease) -> Result<bool, Error> {
    let (id, worker) = (lease.organization.as_uuid(), lease.worker);
    let parameters = (id.into_bytes(), worker.into_bytes(), now);
    let held = one(
        connection,
        &statements::OUTBOX_HOLDS,
        parameters,
        |_| Ok(()),
    )?;
    Ok(held.is_some())
}

/// Whether the organization was still the worker's. If another has it, or has had it since, nothing changes.
pub(crate) fn settle(to: &mut impl Reads, now: i64, settled: &Settled) -> Result<bool, Error> {
    let Lease {
        organization,
        worker,
        released,
        ..
    } = settled.lease;
    let id = organization.as_uuid();
    let (id, worker) = (
        ValueRef::Blob(id.as_bytes()),
        ValueRef::Blob(worker.as_bytes()),
    );
    let attempts = to.read(&statements::OUTBOX_ATTEMPTS, &[id, worker], |row| {
        Cells::of(row, "outbox").count(0, "attempts")
    })?;
    let Some(attempts) = attempts else {
        return Ok(false);
    };
    match (released, settled.last, &settled.error) {
        (Some(released), Some(_), _) => parked::forget(to, organization, released)?,
        (Some(released), None, Some(error)) => {
            parked::failed_again(to, now, organization, released, error)?;
        }
        (None, Some(last), _) => {
            let first = ValueRef::Integer(beyond(last.next()));
            to.write(&statements::OUTBOX_SETTLE, [id, first])?;
        }
        (_, None, _) => {}
    }
    if released.is_some() {
        // What comes in order has neither failed nor succeeded.
        let back = [id, worker, ValueRef::Integer(now)];
        to.write(&statements::OUTBOX_RETURN, back)?;
    } else {
        let (attempts, pause) = settled.next_attempt(attempts);
        let error = settled.error.as_deref();
        let back = [
            id,
            worker,
            ValueRef::Integer(now.saturating_add(millis(pause))),
            ValueRef::Integer(attempts.into()),
            error.map_or(ValueRef::Null, |error| ValueRef::Text(error.as_bytes())),
        ];
        to.write(&statements::OUTBOX_GIVE_BACK, back)?;
    }
    to.write(&statements::OUTBOX_REMOVE, [id])?;
    Ok(true)
}

impl Settled {
    /// How often the organization counts as handed out now, and how long it waits.
    fn next_attempt(&self, attempts: u32) -> (u32, Duration) {
        match (&self.error, self.last) {
            (Some(_), last) => {
                // Of what comes after something that was delivered, this was the first attempt.
                let attempts = if last.is_some() { 1 } else { attempts };
                (attempts, pause(self.retry_after, attempts))
            }
            (None, _) if self.all => (0, Duration::ZERO),
            (None, Some(_)) => (0, self.retry_after),
            (None, None) => (attempts.saturating_sub(1), self.retry_after), // it wasn't tried
        }
    }
}

/// How long an entry waits after so many attempts: twice as long each time.
fn pause(first: Duration, attempts: u32) -> Duration {
    let factor = 2_u32.checked_pow(attempts.saturating_sub(1));
    let factor = factor.unwrap_or(u32::MAX);
    first.saturating_mul(factor).min(LONGEST_PAUSE)
}

pub(crate) fn depth(connection: &Connection) -> Result<Depth, Error> {
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

pub(crate) fn failing(
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
        assert!(lease(&connection, Times::default()).unwrap().is_none());
        let nothing = steps(&connection);
        let due = "UPDATE tenancy_outbox SET due = due - 3600000";
        connection.execute_batch(due).unwrap();
        let taken = lease(&connection, Times::default()).unwrap().unwrap();
        let hundred = NonZeroU32::new(100).unwrap();
        entries(&connection, taken, hundred).unwrap();
        let now = now_millis();
        assert!(holds(&connection, now, taken).unwrap());
        let settled = Settled {
            lease: taken,
            all: false,
            last: None,
            error: Some("still away".to_owned()),
            retry_after: Duration::from_secs(10),
        };
        assert!(make(&connection, |to| settle(to, now, &settled)).unwrap());
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
