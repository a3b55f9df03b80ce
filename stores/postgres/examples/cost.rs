//! What a pooler and a second server cost: a check and a commit, each way in turn, beside one server.
//!
//! ```text
//! cargo run --release -p tenancy-postgres --features sqlx --example cost
//! ```
//!
//! All is on one machine, and all is durable (`fsync` is on). The ratios are what to look at. Where PgBouncer or
//! Patroni's cluster can't be had, its line is left out, and that is said.

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use tenancy::commands::{CreateOrganization, RenameOrganization};
use tenancy::{
    Actor, EmailAddress, Name, OrganizationAction, OrganizationId, Tenancy, UserId, VerifiedEmail,
};
use tenancy_clusters::{Cluster, Patroni, PgBouncer, PoolMode};
use tenancy_postgres::{PostgresRepository, migrate};
use tokio::task::JoinSet;

type Failure = Box<dyn Error + Send + Sync>;

/// How often each way has its turn, and how many of each a turn has.
const TURNS: usize = 200;
const CHECKS: usize = 20;
const COMMITS: usize = 5;

/// How many clients there are at once, how often each way has them, and for how long.
const CLIENTS: usize = 16;
const LOADS: usize = 5;
const LOAD: Duration = Duration::from_secs(1);

/// A way to a server, and an organization there.
#[derive(Clone)]
struct Way {
    called: &'static str,
    pool: sqlx::PgPool,
    ann: Actor,
    organization: OrganizationId,
}

impl Way {
    async fn to(called: &'static str, url: &str) -> Result<Self, Failure> {
        let pool = PgPoolOptions::new()
            .max_connections(u32::try_from(CLIENTS)?)
            .test_before_acquire(false)
            .connect(url)
            .await?;
        migrate(&pool).await?;
        let email = EmailAddress::new("ann@acme.example")?;
        let ann = Actor::user(UserId::new(), VerifiedEmail::attest(email));
        let mut way = Self {
            called,
            pool,
            ann,
            organization: OrganizationId::from_uuid(uuid::Uuid::nil()),
        };
        way.organization = way.organization().await?;
        Ok(way)
    }

    fn tenancy(&self) -> Tenancy<PostgresRepository> {
        Tenancy::new(PostgresRepository::new(self.pool.clone()))
            .with_sleep(tokio::time::sleep)
            .with_attempts(NonZeroU32::MAX)
    }

    async fn organization(&self) -> Result<OrganizationId, Failure> {
        let name = Name::new("Acme")?;
        let tenancy = self.tenancy();
        let made = tenancy.execute(&self.ann, CreateOrganization { name });
        Ok(made.await?.output.organization)
    }

    async fn check(&self, organization: OrganizationId) -> Result<(), Failure> {
        let action = OrganizationAction::Rename;
        let decision = self
            .tenancy()
            .check(&self.ann, organization, action)
            .await?;
        decision
            .is_allowed()
            .then_some(())
            .ok_or_else(|| "Ann may".into())
    }

    /// A rename: the statement that loads, and the one that commits.
    async fn commit(&self, organization: OrganizationId, number: usize) -> Result<(), Failure> {
        let rename = RenameOrganization {
            organization,
            name: Name::new(&format!("Acme {number}"))?,
        };
        self.tenancy().execute(&self.ann, rename).await?;
        Ok(())
    }

    /// How many a second many clients get, each with an organization of its own: of checks, or of commits.
    async fn under_load(&self, commits: bool) -> Result<f64, Failure> {
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let way = self.clone();
            clients.spawn(async move {
                let organization = way.organization().await?;
                let (began, mut made) = (Instant::now(), 0_u32);
                while began.elapsed() < LOAD {
                    made = made.saturating_add(1);
                    if commits {
                        way.commit(organization, usize::try_from(made)?).await?;
                    } else {
                        way.check(organization).await?;
                    }
                }
                Ok::<f64, Failure>(f64::from(made) / began.elapsed().as_secs_f64())
            });
        }
        let mut sum = 0.0;
        while let Some(client) = clients.join_next().await {
            sum += client??;
        }
        Ok(sum)
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_unstable_by(f64::total_cmp);
    let middle = figures.len().checked_div(2);
    middle
        .and_then(|half| figures.get(half))
        .copied()
        .unwrap_or_default()
}

/// What each turn of a way took, in seconds, and how many a second it had.
#[derive(Default)]
struct Figures {
    checks: Vec<f64>,
    commits: Vec<f64>,
    checks_a_second: Vec<f64>,
    commits_a_second: Vec<f64>,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let Some(server) = Cluster::start(&[]) else {
        return Ok(());
    };
    let pooler = PgBouncer::start(server.port(), PoolMode::Session, 64);
    let three = Patroni::start();
    let mut ways = vec![Way::to("one server", &server.url("postgres")).await?];
    if let Some(pooler) = &pooler {
        let url = pooler.url("postgres");
        ways.push(Way::to("through PgBouncer, session mode", &url).await?);
    }
    if let Some(three) = &three {
        let url = three.url("postgres");
        ways.push(Way::to("three under Patroni, synchronous, through HAProxy", &url).await?);
    }

    let mut figures: Vec<(Way, Figures)> = ways
        .into_iter()
        .map(|way| (way, Figures::default()))
        .collect();
    for turn in 0..TURNS {
        for (way, figures) in &mut figures {
            for _ in 0..CHECKS {
                let began = Instant::now();
                way.check(way.organization).await?;
                figures.checks.push(began.elapsed().as_secs_f64());
            }
            for commit in 0..COMMITS {
                let number = turn.saturating_mul(COMMITS).saturating_add(commit);
                let began = Instant::now();
                way.commit(way.organization, number).await?;
                figures.commits.push(began.elapsed().as_secs_f64());
            }
        }
    }
    for _ in 0..LOADS {
        for (way, figures) in &mut figures {
            figures.checks_a_second.push(way.under_load(false).await?);
            figures.commits_a_second.push(way.under_load(true).await?);
        }
    }
    print(figures);
    Ok(())
}

fn print(figures: Vec<(Way, Figures)>) {
    println!("| | a check | a command | checks a second | commands a second |");
    println!("| --- | ---: | ---: | ---: | ---: |");
    let mut first = None;
    for (way, figures) in figures {
        let all = [
            median(figures.checks) * 1e6,
            median(figures.commits) * 1e6,
            median(figures.checks_a_second),
            median(figures.commits_a_second),
        ];
        let units = [" µs", " µs", "", ""];
        let beside = *first.get_or_insert(all);
        let cells = all
            .iter()
            .zip(beside)
            .zip(units)
            .map(|((figure, beside), unit)| {
                format!("{figure:.0}{unit} (× {:.2})", figure / beside)
            });
        let cells: Vec<String> = cells.collect();
        println!("| {} | {} |", way.called, cells.join(" | "));
    }
}
