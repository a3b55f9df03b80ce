//! The checks, by the part of the contract that they hold a store to.
//!
//! Each is a plain function over a [`Harness`](crate::Harness): call one by itself to look at a failure more
//! closely.

use crate::any::AnyHarness;
use crate::report::Check;

pub mod keys;
pub mod lists;
pub mod log;
pub mod promise_1;
pub mod promise_2;
pub mod promise_3;
pub mod standing;
pub mod values;
pub mod verify;

macro_rules! table {
    ({} $($category:ident { $($name:ident $(($need:ident))?: $clause:literal,)* })*) => {
        vec![$($(
            Check {
                category: stringify!($category),
                name: stringify!($name),
                clause: $clause,
                hold: |harness: &AnyHarness<'_>| Box::pin($category::$name(harness)),
            },
        )*)*]
    };
}

/// Every check of the suite, in order, for runners that want to go through them themselves.
#[must_use]
pub fn checks() -> Vec<Check> {
    crate::__checks!([table] {})
}
