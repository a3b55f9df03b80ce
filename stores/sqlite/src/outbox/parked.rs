//! Entries that are not handed out in their turn.

use core::num::NonZeroU32;

use rusqlite::Connection;
use tenancy::{OrganizationId, Version};

use super::{ERROR_CHARACTERS, Parked};
use crate::commit::{End, in_transaction, run};
use crate::error::Error;
use crate::list::beyond;
use crate::migrate::now_millis;
use crate::rows::{Cells, all, one};
use crate::statements;

/// What is to become of an entry. The codes are those of `tenancy_outbox_parked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Set aside, until somebody releases or skips it.
    Parked = 1,
    /// Given up.
    Skipped = 2,
    /// To be handed out next.
    Released = 3,
}

impl State {
    const fn code(self) -> u8 {
        self as u8
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Parked),
            2 => Some(Self::Skipped),
            3 => Some(Self::Released),
            _ => None,
        }
    }
}

/// Parks the entries that couldn't be read. One that somebody has parked meanwhile keeps its reason.
pub(super) fn park_unreadable(
    connection: &Connection,
    organization: OrganizationId,
    unreadable: &[(Version, String)],
) -> Result<(), Error> {
    in_transaction(connection, &statements::BEGIN_WRITE, |connection| {
        for (version, why) in unreadable {
            if state(connection, organization, *version)?.is_none() {
                put(connection, State::Parked, organization, *version, why)?;
            }
        }
        Ok(((), End::Commit))
    })
}

/// Parks or skips an entry that waits or is parked; whether it could.
pub(super) fn set_aside(
    connection: &Connection,
    to: State,
    organization: OrganizationId,
    version: Version,
    why: &str,
) -> Result<bool, Error> {
    let id = organization.as_uuid().into_bytes();
    in_transaction(connection, &statements::BEGIN_WRITE, |connection| {
        match state(connection, organization, version)? {
            Some(State::Skipped) => return Ok((false, End::Commit)),
            Some(State::Parked | State::Released) => {
                put(connection, to, organization, version, why)?;
            }
            None => {
                let Some(first) = first_waiting(connection, organization)? else {
                    return Ok((false, End::Commit));
                };
                let waits = (id, beyond(version));
                if one(connection, &statements::OUTBOX_WAITS, waits, |_| Ok(()))?.is_none() {
                    return Ok((false, End::Commit));
                }
                put(connection, to, organization, version, why)?;
                if first == version {
                    // What failed is out of the way: the next entry's turn is now.
                    run(connection, &statements::OUTBOX_NOW, (id, now_millis()))?;
                }
            }
        }
        // A worker that has the organization may have the entry in its batch.
        run(connection, &statements::OUTBOX_LOSE, [id])?;
        run(connection, &statements::OUTBOX_REMOVE, [id])?;
        Ok((true, End::Commit))
    })
}

/// Lets a parked entry be handed out again; whether it was parked.
pub(super) fn release(
    connection: &Connection,
    organization: OrganizationId,
    version: Version,
) -> Result<bool, Error> {
    let id = organization.as_uuid().into_bytes();
    in_transaction(connection, &statements::BEGIN_WRITE, |connection| {
        if state(connection, organization, version)? != Some(State::Parked) {
            return Ok((false, End::Commit));
        }
        let waits = (id, beyond(version));
        if one(connection, &statements::OUTBOX_WAITS, waits, |_| Ok(()))?.is_some() {
            // Nothing after it was delivered: it takes its turn again.
            forget(connection, organization, version)?;
        } else {
            let released = (id, beyond(version), State::Released.code(), now_millis());
            run(connection, &statements::PARKED_MOVE, released)?;
            run(connection, &statements::OUTBOX_ENTER, (id, now_millis()))?;
        }
        Ok((true, End::Commit))
    })
}

/// The entry of an organization that was released longest ago. From here on it counts as parked again, unless
/// it is delivered: should it end the program, it is not tried again by itself.
pub(super) fn take_released(
    connection: &Connection,
    organization: OrganizationId,
) -> Result<Option<Version>, Error> {
    let id = organization.as_uuid().into_bytes();
    let released = one(connection, &statements::PARKED_RELEASED, [id], |row| {
        Cells::of(row, "outbox_parked").version(0)
    })?;
    if let Some(version) = released {
        let parked = (id, beyond(version), State::Parked.code(), now_millis());
        run(connection, &statements::PARKED_MOVE, parked)?;
    }
    Ok(released)
}

/// A released entry that wasn't delivered stays parked, for a reason of its own.
pub(super) fn failed_again(
    connection: &Connection,
    organization: OrganizationId,
    version: Version,
    error: &str,
) -> Result<(), Error> {
    if state(connection, organization, version)? == Some(State::Parked) {
        put(connection, State::Parked, organization, version, error)?;
    }
    Ok(())
}

/// An entry that was parked isn't any more.
pub(super) fn forget(
    connection: &Connection,
    organization: OrganizationId,
    version: Version,
) -> Result<(), Error> {
    let key = (organization.as_uuid().into_bytes(), beyond(version));
    run(connection, &statements::PARKED_FORGET, key)?;
    Ok(())
}

pub(super) fn list(
    connection: &Connection,
    after: Option<(OrganizationId, Version)>,
    limit: NonZeroU32,
) -> Result<Vec<Parked>, Error> {
    let (organization, version) = match after {
        None => (Vec::new(), 0),
        Some((id, version)) => (id.as_uuid().as_bytes().to_vec(), beyond(version)),
    };
    let parameters = (organization, version, limit.get());
    all(connection, &statements::PARKED_LIST, parameters, |row| {
        let cells = Cells::of(row, "outbox_parked");
        let state = cells.code(2, "state", State::from_code)?;
        Ok(Parked {
            organization: cells.id(0, "organization_id", OrganizationId::from_uuid)?,
            version: cells.version(1)?,
            skipped: state == State::Skipped,
            released: state == State::Released,
            why: cells.text(3, "why")?.to_owned(),
            at: cells.time(4, "at")?,
        })
    })
}

fn state(
    connection: &Connection,
    organization: OrganizationId,
    version: Version,
) -> Result<Option<State>, Error> {
    let key = (organization.as_uuid().into_bytes(), beyond(version));
    one(connection, &statements::PARKED_STATE, key, |row| {
        Cells::of(row, "outbox_parked").code(0, "state", State::from_code)
    })
}

/// The entry whose turn it is.
fn first_waiting(
    connection: &Connection,
    organization: OrganizationId,
) -> Result<Option<Version>, Error> {
    let id = organization.as_uuid().into_bytes();
    one(connection, &statements::OUTBOX_FIRST, [id], |row| {
        Cells::of(row, "commits").version(0)
    })
}

fn put(
    connection: &Connection,
    state: State,
    organization: OrganizationId,
    version: Version,
    why: &str,
) -> Result<(), Error> {
    let why: String = why.chars().take(ERROR_CHARACTERS).collect();
    let id = organization.as_uuid().into_bytes();
    let row = (id, beyond(version), state.code(), why, now_millis());
    run(connection, &statements::PARKED_PUT, row)?;
    Ok(())
}
