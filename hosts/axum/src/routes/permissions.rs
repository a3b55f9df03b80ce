//! The permission table, and what one holds, for browsers: to grey buttons with, by `may.js`.

use axum::Json;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tenancy::{
    Action, Decision, DomainAction, DomainId, Grant, OrganizationAction, OrganizationId, Refusal,
    Resource, RoleSet, Standing, WorkspaceAction, WorkspaceId,
};

use super::{
    At, Deserialize, Host, Kind, Method, Operation, Rejection, Routes, Shape, SignedIn, State, get,
};
use crate::shape::object;

/// The script, for a host that serves its own files. The router has it at `/may.js`.
pub const MAY_JS: &str = include_str!("../may.js");

pub(super) async fn script() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8")], MAY_JS)
}

/// What one holds on a path, as far as they may know it: whoever may not view a thing isn't told.
#[derive(Serialize)]
struct Held {
    layer: &'static str,
    roles: RoleSet,
    /// The actions that a role of the organization's own adds for them there.
    adds: Vec<Value>,
    suspended: bool,
}

impl Held {
    fn of<A: Action + Serialize, const N: usize>(
        standing: Option<Standing>,
        resource: Resource,
        layer: &'static str,
        (view, all): (A, [A; N]),
    ) -> Result<Self, Rejection> {
        let standing = standing.ok_or(Refusal::NotFound { resource })?;
        let _ = standing.require(view)?;
        let decided = all.map(|action| (action, standing.decide(action)));
        let own = |decision: &Decision| {
            matches!(
                decision,
                Decision::Allowed {
                    by: Grant::Own { .. }
                }
            )
        };
        let adds = decided.iter().filter(|(_, decision)| own(decision));
        let adds = adds.filter_map(|(action, _)| serde_json::to_value(action).ok());
        Ok(Self {
            layer,
            roles: standing.effective(),
            adds: adds.collect(),
            suspended: decided
                .iter()
                .any(|(_, decision)| *decision == Decision::Suspended),
        })
    }
}

pub(super) fn add<H: Host>(routes: &mut Routes<H>) {
    async fn table() -> Json<Value> {
        Json(json!({
            "organization": rows(OrganizationAction::ALL),
            "workspace": rows(WorkspaceAction::ALL),
            "domain": rows(DomainAction::ALL),
        }))
    }

    let row = json!({ "type": "object", "additionalProperties": row_shape() });
    let layers = ["organization", "workspace", "domain"].map(|layer| (layer, row.clone(), false));
    let operation = Operation {
        method: Method::GET,
        path: "/permissions",
        id: "permissions".to_owned(),
        summary: "The permission table: by layer and action, the roles that may.",
        ids: Vec::new(),
        kind: Kind::Open,
        answer: (200, Some(object(layers.into()))),
    };
    routes.add(operation, get(table));
    organization(routes);
    workspace(routes);
    domain(routes);
}

fn rows<A: Action + Serialize, const N: usize>(all: [A; N]) -> Value {
    let mut rows = Map::new();
    for action in all {
        if let Ok(Value::String(name)) = serde_json::to_value(action) {
            rows.insert(
                name,
                json!({
                    "phrase": action.phrase(),
                    "code": action.code().map(tenancy::Code::number),
                    "roles": action.allowed(),
                    "goes_on_when_suspended": action.goes_on_when_suspended(),
                }),
            );
        }
    }
    Value::Object(rows)
}

fn row_shape() -> Value {
    object(vec![
        ("phrase", json!({ "type": "string" }), false),
        (
            "code",
            json!({ "type": ["integer", "null"], "description": "For `adds` of a role; none, if no role can add it." }),
            false,
        ),
        ("roles", names(), false),
        (
            "goes_on_when_suspended",
            json!({ "type": "boolean" }),
            false,
        ),
    ])
}

fn names() -> Value {
    json!({ "type": "array", "items": { "type": "string" } })
}

/// `/standing` of one layer.
macro_rules! standing_of {
    ($layer:ident, $path:literal, $actions:ident, [$($at:ident: $id:ty),+] $on:expr) => {
        fn $layer<H: Host>(routes: &mut Routes<H>) {
            #[derive(Deserialize)]
            struct Ids { $($at: $id),+ }

            async fn run<H: Host>(
                State(host): State<H>,
                SignedIn(actor): SignedIn,
                At(Ids { $($at),+ }): At<Ids>,
            ) -> Result<Response, Rejection> {
                let standing = host.tenancy().standing(&actor, $on).await?;
                let actions = ($actions::View, $actions::ALL);
                let held = Held::of(standing, $on.into(), stringify!($layer), actions)?;
                Ok(Json(held).into_response())
            }

            let held = object(vec![
                ("layer", json!({ "type": "string" }), false),
                ("roles", names(), false),
                ("adds", names(), false),
                ("suspended", json!({ "type": "boolean" }), false),
            ]);
            let operation = Operation {
                method: Method::GET,
                path: $path,
                id: concat!("standing_on_", stringify!($layer)).to_owned(),
                summary: "What one holds there, for `may.js`.",
                ids: vec![$((stringify!($at), <$id as Shape>::shape(&mut routes.named))),+],
                kind: Kind::Read,
                answer: (200, Some(held)),
            };
            routes.add(operation, get(run::<H>));
        }
    };
}

standing_of!(
    organization, "/organizations/{organization}/standing", OrganizationAction,
    [organization: OrganizationId] organization
);
standing_of!(
    workspace, "/organizations/{organization}/workspaces/{workspace}/standing", WorkspaceAction,
    [organization: OrganizationId, workspace: WorkspaceId] (organization, workspace)
);
standing_of!(
    domain, "/organizations/{organization}/domains/{domain}/standing", DomainAction,
    [organization: OrganizationId, domain: DomainId] (organization, domain)
);
