//! An organization moves while it is used, and whoever moves it stops anywhere: nothing is lost, and nothing is there
//! twice.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;

use tenancy::commands::RenameOrganization;
use tenancy::store::{
    Commit, Directory, Item, Key, List, MemoryRepository, Outcome, Record, Repository,
};
use tenancy::{
    CommitId, Error, Name, OrganizationId, Resource, Tenancy, UserId, Version, block_on,
};
use tenancy_sharded::{MemoryRegistry, Shard, Sharded};

use crate::faults::{Fault, Steps, drive};
use crate::world::{Place, Store, World, claim, founding};

const OPENING: usize = 2;

/// How a move goes on that has stopped.
#[derive(Clone, Copy, Debug)]
enum Then {
    Resumes,
    TakenOver,
    /// The first one was not dead: it goes on after another has finished.
    TakenOverAndResumes,
    /// And the organization has moved back meanwhile.
    MovedBackAndResumes,
}

fn version(store: &impl Repository, organization: OrganizationId) -> Option<Version> {
    let facts = block_on(store.load(organization, &[])).unwrap();
    facts.map(|facts| facts.organization.version)
}

/// What anybody reads of it, wherever it is: the last commit, and everything once.
fn is_read(store: &Store, place: Place, at: u64) {
    let organization = place.organization;
    assert_eq!(version(store, organization), Some(Version::new(at)));
    let user = UserId::from_external("ann");
    let held = block_on(store.standing(user, Resource::Organization(organization))).unwrap();
    assert_eq!(held.unwrap().version, Version::new(at));
    let lists = [
        List::AllOrganizations { after: None },
        List::OrganizationsOf { user, after: None },
    ];
    for list in lists {
        let listed = block_on(store.list(&list, NonZeroU32::MAX)).unwrap();
        let its = listed.iter().filter(|item| match item {
            Item::Organization(summary) | Item::Across(summary, Record::Member(_)) => {
                summary.id == organization
            }
            _ => false,
        });
        assert_eq!(its.count(), 1);
    }
    let log = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let log = block_on(store.list(&log, NonZeroU32::MAX)).unwrap();
    assert_eq!(log.len(), usize::try_from(at).unwrap());
    let holder = block_on(store.claimed_by(&claim("wanted"))).unwrap();
    assert_eq!(holder, Some(organization));
}

/// A process that knows where the organization was, and nothing since.
fn stops_at(step: usize, then: Then) -> bool {
    let world = World::new();
    let place = world.organization_on(0);
    let organization = place.organization;
    let make = |store: &Store, name: &str| {
        let commit = world.claiming(place, name, CommitId::new());
        (block_on(store.commit(&commit)).unwrap(), commit)
    };
    // What lists across organizations teaches a process where all live: these two do nothing before they are asked.
    let (stale, before, lists) = (world.sound(), world.sound(), world.sound());
    let mut at = 1;
    let count = |at: &mut u64, made: &(Outcome, Commit)| match made.0 {
        Outcome::Committed => *at += 1,
        Outcome::Conflict => {}
        ref other => panic!("{other:?}"),
    };
    count(&mut at, &make(&stale, "wanted"));
    assert_eq!(at, 2);

    let steps = Steps::at(step + OPENING, Fault::Stop);
    let process = world.process(&steps);
    let mut work = Box::pin(process.move_to(organization, "b"));
    let outcome = drive(&mut work);
    let stopped = outcome.is_none();
    assert!(outcome.is_none_or(|outcome| outcome.is_ok()));

    // Who knows nothing of it, and who has just come.
    for (number, store) in [&stale, &world.sound()].into_iter().enumerate() {
        is_read(store, place, at);
        let made = make(store, &format!("during-{number}"));
        count(&mut at, &made);
        is_read(store, place, at);
    }
    // Somebody else may have made a commit since: where it is dropped, nobody finds what it was.
    assert_eq!(version(&before, organization), Some(Version::new(at)));
    match then {
        Then::Resumes => {}
        Then::TakenOver | Then::TakenOverAndResumes => {
            let finished = block_on(world.sound().settle_moves()).unwrap();
            assert!(finished <= 1);
        }
        Then::MovedBackAndResumes => {
            block_on(world.sound().move_to(organization, "b")).unwrap();
            block_on(world.sound().move_to(organization, "a")).unwrap();
        }
    }
    if !matches!(then, Then::Resumes | Then::TakenOver) || !stopped {
        let made = make(&world.sound(), "between");
        count(&mut at, &made);
    }
    if stopped && !matches!(then, Then::TakenOver) {
        steps.resume();
        drive(&mut work).unwrap().unwrap();
    }
    // Wherever it is now, it is there whole, and can be changed.
    block_on(world.sound().settle_moves()).unwrap();
    for (number, store) in [&stale, &world.sound()].into_iter().enumerate() {
        is_read(store, place, at);
        let made = make(store, &format!("after-{number}"));
        assert_eq!(made.0, Outcome::Committed, "{step} {then:?}");
        count(&mut at, &made);
        is_read(store, place, at);
        assert_eq!(world.shards_of(organization).len(), 1);
    }
    let log = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let log = block_on(lists.list(&log, NonZeroU32::MAX)).unwrap();
    assert_eq!(log.len(), usize::try_from(at).unwrap());
    let _ = block_on(world.sound().settle()).unwrap();
    world.is_settled(&["wanted", "after-0", "after-1"], &[organization]);
    stopped
}

#[test]
fn who_moves_an_organization_stops_anywhere() {
    for step in 0.. {
        let then = [
            Then::Resumes,
            Then::TakenOver,
            Then::TakenOverAndResumes,
            Then::MovedBackAndResumes,
        ];
        let stopped = then.map(|then| stops_at(step, then));
        if stopped == [false; 4] {
            // Where it is, the beginning, four things on shards, the switch among them, the end, and where it is.
            assert_eq!(step, 20);
            return;
        }
    }
}

#[test]
fn an_organization_that_does_not_exist_yet_is_given_a_home() {
    let world = World::new();
    let organization = world.id_on(0);
    let stale = world.sound();
    let founding = founding(organization, "wanted");
    block_on(world.sound().move_to(organization, "b")).unwrap();
    // Who knows nothing of it doesn't create it elsewhere.
    let outcome = block_on(stale.commit(&founding)).unwrap();
    assert_eq!(outcome, Outcome::Conflict);
    assert_eq!(version(&stale, organization), None); // and has learned now where it lives
    let outcome = block_on(stale.commit(&founding)).unwrap();
    assert_eq!(outcome, Outcome::Committed);
    assert_eq!(stale.shard_of(organization).unwrap().name(), "b");
    world.is_settled(&["wanted"], &[organization]);
}

#[test]
fn a_guest_has_only_what_was_moved_there() {
    let founding = ["a", "b"].map(|name| Shard::new(name, MemoryRepository::new()));
    let registry = MemoryRegistry::new();
    let before = block_on(Sharded::open(founding.clone(), registry.clone())).unwrap();
    let late = Shard::guest("late", MemoryRepository::new());
    let all = founding.into_iter().chain([late]);
    let after = block_on(Sharded::open(all, registry)).unwrap();
    for _ in 0..100 {
        let id = OrganizationId::new();
        let lives = after.shard_of(id).unwrap().name();
        assert_eq!(lives, before.shard_of(id).unwrap().name());
    }
    let id = OrganizationId::new();
    block_on(after.move_to(id, "late")).unwrap();
    assert_eq!(after.shard_of(id).unwrap().name(), "late");
    // Who wasn't told of the shard says so, once it has seen that it is elsewhere, and doesn't say that there is
    // nothing.
    let said = block_on(before.load(id, &[Key::Person(UserId::new())])).unwrap_err();
    assert_eq!(
        said.to_string(),
        "an organization lives on shard `late`, which this process doesn't know: start it with all shards"
    );
    assert!(block_on(after.move_to(id, "nowhere")).is_err());
}

/// Eight writers, each with a process of its own, while the organization goes to and fro.
#[test]
fn an_organization_moves_under_eight_writers() {
    let world = World::new();
    let place = world.organization_on(0);
    let (moves, enough) = (AtomicU32::new(0), AtomicBool::new(false));
    let acknowledged = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let mut writers = Vec::new();
        for writer in 0..8 {
            let (world, moves, acknowledged) = (&world, &moves, &acknowledged);
            let enough = &enough;
            writers.push(scope.spawn(move || {
                let tenancy = Tenancy::new(world.sound());
                let mut number = 0;
                while !enough.load(Ordering::SeqCst) || number == 0 {
                    number += 1;
                    let id = CommitId::new();
                    let rename = RenameOrganization {
                        organization: place.organization,
                        name: Name::new(&format!("Acme {writer}-{number}")).unwrap(),
                    };
                    match block_on(tenancy.execute_as(id, world.ann(), rename)) {
                        Ok(done) => acknowledged.lock().unwrap().push((done.token.version, id)),
                        Err(Error::Contended { .. }) => thread::yield_now(),
                        Err(other) => panic!("{other:?}"),
                    }
                }
                assert!(moves.load(Ordering::SeqCst) > 0);
            }));
        }
        scope.spawn(|| {
            let (store, user) = (world.sound(), UserId::from_external("ann"));
            while !enough.load(Ordering::SeqCst) {
                let list = List::OrganizationsOf { user, after: None };
                let listed = block_on(store.list(&list, NonZeroU32::MAX)).unwrap();
                assert_eq!(listed.len(), 1); // there all the time, and once
            }
        });
        let store = world.sound();
        for to in ["b", "a"].into_iter().cycle().take(20) {
            let before = acknowledged.lock().unwrap().len();
            block_on(store.move_to(place.organization, to)).unwrap();
            moves.fetch_add(1, Ordering::SeqCst);
            // They go on in the new home.
            while acknowledged.lock().unwrap().len() <= before {
                if writers.iter().any(thread::ScopedJoinHandle::is_finished) {
                    return enough.store(true, Ordering::SeqCst); // it has failed
                }
                thread::yield_now();
            }
        }
        enough.store(true, Ordering::SeqCst);
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    let log = List::Log {
        organization: place.organization,
        after: Version::ABSENT,
    };
    let store = world.sound();
    let log = block_on(store.list(&log, NonZeroU32::MAX)).unwrap();
    assert_eq!(log.len(), acknowledged.len() + 1); // the organization's founding
    for (version, id) in acknowledged {
        let Item::LogEntry(entry) = &log[usize::try_from(version.get()).unwrap() - 1] else {
            panic!("no entry of version {version}");
        };
        assert_eq!((entry.version, entry.id), (version, id));
    }
    assert_eq!(world.shards_of(place.organization), ["a"]);
    world.is_settled(&[], &[place.organization]);
}

/// The store of a deployment becomes its first shard.
#[test]
fn what_was_there_before_the_registry_is_enrolled() {
    use tenancy::commands::{CreateDomain, CreateOrganization};
    use tenancy::{DomainKind, DomainName, Refusal, VerifiedEmail};

    let before = MemoryRepository::new();
    let address = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
    let ann = tenancy::Actor::user(UserId::from_external("ann"), address);
    let create = CreateOrganization {
        name: Name::new("Acme").unwrap(),
    };
    let domain = |organization, workspace| CreateDomain {
        organization,
        workspace,
        name: DomainName::new("wanted").unwrap(),
        kind: DomainKind::Production,
    };
    let alone = Tenancy::new(before.clone());
    let acme = block_on(alone.execute(&ann, create.clone()))
        .unwrap()
        .output;
    let key = ann.commit_id("a key");
    let make = domain(acme.organization, acme.workspace);
    block_on(alone.execute_as(key, &ann, make)).unwrap();

    let late = Shard::guest("late", MemoryRepository::new());
    let shards = [Shard::new("first", before), late];
    let store = block_on(Sharded::open(shards, MemoryRegistry::new())).unwrap();
    assert_eq!(block_on(store.enroll(acme.organization)).unwrap(), []);
    assert_eq!(block_on(store.enroll(acme.organization)).unwrap(), []);
    let tenancy = Tenancy::new(&store);
    let rival = OrganizationId::new();
    block_on(store.move_to(rival, "late")).unwrap();
    let id = CommitId::from_uuid(rival.as_uuid());
    let rival = block_on(tenancy.execute_as(id, &ann, create.clone()))
        .unwrap()
        .output;
    assert_eq!(store.shard_of(rival.organization).unwrap().name(), "late");
    let theirs = domain(rival.organization, rival.workspace);
    let taken = block_on(tenancy.execute(&ann, theirs.clone())).unwrap_err();
    assert!(
        matches!(taken, Error::Refused(Refusal::DomainNameTaken { .. })),
        "{taken:?}"
    );
    let reused = block_on(tenancy.execute_as(key, &ann, theirs)).unwrap_err();
    assert!(
        matches!(reused, Error::Refused(Refusal::CommitIdReused)),
        "{reused:?}"
    );
    let _ = block_on(store.settle()).unwrap();
    assert_eq!(
        block_on(store.claimed_by(&claim("wanted"))).unwrap(),
        Some(acme.organization)
    );
}
