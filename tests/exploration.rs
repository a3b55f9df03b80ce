//! A small world, explored completely: from the empty state, every command of everybody with every
//! argument, in every state that can be reached.
//!
//! # What is covered
//!
//! Each test is one world, within the [`Bounds`] that it states, and reaches *every* state of it: the
//! exploration ends because nothing new is found, not because of a limit. In every state, all 31 commands
//! are asked by every actor (each user, with and without a verified address; the vendor's staff), with
//! every argument of the world, with things of the other organization, and with ids of nothing. Time
//! passes too: in every state, all open invitations may expire. It runs on the crate's own
//! [`decide`](tenancy::decide), with exactly the facts that each command's keys bring.
//!
//! Of every question:
//! - the answer is the one of the model (`model/mod.rs`), a second reading of the rulebook that shares no
//!   code with the crate: the same refusal, or the same state afterwards;
//! - all records of the organization give the same answer as those that the keys brought;
//! - a commit's changes and its events make the same state, one version later; asked again under the
//!   same id, it answers the same and changes nothing; a refusal comes without a commit.
//!
//! Of every state: [`in_order`] says which invariants hold; and the log replayed from nothing is the state.
//!
//! # What is not covered
//!
//! - Larger worlds than the bounds. The worlds differ in what they leave out, as all of it at once (two
//!   organizations, three users with all roles, two workspaces, a domain, two invitations) is too much.
//!   `TENANCY_EXPLORATION=large` explores larger ones; give it `--release`, and a quarter of an hour.
//! - What the [canonical form](canonical) forgets: names, texts, versions, times, kinds of domains. Two
//!   states that differ only there are explored once. Closed invitations are forgotten as well, but those
//!   that a path left behind are asked for in every state on it, and so are links that were replaced.
//! - Users are alike, and so are workspaces and organizations: of states that differ by their exchange,
//!   one is explored.
//! - Races (`interleavings.rs`), lists and reads (`properties.rs`), stores (the conformance suite).

#![allow(
    unreachable_pub,
    clippy::pedantic,
    clippy::unit_arg,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests say what they expect by panicking"
)]

#[macro_use]
mod model;
#[path = "exploration/asks.rs"]
mod asks;
#[path = "exploration/canonical.rs"]
mod canonical;
#[path = "exploration/control.rs"]
mod control;
#[allow(dead_code, reason = "only its reading of a state is needed here")]
#[path = "properties/driver.rs"]
mod driver;

use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use std::sync::Arc;

use asks::{AllLinks, Links, Words};
use canonical::Renamings;
use chrono::{DateTime, TimeDelta, Utc};
use driver::{Told, seen};
use model::{Ask, Choices, Drawn, Who, World};
use tenancy::{
    Actor, Change, Circumstances, Claim, Command, Commit, CommitId, Event, Facts, Fresh,
    InvitationState, InvitationTarget, InvitationToken, LogEntry, OrganizationId, OrganizationRole,
    OrganizationState, Refusal, Settings, Undecided, WorkspaceRole, decide,
};

/// How small a world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) organizations: u8,
    pub(crate) users: u8,
    /// Whether everybody may sign in with everybody's address, verified or not, rather than with their
    /// own.
    pub(crate) any_address: bool,
    pub(crate) organization_roles: &'static [OrganizationRole],
    pub(crate) workspace_roles: &'static [WorkspaceRole],
    /// The quotas that the vendor may set: the largest bounds the number of workspaces.
    pub(crate) quotas: &'static [u32],
    /// Whether there is the one domain.
    pub(crate) domain: bool,
    /// How many invitations may be open at once: the host's limit (I8).
    pub(crate) invitations: u32,
}

impl Bounds {
    pub(crate) fn addresses(&self) -> u8 {
        self.users
    }

    /// The commands that nobody can be granted in such a world, in the model's order.
    fn never_granted(&self) -> Vec<&'static str> {
        let of_domains = [
            "CreateDomain",
            "DeactivateDomain",
            "ReactivateDomain",
            "MoveDomain",
            "DeleteDomain",
            "ReleaseDomainName",
        ];
        let of_invitations = [
            "InviteToOrganization",
            "InviteToWorkspace",
            "ResendInvitation",
            "RevokeInvitation",
            "AcceptInvitation",
            "DeclineInvitation",
        ];
        let never = Ask::NAMES.iter().filter(|name| {
            (!self.domain && of_domains.contains(name))
                || (self.invitations == 0 && of_invitations.contains(name))
        });
        never.copied().collect()
    }
}

/// A state, and how it came about.
#[derive(Clone)]
pub(crate) struct Node {
    /// Each organization's id, whether it exists yet or not.
    pub(crate) ids: Vec<OrganizationId>,
    pub(crate) states: Vec<OrganizationState>,
    pub(crate) claims: BTreeMap<Claim, OrganizationId>,
    pub(crate) links: AllLinks,
    pub(crate) now: DateTime<Utc>,
    log: Option<Arc<Entry>>,
}

struct Entry {
    entry: LogEntry,
    before: Option<Arc<Entry>>,
}

/// What an exploration found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Found {
    /// States that are not the same to some command.
    states: usize,
    /// Questions: a state, an actor, a command with its arguments. Those about what a path happened to
    /// leave behind come on top.
    questions: usize,
    /// Questions that were granted.
    granted: usize,
}

const ADMIN_OR_MEMBER: &[OrganizationRole] = &[OrganizationRole::Member, OrganizationRole::Admin];
const ADMIN_OR_READER: &[WorkspaceRole] = &[WorkspaceRole::Reader, WorkspaceRole::Admin];

/// What each world starts from, and says how it differs.
const SMALLEST: Bounds = Bounds {
    organizations: 1,
    users: 2,
    any_address: false,
    organization_roles: ADMIN_OR_MEMBER,
    workspace_roles: ADMIN_OR_READER,
    quotas: &[1],
    domain: false,
    invitations: 0,
};

const fn found(states: usize, questions: usize, granted: usize) -> Found {
    Found {
        states,
        questions,
        granted,
    }
}

/// The small bounds, or the larger ones if they are asked for.
fn explored((small, few): (Bounds, Found), (large, many): (Bounds, Found)) {
    let wanted = std::env::var("TENANCY_EXPLORATION").ok();
    let (bounds, expected) = match wanted.as_deref() {
        Some("large") => (large, many),
        _ => (small, few),
    };
    assert_eq!(explore(bounds), expected, "within {bounds:?}");
}

#[test]
fn three_people_with_every_role_in_a_workspace() {
    let small = Bounds {
        users: 3,
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        ..SMALLEST
    };
    let large = Bounds {
        quotas: &[1, 2],
        ..small
    };
    explored(
        (small, found(302, 128_166, 19_846)),
        (large, found(15_299, 8_326_535, 1_461_755)),
    );
}

#[test]
fn two_workspaces_and_a_domain_under_a_changing_quota() {
    let small = Bounds {
        quotas: &[1, 2],
        domain: true,
        ..SMALLEST
    };
    let large = Bounds {
        quotas: &[0, 1, 2],
        invitations: 1,
        ..small
    };
    explored(
        (small, found(1013, 297_942, 58_202)),
        (large, found(0, 0, 0)),
    );
}

#[test]
fn every_role_by_invitation() {
    let small = Bounds {
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        invitations: 2,
        ..small
    };
    explored(
        (small, found(748, 206_856, 35_719)),
        (large, found(3_052, 914_184, 163_123)),
    );
}

#[test]
fn two_invitations_at_once() {
    let small = Bounds {
        invitations: 2,
        ..SMALLEST
    };
    let large = Bounds { users: 3, ..small };
    explored(
        (small, found(623, 161_727, 29_708)),
        (large, found(14_820, 6_290_108, 1_174_993)),
    );
}

#[test]
fn three_people_and_an_invitation() {
    let small = Bounds {
        users: 3,
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: &OrganizationRole::ALL,
        workspace_roles: &WorkspaceRole::ALL,
        ..small
    };
    explored(
        (small, found(397, 132_785, 23_078)),
        (large, found(9_518, 4_402_470, 732_988)),
    );
}

#[test]
fn people_whose_addresses_change() {
    let small = Bounds {
        any_address: true,
        workspace_roles: &[WorkspaceRole::Admin],
        invitations: 1,
        ..SMALLEST
    };
    let large = Bounds {
        workspace_roles: ADMIN_OR_READER,
        invitations: 2,
        ..small
    };
    explored(
        (small, found(622, 306_236, 71_847)),
        (large, found(14_839, 8_921_829, 2_327_688)),
    );
}

#[test]
fn two_organizations_and_one_domain_name() {
    let small = Bounds {
        organizations: 2,
        organization_roles: &[OrganizationRole::Admin],
        workspace_roles: &[WorkspaceRole::Admin],
        domain: true,
        ..SMALLEST
    };
    let large = Bounds {
        organization_roles: ADMIN_OR_MEMBER,
        invitations: 1,
        ..small
    };
    explored(
        (small, found(257, 113_562, 15_695)),
        (large, found(0, 0, 0)),
    );
}

/// One world, from nothing to its last state.
fn explore(bounds: Bounds) -> Found {
    let started = std::time::Instant::now();
    let explorer = Explorer::new(bounds);
    let mut found = Found::default();
    let mut granted = BTreeSet::new();
    let start = explorer.start();
    let mut forms = HashSet::from([explorer.renamings.form(&start)]);
    let mut open = VecDeque::from([start]);
    while let Some(node) = open.pop_front() {
        found.states += 1;
        explorer.in_order(&node);
        explorer.expand(&node, &mut found, &mut granted, |next| {
            if forms.insert(explorer.renamings.form(&next)) {
                open.push_back(next);
            }
        });
        if found.states % 1000 == 0 {
            println!("{found:?}, {} open, {:?}", open.len(), started.elapsed());
        }
    }
    let never = Ask::NAMES.iter().filter(|name| !granted.contains(*name));
    assert_eq!(
        never.copied().collect::<Vec<_>>(),
        bounds.never_granted(),
        "every other command was granted somewhere"
    );
    println!("{bounds:?}: {found:?} in {:?}", started.elapsed());
    found
}

struct Explorer {
    bounds: Bounds,
    settings: Settings,
    choices: Choices,
    words: Words,
    renamings: Renamings,
    actors: Vec<(Who, Actor)>,
}

/// A command that was granted.
struct Granted {
    /// `None` if everything already was as it was asked to be.
    commit: Option<Commit>,
    events: Vec<Event>,
    token: Option<InvitationToken>,
    /// The organization since.
    after: OrganizationState,
}

impl Explorer {
    fn new(bounds: Bounds) -> Self {
        let settings = Settings {
            pending_invitation_limit: bounds.invitations,
            ..Settings::default()
        };
        let actors = Words::actors(&bounds).into_iter();
        Self {
            bounds,
            settings,
            choices: Choices {
                validity: VALIDITY,
                limit: bounds.invitations as usize,
                quota: 1,
            },
            words: Words::new(&bounds),
            renamings: Renamings::new(&bounds),
            actors: actors
                .map(|who| (who.clone(), driver::actor(&who)))
                .collect(),
        }
    }

    fn start(&self) -> Node {
        let ids = (0..self.bounds.organizations).map(|_| OrganizationId::new());
        let ids: Vec<_> = ids.collect();
        Node {
            states: ids
                .iter()
                .map(|id| OrganizationState::absent(*id))
                .collect(),
            ids,
            claims: BTreeMap::new(),
            links: BTreeMap::new(),
            now: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
            log: None,
        }
    }

    /// Asks everything in a state, and hands on every state that follows.
    fn expand(
        &self,
        node: &Node,
        found: &mut Found,
        commands: &mut BTreeSet<&'static str>,
        mut reached: impl FnMut(Node),
    ) {
        let world = world(node);
        for at in 0..node.ids.len() {
            let asks = self.words.asks(&self.bounds, node, at);
            for (who, actor) in &self.actors {
                for ask in asks.by(who, &self.bounds) {
                    found.questions += 1;
                    let Some(granted) = self.ask(node, &world, at, who, actor, ask) else {
                        continue;
                    };
                    found.granted += 1;
                    commands.insert(ask.name());
                    if granted.commit.is_some() {
                        reached(next(node, at, granted));
                    }
                }
                for ask in &asks.left_behind {
                    let granted = self.ask(node, &world, at, who, actor, ask);
                    assert!(granted.is_none(), "{ask:?}: what is over is over");
                }
            }
        }
        let pending = |state: &OrganizationState| {
            state
                .open_invitations()
                .any(|open| node.now < open.expires_at)
        };
        if node.states.iter().any(pending) {
            let now = node.now + VALIDITY;
            reached(Node {
                now,
                ..node.clone()
            });
        }
    }

    /// Asks the crate and the model. `None` if both refuse, for the same reason.
    fn ask(
        &self,
        node: &Node,
        world: &World,
        at: usize,
        who: &Who,
        actor: &Actor,
        ask: &Ask,
    ) -> Option<Granted> {
        let id = node.ids[at];
        let creates = matches!(ask, Ask::CreateOrganization(_));
        let commit = if creates {
            CommitId::from_uuid(id.as_uuid())
        } else {
            CommitId::new()
        };
        let result = with_command!(ask, command => self.decided(node, at, commit, actor, command));
        let drawn = result
            .as_ref()
            .map_or_else(|_| Drawn::default(), |granted| drawn(id, granted));
        let exists = node.states[at].organization().is_some();
        let expected = if creates && exists && who != &Who::Operator {
            Err("commit_id_reused") // the model knows no commits
        } else {
            world.ask(self.choices, who, node.now, ask, drawn)
        };
        let context = || format!("{who:?} asks {ask:?} of {:#?}", node.states);
        match (result, expected) {
            (Ok(granted), Ok(expected)) => {
                let after = expected.organizations.get(&id);
                assert_eq!(Some(&seen(&granted.after)), after, "{}", context());
                Some(granted)
            }
            (Err(refusal), Err(code)) => {
                assert_eq!(refusal.code(), code, "{}", context());
                None
            }
            (Ok(_), Err(code)) => panic!("granted, but {code}: {}", context()),
            (Err(refusal), Ok(_)) => panic!("refused, {refusal:?}: {}", context()),
        }
    }

    fn decided<C: Command>(
        &self,
        node: &Node,
        at: usize,
        commit: CommitId,
        actor: &Actor,
        command: &C,
    ) -> Result<Granted, Refusal>
    where
        C::Output: Told,
    {
        let state = &node.states[at];
        let circumstances = Circumstances {
            actor,
            commit,
            now: node.now,
            settings: &self.settings,
        };
        let fresh = C::Fresh::draw().unwrap();
        let decision = |facts| match decide(command, circumstances, &fresh, facts) {
            Ok(decided) => Ok(decided),
            Err(Undecided::Refused(refusal)) => Err(refusal),
            Err(inconsistent) => panic!("{inconsistent}"),
        };
        let asked = Facts::select(state, [], &command.keys(actor));
        let brought = asked.as_ref().map_or(0, |facts| facts.records.len());
        let by_keys = decision(asked);
        if brought < state.records().count() {
            let by_all = decision(everything(state, None));
            let by_all = by_all.as_ref().map(|decided| &decided.commit);
            let by_keys = by_keys.as_ref().map(|decided| &decided.commit);
            assert_eq!(by_keys, by_all, "the keys bring all that matters");
        }

        let decided = by_keys?;
        let Some(commit) = &decided.commit else {
            assert_eq!(
                (decided.version, decided.events.len()),
                (state.version(), 0)
            );
            return Ok(Granted {
                commit: None,
                events: vec![],
                token: None,
                after: state.clone(),
            });
        };
        // What the façade makes of a store's answer that another organization holds a claim.
        for change in &commit.changes {
            if let Change::Claim(Claim::DomainName(name)) = change {
                let name = name.clone();
                match node.claims.get(&Claim::DomainName(name.clone())) {
                    None => {}
                    Some(holder) if *holder == node.ids[at] => panic!("{name} is held already"),
                    Some(_) => return Err(Refusal::DomainNameTaken { name }),
                }
            }
        }
        let after = applied(state, commit);
        assert_eq!(decided.version, after.version());
        let again = decision(everything(&after, Some(&commit.entry))).expect("a repetition");
        assert_eq!(again.commit, None, "a repetition changes nothing");
        assert_eq!(
            (again.events, again.version),
            (decided.events.clone(), decided.version)
        );
        Ok(Granted {
            commit: decided.commit,
            events: decided.events,
            token: decided.output.token(),
            after,
        })
    }

    /// The invariants, of one state.
    fn in_order(&self, node: &Node) {
        let mut names = BTreeMap::new();
        for state in &node.states {
            assert_eq!(state.validate(), Ok(()));
            let Some(row) = state.organization() else {
                assert_eq!(state.records().count(), 0, "nothing of no organization");
                continue;
            };
            let admins = state
                .members()
                .filter(|m| m.role == OrganizationRole::Admin);
            let admins = admins.count();
            let open: Vec<_> = state.open_invitations().collect();
            if row.is_active() {
                assert!(admins > 0, "O4: an Admin remains");
            } else {
                let left = state.members().count() + state.workspaces().count();
                assert_eq!(
                    left + open.len() + state.domains().count(),
                    0,
                    "O6: it is empty"
                );
            }
            let counts = [
                (row.counts.members, state.members().count()),
                (row.counts.admins, admins),
                (row.counts.workspaces, state.workspaces().count()),
                (row.counts.domains, state.domains().count()),
                (row.counts.invitations, open.len()),
            ];
            for (kept, counted) in counts {
                assert_eq!(kept as usize, counted, "counts equal records: {row:?}");
            }
            for workspace in state.workspaces() {
                let domains = state.domains().filter(|d| d.workspace == workspace.id);
                let members = state.workspace_members();
                let members = members.filter(|m| m.workspace == workspace.id);
                let counted = (domains.count(), members.count());
                let kept = (workspace.domains as usize, workspace.members as usize);
                assert_eq!(kept, counted, "counts equal records: {workspace:?}");
            }
            for member in state.workspace_members() {
                assert!(state.member(member.user).is_some(), "M1");
                assert!(state.workspace(member.workspace).is_some(), "invariant 3");
            }
            for domain in state.domains() {
                assert!(state.workspace(domain.workspace).is_some(), "invariant 3");
                assert_eq!(names.insert(domain.name.clone(), state.id()), None, "D2");
            }
            for retired in state.retired_names() {
                assert_eq!(names.insert(retired.name.clone(), state.id()), None, "D2");
            }
            assert!(open.len() <= self.bounds.invitations as usize, "I8");
            let targets = open.iter().map(|i| (i.email.key(), i.target.workspace()));
            assert_eq!(targets.collect::<BTreeSet<_>>().len(), open.len(), "I5");
            for invitation in open {
                assert!(
                    inviter_may(state, invitation),
                    "I6: {invitation:?} of {state:#?}"
                );
            }
        }
        let names = names.into_iter();
        let names = names.map(|(name, id)| (Claim::DomainName(name), id));
        assert_eq!(node.claims, names.collect(), "D2: a claim for each name");
        for state in &node.states {
            let mut log = Vec::new();
            let mut rest = &node.log;
            while let Some(entry) = rest {
                if entry.entry.organization == state.id() {
                    log.push(&entry.entry);
                }
                rest = &entry.before;
            }
            log.reverse();
            let replayed = OrganizationState::replay(state.id(), log);
            assert_eq!(replayed.as_ref(), Ok(state), "invariant 8");
        }
        world(node).invariants();
    }
}

const VALIDITY: TimeDelta = TimeDelta::days(7);

fn everything(state: &OrganizationState, committed: Option<&LogEntry>) -> Option<Facts> {
    Some(Facts {
        organization: state.organization()?.clone(),
        records: state.records().collect(),
        committed: committed.cloned(),
    })
}

/// What a store and what the log make of a commit, which has to be the same.
fn applied(before: &OrganizationState, commit: &Commit) -> OrganizationState {
    assert_eq!(commit.expected, before.version());
    assert_eq!(commit.next.version, before.version().next());
    let mut stored = before.clone();
    stored.set_organization(commit.next.clone());
    for change in &commit.changes {
        match change {
            Change::Put(record) => stored.put(record.clone()),
            Change::Delete(id) => assert!(stored.delete(id).is_some(), "{id} was there"),
            Change::Claim(_) | Change::Release(_) => {}
        }
    }
    let mut replayed = before.clone();
    assert_eq!(replayed.apply_entry(&commit.entry), Ok(()));
    assert_eq!(stored, replayed, "invariant 8");
    stored
}

/// The state that follows, once what a single step may do was looked at.
fn next(node: &Node, at: usize, granted: Granted) -> Node {
    let Granted {
        commit,
        events,
        token,
        after,
    } = granted;
    let before = &node.states[at];
    let commit = commit.expect("something changed");
    let mut next = node.clone();
    for change in &commit.changes {
        match change {
            Change::Claim(claim) => drop(next.claims.insert(claim.clone(), after.id())),
            Change::Release(claim) => {
                assert_eq!(next.claims.remove(claim), Some(after.id()), "D2");
            }
            Change::Put(_) | Change::Delete(_) => {}
        }
    }
    only_allowed_steps(before, &after, &events, &commit.entry);
    if let Some(token) = token {
        let older = next
            .links
            .remove(&token.invitation())
            .map(|links| links.newest);
        let newest = token.clone();
        next.links
            .insert(token.invitation(), Links { newest, older });
    }
    next.states[at] = after;
    next.log = Some(Arc::new(Entry {
        entry: commit.entry,
        before: next.log.take(),
    }));
    next
}

/// What no single step may do, whoever takes it.
fn only_allowed_steps(
    before: &OrganizationState,
    after: &OrganizationState,
    events: &[Event],
    entry: &LogEntry,
) {
    let quota = after
        .organization()
        .map_or(0, |row| row.workspace_quota as usize);
    let more = after.workspaces().count() > before.workspaces().count();
    assert!(
        !more || after.workspaces().count() <= quota,
        "W2: {entry:?}"
    );
    for event in events {
        match event {
            Event::WorkspaceDeleted { workspace, .. } => {
                assert_eq!(before.domains_in(*workspace).count(), 0, "W4: {entry:?}");
                let author = tenancy::Author::User;
                let mut members = before.members_of(*workspace);
                assert!(
                    members.all(|m| author(m.user) == entry.author),
                    "W4: {entry:?}"
                );
            }
            Event::OrganizationDeleted {} => {
                let left = (before.workspaces().count(), before.members().count());
                assert_eq!(left, (0, 1), "O6: {entry:?}");
            }
            _ => {}
        }
    }
    for domain in before.domains() {
        let kind = after
            .domain(domain.id)
            .map_or(domain.kind, |after| after.kind);
        assert_eq!(kind, domain.kind, "D1: {entry:?}");
    }
    for invitation in before.invitations() {
        let since = after.invitation(invitation.id).map(|after| after.state);
        let was = invitation.state;
        assert!(
            was == InvitationState::Open || since == Some(was),
            "I5: {entry:?}"
        );
    }
    if entry.command == "accept_invitation" {
        for member in before.members() {
            let since = after.member(member.user).map(|after| after.role);
            assert!(since >= Some(member.role), "I7: {entry:?}");
        }
        for held in before.workspace_members() {
            let since = after.workspace_member(held.workspace, held.user);
            assert!(
                since.map(|since| since.role) >= Some(held.role),
                "I7: {entry:?}"
            );
        }
    }
}

/// I6, as an invariant: every open invitation could be sent by its inviter today.
fn inviter_may(state: &OrganizationState, invitation: &tenancy::Invitation) -> bool {
    let inviter = invitation.inviter;
    let Some(member) = state.member(inviter) else {
        return false;
    };
    let known = state
        .members_with_email(invitation.email.key())
        .next()
        .is_some();
    member.role == OrganizationRole::Admin
        || match invitation.target {
            InvitationTarget::Organization { .. } => false,
            InvitationTarget::Workspace { workspace, .. } => {
                let held = state.workspace_member(workspace, inviter);
                known && held.is_some_and(|held| held.role == WorkspaceRole::Admin)
            }
        }
}

/// The state as the model writes it.
fn world(node: &Node) -> World {
    let existing = node
        .states
        .iter()
        .filter(|state| state.organization().is_some());
    let names = node.claims.iter().map(|(claim, id)| match claim {
        Claim::DomainName(name) => (name.as_str().to_owned(), *id),
    });
    World {
        organizations: existing.map(|state| (state.id(), seen(state))).collect(),
        names: names.collect(),
    }
}

/// What the world drew for a command.
fn drawn(id: OrganizationId, granted: &Granted) -> Drawn {
    let mut drawn = Drawn {
        link: granted.token.as_ref().map(|token| *token.hash().as_bytes()),
        ..Drawn::default()
    };
    for event in &granted.events {
        match event {
            Event::OrganizationCreated { .. } => drawn.organization = Some(id),
            Event::WorkspaceCreated { workspace, .. } => drawn.workspace = Some(*workspace),
            Event::DomainCreated { domain, .. } => drawn.domain = Some(*domain),
            Event::InvitationSent { invitation, .. } => drawn.invitation = Some(*invitation),
            _ => {}
        }
    }
    drawn
}
