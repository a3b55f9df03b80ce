//! The exploration: asking the crate and the model, and what follows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::commands::{Circumstances, Command, Drawing, Fresh, Undecided, decide};
use tenancy::store::{Change, Claim, Commit, Facts, Organization, OrganizationState};
use tenancy::{
    Actor, CommitId, Event, InvitationToken, LogEntry, OrganizationId, Refusal, Settings,
};

use super::asks::{AllLinks, Links, Words};
use super::canonical::Renamings;
use super::invariants::only_allowed_steps;
use super::{Bounds, Found};
use crate::driver::{self, Line, Told, drawn_links, outcomes};
use crate::seen::seen;
use tenancy_tests::commands::{Ask, Kind};
use tenancy_tests::model::{ALL_BUT_ACCOUNTING, Choices, Drawn, Model, Who};
use tenancy_tests::with_command;

pub const VALIDITY: TimeDelta = TimeDelta::days(7);
/// How long after a link another one may be made, in worlds where that matters (I8).
pub const PAUSE: TimeDelta = TimeDelta::minutes(1);

/// When the worlds begin.
fn start() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

/// When what ends in a world ends, if it does (T3): while the first links still work.
pub fn end() -> DateTime<Utc> {
    start() + TimeDelta::days(5)
}

/// How many links an organization made on the day of `now`.
pub fn links_today(row: &Organization, now: DateTime<Utc>) -> u32 {
    let today = row.links.day == now.timestamp().div_euclid(86_400);
    if today { row.links.count } else { 0 }
}

/// A state, and how it came about.
#[derive(Clone)]
pub struct Node {
    /// Each organization's id, whether it exists yet or not.
    pub ids: Vec<OrganizationId>,
    pub states: Vec<OrganizationState>,
    pub claims: BTreeMap<Claim, OrganizationId>,
    pub links: AllLinks,
    pub now: DateTime<Utc>,
    pub log: Option<Arc<Entry>>,
}

pub struct Entry {
    pub entry: LogEntry,
    pub before: Option<Arc<Entry>>,
}

pub struct Explorer {
    pub bounds: Bounds,
    pub settings: Settings,
    pub choices: Choices,
    pub words: Words,
    pub renamings: Renamings,
    pub actors: Vec<(Who, Actor)>,
}

/// A command that was granted.
struct Granted {
    /// `None` if everything already was as it was asked to be.
    commit: Option<Commit>,
    events: Vec<Event>,
    token: Option<InvitationToken>,
    /// Of many who were invited at once, each one's outcome.
    lines: Vec<Line>,
    /// The organization since.
    after: OrganizationState,
}

impl Explorer {
    pub fn new(bounds: Bounds) -> Self {
        let pause = bounds.links.map_or(TimeDelta::zero(), |_| PAUSE);
        let links = bounds.links.unwrap_or(u32::MAX);
        let settings = Settings {
            pending_invitation_limit: bounds.invitations,
            daily_link_limit: links,
            resend_pause: pause.to_std().unwrap(),
            default_limits: bounds.limits.first().copied().unwrap_or_default(),
            own_role_limit: bounds.own_roles,
            ..Settings::default()
        };
        let actors = Words::actors(&bounds).into_iter();
        Self {
            bounds,
            settings,
            choices: Choices {
                validity: VALIDITY,
                limit: bounds.invitations as usize,
                links,
                pause,
                quota: 1,
                limits: settings.default_limits,
                seats: ALL_BUT_ACCOUNTING,
                roles: usize::from(bounds.own_roles),
            },
            words: Words::new(&bounds),
            renamings: Renamings::new(&bounds),
            actors: actors
                .map(|who| (who.clone(), driver::actor(&who)))
                .collect(),
        }
    }

    pub fn start(&self) -> Node {
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
            now: start(),
            log: None,
        }
    }

    /// Asks everything in a state, and hands on every state that follows.
    pub fn expand(
        &self,
        node: &Node,
        found: &mut Found,
        commands: &mut BTreeSet<Kind>,
        mut reached: impl FnMut(Node),
    ) {
        let model = modelled(node);
        for at in 0..node.ids.len() {
            let asks = self.words.asks(&self.bounds, node, at);
            for (who, actor) in &self.actors {
                for ask in asks.by(who, &self.bounds) {
                    found.questions += 1;
                    let Some(granted) = self.ask(node, &model, at, who, actor, ask) else {
                        continue;
                    };
                    found.granted += 1;
                    commands.insert(ask.kind());
                    if granted.commit.is_some() {
                        reached(next(node, at, granted));
                    }
                }
                for ask in &asks.left_behind {
                    let granted = self.ask(node, &model, at, who, actor, ask);
                    assert!(granted.is_none(), "{ask:?}: what is over is over");
                }
            }
        }
        for now in self.later(node) {
            reached(Node {
                now,
                ..node.clone()
            });
        }
    }

    /// The times that make a difference: when no link is too young to be replaced, when all are expired, when what
    /// ends has ended.
    fn later(&self, node: &Node) -> Vec<DateTime<Utc>> {
        let states = node.states.iter();
        let open: Vec<_> = states
            .flat_map(OrganizationState::open_invitations)
            .collect();
        let now = node.now;
        let mut later = Vec::new();
        if self.bounds.links.is_some() && open.iter().any(|open| now < open.sent_at + PAUSE) {
            later.push(now + PAUSE);
        }
        let mut rows = node
            .states
            .iter()
            .filter_map(OrganizationState::organization);
        let counted = self.bounds.links.is_some() && rows.any(|row| links_today(row, now) > 0);
        if counted || open.iter().any(|open| now < open.expires_at) {
            later.push(now + VALIDITY);
        }
        let ends = node.states.iter().flat_map(|state| {
            let members = state.members().filter_map(|member| member.until);
            members.chain(state.workspace_members().filter_map(|held| held.until))
        });
        if ends.into_iter().any(|end| now < end) {
            later.push(end());
        }
        later
    }

    /// Asks the crate and the model. `None` if both refuse, for the same reason.
    fn ask(
        &self,
        node: &Node,
        model: &Model,
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
            model.ask(self.choices, who, node.now, ask, drawn)
        };
        let context = || format!("{who:?} asks {ask:?} of {:#?}", node.states);
        match (result, expected) {
            (Ok(granted), Ok(expected)) => {
                let after = expected.organizations.get(&id);
                assert_eq!(Some(&seen(&granted.after)), after, "{}", context());
                assert_eq!(outcomes(&granted.lines), expected.lines, "{}", context());
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
        let drawing = Drawing {
            commit,
            link_key: None,
        };
        let fresh = C::Fresh::draw(drawing).unwrap();
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
                lines: decided.output.lines().unwrap_or_default(),
                after: state.clone(),
            });
        };
        // What the façade makes of a store's answer that a claim is held already, by whomever.
        for change in &commit.changes {
            if let Change::Claim(Claim::DomainName(name)) = change {
                let name = name.clone();
                if node.claims.contains_key(&Claim::DomainName(name.clone())) {
                    return Err(Refusal::DomainNameTaken { name });
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
            lines: decided.output.lines().unwrap_or_default(),
            after,
        })
    }
}

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
        lines,
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
    let of_lines = lines.into_iter().filter_map(|line| line.link);
    for token in token.into_iter().chain(of_lines.map(|(_, token)| token)) {
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

/// The state as the model writes it.
pub fn modelled(node: &Node) -> Model {
    let existing = node
        .states
        .iter()
        .filter(|state| state.organization().is_some());
    let names = node.claims.iter().map(|(claim, id)| match claim {
        Claim::DomainName(name) => (name.as_str().to_owned(), *id),
    });
    Model {
        organizations: existing.map(|state| (state.id(), seen(state))).collect(),
        names: names.collect(),
        lines: vec![],
        now: node.now,
    }
}

/// What the world drew for a command.
fn drawn(id: OrganizationId, granted: &Granted) -> Drawn {
    let mut drawn = Drawn {
        link: granted.token.as_ref().map(|token| *token.hash().as_bytes()),
        many: drawn_links(&granted.lines),
        ..Drawn::default()
    };
    for event in &granted.events {
        match event {
            Event::OrganizationCreated { .. } => drawn.organization = Some(id),
            Event::WorkspaceCreated { workspace, .. } => drawn.workspace = Some(*workspace),
            Event::DomainCreated { domain, .. } => drawn.domain = Some(*domain),
            Event::InvitationSent { invitation, .. } => drawn.invitation = Some(*invitation),
            Event::RoleDefined { role, .. } => drawn.role = Some(*role),
            _ => {}
        }
    }
    drawn
}
