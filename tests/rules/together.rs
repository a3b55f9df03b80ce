//! A6, of several commands in one request: all or none, each decided on what those before it made, one commit and one
//! answer under one id.

use tenancy::commands::{
    CreateOrganization, EditCompany, RenameOrganization, Request, SetWorkspaceQuota, Together,
};
use tenancy::{
    Actor, CommitId, Done, Error, Event, Grants, LogPart, OrganizationRole, Refusal, RoleBase,
    WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

use super::own_roles::define;

#[track_caller]
fn does<Q: Request>(world: &World, actor: &Actor, request: Q) -> Done<Q::Output> {
    let done = block_on(world.tenancy.execute(actor, request)).unwrap();
    assert_eq!(world.disorder(), None);
    done
}

/// Which one is refused and why, after which nothing has changed.
#[track_caller]
fn refused<Q: Request>(world: &World, actor: &Actor, request: Q) -> (Option<usize>, Refusal) {
    let before = world.everything();
    let answer = block_on(world.tenancy.execute(actor, request));
    assert_eq!(world.everything(), before);
    match answer {
        Err(Error::RefusedAt { command, refusal }) => (Some(command), refusal),
        Err(Error::Refused(refusal)) => (None, refusal),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was done"),
    }
}

#[track_caller]
fn not_together<Q: Request>(world: &World, actor: &Actor, request: Q) -> Together {
    match refused(world, actor, request).1 {
        Refusal::NotTogether { why } => why,
        refusal => panic!("{refusal}"),
    }
}

#[test]
fn a6_several_commands_are_one_commit_and_answer_each() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let before = world.log(acme).len();
    let renamed = acme.rename("Acme SAS");
    let unchanged = acme.rename("Acme SAS");
    let give = acme.give(acme.workspace, &bob, WorkspaceRole::Reader);
    let request = (
        renamed,
        unchanged,
        vec![acme.sandbox("one"), acme.sandbox("two")],
        give,
    );
    let done = does(&world, &ann, request);

    let ((), (), domains, revoked) = done.output;
    let state = world.state(acme);
    assert!(domains.iter().all(|domain| state.domain(*domain).is_some()));
    assert!(revoked.invitations.is_empty());
    let log = world.log(acme);
    assert_eq!(log.len(), before + 1, "one version, one entry");
    let entry = log.last().unwrap();
    assert_eq!(entry.command, "several");
    assert_eq!(entry.version, done.token.version);
    assert_eq!(entry.events, done.events);
    let part = |command: &str, events| LogPart {
        command: command.to_owned(),
        events,
    };
    let parts = [
        part("rename_organization", 1),
        part("rename_organization", 0),
        part("create_domain", 1),
        part("create_domain", 1),
        part("give_workspace_role", 1),
    ];
    assert_eq!(entry.parts, parts);
}

#[test]
fn a6_one_command_is_logged_by_its_name_however_it_is_asked() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    does(&world, &ann, vec![acme.rename("Acme SAS")]);
    let log = world.log(acme);
    let entry = log.last().unwrap();
    assert_eq!(
        (entry.command.as_str(), entry.parts.len()),
        ("rename_organization", 0)
    );
}

#[test]
fn a6_each_is_decided_on_what_those_before_it_made() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let domain = world.does(&ann, acme.sandbox("acme"));
    // W4: a workspace is deleted only when it holds no domain.
    let delete = acme.delete_workspace(acme.workspace);
    let first = refused(&world, &ann, (delete.clone(), acme.delete_domain(domain)));
    assert!(
        matches!(first, (Some(0), Refusal::WorkspaceNotEmpty { .. })),
        "{first:?}"
    );
    does(&world, &ann, (acme.delete_domain(domain), delete));
    assert!(world.state(acme).workspace(acme.workspace).is_none());
}

#[test]
fn a6_a_refusal_says_of_which_command_and_undoes_all() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.quota(3));
    // W2: two are free.
    let three = ["Two", "Three", "Four"].map(|name| acme.create_workspace(name));
    let (command, refusal) = refused(&world, &ann, three.to_vec());
    assert_eq!(command, Some(2));
    assert!(matches!(refusal, Refusal::QuotaReached { .. }), "{refusal}");
    let answer = block_on(world.tenancy.execute(&ann, three.to_vec())).unwrap_err();
    assert_eq!(
        answer.http_status(),
        answer.refusal().unwrap().http_status()
    );
    assert!(
        answer.to_string().starts_with("command 2 of the request: "),
        "{answer}"
    );
}

#[test]
fn a6_the_last_admin_stays_whatever_comes_before() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let cy = world.member(acme, "cy", OrganizationRole::Admin);
    let member = OrganizationRole::Member;
    let both = vec![
        acme.change_role(&cy, member),
        acme.change_role(&ann, member),
    ];
    assert_eq!(refused(&world, &ann, both), (Some(1), Refusal::LastAdmin));
    // Who took their own role away may do no more of it.
    let rename = acme.rename("Mine");
    let (command, refusal) = refused(&world, &cy, (acme.change_role(&cy, member), rename));
    assert!(matches!(
        (command, refusal),
        (Some(1), Refusal::Forbidden { .. })
    ));
}

#[test]
fn a6_the_same_request_again_has_the_same_answers() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let id = CommitId::new();
    let request = || {
        (
            vec![acme.sandbox("one"), acme.sandbox("two")],
            acme.rename("Acme SAS"),
        )
    };
    let first = block_on(world.tenancy.execute_as(id, &ann, request())).unwrap();
    let again = block_on(world.tenancy.execute_as(id, &ann, request())).unwrap();
    assert_eq!(first, again);
    // In another order, or less of it, it is another request.
    let turned = (
        acme.rename("Acme SAS"),
        vec![acme.sandbox("one"), acme.sandbox("two")],
    );
    let answer = block_on(world.tenancy.execute_as(id, &ann, turned)).unwrap_err();
    assert!(answer.refusal().is_some(), "{answer}");
    let less = block_on(world.tenancy.execute_as(id, &ann, acme.rename("Acme SAS")));
    assert_eq!(less.unwrap_err().refusal(), Some(&Refusal::CommitIdReused));
}

#[test]
fn a6_an_organization_is_born_with_what_it_needs() {
    let world = World::new();
    let (ann, id) = (user("ann"), CommitId::new());
    let create = CreateOrganization { name: name("Beta") };
    let organization = tenancy::commands::Command::organization(&create, id);
    let rename = RenameOrganization {
        organization,
        name: name("Beta SAS"),
    };
    let company = EditCompany {
        organization,
        company: None,
    };
    let done = block_on(
        world
            .tenancy
            .execute_as(id, &ann, (create, rename, company)),
    )
    .unwrap();
    assert_eq!(done.output.0.organization, organization);
    let state = tenancy_tests::world::Inspected::state(world.tenancy.repository(), organization);
    assert_eq!(
        state.unwrap().organization().unwrap().name,
        name("Beta SAS")
    );
}

#[test]
fn d2_a_name_that_is_given_up_and_taken_again_stays_the_organizations() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let domain = world.does(&ann, acme.sandbox("acme"));
    let ((), again) = does(
        &world,
        &ann,
        (acme.delete_domain(domain), acme.sandbox("acme")),
    )
    .output;
    assert!(world.state(acme).domain(again).is_some());
    let beta = world.owned_by(&ann, "Beta");
    let taken = world.refused(&ann, beta.sandbox("acme"));
    assert!(matches!(taken, Refusal::DomainNameTaken { .. }), "{taken}");
}

#[test]
fn d2_a_name_that_another_organization_has_is_refused_of_the_command_that_asks_for_it() {
    let world = World::new();
    let (acme, zoes) = (world.acme(), world.owned_by(&user("zoe"), "Zoe's"));
    world.does(&user("zoe"), zoes.sandbox("taken"));
    let taken = Refusal::DomainNameTaken {
        name: label("taken"),
    };
    let both = (
        acme.rename("Acme"),
        acme.sandbox("free"),
        acme.sandbox("taken"),
    );
    assert_eq!(
        refused(&world, &user("ann"), both),
        (Some(2), taken.clone())
    );
    assert_eq!(
        refused(&world, &user("ann"), acme.sandbox("taken")),
        (None, taken)
    );
}

#[test]
fn w3_a_name_is_passed_on_in_the_next_request() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let two = world.does(&ann, acme.create_workspace("Two"));
    let away = acme.rename_workspace(two, "Three");
    let taken = acme.rename_workspace(acme.workspace, "TWO");
    let renamed = (away.clone(), taken.clone());
    assert_eq!(not_together(&world, &ann, renamed), Together::NamePassedOn);
    let created = (away.clone(), acme.create_workspace("two"));
    assert_eq!(not_together(&world, &ann, created), Together::NamePassedOn);
    // There and back is nobody else's; and one after the other it is done.
    does(
        &world,
        &ann,
        (away.clone(), acme.rename_workspace(two, "Two")),
    );
    does(&world, &ann, away);
    does(&world, &ann, taken);
}

#[test]
fn m4_what_is_taken_comes_back_by_no_link_of_the_same_request() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Developer);
    // An address that nobody knows to be Bob's.
    let invite = acme.invite_address_to(
        acme.workspace,
        "robert@home.example",
        WorkspaceRole::Developer,
    );
    let take = acme.take(acme.workspace, &bob);
    let before = not_together(&world, &ann, (invite.clone(), take.clone()));
    assert_eq!(before, Together::SentBefore);
    // The other way round, it is Ann's wish that he comes back.
    let (_, sent) = does(&world, &ann, (take, invite)).output;
    let robert = user_at("bob", "robert@home.example");
    world.does(&robert, accept(&sent));
    assert!(
        world
            .state(acme)
            .workspace_member(acme.workspace, bob.user_id().unwrap())
            .is_some()
    );
}

#[test]
fn a6_what_is_not_one_organizations_or_too_much_is_refused() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    let beta = world.owned_by(&ann, "Beta");
    let both = (acme.rename("One"), beta.rename("Two"));
    assert_eq!(not_together(&world, &ann, both), Together::Organizations);
    let none: Vec<RenameOrganization> = Vec::new();
    assert_eq!(not_together(&world, &ann, none), Together::None);
    let many = vec![acme.rename("Acme"); 101];
    assert_eq!(not_together(&world, &ann, many), Together::TooMany);
    let define = |called| define(acme, called, RoleBase::Reader, Grants::default());
    let two = (define("Auditor"), define("Guest"));
    assert_eq!(not_together(&world, &ann, two), Together::RolesDefined);
    does(&world, &ann, vec![acme.rename("Acme"); 100]);
}

#[test]
fn a2_outsiders_learn_nothing_by_asking_for_several() {
    let world = World::new();
    let (acme, eve) = (world.acme(), user("eve"));
    let nowhere = tenancy::OrganizationId::new();
    let hidden = |organization| {
        let rename = RenameOrganization {
            organization,
            name: name("Mine"),
        };
        let quota = SetWorkspaceQuota {
            organization,
            quota: 9,
        };
        match refused(&world, &eve, (rename, quota)) {
            (Some(0), Refusal::NotFound { .. }) => {}
            told => panic!("{told:?}"),
        }
    };
    hidden(acme.organization);
    hidden(nowhere);
}

#[test]
fn q1_seats_are_asked_for_by_each() {
    let world = World::new();
    let (acme, ann) = (world.acme(), user("ann"));
    world.does(&operator(), acme.seats(2));
    let member = OrganizationRole::Member;
    let two = vec![acme.invite("bob", member), acme.invite("cy", member)];
    let (command, refusal) = refused(&world, &ann, two);
    assert_eq!(command, Some(1));
    assert!(matches!(refusal, Refusal::LimitReached { .. }), "{refusal}");
    let done = does(&world, &ann, vec![acme.invite("bob", member)]);
    assert!(matches!(done.events[..], [Event::InvitationSent { .. }]));
}
