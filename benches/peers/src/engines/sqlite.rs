//! SQLite: the store, and four tables by hand, each in a file of its own that the system keeps in memory.

use rusqlite::{CachedStatement, Connection, Row, params};
use tempfile::TempDir;
use tenancy::{OrganizationRole, Resource, Tenancy, WorkspaceRole, block_on};
use tenancy_sqlite::{Durability, Options, SqliteRepository};

use crate::ours::{check, fill};
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question, role, roles};

const TABLES: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE members (organization BLOB NOT NULL, user BLOB NOT NULL, role INTEGER NOT NULL,
    PRIMARY KEY (organization, user)) STRICT, WITHOUT ROWID;
CREATE TABLE workspaces (id BLOB NOT NULL PRIMARY KEY, organization BLOB NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE workspace_members (workspace BLOB NOT NULL, user BLOB NOT NULL, role INTEGER NOT NULL,
    PRIMARY KEY (workspace, user)) STRICT, WITHOUT ROWID;
CREATE TABLE domains (id BLOB NOT NULL PRIMARY KEY, organization BLOB NOT NULL, workspace BLOB NOT NULL)
    STRICT, WITHOUT ROWID;
";

const ORGANIZATION: &str =
    "SELECT role, NULL FROM members WHERE organization = ?1 AND user = ?2 AND ?3 = ?1";

const WORKSPACE: &str = "SELECT m.role, wm.role FROM workspaces w
    JOIN members m ON m.organization = w.organization AND m.user = ?2
    LEFT JOIN workspace_members wm ON wm.workspace = w.id AND wm.user = ?2
    WHERE w.id = ?3 AND w.organization = ?1";

const DOMAIN: &str = "SELECT m.role, wm.role FROM domains d
    JOIN members m ON m.organization = d.organization AND m.user = ?2
    LEFT JOIN workspace_members wm ON wm.workspace = d.workspace AND wm.user = ?2
    WHERE d.id = ?3 AND d.organization = ?1";

/// How many questions a database is asked: each takes some microseconds.
const ASKED: usize = 8_192;

pub(crate) fn peers<'a>(folder: &TempDir, all: &[Ids], questions: &'a [Question]) -> [Peer<'a>; 2] {
    let asked = questions.len().min(ASKED);
    let options = Options {
        durability: Durability::ProcessCrash, // to be filled sooner: a check writes nothing
        ..Options::default()
    };
    let store = SqliteRepository::open_with(folder.path().join("store.db"), &options);
    let tenancy = Tenancy::new(store.expect("a file"));
    block_on(fill(tenancy.repository(), all));

    let path = folder.path().join("by_hand.db");
    let mut by_hand = Connection::open(path).expect("a file");
    by_hand.set_prepared_statement_cache_capacity(16);
    write(&mut by_hand, all).expect("they fit");
    [
        Peer::new("SQLite by hand", Kind::ByHand, asked, move |place| {
            allows(&by_hand, &questions[place]).expect("it reads")
        }),
        Peer::new(
            "`tenancy-sqlite`, through `Tenancy`",
            Kind::Ours,
            asked,
            move |place| block_on(check(&tenancy, &questions[place])),
        ),
    ]
}

fn write(connection: &mut Connection, all: &[Ids]) -> rusqlite::Result<()> {
    connection.execute_batch(TABLES)?;
    let transaction = connection.transaction()?;
    {
        let insert = |into: &str| transaction.prepare(&format!("INSERT INTO {into}"));
        let mut members = insert("members VALUES (?1, ?2, ?3)")?;
        let mut workspaces = insert("workspaces VALUES (?1, ?2)")?;
        let mut workspace_members = insert("workspace_members VALUES (?1, ?2, ?3)")?;
        let mut domains = insert("domains VALUES (?1, ?2, ?3)")?;
        for ids in all {
            let organization = ids.organization.as_uuid().into_bytes();
            for workspace in &ids.workspaces {
                workspaces.execute(params![workspace.as_uuid().into_bytes(), organization])?;
            }
            for (domain, workspace) in ids.domains() {
                let (domain, workspace) = (domain.as_uuid(), workspace.as_uuid());
                domains.execute(params![
                    domain.into_bytes(),
                    organization,
                    workspace.into_bytes()
                ])?;
            }
            for (at, user) in ids.members.iter().enumerate() {
                let user = user.as_uuid().into_bytes();
                members.execute(params![organization, user, organization_code(role(at))])?;
                for (workspace, role) in roles(at) {
                    let workspace = ids.workspaces[workspace].as_uuid().into_bytes();
                    workspace_members.execute(params![workspace, user, workspace_code(role)])?;
                }
            }
        }
    }
    transaction.commit()
}

fn allows(connection: &Connection, question: &Question) -> rusqlite::Result<bool> {
    let (statement, resource) = match &question.resource {
        Resource::Organization(organization) => (ORGANIZATION, organization.as_uuid()),
        Resource::Workspace(_, workspace) => (WORKSPACE, workspace.as_uuid()),
        Resource::Domain(_, domain) => (DOMAIN, domain.as_uuid()),
    };
    let organization = question.resource.organization();
    let mut statement: CachedStatement<'_> = connection.prepare_cached(statement)?;
    let mut rows = statement.query(params![
        organization.as_uuid().into_bytes(),
        question.user.as_uuid().into_bytes(),
        resource.into_bytes()
    ])?;
    let held = rows.next()?.map(held).transpose()?;
    Ok(held.is_some_and(|(member, role)| meets(&question.resource, member, role)))
}

fn held(row: &Row<'_>) -> rusqlite::Result<(i16, Option<i16>)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// Whether a member with these roles may do what is asked of such a resource.
pub(super) fn meets(resource: &Resource, member: i16, role: Option<i16>) -> bool {
    let least = match resource {
        Resource::Organization(_) => return true,
        Resource::Workspace(..) => WorkspaceRole::Admin,
        Resource::Domain(..) => WorkspaceRole::Developer,
    };
    member == organization_code(OrganizationRole::Admin) || role >= Some(workspace_code(least))
}

pub(super) const fn organization_code(role: OrganizationRole) -> i16 {
    match role {
        OrganizationRole::Admin => 1,
        OrganizationRole::Accounting => 2,
        OrganizationRole::Member => 3,
    }
}

/// The higher, the more it may.
pub(super) const fn workspace_code(role: WorkspaceRole) -> i16 {
    match role {
        WorkspaceRole::Reader => 1,
        WorkspaceRole::Developer => 2,
        WorkspaceRole::Admin => 3,
    }
}
