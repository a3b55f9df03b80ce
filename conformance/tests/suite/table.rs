//! The suite's table of contents: every check is in it, and quotes the contract.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use tenancy_conformance::{Status, checks, run, run_without};

use crate::Memory;

fn read(path: impl AsRef<Path>) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap()
}

/// A clause is what the contract says, to the letter: whoever changes the one is told of the other.
#[test]
fn clauses_are_the_contracts_own_words() {
    let contract = [
        "store",
        "list",
        "record",
        "event",
        "member",
        "log",
        "standing/held",
        "store/verify",
    ]
    .map(|file| read(format!("../src/{file}.rs")))
    .concat();
    let words = contract
        .replace("///", " ")
        .replace("//!", " ")
        .replace("**", "");
    let contract = words.split_whitespace().collect::<Vec<_>>().join(" ");
    for check in checks() {
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
    let count = checks().len();
    assert!(read("README.md").contains(&format!("promise: {count} checks")));
}

/// GitHub shows hidden lines of examples, and names in brackets that lead nowhere.
#[test]
fn the_readme_reads_on_github_as_on_docs_rs() {
    let readme = read("README.md");
    let mut in_rust = false;
    for line in readme.lines() {
        match line {
            "```rust" => in_rust = true,
            "```" => in_rust = false,
            line => assert!(!(in_rust && line.starts_with("# ")), "hidden: {line}"),
        }
    }
    let prose: Vec<_> = readme.split("```").step_by(2).collect();
    for name in prose.concat().split("[`").skip(1) {
        let name = name.split('`').next().unwrap();
        let defined = format!("\n[`{name}`]: https://");
        assert!(readme.contains(&defined), "[`{name}`] leads nowhere");
    }
}

#[test]
fn no_check_is_forgotten() {
    let listed = checks();
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

/// What the harness can't show is not counted as shown, neither in a report nor in a test of its own.
#[test]
fn a_check_that_the_harness_lacks_something_for_is_not_run() {
    let report = tenancy::block_on(run(&Memory::WithoutVerify));
    assert_eq!(report.failures().count(), 0, "{report}");
    assert!(!report.is_conformant(), "not everything was run");
    let lacking = [
        ("promise_1_a_reopened_store_has_every_commit", "reopen"),
        ("lists_go_on_past_what_cannot_be_read", "tamper"),
        ("values_later_fields_are_kept", "tamper"),
        ("values_text_of_other_rules_is_kept", "tamper"),
        ("values_members_with_addresses_of_other_rules", "tamper"),
        ("standing_is_one_round_trip", "round_trips"),
        ("verify_finds_nothing_wrong", "verify"),
        ("verify_finds_what_the_log_does_not_make", "verify"),
        ("verify_finds_misfiled_records", "verify"),
        ("verify_finds_a_misfiled_organization", "verify"),
        ("verify_finds_stray_claims", "verify"),
    ];
    let not_run = report
        .results
        .iter()
        .filter_map(|result| match result.status {
            Status::NotRun(lacks) => Some((result.name, lacks)),
            _ => None,
        });
    assert_eq!(not_run.collect::<Vec<_>>(), lacking);
    let text = report.to_string();
    let held = report.results.len() - lacking.len();
    let not_run = lacking.len();
    let summary = format!("{held} held, 0 broken, {not_run} not run, 0 left out");
    assert!(text.lines().next().unwrap().ends_with(&summary), "{text}");
    assert!(text.contains("the harness has no `reopen`"), "{text}");

    let check = checks().into_iter();
    let check = check.last().unwrap();
    let failure = tenancy::block_on(check.hold(&Memory::WithoutVerify)).unwrap_err();
    assert_eq!(failure.lacks(), Some("verify"));
    assert!(
        failure.to_string().contains("without = [verify]"),
        "{failure}"
    );
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
        "verify",
    ];
    let report = tenancy::block_on(run_without(&Memory::WithoutVerify, &categories));
    assert_eq!(report.failures().count(), 0);
    assert!(!report.is_conformant(), "most of it was left out");
    let text = report.to_string();
    for check in checks() {
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
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| ()));
    let report = tenancy::block_on(run(&Memory::Panics));
    std::panic::set_hook(hook);
    assert_eq!(report.failures().count(), report.results.len());
    for (name, failure) in report.failures() {
        assert_eq!(failure.message(), "it panicked: no such database", "{name}");
        assert!(failure.clause().is_some(), "{name}");
    }
}
