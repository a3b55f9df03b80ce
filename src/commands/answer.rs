use serde::Serialize;

use super::authority::inviter_still_may;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene};
use crate::event::Event;
use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationStatus, InvitationTarget};
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::store::Key;
use crate::token::{InvitationToken, hashed};

/// What accepting an invitation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The organization.
    pub organization: OrganizationId,
    /// The invitation, now spent.
    pub invitation: InvitationId,
    /// Whether the user became a member of the organization by it.
    pub joined: bool,
    /// The organization role that they have since, if it changed (I7).
    pub organization_role: Option<OrganizationRole>,
    /// The workspace role that they have since, if it changed (I7).
    pub workspace_role: Option<(WorkspaceId, WorkspaceRole)>,
}

impl<F> Answer<F> for Accepted {
    fn read(organization: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        let Some(Event::InvitationAccepted { invitation, .. }) = events.last() else {
            return None;
        };
        let mut accepted = Accepted {
            organization,
            invitation: *invitation,
            joined: false,
            organization_role: None,
            workspace_role: None,
        };
        for event in events {
            match event {
                Event::MemberJoined { role, .. } => {
                    accepted.joined = true;
                    accepted.organization_role = Some(*role);
                }
                Event::OrganizationRoleChanged { to, .. } => accepted.organization_role = Some(*to),
                Event::WorkspaceRoleGiven {
                    workspace, role, ..
                } => {
                    accepted.workspace_role = Some((*workspace, *role));
                }
                _ => {}
            }
        }
        Some(accepted)
    }
}

/// Accepts an invitation: the user is placed with the role it names (I1). Never lowers a role that they
/// have gained meanwhile; accepting what one has already spends the invitation (I7).
///
/// Only a user signed in with the invited address, verified, may (I3). Opening the link is not
/// accepting: show [`Tenancy::preview`](crate::Tenancy::preview) first, as mail scanners open links too.
///
/// # Refused
///
/// - [`Refusal::InvitationNotFound`]: the token is wrong, or a newer link replaced it.
/// - [`Refusal::InvitationClosed`]: it was accepted, declined or revoked before.
/// - [`Refusal::EmailUnverified`], [`Refusal::WrongAccount`]: the user can't show the invited address.
/// - [`Refusal::InvitationExpired`]: the link is too late (I4).
/// - [`Refusal::InviterLostAuthority`]: whoever sent it could not send it any more (I6).
/// - [`Refusal::UserRequired`]: an operator asks.
#[derive(Clone, Debug, Serialize)]
pub struct AcceptInvitation {
    /// What the link carried.
    #[serde(serialize_with = "hashed")]
    pub token: InvitationToken,
}

impl Command for AcceptInvitation {
    type Output = Accepted;
    type Fresh = ();
    const READS_EMAIL: bool = true;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.token.organization()
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        answer_keys(actor, &self.token)
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (user, invitation) = answerable(scene, &self.token)?;
        inviter_still_may(scene, user, invitation)?;
        let mut events = placement(scene, user, invitation);
        events.push(Event::InvitationAccepted {
            invitation: invitation.id,
            user,
        });
        Ok(events)
    }
}

/// Declines an invitation. Final, but one may be invited again.
///
/// # Refused
///
/// As [`AcceptInvitation`], but for [`Refusal::InviterLostAuthority`].
#[derive(Clone, Debug, Serialize)]
pub struct DeclineInvitation {
    /// What the link carried.
    #[serde(serialize_with = "hashed")]
    pub token: InvitationToken,
}

impl Command for DeclineInvitation {
    type Output = ();
    type Fresh = ();
    const READS_EMAIL: bool = true;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.token.organization()
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        answer_keys(actor, &self.token)
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (user, invitation) = answerable(scene, &self.token)?;
        Ok(vec![Event::InvitationDeclined {
            invitation: invitation.id,
            user,
        }])
    }
}

fn answer_keys(actor: &Actor, token: &InvitationToken) -> Vec<Key> {
    vec![Key::Invitation(token.invitation(), actor.user_id())]
}

/// I3: the invitation, if the token is right and the user may answer it now.
fn answerable<'a>(
    scene: &Scene<'a>,
    token: &InvitationToken,
) -> Result<(UserId, &'a Invitation), Refusal> {
    let user = scene.user()?;
    let invitation = scene.state.invitation(token.invitation());
    let invitation = invitation
        .filter(|invitation| invitation.token_hash.matches(token))
        .ok_or(Refusal::InvitationNotFound)?;
    let status = invitation.status(scene.now);
    if !matches!(
        status,
        InvitationStatus::Pending | InvitationStatus::Expired
    ) {
        return Err(Refusal::InvitationClosed {
            state: invitation.state,
        });
    }
    let email = scene
        .actor
        .verified_email()
        .ok_or(Refusal::EmailUnverified)?;
    if email.key() != invitation.email.key() {
        return Err(Refusal::WrongAccount {
            invited: invitation.email.clone(),
        });
    }
    if status == InvitationStatus::Expired {
        return Err(Refusal::InvitationExpired {
            expired_at: invitation.expires_at,
        });
    }
    Ok((user, invitation))
}

/// I1, I7: what a user has to be given to have what the invitation names.
fn placement(scene: &Scene<'_>, user: UserId, invitation: &Invitation) -> Vec<Event> {
    let member = scene.state.member(user);
    let mut events = Vec::new();
    let (offered, workspace) = match invitation.target {
        InvitationTarget::Organization { role } => (role, None),
        InvitationTarget::Workspace { workspace, role } => {
            (OrganizationRole::Member, Some((workspace, role))) // M1
        }
    };
    match member {
        None => {
            let email = scene
                .actor
                .verified_email()
                .map(|email| email.address().clone());
            events.push(Event::MemberJoined {
                user,
                email,
                role: offered,
            });
        }
        Some(member) if member.role < offered => {
            events.push(Event::OrganizationRoleChanged {
                user,
                from: member.role,
                to: offered,
            });
        }
        Some(_) => {}
    }
    if let Some((workspace, role)) = workspace {
        let held = scene
            .state
            .workspace_member(workspace, user)
            .map(|held| held.role);
        if held < Some(role) {
            events.push(Event::WorkspaceRoleGiven {
                workspace,
                user,
                role,
                replaces: held,
            });
        }
    }
    events
}
