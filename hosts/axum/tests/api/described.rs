//! The description is true of the library: its shapes, its commands.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::client::{Client, fits};

/// Each block of `docs/wire.md` that the API answers in the same shape, by the words that stand before it.
const SHAPES: [(&str, &str); 19] = [
    ("`CreateOrganization`: the", "CreatedOrganization"),
    ("`InviteToOrganization`, `InviteToWorkspace`", "Invited"),
    ("`InviteMany`", "InvitedMany"),
    ("`AcceptInvitation`", "Accepted"),
    ("Commands that may revoke", "Revoked"),
    ("`SetWorkspaceQuota`", "QuotaUsage"),
    ("`Tenancy::organization`", "OrganizationView"),
    ("`Tenancy::overview`", "Overview"),
    ("`Tenancy::workspace_usage`", "WorkspaceUsage"),
    ("`Tenancy::person`", "PersonView"),
    ("`Tenancy::workspace`", "WorkspaceView"),
    ("`Tenancy::domain`", "Domain"),
    ("`Tenancy::invitation`", "InvitationView"),
    ("`Tenancy::preview`", "InvitationPreview"),
    ("`Tenancy::check`", "Decision"),
    ("Forbidden: what", "Decision"),
    ("`HandOver`", "HandedOver"),
    ("`RemoveMember`", "Departure"),
    ("`DeleteWorkspace`", "DeletedWorkspace"),
];

#[test]
fn the_shapes_are_those_that_the_library_documents() {
    let page = include_str!("../../../../docs/wire.md");
    let client = Client::new();
    let [customers, staff] = client.descriptions();
    for (words, name) in SHAPES {
        let found = page
            .find(&format!("\n{words}"))
            .unwrap_or_else(|| panic!("{words}"));
        let (_, rest) = page.split_at(found);
        let (_, block) = rest.split_once("```json\n").unwrap();
        let (block, _) = block.split_once("```").unwrap();
        let value: Value = serde_json::from_str(block).unwrap();
        let of = if customers["components"]["schemas"][name].is_null() {
            staff
        } else {
            customers
        };
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        fits(of, &schema, &value);
    }
}

/// The routes as rustdoc shows them: a line each, from the description.
fn table(description: &Value) -> String {
    let mut table = String::from("| | | |\n| --- | --- | --- |\n");
    for (path, methods) in description["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let body = &operation["requestBody"]["content"]["application/json"]["schema"];
            let required: Vec<&str> = match body["required"].as_array() {
                Some(names) => names.iter().filter_map(Value::as_str).collect(),
                None => Vec::new(),
            };
            let fields = body["properties"].as_object();
            let fields = fields.map_or_else(Vec::new, |fields| fields.keys().collect());
            let fields = fields.iter().map(|name| {
                let optional = if required.contains(&name.as_str()) {
                    ""
                } else {
                    "?"
                };
                format!("{name}{optional}")
            });
            let fields = fields.collect::<Vec<_>>().join(", ");
            let fields = if fields.is_empty() {
                fields
            } else {
                format!(" `{{ {fields} }}`")
            };
            let summary = operation["summary"].as_str().unwrap();
            let line = format!(
                "| {} | `{path}`{fields} | {summary} |\n",
                method.to_uppercase()
            );
            table.push_str(&line);
        }
    }
    table
}

/// `UPDATE_DOCS=1 cargo test -p tenancy-axum --test api routes` rewrites them.
#[test]
fn the_tables_of_routes_are_those_of_the_description() {
    let client = Client::new();
    for (description, name) in client.descriptions().iter().zip(["router", "operators"]) {
        let (table, file) = (table(description), format!("docs/{name}.md"));
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&file, &table).unwrap();
        }
        let written = std::fs::read_to_string(&file).unwrap();
        assert!(written == table, "{file}: run with UPDATE_DOCS=1");
    }
}

macro_rules! names {
    ($($file:ident: $($command:ident = $name:literal),+;)+) => {
        [$($($name),+),+]
    };
}

#[test]
fn every_command_of_the_library_is_an_operation() {
    let client = Client::new();
    let mut operations = BTreeSet::new();
    for description in client.descriptions() {
        for methods in description["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                operations.insert(operation["operationId"].as_str().unwrap());
            }
        }
    }
    for command in tenancy::every_command!(names) {
        assert!(operations.contains(command), "{command}");
    }
}

#[tokio::test]
async fn the_description_is_served_and_refers_to_nothing_that_it_lacks() {
    let client = Client::new();
    for (place, at) in ["/api/openapi.json", "/staff/openapi.json"]
        .into_iter()
        .enumerate()
    {
        let request = axum::http::Request::get(at)
            .body(axum::body::Body::empty())
            .unwrap();
        let answer = client.raw(request).await;
        let mut described = client.descriptions()[place].clone();
        let nest = at.strip_suffix("/openapi.json");
        described["servers"] = json!([{ "url": nest }]);
        assert_eq!(answer.json, described);
        let text = String::from_utf8(answer.bytes).unwrap();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(
                answer.json["components"]["schemas"][name].is_object(),
                "{name}"
            );
        }
    }
}
