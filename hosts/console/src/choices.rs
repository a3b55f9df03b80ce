//! Roles as the choices of a form: how each is named there, and read again.

use tenancy::views::OwnRoleView;
use tenancy::{Layer, OrganizationRole, Role, RoleState, WorkspaceRole};

use crate::form::Choice;

/// A role of the organization, as a form names it.
pub(crate) fn read_organization_role(text: &str) -> Option<Role<OrganizationRole>> {
    let built_in = OrganizationRole::ALL
        .into_iter()
        .find(|role| organization_word(*role) == text);
    built_in
        .map(Role::BuiltIn)
        .or_else(|| text.parse().ok().map(Role::Own))
}

/// How a form names it.
pub(crate) const fn organization_word(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Member => "member",
        OrganizationRole::Accounting => "accounting",
        OrganizationRole::Admin => "admin",
    }
}

/// The roles of the organization's own that can be given at a layer, with their bases in the organization.
pub(crate) fn own_organization_choices(
    roles: &[OwnRoleView],
    layer: Layer,
) -> Vec<(OrganizationRole, Choice)> {
    let in_force = roles.iter().filter(|role| role.base.layer() == layer);
    let choices = in_force.map(|role| {
        let base = role
            .base
            .organization_role()
            .unwrap_or(OrganizationRole::Member);
        let label = if role.state == RoleState::Retired {
            format!("{} (retired)", role.name)
        } else {
            role.name.to_string()
        };
        (base, Choice::new(role.number, label))
    });
    choices.collect()
}

/// All roles that can be given in the organization, strongest last.
pub(crate) fn organization_choices(roles: &[OwnRoleView]) -> Vec<Choice> {
    let built_in = OrganizationRole::ALL.into_iter();
    let mut choices: Vec<_> = built_in
        .map(|role| Choice::new(organization_word(role), role.to_string()))
        .collect();
    let in_force = roles.iter().filter(|role| role.state == RoleState::InForce);
    let own = in_force.filter(|role| role.base.layer() == Layer::Organization);
    choices.extend(own.map(|role| Choice::new(role.number, role.name.to_string())));
    choices
}

/// All roles that can be given in a workspace.
pub(crate) fn workspace_choices(roles: &[OwnRoleView]) -> Vec<Choice> {
    let built_in = WorkspaceRole::ALL.into_iter();
    let mut choices: Vec<_> = built_in
        .map(|role| Choice::new(workspace_word(role), role.to_string()))
        .collect();
    let own = roles
        .iter()
        .filter(|role| role.base.layer() == Layer::Workspace);
    let in_force = own.filter(|role| role.state == RoleState::InForce);
    choices.extend(in_force.map(|role| Choice::new(role.number, role.name.to_string())));
    choices
}

/// A role of a workspace, as a form names it.
pub(crate) fn read_workspace_role(text: &str) -> Option<Role<WorkspaceRole>> {
    let built_in = WorkspaceRole::ALL
        .into_iter()
        .find(|role| workspace_word(*role) == text);
    built_in
        .map(Role::BuiltIn)
        .or_else(|| text.parse().ok().map(Role::Own))
}

pub(crate) const fn workspace_word(role: WorkspaceRole) -> &'static str {
    match role {
        WorkspaceRole::Reader => "reader",
        WorkspaceRole::Developer => "developer",
        WorkspaceRole::Admin => "admin",
    }
}
