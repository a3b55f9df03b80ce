//! The last seat and the last domain, wanted by two or three at once, and a limit that is lowered meanwhile.

use tenancy::commands::{
    AcceptInvitation, AppointAdmin, ChangeOrganizationRole, CreateDomain, InviteMany,
    InviteToOrganization, SetLimits,
};
use tenancy::{DomainKind, InvitationTarget, Limits, OrganizationRole};

use super::harness::{Founded, ONE_OF_TWO, every_order, every_order_leaves, sets, wants};
use tenancy_tests::world::{email, id, operator, user};

/// So many seats, and everything else without limit.
fn seats(world: &Founded, seats: u32) -> SetLimits {
    SetLimits {
        organization: world.acme.organization,
        limits: Limits {
            seats: Some(seats),
            ..Limits::UNLIMITED
        },
        workspace_quota: None,
    }
}

fn invite(world: &Founded, who: &str) -> InviteToOrganization {
    InviteToOrganization {
        organization: world.acme.organization,
        email: email(&format!("{who}@acme.example")),
        role: OrganizationRole::Member,
    }
}

fn appoint(world: &Founded, who: &str) -> AppointAdmin {
    AppointAdmin {
        organization: world.acme.organization,
        user: id(&user(who)),
        email: user(who).verified_email().unwrap().clone(),
    }
}

#[test]
fn q1_the_last_seat_is_reserved_or_taken_once() {
    let outcomes = every_order(|| {
        let world = Founded::new().joined("cy", OrganizationRole::Accounting);
        world.does(&operator(), seats(&world, 2));
        let promote = ChangeOrganizationRole {
            organization: world.acme.organization,
            user: id(&user("cy")),
            role: OrganizationRole::Admin,
        };
        let writers = vec![
            wants(&user("ann"), invite(&world, "bob")),
            wants(&operator(), appoint(&world, "dan")),
            wants(&user("ann"), promote),
        ];
        (world, writers)
    });
    let one_of_three = [
        [true, false, false],
        [false, true, false],
        [false, false, true],
    ];
    assert_eq!(outcomes, sets(one_of_three));
}

#[test]
#[ignore = "deep: three writers in every order"]
fn q3_who_has_a_seat_reserved_takes_it_whatever_else_comes() {
    let begin = || {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        world.does(&operator(), seats(&world, 3));
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("ann"), invite(&world, "cy")),
            wants(&operator(), seats(&world, 1)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        let row = world.state().organization().unwrap().clone();
        let seats = row.usage(tenancy::Settings::default().seat_roles).seats;
        assert_eq!((seats.used, seats.reserved), (2, u32::from(ended[1])));
    });
    // Lowered first, nobody else is invited.
    assert_eq!(outcomes, sets([[true, true, true], [true, false, true]]));
}

#[test]
fn i9_many_at_once_and_one_share_what_is_left() {
    let begin = || {
        let world = Founded::new();
        world.does(&operator(), seats(&world, 2));
        let many = InviteMany {
            organization: world.acme.organization,
            target: InvitationTarget::Organization {
                role: OrganizationRole::Member,
            },
            emails: ["bob@acme.example", "cy@acme.example"]
                .map(str::to_owned)
                .to_vec(),
        };
        let writers = vec![
            wants(&user("ann"), many),
            wants(&user("ann"), invite(&world, "dan")),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().open_invitations().count(), 1, "Q1");
    });
    // Many are never refused as a whole; whoever of them came too late has been told so.
    assert_eq!(outcomes, sets([[true, false], [true, true]]));
}

#[test]
fn q1_the_last_domain_is_created_once() {
    let outcomes = every_order(|| {
        let world = Founded::new();
        let one = SetLimits {
            organization: world.acme.organization,
            limits: Limits {
                domains: Some(1),
                ..Limits::UNLIMITED
            },
            workspace_quota: None,
        };
        world.does(&operator(), one);
        let create = |called: &str| CreateDomain {
            organization: world.acme.organization,
            workspace: world.acme.workspace,
            name: called.parse().unwrap(),
            kind: DomainKind::Sandbox,
        };
        let writers = vec![
            wants(&user("ann"), create("one")),
            wants(&user("ann"), create("two")),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}
