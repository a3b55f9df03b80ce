-- A line for each column, key, check, index and trigger of the schema `tenancy`.
WITH tables AS (
    SELECT c.oid, c.relname::text AS name
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = to_regnamespace('tenancy') AND c.relkind IN ('r', 'p')
)
SELECT format('column %s.%s %s%s%s', t.name, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
              CASE l.collname WHEN 'default' THEN '' ELSE ' collate ' || l.collname END,
              CASE WHEN a.attnotnull THEN ' not null' END) AS line
FROM tables t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
UNION ALL
SELECT format('%s %s.%s (%s)', CASE k.contype WHEN 'p' THEN 'primary key' ELSE 'unique key' END, t.name, k.conname,
              (SELECT string_agg(a.attname, ', ' ORDER BY u.place)
               FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum))
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u')
UNION ALL
SELECT format('check %s.%s %s', t.name, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid))
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'c'
UNION ALL
SELECT format('%s %s.%s (%s)%s', CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END, t.name, x.relname,
              (SELECT string_agg(pg_catalog.pg_get_indexdef(i.indexrelid, place, true), ', ' ORDER BY place)
               FROM generate_series(1, i.indnatts) AS place),
              ' where ' || pg_catalog.pg_get_expr(i.indpred, i.indrelid))
FROM tables t
JOIN pg_catalog.pg_index i ON i.indrelid = t.oid AND i.indisvalid
JOIN pg_catalog.pg_class x ON x.oid = i.indexrelid
WHERE NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint k WHERE k.conindid = i.indexrelid)
UNION ALL
SELECT format('trigger %s.%s', t.name, g.tgname)
FROM tables t
JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
UNION ALL
SELECT format('foreign key %s.%s %s', t.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.contype = 'f' AND k.conrelid = t.oid
ORDER BY line
