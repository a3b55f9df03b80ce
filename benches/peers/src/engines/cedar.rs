//! Cedar: roles are groups, and a group that acts as another one is in it, so the cascade is in the hierarchy.
//!
//! An organization's admins are in each workspace's admins, those are in its developers. So a decision is one attribute
//! of the resource (of a domain: two), and whether the principal is in the group there, whose closure Cedar has computed.

use std::collections::{HashMap, HashSet};

use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid,
    PolicySet, Request, RestrictedExpression, Schema, ValidationMode, Validator,
};
use tenancy::{OrganizationRole, Resource, WorkspaceRole};

use super::action;
use crate::peer::{Kind, Peer};
use crate::population::{Ids, Question, role, roles};

const SCHEMA: &str = "
entity Group in [Group];
entity User in [Group];
entity Organization = { members: Group };
entity Workspace = { admins: Group, developers: Group };
entity Domain = { workspace: Workspace };
action view_organization appliesTo { principal: User, resource: Organization };
action manage_roles appliesTo { principal: User, resource: Workspace };
action configure appliesTo { principal: User, resource: Domain };
";

const POLICIES: &str = r#"
permit (principal, action == Action::"view_organization", resource) when { principal in resource.members };
permit (principal, action == Action::"manage_roles", resource) when { principal in resource.admins };
permit (principal, action == Action::"configure", resource) when { principal in resource.workspace.developers };
"#;

pub(crate) const NAME: &str = "Cedar";

pub(crate) fn peer(all: &[Ids], questions: &[Question]) -> Peer<'static> {
    let names = Names::new();
    let policies: PolicySet = POLICIES.parse().expect("policies");
    let validated = Validator::new(schema()).validate(&policies, ValidationMode::Strict);
    assert!(validated.validation_passed(), "{validated}");
    let requests: Vec<_> = questions.iter().map(|ask| names.question(ask)).collect();
    let entities = load(all);
    let authorizer = Authorizer::new();
    Peer::new(NAME, Kind::Engine, questions.len(), move |place| {
        let [principal, action, resource] = requests[place].clone();
        let request = Request::new(principal, action, resource, Context::empty(), None);
        let request = request.expect("no schema to break");
        let response = authorizer.is_authorized(&request, &policies, &entities);
        response.decision() == Decision::Allow
    })
    .in_memory()
}

/// All entities, with their ancestors.
pub(crate) fn load(all: &[Ids]) -> Entities {
    let names = Names::new();
    let entities = all.iter().flat_map(|ids| names.entities(ids));
    Entities::from_entities(entities, Some(&schema())).expect("they fit the schema")
}

fn schema() -> Schema {
    SCHEMA.parse().expect("a schema")
}

struct Names {
    group: EntityTypeName,
    user: EntityTypeName,
    organization: EntityTypeName,
    workspace: EntityTypeName,
    domain: EntityTypeName,
    action: EntityTypeName,
}

impl Names {
    fn new() -> Self {
        let name = |name: &str| name.parse().expect("a type's name");
        Self {
            group: name("Group"),
            user: name("User"),
            organization: name("Organization"),
            workspace: name("Workspace"),
            domain: name("Domain"),
            action: name("Action"),
        }
    }

    fn question(&self, question: &Question) -> [EntityUid; 3] {
        let resource = match question.resource {
            Resource::Organization(organization) => uid(&self.organization, organization),
            Resource::Workspace(_, workspace) => uid(&self.workspace, workspace),
            Resource::Domain(_, domain) => uid(&self.domain, domain),
        };
        [
            uid(&self.user, question.user),
            uid(&self.action, action(&question.resource)),
            resource,
        ]
    }

    fn entities(&self, ids: &Ids) -> Vec<Entity> {
        let group =
            |of: &dyn std::fmt::Display, who: &str| uid(&self.group, format_args!("{of} {who}"));
        let in_organization = |who| group(&ids.organization, who);
        let in_workspace = |at: usize, who| group(&ids.workspaces[at], who);

        let mut admins: Vec<_> = vec![in_organization("members")];
        let mut entities = vec![
            with(
                uid(&self.organization, ids.organization),
                &[("members", in_organization("members"))],
            ),
            within(in_organization("members"), []),
            within(in_organization("accounting"), [in_organization("members")]),
        ];
        for (at, workspace) in ids.workspaces.iter().enumerate() {
            admins.push(in_workspace(at, "admins"));
            entities.push(with(
                uid(&self.workspace, workspace),
                &[
                    ("admins", in_workspace(at, "admins")),
                    ("developers", in_workspace(at, "developers")),
                ],
            ));
            entities.extend([
                within(in_workspace(at, "admins"), [in_workspace(at, "developers")]),
                within(
                    in_workspace(at, "developers"),
                    [in_workspace(at, "readers")],
                ),
                within(in_workspace(at, "readers"), []),
            ]);
        }
        entities.push(within(in_organization("admins"), admins));
        for (domain, workspace) in ids.domains() {
            entities.push(with(
                uid(&self.domain, domain),
                &[("workspace", uid(&self.workspace, workspace))],
            ));
        }
        for (at, user) in ids.members.iter().enumerate() {
            let mut held = vec![in_organization(match role(at) {
                OrganizationRole::Admin => "admins",
                OrganizationRole::Accounting => "accounting",
                OrganizationRole::Member => "members",
            })];
            held.extend(roles(at).map(|(workspace, role)| {
                let who = match role {
                    WorkspaceRole::Admin => "admins",
                    WorkspaceRole::Developer => "developers",
                    WorkspaceRole::Reader => "readers",
                };
                in_workspace(workspace, who)
            }));
            entities.push(within(uid(&self.user, user), held));
        }
        entities
    }
}

fn uid(of: &EntityTypeName, id: impl std::fmt::Display) -> EntityUid {
    EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id.to_string()))
}

fn within(id: EntityUid, parents: impl IntoIterator<Item = EntityUid>) -> Entity {
    let parents: HashSet<_> = parents.into_iter().collect();
    Entity::new_no_attrs(id, parents)
}

fn with(id: EntityUid, attributes: &[(&str, EntityUid)]) -> Entity {
    let attributes: HashMap<_, _> = attributes
        .iter()
        .map(|(name, to)| {
            let to = RestrictedExpression::new_entity_uid(to.clone());
            ((*name).to_owned(), to)
        })
        .collect();
    Entity::new(id, attributes, HashSet::new()).expect("they evaluate")
}
