//! What a store must answer: the reference, kept in maps, and the comparison of a store with it (`agree`).
//!
//! It is as simple as it can be: one [`OrganizationState`] for each organization, and for each list a
//! scan. `Facts::select` and `OrganizationState::held` are the core's own words on the contract.

mod agree;
mod list;

pub(crate) use agree::same;
pub use list::every_list;
pub(crate) use list::{KINDS, kind, page, walk, whole, whole_log};

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use tenancy::store::{
    Change, Claim, Commit, Facts, Held, Key, OrganizationState, Outcome, Record, RecordId,
};
use tenancy::text::{DomainName, EmailKey, NameKey};
use tenancy::{
    CommitId, EmailAddress, LogEntry, OrganizationId, Resource, UserId, Version, WorkspaceId,
};

use crate::report::Failure;

/// Every organization, as it must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    tenants: BTreeMap<OrganizationId, Tenant>,
    claims: BTreeMap<Claim, OrganizationId>,
    /// Every commit's entry, of whichever organization.
    commits: BTreeMap<CommitId, LogEntry>,
    /// How long what may lag may lag.
    lag: Duration,
}

/// One organization, as it must be.
#[derive(Clone, Debug)]
struct Tenant {
    state: OrganizationState,
    log: Vec<LogEntry>,
    /// Every record that there ever was, as it was last, so that what is gone is asked for too.
    ever: BTreeMap<RecordId, Record>,
    /// Every address, workspace's name and domain's name that a record ever had, so that what was replaced is
    /// asked for too.
    addresses: BTreeSet<EmailKey>,
    workspace_names: BTreeSet<NameKey>,
    domain_names: BTreeSet<DomainName>,
}

impl Model {
    pub(crate) fn new(lag: Duration) -> Self {
        Self {
            lag,
            ..Self::default()
        }
    }

    pub(crate) const fn lag(&self) -> Duration {
        self.lag
    }

    /// What these logs make: the replay oracle.
    pub(crate) fn replay(
        lag: Duration,
        logs: &BTreeMap<OrganizationId, Vec<LogEntry>>,
    ) -> Result<Self, Failure> {
        let mut model = Self::new(lag);
        for (id, log) in logs {
            let mut state = OrganizationState::absent(*id);
            for entry in log {
                let before = state.clone();
                state.apply_entry(entry)?;
                let commit = commit_between(&before, &state, entry.clone())?;
                if model.apply(&commit) != Outcome::Committed {
                    return Err(Failure::new(format!(
                        "the logs of two organizations hold one claim, in commit {}",
                        entry.id
                    )));
                }
            }
        }
        Ok(model)
    }

    pub(crate) fn organizations(&self) -> impl Iterator<Item = OrganizationId> {
        self.tenants.keys().copied()
    }

    pub(crate) fn state(&self, id: OrganizationId) -> OrganizationState {
        self.tenants.get(&id).map_or_else(
            || OrganizationState::absent(id),
            |tenant| tenant.state.clone(),
        )
    }

    pub(crate) fn log_of(&self, id: OrganizationId) -> &[LogEntry] {
        self.tenants
            .get(&id)
            .map_or(&[], |tenant| tenant.log.as_slice())
    }

    /// What a store must make of a commit.
    pub(crate) fn apply(&mut self, commit: &Commit) -> Outcome {
        let id = commit.organization();
        let tenant = self.tenants.get(&id);
        let version = tenant.map_or(Version::ABSENT, |tenant| tenant.state.version());
        if version != commit.expected {
            return Outcome::Conflict;
        }
        for change in &commit.changes {
            if let Change::Claim(claim) = change {
                if self.claims.contains_key(claim) {
                    return Outcome::Taken(claim.clone());
                }
            }
        }
        if self.commits.contains_key(&commit.id()) {
            return Outcome::IdUsed;
        }
        let tenant = self.tenants.entry(id).or_insert_with(|| Tenant {
            state: OrganizationState::absent(id),
            log: Vec::new(),
            ever: BTreeMap::new(),
            addresses: BTreeSet::new(),
            workspace_names: BTreeSet::new(),
            domain_names: BTreeSet::new(),
        });
        tenant.state.set_organization(commit.next.clone());
        for change in &commit.changes {
            match change {
                Change::Put(record) => tenant.put(record),
                Change::Delete(record) => drop(tenant.state.delete(record)),
                Change::Claim(claim) => drop(self.claims.insert(claim.clone(), id)),
                Change::Release(claim) => drop(self.claims.remove(claim)),
            }
        }
        tenant.log.push(commit.entry.clone());
        self.commits.insert(commit.id(), commit.entry.clone());
        Outcome::Committed
    }

    /// What became of a record behind every commit's back.
    pub(crate) fn put(&mut self, id: OrganizationId, record: &Record) {
        if let Some(tenant) = self.tenants.get_mut(&id) {
            tenant.put(record);
        }
    }

    /// An organization comes as it is in another model.
    pub(crate) fn take_from(&mut self, other: &Self, id: OrganizationId) {
        self.forget(id);
        let Some(tenant) = other.tenants.get(&id) else {
            return;
        };
        let held = other.claims.iter().filter(|(_, holder)| **holder == id);
        self.claims
            .extend(held.map(|(claim, _)| (claim.clone(), id)));
        let log = tenant.log.iter().map(|entry| (entry.id, entry.clone()));
        self.commits.extend(log);
        self.tenants.insert(id, tenant.clone());
    }

    /// An organization is gone as if it had never been.
    pub(crate) fn forget(&mut self, id: OrganizationId) {
        self.tenants.remove(&id);
        self.claims.retain(|_, holder| *holder != id);
        self.commits.retain(|_, entry| entry.organization != id);
    }

    /// The organization that holds a claim.
    pub(crate) fn holder(&self, claim: &Claim) -> Option<OrganizationId> {
        self.claims.get(claim).copied()
    }

    pub(crate) fn facts(&self, id: OrganizationId, keys: &[Key]) -> Option<Facts> {
        let tenant = self.tenants.get(&id)?;
        Facts::select(&tenant.state, self.commits.values(), keys)
    }

    pub(crate) fn held(&self, user: UserId, resource: Resource) -> Option<Held> {
        let tenant = self.tenants.get(&resource.organization())?;
        tenant.state.held(user, resource)
    }

    /// Everybody who ever was in any organization, and one who never was.
    pub(crate) fn users(&self) -> BTreeSet<UserId> {
        let ever = self
            .tenants
            .values()
            .flat_map(|tenant| tenant.ever.values());
        let mut users: BTreeSet<_> = ever
            .filter_map(|record| match record {
                Record::Member(member) => Some(member.user),
                Record::WorkspaceMember(member) => Some(member.user),
                Record::Invitation(invitation) => Some(invitation.inviter),
                Record::FormerMember(former) => Some(former.user),
                Record::Workspace(_) | Record::Domain(_) | Record::RetiredDomainName(_) => None,
            })
            .collect();
        users.insert(UserId::from_external("nobody at all"));
        users
    }

    /// Every address that was ever used.
    pub(crate) fn addresses(&self) -> BTreeSet<EmailKey> {
        let tenants = self.tenants.values();
        tenants
            .flat_map(|tenant| &tenant.addresses)
            .cloned()
            .collect()
    }

    /// The keys of the names that organizations have.
    pub(crate) fn names(&self) -> BTreeSet<NameKey> {
        let states = self.tenants.values().map(|tenant| &tenant.state);
        let organizations = states.filter_map(OrganizationState::organization);
        organizations.map(|it| it.name.key()).collect()
    }

    /// Every resource that there ever was in an organization.
    pub(crate) fn resources(&self, id: OrganizationId) -> Vec<Resource> {
        let mut resources = vec![Resource::Organization(id)];
        let ever = self.tenants.get(&id).into_iter();
        for record in ever.flat_map(|tenant| tenant.ever.keys()) {
            match record {
                RecordId::Workspace(workspace) => {
                    resources.push(Resource::Workspace(id, *workspace));
                }
                RecordId::Domain(domain) => resources.push(Resource::Domain(id, *domain)),
                _ => {}
            }
        }
        resources
    }

    /// Every workspace that there ever was in an organization.
    pub(crate) fn workspaces(&self, id: OrganizationId) -> Vec<WorkspaceId> {
        let resources = self.resources(id).into_iter();
        resources
            .filter_map(|resource| match resource {
                Resource::Workspace(_, workspace) => Some(workspace),
                _ => None,
            })
            .collect()
    }

    /// The keys of one kind that have something to find in an organization, or had.
    pub(crate) fn keys(&self, id: OrganizationId, kind: KeyKind) -> Vec<Key> {
        let mut keys = Vec::new();
        let Some(tenant) = self.tenants.get(&id) else {
            return keys;
        };
        let users = self.users();
        let workspaces = self.workspaces(id);
        match kind {
            KeyKind::Path => {
                for resource in self.resources(id) {
                    keys.extend(users.iter().map(|user| Key::Path(*user, resource)));
                }
            }
            KeyKind::Person => keys.extend(users.iter().copied().map(Key::Person)),
            KeyKind::SentTo => keys.extend(users.iter().copied().map(Key::SentTo)),
            KeyKind::SentBy => keys.extend(users.iter().copied().map(Key::SentBy)),
            KeyKind::Address => {
                for address in self.addresses() {
                    let within = workspaces.iter().copied().map(Some).chain([None]);
                    keys.extend(within.map(|within| Key::Address(address.clone(), within)));
                }
            }
            KeyKind::Invitation => {
                for record in tenant.ever.keys() {
                    if let RecordId::Invitation(invitation) = record {
                        let by = users.iter().copied().map(Some).chain([None]);
                        keys.extend(by.map(|user| Key::Invitation(*invitation, user)));
                    }
                }
            }
            KeyKind::OpenInvitations => {
                let within = workspaces.iter().copied().map(Some).chain([None]);
                keys.extend(within.map(Key::OpenInvitations));
            }
            KeyKind::WorkspaceNamed => {
                let tenants = self.tenants.values();
                let names: BTreeSet<_> = tenants.flat_map(|of| &of.workspace_names).collect();
                keys.extend(names.into_iter().cloned().map(Key::WorkspaceNamed));
            }
            KeyKind::DomainNamed => {
                keys.extend(self.domain_names().cloned().map(Key::DomainNamed));
            }
        }
        keys
    }

    /// Every domain's name that was ever used.
    fn domain_names(&self) -> impl Iterator<Item = &DomainName> {
        let tenants = self.tenants.values();
        let names: BTreeSet<_> = tenants.flat_map(|tenant| &tenant.domain_names).collect();
        names.into_iter()
    }
}

impl Tenant {
    fn put(&mut self, record: &Record) {
        match record {
            Record::Member(member) => {
                self.addresses.insert(member.email.key().clone());
            }
            Record::Invitation(invitation) => {
                self.addresses.insert(invitation.email.key().clone());
            }
            Record::Workspace(workspace) => {
                self.workspace_names.insert(workspace.name.key());
            }
            Record::Domain(domain) => {
                self.domain_names.insert(domain.name.clone());
            }
            Record::RetiredDomainName(retired) => {
                self.domain_names.insert(retired.name.clone());
            }
            Record::WorkspaceMember(_) | Record::FormerMember(_) => {}
        }
        self.state.put(record.clone());
        self.ever.insert(record.id(), record.clone());
    }
}

/// A kind of [`Key`], but for [`Key::Commit`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyKind {
    Path,
    Person,
    SentTo,
    SentBy,
    Address,
    Invitation,
    OpenInvitations,
    WorkspaceNamed,
    DomainNamed,
}

impl KeyKind {
    pub(crate) const ALL: [Self; 9] = [
        Self::Path,
        Self::Person,
        Self::SentTo,
        Self::SentBy,
        Self::Address,
        Self::Invitation,
        Self::OpenInvitations,
        Self::WorkspaceNamed,
        Self::DomainNamed,
    ];
}

/// The commit that leads from one state to the next.
pub(crate) fn commit_between(
    before: &OrganizationState,
    after: &OrganizationState,
    entry: LogEntry,
) -> Result<Commit, Failure> {
    use tenancy::Event;

    let next = after
        .organization()
        .ok_or_else(|| Failure::new("the suite made a commit without an organization"))?;
    let mut changes = Vec::new();
    for event in &entry.events {
        match event {
            Event::DomainCreated { name, .. } if before.retired_name(name).is_none() => {
                changes.push(Change::Claim(Claim::DomainName(name.clone())));
            }
            Event::DomainNameReleased { name } => {
                changes.push(Change::Release(Claim::DomainName(name.clone())));
            }
            _ => {}
        }
    }
    for record in after.records() {
        let old = before.record(&record.id());
        if old.is_none_or(|old| old != record || typed(&old) != typed(&record)) {
            changes.push(Change::Put(record));
        }
    }
    let gone = before.records().map(|record| record.id());
    changes.extend(gone.filter(|id| !after.has(id)).map(Change::Delete));
    Ok(Commit {
        expected: before.version(),
        next: next.clone(),
        changes,
        entry,
    })
}

/// The addresses in a record as they were typed: two that differ in nothing else are equal.
fn typed(record: &Record) -> Option<&str> {
    let email = match record {
        Record::Member(member) => Some(&member.email),
        Record::Invitation(invitation) => Some(&invitation.email),
        Record::Workspace(workspace) => workspace.invoicing.as_ref().map(|to| &to.email),
        Record::WorkspaceMember(_)
        | Record::Domain(_)
        | Record::RetiredDomainName(_)
        | Record::FormerMember(_) => None,
    };
    email.map(EmailAddress::as_str)
}
