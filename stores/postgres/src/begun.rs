//! Transactions of the store's own.

use core::mem;

use sqlx::pool::PoolConnection;
use sqlx::{Executor as _, PgConnection, PgPool, Postgres};

/// A connection in a transaction of ours, which goes back to its pool only once the transaction has ended.
/// Dropped before, it is closed, and the server rolls back.
///
/// Not sqlx's `Transaction`: in 0.9, a `begin` that is dropped half-way gives the connection back with the
/// transaction open (sqlx#4385).
pub(crate) struct Begun {
    connection: PoolConnection<Postgres>,
    open: bool,
}

impl Begun {
    /// Begins a transaction, READ COMMITTED whatever the default: it waits for locks, and must see what was
    /// committed meanwhile.
    pub(crate) async fn begin(pool: &PgPool) -> sqlx::Result<Self> {
        let connection = pool.acquire().await?;
        let mut begun = Self {
            connection,
            open: true,
        };
        begun
            .connection
            .execute("BEGIN ISOLATION LEVEL READ COMMITTED")
            .await?;
        Ok(begun)
    }

    pub(crate) fn connection(&mut self) -> &mut PgConnection {
        &mut self.connection
    }

    /// The statement before it fails where an error has aborted the transaction: there `COMMIT` alone would roll back, and
    /// not say so.
    pub(crate) async fn commit(mut self) -> sqlx::Result<()> {
        self.connection.execute("SELECT; COMMIT").await?;
        self.open = false;
        Ok(())
    }

    pub(crate) async fn roll_back(mut self) -> sqlx::Result<()> {
        self.connection.execute("ROLLBACK").await?;
        self.open = false;
        Ok(())
    }
}

impl Drop for Begun {
    fn drop(&mut self) {
        if mem::take(&mut self.open) {
            self.connection.close_on_drop();
        }
    }
}
