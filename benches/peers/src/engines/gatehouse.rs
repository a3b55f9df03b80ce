//! gatehouse: policies are Rust, and read what the host keeps, here the hand-written maps.

use std::sync::Arc;

use gatehouse::{EvaluationSession, PermissionChecker, PolicyBuilder, PolicyDomain};
use tenancy::{OrganizationRole, Resource, UserId, WorkspaceRole, block_on};

use crate::by_hand::ByHand;
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question};

struct Access;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Action {
    ViewOrganization,
    ManageRoles,
    Configure,
}

impl PolicyDomain for Access {
    type Subject = UserId;
    type Action = Action;
    type Resource = Resource;
    type Context = ();
}

pub(crate) fn peer<'a>(all: &[Ids], questions: &'a [Question]) -> Peer<'a> {
    let checker = checker(&Arc::new(ByHand::of(all)));
    let session = EvaluationSession::shared_empty(); // no policy loads anything
    Peer::new("gatehouse", Kind::Engine, questions.len(), move |place| {
        let Question { user, resource, .. } = &questions[place];
        let action = match resource {
            Resource::Organization(_) => Action::ViewOrganization,
            Resource::Workspace(..) => Action::ManageRoles,
            Resource::Domain(..) => Action::Configure,
        };
        let bound = checker.bind(session, user, &action, &());
        block_on(bound.check(resource)).is_granted()
    })
}

fn checker(maps: &Arc<ByHand<foldhash::fast::RandomState>>) -> PermissionChecker<Access> {
    let mut checker = PermissionChecker::new();
    let held = Arc::clone(maps);
    checker.add_policy(
        PolicyBuilder::new_static("a member views the organization")
            .actions(|action| *action == Action::ViewOrganization)
            .when(move |user, _, resource, ()| held.organization_role(*user, resource).is_some())
            .build(),
    );
    let held = Arc::clone(maps);
    checker.add_policy(
        PolicyBuilder::new_static("the organization's admin acts as the workspace's")
            .actions(|action| *action != Action::ViewOrganization)
            .when(move |user, _, resource, ()| {
                held.organization_role(*user, resource) == Some(OrganizationRole::Admin)
                    && held.workspace(resource).is_some()
            })
            .build(),
    );
    let held = Arc::clone(maps);
    checker.add_policy(
        PolicyBuilder::new_static("a member with a role in the workspace")
            .actions(|action| *action != Action::ViewOrganization)
            .when(move |user, action, resource, ()| {
                let least = match action {
                    Action::Configure => WorkspaceRole::Developer,
                    _ => WorkspaceRole::Admin,
                };
                held.workspace_role(*user, resource) >= Some(least)
            })
            .build(),
    );
    checker
}
