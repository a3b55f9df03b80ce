//! The suite's table of contents: every check is in it, and quotes the contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tenancy::store::MemoryRepository;
use tenancy_conformance::{Harness, checks, run, run_without};

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

fn read(path: impl AsRef<Path>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap()
}

/// A clause is what the contract says, to the letter: whoever changes the one is told of the other.
#[test]
fn clauses_are_the_contracts_own_words() {
    let contract = read("../src/store.rs") + &read("../src/list.rs") + &read("../src/record.rs");
    let words = contract
        .replace("///", " ")
        .replace("//!", " ")
        .replace("**", "");
    let contract = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for check in checks::<Memory>() {
        assert!(
            contract.contains(check.clause),
            "`{}` quotes what the contract doesn't say: {}",
            check.name,
            check.clause
        );
        assert!(check.name.starts_with(check.category), "{}", check.name);
    }
}

#[test]
fn the_readme_counts_right() {
    let count = checks::<Memory>().len();
    assert!(read("README.md").contains(&format!("promise: {count} checks")));
}

#[test]
fn no_check_is_forgotten() {
    let listed = checks::<Memory>();
    let listed: BTreeSet<_> = listed.iter().map(|check| check.name).collect();
    let mut written = BTreeSet::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src/checks")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            for line in read(&path).lines() {
                let name = line.strip_prefix("pub async fn ").or_else(|| {
                    // Those that a macro writes: `keys_path: Path,`.
                    let (name, _) = line.strip_prefix("    ")?.split_once(": ")?;
                    name.starts_with("keys_").then_some(name)
                });
                let name = name.and_then(|name| name.split(['<', '(']).next());
                written.extend(name.map(str::to_owned).filter(|name| name != "$name"));
            }
        }
    }
    let written: BTreeSet<_> = written.iter().map(String::as_str).collect();
    assert_eq!(listed, written);
}

#[test]
fn a_report_shows_every_check_and_what_was_left_out() {
    let categories = [
        "promise_1",
        "promise_2",
        "promise_3",
        "keys",
        "lists",
        "values",
        "standing",
    ];
    let report = tenancy::block_on(run_without(&Memory, &categories));
    assert_eq!(report.failures().count(), 0);
    assert!(!report.is_conformant(), "most of it was left out");
    let text = report.to_string();
    for check in checks::<Memory>() {
        let held = if check.category == "log" {
            "held"
        } else {
            "left out"
        };
        let mut lines = text.lines();
        let line = lines.find(|line| line.split_whitespace().any(|word| word == check.name));
        assert!(
            line.is_some_and(|line| line.trim_start().starts_with(held)),
            "{text}"
        );
    }
}

/// A store that panics has failed, and the checks after it are done all the same.
#[test]
fn a_panic_is_a_failure_like_any_other() {
    struct Panics;

    impl Harness for Panics {
        type Repository = MemoryRepository;

        async fn fresh(&self) -> MemoryRepository {
            panic!("no such database");
        }

        async fn another(&self, same: &MemoryRepository) -> MemoryRepository {
            same.clone()
        }
    }

    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let report = tenancy::block_on(run(&Panics));
    std::panic::set_hook(hook);
    assert_eq!(report.failures().count(), report.results.len());
    for (name, failure) in report.failures() {
        assert_eq!(failure.message(), "it panicked: no such database", "{name}");
        assert!(failure.clause().is_some(), "{name}");
    }
}
