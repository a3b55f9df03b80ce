//! The store beside the contract: its file, the host's transactions, its outbox, and processes that die.

mod crash;
mod host;
mod outbox;
mod readme;
mod store;
#[path = "../world/mod.rs"]
mod world;
