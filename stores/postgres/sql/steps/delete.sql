-- $1 uuid organization, $2 text: the commit as JSON. What is deleted; each table is written once.
-- `.._out` and `left(.., 0) = ''`: as in commit.sql.
WITH j AS (SELECT $2::text::jsonb AS c),
released_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r.scope, r.key
    FROM j, jsonb_to_recordset(j.c->'release') AS r(scope smallint, key text) WHERE left(r.key, 0) = ''
),
released AS (
    DELETE FROM tenancy.claims t USING released_out o
    WHERE t.scope = o.scope AND t.key = o.key AND t.organization_id = o.organization_id RETURNING 1
),
members_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r::uuid AS key
    FROM j, jsonb_array_elements_text(j.c->'delete'->'members') AS r WHERE left(r, 0) = ''
),
members_gone AS (
    DELETE FROM tenancy.members t USING members_out o
    WHERE t.organization_id = o.organization_id AND t.user_id = o.key RETURNING 1
),
workspaces_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r::uuid AS key
    FROM j, jsonb_array_elements_text(j.c->'delete'->'workspaces') AS r WHERE left(r, 0) = ''
),
workspaces_gone AS (
    DELETE FROM tenancy.workspaces t USING workspaces_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
),
workspace_members_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r.workspace_id, r.user_id
    FROM j, jsonb_to_recordset(j.c->'delete'->'workspace_members') AS r(workspace_id uuid, user_id uuid)
    WHERE left(r.user_id::text, 0) = ''
),
workspace_members_gone AS (
    DELETE FROM tenancy.workspace_members t USING workspace_members_out o
    WHERE t.organization_id = o.organization_id AND t.workspace_id = o.workspace_id AND t.user_id = o.user_id
    RETURNING 1
),
domains_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r::uuid AS key
    FROM j, jsonb_array_elements_text(j.c->'delete'->'domains') AS r WHERE left(r, 0) = ''
),
domains_gone AS (
    DELETE FROM tenancy.domains t USING domains_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
),
retired_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r AS key
    FROM j, jsonb_array_elements_text(j.c->'delete'->'retired_domain_names') AS r WHERE left(r, 0) = ''
),
retired_gone AS (
    DELETE FROM tenancy.retired_domain_names t USING retired_out o
    WHERE t.organization_id = o.organization_id AND t.name = o.key RETURNING 1
),
invitations_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, r::uuid AS key
    FROM j, jsonb_array_elements_text(j.c->'delete'->'invitations') AS r WHERE left(r, 0) = ''
),
invitations_gone AS (
    DELETE FROM tenancy.invitations t USING invitations_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.key RETURNING 1
)
SELECT (SELECT count(*) FROM released)
     + (SELECT count(*) FROM members_gone)
     + (SELECT count(*) FROM workspaces_gone)
     + (SELECT count(*) FROM workspace_members_gone)
     + (SELECT count(*) FROM domains_gone)
     + (SELECT count(*) FROM retired_gone)
     + (SELECT count(*) FROM invitations_gone) AS records
