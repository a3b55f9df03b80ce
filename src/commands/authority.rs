//! An invitation is worth its inviter's authority (I2, I6): who may send one, whether its inviter still
//! may, and which ones die when somebody's authority shrinks.

use crate::command::Scene;
use crate::event::{Event, RevocationReason};
use crate::id::UserId;
use crate::invitation::{Invitation, InvitationTarget};
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::standing::{Held, Standing};
use crate::text::EmailKey;

/// What an invitation is to, as a resource.
pub(super) fn resource(scene: &Scene<'_>, target: &InvitationTarget) -> Resource {
    match target.workspace() {
        None => Resource::Organization(scene.state.id()),
        Some(workspace) => Resource::Workspace(scene.state.id(), workspace),
    }
}

/// I2: whether the actor may send an invitation of that address to that.
pub(super) fn may_send(scene: &Scene<'_>, email: &EmailKey, to: Resource) -> Result<(), Refusal> {
    let standing = scene.standing(to);
    let standing = standing.ok_or(Refusal::NotFound { resource: to })?;
    sendable(&standing, is_newcomer(scene, email)).map_err(|no| scene.told(no))
}

/// I2: whether the actor may invite anybody to that, members at least.
pub(super) fn may_invite(scene: &Scene<'_>, to: Resource) -> Result<(), Refusal> {
    let standing = scene.standing(to);
    let standing = standing.ok_or(Refusal::NotFound { resource: to })?;
    sendable(&standing, false)
}

/// I6: whether the inviter of record could send it to this user now.
pub(super) fn inviter_still_may(
    scene: &Scene<'_>,
    user: UserId,
    invitation: &Invitation,
) -> Result<(), Refusal> {
    let standing = scene.state.standing(
        invitation.inviter,
        resource(scene, &invitation.target),
        scene.now,
    );
    let newcomer = scene.state.member(user).is_none();
    match standing.map(|standing| sendable(&standing, newcomer)) {
        Some(Ok(())) => Ok(()),
        _ => Err(Refusal::InviterLostAuthority),
    }
}

/// I6: the open invitations of a user, of those that `concerned` picks, that they may not send once
/// `after` has happened to what they hold.
pub(super) fn no_longer_sendable(
    scene: &Scene<'_>,
    user: UserId,
    concerned: impl Fn(&InvitationTarget) -> bool,
    after: impl Fn(&mut Held),
) -> Vec<Event> {
    let may_send = |invitation: &Invitation| {
        let newcomer = is_newcomer(scene, invitation.email.key());
        scene
            .state
            .standing(user, resource(scene, &invitation.target), scene.now)
            .is_some_and(|standing| {
                let mut held = standing.held();
                after(&mut held);
                sendable(&standing.with(held), newcomer).is_ok()
            })
    };
    let lost = scene
        .state
        .open_invitations_by(user)
        .filter(|invitation| concerned(&invitation.target) && !may_send(invitation));
    lost.map(|invitation| Event::InvitationRevoked {
        invitation: invitation.id,
        reason: RevocationReason::InviterLostAuthority,
    })
    .collect()
}

/// Whether somebody of that standing, at what an invitation is to, may send it (I2). A newcomer is
/// somebody who isn't yet a member of the organization.
fn sendable(standing: &Standing, newcomer: bool) -> Result<(), Refusal> {
    match standing.resource() {
        Resource::Organization(_) => standing.require(OrganizationAction::Invite).map(|_| ()),
        Resource::Workspace(..) | Resource::Domain(..) => {
            // In this order, so that a refusal doesn't tell who may not invite at all whether the address
            // belongs to a member.
            let _ = standing.require(WorkspaceAction::InviteMember)?;
            if newcomer {
                let _ = standing.require(WorkspaceAction::InviteNewcomer)?;
            }
            Ok(())
        }
    }
}

/// Who is suspended, or whose membership has ended, counts for nothing (T1, T3): as a newcomer.
fn is_newcomer(scene: &Scene<'_>, email: &EmailKey) -> bool {
    let mut members = scene.state.members_with_email(email);
    !members.any(|member| member.term().counts_at(scene.now))
}
