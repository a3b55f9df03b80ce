//! What a page shows in one round trip is what each read says by itself.

use tenancy::commands::{CreateWorkspace, LeaveOrganization, RemoveMember, Together};
use tenancy::views::Overview;
use tenancy::{
    Actor, DomainId, Error, InvitationTarget, Operator, OrganizationAction, OrganizationId,
    OrganizationRole, Page, Paging, Refusal, UserId, Version, WorkspaceId, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

fn people(world: &World, acme: Acme) -> Vec<Actor> {
    let mut people = vec![user("ann"), operator()];
    for (who, role) in [
        ("cy", OrganizationRole::Accounting),
        ("bob", OrganizationRole::Member),
    ] {
        people.push(world.member(acme, who, role));
    }
    people.push(world.workspace_member(acme, "wes", WorkspaceRole::Admin));
    people
}

fn page(world: &World, actor: &Actor, acme: Acme) -> Overview {
    block_on(world.tenancy.overview(actor, acme.organization)).unwrap()
}

#[test]
fn an_overview_says_what_each_read_says() {
    let world = World::new();
    let acme = world.acme();
    let people = people(&world, acme);
    world.does(&operator(), acme.edit_contract(Some(line("C-1"))));
    let (tenancy, on) = (&world.tenancy, acme.organization);
    for actor in &people {
        let page = page(&world, actor, acme);
        let organization = block_on(tenancy.organization(actor, on)).unwrap();
        assert_eq!(page.organization, organization);
        assert_eq!(page.version, world.row(acme).version);
        assert_eq!(page.limits, page.usage.map(|_| world.row(acme).limits));
        assert_eq!(page.roles, block_on(tenancy.own_roles(actor, on)).unwrap());
        assert_eq!(page.usage, block_on(tenancy.usage(actor, on)).ok());
        assert_eq!(
            page.contract,
            block_on(tenancy.contract(actor, on)).ok().flatten()
        );
        assert_eq!(
            page.company,
            block_on(tenancy.company(actor, on)).ok().flatten()
        );
        assert_eq!(
            page.invoicing,
            block_on(tenancy.invoicing(actor, on)).ok().flatten()
        );
        for action in OrganizationAction::ALL {
            let may = world.may(actor, on, action);
            assert_eq!(page.may.contains(&action), may, "{actor:?} {action:?}");
        }
    }
    assert!(page(&world, &people[0], acme).contract.is_some());
    assert!(page(&world, &people[3], acme).usage.is_none());
}

#[test]
fn t4_an_overview_of_a_suspended_organization_offers_what_goes_on() {
    let world = World::new();
    let acme = world.acme();
    world.does(&operator(), acme.suspend("unpaid"));
    let page = page(&world, &user("ann"), acme);
    assert_eq!(page.organization.suspension, Some(line("unpaid")));
    assert!(page.may.contains(&OrganizationAction::EditInvoicing));
    assert!(!page.may.contains(&OrganizationAction::Rename));
}

#[test]
fn a_person_is_seen_whole_by_admins_and_by_themself() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    let second = world.does(&operator(), acme.quota(2));
    assert_eq!(second.quota, 2);
    let there = world.does(&user("ann"), acme.create_workspace("Second"));
    world.does(
        &user("ann"),
        acme.invite_to(there, "bob", WorkspaceRole::Developer),
    );
    let seen = |by: &Actor, whom: &Actor| {
        let user = whom.user_id().unwrap();
        block_on(world.tenancy.person(by, acme.organization, user))
    };
    for by in [&user("ann"), &operator(), &bob] {
        let person = seen(by, &bob).unwrap();
        assert_eq!(person.member.email, email("bob@acme.example"));
        let workspaces = person.workspaces.unwrap();
        assert_eq!(workspaces.len(), 1);
        assert_eq!(workspaces[0].workspace.id, acme.workspace);
        assert_eq!(workspaces[0].role.role, WorkspaceRole::Reader);
        assert_eq!(person.invitations.unwrap().len(), 1);
    }
    let refusal = seen(&cy, &bob).unwrap_err();
    assert!(
        matches!(refusal.refusal(), Some(Refusal::Forbidden { .. })),
        "{refusal}"
    );
    let nobody = seen(&user("ann"), &user("eve")).unwrap_err();
    assert!(
        matches!(nobody.refusal(), Some(Refusal::MemberNotFound { .. })),
        "{nobody}"
    );
}

#[test]
fn why_not_asks_each_by_itself() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let organization = acme.organization;
    let leave = LeaveOrganization { organization };
    let create = |called: &str| CreateWorkspace {
        organization,
        name: name(called),
    };
    world.does(&operator(), acme.quota(2));
    let before = world.everything();
    // Each is asked of what is there now: either workspace could be created, though not both.
    let why = world
        .tenancy
        .why_not(&ann, (leave.clone(), vec![create("Two"), create("Three")]));
    assert_eq!(
        block_on(why).unwrap(),
        [Some(Refusal::LastAdmin), None, None]
    );
    assert_eq!(world.everything(), before);
    // Q1: seats are asked for, too.
    world.does(&operator(), acme.seats(1));
    let invite = acme.invite("bob", OrganizationRole::Member);
    let why = block_on(world.tenancy.why_not(&ann, invite)).unwrap();
    assert!(
        matches!(why[..], [Some(Refusal::LimitReached { .. })]),
        "{why:?}"
    );
}

#[test]
fn why_not_of_several_organizations_is_asked_of_each() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let remove = |organization| RemoveMember {
        organization,
        user: UserId::from_external("bob"),
    };
    let both = vec![remove(acme.organization), remove(OrganizationId::new())];
    let error = block_on(world.tenancy.why_not(&ann, both)).unwrap_err();
    let why = Together::Organizations;
    assert_eq!(error.refusal(), Some(&Refusal::NotTogether { why }));
}

#[test]
fn a2_why_not_tells_outsiders_what_execute_would() {
    let world = World::new();
    let (acme, eve) = (world.acme(), user("eve"));
    for organization in [acme.organization, OrganizationId::new()] {
        let leave = LeaveOrganization { organization };
        let why = block_on(world.tenancy.why_not(&eve, leave)).unwrap();
        assert!(
            matches!(why[..], [Some(Refusal::NotFound { .. })]),
            "{why:?}"
        );
    }
}

#[test]
fn a_problem_says_what_a_client_needs_and_no_more() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.quota(1));
    let two = vec![acme.create_workspace("Two"), acme.create_workspace("Three")];
    let error = block_on(world.tenancy.execute(&ann, two)).unwrap_err();
    let problem = serde_json::to_value(error.problem()).unwrap();
    assert_eq!(problem["status"], 409);
    assert_eq!(problem["code"], "quota_reached");
    assert_eq!(problem["rule"], "W2");
    assert_eq!(problem["command"], 0);
    assert_eq!(problem["retryable"], false);
    assert_eq!(problem["refusal"]["code"], "quota_reached");
    // What the store said stays with the host.
    let secret = std::io::Error::other("password=hunter2");
    let failed = serde_json::to_string(&Error::Store(secret).problem()).unwrap();
    assert!(
        failed.contains("store_failed") && !failed.contains("hunter2"),
        "{failed}"
    );
}

#[test]
fn a_key_of_an_operator_is_nobody_elses() {
    let (ann, support, sales) = (
        user("ann"),
        operator(),
        Actor::Operator(Operator::attest(line("sales"))),
    );
    let ids = [
        ann.commit_id("k"),
        support.commit_id("k"),
        sales.commit_id("k"),
        support.commit_id("l"),
    ];
    let distinct: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(distinct.len(), ids.len());
    assert_eq!(support.commit_id("k"), operator().commit_id("k"));
    assert!(support.commit_id(" ").as_uuid().is_nil());
}

#[test]
fn the_last_page_says_that_it_is_the_last() {
    let world = World::new();
    let acme = world.acme();
    let _ = people(&world, acme); // ann, cy, bob and wes
    let (tenancy, ann, on) = (&world.tenancy, user("ann"), acme.organization);
    world.does(&operator(), acme.quota(2));
    world.does(&ann, acme.create_workspace("Second"));
    for (limit, more) in [(1, true), (3, true), (4, false), (5, false)] {
        let paging = Paging::first(limit);
        let members = block_on(tenancy.members(&ann, on, paging)).unwrap();
        assert_eq!(members.next.is_some(), more, "{limit} of the members");
        let viewers = block_on(tenancy.who_can(&ann, on, OrganizationAction::View, paging));
        assert_eq!(
            viewers.unwrap().next.is_some(),
            more,
            "{limit} of who may view"
        );
    }
    for (limit, more) in [(1, true), (2, false)] {
        let workspaces = block_on(tenancy.workspaces(&ann, on, Paging::first(limit))).unwrap();
        assert_eq!(workspaces.next.is_some(), more, "{limit} of the workspaces");
    }
}

#[test]
fn a_walk_by_cursors_meets_everybody_once() {
    let world = World::new();
    let acme = world.acme();
    let _ = people(&world, acme);
    let ann = user("ann");
    let all = block_on(
        world
            .tenancy
            .members(&ann, acme.organization, Paging::default()),
    )
    .unwrap();
    let (mut walked, mut paging) = (Vec::new(), Paging::first(1));
    loop {
        let page = block_on(world.tenancy.members(&ann, acme.organization, paging)).unwrap();
        let cursor = page.cursor();
        walked.extend(page.items);
        let Some(cursor) = cursor else { break };
        assert!(
            cursor.chars().all(|c| c.is_ascii_alphanumeric()),
            "{cursor}"
        );
        paging = paging.from_cursor(&cursor).unwrap();
    }
    assert_eq!(walked, all.items);
}

#[test]
fn a_cursor_of_another_list_or_of_nobody_is_refused() {
    let user = Paging::<UserId>::first(1);
    let pair = Paging::<(WorkspaceId, Option<DomainId>)>::first(1);
    let version = Paging::<Version>::first(1);
    for cursor in [
        "",
        ".",
        "7",
        "-1",
        "ann",
        "00000000-0000-0000-0000-000000000001",
        "é",
    ] {
        assert!(user.from_cursor(cursor).is_err(), "{cursor}");
        assert!(pair.from_cursor(cursor).is_err(), "{cursor}");
    }
    let id = "0".repeat(31) + "1";
    assert!(user.from_cursor(&id).is_ok());
    assert!(user.from_cursor(&format!("{id}.{id}")).is_err());
    assert!(
        version
            .from_cursor(&id)
            .is_ok_and(|paging| paging.after == Some(Version::new(1)))
    );
    assert!(version.from_cursor("18446744073709551616").is_err());
    // Both halves, and the half that is nothing.
    for key in [None, Some(DomainId::new())] {
        let next = Some((WorkspaceId::new(), key));
        let page: Page<(), _> = Page {
            items: vec![],
            next,
            unreadable: vec![],
        };
        let read = pair.from_cursor(&page.cursor().unwrap()).unwrap();
        assert_eq!(read.after, next);
    }
}

#[test]
fn what_happened_newest_first_is_the_trail_turned_round() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    for number in 0..9 {
        world.does(&ann, acme.rename(&format!("Acme {number}")));
    }
    let (tenancy, on) = (&world.tenancy, acme.organization);
    let mut trail = block_on(tenancy.audit_trail(&ann, on, Paging::first(100)))
        .unwrap()
        .items;
    trail.reverse();
    for limit in [1, 3, 5, trail.len(), trail.len() + 1] {
        let (mut walked, mut paging) = (Vec::new(), Paging::first(u32::try_from(limit).unwrap()));
        loop {
            let page = block_on(tenancy.activity(&ann, on, paging)).unwrap();
            assert!(!page.items.is_empty() && page.items.len() <= limit);
            walked.extend(page.items);
            let Some(next) = page.next else { break };
            paging = paging.after(next);
        }
        assert_eq!(walked, trail, "by {limit}");
    }
    // What is asked for beyond either end is the end.
    for (after, expected) in [(0, 0), (1, 0), (2, 1), (u64::MAX, trail.len())] {
        let paging = Paging::first(100).after(Version::new(after));
        let page = block_on(tenancy.activity(&ann, on, paging)).unwrap();
        assert_eq!(page.items.len(), expected, "after {after}");
    }
}

/// What clients are told of what was done, and that no link's secret is in it.
#[test]
fn answers_serialize_without_secrets() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let invited = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let shown = json(&invited);
    let token = invited.token.clone().unwrap().expose();
    assert_eq!(shown["invitation"], invited.invitation.to_string());
    assert_eq!(
        (&shown["email"], &shown["renewed"]),
        (&"bob@acme.example".into(), &false.into())
    );
    assert!(shown.get("token").is_none());
    let many = acme.invite_many(
        InvitationTarget::Organization {
            role: OrganizationRole::Member,
        },
        &["cy@acme.example", "no address"],
    );
    let many = json(&world.does(&ann, many));
    assert_eq!(many["lines"][0]["invited"]["email"], "cy@acme.example");
    assert_eq!(many["lines"][1]["refused"]["code"], "email_invalid");
    let accepted = json(&world.does(&user("bob"), accept(&invited)));
    assert_eq!(
        (&accepted["joined"], &accepted["organization_role"]),
        (&true.into(), &"member".into())
    );
    let departure = json(&world.does(&ann, acme.remove(&user("bob"))));
    assert_eq!(departure["role"], "member");
    for shown in [shown, many, accepted, departure] {
        let text = shown.to_string();
        assert!(
            !text.contains(token.as_str()) && !text.contains("token"),
            "{text}"
        );
    }
}

fn json(answer: &impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(answer).unwrap()
}

#[test]
fn t3_a2_who_looks_at_themself_sees_no_workspace_in_which_their_role_has_ended() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let until = world.now() + chrono::TimeDelta::hours(1);
    world.does(&ann, acme.end_in(acme.workspace, &bob, Some(until)));
    world.passes(chrono::TimeDelta::hours(2));
    let seen = |by: &Actor| {
        let person = world
            .tenancy
            .person(by, acme.organization, bob.user_id().unwrap());
        block_on(person).unwrap().workspaces.unwrap().len()
    };
    assert_eq!((seen(&bob), seen(&ann)), (0, 1));
}

#[test]
fn o3_who_does_not_show_the_address_sees_no_invitation_to_it() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Admin);
    world.does(&ann, invite);
    let seen = |by: &Actor| {
        let person = world
            .tenancy
            .person(by, acme.organization, bob.user_id().unwrap());
        block_on(person).unwrap().invitations.map(|all| all.len())
    };
    let elsewhere = user_at("bob", "bob@home.example");
    assert_eq!(seen(&bob), Some(1));
    assert_eq!(seen(&elsewhere), None);
    assert_eq!(seen(&unverified("bob")), None);
}
