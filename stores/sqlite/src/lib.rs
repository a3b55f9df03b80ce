#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod repository;

mod commit;
mod load;

mod directory;
mod outbox;
mod verify;

mod connections;
mod error;
mod oneshot;
mod options;
mod rows;
mod schema;
mod sql;

pub use commit::apply;
pub use error::SqliteError;
pub use options::{Calls, Durability, Options};
pub use outbox::{Batch, Delivery, Outbox};
pub use repository::SqliteRepository;
pub use schema::{MIGRATIONS, migrate, schema_version};
pub use verify::VerifyError;
