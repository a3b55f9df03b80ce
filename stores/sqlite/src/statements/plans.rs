//! Which index each statement uses, with all its columns: what the bundled SQLite says to `EXPLAIN QUERY PLAN`.

/// Each statement's name and plan. What only puts a row into a table has none.
pub(super) const PLANS: &[(&str, &[&str])] = &[
    ("BEGIN_READ", &[]),
    ("BEGIN_WRITE", &[]),
    ("COMMIT", &[]),
    ("ROLLBACK", &[]),
    (
        "STANDING_ORGANIZATION",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING COVERING INDEX tenancy_members_user (user_id=? AND organization_id=?) LEFT-JOIN",
        ],
    ),
    (
        "STANDING_WORKSPACE",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING COVERING INDEX tenancy_members_user (user_id=? AND organization_id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING COVERING INDEX tenancy_workspace_members_user (organization_id=? AND user_id=? AND workspace_id=?) LEFT-JOIN",
        ],
    ),
    (
        "STANDING_DOMAIN",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING COVERING INDEX tenancy_members_user (user_id=? AND organization_id=?) LEFT-JOIN",
            "SEARCH d USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING COVERING INDEX tenancy_workspace_members_user (organization_id=? AND user_id=? AND workspace_id=?) LEFT-JOIN",
        ],
    ),
    ("ORGANIZATION", &["SEARCH o USING PRIMARY KEY (id=?)"]),
    (
        "PATH_ORGANIZATION",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "PATH_WORKSPACE",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "PATH_DOMAIN",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH d USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "ALONE_ORGANIZATION",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "ALONE_WORKSPACE",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "ALONE_DOMAIN",
        &[
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH d USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    ("VERSION", &["SEARCH o USING PRIMARY KEY (id=?)"]),
    ("SUMMARY", &["SEARCH o USING PRIMARY KEY (id=?)"]),
    (
        "NAME_OF",
        &["SEARCH n USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "WORKSPACE_NAMED",
        &["SEARCH w USING INDEX tenancy_workspaces_name (organization_id=? AND name_key=?)"],
    ),
    (
        "DOMAIN_NAMED",
        &["SEARCH d USING INDEX tenancy_domains_name (organization_id=? AND name=?)"],
    ),
    (
        "RETIRED",
        &["SEARCH r USING PRIMARY KEY (organization_id=? AND name=?)"],
    ),
    (
        "COMMIT_OF",
        &["SEARCH c USING INDEX tenancy_commits_id (id=?)"],
    ),
    (
        "HOLDER",
        &["SEARCH tenancy_claims USING PRIMARY KEY (scope=? AND key=?)"],
    ),
    (
        "MEMBERS_WITH_EMAIL",
        &["SEARCH m USING INDEX tenancy_members_email (email_key=? AND organization_id=?)"],
    ),
    (
        "MEMBERS_WITH_EMAIL_THERE",
        &[
            "SEARCH m USING INDEX tenancy_members_email (email_key=? AND organization_id=?)",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "INVITATION",
        &[
            "SEARCH i USING PRIMARY KEY (organization_id=? AND id=?)",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH n USING PRIMARY KEY (organization_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH wn USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
            "SEARCH f USING PRIMARY KEY (organization_id=? AND user_id=? AND workspace_id=?) LEFT-JOIN",
            "SEARCH g USING PRIMARY KEY (organization_id=? AND user_id=? AND workspace_id=?) LEFT-JOIN",
        ],
    ),
    (
        "MEMBERS_INVITED",
        &[
            "SEARCH i USING PRIMARY KEY (organization_id=? AND id=?)",
            "SEARCH m USING INDEX tenancy_members_email (email_key=? AND organization_id=?)",
            "SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id=?) LEFT-JOIN",
        ],
    ),
    (
        "OPEN_BESIDE",
        &[
            "SEARCH i USING PRIMARY KEY (organization_id=? AND id=?)",
            "SEARCH o USING INDEX tenancy_invitations_email (email_key=? AND organization_id=?)",
        ],
    ),
    (
        "MEMBERSHIPS_OF",
        &[
            "SEARCH wm USING INDEX tenancy_workspace_members_user (organization_id=? AND user_id=?)",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
        ],
    ),
    (
        "DEPARTURES_OF",
        &["SEARCH f USING PRIMARY KEY (organization_id=? AND user_id=?)"],
    ),
    (
        "OPEN_TO",
        &["SEARCH i USING INDEX tenancy_invitations_email (email_key=? AND organization_id=?)"],
    ),
    (
        "SENT_TO",
        &[
            "SEARCH m USING PRIMARY KEY (organization_id=? AND user_id=?)",
            "SEARCH i USING INDEX tenancy_invitations_email (email_key=? AND organization_id=?) LEFT-JOIN",
        ],
    ),
    (
        "OPEN_BY",
        &[
            "SEARCH i USING INDEX tenancy_invitations_inviter (organization_id=? AND inviter=?)",
            "SEARCH o USING INDEX tenancy_invitations_email (email_key=? AND organization_id=?)",
        ],
    ),
    (
        "MEMBERS_INVITED_BY",
        &[
            "SEARCH i USING INDEX tenancy_invitations_inviter (organization_id=? AND inviter=?)",
            "SEARCH m USING INDEX tenancy_members_email (email_key=? AND organization_id=?)",
        ],
    ),
    (
        "OPEN_INTO",
        &[
            "SEARCH i USING INDEX tenancy_invitations_workspace (organization_id=? AND workspace_id=?)",
            "SEARCH o USING INDEX tenancy_invitations_email (email_key=? AND organization_id=?)",
        ],
    ),
    (
        "MEMBERS_INVITED_INTO",
        &[
            "SEARCH i USING INDEX tenancy_invitations_workspace (organization_id=? AND workspace_id=?)",
            "SEARCH m USING INDEX tenancy_members_email (email_key=? AND organization_id=?)",
        ],
    ),
    (
        "OPEN",
        &["SEARCH i USING INDEX tenancy_invitations_open (organization_id=?)"],
    ),
    (
        "PAGE_MEMBERS",
        &["SEARCH m USING PRIMARY KEY (organization_id=? AND user_id>?)"],
    ),
    (
        "PAGE_MEMBERS_ROLE",
        &["SEARCH m USING INDEX tenancy_members_role (organization_id=? AND role=? AND user_id>?)"],
    ),
    (
        "PAGE_WORKSPACES",
        &["SEARCH w USING PRIMARY KEY (organization_id=? AND id>?)"],
    ),
    (
        "PAGE_WORKSPACES_OF",
        &[
            "SEARCH wm USING INDEX tenancy_workspace_members_user (organization_id=? AND user_id=? AND workspace_id>?)",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?)",
        ],
    ),
    (
        "PAGE_WORKSPACE_MEMBERS",
        &["SEARCH wm USING PRIMARY KEY (organization_id=? AND workspace_id=? AND user_id>?)"],
    ),
    (
        "PAGE_WORKSPACE_MEMBERS_ROLE",
        &[
            "SEARCH wm USING INDEX tenancy_workspace_members_role (organization_id=? AND workspace_id=? AND role=? AND user_id>?)",
        ],
    ),
    (
        "PAGE_HOLDERS",
        &[
            "SEARCH m USING INDEX tenancy_members_own_role (organization_id=? AND own_role=? AND user_id>?)",
        ],
    ),
    (
        "PAGE_HOLDERS_THERE",
        &[
            "SEARCH wm USING INDEX tenancy_workspace_members_own_role (organization_id=? AND workspace_id=? AND own_role=? AND user_id>?)",
        ],
    ),
    (
        "PAGE_DOMAINS",
        &[
            "SEARCH d USING INDEX tenancy_domains_workspace (organization_id=? AND workspace_id=? AND id>?)",
        ],
    ),
    (
        "PAGE_KEPT_NAMES",
        &["SEARCH r USING PRIMARY KEY (organization_id=? AND name>?)"],
    ),
    (
        "PAGE_OPEN",
        &["SEARCH i USING INDEX tenancy_invitations_open (organization_id=? AND id>?)"],
    ),
    (
        "PAGE_OPEN_INTO",
        &[
            "SEARCH i USING INDEX tenancy_invitations_workspace (organization_id=? AND workspace_id=? AND id>?)",
        ],
    ),
    (
        "PAGE_ORGANIZATIONS_OF",
        &[
            "SEARCH m USING INDEX tenancy_members_user (user_id=? AND organization_id>?)",
            "SEARCH o USING PRIMARY KEY (id=?)",
        ],
    ),
    (
        "PAGE_INVITATIONS_TO",
        &[
            "SEARCH i USING INDEX tenancy_invitations_email (email_key=? AND (organization_id,id)>(?,?))",
            "SEARCH o USING PRIMARY KEY (id=?)",
            "SEARCH w USING PRIMARY KEY (organization_id=? AND id=?) LEFT-JOIN",
        ],
    ),
    (
        "PAGE_ORGANIZATIONS_NAMED",
        &[
            "SEARCH n USING COVERING INDEX tenancy_organization_names_key ((name_key,organization_id)>(?,?) AND name_key<?)",
            "SEARCH o USING PRIMARY KEY (id=?)",
        ],
    ),
    ("PAGE_ORGANIZATIONS", &["SEARCH o USING PRIMARY KEY (id>?)"]),
    (
        "PAGE_ORGANIZATIONS_WITH",
        &[
            "SEARCH m USING COVERING INDEX tenancy_members_email (email_key=? AND organization_id>?)",
            "SEARCH o USING PRIMARY KEY (id=?)",
        ],
    ),
    (
        "PAGE_LOG",
        &["SEARCH c USING PRIMARY KEY (organization_id=? AND version>?)"],
    ),
    (
        "ALL_COMMITS",
        &["SEARCH c USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "CLAIMS_OF",
        &["SEARCH c USING COVERING INDEX tenancy_claims_organization (organization_id=?)"],
    ),
    ("CREATE_ORGANIZATION", &[]),
    (
        "UPDATE_ORGANIZATION",
        &["SEARCH tenancy_organizations USING PRIMARY KEY (id=?)"],
    ),
    ("NAME", &[]),
    ("CLAIM", &[]),
    (
        "RELEASE",
        &["SEARCH tenancy_claims USING PRIMARY KEY (scope=? AND key=?)"],
    ),
    (
        "LOG",
        &["SCALAR SUBQUERY 1", "SEARCH o USING PRIMARY KEY (id=?)"],
    ),
    ("ENQUEUE", &[]),
    (
        "OUTBOX_AHEAD",
        &["SEARCH o USING COVERING INDEX tenancy_outbox_due (due>?)"],
    ),
    (
        "OUTBOX_HEAL",
        &["SEARCH tenancy_outbox USING INDEX tenancy_outbox_due (due>?)"],
    ),
    (
        "OUTBOX_NEXT",
        &["SEARCH o USING COVERING INDEX tenancy_outbox_due (due<?)"],
    ),
    (
        "OUTBOX_TURN",
        &["SEARCH o USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_TAKE",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_ENTRIES",
        &[
            "SEARCH c USING PRIMARY KEY (organization_id=? AND version>?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH p USING PRIMARY KEY (organization_id=? AND version=?)",
        ],
    ),
    (
        "OUTBOX_ENTRY",
        &["SEARCH c USING PRIMARY KEY (organization_id=? AND version=?)"],
    ),
    (
        "OUTBOX_HOLDS",
        &["SEARCH o USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_SETTLE",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_ATTEMPTS",
        &["SEARCH o USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_RETURN",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_GIVE_BACK",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_REMOVE",
        &[
            "SEARCH o USING PRIMARY KEY (organization_id=?)",
            "SCALAR SUBQUERY 3",
            "SEARCH p USING COVERING INDEX tenancy_outbox_parked_state (state=? AND organization_id=?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH c USING PRIMARY KEY (organization_id=? AND version>?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH p USING PRIMARY KEY (organization_id=? AND version=?)",
        ],
    ),
    (
        "OUTBOX_DEPTH",
        &[
            "SCAN CONSTANT ROW",
            "SCALAR SUBQUERY 1",
            "SCAN tenancy_outbox USING COVERING INDEX tenancy_outbox_due",
            "SCALAR SUBQUERY 2",
            "SCAN o USING INDEX tenancy_outbox_due",
            "SEARCH g USING PRIMARY KEY (id=?)",
            "SCALAR SUBQUERY 3",
            "SCAN o USING INDEX tenancy_outbox_failing",
            "SCALAR SUBQUERY 4",
            "SEARCH p USING COVERING INDEX tenancy_outbox_parked_state (state=?)",
            "SCALAR SUBQUERY 5",
            "SEARCH p USING COVERING INDEX tenancy_outbox_parked_state (state=?)",
            "SCALAR SUBQUERY 6",
            "SEARCH o USING COVERING INDEX tenancy_outbox_due",
        ],
    ),
    (
        "OUTBOX_FAILING",
        &[
            "SEARCH o USING INDEX tenancy_outbox_failing (organization_id>?)",
            "CORRELATED SCALAR SUBQUERY 2",
            "SEARCH c USING PRIMARY KEY (organization_id=? AND version>?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH p USING PRIMARY KEY (organization_id=? AND version=?)",
        ],
    ),
    (
        "OUTBOX_FIRST",
        &[
            "SEARCH o USING PRIMARY KEY (organization_id=?)",
            "SEARCH c USING PRIMARY KEY (organization_id=? AND version>?)",
            "CORRELATED SCALAR SUBQUERY 1",
            "SEARCH p USING PRIMARY KEY (organization_id=? AND version=?)",
        ],
    ),
    (
        "OUTBOX_WAITS",
        &[
            "SEARCH o USING PRIMARY KEY (organization_id=?)",
            "SEARCH c USING PRIMARY KEY (organization_id=? AND version=?)",
        ],
    ),
    (
        "OUTBOX_NOW",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    (
        "OUTBOX_LOSE",
        &["SEARCH tenancy_outbox USING PRIMARY KEY (organization_id=?)"],
    ),
    ("OUTBOX_ENTER", &["SEARCH o USING PRIMARY KEY (id=?)"]),
    (
        "PARKED_STATE",
        &["SEARCH p USING PRIMARY KEY (organization_id=? AND version=?)"],
    ),
    ("PARKED_PUT", &[]),
    (
        "PARKED_MOVE",
        &["SEARCH tenancy_outbox_parked USING PRIMARY KEY (organization_id=? AND version=?)"],
    ),
    (
        "PARKED_RELEASED",
        &[
            "SEARCH p USING COVERING INDEX tenancy_outbox_parked_state (state=? AND organization_id=?)",
        ],
    ),
    (
        "PARKED_FORGET",
        &["SEARCH tenancy_outbox_parked USING PRIMARY KEY (organization_id=? AND version=?)"],
    ),
    (
        "PARKED_LIST",
        &["SEARCH p USING PRIMARY KEY ((organization_id,version)>(?,?))"],
    ),
];
