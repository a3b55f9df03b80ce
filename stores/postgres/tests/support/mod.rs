//! What tests and examples share: storms, and a proxy that counts and cuts.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::allow_attributes,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "each test and example uses its part, and says what it expects by panicking"
)]

pub mod proxy;
#[cfg(feature = "sqlx")]
pub mod storm;
