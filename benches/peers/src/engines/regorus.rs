//! regorus: Rego, by its interpreter and by its virtual machine, on data that is keyed by what is asked for.

use std::collections::BTreeMap;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::vm::RegoVM;
use regorus::{Engine, Value};
use serde_json::{Map, json};
use tenancy::{OrganizationRole, Resource, WorkspaceRole};

use super::action;
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question, role, roles};

const POLICY: &str = r#"
package tenancy

default allow := false

organization_role := data.organizations[input.organization].members[input.user]

allow if {
    input.action == "view_organization"
    organization_role
}

allow if {
    input.action == "manage_roles"
    workspace := data.workspaces[input.resource]
    workspace.organization == input.organization
    workspace_role(workspace) == "admin"
}

allow if {
    input.action == "configure"
    domain := data.domains[input.resource]
    domain.organization == input.organization
    workspace_role(data.workspaces[domain.workspace]) in {"admin", "developer"}
}

workspace_role(workspace) := "admin" if {
    organization_role == "admin"
} else := workspace.members[input.user] if {
    organization_role
}
"#;

const ENTRY: &str = "data.tenancy.allow";

/// Both ways of evaluating it.
pub(crate) fn peers(all: &[Ids], questions: &[Question]) -> [Peer<'static>; 2] {
    let asked = questions.len().min(8_192);
    let data = load(all);
    let mut engine = Engine::new();

    engine
        .add_policy("tenancy.rego".to_owned(), POLICY.to_owned())
        .expect("a policy");
    engine.add_data(data.clone()).expect("an object");
    let compiled = engine
        .compile_with_entrypoint(&ENTRY.into())
        .expect("it compiles");
    let program = Compiler::compile_from_policy(&compiled, &[ENTRY]).expect("it compiles");
    let mut machine = RegoVM::new();
    machine.load_program(program);
    machine.set_data(data).expect("an object");

    let inputs = Inputs::of(&questions[..asked]);
    let interpreted = inputs.clone();
    [
        Peer::new(
            "regorus, its virtual machine",
            Kind::Engine,
            asked,
            move |place| {
                machine.set_input(inputs.input(place));
                machine.execute().expect("it decides") == Value::from(true)
            },
        )
        .in_memory(),
        Peer::new(
            "regorus, its interpreter",
            Kind::Engine,
            asked,
            move |place| {
                let decided = compiled.eval_with_input(interpreted.input(place));
                decided.expect("it decides") == Value::from(true)
            },
        )
        .in_memory(),
    ]
}

/// The data that policies read.
pub(crate) fn load(all: &[Ids]) -> Value {
    let text = data(all).to_string();
    Value::from_json_str(&text).expect("JSON")
}

/// Keys and values of inputs, as regorus has them.
#[derive(Clone)]
struct Inputs {
    keys: [Value; 4],
    values: Vec<[Value; 4]>,
}

impl Inputs {
    fn of(questions: &[Question]) -> Self {
        let values = questions.iter().map(|question| {
            let resource = match question.resource {
                Resource::Organization(organization) => organization.to_string(),
                Resource::Workspace(_, workspace) => workspace.to_string(),
                Resource::Domain(_, domain) => domain.to_string(),
            };
            [
                Value::from(action(&question.resource)),
                Value::from(question.resource.organization().to_string()),
                Value::from(resource),
                Value::from(question.user.to_string()),
            ]
        });
        Self {
            keys: ["action", "organization", "resource", "user"].map(Value::from),
            values: values.collect(),
        }
    }

    fn input(&self, place: usize) -> Value {
        let keys = self.keys.iter().cloned();
        let entries = keys.zip(self.values[place].iter().cloned());
        Value::from(entries.collect::<BTreeMap<_, _>>())
    }
}

fn data(all: &[Ids]) -> serde_json::Value {
    let mut organizations = Map::new();
    let mut workspaces = Map::new();
    let mut domains = Map::new();
    for ids in all {
        let organization = ids.organization.to_string();
        let mut members = Map::new();
        let mut in_workspaces = vec![Map::new(); ids.workspaces.len()];
        for (at, user) in ids.members.iter().enumerate() {
            let held = match role(at) {
                OrganizationRole::Admin => "admin",
                OrganizationRole::Accounting => "accounting",
                OrganizationRole::Member => "member",
            };
            members.insert(user.to_string(), held.into());
            for (workspace, role) in roles(at) {
                let held = match role {
                    WorkspaceRole::Admin => "admin",
                    WorkspaceRole::Developer => "developer",
                    WorkspaceRole::Reader => "reader",
                };
                in_workspaces[workspace].insert(user.to_string(), held.into());
            }
        }
        for (workspace, members) in ids.workspaces.iter().zip(in_workspaces) {
            let entry = json!({ "organization": organization, "members": members });
            workspaces.insert(workspace.to_string(), entry);
        }
        for (domain, workspace) in ids.domains() {
            let workspace = workspace.to_string();
            let entry = json!({ "organization": organization, "workspace": workspace });
            domains.insert(domain.to_string(), entry);
        }
        organizations.insert(organization, json!({ "members": members }));
    }
    json!({ "organizations": organizations, "workspaces": workspaces, "domains": domains })
}
