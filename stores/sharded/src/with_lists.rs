//! A store whose lists across organizations are answered by an index.

use core::num::{NonZeroU32, NonZeroU64};
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::join_all;
use tenancy::store::{
    Change, Claim, Commit, Directory, Facts, Fed, Glance, Held, Item, Key, List, Organization,
    Outcome, Place, Record, RecordId, Repository, Since,
};
use tenancy::{Event, LogEntry, OrganizationId, Resource, RoleSet, UserId, Version, WorkspaceId};

use crate::lists::{Extent, Feed, KINDS, Lists};

/// A store whose lists across organizations are answered by an index, in one round trip however many shards there are.
/// Everything else goes to the store: a [`Sharded`](crate::Sharded), or any other.
///
/// | list | asks |
/// | --- | --- |
/// | in one organization, its log, who holds a claim | the store |
/// | the organizations of a user, with a member, by name, all; the invitations to an address | the index |
///
/// The index lags behind commits, as the contract lets these lists. What is committed through this wrapper is in it when
/// the commit returns, if the index can be reached; whatever else there is gets there by an outbox: a worker for each
/// shard hands every entry to [`follow`](Self::follow), or, with the feature `postgres`, calls `deliver`, which does the
/// rest. Entries may come twice, late and in any order: an entry only says where to look.
///
/// **What an index says of an organization is no older than the version that it says.** A feeder reads the log from the
/// index's version, and what it names as it is now, and writes that only if the index is still at the version from which
/// it was read. So one that was held up writes nothing over what is newer, and reads again.
///
/// A commit of which lists show nothing (a domain, a role in a workspace, an invoice) costs the index nothing. Each
/// 64th version of an organization is told nevertheless, so that the log behind an index's version stays short
/// ([`told_every`](Self::told_every)). Until then the version in a summary, and the counts and the invoicing information
/// of the workspace beside an invitation, may be older than the rest.
///
/// To begin: start the workers, [fill in](Self::fill_all) every organization, and send lists to the wrapper after that.
/// Under it belongs the primary, and no replica. If the index can't be reached, these lists fail, and nothing else does.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # use tenancy_sharded::{MemoryLists, MemoryRegistry, Shard, Sharded, WithLists};
/// let shards = ["eu-1", "eu-2"].map(|name| Shard::new(name, MemoryRepository::new()));
/// let store = Sharded::open(shards, MemoryRegistry::new()).await?;
/// let tenancy = Tenancy::new(WithLists::new(store, MemoryLists::new()));
/// tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?;
///
/// // From the index:
/// let mine = tenancy.organizations(&ann, Paging::first(20)).await?;
/// assert_eq!(mine.items.len(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct WithLists<R, L> {
    store: R,
    lists: L,
    every: NonZeroU64,
    own: Own,
}

/// What went wrong in a store with an index: never a rule's "no", never a lost race.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListsError<S, L> {
    /// The store failed.
    #[error(transparent)]
    Store(S),
    /// The index failed, or the way to it.
    #[error("the index of lists failed")]
    Lists(#[source] L),
}

/// What [`WithLists::fill_all`] did.
#[derive(Debug)]
#[must_use = "see which organizations are missing"]
pub struct Filled<E> {
    /// How many organizations are in the index.
    pub organizations: u64,
    /// Those that aren't, or not as they are now, with the reason.
    pub failed: Vec<(OrganizationId, E)>,
}

/// Whether a commit through the wrapper is in the index when it returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Fed,
    LeftToTheOutbox,
}

/// How many items of a list are read at once.
const PAGE: NonZeroU32 = NonZeroU32::new(200).expect("more than none");

/// How many organizations are filled in at once.
const AT_ONCE: usize = 8;

/// How often a feeder reads again because others were faster.
const ATTEMPTS: u32 = 16;

/// Of commits that lists show nothing of, each of whose versions is a multiple of this is told.
const EVERY: NonZeroU64 = NonZeroU64::new(64).expect("more than none");

type Failure<R, L> = ListsError<<R as Repository>::Error, <L as Lists>::Error>;

impl<R, L> WithLists<R, L> {
    /// A store, and the index that answers its lists across organizations.
    #[must_use]
    pub const fn new(store: R, lists: L) -> Self {
        Self {
            store,
            lists,
            every: EVERY,
            own: Own::Fed,
        }
    }

    /// Leaves commits through this wrapper to the outbox, too. They don't wait for the index then, and lists show them
    /// as soon as a worker has come by.
    ///
    /// Otherwise a commit that lists show something of makes one round trip to the index; and five in all, where the index
    /// hasn't heard of the commits before it. While the index doesn't answer, such commits wait for its pool to give
    /// up, and succeed.
    #[must_use]
    pub const fn left_to_the_outbox(mut self) -> Self {
        self.own = Own::LeftToTheOutbox;
        self
    }

    /// Of an organization's commits that lists show nothing of, tells the index those whose version is a multiple of this:
    /// 64 by default. 1: each; then lists say each version and each count, and every commit writes to the index.
    ///
    /// Every process of a deployment says the same.
    #[must_use]
    pub const fn told_every(mut self, commits: NonZeroU64) -> Self {
        self.every = commits;
        self
    }

    /// The store.
    #[must_use]
    pub const fn store(&self) -> &R {
        &self.store
    }

    /// The index.
    #[must_use]
    pub const fn lists(&self) -> &L {
        &self.lists
    }

    /// Whether the index is told of a commit.
    fn is_told(&self, entry: &LogEntry) -> bool {
        let is_shown = !entry.later.is_empty() || !entry.events.iter().all(is_quiet);
        is_shown || entry.version.get() % self.every == 0
    }
}

/// Whether lists across organizations show nothing of what happened. What isn't named here is told: so is what a later
/// version says.
const fn is_quiet(event: &Event) -> bool {
    matches!(
        event,
        Event::CompanyEdited { .. }
            | Event::InvoicingEdited { .. }
            | Event::WorkspaceQuotaSet { .. }
            | Event::LimitsSet { .. }
            | Event::WorkspaceCreated { .. }
            | Event::WorkspaceInvoicingEdited { .. }
            | Event::DomainCreated { .. }
            | Event::DomainDeactivated { .. }
            | Event::DomainReactivated { .. }
            | Event::DomainMoved { .. }
            | Event::DomainDeleted { .. }
            | Event::DomainNameReleased { .. }
            | Event::WorkspaceRoleGiven { .. }
            | Event::WorkspaceRoleTaken { .. }
            | Event::WorkspaceRoleEndSet { .. }
            | Event::LinesRefused { .. }
    )
}

impl<R: Directory, L: Lists> WithLists<R, L> {
    /// Brings what lists show of an organization to its latest version: reads the log behind the version that the index
    /// is at, and what it names. An organization that isn't in the index is [filled in](Self::fill).
    ///
    /// - [`Fed::Applied`]: it is in the index.
    /// - [`Fed::Known`]: lists show nothing that has happened since, and nothing was written.
    /// - [`Fed::Behind`]: others were faster again and again. Call it again.
    /// - [`Fed::Unknown`]: the organization doesn't exist.
    ///
    /// It asks the index for the version, the store twice, and writes to the index once.
    ///
    /// # Errors
    ///
    /// - [`ListsError::Store`], [`ListsError::Lists`]: one of them failed. Of the index it isn't known whether it was
    ///   written; to call it again does no harm.
    pub async fn catch_up(&self, organization: OrganizationId) -> Result<Fed, Failure<R, L>> {
        for _ in 0..ATTEMPTS {
            let here = self.version(organization).await?;
            if here == Version::ABSENT {
                return self.fill(organization).await;
            }
            let mut told = false;
            let see = |entry: &LogEntry| told |= self.is_told(entry);
            let since = Since::read(&self.store, organization, here, &KINDS, see).await;
            let Some(since) = since.map_err(ListsError::Store)? else {
                return self.fill(organization).await;
            };
            if !told {
                return Ok(Fed::Known);
            }
            let feed = Feed::of_changes(here, &since.organization, &since.changes);
            if self.feed(&feed).await? {
                return Ok(Fed::Applied);
            }
        }
        Ok(Fed::Behind)
    }

    /// The same for who has entries of one organization at hand, such as an outbox's worker: nothing is asked or written if
    /// lists show nothing of any of them ([`Fed::Known`]).
    ///
    /// ```
    /// # use tenancy::{LogEntry, store::{Fed, MemoryRepository}};
    /// # use tenancy_sharded::{MemoryLists, WithLists};
    /// # async fn hand_over(lists: WithLists<MemoryRepository, MemoryLists>, entry: LogEntry)
    /// # -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    /// // In the closure that `Outbox::deliver` hands an entry to, beside what else is done with it:
    /// if lists.follow(core::slice::from_ref(&entry)).await? == Fed::Behind {
    ///     return Err("others were always faster: hand it over again".into());
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// An outbox hands no entry over that can't be read. What it says is in the index with the next entry that is told, or
    /// when somebody calls [`catch_up`](Self::catch_up) for its organization, as `deliver` does.
    ///
    /// # Errors
    ///
    /// As [`catch_up`](Self::catch_up).
    pub async fn follow(&self, entries: &[LogEntry]) -> Result<Fed, Failure<R, L>> {
        match entries.iter().find(|entry| self.is_told(entry)) {
            Some(entry) => self.catch_up(entry.organization).await,
            None => Ok(Fed::Known),
        }
    }

    /// Fills in an organization from the store, in place of what the index has of it: for the first time, or where the
    /// index says something else than the store. Lists show it as before until it is done.
    ///
    /// - [`Fed::Applied`]: it is in the index.
    /// - [`Fed::Behind`]: others were faster again and again. Call it again.
    /// - [`Fed::Unknown`]: the organization doesn't exist. What the index has of it stays; if a store was restored to a
    ///   moment before an organization was founded, begin with an empty index.
    ///
    /// Its members, workspaces and open invitations are in memory meanwhile. It takes eight round trips, and one more for
    /// each 200 items of a long list.
    ///
    /// # Errors
    ///
    /// As [`catch_up`](Self::catch_up).
    pub async fn fill(&self, organization: OrganizationId) -> Result<Fed, Failure<R, L>> {
        for _ in 0..ATTEMPTS {
            let here = self.version(organization).await?;
            let facts = self.store.load(organization, &[]).await;
            let Some(facts) = facts.map_err(ListsError::Store)? else {
                return Ok(Fed::Unknown);
            };
            let mut there = self.all_of(organization).await?;
            // What was read is of this version or later ones: all that changed since is read again, as one snapshot.
            let read_at = facts.organization.version;
            let since = Since::read(&self.store, organization, read_at, &KINDS, |_| {}).await;
            let Some(since) = since.map_err(ListsError::Store)? else {
                continue;
            };
            there.change(since.changes);
            if self.feed(&there.feed(here, &since.organization)).await? {
                return Ok(Fed::Applied);
            }
        }
        Ok(Fed::Behind)
    }

    /// Fills in every organization that the store has and the index hasn't, and catches up with the others, eight at once.
    /// One that fails holds up no other.
    ///
    /// Run it before lists are sent to the index for the first time, and after the index was lost or restored; now and then
    /// it does no harm, and shows that nothing was missed. What is created meanwhile the outbox tells.
    ///
    /// # Errors
    ///
    /// - [`ListsError::Store`]: the store's list of organizations failed.
    pub async fn fill_all(&self) -> Result<Filled<Failure<R, L>>, Failure<R, L>> {
        let mut filled = Filled {
            organizations: 0,
            failed: Vec::new(),
        };
        let mut list = List::AllOrganizations { after: None };
        loop {
            let page = self.store.list(&list, PAGE).await;
            let page = page.map_err(ListsError::Store)?;
            let places = page.iter().filter_map(|item| list.place_of(item));
            let found = places.filter_map(|place| OrganizationId::try_from(place).ok());
            let found: Vec<_> = found.collect();
            for some in found.chunks(AT_ONCE) {
                let fed = join_all(some.iter().map(|id| self.catch_up(*id))).await;
                for (id, fed) in some.iter().zip(fed) {
                    match fed {
                        Ok(_) => filled.organizations = filled.organizations.saturating_add(1),
                        Err(error) => filled.failed.push((*id, error)),
                    }
                }
            }
            if page.len() < PAGE.get() as usize {
                return Ok(filled);
            }
            list = list.behind(page.last().and_then(|item| list.place_of(item)));
        }
    }

    /// Tells the index of a commit that was made here.
    async fn feed_own(&self, commit: &Commit) -> Result<(), Failure<R, L>> {
        let feed = Feed::of_changes(commit.expected, &commit.next, &commit.changes);
        if !self.feed(&feed).await? {
            let _ = self.catch_up(commit.organization()).await?;
        }
        Ok(())
    }

    async fn version(&self, organization: OrganizationId) -> Result<Version, Failure<R, L>> {
        let version = self.lists.version(organization).await;
        version.map_err(ListsError::Lists)
    }

    async fn feed(&self, feed: &Feed) -> Result<bool, Failure<R, L>> {
        self.lists.feed(feed).await.map_err(ListsError::Lists)
    }

    /// All of an organization that lists show.
    async fn all_of(&self, organization: OrganizationId) -> Result<There, Failure<R, L>> {
        let mut there = There::default();
        let (roles, workspace, after) = (RoleSet::all(), None, None);
        let lists = [
            List::Members {
                organization,
                roles,
                after,
            },
            List::Workspaces {
                organization,
                after: None,
            },
            List::Invitations {
                organization,
                workspace,
                after: None,
            },
        ];
        for mut list in lists {
            loop {
                let page = self.store.list(&list, PAGE).await;
                let page = page.map_err(ListsError::Store)?;
                let is_last = page.len() < PAGE.get() as usize;
                let place = page.last().and_then(|item| list.place_of(item));
                for item in page {
                    there.add(item);
                }
                if is_last {
                    break;
                }
                list = list.behind(place);
            }
        }
        Ok(there)
    }
}

/// What there is of an organization that lists show.
#[derive(Default)]
struct There {
    records: BTreeMap<RecordId, Record>,
    unreadable: BTreeSet<RecordId>,
}

impl There {
    fn add(&mut self, item: Item) {
        match item {
            Item::Record(record) => {
                self.records.insert(record.id(), record);
            }
            Item::Unreadable(Place::User(user)) => {
                self.unreadable.insert(RecordId::Member(user));
            }
            Item::Unreadable(Place::Workspace(workspace)) => {
                let workspace: WorkspaceId = workspace;
                self.unreadable.insert(RecordId::Workspace(workspace));
            }
            // Of an invitation that can't be read nobody knows the address that it is to.
            _ => {}
        }
    }

    fn change(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Put(record) => {
                    self.unreadable.remove(&record.id());
                    self.records.insert(record.id(), record);
                }
                Change::Delete(id) => {
                    self.unreadable.remove(&id);
                    self.records.remove(&id);
                }
                Change::Claim(_) | Change::Release(_) => {}
            }
        }
    }

    fn feed(self, from: Version, next: &Organization) -> Feed {
        let changes: Vec<_> = self.records.into_values().map(Change::Put).collect();
        Feed {
            extent: Extent::Whole,
            unreadable: self.unreadable.into_iter().collect(),
            ..Feed::of_changes(from, next, &changes)
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Directory, L: Lists> Repository for WithLists<R, L> {
    type Error = Failure<R, L>;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Self::Error> {
        let facts = self.store.load(organization, keys).await;
        facts.map_err(ListsError::Store)
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        let outcome = self.store.commit(commit).await;
        let outcome = outcome.map_err(ListsError::Store)?;
        let is_told = self.own == Own::Fed && self.is_told(&commit.entry);
        if is_told && outcome == Outcome::Committed {
            // It was made: that the index can't be told now is no error of it. The outbox tells it.
            let _ = self.feed_own(commit).await;
        }
        Ok(outcome)
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Self::Error> {
        let held = self.store.standing(user, resource).await;
        held.map_err(ListsError::Store)
    }

    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        self.store.glance(user, resource)
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        match error {
            ListsError::Store(source) => self.store.wrote_nothing(source),
            ListsError::Lists(_) => false, // no commit fails with it
        }
    }
}

#[deny(clippy::missing_trait_methods)]
impl<R: Directory, L: Lists> Directory for WithLists<R, L> {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Self::Error> {
        if list.organization().is_some() {
            let page = self.store.list(list, limit).await;
            return page.map_err(ListsError::Store);
        }
        let page = self.lists.list(list, limit).await;
        page.map_err(ListsError::Lists)
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Self::Error> {
        let holder = self.store.claimed_by(claim).await;
        holder.map_err(ListsError::Store)
    }
}
