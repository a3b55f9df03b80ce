use serde::Serialize;

use super::member::{Revoked, own};
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::{Event, RevocationReason};
use crate::id::{CommitId, OrganizationId, WorkspaceId};
use crate::organization::{CompanyInformation, InvoicingInformation};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::role::OrganizationRole;
use crate::store::Key;
use crate::text::Name;

/// Creates an organization, its first workspace under the same name, and makes the user its Admin, all in
/// one commit (O1, O2).
///
/// Any user may. The organization's id is that of the commit, so that a repeated request, under the same
/// id, creates one organization.
///
/// # Refused
///
/// - [`Refusal::UserRequired`]: an operator asks.
/// - [`Refusal::EmailUnverified`]: the user has no verified address, which every member has (M6).
///
/// ```
/// # tenancy::block_on(async {
/// use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail};
/// use tenancy::commands::CreateOrganization;
/// use tenancy::store::MemoryRepository;
///
/// let tenancy = Tenancy::new(MemoryRepository::new());
/// let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// println!("organization {}, workspace {}", acme.organization, acme.workspace);
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CreateOrganization {
    /// Its name, and that of its first workspace.
    pub name: Name,
}

/// What [`CreateOrganization`] created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CreatedOrganization {
    /// The organization that was created.
    pub organization: OrganizationId,
    /// Its first workspace.
    pub workspace: WorkspaceId,
}

impl<F> Answer<F> for CreatedOrganization {
    fn read(organization: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::WorkspaceCreated { workspace, .. } => Some(Self {
                organization,
                workspace: *workspace,
            }),
            _ => None,
        })
    }
}

impl Command for CreateOrganization {
    type Output = CreatedOrganization;
    type Fresh = WorkspaceId;
    const READS_EMAIL: bool = true;

    fn organization(&self, commit: CommitId) -> OrganizationId {
        OrganizationId::from_uuid(commit.as_uuid())
    }

    fn keys(&self, _: &Actor) -> Vec<Key> {
        Vec::new()
    }

    fn decide(&self, scene: &Scene<'_>, workspace: &WorkspaceId) -> Result<Vec<Event>, Refusal> {
        let user = scene.user()?;
        if scene.state.organization().is_some() {
            // The id is the commit's, so somebody has used it before.
            return Err(Refusal::CommitIdReused);
        }
        let workspace_quota = scene.settings.default_workspace_quota.get();
        let email = scene.verified_email()?.address().clone();
        Ok(vec![
            Event::OrganizationCreated {
                name: self.name.clone(),
                workspace_quota,
                limits: scene.settings.default_limits,
            },
            Event::MemberJoined {
                user,
                email,
                role: OrganizationRole::Admin,
            },
            Event::WorkspaceCreated {
                workspace: *workspace,
                name: self.name.clone(),
            },
        ])
    }
}

/// Renames an organization (O5).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RenameOrganization {
    /// The organization to rename.
    pub organization: OrganizationId,
    /// Its new name. The workspaces keep theirs.
    pub name: Name,
}

impl Command for RenameOrganization {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::Rename)?;
        if organization.name == self.name {
            return Ok(Vec::new());
        }
        Ok(vec![Event::OrganizationRenamed {
            from: organization.name.clone(),
            to: self.name.clone(),
        }])
    }
}

/// Edits an organization's company information (O5).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditCompany {
    /// The organization whose company information changes.
    pub organization: OrganizationId,
    /// The whole of the information; `None` clears it.
    pub company: Option<CompanyInformation>,
}

impl Command for EditCompany {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::EditCompany)?;
        if organization.company == self.company {
            return Ok(Vec::new());
        }
        Ok(vec![Event::CompanyEdited {
            company: self.company.clone(),
        }])
    }
}

/// Edits an organization's invoicing information (O5).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it, or Accounting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditInvoicing {
    /// The organization whose invoicing information changes.
    pub organization: OrganizationId,
    /// The whole of the information; `None` clears it.
    pub invoicing: Option<InvoicingInformation>,
}

impl Command for EditInvoicing {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::EditInvoicing)?;
        if same_invoicing(organization.invoicing.as_ref(), self.invoicing.as_ref()) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::InvoicingEdited {
            invoicing: self.invoicing.clone(),
        }])
    }
}

/// Deletes an organization, once it is empty: no workspace, and no member but the one who deletes it
/// (O6). Open invitations are revoked in the same commit; the answer lists them.
///
/// Its log stays, for operators; its id is never used again; its domains' names stay reserved until an
/// operator releases them (D2).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::OrganizationNotEmpty`]: it holds workspaces or other members; it says how many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteOrganization {
    /// The organization to delete.
    pub organization: OrganizationId,
}

impl Command for DeleteOrganization {
    type Output = Revoked;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        own(actor)
            .map(Key::Person)
            .chain([path(actor, self.organization), Key::OpenInvitations(None)])
            .collect()
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::Delete)?;
        let user = scene.user()?;
        let workspaces = organization.counts.workspaces;
        let members = organization.counts.members.saturating_sub(1);
        if workspaces > 0 || members > 0 {
            return Err(Refusal::OrganizationNotEmpty {
                workspaces,
                members,
            });
        }
        let mut events: Vec<_> = scene
            .state
            .open_invitations()
            .map(|invitation| Event::InvitationRevoked {
                invitation: invitation.id,
                reason: RevocationReason::OrganizationDeleted,
            })
            .collect();
        events.push(Event::MemberLeft {
            user,
            role: OrganizationRole::Admin,
        });
        events.push(Event::OrganizationDeleted {});
        Ok(events)
    }
}

/// Whether nothing would change, to the letter: what is shown is as it was typed.
pub(super) fn same_invoicing(
    held: Option<&InvoicingInformation>,
    asked: Option<&InvoicingInformation>,
) -> bool {
    match (held, asked) {
        (Some(held), Some(asked)) => held.is_written_as(asked),
        (None, None) => true,
        _ => false,
    }
}
