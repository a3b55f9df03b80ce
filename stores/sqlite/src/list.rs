//! Lists, a page at a time.

use core::num::NonZeroU32;

use rusqlite::{Connection, Params, Row};
use tenancy::store::{Item, Kind, List, Place};
use tenancy::{
    DomainId, DomainName, InvitationId, OrganizationId, OrganizationRole, RoleSet, UserId, Version,
    WorkspaceId, WorkspaceRole,
};
use uuid::Uuid;

use crate::error::Error;
use crate::load::snapshot;
use crate::rows::{self, Cells, all};
use crate::statements::{self, Statement};

/// A page of a list.
pub(crate) fn list(
    connection: &Connection,
    list: &List,
    limit: NonZeroU32,
) -> Result<Vec<Item>, Error> {
    let page = Page {
        connection,
        list,
        limit,
    };
    let limit = limit.get();
    match list {
        List::Members {
            organization,
            roles,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let asked = asked(OrganizationRole::ALL, *roles, RoleSet::of_organization);
            let Some(roles) = asked else {
                let parameters = (id.as_bytes(), after.bytes(), limit);
                return page.records(Kind::Member, &statements::PAGE_MEMBERS, parameters);
            };
            page.merged(roles, |page, role: OrganizationRole| {
                let parameters = (id.as_bytes(), after.bytes(), limit, role.code());
                page.records(Kind::Member, &statements::PAGE_MEMBERS_ROLE, parameters)
            })
        }
        List::WorkspaceMembers {
            organization,
            workspace,
            roles,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let (workspace, kind) = (workspace.as_uuid(), Kind::WorkspaceMember);
            let asked = asked(WorkspaceRole::ALL, *roles, RoleSet::of_workspace);
            let Some(roles) = asked else {
                let parameters = (id.as_bytes(), after.bytes(), limit, workspace.as_bytes());
                return page.records(kind, &statements::PAGE_WORKSPACE_MEMBERS, parameters);
            };
            page.merged(roles, |page, role: WorkspaceRole| {
                let (after, workspace, role) = (after.bytes(), workspace.as_bytes(), role.code());
                let parameters = (id.as_bytes(), after, limit, workspace, role);
                page.records(kind, &statements::PAGE_WORKSPACE_MEMBERS_ROLE, parameters)
            })
        }
        List::Workspaces {
            organization,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let parameters = (id.as_bytes(), after.bytes(), limit);
            page.records(Kind::Workspace, &statements::PAGE_WORKSPACES, parameters)
        }
        List::WorkspacesOf {
            organization,
            user,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let (user, first, second) = (user.as_uuid(), Kind::Workspace, Kind::WorkspaceMember);
            let parameters = (id.as_bytes(), after.bytes(), limit, user.as_bytes());
            page.items(&statements::PAGE_WORKSPACES_OF, parameters, |row| {
                let workspace = rows::record(row, 0, first)?;
                Ok(Item::Pair(
                    workspace,
                    rows::record(row, rows::width(first), second)?,
                ))
            })
        }
        List::Domains {
            organization,
            workspace,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let workspace = workspace.as_uuid();
            let parameters = (id.as_bytes(), after.bytes(), limit, workspace.as_bytes());
            page.records(Kind::Domain, &statements::PAGE_DOMAINS, parameters)
        }
        List::KeptNames {
            organization,
            after,
        } => {
            // Empty text comes before every name.
            let after = after.as_ref().map_or("", |name| name.as_str());
            let parameters = (organization.as_uuid().into_bytes(), after, limit);
            page.records(
                Kind::RetiredDomainName,
                &statements::PAGE_KEPT_NAMES,
                parameters,
            )
        }
        List::Invitations {
            organization,
            workspace: None,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let parameters = (id.as_bytes(), after.bytes(), limit);
            page.records(Kind::Invitation, &statements::PAGE_OPEN, parameters)
        }
        List::Invitations {
            organization,
            workspace: Some(workspace),
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let workspace = workspace.as_uuid();
            let parameters = (id.as_bytes(), after.bytes(), limit, workspace.as_bytes());
            page.records(Kind::Invitation, &statements::PAGE_OPEN_INTO, parameters)
        }
        List::Holders {
            organization,
            workspace: None,
            roles,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            page.merged(roles, |page, role| {
                let parameters = (id.as_bytes(), after.bytes(), limit, role.column());
                page.records(Kind::Member, &statements::PAGE_HOLDERS, parameters)
            })
        }
        List::Holders {
            organization,
            workspace: Some(workspace),
            roles,
            after,
        } => {
            let (id, after) = (organization.as_uuid(), After(after.map(|id| id.as_uuid())));
            let (workspace, kind) = (workspace.as_uuid(), Kind::WorkspaceMember);
            page.merged(roles, |page, role| {
                let (after, workspace, role) = (after.bytes(), workspace.as_bytes(), role.column());
                let parameters = (id.as_bytes(), after, limit, role, workspace);
                page.records(kind, &statements::PAGE_HOLDERS_THERE, parameters)
            })
        }
        List::OrganizationsOf { user, after } => {
            let (user, after) = (user.as_uuid(), After(after.map(|id| id.as_uuid())));
            let parameters = (user.as_bytes(), after.bytes(), limit);
            let statement = &statements::PAGE_ORGANIZATIONS_OF;
            page.across(Kind::Member, statement, parameters)
        }
        List::InvitationsTo { email, after } => {
            let organization = After(after.map(|(organization, _)| organization.as_uuid()));
            let invitation = After(after.map(|(_, invitation)| invitation.as_uuid()));
            let (organization, invitation) = (organization.bytes(), invitation.bytes());
            let parameters = (email.as_str(), organization, limit, invitation);
            page.items(&statements::PAGE_INVITATIONS_TO, parameters, |row| {
                let (from, summary) = (rows::SUMMARY_WIDTH, rows::summary(row)?);
                let sent = rows::record(row, from, Kind::Invitation)?;
                let (mut to, from) = (
                    Vec::new(),
                    from.saturating_add(rows::width(Kind::Invitation)),
                );
                rows::records(row, from, &[Kind::Workspace], &mut to)?;
                Ok(match to.pop() {
                    Some(to) => Item::PairAcross(summary, sent, to),
                    None => Item::Across(summary, sent),
                })
            })
        }
        List::AllOrganizations { after } => {
            let after = After(after.map(|id| id.as_uuid()));
            let statement = &statements::PAGE_ORGANIZATIONS;
            page.items(statement, (after.bytes(), limit), |row| {
                Ok(Item::Organization(rows::summary(row)?))
            })
        }
        List::OrganizationsNamed { prefix, after } => {
            // A page begins with the prefix, or behind what comes after it.
            let after = after.as_ref().filter(|(name, _)| name >= prefix);
            let name = after.map_or(prefix, |(name, _)| name);
            let id = After(after.map(|(_, id)| id.as_uuid()));
            let parameters = (name.as_str(), id.bytes(), limit, prefix.end_of_prefix());
            page.items(&statements::PAGE_ORGANIZATIONS_NAMED, parameters, |row| {
                Ok(Item::Named(rows::name_key(row, 2)?, rows::summary(row)?))
            })
        }
        List::OrganizationsWithMember { email, after } => {
            let after = After(after.map(|id| id.as_uuid()));
            let parameters = (email.as_str(), after.bytes(), limit);
            page.items(&statements::PAGE_ORGANIZATIONS_WITH, parameters, |row| {
                Ok(Item::Organization(rows::summary(row)?))
            })
        }
        List::Log {
            organization,
            after,
        } => {
            let parameters = (organization.as_uuid().into_bytes(), beyond(*after), limit);
            page.items(&statements::PAGE_LOG, parameters, |row| {
                Ok(Item::LogEntry(rows::entry(row)?))
            })
        }
    }
}

/// A version to begin after. One that SQLite has no room for is beyond every log.
pub(crate) fn beyond(version: Version) -> i64 {
    i64::try_from(version.get()).unwrap_or(i64::MAX)
}

/// The roles of a layer that are in a set; `None` if all are, so that there is nothing to choose by.
fn asked<R: Copy>(
    all: impl IntoIterator<Item = R>,
    set: RoleSet,
    alone: impl Fn(R) -> RoleSet,
) -> Option<Vec<R>> {
    let (asked, others): (Vec<R>, Vec<R>) =
        all.into_iter().partition(|role| set.contains(alone(*role)));
    (!others.is_empty()).then_some(asked)
}

/// Where a page begins: after an id, or with the first. An empty blob comes before every id.
struct After(Option<Uuid>);

impl After {
    fn bytes(&self) -> &[u8] {
        self.0.as_ref().map_or(&[], |id| id.as_bytes().as_slice())
    }
}

/// The part of a list that is asked for.
struct Page<'c> {
    connection: &'c Connection,
    list: &'c List,
    limit: NonZeroU32,
}

impl Page<'_> {
    fn items(
        &self,
        statement: &Statement,
        parameters: impl Params,
        read: impl Fn(&Row<'_>) -> Result<Item, Error>,
    ) -> Result<Vec<Item>, Error> {
        all(self.connection, statement, parameters, |row| {
            // What can't be read holds up nothing but itself (A7).
            match read(row) {
                Err(Error::Unreadable { .. }) => Ok(Item::Unreadable(place(self.list, row)?)),
                read => read,
            }
        })
    }

    fn records(
        &self,
        kind: Kind,
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<Vec<Item>, Error> {
        self.items(statement, parameters, |row| {
            Ok(Item::Record(rows::record(row, 0, kind)?))
        })
    }

    fn across(
        &self,
        kind: Kind,
        statement: &Statement,
        parameters: impl Params,
    ) -> Result<Vec<Item>, Error> {
        self.items(statement, parameters, |row| {
            let record = rows::record(row, rows::SUMMARY_WIDTH, kind)?;
            Ok(Item::Across(rows::summary(row)?, record))
        })
    }

    /// A page of each role, merged: an organization of 100,000 Members has few Admins, and not all members
    /// are to be looked through for the few.
    fn merged<R>(
        &self,
        roles: impl IntoIterator<Item = R>,
        page: impl Fn(&Self, R) -> Result<Vec<Item>, Error>,
    ) -> Result<Vec<Item>, Error> {
        snapshot(self.connection, |_| {
            let mut found: Vec<(Option<Place>, Item)> = Vec::new();
            for role in roles {
                let items = page(self, role)?.into_iter();
                found.extend(items.map(|item| (self.list.place_of(&item), item)));
            }
            found.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
            found.truncate(usize::try_from(self.limit.get()).unwrap_or(usize::MAX));
            Ok(found.into_iter().map(|(_, item)| item).collect())
        })
    }
}

/// Where the item stands that a row brings, by its columns alone: what comes after what is read.
fn place(list: &List, row: &Row<'_>) -> Result<Place, Error> {
    let key = Cells::of(row, "list");
    Ok(match list {
        List::Members { .. }
        | List::Holders {
            workspace: None, ..
        } => Place::User(key.id(2, "user_id", UserId::from_uuid)?),
        List::WorkspaceMembers { .. }
        | List::Holders {
            workspace: Some(_), ..
        } => Place::User(key.id(3, "user_id", UserId::from_uuid)?),
        List::Workspaces { .. } | List::WorkspacesOf { .. } => {
            Place::Workspace(key.id(2, "id", WorkspaceId::from_uuid)?)
        }
        List::Domains { .. } => Place::Domain(key.id(2, "id", DomainId::from_uuid)?),
        List::KeptNames { .. } => {
            let unknown = || key.unreadable("name", "it is no domain's name".into());
            Place::DomainName(DomainName::from_column(key.text(2, "name")?).ok_or_else(unknown)?)
        }
        List::Invitations { .. } => Place::Invitation(key.id(2, "id", InvitationId::from_uuid)?),
        List::OrganizationsOf { .. }
        | List::AllOrganizations { .. }
        | List::OrganizationsWithMember { .. } => {
            Place::Organization(key.id(1, "id", OrganizationId::from_uuid)?)
        }
        List::OrganizationsNamed { .. } => Place::Named(
            rows::name_key(row, 2)?,
            key.id(1, "id", OrganizationId::from_uuid)?,
        ),
        List::InvitationsTo { .. } => Place::InvitationOf(
            key.id(1, "id", OrganizationId::from_uuid)?,
            key.id(4, "id", InvitationId::from_uuid)?,
        ),
        List::Log { .. } => Place::Version(key.version(2)?),
    })
}
