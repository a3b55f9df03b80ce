SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'person') AS r(user_id uuid)
      WHERE left(r.user_id::text, 0) = '') p
LEFT JOIN LATERAL (SELECT t.email_key, t.record FROM tenancy.members t
                   WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id LIMIT 1) m ON true,
LATERAL (
    SELECT 'members' AS kind, m.record
    UNION ALL (
        SELECT w.kind, w.record
        FROM tenancy.workspace_members t,
        LATERAL (VALUES
            ('workspace_members', t.record),
            ('workspaces', (SELECT u.record FROM tenancy.workspaces u
                            WHERE u.organization_id = $1::uuid AND u.id = t.workspace_id))
        ) w(kind, record)
        WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id OFFSET 0
    )
    UNION ALL (
        SELECT 'invitations', t.record FROM tenancy.invitations t
        WHERE t.organization_id = $1::uuid AND t.email_key = m.email_key AND t.state = 1 OFFSET 0
    )
    UNION ALL (
        SELECT 'former_members', t.record FROM tenancy.former_members t
        WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id OFFSET 0
    )
) v
