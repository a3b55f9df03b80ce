use serde::Serialize;

use super::authority::inviter_still_may;
use super::member::{counts, email_changed, email_is_free, own};
use super::role::{organization_role_changes, own_role_changes};
use super::workspace_member::role_given;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene};
use crate::event::Event;
use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationStatus};
use crate::member::{Member, WorkspaceMember};
use crate::own_role::RoleNumber;
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::store::Key;
use crate::token::{InvitationToken, hashed};

/// What accepting an invitation gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// The organization that they belong to.
    pub organization: OrganizationId,
    /// The invitation, now spent.
    pub invitation: InvitationId,
    /// Whether the user became a member of the organization by it.
    pub joined: bool,
    /// The organization role that they have since, if it changed (I7).
    pub organization_role: Option<OrganizationRole>,
    /// The workspace role that they have since, if it changed (I7).
    pub workspace_role: Option<(WorkspaceId, WorkspaceRole)>,
    /// The role of the organization's own that they hold since, in what the invitation was to, if it gave one (R6).
    pub own_role: Option<RoleNumber>,
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
            own_role: None,
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
                Event::OwnRoleChanged { to, .. } => accepted.own_role = *to,
                _ => {}
            }
        }
        Some(accepted)
    }
}

/// Accepts an invitation: the user is placed with the role it names (I1). Never lowers a role that they
/// have gained meanwhile; accepting what one has already spends the invitation (I7). Which of two roles is more, is told
/// at [`DefineRole`](crate::commands::DefineRole): by their bases, so that an offer of Accounting replaces a role of the
/// organization's own whose base is Member. Where a member accepts
/// under another address than the membership has, the membership has that one from now on, with all that
/// [`FollowEmailChange`](crate::commands::FollowEmailChange) brings (M6).
///
/// Only a user signed in with the invited address, verified, may (I3). Opening the link is not
/// accepting: show [`Tenancy::preview`](crate::Tenancy::preview) first, as mail scanners open links too.
///
/// An invitation neither reinstates nor prolongs a membership: an Admin does that (T1, T3). A workspace role that
/// has ended is replaced by the one that is offered, which doesn't end; one that is to end keeps its end.
///
/// # Refused
///
/// - [`Refusal::InvitationNotFound`]: the token is wrong, or a newer link replaced it.
/// - [`Refusal::InvitationClosed`]: it was accepted, declined or revoked before.
/// - [`Refusal::EmailUnverified`], [`Refusal::WrongAccount`]: the user can't show the invited address.
/// - [`Refusal::InvitationExpired`]: the link is too late (I4).
/// - [`Refusal::InviterLostAuthority`]: whoever sent it could not send it any more (I6).
/// - [`Refusal::InvitationOutdated`]: it was sent before the user departed, or before their role was
///   lowered, and would give it back (M2, M4).
/// - [`Refusal::EmailInUse`]: another member of the organization has the address (M6).
/// - [`Refusal::LimitReached`]: it would raise a member from a role that needs no seat to one that does, and none
///   is left (Q4). A newcomer takes the seat that the invitation reserved, and is never refused for one.
/// - [`Refusal::MembershipSuspended`], [`Refusal::MembershipEnded`]: the user is a member whose roles don't count.
/// - [`Refusal::OrganizationSuspended`]: the organization is suspended (T4).
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
        answer_keys(actor, self.token.invitation())
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        accept(scene, by_link(scene, &self.token)?)
    }
}

/// Declines an invitation. Final, but one may be invited again.
///
/// # Refused
///
/// As [`AcceptInvitation`], but for [`Refusal::InviterLostAuthority`], [`Refusal::InvitationOutdated`],
/// [`Refusal::EmailInUse`], [`Refusal::LimitReached`], and those about the user's own membership.
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
        answer_keys(actor, self.token.invitation())
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        decline(scene, by_link(scene, &self.token)?)
    }
}

/// Accepts an invitation from the list of [those to one's own
/// address](crate::Tenancy::received_invitations), without its link: the verified address is the proof that
/// the link stands for (I11). All else is as with [`AcceptInvitation`].
///
/// # Refused
///
/// - [`Refusal::InvitationNotFound`]: there is no such invitation to the user's verified address.
/// - [`Refusal::EmailUnverified`]: the user has no verified address.
/// - As [`AcceptInvitation`], but for [`Refusal::WrongAccount`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptReceivedInvitation {
    /// The organization that invites.
    pub organization: OrganizationId,
    /// The invitation to accept.
    pub invitation: InvitationId,
}

impl Command for AcceptReceivedInvitation {
    type Output = Accepted;
    type Fresh = ();
    const READS_EMAIL: bool = true;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        answer_keys(actor, self.invitation)
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        accept(scene, by_address(scene, self.invitation)?)
    }
}

/// Declines an invitation from the list of [those to one's own
/// address](crate::Tenancy::received_invitations), without its link (I11).
///
/// # Refused
///
/// As [`AcceptReceivedInvitation`], but for [`Refusal::InviterLostAuthority`], [`Refusal::EmailInUse`],
/// [`Refusal::InvitationOutdated`], [`Refusal::LimitReached`], and those about the user's own membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeclineReceivedInvitation {
    /// The organization that invites.
    pub organization: OrganizationId,
    /// The invitation to decline.
    pub invitation: InvitationId,
}

impl Command for DeclineReceivedInvitation {
    type Output = ();
    type Fresh = ();
    const READS_EMAIL: bool = true;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        answer_keys(actor, self.invitation)
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        decline(scene, by_address(scene, self.invitation)?)
    }
}

fn answer_keys(actor: &Actor, invitation: InvitationId) -> Vec<Key> {
    own(actor)
        .map(Key::SentTo)
        .chain([Key::Invitation(invitation, actor.user_id())])
        .collect()
}

/// I3: the open invitation, if the link is the current one and the user shows the invited address.
fn by_link<'a>(scene: &Scene<'a>, token: &InvitationToken) -> Result<&'a Invitation, Refusal> {
    scene.user()?;
    let invitation = scene.state.invitation(token.invitation());
    let invitation = invitation
        .filter(|invitation| invitation.token_hash.matches(token))
        .ok_or(Refusal::InvitationNotFound)?;
    is_open(invitation)?;
    let email = scene.verified_email()?;
    if email.key() != invitation.email.key() {
        return Err(Refusal::WrongAccount {
            invited: invitation.email.clone(),
        });
    }
    Ok(invitation)
}

/// I11: the open invitation, if it is to the user's own address. Others don't exist for them.
fn by_address<'a>(scene: &Scene<'a>, id: InvitationId) -> Result<&'a Invitation, Refusal> {
    scene.user()?;
    let email = scene.verified_email()?;
    let invitation = scene.state.invitation(id);
    let invitation = invitation
        .filter(|invitation| invitation.email.key() == email.key())
        .ok_or(Refusal::InvitationNotFound)?;
    is_open(invitation)?;
    Ok(invitation)
}

fn is_open(invitation: &Invitation) -> Result<(), Refusal> {
    if invitation.is_open() {
        Ok(())
    } else {
        Err(Refusal::InvitationClosed {
            state: invitation.state,
        })
    }
}

/// I4, by the clock.
fn is_in_time(scene: &Scene<'_>, invitation: &Invitation) -> Result<(), Refusal> {
    match invitation.status(scene.now) {
        InvitationStatus::Expired => Err(Refusal::InvitationExpired {
            expired_at: invitation.expires_at,
        }),
        _ => Ok(()),
    }
}

fn decline(scene: &Scene<'_>, invitation: &Invitation) -> Result<Vec<Event>, Refusal> {
    is_in_time(scene, invitation)?;
    scene.changes_go_on()?;
    Ok(vec![Event::InvitationDeclined {
        invitation: invitation.id,
        user: scene.user()?,
    }])
}

fn accept(scene: &Scene<'_>, invitation: &Invitation) -> Result<Vec<Event>, Refusal> {
    let user = scene.user()?;
    is_in_time(scene, invitation)?;
    scene.changes_go_on()?;
    if let Some(member) = scene.state.member(user) {
        counts(scene, member)?;
    }
    inviter_still_may(scene, user, invitation)?;
    let mut events = placement(scene, user, invitation)?;
    if !events.is_empty() {
        is_newer_than_what_happened(scene, user, invitation)?;
    }
    email_is_free(scene, user, invitation.email.key())?;
    events.extend(address_follows(scene, user, invitation)?);
    events.push(Event::InvitationAccepted {
        invitation: invitation.id,
        user,
    });
    Ok(events)
}

/// M2, M4: what was sent before somebody departed, or before their role was lowered, gives them nothing.
fn is_newer_than_what_happened(
    scene: &Scene<'_>,
    user: UserId,
    invitation: &Invitation,
) -> Result<(), Refusal> {
    let state = scene.state;
    let departed = |workspace| state.former_member(user, workspace).map(|f| f.departed_in);
    let organization = [
        departed(None),
        state.member(user).and_then(|member| member.lowered_in),
    ];
    let workspace = invitation.target.workspace().map_or([None; 2], |id| {
        let member = state.workspace_member(id, user);
        [
            departed(Some(id)),
            member.and_then(|member| member.lowered_in),
        ]
    });
    let last = organization.into_iter().chain(workspace).flatten().max();
    if last > Some(invitation.sent_in) {
        return Err(Refusal::InvitationOutdated);
    }
    Ok(())
}

/// M6: a member's address follows what they show, with the consequences of a change.
fn address_follows(
    scene: &Scene<'_>,
    user: UserId,
    invitation: &Invitation,
) -> Result<Vec<Event>, Refusal> {
    match scene.state.member(user) {
        Some(member) if member.email.key() != invitation.email.key() => {
            let to = scene.verified_email()?.address();
            Ok(email_changed(scene, member, to))
        }
        _ => Ok(Vec::new()),
    }
}

/// I1, I7: what a user has to be given to have what the invitation names.
fn placement(
    scene: &Scene<'_>,
    user: UserId,
    invitation: &Invitation,
) -> Result<Vec<Event>, Refusal> {
    let member = scene.state.member(user);
    let mut events = Vec::new();
    let (target, own) = (invitation.target, invitation.own_role);
    let offered = target.in_organization(own);
    match member.map(Member::holding) {
        None => {
            events.push(Event::MemberJoined {
                user,
                email: scene.verified_email()?.address().clone(),
                role: offered.base,
            });
            events.extend(own_role_changes(user, None, None, offered.own));
        }
        Some(held) if held.gains(offered) => {
            events.extend(organization_role_changes(user, held, offered));
        }
        Some(_) => {}
    }
    if let Some((workspace, offered)) = target.in_workspace(own) {
        let held = scene.state.workspace_member(workspace, user);
        let held = held.filter(|held| held.term().counts_at(scene.now));
        let held = held.map(WorkspaceMember::holding);
        if held.is_none_or(|held| held.gains(offered)) {
            events.extend(role_given(scene, workspace, user, offered));
        }
    }
    Ok(events)
}
