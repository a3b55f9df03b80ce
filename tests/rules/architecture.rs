//! The arrows between files: what decides knows no shell, and only few files know futures.

use std::fs;
use std::path::{Path, PathBuf};

/// Files that may await.
const SHELL: [&str; 13] = [
    "any.rs",
    "lists.rs",
    "memory.rs",
    "now.rs",
    "page.rs",
    "reads.rs",
    "replica.rs",
    "repository.rs",
    "repository/forward.rs",
    "tenancy.rs",
    "trace.rs",
    "lib.rs",
    "verify.rs",
];

/// Modules that only the shell may import.
const SHELL_MODULES: [&str; 11] = [
    "crate::any",
    "crate::lists",
    "crate::memory",
    "crate::now",
    "crate::page",
    "crate::reads",
    "crate::replica",
    "crate::tenancy::",
    "crate::trace",
    "crate::Tenancy::",
    "crate::verify::",
];

fn sources() -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("src is readable") {
            let path = entry.expect("src is readable").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src");
    let mut found = Vec::new();
    walk(&src, &mut found);
    found.sort();
    found.retain(|path| !path.ends_with("tests.rs"));
    let named = found.into_iter().map(|path| {
        let name = path
            .strip_prefix(&src)
            .expect("below src")
            .to_string_lossy()
            .replace('\\', "/");
        (name, fs::read_to_string(path).expect("source is text"))
    });
    named.collect()
}

/// The code of a file: no documentation, comments or tests.
fn code(text: &str) -> String {
    let until_tests = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = until_tests
        .lines()
        .map(str::trim_start)
        .filter(|line| !line.starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_decides_imports_no_shell() {
    for (name, text) in sources() {
        if SHELL.contains(&name.as_str()) {
            continue;
        }
        let code = code(&text);
        for module in SHELL_MODULES {
            assert!(!code.contains(module), "src/{name} imports {module}");
        }
    }
}

#[test]
fn only_the_shell_knows_futures() {
    for (name, text) in sources() {
        if SHELL.contains(&name.as_str()) {
            continue;
        }
        let code = code(&text);
        for word in ["async ", ".await", "Future"] {
            assert!(!code.contains(word), "src/{name} says `{word}`");
        }
    }
}

#[test]
fn only_the_shell_reads_clocks_and_randomness() {
    for (name, text) in sources() {
        let code = code(&text);
        let clock = ["SystemTime::", "Instant::", "Utc::now", "Local::now"];
        assert!(
            ["tenancy/builder.rs", "id.rs"].contains(&name.as_str())
                || !clock.iter().any(|word| code.contains(word)),
            "src/{name} reads a clock"
        );
        let draws = ["getrandom::", "Uuid::now_v7", "Uuid::new_v4"];
        assert!(
            ["tenancy/execute.rs", "random.rs"].contains(&name.as_str())
                || !draws.iter().any(|word| code.contains(word)),
            "src/{name} draws randomness"
        );
    }
}

#[test]
fn files_are_one_concept_each() {
    for (name, text) in sources() {
        let lines = text
            .split("#[cfg(test)]")
            .next()
            .unwrap_or_default()
            .lines()
            .count();
        assert!(
            lines <= 650,
            "src/{name} has {lines} lines: is it still one concept?"
        );
        assert!(
            !name.ends_with("mod.rs"),
            "src/{name}: `foo.rs` beside `foo/`, never `mod.rs`"
        );
    }
}
