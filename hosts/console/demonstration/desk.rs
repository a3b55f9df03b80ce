//! The host: its sign-in, which is a demonstration's, and the mails that it would send.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tenancy::store::Directory;
use tenancy::{Actor, Mail, OrganizationId, Tenancy, UserId};
use tenancy_axum::{Host, Mailer, People, Rejection};
use tenancy_console::{Console, router};

use crate::people::{PEOPLE, STAFF, Somebody, actor};

/// The host's state.
#[derive(Clone)]
pub(crate) struct Desk<R> {
    pub(crate) tenancy: Arc<Tenancy<R>>,
    outbox: Outbox,
}

/// The mails that would be sent, in memory only: nothing else has their secrets.
#[derive(Clone, Default)]
pub(crate) struct Outbox(Arc<Mutex<Vec<Mail>>>);

impl Mailer for Outbox {
    type Error = Infallible;

    async fn send(&self, mail: &Mail, _: Option<&str>) -> Result<(), Infallible> {
        let mut mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.push(mail.clone());
        Ok(())
    }
}

impl Outbox {
    fn newest_first(&self) -> Vec<Mail> {
        let mails = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        mails.iter().rev().cloned().collect()
    }
}

impl<R> Desk<R> {
    pub(crate) fn new(tenancy: Tenancy<R>) -> Self {
        Self {
            tenancy: Arc::new(tenancy),
            outbox: Outbox::default(),
        }
    }

    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }
}

impl<R: Directory + Clone + Send + Sync + 'static> Host for Desk<R> {
    type Store = R;

    fn tenancy(&self) -> &Tenancy<R> {
        &self.tenancy
    }

    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        cookie(&request.headers)
            .and_then(|word| actor(&word))
            .ok_or_else(Rejection::signed_out)
    }
}

impl<R: Send + Sync + 'static> People for Desk<R> {
    async fn names(&self, users: &[UserId]) -> HashMap<UserId, String> {
        let asked = PEOPLE
            .iter()
            .filter(|somebody| users.contains(&somebody.id()));
        asked
            .map(|somebody| (somebody.id(), somebody.name.to_owned()))
            .collect()
    }
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get_all(COOKIE).iter();
    let cookies = cookies.filter_map(|cookie| cookie.to_str().ok());
    let mut pairs = cookies.flat_map(|cookie| cookie.split(';'));
    pairs.find_map(|pair| Some(pair.trim().strip_prefix("demonstration=")?.to_owned()))
}

/// The console, and the demonstration's own two pages beside it.
pub(crate) fn app<R: Directory + Clone + Send + Sync + 'static>(
    desk: Desk<R>,
    acme: OrganizationId,
) -> Router {
    let console = Console::at("/")
        .product("Acme Cloud console")
        .sign_in("/demonstration")
        .sign_out("/demonstration/sign-out")
        .banner(
            "This is a demonstration: nothing is mailed, and everything is gone when it stops.",
            &[
                ("Be somebody else", "/demonstration"),
                ("Outbox", "/demonstration/outbox"),
            ],
        );
    let place = Style(console.stylesheet());
    let own = Router::new()
        .route("/demonstration", get(whom))
        .route(
            "/demonstration/sign-in",
            get(sign_in_by_address).post(sign_in),
        )
        .route("/demonstration/sign-out", post(sign_out))
        .route("/demonstration/outbox", get(mails))
        .route("/demonstration/style", get(style))
        .layer(axum::Extension(acme))
        .layer(axum::Extension(place));
    own.merge(router(console)).with_state(desk)
}

/// Where the console's stylesheet is, which these pages wear too.
#[derive(Clone)]
struct Style(String);

async fn style(axum::Extension(Style(place)): axum::Extension<Style>) -> Redirect {
    Redirect::to(&place)
}

#[derive(Template)]
#[template(path = "demonstration/whom.html")]
struct Whom {
    people: &'static [Somebody],
    staff: &'static str,
    next: String,
    organization: OrganizationId,
}

#[derive(Default, Deserialize)]
struct Asked {
    #[serde(default)]
    next: String,
    #[serde(default, rename = "as")]
    whom: String,
}

async fn whom(
    axum::Extension(organization): axum::Extension<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    page(&Whom {
        people: &PEOPLE,
        staff: STAFF,
        next: local(asked.next),
        organization,
    })
}

/// For programs that take pictures: a host's own sign-in changes nothing by GET.
async fn sign_in_by_address(Query(asked): Query<Asked>) -> Response {
    signed_in(&asked)
}

async fn sign_in(axum::Form(asked): axum::Form<Asked>) -> Response {
    signed_in(&asked)
}

fn signed_in(asked: &Asked) -> Response {
    if actor(&asked.whom).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let cookie = format!(
        "demonstration={}; Path=/; HttpOnly; SameSite=Strict",
        asked.whom
    );
    with_cookie(&local(asked.next.clone()), &cookie)
}

async fn sign_out() -> Response {
    let gone = "demonstration=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
    with_cookie("/demonstration", gone)
}

fn with_cookie(to: &str, cookie: &str) -> Response {
    let mut response = Redirect::to(to).into_response();
    if let Ok(cookie) = HeaderValue::from_str(cookie) {
        response.headers_mut().insert(SET_COOKIE, cookie);
    }
    response
}

/// Where to go on: a path of this host, or the first page.
fn local(next: String) -> String {
    let is_local = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    if is_local { next } else { "/".to_owned() }
}

#[derive(Template)]
#[template(path = "demonstration/outbox.html")]
struct Mails {
    mails: Vec<Shown>,
}

struct Shown {
    to: String,
    organization: String,
    path: String,
}

async fn mails<R: Directory + Clone + Send + Sync + 'static>(
    State(desk): State<Desk<R>>,
) -> Response {
    let mails = desk.outbox.newest_first();
    let mails = mails.into_iter().map(|mail| Shown {
        to: mail.invitation.email.to_string(),
        organization: mail.organization_name.to_string(),
        path: format!("/invitation?token={}", *mail.token.expose()),
    });
    page(&Mails {
        mails: mails.collect(),
    })
}

fn page(page: &impl Template) -> Response {
    let Ok(text) = page.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut response = Html(text).into_response();
    let policy = "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    response
}
