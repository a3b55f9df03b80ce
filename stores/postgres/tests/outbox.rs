//! The outbox: at least once, in order per organization, several workers; and what dropped futures leave.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod databases;
mod support;

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use databases::people::{acme, actor, new_workspace, tenancy};
use databases::{Database, runtime, tested};
use sqlx::{Executor as _, PgPool, Row as _};
use tenancy::{LogEntry, OrganizationId};
use tenancy_postgres::{DeliveryError, Drained, Outbox, PostgresRepository};

/// Some organizations with some commits each, one after the other.
async fn busy(pool: &PgPool, organizations: usize, commits: usize) -> Vec<OrganizationId> {
    let tenancy = tenancy(pool.clone());
    let mut ids = Vec::new();
    for _ in 0..organizations {
        let acme = acme(&tenancy).await;
        for number in 1..commits {
            let command = new_workspace(acme, &format!("W{number}"));
            tenancy.execute(&actor("ann"), command).await.unwrap();
        }
        ids.push(acme.organization);
    }
    ids
}

async fn count(pool: &PgPool, question: &'static str) -> i64 {
    sqlx::query(question).fetch_one(pool).await.unwrap().get(0)
}

const IN_TRANSACTION: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND state LIKE 'idle in transaction%'";

#[test]
fn everything_is_delivered_once_and_in_order() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let ids = busy(&pool, 3, 4).await;
        let outbox = Outbox::new(pool.clone());
        assert_eq!(outbox.waiting().await.unwrap(), 12);
        let mut seen: BTreeMap<OrganizationId, Vec<u64>> = BTreeMap::new();
        let drained = outbox.drain(|entry: LogEntry| {
            seen.entry(entry.organization)
                .or_default()
                .push(entry.version.get());
            async { Ok::<_, Infallible>(()) }
        });
        let expected = Drained {
            delivered: 12,
            failed: 0,
        };
        assert_eq!(drained.await.unwrap(), expected);
        assert_eq!(
            seen.keys().copied().collect::<BTreeSet<_>>(),
            ids.into_iter().collect()
        );
        assert!(
            seen.values().all(|versions| versions == &[1, 2, 3, 4]),
            "{seen:?}"
        );
        assert_eq!(outbox.waiting().await.unwrap(), 0);
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
        let under_way: Arc<Mutex<BTreeSet<OrganizationId>>> = Arc::default();
        let seen: Arc<Mutex<BTreeMap<OrganizationId, Vec<u64>>>> = Arc::default();
        let together = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        let mut writers = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let pool = pool.clone();
            writers.spawn(async move { busy(&pool, 1, COMMITS).await });
        }
        let mut workers = tokio::task::JoinSet::new();
        for _ in 0..6 {
            let outbox = Outbox::new(pool.clone());
            let (under_way, seen) = (Arc::clone(&under_way), Arc::clone(&seen));
            let (together, most) = (Arc::clone(&together), Arc::clone(&most));
            workers.spawn(async move {
                while seen.lock().unwrap().values().map(Vec::len).sum::<usize>() < 4 * COMMITS {
                    let delivered = outbox.deliver(async |entry: LogEntry| {
                        assert!(
                            under_way.lock().unwrap().insert(entry.organization),
                            "two at once"
                        );
                        most.fetch_max(
                            together.fetch_add(1, Ordering::SeqCst) + 1,
                            Ordering::SeqCst,
                        );
                        tokio::time::sleep(Duration::from_millis(3)).await;
                        together.fetch_sub(1, Ordering::SeqCst);
                        let mut seen = seen.lock().unwrap();
                        seen.entry(entry.organization)
                            .or_default()
                            .push(entry.version.get());
                        under_way.lock().unwrap().remove(&entry.organization);
                        Ok::<_, Infallible>(())
                    });
                    if delivered.await.unwrap().is_none() {
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
        let ids = busy(&pool, 2, 2).await;
        let (bad, good) = (ids[0], ids[1]);
        let outbox = Outbox::new(pool.clone());
        let mut attempts = Vec::new();
        let mut handler = |entry: LogEntry| {
            attempts.push((entry.organization, entry.version.get()));
            async move {
                if entry.organization == bad {
                    return Err("the mail server is down");
                }
                Ok(())
            }
        };
        let drained = outbox.drain(&mut handler).await.unwrap();
        assert_eq!(
            drained,
            Drained {
                delivered: 2,
                failed: 1
            }
        );
        // Not at once again.
        assert_eq!(
            outbox.drain(&mut handler).await.unwrap(),
            Drained::default()
        );
        assert_eq!(attempts.iter().filter(|(id, _)| *id == bad).count(), 1);
        assert_eq!(attempts.iter().filter(|(id, _)| *id == good).count(), 2);
        // When its time has come, from where it failed; and then after twice the time.
        let seconds = "SELECT round(extract(epoch FROM max(due_at) - clock_timestamp()))::bigint
                       FROM tenancy.outbox WHERE attempts > 0";
        assert!((0..=1).contains(&count(&pool, seconds).await));
        pool.execute("UPDATE tenancy.outbox SET due_at = '-infinity'")
            .await
            .unwrap();
        let again = outbox.deliver(async |_| Err::<(), _>("still down")).await;
        assert!(matches!(again, Err(DeliveryError::Handler("still down"))));
        assert_eq!(count(&pool, seconds).await, 2);
        pool.execute("UPDATE tenancy.outbox SET due_at = '-infinity'")
            .await
            .unwrap();
        let mut versions = Vec::new();
        let drained = outbox.drain(|entry: LogEntry| {
            versions.push(entry.version.get());
            async { Ok::<_, Infallible>(()) }
        });
        assert_eq!(drained.await.unwrap().delivered, 2);
        assert_eq!(versions, [1, 2]);
    });
}

/// Ten years of failures, and the wait is still an hour.
#[test]
fn the_wait_after_a_failure_ends_at_an_hour() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        busy(&pool, 1, 1).await;
        pool.execute("UPDATE tenancy.outbox SET attempts = 100000")
            .await
            .unwrap();
        let outbox = Outbox::new(pool.clone());
        let failed = outbox.deliver(async |_| Err::<(), _>("down")).await;
        assert!(failed.is_err());
        let minutes = "SELECT round(extract(epoch FROM due_at - clock_timestamp()) / 60)::bigint
                       FROM tenancy.outbox";
        assert_eq!(count(&pool, minutes).await, 60);
    });
}

/// A worker that dies in the middle of its work: its future is dropped, or its closure panics.
#[test]
fn a_worker_that_dies_loses_nothing_and_leaves_no_transaction() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        busy(&pool, 1, 1).await;
        let outbox = Outbox::new(pool.clone());
        let (begun, working) = tokio::sync::oneshot::channel();
        let worker = runtime().spawn({
            let outbox = outbox.clone();
            async move {
                let stuck = outbox.deliver(async |_| {
                    begun.send(()).unwrap();
                    std::future::pending::<Result<(), Infallible>>().await
                });
                stuck.await.unwrap();
            }
        });
        working.await.unwrap();
        let nothing = outbox.deliver(async |_| Ok::<_, Infallible>(())).await;
        assert_eq!(nothing.unwrap(), None, "it is somebody else's");
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());
        let panicking = runtime().spawn({
            let outbox = outbox.clone();
            async move {
                while outbox
                    .deliver(async |_| -> Result<(), Infallible> { panic!("as it is meant to") })
                    .await
                    .unwrap()
                    .is_none()
                {
                    tokio::time::sleep(Duration::from_millis(1)).await; // the lock of the dropped one
                }
            }
        });
        assert!(panicking.await.unwrap_err().is_panic());
        let mut delivered = None;
        for _ in 0..1000 {
            delivered = outbox
                .deliver(async |_| Ok::<_, Infallible>(()))
                .await
                .unwrap();
            if delivered.is_some() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(delivered.unwrap().version.get(), 1);
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
        let outbox = Outbox::new(pool.clone());
        let store = PostgresRepository::new(pool.clone());
        for polls in 0..40 {
            let refuse = outbox.deliver(async |_| Err::<(), _>("not now"));
            dropped_after(polls, refuse).await;
            dropped_after(polls, tenancy_postgres::migrate(&pool)).await;
            nothing_open(&observer).await;
            store.check_schema().await.unwrap();
        }
        assert_eq!(outbox.waiting().await.unwrap(), 1);
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
