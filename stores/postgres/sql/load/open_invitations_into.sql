SELECT 'invitations', i.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'open_invitations_into') AS r(workspace_id uuid)
      WHERE left(r.workspace_id::text, 0) = '') p,
LATERAL (SELECT t.record FROM tenancy.invitations t
         WHERE t.organization_id = $1::uuid AND t.workspace_id = p.workspace_id AND t.state = 1 OFFSET 0) i
