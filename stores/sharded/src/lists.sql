-- What lists across organizations tell, in a schema of its own: beside the registry's tables, or in a database of its own.
-- Tables and columns are named as those of `tenancy-postgres`, whose statements for these lists read them.

CREATE SCHEMA IF NOT EXISTS tenancy_lists;

CREATE TABLE IF NOT EXISTS tenancy_lists.organizations (
    id       uuid             PRIMARY KEY,
    version  bigint           NOT NULL, -- what is said of the organization here is no older than that
    name_key text COLLATE "C" NOT NULL,
    summary  json             NOT NULL
) WITH (fillfactor = 50); -- a version that rises writes no index
CREATE INDEX IF NOT EXISTS organizations_name ON tenancy_lists.organizations (name_key, id);

-- A record that can't be read is `{}`, and the key of its address is empty.
CREATE TABLE IF NOT EXISTS tenancy_lists.members (
    organization_id uuid             NOT NULL,
    user_id         uuid             NOT NULL,
    email_key       text COLLATE "C" NOT NULL,
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, user_id)
);
CREATE INDEX IF NOT EXISTS members_user ON tenancy_lists.members (user_id, organization_id);
CREATE INDEX IF NOT EXISTS members_email ON tenancy_lists.members (email_key, organization_id);

CREATE TABLE IF NOT EXISTS tenancy_lists.workspaces (
    organization_id uuid NOT NULL,
    id              uuid NOT NULL,
    record          json NOT NULL,
    PRIMARY KEY (organization_id, id)
);

-- Open ones only: one that is closed goes.
CREATE TABLE IF NOT EXISTS tenancy_lists.invitations (
    organization_id uuid             NOT NULL,
    id              uuid             NOT NULL,
    email_key       text COLLATE "C" NOT NULL,
    workspace_id    uuid,
    state           smallint         NOT NULL DEFAULT 1 CHECK (state = 1),
    record          json             NOT NULL,
    PRIMARY KEY (organization_id, id)
);
CREATE INDEX IF NOT EXISTS invitations_email ON tenancy_lists.invitations (email_key, organization_id, id);
