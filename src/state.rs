//! An organization's records, and what an event does to them.
//!
//! [`OrganizationState::apply`] is the one place that knows what each event means. Commands use it on the
//! few records that they loaded, to learn what a store has to write; replay uses it on an empty state, to
//! rebuild the whole. Because it is the same function, the log and the tables agree.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::{Domain, RetiredDomainName};
use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::log::LogEntry;
use crate::member::{FormerMember, Member, WorkspaceMember};
use crate::organization::Organization;
use crate::own_role::RoleNumber;
use crate::record::{Record, RecordId};
use crate::resource::Resource;
use crate::role::RoleSet;
use crate::standing::{Held, Standing};
use crate::text::{DomainName, EmailKey, NameKey};
use crate::version::Version;
use crate::workspace::Workspace;

mod apply;
mod counts;
mod index;
mod list;
mod roles;
mod violation;

pub(crate) use apply::{Touched, is_nearer};
pub(crate) use index::following;
use index::{Found, Index};
pub use violation::Violation;

/// The records of one organization, or some of them.
///
/// Rebuild a whole organization from its log, to verify a store or to look into the past:
///
/// ```
/// # use tenancy::{commands::*, store::*, *};
/// # fn check(organization: OrganizationId, log: &[LogEntry]) -> Result<(), Inconsistency> {
/// let state = OrganizationState::replay(organization, log)?;
/// println!("{} members", state.members().count());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrganizationState {
    id: OrganizationId,
    organization: Option<Organization>,
    members: BTreeMap<UserId, Member>,
    workspaces: BTreeMap<WorkspaceId, Workspace>,
    workspace_members: BTreeMap<(WorkspaceId, UserId), WorkspaceMember>,
    domains: BTreeMap<DomainId, Domain>,
    retired_names: BTreeMap<DomainName, RetiredDomainName>,
    invitations: BTreeMap<InvitationId, Invitation>,
    former_members: BTreeMap<(UserId, Option<WorkspaceId>), FormerMember>,
    // INVARIANT: agrees with the maps above. `replace`, `delete` and `edit` are the only ones to write either.
    index: Index,
}

/// An event that doesn't fit the records: a log with a gap, or rows changed behind the library's back.
///
/// Commands meet it only if something other than this library writes the tables.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Inconsistency {
    /// The log speaks of an organization that it did not create.
    #[error("the organization does not exist")]
    NoOrganization,
    /// A record that must be there is missing.
    #[error("{0} is missing")]
    Missing(RecordId),
    /// A record that must not be there is.
    #[error("{0} exists already")]
    Exists(RecordId),
    /// A role of the organization's own that must be there is missing.
    #[error("the organization's role {0} is missing")]
    MissingRole(RoleNumber),
    /// A count would fall below zero or overflow.
    #[error("the count of {0} is wrong")]
    Count(&'static str),
    /// The log's versions are not 1, 2, 3 …
    #[error("version {found} follows version {after}")]
    Version {
        /// The version before.
        after: Version,
        /// The version that came next.
        found: Version,
    },
    /// A list holds an item of another kind than its own.
    #[error("a list holds an item of another kind")]
    WrongItem,
    /// The log is one that an audit trail showed, without the hashes of links. Only a store's own log
    /// rebuilds an organization.
    #[error("the log lacks the hashes of links: an audit trail withholds them")]
    Withheld,
    /// The log holds an event of a newer version of this crate.
    #[error("the log holds an event that this version does not know")]
    UnknownEvent,
}

impl OrganizationState {
    /// An organization that doesn't exist (yet).
    #[must_use]
    pub const fn absent(id: OrganizationId) -> Self {
        Self {
            id,
            organization: None,
            members: BTreeMap::new(),
            workspaces: BTreeMap::new(),
            workspace_members: BTreeMap::new(),
            domains: BTreeMap::new(),
            retired_names: BTreeMap::new(),
            invitations: BTreeMap::new(),
            former_members: BTreeMap::new(),
            index: Index::new(),
        }
    }

    /// An organization with these records, all or some.
    #[must_use]
    pub fn of(organization: Organization, records: impl IntoIterator<Item = Record>) -> Self {
        let mut state = Self::absent(organization.id);
        state.organization = Some(organization);
        for record in records {
            state.put(record);
        }
        state
    }

    /// The organization that this log made.
    ///
    /// # Errors
    ///
    /// - [`Inconsistency::Version`]: the entries are not all of one organization's, in order, from 1.
    /// - [`Inconsistency::UnknownEvent`]: a newer version of this crate wrote an event.
    /// - Any other: an event doesn't fit what came before it.
    pub fn replay<'a>(
        id: OrganizationId,
        log: impl IntoIterator<Item = &'a LogEntry>,
    ) -> Result<Self, Inconsistency> {
        let mut state = Self::absent(id);
        for entry in log {
            state.apply_entry(entry)?;
        }
        Ok(state)
    }

    /// What one more commit makes of it.
    ///
    /// # Errors
    ///
    /// As [`replay`](Self::replay). The state is then of no more use.
    pub fn apply_entry(&mut self, entry: &LogEntry) -> Result<(), Inconsistency> {
        self.apply_entry_noting(entry, &mut Touched::default())
    }

    /// As [`apply_entry`](Self::apply_entry), for callers who want to know what it touched.
    pub(crate) fn apply_entry_noting(
        &mut self,
        entry: &LogEntry,
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        let after = self.version();
        if entry.version != after.next() || entry.organization != self.id {
            return Err(Inconsistency::Version {
                after,
                found: entry.version,
            });
        }
        for events in entry.events_by_part() {
            let mut by_part = Touched::default();
            for event in events {
                self.apply(entry.at, event, &mut by_part)?;
            }
            touched.merge(by_part);
        }
        self.organization_mut()?.version = entry.version;
        Ok(())
    }

    /// Its id, whether it exists or not.
    #[must_use]
    pub const fn id(&self) -> OrganizationId {
        self.id
    }

    /// Its version; 0 if it doesn't exist.
    #[must_use]
    pub fn version(&self) -> Version {
        self.organization
            .as_ref()
            .map_or(Version::ABSENT, |organization| organization.version)
    }

    /// The organization itself, if it exists.
    #[must_use]
    pub const fn organization(&self) -> Option<&Organization> {
        self.organization.as_ref()
    }

    /// A member.
    #[must_use]
    pub fn member(&self, user: UserId) -> Option<&Member> {
        self.members.get(&user)
    }

    /// A workspace.
    #[must_use]
    pub fn workspace(&self, id: WorkspaceId) -> Option<&Workspace> {
        self.workspaces.get(&id)
    }

    /// A user's membership of a workspace.
    #[must_use]
    pub fn workspace_member(
        &self,
        workspace: WorkspaceId,
        user: UserId,
    ) -> Option<&WorkspaceMember> {
        self.workspace_members.get(&(workspace, user))
    }

    /// A domain.
    #[must_use]
    pub fn domain(&self, id: DomainId) -> Option<&Domain> {
        self.domains.get(&id)
    }

    /// A deleted domain's name, if the organization keeps it.
    #[must_use]
    pub fn retired_name(&self, name: &DomainName) -> Option<&RetiredDomainName> {
        self.retired_names.get(name)
    }

    /// An invitation.
    #[must_use]
    pub fn invitation(&self, id: InvitationId) -> Option<&Invitation> {
        self.invitations.get(&id)
    }

    /// A user who departed, from the organization (`None`) or from a workspace of it.
    #[must_use]
    pub fn former_member(
        &self,
        user: UserId,
        workspace: Option<WorkspaceId>,
    ) -> Option<&FormerMember> {
        self.former_members.get(&(user, workspace))
    }

    /// Its members, by id.
    pub fn members(&self) -> impl Iterator<Item = &Member> {
        self.members.values()
    }

    /// Its workspaces, by id.
    pub fn workspaces(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.values()
    }

    /// All memberships of its workspaces, by workspace and user.
    pub fn workspace_members(&self) -> impl Iterator<Item = &WorkspaceMember> {
        self.workspace_members.values()
    }

    /// Its domains, by id.
    pub fn domains(&self) -> impl Iterator<Item = &Domain> {
        self.domains.values()
    }

    /// The names of deleted domains that it keeps.
    pub fn retired_names(&self) -> impl Iterator<Item = &RetiredDomainName> {
        self.retired_names.values()
    }

    /// Its invitations, in whatever state, by id.
    pub fn invitations(&self) -> impl Iterator<Item = &Invitation> {
        self.invitations.values()
    }

    /// The users who departed, by user: from the organization, then from each workspace.
    pub fn former_members(&self) -> impl Iterator<Item = &FormerMember> {
        self.former_members.values()
    }

    /// What one user departed from: the organization first, then each workspace.
    pub fn departures_of(&self, user: UserId) -> impl Iterator<Item = &FormerMember> {
        self.former_members
            .range((user, None)..)
            .map(|(_, former)| former)
            .take_while(move |former| former.user == user)
    }

    /// The members with this address: normally one at most.
    pub fn members_with_email(&self, email: &EmailKey) -> impl Iterator<Item = &Member> {
        self.index
            .members_with_email(email)
            .filter_map(|user| self.member(user))
    }

    /// The workspace memberships of one user, by workspace.
    pub fn workspaces_of(&self, user: UserId) -> impl Iterator<Item = &WorkspaceMember> {
        self.index
            .workspaces_of(user, None)
            .filter_map(move |workspace| self.workspace_member(workspace, user))
    }

    /// The workspace with this name.
    #[must_use]
    pub fn workspace_named(&self, name: &NameKey) -> Option<&Workspace> {
        self.workspace(self.index.workspace_named(name)?)
    }

    /// The domain with this name.
    #[must_use]
    pub fn domain_named(&self, name: &DomainName) -> Option<&Domain> {
        self.domain(self.index.domain_named(name)?)
    }

    /// The domains in one workspace, by id.
    pub fn domains_in(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Domain> {
        self.index
            .domains_in(workspace, None)
            .filter_map(|id| self.domain(id))
    }

    /// The memberships of one workspace, by user.
    pub fn members_of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &WorkspaceMember> {
        let first = (workspace, UserId::from_uuid(Uuid::nil()));
        self.workspace_members
            .range(first..)
            .map(|(_, member)| member)
            .take_while(move |m| m.workspace == workspace)
    }

    /// The open invitations to one address, by id.
    pub fn open_invitations_to(&self, email: &EmailKey) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations_to(email)
            .filter_map(|id| self.invitation(id))
    }

    /// The open invitations that one user is the inviter of, by id.
    pub fn open_invitations_by(&self, inviter: UserId) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations_by(inviter)
            .filter_map(|id| self.invitation(id))
    }

    /// The open invitations to one workspace, by id.
    pub fn open_invitations_into(
        &self,
        workspace: WorkspaceId,
    ) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations_into(workspace, None)
            .filter_map(|id| self.invitation(id))
    }

    /// What the open invitations to an address that is no member's offer, all together, as organization roles
    /// (Q3); nothing, if it is a member's. Exact only if all of them, and the member, are here.
    pub(crate) fn offered_to_newcomer(&self, email: &EmailKey) -> RoleSet {
        if self.members_with_email(email).next().is_some() {
            return RoleSet::empty();
        }
        self.index.offered_to(email)
    }

    /// All open invitations, by id.
    pub fn open_invitations(&self) -> impl Iterator<Item = &Invitation> {
        self.index
            .open_invitations(None)
            .filter_map(|id| self.invitation(id))
    }

    /// Every record, kind by kind, each by id.
    pub fn records(&self) -> impl Iterator<Item = Record> {
        let members = self.members.values().cloned().map(Record::Member);
        let workspaces = self.workspaces.values().cloned().map(Record::Workspace);
        let workspace_members = self
            .workspace_members
            .values()
            .cloned()
            .map(Record::WorkspaceMember);
        let domains = self.domains.values().cloned().map(Record::Domain);
        let retired_names = self
            .retired_names
            .values()
            .cloned()
            .map(Record::RetiredDomainName);
        let invitations = self.invitations.values().cloned().map(Record::Invitation);
        let former_members = self
            .former_members
            .values()
            .cloned()
            .map(Record::FormerMember);
        members
            .chain(workspaces)
            .chain(workspace_members)
            .chain(domains)
            .chain(retired_names)
            .chain(invitations)
            .chain(former_members)
    }

    /// One record.
    #[must_use]
    pub fn record(&self, id: &RecordId) -> Option<Record> {
        match id {
            RecordId::Member(user) => self.member(*user).cloned().map(Record::Member),
            RecordId::Workspace(id) => self.workspace(*id).cloned().map(Record::Workspace),
            RecordId::WorkspaceMember(workspace, user) => self
                .workspace_member(*workspace, *user)
                .cloned()
                .map(Record::WorkspaceMember),
            RecordId::Domain(id) => self.domain(*id).cloned().map(Record::Domain),
            RecordId::RetiredDomainName(name) => self
                .retired_name(name)
                .cloned()
                .map(Record::RetiredDomainName),
            RecordId::Invitation(id) => self.invitation(*id).cloned().map(Record::Invitation),
            RecordId::FormerMember(user, workspace) => self
                .former_member(*user, *workspace)
                .cloned()
                .map(Record::FormerMember),
        }
    }

    /// Whether a record is there.
    #[must_use]
    pub fn has(&self, id: &RecordId) -> bool {
        match id {
            RecordId::Member(user) => self.members.contains_key(user),
            RecordId::Workspace(id) => self.workspaces.contains_key(id),
            RecordId::WorkspaceMember(workspace, user) => {
                self.workspace_members.contains_key(&(*workspace, *user))
            }
            RecordId::Domain(id) => self.domains.contains_key(id),
            RecordId::RetiredDomainName(name) => self.retired_names.contains_key(name),
            RecordId::Invitation(id) => self.invitations.contains_key(id),
            RecordId::FormerMember(user, workspace) => {
                self.former_members.contains_key(&(*user, *workspace))
            }
        }
    }

    /// What a user holds on the path to a resource of this organization; `None` if the organization
    /// doesn't exist. Exact only if the records on the path are here. It is what a store that holds this
    /// state answers to [`Repository::standing`](crate::store::Repository::standing).
    #[must_use]
    pub fn held(&self, user: UserId, resource: Resource) -> Option<Held> {
        let organization = self.organization.as_ref()?;
        if resource.organization() != self.id {
            return None;
        }
        let mut held = Held::nothing(organization.version, organization.status);
        if let Some(member) = self.member(user) {
            held.organization_role = Some(member.role);
            held.organization_term = member.term();
            held.organization_adds = member.own_role.and_then(|own| organization.added_by(own));
        }
        let workspace = match resource {
            Resource::Organization(_) => None,
            Resource::Workspace(_, id) => Some(id),
            Resource::Domain(_, id) => {
                let domain = self.domain(id);
                held.domain = domain.map(|domain| domain.id);
                held.kind = domain.map(|domain| domain.kind);
                domain.map(|domain| domain.workspace)
            }
        };
        if let Some(workspace) = workspace.and_then(|id| self.workspace(id)) {
            held.workspace = Some(workspace.id);
            if let Some(member) = self.workspace_member(workspace.id, user) {
                held.workspace_role = Some(member.role);
                held.workspace_term = member.term();
                held.workspace_adds = member.own_role.and_then(|own| organization.added_by(own));
            }
        }
        Some(held)
    }

    pub(crate) fn standing(
        &self,
        user: UserId,
        resource: Resource,
        now: DateTime<Utc>,
    ) -> Option<Standing> {
        let mut held = self.held(user, resource)?;
        held.keep_what_counts(|| now);
        Some(Standing::of_user(user, resource, held))
    }

    /// Puts a record, in place of the one with its id.
    pub fn put(&mut self, record: Record) {
        self.replace(record);
    }

    /// Puts a record, and says what it took the place of; `None` if there was none with its id.
    pub(crate) fn replace(&mut self, record: Record) -> Option<Record> {
        let index = &mut self.index;
        match record {
            Record::Member(member) => {
                put(&mut self.members, index, member.user, member).map(Record::Member)
            }
            Record::Workspace(workspace) => {
                put(&mut self.workspaces, index, workspace.id, workspace).map(Record::Workspace)
            }
            Record::WorkspaceMember(member) => {
                let key = (member.workspace, member.user);
                put(&mut self.workspace_members, index, key, member).map(Record::WorkspaceMember)
            }
            Record::Domain(domain) => {
                put(&mut self.domains, index, domain.id, domain).map(Record::Domain)
            }
            Record::RetiredDomainName(retired) => {
                let key = retired.name.clone();
                put(&mut self.retired_names, index, key, retired).map(Record::RetiredDomainName)
            }
            Record::Invitation(invitation) => {
                let key = invitation.id;
                put(&mut self.invitations, index, key, invitation).map(Record::Invitation)
            }
            Record::FormerMember(former) => {
                let key = (former.user, former.workspace);
                put(&mut self.former_members, index, key, former).map(Record::FormerMember)
            }
        }
    }

    /// Deletes a record, and says what it was; `None` if it wasn't there.
    pub fn delete(&mut self, id: &RecordId) -> Option<Record> {
        let index = &mut self.index;
        match id {
            RecordId::Member(user) => delete(&mut self.members, index, user).map(Record::Member),
            RecordId::Workspace(id) => {
                delete(&mut self.workspaces, index, id).map(Record::Workspace)
            }
            RecordId::WorkspaceMember(workspace, user) => {
                let key = (*workspace, *user);
                delete(&mut self.workspace_members, index, &key).map(Record::WorkspaceMember)
            }
            RecordId::Domain(id) => delete(&mut self.domains, index, id).map(Record::Domain),
            RecordId::RetiredDomainName(name) => {
                delete(&mut self.retired_names, index, name).map(Record::RetiredDomainName)
            }
            RecordId::Invitation(id) => {
                delete(&mut self.invitations, index, id).map(Record::Invitation)
            }
            RecordId::FormerMember(user, workspace) => {
                let key = (*user, *workspace);
                delete(&mut self.former_members, index, &key).map(Record::FormerMember)
            }
        }
    }

    /// Replaces the organization's own row.
    pub fn set_organization(&mut self, organization: Organization) {
        self.organization = Some(organization);
    }
}

fn put<K: Ord, R: Found>(
    records: &mut BTreeMap<K, R>,
    index: &mut Index,
    key: K,
    record: R,
) -> Option<R> {
    match records.entry(key) {
        Entry::Vacant(place) => {
            place.insert(record).add_to(index);
            None
        }
        Entry::Occupied(mut place) => {
            let before = place.insert(record);
            follow(index, &before, place.get());
            Some(before)
        }
    }
}

fn delete<K: Ord, R: Found>(records: &mut BTreeMap<K, R>, index: &mut Index, key: &K) -> Option<R> {
    let record = records.remove(key)?;
    record.remove_from(index);
    Some(record)
}

/// Edits a record where it is, and says what it was.
fn edit<K: Ord, R: Found + Clone>(
    records: &mut BTreeMap<K, R>,
    index: &mut Index,
    key: &K,
    edit: impl FnOnce(&mut R) -> Result<(), Inconsistency>,
) -> Result<Option<R>, Inconsistency> {
    let Some(record) = records.get_mut(key) else {
        return Ok(None);
    };
    let before = record.clone();
    let edited = edit(record);
    follow(index, &before, record);
    edited.map(|()| Some(before))
}

/// Lets a record be found as what it is now.
fn follow<R: Found>(index: &mut Index, before: &R, after: &R) {
    if !before.is_found_as(after) {
        before.remove_from(index);
        after.add_to(index);
    }
}
