//! What a store must answer: the reference, kept in maps, and the comparison of a store with it.
//!
//! It is as simple as it can be: one [`OrganizationState`] for each organization, and for each list a
//! scan. `Facts::select` and `OrganizationState::standing` are the core's own words on the contract.

use core::fmt::Debug;
use core::future::Future;
use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use tenancy::{
    Change, Claim, Commit, Directory, Domain, EmailAddress, EmailKey, Facts, Invitation,
    InvitationId, Key, LogEntry, Member, NameKey, Organization, OrganizationId, OrganizationState,
    Outcome, Record, RecordId, Repository, Resource, RoleSet, Standing, UserId, Version, Workspace,
    WorkspaceId, WorkspaceMember,
};

use crate::report::{Failure, Verdict};
use crate::tasks::pause;

/// Every organization, as it must be.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    tenants: BTreeMap<OrganizationId, Tenant>,
    claims: BTreeMap<Claim, OrganizationId>,
    /// How long what may lag may lag.
    lag: Duration,
}

#[derive(Clone, Debug)]
struct Tenant {
    state: OrganizationState,
    log: Vec<LogEntry>,
    /// Every record that there ever was, so that what is gone is asked for too.
    ever: BTreeMap<RecordId, Record>,
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
        let tenant = self.tenants.entry(id).or_insert_with(|| Tenant {
            state: OrganizationState::absent(id),
            log: Vec::new(),
            ever: BTreeMap::new(),
        });
        tenant.state.set_organization(commit.next.clone());
        for change in &commit.changes {
            match change {
                Change::Put(record) => {
                    tenant.state.put(record.clone());
                    tenant.ever.insert(record.id(), record.clone());
                }
                Change::Delete(record) => drop(tenant.state.delete(record)),
                Change::Claim(claim) => drop(self.claims.insert(claim.clone(), id)),
                Change::Release(claim) => drop(self.claims.remove(claim)),
            }
        }
        tenant.log.push(commit.entry.clone());
        Outcome::Committed
    }

    pub(crate) fn facts(&self, id: OrganizationId, keys: &[Key]) -> Option<Facts> {
        let tenant = self.tenants.get(&id)?;
        Facts::select(&tenant.state, &tenant.log, keys)
    }

    pub(crate) fn standing(&self, user: UserId, resource: Resource) -> Option<Standing> {
        let tenant = self.tenants.get(&resource.organization())?;
        tenant.state.standing(user, resource)
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
                Record::Workspace(_) | Record::Domain(_) | Record::RetiredDomainName(_) => None,
            })
            .collect();
        users.insert(UserId::from_external("nobody at all"));
        users
    }

    /// Every address that was ever used.
    pub(crate) fn addresses(&self) -> BTreeSet<EmailKey> {
        let ever = self
            .tenants
            .values()
            .flat_map(|tenant| tenant.ever.values());
        ever.filter_map(|record| match record {
            Record::Member(member) => member.email.as_ref().map(|email| email.key().clone()),
            Record::Invitation(invitation) => Some(invitation.email.key().clone()),
            _ => None,
        })
        .collect()
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
                let names: BTreeSet<NameKey> = self
                    .everything_ever()
                    .filter_map(|record| match record {
                        Record::Workspace(workspace) => Some(workspace.name.key()),
                        _ => None,
                    })
                    .collect();
                keys.extend(names.into_iter().map(Key::WorkspaceNamed));
            }
            KeyKind::DomainNamed => {
                let names: BTreeSet<_> = self
                    .everything_ever()
                    .filter_map(|record| match record {
                        Record::Domain(domain) => Some(domain.name.clone()),
                        Record::RetiredDomainName(retired) => Some(retired.name.clone()),
                        _ => None,
                    })
                    .collect();
                keys.extend(names.into_iter().map(Key::DomainNamed));
            }
        }
        keys
    }

    fn everything_ever(&self) -> impl Iterator<Item = &Record> {
        self.tenants
            .values()
            .flat_map(|tenant| tenant.ever.values())
    }

    /// The store's answer to these keys, all at once, holds what it must and nothing that is wrong.
    pub(crate) async fn facts_agree<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
        keys: &[Key],
    ) -> Verdict {
        let found = store.load(id, keys).await?;
        let place = || format!("load({id}, {keys:?})");
        match (found, self.facts(id, keys)) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err(Failure::new("no organization, but there is one").at(place())),
            (Some(_), None) => Err(Failure::new("an organization, but there is none").at(place())),
            (Some(found), Some(expected)) => self
                .facts_are_right(&found, &expected)
                .map_err(|failure| failure.at(place())),
        }
    }

    fn facts_are_right(&self, found: &Facts, expected: &Facts) -> Verdict {
        same(
            "the organization",
            &found.organization,
            &expected.organization,
        )?;
        same("the log entry", &found.committed, &expected.committed)?;
        for record in &expected.records {
            let mut missing = true;
            for found in found
                .records
                .iter()
                .filter(|found| found.id() == record.id())
            {
                missing = false;
                same(record.id(), found, record)?;
            }
            if missing {
                return Err(Failure::new(format!("{} is missing", record.id())));
            }
        }
        let tenant = self.tenants.get(&expected.organization.id);
        for record in &found.records {
            if expected
                .records
                .iter()
                .any(|asked| asked.id() == record.id())
            {
                continue; // compared above, however often it came
            }
            // One that no key asked for does no harm, if it is there and it is so.
            let real = tenant.and_then(|tenant| tenant.state.record(&record.id()));
            let real = real.ok_or_else(|| {
                Failure::new(format!(
                    "{} is there, but this organization has none such",
                    record.id()
                ))
            })?;
            same(record.id(), record, &real)?;
        }
        Ok(())
    }

    /// As [`facts_agree`](Self::facts_agree), for each key by itself.
    pub(crate) async fn each_key_agrees<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
        kind: KeyKind,
    ) -> Verdict {
        for key in self.keys(id, kind) {
            self.facts_agree(store, id, &[key]).await?;
        }
        Ok(())
    }

    /// All records of an organization, by few calls: is everything there, and nothing else?
    pub(crate) async fn records_agree<R: Repository>(
        &self,
        store: &R,
        id: OrganizationId,
    ) -> Verdict {
        let Some(tenant) = self.tenants.get(&id) else {
            return self.facts_agree(store, id, &[]).await;
        };
        let nobody = UserId::from_external("nobody at all");
        let mut keys: Vec<Key> = vec![Key::OpenInvitations(None)];
        for (record, last) in &tenant.ever {
            keys.push(match (record, last) {
                (RecordId::Member(user), _) => Key::Person(*user),
                (RecordId::Workspace(workspace), _) => {
                    Key::Path(nobody, Resource::Workspace(id, *workspace))
                }
                (RecordId::WorkspaceMember(workspace, user), _) => {
                    Key::Path(*user, Resource::Workspace(id, *workspace))
                }
                (RecordId::Domain(domain), _) => Key::Path(nobody, Resource::Domain(id, *domain)),
                (RecordId::RetiredDomainName(name), _) => Key::DomainNamed(name.clone()),
                (RecordId::Invitation(invitation), _) => Key::Invitation(*invitation, None),
            });
        }
        for keys in keys.chunks(16) {
            self.facts_agree(store, id, keys).await?;
        }
        Ok(())
    }

    /// Every list of the store, whole, in pages of that size.
    pub(crate) async fn lists_agree<R: Directory>(&self, store: &R, limit: u32) -> Verdict {
        for id in self.organizations() {
            for list in [
                List::Members(RoleSet::all()),
                List::Workspaces,
                List::Invitations(None),
            ] {
                self.list_agrees(store, id, list, limit).await?;
            }
            for workspace in self.workspaces(id) {
                for list in [
                    List::WorkspaceMembers(workspace, RoleSet::all()),
                    List::Domains(workspace),
                    List::Invitations(Some(workspace)),
                ] {
                    self.list_agrees(store, id, list, limit).await?;
                }
            }
            for user in self.users() {
                self.list_agrees(store, id, List::WorkspacesOf(user), limit)
                    .await?;
            }
        }
        for user in self.users() {
            self.organizations_of_agree(store, user, limit).await?;
        }
        for address in self.addresses() {
            self.invitations_to_agree(store, &address, limit).await?;
        }
        Ok(())
    }

    /// One list of an organization, whole, in pages of that size.
    pub(crate) async fn list_agrees<R: Directory>(
        &self,
        store: &R,
        id: OrganizationId,
        list: List,
        limit: u32,
    ) -> Verdict {
        let found = walk(store, id, list, limit).await?;
        let expected = self.list(id, list);
        same(
            format!("{list:?} of {id} in pages of {limit}"),
            &found,
            &expected,
        )
    }

    /// What a list must hold, in order.
    pub(crate) fn list(&self, id: OrganizationId, list: List) -> Vec<Item> {
        let absent = OrganizationState::absent(id);
        let state = self
            .tenants
            .get(&id)
            .map_or(&absent, |tenant| &tenant.state);
        match list {
            List::Members(roles) => state
                .members()
                .filter(|member| roles.contains(RoleSet::of_organization(member.role)))
                .cloned()
                .map(Item::Member)
                .collect(),
            List::Workspaces => state.workspaces().cloned().map(Item::Workspace).collect(),
            List::WorkspacesOf(user) => state
                .workspaces_of(user)
                .filter_map(|member| {
                    let workspace = state.workspace(member.workspace)?.clone();
                    Some(Item::WorkspaceOf(workspace, member.clone()))
                })
                .collect(),
            List::WorkspaceMembers(workspace, roles) => state
                .members_of(workspace)
                .filter(|member| roles.contains(RoleSet::of_workspace(member.role)))
                .cloned()
                .map(Item::WorkspaceMember)
                .collect(),
            List::Domains(workspace) => state
                .domains_in(workspace)
                .cloned()
                .map(Item::Domain)
                .collect(),
            List::Invitations(within) => state
                .open_invitations()
                .filter(|invitation| within.is_none() || invitation.target.workspace() == within)
                .cloned()
                .map(Item::Invitation)
                .collect(),
            List::Log => self.log_of(id).iter().cloned().map(Item::Entry).collect(),
        }
    }

    pub(crate) async fn organizations_of_agree<R: Directory>(
        &self,
        store: &R,
        user: UserId,
        limit: u32,
    ) -> Verdict {
        let ask = || self.organizations_of_agree_now(store, user, limit);
        eventually(self.lag, ask).await
    }

    async fn organizations_of_agree_now<R: Directory>(
        &self,
        store: &R,
        user: UserId,
        limit: u32,
    ) -> Verdict {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = store.organizations_of(user, after, size(limit)).await?;
            let full = not_longer(&page, limit)?;
            after = page.last().map(|(organization, _)| organization.id);
            found.extend(page);
            enough(found.len())?;
            if !full {
                break;
            }
        }
        let expected: Vec<(Organization, Member)> = self
            .tenants
            .values()
            .filter_map(|tenant| {
                let member = tenant.state.member(user)?.clone();
                Some((tenant.state.organization()?.clone(), member))
            })
            .collect();
        same(
            format!("organizations_of({user}) in pages of {limit}"),
            &found,
            &expected,
        )
    }

    pub(crate) async fn invitations_to_agree<R: Directory>(
        &self,
        store: &R,
        address: &EmailKey,
        limit: u32,
    ) -> Verdict {
        let ask = || self.invitations_to_agree_now(store, address, limit);
        eventually(self.lag, ask).await
    }

    async fn invitations_to_agree_now<R: Directory>(
        &self,
        store: &R,
        address: &EmailKey,
        limit: u32,
    ) -> Verdict {
        let mut found = Vec::new();
        let mut after: Option<(OrganizationId, InvitationId)> = None;
        loop {
            let page = store.invitations_to(address, after, size(limit)).await?;
            let full = not_longer(&page, limit)?;
            after = page
                .last()
                .map(|(organization, invitation)| (organization.id, invitation.id));
            found.extend(page);
            enough(found.len())?;
            if !full {
                break;
            }
        }
        let mut expected: Vec<(Organization, Invitation)> = Vec::new();
        for tenant in self.tenants.values() {
            let Some(organization) = tenant.state.organization() else {
                continue;
            };
            for invitation in tenant.state.open_invitations_to(address) {
                expected.push((organization.clone(), invitation.clone()));
            }
        }
        same(
            format!("invitations_to({}) in pages of {limit}", address.as_str()),
            &found,
            &expected,
        )
    }

    /// Every claim that was ever held, and who holds it now.
    pub(crate) async fn claims_agree<R: Directory>(&self, store: &R) -> Verdict {
        let names = self.everything_ever().filter_map(|record| match record {
            Record::Domain(domain) => Some(domain.name.clone()),
            Record::RetiredDomainName(retired) => Some(retired.name.clone()),
            _ => None,
        });
        let claims: BTreeSet<_> = names.map(Claim::DomainName).collect();
        for claim in claims {
            let found = store.holder(&claim).await?;
            let expected = self.claims.get(&claim).copied();
            same(format!("the holder of {claim}"), &found, &expected)?;
        }
        Ok(())
    }

    /// The log of every organization, in pages, and each entry by its id.
    pub(crate) async fn logs_agree<R: Directory>(&self, store: &R, limit: u32) -> Verdict {
        for id in self.organizations() {
            self.list_agrees(store, id, List::Log, limit).await?;
            for entry in self.log_of(id) {
                self.facts_agree(store, id, &[Key::Commit(entry.id)])
                    .await?;
            }
        }
        Ok(())
    }

    /// What everybody holds everywhere.
    pub(crate) async fn standings_agree<R: Repository>(&self, store: &R) -> Verdict {
        for id in self.organizations() {
            for resource in self.resources(id) {
                for user in self.users() {
                    self.standing_agrees(store, user, resource).await?;
                }
            }
        }
        Ok(())
    }

    pub(crate) async fn standing_agrees<R: Repository>(
        &self,
        store: &R,
        user: UserId,
        resource: Resource,
    ) -> Verdict {
        let ask = || async move {
            let found = store.standing(user, resource).await?;
            let expected = self.standing(user, resource);
            same(format!("standing({user}, {resource:?})"), &found, &expected)
        };
        eventually(self.lag, ask).await
    }

    /// Everything that a store can be asked.
    pub(crate) async fn everything_agrees<R: Directory>(&self, store: &R) -> Verdict {
        for id in self.organizations() {
            self.records_agree(store, id).await?;
        }
        self.lists_agree(store, 100).await?;
        self.logs_agree(store, 100).await?;
        self.claims_agree(store).await?;
        self.standings_agree(store).await
    }
}

/// A kind of [`Key`], but for [`Key::Commit`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum KeyKind {
    Path,
    Person,
    SentBy,
    Address,
    Invitation,
    OpenInvitations,
    WorkspaceNamed,
    DomainNamed,
}

impl KeyKind {
    pub(crate) const ALL: [Self; 8] = [
        Self::Path,
        Self::Person,
        Self::SentBy,
        Self::Address,
        Self::Invitation,
        Self::OpenInvitations,
        Self::WorkspaceNamed,
        Self::DomainNamed,
    ];
}

/// A list of one organization.
#[derive(Clone, Copy, Debug)]
pub(crate) enum List {
    Members(RoleSet),
    Workspaces,
    WorkspacesOf(UserId),
    WorkspaceMembers(WorkspaceId, RoleSet),
    Domains(WorkspaceId),
    Invitations(Option<WorkspaceId>),
    Log,
}

/// An item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Member(Member),
    Workspace(Workspace),
    WorkspaceOf(Workspace, WorkspaceMember),
    WorkspaceMember(WorkspaceMember),
    Domain(Domain),
    Invitation(Invitation),
    Entry(LogEntry),
}

/// Where a list goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Place {
    User(UserId),
    Workspace(WorkspaceId),
    Domain(tenancy::DomainId),
    Invitation(InvitationId),
    Version(Version),
}

impl Item {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Member(member) => Place::User(member.user),
            Self::Workspace(workspace) | Self::WorkspaceOf(workspace, _) => {
                Place::Workspace(workspace.id)
            }
            Self::WorkspaceMember(member) => Place::User(member.user),
            Self::Domain(domain) => Place::Domain(domain.id),
            Self::Invitation(invitation) => Place::Invitation(invitation.id),
            Self::Entry(entry) => Place::Version(entry.version),
        }
    }
}

/// One page of a list.
pub(crate) async fn page<R: Directory>(
    store: &R,
    id: OrganizationId,
    list: List,
    after: Option<Place>,
    limit: u32,
) -> Result<Vec<Item>, Failure> {
    let user = match after {
        Some(Place::User(user)) => Some(user),
        _ => None,
    };
    let workspace = match after {
        Some(Place::Workspace(workspace)) => Some(workspace),
        _ => None,
    };
    let domain = match after {
        Some(Place::Domain(domain)) => Some(domain),
        _ => None,
    };
    let invitation = match after {
        Some(Place::Invitation(invitation)) => Some(invitation),
        _ => None,
    };
    let version = match after {
        Some(Place::Version(version)) => version,
        _ => Version::ABSENT,
    };
    let size = size(limit);
    let items: Vec<Item> = match list {
        List::Members(roles) => {
            let members = store.members(id, roles, user, size).await?;
            members.into_iter().map(Item::Member).collect()
        }
        List::Workspaces => {
            let workspaces = store.workspaces(id, workspace, size).await?;
            workspaces.into_iter().map(Item::Workspace).collect()
        }
        List::WorkspacesOf(of) => {
            let workspaces = store.workspaces_of(id, of, workspace, size).await?;
            let pairs = workspaces.into_iter();
            pairs
                .map(|(workspace, member)| Item::WorkspaceOf(workspace, member))
                .collect()
        }
        List::WorkspaceMembers(of, roles) => {
            let members = store.workspace_members(id, of, roles, user, size).await?;
            members.into_iter().map(Item::WorkspaceMember).collect()
        }
        List::Domains(of) => {
            let domains = store.domains(id, of, domain, size).await?;
            domains.into_iter().map(Item::Domain).collect()
        }
        List::Invitations(within) => {
            let invitations = store.invitations(id, within, invitation, size).await?;
            invitations.into_iter().map(Item::Invitation).collect()
        }
        List::Log => {
            let entries = store.log(id, version, size).await?;
            entries.into_iter().map(Item::Entry).collect()
        }
    };
    not_longer(&items, limit)?;
    Ok(items)
}

/// A whole list, page by page.
pub(crate) async fn walk<R: Directory>(
    store: &R,
    id: OrganizationId,
    list: List,
    limit: u32,
) -> Result<Vec<Item>, Failure> {
    let mut items = Vec::new();
    let mut after = None;
    loop {
        let page = page(store, id, list, after, limit).await?;
        let full = not_longer(&page, limit)?;
        after = page.last().map(Item::place);
        items.extend(page);
        enough(items.len())?;
        if !full {
            return Ok(items);
        }
    }
}

/// Asks until the answer is right, as long as it may lag.
async fn eventually<F: Future<Output = Verdict>>(lag: Duration, ask: impl Fn() -> F) -> Verdict {
    const STEP: Duration = Duration::from_millis(10);
    let mut waited = Duration::ZERO;
    loop {
        let verdict = ask().await;
        if verdict.is_ok() || waited >= lag {
            return verdict;
        }
        pause(STEP).await;
        waited = waited.saturating_add(STEP);
    }
}

fn size(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap_or(NonZeroU32::MIN)
}

/// Whether a page is full; a failure if it holds more than it may.
fn not_longer<T>(page: &[T], limit: u32) -> Result<bool, Failure> {
    let length = u32::try_from(page.len()).unwrap_or(u32::MAX);
    if length > limit {
        return Err(Failure::new(format!(
            "a page of {limit} holds {length} items"
        )));
    }
    Ok(length == limit)
}

/// Stops a walk that goes in circles.
fn enough(items: usize) -> Verdict {
    if items > 5_000 {
        return Err(Failure::new("the walk through a list doesn't end"));
    }
    Ok(())
}

/// Fails unless both are the same to the letter. (Two e-mail addresses are equal if their keys are, but a
/// store keeps what was typed: `Debug` shows it.)
pub(crate) fn same<T: PartialEq + Debug>(
    what: impl core::fmt::Display,
    found: &T,
    expected: &T,
) -> Verdict {
    if found == expected && to_the_letter(found, expected) {
        return Ok(());
    }
    Err(Failure::new(format!(
        "{what} is\n    {found:?}\n  but should be\n    {expected:?}"
    )))
}

fn to_the_letter<T: Debug>(found: &T, expected: &T) -> bool {
    format!("{found:?}") == format!("{expected:?}")
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
    let old: BTreeMap<RecordId, Record> = before.records().map(|r| (r.id(), r)).collect();
    let new: BTreeMap<RecordId, Record> = after.records().map(|r| (r.id(), r)).collect();
    for (id, record) in &new {
        if old
            .get(id)
            .is_none_or(|old| old != record || typed(old) != typed(record))
        {
            changes.push(Change::Put(record.clone()));
        }
    }
    let gone = old.into_keys().filter(|id| !new.contains_key(id));
    changes.extend(gone.map(Change::Delete));
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
        Record::Member(member) => member.email.as_ref(),
        Record::Invitation(invitation) => Some(&invitation.email),
        Record::Workspace(workspace) => workspace.invoicing.as_ref().map(|to| &to.email),
        Record::WorkspaceMember(_) | Record::Domain(_) | Record::RetiredDomainName(_) => None,
    };
    email.map(EmailAddress::as_str)
}
