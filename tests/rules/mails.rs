//! Links that are made again from the log, with a key of the host's.

use chrono::TimeDelta;
use tenancy::commands::{AcceptInvitation, Invited};
use tenancy::token::LinkKey;
use tenancy::{LogEntry, Mail, OrganizationRole, WorkspaceRole, block_on};
use tenancy_tests::world::*;

fn with_keys<const N: usize>(keys: [u8; N]) -> World {
    let mut world = World::new();
    world.tenancy = world
        .tenancy
        .with_link_keys(keys.map(|key| LinkKey::new([key; 32])));
    world
}

fn mails(world: &World, entry: &LogEntry) -> Vec<Mail> {
    block_on(world.tenancy.mails(entry)).unwrap()
}

/// Of all entries, in order: what a worker mails that begins after all of it happened.
fn all(world: &World, acme: Acme) -> Vec<Mail> {
    let log = world.log(acme);
    log.iter().flat_map(|entry| mails(world, entry)).collect()
}

fn is_of(mail: &Mail, sent: &Invited) -> bool {
    let token = sent.token.as_ref().unwrap();
    mail.invitation.id == sent.invitation && mail.token.hash() == token.hash()
}

#[test]
fn i3_a_mail_carries_the_link_that_the_answer_held_and_it_opens() {
    let world = with_keys([7]);
    let acme = world.acme();
    let to_acme = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let to_workspace = acme.invite_to(acme.workspace, "carol", WorkspaceRole::Reader);
    let to_workspace = world.does(&user("ann"), to_workspace);

    let sent = all(&world, acme);
    assert_eq!(sent.len(), 2);
    assert!(is_of(&sent[0], &to_acme) && is_of(&sent[1], &to_workspace));
    assert_eq!(sent[0].invitation.email, email("bob@acme.example"));
    assert_eq!(sent[0].organization_name, name("Acme"));
    assert_eq!(sent[0].workspace_name, None);
    let workspace = world.workspace(acme, acme.workspace).name;
    assert_eq!(sent[1].workspace_name, Some(workspace));

    let token = sent[0].token.clone();
    world.does(&user("bob"), AcceptInvitation { token });
    assert_eq!(
        world.role(acme, &user("bob")),
        Some(OrganizationRole::Member)
    );
}

#[test]
fn only_the_newest_link_of_an_invitation_is_mailed() {
    let world = with_keys([7]);
    let acme = world.acme();
    world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    world.passes(TimeDelta::minutes(2));
    world.does(
        &user("ann"),
        acme.invite("bob", OrganizationRole::Accounting),
    );
    world.passes(TimeDelta::minutes(2));
    let again = world.did(&user("ann"), acme.invite("bob", OrganizationRole::Member));

    let sent = all(&world, acme);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].commit, again.commit);
    assert!(is_of(&sent[0], &again.output));

    world.passes(TimeDelta::minutes(2));
    let resent = world.does(&user("ann"), acme.resend(again.output.invitation));
    let sent = all(&world, acme);
    assert!(sent.len() == 1 && is_of(&sent[0], &resent));
}

#[test]
fn what_needs_no_answer_any_more_is_not_mailed() {
    let world = with_keys([7]);
    let acme = world.acme();
    let ann = user("ann");
    let invite = |who| world.does(&ann, acme.invite(who, OrganizationRole::Member));
    let (bob, cy, dora, _) = (invite("bob"), invite("cy"), invite("dora"), invite("eve"));
    world.does(&user("bob"), accept(&bob));
    world.does(&user("cy"), decline(&cy));
    world.does(&ann, acme.revoke(dora.invitation));
    let sent = all(&world, acme);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].invitation.email, email("eve@acme.example"));

    world.passes(TimeDelta::days(8));
    assert!(all(&world, acme).is_empty());
}

#[test]
fn each_line_of_many_has_a_link_of_its_own() {
    let world = with_keys([7]);
    let acme = world.acme();
    let role = tenancy::InvitationOffer::Organization {
        role: OrganizationRole::Member.into(),
    };
    let lines = ["bob@acme.example", "no address", "carol@acme.example"];
    let invited = world.does(&user("ann"), acme.invite_many(role, &lines));
    let sent = all(&world, acme);
    let answered: Vec<_> = invited.lines.iter().flatten().collect();
    assert_eq!((sent.len(), answered.len()), (2, 2));
    assert!(
        sent.iter()
            .zip(answered)
            .all(|(mail, sent)| is_of(mail, sent))
    );
    let secrets = [0, 1].map(|at| sent[at].token.expose()[48..].to_owned());
    assert_ne!(
        secrets[0], secrets[1],
        "who has one link can't make the other"
    );
}

#[test]
fn links_that_an_older_key_made_are_mailed_and_those_of_no_key_are_not() {
    let mut world = with_keys([6]);
    let acme = world.acme();
    let bob = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    world.tenancy = world.tenancy.with_link_keys([]);
    world.does(&user("ann"), acme.invite("carol", OrganizationRole::Member));
    assert!(all(&world, acme).is_empty());

    let keys = [7, 6].map(|key| LinkKey::new([key; 32]));
    world.tenancy = world.tenancy.with_link_keys(keys);
    let dora = world.does(&user("ann"), acme.invite("dora", OrganizationRole::Member));
    let sent = all(&world, acme);
    assert_eq!(sent.len(), 2);
    assert!(is_of(&sent[0], &bob) && is_of(&sent[1], &dora));
}

#[test]
fn an_entry_whose_hashes_are_withheld_mails_nothing() {
    let world = with_keys([7]);
    let acme = world.acme();
    world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let (ann, first) = (user("ann"), tenancy::Paging::first(10));
    let trail = world.tenancy.audit_trail(&ann, acme.organization, first);
    let trail = block_on(trail).unwrap();
    assert!(
        trail
            .items
            .iter()
            .all(|entry| mails(&world, entry).is_empty())
    );
}

#[test]
fn neither_a_key_nor_a_mail_prints_a_secret() {
    let world = with_keys([7]);
    let acme = world.acme();
    world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let sent = all(&world, acme);
    let exposed = sent[0].token.expose();
    let printed = format!("{sent:?} {:?}", world.tenancy);
    assert!(!printed.contains(&exposed[50..60]));
    assert!(!printed.contains("[7, 7"));
}
