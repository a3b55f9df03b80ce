//! The way to the cluster: what is asked of the leader, and how long is waited for it.

use core::fmt;
use core::time::Duration;
use std::borrow::Cow;

use hiqlite::{Client, NodeConfig, Param, Params, Row};
use tenancy_sqlite::rusqlite::types::Value;
use tenancy_sqlite::rusqlite::{Connection, OptionalExtension as _};
use tenancy_sqlite::tables::Write;
use tokio::time::{Instant, sleep, timeout};

use crate::error::Error;
use crate::readers::Readers;

/// How long is waited between two questions whether something has come about. A commit takes longer.
const PAUSE: Duration = Duration::from_millis(1);

/// How long is waited for the answer to a question before it is asked again.
const ANSWER: Duration = Duration::from_secs(2);

/// How long is waited before a question that no leader answered is asked again. An election takes seconds.
const ELECTION: Duration = Duration::from_millis(100);

/// How many writes this node's copy has of the store's.
pub(crate) const WRITES: &str = "SELECT writes FROM tenancy_raft";

/// This node, and through it the cluster.
pub(crate) struct Cluster {
    pub(crate) client: Client,
    pub(crate) readers: Readers,
    pub(crate) patience: Duration,
    /// How large a transaction may be: an entry of the log must fit into one of its files, and hiqlite stops where one
    /// doesn't.
    pub(crate) limit: usize,
}

/// A statement of a transaction: its text and its values.
pub(crate) type Step = (Cow<'static, str>, Params);

impl Cluster {
    /// Starts this node, and waits until the cluster has a leader and this node what the leader has, or nearly.
    pub(crate) async fn start(config: NodeConfig, patience: Duration) -> Result<Self, Error> {
        if !matches!(config.wal_sync, hiqlite::LogSync::Immediate) {
            return Err(Error::NotDurable);
        }
        let readers = Readers::of(&config.data_dir, &config.filename_db);
        let file = usize::try_from(config.wal_size).unwrap_or(usize::MAX);
        let limit = file.saturating_sub(file >> 2); // what else is in a file is less than a quarter
        let client = hiqlite::start_node(config).await.map_err(Error::Hiqlite)?;
        client.wait_until_healthy_db().await;
        // A process that was killed makes its copy anew.
        client.wait_for_cluster_sync().await;
        Ok(Self {
            client,
            readers,
            patience,
            limit,
        })
    }

    /// Makes a transaction, all of it or nothing. If the answer doesn't come in time, it isn't known which.
    pub(crate) async fn transaction(&self, steps: Vec<Step>) -> Result<(), Refused> {
        let made = timeout(self.patience, self.client.txn(steps)).await;
        match made.map_err(|_| Error::Timeout(self.patience))? {
            // A result of its own is kept for each statement, but one that failed has undone all.
            Ok(_) => Ok(()),
            Err(hiqlite::Error::Transaction(why)) => Err(Refused::Undone(why.into_owned())),
            Err(error) => Err(Refused::Unknown(Error::Hiqlite(error))),
        }
    }

    /// Waits until this node's copy has everything that was acknowledged before this was asked, by whichever node: how
    /// many writes there were is asked of the leader, which asks a majority whether it still is the leader.
    pub(crate) async fn catch_up(&self) -> Result<(), Error> {
        let begun = Instant::now();
        let due = loop {
            let left = self.patience.saturating_sub(begun.elapsed());
            let asked = self
                .client
                .query_consistent_map::<Writes, _>(WRITES, Vec::new());
            // Asking again is harmless. It is of use where the leader has gone with the question, or isn't one any more.
            let error = match timeout(left.min(ANSWER), asked).await {
                Ok(Ok(found)) => break found.first().map_or(0, |found| found.0),
                Ok(Err(error)) => Error::Hiqlite(error),
                Err(_) => Error::Timeout(self.patience),
            };
            if begun.elapsed() >= self.patience {
                return Err(error);
            }
            sleep(ELECTION.min(left)).await;
        };
        let left = self.patience.saturating_sub(begun.elapsed());
        let caught_up = self.until(left, move |connection| Ok(writes(connection)? >= due));
        if caught_up.await? {
            Ok(())
        } else {
            Err(Error::Behind(self.patience))
        }
    }

    /// Waits until something is so in this node's copy; whether it became so in time.
    pub(crate) async fn until(
        &self,
        patience: Duration,
        is_so: impl Fn(&Connection) -> Result<bool, Error> + Clone + Send + 'static,
    ) -> Result<bool, Error> {
        let begun = Instant::now();
        loop {
            if self.readers.read(is_so.clone()).await? {
                return Ok(true);
            }
            if begun.elapsed() >= patience {
                return Ok(false);
            }
            sleep(PAUSE).await;
        }
    }

    /// Reads this node's copy, when it has everything that was acknowledged.
    pub(crate) async fn read_latest<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.catch_up().await?;
        self.readers.read(run).await
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster")
            .field("patience", &self.patience)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// Why a transaction wasn't made.
pub(crate) enum Refused {
    /// A statement failed, and everything was undone: this is what SQLite said.
    Undone(String),
    /// It isn't known whether it was made.
    Unknown(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Unknown(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Undone(why) => Self::Hiqlite(hiqlite::Error::Transaction(why.into())),
            Refused::Unknown(error) => error,
        }
    }
}

/// How many writes this node's copy has; none, if it has no tables yet: a copy that is made anew gets them from the log.
fn writes(connection: &Connection) -> Result<i64, Error> {
    let is_there = connection
        .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = 'tenancy_raft'")?
        .exists(())?;
    if !is_there {
        return Ok(0);
    }
    let found = connection
        .prepare_cached(WRITES)?
        .query_row((), |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

/// The leader's answer.
struct Writes(i64);

impl From<&mut Row<'_>> for Writes {
    fn from(row: &mut Row<'_>) -> Self {
        // What isn't a number can't have been written by this crate, and nothing is waited for.
        Self(row.try_get("writes").unwrap_or_default())
    }
}

/// A value as hiqlite takes it.
pub(crate) fn param(value: Value) -> Param {
    match value {
        Value::Null => Param::Null,
        Value::Integer(number) => Param::Integer(number),
        Value::Real(number) => Param::Real(number),
        Value::Text(text) => Param::Text(text),
        Value::Blob(bytes) => Param::Blob(bytes),
    }
}

/// A write of `tenancy-sqlite`, as a step of a transaction.
pub(crate) fn step(write: Write) -> Step {
    let values = write.values.into_iter().map(param).collect();
    (write.text.into(), values)
}

/// How many bytes a transaction takes in the log, at most: what else hiqlite writes of a value is less than 16.
pub(crate) fn size(steps: &[Step]) -> usize {
    let value = |param: &Param| match param {
        Param::Text(text) => text.len(),
        Param::Blob(bytes) => bytes.len(),
        _ => 0,
    };
    let step = |(text, values): &Step| {
        values.iter().fold(text.len(), |size, param| {
            size.saturating_add(16).saturating_add(value(param))
        })
    };
    let sizes = steps.iter().map(step);
    sizes.fold(1024, |size, step| {
        size.saturating_add(16).saturating_add(step)
    })
}
