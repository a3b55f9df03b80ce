//! Feeders of the index that are held up, stopped, or at work at the same time.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use tenancy::commands::{
    Command, CreateDomain, InviteToOrganization, RenameOrganization, RevokeInvitation,
};
use tenancy::store::{
    Commit, Directory, Fed, Item, List, MemoryRepository, OrganizationState, Repository,
};
use tenancy::{
    DomainKind, DomainName, Error, InvitationId, LogEntry, Name, OrganizationId, OrganizationRole,
    Tenancy, UserId, Version, block_on,
};
use tenancy_sharded::{Lists as _, MemoryLists, MemoryRegistry, Shard, Sharded, WithLists};

use crate::faults::{Behind, Fault, Steps, drive};
use crate::pages::{Alike, agree};
use crate::world::{Place, Store, World};

/// Opening a process' store is a call of the registry.
const OPENING: usize = 2;

const GUEST: &str = "guest@x.example";

type Feeder = WithLists<Store, Behind<MemoryLists>>;

/// A process with an index, all of whose calls are steps.
fn process(world: &World, lists: &MemoryLists, steps: &Steps) -> Feeder {
    let lists = Behind {
        inner: lists.clone(),
        steps: steps.clone(),
    };
    WithLists::new(world.process(steps), lists)
}

/// One to which nothing happens.
fn sound(world: &World, lists: &MemoryLists) -> Feeder {
    process(world, lists, &Steps::default())
}

fn does<C: Command>(world: &World, command: C) -> C::Output {
    let tenancy = Tenancy::new(world.sound());
    block_on(tenancy.execute(world.ann(), command))
        .unwrap()
        .output
}

fn rename(organization: OrganizationId, name: &str) -> RenameOrganization {
    let name = Name::new(name).unwrap();
    RenameOrganization { organization, name }
}

fn invite(organization: OrganizationId, email: &str) -> InviteToOrganization {
    InviteToOrganization {
        organization,
        email: email.parse().unwrap(),
        role: OrganizationRole::Member,
    }
}

/// The index says what the shards say.
fn is_right(world: &World, lists: &MemoryLists) {
    let users = [UserId::from_external("ann")];
    let (merged, index) = (world.sound(), sound(world, lists));
    let compared = block_on(agree(
        (&merged, &index),
        (&users, &[GUEST, "ann@acme.example"], &["", "acme"]),
        Alike::Exactly,
    ));
    assert!(compared.items > 0);
}

/// An organization that the index knows, and an invitation since then that it doesn't.
fn begun() -> (World, MemoryLists, Place, InvitationId) {
    let (world, lists) = (World::new(), MemoryLists::new());
    let place = world.organization_on(0);
    let fed = block_on(sound(&world, &lists).catch_up(place.organization)).unwrap();
    assert_eq!(fed, Fed::Applied);
    let sent = does(&world, invite(place.organization, GUEST));
    does(&world, rename(place.organization, "Acme 1"));
    (world, lists, place, sent.invitation)
}

/// A feeder that is held up anywhere, while others commit.
fn is_held_up(fills: bool, others_feed: bool) {
    for step in 0.. {
        let (world, lists, place, invitation) = begun();
        let organization = place.organization;
        let steps = Steps::at(step + OPENING, Fault::Stop);
        let late = process(&world, &lists, &steps);
        let mut work = Box::pin(async {
            if fills {
                late.fill(organization).await
            } else {
                late.catch_up(organization).await
            }
        });
        if let Some(fed) = drive(&mut work) {
            assert_eq!(fed.unwrap(), Fed::Applied);
            // Two for each call at least: what the index is at, the log and what it names, the writing; and all of it.
            let calls = if fills { 8 } else { 4 };
            assert!(step >= 2 * calls, "{step}");
            return is_right(&world, &lists);
        }
        let revoke = RevokeInvitation {
            organization,
            invitation,
        };
        does(&world, revoke);
        does(&world, rename(organization, "Acme 2"));
        let feeder = sound(&world, &lists);
        if others_feed {
            let _ = block_on(feeder.catch_up(organization)).unwrap();
            is_right(&world, &lists);
        }
        steps.resume();
        let _ = drive(&mut work).unwrap().unwrap();
        if !others_feed {
            // It may have read before all that.
            let _ = block_on(feeder.catch_up(organization)).unwrap();
        }
        is_right(&world, &lists);
    }
}

/// One that wakes up late writes nothing over what is newer.
#[test]
fn a_feeder_that_wakes_up_late_writes_nothing_old() {
    is_held_up(false, true);
    is_held_up(true, true);
}

/// What it has read at different moments fits together.
#[test]
fn a_feeder_that_reads_for_long_writes_what_fits_together() {
    is_held_up(false, false);
    is_held_up(true, false);
}

/// The last entry of a log.
fn last(world: &World, organization: OrganizationId) -> LogEntry {
    let list = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let log = block_on(world.sound().list(&list, NonZeroU32::MAX)).unwrap();
    match log.into_iter().next_back() {
        Some(Item::LogEntry(entry)) => entry,
        other => panic!("{other:?}"),
    }
}

/// Whoever commits is stopped, or the line is cut, before the index is told or while it is. The outbox tells it.
#[test]
fn who_commits_stops_before_the_index_is_told() {
    let mut untold = 0;
    for fault in [Fault::Stop, Fault::Cut, Fault::Away] {
        for step in 0.. {
            let (world, lists, place, _) = begun();
            let organization = place.organization;
            let steps = Steps::at(step + OPENING, fault);
            let tenancy = Tenancy::new(process(&world, &lists, &steps));
            let rename = rename(organization, "Acme 2");
            let mut work = Box::pin(tenancy.execute(world.ann(), rename));
            let done = drive(&mut work);
            drop(work); // nobody goes on with it
            let is_made = last(&world, organization).version == Version::new(4);
            if matches!(done, Some(Ok(_))) {
                assert!(is_made);
            }
            let at = block_on(lists.version(organization)).unwrap();
            untold += u32::from(is_made && at != Version::new(4));
            // What an outbox does, sooner or later.
            let entry = last(&world, organization);
            let _ = block_on(sound(&world, &lists).follow(&[entry])).unwrap();
            is_right(&world, &lists);
            if !steps.reached() {
                break;
            }
        }
    }
    assert!(untold >= 6, "{untold}");
}

/// While the index can't be reached, commits go on, and what they did is in it afterwards.
#[test]
fn commits_go_on_without_the_index() {
    let (world, lists, place, invitation) = begun();
    let organization = place.organization;
    let away = Behind {
        inner: lists.clone(),
        steps: Steps::at(0, Fault::Away),
    };
    let tenancy = Tenancy::new(WithLists::new(world.sound(), away));
    block_on(tenancy.execute(world.ann(), rename(organization, "Acme 2"))).unwrap();
    let revoke = RevokeInvitation {
        organization,
        invitation,
    };
    block_on(tenancy.execute(world.ann(), revoke)).unwrap();
    let list = List::AllOrganizations { after: None };
    let failed = block_on(tenancy.repository().list(&list, NonZeroU32::MIN)).unwrap_err();
    assert_eq!(failed.to_string(), "the index of lists failed");
    let fed = block_on(sound(&world, &lists).catch_up(organization)).unwrap();
    assert_eq!(fed, Fed::Applied);
    is_right(&world, &lists);
}

/// An organization moves, and is changed where it is then, while a feeder is held up anywhere.
#[test]
fn an_organization_moves_while_it_is_fed() {
    for step in 0.. {
        let (world, lists, place, invitation) = begun();
        let organization = place.organization;
        let steps = Steps::at(step + OPENING, Fault::Stop);
        let feeder = process(&world, &lists, &steps);
        let mut work = Box::pin(feeder.catch_up(organization));
        if drive(&mut work).is_some() {
            assert!(step >= 8, "{step}");
            return;
        }
        block_on(world.sound().move_to(organization, "b")).unwrap();
        does(
            &world,
            RevokeInvitation {
                organization,
                invitation,
            },
        );
        steps.resume();
        let _ = drive(&mut work).unwrap().unwrap();
        // It may have read before the last commit, which its outbox names in the new home.
        let entry = last(&world, organization);
        let _ = block_on(feeder.follow(&[entry])).unwrap();
        is_right(&world, &lists);
    }
}

/// What lists show nothing of costs the index nothing, and is told at each 64th version.
#[test]
fn a_quiet_commit_costs_the_index_nothing() {
    let (world, lists) = (World::new(), MemoryLists::new());
    let place = world.organization_on(0);
    let organization = place.organization;
    let domain = |number: u32| CreateDomain {
        organization,
        workspace: place.workspace,
        name: DomainName::new(&format!("d-{number}")).unwrap(),
        kind: DomainKind::Sandbox,
    };
    let unlimited = tenancy::Settings {
        default_limits: tenancy::Limits::UNLIMITED,
        ..tenancy::Settings::default()
    };
    let _ = block_on(sound(&world, &lists).catch_up(organization)).unwrap();
    let quota = tenancy::commands::SetLimits {
        organization,
        limits: tenancy::Limits::UNLIMITED,
        workspace_quota: None,
    };
    let staff = tenancy::Operator::attest("ops".parse().unwrap());
    let staff = tenancy::Actor::Operator(staff);
    block_on(Tenancy::new(world.sound()).execute(&staff, quota)).unwrap();
    // No call of the index would get through.
    let steps = Steps::at(0, Fault::Away);
    let away = Behind {
        inner: lists.clone(),
        steps: steps.clone(),
    };
    let index = WithLists::new(world.sound(), away);
    let tenancy = Tenancy::new(&index).with_settings(unlimited);
    for number in 3..=130 {
        block_on(tenancy.execute(world.ann(), domain(number))).unwrap();
        let entry = last(&world, organization);
        assert_eq!(entry.version, Version::new(number.into()));
        let followed = block_on(index.follow(&[entry]));
        assert_eq!(followed.is_err(), number % 64 == 0, "{number}");
        assert_eq!(steps.reached(), number >= 64, "{number}");
    }
    // Two were told of, and nobody heard; the next one that is heard brings all.
    let fed = block_on(sound(&world, &lists).catch_up(organization)).unwrap();
    assert_eq!(fed, Fed::Applied);
    is_right(&world, &lists);
    let again = block_on(sound(&world, &lists).catch_up(organization)).unwrap();
    assert_eq!(again, Fed::Known);
}

/// A store is restored to an earlier moment, and goes on from there: filling in brings the index back to what it says.
#[test]
fn an_index_that_is_ahead_of_a_restored_store_is_filled_in() {
    let (world, lists, place, _) = begun();
    let organization = place.organization;
    let _ = block_on(sound(&world, &lists).catch_up(organization)).unwrap();
    let log = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let log = block_on(world.sound().list(&log, NonZeroU32::MAX)).unwrap();
    assert_eq!(log.len(), 3);
    let restored = MemoryRepository::new();
    let mut state = OrganizationState::absent(organization);
    for item in log.into_iter().take(1) {
        let Item::LogEntry(entry) = item else {
            panic!("{item:?}");
        };
        let commit = Commit::replayed(&mut state, entry).unwrap();
        assert_eq!(
            block_on(restored.commit(&commit)),
            Ok(tenancy::store::Outcome::Committed)
        );
    }
    let index = WithLists::new(restored.clone(), lists.clone());
    let fed = block_on(index.fill(organization)).unwrap();
    assert_eq!(fed, Fed::Applied);
    assert_eq!(block_on(lists.version(organization)), Ok(Version::new(1)));
    let users = [UserId::from_external("ann")];
    let asked = (&users[..], &[GUEST][..], &["", "acme"][..]);
    let compared = block_on(agree((&restored, &index), asked, Alike::Exactly));
    assert!(compared.items > 0);
    // Of one that isn't there any more nothing is known.
    let empty = WithLists::new(MemoryRepository::new(), lists);
    assert_eq!(block_on(empty.fill(organization)).unwrap(), Fed::Unknown);
}

/// Four who write and four who feed, at the same time.
#[test]
fn feeders_at_the_same_time_make_one_index() {
    let shards = ["a", "b", "c"].map(|name| Shard::new(name, MemoryRepository::new()));
    let store: Sharded<_, _> = block_on(Sharded::open(shards, MemoryRegistry::new())).unwrap();
    let lists = MemoryLists::new();
    let index = WithLists::new(store.clone(), lists);
    let world = World::new(); // for its Ann
    let create = tenancy::commands::CreateOrganization {
        name: Name::new("Acme").unwrap(),
    };
    let found = |_| {
        let tenancy = Tenancy::new(&store);
        let done = block_on(tenancy.execute(world.ann(), create.clone())).unwrap();
        done.output.organization
    };
    let organizations: Vec<_> = (0..3).map(found).collect();
    let (writing, won) = (AtomicBool::new(true), AtomicU64::new(0));
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let (store, world, organizations) = (&store, &world, &organizations);
                scope.spawn(move || {
                    let tenancy = Tenancy::new(store);
                    for number in 0..150 {
                        let organization = organizations[(writer + number) % 3];
                        let name = format!("Acme {writer}-{number}");
                        let email = format!("g{}@x.example", number % 5);
                        let renamed =
                            block_on(tenancy.execute(world.ann(), rename(organization, &name)));
                        let invited =
                            block_on(tenancy.execute(world.ann(), invite(organization, &email)));
                        let fine = |error: Option<Error<_>>| {
                            matches!(
                                error,
                                None | Some(Error::Contended { .. } | Error::Refused(_))
                            )
                        };
                        assert!(fine(renamed.err()));
                        let Ok(invited) = invited else { continue };
                        let invitation = invited.output.invitation;
                        let revoke = RevokeInvitation {
                            organization,
                            invitation,
                        };
                        let revoked = (number % 2 == 0)
                            .then(|| block_on(tenancy.execute(world.ann(), revoke)));
                        assert!(fine(revoked.and_then(Result::err)));
                    }
                })
            })
            .collect();
        for feeder in 0..4 {
            let (index, organizations, writing, won) = (&index, &organizations, &writing, &won);
            scope.spawn(move || {
                let mut turn = feeder;
                while writing.load(Ordering::SeqCst) {
                    turn += 1;
                    let organization = organizations[turn % 3];
                    let fed = if turn % 7 == 0 {
                        block_on(index.fill(organization))
                    } else {
                        block_on(index.catch_up(organization))
                    };
                    won.fetch_add(u64::from(fed.unwrap() == Fed::Applied), Ordering::SeqCst);
                }
            });
        }
        for writer in writers {
            writer.join().unwrap();
        }
        writing.store(false, Ordering::SeqCst);
    });
    for organization in &organizations {
        let fed = block_on(index.catch_up(*organization)).unwrap();
        assert!(matches!(fed, Fed::Applied | Fed::Known), "{fed:?}");
    }
    assert!(won.into_inner() > 10);
    let addresses = ["g0@x.example", "g1@x.example", "ann@acme.example"];
    let users = [UserId::from_external("ann")];
    let compared = block_on(agree(
        (&store, &index),
        (&users, &addresses, &["", "acme 1"]),
        Alike::Exactly,
    ));
    assert!(compared.items > 0);
    assert!(
        block_on(index.load(organizations[0], &[]))
            .unwrap()
            .is_some()
    );
}
