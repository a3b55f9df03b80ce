//! The population that every engine is asked about, and the questions.
//!
//! Per organization 5 workspaces, 4 domains each, 20 members: 1 Admin, 1 Accounting, 18 Members with a role in one or two
//! workspaces. The questions are random, on organizations, workspaces and domains, 4 % by outsiders.

use chrono::{DateTime, Utc};
use tenancy::store::{Commit, Later, OrganizationState};
use tenancy::{
    Actor, Author, CommitId, DomainId, DomainKind, DomainName, EmailAddress, Event, Limits,
    LogEntry, Name, OrganizationId, OrganizationRole, Resource, UserId, Version, WorkspaceId,
    WorkspaceRole,
};

pub(crate) const MEMBERS: usize = 20;
const WORKSPACES: usize = 5;
const DOMAINS: usize = 20;

/// A small generator, so that every run asks the same questions.
#[derive(Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap_or(0)
    }
}

/// The ids in an organization.
pub(crate) struct Ids {
    pub(crate) organization: OrganizationId,
    pub(crate) members: [UserId; MEMBERS],
    pub(crate) workspaces: [WorkspaceId; WORKSPACES],
    pub(crate) domains: [DomainId; DOMAINS],
}

/// May this user view the organization, manage roles in the workspace, configure the domain?
pub(crate) struct Question {
    pub(crate) user: UserId,
    /// The same, as a host has it from its session.
    pub(crate) actor: Actor,
    pub(crate) resource: Resource,
}

/// What each member holds in workspaces: one or two roles, by the workspace's place.
pub(crate) fn roles(member: usize) -> impl Iterator<Item = (usize, WorkspaceRole)> {
    let count = if member < 2 { 0 } else { 1 + member % 2 };
    (0..count).map(move |n| {
        let role = match (member * 7 + n) % 3 {
            0 => WorkspaceRole::Reader,
            1 => WorkspaceRole::Developer,
            _ => WorkspaceRole::Admin,
        };
        ((member + n) % WORKSPACES, role)
    })
}

pub(crate) const fn role(member: usize) -> OrganizationRole {
    match member {
        0 => OrganizationRole::Admin,
        1 => OrganizationRole::Accounting,
        _ => OrganizationRole::Member,
    }
}

impl Ids {
    pub(crate) fn new() -> Self {
        Self {
            organization: OrganizationId::new(),
            members: std::array::from_fn(|_| UserId::new()),
            workspaces: std::array::from_fn(|_| WorkspaceId::new()),
            domains: std::array::from_fn(|_| DomainId::new()),
        }
    }

    pub(crate) fn domains(&self) -> impl Iterator<Item = (DomainId, WorkspaceId)> {
        let domains = self.domains.iter().enumerate();
        domains.map(|(at, domain)| (*domain, self.workspaces[at % WORKSPACES]))
    }

    /// The organization as one commit, as a migration brings it in.
    pub(crate) fn commit(&self, number: usize) -> Commit {
        let mut events = vec![Event::OrganizationCreated {
            name: name("Acme"),
            workspace_quota: 5,
            limits: Limits::default(),
        }];
        for (at, workspace) in self.workspaces.iter().enumerate() {
            events.push(Event::WorkspaceCreated {
                workspace: *workspace,
                name: name(&format!("Workspace {at}")),
            });
        }
        for (at, (domain, workspace)) in self.domains().enumerate() {
            events.push(Event::DomainCreated {
                domain,
                workspace,
                name: format!("d{number}-{at}")
                    .parse::<DomainName>()
                    .expect("a name"),
                kind: DomainKind::Sandbox,
            });
        }
        for (at, user) in self.members.iter().enumerate() {
            let email = format!("u{at}@o{number}.example");
            events.push(Event::MemberJoined {
                user: *user,
                email: email.parse::<EmailAddress>().expect("an address"),
                role: role(at),
            });
            for (workspace, role) in roles(at) {
                events.push(Event::WorkspaceRoleGiven {
                    workspace: self.workspaces[workspace],
                    user: *user,
                    role,
                    replaces: None,
                });
            }
        }
        let entry = self.entry(Version::new(1), events);
        let mut state = OrganizationState::absent(self.organization);
        Commit::replayed(&mut state, entry).expect("the events fit")
    }

    /// One more commit: the last member is made Accounting, or Member again.
    pub(crate) fn next_commit(&self, state: &mut OrganizationState, made: u32) -> Commit {
        let (from, to) = match made % 2 {
            0 => (OrganizationRole::Member, OrganizationRole::Accounting),
            _ => (OrganizationRole::Accounting, OrganizationRole::Member),
        };
        let event = Event::OrganizationRoleChanged {
            user: self.members[MEMBERS - 1],
            from,
            to,
        };
        let entry = self.entry(state.version().next(), vec![event]);
        Commit::replayed(state, entry).expect("the event fits")
    }

    fn entry(&self, version: Version, events: Vec<Event>) -> LogEntry {
        LogEntry {
            organization: self.organization,
            version,
            id: CommitId::new(),
            at: DateTime::<Utc>::UNIX_EPOCH,
            author: Author::User(self.members[0]),
            command: "import".to_owned(),
            parts: Vec::new(),
            request: None,
            events,
            later: Later::default(),
        }
    }

    pub(crate) fn question(&self, random: &mut Random) -> Question {
        let user = match random.below(25) {
            0 => UserId::from_external("outsider"),
            _ => self.members[random.below(MEMBERS)],
        };
        let resource = match random.below(3) {
            0 => Resource::Organization(self.organization),
            1 => Resource::Workspace(self.organization, self.workspaces[random.below(WORKSPACES)]),
            _ => Resource::Domain(self.organization, self.domains[random.below(DOMAINS)]),
        };
        Question {
            user,
            actor: Actor::unverified(user),
            resource,
        }
    }
}

fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

/// Random questions about random organizations.
pub(crate) fn questions(all: &[Ids], count: usize) -> Vec<Question> {
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    (0..count)
        .map(|_| all[random.below(all.len())].question(&mut random))
        .collect()
}
