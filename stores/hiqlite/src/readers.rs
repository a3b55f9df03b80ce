//! Connections to this node's own copy, which only read: hiqlite keeps it as a SQLite file, in WAL mode, so that readers
//! and the one writer, hiqlite's, don't wait for each other.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tenancy_sqlite::rusqlite::{self, Connection, OpenFlags};

use crate::error::Error;

/// More than `tenancy-sqlite` has statements, so that none is prepared twice.
const STATEMENTS: usize = 128;

/// How long a reader waits while hiqlite has the file to itself, to take over the snapshot of another node.
const BUSY: Duration = Duration::from_secs(30);

/// How many connections are kept for the next call.
const IDLE: usize = 8;

/// The connections that wait for work.
#[derive(Clone)]
pub(crate) struct Readers {
    path: Arc<Path>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Readers {
    /// Where a node of hiqlite 0.15 keeps its copy.
    pub(crate) fn of(data_dir: &str, filename: &str) -> Self {
        let path: PathBuf = [data_dir, "state_machine", "db", filename].iter().collect();
        Self {
            path: path.into(),
            idle: Arc::default(),
        }
    }

    /// Runs something that reads, where it holds up nobody.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let readers = self.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let connection = readers.take()?;
            let answer = run(&connection);
            readers.give_back(connection);
            answer
        });
        answer.await.map_err(|_| Error::Stopped)?
    }

    fn take(&self) -> Result<Connection, rusqlite::Error> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(connection) = idle.pop() {
            return Ok(connection);
        }
        drop(idle);
        // Not `READ_ONLY`: readers of a WAL take locks in a file beside it. Not `CREATE`: the file is hiqlite's.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(connection)
    }

    fn give_back(&self, connection: Connection) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        // One that stands in a transaction, after an error, would read the past for ever.
        if connection.is_autocommit() && idle.len() < IDLE {
            idle.push(connection);
        }
    }
}
