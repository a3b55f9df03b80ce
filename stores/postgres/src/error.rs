//! What can go wrong in the store.

/// A row doesn't read as what it should be: something else has written it, or a newer version of this library.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The JSON in a row can't be read.
    #[error("column `{column}` of a row of `tenancy.{table}` can't be read{}", of_row(.row.as_deref()))]
    Row {
        /// The table.
        table: String,
        /// The column.
        column: &'static str,
        /// The row's key and other columns, if they were read.
        row: Option<String>,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A column holds a number that stands for nothing.
    #[error("{code} in column `{column}` stands for nothing")]
    Code {
        /// The column.
        column: &'static str,
        /// The number.
        code: i64,
    },
    /// A log entry is kept under another version or id than its own.
    #[error(
        "the log entry in row {row} of `tenancy.commits` is kept under a version or an id that is not its own"
    )]
    Entry {
        /// The row's key and other columns.
        row: String,
    },
    /// The answer to a statement is not one of its answers.
    #[error("the answer to the statement `{statement}` is incomplete")]
    Answer {
        /// The statement.
        statement: &'static str,
    },
}

/// What went wrong in the store: never a rule's "no", never a lost race.
#[cfg(feature = "sqlx")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database failed, or the way to it. Whether a commit was applied is not known.
    #[error("the database failed")]
    Database(#[source] sqlx::Error),
    /// The database only reads: it is a replica, or was one's primary until another was promoted. Nothing was written:
    /// connect to the primary, and try again.
    #[error("the database only reads, and nothing was written: connect to the primary")]
    ReadOnly(#[source] sqlx::Error),
    /// The host's own rows can't be written ([`with_rows`](crate::PostgresRepository::with_rows)), and so nothing was.
    #[error("the rows that the host writes with a commit can't be written, and nothing was")]
    Rows(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Something else has written a row, or a newer version of this library.
    #[error("the database holds what this version can't read")]
    Decode(#[from] DecodeError),
}

#[cfg(feature = "sqlx")]
impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let code = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code);
        if code.is_some_and(|code| crate::statements::wrote_nothing(&code)) {
            Self::ReadOnly(error)
        } else {
            Self::Database(error)
        }
    }
}

/// Why an organization is not known to be in order.
#[cfg(feature = "sqlx")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Something other than this library has written the tables.
    #[error(transparent)]
    Drift(#[from] tenancy::store::Drift),
    /// The store failed, or a row can't be read.
    #[error(transparent)]
    Store(#[from] Error),
}

fn of_row(row: Option<&str>) -> String {
    row.map_or_else(String::new, |row| format!(": {row}"))
}
