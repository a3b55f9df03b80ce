SELECT v.kind, v.record::text
FROM (SELECT * FROM jsonb_to_recordset($2::text::jsonb->'domain_named') AS r(name text)
      WHERE left(r.name, 0) = '') p,
LATERAL (VALUES
    ('domains', (SELECT t.record FROM tenancy.domains t
                 WHERE t.organization_id = $1::uuid AND t.name = p.name)),
    ('retired_domain_names', (SELECT t.record FROM tenancy.retired_domain_names t
                              WHERE t.organization_id = $1::uuid AND t.name = p.name))
) v(kind, record)
