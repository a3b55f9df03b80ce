//! What the tests of `tenancy` share.
//!
//! - [`world`]: a deployment with a clock, people, and Ann's Acme: the vocabulary of tests that read as sentences.
//! - [`commands`]: each command once, with its arguments from whatever source a test has.
//! - [`matrix`]: the rulebook's table of who may do what, read.
//! - [`model`]: the rulebook once more, as naively as it reads: a second opinion on every command.
//! - [`prevented`]: what the types must prevent.
//! - [`without_randomness`]: a test that runs itself once more, where the operating system gives no randomness.

pub mod commands;
pub mod matrix;
pub mod model;
pub mod prevented;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod without_randomness;
pub mod world;

/// Whether the deep runs are wanted: larger worlds, more histories (`TENANCY_DEEP=1`).
pub fn deep() -> bool {
    std::env::var_os("TENANCY_DEEP").is_some_and(|wanted| wanted == "1")
}
