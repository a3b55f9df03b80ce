//! A1–A5: one table, hiding, explanations, a host's own actions, isolation.

use tenancy::commands::{
    ChangeOrganizationRole, GiveWorkspaceRole, RemoveMember, TakeWorkspaceRole,
};
use tenancy::{
    Action, Decision, DomainAction, DomainId, Grant, OrganizationAction, OrganizationId,
    OrganizationRole, RoleSet, UserId, WorkspaceAction, WorkspaceId, WorkspaceRole,
};

use tenancy_tests::world::{World, id, not_found, operator, user};

#[test]
fn a1_what_the_matrix_does_not_allow_is_refused_to_the_vendor_too() {
    let world = World::new();
    let acme = world.acme();
    for action in OrganizationAction::ALL {
        let allowed = action.allowed().contains(RoleSet::OPERATOR);
        assert_eq!(
            world.may(&operator(), acme.organization, action),
            allowed,
            "{action:?}"
        );
    }
}

#[test]
fn a2_an_outsider_gets_one_answer_for_what_is_there_and_what_is_not() {
    let world = World::new();
    let acme = world.acme();
    let dora = user("dora");
    let absent = OrganizationId::new();
    for action in OrganizationAction::ALL {
        assert_eq!(
            world.asks(&dora, acme.organization, action),
            Decision::Hidden
        );
        assert_eq!(world.asks(&dora, absent, action), Decision::Hidden);
    }
    let target = UserId::new();
    for organization in [acme.organization, absent] {
        let remove = RemoveMember {
            organization,
            user: target,
        };
        assert_eq!(world.refused(&dora, remove), not_found(organization));
        let role = OrganizationRole::Admin;
        let change = ChangeOrganizationRole {
            organization,
            user: target,
            role,
        };
        assert_eq!(world.refused(&dora, change), not_found(organization));
        for workspace in [acme.workspace, WorkspaceId::new()] {
            let on = (organization, workspace);
            let role = WorkspaceRole::Admin;
            let give = GiveWorkspaceRole {
                organization,
                workspace,
                user: target,
                role,
            };
            assert_eq!(world.refused(&dora, give), not_found(on));
            let take = TakeWorkspaceRole {
                organization,
                workspace,
                user: target,
            };
            assert_eq!(world.refused(&dora, take), not_found(on));
        }
    }
}

#[test]
fn a2_who_may_view_but_not_do_learns_which_roles_may() {
    let world = World::new();
    let acme = world.acme();
    let reader = world.workspace_member(acme, "rita", WorkspaceRole::Reader);
    assert_eq!(
        world.asks(&reader, acme.there(), WorkspaceAction::CreateDomain),
        Decision::Forbidden {
            needs: WorkspaceAction::CreateDomain.allowed(),
            has: RoleSet::MEMBER | RoleSet::READER
        }
    );
    let member = world.member(acme, "mel", OrganizationRole::Member);
    assert_eq!(
        world.asks(&member, acme.there(), WorkspaceAction::View),
        Decision::Hidden
    );
}

#[test]
fn a3_an_answer_names_the_role_and_the_layer_that_allowed_it() {
    let world = World::new();
    let acme = world.acme();
    let on = (
        acme.organization,
        world.does(&user("ann"), acme.sandbox("acme")),
    );
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let by = |who: tenancy::Actor, action| match world.asks(&who, on, action) {
        Decision::Allowed { by } => Some(by),
        Decision::Forbidden { .. } | Decision::Hidden | Decision::Deleted => None,
        Decision::Suspended => panic!("Acme is not suspended"),
    };
    let cascade = Grant::Cascade(OrganizationRole::Admin);
    assert_eq!(by(user("ann"), DomainAction::Configure), Some(cascade));
    let direct = Grant::Workspace(WorkspaceRole::Developer);
    assert_eq!(by(dev.clone(), DomainAction::Configure), Some(direct));
    assert_eq!(by(operator(), DomainAction::View), Some(Grant::Operator));
    assert_eq!(by(dev, DomainAction::ViewServerKeys), None);
}

#[derive(Clone, Copy)]
struct Deploy;

impl Action for Deploy {
    type On = (OrganizationId, DomainId);

    fn allowed(&self) -> RoleSet {
        RoleSet::WORKSPACE_ADMIN
    }

    fn phrase(&self) -> &'static str {
        "deploy"
    }
}

#[test]
fn a4_a_hosts_own_action_gets_the_cascade_and_the_hiding() {
    let world = World::new();
    let acme = world.acme();
    let on = (
        acme.organization,
        world.does(&user("ann"), acme.sandbox("acme")),
    );
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let permit = tenancy::block_on(world.tenancy.require(&user("ann"), on, Deploy)).unwrap();
    assert_eq!(permit.by(), Grant::Cascade(OrganizationRole::Admin));
    assert_eq!(
        (permit.resource(), permit.user()),
        (on.into(), Some(id(&user("ann"))))
    );
    let has = RoleSet::MEMBER | RoleSet::DEVELOPER;
    let needs = RoleSet::WORKSPACE_ADMIN;
    assert_eq!(
        world.asks(&dev, on, Deploy),
        Decision::Forbidden { needs, has }
    );
    assert_eq!(world.asks(&user("dora"), on, Deploy), Decision::Hidden);
}

#[test]
fn a5_an_admin_of_one_organization_is_an_outsider_in_another() {
    let world = World::new();
    let acme = world.acme();
    let other = world.owned_by(&user("zoe"), "Zebra");
    for action in WorkspaceAction::ALL {
        assert_eq!(
            world.asks(&user("ann"), other.there(), action),
            Decision::Hidden
        );
        // The other's workspace, reached through one's own organization, is not there.
        let crossed = (acme.organization, other.workspace);
        assert_eq!(world.asks(&user("ann"), crossed, action), Decision::Hidden);
    }
}
