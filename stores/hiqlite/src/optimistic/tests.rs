//! The steps of the outbox, one against another, on a node's copy: whoever is second either finds it as it was, or writes
//! nothing.

use core::num::NonZeroU32;
use core::time::Duration;

use tenancy::{OrganizationId, Version};
use tenancy_sqlite::tables::outbox::{self, Lease, Settled, Times};
use tenancy_sqlite::{Batch, Error};
use uuid::Uuid;

use super::*;
use crate::commit::tests::{copy, make};

/// The time, and an organization.
const NOW: i64 = 1_800_000_000_000;
const ACME: OrganizationId = OrganizationId::from_uuid(Uuid::from_u128(0xacce));

/// A node's copy, with an organization of three versions that waits.
fn waiting() -> Connection {
    let copy = copy();
    let rows = "INSERT INTO tenancy_organizations VALUES (?1, 3, 1, '{}', '{}')";
    let id = ACME.as_uuid().into_bytes();
    copy.execute(rows, [id]).unwrap();
    for version in 1..=3 {
        commit(&copy, version);
    }
    copy
}

/// What a commit does that the outbox sees. Nobody reads its entry.
fn commit(copy: &Connection, version: u8) {
    let id = ACME.as_uuid().into_bytes();
    let log = "INSERT INTO tenancy_commits VALUES (?1, ?2, ?3, 'unreadable')";
    copy.execute(log, (id, version, [version; 16])).unwrap();
    let enqueue =
        "INSERT INTO tenancy_outbox VALUES (?1, ?2, ?3, NULL, 0, NULL) ON CONFLICT DO NOTHING";
    copy.execute(enqueue, (id, version, NOW)).unwrap();
    let version_of = "UPDATE tenancy_organizations SET version = max(version, ?2) WHERE id = ?1";
    copy.execute(version_of, (id, version)).unwrap();
}

/// Everything that the outbox keeps. Workers have names that are drawn: here it is told who is the first one.
fn kept(copy: &Connection, first: Option<[u8; 16]>) -> Vec<String> {
    let rows = "SELECT json_array(first, due, attempts, error), worker FROM tenancy_outbox";
    let parked = "SELECT json_array(version, state, why, at), NULL FROM tenancy_outbox_parked ORDER BY version";
    let mut kept = Vec::new();
    for rows in [rows, parked] {
        let mut rows = copy.prepare(rows).unwrap();
        let rows = rows.query_map((), |row| {
            let worker = row.get::<_, Option<[u8; 16]>>(1)?;
            let worker = worker.map(|worker| Some(worker) == first);
            Ok(format!("{} {worker:?}", row.get::<_, String>(0)?))
        });
        kept.extend(rows.unwrap().map(Result::unwrap));
    }
    kept
}

/// The name of a lease's worker, as the step that gives it back asks for it.
fn worker(lease: Lease) -> [u8; 16] {
    let step = outbox::settle(&copy(), NOW, &settled(lease, 0, None)).unwrap();
    let Some(tenancy_sqlite::rusqlite::types::Value::Blob(worker)) = step.reads[0].values.get(1)
    else {
        panic!("{step:?}");
    };
    worker[..].try_into().unwrap()
}

/// A batch of entries 1 to 3, or of the one that was released.
fn batch(lease: Lease) -> Batch {
    let copy = waiting();
    let entry = r#"UPDATE tenancy_commits SET entry = '{"at": "2026-11-23T12:00:00.123Z", "author": {"operator": "root"}, "command": "c", "events": []}'"#;
    copy.execute(entry, ()).unwrap();
    let found = outbox::entries(&copy, lease, NonZeroU32::MAX).unwrap();
    assert!(found.unreadable.is_empty(), "{found:?}");
    found.into_batch(lease)
}

fn settled(lease: Lease, delivered: u32, error: Option<&str>) -> Settled {
    Settled::of(&batch(lease), delivered, error, Times::default())
}

/// A step that is decided on a copy, and what was answered.
type Decide = Box<dyn Fn(&Connection) -> Result<Optimistic<bool>, Error>>;

/// Every step that there is, at a time. What is given back is the first worker's.
fn steps_at(now: i64, first: Option<Lease>) -> Vec<(String, Decide)> {
    let mut steps: Vec<(String, Decide)> = Vec::new();
    let take = move |copy: &Connection| {
        let step = outbox::take(copy, now, Times::default())?;
        Ok(Optimistic {
            answer: step.answer.is_some(),
            reads: step.reads,
            writes: step.writes,
        })
    };
    steps.push(("take".to_owned(), Box::new(take)));
    for version in 1..=3_u64 {
        let entry = (ACME, Version::new(version));
        steps.push((
            format!("park {version}"),
            Box::new(move |copy| outbox::park(copy, now, entry, "wait")),
        ));
        steps.push((
            format!("skip {version}"),
            Box::new(move |copy| outbox::skip(copy, now, entry, "never")),
        ));
        steps.push((
            format!("release {version}"),
            Box::new(move |copy| outbox::release(copy, now, entry.0, entry.1)),
        ));
        let unreadable = move |copy: &Connection| {
            let unreadable = [(entry.1, "unreadable".to_owned())];
            let step = outbox::park_unreadable(copy, now, ACME, &unreadable)?;
            Ok(Optimistic {
                answer: true,
                reads: step.reads,
                writes: step.writes,
            })
        };
        steps.push((format!("unreadable {version}"), Box::new(unreadable)));
    }
    let Some(first) = first else {
        return steps;
    };
    for (delivered, error) in [
        (0, None),
        (0, Some("down")),
        (1, Some("down")),
        (1, None),
        (9, None),
    ] {
        let settled = settled(first, delivered, error);
        steps.push((
            format!("settle {delivered} {error:?}"),
            Box::new(move |copy| outbox::settle(copy, now, &settled)),
        ));
    }
    steps
}

/// Whether it was made, or refused because something else is read now. Nothing else may go wrong.
fn made<T>(copy: &mut Connection, step: &Optimistic<T>, attempt: CommitId) -> bool {
    let (reads, writes) = (step.reads.clone(), step.writes.clone());
    match make(copy, steps(attempt, reads, writes, NOW)) {
        Ok(()) => true,
        Err(why) => {
            assert!(why.contains(NOT_DUE), "{why}");
            false
        }
    }
}

/// Takes a step at once.
fn at_once<T>(copy: &mut Connection, step: Optimistic<T>) -> T {
    assert!(step.writes.is_empty() || made(copy, &step, CommitId::new()));
    step.answer
}

fn within<T>(copy: &mut Connection, run: impl FnOnce(&mut Connection) -> T) -> T {
    copy.execute_batch("SAVEPOINT here").unwrap();
    let answer = run(copy);
    copy.execute_batch("ROLLBACK TO here; RELEASE here")
        .unwrap();
    answer
}

/// From each state: a step that was decided before another one was made is refused, or does what it does when it is decided
/// afterwards, and has the same answer.
#[test]
fn whoever_is_second_finds_it_as_it_was_or_writes_nothing() {
    let park = |version| {
        move |copy: &mut Connection| {
            let step = outbox::park(copy, NOW, (ACME, Version::new(version)), "first").unwrap();
            assert!(at_once(copy, step));
        }
    };
    let take = |copy: &mut Connection| {
        let step = outbox::take(copy, NOW, Times::default()).unwrap();
        at_once(copy, step)
    };
    let release = |copy: &mut Connection| {
        let all = "UPDATE tenancy_outbox SET first = 4";
        copy.execute(all, ()).unwrap();
        let step = outbox::release(copy, NOW, ACME, Version::new(2)).unwrap();
        assert!(at_once(copy, step));
    };
    let (mut as_it_was, mut refused) = (0, 0);
    for state in 0..9 {
        let mut copy = waiting();
        let first = match state {
            0 => None,
            1 | 2 => take(&mut copy),
            3 => {
                park(2)(&mut copy);
                None
            }
            4 | 5 => {
                park(2)(&mut copy);
                release(&mut copy);
                if state == 4 { None } else { take(&mut copy) }
            }
            6 => {
                let first = take(&mut copy);
                park(1)(&mut copy);
                first
            }
            7 => {
                park(2)(&mut copy);
                let delivered = "UPDATE tenancy_outbox SET first = 3";
                copy.execute(delivered, ()).unwrap();
                None
            }
            _ => {
                park(2)(&mut copy);
                take(&mut copy)
            }
        };
        // In one of them the first lease is over.
        let now = if state == 2 { NOW + 60_000 } else { NOW };
        let steps = steps_at(now, first);
        let first = first.map(worker);
        let others = steps.iter().map(|(name, other)| (&**name, Some(other)));
        for (between, other) in others.chain([("a commit", None)]) {
            for (name, step) in &steps {
                within(&mut copy, |copy| {
                    let before = step(copy).unwrap();
                    match other {
                        Some(other) => {
                            let other = other(copy).unwrap();
                            at_once(copy, other);
                        }
                        None => commit(copy, 4),
                    }
                    if before.writes.is_empty() {
                        return; // was made before the other one
                    }
                    let then = kept(copy, first);
                    let afterwards = within(copy, |copy| {
                        let answer = at_once(copy, step(copy).unwrap());
                        (answer, kept(copy, first))
                    });
                    if made(copy, &before, CommitId::new()) {
                        let as_if = (before.answer, kept(copy, first));
                        assert_eq!(as_if, afterwards, "{state}: {between}, then {name}");
                        as_it_was += 1;
                    } else {
                        assert_eq!(kept(copy, first), then, "{state}: {between}, then {name}");
                        refused += 1;
                    }
                });
            }
        }
    }
    assert!(as_it_was > 300 && refused > 300, "{as_it_was} {refused}");
}

#[test]
fn of_two_workers_one_gets_the_organization() {
    let mut copy = waiting();
    let take = |copy: &Connection| outbox::take(copy, NOW, Times::default()).unwrap();
    let (one, two) = (take(&copy), take(&copy));
    let (first, second) = (CommitId::new(), CommitId::new());
    assert!(made(&mut copy, &one, first));
    assert!(!made(&mut copy, &two, second));
    assert!(is_marked(&copy, first).unwrap() && !is_marked(&copy, second).unwrap());
    assert!(outbox::holds(&copy, NOW, one.answer.unwrap()).unwrap());
    assert!(!outbox::holds(&copy, NOW, two.answer.unwrap()).unwrap());
    assert!(take(&copy).answer.is_none(), "and there is no other");
}

/// Even where everything that it read is so again.
#[test]
fn what_was_made_and_is_sent_again_is_known_by_its_mark() {
    let mut copy = waiting();
    let (attempt, times) = (CommitId::new(), Times::default().lease(Duration::ZERO));
    let take = outbox::take(&copy, NOW, times).unwrap();
    assert!(made(&mut copy, &take, attempt));
    let back = "UPDATE tenancy_outbox SET attempts = 0";
    copy.execute(back, ()).unwrap();
    let before = kept(&copy, None);
    assert!(!made(&mut copy, &take, attempt));
    assert!(is_marked(&copy, attempt).unwrap());
    assert_eq!(kept(&copy, None), before);
    assert!(made(&mut copy, &take, CommitId::new()), "without the mark");
}

/// A mark is forgotten after an hour, by the clock of whoever writes next.
#[test]
fn marks_do_not_pile_up() {
    let mut copy = waiting();
    let (first, second) = (CommitId::new(), CommitId::new());
    for (attempt, now) in [
        (first, NOW),
        (second, NOW + KEPT),
        (CommitId::new(), NOW + KEPT + 1),
    ] {
        make(&mut copy, steps(attempt, Vec::new(), Vec::new(), now)).unwrap();
        assert!(is_marked(&copy, attempt).unwrap());
    }
    assert!(is_marked(&copy, second).unwrap() && !is_marked(&copy, first).unwrap());
}

/// It is read again in one row, by however many columns; and no row is told from any.
#[test]
fn what_was_read_is_compared_by_all_its_columns() {
    let mut copy = waiting();
    let take = outbox::take(&copy, NOW, Times::default()).unwrap();
    for change in [
        "first = first + 1",
        "attempts = attempts + 1",
        "due = due + 1",
    ] {
        within(&mut copy, |copy| {
            let change = format!("UPDATE tenancy_outbox SET {change}");
            copy.execute(&change, ()).unwrap();
            assert!(!made(copy, &take, CommitId::new()), "{change}");
        });
    }
    within(&mut copy, |copy| {
        copy.execute("DELETE FROM tenancy_outbox", ()).unwrap();
        assert!(!made(copy, &take, CommitId::new()));
    });
    assert!(made(&mut copy, &take, CommitId::new()));
}
