//! An index of what crosses organizations: the contract of where it is kept.

use core::future::Future;
use core::num::NonZeroU32;

use tenancy::store::{
    Change, Item, Kind, List, Organization, OrganizationSummary, Record, RecordId,
};
use tenancy::{OrganizationId, Version};

pub(crate) mod memory;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;

/// The kinds of records of which an index is made.
pub(crate) const KINDS: [Kind; 3] = [Kind::Member, Kind::Workspace, Kind::Invitation];

/// What an index is told of one organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    /// The version at which the index must have the organization, so that this leads on from there;
    /// [`Version::ABSENT`]: it must not have it.
    pub from: Version,
    /// What there is to say of the organization, with the version that this leads to.
    pub organization: OrganizationSummary,
    /// Whether this is all there is of it.
    pub extent: Extent,
    /// Its members, workspaces and open invitations.
    pub put: Vec<Record>,
    /// What it hasn't, or hasn't any more. It may never have been there.
    pub gone: Vec<RecordId>,
    /// Members and workspaces that are there and can't be read. Of such a member nothing is known but the user; the
    /// invitations to such a workspace can't be read either.
    pub unreadable: Vec<RecordId>,
}

/// How much of an organization a [`Feed`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// What changed since the version that it leads on from: what it doesn't name stays.
    Changes,
    /// All: what it doesn't name goes.
    Whole,
}

/// Where an index is kept, from which lists across organizations are answered in one round trip. One index serves a
/// deployment; [`WithLists`](crate::WithLists) feeds it.
///
/// Of each organization it has a version, what there is to say of the organization ([`OrganizationSummary`]), and its
/// members, workspaces and open invitations. Each method is one transaction: it sees what every method that has
/// returned has written, and is done or not done whatever happens, also when its future is dropped.
///
/// It may be lost, or be restored from an old backup: it is fed again.
pub trait Lists: Send + Sync {
    /// What can go wrong in the index.
    type Error: std::error::Error + Send + Sync + 'static;

    /// The version at which the index has an organization; [`Version::ABSENT`] if it hasn't.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the index.
    fn version(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Version, Self::Error>> + Send;

    /// Writes what a feed says, all or nothing, if the index has the organization at [`Feed::from`]; from then on at the
    /// summary's version. `false`: it has it at another one, and nothing was written.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the index, when it isn't known whether it was written.
    fn feed(&self, feed: &Feed) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// A page of a list that crosses organizations, as [`Directory::list`](tenancy::store::Directory::list) has it: the
    /// same items, order and pages. Of any other list it has nothing.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the index.
    fn list(
        &self,
        list: &List,
        limit: NonZeroU32,
    ) -> impl Future<Output = Result<Vec<Item>, Self::Error>> + Send;
}

impl Feed {
    /// What changed from one version to that of the organization's row. Records of kinds that no list is made of are left
    /// out, and an invitation that isn't open any more is gone.
    #[must_use]
    pub fn of_changes(from: Version, next: &Organization, changes: &[Change]) -> Self {
        let mut feed = Self {
            from,
            organization: next.summary(),
            extent: Extent::Changes,
            put: Vec::new(),
            gone: Vec::new(),
            unreadable: Vec::new(),
        };
        for change in changes {
            match change {
                Change::Put(Record::Invitation(invitation)) if !invitation.is_open() => {
                    feed.gone.push(RecordId::Invitation(invitation.id));
                }
                Change::Put(record) if KINDS.contains(&record.id().kind()) => {
                    feed.put.push(record.clone());
                }
                Change::Delete(id) if KINDS.contains(&id.kind()) => feed.gone.push(id.clone()),
                Change::Put(_) | Change::Delete(_) | Change::Claim(_) | Change::Release(_) => {}
            }
        }
        feed
    }
}
