//! What the tests share: Ann of Acme, and stores in a directory of their own.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::allow_attributes,
    clippy::unwrap_used,
    reason = "each test file uses its part, and tests say what they expect by panicking"
)]

use std::num::NonZeroU32;
use std::path::PathBuf;

use tempfile::TempDir;
use tenancy::{commands::*, store::*, *};
use tenancy_sqlite::{Calls, Durability, Options, SqliteRepository};

/// Quick, and in place: what most tests want.
pub fn quick() -> Options {
    Options {
        durability: Durability::ProcessCrash,
        ..Options::default()
    }
}

/// Quick, and on threads.
pub fn threaded() -> Options {
    Options {
        calls: Calls::OnThreads,
        ..quick()
    }
}

/// A directory with one file in it, gone afterwards.
pub struct Disk {
    pub directory: TempDir,
    pub options: Options,
}

impl Disk {
    pub fn new(options: Options) -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            options,
        }
    }

    pub fn path(&self) -> PathBuf {
        self.directory.path().join("tenancy.db")
    }

    /// A handle of its own.
    pub fn open(&self) -> SqliteRepository {
        SqliteRepository::open_with(self.path(), &self.options).unwrap()
    }

    pub fn tenancy(&self) -> Tenancy<SqliteRepository> {
        Tenancy::new(self.open()).with_settings(roomy())
    }

    /// A plain connection to the file: somebody who doesn't use the library.
    pub fn stranger(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path()).unwrap()
    }
}

pub fn roomy() -> Settings {
    Settings {
        default_workspace_quota: NonZeroU32::new(1000).unwrap(),
        ..Settings::default()
    }
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn domain_name(text: &str) -> DomainName {
    DomainName::new(text).unwrap()
}

pub fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

pub fn user(who: &str) -> UserId {
    UserId::from_external(who)
}

/// A user with the address `who@acme.example`.
pub fn actor(who: &str) -> Actor {
    let address = email(&format!("{who}@acme.example"));
    Actor::user(user(who), VerifiedEmail::attest(address))
}

pub fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

/// Acme, made by Ann.
pub fn acme(tenancy: &Tenancy<SqliteRepository>) -> CreatedOrganization {
    let command = CreateOrganization { name: name("Acme") };
    block_on(tenancy.execute(&actor("ann"), command))
        .unwrap()
        .output
}

/// A domain of Ann's.
pub fn domain(
    tenancy: &Tenancy<SqliteRepository>,
    acme: CreatedOrganization,
    called: &str,
) -> DomainId {
    let command = CreateDomain {
        organization: acme.organization,
        workspace: acme.workspace,
        name: domain_name(called),
        kind: DomainKind::Sandbox,
    };
    block_on(tenancy.execute(&actor("ann"), command))
        .unwrap()
        .output
}

/// Somebody joins the first workspace, invited by Ann.
pub fn join(
    tenancy: &Tenancy<SqliteRepository>,
    acme: CreatedOrganization,
    who: &str,
    role: WorkspaceRole,
) {
    let command = InviteToWorkspace {
        organization: acme.organization,
        workspace: acme.workspace,
        email: email(&format!("{who}@acme.example")),
        role,
    };
    let invited = block_on(tenancy.execute(&actor("ann"), command))
        .unwrap()
        .output;
    let token = invited.token.unwrap();
    block_on(tenancy.execute(&actor(who), AcceptInvitation { token })).unwrap();
}

/// Decides on the creation of an organization, without writing it.
pub fn creation(called: &str) -> Commit {
    let id = CommitId::new();
    let decided = decide(
        &CreateOrganization { name: name(called) },
        Circumstances {
            actor: &actor("ann"),
            commit: id,
            now: std::time::SystemTime::now().into(),
            settings: &roomy(),
        },
        &WorkspaceId::new(),
        None,
    );
    decided.unwrap().commit.unwrap()
}

/// Every row of every table of ours, as text: to see that nothing changed.
pub fn dump(place: &Disk) -> Vec<String> {
    let connection = place.stranger();
    let mut tables = connection
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'tenancy%' ORDER BY 1")
        .unwrap();
    let tables: Vec<String> = tables
        .query_map((), |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let mut lines = Vec::new();
    for table in tables {
        let mut statement = connection
            .prepare(&format!("SELECT * FROM {table}"))
            .unwrap();
        let columns = statement.column_count();
        let mut rows = statement.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let cells: Vec<_> = (0..columns).map(|i| row.get_ref(i).unwrap()).collect();
            lines.push(format!("{table} {cells:?}"));
        }
    }
    lines
}
