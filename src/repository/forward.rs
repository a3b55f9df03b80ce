//! A pointer to a store is a store: hosts share one behind `Arc`, tests lend one behind `&`.
//!
//! The macros write the methods of a store that hands every call on to another one.

use std::sync::Arc;

use super::{Directory, Repository};

/// `forward_repository!([generics] Type, error, this => store)`: a [`Repository`] that hands every call
/// on.
macro_rules! forward_repository {
    ([$($generics:tt)*] $type:ty, $error:ty, $this:ident => $target:expr) => {
        // A method that is provided one day must be forwarded too, or the pointer's answer would differ.
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> $crate::Repository for $type {
            type Error = $error;

            async fn load(
                &self,
                organization: $crate::OrganizationId,
                keys: &[$crate::Key],
            ) -> Result<Option<$crate::Facts>, Self::Error> {
                let $this = self;
                $target.load(organization, keys).await
            }

            async fn commit(
                &self,
                commit: &$crate::Commit,
            ) -> Result<$crate::Outcome, Self::Error> {
                let $this = self;
                $target.commit(commit).await
            }

            async fn standing(
                &self,
                user: $crate::UserId,
                resource: $crate::Resource,
            ) -> Result<Option<$crate::Standing>, Self::Error> {
                let $this = self;
                $target.standing(user, resource).await
            }
        }
    };
}

/// `forward_directory!([generics] Type, this => store)`: a [`Directory`] that hands every call on.
macro_rules! forward_directory {
    ([$($generics:tt)*] $type:ty, $this:ident => $target:expr) => {
        #[deny(clippy::missing_trait_methods)]
        impl<$($generics)*> $crate::Directory for $type {
            async fn members(
                &self,
                organization: $crate::OrganizationId,
                roles: $crate::RoleSet,
                after: Option<$crate::UserId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::Member>, Self::Error> {
                let $this = self;
                $target.members(organization, roles, after, limit).await
            }

            async fn workspaces(
                &self,
                organization: $crate::OrganizationId,
                after: Option<$crate::WorkspaceId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::Workspace>, Self::Error> {
                let $this = self;
                $target.workspaces(organization, after, limit).await
            }

            async fn workspaces_of(
                &self,
                organization: $crate::OrganizationId,
                user: $crate::UserId,
                after: Option<$crate::WorkspaceId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<($crate::Workspace, $crate::WorkspaceMember)>, Self::Error> {
                let $this = self;
                $target.workspaces_of(organization, user, after, limit).await
            }

            async fn workspace_members(
                &self,
                organization: $crate::OrganizationId,
                workspace: $crate::WorkspaceId,
                roles: $crate::RoleSet,
                after: Option<$crate::UserId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::WorkspaceMember>, Self::Error> {
                let $this = self;
                $target.workspace_members(organization, workspace, roles, after, limit).await
            }

            async fn domains(
                &self,
                organization: $crate::OrganizationId,
                workspace: $crate::WorkspaceId,
                after: Option<$crate::DomainId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::Domain>, Self::Error> {
                let $this = self;
                $target.domains(organization, workspace, after, limit).await
            }

            async fn invitations(
                &self,
                organization: $crate::OrganizationId,
                workspace: Option<$crate::WorkspaceId>,
                after: Option<$crate::InvitationId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::Invitation>, Self::Error> {
                let $this = self;
                $target.invitations(organization, workspace, after, limit).await
            }

            async fn organizations_of(
                &self,
                user: $crate::UserId,
                after: Option<$crate::OrganizationId>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<($crate::Organization, $crate::Member)>, Self::Error> {
                let $this = self;
                $target.organizations_of(user, after, limit).await
            }

            async fn invitations_to(
                &self,
                email: &$crate::EmailKey,
                after: Option<($crate::OrganizationId, $crate::InvitationId)>,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<($crate::Organization, $crate::Invitation)>, Self::Error> {
                let $this = self;
                $target.invitations_to(email, after, limit).await
            }

            async fn holder(
                &self,
                claim: &$crate::Claim,
            ) -> Result<Option<$crate::OrganizationId>, Self::Error> {
                let $this = self;
                $target.holder(claim).await
            }

            async fn log(
                &self,
                organization: $crate::OrganizationId,
                after: $crate::Version,
                limit: ::core::num::NonZeroU32,
            ) -> Result<Vec<$crate::LogEntry>, Self::Error> {
                let $this = self;
                $target.log(organization, after, limit).await
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
