//! One type for any store, for hosts that choose theirs when they start.

use core::fmt;
use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;
use std::error::Error;
use std::sync::Arc;

use super::forward::{forward_directory, forward_repository};
use super::{Claim, Commit, Directory, Facts, Glance, Held, Item, Key, List, Outcome, Repository};
use crate::id::{OrganizationId, UserId};
use crate::resource::Resource;

/// Any store, chosen at run time: `Tenancy<AnyRepository>` is one type, without a generic parameter for
/// a host to carry around.
///
/// It costs an allocation a call. A clone is another handle on the same store.
///
/// ```
/// use tenancy::store::{AnyRepository, MemoryRepository};
///
/// let store: AnyRepository = match std::env::var("DATABASE_URL") {
///     // Ok(url) => AnyRepository::new(connect(&url)?),
///     _ => AnyRepository::new(MemoryRepository::new()),
/// };
/// ```
#[derive(Clone)]
pub struct AnyRepository(Arc<dyn Erased>);

/// What went wrong in a store of whatever type. It says what the store's own error says.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct AnyError(Box<dyn Error + Send + Sync>);

type Boxed<'a, T> = Pin<Box<dyn Future<Output = Result<T, AnyError>> + Send + 'a>>;

impl AnyRepository {
    /// This store, its type forgotten.
    #[must_use]
    pub fn new(store: impl Directory + 'static) -> Self {
        Self(Arc::new(store))
    }
}

impl AnyError {
    /// The store's own error, if it is of this type.
    ///
    /// ```
    /// use tenancy::store::{AnyError, BrokenContract};
    ///
    /// fn is_a_bug(error: &AnyError) -> bool {
    ///     error.downcast_ref::<BrokenContract>().is_some()
    /// }
    /// ```
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Debug for AnyRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AnyRepository(..)")
    }
}

forward_repository!([] AnyRepository, AnyError, this => (*this.0));
forward_directory!([] AnyRepository, this => (*this.0));

/// Writes the object-safe twin of the two traits, and that every store is one.
macro_rules! erased {
    ($($of:ident { $(fn $method:ident($($name:ident: $type:ty),+) -> $answer:ty;)+ })+) => {
        trait Erased: Send + Sync {
            fn glance(&self, user: UserId, resource: Resource) -> Option<Glance>;
            fn wrote_nothing(&self, error: &AnyError) -> bool;
            $($(fn $method<'a>(&'a self, $($name: $type),+) -> Boxed<'a, $answer>;)+)+
        }

        impl<D: Directory> Erased for D {
            fn glance(&self, user: UserId, resource: Resource) -> Option<Glance> {
                Repository::glance(self, user, resource)
            }

            fn wrote_nothing(&self, error: &AnyError) -> bool {
                // One that another store made says nothing to this one.
                let own = error.downcast_ref::<D::Error>();
                own.is_some_and(|error| Repository::wrote_nothing(self, error))
            }

            $($(
            fn $method<'a>(&'a self, $($name: $type),+) -> Boxed<'a, $answer> {
                Box::pin(async move {
                    $of::$method(self, $($name),+)
                        .await
                        .map_err(|error| AnyError(Box::new(error)))
                })
            }
            )+)+
        }
    };
}

erased! {
    Repository {
        fn load(organization: OrganizationId, keys: &'a [Key]) -> Option<Facts>;
        fn commit(commit: &'a Commit) -> Outcome;
        fn standing(user: UserId, resource: Resource) -> Option<Held>;
    }
    Directory {
        fn list(list: &'a List, limit: NonZeroU32) -> Vec<Item>;
        fn claimed_by(claim: &'a Claim) -> Option<OrganizationId>;
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;
    use std::error::Error;
    use std::sync::{Arc, LazyLock};

    // Not `super::*`: with the twin in scope, every method would have two meanings.
    use super::{AnyError, AnyRepository};
    use crate::store::memory::tests::{Acme, renamed};
    use crate::store::{
        BrokenContract, Change, Directory, List, MemoryRepository, Outcome, RecordId, Repository,
    };
    use crate::{OrganizationId, RoleSet, Version, block_on};

    fn is_send<T: Send>(value: T) -> T {
        value
    }

    #[test]
    fn it_is_the_store_that_it_was_made_of() {
        let acme = Acme::new();
        let any = AnyRepository::new(acme.store.clone()).clone();
        let commit = acme.commit([renamed("A")]);
        let outcome = block_on(is_send(any.commit(&commit))).unwrap();
        assert_eq!(outcome, Outcome::Committed);
        let facts = block_on(is_send(any.load(acme.id, &[]))).unwrap().unwrap();
        assert_eq!(facts.organization, commit.next);
        let members = List::Members {
            organization: acme.id,
            roles: RoleSet::all(),
            after: None,
        };
        let listed = block_on(is_send(any.list(&members, NonZeroU32::MIN))).unwrap();
        assert_eq!(listed, acme.list(&members, 1));
        assert_eq!(listed.len(), 1);
    }

    #[test]
    fn an_error_says_what_the_stores_own_says() {
        let acme = Acme::new();
        let mut commit = acme.commit([renamed("A")]);
        commit
            .changes
            .push(Change::Delete(RecordId::Member(acme.ann)));
        commit.entry.events = vec![];
        let error = block_on(AnyRepository::new(acme.store).commit(&commit)).unwrap_err();
        assert_eq!(error.to_string(), "the log entry has no events");
        assert_eq!(
            error.downcast_ref::<BrokenContract>(),
            Some(&BrokenContract::NoEvents)
        );
    }

    #[test]
    fn an_error_keeps_its_source() {
        #[derive(Debug, thiserror::Error)]
        #[error("the pool is empty")]
        struct Outer(#[source] std::fmt::Error);

        let error = AnyError(Box::new(Outer(std::fmt::Error)));
        assert_eq!(error.to_string(), "the pool is empty");
        assert!(
            error
                .source()
                .is_some_and(<dyn Error>::is::<std::fmt::Error>)
        );
    }

    #[test]
    fn a_pointer_to_a_store_is_a_store() {
        fn version<D: Directory>(store: D, id: OrganizationId) -> Option<Version> {
            let facts = block_on(store.load(id, &[])).ok()??;
            let log = List::Log {
                organization: id,
                after: Version::ABSENT,
            };
            let log = block_on(is_send(store.list(&log, NonZeroU32::MIN))).ok()?;
            assert_eq!(log.len(), 1);
            Some(facts.organization.version)
        }
        let Acme { store, id, .. } = Acme::new();
        let first = Some(Version::new(1));
        assert_eq!(version(&store, id), first);
        assert_eq!(version(Box::new(store.clone()), id), first);
        assert_eq!(version(Arc::new(store.clone()), id), first);
        assert_eq!(version(Arc::new(AnyRepository::new(&*EMPTY)), id), None);
        assert_eq!(version(AnyRepository::new(Arc::new(store)), id), first);
    }

    static EMPTY: LazyLock<MemoryRepository> = LazyLock::new(MemoryRepository::new);
}
