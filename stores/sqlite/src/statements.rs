//! Every statement, prepared once a connection, then only bound and run.
//!
//! What is in braces is filled in from what the core says of each [`Kind`]: `{members m}` stands for a record's
//! JSON and the key by which an unreadable one is named, of the table `tenancy_members`, called `m` in the
//! statement.
//!
//! Parameters are `?1`, `?2`: to SQLite `$1` is a *name*, numbered by first appearance. In every statement on
//! one organization, `?1` is the organization.
//!
//! A statement that is meant for an index names it (`INDEXED BY`). Left to itself, SQLite prefers the beginning
//! of a table's key to it, and looks through the whole organization.

use std::sync::{LazyLock, OnceLock};

use tenancy::store::{Column, Kind};

/// A statement: its text, completed when it is first used.
pub(crate) struct Statement {
    template: &'static str,
    text: OnceLock<String>,
}

impl Statement {
    const fn new(template: &'static str) -> Self {
        Self {
            template,
            text: OnceLock::new(),
        }
    }

    pub(crate) fn text(&self) -> &str {
        self.text.get_or_init(|| complete(self.template))
    }
}

/// A template with its braces filled in. What they mean nothing by is left as it is, and no statement.
fn complete(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((inside, after)) = after.split_once('}') else {
            break;
        };
        text.push_str(before);
        match inside.split_once(' ') {
            Some((table, alias)) => text.push_str(&columns(table, alias)),
            None => text.push_str(inside),
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// The columns that stand for a row of a table: first what is read, then the key that names the row.
fn columns(table: &str, alias: &str) -> String {
    match table {
        "organization" => format!("{alias}.record, {alias}.id, {alias}.version, {alias}.status"),
        "summary" => format!("{alias}.summary, {alias}.id"),
        "commits" => {
            format!("{alias}.entry, {alias}.organization_id, {alias}.version, {alias}.id")
        }
        _ => {
            let kind = Kind::ALL.into_iter().find(|kind| kind.table() == table);
            let key = kind.map_or::<&[Column], _>(&[], Kind::key);
            let key: String = key.iter().fold(String::new(), |key, column| {
                format!("{key}, {alias}.{}", column.name)
            });
            format!("{alias}.record, {alias}.organization_id{key}")
        }
    }
}

/// The statements on the records of one kind that say the same of all kinds.
pub(crate) struct OfKind {
    /// Inserts or replaces one: the organization, its key, its columns, its JSON.
    pub(crate) put: Statement,
    /// Deletes one: the organization, its key.
    pub(crate) delete: Statement,
    /// All of an organization, and of each also the columns that [`cells`](crate::rows::cell) are compared with.
    pub(crate) all: Statement,
}

impl OfKind {
    fn new(kind: Kind) -> Self {
        let table = kind.table();
        let names = |columns: &[Column]| -> Vec<&str> {
            columns.iter().map(|column| column.name).collect()
        };
        let (key, columns) = (names(kind.key()), names(kind.columns()));
        let found_by = [&["organization_id"], &*key].concat();
        let set = [&*columns, &["record"]].concat();
        let every = [&*found_by, &*set].concat();
        let numbers: Vec<String> = (1..=every.len())
            .map(|number| format!("?{number}"))
            .collect();
        let each = |names: &[&str], joint: &str, one: &dyn Fn(usize, &str) -> String| {
            let each = names
                .iter()
                .zip(1..)
                .map(|(name, number)| one(number, name));
            each.collect::<Vec<_>>().join(joint)
        };
        Self {
            put: Statement::made(format!(
                "INSERT INTO tenancy_{table} ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}",
                every.join(", "),
                numbers.join(", "),
                found_by.join(", "),
                each(&set, ", ", &|_, name| format!("{name} = excluded.{name}")),
            )),
            delete: Statement::made(format!(
                "DELETE FROM tenancy_{table} WHERE {}",
                each(&found_by, " AND ", &|number, name| format!(
                    "{name} = ?{number}"
                )),
            )),
            all: Statement::made(format!(
                "SELECT {}{} FROM tenancy_{table} r WHERE r.organization_id = ?1",
                self::columns(table, "r"),
                each(&columns, "", &|_, name| format!(", r.{name}")),
            )),
        }
    }
}

impl Statement {
    fn made(text: String) -> Self {
        Self {
            template: "",
            text: OnceLock::from(text),
        }
    }
}

/// The statements of each kind.
macro_rules! of_kinds {
    ($($kind:ident),+) => {
        pub(crate) fn of(kind: Kind) -> &'static OfKind {
            match kind {
                $(Kind::$kind => {
                    static OF_KIND: LazyLock<OfKind> = LazyLock::new(|| OfKind::new(Kind::$kind));
                    &OF_KIND
                })+
            }
        }
    };
}

of_kinds!(
    Member,
    Workspace,
    WorkspaceMember,
    Domain,
    RetiredDomainName,
    Invitation,
    FormerMember
);

/// Declares the statements, and lists them for the tests of their plans.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $($(#[$doc])* pub(crate) static $name: Statement = Statement::new($text);)+

        /// All of them, by name.
        static ALL: &[(&str, &Statement)] = &[$((stringify!($name), &$name)),+];
    };
}

statements! {
    BEGIN_READ = "BEGIN";
    BEGIN_WRITE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";

    // A check: columns only, in one statement, so of one snapshot. What roles of the organization's own add is in its
    // summary, which is read for those alone who hold one.

    STANDING_ORGANIZATION = "SELECT o.version, o.status, m.role, m.counts_until, m.own_role, \
            CASE WHEN m.own_role IS NOT NULL THEN o.summary END \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m INDEXED BY tenancy_members_user \
            ON m.organization_id = o.id AND m.user_id = ?2 \
        WHERE o.id = ?1";
    STANDING_WORKSPACE = "SELECT o.version, o.status, m.role, m.counts_until, m.own_role, \
            CASE WHEN coalesce(m.own_role, wm.own_role) IS NOT NULL THEN o.summary END, \
            wm.role, wm.counts_until, wm.own_role, w.id \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m INDEXED BY tenancy_members_user \
            ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = ?3 \
        LEFT JOIN tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_user \
            ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
        WHERE o.id = ?1";
    STANDING_DOMAIN = "SELECT o.version, o.status, m.role, m.counts_until, m.own_role, \
            CASE WHEN coalesce(m.own_role, wm.own_role) IS NOT NULL THEN o.summary END, \
            wm.role, wm.counts_until, wm.own_role, w.id, d.id, d.kind \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m INDEXED BY tenancy_members_user \
            ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
        LEFT JOIN tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_user \
            ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
        WHERE o.id = ?1";

    // The organization, and a path in it.

    ORGANIZATION = "SELECT {organization o} FROM tenancy_organizations o WHERE o.id = ?1";
    PATH_ORGANIZATION = "SELECT {organization o}, {members m} FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        WHERE o.id = ?1";
    PATH_WORKSPACE = "SELECT {organization o}, {members m}, {workspaces w}, {workspace_members wm} \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = ?3 \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = ?3 AND wm.user_id = ?2 \
        WHERE o.id = ?1";
    PATH_DOMAIN = "SELECT {organization o}, {members m}, {workspaces w}, {workspace_members wm}, {domains d} \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = d.workspace_id AND wm.user_id = ?2 \
        WHERE o.id = ?1";

    // Another path in it, without the organization.

    ALONE_ORGANIZATION = "SELECT {members m} FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        WHERE o.id = ?1";
    ALONE_WORKSPACE = "SELECT {members m}, {workspaces w}, {workspace_members wm} \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = ?3 \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = ?3 AND wm.user_id = ?2 \
        WHERE o.id = ?1";
    ALONE_DOMAIN = "SELECT {members m}, {workspaces w}, {workspace_members wm}, {domains d} \
        FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = d.workspace_id AND wm.user_id = ?2 \
        WHERE o.id = ?1";

    // Single records.

    VERSION = "SELECT o.version FROM tenancy_organizations o WHERE o.id = ?1";
    SUMMARY = "SELECT {summary o} FROM tenancy_organizations o WHERE o.id = ?1";
    NAME_OF = "SELECT n.name_key FROM tenancy_organization_names n WHERE n.organization_id = ?1";
    WORKSPACE_NAMED = "SELECT {workspaces w} FROM tenancy_workspaces w INDEXED BY tenancy_workspaces_name \
        WHERE w.organization_id = ?1 AND w.name_key = ?2";
    DOMAIN_NAMED = "SELECT {domains d} FROM tenancy_domains d INDEXED BY tenancy_domains_name \
        WHERE d.organization_id = ?1 AND d.name = ?2";
    RETIRED = "SELECT {retired_domain_names r} FROM tenancy_retired_domain_names r \
        WHERE r.organization_id = ?1 AND r.name = ?2";
    COMMIT_OF = "SELECT {commits c} FROM tenancy_commits c INDEXED BY tenancy_commits_id \
        WHERE c.id = ?1";
    HOLDER = "SELECT organization_id FROM tenancy_claims WHERE scope = ?1 AND key = ?2";

    // Several records of a command's scene. Addresses are compared as they were folded when they were written.

    MEMBERS_WITH_EMAIL = "SELECT {members m} FROM tenancy_members m INDEXED BY tenancy_members_email \
        WHERE m.organization_id = ?1 AND m.email_key = ?2";
    MEMBERS_WITH_EMAIL_THERE = "SELECT {members m}, {workspace_members wm} \
        FROM tenancy_members m INDEXED BY tenancy_members_email \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = ?1 AND wm.workspace_id = ?3 AND wm.user_id = m.user_id \
        WHERE m.organization_id = ?1 AND m.email_key = ?2";
    /// The invitation and its workspace; its inviter there; who answers it, there and formerly.
    INVITATION = "SELECT {invitations i}, {workspaces w}, {members m}, {workspace_members wm}, \
            {members n}, {workspace_members wn}, {former_members f}, {former_members g} \
        FROM tenancy_invitations i \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = ?1 AND w.id = i.workspace_id \
        LEFT JOIN tenancy_members m ON m.organization_id = ?1 AND m.user_id = i.inviter \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = ?1 AND wm.workspace_id = i.workspace_id AND wm.user_id = i.inviter \
        LEFT JOIN tenancy_members n ON n.organization_id = ?1 AND n.user_id = ?3 \
        LEFT JOIN tenancy_workspace_members wn \
            ON wn.organization_id = ?1 AND wn.workspace_id = i.workspace_id AND wn.user_id = ?3 \
        LEFT JOIN tenancy_former_members f \
            ON f.organization_id = ?1 AND f.user_id = ?3 AND f.workspace_id = zeroblob(16) \
        LEFT JOIN tenancy_former_members g \
            ON g.organization_id = ?1 AND g.user_id = ?3 AND g.workspace_id = i.workspace_id \
        WHERE i.organization_id = ?1 AND i.id = ?2";
    MEMBERS_INVITED = "SELECT {members m}, {workspace_members wm} FROM tenancy_invitations i \
        CROSS JOIN tenancy_members m INDEXED BY tenancy_members_email \
            ON m.organization_id = ?1 AND m.email_key = i.email_key \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = ?1 AND wm.workspace_id = i.workspace_id AND wm.user_id = m.user_id \
        WHERE i.organization_id = ?1 AND i.id = ?2";
    OPEN_BESIDE = "SELECT {invitations o} FROM tenancy_invitations i \
        CROSS JOIN tenancy_invitations o INDEXED BY tenancy_invitations_email \
            ON o.email_key = i.email_key AND o.organization_id = ?1 AND o.state = 1 AND o.id <> ?2 \
        WHERE i.organization_id = ?1 AND i.id = ?2";
    MEMBERSHIPS_OF = "SELECT {workspace_members wm}, {workspaces w} \
        FROM tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_user \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = ?1 AND w.id = wm.workspace_id \
        WHERE wm.organization_id = ?1 AND wm.user_id = ?2";
    DEPARTURES_OF = "SELECT {former_members f} FROM tenancy_former_members f \
        WHERE f.organization_id = ?1 AND f.user_id = ?2";
    OPEN_TO = "SELECT {invitations i} FROM tenancy_invitations i INDEXED BY tenancy_invitations_email \
        WHERE i.email_key = ?2 AND i.organization_id = ?1 AND i.state = 1";
    SENT_TO = "SELECT {members m}, {invitations i} FROM tenancy_members m \
        LEFT JOIN tenancy_invitations i INDEXED BY tenancy_invitations_email \
            ON i.email_key = m.email_key AND i.organization_id = ?1 AND i.state = 1 \
        WHERE m.organization_id = ?1 AND m.user_id = ?2";
    /// With every other one to the same addresses.
    OPEN_BY = "SELECT {invitations o} FROM tenancy_invitations i INDEXED BY tenancy_invitations_inviter \
        CROSS JOIN tenancy_invitations o INDEXED BY tenancy_invitations_email \
            ON o.email_key = i.email_key AND o.organization_id = ?1 AND o.state = 1 \
        WHERE i.organization_id = ?1 AND i.inviter = ?2 AND i.state = 1";
    MEMBERS_INVITED_BY = "SELECT {members m} \
        FROM tenancy_invitations i INDEXED BY tenancy_invitations_inviter \
        CROSS JOIN tenancy_members m INDEXED BY tenancy_members_email \
            ON m.organization_id = ?1 AND m.email_key = i.email_key \
        WHERE i.organization_id = ?1 AND i.inviter = ?2 AND i.state = 1";
    /// With every other one to the same addresses.
    OPEN_INTO = "SELECT {invitations o} FROM tenancy_invitations i INDEXED BY tenancy_invitations_workspace \
        CROSS JOIN tenancy_invitations o INDEXED BY tenancy_invitations_email \
            ON o.email_key = i.email_key AND o.organization_id = ?1 AND o.state = 1 \
        WHERE i.organization_id = ?1 AND i.workspace_id = ?2 AND i.state = 1";
    MEMBERS_INVITED_INTO = "SELECT {members m} \
        FROM tenancy_invitations i INDEXED BY tenancy_invitations_workspace \
        CROSS JOIN tenancy_members m INDEXED BY tenancy_members_email \
            ON m.organization_id = ?1 AND m.email_key = i.email_key \
        WHERE i.organization_id = ?1 AND i.workspace_id = ?2 AND i.state = 1";
    OPEN = "SELECT {invitations i} FROM tenancy_invitations i INDEXED BY tenancy_invitations_open \
        WHERE i.organization_id = ?1 AND i.state = 1";

    // Pages: after a key, in its order. An empty blob comes before every id.

    PAGE_MEMBERS = "SELECT {members m} FROM tenancy_members m \
        WHERE m.organization_id = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3";
    PAGE_MEMBERS_ROLE = "SELECT {members m} FROM tenancy_members m INDEXED BY tenancy_members_role \
        WHERE m.organization_id = ?1 AND m.role = ?4 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3";
    PAGE_WORKSPACES = "SELECT {workspaces w} FROM tenancy_workspaces w \
        WHERE w.organization_id = ?1 AND w.id > ?2 ORDER BY w.id LIMIT ?3";
    PAGE_WORKSPACES_OF = "SELECT {workspaces w}, {workspace_members wm} \
        FROM tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_user \
        CROSS JOIN tenancy_workspaces w ON w.organization_id = ?1 AND w.id = wm.workspace_id \
        WHERE wm.organization_id = ?1 AND wm.user_id = ?4 AND wm.workspace_id > ?2 \
        ORDER BY wm.workspace_id LIMIT ?3";
    PAGE_WORKSPACE_MEMBERS = "SELECT {workspace_members wm} FROM tenancy_workspace_members wm \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?4 AND wm.user_id > ?2 \
        ORDER BY wm.user_id LIMIT ?3";
    PAGE_WORKSPACE_MEMBERS_ROLE = "SELECT {workspace_members wm} \
        FROM tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_role \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?4 AND wm.role = ?5 AND wm.user_id > ?2 \
        ORDER BY wm.user_id LIMIT ?3";
    PAGE_HOLDERS = "SELECT {members m} FROM tenancy_members m INDEXED BY tenancy_members_own_role \
        WHERE m.organization_id = ?1 AND m.own_role = ?4 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3";
    PAGE_HOLDERS_THERE = "SELECT {workspace_members wm} \
        FROM tenancy_workspace_members wm INDEXED BY tenancy_workspace_members_own_role \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?5 AND wm.own_role = ?4 AND wm.user_id > ?2 \
        ORDER BY wm.user_id LIMIT ?3";
    PAGE_DOMAINS = "SELECT {domains d} FROM tenancy_domains d INDEXED BY tenancy_domains_workspace \
        WHERE d.organization_id = ?1 AND d.workspace_id = ?4 AND d.id > ?2 ORDER BY d.id LIMIT ?3";
    /// Empty text comes before every name.
    PAGE_KEPT_NAMES = "SELECT {retired_domain_names r} FROM tenancy_retired_domain_names r \
        WHERE r.organization_id = ?1 AND r.name > ?2 ORDER BY r.name LIMIT ?3";
    PAGE_OPEN = "SELECT {invitations i} FROM tenancy_invitations i INDEXED BY tenancy_invitations_open \
        WHERE i.organization_id = ?1 AND i.id > ?2 AND i.state = 1 ORDER BY i.id LIMIT ?3";
    PAGE_OPEN_INTO = "SELECT {invitations i} FROM tenancy_invitations i \
        INDEXED BY tenancy_invitations_workspace \
        WHERE i.organization_id = ?1 AND i.workspace_id = ?4 AND i.id > ?2 AND i.state = 1 \
        ORDER BY i.id LIMIT ?3";
    PAGE_ORGANIZATIONS_OF = "SELECT {summary o}, {members m} \
        FROM tenancy_members m INDEXED BY tenancy_members_user \
        CROSS JOIN tenancy_organizations o ON o.id = m.organization_id \
        WHERE m.user_id = ?1 AND m.organization_id > ?2 ORDER BY m.organization_id LIMIT ?3";
    PAGE_INVITATIONS_TO = "SELECT {summary o}, {invitations i}, {workspaces w} \
        FROM tenancy_invitations i INDEXED BY tenancy_invitations_email \
        CROSS JOIN tenancy_organizations o ON o.id = i.organization_id \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = i.organization_id AND w.id = i.workspace_id \
        WHERE i.email_key = ?1 AND (i.organization_id, i.id) > (?2, ?4) AND i.state = 1 \
        ORDER BY i.organization_id, i.id LIMIT ?3";
    /// An empty blob comes before every id: with it, the prefix is the place before all that begin with it.
    PAGE_ORGANIZATIONS_NAMED = "SELECT {summary o}, n.name_key \
        FROM tenancy_organization_names n INDEXED BY tenancy_organization_names_key \
        CROSS JOIN tenancy_organizations o ON o.id = n.organization_id \
        WHERE (n.name_key, n.organization_id) > (?1, ?2) AND n.name_key < ?4 \
        ORDER BY n.name_key, n.organization_id LIMIT ?3";
    PAGE_ORGANIZATIONS = "SELECT {summary o} FROM tenancy_organizations o \
        WHERE o.id > ?1 ORDER BY o.id LIMIT ?2";
    /// Each once, whoever else has the address.
    PAGE_ORGANIZATIONS_WITH = "SELECT {summary o} \
        FROM tenancy_members m INDEXED BY tenancy_members_email \
        CROSS JOIN tenancy_organizations o ON o.id = m.organization_id \
        WHERE m.email_key = ?1 AND m.organization_id > ?2 \
        GROUP BY m.organization_id ORDER BY m.organization_id LIMIT ?3";
    PAGE_LOG = "SELECT {commits c} FROM tenancy_commits c \
        WHERE c.organization_id = ?1 AND c.version > ?2 ORDER BY c.version LIMIT ?3";

    // All of one organization, to verify it.

    ALL_COMMITS = "SELECT {commits c} FROM tenancy_commits c WHERE c.organization_id = ?1 ORDER BY c.version";
    CLAIMS_OF = "SELECT c.scope, c.key FROM tenancy_claims c INDEXED BY tenancy_claims_organization \
        WHERE c.organization_id = ?1";

    // A commit.

    CREATE_ORGANIZATION = "INSERT INTO tenancy_organizations (id, version, status, summary, record) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (id) DO NOTHING";
    /// The compare-and-set on which everything rests: it changes one row, or somebody else was first.
    UPDATE_ORGANIZATION = "UPDATE tenancy_organizations SET version = ?2, status = ?3, summary = ?4, record = ?5 \
        WHERE id = ?1 AND version = ?6";
    /// Nothing is written while the name stays as it is.
    NAME = "INSERT INTO tenancy_organization_names (organization_id, name_key) VALUES (?1, ?2) \
        ON CONFLICT (organization_id) DO UPDATE SET name_key = excluded.name_key \
        WHERE name_key <> excluded.name_key";
    CLAIM = "INSERT INTO tenancy_claims (scope, key, organization_id) VALUES (?2, ?3, ?1) \
        ON CONFLICT (scope, key) DO NOTHING";
    RELEASE = "DELETE FROM tenancy_claims WHERE scope = ?2 AND key = ?3 AND organization_id = ?1";
    /// The log's entry, written first if it is this commit's turn: none is written under an id that is used.
    /// Out of turn its version is null, and such a row is passed over. (A row of a SELECT with a WHERE would do the same, for
    /// a journal of the pages that the statement changes, in case there is a second row.)
    LOG = "INSERT INTO tenancy_commits (organization_id, version, id, entry) VALUES (?1, \
            CASE coalesce((SELECT o.version FROM tenancy_organizations o WHERE o.id = ?1), 0) WHEN ?5 THEN ?2 END, \
            ?3, ?4) \
        ON CONFLICT (id) DO NOTHING";
    /// An organization that waits already stays where it is in the queue.
    ENQUEUE = "INSERT INTO tenancy_outbox (organization_id, first, due, attempts) VALUES (?1, ?2, ?3, 0) \
        ON CONFLICT (organization_id) DO NOTHING";

    // The outbox.

    OUTBOX_AHEAD = "SELECT 1 FROM tenancy_outbox o INDEXED BY tenancy_outbox_due WHERE o.due > ?1 LIMIT 1";
    OUTBOX_HEAL = "UPDATE tenancy_outbox INDEXED BY tenancy_outbox_due SET due = ?1 WHERE due > ?2";
    OUTBOX_NEXT = "SELECT o.organization_id FROM tenancy_outbox o INDEXED BY tenancy_outbox_due \
        WHERE o.due <= ?1 ORDER BY o.due, o.organization_id LIMIT 1";
    OUTBOX_TURN = "SELECT o.first, o.attempts FROM tenancy_outbox o WHERE o.organization_id = ?1 AND o.due <= ?2";
    OUTBOX_TAKE = "UPDATE tenancy_outbox SET due = ?2, worker = ?3, attempts = ?4 \
        WHERE organization_id = ?1";
    OUTBOX_ENTRIES = "SELECT {commits c} FROM tenancy_commits c \
        WHERE c.organization_id = ?1 AND c.version >= ?2 AND NOT EXISTS (\
            SELECT 1 FROM tenancy_outbox_parked p \
            WHERE p.organization_id = ?1 AND p.version = c.version) \
        ORDER BY c.version LIMIT ?3";
    OUTBOX_ENTRY = "SELECT {commits c} FROM tenancy_commits c \
        WHERE c.organization_id = ?1 AND c.version = ?2 LIMIT ?3";
    OUTBOX_HOLDS = "SELECT 1 FROM tenancy_outbox o \
        WHERE o.organization_id = ?1 AND o.worker = ?2 AND o.due > ?3";
    OUTBOX_SETTLE = "UPDATE tenancy_outbox SET first = max(first, ?2) WHERE organization_id = ?1";
    OUTBOX_ATTEMPTS = "SELECT o.attempts FROM tenancy_outbox o WHERE o.organization_id = ?1 AND o.worker = ?2";
    OUTBOX_RETURN = "UPDATE tenancy_outbox SET worker = NULL, due = ?3 \
        WHERE organization_id = ?1 AND worker = ?2";
    OUTBOX_GIVE_BACK = "UPDATE tenancy_outbox SET worker = NULL, due = ?3, attempts = ?4, error = ?5 \
        WHERE organization_id = ?1 AND worker = ?2";
    /// Unless a worker has it, who removes it then.
    OUTBOX_REMOVE = "DELETE FROM tenancy_outbox AS o \
        WHERE o.organization_id = ?1 AND o.worker IS NULL \
        AND NOT EXISTS (\
            SELECT 1 FROM tenancy_commits c \
            WHERE c.organization_id = ?1 AND c.version >= o.first AND NOT EXISTS (\
                SELECT 1 FROM tenancy_outbox_parked p \
                WHERE p.organization_id = ?1 AND p.version = c.version)) \
        AND NOT EXISTS (\
            SELECT 1 FROM tenancy_outbox_parked p INDEXED BY tenancy_outbox_parked_state \
            WHERE p.state = 3 AND p.organization_id = ?1)";
    OUTBOX_DEPTH = "SELECT \
        (SELECT count(*) FROM tenancy_outbox), \
        (SELECT coalesce(sum(g.version - o.first + 1), 0) FROM tenancy_outbox o \
            CROSS JOIN tenancy_organizations g ON g.id = o.organization_id), \
        (SELECT count(*) FROM tenancy_outbox o INDEXED BY tenancy_outbox_failing WHERE o.error IS NOT NULL), \
        (SELECT count(*) FROM tenancy_outbox_parked p INDEXED BY tenancy_outbox_parked_state \
            WHERE p.state IN (1, 3)), \
        (SELECT count(*) FROM tenancy_outbox_parked p INDEXED BY tenancy_outbox_parked_state \
            WHERE p.state = 2), \
        (SELECT min(o.due) FROM tenancy_outbox o INDEXED BY tenancy_outbox_due)";
    OUTBOX_FAILING = "SELECT o.organization_id, (\
            SELECT min(c.version) FROM tenancy_commits c \
            WHERE c.organization_id = o.organization_id AND c.version >= o.first AND NOT EXISTS (\
                SELECT 1 FROM tenancy_outbox_parked p \
                WHERE p.organization_id = c.organization_id AND p.version = c.version)), \
            o.attempts, o.error, o.due \
        FROM tenancy_outbox o INDEXED BY tenancy_outbox_failing \
        WHERE o.error IS NOT NULL AND o.organization_id > ?1 ORDER BY o.organization_id LIMIT ?2";
    OUTBOX_FIRST = "SELECT c.version FROM tenancy_outbox o CROSS JOIN tenancy_commits c \
            ON c.organization_id = ?1 AND c.version >= o.first \
        WHERE o.organization_id = ?1 AND NOT EXISTS (\
            SELECT 1 FROM tenancy_outbox_parked p \
            WHERE p.organization_id = ?1 AND p.version = c.version) \
        ORDER BY c.version LIMIT 1";
    OUTBOX_WAITS = "SELECT 1 FROM tenancy_outbox o CROSS JOIN tenancy_commits c \
            ON c.organization_id = ?1 AND c.version = ?2 \
        WHERE o.organization_id = ?1 AND o.first <= ?2";
    OUTBOX_NOW = "UPDATE tenancy_outbox SET attempts = 0, error = NULL, \
            due = CASE WHEN worker IS NULL THEN ?2 ELSE due END \
        WHERE organization_id = ?1";
    /// Takes an organization from its worker. It stays due when the lease would have ended: an entry may still be in
    /// that worker's hands.
    OUTBOX_LOSE = "UPDATE tenancy_outbox SET worker = NULL WHERE organization_id = ?1";
    /// With nothing to deliver but what was released, or as it is.
    OUTBOX_ENTER = "INSERT INTO tenancy_outbox (organization_id, first, due, attempts) \
        SELECT o.id, o.version + 1, ?2, 0 FROM tenancy_organizations o WHERE o.id = ?1 \
        ON CONFLICT (organization_id) DO UPDATE SET due = excluded.due WHERE worker IS NULL";

    PARKED_STATE = "SELECT p.state FROM tenancy_outbox_parked p \
        WHERE p.organization_id = ?1 AND p.version = ?2";
    PARKED_PUT = "INSERT INTO tenancy_outbox_parked (organization_id, version, state, why, at) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, version) DO UPDATE SET \
            state = excluded.state, why = excluded.why, at = excluded.at";
    PARKED_MOVE = "UPDATE tenancy_outbox_parked SET state = ?3, at = ?4 \
        WHERE organization_id = ?1 AND version = ?2";
    PARKED_RELEASED = "SELECT p.version FROM tenancy_outbox_parked p INDEXED BY tenancy_outbox_parked_state \
        WHERE p.state = 3 AND p.organization_id = ?1 ORDER BY p.version LIMIT 1";
    PARKED_FORGET = "DELETE FROM tenancy_outbox_parked WHERE organization_id = ?1 AND version = ?2";
    PARKED_LIST = "SELECT p.organization_id, p.version, p.state, p.why, p.at FROM tenancy_outbox_parked p \
        WHERE (p.organization_id, p.version) > (?1, ?2) \
        ORDER BY p.organization_id, p.version LIMIT ?3";
}

/// Every statement there is.
pub(crate) fn every() -> impl Iterator<Item = &'static Statement> {
    let of_kinds = Kind::ALL.into_iter().map(of);
    let of_kinds = of_kinds.flat_map(|of| [&of.put, &of.delete, &of.all]);
    ALL.iter().map(|(_, statement)| *statement).chain(of_kinds)
}

#[cfg(test)]
mod plans;
#[cfg(test)]
pub(crate) mod tests;
