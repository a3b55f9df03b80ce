//! The statements on a driver without `async`: a store on diesel, driven by `tenancy::block_on`.
//!
//! ```text
//! cargo run -p tenancy-postgres --example diesel
//! ```

#[path = "../tests/support/cluster.rs"]
mod cluster;
mod story;

use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, SmallInt, Text, Uuid as SqlUuid};
use tenancy::store::{Commit, Facts, Key, Outcome, Repository};
use tenancy::{LogEntry, OrganizationId, Resource, Standing, UserId, Version};
use tenancy_postgres::DecodeError;
use tenancy_postgres::statements::{self, CommitAnswer, StandingRow};
use uuid::Uuid;

/// A store on one connection; a service has a pool of them, and a thread for each.
struct Store {
    connection: Mutex<PgConnection>,
}

#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("the database failed")]
    Database(#[from] DieselError),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

#[derive(QueryableByName)]
struct Loaded {
    #[diesel(sql_type = Text)]
    facts: String,
}

#[derive(QueryableByName)]
struct Answered {
    #[diesel(sql_type = Nullable<BigInt>)]
    committed: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    seen: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    taken: Option<String>,
}

#[derive(QueryableByName)]
struct Stands {
    #[diesel(sql_type = BigInt)]
    version: i64,
    #[diesel(sql_type = Nullable<SmallInt>)]
    organization_role: Option<i16>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workspace: Option<Uuid>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    workspace_role: Option<i16>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    domain: Option<Uuid>,
}

#[derive(QueryableByName)]
struct Logged {
    #[diesel(sql_type = Text)]
    entry: String,
}

impl Store {
    fn connection(&self) -> MutexGuard<'_, PgConnection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// A list: the log, page by page. All lists walk like this, by the last key of the page before.
    fn log(&self, organization: OrganizationId) -> Result<Vec<LogEntry>, StoreError> {
        let mut log: Vec<LogEntry> = Vec::new();
        loop {
            let last = log.last().map_or(Version::ABSENT, |entry| entry.version);
            let page: Vec<Logged> = sql_query(statements::LOG)
                .bind::<SqlUuid, _>(organization.as_uuid())
                .bind::<BigInt, _>(statements::bigint(last))
                .bind::<BigInt, _>(story::PAGE)
                .get_results(&mut *self.connection())?;
            if page.is_empty() {
                return Ok(log);
            }
            for row in page {
                log.push(statements::log_entry(&row.entry)?);
            }
        }
    }
}

impl Repository for Store {
    type Error = StoreError;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, StoreError> {
        let loaded: Option<Loaded> = sql_query(statements::LOAD)
            .bind::<SqlUuid, _>(organization.as_uuid())
            .bind::<Text, _>(statements::load(keys))
            .get_result(&mut *self.connection())
            .optional()?;
        let facts = loaded.map(|loaded| statements::facts(&loaded.facts));
        Ok(facts.transpose()?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let sent = statements::commit(commit);
        let answer: Result<Answered, _> = sql_query(statements::COMMIT)
            .bind::<SqlUuid, _>(sent.organization)
            .bind::<BigInt, _>(sent.expected)
            .bind::<Text, _>(sent.commit)
            .get_result(&mut *self.connection());
        match answer {
            Ok(row) => {
                let answer = CommitAnswer {
                    committed: row.committed,
                    seen: row.seen,
                    taken: row.taken,
                };
                Ok(statements::outcome(commit, &answer)?)
            }
            Err(DieselError::DatabaseError(kind, said)) => {
                let code = match kind {
                    DatabaseErrorKind::UniqueViolation => "23505",
                    DatabaseErrorKind::SerializationFailure => "40001",
                    _ => "", // a deadlock among them: diesel doesn't tell, so it stays an error
                };
                let constraint = said.constraint_name();
                statements::refused(commit, code, constraint, said.details())
                    .ok_or_else(|| DieselError::DatabaseError(kind, said).into())
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Standing>, StoreError> {
        let (workspace, domain) = statements::path(resource);
        let row: Option<Stands> = sql_query(statements::STANDING)
            .bind::<SqlUuid, _>(resource.organization().as_uuid())
            .bind::<SqlUuid, _>(user.as_uuid())
            .bind::<Nullable<SqlUuid>, _>(workspace)
            .bind::<Nullable<SqlUuid>, _>(domain)
            .get_result(&mut *self.connection())
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let row = StandingRow {
            version: row.version,
            organization_role: row.organization_role,
            workspace: row.workspace,
            workspace_role: row.workspace_role,
            domain: row.domain,
        };
        Ok(Some(statements::standing(user, resource, &row)?))
    }
}

fn main() -> Result<(), story::Failure> {
    match cluster::database_for_an_example() {
        Some((_cluster, url)) => run(&url),
        None => Ok(()),
    }
}

pub(crate) fn run(url: &str) -> Result<(), story::Failure> {
    let mut connection = PgConnection::establish(url)?;
    connection.batch_execute("CREATE SCHEMA IF NOT EXISTS tenancy")?;
    for (step, text) in statements::MIGRATIONS {
        println!("migration step {step}");
        connection.batch_execute(text)?;
    }
    let store = Store {
        connection: Mutex::new(connection),
    };
    let acme = tenancy::block_on(story::tell(&store))?;
    story::read_aloud(&store.log(acme)?)
}
