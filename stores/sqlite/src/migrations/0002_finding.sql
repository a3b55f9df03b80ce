-- What operators look for: organizations by their name, and by a member's address.

-- An organization by the key of its name, as the core folds it. Apart from its row, which is written with every commit:
-- a name seldom changes.
CREATE TABLE tenancy_organization_names (
  organization_id BLOB    NOT NULL PRIMARY KEY CHECK (length(organization_id) = 16),
  name_key        TEXT    NOT NULL              -- the name as it is compared
) STRICT, WITHOUT ROWID;
CREATE INDEX tenancy_organization_names_key ON tenancy_organization_names (name_key, organization_id);

-- `tenancy_sqlite::migrate` folds them as the core does; without it, this does for names in ASCII, and for the others the
-- organization's next commit.
INSERT INTO tenancy_organization_names (organization_id, name_key)
  SELECT id, lower(json_extract(summary, '$.name')) FROM tenancy_organizations
  WHERE json_valid(summary) AND json_extract(summary, '$.name') IS NOT NULL;

-- The address first: an organization's member by it, as before, and all organizations of it.
DROP INDEX tenancy_members_email;
CREATE INDEX tenancy_members_email ON tenancy_members (email_key, organization_id, user_id) WHERE email_key IS NOT NULL;
