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

/// The ids that a path names, for routes of a host's own beside the library's: what axum's `Path` is, but what is no id is
/// refused with a [`Rejection`] that names it.
///
/// ```
/// use serde::Deserialize;
/// use tenancy::{DomainId, OrganizationId};
/// use tenancy_axum::{At, Body, Rejection, SignedIn};
///
/// #[derive(Deserialize)]
/// struct Ids { organization: OrganizationId, domain: DomainId }
///
/// #[derive(Deserialize)]
/// struct Parcel { weight_in_grams: u32 }
///
/// async fn send_parcel(SignedIn(_who): SignedIn, At(ids): At<Ids>, Body(parcel): Body<Parcel>) -> Result<String, Rejection> {
///     Ok(format!("{} g to {}", parcel.weight_in_grams, ids.domain))
/// }
/// ```
///
/// # Rejections
///
/// - 422 `invalid`: the path holds no id where one belongs.
#[derive(Clone, Copy, Debug)]
pub struct At<T>(pub T);

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
            // Of a name that stands for none of ours, axum doesn't say where it stood: only actions go by names.
            ErrorKind::Message(text) if text.starts_with("unknown variant") => "action".to_owned(),
            _ => String::new(),
        },
        _ => String::new(),
    };
    let what = match field.as_str() {
        "action" => "there is no such action: `/permissions` has them by their names",
        _ => "this is no id: check the address",
    };
    Rejection::invalid(field, what)
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

/// A body in JSON, as this crate's own routes take it: what axum's `Json` is, but each refusal is a [`Rejection`] that names
/// the field. A `DELETE` has no body, and reads as `{}`; [`At`] has an example.
///
/// Whatever changes something by `POST` asks for `application/json`, though it may have nothing to say: a form of another
/// site can't send that with the cookies of whoever looks at it.
///
/// # Rejections
///
/// - 413 `body_unread`: it is larger than the route's limit.
/// - 415 `not_json`: it isn't sent as `application/json`.
/// - 422 `invalid`: it is no JSON object, or not the expected one; `field` says where.
#[derive(Clone, Copy, Debug)]
pub struct Body<T>(pub T);

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
