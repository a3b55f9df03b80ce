//! What only shards can get wrong: stops half-way, and names that two of them want.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod faults;
mod moves;
mod stops;
mod unreachable;
mod world;
