//! Who asks, as an extractor.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tenancy::Actor;

use crate::host::Host;
use crate::rejection::Rejection;

/// Who is signed in, by [`Host::sign_in`]. Without anybody, the handler isn't called and the answer is 401.
#[derive(Clone, Debug)]
pub struct SignedIn(pub Actor);

impl<H: Host> FromRequestParts<H> for SignedIn {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, host: &H) -> Result<Self, Rejection> {
        if let Some(known) = parts.extensions.get::<Actor>() {
            return Ok(Self(known.clone()));
        }
        let actor = host.sign_in(parts).await?;
        parts.extensions.insert(actor.clone());
        Ok(Self(actor))
    }
}
