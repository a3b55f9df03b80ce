//! Checks from a replica, and from the primary where that would be too old.

use super::forward::forward_directory;
use super::{Commit, Directory, Facts, Glance, Held, Key, Outcome, Repository};
use crate::id::{OrganizationId, UserId};
use crate::resource::Resource;

/// A store whose permission checks go to a replica. Everything else goes to the primary.
///
/// | method | asks |
/// | --- | --- |
/// | [`load`](Repository::load), [`commit`](Repository::commit), the lists | the primary |
/// | [`standing`](Repository::standing) | the replica; it may lag |
/// | [`Tenancy::standing_at_least`](crate::Tenancy::standing_at_least) | the replica; the primary if the replica lags |
///
/// The replica must follow the primary, and may lag behind it by any time.
///
/// **Security**: a check on a lagging replica may still allow what was taken away a moment ago. Keep the
/// [`ConsistencyToken`](crate::ConsistencyToken) of the change, or of what was written since, and hand it to
/// [`Tenancy::standing_at_least`](crate::Tenancy::standing_at_least).
#[derive(Clone, Copy, Debug)]
pub struct WithReplica<P, R> {
    /// Where commits are made.
    pub primary: P,
    /// What follows the primary.
    pub replica: R,
}

#[deny(clippy::missing_trait_methods)]
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
    ) -> Result<Option<Held>, Self::Error> {
        self.replica.standing(user, resource).await
    }

    fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
        self.replica.glance(user, resource)
    }

    fn wrote_nothing(&self, error: &Self::Error) -> bool {
        self.primary.wrote_nothing(error)
    }
}

forward_directory!(
    [P: Directory, R: Repository<Error = P::Error>] WithReplica<P, R>,
    this => this.primary
);

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;
    use crate::block_on;
    use crate::role::OrganizationRole;
    use crate::store::List;
    use crate::store::memory::MemoryRepository;
    use crate::store::memory::tests::{Acme, joined};
    use crate::version::Version;

    #[test]
    fn commands_and_lists_ask_the_primary_and_checks_the_replica() {
        let acme = Acme::new();
        let store = WithReplica {
            primary: acme.store.clone(),
            replica: MemoryRepository::new(),
        };
        acme.happens([joined(UserId::new(), OrganizationRole::Member)]);
        let facts = block_on(store.load(acme.id, &[])).unwrap();
        assert_eq!(facts.unwrap().organization.version, Version::new(2));
        let log = List::Log {
            organization: acme.id,
            after: Version::ABSENT,
        };
        let log = block_on(store.list(&log, NonZeroU32::MAX)).unwrap();
        assert_eq!(log.len(), 2);
        let commit = acme.commit([joined(UserId::new(), OrganizationRole::Member)]);
        assert_eq!(block_on(store.commit(&commit)), Ok(Outcome::Committed));
        let version = acme.store.state(acme.id).unwrap().version();
        assert_eq!(version, Version::new(3));
        let resource = Resource::Organization(acme.id);
        assert_eq!(block_on(store.standing(acme.ann, resource)), Ok(None));
    }
}
