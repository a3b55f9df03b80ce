-- What operators look for: organizations by their name. (Those with a member of an address have an index.)
--
-- A name as the library folds it. `tenancy_postgres::migrate` folds those that there are; without it, this does for names
-- in ASCII, and for the others the organization's next commit.
ALTER TABLE tenancy.organizations ADD COLUMN name_key text COLLATE "C";
UPDATE tenancy.organizations SET name_key = lower((summary->>'name') COLLATE "C");
CREATE INDEX organizations_name ON tenancy.organizations (name_key, id);
