-- $1 uuid organization, $2 text: what the keys ask for, as JSON
--
-- One statement, hence one snapshot. First what the keys lead to, then the records. Look-ups by one column
-- are `= ANY (ARRAY (..))`, by two a LATERAL with a LIMIT: both are index look-ups whatever the planner
-- thinks of the sizes, and a load of three rows never scans a hundred thousand members.
WITH k AS (SELECT $1::uuid AS id, $2::text::jsonb AS k),
people AS (SELECT u::uuid AS user_id FROM k, jsonb_array_elements_text(k.k->'persons') AS u),
paths AS (
    SELECT p.user_id, p.workspace_id
    FROM k, jsonb_to_recordset(k.k->'workspaces') AS p(user_id uuid, workspace_id uuid)
    UNION ALL
    SELECT p.user_id, d.workspace_id
    FROM k, jsonb_to_recordset(k.k->'domains') AS p(user_id uuid, domain_id uuid),
    LATERAL (SELECT t.workspace_id FROM tenancy.domains t
             WHERE t.organization_id = $1 AND t.id = p.domain_id LIMIT 1) d
    UNION ALL
    SELECT t.user_id, t.workspace_id FROM tenancy.workspace_members t
    WHERE t.organization_id = $1 AND t.user_id = ANY (ARRAY (SELECT user_id FROM people))
),
sent AS ( -- by the inviters asked for
    SELECT t.id, t.email_key FROM tenancy.invitations t
    WHERE t.organization_id = $1 AND t.state = 1
      AND t.inviter = ANY (ARRAY (SELECT u::uuid FROM k, jsonb_array_elements_text(k.k->'inviters') AS u))
),
answered AS ( -- the invitations asked for by id, and the user who answers
    SELECT i.id, i.workspace_id, i.inviter, i.email_key, p.user_id
    FROM k, jsonb_to_recordset(k.k->'invitations') AS p(id uuid, user_id uuid),
    LATERAL (SELECT t.* FROM tenancy.invitations t
             WHERE t.organization_id = $1 AND t.id = p.id LIMIT 1) i
),
addresses AS ( -- whose members are wanted, and in which workspace
    SELECT a.email_key, a.workspace_id
    FROM k, jsonb_to_recordset(k.k->'addresses') AS a(email_key text, workspace_id uuid)
    UNION ALL SELECT email_key, NULL FROM sent
    UNION ALL SELECT email_key, workspace_id FROM answered
),
addressees AS (
    SELECT a.workspace_id, m.user_id
    FROM addresses a,
    LATERAL (SELECT t.user_id FROM tenancy.members t
             WHERE t.organization_id = $1 AND t.email_key = a.email_key OFFSET 0) m
),
pairs AS ( -- whose membership of which workspace
    SELECT user_id, workspace_id FROM paths
    UNION SELECT user_id, workspace_id FROM addressees WHERE workspace_id IS NOT NULL
    UNION SELECT user_id, workspace_id FROM answered WHERE workspace_id IS NOT NULL
    UNION SELECT inviter, workspace_id FROM answered WHERE workspace_id IS NOT NULL
),
members AS (
    SELECT t.user_id, t.role, t.email, t.since FROM tenancy.members t
    WHERE t.organization_id = $1 AND t.user_id = ANY (ARRAY (
        SELECT u::uuid FROM k, jsonb_array_elements_text(k.k->'users') AS u
        UNION SELECT user_id FROM people
        UNION SELECT user_id FROM addressees
        UNION SELECT user_id FROM answered
        UNION SELECT inviter FROM answered))
),
workspaces AS (
    SELECT t.id, t.name, t.invoicing, t.domains, t.members, t.created_at FROM tenancy.workspaces t
    WHERE t.organization_id = $1 AND t.id = ANY (ARRAY (
        SELECT workspace_id FROM paths
        UNION SELECT workspace_id FROM answered))
    UNION ALL
    SELECT t.id, t.name, t.invoicing, t.domains, t.members, t.created_at FROM tenancy.workspaces t
    WHERE t.organization_id = $1
      AND t.name_key = ANY (ARRAY (SELECT n FROM k, jsonb_array_elements_text(k.k->'workspace_names') AS n))
),
workspace_members AS (
    SELECT t.workspace_id, t.user_id, t.role, t.since
    FROM pairs p,
    LATERAL (SELECT wm.* FROM tenancy.workspace_members wm
             WHERE wm.organization_id = $1 AND wm.workspace_id = p.workspace_id AND wm.user_id = p.user_id LIMIT 1) t
),
domains AS (
    SELECT t.id, t.workspace_id, t.name, t.kind, t.status, t.created_at FROM tenancy.domains t
    WHERE t.organization_id = $1
      AND t.id = ANY (ARRAY (SELECT d.domain_id FROM k, jsonb_to_recordset(k.k->'domains') AS d(domain_id uuid)))
    UNION ALL
    SELECT t.id, t.workspace_id, t.name, t.kind, t.status, t.created_at FROM tenancy.domains t
    WHERE t.organization_id = $1
      AND t.name = ANY (ARRAY (SELECT n FROM k, jsonb_array_elements_text(k.k->'domain_names') AS n))
),
retired_domain_names AS (
    SELECT t.name, t.retired_at FROM tenancy.retired_domain_names t
    WHERE t.organization_id = $1
      AND t.name = ANY (ARRAY (SELECT n FROM k, jsonb_array_elements_text(k.k->'domain_names') AS n))
),
wanted AS ( -- which invitations
    SELECT id FROM sent
    UNION SELECT id FROM answered
    UNION SELECT t.id
    FROM (SELECT email_key FROM k, jsonb_to_recordset(k.k->'addresses') AS a(email_key text)
          UNION SELECT p.email_key FROM tenancy.members p
          WHERE p.organization_id = $1 AND p.user_id = ANY (ARRAY (SELECT user_id FROM people))) a,
    LATERAL (SELECT i.id FROM tenancy.invitations i
             WHERE i.email_key = a.email_key AND i.organization_id = $1 AND i.state = 1 OFFSET 0) t
    UNION SELECT t.id FROM tenancy.invitations t
    WHERE t.organization_id = $1 AND t.state = 1
      AND t.workspace_id = ANY (ARRAY (SELECT w::uuid FROM k, jsonb_array_elements_text(k.k->'open_into') AS w))
    UNION SELECT t.id FROM k, tenancy.invitations t
    WHERE t.organization_id = $1 AND t.state = 1 AND (k.k->>'open')::boolean
),
invitations AS (
    SELECT t.id, t.email, t.workspace_id, t.role, t.inviter, encode(t.token_hash, 'hex') AS token_hash,
           t.sent_at, t.expires_at, t.state
    FROM tenancy.invitations t
    WHERE t.organization_id = $1 AND t.id = ANY (ARRAY (SELECT id FROM wanted))
)
SELECT json_build_object(
    'organization', row_to_json(o),
    'members', (SELECT json_agg(t) FROM members t),
    'workspaces', (SELECT json_agg(t) FROM workspaces t),
    'workspace_members', (SELECT json_agg(t) FROM workspace_members t),
    'domains', (SELECT json_agg(t) FROM domains t),
    'retired_domain_names', (SELECT json_agg(t) FROM retired_domain_names t),
    'invitations', (SELECT json_agg(t) FROM invitations t),
    'committed', (SELECT row_to_json(t) FROM k, tenancy.commits t
                  WHERE t.organization_id = $1 AND t.id = (k.k->>'commit')::uuid)
)::text AS facts
FROM tenancy.organizations o
WHERE o.id = $1
