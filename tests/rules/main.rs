//! The rulebook, rule by rule: every test is named after the rule that it holds, and says what the rule
//! says. A command that is refused is also checked to have changed nothing, and after one that succeeds
//! the store is held against its log and the invariants; the vocabulary in `tenancy_tests::world` does both.
//!
//! Beside the rules: the matrix, what leaves the process as JSON, what outsiders learn, and the house's own order.

mod additions;
mod architecture;
mod decisions;
mod domains;
mod edges;
mod ends;
mod entropy;
mod events;
mod finding;
mod golden;
mod hand_over;
mod host_rows;
mod invitations;
mod later;
mod limits;
mod mails;
mod many;
mod matrix;
mod organizations;
mod outsiders;
mod own_roles;
mod pages;
mod people;
mod places;
mod public_types;
mod requests;
mod reverse;
mod rulebook;
mod shell;
mod suspension;
mod together;
mod wire;
mod workspaces;
