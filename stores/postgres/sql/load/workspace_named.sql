SELECT 'workspaces', (SELECT t.record FROM tenancy.workspaces t
                      WHERE t.organization_id = $1::uuid AND t.name_key = p.name)::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'workspace_named') AS r(name text)
      WHERE left(r.name, 0) = '') p
