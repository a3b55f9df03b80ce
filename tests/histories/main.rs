//! The rulebook on what nobody thought of: random histories and small worlds, each against a naive second opinion
//! of it; races in every order; text that is mostly traps.
//!
//! By default each is small. `TENANCY_DEEP=1` makes all of it large; `cargo test --release` is for that.

mod bytes;
mod driver;
mod exploration;
mod index;
mod interleavings;
mod properties;
mod reach;
mod reads;
mod seen;
mod text;
mod together;

/// A third of an exploration is allocation.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
