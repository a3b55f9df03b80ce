SELECT 'members', (SELECT t.record FROM tenancy.members t
                   WHERE t.organization_id = $1::uuid AND t.user_id = p.user_id)::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'path_to_organization') AS r(user_id uuid)
      WHERE left(r.user_id::text, 0) = '') p
