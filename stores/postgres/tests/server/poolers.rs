//! Poolers in transaction mode, where two statements of a client may run on two connections of the server: what is
//! prepared on one isn't on the other. In session mode the whole suite runs (`tests/conformance.rs`).

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tenancy::commands::{CreateOrganization, RenameOrganization};
use tenancy::store::Repository;
use tenancy::{Error, OrganizationAction, OrganizationId, Tenancy};
use tenancy_clusters::{Cluster, PgBouncer, PoolMode};
use tenancy_postgres::{PostgresRepository, migrate};
use tokio::task::JoinSet;

use crate::examples::on_tokio_postgres::Store;
use crate::support::storm::{actor, name, options, pool, tenancy};

/// How many connections the pooler has, and how many clients share them.
const CONNECTIONS: u16 = 4;
const CLIENTS: usize = 32;

/// A server with the tables, a pooler before it, and a pool past it.
async fn in_transaction_mode() -> Option<(Cluster, PgBouncer, sqlx::PgPool)> {
    if !PgBouncer::is_installed() {
        return None;
    }
    let cluster = Cluster::start(&["fsync = off"])?;
    let pooler = PgBouncer::start(cluster.port(), PoolMode::Transaction, CONNECTIONS)?;
    let direct = pool(&options(cluster.port(), "postgres"), 1).await;
    migrate(&direct).await.unwrap();
    Some((cluster, pooler, direct))
}

async fn acme<R: Repository<Error: std::error::Error + 'static>>(
    tenancy: &Tenancy<R>,
) -> OrganizationId {
    let create = CreateOrganization { name: name("Acme") };
    let made = tenancy.execute(&actor("ann"), create).await;
    made.unwrap().output.organization
}

/// The code with which the server refused a check, if it did.
fn refused(error: Error<tenancy_postgres::Error>) -> Option<String> {
    let Error::Store(tenancy_postgres::Error::Database(sqlx::Error::Database(error))) = error
    else {
        return None;
    };
    println!("{}", error.message());
    error.code().map(Into::into)
}

/// sqlx prepares a statement under a name, and binds it in a message of its own: by then it may talk to another
/// connection, where there is no such statement, or another's of that name. To switch its cache off changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn sqlx_fails_through_a_pooler_in_transaction_mode() {
    let Some((_cluster, pooler, direct)) = in_transaction_mode().await else {
        return;
    };
    let organization = acme(&tenancy(&direct)).await;
    for capacity in [100, 0] {
        let options = options(pooler.port(), "postgres").statement_cache_capacity(capacity);
        let through_it = PgPoolOptions::new()
            .max_connections(u32::try_from(CLIENTS).unwrap())
            .test_before_acquire(false)
            .connect_lazy_with(options);
        let tenancy = std::sync::Arc::new(tenancy(&through_it));
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let tenancy = std::sync::Arc::clone(&tenancy);
            clients.spawn(async move {
                loop {
                    let action = OrganizationAction::Rename;
                    let checked = tenancy.check(&actor("ann"), organization, action).await;
                    if let Some(code) = checked.err().and_then(refused) {
                        return code;
                    }
                }
            });
        }
        let first = tokio::time::timeout(Duration::from_mins(1), clients.join_next());
        let code = first.await.expect("one of them fails").unwrap().unwrap();
        // "already exists", "does not exist", "bind message supplies 2 parameters, but prepared statement … requires 4".
        let of_prepared_statements = ["42P05", "26000", "08P01"];
        assert!(of_prepared_statements.contains(&code.as_str()), "{code}");
    }
}

/// The same statements with their parameters' types in the same message: nothing is prepared under a name.
#[tokio::test(flavor = "multi_thread")]
async fn typed_statements_hold_through_a_pooler_in_transaction_mode() {
    const ROUNDS: u64 = 15;
    let Some((_cluster, pooler, direct)) = in_transaction_mode().await else {
        return;
    };
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let store = Store::connect(&pooler.url("postgres")).await.unwrap();
        clients.spawn(async move {
            let (tenancy, ann) = (Tenancy::new(store), actor("ann"));
            let organization = acme(&tenancy).await;
            for round in 0..ROUNDS {
                let rename = RenameOrganization {
                    organization,
                    name: name(&format!("Acme {round}")),
                };
                tenancy.execute(&ann, rename).await.unwrap();
                for _ in 0..4 {
                    let action = OrganizationAction::Rename;
                    let decision = tenancy.check(&ann, organization, action).await.unwrap();
                    assert!(decision.is_allowed());
                }
            }
            (tenancy, organization) // its connection stays open
        });
    }
    let done = clients.join_all().await;
    let shared: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
    )
    .fetch_one(&direct)
    .await
    .unwrap();
    assert!(shared <= i64::from(CONNECTIONS), "{shared} connections");
    let store = PostgresRepository::new(direct);
    for (_, organization) in &done {
        store.verify(*organization).await.unwrap();
        let log = crate::support::storm::log(&store, *organization).await;
        assert_eq!(u64::try_from(log.len()).unwrap(), ROUNDS.saturating_add(1));
    }
}
