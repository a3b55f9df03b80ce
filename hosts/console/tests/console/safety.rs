//! What browsers are told, and whose forms are refused.

use axum::body::Body;
use axum::http::{Request, StatusCode, header};

use crate::world::{World, encoded};

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let world = World::new().await;
    let fields = [("key", "one"), ("name", "Taken over")];
    for site in ["cross-site", "same-site", "nonsense"] {
        let answer = world
            .post_from(site, "ann", &world.acme("/rename"), &fields)
            .await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{site}");
        answer.shows("Nothing was done");
    }
    world
        .get("ann", &world.acme(""))
        .await
        .shows("<h1><bdi>Acme</bdi></h1>");
    let here = world.post("ann", &world.acme("/rename"), &fields).await;
    assert_eq!(
        here.leads_to(),
        format!("{}?done=renamed", world.acme("/settings"))
    );
}

#[tokio::test]
async fn an_older_browser_is_told_apart_by_where_the_form_stood() {
    let world = World::new().await;
    for (origin, expected) in [
        (Some("https://acme.example"), StatusCode::SEE_OTHER),
        (Some("https://evil.example"), StatusCode::FORBIDDEN),
        (
            Some("https://acme.example.evil.example"),
            StatusCode::FORBIDDEN,
        ),
        (Some("null"), StatusCode::FORBIDDEN),
        (None, StatusCode::FORBIDDEN),
    ] {
        let mut request = Request::post(world.acme("/rename"))
            .header("x-who", "ann")
            .header(header::HOST, "acme.example")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = origin {
            request = request.header(header::ORIGIN, origin);
        }
        let key = format!("{origin:?}");
        let body = encoded(&[("key", &key), ("name", "Acme SAS")]);
        let answer = world.asks(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, expected, "{origin:?}");
    }
}

#[tokio::test]
async fn nothing_runs_on_a_page_and_nobody_frames_it() {
    let world = World::new().await;
    let missing = world.get("dora", &world.acme("")).await;
    let refused = world
        .post_from("cross-site", "ann", &world.acme("/leave"), &[])
        .await;
    for answer in [world.get("ann", "/console").await, missing, refused] {
        let policy = answer.headers[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("default-src 'none'"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(answer.headers[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
        assert_eq!(answer.headers[header::REFERRER_POLICY], "same-origin");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
        answer.lacks("<script");
        answer.lacks(" style=");
        answer.lacks("onclick");
    }
}

#[tokio::test]
async fn the_stylesheet_is_kept_for_a_year_under_a_name_of_its_own() {
    let world = World::new().await;
    let home = world.get("ann", "/console").await;
    let (_, rest) = home.body.split_once("rel=\"stylesheet\" href=\"").unwrap();
    let (path, _) = rest.split_once('"').unwrap();
    let style = world.get("ann", path).await;
    assert_eq!(style.status, StatusCode::OK);
    assert_eq!(
        style.headers[header::CONTENT_TYPE],
        "text/css; charset=utf-8"
    );
    let kept = style.headers[header::CACHE_CONTROL].to_str().unwrap();
    assert!(kept.contains("max-age=31536000, immutable"), "{kept}");
    style.shows("--accent:");
    let other = world.get("ann", "/console/assets/console-0.css").await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn looking_changes_nothing() {
    let world = World::new().await;
    for path in [
        "/rename",
        "/company",
        "/hand-over",
        "/staff/limits",
        "/members/invite",
    ] {
        let answer = world.get("ann", &world.acme(path)).await;
        assert!(!answer.status.is_success(), "{path}");
    }
    for path in ["/leave", "/delete"] {
        world.get("bob", &world.acme(path)).await;
    }
    assert_eq!(
        world.get("bob", &world.acme("")).await.status,
        StatusCode::OK
    );
}
