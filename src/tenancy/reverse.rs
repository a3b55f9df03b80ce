//! The questions that go backwards: what can they reach, who can reach it?

use core::num::NonZeroU32;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::Tenancy;
use super::lists::{Answer, member, workspace_member, workspace_of};
use super::page::{Page, Paging};
use super::views::{Holder, OrganizationView, WorkspaceView};
use crate::actor::Actor;
use crate::command::{NOBODY, Scene, path};
use crate::domain::{Domain, DomainKind};
use crate::error::Error;
use crate::id::{DomainId, OrganizationId, UserId, WorkspaceId};
use crate::list::{Item, List};
use crate::member::{Member, WorkspaceMember};
use crate::own_role::{Added, RoleNumber, RolesInForce};
use crate::policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
use crate::record::Record;
use crate::refusal::Refusal;
use crate::resource::{Layer, Resource};
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::standing::{Decision, Grant, Held, Seen, Standing, Subject};
use crate::state::OrganizationState;
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
            let own = member.own_role;
            held.organization_adds = own.and_then(|own| organization.roles.added_by(own));
            held.keep_what_counts(|| now);
            let seen = Seen::of(&held, Subject::User(user));
            seen.decide(action).is_allowed()
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
        let Some(standing) = self.standing(actor, organization).await? else {
            return Ok(Page::empty());
        };
        let may = |there: &Standing| there.decide(action).is_allowed().then_some(());
        let page = self.reach(standing, organization, may, paging).await?;
        Ok(page.map(|(workspace, ())| workspace))
    }

    /// The domains of an organization on which the actor may do this, workspace by workspace. Empty for
    /// outsiders, whether the organization exists or not.
    ///
    /// A page may hold fewer items than asked for, or none, and still have a next one: it looks into a few
    /// workspaces, and is done within a dozen round trips however many there are; within two dozen where a role of the
    /// organization's own lets them do this on one kind of domains only.
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
            let there = self.standing(actor, on).await?;
            if let Some(kinds) = there.and_then(|there| kinds(&there, action)) {
                let after = Paging::first(limit.get()).after(domain);
                let page = self.domains_of(on, kinds, after).await?;
                if !page.items.is_empty() || page.next.is_some() {
                    return Ok(within(workspace, page));
                }
            }
        }
        let some = Paging {
            after: paging.after.map(|(workspace, _)| workspace),
            limit: WORKSPACES_A_PAGE,
        };
        let seen = |there: &Standing| kinds(there, action);
        let workspaces = self.reach(standing, organization, seen, some).await?;
        for (workspace, everywhere) in workspaces.items {
            let on = (organization, workspace.id);
            // A role held in the workspace may add to what holds in all of them.
            let kinds = if everywhere.is_all() {
                everywhere
            } else {
                let there = self.standing(actor, on).await?;
                let there = there.and_then(|there| kinds(&there, action));
                there.unwrap_or(everywhere)
            };
            let first = Paging::first(limit.get());
            let page = self.domains_of(on, kinds, first).await?;
            if !page.items.is_empty() || page.next.is_some() {
                return Ok(within(workspace.id, page));
            }
        }
        let unreadable = workspaces.unreadable.into_iter();
        let unreadable = unreadable.map(|workspace| (workspace, None));
        Ok(Page {
            items: Vec::new(),
            next: workspaces.next.map(|workspace| (workspace, None)),
            unreadable: unreadable.collect(),
        })
    }

    async fn domains_of(
        &self,
        on: (OrganizationId, WorkspaceId),
        kinds: Kinds,
        paging: Paging<DomainId>,
    ) -> Answer<Domain, DomainId, R::Error> {
        let mut page = self.domains_in(on, paging).await?;
        if !kinds.is_all() {
            page.unreadable.clear(); // of a kind that may be hidden from them
        }
        Ok(page.filter_map(|domain| kinds.has(domain.kind).then_some(domain)))
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
        let organization = resource.organization();
        let facts = self.load(organization, &[path(actor, resource)]).await?;
        let facts = facts.ok_or(Refusal::NotFound { resource })?;
        let state = OrganizationState::of(facts.organization, facts.records);
        let scene = Scene {
            actor,
            state: &state,
            now: self.now(),
            settings: self.settings(),
        };
        let standing = scene.standing(resource);
        let standing = standing.ok_or(Refusal::NotFound { resource })?;
        match resource {
            Resource::Organization(_) => {}
            Resource::Workspace(..) => drop(standing.require(WorkspaceAction::View)?),
            Resource::Domain(..) => drop(standing.require(DomainAction::View)?),
        }
        let _ = standing.require(OrganizationAction::ViewMembers)?;

        let limit = paging.limit();
        let path = standing.held();
        let path = Held {
            workspace: path.workspace,
            domain: path.domain,
            kind: path.kind,
            ..Held::nothing(path.version, path.status)
        };
        let with = |organization_role, workspace_role| Held {
            organization_role: Some(organization_role),
            workspace_role,
            ..path
        };
        let now = self.now();
        let by = |mut held: Held| {
            held.keep_what_counts(|| now);
            match Seen::of(&held, Subject::User(NOBODY)).decide(action) {
                Decision::Allowed { by } => Some(by),
                Decision::Forbidden { .. }
                | Decision::Hidden
                | Decision::Deleted
                | Decision::Suspended => None,
            }
        };
        let grant = |organization_role, workspace_role| by(with(organization_role, workspace_role));
        let allowed = OrganizationRole::ALL
            .into_iter()
            .filter(|role| grant(*role, None).is_some());
        let roles: RoleSet = allowed.map(RoleSet::of_organization).collect();
        // Those who can't by what they hold, as it doesn't count, are passed over once the page is cut.
        let mut found = Found::default();
        if !roles.is_empty() {
            let list = List::Members {
                organization,
                roles,
                after: paging.after,
            };
            let page = self.list(list, limit, member, |member| member.user).await?;
            found.add(page, |member| {
                let by = grant(member.role, None);
                (member.user, by.filter(|_| member.term().counts_at(now)))
            });
        }
        // Only what the workspace role itself grants: the organization role was asked above.
        let direct = |role| {
            let by = grant(OrganizationRole::Member, Some(role));
            by.filter(|by| matches!(by, Grant::Workspace(_)))
        };
        let there = |roles: RoleSet| {
            let workspace = path.workspace.filter(|_| !roles.is_empty())?;
            Some(List::WorkspaceMembers {
                organization,
                workspace,
                roles,
                after: paging.after,
            })
        };
        let key = |member: &WorkspaceMember| member.user;
        let allowed = WorkspaceRole::ALL
            .into_iter()
            .filter(|role| direct(*role).is_some());
        if let Some(list) = there(allowed.map(RoleSet::of_workspace).collect()) {
            let page = self.list(list, limit, workspace_member, key).await?;
            found.add(page, |member| {
                let by = direct(member.role);
                (member.user, by.filter(|_| member.term().counts_at(now)))
            });
        }
        // A host's row may have organization roles that don't view the thing (A4): whoever views it by a role in the
        // workspace may do it by theirs. Which they have is asked of all of the page at once.
        let mixed = |role: &WorkspaceRole| {
            let by_both = |held| grant(held, Some(*role)).is_some() && grant(held, None).is_none();
            direct(*role).is_none() && OrganizationRole::ALL.into_iter().any(by_both)
        };
        let roles = WorkspaceRole::ALL.into_iter().filter(mixed);
        if let Some(list) = there(roles.map(RoleSet::of_workspace).collect()) {
            let page = self.list(list, limit, workspace_member, key).await?;
            let users = page.items.iter().map(|member| member.user);
            let members = self.members_among(organization, users).await?;
            let mut there = state.clone();
            let members = members.into_iter().map(Record::Member);
            let roles = page.items.iter().cloned().map(Record::WorkspaceMember);
            members.chain(roles).for_each(|record| there.put(record));
            found.add(page, |member| {
                let held = there.held(member.user, resource);
                (member.user, held.and_then(by))
            });
        }
        // The organization's own roles that make the difference, and who holds them.
        let mut making = (BTreeMap::new(), BTreeMap::new());
        for role in state.organization().into_iter().flat_map(|row| &row.roles) {
            let added = Some(Added {
                role: role.number,
                adds: role.in_force(),
            });
            let (base, more, making) = match role.base.workspace_role() {
                None => {
                    let base = role.base.organization_role();
                    let base = with(base.unwrap_or(OrganizationRole::Member), None);
                    let more = Held {
                        organization_adds: added,
                        ..base
                    };
                    (base, more, &mut making.0)
                }
                Some(held) => {
                    let base = with(OrganizationRole::Member, Some(held));
                    let more = Held {
                        workspace_adds: added,
                        ..base
                    };
                    (base, more, &mut making.1)
                }
            };
            if let (None, Some(by), true) = (by(base), by(more), role.holders > 0) {
                making.insert(role.number, by);
            }
        }
        let there = path.workspace.map(|workspace| (Some(workspace), making.1));
        for (workspace, making) in core::iter::once((None, making.0)).chain(there) {
            if making.is_empty() {
                continue;
            }
            let list = List::Holders {
                organization,
                workspace,
                roles: making.keys().copied().collect(),
                after: paging.after,
            };
            let page = self
                .list(list, limit, |item| holder(item, now), |(user, ..)| *user)
                .await?;
            found.add(page, |(user, own, counts)| {
                let by = own.and_then(|own| making.get(&own).copied());
                (user, by.filter(|_| counts))
            });
        }
        let mut page = found.page(limit);
        let direct = page.items.iter().filter_map(|(user, by)| {
            let by = by.as_ref().filter(|by| is_of_a_workspace(by));
            by.map(|_| *user)
        });
        let members = self.members_among(organization, direct).await?;
        let members = members.into_iter();
        let belong = members.filter(|member| member.term().counts_at(now));
        let belong: BTreeSet<UserId> = belong.map(|member| member.user).collect();
        for (user, by) in &mut page.items {
            // The record of a role in a workspace doesn't know whether the membership counts (M1).
            *by = by.filter(|by| !is_of_a_workspace(by) || belong.contains(user));
        }
        Ok(page.filter_map(|(user, by)| by.map(|by| Holder { user, by })))
    }

    /// Of these users, the members of an organization.
    async fn members_among(
        &self,
        organization: OrganizationId,
        users: impl Iterator<Item = UserId>,
    ) -> Result<Vec<Member>, Error<R::Error>> {
        let keys: Vec<Key> = users
            .map(|user| Key::Path(user, organization.into()))
            .collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let facts = self.load(organization, &keys).await?;
        let records = facts.into_iter().flat_map(|facts| facts.records);
        let members = records.filter_map(|record| match record {
            Record::Member(member) => Some(member),
            _ => None,
        });
        Ok(members.collect())
    }

    /// The workspaces where somebody of that standing in the organization has a standing of which `seen` makes
    /// something.
    async fn reach<T: Copy>(
        &self,
        standing: Standing,
        organization: OrganizationId,
        seen: impl Fn(&Standing) -> Option<T>,
        paging: Paging<WorkspaceId>,
    ) -> Answer<(WorkspaceView, T), WorkspaceId, R::Error> {
        let seen = |workspace, role: Option<WorkspaceRole>, adds| {
            let held = Held {
                workspace: Some(workspace),
                workspace_role: role,
                workspace_adds: adds,
                ..standing.held()
            };
            seen(&standing.with(held))
        };
        let anywhere = WorkspaceId::from_uuid(uuid::Uuid::nil());
        if let Some(everywhere) = seen(anywhere, None, None) {
            let page = self.all_workspaces(organization, paging).await?;
            return Ok(page.map(|workspace| (workspace, everywhere)));
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
        let mut roles = RolesInForce::default();
        if page.items.iter().any(|(_, held)| held.own_role.is_some()) {
            let facts = self.load(organization, &[]).await?;
            roles = facts.map_or(roles, |facts| facts.organization.summary().roles);
        }
        let now = self.now();
        Ok(page.filter_map(|(workspace, member)| {
            let counts = member.term().counts_at(now);
            let role = Some(member.role).filter(|_| counts);
            let own = member.own_role.filter(|_| counts);
            let adds = own.and_then(|own| roles.added_by(own));
            let there = seen(workspace.id, role, adds)?;
            Some((WorkspaceView::of(&workspace), there))
        }))
    }
}

/// The kinds of domains on which somebody may do something, in one workspace.
#[derive(Clone, Copy)]
struct Kinds {
    sandbox: bool,
    production: bool,
}

impl Kinds {
    const fn has(self, kind: DomainKind) -> bool {
        match kind {
            DomainKind::Sandbox => self.sandbox,
            DomainKind::Production => self.production,
        }
    }

    const fn is_all(self) -> bool {
        self.sandbox && self.production
    }
}

/// On which kinds of domains somebody of that standing in a workspace may do this, were there some; `None`: on none.
fn kinds<A: Action<On = (OrganizationId, DomainId)>>(
    standing: &Standing,
    action: A,
) -> Option<Kinds> {
    let on = |kind| {
        let held = Held {
            domain: Some(DomainId::from_uuid(uuid::Uuid::nil())),
            kind: Some(kind),
            ..standing.held()
        };
        standing.with(held).decide(action).is_allowed()
    };
    let kinds = Kinds {
        sandbox: on(DomainKind::Sandbox),
        production: on(DomainKind::Production),
    };
    (kinds.sandbox || kinds.production).then_some(kinds)
}

/// A page of one workspace's domains, as a page of all.
fn within(
    workspace: WorkspaceId,
    page: Page<Domain, DomainId>,
) -> Page<Domain, (WorkspaceId, Option<DomainId>)> {
    let unreadable = page.unreadable.into_iter();
    Page {
        items: page.items,
        next: Some((workspace, page.next)),
        unreadable: unreadable.map(|domain| (workspace, Some(domain))).collect(),
    }
}

/// Who was found in several lists, by which role they can do it, or that they can't.
#[derive(Default)]
struct Found {
    users: Vec<(UserId, Option<Grant>)>,
    unreadable: BTreeSet<UserId>,
    /// Whether one of the lists goes on.
    more: bool,
}

impl Found {
    fn add<T>(&mut self, page: Page<T, UserId>, by: impl FnMut(T) -> (UserId, Option<Grant>)) {
        self.more |= page.next.is_some();
        self.users.extend(page.items.into_iter().map(by));
        // They have their places, too: the page ends where the smallest ids do.
        let unreadable = page.unreadable.iter().map(|user| (*user, None));
        self.users.extend(unreadable);
        self.unreadable.extend(page.unreadable);
    }

    /// All lists begin with the smallest ids, so the smallest of all together are all there. Who is in several is named
    /// once, by the role held nearest.
    fn page(mut self, limit: NonZeroU32) -> Page<(UserId, Option<Grant>), UserId> {
        let users = &mut self.users;
        users.sort_by_key(|(user, by)| (*user, by.is_none(), by.map(|by| (by.nearness(), by))));
        users.dedup_by_key(|(user, _)| *user);
        let limit = usize::try_from(limit.get()).unwrap_or(usize::MAX);
        let more = self.more || users.len() > limit;
        users.truncate(limit);
        let next = users.last().filter(|_| more).map(|(user, _)| *user);
        let unreadable = self.unreadable.into_iter();
        let unreadable = unreadable.filter(|user| users.iter().any(|(found, _)| found == user));
        Page {
            unreadable: unreadable.collect(),
            items: self.users,
            next,
        }
    }
}

/// Whoever a record of a membership is of, which role of the organization's own they hold by it, and whether it counts.
fn holder(item: Item, now: DateTime<Utc>) -> Option<(UserId, Option<RoleNumber>, bool)> {
    let (user, own, term) = match item {
        Item::Record(Record::Member(member)) => (member.user, member.own_role, member.term()),
        Item::Record(Record::WorkspaceMember(member)) => {
            (member.user, member.own_role, member.term())
        }
        _ => return None,
    };
    Some((user, own, term.counts_at(now)))
}

/// Whether a role in the workspace is what allows it.
const fn is_of_a_workspace(by: &Grant) -> bool {
    match by {
        Grant::Workspace(_) => true,
        Grant::Own { base, .. } => matches!(base.layer(), Layer::Workspace),
        Grant::Organization(_) | Grant::Cascade(_) | Grant::Operator => false,
    }
}
