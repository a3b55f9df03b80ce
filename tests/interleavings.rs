//! Races, deterministically: two or three writers, every order of their steps.
//!
//! A writer prepares (loads and decides), then commits; if somebody else was first, it prepares again. All
//! orders of these steps are run on the memory store, and the invariants hold after each.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "shared functions say what they expect by panicking, as tests do"
)]

use std::collections::BTreeSet;

use tenancy::{
    AcceptInvitation, Actor, ChangeOrganizationRole, Command, Commit, CreateDomain,
    CreateOrganization, CreateWorkspace, CreatedOrganization, DeleteWorkspace, DomainKind, Error,
    GiveWorkspaceRole, InvitationToken, InviteToOrganization, InviteToWorkspace, LeaveOrganization,
    Line, MemoryRepository, Operator, OrganizationRole, Outcome, RemoveMember, Repository,
    RevokeInvitation, SetWorkspaceQuota, Tenancy, UserId, VerifiedEmail, WorkspaceRole, now,
};

/// What a writer's next step does; `None` when it has nothing left to do.
trait Writer {
    fn step(&mut self, tenancy: &Tenancy<MemoryRepository>);
    fn ended(&self) -> Option<bool>;
}

struct Wants<C> {
    actor: Actor,
    command: C,
    prepared: Option<Commit>,
    succeeded: Option<bool>,
}

impl<C: Command + Clone> Writer for Wants<C> {
    fn step(&mut self, tenancy: &Tenancy<MemoryRepository>) {
        if let Some(commit) = self.prepared.take() {
            match now(tenancy.repository().commit(&commit)).unwrap() {
                Outcome::Committed => self.succeeded = Some(true),
                Outcome::Conflict => {}
                Outcome::Taken(_) => self.succeeded = Some(false),
            }
            return;
        }
        match now(tenancy.prepare(&self.actor, self.command.clone())) {
            Ok(decided) if decided.commit.is_none() => self.succeeded = Some(true),
            Ok(decided) => self.prepared = decided.commit,
            Err(Error::Refused(_)) => self.succeeded = Some(false),
            Err(error) => panic!("{error:?}"),
        }
    }

    fn ended(&self) -> Option<bool> {
        self.succeeded
    }
}

fn wants<C: Command + Clone + 'static>(actor: &Actor, command: C) -> Box<dyn Writer> {
    Box::new(Wants {
        actor: actor.clone(),
        command,
        prepared: None,
        succeeded: None,
    })
}

struct World {
    tenancy: Tenancy<MemoryRepository>,
    acme: CreatedOrganization,
}

fn user(name: &str) -> Actor {
    let address = format!("{name}@acme.example").parse().unwrap();
    Actor::user(UserId::from_external(name), VerifiedEmail::attest(address))
}

fn id(name: &str) -> UserId {
    UserId::from_external(name)
}

impl World {
    fn new() -> Self {
        let tenancy = Tenancy::new(MemoryRepository::new());
        let create = CreateOrganization {
            name: "Acme".parse().unwrap(),
        };
        let acme = now(tenancy.execute(&user("ann"), create)).unwrap().output;
        Self { tenancy, acme }
    }

    fn does<C: Command>(&self, actor: &Actor, command: C) -> C::Output {
        now(self.tenancy.execute(actor, command)).unwrap().output
    }

    fn invited(&self, who: &str, role: OrganizationRole) -> InvitationToken {
        let email = format!("{who}@acme.example").parse().unwrap();
        let organization = self.acme.organization;
        self.does(
            &user("ann"),
            InviteToOrganization {
                organization,
                email,
                role,
            },
        )
        .token
        .unwrap()
    }

    fn joined(self, who: &str, role: OrganizationRole) -> Self {
        let token = self.invited(who, role);
        self.does(&user(who), AcceptInvitation { token });
        self
    }

    fn quota(self, quota: u32) -> Self {
        let operator = Actor::Operator(Operator::attest(Line::new("test").unwrap()));
        let organization = self.acme.organization;
        self.does(
            &operator,
            SetWorkspaceQuota {
                organization,
                quota,
            },
        );
        self
    }
}

/// Runs every order of steps, and answers which combinations of successes there were.
///
/// A schedule is the list of who steps next; it is extended until everybody has ended, and each run starts
/// anew, so that runs don't touch.
fn every_order(begin: impl Fn() -> (World, Vec<Box<dyn Writer>>)) -> BTreeSet<Vec<bool>> {
    let mut outcomes = BTreeSet::new();
    let mut open = vec![Vec::new()];
    let mut schedules = 0;
    while let Some(schedule) = open.pop() {
        let (world, mut writers) = begin();
        let mut legal = true;
        for next in &schedule {
            let writer: &mut Box<dyn Writer> = &mut writers[*next];
            legal = legal && writer.ended().is_none();
            if legal {
                writer.step(&world.tenancy);
            }
        }
        if !legal {
            continue;
        }
        let store = world.tenancy.repository();
        let state = store.state(world.acme.organization).unwrap();
        assert_eq!(state.validate(), Ok(()), "after {schedule:?}");
        let ended: Option<Vec<bool>> = writers.iter().map(|writer| writer.ended()).collect();
        if let Some(ended) = ended {
            assert_eq!(
                store.verify(world.acme.organization),
                Ok(()),
                "after {schedule:?}"
            );
            outcomes.insert(ended);
            schedules += 1;
            continue;
        }
        for next in 0..writers.len() {
            open.push(schedule.iter().copied().chain([next]).collect());
        }
    }
    assert!(
        schedules >= 6,
        "there are at least the six orders of two writers with two steps each"
    );
    outcomes
}

fn sets<const N: usize, const W: usize>(of: [[bool; W]; N]) -> BTreeSet<Vec<bool>> {
    of.into_iter().map(Vec::from).collect()
}

const ONE_OF_TWO: [[bool; 2]; 2] = [[true, false], [false, true]];

#[test]
fn o4_two_last_admins_dont_both_leave() {
    let outcomes = every_order(|| {
        let world = World::new().joined("bob", OrganizationRole::Admin);
        let leave = LeaveOrganization {
            organization: world.acme.organization,
        };
        let writers = vec![
            wants(&user("ann"), leave.clone()),
            wants(&user("bob"), leave),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn o4_two_last_admins_dont_demote_each_other() {
    let outcomes = every_order(|| {
        let world = World::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let demote = |who| ChangeOrganizationRole {
            organization,
            user: id(who),
            role: OrganizationRole::Member,
        };
        let writers = vec![
            wants(&user("ann"), demote("bob")),
            wants(&user("bob"), demote("ann")),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn o4_two_last_admins_dont_remove_each_other() {
    let outcomes = every_order(|| {
        let world = World::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let remove = |who| RemoveMember {
            organization,
            user: id(who),
        };
        let writers = vec![
            wants(&user("ann"), remove("bob")),
            wants(&user("bob"), remove("ann")),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn w2_three_creators_at_one_free_slot_make_one_workspace() {
    let outcomes = every_order(|| {
        let world = World::new().quota(2);
        let organization = world.acme.organization;
        let create = |name: &str| CreateWorkspace {
            organization,
            name: name.parse().unwrap(),
        };
        let ann = user("ann");
        let writers = vec![
            wants(&ann, create("A")),
            wants(&ann, create("B")),
            wants(&ann, create("C")),
        ];
        (world, writers)
    });
    assert_eq!(
        outcomes,
        sets([
            [true, false, false],
            [false, true, false],
            [false, false, true]
        ])
    );
}

#[test]
fn w2_lowering_the_quota_while_creating_is_one_after_the_other() {
    let outcomes = every_order(|| {
        let world = World::new().quota(2);
        let organization = world.acme.organization;
        let operator = Actor::Operator(Operator::attest(Line::new("test").unwrap()));
        let create = CreateWorkspace {
            organization,
            name: "B".parse().unwrap(),
        };
        let lower = SetWorkspaceQuota {
            organization,
            quota: 1,
        };
        let writers = vec![wants(&user("ann"), create), wants(&operator, lower)];
        (world, writers)
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn w3_one_name_is_given_once() {
    let outcomes = every_order(|| {
        let world = World::new().quota(5);
        let organization = world.acme.organization;
        let create = |name: &str| CreateWorkspace {
            organization,
            name: name.parse().unwrap(),
        };
        let ann = user("ann");
        let writers = vec![
            wants(&ann, create("Payments")),
            wants(&ann, create("PAYMENTS")),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn w4_a_workspace_is_not_deleted_under_a_new_domain() {
    let outcomes = every_order(|| {
        let world = World::new();
        let CreatedOrganization {
            organization,
            workspace,
        } = world.acme;
        let (name, kind) = ("acme".parse().unwrap(), DomainKind::Sandbox);
        let create = CreateDomain {
            organization,
            workspace,
            name,
            kind,
        };
        let ann = user("ann");
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        let writers = vec![wants(&ann, delete), wants(&ann, create)];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn w4_a_workspace_is_not_deleted_under_a_new_member() {
    let outcomes = every_order(|| {
        let world = World::new().joined("bob", OrganizationRole::Member);
        let CreatedOrganization {
            organization,
            workspace,
        } = world.acme;
        let (user_id, role) = (id("bob"), WorkspaceRole::Reader);
        let give = GiveWorkspaceRole {
            organization,
            workspace,
            user: user_id,
            role,
        };
        let ann = user("ann");
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        let writers = vec![wants(&ann, delete), wants(&ann, give)];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn i3_one_link_is_accepted_once() {
    let outcomes = every_order(|| {
        let world = World::new();
        let token = world.invited("bob", OrganizationRole::Member);
        let accept = AcceptInvitation { token };
        let writers = vec![
            wants(&user("bob"), accept.clone()),
            wants(&user("bob"), accept),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn i5_an_invitation_is_accepted_or_revoked_never_both() {
    let outcomes = every_order(|| {
        let world = World::new();
        let token = world.invited("bob", OrganizationRole::Member);
        let organization = world.acme.organization;
        let revoke = RevokeInvitation {
            organization,
            invitation: token.invitation(),
        };
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("ann"), revoke),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn i6_acceptance_and_the_inviters_demotion_are_one_after_the_other() {
    let outcomes = every_order(|| {
        let world = World::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let (email, role) = (
            "cy@acme.example".parse().unwrap(),
            OrganizationRole::Accounting,
        );
        let invite = InviteToOrganization {
            organization,
            email,
            role,
        };
        let token = world.does(&user("bob"), invite).token.unwrap();
        let (user_id, role) = (id("bob"), OrganizationRole::Member);
        let demote = ChangeOrganizationRole {
            organization,
            user: user_id,
            role,
        };
        let writers = vec![
            wants(&user("cy"), AcceptInvitation { token }),
            wants(&user("ann"), demote),
        ];
        (world, writers)
    });
    // Before the demotion it is accepted, after it refused; the demotion always succeeds.
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn w4_acceptance_and_the_workspaces_deletion_exclude_each_other() {
    let outcomes = every_order(|| {
        let world = World::new();
        let CreatedOrganization {
            organization,
            workspace,
        } = world.acme;
        let (email, role) = ("cy@acme.example".parse().unwrap(), WorkspaceRole::Reader);
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email,
            role,
        };
        let token = world.does(&user("ann"), invite).token.unwrap();
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        let writers = vec![
            wants(&user("cy"), AcceptInvitation { token }),
            wants(&user("ann"), delete),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}
