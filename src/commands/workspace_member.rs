use serde::Serialize;

use super::authority::no_longer_sendable;
use super::member::{Revoked, member, own, revocations, role_taken};
use super::role::{workspace_role, workspace_role_changes};
use crate::actor::Actor;
use crate::command::{Command, Scene, path};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::InvitationTarget;
use crate::member::{Member, WorkspaceMember};
use crate::own_role::{AsRole, Holding, as_role};
use crate::policy::WorkspaceAction;
use crate::refusal::Refusal;
use crate::role::WorkspaceRole;
use crate::store::Key;

/// Gives an organization member a role in a workspace, or another one than before (M1, M5).
///
/// In place of a role that is to end, the new one ends when that would have
/// ([`SetWorkspaceRoleEnd`](crate::commands::SetWorkspaceRoleEnd)); in place of one that has ended, it doesn't end
/// (T3). The role of a member who is suspended counts once they are reinstated (T1).
///
/// A demotion revokes, in the same commit, the open invitations to the workspace that the member could no
/// longer send (I6), and those to their address that would give back what was taken (M4); the answer lists
/// them.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::MemberNotFound`]: the user is not a member of the organization; invite them (M1).
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to give there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound = "R: AsRole<WorkspaceRole>")]
pub struct GiveWorkspaceRole<R = WorkspaceRole> {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to give the role in.
    pub workspace: WorkspaceId,
    /// The organization member.
    pub user: UserId,
    /// Their role in the workspace: a [`WorkspaceRole`], or the [`RoleNumber`](crate::RoleNumber) of one of the
    /// organization's own (R6).
    #[serde(serialize_with = "as_role::<WorkspaceRole, R, _>")]
    pub role: R,
}

impl<R: AsRole<WorkspaceRole>> Command for GiveWorkspaceRole<R> {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        vec![
            path(actor, on),
            Key::Path(self.user, on.into()),
            Key::SentTo(self.user),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(
            (self.organization, self.workspace),
            WorkspaceAction::ManageRoles,
        )?;
        let member = member(scene, self.user)?;
        let held = scene.state.workspace_member(self.workspace, member.user);
        let from = held.map(WorkspaceMember::holding);
        let to = workspace_role(scene, self.role.into())?;
        if from == Some(to) && held.is_some_and(|held| held.term().counts_at(scene.now)) {
            return Ok(Vec::new());
        }
        let mut events = role_given(scene, self.workspace, member.user, to);
        if from.is_some_and(|from| from.is_lowered_to(to)) {
            events.extend(no_longer_good(scene, self.workspace, member, Some(to)));
        }
        Ok(events)
    }
}

/// Takes somebody's role in a workspace away. They stay a member of the organization (M4).
///
/// Revokes, in the same commit, the open invitations to the workspace that they could no longer send (I6),
/// and those to their address (M4); the answer lists them.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::MemberNotFound`]: the user holds no role in the workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TakeWorkspaceRole {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace in which they lose their role.
    pub workspace: WorkspaceId,
    /// The workspace member.
    pub user: UserId,
}

impl Command for TakeWorkspaceRole {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        vec![
            path(actor, on),
            Key::Path(self.user, on.into()),
            Key::SentTo(self.user),
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
}

/// Leaves a workspace, by oneself (M3). The organization membership stays, and so does what it grants by
/// cascade. A role that doesn't count, as it has ended or its member is suspended, may be left as well.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::MemberNotFound`]: the actor reaches the workspace by cascade only, and has no role in it.
/// - [`Refusal::OrganizationSuspended`]: the organization is suspended (T4).
/// - [`Refusal::UserRequired`]: an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaveWorkspace {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to leave.
    pub workspace: WorkspaceId,
}

impl Command for LeaveWorkspace {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let on = (self.organization, self.workspace);
        own(actor)
            .flat_map(|user| {
                [
                    Key::Path(user, on.into()),
                    Key::SentTo(user),
                    Key::SentBy(user),
                ]
            })
            .collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let user = scene.user()?;
        let held = scene.state.workspace_member(self.workspace, user);
        // Theirs to leave, whether it counts or not; but a leftover without membership is nothing (M1).
        let Some(held) = held.filter(|_| scene.state.member(user).is_some()) else {
            scene.require((self.organization, self.workspace), WorkspaceAction::View)?;
            return Err(Refusal::MemberNotFound { user });
        };
        scene.changes_go_on()?;
        Ok(leave(scene, held))
    }
}

/// M5, T3: a role that wasn't held, or another one; instead of one that has ended, one that doesn't end.
pub(super) fn role_given(
    scene: &Scene<'_>,
    workspace: WorkspaceId,
    user: UserId,
    to: Holding<WorkspaceRole>,
) -> Vec<Event> {
    let held = scene.state.workspace_member(workspace, user);
    let from = held.map(WorkspaceMember::holding);
    let mut events = workspace_role_changes(workspace, user, from, to);
    if let Some(ended) = held.filter(|held| !held.term().counts_at(scene.now)) {
        if ended.role == to.base {
            let again = Event::WorkspaceRoleGiven {
                workspace,
                user,
                role: to.base,
                replaces: Some(ended.role),
            };
            events.insert(0, again);
        }
        events.push(Event::WorkspaceRoleEndSet {
            workspace,
            user,
            from: ended.until,
            to: None,
        });
    }
    events
}

/// M4: a workspace role goes, and with it the invitations that it was needed for.
fn leave(scene: &Scene<'_>, held: &WorkspaceMember) -> Vec<Event> {
    let mut events = vec![role_taken(held)];
    if let Some(member) = scene.state.member(held.user) {
        events.extend(no_longer_good(scene, held.workspace, member, None));
    }
    events
}

/// I6 and M4 for a role in one workspace: it carries no invitation to anything else, and only that
/// workspace's records are loaded.
pub(super) fn no_longer_good(
    scene: &Scene<'_>,
    workspace: WorkspaceId,
    member: &Member,
    left: Option<Holding<WorkspaceRole>>,
) -> Vec<Event> {
    let into = |target: &InvitationTarget| target.workspace() == Some(workspace);
    let role = left.map(|left| left.base);
    let by_them = no_longer_sendable(scene, member.user, into, |held| held.workspace_role = role);
    let to_them = scene.state.open_invitations_to(member.email.key());
    let to_them = to_them.filter(|invitation| {
        let offered = invitation.target.in_workspace(invitation.own_role);
        offered.is_some_and(|(of, offered)| {
            of == workspace && left.is_none_or(|left| !left.includes(offered))
        })
    });
    revocations(by_them, to_them.map(|invitation| invitation.id))
}
