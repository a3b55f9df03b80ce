//! A handle on whichever broken store: one type, so that every check is compiled once and not once a store.

use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;

use tenancy::store::{
    Claim, Commit, Directory, Facts, Invitation, Key, Organization, Outcome, Repository, Workspace,
};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, Resource, RoleSet, Standing,
    UserId, Version, WorkspaceId, WorkspaceMember,
};
use tenancy_conformance::Harness;

use super::rows::{List, Row};
use super::store::Lost;

/// What a call answers, when it does.
pub(crate) type Answer<'a, T> = Pin<Box<dyn Future<Output = Result<T, Lost>> + Send + 'a>>;

/// A [`Store`](super::store::Store), whatever its flaw.
pub(crate) trait AnyStore: Send + Sync {
    fn load<'a>(&'a self, id: OrganizationId, keys: &'a [Key]) -> Answer<'a, Option<Facts>>;
    fn commit<'a>(&'a self, commit: &'a Commit) -> Answer<'a, Outcome>;
    fn standing(&self, user: UserId, on: Resource) -> Answer<'_, Option<Standing>>;
    fn list(&self, list: &List<'_>, after: Option<Vec<u8>>, limit: usize) -> Vec<Row>;
    fn holder(&self, claim: &Claim) -> Option<OrganizationId>;
    fn another(&self) -> Box<dyn AnyStore>;
    fn reopened(&self) -> Box<dyn AnyStore>;
    fn round_trips(&self) -> u64;
}

pub(crate) struct Handle(Box<dyn AnyStore>);

/// Makes stores with one flaw.
pub(crate) struct With(pub(crate) fn() -> Box<dyn AnyStore>);

impl Harness for With {
    type Repository = Handle;

    async fn fresh(&self) -> Handle {
        Handle((self.0)())
    }

    async fn another(&self, same: &Handle) -> Handle {
        Handle(same.0.another())
    }

    async fn reopen(&self, store: Handle) -> Option<Handle> {
        Some(Handle(store.0.reopened()))
    }

    fn round_trips(&self, store: &Handle) -> Option<u64> {
        Some(store.0.round_trips())
    }
}

impl Handle {
    fn list<T>(
        &self,
        list: &List<'_>,
        after: Option<Vec<u8>>,
        limit: NonZeroU32,
        item: impl Fn(Row) -> Option<T>,
    ) -> Vec<T> {
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let page = self.0.list(list, after, limit);
        page.into_iter().filter_map(item).collect()
    }
}

impl Repository for Handle {
    type Error = Lost;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Lost> {
        self.0.load(id, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Lost> {
        self.0.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Standing>, Lost> {
        self.0.standing(user, on).await
    }
}

impl Directory for Handle {
    async fn members(
        &self,
        id: OrganizationId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Member>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        Ok(self.list(&List::Members(id, roles), after, limit, Row::member))
    }

    async fn workspaces(
        &self,
        id: OrganizationId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Workspace>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        Ok(self.list(&List::Workspaces(id), after, limit, Row::workspace))
    }

    async fn workspaces_of(
        &self,
        id: OrganizationId,
        user: UserId,
        after: Option<WorkspaceId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Workspace, WorkspaceMember)>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        let list = List::WorkspacesOf(id, user);
        Ok(self.list(&list, after, limit, Row::workspace_of))
    }

    async fn workspace_members(
        &self,
        id: OrganizationId,
        workspace: WorkspaceId,
        roles: RoleSet,
        after: Option<UserId>,
        limit: NonZeroU32,
    ) -> Result<Vec<WorkspaceMember>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        let list = List::WorkspaceMembers(id, workspace, roles);
        Ok(self.list(&list, after, limit, Row::workspace_member))
    }

    async fn domains(
        &self,
        id: OrganizationId,
        workspace: WorkspaceId,
        after: Option<DomainId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Domain>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        Ok(self.list(&List::Domains(id, workspace), after, limit, Row::domain))
    }

    async fn invitations(
        &self,
        id: OrganizationId,
        workspace: Option<WorkspaceId>,
        after: Option<InvitationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<Invitation>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        let list = List::Invitations(id, workspace);
        Ok(self.list(&list, after, limit, Row::invitation))
    }

    async fn organizations_of(
        &self,
        user: UserId,
        after: Option<OrganizationId>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Member)>, Lost> {
        let after = after.map(|id| id.as_uuid().as_bytes().to_vec());
        let list = List::OrganizationsOf(user);
        Ok(self.list(&list, after, limit, Row::organization))
    }

    async fn invitations_to(
        &self,
        email: &EmailKey,
        after: Option<(OrganizationId, InvitationId)>,
        limit: NonZeroU32,
    ) -> Result<Vec<(Organization, Invitation)>, Lost> {
        let after = after.map(|(organization, invitation)| {
            [organization.as_uuid(), invitation.as_uuid()]
                .map(|id| *id.as_bytes())
                .concat()
        });
        let list = List::InvitationsTo(email);
        Ok(self.list(&list, after, limit, Row::invitation_to))
    }

    async fn holder(&self, claim: &Claim) -> Result<Option<OrganizationId>, Lost> {
        Ok(self.0.holder(claim))
    }

    async fn log(
        &self,
        id: OrganizationId,
        after: Version,
        limit: NonZeroU32,
    ) -> Result<Vec<LogEntry>, Lost> {
        let after = Some(after.get().to_be_bytes().to_vec());
        Ok(self.list(&List::Log(id), after, limit, Row::entry))
    }
}
