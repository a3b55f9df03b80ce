//! The connections of a store, and where its calls run: in place, or on threads.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;
use std::time::Instant;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use crate::error::{Error, is_busy};
use crate::migrate::migrate;
use crate::oneshot::oneshot;
use crate::options::{Calls, Durability, Options};

/// More than there are statements, so that none is ever prepared twice.
const STATEMENTS: usize = 128;

/// How much of the file a connection keeps in memory at most, in KiB: enough for the tables of thousands of people.
const CACHE: i64 = 16 * 1024;

/// The name by which SQLite knows a database that is in no file.
pub(crate) const MEMORY: &str = ":memory:";

/// All connections of a store.
pub(crate) enum Connections {
    InPlace(InPlace),
    OnThreads(OnThreads),
}

pub(crate) struct InPlace {
    path: PathBuf,
    options: Options,
    writer: Mutex<Connection>,
    /// Opened when first used. Empty for a database in memory, which has one connection.
    readers: Box<[Mutex<Option<Connection>>]>,
}

pub(crate) struct OnThreads {
    writer: Arc<Queue>,
    readers: Arc<Queue>,
    threads: Vec<JoinHandle<()>>,
}

impl Connections {
    pub(crate) fn open(path: &Path, options: &Options) -> Result<Self, Error> {
        let mut writer = open_writer(path, options)?;
        migrate(&mut writer)?;
        let readers = if path.as_os_str() == MEMORY {
            0
        } else {
            options.readers.get()
        };
        match options.calls {
            Calls::InPlace => Ok(Self::InPlace(InPlace {
                path: path.to_owned(),
                options: options.clone(),
                writer: Mutex::new(writer),
                readers: (0..readers).map(|_| Mutex::new(None)).collect(),
            })),
            Calls::OnThreads => {
                OnThreads::start(path, options, writer, readers).map(Self::OnThreads)
            }
        }
    }

    /// Runs something on a connection that reads.
    pub(crate) async fn read<A, T>(
        &self,
        argument: &A,
        run: impl FnOnce(&Connection, &A) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error>
    where
        A: ToOwned + Sync + ?Sized,
        A::Owned: Send + 'static,
        T: Send + 'static,
    {
        match self {
            Self::InPlace(connections) => connections.read(|connection| run(connection, argument)),
            Self::OnThreads(threads) => on_thread(&threads.readers, argument, run).await,
        }
    }

    /// Runs something that is read to be written soon: in place, on the connection that writes, if it is free. What is
    /// in its memory is still good after its own commits; another connection's is not, and it reads the file again.
    pub(crate) async fn read_to_write<A, T>(
        &self,
        argument: &A,
        run: impl FnOnce(&Connection, &A) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error>
    where
        A: ToOwned + Sync + ?Sized,
        A::Owned: Send + 'static,
        T: Send + 'static,
    {
        if let Self::InPlace(connections) = self {
            if let Some(writer) = try_lock(&connections.writer) {
                return run(&writer, argument);
            }
        }
        self.read(argument, run).await
    }

    /// Runs something on the connection that writes.
    pub(crate) async fn write<A, T>(
        &self,
        argument: &A,
        run: impl FnOnce(&Connection, &A) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error>
    where
        A: ToOwned + Sync + ?Sized,
        A::Owned: Send + 'static,
        T: Send + 'static,
    {
        match self {
            Self::InPlace(connections) => run(&lock(&connections.writer), argument),
            Self::OnThreads(threads) => on_thread(&threads.writer, argument, run).await,
        }
    }
}

/// Which of the reading connections a thread tries first, so that threads seldom meet at one.
fn preferred() -> usize {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed);
    }
    MINE.with(|mine| *mine)
}

impl InPlace {
    fn read<T>(&self, run: impl FnOnce(&Connection) -> Result<T, Error>) -> Result<T, Error> {
        let Some(first) = preferred().checked_rem(self.readers.len()) else {
            return run(&lock(&self.writer));
        };
        let from_first = || self.readers.iter().cycle().skip(first);
        let free = from_first().take(self.readers.len()).find_map(try_lock);
        let mut reader = match (free, from_first().next()) {
            (Some(free), _) => free,
            (None, Some(busy)) => lock(busy),
            (None, None) => return run(&lock(&self.writer)),
        };
        let connection = match &mut *reader {
            Some(connection) => connection,
            closed @ None => closed.insert(open_reader(&self.path, &self.options)?),
        };
        run(connection)
    }
}

impl OnThreads {
    fn start(
        path: &Path,
        options: &Options,
        writer: Connection,
        readers: usize,
    ) -> Result<Self, Error> {
        let queue = Arc::new(Queue::default());
        let mut started = Self {
            readers: Arc::clone(&queue),
            writer: queue,
            threads: Vec::new(),
        };
        let writing = Arc::clone(&started.writer);
        started.spawn("tenancy-writer", writing, writer)?;
        if readers > 0 {
            started.readers = Arc::new(Queue::default());
        }
        for _ in 0..readers {
            let connection = open_reader(path, options)?;
            let reading = Arc::clone(&started.readers);
            started.spawn("tenancy-reader", reading, connection)?;
        }
        Ok(started)
    }

    fn spawn(
        &mut self,
        name: &str,
        queue: Arc<Queue>,
        connection: Connection,
    ) -> Result<(), Error> {
        let thread = std::thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || queue.work(&connection))
            .map_err(Error::Thread)?;
        self.threads.push(thread);
        Ok(())
    }
}

impl Drop for OnThreads {
    /// Waits for what is being done, so that the file is closed afterwards. What nobody waits for any more
    /// is not begun.
    fn drop(&mut self) {
        self.writer.close();
        self.readers.close();
        let this = std::thread::current().id();
        for thread in self.threads.drain(..) {
            // The last handle may go on one of these threads, with a task that the thread wakes. It can't wait
            // for itself, and ends once its job is done.
            if thread.thread().id() != this {
                let _ = thread.join(); // a thread that panicked is over as well
            }
        }
    }
}

async fn on_thread<A, T>(
    queue: &Queue,
    argument: &A,
    run: impl FnOnce(&Connection, &A) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error>
where
    A: ToOwned + Sync + ?Sized,
    A::Owned: Send + 'static,
    T: Send + 'static,
{
    let (promise, answer) = oneshot();
    let argument = argument.to_owned();
    queue.push(Box::new(move |connection| {
        if promise.is_wanted() {
            promise.answer(run(connection, std::borrow::Borrow::borrow(&argument)));
        }
    }));
    answer.await?
}

type Job = Box<dyn FnOnce(&Connection) + Send>;

/// Jobs for the threads that share a queue. As long as every job has a future that waits for it, there are
/// never more jobs than callers.
#[derive(Default)]
struct Queue {
    waiting: Mutex<Waiting>,
    arrived: Condvar,
}

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Queue {
    fn push(&self, job: Job) {
        lock(&self.waiting).jobs.push_back(job);
        self.arrived.notify_one();
    }

    fn close(&self) {
        lock(&self.waiting).closed = true;
        self.arrived.notify_all();
    }

    fn work(&self, connection: &Connection) {
        while let Some(job) = self.next() {
            // A panic is no reason for the store to end: the transaction rolled back while unwinding, and
            // who waits for the job hears that there is no answer.
            let _ = catch_unwind(AssertUnwindSafe(|| job(connection)));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut waiting = lock(&self.waiting);
        loop {
            match waiting.jobs.pop_front() {
                Some(job) => return Some(job),
                None if waiting.closed => return None,
                None => {
                    waiting = self
                        .arrived
                        .wait(waiting)
                        .unwrap_or_else(PoisonError::into_inner);
                }
            }
        }
    }
}

/// A connection whose user panicked is as good as any: its transaction rolled back while unwinding.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The same, if nobody has it.
fn try_lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(free) => Some(free),
        Err(TryLockError::Poisoned(free)) => Some(free.into_inner()),
        Err(TryLockError::WouldBlock) => None,
    }
}

fn open_writer(path: &Path, options: &Options) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, options)?;
    let mode = use_wal(&connection, options).map_err(at(path))?;
    if mode != "wal" && path.as_os_str() != MEMORY {
        return Err(Error::NoWal {
            path: path.to_owned(),
            mode,
        });
    }
    let synchronous = match options.durability {
        Durability::PowerCut => "FULL",
        Durability::ProcessCrash => "NORMAL",
    };
    connection
        .pragma_update(None, "synchronous", synchronous)
        // On macOS, `fsync` alone leaves data in the drive's cache. Nothing elsewhere.
        .and_then(|()| {
            connection.pragma_update(
                None,
                "fullfsync",
                options.durability == Durability::PowerCut,
            )
        })
        .map_err(at(path))?;
    Ok(connection)
}

fn open_reader(path: &Path, options: &Options) -> Result<Connection, Error> {
    // Not `READ_ONLY`: readers of a WAL take locks in a file beside it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = open(path, flags, options)?;
    connection
        .pragma_update(None, "query_only", true)
        .map_err(at(path))?;
    Ok(connection)
}

fn open(path: &Path, flags: OpenFlags, options: &Options) -> Result<Connection, Error> {
    let connection = Connection::open_with_flags(path, flags).map_err(at(path))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection
        .busy_timeout(options.busy_timeout)
        .and_then(|()| connection.pragma_update(None, "cache_size", CACHE.saturating_neg()))
        // Statistics may look at bound values and prepare a join again at each run. One plan will do: all
        // are look-ups by key.
        .and_then(|()| connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true))
        .map_err(at(path))?;
    Ok(connection)
}

/// The journal mode since. Where two open a new file at once SQLite says that it is busy, without waiting.
fn use_wal(connection: &Connection, options: &Options) -> Result<String, rusqlite::Error> {
    let begun = Instant::now();
    loop {
        match connection.query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0)) {
            Err(error) if is_busy(&error) && begun.elapsed() < options.busy_timeout => {
                std::thread::sleep(core::time::Duration::from_millis(2));
            }
            answer => return answer,
        }
    }
}

fn at(path: &Path) -> impl Fn(rusqlite::Error) -> Error {
    |source| Error::Open {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::StatementStatus;
    use std::future::Future as _;
    use std::sync::mpsc;

    /// After `ANALYZE`, SQLite would look at bound values and prepare each run anew.
    #[test]
    fn a_check_is_prepared_once_whatever_the_statistics_say() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tenancy.db");
        let options = Options::default();
        let mut writer = open_writer(&path, &options).unwrap();
        migrate(&mut writer).unwrap();
        writer
            .execute_batch(
                "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1000) \
                 INSERT INTO tenancy_members SELECT randomblob(16), randomblob(16), 1, NULL, NULL, NULL, '{}' FROM n; \
                 ANALYZE",
            )
            .unwrap();
        let reader = open_reader(&path, &options).unwrap();
        for id in 0..100_u8 {
            let mut check = reader
                .prepare_cached(crate::statements::STANDING_DOMAIN.text())
                .unwrap();
            let mut rows = check.query(([id; 16], [id; 16], [id; 16])).unwrap();
            assert!(rows.next().unwrap().is_none());
        }
        let check = reader
            .prepare_cached(crate::statements::STANDING_DOMAIN.text())
            .unwrap();
        assert_eq!(check.get_status(StatementStatus::Run), 100);
        assert_eq!(check.get_status(StatementStatus::RePrepare), 0);
    }

    #[test]
    fn what_is_read_to_be_written_is_read_by_the_writer_and_waits_for_none() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tenancy.db");
        let connections = Connections::open(&path, &Options::default()).unwrap();
        let Connections::InPlace(in_place) = &connections else {
            panic!("calls run in place by default");
        };
        let only_reads = || {
            let asked = connections.read_to_write(&(), |connection, ()| {
                Ok(connection.query_row("PRAGMA query_only", (), |row| row.get(0))?)
            });
            tenancy::block_on(asked).unwrap()
        };
        let alone: bool = only_reads();
        assert!(!alone);
        let writing = lock(&in_place.writer);
        let beside: bool = only_reads();
        assert!(beside);
        drop(writing);
    }

    #[test]
    fn no_statement_is_ever_thrown_out() {
        assert!(crate::statements::every().count() < STATEMENTS);
    }

    #[test]
    fn the_last_handle_may_be_dropped_on_a_thread_of_the_store() {
        let options = Options {
            calls: Calls::OnThreads,
            ..Options::default()
        };
        let connections = Arc::new(Connections::open(Path::new(MEMORY), &options).unwrap());
        let last = Arc::clone(&connections);
        let (begun, begins) = mpsc::channel();
        let (go, goes) = mpsc::channel::<()>();
        let (dropped, is_dropped) = mpsc::channel();
        let mut job = Box::pin(connections.write(&(), move |_, ()| {
            begun.send(()).unwrap();
            goes.recv().unwrap();
            let drops = catch_unwind(AssertUnwindSafe(|| drop(last)));
            dropped.send(drops.is_ok()).unwrap();
            Ok(())
        }));
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(job.as_mut().poll(&mut context).is_pending());
        begins.recv().unwrap();
        drop(job);
        drop(connections);
        go.send(()).unwrap();
        assert!(is_dropped.recv().unwrap(), "it can't wait for itself");
    }

    #[test]
    fn a_job_that_panics_is_an_error_and_no_end() {
        let options = Options {
            calls: Calls::OnThreads,
            ..Options::default()
        };
        let connections = Connections::open(Path::new(MEMORY), &options).unwrap();
        let panics = connections.write(&(), |_, ()| -> Result<(), Error> { panic!("on purpose") });
        assert!(matches!(tenancy::block_on(panics), Err(Error::Stopped)));
        let works = connections.read(&(), |_, ()| Ok(7));
        assert_eq!(tenancy::block_on(works).unwrap(), 7);
    }
}
