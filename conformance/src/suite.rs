//! The suite's table of contents, and the macro that makes one `#[test]` of each line.

/// Makes one `#[test]` of every check, so that what fails has a name.
///
/// ```
/// use tenancy::MemoryRepository;
/// use tenancy_conformance::{Harness, suite};
///
/// struct Memory;
///
/// impl Harness for Memory {
///     type Repository = MemoryRepository;
///
///     async fn fresh(&self) -> MemoryRepository {
///         MemoryRepository::new()
///     }
///
///     async fn another(&self, same: &MemoryRepository) -> MemoryRepository {
///         same.clone()
///     }
/// }
///
/// # mod memory {
/// # use super::Memory;
/// # use tenancy_conformance::suite;
/// suite!(harness = Memory);
/// # }
/// # fn main() {}
/// ```
///
/// - `harness`: an expression, evaluated anew for each test, inside the future that is run: it may
///   `.await`.
/// - `run`: what drives a future to its end, [`tenancy::now`] if nothing else is said. A store that lives
///   on a runtime says `run = |test| runtime().block_on(test)`, and gives tasks to the same runtime in
///   [`Harness::spawn`](crate::Harness::spawn).
/// - `without = [lists, log]`: categories to leave out. Their tests show as ignored.
///
/// Once in a module: the tests' names are those of the checks.
#[macro_export]
macro_rules! suite {
    (harness = $harness:expr $(, without = [$($without:ident),* $(,)?])? $(,)?) => {
        $crate::suite!(harness = $harness, run = $crate::__now $(, without = [$($without),*])?);
    };
    (harness = $harness:expr, run = $run:expr $(, without = [$($without:ident),* $(,)?])? $(,)?) => {
        $($($crate::__category!($without);)*)?
        $crate::__checks!([$crate::__tests] { ($harness) ($run) [$($($without)*)?] });
    };
}

/// Refuses a category that doesn't exist.
#[doc(hidden)]
#[macro_export]
macro_rules! __category {
    (promise_1) => {};
    (promise_2) => {};
    (promise_3) => {};
    (keys) => {};
    (lists) => {};
    (values) => {};
    (log) => {};
    (standing) => {};
    ($other:ident) => {
        compile_error!(concat!(
            "there is no category `",
            stringify!($other),
            "` to leave out"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ({ $harness:tt $run:tt $without:tt } $($category:ident { $($checks:tt)* })*) => {
        $($crate::__tests_of!($category $without $harness $run { $($checks)* });)*
    };
}

/// The tests of one category, ignored if it is one of those that are left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests_of {
    (promise_1 [promise_1 $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(promise_1 $($all)*); };
    (promise_2 [promise_2 $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(promise_2 $($all)*); };
    (promise_3 [promise_3 $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(promise_3 $($all)*); };
    (keys [keys $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(keys $($all)*); };
    (lists [lists $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(lists $($all)*); };
    (values [values $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(values $($all)*); };
    (log [log $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(log $($all)*); };
    (standing [standing $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(standing $($all)*); };
    ($category:ident [$first:ident $($rest:ident)*] $($all:tt)*) => {
        $crate::__tests_of!($category [$($rest)*] $($all)*);
    };
    ($category:ident [] ($harness:expr) ($run:expr) { $($name:ident: $clause:literal,)* }) => {$(
        #[test]
        fn $name() -> ::core::result::Result<(), $crate::Failure> {
            ($run)(async {
                let harness = $harness;
                let check = $crate::checks::$category::$name(&harness);
                $crate::hold(&harness, $clause, check).await
            })
        }
    )*};
}

#[doc(hidden)]
#[macro_export]
macro_rules! __left_out {
    ($category:ident ($harness:expr) ($run:expr) { $($name:ident: $clause:literal,)* }) => {$(
        #[test]
        #[ignore = "left out of the suite"]
        fn $name() -> ::core::result::Result<(), $crate::Failure> {
            ($run)(async {
                let harness = $harness;
                let check = $crate::checks::$category::$name(&harness);
                $crate::hold(&harness, $clause, check).await
            })
        }
    )*};
}

/// Every check, by category, with the clause of the contract that it is about. The clauses are the
/// contract's own words; a test compares them.
#[doc(hidden)]
#[macro_export]
macro_rules! __checks {
    ([$($then:tt)*] $arguments:tt) => {
        $($then)*! { $arguments
            promise_1 {
                promise_1_what_does_not_exist_is_absent: "`None` if the organization doesn't exist.",
                promise_1_versions_rise_by_one: "Each organization has a [`Version`]: 0 while it doesn't exist, one more after every commit.",
                promise_1_a_commit_applies_everything: "the store applies the new organization, every change, the log entry and its events together",
                promise_1_a_conflict_changes_nothing: "Otherwise it changes nothing at all.",
                promise_1_an_organization_is_created_once: "0: the organization must not exist yet.",
                promise_1_a_version_of_the_future_conflicts: "If, and only if, the organization's version is [`Commit::expected`]",
                promise_1_puts_replace_and_deletes_remove: "Insert the record, or replace the one with its id as a whole.",
                promise_1_commits_are_visible_to_every_handle: "applied, durable, and visible to every later `load`.",
                promise_1_two_handles_lose_no_update: "Compare and write in one statement or behind one lock that all handles share.",
                promise_1_racers_have_one_winner: "Somebody else was first. Nothing was applied: load and decide again.",
                promise_1_racers_to_create_have_one_winner: "Compare and write in one statement or behind one lock that all handles share.",
                promise_1_every_order_of_two_writers: "If a commit succeeds, nothing was written since its version was read",
                promise_1_every_order_of_three_writers: "each fact is exactly the state at the commit",
                promise_1_fifty_writers_all_finish: "The commits of one organization are totally ordered, each decided on its predecessor",
                promise_1_a_storm_leaves_what_its_log_says: "The commits of one organization are totally ordered, each decided on its predecessor",
                promise_1_a_dropped_commit_happened_or_did_not: "If the future is dropped, the commit happened or it didn't; it is never half done",
                promise_1_dropped_reads_leave_the_handle_whole: "its connection must not go back to a pool with a transaction open",
                promise_1_a_reopened_store_has_every_commit: "applied, durable, and visible to every later `load`.",
            }
        }
    };
}
