//! A commit in steps, for engines that refuse [`COMMIT`](super::COMMIT) because one statement writes a table
//! twice: `CockroachDB` does. On PostgreSQL the one statement is better: a third of the round trips with the
//! organization's row locked, and no transaction that could stay open.
//!
//! In a transaction, with the parameters of [`commit`](super::commit):
//!
//! 1. [`CREATE`] if the expected version is 0, [`ADVANCE`] if not. No row: roll back, it is a
//!    [`Conflict`](tenancy::store::Outcome::Conflict).
//! 2. [`DELETE`], then [`PUT`].
//! 3. `COMMIT`: it is [`Committed`](tenancy::store::Outcome::Committed).
//!
//! An error of the server's, at whichever step and at the `COMMIT` too, is for [`refused`](super::refused);
//! roll back.

/// The compare-and-set of an organization that must not exist: `$1 uuid`, `$2 text` the commit. One row, or
/// none if it exists.
pub const CREATE: &str = include_str!("../../sql/steps/create.sql");

/// The compare-and-set of an organization that exists: `$1 uuid`, `$2 bigint` expected version, `$3 text` the
/// commit. One row, or none if it is at another version.
pub const ADVANCE: &str = include_str!("../../sql/steps/advance.sql");

/// What goes: `$1 uuid`, `$2 text` the commit. One row.
pub const DELETE: &str = include_str!("../../sql/steps/delete.sql");

/// What comes, with the log entry and its place in the outbox: `$1 uuid`, `$2 text` the commit. One row.
pub const PUT: &str = include_str!("../../sql/steps/put.sql");
