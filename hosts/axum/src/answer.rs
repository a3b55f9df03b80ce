//! What is answered, and its shape.

use core::num::NonZeroU32;

use axum::Json;
use axum::http::StatusCode;
use axum::http::header::{HeaderName, LINK};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Value, json};
use tenancy::commands::{
    Accepted, CreatedOrganization, DeletedWorkspace, Departure, HandedOver, Invited, InvitedMany,
    Revoked,
};
use tenancy::views::PageKey;
use tenancy::{DomainId, Done, Page, Paging, QuotaUsage, RoleNumber, Usage, WorkspaceId};

use crate::carry_out::etag;
use crate::rejection::Rejection;
use crate::shape::{Named, Shape, object};

/// The id of the commit that a command made: entries of the trail name it.
const COMMIT: HeaderName = HeaderName::from_static("tenancy-commit");

/// What a command answers, as JSON: an object, or nothing.
pub(crate) trait Told {
    fn told(&self) -> Result<Option<Value>, serde_json::Error>;
    fn its_shape(named: &mut Named) -> Option<Value>;
}

impl Told for () {
    fn told(&self) -> Result<Option<Value>, serde_json::Error> {
        Ok(None)
    }

    fn its_shape(_: &mut Named) -> Option<Value> {
        None
    }
}

macro_rules! told {
    ($($of:ident),+; $($id:ident as $name:literal),+) => {
        $(
            impl Told for $of {
                fn told(&self) -> Result<Option<Value>, serde_json::Error> {
                    serde_json::to_value(self).map(Some)
                }

                fn its_shape(named: &mut Named) -> Option<Value> {
                    Some(Self::shape(named))
                }
            }
        )+
        $(
            impl Told for $id {
                fn told(&self) -> Result<Option<Value>, serde_json::Error> {
                    Ok(Some(json!({ $name: self })))
                }

                fn its_shape(named: &mut Named) -> Option<Value> {
                    Some(object(vec![($name, Self::shape(named), false)]))
                }
            }
        )+
    };
}

told! {
    Accepted, CreatedOrganization, DeletedWorkspace, Departure, HandedOver, Invited, InvitedMany, QuotaUsage, Revoked, Usage;
    WorkspaceId as "workspace", DomainId as "domain", RoleNumber as "role"
}

/// The answer to a command that was carried out.
pub(crate) fn done<T: Told>(status: u16, done: &Done<T>) -> Result<Response, Rejection> {
    let told = done.output.told().map_err(|_| Rejection::unavailable())?;
    let headers = (
        etag(done.token.version),
        [(COMMIT, done.commit.to_string())],
    );
    Ok(match told {
        None => (StatusCode::NO_CONTENT, headers).into_response(),
        Some(told) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
            (status, headers, Json(told)).into_response()
        }
    })
}

/// A page as it travels.
#[derive(Serialize)]
struct Paged<'a, T> {
    items: &'a [T],
    /// What `after` asks for next; `null` if there is no more.
    next: Option<&'a str>,
    /// How many items a page has at the most.
    limit: u32,
}

/// A page of a list. If there is more, its address is in the `link` header, too (RFC 8288).
pub(crate) fn page<T: Serialize, K: PageKey>(
    path: &str,
    limit: NonZeroU32,
    page: &Page<T, K>,
) -> Response {
    let cursor = page.cursor();
    let limit = limit.get().min(Paging::<K>::MAX_LIMIT);
    let paged = Paged {
        items: &page.items,
        next: cursor.as_deref(),
        limit,
    };
    let link = cursor.as_ref().map(|cursor| {
        let next = format!("<{path}?limit={limit}&after={cursor}>; rel=\"next\"");
        [(LINK, next)]
    });
    (link, Json(&paged)).into_response()
}

pub(crate) fn page_shape<T: Shape>(named: &mut Named) -> Value {
    let items = json!({ "type": "array", "items": T::shape(named) });
    let next = json!({ "oneOf": [{ "type": "string" }, { "type": "null" }] });
    object(vec![
        ("items", items, false),
        ("next", next, false),
        ("limit", json!({ "type": "integer" }), false),
    ])
}
