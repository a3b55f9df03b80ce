//! A pointer to a store is a store: hosts share one behind `Arc`, tests lend one behind `&`.
//!
//! The macros write the methods of a store that hands every call on to another one.

use std::sync::Arc;

use super::{Directory, Repository};

/// `forward_repository!([generics] Type, error, this => store)`: a [`Repository`] that hands every call
/// on.
macro_rules! forward_repository {
    ([$($generics:tt)*] $type:ty, $error:ty, $this:ident => $target:expr) => {
        // A method that is provided must be forwarded too, or the pointer's answer would differ.
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> $crate::store::Repository for $type {
            type Error = $error;

            async fn load(
                &self,
                organization: $crate::OrganizationId,
                keys: &[$crate::store::Key],
            ) -> Result<Option<$crate::store::Facts>, Self::Error> {
                let $this = self;
                $target.load(organization, keys).await
            }

            async fn commit(
                &self,
                commit: &$crate::store::Commit,
            ) -> Result<$crate::store::Outcome, Self::Error> {
                let $this = self;
                $target.commit(commit).await
            }

            async fn standing(
                &self,
                user: $crate::UserId,
                resource: $crate::Resource,
            ) -> Result<Option<$crate::store::Held>, Self::Error> {
                let $this = self;
                $target.standing(user, resource).await
            }

            fn glance(
                &self,
                user: $crate::UserId,
                resource: $crate::Resource,
            ) -> Option<$crate::store::Glance> {
                let $this = self;
                $target.glance(user, resource)
            }

            fn wrote_nothing(&self, error: &Self::Error) -> bool {
                let $this = self;
                $target.wrote_nothing(error)
            }
        }
    };
}

/// `forward_directory!([generics] Type, this => store)`: a [`Directory`] that hands every call on.
macro_rules! forward_directory {
    ([$($generics:tt)*] $type:ty, $this:ident => $target:expr) => {
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> $crate::store::Directory for $type {
            async fn list(
                &self,
                list: &$crate::store::List,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::store::Item>, Self::Error> {
                let $this = self;
                $target.list(list, limit).await
            }

            async fn claimed_by(
                &self,
                claim: &$crate::store::Claim,
            ) -> Result<Option<$crate::OrganizationId>, Self::Error> {
                let $this = self;
                $target.claimed_by(claim).await
            }
        }
    };
}

pub(crate) use {forward_directory, forward_repository};

macro_rules! pointers {
    ($($pointer:ty),+) => {$(
        forward_repository!([R: Repository + ?Sized] $pointer, R::Error, this => (**this));
        forward_directory!([R: Directory + ?Sized] $pointer, this => (**this));
    )+};
}

pointers!(&R, Box<R>, Arc<R>);
