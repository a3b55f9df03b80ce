#![cfg_attr(feature = "sqlx", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "sqlx"),
    doc = "PostgreSQL for `tenancy`: the [`statements`], for any driver. The store itself is behind the feature `sqlx`."
)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod rows;
pub mod statements;
mod verify;

#[cfg(feature = "sqlx")]
mod migrate;
#[cfg(feature = "sqlx")]
mod outbox;
#[cfg(feature = "sqlx")]
mod reading;
#[cfg(feature = "sqlx")]
mod repository;

#[cfg(feature = "sqlx")]
pub use migrate::{SchemaError, migrate};
#[cfg(feature = "sqlx")]
pub use outbox::{DeliveryError, Drained, Outbox};
#[cfg(feature = "sqlx")]
pub use repository::{Error, PostgresRepository};
pub use rows::DecodeError;
pub use verify::VerifyError;
