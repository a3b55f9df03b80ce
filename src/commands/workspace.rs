use serde::Serialize;

use super::organization::same_invoicing;
use super::revoked;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::{Event, RevocationReason};
use crate::id::{CommitId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::organization::InvoicingInformation;
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::role::WorkspaceRole;
use crate::store::Key;
use crate::text::Name;
use crate::workspace::Workspace;

impl<F> Answer<F> for WorkspaceId {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::WorkspaceCreated { workspace, .. } => Some(*workspace),
            _ => None,
        })
    }
}

/// Creates a workspace (W1). Nobody becomes a member of it; the organization's Admins hold it by cascade.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::QuotaReached`]: it holds as many workspaces as it may (W2).
/// - [`Refusal::WorkspaceNameTaken`]: another workspace of it has that name, compared caselessly (W3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateWorkspace {
    /// The organization that the workspace will be in.
    pub organization: OrganizationId,
    /// Its name, unique in the organization.
    pub name: Name,
}

impl Command for CreateWorkspace {
    type Output = WorkspaceId;
    type Fresh = WorkspaceId;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::WorkspaceNamed(self.name.key()),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, workspace: &WorkspaceId) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::CreateWorkspace)?;
        let usage = organization.quota_usage();
        if usage.remaining() == 0 {
            return Err(Refusal::QuotaReached {
                quota: usage.quota,
                workspaces: usage.workspaces,
            });
        }
        name_is_free(scene, &self.name, None)?;
        Ok(vec![Event::WorkspaceCreated {
            workspace: *workspace,
            name: self.name.clone(),
        }])
    }
}

/// Renames a workspace (W3).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::WorkspaceNameTaken`]: another workspace of the organization has that name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenameWorkspace {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to rename.
    pub workspace: WorkspaceId,
    /// Its new name, unique in the organization.
    pub name: Name,
}

impl Command for RenameWorkspace {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, (self.organization, self.workspace)),
            Key::WorkspaceNamed(self.name.key()),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let workspace = require(
            scene,
            self.organization,
            self.workspace,
            WorkspaceAction::Rename,
        )?;
        if workspace.name == self.name {
            return Ok(Vec::new());
        }
        name_is_free(scene, &self.name, Some(workspace.id))?;
        Ok(vec![Event::WorkspaceRenamed {
            workspace: workspace.id,
            from: workspace.name.clone(),
            to: self.name.clone(),
        }])
    }
}

/// Edits a workspace's own invoicing information, which overrides the organization's as a whole (O5).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Admin nor Accounting of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditWorkspaceInvoicing {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace whose invoicing information changes.
    pub workspace: WorkspaceId,
    /// The whole of the information; `None`: the organization's applies again.
    pub invoicing: Option<InvoicingInformation>,
}

impl Command for EditWorkspaceInvoicing {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, (self.organization, self.workspace))]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let workspace = require(
            scene,
            self.organization,
            self.workspace,
            WorkspaceAction::EditInvoicing,
        )?;
        if same_invoicing(workspace.invoicing.as_ref(), self.invoicing.as_ref()) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::WorkspaceInvoicingEdited {
            workspace: workspace.id,
            invoicing: self.invoicing.clone(),
        }])
    }
}

/// Deletes a workspace, once it is empty: no domain, active or not, and no member but the one who deletes
/// it, whose role goes with it (W4). Open invitations to it are revoked in the same commit.
///
/// Its slot in the quota is free again; the last workspace may be deleted like any other (W1).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither an Admin of it nor of the organization.
/// - [`Refusal::WorkspaceNotEmpty`]: it holds domains or other members; it says how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteWorkspace {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to delete.
    pub workspace: WorkspaceId,
}

/// What went with a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeletedWorkspace {
    /// The direct role of the Admin who deleted it, if they had one.
    pub role: Option<(UserId, WorkspaceRole)>,
    /// The invitations to it that were open.
    pub revoked: Vec<InvitationId>,
}

impl<F> Answer<F> for DeletedWorkspace {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        let role = events.iter().find_map(|event| match event {
            Event::WorkspaceRoleTaken { user, role, .. } => Some((*user, *role)),
            _ => None,
        });
        Some(Self {
            role,
            revoked: revoked(events),
        })
    }
}

impl Command for DeleteWorkspace {
    type Output = DeletedWorkspace;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, (self.organization, self.workspace)),
            Key::OpenInvitations(Some(self.workspace)),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let workspace = require(
            scene,
            self.organization,
            self.workspace,
            WorkspaceAction::Delete,
        )?;
        let user = scene.user()?;
        let own = scene.state.workspace_member(workspace.id, user);
        let members = workspace.members.saturating_sub(u32::from(own.is_some()));
        if workspace.domains > 0 || members > 0 {
            return Err(Refusal::WorkspaceNotEmpty {
                domains: workspace.domains,
                members,
            });
        }
        let mut events: Vec<_> = scene
            .state
            .open_invitations_into(workspace.id)
            .map(|invitation| Event::InvitationRevoked {
                invitation: invitation.id,
                reason: RevocationReason::WorkspaceDeleted,
            })
            .collect();
        events.extend(own.map(|own| Event::WorkspaceRoleTaken {
            workspace: own.workspace,
            user,
            role: own.role,
        }));
        events.push(Event::WorkspaceDeleted {
            workspace: workspace.id,
            name: workspace.name.clone(),
        });
        Ok(events)
    }
}

/// The workspace, if the actor may.
pub(super) fn require<'a>(
    scene: &Scene<'a>,
    organization: OrganizationId,
    workspace: WorkspaceId,
    action: WorkspaceAction,
) -> Result<&'a Workspace, Refusal> {
    let on = (organization, workspace);
    scene.require(on, action)?;
    scene.state.workspace(workspace).ok_or(Refusal::NotFound {
        resource: on.into(),
    })
}

/// W3: names are unique in the organization.
fn name_is_free(scene: &Scene<'_>, name: &Name, but: Option<WorkspaceId>) -> Result<(), Refusal> {
    match scene.state.workspace_named(&name.key()) {
        Some(other) if Some(other.id) != but => {
            Err(Refusal::WorkspaceNameTaken { name: name.clone() })
        }
        _ => Ok(()),
    }
}
