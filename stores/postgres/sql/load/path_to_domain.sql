SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'path_to_domain') AS r(user_id uuid, domain_id uuid)
      WHERE left(r.user_id::text, 0) = '') p
LEFT JOIN LATERAL (SELECT t.workspace_id, t.record FROM tenancy.domains t
                   WHERE t.organization_id = $1::uuid AND t.id = p.domain_id LIMIT 1) d ON true,
LATERAL (VALUES
    ('members', (SELECT t.record FROM tenancy.members t
                 WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id)),
    ('domains', d.record),
    ('workspaces', (SELECT t.record FROM tenancy.workspaces t
                    WHERE t.organization_id = $1::uuid AND t.id = d.workspace_id)),
    ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                           WHERE t.organization_id = $1::uuid AND t.workspace_id = d.workspace_id
                             AND t.user_id = p.user_id))
) v(kind, record)
