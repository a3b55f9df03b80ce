#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod repository;

mod cluster;
mod commit;
mod import;
mod migrate;
mod optimistic;
mod outbox;
mod readers;

mod error;

/// hiqlite as this crate was built with it: its configuration, and its client for the host's own tables.
pub use hiqlite;

/// What an outbox gives, as in `tenancy-sqlite`.
pub use tenancy_sqlite::{Batch, Delivery, Depth, Failing, Parked};

pub use error::{Error, VerifyError};
pub use outbox::Outbox;
pub use repository::HiqliteRepository;
