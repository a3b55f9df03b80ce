//! Statements on sqlx, and those that may be made again when the server gave them up for another transaction.

use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Arguments as _, Executor, Postgres};

use crate::runtime::in_its_runtime;
use crate::statements::{Parameter, Statement};

/// How often a statement is made before its failure is handed on. One that is made again meets other
/// transactions than the ones that it lost to, so twice is nearly always enough.
const ATTEMPTS: u32 = 8;

/// A statement as sqlx sends it.
pub(crate) fn query(statement: &Statement) -> sqlx::Result<Query<'static, Postgres, PgArguments>> {
    let mut arguments = PgArguments::default();
    for parameter in &statement.parameters {
        let added = match parameter {
            Parameter::Uuid(id) => arguments.add(id),
            Parameter::Text(text) => arguments.add(text.as_str()),
            Parameter::Number(number) => arguments.add(number),
            Parameter::Code(code) => arguments.add(code),
            Parameter::Numbers(numbers) => arguments.add(numbers.as_slice()),
        };
        added.map_err(sqlx::Error::Encode)?;
    }
    Ok(sqlx::query_with(statement.text, arguments))
}

/// The row that a statement finds, if any. Only for one that may be made twice.
pub(crate) async fn optional<'c>(
    executor: impl Executor<'c, Database = Postgres> + Copy,
    statement: &Statement,
) -> sqlx::Result<Option<PgRow>> {
    for _ in 1..ATTEMPTS {
        match in_its_runtime(query(statement)?.fetch_optional(executor)).await {
            Err(error) if is_given_up(&error) => {}
            result => return result,
        }
    }
    in_its_runtime(query(statement)?.fetch_optional(executor)).await
}

/// The rows that a statement finds. Only for one that may be made twice.
pub(crate) async fn all<'c>(
    executor: impl Executor<'c, Database = Postgres> + Copy,
    statement: &Statement,
) -> sqlx::Result<Vec<PgRow>> {
    for _ in 1..ATTEMPTS {
        match in_its_runtime(query(statement)?.fetch_all(executor)).await {
            Err(error) if is_given_up(&error) => {}
            result => return result,
        }
    }
    in_its_runtime(query(statement)?.fetch_all(executor)).await
}

/// Whether the server aborted a statement for concurrency. At SERIALIZABLE that may happen to one that only
/// reads, and on a replica to one that stands in the way of recovery (both 40001).
pub(crate) fn is_given_up(error: &sqlx::Error) -> bool {
    let code = error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code);
    matches!(code.as_deref(), Some("40001" | "40P01"))
}
