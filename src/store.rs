//! Where organizations are kept: the contract between this library and a store.
//!
//! You need it only to write a store of your own. There are three methods, and three promises.
//!
//! # The promises
//!
//! Each organization has a [`Version`]: 0 while it doesn't exist, one more after every commit. Every rule
//! of this library (the quota, the last Admin, single-use invitations, deleted only when empty) rests on
//! the following three promises of the store, and on nothing else.
//!
//! 1. **A commit is all or nothing.** If, and only if, the organization's version is
//!    [`Commit::expected`], the store applies the new organization, every change, the log entry and its
//!    events together, and the version becomes `expected + 1`. Otherwise it changes nothing at all.
//! 2. **Facts are never older than their version.** Every record that [`load`](Repository::load)
//!    returns, and every absence it implies, holds at the version that it returns or at a later one. It
//!    may not come from an earlier one.
//! 3. **A claim has one owner.** No two organizations ever hold the same [`Claim`].
//!
//! Nothing else may write the data. A row changed without a commit (a script, `ON DELETE CASCADE` from
//! your users' table, a clean-up job) breaks promise 2 for commands in flight.
//!
//! Keys and ids compare byte for byte: no case folding, no trimming, no locale. The library folds
//! addresses and names before they reach the store.
//!
//! # Why that is enough
//!
//! Versions only grow, and every write raises one. If a commit succeeds, nothing was written since its
//! version was read; the facts are no older than that version; so each fact is exactly the state at the
//! commit. The commits of one organization are totally ordered, each decided on its predecessor,
//! whatever the isolation level of the reads, from READ COMMITTED up.
//!
//! # A complete store
//!
//! Not a durable one, but every promise is kept. [`OrganizationState`] knows
//! what each key brings and what each change does; a store on SQL writes both as statements.
//!
//! ```
//! use std::collections::HashMap;
//! use std::convert::Infallible;
//! use std::sync::Mutex;
//! use tenancy::store::{
//!     Change, Claim, Commit, Facts, Held, Key, OrganizationState, Outcome, Repository,
//! };
//! use tenancy::{LogEntry, OrganizationId, Resource, UserId};
//!
//! #[derive(Default)]
//! struct Maps {
//!     inner: Mutex<Inner>, // one lock: every method is one snapshot
//! }
//!
//! #[derive(Default)]
//! struct Inner {
//!     organizations: HashMap<OrganizationId, OrganizationState>,
//!     claims: HashMap<Claim, OrganizationId>,
//!     log: Vec<LogEntry>,
//! }
//!
//! impl Repository for Maps {
//!     type Error = Infallible;
//!
//!     async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Infallible> {
//!         let inner = self.inner.lock().unwrap();
//!         Ok(inner.organizations.get(&id).and_then(|state| {
//!             Facts::select(state, &inner.log, keys)
//!         }))
//!     }
//!
//!     async fn commit(&self, commit: &Commit) -> Result<Outcome, Infallible> {
//!         let mut inner = self.inner.lock().unwrap();
//!         let id = commit.organization();
//!         let state = inner.organizations.get(&id).cloned().unwrap_or(OrganizationState::absent(id));
//!         if state.version() != commit.expected {
//!             return Ok(Outcome::Conflict);
//!         }
//!         let taken = commit.changes.iter().find_map(|change| match change {
//!             Change::Claim(claim) if inner.claims.contains_key(claim) => Some(claim.clone()),
//!             _ => None,
//!         });
//!         if let Some(claim) = taken {
//!             return Ok(Outcome::Taken(claim));
//!         }
//!         if inner.log.iter().any(|entry| entry.id == commit.id()) {
//!             return Ok(Outcome::IdUsed);
//!         }
//!         let mut state = state;
//!         state.set_organization(commit.next.clone());
//!         for change in &commit.changes {
//!             match change {
//!                 Change::Put(record) => state.put(record.clone()),
//!                 Change::Delete(id) => drop(state.delete(id)),
//!                 Change::Claim(claim) => drop(inner.claims.insert(claim.clone(), id)),
//!                 Change::Release(claim) => drop(inner.claims.remove(claim)),
//!             }
//!         }
//!         inner.organizations.insert(id, state);
//!         inner.log.push(commit.entry.clone());
//!         Ok(Outcome::Committed)
//!     }
//!
//!     async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Infallible> {
//!         let inner = self.inner.lock().unwrap();
//!         Ok(inner.organizations.get(&on.organization()).and_then(|state| state.held(user, on)))
//!     }
//! }
//! ```

use core::future::Future;
use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::log::LogEntry;
use crate::resource::Resource;
use crate::state::Touched;
use crate::text::{DomainName, EmailKey, NameKey, stored};
use crate::version::Version;

pub use crate::domain::RetiredDomainName;
pub use crate::invitation::{Invitation, InvitationState};
pub use crate::later::{Later, Unread};
pub use crate::limits::{MembersByRole, Newcomers};
pub use crate::list::{Item, List, Place};
pub use crate::log::Logged;
pub use crate::member::{FormerMember, Term};
pub use crate::organization::{
    Counts, LinksMade, Organization, OrganizationStatus, OrganizationSummary,
};
pub use crate::own_role::RolesInForce;
pub use crate::record::{Change, Claim, Column, ColumnType, Kind, Record, RecordId, Value};
pub use crate::standing::{Glance, Held};
pub use crate::state::{Inconsistency, OrganizationState, Violation};
pub use crate::workspace::Workspace;
#[cfg(doc)]
use crate::{Domain, Member, WorkspaceMember};
pub use access::{AccessIndex, Fed};
pub use any::{AnyError, AnyRepository};
pub use indexed::WithIndex;
pub use memory::{BrokenContract, MemoryRepository};
pub use movable::Movable;
pub use replica::WithReplica;
pub use since::Since;
pub use verify::{Drift, Stored};

mod access;
mod any;
pub(crate) mod forward;
mod indexed;
pub(crate) mod memory;
mod movable;
mod replica;
mod select;
mod since;
pub(crate) mod verify;

/// Where organizations are kept. See the [module's documentation](self) for the three promises, and for
/// a complete implementation.
///
/// Write the methods as `async fn`. Two are provided, and what they say by default is always right; for
/// the promises there are no defaults: one that weakens a promise is worse than none. A clone of a store, if it can be cloned, is another handle on the same data.
pub trait Repository: Send + Sync {
    /// What can go wrong in the store itself: never a rule's "no", and never a lost race.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The facts that a command needs; `None` if the organization doesn't exist.
    ///
    /// A key may bring no record, one, or several; [`Key`] says which. Records come in any order. One
    /// that several keys bring may come several times, and one that no key asked for does no harm. A
    /// record that you don't return is taken to be absent.
    ///
    /// **Promise 2** holds if you do *one* of these:
    ///
    /// - read everything in one statement or one snapshot;
    /// - read the organization's row first and everything else after, from a place that is at least as
    ///   fresh: the primary, or the same connection to one replica.
    ///
    /// It doesn't hold if the version comes from the primary and a record from a replica, if a pool may
    /// hand out another replica for the second read, or if the version is read last. Don't lock rows
    /// while reading (`FOR UPDATE`): under READ COMMITTED a locking read that had to wait returns the new
    /// version beside old rows of the joined tables.
    ///
    /// A version that is too old is harmless: the commit will conflict.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> impl Future<Output = Result<Option<Facts>, Self::Error>> + Send;

    /// Applies a commit, or nothing (**promises 1 and 3**).
    ///
    /// - [`Outcome::Committed`]: applied, durable, and visible to every later `load`.
    /// - [`Outcome::Conflict`]: the version was not `expected`, or the database aborted the transaction
    ///   for concurrency (40001, 40P01, `SQLITE_BUSY`). Nothing was applied.
    /// - [`Outcome::Taken`]: somebody holds a claim already, another organization or this one. Nothing was
    ///   applied.
    /// - [`Outcome::IdUsed`]: a commit of this id was made before, in this organization or in another one.
    ///   Nothing was applied. Where the version is not `expected` either, `Conflict` will do.
    /// - `Err`: you don't know, unless [`wrote_nothing`](Self::wrote_nothing) says that you do. The caller will ask with
    ///   [`Key::Commit`].
    ///
    /// Look at the number of rows that you updated: an `UPDATE … WHERE version = …` that matched none is
    /// a conflict, not a success. Compare and write in one statement or behind one lock that all handles
    /// share. Don't retry inside with a fresh version: the decision was made for this one.
    ///
    /// No two changes of a commit touch the same record or claim, so their order doesn't matter. If the
    /// future is dropped, the commit happened or it didn't; it is never half done, and its connection
    /// must not go back to a pool with a transaction open.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store, when it isn't known whether the commit was applied.
    fn commit(&self, commit: &Commit) -> impl Future<Output = Result<Outcome, Self::Error>> + Send;

    /// All that a permission check needs, in one round trip and of one snapshot; `None` if the
    /// organization doesn't exist.
    ///
    /// A workspace or domain that isn't there leaves its field `None`. It may come from a replica: it says
    /// which version it saw. [`OrganizationState::held`](crate::store::OrganizationState::held) is the
    /// reference.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> impl Future<Output = Result<Option<Held>, Self::Error>> + Send;

    /// The same at a glance, of a store that has it at hand: without waiting for anything. By default, none has.
    ///
    /// `None` says nothing: [`standing`](Self::standing) is asked. Answer so, too, wherever a [`Glance`] can't say what
    /// the user holds: something of it ends or is suspended, or is a role of the organization's own. Where it says
    /// something, `standing` would have said the same.
    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        let _ = (user, resource);
        None
    }

    /// Whether an error of [`commit`](Self::commit) says for certain that nothing was applied and nothing will be: the
    /// database only reads, say, because another one was promoted. By default nobody knows.
    ///
    /// Then the caller is told that nothing happened ([`Error::Store`](crate::Error::Store)), and needn't ask what
    /// became of the commit. Say `false` where you are not certain.
    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        let _ = error;
        false
    }
}

/// Lists. Needed only for the list methods of [`Tenancy`](crate::Tenancy): a host that lists with its own
/// SQL leaves it out.
///
/// No method asks who may see a list; [`Tenancy`](crate::Tenancy) does.
pub trait Directory: Repository {
    /// A page of a list: at most `limit` items whose key is greater than the list's `after`, in ascending
    /// order of the key's bytes. [`List`] says what each is of and by which key it is paged.
    ///
    /// An item that is present during the whole walk appears exactly once, however much is inserted or
    /// deleted meanwhile. Fewer than `limit` means that there are no more: a store that caps its pages
    /// must ask itself again until it has `limit`. A list in an organization that doesn't exist is empty.
    ///
    /// What can't be read, because a later version or something else wrote it, is [`Item::Unreadable`] at its place, which
    /// the key's columns tell. It counts as an item, and the list goes on past it (A7).
    ///
    /// [`OrganizationState::list`](crate::store::OrganizationState::list) is the reference for every list
    /// in one organization.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn list(
        &self,
        list: &List,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<Item>, Self::Error>> + Send;

    /// The organization that holds a claim; `None` if nobody does.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn claimed_by(
        &self,
        claim: &Claim,
    ) -> impl Future<Output = Result<Option<OrganizationId>, Self::Error>> + Send;
}

/// What a command wants to know. Each key brings all that is needed to judge one thing, so that one round
/// trip is enough.
///
/// Exhaustive on purpose: a new kind is a new major version, because a store that ignored one would be
/// wrong. [`Facts::select`] is the reference of what each brings.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Key {
    /// What a user holds on the path to a resource of this organization, and what of the path exists:
    /// the [`Member`], the [`Workspace`], the user's [`WorkspaceMember`] in it, the [`Domain`]. For a
    /// domain, the workspace is the one that holds it.
    Path(UserId, Resource),
    /// All that goes when a member goes: the [`Member`]; every [`WorkspaceMember`] of theirs with its
    /// [`Workspace`]; every open [`Invitation`] to the member's address; every [`FormerMember`] of theirs.
    Person(UserId),
    /// The [`Member`], and every open [`Invitation`] to the member's address.
    SentTo(UserId),
    /// The open [`Invitation`]s whose inviter is this user; the [`Member`]s who have one of the invited
    /// addresses, and every other open [`Invitation`] to one of them.
    SentBy(UserId),
    /// The [`Member`]s with this address; if a workspace is named, their [`WorkspaceMember`]s in it; the
    /// open [`Invitation`]s to the address.
    Address(#[serde(with = "stored")] EmailKey, Option<WorkspaceId>),
    /// An [`Invitation`] in whatever state, and every open one to its address; the [`Workspace`] that it is to; of its inviter, of this user
    /// and of whoever has its address: the [`Member`], and their [`WorkspaceMember`] in that workspace; of
    /// this user also the [`FormerMember`] of the organization and of that workspace.
    Invitation(InvitationId, Option<UserId>),
    /// The open [`Invitation`]s to this workspace; the [`Member`]s who have one of the invited addresses, and
    /// every other open [`Invitation`] to one of them. `None`: all open ones of the organization, and no more.
    OpenInvitations(Option<WorkspaceId>),
    /// The [`Workspace`] with this name.
    WorkspaceNamed(#[serde(with = "stored")] NameKey),
    /// The [`Domain`] with this name, or the [`RetiredDomainName`].
    DomainNamed(#[serde(with = "stored")] DomainName),
    /// The log entry of this commit, whichever organization it is of, in [`Facts::committed`]: an id stands
    /// for one request in the whole deployment (A6).
    Commit(CommitId),
}

/// What a store knows of an organization, as far as it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// The organization, with its version.
    pub organization: Organization,
    /// The records that the keys brought, in any order.
    pub records: Vec<Record>,
    /// The log entry that [`Key::Commit`] asked for, if there is one.
    pub committed: Option<LogEntry>,
}

/// A decision, ready to be written: plain data. [`Tenancy::prepare`](crate::Tenancy::prepare) returns one
/// without writing it, for hosts that put rows of their own into the same transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The version that it was decided on. 0: the organization must not exist yet.
    pub expected: Version,
    /// The organization's new row, with version `expected + 1`.
    pub next: Organization,
    /// The records and claims that change.
    pub changes: Vec<Change>,
    /// What the log keeps: id, time, author, events.
    pub entry: LogEntry,
}

/// What became of a commit. All of them are certain: if you don't know, return an error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a conflict is not a success"]
pub enum Outcome {
    /// Applied, as a whole.
    Committed,
    /// Somebody else was first. Nothing was applied: load and decide again.
    Conflict,
    /// Somebody holds this claim already, another organization or this one. Nothing was applied.
    Taken(Claim),
    /// A commit of this id was made before. Nothing was applied.
    IdUsed,
}

impl Commit {
    /// The commit that an entry of a log is, and makes the state what it is after it: so that organizations are brought
    /// into a store from a log that was restored, or from another system, at the store's pace and not at that of
    /// commands.
    ///
    /// A migration writes one entry for each organization, of version 1, with all that is to be there as events:
    /// [`Event::OrganizationCreated`](crate::Event::OrganizationCreated) first, then the workspaces, their domains, the
    /// members and their roles. No rule is asked: what the events say is so. [`OrganizationState::validate`] tells
    /// whether the result is one that the rules allow.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// use tenancy::store::{Commit, MemoryRepository, OrganizationState, Outcome, Repository};
    /// # use tenancy::{*, commands::*, store::*};
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output.organization;
    /// # let list = List::Log { organization: acme, after: Version::ABSENT };
    /// # let log = tenancy.repository().list(&list, core::num::NonZeroU32::MAX).await?;
    /// # let log = log.into_iter().filter_map(|item| match item { Item::LogEntry(entry) => Some(entry), _ => None });
    /// let restored = MemoryRepository::new();
    /// let mut state = OrganizationState::absent(acme);
    /// for entry in log {
    ///     let commit = Commit::replayed(&mut state, entry)?;
    ///     assert_eq!(restored.commit(&commit).await?, Outcome::Committed);
    /// }
    /// assert!(restored.state(acme).is_some());
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`OrganizationState::replay`]. The state is then of no more use.
    pub fn replayed(state: &mut OrganizationState, entry: LogEntry) -> Result<Self, Inconsistency> {
        let expected = state.version();
        let mut touched = Touched::default();
        state.apply_entry_noting(&entry, &mut touched)?;
        let next = state.organization().ok_or(Inconsistency::NoOrganization)?;
        Ok(Self {
            expected,
            next: next.clone(),
            changes: state.changes(touched),
            entry,
        })
    }

    /// The organization that changes.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        self.next.id
    }

    /// The commit's id: the same id again means the same commit.
    #[must_use]
    pub const fn id(&self) -> CommitId {
        self.entry.id
    }
}
