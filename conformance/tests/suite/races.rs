//! The known races, on the store in memory: 20 rounds, 200 with `TENANCY_DEEP=1`, or as many as `TENANCY_ROUNDS` says.

use std::env;

use tenancy_conformance::{Failure, races};

use crate::Memory;

#[test]
fn known_races_break_no_rule() -> Result<(), Failure> {
    let usual = if env::var_os("TENANCY_DEEP").is_some() {
        200
    } else {
        20
    };
    let said = env::var("TENANCY_ROUNDS").ok();
    let rounds = said.and_then(|rounds| rounds.parse().ok());
    tenancy::block_on(races(&Memory::Whole, rounds.unwrap_or(usual), 64))
}
