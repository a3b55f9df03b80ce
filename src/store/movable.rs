//! Organizations that go from one store to another.

use core::future::Future;

use super::Directory;
use crate::id::OrganizationId;

/// A store that organizations can leave, and come to: what a store made of several stores needs of each
/// (`tenancy-sharded`). No other host needs it. `tenancy_conformance::moves` holds a store to it.
///
/// An organization is *closed* while it is on its way: every commit on it is a [`Conflict`](super::Outcome::Conflict),
/// whatever version it was decided on, and reads go on. One that doesn't exist can be closed, too: then nobody can create
/// it. It is closed by a number, of which the greatest counts: who comes with a smaller one is told `false`, and changed
/// nothing. So of two who move an organization, of whom one was thought to be dead, only the other does.
///
/// Each method is one transaction, and does nothing more if it is called again.
pub trait Movable: Directory {
    /// All that a store keeps of an organization, on its way to a store of the same kind: records, log, claims, and
    /// what is still to be delivered.
    type Moved: Send + Sync;

    /// Closes an organization. When it returns, no commit will be applied that was not before.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the store.
    fn close(
        &self,
        organization: OrganizationId,
        by: u64,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// All that the store keeps of an organization, of one moment; `None` if it doesn't exist.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the store.
    fn pack(
        &self,
        organization: OrganizationId,
    ) -> impl Future<Output = Result<Option<Self::Moved>, Self::Error>> + Send;

    /// Puts an organization in, closed, in place of whatever there is of it. `false` if it is there and not closed,
    /// too.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the store: nothing was put in.
    fn unpack(
        &self,
        organization: OrganizationId,
        by: u64,
        moved: &Self::Moved,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Drops all that the store keeps of a closed organization, which stays closed: as if it had never been, but nobody
    /// can create it. `false` if it isn't closed, too.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the store: nothing was dropped.
    fn erase(
        &self,
        organization: OrganizationId,
        by: u64,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Opens a closed organization: commits are applied again. `false` if it isn't closed, too.
    ///
    /// # Errors
    ///
    /// - Whatever fails in the store.
    fn open(
        &self,
        organization: OrganizationId,
        by: u64,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
}
