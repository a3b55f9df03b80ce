//! The index in memory: for tests and for examples.

use core::num::NonZeroU32;
use core::ops::Bound;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tenancy::store::{Item, List, OrganizationSummary, Place, Record, RecordId};
use tenancy::text::{EmailKey, NameKey};
use tenancy::{InvitationId, OrganizationId, UserId, Version};
use uuid::Uuid;

use crate::lists::{Extent, Feed, Lists};

/// An index in memory, which goes with its last handle: for tests and for examples. A clone is another handle on the
/// same.
#[derive(Clone, Debug, Default)]
pub struct MemoryLists(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    organizations: BTreeMap<OrganizationId, Listed>,
    // INVARIANT: these agree with the organizations.
    by_name: BTreeSet<(NameKey, OrganizationId)>,
    by_user: BTreeSet<(UserId, OrganizationId)>,
    by_address: BTreeSet<(EmailKey, OrganizationId, UserId)>,
    open: BTreeSet<(EmailKey, (OrganizationId, InvitationId))>,
}

#[derive(Debug)]
struct Listed {
    summary: OrganizationSummary,
    /// `None`: it is there, and can't be read.
    records: BTreeMap<RecordId, Option<Record>>,
}

const FIRST: Uuid = Uuid::nil();

impl MemoryLists {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing that is done under the lock can panic half-way: what a poisoned one guards is whole.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    fn version(&self, organization: OrganizationId) -> Version {
        let listed = self.organizations.get(&organization);
        listed.map_or(Version::ABSENT, |listed| listed.summary.version)
    }

    fn feed(&mut self, feed: &Feed) -> bool {
        let summary = &feed.organization;
        let id = summary.id;
        if self.version(id) != feed.from {
            return false;
        }
        let mut records = BTreeMap::new();
        if let Some(before) = self.organizations.remove(&id) {
            self.by_name.remove(&(before.summary.name.key(), id));
            records = before.records;
        }
        let mut going = feed.gone.clone();
        if feed.extent == Extent::Whole {
            going.extend(records.keys().cloned());
        }
        for gone in going {
            self.forget(id, &gone, records.remove(&gone).flatten());
        }
        for record in &feed.put {
            let key = record.id();
            let before = records.insert(key.clone(), Some(record.clone()));
            self.forget(id, &key, before.flatten());
            self.note(id, record);
        }
        for key in &feed.unreadable {
            let before = records.insert(key.clone(), None);
            self.forget(id, key, before.flatten());
            if let RecordId::Member(user) = key {
                self.by_user.insert((*user, id));
            }
        }
        self.by_name.insert((summary.name.key(), id));
        let summary = summary.clone();
        self.organizations.insert(id, Listed { summary, records });
        true
    }

    /// A record can be found.
    fn note(&mut self, id: OrganizationId, record: &Record) {
        match record {
            Record::Member(member) => {
                self.by_user.insert((member.user, id));
                let address = member.email.key().clone();
                self.by_address.insert((address, id, member.user));
            }
            Record::Invitation(invitation) => {
                let address = invitation.email.key().clone();
                self.open.insert((address, (id, invitation.id)));
            }
            _ => {}
        }
    }

    /// What stood there can't be found any more.
    fn forget(&mut self, id: OrganizationId, key: &RecordId, record: Option<Record>) {
        if let RecordId::Member(user) = key {
            self.by_user.remove(&(*user, id));
        }
        match record {
            Some(Record::Member(member)) => {
                let address = member.email.key().clone();
                self.by_address.remove(&(address, id, member.user));
            }
            Some(Record::Invitation(invitation)) => {
                let address = invitation.email.key().clone();
                self.open.remove(&(address, (id, invitation.id)));
            }
            _ => {}
        }
    }

    fn summary(&self, id: OrganizationId) -> Option<&OrganizationSummary> {
        Some(&self.organizations.get(&id)?.summary)
    }

    /// A user's membership.
    fn membership(&self, user: UserId, id: OrganizationId) -> Option<Item> {
        let listed = self.organizations.get(&id)?;
        Some(match listed.records.get(&RecordId::Member(user))? {
            Some(member) => Item::Across(listed.summary.clone(), member.clone()),
            None => Item::Unreadable(Place::Organization(id)),
        })
    }

    /// An open invitation, and the workspace that it is to.
    fn invitation(&self, id: OrganizationId, invitation: InvitationId) -> Option<Item> {
        let listed = self.organizations.get(&id)?;
        let sent = listed.records.get(&RecordId::Invitation(invitation))?;
        let sent = sent.as_ref()?;
        let to = match sent {
            Record::Invitation(invitation) => invitation.target.workspace(),
            _ => None,
        };
        let to = to.and_then(|to| listed.records.get(&RecordId::Workspace(to)));
        let (summary, sent) = (listed.summary.clone(), sent.clone());
        Some(match to {
            Some(Some(to)) => Item::PairAcross(summary, sent, to.clone()),
            Some(None) => Item::Unreadable(Place::InvitationOf(id, invitation)),
            None => Item::Across(summary, sent),
        })
    }

    fn list(&self, list: &List, limit: usize) -> Vec<Item> {
        match list {
            List::OrganizationsOf { user, after } => {
                let first = (*user, OrganizationId::from_uuid(FIRST));
                let of = from(
                    &self.by_user,
                    first,
                    after.map(|organization| (*user, organization)),
                );
                let of = of.take_while(|(of, _)| of == user);
                let found = of.filter_map(|(user, id)| self.membership(*user, *id));
                found.take(limit).collect()
            }
            List::InvitationsTo { email, after } => {
                let first = (
                    OrganizationId::from_uuid(FIRST),
                    InvitationId::from_uuid(FIRST),
                );
                let first = (email.clone(), first);
                let after = after.map(|after| (email.clone(), after));
                let to = from(&self.open, first, after).take_while(|(to, _)| to == email);
                let found =
                    to.filter_map(|(_, (id, invitation))| self.invitation(*id, *invitation));
                found.take(limit).collect()
            }
            List::AllOrganizations { after } => {
                let after = after.map_or(Bound::Unbounded, Bound::Excluded);
                let all = self.organizations.range((after, Bound::Unbounded));
                let all = all.map(|(_, listed)| Item::Organization(listed.summary.clone()));
                all.take(limit).collect()
            }
            List::OrganizationsNamed { prefix, after } => {
                let first = (prefix.clone(), OrganizationId::from_uuid(FIRST));
                // A page begins with the prefix, or behind what comes after it.
                let after = after.clone().filter(|after| *after >= first);
                let named = from(&self.by_name, first, after);
                let named =
                    named.take_while(|(name, _)| name.as_str().starts_with(prefix.as_str()));
                let found = named.filter_map(|(name, id)| {
                    Some(Item::Named(name.clone(), self.summary(*id)?.clone()))
                });
                found.take(limit).collect()
            }
            List::OrganizationsWithMember { email, after } => {
                let nobody = UserId::from_uuid(FIRST);
                let first = (email.clone(), OrganizationId::from_uuid(FIRST), nobody);
                let last = UserId::from_uuid(Uuid::max());
                let after = after.map(|organization| (email.clone(), organization, last));
                let with = from(&self.by_address, first, after);
                let with = with.take_while(|(address, ..)| address == email);
                // Each once, whoever else has the address: they come one after the other.
                let mut before = None;
                let each = with.filter(|(_, id, _)| before.replace(*id) != Some(*id));
                let found = each.filter_map(|(_, id, _)| self.summary(*id).cloned());
                found.map(Item::Organization).take(limit).collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Those behind a place, or from the first on.
fn from<T: Ord>(set: &BTreeSet<T>, first: T, after: Option<T>) -> impl Iterator<Item = &T> {
    let begin = after.map_or(Bound::Included(first), Bound::Excluded);
    set.range((begin, Bound::Unbounded))
}

impl Lists for MemoryLists {
    type Error = Infallible;

    async fn version(&self, organization: OrganizationId) -> Result<Version, Infallible> {
        Ok(self.kept().version(organization))
    }

    async fn feed(&self, feed: &Feed) -> Result<bool, Infallible> {
        Ok(self.kept().feed(feed))
    }

    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Infallible> {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        Ok(self.kept().list(list, limit))
    }
}
