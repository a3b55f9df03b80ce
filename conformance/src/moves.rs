//! Organizations that leave a store and come to another.

use core::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use core::time::Duration;
use std::sync::Arc;

use tenancy::commands::{CreateOrganization, RenameOrganization};
use tenancy::store::{Claim, Commit, Directory, Key, Movable, Outcome, Repository};
use tenancy::{
    Actor, DomainKind, DomainName, Error, Event, Name, OrganizationId, Resource, Tenancy, Version,
};

use crate::harness::Harness;
use crate::model::{Model, same, whole_log};
use crate::races::person;
use crate::report::{Failure, Verdict};
use crate::tasks::{all, cut, pause, start, step_aside};
use crate::world::{Acme, World, founding};

/// How often an organization is closed while others write to it, times the harness' thoroughness.
const ROUNDS: u32 = 10;

/// How many writers there are then.
const WRITERS: usize = 4;

/// How many commits are made before it is closed, and tried after.
const ENOUGH: u32 = 8;

/// How often the check looks whether they were: for ten seconds.
const PATIENCE: u32 = 50_000;

/// At how many polls a call is cut off, and how many are between two of them: a transaction may have many statements.
const CUTS: usize = 12;
const APART: usize = 5;

/// Holds a store that is [`Movable`] to what that trait says, beside what [`suite!`](crate::suite) holds it to.
///
/// An organization with something of everything goes from one store to another and back, among neighbours with the same
/// people and ids. At each step both stores are compared with a model: facts, lists, log, claims and standings. So are
/// calls that come too early, with a smaller number, twice, or of whom the future is dropped; an organization that doesn't
/// exist; and writers who don't stop while it is closed. What an outbox has still to deliver is the store's own: the
/// harness doesn't show it, so test that it comes along.
///
/// ```
/// # use tenancy::store::MemoryRepository;
/// # use tenancy_conformance::Harness;
/// # struct Memory;
/// # impl Harness for Memory {
/// #     type Repository = MemoryRepository;
/// #     async fn fresh(&self) -> MemoryRepository { MemoryRepository::new() }
/// #     async fn another(&self, same: &MemoryRepository) -> MemoryRepository { same.clone() }
/// # }
/// tenancy::block_on(tenancy_conformance::moves(&Memory)).unwrap();
/// ```
///
/// # Errors
///
/// - A store did what [`Movable`] forbids, or not what it says: the failure names the step.
pub async fn moves<H>(harness: &H) -> Verdict
where
    H: Harness,
    H::Repository: Movable,
{
    let mut here = World::with_seed(harness, 1).await;
    let mut there = World::with_seed(harness, 2).await;
    let (acme, neighbour) = here.crowd().await?;
    let resident = there.twin(&acme).await?;
    hold(harness, &here).await?;

    let at = |step: &'static str| move |failure: Failure| failure.at(step);
    let open = open_is_left_alone(&here, &acme).await;
    open.map_err(at("an organization that is open"))?;
    let moved = closed(&mut here, &acme, &neighbour).await;
    let moved = moved.map_err(at("an organization that is closed"))?;
    let arrives = arrives(&here, &mut there, &acme, &resident, &moved).await;
    arrives.map_err(at("an organization that is put in"))?;
    let dropped = dropped(&mut here, &acme).await;
    dropped.map_err(at("an organization that is dropped"))?;
    let opens = opens(&mut there, &acme).await;
    opens.map_err(at("an organization that opens elsewhere"))?;
    let back = comes_back(&mut here, &mut there, &acme).await;
    back.map_err(at("an organization that comes back"))?;
    hold(harness, &here).await?;
    hold(harness, &there).await?;
    let leaves = leaves_nothing(&mut here, &acme, &neighbour).await;
    leaves.map_err(at("what an organization leaves behind"))?;
    hold(harness, &here).await?;
    let absent = absent(&mut there).await;
    absent.map_err(at("an organization that doesn't exist"))?;
    let cut_off = cut_off(&here, &mut there, &neighbour).await;
    cut_off.map_err(at("calls that are cut off"))?;
    hold(harness, &there).await?;
    for round in 0..ROUNDS.saturating_mul(harness.thoroughness()) {
        let raced = raced(harness, &there, round).await;
        raced.map_err(at("an organization that is closed while others write"))?;
    }
    Ok(())
}

/// Both handles of a store agree with the model, and its verification has nothing to say.
async fn hold<H: Harness>(harness: &H, world: &World<H::Repository>) -> Verdict {
    world.model.everything_agrees(&*world.one).await?;
    for id in world.model.organizations() {
        world.model.records_agree(&*world.other, id).await?;
        if let Some(Err(found)) = harness.verify(&world.other, id).await {
            return Err(Failure::new(format!("its own verification: {found}")));
        }
    }
    Ok(())
}

/// What a method of [`Movable`] answered.
fn told(call: &str, found: bool, expected: bool) -> Verdict {
    same(format!("what `{call}` returned"), &found, &expected)
}

/// Neither handle takes a commit, whichever version it was decided on.
async fn takes_nothing<R: Repository>(world: &mut World<R>, id: OrganizationId) -> Verdict {
    let next = renaming(world, id)?;
    let version = next.expected;
    for (turn, expected) in [version, version.next(), Version::ABSENT]
        .into_iter()
        .enumerate()
    {
        let commit = decided_on(&next, expected);
        let outcome = world.either(turn).commit(&commit).await?;
        same(
            format!("the outcome of a commit on version {expected} of a closed organization"),
            &outcome,
            &Outcome::Conflict,
        )?;
    }
    Ok(())
}

/// The same commit, decided on another version.
fn decided_on(commit: &Commit, expected: Version) -> Commit {
    let mut commit = commit.clone();
    commit.expected = expected;
    commit.next.version = expected.next();
    commit.entry.version = expected.next();
    commit
}

/// The next commit of an organization, which changes its name. Nothing is written.
fn renaming<R: Repository>(world: &mut World<R>, id: OrganizationId) -> Result<Commit, Failure> {
    let state = world.model.state(id);
    let named = state.organization().map(|it| it.name.clone());
    let from = named.ok_or_else(|| Failure::new("the suite lost an organization"))?;
    let to = Name::new(&format!("Acme {}", state.version().next()))?;
    world.propose(id, vec![Event::OrganizationRenamed { from, to }])
}

async fn renamed<R: Repository>(world: &mut World<R>, id: OrganizationId) -> Verdict {
    let commit = renaming(world, id)?;
    world.commit(&commit).await
}

async fn pack<R: Movable>(store: &R, id: OrganizationId) -> Result<R::Moved, Failure> {
    let moved = store.pack(id).await?;
    moved.ok_or_else(|| Failure::new("`pack` returned nothing of an organization that exists"))
}

/// While it is open, it can't be replaced, dropped or opened.
async fn open_is_left_alone<R: Movable>(here: &World<R>, acme: &Acme) -> Verdict {
    let moved = pack(&*here.one, acme.id).await?;
    told("open", here.one.open(acme.id, 9).await?, false)?;
    told("erase", here.one.erase(acme.id, 9).await?, false)?;
    told("unpack", here.one.unpack(acme.id, 9, &moved).await?, false)?;
    here.model.everything_agrees(&*here.one).await
}

/// Closed by 4 in the end, and all that there is of it.
async fn closed<R: Movable>(
    here: &mut World<R>,
    acme: &Acme,
    neighbour: &Acme,
) -> Result<R::Moved, Failure> {
    told("close", here.one.close(acme.id, 3).await?, true)?;
    told("close", here.other.close(acme.id, 3).await?, true)?; // again
    takes_nothing(here, acme.id).await?;
    renamed(here, neighbour.id).await?;
    here.model.everything_agrees(&*here.other).await?; // reads go on

    // Who comes with a smaller number is told so, and changes nothing.
    let moved = pack(&*here.one, acme.id).await?;
    told("close", here.other.close(acme.id, 2).await?, false)?;
    told("open", here.one.open(acme.id, 2).await?, false)?;
    told("erase", here.one.erase(acme.id, 2).await?, false)?;
    told("unpack", here.one.unpack(acme.id, 2, &moved).await?, false)?;
    takes_nothing(here, acme.id).await?;
    here.model.everything_agrees(&*here.one).await?;

    told("open", here.other.open(acme.id, 3).await?, true)?;
    told("open", here.other.open(acme.id, 3).await?, false)?; // it is open
    renamed(here, acme.id).await?;
    told("close", here.one.close(acme.id, 1).await?, true)?; // open, it listens to any number
    told("close", here.one.close(acme.id, 4).await?, true)?; // and closed to a greater one
    takes_nothing(here, acme.id).await?;
    pack(&*here.one, acme.id).await
}

/// Put in among the same people, it is there as it was, and closed.
async fn arrives<R: Movable>(
    here: &World<R>,
    there: &mut World<R>,
    acme: &Acme,
    resident: &Acme,
    moved: &R::Moved,
) -> Verdict {
    told("unpack", there.one.unpack(acme.id, 4, moved).await?, true)?;
    there.model.take_from(&here.model, acme.id);
    takes_nothing(there, acme.id).await?;
    there.model.everything_agrees(&*there.other).await?;
    told("unpack", there.other.unpack(acme.id, 4, moved).await?, true)?; // again
    told("unpack", there.one.unpack(acme.id, 3, moved).await?, false)?;
    takes_nothing(there, acme.id).await?;

    // Its claims and its commits' ids came along: the model says what becomes of these.
    wants(there, resident, &acme.domain_name).await?;
    repeats(there, resident.id, acme.id).await?;
    renamed(there, resident.id).await?;
    there.model.everything_agrees(&*there.one).await
}

/// A domain with this name is created.
async fn wants<R: Repository>(world: &mut World<R>, by: &Acme, name: &DomainName) -> Verdict {
    let events = vec![Event::DomainCreated {
        domain: world.domain(),
        workspace: by.first,
        name: name.clone(),
        kind: DomainKind::Sandbox,
    }];
    world.happen(by.id, events).await
}

/// A commit is made under the id of another organization's first.
async fn repeats<R: Repository>(
    world: &mut World<R>,
    by: OrganizationId,
    of: OrganizationId,
) -> Verdict {
    let mut commit = renaming(world, by)?;
    let first = world.model.log_of(of).first();
    commit.entry.id = first.map_or(commit.entry.id, |entry| entry.id);
    world.commit(&commit).await
}

/// Dropped, it is nowhere; and it stays closed, so that nobody creates it.
async fn dropped<R: Movable>(here: &mut World<R>, acme: &Acme) -> Verdict {
    told("erase", here.one.erase(acme.id, 3).await?, false)?;
    here.model.everything_agrees(&*here.one).await?;
    takes_nothing(here, acme.id).await?;
    let next = renaming(here, acme.id)?;
    told("erase", here.one.erase(acme.id, 4).await?, true)?;
    told("erase", here.other.erase(acme.id, 4).await?, true)?; // again
    here.model.forget(acme.id);
    nowhere(here, acme).await?;
    let created = here.propose(acme.id, founding("Acme", acme.first, acme.ann)?)?;
    for commit in [next, created] {
        let outcome = here.other.commit(&commit).await?;
        let expected = commit.expected;
        let what = format!("the outcome of a commit on version {expected} of what was dropped");
        same(what, &outcome, &Outcome::Conflict)?;
    }
    nowhere(here, acme).await
}

/// Nothing is found of it, by whatever it was found.
async fn nowhere<R: Movable>(world: &World<R>, acme: &Acme) -> Verdict {
    for store in [&world.one, &world.other] {
        world.model.everything_agrees(&**store).await?; // the neighbours have the same people
        world.model.facts_agree(&**store, acme.id, &[]).await?;
        same("its log", &whole_log(&**store, acme.id).await?, &Vec::new())?;
        for user in [acme.ann, acme.bob] {
            let resource = Resource::Organization(acme.id);
            let agrees = world.model.standing_agrees(&**store, user, resource);
            agrees.await?;
        }
        let claim = Claim::DomainName(acme.domain_name.clone());
        same(
            "who holds its claim",
            &store.claimed_by(&claim).await?,
            &None,
        )?;
        if store.pack(acme.id).await?.is_some() {
            return Err(Failure::new(
                "`pack` returned an organization that isn't there",
            ));
        }
    }
    Ok(())
}

/// Opened where it is now, it goes on.
async fn opens<R: Movable>(there: &mut World<R>, acme: &Acme) -> Verdict {
    told("open", there.one.open(acme.id, 3).await?, false)?;
    takes_nothing(there, acme.id).await?;
    told("open", there.one.open(acme.id, 5).await?, true)?; // who is later may, too
    told("open", there.other.open(acme.id, 5).await?, false)?; // it is open
    renamed(there, acme.id).await?;
    there.model.everything_agrees(&*there.other).await
}

/// It comes back to where it was closed by an earlier move, with what happened meanwhile.
async fn comes_back<R: Movable>(here: &mut World<R>, there: &mut World<R>, acme: &Acme) -> Verdict {
    let id = acme.id;
    told("close", there.one.close(id, 6).await?, true)?;
    let moved = pack(&*there.one, id).await?;
    told("unpack", here.one.unpack(id, 3, &moved).await?, false)?; // it was closed by 4
    nowhere(here, acme).await?;
    told("unpack", here.one.unpack(id, 6, &moved).await?, true)?;
    here.model.take_from(&there.model, id);
    told("erase", there.one.erase(id, 6).await?, true)?;
    there.model.forget(id);
    nowhere(there, acme).await?;
    takes_nothing(here, id).await?;
    told("open", here.one.open(id, 6).await?, true)?;
    renamed(here, id).await
}

/// What it held is free when it is gone.
async fn leaves_nothing<R: Movable>(here: &mut World<R>, acme: &Acme, neighbour: &Acme) -> Verdict {
    told("close", here.one.close(acme.id, 7).await?, true)?;
    told("erase", here.one.erase(acme.id, 7).await?, true)?;
    let mut next = renaming(here, neighbour.id)?;
    let first = here.model.log_of(acme.id).first();
    next.entry.id = first.map_or(next.entry.id, |entry| entry.id);
    here.model.forget(acme.id);
    here.commit(&next).await?;
    wants(here, neighbour, &acme.domain_name).await
}

/// What doesn't exist can be closed, too, and then nobody creates it.
async fn absent<R: Movable>(there: &mut World<R>) -> Verdict {
    let (id, ann, workspace) = (there.organization(), there.user(), there.workspace());
    let created = there.propose(id, founding("Late", workspace, ann)?)?;
    if there.one.pack(id).await?.is_some() {
        return Err(Failure::new(
            "`pack` returned an organization that never was",
        ));
    }
    told("erase", there.one.erase(id, 1).await?, false)?;
    told("open", there.one.open(id, 1).await?, false)?;
    for by in [1, 2] {
        told("close", there.one.close(id, by).await?, true)?;
        told("close", there.other.close(id, 0).await?, false)?;
        let outcome = there.other.commit(&created).await?;
        let what = "the outcome of creating a closed organization";
        same(what, &outcome, &Outcome::Conflict)?;
        told("erase", there.one.erase(id, by).await?, true)?;
    }
    let outcome = there.one.commit(&created).await?;
    let what = "the outcome of creating an organization that was closed and dropped";
    same(what, &outcome, &Outcome::Conflict)?;
    there.model.everything_agrees(&*there.one).await?;
    told("open", there.one.open(id, 2).await?, true)?;
    there.commit(&created).await
}

/// What is dropped in mid-call was done, or it wasn't.
async fn cut_off<R: Movable>(here: &World<R>, there: &mut World<R>, of: &Acme) -> Verdict {
    let id = of.id;
    told("close", here.one.close(id, 1).await?, true)?;
    let moved = pack(&*here.one, id).await?;
    let there_already = there.one.load(id, &[]).await?.is_some();
    same("whether it is there already", &there_already, &false)?;
    let mut by: u64 = 0;
    for polls in (0..).step_by(APART).take(CUTS) {
        by = by.saturating_add(1);
        drop(cut(polls, there.one.unpack(id, by, &moved)).await);
        all_or_nothing(&here.model, &*there.other, of).await?;
        told("unpack", there.one.unpack(id, by, &moved).await?, true)?;
        here.model.records_agree(&*there.other, id).await?;
        drop(cut(polls, there.one.erase(id, by)).await);
        all_or_nothing(&here.model, &*there.other, of).await?;
        told("erase", there.one.erase(id, by).await?, true)?;
        there.model.facts_agree(&*there.other, id, &[]).await?;
    }
    told("open", here.one.open(id, 1).await?, true)
}

/// A store has nothing of an organization, or all of it. Each look is of one moment.
async fn all_or_nothing<R: Directory>(model: &Model, store: &R, of: &Acme) -> Verdict {
    let keys = [
        Key::Person(of.bob),
        Key::Path(of.ann, Resource::Domain(of.id, of.domain)),
        Key::OpenInvitations(None),
    ];
    if store.load(of.id, &keys).await?.is_some() {
        // Nothing is dropped any more: only that call was under way.
        match model.facts_agree(store, of.id, &keys).await {
            Err(_) if store.load(of.id, &keys).await?.is_none() => {}
            agrees => agrees?,
        }
    }
    let log = whole_log(store, of.id).await?;
    if log.is_empty() {
        return Ok(());
    }
    same("its log", &log.as_slice(), &model.log_of(of.id))
}

/// Writers who don't stop, and two who close: when both have returned, nothing is written any more.
async fn raced<H>(harness: &H, world: &World<H::Repository>, round: u32) -> Verdict
where
    H: Harness,
    H::Repository: Movable,
{
    let ann = person(&format!("move{round}"), "ann")?;
    let shells = [&world.one, &world.other].map(|store| Arc::new(Tenancy::new(Arc::clone(store))));
    let [one, other] = &shells;
    let name = Name::new(&format!("Busy {round}"))?;
    let id = one.execute(&ann, CreateOrganization { name }).await?;
    let id = id.output.organization;
    let progress = Arc::new(Progress::default());
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (shell, ann) = (
                Arc::clone(if writer % 2 == 0 { one } else { other }),
                ann.clone(),
            );
            let progress = Arc::clone(&progress);
            start(harness, async move {
                write(&shell, &ann, id, writer, &progress).await
            })
        })
        .collect();
    progress.some_were_made().await?;
    let first = world.one.close(id, 1);
    let (store, by) = (Arc::clone(&world.other), 2);
    let second = start(harness, async move {
        store.close(id, by).await.map_err(Failure::from)
    });
    let first = first.await;
    let second = second.await??;
    progress.closed.store(true, Ordering::SeqCst);
    first?; // whoever was first, this one may be told either
    told("close", second, true)?;
    told("close", world.one.close(id, 1).await?, false)?;
    let moved = pack(&*world.one, id).await?;
    let version = version_of(&*world.one, id).await?;
    progress.some_have_tried().await;
    progress.over.store(true, Ordering::SeqCst);
    for written in all(writers).await? {
        written?;
    }
    let later = version_of(&*world.other, id).await?;
    same(
        "the version of a closed organization, later",
        &later,
        &version,
    )?;

    // What was packed is all of it.
    told("unpack", world.one.unpack(id, 2, &moved).await?, true)?;
    let there = version_of(&*world.other, id).await?;
    same("the version of what was packed", &there, &version)?;
    let log = whole_log(&*world.other, id).await?.len();
    let expected = usize::try_from(version.get()).unwrap_or(usize::MAX);
    same("how many entries its log has", &log, &expected)?;
    told("open", world.one.open(id, 2).await?, true)?;
    let name = Name::new("Open again")?;
    one.execute(
        &ann,
        RenameOrganization {
            organization: id,
            name,
        },
    )
    .await?;
    Ok(())
}

/// How far those are who write while an organization is closed.
#[derive(Default)]
struct Progress {
    made: AtomicU32,
    tried: AtomicU32,
    closed: AtomicBool,
    over: AtomicBool,
}

impl Progress {
    async fn some_were_made(&self) -> Verdict {
        for _ in 0..PATIENCE {
            if self.made.load(Ordering::SeqCst) >= ENOUGH {
                return Ok(());
            }
            pause(Duration::from_micros(200)).await;
        }
        Err(Failure::new("nobody could write before it was closed"))
    }

    /// Every writer has begun anew since.
    async fn some_have_tried(&self) {
        let before = self.tried.load(Ordering::SeqCst);
        for _ in 0..PATIENCE {
            if self.tried.load(Ordering::SeqCst) >= before.saturating_add(ENOUGH) {
                return;
            }
            pause(Duration::from_micros(200)).await;
        }
    }
}

async fn write<R: Directory>(
    shell: &Tenancy<Arc<R>>,
    ann: &Actor,
    organization: OrganizationId,
    writer: usize,
    progress: &Progress,
) -> Verdict {
    for turn in 0_u64.. {
        if progress.over.load(Ordering::SeqCst) {
            break;
        }
        let was_closed = progress.closed.load(Ordering::SeqCst);
        let name = Name::new(&format!("Busy {writer} {turn}"))?;
        let written = shell
            .execute(ann, RenameOrganization { organization, name })
            .await;
        progress.tried.fetch_add(1, Ordering::SeqCst);
        match written {
            Ok(_) if was_closed => {
                return Err(Failure::new("a commit was made after `close` had returned"));
            }
            Ok(_) => drop(progress.made.fetch_add(1, Ordering::SeqCst)),
            Err(Error::Contended { .. }) => {}
            Err(error) => return Err(error.into()),
        }
        step_aside().await;
    }
    Ok(())
}

async fn version_of<R: Repository>(store: &R, id: OrganizationId) -> Result<Version, Failure> {
    let facts = store.load(id, &[]).await?;
    Ok(facts.map_or(Version::ABSENT, |facts| facts.organization.version))
}
