//! Who may do what, in memory: the answers to checks, without a round trip.
//!
//! # Layout, and what it costs
//!
//! A check needs three things: the organization (its status and version), what the user holds in it, and whether the
//! workspace or the domain exists. Each is an entry of a hash table of 64-bit words, and is found by a keyed hash of the
//! ids alone. So none of the three waits for another one, and the processor fetches them from memory at once.
//!
//! | entry | words | what is in it |
//! | --- | --- | --- |
//! | organization | 8 | id, a number that stands for it in the other entries, status, versions |
//! | member | 4 | user, organization, role, up to three workspace roles of 21 bits |
//! | workspace, domain | 3 | id, organization, the workspace's number |
//! | more | 5 | what few hold: a fourth workspace role, an end, a role of the organization's own |
//!
//! No entry is a pointer, and none is allocated by itself. Tables are filled to between 6 and 7 of 8 slots, whatever
//! their size: one that is full grows by a sixth. An organization of 20 members, 5 workspaces and 20 domains takes
//! about 90 bytes a member.
//!
//! **Readers never wait.** The organizations are spread over [`STRIPES`] parts, each with a counter that is odd while
//! somebody writes in it. A reader reads the counter before and after; if it changed, the reader reads again, and if that
//! goes on for too long, the store is asked. Readers write nothing that another reader reads, so two threads answer
//! twice as many checks as one. Writers of one part wait for each other; a table is rebuilt beside the one that is read.

use core::array;
use core::fmt;
use std::sync::Arc;

use foldhash::quality::RandomState;

use self::root::Root;
use self::stripe::Stripe;
use self::table::hash;
use self::tables::Whose;
use super::Commit;
use crate::id::{OrganizationId, UserId};
use crate::member::Term;
use crate::organization::Organization;
use crate::record::{Change, Record};
use crate::resource::Resource;
use crate::role::OrganizationRole;
use crate::standing::{Glance, Held};
use crate::state::OrganizationState;
use crate::version::Version;

mod root;
mod stripe;
mod table;
mod tables;
mod writer;

/// Into how many parts the organizations are spread: at most as many as a byte has values.
const STRIPES: usize = 64;

/// How many records are put in at once while an organization is filled in: readers of its part read again meanwhile.
const BATCH: usize = 64;

/// Who may do what, in memory, fed from a store: see [`WithIndex`](super::WithIndex), which keeps one up to date.
///
/// It answers in some tens of nanoseconds, at a cost of about 90 bytes a membership, and knows nothing but what checks
/// need: no names, no addresses. A clone is another handle on the same index.
///
/// Each organization in it is at a version, and what it answers is of exactly that version. It says that it
/// doesn't know where it has heard of a later one, or of none at all.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// let store = MemoryRepository::new();
/// let tenancy = Tenancy::new(store.clone());
/// let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
///
/// let index = AccessIndex::new();
/// let state = store.state(acme.organization).expect("it was created");
/// assert_eq!(index.insert(&state), Fed::Applied);
/// let held = index.held(ann.user_id().unwrap(), acme.organization.into()).expect("a member");
/// assert_eq!(held.organization_role, Some(OrganizationRole::Admin));
/// // Of who is no member it says nothing.
/// assert_eq!(index.held(UserId::new(), acme.organization.into()), None);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone)]
pub struct AccessIndex {
    parts: Arc<Parts>,
}

struct Parts {
    keys: RandomState,
    stripes: Box<[Stripe; STRIPES]>,
    /// Whether it has every organization: then it says which don't exist, too.
    complete: bool,
}

/// What is found in an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// What the user holds, and what of the path exists.
    Held(Held),
    /// The organization isn't there.
    Absent,
    /// The index doesn't know: ask the store.
    Unknown,
}

/// What became of what an index that follows a store was told, such as an [`AccessIndex`].
#[must_use = "it may be behind"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fed {
    /// It is in the index.
    Applied,
    /// It was already.
    Known,
    /// Something before it isn't there yet: until it is, the index says that it doesn't know.
    Behind,
    /// The index doesn't know the organization.
    Unknown,
}

/// A right to fill in an organization, until somebody else begins to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket(u64);

impl AccessIndex {
    /// An index that knows nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::of(false)
    }

    /// An index of a store that tells it of every commit before anybody else, so that what isn't there doesn't exist.
    pub(super) fn complete() -> Self {
        Self::of(true)
    }

    fn of(complete: bool) -> Self {
        let keys = RandomState::default();
        let root = Arc::new(Root::new());
        Self {
            parts: Arc::new(Parts {
                stripes: Box::new(array::from_fn(|part| Stripe::new(&keys, &root, part))),
                keys,
                complete,
            }),
        }
    }

    /// What a member holds on the path to a resource, as [`OrganizationState::held`] says it. `None` says nothing: ask
    /// the store.
    ///
    /// It is always `None` of who is no member, or whose membership is suspended or bound to end. Else an outsider could
    /// tell by a round trip less which organizations exist (A2), and who joined elsewhere a moment ago would be kept
    /// out.
    #[must_use]
    pub fn held(&self, user: UserId, resource: Resource) -> Option<Held> {
        match self.found(user, resource) {
            Lookup::Held(held) if self.answers(held.organization_role, held.organization_term) => {
                Some(held)
            }
            _ => None,
        }
    }

    /// The same at a glance; `None` also where that says too little.
    #[must_use]
    #[inline]
    pub fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        let (whose, stripe) = self.part(resource.organization());
        let glance = stripe.glance(whose, user, resource)?;
        self.answers(glance.organization_role, Term::Open)
            .then_some(glance)
    }

    /// Of whose membership is suspended, or bound to end, it says nothing either: once it doesn't count they are outsiders.
    fn answers(&self, role: Option<OrganizationRole>, term: Term) -> bool {
        role.is_some() && term == Term::Open || self.parts.complete
    }

    pub(super) fn found(&self, user: UserId, resource: Resource) -> Lookup {
        let (whose, stripe) = self.part(resource.organization());
        stripe.held(whose, user, resource)
    }

    /// Puts in what a commit changed, if the index is at the version that it was decided on.
    pub fn apply(&self, commit: &Commit) -> Fed {
        self.follow(commit.expected, &commit.next, &commit.changes)
    }

    /// The same of changes that lead from one version to that of `next`.
    pub(super) fn follow(&self, from: Version, next: &Organization, changes: &[Change]) -> Fed {
        let (whose, stripe) = self.part(next.id);
        stripe.apply(whose, from, (next, changes))
    }

    /// Says that a version of an organization exists: until it is in the index, the index says that it doesn't know.
    /// What becomes of a commit is sometimes not known: say then that its version exists.
    pub fn hear(&self, organization: OrganizationId, version: Version) {
        let (whose, stripe) = self.part(organization);
        stripe.hear(whose, version);
    }

    /// Puts in a whole organization, in place of what the index has of it. Others are answered for meanwhile.
    ///
    /// It takes time in proportion to the organization; and if it was there before, to the part of the index that it is
    /// in, one of 64. Commits that the index was told of while the state was read are not lost: it is
    /// [`Fed::Behind`] then, and says so until they are in it.
    pub fn insert(&self, state: &OrganizationState) -> Fed {
        let Some(ticket) = self.begin(state.id()) else {
            return Fed::Unknown;
        };
        let mut batch = Vec::with_capacity(BATCH);
        let members = state.members().cloned().map(Record::Member);
        let workspaces = state.workspaces().cloned().map(Record::Workspace);
        let workspace_members = state.workspace_members().cloned();
        let workspace_members = workspace_members.map(Record::WorkspaceMember);
        let domains = state.domains().cloned().map(Record::Domain);
        let records = members
            .chain(workspaces)
            .chain(workspace_members)
            .chain(domains);
        for record in records {
            batch.push(Change::Put(record));
            if batch.len() == BATCH {
                self.fill(state.id(), ticket, &batch);
                batch.clear();
            }
        }
        self.fill(state.id(), ticket, &batch);
        self.finish(state.id(), ticket, state.organization())
    }

    /// The version of an organization that is in the index; `None` if the organization isn't.
    #[must_use]
    pub fn version(&self, organization: OrganizationId) -> Option<Version> {
        let (whose, stripe) = self.part(organization);
        stripe.versions(whose).map(|(here, _)| here)
    }

    /// How many commits of an organization the index has heard of and not seen; `None` if the organization isn't in it.
    #[must_use]
    pub fn lag(&self, organization: OrganizationId) -> Option<u64> {
        let (whose, stripe) = self.part(organization);
        let (here, heard) = stripe.versions(whose)?;
        Some(heard.get().saturating_sub(here.get()))
    }

    /// The bytes that its tables take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let stripes = self.parts.stripes.iter();
        let tables = stripes.map(|stripe| stripe.bytes().saturating_add(size_of::<Stripe>()));
        tables.fold(0, usize::saturating_add)
    }

    /// Begins to fill in an organization anew; until that is finished, the index doesn't answer for it. `None`: there is
    /// no room.
    pub(super) fn begin(&self, organization: OrganizationId) -> Option<Ticket> {
        let (whose, stripe) = self.part(organization);
        stripe.begin(whose).map(Ticket)
    }

    /// Fills in some of its records.
    pub(super) fn fill(&self, organization: OrganizationId, ticket: Ticket, changes: &[Change]) {
        let (whose, stripe) = self.part(organization);
        stripe.fill(whose, ticket.0, changes);
    }

    /// All is filled in; `None`: it doesn't exist.
    pub(super) fn finish(
        &self,
        organization: OrganizationId,
        ticket: Ticket,
        next: Option<&Organization>,
    ) -> Fed {
        let (whose, stripe) = self.part(organization);
        stripe.finish(whose, ticket.0, next)
    }

    #[inline]
    fn part(&self, organization: OrganizationId) -> (Whose, &Stripe) {
        let Parts { keys, stripes, .. } = &*self.parts;
        let salt = hash(keys, organization.as_uuid().as_u128(), 0);
        let whose = Whose {
            id: organization,
            salt,
        };
        // The upper bits find the entry in its table.
        #[expect(clippy::indexing_slicing, reason = "a remainder of their number")]
        let stripe = &stripes[usize::from(salt.to_le_bytes()[0]) % STRIPES];
        (whose, stripe)
    }
}

impl Default for AccessIndex {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for AccessIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessIndex").finish_non_exhaustive()
    }
}
