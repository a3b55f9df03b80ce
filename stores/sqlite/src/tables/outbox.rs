//! The outbox, step by step, for a driver that makes its transactions elsewhere: what [`Outbox`](crate::Outbox) is made of.
//!
//! A step reads on a connection and writes nothing. What it comes to is an [`Optimistic`]: what it read, and what is to be
//! written in a transaction in which the same is read again. Whoever makes it passes the time, in milliseconds since 1970,
//! UTC; the names of workers are drawn here. So the transaction is the same wherever it is made.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use rusqlite::Connection;
//! use tenancy_sqlite::tables::outbox::{self, Times, Waits};
//! use tenancy_sqlite::{migrate, rusqlite};
//!
//! let mut connection = Connection::open_in_memory()?;
//! migrate(&mut connection)?;
//! let now = 1_800_000_000_000;
//! assert_eq!(outbox::waits(&connection, now)?, Waits::Nothing);
//! let step = outbox::take(&connection, now, Times::default())?;
//! assert!(step.answer.is_none() && step.writes.is_empty());
//! # Ok(()) }
//! ```

use core::num::NonZeroU32;

use rusqlite::Connection;
use tenancy::{OrganizationId, Version};

use crate::error::Error;
use crate::outbox::optimistic::Notes;
use crate::outbox::parked::State;
use crate::outbox::{Depth, Failing, Parked, parked, queue};

pub use crate::outbox::{Found, Lease, Leases, Optimistic, Read, Settled, Times, Waits, deliver};

/// Whether something is to be done. The usual answer, [`Waits::Nothing`], takes two looks at an index.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn waits(connection: &Connection, now: i64) -> Result<Waits, Error> {
    queue::waits(connection, now)
}

/// Makes due what waits longer than a lease can be: after [`Waits::TooLong`], before [`take`].
///
/// # Errors
///
/// As [`load`](super::load).
pub fn heal(connection: &Connection, now: i64) -> Result<Optimistic<()>, Error> {
    Notes::of(connection, |to| queue::heal(to, now))
}

/// Takes the organization that has waited longest, and counts the attempt; `None` if nothing is due.
///
/// # Errors
///
/// - As [`load`](super::load).
/// - [`Error::Entropy`]: the operating system gave no randomness for the worker's name.
pub fn take(
    connection: &Connection,
    now: i64,
    times: Times,
) -> Result<Optimistic<Option<Lease>>, Error> {
    Notes::of(connection, |to| queue::take(to, now, times))
}

/// The entries of an organization that was taken. Read them where that is written already: what is parked later takes the
/// organization from its worker.
///
/// # Errors
///
/// [`Error::Sqlite`]: SQLite failed. What can't be read is in [`Found::unreadable`].
pub fn entries(connection: &Connection, lease: Lease, limit: NonZeroU32) -> Result<Found, Error> {
    queue::entries(connection, lease, limit)
}

/// Parks entries that can't be read, with the reasons.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn park_unreadable(
    connection: &Connection,
    now: i64,
    organization: OrganizationId,
    unreadable: &[(Version, String)],
) -> Result<Optimistic<()>, Error> {
    Notes::of(connection, |to| {
        parked::park_unreadable(to, now, organization, unreadable)
    })
}

/// Whether an organization is still the worker's, as [`Outbox::holds`](crate::Outbox::holds) asks.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn holds(connection: &Connection, now: i64, lease: Lease) -> Result<bool, Error> {
    queue::holds(connection, now, lease)
}

/// Gives a batch back, as [`Outbox::settle`](crate::Outbox::settle) does; whether it was still the worker's.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn settle(
    connection: &Connection,
    now: i64,
    settled: &Settled,
) -> Result<Optimistic<bool>, Error> {
    Notes::of(connection, |to| queue::settle(to, now, settled))
}

/// Sets an entry aside that waits, as [`Outbox::park`](crate::Outbox::park) does; whether there was something to set aside.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn park(
    connection: &Connection,
    now: i64,
    entry: (OrganizationId, Version),
    why: &str,
) -> Result<Optimistic<bool>, Error> {
    Notes::of(connection, |to| {
        parked::set_aside(to, now, State::Parked, entry, why)
    })
}

/// Gives up an entry, as [`Outbox::skip`](crate::Outbox::skip) does; whether there was something to give up.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn skip(
    connection: &Connection,
    now: i64,
    entry: (OrganizationId, Version),
    why: &str,
) -> Result<Optimistic<bool>, Error> {
    Notes::of(connection, |to| {
        parked::set_aside(to, now, State::Skipped, entry, why)
    })
}

/// Lets a parked entry be handed out again, as [`Outbox::release`](crate::Outbox::release) does; whether it was parked.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn release(
    connection: &Connection,
    now: i64,
    organization: OrganizationId,
    version: Version,
) -> Result<Optimistic<bool>, Error> {
    Notes::of(connection, |to| {
        parked::release(to, now, organization, version)
    })
}

/// Counts what waits, as [`Outbox::depth`](crate::Outbox::depth) does.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn depth(connection: &Connection) -> Result<Depth, Error> {
    queue::depth(connection)
}

/// Lists the entries whose last attempt failed, as [`Outbox::failing`](crate::Outbox::failing) does.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn failing(
    connection: &Connection,
    after: Option<OrganizationId>,
    limit: NonZeroU32,
) -> Result<Vec<Failing>, Error> {
    queue::failing(connection, after, limit)
}

/// Lists the entries that are parked or were skipped, as [`Outbox::parked`](crate::Outbox::parked) does.
///
/// # Errors
///
/// As [`load`](super::load).
pub fn parked(
    connection: &Connection,
    after: Option<(OrganizationId, Version)>,
    limit: NonZeroU32,
) -> Result<Vec<Parked>, Error> {
    parked::list(connection, after, limit)
}
