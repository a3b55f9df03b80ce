//! O7: an organization is handed over.

use chrono::TimeDelta;
use tenancy::{
    Event, OrganizationAction, OrganizationRole, Refusal, RevocationReason, RoleSet, WorkspaceRole,
};
use tenancy_tests::world::*;

#[test]
fn o7_the_last_admin_hands_over_and_takes_another_role_in_one_commit() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(&ann, acme.invite("cy", OrganizationRole::Member));
    let version = world.row(acme).version;
    let done = world.did(
        &ann,
        acme.hand_over(&bob, Some(OrganizationRole::Accounting)),
    );
    assert_eq!(
        done.events,
        [
            Event::OrganizationRoleChanged {
                user: id(&bob),
                from: OrganizationRole::Member,
                to: OrganizationRole::Admin
            },
            Event::OrganizationRoleChanged {
                user: id(&ann),
                from: OrganizationRole::Admin,
                to: OrganizationRole::Accounting
            },
            Event::InvitationRevoked {
                invitation: sent.invitation,
                reason: RevocationReason::InviterLostAuthority
            }
        ]
    );
    assert_eq!(world.row(acme).version, version.next());
    assert_eq!(done.output.revoked, [sent.invitation]);
    assert_eq!(done.output.departure, None);
    assert_eq!(world.row(acme).counts.admins, 1);
}

#[test]
fn o7_who_keeps_nothing_leaves_with_all_that_goes_with_a_departure() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, acme.give(acme.workspace, &ann, WorkspaceRole::Reader));
    let sent = world.does(&ann, acme.invite("cy", OrganizationRole::Member));
    let done = world.did(&ann, acme.hand_over(&bob, None));
    let departure = done.output.departure.unwrap();
    assert_eq!(departure.user, id(&ann));
    assert_eq!(departure.role, OrganizationRole::Admin);
    assert_eq!(
        departure.workspaces,
        [(acme.workspace, WorkspaceRole::Reader)]
    );
    assert_eq!(departure.revoked, [sent.invitation]);
    assert_eq!(done.output.revoked, [sent.invitation]);
    assert_eq!(world.role(acme, &ann), None);
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Admin));
}

#[test]
fn o7_handing_over_to_an_admin_or_keeping_admin_does_what_is_left_to_do() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let admin = Some(OrganizationRole::Admin);
    world.does(&ann, acme.hand_over(&bob, admin));
    assert!(!world.did(&ann, acme.hand_over(&bob, admin)).changed());
    world.does(&ann, acme.hand_over(&bob, Some(OrganizationRole::Member)));
    assert_eq!(world.role(acme, &ann), Some(OrganizationRole::Member));
}

#[test]
fn o7_only_admins_hand_over_and_only_to_another_member() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let manage = OrganizationAction::ManageRoles;
    assert_eq!(
        world.refused(&cy, acme.hand_over(&ann, None)),
        forbidden(manage, RoleSet::ACCOUNTING)
    );
    assert_eq!(
        world.refused(&operator(), acme.hand_over(&cy, None)),
        forbidden(manage, RoleSet::OPERATOR)
    );
    assert_eq!(
        world.refused(&user("zoe"), acme.hand_over(&cy, None)),
        not_found(acme.organization)
    );
    assert_eq!(
        world.refused(&ann, acme.hand_over(&ann, None)),
        Refusal::HandedToOneself
    );
    let zoe = user("zoe");
    assert_eq!(
        world.refused(&ann, acme.hand_over(&zoe, None)),
        Refusal::MemberNotFound { user: id(&zoe) }
    );
}

#[test]
fn o7_o4_t2_an_admin_who_lasts_remains() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let until = world.now() + TimeDelta::days(1);
    world.does(&ann, acme.end(&bob, Some(until)));
    assert_eq!(
        world.refused(&ann, acme.hand_over(&bob, None)),
        Refusal::LastAdmin
    );
    // He may become an Admin, as long as she stays one.
    world.does(&ann, acme.hand_over(&bob, Some(OrganizationRole::Admin)));
    world.is_at(until);
    assert_eq!(
        world.refused(&ann, acme.hand_over(&bob, None)),
        Refusal::MembershipEnded { ended_at: until }
    );
    world.does(&ann, acme.suspend_member(&bob));
    assert_eq!(
        world.refused(&ann, acme.hand_over(&bob, None)),
        Refusal::MembershipSuspended
    );
    // Where another Admin lasts, who is bound to end may be an heir.
    world.member(acme, "cy", OrganizationRole::Admin);
    world.does(&ann, acme.reinstate_member(&bob));
    world.does(&ann, acme.end(&bob, Some(world.now() + TimeDelta::days(1))));
    world.does(&ann, acme.hand_over(&bob, None));
}
