//! Organizations that leave the database, and come to it.

use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tenancy::OrganizationId;
use tenancy::store::{Kind, Movable};
use uuid::Uuid;

use crate::begun::Begun;
use crate::error::Error;
use crate::repository::PostgresRepository;
use crate::runtime::in_its_runtime;

/// The rows of an organization, table by table, as JSON.
#[derive(Clone, Debug)]
pub struct MovedRows(Vec<(String, String)>);

// Each transaction is READ COMMITTED, whatever the database's default: it waits for who was first, where another level would
// fail it.
//
// A closed organization's next place in the log is taken: by a row that is no entry and says by which number it was
// closed. So no commit finds its place, whatever program makes it, and no statement of a commit or a read knows of
// this. The place is that of version 1 where the organization doesn't exist.

/// How what is in the place of an entry begins.
const CLOSED: &str = "{\"closed\":";

/// `$1` organization, `$2` number, `$3` the row's entry.
const CLOSE: &str = "\
INSERT INTO tenancy.commits AS c (organization_id, version, id, entry)
SELECT $1, COALESCE((SELECT o.version FROM tenancy.organizations o WHERE o.id = $1), 0) + 1, gen_random_uuid(), $3::json
ON CONFLICT (organization_id, version) DO UPDATE SET entry = excluded.entry
WHERE (c.entry->>'closed')::bigint <= $2";

/// The version of an organization, and by which number it was closed.
const STATE: &str = "\
SELECT o.version, (c.entry->>'closed')::bigint
FROM (SELECT 1) one
LEFT JOIN tenancy.organizations o ON o.id = $1
LEFT JOIN tenancy.commits c ON c.organization_id = $1 AND c.version = COALESCE(o.version, 0) + 1";

const OPEN: &str = "\
DELETE FROM tenancy.commits c
WHERE c.organization_id = $1 AND (c.entry->>'closed')::bigint <= $2
  AND c.version = COALESCE((SELECT o.version FROM tenancy.organizations o WHERE o.id = $1), 0) + 1";

/// How many commits may be faster than who closes an organization.
const TIMES: u32 = 1_000;

/// One who moves it at a time.
const ALONE: &str = "SELECT pg_advisory_xact_lock(hashtextextended('tenancy ' || $1::text, 0))";

/// Whether a text is what stands in the place of a closed organization's next entry.
pub(crate) fn is_closed(entry: &str) -> bool {
    entry.starts_with(CLOSED)
}

fn closed(by: i64) -> String {
    format!("{CLOSED}{by}}}")
}

/// The tables, and by which column an organization's rows are found in each.
fn tables() -> impl Iterator<Item = (&'static str, &'static str)> {
    let its = ["claims", "commits", "outbox", "parked_entries"];
    let its = its.into_iter().chain(Kind::ALL.map(Kind::table));
    let its = its.map(|table| (table, "organization_id"));
    core::iter::once(("organizations", "id")).chain(its)
}

/// What there is of an organization.
#[derive(Clone, Copy)]
struct State {
    exists: bool,
    closed: Option<i64>,
}

async fn state(connection: &mut PgConnection, id: Uuid) -> Result<State, Error> {
    let row = sqlx::query(STATE).bind(id).fetch_one(connection).await?;
    let version: Option<i64> = row.try_get(0)?;
    Ok(State {
        exists: version.is_some(),
        closed: row.try_get(1)?,
    })
}

async fn remove(connection: &mut PgConnection, id: Uuid) -> Result<(), Error> {
    for (table, column) in tables() {
        let text = format!("DELETE FROM tenancy.{table} WHERE {column} = $1");
        let gone = sqlx::query(AssertSqlSafe(text)).bind(id);
        gone.execute(&mut *connection).await?;
    }
    Ok(())
}

async fn close_at(connection: &mut PgConnection, id: Uuid, by: i64) -> Result<(), Error> {
    let taken = sqlx::query(CLOSE).bind(id).bind(by).bind(closed(by));
    taken.execute(connection).await?;
    Ok(())
}

impl PostgresRepository {
    async fn close_it(&self, id: Uuid, by: i64) -> Result<bool, Error> {
        for _ in 0..TIMES {
            let mut begun = Begun::begin(self.pool()).await?;
            let connection = begun.connection();
            let taken = sqlx::query(CLOSE).bind(id).bind(by).bind(closed(by));
            if taken.execute(&mut *connection).await?.rows_affected() > 0 {
                begun.commit().await?;
                return Ok(true);
            }
            let State { closed, .. } = state(connection, id).await?;
            begun.roll_back().await?;
            if closed.is_some_and(|closed| closed > by) {
                return Ok(false);
            }
            // A commit was faster: after it there is another place.
        }
        Ok(false)
    }

    async fn pack_it(&self, id: Uuid) -> Result<Option<MovedRows>, Error> {
        let parts = tables().map(|(table, column)| {
            format!(
                "SELECT '{table}', json_agg(t)::text FROM tenancy.{table} t WHERE t.{column} = $1{} HAVING count(*) > 0",
                if table == "commits" { " AND t.entry->'closed' IS NULL" } else { "" }
            )
        });
        let text = parts.collect::<Vec<_>>().join("\nUNION ALL\n");
        let mut begun = Begun::begin(self.pool()).await?;
        let query = sqlx::query(AssertSqlSafe(text)).bind(id);
        let rows = query.fetch_all(begun.connection()).await?;
        begun.roll_back().await?;
        let rows = rows
            .iter()
            .map(|row| Ok((row.try_get(0)?, row.try_get(1)?)));
        let rows: Vec<(String, String)> = rows.collect::<Result<_, sqlx::Error>>()?;
        let exists = rows.iter().any(|(table, _)| table == "organizations");
        Ok(exists.then_some(MovedRows(rows)))
    }

    async fn open_it(&self, id: Uuid, by: i64) -> Result<bool, Error> {
        let mut begun = Begun::begin(self.pool()).await?;
        let gone = sqlx::query(OPEN).bind(id).bind(by);
        let gone = gone.execute(begun.connection()).await?;
        begun.commit().await?;
        Ok(gone.rows_affected() > 0)
    }

    async fn unpack_it(&self, id: Uuid, by: i64, moved: &MovedRows) -> Result<bool, Error> {
        let mut begun = Begun::begin(self.pool()).await?;
        let connection = begun.connection();
        sqlx::query(ALONE)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        let State { exists, closed } = state(&mut *connection, id).await?;
        if closed.is_some_and(|closed| closed > by) || exists && closed.is_none() {
            begun.roll_back().await?;
            return Ok(false);
        }
        remove(&mut *connection, id).await?;
        for (table, rows) in &moved.0 {
            let text = format!(
                "INSERT INTO tenancy.{table} SELECT * FROM json_populate_recordset(NULL::tenancy.{table}, $1::json)"
            );
            let come = sqlx::query(AssertSqlSafe(text)).bind(rows.as_str());
            come.execute(&mut *connection).await?;
        }
        close_at(&mut *connection, id, by).await?;
        begun.commit().await?;
        Ok(true)
    }

    async fn erase_it(&self, id: Uuid, by: i64) -> Result<bool, Error> {
        let mut begun = Begun::begin(self.pool()).await?;
        let connection = begun.connection();
        sqlx::query(ALONE)
            .bind(id)
            .execute(&mut *connection)
            .await?;
        let State { closed, .. } = state(&mut *connection, id).await?;
        if closed.is_none_or(|closed| closed > by) {
            begun.roll_back().await?;
            return Ok(false);
        }
        remove(&mut *connection, id).await?;
        close_at(&mut *connection, id, by).await?;
        begun.commit().await?;
        Ok(true)
    }
}

impl Movable for PostgresRepository {
    type Moved = MovedRows;

    async fn close(&self, organization: OrganizationId, by: u64) -> Result<bool, Error> {
        in_its_runtime(self.close_it(organization.as_uuid(), number(by))).await
    }

    async fn pack(&self, organization: OrganizationId) -> Result<Option<MovedRows>, Error> {
        in_its_runtime(self.pack_it(organization.as_uuid())).await
    }

    async fn unpack(
        &self,
        organization: OrganizationId,
        by: u64,
        moved: &MovedRows,
    ) -> Result<bool, Error> {
        in_its_runtime(self.unpack_it(organization.as_uuid(), number(by), moved)).await
    }

    async fn erase(&self, organization: OrganizationId, by: u64) -> Result<bool, Error> {
        in_its_runtime(self.erase_it(organization.as_uuid(), number(by))).await
    }

    async fn open(&self, organization: OrganizationId, by: u64) -> Result<bool, Error> {
        in_its_runtime(self.open_it(organization.as_uuid(), number(by))).await
    }
}

fn number(by: u64) -> i64 {
    i64::try_from(by).unwrap_or(i64::MAX)
}
