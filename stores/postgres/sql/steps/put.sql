-- $1 uuid organization, $2 text: the commit as JSON. What is written; each table is written once.
WITH j AS (SELECT $2::text::jsonb AS c),
cas AS (SELECT $1::uuid AS id, (j.c->'next'->>'version')::bigint AS version FROM j),
claimed AS (
    INSERT INTO tenancy.claims (scope, key, organization_id)
    SELECT r.scope, r.key, cas.id
    FROM cas, j, jsonb_to_recordset(j.c->'claim') AS r(scope smallint, key text)
),
members_put AS (
    INSERT INTO tenancy.members (organization_id, user_id, role, email, email_key, since)
    SELECT cas.id, r.user_id, r.role, r.email, r.email_key, r.since
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'members')
         AS r(user_id uuid, role smallint, email text, email_key text, since timestamptz)
    ON CONFLICT (organization_id, user_id) DO UPDATE
    SET role = excluded.role, email = excluded.email, email_key = excluded.email_key, since = excluded.since
),
workspaces_put AS (
    INSERT INTO tenancy.workspaces (organization_id, id, name, name_key, invoicing, domains, members, created_at)
    SELECT cas.id, r.id, r.name, r.name_key, r.invoicing, r.domains, r.members, r.created_at
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'workspaces')
         AS r(id uuid, name text, name_key text, invoicing jsonb, domains bigint, members bigint, created_at timestamptz)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET name = excluded.name, name_key = excluded.name_key, invoicing = excluded.invoicing,
        domains = excluded.domains, members = excluded.members, created_at = excluded.created_at
),
workspace_members_put AS (
    INSERT INTO tenancy.workspace_members (organization_id, workspace_id, user_id, role, since)
    SELECT cas.id, r.workspace_id, r.user_id, r.role, r.since
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'workspace_members')
         AS r(workspace_id uuid, user_id uuid, role smallint, since timestamptz)
    ON CONFLICT (organization_id, workspace_id, user_id) DO UPDATE SET role = excluded.role, since = excluded.since
),
domains_put AS (
    INSERT INTO tenancy.domains (organization_id, id, workspace_id, name, kind, status, created_at)
    SELECT cas.id, r.id, r.workspace_id, r.name, r.kind, r.status, r.created_at
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'domains')
         AS r(id uuid, workspace_id uuid, name text, kind smallint, status smallint, created_at timestamptz)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET workspace_id = excluded.workspace_id, name = excluded.name, kind = excluded.kind,
        status = excluded.status, created_at = excluded.created_at
),
retired_put AS (
    INSERT INTO tenancy.retired_domain_names (organization_id, name, retired_at)
    SELECT cas.id, r.name, r.retired_at
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'retired_domain_names') AS r(name text, retired_at timestamptz)
    ON CONFLICT (organization_id, name) DO UPDATE SET retired_at = excluded.retired_at
),
invitations_put AS (
    INSERT INTO tenancy.invitations (organization_id, id, email, email_key, workspace_id, role, inviter,
                                     token_hash, sent_at, expires_at, state)
    SELECT cas.id, r.id, r.email, r.email_key, r.workspace_id, r.role, r.inviter,
           decode(r.token_hash, 'hex'), r.sent_at, r.expires_at, r.state
    FROM cas, j, jsonb_to_recordset(j.c->'put'->'invitations')
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
SELECT version AS committed FROM cas
