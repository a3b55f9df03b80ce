//! The arrows between the files of `src/`: no circles; only the store's contract and the façade know futures; only
//! named files read a clock or draw randomness; what decides knows no shell.
//!
//! A file belongs to the module that its path begins with: `state/list.rs` to `state`, `text/email.rs` to `text`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What of the contract a command may name: what it asks for, and what it decides. No trait, and no store.
const DATA_OF_THE_CONTRACT: [&str; 3] = ["Commit", "Facts", "Key"];

/// The modules of the shell: they await, and what decides doesn't know them.
const SHELL: [&str; 2] = ["store", "tenancy"];

struct Source {
    /// Below `src/`.
    name: String,
    /// The module that it belongs to.
    module: String,
    text: String,
}

/// Every file of `src/` but `lib.rs`, which only lists them, and files of tests.
fn sources() -> Vec<Source> {
    let mut found = sources_in("src");
    found.retain(|source| source.name != "lib.rs");
    assert!(found.len() > 40, "these are the sources");
    found
}

/// Every crate of the workspace that is published, by its folder.
fn libraries() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut libraries = vec!["src".to_owned(), "conformance/src".to_owned()];
    for store in fs::read_dir(root.join("stores")).unwrap() {
        let name = store.unwrap().file_name();
        libraries.push(format!("stores/{}/src", name.to_string_lossy()));
    }
    libraries.sort();
    libraries
}

/// Every file of a library but those of tests.
fn sources_in(library: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(library);
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).unwrap().to_string_lossy();
            let name = name.replace('\\', "/");
            if name.ends_with("tests.rs") || name.contains("/tests/") {
                continue;
            }
            let module = name.split('/').next().unwrap().trim_end_matches(".rs");
            found.push(Source {
                module: module.to_owned(),
                text: fs::read_to_string(&path).unwrap(),
                name,
            });
        }
    }
    found
}

impl Source {
    /// The code: no documentation, no comments, no imports for documentation, no tests.
    fn code(&self) -> String {
        let until_tests = self.text.split("#[cfg(test)]").next().unwrap();
        let mut code = String::new();
        let mut for_documentation = false;
        for line in until_tests.lines() {
            let line = line.split("// ").next().unwrap().trim();
            if line.starts_with("//") {
                continue;
            }
            for_documentation |= line == "#[cfg(doc)]";
            if !for_documentation {
                code.push_str(line);
                code.push('\n');
            }
            for_documentation &= !line.ends_with(';');
        }
        code
    }

    /// What it names of the crate: the first word after each `crate::`, and all of the path.
    fn named(&self) -> Vec<(String, String)> {
        let code = self.code();
        let mut named = Vec::new();
        for (at, _) in code.match_indices("crate::") {
            let (before, after) = (&code[..at], &code[at + "crate::".len()..]);
            // `$crate::` is in a macro, which may be used by other crates: it names what they see.
            if before.ends_with('$') {
                continue;
            }
            assert!(
                !after.starts_with('{'),
                "src/{}: one `use` for each module",
                self.name
            );
            let path = after.split(';').next().unwrap();
            let is_word = |c: char| c.is_alphanumeric() || c == '_';
            let first: String = path.chars().take_while(|c| is_word(*c)).collect();
            named.push((first, path.to_owned()));
        }
        named
    }
}

/// Which module names which.
fn arrows(sources: &[Source]) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in sources {
        let from = arrows.entry(source.module.clone()).or_default();
        let named = source.named().into_iter().map(|(module, _)| module);
        from.extend(named.filter(|module| *module != source.module));
    }
    arrows
}

/// A circle, if there is one: the modules on it, in order.
fn circle(arrows: &BTreeMap<String, BTreeSet<String>>) -> Option<Vec<String>> {
    fn search(
        at: &str,
        arrows: &BTreeMap<String, BTreeSet<String>>,
        path: &mut Vec<String>,
        done: &mut BTreeSet<String>,
    ) -> Option<Vec<String>> {
        if let Some(begin) = path.iter().position(|before| before == at) {
            return Some(path[begin..].to_vec());
        }
        if !done.insert(at.to_owned()) {
            return None;
        }
        path.push(at.to_owned());
        let onward = arrows.get(at).into_iter().flatten();
        let found = onward
            .into_iter()
            .find_map(|to| search(to, arrows, path, done));
        path.pop();
        found
    }
    let mut done = BTreeSet::new();
    let mut begins = arrows.keys();
    begins.find_map(|begin| search(begin, arrows, &mut Vec::new(), &mut done))
}

#[test]
fn there_is_no_circle() {
    let arrows = arrows(&sources());
    assert_eq!(circle(&arrows), None);
    for (from, to) in &arrows {
        for to in to {
            assert!(
                arrows.contains_key(to),
                "`{from}` names `crate::{to}`: no file"
            );
        }
    }
}

#[test]
fn a_circle_would_be_found() {
    let arrow = |(from, to): (&str, &[&str])| {
        let to = to.iter().map(ToString::to_string);
        (from.to_owned(), to.collect())
    };
    let drawn: [(&str, &[&str]); 4] =
        [("a", &["b", "c"]), ("b", &["c"]), ("c", &["d"]), ("d", &[])];
    let mut arrows: BTreeMap<_, BTreeSet<_>> = drawn.map(arrow).into();
    assert_eq!(circle(&arrows), None);
    arrows.insert("d".into(), ["b".into()].into());
    assert_eq!(
        circle(&arrows),
        Some(vec!["b".into(), "c".into(), "d".into()])
    );
}

/// What the arrows are read from: nothing goes around `crate::`.
#[test]
fn other_modules_are_named_from_the_crate_down() {
    for source in sources() {
        let folder = source.name.contains('/');
        let upward = if folder { "super::super::" } else { "super::" };
        assert!(
            !source.code().contains(upward),
            "src/{} says `{upward}`",
            source.name
        );
    }
}

#[test]
fn what_decides_knows_no_shell() {
    for source in sources() {
        if SHELL.contains(&source.module.as_str()) {
            continue;
        }
        for (module, path) in source.named() {
            assert_ne!(module, "tenancy", "src/{} knows the façade", source.name);
            if module != "store" {
                continue;
            }
            let is_command = ["command", "commands", "decide"].contains(&source.module.as_str());
            assert!(is_command, "src/{} knows the contract", source.name);
            let words = path["store::".len()..].trim_matches(['{', '}']);
            let words = words.split(',').map(str::trim);
            for word in words.filter(|word| !word.is_empty()) {
                assert!(
                    DATA_OF_THE_CONTRACT.contains(&word),
                    "src/{} knows more than the contract's data: `{word}`",
                    source.name
                );
            }
        }
    }
}

#[test]
fn only_the_shell_knows_futures() {
    for source in sources() {
        let code = source.code();
        let words = ["async ", ".await", "Future"];
        let word = words.into_iter().find(|word| code.contains(word));
        if !SHELL.contains(&source.module.as_str()) {
            assert_eq!(word, None, "in src/{}", source.name);
        }
    }
}

/// Where there is no randomness nobody panics: what panics then (`Uuid::new_v4`, `rand`, a key that generates itself)
/// is drawn nowhere, in no library.
#[test]
fn only_few_files_read_clocks_and_randomness() {
    let (mut clocks, mut draws) = (BTreeSet::new(), BTreeSet::new());
    for source in sources() {
        let code = source.code();
        let clock = ["SystemTime::", "Instant::", "Utc::now", "Local::now"];
        if clock.iter().any(|word| code.contains(word)) {
            clocks.insert(source.name);
        }
    }
    let libraries = libraries();
    assert_eq!(libraries.len(), 6, "{libraries:?}");
    let random = [
        "getrandom",
        "now_v",
        "new_v4",
        "new_v7",
        "rand::",
        "OsRng",
        "::generate_key",
    ];
    for library in &libraries {
        let sources = sources_in(library);
        assert!(sources.len() > 5, "{library} has more files");
        for source in sources {
            let code = source.code();
            if random.iter().any(|word| code.contains(word)) {
                draws.insert(format!("{library}/{}", source.name));
            }
        }
    }
    let named = |names: &[&str]| {
        names
            .iter()
            .map(ToString::to_string)
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(clocks, named(&["id.rs", "tenancy/builder.rs"]), "clocks");
    assert_eq!(
        draws,
        named(&["src/random.rs", "src/tenancy/execute.rs"]),
        "randomness"
    );
}

#[test]
fn files_are_one_concept_each() {
    for source in sources() {
        let lines = source.text.split("#[cfg(test)]").next().unwrap().lines();
        let lines = lines.count();
        assert!(
            lines <= 650,
            "src/{} has {lines} lines: is it still one concept?",
            source.name
        );
        assert!(
            !source.name.ends_with("mod.rs"),
            "src/{}: `foo.rs` beside `foo/`, never `mod.rs`",
            source.name
        );
    }
}
