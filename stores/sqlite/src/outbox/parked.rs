//! Entries that are not handed out in their turn.

use core::num::NonZeroU32;

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use tenancy::{OrganizationId, Version};
use uuid::Uuid;

use super::Parked;
use super::batch::shortened;
use super::optimistic::Reads;
use crate::commit::Writes;
use crate::error::Error;
use crate::list::beyond;
use crate::rows::{Cells, all};
use crate::statements;

/// What is to become of an entry. The codes are those of `tenancy_outbox_parked`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
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
pub(crate) fn park_unreadable(
    to: &mut impl Reads,
    now: i64,
    organization: OrganizationId,
    unreadable: &[(Version, String)],
) -> Result<(), Error> {
    for (version, why) in unreadable {
        let entry = Entry::of(organization, *version);
        if entry.state(to)?.is_none() {
            entry.put(to, now, State::Parked, why)?;
        }
    }
    Ok(())
}

/// Parks or skips an entry that waits or is parked; whether it could.
pub(crate) fn set_aside(
    to: &mut impl Reads,
    now: i64,
    state: State,
    (organization, version): (OrganizationId, Version),
    why: &str,
) -> Result<bool, Error> {
    let entry = Entry::of(organization, version);
    match entry.state(to)? {
        Some(State::Skipped) => return Ok(false),
        Some(State::Parked | State::Released) => entry.put(to, now, state, why)?,
        None => {
            let Some(first) = first_waiting(to, entry.id())? else {
                return Ok(false);
            };
            if !entry.waits(to)? {
                return Ok(false);
            }
            entry.put(to, now, state, why)?;
            if first == version {
                // What failed is out of the way: the next entry's turn is now.
                let next = [entry.id(), ValueRef::Integer(now)];
                to.write(&statements::OUTBOX_NOW, next)?;
            }
        }
    }
    // A worker that has the organization may have the entry in its batch.
    to.write(&statements::OUTBOX_LOSE, [entry.id()])?;
    to.write(&statements::OUTBOX_REMOVE, [entry.id()])?;
    Ok(true)
}

/// Lets a parked entry be handed out again; whether it was parked.
pub(crate) fn release(
    to: &mut impl Reads,
    now: i64,
    organization: OrganizationId,
    version: Version,
) -> Result<bool, Error> {
    let entry = Entry::of(organization, version);
    if entry.state(to)? != Some(State::Parked) {
        return Ok(false);
    }
    if entry.waits(to)? {
        // Nothing after it was delivered: it takes its turn again.
        entry.forget(to)?;
    } else {
        entry.change(to, now, State::Released)?;
        let enter = [entry.id(), ValueRef::Integer(now)];
        to.write(&statements::OUTBOX_ENTER, enter)?;
    }
    Ok(true)
}

/// The entry of an organization that was released longest ago. From here on it counts as parked again, unless
/// it is delivered: should it end the program, it is not tried again by itself.
pub(super) fn take_released(
    to: &mut impl Reads,
    now: i64,
    organization: OrganizationId,
) -> Result<Option<Version>, Error> {
    let id = organization.as_uuid();
    let id = [ValueRef::Blob(id.as_bytes())];
    let released = to.read(&statements::PARKED_RELEASED, &id, |row| {
        Cells::of(row, "outbox_parked").version(0)
    })?;
    if let Some(version) = released {
        Entry::of(organization, version).change(to, now, State::Parked)?;
    }
    Ok(released)
}

/// A released entry that wasn't delivered stays parked, for a reason of its own.
pub(super) fn failed_again(
    to: &mut impl Reads,
    now: i64,
    organization: OrganizationId,
    version: Version,
    error: &str,
) -> Result<(), Error> {
    let entry = Entry::of(organization, version);
    if entry.state(to)? == Some(State::Parked) {
        entry.put(to, now, State::Parked, error)?;
    }
    Ok(())
}

/// An entry that was parked isn't any more.
pub(super) fn forget(
    to: &mut impl Writes,
    organization: OrganizationId,
    version: Version,
) -> Result<(), Error> {
    Entry::of(organization, version).forget(to)
}

pub(crate) fn list(
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

/// The entry whose turn it is.
fn first_waiting(
    to: &mut impl Reads,
    organization: ValueRef<'_>,
) -> Result<Option<Version>, Error> {
    to.read(&statements::OUTBOX_FIRST, &[organization], |row| {
        Cells::of(row, "commits").version(0)
    })
}

/// An entry of the log, as the tables name it.
struct Entry {
    organization: Uuid,
    version: i64,
}

impl Entry {
    fn of(organization: OrganizationId, version: Version) -> Self {
        Self {
            organization: organization.as_uuid(),
            version: beyond(version),
        }
    }

    fn id(&self) -> ValueRef<'_> {
        ValueRef::Blob(self.organization.as_bytes())
    }

    fn key(&self) -> [ValueRef<'_>; 2] {
        [self.id(), ValueRef::Integer(self.version)]
    }

    fn state(&self, to: &mut impl Reads) -> Result<Option<State>, Error> {
        to.read(&statements::PARKED_STATE, &self.key(), |row| {
            Cells::of(row, "outbox_parked").code(0, "state", State::from_code)
        })
    }

    /// Whether nothing after it was delivered.
    fn waits(&self, to: &mut impl Reads) -> Result<bool, Error> {
        let waits = to.read(&statements::OUTBOX_WAITS, &self.key(), |_| Ok(()))?;
        Ok(waits.is_some())
    }

    fn put(&self, to: &mut impl Writes, now: i64, state: State, why: &str) -> Result<(), Error> {
        let why = shortened(why);
        let row = [
            ValueRef::Integer(state.code().into()),
            ValueRef::Text(why.as_bytes()),
            ValueRef::Integer(now),
        ];
        to.write(&statements::PARKED_PUT, self.key().into_iter().chain(row))?;
        Ok(())
    }

    /// To another state, for the same reason.
    fn change(&self, to: &mut impl Writes, now: i64, state: State) -> Result<(), Error> {
        let changed = [
            ValueRef::Integer(state.code().into()),
            ValueRef::Integer(now),
        ];
        to.write(
            &statements::PARKED_MOVE,
            self.key().into_iter().chain(changed),
        )?;
        Ok(())
    }

    fn forget(&self, to: &mut impl Writes) -> Result<(), Error> {
        to.write(&statements::PARKED_FORGET, self.key())?;
        Ok(())
    }
}
