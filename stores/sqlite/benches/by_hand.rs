//! The store against the best that one would write by hand on the same SQLite, in one run, by turns.
//!
//! `cargo bench -p tenancy-sqlite`; with `-- --test` it only shows that it runs. The median of many short
//! rounds counts: a round that something else disturbed is not the store's doing.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::wildcard_imports,
    reason = "a measurement that fails may panic; its numbers are small"
)]

use std::cell::Cell;
use std::hint::black_box;
use std::num::NonZeroU32;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, params};
use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Calls, Durability, Options, SqliteRepository};

/// A check, as one would write it by hand: the same joins, roles as numbers.
const CHECK: &str = "SELECT o.version, o.status, m.role, wm.role, w.id, d.id FROM tenancy_organizations o \
    LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
    LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
    LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
    LEFT JOIN tenancy_workspace_members wm \
        ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
    WHERE o.id = ?1";

/// How many organizations there are, each with that many of everything: more than fits in a page.
const ORGANIZATIONS: usize = 20;
const EACH: usize = 40;

struct World {
    users: Vec<UserId>,
    domains: Vec<(OrganizationId, DomainId)>,
}

fn main() {
    let test = std::env::args().any(|argument| argument == "--test");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("tenancy.db");
    let quick = Options {
        durability: Durability::ProcessCrash,
        ..Options::default()
    };
    let store = SqliteRepository::open_with(&path, &quick).unwrap();
    let world = fill(&store);

    let threaded = Options {
        calls: Calls::OnThreads,
        ..quick.clone()
    };
    let on_threads = SqliteRepository::open_with(&path, &threaded).unwrap();
    let by_hand = Connection::open(&path).unwrap();
    by_hand
        .set_db_config(
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG,
            true,
        )
        .unwrap();

    println!("one check, of a random user at a random domain");
    let (rounds, size) = if test { (1, 10) } else { (300, 200) };
    let random = Cell::new(1_u64);
    compare(
        rounds,
        size,
        &mut [
            ("by hand, one statement", &mut || {
                let (user, organization, domain) = some(&world, &random);
                check_by_hand(&by_hand, user, organization, domain);
            }),
            ("in place", &mut || {
                let (user, organization, domain) = some(&world, &random);
                let standing = store.standing(user, (organization, domain).into());
                assert!(block_on(standing).unwrap().is_some());
            }),
            ("on threads", &mut || {
                let (user, organization, domain) = some(&world, &random);
                let standing = on_threads.standing(user, (organization, domain).into());
                assert!(block_on(standing).unwrap().is_some());
            }),
        ],
    );
    println!("\none load of a command's facts, in place");
    let key = |keys: fn(UserId, OrganizationId, DomainId) -> Vec<Key>| {
        let (user, organization, domain) = some(&world, &random);
        let keys = keys(user, organization, domain);
        assert!(block_on(store.load(organization, &keys)).unwrap().is_some());
    };
    compare(
        rounds,
        size,
        &mut [
            ("a path to the organization", &mut || {
                key(|user, organization, _| vec![Key::Path(user, organization.into())]);
            }),
            ("a path to a domain", &mut || {
                key(|user, organization, domain| {
                    vec![Key::Path(user, (organization, domain).into())]
                });
            }),
            ("a person", &mut || {
                key(|user, _, _| vec![Key::Person(user)]);
            }),
        ],
    );
    drop((store, on_threads, by_hand));

    for (durability, synchronous) in [
        (Durability::ProcessCrash, "NORMAL"),
        (Durability::PowerCut, "FULL"),
    ] {
        println!("\none commit (a workspace is created), synchronous = {synchronous}");
        let (rounds, size) = if test { (1, 5) } else { (100, 20) };
        commits(directory.path(), durability, synchronous, rounds, size);
    }
}

fn commits(
    directory: &std::path::Path,
    durability: Durability,
    synchronous: &str,
    rounds: usize,
    size: usize,
) {
    let options = Options {
        durability,
        ..Options::default()
    };
    // A file each, so that none waits for another's checkpoints.
    let open = |name: &str, options: &Options| {
        let path = directory.join(format!("{name}-{synchronous}.db"));
        let store = SqliteRepository::open_with(&path, options).unwrap();
        fill(&store);
        (path, store)
    };
    let (_, store) = open("store", &options);
    let threaded = Options {
        calls: Calls::OnThreads,
        ..options.clone()
    };
    let (_, on_threads) = open("threads", &threaded);
    let by_hand = |name| {
        let connection = Connection::open(open(name, &options).0).unwrap();
        connection
            .pragma_update(None, "synchronous", synchronous)
            .unwrap();
        Hand::new(connection)
    };
    let (mut one, mut two) = (chain(&store), chain(&on_threads));
    let (mut three, mut four) = (by_hand("hand"), by_hand("hand-log"));
    compare(
        rounds,
        size,
        &mut [
            ("by hand, set, insert, outbox", &mut || {
                three.commit(Log::Without);
            }),
            ("by hand, also with the log", &mut || {
                four.commit(Log::With);
            }),
            ("in place", &mut || one()),
            ("on threads", &mut || two()),
        ],
    );
}

/// Commits that are decided beforehand, so that only the writing is measured.
fn chain(store: &SqliteRepository) -> impl FnMut() + use<> {
    let store = store.clone();
    let create = creation(CommitId::new());
    assert_eq!(block_on(store.commit(&create)).unwrap(), Outcome::Committed);
    let mut turn = 0_u32;
    let mut template = create;
    let workspace = template
        .changes
        .iter()
        .find_map(|change| match change {
            Change::Put(Record::Workspace(workspace)) => Some(workspace.clone()),
            _ => None,
        })
        .unwrap();
    move || {
        turn += 1;
        let mut workspace = workspace.clone();
        workspace.id = WorkspaceId::new();
        workspace.name = Name::new(&format!("Workspace {turn}")).unwrap();
        workspace.name_key = workspace.name.key();
        template.entry.events = vec![Event::WorkspaceCreated {
            workspace: workspace.id,
            name: workspace.name.clone(),
        }];
        template.expected = template.next.version;
        template.next.version = template.expected.next();
        template.next.counts.workspaces += 1;
        template.entry.version = template.next.version;
        template.entry.id = CommitId::new();
        template.changes = vec![Change::Put(Record::Workspace(workspace))];
        let outcome = block_on(store.commit(&template)).unwrap();
        assert_eq!(outcome, Outcome::Committed);
    }
}

/// What one would write by hand for the same: a compare-and-set, an insert, an outbox row.
struct Hand {
    connection: Connection,
    organization: [u8; 16],
    version: i64,
}

/// Whether a log is written as well, as the store does.
#[derive(Clone, Copy)]
enum Log {
    With,
    Without,
}

impl Hand {
    fn new(connection: Connection) -> Self {
        connection
            .execute_batch(
                "CREATE TABLE hand_organizations (\
                     id BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, name TEXT NOT NULL, \
                     quota INTEGER NOT NULL, workspaces INTEGER NOT NULL, created_at INTEGER NOT NULL\
                 ) STRICT, WITHOUT ROWID;
                 CREATE TABLE hand_workspaces (\
                     organization_id BLOB NOT NULL, id BLOB NOT NULL, name TEXT NOT NULL, \
                     name_key TEXT NOT NULL, created_at INTEGER NOT NULL, PRIMARY KEY (organization_id, id)\
                 ) STRICT, WITHOUT ROWID;
                 CREATE UNIQUE INDEX hand_workspaces_name ON hand_workspaces (organization_id, name_key);
                 CREATE TABLE hand_commits (\
                     organization_id BLOB NOT NULL, version INTEGER NOT NULL, id BLOB NOT NULL, \
                     at INTEGER NOT NULL, author TEXT NOT NULL, command TEXT NOT NULL, events TEXT NOT NULL, \
                     PRIMARY KEY (organization_id, version)\
                 ) STRICT, WITHOUT ROWID;
                 CREATE UNIQUE INDEX hand_commits_id ON hand_commits (organization_id, id);
                 CREATE TABLE hand_outbox (\
                     organization_id BLOB NOT NULL, version INTEGER NOT NULL, event TEXT NOT NULL, \
                     PRIMARY KEY (organization_id, version)\
                 ) STRICT, WITHOUT ROWID",
            )
            .unwrap();
        let organization = OrganizationId::new().as_uuid().into_bytes();
        connection
            .execute(
                "INSERT INTO hand_organizations VALUES (?1, 1, 'Acme', 1000, 1, 0)",
                [organization],
            )
            .unwrap();
        Self {
            connection,
            organization,
            version: 1,
        }
    }

    fn commit(&mut self, log: Log) {
        let connection = &self.connection;
        let run = |sql, parameters: &[&dyn rusqlite::ToSql]| {
            connection
                .prepare_cached(sql)
                .unwrap()
                .execute(parameters)
                .unwrap()
        };
        let id = self.organization;
        run("BEGIN IMMEDIATE", &[]);
        let rows = run(
            "UPDATE hand_organizations SET version = version + 1, workspaces = workspaces + 1 \
             WHERE id = ?1 AND version = ?2",
            params![id, self.version],
        );
        assert_eq!(rows, 1);
        self.version += 1;
        let workspace = WorkspaceId::new();
        let name = format!("Workspace {}", self.version);
        run(
            "INSERT INTO hand_workspaces VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                id,
                workspace.as_uuid().into_bytes(),
                name,
                name.to_lowercase(),
                0
            ],
        );
        let event = format!(
            r#"[{{"v":1,"type":"workspace_created","workspace":"{workspace}","name":"{name}"}}]"#
        );
        let outbox = match log {
            Log::Without => event,
            Log::With => {
                run(
                    "INSERT INTO hand_commits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        id,
                        self.version,
                        CommitId::new().as_uuid().into_bytes(),
                        0,
                        r#"{"user":"0198c5a4-0000-7000-8000-000000000001"}"#,
                        "create_workspace",
                        event
                    ],
                );
                String::new()
            }
        };
        run(
            "INSERT INTO hand_outbox VALUES (?1, ?2, ?3)",
            params![id, self.version, outbox],
        );
        run("COMMIT", &[]);
    }
}

fn check_by_hand(
    connection: &Connection,
    user: UserId,
    organization: OrganizationId,
    domain: DomainId,
) {
    let mut statement = connection.prepare_cached(CHECK).unwrap();
    let row = statement
        .query_row(
            (
                organization.as_uuid().into_bytes(),
                user.as_uuid().into_bytes(),
                domain.as_uuid().into_bytes(),
            ),
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                    row.get::<_, Option<i64>>(3)?,
                    row.get::<_, Option<[u8; 16]>>(4)?,
                    row.get::<_, Option<[u8; 16]>>(5)?,
                ))
            },
        )
        .unwrap();
    black_box(row);
}

fn some(world: &World, random: &Cell<u64>) -> (UserId, OrganizationId, DomainId) {
    // A linear congruential generator: the same for all.
    let next = random.get().wrapping_mul(6_364_136_223_846_793_005);
    random.set(next.wrapping_add(1_442_695_040_888_963_407));
    let at = (random.get() >> 33) as usize;
    let (organization, domain) = world.domains[at % world.domains.len()];
    let user = world.users[(at / 7) % world.users.len()];
    (user, organization, domain)
}

/// Runs them by turns, and prints the median round of each.
fn compare(rounds: usize, size: usize, candidates: &mut [(&str, &mut dyn FnMut())]) {
    let mut times: Vec<Vec<Duration>> = vec![Vec::new(); candidates.len()];
    for round in 0..=rounds {
        // Each goes first as often as any other.
        for turn in 0..candidates.len() {
            let which = (turn + round) % candidates.len();
            let (run, times) = (&mut candidates[which].1, &mut times[which]);
            let begun = Instant::now();
            for _ in 0..size {
                run();
            }
            if round > 0 {
                times.push(begun.elapsed()); // the first one warms up
            }
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64() * 1e6 / size as f64
    };
    let base = median(&mut times[0]);
    for ((name, _), times) in candidates.iter().zip(&mut times) {
        let median = median(times);
        println!("  {name:32} {median:8.2} µs  {:5.2} x", median / base);
    }
}

fn founder() -> Actor {
    let email = EmailAddress::new("ann@acme.example").unwrap();
    Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(email))
}

fn creation(commit: CommitId) -> Commit {
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
fn fill(store: &SqliteRepository) -> World {
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
