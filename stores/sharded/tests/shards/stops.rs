//! A process stops between any two steps of a commit, for ever or until later: no name has two holders, and the janitor
//! leaves nothing half done.

use tenancy::store::{Commit, Outcome, Repository};
use tenancy::{CommitId, DomainId, Event, UserId, block_on};

use crate::faults::{Fault, Steps, drive};
use crate::world::{Place, World, founding};

const NAME: &str = "wanted";

/// Who is next while a process stands still.
#[derive(Clone, Copy, Debug)]
enum Meanwhile {
    Nobody,
    /// Another organization, on another shard, wants the name.
    Rival,
    /// The same organization makes another commit, and then the rival wants the name.
    OwnerThenRival,
    Janitor,
    JanitorThenRival,
    /// What was made is given up again: the domain is deleted, and its name released.
    OwnerReleases,
}

const MEANWHILE: [Meanwhile; 6] = [
    Meanwhile::Nobody,
    Meanwhile::Rival,
    Meanwhile::OwnerThenRival,
    Meanwhile::Janitor,
    Meanwhile::JanitorThenRival,
    Meanwhile::OwnerReleases,
];

/// How many stops there are in a commit, so that the test is known to have seen them.
fn stops(begin: impl Fn(&World, Place) -> Commit) -> usize {
    for step in 0.. {
        let mut was_reached = false;
        for meanwhile in MEANWHILE {
            for resumes in [false, true] {
                was_reached |= stops_at(step, meanwhile, resumes, &begin);
            }
        }
        if !was_reached {
            return step;
        }
    }
    unreachable!()
}

/// A process begins a commit and stops at a step, while others go on. `false`: it was done before that step.
fn stops_at(
    step: usize,
    meanwhile: Meanwhile,
    resumes: bool,
    begin: &impl Fn(&World, Place) -> Commit,
) -> bool {
    let world = World::new();
    let place = world.organization_on(0);
    let rival = world.organization_on(1);
    let commit = begin(&world, place);
    let claims = commit.changes.iter().any(is_claim);

    let steps = Steps::at(step + OPENING, Fault::Stop);
    let process = world.process(&steps);
    let mut work = Box::pin(process.commit(&commit));
    let outcome = drive(&mut work);
    let stopped = outcome.is_none();
    assert!(outcome.is_none_or(|outcome| outcome.unwrap() == Outcome::Committed));

    let mut holds = claims && world.has(&commit);
    let theirs = match meanwhile {
        Meanwhile::Nobody => None,
        Meanwhile::Rival => Some(want(&world, rival)),
        Meanwhile::OwnerThenRival => {
            if place.organization == commit.organization() {
                make(&world, &world.claiming(place, "another", CommitId::new()));
            }
            Some(want(&world, rival))
        }
        Meanwhile::Janitor => {
            let _ = block_on(world.sound().settle()).unwrap();
            None
        }
        Meanwhile::JanitorThenRival => {
            let _ = block_on(world.sound().settle()).unwrap();
            Some(want(&world, rival))
        }
        Meanwhile::OwnerReleases => {
            if holds && place.organization == commit.organization() {
                make(&world, &world.releasing(place, domain_of(&commit), NAME));
                holds = false;
            }
            Some(want(&world, rival))
        }
    };
    // Who wants the name is told at once whether it is somebody's: nobody waits for who has stopped.
    holds |= claims == world.has(&commit) && theirs == Some(false);
    if let Some(theirs) = theirs {
        assert_eq!(theirs, !holds, "{step} {meanwhile:?}");
    }
    if resumes && stopped {
        steps.resume();
        let outcome = drive(&mut work).unwrap().unwrap();
        let made = outcome == Outcome::Committed;
        assert_eq!(made, world.has(&commit), "{step} {meanwhile:?} {outcome:?}");
    }
    drop(work);
    let organizations = [commit.organization(), rival.organization];
    world.is_settled(&[NAME, "another"], &organizations);
    if claims {
        let made = world.has(&commit) && !matches!(meanwhile, Meanwhile::OwnerReleases if !holds);
        let holders = usize::from(made) + usize::from(theirs == Some(true));
        assert_eq!(world.holders(NAME).len(), holders, "{step} {meanwhile:?}");
    }
    stopped
}

fn make(world: &World, commit: &Commit) {
    let outcome = block_on(world.sound().commit(commit)).unwrap();
    assert_eq!(outcome, Outcome::Committed);
}

fn domain_of(commit: &Commit) -> DomainId {
    let mut events = commit.entry.events.iter();
    let domain = events.find_map(|event| match event {
        Event::DomainCreated { domain, .. } => Some(*domain),
        _ => None,
    });
    domain.unwrap()
}

/// The steps of opening: all exceptions are read.
const OPENING: usize = 2;

fn is_claim(change: &tenancy::store::Change) -> bool {
    matches!(change, tenancy::store::Change::Claim(_))
}

/// Whether another organization gets the name.
fn want(world: &World, rival: Place) -> bool {
    let commit = world.claiming(rival, NAME, CommitId::new());
    match block_on(world.sound().commit(&commit)).unwrap() {
        Outcome::Committed => true,
        Outcome::Taken(_) => false,
        other => panic!("{other:?}"),
    }
}

#[test]
fn d2_a_stop_anywhere_in_a_commit_that_claims() {
    let stops = stops(|world, place| world.claiming(place, NAME, CommitId::new()));
    assert_eq!(stops, 6); // before and after the reservation, the commit, the end
}

#[test]
fn d2_a_stop_anywhere_in_the_founding_of_an_organization_with_a_domain() {
    let stops = stops(|world, _| founding(world.id_on(0), NAME));
    assert_eq!(stops, 6);
}

#[test]
fn a6_a_stop_anywhere_in_a_commit_whose_id_a_host_brought() {
    let key = CommitId::from_key(UserId::from_external("ann"), "a key");
    let stops = stops(|world, place| world.claiming(place, NAME, key));
    assert_eq!(stops, 6);
}

#[test]
fn d2_a_stop_anywhere_in_a_commit_that_releases() {
    let stops = stops(|world, place| {
        let create = world.claiming(place, NAME, CommitId::new());
        make(world, &create);
        world.releasing(place, domain_of(&create), NAME)
    });
    assert_eq!(stops, 12); // the commit, the row, where the organization lives, who holds, where it lives, the row's end
}

/// Who reserved finds their shard away, and would give up; but somebody has begun to help, and stops anywhere.
#[test]
fn d2_what_somebody_helps_with_is_not_given_up() {
    let mut refused_to_give_up = 0;
    for step in 0.. {
        let world = World::new();
        let place = world.organization_on(0);
        let rival = world.organization_on(1);
        let commit = world.claiming(place, NAME, CommitId::new());
        let reserved = Steps::at(OPENING + 1, Fault::Stop);
        let process = world.opened(&Steps::at(0, Fault::Away), &reserved);
        let mut work = Box::pin(process.commit(&commit));
        assert!(drive(&mut work).is_none());

        let helps = Steps::at(OPENING + step, Fault::Stop);
        let helper = world.process(&helps);
        let mut help = Box::pin(helper.settle());
        let stopped = drive(&mut help).is_none();

        reserved.resume();
        let said = drive(&mut work).unwrap().unwrap_err();
        let given_up = process.wrote_nothing(&said);
        refused_to_give_up += usize::from(!given_up);
        let theirs = want(&world, rival);
        helps.resume();
        if stopped {
            drop(drive(&mut help).unwrap());
        }
        assert!(!(given_up && world.has(&commit)), "{step}: {said}");
        assert_eq!(theirs, !world.has(&commit), "{step}: {said}");
        assert_eq!(world.holders(NAME).len(), 1);
        world.is_settled(&[NAME], &[place.organization, rival.organization]);
        if !stopped {
            break;
        }
    }
    assert!(refused_to_give_up > 0);
}
