//! Lists, and the questions that go backwards: what can they reach, who can reach it?
//!
//! All are authorized, paged by key, and answered from a [`Directory`].

use core::num::NonZeroU32;

use serde::{Deserialize, Serialize};

use crate::actor::Actor;
use crate::domain::Domain;
use crate::event::LogEntry;
use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::member::{Member, WorkspaceMember};
use crate::page::{Page, Paging};
use crate::policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
use crate::reads::{InvitationView, OrganizationView, WorkspaceView};
use crate::refusal::Refusal;
use crate::repository::Directory;
use crate::resource::Resource;
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::standing::{Decision, Grant, Standing, Version};
use crate::tenancy::{Error, Tenancy};
use crate::text::Name;

/// An invitation to the actor's own address, with the organization that invites them (O3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedInvitation {
    /// The organization.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Name,
    /// The invitation. To accept it, they open the link that they were sent.
    pub invitation: InvitationView,
}

/// Somebody who can do something, and by which role ([`Tenancy::who_can`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user.
    pub user: UserId,
    /// The role by which they can.
    pub by: Grant,
}

type Answer<T, K, E> = Result<Page<T, K>, Error<E>>;

impl<R: Directory> Tenancy<R> {
    /// The organizations that the actor belongs to, with their role: the organization switcher (O3). An
    /// operator belongs to none.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn organizations(
        &self,
        actor: &Actor,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        self.reachable_organizations(actor, OrganizationAction::View, paging)
            .await
    }

    /// The open invitations to the actor's verified address (O3). Without one, or for an operator, there
    /// are none.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn received_invitations(
        &self,
        actor: &Actor,
        paging: Paging<(OrganizationId, InvitationId)>,
    ) -> Answer<ReceivedInvitation, (OrganizationId, InvitationId), R::Error> {
        let Some(email) = actor.verified_email() else {
            return Ok(Page::empty());
        };
        let limit = paging.limit();
        let found = self
            .repository()
            .invitations_to(email.key(), paging.after, limit)
            .await;
        let now = self.now();
        let page = Page::of(
            found.map_err(Error::Store)?,
            limit,
            |(organization, invitation)| (organization.id, invitation.id),
        );
        Ok(page.map(|(organization, invitation)| ReceivedInvitation {
            organization: organization.id,
            organization_name: organization.name,
            invitation: InvitationView::of(&invitation, now),
        }))
    }

    /// The organizations that this user is the only Admin of (O4): what a host asks before it closes an
    /// account. Asked by the host for itself, so it takes no actor.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn only_admin_of(
        &self,
        user: UserId,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        self.memberships(user, paging, |organization, member| {
            member.role == OrganizationRole::Admin && organization.counts.admins == 1
        })
        .await
    }

    /// The workspaces of an organization that the actor may view: all by cascade, or those in which they
    /// hold a role.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn workspaces(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::View)
            .await?;
        self.reachable_workspaces(actor, organization, WorkspaceAction::View, paging)
            .await
    }

    /// The members of an organization.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewMembers`].
    pub async fn members(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<UserId>,
    ) -> Answer<Member, UserId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewMembers)
            .await?;
        let limit = paging.limit();
        let all = RoleSet::all();
        let found = self
            .repository()
            .members(organization, all, paging.after, limit)
            .await;
        Ok(Page::of(found.map_err(Error::Store)?, limit, |member| {
            member.user
        }))
    }

    /// The users who hold a role in a workspace. Who reaches it by cascade only is not among them; see
    /// [`who_can`](Self::who_can).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ViewMembers`].
    pub async fn workspace_members(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<UserId>,
    ) -> Answer<WorkspaceMember, UserId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ViewMembers)
            .await?;
        let limit = paging.limit();
        let all = RoleSet::all();
        let found = self
            .repository()
            .workspace_members(on.0, on.1, all, paging.after, limit)
            .await;
        Ok(Page::of(found.map_err(Error::Store)?, limit, |member| {
            member.user
        }))
    }

    /// The domains in a workspace.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ListDomains`].
    pub async fn domains(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<DomainId>,
    ) -> Answer<Domain, DomainId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ListDomains)
            .await?;
        let limit = paging.limit();
        let found = self
            .repository()
            .domains(on.0, on.1, paging.after, limit)
            .await;
        Ok(Page::of(found.map_err(Error::Store)?, limit, |domain| {
            domain.id
        }))
    }

    /// The open invitations of an organization, those to its workspaces included; expired ones too, as
    /// they can be renewed (I4).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewInvitations`].
    pub async fn invitations(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewInvitations)
            .await?;
        self.open_invitations(organization, None, paging).await
    }

    /// The open invitations to a workspace; expired ones too, as they can be renewed (I4).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ViewInvitations`].
    pub async fn workspace_invitations(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ViewInvitations)
            .await?;
        self.open_invitations(on.0, Some(on.1), paging).await
    }

    /// All that happened in an organization, oldest first. For operators also of a deleted one.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewAuditTrail`].
    pub async fn audit_trail(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<Version>,
    ) -> Answer<LogEntry, Version, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewAuditTrail)
            .await?;
        let limit = paging.limit();
        let after = paging.after.unwrap_or(Version::ABSENT);
        let found = self.repository().log(organization, after, limit).await;
        Ok(Page::of(found.map_err(Error::Store)?, limit, |entry| {
            entry.version
        }))
    }

    /// The organizations on which the actor may do this. An operator is not tied to any, so for one the
    /// list is empty; ask [`check`](Self::check).
    ///
    /// A page may hold fewer items than asked for, and still have a next one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn reachable_organizations<A: Action<On = OrganizationId>>(
        &self,
        actor: &Actor,
        action: A,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        let Some(user) = actor.user_id() else {
            return Ok(Page::empty());
        };
        self.memberships(user, paging, |organization, member| {
            let resource = Resource::Organization(organization.id);
            let mut standing = Standing::new(user, resource, organization.version);
            standing.organization_role = Some(member.role);
            standing.decide(action).is_allowed()
        })
        .await
    }

    /// The workspaces of an organization on which the actor may do this. Empty for outsiders, whether the
    /// organization exists or not.
    ///
    /// A page may hold fewer items than asked for, and still have a next one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn reachable_workspaces<A: Action<On = (OrganizationId, WorkspaceId)>>(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        action: A,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let standing = self.standing(actor, organization).await?;
        let Some(standing) = standing else {
            return Ok(Page::empty());
        };
        self.reach(standing, organization, action, paging).await
    }

    /// The domains of an organization on which the actor may do this, workspace by workspace. Empty for
    /// outsiders, whether the organization exists or not.
    ///
    /// A page may hold fewer items than asked for, and still have a next one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn reachable_domains<A: Action<On = (OrganizationId, DomainId)>>(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        action: A,
        paging: Paging<(WorkspaceId, Option<DomainId>)>,
    ) -> Answer<Domain, (WorkspaceId, Option<DomainId>), R::Error> {
        let Some(standing) = self.standing(actor, organization).await? else {
            return Ok(Page::empty());
        };
        let limit = paging.limit();
        // The workspace where the page before ended, and then one further.
        let (mut after, mut within) = match paging.after {
            None => (None, None),
            Some((workspace, Some(domain))) => (Some(workspace), Some((workspace, Some(domain)))),
            Some((workspace, None)) => (Some(workspace), None),
        };
        if let Some((workspace, _)) = within {
            let ask = OnItsDomains(action);
            if !self
                .check(actor, (organization, workspace), ask)
                .await?
                .is_allowed()
            {
                within = None;
            }
        }
        loop {
            if let Some((workspace, domain)) = within {
                let found = self
                    .repository()
                    .domains(organization, workspace, domain, limit)
                    .await;
                let items = found.map_err(Error::Store)?;
                let full = u32::try_from(items.len()).unwrap_or(u32::MAX) >= limit.get();
                let end = items.last().map(|domain| domain.id).filter(|_| full);
                if !items.is_empty() {
                    return Ok(Page {
                        items,
                        next: Some((workspace, end)),
                    });
                }
            }
            let one = Paging {
                after,
                limit: NonZeroU32::MIN,
            };
            let page = self
                .reach(standing, organization, OnItsDomains(action), one)
                .await?;
            match (page.items.first(), page.next) {
                (Some(workspace), _) => {
                    after = Some(workspace.id);
                    within = Some((workspace.id, None));
                }
                (None, Some(next)) => {
                    after = Some(next);
                    within = None;
                }
                (None, None) => return Ok(Page::empty()),
            }
        }
    }

    /// Who can do this to this, and by which role, by user (operators aside).
    ///
    /// For whoever may view the members of the *organization*, as the answer names people who reach the
    /// resource by cascade.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or the actor may not view it.
    /// - [`Refusal::Forbidden`]: the actor may not view the organization's members.
    /// - [`Error::Store`]: the store failed.
    pub async fn who_can<A: Action>(
        &self,
        actor: &Actor,
        on: A::On,
        action: A,
        paging: Paging<UserId>,
    ) -> Answer<Holder, UserId, R::Error> {
        let resource: Resource = on.into();
        let standing = self
            .standing(actor, resource)
            .await?
            .ok_or(Refusal::NotFound { resource })?;
        match resource {
            Resource::Organization(_) => {}
            Resource::Workspace(..) => drop(standing.require(WorkspaceAction::View)?),
            Resource::Domain(..) => drop(standing.require(DomainAction::View)?),
        }
        let _ = standing.require(OrganizationAction::ViewMembers)?;

        let limit = paging.limit();
        let organization = resource.organization();
        let grant = |organization_role, workspace_role| {
            let mut holder = Standing::new(
                UserId::from_uuid(uuid::Uuid::nil()),
                resource,
                standing.version,
            );
            holder.workspace = standing.workspace;
            holder.domain = standing.domain;
            holder.organization_role = Some(organization_role);
            holder.workspace_role = workspace_role;
            match holder.decide(action) {
                Decision::Allowed { by } => Some(by),
                Decision::Forbidden { .. } | Decision::Hidden => None,
            }
        };
        let allowed = OrganizationRole::ALL
            .into_iter()
            .filter(|role| grant(*role, None).is_some());
        let roles: RoleSet = allowed.map(RoleSet::of_organization).collect();
        let mut holders = Vec::new();
        if !roles.is_empty() {
            let found = self
                .repository()
                .members(organization, roles, paging.after, limit)
                .await;
            for member in found.map_err(Error::Store)? {
                holders.extend(grant(member.role, None).map(|by| Holder {
                    user: member.user,
                    by,
                }));
            }
        }
        // Only what the workspace role itself grants: the organization role was asked above.
        let direct = |role| {
            let by = grant(OrganizationRole::Member, Some(role));
            by.filter(|by| matches!(by, Grant::Workspace(_)))
        };
        let allowed = WorkspaceRole::ALL
            .into_iter()
            .filter(|role| direct(*role).is_some());
        let roles: RoleSet = allowed.map(RoleSet::of_workspace).collect();
        if let (Some(workspace), false) = (standing.workspace, roles.is_empty()) {
            let found = self.repository().workspace_members(
                organization,
                workspace,
                roles,
                paging.after,
                limit,
            );
            for member in found.await.map_err(Error::Store)? {
                holders.extend(direct(member.role).map(|by| Holder {
                    user: member.user,
                    by,
                }));
            }
        }
        // Both lists begin with the smallest ids, so the smallest of both together are all there. Who is
        // in both is named once, by the role held nearest.
        holders.sort_by_key(|holder| (holder.user, holder.by));
        holders.dedup_by_key(|holder| holder.user);
        holders.truncate(usize::try_from(limit.get()).unwrap_or(usize::MAX));
        Ok(Page::of(holders, limit, |holder| holder.user))
    }

    async fn memberships(
        &self,
        user: UserId,
        paging: Paging<OrganizationId>,
        keep: impl Fn(&crate::Organization, &Member) -> bool,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        let limit = paging.limit();
        let found = self
            .repository()
            .organizations_of(user, paging.after, limit)
            .await;
        let page = Page::of(found.map_err(Error::Store)?, limit, |(organization, _)| {
            organization.id
        });
        let kept = page
            .items
            .into_iter()
            .filter(|(organization, member)| keep(organization, member));
        let items = kept
            .map(|(organization, member)| OrganizationView::of(&organization, Some(member.role)));
        Ok(Page {
            items: items.collect(),
            next: page.next,
        })
    }

    async fn open_invitations(
        &self,
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let limit = paging.limit();
        let found = self
            .repository()
            .invitations(organization, workspace, paging.after, limit)
            .await;
        let now = self.now();
        let page = Page::of(found.map_err(Error::Store)?, limit, |invitation| {
            invitation.id
        });
        Ok(page.map(|invitation| InvitationView::of(&invitation, now)))
    }

    /// The workspaces on which somebody of that standing in the organization may do this.
    async fn reach<A: Action<On = (OrganizationId, WorkspaceId)>>(
        &self,
        standing: Standing,
        organization: OrganizationId,
        action: A,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let limit = paging.limit();
        let may = |workspace, role: Option<WorkspaceRole>| {
            let mut there = standing;
            there.workspace = Some(workspace);
            there.workspace_role = role;
            there.decide(action).is_allowed()
        };
        let anywhere = WorkspaceId::from_uuid(uuid::Uuid::nil());
        if may(anywhere, None) {
            let found = self
                .repository()
                .workspaces(organization, paging.after, limit)
                .await;
            let page = Page::of(found.map_err(Error::Store)?, limit, |workspace| {
                workspace.id
            });
            return Ok(page.map(|workspace| WorkspaceView::of(&workspace)));
        }
        let Some(user) = standing.user() else {
            return Ok(Page::empty());
        };
        let found = self
            .repository()
            .workspaces_of(organization, user, paging.after, limit)
            .await;
        let page = Page::of(found.map_err(Error::Store)?, limit, |(workspace, _)| {
            workspace.id
        });
        let kept = page
            .items
            .iter()
            .filter(|(workspace, member)| may(workspace.id, Some(member.role)));
        Ok(Page {
            items: kept
                .map(|(workspace, _)| WorkspaceView::of(workspace))
                .collect(),
            next: page.next,
        })
    }
}

/// An action on domains, asked of the workspace that holds them: their roles are the same.
#[derive(Clone, Copy)]
struct OnItsDomains<A>(A);

impl<A: Action<On = (OrganizationId, DomainId)>> Action for OnItsDomains<A> {
    type On = (OrganizationId, WorkspaceId);

    fn allowed(&self) -> RoleSet {
        self.0.allowed()
    }

    fn phrase(&self) -> &'static str {
        self.0.phrase()
    }
}
