-- Organizations and what they hold. Every primary key leads with the organization, but that of `claims`.
-- Every other index leads with something else: to find one record in an organization that it takes for small,
-- the planner is content with any index that begins with the organization, and reads all there is of it.
--
-- Names and addresses compare byte for byte (COLLATE "C"): the library folds them before they get here.
-- Counts are the core's `u32`, which is why they are bigint. Codes of roles, states and kinds start at 1,
-- in the order in which the core declares them.
--
-- There are no foreign keys, least of all to a host's tables: a cascade would change an organization
-- without raising its version. Unique constraints and checks are backstops; the version alone keeps the rules.

CREATE TABLE tenancy.organizations (
    id              uuid        PRIMARY KEY,
    version         bigint      NOT NULL CHECK (version > 0),
    status          smallint    NOT NULL, -- 1 active, 2 deleted
    name            text        NOT NULL,
    company         jsonb,
    invoicing       jsonb,
    contract        text,
    workspace_quota bigint      NOT NULL CHECK (workspace_quota >= 0),
    workspaces      bigint      NOT NULL CHECK (workspaces >= 0),
    domains         bigint      NOT NULL CHECK (domains >= 0),
    members         bigint      NOT NULL,
    admins          bigint      NOT NULL,
    invitations     bigint      NOT NULL CHECK (invitations >= 0),
    created_at      timestamptz NOT NULL,
    CONSTRAINT organizations_members CHECK (members >= admins AND admins >= 0),
    CONSTRAINT organizations_last_admin CHECK (admins >= 1 OR status = 2)
) WITH (fillfactor = 70); -- written with every commit; no indexed column changes, so the update stays on its page

CREATE TABLE tenancy.members (
    organization_id uuid             NOT NULL,
    user_id         uuid             NOT NULL,
    role            smallint         NOT NULL, -- 1 member, 2 accounting, 3 admin
    email           text,                      -- as it was typed
    email_key       text COLLATE "C",          -- as it compares
    since           timestamptz      NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
-- The organizations of a user.
CREATE INDEX members_user ON tenancy.members (user_id, organization_id);
CREATE INDEX members_email ON tenancy.members (email_key, organization_id) WHERE email_key IS NOT NULL;
-- The few Admins among a hundred thousand members, in the order of the list.
CREATE INDEX members_with_role ON tenancy.members (organization_id, user_id) INCLUDE (role) WHERE role > 1;

CREATE TABLE tenancy.workspaces (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    name            text             NOT NULL,
    name_key        text COLLATE "C" NOT NULL,
    invoicing       jsonb,
    domains         bigint           NOT NULL CHECK (domains >= 0),
    members         bigint           NOT NULL CHECK (members >= 0),
    created_at      timestamptz      NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT workspaces_name UNIQUE (name_key, organization_id)
) WITH (fillfactor = 90);

CREATE TABLE tenancy.workspace_members (
    organization_id uuid        NOT NULL,
    workspace_id    uuid        NOT NULL,
    user_id         uuid        NOT NULL,
    role            smallint    NOT NULL, -- 1 reader, 2 developer, 3 admin
    since           timestamptz NOT NULL,
    PRIMARY KEY (organization_id, workspace_id, user_id)
);
CREATE INDEX workspace_members_user ON tenancy.workspace_members (user_id, organization_id, workspace_id);

CREATE TABLE tenancy.domains (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    workspace_id    uuid             NOT NULL,
    name            text COLLATE "C" NOT NULL,
    kind            smallint         NOT NULL, -- 1 sandbox, 2 production
    status          smallint         NOT NULL, -- 1 active, 2 deactivated
    created_at      timestamptz      NOT NULL,
    PRIMARY KEY (organization_id, id),
    CONSTRAINT domains_name UNIQUE (name, organization_id)
);
CREATE INDEX domains_workspace ON tenancy.domains (workspace_id, organization_id, id);

CREATE TABLE tenancy.retired_domain_names (
    organization_id uuid             NOT NULL,
    name            text COLLATE "C" NOT NULL,
    retired_at      timestamptz      NOT NULL,
    PRIMARY KEY (organization_id, name)
);

CREATE TABLE tenancy.invitations (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    email           text             NOT NULL,
    email_key       text COLLATE "C" NOT NULL,
    workspace_id    uuid,                      -- null: to the organization
    role            smallint         NOT NULL, -- of the workspace if there is one, else of the organization
    inviter         uuid             NOT NULL,
    token_hash      bytea            NOT NULL, -- never the token
    sent_at         timestamptz      NOT NULL,
    expires_at      timestamptz      NOT NULL,
    state           smallint         NOT NULL, -- 1 open, 2 accepted, 3 declined, 4 revoked
    PRIMARY KEY (organization_id, id)
);
-- Open invitations only: closed ones are kept, but nobody looks for them. `state + 0` is for lists alone: were it
-- `state = 1`, the planner would use this index where it should use the next three.
CREATE INDEX invitations_open ON tenancy.invitations (organization_id, id) WHERE state + 0 = 1;
CREATE INDEX invitations_workspace ON tenancy.invitations (workspace_id, organization_id, id) WHERE state = 1;
CREATE INDEX invitations_inviter ON tenancy.invitations (inviter, organization_id) WHERE state = 1;
-- Within an organization and across all of them.
CREATE INDEX invitations_email ON tenancy.invitations (email_key, organization_id, id) WHERE state = 1;

-- What is unique across organizations, whose versions never meet.
CREATE TABLE tenancy.claims (
    scope           smallint         NOT NULL, -- 1 domain name
    key             text COLLATE "C" NOT NULL,
    organization_id uuid             NOT NULL,
    CONSTRAINT claims_pkey PRIMARY KEY (scope, key)
);
CREATE INDEX claims_organization ON tenancy.claims (organization_id);

CREATE TABLE tenancy.commits (
    organization_id uuid        NOT NULL,
    version         bigint      NOT NULL,
    id              uuid        NOT NULL,
    at              timestamptz NOT NULL,
    author          jsonb       NOT NULL,
    command         text        NOT NULL,
    events          jsonb       NOT NULL,
    PRIMARY KEY (organization_id, version),
    CONSTRAINT commits_id UNIQUE (id, organization_id)
);

-- Log entries that no worker has delivered yet.
CREATE TABLE tenancy.outbox (
    organization_id uuid        NOT NULL,
    version         bigint      NOT NULL,
    attempts        integer     NOT NULL DEFAULT 0,
    due_at          timestamptz NOT NULL DEFAULT '-infinity', -- later after a failed delivery
    PRIMARY KEY (organization_id, version)
);
