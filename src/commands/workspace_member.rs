use super::member::{Revoked, member, no_longer_sendable, own, role_taken};
use super::revoked;
use crate::actor::Actor;
use crate::command::{Command, Scene, path, sealed};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::InvitationTarget;
use crate::member::WorkspaceMember;
use crate::policy::WorkspaceAction;
use crate::refusal::Refusal;
use crate::repository::Key;
use crate::role::WorkspaceRole;

/// Gives an organization member a role in a workspace, or another one than before (M1, M5).
///
/// A demotion revokes, in the same commit, the open invitations to the workspace that the member could
/// no longer send (I6); the answer lists them.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::MemberNotFound`]: the user is not a member of the organization; invite them (M1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiveWorkspaceRole {
    /// The organization.
    pub organization: OrganizationId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The organization member.
    pub user: UserId,
    /// Their role in the workspace.
    pub role: WorkspaceRole,
}

impl sealed::Sealed for GiveWorkspaceRole {}

impl Command for GiveWorkspaceRole {
    type Output = Revoked;
    type Fresh = ();
    const NAME: &'static str = "give_workspace_role";

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        vec![
            path(actor, on),
            Key::Path(self.user, on.into()),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(
            (self.organization, self.workspace),
            WorkspaceAction::ManageRoles,
        )?;
        let member = member(scene, self.user)?;
        let held = scene
            .state
            .workspace_member(self.workspace, member.user)
            .map(|held| held.role);
        if held == Some(self.role) {
            return Ok(Vec::new());
        }
        let mut events = vec![Event::WorkspaceRoleGiven {
            workspace: self.workspace,
            user: member.user,
            role: self.role,
            replaces: held,
        }];
        if held > Some(self.role) {
            events.extend(no_longer_sendable_into(
                scene,
                self.workspace,
                member.user,
                Some(self.role),
            ));
        }
        Ok(events)
    }

    fn output(&self, _: OrganizationId, events: &[Event], _: Option<&()>) -> Option<Revoked> {
        let asked = match events.first() {
            None => true,
            Some(Event::WorkspaceRoleGiven {
                workspace,
                user,
                role,
                ..
            }) => (*workspace, *user, *role) == (self.workspace, self.user, self.role),
            _ => false,
        };
        asked.then(|| Revoked {
            invitations: revoked(events),
        })
    }
}

/// Takes somebody's role in a workspace away. They stay a member of the organization (M4).
///
/// Revokes, in the same commit, the open invitations to the workspace that they could no longer send
/// (I6); the answer lists them.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::MemberNotFound`]: the user holds no role in the workspace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakeWorkspaceRole {
    /// The organization.
    pub organization: OrganizationId,
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The workspace member.
    pub user: UserId,
}

impl sealed::Sealed for TakeWorkspaceRole {}

impl Command for TakeWorkspaceRole {
    type Output = Revoked;
    type Fresh = ();
    const NAME: &'static str = "take_workspace_role";

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        vec![
            path(actor, on),
            Key::Path(self.user, on.into()),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(
            (self.organization, self.workspace),
            WorkspaceAction::ManageRoles,
        )?;
        let held = scene.state.workspace_member(self.workspace, self.user);
        Ok(leave(
            scene,
            held.ok_or(Refusal::MemberNotFound { user: self.user })?,
        ))
    }

    fn output(&self, _: OrganizationId, events: &[Event], _: Option<&()>) -> Option<Revoked> {
        left(events, |workspace, user| {
            (workspace, user) == (self.workspace, self.user)
        })
    }
}

/// Leaves a workspace, by oneself (M3). The organization membership stays, and so does what it grants by
/// cascade.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::MemberNotFound`]: the actor reaches the workspace by cascade only, and has no role in it.
/// - [`Refusal::UserRequired`]: an operator asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaveWorkspace {
    /// The organization.
    pub organization: OrganizationId,
    /// The workspace.
    pub workspace: WorkspaceId,
}

impl sealed::Sealed for LeaveWorkspace {}

impl Command for LeaveWorkspace {
    type Output = Revoked;
    type Fresh = ();
    const NAME: &'static str = "leave_workspace";

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        own(actor)
            .flat_map(|user| [Key::Path(user, on.into()), Key::SentBy(user)])
            .collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let user = scene.user()?;
        scene.require((self.organization, self.workspace), WorkspaceAction::View)?;
        let held = scene.state.workspace_member(self.workspace, user);
        Ok(leave(scene, held.ok_or(Refusal::MemberNotFound { user })?))
    }

    fn output(&self, _: OrganizationId, events: &[Event], _: Option<&()>) -> Option<Revoked> {
        left(events, |workspace, _| workspace == self.workspace)
    }
}

/// M4: a workspace role goes, and with it the invitations that it was needed for.
fn leave(scene: &Scene<'_>, held: &WorkspaceMember) -> Vec<Event> {
    let mut events = vec![role_taken(held)];
    events.extend(no_longer_sendable_into(
        scene,
        held.workspace,
        held.user,
        None,
    ));
    events
}

/// Read off a role that was taken away, if it is the one that was meant.
fn left(events: &[Event], meant: impl Fn(WorkspaceId, UserId) -> bool) -> Option<Revoked> {
    match events.first() {
        Some(Event::WorkspaceRoleTaken {
            workspace, user, ..
        }) if meant(*workspace, *user) => Some(Revoked {
            invitations: revoked(events),
        }),
        _ => None,
    }
}

/// I6 for a role in one workspace: it carries no invitation to anything else, and only that workspace's
/// records are loaded.
fn no_longer_sendable_into(
    scene: &Scene<'_>,
    workspace: WorkspaceId,
    user: UserId,
    role: Option<WorkspaceRole>,
) -> Vec<Event> {
    let into = |target: &InvitationTarget| target.workspace() == Some(workspace);
    no_longer_sendable(scene, user, into, |standing| standing.workspace_role = role)
}
