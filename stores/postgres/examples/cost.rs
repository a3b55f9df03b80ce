//! What a file, a server, a pooler and three servers cost: a check and a command, each way in turn, and how much an
//! organization takes on disk. The figures of `docs/scaling.md`.
//!
//! ```text
//! cargo run --release -p tenancy-postgres --features sqlx --example cost
//! ```
//!
//! All is on one machine, and all is durable (`fsync` is on). The ratios are what to look at. Where PgBouncer or
//! Patroni's cluster can't be had, its line is left out, and that is said.

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, CreateWorkspace, InviteToWorkspace,
    RenameOrganization, SetWorkspaceQuota,
};
use tenancy::store::AnyRepository;
use tenancy::{
    Actor, DomainKind, DomainName, EmailAddress, Name, Operator, OrganizationAction,
    OrganizationId, Tenancy, UserId, VerifiedEmail, WorkspaceRole,
};
use tenancy_clusters::{Cluster, Patroni, PgBouncer, PoolMode};
use tenancy_postgres::{PostgresRepository, migrate};
use tenancy_sqlite::SqliteRepository;
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

/// How many organizations are weighed: each of 20 members, 5 workspaces and 20 domains, made by a commit for each.
const WEIGHED: usize = 50;

/// A store, and an organization there.
#[derive(Clone)]
struct Way {
    called: &'static str,
    store: AnyRepository,
    ann: Actor,
    organization: OrganizationId,
}

fn user(name: &str) -> Result<Actor, Failure> {
    let email = EmailAddress::new(&format!("{name}@acme.example"))?;
    let id = UserId::from_external(name);
    Ok(Actor::user(id, VerifiedEmail::attest(email)))
}

async fn connect(url: &str) -> Result<sqlx::PgPool, Failure> {
    let pool = PgPoolOptions::new()
        .max_connections(u32::try_from(CLIENTS)?)
        .test_before_acquire(false)
        .connect(url)
        .await?;
    migrate(&pool).await?;
    Ok(pool)
}

impl Way {
    async fn server(called: &'static str, url: &str) -> Result<Self, Failure> {
        let store = PostgresRepository::new(connect(url).await?);
        Self::to(called, AnyRepository::new(store)).await
    }

    async fn to(called: &'static str, store: AnyRepository) -> Result<Self, Failure> {
        let mut way = Self {
            called,
            store,
            ann: user("ann")?,
            organization: OrganizationId::from_uuid(uuid::Uuid::nil()),
        };
        way.organization = way.organization().await?;
        Ok(way)
    }

    fn tenancy(&self) -> Tenancy<AnyRepository> {
        Tenancy::new(self.store.clone())
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

    /// An organization of the population that `docs/performance.md` has, too.
    async fn populate(&self, number: usize) -> Result<(), Failure> {
        let (tenancy, ann) = (self.tenancy(), &self.ann);
        let name = |what: &str, of: usize| Name::new(&format!("{what} {of} of {number}"));
        let create = CreateOrganization {
            name: name("Acme", number)?,
        };
        let made = tenancy.execute(ann, create).await?.output;
        let organization = made.organization;
        let vendor = Actor::Operator(Operator::attest("cost".parse()?));
        let quota = SetWorkspaceQuota {
            organization,
            quota: 5,
        };
        tenancy.execute(&vendor, quota).await?;
        let mut workspaces = vec![made.workspace];
        for workspace in 1..5 {
            let create = CreateWorkspace {
                organization,
                name: name("Workspace", workspace)?,
            };
            workspaces.push(tenancy.execute(ann, create).await?.output);
        }
        for (domain, workspace) in (0..20).zip(workspaces.iter().cycle()) {
            let create = CreateDomain {
                organization,
                workspace: *workspace,
                name: DomainName::new(&format!("domain-{domain}-of-{number}"))?,
                kind: DomainKind::Sandbox,
            };
            tenancy.execute(ann, create).await?;
        }
        for (member, workspace) in (1..20).zip(workspaces.iter().cycle()) {
            let somebody = user(&format!("member-{member}"))?;
            let invite = InviteToWorkspace {
                organization,
                workspace: *workspace,
                email: EmailAddress::new(&format!("member-{member}@acme.example"))?,
                role: WorkspaceRole::Developer,
            };
            let invited = tenancy.execute(ann, invite).await?.output;
            let token = invited.token.ok_or("the first time there is a token")?;
            tenancy
                .execute(&somebody, AcceptInvitation { token })
                .await?;
        }
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
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tenancy.db");
    let file = SqliteRepository::open_on_threads(&path)?;
    let url = server.url("postgres");
    let mut ways = vec![
        Way::server("one server", &url).await?,
        Way::to("a file", AnyRepository::new(file)).await?,
    ];
    if let Some(pooler) = &pooler {
        let url = pooler.url("postgres");
        ways.push(Way::server("through PgBouncer, session mode", &url).await?);
    }
    if let Some(three) = &three {
        let url = three.url("postgres");
        ways.push(Way::server("three under Patroni, synchronous, through HAProxy", &url).await?);
    }

    let mut bytes = Vec::new();
    for way in ways.iter().take(2) {
        let before = [on_server(&url).await?, in_file(&path)?];
        let began = Instant::now();
        for number in 0..WEIGHED {
            way.populate(number).await?;
        }
        let after = [on_server(&url).await?, in_file(&path)?];
        let grown = after
            .iter()
            .zip(before)
            .map(|(after, before)| after - before);
        bytes.push((way.called, grown.sum::<f64>(), began.elapsed()));
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
    println!();
    for (called, bytes, took) in bytes {
        let each = bytes / f64::from(u32::try_from(WEIGHED)?);
        println!(
            "{called}: {:.0} KiB an organization of 20 members, 5 workspaces, 20 domains and its log ({:.1} s for {WEIGHED})",
            each / 1024.0,
            took.as_secs_f64()
        );
    }
    Ok(())
}

/// What the server keeps in the database, in bytes.
async fn on_server(url: &str) -> Result<f64, Failure> {
    let pool = connect(url).await?;
    let size = "SELECT pg_database_size(current_database())::float8";
    Ok(sqlx::query_scalar(size).fetch_one(&pool).await?)
}

/// What the file has in it, in bytes.
fn in_file(path: &Path) -> Result<f64, Failure> {
    let file = tenancy_sqlite::rusqlite::Connection::open(path)?;
    let size =
        "SELECT CAST(page_count * page_size AS REAL) FROM pragma_page_count, pragma_page_size";
    Ok(file.query_row(size, (), |row| row.get(0))?)
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
