//! The questions that go backwards: what can they reach, who can reach it?

use core::num::NonZeroU32;
use std::collections::BTreeSet;

use super::Tenancy;
use super::lists::{Answer, member, workspace_member, workspace_of};
use super::page::{Page, Paging};
use super::views::{Holder, OrganizationView, WorkspaceView};
use crate::actor::Actor;
use crate::command::NOBODY;
use crate::domain::Domain;
use crate::error::Error;
use crate::id::{DomainId, OrganizationId, UserId, WorkspaceId};
use crate::list::List;
use crate::member::WorkspaceMember;
use crate::policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::resource::Resource;
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::standing::{Decision, Grant, Held, Standing};
use crate::store::{Directory, Key};
use crate::workspace::Workspace;

/// How many workspaces one page of [`Tenancy::reachable_domains`] looks into, at a round trip each. Empty
/// ones make a page short, not slow.
const WORKSPACES_A_PAGE: NonZeroU32 = NonZeroU32::new(8).unwrap();

impl<R: Directory> Tenancy<R> {
    /// The organizations on which the actor may do this. An operator is not tied to any, so for one the
    /// list is empty; ask [`check`](Self::check).
    ///
    /// A page may hold fewer items than asked for, and still have a next one.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store): the store failed.
    pub async fn reachable_organizations<A: Action<On = OrganizationId>>(
        &self,
        actor: &Actor,
        action: A,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        let Some(user) = actor.user_id() else {
            return Ok(Page::empty());
        };
        let now = self.now();
        self.memberships(user, paging, |organization, member| {
            let mut held = Held::nothing(organization.version, organization.status);
            held.organization_role = Some(member.role);
            held.organization_term = member.term();
            let resource = Resource::Organization(organization.id);
            let standing = Standing::of_user(user, resource, held, now);
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
    /// [`Error::Store`](crate::Error::Store): the store failed.
    pub async fn reachable_workspaces<A: Action<On = (OrganizationId, WorkspaceId)>>(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        action: A,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        match self.standing(actor, organization).await? {
            Some(standing) => self.reach(standing, organization, action, paging).await,
            None => Ok(Page::empty()),
        }
    }

    /// The domains of an organization on which the actor may do this, workspace by workspace. Empty for
    /// outsiders, whether the organization exists or not.
    ///
    /// A page may hold fewer items than asked for, or none, and still have a next one: it looks into a few
    /// workspaces, and is done within a dozen round trips however many there are.
    ///
    /// # Errors
    ///
    /// [`Error::Store`](crate::Error::Store): the store failed.
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
        // The page before may have ended inside a workspace. A cursor may be forged: ask again.
        if let Some((workspace, Some(domain))) = paging.after {
            let on = (organization, workspace);
            if self
                .check(actor, on, OnItsDomains(action))
                .await?
                .is_allowed()
            {
                let after = Paging::first(limit.get()).after(domain);
                let page = self.domains_in(on, after).await?;
                if !page.items.is_empty() {
                    let next = Some((workspace, page.next));
                    let items = page.items;
                    return Ok(Page { items, next });
                }
            }
        }
        let some = Paging {
            after: paging.after.map(|(workspace, _)| workspace),
            limit: WORKSPACES_A_PAGE,
        };
        let workspaces = self
            .reach(standing, organization, OnItsDomains(action), some)
            .await?;
        for workspace in workspaces.items {
            let on = (organization, workspace.id);
            let page = self.domains_in(on, Paging::first(limit.get())).await?;
            if !page.items.is_empty() {
                let next = Some((workspace.id, page.next));
                let items = page.items;
                return Ok(Page { items, next });
            }
        }
        Ok(Page {
            items: Vec::new(),
            next: workspaces.next.map(|workspace| (workspace, None)),
        })
    }

    /// Who can do this to this, and by which role, by user (operators aside).
    ///
    /// For whoever may view the members of the *organization*, as the answer names people who reach the
    /// resource by cascade. Who is suspended, or whose membership or role has ended, can't (T1, T3).
    ///
    /// A page may hold fewer items than asked for, and still have a next one.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or the actor may not view it.
    /// - [`Refusal::Forbidden`]: the actor may not view the organization's members.
    /// - [`Error::Store`](crate::Error::Store): the store failed.
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
        let path = standing.held();
        let nobody = Held::nothing(path.version, path.status);
        let now = self.now();
        let grant = |organization_role, workspace_role| {
            let held = Held {
                organization_role: Some(organization_role),
                workspace: path.workspace,
                workspace_role,
                domain: path.domain,
                ..nobody
            };
            match Standing::of_user(NOBODY, resource, held, now).decide(action) {
                Decision::Allowed { by } => Some(by),
                Decision::Forbidden { .. }
                | Decision::Hidden
                | Decision::Deleted
                | Decision::Suspended => None,
            }
        };
        let allowed = OrganizationRole::ALL
            .into_iter()
            .filter(|role| grant(*role, None).is_some());
        let roles: RoleSet = allowed.map(RoleSet::of_organization).collect();
        // Those who can't by what they hold, as it doesn't count, are passed over once the page is cut.
        let mut found: Vec<(UserId, Option<Grant>)> = Vec::new();
        if !roles.is_empty() {
            let list = List::Members {
                organization,
                roles,
                after: paging.after,
            };
            let page = self.list(list, limit, member, |member| member.user).await?;
            found.extend(page.items.into_iter().map(|member| {
                let by = grant(member.role, None);
                (member.user, by.filter(|_| member.term().counts_at(now)))
            }));
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
        if let (Some(workspace), false) = (path.workspace, roles.is_empty()) {
            let list = List::WorkspaceMembers {
                organization,
                workspace,
                roles,
                after: paging.after,
            };
            let page = self
                .list(list, limit, workspace_member, |member| member.user)
                .await?;
            found.extend(page.items.into_iter().map(|member| {
                let by = direct(member.role);
                (member.user, by.filter(|_| member.term().counts_at(now)))
            }));
        }
        // Both lists begin with the smallest ids, so the smallest of both together are all there. Who is
        // in both is named once, by the role held nearest.
        found.sort_by_key(|(user, by)| (*user, by.is_none(), *by));
        found.dedup_by_key(|(user, _)| *user);
        found.truncate(usize::try_from(limit.get()).unwrap_or(usize::MAX));
        let belong = self.who_belongs(organization, &found).await?;
        let page = Page::of(found, limit, |(user, _)| *user);
        Ok(page.filter_map(|(user, by)| {
            let by = by.filter(|by| !matches!(by, Grant::Workspace(_)) || belong.contains(&user));
            by.map(|by| Holder { user, by })
        }))
    }

    /// Whose membership of the organization counts, of those who can do something by a role in a workspace: the
    /// record of that role doesn't know (M1).
    async fn who_belongs(
        &self,
        organization: OrganizationId,
        found: &[(UserId, Option<Grant>)],
    ) -> Result<BTreeSet<UserId>, Error<R::Error>> {
        let direct = found
            .iter()
            .filter(|(_, by)| matches!(by, Some(Grant::Workspace(_))));
        let keys: Vec<Key> = direct
            .map(|(user, _)| Key::Path(*user, organization.into()))
            .collect();
        if keys.is_empty() {
            return Ok(BTreeSet::new());
        }
        let facts = self.load(organization, &keys).await?;
        let now = self.now();
        let records = facts.into_iter().flat_map(|facts| facts.records);
        let belong = records.filter_map(|record| match record {
            Record::Member(member) if member.term().counts_at(now) => Some(member.user),
            _ => None,
        });
        Ok(belong.collect())
    }

    /// The workspaces on which somebody of that standing in the organization may do this.
    async fn reach<A: Action<On = (OrganizationId, WorkspaceId)>>(
        &self,
        standing: Standing,
        organization: OrganizationId,
        action: A,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let may = |workspace, role: Option<WorkspaceRole>| {
            let held = Held {
                workspace: Some(workspace),
                workspace_role: role,
                ..standing.held()
            };
            standing.with(held).decide(action).is_allowed()
        };
        let anywhere = WorkspaceId::from_uuid(uuid::Uuid::nil());
        if may(anywhere, None) {
            return self.all_workspaces(organization, paging).await;
        }
        let Some(user) = standing.user() else {
            return Ok(Page::empty());
        };
        let list = List::WorkspacesOf {
            organization,
            user,
            after: paging.after,
        };
        let key = |(workspace, _): &(Workspace, WorkspaceMember)| workspace.id;
        let page = self.list(list, paging.limit(), workspace_of, key).await?;
        let now = self.now();
        Ok(page.filter_map(|(workspace, member)| {
            let role = Some(member.role).filter(|_| member.term().counts_at(now));
            may(workspace.id, role).then(|| WorkspaceView::of(&workspace))
        }))
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

    fn goes_on_when_deleted(&self) -> bool {
        self.0.goes_on_when_deleted()
    }

    fn goes_on_when_suspended(&self) -> bool {
        self.0.goes_on_when_suspended()
    }
}
