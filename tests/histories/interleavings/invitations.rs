//! Accepting against everything that an invitation depends on.

use chrono::TimeDelta;
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, ChangeOrganizationRole, DeclineInvitation,
    FollowEmailChange, GiveWorkspaceRole, InviteToOrganization, InviteToWorkspace,
    LeaveOrganization, RemoveMember, ResendInvitation, TakeWorkspaceRole,
};
use tenancy::store::{InvitationState, MemoryRepository};
use tenancy::{OrganizationRole, WorkspaceRole};

use super::harness::{Founded, ONE_OF_TWO, Writers, every_order, every_order_leaves, sets, wants};
use tenancy_tests::world::{id, user, user_at};

type Begun = (Founded, Writers<MemoryRepository>);

#[test]
fn i5_an_old_link_is_accepted_or_replaced_never_both() {
    let outcomes = every_order(|| {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        world.passes(TimeDelta::minutes(1));
        let resend = ResendInvitation {
            organization: world.acme.organization,
            invitation: token.invitation(),
        };
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("ann"), resend),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn i5_inviting_again_with_another_role_kills_the_link_or_comes_after_it() {
    let begin = || {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        world.passes(TimeDelta::minutes(1));
        let invite = InviteToOrganization {
            organization: world.acme.organization,
            email: "bob@acme.example".parse().unwrap(),
            role: OrganizationRole::Admin,
        };
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("ann"), invite),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        let state = world.state();
        let role = state.member(id(&user("bob"))).map(|member| member.role);
        let expected = ended[0].then_some(OrganizationRole::Member);
        assert_eq!(role, expected, "the old link never gives the new role");
        assert_eq!(state.open_invitations().count(), 1);
    });
    // Accepted first, he is invited to more; renewed first, the old link opens nothing.
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn i5_two_who_invite_one_address_make_one_invitation() {
    let begin = || {
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
        let invite = |role| InviteToOrganization {
            organization: world.acme.organization,
            email: "cy@acme.example".parse().unwrap(),
            role,
        };
        let writers = vec![
            wants(&user("ann"), invite(OrganizationRole::Member)),
            wants(&user("bob"), invite(OrganizationRole::Admin)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().open_invitations().count(), 1, "I5");
    });
    assert_eq!(
        outcomes,
        sets(ONE_OF_TWO),
        "the second would renew it within the same minute (I8)"
    );
}

#[test]
fn i3_a_link_is_accepted_or_declined_never_both() {
    let outcomes = every_order(|| {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        let decline = DeclineInvitation {
            token: token.clone(),
        };
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("bob"), decline),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

/// Bob is a Member; Ann has invited him to the workspace.
fn bob_is_invited_further() -> (Founded, AcceptInvitation) {
    let world = Founded::new().joined("bob", OrganizationRole::Member);
    let invite = InviteToWorkspace {
        organization: world.acme.organization,
        workspace: world.acme.workspace,
        email: "bob@acme.example".parse().unwrap(),
        role: WorkspaceRole::Developer,
    };
    let token = world.does(&user("ann"), invite).token.unwrap();
    (world, AcceptInvitation { token })
}

/// Whatever the order, he is out, and nothing of him is left to walk back in with.
fn bob_is_gone(world: &Founded, _: &[bool]) {
    let state = world.state();
    assert_eq!(state.member(id(&user("bob"))), None, "M2");
    assert_eq!(state.workspaces_of(id(&user("bob"))).count(), 0, "M2");
    assert_eq!(state.open_invitations().count(), 0, "M2");
}

#[test]
fn m2_acceptance_and_the_addressees_removal_are_one_after_the_other() {
    let begin = || -> Begun {
        let (world, accept) = bob_is_invited_further();
        let remove = RemoveMember {
            organization: world.acme.organization,
            user: id(&user("bob")),
        };
        let writers = vec![wants(&user("bob"), accept), wants(&user("ann"), remove)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, bob_is_gone);
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn m3_acceptance_and_the_addressees_leaving_are_one_after_the_other() {
    let begin = || -> Begun {
        let (world, accept) = bob_is_invited_further();
        let leave = LeaveOrganization {
            organization: world.acme.organization,
        };
        let writers = vec![wants(&user("bob"), accept), wants(&user("bob"), leave)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, bob_is_gone);
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn m2_an_invitation_to_somebody_who_is_being_removed_dies_or_comes_after() {
    let begin = || {
        let world = Founded::new().joined("bob", OrganizationRole::Member);
        let organization = world.acme.organization;
        let invite = InviteToOrganization {
            organization,
            email: "bob@acme.example".parse().unwrap(),
            role: OrganizationRole::Accounting,
        };
        let remove = RemoveMember {
            organization,
            user: id(&user("bob")),
        };
        let writers = vec![wants(&user("ann"), invite), wants(&user("ann"), remove)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let state = world.state();
        assert_eq!(state.member(id(&user("bob"))), None);
        // Open only if he was invited anew after he had gone.
        for invitation in state.invitations().filter(|i| i.is_open()) {
            let last = state.version();
            assert_eq!(invitation.inviter, id(&user("ann")));
            assert_eq!(
                last,
                tenancy::Version::new(5),
                "create, invite, join, remove, invite"
            );
        }
    });
    assert_eq!(outcomes, sets([[true, true]]));
}

#[test]
fn i6_acceptance_and_the_inviters_removal_are_one_after_the_other() {
    let begin = || {
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let invite = InviteToOrganization {
            organization,
            email: "cy@acme.example".parse().unwrap(),
            role: OrganizationRole::Member,
        };
        let token = world.does(&user("bob"), invite).token.unwrap();
        let remove = RemoveMember {
            organization,
            user: id(&user("bob")),
        };
        let writers = vec![
            wants(&user("cy"), AcceptInvitation { token }),
            wants(&user("ann"), remove),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        let state = world.state();
        assert_eq!(state.member(id(&user("cy"))).is_some(), ended[0]);
        let sent = state.invitations().find(|i| i.inviter == id(&user("bob")));
        let expected = if ended[0] {
            InvitationState::Accepted
        } else {
            InvitationState::Revoked
        };
        assert_eq!(sent.map(|i| i.state), Some(expected));
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn i6_a_workspace_admin_invites_or_loses_the_role_but_leaves_nothing_open() {
    let begin = || {
        let world = Founded::new()
            .joined("bob", OrganizationRole::Member)
            .joined("cy", OrganizationRole::Member);
        let (organization, workspace) = (world.acme.organization, world.acme.workspace);
        let give = GiveWorkspaceRole {
            organization,
            workspace,
            user: id(&user("bob")),
            role: WorkspaceRole::Admin,
        };
        world.does(&user("ann"), give);
        let invite = InviteToWorkspace {
            organization,
            workspace,
            email: "cy@acme.example".parse().unwrap(),
            role: WorkspaceRole::Reader,
        };
        let take = TakeWorkspaceRole {
            organization,
            workspace,
            user: id(&user("bob")),
        };
        let writers = vec![wants(&user("bob"), invite), wants(&user("ann"), take)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().open_invitations().count(), 0, "I6");
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn i8_two_who_resend_one_invitation_within_a_minute_make_one_link() {
    let begin = || {
        let world = Founded::new().joined("dora", OrganizationRole::Admin);
        let token = world.invited("bob", OrganizationRole::Member);
        world.passes(TimeDelta::minutes(1));
        let resend = ResendInvitation {
            organization: world.acme.organization,
            invitation: token.invitation(),
        };
        let writers = vec![
            wants(&user("ann"), resend.clone()),
            wants(&user("dora"), resend),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let made = world.state().organization().map(|row| row.links.count);
        assert_eq!(made, Some(3), "Dora's, Bob's first, and one more");
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn i11_an_invitation_is_accepted_by_its_link_or_from_the_list_never_both() {
    let outcomes = every_order(|| {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        let listed = AcceptReceivedInvitation {
            organization: token.organization(),
            invitation: token.invitation(),
        };
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&user("bob"), listed),
        ];
        (world, writers)
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn m6_two_accounts_that_show_one_address_make_one_member() {
    let begin = || {
        let world = Founded::new();
        let token = world.invited("bob", OrganizationRole::Member);
        let invite = InviteToWorkspace {
            organization: world.acme.organization,
            workspace: world.acme.workspace,
            email: "bob@acme.example".parse().unwrap(),
            role: WorkspaceRole::Reader,
        };
        let further = world.does(&user("ann"), invite).token.unwrap();
        let other = user_at("other", "bob@acme.example");
        let writers = vec![
            wants(&user("bob"), AcceptInvitation { token }),
            wants(&other, AcceptInvitation { token: further }),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().members().count(), 2, "Ann, and one of them");
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn m6_an_address_that_a_member_changes_to_while_another_joins_with_it_is_one_members() {
    let begin = || {
        let world = Founded::new().joined("bob", OrganizationRole::Member);
        let token = world.invited("cy", OrganizationRole::Member);
        let follow = FollowEmailChange {
            organization: world.acme.organization,
        };
        let bob_as_cy = user_at("bob", "cy@acme.example");
        let writers = vec![
            wants(&bob_as_cy, follow),
            wants(&user("cy"), AcceptInvitation { token }),
        ];
        (world, writers)
    };
    assert_eq!(every_order(begin), sets(ONE_OF_TWO));
}

/// Bob is a Member as `bob@acme.example`; Ann has invited `bob@home.example`, not knowing that it is his too.
fn bob_is_invited_under_another_address(role: OrganizationRole) -> (Founded, AcceptInvitation) {
    let world = Founded::new().joined("bob", OrganizationRole::Accounting);
    let invite = world.acme.invite_address("bob@home.example", role);
    let token = world.does(&user("ann"), invite).token.unwrap();
    (world, AcceptInvitation { token })
}

#[test]
fn m2_acceptance_under_another_address_and_the_removal_are_one_after_the_other() {
    let begin = || -> Begun {
        let (world, accept) = bob_is_invited_under_another_address(OrganizationRole::Admin);
        let remove = RemoveMember {
            organization: world.acme.organization,
            user: id(&user("bob")),
        };
        let bob_at_home = user_at("bob", "bob@home.example");
        let writers = vec![wants(&bob_at_home, accept), wants(&user("ann"), remove)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().member(id(&user("bob"))), None, "M2");
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn m4_acceptance_under_another_address_and_the_lowering_are_one_after_the_other() {
    let begin = || -> Begun {
        let (world, accept) = bob_is_invited_under_another_address(OrganizationRole::Admin);
        let lower = ChangeOrganizationRole {
            organization: world.acme.organization,
            user: id(&user("bob")),
            role: OrganizationRole::Member,
        };
        let bob_at_home = user_at("bob", "bob@home.example");
        let writers = vec![wants(&bob_at_home, accept), wants(&user("ann"), lower)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let state = world.state();
        let role = state.member(id(&user("bob"))).map(|member| member.role);
        assert_eq!(role, Some(OrganizationRole::Member), "M4");
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}
