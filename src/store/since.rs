//! What changed in an organization since a version.

use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{Change, Directory, Facts, Item, Key, Kind, List, RecordId};
use crate::event::Event;
use crate::id::{InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::log::LogEntry;
use crate::organization::Organization;
use crate::resource::Resource;
use crate::version::Version;

/// How many log entries are read at once.
const PAGE: NonZeroU32 = NonZeroU32::new(200).expect("more than none");

/// From how many records on that were touched the whole organization is better read anew.
const FAR: usize = 2_000;

/// How often the log is read again when commits are made meanwhile.
const ATTEMPTS: usize = 10;

/// What changed in an organization after some version, up to that of its row: for whoever keeps something of
/// organizations elsewhere, such as [`WithIndex`](super::WithIndex), and catches up with them.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let store = MemoryRepository::new();
/// # let tenancy = Tenancy::new(store.clone());
/// let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?;
/// let (organization, workspace, seen) = (acme.output.organization, acme.output.workspace, acme.token.version);
/// tenancy.execute(&ann, RenameWorkspace { organization, workspace, name: Name::new("Lab")? }).await?;
///
/// let kinds = [Kind::Workspace];
/// let since = Since::read(&store, organization, seen, &kinds, |_| {}).await?.expect("the log says it");
/// assert_eq!(since.organization.version, seen.next());
/// assert!(matches!(since.changes[..], [Change::Put(Record::Workspace(_))]));
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since {
    /// The organization, as it is at the version that the changes lead to.
    pub organization: Organization,
    /// The records that an event since then may have touched, as they are now: each put or deleted. Some may be as they
    /// were before.
    pub changes: Vec<Change>,
}

impl Since {
    /// Reads the log behind a version, and the records of these kinds that the events there name. `each` sees every
    /// entry first, in order; it may see one twice.
    ///
    /// The changes lead exactly to the version of the row that is returned: whoever has the records as they were at
    /// `after`, or later, and makes these changes, has them as they were at that version, or later. `None`: the
    /// organization doesn't exist, the log holds what this version can't read, or so much happened that the
    /// organization is better read anew (from 2,000 records on).
    ///
    /// No event names the records of [`Kind::RetiredDomainName`] and [`Kind::FormerMember`]: they are in no answer. It takes
    /// two round trips, and one more for each 200 entries of a long log.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    pub async fn read<R: Directory + ?Sized>(
        store: &R,
        organization: OrganizationId,
        after: Version,
        kinds: &[Kind],
        mut each: impl FnMut(&LogEntry),
    ) -> Result<Option<Self>, R::Error> {
        let mut touched = BTreeSet::new();
        let mut last = after;
        for _ in 0..ATTEMPTS {
            loop {
                let list = List::Log {
                    organization,
                    after: last,
                };
                let page = store.list(&list, PAGE).await?;
                let read = page.len();
                for item in page {
                    let Item::LogEntry(entry) = item else {
                        return Ok(None);
                    };
                    each(&entry);
                    last = entry.version;
                    let Some(names) = names(&entry) else {
                        return Ok(None);
                    };
                    touched.extend(names.into_iter().filter(|id| kinds.contains(&id.kind())));
                }
                if touched.len() > FAR {
                    return Ok(None);
                }
                if read < PAGE.get() as usize {
                    break;
                }
            }
            let keys = touched.iter().filter_map(|id| key(organization, id));
            let keys: Vec<_> = keys.collect();
            let Some(facts) = store.load(organization, &keys).await? else {
                return Ok(None);
            };
            if facts.organization.version == last {
                return Ok(Some(Self {
                    changes: changes(touched, &facts),
                    organization: facts.organization,
                }));
            }
        }
        Ok(None)
    }
}

/// The records that a commit may have touched: whatever its events name. `None` if a later version's events don't say it.
fn names(entry: &LogEntry) -> Option<BTreeSet<RecordId>> {
    if !entry.later.is_empty() {
        return None;
    }
    let mut touched = BTreeSet::new();
    for event in &entry.events {
        if matches!(event, Event::Unknown(_)) {
            return None;
        }
        let fields = event.fields();
        let fields = fields.iter();
        let users = fields.clone().filter_map(|field| field.downcast_ref());
        let users: Vec<UserId> = users.copied().collect();
        let domains = fields.clone().filter_map(|field| field.downcast_ref());
        let invitations = fields
            .clone()
            .filter_map(|field| field.downcast_ref::<InvitationId>());
        let workspaces = fields.filter_map(|field| match field.downcast_ref() {
            Some(workspace) => Some(workspace),
            None => field.downcast_ref::<Option<WorkspaceId>>()?.as_ref(),
        });
        for workspace in workspaces {
            touched.insert(RecordId::Workspace(*workspace));
            let members = users.iter();
            touched.extend(members.map(|user| RecordId::WorkspaceMember(*workspace, *user)));
        }
        touched.extend(users.into_iter().map(RecordId::Member));
        touched.extend(domains.copied().map(RecordId::Domain));
        touched.extend(invitations.copied().map(RecordId::Invitation));
    }
    Some(touched)
}

/// What brings a record that an event names.
fn key(organization: OrganizationId, record: &RecordId) -> Option<Key> {
    let nobody = UserId::from_uuid(Uuid::nil());
    Some(match record {
        RecordId::Member(user) => Key::Path(*user, Resource::Organization(organization)),
        RecordId::WorkspaceMember(workspace, user) => {
            Key::Path(*user, Resource::Workspace(organization, *workspace))
        }
        RecordId::Workspace(workspace) => {
            Key::Path(nobody, Resource::Workspace(organization, *workspace))
        }
        RecordId::Domain(domain) => Key::Path(nobody, Resource::Domain(organization, *domain)),
        RecordId::Invitation(invitation) => Key::Invitation(*invitation, None),
        RecordId::RetiredDomainName(_) | RecordId::FormerMember(..) => return None,
    })
}

fn changes(touched: BTreeSet<RecordId>, facts: &Facts) -> Vec<Change> {
    let found = facts.records.iter().map(|record| (record.id(), record));
    let found: BTreeMap<_, _> = found.collect();
    let touched = touched.into_iter().map(|id| match found.get(&id) {
        Some(record) => Change::Put((*record).clone()),
        None => Change::Delete(id),
    });
    touched.collect()
}
