//! What every request is held to, whatever it asks.

use axum::body::Body;
use axum::http::{Method, Request};
use serde_json::{Value, json};

use crate::client::{Answer, Client};

async fn acme(client: &Client) -> String {
    let acme = client
        .post("ann", "/api/organizations", json!({ "name": "Acme" }))
        .await;
    format!(
        "/api/organizations/{}",
        acme.json["organization"].as_str().unwrap()
    )
}

#[tokio::test]
async fn a6_the_same_request_under_the_same_key_is_carried_out_once() {
    let client = Client::new();
    let create = async |name: &str| {
        let (key, body) = ([("idempotency-key", "k-1")], json!({ "name": name }));
        client
            .send("ann", Method::POST, "/api/organizations", &key, Some(body))
            .await
    };
    let (first, again) = (create("Acme").await, create("Acme").await);
    assert_eq!((first.status, again.status), (201, 201));
    assert_eq!(first.bytes, again.bytes);
    assert_eq!(
        first.header("tenancy-commit"),
        again.header("tenancy-commit")
    );
    let other = create("Other").await;
    assert_eq!((other.status, other.code()), (422, "commit_id_reused"));
    let mine = client.get("ann", "/api/organizations").await;
    assert_eq!(mine.json["items"].as_array().unwrap().len(), 1);

    for key in ["", &"k".repeat(256)] {
        let headers = [("idempotency-key", key)];
        let body = Some(json!({ "name": "Acme" }));
        let answer = client
            .send("ann", Method::POST, "/api/organizations", &headers, body)
            .await;
        assert_eq!(
            (answer.status, answer.json["field"].as_str()),
            (422, Some("idempotency-key"))
        );
    }
}

#[tokio::test]
async fn a_command_for_what_was_seen_is_not_carried_out_on_something_else() {
    let client = Client::new();
    let on = acme(&client).await;
    let rename = async |to: &str, seen: &str| -> Answer {
        let (path, body) = (format!("{on}/name"), json!({ "name": to }));
        client
            .send("ann", Method::PUT, &path, &[("if-match", seen)], Some(body))
            .await
    };
    let seen = client.get("ann", &on).await.header("etag").to_owned();
    let renamed = rename("Acme SA", &seen).await;
    assert_eq!((renamed.status, renamed.header("etag")), (204, "\"2\""));
    let late = rename("Acme AG", &seen).await;
    assert_eq!((late.status, late.code()), (412, "changed"));
    assert_eq!(
        client.get("ann", &on).await.json["organization"]["name"],
        "Acme SA"
    );
    assert_eq!(rename("Acme AG", "\"2\"").await.status, 204);
    assert_eq!(rename("Acme KG", "*").await.status, 204);
    for nonsense in ["2", "W/\"2\"", "\"two\"", "\"2"] {
        let answer = rename("Acme SE", nonsense).await;
        assert_eq!(
            (answer.status, answer.json["field"].as_str()),
            (422, Some("if-match")),
            "{nonsense}"
        );
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_with_the_fields_name_and_nothing_happens() {
    let client = Client::new();
    let on = acme(&client).await;
    let before = client.get("ann", &on).await.bytes;
    let (invitations, name) = (format!("{on}/invitations"), format!("{on}/name"));
    let nowhere = format!("{on}/members/nobody/role");
    let company = format!("{on}/company");
    let put = Method::PUT;
    let unknown = format!("{on}/checks/print_labels");
    let post = Method::POST;
    let cases: [(&Method, &str, Value, &str); 12] = [
        (&put, &name, json!({ "name": "" }), "name"),
        (&put, &name, json!({ "name": 7 }), "name"),
        (&put, &name, json!({}), "name"),
        (
            &put,
            &name,
            json!({ "name": "Acme", "nmae": "Acme" }),
            "nmae",
        ),
        (
            &post,
            &invitations,
            json!({ "email": "no address", "role": "member" }),
            "email",
        ),
        (
            &post,
            &invitations,
            json!({ "email": "bob@acme.example", "role": "emperor" }),
            "role",
        ),
        (&put, &company, json!({}), "company"),
        (
            &put,
            &company,
            json!({ "company": { "legal_name": "A\u{7}", "address": [] } }),
            "company.legal_name",
        ),
        (&put, &nowhere, json!({ "role": "member" }), "user"),
        (
            &post,
            "/api/invitations/accept",
            json!({ "token": "tinv_nothing" }),
            "token",
        ),
        (&put, &name, json!([1]), ""),
        (&Method::GET, &unknown, json!({}), "action"),
    ];
    for (method, path, body, field) in cases {
        let answer = client
            .send("ann", method.clone(), path, &[], Some(body.clone()))
            .await;
        assert_eq!(
            (answer.status, answer.code()),
            (422, "invalid"),
            "{body}: {answer:?}"
        );
        assert_eq!(
            answer.json["field"].as_str().unwrap_or_default(),
            field,
            "{body}: {answer:?}"
        );
        assert!(
            !answer.json["detail"]
                .as_str()
                .unwrap()
                .contains(" at line ")
        );
    }
    assert_eq!(client.get("ann", &on).await.bytes, before);
}

async fn raw(client: &Client, kind: Option<&str>, body: impl Into<Body>) -> Answer {
    let mut request = Request::post("/api/organizations").header("x-who", "ann");
    if let Some(kind) = kind {
        request = request.header("content-type", kind);
    }
    client.raw(request.body(body.into()).unwrap()).await
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let client = Client::new();
    let body = || json!({ "name": "Acme" }).to_string();
    for kind in [
        None,
        Some("text/plain"),
        Some("application/x-www-form-urlencoded"),
        Some("multipart/form-data"),
    ] {
        let answer = raw(&client, kind, body()).await;
        assert_eq!(
            (answer.status, answer.code()),
            (415, "not_json"),
            "{kind:?}"
        );
    }
    assert_eq!(
        raw(&client, Some("Application/JSON; charset=utf-8"), body())
            .await
            .status,
        201
    );
}

#[tokio::test]
async fn what_is_too_long_or_no_json_is_refused() {
    let client = Client::new();
    let json = Some("application/json");
    let long = raw(
        &client,
        json,
        format!("{{\"name\":\"{}\"}}", "a".repeat(100_000)),
    )
    .await;
    assert_eq!((long.status, long.code()), (413, "body_unread"));
    for text in ["{", "{}{}", "\u{0}", "null", "{\"name\":\"Acme\"} x"] {
        let answer = raw(&client, json, text).await;
        assert_eq!((answer.status, answer.code()), (422, "invalid"), "{text}");
    }
    assert_eq!(
        client.get("ann", "/api/organizations").await.json["items"],
        json!([])
    );
}

#[tokio::test]
async fn a_list_comes_in_pages_that_say_where_the_next_begins() {
    let client = Client::new();
    for name in ["One", "Two", "Three"] {
        client
            .post("ann", "/api/organizations", json!({ "name": name }))
            .await;
    }
    let mut path = "/api/organizations?limit=2".to_owned();
    let mut names = Vec::new();
    loop {
        let page = client.get("ann", &path).await;
        for item in page.json["items"].as_array().unwrap() {
            names.push(item["name"].as_str().unwrap().to_owned());
        }
        let Some(next) = page.json["next"].as_str() else {
            assert_eq!(page.header("link"), "");
            break;
        };
        path = format!("/api/organizations?limit=2&after={next}");
        assert_eq!(page.header("link"), format!("<{path}>; rel=\"next\""));
    }
    names.sort();
    assert_eq!(names, ["One", "Three", "Two"]);

    let clamped = client
        .get("ann", "/api/organizations?limit=4000000000")
        .await;
    assert_eq!(clamped.json["limit"], 1_000);
    for (query, field) in [
        ("after=7", "after"),
        ("limit=-1", "limit or after"),
        ("page=2", "limit or after"),
    ] {
        let answer = client
            .get("ann", &format!("/api/organizations?{query}"))
            .await;
        assert_eq!(
            (answer.status, answer.json["field"].as_str()),
            (422, Some(field)),
            "{query}"
        );
    }
}

#[tokio::test]
async fn an_address_that_is_none_and_a_method_that_is_none_are_problems_too() {
    let client = Client::new();
    let answer = client.get("ann", "/api/nothing").await;
    assert_eq!((answer.status, answer.code()), (404, "no_such_route"));
    assert_eq!(answer.header("content-type"), "application/problem+json");
    let answer = client.delete("ann", "/api/organizations").await;
    assert_eq!((answer.status, answer.code()), (405, "wrong_method"));
}

#[tokio::test]
async fn i10_reading_changes_nothing() {
    let client = Client::new();
    let on = acme(&client).await;
    let [customers, _] = client.descriptions();
    let before = client.get("ann", &on).await.header("etag").to_owned();
    for path in customers["paths"].as_object().unwrap().keys() {
        let path = path.replace("{organization}", on.rsplit('/').next().unwrap());
        client
            .get("ann", &format!("/api{}", path.replace("{action}", "view")))
            .await;
    }
    assert_eq!(client.get("ann", &on).await.header("etag"), before);
}
