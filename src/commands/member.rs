use serde::Serialize;

use std::collections::{BTreeMap, BTreeSet};

use super::authority::no_longer_sendable;
use super::revoked;
use super::role::{organization_role, organization_role_changes};
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::{Event, RevocationReason};
use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::member::{Member, Term, WorkspaceMember};
use crate::own_role::{AsRole, Holding, as_role};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::standing::Held;
use crate::store::Key;
use crate::text::{EmailAddress, EmailKey};

/// The invitations that a command about people revoked (I6).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Revoked {
    /// Each of them.
    pub invitations: Vec<InvitationId>,
}

/// All that went with a member (M2): what a host needs to end sessions and keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Departure {
    /// The user who departed.
    pub user: UserId,
    /// The role that they had in the organization.
    pub role: OrganizationRole,
    /// The roles that they had in workspaces.
    pub workspaces: Vec<(WorkspaceId, WorkspaceRole)>,
    /// The open invitations to their address, and those that they had sent.
    pub revoked: Vec<InvitationId>,
}

impl<F> Answer<F> for Revoked {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        Some(Self {
            invitations: revoked(events),
        })
    }
}

impl<F> Answer<F> for Departure {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        let (user, role) = events.iter().find_map(|event| match event {
            Event::MemberRemoved { user, role } | Event::MemberLeft { user, role } => {
                Some((*user, *role))
            }
            _ => None,
        })?;
        let workspaces = events.iter().filter_map(|event| match event {
            Event::WorkspaceRoleTaken {
                workspace, role, ..
            } => Some((*workspace, *role)),
            _ => None,
        });
        Some(Self {
            user,
            role,
            workspaces: workspaces.collect(),
            revoked: revoked(events),
        })
    }
}

/// Changes a member's role in an organization (M5).
///
/// A demotion revokes, in the same commit, the open invitations that the member could no longer send (I6),
/// and those to their address that would give back what was taken (M4); the answer lists them. Workspace
/// roles stay, and so do a suspension and an end (T1, T3).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::MemberNotFound`]: the user is not a member.
/// - [`Refusal::RoleNotFound`], [`Refusal::RoleIsRetired`]: the role of the organization's own isn't one to give there.
/// - [`Refusal::LastAdmin`]: it would leave the organization without an Admin who lasts (O4, T2).
/// - [`Refusal::LimitReached`]: it would raise a member from a role that needs no seat to one that does, and none
///   is left (Q4). A demotion is never refused for a seat (Q1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(bound = "R: AsRole<OrganizationRole>")]
pub struct ChangeOrganizationRole<R = OrganizationRole> {
    /// The organization in which the role changes.
    pub organization: OrganizationId,
    /// The member whose role changes.
    pub user: UserId,
    /// Their new role: an [`OrganizationRole`], or the [`RoleNumber`](crate::RoleNumber) of one of the organization's
    /// own (R6).
    #[serde(serialize_with = "as_role::<OrganizationRole, R, _>")]
    pub role: R,
}

impl<R: AsRole<OrganizationRole>> Command for ChangeOrganizationRole<R> {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Person(self.user),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::ManageRoles)?;
        let member = member(scene, self.user)?;
        let (from, to) = (
            member.holding(),
            organization_role(scene, self.role.into())?,
        );
        if from == to {
            return Ok(Vec::new());
        }
        another_admin_remains_without(scene, member)?;
        Ok(role_changed(scene, member, to))
    }
}

/// Removes a member from an organization (M2).
///
/// In the same commit go: every workspace role of theirs, every open invitation to their address, and
/// the open invitations that they sent (I6). The answer lists it all.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::MemberNotFound`]: the user is not a member.
/// - [`Refusal::LastAdmin`]: it would leave the organization without an Admin who lasts (O4, T2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RemoveMember {
    /// The organization to remove them from.
    pub organization: OrganizationId,
    /// The member to remove.
    pub user: UserId,
}

impl Command for RemoveMember {
    type Output = Departure;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Person(self.user),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::RemoveMember)?;
        let member = member(scene, self.user)?;
        depart(
            scene,
            member,
            Event::MemberRemoved {
                user: member.user,
                role: member.role,
            },
        )
    }
}

/// Leaves an organization, by oneself (M3). Goes with it: the same as with [`RemoveMember`]. Who is suspended,
/// or whose membership has ended, may leave as well.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor is not a member.
/// - [`Refusal::LastAdmin`]: it would leave the organization without an Admin who lasts (O4, T2).
/// - [`Refusal::OrganizationSuspended`]: the organization is suspended (T4).
/// - [`Refusal::UserRequired`]: an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeaveOrganization {
    /// The organization to leave.
    pub organization: OrganizationId,
}

impl Command for LeaveOrganization {
    type Output = Departure;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        own(actor)
            .flat_map(|user| [Key::Person(user), Key::SentBy(user)])
            .collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let resource = self.organization.into();
        let member = scene
            .state
            .member(scene.user()?)
            .ok_or(Refusal::NotFound { resource })?;
        scene.changes_go_on()?;
        depart(
            scene,
            member,
            Event::MemberLeft {
                user: member.user,
                role: member.role,
            },
        )
    }
}

/// Follows a change of the actor's e-mail address into an organization that they are a member of: the
/// membership has the address that the actor has verified now (M6).
///
/// The open invitations to the address before are revoked, as they were meant for this member; the
/// answer lists them. A host calls it for each of the user's organizations
/// ([`Tenancy::organizations`](crate::Tenancy::organizations)), those where they are suspended included.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor is not a member.
/// - [`Refusal::EmailUnverified`]: the actor has no verified address.
/// - [`Refusal::EmailInUse`]: another member of the organization has that address.
/// - [`Refusal::OrganizationSuspended`]: the organization is suspended (T4).
/// - [`Refusal::UserRequired`]: an operator asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowEmailChange {
    /// The organization whose membership follows the change.
    pub organization: OrganizationId,
}

impl Command for FollowEmailChange {
    type Output = Revoked;
    type Fresh = ();
    const READS_EMAIL: bool = true;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        let email = actor.verified_email();
        let address = email.map(|email| Key::Address(email.key().clone(), None));
        own(actor).map(Key::SentTo).chain(address).collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let resource = self.organization.into();
        let member = scene
            .state
            .member(scene.user()?)
            .ok_or(Refusal::NotFound { resource })?;
        scene.changes_go_on()?;
        let to = scene.verified_email()?.address();
        // Compared as it is displayed: the same mailbox in other letters is a change too.
        if member.email.is_typed_as(to) {
            return Ok(Vec::new());
        }
        email_is_free(scene, member.user, to.key())?;
        Ok(email_changed(scene, member, to))
    }
}

/// M6: within an organization an address is one member's.
pub(super) fn email_is_free(
    scene: &Scene<'_>,
    user: UserId,
    email: &EmailKey,
) -> Result<(), Refusal> {
    let mut members = scene.state.members_with_email(email);
    if members.any(|member| member.user != user) {
        return Err(Refusal::EmailInUse);
    }
    Ok(())
}

/// M6: another address, and the end of what was sent to the one before.
pub(super) fn email_changed(scene: &Scene<'_>, member: &Member, to: &EmailAddress) -> Vec<Event> {
    let from = &member.email;
    let mut events = vec![Event::MemberEmailChanged {
        user: member.user,
        from: from.clone(),
        to: to.clone(),
    }];
    if from.key() != to.key() {
        let orphaned = scene.state.open_invitations_to(from.key());
        events.extend(orphaned.map(|invitation| Event::InvitationRevoked {
            invitation: invitation.id,
            reason: RevocationReason::AddressChanged,
        }));
    }
    events
}

/// The invitations that die with somebody's role: those that they could no longer send, and those to them
/// that would give it back (M4). Each once.
pub(super) fn revocations(
    by_them: Vec<Event>,
    to_them: impl Iterator<Item = InvitationId>,
) -> Vec<Event> {
    let mut seen: BTreeSet<InvitationId> = revoked(&by_them).into_iter().collect();
    let mut events = by_them;
    events.extend(to_them.filter(|id| seen.insert(*id)).map(|invitation| {
        Event::InvitationRevoked {
            invitation,
            reason: RevocationReason::AddresseeLowered,
        }
    }));
    events
}

pub(super) fn own(actor: &Actor) -> impl Iterator<Item = UserId> {
    actor.user_id().into_iter()
}

pub(super) fn member<'a>(scene: &Scene<'a>, user: UserId) -> Result<&'a Member, Refusal> {
    scene
        .state
        .member(user)
        .ok_or(Refusal::MemberNotFound { user })
}

/// T1, T3: whether a membership counts now.
pub(super) fn counts(scene: &Scene<'_>, member: &Member) -> Result<(), Refusal> {
    match member.term() {
        Term::Suspended => Err(Refusal::MembershipSuspended),
        Term::Until(ended_at) if ended_at <= scene.now => {
            Err(Refusal::MembershipEnded { ended_at })
        }
        Term::Until(_) | Term::Open => Ok(()),
    }
}

/// O4 and T2, asked before a member goes, or is an Admin who lasts no longer.
pub(super) fn another_admin_remains_without(
    scene: &Scene<'_>,
    member: &Member,
) -> Result<(), Refusal> {
    match scene.state.organization() {
        _ if !member.is_lasting_admin() => Ok(()),
        Some(organization) if organization.counts.admins > 1 => Ok(()),
        _ => Err(Refusal::LastAdmin),
    }
}

/// M5: another role, and the end of the invitations that it was needed for (I6) or that would give it back (M4).
pub(super) fn role_changed(
    scene: &Scene<'_>,
    member: &Member,
    to: Holding<OrganizationRole>,
) -> Vec<Event> {
    let from = member.holding();
    let mut events = organization_role_changes(member.user, from, to);
    if from.is_lowered_to(to) {
        let after = |held: &mut Held| held.organization_role = Some(to.base);
        let by_them = no_longer_sendable(scene, member.user, |_| true, after);
        let to_them = scene.state.open_invitations_to(member.email.key());
        let to_them = to_them.filter(|invitation| {
            let (target, own) = (invitation.target, invitation.own_role);
            match target.in_workspace(own) {
                None => !to.includes(target.in_organization(own)),
                Some((workspace, offered)) => {
                    let held = scene.state.workspace_member(workspace, member.user);
                    let held = held.filter(|held| held.term().counts_at(scene.now));
                    held.is_none_or(|held| !held.holding().includes(offered))
                }
            }
        });
        events.extend(revocations(
            by_them,
            to_them.map(|invitation| invitation.id),
        ));
    }
    events
}

/// M2 for whoever may go.
fn depart(scene: &Scene<'_>, member: &Member, last: Event) -> Result<Vec<Event>, Refusal> {
    another_admin_remains_without(scene, member)?;
    Ok(departure(scene, member, last))
}

/// M2: all that goes with a member, and then the member.
pub(super) fn departure(scene: &Scene<'_>, member: &Member, last: Event) -> Vec<Event> {
    let to_them = scene.state.open_invitations_to(member.email.key());
    let by_them = scene.state.open_invitations_by(member.user);
    let mut revoked = BTreeMap::new();
    revoked
        .extend(by_them.map(|invitation| (invitation.id, RevocationReason::InviterLostAuthority)));
    revoked.extend(to_them.map(|invitation| (invitation.id, RevocationReason::AddresseeLeft)));

    let mut events: Vec<_> = scene
        .state
        .workspaces_of(member.user)
        .map(role_taken)
        .collect();
    events.extend(
        revoked
            .into_iter()
            .map(|(invitation, reason)| Event::InvitationRevoked { invitation, reason }),
    );
    events.push(last);
    events
}

pub(super) fn role_taken(held: &WorkspaceMember) -> Event {
    Event::WorkspaceRoleTaken {
        workspace: held.workspace,
        user: held.user,
        role: held.role,
    }
}
