//! The statements on a driver without `async`: a store on diesel, driven by `tenancy::block_on`.
//!
//! ```text
//! cargo run -p tenancy-postgres --example diesel
//! ```

mod story;

use core::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use diesel::connection::SimpleConnection as _;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{BoxedSqlQuery, SqlQuery};
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Nullable, SmallInt, Text, Uuid as SqlUuid};
use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};
use tenancy_postgres::DecodeError;
use tenancy_postgres::statements::{
    self, CommitAnswer, ListedRow, Parameter, StandingRow, Statement,
};
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
    kind: String,
    #[diesel(sql_type = Nullable<Text>)]
    record: Option<String>,
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
    #[diesel(sql_type = SmallInt)]
    status: i16,
    #[diesel(sql_type = Nullable<SmallInt>)]
    organization_role: Option<i16>,
    #[diesel(sql_type = Nullable<BigInt>)]
    organization_counts_until: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    workspace: Option<Uuid>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    workspace_role: Option<i16>,
    #[diesel(sql_type = Nullable<BigInt>)]
    workspace_counts_until: Option<i64>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    domain: Option<Uuid>,
    #[diesel(sql_type = Nullable<SmallInt>)]
    kind: Option<i16>,
    #[diesel(sql_type = Nullable<BigInt>)]
    organization_own_role: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    workspace_own_role: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    summary: Option<String>,
}

#[derive(QueryableByName)]
struct Listed {
    #[diesel(sql_type = Text)]
    first: String,
    #[diesel(sql_type = Nullable<Text>)]
    second: Option<String>,
    #[diesel(sql_type = Text)]
    place: String,
}

#[derive(QueryableByName)]
struct Holds {
    #[diesel(sql_type = SqlUuid)]
    organization_id: Uuid,
}

impl Store {
    fn connection(&self) -> MutexGuard<'_, PgConnection> {
        self.connection
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// A statement as this driver takes it.
fn query(statement: &Statement) -> BoxedSqlQuery<'_, Pg, SqlQuery> {
    let query = sql_query(statement.text).into_boxed();
    let parameters = statement.parameters.iter();
    parameters.fold(query, |query, parameter| match parameter {
        Parameter::Uuid(id) => query.bind::<Nullable<SqlUuid>, _>(id),
        Parameter::Text(text) => query.bind::<Text, _>(text),
        Parameter::Number(number) => query.bind::<BigInt, _>(number),
        Parameter::Code(code) => query.bind::<SmallInt, _>(code),
        Parameter::Numbers(numbers) => query.bind::<Array<BigInt>, _>(numbers),
    })
}

impl Repository for Store {
    type Error = StoreError;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, StoreError> {
        let load = statements::load(organization, keys);
        let rows: Vec<Loaded> = query(&load).get_results(&mut *self.connection())?;
        let texts = rows
            .iter()
            .map(|row| (row.kind.as_str(), row.record.as_deref()));
        Ok(statements::facts(texts)?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let sent = statements::commit(commit);
        let answer: Result<Answered, _> = query(&sent).get_result(&mut *self.connection());
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

    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Held>, StoreError> {
        let standing = statements::standing(user, resource);
        let row: Option<Stands> = query(&standing)
            .get_result(&mut *self.connection())
            .optional()?;
        let Some(row) = row else { return Ok(None) };
        let row = StandingRow {
            version: row.version,
            status: row.status,
            organization_role: row.organization_role,
            organization_counts_until: row.organization_counts_until,
            workspace: row.workspace,
            workspace_role: row.workspace_role,
            workspace_counts_until: row.workspace_counts_until,
            domain: row.domain,
            kind: row.kind,
            organization_own_role: row.organization_own_role,
            workspace_own_role: row.workspace_own_role,
            summary: row.summary,
        };
        Ok(Some(row.held()?))
    }
}

impl Directory for Store {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, StoreError> {
        let page = statements::list(list, limit);
        let rows: Vec<Listed> = query(&page).get_results(&mut *self.connection())?;
        let items = rows.iter().map(|row| {
            statements::item(
                list,
                ListedRow {
                    first: &row.first,
                    second: row.second.as_deref(),
                    place: &row.place,
                },
            )
        });
        Ok(items.collect::<Result<_, _>>()?)
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, StoreError> {
        let holder = statements::claimed_by(claim);
        let row: Option<Holds> = query(&holder)
            .get_result(&mut *self.connection())
            .optional()?;
        Ok(row.map(|row| OrganizationId::from_uuid(row.organization_id)))
    }
}

fn main() -> Result<(), story::Failure> {
    match tenancy_clusters::database_for_an_example() {
        Some((_cluster, url)) => run(&url),
        None => Ok(()),
    }
}

pub(crate) fn run(url: &str) -> Result<(), story::Failure> {
    let mut connection = PgConnection::establish(url)?;
    connection.batch_execute("CREATE SCHEMA IF NOT EXISTS tenancy")?;
    for migration in statements::MIGRATIONS {
        println!("migration step {}", migration.step);
        connection.batch_execute(migration.sql)?;
    }
    let store = Store {
        connection: Mutex::new(connection),
    };
    tenancy::block_on(story::tell(&store))
}
