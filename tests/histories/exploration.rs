//! A small world, explored completely: from the empty state, every command of everybody with every
//! argument, in every state that can be reached.
//!
//! # What is covered
//!
//! Each test is one world, within the [`Bounds`] that it states, and reaches *every* state of it: the
//! exploration ends because nothing new is found, not because of a limit. In every state every command is
//! asked by every user and by the vendor's staff, with every argument of the world, with things of the
//! other organization, with guessed links, and with ids of nothing. Time passes too: from every state with
//! a pending invitation there is one in which all have expired, and where links are counted (I8) one in which
//! a minute has passed, and one of another day. It runs on the crate's own
//! [`decide`](tenancy::commands::decide), with exactly the facts that each command's keys bring.
//!
//! Of every question:
//! - the answer is the one of the model ([`tenancy_tests::model`]), a second reading of the rulebook: the same
//!   code of refusal, or the same records afterwards, and to whom each open link gives nothing more (M2, M4);
//! - all records of the organization give the same answer as those that the keys brought;
//! - a commit's changes and its events make the same state, one version later; a repetition under the same
//!   id answers the same and changes nothing; a refusal comes without a commit;
//! - no step creates a workspace past the quota, deletes what isn't empty, lowers a role by accepting,
//!   reopens an invitation, takes a seat or makes a domain past its limit, or changes a domain's kind ([`invariants::only_allowed_steps`]).
//!
//! Of every state: `validate()` finds nothing, and nor do the same invariants written once more
//! ([`Explorer::in_order`]); every open invitation could be sent by its inviter today (I6); the claims are
//! those of the domains' names; the log replayed from nothing is the state.
//!
//! That all of this can fail is tested in `exploration/control.rs`.
//!
//! # What is not covered
//!
//! - Larger worlds. The worlds leave out different things, as everything at once (two organizations, three
//!   users with all roles, two workspaces, a domain, two invitations) is too much. What meets nowhere, not
//!   even within the larger bounds: three people, two workspaces and an invitation; a domain and three
//!   people; two invitations and two workspaces; other people's addresses and a second workspace; other
//!   people's addresses and links that are counted; suspension (T1, T4), ends (T3) and handing over (O7).
//! - Where everybody signs in with their own address, a user without a verified one asks only what depends
//!   on it for a user who is there already: create, accept, decline, follow. They ask everything in the worlds
//!   whose addresses change. `CreateDomain` is asked where the world has a domain.
//! - Roles of an organization's own (R1–R8): one at a time, and with an invitation or a domain, not with both: several
//!   at once in random histories only.
//! - Nobody's id (M6) is asked with in random histories only.
//! - `SetLimits` and `InviteMany` are asked where there are limits.
//! - What the [canonical form](canonical) forgets: names, texts, versions, times, kinds of domains. Two
//!   states that differ only there are explored once. Of what people lost (M2, M4), it remembers which open
//!   links are older, for those who may show their addresses. Closed invitations are forgotten as well, but
//!   those that a path left behind are asked for in every state on it, and so are links that were replaced.
//! - Users who may show the same addresses are alike, and so are those addresses, workspaces and
//!   organizations: of states that differ by their exchange, one is explored.
//! - Races (`interleavings.rs`), lists and reads (`properties.rs`), stores (the conformance suite).
//!
//! # Larger bounds
//!
//! ```text
//! TENANCY_DEEP=1 cargo test --release -p tenancy-tests --test histories exploration -- --include-ignored
//! ```
//!
//! 225,369 states and 117,128,459 questions, in 17 minutes on two busy cores. Without
//! `TENANCY_DEEP=1`, 9,117 states and 3,084,087 questions, in less than two minutes.

mod asks;
mod canonical;
mod control;
mod explorer;
mod invariants;

use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::num::NonZero;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use std::{panic, thread};

use canonical::Form;
use explorer::{Explorer, Node};
use tenancy::{Limits, OrganizationRole, WorkspaceRole};
use tenancy_tests::commands::Kind;
use tenancy_tests::deep;

/// How small a world is.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub organizations: u8,
    /// Of each user, the addresses that they may sign in with.
    pub addresses: &'static [&'static [u8]],
    pub organization_roles: &'static [OrganizationRole],
    pub workspace_roles: &'static [WorkspaceRole],
    /// The quotas that the vendor may set: the largest bounds the number of workspaces.
    pub quotas: &'static [u32],
    /// Whether there is the one domain.
    pub domain: bool,
    /// How many invitations may be open at once: the host's limit (I8).
    pub invitations: u32,
    /// How many links may be made in a day, one of an invitation in a minute (I8). `None`: any number, at once.
    pub links: Option<u32>,
    /// The limits that the vendor may set (Q2); the first is what an organization is born with. Where there are
    /// any, people are invited many at once, too (I9).
    pub limits: &'static [Limits],
    /// Of the commands that most worlds leave out, those that are asked here.
    pub also: &'static [Kind],
    /// How many roles of its own an organization may have (R1).
    pub own_roles: u8,
}

/// Suspending members (T1) and organizations (T4).
const SUSPENSION: &[Kind] = &[
    Kind::SuspendMember,
    Kind::ReinstateMember,
    Kind::SuspendOrganization,
    Kind::ReinstateOrganization,
];
/// Memberships and workspace roles that end (T3).
const ENDS: &[Kind] = &[Kind::SetMembershipEnd, Kind::SetWorkspaceRoleEnd];
/// Handing over (O7).
const HAND_OVER: &[Kind] = &[Kind::HandOver];

impl Bounds {
    pub fn users(&self) -> u8 {
        u8::try_from(self.addresses.len()).unwrap()
    }

    /// All addresses that there are.
    pub fn all_addresses(&self) -> BTreeSet<u8> {
        self.addresses.iter().copied().flatten().copied().collect()
    }

    /// Whether somebody may show another address than the one that they showed before.
    pub fn addresses_change(&self) -> bool {
        self.addresses.iter().any(|theirs| theirs.len() > 1)
    }

    /// Whether a command is not asked in such a world.
    pub fn leaves_out(&self, kind: Kind) -> bool {
        let rare = [SUSPENSION, ENDS, HAND_OVER];
        rare.concat().contains(&kind) && !self.also.contains(&kind)
    }

    /// The commands that nobody can be granted in such a world.
    fn never_granted(&self) -> BTreeSet<Kind> {
        let of_domains = [
            Kind::CreateDomain,
            Kind::DeactivateDomain,
            Kind::ReactivateDomain,
            Kind::MoveDomain,
            Kind::DeleteDomain,
            Kind::ReleaseDomainName,
        ];
        let of_invitations = [
            Kind::InviteToOrganization,
            Kind::InviteToWorkspace,
            Kind::ResendInvitation,
            Kind::RevokeInvitation,
            Kind::AcceptInvitation,
            Kind::DeclineInvitation,
            Kind::AcceptReceivedInvitation,
            Kind::DeclineReceivedInvitation,
        ];
        let of_limits = [Kind::SetLimits, Kind::InviteMany];
        let limits = of_limits.into_iter().filter(|_| self.limits.is_empty());
        let domains = of_domains.into_iter().filter(|_| !self.domain);
        let invitations = of_invitations.into_iter();
        let left_out = Kind::ALL.iter().filter(|kind| self.leaves_out(**kind));
        let of_roles = [
            Kind::DefineRole,
            Kind::ReviseRole,
            Kind::RetireRole,
            Kind::RestoreRole,
            Kind::DeleteRole,
        ];
        let roles = of_roles.into_iter().filter(|_| self.own_roles == 0);
        domains
            .chain(roles)
            .chain(invitations.filter(|_| self.invitations == 0))
            .chain(limits)
            .chain(left_out.copied())
            .collect()
    }
}

/// What an exploration found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// States that are not the same to some command.
    pub states: usize,
    /// Questions: a state, an actor, a command with its arguments. Those about what a path happened to
    /// leave behind come on top.
    pub questions: usize,
    /// Questions that were granted.
    pub granted: usize,
}

impl Found {
    fn add(&mut self, more: Self) {
        self.states += more.states;
        self.questions += more.questions;
        self.granted += more.granted;
    }
}

/// Each has their own address.
const TWO_PEOPLE: &[&[u8]] = &[&[0], &[1]];
const THREE_PEOPLE: &[&[u8]] = &[&[0], &[1], &[2]];
/// Everybody may sign in with everybody's address.
const ANYBODY: &[&[u8]] = &[&[0, 1], &[0, 1]];
/// Ann has one, Bob has two.
const TWO_OF_ONE: &[&[u8]] = &[&[0], &[1, 2]];

const ADMIN_OR_MEMBER: &[OrganizationRole] = &[OrganizationRole::Member, OrganizationRole::Admin];
const ADMIN_OR_READER: &[WorkspaceRole] = &[WorkspaceRole::Reader, WorkspaceRole::Admin];

/// What each world starts from, and says how it differs.
const SMALLEST: Bounds = Bounds {
    organizations: 1,
    addresses: TWO_PEOPLE,
    organization_roles: ADMIN_OR_MEMBER,
    workspace_roles: ADMIN_OR_READER,
    quotas: &[1],
    domain: false,
    invitations: 0,
    links: None,
    limits: &[],
    also: &[],
    own_roles: 0,
};

const fn found(states: usize, questions: usize, granted: usize) -> Found {
    Found {
        states,
        questions,
        granted,
    }
}

/// The small bounds, or the larger ones if they are asked for.
fn explored((small, few): (Bounds, Found), (large, many): (Bounds, Found)) {
    let (bounds, expected) = if deep() { (large, many) } else { (small, few) };
    assert_eq!(explore(bounds), expected, "within {bounds:?}");
}

#[test]
#[ignore = "deep: a whole world"]
fn three_people_with_every_role_in_a_workspace() {
    let small = Bounds {
        addresses: THREE_PEOPLE,
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        ..SMALLEST
    };
    let large = Bounds {
        quotas: &[1, 2],
        ..small
    };
    explored(
        (small, found(302, 136_622, 19_864)),
        (large, found(15_299, 8_754_907, 1_461_788)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn two_workspaces_and_a_domain_under_a_changing_quota() {
    let small = Bounds {
        quotas: &[1, 2],
        domain: true,
        ..SMALLEST
    };
    let large = Bounds {
        quotas: &[0, 1, 2],
        invitations: 1,
        ..small
    };
    explored(
        (small, found(1013, 318_202, 58_220)),
        (large, found(33_463, 11_940_803, 2_316_376)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn every_role_by_invitation() {
    let small = Bounds {
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        invitations: 2,
        ..small
    };
    explored(
        (small, found(1018, 312_350, 51_304)),
        (large, found(5_732, 1_945_396, 328_412)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn two_invitations_at_once() {
    let small = Bounds {
        invitations: 2,
        ..SMALLEST
    };
    let large = Bounds {
        addresses: THREE_PEOPLE,
        ..small
    };
    explored(
        (small, found(1011, 301_767, 51_691)),
        (large, found(27_813, 13_364_165, 2_330_057)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn three_people_and_an_invitation() {
    let small = Bounds {
        addresses: THREE_PEOPLE,
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        ..small
    };
    explored(
        (small, found(497, 187_289, 30_539)),
        (large, found(13_166, 6_644_750, 1_051_278)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn people_whose_addresses_change() {
    let small = Bounds {
        addresses: ANYBODY,
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        workspace_roles: ADMIN_OR_READER,
        invitations: 2,
        ..small
    };
    explored(
        (small, found(294, 153_860, 31_079)),
        (large, found(8_247, 5_298_503, 1_102_915)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn a_person_with_two_addresses() {
    let small = Bounds {
        addresses: TWO_OF_ONE,
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        workspace_roles: ADMIN_OR_READER,
        invitations: 2,
        ..small
    };
    explored(
        (small, found(571, 265_326, 52_858)),
        (large, found(24_429, 14_236_836, 3_130_270)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn invitations_that_are_sent_again_and_again() {
    let small = Bounds {
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        links: Some(2),
        ..SMALLEST
    };
    let large = Bounds {
        invitations: 2,
        links: Some(3),
        ..small
    };
    explored(
        (small, found(280, 66_824, 11_387)),
        (large, found(1_306, 348_296, 59_574)),
    );
}

const fn seats(seats: u32) -> Limits {
    Limits {
        seats: Some(seats),
        ..Limits::UNLIMITED
    }
}

const fn domains(domains: u32, domains_per_workspace: u32) -> Limits {
    Limits {
        seats: None,
        domains: Some(domains),
        domains_per_workspace: Some(domains_per_workspace),
    }
}

/// Q1, Q3, Q4, I9: who comes in, is invited alone or with others, rises, falls or goes, under a limit that the
/// vendor raises and lowers meanwhile.
#[test]
#[ignore = "deep: a whole world"]
fn the_last_seat() {
    let small = Bounds {
        organization_roles: &[OrganizationRole::Accounting, OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 2,
        limits: const { &[seats(1), seats(2)] },
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: &OrganizationRole::ALL,
        ..small
    };
    explored(
        (small, found(687, 203_019, 37_964)),
        (large, found(1_247, 396_169, 76_135)),
    );
}

/// D2, Q1: a domain is created, moved, deleted, created again under its kept name and released, under limits that
/// the vendor raises and lowers meanwhile.
#[test]
#[ignore = "deep: a whole world"]
fn the_last_domain() {
    let small = Bounds {
        organization_roles: &[OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        quotas: &[2],
        domain: true,
        limits: const { &[domains(1, 1), domains(0, 1), domains(1, 0)] },
        ..SMALLEST
    };
    let whole = (small, found(301, 81_032, 16_644));
    explored(whole, whole);
}

#[test]
#[ignore = "deep: a whole world"]
fn a_role_of_the_organizations_own() {
    let small = Bounds {
        workspace_roles: ADMIN_OR_READER,
        own_roles: 1,
        ..SMALLEST
    };
    let all = found(213, 76_944, 8_982);
    explored((small, all), (small, all));
}

/// R6, R7: the role is offered, and meanwhile revised, retired and, once nothing offers it, deleted.
#[test]
#[ignore = "deep: a whole world"]
fn a_role_of_the_organizations_own_by_invitation() {
    let small = Bounds {
        organization_roles: &[OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        own_roles: 1,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: ADMIN_OR_MEMBER,
        workspace_roles: ADMIN_OR_READER,
        ..small
    };
    explored(
        (small, found(1_034, 373_588, 46_148)),
        (large, found(3_439, 1_382_336, 177_481)),
    );
}

/// R4: the role lets its holders do more on sandboxes only, or on production domains only.
#[test]
#[ignore = "deep: a whole world"]
fn a_role_of_the_organizations_own_and_a_domain() {
    let small = Bounds {
        organization_roles: &[OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        domain: true,
        own_roles: 1,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: ADMIN_OR_MEMBER,
        workspace_roles: ADMIN_OR_READER,
        quotas: &[2],
        ..small
    };
    explored(
        (small, found(499, 175_778, 23_722)),
        (large, found(16_179, 7_563_720, 1_021_154)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn two_organizations_and_one_domain_name() {
    let small = Bounds {
        organizations: 2,
        organization_roles: &[OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        domain: true,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: ADMIN_OR_MEMBER,
        invitations: 1,
        ..small
    };
    explored(
        (small, found(257, 123_842, 15_881)),
        (large, found(73_395, 44_786_958, 6_399_613)),
    );
}

#[test]
#[ignore = "deep: a whole world"]
fn members_who_are_suspended_and_an_organization_that_is() {
    let small = Bounds {
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        also: SUSPENSION,
        ..SMALLEST
    };
    let all = found(386, 99_658, 10_175);
    explored((small, all), (small, all));
}

#[test]
#[ignore = "deep: a whole world"]
fn memberships_and_roles_that_end() {
    let small = Bounds {
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        also: ENDS,
        ..SMALLEST
    };
    let all = found(644, 179_698, 29_659);
    explored((small, all), (small, all));
}

#[test]
fn an_organization_that_is_handed_over() {
    let small = Bounds {
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        also: HAND_OVER,
        ..SMALLEST
    };
    let all = found(110, 28_288, 4_820);
    explored((small, all), (small, all));
}

/// One world, from nothing to its last state: level by level, so that all processors share the work of the largest.
fn explore(bounds: Bounds) -> Found {
    let started = Instant::now();
    let explorer = Explorer::new(bounds);
    let start = explorer.start();
    let mut known = HashSet::from([explorer.renamings.form(&start)]);
    let (mut found, mut granted) = (Found::default(), BTreeSet::new());
    let mut level = vec![start];
    while !level.is_empty() {
        let reached = Mutex::new(HashMap::new());
        let parts = on_all_processors(
            &level,
            |(found, granted): &mut (Found, BTreeSet<Kind>), from, node| {
                found.states += 1;
                explorer.in_order(node);
                let mut way = 0;
                explorer.expand(node, found, granted, |next| {
                    way += 1;
                    let form = explorer.renamings.form(&next);
                    if !known.contains(&form) {
                        first(&mut reached.lock().unwrap(), form, (from, way), next);
                    }
                });
            },
        );
        for (part, kinds) in parts {
            found.add(part);
            granted.extend(kinds);
        }
        let mut next: Vec<_> = Vec::new();
        for (form, reached) in reached.into_inner().unwrap() {
            known.insert(form);
            next.push(reached);
        }
        next.sort_unstable_by_key(|(way, _)| *way);
        level = next.into_iter().map(|(_, node)| node).collect();
        println!("{found:?}, {} open, {:?}", level.len(), started.elapsed());
    }
    let never = Kind::ALL.iter().filter(|kind| !granted.contains(kind));
    assert_eq!(
        never.copied().collect::<BTreeSet<_>>(),
        bounds.never_granted(),
        "every other command was granted somewhere"
    );
    println!("{bounds:?}: {found:?} in {:?}", started.elapsed());
    found
}

/// The way to a state of the next level: the place of the state before, and how many ways led from there before.
type Way = (usize, usize);

/// Of the states that are the same to every command, the one on the first way, whichever processor came first.
fn first(reached: &mut HashMap<Form, (Way, Node)>, form: Form, way: Way, node: Node) {
    match reached.entry(form) {
        Entry::Vacant(free) => {
            free.insert((way, node));
        }
        Entry::Occupied(mut other) if way < other.get().0 => {
            other.insert((way, node));
        }
        Entry::Occupied(_) => {}
    }
}

/// Each node, and its place in the level, by whichever processor is free; and what each of them found.
fn on_all_processors<T: Default + Send>(
    level: &[Node],
    visit: impl Fn(&mut T, usize, &Node) + Sync,
) -> Vec<T> {
    let taken = AtomicUsize::new(0);
    let work = || {
        let mut found = T::default();
        loop {
            let place = taken.fetch_add(1, Ordering::Relaxed);
            let Some(node) = level.get(place) else {
                return found;
            };
            visit(&mut found, place, node);
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let found = workers.into_iter().map(|worker| {
            let found = worker.join();
            found.unwrap_or_else(|failure| panic::resume_unwind(failure))
        });
        found.collect()
    })
}
