-- $1 uuid organization, $2 text: the commit as JSON. What is deleted; each table is written once.
WITH j AS (SELECT $2::text::jsonb AS c),
cas AS (SELECT $1::uuid AS id, (j.c->'next'->>'version')::bigint AS version FROM j),
released AS (
    DELETE FROM tenancy.claims t USING cas, j, jsonb_to_recordset(j.c->'release') AS r(scope smallint, key text)
    WHERE t.scope = r.scope AND t.key = r.key AND t.organization_id = cas.id RETURNING 1
),
members_gone AS (
    DELETE FROM tenancy.members t USING cas, j, jsonb_array_elements_text(j.c->'delete'->'members') AS r
    WHERE t.organization_id = cas.id AND t.user_id = r::uuid RETURNING 1
),
workspaces_gone AS (
    DELETE FROM tenancy.workspaces t USING cas, j, jsonb_array_elements_text(j.c->'delete'->'workspaces') AS r
    WHERE t.organization_id = cas.id AND t.id = r::uuid RETURNING 1
),
workspace_members_gone AS (
    DELETE FROM tenancy.workspace_members t
    USING cas, j, jsonb_to_recordset(j.c->'delete'->'workspace_members') AS r(workspace_id uuid, user_id uuid)
    WHERE t.organization_id = cas.id AND t.workspace_id = r.workspace_id AND t.user_id = r.user_id RETURNING 1
),
domains_gone AS (
    DELETE FROM tenancy.domains t USING cas, j, jsonb_array_elements_text(j.c->'delete'->'domains') AS r
    WHERE t.organization_id = cas.id AND t.id = r::uuid RETURNING 1
),
retired_gone AS (
    DELETE FROM tenancy.retired_domain_names t
    USING cas, j, jsonb_array_elements_text(j.c->'delete'->'retired_domain_names') AS r
    WHERE t.organization_id = cas.id AND t.name = r RETURNING 1
),
invitations_gone AS (
    DELETE FROM tenancy.invitations t USING cas, j, jsonb_array_elements_text(j.c->'delete'->'invitations') AS r
    WHERE t.organization_id = cas.id AND t.id = r::uuid RETURNING 1
)
SELECT (SELECT count(*) FROM released)
     + (SELECT count(*) FROM members_gone)
     + (SELECT count(*) FROM workspaces_gone)
     + (SELECT count(*) FROM workspace_members_gone)
     + (SELECT count(*) FROM domains_gone)
     + (SELECT count(*) FROM retired_gone)
     + (SELECT count(*) FROM invitations_gone) AS records
