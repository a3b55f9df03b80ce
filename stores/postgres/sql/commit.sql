-- $1 uuid organization, $2 bigint expected version (0: must not exist), $3 text: the commit as JSON
--
-- One statement, hence all or nothing without a transaction. `cas` compares and sets the version; everything
-- that writes joins it, and so writes nothing when it is empty. What is deleted goes first (`gone`), so that
-- a name that one record gives up another may take.
--
-- What is to be deleted is looked up by its whole key, whatever the statistics say: the lists stand in CTEs of
-- their own (`.._out`), so that the planner can't join the organization first and read all its rows, and
-- `left(.., 0) = ''`, which always holds, tells it that there are few, where it takes JSON for a hundred.
WITH j AS (SELECT $1::uuid AS id, $2::bigint AS expected, $3::text::jsonb AS c),
clash AS (
    SELECT t.scope, t.key
    FROM j, jsonb_to_recordset(j.c->'claim') AS r(scope smallint, key text),
    LATERAL (SELECT h.scope, h.key FROM tenancy.claims h WHERE h.scope = r.scope AND h.key = r.key LIMIT 1) t
),
born AS (
    INSERT INTO tenancy.organizations
        (id, version, status, name, company, invoicing, contract, workspace_quota,
         workspaces, domains, members, admins, invitations, created_at)
    SELECT $1, 1, n.status, n.name, n.company, n.invoicing, n.contract, n.workspace_quota,
           n.workspaces, n.domains, n.members, n.admins, n.invitations, n.created_at
    FROM j, jsonb_to_record(j.c->'next') AS n(
        status smallint, name text, company jsonb, invoicing jsonb, contract text, workspace_quota bigint,
        workspaces bigint, domains bigint, members bigint, admins bigint, invitations bigint, created_at timestamptz)
    WHERE $2 = 0 AND NOT EXISTS (SELECT 1 FROM clash)
    ON CONFLICT (id) DO NOTHING
    RETURNING id, version
),
grown AS (
    UPDATE tenancy.organizations o
    SET version = o.version + 1, status = n.status, name = n.name, company = n.company,
        invoicing = n.invoicing, contract = n.contract, workspace_quota = n.workspace_quota,
        workspaces = n.workspaces, domains = n.domains, members = n.members, admins = n.admins,
        invitations = n.invitations, created_at = n.created_at
    FROM j, jsonb_to_record(j.c->'next') AS n(
        status smallint, name text, company jsonb, invoicing jsonb, contract text, workspace_quota bigint,
        workspaces bigint, domains bigint, members bigint, admins bigint, invitations bigint, created_at timestamptz)
    WHERE o.id = $1 AND o.version = $2 AND $2 > 0 AND NOT EXISTS (SELECT 1 FROM clash)
    RETURNING o.id, o.version
),
cas AS (SELECT id, version FROM born UNION ALL SELECT id, version FROM grown),
released_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r.scope, r.key
    FROM cas, j, jsonb_to_recordset(j.c->'release') AS r(scope smallint, key text) WHERE left(r.key, 0) = ''
),
released AS (
    DELETE FROM tenancy.claims t USING released_out o
    WHERE t.scope = o.scope AND t.key = o.key AND t.organization_id = o.organization_id RETURNING 1
),
members_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r::uuid AS key
    FROM cas, j, jsonb_array_elements_text(j.c->'delete'->'members') AS r WHERE left(r, 0) = ''
),
members_gone AS (
    DELETE FROM tenancy.members t USING members_out o
    WHERE t.organization_id = o.organization_id AND t.user_id = o.key RETURNING 1
),
workspaces_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r::uuid AS key
    FROM cas, j, jsonb_array_elements_text(j.c->'delete'->'workspaces') AS r WHERE left(r, 0) = ''
),
workspaces_gone AS (
    DELETE FROM tenancy.workspaces t USING workspaces_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
),
workspace_members_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r.workspace_id, r.user_id
    FROM cas, j, jsonb_to_recordset(j.c->'delete'->'workspace_members') AS r(workspace_id uuid, user_id uuid)
    WHERE left(r.user_id::text, 0) = ''
),
workspace_members_gone AS (
    DELETE FROM tenancy.workspace_members t USING workspace_members_out o
    WHERE t.organization_id = o.organization_id AND t.workspace_id = o.workspace_id AND t.user_id = o.user_id
    RETURNING 1
),
domains_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r::uuid AS key
    FROM cas, j, jsonb_array_elements_text(j.c->'delete'->'domains') AS r WHERE left(r, 0) = ''
),
domains_gone AS (
    DELETE FROM tenancy.domains t USING domains_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
),
retired_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r AS key
    FROM cas, j, jsonb_array_elements_text(j.c->'delete'->'retired_domain_names') AS r WHERE left(r, 0) = ''
),
retired_gone AS (
    DELETE FROM tenancy.retired_domain_names t USING retired_out o
    WHERE t.organization_id = o.organization_id AND t.name = o.key RETURNING 1
),
invitations_out AS MATERIALIZED (
    SELECT cas.id AS organization_id, r::uuid AS key
    FROM cas, j, jsonb_array_elements_text(j.c->'delete'->'invitations') AS r WHERE left(r, 0) = ''
),
invitations_gone AS (
    DELETE FROM tenancy.invitations t USING invitations_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
),
gone AS (
    SELECT (SELECT count(*) FROM released) + (SELECT count(*) FROM members_gone)
         + (SELECT count(*) FROM workspaces_gone) + (SELECT count(*) FROM workspace_members_gone)
         + (SELECT count(*) FROM domains_gone) + (SELECT count(*) FROM retired_gone)
         + (SELECT count(*) FROM invitations_gone) AS records
),
claimed AS (
    INSERT INTO tenancy.claims (scope, key, organization_id)
    SELECT r.scope, r.key, cas.id
    FROM cas, gone, j, jsonb_to_recordset(j.c->'claim') AS r(scope smallint, key text)
),
members_put AS (
    INSERT INTO tenancy.members (organization_id, user_id, role, email, email_key, since)
    SELECT cas.id, r.user_id, r.role, r.email, r.email_key, r.since
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'members')
         AS r(user_id uuid, role smallint, email text, email_key text, since timestamptz)
    ON CONFLICT (organization_id, user_id) DO UPDATE
    SET role = excluded.role, email = excluded.email, email_key = excluded.email_key, since = excluded.since
),
workspaces_put AS (
    INSERT INTO tenancy.workspaces (organization_id, id, name, name_key, invoicing, domains, members, created_at)
    SELECT cas.id, r.id, r.name, r.name_key, r.invoicing, r.domains, r.members, r.created_at
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'workspaces')
         AS r(id uuid, name text, name_key text, invoicing jsonb, domains bigint, members bigint, created_at timestamptz)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET name = excluded.name, name_key = excluded.name_key, invoicing = excluded.invoicing,
        domains = excluded.domains, members = excluded.members, created_at = excluded.created_at
),
workspace_members_put AS (
    INSERT INTO tenancy.workspace_members (organization_id, workspace_id, user_id, role, since)
    SELECT cas.id, r.workspace_id, r.user_id, r.role, r.since
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'workspace_members')
         AS r(workspace_id uuid, user_id uuid, role smallint, since timestamptz)
    ON CONFLICT (organization_id, workspace_id, user_id) DO UPDATE SET role = excluded.role, since = excluded.since
),
domains_put AS (
    INSERT INTO tenancy.domains (organization_id, id, workspace_id, name, kind, status, created_at)
    SELECT cas.id, r.id, r.workspace_id, r.name, r.kind, r.status, r.created_at
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'domains')
         AS r(id uuid, workspace_id uuid, name text, kind smallint, status smallint, created_at timestamptz)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        status = excluded.status, created_at = excluded.created_at
),
retired_put AS (
    INSERT INTO tenancy.retired_domain_names (organization_id, name, retired_at)
    SELECT cas.id, r.name, r.retired_at
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'retired_domain_names') AS r(name text, retired_at timestamptz)
    ON CONFLICT (organization_id, name) DO UPDATE SET retired_at = excluded.retired_at
),
invitations_put AS (
    INSERT INTO tenancy.invitations (organization_id, id, email, email_key, workspace_id, role, inviter,
                                     token_hash, sent_at, expires_at, state)
    SELECT cas.id, r.id, r.email, r.email_key, r.workspace_id, r.role, r.inviter,
           decode(r.token_hash, 'hex'), r.sent_at, r.expires_at, r.state
    FROM cas, gone, j, jsonb_to_recordset(j.c->'put'->'invitations')
         AS r(id uuid, email text, email_key text, workspace_id uuid, role smallint, inviter uuid,
              token_hash text, sent_at timestamptz, expires_at timestamptz, state smallint)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET email = excluded.email, email_key = excluded.email_key, workspace_id = excluded.workspace_id,
        role = excluded.role, inviter = excluded.inviter, token_hash = excluded.token_hash,
        sent_at = excluded.sent_at, expires_at = excluded.expires_at, state = excluded.state
),
logged AS (
    INSERT INTO tenancy.commits (organization_id, version, id, at, author, command, events)
    SELECT cas.id, cas.version, r.id, r.at, r.author, r.command, r.events
    FROM cas, j, jsonb_to_record(j.c->'entry')
         AS r(id uuid, at timestamptz, author jsonb, command text, events jsonb)
),
queued AS (INSERT INTO tenancy.outbox (organization_id, version) SELECT cas.id, cas.version FROM cas)
SELECT (SELECT version FROM cas) AS committed,
       (SELECT version FROM tenancy.organizations WHERE id = $1) AS seen,
       (SELECT json_agg(clash)::text FROM clash) AS taken
