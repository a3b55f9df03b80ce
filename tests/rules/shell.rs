//! The shell: repetition, dry runs, lost races, unknown outcomes, secrets.

use core::future::Future as _;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tenancy::commands::{
    ChangeOrganizationRole, Command, CreateOrganization, InviteToOrganization, RemoveMember,
    SetWorkspaceQuota,
};
use tenancy::store::{
    AnyRepository, Claim, Commit, Directory, Facts, Held, Item, Key, List, MemoryRepository,
    Outcome, Repository, WithReplica,
};
use tenancy::{
    Actor, CommitId, Error, OrganizationId, OrganizationRole, Refusal, Resource, Tenancy, UserId,
    block_on,
};

use tenancy_tests::world::{World, email, id, name, operator, user};

use crate::outsiders::counting::Counting;

#[test]
fn a_repeated_creation_is_one_organization() {
    let world = World::new();
    let ann = user("ann");
    let commit = CommitId::from_key(id(&ann), "request 1");
    let create = CreateOrganization { name: name("Acme") };
    let first = block_on(world.tenancy.execute_as(commit, &ann, create.clone())).unwrap();
    let again = block_on(world.tenancy.execute_as(commit, &ann, create.clone())).unwrap();
    assert_eq!(first, again);
    let other = block_on(world.tenancy.execute_as(commit, &user("bob"), create)).unwrap_err();
    assert_eq!(other.refusal(), Some(&Refusal::CommitIdReused));
}

/// The same command with other fields is another request: to answer it as done would be a lie.
#[test]
fn an_id_stands_for_one_request_and_not_for_a_kind_of_command() {
    fn refused<C: Command + Clone>(world: &World, actor: &Actor, one: C, other: C) {
        let id = CommitId::new();
        let first = block_on(world.tenancy.execute_as(id, actor, one.clone())).ok();
        let version = first.map(|done| done.token.version);
        assert!(version.is_some(), "{}", C::NAME);
        let second = block_on(world.tenancy.execute_as(id, actor, other));
        assert_eq!(
            second.err().as_ref().and_then(Error::refusal),
            Some(&Refusal::CommitIdReused),
            "{}",
            C::NAME
        );
        let again = block_on(world.tenancy.execute_as(id, actor, one)).ok();
        assert_eq!(again.map(|done| done.token.version), version, "{}", C::NAME);
    }
    let world = World::new();
    let ann = user("ann");
    let acme = world.acme();
    let organization = acme.organization;
    let member = |who: &str| id(&world.member(acme, who, OrganizationRole::Member));
    let (bob, cy, dan) = (member("bob"), member("cy"), member("dan"));
    let role = |user, role| ChangeOrganizationRole {
        organization,
        user,
        role,
    };
    let create = |text| CreateOrganization { name: name(text) };
    refused(&world, &ann, create("One"), create("Two"));
    let quota = |quota| SetWorkspaceQuota {
        organization,
        quota,
    };
    refused(&world, &operator(), quota(7), quota(6));
    refused(&world, &ann, acme.rename("One"), acme.rename("Two"));
    refused(
        &world,
        &ann,
        acme.create_workspace("One"),
        acme.create_workspace("Two"),
    );
    let (admin, accounting) = (OrganizationRole::Admin, OrganizationRole::Accounting);
    refused(&world, &ann, role(bob, accounting), role(bob, admin));
    refused(&world, &ann, role(cy, accounting), role(dan, accounting));
    let (one, two) = (acme.sandbox("one"), acme.sandbox("two"));
    refused(&world, &ann, one, two);
    let invite = |who| acme.invite(who, OrganizationRole::Member);
    refused(&world, &ann, invite("eve"), invite("fay"));
    let remove = |user| RemoveMember { organization, user };
    refused(&world, &ann, remove(bob), remove(cy));
    assert!(world.state(acme).member(cy).is_some());
}

#[test]
fn a_repeated_invitation_sends_nothing_new_and_shows_no_secret() {
    let world = World::new();
    let acme = world.acme();
    let commit = CommitId::new();
    let invite = acme.invite("bob", OrganizationRole::Member);
    let first = block_on(
        world
            .tenancy
            .execute_as(commit, &user("ann"), invite.clone()),
    )
    .unwrap();
    let again = block_on(
        world
            .tenancy
            .execute_as(commit, &user("ann"), invite.clone()),
    )
    .unwrap();
    assert!(first.output.token.is_some() && again.output.token.is_none());
    assert_eq!(first.output.invitation, again.output.invitation);
    assert_eq!(world.log(acme).last().unwrap().id, commit);
    // Somebody who may not invite learns nothing from the id.
    let outsider = block_on(world.tenancy.execute_as(commit, &user("dora"), invite)).unwrap_err();
    assert_eq!(outsider.refusal().map(Refusal::code), Some("not_found"));
}

#[test]
fn preparing_writes_nothing_and_its_commit_can_be_made() {
    let world = World::new();
    let acme = world.acme();
    let before = world.state(acme);
    let prepared = block_on(world.tenancy.prepare(&user("ann"), acme.rename("Acme SAS"))).unwrap();
    assert_eq!(world.state(acme), before);
    let commit = prepared.commit.unwrap();
    assert_eq!(
        block_on(world.store().commit(&commit)).unwrap(),
        Outcome::Committed
    );
    assert_eq!(
        block_on(world.store().commit(&commit)).unwrap(),
        Outcome::Conflict
    );
    assert_eq!(world.row(acme).name, name("Acme SAS"));
}

/// What becomes of a commit in a store that misbehaves.
#[derive(Clone, Copy)]
enum Fault {
    AlwaysConflicts,
    AppliesThenFails,
    FailsBeforeApplying,
}

struct Faulty(MemoryRepository, Fault);

#[derive(Debug, thiserror::Error)]
#[error("the connection broke")]
struct Broken;

impl Repository for Faulty {
    type Error = Broken;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Broken> {
        self.0.load(id, keys).await.map_err(|_| Broken)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Broken> {
        match self.1 {
            Fault::AlwaysConflicts => Ok(Outcome::Conflict),
            Fault::AppliesThenFails => {
                let outcome = self.0.commit(commit).await;
                assert_eq!(outcome, Ok(Outcome::Committed));
                Err(Broken)
            }
            Fault::FailsBeforeApplying => Err(Broken),
        }
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Broken> {
        self.0.standing(user, on).await.map_err(|_| Broken)
    }
}

#[test]
fn a_race_lost_again_and_again_ends_after_the_budget_with_sleep_between() {
    let world = World::new();
    let acme = world.acme();
    let slept = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&slept);
    let tenancy = Tenancy::new(Faulty(world.store(), Fault::AlwaysConflicts))
        .with_attempts(NonZeroU32::new(3).unwrap())
        .with_sleep(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            async {}
        });
    let error = block_on(tenancy.execute(&user("ann"), acme.rename("Acme SAS"))).unwrap_err();
    assert!(
        matches!(error, Error::Contended { attempts: 3 }),
        "{error:?}"
    );
    assert_eq!(
        (slept.load(Ordering::Relaxed), error.http_status()),
        (2, 503)
    );
}

#[test]
fn an_error_after_the_commit_was_made_is_a_success() {
    let world = World::new();
    let acme = world.acme();
    let tenancy = Tenancy::new(Faulty(world.store(), Fault::AppliesThenFails));
    let done = block_on(tenancy.execute(&user("ann"), acme.rename("Acme SAS"))).unwrap();
    assert_eq!(done.token.version, world.row(acme).version);
    assert_eq!(world.row(acme).name, name("Acme SAS"));
}

#[test]
fn an_error_that_may_still_become_a_commit_is_unknown_and_repeatable() {
    let world = World::new();
    let acme = world.acme();
    let tenancy = Tenancy::new(Faulty(world.store(), Fault::FailsBeforeApplying));
    let error = block_on(tenancy.execute(&user("ann"), acme.rename("Acme SAS"))).unwrap_err();
    let Error::Unknown { commit, .. } = error else {
        panic!("{error:?}")
    };
    let done = block_on(
        world
            .tenancy
            .execute_as(commit, &user("ann"), acme.rename("Acme SAS")),
    );
    assert!(done.unwrap().changed());
}

#[test]
fn an_operator_is_a_member_of_nothing() {
    let world = World::new();
    let acme = world.acme();
    let create = CreateOrganization {
        name: name("Vendor"),
    };
    assert_eq!(world.refused(&operator(), create), Refusal::UserRequired);
    let organization = acme.organization;
    let leave = tenancy::commands::LeaveOrganization { organization };
    assert_eq!(world.refused(&operator(), leave), Refusal::UserRequired);
}

#[test]
fn i3_a_token_is_in_no_output() {
    let world = World::new();
    let acme = world.acme();
    let invite = InviteToOrganization {
        organization: acme.organization,
        email: email("bob@acme.example"),
        role: OrganizationRole::Member,
    };
    let done = world.did(&user("ann"), invite);
    let token = done.output.token.clone().unwrap();
    let text = token.expose();
    let secret = &text[text.len() - 40..];
    let prints = [
        format!("{done:?}"),
        format!("{token:?}"),
        format!("{:?}", world.state(acme)),
        format!("{:?}", world.log(acme)),
        serde_json::to_string(&world.log(acme)).unwrap(),
    ];
    for print in prints {
        assert!(!print.contains(secret));
    }
}

/// A store that knows that it can't write: it only reads.
struct ReadsOnly {
    store: MemoryRepository,
    loads: AtomicU32,
    knows: bool,
}

#[derive(Debug, thiserror::Error)]
#[error("the database only reads")]
struct OnlyReads;

impl Repository for ReadsOnly {
    type Error = OnlyReads;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, OnlyReads> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.store.load(id, keys).await.map_err(|_| OnlyReads)
    }

    async fn commit(&self, _: &Commit) -> Result<Outcome, OnlyReads> {
        Err(OnlyReads)
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, OnlyReads> {
        self.store.standing(user, on).await.map_err(|_| OnlyReads)
    }

    fn wrote_nothing(&self, OnlyReads: &OnlyReads) -> bool {
        self.knows
    }
}

impl Directory for ReadsOnly {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, OnlyReads> {
        self.store.list(list, limit).await.map_err(|_| OnlyReads)
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, OnlyReads> {
        self.store.claimed_by(claim).await.map_err(|_| OnlyReads)
    }
}

/// Where the store is certain that nothing was written, nobody is told that it may have been, and nobody asks. Behind
/// whatever the store is.
#[test]
fn a_store_that_knows_that_it_wrote_nothing_is_believed() {
    fn told<R: Repository>(world: &World, store: R, organization: OrganizationId) -> String {
        let now = world.now();
        let tenancy = Tenancy::new(store).with_clock(move || now);
        let name = name("Globex");
        let rename = tenancy::commands::RenameOrganization { organization, name };
        match block_on(tenancy.execute(&user("ann"), rename)) {
            Err(Error::Store(error)) => format!("nothing happened: {error}"),
            Err(Error::Unknown { source, .. }) => format!("nobody knows: {source}"),
            other => panic!("{other:?}"),
        }
    }
    let world = World::new();
    let acme = world.acme();
    let id = acme.organization;
    let reads_only = |knows| ReadsOnly {
        store: world.store(),
        loads: AtomicU32::new(0),
        knows,
    };
    let store = reads_only(true);
    let known = "nothing happened: the database only reads";
    assert_eq!(told(&world, &store, id), known);
    assert_eq!(
        store.loads.load(Ordering::Relaxed),
        1,
        "nobody asks what became of it"
    );
    assert_eq!(told(&world, Arc::new(store), id), known);
    assert_eq!(told(&world, Box::new(reads_only(true)), id), known);
    assert_eq!(
        told(&world, AnyRepository::new(reads_only(true)), id),
        known
    );
    let replicated = |knows| WithReplica {
        primary: reads_only(knows),
        replica: reads_only(!knows),
    };
    assert_eq!(told(&world, replicated(true), id), known);
    let unknown = "nobody knows: the database only reads";
    assert_eq!(told(&world, reads_only(false), id), unknown);
    assert_eq!(
        told(&world, AnyRepository::new(reads_only(false)), id),
        unknown
    );
    assert_eq!(told(&world, replicated(false), id), unknown);
}

/// Lets others go first before each of its answers, so that commands overlap.
struct Slow(Counting<MemoryRepository>);

impl Repository for Slow {
    type Error = <MemoryRepository as Repository>::Error;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Self::Error> {
        let facts = self.0.load(id, keys).await;
        std::thread::sleep(std::time::Duration::from_micros(200));
        facts
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        self.0.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Self::Error> {
        self.0.standing(user, on).await
    }
}

#[test]
fn in_a_queue_nobody_of_this_process_is_contended_and_nobody_asks_twice() {
    let world = World::new();
    let acme = world.acme();
    let now = world.now();
    let tenancy = Tenancy::new(Slow(Counting::new(world.store())))
        .with_clock(move || now)
        .with_attempts(NonZeroU32::MIN)
        .with_queue();
    let (writers, commands) = (16, 5);
    std::thread::scope(|scope| {
        for writer in 0..writers {
            let tenancy = &tenancy;
            scope.spawn(move || {
                for number in 0..commands {
                    let rename = acme.rename(&format!("Acme {writer} {number}"));
                    block_on(tenancy.execute(&user("ann"), rename)).unwrap();
                }
            });
        }
    });
    let trips = tenancy.repository().0.taken();
    assert_eq!(
        trips.len(),
        2 * writers * commands,
        "one load and one commit for each"
    );
    let turns = trips.chunks(2);
    let mut turns = turns.map(|turn| (turn[0].starts_with("load"), turn[1].starts_with("commit")));
    assert!(
        turns.all(|turn| turn == (true, true)),
        "one after the other"
    );
}

/// Counts what it is asked.
#[derive(Default)]
struct NeverAnswers(AtomicU32);

impl Repository for NeverAnswers {
    type Error = Broken;

    async fn load(&self, _: OrganizationId, _: &[Key]) -> Result<Option<Facts>, Broken> {
        self.0.fetch_add(1, Ordering::Relaxed);
        core::future::pending().await
    }

    async fn commit(&self, _: &Commit) -> Result<Outcome, Broken> {
        core::future::pending().await
    }

    async fn standing(&self, _: UserId, _: Resource) -> Result<Option<Held>, Broken> {
        core::future::pending().await
    }
}

#[test]
fn in_a_queue_who_stops_waiting_or_is_dropped_holds_up_nobody() {
    let world = World::new();
    let acme = world.acme();
    let tenancy = Tenancy::new(NeverAnswers::default()).with_queue();
    let elsewhere = world.owned_by(&user("bob"), "Elsewhere");
    let ann = user("ann");
    let mut context = core::task::Context::from_waker(core::task::Waker::noop());
    let mut first = Box::pin(tenancy.execute(&ann, acme.rename("A")));
    let mut second = Box::pin(tenancy.execute(&ann, acme.rename("B")));
    let mut third = Box::pin(tenancy.execute(&ann, acme.rename("C")));
    let mut other = Box::pin(tenancy.execute(&ann, elsewhere.rename("D")));
    let asked = || tenancy.repository().0.swap(0, Ordering::Relaxed);
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert_eq!(asked(), 1);
    assert!(second.as_mut().poll(&mut context).is_pending());
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert_eq!(asked(), 0, "they wait for the first");
    assert!(other.as_mut().poll(&mut context).is_pending());
    assert_eq!(asked(), 1, "who is of another organization doesn't");
    drop(second);
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert_eq!(asked(), 0);
    drop(first);
    assert!(third.as_mut().poll(&mut context).is_pending());
    assert_eq!(asked(), 1, "the next one's turn has come");
}
