//! The outbox: at least once, in order for each organization, several workers, leases; what can't be read or can't be
//! delivered holds up nothing but itself; and what dropped futures leave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use crate::databases::deliveries::{ALL, MINUTE, busy, count, delivered, later, numbers, run, v};
use crate::databases::people::{acme, actor, new_workspace, tenancy};
use crate::databases::{Database, connect, runtime, tested};
use sqlx::{Executor as _, PgPool};
use tenancy::{LogEntry, OrganizationId};
use tenancy_postgres::PostgresRepository;

const IN_TRANSACTION: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";

#[test]
fn everything_is_delivered_once_and_in_order() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let ids = busy(&pool, 3, 4).await;
        let store = PostgresRepository::new(pool.clone());
        let depth = store.outbox().depth().await.unwrap();
        assert_eq!((depth.organizations, depth.entries), (3, 12));
        assert!(depth.oldest_due.is_some());
        let seen = delivered(&store).await;
        let of = |id: OrganizationId| (1..=4).map(move |version| (id, version));
        // Who has waited longest comes first, with all that there is.
        assert_eq!(seen, ids.into_iter().flat_map(of).collect::<Vec<_>>());
        assert_eq!(
            store.outbox().depth().await.unwrap(),
            tenancy_postgres::Depth::default()
        );
        assert_eq!(delivered(&store).await, []);
    });
}

#[test]
fn what_comes_after_everything_was_delivered_is_delivered() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let (store, tenancy) = (PostgresRepository::new(pool.clone()), tenancy(pool));
        let acme = acme(&tenancy).await;
        let id = acme.organization;
        assert_eq!(delivered(&store).await, [(id, 1)]);
        for (number, name) in [(2, "Payments"), (3, "Search")] {
            let command = new_workspace(acme, name);
            tenancy.execute(&actor("ann"), command).await.unwrap();
            assert_eq!(delivered(&store).await, [(id, number)]);
        }
        // And what comes while the last is being delivered.
        let command = new_workspace(acme, "Ledger");
        tenancy.execute(&actor("ann"), command).await.unwrap();
        let meanwhile = store.outbox().deliver(NonZeroU32::MIN, |_| {
            let command = new_workspace(acme, "Archive");
            let (tenancy, ann) = (&tenancy, actor("ann"));
            async move { tenancy.execute(&ann, command).await.map(drop) }
        });
        assert_eq!(numbers(&meanwhile.await.unwrap()), (1, 0, 0));
        assert_eq!(delivered(&store).await, [(id, 5)]);
    });
}

/// Six workers on as many organizations' entries while more are being written. Each delivery looks whether
/// another of its organization is going on.
#[test]
fn workers_side_by_side_keep_the_order() {
    tested(async {
        const COMMITS: usize = 12;
        let database = Database::migrated().await;
        let pool = database.pool(20).await;
        let under_way: Arc<Mutex<Vec<OrganizationId>>> = Arc::default();
        let seen: Arc<Mutex<BTreeMap<OrganizationId, Vec<u64>>>> = Arc::default();
        let most = Arc::new(AtomicUsize::new(0));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let pool = pool.clone();
            writers.spawn(async move { busy(&pool, 1, COMMITS).await });
        }
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let store = PostgresRepository::new(pool.clone());
            let (under_way, seen, most) =
                (Arc::clone(&under_way), Arc::clone(&seen), Arc::clone(&most));
            workers.spawn(async move {
                while seen.lock().unwrap().values().map(Vec::len).sum::<usize>() < 4 * COMMITS {
                    let one = NonZeroU32::new(5).unwrap();
                    let delivery = store.outbox().deliver(one, |entry: LogEntry| {
                        let (under_way, seen, most) = (&under_way, &seen, &most);
                        async move {
                            let others = {
                                let mut under_way = under_way.lock().unwrap();
                                assert!(!under_way.contains(&entry.organization), "two at once");
                                under_way.push(entry.organization);
                                under_way.len()
                            };
                            most.fetch_max(others, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(3)).await;
                            let mut seen = seen.lock().unwrap();
                            let versions = seen.entry(entry.organization).or_default();
                            versions.push(entry.version.get());
                            let mut under_way = under_way.lock().unwrap();
                            under_way.retain(|id| *id != entry.organization);
                            Ok::<_, Infallible>(())
                        }
                    });
                    if delivery.await.unwrap().delivered == 0 {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            });
        }
        writers.join_all().await;
        workers.join_all().await;
        let seen = seen.lock().unwrap();
        let expected: Vec<u64> = (1..=12).collect();
        assert_eq!(seen.len(), 4);
        assert!(
            seen.values().all(|versions| *versions == expected),
            "{seen:?}"
        );
        assert!(
            most.load(Ordering::SeqCst) > 1,
            "the workers never worked side by side"
        );
    });
}

#[test]
fn a_failure_holds_up_its_organization_and_no_other() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let ids = busy(&pool, 2, 3).await;
        let (bad, good) = (ids[0], ids[1]);
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox();
        let down = async |entry: LogEntry| {
            if entry.organization == bad && entry.version.get() == 2 {
                return Err("the mail server is down");
            }
            Ok(())
        };
        let delivery = outbox.deliver(ALL, down).await.unwrap();
        assert_eq!(numbers(&delivery), (4, 1, 0));
        assert_eq!(delivery.failed[0].0.version, v(2));
        assert_eq!(delivery.failed[0].1, "the mail server is down");
        // Not at once again.
        assert_eq!(
            numbers(&outbox.deliver(ALL, down).await.unwrap()),
            (0, 0, 0)
        );
        let failing = outbox.failing(None, ALL).await.unwrap();
        assert_eq!(failing.len(), 1);
        assert_eq!((failing[0].organization, failing[0].version), (bad, v(2)));
        assert_eq!(
            (failing[0].attempts, failing[0].error.as_str()),
            (1, "the mail server is down")
        );
        let after = outbox.failing(Some(bad), ALL).await.unwrap();
        assert_eq!(after, []);
        let depth = outbox.depth().await.unwrap();
        assert_eq!(
            (depth.organizations, depth.entries, depth.failing),
            (1, 2, 1)
        );
        // When its time has come, from where it failed, and what follows it.
        later(&pool, MINUTE).await;
        assert_eq!(delivered(&store).await, [(bad, 2), (bad, 3)]);
        assert_eq!(outbox.failing(None, ALL).await.unwrap(), []);
        assert!(!ids.is_empty() && good != bad);
    });
}

/// Seconds until what failed is due.
const PAUSE: &str =
    "SELECT round(extract(epoch FROM due_at - clock_timestamp()))::bigint FROM tenancy.outbox";

/// 10, 20, 40 … seconds, and an hour at most; the attempts are counted, and a success ends it.
#[test]
fn the_pause_doubles_with_each_failure_up_to_an_hour() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let ids = busy(&pool, 1, 2).await;
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox();
        let mut pauses = Vec::new();
        let long = "no ".repeat(1_000);
        for attempt in 1..=11 {
            let down = async |_| Err::<(), _>(long.clone());
            assert_eq!(
                numbers(&outbox.deliver(ALL, down).await.unwrap()),
                (0, 1, 0)
            );
            pauses.push(count(&pool, PAUSE).await);
            later(&pool, 60 * MINUTE).await;
            let failing = outbox.failing(None, ALL).await.unwrap();
            assert_eq!(
                (failing[0].attempts, failing[0].error.len()),
                (attempt, 500)
            );
        }
        let expected = [10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600];
        let near = |(pause, expected): (&i64, &i64)| (pause - expected).abs() <= 2;
        assert!(pauses.iter().zip(&expected).all(near), "{pauses:?}");
        // The next one begins anew.
        let failed = outbox
            .retry_after(3 * MINUTE)
            .deliver(ALL, async |entry: LogEntry| {
                if entry.version == v(1) {
                    Ok(())
                } else {
                    Err("down")
                }
            });
        assert_eq!(numbers(&failed.await.unwrap()), (1, 1, 0));
        assert!((178..=180).contains(&count(&pool, PAUSE).await));
        let failing = outbox.failing(None, ALL).await.unwrap();
        assert_eq!((failing[0].version, failing[0].attempts), (v(2), 1));
        assert_eq!(failing[0].organization, ids[0]);
    });
}

/// A batch for work of the host's own making.
#[test]
fn a_batch_is_taken_and_settled() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        let id = busy(&pool, 1, 5).await[0];
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox().lease(MINUTE).retry_after(Duration::ZERO);
        let batch = outbox
            .take(NonZeroU32::new(3).unwrap())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(batch.organization(), id);
        assert_eq!(batch.parked(), 0);
        let versions: Vec<_> = batch
            .entries()
            .iter()
            .map(|entry| entry.version.get())
            .collect();
        assert_eq!(versions, [1, 2, 3]);
        assert!(
            outbox.take(ALL).await.unwrap().is_none(),
            "it is somebody else's"
        );
        assert!(outbox.settle(batch, 2, None).await.unwrap());
        let batch = outbox.take(ALL).await.unwrap().unwrap();
        assert_eq!(batch.entries()[0].version, v(3));
        assert!(outbox.settle(batch, 1, Some("later")).await.unwrap());
        assert_eq!(outbox.failing(None, ALL).await.unwrap()[0].error, "later");
        let batch = outbox.take(ALL).await.unwrap().unwrap();
        assert!(outbox.settle(batch, 2, None).await.unwrap());
        assert!(outbox.take(ALL).await.unwrap().is_none());
    });
}

/// Workers and writers at SERIALIZABLE get in each other's way; nothing is lost by it.
#[test]
fn workers_and_writers_at_serializable_lose_nothing() {
    tested(async {
        let database = Database::migrated().await;
        let options = database.options.clone();
        let options = options.options([("default_transaction_isolation", "serializable")]);
        let pool = connect(options, 8).await;
        let writer = runtime().spawn({
            let pool = pool.clone();
            async move { busy(&pool, 2, 15).await }
        });
        let store = PostgresRepository::new(pool.clone());
        let mut seen: BTreeMap<OrganizationId, Vec<u64>> = BTreeMap::new();
        let mut rest = 200;
        while seen.values().map(Vec::len).sum::<usize>() < 30 && rest > 0 {
            for (id, version) in delivered(&store).await {
                seen.entry(id).or_default().push(version);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
            rest -= i32::from(writer.is_finished());
        }
        let expected: Vec<u64> = (1..=15).collect();
        assert_eq!(seen.len(), 2);
        assert!(
            seen.values().all(|versions| *versions == expected),
            "{seen:?}"
        );
        writer.await.unwrap();
    });
}

/// A worker that dies in the middle of its work: its future is dropped, or its closure panics.
#[test]
fn a_worker_that_dies_loses_nothing_and_holds_nothing() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(1).await; // which nobody holds while the host works
        let id = busy(&pool, 1, 1).await[0];
        let store = PostgresRepository::new(pool.clone());
        let (begun, working) = tokio::sync::oneshot::channel();
        let worker = runtime().spawn({
            let store = store.clone();
            let mut begun = Some(begun);
            async move {
                let stuck = store.outbox().deliver(ALL, |_| {
                    begun.take().unwrap().send(()).unwrap();
                    std::future::pending::<Result<(), Infallible>>()
                });
                drop(stuck.await);
            }
        });
        working.await.unwrap();
        assert_eq!(delivered(&store).await, [], "it is somebody else's");
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
        later(&pool, MINUTE).await;
        let panicking = runtime().spawn({
            let store = store.clone();
            async move {
                let panics = async |_| -> Result<(), Infallible> { panic!("as it is meant to") };
                drop(store.outbox().deliver(ALL, panics).await);
            }
        });
        assert!(panicking.await.unwrap_err().is_panic());
        later(&pool, MINUTE).await;
        assert_eq!(delivered(&store).await, [(id, 1)]);
        nothing_open(&pool).await;
    });
}

/// Dropped after 0, 1, 2 … polls: no connection of the pool is left in a transaction, and it still works.
#[test]
fn dropped_deliveries_and_migrations_leave_no_transaction() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        busy(&pool, 1, 1).await;
        let observer = database.pool(1).await;
        let store = PostgresRepository::new(pool.clone());
        for polls in 0..40 {
            let refuse = store
                .outbox()
                .deliver(ALL, async |_| Err::<(), _>("not now"));
            dropped_after(polls, refuse).await;
            dropped_after(polls, tenancy_postgres::migrate(&pool)).await;
            nothing_open(&observer).await;
            store.check_schema().await.unwrap();
            later(&observer, 60 * MINUTE).await;
        }
        assert_eq!(store.outbox().depth().await.unwrap().entries, 1);
    });
}

/// Dropped after 0, 1, 2 … polls where there is no runtime: nothing panics, and the pool still works.
#[test]
fn what_is_dropped_outside_its_runtime_panics_nowhere() {
    let mut made = None;
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        busy(&pool, 1, 1).await;
        made = Some((database, pool));
    });
    let Some((database, pool)) = made else {
        return; // skipped, and said so
    };
    let in_steps = tenancy::Tenancy::new(PostgresRepository::in_steps(pool.clone()));
    let tenancy = tenancy(pool.clone());
    let store = PostgresRepository::new(pool.clone());
    let create = |name: &str| tenancy::commands::CreateOrganization {
        name: name.parse().unwrap(),
    };
    let ann = actor("ann");
    for polls in 0..12 {
        let refuse = store
            .outbox()
            .deliver(ALL, async |_| Err::<(), _>("not now"));
        polled_and_dropped(polls, refuse);
        polled_and_dropped(polls, tenancy.execute(&ann, create("One")));
        polled_and_dropped(polls, in_steps.execute(&ann, create("Two")));
        runtime().block_on(store.check_schema()).unwrap();
    }
    runtime().block_on(async move { drop(database) });
}

/// Polls a future some times in the runtime, and drops it outside.
fn polled_and_dropped(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let poll = runtime().block_on(async {
            let poll = future
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            tokio::time::sleep(Duration::from_micros(500)).await;
            poll.is_ready()
        });
        if poll {
            return;
        }
    }
}

/// How many pages of our tables and their indexes were read so far. On a pool of one connection.
async fn pages(pool: &PgPool) -> i64 {
    pool.execute("SELECT pg_stat_force_next_flush()")
        .await
        .unwrap();
    let pages = "SELECT sum(heap_blks_hit + heap_blks_read + idx_blks_hit + idx_blks_read)::bigint
                 FROM pg_statio_user_tables WHERE schemaname = 'tenancy'";
    count(pool, pages).await
}

/// A mail server that is away for a night: everybody waits. One poll looks at as many pages as ever, with due
/// organizations and without, whether the server has statistics or not.
#[test]
fn a_poll_is_flat_however_many_organizations_wait() {
    tested(async {
        let waiting = |many: u32, due: &str| {
            format!(
                "INSERT INTO tenancy.outbox (organization_id, version, last, due_at, attempts, error)
                 SELECT md5('{due}' || n)::uuid, 1, 3, now() + interval '{due}' - n * interval '1 microsecond', 1, 'down'
                 FROM generate_series(1, {many}) n"
            )
        };
        let mut polls = Vec::new();
        for many in [10, 50_000] {
            let database = Database::migrated().await;
            let pool = database.pool(1).await;
            let store = PostgresRepository::new(pool.clone());
            busy(&pool, 3, 1).await;
            run(&pool, waiting(many, "1 hour")).await;
            let (none, new) = ("SELECT 1", "VACUUM ANALYZE tenancy.outbox");
            for (statistics, due) in [(none, "-1 hour"), (new, "-2 hours")] {
                pool.execute(statistics).await.unwrap();
                // Some are due: three of ours, and then none.
                for _ in 0..7 {
                    let before = pages(&pool).await;
                    let batch = store.outbox().take(ALL).await.unwrap();
                    let read = pages(&pool).await - before;
                    polls.push((many, batch.is_some(), read));
                    if let Some(batch) = batch {
                        store.outbox().settle(batch, 1, None).await.unwrap();
                    }
                }
                // All of the others are due, too.
                run(&pool, waiting(many, due)).await;
            }
            let batch = store.outbox().take(ALL).await.unwrap();
            assert!(batch.is_some());
        }
        let (few, many) = polls.split_at(polls.len() / 2);
        for ((_, found, before), (_, still_found, after)) in few.iter().zip(many) {
            assert_eq!(found, still_found);
            assert!(*after <= before + before / 2 + 10, "{few:?}\n{many:?}"); // the index is a level higher
        }
    });
}

/// Until no connection is in a transaction that nobody works on. One that is being closed takes a moment.
async fn nothing_open(observer: &PgPool) {
    for _ in 0..500 {
        if count(observer, IN_TRANSACTION).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("a connection was left in a transaction");
}

/// Polls a future some times, a little apart, and drops it.
async fn dropped_after(polls: usize, future: impl Future) {
    let mut future = pin!(future);
    for _ in 0..polls {
        let poll = {
            let mut context = Context::from_waker(Waker::noop());
            future.as_mut().poll(&mut context)
        };
        if poll.is_ready() {
            return;
        }
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
}
