//! The index in PostgreSQL.

use core::num::NonZeroU32;

use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor as _, PgPool, Postgres, Row as _};
use tenancy::store::{Item, List, Record, RecordId};
use tenancy::{OrganizationId, Version};
use tenancy_postgres::Error;
use tenancy_postgres::statements::{self, ListedRow, Parameter, bigint};
use uuid::Uuid;

use crate::lists::{Extent, Feed, Lists};
use crate::postgres::{rows, written};

/// The index in a PostgreSQL database, on a host's pool: four tables in the schema `tenancy_lists`. It may be the
/// registry's database, a shard's, or one of its own.
///
/// Each method is one statement outside any transaction. Its pool may set `synchronous_commit = off` if
/// [`fill_all`](crate::WithLists::fill_all) is run after a crash: the last that it was told may be lost then, and the outbox
/// doesn't tell it again.
///
/// ```no_run
/// use tenancy_sharded::PostgresLists;
///
/// # async fn start(pool: tenancy_postgres::sqlx::PgPool) -> Result<(), tenancy_postgres::Error> {
/// let lists = PostgresLists::new(pool);
/// lists.migrate().await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresLists {
    pool: PgPool,
}

const VERSION: &str = "SELECT version FROM tenancy_lists.organizations WHERE id = $1";

/// `$1` organization, `$2` the version to lead on from, `$3` the one to lead to, `$4` and `$5` what there is to say of the
/// organization, `$6` whether what isn't named goes; members, workspaces and invitations by columns; and which of them
/// are gone. Whoever meets another one on the organization's row waits for it, and then finds another version.
///
/// What goes is found one by one (`left(…) = ''` says to the planner that it is little): else it would as soon read all
/// members of the organization, which it takes for small.
const FEED: &str = "\
WITH come AS (
    INSERT INTO tenancy_lists.organizations (id, version, name_key, summary)
    SELECT $1, $3, $4, $5::json WHERE $2 = 0
    ON CONFLICT (id) DO NOTHING RETURNING 1
),
changed AS (
    UPDATE tenancy_lists.organizations SET version = $3, name_key = $4, summary = $5::json
    WHERE id = $1 AND version = $2 RETURNING 1
),
fed AS (SELECT 1 FROM come UNION ALL SELECT 1 FROM changed),
members_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, k.id FROM (
        SELECT id FROM unnest($16::uuid[]) AS g(id) WHERE NOT $6 UNION ALL (
            SELECT user_id FROM tenancy_lists.members WHERE organization_id = $1 AND $6 EXCEPT SELECT unnest($7::uuid[]))
    ) k WHERE left(k.id::text, 0) = '' AND EXISTS (SELECT FROM fed)
),
members_gone AS (
    DELETE FROM tenancy_lists.members t USING members_out o
    WHERE t.organization_id = o.organization_id AND t.user_id = o.id
),
members AS (
    INSERT INTO tenancy_lists.members (organization_id, user_id, email_key, record)
    SELECT $1, r.id, r.email_key, r.record::json
    FROM unnest($7::uuid[], $8::text[], $9::text[]) AS r(id, email_key, record) WHERE EXISTS (SELECT FROM fed)
    ON CONFLICT (organization_id, user_id) DO UPDATE SET email_key = excluded.email_key, record = excluded.record
),
workspaces_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, k.id FROM (
        SELECT id FROM unnest($17::uuid[]) AS g(id) WHERE NOT $6 UNION ALL (
            SELECT id FROM tenancy_lists.workspaces WHERE organization_id = $1 AND $6 EXCEPT SELECT unnest($10::uuid[]))
    ) k WHERE left(k.id::text, 0) = '' AND EXISTS (SELECT FROM fed)
),
workspaces_gone AS (
    DELETE FROM tenancy_lists.workspaces t USING workspaces_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.id
),
workspaces AS (
    INSERT INTO tenancy_lists.workspaces (organization_id, id, record)
    SELECT $1, r.id, r.record::json
    FROM unnest($10::uuid[], $11::text[]) AS r(id, record) WHERE EXISTS (SELECT FROM fed)
    ON CONFLICT (organization_id, id) DO UPDATE SET record = excluded.record
),
invitations_out AS MATERIALIZED (
    SELECT $1::uuid AS organization_id, k.id FROM (
        SELECT id FROM unnest($18::uuid[]) AS g(id) WHERE NOT $6 UNION ALL (
            SELECT id FROM tenancy_lists.invitations WHERE organization_id = $1 AND $6 EXCEPT SELECT unnest($12::uuid[]))
    ) k WHERE left(k.id::text, 0) = '' AND EXISTS (SELECT FROM fed)
),
invitations_gone AS (
    DELETE FROM tenancy_lists.invitations t USING invitations_out o
    WHERE t.organization_id = o.organization_id AND t.id = o.id
),
invitations AS (
    INSERT INTO tenancy_lists.invitations (organization_id, id, email_key, workspace_id, record)
    SELECT $1, r.id, r.email_key, r.workspace_id, r.record::json
    FROM unnest($12::uuid[], $13::text[], $14::uuid[], $15::text[]) AS r(id, email_key, workspace_id, record)
    WHERE EXISTS (SELECT FROM fed)
    ON CONFLICT (organization_id, id) DO UPDATE
    SET email_key = excluded.email_key, workspace_id = excluded.workspace_id, record = excluded.record
)
SELECT 1 FROM fed";

/// What stands for a record that can't be read.
const UNREADABLE: &str = "{}";

impl PostgresLists {
    /// The index behind a pool. [`migrate`](Self::migrate) makes its tables.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Makes the tables that are missing. Run it as often as you like, from as many places at once.
    ///
    /// # Errors
    ///
    /// - [`Error::Database`], [`Error::ReadOnly`]: a statement failed, and nothing was made.
    pub async fn migrate(&self) -> Result<(), Error> {
        // One simple query is one transaction.
        let text = concat!(
            "SELECT pg_advisory_xact_lock(8387236823645254266);\n",
            include_str!("../lists.sql")
        );
        self.pool.execute(sqlx::raw_sql(text)).await?;
        Ok(())
    }
}

/// The records of a feed, column by column.
#[derive(Clone, Default)]
struct Columns {
    members: (Vec<Uuid>, Vec<String>, Vec<String>),
    workspaces: (Vec<Uuid>, Vec<String>),
    invitations: (Vec<Uuid>, Vec<String>, Vec<Option<Uuid>>, Vec<String>),
    members_gone: Vec<Uuid>,
    workspaces_gone: Vec<Uuid>,
    invitations_gone: Vec<Uuid>,
}

impl Columns {
    fn of(feed: &Feed) -> Self {
        let mut columns = Self::default();
        for record in &feed.put {
            columns.put(record);
        }
        for id in &feed.unreadable {
            match id {
                RecordId::Member(user) => columns.member(user.as_uuid(), "", UNREADABLE.to_owned()),
                RecordId::Workspace(id) => {
                    columns.workspace(id.as_uuid(), UNREADABLE.to_owned());
                }
                _ => {}
            }
        }
        for id in &feed.gone {
            match id {
                RecordId::Member(user) => columns.members_gone.push(user.as_uuid()),
                RecordId::Workspace(id) => columns.workspaces_gone.push(id.as_uuid()),
                RecordId::Invitation(id) => columns.invitations_gone.push(id.as_uuid()),
                _ => {}
            }
        }
        columns
    }

    fn put(&mut self, record: &Record) {
        let json = json(record);
        match record {
            Record::Member(member) => {
                self.member(member.user.as_uuid(), member.email.key().as_str(), json);
            }
            Record::Workspace(workspace) => self.workspace(workspace.id.as_uuid(), json),
            Record::Invitation(invitation) => {
                let (ids, keys, workspaces, records) = &mut self.invitations;
                ids.push(invitation.id.as_uuid());
                keys.push(invitation.email.key().as_str().to_owned());
                let workspace = invitation.target.workspace();
                workspaces.push(workspace.map(|workspace| workspace.as_uuid()));
                records.push(json);
            }
            _ => {}
        }
    }

    fn member(&mut self, user: Uuid, key: &str, json: String) {
        let (users, keys, records) = &mut self.members;
        users.push(user);
        keys.push(key.to_owned());
        records.push(json);
    }

    fn workspace(&mut self, id: Uuid, json: String) {
        let (ids, records) = &mut self.workspaces;
        ids.push(id);
        records.push(json);
    }
}

/// Can't fail: there are only structs with plain fields. Were it to, the server would refuse the empty text.
fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

impl Lists for PostgresLists {
    type Error = Error;

    async fn version(&self, organization: OrganizationId) -> Result<Version, Error> {
        let version = rows(&self.pool, || {
            sqlx::query(VERSION).bind(organization.as_uuid())
        });
        let version = version.await?;
        let Some(row) = version.first() else {
            return Ok(Version::ABSENT);
        };
        let number: i64 = row.try_get(0)?;
        Ok(Version::new(u64::try_from(number).unwrap_or_default()))
    }

    async fn feed(&self, feed: &Feed) -> Result<bool, Error> {
        let (organization, columns) = (&feed.organization, Columns::of(feed));
        let (name, summary) = (organization.name.key(), json(organization));
        let done = written(&self.pool, || {
            let columns = columns.clone();
            sqlx::query(FEED)
                .bind(organization.id.as_uuid())
                .bind(bigint(feed.from))
                .bind(bigint(organization.version))
                .bind(name.as_str().to_owned())
                .bind(summary.clone())
                .bind(feed.extent == Extent::Whole)
                .bind(columns.members.0)
                .bind(columns.members.1)
                .bind(columns.members.2)
                .bind(columns.workspaces.0)
                .bind(columns.workspaces.1)
                .bind(columns.invitations.0)
                .bind(columns.invitations.1)
                .bind(columns.invitations.2)
                .bind(columns.invitations.3)
                .bind(columns.members_gone)
                .bind(columns.workspaces_gone)
                .bind(columns.invitations_gone)
        });
        Ok(done.await? > 0)
    }

    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
        if list.organization().is_some() {
            return Ok(Vec::new());
        }
        let statement = statements::list(list, limit);
        // The tables are named as there, and so are their columns.
        let text = statement.text.replace("tenancy.", "tenancy_lists.");
        let found = rows(&self.pool, || {
            let query = sqlx::query(AssertSqlSafe(text.clone()));
            statement.parameters.iter().fold(query, bound)
        });
        let found = found.await?;
        let items = found.iter().map(|row| {
            let row = ListedRow {
                first: row.try_get(0)?,
                second: row.try_get(1)?,
                place: row.try_get(2)?,
            };
            Ok(statements::item(list, row)?)
        });
        items.collect()
    }
}

fn bound<'q>(
    query: Query<'q, Postgres, PgArguments>,
    parameter: &Parameter,
) -> Query<'q, Postgres, PgArguments> {
    match parameter {
        Parameter::Uuid(id) => query.bind(*id),
        Parameter::Text(text) => query.bind(text.clone()),
        Parameter::Number(number) => query.bind(*number),
        Parameter::Code(code) => query.bind(*code),
        Parameter::Numbers(numbers) => query.bind(numbers.clone()),
    }
}
