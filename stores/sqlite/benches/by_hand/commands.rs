//! Whole commands: what is asked to what is written.

use core::num::NonZeroU32;
use std::path::Path;
use std::time::{Duration, Instant};

use tenancy::{commands::*, *};
use tenancy_sqlite::SqliteRepository;

use crate::hand::Hand;
use crate::measure::median;
use crate::world::quick;

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
    let address = |actor: &Actor| actor.verified_email().unwrap().address().clone();
    let addresses: Vec<_> = cast.iter().map(|(_, guest)| address(guest)).collect();
    let (created, organizations) = timed(cast.iter().map(|(host, _)| service.create(host, &acme)));
    let there = || cast.iter().zip(&organizations);
    let (invited, tokens) = timed(
        there()
            .zip(&addresses)
            .map(|(((host, _), organization), email)| service.invite(host, *organization, email)),
    );
    let guests = cast.iter().map(|(_, guest)| guest).zip(&tokens);
    let (accepted, _) = timed(guests.map(|(guest, token)| service.accept(guest, token)));
    let (workspace, _) = timed(
        there().map(|((host, _), organization)| service.workspace(host, *organization, &payments)),
    );
    let guest = |guest: &Actor| guest.user_id().unwrap();
    let (removed, _) = timed(
        there()
            .map(|((host, whom), organization)| service.remove(host, *organization, guest(whom))),
    );
    [created, invited, accepted, workspace, removed]
}

fn timed<T>(work: impl Iterator<Item = T>) -> (Duration, Vec<T>) {
    let begun = Instant::now();
    let done = work.collect();
    (begun.elapsed(), done)
}
