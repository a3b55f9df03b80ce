//! Where rules meet: roles of an organization's own that are suspended or end, seats of who is suspended, handing
//! over what is limited.

use chrono::TimeDelta;
use tenancy::commands::HandOver;
use tenancy::{
    Decision, DomainAction, DomainKind, Grants, OrganizationAction, OrganizationRole, Paging,
    Refusal, Role, RoleBase, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

use super::own_roles::{change, configure, define, give, restore, retire, tester};

/// Who can do that, as the Admin is told.
fn who_can(
    world: &World,
    on: (tenancy::OrganizationId, tenancy::DomainId),
) -> Vec<tenancy::UserId> {
    let (ann, action) = (user("ann"), DomainAction::Configure);
    let asked = world.tenancy.who_can(&ann, on, action, Paging::default());
    let page = block_on(asked).unwrap();
    page.items.into_iter().map(|holder| holder.user).collect()
}

#[test]
fn t1_r2_who_is_suspended_has_nothing_of_what_their_role_adds() {
    let world = World::new();
    let acme = world.acme();
    let (_, bob, sandbox) = tester(&world, acme);
    let ann = user("ann");
    assert!(who_can(&world, sandbox).contains(&id(&bob)));
    world.does(&ann, acme.suspend_member(&bob));
    let asked = world.asks(&bob, sandbox, DomainAction::Configure);
    assert_eq!(asked, Decision::Hidden);
    assert_eq!(who_can(&world, sandbox), [id(&ann)]);
    world.does(&ann, acme.reinstate_member(&bob));
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    assert!(who_can(&world, sandbox).contains(&id(&bob)));
}

#[test]
fn t3_r2_a_role_that_has_ended_adds_nothing_and_is_held_still() {
    let world = World::new();
    let acme = world.acme();
    let (role, bob, sandbox) = tester(&world, acme);
    let ann = user("ann");
    let friday = world.now() + TimeDelta::days(3);
    world.does(&ann, acme.end_in(acme.workspace, &bob, Some(friday)));
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    world.is_at(friday);
    let asked = world.asks(&bob, sandbox, DomainAction::Configure);
    assert_eq!(asked, Decision::Hidden);
    assert_eq!(who_can(&world, sandbox), [id(&ann)]);
    assert_eq!(
        world.row(acme).roles[0].holders,
        1,
        "until it is taken (R7)"
    );
    // Given again, it is held without an end, and held once.
    world.does(&ann, give(acme, &bob, role));
    assert!(world.may(&bob, sandbox, DomainAction::Configure));
    assert_eq!(world.row(acme).roles[0].holders, 1);
}

#[test]
fn t4_r2_in_a_suspended_organization_an_added_action_that_changes_something_stops() {
    let world = World::new();
    let acme = world.acme();
    let (_, bob, sandbox) = tester(&world, acme);
    world.does(&operator(), acme.suspend("overdue"));
    let asked = world.asks(&bob, sandbox, DomainAction::Configure);
    assert_eq!(asked, Decision::Suspended);
    assert!(world.may(&bob, sandbox, DomainAction::View));
}

#[test]
fn q3_t1_who_is_suspended_keeps_their_seat_and_reinstating_asks_for_none() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&operator(), acme.seats(2));
    world.does(&ann, acme.suspend_member(&bob));
    let full = world.refused(&ann, acme.invite("cy", OrganizationRole::Member));
    assert!(
        matches!(full, Refusal::LimitReached { used: 2, .. }),
        "{full}"
    );
    // Also below what there is: it is no creation (Q1).
    world.does(&operator(), acme.seats(0));
    world.does(&ann, acme.reinstate_member(&bob));
}

#[test]
fn o7_q4_handing_over_to_somebody_without_a_seat_asks_for_one_unless_one_is_left_behind() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    world.does(&operator(), acme.seats(1));
    let keep = Some(OrganizationRole::Member);
    let full = world.refused(&ann, acme.hand_over(&cy, keep));
    assert!(matches!(full, Refusal::LimitReached { .. }), "{full}");
    world.does(
        &ann,
        acme.hand_over(&cy, Some(OrganizationRole::Accounting)),
    );
    assert_eq!(world.role(acme, &cy), Some(OrganizationRole::Admin));
}

#[test]
fn o7_r2_who_hands_over_or_is_handed_to_holds_no_role_of_the_organizations_own_after_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let adds = Grants::of(OrganizationAction::Rename).unwrap();
    let editor = world.does(&ann, define(acme, "Editor", RoleBase::Member, adds));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, change(acme, &bob, editor));
    world.does(&ann, acme.hand_over(&bob, Some(OrganizationRole::Member)));
    assert_eq!(world.row(acme).roles[0].holders, 0, "Admin is no base (R2)");
    assert!(!world.may(&ann, acme.organization, OrganizationAction::Rename));
}

#[test]
fn o7_r6_who_hands_over_keeps_a_role_of_the_organizations_own() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let adds = Grants::of(OrganizationAction::Rename).unwrap();
    let editor = world.does(&ann, define(acme, "Editor", RoleBase::Member, adds));
    let tester = world.does(&ann, define(acme, "Tester", RoleBase::Reader, Grants::NONE));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let keeping = |role| HandOver {
        keep: Some(Role::Own(role)),
        ..acme.hand_over(&bob, None)
    };
    let none = Refusal::RoleNotFound { role: tester };
    assert_eq!(world.refused(&ann, keeping(tester)), none, "of workspaces");
    world.does(&ann, retire(acme, editor));
    let retired = world.refused(&ann, keeping(editor));
    assert_eq!(retired.code(), "role_is_retired");
    world.does(&ann, restore(acme, editor));
    world.does(&ann, keeping(editor));
    assert_eq!(world.role(acme, &ann), Some(OrganizationRole::Member));
    assert_eq!(world.row(acme).roles[0].holders, 1);
    assert!(world.may(&ann, acme.organization, OrganizationAction::Rename));
    assert!(!world.may(&ann, acme.organization, OrganizationAction::Invite));
}

#[test]
fn r7_a_retired_role_of_the_organization_is_given_to_nobody() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let adds = configure(DomainKind::Sandbox);
    let called = define(acme, "Tester of all", RoleBase::Member, adds);
    let role = world.does(&ann, called);
    world.does(&ann, retire(acme, role));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let retired = world.refused(&ann, change(acme, &bob, role));
    assert!(
        matches!(retired, Refusal::RoleIsRetired { .. }),
        "{retired}"
    );
}

/// What is taken in a workspace is what is held there. An organization role's cascade is above it, held (M5) or offered.
#[test]
fn m4_m5_taking_a_workspace_role_says_nothing_about_an_older_offer_of_the_organization() {
    for offered in [OrganizationRole::Accounting, OrganizationRole::Admin] {
        let world = World::new();
        let acme = world.acme();
        let ann = user("ann");
        let older = world.does(&ann, acme.invite("bob", offered));
        let bob = world.workspace_member(acme, "bob", WorkspaceRole::Developer);
        let wes = world.workspace_member(acme, "wes", WorkspaceRole::Admin);
        let into = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Admin);
        let into = world.does(&ann, into);
        let taken = world.does(&wes, acme.take(acme.workspace, &bob));
        // The older link into the workspace would give back what was taken; wes learns nothing of the other.
        assert_eq!(taken.invitations, [into.invitation]);
        assert!(world.is_open(acme, &older) && !world.is_open(acme, &into));
        world.does(&bob, accept(&older));
        assert_eq!(world.role(acme, &bob), Some(offered));
        // An offer of the organization that came before they were removed from all of it is worth nothing.
        let again = world.does(&ann, acme.invite_address("bob@other.example", offered));
        world.does(&ann, acme.remove(&bob));
        let as_other = user_at("bob", "bob@other.example");
        let refused = world.refused(&as_other, accept(&again));
        assert_eq!(refused, Refusal::InvitationOutdated);
    }
}
