SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'open_invitations_into') AS r(workspace_id uuid)
      WHERE left(r.workspace_id::text, 0) = '') p,
LATERAL (SELECT t.email_key FROM tenancy.invitations t
         WHERE t.organization_id = $1::uuid AND t.workspace_id = p.workspace_id AND t.state = 1 OFFSET 0) i,
LATERAL (
    (
        SELECT 'invitations' AS kind, t.record FROM tenancy.invitations t
        WHERE t.organization_id = $1::uuid AND t.email_key = i.email_key AND t.state = 1 OFFSET 0
    )
    UNION ALL (
        SELECT 'members', t.record FROM tenancy.members t
        WHERE t.organization_id = $1::uuid AND t.email_key = i.email_key OFFSET 0
    )
) v
