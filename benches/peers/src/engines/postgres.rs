//! PostgreSQL: the store, and four tables by hand, over one connection to a server of this machine.

use std::rc::Rc;

use sqlx::postgres::PgPoolOptions;
use sqlx::{PgPool, Row as _};
use tenancy::{Resource, Tenancy};
use tenancy_postgres::PostgresRepository;
use tokio::runtime::Builder;

use super::sqlite::{meets, organization_code, workspace_code};
use crate::ours::{check, fill};
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question, role, roles};
use crate::writers::of_store;
pub(crate) use tenancy_clusters::Cluster;

const TABLES: [&str; 4] = [
    "CREATE TABLE members (organization uuid, \"user\" uuid, role smallint NOT NULL,
        PRIMARY KEY (organization, \"user\"))",
    "CREATE TABLE workspaces (id uuid PRIMARY KEY, organization uuid NOT NULL)",
    "CREATE TABLE workspace_members (workspace uuid, \"user\" uuid, role smallint NOT NULL,
        PRIMARY KEY (workspace, \"user\"))",
    "CREATE TABLE domains (id uuid PRIMARY KEY, organization uuid NOT NULL, workspace uuid NOT NULL)",
];

const ORGANIZATION: &str = "SELECT role, NULL::smallint FROM members
    WHERE organization = $1 AND \"user\" = $2 AND $3 = $1";

const WORKSPACE: &str = "SELECT m.role, wm.role FROM workspaces w
    JOIN members m ON m.organization = w.organization AND m.\"user\" = $2
    LEFT JOIN workspace_members wm ON wm.workspace = w.id AND wm.\"user\" = $2
    WHERE w.id = $3 AND w.organization = $1";

const DOMAIN: &str = "SELECT m.role, wm.role FROM domains d
    JOIN members m ON m.organization = d.organization AND m.\"user\" = $2
    LEFT JOIN workspace_members wm ON wm.workspace = d.workspace AND wm.\"user\" = $2
    WHERE d.id = $3 AND d.organization = $1";

/// How many questions it is asked: each is a round trip.
const ASKED: usize = 4_096;

/// A server, if one is installed.
pub(crate) fn cluster() -> Option<Cluster> {
    // What is measured are reads, and writers whose store is a millisecond away, not its disk.
    Cluster::start(&["fsync = off", "autovacuum = off"])
}

pub(crate) fn peers<'a>(
    cluster: &Cluster,
    all: &[Ids],
    questions: &'a [Question],
) -> [Peer<'a>; 2] {
    let asked = questions.len().min(ASKED);
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = Rc::new(runtime.expect("a runtime"));
    let (tenancy, by_hand) = runtime.block_on(async {
        let store = connect(cluster).await;
        tenancy_postgres::migrate(&store)
            .await
            .expect("it is empty");
        let by_hand = connect(cluster).await;
        write(&by_hand, all).await.expect("they fit");
        (Tenancy::new(PostgresRepository::new(store)), by_hand)
    });
    runtime.block_on(fill(tenancy.repository(), all));
    runtime.block_on(async {
        let analyze = sqlx::raw_sql("VACUUM ANALYZE");
        analyze.execute(&by_hand).await.expect("it may");
    });
    let second = Rc::clone(&runtime);
    [
        Peer::new("PostgreSQL by hand", Kind::ByHand, asked, move |place| {
            let asking = allows(&by_hand, &questions[place]);
            runtime.block_on(asking).expect("it reads")
        }),
        Peer::new(
            "`tenancy-postgres`, through `Tenancy`",
            Kind::Ours,
            asked,
            move |place| second.block_on(check(&tenancy, &questions[place])),
        ),
    ]
}

/// One connection: one server process, warm.
async fn connect(cluster: &Cluster) -> PgPool {
    pool(cluster, 1).await
}

async fn pool(cluster: &Cluster, connections: u32) -> PgPool {
    let options = PgPoolOptions::new()
        .max_connections(connections)
        .test_before_acquire(false);
    let pool = options.connect(&cluster.url("postgres")).await;
    pool.expect("the server is up")
}

/// The rows of 64 writers, each with a connection of its own, if a server is installed.
pub(crate) fn writers() -> Vec<Vec<String>> {
    let Some(cluster) = cluster() else {
        return Vec::new();
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.expect("a runtime");
    let open = || {
        runtime.block_on(async {
            let store = pool(&cluster, 64).await;
            tenancy_postgres::migrate(&store).await.expect("it may");
            PostgresRepository::new(store)
        })
    };
    // Dropped within the runtime, as its connections go back to their pool.
    of_store("PostgreSQL", open, || runtime.enter()).into()
}

async fn write(pool: &PgPool, all: &[Ids]) -> sqlx::Result<()> {
    for table in TABLES {
        sqlx::query(table).execute(pool).await?;
    }
    let mut transaction = pool.begin().await?;
    for ids in all {
        let organization = ids.organization.as_uuid();
        for workspace in &ids.workspaces {
            sqlx::query("INSERT INTO workspaces VALUES ($1, $2)")
                .bind(workspace.as_uuid())
                .bind(organization)
                .execute(&mut *transaction)
                .await?;
        }
        for (domain, workspace) in ids.domains() {
            sqlx::query("INSERT INTO domains VALUES ($1, $2, $3)")
                .bind(domain.as_uuid())
                .bind(organization)
                .bind(workspace.as_uuid())
                .execute(&mut *transaction)
                .await?;
        }
        for (at, user) in ids.members.iter().enumerate() {
            sqlx::query("INSERT INTO members VALUES ($1, $2, $3)")
                .bind(organization)
                .bind(user.as_uuid())
                .bind(organization_code(role(at)))
                .execute(&mut *transaction)
                .await?;
            for (workspace, role) in roles(at) {
                sqlx::query("INSERT INTO workspace_members VALUES ($1, $2, $3)")
                    .bind(ids.workspaces[workspace].as_uuid())
                    .bind(user.as_uuid())
                    .bind(workspace_code(role))
                    .execute(&mut *transaction)
                    .await?;
            }
        }
    }
    transaction.commit().await
}

async fn allows(pool: &PgPool, question: &Question) -> sqlx::Result<bool> {
    let (statement, resource) = match &question.resource {
        Resource::Organization(organization) => (ORGANIZATION, organization.as_uuid()),
        Resource::Workspace(_, workspace) => (WORKSPACE, workspace.as_uuid()),
        Resource::Domain(_, domain) => (DOMAIN, domain.as_uuid()),
    };
    let row = sqlx::query(statement)
        .bind(question.resource.organization().as_uuid())
        .bind(question.user.as_uuid())
        .bind(resource)
        .fetch_optional(pool)
        .await?;
    Ok(row.is_some_and(|row| meets(&question.resource, row.get(0), row.get(1))))
}
