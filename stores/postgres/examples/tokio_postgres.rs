//! The statements on another driver: a store on `tokio-postgres`, in three short methods.
//!
//! ```text
//! cargo run -p tenancy-postgres --example tokio_postgres
//! ```

#[path = "../tests/support/cluster.rs"]
mod cluster;
mod story;

use tenancy::store::{Commit, Facts, Key, Outcome, Repository};
use tenancy::{LogEntry, OrganizationId, Resource, Standing, UserId, Version};
use tenancy_postgres::DecodeError;
use tenancy_postgres::statements::{self, CommitAnswer, StandingRow};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Row, Statement};

/// A store on one connection; a service has a pool of them.
struct Store {
    client: Client,
    load: Statement,
    commit: Statement,
    standing: Statement,
}

#[derive(Debug, thiserror::Error)]
enum StoreError {
    #[error("the database failed")]
    Database(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Decode(#[from] DecodeError),
}

impl Repository for Store {
    type Error = StoreError;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, StoreError> {
        let keys = statements::load(keys);
        let row = self
            .client
            .query_opt(&self.load, &[&organization.as_uuid(), &keys])
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(statements::facts(row.try_get(0)?)?))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, StoreError> {
        let sent = statements::commit(commit);
        let row = self
            .client
            .query_one(
                &self.commit,
                &[&sent.organization, &sent.expected, &sent.commit],
            )
            .await;
        match row {
            Ok(row) => {
                let answer = CommitAnswer {
                    committed: row.try_get(0)?,
                    seen: row.try_get(1)?,
                    taken: row.try_get(2)?,
                };
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

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Standing>, StoreError> {
        let organization = resource.organization().as_uuid();
        let (workspace, domain) = statements::path(resource);
        let row = self
            .client
            .query_opt(
                &self.standing,
                &[&organization, &user.as_uuid(), &workspace, &domain],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(statements::standing(user, resource, &columns(&row)?)?))
    }
}

fn columns(row: &Row) -> Result<StandingRow, tokio_postgres::Error> {
    Ok(StandingRow {
        version: row.try_get(0)?,
        organization_role: row.try_get(1)?,
        workspace: row.try_get(2)?,
        workspace_role: row.try_get(3)?,
        domain: row.try_get(4)?,
    })
}

impl Store {
    /// A list: the log, page by page. All lists walk like this, by the last key of the page before.
    async fn log(&self, organization: OrganizationId) -> Result<Vec<LogEntry>, StoreError> {
        let mut log: Vec<LogEntry> = Vec::new();
        loop {
            let last = log.last().map_or(Version::ABSENT, |entry| entry.version);
            let parameters: [&(dyn ToSql + Sync); 3] = [
                &organization.as_uuid(),
                &statements::bigint(last),
                &story::PAGE,
            ];
            let page = self.client.query(statements::LOG, &parameters).await?;
            if page.is_empty() {
                return Ok(log);
            }
            for row in page {
                log.push(statements::log_entry(row.try_get(0)?)?);
            }
        }
    }
}

#[tokio::main]
async fn main() -> Result<(), story::Failure> {
    match cluster::database_for_an_example() {
        Some((_cluster, url)) => run(&url).await,
        None => Ok(()),
    }
}

pub(crate) async fn run(url: &str) -> Result<(), story::Failure> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute("CREATE SCHEMA IF NOT EXISTS tenancy")
        .await?;
    for (step, text) in statements::MIGRATIONS {
        println!("migration step {step}");
        client.batch_execute(text).await?;
    }
    let store = Store {
        load: client.prepare(statements::LOAD).await?,
        commit: client.prepare(statements::COMMIT).await?,
        standing: client.prepare(statements::STANDING).await?,
        client,
    };
    let acme = story::tell(&store).await?;
    story::read_aloud(&store.log(acme).await?)
}
