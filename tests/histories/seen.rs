//! What the crate keeps, as the model would write it.

use std::collections::BTreeMap;

use tenancy::store::OrganizationState;
use tenancy::{DomainStatus, UserId, WorkspaceId};
use tenancy_tests::model::{self, Organization};

/// An organization's records as the model would write them.
pub fn seen(state: &OrganizationState) -> Organization {
    let row = state.organization().expect("it exists");
    Organization {
        name: row.name.as_str().to_owned(),
        deleted: !row.is_active(),
        quota: row.workspace_quota,
        company: row.company.clone(),
        invoicing: row.invoicing.clone(),
        contract: row.contract.as_ref().map(|line| line.as_str().to_owned()),
        members: state
            .members()
            .map(|member| {
                let email = member.email.as_str().to_owned();
                let role = member.role;
                (member.user, model::Member { role, email })
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
        lowered: lowered(state),
        departed: state
            .former_members()
            .map(|former| ((former.user, former.workspace), former.departed_in.get()))
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
                    inviter: invitation.inviter,
                    link: *invitation.token_hash.as_bytes(),
                    sent: (invitation.sent_in.get(), invitation.sent_at),
                    expires: invitation.expires_at,
                    state: invitation.state,
                };
                (invitation.id, seen)
            })
            .collect(),
        links: (row.links.day, row.links.count),
    }
}

fn lowered(state: &OrganizationState) -> BTreeMap<(UserId, Option<WorkspaceId>), u64> {
    let members = state.members();
    let members = members.map(|member| ((member.user, None), member.lowered_in));
    let there = state.workspace_members();
    let there = there.map(|held| ((held.user, Some(held.workspace)), held.lowered_in));
    let all = members.chain(there);
    all.filter_map(|(of, lowered)| Some((of, lowered?.get())))
        .collect()
}
