-- $1 uuid organization, $2 uuid user, $3 uuid workspace or null, $4 uuid domain or null
--
-- Five look-ups by key. LATERAL with LIMIT, so that the planner can't join them in another order: taking an
-- organization for small, it would read all its workspaces.
SELECT o.version, m.role AS organization_role, w.id AS workspace, wm.role AS workspace_role, d.id AS domain
FROM tenancy.organizations o
LEFT JOIN LATERAL (SELECT t.role FROM tenancy.members t
                   WHERE t.organization_id = $1 AND t.user_id = $2 LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT t.id, t.workspace_id FROM tenancy.domains t
                   WHERE t.organization_id = $1 AND t.id = $4 LIMIT 1) d ON true
LEFT JOIN LATERAL (SELECT t.id FROM tenancy.workspaces t
                   WHERE t.organization_id = $1 AND t.id = COALESCE($3, d.workspace_id) LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT t.role FROM tenancy.workspace_members t
                   WHERE t.organization_id = $1 AND t.workspace_id = w.id AND t.user_id = $2 LIMIT 1) wm ON true
WHERE o.id = $1
