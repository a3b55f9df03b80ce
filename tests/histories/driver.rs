//! Random histories, told to the crate and to the model at once.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::mem::{Discriminant, discriminant};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::commands::{
    Accepted, AppointAdmin, Command, CreateOrganization, CreatedOrganization, DeletedWorkspace,
    Departure, HandedOver, Invited, InvitedMany, Revoked, SetWorkspaceQuota,
};
use tenancy::store::{BrokenContract, MemoryRepository, OrganizationState};
use tenancy::{
    Actor, DomainId, Error, Event, InvitationId, InvitationToken, InvitationValidity, Limits, Name,
    Operator, OrganizationId, QuotaUsage, Refusal, RoleNumber, Settings, Tenancy, Usage,
    VerifiedEmail, WorkspaceId,
};
use tenancy_tests::commands::Ask;
use tenancy_tests::model::{ALL_BUT_ACCOUNTING, Choices, Drawn, Link, Model, Who};
use tenancy_tests::with_command;
use tenancy_tests::world::{email, line};

use crate::bytes::{Bytes, Step, address, user};

/// The crate and the model, side by side.
pub struct Driver {
    pub tenancy: Tenancy<MemoryRepository>,
    pub model: Model,
    clock: Arc<AtomicI64>,
    pub organizations: Vec<OrganizationId>,
    pub workspaces: Vec<(OrganizationId, WorkspaceId)>,
    pub domains: Vec<(OrganizationId, DomainId)>,
    pub invitations: Vec<(OrganizationId, InvitationId)>,
    pub tokens: Vec<InvitationToken>,
    pub roles: Vec<(OrganizationId, RoleNumber)>,
}

/// What a command came to.
pub struct Happened {
    pub who: Who,
    pub ask: Ask,
    pub on: Option<OrganizationId>,
    pub before: Model,
    pub states_before: BTreeMap<OrganizationId, OrganizationState>,
    pub states_after: BTreeMap<OrganizationId, OrganizationState>,
    pub prepared: Result<Vec<Discriminant<Event>>, &'static str>,
    pub result: Result<Vec<Event>, &'static str>,
    pub refusal: Option<Refusal>,
    pub expected: Result<(), &'static str>,
    /// The invitations that the answer says were revoked.
    pub revoked: Option<BTreeSet<InvitationId>>,
    pub accepted: Option<Accepted>,
    /// Of many who were invited at once, each one's outcome.
    pub lines: Vec<&'static str>,
    pub now: DateTime<Utc>,
}

/// What the crate answered.
struct Answered {
    prepared: Result<Vec<Discriminant<Event>>, &'static str>,
    result: Result<Vec<Event>, &'static str>,
    made: Option<OrganizationId>,
    refusal: Option<Refusal>,
    token: Option<InvitationToken>,
    revoked: Option<BTreeSet<InvitationId>>,
    accepted: Option<Accepted>,
    lines: Vec<Line>,
}

/// What a test wants to know of an answer.
pub trait Told {
    fn token(&self) -> Option<InvitationToken> {
        None
    }
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        None
    }
    fn accepted(&self) -> Option<Accepted> {
        None
    }
    /// Of many who were invited at once, each one's outcome.
    fn lines(&self) -> Option<Vec<Line>> {
        None
    }
}

/// What became of one of many: `invited`, `renewed` or why not, and its link.
#[derive(Clone, Debug)]
pub struct Line {
    pub outcome: &'static str,
    pub link: Option<(InvitationId, InvitationToken)>,
}

/// The links of many, as the model draws them.
pub fn drawn_links(lines: &[Line]) -> Vec<Option<(InvitationId, Link)>> {
    let links = lines.iter().map(|line| line.link.as_ref());
    links
        .map(|link| link.map(|(invitation, token)| (*invitation, *token.hash().as_bytes())))
        .collect()
}

/// What became of each.
pub fn outcomes(lines: &[Line]) -> Vec<&'static str> {
    lines.iter().map(|line| line.outcome).collect()
}

impl Told for () {}
impl Told for CreatedOrganization {}
impl Told for WorkspaceId {}
impl Told for DomainId {}
impl Told for RoleNumber {}
impl Told for QuotaUsage {}
impl Told for Usage {}
impl Told for InvitedMany {
    fn lines(&self) -> Option<Vec<Line>> {
        let line = |outcome: &Result<Invited, Refusal>| match outcome {
            Ok(invited) => Line {
                outcome: if invited.renewed {
                    "renewed"
                } else {
                    "invited"
                },
                link: invited
                    .token
                    .clone()
                    .map(|token| (invited.invitation, token)),
            },
            Err(refusal) => Line {
                outcome: refusal.code(),
                link: None,
            },
        };
        Some(self.lines.iter().map(line).collect())
    }
}
impl Told for Accepted {
    fn accepted(&self) -> Option<Accepted> {
        Some(*self)
    }
}
impl Told for Invited {
    fn token(&self) -> Option<InvitationToken> {
        self.token.clone()
    }
}
impl Told for Vec<InvitationId> {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.iter().copied().collect())
    }
}
impl Told for Revoked {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.invitations.iter().copied().collect())
    }
}
impl Told for Departure {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.revoked.iter().copied().collect())
    }
}
impl Told for HandedOver {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        let departure = self.departure.as_ref();
        assert!(departure.is_none_or(|departure| departure.revoked == self.revoked));
        Some(self.revoked.iter().copied().collect())
    }
}
impl Told for DeletedWorkspace {
    fn revoked(&self) -> Option<BTreeSet<InvitationId>> {
        Some(self.revoked.iter().copied().collect())
    }
}

/// So few that they are reached.
pub const LIMITS: Limits = Limits {
    seats: Some(4),
    domains: Some(3),
    domains_per_workspace: Some(2),
};
pub const PENDING_LIMIT: u32 = 4;
pub const DAILY_LIMIT: u32 = 3;
pub const ROLE_LIMIT: u8 = 3;
/// In seconds: more than a step takes, so that renewing soon is not too rare.
pub const PAUSE: u32 = 150;

/// The host's choices.
pub fn settings() -> Settings {
    Settings {
        pending_invitation_limit: PENDING_LIMIT,
        invitation_validity: InvitationValidity::days(7).expect("7 days"),
        default_workspace_quota: NonZeroU32::MIN,
        daily_link_limit: DAILY_LIMIT,
        resend_pause: Duration::from_secs(PAUSE.into()),
        default_limits: LIMITS,
        own_role_limit: ROLE_LIMIT,
        ..Settings::default()
    }
}

impl Driver {
    /// Acme is Ann's and Bob's, Beta is Dora's; each may hold two workspaces.
    pub fn new() -> Self {
        let mut driver = Self::empty();
        for (owner, name) in [(0, "Acme"), (3, "Beta")] {
            let who = Who::User(user(owner), Some(address(owner)));
            let name = Name::new(name).expect("a name");
            driver.carry_out(who, CreateOrganization { name }.into());
        }
        for organization in driver.organizations.clone() {
            let quota = SetWorkspaceQuota {
                organization,
                quota: 2,
            };
            driver.carry_out(Who::Operator, quota.into());
        }
        if let Some(organization) = driver.organizations.first().copied() {
            let appoint = AppointAdmin {
                organization,
                user: user(1),
                email: VerifiedEmail::attest(email(&address(1))),
            };
            driver.carry_out(Who::Operator, appoint.into());
        }
        driver
    }

    fn empty() -> Self {
        let clock = Arc::new(AtomicI64::new(1_800_000_000));
        let reading = Arc::clone(&clock);
        let tenancy = Tenancy::new(MemoryRepository::new())
            .with_settings(settings())
            .with_clock(move || at(reading.load(Ordering::SeqCst)));
        Self {
            tenancy,
            model: Model::default(),
            clock,
            organizations: vec![],
            workspaces: vec![],
            domains: vec![],
            invitations: vec![],
            tokens: vec![],
            roles: vec![],
        }
    }

    pub fn now(&self) -> DateTime<Utc> {
        at(self.clock.load(Ordering::SeqCst))
    }

    pub fn states(&self) -> BTreeMap<OrganizationId, OrganizationState> {
        let all = self.organizations.iter();
        all.filter_map(|id| Some((*id, self.tenancy.repository().state(*id)?)))
            .collect()
    }

    pub fn step(&mut self, step: Step) -> Happened {
        let passes = match step.oddly % 32 {
            31 => 7 * 86_400,
            15 => 86_400 + 60,
            30 => 0,
            28 | 29 => 20,
            _ => 60,
        };
        self.clock.fetch_add(passes, Ordering::SeqCst);
        let (who, ask) = Bytes::of(self, step).decode();
        self.carry_out(who, ask)
    }

    /// Tells both, and compares nothing.
    pub fn carry_out(&mut self, who: Who, ask: Ask) -> Happened {
        let actor = actor(&who);
        let states_before = self.states();
        let now = self.now();
        self.model.now = now;
        let before = self.model.clone();
        let Answered {
            prepared,
            result,
            made,
            refusal,
            token,
            revoked,
            accepted,
            lines,
        } = with_command!(&ask, command => self.answer(&actor, command));
        let on = self.note(
            &ask,
            made,
            result.as_ref().map_or(&[], Vec::as_slice),
            token.as_ref(),
        );
        let links = lines.iter().filter_map(|line| line.link.as_ref());
        self.tokens.extend(links.map(|(_, token)| token.clone()));
        let drawn = Drawn {
            many: drawn_links(&lines),
            ..drawn(
                on,
                result.as_ref().map_or(&[], Vec::as_slice),
                token.as_ref(),
            )
        };
        let choices = Choices {
            validity: TimeDelta::days(7),
            limit: PENDING_LIMIT as usize,
            links: DAILY_LIMIT,
            pause: TimeDelta::seconds(PAUSE.into()),
            quota: 1,
            limits: LIMITS,
            seats: ALL_BUT_ACCOUNTING,
            roles: usize::from(ROLE_LIMIT),
        };
        let expected = self
            .model
            .ask(choices, &who, now, &ask, drawn)
            .map(|after| {
                self.model = after;
            });
        Happened {
            who,
            ask,
            on,
            before,
            states_before,
            states_after: self.states(),
            prepared,
            result,
            refusal,
            expected,
            revoked,
            accepted,
            lines: outcomes(&lines),
            now,
        }
    }

    /// Asks the crate: what it would do, and then to do it.
    fn answer<C: Command + Clone + Debug>(&self, actor: &Actor, command: &C) -> Answered
    where
        C::Output: Told,
    {
        let refused = |error: Error<BrokenContract>| match error {
            Error::Refused(refusal) => refusal,
            error => panic!("{command:?}: {error:?}"),
        };
        let prepared = tenancy::block_on(self.tenancy.prepare(actor, command.clone()));
        let prepared = match prepared {
            Ok(decided) => Ok(decided.events.iter().map(discriminant).collect()),
            Err(error) => Err(refused(error).code()),
        };
        let why = tenancy::block_on(self.tenancy.why_not(actor, command.clone()));
        let why = why.expect("it is one command").pop().flatten();
        assert_eq!(
            why.as_ref().map(Refusal::code),
            prepared.as_ref().err().copied()
        );
        match tenancy::block_on(self.tenancy.execute(actor, command.clone())) {
            Ok(done) => {
                let made = done.token.organization;
                assert_eq!(done.token.version, self.version(made));
                Answered {
                    prepared,
                    result: Ok(done.events),
                    made: Some(made),
                    refusal: None,
                    token: done.output.token(),
                    revoked: done.output.revoked(),
                    accepted: done.output.accepted(),
                    lines: done.output.lines().unwrap_or_default(),
                }
            }
            Err(error) => {
                let refusal = refused(error);
                Answered {
                    prepared,
                    result: Err(refusal.code()),
                    made: None,
                    refusal: Some(refusal),
                    token: None,
                    revoked: None,
                    accepted: None,
                    lines: vec![],
                }
            }
        }
    }

    fn version(&self, id: OrganizationId) -> tenancy::Version {
        let state = self.tenancy.repository().state(id);
        state.map_or(tenancy::Version::ABSENT, |state| state.version())
    }

    /// Remembers the ids of what is new. Answers the organization that the command was about.
    fn note(
        &mut self,
        ask: &Ask,
        made: Option<OrganizationId>,
        events: &[Event],
        token: Option<&InvitationToken>,
    ) -> Option<OrganizationId> {
        self.tokens.extend(token.cloned());
        let on = made.or_else(|| ask.about());
        let id = on?;
        for event in events {
            match event {
                Event::OrganizationCreated { .. } => self.organizations.push(id),
                Event::WorkspaceCreated { workspace, .. } => self.workspaces.push((id, *workspace)),
                Event::DomainCreated { domain, .. } => self.domains.push((id, *domain)),
                Event::InvitationSent { invitation, .. } => {
                    self.invitations.push((id, *invitation));
                }
                Event::RoleDefined { role, .. } => self.roles.push((id, *role)),
                _ => {}
            }
        }
        on
    }
}

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(seconds, 0).expect("a time")
}

pub fn actor(who: &Who) -> Actor {
    match who {
        Who::Operator => Actor::Operator(Operator::attest(line("support"))),
        Who::User(id, None) => Actor::unverified(*id),
        Who::User(id, Some(address)) => Actor::user(*id, VerifiedEmail::attest(email(address))),
    }
}

fn drawn(on: Option<OrganizationId>, events: &[Event], token: Option<&InvitationToken>) -> Drawn {
    let mut drawn = Drawn {
        link: token.map(|token| *token.hash().as_bytes()),
        ..Drawn::default()
    };
    for event in events {
        match event {
            Event::OrganizationCreated { .. } => drawn.organization = on,
            Event::WorkspaceCreated { workspace, .. } => drawn.workspace = Some(*workspace),
            Event::DomainCreated { domain, .. } => drawn.domain = Some(*domain),
            Event::InvitationSent { invitation, .. } => drawn.invitation = Some(*invitation),
            Event::RoleDefined { role, .. } => drawn.role = Some(*role),
            _ => {}
        }
    }
    drawn
}
