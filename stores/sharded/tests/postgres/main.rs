//! Shards and a registry in PostgreSQL: in databases of one server, and on four servers.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test counts to a few thousand, and fails by panicking"
)]

#[path = "../../../postgres/tests/databases/mod.rs"]
mod databases;

#[path = "../../../postgres/tests/support/proxy.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    reason = "the other crate's tests use all of it"
)]
mod proxy;

#[path = "../shards/contract.rs"]
mod contract;

#[path = "../shards/pages.rs"]
#[expect(dead_code, reason = "the other tests use all of it")]
mod pages;

mod away;
mod conformance;
mod feeding;
mod listed;
mod moves;
mod names;
mod plans;
mod servers;
mod shards;
