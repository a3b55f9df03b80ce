//! The store: [`Repository`] and [`Directory`] on connections.

use core::fmt;
use core::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::Connection;
use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};

use crate::connections::{Connections, MEMORY};
use crate::error::Error;
use crate::migrate::{self, SchemaError};
use crate::options::{Calls, Options};
use crate::outbox::Outbox;
use crate::verify::{self, VerifyError};
use crate::{commit, list, load};

/// Organizations in a SQLite file: a durable store without a server.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tenancy.db");
/// use tenancy::{Actor, EmailAddress, Name, Tenancy, UserId, VerifiedEmail, WorkspaceAction};
/// use tenancy::commands::CreateOrganization;
/// use tenancy_sqlite::SqliteRepository;
///
/// let tenancy = Tenancy::new(SqliteRepository::open(&path)?);
///
/// let address = EmailAddress::new("ann@acme.example")?;
/// let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(address));
/// let name = Name::new("Acme")?;
/// let acme = tenancy::block_on(tenancy.execute(&ann, CreateOrganization { name }))?.output;
///
/// let may = tenancy::block_on(tenancy.check(&ann, (acme.organization, acme.workspace), WorkspaceAction::Rename))?;
/// assert!(may.is_allowed());
/// # Ok(()) }
/// ```
///
/// A clone is another handle on the same connections; the last one dropped closes them. The same file may
/// be open several times, also in several processes of one machine: the file's version decides who was
/// first, whoever has it open.
#[derive(Clone)]
pub struct SqliteRepository {
    inner: Arc<Inner>,
    rows: Option<Arc<Rows>>,
}

/// What a host writes with each commit.
pub(crate) type Rows = dyn Fn(&Connection, &Commit) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    + Send
    + Sync;

struct Inner {
    path: PathBuf,
    connections: Connections,
}

impl SqliteRepository {
    /// Opens a file, makes it if there is none, and brings its tables up to date. Calls run on the thread
    /// that makes them ([`Calls::InPlace`]).
    ///
    /// # Errors
    ///
    /// - [`Error::Open`]: it can't be opened, or it is no database.
    /// - [`Error::NoWal`]: it is where SQLite can't share memory, such as a network file system.
    /// - [`Error::Schema`]: a newer version of this crate was here, and this one can't live with its
    ///   tables; or a migration failed, and the file is as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::open_with(path, &Options::default())
    }

    /// As [`open`](Self::open), but for async hosts: calls run on threads of the store's own, and block no
    /// thread of the runtime ([`Calls::OnThreads`]).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`Error::Thread`] if no thread could be started.
    pub fn open_on_threads(path: impl AsRef<Path>) -> Result<Self, Error> {
        let options = Options {
            calls: Calls::OnThreads,
            ..Options::default()
        };
        Self::open_with(path, &options)
    }

    /// As [`open`](Self::open), with the host's choices.
    ///
    /// # Errors
    ///
    /// As [`open_on_threads`](Self::open_on_threads).
    pub fn open_with(path: impl AsRef<Path>, options: &Options) -> Result<Self, Error> {
        let path = path.as_ref();
        let connections = Connections::open(path, options)?;
        let path = path.to_owned();
        Ok(Self {
            inner: Arc::new(Inner { path, connections }),
            rows: None,
        })
    }

    /// A database in memory, for tests: gone with the last clone of this handle. All calls share one
    /// connection.
    ///
    /// # Errors
    ///
    /// [`Error::Open`]: SQLite itself can't start.
    pub fn open_in_memory() -> Result<Self, Error> {
        Self::open(MEMORY)
    }

    /// The same, with rows of the host's own in the transaction of each commit: written together with the organization,
    /// or neither is, whoever makes the commit (a router, the console, a job). For the rows of one command that one
    /// route sends, [`Tenancy::execute_with`](tenancy::Tenancy::execute_with) is enough.
    ///
    /// `write` is called after the commit's statements, on the connection and with the commit: its
    /// [events](tenancy::LogEntry::events) say what happened. An error undoes the commit too, and comes back as
    /// [`Error::Rows`]. It is called once for each attempt, so let it do nothing but write to this connection. Nobody else
    /// writes the file meanwhile: be short. The transaction is the store's: don't end it; savepoints are yours.
    ///
    /// Every process that commits must have the same. What [`apply`](crate::apply) writes comes without.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// # let path = directory.path().join("app.db");
    /// use tenancy::Event;
    /// use tenancy_sqlite::SqliteRepository;
    /// use tenancy_sqlite::rusqlite::Connection;
    ///
    /// let file = Connection::open(&path)?;
    /// file.execute_batch("CREATE TABLE subscriptions (organization BLOB PRIMARY KEY, plan TEXT NOT NULL)")?;
    /// let store = SqliteRepository::open(&path)?.with_rows(|connection, commit| {
    ///     let created = |event: &Event| matches!(event, Event::OrganizationCreated { .. });
    ///     if commit.entry.events.iter().any(created) {
    ///         let organization = *commit.organization().as_uuid().as_bytes();
    ///         connection.execute("INSERT INTO subscriptions VALUES (?1, 'free')", [organization])?;
    ///     }
    ///     Ok(())
    /// });
    /// # use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail, commands::CreateOrganization};
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let create = CreateOrganization { name: Name::new("Acme")? };
    /// # tenancy::block_on(Tenancy::new(store).execute(&ann, create))?;
    /// # let written: u32 = file.query_row("SELECT count(*) FROM subscriptions", [], |row| row.get(0))?;
    /// # assert_eq!(written, 1);
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn with_rows<W>(mut self, write: W) -> Self
    where
        W: Fn(&Connection, &Commit) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
            + Send
            + Sync
            + 'static,
    {
        self.rows = Some(Arc::new(write));
        self
    }

    /// The file; `:memory:` if there is none.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.inner.path
    }

    /// Hands what happened to the host, at least once and in order.
    pub fn outbox(&self) -> Outbox<'_> {
        Outbox::new(self)
    }

    /// Checks that an organization is what its log makes of it, that it breaks no invariant of the
    /// rulebook, and that it holds the claims that it should. One that doesn't exist is in order.
    ///
    /// It reads the whole organization, as of one moment, and takes time in proportion to its history: for
    /// tests, for a job at night, and before a restored backup goes into use.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use tenancy::OrganizationId;
    /// use tenancy_sqlite::SqliteRepository;
    ///
    /// let repository = SqliteRepository::open_in_memory()?;
    /// tenancy::block_on(repository.verify(OrganizationId::new()))?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`VerifyError::Drift`]: something other than this library has written the file.
    /// - [`VerifyError::Store`]: a row can't be read, or SQLite failed.
    pub async fn verify(&self, organization: OrganizationId) -> Result<(), VerifyError> {
        self.read(move |connection| verify::verify(connection, organization))
            .await?
            .map_err(VerifyError::Drift)
    }

    /// Checks that the tables, their indexes and their views are those that this version of the crate makes, by
    /// their definitions. [`open`](Self::open) looks at the number of the last migration only.
    ///
    /// On a file that a newer version has migrated, and with which this one can live, it checks that every
    /// statement can be prepared.
    ///
    /// # Errors
    ///
    /// - [`SchemaError::Altered`], [`SchemaError::Foreign`], [`SchemaError::Refused`]: something else has
    ///   altered the tables.
    /// - [`SchemaError::Missing`], [`SchemaError::Older`], [`SchemaError::Newer`]: the tables have gone, or
    ///   another version was here since the file was opened.
    /// - [`SchemaError::Sqlite`], [`SchemaError::Store`]: SQLite or the store failed.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        self.read(|connection| Ok(migrate::check(connection)))
            .await
            .map_err(|error| SchemaError::Store(Box::new(error)))?
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    /// A question that is small enough to be copied for a thread.
    async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&rusqlite::Connection) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let connections = self.connections();
        connections
            .read(&(), |connection, ()| run(connection))
            .await
    }
}

impl fmt::Debug for SqliteRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteRepository")
            .field("path", &self.inner.path)
            .finish_non_exhaustive()
    }
}

impl Repository for SqliteRepository {
    type Error = Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Error> {
        let connections = self.connections();
        connections
            .read_to_write(keys, move |connection, keys| {
                load::load(connection, organization, keys)
            })
            .await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        let Some(rows) = self.rows.clone() else {
            return self.connections().write(commit, commit::commit).await;
        };
        let with_rows = move |connection: &Connection, commit: &Commit| {
            commit::commit_with(connection, commit, |connection| rows(connection, commit))
        };
        self.connections().write(commit, with_rows).await
    }

    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Held>, Error> {
        self.read(move |connection| load::standing(connection, user, resource))
            .await
    }

    /// The commit couldn't be written at all, or the file is read-only.
    fn wrote_nothing(&self, error: &Error) -> bool {
        match error {
            Error::InvalidCommit(_) | Error::Json(_) | Error::Rows(_) => true,
            // A constraint can only be a host's own, such as a foreign key to a table of ours: the commit is undone.
            Error::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::ConstraintViolation)
            ),
            _ => false,
        }
    }
}

impl Directory for SqliteRepository {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Error> {
        let connections = self.connections();
        connections
            .read(list, move |connection, list| {
                list::list(connection, list, limit)
            })
            .await
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
        self.connections().read(claim, commit::holder).await
    }
}
