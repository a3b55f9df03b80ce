//! No panic without randomness: where the operating system gives none, a command answers [`Error::Entropy`], nothing
//! happens, and whatever needs none goes on.
#![cfg(all(target_os = "linux", target_env = "gnu"))]

use std::fmt::Debug;

use tenancy::token::InvitationSecret;
use tenancy::{
    CommitId, Error, InvitationId, InvitationTarget, OrganizationAction, OrganizationId,
    OrganizationRole, UserId, WorkspaceRole, block_on,
};
use tenancy_tests::without_randomness::second_run;
use tenancy_tests::world::*;

#[test]
fn nothing_panics_without_randomness() {
    let Some(randomness_goes) = second_run("entropy::nothing_panics_without_randomness") else {
        return;
    };
    let world = World::new();
    let acme = world.acme();
    let (ann, bob) = (
        user("ann"),
        world.member(acme, "bob", OrganizationRole::Member),
    );
    let sent = world.does(&ann, acme.invite("cy", OrganizationRole::Member));
    let (id, there) = (CommitId::new(), CommitId::new());
    let before = world.everything();
    randomness_goes();

    // What makes an id or a secret says so.
    assert!(CommitId::try_new().is_err());
    assert!(InvitationId::try_new().is_err());
    assert!(InvitationSecret::generate().is_err());
    // Ids that are no secrets are made all the same, and differ.
    assert!(OrganizationId::new() < OrganizationId::new());
    assert_ne!(UserId::new(), UserId::new());

    fn no_randomness<T: Debug, E: std::error::Error>(what: Result<T, Error<E>>) {
        let error = what.unwrap_err();
        assert!(matches!(error, Error::Entropy(_)), "{error:?}");
        assert_eq!(error.http_status(), 503);
    }
    // Each command needs an id of its commit.
    no_randomness(block_on(world.tenancy.execute(&ann, acme.rename("Globex"))));
    no_randomness(block_on(world.tenancy.prepare(&ann, acme.rename("Globex"))));
    no_randomness(block_on(world.tenancy.execute(&ann, acme.remove(&bob))));
    // Under an id of the host's, those that draw nothing else do without; those that draw an id or a secret don't.
    no_randomness(block_on(world.tenancy.execute_as(
        id,
        &ann,
        acme.create_workspace("B"),
    )));
    no_randomness(block_on(world.tenancy.execute_as(
        id,
        &ann,
        acme.sandbox("b"),
    )));
    let invite = acme.invite("dan", OrganizationRole::Member);
    no_randomness(block_on(world.tenancy.execute_as(id, &ann, invite)));
    let invite = acme.invite_to(acme.workspace, "dan", WorkspaceRole::Reader);
    no_randomness(block_on(world.tenancy.execute_as(id, &ann, invite)));
    no_randomness(block_on(world.tenancy.execute_as(
        id,
        &ann,
        acme.resend(sent.invitation),
    )));
    let role = OrganizationRole::Member;
    let many = acme.invite_many(
        InvitationTarget::Organization { role },
        &["dan@x.example", "eve@x.example"],
    );
    no_randomness(block_on(world.tenancy.execute_as(id, &ann, many)));
    assert_eq!(world.everything(), before, "nothing happened");

    let renamed = block_on(world.tenancy.execute_as(there, &ann, acme.rename("Globex")));
    assert_eq!(renamed.unwrap().events.len(), 1);
    assert!(world.may(&ann, acme.organization, OrganizationAction::Rename));
    assert_eq!(world.row(acme).name, name("Globex"));
}
