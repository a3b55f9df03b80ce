//! The harness on a store that breaks its promises: it has to notice, or it would notice nothing.

use std::collections::{HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateWorkspace, DeleteWorkspace, GiveWorkspaceRole,
    LeaveOrganization,
};
use tenancy::store::{
    Change, Claim, Commit, Drift, Facts, Held, Key, OrganizationState, Outcome, Repository, Stored,
};
use tenancy::{
    CommitId, DomainKind, LogEntry, OrganizationId, OrganizationRole, Resource, UserId,
    WorkspaceRole,
};

use super::harness::{Founded, ONE_OF_TWO, Orders, Writers, all_orders, sets, wants, wants_as};
use tenancy_tests::world::{Acme, Inspected, id, user};

/// Which promises the store keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keeps {
    All,
    /// But for the version: it applies every commit.
    AllButVersions,
    /// But for claims: it gives one to everybody.
    AllButClaims,
    /// But for the ids of commits: it takes one twice.
    AllButIds,
}

/// As simple as a store can be, and trusting: nothing is checked but what it promises.
struct Store {
    keeps: Keeps,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    organizations: HashMap<OrganizationId, (OrganizationState, Vec<LogEntry>)>,
    claims: HashMap<Claim, OrganizationId>,
    /// Of every commit that was made, in whichever organization.
    ids: HashSet<CommitId>,
}

impl Store {
    fn that(keeps: Keeps) -> Self {
        Self {
            keeps,
            inner: Mutex::default(),
        }
    }

    fn read<T>(&self, read: impl FnOnce(&mut Inner) -> T) -> T {
        read(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Repository for Store {
    type Error = Infallible;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Infallible> {
        Ok(self.read(|inner| {
            let (state, log) = inner.organizations.get(&organization)?;
            Facts::select(state, log, keys)
        }))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Infallible> {
        Ok(self.read(|inner| {
            let id = commit.organization();
            let absent = || (OrganizationState::absent(id), Vec::new());
            let (state, _) = inner.organizations.entry(id).or_insert_with(absent);
            if self.keeps != Keeps::AllButIds && inner.ids.contains(&commit.entry.id) {
                return Outcome::IdUsed;
            }
            if self.keeps != Keeps::AllButVersions && state.version() != commit.expected {
                return Outcome::Conflict;
            }
            let taken = commit.changes.iter().find_map(|change| match change {
                Change::Claim(claim) if inner.claims.contains_key(claim) => Some(claim.clone()),
                _ => None,
            });
            if let (Some(claim), true) = (taken, self.keeps != Keeps::AllButClaims) {
                return Outcome::Taken(claim);
            }
            let Some((state, log)) = inner.organizations.get_mut(&id) else {
                return Outcome::Conflict;
            };
            state.set_organization(commit.next.clone());
            for change in &commit.changes {
                match change {
                    Change::Put(record) => state.put(record.clone()),
                    Change::Delete(id) => drop(state.delete(id)),
                    Change::Claim(claim) => drop(inner.claims.insert(claim.clone(), id)),
                    Change::Release(claim) => drop(inner.claims.remove(claim)),
                }
            }
            log.push(commit.entry.clone());
            inner.ids.insert(commit.entry.id);
            Outcome::Committed
        }))
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Infallible> {
        Ok(self.read(|inner| {
            let (state, _) = inner.organizations.get(&on.organization())?;
            state.held(user, on)
        }))
    }
}

impl Inspected for Store {
    fn state(&self, organization: OrganizationId) -> Option<OrganizationState> {
        self.read(|inner| {
            let (state, _) = inner.organizations.get(&organization)?;
            // One that was asked for and never made.
            state.organization().is_some().then(|| state.clone())
        })
    }

    fn log(&self, organization: OrganizationId) -> Vec<LogEntry> {
        self.read(|inner| {
            let kept = inner.organizations.get(&organization);
            kept.map_or_else(Vec::new, |(_, log)| log.clone())
        })
    }

    fn verify(&self, organization: OrganizationId) -> Result<(), Drift> {
        self.read(|inner| match inner.organizations.get(&organization) {
            None => Ok(()),
            Some((state, log)) => {
                let stored = Stored {
                    state: state.clone(),
                    log: log.clone(),
                    claims: inner
                        .claims
                        .iter()
                        .map(|(c, id)| (c.clone(), *id))
                        .collect(),
                    misfiled: Vec::new(),
                };
                stored.verify()
            }
        })
    }
}

type Race = fn(Keeps) -> (Founded<Store>, Writers<Store>);

const VERSIONED: [(&str, Race); 5] = [
    ("two last Admins leave", two_leave),
    ("two creators at one free slot", two_create),
    ("one link, opened twice", two_accept),
    ("a workspace deleted under a new domain", delete_and_domain),
    ("a workspace deleted under a new member", delete_and_member),
];

fn run(race: Race, keeps: Keeps) -> Orders {
    all_orders(|| race(keeps), |_, _| ())
}

#[test]
fn a_store_that_keeps_its_promises_shows_no_disorder() {
    for (name, race) in VERSIONED.into_iter().chain([
        ("one name in two", two_claim as Race),
        ("one id in two", two_under_one_id as Race),
    ]) {
        let orders = run(race, Keeps::All);
        assert_eq!(orders.disorder, [], "{name}");
        assert!(orders.schedules >= 6, "{name}");
    }
}

#[test]
fn a_store_that_ignores_the_version_is_found_out_by_every_race() {
    for (name, race) in VERSIONED {
        let orders = run(race, Keeps::AllButVersions);
        // Only where both decide before either commits; one after the other does no harm.
        assert!(!orders.disorder.is_empty(), "{name}: not noticed");
        assert!(
            !orders.outcomes.is_empty(),
            "{name}: some orders do no harm"
        );
    }
}

#[test]
fn a_store_that_gives_a_claim_twice_is_found_out() {
    let orders = run(two_claim, Keeps::AllButClaims);
    let twice = "the organization's domain name `api` is not claimed for it";
    assert!(
        orders
            .disorder
            .iter()
            .all(|(_, wrong)| wrong.contains(twice))
    );
    assert!(!orders.disorder.is_empty(), "not noticed");
}

#[test]
fn a_store_that_takes_an_id_twice_is_found_out() {
    let kept = run(two_under_one_id, Keeps::All);
    assert_eq!(kept.outcomes, sets(ONE_OF_TWO));
    // Each organization by itself is in order; that both requests were carried out under one id is not.
    let broken = run(two_under_one_id, Keeps::AllButIds);
    assert_eq!(broken.outcomes, sets([[true, true]]));
}

fn two_leave(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps)).joined("bob", OrganizationRole::Admin);
    let organization = world.acme.organization;
    let leave = LeaveOrganization { organization };
    let writers = vec![
        wants(&user("ann"), leave.clone()),
        wants(&user("bob"), leave),
    ];
    (world, writers)
}

fn two_create(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps)).quota(2);
    let organization = world.acme.organization;
    let create = |name: &str| CreateWorkspace {
        organization,
        name: name.parse().unwrap(),
    };
    let ann = user("ann");
    let writers = vec![wants(&ann, create("A")), wants(&ann, create("B"))];
    (world, writers)
}

fn two_accept(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps));
    let token = world.invited("bob", OrganizationRole::Member);
    let accept = AcceptInvitation { token };
    let writers = vec![
        wants(&user("bob"), accept.clone()),
        wants(&user("bob"), accept),
    ];
    (world, writers)
}

fn delete_and_domain(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps));
    let (organization, workspace) = (world.acme.organization, world.acme.workspace);
    let delete = DeleteWorkspace {
        organization,
        workspace,
    };
    let create = CreateDomain {
        organization,
        workspace,
        name: "api".parse().unwrap(),
        kind: DomainKind::Sandbox,
    };
    let ann = user("ann");
    let writers = vec![wants(&ann, delete), wants(&ann, create)];
    (world, writers)
}

fn delete_and_member(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps)).joined("bob", OrganizationRole::Member);
    let (organization, workspace) = (world.acme.organization, world.acme.workspace);
    let delete = DeleteWorkspace {
        organization,
        workspace,
    };
    let give = GiveWorkspaceRole {
        organization,
        workspace,
        user: id(&user("bob")),
        role: WorkspaceRole::Reader,
    };
    let ann = user("ann");
    let writers = vec![wants(&ann, delete), wants(&ann, give)];
    (world, writers)
}

/// One id for requests in two organizations (A6).
fn two_under_one_id(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps));
    let acme = world.acme;
    let zebra = world.born(&user("zoe"), "Zebra");
    let commit = CommitId::new();
    let writers = vec![
        wants_as(commit, &user("ann"), acme.rename("Acme SAS")),
        wants_as(commit, &user("zoe"), zebra.rename("Zebra SAS")),
    ];
    (world, writers)
}

fn two_claim(keeps: Keeps) -> (Founded<Store>, Writers<Store>) {
    let world = Founded::on(Store::that(keeps));
    let acme = world.acme;
    let zebra = world.born(&user("zoe"), "Zebra");
    let create = |there: Acme| CreateDomain {
        organization: there.organization,
        workspace: there.workspace,
        name: "api".parse().unwrap(),
        kind: DomainKind::Sandbox,
    };
    let writers = vec![
        wants(&user("ann"), create(acme)),
        wants(&user("zoe"), create(zebra)),
    ];
    (world, writers)
}
