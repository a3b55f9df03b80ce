//! The tables: how a cluster comes to have them. They are those of `tenancy-sqlite`, and two of this crate's own.

use hiqlite::Param;
use tenancy_sqlite::tables::{self, MIGRATIONS_TABLE};
use tenancy_sqlite::{MIGRATIONS, Migration, schema_version};

use crate::cluster::{Cluster, Step};
use crate::commit::{TABLES, WRITE, now_millis};
use crate::error::Error;

/// Notes a step, or fails if another node was first.
const STEP: &str = "INSERT INTO tenancy_migrations (step, oldest, made_at) VALUES (?1, ?2, ?3)";

/// Makes the steps that the cluster lacks, and looks whether the tables are as this version needs them. Every node does so
/// at its start; who is second finds it done.
pub(crate) async fn migrate(cluster: &Cluster) -> Result<(), Error> {
    let tables = TABLES.into_iter().chain([MIGRATIONS_TABLE, WRITE]);
    let tables = tables.map(|text| (text.into(), Vec::new())).collect();
    cluster.transaction(tables).await?;
    let last = || cluster.read_latest(|connection| Ok(schema_version(connection)?));
    let made = last().await?;
    for step in MIGRATIONS.iter().filter(|step| step.step > made) {
        match cluster.transaction(steps(step)).await {
            Ok(()) => {}
            Err(refused) => {
                // Another node made it meanwhile; or else it can't be made.
                if last().await? < step.step {
                    return Err(refused.into());
                }
            }
        }
    }
    cluster
        .read_latest(|connection| Ok(tables::check_schema(connection)?))
        .await
}

/// One step, as a transaction. A cluster makes all of today's at once, while it is empty: what [`tenancy_sqlite::migrate`]
/// does besides to the rows that a file has is done before a file is brought in.
fn steps(migration: &'static Migration) -> Vec<Step> {
    let numbers = [migration.step, migration.oldest].map(|number| Param::Integer(number.into()));
    let noted = numbers.into_iter().chain([Param::Integer(now_millis())]);
    let mut steps = vec![(WRITE.into(), Vec::new()), (STEP.into(), noted.collect())];
    let statements = statements(migration.sql).into_iter();
    steps.extend(statements.map(|text| (text.into(), Vec::new())));
    steps
}

/// The statements of a step, one by one: a transaction of hiqlite's takes them so. No text in them has a semicolon or two
/// dashes; their comments have.
fn statements(sql: &str) -> Vec<String> {
    let lines = sql.lines();
    let code = lines.map(|line| line.split_once("--").map_or(line, |(code, _)| code));
    let code = code.collect::<Vec<_>>().join("\n");
    let statements = code.split(';').map(str::trim);
    let statements = statements.filter(|statement| !statement.is_empty());
    statements.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tenancy_sqlite::rusqlite::Connection;

    #[test]
    fn one_by_one_they_make_the_tables_of_tenancy_sqlite() {
        let connection = Connection::open_in_memory().unwrap();
        for text in TABLES.into_iter().chain([MIGRATIONS_TABLE, WRITE]) {
            connection.execute(text, ()).unwrap();
        }
        for migration in MIGRATIONS {
            for text in statements(migration.sql) {
                connection.execute(&text, ()).unwrap();
            }
            let row = (migration.step, migration.oldest, now_millis());
            connection.execute(STEP, row).unwrap();
        }
        tables::check_schema(&connection).unwrap();
    }
}
