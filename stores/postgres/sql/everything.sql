-- $1 uuid organization. All of it, in one snapshot: for `verify`, not for requests.
SELECT json_build_object(
    'organization', (SELECT row_to_json(o) FROM tenancy.organizations o WHERE o.id = $1::uuid),
    'members', (SELECT json_agg(t) FROM (
        SELECT user_id, role, email, email_key, since FROM tenancy.members WHERE organization_id = $1) t),
    'workspaces', (SELECT json_agg(t) FROM (
        SELECT id, name, name_key, invoicing, domains, members, created_at
        FROM tenancy.workspaces WHERE organization_id = $1) t),
    'workspace_members', (SELECT json_agg(t) FROM (
        SELECT workspace_id, user_id, role, since FROM tenancy.workspace_members WHERE organization_id = $1) t),
    'domains', (SELECT json_agg(t) FROM (
        SELECT id, workspace_id, name, kind, status, created_at
        FROM tenancy.domains WHERE organization_id = $1) t),
    'retired_domain_names', (SELECT json_agg(t) FROM (
        SELECT name, retired_at FROM tenancy.retired_domain_names WHERE organization_id = $1) t),
    'invitations', (SELECT json_agg(t) FROM (
        SELECT id, email, email_key, workspace_id, role, inviter, encode(token_hash, 'hex') AS token_hash,
               sent_at, expires_at, state
        FROM tenancy.invitations WHERE organization_id = $1) t),
    'claims', (SELECT json_agg(t) FROM ( -- those that it holds, and those on its names, whoever holds them
        SELECT scope, key, organization_id FROM tenancy.claims WHERE organization_id = $1
        UNION
        SELECT c.scope, c.key, c.organization_id
        FROM (SELECT name FROM tenancy.domains WHERE organization_id = $1
              UNION SELECT name FROM tenancy.retired_domain_names WHERE organization_id = $1) n
        JOIN tenancy.claims c ON c.scope = 1 AND c.key = n.name
        ORDER BY scope, key) t),
    'log', (SELECT json_agg(t ORDER BY t.version) FROM (
        SELECT * FROM tenancy.commits WHERE organization_id = $1) t)
)::text AS everything
