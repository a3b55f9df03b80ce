-- A row is a record as JSON, and beside it the columns by which it is found. All that a record holds is in its
-- JSON, so that a new field needs no new column. The core says which columns there are (`tenancy::store::Kind`)
-- and what the codes in them mean (`OrganizationRole::code` and others, from 1). The views give readable shapes.
--
-- Ids are UUIDs as 16 bytes. Text compares byte for byte (BINARY). Every key leads with the organization, and
-- every table that is found by its key is stored in that order.

CREATE TABLE tenancy_organizations (
  id              BLOB    NOT NULL PRIMARY KEY CHECK (length(id) = 16),
  version         INTEGER NOT NULL CHECK (version > 0),
  status          INTEGER NOT NULL CHECK (status > 0),
  summary         TEXT    NOT NULL,             -- what lists across organizations tell; before `record`, which is
  record          TEXT    NOT NULL              -- large where the organization has entered much
) STRICT, WITHOUT ROWID;

CREATE TABLE tenancy_members (
  organization_id BLOB    NOT NULL,
  user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
  role            INTEGER NOT NULL CHECK (role > 0),
  email_key       TEXT,                         -- the address as it is compared
  counts_until    INTEGER,                      -- NULL: it lasts; when it ends, in milliseconds; 0: suspended
  own_role        INTEGER,                      -- the number of a role of the organization's own, if they hold one
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_members_role ON tenancy_members (organization_id, role, user_id);
CREATE INDEX tenancy_members_email ON tenancy_members (organization_id, email_key, user_id) WHERE email_key IS NOT NULL;
-- With the role, so that a check finds all that it asks for in a narrow index.
CREATE INDEX tenancy_members_user ON tenancy_members (user_id, organization_id, role, counts_until, own_role);
CREATE INDEX tenancy_members_own_role ON tenancy_members (organization_id, own_role, user_id) WHERE own_role IS NOT NULL;

CREATE TABLE tenancy_workspaces (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  name_key        TEXT    NOT NULL,             -- the name as it is compared
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_workspaces_name ON tenancy_workspaces (organization_id, name_key);

CREATE TABLE tenancy_workspace_members (
  organization_id BLOB    NOT NULL,
  workspace_id    BLOB    NOT NULL CHECK (length(workspace_id) = 16),
  user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
  role            INTEGER NOT NULL CHECK (role > 0),
  counts_until    INTEGER,                      -- NULL: it lasts; when it ends, in milliseconds
  own_role        INTEGER,                      -- the number of a role of the organization's own, if they hold one
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, workspace_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_workspace_members_role ON tenancy_workspace_members (organization_id, workspace_id, role, user_id);
CREATE INDEX tenancy_workspace_members_user
  ON tenancy_workspace_members (organization_id, user_id, workspace_id, role, counts_until, own_role);
CREATE INDEX tenancy_workspace_members_own_role
  ON tenancy_workspace_members (organization_id, workspace_id, own_role, user_id) WHERE own_role IS NOT NULL;

CREATE TABLE tenancy_domains (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  workspace_id    BLOB    NOT NULL CHECK (length(workspace_id) = 16),
  name            TEXT    NOT NULL,
  kind            INTEGER NOT NULL CHECK (kind > 0),
  status          INTEGER NOT NULL CHECK (status > 0),
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_domains_name ON tenancy_domains (organization_id, name);
CREATE INDEX tenancy_domains_workspace ON tenancy_domains (organization_id, workspace_id, id);

CREATE TABLE tenancy_retired_domain_names (
  organization_id BLOB    NOT NULL,
  name            TEXT    NOT NULL,
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenancy_invitations (
  organization_id BLOB    NOT NULL,
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  email_key       TEXT    NOT NULL,             -- the address as it is compared
  workspace_id    BLOB             CHECK (length(workspace_id) = 16), -- NULL: to the organization
  role            INTEGER NOT NULL CHECK (role > 0), -- in the workspace, or in the organization
  inviter         BLOB    NOT NULL CHECK (length(inviter) = 16),
  state           INTEGER NOT NULL CHECK (state > 0), -- 1 is open
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, id)
) STRICT, WITHOUT ROWID;
-- Open ones are few; the others are kept for ever, and in no index.
CREATE INDEX tenancy_invitations_open ON tenancy_invitations (organization_id, id) WHERE state = 1;
CREATE INDEX tenancy_invitations_email ON tenancy_invitations (email_key, organization_id, id) WHERE state = 1;
CREATE INDEX tenancy_invitations_inviter ON tenancy_invitations (organization_id, inviter, id) WHERE state = 1;
CREATE INDEX tenancy_invitations_workspace ON tenancy_invitations (organization_id, workspace_id, id) WHERE state = 1;

CREATE TABLE tenancy_former_members (
  organization_id BLOB    NOT NULL,
  user_id         BLOB    NOT NULL CHECK (length(user_id) = 16),
  workspace_id    BLOB    NOT NULL CHECK (length(workspace_id) = 16), -- all zeros: of the organization itself
  record          TEXT    NOT NULL,
  PRIMARY KEY (organization_id, user_id, workspace_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenancy_claims (
  scope           INTEGER NOT NULL CHECK (scope > 0), -- 1: the names of domains
  key             TEXT    NOT NULL,
  organization_id BLOB    NOT NULL,
  PRIMARY KEY (scope, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_claims_organization ON tenancy_claims (organization_id, scope, key);

-- The log: what happened, for ever.
CREATE TABLE tenancy_commits (
  organization_id BLOB    NOT NULL,
  version         INTEGER NOT NULL ON CONFLICT IGNORE CHECK (version > 0), -- null: out of turn, see the statement LOG
  id              BLOB    NOT NULL CHECK (length(id) = 16),
  entry           TEXT    NOT NULL,
  PRIMARY KEY (organization_id, version)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX tenancy_commits_id ON tenancy_commits (id); -- one request in the whole deployment

-- The outbox: one row for each organization that has something to deliver. The entries themselves are in the
-- log, from `first` on. A worker takes an organization by setting `due` into the future and `worker` to a name
-- of its own. Times are milliseconds since 1970, UTC.
CREATE TABLE tenancy_outbox (
  organization_id BLOB    NOT NULL PRIMARY KEY,
  first           INTEGER NOT NULL CHECK (first > 0), -- the first version that is not delivered
  due             INTEGER NOT NULL,
  worker          BLOB,
  attempts        INTEGER NOT NULL,             -- how often it was taken since something was delivered
  error           TEXT                          -- why the first was not delivered
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_outbox_due ON tenancy_outbox (due, organization_id);
CREATE INDEX tenancy_outbox_failing ON tenancy_outbox (organization_id) WHERE error IS NOT NULL;

-- Entries that are not handed out in their turn. A skipped one stays for the record.
CREATE TABLE tenancy_outbox_parked (
  organization_id BLOB    NOT NULL,
  version         INTEGER NOT NULL CHECK (version > 0),
  state           INTEGER NOT NULL CHECK (state IN (1, 2, 3)), -- 1 parked, 2 skipped, 3 released: handed out next
  why             TEXT    NOT NULL,
  at              INTEGER NOT NULL,             -- since when it is in this state
  PRIMARY KEY (organization_id, version)
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_outbox_parked_state ON tenancy_outbox_parked (state, organization_id, version);

-- For people and for the host's own queries. Times are text, as RFC 3339 has it.

CREATE VIEW tenancy_organizations_view AS SELECT
  id, version,
  json_extract(summary, '$.status') AS status,
  json_extract(summary, '$.name') AS name,
  json_extract(summary, '$.created_at') AS created_at
FROM tenancy_organizations;

CREATE VIEW tenancy_members_view AS SELECT
  organization_id, user_id,
  json_extract(record, '$.member.role') AS role,
  json_extract(record, '$.member.email') AS email,
  json_extract(record, '$.member.since') AS since,
  coalesce(json_extract(record, '$.member.suspended'), 0) AS suspended,
  json_extract(record, '$.member.until') AS until,
  own_role
FROM tenancy_members;

CREATE VIEW tenancy_workspaces_view AS SELECT
  organization_id, id,
  json_extract(record, '$.workspace.name') AS name,
  json_extract(record, '$.workspace.domains') AS domains,
  json_extract(record, '$.workspace.members') AS members,
  json_extract(record, '$.workspace.created_at') AS created_at
FROM tenancy_workspaces;

CREATE VIEW tenancy_workspace_members_view AS SELECT
  organization_id, workspace_id, user_id,
  json_extract(record, '$.workspace_member.role') AS role,
  json_extract(record, '$.workspace_member.since') AS since,
  json_extract(record, '$.workspace_member.until') AS until,
  own_role
FROM tenancy_workspace_members;

CREATE VIEW tenancy_domains_view AS SELECT
  organization_id, id, workspace_id, name,
  json_extract(record, '$.domain.kind') AS kind,
  json_extract(record, '$.domain.status') AS status,
  json_extract(record, '$.domain.created_at') AS created_at
FROM tenancy_domains;

CREATE VIEW tenancy_invitations_view AS SELECT
  organization_id, id, workspace_id, inviter,
  json_extract(record, '$.invitation.email') AS email,
  coalesce(json_extract(record, '$.invitation.target.workspace.role'),
           json_extract(record, '$.invitation.target.organization.role')) AS role,
  json_extract(record, '$.invitation.own_role') AS own_role,
  json_extract(record, '$.invitation.state') AS state,
  json_extract(record, '$.invitation.sent_at') AS sent_at,
  json_extract(record, '$.invitation.expires_at') AS expires_at
FROM tenancy_invitations;

CREATE VIEW tenancy_commits_view AS SELECT
  organization_id, version, id,
  json_extract(entry, '$.at') AS at,
  json_extract(entry, '$.author') AS author,
  json_extract(entry, '$.command') AS command,
  json_extract(entry, '$.events') AS events
FROM tenancy_commits;
