//! Ends: of a membership, and of a role in a workspace (T3).

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::member::{Revoked, another_admin_remains_without, member, revocations};
use super::suspension::all_sent_by;
use super::workspace_member::no_longer_good;
use crate::actor::Actor;
use crate::command::{Command, Scene, path, whole_milliseconds};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId, UserId, WorkspaceId};
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::state::is_nearer;
use crate::store::Key;

/// Lets a membership end at a time, at another one than before, or not at all (T3).
///
/// From then on, by the clock, nothing that the member holds in the organization counts, in any decision or list,
/// and nothing that they had sent lets anybody in (I6). The record stays, and the member stays listed, as ended,
/// until they are removed or the end is set later. An end that has passed already ends it at once: then the open
/// invitations that they sent are revoked in the same commit, and the answer lists them. A time is kept in whole
/// milliseconds. Setting the end that is set changes nothing.
///
/// When the time comes, nothing is written: no event tells of it. A host that wants to act then keeps the time from
/// this command's event. To add somebody until a time, set the end once they have accepted; until then they last.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::MemberNotFound`]: the user is not a member.
/// - [`Refusal::LastAdmin`]: it would leave the organization without an Admin who lasts (T2).
///
/// ```
/// # use tenancy::{*, commands::*, store::*};
/// # async fn contract(tenancy: Tenancy<MemoryRepository>, ann: Actor, organization: OrganizationId, user: UserId)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let until = Some("2027-01-01T00:00:00Z".parse()?);
/// tenancy.execute(&ann, SetMembershipEnd { organization, user, until }).await?;
/// tenancy.execute(&ann, SetMembershipEnd { organization, user, until: None }).await?; // they stay, after all
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetMembershipEnd {
    /// The organization that the membership is of.
    pub organization: OrganizationId,
    /// The member.
    pub user: UserId,
    /// From when on it counts for nothing; `None`: it lasts.
    pub until: Option<DateTime<Utc>>,
}

impl Command for SetMembershipEnd {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Path(self.user, self.organization.into()),
            Key::SentBy(self.user),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::EndMembership)?;
        let member = member(scene, self.user)?;
        let until = self.until.map(whole_milliseconds);
        if member.until == until {
            return Ok(Vec::new());
        }
        if until.is_some() {
            another_admin_remains_without(scene, member)?;
        }
        let mut events = vec![Event::MembershipEndSet {
            user: member.user,
            from: member.until,
            to: until,
        }];
        if has_come(scene, until) {
            events.extend(all_sent_by(scene, member.user));
        }
        Ok(events)
    }
}

/// Lets somebody's role in a workspace end at a time, at another one than before, or not at all (T3).
///
/// From then on, by the clock, the role counts for nothing; what a cascade gives stays, and so does the membership
/// of the organization. The record stays listed, as ended, until the role is taken away, given anew or its end is
/// set later. An end that is set, or that comes nearer, lowers the role: open invitations of theirs into the
/// workspace are revoked in the same commit (M4), and if it ends at once, those too that they could no longer send
/// (I6); the answer lists them. A time is kept in whole milliseconds. Setting the end that is set changes nothing.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::MemberNotFound`]: the user holds no role in the workspace.
///
/// ```
/// # use tenancy::{*, commands::*, store::*};
/// # async fn visit(tenancy: Tenancy<MemoryRepository>, ann: Actor, on: (OrganizationId, WorkspaceId), user: UserId)
/// # -> Result<(), Box<dyn std::error::Error>> {
/// let (organization, workspace) = on;
/// let until = Some("2026-12-01T17:00:00Z".parse()?);
/// tenancy.execute(&ann, SetWorkspaceRoleEnd { organization, workspace, user, until }).await?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetWorkspaceRoleEnd {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace that the role is in.
    pub workspace: WorkspaceId,
    /// The workspace member.
    pub user: UserId,
    /// From when on it counts for nothing; `None`: it lasts.
    pub until: Option<DateTime<Utc>>,
}

impl Command for SetWorkspaceRoleEnd {
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
        let user = self.user;
        scene.require(
            (self.organization, self.workspace),
            WorkspaceAction::ManageRoles,
        )?;
        let held = scene.state.workspace_member(self.workspace, user);
        let held = held.ok_or(Refusal::MemberNotFound { user })?;
        let until = self.until.map(whole_milliseconds);
        if held.until == until {
            return Ok(Vec::new());
        }
        let mut events = vec![Event::WorkspaceRoleEndSet {
            workspace: self.workspace,
            user,
            from: held.until,
            to: until,
        }];
        let nearer = is_nearer(until, held.until);
        if let Some(member) = scene.state.member(user).filter(|_| nearer) {
            events.extend(if has_come(scene, until) {
                no_longer_good(scene, self.workspace, member, None)
            } else {
                let to_them = scene.state.open_invitations_to(member.email.key());
                let to_them =
                    to_them.filter(|sent| sent.target.workspace() == Some(self.workspace));
                revocations(Vec::new(), to_them.map(|sent| sent.id))
            });
        }
        Ok(events)
    }
}

fn has_come(scene: &Scene<'_>, end: Option<DateTime<Utc>>) -> bool {
    end.is_some_and(|end| end <= scene.now)
}
