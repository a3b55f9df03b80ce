//! What the types must prevent: each file in `tests/compile_fail/` must not compile, for the reason that
//! stands beside it.

#[test]
fn forged_proofs_do_not_compile() {
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
