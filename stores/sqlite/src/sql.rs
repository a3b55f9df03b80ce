//! Every statement, as a constant: prepared once a connection, then only bound and run.
//!
//! Parameters are `?1`, `?2`: to SQLite `$1` is a *name*, numbered by first appearance. In every
//! statement on one organization, `?1` is the organization.

/// Each table's columns: first its key, by which an unreadable row is named.
macro_rules! columns {
    (organizations) => {
        "o.id, o.version, o.status, o.name, o.company, o.invoicing, o.contract, o.workspace_quota, \
         o.workspaces, o.domains, o.members, o.admins, o.invitations, o.created_at"
    };
    (members) => {
        "m.organization_id, m.user_id, m.role, m.email, m.since"
    };
    (workspaces) => {
        "w.organization_id, w.id, w.name, w.invoicing, w.domains, w.members, w.created_at"
    };
    (workspace_members) => {
        "wm.organization_id, wm.workspace_id, wm.user_id, wm.role, wm.since"
    };
    (domains) => {
        "d.organization_id, d.id, d.workspace_id, d.name, d.kind, d.status, d.created_at"
    };
    (retired) => {
        "r.organization_id, r.name, r.retired_at"
    };
    (invitations) => {
        "i.organization_id, i.id, i.email, i.workspace_id, i.role, i.inviter, i.token_hash, \
         i.sent_at, i.expires_at, i.state"
    };
    (commits) => {
        "c.organization_id, c.version, c.id, c.at, c.author, c.command, c.events"
    };
}

/// Declares the statements, and lists them for the test of their plans.
macro_rules! statements {
    ($($(#[$doc:meta])* $name:ident = $($text:expr),+;)+) => {
        $($(#[$doc])* pub(crate) const $name: &str = concat!($($text),+);)+

        /// All of them, by name.
        #[cfg(test)]
        pub(crate) const ALL: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

statements! {
    BEGIN_READ = "BEGIN";
    BEGIN_WRITE = "BEGIN IMMEDIATE";
    COMMIT = "COMMIT";
    ROLLBACK = "ROLLBACK";

    // A check: primary keys only, one statement, so one snapshot.

    STANDING_ORGANIZATION = "SELECT o.version, m.role FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        WHERE o.id = ?1";
    STANDING_WORKSPACE = "SELECT o.version, m.role, wm.role, w.id FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = ?3 \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
        WHERE o.id = ?1";
    STANDING_DOMAIN = "SELECT o.version, m.role, wm.role, w.id, d.id FROM tenancy_organizations o \
        LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
        LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
        LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
        LEFT JOIN tenancy_workspace_members wm \
            ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
        WHERE o.id = ?1";

    // Single records.

    ORGANIZATION = "SELECT ", columns!(organizations), " FROM tenancy_organizations o WHERE o.id = ?1";
    VERSION = "SELECT o.version FROM tenancy_organizations o WHERE o.id = ?1";
    MEMBER = "SELECT ", columns!(members), " FROM tenancy_members m \
        WHERE m.organization_id = ?1 AND m.user_id = ?2";
    WORKSPACE = "SELECT ", columns!(workspaces), " FROM tenancy_workspaces w \
        WHERE w.organization_id = ?1 AND w.id = ?2";
    WORKSPACE_NAMED = "SELECT ", columns!(workspaces), " FROM tenancy_workspaces w \
        WHERE w.organization_id = ?1 AND w.name_key = ?2";
    WORKSPACE_MEMBER = "SELECT ", columns!(workspace_members), " FROM tenancy_workspace_members wm \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?2 AND wm.user_id = ?3";
    DOMAIN = "SELECT ", columns!(domains), " FROM tenancy_domains d \
        WHERE d.organization_id = ?1 AND d.id = ?2";
    DOMAIN_NAMED = "SELECT ", columns!(domains), " FROM tenancy_domains d \
        WHERE d.organization_id = ?1 AND d.name = ?2";
    RETIRED = "SELECT ", columns!(retired), " FROM tenancy_retired_domain_names r \
        WHERE r.organization_id = ?1 AND r.name = ?2";
    INVITATION = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.id = ?2";
    COMMIT_OF = "SELECT ", columns!(commits), " FROM tenancy_commits c \
        WHERE c.organization_id = ?1 AND c.id = ?2";
    HOLDER = "SELECT organization_id FROM tenancy_claims WHERE scope = ?1 AND key = ?2";

    // Several records of a command's scene.

    MEMBERS_WITH_EMAIL = "SELECT ", columns!(members), " FROM tenancy_members m \
        WHERE m.organization_id = ?1 AND m.email_key = ?2";
    WORKSPACES_OF = "SELECT ", columns!(workspace_members), " FROM tenancy_workspace_members wm \
        WHERE wm.organization_id = ?1 AND wm.user_id = ?2";
    OPEN_TO = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.email_key = ?2 AND i.state = 0";
    OPEN_BY = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.inviter = ?2 AND i.state = 0";
    OPEN_INTO = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.workspace_id = ?2 AND i.state = 0";
    OPEN = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.state = 0";

    // Pages: after a key, in its order. An empty blob comes before every id.

    PAGE_MEMBERS = "SELECT ", columns!(members), " FROM tenancy_members m \
        WHERE m.organization_id = ?1 AND m.user_id > ?2 ORDER BY m.user_id LIMIT ?3";
    PAGE_MEMBERS_ROLE = "SELECT ", columns!(members), " FROM tenancy_members m \
        WHERE m.organization_id = ?1 AND m.user_id > ?2 AND m.role = ?4 ORDER BY m.user_id LIMIT ?3";
    PAGE_WORKSPACES = "SELECT ", columns!(workspaces), " FROM tenancy_workspaces w \
        WHERE w.organization_id = ?1 AND w.id > ?2 ORDER BY w.id LIMIT ?3";
    PAGE_WORKSPACES_OF = "SELECT ", columns!(workspaces), ", ", columns!(workspace_members), " \
        FROM tenancy_workspace_members wm \
        CROSS JOIN tenancy_workspaces w ON w.organization_id = ?1 AND w.id = wm.workspace_id \
        WHERE wm.organization_id = ?1 AND wm.user_id = ?4 AND wm.workspace_id > ?2 \
        ORDER BY wm.workspace_id LIMIT ?3";
    PAGE_WORKSPACE_MEMBERS = "SELECT ", columns!(workspace_members), " \
        FROM tenancy_workspace_members wm \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?4 AND wm.user_id > ?2 \
        ORDER BY wm.user_id LIMIT ?3";
    PAGE_WORKSPACE_MEMBERS_ROLE = "SELECT ", columns!(workspace_members), " \
        FROM tenancy_workspace_members wm \
        WHERE wm.organization_id = ?1 AND wm.workspace_id = ?4 AND wm.user_id > ?2 AND wm.role = ?5 \
        ORDER BY wm.user_id LIMIT ?3";
    PAGE_DOMAINS = "SELECT ", columns!(domains), " FROM tenancy_domains d \
        WHERE d.organization_id = ?1 AND d.workspace_id = ?4 AND d.id > ?2 ORDER BY d.id LIMIT ?3";
    PAGE_OPEN = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.id > ?2 AND i.state = 0 ORDER BY i.id LIMIT ?3";
    PAGE_OPEN_INTO = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1 AND i.workspace_id = ?4 AND i.id > ?2 AND i.state = 0 \
        ORDER BY i.id LIMIT ?3";
    PAGE_ORGANIZATIONS_OF = "SELECT ", columns!(organizations), ", ", columns!(members), " \
        FROM tenancy_members m CROSS JOIN tenancy_organizations o ON o.id = m.organization_id \
        WHERE m.user_id = ?1 AND m.organization_id > ?2 ORDER BY m.organization_id LIMIT ?3";
    PAGE_INVITATIONS_TO = "SELECT ", columns!(organizations), ", ", columns!(invitations), " \
        FROM tenancy_invitations i CROSS JOIN tenancy_organizations o ON o.id = i.organization_id \
        WHERE i.email_key = ?1 AND (i.organization_id, i.id) > (?2, ?4) AND i.state = 0 \
        ORDER BY i.organization_id, i.id LIMIT ?3";
    PAGE_LOG = "SELECT ", columns!(commits), " FROM tenancy_commits c \
        WHERE c.organization_id = ?1 AND c.version > ?2 ORDER BY c.version LIMIT ?3";

    // All records of one organization, to verify it.

    ALL_MEMBERS = "SELECT ", columns!(members), " FROM tenancy_members m WHERE m.organization_id = ?1";
    ALL_WORKSPACES = "SELECT ", columns!(workspaces), " FROM tenancy_workspaces w \
        WHERE w.organization_id = ?1";
    ALL_WORKSPACE_MEMBERS = "SELECT ", columns!(workspace_members), " \
        FROM tenancy_workspace_members wm WHERE wm.organization_id = ?1";
    ALL_DOMAINS = "SELECT ", columns!(domains), " FROM tenancy_domains d WHERE d.organization_id = ?1";
    ALL_RETIRED = "SELECT ", columns!(retired), " FROM tenancy_retired_domain_names r \
        WHERE r.organization_id = ?1";
    ALL_INVITATIONS = "SELECT ", columns!(invitations), " FROM tenancy_invitations i \
        WHERE i.organization_id = ?1";
    ALL_COMMITS = "SELECT ", columns!(commits), " FROM tenancy_commits c \
        WHERE c.organization_id = ?1 ORDER BY c.version";

    CLAIMS_OF = "SELECT key FROM tenancy_claims WHERE organization_id = ?1 AND scope = 0";

    // A commit.

    CREATE_ORGANIZATION = "INSERT INTO tenancy_organizations (id, version, status, name, company, \
            invoicing, contract, workspace_quota, workspaces, domains, members, admins, invitations, \
            created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (id) DO NOTHING";
    /// The compare-and-set on which everything rests: it changes one row, or somebody else was first.
    UPDATE_ORGANIZATION = "UPDATE tenancy_organizations SET version = ?2, status = ?3, name = ?4, \
            company = ?5, invoicing = ?6, contract = ?7, workspace_quota = ?8, workspaces = ?9, \
            domains = ?10, members = ?11, admins = ?12, invitations = ?13, created_at = ?14 \
        WHERE id = ?1 AND version = ?15";
    PUT_MEMBER = "INSERT INTO tenancy_members (organization_id, user_id, role, email, email_key, since) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (organization_id, user_id) DO UPDATE SET \
            role = excluded.role, email = excluded.email, email_key = excluded.email_key, \
            since = excluded.since";
    DELETE_MEMBER = "DELETE FROM tenancy_members WHERE organization_id = ?1 AND user_id = ?2";
    PUT_WORKSPACE = "INSERT INTO tenancy_workspaces (organization_id, id, name, name_key, invoicing, \
            domains, members, created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (organization_id, id) DO UPDATE SET \
            name = excluded.name, name_key = excluded.name_key, invoicing = excluded.invoicing, \
            domains = excluded.domains, members = excluded.members, created_at = excluded.created_at";
    DELETE_WORKSPACE = "DELETE FROM tenancy_workspaces WHERE organization_id = ?1 AND id = ?2";
    PUT_WORKSPACE_MEMBER = "INSERT INTO tenancy_workspace_members (organization_id, workspace_id, \
            user_id, role, since) \
        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (organization_id, workspace_id, user_id) DO UPDATE SET \
            role = excluded.role, since = excluded.since";
    DELETE_WORKSPACE_MEMBER = "DELETE FROM tenancy_workspace_members \
        WHERE organization_id = ?1 AND workspace_id = ?2 AND user_id = ?3";
    PUT_DOMAIN = "INSERT INTO tenancy_domains (organization_id, id, workspace_id, name, kind, status, \
            created_at) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (organization_id, id) DO UPDATE SET \
            workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind, \
            status = excluded.status, created_at = excluded.created_at";
    DELETE_DOMAIN = "DELETE FROM tenancy_domains WHERE organization_id = ?1 AND id = ?2";
    PUT_RETIRED = "INSERT INTO tenancy_retired_domain_names (organization_id, name, retired_at) \
        VALUES (?1, ?2, ?3) ON CONFLICT (organization_id, name) DO UPDATE SET \
            retired_at = excluded.retired_at";
    DELETE_RETIRED = "DELETE FROM tenancy_retired_domain_names WHERE organization_id = ?1 AND name = ?2";
    PUT_INVITATION = "INSERT INTO tenancy_invitations (organization_id, id, email, email_key, \
            workspace_id, role, inviter, token_hash, sent_at, expires_at, state) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
        ON CONFLICT (organization_id, id) DO UPDATE SET \
            email = excluded.email, email_key = excluded.email_key, \
            workspace_id = excluded.workspace_id, role = excluded.role, inviter = excluded.inviter, \
            token_hash = excluded.token_hash, sent_at = excluded.sent_at, \
            expires_at = excluded.expires_at, state = excluded.state";
    DELETE_INVITATION = "DELETE FROM tenancy_invitations WHERE organization_id = ?1 AND id = ?2";
    CLAIM = "INSERT INTO tenancy_claims (scope, key, organization_id) VALUES (?2, ?3, ?1) \
        ON CONFLICT (scope, key) DO NOTHING";
    RELEASE = "DELETE FROM tenancy_claims WHERE scope = ?2 AND key = ?3 AND organization_id = ?1";
    LOG = "INSERT INTO tenancy_commits (organization_id, version, id, at, author, command, events) \
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    /// An organization that waits already stays where it is in the queue.
    ENQUEUE = "INSERT INTO tenancy_outbox (organization_id, first, due) VALUES (?1, ?2, ?3) \
        ON CONFLICT (organization_id) DO NOTHING";

    // The outbox.

    /// Whoever waits longer than anybody is ever made to wait: the clock was set back.
    OUTBOX_HEAL = "UPDATE tenancy_outbox SET due = ?1 WHERE due > ?2";
    OUTBOX_AHEAD = "SELECT 1 FROM tenancy_outbox WHERE due > ?1 LIMIT 1";
    OUTBOX_NEXT = "SELECT organization_id, first FROM tenancy_outbox WHERE due <= ?1 \
        ORDER BY due, organization_id LIMIT 1";
    OUTBOX_TAKE = "UPDATE tenancy_outbox SET due = ?2, worker = ?3 WHERE organization_id = ?1";
    OUTBOX_SETTLE = "UPDATE tenancy_outbox SET first = max(first, ?2) WHERE organization_id = ?1";
    OUTBOX_RETURN = "UPDATE tenancy_outbox SET due = ?2, worker = NULL \
        WHERE organization_id = ?1 AND worker = ?3";
    OUTBOX_REMOVE = "DELETE FROM tenancy_outbox WHERE organization_id = ?1 AND first > \
        (SELECT o.version FROM tenancy_organizations o WHERE o.id = ?1)";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Statements without a plan: they look at no table, or only put a row into one.
    const NO_PLAN: [&str; 4] = ["BEGIN_READ", "BEGIN_WRITE", "COMMIT", "ROLLBACK"];

    #[test]
    fn no_statement_scans_a_table_or_sorts() {
        let mut connection = rusqlite::Connection::open_in_memory().unwrap();
        crate::migrate(&mut connection).unwrap();
        for (name, sql) in ALL {
            if NO_PLAN.contains(name) {
                continue;
            }
            let mut statement = connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .unwrap();
            let mut rows = statement.raw_query();
            while let Some(row) = rows.next().unwrap() {
                let step: String = row.get(3).unwrap();
                assert!(!step.contains("SCAN"), "{name}: {step}\n{sql}");
                assert!(!step.contains("TEMP B-TREE"), "{name}: {step}\n{sql}");
                assert!(!step.contains("AUTOMATIC"), "{name}: {step}\n{sql}");
            }
        }
    }

    #[test]
    fn every_parameter_is_numbered() {
        for (name, sql) in ALL {
            assert!(!sql.contains('$') && !sql.contains(':'), "{name}");
            let mut pieces = sql.split('?');
            pieces.next();
            let bare = pieces.any(|piece| !piece.starts_with(|next: char| next.is_ascii_digit()));
            assert!(!bare, "{name}: {sql}");
        }
    }
}
