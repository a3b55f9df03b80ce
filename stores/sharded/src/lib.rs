#![doc = include_str!("../README.md")]

// In the order in which to read them.
mod across;
mod enroll;
mod error;
mod memory;
mod moving;
mod place;
#[cfg(feature = "postgres")]
mod postgres;
mod registry;
mod settle;
mod sharded;

pub use error::Error;
pub use memory::MemoryRegistry;
pub use place::Shard;
#[cfg(feature = "postgres")]
pub use postgres::{PostgresError, PostgresRegistry};
pub use registry::{Attempt, Exception, Name, Places, Registry, Reserved, Row};
pub use settle::Settled;
pub use sharded::Sharded;
