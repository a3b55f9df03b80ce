//! Throw-away servers on 127.0.0.1, each in a folder of its own under `/tmp`, as an ordinary user, gone when who started
//! them ends, however it ends. For tests, examples, and whoever wants to play.

#![allow(
    clippy::allow_attributes,
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    reason = "tests and examples say what they expect by panicking"
)]

mod etcd;
mod postgres;

pub use etcd::Etcd;
pub use postgres::{Cluster, database_for_an_example, url};
