//! Three nodes: in one process under the suite, and as processes that are killed, frozen and cut off.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test fails by panicking"
)]

mod nodes;
mod process;
#[path = "../../../sqlite/tests/world/stranger.rs"]
mod stranger;
mod wire;

mod faults;
mod file;
mod node;
mod outbox;
mod suite;
mod workers;
