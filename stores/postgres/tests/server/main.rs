//! The store beside the contract: what only PostgreSQL has, and what becomes of it when servers and connections die.

mod crash;
#[path = "../databases/mod.rs"]
mod databases;
mod examples;
mod failover;
mod host;
mod leases;
mod outbox;
mod plans;
mod poolers;
mod schema;
mod statements;
#[path = "../support/mod.rs"]
mod support;
