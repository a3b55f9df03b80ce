//! What can go wrong in the store itself.

use std::path::PathBuf;

use tenancy::token::EntropyError;

use crate::migrate::SchemaError;

/// What went wrong in the store: never a rule's "no", and never a lost race.
///
/// Each variant keeps its source. After an error of a commit, [`Tenancy`](tenancy::Tenancy) looks whether
/// the commit was made; a host that calls [`apply`](crate::apply) rolls its transaction back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file couldn't be opened, or is no database. Nothing works until that is repaired.
    #[error("the database `{}` can't be opened", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// What SQLite said.
        #[source]
        source: rusqlite::Error,
    },
    /// The file can't be kept in WAL mode: it is on a network file system, or read-only.
    #[error("the database `{}` stays in journal mode `{mode}`, but `wal` is needed", path.display())]
    NoWal {
        /// Which file.
        path: PathBuf,
        /// The journal mode that it is in.
        mode: String,
    },
    /// The tables are not those that this version of the crate needs, and couldn't be made so.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A row holds something that this crate doesn't write: somebody else wrote it.
    #[error("{row} has an unreadable `{column}`")]
    Unreadable {
        /// The row: its table and its key.
        row: String,
        /// The column.
        column: &'static str,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A commit contradicts itself, or has a number that SQLite has no room for. Nothing was written.
    #[error("the commit can't be written: {0}")]
    InvalidCommit(&'static str),
    /// The host's own rows can't be written ([`with_rows`](crate::SqliteRepository::with_rows)), and so nothing was.
    #[error("the rows that the host writes with a commit can't be written, and nothing was")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something can't be written as JSON. Nothing was written.
    #[error("the commit can't be written as JSON")]
    Json(#[from] serde_json::Error),
    /// SQLite failed: the disk is full, a device failed, the file is damaged, a constraint is broken.
    #[error("SQLite failed")]
    Sqlite(#[from] rusqlite::Error),
    /// The operating system gave no randomness for the id of a lease. Nothing was taken; try again.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
    /// The operating system gave no thread.
    #[error("no thread could be started")]
    Thread(#[source] std::io::Error),
    /// A thread of the store ended before it answered. It is not known whether it did what it was asked.
    #[error("a thread of the store ended before it answered")]
    Stopped,
}

impl Error {
    /// Whether SQLite gave up because somebody else was writing: nothing was applied, and the same may
    /// succeed later.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self {
            Self::Open { source, .. }
            | Self::Schema(SchemaError::Step { source, .. } | SchemaError::Sqlite(source))
            | Self::Sqlite(source) => is_busy(source),
            _ => false,
        }
    }
}

pub(crate) fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked)
    )
}
