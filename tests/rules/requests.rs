//! A6: a request is what was asked. Under one id the same request happens once and answers the same again;
//! anything else under it is refused and changes nothing, through lost answers and failing stores.

use std::sync::Mutex;

use tenancy::commands::{
    AcceptInvitation, AppointAdmin, Command, CreateOrganization, FollowEmailChange,
};
use tenancy::store::{Commit, Facts, Held, Key, MemoryRepository, Outcome, Repository};
use tenancy::token::InvitationSecret;
use tenancy::{
    Actor, CommitId, Error, InvitationToken, OrganizationId, OrganizationRole, Refusal, Resource,
    Tenancy, UserId, VerifiedEmail, WorkspaceRole, block_on,
};

use tenancy_tests::world::*;

/// A store whose connection breaks at the first commit, after somebody else was quicker.
struct Quicker<F> {
    store: MemoryRepository,
    other: Mutex<Option<F>>,
}

#[derive(Debug, thiserror::Error)]
#[error("the connection broke")]
struct Broken;

impl<F: FnOnce() + Send> Repository for Quicker<F> {
    type Error = Broken;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Broken> {
        self.store.load(id, keys).await.map_err(|_| Broken)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Broken> {
        let other = self.other.lock().unwrap().take();
        match other {
            Some(other) => {
                other();
                Err(Broken)
            }
            None => self.store.commit(commit).await.map_err(|_| Broken),
        }
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Broken> {
        self.store.standing(user, on).await.map_err(|_| Broken)
    }
}

/// What `second` is told whose commit breaks after `first` was made, both under one id.
fn overtaken<A: Command + Clone, B: Command>(
    world: &World,
    id: CommitId,
    (by_first, first): (&Actor, A),
    (by_second, second): (&Actor, B),
) -> (
    tenancy::Done<A::Output>,
    Result<tenancy::Done<B::Output>, Error<Broken>>,
) {
    let done = Mutex::new(None);
    let quicker = Quicker {
        store: world.store(),
        other: Mutex::new(Some(|| {
            let first = block_on(world.tenancy.execute_as(id, by_first, first));
            *done.lock().unwrap() = Some(first.unwrap());
        })),
    };
    let now = world.now();
    let tenancy = Tenancy::new(quicker).with_clock(move || now);
    let second = block_on(tenancy.execute_as(id, by_second, second));
    let first = done.lock().unwrap().take().unwrap();
    (first, second)
}

#[test]
fn a6_of_two_attempts_at_once_the_second_gets_the_answer_of_the_first() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let create = acme.create_workspace("Payments");
    let id = CommitId::new();
    let (first, second) = overtaken(&world, id, (&ann, create.clone()), (&ann, create));
    let second = second.unwrap();
    assert_eq!(first.output, second.output, "the workspace that exists");
    assert_eq!(first.token, second.token);
    assert!(world.state(acme).workspace(second.output).is_some());
}

#[test]
fn a6_of_two_attempts_at_once_only_the_first_gets_the_link() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let invite = acme.invite("bob", OrganizationRole::Member);
    let id = CommitId::new();
    let (first, second) = overtaken(&world, id, (&ann, invite.clone()), (&ann, invite));
    let second = second.unwrap().output;
    assert_eq!(second.invitation, first.output.invitation);
    assert!(second.token.is_none(), "its own link was never written");
    world.does(&user("bob"), accept(&first.output));
}

#[test]
fn a6_nobody_is_told_that_something_was_done_that_was_not() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    let id = CommitId::new();
    let (remove_bob, remove_cy) = (acme.remove(&bob), acme.remove(&cy));
    let (_, second) = overtaken(&world, id, (&ann, remove_bob), (&ann, remove_cy));
    let second = second.unwrap_err();
    assert_eq!(second.refusal(), Some(&Refusal::CommitIdReused));
    assert!(world.role(acme, &cy).is_some());
}

#[test]
fn a6_an_error_after_which_somebody_else_was_first_is_a_lost_race() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let rename = || world.does(&ann, acme.rename("Quicker"));
    let quicker = Quicker {
        store: world.store(),
        other: Mutex::new(Some(rename)),
    };
    let now = world.now();
    let tenancy = Tenancy::new(quicker).with_clock(move || now);
    let done = block_on(tenancy.execute(&ann, acme.create_workspace("Payments"))).unwrap();
    assert!(world.state(acme).workspace(done.output).is_some());
}

/// The second request under the id of the first.
fn reused<A: Command, B: Command>(
    world: &World,
    (by_first, first): (&Actor, A),
    (by_second, second): (&Actor, B),
) -> &'static str {
    let id = CommitId::new();
    block_on(world.tenancy.execute_as(id, by_first, first)).unwrap();
    let before = world.everything();
    let answer = block_on(world.tenancy.execute_as(id, by_second, second));
    assert_eq!(world.everything(), before);
    match answer {
        Ok(_) => "done",
        Err(error) => error.refusal().unwrap().code(),
    }
}

#[test]
fn a6_an_invitation_to_another_address_is_another_request_renewed_or_not() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let member = OrganizationRole::Member;
    for who in ["bob", "eve"] {
        world.does(&ann, acme.invite(who, member));
    }
    world.passes(chrono::TimeDelta::minutes(1));
    // Both are open, so both commands renew.
    let (bob, eve) = (acme.invite("bob", member), acme.invite("eve", member));
    assert_eq!(reused(&world, (&ann, bob), (&ann, eve)), "commit_id_reused");
    world.passes(chrono::TimeDelta::minutes(1));
    // The same mailbox in other letters is another field.
    let (bob, upper) = (acme.invite("bob", member), acme.invite("BOB", member));
    assert_ne!(reused(&world, (&ann, bob), (&ann, upper)), "done");
}

#[test]
fn a6_a_second_secret_under_a_used_id_is_a_wrong_link() {
    let world = World::new();
    let acme = world.acme();
    let bob = user("bob");
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let guess = AcceptInvitation {
        token: InvitationToken::new(
            acme.organization,
            sent.invitation,
            &InvitationSecret::generate().unwrap(),
        ),
    };
    let code = reused(&world, (&bob, accept(&sent)), (&bob, guess));
    assert_eq!(code, "invitation_not_found");
}

#[test]
fn a6_another_organization_is_another_request() {
    let world = World::new();
    let (acme, beta) = (world.acme(), world.owned_by(&user("ann"), "Beta"));
    let ann = user("ann");
    let (one, other) = (acme.rename("One"), beta.rename("One"));
    assert_eq!(
        reused(&world, (&ann, one), (&ann, other)),
        "commit_id_reused"
    );
    // Also if that one doesn't exist yet.
    let create = CreateOrganization { name: name("Two") };
    assert_eq!(
        reused(&world, (&ann, acme.rename("Two")), (&ann, create)),
        "commit_id_reused"
    );
    // Who may do nothing there learns nothing, not even that the id was used.
    let dora = user("dora");
    let (one, other) = (acme.rename("Three"), beta.rename("Three"));
    assert_eq!(reused(&world, (&ann, one), (&dora, other)), "not_found");
}

#[test]
fn a6_two_organizations_race_for_one_id_and_one_gets_it() {
    let world = World::new();
    let (acme, beta) = (world.acme(), world.owned_by(&user("ann"), "Beta"));
    let ann = user("ann");
    let id = CommitId::new();
    let prepared = block_on(world.tenancy.prepare_as(id, &ann, acme.rename("One"))).unwrap();
    block_on(world.tenancy.execute_as(id, &ann, beta.rename("One"))).unwrap();
    let outcome = block_on(world.store().commit(&prepared.commit.unwrap()));
    assert_eq!(outcome, Ok(Outcome::IdUsed));
}

#[test]
fn a6_the_actors_address_is_part_of_the_request_where_the_command_reads_it() {
    let world = World::new();
    let acme = world.acme();
    world.member(acme, "bob", OrganizationRole::Member);
    let follow = FollowEmailChange {
        organization: acme.organization,
    };
    let (one, two) = (
        user_at("bob", "bob@one.example"),
        user_at("bob", "bob@two.example"),
    );
    assert_eq!(
        reused(&world, (&one, follow.clone()), (&two, follow)),
        "commit_id_reused"
    );
    let create = CreateOrganization { name: name("Own") };
    assert_eq!(
        reused(&world, (&one, create.clone()), (&two, create)),
        "commit_id_reused"
    );
    // Where it doesn't, it isn't: Ann renamed, changed her address, and repeats.
    let (ann, moved) = (user("ann"), user_at("ann", "ann@new.example"));
    let rename = acme.rename("Acme SAS");
    assert_eq!(
        reused(&world, (&ann, rename.clone()), (&moved, rename)),
        "done"
    );
}

#[test]
fn a6_another_user_or_another_operator_is_another_request() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let cy = world.member(acme, "cy", OrganizationRole::Admin);
    let (one, other) = (acme.rename("One"), acme.rename("One"));
    assert_eq!(
        reused(&world, (&ann, one), (&cy, other)),
        "commit_id_reused"
    );
    let appoint = |who: &str| AppointAdmin {
        organization: acme.organization,
        user: UserId::from_external(who),
        email: VerifiedEmail::attest(email(&format!("{who}@acme.example"))),
    };
    let op = operator();
    assert_eq!(
        reused(&world, (&op, appoint("x")), (&op, appoint("y"))),
        "commit_id_reused"
    );
}

#[test]
fn a6_what_changed_nothing_may_be_asked_under_the_same_id_again() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let id = CommitId::new();
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let give = acme.give(acme.workspace, &bob, WorkspaceRole::Reader);
    for _ in 0..2 {
        let done = block_on(world.tenancy.execute_as(id, &ann, give.clone())).unwrap();
        assert!(!done.changed());
    }
}
