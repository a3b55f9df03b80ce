//! How the outbox is doing.

use core::num::NonZeroU32;

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use tenancy::{OrganizationId, Version};
use uuid::Uuid;

use super::{Outbox, version};
use crate::error::Error;
use crate::retry;
use crate::statements::{Parameter, Statement};

/// How much waits in the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Depth {
    /// How many organizations have something to deliver, due or not.
    pub organizations: u64,
    /// How many entries that is in all, parked ones included.
    pub entries: u64,
    /// How many organizations wait after a failure.
    pub failing: u64,
    /// How many entries are parked, the released ones included.
    pub parked: u64,
    /// How many entries are skipped.
    pub skipped: u64,
    /// Since when the longest waiting organization is due; `None` if nothing waits.
    pub oldest_due: Option<DateTime<Utc>>,
}

/// An entry whose last delivery failed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failing {
    /// The organization.
    pub organization: OrganizationId,
    /// The entry's version.
    pub version: Version,
    /// How often it was handed out.
    pub attempts: u32,
    /// The first 500 characters of what the last attempt failed with.
    pub error: String,
    /// When it is handed out again.
    pub due: DateTime<Utc>,
}

const DEPTH: &str = "\
SELECT count(*) FILTER (WHERE o.alone = 0), COALESCE(sum(o.last - o.version + 1), 0)::bigint,
       count(o.error), (extract(epoch FROM min(o.due_at)) * 1000)::bigint,
       (SELECT count(*) FROM tenancy.parked_entries WHERE NOT skipped),
       (SELECT count(*) FROM tenancy.parked_entries WHERE skipped)
FROM tenancy.outbox o WHERE o.due_at < 'infinity'";

/// `$1` the last organization known, or null; `$2` limit. What was released doesn't fail: it is parked again.
const FAILING: &str = "\
SELECT o.organization_id, o.version, o.attempts::bigint, o.error, (extract(epoch FROM o.due_at) * 1000)::bigint
FROM tenancy.outbox o
WHERE o.error IS NOT NULL
  AND o.organization_id >= COALESCE($1::uuid, '00000000-0000-0000-0000-000000000000')
  AND ($1 IS NULL OR o.organization_id <> $1)
ORDER BY o.organization_id LIMIT (SELECT $2::bigint)";

impl Outbox<'_> {
    /// Counts what waits. It takes time in proportion to that: for a gauge, not for each request.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn depth(self) -> Result<Depth, Error> {
        let depth = Statement {
            text: DEPTH,
            parameters: Vec::new(),
        };
        let row = retry::optional(self.pool, &depth).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let oldest: Option<i64> = row.try_get(3)?;
        Ok(Depth {
            organizations: count(row.try_get(0)?),
            entries: count(row.try_get(1)?),
            failing: count(row.try_get(2)?),
            oldest_due: oldest.and_then(DateTime::from_timestamp_millis),
            parked: count(row.try_get(4)?),
            skipped: count(row.try_get(5)?),
        })
    }

    /// Lists the entries whose last delivery failed, at most one of each organization, a page at a time: at most
    /// `limit`, of organizations after that one.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn failing(
        self,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Failing>, Error> {
        let list = Statement {
            text: FAILING,
            parameters: vec![
                Parameter::Uuid(after.map(|organization| organization.as_uuid())),
                Parameter::Number(i64::from(limit.get())),
            ],
        };
        let rows = retry::all(self.pool, &list).await?;
        let failing = rows.iter().map(|row| {
            let organization: Uuid = row.try_get(0)?;
            let (attempts, due): (i64, i64) = (row.try_get(2)?, row.try_get(4)?);
            Ok(Failing {
                organization: OrganizationId::from_uuid(organization),
                version: version(row.try_get(1)?),
                attempts: u32::try_from(attempts).unwrap_or(u32::MAX),
                error: row.try_get(3)?,
                due: DateTime::from_timestamp_millis(due).unwrap_or_default(),
            })
        });
        failing.collect()
    }
}
