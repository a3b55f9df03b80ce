-- Organizations and what they hold.
--
-- A record is kept twice: whole, as the library's JSON (`record`), and by the columns that it is found by. What is
-- not in a column is found by nothing, and so a new field of a record needs no new column. `json`, not `jsonb`, here and
-- in the statements: it is handed back as it was written, letter by letter. `jsonb` keeps neither the order of fields
-- nor spaces nor a field that comes twice, and writes numbers anew. The views at the end show hosts what is in it; what
-- they show as `jsonb` is made of it.
--
-- Every primary key leads with the organization, but that of `claims`. Every other index leads with something else:
-- to find one record in an organization that it takes for small, the planner is content with any index that begins
-- with the organization, and reads all there is of it.
--
-- Names and addresses compare byte for byte (COLLATE "C"): the library folds them before they get here. Codes of
-- roles, states and kinds are the library's (`OrganizationRole::code` …), from 1; no table lists them, so a new role
-- needs no migration.
--
-- There are no foreign keys, least of all to a host's tables: a cascade would change an organization without raising
-- its version. Unique constraints and checks are backstops; the version alone keeps the rules.

CREATE TABLE tenancy.organizations (
    id      uuid     PRIMARY KEY,
    version bigint   NOT NULL CHECK (version > 0),
    status  smallint NOT NULL, -- 1 active, 2 deleted, 3 suspended
    summary json     NOT NULL, -- what lists across organizations tell: small, whatever the record holds
    record  json     NOT NULL,
    CONSTRAINT organizations_last_admin CHECK ((summary->>'admins')::bigint >= 1 OR status = 2)
) WITH (fillfactor = 70); -- written with every commit; no indexed column changes, so the update stays on its page

CREATE TABLE tenancy.members (
    organization_id uuid     NOT NULL,
    user_id         uuid     NOT NULL,
    role            smallint NOT NULL, -- 1 member, 2 accounting, 3 admin
    email_key       text COLLATE "C",  -- as it compares
    counts_until    bigint,            -- null: it lasts; when it ends, in milliseconds since 1970; 0: suspended
    record          json     NOT NULL,
    own_role        bigint,            -- the number of a role of the organization's own, if they hold one
    PRIMARY KEY (organization_id, user_id)
);
-- The organizations of a user.
CREATE INDEX members_user ON tenancy.members (user_id, organization_id);
CREATE INDEX members_email ON tenancy.members (email_key, organization_id) WHERE email_key IS NOT NULL;
-- The few Admins among a hundred thousand members, in the order of the list.
CREATE INDEX members_with_role ON tenancy.members (organization_id, user_id) INCLUDE (role) WHERE role > 1;
-- Who holds a role of the organization's own. In an organization that has none there is nothing in it.
CREATE INDEX members_own_role ON tenancy.members (own_role, organization_id, user_id) WHERE own_role IS NOT NULL;

CREATE TABLE tenancy.workspaces (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    name_key        text COLLATE "C" NOT NULL,
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT workspaces_name UNIQUE (name_key, organization_id)
) WITH (fillfactor = 90);

CREATE TABLE tenancy.workspace_members (
    organization_id uuid     NOT NULL,
    workspace_id    uuid     NOT NULL,
    user_id         uuid     NOT NULL,
    role            smallint NOT NULL, -- 1 reader, 2 developer, 3 admin
    counts_until    bigint,            -- null: it lasts; when it ends, in milliseconds since 1970
    record          json     NOT NULL,
    own_role        bigint,            -- the number of a role of the organization's own, if they hold one
    PRIMARY KEY (organization_id, workspace_id, user_id)
);
CREATE INDEX workspace_members_user ON tenancy.workspace_members (user_id, organization_id, workspace_id);
CREATE INDEX workspace_members_own_role ON tenancy.workspace_members (own_role, organization_id, workspace_id, user_id)
    WHERE own_role IS NOT NULL;

CREATE TABLE tenancy.domains (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    workspace_id    uuid             NOT NULL,
    name            text COLLATE "C" NOT NULL,
    kind            smallint         NOT NULL, -- 1 sandbox, 2 production
    status          smallint         NOT NULL, -- 1 active, 2 deactivated
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT domains_name UNIQUE (name, organization_id)
);
CREATE INDEX domains_workspace ON tenancy.domains (workspace_id, organization_id, id);

CREATE TABLE tenancy.retired_domain_names (
    organization_id uuid             NOT NULL,
    name            text COLLATE "C" NOT NULL,
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, name)
);

CREATE TABLE tenancy.invitations (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    email_key       text COLLATE "C" NOT NULL,
    workspace_id    uuid,                      -- null: to the organization
    role            smallint         NOT NULL, -- of the workspace if there is one, else of the organization
    inviter         uuid             NOT NULL,
    state           smallint         NOT NULL, -- 1 open, 2 accepted, 3 declined, 4 revoked
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, id)
);
-- Open invitations only: closed ones are kept, but nobody looks for them. `state + 0` is for lists alone: were it
-- `state = 1`, the planner would use this index where it should use the next three.
CREATE INDEX invitations_open ON tenancy.invitations (organization_id, id) WHERE state + 0 = 1;
CREATE INDEX invitations_workspace ON tenancy.invitations (workspace_id, organization_id, id) WHERE state = 1;
CREATE INDEX invitations_inviter ON tenancy.invitations (inviter, organization_id) WHERE state = 1;
-- Within an organization and across all of them.
CREATE INDEX invitations_email ON tenancy.invitations (email_key, organization_id, id) WHERE state = 1;

CREATE TABLE tenancy.former_members (
    organization_id uuid NOT NULL,
    user_id         uuid NOT NULL,
    workspace_id    uuid NOT NULL, -- the nil UUID: of the organization itself
    record          json NOT NULL,
    PRIMARY KEY (organization_id, user_id, workspace_id)
);

-- What is unique across organizations, whose versions never meet.
CREATE TABLE tenancy.claims (
    scope           smallint         NOT NULL, -- 1 domain name
    key             text COLLATE "C" NOT NULL,
    organization_id uuid             NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (scope, key)
);
CREATE INDEX claims_organization ON tenancy.claims (organization_id);

CREATE TABLE tenancy.commits (
    organization_id uuid   NOT NULL,
    version         bigint NOT NULL,
    id              uuid   NOT NULL,
    entry           json   NOT NULL,
    PRIMARY KEY (organization_id, version),
    CONSTRAINT commits_id UNIQUE (id) -- one request in the whole deployment
);

-- What is still to be delivered: a row for each organization, and one for each parked entry that was released. Who
-- has delivered everything keeps the row, due never, because a commit that finds it has less to do.
CREATE TABLE tenancy.outbox (
    organization_id uuid        NOT NULL,
    alone           bigint      NOT NULL DEFAULT 0, -- 0: its entries, in order; else the version of a released one
    version         bigint      NOT NULL,           -- the first that isn't delivered
    last            bigint      NOT NULL,           -- the last that there is
    due_at          timestamptz NOT NULL DEFAULT statement_timestamp(), -- later while a worker has it, after a failure
    worker          uuid,                           -- the lease that it was handed out under
    attempts        integer     NOT NULL DEFAULT 0, -- at `version`, counted when it is taken
    error           text,                           -- what the last attempt failed with
    PRIMARY KEY (organization_id, alone)
) WITH (fillfactor = 70);
CREATE INDEX outbox_due ON tenancy.outbox (due_at, organization_id, alone) WHERE due_at < 'infinity';
CREATE INDEX outbox_failing ON tenancy.outbox (organization_id) WHERE error IS NOT NULL;

-- Entries that were taken out of their organization's order.
CREATE TABLE tenancy.parked_entries (
    organization_id uuid        NOT NULL,
    version         bigint      NOT NULL,
    skipped         boolean     NOT NULL, -- never to be delivered
    why             text        NOT NULL, -- and who says so
    parked_at       timestamptz NOT NULL DEFAULT statement_timestamp(),
    PRIMARY KEY (organization_id, version)
);

-- For a host's own SQL: read these, and the columns above.

CREATE VIEW tenancy.organizations_view AS
    SELECT id, version, record->>'status' AS status, record->>'name' AS name,
           (record->'company')::jsonb AS company, (record->'invoicing')::jsonb AS invoicing,
           record->>'contract' AS contract, (record->>'workspace_quota')::bigint AS workspace_quota,
           (record->'limits'->>'seats')::bigint AS seat_limit,
           (record->'limits'->>'domains')::bigint AS domain_limit,
           (record->'limits'->>'domains_per_workspace')::bigint AS domains_per_workspace_limit,
           (record->'counts'->>'workspaces')::bigint AS workspaces, (record->'counts'->>'domains')::bigint AS domains,
           (record->'counts'->>'members')::bigint AS members, (record->'counts'->>'admins')::bigint AS admins,
           (record->'counts'->>'invitations')::bigint AS invitations,
           (record->>'created_at')::timestamptz AS created_at
    FROM tenancy.organizations;

CREATE VIEW tenancy.members_view AS
    SELECT organization_id, user_id, record->'member'->>'role' AS role, record->'member'->>'email' AS email,
           (record->'member'->>'since')::timestamptz AS since,
           COALESCE((record->'member'->>'suspended')::boolean, false) AS suspended,
           (record->'member'->>'until')::timestamptz AS until, own_role
    FROM tenancy.members;

CREATE VIEW tenancy.workspaces_view AS
    SELECT organization_id, id, record->'workspace'->>'name' AS name,
           (record->'workspace'->'invoicing')::jsonb AS invoicing,
           (record->'workspace'->>'domains')::bigint AS domains, (record->'workspace'->>'members')::bigint AS members,
           (record->'workspace'->>'created_at')::timestamptz AS created_at
    FROM tenancy.workspaces;

CREATE VIEW tenancy.workspace_members_view AS
    SELECT organization_id, workspace_id, user_id, record->'workspace_member'->>'role' AS role,
           (record->'workspace_member'->>'since')::timestamptz AS since,
           (record->'workspace_member'->>'until')::timestamptz AS until, own_role
    FROM tenancy.workspace_members;

CREATE VIEW tenancy.domains_view AS
    SELECT organization_id, id, workspace_id, name, record->'domain'->>'kind' AS kind,
           record->'domain'->>'status' AS status, (record->'domain'->>'created_at')::timestamptz AS created_at
    FROM tenancy.domains;

CREATE VIEW tenancy.retired_domain_names_view AS
    SELECT organization_id, name, (record->'retired_domain_name'->>'retired_at')::timestamptz AS retired_at
    FROM tenancy.retired_domain_names;

-- Without the hash of the link's secret.
CREATE VIEW tenancy.invitations_view AS
    SELECT organization_id, id, record->'invitation'->>'email' AS email, workspace_id,
           COALESCE(record->'invitation'->'target'->'workspace'->>'role',
                    record->'invitation'->'target'->'organization'->>'role') AS role,
           inviter, record->'invitation'->>'state' AS state,
           (record->'invitation'->>'sent_at')::timestamptz AS sent_at,
           (record->'invitation'->>'expires_at')::timestamptz AS expires_at,
           (record->'invitation'->>'own_role')::bigint AS own_role
    FROM tenancy.invitations;

CREATE VIEW tenancy.former_members_view AS
    SELECT organization_id, user_id,
           NULLIF(workspace_id, '00000000-0000-0000-0000-000000000000') AS workspace_id,
           (record->'former_member'->>'departed_at')::timestamptz AS departed_at
    FROM tenancy.former_members;

CREATE VIEW tenancy.commits_view AS
    SELECT organization_id, version, id, (entry->>'at')::timestamptz AS at, (entry->'author')::jsonb AS author,
           entry->>'command' AS command, (entry->'events')::jsonb AS events
    FROM tenancy.commits;
