//! The store, on sqlx.

use core::num::NonZeroU32;

use sqlx::postgres::PgRow;
use sqlx::{Executor, PgConnection, PgPool, Postgres, Row as _, Transaction};
use tenancy::store::{
    Claim, Commit, Directory, Facts, Invitation, Key, Organization, Outcome, Repository, Workspace,
};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, Resource, RoleSet, Standing,
    UserId, Version, WorkspaceId, WorkspaceMember,
};
use uuid::Uuid;

use crate::migrate::{self, SchemaError};
use crate::outbox::Held;
use crate::reading::{self, Statement};
use crate::rows::DecodeError;
use crate::statements::{self, CommitAnswer, StandingRow, steps};
use crate::verify::VerifyError;

/// Organizations in PostgreSQL, on a host's pool.
///
/// Each method is one statement outside any transaction: it takes a connection, sends, reads, and gives the
/// connection back. Dropping its future at any moment leaves no transaction open. Reads that the server
/// gives up for another transaction (at SERIALIZABLE, or on a replica) are made again, commits are not. A
/// clone is another handle on the same pool.
///
/// ```no_run
/// use sqlx::postgres::PgPoolOptions;
/// use tenancy_postgres::PostgresRepository;
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let pool = PgPoolOptions::new()
///     .test_before_acquire(false) // a ping before each statement would double a check's round trips
///     .connect("postgres://localhost/app")
///     .await?;
/// tenancy_postgres::migrate(&pool).await?;
/// let repository = PostgresRepository::new(pool);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct PostgresRepository {
    pool: PgPool,
    form: Form,
}

/// How a commit is sent.
#[derive(Clone, Copy, Debug)]
enum Form {
    OneStatement,
    Steps,
}

impl Form {
    /// What every request will ask the server for.
    const fn statements(self) -> &'static [&'static str] {
        use statements::{COMMIT, LOAD, STANDING, steps};
        match self {
            Self::OneStatement => &[STANDING, LOAD, COMMIT],
            Self::Steps => &[
                STANDING,
                LOAD,
                steps::CREATE,
                steps::ADVANCE,
                steps::DELETE,
                steps::PUT,
            ],
        }
    }
}

/// What went wrong in the store: never a rule's "no", never a lost race.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database or the way to it. Whether a commit was applied is not known.
    #[error("the database failed")]
    Database(#[from] sqlx::Error),
    /// A row was not written by this library, or by a newer version of it.
    #[error("the database holds what this version can't read")]
    Decode(#[from] DecodeError),
}

impl PostgresRepository {
    /// The store behind a pool. [`migrate`](crate::migrate()) makes its tables; call
    /// [`check_schema`](Self::check_schema) at start if something else makes them.
    #[must_use]
    pub const fn new(pool: PgPool) -> Self {
        Self {
            pool,
            form: Form::OneStatement,
        }
    }

    /// The same for an engine that refuses to write a table twice in one statement, as `CockroachDB` does: each
    /// commit is a transaction of a few [`steps`](statements::steps). PostgreSQL needs it not.
    #[must_use]
    pub const fn in_steps(pool: PgPool) -> Self {
        Self {
            pool,
            form: Form::Steps,
        }
    }

    /// The pool.
    #[must_use]
    pub const fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// Checks at start that the tables are those of this version. Call it where [`migrate`](crate::migrate()) is
    /// run by somebody else, so that a forgotten migration stops the service and not its first request.
    ///
    /// ```no_run
    /// # async fn check(repository: tenancy_postgres::PostgresRepository) -> Result<(), tenancy_postgres::SchemaError> {
    /// repository.check_schema().await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`SchemaError::Missing`], [`SchemaError::Older`], [`SchemaError::Newer`]: as they say.
    /// - [`SchemaError::Altered`]: a statement that this store sends for a check, a load or a commit can't be
    ///   prepared.
    /// - [`SchemaError::Unconstrained`]: a primary key or unique constraint on which a promise rests is missing.
    /// - [`SchemaError::Encoding`]: the database is not UTF-8.
    /// - [`SchemaError::Database`]: the question failed.
    pub async fn check_schema(&self) -> Result<(), SchemaError> {
        migrate::check(&self.pool, self.form.statements()).await
    }

    /// Applies a commit inside a transaction of the host's, so that its own rows and the organization change
    /// together or not at all. See [`Tenancy::prepare`](tenancy::Tenancy::prepare).
    ///
    /// Commit the transaction after [`Outcome::Committed`] and roll it back after anything else: a lost race
    /// may have aborted it already. Make it the last statement before the commit, because it locks the
    /// organization's row until then. Every isolation level will do.
    ///
    /// It takes a transaction and not a connection, so that nobody applies a commit beside the rows that it
    /// belongs to by mistake. (Dropping the future of sqlx 0.9's `Pool::begin` half-way may give a connection
    /// with an open transaction back to the pool: sqlx#4385. Don't `select!` over a `begin`.)
    ///
    /// # Errors
    ///
    /// - [`Error::Database`]: the statement failed; roll back. Nothing is applied unless the transaction
    ///   commits, so the outcome is known: not applied.
    /// - [`Error::Decode`]: the answer can't be read; roll back.
    pub async fn apply(
        transaction: &mut Transaction<'_, Postgres>,
        commit: &Commit,
    ) -> Result<Outcome, Error> {
        send(&mut **transaction, commit).await
    }

    /// As [`apply`](Self::apply), in [`steps`](statements::steps).
    ///
    /// # Errors
    ///
    /// As [`apply`](Self::apply).
    pub async fn apply_in_steps(
        transaction: &mut Transaction<'_, Postgres>,
        commit: &Commit,
    ) -> Result<Outcome, Error> {
        send_in_steps(transaction, commit).await
    }

    /// Checks that an organization is what its log makes of it, that it breaks no invariant of the rulebook,
    /// and that it holds the claims that it should. One that doesn't exist is in order.
    ///
    /// It reads the whole organization and its history in one statement, and takes time and memory in
    /// proportion: for tests, for a job at night, and before a restored backup goes into use.
    ///
    /// ```no_run
    /// # async fn check(repository: tenancy_postgres::PostgresRepository) -> Result<(), tenancy_postgres::VerifyError> {
    /// repository.verify(tenancy::OrganizationId::new()).await
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`VerifyError::Drift`], [`VerifyError::Misfiled`], [`VerifyError::ClaimLost`],
    ///   [`VerifyError::ClaimForeign`]: something other than this library has written the tables.
    /// - [`VerifyError::Decode`]: a row can't be read.
    /// - [`VerifyError::Database`]: the statement failed.
    pub async fn verify(&self, organization: OrganizationId) -> Result<(), VerifyError> {
        let statement = || sqlx::query(statements::EVERYTHING).bind(organization.as_uuid());
        let row = reading::optional(&self.pool, statement).await?;
        let row = row.ok_or(sqlx::Error::RowNotFound)?;
        statements::everything(row.try_get(0)?)?.verify(organization)
    }

    async fn rows<T>(
        &self,
        statement: impl Fn() -> Statement + Send + Sync,
        read: impl Fn(&PgRow) -> Result<T, Error> + Send,
    ) -> Result<Vec<T>, Error> {
        let rows = reading::all(&self.pool, statement).await?;
        rows.iter().map(read).collect()
    }
}

impl PostgresRepository {
    async fn commit_in_steps(&self, commit: &Commit) -> Result<Outcome, Error> {
        let mut held = Held::begin(&self.pool).await?;
        let outcome = send_in_steps(held.connection(), commit).await?;
        if outcome != Outcome::Committed {
            held.roll_back().await?;
            return Ok(outcome);
        }
        match held.commit().await {
            Ok(()) => Ok(Outcome::Committed),
            Err(error) => refused(commit, &error).ok_or(Error::Database(error)),
        }
    }
}

impl Repository for PostgresRepository {
    type Error = Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Error> {
        let asked = statements::load(keys);
        let statement = || {
            sqlx::query(statements::LOAD)
                .bind(organization.as_uuid())
                .bind(asked.clone())
        };
        let row = reading::optional(&self.pool, statement).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(statements::facts(row.try_get(0)?)?))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Error> {
        match self.form {
            Form::OneStatement => send(&self.pool, commit).await,
            Form::Steps => self.commit_in_steps(commit).await,
        }
    }

    async fn standing(&self, user: UserId, resource: Resource) -> Result<Option<Standing>, Error> {
        let (workspace, domain) = statements::path(resource);
        let statement = || {
            sqlx::query(statements::STANDING)
                .bind(resource.organization().as_uuid())
                .bind(user.as_uuid())
                .bind(workspace)
                .bind(domain)
        };
        let row = reading::optional(&self.pool, statement).await?;
        let Some(row) = row else { return Ok(None) };
        let row = StandingRow {
            version: row.try_get(0)?,
            organization_role: row.try_get(1)?,
            workspace: row.try_get(2)?,
            workspace_role: row.try_get(3)?,
            domain: row.try_get(4)?,
        };
        Ok(Some(statements::standing(user, resource, &row)?))
    }
}

impl Directory for PostgresRepository {
    async fn members(
        &self,
        organization: OrganizationId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Member>, Error> {
        let text = if roles.contains(RoleSet::MEMBER) {
            statements::MEMBERS
        } else {
            statements::MEMBERS_WITH_ROLE
        };
        let statement = || {
            sqlx::query(text)
                .bind(organization.as_uuid())
                .bind(statements::organization_roles(roles))
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| Ok(statements::member(row.try_get(0)?)?))
            .await
    }

    async fn workspaces(
        &self,
        organization: OrganizationId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Workspace>, Error> {
        let statement = || {
            sqlx::query(statements::WORKSPACES)
                .bind(organization.as_uuid())
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| Ok(statements::workspace(row.try_get(0)?)?))
            .await
    }

    async fn workspaces_of(
        &self,
        organization: OrganizationId,
        user: UserId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Workspace, WorkspaceMember)>, Error> {
        let statement = || {
            sqlx::query(statements::WORKSPACES_OF)
                .bind(organization.as_uuid())
                .bind(user.as_uuid())
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| {
            let workspace = statements::workspace(row.try_get(0)?)?;
            Ok((workspace, statements::workspace_member(row.try_get(1)?)?))
        })
        .await
    }

    async fn workspace_members(
        &self,
        organization: OrganizationId,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<WorkspaceMember>, Error> {
        let statement = || {
            sqlx::query(statements::WORKSPACE_MEMBERS)
                .bind(organization.as_uuid())
                .bind(workspace.as_uuid())
                .bind(statements::workspace_roles(roles))
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| {
            Ok(statements::workspace_member(row.try_get(0)?)?)
        })
        .await
    }

    async fn domains(
        &self,
        organization: OrganizationId,
        workspace: WorkspaceId,
        after: Option<DomainId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Domain>, Error> {
        let statement = || {
            sqlx::query(statements::DOMAINS)
                .bind(organization.as_uuid())
                .bind(workspace.as_uuid())
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| Ok(statements::domain(row.try_get(0)?)?))
            .await
    }

    async fn invitations(
        &self,
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        after: Option<InvitationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Invitation>, Error> {
        let statement = || {
            let statement = match workspace {
                None => sqlx::query(statements::INVITATIONS).bind(organization.as_uuid()),
                Some(workspace) => sqlx::query(statements::INVITATIONS_INTO)
                    .bind(organization.as_uuid())
                    .bind(workspace.as_uuid()),
            };
            statement
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| {
            Ok(statements::invitation(row.try_get(0)?)?)
        })
        .await
    }

    async fn organizations_of(
        &self,
        user: UserId,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Member)>, Error> {
        let statement = || {
            sqlx::query(statements::ORGANIZATIONS_OF)
                .bind(user.as_uuid())
                .bind(after.map(|id| id.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| {
            let organization = statements::organization(row.try_get(0)?)?;
            Ok((organization, statements::member(row.try_get(1)?)?))
        })
        .await
    }

    async fn invitations_to(
        &self,
        email: &EmailKey,
        after: Option<(OrganizationId, InvitationId)>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Invitation)>, Error> {
        let statement = || {
            sqlx::query(statements::INVITATIONS_TO)
                .bind(email.as_str().to_owned())
                .bind(after.map(|(organization, _)| organization.as_uuid()))
                .bind(after.map(|(_, invitation)| invitation.as_uuid()))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| {
            let organization = statements::organization(row.try_get(0)?)?;
            Ok((organization, statements::invitation(row.try_get(1)?)?))
        })
        .await
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<OrganizationId>, Error> {
        let (scope, key) = statements::claim_parameters(claim);
        let statement = || {
            sqlx::query(statements::HOLDER)
                .bind(scope)
                .bind(key.clone())
        };
        let row = reading::optional(&self.pool, statement).await?;
        let id: Option<Uuid> = row.map(|row| row.try_get(0)).transpose()?;
        Ok(id.map(OrganizationId::from_uuid))
    }

    async fn log(
        &self,
        organization: OrganizationId,
        after: Version,
        limit: NonZeroU32,
    ) -> Result<Vec<LogEntry>, Error> {
        let statement = || {
            sqlx::query(statements::LOG)
                .bind(organization.as_uuid())
                .bind(statements::bigint(after))
                .bind(i64::from(limit.get()))
        };
        self.rows(statement, |row| Ok(statements::log_entry(row.try_get(0)?)?))
            .await
    }
}

/// Sends a commit, once.
async fn send<'c>(
    executor: impl Executor<'c, Database = Postgres>,
    commit: &Commit,
) -> Result<Outcome, Error> {
    let parameters = statements::commit(commit);
    let row = sqlx::query(statements::COMMIT)
        .bind(parameters.organization)
        .bind(parameters.expected)
        .bind(parameters.commit)
        .fetch_one(executor)
        .await;
    match row {
        Ok(row) => {
            let answer = CommitAnswer {
                committed: row.try_get(0)?,
                seen: row.try_get(1)?,
                taken: row.try_get(2)?,
            };
            Ok(statements::outcome(commit, &answer)?)
        }
        Err(error) => refused(commit, &error).ok_or(Error::Database(error)),
    }
}

/// Sends a commit's steps. After anything but `Committed` the transaction must be rolled back.
async fn send_in_steps(connection: &mut PgConnection, commit: &Commit) -> Result<Outcome, Error> {
    let parameters = statements::commit(commit);
    let turn = if commit.expected == Version::ABSENT {
        sqlx::query(steps::CREATE).bind(parameters.organization)
    } else {
        sqlx::query(steps::ADVANCE)
            .bind(parameters.organization)
            .bind(parameters.expected)
    };
    let turn = turn.bind(parameters.commit.as_str());
    match turn.fetch_optional(&mut *connection).await {
        Ok(Some(_)) => {}
        Ok(None) => return Ok(Outcome::Conflict),
        Err(error) => return refused(commit, &error).ok_or(Error::Database(error)),
    }
    for step in [steps::DELETE, steps::PUT] {
        let done = sqlx::query(step)
            .bind(parameters.organization)
            .bind(parameters.commit.as_str())
            .fetch_one(&mut *connection)
            .await;
        if let Err(error) = done {
            return refused(commit, &error).ok_or(Error::Database(error));
        }
    }
    Ok(Outcome::Committed)
}

/// What the server's error says for certain.
fn refused(commit: &Commit, error: &sqlx::Error) -> Option<Outcome> {
    let error = error
        .as_database_error()?
        .try_downcast_ref::<sqlx::postgres::PgDatabaseError>()?;
    statements::refused(commit, error.code(), error.constraint(), error.detail())
}
