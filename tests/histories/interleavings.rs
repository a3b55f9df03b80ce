//! Races, deterministically: two or three writers, every order of their steps.
//!
//! A writer prepares (loads and decides), then commits; if somebody else was first, it prepares again. All
//! orders of these steps are run on the memory store, and the invariants hold after each. That the harness
//! can fail is shown on a store that breaks its promises (`interleavings/control.rs`).

mod control;
mod harness;
mod invitations;
mod limits;
mod names_and_ids;
mod organizations;
mod requests;
mod roles;

use harness::{Founded, ONE_OF_TWO, every_order, sets, wants};
use tenancy::commands::{
    AcceptInvitation, ChangeOrganizationRole, CreateDomain, CreateWorkspace, DeleteWorkspace,
    GiveWorkspaceRole, InviteToOrganization, InviteToWorkspace, LeaveOrganization, RemoveMember,
    RevokeInvitation, SetWorkspaceQuota,
};
use tenancy::{DomainKind, OrganizationRole, WorkspaceRole};
use tenancy_tests::world::{Acme, id, operator, user};

#[test]
fn o4_two_last_admins_dont_both_leave() {
    let outcomes = every_order(|| {
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
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
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let demote = |who| ChangeOrganizationRole {
            organization,
            user: id(&user(who)),
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
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
        let organization = world.acme.organization;
        let remove = |who| RemoveMember {
            organization,
            user: id(&user(who)),
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
        let world = Founded::new().quota(2);
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
        let world = Founded::new().quota(2);
        let organization = world.acme.organization;
        let create = CreateWorkspace {
            organization,
            name: "B".parse().unwrap(),
        };
        let lower = SetWorkspaceQuota {
            organization,
            quota: 1,
        };
        let writers = vec![wants(&user("ann"), create), wants(&operator(), lower)];
        (world, writers)
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn w3_one_name_is_given_once() {
    let outcomes = every_order(|| {
        let world = Founded::new().quota(5);
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
        let world = Founded::new();
        let Acme {
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
        let world = Founded::new().joined("bob", OrganizationRole::Member);
        let Acme {
            organization,
            workspace,
        } = world.acme;
        let (user_id, role) = (id(&user("bob")), WorkspaceRole::Reader);
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
        let world = Founded::new();
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
        let world = Founded::new();
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
        let world = Founded::new().joined("bob", OrganizationRole::Admin);
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
        let (user_id, role) = (id(&user("bob")), OrganizationRole::Member);
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
        let world = Founded::new();
        let Acme {
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
