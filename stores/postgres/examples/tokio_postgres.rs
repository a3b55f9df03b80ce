//! The statements on another driver: a store on `tokio-postgres`, in five short methods.
//!
//! ```text
//! cargo run -p tenancy-postgres --example tokio_postgres
//! ```

mod story;

use core::num::NonZeroU32;

use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};
use tenancy_postgres::DecodeError;
use tenancy_postgres::statements::{
    self, CommitAnswer, ListedRow, Parameter, StandingRow, Statement,
};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, NoTls, Row};
use uuid::Uuid;

/// A store on one connection; a service has a pool of them.
pub(crate) struct Store {
    client: Client,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Store {
    pub(crate) async fn connect(url: &str) -> Result<Self, tokio_postgres::Error> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        Ok(Self { client })
    }

    /// Sends a statement. With the parameters' types in the same message there is nothing to prepare first, so this
    /// is one round trip, through a pooler in transaction mode, too. A service without one keeps prepared statements
    /// by their text, which is the same for every statement of its shape.
    async fn send(&self, statement: &Statement) -> Result<Vec<Row>, tokio_postgres::Error> {
        let parameters: Vec<_> = statement.parameters.iter().map(typed).collect();
        self.client.query_typed(statement.text, &parameters).await
    }
}

/// A parameter as this driver takes it.
fn typed(parameter: &Parameter) -> (&(dyn ToSql + Sync), Type) {
    match parameter {
        Parameter::Uuid(id) => (id, Type::UUID),
        Parameter::Text(text) => (text, Type::TEXT),
        Parameter::Number(number) => (number, Type::INT8),
        Parameter::Code(code) => (code, Type::INT2),
        Parameter::Numbers(numbers) => (numbers, Type::INT8_ARRAY),
    }
}

impl Repository for Store {
    type Error = StoreError;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, StoreError> {
        let rows = self.send(&statements::load(organization, keys)).await?;
        let texts: Result<Vec<_>, tokio_postgres::Error> = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)))
            .collect();
        Ok(statements::facts(texts?)?)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        match self.send(&statements::commit(commit)).await {
            Ok(rows) => {
                let mut answer = CommitAnswer::default();
                for row in rows {
                    answer.committed = row.try_get(0)?;
                    answer.seen = row.try_get(1)?;
                    answer.taken = row.try_get(2)?;
                }
                Ok(statements::outcome(commit, &answer)?)
            }
            // Some errors of the server's are certain answers: a lost race, a name that is taken.
            Err(error) => {
                let said = error.as_db_error();
                let refused = said.and_then(|said| {
                    let code = said.code().code();
                    statements::refused(commit, code, said.constraint(), said.detail())
                });
                refused.ok_or_else(|| error.into())
            }
        }
    }

    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Held>, StoreError> {
        let rows = self.send(&statements::standing(user, resource)).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let row = StandingRow {
            version: row.try_get(0)?,
            status: row.try_get(1)?,
            organization_role: row.try_get(2)?,
            organization_counts_until: row.try_get(3)?,
            workspace: row.try_get(4)?,
            workspace_role: row.try_get(5)?,
            workspace_counts_until: row.try_get(6)?,
            domain: row.try_get(7)?,
            kind: row.try_get(8)?,
            organization_own_role: row.try_get(9)?,
            workspace_own_role: row.try_get(10)?,
            summary: row.try_get(11)?,
        };
        Ok(Some(row.held()?))
    }
}

impl Directory for Store {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, StoreError> {
        let rows = self.send(&statements::list(list, limit)).await?;
        let items = rows.iter().map(|row| {
            let row = ListedRow {
                first: row.try_get(0)?,
                second: row.try_get(1)?,
                place: row.try_get(2)?,
            };
            Ok(statements::item(list, row)?)
        });
        items.collect()
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, StoreError> {
        let rows = self.send(&statements::claimed_by(claim)).await?;
        let holder = rows.first().map(|row| row.try_get::<_, Uuid>(0));
        Ok(holder.transpose()?.map(OrganizationId::from_uuid))
    }
}

#[tokio::main]
async fn main() -> Result<(), story::Failure> {
    match tenancy_clusters::database_for_an_example() {
        Some((_cluster, url)) => run(&url).await,
        None => Ok(()),
    }
}

pub(crate) async fn run(url: &str) -> Result<(), story::Failure> {
    let store = Store::connect(url).await?;
    store
        .client
        .batch_execute("CREATE SCHEMA IF NOT EXISTS tenancy")
        .await?;
    for migration in statements::MIGRATIONS {
        println!("migration step {}", migration.step);
        store.client.batch_execute(migration.sql).await?;
    }
    story::tell(&store).await
}
