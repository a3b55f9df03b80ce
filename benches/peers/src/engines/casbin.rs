//! casbin: roles with domains, where a domain is an organization or a workspace.
//!
//! casbin looks at its policy lines one after the other, so there are as few as the questions need: a line a role, none a
//! workspace. Which workspace a domain is in, the host says with the request, as from the row that it has read anyway.

use std::collections::HashMap;

use casbin::{CoreApi as _, DefaultModel, Enforcer, MgmtApi as _};
use tenancy::{DomainId, OrganizationRole, Resource, WorkspaceId, WorkspaceRole, block_on};

use super::action;
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question, role, roles};

const MODEL: &str = r#"
[request_definition]
r = sub, organization, workspace, act

[policy_definition]
p = sub, layer, act

[role_definition]
g = _, _, _

[policy_effect]
e = some(where (p.eft == allow))

[matchers]
m = r.act == p.act && ((p.layer == "workspace" && g(r.sub, p.sub, r.workspace)) || (p.layer == "organization" && g(r.sub, p.sub, r.organization)))
"#;

const POLICY: [[&str; 3]; 8] = [
    ["member", "organization", "view_organization"],
    ["accounting", "organization", "view_organization"],
    ["admin", "organization", "view_organization"],
    ["workspace admin", "workspace", "manage_roles"],
    ["admin", "organization", "manage_roles"],
    ["developer", "workspace", "configure"],
    ["workspace admin", "workspace", "configure"],
    ["admin", "organization", "configure"],
];

pub(crate) const NAME: &str = "casbin";

pub(crate) fn peer(all: &[Ids], questions: &[Question]) -> Peer<'static> {
    let workspaces: HashMap<DomainId, WorkspaceId> = all.iter().flat_map(Ids::domains).collect();
    let requests: Vec<_> = questions
        .iter()
        .map(|question| request(question, &workspaces))
        .collect();
    let enforcer = load(all);
    Peer::new(
        NAME,
        Kind::Engine,
        questions.len().min(8_192),
        move |place| {
            let [user, organization, workspace, action] = &requests[place];
            let request = (
                user.as_str(),
                organization.as_str(),
                workspace.as_str(),
                action.as_str(),
            );
            enforcer.enforce(request).expect("it fits the model")
        },
    )
    .in_memory()
}

/// Its policy, and who holds which role.
pub(crate) fn load(all: &[Ids]) -> Enforcer {
    block_on(enforcer(all))
}

fn request(question: &Question, workspaces: &HashMap<DomainId, WorkspaceId>) -> [String; 4] {
    let workspace = match &question.resource {
        Resource::Organization(_) => String::new(),
        Resource::Workspace(_, workspace) => workspace.to_string(),
        Resource::Domain(_, domain) => workspaces[domain].to_string(),
    };
    [
        question.user.to_string(),
        question.resource.organization().to_string(),
        workspace,
        action(&question.resource).to_owned(),
    ]
}

async fn enforcer(all: &[Ids]) -> Enforcer {
    let model = DefaultModel::from_str(MODEL).await.expect("a model");
    let mut enforcer = Enforcer::new(model, ()).await.expect("it is complete");
    let policy = POLICY.map(|line| line.map(str::to_owned).to_vec()).to_vec();
    enforcer.add_policies(policy).await.expect("they fit");
    let held = all.iter().flat_map(held).collect();
    enforcer
        .add_grouping_policies(held)
        .await
        .expect("they fit");
    enforcer
}

/// Who holds which role where.
fn held(ids: &Ids) -> Vec<Vec<String>> {
    let mut held = Vec::new();
    for (at, user) in ids.members.iter().enumerate() {
        let in_organization = match role(at) {
            OrganizationRole::Admin => "admin",
            OrganizationRole::Accounting => "accounting",
            OrganizationRole::Member => "member",
        };
        held.push(vec![
            user.to_string(),
            in_organization.to_owned(),
            ids.organization.to_string(),
        ]);
        for (workspace, role) in roles(at) {
            let role = match role {
                WorkspaceRole::Admin => "workspace admin",
                WorkspaceRole::Developer => "developer",
                WorkspaceRole::Reader => "reader",
            };
            let workspace = ids.workspaces[workspace].to_string();
            held.push(vec![user.to_string(), role.to_owned(), workspace]);
        }
    }
    held
}
