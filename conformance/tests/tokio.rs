//! The suite on a runtime that isn't its own: the store's calls wait for the runtime, and the tasks are its.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::num::NonZeroU32;
use std::sync::LazyLock;

use tenancy::store::{
    Claim, Commit, Directory, Facts, Invitation, Key, MemoryRepository, Organization, Outcome,
    Repository, Workspace,
};
use tenancy::text::EmailKey;
use tenancy::{
    Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, Resource, RoleSet, Standing,
    UserId, Version, WorkspaceId, WorkspaceMember,
};
use tenancy_conformance::{Harness, Task, suite};
use tokio::runtime::Runtime;
use tokio::task::yield_now;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

struct OnTokio;

impl Harness for OnTokio {
    type Repository = Remote;

    async fn fresh(&self) -> Remote {
        Remote(MemoryRepository::new())
    }

    async fn another(&self, same: &Remote) -> Remote {
        Remote(same.0.clone())
    }

    fn spawn(&self, task: Task) {
        drop(tokio::spawn(task));
    }
}

suite!(harness = OnTokio, run = |test| RUNTIME.block_on(test));

/// The store in memory as if it were far away: each call waits for the runtime before and after.
struct Remote(MemoryRepository);

macro_rules! waits {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {$(
        async fn $name(&self, $($argument: $type),*) -> Result<$answer, Self::Error> {
            yield_now().await;
            let answer = self.0.$name($($argument),*).await;
            yield_now().await;
            answer
        }
    )+};
}

impl Repository for Remote {
    type Error = tenancy::store::BrokenContract;

    waits! {
        load(id: OrganizationId, keys: &[Key]) -> Option<Facts>;
        commit(commit: &Commit) -> Outcome;
        standing(user: UserId, resource: Resource) -> Option<Standing>;
    }
}

impl Directory for Remote {
    waits! {
        members(id: OrganizationId, roles: RoleSet, after: Option<UserId>, limit: NonZeroU32) -> Vec<Member>;
        workspaces(id: OrganizationId, after: Option<WorkspaceId>, limit: NonZeroU32) -> Vec<Workspace>;
        workspaces_of(id: OrganizationId, user: UserId, after: Option<WorkspaceId>, limit: NonZeroU32)
            -> Vec<(Workspace, WorkspaceMember)>;
        workspace_members(
            id: OrganizationId, workspace: WorkspaceId, roles: RoleSet, after: Option<UserId>, limit: NonZeroU32
        ) -> Vec<WorkspaceMember>;
        domains(id: OrganizationId, workspace: WorkspaceId, after: Option<DomainId>, limit: NonZeroU32)
            -> Vec<Domain>;
        invitations(
            id: OrganizationId, workspace: Option<WorkspaceId>, after: Option<InvitationId>, limit: NonZeroU32
        ) -> Vec<Invitation>;
        organizations_of(user: UserId, after: Option<OrganizationId>, limit: NonZeroU32)
            -> Vec<(Organization, Member)>;
        invitations_to(email: &EmailKey, after: Option<(OrganizationId, InvitationId)>, limit: NonZeroU32)
            -> Vec<(Organization, Invitation)>;
        holder(claim: &Claim) -> Option<OrganizationId>;
        log(id: OrganizationId, after: Version, limit: NonZeroU32) -> Vec<LogEntry>;
    }
}
