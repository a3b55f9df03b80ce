SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'sent_to') AS r(user_id uuid)
      WHERE left(r.user_id::text, 0) = '') p
LEFT JOIN LATERAL (SELECT t.email_key, t.record FROM tenancy.members t
                   WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id LIMIT 1) m ON true,
LATERAL (
    SELECT 'members' AS kind, m.record
    UNION ALL (
        SELECT 'invitations', t.record FROM tenancy.invitations t
        WHERE t.organization_id = $1::uuid AND t.email_key = m.email_key AND t.state = 1 OFFSET 0
    )
) v
