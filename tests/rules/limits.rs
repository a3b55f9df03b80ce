//! Limits: Q1–Q5, and D2 as far as it is about them.

use tenancy::commands::{AcceptReceivedInvitation, SetLimits, SetWorkspaceQuota};
use tenancy::store::{Newcomers, OrganizationState};
use tenancy::{
    Actor, Event, InvitationTarget, Limit, LimitUsage, Limits, OrganizationAction,
    OrganizationRole, Refusal, RoleSet, Settings, Usage, WorkspaceRole, WorkspaceUsage,
};
use tenancy_tests::world::{Acme, World, accept, decline, operator, user, user_at};

const ADMIN: OrganizationRole = OrganizationRole::Admin;
const ACCOUNTING: OrganizationRole = OrganizationRole::Accounting;
const MEMBER: OrganizationRole = OrganizationRole::Member;
const READS: WorkspaceRole = WorkspaceRole::Reader;

/// Acme, which is Ann's alone, with so many seats.
fn acme_of(seats: u32) -> (World, Acme, Actor) {
    let world = World::new();
    let acme = world.acme();
    world.does(&operator(), acme.seats(seats));
    (world, acme, user("ann"))
}

fn usage(world: &World, acme: Acme) -> Usage {
    tenancy::block_on(world.tenancy.usage(&operator(), acme.organization)).unwrap()
}

/// Of the seats: used, reserved.
fn seats(world: &World, acme: Acme) -> (u32, u32) {
    let seats = usage(world, acme).seats;
    (seats.used, seats.reserved)
}

fn no_seat(limit: u32, used: u32, reserved: u32) -> Refusal {
    Refusal::LimitReached {
        of: Limit::Seats,
        limit,
        used,
        reserved,
    }
}

fn no_domain(of: Limit, limit: u32, used: u32) -> Refusal {
    Refusal::LimitReached {
        of,
        limit,
        used,
        reserved: 0,
    }
}

fn domains(in_all: u32) -> Limits {
    Limits {
        domains: Some(in_all),
        ..Limits::UNLIMITED
    }
}

fn domains_each(per_workspace: u32) -> Limits {
    Limits {
        domains_per_workspace: Some(per_workspace),
        ..Limits::UNLIMITED
    }
}

// Q1

#[test]
fn q1_nobody_comes_in_by_any_way_where_no_seat_is_left() {
    let (world, acme, ann) = acme_of(1);
    let full = no_seat(1, 1, 0);
    assert_eq!(world.refused(&ann, acme.invite("bob", MEMBER)), full);
    let to_workspace = acme.invite_to(acme.workspace, "bob", READS);
    assert_eq!(world.refused(&ann, to_workspace), full);
    assert_eq!(world.refused(&operator(), acme.appoint(&user("bob"))), full);
    assert_eq!(
        full.to_string(),
        "no seat is left of 1, with 1 taken and 0 reserved by open invitations, suspended members and expired invitations included: remove a member, revoke an \
         invitation, or contact the vendor to raise the limit"
    );
    assert_eq!(
        (full.code(), full.rule(), full.http_status()),
        ("limit_reached", "Q1", 409)
    );
}

#[test]
fn q1_who_rises_to_a_role_that_needs_a_seat_asks_for_one() {
    let (world, acme, ann) = acme_of(1);
    let cy = world.member(acme, "cy", ACCOUNTING);
    let offered = world.does(&ann, acme.invite("cy", ADMIN));
    let full = no_seat(1, 1, 0);
    assert_eq!(world.refused(&ann, acme.change_role(&cy, ADMIN)), full);
    assert_eq!(world.refused(&operator(), acme.appoint(&cy)), full);
    assert_eq!(world.refused(&cy, accept(&offered)), full);
    let from_the_list = AcceptReceivedInvitation {
        organization: acme.organization,
        invitation: offered.invitation,
    };
    assert_eq!(world.refused(&cy, from_the_list), full);
    world.does(&operator(), acme.seats(2));
    world.does(&cy, accept(&offered));
    assert_eq!(seats(&world, acme), (2, 0));
    // From one role that needs a seat to another is no matter.
    world.does(&operator(), acme.seats(0));
    world.does(&ann, acme.change_role(&cy, MEMBER));
    world.does(&ann, acme.change_role(&cy, ADMIN));
}

#[test]
fn q1_no_demotion_asks_even_to_a_role_that_needs_a_seat() {
    let (world, acme, ann) = acme_of(1);
    let cy = world.member(acme, "cy", ACCOUNTING);
    world.does(&ann, acme.change_role(&cy, MEMBER));
    let seats = usage(&world, acme).seats;
    assert_eq!(
        (seats.used, seats.remaining(), seats.over_by()),
        (2, Some(0), 1)
    );
}

#[test]
fn q1_reading_changing_moving_and_leaving_go_on_over_every_limit() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Developer);
    let sent = world.does(&ann, acme.invite("cy", ADMIN));
    let resent = world.does(&ann, acme.invite_to(acme.workspace, "dan", READS));
    let other = world.does(&ann, acme.create_workspace("Other"));
    let domain = world.does(&ann, acme.sandbox("api"));
    let nothing = Limits {
        seats: Some(0),
        domains: Some(0),
        domains_per_workspace: Some(0),
    };
    world.does(&operator(), acme.limits(nothing));
    world.does(&ann, acme.deactivate(domain));
    world.does(&ann, acme.reactivate(domain));
    world.does(&ann, acme.move_domain(domain, other));
    world.passes(chrono::TimeDelta::minutes(2));
    world.does(&ann, acme.resend(resent.invitation));
    world.does(&ann, acme.revoke(resent.invitation));
    world.does(&ann, acme.give(other, &bob, READS));
    world.does(&user_at("bob", "bob@new.example"), acme.follow());
    // Q3: it is the seat that was reserved for them.
    world.does(&user("cy"), accept(&sent));
    world.does(&bob, acme.leave());
    world.does(&ann, acme.remove(&user("cy")));
    assert!(world.may(&ann, acme.organization, OrganizationAction::View));
    assert_eq!(seats(&world, acme), (1, 0));
    world.does(&ann, acme.delete_domain(domain));
    let fresh = world.refused(&ann, acme.sandbox("api"));
    assert_eq!(fresh, no_domain(Limit::Domains, 0, 1));
}

#[test]
fn q1_a_domain_that_moves_asks_nothing_where_it_comes_to() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.limits(domains_each(1)));
    let other = world.does(&ann, acme.create_workspace("Other"));
    let first = world.does(&ann, acme.sandbox("first"));
    world.does(&ann, acme.sandbox_in(other, "second"));
    world.does(&ann, acme.move_domain(first, other));
    let there = (acme.organization, other);
    let there = tenancy::block_on(world.tenancy.workspace_usage(&ann, there)).unwrap();
    assert_eq!(there.domains.over_by(), 1);
    let more = world.refused(&ann, acme.sandbox_in(other, "third"));
    assert_eq!(more, no_domain(Limit::DomainsPerWorkspace, 1, 2));
    world.does(&ann, acme.sandbox("third"));
}

#[test]
fn q1_a_founder_comes_in_with_the_organization() {
    let settings = Settings {
        default_limits: Limits {
            seats: Some(0),
            ..Limits::UNLIMITED
        },
        ..Settings::default()
    };
    let world = World::with(settings);
    let acme = world.acme();
    assert_eq!(usage(&world, acme).seats.over_by(), 1);
    let full = world.refused(&user("ann"), acme.invite("bob", MEMBER));
    assert_eq!(full, no_seat(0, 1, 0));
}

// Q2

#[test]
fn q2_only_operators_set_limits() {
    let world = World::new();
    let acme = world.acme();
    for who in [
        world.member(acme, "cy", ACCOUNTING),
        world.member(acme, "bob", MEMBER),
        user("ann"),
    ] {
        let refusal = world.refused(&who, acme.seats(100));
        assert_eq!(refusal.code(), "forbidden", "{refusal}");
    }
    let refusal = world.refused(&user("dora"), acme.seats(100));
    assert_eq!(refusal.code(), "not_found");
    world.does(&operator(), acme.seats(100));
}

#[test]
fn q2_lowering_succeeds_and_says_by_how_much_it_is_over() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.member(acme, "bob", MEMBER);
    world.does(&ann, acme.invite("cy", MEMBER));
    world.does(&ann, acme.sandbox("one"));
    let two = world.does(&ann, acme.sandbox("two"));
    world.does(&ann, acme.delete_domain(two));
    world.does(&ann, acme.create_workspace("Other"));
    let lower = SetLimits {
        organization: acme.organization,
        limits: Limits {
            seats: Some(1),
            domains: Some(1),
            domains_per_workspace: Some(0),
        },
        workspace_quota: Some(1),
    };
    let done = world.did(&operator(), lower);
    let over = done.output;
    assert_eq!(
        (
            over.seats.over_by(),
            over.domains.over_by(),
            over.workspaces.over_by()
        ),
        (2, 1, 1)
    );
    assert_eq!(
        over,
        usage(&world, acme),
        "the answer is what the read says"
    );
    assert_eq!(
        done.events,
        [
            Event::WorkspaceQuotaSet {
                from: 100,
                to: 1,
                workspaces: 2
            },
            Event::LimitsSet {
                from: Settings::default().default_limits,
                to: Limits {
                    seats: Some(1),
                    domains: Some(1),
                    domains_per_workspace: Some(0)
                },
                seats: 2,
                reserved: 1,
                domains: 2,
                workspaces: 2,
                workspace_quota: 1,
            }
        ]
    );
    assert_eq!(
        world.state(acme).members().count(),
        2,
        "nothing is taken away"
    );
}

#[test]
fn q2_zero_means_zero_and_none_means_unlimited() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.limits(domains(0)));
    let refusal = world.refused(&ann, acme.sandbox("api"));
    assert_eq!(refusal, no_domain(Limit::Domains, 0, 0));
    world.does(&operator(), acme.limits(domains_each(0)));
    let refusal = world.refused(&ann, acme.sandbox("api"));
    assert_eq!(refusal, no_domain(Limit::DomainsPerWorkspace, 0, 0));
    world.does(&operator(), acme.limits(Limits::UNLIMITED));
    for number in 0..101 {
        world.does(&ann, acme.sandbox(&format!("api-{number}")));
    }
    assert_eq!(usage(&world, acme).domains.remaining(), None);
}

#[test]
fn q2_by_default_a_hundred_domains_and_seats_without_limit() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    assert_eq!(world.row(acme).limits, domains(100));
    for number in 0..100 {
        world.does(&ann, acme.sandbox(&format!("api-{number}")));
    }
    let refusal = world.refused(&ann, acme.sandbox("one-more"));
    assert_eq!(refusal, no_domain(Limit::Domains, 100, 100));
    assert_eq!(
        refusal.to_string(),
        "the organization has 100 of 100 domains, kept names of deleted ones included: contact the vendor to \
         raise the limit, or to release a name"
    );
}

#[test]
fn q2_the_defaults_are_the_hosts_choice_and_stay_with_the_organization() {
    let few = Limits {
        seats: Some(1),
        domains: None,
        domains_per_workspace: Some(1),
    };
    let world = World::with(Settings {
        default_limits: few,
        ..Settings::default()
    });
    let acme = world.acme();
    assert_eq!(world.row(acme).limits, few);
    let refusal = world.refused(&user("ann"), acme.invite("bob", MEMBER));
    assert_eq!(refusal, no_seat(1, 1, 0));
}

#[test]
fn q2_the_workspace_quota_keeps_its_own_word() {
    let world = World::new();
    let acme = world.acme();
    let set = SetWorkspaceQuota {
        organization: acme.organization,
        quota: 3,
    };
    let quota = world.does(&operator(), set);
    world.does(&operator(), acme.seats(7));
    assert_eq!(
        world.row(acme).workspace_quota,
        3,
        "limits leave it as it is"
    );
    let workspaces = usage(&world, acme).workspaces;
    assert_eq!(
        (workspaces.used, workspaces.limit, workspaces.over_by()),
        (quota.workspaces, Some(quota.quota), quota.over_by())
    );
}

#[test]
fn q2_a_deleted_organization_has_no_limits_to_set() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    let refusal = world.refused(&operator(), acme.seats(1));
    assert_eq!(refusal, Refusal::OrganizationDeleted);
    assert_eq!(seats(&world, acme), (0, 0));
}

// Q3

#[test]
fn q3_an_open_invitation_reserves_a_seat_once_per_address() {
    let (world, acme, ann) = acme_of(3);
    let other = world.does(&ann, acme.create_workspace("Other"));
    world.does(&ann, acme.invite("bob", MEMBER));
    assert_eq!(seats(&world, acme), (1, 1));
    // The same person, however typed, to more.
    world.does(&ann, acme.invite_to(acme.workspace, "bob", READS));
    world.does(
        &ann,
        acme.invite_address_to(other, "BOB@Acme.Example", READS),
    );
    assert_eq!(seats(&world, acme), (1, 1));
    world.does(&ann, acme.invite_to(other, "cy", READS));
    assert_eq!(seats(&world, acme), (1, 2));
    let full = world.refused(&ann, acme.invite("dan", MEMBER));
    assert_eq!(full, no_seat(3, 1, 2));
    // Whoever has a seat reserved may be invited to more.
    world.does(&ann, acme.invite_to(acme.workspace, "cy", READS));
}

#[test]
fn q3_accepting_takes_the_seat_that_was_reserved() {
    let (world, acme, ann) = acme_of(2);
    let first = world.does(&ann, acme.invite("bob", MEMBER));
    let second = world.does(&ann, acme.invite_to(acme.workspace, "bob", READS));
    world.does(&operator(), acme.seats(0));
    world.does(&user("bob"), accept(&second));
    assert_eq!(
        seats(&world, acme),
        (2, 0),
        "what is left open is to a member"
    );
    world.does(&user("bob"), accept(&first));
    assert_eq!(seats(&world, acme), (2, 0));
}

#[test]
fn q3_a_seat_is_free_again_once_nothing_reserves_it() {
    let (world, acme, ann) = acme_of(2);
    let bob = user("bob");
    let one = world.does(&ann, acme.invite("bob", MEMBER));
    let other = world.does(&ann, acme.invite_to(acme.workspace, "bob", READS));
    world.does(&ann, acme.revoke(one.invitation));
    assert_eq!(seats(&world, acme), (1, 1), "the other one is still open");
    world.does(&bob, decline(&other));
    assert_eq!(seats(&world, acme), (1, 0));
    world.does(&ann, acme.invite("cy", MEMBER));
    world.member(acme, "books", ACCOUNTING);
    let full = world.refused(&ann, acme.invite("bob", MEMBER));
    assert_eq!(full, no_seat(2, 1, 1));
}

#[test]
fn q3_an_expired_invitation_reserves_until_it_is_revoked_or_renewed() {
    let (world, acme, ann) = acme_of(2);
    let sent = world.does(&ann, acme.invite("bob", MEMBER));
    world.passes(chrono::TimeDelta::days(8));
    assert_eq!(seats(&world, acme), (1, 1));
    let full = world.refused(&ann, acme.invite("cy", MEMBER));
    assert_eq!(full, no_seat(2, 1, 1));
    world.does(&ann, acme.resend(sent.invitation));
    assert_eq!(seats(&world, acme), (1, 1));
    world.does(&ann, acme.revoke(sent.invitation));
    world.does(&ann, acme.invite("cy", MEMBER));
}

#[test]
fn q3_an_invitation_to_a_members_address_reserves_nothing() {
    let (world, acme, ann) = acme_of(2);
    let bob = world.member(acme, "bob", MEMBER);
    world.does(&ann, acme.invite("bob", ADMIN));
    world.does(&ann, acme.invite_to(acme.workspace, "bob", READS));
    assert_eq!(seats(&world, acme), (2, 0));
    // M2: they go with him, and so reserve nothing afterwards.
    world.does(&ann, acme.remove(&bob));
    assert_eq!(seats(&world, acme), (1, 0));
}

/// Whatever changes whether an address is a member's, or has an open invitation.
#[test]
fn q3_the_count_of_reserved_seats_is_that_of_the_addresses_after_every_change() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let cy = world.member(acme, "cy", ADMIN);
    let other = world.does(&ann, acme.create_workspace("Other"));
    let reserved = |expected: u32, what: &str| {
        assert_eq!(seats(&world, acme).1, expected, "{what}");
    };
    // Two Admins invite one address; one of them loses what it takes.
    world.does(&ann, acme.invite("dan", MEMBER));
    world.does(&cy, acme.invite_to(other, "dan", READS));
    world.does(&cy, acme.invite_to(other, "eve", READS));
    reserved(2, "Dan, Eve");
    world.does(&ann, acme.change_role(&cy, MEMBER));
    reserved(1, "I6: Dan has Ann's invitation");
    // A workspace goes, and what was to it.
    world.does(&ann, acme.invite_to(other, "dan", READS));
    world.does(&ann, acme.invite_to(other, "fay", READS));
    reserved(2, "Dan, Fay");
    world.does(&ann, acme.delete_workspace(other));
    reserved(1, "Dan");
    // A member's address becomes one that is invited, and another's.
    world.does(&ann, acme.invite_address("cy@new.example", MEMBER));
    reserved(2, "Dan, Cy's new address");
    world.does(&user_at("cy", "cy@new.example"), acme.follow());
    reserved(1, "Dan");
    let under = world.does(
        &ann,
        acme.invite_address_to(acme.workspace, "cy@third.example", READS),
    );
    reserved(2, "Dan, Cy's third address");
    world.does(&user_at("cy", "cy@third.example"), accept(&under));
    reserved(1, "Dan");
    world.does(&operator(), acme.appoint(&user("dan")));
    reserved(0, "Dan is a member by another way");
    world.does(&user("dan"), acme.leave());
    reserved(0, "M2");
}

#[test]
fn q3_the_count_of_addresses_is_recounted() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, acme.invite("bob", ACCOUNTING));
    world.does(&ann, acme.invite_to(acme.workspace, "bob", READS));
    world.does(&ann, acme.invite("cy", ADMIN));
    let mut state: OrganizationState = world.state(acme);
    let mut row = world.row(acme);
    let counted = Newcomers {
        accounting_or_member: 1,
        admin: 1,
        ..Newcomers::default()
    };
    assert_eq!(row.counts.newcomers, counted);
    row.counts.newcomers.admin = 0;
    state.set_organization(row);
    let violation = state.validate().unwrap_err();
    assert!(
        violation.to_string().contains("the counts are"),
        "{violation}"
    );
}

// Q4

#[test]
fn q4_accounting_needs_no_seat_by_default() {
    let (world, acme, ann) = acme_of(1);
    world.member(acme, "cy", ACCOUNTING);
    world.does(&ann, acme.invite("dan", ACCOUNTING));
    assert_eq!(seats(&world, acme), (1, 0));
    // Offered a seat besides, the address reserves one.
    let full = no_seat(1, 1, 0);
    let member_too = acme.invite_to(acme.workspace, "dan", READS);
    assert_eq!(world.refused(&ann, member_too), full);
    world.passes(chrono::TimeDelta::minutes(2));
    assert_eq!(world.refused(&ann, acme.invite("dan", ADMIN)), full);
}

#[test]
fn q4_a_host_that_changes_its_choice_finds_the_right_counts() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.member(acme, "bob", MEMBER);
    world.member(acme, "cy", ACCOUNTING);
    world.does(&ann, acme.invite("dan", ACCOUNTING));
    world.does(&ann, acme.invite_to(acme.workspace, "eve", READS));
    let seats_by = |roles: RoleSet| {
        let seats = world.row(acme).usage(roles).seats;
        (seats.used, seats.reserved)
    };
    assert_eq!(seats_by(Settings::default().seat_roles), (2, 1));
    assert_eq!(seats_by(RoleSet::all()), (3, 2));
    assert_eq!(seats_by(RoleSet::ORGANIZATION_ADMIN), (1, 0));
    assert_eq!(seats_by(RoleSet::ACCOUNTING), (1, 1));
    assert_eq!(seats_by(RoleSet::empty()), (0, 0));
    // The same store, under a host that charges for everybody.
    let strict = tenancy::Tenancy::new(world.store()).with_settings(Settings {
        seat_roles: RoleSet::all(),
        ..Settings::default()
    });
    world.does(&operator(), acme.seats(5));
    let refused = tenancy::block_on(strict.execute(&ann, acme.invite("fay", ACCOUNTING)));
    assert_eq!(refused.unwrap_err().refusal(), Some(&no_seat(5, 3, 2)));
    world.does(&ann, acme.invite("fay", ACCOUNTING));
}

// Q5

#[test]
fn q5_usage_is_a_read_for_whoever_may_view_the_contract() {
    let (world, acme, ann) = acme_of(5);
    let cy = world.member(acme, "cy", ACCOUNTING);
    world.does(&ann, acme.invite("bob", MEMBER));
    world.does(&ann, acme.sandbox("api"));
    let expected = Usage {
        seats: LimitUsage {
            used: 1,
            reserved: 1,
            limit: Some(5),
        },
        workspaces: LimitUsage {
            used: 1,
            reserved: 0,
            limit: Some(100),
        },
        domains: LimitUsage {
            used: 1,
            reserved: 0,
            limit: None,
        },
    };
    for who in [ann.clone(), cy, operator()] {
        let usage = tenancy::block_on(world.tenancy.usage(&who, acme.organization)).unwrap();
        assert_eq!(usage, expected);
        assert_eq!(usage.seats.remaining(), Some(3));
    }
    let quota = tenancy::block_on(world.tenancy.quota_usage(&ann, acme.organization)).unwrap();
    assert_eq!((quota.workspaces, quota.quota), (1, 100));
    let mel = world.member(acme, "mel", MEMBER);
    for (who, code) in [(mel, "forbidden"), (user("dora"), "not_found")] {
        let error = tenancy::block_on(world.tenancy.usage(&who, acme.organization)).unwrap_err();
        assert_eq!(error.refusal().map(Refusal::code), Some(code));
    }
}

#[test]
fn q5_who_creates_domains_sees_what_is_left_of_them() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let limits = Limits {
        seats: None,
        domains: Some(4),
        domains_per_workspace: Some(2),
    };
    world.does(&operator(), acme.limits(limits));
    let other = world.does(&ann, acme.create_workspace("Other"));
    world.does(&ann, acme.sandbox("one"));
    world.does(&ann, acme.sandbox_in(other, "two"));
    let gone = world.does(&ann, acme.sandbox_in(other, "three"));
    world.does(&ann, acme.delete_domain(gone));
    let cy = world.member(acme, "cy", ACCOUNTING);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let expected = WorkspaceUsage {
        domains: LimitUsage {
            used: 1,
            reserved: 0,
            limit: Some(2),
        },
        domains_in_all: LimitUsage {
            used: 3,
            reserved: 0,
            limit: Some(4),
        },
    };
    let read = |who: &Actor, workspace| {
        let on = (acme.organization, workspace);
        let read = tenancy::block_on(world.tenancy.workspace_usage(who, on));
        read.map_err(|error| error.refusal().map(Refusal::code))
    };
    for who in [&ann, &cy, &dev, &operator()] {
        assert_eq!(read(who, acme.workspace), Ok(expected), "{who:?}");
    }
    let reader = world.workspace_member(acme, "reader", READS);
    assert_eq!(read(&reader, acme.workspace), Err(Some("forbidden")));
    assert_eq!(read(&dev, other), Err(Some("not_found")));
    assert_eq!(read(&user("dora"), other), Err(Some("not_found")));
}

// D2

#[test]
fn d2_kept_names_count_until_an_operator_releases_them() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.limits(domains(2)));
    for called in ["one", "two"] {
        let domain = world.does(&ann, acme.sandbox(called));
        world.does(&ann, acme.delete_domain(domain));
    }
    assert_eq!(world.row(acme).counts.kept_names, 2);
    let squat = world.refused(&ann, acme.sandbox("three"));
    assert_eq!(squat, no_domain(Limit::Domains, 2, 2));
    // A kept name is counted already, and one that is used again, too.
    world.does(&ann, acme.sandbox("one"));
    assert_eq!(usage(&world, acme).domains.used, 2);
    world.does(&operator(), acme.release("two"));
    world.does(&ann, acme.sandbox("three"));
    assert_eq!(world.row(acme).counts.kept_names, 0);
}

#[test]
fn d2_a_name_that_is_taken_beside_one_is_told_before_a_limit() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, acme.sandbox("api"));
    world.does(&operator(), acme.limits(domains(1)));
    let refusal = world.refused(&ann, acme.sandbox("api"));
    assert_eq!(refusal.code(), "domain_name_taken");
    // Elsewhere it is not told apart from a free one (A2).
    let other = world.does(&ann, acme.create_workspace("Other"));
    let dev = world.member_of(acme, other, "dev", WorkspaceRole::Developer);
    for called in ["api", "free"] {
        let refusal = world.refused(&dev, acme.sandbox_in(other, called));
        assert_eq!(refusal, no_domain(Limit::Domains, 1, 1));
    }
}

// I9 and seats

#[test]
fn q1_many_at_once_have_the_seats_that_are_left_and_no_more() {
    let (world, acme, ann) = acme_of(3);
    let target = InvitationTarget::Organization { role: MEMBER };
    let lines = ["a@x.example", "b@x.example", "c@x.example", "a@x.example"];
    let answer = world.does(&ann, acme.invite_many(target, &lines));
    let codes = answer.lines.iter().map(|line| line.as_ref().err());
    let codes: Vec<_> = codes.map(|refusal| refusal.map(Refusal::code)).collect();
    let expected = [None, None, Some("limit_reached"), Some("address_repeated")];
    assert_eq!(codes, expected);
    assert_eq!(answer.lines[2].as_ref().unwrap_err(), &no_seat(3, 1, 2));
    assert_eq!(seats(&world, acme), (1, 2));
}
