#![cfg_attr(feature = "sqlx", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlx"),
    doc = "PostgreSQL for `tenancy`: the [`statements`], for any driver. The store itself is behind the feature `sqlx`."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod commit;
mod error;
mod list;
mod load;
pub mod statements;
mod verify;

#[cfg(feature = "sqlx")]
mod begun;
#[cfg(feature = "sqlx")]
mod migrate;
#[cfg(feature = "sqlx")]
mod movable;
#[cfg(feature = "sqlx")]
mod outbox;
#[cfg(feature = "sqlx")]
mod repository;
#[cfg(feature = "sqlx")]
mod retry;
#[cfg(feature = "sqlx")]
mod rows;
#[cfg(feature = "sqlx")]
mod runtime;

pub use error::DecodeError;
#[cfg(feature = "sqlx")]
pub use error::{Error, VerifyError};
#[cfg(feature = "sqlx")]
pub use migrate::{SchemaError, migrate, migrate_within};
#[cfg(feature = "sqlx")]
pub use movable::MovedRows;
#[cfg(feature = "sqlx")]
pub use outbox::{Batch, Delivery, Depth, Failing, Outbox, Parked};
#[cfg(feature = "sqlx")]
pub use repository::{PostgresRepository, apply, apply_in_steps};
#[cfg(feature = "sqlx")]
pub use rows::WrittenRows;
/// For `tenancy-sharded`, whose registry keeps its tables on a pool too.
#[cfg(feature = "sqlx")]
#[doc(hidden)]
pub use runtime::in_its_runtime;
/// The version of sqlx that this crate was built with, whose pool and transactions it takes.
#[cfg(feature = "sqlx")]
pub use sqlx;
