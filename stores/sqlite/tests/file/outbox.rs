//! The outbox: at least once, in order, several workers.
#![expect(
    clippy::unwrap_used,
    reason = "tests say what they expect by panicking"
)]

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Mutex;
use std::time::Duration;

use crate::world::*;
use tenancy::{commands::*, *};
use tenancy_sqlite::Depth;

#[test]
fn everything_is_delivered_once_and_in_order() {
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
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
                Ok::<_, Infallible>(())
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
        assert!(block_on(store.outbox().settle(batch, 1, None)).unwrap());
        assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    }
}

#[test]
fn a_failure_holds_up_its_organization_and_no_other() {
    let place = Disk::new(quick());
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
        Ok::<_, Infallible>(())
    }));
    assert_eq!(delivery.unwrap().delivered, 2);
    assert_eq!(versions, [1, 2]);
}

/// What a worker tells that delivered everything.
fn deliver_all(place: &Disk) -> Vec<(OrganizationId, u64)> {
    let mut seen = Vec::new();
    let store = place.open();
    let delivery = block_on(store.outbox().deliver(limit(1000), |entry| {
        seen.push((entry.organization, entry.version.get()));
        Ok::<_, Infallible>(())
    }));
    assert_eq!(delivery.unwrap().delivered as usize, seen.len());
    seen
}

fn now() -> chrono::DateTime<chrono::Utc> {
    std::time::SystemTime::now().into()
}

fn due_now(place: &Disk) {
    let due = "UPDATE tenancy_outbox SET due = 0";
    place.stranger().execute_batch(due).unwrap();
}

#[test]
fn a_worker_that_dies_loses_nothing() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    let store = tenancy.repository();
    let lost = block_on(store.outbox().lease(Duration::ZERO).take(limit(1)));
    let lost = lost.unwrap().unwrap();
    assert_eq!(
        (lost.entries()[0].version, lost.attempts()),
        (Version::new(1), 1)
    );
    drop(lost);
    let again = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
    // That it was handed out is counted, whatever became of who had it.
    assert_eq!((again.entries().len(), again.attempts()), (2, 2));
    assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    // Given back untried, it comes again later.
    assert!(block_on(store.outbox().settle(again, 0, None)).unwrap());
    assert!(block_on(store.outbox().take(limit(10))).unwrap().is_none());
    due_now(&place);
    let again = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
    assert_eq!(again.attempts(), 2);
    // What comes after something that was delivered begins anew.
    assert!(block_on(store.outbox().settle(again, 1, None)).unwrap());
    due_now(&place);
    let rest = block_on(store.outbox().take(limit(10))).unwrap().unwrap();
    assert_eq!(
        (rest.entries()[0].version, rest.attempts()),
        (Version::new(2), 1)
    );
}

/// What a late worker says changes nothing: neither what it delivered, nor why it failed.
#[test]
fn a_late_workers_mark_changes_nothing() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    let store = tenancy.repository();
    let outbox = store.outbox();
    for (delivered, error) in [(2, None), (1, Some("too late")), (1, None), (0, None)] {
        let expires = store.outbox().lease(Duration::ZERO);
        let late = block_on(expires.take(limit(9))).unwrap().unwrap();
        let other = block_on(outbox.take(limit(9))).unwrap().unwrap();
        assert!(!block_on(outbox.holds(&late)).unwrap());
        assert!(block_on(outbox.holds(&other)).unwrap());
        let before = row(&place);
        assert!(!block_on(outbox.settle(late, delivered, error)).unwrap());
        assert_eq!(row(&place), before);
        assert!(block_on(outbox.holds(&other)).unwrap());
        assert!(block_on(outbox.take(limit(9))).unwrap().is_none());
        assert!(block_on(outbox.settle(other, 0, None)).unwrap());
        due_now(&place);
    }
    // Nobody else came: then it is still its own, however late.
    let expires = store.outbox().lease(Duration::ZERO);
    let late = block_on(expires.take(limit(9))).unwrap().unwrap();
    assert!(!block_on(outbox.holds(&late)).unwrap());
    assert!(block_on(outbox.settle(late, 1, None)).unwrap());
    due_now(&place);
    assert_eq!(deliver_all(&place), [(acme.organization, 2)]);
    assert_eq!(rows(&place), 0);
}

/// Nor does it when the other one has delivered everything, and the organization waits for nothing any more.
#[test]
fn a_late_workers_mark_comes_after_everything() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let store = tenancy.repository();
    let outbox = store.outbox();
    let expires = store.outbox().lease(Duration::ZERO);
    let late = block_on(expires.take(limit(9))).unwrap().unwrap();
    assert_eq!(deliver_all(&place), [(acme.organization, 1)]);
    assert_eq!(rows(&place), 0);
    assert!(!block_on(outbox.settle(late, 0, Some("down"))).unwrap());
    assert_eq!(rows(&place), 0);
    domain(&tenancy, acme, "acme-api");
    assert_eq!(deliver_all(&place), [(acme.organization, 2)]);
}

/// A released entry that a late worker had: its mark neither takes it off the record nor gives it another reason.
#[test]
fn a_late_workers_mark_leaves_a_released_entry_parked() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    let id = acme.organization;
    let store = tenancy.repository();
    let outbox = store.outbox();
    for (delivered, error) in [(1, None), (0, Some("down"))] {
        assert!(
            block_on(outbox.park(id, Version::new(1), "ann: wait")).unwrap() || error.is_some()
        );
        assert!(block_on(outbox.release(id, Version::new(1))).unwrap());
        let expires = store.outbox().lease(Duration::ZERO);
        let late = block_on(expires.take(limit(9))).unwrap().unwrap();
        assert_eq!(late.entries().len(), 1);
        domain(&tenancy, acme, &format!("acme-{delivered}"));
        let other = block_on(outbox.take(limit(9))).unwrap().unwrap();
        let parked = block_on(outbox.parked(None, limit(9))).unwrap();
        assert!(!block_on(outbox.settle(late, delivered, error)).unwrap());
        assert_eq!(block_on(outbox.parked(None, limit(9))).unwrap(), parked);
        assert!(block_on(outbox.settle(other, 1, None)).unwrap());
    }
}

/// The only organization's row.
fn row(place: &Disk) -> String {
    let all = "SELECT json_array(first, due, hex(worker), attempts, error) FROM tenancy_outbox";
    let row = place.stranger().query_row(all, [], |row| row.get(0));
    row.unwrap()
}

/// A worker whose lease is over leaves the rest to whoever has it now. The clock that gave the lease says so,
/// also where that one steps.
#[test]
fn a_slow_worker_stops_when_its_lease_is_over() {
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        domain(&tenancy, acme, "acme-api");
        let store = tenancy.repository();
        let mut seen = Vec::new();
        let outbox = store.outbox();
        let slow = outbox.deliver(limit(2), |entry| {
            seen.push(entry.version.get());
            // Meanwhile the clock steps forward by a day.
            let step = "UPDATE tenancy_outbox SET due = due - 24 * 60 * 60 * 1000";
            place.stranger().execute_batch(step).unwrap();
            Ok::<_, Infallible>(())
        });
        assert_eq!(block_on(slow).unwrap().delivered, 1);
        assert_eq!(seen, [1]);
    }
}

#[test]
fn a_slow_worker_hands_over_nothing_after_another_one_began() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    domain(&tenancy, acme, "acme-more");
    let (store, faster) = (tenancy.repository(), place.open());
    let (mut seen, mut others) = (Vec::new(), None);
    let outbox = store.outbox();
    let slow = outbox.deliver(limit(3), |entry| {
        seen.push(entry.version.get());
        due_now(&place); // the lease is over, by the clock of the other one
        others = block_on(faster.outbox().take(limit(2))).unwrap();
        Ok::<_, Infallible>(())
    });
    assert_eq!(block_on(slow).unwrap().delivered, 1);
    let others = others.unwrap();
    assert_eq!((seen, others.entries().len()), (vec![1], 2));
    assert!(block_on(faster.outbox().holds(&others)).unwrap());
    assert!(block_on(faster.outbox().settle(others, 2, None)).unwrap());
    assert_eq!(deliver_all(&place), [(acme.organization, 3)]);
}

/// The times until it is due again, of the only entry that fails.
#[test]
fn an_entry_that_fails_waits_twice_as_long_each_time() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-api");
    let store = tenancy.repository();
    let outbox = store.outbox().retry_after(Duration::from_secs(1000));
    let long = "ü".repeat(600);
    for (attempts, pause) in [(1, 1000), (2, 2000), (3, 3600), (4, 3600)] {
        due_now(&place);
        let before = now();
        let delivery = block_on(outbox.deliver(limit(9), |_| Err::<(), _>(&long))).unwrap();
        let after = now();
        assert_eq!((delivery.delivered, delivery.failed.len()), (0, 1));
        let failing = block_on(outbox.failing(None, limit(9))).unwrap();
        let [failing] = &failing[..] else {
            panic!("{failing:?}");
        };
        assert_eq!(
            (failing.organization, failing.version, failing.attempts),
            (acme.organization, Version::new(1), attempts)
        );
        assert_eq!(failing.error, "ü".repeat(500));
        let pause = Duration::from_secs(pause);
        let a_little = Duration::from_millis(2);
        assert!((before + pause - a_little..=after + pause).contains(&failing.due));
    }
    let depth = block_on(outbox.depth()).unwrap();
    assert_eq!(
        (depth.organizations, depth.entries, depth.failing),
        (1, 2, 1)
    );
    assert!(depth.oldest_due > Some(now()));
    // Progress is a new beginning.
    due_now(&place);
    let delivery = block_on(outbox.deliver(limit(9), |entry| match entry.version.get() {
        1 => Ok(()),
        _ => Err("the next"),
    }));
    assert_eq!(delivery.unwrap().delivered, 1);
    let failing = block_on(outbox.failing(None, limit(9))).unwrap();
    assert_eq!(
        (failing[0].version, failing[0].attempts, &*failing[0].error),
        (Version::new(2), 1, "the next")
    );
    due_now(&place);
    assert_eq!(deliver_all(&place), [(acme.organization, 2)]);
    assert_eq!(block_on(outbox.failing(None, limit(9))).unwrap(), []);
    assert_eq!(block_on(outbox.depth()).unwrap(), Depth::default());
}

/// A7: an author of a kind that only a later version knows. The entry is delivered as it is, and verified.
#[test]
fn a7_an_author_of_a_later_kind_is_delivered_and_verified() {
    let author = serde_json::json!({"service": {"name": "billing", "since": 7}});
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        domain(&tenancy, acme, "acme-api");
        let rewrite = "UPDATE tenancy_commits SET entry = json_set(entry, '$.author', json(?1)) WHERE version = 2";
        let rows = place.stranger().execute(rewrite, [author.to_string()]);
        assert_eq!(rows.unwrap(), 1);
        let store = tenancy.repository();
        block_on(store.verify(acme.organization)).unwrap();
        let mut seen = Vec::new();
        let delivery = block_on(store.outbox().deliver(limit(9), |entry| {
            seen.push(entry.clone());
            Ok::<_, Infallible>(())
        }));
        let delivery = delivery.unwrap();
        assert_eq!((delivery.delivered, delivery.parked), (2, 0));
        assert!(matches!(seen[1].author, Author::Unknown(_)));
        assert_eq!(serde_json::to_value(&seen[1].author).unwrap(), author);
        assert!(matches!(seen[1].events[..], [Event::DomainCreated { .. }]));
        assert_eq!(seen[1].command, "create_domain");
        // The next commit goes on from there.
        domain(&tenancy, acme, "acme-more");
        block_on(store.verify(acme.organization)).unwrap();
        assert_eq!(deliver_all(&place), [(acme.organization, 3)]);
    }
}

#[test]
fn an_entry_that_cannot_be_read_holds_up_nothing_but_itself() {
    for options in [quick(), threaded()] {
        let place = Disk::new(options);
        let tenancy = place.tenancy();
        let (bad, good) = (acme(&tenancy), acme(&tenancy));
        for called in ["acme-one", "acme-two", "acme-three"] {
            domain(&tenancy, bad, called);
        }
        domain(&tenancy, good, "acme-good");
        let (one, other) = (bad.organization, good.organization);
        let id = one.as_uuid().into_bytes();
        let break_it = "UPDATE tenancy_commits SET entry = '{\"v\": 9 \"' || entry \
            WHERE organization_id = ?1 AND version IN (2, 4)";
        assert_eq!(place.stranger().execute(break_it, [id]).unwrap(), 2);

        let store = tenancy.repository();
        let outbox = store.outbox();
        let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let delivery = block_on(outbox.deliver(limit(100), |entry| {
            let versions = seen.entry(entry.organization).or_default();
            versions.push(entry.version.get());
            Ok::<_, Infallible>(())
        }));
        let delivery = delivery.unwrap();
        assert_eq!((delivery.delivered, delivery.parked), (4, 2));
        assert_eq!(
            seen,
            BTreeMap::from([(one, vec![1, 3]), (other, vec![1, 2])])
        );
        assert_eq!(rows(&place), 0);

        // It is counted and shown, with the reason.
        let depth = block_on(outbox.depth()).unwrap();
        assert_eq!((depth.parked, depth.organizations), (2, 0));
        let parked = block_on(outbox.parked(None, limit(9))).unwrap();
        let versions: Vec<_> = parked.iter().map(|entry| entry.version.get()).collect();
        assert_eq!(versions, [2, 4]);
        let why = format!("a row of `tenancy_commits`: {one}, 2 has an unreadable `entry`: ");
        assert!(parked[0].why.starts_with(&why), "{}", parked[0].why);
        assert!(!parked[0].skipped && !parked[0].released);
        let after = Some((one, Version::new(2)));
        assert_eq!(
            block_on(outbox.parked(after, limit(9))).unwrap(),
            parked[1..]
        );

        // What comes later is delivered, and so is what was repaired, by itself.
        domain(&tenancy, bad, "acme-four");
        let repair = "UPDATE tenancy_commits SET entry = substr(entry, 10) WHERE version = 2 \
            AND organization_id = ?1";
        assert_eq!(place.stranger().execute(repair, [id]).unwrap(), 1);
        assert!(block_on(outbox.release(one, Version::new(2))).unwrap());
        assert!(!block_on(outbox.release(one, Version::new(2))).unwrap());
        let parked = block_on(outbox.parked(None, limit(1))).unwrap();
        assert!(parked[0].released && !parked[0].skipped);
        assert_eq!(deliver_all(&place), [(one, 2), (one, 5)]);
        assert_eq!(rows(&place), 0);

        // What still can't be read stays parked, however often it is released.
        assert!(block_on(outbox.release(one, Version::new(4))).unwrap());
        assert_eq!(deliver_all(&place), []);
        let parked = block_on(outbox.parked(None, limit(9))).unwrap();
        assert_eq!(parked.len(), 1);
        assert!(!parked[0].released);
        assert_eq!(rows(&place), 0);
    }
}

#[test]
fn what_holds_up_too_long_can_be_parked_and_released() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-one");
    domain(&tenancy, acme, "acme-two");
    let organization = acme.organization;
    let store = tenancy.repository();
    let outbox = store.outbox();
    let two = Version::new(2);
    let refuse = |entry: &LogEntry| match entry.version.get() {
        2 => Err("no such mailbox"),
        _ => Ok(()),
    };
    let delivery = block_on(outbox.deliver(limit(9), refuse)).unwrap();
    assert_eq!((delivery.delivered, delivery.failed.len()), (1, 1));
    // The rest goes on, at once.
    assert!(block_on(outbox.park(organization, two, "ops: after the fair")).unwrap());
    let failing = block_on(outbox.failing(None, limit(9))).unwrap();
    assert_eq!(failing, []);
    assert_eq!(deliver_all(&place), [(organization, 3)]);
    let parked = block_on(outbox.parked(None, limit(9))).unwrap();
    assert_eq!(
        (parked[0].version, &*parked[0].why),
        (two, "ops: after the fair")
    );
    // Released, it comes by itself; and if it fails again, it is parked again, and holds up nothing.
    domain(&tenancy, acme, "acme-three");
    assert!(block_on(outbox.release(organization, two)).unwrap());
    let batch = block_on(outbox.take(limit(9))).unwrap().unwrap();
    assert_eq!(
        (batch.entries().len(), batch.entries()[0].version),
        (1, two)
    );
    assert!(block_on(outbox.settle(batch, 0, Some("still none"))).unwrap());
    let parked = block_on(outbox.parked(None, limit(9))).unwrap();
    assert_eq!((&*parked[0].why, parked[0].released), ("still none", false));
    assert_eq!(deliver_all(&place), [(organization, 4)]);
    // A worker that dies with it leaves it parked: it may be what kills workers.
    assert!(block_on(outbox.release(organization, two)).unwrap());
    drop(block_on(outbox.take(limit(9))).unwrap().unwrap());
    due_now(&place);
    assert_eq!(deliver_all(&place), []);
    assert_eq!(block_on(outbox.parked(None, limit(9))).unwrap().len(), 1);
    assert!(block_on(outbox.release(organization, two)).unwrap());
    assert_eq!(deliver_all(&place), [(organization, 2)]);
    assert_eq!(block_on(outbox.parked(None, limit(9))).unwrap(), []);
    assert_eq!(rows(&place), 0);
}

#[test]
fn what_is_parked_before_its_turn_and_released_keeps_the_order() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-one");
    let organization = acme.organization;
    let store = tenancy.repository();
    let outbox = store.outbox();
    assert!(block_on(outbox.park(organization, Version::new(1), "wait")).unwrap());
    assert!(block_on(outbox.release(organization, Version::new(1))).unwrap());
    assert_eq!(deliver_all(&place), [(organization, 1), (organization, 2)]);
}

#[test]
fn what_is_skipped_is_never_handed_out_and_stays_on_the_record() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-one");
    domain(&tenancy, acme, "acme-two");
    let organization = acme.organization;
    let store = tenancy.repository();
    let outbox = store.outbox();
    let [one, two, three] = [1, 2, 3].map(Version::new);
    assert!(block_on(outbox.skip(organization, two, "ops: sent by hand")).unwrap());
    assert!(block_on(outbox.park(organization, three, "later")).unwrap());
    assert!(block_on(outbox.skip(organization, three, "ops: never mind")).unwrap());
    assert_eq!(deliver_all(&place), [(organization, 1)]);
    assert_eq!(rows(&place), 0);
    // What was delivered, was skipped or doesn't exist can be neither parked, skipped nor released.
    for version in [one, two, three, Version::new(4), Version::ABSENT] {
        assert!(!block_on(outbox.park(organization, version, "")).unwrap());
        assert!(!block_on(outbox.skip(organization, version, "")).unwrap());
        assert!(!block_on(outbox.release(organization, version)).unwrap());
    }
    let parked = block_on(outbox.parked(None, limit(9))).unwrap();
    let said = parked.iter().map(|entry| (&*entry.why, entry.skipped));
    assert_eq!(
        said.collect::<Vec<_>>(),
        [("ops: sent by hand", true), ("ops: never mind", true)]
    );
    let depth = block_on(outbox.depth()).unwrap();
    assert_eq!((depth.parked, depth.skipped), (0, 2));
}

fn rows(place: &Disk) -> i64 {
    place
        .stranger()
        .query_row("SELECT count(*) FROM tenancy_outbox", (), |row| row.get(0))
        .unwrap()
}

#[test]
fn a_commit_during_delivery_is_delivered_next() {
    let place = Disk::new(quick());
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
        Ok::<_, Infallible>(())
    }));
    assert_eq!(delivery.unwrap().delivered, 2);
    assert_eq!(versions, [1, 2]);
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    acme(&tenancy);
    let far = "UPDATE tenancy_outbox SET due = 9000000000000000000, worker = x'00'";
    place.stranger().execute_batch(far).unwrap();
    let store = tenancy.repository();
    assert!(block_on(store.outbox().take(limit(1))).unwrap().is_some());
}

#[test]
fn several_workers_keep_the_order() {
    let place = Disk::new(quick());
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
                        Ok::<_, Infallible>(())
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

/// Parking and skipping take the organization from a worker whose batch has the entry.
#[test]
fn what_is_parked_or_skipped_under_a_workers_hands_is_not_handed_over() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-one");
    domain(&tenancy, acme, "acme-two");
    let organization = acme.organization;
    let other = place.tenancy();
    let store = tenancy.repository();
    let [one, two, three] = [1, 2, 3].map(Version::new);
    let mut seen = Vec::new();
    let delivery = block_on(store.outbox().deliver(limit(9), |entry| {
        seen.push(entry.version);
        let outbox = other.repository().outbox();
        assert!(block_on(outbox.skip(organization, two, "ops: never mind")).unwrap());
        assert!(block_on(outbox.park(organization, three, "ops: wait")).unwrap());
        Ok::<_, Infallible>(())
    }));
    assert_eq!((delivery.unwrap().delivered, seen), (1, vec![one]));
    assert_eq!(deliver_all(&place), []); // the first may still be in that worker's hands
    due_now(&place);
    assert_eq!(deliver_all(&place), [(organization, 1)]); // it was not marked: at least once
    assert!(block_on(store.outbox().release(organization, three)).unwrap());
    assert_eq!(deliver_all(&place), [(organization, 3)]);
    let parked = block_on(store.outbox().parked(None, limit(9))).unwrap();
    let left = parked.iter().map(|entry| (entry.version, entry.skipped));
    assert_eq!(left.collect::<Vec<_>>(), [(two, true)]);
}

/// What was released and is in a worker's hands can still be given up, and stays on the record.
#[test]
fn what_is_skipped_while_it_is_handed_over_alone_stays_skipped() {
    let place = Disk::new(quick());
    let tenancy = place.tenancy();
    let acme = acme(&tenancy);
    domain(&tenancy, acme, "acme-one");
    let organization = acme.organization;
    let outbox = tenancy.repository().outbox();
    let one = Version::new(1);
    assert!(block_on(outbox.park(organization, one, "ops: wait")).unwrap());
    assert_eq!(deliver_all(&place), [(organization, 2)]);
    assert!(block_on(outbox.release(organization, one)).unwrap());
    let batch = block_on(outbox.take(limit(9))).unwrap().unwrap();
    assert_eq!(batch.entries().len(), 1);
    assert!(block_on(outbox.skip(organization, one, "ops: never mind")).unwrap());
    assert!(!block_on(outbox.settle(batch, 1, None)).unwrap());
    let parked = block_on(outbox.parked(None, limit(9))).unwrap();
    assert!(parked[0].skipped && parked.len() == 1, "{parked:?}");
    assert_eq!(deliver_all(&place), []);
}
