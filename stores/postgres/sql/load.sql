-- $1 uuid organization, $2 text: what the keys ask for, as JSON
--
-- One statement, hence one snapshot. First what the keys lead to, then the records. Every look-up is by
-- equality, in a LATERAL that the planner can't turn around (LIMIT, OFFSET 0): an index look-up a row,
-- whatever the statistics say of the organization's size. (With `= ANY (ARRAY (..))`, one that has grown
-- since they were made, or one among very many small ones, is read as a whole.) `left(.., 0) = ''` always
-- holds; it tells the planner that there are few, where it takes JSON for a hundred rows, and would rather
-- compile the statement first (JIT).
WITH k AS (SELECT $1::uuid AS id, $2::text::jsonb AS k),
people AS (SELECT u::uuid AS user_id FROM k, jsonb_array_elements_text(k.k->'persons') AS u WHERE left(u, 0) = ''),
paths AS (
    SELECT p.user_id, p.workspace_id
    FROM k, jsonb_to_recordset(k.k->'workspaces') AS p(user_id uuid, workspace_id uuid)
    WHERE left(p.user_id::text, 0) = ''
    UNION ALL
    SELECT p.user_id, d.workspace_id
    FROM k, jsonb_to_recordset(k.k->'domains') AS p(user_id uuid, domain_id uuid),
    LATERAL (SELECT t.workspace_id FROM tenancy.domains t
             WHERE t.organization_id = $1 AND t.id = p.domain_id LIMIT 1) d
    WHERE left(p.user_id::text, 0) = ''
    UNION ALL
    SELECT p.user_id, t.workspace_id
    FROM people p,
    LATERAL (SELECT wm.workspace_id FROM tenancy.workspace_members wm
             WHERE wm.organization_id = $1 AND wm.user_id = p.user_id OFFSET 0) t
),
sent AS ( -- by the inviters asked for
    SELECT i.id, i.email_key
    FROM (SELECT DISTINCT u::uuid AS user_id FROM k, jsonb_array_elements_text(k.k->'inviters') AS u
          WHERE left(u, 0) = '') s,
    LATERAL (SELECT t.id, t.email_key FROM tenancy.invitations t
             WHERE t.organization_id = $1 AND t.inviter = s.user_id AND t.state = 1 OFFSET 0) i
),
answered AS ( -- the invitations asked for by id, and the user who answers
    SELECT i.id, i.workspace_id, i.inviter, i.email_key, p.user_id
    FROM k, jsonb_to_recordset(k.k->'invitations') AS p(id uuid, user_id uuid),
    LATERAL (SELECT t.* FROM tenancy.invitations t
             WHERE t.organization_id = $1 AND t.id = p.id LIMIT 1) i
    WHERE left(p.id::text, 0) = ''
),
addresses AS ( -- whose members are wanted, and in which workspace
    SELECT a.email_key, a.workspace_id
    FROM k, jsonb_to_recordset(k.k->'addresses') AS a(email_key text, workspace_id uuid)
    WHERE left(a.email_key, 0) = ''
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
    SELECT m.*
    FROM (SELECT u::uuid AS user_id FROM k, jsonb_array_elements_text(k.k->'users') AS u WHERE left(u, 0) = ''
          UNION SELECT user_id FROM people
          UNION SELECT user_id FROM addressees
          UNION SELECT user_id FROM answered
          UNION SELECT inviter FROM answered) u,
    LATERAL (SELECT t.user_id, t.role, t.email, t.since FROM tenancy.members t
             WHERE t.organization_id = $1 AND t.user_id = u.user_id LIMIT 1) m
),
workspaces AS (
    SELECT w.*
    FROM (SELECT workspace_id FROM paths UNION SELECT workspace_id FROM answered) u,
    LATERAL (SELECT t.id, t.name, t.invoicing, t.domains, t.members, t.created_at FROM tenancy.workspaces t
             WHERE t.organization_id = $1 AND t.id = u.workspace_id LIMIT 1) w
    UNION ALL
    SELECT w.*
    FROM (SELECT n FROM k, jsonb_array_elements_text(k.k->'workspace_names') AS n WHERE left(n, 0) = '') u,
    LATERAL (SELECT t.id, t.name, t.invoicing, t.domains, t.members, t.created_at FROM tenancy.workspaces t
             WHERE t.organization_id = $1 AND t.name_key = u.n LIMIT 1) w
),
workspace_members AS (
    SELECT t.workspace_id, t.user_id, t.role, t.since
    FROM pairs p,
    LATERAL (SELECT wm.* FROM tenancy.workspace_members wm
             WHERE wm.organization_id = $1 AND wm.workspace_id = p.workspace_id AND wm.user_id = p.user_id LIMIT 1) t
),
domain_names AS (SELECT n AS name FROM k, jsonb_array_elements_text(k.k->'domain_names') AS n WHERE left(n, 0) = ''),
domains AS (
    SELECT d.*
    FROM (SELECT DISTINCT p.domain_id FROM k, jsonb_to_recordset(k.k->'domains') AS p(domain_id uuid)
          WHERE left(p.domain_id::text, 0) = '') u,
    LATERAL (SELECT t.id, t.workspace_id, t.name, t.kind, t.status, t.created_at FROM tenancy.domains t
             WHERE t.organization_id = $1 AND t.id = u.domain_id LIMIT 1) d
    UNION ALL
    SELECT d.*
    FROM domain_names u,
    LATERAL (SELECT t.id, t.workspace_id, t.name, t.kind, t.status, t.created_at FROM tenancy.domains t
             WHERE t.organization_id = $1 AND t.name = u.name LIMIT 1) d
),
retired_domain_names AS (
    SELECT r.*
    FROM domain_names u,
    LATERAL (SELECT t.name, t.retired_at FROM tenancy.retired_domain_names t
             WHERE t.organization_id = $1 AND t.name = u.name LIMIT 1) r
),
wanted AS ( -- which invitations
    SELECT id FROM sent
    UNION SELECT id FROM answered
    UNION SELECT t.id
    FROM (SELECT email_key FROM k, jsonb_to_recordset(k.k->'addresses') AS a(email_key text) WHERE left(a.email_key, 0) = ''
          UNION SELECT m.email_key
          FROM people p,
          LATERAL (SELECT t.email_key FROM tenancy.members t
                   WHERE t.organization_id = $1 AND t.user_id = p.user_id LIMIT 1) m) a,
    LATERAL (SELECT i.id FROM tenancy.invitations i
             WHERE i.email_key = a.email_key AND i.organization_id = $1 AND i.state = 1 OFFSET 0) t
    UNION SELECT t.id
    FROM (SELECT w::uuid AS workspace_id FROM k, jsonb_array_elements_text(k.k->'open_into') AS w
          WHERE left(w, 0) = '') u,
    LATERAL (SELECT i.id FROM tenancy.invitations i
             WHERE i.organization_id = $1 AND i.workspace_id = u.workspace_id AND i.state = 1 OFFSET 0) t
    UNION SELECT t.id
    FROM (SELECT FROM k WHERE (k.k->>'open')::boolean) u,
    LATERAL (SELECT i.id FROM tenancy.invitations i
             WHERE i.organization_id = $1 AND i.state + 0 = 1 OFFSET 0) t
),
invitations AS (
    SELECT i.*
    FROM wanted u,
    LATERAL (SELECT t.id, t.email, t.workspace_id, t.role, t.inviter, encode(t.token_hash, 'hex') AS token_hash,
                    t.sent_at, t.expires_at, t.state
             FROM tenancy.invitations t
             WHERE t.organization_id = $1 AND t.id = u.id LIMIT 1) i
)
SELECT json_build_object(
    'organization', row_to_json(o),
    'members', (SELECT json_agg(t) FROM members t),
    'workspaces', (SELECT json_agg(t) FROM workspaces t),
    'workspace_members', (SELECT json_agg(t) FROM workspace_members t),
    'domains', (SELECT json_agg(t) FROM domains t),
    'retired_domain_names', (SELECT json_agg(t) FROM retired_domain_names t),
    'invitations', (SELECT json_agg(t) FROM invitations t),
    'committed', (SELECT row_to_json(c)
                  FROM (SELECT (k.k->>'commit')::uuid AS id FROM k) u,
                  LATERAL (SELECT * FROM tenancy.commits t
                           WHERE t.organization_id = $1 AND t.id = u.id LIMIT 1) c)
)::text AS facts
FROM tenancy.organizations o
WHERE o.id = $1
