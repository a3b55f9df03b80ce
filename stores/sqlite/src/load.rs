//! Reading what a command or a check needs.

use rusqlite::Connection;
use tenancy::store::{Facts, Invitation, Key, Record, Workspace};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, Member, OrganizationId, Resource, Standing, UserId,
    WorkspaceId, WorkspaceMember,
};

use crate::commit::{End, in_transaction};
use crate::error::SqliteError;
use crate::rows::{Cells, FromRow, all, one, organization_role, workspace_role};
use crate::sql;

/// The facts, of one snapshot: a read transaction sees the database as it was at its first read.
pub(crate) fn load(
    connection: &Connection,
    organization: OrganizationId,
    keys: &[Key],
) -> Result<Option<Facts>, SqliteError> {
    snapshot(connection, |connection| {
        let id = organization.as_uuid().into_bytes();
        let Some(organization) = one(connection, sql::ORGANIZATION, [id])? else {
            return Ok(None);
        };
        let mut scene = Scene {
            connection,
            id,
            records: Vec::new(),
        };
        let mut committed = None;
        for key in keys {
            if let Key::Commit(commit) = key {
                if committed.is_none() {
                    let parameters = (id, commit.as_uuid().into_bytes());
                    committed = one(connection, sql::COMMIT_OF, parameters)?;
                }
            } else {
                scene.bring(key)?;
            }
        }
        Ok(Some(Facts {
            organization,
            records: scene.records,
            committed,
        }))
    })
}

/// Runs queries on one snapshot.
pub(crate) fn snapshot<T>(
    connection: &Connection,
    run: impl FnOnce(&Connection) -> Result<T, SqliteError>,
) -> Result<T, SqliteError> {
    in_transaction(connection, sql::BEGIN_READ, |connection| {
        Ok((run(connection)?, End::Commit))
    })
}

/// The records of one organization that keys have brought. Some may have come twice, which is harmless.
struct Scene<'c> {
    connection: &'c Connection,
    id: [u8; 16],
    records: Vec<Record>,
}

impl Scene<'_> {
    fn bring(&mut self, key: &Key) -> Result<(), SqliteError> {
        match key {
            Key::Path(user, resource) => {
                self.member(*user)?;
                match resource {
                    Resource::Organization(_) => {}
                    Resource::Workspace(_, workspace) => self.workspace_for(*workspace, *user)?,
                    Resource::Domain(_, domain) => {
                        if let Some(domain) = self.domain(*domain)? {
                            let workspace = domain.workspace;
                            self.records.push(Record::Domain(domain));
                            self.workspace_for(workspace, *user)?;
                        }
                    }
                }
            }
            Key::Person(user) => self.person(*user)?,
            Key::SentBy(user) => {
                for invitation in self.invitations(sql::OPEN_BY, (self.id, bytes(*user)))? {
                    self.members_with(invitation.email.key(), None)?;
                    self.records.push(Record::Invitation(invitation));
                }
            }
            Key::Address(email, workspace) => {
                self.members_with(email, *workspace)?;
                self.open_to(email)?;
            }
            Key::Invitation(id, user) => self.invitation(*id, *user)?,
            Key::OpenInvitations(Some(workspace)) => {
                let parameters = (self.id, workspace.as_uuid().into_bytes());
                let open = self.invitations(sql::OPEN_INTO, parameters)?;
                self.records
                    .extend(open.into_iter().map(Record::Invitation));
            }
            Key::OpenInvitations(None) => {
                let open = self.invitations(sql::OPEN, [self.id])?;
                self.records
                    .extend(open.into_iter().map(Record::Invitation));
            }
            Key::WorkspaceNamed(name) => {
                let named = self.one(sql::WORKSPACE_NAMED, (self.id, name.as_str()))?;
                self.records.extend(named.map(Record::Workspace));
            }
            Key::DomainNamed(name) => {
                let retired = self.one(sql::RETIRED, (self.id, name.as_str()))?;
                self.records.extend(retired.map(Record::RetiredDomainName));
                let named = self.one(sql::DOMAIN_NAMED, (self.id, name.as_str()))?;
                self.records.extend(named.map(Record::Domain));
            }
            Key::Commit(_) => {} // brings no record
        }
        Ok(())
    }

    fn person(&mut self, user: UserId) -> Result<(), SqliteError> {
        let member: Option<Member> = self.one(sql::MEMBER, (self.id, bytes(user)))?;
        let email = member.as_ref().and_then(|member| member.email.clone());
        self.records.extend(member.map(Record::Member));
        if let Some(email) = email {
            self.open_to(email.key())?;
        }
        let held: Vec<WorkspaceMember> =
            all(self.connection, sql::WORKSPACES_OF, (self.id, bytes(user)))?;
        for membership in held {
            self.workspace(membership.workspace)?;
            self.records.push(Record::WorkspaceMember(membership));
        }
        Ok(())
    }

    fn invitation(&mut self, id: InvitationId, user: Option<UserId>) -> Result<(), SqliteError> {
        let parameters = (self.id, id.as_uuid().into_bytes());
        let Some(invitation) = self.one::<Invitation>(sql::INVITATION, parameters)? else {
            return Ok(());
        };
        let workspace = invitation.target.workspace();
        self.members_with(invitation.email.key(), workspace)?;
        for user in user.into_iter().chain([invitation.inviter]) {
            self.member(user)?;
            if let Some(workspace) = workspace {
                self.workspace_member(workspace, user)?;
            }
        }
        if let Some(workspace) = workspace {
            self.workspace(workspace)?;
        }
        self.records.push(Record::Invitation(invitation));
        Ok(())
    }

    fn member(&mut self, user: UserId) -> Result<(), SqliteError> {
        let member = self.one(sql::MEMBER, (self.id, bytes(user)))?;
        self.records.extend(member.map(Record::Member));
        Ok(())
    }

    fn members_with(
        &mut self,
        email: &EmailKey,
        workspace: Option<WorkspaceId>,
    ) -> Result<(), SqliteError> {
        let parameters = (self.id, email.as_str());
        for member in all::<Member>(self.connection, sql::MEMBERS_WITH_EMAIL, parameters)? {
            if let Some(workspace) = workspace {
                self.workspace_member(workspace, member.user)?;
            }
            self.records.push(Record::Member(member));
        }
        Ok(())
    }

    fn workspace_for(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), SqliteError> {
        self.workspace(workspace)?;
        self.workspace_member(workspace, user)
    }

    fn workspace(&mut self, workspace: WorkspaceId) -> Result<(), SqliteError> {
        let parameters = (self.id, workspace.as_uuid().into_bytes());
        let workspace: Option<Workspace> = self.one(sql::WORKSPACE, parameters)?;
        self.records.extend(workspace.map(Record::Workspace));
        Ok(())
    }

    fn workspace_member(
        &mut self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Result<(), SqliteError> {
        let parameters = (self.id, workspace.as_uuid().into_bytes(), bytes(user));
        let member = self.one(sql::WORKSPACE_MEMBER, parameters)?;
        self.records.extend(member.map(Record::WorkspaceMember));
        Ok(())
    }

    fn domain(&self, domain: DomainId) -> Result<Option<Domain>, SqliteError> {
        self.one(sql::DOMAIN, (self.id, domain.as_uuid().into_bytes()))
    }

    fn open_to(&mut self, email: &EmailKey) -> Result<(), SqliteError> {
        let open = self.invitations(sql::OPEN_TO, (self.id, email.as_str()))?;
        self.records
            .extend(open.into_iter().map(Record::Invitation));
        Ok(())
    }

    fn invitations(
        &self,
        sql: &'static str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<Invitation>, SqliteError> {
        all(self.connection, sql, parameters)
    }

    fn one<T: FromRow>(
        &self,
        sql: &'static str,
        parameters: impl rusqlite::Params,
    ) -> Result<Option<T>, SqliteError> {
        one(self.connection, sql, parameters)
    }
}

/// All that a check needs: one statement, which is one snapshot.
pub(crate) fn standing(
    connection: &Connection,
    user: UserId,
    resource: Resource,
) -> Result<Option<Standing>, SqliteError> {
    let id = resource.organization().as_uuid().into_bytes();
    let user_id = bytes(user);
    let (sql, below) = match resource {
        Resource::Organization(_) => (sql::STANDING_ORGANIZATION, None),
        Resource::Workspace(_, workspace) => (sql::STANDING_WORKSPACE, Some(workspace.as_uuid())),
        Resource::Domain(_, domain) => (sql::STANDING_DOMAIN, Some(domain.as_uuid())),
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = match below {
        None => statement.query((id, user_id))?,
        Some(below) => statement.query((id, user_id, below.into_bytes()))?,
    };
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let cells = Cells::of(row, "tenancy_organizations, joined for a check");
    let mut standing = Standing::new(user, resource, cells.version(0)?);
    standing.organization_role = cells.code(1, "role", organization_role)?;
    if below.is_some() {
        standing.workspace_role = cells.code(2, "role", workspace_role)?;
        standing.workspace = cells.optional_id(3, "id", WorkspaceId::from_uuid)?;
    }
    if let Resource::Domain(..) = resource {
        standing.domain = cells.optional_id(4, "id", DomainId::from_uuid)?;
    }
    Ok(Some(standing))
}

fn bytes(user: UserId) -> [u8; 16] {
    user.as_uuid().into_bytes()
}
