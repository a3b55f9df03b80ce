//! The store in memory: for tests, for examples, and for hosts whose organizations may end with the
//! process.

use core::num::NonZeroU32;
use core::ops::Bound;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

use self::across::Across;
use super::access::Lookup;
use super::verify::{Drift, Stored, same};
use super::{AccessIndex, Commit, Directory, Facts, Fed, Glance, Held, Key, Outcome, Repository};
use crate::event::Event;
use crate::id::{CommitId, InvitationId, OrganizationId, UserId};
use crate::list::{Item, List};
use crate::log::LogEntry;
use crate::organization::OrganizationSummary;
use crate::record::{Change, Claim, Record, RecordId};
use crate::resource::Resource;
use crate::state::{OrganizationState, Touched, Violation, following};
use crate::text::{EmailKey, NameKey};
use crate::version::Version;

/// A store in memory, and the strictest there is: it takes nothing on trust.
///
/// Every commit is held against the [contract](crate::store) before anything of it is applied, and
/// a malformed one is refused with a [`BrokenContract`]. In debug builds two more checks are made, whose
/// cost grows with the organization: that the records are what the events say, and that no invariant of
/// the rulebook is broken. Tests on this store therefore test the library, and
/// whatever a host builds commits with.
///
/// It never waits for anything but its lock, so [`block_on`](crate::block_on) does for an executor. A clone is
/// another handle on the same data, which goes with the last handle.
///
/// ```
/// use tenancy::store::MemoryRepository;
/// use tenancy::OrganizationId;
///
/// let store = MemoryRepository::new();
/// let handle = store.clone(); // the same data
/// assert_eq!(handle.state(OrganizationId::new()), None);
/// ```
#[derive(Clone, Debug)]
pub struct MemoryRepository {
    everything: Arc<RwLock<Everything>>,
    // INVARIANT: agrees with what the lock guards whenever nobody holds it for writing.
    index: AccessIndex,
}

/// How a commit breaks the [contract](crate::store): nothing that a rule, a user or a lost race can
/// bring about, but a mistake of whoever made the commit. It changed nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BrokenContract {
    /// The organization's new version is not the one after the expected one.
    #[error(
        "the new row has version {next}, which does not follow the expected version {expected}"
    )]
    NextVersion {
        /// What the commit was decided on.
        expected: Version,
        /// What the new row says.
        next: Version,
    },
    /// The log entry speaks of another organization than the new row.
    #[error("the log entry is of organization `{entry}`, the new row of organization `{next}`")]
    EntryOrganization {
        /// What the new row says.
        next: OrganizationId,
        /// What the log entry says.
        entry: OrganizationId,
    },
    /// The log entry has another version than the new row.
    #[error("the log entry has version {entry}, the new row has version {next}")]
    EntryVersion {
        /// What the new row says.
        next: Version,
        /// What the log entry says.
        entry: Version,
    },
    /// The log entry has no events: there is nothing to commit.
    #[error("the log entry has no events")]
    NoEvents,
    /// A time is finer than the whole milliseconds that every store can keep.
    #[error("the time `{0}` is not in whole milliseconds")]
    Time(DateTime<Utc>),
    /// Two changes touch one record, so their order would matter.
    #[error("two changes touch {0}")]
    RecordTwice(RecordId),
    /// Two changes touch one claim, so their order would matter.
    #[error("two changes touch the claim on {0}")]
    ClaimTwice(Claim),
    /// A record is to be deleted that isn't there.
    #[error("{0} is to be deleted, but does not exist")]
    NothingToDelete(RecordId),
    /// A claim is to be released that the organization doesn't hold.
    #[error("the claim on {0} is to be released, but the organization does not hold it")]
    NothingToRelease(Claim),
    /// The new row or the records are not what the events make of those before (debug builds).
    #[error("the changes are not what the events say: {0}")]
    Events(#[source] Drift),
    /// The claims that change are not those that the events say (debug builds).
    #[error("the claims that change are not those that the events say")]
    Claims,
    /// The organization would break an invariant of the rulebook (debug builds).
    #[error("the commit breaks an invariant: {0}")]
    Invariant(#[source] Violation),
}

#[derive(Debug, Default)]
struct Everything {
    organizations: HashMap<OrganizationId, Kept>,
    claims: HashMap<Claim, OrganizationId>,
    commits: HashMap<CommitId, (OrganizationId, Version)>,
    // INVARIANT: these agree with the organizations.
    organizations_by_id: BTreeSet<OrganizationId>,
    organizations_by_name: BTreeSet<(NameKey, OrganizationId)>,
    across: Across,
    /// Those that take no commit because they are on their way, and by which number they were closed.
    closed: HashMap<OrganizationId, u64>,
}

#[derive(Debug)]
struct Kept {
    state: OrganizationState,
    // INVARIANT: the entry of version v is the vth.
    log: Vec<LogEntry>,
}

const FIRST: Uuid = Uuid::nil();

impl MemoryRepository {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self {
            everything: Arc::default(),
            index: AccessIndex::complete(),
        }
    }

    /// A copy of all that it keeps of an organization; `None` if it doesn't exist. For tests and for
    /// debugging: it takes time in proportion to the organization.
    #[must_use]
    pub fn state(&self, organization: OrganizationId) -> Option<OrganizationState> {
        let everything = self.read();
        Some(everything.organizations.get(&organization)?.state.clone())
    }

    /// Checks that an organization is what its log makes of it, and that it breaks no invariant of the
    /// rulebook. One that doesn't exist is in order. See [`Stored::verify`].
    ///
    /// ```
    /// use tenancy::store::MemoryRepository;
    /// use tenancy::OrganizationId;
    ///
    /// let store = MemoryRepository::new();
    /// assert_eq!(store.verify(OrganizationId::new()), Ok(()));
    /// ```
    ///
    /// # Errors
    ///
    /// The first [`Drift`] found: a bug of this library.
    pub fn verify(&self, organization: OrganizationId) -> Result<(), Drift> {
        let everything = self.read();
        let stored = everything.stored(organization);
        stored.map_or(Ok(()), |stored| stored.verify())
    }

    /// What the records say that a user holds.
    fn held(&self, user: UserId, resource: Resource) -> Option<Held> {
        let everything = self.read();
        let kept = everything.organizations.get(&resource.organization())?;
        kept.state.held(user, resource)
    }

    // A lock is poisoned when a thread panics while it holds it. All checks of a commit come before its
    // first write, and nothing after that can panic: what a poisoned lock guards is whole.

    fn read(&self) -> RwLockReadGuard<'_, Everything> {
        self.everything
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Everything> {
        self.everything
            .write()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryRepository {
    fn default() -> Self {
        Self::new()
    }
}

impl Repository for MemoryRepository {
    type Error = BrokenContract;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, BrokenContract> {
        let everything = self.read();
        let Some(kept) = everything.organizations.get(&organization) else {
            return Ok(None);
        };
        let committed = keys.iter().filter_map(|key| match key {
            Key::Commit(id) => everything.entry(*id),
            _ => None,
        });
        Ok(Facts::select(&kept.state, committed, keys))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, BrokenContract> {
        let mut everything = self.write();
        let kept = everything.organizations.get(&commit.organization());
        let version = kept.map_or(Version::ABSENT, |kept| kept.state.version());
        if version != commit.expected || everything.closed.contains_key(&commit.organization()) {
            return Ok(Outcome::Conflict);
        }
        well_formed(commit)?;
        everything.fits(commit)?;
        if let Some(taken) = everything.taken(commit) {
            return Ok(Outcome::Taken(taken));
        }
        if everything.commits.contains_key(&commit.id()) {
            return Ok(Outcome::IdUsed);
        }
        if cfg!(debug_assertions) {
            everything.keeps_the_rules(commit)?;
        }
        everything.apply(commit);
        let fed = self.index.apply(commit);
        debug_assert_eq!(fed, Fed::Applied, "the index follows every commit");
        Ok(Outcome::Committed)
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, BrokenContract> {
        let found = match self.index.found(user, resource) {
            Lookup::Held(held) => Some(held),
            Lookup::Absent => None,
            Lookup::Unknown => self.held(user, resource),
        };
        Ok(found)
    }

    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        self.index.glance(user, resource)
    }
}

impl Directory for MemoryRepository {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, BrokenContract> {
        let everything = self.read();
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        Ok(match list {
            List::OrganizationsOf { user, after } => {
                everything.organizations_of(*user, *after, limit)
            }
            List::InvitationsTo { email, after } => everything.invitations_to(email, *after, limit),
            List::AllOrganizations { after } => everything.all_organizations(*after, limit),
            List::OrganizationsNamed { prefix, after } => {
                everything.organizations_named(prefix, after.as_ref(), limit)
            }
            List::OrganizationsWithMember { email, after } => {
                everything.organizations_with_member(email, *after, limit)
            }
            List::Log {
                organization,
                after,
            } => everything.log(*organization, *after, limit),
            _ => list
                .organization()
                .and_then(|organization| everything.organizations.get(&organization))
                .map_or_else(Vec::new, |kept| kept.state.list(list, limit)),
        })
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, BrokenContract> {
        Ok(self.read().claims.get(claim).copied())
    }
}

/// What can be said of a commit by itself.
fn well_formed(commit: &Commit) -> Result<(), BrokenContract> {
    let Commit {
        expected,
        next,
        changes,
        entry,
    } = commit;
    if next.version != expected.next() {
        return Err(BrokenContract::NextVersion {
            expected: *expected,
            next: next.version,
        });
    }
    if entry.organization != next.id {
        return Err(BrokenContract::EntryOrganization {
            next: next.id,
            entry: entry.organization,
        });
    }
    if entry.version != next.version {
        return Err(BrokenContract::EntryVersion {
            next: next.version,
            entry: entry.version,
        });
    }
    if entry.events.is_empty() {
        return Err(BrokenContract::NoEvents);
    }
    whole_milliseconds(entry.at)?;
    whole_milliseconds(next.created_at)?;
    let (mut records, mut claims) = (HashSet::new(), HashSet::new());
    for change in changes {
        match change {
            Change::Put(record) => {
                for time in times(record) {
                    whole_milliseconds(time)?;
                }
                once(&mut records, record.id()).map_err(BrokenContract::RecordTwice)?;
            }
            Change::Delete(id) => {
                once(&mut records, id.clone()).map_err(BrokenContract::RecordTwice)?;
            }
            Change::Claim(claim) | Change::Release(claim) => {
                once(&mut claims, claim.clone()).map_err(BrokenContract::ClaimTwice)?;
            }
        }
    }
    Ok(())
}

fn whole_milliseconds(time: DateTime<Utc>) -> Result<(), BrokenContract> {
    if time == time.trunc_subsecs(3) {
        Ok(())
    } else {
        Err(BrokenContract::Time(time))
    }
}

fn times(record: &Record) -> impl Iterator<Item = DateTime<Utc>> {
    let (one, other) = match record {
        Record::Member(member) => (member.since, member.until),
        Record::Workspace(workspace) => (workspace.created_at, None),
        Record::WorkspaceMember(member) => (member.since, member.until),
        Record::Domain(domain) => (domain.created_at, None),
        Record::RetiredDomainName(retired) => (retired.retired_at, None),
        Record::Invitation(invitation) => (invitation.sent_at, Some(invitation.expires_at)),
        Record::FormerMember(former) => (former.departed_at, None),
    };
    core::iter::once(one).chain(other)
}

fn once<T: Clone + Eq + core::hash::Hash>(seen: &mut HashSet<T>, item: T) -> Result<(), T> {
    match seen.replace(item) {
        None => Ok(()),
        Some(twice) => Err(twice),
    }
}

impl Everything {
    /// All that is kept of an organization, and who holds the claims on its names.
    fn stored(&self, organization: OrganizationId) -> Option<Stored> {
        let kept = self.organizations.get(&organization)?;
        let names = kept.state.domains().map(|domain| &domain.name);
        let names = names.chain(kept.state.retired_names().map(|retired| &retired.name));
        let its = names.map(|name| Claim::DomainName(name.clone()));
        let its = its.filter_map(|claim| self.claims.get_key_value(&claim));
        let held = self.claims.iter();
        let held = held.filter(|(_, holder)| **holder == organization);
        Some(Stored {
            state: kept.state.clone(),
            log: kept.log.clone(),
            claims: its
                .chain(held)
                .map(|(claim, holder)| (claim.clone(), *holder))
                .collect(),
            misfiled: Vec::new(),
        })
    }

    fn organizations_of(
        &self,
        user: UserId,
        after: Option<OrganizationId>,
        limit: usize,
    ) -> Vec<Item> {
        let first = OrganizationId::from_uuid(FIRST);
        let organizations = following(&self.across.organizations_by_user, user, first, after);
        let memberships = organizations.filter_map(|id| {
            let state = &self.organizations.get(&id)?.state;
            let member = Record::Member(state.member(user)?.clone());
            Some(Item::Across(state.organization()?.summary(), member))
        });
        memberships.take(limit).collect()
    }

    fn invitations_to(
        &self,
        email: &EmailKey,
        after: Option<(OrganizationId, InvitationId)>,
        limit: usize,
    ) -> Vec<Item> {
        let first = (
            OrganizationId::from_uuid(FIRST),
            InvitationId::from_uuid(FIRST),
        );
        let open = following(&self.across.open_by_email, email.clone(), first, after);
        let invitations = open.filter_map(|(organization, id)| {
            let state = &self.organizations.get(&organization)?.state;
            let (invitation, summary) = (state.invitation(id)?, state.organization()?.summary());
            let sent = Record::Invitation(invitation.clone());
            let workspace = invitation.target.workspace();
            Some(match workspace.and_then(|id| state.workspace(id)) {
                Some(to) => Item::PairAcross(summary, sent, Record::Workspace(to.clone())),
                None => Item::Across(summary, sent),
            })
        });
        invitations.take(limit).collect()
    }

    fn summary(&self, id: OrganizationId) -> Option<OrganizationSummary> {
        let kept = self.organizations.get(&id)?;
        Some(kept.state.organization()?.summary())
    }

    fn all_organizations(&self, after: Option<OrganizationId>, limit: usize) -> Vec<Item> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let ids = self.organizations_by_id.range((after, Bound::Unbounded));
        let all = ids.filter_map(|id| self.summary(*id).map(Item::Organization));
        all.take(limit).collect()
    }

    fn organizations_named(
        &self,
        prefix: &NameKey,
        after: Option<&(NameKey, OrganizationId)>,
        limit: usize,
    ) -> Vec<Item> {
        let first = (prefix.clone(), OrganizationId::from_uuid(FIRST));
        let begin = match after.filter(|after| **after >= first) {
            None => Bound::Included(&first),
            Some(after) => Bound::Excluded(after),
        };
        let named = self
            .organizations_by_name
            .range((begin, Bound::Unbounded))
            .take_while(|(name, _)| name.as_str().starts_with(prefix.as_str()))
            .filter_map(|(name, id)| Some(Item::Named(name.clone(), self.summary(*id)?)));
        named.take(limit).collect()
    }

    fn organizations_with_member(
        &self,
        email: &EmailKey,
        after: Option<OrganizationId>,
        limit: usize,
    ) -> Vec<Item> {
        let first = (OrganizationId::from_uuid(FIRST), UserId::from_uuid(FIRST));
        let last = UserId::from_uuid(Uuid::max());
        let after = after.map(|after| (after, last));
        let mut before = None;
        let members = following(&self.across.members_by_email, email.clone(), first, after);
        let organizations = members.filter_map(|(id, _)| {
            let again = before.replace(id) == Some(id);
            self.summary(id).filter(|_| !again).map(Item::Organization)
        });
        organizations.take(limit).collect()
    }

    fn entry(&self, commit: CommitId) -> Option<&LogEntry> {
        let (organization, version) = self.commits.get(&commit)?;
        let before = version.get().checked_sub(1)?;
        let log = &self.organizations.get(organization)?.log;
        log.get(usize::try_from(before).ok()?)
    }

    fn log(&self, organization: OrganizationId, after: Version, limit: usize) -> Vec<Item> {
        let passed = usize::try_from(after.get()).unwrap_or(usize::MAX);
        let log = self.organizations.get(&organization).map(|kept| &kept.log);
        log.into_iter()
            .flatten()
            .skip(passed)
            .take(limit)
            .cloned()
            .map(Item::LogEntry)
            .collect()
    }

    /// Whether a commit goes together with what is kept.
    fn fits(&self, commit: &Commit) -> Result<(), BrokenContract> {
        let organization = commit.organization();
        let kept = self.organizations.get(&organization);
        for change in &commit.changes {
            match change {
                Change::Put(_) | Change::Claim(_) => {}
                Change::Delete(id) => {
                    if kept.is_none_or(|kept| !kept.state.has(id)) {
                        return Err(BrokenContract::NothingToDelete(id.clone()));
                    }
                }
                Change::Release(claim) => {
                    if self.claims.get(claim) != Some(&organization) {
                        return Err(BrokenContract::NothingToRelease(claim.clone()));
                    }
                }
            }
        }
        Ok(())
    }

    /// The claim of a commit that somebody holds, this organization or another one.
    fn taken(&self, commit: &Commit) -> Option<Claim> {
        commit.changes.iter().find_map(|change| match change {
            Change::Claim(claim) if self.claims.contains_key(claim) => Some(claim.clone()),
            _ => None,
        })
    }

    /// What takes time in proportion to the organization: that the events and the changes say the same,
    /// and that the result is one that the rulebook allows.
    fn keeps_the_rules(&self, commit: &Commit) -> Result<(), BrokenContract> {
        let id = commit.organization();
        let before = match self.organizations.get(&id) {
            Some(kept) => kept.state.clone(),
            None => OrganizationState::absent(id),
        };
        let mut stored = before.clone();
        stored.set_organization(commit.next.clone());
        for change in &commit.changes {
            match change {
                Change::Put(record) => stored.put(record.clone()),
                Change::Delete(id) => drop(stored.delete(id)),
                Change::Claim(_) | Change::Release(_) => {}
            }
        }
        // What a later version says happened, this one can't tell.
        let later = |event: &Event| matches!(event, Event::Unknown(_));
        if commit.entry.events.iter().any(later) {
            return stored.validate().map_err(BrokenContract::Invariant);
        }
        let mut made = before;
        let mut touched = Touched::default();
        made.apply_entry_noting(&commit.entry, &mut touched)
            .map_err(|inconsistency| BrokenContract::Events(inconsistency.into()))?;
        same(&stored, &made).map_err(BrokenContract::Events)?;
        if claims(&commit.changes) != claims(&made.changes(touched)) {
            return Err(BrokenContract::Claims);
        }
        stored.validate().map_err(BrokenContract::Invariant)
    }

    /// Applies a commit that has passed every check. Nothing in here fails.
    fn apply(&mut self, commit: &Commit) {
        let id = commit.organization();
        let kept = self.organizations.entry(id).or_insert_with(|| Kept {
            state: OrganizationState::absent(id),
            log: Vec::new(),
        });
        let former = kept.state.organization().map(|former| &former.name);
        if former != Some(&commit.next.name) {
            let by_name = &mut self.organizations_by_name;
            former.map(|former| by_name.remove(&(former.key(), id)));
            by_name.insert((commit.next.name.key(), id));
        }
        self.organizations_by_id.insert(id);
        kept.state.set_organization(commit.next.clone());
        self.commits.insert(commit.id(), (id, commit.entry.version));
        kept.log.push(commit.entry.clone());
        for change in &commit.changes {
            let (gone, come) = match change {
                Change::Put(record) => (kept.state.replace(record.clone()), Some(record)),
                Change::Delete(record) => (kept.state.delete(record), None),
                Change::Claim(claim) => {
                    self.claims.insert(claim.clone(), id);
                    continue;
                }
                Change::Release(claim) => {
                    self.claims.remove(claim);
                    continue;
                }
            };
            if let Some(gone) = gone {
                self.across.remove(id, &gone);
            }
            if let Some(come) = come {
                self.across.add(id, come);
            }
        }
    }
}

/// The claims that change hands, whatever their order.
fn claims(changes: &[Change]) -> BTreeSet<(bool, &Claim)> {
    let claims = changes.iter().filter_map(|change| match change {
        Change::Claim(claim) => Some((true, claim)),
        Change::Release(claim) => Some((false, claim)),
        Change::Put(_) | Change::Delete(_) => None,
    });
    claims.collect()
}

mod across;
mod movable;
#[cfg(test)]
pub(crate) mod tests;
