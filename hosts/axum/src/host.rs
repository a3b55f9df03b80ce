//! What a host brings: its store, who is signed in, and what people are called.

use std::collections::HashMap;
use std::future::Future;

use axum::http::request::Parts;
use tenancy::store::Directory;
use tenancy::{Actor, Tenancy, UserId};

use crate::rejection::Rejection;

/// A host's state, as far as this crate needs it: implement it for the type that you give to `Router::with_state`.
///
/// It is cloned with each request, so keep what is large in an `Arc`.
///
/// ```
/// use std::sync::Arc;
///
/// use axum::http::request::Parts;
/// use tenancy::store::MemoryRepository;
/// use tenancy::{Actor, Tenancy, UserId, VerifiedEmail};
/// use tenancy_axum::{Host, Rejection};
///
/// #[derive(Clone)]
/// struct App {
///     tenancy: Arc<Tenancy<MemoryRepository>>,
/// }
///
/// impl Host for App {
///     type Store = MemoryRepository;
///
///     fn tenancy(&self) -> &Tenancy<MemoryRepository> {
///         &self.tenancy
///     }
///
///     async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
///         // Your session, your token: here, a header that a proxy sets which has checked it.
///         let address = request.headers.get("x-verified-email").and_then(|value| value.to_str().ok());
///         let address = address.ok_or_else(Rejection::signed_out)?;
///         let email = address.parse().map_err(|_| Rejection::signed_out())?;
///         Ok(Actor::user(UserId::from_external(address), VerifiedEmail::attest(email)))
///     }
/// }
/// ```
pub trait Host: Clone + Send + Sync + 'static {
    /// The store, such as `tenancy_sqlite::SqliteRepository`.
    type Store: Directory + 'static;

    /// Where questions are asked and commands are carried out.
    fn tenancy(&self) -> &Tenancy<Self::Store>;

    /// Who asks: the user of the session or of the access token that came with the request.
    ///
    /// Two things are yours to see to, as nobody else can. An address is [attested](tenancy::VerifiedEmail::attest) only
    /// if its owner proved that it is theirs; else say [`Actor::unverified`]. And a session in a cookie must be safe
    /// from requests of other sites (`SameSite`): this crate asks for `application/json` in whatever changes something,
    /// which a form of another site can't send.
    ///
    /// # Errors
    ///
    /// - [`Rejection::signed_out`]: nobody is signed in.
    /// - [`Rejection::unavailable`]: it can't be told now, as the store of sessions doesn't answer.
    fn sign_in(&self, request: &Parts) -> impl Future<Output = Result<Actor, Rejection>> + Send;
}

/// What people are called: a host's own table of users, asked by id.
///
/// The library knows people by their ids and by the address that they joined with; names are the host's.
pub trait People: Send + Sync + 'static {
    /// The names of these users, as others of their organizations may see them. Whoever isn't in the answer is shown by
    /// their address.
    fn names(&self, users: &[UserId]) -> impl Future<Output = HashMap<UserId, String>> + Send;
}
