//! Organizations of another system, brought in by the thousands: many commits in one transaction of the host's.
//!
//! ```text
//! cargo run --release -p tenancy-sqlite --example bulk_load -- 10000
//! ```
//!
//! Each organization is one commit, with all that it holds: 5 workspaces, 20 domains, 20 members. A transaction for
//! each would wait for the disk as often; so thousands share one. It is begun anew as often as need be: what is there
//! already is passed over.

use std::error::Error;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tenancy::store::{Commit, Later, OrganizationState, Outcome};
use tenancy::{
    Author, CommitId, DomainId, DomainKind, DomainName, EmailAddress, Event, Limits, LogEntry,
    Name, OrganizationId, OrganizationRole, UserId, Version, WorkspaceId, WorkspaceRole,
};
use tenancy_sqlite::{SqliteRepository, apply};

/// How many organizations share a transaction. If one fails, nothing of its transaction is kept. The more, the seldomer
/// a page of an index is written again; but whoever else wants to write waits for some seconds, or gives up
/// (`Options::busy_timeout`). A thousand take about one.
const TOGETHER: usize = 5000;

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let count = match std::env::args().nth(1) {
        Some(count) => count.parse()?,
        None => 200,
    };
    let directory = tempfile::tempdir()?; // gone at the end
    let file = directory.path().join("tenancy.db");
    let store = SqliteRepository::open(&file)?; // makes the tables

    let export: Vec<u32> = (0..count).collect();
    let begun = Instant::now();
    let loaded = load(&file, &export)?;
    let seconds = begun.elapsed().as_secs_f64();
    let a_second = f64::from(count) / seconds;
    println!("{loaded} organizations in {seconds:.1} s: {a_second:.0} a second.");

    let again = load(&file, &export)?;
    println!("Loaded again: {again} more.");

    for number in export.iter().take(3) {
        let (id, _) = ids(*number);
        tenancy::block_on(store.verify(id))?;
    }
    println!("Each is what its log makes of it.");
    Ok(())
}

/// Loads what isn't there yet, and says how many that were.
fn load(file: &Path, export: &[u32]) -> Result<usize, Box<dyn Error + Send + Sync>> {
    let mut host = Connection::open(file)?;
    host.set_prepared_statement_cache_capacity(64); // 16 by default, and a host has statements of its own
    host.pragma_update(None, "synchronous", "FULL")?;
    host.pragma_update(None, "cache_size", -262_144)?; // 256 MiB: indexes by user and by name are written all over

    // In the order of their ids: every table begins with the organization's, so each is put at the end.
    let mut export: Vec<u32> = export.to_vec();
    export.sort_by_cached_key(|number| ids(*number));

    thread::scope(|scope| {
        // What is next is made while SQLite writes.
        let (sender, made) = sync_channel(TOGETHER);
        scope.spawn(move || {
            // It ends early when nobody listens any more.
            export
                .into_iter()
                .try_for_each(|number| sender.send(organization(number)).ok())
        });
        let mut loaded = 0_usize;
        let mut made = made.into_iter().peekable();
        while made.peek().is_some() {
            let transaction = host.transaction_with_behavior(TransactionBehavior::Immediate)?;
            for commit in made.by_ref().take(TOGETHER) {
                let commit = commit?;
                match apply(&transaction, &commit)? {
                    Outcome::Committed => loaded = loaded.saturating_add(1),
                    Outcome::Conflict => {} // it is there already
                    // Somebody has the name of a domain, say. The transaction is dropped, which rolls it back.
                    refused => {
                        return Err(format!("{}: {refused:?}", commit.organization()).into());
                    }
                }
            }
            transaction.commit()?;
        }
        Ok(loaded)
    })
}

/// The ids of an organization are made of that in the other system, so that a second time makes the same.
fn ids(number: u32) -> (OrganizationId, CommitId) {
    let commit = CommitId::from_event("the other system", &format!("organization {number}"));
    (OrganizationId::from_uuid(commit.as_uuid()), commit)
}

/// An organization of the other system, as one commit.
fn organization(number: u32) -> Result<Commit, Box<dyn Error + Send + Sync>> {
    let (id, commit) = ids(number);
    let mut events = vec![Event::OrganizationCreated {
        name: Name::new(&format!("Organization {number}"))?,
        workspace_quota: 5,
        limits: Limits::default(),
    }];
    let mut workspaces = Vec::new();
    for at in 0..5 {
        let workspace = WorkspaceId::new();
        events.push(Event::WorkspaceCreated {
            workspace,
            name: Name::new(&format!("Workspace {at}"))?,
        });
        for domain in 0..4 {
            events.push(Event::DomainCreated {
                domain: DomainId::new(),
                workspace,
                name: DomainName::new(&format!("o{number}-w{at}-d{domain}"))?,
                kind: DomainKind::Sandbox,
            });
        }
        workspaces.push(workspace);
    }
    for at in 0..20_usize {
        let user = UserId::from_external(&format!("user {at} of {number}"));
        events.push(Event::MemberJoined {
            user,
            email: EmailAddress::new(&format!("u{at}@o{number}.example"))?,
            role: match at {
                0 => OrganizationRole::Admin,
                1 => OrganizationRole::Accounting,
                _ => OrganizationRole::Member,
            },
        });
        // Members have a role in one or two workspaces.
        let roles = match at {
            0 | 1 => 0,
            even if even % 2 == 0 => 1,
            _ => 2,
        };
        for workspace in workspaces.iter().cycle().skip(at).take(roles) {
            events.push(Event::WorkspaceRoleGiven {
                workspace: *workspace,
                user,
                role: WorkspaceRole::Developer,
                replaces: None,
            });
        }
    }
    let entry = LogEntry {
        organization: id,
        version: Version::new(1),
        id: commit,
        at: "2026-01-01T00:00:00Z".parse()?,
        author: Author::Operator("import".parse()?),
        command: "import".to_owned(),
        parts: Vec::new(),
        request: None,
        events,
        later: Later::default(),
    };
    let mut state = OrganizationState::absent(id);
    Ok(Commit::replayed(&mut state, entry)?)
}
