-- $1 uuid organization, $2 bigint expected version, $3 text: the commit as JSON. One row if it was at that version.
WITH j AS (SELECT $3::text::jsonb AS c)
UPDATE tenancy.organizations o
SET version = o.version + 1, status = n.status, name = n.name, company = n.company,
    invoicing = n.invoicing, contract = n.contract, workspace_quota = n.workspace_quota,
    workspaces = n.workspaces, domains = n.domains, members = n.members, admins = n.admins,
    invitations = n.invitations, created_at = n.created_at
FROM j, jsonb_to_record(j.c->'next') AS n(
    status smallint, name text, company jsonb, invoicing jsonb, contract text, workspace_quota bigint,
    workspaces bigint, domains bigint, members bigint, admins bigint, invitations bigint, created_at timestamptz)
WHERE o.id = $1::uuid AND o.version = $2::bigint
RETURNING o.version
