//! Commands: carried out once for each idempotency key, and only on the version that the client saw.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use tenancy::commands::Request;
use tenancy::store::{Commit, Repository as _};
use tenancy::{Actor, CommitId, Done, Error, Version};

use crate::host::Host;
use crate::rejection::Rejection;

/// The request's key, of any text: the same command under the same key again is carried out once.
pub(crate) const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The longest key, in bytes.
const LONGEST_KEY: usize = 255;

/// What a request says about itself in its headers.
pub(crate) struct Terms {
    key: Option<String>,
    seen: Option<Version>,
}

impl<S: Send + Sync> FromRequestParts<S> for Terms {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Rejection> {
        let key = text(&parts.headers, &IDEMPOTENCY_KEY)?;
        if key.is_some_and(|key| key.is_empty() || key.len() > LONGEST_KEY) {
            let detail = format!("the key has 1 to {LONGEST_KEY} characters");
            return Err(Rejection::invalid(IDEMPOTENCY_KEY.as_str(), detail));
        }
        let seen = match text(&parts.headers, &IF_MATCH)? {
            None | Some("*") => None,
            Some(tag) => Some(version(tag).ok_or_else(|| {
                let detail =
                    "send the `etag` of an earlier answer about the organization, as it came";
                Rejection::invalid(IF_MATCH.as_str(), detail)
            })?),
        };
        Ok(Self {
            key: key.map(str::to_owned),
            seen,
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Rejection> {
    let value = headers.get(name).map(HeaderValue::to_str).transpose();
    value
        .map_err(|_| Rejection::invalid(name.as_str(), "only visible ASCII characters are allowed"))
}

fn version(tag: &str) -> Option<Version> {
    let number = tag.strip_prefix('"')?.strip_suffix('"')?;
    number.parse().ok().map(Version::new)
}

/// An organization's version, as an entity tag.
pub(crate) fn etag(version: Version) -> [(HeaderName, String); 1] {
    [(ETAG, format!("\"{version}\""))]
}

/// Carries a command out.
pub(crate) async fn carry_out<H: Host, Q: Request<Output: Clone>>(
    host: &H,
    actor: &Actor,
    terms: &Terms,
    request: Q,
) -> Result<Done<Q::Output>, Rejection> {
    let tenancy = host.tenancy();
    let id = match &terms.key {
        Some(key) => actor.commit_id(key),
        None => CommitId::try_new().map_err(Error::<std::convert::Infallible>::from)?,
    };
    let Some(seen) = terms.seen else {
        return Ok(tenancy.execute_as(id, actor, request).await?);
    };
    // The commit says on what it was decided: if that isn't what the client saw, it isn't made.
    let write = |commit: Commit, _| async move {
        if commit.expected != seen {
            return Err(Rejection::changed());
        }
        let store = tenancy.repository();
        match store.commit(&commit).await {
            Ok(outcome) => Ok(outcome),
            Err(error) if store.wrote_nothing(&error) => Err(Error::Store(error).into()),
            Err(source) => Err(Error::Unknown { commit: id, source }.into()),
        }
    };
    tenancy.execute_with_as(id, actor, request, write).await
}
