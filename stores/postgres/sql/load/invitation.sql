SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'invitation') AS r(id uuid, user_id uuid)
      WHERE left(r.id::text, 0) = '') p,
LATERAL (SELECT t.workspace_id, t.inviter, t.email_key, t.record FROM tenancy.invitations t
         WHERE t.organization_id = $1::uuid AND t.id = p.id LIMIT 1) i,
LATERAL (
    SELECT * FROM (VALUES
        ('invitations', i.record),
        ('workspaces', (SELECT t.record FROM tenancy.workspaces t
                        WHERE t.organization_id = $1::uuid AND t.id = i.workspace_id)),
        ('members', (SELECT t.record FROM tenancy.members t
                     WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id)),
        ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                               WHERE t.organization_id = $1::uuid AND t.workspace_id = i.workspace_id
                                 AND t.user_id = p.user_id)),
        ('former_members', (SELECT t.record FROM tenancy.former_members t
                            WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id
                              AND t.workspace_id = '00000000-0000-0000-0000-000000000000')),
        ('former_members', (SELECT t.record FROM tenancy.former_members t
                            WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id
                              AND t.workspace_id = i.workspace_id)),
        ('members', (SELECT t.record FROM tenancy.members t
                     WHERE t.organization_id = $1::uuid AND t.user_id = i.inviter)),
        ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                               WHERE t.organization_id = $1::uuid AND t.workspace_id = i.workspace_id
                                 AND t.user_id = i.inviter))
    ) u(kind, record)
    UNION ALL (
        SELECT w.kind, w.record
        FROM tenancy.members m,
        LATERAL (VALUES
            ('members', m.record),
            ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                                   WHERE t.organization_id = $1::uuid AND t.workspace_id = i.workspace_id
                                     AND t.user_id = m.user_id))
        ) w(kind, record)
        WHERE m.organization_id = $1::uuid AND m.email_key = i.email_key OFFSET 0
    )
    UNION ALL (
        SELECT 'invitations', t.record FROM tenancy.invitations t
        WHERE t.organization_id = $1::uuid AND t.email_key = i.email_key AND t.state = 1 OFFSET 0
    )
) v
