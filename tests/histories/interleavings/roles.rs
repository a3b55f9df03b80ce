//! Roles of an organization's own: given, offered and accepted while they are revised, retired and deleted.

use tenancy::commands::{
    AcceptInvitation, DefineRole, DeleteRole, GiveWorkspaceRole, InviteToWorkspace, RetireRole,
    ReviseRole, TakeWorkspaceRole,
};
use tenancy::store::MemoryRepository;
use tenancy::{
    DomainAction, Grants, OrganizationRole, RoleBase, RoleNumber, WorkspaceAction, WorkspaceRole,
};

use super::harness::{
    Founded, ONE_OF_TWO, Writers, all_orders, every_order, every_order_leaves, sets, wants,
};
use tenancy_tests::world::{id, name, token, user};

type Begun = (Founded, Writers<MemoryRepository>);

fn defines(world: &Founded, called: &str) -> DefineRole {
    DefineRole {
        organization: world.acme.organization,
        name: name(called),
        base: RoleBase::Reader,
        adds: Grants::of(WorkspaceAction::Rename).unwrap(),
    }
}

fn gives(world: &Founded, role: RoleNumber) -> GiveWorkspaceRole<RoleNumber> {
    GiveWorkspaceRole {
        organization: world.acme.organization,
        workspace: world.acme.workspace,
        user: id(&user("bob")),
        role,
    }
}

fn deletes(world: &Founded, role: RoleNumber) -> DeleteRole {
    DeleteRole {
        organization: world.acme.organization,
        role,
    }
}

/// Bob is a Member; there is a role, Tester.
fn begun() -> (Founded, RoleNumber) {
    let world = Founded::new().joined("bob", OrganizationRole::Member);
    let role = world.does(&user("ann"), defines(&world, "Tester"));
    (world, role)
}

#[test]
fn r1_two_roles_of_one_name_are_one() {
    let outcomes = every_order(|| {
        let world = Founded::new();
        let ann = user("ann");
        let writers = vec![
            wants(&ann, defines(&world, "Tester")),
            wants(&ann, defines(&world, "TESTER")),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn r1_two_at_the_last_place_make_one_role() {
    let outcomes = every_order_leaves(
        || {
            let world = Founded::new();
            let ann = user("ann");
            for number in 0..31 {
                world.does(&ann, defines(&world, &format!("Role {number}")));
            }
            let writers = vec![
                wants(&ann, defines(&world, "One")),
                wants(&ann, defines(&world, "Another")),
            ];
            (world, writers)
        },
        |world, _| assert_eq!(world.row(world.acme).roles.len(), 32),
    );
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn r7_a_role_is_given_or_deleted_never_both() {
    let begin = || -> Begun {
        let (world, role) = begun();
        let ann = user("ann");
        let writers = vec![
            wants(&ann, gives(&world, role)),
            wants(&ann, deletes(&world, role)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        let state = world.state();
        let held = state.workspace_member(world.acme.workspace, id(&user("bob")));
        assert_eq!(held.is_some(), ended[0], "he holds it, and it is there");
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn r7_a_role_is_offered_or_deleted_never_both() {
    let outcomes = every_order(|| {
        let (world, role) = begun();
        let invite = InviteToWorkspace {
            organization: world.acme.organization,
            workspace: world.acme.workspace,
            email: "cy@acme.example".parse().unwrap(),
            role,
        };
        let ann = user("ann");
        let writers = vec![wants(&ann, invite), wants(&ann, deletes(&world, role))];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn r7_a_role_that_is_accepted_meanwhile_is_not_deleted() {
    let begin = || -> Begun {
        let (world, role) = begun();
        let invite = InviteToWorkspace {
            organization: world.acme.organization,
            workspace: world.acme.workspace,
            email: "bob@acme.example".parse().unwrap(),
            role,
        };
        let token = token(&world.does(&user("ann"), invite));
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("ann"), deletes(&world, role)),
        ];
        (world, writers)
    };
    // Offered before, held after: at no moment is it free.
    let orders = all_orders(begin, |_, _| ());
    assert_eq!(orders.disorder, []);
    assert_eq!(orders.outcomes, sets([[true, false]]));
}

#[test]
fn r7_the_last_holder_goes_before_the_role_or_it_stays() {
    let begin = || -> Begun {
        let (world, role) = begun();
        let ann = user("ann");
        world.does(&ann, gives(&world, role));
        let take = TakeWorkspaceRole {
            organization: world.acme.organization,
            workspace: world.acme.workspace,
            user: id(&user("bob")),
        };
        let writers = vec![wants(&ann, take), wants(&ann, deletes(&world, role))];
        (world, writers)
    };
    let orders = all_orders(begin, |_, _| ());
    assert_eq!(orders.disorder, []);
    assert_eq!(orders.outcomes, sets([[true, true], [true, false]]));
}

#[test]
fn r7_a_role_is_given_before_it_is_retired_or_not_at_all() {
    let begin = || -> Begun {
        let (world, role) = begun();
        let retire = RetireRole {
            organization: world.acme.organization,
            role,
        };
        let ann = user("ann");
        let writers = vec![wants(&ann, gives(&world, role)), wants(&ann, retire)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let bob = user("bob");
        let may = world.may(&bob, world.acme.there(), WorkspaceAction::Rename);
        assert!(!may, "whoever holds it holds its base");
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn r7_a_role_that_is_revised_while_it_is_handed_out_adds_what_it_adds_now() {
    let begin = || -> Begun {
        let (world, role) = begun();
        let revise = ReviseRole {
            organization: world.acme.organization,
            role,
            name: name("Tester"),
            adds: Grants::of(DomainAction::Configure).unwrap(),
        };
        let ann = user("ann");
        let writers = vec![wants(&ann, gives(&world, role)), wants(&ann, revise)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let (bob, there) = (user("bob"), world.acme.there());
        assert!(!world.may(&bob, there, WorkspaceAction::Rename));
        let held = world.workspace_role(world.acme, world.acme.workspace, &bob);
        assert_eq!(held, Some(WorkspaceRole::Reader));
    });
    assert_eq!(outcomes, sets([[true, true]]));
}
