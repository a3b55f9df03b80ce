//! Organizations, workspaces, domains and their people over HTTP, with axum.

mod host;
mod rejection;
mod sign_in;

pub use host::{Host, People};
pub use rejection::Rejection;
pub use sign_in::SignedIn;
