//! The store beside what one would write by hand, on the same pool, in turns.
//!
//! ```text
//! cargo bench -p tenancy-postgres --features sqlx --bench by_hand
//! TENANCY_BENCH_FSYNC=off cargo bench …
//! ```
//!
//! Ratios are what to look at: times depend on where the scheduler puts server and client. With `fsync` on, the disk
//! hides what a commit costs the processor. With `-- --test` each pair runs a few times, to show that it still runs.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a benchmark fails by panicking"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Row as _};
use tenancy::commands::{
    Command, CreateDomain, CreateOrganization, CreatedOrganization, RenameOrganization,
};
use tenancy::store::{Change, Commit, Key, Outcome, Record, Repository as _};
use tenancy::{
    Actor, DomainId, DomainKind, DomainName, EmailAddress, Limits, Name, Resource, Settings,
    Tenancy, UserId, VerifiedEmail,
};
use tenancy_clusters::Cluster;
use tenancy_postgres::PostgresRepository;
use uuid::Uuid;

/// One statement, the columns that are asked for.
const CHECK: &str = "SELECT o.version, m.role, w.id, wm.role, d.id
    FROM tenancy.organizations o
    LEFT JOIN tenancy.members m ON m.organization_id = o.id AND m.user_id = $2
    LEFT JOIN tenancy.domains d ON d.organization_id = o.id AND d.id = $3
    LEFT JOIN tenancy.workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id
    LEFT JOIN tenancy.workspace_members wm
        ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = $2
    WHERE o.id = $1";

/// One statement, the records that are asked for.
const LOAD: &str =
    "SELECT o.record::text, m.record::text, w.record::text, wm.record::text, d.record::text
    FROM tenancy.organizations o
    LEFT JOIN tenancy.members m ON m.organization_id = o.id AND m.user_id = $2
    LEFT JOIN tenancy.domains d ON d.organization_id = o.id AND d.id = $3
    LEFT JOIN tenancy.workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id
    LEFT JOIN tenancy.workspace_members wm
        ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = $2
    WHERE o.id = $1";

/// A compare-and-set, a domain, its claim, the workspace, the log entry, the outbox's row.
const DOMAIN: &str = "WITH cas AS (
        UPDATE tenancy.organizations SET version = version + 1, summary = $3::text::json, record = $4::text::json
        WHERE id = $1 AND version = $2 RETURNING id, version),
    w AS (UPDATE tenancy.workspaces t SET record = $6::text::json FROM cas
        WHERE t.organization_id = cas.id AND t.id = $5),
    d AS (INSERT INTO tenancy.domains SELECT id, $7, $5, $8, 1, 1, $9::text::json FROM cas),
    c AS (INSERT INTO tenancy.claims SELECT 1, $8, id FROM cas),
    l AS (INSERT INTO tenancy.commits SELECT id, version, $10, $11::text::json FROM cas),
    o AS (INSERT INTO tenancy.outbox AS t (organization_id, version, last) SELECT id, version, version FROM cas
        ON CONFLICT (organization_id, alone) DO UPDATE SET last = excluded.last)
    SELECT version FROM cas";

/// A compare-and-set, the log entry, the outbox's row.
const RENAME: &str = "WITH cas AS (
        UPDATE tenancy.organizations SET version = version + 1, summary = $3::text::json, record = $4::text::json
        WHERE id = $1 AND version = $2 RETURNING id, version),
    l AS (INSERT INTO tenancy.commits SELECT id, version, $5, $6::text::json FROM cas),
    o AS (INSERT INTO tenancy.outbox AS t (organization_id, version, last) SELECT id, version, version FROM cas
        ON CONFLICT (organization_id, alone) DO UPDATE SET last = excluded.last)
    SELECT version FROM cas";

struct Bench {
    pool: PgPool,
    tenancy: Tenancy<PostgresRepository>,
    acme: CreatedOrganization,
    ann: Actor,
    user: UserId,
    domain: DomainId,
    number: u32,
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let fsync = match std::env::var("TENANCY_BENCH_FSYNC").as_deref() {
        Ok("off") => "fsync = off",
        _ => "fsync = on",
    };
    let Some(cluster) = Cluster::start(&[fsync, "autovacuum = off"]) else {
        return;
    };
    println!("{fsync}");
    runtime.unwrap().block_on(async {
        let mut bench = Bench::new(&cluster).await;
        bench.checks().await;
        bench.loads().await;
        bench.renames().await;
        bench.domains().await;
    });
}

impl Bench {
    async fn new(cluster: &Cluster) -> Self {
        let pool = PgPoolOptions::new()
            .max_connections(1) // one server process, warm for both
            .test_before_acquire(false)
            .connect(&cluster.url("postgres"))
            .await
            .unwrap();
        tenancy_postgres::migrate(&pool).await.unwrap();
        let settings = Settings {
            default_limits: Limits::UNLIMITED, // as many domains as there are rounds
            ..Settings::default()
        };
        let tenancy = Tenancy::new(PostgresRepository::new(pool.clone())).with_settings(settings);
        let user = UserId::new();
        let email = EmailAddress::new("ann@acme.example").unwrap();
        let ann = Actor::user(user, VerifiedEmail::attest(email));
        let create = CreateOrganization {
            name: Name::new("Acme").unwrap(),
        };
        let acme = tenancy.execute(&ann, create).await.unwrap().output;
        let mut bench = Self {
            pool,
            tenancy,
            acme,
            ann,
            user,
            domain: DomainId::new(),
            number: 0,
        };
        let command = bench.next_domain();
        let done = bench.tenancy.execute(&bench.ann, command).await;
        bench.domain = done.unwrap().output;
        bench
    }

    fn next_domain(&mut self) -> CreateDomain {
        self.number += 1;
        CreateDomain {
            organization: self.acme.organization,
            workspace: self.acme.workspace,
            name: DomainName::new(&format!("acme-{}", self.number)).unwrap(),
            kind: DomainKind::Sandbox,
        }
    }

    async fn checks(&self) {
        let resource = Resource::Domain(self.acme.organization, self.domain);
        let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
        for _ in 0..rounds(20_000) {
            let begun = Instant::now();
            let standing = self
                .tenancy
                .repository()
                .standing(self.user, resource)
                .await;
            ours.push(begun.elapsed());
            assert!(standing.unwrap().is_some());
            let begun = Instant::now();
            let row = sqlx::query(CHECK)
                .bind(self.acme.organization.as_uuid())
                .bind(self.user.as_uuid())
                .bind(self.domain.as_uuid())
                .fetch_optional(&self.pool)
                .await
                .unwrap()
                .unwrap();
            let read: (i64, Option<i16>, Option<Uuid>, Option<i16>, Option<Uuid>) =
                (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4));
            by_hand.push(begun.elapsed());
            assert!(read.4.is_some());
        }
        report("check", ours, by_hand);
    }

    async fn loads(&self) {
        let resource = Resource::Domain(self.acme.organization, self.domain);
        let keys = [Key::Path(self.user, resource)];
        let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
        for _ in 0..rounds(10_000) {
            let begun = Instant::now();
            let facts = self
                .tenancy
                .repository()
                .load(self.acme.organization, &keys)
                .await;
            ours.push(begun.elapsed());
            assert_eq!(facts.unwrap().unwrap().records.len(), 3);
            let begun = Instant::now();
            let row = sqlx::query(LOAD)
                .bind(self.acme.organization.as_uuid())
                .bind(self.user.as_uuid())
                .bind(self.domain.as_uuid())
                .fetch_optional(&self.pool)
                .await
                .unwrap()
                .unwrap();
            let read: (String, Option<String>, Option<String>, Option<String>) =
                (row.get(0), row.get(1), row.get(2), row.get(4));
            by_hand.push(begun.elapsed());
            assert!(read.3.is_some());
        }
        report("load, a path to a domain", ours, by_hand);
    }

    async fn renames(&mut self) {
        let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
        for number in 0..rounds(3_000) {
            let command = |hand: &str| RenameOrganization {
                organization: self.acme.organization,
                name: Name::new(&format!("Acme {hand} {number}")).unwrap(),
            };
            ours.push(self.ours(command("ours")).await);
            let commit = self.prepared(command("by hand")).await;
            let begun = Instant::now();
            let row = sqlx::query(RENAME)
                .bind(self.acme.organization.as_uuid())
                .bind(i64::try_from(commit.expected.get()).unwrap())
                .bind(serde_json::to_string(&commit.next.summary()).unwrap())
                .bind(serde_json::to_string(&commit.next).unwrap())
                .bind(commit.entry.id.as_uuid())
                .bind(serde_json::to_string(&commit.entry).unwrap())
                .fetch_optional(&self.pool)
                .await
                .unwrap();
            by_hand.push(begun.elapsed());
            assert!(row.is_some());
        }
        report("commit, a rename", ours, by_hand);
    }

    async fn domains(&mut self) {
        let (mut ours, mut by_hand) = (Vec::new(), Vec::new());
        for _ in 0..rounds(3_000) {
            let command = self.next_domain();
            ours.push(self.ours(command).await);
            let command = self.next_domain();
            let commit = self.prepared(command).await;
            let mut records = commit.changes.iter().filter_map(|change| match change {
                Change::Put(record) => Some(record),
                _ => None,
            });
            let workspace = records
                .clone()
                .find(|record| matches!(record, Record::Workspace(_)));
            let Some(Record::Domain(domain)) =
                records.find(|record| matches!(record, Record::Domain(_)))
            else {
                panic!("a domain is created");
            };
            let begun = Instant::now();
            let row = sqlx::query(DOMAIN)
                .bind(self.acme.organization.as_uuid())
                .bind(i64::try_from(commit.expected.get()).unwrap())
                .bind(serde_json::to_string(&commit.next.summary()).unwrap())
                .bind(serde_json::to_string(&commit.next).unwrap())
                .bind(self.acme.workspace.as_uuid())
                .bind(serde_json::to_string(&workspace).unwrap())
                .bind(domain.id.as_uuid())
                .bind(domain.name.as_str())
                .bind(serde_json::to_string(&Record::Domain(domain.clone())).unwrap())
                .bind(commit.entry.id.as_uuid())
                .bind(serde_json::to_string(&commit.entry).unwrap())
                .fetch_optional(&self.pool)
                .await
                .unwrap();
            by_hand.push(begun.elapsed());
            assert!(row.is_some());
        }
        report("commit, a domain", ours, by_hand);
    }

    async fn prepared<C: Command>(&self, command: C) -> Commit {
        let decided = self.tenancy.prepare(&self.ann, command).await.unwrap();
        decided.commit.unwrap()
    }

    /// How long the store takes to commit what a command decides.
    async fn ours<C: Command>(&self, command: C) -> Duration {
        let commit = self.prepared(command).await;
        let begun = Instant::now();
        let outcome = self.tenancy.repository().commit(&commit).await;
        let elapsed = begun.elapsed();
        assert_eq!(outcome.unwrap(), Outcome::Committed);
        elapsed
    }
}

/// How often a pair runs: fewer times where it only has to be seen running.
fn rounds(measured: u32) -> u32 {
    if std::env::args().any(|argument| argument == "--test") {
        measured.min(200)
    } else {
        measured
    }
}

/// The median, and the median of the pairs' ratios: what the machine does besides hits both.
fn report(what: &str, ours: Vec<Duration>, by_hand: Vec<Duration>) {
    let mut ratios: Vec<f64> = ours
        .iter()
        .zip(&by_hand)
        .map(|(ours, by_hand)| ours.as_secs_f64() / by_hand.as_secs_f64())
        .collect();
    ratios.sort_by(f64::total_cmp);
    let middle = |mut times: Vec<Duration>| {
        times.sort();
        times
            .get(times.len() / 2)
            .map_or(0.0, |time| time.as_nanos() as f64 / 1_000.0)
    };
    let ratio = ratios.get(ratios.len() / 2).copied().unwrap_or_default();
    println!(
        "{what}: {:.1} µs, by hand {:.1} µs, ratio {ratio:.3}",
        middle(ours),
        middle(by_hand)
    );
}
