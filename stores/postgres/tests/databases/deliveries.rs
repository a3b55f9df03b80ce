//! What there is to deliver, and what was delivered.

use std::convert::Infallible;
use std::num::NonZeroU32;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Executor as _, PgPool, Row as _};
use tenancy::{LogEntry, OrganizationId, Version};
use tenancy_postgres::{Delivery, PostgresRepository};

use super::people::{acme, actor, new_workspace, tenancy};

pub const ALL: NonZeroU32 = NonZeroU32::new(1_000).unwrap();
pub const MINUTE: Duration = Duration::from_mins(1);

/// Some organizations with some commits each, one after the other.
pub async fn busy(pool: &PgPool, organizations: usize, commits: usize) -> Vec<OrganizationId> {
    let tenancy = tenancy(pool.clone());
    let mut ids = Vec::new();
    for _ in 0..organizations {
        let acme = acme(&tenancy).await;
        for number in 1..commits {
            let command = new_workspace(acme, &format!("W{number}"));
            tenancy.execute(&actor("ann"), command).await.unwrap();
        }
        ids.push(acme.organization);
    }
    ids
}

pub async fn count(pool: &PgPool, question: &'static str) -> i64 {
    sqlx::query(question).fetch_one(pool).await.unwrap().get(0)
}

pub async fn run(pool: &PgPool, text: String) {
    let done = pool.execute(AssertSqlSafe(text)).await.unwrap();
    assert_ne!(done.rows_affected(), 0);
}

/// As if that much time had passed since everybody was given something to wait for.
pub async fn later(pool: &PgPool, by: Duration) {
    let text = format!(
        "UPDATE tenancy.outbox SET due_at = due_at - interval '1 second' * {} WHERE due_at < 'infinity'",
        by.as_secs()
    );
    pool.execute(AssertSqlSafe(text)).await.unwrap();
}

/// Delivers what is due, and says which versions of which organizations.
pub async fn delivered(store: &PostgresRepository) -> Vec<(OrganizationId, u64)> {
    let mut seen = Vec::new();
    let delivery = store.outbox().deliver(ALL, |entry: LogEntry| {
        seen.push((entry.organization, entry.version.get()));
        async { Ok::<_, Infallible>(()) }
    });
    let delivery = delivery.await.unwrap();
    assert_eq!(usize::try_from(delivery.delivered).unwrap(), seen.len());
    seen
}

/// How many were delivered, failed, were parked.
pub fn numbers<E>(delivery: &Delivery<E>) -> (u32, usize, u32) {
    (delivery.delivered, delivery.failed.len(), delivery.parked)
}

pub fn v(number: u64) -> Version {
    Version::new(number)
}
