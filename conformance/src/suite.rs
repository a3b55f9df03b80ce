//! The suite's table of contents, and the macro that makes one `#[test]` of each line.

/// Makes one `#[test]` of every check, so that what fails has a name.
///
/// ```
/// use tenancy::store::MemoryRepository;
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
/// suite!(harness = Memory, without = [reopen, round_trips, verify, tamper]);
/// # }
/// # fn main() {}
/// ```
///
/// - `harness`: an expression, evaluated anew for each test, inside the future that is run: it may
///   `.await`.
/// - `run`: what drives a future to its end, [`tenancy::block_on`] if nothing else is said. A store that lives
///   on a runtime says `run = |test| runtime().block_on(test)`, and gives tasks to the same runtime in
///   [`Harness::spawn`](crate::Harness::spawn).
/// - `without = [log, reopen]`: categories to leave out (`promise_1`, `promise_2`, `promise_3`, `keys`, `lists`,
///   `values`, `log`, `standing`, `verify`), and methods that the harness doesn't write (`reopen`, `round_trips`,
///   `tamper`). The tests show as ignored. A check that needs a method which is neither written nor named here
///   fails: it was not run, and nobody said so.
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

/// Refuses what can't be left out, because there is no such thing.
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
    (verify) => {};
    (reopen) => {};
    (round_trips) => {};
    (tamper) => {};
    ($other:ident) => {
        compile_error!(concat!(
            "there is neither a category `",
            stringify!($other),
            "` to leave out nor a method of that name to do without"
        ));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    ({ $harness:tt $run:tt $without:tt } $($category:ident { $($checks:tt)* })*) => {
        $($crate::__tests_of!($category $without $without $harness $run { $($checks)* });)*
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
    (verify [verify $($rest:ident)*] $($all:tt)*) => { $crate::__left_out!(verify $($all)*); };
    ($category:ident [$first:ident $($rest:ident)*] $($all:tt)*) => {
        $crate::__tests_of!($category [$($rest)*] $($all)*);
    };
    ($category:ident [] $without:tt $harness:tt $run:tt {
        $($name:ident $(($need:ident))?: $clause:literal,)*
    }) => {
        $($crate::__test!([$($need)?] $without [$category $name $harness $run $clause]);)*
    };
}

/// The tests of a category that is left out.
#[doc(hidden)]
#[macro_export]
macro_rules! __left_out {
    ($category:ident $without:tt $harness:tt $run:tt {
        $($name:ident $(($need:ident))?: $clause:literal,)*
    }) => {
        $($crate::__one!(#[ignore = "left out of the suite"] [$category $name $harness $run $clause]);)*
    };
}

/// One test, ignored if it needs a method that the harness is said to be without.
#[doc(hidden)]
#[macro_export]
macro_rules! __test {
    ([reopen] [reopen $($rest:ident)*] $check:tt) => {
        $crate::__one!(#[ignore = "not run: the harness has no `reopen`"] $check);
    };
    ([round_trips] [round_trips $($rest:ident)*] $check:tt) => {
        $crate::__one!(#[ignore = "not run: the harness has no `round_trips`"] $check);
    };
    ([tamper] [tamper $($rest:ident)*] $check:tt) => {
        $crate::__one!(#[ignore = "not run: the harness has no `tamper`"] $check);
    };
    ($need:tt [$first:ident $($rest:ident)*] $check:tt) => {
        $crate::__test!($need [$($rest)*] $check);
    };
    ($need:tt [] $check:tt) => {
        $crate::__one!($check);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __one {
    ($(#[$ignore:meta])? [$category:ident $name:ident ($harness:expr) ($run:expr) $clause:literal]) => {
        #[test]
        $(#[$ignore])?
        fn $name() -> ::core::result::Result<(), $crate::Failure> {
            // Boxed, so that what drives it is compiled once and not once a test.
            let test: $crate::__Test = ::std::boxed::Box::pin(async {
                let harness = $harness;
                $crate::hold(::core::stringify!($name), &harness).await
            });
            ($run)(test)
        }
    };
}

/// Every check, by category, with the method that the harness must have for it, if any, and the clause of the
/// contract that it is about. The clauses are the contract's own words; a test compares them.
#[doc(hidden)]
#[macro_export]
macro_rules! __checks {
    ([$($then:tt)*] $arguments:tt) => {
        $($then)*! { $arguments
            promise_1 {
                promise_1_what_does_not_exist_is_absent: "`None` if the organization doesn't exist.",
                promise_1_versions_rise_by_one: "Each organization has a [`Version`]: 0 while it doesn't exist, one more after every commit.",
                promise_1_a_commit_applies_everything: "the store applies the new organization, every change, the log entry and its events together",
                promise_1_large_commits_are_whole: "the store applies the new organization, every change, the log entry and its events together",
                promise_1_a_conflict_changes_nothing: "Otherwise it changes nothing at all.",
                promise_1_an_organization_is_created_once: "0: the organization must not exist yet.",
                promise_1_a_version_of_the_future_conflicts: "If, and only if, the organization's version is [`Commit::expected`]",
                promise_1_puts_replace_and_deletes_remove: "Insert the record, or replace the one with its id as a whole.",
                promise_1_former_members_come_and_go: "Somebody who departed.",
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
                promise_1_dropped_calls_use_nothing_up: "its connection must not go back to a pool with a transaction open",
                promise_1_a_reopened_store_has_every_commit(reopen): "applied, durable, and visible to every later `load`.",
            }
            promise_2 {
                promise_2_facts_follow_every_commit: "Every record that [`load`](Repository::load) returns, and every absence it implies, holds at the version that it returns or at a later one.",
                promise_2_no_read_is_torn: "It may not come from an earlier one.",
                promise_2_no_absence_is_torn: "A record that you don't return is taken to be absent.",
            }
            promise_3 {
                promise_3_taken_changes_nothing: "Somebody holds this claim already, another organization or this one. Nothing was applied.",
                promise_3_a_claim_keeps_others_out: "No two organizations ever hold the same [`Claim`].",
                promise_3_ones_own_claim_is_taken_too: "somebody holds a claim already, another organization or this one.",
                promise_3_a_released_claim_is_free: "Free the claim, which the organization holds.",
                promise_3_a_conflict_claims_nothing: "Somebody else was first. Nothing was applied",
                promise_3_racers_for_a_claim_have_one_winner: "Something that must be unique across all organizations, whose versions never meet.",
                promise_3_crossed_claims_do_not_deadlock: "or the database aborted the transaction for concurrency",
                promise_3_similar_claims_are_apart: "Keys and ids compare byte for byte",
            }
            keys {
                keys_path: "What a user holds on the path to a resource of this organization, and what of the path exists",
                keys_person: "All that goes when a member goes",
                keys_sent_to: "The [`Member`], and every open [`Invitation`] to the member's address.",
                keys_sent_by: "The open [`Invitation`]s whose inviter is this user; the [`Member`]s who have one of the invited addresses, and every other open [`Invitation`] to one of them.",
                keys_address: "The [`Member`]s with this address; if a workspace is named, their [`WorkspaceMember`]s in it; the open [`Invitation`]s to the address.",
                keys_invitation: "An [`Invitation`] in whatever state, and every open one to its address; the [`Workspace`] that it is to; of its inviter, of this user and of whoever has its address",
                keys_open_invitations: "The open [`Invitation`]s to this workspace; the [`Member`]s who have one of the invited addresses, and every other open [`Invitation`] to one of them. `None`: all open ones of the organization, and no more.",
                keys_workspace_named: "The [`Workspace`] with this name.",
                keys_domain_named: "The [`Domain`] with this name, or the [`RetiredDomainName`].",
                keys_former_members: "of this user also the [`FormerMember`] of the organization and of that workspace",
                keys_forget_what_was_replaced: "Insert the record, or replace the one with its id as a whole.",
                keys_any_together: "A key may bring no record, one, or several; [`Key`] says which.",
                keys_tenants_are_apart: "The key of a [`Record`] within its organization.",
                keys_serve_random_histories: "[`Facts::select`] is the reference of what each brings.",
            }
            lists {
                lists_members: "The members of an organization who hold one of `roles` (its organization roles), by user",
                lists_holders: "The members of an organization who hold one of these roles of its own, by user",
                lists_workspaces: "The workspaces of an organization, by id",
                lists_workspaces_of: "The workspaces in which a user holds a role, by workspace",
                lists_workspace_members: "The members of a workspace who hold one of `roles` (its workspace roles), by user",
                lists_domains: "The domains in a workspace, by id",
                lists_kept_names: "The names of deleted domains that an organization keeps (D2), by name",
                lists_invitations: "The open invitations to one workspace, or (`None`) to an organization and all its workspaces, by id",
                lists_organizations_of: "The organizations that a user is a member of, by organization",
                lists_invitations_to: "The open invitations to an address, by organization and invitation",
                lists_all_organizations: "Every organization, deleted ones too, by id",
                lists_organizations_named: "The organizations whose name begins so, deleted ones too, by the key of their name and by id",
                lists_organizations_with_member: "The organizations a member of which has this address, each once, by id",
                lists_claimed_by: "The organization that holds a claim",
                lists_are_in_the_order_of_bytes: "in ascending order of the key's bytes.",
                lists_items_are_of_one_kind: "[`List`] says what each is of",
                lists_largest_pages_come_whole: "a store that caps its pages must ask itself again until it has `limit`",
                lists_survive_changes_during_the_walk: "An item that is present during the whole walk appears exactly once, however much is inserted or deleted meanwhile.",
                lists_across_organizations_survive_changes: "An item that is present during the whole walk appears exactly once, however much is inserted or deleted meanwhile.",
                lists_go_on_past_what_cannot_be_read(tamper): "The list goes on past it, so that it holds up nothing but itself",
                lists_tenants_are_apart: "The key of a [`Record`] within its organization.",
            }
            values {
                values_names_compare_byte_for_byte: "Keys and ids compare byte for byte: no case folding, no trimming, no locale.",
                values_names_keep_their_writing: "Insert the record, or replace the one with its id as a whole.",
                values_addresses_are_kept_as_typed: "The library folds addresses and names before they reach the store.",
                values_domain_names_compare_byte_for_byte: "Keys and ids compare byte for byte: no case folding, no trimming, no locale.",
                values_times_keep_their_milliseconds: "Insert the record, or replace the one with its id as a whole.",
                values_times_outlive_changes: "Insert the record, or replace the one with its id as a whole.",
                values_optional_fields_come_and_go: "Insert the record, or replace the one with its id as a whole.",
                values_optional_parts_in_every_combination: "Insert the record, or replace the one with its id as a whole.",
                values_numbers_reach_their_ends: "The organization's new row",
                values_counts_are_kept: "The organization's new row",
                values_token_hashes_are_bytes: "Insert the record, or replace the one with its id as a whole.",
                values_every_variant_comes_back: "Insert the record, or replace the one with its id as a whole.",
                values_later_fields_are_kept(tamper): "What a later version of this crate keeps with it.",
                values_text_of_other_rules_is_kept(tamper): "Insert the record, or replace the one with its id as a whole.",
                values_members_with_addresses_of_other_rules(tamper): "Delete the record with this id.",
            }
            log {
                log_entries_are_what_was_committed: "What the log keeps: id, time, author, events.",
                log_commits_are_found_by_their_id: "The log entry of this commit, whichever organization it is of, in [`Facts::committed`]",
                log_ids_are_of_the_whole_deployment: "an id stands for one request in the whole deployment",
                log_keeps_the_request: "The digest of the whole request, by which a repetition is recognised",
                log_a_commit_made_again_is_not_made_twice: "the same id again means the same commit.",
                log_keeps_every_event_and_author: "What the log keeps: id, time, author, events.",
            }
            standing {
                standing_is_the_reference_everywhere: "[`OrganizationState::held`](crate::store::OrganizationState::held) is the reference.",
                standing_leaves_out_what_is_not_there: "A workspace or domain that isn't there leaves its field `None`.",
                standing_follows_every_commit: "it says which version it saw.",
                standing_tells_for_how_long_it_counts: "For how long that membership counts",
                standing_tells_what_roles_add: "What a role of the organization's own adds that they hold in the organization",
                standing_tells_the_status: "Whether the organization is in use.",
                standing_tenants_are_apart: "The key of a [`Record`] within its organization.",
                standing_is_one_snapshot: "in one round trip and of one snapshot",
                standing_is_one_round_trip(round_trips): "All that a permission check needs, in one round trip",
            }
            verify {
                verify_finds_nothing_wrong: "Checks that an organization, as a store keeps it, is what its log makes of it",
                verify_finds_what_the_log_does_not_make(tamper): "The records are not those that the log makes.",
                verify_finds_misfiled_records(tamper): "A record is kept under columns that are not its own",
                verify_finds_a_misfiled_organization(tamper): "The organization's own row is not the one that the log makes.",
                verify_finds_stray_claims(tamper): "The organization has a domain, or keeps the name of one, but doesn't hold the claim on that name.",
            }
        }
    };
}
