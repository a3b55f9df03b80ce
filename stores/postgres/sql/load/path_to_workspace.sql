SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'path_to_workspace') AS r(user_id uuid, workspace_id uuid)
      WHERE left(r.user_id::text, 0) = '') p,
LATERAL (VALUES
    ('members', (SELECT t.record FROM tenancy.members t
                 WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id)),
    ('workspaces', (SELECT t.record FROM tenancy.workspaces t
                    WHERE t.organization_id = $1::uuid AND t.id = p.workspace_id)),
    ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                           WHERE t.organization_id = $1::uuid AND t.workspace_id = p.workspace_id
                             AND t.user_id = p.user_id))
) v(kind, record)
