//! Writers, worlds, and all orders of steps.

use std::collections::BTreeSet;
use std::error::Error as _;
use std::ops::Deref;

use tenancy::commands::Command;
use tenancy::store::{Commit, MemoryRepository, OrganizationState, Outcome, Repository};
use tenancy::{Actor, CommitId, Error, InvitationToken, OrganizationRole, Tenancy, block_on};
use tenancy_tests::world::{Acme, Inspected, World, operator, token, user};

/// Somebody who wants one thing.
pub trait Writer<R> {
    /// Takes the next step; an error is none that a rule or a lost race brings about.
    fn step(&mut self, tenancy: &Tenancy<R>) -> Result<(), String>;
    /// Whether they got it; `None` while there is something left to do.
    fn ended(&self) -> Option<bool>;
}

pub type Writers<R> = Vec<Box<dyn Writer<R>>>;

struct Wants<C> {
    commit: CommitId,
    actor: Actor,
    command: C,
    prepared: Option<Commit>,
    succeeded: Option<bool>,
}

impl<C: Command + Clone, R: Repository> Writer<R> for Wants<C> {
    fn step(&mut self, tenancy: &Tenancy<R>) -> Result<(), String> {
        if let Some(commit) = self.prepared.take() {
            match block_on(tenancy.repository().commit(&commit)) {
                Ok(Outcome::Committed) => self.succeeded = Some(true),
                Ok(Outcome::Conflict) => {}
                Ok(Outcome::Taken(_)) => self.succeeded = Some(false),
                // What was made under the id is the answer, if it is this very request (A6).
                Ok(Outcome::IdUsed) => {
                    let again = tenancy.prepare_as(self.commit, &self.actor, self.command.clone());
                    let made = matches!(block_on(again), Ok(decided) if decided.commit.is_none());
                    self.succeeded = Some(made);
                }
                Err(error) => return Err(format!("{error}, {:?}", error.source())),
            }
            return Ok(());
        }
        match block_on(tenancy.prepare_as(self.commit, &self.actor, self.command.clone())) {
            Ok(decided) if decided.commit.is_none() => self.succeeded = Some(true),
            Ok(decided) => self.prepared = decided.commit,
            Err(Error::Refused(_)) => self.succeeded = Some(false),
            Err(error) => return Err(format!("{error}, {:?}", error.source())),
        }
        Ok(())
    }

    fn ended(&self) -> Option<bool> {
        self.succeeded
    }
}

pub fn wants<R: Repository, C: Command + Clone + 'static>(
    actor: &Actor,
    command: C,
) -> Box<dyn Writer<R>> {
    wants_as(CommitId::new(), actor, command)
}

/// Under an id of the host's.
pub fn wants_as<R: Repository, C: Command + Clone + 'static>(
    commit: CommitId,
    actor: &Actor,
    command: C,
) -> Box<dyn Writer<R>> {
    Box::new(Wants {
        commit,
        actor: actor.clone(),
        command,
        prepared: None,
        succeeded: None,
    })
}

/// A world in which Ann has founded Acme.
pub struct Founded<R = MemoryRepository> {
    world: World<R>,
    pub acme: Acme,
}

impl<R> Deref for Founded<R> {
    type Target = World<R>;

    fn deref(&self) -> &World<R> {
        &self.world
    }
}

impl Founded {
    pub fn new() -> Self {
        Self::on(MemoryRepository::new())
    }
}

impl<R: Inspected> Founded<R> {
    pub fn on(store: R) -> Self {
        let world = World::on(store);
        let acme = world.born(&user("ann"), "Acme");
        Self { world, acme }
    }

    pub fn invited(&self, who: &str, role: OrganizationRole) -> InvitationToken {
        token(&self.does(&user("ann"), self.acme.invite(who, role)))
    }

    pub fn joined(self, who: &str, role: OrganizationRole) -> Self {
        self.member(self.acme, who, role);
        self
    }

    pub fn quota(self, quota: u32) -> Self {
        self.does(&operator(), self.acme.quota(quota));
        self
    }

    /// Acme's records.
    pub fn state(&self) -> OrganizationState {
        self.world.state(self.acme)
    }
}

/// What all orders came to.
#[derive(Debug, Default)]
pub struct Orders {
    /// Which combinations of successes there were.
    pub outcomes: BTreeSet<Vec<bool>>,
    /// What went wrong, and in which order of steps.
    pub disorder: Vec<(Vec<usize>, String)>,
    pub schedules: usize,
}

/// Runs every order of steps, and looks at what each leaves behind.
///
/// A schedule is the list of who steps next; it is extended until everybody has ended, and each run starts
/// anew, so that runs don't touch. One that has gone wrong is not extended.
pub fn all_orders<R: Inspected>(
    begin: impl Fn() -> (Founded<R>, Writers<R>),
    left: impl Fn(&Founded<R>, &[bool]),
) -> Orders {
    let mut orders = Orders::default();
    let mut open = vec![Vec::new()];
    while let Some(schedule) = open.pop() {
        let (world, mut writers) = begin();
        let mut failed = None;
        let mut legal = true;
        for next in &schedule {
            let writer: &mut Box<dyn Writer<R>> = &mut writers[*next];
            legal = legal && writer.ended().is_none();
            if legal && failed.is_none() {
                failed = writer.step(&world.tenancy).err();
            }
        }
        if !legal {
            continue;
        }
        if let Some(wrong) = failed.or_else(|| world.disorder()) {
            orders.disorder.push((schedule, wrong));
            continue;
        }
        let ended: Option<Vec<bool>> = writers.iter().map(|writer| writer.ended()).collect();
        if let Some(ended) = ended {
            left(&world, &ended);
            orders.outcomes.insert(ended);
            orders.schedules += 1;
            continue;
        }
        for next in 0..writers.len() {
            open.push(schedule.iter().copied().chain([next]).collect());
        }
    }
    orders
}

/// Runs every order on the memory store, where nothing may go wrong, and answers which combinations of
/// successes there were.
pub fn every_order(
    begin: impl Fn() -> (Founded, Writers<MemoryRepository>),
) -> BTreeSet<Vec<bool>> {
    every_order_leaves(begin, |_, _| ())
}

/// As [`every_order`], with a look at what each leaves behind.
pub fn every_order_leaves(
    begin: impl Fn() -> (Founded, Writers<MemoryRepository>),
    left: impl Fn(&Founded, &[bool]),
) -> BTreeSet<Vec<bool>> {
    let orders = all_orders(begin, left);
    assert_eq!(orders.disorder, [], "nothing may go wrong");
    assert!(
        orders.schedules >= 6,
        "there are at least the six orders of two writers with two steps each"
    );
    orders.outcomes
}

pub fn sets<const N: usize, const W: usize>(of: [[bool; W]; N]) -> BTreeSet<Vec<bool>> {
    of.into_iter().map(Vec::from).collect()
}

pub const ONE_OF_TWO: [[bool; 2]; 2] = [[true, false], [false, true]];
