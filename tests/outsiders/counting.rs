//! A store that notes which of its methods are called, and with which kinds of keys.

use core::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use tenancy::store::{
    Claim, Commit, Directory, Facts, Invitation, Key, Organization, Outcome, Repository, Workspace,
};
use tenancy::text::EmailKey;
use tenancy::{
    CommitId, Domain, DomainId, InvitationId, LogEntry, Member, OrganizationId, Resource, RoleSet,
    Standing, UserId, Version, WorkspaceId, WorkspaceMember,
};

pub struct Counting<R> {
    store: R,
    trips: Mutex<Vec<String>>,
}

impl<R> Counting<R> {
    pub fn new(store: R) -> Self {
        Self {
            store,
            trips: Mutex::default(),
        }
    }

    /// The round trips since it was last asked.
    pub fn taken(&self) -> Vec<String> {
        core::mem::take(&mut self.trips.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, trip: impl Into<String>) {
        let mut trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        trips.push(trip.into());
    }
}

fn kind(key: &Key) -> String {
    match key {
        Key::Path(_, resource) => format!("path to a {}", resource.layer()),
        Key::Person(_) => "person".into(),
        Key::SentBy(_) => "sent by".into(),
        Key::Address(_, workspace) => format!("address, in a workspace: {}", workspace.is_some()),
        Key::Invitation(_, user) => format!("invitation, to a user: {}", user.is_some()),
        Key::OpenInvitations(workspace) => format!("open, to one: {}", workspace.is_some()),
        Key::WorkspaceNamed(_) => "workspace named".into(),
        Key::DomainNamed(_) => "domain named".into(),
        Key::Commit(_) => "commit".into(),
    }
}

impl<R: Repository> Repository for Counting<R> {
    type Error = R::Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, R::Error> {
        let kinds: Vec<_> = keys.iter().map(kind).collect();
        self.note(format!("load: {}", kinds.join("; ")));
        self.store.load(organization, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, R::Error> {
        let _: CommitId = commit.id();
        self.note("commit");
        self.store.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Standing>, R::Error> {
        self.note(format!("standing at a {}", on.layer()));
        self.store.standing(user, on).await
    }
}

/// Each method of a directory: note its name, and hand the call on.
macro_rules! noted {
    ($($name:ident($($argument:ident: $type:ty),*) -> $answer:ty;)+) => {
        impl<R: Directory> Directory for Counting<R> {$(
            async fn $name(&self, $($argument: $type),*) -> Result<$answer, R::Error> {
                self.note(stringify!($name));
                self.store.$name($($argument),*).await
            }
        )+}
    };
}

noted! {
    members(organization: OrganizationId, roles: RoleSet, after: Option<UserId>, limit: NonZeroU32)
        -> Vec<Member>;
    workspaces(organization: OrganizationId, after: Option<WorkspaceId>, limit: NonZeroU32)
        -> Vec<Workspace>;
    workspaces_of(
        organization: OrganizationId, user: UserId, after: Option<WorkspaceId>, limit: NonZeroU32
    ) -> Vec<(Workspace, WorkspaceMember)>;
    workspace_members(
        organization: OrganizationId, workspace: WorkspaceId, roles: RoleSet, after: Option<UserId>,
        limit: NonZeroU32
    ) -> Vec<WorkspaceMember>;
    domains(
        organization: OrganizationId, workspace: WorkspaceId, after: Option<DomainId>,
        limit: NonZeroU32
    ) -> Vec<Domain>;
    invitations(
        organization: OrganizationId, workspace: Option<WorkspaceId>, after: Option<InvitationId>,
        limit: NonZeroU32
    ) -> Vec<Invitation>;
    organizations_of(user: UserId, after: Option<OrganizationId>, limit: NonZeroU32)
        -> Vec<(Organization, Member)>;
    invitations_to(
        email: &EmailKey, after: Option<(OrganizationId, InvitationId)>, limit: NonZeroU32
    ) -> Vec<(Organization, Invitation)>;
    holder(claim: &Claim) -> Option<OrganizationId>;
    log(organization: OrganizationId, after: Version, limit: NonZeroU32) -> Vec<LogEntry>;
}
