//! Single reads: what a host shows of an organization, a workspace, a domain, an invitation.
//!
//! Every read is authorized by the same table as the commands (A1), and hides what it must hide (A2).

use super::Tenancy;
use super::views::{
    InvitationPreview, InvitationView, OrganizationView, OwnRoleView, WorkspaceInvoicing,
    WorkspaceView,
};
use crate::actor::Actor;
use crate::command::{Scene, path};
use crate::commands::viewable;
use crate::domain::Domain;
use crate::error::Error;
use crate::id::{DomainId, InvitationId, OrganizationId, WorkspaceId};
use crate::limits::{Usage, WorkspaceUsage};
use crate::organization::{CompanyInformation, InvoicingInformation, Organization, QuotaUsage};
use crate::policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::standing::{Decision, Grant};
use crate::state::OrganizationState;
use crate::store::{Key, Repository};
use crate::text::TextLine;
use crate::token::InvitationToken;

impl<R: Repository> Tenancy<R> {
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
        let member = actor.user_id().and_then(|user| look.state.member(user));
        let organization = look.organization.summary();
        Ok(OrganizationView::of(&organization, member, self.now()))
    }

    /// The roles of an organization's own, by number, retired ones too (R1): for whoever may view the organization, as
    /// lists and decisions name them by number. How many hold each is for whoever may view its members.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn own_roles(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Vec<OwnRoleView>, Error<R::Error>> {
        let look = self
            .look(actor, organization, OrganizationAction::View)
            .await?;
        let scene = self.scene(actor, &look.state);
        let counts_too = scene.require(organization, OrganizationAction::ViewMembers);
        let roles = look.organization.roles.iter();
        let counts_too = counts_too.is_ok();
        Ok(roles
            .map(|role| OwnRoleView::of(role, counts_too))
            .collect())
    }

    /// A decision in words, a role of the organization's own by its name (A3): `allowed as Sandbox tester (workspace
    /// Reader and more)`. Only for such a decision does it ask the store; any other is said as it displays.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let organization = acme.organization;
    /// let may = tenancy.check(&ann, organization, OrganizationAction::Rename).await?;
    /// assert_eq!(tenancy.explain(&ann, organization, may).await?, "allowed as organization Admin");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the actor may not view the organization.
    /// - [`Error::Store`]: the store failed.
    pub async fn explain(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        decision: Decision,
    ) -> Result<String, Error<R::Error>> {
        let Decision::Allowed {
            by: Grant::Own { role, base },
        } = decision
        else {
            return Ok(decision.to_string());
        };
        let look = self
            .look(actor, organization, OrganizationAction::View)
            .await?;
        let role = look.organization.role(role);
        Ok(role.map_or_else(
            || decision.to_string(),
            |role| format!("allowed as {} ({base} and more)", role.name),
        ))
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
    ) -> Result<Option<TextLine>, Error<R::Error>> {
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

    /// How much of each limit an organization uses: seats, workspaces, domains (Q5). For whoever may view the
    /// contract: all who run into a limit of seats or workspaces are among them. For the limits of domains, which
    /// others run into, there is [`workspace_usage`](Self::workspace_usage).
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{*, commands::*, store::*};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let usage = tenancy.usage(&ann, acme.organization).await?;
    /// assert_eq!((usage.domains.used, usage.domains.remaining()), (0, Some(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require).
    pub async fn usage(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Usage, Error<R::Error>> {
        let look = self.look(actor, organization, OrganizationAction::ViewContract);
        let organization = look.await?.organization;
        Ok(organization.usage(self.settings().seat_roles))
    }

    /// How much of the limits of domains is used, in one workspace and in all (Q5). For whoever may create a
    /// domain in it, or view the organization's contract.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the workspace doesn't exist, or the actor may not view it.
    /// - [`Refusal::Forbidden`]: the actor may do neither.
    /// - [`Error::Store`]: the store failed.
    pub async fn workspace_usage(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
    ) -> Result<WorkspaceUsage, Error<R::Error>> {
        let may = |scene: &Scene<'_>| {
            let by_creating = scene.require(on, WorkspaceAction::CreateDomain);
            match by_creating {
                Err(Refusal::Forbidden { .. } | Refusal::OrganizationDeleted) => scene
                    .require(on.0, OrganizationAction::ViewContract)
                    .map(|_| ())
                    .or(by_creating.map(|_| ())),
                by_creating => by_creating.map(|_| ()),
            }
        };
        let look = self.look_if(actor, on.into(), may).await?;
        let workspace = look.state.workspace(on.1).ok_or(Refusal::NotFound {
            resource: on.into(),
        })?;
        Ok(WorkspaceUsage {
            domains: workspace.usage(look.organization.limits),
            domains_in_all: look.organization.domains(),
        })
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
        // I10: an old link tells nothing new.
        if !invitation.is_open() {
            return Ok(InvitationPreview::Closed {
                state: invitation.state,
            });
        }
        let workspace = invitation
            .target
            .workspace()
            .and_then(|id| state.workspace(id));
        let own = invitation.own_role;
        let own = own.and_then(|own| organization.role(own));
        let view = InvitationView {
            own_role_name: own.map(|role| role.name.clone()),
            ..InvitationView::of(invitation, self.now())
        };
        Ok(InvitationPreview::Open {
            organization: organization.id,
            organization_name: organization.name,
            workspace_name: workspace.map(|workspace| workspace.name.clone()),
            invitation: view,
        })
    }

    /// One invitation, open or not. For whoever may view the invitations of the organization, or of the
    /// workspace that it is to.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`], [`Refusal::Forbidden`]: the actor may not view the organization, or its
    ///   invitations.
    /// - [`Refusal::InvitationNotFound`]: there is no such invitation.
    /// - [`Error::Store`]: the store failed.
    pub async fn invitation(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        invitation: InvitationId,
    ) -> Result<InvitationView, Error<R::Error>> {
        let keys = [
            path(actor, organization),
            Key::Invitation(invitation, actor.user_id()),
        ];
        let state = self.find(organization, &keys).await?;
        let scene = self.scene(actor, &state);
        let found = viewable(&scene, organization, invitation)?;
        Ok(InvitationView::of(found, scene.now))
    }

    /// The records on the path to a resource, if the actor is allowed the action.
    async fn look<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
    ) -> Result<Look, Error<R::Error>> {
        let may = |scene: &Scene<'_>| scene.require(on, action).map(|_| ());
        self.look_if(actor, on.into(), may).await
    }

    /// The records on the path to a resource, unless the actor is refused.
    async fn look_if(
        &self,
        actor: &Actor,
        resource: Resource,
        may: impl Fn(&Scene<'_>) -> Result<(), Refusal>,
    ) -> Result<Look, Error<R::Error>> {
        let state = self.find(resource, &[path(actor, resource)]).await?;
        may(&self.scene(actor, &state))?;
        let organization = state.organization().cloned();
        Ok(Look {
            organization: organization.ok_or(Refusal::NotFound { resource })?,
            state,
        })
    }

    /// What a store knows by these keys of the organization that something is, or is in.
    pub(super) async fn find(
        &self,
        on: impl Into<Resource>,
        keys: &[Key],
    ) -> Result<OrganizationState, Error<R::Error>> {
        let resource = on.into();
        let facts = self.load(resource.organization(), keys).await?;
        let facts = facts.ok_or(Refusal::NotFound { resource })?;
        Ok(OrganizationState::of(facts.organization, facts.records))
    }

    pub(super) fn scene<'a>(&'a self, actor: &'a Actor, state: &'a OrganizationState) -> Scene<'a> {
        Scene {
            actor,
            state,
            now: self.now(),
            settings: self.settings(),
        }
    }
}

struct Look {
    organization: Organization,
    state: OrganizationState,
}
