SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'address') AS r(email_key text, workspace_id uuid)
      WHERE left(r.email_key, 0) = '') p,
LATERAL (
    (
        SELECT w.kind, w.record
        FROM tenancy.members m,
        LATERAL (VALUES
            ('members', m.record),
            ('workspace_members', (SELECT t.record FROM tenancy.workspace_members t
                                   WHERE t.organization_id = $1::uuid AND t.workspace_id = p.workspace_id
                                     AND t.user_id = m.user_id))
        ) w(kind, record)
        WHERE m.organization_id = $1::uuid AND m.email_key = p.email_key OFFSET 0
    )
    UNION ALL (
        SELECT 'invitations', t.record FROM tenancy.invitations t
        WHERE t.organization_id = $1::uuid AND t.email_key = p.email_key AND t.state = 1 OFFSET 0
    )
) v
