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

/// The facts, of one snapshot. The first statement brings the organization, and stands at its row while the others run: a
/// connection reads the file as it was when the first of its statements began, until none is under way.
pub(crate) fn load(
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
    let organization = match keys {
        [Key::Path(user, resource), others @ ..] => scene.path(*user, *resource, others)?,
        keys => scene.organization(keys)?,
    };
    Ok(organization.map(|organization| Facts {
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
    fn bring_all(&mut self, keys: &[Key]) -> Result<(), Error> {
        keys.iter().try_for_each(|key| self.bring(key))
    }

    fn bring(&mut self, key: &Key) -> Result<(), Error> {
        let id = self.id;
        match key {
            Key::Path(user, resource) => {
                let path = Path::to(*resource);
                let (kinds, statement) = (path.kinds, path.alone);
                match path.below {
                    None => self.add(kinds, statement, (id, bytes(*user)))?,
                    Some(below) => self.add(kinds, statement, (id, bytes(*user), below))?,
                };
            }
            Key::SentTo(user) => self.sent_to(*user)?,
            Key::Person(user) => {
                self.sent_to(*user)?;
                let person = (id, bytes(*user));
                let memberships = [Kind::WorkspaceMember, Kind::Workspace];
                self.add(&memberships, &statements::MEMBERSHIPS_OF, person)?;
                self.add(&[Kind::FormerMember], &statements::DEPARTURES_OF, person)?;
            }
            Key::SentBy(user) => {
                let sender = (id, bytes(*user));
                if self.add(&[Kind::Invitation], &statements::OPEN_BY, sender)? {
                    self.add(&[Kind::Member], &statements::MEMBERS_INVITED_BY, sender)?;
                }
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
                if self.add(&[Kind::Invitation], &statements::OPEN_INTO, into)? {
                    self.add(&[Kind::Member], &statements::MEMBERS_INVITED_INTO, into)?;
                }
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

    /// The organization, and what else is asked for.
    fn organization(&mut self, others: &[Key]) -> Result<Option<Organization>, Error> {
        let (connection, id) = (self.connection, self.id);
        one(connection, &statements::ORGANIZATION, [id], |row| {
            let (organization, _) = rows::organization(row)?;
            self.bring_all(others)?;
            Ok(organization)
        })
    }

    /// What is on a user's path to a resource, and the organization, with which it begins; and what else is asked for.
    fn path(
        &mut self,
        user: UserId,
        resource: Resource,
        others: &[Key],
    ) -> Result<Option<Organization>, Error> {
        let (connection, id, user) = (self.connection, self.id, bytes(user));
        let path = Path::to(resource);
        let read = |row: &Row<'_>| {
            let (organization, _) = rows::organization(row)?;
            let records = &mut self.records;
            rows::records(row, rows::ORGANIZATION_WIDTH, path.kinds, records)?;
            self.bring_all(others)?;
            Ok(organization)
        };
        match path.below {
            None => one(connection, path.statement, (id, user), read),
            Some(below) => one(connection, path.statement, (id, user, below), read),
        }
    }

    /// The member, and what is sent to their address, each beside them.
    fn sent_to(&mut self, user: UserId) -> Result<(), Error> {
        let records = &mut self.records;
        let person = (self.id, bytes(user));
        let mut found = false;
        all(self.connection, &statements::SENT_TO, person, |row| {
            if found {
                let after = rows::width(Kind::Member);
                rows::records(row, after, &[Kind::Invitation], records)
            } else {
                found = true;
                rows::records(row, 0, &[Kind::Member, Kind::Invitation], records)
            }
        })?;
        Ok(())
    }

    /// Adds the records that a statement finds: of these kinds, side by side. Whether it found any.
    fn add(
        &mut self,
        kinds: &[Kind],
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<bool, Error> {
        let records = &mut self.records;
        let found = all(self.connection, statement, parameters, |row| {
            rows::records(row, 0, kinds, records)
        })?;
        Ok(!found.is_empty())
    }
}

/// How a path to a resource is read.
struct Path {
    /// What is on it, after the organization.
    kinds: &'static [Kind],
    /// Brings the organization first.
    statement: &'static Statement,
    /// Brings the path alone: another text, as one statement is under way once.
    alone: &'static Statement,
    /// The resource, if it is below the organization.
    below: Option<[u8; 16]>,
}

impl Path {
    const fn to(resource: Resource) -> Self {
        match resource {
            Resource::Organization(_) => Self {
                kinds: &[Kind::Member],
                statement: &statements::PATH_ORGANIZATION,
                alone: &statements::ALONE_ORGANIZATION,
                below: None,
            },
            Resource::Workspace(_, workspace) => Self {
                kinds: &[Kind::Member, Kind::Workspace, Kind::WorkspaceMember],
                statement: &statements::PATH_WORKSPACE,
                alone: &statements::ALONE_WORKSPACE,
                below: Some(workspace.as_uuid().into_bytes()),
            },
            Resource::Domain(_, domain) => Self {
                kinds: &[
                    Kind::Member,
                    Kind::Workspace,
                    Kind::WorkspaceMember,
                    Kind::Domain,
                ],
                statement: &statements::PATH_DOMAIN,
                alone: &statements::ALONE_DOMAIN,
                below: Some(domain.as_uuid().into_bytes()),
            },
        }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::migrate;

    /// What a load of several statements rests on.
    #[test]
    fn while_a_statement_stands_at_a_row_the_others_see_what_it_saw() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("tenancy.db");
        let mut writes = Connection::open(&path).unwrap();
        let wal: String = writes
            .query_row("PRAGMA journal_mode = WAL", (), |row| row.get(0))
            .unwrap();
        assert_eq!(wal, "wal");
        migrate(&mut writes).unwrap();
        let make = "INSERT INTO tenancy_organizations VALUES (zeroblob(16), 1, 1, '{}', '{}')";
        writes.execute_batch(make).unwrap();
        let reads = Connection::open(&path).unwrap();
        let version = || -> i64 {
            let asked = "SELECT version FROM tenancy_organizations";
            reads.query_row(asked, (), |row| row.get(0)).unwrap()
        };
        let seen = one(&reads, &statements::VERSION, [[0_u8; 16]], |_| {
            writes.execute_batch("UPDATE tenancy_organizations SET version = 2")?;
            Ok(version())
        });
        assert_eq!((seen.unwrap(), version()), (Some(1), 2));
    }
}
