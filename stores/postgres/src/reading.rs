//! Reads, made again when the server gave them up for the sake of another transaction.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{PgPool, Postgres};

pub(crate) type Statement = Query<'static, Postgres, PgArguments>;

/// How often a read is made before its failure is handed on. One that is made again meets other
/// transactions than the ones that it lost to, so twice is nearly always enough.
const ATTEMPTS: u32 = 8;

/// The row that a statement finds, if any.
pub(crate) async fn optional(
    pool: &PgPool,
    statement: impl Fn() -> Statement,
) -> sqlx::Result<Option<PgRow>> {
    for _ in 1..ATTEMPTS {
        match statement().fetch_optional(pool).await {
            Err(error) if is_given_up(&error) => {}
            result => return result,
        }
    }
    statement().fetch_optional(pool).await
}

/// The rows that a statement finds.
pub(crate) async fn all(
    pool: &PgPool,
    statement: impl Fn() -> Statement,
) -> sqlx::Result<Vec<PgRow>> {
    for _ in 1..ATTEMPTS {
        match statement().fetch_all(pool).await {
            Err(error) if is_given_up(&error) => {}
            result => return result,
        }
    }
    statement().fetch_all(pool).await
}

/// Whether the server aborted a statement for concurrency. At SERIALIZABLE that may happen to one that only
/// reads, and on a replica to one that stands in the way of recovery (both 40001).
fn is_given_up(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
