//! kill -9, again and again: every commit that was acknowledged is there, whole, and nothing else is.
//!
//! The test starts itself as another process that writes, kills it at some moment, and looks at the file.
//! `TENANCY_KILLS` says how often: 30 times if it isn't set.
//!
//! It shows what a dying process leaves behind, at any point of its work. It doesn't show a power cut:
//! that rests on `synchronous = FULL`, and on a disk that keeps what it says it has.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests say what they expect by panicking"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::world::*;
use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Options, SqliteRepository};

const FILE: &str = "TENANCY_CRASH_FILE";
const SYNC: &str = "TENANCY_CRASH_SYNC";
const ACKNOWLEDGED: &str = "acknowledged";

/// Not a test by itself: what the other process does, until it is killed.
#[test]
fn child_writes_until_it_is_killed() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let options = match std::env::var(SYNC).unwrap().as_str() {
        "full" => Options::default(),
        _ => quick(),
    };
    let store = SqliteRepository::open_with(Path::new(&path), &options).unwrap();
    let tenancy = Tenancy::new(store)
        .with_settings(roomy())
        .with_attempts(limit(1000));
    let turn = AtomicU32::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    write_some(&tenancy, turn.fetch_add(1, Ordering::Relaxed));
                }
            });
        }
    });
}

/// An organization's small life: commits with one row and with many, claims, deletions.
fn write_some(tenancy: &Tenancy<SqliteRepository>, turn: u32) {
    let ann = actor("ann");
    let create = CreateOrganization { name: name("Acme") };
    let made = block_on(tenancy.execute(&ann, create)).unwrap();
    acknowledge(made.token, made.commit);
    let (organization, workspace) = (made.output.organization, made.output.workspace);
    let mut domains = Vec::new();
    for n in 0..3 {
        // Unique, and short enough for a DNS label.
        let called = format!("d-{}-{n}-{turn}", organization.as_uuid().simple());
        let create = CreateDomain {
            organization,
            workspace,
            name: domain_name(&called),
            kind: DomainKind::Production,
        };
        let made = block_on(tenancy.execute(&ann, create)).unwrap();
        acknowledge(made.token, made.commit);
        domains.push(made.output);
    }
    for domain in domains {
        let delete = DeleteDomain {
            organization,
            domain,
        };
        let made = block_on(tenancy.execute(&ann, delete)).unwrap();
        acknowledge(made.token, made.commit);
    }
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: email("bob@acme.example"),
        role: WorkspaceRole::Developer,
    };
    let made = block_on(tenancy.execute(&ann, invite)).unwrap();
    acknowledge(made.token, made.commit);
    let token = made.output.token.unwrap();
    let made = block_on(tenancy.execute(&actor("bob"), AcceptInvitation { token })).unwrap();
    acknowledge(made.token, made.commit);
}

/// Tells the parent, in one write, so that a line is there or not.
fn acknowledge(token: ConsistencyToken, commit: CommitId) {
    let line = format!(
        "\n{ACKNOWLEDGED} {} {} {commit}\n",
        token.organization, token.version
    );
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// An organization's acknowledged commits: id by version.
type Acknowledged = BTreeMap<OrganizationId, BTreeMap<u64, CommitId>>;

#[test]
fn every_acknowledged_commit_survives_kill_9() {
    let kills = std::env::var("TENANCY_KILLS").map_or(30, |kills| kills.parse::<usize>().unwrap());
    let place = Disk::new(Options::default());
    let (mut all, mut recent) = (Acknowledged::new(), Acknowledged::new());
    for kill in 1..=kills {
        recent.append(&mut write_and_kill(&place.path(), kill));
        if kill % 10 == 0 {
            look_for(&place.open(), &recent); // early, so that a failure is near its cause
            all.append(&mut recent);
        }
    }
    all.append(&mut recent);
    look_for(&place.open(), &all);
    look_at_everything(&place, &all);
    let commits: usize = all.values().map(BTreeMap::len).sum();
    assert!(
        commits > kills,
        "{commits} commits in {kills} rounds: hardly a test"
    );
    println!("{commits} acknowledged commits, {kills} kills, none lost");
}

/// What one process got acknowledged before it was killed.
///
/// By turns it syncs each commit, and it doesn't: a process's death must be survived by both, and without
/// syncing many more commits are under way.
fn write_and_kill(path: &Path, round: usize) -> Acknowledged {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([
            "crash::child_writes_until_it_is_killed",
            "--exact",
            "--nocapture",
        ])
        .env(FILE, path)
        .env(SYNC, if round % 2 == 0 { "full" } else { "normal" })
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Some time after the first commit, or while the file is still being opened.
    let killer = std::thread::spawn(move || {
        let random = u64::from(CommitId::new().as_uuid().as_bytes()[15]);
        std::thread::sleep(Duration::from_micros(random * 700));
        child.kill().unwrap();
        child.wait().unwrap()
    });
    let mut acknowledged = Acknowledged::new();
    for line in lines {
        let line = line.unwrap();
        let mut words = line.split(' ');
        if words.next() != Some(ACKNOWLEDGED) {
            continue;
        }
        let (organization, version, commit) = (words.next(), words.next(), words.next());
        if let (Some(organization), Some(version), Some(Ok(commit))) =
            (organization, version, commit.map(str::parse))
        {
            let versions = acknowledged
                .entry(organization.parse().unwrap())
                .or_default();
            versions.insert(version.parse().unwrap(), commit);
        }
    }
    let end = killer.join().unwrap();
    assert_eq!(end.code(), None, "the process ended by itself: {end}");
    acknowledged
}

/// What was acknowledged is there, in the log and in the tables.
fn look_for(store: &SqliteRepository, acknowledged: &Acknowledged) {
    for (organization, versions) in acknowledged {
        let list = List::Log {
            organization: *organization,
            after: Version::ABSENT,
        };
        let log = block_on(store.list(&list, limit(10_000))).unwrap();
        for (version, commit) in versions {
            let entry = log.get(usize::try_from(*version).unwrap() - 1);
            let found = entry.and_then(|entry| match entry {
                Item::LogEntry(entry) => Some(entry.id),
                _ => None,
            });
            assert_eq!(found, Some(*commit), "{organization} {version}");
        }
        block_on(store.verify(*organization)).unwrap();
    }
}

/// The file is whole, each organization in it too, and nothing is there of one that is not.
fn look_at_everything(place: &Disk, acknowledged: &Acknowledged) {
    let store = place.open();
    let connection = place.stranger();
    let one = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, String>(0));
    assert_eq!(one("PRAGMA integrity_check").unwrap(), "ok");
    let mut organizations = connection
        .prepare("SELECT id FROM tenancy_organizations")
        .unwrap();
    let organizations = organizations
        .query_map((), |row| row.get::<_, [u8; 16]>(0))
        .unwrap();
    let mut count = 0;
    for id in organizations {
        let id = OrganizationId::from_uuid(uuid::Uuid::from_bytes(id.unwrap()));
        block_on(store.verify(id)).unwrap();
        // Each was told to the outbox, in the same transaction.
        let due = connection.query_row(
            "SELECT first FROM tenancy_outbox WHERE organization_id = ?1",
            [id.as_uuid().into_bytes()],
            |row| row.get::<_, i64>(0),
        );
        assert_eq!(due, Ok(1));
        count += 1;
    }
    assert!(count >= acknowledged.len());
    for table in [
        "members",
        "workspaces",
        "workspace_members",
        "domains",
        "retired_domain_names",
        "invitations",
        "former_members",
        "claims",
        "commits",
        "outbox",
    ] {
        let orphans = format!(
            "SELECT count(*) || '' FROM tenancy_{table} \
             WHERE organization_id NOT IN (SELECT id FROM tenancy_organizations)"
        );
        assert_eq!(one(&orphans).unwrap(), "0", "{table}");
    }
}
