//! Routes, each with its description: registered once, so that neither is there without the other.

use axum::Router;
use axum::http::Method;
use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};

use crate::host::Host;
use crate::shape::{Named, object};

/// A route's description, but for its statuses, which are all alike.
pub(crate) struct Operation {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    /// The name that generated clients give it.
    pub(crate) id: String,
    pub(crate) summary: &'static str,
    /// The ids in the path, with their shapes.
    pub(crate) ids: Vec<(&'static str, Value)>,
    pub(crate) kind: Kind,
    /// The status of success, and its body, if it has one.
    pub(crate) answer: (u16, Option<Value>),
}

/// What a route asks for beside its ids.
pub(crate) enum Kind {
    /// A command, with its body.
    Command(Value),
    /// A read that takes a body, as a secret has no place in an address.
    ReadWithBody(Value),
    Read,
    /// A read for everybody, signed in or not.
    Open,
    /// A page of a list.
    Page,
}

/// Routes, and what describes them.
pub(crate) struct Routes<H> {
    pub(crate) router: Router<H>,
    pub(crate) named: Named,
    paths: Map<String, Value>,
}

impl<H: Host> Routes<H> {
    pub(crate) fn new() -> Self {
        Self {
            router: Router::new(),
            named: Named::default(),
            paths: Map::new(),
        }
    }

    pub(crate) fn add(&mut self, operation: Operation, route: MethodRouter<H>) {
        let router = core::mem::take(&mut self.router);
        self.router = router.route(operation.path, route);
        let methods = self
            .paths
            .entry(operation.path)
            .or_insert_with(|| json!({}));
        if let Value::Object(methods) = methods {
            let method = operation.method.as_str().to_lowercase();
            methods.insert(method, described(operation));
        }
    }

    /// The whole description, as `OpenAPI` 3.1.
    pub(crate) fn description(&self, title: &str) -> Value {
        let mut schemas: Map<String, Value> = Map::new();
        for (name, shape) in &self.named.0 {
            schemas.insert((*name).to_owned(), shape.clone());
        }
        schemas.insert("Problem".to_owned(), problem());
        json!({
            "openapi": "3.1.0",
            "info": { "title": title, "version": env!("CARGO_PKG_VERSION") },
            "paths": self.paths,
            "components": { "schemas": schemas },
        })
    }
}

/// RFC 9457, and what this API says beside it.
fn problem() -> Value {
    let text = || json!({ "type": "string" });
    object(vec![
        ("title", text(), false),
        ("status", json!({ "type": "integer" }), false),
        ("detail", text(), false),
        ("code", text(), false),
        ("retryable", json!({ "type": "boolean" }), false),
        ("rule", text(), true),
        ("field", text(), true),
        ("command", json!({ "type": "integer" }), true),
        ("refusal", json!({ "type": "object" }), true),
    ])
}

fn described(operation: Operation) -> Value {
    let Operation {
        id,
        summary,
        ids,
        kind,
        answer: (status, body),
        ..
    } = operation;
    let mut parameters: Vec<Value> = ids
        .into_iter()
        .map(|(name, shape)| json!({ "name": name, "in": "path", "required": true, "schema": shape }))
        .collect();
    let mut optional = |name: &str, within: &str, shape: Value, what: &str| {
        parameters
            .push(json!({ "name": name, "in": within, "schema": shape, "description": what }));
    };
    let text = || json!({ "type": "string" });
    match &kind {
        Kind::Command(_) => {
            let what = "The same request under the same key again is carried out once, and answers what it answered.";
            let shape = json!({ "type": "string", "minLength": 1, "maxLength": 255 });
            optional("idempotency-key", "header", shape, what);
            let what = "The etag of an earlier answer: if the organization has changed since, nothing is done (412).";
            optional("if-match", "header", text(), what);
        }
        Kind::Page => {
            let what =
                "How many items at the most: 50 if it isn't said, and never more than 1,000.";
            optional(
                "limit",
                "query",
                json!({ "type": "integer", "minimum": 0 }),
                what,
            );
            optional("after", "query", text(), "The `next` of the page before.");
        }
        Kind::Read | Kind::Open | Kind::ReadWithBody(_) => {}
    }
    let mut statuses = match kind {
        Kind::Open => Vec::new(),
        _ => vec![401, 403, 404, 410, 422, 503],
    };
    if let Kind::Command(_) | Kind::ReadWithBody(_) = kind {
        statuses.extend([413, 415]);
    }
    if let Kind::Command(_) = kind {
        statuses.extend([409, 412, 429]);
    }
    let mut responses = Map::new();
    let content = body.map(|shape| json!({ "application/json": { "schema": shape } }));
    let mut success = json!({ "description": "Done." });
    if let (Some(content), Value::Object(success)) = (content, &mut success) {
        success.insert("content".to_owned(), content);
    }
    responses.insert(status.to_string(), success);
    for status in statuses {
        let schema = json!({ "$ref": "#/components/schemas/Problem" });
        let content = json!({ "application/problem+json": { "schema": schema } });
        let problem = json!({ "description": why(status), "content": content });
        responses.insert(status.to_string(), problem);
    }
    let mut all = json!({
        "operationId": id, "summary": summary, "parameters": parameters, "responses": responses,
    });
    let asked = match kind {
        Kind::Command(body) | Kind::ReadWithBody(body) if !body.is_null() => Some(body),
        _ => None,
    };
    if let (Some(body), Value::Object(all)) = (asked, &mut all) {
        let content = json!({ "application/json": { "schema": body } });
        let body = json!({ "required": true, "content": content });
        all.insert("requestBody".to_owned(), body);
    }
    all
}

const fn why(status: u16) -> &'static str {
    match status {
        401 => "Nobody is signed in.",
        403 => "They may see it, but not do that.",
        404 => "It isn't there, or isn't theirs to see: which, isn't told.",
        409 => "A rule says no; the problem says which, and what to do next.",
        410 => "It was there, and is no more.",
        412 => "The organization isn't at the version that `if-match` names.",
        413 => "The body is too large.",
        415 => "The body isn't JSON.",
        422 => "What was sent can't be read, or the key stands for another request.",
        429 => "Too often; `retry-after` says when.",
        _ => "Not now; the same request may succeed later.",
    }
}
