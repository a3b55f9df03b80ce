-- Ids are UUIDs as 16 bytes. Times are milliseconds since 1970, UTC. Text compares byte for byte (BINARY).
-- Every key leads with the organization, and every table that is found by its key is stored in that order.

CREATE TABLE tenancy_organizations (
  id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  version         INTEGER NOT NULL CHECK (version > 0),
  status          INTEGER NOT NULL CHECK (status IN (0, 1)),      -- 0 active, 1 deleted
  name            TEXT    NOT NULL,
  company         TEXT,                                           -- JSON
  invoicing       TEXT,                                           -- JSON
  contract        TEXT,
  workspace_quota INTEGER NOT NULL CHECK (workspace_quota >= 0),
  workspaces      INTEGER NOT NULL CHECK (workspaces >= 0),       -- counts, kept by the core
  domains         INTEGER NOT NULL CHECK (domains >= 0),
  members         INTEGER NOT NULL CHECK (members >= admins),
  admins          INTEGER NOT NULL CHECK (admins >= 0),
  invitations     INTEGER NOT NULL CHECK (invitations >= 0),
  created_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE tenancy_members (
  organization_id BLOB    NOT NULL,
  user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
  role            INTEGER NOT NULL CHECK (role IN (0, 1, 2)),     -- 0 Member, 1 Accounting, 2 Admin
  email           TEXT,                                           -- as it was written
  email_key       TEXT,                                           -- as it is compared
  since           INTEGER NOT NULL,
  PRIMARY KEY (organization_id, user_id),
  CHECK ((email IS NULL) = (email_key IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_members_role ON tenancy_members (organization_id, role, user_id);
CREATE INDEX tenancy_members_email ON tenancy_members (organization_id, email_key, user_id) WHERE email_key IS NOT NULL;
CREATE INDEX tenancy_members_user ON tenancy_members (user_id, organization_id);

CREATE TABLE tenancy_workspaces (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  name            TEXT    NOT NULL,
  name_key        TEXT    NOT NULL,                               -- by which it is unique
  invoicing       TEXT,                                           -- JSON
  domains         INTEGER NOT NULL CHECK (domains >= 0),
  members         INTEGER NOT NULL CHECK (members >= 0),
  created_at      INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_workspaces_name ON tenancy_workspaces (organization_id, name_key);

CREATE TABLE tenancy_workspace_members (
  organization_id BLOB    NOT NULL,
  workspace_id    BLOB    NOT NULL CHECK (length(workspace_id) = 16),
  user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
  role            INTEGER NOT NULL CHECK (role IN (0, 1, 2)),     -- 0 Reader, 1 Developer, 2 Admin
  since           INTEGER NOT NULL,
  PRIMARY KEY (organization_id, workspace_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_workspace_members_role ON tenancy_workspace_members (organization_id, workspace_id, role, user_id);
CREATE INDEX tenancy_workspace_members_user ON tenancy_workspace_members (organization_id, user_id, workspace_id);

CREATE TABLE tenancy_domains (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  workspace_id    BLOB    NOT NULL,
  name            TEXT    NOT NULL,
  kind            INTEGER NOT NULL CHECK (kind IN (0, 1)),        -- 0 sandbox, 1 production
  status          INTEGER NOT NULL CHECK (status IN (0, 1)),      -- 0 active, 1 deactivated
  created_at      INTEGER NOT NULL,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_domains_name ON tenancy_domains (organization_id, name);
CREATE INDEX tenancy_domains_workspace ON tenancy_domains (organization_id, workspace_id, id);

CREATE TABLE tenancy_retired_domain_names (
  organization_id BLOB    NOT NULL,
  name            TEXT    NOT NULL,
  retired_at      INTEGER NOT NULL,
  PRIMARY KEY (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenancy_invitations (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  email           TEXT    NOT NULL,                               -- as it was written
  email_key       TEXT    NOT NULL,                               -- as it is compared
  workspace_id    BLOB,                                           -- NULL: to the organization
  role            INTEGER NOT NULL CHECK (role IN (0, 1, 2)),     -- in the workspace, or in the organization
  inviter         BLOB    NOT NULL,
  token_hash      BLOB    NOT NULL CHECK (length(token_hash) = 32),
  sent_at         INTEGER NOT NULL,
  expires_at      INTEGER NOT NULL,
  state           INTEGER NOT NULL CHECK (state IN (0, 1, 2, 3)), -- 0 open, 1 accepted, 2 declined, 3 revoked
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
-- Open ones are few; the others are kept for ever, and in no index.
CREATE INDEX tenancy_invitations_open ON tenancy_invitations (organization_id, id) WHERE state = 0;
CREATE INDEX tenancy_invitations_email ON tenancy_invitations (email_key, organization_id, id) WHERE state = 0;
CREATE INDEX tenancy_invitations_inviter ON tenancy_invitations (organization_id, inviter, id) WHERE state = 0;
CREATE INDEX tenancy_invitations_workspace ON tenancy_invitations (organization_id, workspace_id, id) WHERE state = 0;

CREATE TABLE tenancy_claims (
  scope           INTEGER NOT NULL CHECK (scope IN (0)),          -- 0 a domain's name
  key             TEXT    NOT NULL,
  organization_id BLOB    NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_claims_organization ON tenancy_claims (organization_id, scope, key);

-- The log: what happened, for ever.
CREATE TABLE tenancy_commits (
  organization_id BLOB    NOT NULL,
  version         INTEGER NOT NULL CHECK (version > 0),
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  at              INTEGER NOT NULL,
  author          TEXT    NOT NULL,                               -- JSON
  command         TEXT    NOT NULL,
  events          TEXT    NOT NULL,                               -- JSON
  PRIMARY KEY (organization_id, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_commits_id ON tenancy_commits (organization_id, id);

-- The outbox: one row for each organization of which some commits are not delivered yet. The commits
-- themselves are in the log, from `first` on. A worker takes an organization by setting `due` into the
-- future and `worker` to a name of its own.
CREATE TABLE tenancy_outbox (
  organization_id BLOB    NOT NULL PRIMARY KEY,
  first           INTEGER NOT NULL CHECK (first > 0),
  due             INTEGER NOT NULL,
  worker          BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_outbox_due ON tenancy_outbox (due, organization_id);
