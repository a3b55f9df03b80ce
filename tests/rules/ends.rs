//! T2, T3: memberships and workspace roles that end.

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::{
    Decision, Event, MembershipStatus, OrganizationAction, OrganizationRole, Paging, Refusal,
    RevocationReason, RoleSet, WorkspaceAction, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

/// In so many days.
fn in_days(world: &World, days: i64) -> DateTime<Utc> {
    world.now() + TimeDelta::days(days)
}

#[test]
fn t3_a_membership_counts_until_its_end_and_then_for_nothing_by_the_clock() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Accounting);
    world.does(
        &ann,
        acme.give(acme.workspace, &bob, WorkspaceRole::Developer),
    );
    let until = in_days(&world, 1);
    let done = world.did(&ann, acme.end(&bob, Some(until)));
    assert_eq!(
        done.events,
        [Event::MembershipEndSet {
            user: id(&bob),
            from: None,
            to: Some(until)
        }]
    );
    let may = || {
        (
            world.asks(&bob, acme.organization, OrganizationAction::EditInvoicing),
            world.asks(&bob, acme.there(), WorkspaceAction::CreateDomain),
        )
    };
    world.is_at(until - TimeDelta::milliseconds(1));
    assert!(may().0.is_allowed() && may().1.is_allowed());
    world.is_at(until);
    assert_eq!(may(), (Decision::Hidden, Decision::Hidden));
    assert_eq!(
        world.refused(&bob, acme.edit_invoicing(None)),
        not_found(acme.organization)
    );
    // Prolonged, all of it counts again.
    world.does(&ann, acme.end(&bob, None));
    assert!(may().0.is_allowed() && may().1.is_allowed());
}

#[test]
fn t3_a_workspace_role_ends_and_the_membership_and_a_cascade_stay() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let until = in_days(&world, 1);
    world.does(&ann, acme.end_in(acme.workspace, &dev, Some(until)));
    world.does(&ann, acme.give(acme.workspace, &ann, WorkspaceRole::Reader));
    world.does(&ann, acme.end_in(acme.workspace, &ann, Some(until)));
    let creates = |who| world.asks(who, acme.there(), WorkspaceAction::CreateDomain);
    assert_eq!(creates(&dev).to_string(), "allowed as workspace Developer");
    world.is_at(until);
    assert_eq!(creates(&dev), Decision::Hidden);
    assert!(world.may(&dev, acme.organization, OrganizationAction::View));
    assert_eq!(
        creates(&ann).to_string(),
        "allowed as organization Admin, by cascade"
    );
    let workspaces = block_on(
        world
            .tenancy
            .workspaces(&dev, acme.organization, Paging::default()),
    );
    assert_eq!(workspaces.unwrap().items, []);
}

#[test]
fn t3_what_has_ended_stays_listed_as_ended_until_it_is_taken_away_or_prolonged() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let until = in_days(&world, 1);
    world.does(&ann, acme.end_in(acme.workspace, &dev, Some(until)));
    world.does(&ann, acme.end(&cy, Some(until)));
    world.is_at(until);
    let members = block_on(
        world
            .tenancy
            .members(&ann, acme.organization, Paging::default()),
    );
    let members = members.unwrap().items;
    let listed = members.iter().find(|member| member.user == id(&cy));
    let status = listed.map(|member| (member.status(world.now()), member.until));
    assert_eq!(status, Some((MembershipStatus::Ended, Some(until))));
    let there = block_on(
        world
            .tenancy
            .workspace_members(&ann, acme.there(), Paging::default()),
    );
    let there = there.unwrap().items;
    let listed = there.iter().find(|member| member.user == id(&dev));
    let status = listed.map(|member| member.status(world.now()));
    assert_eq!(status, Some(MembershipStatus::Ended));
    let mine = block_on(world.tenancy.organizations(&cy, Paging::default()));
    assert_eq!(
        mine.unwrap().items[0].membership,
        Some(MembershipStatus::Ended)
    );
    let who = block_on(world.tenancy.who_can(
        &ann,
        acme.there(),
        WorkspaceAction::CreateDomain,
        Paging::default(),
    ));
    let who: Vec<_> = who
        .unwrap()
        .items
        .iter()
        .map(|holder| holder.user)
        .collect();
    assert_eq!(who, [id(&ann)]);
    world.does(&ann, acme.take(acme.workspace, &dev));
    world.does(&ann, acme.remove(&cy));
    assert_eq!(world.row(acme).counts.members, 2);
}

#[test]
fn t3_an_end_is_set_moved_and_removed_and_setting_it_again_changes_nothing() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let (soon, late) = (Some(in_days(&world, 1)), Some(in_days(&world, 9)));
    for until in [late, soon, late, None] {
        assert!(world.did(&ann, acme.end(&bob, until)).changed());
        assert!(!world.did(&ann, acme.end(&bob, until)).changed());
        let member = world.membership(acme, &bob).unwrap();
        assert_eq!(member.until, until);
        assert!(
            world
                .did(&ann, acme.end_in(acme.workspace, &bob, until))
                .changed()
        );
        assert!(
            !world
                .did(&ann, acme.end_in(acme.workspace, &bob, until))
                .changed()
        );
    }
    // Whole milliseconds are kept, whatever is asked for.
    let odd = late.map(|late| late + TimeDelta::nanoseconds(999_999));
    world.does(&ann, acme.end(&bob, odd));
    assert_eq!(world.membership(acme, &bob).unwrap().until, late);
    assert!(!world.did(&ann, acme.end(&bob, odd)).changed());
}

#[test]
fn t3_the_ends_of_time_are_times() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sees = || world.may(&bob, acme.organization, OrganizationAction::View);
    for (until, counts) in [
        (DateTime::<Utc>::MAX_UTC, true),
        (DateTime::<Utc>::MIN_UTC, false),
        (DateTime::UNIX_EPOCH, false),
    ] {
        world.does(&ann, acme.end(&bob, Some(until)));
        assert_eq!(sees(), counts, "{until}");
    }
}

#[test]
fn t3_who_may_remove_may_let_a_membership_end_and_workspace_admins_a_role() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let soon = Some(in_days(&world, 1));
    assert_eq!(
        world.refused(&wa, acme.end(&dev, soon)),
        forbidden(OrganizationAction::EndMembership, RoleSet::MEMBER)
    );
    assert_eq!(
        world.refused(&dev, acme.end_in(acme.workspace, &wa, soon)),
        forbidden(
            WorkspaceAction::ManageRoles,
            RoleSet::MEMBER | RoleSet::DEVELOPER
        )
    );
    world.does(&wa, acme.end_in(acme.workspace, &dev, soon));
    let zoe = user("zoe");
    let nobody = Refusal::MemberNotFound { user: id(&zoe) };
    assert_eq!(world.refused(&user("ann"), acme.end(&zoe, soon)), nobody);
    assert_eq!(
        world.refused(&wa, acme.end_in(acme.workspace, &zoe, soon)),
        nobody
    );
    assert_eq!(
        world.refused(&zoe, acme.end(&dev, None)),
        not_found(acme.organization)
    );
}

#[test]
fn t3_i6_an_invitation_is_worth_nothing_once_its_inviter_has_ended() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let sent = world.does(&bob, acme.invite("cy", OrganizationRole::Member));
    world.does(&ann, acme.end(&bob, Some(in_days(&world, 1))));
    assert!(world.is_open(acme, &sent), "they may still send it");
    world.passes(TimeDelta::days(1));
    assert_eq!(
        world.refused(&user("cy"), accept(&sent)),
        Refusal::InviterLostAuthority
    );
    // An end that has come already revokes in the same commit.
    world.does(&ann, acme.end(&bob, None));
    let now = world.now();
    let done = world.did(&ann, acme.end(&bob, Some(now)));
    assert_eq!(done.output.invitations, [sent.invitation]);
    assert!(done.events.contains(&Event::InvitationRevoked {
        invitation: sent.invitation,
        reason: RevocationReason::InviterLostAuthority,
    }));
}

#[test]
fn t3_i6_a_workspace_admin_whose_role_ends_at_once_can_send_nothing_into_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(
        &wa,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
    );
    let now = world.now();
    let done = world.does(&ann, acme.end_in(acme.workspace, &wa, Some(now)));
    assert_eq!(done.invitations, [sent.invitation]);
}

#[test]
fn t3_m4_an_older_link_does_not_bring_back_a_role_that_was_let_end() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Reader);
    let there = acme.workspace;
    let known = world.does(&ann, acme.invite_to(there, "dev", WorkspaceRole::Admin));
    let other = acme.invite_address_to(there, "dev@x.example", WorkspaceRole::Admin);
    let other = world.does(&ann, other);
    let until = in_days(&world, 1);
    let done = world.does(&ann, acme.end_in(there, &dev, Some(until)));
    assert_eq!(
        done.invitations,
        [known.invitation],
        "to an address known to be theirs"
    );
    let moved = user_at("dev", "dev@x.example");
    assert_eq!(
        world.refused(&moved, accept(&other)),
        Refusal::InvitationOutdated
    );
    world.is_at(until);
    assert_eq!(
        world.refused(&moved, accept(&other)),
        Refusal::InvitationOutdated
    );
    // What is sent since is theirs, and doesn't end: not even with a lower role than the one that ended.
    let since = world.does(&ann, acme.invite_to(there, "dev", WorkspaceRole::Reader));
    let accepted = world.does(&dev, accept(&since));
    assert_eq!(
        accepted.workspace_role,
        Some((there, WorkspaceRole::Reader))
    );
    assert!(world.may(&dev, acme.there(), WorkspaceAction::View));
    let held = world.state(acme);
    let held = held.workspace_member(there, id(&dev)).unwrap();
    assert_eq!(held.until, None);
}

#[test]
fn t3_m5_a_role_in_place_of_one_that_is_to_end_ends_with_it_and_of_one_that_has_does_not() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Reader);
    let there = acme.workspace;
    let until = Some(in_days(&world, 1));
    world.does(&ann, acme.end_in(there, &dev, until));
    world.does(&ann, acme.give(there, &dev, WorkspaceRole::Developer));
    let end = || {
        let state = world.state(acme);
        state.workspace_member(there, id(&dev)).unwrap().until
    };
    assert_eq!(end(), until);
    world.passes(TimeDelta::days(1));
    // Given again, as it was: that is not "nothing to do".
    let done = world.did(&ann, acme.give(there, &dev, WorkspaceRole::Developer));
    assert_eq!(done.events.len(), 2, "{:?}", done.events);
    assert_eq!(end(), None);
    assert!(world.may(&dev, acme.there(), WorkspaceAction::CreateDomain));
}

#[test]
fn t3_an_invitation_does_not_prolong_a_membership() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let raises = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    let until = in_days(&world, 1);
    world.does(&ann, acme.end(&bob, Some(until)));
    world.is_at(until);
    let ended = Refusal::MembershipEnded { ended_at: until };
    assert_eq!(world.refused(&bob, accept(&raises)), ended);
    assert_eq!(world.refused(&ann, acme.resend(raises.invitation)), ended);
    assert_eq!(
        world.refused(&ann, acme.invite("bob", OrganizationRole::Admin)),
        ended
    );
    // While it lasts, a role that is raised ends when the membership does.
    world.does(&ann, acme.end(&bob, Some(until + TimeDelta::days(1))));
    world.does(&bob, accept(&raises));
    let member = world.membership(acme, &bob).unwrap();
    assert_eq!(member.role, OrganizationRole::Accounting);
    assert_eq!(member.until, Some(until + TimeDelta::days(1)));
}

#[test]
fn t3_m3_who_has_ended_may_leave() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Reader);
    let now = world.now();
    world.does(&ann, acme.end_in(acme.workspace, &dev, Some(now)));
    world.does(&dev, acme.leave_workspace(acme.workspace));
    world.does(&ann, acme.end(&dev, Some(now)));
    world.does(&dev, acme.leave());
}

#[test]
fn t2_an_admin_who_is_bound_to_end_does_not_count_and_one_who_lasts_again_does() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let soon = Some(in_days(&world, 1));
    world.does(&ann, acme.end(&bob, soon));
    assert_eq!(
        world.refused(&bob, acme.end(&ann, soon)),
        Refusal::LastAdmin
    );
    world.does(&ann, acme.end(&bob, None));
    world.does(&bob, acme.end(&ann, soon));
    assert_eq!(world.row(acme).counts.admins, 1);
    // Demoted and promoted, she is still bound to end.
    world.does(&bob, acme.change_role(&ann, OrganizationRole::Member));
    world.does(&bob, acme.change_role(&ann, OrganizationRole::Admin));
    assert_eq!(world.row(acme).counts.admins, 1);
    assert_eq!(world.refused(&bob, acme.leave()), Refusal::LastAdmin);
}
