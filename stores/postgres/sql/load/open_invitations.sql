SELECT 'invitations', t.record::text
FROM tenancy.invitations t WHERE t.organization_id = $1::uuid AND t.state + 0 = 1
