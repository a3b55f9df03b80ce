//! Reading what a command or a check needs.

use rusqlite::{Connection, Params, Row};
use tenancy::store::{
    Facts, Held, Key, Kind, Organization, OrganizationStatus, OrganizationSummary, Record, Term,
};
use tenancy::{
    DomainId, DomainKind, LogEntry, OrganizationId, OrganizationRole, Resource, UserId,
    WorkspaceId, WorkspaceRole,
};

use crate::commit::{End, in_transaction};
use crate::error::Error;
use crate::rows::{self, Cells, all, one};
use crate::statements::{self, Statement};

/// The facts, of one snapshot: a read transaction sees the database as it was at its first read, and so does a
/// statement by itself.
pub(crate) fn load(
    connection: &Connection,
    organization: OrganizationId,
    keys: &[Key],
) -> Result<Option<Facts>, Error> {
    let read = |connection: &Connection| read(connection, organization, keys);
    if let [] | [Key::Path(..)] = keys {
        read(connection) // one statement
    } else {
        snapshot(connection, read)
    }
}

fn read(
    connection: &Connection,
    organization: OrganizationId,
    keys: &[Key],
) -> Result<Option<Facts>, Error> {
    let mut scene = Scene {
        connection,
        id: organization.as_uuid().into_bytes(),
        records: Vec::new(),
        committed: None,
    };
    // Most commands ask for their actor's path first: it comes with the organization.
    let (organization, others) = match keys {
        [Key::Path(user, resource), others @ ..] => (scene.path(*user, *resource)?, others),
        keys => (scene.organization()?, keys),
    };
    let Some(organization) = organization else {
        return Ok(None);
    };
    for key in others {
        scene.bring(key)?;
    }
    Ok(Some(Facts {
        organization,
        records: scene.records,
        committed: scene.committed,
    }))
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
    committed: Option<LogEntry>,
}

impl Scene<'_> {
    fn bring(&mut self, key: &Key) -> Result<(), Error> {
        let id = self.id;
        match key {
            Key::Path(user, resource) => {
                self.path(*user, *resource)?;
            }
            Key::SentTo(user) => {
                let person = (id, bytes(*user));
                self.add(&[Kind::Member], &statements::MEMBER, person)?;
                self.add(&[Kind::Invitation], &statements::OPEN_TO_MEMBER, person)?;
            }
            Key::Person(user) => {
                self.bring(&Key::SentTo(*user))?;
                let person = (id, bytes(*user));
                let memberships = [Kind::WorkspaceMember, Kind::Workspace];
                self.add(&memberships, &statements::MEMBERSHIPS_OF, person)?;
                self.add(&[Kind::FormerMember], &statements::DEPARTURES_OF, person)?;
            }
            Key::SentBy(user) => {
                let sender = (id, bytes(*user));
                self.add(&[Kind::Invitation], &statements::OPEN_BY, sender)?;
                self.add(&[Kind::Member], &statements::MEMBERS_INVITED_BY, sender)?;
            }
            Key::Address(email, None) => {
                let with = (id, email.as_str());
                self.add(&[Kind::Member], &statements::MEMBERS_WITH_EMAIL, with)?;
                self.add(&[Kind::Invitation], &statements::OPEN_TO, with)?;
            }
            Key::Address(email, Some(workspace)) => {
                let there = (id, email.as_str(), workspace.as_uuid().into_bytes());
                let statement = &statements::MEMBERS_WITH_EMAIL_THERE;
                self.add(&[Kind::Member, Kind::WorkspaceMember], statement, there)?;
                let with = (id, email.as_str());
                self.add(&[Kind::Invitation], &statements::OPEN_TO, with)?;
            }
            Key::Invitation(invitation, user) => {
                let invitation = (id, invitation.as_uuid().into_bytes());
                let user = user.map(bytes);
                let answered = (invitation.0, invitation.1, user);
                self.add(&ANSWERED, &statements::INVITATION, answered)?;
                let statement = &statements::MEMBERS_INVITED;
                self.add(
                    &[Kind::Member, Kind::WorkspaceMember],
                    statement,
                    invitation,
                )?;
                self.add(&[Kind::Invitation], &statements::OPEN_BESIDE, invitation)?;
            }
            Key::OpenInvitations(Some(workspace)) => {
                let into = (id, workspace.as_uuid().into_bytes());
                self.add(&[Kind::Invitation], &statements::OPEN_INTO, into)?;
                self.add(&[Kind::Member], &statements::MEMBERS_INVITED_INTO, into)?;
            }
            Key::OpenInvitations(None) => {
                self.add(&[Kind::Invitation], &statements::OPEN, [id])?;
            }
            Key::WorkspaceNamed(name) => {
                let named = (id, name.as_str());
                self.add(&[Kind::Workspace], &statements::WORKSPACE_NAMED, named)?;
            }
            Key::DomainNamed(name) => {
                let named = (id, name.as_str());
                self.add(&[Kind::RetiredDomainName], &statements::RETIRED, named)?;
                self.add(&[Kind::Domain], &statements::DOMAIN_NAMED, named)?;
            }
            Key::Commit(commit) => {
                if self.committed.is_none() {
                    let commit = [commit.as_uuid().into_bytes()];
                    let statement = &statements::COMMIT_OF;
                    self.committed = one(self.connection, statement, commit, rows::entry)?;
                }
            }
        }
        Ok(())
    }

    fn organization(&self) -> Result<Option<Organization>, Error> {
        let statement = &statements::ORGANIZATION;
        let row = one(self.connection, statement, [self.id], rows::organization)?;
        Ok(row.map(|(organization, _)| organization))
    }

    /// What is on a user's path to a resource, and the organization, with which it begins.
    fn path(&mut self, user: UserId, resource: Resource) -> Result<Option<Organization>, Error> {
        let (id, user) = (self.id, bytes(user));
        let (statement, kinds, below) = match resource {
            Resource::Organization(_) => {
                let kinds: &[Kind] = &[Kind::Member];
                (&statements::PATH_ORGANIZATION, kinds, None)
            }
            Resource::Workspace(_, workspace) => {
                let kinds: &[Kind] = &[Kind::Member, Kind::Workspace, Kind::WorkspaceMember];
                (
                    &statements::PATH_WORKSPACE,
                    kinds,
                    Some(workspace.as_uuid()),
                )
            }
            Resource::Domain(_, domain) => {
                let kinds: &[Kind] = &[
                    Kind::Member,
                    Kind::Workspace,
                    Kind::WorkspaceMember,
                    Kind::Domain,
                ];
                (&statements::PATH_DOMAIN, kinds, Some(domain.as_uuid()))
            }
        };
        let (connection, records) = (self.connection, &mut self.records);
        let read = |row: &Row<'_>| {
            let (organization, _) = rows::organization(row)?;
            rows::records(row, rows::ORGANIZATION_WIDTH, kinds, records)?;
            Ok(organization)
        };
        match below {
            None => one(connection, statement, (id, user), read),
            Some(below) => one(connection, statement, (id, user, below.into_bytes()), read),
        }
    }

    /// Adds the records that a statement finds: of these kinds, side by side.
    fn add(
        &mut self,
        kinds: &[Kind],
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<(), Error> {
        let records = &mut self.records;
        all(self.connection, statement, parameters, |row| {
            rows::records(row, 0, kinds, records)
        })?;
        Ok(())
    }
}

/// What an answer to an invitation is judged by: the invitation and its workspace; its inviter; who answers.
const ANSWERED: [Kind; 8] = [
    Kind::Invitation,
    Kind::Workspace,
    Kind::Member,
    Kind::WorkspaceMember,
    Kind::Member,
    Kind::WorkspaceMember,
    Kind::FormerMember,
    Kind::FormerMember,
];

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
    held.organization_term = cells.optional_number(3, "counts_until", Term::from_column)?;
    let mut own_roles = (cells.own_role(4)?, None);
    if below.is_some() {
        held.workspace_role = cells.optional_code(6, "role", WorkspaceRole::from_code)?;
        held.workspace_term = cells.optional_number(7, "counts_until", Term::from_column)?;
        own_roles.1 = cells.own_role(8)?;
        held.workspace = cells.optional_id(9, "id", WorkspaceId::from_uuid)?;
    }
    if let Resource::Domain(..) = resource {
        held.domain = cells.optional_id(10, "id", DomainId::from_uuid)?;
        held.kind = cells.optional_code(11, "kind", DomainKind::from_code)?;
    }
    if let (Some(_), _) | (_, Some(_)) = own_roles {
        let OrganizationSummary { roles, .. } = cells.json(5, "summary")?;
        held = held.with_own_roles(own_roles.0, own_roles.1, &roles);
    }
    Ok(Some(held))
}

fn bytes(user: UserId) -> [u8; 16] {
    user.as_uuid().into_bytes()
}
