//! No statement looks through an organization for what it wants.

use core::num::NonZeroU32;

use rusqlite::types::ToSqlOutput;
use rusqlite::{Connection, StatementStatus, params_from_iter};
use tenancy::commands::{Circumstances, CreateOrganization, Decided, decide};
use tenancy::store::{Change, Claim, Commit, Key, Outcome, Record};
use tenancy::{
    Actor, CommitId, EmailAddress, Name, OrganizationId, Resource, Settings, UserId, VerifiedEmail,
    WorkspaceId,
};
use tenancy_conformance::every_list;
use uuid::Uuid;

use super::plans::PLANS;
use super::*;
use crate::commit::{NAMED, commit, holder};
use crate::list::list;
use crate::load::{load, standing};
use crate::rows::cell;

pub(crate) fn made() -> Connection {
    let mut connection = Connection::open_in_memory().unwrap();
    crate::migrate(&mut connection).unwrap();
    connection.set_prepared_statement_cache_capacity(1000);
    connection
}

fn plan(connection: &Connection, statement: &Statement) -> Vec<String> {
    let explain = format!("EXPLAIN QUERY PLAN {}", statement.text());
    let mut explain = connection.prepare(&explain).unwrap();
    let mut rows = explain.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}

#[test]
fn every_statement_uses_its_index_with_all_its_columns() {
    let connection = made();
    let names: Vec<_> = ALL.iter().map(|(name, _)| *name).collect();
    let planned: Vec<_> = PLANS.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, planned);
    for ((name, statement), (_, due)) in ALL.iter().zip(PLANS) {
        assert_eq!(plan(&connection, statement), *due, "{name}");
    }
}

#[test]
fn every_record_is_written_and_read_by_its_whole_key() {
    let connection = made();
    for kind in Kind::ALL {
        let of = of(kind);
        assert!(plan(&connection, &of.put).is_empty());
        let table = format!("tenancy_{}", kind.table());
        let key = kind.key().iter().fold(String::new(), |key, column| {
            format!("{key} AND {}=?", column.name)
        });
        let whole = format!("SEARCH {table} USING PRIMARY KEY (organization_id=?{key})");
        assert_eq!(plan(&connection, &of.delete), [whole]);
        let all = "SEARCH r USING PRIMARY KEY (organization_id=?)";
        assert_eq!(plan(&connection, &of.all), [all]);
    }
}

#[test]
fn the_tables_have_the_columns_that_the_core_names() {
    let connection = made();
    for kind in Kind::ALL {
        let mut columns = connection
            .prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")
            .unwrap();
        let found: Vec<(String, String)> = columns
            .query_map([format!("tenancy_{}", kind.table())], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let named = kind.key().iter().chain(kind.columns());
        let named = named.map(|column| {
            let holds = match column.holds {
                tenancy::store::ColumnType::Id => "BLOB",
                tenancy::store::ColumnType::Text => "TEXT",
                tenancy::store::ColumnType::Code | tenancy::store::ColumnType::Number => "INTEGER",
            };
            (column.name.to_owned(), holds.to_owned())
        });
        let due: Vec<_> = [("organization_id".to_owned(), "BLOB".to_owned())]
            .into_iter()
            .chain(named)
            .chain([("record".to_owned(), "TEXT".to_owned())])
            .collect();
        assert_eq!(found, due);
    }
}

#[test]
fn names_are_unique_where_a_commit_makes_room_for_them() {
    let connection = made();
    for kind in Kind::ALL {
        let unique: bool = connection
            .query_row(
                "SELECT EXISTS (SELECT 1 FROM pragma_index_list(?1) WHERE \"unique\" AND origin = 'c')",
                [format!("tenancy_{}", kind.table())],
                |row| row.get(0),
            )
            .unwrap();
        assert_eq!(unique, NAMED.contains(&kind), "{kind:?}");
    }
}

#[test]
fn every_parameter_is_numbered() {
    for statement in every() {
        let sql = statement.text();
        assert!(!sql.contains(['$', ':', '@', '{', '}']), "{sql}");
        let mut pieces = sql.split('?');
        pieces.next();
        let bare = pieces.any(|piece| !piece.starts_with(|next: char| next.is_ascii_digit()));
        assert!(!bare, "{sql}");
    }
}

/// The steps of SQLite's machine since this was asked last, on a connection that runs our statements.
pub(crate) fn steps(connection: &Connection) -> i32 {
    let steps = every().map(|statement| {
        let prepared = connection.prepare_cached(statement.text()).unwrap();
        prepared.reset_status(StatementStatus::VmStep)
    });
    steps.sum()
}

/// What stands in a template for the number of a copy: in ids, and in names and addresses.
const ID: Uuid = Uuid::from_u128(0x7777_7777_7777_7777_7777_7777_7777_7777);
const WORD: &str = "one-of-many";

/// Copies of a record, in one statement: 100,000 commits would take too long.
fn copy(connection: &Connection, organization: OrganizationId, record: &Record, copies: u32) {
    let kind = record.id().kind();
    let (key, columns) = (record.id().key(), record.columns());
    let json = serde_json::to_string(record).unwrap();
    let number = "CAST(printf('%016d', n) AS BLOB)";
    let mut cells = vec![tenancy::store::Value::Id(Some(organization.as_uuid()))];
    cells.extend(key.into_iter().chain(columns));
    cells.push(tenancy::store::Value::Text(Some(json)));
    let select = (1..=cells.len()).map(|at| {
        format!(
            "CASE WHEN ?{at} = x'{}' THEN {number} WHEN typeof(?{at}) = 'text' THEN \
             replace(replace(?{at}, '{ID}', lower(hex({number}))), '{WORD}', 'n' || n) ELSE ?{at} END",
            ID.simple()
        )
    });
    let sql = format!(
        "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {copies}) \
         INSERT INTO tenancy_{} SELECT {} FROM n",
        kind.table(),
        select.collect::<Vec<_>>().join(", ")
    );
    let parameters = cells.iter().map(cell).map(ToSqlOutput::Borrowed);
    let copied = connection.execute(&sql, params_from_iter(parameters));
    assert_eq!(copied.unwrap(), usize::try_from(copies).unwrap());
}

/// A record as the golden files have it, so that a new field changes nothing here.
fn record(kind: &str, json: &str) -> Record {
    serde_json::from_str(&format!(r#"{{"{kind}":{json}}}"#)).unwrap()
}

const AT: &str = "2026-11-23T12:00:00.123Z";

fn member(user: Uuid, address: &str) -> Record {
    let json = format!(r#"{{"user":"{user}","role":"member","email":"{address}","since":"{AT}"}}"#);
    record("member", &json)
}

fn workspace(id: Uuid, name: &str) -> Record {
    let key = name.to_lowercase();
    let json = format!(
        r#"{{"id":"{id}","name":"{name}","name_key":"{key}","invoicing":null,"domains":0,"members":0,"created_at":"{AT}"}}"#
    );
    record("workspace", &json)
}

fn workspace_member(workspace: Uuid, user: Uuid) -> Record {
    let json =
        format!(r#"{{"workspace":"{workspace}","user":"{user}","role":"reader","since":"{AT}"}}"#);
    record("workspace_member", &json)
}

/// A role of the organization's own, which Bob holds.
const ROLE: &str = "7";

fn holding(mut record: Record) -> Record {
    match &mut record {
        Record::Member(member) => member.own_role = ROLE.parse().ok(),
        Record::WorkspaceMember(member) => member.own_role = ROLE.parse().ok(),
        _ => panic!("others hold no role"),
    }
    record
}

fn domain(id: Uuid, workspace: Uuid, name: &str) -> Record {
    let json = format!(
        r#"{{"id":"{id}","workspace":"{workspace}","name":"{name}","kind":"sandbox","status":"active","created_at":"{AT}"}}"#
    );
    record("domain", &json)
}

fn invitation(id: Uuid, address: &str, workspace: Uuid, inviter: Uuid, state: &str) -> Record {
    let hash = "07".repeat(32);
    let json = format!(
        r#"{{"id":"{id}","email":"{address}","target":{{"workspace":{{"workspace":"{workspace}","role":"reader"}}}},
            "inviter":"{inviter}","token_hash":"{hash}","sent_at":"{AT}","sent_in":1,"expires_at":"{AT}","state":"{state}"}}"#
    );
    record("invitation", &json)
}

fn former(user: Uuid) -> Record {
    record(
        "former_member",
        &format!(r#"{{"user":"{user}","workspace":null,"departed_at":"{AT}","departed_in":1}}"#),
    )
}

fn retired(name: &str) -> Record {
    let json = format!(r#"{{"name":"{name}","retired_at":"{AT}"}}"#);
    record("retired_domain_name", &json)
}

/// How much others hold.
struct Others {
    members: u32,
    workspaces: u32,
    domains: u32,
    /// Members of one workspace; and of another organization.
    colleagues: u32,
    /// Invitations that are answered; and people who departed.
    closed: u32,
    open: u32,
    /// Other organizations, of a name that begins like this one's.
    organizations: u32,
}

const FEW: Others = Others {
    members: 10,
    workspaces: 10,
    domains: 10,
    colleagues: 10,
    closed: 10,
    open: 10,
    organizations: 10,
};

const MANY: Others = Others {
    members: 100_000,
    workspaces: 1_000,
    domains: 4_000,
    colleagues: 20_000,
    closed: 10_000,
    open: 1_000,
    organizations: 20_000,
};

/// An organization in which Bob holds a little, whatever else it holds.
struct World {
    connection: Connection,
    last: Commit,
    bob: Uuid,
    workspace: Uuid,
    domain: Uuid,
    invitation: Uuid,
}

impl World {
    fn new() -> Self {
        let email = EmailAddress::new("ann@acme.example").unwrap();
        let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(email));
        let decided = decide(
            &CreateOrganization {
                name: Name::new("Acme").unwrap(),
            },
            Circumstances {
                actor: &ann,
                commit: CommitId::new(),
                now: AT.parse().unwrap(),
                settings: &Settings::default(),
            },
            &WorkspaceId::new(),
            None,
        );
        let Ok(Decided {
            commit: Some(mut first),
            ..
        }) = decided
        else {
            panic!("an organization is made");
        };
        let [bob, workspace, other, domain, invitation, elsewhere] =
            [(); 6].map(|()| CommitId::new().as_uuid());
        let address = "bob@acme.example";
        let records = [
            holding(member(bob, address)),
            self::workspace(workspace, "Payments"),
            self::workspace(other, "Loans"),
            holding(workspace_member(workspace, bob)),
            workspace_member(other, bob),
            self::domain(domain, workspace, "payments"),
            self::invitation(invitation, address, other, bob, "open"),
            self::invitation(elsewhere, "cy@acme.example", workspace, bob, "open"),
            former(bob),
            retired("gone"),
        ];
        first.changes.extend(records.map(Change::Put));
        let connection = made();
        assert_eq!(commit(&connection, &first).unwrap(), Outcome::Committed);
        Self {
            connection,
            last: first,
            bob,
            workspace,
            domain,
            invitation,
        }
    }

    fn id(&self) -> OrganizationId {
        self.last.organization()
    }

    /// Fills it with others' things.
    fn crowd(&self, others: &Others) {
        let elsewhere = CommitId::new().as_uuid();
        let address = format!("{WORD}@acme.example");
        let closed = self::invitation(ID, "bob@acme.example", self.workspace, self.bob, "revoked");
        for (record, copies) in [
            (member(ID, &address), others.members),
            (self::workspace(ID, WORD), others.workspaces),
            (workspace_member(self.workspace, ID), others.colleagues),
            (workspace_member(elsewhere, ID), others.colleagues),
            (self::domain(ID, self.workspace, WORD), others.domains),
            (closed, others.closed),
            (former(ID), others.closed),
            (retired(&format!("{WORD}-gone")), others.domains),
        ] {
            copy(&self.connection, self.id(), &record, copies);
        }
        let more = "INSERT INTO tenancy_organizations (id, version, status, summary, record) \
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2) \
            SELECT randomblob(16), 1, 1, o.summary, '' FROM n, tenancy_organizations o WHERE o.id = ?1";
        let id = self.id().as_uuid().into_bytes();
        let made = self.connection.execute(more, (id, others.organizations));
        made.unwrap();
        let named = "INSERT INTO tenancy_organization_names \
            SELECT id, 'acme ' || hex(id) FROM tenancy_organizations WHERE record = ''";
        self.connection.execute(named, ()).unwrap();
        // Bob is in no other organization, but others are.
        let globex = OrganizationId::new();
        let (member, copies) = (member(ID, &address), others.colleagues);
        copy(&self.connection, globex, &member, copies);
        let taken = "INSERT INTO tenancy_claims \
            WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?2) \
            SELECT 1, 'n' || n, ?1 FROM n";
        let globex = globex.as_uuid().into_bytes();
        let claimed = self.connection.execute(taken, (globex, others.domains));
        claimed.unwrap();
    }

    /// Fills it with invitations of others, to others, in place of those that are closed.
    fn invite(&self, copies: u32) {
        let [inviter, workspace] = [(); 2].map(|()| CommitId::new().as_uuid());
        let address = format!("{WORD}@acme.example");
        let delete = "DELETE FROM tenancy_invitations WHERE state <> 1";
        self.connection.execute_batch(delete).unwrap();
        let open = invitation(ID, &address, workspace, inviter, "open");
        copy(&self.connection, self.id(), &open, copies);
    }

    /// The steps of every read, by name.
    fn reads(&self) -> Vec<(String, i32)> {
        let (id, connection) = (self.id(), &self.connection);
        let user = UserId::from_uuid(self.bob);
        let workspace = WorkspaceId::from_uuid(self.workspace);
        let domain = tenancy::DomainId::from_uuid(self.domain);
        let email = tenancy::EmailAddress::new("bob@acme.example").unwrap();
        let resources: [Resource; 3] = [id.into(), (id, workspace).into(), (id, domain).into()];
        let mut reads = Vec::new();
        steps(connection);
        for resource in resources {
            let found = standing(connection, user, resource).unwrap();
            assert!(found.is_some_and(|held| held.organization_role.is_some()));
            reads.push((
                format!("standing {:?}", resource.layer()),
                steps(connection),
            ));
        }
        let mut keys = Vec::from(resources.map(|resource| Key::Path(user, resource)));
        keys.extend([
            Key::Person(user),
            Key::SentTo(user),
            Key::SentBy(user),
            Key::Address(email.key().clone(), None),
            Key::Address(email.key().clone(), Some(workspace)),
            Key::Invitation(
                tenancy::InvitationId::from_uuid(self.invitation),
                Some(user),
            ),
            Key::OpenInvitations(Some(workspace)),
            Key::WorkspaceNamed(Name::new("payments").unwrap().key()),
            Key::DomainNamed(tenancy::DomainName::new("payments").unwrap()),
            Key::DomainNamed(tenancy::DomainName::new("gone").unwrap()),
        ]);
        for key in keys {
            let facts = load(connection, id, std::slice::from_ref(&key)).unwrap();
            assert!(!facts.unwrap().records.is_empty(), "{key:?}");
            reads.push((format!("load {key:?}"), steps(connection)));
        }
        let commit = Key::Commit(self.last.id());
        let facts = load(connection, id, &[commit]).unwrap().unwrap();
        assert!(facts.committed.is_some());
        reads.push(("load of a commit".to_owned(), steps(connection)));
        // A command asks for several: two paths, say, and what it is about.
        let two = [
            Key::Path(user, (id, workspace).into()),
            Key::Path(UserId::from_external("ann"), (id, workspace).into()),
            Key::Path(user, id.into()),
        ];
        let facts = load(connection, id, &two).unwrap().unwrap();
        assert_eq!(facts.records.len(), 6, "{facts:?}");
        reads.push(("load of paths".to_owned(), steps(connection)));
        let name = tenancy::DomainName::new("nobodys").unwrap();
        assert_eq!(holder(connection, &Claim::DomainName(name)).unwrap(), None);
        reads.push(("who holds a claim".to_owned(), steps(connection)));
        reads
    }

    /// The steps of a page of each list, full or as many as there are.
    fn pages(&self) -> Vec<(String, i32)> {
        let (id, connection) = (self.id(), &self.connection);
        let user = UserId::from_uuid(self.bob);
        let workspace = WorkspaceId::from_uuid(self.workspace);
        let email = EmailAddress::new("bob@acme.example").unwrap();
        let mut reads = Vec::new();
        steps(connection);
        let role = ROLE.parse().unwrap();
        let name = Name::new("Acme").unwrap().key();
        for asked in every_list(id, workspace, user, email.key(), role, &name) {
            let found = list(connection, &asked, NonZeroU32::new(10).unwrap()).unwrap();
            assert!(!found.is_empty(), "{asked:?}");
            reads.push((format!("{} of {asked:?}", found.len()), steps(connection)));
        }
        reads
    }

    /// The steps of two commits that put one record of each kind and delete it again, with a claim.
    fn commits(&mut self) -> i32 {
        let [id, workspace] = [(); 2].map(|()| CommitId::new().as_uuid());
        let records = [
            member(id, "new@acme.example"),
            self::workspace(id, "New"),
            workspace_member(workspace, id),
            domain(id, workspace, "new"),
            invitation(id, "new@acme.example", workspace, id, "open"),
            former(id),
            retired("new-gone"),
        ];
        steps(&self.connection);
        let claim = Claim::DomainName(tenancy::DomainName::new("new").unwrap());
        let delete = records.each_ref().map(|record| Change::Delete(record.id()));
        let delete = [Vec::from(delete), vec![Change::Release(claim.clone())]];
        let put = [vec![Change::Claim(claim)], records.map(Change::Put).into()];
        for changes in [put.concat(), delete.concat()] {
            let Commit {
                expected,
                next,
                changes: asked,
                entry,
            } = &mut self.last;
            *expected = next.version;
            next.version = expected.next();
            (entry.version, entry.id) = (next.version, CommitId::new());
            *asked = changes;
            let outcome = commit(&self.connection, &self.last).unwrap();
            assert_eq!(outcome, Outcome::Committed);
        }
        steps(&self.connection)
    }
}

/// One that is under way can't be run a second time: it would be prepared anew, at many times its cost.
#[test]
fn a_load_of_two_paths_runs_two_statements() {
    let world = World::new();
    let (id, user) = (world.id(), UserId::from_uuid(world.bob));
    let path = Key::Path(user, (id, WorkspaceId::from_uuid(world.workspace)).into());
    for _ in 0..3 {
        let facts = load(&world.connection, id, &[path.clone(), path.clone()]).unwrap();
        assert_eq!(facts.unwrap().records.len(), 6);
    }
    for statement in [&PATH_WORKSPACE, &ALONE_WORKSPACE] {
        let prepared = world.connection.prepare_cached(statement.text()).unwrap();
        assert_eq!(prepared.get_status(StatementStatus::Run), 3);
    }
}

/// The same work, within a fifth.
fn same(small: &[(String, i32)], large: &[(String, i32)]) {
    for ((name, small), (_, large)) in small.iter().zip(large) {
        assert!(*small > 0, "{name} took no step");
        let off = f64::from(*large) / f64::from(*small);
        assert!(
            (0.8..=1.2).contains(&off),
            "{name}: {small} steps where others hold a little, {large} where they hold much"
        );
    }
    assert_eq!(small.len(), large.len());
}

/// A command loads by keys, decides, and commits what changes: each key, each kind of change, each check and each list
/// costs the same, so each command does.
#[test]
fn what_an_operation_costs_does_not_grow_with_the_organization() {
    let (mut small, mut large) = (World::new(), World::new());
    small.crowd(&FEW);
    large.crowd(&MANY);
    same(&small.reads(), &large.reads());
    same(&small.pages(), &large.pages());
    let commits = |world: &mut World| vec![("commits".to_owned(), world.commits())];
    same(&commits(&mut small), &commits(&mut large));
    // What was sent is few beside what was closed ...
    let open = [Key::OpenInvitations(None)];
    let opened = |world: &World| {
        steps(&world.connection);
        load(&world.connection, world.id(), &open).unwrap();
        vec![("load of what is open".to_owned(), steps(&world.connection))]
    };
    same(&opened(&small), &opened(&large));
    // ... and Bob's few beside what others sent.
    small.invite(FEW.open);
    large.invite(MANY.open);
    same(&small.reads(), &large.reads());
    same(&small.pages(), &large.pages());
    same(&commits(&mut small), &commits(&mut large));
}
