//! What the crate keeps, as the model would write it.

use std::collections::BTreeSet;

use chrono::DateTime;
use tenancy::store::{Invitation, OrganizationState};
use tenancy::{DomainStatus, RoleState, UserId};
use tenancy_tests::model::roles::{OwnRole, adding};
use tenancy_tests::model::{self, Organization};

/// An organization's records as the model would write them.
pub fn seen(state: &OrganizationState) -> Organization {
    let row = state.organization().expect("it exists");
    Organization {
        name: row.name.as_str().to_owned(),
        deleted: row.is_deleted(),
        suspended: row.suspension.as_ref().map(|line| line.as_str().to_owned()),
        quota: row.workspace_quota,
        limits: row.limits,
        company: row.company.clone(),
        invoicing: row.invoicing.clone(),
        contract: row.contract.as_ref().map(|line| line.as_str().to_owned()),
        members: state
            .members()
            .map(|member| {
                let seen = model::Member {
                    role: member.role,
                    own: member.own_role,
                    email: member.email.as_str().to_owned(),
                    suspended: member.suspended,
                    until: member.until,
                };
                (member.user, seen)
            })
            .collect(),
        workspaces: state
            .workspaces()
            .map(|workspace| {
                let name = workspace.name.as_str().to_owned();
                let invoicing = workspace.invoicing.clone();
                (workspace.id, model::Workspace { name, invoicing })
            })
            .collect(),
        roles: state
            .workspace_members()
            .map(|member| ((member.workspace, member.user), member.role))
            .collect(),
        role_ends: state
            .workspace_members()
            .filter_map(|member| Some(((member.workspace, member.user), member.until?)))
            .collect(),
        own: row
            .roles
            .iter()
            .map(|role| {
                let seen = OwnRole {
                    name: role.name.as_str().to_owned(),
                    base: role.base,
                    adds: adding(role.adds),
                    retired: role.state == RoleState::Retired,
                };
                (role.number, seen)
            })
            .collect(),
        own_there: state
            .workspace_members()
            .filter_map(|member| Some(((member.workspace, member.user), member.own_role?)))
            .collect(),
        domains: state
            .domains()
            .map(|domain| {
                let seen = model::Domain {
                    workspace: domain.workspace,
                    name: domain.name.as_str().to_owned(),
                    kind: domain.kind,
                    active: domain.status == DomainStatus::Active,
                };
                (domain.id, seen)
            })
            .collect(),
        retired: state
            .retired_names()
            .map(|retired| retired.name.as_str().to_owned())
            .collect(),
        invitations: state
            .invitations()
            .map(|invitation| {
                let seen = model::Invitation {
                    email: invitation.email.as_str().to_owned(),
                    target: invitation.target,
                    own: invitation.own_role,
                    inviter: invitation.inviter,
                    link: *invitation.token_hash.as_bytes(),
                    sent: invitation.sent_at,
                    expires: invitation.expires_at,
                    state: invitation.state,
                    outdated_for: outdated_for(state, invitation),
                };
                (invitation.id, seen)
            })
            .collect(),
        links: (row.links.count > 0).then(|| {
            let begins = DateTime::from_timestamp(row.links.day * 86_400, 0).expect("a day");
            (begins.date_naive(), row.links.count)
        }),
    }
}

/// To whom an open invitation gives nothing more, as the records say it: who departed or lost something in a
/// later version than that of its link (`DESIGN.md`).
pub fn outdated_for(state: &OrganizationState, invitation: &Invitation) -> BTreeSet<UserId> {
    let departures = state.former_members().filter(|departure| {
        departure.workspace.is_none() || departure.workspace == invitation.target.workspace()
    });
    let departures = departures.map(|departure| (departure.user, Some(departure.departed_in)));
    let lowered = state
        .members()
        .map(|member| (member.user, member.lowered_in));
    let lowered_there = state
        .workspace_members()
        .filter(|held| Some(held.workspace) == invitation.target.workspace())
        .map(|held| (held.user, held.lowered_in));
    departures
        .chain(lowered)
        .chain(lowered_there)
        .filter(|(_, lost)| invitation.is_open() && *lost > Some(invitation.sent_in))
        .map(|(user, _)| user)
        .collect()
}
