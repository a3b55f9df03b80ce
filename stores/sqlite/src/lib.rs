#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod repository;

mod commit;
mod list;
mod load;

mod outbox;
mod verify;

mod connections;
mod error;
mod migrate;
mod oneshot;
mod options;
mod rows;
mod statements;

pub mod tables;

/// The version of rusqlite that this crate was built with, whose `Connection` and `Transaction` it takes.
pub use rusqlite;

pub use commit::apply;
pub use error::Error;
pub use migrate::{MIGRATIONS, Migration, SchemaError, migrate, schema_version};
pub use options::{Calls, Durability, Options};
pub use outbox::{Batch, Delivery, Depth, Failing, Outbox, Parked};
pub use repository::SqliteRepository;
pub use verify::VerifyError;
