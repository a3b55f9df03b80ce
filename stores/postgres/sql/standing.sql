-- $1 uuid organization, $2 uuid user, $3 uuid workspace or null, $4 uuid domain or null
SELECT o.version, m.role AS organization_role, w.id AS workspace, wm.role AS workspace_role, d.id AS domain
FROM tenancy.organizations o
LEFT JOIN tenancy.members m ON m.organization_id = o.id AND m.user_id = $2
LEFT JOIN tenancy.domains d ON d.organization_id = o.id AND d.id = $4
LEFT JOIN tenancy.workspaces w ON w.organization_id = o.id AND w.id = COALESCE($3, d.workspace_id)
LEFT JOIN tenancy.workspace_members wm
       ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = $2
WHERE o.id = $1
