//! What the store reads and writes, on a connection or for another driver: for stores that keep the same tables in another
//! way, as `tenancy-hiqlite` does, and for hosts that ask in a transaction of their own.
//!
//! Each function is a method of the contract, or of [`SqliteRepository`](crate::SqliteRepository). Those that read want a
//! connection to a database that [`migrate`](crate::migrate()) has made, and read one snapshot each. What was read on
//! another connection than the writing one may be as old as that connection's file.
//!
//! ```
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use rusqlite::Connection;
//! use tenancy::OrganizationId;
//! use tenancy_sqlite::{rusqlite, tables};
//!
//! let mut connection = Connection::open_in_memory()?;
//! tenancy_sqlite::migrate(&mut connection)?;
//! assert!(tables::load(&connection, OrganizationId::new(), &[])?.is_none());
//! # Ok(()) }
//! ```

use core::num::NonZeroU32;

use rusqlite::Connection;
use tenancy::store::{Claim, Commit, Facts, Held, Item, Key, List};
use tenancy::{OrganizationId, Resource, UserId};

use crate::error::Error;
use crate::migrate::SchemaError;
use crate::verify::VerifyError;
use crate::{commit, list as listing, load as loading, migrate, verify as verifying};

pub mod outbox;

pub use crate::commit::Write;

/// Makes the table in which [`migrate`](crate::migrate()) keeps the steps that it has made, if it isn't there: its columns
/// are a step's number, its `oldest` and the time in milliseconds.
pub const MIGRATIONS_TABLE: &str = migrate::LIST;

/// Reads the facts that a command needs, as [`Repository::load`](tenancy::store::Repository::load) does.
///
/// # Errors
///
/// - [`Error::Unreadable`]: a row holds what this crate doesn't write.
/// - [`Error::Sqlite`]: SQLite failed.
pub fn load(
    connection: &Connection,
    organization: OrganizationId,
    keys: &[Key],
) -> Result<Option<Facts>, Error> {
    loading::load(connection, organization, keys)
}

/// Reads all that a permission check needs, as [`Repository::standing`](tenancy::store::Repository::standing) does.
///
/// # Errors
///
/// As [`load`].
pub fn standing(
    connection: &Connection,
    user: UserId,
    resource: Resource,
) -> Result<Option<Held>, Error> {
    loading::standing(connection, user, resource)
}

/// Reads a page of a list, as [`Directory::list`](tenancy::store::Directory::list) does.
///
/// # Errors
///
/// As [`load`].
pub fn list(connection: &Connection, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
    listing::list(connection, list, limit)
}

/// Finds who holds a claim, as [`Directory::claimed_by`](tenancy::store::Directory::claimed_by) does.
///
/// # Errors
///
/// As [`load`].
pub fn claimed_by(connection: &Connection, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
    commit::holder(connection, claim)
}

/// Checks an organization as of one moment, as [`SqliteRepository::verify`](crate::SqliteRepository::verify) does.
///
/// # Errors
///
/// As [`SqliteRepository::verify`](crate::SqliteRepository::verify).
pub fn verify(connection: &Connection, organization: OrganizationId) -> Result<(), VerifyError> {
    Ok(verifying::verify(connection, organization)??)
}

/// Checks the definitions of the tables, as [`SqliteRepository::check_schema`](crate::SqliteRepository::check_schema) does.
///
/// # Errors
///
/// As [`SqliteRepository::check_schema`](crate::SqliteRepository::check_schema).
pub fn check_schema(connection: &Connection) -> Result<(), SchemaError> {
    migrate::check(connection)
}

/// The statements that write a commit, for a driver that is given a transaction as a list.
///
/// They write what [`apply`](crate::apply) writes, but ask nothing. Run them in one transaction, in this order, and only
/// where, in the same transaction, all of this holds:
///
/// - the organization's version is [`Commit::expected`], 0 standing for one that doesn't exist;
/// - no commit has this one's id, whichever organization it is of;
/// - nobody holds one of the claims that it makes.
///
/// Otherwise a part of the commit would be written, which is worse than none.
///
/// # Errors
///
/// [`Error::InvalidCommit`], [`Error::Json`]: it can't be written.
pub fn writes(commit: &Commit) -> Result<Vec<Write>, Error> {
    commit::writes(commit)
}
