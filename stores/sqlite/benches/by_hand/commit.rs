//! One commit, decided beforehand: what writing costs.

use std::path::Path;

use rusqlite::{Connection, params};
use tenancy::{store::*, *};
use tenancy_sqlite::{Calls, Durability, Options, SqliteRepository};

use crate::measure::compare;
use crate::world::{creation, fill};

pub(crate) fn run(
    directory: &Path,
    durability: Durability,
    synchronous: &str,
    rounds: usize,
    size: usize,
) {
    println!("\none commit (a workspace is created), synchronous = {synchronous}");
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
