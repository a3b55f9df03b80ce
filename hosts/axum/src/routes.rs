//! The routes: a line a command, a line a read.

use axum::extract::{DefaultBodyLimit, OriginalUri, State};
use axum::http::{Method, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, get, on};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::{self, Told, page_shape};
use crate::carry_out::{Terms, carry_out};
use crate::host::Host;
use crate::input::{At, Body, PageQuery, present};
use crate::openapi::{Kind, Operation, Routes};
use crate::rejection::Rejection;
use crate::shape::{Shape, object};
use crate::sign_in::SignedIn;

mod commands;
mod operators;
mod permissions;
mod reads;

/// No body is longer, in bytes: a hundred addresses of the longest kind take 33,000.
const LONGEST_BODY: usize = 64 * 1024;

/// Commands, a line each: method, path, what it does, the command with the ids that are in the path and the fields that
/// are in the body, the status of success and the answer.
macro_rules! command_routes {
    ($routes:ident; $(
        $method:ident $path:literal $summary:literal
        $command:ident [$($at:ident: $id:ty),*] { $($(#[$attribute:meta])* $field:ident: $of:ty),* } -> $status:literal $answer:ty;
    )+) => {$({
        #[derive(Deserialize)]
        struct Ids { $($at: $id),* }

        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Said { $($(#[$attribute])* $field: $of),* }

        async fn run<H: Host>(
            State(host): State<H>,
            SignedIn(actor): SignedIn,
            At(Ids { $($at),* }): At<Ids>,
            terms: Terms,
            Body(Said { $($field),* }): Body<Said>,
        ) -> Result<Response, Rejection> {
            let command = $command { $($at,)* $($field),* };
            let done = carry_out(&host, &actor, &terms, command).await?;
            answer::done::<$answer>($status, &done)
        }

        let ids = vec![$((stringify!($at), <$id as Shape>::shape(&mut $routes.named))),*];
        let fields: Vec<(&str, Value, bool)> = vec![$((
            stringify!($field),
            <$of as Shape>::shape(&mut $routes.named),
            <$of as Shape>::MAY_BE_LEFT_OUT && stringify!($($attribute)*).is_empty(),
        )),*];
        let body = $crate::routes::body(&Method::$method, fields);
        let answer = <$answer as Told>::its_shape(&mut $routes.named);
        let operation = Operation {
            method: Method::$method,
            path: $path,
            id: $crate::routes::snake(stringify!($command)),
            summary: $summary,
            ids,
            kind: Kind::Command(body),
            answer: (if answer.is_some() { $status } else { 204 }, answer),
        };
        $routes.add(operation, on(MethodFilter::$method, run::<H>));
    })+};
}

/// Reads, a line each: path, name, what it answers, the ids in the path, and the call.
macro_rules! read_routes {
    ($routes:ident; $(
        $path:literal $name:literal $summary:literal [$($at:ident: $id:ty),*] -> $answer:ty,
        |$tenancy:ident, $actor:ident| $call:expr;
    )+) => {$({
        #[derive(Deserialize)]
        struct Ids { $($at: $id),* }

        async fn run<H: Host>(
            State(host): State<H>,
            SignedIn($actor): SignedIn,
            At(Ids { $($at),* }): At<Ids>,
        ) -> Result<Response, Rejection> {
            let ($tenancy, $actor) = (host.tenancy(), &$actor);
            let answer: $answer = $call.await?;
            Ok(Json(answer).into_response())
        }

        let ids = vec![$((stringify!($at), <$id as Shape>::shape(&mut $routes.named))),*];
        let answer = <$answer as Shape>::shape(&mut $routes.named);
        let operation = Operation {
            method: Method::GET,
            path: $path,
            id: $name.to_owned(),
            summary: $summary,
            ids,
            kind: Kind::Read,
            answer: (200, Some(answer)),
        };
        $routes.add(operation, get(run::<H>));
    })+};
}

/// Lists, a line each: as reads, a page at a time.
macro_rules! list_routes {
    ($routes:ident; $(
        $path:literal $name:literal $summary:literal [$($at:ident: $id:ty),*] -> $item:ty,
        |$tenancy:ident, $actor:ident, $paging:ident| $call:expr;
    )+) => {$({
        #[derive(Deserialize)]
        struct Ids { $($at: $id),* }

        async fn run<H: Host>(
            State(host): State<H>,
            SignedIn($actor): SignedIn,
            At(Ids { $($at),* }): At<Ids>,
            OriginalUri(uri): OriginalUri,
            query: PageQuery,
        ) -> Result<Response, Rejection> {
            let ($tenancy, $actor, $paging) = (host.tenancy(), &$actor, query.paging()?);
            let limit = $paging.limit;
            let page = $call.await?;
            Ok(answer::page::<$item, _>(uri.path(), limit, &page))
        }

        let ids = vec![$((stringify!($at), <$id as Shape>::shape(&mut $routes.named))),*];
        let answer = page_shape::<$item>(&mut $routes.named);
        let operation = Operation {
            method: Method::GET,
            path: $path,
            id: $name.to_owned(),
            summary: $summary,
            ids,
            kind: Kind::Page,
            answer: (200, Some(answer)),
        };
        $routes.add(operation, get(run::<H>));
    })+};
}

use {command_routes, list_routes, read_routes};

/// A command's body; of `DELETE`, which has none, `null`.
fn body(method: &Method, fields: Vec<(&str, Value, bool)>) -> Value {
    if *method == Method::DELETE {
        return Value::Null;
    }
    let mut body = object(fields);
    if let Value::Object(body) = &mut body {
        body.insert("additionalProperties".to_owned(), Value::Bool(false));
    }
    body
}

/// `CreateWorkspace` is `create_workspace` in the log, and so it is here.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

fn customers<H: Host>() -> Routes<H> {
    let mut routes = Routes::new();
    commands::add(&mut routes);
    reads::add(&mut routes);
    permissions::add(&mut routes);
    routes
}

fn staff<H: Host>() -> Routes<H> {
    let mut routes = Routes::new();
    operators::add(&mut routes);
    routes
}

pub use permissions::MAY_JS;

const CUSTOMERS: &str = "Organizations, workspaces and domains";
const STAFF: &str = "Organizations, for the vendor's staff";

/// The API for the people of organizations: every command and read that is theirs, and its description at
/// `/openapi.json`. Nest it where you like.
///
/// Who asks is [`Host::sign_in`]'s answer, and what they may is the library's: nothing here decides. Operators may use
/// it, too; what is theirs alone is in [`operators`].
///
/// A route of the router's can't be replaced by one of the host's: axum refuses two of one path and method. For rows of
/// yours beside what these routes do, see *What is yours* in the [crate's documentation](crate).
///
/// ```
/// use axum::Router;
/// use tenancy_axum::{Host, router};
///
/// fn service<H: Host>(host: H) -> Router {
///     Router::new().nest("/api", router()).with_state(host)
/// }
/// ```
/// # Routes
///
#[doc = include_str!("../docs/router.md")]
pub fn router<H: Host>() -> Router<H> {
    finished(customers(), CUSTOMERS).route("/may.js", get(permissions::script))
}

/// The API for the vendor's staff alone: quotas, limits, contracts, suspensions. Apart from the other, so that it can
/// listen where customers don't reach it; it refuses them anyway.
///
/// # Routes
///
#[doc = include_str!("../docs/operators.md")]
pub fn operators<H: Host>() -> Router<H> {
    finished(staff(), STAFF)
}

/// What describes [`router`] and [`operators`], as `OpenAPI` 3.1: for a host's own description, and for generators.
#[must_use]
pub fn descriptions<H: Host>() -> [Value; 2] {
    [
        customers::<H>().description(CUSTOMERS),
        staff::<H>().description(STAFF),
    ]
}

fn finished<H: Host>(routes: Routes<H>, title: &str) -> Router<H> {
    let description = routes.description(title);
    let described = get(move |OriginalUri(uri): OriginalUri| {
        core::future::ready(Json(served_at(&uri, description.clone())))
    });
    let router = routes.router.route("/openapi.json", described);
    router
        .method_not_allowed_fallback(wrong_method)
        .fallback(nothing_there)
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
}

/// The description with the address that its paths are below: that of the router's nest.
fn served_at(uri: &Uri, mut description: Value) -> Value {
    let below = uri.path().strip_suffix("/openapi.json").unwrap_or_default();
    let below = if below.is_empty() { "/" } else { below };
    if let Value::Object(members) = &mut description {
        members.insert("servers".to_owned(), json!([{ "url": below }]));
    }
    description
}

async fn nothing_there() -> Rejection {
    let detail = "there is nothing at this address: the API's `openapi.json` lists what there is";
    Rejection::new(404, "no_such_route", detail.to_owned())
}

async fn wrong_method() -> Rejection {
    let detail = "this address takes other methods: the API's `openapi.json` lists them";
    Rejection::new(405, "wrong_method", detail.to_owned())
}
