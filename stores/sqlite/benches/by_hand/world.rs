//! Organizations to measure in.

use std::num::NonZeroU32;
use std::time::SystemTime;

use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Durability, Options, SqliteRepository};

/// How many organizations there are, each with that many of everything: more than fits in a page.
const ORGANIZATIONS: usize = 20;
const EACH: usize = 40;

pub(crate) struct World {
    pub(crate) users: Vec<UserId>,
    pub(crate) domains: Vec<(OrganizationId, DomainId)>,
}

/// As fast as SQLite is: a power cut may undo the last commits.
pub(crate) fn quick() -> Options {
    Options {
        durability: Durability::ProcessCrash,
        ..Options::default()
    }
}

pub(crate) fn founder() -> Actor {
    let email = EmailAddress::new("ann@acme.example").unwrap();
    Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(email))
}

pub(crate) fn creation(commit: CommitId) -> Commit {
    let settings = Settings {
        default_workspace_quota: NonZeroU32::new(u32::MAX).unwrap(),
        ..Settings::default()
    };
    let decided = decide(
        &CreateOrganization {
            name: Name::new("Acme").unwrap(),
        },
        Circumstances {
            actor: &founder(),
            commit,
            now: SystemTime::now().into(),
            settings: &settings,
        },
        &WorkspaceId::new(),
        None,
    );
    decided.unwrap().commit.unwrap()
}

/// Organizations with many members, workspaces and domains.
pub(crate) fn fill(store: &SqliteRepository) -> World {
    let mut world = World {
        users: (0..EACH).map(|_| UserId::new()).collect(),
        domains: Vec::new(),
    };
    for organization in 0..ORGANIZATIONS {
        let mut commit = creation(CommitId::new());
        let since = commit.entry.at;
        for (n, user) in world.users.iter().enumerate() {
            commit.changes.push(Change::Put(Record::Member(Member {
                user: *user,
                role: OrganizationRole::Member,
                own_role: None,
                email: EmailAddress::new(&format!("u{n}@acme.example")).unwrap(),
                since,
                lowered_in: None,
                suspended: false,
                until: None,
                later: Later::default(),
            })));
        }
        for n in 0..EACH {
            let workspace = WorkspaceId::new();
            let name = Name::new(&format!("W {n}")).unwrap();
            commit
                .changes
                .push(Change::Put(Record::Workspace(Workspace {
                    id: workspace,
                    name_key: name.key(),
                    name,
                    invoicing: None,
                    domains: 1,
                    members: 20,
                    created_at: since,
                    later: Later::default(),
                })));
            for user in world.users.iter().skip(n % 2).step_by(2) {
                let member = WorkspaceMember {
                    workspace,
                    user: *user,
                    role: WorkspaceRole::Developer,
                    own_role: None,
                    since,
                    lowered_in: None,
                    until: None,
                    later: Later::default(),
                };
                commit
                    .changes
                    .push(Change::Put(Record::WorkspaceMember(member)));
            }
            let domain = Domain {
                id: DomainId::new(),
                workspace,
                name: DomainName::new(&format!("d{organization}-{n}")).unwrap(),
                kind: DomainKind::Sandbox,
                status: DomainStatus::Active,
                created_at: since,
                later: Later::default(),
            };
            world.domains.push((commit.organization(), domain.id));
            commit.changes.push(Change::Put(Record::Domain(domain)));
        }
        assert_eq!(block_on(store.commit(&commit)).unwrap(), Outcome::Committed);
    }
    world
}
