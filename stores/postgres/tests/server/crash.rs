//! Servers that die, connections that break: what was acknowledged is there, whole, and nothing else is.
//!
//! `TENANCY_STOPS` says how often the server is stopped in mid-storm (3 times if it isn't set).

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests say what they expect by panicking"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::support::proxy::Proxy;
use crate::support::storm::*;
use tenancy::{commands::*, store::*, *};
use tenancy_clusters::Cluster;
use tenancy_postgres::{PostgresRepository, migrate};

/// For what happens at once, on a machine that may be busy.
const PATIENCE: Duration = Duration::from_mins(5);

fn stops() -> u32 {
    std::env::var("TENANCY_STOPS").map_or(3, |stops| stops.parse().unwrap())
}

/// Durable, as a server is unless somebody makes it otherwise.
async fn primary(settings: &[&str]) -> Option<(Cluster, sqlx::PgPool)> {
    let cluster = Cluster::start(settings)?;
    let pool = pool(&options(cluster.port(), "postgres"), 16).await;
    migrate(&pool).await.unwrap();
    Some((cluster, pool))
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_the_server_stops_in_mid_storm() {
    let Some((cluster, pool)) = primary(&[]).await else {
        return;
    };
    let storm = Storm::begin(&Arc::new(tenancy(&pool)), 16);
    for _ in 0..stops() {
        storm.goes_on_for(40).await;
        cluster.crash();
        cluster.up();
    }
    storm.goes_on_for(20).await;
    let heard = storm.end().await;
    nothing_is_lost(&pool, &heard).await;
    println!(
        "{} commits acknowledged, {} stops, none lost",
        heard.commits(),
        stops()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_a_replica_takes_over() {
    let settings = ["synchronous_commit = on", "wal_keep_size = 256"];
    let Some((primary, pool_before)) = primary(&settings).await else {
        return;
    };
    let replica = primary.replica(&[]);
    primary.set("synchronous_standby_names = '*'");
    let standby_is_synchronous = async {
        loop {
            let states: Vec<(String,)> =
                sqlx::query_as("SELECT sync_state FROM pg_stat_replication")
                    .fetch_all(&pool_before)
                    .await
                    .unwrap();
            if states.iter().any(|(state,)| state == "sync") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, standby_is_synchronous)
        .await
        .unwrap();

    let storm = Storm::begin(&Arc::new(tenancy(&pool_before)), 16);
    storm.goes_on_for(100).await;
    primary.kill();
    replica.promote();
    let heard = storm.end().await;

    let pool = pool(&options(replica.port(), "postgres"), 16).await;
    nothing_is_lost(&pool, &heard).await;
    // The service goes on there.
    let storm = Storm::begin(&Arc::new(tenancy(&pool)), 8);
    storm.goes_on_for(40).await;
    nothing_is_lost(&pool, &storm.end().await).await;
    println!(
        "{} commits acknowledged before the takeover, none lost",
        heard.commits()
    );
}

/// Why nobody may cancel a commit: the server acknowledges what no other has, and no error says so.
#[tokio::test(flavor = "multi_thread")]
async fn a_commit_that_is_cancelled_while_it_waits_for_a_replica_is_acknowledged_without_it() {
    let Some((primary, pool)) = primary(&[]).await else {
        return;
    };
    let tenancy = Arc::new(tenancy(&pool));
    let create = CreateOrganization { name: name("Acme") };
    let acme = tenancy.execute(&actor("ann"), create).await.unwrap().output;
    primary.set("synchronous_standby_names = 'nobody'");
    let stop = Arc::new(AtomicBool::new(false));
    let (stopped, its_own) = (Arc::clone(&stop), Arc::clone(&tenancy));
    let renames = tokio::spawn(async move {
        let mut made = 0_usize;
        while !stopped.load(Ordering::Relaxed) {
            let rename = RenameOrganization {
                organization: acme.organization,
                name: name(&format!("Acme {made}")),
            };
            its_own.execute(&actor("ann"), rename).await.unwrap();
            made += 1;
        }
        made
    });
    let cancelled = async {
        let cancel =
            "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
        while !matches!(
            sqlx::query_scalar(cancel)
                .fetch_optional(&pool)
                .await
                .unwrap(),
            Some(true)
        ) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, cancelled).await.unwrap();
    stop.store(true, Ordering::Relaxed);
    primary.set("synchronous_standby_names = ''"); // for the one after it, if it began
    let made = renames.await.unwrap();
    let log = log(tenancy.repository(), acme.organization).await;
    assert_eq!(log.len(), made + 1);
}

/// The server commits, and nobody hears of it: the façade finds out, and the commit is there once.
#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_is_found_out() {
    let Some((cluster, direct)) = primary(&[]).await else {
        return;
    };
    let proxy = Proxy::to(cluster.port()).await;
    let pool = pool(&options(proxy.port(), "postgres"), 4).await;
    let tenancy = tenancy(&pool);
    let ann = actor("ann");
    let create = CreateOrganization { name: name("Acme") };
    let acme = tenancy.execute(&ann, create).await.unwrap().output;
    let (mut made, mut failed_before) = (0_u32, 0_u32);
    for n in 0..60 {
        let command = CreateWorkspace {
            organization: acme.organization,
            name: name(&format!("Workspace {n}")),
        };
        // Of the round trips of a command, now the load's answer is cut, now the commit's.
        let before = proxy.round_trips();
        let cutting = n % 3 != 0;
        let cut = async {
            while cutting && proxy.round_trips() < before + (n % 3) - 1 {
                tokio::task::yield_now().await;
            }
            if cutting {
                proxy.cut_the_next_answer();
            }
            std::future::pending::<()>().await;
        };
        let done = tokio::select! {
            done = tenancy.execute(&ann, command) => done,
            () = cut => unreachable!("it never ends"),
        };
        match done {
            Ok(_) => made += 1,
            // Cut while loading: nothing was sent.
            Err(Error::Store(_)) => failed_before += 1,
            Err(error) => panic!("{error:?}"),
        }
    }
    proxy.cut_all();
    let store = PostgresRepository::new(direct);
    let log = log(&store, acme.organization).await;
    assert_eq!(u32::try_from(log.len()).unwrap(), made + 1);
    assert!(
        proxy.cuts() >= 30 && failed_before < 60,
        "{} cuts",
        proxy.cuts()
    );
    store.verify(acme.organization).await.unwrap();
    println!(
        "{made} made, {failed_before} failed while loading, {} answers cut",
        proxy.cuts()
    );
}

/// All connections break, again and again, at any moment.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_connections_break_in_mid_storm() {
    let Some((cluster, direct)) = primary(&[]).await else {
        return;
    };
    let proxy = Proxy::to(cluster.port()).await;
    let through_it = pool(&options(proxy.port(), "postgres"), 16).await;
    let storm = Storm::begin(&Arc::new(tenancy(&through_it)), 16);
    for _ in 0..10 {
        storm.goes_on_for(20).await;
        proxy.cut_all();
    }
    for _ in 0..20 {
        storm.goes_on_for(5).await;
        proxy.cut_the_next_answer();
    }
    let heard = storm.end().await;
    // What was under way on the server ends before it is looked at.
    tokio::time::sleep(Duration::from_millis(200)).await;
    nothing_is_lost(&direct, &heard).await;
}

/// Somebody who was removed is never let in, however far behind the replica is.
#[tokio::test(flavor = "multi_thread")]
async fn a_lagging_replica_lets_nobody_in() {
    let Some((primary, pool_there)) = primary(&[]).await else {
        return;
    };
    let replica = primary.replica(&[]);
    let pool_here = pool(&options(replica.port(), "postgres"), 4).await;
    let tenancy = tenancy(&pool_there);
    let both = WithReplica {
        primary: PostgresRepository::new(pool_there.clone()),
        replica: PostgresRepository::new(pool_here.clone()),
    };
    let create = CreateOrganization { name: name("Acme") };
    let acme = tenancy.execute(&actor("ann"), create).await.unwrap();
    let organization = acme.output.organization;
    let resource = Resource::Organization(organization);
    let invite = InviteToOrganization {
        organization,
        email: email("bob"),
        role: OrganizationRole::Admin,
    };
    let invited = tenancy.execute(&actor("ann"), invite).await.unwrap();
    let token = invited.output.token.unwrap();
    let joined = tenancy
        .execute(&actor("bob"), AcceptInvitation { token })
        .await
        .unwrap();
    let caught_up = async {
        loop {
            let seen = both.replica.standing(user("bob"), resource).await.unwrap();
            if seen.is_some_and(|standing| standing.version >= joined.token.version) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, caught_up).await.unwrap();

    sqlx::query("SELECT pg_wal_replay_pause()")
        .execute(&pool_here)
        .await
        .unwrap();
    let remove = RemoveMember {
        organization,
        user: user("bob"),
    };
    let removed = tenancy.execute(&actor("ann"), remove).await.unwrap();
    // The replica alone would still let him in: it says which version it saw.
    let stale = both.standing(user("bob"), resource).await.unwrap().unwrap();
    assert_eq!(stale.organization_role, Some(OrganizationRole::Admin));
    assert!(stale.version < removed.token.version);
    let reading = Tenancy::new(both);
    let fresh = reading
        .standing_at_least(&actor("bob"), resource, Some(removed.token))
        .await
        .unwrap();
    assert_eq!(fresh, None);
    // Once the replica has caught up, it answers by itself, and the primary is not needed.
    sqlx::query("SELECT pg_wal_replay_resume()")
        .execute(&pool_here)
        .await
        .unwrap();
    let caught_up = async {
        while reading
            .repository()
            .standing(user("bob"), resource)
            .await
            .unwrap()
            .is_none_or(|standing| standing.version < removed.token.version)
        {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, caught_up).await.unwrap();
    primary.kill();
    let answered = reading
        .standing_at_least(&actor("bob"), resource, Some(removed.token))
        .await
        .unwrap();
    assert_eq!(answered, None);
}
