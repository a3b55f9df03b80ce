//! The store: [`Repository`] and [`Directory`] on connections.

use core::fmt;
use core::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tenancy::store::{
    Claim, Commit, Directory, Facts, Invitation, Key, Organization, Outcome, Repository, Workspace,
};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, Resource, RoleSet, Standing,
    UserId, Version, WorkspaceId, WorkspaceMember,
};

use crate::connections::{Connections, MEMORY};
use crate::directory::{self, Page};
use crate::error::SqliteError;
use crate::options::{Calls, Options};
use crate::outbox::Outbox;
use crate::verify::{self, VerifyError};
use crate::{commit, load};

/// Organizations in a SQLite file: a durable store without a server.
///
/// ```
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("tenancy.db");
/// use tenancy::{Actor, Name, Tenancy, UserId, WorkspaceAction};
/// use tenancy::commands::CreateOrganization;
/// use tenancy_sqlite::SqliteRepository;
///
/// let tenancy = Tenancy::new(SqliteRepository::open(&path)?);
///
/// let ann = Actor::unverified(UserId::from_external("ann"));
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
}

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
    /// - [`SqliteError::Open`]: it can't be opened, or it is no database.
    /// - [`SqliteError::NoWal`]: it is where SQLite can't share memory, such as a network file system.
    /// - [`SqliteError::NewerSchema`]: a newer version of this crate was here.
    /// - [`SqliteError::Migration`]: a migration failed; the file is as it was.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
        Self::open_with(path, &Options::default())
    }

    /// As [`open`](Self::open), but for async hosts: calls run on threads of the store's own, and block no
    /// thread of the runtime ([`Calls::OnThreads`]).
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), and [`SqliteError::Thread`] if no thread could be started.
    pub fn open_on_threads(path: impl AsRef<Path>) -> Result<Self, SqliteError> {
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
    pub fn open_with(path: impl AsRef<Path>, options: &Options) -> Result<Self, SqliteError> {
        let path = path.as_ref();
        let connections = Connections::open(path, options)?;
        let path = path.to_owned();
        Ok(Self {
            inner: Arc::new(Inner { path, connections }),
        })
    }

    /// A database in memory, for tests: gone with the last clone of this handle. All calls share one
    /// connection.
    ///
    /// # Errors
    ///
    /// [`SqliteError::Open`]: SQLite itself can't start.
    pub fn open_in_memory() -> Result<Self, SqliteError> {
        Self::open(MEMORY)
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
    /// - [`VerifyError::Drift`], [`VerifyError::ClaimLost`], [`VerifyError::ClaimForeign`]: something other
    ///   than this library has written the file.
    /// - [`VerifyError::Store`]: a row can't be read, or SQLite failed.
    pub async fn verify(&self, organization: OrganizationId) -> Result<(), VerifyError> {
        self.read(move |connection| verify::verify(connection, organization))
            .await?
    }

    pub(crate) fn connections(&self) -> &Connections {
        &self.inner.connections
    }

    /// A question that is small enough to be copied for a thread.
    async fn read<T: Send + 'static>(
        &self,
        run: impl FnOnce(&rusqlite::Connection) -> Result<T, SqliteError> + Send + 'static,
    ) -> Result<T, SqliteError> {
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
    type Error = SqliteError;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, SqliteError> {
        let connections = self.connections();
        connections
            .read(keys, move |connection, keys| {
                load::load(connection, organization, keys)
            })
            .await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, SqliteError> {
        self.connections().write(commit, commit::commit).await
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Standing>, SqliteError> {
        self.read(move |connection| load::standing(connection, user, resource))
            .await
    }
}

impl Directory for SqliteRepository {
    async fn members(
        &self,
        organization: OrganizationId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Member>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| directory::members(connection, organization, roles, page))
            .await
    }

    async fn workspaces(
        &self,
        organization: OrganizationId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Workspace>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| directory::workspaces(connection, organization, page))
            .await
    }

    async fn workspaces_of(
        &self,
        organization: OrganizationId,
        user: UserId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Workspace, WorkspaceMember)>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| directory::workspaces_of(connection, organization, user, page))
            .await
    }

    async fn workspace_members(
        &self,
        organization: OrganizationId,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<WorkspaceMember>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| {
            directory::workspace_members(connection, organization, workspace, roles, page)
        })
        .await
    }

    async fn domains(
        &self,
        organization: OrganizationId,
        workspace: WorkspaceId,
        after: Option<DomainId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Domain>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| directory::domains(connection, organization, workspace, page))
            .await
    }

    async fn invitations(
        &self,
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        after: Option<InvitationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Invitation>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| {
            directory::invitations(connection, organization, workspace, page)
        })
        .await
    }

    async fn organizations_of(
        &self,
        user: UserId,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Member)>, SqliteError> {
        let page = Page::new(after, limit);
        self.read(move |connection| directory::organizations_of(connection, user, page))
            .await
    }

    async fn invitations_to(
        &self,
        email: &EmailKey,
        after: Option<(OrganizationId, InvitationId)>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Invitation)>, SqliteError> {
        let connections = self.connections();
        connections
            .read(email, move |connection, email| {
                directory::invitations_to(connection, email, after, limit)
            })
            .await
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<OrganizationId>, SqliteError> {
        self.connections().read(claim, commit::holder).await
    }

    async fn log(
        &self,
        organization: OrganizationId,
        after: Version,
        limit: NonZeroU32,
    ) -> Result<Vec<LogEntry>, SqliteError> {
        self.read(move |connection| directory::log(connection, organization, after, limit))
            .await
    }
}
