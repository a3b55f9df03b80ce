//! A permission in a handler's signature.

use std::collections::HashMap;

use axum::Router;
use axum::routing::{get, post};
use serde_json::json;
use tenancy::DomainId;
use tenancy_axum::{Allowed, At, Body, SignedIn, may};

use crate::client::{App, Client};

async fn settings(
    permit: Allowed<may::domain::Configure>,
    SignedIn(actor): SignedIn,
) -> axum::Json<String> {
    assert_eq!(permit.action(), tenancy::DomainAction::Configure);
    axum::Json(format!(
        "{} to {:?}",
        permit.by(),
        actor.user_id().is_some()
    ))
}

async fn workspace(permit: Allowed<may::workspace::View>) -> axum::Json<String> {
    let (organization, workspace) = permit.on();
    assert_eq!(permit.resource(), (organization, workspace).into());
    axum::Json(permit.resource().to_string())
}

#[derive(serde::Deserialize)]
struct Parcel {
    grams: u32,
}

async fn parcel(
    permit: Allowed<may::domain::View>,
    At(ids): At<HashMap<String, DomainId>>,
    Body(parcel): Body<Parcel>,
) -> axum::Json<u32> {
    assert_eq!(permit.on().1, ids["domain"]);
    axum::Json(parcel.grams)
}

fn routes(router: Router<App>) -> Router<App> {
    router
        .route("/o/{organization}/d/{domain}", get(settings))
        .route("/o/{organization}/w/{workspace}", get(workspace))
        .route("/o/{organization}/d/{domain}/parcels", post(parcel))
        .route("/wrong/{organization}", get(workspace))
}

#[tokio::test]
async fn a1_the_handler_is_called_only_for_who_may() {
    let client = Client::with(routes);
    let acme = client
        .post("ann", "/api/organizations", json!({ "name": "Acme" }))
        .await;
    let organization = acme.json["organization"].as_str().unwrap();
    let workspace = acme.json["workspace"].as_str().unwrap();
    let on = format!("/api/organizations/{organization}/workspaces/{workspace}");
    let domain = json!({ "name": "acme", "kind": "sandbox" });
    let domain = client.post("ann", &format!("{on}/domains"), domain).await;
    let domain = domain.json["domain"].as_str().unwrap();
    client
        .post(
            "ann",
            &format!("{on}/invitations"),
            json!({ "email": "bob@acme.example", "role": "reader" }),
        )
        .await;
    let received = client.get("bob", "/api/invitations").await;
    let invitation = received.json["items"][0]["invitation"]["id"]
        .as_str()
        .unwrap();
    let accept = format!("/api/organizations/{organization}/invitations/{invitation}/accept");
    client.post("bob", &accept, json!({})).await;

    let settings = format!("/o/{organization}/d/{domain}");
    let ann = client.get("ann", &settings).await;
    assert_eq!(
        (ann.status, ann.json),
        (200, json!("organization Admin, by cascade to true"))
    );
    let parcels = format!("{settings}/parcels");
    let sent = client.post("ann", &parcels, json!({ "grams": 250 })).await;
    assert_eq!((sent.status, sent.json), (200, json!(250)));
    let light = client.post("ann", &parcels, json!({ "grams": -1 })).await;
    assert_eq!(
        (light.status, light.json["field"].as_str()),
        (422, Some("grams"))
    );
    let bob = client.get("bob", &settings).await;
    assert_eq!((bob.status, bob.code()), (403, "forbidden"));
    let zoe = client.get("zoe", &settings).await;
    assert_eq!((zoe.status, zoe.code()), (404, "not_found"));
    assert_eq!(client.get("", &settings).await.status, 401);
    assert_eq!(
        client
            .get("bob", &format!("/o/{organization}/w/{workspace}"))
            .await
            .status,
        200
    );

    // Ids that don't belong together are no path to anything.
    let other = client
        .post("zoe", "/api/organizations", json!({ "name": "Zoe's" }))
        .await;
    let other = other.json["organization"].as_str().unwrap();
    assert_eq!(
        client
            .get("zoe", &format!("/o/{other}/d/{domain}"))
            .await
            .status,
        404
    );

    let garbage = client.get("ann", "/o/x/d/y").await;
    assert_eq!(
        (garbage.status, garbage.json["field"].as_str()),
        (422, Some("organization"))
    );
    let misrouted = client.get("ann", &format!("/wrong/{organization}")).await;
    assert_eq!((misrouted.status, misrouted.code()), (500, "misrouted"));
}
