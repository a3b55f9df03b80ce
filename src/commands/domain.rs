use serde::Serialize;

use super::workspace::require as require_workspace;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::domain::{Domain, DomainKind, DomainStatus};
use crate::event::Event;
use crate::grants::Code;
use crate::id::{CommitId, DomainId, OrganizationId, WorkspaceId};
use crate::limits::{Limit, LimitUsage};
use crate::policy::{Action, DomainAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::role::RoleSet;
use crate::store::Key;
use crate::text::DomainName;

impl<F> Answer<F> for DomainId {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::DomainCreated { domain, .. } => Some(*domain),
            _ => None,
        })
    }
}

/// Creates a domain in a workspace (D1).
///
/// The name may be that of a deleted domain of the same organization (D2).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Developer nor Admin of it, nor Admin of the
///   organization.
/// - [`Refusal::DomainNameTaken`]: the name belongs to another domain, or to a deleted one of another
///   organization.
/// - [`Refusal::LimitReached`]: the organization has as many domains as it may, kept names included, or the
///   workspace has (Q2). A kept name that is used again is counted already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateDomain {
    /// The organization that the workspace is in.
    pub organization: OrganizationId,
    /// The workspace to create it in.
    pub workspace: WorkspaceId,
    /// Its name, unique across the whole deployment.
    pub name: DomainName,
    /// Sandbox or production, for ever.
    pub kind: DomainKind,
}

impl Command for CreateDomain {
    type Output = DomainId;
    type Fresh = DomainId;

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, (self.organization, self.workspace)),
            Key::DomainNamed(self.name.clone()),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, domain: &DomainId) -> Result<Vec<Event>, Refusal> {
        let action = WorkspaceAction::CreateDomain;
        let organization = scene.require((self.organization, self.workspace), action)?;
        let workspace = require_workspace(scene, self.organization, self.workspace, action)?;
        // Refused here where the name is that of a domain beside it, which the actor sees. Any other one, in
        // a workspace that may be hidden from them or in another organization, is told apart by nothing, not
        // even by a round trip: for all of them the claim says no (A2).
        let named = scene.state.domain_named(&self.name);
        if named.is_some_and(|domain| domain.workspace == workspace.id) {
            return Err(Refusal::DomainNameTaken {
                name: self.name.clone(),
            });
        }
        let is_kept = scene.state.retired_name(&self.name).is_some();
        is_below(Limit::Domains, organization.domains(), u32::from(!is_kept))?;
        is_below(
            Limit::DomainsPerWorkspace,
            workspace.usage(organization.limits),
            1,
        )?;
        Ok(vec![Event::DomainCreated {
            domain: *domain,
            workspace: workspace.id,
            name: self.name.clone(),
            kind: self.kind,
        }])
    }
}

/// Switches a domain off (D3). Reversible: [`ReactivateDomain`].
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Admin of the workspace nor of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeactivateDomain {
    /// The organization that the domain is in.
    pub organization: OrganizationId,
    /// The domain to switch off.
    pub domain: DomainId,
}

impl Command for DeactivateDomain {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, (self.organization, self.domain))]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let domain = require(
            scene,
            self.organization,
            self.domain,
            DomainAction::Deactivate,
        )?;
        if domain.status == DomainStatus::Deactivated {
            return Ok(Vec::new());
        }
        Ok(vec![Event::DomainDeactivated { domain: domain.id }])
    }
}

/// Switches a domain on again (D3).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Admin of the workspace nor of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReactivateDomain {
    /// The organization that the domain is in.
    pub organization: OrganizationId,
    /// The domain to switch on.
    pub domain: DomainId,
}

impl Command for ReactivateDomain {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, (self.organization, self.domain))]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let domain = require(
            scene,
            self.organization,
            self.domain,
            DomainAction::Reactivate,
        )?;
        if domain.status == DomainStatus::Active {
            return Ok(Vec::new());
        }
        Ok(vec![Event::DomainReactivated { domain: domain.id }])
    }
}

/// Moves a domain to another workspace of the organization.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the domain or the other workspace doesn't exist, or the actor may not view
///   it.
/// - [`Refusal::Forbidden`]: the actor is not Admin of both workspaces, nor of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MoveDomain {
    /// The organization that the domain stays in.
    pub organization: OrganizationId,
    /// The domain to move.
    pub domain: DomainId,
    /// The workspace that it moves to.
    pub to: WorkspaceId,
}

impl Command for MoveDomain {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, (self.organization, self.domain)),
            path(actor, (self.organization, self.to)),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let domain = require(scene, self.organization, self.domain, DomainAction::Move)?;
        // The matrix: move, on both. The row of the domain, asked where it would be.
        may_receive(scene, self.organization, self.to, domain.kind)?;
        if domain.workspace == self.to {
            return Ok(Vec::new());
        }
        Ok(vec![Event::DomainMoved {
            domain: domain.id,
            from: domain.workspace,
            to: self.to,
        }])
    }
}

/// Deletes a domain (D3). Its name stays with the organization, which may use it again (D2).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is neither Admin of the workspace nor of the organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteDomain {
    /// The organization that the domain is in.
    pub organization: OrganizationId,
    /// The domain to delete.
    pub domain: DomainId,
}

impl Command for DeleteDomain {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, (self.organization, self.domain))]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let domain = require(scene, self.organization, self.domain, DomainAction::Delete)?;
        Ok(vec![Event::DomainDeleted {
            domain: domain.id,
            workspace: domain.workspace,
            name: domain.name.clone(),
        }])
    }
}

/// Q1: whether so many more are within a limit. Where it was lowered below what there is, a creation that adds
/// nothing to the count is refused, too: zero means zero.
fn is_below(of: Limit, usage: LimitUsage, more: u32) -> Result<(), Refusal> {
    match usage.limit {
        Some(limit) if usage.used.saturating_add(more) > limit => Err(Refusal::LimitReached {
            of,
            limit,
            used: usage.used,
            reserved: usage.reserved,
        }),
        _ => Ok(()),
    }
}

/// The domain, if the actor may.
fn require<'a>(
    scene: &Scene<'a>,
    organization: OrganizationId,
    domain: DomainId,
    action: DomainAction,
) -> Result<&'a Domain, Refusal> {
    let on = (organization, domain);
    scene.require(on, action)?;
    scene.state.domain(domain).ok_or(Refusal::NotFound {
        resource: on.into(),
    })
}

/// Whether the actor may [`DomainAction::Move`] where a domain would come to be.
fn may_receive(
    scene: &Scene<'_>,
    organization: OrganizationId,
    workspace: WorkspaceId,
    kind: DomainKind,
) -> Result<(), Refusal> {
    #[derive(Clone, Copy)]
    struct Receive(DomainKind);

    impl Action for Receive {
        type On = (OrganizationId, WorkspaceId);

        fn allowed(&self) -> RoleSet {
            DomainAction::Move.allowed()
        }

        fn phrase(&self) -> &'static str {
            "move a domain to that workspace"
        }

        fn code(&self) -> Option<Code> {
            DomainAction::Move.code().map(|code| code.on(self.0))
        }
    }

    scene
        .require((organization, workspace), Receive(kind))
        .map(|_| ())
}
