//! How many files a change costs: those that name every one of its kind. `CONTRIBUTING.md` has the numbers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where it is counted, below the repository.
const ROOTS: [&str; 5] = ["src", "tests", "conformance", "docs", "stores"];

/// Whether a file is one that another of a kind would have to be written in.
type IsPlace = fn(&str) -> bool;

/// Some of each kind that no story needs: a file that names all of them lists the kind.
const CHANGES: [(&str, IsPlace); 6] = [
    ("built-in action", |text| {
        names_all(
            text,
            &[
                &["ViewServerKeys", "view server keys"],
                &["InviteNewcomer", "invite someone new"],
                &["ViewAuditTrail", "view the audit trail"],
            ],
        )
    }),
    ("command", |text| {
        names_all(
            text,
            &[
                &["EditContract"],
                &["ReactivateDomain"],
                &["LeaveWorkspace"],
            ],
        )
    }),
    ("event", |text| {
        names_all(
            text,
            &[
                &["DomainReactivated"],
                &["ContractEdited"],
                &["WorkspaceRoleTaken"],
            ],
        )
    }),
    ("list", |text| {
        names_all(
            text,
            &[
                &["WorkspacesOf {"],
                &["InvitationsTo {"],
                &["OrganizationsOf {"],
            ],
        )
    }),
    ("field of a record", writes_a_workspace),
    ("workspace role", |text| {
        let lists = [
            "WorkspaceRole::Reader =>",
            "WorkspaceRole::Reader) =>",
            "Self::Reader =>",
        ];
        lists.iter().any(|arm| text.contains(arm)) || text.contains("const READER:")
    }),
];

/// Of each, one of its names.
fn names_all(text: &str, all: &[&[&str]]) -> bool {
    let named = |names: &&[&str]| names.iter().any(|name| text.contains(name));
    all.iter().all(named)
}

/// Whether all fields of a workspace's record are there: `created_at` is among them.
fn writes_a_workspace(text: &str) -> bool {
    let written = text.match_indices("Workspace {").filter(|(at, _)| {
        let before = text[..*at].chars().next_back();
        !before.is_some_and(char::is_alphanumeric)
    });
    let mut fields = written.map(|(at, name)| {
        let after = &text[at + name.len()..];
        after.split(['{', '}']).next().unwrap()
    });
    fields.any(|fields| fields.contains("created_at"))
}

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Every file of text, by its name below the repository.
fn files() -> Vec<(String, String)> {
    let mut folders: Vec<_> = ROOTS.iter().map(|root| repository().join(root)).collect();
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let known = ["rs", "md", "json", "sql", "txt"].map(Some);
            let kind = path.extension().and_then(|kind| kind.to_str());
            if !known.contains(&kind) || path.ends_with("rules/places.rs") {
                continue;
            }
            let name = path
                .strip_prefix(repository())
                .unwrap()
                .display()
                .to_string();
            found.push((name, fs::read_to_string(path).unwrap()));
        }
    }
    found
}

/// The number in the table of `CONTRIBUTING.md`.
fn promised(change: &str) -> usize {
    let table = fs::read_to_string(repository().join("CONTRIBUTING.md")).unwrap();
    let row = table.lines().find_map(|line| {
        let row = line.strip_prefix("| ")?.strip_prefix(change)?;
        row.strip_prefix(" | ")
    });
    let row = row.unwrap_or_else(|| panic!("CONTRIBUTING.md has no row for: {change}"));
    row.split(' ').next().unwrap().parse().unwrap()
}

#[test]
fn a_change_costs_as_many_files_as_contributing_says() {
    let files = files();
    for (change, is_place) in CHANGES {
        let places = files.iter().filter(|(_, text)| is_place(text));
        let places: BTreeSet<_> = places.map(|(name, _)| name).collect();
        assert_eq!(places.len(), promised(change), "a {change}: {places:#?}");
    }
}
