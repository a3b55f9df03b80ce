//! The vocabulary that lets tests read as sentences: a world with a clock, people, and Acme.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use tenancy::commands::{Command, CreateOrganization, Invited};
use tenancy::store::{
    Directory as _, Drift, Invitation, Item, List, MemoryRepository, Organization,
    OrganizationState, Repository, Workspace,
};
use tenancy::views::InvitationPreview;
use tenancy::{
    Action, Actor, CommitId, Decision, Done, Error, InvitationId, InvitationStatus, LogEntry,
    Member, OrganizationId, OrganizationRole, Refusal, Settings, Tenancy, Version, WorkspaceId,
    WorkspaceRole,
};

mod acme;
mod words;

pub use acme::Acme;
pub use words::*;

/// A store that can be looked into.
pub trait Inspected: Repository {
    /// All that it keeps of an organization; `None` if it doesn't exist.
    fn state(&self, organization: OrganizationId) -> Option<OrganizationState>;

    /// The organization's log.
    fn log(&self, organization: OrganizationId) -> Vec<LogEntry>;

    /// Whether it keeps what the log makes, and no invariant is broken.
    ///
    /// # Errors
    ///
    /// What is wrong.
    fn verify(&self, organization: OrganizationId) -> Result<(), Drift>;
}

impl Inspected for MemoryRepository {
    fn state(&self, organization: OrganizationId) -> Option<OrganizationState> {
        Self::state(self, organization)
    }

    fn log(&self, organization: OrganizationId) -> Vec<LogEntry> {
        let list = List::Log {
            organization,
            after: Version::ABSENT,
        };
        let items = tenancy::block_on(self.list(&list, NonZeroU32::MAX)).unwrap();
        let entries = items.into_iter().map(|item| match item {
            Item::LogEntry(entry) => entry,
            other => panic!("a log has entries: {other:?}"),
        });
        entries.collect()
    }

    fn verify(&self, organization: OrganizationId) -> Result<(), Drift> {
        Self::verify(self, organization)
    }
}

/// A deployment with a clock that only tests move.
pub struct World<R = MemoryRepository> {
    /// What a host calls.
    pub tenancy: Tenancy<R>,
    clock: Arc<Mutex<DateTime<Utc>>>,
    organizations: Mutex<Vec<OrganizationId>>,
}

/// All that a world keeps, to see whether anything changed.
#[derive(Debug, PartialEq)]
pub struct Everything(BTreeMap<OrganizationId, (Option<OrganizationState>, Vec<LogEntry>)>);

impl World {
    /// A world in memory, with the rulebook's settings.
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    /// A world in memory, with other settings.
    pub fn with(settings: Settings) -> Self {
        let mut world = Self::on(MemoryRepository::new());
        world.tenancy = world.tenancy.with_settings(settings);
        world
    }

    /// The same store under another roof: other settings, sleeps, attempts.
    pub fn store(&self) -> MemoryRepository {
        self.tenancy.repository().clone()
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl<R: Inspected> World<R> {
    /// A world on a store of one's own.
    pub fn on(store: R) -> Self {
        let start = Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap();
        let clock = Arc::new(Mutex::new(start));
        let hands = Arc::clone(&clock);
        Self {
            tenancy: Tenancy::new(store).with_clock(move || *hands.lock().unwrap()),
            clock,
            organizations: Mutex::default(),
        }
    }

    /// The time there.
    pub fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().unwrap()
    }

    /// Time passes.
    pub fn passes(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    /// It is that time.
    pub fn is_at(&self, time: DateTime<Utc>) {
        *self.clock.lock().unwrap() = time;
    }

    /// Ann's Acme, whose quota is wide enough for any test.
    #[track_caller]
    pub fn acme(&self) -> Acme {
        self.owned_by(&user("ann"), "Acme")
    }

    #[track_caller]
    pub fn owned_by(&self, owner: &Actor, called: &str) -> Acme {
        let acme = self.born(owner, called);
        self.does(&operator(), acme.quota(100));
        acme
    }

    /// An organization as it is born: with the quota of the settings.
    #[track_caller]
    pub fn born(&self, owner: &Actor, called: &str) -> Acme {
        let name = name(called);
        let created = self.does(owner, CreateOrganization { name });
        Acme {
            organization: created.organization,
            workspace: created.workspace,
        }
    }

    /// A member of Acme, come in the real way: Ann invites, they accept.
    #[track_caller]
    pub fn member(&self, acme: Acme, who: &str, role: OrganizationRole) -> Actor {
        let sent = self.does(&user("ann"), acme.invite(who, role));
        self.does(&user(who), accept(&sent));
        user(who)
    }

    /// A member of Acme's first workspace: Ann invites, they accept.
    #[track_caller]
    pub fn workspace_member(&self, acme: Acme, who: &str, role: WorkspaceRole) -> Actor {
        self.member_of(acme, acme.workspace, who, role)
    }

    #[track_caller]
    pub fn member_of(
        &self,
        acme: Acme,
        workspace: WorkspaceId,
        who: &str,
        role: WorkspaceRole,
    ) -> Actor {
        let sent = self.does(&user("ann"), acme.invite_to(workspace, who, role));
        self.does(&user(who), accept(&sent));
        user(who)
    }

    /// Does it, and answers what the command answers.
    #[track_caller]
    pub fn does<C: Command + Debug>(&self, actor: &Actor, command: C) -> C::Output {
        self.did(actor, command).output
    }

    /// Does it, and tells all of it.
    #[track_caller]
    pub fn did<C: Command + Debug>(&self, actor: &Actor, command: C) -> Done<C::Output> {
        self.did_as(CommitId::new(), actor, command)
    }

    #[track_caller]
    pub fn did_as<C: Command + Debug>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Done<C::Output> {
        let what = format!("{command:?} by {actor:?}");
        self.note(command.organization(commit));
        match tenancy::block_on(self.tenancy.execute_as(commit, actor, command)) {
            Ok(done) => {
                self.is_in_order();
                done
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Is refused, and nothing at all has changed (invariant 8).
    #[track_caller]
    pub fn refused<C: Command + Debug>(&self, actor: &Actor, command: C) -> Refusal {
        self.refused_as(CommitId::new(), actor, command)
    }

    #[track_caller]
    pub fn refused_as<C: Command + Debug>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Refusal {
        let what = format!("{command:?} by {actor:?}");
        self.note(command.organization(commit));
        let before = self.everything();
        match tenancy::block_on(self.tenancy.execute_as(commit, actor, command)) {
            Ok(_) => panic!("{what} was not refused"),
            Err(Error::Refused(refusal)) => {
                assert_eq!(
                    self.everything(),
                    before,
                    "{what}: refused, but not traceless"
                );
                refusal
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// May they?
    #[track_caller]
    pub fn asks<A: Action>(&self, actor: &Actor, on: A::On, action: A) -> Decision {
        tenancy::block_on(self.tenancy.check(actor, on, action)).unwrap()
    }

    #[track_caller]
    pub fn may<A: Action>(&self, actor: &Actor, on: A::On, action: A) -> bool {
        self.asks(actor, on, action).is_allowed()
    }

    /// All that is kept of Acme.
    #[track_caller]
    pub fn state(&self, acme: Acme) -> OrganizationState {
        self.tenancy.repository().state(acme.organization).unwrap()
    }

    #[track_caller]
    pub fn row(&self, acme: Acme) -> Organization {
        self.state(acme).organization().unwrap().clone()
    }

    #[track_caller]
    pub fn workspace(&self, acme: Acme, workspace: WorkspaceId) -> Workspace {
        self.state(acme).workspace(workspace).unwrap().clone()
    }

    pub fn membership(&self, acme: Acme, who: &Actor) -> Option<Member> {
        self.state(acme).member(id(who)).cloned()
    }

    pub fn role(&self, acme: Acme, who: &Actor) -> Option<OrganizationRole> {
        self.membership(acme, who).map(|member| member.role)
    }

    pub fn workspace_role(
        &self,
        acme: Acme,
        workspace: WorkspaceId,
        who: &Actor,
    ) -> Option<WorkspaceRole> {
        let state = self.state(acme);
        state
            .workspace_member(workspace, id(who))
            .map(|member| member.role)
    }

    /// How an open invitation looks to the holder of its link.
    #[track_caller]
    pub fn status(&self, sent: &Invited) -> InvitationStatus {
        match tenancy::block_on(self.tenancy.preview(&token(sent))).unwrap() {
            InvitationPreview::Open { invitation, .. } => invitation.status,
            closed @ InvitationPreview::Closed { .. } => panic!("it is closed: {closed:?}"),
        }
    }

    #[track_caller]
    pub fn invitation(&self, acme: Acme, id: InvitationId) -> Invitation {
        self.state(acme).invitation(id).unwrap().clone()
    }

    pub fn is_open(&self, acme: Acme, sent: &Invited) -> bool {
        self.invitation(acme, sent.invitation).is_open()
    }

    /// Acme's log.
    pub fn log(&self, acme: Acme) -> Vec<LogEntry> {
        self.tenancy.repository().log(acme.organization)
    }

    /// All that is kept of all organizations.
    pub fn everything(&self) -> Everything {
        let store = self.tenancy.repository();
        let kept = self
            .organizations()
            .into_iter()
            .map(|id| (id, (store.state(id), store.log(id))));
        Everything(kept.collect())
    }

    /// Every organization that was asked for something.
    pub fn organizations(&self) -> Vec<OrganizationId> {
        self.organizations.lock().unwrap().clone()
    }

    fn note(&self, organization: OrganizationId) {
        let mut organizations = self.organizations.lock().unwrap();
        if !organizations.contains(&organization) {
            organizations.push(organization);
        }
    }

    /// What is wrong by now with some organization: invariant 8, and all that one organization's records can
    /// show of the others.
    pub fn disorder(&self) -> Option<String> {
        let store = self.tenancy.repository();
        self.organizations().into_iter().find_map(|id| {
            let drift = store.verify(id).err()?;
            Some(format!("organization {id}: {drift}, {drift:?}"))
        })
    }

    #[track_caller]
    fn is_in_order(&self) {
        assert_eq!(self.disorder(), None);
    }
}
