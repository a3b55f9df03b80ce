//! A billing row of the host's and a workspace: both, or neither.
//!
//! ```text
//! cargo run -p tenancy-postgres --features sqlx --example host_transaction
//! ```

use std::error::Error;

use sqlx::{Executor as _, PgPool};
use tenancy::commands::{CreateOrganization, CreateWorkspace, SetWorkspaceQuota};
use tenancy::store::Outcome;
use tenancy::text::TextLine;
use tenancy::{Actor, EmailAddress, Name, Operator, Tenancy, UserId, VerifiedEmail, WorkspaceId};
use tenancy_postgres::{PostgresRepository, apply};

type Failure = Box<dyn Error>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match tenancy_clusters::database_for_an_example() {
        Some((_cluster, url)) => run(&url).await,
        None => Ok(()),
    }
}

pub(crate) async fn run(url: &str) -> Result<(), Failure> {
    let pool = PgPool::connect(url).await?;
    tenancy_postgres::migrate(&pool).await?;
    pool.execute(
        "CREATE TABLE IF NOT EXISTS subscriptions (
             workspace uuid PRIMARY KEY, cents bigint NOT NULL CHECK (cents > 0))",
    )
    .await?;
    let tenancy = Tenancy::new(PostgresRepository::new(pool.clone()));

    let ann = person("ann")?;
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let acme = tenancy.execute(&ann, create).await?.output.organization;
    let quota = SetWorkspaceQuota {
        organization: acme,
        quota: 3,
    };
    let operator = Actor::Operator(Operator::attest(TextLine::new("billing")?));
    tenancy.execute(&operator, quota).await?;
    println!("Acme may have three workspaces, and has one.\n");

    for (name, cents) in [
        ("Payments", 49_00),
        ("Free of charge", 0),
        ("Ledger", 99_00),
    ] {
        let command = CreateWorkspace {
            organization: acme,
            name: Name::new(name)?,
        };
        match subscribe(&tenancy, &pool, &ann, command, cents).await {
            Ok(workspace) if cents > 0 => {
                println!("{name}: workspace {workspace}, at {cents} cents a month");
            }
            Ok(_) => return Err("the table takes no subscription for nothing".into()),
            Err(error) if cents > 0 => return Err(error),
            Err(error) => println!("{name}: {error}"),
        }
        tell(&tenancy, &pool, &ann, acme).await?;
    }
    Ok(())
}

/// Creates a workspace and its subscription, in one transaction of the host's.
async fn subscribe(
    tenancy: &Tenancy<PostgresRepository>,
    pool: &PgPool,
    actor: &Actor,
    command: CreateWorkspace,
    cents: i64,
) -> Result<WorkspaceId, Failure> {
    let work = tenancy.execute_with(actor, command, |commit, workspace| async move {
        let mut transaction = pool.begin().await?;
        sqlx::query("INSERT INTO subscriptions (workspace, cents) VALUES ($1, $2)")
            .bind(workspace.as_uuid())
            .bind(cents)
            .execute(&mut *transaction)
            .await
            .map_err(|_| "the billing row is refused, and so there is no workspace")?;
        // Last, as it locks the organization's row until the end.
        let outcome = apply(&mut transaction, &commit).await?;
        if outcome == Outcome::Committed {
            transaction.commit().await?;
        } // else it is rolled back, and decided again if somebody else was first
        Ok::<_, Failure>(outcome)
    });
    Ok(work.await?.output)
}

/// Counts both kinds of row.
async fn tell(
    tenancy: &Tenancy<PostgresRepository>,
    pool: &PgPool,
    ann: &Actor,
    acme: tenancy::OrganizationId,
) -> Result<(), Failure> {
    let usage = tenancy.quota_usage(ann, acme).await?;
    let (subscriptions,): (i64,) = sqlx::query_as("SELECT count(*) FROM subscriptions")
        .fetch_one(pool)
        .await?;
    println!(
        "  {} workspaces of {}, {subscriptions} subscriptions\n",
        usage.workspaces, usage.quota
    );
    // The first workspace came with the organization, and is free.
    if i64::from(usage.workspaces) == subscriptions.saturating_add(1) {
        return Ok(());
    }
    Err("a workspace without its subscription, or the other way round".into())
}

fn person(name: &str) -> Result<Actor, Failure> {
    let address = EmailAddress::new(&format!("{name}@acme.example"))?;
    let verified = VerifiedEmail::attest(address);
    Ok(Actor::user(UserId::from_external(name), verified))
}
