//! The rulebook, rule by rule: every test is named after the rule that it holds, and says what the rule
//! says. A command that is refused is also checked to have changed nothing, and after one that succeeds
//! the store is held against its log and the invariants; the vocabulary in `support` does both.

#![allow(
    clippy::unwrap_used,
    clippy::string_slice,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "the functions that tests share say what they expect by panicking, as tests do"
)]

mod support;

#[path = "rules/decisions.rs"]
mod decisions;
#[path = "rules/domains.rs"]
mod domains;
#[path = "rules/edges.rs"]
mod edges;
#[path = "rules/events.rs"]
mod events;
#[path = "rules/invitations.rs"]
mod invitations;
#[path = "rules/organizations.rs"]
mod organizations;
#[path = "rules/people.rs"]
mod people;
#[path = "rules/requests.rs"]
mod requests;
#[path = "rules/rulebook.rs"]
mod rulebook;
#[path = "rules/shell.rs"]
mod shell;
#[path = "rules/workspaces.rs"]
mod workspaces;
