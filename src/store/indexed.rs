//! Checks from memory, of any store.

use super::forward::forward_directory;
use super::{
    AccessIndex, Change, Commit, Directory, Facts, Fed, Glance, Held, Item, Key, Kind, List,
    Outcome, Record, Repository, Since,
};
use crate::id::{OrganizationId, UserId};
use crate::log::LogEntry;
use crate::resource::Resource;
use crate::role::RoleSet;
use crate::version::Version;
use core::num::NonZeroU32;

/// A store whose permission checks are answered from memory, by an [`AccessIndex`]. Everything else goes to the store.
///
/// What this process commits is in the index when the commit returns. What others commit gets there when the host
/// says so: [`catch_up`](Self::catch_up) reads the log from where the index is. Call it for each organization that
/// the store's outbox names, or that another process told about. Until then the index answers as of before, and a check
/// may still allow what was taken away elsewhere a moment ago: hand the [`ConsistencyToken`](crate::ConsistencyToken) of
/// the change to [`Tenancy::standing_at_least`](crate::Tenancy::standing_at_least).
///
/// Only what members hold is answered from memory. The store is asked of who is no member, so that an outsider makes as
/// many round trips for an organization that exists as for one that doesn't (A2), and whoever joined elsewhere is let in at
/// once. It is asked, too, wherever the index doesn't know: about an organization that isn't in it yet, or of which it has
/// heard of a later version. So a process answers from its first moment, and fills the index meanwhile: it begins to follow
/// the outbox, and then [fills in](Self::fill) every organization that the store has. What is created here is in it by
/// itself.
///
/// A commit that the host writes itself, in a transaction of its own ([`Tenancy::prepare`](crate::Tenancy::prepare)), is in
/// the index when the host puts it there: [`AccessIndex::apply`], or `catch_up`. Under it belongs the primary, and no
/// [`WithReplica`](super::WithReplica): a replica would be asked just where it is too old. After a failover that lost
/// commits, begin with a new index.
///
/// Nothing of it survives the process: it is filled in again.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let postgres = MemoryRepository::new();
/// # let before = Tenancy::new(postgres.clone());
/// # let acme = before.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output.organization;
/// let tenancy = Tenancy::new(WithIndex::new(postgres));
/// for organization in [acme] { // SELECT id FROM tenancy_organizations
///     let fed = tenancy.repository().fill(organization).await?;
///     assert_eq!(fed, Fed::Applied);
/// }
///
/// // Without a round trip:
/// let decision = tenancy.check(&ann, acme, OrganizationAction::Rename).await?;
/// assert!(decision.is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct WithIndex<R> {
    store: R,
    index: AccessIndex,
}

/// How many items of a list are read at once.
const PAGE: NonZeroU32 = NonZeroU32::new(200).expect("more than none");

/// How often the index is caught up with again when this process commits meanwhile.
const ATTEMPTS: usize = 10;

/// The kinds of records that a check looks at.
const LOOKED_AT: [Kind; 4] = [
    Kind::Member,
    Kind::Workspace,
    Kind::WorkspaceMember,
    Kind::Domain,
];

impl<R> WithIndex<R> {
    /// A store with an index that knows nothing yet.
    #[must_use]
    pub fn new(store: R) -> Self {
        Self {
            store,
            index: AccessIndex::new(),
        }
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &R {
        &self.store
    }

    /// The index.
    #[must_use]
    pub const fn index(&self) -> &AccessIndex {
        &self.index
    }
}

impl<R: Directory> WithIndex<R> {
    /// Fills in an organization from the store, in place of what the index has of it. Until it is done, the store is asked
    /// about it, and others are answered for as before.
    ///
    /// - [`Fed::Applied`], or [`Fed::Known`]: it is in the index.
    /// - [`Fed::Behind`]: it is, and commits came faster than they could be read: [catch up](Self::catch_up).
    /// - [`Fed::Unknown`]: it isn't, and the store is asked about it: it doesn't exist, or something of it can't be read, or
    ///   somebody else began to fill it in.
    ///
    /// It takes five round trips, two for each workspace, and one more for each 200 items of a long list.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store. The index doesn't answer for the organization then.
    pub async fn fill(&self, organization: OrganizationId) -> Result<Fed, R::Error> {
        let Some(ticket) = self.index.begin(organization) else {
            return Ok(Fed::Unknown);
        };
        let Some(facts) = self.store.load(organization, &[]).await? else {
            let _ = self.index.finish(organization, ticket, None);
            return Ok(Fed::Unknown);
        };
        let put = |records: Vec<Record>| {
            let changes: Vec<_> = records.into_iter().map(Change::Put).collect();
            self.index.fill(organization, ticket, &changes);
        };
        let (roles, after) = (RoleSet::all(), None);
        let members = List::Members {
            organization,
            roles,
            after,
        };
        let mut readable = self.walk(members, put).await?;
        let mut workspaces = Vec::new();
        let list = List::Workspaces {
            organization,
            after: None,
        };
        readable &= self
            .walk(list, |records| {
                workspaces.extend(records.iter().filter_map(|record| match record {
                    Record::Workspace(workspace) => Some(workspace.id),
                    _ => None,
                }));
                put(records);
            })
            .await?;
        for workspace in workspaces {
            let members = List::WorkspaceMembers {
                organization,
                workspace,
                roles,
                after: None,
            };
            let domains = List::Domains {
                organization,
                workspace,
                after: None,
            };
            for list in [members, domains] {
                readable = readable && self.walk(list, put).await?;
            }
        }
        if !readable {
            return Ok(Fed::Unknown);
        }
        // What was read is of this version or later ones: all that changed since is read again, as one snapshot.
        let since = self.since(organization, facts.organization.version).await?;
        let Some(since) = since else {
            return Ok(Fed::Unknown);
        };
        self.index.fill(organization, ticket, &since.changes);
        let row = since.organization;
        match self.index.finish(organization, ticket, Some(&row)) {
            Fed::Behind => {
                let caught_up = self.advance(organization).await?;
                Ok(caught_up.unwrap_or(Fed::Behind))
            }
            fed => Ok(fed),
        }
    }

    /// Brings the index to the organization's latest version: reads the log after the one that it is at, and what
    /// the events there name. An organization that isn't in the index is [filled in](Self::fill).
    ///
    /// It takes two round trips, and one more for each 200 entries of a long log.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store. The index stays where it was.
    pub async fn catch_up(&self, organization: OrganizationId) -> Result<Fed, R::Error> {
        match self.advance(organization).await? {
            Some(fed) => Ok(fed),
            None => self.fill(organization).await,
        }
    }

    /// The same of an organization that is in the index; `None` if it isn't, or must be filled in anew.
    async fn advance(&self, organization: OrganizationId) -> Result<Option<Fed>, R::Error> {
        for _ in 0..ATTEMPTS {
            let here = self.index.version(organization);
            let Some(here) = here.filter(|here| *here != Version::ABSENT) else {
                break;
            };
            let Some(since) = self.since(organization, here).await? else {
                break;
            };
            // Behind again, if this process committed meanwhile.
            let fed = self.index.follow(here, &since.organization, &since.changes);
            if fed != Fed::Behind {
                return Ok(Some(fed));
            }
        }
        Ok(None)
    }

    /// Puts in all of a list, page by page; `false` if something of it can't be read.
    async fn walk(
        &self,
        mut list: List,
        mut put: impl FnMut(Vec<Record>),
    ) -> Result<bool, R::Error> {
        loop {
            let items = self.store.list(&list, PAGE).await?;
            let is_last = items.len() < PAGE.get() as usize;
            let place = items.last().and_then(|item| list.place_of(item));
            let records = items.into_iter().map(|item| match item {
                Item::Record(record) => Some(record),
                _ => None,
            });
            let Some(records) = records.collect() else {
                return Ok(false);
            };
            put(records);
            if is_last {
                return Ok(true);
            }
            list = list.behind(place);
        }
    }

    /// What changed after a version that checks look at; `None` if the log doesn't tell, or tells too much. Whatever fails
    /// on the way, the index knows from then on how far it is behind: the log is read through it, and so is the row.
    async fn since(
        &self,
        organization: OrganizationId,
        after: Version,
    ) -> Result<Option<Since>, R::Error> {
        let hear = |entry: &LogEntry| self.index.hear(organization, entry.version);
        Since::read(self, organization, after, &LOOKED_AT, hear).await
    }
}

/// A commit whose outcome isn't known. Dropped so, the index has heard of it, and asks the store from then on.
struct Doubt<'a> {
    index: &'a AccessIndex,
    commit: Option<&'a Commit>,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(commit) = self.commit {
            self.index.hear(commit.organization(), commit.next.version);
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Directory> Repository for WithIndex<R> {
    type Error = R::Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Self::Error> {
        let facts = self.store.load(organization, keys).await?;
        if let Some(facts) = &facts {
            self.index.hear(organization, facts.organization.version);
        }
        Ok(facts)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        let mut doubt = Doubt {
            index: &self.index,
            commit: Some(commit),
        };
        let outcome = self.store.commit(commit).await;
        let certain = outcome
            .as_ref()
            .map_or_else(|error| self.store.wrote_nothing(error), |_| true);
        if certain {
            doubt.commit = None;
        }
        drop(doubt);
        let outcome = outcome?;
        let organization = commit.organization();
        if outcome == Outcome::Committed
            && self.index.apply(commit) == Fed::Behind
            && self.index.version(organization) != Some(Version::ABSENT)
        {
            // It was made: that the index can't catch up now is no error of it. Whoever fills it in catches up.
            let _ = self.advance(organization).await;
        }
        Ok(outcome)
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Self::Error> {
        match self.index.held(user, resource) {
            Some(held) => Ok(Some(held)),
            None => self.store.standing(user, resource).await,
        }
    }

    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        self.index.glance(user, resource)
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        self.store.wrote_nothing(error)
    }
}

forward_directory!([R: Directory] WithIndex<R>, this => this.store);
