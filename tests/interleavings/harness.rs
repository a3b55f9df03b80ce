//! Writers, worlds, and all orders of steps.

use std::collections::BTreeSet;
use std::error::Error as _;

use tenancy::commands::{
    AcceptInvitation, Command, CreateOrganization, CreatedOrganization, InviteToOrganization,
    SetWorkspaceQuota,
};
use tenancy::store::{Commit, Drift, MemoryRepository, OrganizationState, Outcome, Repository};
use tenancy::text::TextLine;
use tenancy::{
    Actor, CommitId, Error, InvitationToken, Operator, OrganizationId, OrganizationRole, Tenancy,
    UserId, VerifiedEmail, block_on,
};

/// A store that can be looked into.
pub trait Inspected: Repository {
    fn state(&self, organization: OrganizationId) -> Option<OrganizationState>;
    fn verify(&self, organization: OrganizationId) -> Result<(), Drift>;
}

impl Inspected for MemoryRepository {
    fn state(&self, organization: OrganizationId) -> Option<OrganizationState> {
        Self::state(self, organization)
    }

    fn verify(&self, organization: OrganizationId) -> Result<(), Drift> {
        Self::verify(self, organization)
    }
}

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

/// A deployment with Ann's Acme in it, and whatever else.
pub struct World<R = MemoryRepository> {
    pub tenancy: Tenancy<R>,
    pub acme: CreatedOrganization,
    pub organizations: Vec<OrganizationId>,
}

pub fn user(name: &str) -> Actor {
    let address = format!("{name}@acme.example").parse().unwrap();
    Actor::user(UserId::from_external(name), VerifiedEmail::attest(address))
}

pub fn operator() -> Actor {
    Actor::Operator(Operator::attest(TextLine::new("test").unwrap()))
}

pub fn id(name: &str) -> UserId {
    UserId::from_external(name)
}

impl World {
    pub fn new() -> Self {
        Self::on(MemoryRepository::new())
    }
}

impl<R: Repository> World<R> {
    pub fn on(store: R) -> Self {
        let tenancy = Tenancy::new(store);
        let create = CreateOrganization {
            name: "Acme".parse().unwrap(),
        };
        let acme = block_on(tenancy.execute(&user("ann"), create))
            .unwrap()
            .output;
        Self {
            tenancy,
            acme,
            organizations: vec![acme.organization],
        }
    }

    /// Somebody else's organization beside Acme.
    pub fn beside(&mut self, owner: &str, name: &str) -> CreatedOrganization {
        let name = name.parse().unwrap();
        let other = self.does(&user(owner), CreateOrganization { name });
        self.organizations.push(other.organization);
        other
    }

    pub fn does<C: Command>(&self, actor: &Actor, command: C) -> C::Output {
        block_on(self.tenancy.execute(actor, command))
            .unwrap()
            .output
    }

    pub fn invited(&self, who: &str, role: OrganizationRole) -> InvitationToken {
        let email = format!("{who}@acme.example").parse().unwrap();
        let organization = self.acme.organization;
        self.does(
            &user("ann"),
            InviteToOrganization {
                organization,
                email,
                role,
            },
        )
        .token
        .unwrap()
    }

    pub fn joined(self, who: &str, role: OrganizationRole) -> Self {
        let token = self.invited(who, role);
        self.does(&user(who), AcceptInvitation { token });
        self
    }

    pub fn quota(self, quota: u32) -> Self {
        let organization = self.acme.organization;
        self.does(
            &operator(),
            SetWorkspaceQuota {
                organization,
                quota,
            },
        );
        self
    }
}

impl<R: Inspected> World<R> {
    /// Acme's records.
    pub fn state(&self) -> OrganizationState {
        let state = self.tenancy.repository().state(self.acme.organization);
        state.unwrap()
    }

    /// What is wrong by now with some organization, or among all of them.
    fn disorder(&self) -> Option<String> {
        let store = self.tenancy.repository();
        for organization in &self.organizations {
            let Some(state) = store.state(*organization) else {
                continue;
            };
            if let Err(violation) = state.validate() {
                return Some(violation.to_string());
            }
            if let Err(drift) = store.verify(*organization) {
                return Some(drift.to_string());
            }
        }
        None
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
    begin: impl Fn() -> (World<R>, Writers<R>),
    left: impl Fn(&World<R>, &[bool]),
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
pub fn every_order(begin: impl Fn() -> (World, Writers<MemoryRepository>)) -> BTreeSet<Vec<bool>> {
    every_order_leaves(begin, |_, _| ())
}

/// As [`every_order`], with a look at what each leaves behind.
pub fn every_order_leaves(
    begin: impl Fn() -> (World, Writers<MemoryRepository>),
    left: impl Fn(&World, &[bool]),
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
