//! What clients send: ids in the path, pages in the query, bodies in JSON; each refused with the field's name.

use axum::body::Bytes;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::Method;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use tenancy::Paging;
use tenancy::views::PageKey;

use crate::rejection::Rejection;

/// The ids that a path names.
pub(crate) struct At<T>(pub(crate) T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for At<T> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Rejection> {
        let path = Path::<T>::from_request_parts(parts, state).await;
        if let Err(PathRejection::MissingPathParams(_)) = path {
            // A path that names nothing.
            let none = serde_json::from_value(serde_json::json!({}));
            return none
                .map(Self)
                .map_err(|_| Rejection::invalid("", "the route names no ids"));
        }
        let Path(ids) = path.map_err(|rejection| no_id(&rejection))?;
        Ok(Self(ids))
    }
}

fn no_id(rejection: &PathRejection) -> Rejection {
    let field = match rejection {
        PathRejection::FailedToDeserializePathParams(failed) => match failed.kind() {
            ErrorKind::ParseErrorAtKey { key, .. } | ErrorKind::DeserializeError { key, .. } => {
                key.clone()
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    Rejection::invalid(field, "this is no id: check the address")
}

/// Which page of a list: `limit` and `after` of the query.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PageQuery {
    limit: Option<u32>,
    after: Option<String>,
}

impl PageQuery {
    pub(crate) fn paging<K: PageKey>(&self) -> Result<Paging<K>, Rejection> {
        let paging = self.limit.map_or_else(Paging::default, Paging::first);
        match &self.after {
            None => Ok(paging),
            Some(cursor) => {
                let after = paging.from_cursor(cursor);
                after.map_err(|invalid| Rejection::invalid("after", invalid.to_string()))
            }
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for PageQuery {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let query = Query::<Self>::try_from_uri(&parts.uri);
        let Query(query) = query
            .map_err(|rejection| Rejection::invalid("limit or after", rejection.body_text()))?;
        Ok(query)
    }
}

/// A body in JSON.
///
/// Whatever changes something by `POST` asks for `application/json`, though it may have nothing to say: a form of another
/// site can't send that with the cookies of whoever looks at it.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Rejection;

    async fn from_request(request: Request, state: &S) -> Result<Self, Rejection> {
        if request.method() == Method::DELETE {
            let none = serde_json::from_value(serde_json::json!({}));
            return none
                .map(Self)
                .map_err(|error| Rejection::invalid("", error.to_string()));
        }
        let kind = request.headers().get(CONTENT_TYPE);
        let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            let detail = "send the body as JSON, with `content-type: application/json`";
            return Err(Rejection::new(415, "not_json", detail.to_owned()));
        }
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| {
                Rejection::new(
                    rejection.status().as_u16(),
                    "body_unread",
                    rejection.body_text(),
                )
            })?;
        let bytes: &[u8] = if bytes.is_empty() { b"{}" } else { &bytes };
        // A derived `Deserialize` takes a list for an object, by place; nobody means that.
        if bytes.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'{') {
            return Err(Rejection::invalid("", "send a JSON object"));
        }
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        let body = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
            let within = error.path().to_string();
            let text = without_place(&error.into_inner());
            Rejection::invalid(field(&within, &text), text)
        })?;
        deserializer
            .end()
            .map_err(|error| Rejection::invalid("", without_place(&error)))?;
        Ok(Self(body))
    }
}

/// Which field is wrong: where the reader stood, and of one that is missing its name, too.
fn field(within: &str, text: &str) -> String {
    let missing = text.strip_prefix("missing field `");
    let missing = missing.and_then(|rest| rest.split('`').next());
    match (within, missing) {
        (".", missing) => missing.unwrap_or_default().to_owned(),
        (within, Some(missing)) => format!("{within}.{missing}"),
        (within, None) => within.to_owned(),
    }
}

/// What is wrong, without the place in the text, which people who fill in a form don't see.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => what.to_owned(),
        None => text,
    }
}

/// A field that may be `null`, and must be there: what isn't said doesn't take anything away.
pub(crate) fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}
