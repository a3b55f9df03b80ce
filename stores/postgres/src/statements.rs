//! The statements, for any driver.
//!
//! For each method of the contract there is a function that makes its [`Statement`]: the text, and the parameters in
//! their order. Structured values travel as JSON in `text`, so a driver needs to know `uuid`, `bigint`, `smallint`,
//! `bigint[]` and `text`, and nothing else. Another function reads the answer.
//!
//! | Method | Statement | Answer |
//! | --- | --- | --- |
//! | `load` | [`load`] | rows of two `text`s, for [`facts`] |
//! | `commit` | [`commit`] | one row for [`outcome`], or an error for [`refused`] |
//! | `standing` | [`standing`] | no row, or one for [`StandingRow::held`] |
//! | `list` | [`list`] | rows of three `text`s, each a [`ListedRow`] for [`item`] |
//! | `claimed_by` | [`claimed_by`] | no row, or one `uuid` |
//!
//! The text of [`load`] and [`commit`] is made of the parts that the keys or the changes need, because what a
//! statement doesn't mention costs nothing. There are a few dozen of them in a program's life; each is made once, and
//! a driver that keeps prepared statements by their text (as sqlx does) prepares it once for each connection.
//!
//! With `tokio-postgres` (`examples/tokio_postgres.rs` has all of them, `examples/diesel.rs` the same without
//! `async`):
//!
//! ```ignore
//! let statement = statements::load(organization, keys);
//! let rows = client.query(statement.text, &parameters(&statement)).await?;
//! let facts = statements::facts(rows.iter().map(|row| (row.get(0), row.get(1))))?;
//! ```
//!
//! Send them as they are: outside a transaction each is atomic by itself, and a connection that is lost or a
//! future that is dropped leaves nothing open. Inside a transaction of the host's, the commit is best the last
//! statement, because it locks the organization's row until the end.
//!
//! Three things are up to you:
//!
//! - Read a statement's answer to the end (`ReadyForQuery`). At SERIALIZABLE the server may send the row of a
//!   commit and then refuse to commit it. The usual `query` methods of drivers do that.
//! - At SERIALIZABLE, and on a replica, a statement that only reads may fail with 40001 or 40P01, too. Send
//!   it again; nothing happened. A commit isn't sent again: it is [`refused`].
//! - Behind a pooler in transaction mode (PgBouncer), nothing may be prepared under a name: the next message may reach
//!   another connection of the server. Send the parameters' types with the text, as `query_typed` of `tokio-postgres`
//!   does.

use core::hash::Hash;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tenancy::Version;
use uuid::Uuid;

use crate::error::DecodeError;
use crate::{commit as committing, load as loading};

pub use crate::commit::{
    CommitAnswer, Steps, commit, commit_in_steps, outcome, refused, wrote_nothing,
};
pub use crate::list::{ListedRow, claimed_by, item, list};
pub use crate::load::{StandingRow, facts, load, standing};
pub use crate::verify::{StoredRow, everything, stored};

/// The schema, step by step. Run those that `tenancy.migrations` doesn't list, in a simple query each, or copy
/// them into your own tool.
///
/// Within a major version steps only add: what is running keeps working while the next version starts.
///
/// Step 2 files organizations under their names, folded as PostgreSQL folds ASCII; [`migrate`](crate::migrate()) folds
/// them as the library does. Without it, an organization whose name has other letters is found by its name from its next
/// commit on.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        step: 1,
        oldest: 1,
        sql: include_str!("../migrations/0001.sql"),
    },
    Migration {
        step: NAMES,
        oldest: NAMES,
        sql: include_str!("../migrations/0002.sql"),
    },
];

/// The step that files organizations under their names, which programs have to go on with.
pub(crate) const NAMES: u32 = 2;

/// A step of the schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    /// Its number.
    pub step: u32,
    /// The last step of the oldest program that can live with the tables after this one.
    pub oldest: u32,
    /// Several statements.
    pub sql: &'static str,
}

/// A text for the server, and the parameters that it is sent with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The text, with a placeholder (`$1` …) for each parameter.
    pub text: &'static str,
    /// The parameters, in order.
    pub parameters: Vec<Parameter>,
}

/// A parameter of a [`Statement`]. Exhaustive on purpose: a driver that can't bind one must not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// A `uuid`.
    Uuid(Option<Uuid>),
    /// A `text`.
    Text(String),
    /// A `bigint`.
    Number(i64),
    /// A `smallint`.
    Code(i16),
    /// A `bigint[]`.
    Numbers(Vec<i64>),
}

/// What requests ask the server for: the text of [`standing`], and those of [`load`] and [`commit`] with all their
/// parts. A service prepares them at its start, so that a forgotten migration stops it there and not at its first
/// request.
#[must_use]
pub fn texts() -> [&'static str; 3] {
    [
        loading::STANDING,
        loading::full_text(),
        committing::full_text(),
    ]
}

/// As [`texts`], where commits are made [in steps](commit_in_steps).
#[must_use]
pub fn texts_in_steps() -> [&'static str; 6] {
    let [create, advance, going, coming] = committing::full_texts_of_steps();
    [
        loading::STANDING,
        loading::full_text(),
        create,
        advance,
        going,
        coming,
    ]
}

/// A version as a `bigint`.
#[must_use]
pub fn bigint(version: Version) -> i64 {
    i64::try_from(version.get()).unwrap_or(i64::MAX)
}

/// Texts by their shape, each made once and kept for as long as the program runs. There are as many as shapes occur.
pub(crate) struct Texts<S>(LazyLock<RwLock<HashMap<S, &'static str>>>);

impl<S: Eq + Hash> Texts<S> {
    pub(crate) const fn new() -> Self {
        Self(LazyLock::new(RwLock::default))
    }

    /// The text of a shape, made by `make` if it is the first time.
    pub(crate) fn of(&self, shape: S, make: impl FnOnce(&S) -> String) -> &'static str {
        // What a poisoned lock guards is whole: an insertion is the only thing done under it.
        let kept = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = kept.get(&shape) {
            return text;
        }
        drop(kept);
        let mut kept = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let text = make(&shape);
        kept.entry(shape).or_insert_with(|| text.leak())
    }
}

/// Reads the JSON in a column of a row.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    table: &str,
    column: &'static str,
    row: Option<&str>,
    text: &'a str,
) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|source| DecodeError::Row {
        table: table.to_owned(),
        column,
        row: row.map(str::to_owned),
        source,
    })
}

/// A value of this crate as JSON.
pub(crate) fn json(value: &impl Serialize) -> String {
    // Can't fail: there are only structs with plain fields. Were it to, the server would refuse the empty text.
    serde_json::to_string(value).unwrap_or_default()
}
