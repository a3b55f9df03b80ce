//! A6, with a store that fails: somebody else's whole request comes in before any step of the first one's, and any
//! of the first one's commits may be applied and then fail, or fail without being applied.
//!
//! Whatever happens, an answer tells of what is in the log, and nothing else does: done under an id, there is one
//! entry of that request; refused, there is none of it; not known, it is found out by repeating it.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenancy::commands::{Command, InviteToOrganization, Invited};
use tenancy::store::{Commit, Facts, Held, Key, MemoryRepository, Outcome, Repository};
use tenancy::{
    Actor, CommitId, Done, Error, OrganizationId, OrganizationRole, Refusal, Resource, Tenancy,
    UserId, block_on,
};
use tenancy_tests::world::{Acme, World, user};

/// How a commit fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fails {
    /// It was applied, but its answer was lost.
    Applied,
    /// It never came to be.
    Lost,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Before which step the other request is made, from first to last.
    overtaken_at: usize,
    /// Which commit fails, and how.
    fails: Option<(usize, Fails)>,
    /// Whether the step after that fails, too: the store can't tell what became of the commit.
    cannot_tell: bool,
}

impl Plan {
    /// Whether the first may be told that nobody knows: its commit may still come to be.
    fn may_not_know(self) -> bool {
        self.cannot_tell || matches!(self.fails, Some((_, Fails::Lost)))
    }
}

/// The memory store, with things that go wrong.
struct Store<'w> {
    memory: MemoryRepository,
    plan: Plan,
    other: Mutex<Option<Box<dyn FnOnce() + Send + 'w>>>,
    steps: AtomicUsize,
    commits: AtomicUsize,
    is_cut_off: AtomicUsize,
}

#[derive(Debug, thiserror::Error)]
#[error("an error of the store's own")]
struct Broke;

impl Store<'_> {
    /// Takes a step, and lets the other one in before it.
    fn step(&self) -> Result<(), Broke> {
        if self.steps.fetch_add(1, Ordering::Relaxed) == self.plan.overtaken_at {
            let other = self.other.lock().unwrap().take();
            if let Some(other) = other {
                other();
            }
        }
        match self.is_cut_off.swap(0, Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(Broke),
        }
    }
}

impl Repository for Store<'_> {
    type Error = Broke;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Broke> {
        self.step()?;
        self.memory.load(id, keys).await.map_err(|_| Broke)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Broke> {
        self.step()?;
        let number = self.commits.fetch_add(1, Ordering::Relaxed);
        let fails = self.plan.fails.filter(|(which, _)| *which == number);
        if fails.is_some() && self.plan.cannot_tell {
            self.is_cut_off.store(1, Ordering::Relaxed);
        }
        match fails {
            Some((_, Fails::Lost)) => Err(Broke),
            Some((_, Fails::Applied)) => {
                drop(self.memory.commit(commit).await);
                Err(Broke)
            }
            None => self.memory.commit(commit).await.map_err(|_| Broke),
        }
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Broke> {
        self.step()?;
        self.memory.standing(user, on).await.map_err(|_| Broke)
    }
}

/// All that may go wrong.
fn plans() -> impl Iterator<Item = Plan> {
    (0..7).flat_map(|overtaken_at| {
        let failures = (0..2).flat_map(|which| [(which, Fails::Applied), (which, Fails::Lost)]);
        let failures = failures.map(Some).chain([None]);
        failures.flat_map(move |fails| {
            [false, true].map(|cannot_tell| Plan {
                overtaken_at,
                fails,
                cannot_tell,
            })
        })
    })
}

/// What a request was told.
#[derive(Debug)]
struct Told<T> {
    first: Result<Done<T>, Error<Broke>>,
    /// `None` if the other never came, because the first had ended before.
    second: Option<Result<Done<T>, Refusal>>,
}

/// Runs one request into another, each under its id.
fn collide<C: Command + Clone>(
    world: &World,
    plan: Plan,
    (first_id, first_by, first): (CommitId, &Actor, &C),
    (second_id, second_by, second): (CommitId, &Actor, &C),
) -> Told<C::Output>
where
    C::Output: Send,
{
    let told = Mutex::new(None);
    let store = Store {
        memory: world.store(),
        plan,
        other: Mutex::new(Some(Box::new(|| {
            let done = block_on(
                world
                    .tenancy
                    .execute_as(second_id, second_by, second.clone()),
            );
            let done = done.map_err(|error| error.refusal().cloned().expect("a rule said no"));
            *told.lock().unwrap() = Some(done);
        }))),
        steps: AtomicUsize::new(0),
        commits: AtomicUsize::new(0),
        is_cut_off: AtomicUsize::new(0),
    };
    let now = world.now();
    let tenancy = Tenancy::new(store).with_clock(move || now);
    let first = block_on(tenancy.execute_as(first_id, first_by, first.clone()));
    drop(tenancy);
    let second = told.lock().unwrap().take();
    Told { first, second }
}

/// How often an id is in Acme's log.
fn logged(world: &World, acme: Acme, id: CommitId) -> usize {
    let log = world.log(acme);
    log.iter().filter(|entry| entry.id == id).count()
}

/// Whether the link works: what was told was written.
fn works(world: &World, acme: Acme, sent: &Invited) -> bool {
    let state = world.state(acme);
    let kept = state.invitation(sent.invitation);
    let token = sent.token.as_ref();
    token.is_some_and(|token| kept.is_some_and(|kept| kept.token_hash == token.hash()))
}

#[test]
fn a6_one_request_is_made_once_whatever_fails_in_between() {
    let mut seen = BTreeSet::new();
    for plan in plans() {
        let world = World::new();
        let acme = world.acme();
        let (ann, id) = (user("ann"), CommitId::new());
        let invite = acme.invite("bob", OrganizationRole::Member);
        let told = collide(&world, plan, (id, &ann, &invite), (id, &ann, &invite));
        let mut answers = Vec::new();
        answers.extend(told.second.map(|second| second.expect("a rule lets it")));
        match told.first {
            Ok(done) => answers.push(done),
            // Whoever doesn't know asks again, and is told.
            Err(Error::Unknown { commit, .. }) if plan.may_not_know() => {
                assert_eq!(commit, id, "{plan:?}");
                let again = world.tenancy.execute_as(id, &ann, invite.clone());
                answers.push(block_on(again).unwrap());
                seen.insert("unknown");
            }
            Err(Error::Store(_)) if plan.cannot_tell => {
                seen.insert("failed");
            }
            Err(error) => panic!("{plan:?}: {error}"),
        }
        assert!(logged(&world, acme, id) <= 1, "{plan:?}");
        assert_eq!(
            logged(&world, acme, id) == 1,
            !answers.is_empty(),
            "{plan:?}"
        );
        let mut links = 0;
        for done in &answers {
            assert_eq!(
                done.output.invitation, answers[0].output.invitation,
                "{plan:?}"
            );
            assert_eq!(done.token, answers[0].token, "{plan:?}");
            if done.output.token.is_some() {
                assert!(works(&world, acme, &done.output), "{plan:?}: a dead link");
                links += 1;
            }
        }
        assert!(links <= 1, "{plan:?}: {links} links");
        seen.insert(if links == 1 { "one link" } else { "no link" });
        assert_eq!(world.disorder(), None, "{plan:?}");
    }
    let all = ["no link", "one link", "unknown"];
    assert!(all.iter().all(|one| seen.contains(one)), "{seen:?}");
}

#[test]
fn a6_another_request_under_an_id_is_refused_whatever_fails_in_between() {
    let mut seen = BTreeSet::new();
    for plan in plans() {
        let world = World::new();
        let acme = world.acme();
        let (ann, id) = (user("ann"), CommitId::new());
        let invite = |who: &str| acme.invite(who, OrganizationRole::Member);
        let (first, second) = (invite("bob"), invite("eve"));
        let told = collide(&world, plan, (id, &ann, &first), (id, &ann, &second));
        let asked = |invite: &InviteToOrganization| {
            block_on(world.tenancy.execute_as(id, &ann, invite.clone()))
        };
        let is_first = match &told.first {
            Ok(done) => {
                assert_eq!(done.output.email, first.email, "{plan:?}");
                Some(true)
            }
            Err(Error::Refused(Refusal::CommitIdReused)) => Some(false),
            Err(Error::Unknown { .. }) if plan.may_not_know() => None,
            Err(Error::Store(_)) if plan.cannot_tell => None,
            Err(error) => panic!("{plan:?}: {error}"),
        };
        let is_second = match &told.second {
            None => None,
            Some(Ok(done)) => {
                assert_eq!(done.output.email, second.email, "{plan:?}");
                Some(true)
            }
            Some(Err(Refusal::CommitIdReused)) => Some(false),
            Some(Err(refusal)) => panic!("{plan:?}: {refusal}"),
        };
        seen.insert((is_first, is_second));
        assert_ne!((is_first, is_second), (Some(true), Some(true)), "{plan:?}");
        assert_ne!(
            (is_first, is_second),
            (Some(false), Some(false)),
            "{plan:?}"
        );
        let made = logged(&world, acme, id);
        assert!(made <= 1, "{plan:?}");
        if is_first == Some(true) || is_second == Some(true) {
            assert_eq!(made, 1, "{plan:?}");
        }
        // What is in the log is what was done: its own request finds its answer, the other's is refused.
        let state = world.state(acme);
        let emails: Vec<_> = state.invitations().map(|sent| &sent.email).collect();
        match (is_first, is_second) {
            (Some(true), _) => assert_eq!(emails, [&first.email], "{plan:?}"),
            (_, Some(true)) => assert_eq!(emails, [&second.email], "{plan:?}"),
            _ => {}
        }
        if made == 1 {
            let (first, second) = (asked(&first), asked(&second));
            assert_ne!(first.is_ok(), second.is_ok(), "{plan:?}");
        }
    }
    for outcome in [
        (Some(true), Some(false)),
        (Some(false), Some(true)),
        (Some(true), None),
        (None, Some(true)),
    ] {
        assert!(seen.contains(&outcome), "{outcome:?} is not in {seen:?}");
    }
}

#[test]
fn a6_two_requests_under_two_ids_are_each_what_the_log_says() {
    for plan in plans() {
        let world = World::new();
        let acme = world.acme();
        let ann = user("ann");
        let (one, other) = (CommitId::new(), CommitId::new());
        // One free slot: at most one of the two is made.
        let used = world.row(acme).counts.workspaces;
        world.does(&tenancy_tests::world::operator(), acme.quota(used + 1));
        let (first, second) = (acme.create_workspace("A"), acme.create_workspace("B"));
        let told = collide(&world, plan, (one, &ann, &first), (other, &ann, &second));
        let made = (logged(&world, acme, one), logged(&world, acme, other));
        match &told.first {
            Ok(done) => {
                assert_eq!(made.0, 1, "{plan:?}");
                assert!(
                    world.state(acme).workspace(done.output).is_some(),
                    "{plan:?}"
                );
            }
            Err(Error::Refused(_)) => assert_eq!(made.0, 0, "{plan:?}"),
            Err(_) => assert!(plan.may_not_know(), "{plan:?}"),
        }
        match &told.second {
            Some(Ok(done)) => {
                assert_eq!(made.1, 1, "{plan:?}");
                assert!(
                    world.state(acme).workspace(done.output).is_some(),
                    "{plan:?}"
                );
            }
            Some(Err(_)) | None => assert_eq!(made.1, 0, "{plan:?}"),
        }
        assert!(made.0 + made.1 <= 1, "{plan:?}");
        assert_eq!(world.disorder(), None, "{plan:?}");
    }
}
