SELECT 'commits', (SELECT t.entry FROM tenancy.commits t
                   WHERE t.id = p.id)::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'commit') AS r(id uuid)
      WHERE left(r.id::text, 0) = '') p
