//! What one would write by hand: the same rules in one transaction, on the same kind of tables, with the same indexes,
//! a log and an outbox. Each thing has a column of its own; only the log's entry is JSON. There are no roles of an
//! organization's own, no ends of memberships, and no request is recognised when it is repeated.

use core::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension as _, Params};
use tenancy::token::InvitationSecret;
use tenancy::*;

use crate::commands::Service;

const TABLES: &str = "
CREATE TABLE organizations (
  id BLOB NOT NULL PRIMARY KEY, version INTEGER NOT NULL, status INTEGER NOT NULL, name TEXT NOT NULL,
  quota INTEGER NOT NULL, workspaces INTEGER NOT NULL, members INTEGER NOT NULL, admins INTEGER NOT NULL,
  invitations INTEGER NOT NULL, created_at INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE members (
  organization_id BLOB NOT NULL, user_id BLOB NOT NULL, role INTEGER NOT NULL, email TEXT NOT NULL,
  email_key TEXT NOT NULL, since INTEGER NOT NULL, PRIMARY KEY (organization_id, user_id)) STRICT, WITHOUT ROWID;
CREATE INDEX members_role ON members (organization_id, role, user_id);
CREATE INDEX members_email ON members (organization_id, email_key, user_id);
CREATE INDEX members_user ON members (user_id, organization_id, role);
CREATE TABLE workspaces (
  organization_id BLOB NOT NULL, id BLOB NOT NULL, name TEXT NOT NULL, name_key TEXT NOT NULL,
  domains INTEGER NOT NULL, members INTEGER NOT NULL, created_at INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX workspaces_name ON workspaces (organization_id, name_key);
CREATE TABLE workspace_members (
  organization_id BLOB NOT NULL, workspace_id BLOB NOT NULL, user_id BLOB NOT NULL, role INTEGER NOT NULL,
  since INTEGER NOT NULL, PRIMARY KEY (organization_id, workspace_id, user_id)) STRICT, WITHOUT ROWID;
CREATE INDEX workspace_members_role ON workspace_members (organization_id, workspace_id, role, user_id);
CREATE INDEX workspace_members_user ON workspace_members (organization_id, user_id, workspace_id, role);
CREATE TABLE invitations (
  organization_id BLOB NOT NULL, id BLOB NOT NULL, email TEXT NOT NULL, email_key TEXT NOT NULL, workspace_id BLOB,
  role INTEGER NOT NULL, inviter BLOB NOT NULL, token_hash BLOB NOT NULL, sent_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL, state INTEGER NOT NULL, PRIMARY KEY (organization_id, id)) STRICT, WITHOUT ROWID;
CREATE INDEX invitations_open ON invitations (organization_id, id) WHERE state = 1;
CREATE INDEX invitations_email ON invitations (email_key, organization_id, id) WHERE state = 1;
CREATE INDEX invitations_inviter ON invitations (organization_id, inviter, id) WHERE state = 1;
CREATE INDEX invitations_workspace ON invitations (organization_id, workspace_id, id) WHERE state = 1;
CREATE TABLE former_members (
  organization_id BLOB NOT NULL, user_id BLOB NOT NULL, departed_at INTEGER NOT NULL,
  PRIMARY KEY (organization_id, user_id)) STRICT, WITHOUT ROWID;
CREATE TABLE commits (
  organization_id BLOB NOT NULL, version INTEGER NOT NULL, id BLOB NOT NULL, entry TEXT NOT NULL,
  PRIMARY KEY (organization_id, version)) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX commits_id ON commits (id);
CREATE TABLE outbox (
  organization_id BLOB NOT NULL PRIMARY KEY, first INTEGER NOT NULL, due INTEGER NOT NULL,
  attempts INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due, organization_id);
";

const ADMIN: i64 = 3;
const MEMBER: i64 = 1;
const OPEN: i64 = 1;
const ACCEPTED: i64 = 2;
const REVOKED: i64 = 4;
const ACTIVE: i64 = 1;
const QUOTA: i64 = 100;
const OPEN_AT_MOST: i64 = 1000;
const VALID: Duration = Duration::from_secs(7 * 86_400);

type Bytes = [u8; 16];

/// A service of its own tables.
pub(crate) struct Hand {
    connection: Connection,
}

/// What a commit begins with: what its organization and its actor are.
struct Begun {
    version: i64,
    used: i64,
    allowed: i64,
}

impl Hand {
    pub(crate) fn open(path: &Path) -> Self {
        let connection = Connection::open(path).unwrap();
        connection.set_prepared_statement_cache_capacity(128);
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16384",
            )
            .unwrap();
        connection
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .unwrap();
        connection.execute_batch(TABLES).unwrap();
        Self { connection }
    }

    fn run(&self, sql: &str, parameters: impl Params) -> usize {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        statement.execute(parameters).unwrap()
    }

    fn there_is(&self, sql: &str, parameters: impl Params) -> bool {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        statement.exists(parameters).unwrap()
    }

    fn ids(&self, sql: &str, parameters: impl Params) -> Vec<Bytes> {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let rows = statement
            .query_map(parameters, |row| row.get::<_, Bytes>(0))
            .unwrap();
        rows.map(Result::unwrap).collect()
    }

    /// That the actor is an Admin of an organization in use.
    fn admin(&self, sql: &str, organization: Bytes, user: Bytes) -> Begun {
        let mut statement = self.connection.prepare_cached(sql).unwrap();
        let (begun, status, role) = statement
            .query_row((organization, user), |row| {
                let begun = Begun {
                    version: row.get(0)?,
                    used: row.get(3)?,
                    allowed: row.get(4)?,
                };
                Ok((begun, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?))
            })
            .unwrap();
        assert_eq!((status, role), (ACTIVE, Some(ADMIN)));
        begun
    }

    /// The log's entry and the outbox.
    fn log(
        &self,
        organization: Bytes,
        version: i64,
        (user, command): (UserId, &str),
        events: impl FnOnce(&mut String),
    ) {
        let mut entry = String::with_capacity(512);
        let at = chrono::DateTime::<chrono::Utc>::from(SystemTime::now());
        write!(
            entry,
            r#"{{"at":"{}","author":{{"user":"{user}"}},"command":"{command}","events":["#,
            at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
        )
        .unwrap();
        events(&mut entry);
        entry.push_str("]}");
        let id = CommitId::new().as_uuid().into_bytes();
        self.run(
            "INSERT INTO commits VALUES (?1, ?2, ?3, ?4)",
            (organization, version, id, entry),
        );
        self.run(
            "INSERT INTO outbox VALUES (?1, ?2, ?3, 0) ON CONFLICT (organization_id) DO NOTHING",
            (organization, version, millis(SystemTime::now())),
        );
    }
}

fn millis(time: SystemTime) -> i64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_millis()).unwrap()
}

fn bytes(user: UserId) -> Bytes {
    user.as_uuid().into_bytes()
}

/// Text as JSON.
fn json(text: &str) -> String {
    serde_json::to_string(text).unwrap()
}

impl Service for Hand {
    #[inline(never)]
    fn create(&mut self, by: &Actor, name: &Name) -> OrganizationId {
        let user = by.user_id().unwrap();
        let email = by.verified_email().unwrap().address();
        let (organization, workspace) = (OrganizationId::new(), WorkspaceId::new());
        let (id, now) = (
            organization.as_uuid().into_bytes(),
            millis(SystemTime::now()),
        );
        self.run("BEGIN IMMEDIATE", ());
        self.run(
            "INSERT INTO organizations VALUES (?1, 1, 1, ?2, ?3, 1, 1, 1, 0, ?4)",
            (id, name.as_str(), QUOTA, now),
        );
        self.run(
            "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                id,
                bytes(user),
                ADMIN,
                email.as_str(),
                email.key().as_str(),
                now,
            ),
        );
        self.run(
            "INSERT INTO workspaces VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)",
            (
                id,
                workspace.as_uuid().into_bytes(),
                name.as_str(),
                name.key().as_str(),
                now,
            ),
        );
        self.log(id, 1, (user, "create_organization"), |events| {
            let (name, email) = (json(name.as_str()), json(email.as_str()));
            write!(
                events,
                r#"{{"v":1,"type":"organization_created","name":{name},"workspace_quota":{QUOTA}}},{{"v":1,"type":"member_joined","user":"{user}","email":{email},"role":"admin"}},{{"v":1,"type":"workspace_created","workspace":"{workspace}","name":{name}}}"#
            )
            .unwrap();
        });
        self.run("COMMIT", ());
        organization
    }

    #[inline(never)]
    fn invite(
        &mut self,
        by: &Actor,
        organization: OrganizationId,
        email: &EmailAddress,
    ) -> InvitationToken {
        let user = by.user_id().unwrap();
        let id = organization.as_uuid().into_bytes();
        let (invitation, secret) = (InvitationId::new(), InvitationSecret::generate().unwrap());
        let token = InvitationToken::new(organization, invitation, &secret);
        let now = SystemTime::now();
        self.run("BEGIN IMMEDIATE", ());
        let begun = self.admin(
            "SELECT o.version, o.status, m.role, o.invitations, 0 FROM organizations o \
             LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = ?2 WHERE o.id = ?1",
            id,
            bytes(user),
        );
        assert!(begun.used < OPEN_AT_MOST);
        let address = (id, email.key().as_str());
        assert!(!self.there_is(
            "SELECT 1 FROM members INDEXED BY members_email WHERE organization_id = ?1 AND email_key = ?2",
            address
        ));
        assert!(!self.there_is(
            "SELECT 1 FROM invitations INDEXED BY invitations_email \
             WHERE email_key = ?2 AND organization_id = ?1 AND state = 1",
            address
        ));
        let changed = self.run(
            "UPDATE organizations SET version = version + 1, invitations = invitations + 1 \
             WHERE id = ?1 AND version = ?2",
            (id, begun.version),
        );
        assert_eq!(changed, 1);
        self.run(
            "INSERT INTO invitations VALUES (?1, ?2, ?3, ?4, NULL, ?5, ?6, ?7, ?8, ?9, ?10)",
            (
                id,
                invitation.as_uuid().into_bytes(),
                email.as_str(),
                email.key().as_str(),
                MEMBER,
                bytes(user),
                token.hash().as_bytes(),
                millis(now),
                millis(now + VALID),
                OPEN,
            ),
        );
        self.log(
            id,
            begun.version + 1,
            (user, "invite_to_organization"),
            |events| {
                write!(
                    events,
                    r#"{{"v":1,"type":"invitation_sent","invitation":"{invitation}","email":{},"role":"member","inviter":"{user}"}}"#,
                    json(email.as_str())
                )
                .unwrap();
            },
        );
        self.run("COMMIT", ());
        token
    }

    #[inline(never)]
    fn accept(&mut self, by: &Actor, token: &InvitationToken) {
        let user = by.user_id().unwrap();
        let email = by.verified_email().unwrap().address();
        let id = token.organization().as_uuid().into_bytes();
        let invitation = token.invitation();
        let key = invitation.as_uuid().into_bytes();
        let now = millis(SystemTime::now());
        self.run("BEGIN IMMEDIATE", ());
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT o.version, o.status, i.email_key, i.role, i.token_hash, i.expires_at, i.state, \
                 s.role, m.role \
                 FROM invitations i JOIN organizations o ON o.id = ?1 \
                 LEFT JOIN members s ON s.organization_id = ?1 AND s.user_id = i.inviter \
                 LEFT JOIN members m ON m.organization_id = ?1 AND m.user_id = ?3 \
                 WHERE i.organization_id = ?1 AND i.id = ?2",
            )
            .unwrap();
        let (version, role) = statement
            .query_row((id, key, bytes(user)), |row| {
                let hash = token::TokenHash::from_bytes(row.get(4)?);
                assert!(hash.matches(token));
                assert_eq!(row.get::<_, i64>(1)?, ACTIVE);
                assert_eq!(row.get_ref(2)?.as_str()?, email.key().as_str());
                assert!(row.get::<_, i64>(5)? > now);
                assert_eq!(row.get::<_, i64>(6)?, OPEN);
                assert_eq!(row.get::<_, Option<i64>>(7)?, Some(ADMIN)); // the inviter still may
                assert_eq!(row.get::<_, Option<i64>>(8)?, None); // no member yet
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(3)?))
            })
            .unwrap();
        drop(statement);
        assert!(!self.there_is(
            "SELECT 1 FROM members INDEXED BY members_email WHERE organization_id = ?1 AND email_key = ?2",
            (id, email.key().as_str())
        ));
        let changed = self.run(
            "UPDATE organizations SET version = version + 1, invitations = invitations - 1, members = members + 1 \
             WHERE id = ?1 AND version = ?2",
            (id, version),
        );
        assert_eq!(changed, 1);
        self.run(
            "UPDATE invitations SET state = ?3 WHERE organization_id = ?1 AND id = ?2",
            (id, key, ACCEPTED),
        );
        self.run(
            "INSERT INTO members VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                id,
                bytes(user),
                role,
                email.as_str(),
                email.key().as_str(),
                now,
            ),
        );
        self.log(id, version + 1, (user, "accept_invitation"), |events| {
            write!(
                events,
                r#"{{"v":1,"type":"invitation_accepted","invitation":"{invitation}","user":"{user}"}},{{"v":1,"type":"member_joined","user":"{user}","email":{},"role":"member"}}"#,
                json(email.as_str())
            )
            .unwrap();
        });
        self.run("COMMIT", ());
    }

    #[inline(never)]
    fn workspace(&mut self, by: &Actor, organization: OrganizationId, name: &Name) {
        let user = by.user_id().unwrap();
        let id = organization.as_uuid().into_bytes();
        let (workspace, key) = (WorkspaceId::new(), name.key());
        self.run("BEGIN IMMEDIATE", ());
        let begun = self.admin(
            "SELECT o.version, o.status, m.role, o.workspaces, o.quota FROM organizations o \
             LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = ?2 WHERE o.id = ?1",
            id,
            bytes(user),
        );
        assert!(begun.used < begun.allowed);
        assert!(!self.there_is(
            "SELECT 1 FROM workspaces INDEXED BY workspaces_name WHERE organization_id = ?1 AND name_key = ?2",
            (id, key.as_str())
        ));
        let changed = self.run(
            "UPDATE organizations SET version = version + 1, workspaces = workspaces + 1 \
             WHERE id = ?1 AND version = ?2",
            (id, begun.version),
        );
        assert_eq!(changed, 1);
        self.run(
            "INSERT INTO workspaces VALUES (?1, ?2, ?3, ?4, 0, 0, ?5)",
            (
                id,
                workspace.as_uuid().into_bytes(),
                name.as_str(),
                key.as_str(),
                millis(SystemTime::now()),
            ),
        );
        self.log(
            id,
            begun.version + 1,
            (user, "create_workspace"),
            |events| {
                write!(
                    events,
                    r#"{{"v":1,"type":"workspace_created","workspace":"{workspace}","name":{}}}"#,
                    json(name.as_str())
                )
                .unwrap();
            },
        );
        self.run("COMMIT", ());
    }

    #[inline(never)]
    fn remove(&mut self, by: &Actor, organization: OrganizationId, whom: UserId) {
        let user = by.user_id().unwrap();
        let id = organization.as_uuid().into_bytes();
        let gone = bytes(whom);
        self.run("BEGIN IMMEDIATE", ());
        let begun = self.admin(
            "SELECT o.version, o.status, m.role, o.admins, 0 FROM organizations o \
             LEFT JOIN members m ON m.organization_id = o.id AND m.user_id = ?2 WHERE o.id = ?1",
            id,
            bytes(user),
        );
        let mut statement = self
            .connection
            .prepare_cached(
                "SELECT role, email_key FROM members WHERE organization_id = ?1 AND user_id = ?2",
            )
            .unwrap();
        let (role, email) = statement
            .query_row((id, gone), |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .optional()
            .unwrap()
            .unwrap();
        drop(statement);
        assert!(role != ADMIN || begun.used > 1); // not the last Admin
        let workspaces = self.ids(
            "SELECT workspace_id FROM workspace_members INDEXED BY workspace_members_user \
             WHERE organization_id = ?1 AND user_id = ?2",
            (id, gone),
        );
        let to = self.ids(
            "SELECT id FROM invitations INDEXED BY invitations_email \
             WHERE email_key = ?2 AND organization_id = ?1 AND state = 1",
            (id, &email),
        );
        let sent = self.ids(
            "SELECT id FROM invitations INDEXED BY invitations_inviter \
             WHERE organization_id = ?1 AND inviter = ?2 AND state = 1",
            (id, gone),
        );
        let mut lost = String::new();
        for workspace in &workspaces {
            self.run(
                "DELETE FROM workspace_members WHERE organization_id = ?1 AND workspace_id = ?2 AND user_id = ?3",
                (id, workspace, gone),
            );
            let workspace = uuid::Uuid::from_bytes(*workspace);
            write!(
                lost,
                r#"{{"v":1,"type":"workspace_role_taken","workspace":"{workspace}","user":"{whom}"}},"#
            )
            .unwrap();
        }
        for invitation in to.iter().chain(&sent) {
            self.run(
                "UPDATE invitations SET state = ?3 WHERE organization_id = ?1 AND id = ?2",
                (id, invitation, REVOKED),
            );
            let invitation = uuid::Uuid::from_bytes(*invitation);
            write!(
                lost,
                r#"{{"v":1,"type":"invitation_revoked","invitation":"{invitation}"}},"#
            )
            .unwrap();
        }
        self.run(
            "DELETE FROM members WHERE organization_id = ?1 AND user_id = ?2",
            (id, gone),
        );
        self.run(
            "INSERT INTO former_members VALUES (?1, ?2, ?3) \
             ON CONFLICT (organization_id, user_id) DO UPDATE SET departed_at = excluded.departed_at",
            (id, gone, millis(SystemTime::now())),
        );
        let changed = self.run(
            "UPDATE organizations SET version = version + 1, members = members - 1, \
             admins = admins - ?3, invitations = invitations - ?4 WHERE id = ?1 AND version = ?2",
            (
                id,
                begun.version,
                i64::from(role == ADMIN),
                i64::try_from(to.len() + sent.len()).unwrap(),
            ),
        );
        assert_eq!(changed, 1);
        self.log(id, begun.version + 1, (user, "remove_member"), |events| {
            write!(
                events,
                r#"{lost}{{"v":1,"type":"member_removed","user":"{whom}","role":"member"}}"#
            )
            .unwrap();
        });
        self.run("COMMIT", ());
    }
}
