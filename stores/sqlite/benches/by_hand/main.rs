//! The store against the best that one would write by hand on the same SQLite, in one run, by turns.
//!
//! `cargo bench -p tenancy-sqlite`; with `-- --test` it only shows that it runs; `-- checks`, `commands`, `growth` or
//! `commits` names a part. The median of many short rounds counts: a round that something else disturbed is not the
//! store's doing.
//!
//! Instructions, where times are too noisy: run this under `valgrind --tool=callgrind`, with `commands --rounds=5` and
//! again with `15`. The difference is 200 of each command; what it counts of SHA-256 is more than a processor takes that
//! has instructions for it.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    clippy::wildcard_imports,
    reason = "a measurement that fails may panic; its numbers are small"
)]

use tenancy_sqlite::Durability;

mod check;
mod commands;
mod commit;
mod hand;
mod measure;
mod world;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let test = arguments.iter().any(|argument| argument == "--test");
    let named = arguments.iter().any(|argument| !argument.starts_with('-'));
    let asked = |part: &str| !named || arguments.iter().any(|argument| argument == part);
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let rounds = arguments
        .iter()
        .find_map(|argument| argument.strip_prefix("--rounds="));
    let rounds = rounds.map_or(100, |rounds| rounds.parse().unwrap());
    let (rounds, size) = if test { (1, 5) } else { (rounds, 20) };
    if asked("checks") {
        check::run(directory, test);
    }
    if asked("commands") {
        commands::run(directory, rounds, size);
    }
    if asked("growth") {
        commands::growth(directory, rounds, size, if test { 100 } else { 100_000 });
    }
    if asked("commits") {
        commit::run(directory, Durability::ProcessCrash, "NORMAL", rounds, size);
        commit::run(directory, Durability::PowerCut, "FULL", rounds, size);
    }
}
