//! What can go wrong in the store itself.

use core::time::Duration;

use tenancy::OrganizationId;
use tenancy_sqlite::SchemaError;

/// What went wrong in the store: never a rule's "no", and never a lost race.
///
/// After an error of a commit [`Tenancy`](tenancy::Tenancy) asks whether it was made, unless the error says that nothing
/// was written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The node would acknowledge commits before the disk has them: a power cut could take them from the whole cluster.
    #[error(
        "`wal_sync` must be `LogSync::Immediate`: with anything else a power cut loses commits that were acknowledged"
    )]
    NotDurable,
    /// The cluster didn't answer in time: no leader is elected, or the way to it is cut. Of a commit, or a step of
    /// the outbox, it isn't known whether it was made.
    #[error(
        "the cluster gave no answer within {0:?}: see whether a majority of the nodes is up, and ask again"
    )]
    Timeout(Duration),
    /// This node hasn't got what the leader has, though it was waited for.
    #[error(
        "this node is behind the leader and didn't catch up within {0:?}: ask again, or ask another node"
    )]
    Behind(Duration),
    /// The commit is larger than the cluster's log takes. Nothing was written.
    #[error(
        "a commit of {bytes} bytes is larger than the log takes, {limit}: make it in smaller parts, or raise `wal_size` \
         of every node"
    )]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// hiqlite failed. Of a commit, or a step of the outbox, it isn't known whether it was made.
    #[error("hiqlite failed")]
    Hiqlite(#[source] hiqlite::Error),
    /// What a row holds can't be read, or a commit can't be written: [`tenancy_sqlite::Error`] says why.
    #[error(transparent)]
    Sqlite(#[from] tenancy_sqlite::Error),
    /// The tables are not those that this version of the crate needs, and couldn't be made so.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// A file can't be brought into a cluster that has an organization which isn't in the file, or not like this.
    #[error(
        "the cluster has organization {0}, which is not in the file as it is in the cluster: bring a file into an empty \
         cluster, before anybody writes there"
    )]
    NotEmpty(OrganizationId),
    /// A thread that read ended before it answered.
    #[error("a thread of the store ended before it answered")]
    Stopped,
}

impl From<tenancy_sqlite::rusqlite::Error> for Error {
    fn from(error: tenancy_sqlite::rusqlite::Error) -> Self {
        Self::Sqlite(error.into())
    }
}

/// Why an organization is not known to be in order: what [`HiqliteRepository::verify`](crate::HiqliteRepository::verify)
/// found.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// The tables are not what the log makes, or break an invariant, or can't be read.
    #[error(transparent)]
    Found(#[from] tenancy_sqlite::VerifyError),
    /// The store couldn't ask.
    #[error(transparent)]
    Store(#[from] Error),
}
