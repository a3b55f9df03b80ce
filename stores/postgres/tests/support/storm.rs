//! Writers that never rest, and what they were told.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, DeleteDomain, InviteToWorkspace,
};
use tenancy::store::{Directory, Item, Kind, List};
use tenancy::{
    Actor, CommitId, DomainKind, DomainName, Done, EmailAddress, Error, LogEntry, Name,
    OrganizationId, Settings, Tenancy, UserId, VerifiedEmail, Version, WorkspaceRole,
};
use tenancy_postgres::PostgresRepository;
use tokio::task::JoinSet;

pub type Store = Tenancy<PostgresRepository>;

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn email(who: &str) -> EmailAddress {
    EmailAddress::new(&format!("{who}@acme.example")).unwrap()
}

pub fn user(who: &str) -> UserId {
    UserId::from_external(who)
}

/// A user with the verified address `who@acme.example`.
pub fn actor(who: &str) -> Actor {
    Actor::user(user(who), VerifiedEmail::attest(email(who)))
}

pub fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

pub fn options(port: u16, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .host("127.0.0.1")
        .port(port)
        .username("postgres")
        .database(database)
}

/// A pool as a host would have it.
pub async fn pool(options: &PgConnectOptions, connections: u32) -> PgPool {
    PgPoolOptions::new()
        .max_connections(connections)
        .acquire_timeout(Duration::from_secs(3))
        .test_before_acquire(false)
        .connect_with(options.clone())
        .await
        .unwrap()
}

/// A patient façade: quotas out of the way, many attempts, short pauses.
pub fn tenancy(pool: &PgPool) -> Store {
    Tenancy::new(PostgresRepository::new(pool.clone()))
        .with_settings(Settings {
            default_workspace_quota: limit(1000),
            ..Settings::default()
        })
        .with_attempts(limit(1000))
        .with_sleep(tokio::time::sleep)
}

/// An organization's acknowledged commits: id by version.
pub type Acknowledged = BTreeMap<OrganizationId, BTreeMap<u64, CommitId>>;

/// What a storm was told so far.
#[derive(Clone, Default)]
pub struct Heard {
    acknowledged: Arc<Mutex<Acknowledged>>,
    commits: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Heard {
    pub fn note<T>(&self, done: &Done<T>) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        let versions = acknowledged.entry(done.token.organization).or_default();
        versions.insert(done.token.version.get(), done.commit);
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    pub fn all(&self) -> Acknowledged {
        self.acknowledged.lock().unwrap().clone()
    }
}

type Failed = Error<tenancy_postgres::Error>;

/// Some commits of one organization: a row, many rows, claims, deletions.
async fn live(tenancy: &Store, heard: &Heard) -> Result<(), Failed> {
    let ann = actor("ann");
    let made = tenancy
        .execute(&ann, CreateOrganization { name: name("Acme") })
        .await?;
    heard.note(&made);
    let (organization, workspace) = (made.output.organization, made.output.workspace);
    let mut domains = Vec::new();
    for n in 0..3 {
        let called = format!("d-{}-{n}", organization.as_uuid().simple());
        let create = CreateDomain {
            organization,
            workspace,
            name: DomainName::new(&called).unwrap(),
            kind: DomainKind::Production,
        };
        let made = tenancy.execute(&ann, create).await?;
        heard.note(&made);
        domains.push(made.output);
    }
    for domain in domains {
        let delete = DeleteDomain {
            organization,
            domain,
        };
        heard.note(&tenancy.execute(&ann, delete).await?);
    }
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: email("bob"),
        role: WorkspaceRole::Developer,
    };
    let made = tenancy.execute(&ann, invite).await?;
    heard.note(&made);
    let Some(token) = made.output.token else {
        return Ok(()); // made in an attempt whose answer was lost: its token went with it
    };
    let made = tenancy
        .execute(&actor("bob"), AcceptInvitation { token })
        .await?;
    heard.note(&made);
    Ok(())
}

/// Writers on tasks of their own, until they are told to stop.
pub struct Storm {
    pub heard: Heard,
    tasks: JoinSet<()>,
}

impl Storm {
    pub fn begin(tenancy: &Arc<Store>, writers: usize) -> Self {
        let tenancy = Arc::clone(tenancy);
        Self::of(writers, move |heard| {
            let tenancy = Arc::clone(&tenancy);
            async move {
                match live(&tenancy, &heard).await {
                    Ok(()) => {}
                    // The server is away, or was: begin anew with another organization.
                    Err(Error::Store(_) | Error::Unknown { .. }) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Err(error) => panic!("nothing but the store may fail here: {error:?}"),
                }
            }
        })
    }

    /// Writers of whom each lives one life after the other.
    pub fn of<F: Future<Output = ()> + Send + 'static>(
        writers: usize,
        life: impl Fn(Heard) -> F + Clone + Send + Sync + 'static,
    ) -> Self {
        let heard = Heard::default();
        let mut tasks = JoinSet::new();
        for _ in 0..writers {
            let (life, heard) = (life.clone(), heard.clone());
            tasks.spawn(async move {
                while !heard.stop.load(Ordering::Relaxed) {
                    life(heard.clone()).await;
                }
            });
        }
        Self { heard, tasks }
    }

    /// Waits for some more commits to be acknowledged.
    pub async fn goes_on_for(&self, commits: u64) {
        let goal = self.heard.commits().saturating_add(commits);
        let time_limit = Duration::from_mins(5);
        let waited = tokio::time::timeout(time_limit, async {
            while self.heard.commits() < goal {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        });
        waited.await.expect("writers get on");
    }

    pub async fn end(mut self) -> Heard {
        self.heard.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.tasks.join_next().await {
            ended.unwrap();
        }
        self.heard
    }
}

/// An organization's whole log.
pub async fn log(store: &PostgresRepository, organization: OrganizationId) -> Vec<LogEntry> {
    let log = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let items = store.list(&log, limit(10_000)).await.unwrap();
    let entry = |item| match item {
        Item::LogEntry(entry) => entry,
        item => panic!("a log has entries, not {item:?}"),
    };
    items.into_iter().map(entry).collect()
}

/// What was acknowledged is in the log, once; every organization is what its log says, the unacknowledged
/// ones too; and no row belongs to none.
pub async fn nothing_is_lost(pool: &PgPool, heard: &Heard) {
    let store = PostgresRepository::new(pool.clone());
    for (organization, versions) in heard.all() {
        let log = log(&store, organization).await;
        for (version, commit) in versions {
            let entry = log.iter().find(|entry| entry.version.get() == version);
            assert_eq!(
                entry.map(|entry| entry.id),
                Some(commit),
                "{organization} {version}"
            );
        }
    }
    let ids: Vec<(uuid::Uuid,)> = sqlx::query_as("SELECT id FROM tenancy.organizations")
        .fetch_all(pool)
        .await
        .unwrap();
    assert!(ids.len() >= heard.all().len());
    for (id,) in ids {
        store.verify(OrganizationId::from_uuid(id)).await.unwrap();
    }
    let kinds = Kind::ALL.into_iter().map(Kind::table);
    for table in kinds.chain(["claims", "commits", "outbox"]) {
        let orphans = format!(
            "SELECT count(*) FROM tenancy.{table} t \
             WHERE NOT EXISTS (SELECT 1 FROM tenancy.organizations o WHERE o.id = t.organization_id)"
        );
        let (orphans,): (i64,) = sqlx::query_as(sqlx::AssertSqlSafe(orphans))
            .fetch_one(pool)
            .await
            .unwrap();
        assert_eq!(orphans, 0, "{table}");
    }
}
