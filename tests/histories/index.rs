//! The access index: whatever happens, it says what the records say.

mod following;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use tenancy::commands::{ChangeOrganizationRole, CreateOrganization, GiveWorkspaceRole};
use tenancy::store::{
    AccessIndex, Commit, Fed, Glance, Held, MemoryRepository, OrganizationState, Outcome,
    Repository, Term, WithIndex,
};
use tenancy::{
    Actor, CommitId, Event, Name, OrganizationId, OrganizationRole, Resource, Tenancy, UserId,
    VerifiedEmail, Version, WorkspaceId, WorkspaceRole, block_on,
};

use crate::bytes::{USERS, user};
use crate::driver::Driver;
use crate::properties::histories;

/// Everybody, and somebody whom nobody knows.
fn everybody() -> Vec<UserId> {
    let known = (0..u8::try_from(USERS.len()).unwrap()).map(user);
    known.chain([UserId::from_external("outsider")]).collect()
}

/// Everything that there was in an organization, and something that never was.
fn everything(driver: &Driver, organization: OrganizationId) -> Vec<Resource> {
    let workspaces = driver.workspaces.iter();
    let workspaces = workspaces.map(|(_, id)| Resource::Workspace(organization, *id));
    let domains = driver.domains.iter();
    let domains = domains.map(|(_, id)| Resource::Domain(organization, *id));
    let nowhere = Resource::Workspace(organization, WorkspaceId::from_uuid(organization.as_uuid()));
    let mut all = vec![Resource::Organization(organization), nowhere];
    all.extend(workspaces.chain(domains));
    all
}

/// Whether a membership is one of which an index answers.
fn lasts(held: &Held) -> bool {
    held.organization_role.is_some() && held.organization_term == Term::Open
}

/// Asserts that what is said at a glance of an organization, and what is `said` at length, is what its records say.
fn agrees(
    driver: &Driver,
    state: &OrganizationState,
    said: impl Fn(UserId, Resource) -> (Option<Held>, Option<Glance>),
    is_said: impl Fn(&Held) -> bool,
    context: &str,
) {
    for resource in everything(driver, state.id()) {
        for user in everybody() {
            let held = state.held(user, resource);
            let (found, glance) = said(user, resource);
            let context = || format!("{context}: {user} at {resource}");
            assert_eq!(found, held.filter(&is_said), "{}", context());
            if glance.is_some() {
                let expected = held.and_then(|held| held.glance());
                assert_eq!(glance, expected, "{}", context());
            }
        }
    }
}

/// The same of an index.
fn index_agrees(driver: &Driver, state: &OrganizationState, index: &AccessIndex, context: &str) {
    let said = |user, on| (index.held(user, on), index.glance(user, on));
    agrees(driver, state, said, lasts, context);
}

#[test]
fn it_says_what_the_records_say() {
    histories(24, |steps| {
        let mut driver = Driver::new();
        let store = driver.tenancy.repository().clone();
        // As it is in another process, which learns of some commits at once and of others later.
        let elsewhere = WithIndex::new(store.clone());
        for (at, step) in steps.iter().enumerate() {
            drop(driver.step(*step));
            for organization in driver.organizations.clone() {
                let state = store.state(organization).unwrap();
                // Its own index has all there is, and answers outsiders too.
                let said = |user, on| {
                    let standing = block_on(store.standing(user, on)).unwrap();
                    (standing, store.glance(user, on))
                };
                agrees(&driver, &state, said, |_| true, "the store in memory");
                if at % 3 != 0 {
                    continue;
                }
                let fed = block_on(elsewhere.catch_up(organization)).unwrap();
                assert!(matches!(fed, Fed::Applied | Fed::Known), "{fed:?}");
                index_agrees(&driver, &state, elsewhere.index(), "caught up with");
                if at % 9 == 0 {
                    let fed = block_on(elsewhere.fill(organization)).unwrap();
                    assert_eq!(fed, Fed::Applied);
                    index_agrees(&driver, &state, elsewhere.index(), "filled in");
                    let whole = AccessIndex::new();
                    assert_eq!(whole.insert(&state), Fed::Applied);
                    assert_eq!(whole.insert(&state), Fed::Applied, "again");
                    index_agrees(&driver, &state, &whole, "inserted");
                }
            }
        }
    });
}

fn ann() -> Actor {
    let email = "ann@acme.example".parse().unwrap();
    Actor::user(user(0), VerifiedEmail::attest(email))
}

/// An organization, its workspace, and as many members as are asked for.
fn crowded(store: &impl Repository, members: u16) -> (OrganizationState, WorkspaceId) {
    let (organization, workspace) = (OrganizationId::new(), WorkspaceId::new());
    let mut events = vec![
        Event::OrganizationCreated {
            name: Name::new("Acme").unwrap(),
            workspace_quota: 1,
            limits: tenancy::Limits::default(),
        },
        Event::WorkspaceCreated {
            workspace,
            name: Name::new("Payments").unwrap(),
        },
    ];
    events.extend((0..=members).map(|member| Event::MemberJoined {
        user: if member == 0 {
            user(0)
        } else {
            UserId::from_external(&format!("member{member}"))
        },
        email: format!("m{member}@acme.example").parse().unwrap(),
        role: if member == 0 {
            OrganizationRole::Admin
        } else {
            OrganizationRole::Member
        },
    }));
    let mut state = OrganizationState::absent(organization);
    let commit = Commit::replayed(&mut state, entry(organization, 1, events)).unwrap();
    assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    (state, workspace)
}

fn entry(organization: OrganizationId, version: u64, events: Vec<Event>) -> tenancy::LogEntry {
    tenancy::LogEntry {
        organization,
        version: Version::new(version),
        id: CommitId::new(),
        at: chrono::DateTime::UNIX_EPOCH,
        author: tenancy::Author::User(user(0)),
        command: "import".to_owned(),
        parts: Vec::new(),
        request: None,
        events,
        later: tenancy::store::Later::default(),
    }
}

/// Whoever holds one of two roles at any time holds one whenever it is looked at: what is read is of one moment, while
/// the tables change, grow, and are filled in anew.
#[test]
fn what_is_read_is_of_one_moment() {
    let store = MemoryRepository::new();
    let (mut state, workspace) = crowded(&store, 40);
    let organization = state.id();
    let index = AccessIndex::new();
    assert_eq!(index.insert(&state), Fed::Applied);
    let bob = UserId::from_external("member1");
    let first = Event::WorkspaceRoleGiven {
        workspace,
        user: bob,
        role: WorkspaceRole::Admin,
        replaces: None,
    };
    let mut version = 1;
    let mut happens = |index: &AccessIndex, events: Vec<Event>| {
        version += 1;
        let commit = Commit::replayed(&mut state, entry(organization, version, events)).unwrap();
        assert_eq!(index.apply(&commit), Fed::Applied);
        state.clone()
    };
    happens(&index, vec![first]);
    let ends = AtomicBool::new(false);
    let reads = thread::scope(|threads| {
        let readers = [1, 2].map(|_| {
            threads.spawn(|| {
                let mut reads = 0_u64;
                let mut last = Version::ABSENT;
                while !ends.load(Ordering::Relaxed) {
                    let on = Resource::Workspace(organization, workspace);
                    let Some(held) = index.held(bob, on) else {
                        continue;
                    };
                    let admin = held.organization_role == Some(OrganizationRole::Admin);
                    let worker = held.workspace_role == Some(WorkspaceRole::Admin);
                    assert!(admin != worker, "{held:?}");
                    assert!(held.version >= last, "time goes on");
                    last = held.version;
                    if let Some(glance) = index.glance(bob, on) {
                        let admin = glance.organization_role == Some(OrganizationRole::Admin);
                        let worker = glance.workspace_role == Some(WorkspaceRole::Admin);
                        assert!(admin != worker, "{glance:?}");
                    }
                    reads += 1;
                }
                reads
            })
        });
        for round in 0..600_u16 {
            let promoted = vec![
                Event::WorkspaceRoleTaken {
                    workspace,
                    user: bob,
                    role: WorkspaceRole::Admin,
                },
                Event::OrganizationRoleChanged {
                    user: bob,
                    from: OrganizationRole::Member,
                    to: OrganizationRole::Admin,
                },
            ];
            let demoted = vec![
                Event::OrganizationRoleChanged {
                    user: bob,
                    from: OrganizationRole::Admin,
                    to: OrganizationRole::Member,
                },
                Event::WorkspaceRoleGiven {
                    workspace,
                    user: bob,
                    role: WorkspaceRole::Admin,
                    replaces: None,
                },
                // The tables grow.
                Event::MemberJoined {
                    user: UserId::from_external(&format!("newcomer{round}")),
                    email: format!("n{round}@acme.example").parse().unwrap(),
                    role: OrganizationRole::Member,
                },
            ];
            happens(&index, promoted);
            let state = happens(&index, demoted);
            if round % 100 == 0 {
                assert_eq!(index.insert(&state), Fed::Applied);
            }
        }
        ends.store(true, Ordering::Relaxed);
        readers.map(|reader| reader.join().unwrap())
    });
    assert!(reads.iter().all(|reads| *reads > 100), "{reads:?}");
}

#[test]
fn many_roles_ends_and_departures_leave_nothing_behind() {
    let store = MemoryRepository::new();
    let (mut state, _) = crowded(&store, 3);
    let organization = state.id();
    let index = AccessIndex::new();
    assert_eq!(index.insert(&state), Fed::Applied);
    let bob = UserId::from_external("member1");
    let workspaces: Vec<_> = (0..200).map(|_| WorkspaceId::new()).collect();
    let mut version = 1;
    let mut happens = |events: Vec<Event>| {
        version += 1;
        let commit = Commit::replayed(&mut state, entry(organization, version, events)).unwrap();
        assert_eq!(index.apply(&commit), Fed::Applied);
        for on in workspaces
            .iter()
            .map(|id| Resource::Workspace(organization, *id))
        {
            let held = state.held(bob, on);
            let expected = held.filter(lasts);
            assert_eq!(index.held(bob, on), expected);
        }
    };
    let role = |at: usize| WorkspaceRole::ALL[at % 3];
    let until = Some(chrono::DateTime::from_timestamp_millis(1_000).unwrap());
    happens(
        (0..200)
            .map(|at| Event::WorkspaceCreated {
                workspace: workspaces[at],
                name: Name::new(&format!("Workspace {at}")).unwrap(),
            })
            .collect(),
    );
    happens(
        (0..200)
            .map(|at| Event::WorkspaceRoleGiven {
                workspace: workspaces[at],
                user: bob,
                role: role(at),
                replaces: None,
            })
            .collect(),
    );
    happens(
        (0..200)
            .filter(|at| at % 2 == 0)
            .map(|at| Event::WorkspaceRoleEndSet {
                workspace: workspaces[at],
                user: bob,
                from: None,
                to: until,
            })
            .collect(),
    );
    happens(vec![Event::MembershipEndSet {
        user: bob,
        from: None,
        to: until,
    }]);
    happens(vec![Event::MemberSuspended { user: bob }]);
    happens(
        (0..200)
            .map(|at| Event::WorkspaceRoleTaken {
                workspace: workspaces[at],
                user: bob,
                role: role(at),
            })
            .chain([Event::MemberRemoved {
                user: bob,
                role: OrganizationRole::Member,
            }])
            .collect(),
    );
    happens(
        (0..200)
            .map(|at| Event::WorkspaceDeleted {
                workspace: workspaces[at],
                name: Name::new(&format!("Workspace {at}")).unwrap(),
            })
            .collect(),
    );
    let before = index.bytes();
    let again = AccessIndex::new();
    assert_eq!(again.insert(&state), Fed::Applied);
    assert!(
        again.bytes() < before,
        "the tables stay as large as they were"
    );
}

#[test]
fn what_it_is_told_out_of_order_waits_for_the_rest() {
    let tenancy = Tenancy::new(WithIndex::new(MemoryRepository::new()));
    let create = CreateOrganization {
        name: Name::new("Acme").unwrap(),
    };
    let acme = block_on(tenancy.execute(&ann(), create)).unwrap().output;
    let (store, index) = (tenancy.repository().store(), tenancy.repository().index());
    let on = Resource::Organization(acme.organization);
    assert!(index.held(user(0), on).is_some());
    assert_eq!(index.lag(acme.organization), Some(0));

    // Another process commits twice, and this one hears of the second.
    let elsewhere = Tenancy::new(store.clone());
    for to in ["A", "B"] {
        let rename = tenancy::commands::RenameOrganization {
            organization: acme.organization,
            name: Name::new(to).unwrap(),
        };
        let _ = block_on(elsewhere.execute(&ann(), rename)).unwrap();
    }
    index.hear(acme.organization, Version::new(3));
    assert_eq!(index.held(user(0), on), None, "the store is asked");
    assert_eq!(index.lag(acme.organization), Some(2));
    let standing = block_on(tenancy.standing(&ann(), acme.organization)).unwrap();
    assert_eq!(standing.unwrap().version(), Version::new(3));
    assert_eq!(
        block_on(tenancy.repository().catch_up(acme.organization)),
        Ok(Fed::Applied)
    );
    let Some(held) = index.held(user(0), on) else {
        panic!("it has caught up");
    };
    assert_eq!(held.version, Version::new(3));
    assert_eq!(
        block_on(tenancy.repository().catch_up(acme.organization)),
        Ok(Fed::Known)
    );

    // A command here, which is decided on what another process did, brings the index along.
    let give = GiveWorkspaceRole {
        organization: acme.organization,
        workspace: acme.workspace,
        user: user(0),
        role: WorkspaceRole::Reader,
    };
    let _ = block_on(elsewhere.execute(&ann(), give)).unwrap();
    let change = ChangeOrganizationRole {
        organization: acme.organization,
        user: user(0),
        role: OrganizationRole::Member,
    };
    let _ = block_on(tenancy.execute(&ann(), change)).unwrap_err(); // the last Admin; but it was loaded
    assert_eq!(index.lag(acme.organization), Some(1));
    let rename = tenancy::commands::RenameOrganization {
        organization: acme.organization,
        name: Name::new("C").unwrap(),
    };
    let _ = block_on(tenancy.execute(&ann(), rename)).unwrap();
    assert_eq!(index.version(acme.organization), Some(Version::new(5)));
    assert_eq!(index.lag(acme.organization), Some(0));
}

#[test]
fn an_outsider_learns_nothing_from_an_index() {
    let store = MemoryRepository::new();
    let (state, workspace) = crowded(&store, 3);
    let index = AccessIndex::new();
    assert_eq!(index.insert(&state), Fed::Applied);
    let outsider = UserId::from_external("outsider");
    let there = [
        Resource::Organization(state.id()),
        Resource::Workspace(state.id(), workspace),
    ];
    let nowhere = Resource::Organization(OrganizationId::new());
    for resource in there.into_iter().chain([nowhere]) {
        assert_eq!(index.held(outsider, resource), None, "the store is asked");
        assert_eq!(index.glance(outsider, resource), None);
    }
    assert!(index.held(user(0), there[0]).is_some());
}
