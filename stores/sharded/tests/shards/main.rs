//! What only shards can get wrong: stops half-way, and names that two of them want.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test counts to a few hundred, and fails by panicking"
)]

mod contract;
mod faults;
mod feeders;
mod histories;
mod moves;
mod pages;
mod stops;
mod unreachable;
mod world;
