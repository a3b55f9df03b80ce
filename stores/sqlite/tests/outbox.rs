//! The outbox: at least once, in order, several workers.
#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

mod world;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use tenancy::{commands::*, store::*, *};
use world::*;

#[test]
fn everything_is_delivered_once_and_in_order() {
    for options in [quick(), threaded()] {
        let place = Place::new(options);
        let tenancy = place.tenancy();
        let (one, two) = (acme(&tenancy), acme(&tenancy));
        domain(&tenancy, one, "acme-one");
        domain(&tenancy, two, "acme-two");
        let store = tenancy.repository();
        let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
        loop {
            let delivery = block_on(store.outbox().deliver(limit(3), |entry| {
                seen.entry(entry.organization)
                    .or_default()
                    .push(entry.version.get());
                Ok::<_, std::convert::Infallible>(())
            }));
            let delivery = delivery.unwrap();
            assert!(delivery.delivered <= 3 && delivery.failed.is_empty());
            if delivery.delivered == 0 {
                break;
            }
        }
        assert_eq!(seen.len(), 2);
        assert!(
            seen.values().all(|versions| versions == &[1, 2]),
            "{seen:?}"
        );
        // What comes later is delivered later.
        domain(&tenancy, two, "acme-more");
        let batch = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
        assert_eq!(batch.organization(), two.organization);
        assert_eq!(batch.entries().len(), 1);
        block_on(store.outbox().settle(batch, 1)).unwrap();
        assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    }
}

#[test]
fn a_failure_holds_up_its_organization_and_no_other() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let (bad, good) = (acme(&tenancy), acme(&tenancy));
    domain(&tenancy, bad, "acme-bad");
    domain(&tenancy, good, "acme-good");
    let store = tenancy.repository();
    let mut attempts = Vec::new();
    let mut refuse = |entry: &LogEntry| {
        attempts.push((entry.organization, entry.version.get()));
        if entry.organization == bad.organization {
            return Err("the mail server is down");
        }
        Ok(())
    };
    let delivery = block_on(store.outbox().deliver(limit(100), &mut refuse)).unwrap();
    assert_eq!(delivery.delivered, 2);
    let [(entry, "the mail server is down")] = &delivery.failed[..] else {
        panic!("{delivery:?}");
    };
    assert_eq!(
        (entry.organization, entry.version),
        (bad.organization, Version::new(1))
    );
    // Not at once again ...
    let delivery = block_on(store.outbox().deliver(limit(100), &mut refuse)).unwrap();
    assert_eq!((delivery.delivered, delivery.failed.len()), (0, 0));
    assert_eq!(attempts.len(), 3);
    // ... but when its time has come, from where it failed.
    let due = "UPDATE tenancy_outbox SET due = 0";
    place.stranger().execute_batch(due).unwrap();
    let mut versions = Vec::new();
    let delivery = block_on(store.outbox().deliver(limit(100), |entry| {
        versions.push(entry.version.get());
        Ok::<_, ()>(())
    }));
    assert_eq!(delivery.unwrap().delivered, 2);
    assert_eq!(versions, [1, 2]);
}

#[test]
fn a_worker_that_dies_loses_nothing() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    let store = tenancy.repository();
    let lost = block_on(store.outbox().lease(Duration::ZERO).take(limit(1)))
        .unwrap()
        .unwrap();
    assert_eq!(lost.entries()[0].version, Version::new(1));
    drop(lost);
    let again = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
    assert_eq!(again.entries().len(), 2);
    // One that comes back late: what it did counts, but it takes nothing away from the other.
    assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    block_on(store.outbox().settle(again, 0)).unwrap();
    place
        .stranger()
        .execute_batch("UPDATE tenancy_outbox SET due = 0")
        .unwrap();
    let late = block_on(store.outbox().lease(Duration::ZERO).take(limit(1)))
        .unwrap()
        .unwrap();
    let other = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
    block_on(store.outbox().settle(late, 1)).unwrap();
    assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    block_on(store.outbox().settle(other, 2)).unwrap();
    assert_eq!(rows(&place), 0);
}

/// A worker whose lease is over leaves the rest to whoever has it now.
#[test]
fn a_slow_worker_stops_when_its_lease_is_over() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    let store = tenancy.repository();
    let mut seen = Vec::new();
    let outbox = store.outbox().lease(Duration::ZERO);
    let slow = outbox.deliver(limit(1), |entry| {
        seen.push(entry.version.get());
        Ok::<_, ()>(())
    });
    assert_eq!(block_on(slow).unwrap().delivered, 1);
    let batch = block_on(store.outbox().lease(Duration::ZERO).take(limit(9))).unwrap();
    assert!(batch.unwrap().is_over());
    let batch = block_on(store.outbox().take(limit(9))).unwrap().unwrap();
    assert!(!batch.is_over());
    assert_eq!(
        (seen, batch.entries()[0].version),
        (vec![1], Version::new(2))
    );
}

fn rows(place: &Place) -> i64 {
    place
        .stranger()
        .query_row("SELECT count(*) FROM tenancy_outbox", (), |row| row.get(0))
        .unwrap()
}

#[test]
fn a_commit_during_delivery_is_delivered_next() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let store = tenancy.repository();
    // The closure commits: no lock is held while it runs.
    let mut first = true;
    let mut versions = Vec::new();
    let delivery = block_on(store.outbox().deliver(limit(10), |entry| {
        versions.push(entry.version.get());
        if std::mem::take(&mut first) {
            domain(&tenancy, acme, "acme-api");
        }
        Ok::<_, ()>(())
    }));
    assert_eq!(delivery.unwrap().delivered, 2);
    assert_eq!(versions, [1, 2]);
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    acme(&tenancy);
    let far = "UPDATE tenancy_outbox SET due = 9000000000000000000, worker = x'00'";
    place.stranger().execute_batch(far).unwrap();
    let store = tenancy.repository();
    assert!(block_on(store.outbox().take(limit(1))).unwrap().is_some());
}

#[test]
fn several_workers_keep_the_order() {
    let place = Place::new(quick());
    let tenancy = place.tenancy();
    let organizations: Vec<_> = (0..5).map(|_| acme(&tenancy)).collect();
    let seen: Mutex<BTreeMap<OrganizationId, Vec<u64>>> = Mutex::default();
    let done = Mutex::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (store, seen, done) = (place.open(), &seen, &done);
            scope.spawn(move || {
                loop {
                    let last_round = *done.lock().unwrap();
                    let delivery = block_on(store.outbox().deliver(limit(4), |entry| {
                        let mut seen = seen.lock().unwrap();
                        seen.entry(entry.organization)
                            .or_default()
                            .push(entry.version.get());
                        Ok::<_, ()>(())
                    }));
                    if delivery.unwrap().delivered == 0 && last_round {
                        break;
                    }
                }
            });
        }
        for turn in 0..10 {
            for organization in &organizations {
                let create = CreateWorkspace {
                    organization: organization.organization,
                    name: name(&format!("{turn}")),
                };
                block_on(tenancy.execute(&actor("ann"), create)).unwrap();
            }
        }
        *done.lock().unwrap() = true;
    });
    // A worker may leave while another one still has the rest.
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 5);
    let all: Vec<u64> = (1..=11).collect();
    assert!(seen.values().all(|versions| *versions == all), "{seen:?}");
    assert_eq!(rows(&place), 0);
}
