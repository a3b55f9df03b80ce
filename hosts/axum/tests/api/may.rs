//! `may.js` says what the server decides, cell by cell, in a real engine.

use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tenancy::{DomainAction, OrganizationAction, WorkspaceAction};
use tenancy_axum::MAY_JS;

use crate::client::{Client, user};

/// A company with somebody of each role, one role of its own in each layer, a workspace and a domain of each kind.
async fn company(client: &Client) -> (String, Vec<String>) {
    let acme = client
        .post("ann", "/api/organizations", json!({ "name": "Acme" }))
        .await;
    let on = format!(
        "/api/organizations/{}",
        acme.json["organization"].as_str().unwrap()
    );
    let workspace = format!(
        "{on}/workspaces/{}",
        acme.json["workspace"].as_str().unwrap()
    );
    let mut own = Vec::new();
    // View invoicing; create a domain, configure a sandbox.
    let catalogue = |actions: &[Option<tenancy::Code>]| -> Vec<u8> {
        actions.iter().flatten().map(|code| code.number()).collect()
    };
    let organization = catalogue(&[OrganizationAction::ViewInvoicing.code()]);
    let there = catalogue(&[
        WorkspaceAction::CreateDomain.code(),
        DomainAction::Configure.code(),
    ]);
    for (name, base, adds) in [
        ("Payer", "member", organization),
        ("Tester", "reader", there),
    ] {
        let role = json!({ "name": name, "base": base, "adds": adds });
        let role = client.post("ann", &format!("{on}/roles"), role).await;
        own.push(role.json["role"].clone());
    }
    for who in ["cy", "bob", "rea", "dev", "wes", "pay", "tes"] {
        let invite = json!({ "email": format!("{who}@acme.example"), "role": "member" });
        let invited = client
            .post("ann", &format!("{on}/invitations"), invite)
            .await;
        let accept = format!(
            "{on}/invitations/{}/accept",
            invited.json["invitation"].as_str().unwrap()
        );
        assert_eq!(client.post(who, &accept, json!({})).await.status, 200);
    }
    let give = async |who: &str, within: &str, role: Value| {
        let path = format!("{within}/members/{}/role", user(who));
        assert_eq!(
            client
                .put("ann", &path, json!({ "role": role }))
                .await
                .status,
            200
        );
    };
    give("cy", &on, json!("accounting")).await;
    give("pay", &on, own[0].clone()).await;
    give("rea", &workspace, json!("reader")).await;
    give("dev", &workspace, json!("developer")).await;
    give("wes", &workspace, json!("admin")).await;
    give("tes", &workspace, own[1].clone()).await;
    let mut things = vec![on.clone(), workspace.clone()];
    for kind in ["sandbox", "production"] {
        let domain = json!({ "name": format!("acme-{kind}"), "kind": kind });
        let domain = client
            .post("ann", &format!("{workspace}/domains"), domain)
            .await;
        things.push(format!(
            "{on}/domains/{}",
            domain.json["domain"].as_str().unwrap()
        ));
    }
    (on, things)
}

/// Every decision of everybody about every thing, and what they are shown to hold.
async fn cells(client: &Client, table: &Value, things: &[String]) -> Vec<Value> {
    let mut cells = Vec::new();
    for who in [
        "ann", "cy", "bob", "rea", "dev", "wes", "pay", "tes", "zoe", "staff",
    ] {
        for thing in things {
            let standing = client.get(who, &format!("{thing}/standing")).await;
            let layer = match thing {
                _ if thing.contains("/domains/") => "domain",
                _ if thing.contains("/workspaces/") => "workspace",
                _ => "organization",
            };
            for action in table[layer].as_object().unwrap().keys() {
                let check = client.get(who, &format!("{thing}/checks/{action}")).await;
                let allowed = check.json["decision"] == "allowed";
                if standing.status == 404 {
                    assert!(!allowed, "{who} isn't shown {thing}");
                    continue;
                }
                cells.push(json!({ "who": who, "standing": standing.json, "action": action, "allowed": allowed }));
            }
        }
    }
    cells
}

#[tokio::test]
async fn every_cell_is_what_the_server_decides() {
    let client = Client::new();
    let (on, things) = company(&client).await;
    let table = client.get("", "/api/permissions").await.json;
    let mut all = cells(&client, &table, &things).await;
    let organization = on.rsplit('/').next().unwrap();
    let suspend = format!("/staff/organizations/{organization}/suspend");
    assert_eq!(
        client
            .post("staff", &suspend, json!({ "reason": "unpaid" }))
            .await
            .status,
        204
    );
    all.extend(cells(&client, &table, &things).await);
    let with = |is: fn(&Value) -> bool| all.iter().filter(|cell| is(cell)).count();
    let allowed = with(|cell| cell["allowed"] == true);
    let adds = |cell: &Value| {
        cell["standing"]["adds"]
            .as_array()
            .unwrap()
            .contains(&cell["action"])
    };
    let added = with(adds);
    let suspended = with(|cell| cell["standing"]["suspended"] == true);
    let enough = all.len() > 700 && allowed > 150 && added > 3 && suspended > 100;
    assert!(enough, "{allowed}, {added}, {suspended} of {}", all.len());

    let Some(wrong) = in_node(&table, &all) else {
        eprintln!("skipped: there is no `node` here");
        return;
    };
    assert_eq!(wrong, json!([]));
    // And the comparison sees a difference.
    all[0]["allowed"] = json!(!all[0]["allowed"].as_bool().unwrap());
    assert_eq!(in_node(&table, &all).unwrap().as_array().unwrap().len(), 1);
}

/// The cells that the script sees otherwise.
fn in_node(table: &Value, cells: &[Value]) -> Option<Value> {
    let script = format!(
        "{MAY_JS}\nimport {{ readFileSync }} from 'node:fs';
         const {{ table, cells }} = JSON.parse(readFileSync(0));
         console.log(JSON.stringify(cells.filter((c) => may(table, c.standing, c.action) !== c.allowed)));"
    );
    let child = Command::new("node")
        .args(["--input-type=module", "-e", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let mut child = child.ok()?;
    let input = json!({ "table": table, "cells": cells }).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(input.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    Some(serde_json::from_slice(&output.stdout).unwrap())
}
