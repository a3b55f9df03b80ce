//! Checks and single reads: what a host asks before it shows or does something.
//!
//! Every read is authorized by the same table as the commands (A1), and hides what it must hide (A2).

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::command::{NOBODY, Scene, path};
use crate::domain::Domain;
use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationStatus, InvitationTarget};
use crate::organization::{CompanyInformation, InvoicingInformation, Organization, QuotaUsage};
use crate::policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::repository::{Key, Repository};
use crate::resource::Resource;
use crate::role::OrganizationRole;
use crate::standing::{Decision, Permit, Standing};
use crate::state::OrganizationState;
use crate::tenancy::{Error, Tenancy};
use crate::text::{EmailAddress, Line, Name};
use crate::token::InvitationToken;
use crate::workspace::Workspace;

/// What a member sees of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationView {
    /// Its id.
    pub id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// The viewer's own role in it; `None` for an operator.
    pub role: Option<OrganizationRole>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// What everybody who may view a workspace sees of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceView {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Name,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// An invitation as lists show it: without anything of its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// Its id.
    pub id: InvitationId,
    /// The address that it is for, as it was typed.
    pub email: EmailAddress,
    /// What accepting gives.
    pub target: InvitationTarget,
    /// Who sent it, or renewed it last.
    pub inviter: UserId,
    /// When its current link was made.
    pub sent_at: DateTime<Utc>,
    /// From when on the link is too late.
    pub expires_at: DateTime<Utc>,
    /// How it looks now (I4).
    pub status: InvitationStatus,
}

/// What the holder of an invitation's link may see before they answer it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationPreview {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Name,
    /// The workspace's name, if the invitation is to one that still exists.
    pub workspace_name: Option<Name>,
    /// The invitation. Only if it is [`Pending`](InvitationStatus::Pending) can it be accepted; if not,
    /// its status says why.
    pub invitation: InvitationView,
}

/// The invoicing information that applies to a workspace (O5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceInvoicing {
    /// Its own, which overrides the organization's.
    Own(InvoicingInformation),
    /// The organization's; `None` if it has none either.
    Organization(Option<InvoicingInformation>),
}

impl<R: Repository> Tenancy<R> {
    /// What an actor holds at a resource, in one round trip; `None` if the organization doesn't exist, or
    /// if a user is no member of it: which of the two is not told (A2). Ask it as many questions as you
    /// like: they cost nanoseconds.
    ///
    /// Of a member's standing, decide with it and show the decision: its fields tell also of a workspace
    /// or a domain that is hidden from them whether it exists.
    ///
    /// ```
    /// # tenancy::now(async {
    /// # use tenancy::*;
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::unverified(UserId::from_external("ann"));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let standing = tenancy.standing(&ann, acme.organization).await?;
    /// let buttons: Vec<_> = OrganizationAction::ALL
    ///     .into_iter()
    ///     .filter(|action| standing.is_some_and(|standing| standing.decide(*action).is_allowed()))
    ///     .collect();
    /// # assert!(buttons.contains(&OrganizationAction::Rename));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn standing(
        &self,
        actor: &Actor,
        resource: impl Into<Resource>,
    ) -> Result<Option<Standing>, Error<R::Error>> {
        let user = actor.user_id().unwrap_or(NOBODY);
        let standing = self
            .repository()
            .standing(user, resource.into())
            .await
            .map_err(Error::Store)?;
        Ok(standing.and_then(|standing| match actor {
            // Nothing is open to an outsider (M1), and the lists that begin here must not ask further.
            Actor::User { .. } => standing.organization_role.map(|_| standing),
            Actor::Operator(_) => Some(standing.seen_by_operator()),
        }))
    }

    /// May they? One round trip.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed. A "no" is not an error; see [`require`](Self::require).
    pub async fn check<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Decision, Error<R::Error>> {
        let work = async {
            let standing = self.standing(actor, on).await?;
            Ok(standing.map_or(Decision::Hidden, |standing| standing.decide(action)))
        };
        #[cfg(feature = "tracing")]
        return crate::trace::check(action.phrase(), on.into(), work).await;
        #[cfg(not(feature = "tracing"))]
        work.await
    }

    /// May they, each of these? One round trip for each distinct resource, one answer for each question,
    /// in order.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn check_many<A: Action>(
        &self,
        actor: &Actor,
        asks: impl IntoIterator<Item = (A::On, A)>,
    ) -> Result<Vec<Decision>, Error<R::Error>> {
        let asks: Vec<_> = asks
            .into_iter()
            .map(|(on, action)| (on.into(), action))
            .collect();
        let mut standings: HashMap<Resource, Option<Standing>> = HashMap::new();
        let mut decisions = Vec::with_capacity(asks.len());
        for (resource, action) in asks {
            let standing = if let Some(standing) = standings.get(&resource) {
                *standing
            } else {
                let standing = self.standing(actor, resource).await?;
                standings.insert(resource, standing);
                standing
            };
            decisions.push(standing.map_or(Decision::Hidden, |standing| standing.decide(action)));
        }
        Ok(decisions)
    }

    /// A [`Permit`] if they may, for host functions that want proof of a check in their signature.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or they may not see it.
    /// - [`Refusal::Forbidden`]: they may see it, but not do that.
    /// - [`Error::Store`]: the store failed.
    pub async fn require<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Permit<A>, Error<R::Error>> {
        match self.standing(actor, on).await? {
            Some(standing) => Ok(standing.require(action)?),
            None => Err(Refusal::NotFound {
                resource: on.into(),
            }
            .into()),
        }
    }

    /// An organization, as its members see it.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn organization(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<OrganizationView, Error<R::Error>> {
        let look = self
            .look(actor, organization, OrganizationAction::View)
            .await?;
        let role = actor
            .user_id()
            .and_then(|user| look.state.member(user))
            .map(|member| member.role);
        Ok(OrganizationView::of(&look.organization, role))
    }

    /// An organization's company information (O5). For whoever may view its invoicing.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn company(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Option<CompanyInformation>, Error<R::Error>> {
        Ok(self
            .look(actor, organization, OrganizationAction::ViewInvoicing)
            .await?
            .organization
            .company)
    }

    /// An organization's invoicing information (O5).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn invoicing(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Option<InvoicingInformation>, Error<R::Error>> {
        Ok(self
            .look(actor, organization, OrganizationAction::ViewInvoicing)
            .await?
            .organization
            .invoicing)
    }

    /// The vendor's reference of an organization's contract.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn contract(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Option<Line>, Error<R::Error>> {
        Ok(self
            .look(actor, organization, OrganizationAction::ViewContract)
            .await?
            .organization
            .contract)
    }

    /// How many workspaces an organization holds, and how many it may (W2). For whoever may view the
    /// contract.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn quota_usage(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<QuotaUsage, Error<R::Error>> {
        Ok(self
            .look(actor, organization, OrganizationAction::ViewContract)
            .await?
            .organization
            .quota_usage())
    }

    /// A workspace, as everybody who may view it sees it.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn workspace(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
    ) -> Result<WorkspaceView, Error<R::Error>> {
        let look = self.look(actor, on, WorkspaceAction::View).await?;
        let workspace = look.state.workspace(on.1);
        workspace.map(WorkspaceView::of).ok_or_else(|| {
            Refusal::NotFound {
                resource: on.into(),
            }
            .into()
        })
    }

    /// The invoicing information that applies to a workspace: its own, or else the organization's (O5).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn workspace_invoicing(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
    ) -> Result<WorkspaceInvoicing, Error<R::Error>> {
        let look = self.look(actor, on, WorkspaceAction::ViewInvoicing).await?;
        let own = look
            .state
            .workspace(on.1)
            .and_then(|workspace| workspace.invoicing.clone());
        Ok(match own {
            Some(own) => WorkspaceInvoicing::Own(own),
            None => WorkspaceInvoicing::Organization(look.organization.invoicing),
        })
    }

    /// A domain.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn domain(
        &self,
        actor: &Actor,
        on: (OrganizationId, DomainId),
    ) -> Result<Domain, Error<R::Error>> {
        let look = self.look(actor, on, DomainAction::View).await?;
        let domain = look.state.domain(on.1).cloned();
        domain.ok_or_else(|| {
            Refusal::NotFound {
                resource: on.into(),
            }
            .into()
        })
    }

    /// What an invitation's link offers, before it is answered (I3). It takes no actor: the secret in
    /// the token is the key. Showing a preview changes nothing, so a mail scanner that opens the link
    /// does no harm.
    ///
    /// # Errors
    ///
    /// - [`Refusal::InvitationNotFound`]: the token is wrong, or a newer link replaced it.
    /// - [`Error::Store`]: the store failed.
    pub async fn preview(
        &self,
        token: &InvitationToken,
    ) -> Result<InvitationPreview, Error<R::Error>> {
        let keys = [Key::Invitation(token.invitation(), None)];
        let facts = self
            .load(token.organization(), &keys)
            .await?
            .ok_or(Refusal::InvitationNotFound)?;
        let organization = facts.organization;
        let state = OrganizationState::of(organization.clone(), facts.records);
        let invitation = state
            .invitation(token.invitation())
            .filter(|invitation| invitation.token_hash.matches(token))
            .ok_or(Refusal::InvitationNotFound)?;
        let workspace = invitation
            .target
            .workspace()
            .and_then(|id| state.workspace(id));
        Ok(InvitationPreview {
            organization: organization.id,
            organization_name: organization.name,
            workspace_name: workspace.map(|workspace| workspace.name.clone()),
            invitation: InvitationView::of(invitation, self.now()),
        })
    }

    /// The records on the path to a resource, if the actor is allowed the action.
    async fn look<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Look, Error<R::Error>> {
        let resource = on.into();
        let facts = self
            .load(resource.organization(), &[path(actor, resource)])
            .await?;
        let facts = facts.ok_or(Refusal::NotFound { resource })?;
        let state = OrganizationState::of(facts.organization, facts.records);
        let scene = Scene {
            actor,
            state: &state,
            now: self.now(),
            settings: self.settings(),
        };
        let organization = scene.permit(on, action)?.0.clone();
        Ok(Look {
            organization,
            state,
        })
    }
}

struct Look {
    organization: Organization,
    state: OrganizationState,
}

impl OrganizationView {
    pub(crate) fn of(organization: &Organization, role: Option<OrganizationRole>) -> Self {
        Self {
            id: organization.id,
            name: organization.name.clone(),
            role,
            created_at: organization.created_at,
        }
    }
}

impl WorkspaceView {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.name.clone(),
            created_at: workspace.created_at,
        }
    }
}

impl InvitationView {
    pub(crate) fn of(invitation: &Invitation, now: DateTime<Utc>) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email.clone(),
            target: invitation.target,
            inviter: invitation.inviter,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            status: invitation.status(now),
        }
    }
}
