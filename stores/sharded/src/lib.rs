#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod across;
#[cfg(feature = "postgres")]
mod deliver;
mod enroll;
mod error;
mod lists;
mod memory;
mod moving;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod registry;
mod settle;
mod sharded;
mod with_lists;

pub use error::Error;
pub use lists::memory::MemoryLists;
#[cfg(feature = "postgres")]
pub use lists::postgres::PostgresLists;
pub use lists::{Extent, Feed, Lists};
pub use memory::MemoryRegistry;
pub use place::Shard;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresError, PostgresRegistry};
pub use registry::{Attempt, Exception, Name, Places, Registry, Reserved, Row};
pub use settle::Settled;
pub use sharded::Sharded;
pub use with_lists::{Filled, ListsError, WithLists};
