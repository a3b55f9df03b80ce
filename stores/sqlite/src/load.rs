//! Reading what a command or a check needs.

use rusqlite::{Connection, Params};
use tenancy::store::{Facts, Held, Key, Kind, OrganizationStatus, Record};
use tenancy::{
    DomainId, InvitationId, OrganizationId, OrganizationRole, Resource, UserId, WorkspaceId,
    WorkspaceRole,
};

use crate::commit::{End, in_transaction};
use crate::error::Error;
use crate::rows::{self, Cells, all, one};
use crate::statements::{self, Statement};

/// The facts, of one snapshot: a read transaction sees the database as it was at its first read.
pub(crate) fn load(
    connection: &Connection,
    organization: OrganizationId,
    keys: &[Key],
) -> Result<Option<Facts>, Error> {
    snapshot(connection, |connection| {
        let id = organization.as_uuid().into_bytes();
        let row = one(connection, &statements::ORGANIZATION, [id], |row| {
            rows::organization(row)
        })?;
        let Some((organization, _)) = row else {
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
                    committed = one(connection, &statements::COMMIT_OF, parameters, rows::entry)?;
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
    run: impl FnOnce(&Connection) -> Result<T, Error>,
) -> Result<T, Error> {
    in_transaction(connection, &statements::BEGIN_READ, |connection| {
        Ok((run(connection)?, End::Commit))
    })
}

/// What has been found so far. A record may be in it twice.
struct Scene<'c> {
    connection: &'c Connection,
    id: [u8; 16],
    records: Vec<Record>,
}

impl Scene<'_> {
    fn bring(&mut self, key: &Key) -> Result<(), Error> {
        let id = self.id;
        match key {
            Key::Path(user, resource) => {
                self.member(*user)?;
                match resource {
                    Resource::Organization(_) => {}
                    Resource::Workspace(_, workspace) => self.workspace_for(*workspace, *user)?,
                    Resource::Domain(_, domain) => self.domain_for(*domain, *user)?,
                }
            }
            Key::Person(user) => {
                let person = (id, bytes(*user));
                self.member(*user)?;
                self.add(Kind::Invitation, &statements::OPEN_TO_MEMBER, person)?;
                self.add(Kind::WorkspaceMember, &statements::MEMBERSHIPS_OF, person)?;
                self.add(Kind::Workspace, &statements::WORKSPACES_OF, person)?;
                self.add(Kind::FormerMember, &statements::DEPARTURES_OF, person)?;
            }
            Key::SentBy(user) => {
                let sender = (id, bytes(*user));
                self.add(Kind::Invitation, &statements::OPEN_BY, sender)?;
                self.add(Kind::Member, &statements::MEMBERS_INVITED_BY, sender)?;
            }
            Key::Address(email, workspace) => {
                let with = (id, email.as_str());
                self.add(Kind::Member, &statements::MEMBERS_WITH_EMAIL, with)?;
                if let Some(workspace) = workspace {
                    let there = (id, email.as_str(), workspace.as_uuid().into_bytes());
                    let statement = &statements::WORKSPACE_MEMBERS_WITH_EMAIL;
                    self.add(Kind::WorkspaceMember, statement, there)?;
                }
                self.add(Kind::Invitation, &statements::OPEN_TO, with)?;
            }
            Key::Invitation(invitation, user) => self.invitation(*invitation, *user)?,
            Key::OpenInvitations(Some(workspace)) => {
                let into = (id, workspace.as_uuid().into_bytes());
                self.add(Kind::Invitation, &statements::OPEN_INTO, into)?;
            }
            Key::OpenInvitations(None) => {
                self.add(Kind::Invitation, &statements::OPEN, [id])?;
            }
            Key::WorkspaceNamed(name) => {
                let named = (id, name.as_str());
                self.add(Kind::Workspace, &statements::WORKSPACE_NAMED, named)?;
            }
            Key::DomainNamed(name) => {
                let named = (id, name.as_str());
                self.add(Kind::RetiredDomainName, &statements::RETIRED, named)?;
                self.add(Kind::Domain, &statements::DOMAIN_NAMED, named)?;
            }
            Key::Commit(_) => {} // brings no record
        }
        Ok(())
    }

    fn domain_for(&mut self, domain: DomainId, user: UserId) -> Result<(), Error> {
        let key = (self.id, domain.as_uuid().into_bytes());
        let found = self.one(Kind::Domain, &statements::DOMAIN, key)?;
        if let Some(Record::Domain(domain)) = &found {
            self.workspace_for(domain.workspace, user)?;
        }
        self.records.extend(found);
        Ok(())
    }

    fn invitation(&mut self, invitation: InvitationId, user: Option<UserId>) -> Result<(), Error> {
        let key = (self.id, invitation.as_uuid().into_bytes());
        let found = self.one(Kind::Invitation, &statements::INVITATION, key)?;
        let Some(Record::Invitation(invitation)) = &found else {
            return Ok(());
        };
        let workspace = invitation.target.workspace();
        self.add(Kind::Member, &statements::MEMBERS_INVITED, key)?;
        if let Some(workspace) = workspace {
            self.workspace(workspace)?;
            let statement = &statements::WORKSPACE_MEMBERS_INVITED;
            self.add(Kind::WorkspaceMember, statement, key)?;
        }
        for user in user.into_iter().chain([invitation.inviter]) {
            self.member(user)?;
            if let Some(workspace) = workspace {
                self.workspace_member(workspace, user)?;
            }
        }
        if let Some(user) = user {
            self.former(user, None)?;
            if workspace.is_some() {
                self.former(user, workspace)?;
            }
        }
        self.records.extend(found);
        Ok(())
    }

    fn member(&mut self, user: UserId) -> Result<(), Error> {
        let key = (self.id, bytes(user));
        self.add(Kind::Member, &statements::MEMBER, key)
    }

    fn former(&mut self, user: UserId, workspace: Option<WorkspaceId>) -> Result<(), Error> {
        let workspace = workspace.map_or([0; 16], |workspace| workspace.as_uuid().into_bytes());
        let key = (self.id, bytes(user), workspace);
        self.add(Kind::FormerMember, &statements::FORMER_MEMBER, key)
    }

    fn workspace_for(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), Error> {
        self.workspace(workspace)?;
        self.workspace_member(workspace, user)
    }

    fn workspace(&mut self, workspace: WorkspaceId) -> Result<(), Error> {
        let key = (self.id, workspace.as_uuid().into_bytes());
        self.add(Kind::Workspace, &statements::WORKSPACE, key)
    }

    fn workspace_member(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), Error> {
        let key = (self.id, workspace.as_uuid().into_bytes(), bytes(user));
        self.add(Kind::WorkspaceMember, &statements::WORKSPACE_MEMBER, key)
    }

    /// The record that a statement finds.
    fn one(
        &self,
        kind: Kind,
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<Option<Record>, Error> {
        one(self.connection, statement, parameters, |row| {
            rows::record(row, 0, kind)
        })
    }

    /// Adds the records that a statement finds.
    fn add(
        &mut self,
        kind: Kind,
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<(), Error> {
        let found = all(self.connection, statement, parameters, |row| {
            rows::record(row, 0, kind)
        })?;
        self.records.extend(found);
        Ok(())
    }
}

/// All that a check needs: one statement, which is one snapshot.
pub(crate) fn standing(
    connection: &Connection,
    user: UserId,
    resource: Resource,
) -> Result<Option<Held>, Error> {
    let id = resource.organization().as_uuid().into_bytes();
    let user = bytes(user);
    let (statement, below) = match resource {
        Resource::Organization(_) => (&statements::STANDING_ORGANIZATION, None),
        Resource::Workspace(_, workspace) => {
            (&statements::STANDING_WORKSPACE, Some(workspace.as_uuid()))
        }
        Resource::Domain(_, domain) => (&statements::STANDING_DOMAIN, Some(domain.as_uuid())),
    };
    let mut statement = connection.prepare_cached(statement.text())?;
    let mut rows = match below {
        None => statement.query((id, user))?,
        Some(below) => statement.query((id, user, below.into_bytes()))?,
    };
    let Some(row) = rows.next()? else {
        return Ok(None);
    };
    let cells = Cells::of(row, "organizations, joined for a check");
    let status = cells.code(1, "status", OrganizationStatus::from_code)?;
    let mut held = Held::nothing(cells.version(0)?, status);
    held.organization_role = cells.optional_code(2, "role", OrganizationRole::from_code)?;
    if below.is_some() {
        held.workspace_role = cells.optional_code(3, "role", WorkspaceRole::from_code)?;
        held.workspace = cells.optional_id(4, "id", WorkspaceId::from_uuid)?;
    }
    if let Resource::Domain(..) = resource {
        held.domain = cells.optional_id(5, "id", DomainId::from_uuid)?;
    }
    Ok(Some(held))
}

fn bytes(user: UserId) -> [u8; 16] {
    user.as_uuid().into_bytes()
}
