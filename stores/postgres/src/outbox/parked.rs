//! Entries that are taken out of their organization's order, and what becomes of them.

use core::num::NonZeroU32;

use chrono::{DateTime, Utc};
use sqlx::Row as _;
use tenancy::{OrganizationId, Version};
use uuid::Uuid;

use super::{Batch, Outbox, kept, version};
use crate::error::Error;
use crate::retry;
use crate::statements::{Parameter, Statement, bigint};

/// An entry that isn't delivered in its organization's order.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parked {
    /// The organization.
    pub organization: OrganizationId,
    /// The entry's version.
    pub version: Version,
    /// Whether it is never to be delivered ([`Outbox::skip`]).
    pub skipped: bool,
    /// Whether it was released, and waits to be delivered by itself ([`Outbox::release`]).
    pub released: bool,
    /// Why, as whoever parked it said. For an entry that can't be read, what is wrong with it.
    pub why: String,
    /// When.
    pub at: DateTime<Utc>,
}

/// `$1` organization, `$2` version, `$3` skipped, `$4` why.
///
/// An entry that is still to be delivered in order is passed over from now on; a worker that has its organization
/// loses it, as it may have the entry in its batch. An entry that was parked before stays parked, for another reason.
const PARK: &str = "\
WITH queued AS (
    SELECT o.version FROM tenancy.outbox o
    WHERE o.organization_id = $1::uuid AND o.alone = 0 AND o.version <= $2::bigint AND o.last >= $2
    FOR UPDATE
),
passed AS (
    UPDATE tenancy.outbox o
    SET worker = NULL,
        version = CASE o.version WHEN $2 THEN $2 + 1 ELSE o.version END,
        attempts = CASE o.version WHEN $2 THEN 0 ELSE o.attempts END,
        error = CASE o.version WHEN $2 THEN NULL ELSE o.error END,
        due_at = CASE WHEN o.version <> $2 THEN o.due_at
                      WHEN o.last = $2 THEN 'infinity' ELSE statement_timestamp() END
    FROM queued
    WHERE o.organization_id = $1 AND o.alone = 0
),
parked AS (
    INSERT INTO tenancy.parked_entries AS p (organization_id, version, skipped, why)
    SELECT $1, $2, $3::smallint = 1, $4::text FROM queued
    ON CONFLICT (organization_id, version) DO UPDATE
    SET skipped = excluded.skipped, why = excluded.why, parked_at = excluded.parked_at WHERE NOT p.skipped
    RETURNING 1
),
again AS (
    UPDATE tenancy.parked_entries p
    SET skipped = $3 = 1, why = $4, parked_at = statement_timestamp()
    WHERE p.organization_id = $1 AND p.version = $2 AND NOT p.skipped AND NOT EXISTS (SELECT FROM queued)
    RETURNING 1
),
withdrawn AS (DELETE FROM tenancy.outbox o WHERE o.organization_id = $1 AND o.alone = $2)
SELECT 1 FROM parked UNION ALL SELECT 1 FROM again";

/// `$1` organization, `$2` version, `$3` why: an entry of a batch that can't be read.
const LAY_ASIDE: &str = "\
WITH withdrawn AS (DELETE FROM tenancy.outbox o WHERE o.organization_id = $1::uuid AND o.alone = $2::bigint)
INSERT INTO tenancy.parked_entries AS p (organization_id, version, skipped, why) VALUES ($1, $2, false, $3::text)
ON CONFLICT (organization_id, version) DO UPDATE SET why = excluded.why, parked_at = excluded.parked_at
WHERE NOT p.skipped
RETURNING 1";

/// `$1` organization, `$2` version. What its organization hasn't come to yet is delivered in order after all; a worker
/// that has it loses it, as its batch passes the entry over.
const RELEASE: &str = "\
WITH parked AS (
    SELECT p.version FROM tenancy.parked_entries p
    WHERE p.organization_id = $1::uuid AND p.version = $2::bigint AND NOT p.skipped FOR UPDATE
),
ahead AS (
    UPDATE tenancy.outbox o SET worker = NULL FROM parked
    WHERE o.organization_id = $1 AND o.alone = 0 AND o.version <= $2 RETURNING 1
),
unparked AS (
    DELETE FROM tenancy.parked_entries p USING ahead WHERE p.organization_id = $1 AND p.version = $2
),
alone AS (
    INSERT INTO tenancy.outbox (organization_id, alone, version, last)
    SELECT $1, $2, $2, $2 FROM parked WHERE NOT EXISTS (SELECT FROM ahead)
    ON CONFLICT (organization_id, alone) DO NOTHING
)
SELECT 1 FROM parked";

/// `$1` and `$2` the last one known, or null and 0; `$3` limit.
const LIST: &str = "\
SELECT p.organization_id, p.version, p.skipped, p.why, (extract(epoch FROM p.parked_at) * 1000)::bigint,
       EXISTS (SELECT FROM tenancy.outbox o WHERE o.organization_id = p.organization_id AND o.alone = p.version)
FROM tenancy.parked_entries p
WHERE (p.organization_id, p.version) > (COALESCE($1::uuid, '00000000-0000-0000-0000-000000000000'), $2::bigint)
ORDER BY p.organization_id, p.version LIMIT (SELECT $3::bigint)";

impl Outbox<'_> {
    /// Takes an entry out of its organization's order, so that what follows it goes on. `why` is for whoever reads
    /// [`parked`](Self::parked): say also who decided it.
    ///
    /// It is `false` if there is nothing to take out: the entry was delivered, was skipped, or doesn't exist.
    /// A worker that is handing it over at this moment isn't stopped in that.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn park(
        self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        self.take_out(organization, version, false, why).await
    }

    /// Gives up an entry that waits or is parked: it is never delivered. It stays in [`parked`](Self::parked) for the
    /// record: let `why` say also who decided it.
    ///
    /// It is `false` if there is nothing to give up: the entry was delivered, was skipped before, or doesn't exist.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn skip(
        self,
        organization: OrganizationId,
        version: Version,
        why: &str,
    ) -> Result<bool, Error> {
        self.take_out(organization, version, true, why).await
    }

    /// Lets a parked entry be handed out again: by itself, and beside its organization's other entries, of which later
    /// ones may have been delivered meanwhile. It stays among the [`parked`](Self::parked) until it is delivered; if it
    /// fails, it is parked again. One whose turn hasn't come yet takes its place in the order again.
    ///
    /// It is `false` if the entry isn't parked.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn release(
        self,
        organization: OrganizationId,
        version: Version,
    ) -> Result<bool, Error> {
        let release = Statement {
            text: RELEASE,
            parameters: vec![
                Parameter::Uuid(Some(organization.as_uuid())),
                Parameter::Number(bigint(version)),
            ],
        };
        Ok(retry::optional(self.pool, &release).await?.is_some())
    }

    /// Lists the entries that were taken out of their organization's order: at most `limit`, by organization and
    /// version, after the last one that is known.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn parked(
        self,
        after: Option<(OrganizationId, Version)>,
        limit: NonZeroU32,
    ) -> Result<Vec<Parked>, Error> {
        let list = Statement {
            text: LIST,
            parameters: vec![
                Parameter::Uuid(after.map(|(organization, _)| organization.as_uuid())),
                Parameter::Number(after.map_or(0, |(_, version)| bigint(version))),
                Parameter::Number(i64::from(limit.get())),
            ],
        };
        let rows = retry::all(self.pool, &list).await?;
        let parked = rows.iter().map(|row| {
            let organization: Uuid = row.try_get(0)?;
            let at: i64 = row.try_get(4)?;
            Ok(Parked {
                organization: OrganizationId::from_uuid(organization),
                version: version(row.try_get(1)?),
                skipped: row.try_get(2)?,
                released: row.try_get(5)?,
                why: row.try_get(3)?,
                at: DateTime::from_timestamp_millis(at).unwrap_or_default(),
            })
        });
        parked.collect()
    }

    async fn take_out(
        self,
        organization: OrganizationId,
        version: Version,
        skipped: bool,
        why: &str,
    ) -> Result<bool, Error> {
        let park = Statement {
            text: PARK,
            parameters: vec![
                Parameter::Uuid(Some(organization.as_uuid())),
                Parameter::Number(bigint(version)),
                Parameter::Code(skipped.into()),
                Parameter::Text(kept(why)),
            ],
        };
        Ok(retry::optional(self.pool, &park).await?.is_some())
    }

    /// Parks an entry of a batch that can't be read.
    pub(super) async fn lay_aside(
        self,
        batch: &mut Batch,
        version: i64,
        why: &str,
    ) -> Result<(), Error> {
        let lay_aside = Statement {
            text: LAY_ASIDE,
            parameters: vec![
                batch.id(),
                Parameter::Number(version),
                Parameter::Text(kept(why)),
            ],
        };
        retry::optional(self.pool, &lay_aside).await?;
        batch.parked = batch.parked.saturating_add(1);
        Ok(())
    }
}
