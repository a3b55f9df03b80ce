-- $1 uuid: from which organization on
--
-- The oldest undelivered entry of one organization, locked. `heads` walks from organization to organization
-- over the primary key, however many entries each has waiting. A head that another worker has locked is
-- passed over, and no later entry of its organization is a head: so each organization's entries come in order.
WITH RECURSIVE heads AS (
    (SELECT organization_id, version FROM tenancy.outbox
     WHERE organization_id >= $1::uuid ORDER BY organization_id, version LIMIT 1)
    UNION ALL
    SELECT n.organization_id, n.version
    FROM heads h, LATERAL (
        SELECT t.organization_id, t.version FROM tenancy.outbox t
        WHERE t.organization_id > h.organization_id ORDER BY t.organization_id, t.version LIMIT 1) n
)
SELECT o.organization_id, o.version, row_to_json(c)::text AS entry
FROM heads h
JOIN tenancy.outbox o ON o.organization_id = h.organization_id AND o.version = h.version
LEFT JOIN tenancy.commits c ON c.organization_id = h.organization_id AND c.version = h.version
WHERE o.due_at <= clock_timestamp()
LIMIT 1
FOR UPDATE OF o SKIP LOCKED
