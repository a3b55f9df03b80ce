//! The suite, tested: stores that are each wrong in one way, and all of them are found out.

mod broken;

use std::path::Path;
use std::{env, fs};

use broken::matrix::{Matrix, RACING};
use broken::store::Sound;

/// The checks that kill no broken store, and why they are kept.
const KEPT: &[(&str, &str)] = &[];

/// What all of them are made of is right: they die of their flaw, and of nothing else.
#[test]
fn without_a_flaw_every_check_holds() {
    let report = broken::report(broken::fresh::<Sound>);
    assert!(report.is_conformant(), "{report}");
    let names: Vec<_> = report.results.iter().map(|result| result.name).collect();
    for racing in RACING {
        assert!(names.contains(&racing), "there is no check `{racing}`");
    }
}

/// By every check, with `TENANCY_DEEP=1`: that takes minutes. By a sample of what the matrix says otherwise.
#[test]
fn every_broken_store_is_killed_by_what_the_matrix_says() {
    let stores = broken::all();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let count = format!("{} that are each wrong in one place", stores.len());
    assert!(readme.contains(&count), "README.md doesn't say “{count}”");
    let file = root.join("kill-matrix.md");
    let written = fs::read_to_string(&file).unwrap_or_default();
    let blesses = env::var_os("TENANCY_BLESS").is_some();
    let deep = blesses || env::var_os("TENANCY_DEEP").is_some();
    let matrix = if deep {
        Matrix::of(stores)
    } else {
        Matrix::read(stores, &written)
    };
    let text = matrix.text(KEPT);
    if blesses {
        fs::write(&file, &text).unwrap();
    }
    let mut complaints = matrix.complaints();
    if !deep {
        complaints.extend(matrix.sampled());
    }
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    assert!(!text.contains("NOBODY SAYS WHY"), "{text}");
    if blesses {
        return;
    }
    for (number, (written, found)) in (1..).zip(written.lines().zip(text.lines())) {
        assert_eq!(found, written, "line {number} of kill-matrix.md");
    }
    assert_eq!(text, written, "kill-matrix.md");
}
