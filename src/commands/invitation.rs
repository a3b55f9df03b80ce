use serde::Serialize;

use chrono::{DateTime, TimeDelta, Utc};

use super::authority::{may_send, resource};
use super::member::counts;
use super::role::{is_in_force, organization_role, workspace_role};
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::{Event, RevocationReason};
use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationOffer, InvitationTarget};
use crate::organization::Organization;
use crate::own_role::{AsRole, Holding, RoleNumber, as_role};
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::store::Key;
use crate::text::EmailAddress;
use crate::token::{InvitationSecret, InvitationToken, TokenHash};

/// An invitation that was sent or renewed.
#[derive(Clone, Debug, Serialize)]
pub struct Invited {
    /// The invitation's id, by which it is resent and revoked.
    pub invitation: InvitationId,
    /// The address that it is for, as it was typed when it was first sent.
    pub email: EmailAddress,
    /// What goes into the link that the host mails. It is here once: put it into the mail, and nowhere
    /// else. `None` if this is a repetition of a commit that was made before; its token went to whoever
    /// asked first, and [`ResendInvitation`] makes a new one, once
    /// [`resend_pause`](crate::Settings::resend_pause) is over. A host that mails from an outbox needs it not: with a key
    /// for links it makes them again ([`Tenancy::with_link_keys`](crate::Tenancy::with_link_keys)).
    ///
    /// It is left out where the answer is serialized: what a client is told holds no secret.
    #[serde(skip)]
    pub token: Option<InvitationToken>,
    /// Whether an open invitation was renewed; its link before is dead (I5).
    pub renewed: bool,
    /// When the link expires (I4).
    pub expires_at: DateTime<Utc>,
}

/// Its link is there for whoever made it; a repetition gets none.
pub(super) fn invited<'a>(
    organization: OrganizationId,
    events: impl IntoIterator<Item = &'a Event>,
    secret: Option<&InvitationSecret>,
) -> Option<Invited> {
    let (invitation, email, expires_at, renewed) =
        events.into_iter().find_map(|event| match event {
            Event::InvitationSent {
                invitation,
                email,
                expires_at,
                ..
            } => Some((*invitation, email.clone(), *expires_at, false)),
            Event::InvitationRenewed {
                invitation,
                email,
                expires_at,
                ..
            } => Some((*invitation, email.clone(), *expires_at, true)),
            _ => None,
        })?;
    let token = secret.map(|secret| InvitationToken::new(organization, invitation, secret));
    Some(Invited {
        invitation,
        email,
        token,
        renewed,
        expires_at,
    })
}

impl Answer<InvitationSecret> for Invited {
    fn read(
        organization: OrganizationId,
        events: &[Event],
        fresh: Option<&InvitationSecret>,
    ) -> Option<Self> {
        invited(organization, events, fresh)
    }
}

impl Answer<(InvitationId, InvitationSecret)> for Invited {
    fn read(
        organization: OrganizationId,
        events: &[Event],
        fresh: Option<&(InvitationId, InvitationSecret)>,
    ) -> Option<Self> {
        invited(organization, events, fresh.map(|(_, secret)| secret))
    }
}

/// Invites an address to an organization, with an organization role (I1).
///
/// If an invitation of that address to the organization is open, this renews it: new role, new link, new
/// inviter of record; the old link dies (I5). The host mails the link with [`Invited::token`].
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it (I2).
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to give there.
/// - [`Refusal::AlreadyHasRole`]: a member with that address has the role, or a higher one, or another role of the
///   organization's own with that base (I5): an invitation takes nothing away. Change their role instead.
/// - [`Refusal::MembershipSuspended`], [`Refusal::MembershipEnded`]: a member with that address has roles that
///   don't count; reinstate or prolong the membership (T1, T3).
/// - [`Refusal::TooManyInvitations`]: the organization holds as many open ones as it may (I8).
/// - [`Refusal::ResentTooSoon`]: its last link was made less than a minute ago (I8).
/// - [`Refusal::TooManyLinks`]: the organization made as many links today as it may (I8).
/// - [`Refusal::LimitReached`]: no seat is left for who is no member yet, and would need one (Q3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound = "R: AsRole<OrganizationRole>")]
pub struct InviteToOrganization<R = OrganizationRole> {
    /// The organization to invite to.
    pub organization: OrganizationId,
    /// Who is invited.
    pub email: EmailAddress,
    /// The role that accepting gives: an [`OrganizationRole`], or the [`RoleNumber`] of one of the organization's own
    /// (R6).
    #[serde(serialize_with = "as_role::<OrganizationRole, R, _>")]
    pub role: R,
}

impl<R: AsRole<OrganizationRole>> Command for InviteToOrganization<R> {
    type Output = Invited;
    type Fresh = (InvitationId, InvitationSecret);

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Address(self.email.key().clone(), None),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, fresh: &Self::Fresh) -> Result<Vec<Event>, Refusal> {
        let resource = self.organization.into();
        may_send(scene, self.email.key(), resource)?;
        let role = self.role.into();
        let offered = offered(scene, InvitationOffer::Organization { role })?;
        invite(scene, &self.email, offered, fresh)
    }
}

/// Invites an address to a workspace, with a workspace role (I1). Accepting also makes the person an
/// organization Member (M1).
///
/// If an invitation of that address to the workspace is open, this renews it, as
/// [`InviteToOrganization`] does.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Admin of it nor of the organization; or the address
///   belongs to no member yet, and the actor is not an Admin of the organization (I2).
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to give there.
/// - [`Refusal::AlreadyHasRole`]: a member with that address has the role, or one that an invitation doesn't replace, by
///   cascade too (I5).
/// - [`Refusal::MembershipSuspended`], [`Refusal::MembershipEnded`]: a member with that address has roles that
///   don't count, and the actor is an Admin of the organization, who may reinstate or prolong the membership; to
///   others the address is one that belongs to no member.
/// - [`Refusal::TooManyInvitations`]: the organization holds as many open ones as it may (I8).
/// - [`Refusal::ResentTooSoon`]: its last link was made less than a minute ago (I8).
/// - [`Refusal::TooManyLinks`]: the organization made as many links today as it may (I8).
/// - [`Refusal::LimitReached`]: no seat is left for who is no member yet (Q3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound = "R: AsRole<WorkspaceRole>")]
pub struct InviteToWorkspace<R = WorkspaceRole> {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to invite to.
    pub workspace: WorkspaceId,
    /// Who is invited.
    pub email: EmailAddress,
    /// The role that accepting gives: a [`WorkspaceRole`], or the [`RoleNumber`] of one of the organization's own
    /// (R6).
    #[serde(serialize_with = "as_role::<WorkspaceRole, R, _>")]
    pub role: R,
}

impl<R: AsRole<WorkspaceRole>> Command for InviteToWorkspace<R> {
    type Output = Invited;
    type Fresh = (InvitationId, InvitationSecret);

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, (self.organization, self.workspace)),
            Key::Address(self.email.key().clone(), Some(self.workspace)),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, fresh: &Self::Fresh) -> Result<Vec<Event>, Refusal> {
        let resource = (self.organization, self.workspace).into();
        may_send(scene, self.email.key(), resource)?;
        let (workspace, role) = (self.workspace, self.role.into());
        let offered = offered(scene, InvitationOffer::Workspace { workspace, role })?;
        invite(scene, &self.email, offered, fresh)
    }
}

/// R6: what an invitation is to, and the role of the organization's own that it offers, if that may be given.
pub(super) fn offered(
    scene: &Scene<'_>,
    offer: InvitationOffer,
) -> Result<(InvitationTarget, Option<RoleNumber>), Refusal> {
    match offer {
        InvitationOffer::Organization { role } => {
            let Holding { base: role, own } = organization_role(scene, role)?;
            Ok((InvitationTarget::Organization { role }, own))
        }
        InvitationOffer::Workspace { workspace, role } => {
            let Holding { base: role, own } = workspace_role(scene, role)?;
            Ok((InvitationTarget::Workspace { workspace, role }, own))
        }
    }
}

/// Sends an open invitation again: new link, new expiry, new inviter of record; same address, same role.
/// The old link dies (I5). Works for an expired one too (I4).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor may not send such an invitation (I2).
/// - [`Refusal::InvitationNotFound`]: there is no such invitation.
/// - [`Refusal::InvitationClosed`]: it was accepted, declined or revoked (I5).
/// - [`Refusal::RoleIsRetired`]: it offers a role of the organization's own that was retired since (R7).
/// - [`Refusal::AlreadyHasRole`]: a member with that address has the role by now, or one that an invitation doesn't
///   replace.
/// - [`Refusal::MembershipSuspended`], [`Refusal::MembershipEnded`]: a member with that address has roles that
///   don't count (T1, T3).
/// - [`Refusal::OrganizationDeleted`]: an operator asks, and the organization is deleted.
/// - [`Refusal::ResentTooSoon`]: its last link was made less than a minute ago, or however long
///   [`Settings::resend_pause`](crate::Settings::resend_pause) says (I8).
/// - [`Refusal::TooManyLinks`]: the organization made as many links today as it may
///   ([`Settings::daily_link_limit`](crate::Settings::daily_link_limit), I8).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ResendInvitation {
    /// The organization that invites.
    pub organization: OrganizationId,
    /// The invitation to send again.
    pub invitation: InvitationId,
}

impl Command for ResendInvitation {
    type Output = Invited;
    type Fresh = InvitationSecret;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        manage_keys(actor, self.organization, self.invitation)
    }

    fn decide(&self, scene: &Scene<'_>, secret: &InvitationSecret) -> Result<Vec<Event>, Refusal> {
        let (user, invitation) = managed(scene, self.organization, self.invitation)?;
        let (target, own) = (invitation.target, invitation.own_role);
        is_in_force(scene, own)?;
        gives_something(scene, &invitation.email, (target, own))?;
        Ok(vec![renewal(scene, user, invitation, target, secret)?])
    }
}

/// Takes an open invitation back: its link dies (I5).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor may not send such an invitation (I2).
/// - [`Refusal::InvitationNotFound`]: there is no such invitation.
/// - [`Refusal::InvitationClosed`]: it was accepted, declined or revoked before (I5).
/// - [`Refusal::OrganizationDeleted`]: an operator asks, and the organization is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RevokeInvitation {
    /// The organization that invited.
    pub organization: OrganizationId,
    /// The invitation to take back.
    pub invitation: InvitationId,
}

impl Command for RevokeInvitation {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        manage_keys(actor, self.organization, self.invitation)
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (_, invitation) = managed(scene, self.organization, self.invitation)?;
        Ok(vec![Event::InvitationRevoked {
            invitation: invitation.id,
            reason: RevocationReason::Requested,
        }])
    }
}

pub(super) fn invite(
    scene: &Scene<'_>,
    email: &EmailAddress,
    (target, own): Offered,
    (id, secret): &(InvitationId, InvitationSecret),
) -> Result<Vec<Event>, Refusal> {
    let user = scene.user()?;
    gives_something(scene, email, (target, own))?;
    let mut open = scene.state.open_invitations_to(email.key());
    if let Some(open) = open.find(|open| open.target.workspace() == target.workspace()) {
        let renewed = renewal(scene, user, open, target, secret)?;
        let offered = own_role_offered(open.id, open.own_role, own);
        return Ok([renewed].into_iter().chain(offered).collect());
    }
    let limit = scene.settings.pending_invitation_limit;
    let held = scene
        .state
        .organization()
        .map_or(0, |organization| organization.counts.invitations);
    if held >= limit {
        return Err(Refusal::TooManyInvitations { limit });
    }
    one_more_link(scene)?;
    let sent = Event::InvitationSent {
        invitation: *id,
        email: email.clone(),
        target,
        inviter: user,
        token_hash: Some(hash(scene, *id, secret)),
        expires_at: expiry(scene),
    };
    let offered = own_role_offered(*id, None, own);
    Ok([sent].into_iter().chain(offered).collect())
}

/// What an invitation is to, and the role of the organization's own whose base the target's role is.
type Offered = (InvitationTarget, Option<RoleNumber>);

fn own_role_offered(
    invitation: InvitationId,
    from: Option<RoleNumber>,
    to: Option<RoleNumber>,
) -> Option<Event> {
    (from != to).then_some(Event::OwnRoleOffered {
        invitation,
        from,
        to,
    })
}

/// I8: an organization makes so many links a day, and no more.
fn one_more_link(scene: &Scene<'_>) -> Result<(), Refusal> {
    let limit = scene.settings.daily_link_limit;
    let links = scene.state.organization().map(|row| row.links);
    match links.filter(|links| links.on(scene.now) >= limit) {
        Some(links) => Err(Refusal::TooManyLinks {
            limit,
            again_at: links.next_day(scene.now),
        }),
        None => Ok(()),
    }
}

fn renewal(
    scene: &Scene<'_>,
    inviter: UserId,
    open: &Invitation,
    target: InvitationTarget,
    secret: &InvitationSecret,
) -> Result<Event, Refusal> {
    // I8: a person isn't flooded with mail.
    let pause = TimeDelta::from_std(scene.settings.resend_pause).unwrap_or(TimeDelta::MAX);
    let again_at = open.sent_at.checked_add_signed(pause);
    let again_at = again_at.unwrap_or(DateTime::<Utc>::MAX_UTC);
    if scene.now < again_at {
        return Err(Refusal::ResentTooSoon { again_at });
    }
    one_more_link(scene)?;
    Ok(Event::InvitationRenewed {
        invitation: open.id,
        email: open.email.clone(),
        target,
        inviter,
        token_hash: Some(hash(scene, open.id, secret)),
        expires_at: expiry(scene),
    })
}

fn hash(scene: &Scene<'_>, invitation: InvitationId, secret: &InvitationSecret) -> TokenHash {
    InvitationToken::new(scene.state.id(), invitation, secret).hash()
}

/// I4. A clock near the end of time makes an invitation that is expired, not a panic.
fn expiry(scene: &Scene<'_>) -> DateTime<Utc> {
    let validity = scene.settings.invitation_validity.as_delta();
    scene.now.checked_add_signed(validity).unwrap_or(scene.now)
}

/// I5: inviting somebody to what they have already, or to what accepting wouldn't give them (I7), is refused; T1, T3: so
/// is inviting a member whose membership doesn't count, as accepting wouldn't bring it back. What it is that they have
/// is not told: who may invite to a workspace need not know of roles in the organization.
fn gives_something(
    scene: &Scene<'_>,
    email: &EmailAddress,
    (target, own): Offered,
) -> Result<(), Refusal> {
    for member in scene.state.members_with_email(email.key()) {
        counts(scene, member)?;
        let gains_nothing = match target.in_workspace(own) {
            None => !member.holding().gains(target.in_organization(own)),
            Some((workspace, offered)) => {
                let held = scene.state.workspace_member(workspace, member.user);
                let held = held.filter(|held| held.term().counts_at(scene.now));
                member.role == OrganizationRole::Admin
                    || held.is_some_and(|held| !held.holding().gains(offered))
            }
        };
        if gains_nothing {
            let offered = InvitationOffer::of(target, own);
            return Err(Refusal::AlreadyHasRole { offered });
        }
    }
    Ok(())
}

fn manage_keys(actor: &Actor, organization: OrganizationId, invitation: InvitationId) -> Vec<Key> {
    vec![
        path(actor, organization),
        Key::Invitation(invitation, actor.user_id()),
    ]
}

/// The open invitation, if the actor may send it, and so resend and revoke it (I5).
///
/// Who may not view it gets the same answer as if it didn't exist: that of the organization's row.
fn managed<'a>(
    scene: &Scene<'a>,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<(UserId, &'a Invitation), Refusal> {
    // O6: all were closed with it, and who may still look at them is told why.
    if scene
        .state
        .organization()
        .is_some_and(Organization::is_deleted)
    {
        scene.require(organization, OrganizationAction::ViewInvitations)?;
        return Err(Refusal::OrganizationDeleted);
    }
    let invitation = viewable(scene, organization, id)?;
    if !invitation.is_open() {
        return Err(Refusal::InvitationClosed {
            state: invitation.state,
        });
    }
    let resource = resource(scene, &invitation.target);
    may_send(scene, invitation.email.key(), resource)?;
    Ok((scene.user()?, invitation))
}

/// The invitation, if the actor may view it.
pub(crate) fn viewable<'a>(
    scene: &Scene<'a>,
    organization: OrganizationId,
    id: InvitationId,
) -> Result<&'a Invitation, Refusal> {
    let invitation = scene.state.invitation(id);
    if let Some(invitation) = invitation.filter(|invitation| may_view(scene, invitation)) {
        return Ok(invitation);
    }
    scene.require(organization, OrganizationAction::ViewInvitations)?;
    Err(Refusal::InvitationNotFound)
}

fn may_view(scene: &Scene<'_>, invitation: &Invitation) -> bool {
    let organization = scene.state.id();
    let everywhere = scene.require(organization, OrganizationAction::ViewInvitations);
    // Asked of the organization first: the workspace of a closed one may be gone.
    everywhere.is_ok()
        || invitation.target.workspace().is_some_and(|id| {
            scene
                .require((organization, id), WorkspaceAction::ViewInvitations)
                .is_ok()
        })
}
