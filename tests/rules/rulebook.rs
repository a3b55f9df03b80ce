//! No rule without code and test.

use std::fs;
use std::path::Path;

const RULES: [&str; 55] = [
    "O1", "O2", "O3", "O4", "O5", "O6", "O7", "W1", "W2", "W3", "W4", "D1", "D2", "D3", "M1", "M2",
    "M3", "M4", "M5", "M6", "I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8", "I9", "I10", "I11",
    "R1", "R2", "R3", "R4", "R5", "R6", "R7", "R8", "Q1", "Q2", "Q3", "Q4", "Q5", "T1", "T2", "T3",
    "T4", "A1", "A2", "A3", "A4", "A5", "A6", "A7",
];

#[test]
fn every_rule_has_a_line_and_a_test() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let lines = fs::read_to_string(root.join("../docs/rules.md")).unwrap();
    let mut tests = String::new();
    for entry in fs::read_dir(root.join("rules")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            tests += &fs::read_to_string(path).unwrap();
        }
    }
    for rule in RULES {
        assert!(
            lines.contains(&format!("| {rule} |")),
            "{rule} has a line in docs/rules.md"
        );
        let named = format!("fn {}_", rule.to_lowercase());
        assert!(tests.contains(&named), "{rule} has a test named after it");
    }
}
