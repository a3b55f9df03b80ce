//! Links: looked at without harm, answered by the right person only, and shown to nobody else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use axum::body::Body;
use axum::http::{Request, StatusCode};
use tenancy::commands::{AcceptInvitation, InviteToWorkspace};
use tenancy::{InvitationToken, WorkspaceRole};

use crate::world::{World, id};

async fn invited(world: &World) -> InvitationToken {
    let invite = InviteToWorkspace {
        organization: world.acme,
        workspace: world.payments,
        email: "dora@acme.example".parse().unwrap(),
        role: WorkspaceRole::Reader,
    };
    world.does("ann", invite).await.token.unwrap()
}

fn link(token: &InvitationToken) -> String {
    format!("/console/invitation?token={}", token.expose().as_str())
}

#[tokio::test]
async fn looking_at_a_link_accepts_nothing() {
    let world = World::new().await;
    let token = invited(&world).await;
    for _ in 0..3 {
        let page = world.get("dora", &link(&token)).await;
        page.shows("Join <bdi>Acme</bdi>");
        page.shows("<bdi>Ann</bdi> invites <bdi>dora@acme.example</bdi>");
        page.shows("Dora (dora@acme.example)");
    }
    let scanner = Request::get(link(&token)).body(Body::empty()).unwrap();
    let scanner = world.asks(scanner).await;
    assert_eq!(scanner.status, StatusCode::OK);
    scanner.shows("Sign in to answer");
    world.does("dora", AcceptInvitation { token }).await;
}

#[tokio::test]
async fn accepting_is_a_form() {
    let world = World::new().await;
    let token = invited(&world).await;
    let token = token.expose();
    let fields = [("key", "k"), ("token", token.as_str())];
    let done = world
        .post("dora", "/console/invitation/accept", &fields)
        .await;
    assert_eq!(done.leads_to(), world.acme("?done=accepted"));
    world
        .get("dora", done.leads_to())
        .await
        .shows("Welcome: you are in.");
    let again = world
        .get(
            "dora",
            &format!("/console/invitation?token={}", token.as_str()),
        )
        .await;
    assert_eq!(again.status, StatusCode::GONE);
    again.shows("This invitation was accepted already.");
}

#[tokio::test]
async fn another_account_is_told_which_one_it_takes() {
    let world = World::new().await;
    let token = invited(&world).await;
    let page = world.get("eve", &link(&token)).await;
    page.shows("This is another account.");
    assert!(page.element("accept").contains("disabled"));
    let token = token.expose();
    let fields = [("key", "k"), ("token", token.as_str())];
    let refused = world
        .post("eve", "/console/invitation/accept", &fields)
        .await;
    assert_eq!(refused.status, StatusCode::FORBIDDEN);
    refused.shows("This invitation is for “dora@acme.example”");
}

#[tokio::test]
async fn a_link_that_is_none_says_so() {
    let world = World::new().await;
    for token in ["", "nonsense", "..", "%00"] {
        let page = world
            .get("dora", &format!("/console/invitation?token={token}"))
            .await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{token}");
        page.shows("This invitation is not valid");
    }
}

#[tokio::test]
async fn an_invitation_is_answered_from_the_list() {
    let world = World::new().await;
    invited(&world).await;
    let home = world.get("dora", "/console").await;
    home.shows("You are invited");
    let (_, rest) = home
        .body
        .split_once("action=\"/console/invitations/")
        .unwrap();
    let (path, _) = rest.split_once("/accept\"").unwrap();
    let path = format!("/console/invitations/{path}/accept");
    let refused = world.post("eve", &path, &[("key", "k")]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    let done = world.post("dora", &path, &[("key", "k")]).await;
    assert_eq!(done.leads_to(), world.acme("?done=accepted"));
}

#[tokio::test]
async fn who_is_invited_twice_by_one_form_has_one_link_and_it_is_on_no_page() {
    let world = World::new().await;
    let fields = [
        ("key", "k"),
        ("emails", "cy@acme.example"),
        ("role", "member"),
    ];
    let path = world.acme("/members/invite");
    let first = world.post("ann", &path, &fields).await;
    let second = world.post("ann", &path, &fields).await;
    assert_eq!(first.leads_to(), second.leads_to());
    let mails = world.mails().await;
    let mails: Vec<_> = mails
        .iter()
        .filter(|mail| mail.invitation.email.as_str() == "cy@acme.example")
        .collect();
    assert_eq!(mails.len(), 1);
    let token = mails.first().unwrap().token.clone();
    let secret = token.expose();
    for path in [
        "/console".to_owned(),
        first.leads_to().to_owned(),
        world.acme(""),
        world.acme("/members"),
        world.acme(&format!("/members/{}", id("ann"))),
        world.acme(&format!("/workspaces/{}", world.payments)),
        world.acme("/activity"),
    ] {
        for who in ["ann", "cy", "operator"] {
            world.get(who, &path).await.lacks(secret.as_str());
        }
    }
    let accepted = world.does("cy", AcceptInvitation { token }).await;
    assert!(accepted.joined);
}
