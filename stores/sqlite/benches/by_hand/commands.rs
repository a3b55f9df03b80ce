//! Whole commands: what is asked to what is written.

use core::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::SqliteRepository;

use crate::hand::Hand;
use crate::measure::median;
use crate::world::{creation, founder, quick};

/// The commands that are compared, of whoever keeps organizations.
pub(crate) trait Service {
    fn create(&mut self, by: &Actor, name: &Name) -> OrganizationId;
    fn invite(
        &mut self,
        by: &Actor,
        organization: OrganizationId,
        email: &EmailAddress,
    ) -> InvitationToken;
    fn accept(&mut self, by: &Actor, token: &InvitationToken);
    fn workspace(&mut self, by: &Actor, organization: OrganizationId, name: &Name);
    fn remove(&mut self, by: &Actor, organization: OrganizationId, whom: UserId);
}

impl Service for Tenancy<SqliteRepository> {
    #[inline(never)]
    fn create(&mut self, by: &Actor, name: &Name) -> OrganizationId {
        let name = name.clone();
        let done = block_on(self.execute(by, CreateOrganization { name }));
        done.unwrap().output.organization
    }

    #[inline(never)]
    fn invite(
        &mut self,
        by: &Actor,
        organization: OrganizationId,
        email: &EmailAddress,
    ) -> InvitationToken {
        let command = InviteToOrganization {
            organization,
            email: email.clone(),
            role: OrganizationRole::Member,
        };
        block_on(self.execute(by, command))
            .unwrap()
            .output
            .token
            .unwrap()
    }

    #[inline(never)]
    fn accept(&mut self, by: &Actor, token: &InvitationToken) {
        let token = token.clone();
        block_on(self.execute(by, AcceptInvitation { token })).unwrap();
    }

    #[inline(never)]
    fn workspace(&mut self, by: &Actor, organization: OrganizationId, name: &Name) {
        let name = name.clone();
        block_on(self.execute(by, CreateWorkspace { organization, name })).unwrap();
    }

    #[inline(never)]
    fn remove(&mut self, by: &Actor, organization: OrganizationId, user: UserId) {
        block_on(self.execute(by, RemoveMember { organization, user })).unwrap();
    }
}

const STEPS: [&str; 5] = [
    "create an organization",
    "invite to it",
    "accept",
    "create a workspace",
    "remove a member",
];

pub(crate) fn run(directory: &Path, rounds: usize, size: usize) {
    println!("\none whole command, in an organization of two; synchronous = NORMAL");
    let store = SqliteRepository::open_with(directory.join("commands.db"), &quick()).unwrap();
    let settings = Settings {
        default_workspace_quota: NonZeroU32::new(100).unwrap(),
        ..Settings::default()
    };
    let mut store = Tenancy::new(store).with_settings(settings);
    let mut hand = Hand::open(&directory.join("commands-hand.db"));
    let mut times: [[Vec<Duration>; 5]; 2] = Default::default();
    let mut number = 0;
    for round in 0..=rounds {
        for turn in 0..2 {
            let which = (turn + round) % 2;
            let mut people = || {
                number += 1;
                person(number)
            };
            let cast: Vec<_> = (0..size).map(|_| (people(), people())).collect();
            let service: &mut dyn Service = if which == 0 { &mut hand } else { &mut store };
            let took = story(service, &cast);
            if round > 0 {
                for (times, took) in times[which].iter_mut().zip(took) {
                    times.push(took); // the first one warms up
                }
            }
        }
    }
    let [hand, store] = &mut times;
    for ((step, hand), store) in STEPS.iter().zip(hand).zip(store) {
        let (hand, store) = (median(hand, size), median(store, size));
        let ratio = store / hand;
        println!("  {step:24} by hand {hand:7.2} µs, the store {store:7.2} µs  {ratio:5.2} x");
    }
}

fn person(number: u32) -> Actor {
    let email = EmailAddress::new(&format!("person{number}@acme.example")).unwrap();
    Actor::user(UserId::new(), VerifiedEmail::attest(email))
}

/// Each command once for each pair of people; how long each took.
fn story(service: &mut dyn Service, cast: &[(Actor, Actor)]) -> [Duration; 5] {
    let (acme, payments) = (Name::new("Acme").unwrap(), Name::new("Payments").unwrap());
    let (created, organizations) = timed(cast.iter().map(|(host, _)| service.create(host, &acme)));
    let there = cast.iter().zip(organizations);
    let turns = there.map(|((host, guest), organization)| Turn {
        host: host.clone(),
        guest: guest.clone(),
        organization,
        name: payments.clone(),
    });
    let [invited, accepted, workspace, removed] = go_on(service, &turns.collect::<Vec<_>>());
    [created, invited, accepted, workspace, removed]
}

/// Somebody, somebody who comes and goes, and a workspace.
struct Turn {
    host: Actor,
    guest: Actor,
    organization: OrganizationId,
    name: Name,
}

fn go_on(service: &mut dyn Service, turns: &[Turn]) -> [Duration; 4] {
    let address = |turn: &Turn| turn.guest.verified_email().unwrap().address().clone();
    let addresses: Vec<_> = turns.iter().map(address).collect();
    let (invited, tokens) = timed(
        turns
            .iter()
            .zip(&addresses)
            .map(|(turn, email)| service.invite(&turn.host, turn.organization, email)),
    );
    let guests = turns.iter().map(|turn| &turn.guest).zip(&tokens);
    let (accepted, _) = timed(guests.map(|(guest, token)| service.accept(guest, token)));
    let (workspace, _) = timed(
        turns
            .iter()
            .map(|turn| service.workspace(&turn.host, turn.organization, &turn.name)),
    );
    let (removed, _) = timed(turns.iter().map(|turn| {
        let guest = turn.guest.user_id().unwrap();
        service.remove(&turn.host, turn.organization, guest);
    }));
    [invited, accepted, workspace, removed]
}

/// The same commands where there are few members, and many.
pub(crate) fn growth(directory: &Path, rounds: usize, size: usize, many: u32) {
    println!("\none whole command, in an organization of 10 members and of {many}");
    let mut stores = [10, many].map(|members| {
        let path = directory.join(format!("growth-{members}.db"));
        let store = SqliteRepository::open_with(path, &quick()).unwrap();
        let (host, organization) = crowded(&store, members);
        let settings = Settings {
            daily_link_limit: u32::MAX,
            ..Settings::default()
        };
        (
            Tenancy::new(store).with_settings(settings),
            host,
            organization,
        )
    });
    let mut times: [[Vec<Duration>; 4]; 2] = Default::default();
    let mut number = many;
    for round in 0..=rounds {
        for turn in 0..2 {
            let which = (turn + round) % 2;
            let (service, host, organization) = &mut stores[which];
            let turns = (0..size).map(|_| {
                number += 1;
                Turn {
                    host: host.clone(),
                    guest: person(number),
                    organization: *organization,
                    name: Name::new(&format!("Workspace {number}")).unwrap(),
                }
            });
            let took = go_on(service, &turns.collect::<Vec<_>>());
            if round > 0 {
                for (times, took) in times[which].iter_mut().zip(took) {
                    times.push(took); // the first one warms up
                }
            }
        }
    }
    let [few, many] = &mut times;
    for ((step, few), many) in STEPS.iter().skip(1).zip(few).zip(many) {
        let (few, many) = (median(few, size), median(many, size));
        let ratio = many / few;
        println!("  {step:24} of few {few:7.2} µs, of many {many:7.2} µs  {ratio:5.2} x");
    }
}

/// An organization of so many members, as one commit, and its Admin.
fn crowded(store: &SqliteRepository, members: u32) -> (Actor, OrganizationId) {
    let mut entry = creation(CommitId::new()).entry;
    let joined = |number| {
        let member = person(number);
        Event::MemberJoined {
            user: member.user_id().unwrap(),
            email: member.verified_email().unwrap().address().clone(),
            role: OrganizationRole::Member,
        }
    };
    entry.events.extend((1..members).map(joined));
    let mut state = OrganizationState::absent(entry.organization);
    let commit = Commit::replayed(&mut state, entry).unwrap();
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    (founder(), commit.organization())
}

fn timed<T>(work: impl Iterator<Item = T>) -> (Duration, Vec<T>) {
    let begun = Instant::now();
    let done = work.collect();
    (begun.elapsed(), done)
}
