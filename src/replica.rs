//! Checks from a replica, and from the primary where that would be too old.

use crate::id::{OrganizationId, UserId};
use crate::repository::forward::forward_directory;
use crate::repository::{Commit, Directory, Facts, Key, Outcome, Repository};
use crate::resource::Resource;
use crate::standing::{ConsistencyToken, Standing};

/// A store whose permission checks go to a replica. Everything else goes to the primary.
///
/// | method | asks |
/// | --- | --- |
/// | [`load`](Repository::load), [`commit`](Repository::commit), the lists | the primary |
/// | [`standing`](Repository::standing) | the replica; it may lag |
/// | [`standing_at_least`](Self::standing_at_least) | the replica; the primary if the replica lags |
///
/// The replica must follow the primary, and may lag behind it by any time.
///
/// **Security**: a check on a lagging replica may still allow what was taken away a moment ago. Keep the
/// [`ConsistencyToken`] of the change, or of what was written since, and hand it to
/// [`standing_at_least`](Self::standing_at_least).
#[derive(Clone, Copy, Debug)]
pub struct WithReplica<P, R> {
    /// Where commits are made.
    pub primary: P,
    /// What follows the primary.
    pub replica: R,
}

impl<P: Repository, R: Repository<Error = P::Error>> WithReplica<P, R> {
    /// What a user holds at a resource, no older than a point in its organization's history.
    ///
    /// - Without a token, the replica's answer will do.
    /// - With one, the replica's answer will do if its version is the token's or a later one. If not, or
    ///   if the replica doesn't know the organization, the primary is asked.
    /// - A token of another organization says nothing of this one: the primary is asked.
    ///
    /// ```
    /// use tenancy::{ConsistencyToken, MemoryRepository, OrganizationId, Resource, UserId, Version, WithReplica};
    ///
    /// # fn main() -> Result<(), tenancy::BrokenContract> {
    /// let store = WithReplica { primary: MemoryRepository::new(), replica: MemoryRepository::new() };
    /// let (ann, acme) = (UserId::new(), OrganizationId::new());
    ///
    /// let seen = ConsistencyToken { organization: acme, version: Version::new(7) };
    /// let standing = tenancy::now(store.standing_at_least(ann, Resource::Organization(acme), Some(seen)))?;
    /// assert_eq!(standing, None); // the replica didn't know Acme, and neither did the primary
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever fails in the store that was asked. A replica that fails is not passed over in silence:
    /// the primary may not be up to its load.
    pub async fn standing_at_least(
        &self,
        user: UserId,
        resource: Resource,
        seen: Option<ConsistencyToken>,
    ) -> Result<Option<Standing>, P::Error> {
        let Some(seen) = seen else {
            return self.replica.standing(user, resource).await;
        };
        if seen.organization == resource.organization() {
            if let Some(standing) = self.replica.standing(user, resource).await? {
                if standing.version >= seen.version {
                    return Ok(Some(standing));
                }
            }
        }
        self.primary.standing(user, resource).await
    }
}

impl<P: Repository, R: Repository<Error = P::Error>> Repository for WithReplica<P, R> {
    type Error = P::Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Self::Error> {
        self.primary.load(organization, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Self::Error> {
        self.primary.commit(commit).await
    }

    async fn standing(
        &self,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Standing>, Self::Error> {
        self.replica.standing(user, resource).await
    }
}

forward_directory!(
    [P: Directory, R: Repository<Error = P::Error>] WithReplica<P, R>,
    this => this.primary
);
