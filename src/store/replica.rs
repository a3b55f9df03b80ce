//! Checks from a replica, and from the primary where that would be too old.

use super::forward::forward_directory;
use super::{Commit, Directory, Facts, Held, Key, Outcome, Repository};
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
/// [`ConsistencyToken`] of the change, or of what was written since, and hand it to
/// [`Tenancy::standing_at_least`](crate::Tenancy::standing_at_least).
#[derive(Clone, Copy, Debug)]
pub struct WithReplica<P, R> {
    /// Where commits are made.
    pub primary: P,
    /// What follows the primary.
    pub replica: R,
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
    ) -> Result<Option<Held>, Self::Error> {
        self.replica.standing(user, resource).await
    }
}

forward_directory!(
    [P: Directory, R: Repository<Error = P::Error>] WithReplica<P, R>,
    this => this.primary
);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::block_on;
    use crate::event::Event;
    use crate::role::OrganizationRole;
    use crate::store::List;
    use crate::store::memory::MemoryRepository;
    use crate::store::memory::tests::{Acme, joined};
    use crate::version::Version;

    type Stores = WithReplica<MemoryRepository, MemoryRepository>;

    /// Acme in a primary, which Bob joins (version 2) and leaves (version 3), and a replica that has
    /// seen it up to a version.
    fn lagging(version: usize) -> (Stores, Acme, UserId) {
        let (acme, bob) = (Acme::new(), UserId::new());
        let role = OrganizationRole::Member;
        acme.happens([joined(bob, role)]);
        acme.happens([Event::MemberLeft { user: bob, role }]);
        let store = WithReplica {
            primary: acme.store.clone(),
            replica: MemoryRepository::new(),
        };
        for commit in acme.history.borrow().iter().take(version) {
            let outcome = block_on(store.replica.commit(commit));
            assert_eq!(outcome, Ok(Outcome::Committed));
        }
        (store, acme, bob)
    }

    /// The version that answers.
    fn answers(store: &Stores, user: UserId, on: OrganizationId, seen: Option<u64>) -> Option<u64> {
        let seen = seen.map(|version| ConsistencyToken {
            organization: on,
            version: Version::new(version),
        });
        let resource = Resource::Organization(on);
        let standing = block_on(store.standing_at_least(user, resource, seen)).unwrap();
        standing.map(|standing| standing.version.get())
    }

    #[test]
    fn without_a_token_the_replica_answers() {
        let (store, acme, bob) = lagging(2);
        assert_eq!(answers(&store, bob, acme.id, None), Some(2));
        let standing = block_on(store.standing(bob, Resource::Organization(acme.id))).unwrap();
        let role = standing.unwrap().organization_role;
        assert_eq!(role, Some(OrganizationRole::Member));
    }

    #[test]
    fn a_replica_that_has_seen_the_token_answers() {
        let (store, acme, bob) = lagging(2);
        assert_eq!(answers(&store, bob, acme.id, Some(1)), Some(2));
        assert_eq!(answers(&store, bob, acme.id, Some(2)), Some(2));
    }

    #[test]
    fn a_replica_that_lags_is_not_believed() {
        let (store, acme, bob) = lagging(2);
        assert_eq!(answers(&store, bob, acme.id, Some(3)), Some(3));
        let seen = ConsistencyToken {
            organization: acme.id,
            version: Version::new(3),
        };
        let resource = Resource::Organization(acme.id);
        let standing = block_on(store.standing_at_least(bob, resource, Some(seen))).unwrap();
        assert_eq!(standing.unwrap().organization_role, None);
    }

    #[test]
    fn a_replica_that_does_not_know_the_organization_is_not_believed() {
        let (store, acme, bob) = lagging(0);
        assert_eq!(answers(&store, bob, acme.id, Some(1)), Some(3));
        assert_eq!(answers(&store, bob, acme.id, None), None);
    }

    #[test]
    fn a_token_of_another_organization_says_nothing() {
        let (store, acme, bob) = lagging(2);
        let elsewhere = ConsistencyToken {
            organization: OrganizationId::new(),
            version: Version::new(1),
        };
        let resource = Resource::Organization(acme.id);
        let standing = block_on(store.standing_at_least(bob, resource, Some(elsewhere))).unwrap();
        assert_eq!(standing.unwrap().version, Version::new(3));
    }

    #[test]
    fn commands_and_lists_never_ask_the_replica() {
        let (store, acme, _) = lagging(1);
        let facts = block_on(store.load(acme.id, &[])).unwrap();
        assert_eq!(facts.unwrap().organization.version, Version::new(3));
        let all = core::num::NonZeroU32::MAX;
        let log = List::Log {
            organization: acme.id,
            after: Version::ABSENT,
        };
        let log = block_on(store.list(&log, all)).unwrap();
        assert_eq!(log.len(), 3);
        let commit = acme.commit([joined(UserId::new(), OrganizationRole::Member)]);
        assert_eq!(block_on(store.commit(&commit)), Ok(Outcome::Committed));
        assert_eq!(
            acme.store.state(acme.id).unwrap().version(),
            Version::new(4)
        );
    }
}
