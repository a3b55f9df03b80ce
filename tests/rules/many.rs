//! Many invitations at once: I9.

use chrono::TimeDelta;
use tenancy::commands::{InviteMany, InvitedMany};
use tenancy::{
    CommitId, Event, InvitationTarget, OrganizationRole, Refusal, RefusedLine, Settings,
    WorkspaceRole,
};
use tenancy_tests::world::{World, accept, operator, user};

const MEMBERS: InvitationTarget = InvitationTarget::Organization {
    role: OrganizationRole::Member,
};

/// What became of each: `invited`, `renewed` or the refusal's code.
fn outcomes(answer: &InvitedMany) -> Vec<&'static str> {
    let outcome = |line: &Result<tenancy::commands::Invited, Refusal>| match line {
        Ok(invited) if invited.renewed => "renewed",
        Ok(_) => "invited",
        Err(refusal) => refusal.code(),
    };
    answer.lines.iter().map(outcome).collect()
}

#[test]
fn i9_each_line_has_an_outcome_of_its_own_in_the_order_asked() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.member(acme, "bob", OrganizationRole::Admin);
    world.does(&ann, acme.invite("cy", OrganizationRole::Accounting));
    world.passes(TimeDelta::minutes(2));
    world.does(&ann, acme.invite("dan", OrganizationRole::Accounting));
    let lines = [
        "  New@Acme.example ",
        "bob@acme.example",
        "cy@acme.example",
        "",
        "dan@acme.example",
        "new@acme.example",
        "no address",
        "eve@acme.example",
    ];
    let done = world.did(&ann, acme.invite_many(MEMBERS, &lines));
    assert_eq!(
        outcomes(&done.output),
        [
            "invited",
            "already_has_role",
            "renewed",
            "email_invalid",
            "resent_too_soon",
            "address_repeated",
            "email_invalid",
            "invited"
        ]
    );
    // Each that was invited has its event, as if alone; the others are on the record, in one.
    let [
        Event::InvitationSent { email, .. },
        Event::InvitationRenewed { .. },
        Event::InvitationSent { .. },
        Event::LinesRefused { lines: refused },
    ] = &done.events[..]
    else {
        panic!("{:?}", done.events);
    };
    assert_eq!(email.as_str(), "New@Acme.example");
    let numbers: Vec<_> = refused.iter().map(|line| line.line).collect();
    assert_eq!(numbers, [2, 4, 5, 6, 7]);
    let repeated = RefusedLine {
        line: 6,
        refusal: Refusal::AddressRepeated { line: 1 },
    };
    assert_eq!(refused[3], repeated);
    let entry = world.log(acme).pop().unwrap();
    let written = serde_json::to_string(&entry).unwrap();
    assert!(!written.contains("no address"), "what was typed isn't kept");
}

#[test]
fn i9_each_link_works_and_is_of_its_own_line() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let lines = ["bob@acme.example", "nonsense", "cy@acme.example"];
    let answer = world.does(&ann, acme.invite_many(MEMBERS, &lines));
    for (who, line) in [("bob", 0), ("cy", 2)] {
        let invited = answer.lines[line].as_ref().unwrap();
        world.does(&user(who), accept(invited));
        assert_eq!(world.role(acme, &user(who)), Some(OrganizationRole::Member));
    }
}

#[test]
fn i9_up_to_a_hundred_in_one_commit() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let lines: Vec<_> = (0..=100).map(|n| format!("p{n}@acme.example")).collect();
    let mut many = InviteMany {
        organization: acme.organization,
        target: MEMBERS,
        emails: lines,
    };
    let refusal = world.refused(&ann, many.clone());
    assert_eq!(refusal, Refusal::TooManyLines { limit: 100 });
    assert_eq!(
        refusal.to_string(),
        "at most 100 addresses may be invited at once: send them in parts"
    );
    many.emails.pop();
    let before = world.row(acme).version;
    let answer = world.does(&ann, many);
    assert_eq!(answer.lines.len(), 100);
    assert!(answer.lines.iter().all(Result::is_ok));
    assert_eq!(world.row(acme).version.get(), before.get() + 1);
}

#[test]
fn i9_who_may_invite_nobody_is_refused_as_a_whole() {
    let world = World::new();
    let acme = world.acme();
    let mel = world.member(acme, "mel", OrganizationRole::Member);
    let lines = ["bob@acme.example"];
    let to_workspace = InvitationTarget::Workspace {
        workspace: acme.workspace,
        role: WorkspaceRole::Reader,
    };
    let code = |refusal: Refusal| refusal.code();
    assert_eq!(
        code(world.refused(&mel, acme.invite_many(MEMBERS, &lines))),
        "forbidden"
    );
    assert_eq!(
        code(world.refused(&mel, acme.invite_many(to_workspace, &lines))),
        "not_found"
    );
    assert_eq!(
        code(world.refused(&operator(), acme.invite_many(MEMBERS, &lines))),
        "forbidden"
    );
    let dora = world.refused(&user("dora"), acme.invite_many(MEMBERS, &lines));
    assert_eq!(code(dora), "not_found");
}

#[test]
fn i9_a_workspace_admin_invites_the_members_among_them() {
    let world = World::new();
    let acme = world.acme();
    let wes = world.workspace_member(acme, "wes", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let to_workspace = InvitationTarget::Workspace {
        workspace: acme.workspace,
        role: WorkspaceRole::Reader,
    };
    let lines = ["new@acme.example", "bob@acme.example", "wes@acme.example"];
    let answer = world.does(&wes, acme.invite_many(to_workspace, &lines));
    assert_eq!(
        outcomes(&answer),
        ["forbidden", "invited", "already_has_role"]
    );
}

#[test]
fn i9_nobody_but_refused_lines_is_on_the_record_too() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let done = world.did(&ann, acme.invite_many(MEMBERS, &["", "ann@acme.example"]));
    assert_eq!(
        outcomes(&done.output),
        ["email_invalid", "already_has_role"]
    );
    assert_eq!(done.events.len(), 1);
    let nothing = world.did(&ann, acme.invite_many(MEMBERS, &[]));
    assert!(nothing.output.lines.is_empty() && nothing.events.is_empty());
}

#[test]
fn i9_a_repeated_request_answers_the_same_without_the_links() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, acme.invite("cy", OrganizationRole::Accounting));
    world.passes(TimeDelta::minutes(2));
    let lines = [
        "nonsense",
        "bob@acme.example",
        "cy@acme.example",
        "",
        "dan@acme.example",
    ];
    let id = CommitId::new();
    let first = world
        .did_as(id, &ann, acme.invite_many(MEMBERS, &lines))
        .output;
    let before = world.everything();
    let again = world
        .did_as(id, &ann, acme.invite_many(MEMBERS, &lines))
        .output;
    assert_eq!(world.everything(), before);
    assert_eq!(outcomes(&again), outcomes(&first));
    for (first, again) in first.lines.iter().zip(&again.lines) {
        let (Ok(first), Ok(again)) = (first, again) else {
            assert_eq!(first.as_ref().err(), again.as_ref().err());
            continue;
        };
        assert_eq!(
            (first.invitation, &first.email, first.expires_at),
            (again.invitation, &again.email, again.expires_at)
        );
        assert!(first.token.is_some() && again.token.is_none());
    }
    // A6: one line more is another request.
    let other = world.refused_as(id, &ann, acme.invite_many(MEMBERS, &lines[1..]));
    assert_eq!(other, Refusal::CommitIdReused);
}

#[test]
fn i9_the_bounds_on_invitations_hold_across_the_lines() {
    let world = World::with(Settings {
        pending_invitation_limit: 3,
        daily_link_limit: 4,
        ..Settings::default()
    });
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&ann, acme.invite("old", OrganizationRole::Accounting));
    world.passes(TimeDelta::minutes(2));
    let lines = [
        "a@x.example",
        "b@x.example",
        "c@x.example",
        "old@acme.example",
        "d@x.example",
    ];
    let answer = world.does(&ann, acme.invite_many(MEMBERS, &lines));
    assert_eq!(
        outcomes(&answer),
        [
            "invited",
            "invited",
            "too_many_invitations",
            "renewed",
            "too_many_invitations"
        ]
    );
    let revoked = answer.lines[0].as_ref().unwrap().invitation;
    world.does(&ann, acme.revoke(revoked));
    let answer = world.does(&ann, acme.invite_many(MEMBERS, &["d@x.example"]));
    assert_eq!(outcomes(&answer), ["too_many_links"]);
}

#[test]
fn i9_a_line_may_be_anything() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let long = "x".repeat(1 << 20);
    let lines = [
        long.as_str(),
        "\0",
        "a\u{301}@b",
        "🙂",
        "a@b@c",
        "ok@x.example\n",
    ];
    let answer = world.does(&ann, acme.invite_many(MEMBERS, &lines));
    assert_eq!(outcomes(&answer)[5], "invited");
    assert!(answer.lines[..5].iter().all(Result::is_err));
}
