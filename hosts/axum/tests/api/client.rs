//! A client that believes nothing: whatever comes back must be as the description says.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use tenancy::store::MemoryRepository;
use tenancy::token::LinkKey;
use tenancy::{Actor, Operator, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Host, Rejection, descriptions, operators, router};
use tower::ServiceExt as _;

/// A host that believes who somebody says that they are.
#[derive(Clone)]
pub(crate) struct App {
    pub(crate) tenancy: Arc<Tenancy<MemoryRepository>>,
}

impl Host for App {
    type Store = MemoryRepository;

    fn tenancy(&self) -> &Tenancy<MemoryRepository> {
        &self.tenancy
    }

    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        let who = request
            .headers
            .get("x-who")
            .ok_or_else(Rejection::signed_out)?;
        match who.to_str().unwrap() {
            "staff" => Ok(Actor::Operator(Operator::attest("Sam".parse().unwrap()))),
            who => Ok(person(who)),
        }
    }
}

pub(crate) fn user(who: &str) -> UserId {
    UserId::from_external(who)
}

pub(crate) fn person(who: &str) -> Actor {
    let address = format!("{who}@acme.example").parse().unwrap();
    Actor::user(user(who), VerifiedEmail::attest(address))
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Vec<u8>,
    pub(crate) json: Value,
}

impl Answer {
    pub(crate) fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) struct Client {
    pub(crate) app: App,
    router: Router,
    descriptions: [Value; 2],
    succeeded: Mutex<BTreeSet<String>>,
}

impl Client {
    pub(crate) fn new() -> Self {
        Self::with(|router| router)
    }

    /// With routes of the host's own beside.
    pub(crate) fn with(more: impl FnOnce(Router<App>) -> Router<App>) -> Self {
        let key = LinkKey::new([7; 32]);
        let tenancy = Tenancy::new(MemoryRepository::new()).with_link_keys([key]);
        let app = App {
            tenancy: Arc::new(tenancy),
        };
        let router = Router::new()
            .nest("/api", router())
            .nest("/staff", operators());
        Self {
            router: more(router).with_state(app.clone()),
            app,
            descriptions: descriptions::<App>(),
            succeeded: Mutex::default(),
        }
    }

    pub(crate) fn descriptions(&self) -> &[Value; 2] {
        &self.descriptions
    }

    /// The operations that somebody succeeded with.
    pub(crate) fn succeeded(&self) -> BTreeSet<String> {
        self.succeeded.lock().unwrap().clone()
    }

    pub(crate) async fn get(&self, who: &str, path: &str) -> Answer {
        self.send(who, Method::GET, path, &[], None).await
    }

    pub(crate) async fn delete(&self, who: &str, path: &str) -> Answer {
        self.send(who, Method::DELETE, path, &[], None).await
    }

    pub(crate) async fn post(&self, who: &str, path: &str, body: Value) -> Answer {
        self.send(who, Method::POST, path, &[], Some(body)).await
    }

    pub(crate) async fn put(&self, who: &str, path: &str, body: Value) -> Answer {
        self.send(who, Method::PUT, path, &[], Some(body)).await
    }

    /// As `""`, nobody is signed in.
    pub(crate) async fn send(
        &self,
        who: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> Answer {
        let mut request = Request::builder().method(&method).uri(path);
        if !who.is_empty() {
            request = request.header("x-who", who);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let answer = self.raw(request.body(body).unwrap()).await;
        self.is_described(&method, path, &answer);
        answer
    }

    pub(crate) async fn raw(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes().to_vec();
        let json = if bytes.is_empty() {
            Value::Null
        } else {
            serde_json::from_slice(&bytes).unwrap()
        };
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            bytes,
            json,
        }
    }

    fn is_described(&self, method: &Method, path: &str, answer: &Answer) {
        let bare = path.split('?').next().unwrap();
        let (description, bare) = match (bare.strip_prefix("/api"), bare.strip_prefix("/staff")) {
            (Some(bare), _) => (&self.descriptions[0], bare),
            (None, Some(bare)) => (&self.descriptions[1], bare),
            (None, None) => return, // the host's own
        };
        let Some(operation) = operation(description, method, bare) else {
            assert!(
                [404, 405].contains(&answer.status),
                "{method} {path} isn't described"
            );
            return;
        };
        let response = &operation["responses"][answer.status.to_string()];
        assert!(
            !response.is_null(),
            "{method} {path} isn't said to answer {answer:?}"
        );
        let kind = answer.header("content-type");
        match response["content"].as_object() {
            None => assert!(
                answer.bytes.is_empty(),
                "{method} {path} answers {answer:?}"
            ),
            Some(content) => {
                let schema = &content
                    .get(kind)
                    .unwrap_or_else(|| panic!("{kind:?} of {answer:?}"))["schema"];
                fits(description, schema, &answer.json);
            }
        }
        if StatusCode::from_u16(answer.status).unwrap().is_success() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            self.succeeded.lock().unwrap().insert(id);
        }
    }
}

/// Asserts that a value is as a schema of the description says, and holds nothing else.
pub(crate) fn fits(description: &Value, schema: &Value, value: &Value) {
    let mut whole = json!({ "allOf": [schema], "components": description["components"] });
    closed(&mut whole);
    let schema = jsonschema::validator_for(&whole).unwrap();
    let wrong: Vec<_> = schema
        .iter_errors(value)
        .map(|error| error.to_string())
        .collect();
    assert!(wrong.is_empty(), "{value:#} is not as described: {wrong:?}");
}

/// What isn't described may not be there.
fn closed(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            let named = fields.get("properties").is_some_and(Value::is_object);
            if named
                && !fields["properties"]
                    .as_object()
                    .unwrap()
                    .contains_key("code")
            {
                fields.insert("additionalProperties".to_owned(), json!(false));
            }
            fields.values_mut().for_each(closed);
        }
        Value::Array(items) => items.iter_mut().for_each(closed),
        _ => {}
    }
}

/// The operation that a path is of.
fn operation<'a>(description: &'a Value, method: &Method, path: &str) -> Option<&'a Value> {
    let paths = description["paths"].as_object().unwrap();
    let fits = |template: &str| {
        let (wanted, found): (Vec<_>, Vec<_>) =
            (template.split('/').collect(), path.split('/').collect());
        wanted.len() == found.len()
            && wanted
                .iter()
                .zip(&found)
                .all(|(wanted, found)| wanted.starts_with('{') || wanted == found)
    };
    // What names more is meant: `/invitations/many` before `/invitations/{invitation}`.
    let mut all: Vec<_> = paths
        .iter()
        .filter(|(template, _)| fits(template))
        .collect();
    all.sort_by_key(|(template, _)| template.matches('{').count());
    let (_, methods) = all.first()?;
    methods.get(method.as_str().to_lowercase())
}
