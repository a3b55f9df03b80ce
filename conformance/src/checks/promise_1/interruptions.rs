//! Futures that are dropped, and stores that are closed.

use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;

use tenancy::store::{Commit, Directory, Key, Outcome, Repository};
use tenancy::{Event, Resource};

use crate::harness::Harness;
use crate::model::{same, whole};
use crate::report::{Failure, Verdict};
use crate::tasks::{cut, pause};
use crate::world::{Acme, World, joined, renamed};

/// More polls than any store needs for one call.
const MANY: usize = 200;

/// "If the future is dropped, the commit happened or it didn't; it is never half done, and its connection
/// must not go back to a pool with a transaction open": dropped after 0, 1, 2 … polls, until it needs no
/// more. It may still happen a little later, but once.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_dropped_commit_happened_or_did_not<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let mut name = "Payments".to_owned();
    let mut finished = 0_u32;
    for polls in 0..MANY {
        let next = format!("Payments {polls}");
        let user = world.user();
        let events = vec![
            renamed(acme.first, &name, &next)?,
            joined(user, "new@x.example", tenancy::OrganizationRole::Member)?,
            Event::DomainCreated {
                domain: world.domain(),
                workspace: acme.second,
                name: tenancy::DomainName::new(&format!(
                    "x{polls}-{}",
                    acme.id.as_uuid().simple()
                ))?,
                kind: tenancy::DomainKind::Sandbox,
            },
        ];
        name = next;
        let commit = world.propose(acme.id, events)?;
        let store = Arc::clone(&world.one);
        let outcome = cut(polls, store.commit(&commit)).await;
        let place = format!("after a commit was dropped at poll {polls}");
        let settled = settle(&mut world, &acme, &commit, user).await;
        settled.map_err(|failure| failure.at(&place))?;
        twenty_calls(&mut world, &acme)
            .await
            .map_err(|failure| failure.at(&place))?;
        if let Some(outcome) = outcome {
            same(
                "the outcome of a commit that was not dropped",
                &outcome?,
                &Outcome::Committed,
            )?;
            finished = finished.saturating_add(1);
            if finished == 2 {
                break;
            }
        }
    }
    world.model.everything_agrees(&*world.other).await
}

/// Whole or not at all, whenever one looks; and made by trying again if it wasn't.
async fn settle<R: tenancy::store::Directory>(
    world: &mut World<R>,
    acme: &Acme,
    commit: &Commit,
    user: tenancy::UserId,
) -> Verdict {
    let store = Arc::clone(&world.one);
    let keys = [
        Key::Commit(commit.id()),
        Key::Person(user),
        Key::Path(acme.bob, Resource::Workspace(acme.id, acme.first)),
    ];
    let mut after = world.model.clone();
    let _ = after.apply(commit);
    for reader in [&world.one, &world.other] {
        let made = reader.load(acme.id, &[Key::Commit(commit.id())]).await?;
        if made.is_some_and(|facts| facts.committed.is_some()) {
            after.facts_agree(&**reader, acme.id, &keys).await?;
        }
    }
    repeat(&*store, commit).await?;
    world.model = after;
    world
        .model
        .facts_agree(&*world.other, acme.id, &keys)
        .await?;
    world.model.records_agree(&*store, acme.id).await?;
    world.model.claims_agree(&*store).await
}

/// Commits again until it is certain that it was made, then or now. A conflict by itself doesn't say so:
/// the first try may still be on its way.
async fn repeat<R: Repository>(store: &R, commit: &Commit) -> Verdict {
    for _ in 0..100 {
        match store.commit(commit).await? {
            Outcome::Committed => return Ok(()),
            Outcome::Taken(claim) => {
                return Err(Failure::new(format!("{claim} is taken by nobody else")));
            }
            // It was made, or may still be on its way.
            Outcome::Conflict | Outcome::IdUsed => {}
        }
        let facts = store
            .load(commit.organization(), &[Key::Commit(commit.id())])
            .await?;
        if facts.is_some_and(|facts| facts.committed.is_some()) {
            return Ok(());
        }
        pause(Duration::from_millis(10)).await;
    }
    Err(Failure::new(
        "a commit was neither made before, nor can it be made now",
    ))
}

/// "the next calls on the same handle work": after loads and checks were dropped at every poll.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_dropped_reads_leave_the_handle_whole<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let store = Arc::clone(&world.one);
    let keys = [Key::Person(acme.bob), Key::OpenInvitations(None)];
    for polls in 0..MANY {
        let loaded = cut(polls, store.load(acme.id, &keys)).await;
        let resource = Resource::Domain(acme.id, acme.domain);
        let stood = cut(polls, store.standing(acme.bob, resource)).await;
        let place = format!("after reads were dropped at poll {polls}");
        twenty_calls(&mut world, &acme)
            .await
            .map_err(|failure| failure.at(place))?;
        if loaded.is_some() && stood.is_some() {
            break;
        }
    }
    world.model.everything_agrees(&*store).await
}

/// "must not go back to a pool with a transaction open", nor stay away from it: a hundred calls of each
/// kind that were dropped when they had begun use up no connection, no thread, no place in a queue.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_dropped_calls_use_nothing_up<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let store = Arc::clone(&world.one);
    let keys = [Key::Person(acme.bob), Key::OpenInvitations(None)];
    let resource = Resource::Domain(acme.id, acme.domain);
    let late = world.propose(acme.id, vec![Event::ContractEdited { contract: None }])?;
    world.commit(&late).await?; // so that it can only conflict from now on
    let members = whole::members(acme.id, tenancy::RoleSet::all());
    for number in 0..100_usize {
        let polls = (number % 3).saturating_add(1);
        drop(cut(polls, store.load(acme.id, &keys)).await);
        drop(cut(polls, store.standing(acme.bob, resource)).await);
        drop(cut(polls, store.commit(&late)).await);
        drop(cut(polls, store.list(&members, NonZeroU32::MIN)).await);
    }
    for _ in 0..3 {
        twenty_calls(&mut world, &acme).await?;
    }
    world.model.everything_agrees(&*store).await?;
    world.model.everything_agrees(&*world.other).await
}

/// Twenty calls on the first handle, a commit among them.
async fn twenty_calls<R: Repository>(world: &mut World<R>, acme: &Acme) -> Verdict {
    let store = Arc::clone(&world.one);
    for call in 0..19 {
        if call % 2 == 0 {
            let keys = [Key::Path(
                acme.bob,
                Resource::Workspace(acme.id, acme.first),
            )];
            world.model.facts_agree(&*store, acme.id, &keys).await?;
        } else {
            let resource = Resource::Domain(acme.id, acme.domain);
            let _ = store.standing(acme.bob, resource).await?;
        }
    }
    let commit = world.propose(acme.id, vec![Event::ContractEdited { contract: None }])?;
    same(
        "the outcome of the next commit",
        &store.commit(&commit).await?,
        &Outcome::Committed,
    )?;
    let _ = world.model.apply(&commit);
    Ok(())
}

/// "applied, durable, and visible to every later `load`": what was acknowledged is there after the store
/// was closed and opened again ([`Harness::reopen`]).
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_reopened_store_has_every_commit<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    for number in 0..3 {
        let event = Event::OrganizationRenamed {
            from: tenancy::Name::new("Acme")?,
            to: tenancy::Name::new(&format!("Acme {number}"))?,
        };
        let late = world.propose(acme.id, vec![event.clone()])?;
        world.happen(acme.id, vec![event]).await?;
        let World {
            one, other, model, ..
        } = world;
        drop(other);
        let one = Arc::into_inner(one).ok_or_else(|| {
            Failure::new("the suite kept a handle of a store that is to be closed")
        })?;
        let Some(one) = harness.reopen(one).await else {
            return Err(Failure::not_run("reopen"));
        };
        let other = harness.another(&one).await;
        world = World::reopened(one, other, model, number);
        world.model.everything_agrees(&*world.one).await?;
        world.model.everything_agrees(&*world.other).await?;
        same(
            "a late commit's outcome",
            &world.one.commit(&late).await?,
            &Outcome::Conflict,
        )?;
    }
    Ok(())
}
