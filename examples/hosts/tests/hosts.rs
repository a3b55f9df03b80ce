//! The hosts do what they say.

#![expect(clippy::unwrap_used, reason = "a test that goes wrong should stop")]

#[path = "../src/bin/billing.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs it")]
mod billing;

#[path = "../src/bin/console.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs it")]
mod console;

#[path = "../src/bin/cli.rs"]
#[expect(dead_code, reason = "`main` is for whoever runs it")]
mod cli;

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::http::request::Parts;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sqlx::PgPool;
use tenancy::{Actor, Event, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Host, People, Rejection};
use tenancy_console::Console;
use tenancy_sqlite::SqliteRepository;
use tower::ServiceExt as _;

async fn ask(service: &Router, method: &str, path: &str, token: &str, body: Value) -> (u16, Value) {
    let request = Request::builder().method(method).uri(path);
    let request = request.header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = service.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

#[tokio::test]
async fn an_organization_and_its_subscription_are_both_there_or_neither() {
    let Some(server) = tenancy_clusters::Cluster::start(&["fsync = off"]) else {
        return;
    };
    let pool = PgPool::connect(&server.url("postgres")).await.unwrap();
    let service = billing::service(pool.clone()).await.unwrap();
    for who in ["ann", "zoe"] {
        sqlx::query("INSERT INTO sessions VALUES ($1, gen_random_uuid(), $1 || '@acme.example')")
            .bind(who)
            .execute(&pool)
            .await
            .unwrap();
    }
    let sign_up = async |plan: &str| {
        let body = json!({ "name": "Acme", "plan": plan });
        ask(&service, "POST", "/sign-up", "ann", body).await
    };
    let (status, problem) = sign_up("free").await;
    assert_eq!((status, problem["field"].as_str()), (422, Some("plan")));
    let (_, mine) = ask(&service, "GET", "/api/organizations", "ann", Value::Null).await;
    assert_eq!(mine["items"], json!([]));

    let (status, created) = sign_up("team").await;
    assert_eq!(status, 200);
    let organization = created["organization"].as_str().unwrap();
    let path = format!("/subscriptions/{organization}");
    let (status, subscription) = ask(&service, "GET", &path, "ann", Value::Null).await;
    assert_eq!((status, &subscription["plan"]), (200, &json!("team")));
    let (status, _) = ask(&service, "GET", &path, "zoe", Value::Null).await;
    assert_eq!(status, 404);
    let (status, _) = ask(&service, "GET", &path, "nobody", Value::Null).await;
    assert_eq!(status, 401);

    let body = json!({ "name": "Zoe's" });
    let (status, created) = ask(&service, "POST", "/api/organizations", "zoe", body).await;
    assert_eq!(status, 201);
    let organization = created["organization"].as_str().unwrap();
    let path = format!("/subscriptions/{organization}");
    let (_, subscription) = ask(&service, "GET", &path, "zoe", Value::Null).await;
    assert_eq!(subscription["plan"], "team", "created by the router");
}

/// A host that lets nobody in from elsewhere, whoever invites them.
#[derive(Clone)]
struct Strict(Arc<Tenancy<SqliteRepository>>);

impl Host for Strict {
    type Store = SqliteRepository;

    fn tenancy(&self) -> &Tenancy<SqliteRepository> {
        &self.0
    }

    async fn sign_in(&self, _: &Parts) -> Result<Actor, Rejection> {
        let ann = "ann@acme.example".parse().unwrap();
        let user = UserId::from_external("ann");
        Ok(Actor::user(user, VerifiedEmail::attest(ann)))
    }
}

impl People for Strict {
    async fn names(&self, _: &[UserId]) -> HashMap<UserId, String> {
        HashMap::new()
    }
}

#[tokio::test]
async fn what_a_host_refuses_is_told_as_it_says_by_the_api_and_on_the_page() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteRepository::open(folder.path().join("strict.db")).unwrap();
    let store = store.with_rows(|_, commit| {
        let elsewhere = |event: &Event| match event {
            Event::InvitationSent { email, .. } => !email.as_str().ends_with("@acme.example"),
            _ => false,
        };
        if commit.entry.events.iter().any(elsewhere) {
            return Err(Rejection::invalid("email", "people of acme.example only").into());
        }
        Ok(())
    });
    let host = Strict(Arc::new(Tenancy::new(store)));
    let service = Router::new()
        .nest("/api", tenancy_axum::router())
        .merge(tenancy_console::router(Console::at("/console")))
        .with_state(host);
    let body = json!({ "name": "Acme" });
    let (_, acme) = ask(&service, "POST", "/api/organizations", "", body).await;
    let acme = acme["organization"].as_str().unwrap();
    let path = format!("/api/organizations/{acme}/invitations");
    for (to, expected) in [("bob@acme.example", 201), ("eve@elsewhere.example", 422)] {
        let body = json!({ "email": to, "role": "member" });
        let (status, answer) = ask(&service, "POST", &path, "", body).await;
        assert_eq!(status, expected, "{answer}");
        if status == 422 {
            assert_eq!(answer["field"], "email");
            assert_eq!(answer["detail"], "people of acme.example only");
        }
    }
    let form = Request::post(format!("/console/organizations/{acme}/members/invite"))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "same-origin");
    let fields = "key=k&emails=eve%40elsewhere.example&role=member";
    let answer = service.oneshot(form.body(Body::from(fields)).unwrap());
    let answer = answer.await.unwrap();
    let status = answer.status().as_u16();
    let page = answer.into_body().collect().await.unwrap().to_bytes();
    let page = String::from_utf8(page.to_vec()).unwrap();
    assert_eq!(status, 422, "{page}");
    assert!(page.contains("People of acme.example only."), "{page}");
    assert!(
        page.contains("eve@elsewhere.example"),
        "the form comes back"
    );
}

#[test]
fn the_command_line_program_tells_a_story() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("acme.db");
    let file = file.to_str().unwrap();
    let says = |who: &str, command: &[&str]| {
        let address = format!("{who}@acme.example");
        let arguments: Vec<&str> = [file, address.as_str()]
            .into_iter()
            .chain(command.iter().copied())
            .collect();
        cli::run(&arguments).map_err(|error| error.to_string())
    };
    assert!(cli::run(&[]).unwrap_err().to_string().contains("usage"));
    says("ann", &["found", "Acme"]).unwrap();
    assert!(says("ann", &["list"]).unwrap().ends_with("Acme"));
    let invited = says("ann", &["invite", "Acme", "bob@acme.example", "member"]).unwrap();
    let token = invited.rsplit(' ').next().unwrap().to_owned();
    assert!(
        says("zoe", &["accept", &token])
            .unwrap_err()
            .contains("bob@acme.example")
    );
    says("bob", &["accept", &token]).unwrap();
    let shown = says("ann", &["show", "Acme"]).unwrap();
    assert!(
        shown.contains("bob@acme.example  Member") && shown.contains("1 of 1 workspaces"),
        "{shown}"
    );
    assert!(!says("bob", &["show", "Acme"]).unwrap().contains("invite"));
    assert!(
        says("bob", &["remove", "Acme", "ann@acme.example"])
            .unwrap_err()
            .contains("you may not")
    );
    assert!(
        says("ann", &["remove", "Acme", "ann@acme.example"])
            .unwrap_err()
            .contains("last Admin")
    );
    says("ann", &["remove", "Acme", "bob@acme.example"]).unwrap();
    assert!(
        says("bob", &["show", "Acme"])
            .unwrap_err()
            .contains("no organization of that name")
    );
    assert!(
        says("ann", &["log", "Acme"])
            .unwrap()
            .contains("remove_member")
    );
}

#[tokio::test]
async fn whoever_proves_an_address_gets_the_console_and_the_api() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.db");
    let key = tenancy::token::LinkKey::new([7; 32]);
    let app = console::App::open(file.to_str().unwrap(), key).unwrap();
    let service = console::service(app.clone());
    let send = async |method: &str, path: &str, headers: &[(&str, &str)], body: &str| {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        service.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(
        send("GET", "/console", &[], "").await.status(),
        303,
        "to the sign-in"
    );
    assert_eq!(
        send("GET", "/api/organizations", &[], "").await.status(),
        401
    );
    let form = [("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(
        send("POST", "/sign-in", &form, "address=ann%40acme.example")
            .await
            .status(),
        200
    );

    let link = app.prove("ann@acme.example".parse().unwrap()).unwrap();
    let path = format!("/sign-in/{link}");
    assert_eq!(
        send("GET", &path, &[], "").await.status(),
        200,
        "a scanner looks"
    );
    let entered = send("POST", &path, &[], "").await;
    assert_eq!(
        (entered.status().as_u16(), &entered.headers()["location"]),
        (303, &"/console".parse().unwrap())
    );
    let cookie = entered.headers()["set-cookie"].to_str().unwrap();
    let cookie = [("cookie", cookie.split(';').next().unwrap())];
    assert_eq!(
        send("POST", &path, &[], "").await.status(),
        401,
        "a link is used once"
    );
    assert_eq!(send("GET", "/console", &cookie, "").await.status(), 200);
    assert_eq!(
        send("GET", "/api/organizations", &cookie, "")
            .await
            .status(),
        200
    );
    assert_eq!(
        send("GET", "/api/organizations", &[("cookie", "session=0")], "")
            .await
            .status(),
        401
    );
}
