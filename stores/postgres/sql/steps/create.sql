-- $1 uuid organization, $2 text: the commit as JSON. One row if it did not exist.
WITH j AS (SELECT $2::text::jsonb AS c)
INSERT INTO tenancy.organizations
    (id, version, status, name, company, invoicing, contract, workspace_quota,
     workspaces, domains, members, admins, invitations, created_at)
SELECT $1, 1, n.status, n.name, n.company, n.invoicing, n.contract, n.workspace_quota,
       n.workspaces, n.domains, n.members, n.admins, n.invitations, n.created_at
FROM j, jsonb_to_record(j.c->'next') AS n(
    status smallint, name text, company jsonb, invoicing jsonb, contract text, workspace_quota bigint,
    workspaces bigint, domains bigint, members bigint, admins bigint, invitations bigint, created_at timestamptz)
ON CONFLICT (id) DO NOTHING
RETURNING version
