//! Two and more at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use core::num::NonZeroU32;
use tenancy::commands::{Circumstances, Command, CreateDomain, CreateWorkspace, Undecided, decide};
use tenancy::store::{Commit, Facts, Outcome, Repository};
use tenancy::{
    Actor, CommitId, DomainKind, DomainName, Event, Name, OrganizationId, OrganizationRole,
    Settings, Tenancy, Version, WorkspaceId, WorkspaceRole,
};

use crate::commands::{Carrier, Known};
use crate::harness::Harness;
use crate::model::{Model, same, whole, whole_log};
use crate::random::Random;
use crate::report::{Failure, Verdict};
use crate::tasks::{Meeting, Started, all, pause, start};
use crate::world::{World, given, joined};

/// "Somebody else was first. Nothing was applied": of many who commit on one version at the same moment,
/// by two handles, exactly one succeeds.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_racers_have_one_winner<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    for round in 0..rounds(harness, 6) {
        let mut commits = Vec::new();
        for racer in 0..8 {
            let user = world.user();
            let email = format!("racer{racer}.{round}@x.example");
            let joined = joined(user, &email, OrganizationRole::Member)?;
            commits.push(world.propose(acme.id, vec![joined])?);
        }
        let outcomes = race(harness, &world, commits).await?;
        one_winner(&mut world, &outcomes)?;
        world.model.records_agree(&*world.other, acme.id).await?;
        world
            .model
            .list_agrees(&*world.one, &whole::log(acme.id), 100)
            .await?;
    }
    Ok(())
}

/// The same of those who create an organization: there is no row yet to wait for.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_racers_to_create_have_one_winner<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    for _ in 0..rounds(harness, 6) {
        let id = world.organization();
        let mut commits = Vec::new();
        for racer in 0..6 {
            let (user, workspace) = (world.user(), world.workspace());
            let name = Name::new(&format!("Acme {racer}"))?;
            let events = vec![
                Event::OrganizationCreated {
                    name: name.clone(),
                    workspace_quota: 1,
                    limits: tenancy::Limits::UNLIMITED,
                },
                joined(user, "racer@x.example", OrganizationRole::Admin)?,
                Event::WorkspaceCreated { workspace, name },
                given(workspace, user, WorkspaceRole::Admin),
            ];
            commits.push(world.propose(id, events)?);
        }
        let outcomes = race(harness, &world, commits).await?;
        one_winner(&mut world, &outcomes)?;
        world.model.everything_agrees(&*world.other).await?;
    }
    Ok(())
}

/// Each loads, all wait for each other, all commit.
async fn race<H: Harness>(
    harness: &H,
    world: &World<H::Repository>,
    commits: Vec<Commit>,
) -> Result<Vec<(Commit, Outcome)>, Failure> {
    let meeting = Meeting::of(commits.len());
    let mut racers: Vec<Started<Result<(Commit, Outcome), Failure>>> = Vec::new();
    for commit in commits {
        let (store, meeting) = (world.either(racers.len()), Arc::clone(&meeting));
        racers.push(start(harness, async move {
            let loaded = store.load(commit.organization(), &[]).await;
            meeting.everybody().await;
            let version = loaded?.map_or(Version::ABSENT, |facts| facts.organization.version);
            same("the version before the race", &version, &commit.expected)?;
            let outcome = store.commit(&commit).await?;
            Ok((commit, outcome))
        }));
    }
    all(racers).await?.into_iter().collect()
}

fn one_winner<R: Repository>(world: &mut World<R>, outcomes: &[(Commit, Outcome)]) -> Verdict {
    let mut winners = 0_u32;
    for (commit, outcome) in outcomes {
        match outcome {
            Outcome::Committed => {
                winners = winners.saturating_add(1);
                let _ = world.model.apply(commit);
            }
            Outcome::Conflict => {}
            Outcome::Taken(_) | Outcome::IdUsed => {
                let what = format!("{outcome:?}, but nobody asked for that");
                return Err(Failure::new(what));
            }
        }
    }
    if winners == 1 {
        return Ok(());
    }
    let all = outcomes.len();
    Err(Failure::new(format!(
        "of {all} commits on the same version, {winners} were made"
    )))
}

/// All six orders in which two writers load and commit, each of whom wants the last place under the
/// quota. Whoever decided on what is no longer so must lose.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_every_order_of_two_writers<H: Harness>(harness: &H) -> Verdict {
    every_order(harness, 2).await
}

/// All ninety orders of three writers.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_every_order_of_three_writers<H: Harness>(harness: &H) -> Verdict {
    every_order(harness, 3).await
}

async fn every_order<H: Harness>(harness: &H, writers: usize) -> Verdict {
    let mut world = World::new(harness).await;
    for order in orders(writers) {
        let place = format!("in the order {order:?}");
        play(&mut world, writers, &order)
            .await
            .map_err(|failure| failure.at(place))?;
    }
    Ok(())
}

/// Every sequence in which each writer comes twice: to load, and to commit.
fn orders(writers: usize) -> Vec<Vec<usize>> {
    let mut unfinished = vec![Vec::new()];
    for _ in 0..writers.saturating_mul(2) {
        let mut longer = Vec::new();
        for order in unfinished {
            for writer in 0..writers {
                if order.iter().filter(|other| **other == writer).count() < 2 {
                    let mut order = order.clone();
                    order.push(writer);
                    longer.push(order);
                }
            }
        }
        unfinished = longer;
    }
    unfinished
}

async fn play<R: Repository>(world: &mut World<R>, writers: usize, order: &[usize]) -> Verdict {
    let (ann, id, workspace) = (world.user(), world.organization(), world.workspace());
    let name = Name::new("Acme")?;
    let founding = vec![
        Event::OrganizationCreated {
            name: name.clone(),
            workspace_quota: 2,
            limits: tenancy::Limits::UNLIMITED,
        },
        joined(ann, "ann@acme.example", OrganizationRole::Admin)?,
        Event::WorkspaceCreated { workspace, name },
    ];
    world.happen(id, founding).await?;
    let ann = Actor::unverified(ann);
    let settings = Settings::default();
    let mut loaded: BTreeMap<usize, Option<Facts>> = BTreeMap::new();
    for writer in order {
        let store = world.either(*writer);
        let command = CreateWorkspace {
            organization: id,
            name: Name::new(&format!("Of writer {writer}"))?,
        };
        let Some(facts) = loaded.remove(writer) else {
            let keys = command.keys(&ann);
            world.model.facts_agree(&*store, id, &keys).await?;
            loaded.insert(*writer, store.load(id, &keys).await?);
            continue;
        };
        let circumstances = Circumstances {
            actor: &ann,
            commit: CommitId::from_uuid(world.random.uuid()),
            now: world.tick(),
            settings: &settings,
        };
        let fresh = WorkspaceId::from_uuid(world.random.uuid());
        let commit = match decide(&command, circumstances, &fresh, facts) {
            Ok(decided) => decided.commit,
            Err(Undecided::Refused(_) | Undecided::RefusedAt { .. }) => None, // it saw that the place was gone
            Err(Undecided::Inconsistent(inconsistency)) => return Err(inconsistency.into()),
        };
        if let Some(commit) = commit {
            let outcome = store.commit(&commit).await?;
            same("the outcome", &outcome, &world.model.apply(&commit))?;
        }
    }
    let made = world.model.workspaces(id).len();
    same("the number of workspaces", &made, &2)?;
    world.model.records_agree(&*world.either(writers), id).await
}

/// Nobody starves: whoever loses a race lost it to somebody who won, so fifty writers in one organization
/// need fifty attempts each at the most, with pauses between them or without. (They get four times that,
/// because a database may abort for less.)
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_fifty_writers_all_finish<H: Harness>(harness: &H) -> Verdict {
    const WRITERS: u32 = 50;
    let mut world = World::new(harness).await;
    let ann = world.user();
    let (id, workspace) = world.found("Acme", ann).await?;
    let now = world.tick();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let attempts = NonZeroU32::new(WRITERS.saturating_mul(4)).unwrap_or(NonZeroU32::MIN);
        let tenancy = Tenancy::new(world.either(writers.len()))
            .with_clock(move || now)
            .with_attempts(attempts);
        let tenancy = if writer % 4 < 2 {
            tenancy.with_sleep(pause)
        } else {
            tenancy
        };
        let name = DomainName::new(&format!("w{writer}-{}", id.as_uuid().simple()))?;
        writers.push(start(harness, async move {
            let create = CreateDomain {
                organization: id,
                workspace,
                name,
                kind: DomainKind::Sandbox,
            };
            let done = tenancy.execute(&Actor::unverified(ann), create).await;
            done.map(|done| done.token.version).map_err(Failure::from)
        }));
    }
    let mut versions = BTreeSet::new();
    for version in all(writers).await? {
        versions.insert(version?.get());
    }
    let expected: BTreeSet<u64> = (2..).take(WRITERS.try_into().unwrap_or(0)).collect();
    same("the versions that the writers made", &versions, &expected)?;
    replayed(&world, [id]).await.map(drop)
}

/// The commits of one organization are totally ordered: after a storm of random commands over two
/// handles, the log has each version once, and replaying it gives what the store holds, to the letter.
/// Every commit that was acknowledged is there, and no other.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn promise_1_a_storm_leaves_what_its_log_says<H: Harness>(harness: &H) -> Verdict {
    const TASKS: u64 = 6;
    let world = World::new(harness).await;
    let mut random = Random::from_seed(7);
    let mut known = Known::people(&mut random)?;
    let now = crate::world::at(1_750_000_000_000);
    let mut founder = Stormy::new(world.either(0), now);
    known.found(&mut founder).await?;
    let mut tasks = Vec::new();
    for seed in 0..TASKS {
        let (mut known, mut stormy) = (known.clone(), Stormy::new(world.either(tasks.len()), now));
        let commands = rounds(harness, 60);
        tasks.push(start(harness, async move {
            let mut random = Random::from_seed(seed);
            for _ in 0..commands {
                known.act(&mut random, &mut stormy).await?;
            }
            Ok::<_, Failure>(stormy.made)
        }));
    }
    let mut made = founder.made;
    for task in all(tasks).await? {
        made.extend(task?);
    }
    let organizations: BTreeSet<_> = made.iter().map(|(id, _, _)| *id).collect();
    let model = replayed(&world, organizations).await?;
    let mut logged = BTreeSet::new();
    for id in model.organizations() {
        logged.extend(
            model
                .log_of(id)
                .iter()
                .map(|entry| (id, entry.version, entry.id)),
        );
    }
    let made: BTreeSet<_> = made.into_iter().collect();
    same("the commits in the logs", &logged, &made)
}

/// Carries commands out by a `Tenancy`, and keeps a list of what was acknowledged.
struct Stormy<R> {
    tenancy: Tenancy<Arc<R>>,
    made: Vec<(OrganizationId, Version, CommitId)>,
}

impl<R: Repository> Stormy<R> {
    fn new(store: Arc<R>, now: DateTime<Utc>) -> Self {
        let attempts = NonZeroU32::new(1_000).unwrap_or(NonZeroU32::MIN);
        let tenancy = Tenancy::new(store)
            .with_clock(move || now)
            .with_attempts(attempts);
        Self {
            tenancy: tenancy.with_sleep(pause),
            made: Vec::new(),
        }
    }
}

impl<R: Repository> Carrier for Stormy<R> {
    async fn carry<C: Command + Clone>(
        &mut self,
        actor: &Actor,
        command: C,
    ) -> Result<Option<C::Output>, Failure> {
        match self.tenancy.execute(actor, command).await {
            Ok(done) => {
                if done.changed() {
                    self.made
                        .push((done.token.organization, done.token.version, done.commit));
                }
                Ok(Some(done.output))
            }
            Err(tenancy::Error::Refused(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads the logs, replays them, and compares the store with what comes out.
async fn replayed<R: tenancy::store::Directory>(
    world: &World<R>,
    organizations: impl IntoIterator<Item = OrganizationId>,
) -> Result<Model, Failure> {
    let mut logs = BTreeMap::new();
    for id in organizations {
        logs.insert(id, whole_log(&*world.one, id).await?);
    }
    let model = Model::replay(world.model.lag(), &logs)?;
    for id in model.organizations() {
        model.state(id).validate()?;
    }
    model.everything_agrees(&*world.other).await?;
    Ok(model)
}

fn rounds<H: Harness>(harness: &H, each: u32) -> u32 {
    each.saturating_mul(harness.thoroughness())
}
