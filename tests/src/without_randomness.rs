//! A test that runs itself a second time, where the operating system gives no randomness from some moment on: with a
//! `getrandom` of its own (`without_randomness.c`) before libc's.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Names the file after whose creation there is none.
const ONCE: &str = "TENANCY_NO_RANDOMNESS_ONCE";

/// In the second run, what makes randomness go away: call it when all is prepared. `None` in the first run, after the
/// second one, which must have passed.
///
/// `test` is this test's name, from its crate down.
///
/// # Panics
///
/// The second run failed, or there is no C compiler, with which Rust links.
#[must_use]
pub fn second_run(test: &str) -> Option<impl FnOnce() + use<>> {
    if let Some(once) = env::var_os(ONCE) {
        return Some(move || fs::write(once, "").expect("a file can be written"));
    }
    let folder = env::temp_dir().join(format!("tenancy-no-randomness-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    let [source, library, once] =
        ["getrandom.c", "getrandom.so", "once"].map(|name| folder.join(name));
    fs::write(&source, include_str!("without_randomness.c")).expect("a file can be written");
    compile(&source, &library);
    let ran = Command::new(env::current_exe().expect("a test is a program"))
        .args([test, "--exact", "--nocapture"])
        .env("LD_PRELOAD", &library)
        .env(ONCE, &once)
        .output()
        .expect("a test runs");
    fs::remove_dir_all(&folder).expect("a folder can be removed");
    let said = String::from_utf8_lossy(&ran.stdout);
    let passed = ran.status.success() && said.contains("1 passed");
    assert!(passed, "{said}{}", String::from_utf8_lossy(&ran.stderr));
    None
}

fn compile(source: &PathBuf, library: &PathBuf) {
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .args([library, source])
        .status();
    assert!(
        compiled.is_ok_and(|status| status.success()),
        "`cc` compiles"
    );
}
