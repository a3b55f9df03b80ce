//! Checks that let in who may not, or keep out who may.

use std::collections::HashMap;
use std::sync::Mutex;

use tenancy::store::{Glance, Held, OrganizationStatus, Term};
use tenancy::{DomainId, Event, OrganizationId, Resource, UserId, WorkspaceId};

use super::store::{Data, Flaw, Lost, Store, lock, window};

#[derive(Default)]
pub(crate) struct StandsOnTwoSnapshots;

impl Flaw for StandsOnTwoSnapshots {
    const DOES: &'static str = "reads the version and the member, and the rest a moment later";
    const SURELY: &'static [&'static str] = &["standing_is_one_snapshot"];

    async fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Lost> {
        store.count(1);
        let early = store.data().held(user, resource);
        window().await;
        let late = store.data().held(user, resource);
        Ok(early.zip(late).map(|(early, mut late)| {
            late.version = early.version;
            late.organization_role = early.organization_role;
            late
        }))
    }
}

#[derive(Default)]
pub(crate) struct AsksTwice;

impl Flaw for AsksTwice {
    const DOES: &'static str =
        "asks for the organization first and for the rest in a second round trip";

    async fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Lost> {
        store.count(2);
        Ok(store.data().held(user, resource))
    }
}

#[derive(Default)]
pub(crate) struct RemembersStandings {
    seen: Mutex<HashMap<(UserId, Resource), Option<Held>>>,
}

impl Flaw for RemembersStandings {
    const DOES: &'static str = "remembers standings: who was removed is let in for ever";

    async fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Held>, Lost> {
        store.count(1);
        let mut seen = lock(&store.own.seen);
        let held = seen.entry((user, resource));
        Ok(*held.or_insert_with(|| store.data().held(user, resource)))
    }
}

#[derive(Default)]
pub(crate) struct RemembersGlances {
    seen: Mutex<HashMap<(UserId, Resource), Option<Glance>>>,
}

impl Flaw for RemembersGlances {
    const DOES: &'static str = "remembers what it answered at a glance";

    fn glance(store: &Store<Self>, user: UserId, resource: Resource) -> Option<Glance> {
        let mut seen = lock(&store.own.seen);
        let glance = seen.entry((user, resource));
        *glance.or_insert_with(|| store.data().held(user, resource)?.glance())
    }
}

#[derive(Default)]
pub(crate) struct GlancesPastEnds;

impl Flaw for GlancesPastEnds {
    const DOES: &'static str = "says at a glance that a role counts, whatever its end";

    fn glance(store: &Store<Self>, user: UserId, resource: Resource) -> Option<Glance> {
        let held = store.data().held(user, resource)?;
        let everlasting = Held {
            organization_term: Term::Open,
            workspace_term: Term::Open,
            ..held
        };
        everlasting.glance()
    }
}

/// A store whose checks look at the wrong place.
macro_rules! stands {
    ($($name:ident: $does:literal, |$data:ident, $user:ident, $on:ident| $held:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            async fn standing(
                store: &Store<Self>,
                $user: UserId,
                $on: Resource,
            ) -> Result<Option<Held>, Lost> {
                store.count(1);
                let $data = store.data();
                Ok($held)
            }
        }
    )+};
}

stands! {
    IgnoresTheDomainsWorkspace: "a role in a workspace counts for nothing in its domains", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if matches!(on, Resource::Domain(..)) {
                held.workspace_role = None;
            }
            held
        })
    };
    LeavesDomainsWhereTheyWere: "a domain stands in the workspace that it was created in", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if let (Resource::Domain(id, domain), Some(_)) = (on, held.domain) {
                let state = data.organizations.get(&id);
                let first = born_in(&data, id, domain);
                let there = state.zip(first).and_then(|(state, first)| state.workspace_member(first, user));
                held.workspace = first;
                held.workspace_role = there.map(|member| member.role);
            }
            held
        })
    };
    StandsInDeletedWorkspaces: "a workspace that was deleted is still there for a check", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if let Resource::Workspace(id, workspace) = on {
                let ever = data.log_of(id).flat_map(|entry| &entry.events).any(|event| {
                    matches!(event, Event::WorkspaceCreated { workspace: made, .. } if *made == workspace)
                });
                held.workspace = ever.then_some(workspace);
            }
            held
        })
    };
    StandsWhereNothingIs: "a check in an organization that doesn't exist finds one without members", |data, user, on| {
        let nobody = Held::nothing(tenancy::Version::ABSENT, OrganizationStatus::Active);
        Some(data.held(user, on).unwrap_or(nobody))
    };
    StandsInAnyOrganization: "a check finds a workspace by its id alone", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if let (Resource::Workspace(_, workspace), None) = (on, held.workspace) {
                let theirs = data.organizations.keys().find_map(|id| {
                    let theirs = data.held(user, Resource::Workspace(*id, workspace))?;
                    theirs.workspace.map(|_| theirs)
                });
                if let Some(theirs) = theirs {
                    held.workspace = theirs.workspace;
                    held.workspace_role = theirs.workspace_role;
                }
            }
            held
        })
    };
    TakesTheFirstTwinsRole: "a check joins the memberships of a workspace by its id alone", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if let Some(workspace) = held.workspace {
                let mut states = data.organizations.values();
                let member = states.find_map(|state| state.workspace_member(workspace, user));
                held.workspace_role = member.map(|member| member.role);
            }
            held
        })
    };
    TakesDeletedForActive: "a check takes the status from the domain's row: if that is gone, the organization is in use", |data, user, on| {
        data.held(user, on).map(|mut held| {
            if matches!(on, Resource::Domain(..)) && held.domain.is_none() {
                held.status = OrganizationStatus::Active;
            }
            held
        })
    };
    ReadsRolesWithoutTheirTerms: "a check reads the role in a workspace, but not when it ends", |data, user, on| {
        data.held(user, on).map(|mut held| {
            held.workspace_term = tenancy::store::Term::Open;
            held
        })
    };
    LetsSuspendedMembersIn: "a check reads a member's role, but not whether it is suspended or ends", |data, user, on| {
        data.held(user, on).map(|mut held| {
            held.organization_term = tenancy::store::Term::Open;
            held
        })
    };
    ReadsNoOwnRoles: "a check reads the roles that every organization has, and none of its own", |data, user, on| {
        data.held(user, on).map(|mut held| {
            held.organization_adds = None;
            held.workspace_adds = None;
            held
        })
    };
    ReadsNoKind: "a check finds a domain, but not of which kind it is", |data, user, on| {
        data.held(user, on).map(|mut held| {
            held.kind = None;
            held
        })
    };
    ReadsRolesAsTheyWereDefined: "a check reads what a role of the organization's own added when it was defined", |data, user, on| {
        data.held(user, on).map(|held| {
            let id = on.organization();
            let first = |own: Option<tenancy::RoleNumber>| {
                let own = own?;
                data.log_of(id).flat_map(|entry| &entry.events).find_map(|event| match event {
                    Event::RoleDefined { role, adds, .. } if *role == own => {
                        Some(tenancy::Added { role: own, adds: *adds })
                    }
                    _ => None,
                })
            };
            let state = data.organizations.get(&id);
            let member = state.and_then(|state| state.member(user)).and_then(|member| member.own_role);
            let worker = state.zip(held.workspace).and_then(|(state, at)| state.workspace_member(at, user));
            Held {
                organization_adds: first(member),
                workspace_adds: first(worker.and_then(|worker| worker.own_role)),
                ..held
            }
        })
    };
    SaysNoVersion: "a standing says version 1, whatever it saw", |data, user, on| {
        data.held(user, on).map(|mut held| {
            held.version = tenancy::Version::new(1);
            held
        })
    };
}

fn born_in(data: &Data, id: OrganizationId, domain: DomainId) -> Option<WorkspaceId> {
    let mut events = data.log_of(id).flat_map(|entry| &entry.events);
    events.find_map(|event| match event {
        Event::DomainCreated {
            domain: made,
            workspace,
            ..
        } if *made == domain => Some(*workspace),
        _ => None,
    })
}
