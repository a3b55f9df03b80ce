#![doc = include_str!("../README.md")]

mod any;
mod commands;
mod harness;
mod lockstep;
mod model;
mod moves;
mod races;
mod random;
mod report;
#[macro_use]
mod suite;
mod tasks;
mod world;

pub mod checks;

pub use checks::checks;
pub use harness::{Garbled, Harness, Tampering, Task};
pub use model::every_list;
pub use moves::moves;
pub use races::races;
pub use report::{Check, CheckResult, Failure, Report, Status, Verdict, run, run_without};
#[doc(hidden)]
pub use report::{Test as __Test, hold};
#[doc(hidden)]
pub use tenancy::block_on as __now;
