//! Each check quotes the contract, to the letter.

use std::fs;
use std::path::Path;

use tenancy::MemoryRepository;
use tenancy_conformance::{Harness, checks};

struct Memory;

impl Harness for Memory {
    type Repository = MemoryRepository;

    async fn fresh(&self) -> MemoryRepository {
        MemoryRepository::new()
    }

    async fn another(&self, same: &MemoryRepository) -> MemoryRepository {
        same.clone()
    }
}

#[test]
fn every_check_quotes_the_contract() {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src/repository.rs");
    let text = fs::read_to_string(contract).unwrap();
    let words = text
        .lines()
        .map(str::trim)
        .filter_map(|line| line.strip_prefix("//!").or(line.strip_prefix("///")))
        .flat_map(str::split_whitespace);
    // Emphasis and list marks are not words.
    let plain = |text: &str| text.replace("**", "").replace(" - ", " ");
    let contract = plain(&words.collect::<Vec<_>>().join(" "));
    for check in checks::<Memory>() {
        let quoted = contract.contains(&plain(check.clause));
        assert!(
            quoted,
            "{} quotes what the contract doesn't say: {}",
            check.name, check.clause
        );
    }
}
