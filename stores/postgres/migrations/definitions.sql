-- A line for whatever of the schema `tenancy` could change what a statement does: each table, whether it outlives a
-- crash and who sees its rows; each column, with its default; each key, check, index, trigger and rule; whose rows
-- appear among a table's. And the columns of the views.
WITH tables AS (
    SELECT c.oid, c.relname::text AS name, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = to_regnamespace('tenancy') AND c.relkind IN ('r', 'p')
)
SELECT format('table %s%s%s%s%s', t.name, CASE t.relkind WHEN 'p' THEN ' partitioned' END,
              CASE t.relpersistence WHEN 'u' THEN ' unlogged' END,
              CASE WHEN t.relrowsecurity THEN ' row level security' END,
              CASE WHEN t.relforcerowsecurity THEN ' for its owner, too' END) AS line
FROM tables t
UNION ALL
SELECT format('column %s.%s %s%s%s%s%s', t.name, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod),
              CASE l.collname WHEN 'default' THEN '' ELSE ' collate ' || l.collname END,
              CASE WHEN a.attnotnull THEN ' not null' END,
              CASE WHEN a.attidentity <> '' THEN ' identity' END,
              CASE a.attgenerated WHEN '' THEN ' default ' ELSE ' generated ' END
                  || pg_catalog.pg_get_expr(d.adbin, d.adrelid))
FROM tables t
JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = t.oid AND d.adnum = a.attnum
LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
UNION ALL
SELECT format('%s %s.%s (%s)%s%s', CASE k.contype WHEN 'p' THEN 'primary key' ELSE 'unique key' END, t.name, k.conname,
              (SELECT string_agg(a.attname, ', ' ORDER BY u.place)
               FROM unnest(k.conkey) WITH ORDINALITY AS u(attnum, place)
               JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum = u.attnum),
              CASE WHEN k.condeferrable THEN ' deferrable' END, CASE WHEN k.condeferred THEN ' initially deferred' END)
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype IN ('p', 'u')
UNION ALL
SELECT format('check %s.%s %s', t.name, k.conname, pg_catalog.pg_get_expr(k.conbin, k.conrelid))
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype = 'c'
UNION ALL
SELECT format('%s %s.%s %s%s', CASE WHEN i.indisunique THEN 'unique index' ELSE 'index' END, t.name, x.relname,
              substring(pg_catalog.pg_get_indexdef(i.indexrelid) FROM ' USING (.*)'),
              CASE WHEN NOT i.indisvalid THEN ' invalid' END)
FROM tables t
JOIN pg_catalog.pg_index i ON i.indrelid = t.oid
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
UNION ALL
SELECT format('exclusion %s.%s %s', t.name, k.conname, pg_catalog.pg_get_constraintdef(k.oid))
FROM tables t
JOIN pg_catalog.pg_constraint k ON k.contype = 'x' AND k.conrelid = t.oid
UNION ALL
SELECT format('rule %s.%s', t.name, r.rulename)
FROM tables t
JOIN pg_catalog.pg_rewrite r ON r.ev_class = t.oid
UNION ALL
SELECT format('heir %s of %s', h.inhrelid::regclass, t.name)
FROM tables t
JOIN pg_catalog.pg_inherits h ON h.inhparent = t.oid
UNION ALL
SELECT format('parent %s of %s', h.inhparent::regclass, t.name)
FROM tables t
JOIN pg_catalog.pg_inherits h ON h.inhrelid = t.oid
UNION ALL
SELECT format('view column %s.%s %s', v.relname, a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod))
FROM pg_catalog.pg_class v
JOIN pg_catalog.pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
WHERE v.relnamespace = to_regnamespace('tenancy') AND v.relkind = 'v'
ORDER BY line
