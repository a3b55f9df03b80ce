//! The store: [`Repository`] and [`Directory`] on a node of a cluster.

use core::num::NonZeroU32;
use core::time::Duration;
use std::path::Path;
use std::sync::Arc;

use hiqlite::{Client, NodeConfig};
use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};
use tenancy_sqlite::tables;

use crate::cluster::Cluster;
use crate::error::{Error, VerifyError};
use crate::outbox::Outbox;
use crate::{commit, import, migrate};

/// Organizations in a cluster of which this process is a node. See the [crate's documentation](crate).
///
/// A clone is another handle on the same node.
#[derive(Clone, Debug)]
pub struct HiqliteRepository {
    cluster: Arc<Cluster>,
    /// Where checks read.
    checks: Checks,
}

#[derive(Clone, Copy, Debug)]
enum Checks {
    /// In this node's own copy, whatever the others do.
    Here,
    /// There, too, when it has everything that was acknowledged.
    Latest,
}

impl HiqliteRepository {
    /// How long a call waits for the cluster, if nothing else is said: longer than an election takes.
    pub const PATIENCE: Duration = Duration::from_secs(10);

    /// Starts this node, waits until the cluster has a leader, and brings its tables up to date. The first start of a cluster
    /// needs all of its nodes at once.
    ///
    /// # Errors
    ///
    /// - [`Error::NotDurable`]: `wal_sync` is anything else than `LogSync::Immediate`.
    /// - [`Error::Hiqlite`]: the node can't be started; its configuration, its folder or its ports are wrong.
    /// - [`Error::Schema`]: a newer version of this crate was here, and this one can't live with its tables.
    /// - [`Error::Timeout`], [`Error::Behind`]: the leader was lost again. Nothing is half done; start again.
    pub async fn start(config: NodeConfig) -> Result<Self, Error> {
        Self::start_with(config, Self::PATIENCE).await
    }

    /// As [`start`](Self::start), with the host's choice of how long each call waits for the cluster.
    ///
    /// A commit that hasn't ended by then is of unknown outcome, for which [`Tenancy`](tenancy::Tenancy) asks.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn start_with(config: NodeConfig, patience: Duration) -> Result<Self, Error> {
        let cluster = Cluster::start(config, patience).await?;
        migrate::migrate(&cluster).await?;
        Ok(Self {
            cluster: Arc::new(cluster),
            checks: Checks::Here,
        })
    }

    /// The same node, whose checks are never behind: they ask the leader how much was written, and wait until this node has
    /// it. That takes as long as a command's reading.
    ///
    /// Beside the node as it is, it makes a pair for hosts that hand on consistency tokens: a check asks the leader only
    /// where this node is behind the token
    /// ([`standing_at_least`](tenancy::Tenancy#method.standing_at_least)).
    ///
    /// ```
    /// use tenancy::Tenancy;
    /// use tenancy::store::WithReplica;
    /// use tenancy_hiqlite::HiqliteRepository;
    ///
    /// fn with_tokens(node: HiqliteRepository) -> Tenancy<WithReplica<HiqliteRepository, HiqliteRepository>> {
    ///     let primary = node.clone().with_latest_checks();
    ///     Tenancy::new(WithReplica { primary, replica: node })
    /// }
    /// ```
    #[must_use]
    pub fn with_latest_checks(self) -> Self {
        let checks = Checks::Latest;
        Self { checks, ..self }
    }

    /// Brings in a file of `tenancy-sqlite`, through the cluster's log; how many rows it has. The file is brought up to date
    /// first, and is otherwise as it was.
    ///
    /// The cluster must be empty, and nobody may write meanwhile, neither the file nor the cluster; nor may a worker take from
    /// the [`outbox`](Self::outbox), which goes on where the file's was. After an error, import the same file again: what is
    /// there already is passed over. Organizations appear in the end.
    ///
    /// # Errors
    ///
    /// - [`Error::NotEmpty`]: the cluster has organizations that aren't those of the file.
    /// - [`Error::Sqlite`], [`Error::Schema`]: the file can't be read, or isn't one of `tenancy-sqlite`.
    /// - [`Error::TooLarge`]: a row of the file is larger than the cluster's log takes.
    /// - [`Error::Timeout`], [`Error::Hiqlite`]: the cluster lost its leader.
    pub async fn import(&self, file: impl AsRef<Path>) -> Result<u64, Error> {
        import::import(&self.cluster, file.as_ref()).await
    }

    /// Hands what happened to the host, at least once and in order, on this node.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox::new(&self.cluster)
    }

    /// Checks that an organization is what its log makes of it, as
    /// [`SqliteRepository::verify`](tenancy_sqlite::SqliteRepository::verify) does, in this node's own copy, when it has
    /// everything that was acknowledged. One that doesn't exist is in order.
    ///
    /// # Errors
    ///
    /// - [`VerifyError::Found`]: something other than this library has written, or a row can't be read.
    /// - [`VerifyError::Store`]: the cluster didn't answer.
    pub async fn verify(&self, organization: OrganizationId) -> Result<(), VerifyError> {
        let verified = self
            .cluster
            .read_latest(move |connection| Ok(tables::verify(connection, organization)));
        Ok(verified.await??)
    }

    /// The node, for the host's own tables, and for what a load balancer asks.
    ///
    /// Only this library may write the `tenancy_` tables.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.cluster.client
    }

    /// Leaves the cluster to the others, and writes what this node must know to start quickly. It takes ten seconds, in which
    /// the node still answers.
    ///
    /// A process that ends without it loses nothing, but makes its copy anew when it starts.
    ///
    /// # Errors
    ///
    /// [`Error::Hiqlite`]: it took too long.
    pub async fn shutdown(&self) -> Result<(), Error> {
        self.client().shutdown().await.map_err(Error::Hiqlite)
    }
}

impl Repository for HiqliteRepository {
    type Error = Error;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Error> {
        let keys = keys.to_owned();
        self.cluster
            .read_latest(move |connection| Ok(tables::load(connection, id, &keys)?))
            .await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        commit::commit(&self.cluster, commit).await
    }

    /// In this node's own copy: it may be behind, unless [`with_latest_checks`](Self::with_latest_checks) was said, and says
    /// which version it saw.
    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Held>, Error> {
        let standing = move |connection: &_| Ok(tables::standing(connection, user, resource)?);
        match self.checks {
            Checks::Here => self.cluster.readers.read(standing).await,
            Checks::Latest => self.cluster.read_latest(standing).await,
        }
    }

    /// The commit was never sent.
    fn wrote_nothing(&self, error: &Error) -> bool {
        matches!(
            error,
            Error::TooLarge { .. }
                | Error::Sqlite(
                    tenancy_sqlite::Error::InvalidCommit(_) | tenancy_sqlite::Error::Json(_)
                )
        )
    }
}

impl Directory for HiqliteRepository {
    /// What crosses organizations may be behind, as the contract lets it, and is read in this node's own copy.
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
        let (within, list) = (list.organization(), list.clone());
        let page = move |connection: &_| Ok(tables::list(connection, &list, limit)?);
        match within {
            Some(_) => self.cluster.read_latest(page).await,
            None => self.cluster.readers.read(page).await,
        }
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
        let claim = claim.clone();
        self.cluster
            .read_latest(move |connection| Ok(tables::claimed_by(connection, &claim)?))
            .await
    }
}
