//! The outbox's leases, and the entries that are taken out of the order: who lost its lease hands over nothing more,
//! and what can't be read holds up nothing but itself.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::sync::Mutex;

use crate::databases::deliveries::{ALL, MINUTE, busy, delivered, later, numbers, run, v};
use crate::databases::people::{actor, tenancy};
use crate::databases::{Database, tested};
use sqlx::{PgPool, Row as _};
use tenancy::{Author, Event, LogEntry, OrganizationId};
use tenancy_postgres::PostgresRepository;

/// An entry that makes its worker die is counted before anybody reads it.
#[test]
fn an_attempt_is_counted_when_it_is_taken() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(2).await;
        busy(&pool, 1, 1).await;
        let store = PostgresRepository::new(pool.clone());
        for attempt in 1..=3 {
            let batch = store.outbox().take(ALL).await.unwrap().unwrap();
            assert_eq!((batch.attempts(), batch.entries().len()), (attempt, 1));
            drop(batch); // as if the process died
            assert!(store.outbox().take(ALL).await.unwrap().is_none());
            later(&pool, MINUTE).await;
        }
    });
}

/// A worker that is slower than its lease hands over nothing that another one may have had since.
#[test]
fn a_worker_that_lost_its_lease_hands_over_nothing_more() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let id = busy(&pool, 1, 3).await[0];
        let store = PostgresRepository::new(pool.clone());
        let mut slow = Vec::new();
        let others = Mutex::new(Vec::new());
        let delivery = store.outbox().deliver(ALL, |entry: LogEntry| {
            slow.push(entry.version.get());
            let (pool, store, others) = (&pool, &store, &others);
            async move {
                later(pool, 2 * MINUTE).await; // the lease runs out, and another worker comes
                let seen = delivered(store).await;
                others.lock().unwrap().extend(seen);
                Ok::<_, Infallible>(())
            }
        });
        assert_eq!(numbers(&delivery.await.unwrap()), (1, 0, 0));
        assert_eq!(slow, [1]);
        assert_eq!(*others.lock().unwrap(), [(id, 1), (id, 2), (id, 3)]);
    });
}

/// The same for its mark: what it says afterwards changes nothing.
#[test]
fn a_late_workers_mark_changes_nothing() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let id = busy(&pool, 1, 3).await[0];
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox();
        for (delivered, error) in [(3, None), (1, Some("down")), (0, None)] {
            let late = outbox.take(ALL).await.unwrap().unwrap();
            later(&pool, MINUTE).await;
            let batch = outbox.take(ALL).await.unwrap().unwrap();
            let rows = "SELECT o::text FROM tenancy.outbox o";
            let before: String = sqlx::query(rows).fetch_one(&pool).await.unwrap().get(0);
            assert!(!outbox.holds(&late).await.unwrap());
            assert!(outbox.holds(&batch).await.unwrap());
            assert!(!outbox.settle(late, delivered, error).await.unwrap());
            let after: String = sqlx::query(rows).fetch_one(&pool).await.unwrap().get(0);
            assert_eq!(after, before);
            assert!(outbox.settle(batch, 0, None).await.unwrap());
            later(&pool, MINUTE).await;
        }
        // Nobody else came: then it is still its own, however late.
        let batch = outbox.take(ALL).await.unwrap().unwrap();
        later(&pool, MINUTE).await;
        assert!(outbox.settle(batch, 2, None).await.unwrap());
        later(&pool, MINUTE).await;
        assert_eq!(delivered(&store).await, [(id, 3)]);
    });
}

/// Parking takes the organization from a worker whose batch has the entry.
#[test]
fn what_is_parked_under_a_workers_hands_is_not_handed_over() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let id = busy(&pool, 1, 3).await[0];
        let store = PostgresRepository::new(pool.clone());
        let mut seen = Vec::new();
        let delivery = store.outbox().deliver(ALL, |entry: LogEntry| {
            seen.push(entry.version.get());
            let outbox = store.outbox();
            async move { outbox.park(id, v(2), "ann: wait").await.map(drop) }
        });
        assert_eq!(delivery.await.unwrap().delivered, 1);
        assert_eq!(seen, [1]);
        later(&pool, MINUTE).await;
        assert_eq!(delivered(&store).await, [(id, 1), (id, 3)]); // the first was not marked: at least once
    });
}

/// A7: written by a newer version, or by hand, or lost.
#[test]
fn a7_an_entry_that_cannot_be_read_holds_up_nothing() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let ids = busy(&pool, 2, 5).await;
        let (id, other) = (ids[0], ids[1]);
        run(&pool, format!(
            "UPDATE tenancy.commits SET entry = '{{\"v\": 2}}' WHERE organization_id = '{id}' AND version IN (1, 3)"
        )).await;
        // Of another, the error speaks of a character that no text of PostgreSQL's can hold.
        run(&pool, format!(
            "UPDATE tenancy.commits SET entry = '{{\"organization\": \"\\u0000\"}}' WHERE organization_id = '{id}' AND version = 3"
        )).await;
        run(
            &pool,
            format!("DELETE FROM tenancy.commits WHERE organization_id = '{id}' AND version = 5"),
        )
        .await;
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox();
        let mut seen = Vec::new();
        let delivery = outbox.deliver(ALL, |entry: LogEntry| {
            seen.push((entry.organization, entry.version.get()));
            async { Ok::<_, Infallible>(()) }
        });
        assert_eq!(numbers(&delivery.await.unwrap()), (7, 0, 3));
        let of_other = (1..=5).map(|version| (other, version));
        let expected: Vec<_> = [(id, 2), (id, 4)].into_iter().chain(of_other).collect();
        assert_eq!(seen, expected);
        let parked = outbox.parked(None, ALL).await.unwrap();
        let versions: Vec<_> = parked.iter().map(|parked| parked.version.get()).collect();
        assert_eq!(versions, [1, 3, 5]);
        assert!(
            parked
                .iter()
                .all(|parked| parked.organization == id && !parked.skipped && !parked.released)
        );
        assert!(parked[0].why.contains("missing field"), "{}", parked[0].why);
        assert_eq!(parked[2].why, "the log has no entry of this version");
        let after = outbox.parked(Some((id, v(3))), ALL).await.unwrap();
        assert_eq!(after, parked[2..]);
        let depth = outbox.depth().await.unwrap();
        assert_eq!(
            (depth.organizations, depth.parked, depth.skipped),
            (0, 3, 0)
        );

        // Released while it still can't be read, it is parked again; once it can be read, it is delivered by itself.
        assert!(outbox.release(id, v(3)).await.unwrap());
        assert!(outbox.parked(None, ALL).await.unwrap()[1].released);
        assert_eq!(
            numbers(
                &outbox
                    .deliver(ALL, async |_| Ok::<_, Infallible>(()))
                    .await
                    .unwrap()
            ),
            (0, 0, 1)
        );
        assert!(!outbox.parked(None, ALL).await.unwrap()[1].released);
        run(
            &pool,
            format!(
                "UPDATE tenancy.commits c SET entry = (
                 SELECT (d.entry::jsonb || '{{\"version\": 3}}')::json FROM tenancy.commits d
                 WHERE d.organization_id = c.organization_id AND d.version = 2)
             WHERE c.organization_id = '{id}' AND c.version = 3"
            ),
        )
        .await;
        assert!(outbox.release(id, v(3)).await.unwrap());
        assert_eq!(delivered(&store).await, [(id, 3)]);
        let parked = outbox.parked(None, ALL).await.unwrap();
        assert_eq!(parked.len(), 2);
    });
}

/// A7: an author of a kind that only a later version knows. The entry is delivered as it is, and verified.
#[test]
fn a7_an_author_of_a_later_kind_is_delivered_and_verified() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let id = busy(&pool, 1, 2).await[0];
        let author = serde_json::json!({"service": {"name": "billing", "since": 7}});
        run(&pool, format!(
            "UPDATE tenancy.commits SET entry = jsonb_set(entry::jsonb, '{{author}}', '{author}')::json WHERE version = 2"
        )).await;
        let store = PostgresRepository::new(pool.clone());
        store.verify(id).await.unwrap();
        let mut seen = Vec::new();
        let delivery = store.outbox().deliver(ALL, |entry: LogEntry| {
            seen.push(entry);
            async { Ok::<_, Infallible>(()) }
        });
        assert_eq!(numbers(&delivery.await.unwrap()), (2, 0, 0));
        assert!(matches!(seen[1].author, Author::Unknown(_)));
        assert_eq!(serde_json::to_value(&seen[1].author).unwrap(), author);
        assert!(matches!(
            seen[1].events[..],
            [Event::WorkspaceCreated { .. }, ..]
        ));
        // The next commit goes on from there.
        assert_eq!(new_workspace_of(&pool, id).await, 3);
        store.verify(id).await.unwrap();
        assert_eq!(delivered(&store).await, [(id, 3)]);
    });
}

#[test]
fn who_parks_skips_and_releases_decides_what_is_delivered() {
    tested(async {
        let database = Database::migrated().await;
        let pool = database.pool(4).await;
        let id = busy(&pool, 1, 6).await[0];
        let store = PostgresRepository::new(pool.clone());
        let outbox = store.outbox();
        // What fails first is parked, and frees what follows.
        let failed = outbox
            .deliver(ALL, async |_| Err::<(), _>("no such address"))
            .await
            .unwrap();
        assert_eq!(numbers(&failed), (0, 1, 0));
        assert!(outbox.park(id, v(1), "ann: no such address").await.unwrap());
        assert_eq!(outbox.failing(None, ALL).await.unwrap(), []);
        // So is what nobody has come to yet.
        assert!(outbox.skip(id, v(3), "ann: a test").await.unwrap());
        assert!(outbox.park(id, v(4), "ann: later").await.unwrap());
        assert!(outbox.park(id, v(5), "ann: later").await.unwrap());
        assert!(!outbox.park(id, v(7), "there is none").await.unwrap());
        assert!(
            !outbox
                .park(OrganizationId::new(), v(1), "there is none")
                .await
                .unwrap()
        );
        // Released before its turn, it keeps its place.
        assert!(outbox.release(id, v(4)).await.unwrap());
        assert_eq!(delivered(&store).await, [(id, 2), (id, 4), (id, 6)]);
        assert!(!outbox.park(id, v(2), "it is delivered").await.unwrap());
        let depth = outbox.depth().await.unwrap();
        assert_eq!(
            (depth.organizations, depth.parked, depth.skipped),
            (0, 2, 1)
        );
        // Released after it, it comes by itself; if it fails, it is parked again, and holds up nothing.
        assert!(outbox.release(id, v(1)).await.unwrap());
        assert!(outbox.release(id, v(1)).await.unwrap());
        let failed = outbox
            .deliver(ALL, async |_| Err::<(), _>("still none"))
            .await
            .unwrap();
        assert_eq!(failed.failed[0].0.version, v(1));
        assert_eq!(outbox.failing(None, ALL).await.unwrap(), []);
        let parked = outbox.parked(None, ALL).await.unwrap();
        assert_eq!((parked[0].version, parked[0].released), (v(1), false));
        assert_eq!(parked[0].why, "still none");
        assert_eq!(new_workspace_of(&pool, id).await, 7);
        assert_eq!(delivered(&store).await, [(id, 7)]);
        assert!(outbox.release(id, v(1)).await.unwrap());
        assert_eq!(delivered(&store).await, [(id, 1)]);
        // A parked one may be skipped; what is skipped stays so, on the record.
        assert!(outbox.skip(id, v(5), "bob: gave up").await.unwrap());
        assert!(!outbox.skip(id, v(5), "carol: again").await.unwrap());
        assert!(!outbox.park(id, v(3), "carol: after all").await.unwrap());
        assert!(!outbox.release(id, v(5)).await.unwrap());
        assert!(!outbox.release(id, v(1)).await.unwrap());
        assert_eq!(delivered(&store).await, []);
        let parked = outbox.parked(None, ALL).await.unwrap();
        let said: Vec<_> = parked
            .iter()
            .map(|parked| (parked.version.get(), parked.skipped, parked.why.as_str()))
            .collect();
        assert_eq!(said, [(3, true, "ann: a test"), (5, true, "bob: gave up")]);
    });
}

/// One more commit; says which version it made.
async fn new_workspace_of(pool: &PgPool, id: OrganizationId) -> u64 {
    let command = tenancy::commands::CreateWorkspace {
        organization: id,
        name: crate::databases::people::name("One more"),
    };
    let done = tenancy(pool.clone()).execute(&actor("ann"), command).await;
    done.unwrap().token.version.get()
}
