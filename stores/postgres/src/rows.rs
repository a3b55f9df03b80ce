//! Rows of the host's own in the transaction of a commit.

use core::fmt;
use core::future::Future;
use core::pin::Pin;
use std::sync::Arc;

use sqlx::PgConnection;
use tenancy::store::Commit;

/// What writes a host's rows, under way: a boxed future, so that `Box::pin(async move { … })` is one.
///
/// An error of any kind undoes the commit.
pub type WrittenRows<'t> =
    Pin<Box<dyn Future<Output = Result<(), Box<dyn std::error::Error + Send + Sync>>> + Send + 't>>;

type Write = dyn for<'t> Fn(&'t mut PgConnection, &'t Commit) -> WrittenRows<'t> + Send + Sync;

/// What a host writes with each commit.
#[derive(Clone)]
pub(crate) struct Rows(Arc<Write>);

impl Rows {
    pub(crate) fn new<W>(write: W) -> Self
    where
        W: for<'t> Fn(&'t mut PgConnection, &'t Commit) -> WrittenRows<'t> + Send + Sync + 'static,
    {
        Self(Arc::new(write))
    }

    pub(crate) fn write<'t>(
        &self,
        connection: &'t mut PgConnection,
        commit: &'t Commit,
    ) -> WrittenRows<'t> {
        (self.0)(connection, commit)
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Rows")
    }
}
