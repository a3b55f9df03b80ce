//! Checks that let in who may not, or keep out who may.

use std::collections::HashMap;
use std::sync::Mutex;

use tenancy::{DomainId, Event, OrganizationId, Resource, Standing, UserId, WorkspaceId};

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
    ) -> Result<Option<Standing>, Lost> {
        store.count(1);
        let early = store.data().standing(user, resource);
        window().await;
        let late = store.data().standing(user, resource);
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
    ) -> Result<Option<Standing>, Lost> {
        store.count(2);
        Ok(store.data().standing(user, resource))
    }
}

#[derive(Default)]
pub(crate) struct RemembersStandings {
    seen: Mutex<HashMap<(UserId, Resource), Option<Standing>>>,
}

impl Flaw for RemembersStandings {
    const DOES: &'static str = "remembers standings: who was removed is let in for ever";

    async fn standing(
        store: &Store<Self>,
        user: UserId,
        resource: Resource,
    ) -> Result<Option<Standing>, Lost> {
        store.count(1);
        let mut seen = lock(&store.own.seen);
        let standing = seen.entry((user, resource));
        Ok(*standing.or_insert_with(|| store.data().standing(user, resource)))
    }
}

/// A store whose checks look at the wrong place.
macro_rules! stands {
    ($($name:ident: $does:literal, |$data:ident, $user:ident, $on:ident| $standing:expr;)+) => {$(
        #[derive(Default)]
        pub(crate) struct $name;

        impl Flaw for $name {
            const DOES: &'static str = $does;

            async fn standing(
                store: &Store<Self>,
                $user: UserId,
                $on: Resource,
            ) -> Result<Option<Standing>, Lost> {
                store.count(1);
                let $data = store.data();
                Ok($standing)
            }
        }
    )+};
}

stands! {
    IgnoresTheDomainsWorkspace: "a role in a workspace counts for nothing in its domains", |data, user, on| {
        data.standing(user, on).map(|mut standing| {
            if matches!(on, Resource::Domain(..)) {
                standing.workspace_role = None;
            }
            standing
        })
    };
    LeavesDomainsWhereTheyWere: "a domain stands in the workspace that it was created in", |data, user, on| {
        let standing = data.standing(user, on);
        standing.map(|mut standing| {
            if let (Resource::Domain(id, domain), Some(_)) = (on, standing.domain) {
                let state = data.organizations.get(&id);
                let first = born_in(&data, id, domain);
                let held = state.zip(first).and_then(|(state, first)| state.workspace_member(first, user));
                standing.workspace = first;
                standing.workspace_role = held.map(|held| held.role);
            }
            standing
        })
    };
    StandsInDeletedWorkspaces: "a workspace that was deleted is still there for a check", |data, user, on| {
        data.standing(user, on).map(|mut standing| {
            if let Resource::Workspace(id, workspace) = on {
                let ever = data.log_of(id).flat_map(|entry| &entry.events).any(|event| {
                    matches!(event, Event::WorkspaceCreated { workspace: made, .. } if *made == workspace)
                });
                standing.workspace = ever.then_some(workspace);
            }
            standing
        })
    };
    StandsWhereNothingIs: "a check in an organization that doesn't exist finds one without members", |data, user, on| {
        let nobody = Standing::new(user, on, tenancy::Version::ABSENT);
        Some(data.standing(user, on).unwrap_or(nobody))
    };
    StandsInAnyOrganization: "a check finds a workspace by its id alone", |data, user, on| {
        data.standing(user, on).map(|mut standing| {
            if let (Resource::Workspace(_, workspace), None) = (on, standing.workspace) {
                let theirs = data.organizations.keys().find_map(|id| {
                    let standing = data.standing(user, Resource::Workspace(*id, workspace))?;
                    standing.workspace.map(|_| standing)
                });
                if let Some(theirs) = theirs {
                    standing.workspace = theirs.workspace;
                    standing.workspace_role = theirs.workspace_role;
                }
            }
            standing
        })
    };
    TakesTheFirstTwinsRole: "a check joins the memberships of a workspace by its id alone", |data, user, on| {
        data.standing(user, on).map(|mut standing| {
            if let Some(workspace) = standing.workspace {
                let mut held = data.organizations.values();
                let held = held.find_map(|state| state.workspace_member(workspace, user));
                standing.workspace_role = held.map(|held| held.role);
            }
            standing
        })
    };
    SaysNoVersion: "a standing says version 1, whatever it saw", |data, user, on| {
        data.standing(user, on).map(|mut standing| {
            standing.version = tenancy::Version::new(1);
            standing
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
