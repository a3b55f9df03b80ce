//! What stands before every page: who may send a form, and what browsers are told about the answer.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderName, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;

use crate::pages::problem;

/// Nothing is loaded but the stylesheet and the icon, nothing runs, nobody frames a page, and forms go home.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// Forms of other sites are refused: a session in a cookie would come with them.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let changes = !matches!(*request.method(), Method::GET | Method::HEAD);
    let from_here = comes_from_here(request.headers(), request.uri());
    let mut response = if changes && !from_here {
        problem::from_elsewhere(request.extensions())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    let told = [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // Not `no-referrer`: forms would come with `Origin: null`, which an older browser is told apart by.
        (REFERRER_POLICY, "same-origin"),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ];
    for (name, value) in told {
        headers.insert(name, HeaderValue::from_static(value));
    }
    // What somebody may see is nothing for a cache, nor for the one who sits down at their desk next.
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Whether a page of this host sent it, or its user by themself. Every browser since 2023 says so in `Sec-Fetch-Site`,
/// which no page can forge; an older one names where the form stood.
fn comes_from_here(headers: &HeaderMap, uri: &Uri) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return matches!(site.as_bytes(), b"same-origin" | b"none");
    }
    let origin = headers.get(ORIGIN).and_then(|origin| origin.to_str().ok());
    let origin = origin.and_then(|origin| Some(origin.split_once("://")?.1));
    let host = headers.get(HOST).and_then(|host| host.to_str().ok());
    // HTTP/2 has the host's name in the address.
    let host = host.or_else(|| uri.authority().map(Authority::as_str));
    origin.is_some() && origin == host
}
