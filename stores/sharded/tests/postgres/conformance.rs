//! Shards and their registry keep every promise of the contract together.

use tenancy_conformance::{Verdict, checks, suite};

use crate::databases::tested;
use crate::listed::Listed;
use crate::shards::Shards;

// What is left out goes straight to a shard, or is merged from all, and is held on shards in memory (`tests/memory.rs`).
// To a database, a server of its own makes no difference but time. `-- --ignored` runs them all, as `.ci/run` does.
mod four_databases {
    use super::*;
    suite!(
        harness = Shards::default(),
        run = tested,
        without = [keys, lists, values, log, standing, verify],
    );
}

mod four_servers {
    use super::*;
    suite!(
        harness = Shards::on_four_servers(),
        run = tested,
        without = [
            promise_1,
            promise_2,
            promise_3,
            keys,
            lists,
            values,
            log,
            standing,
            verify,
            round_trips
        ]
    );
}

/// One test of each check that asks for lists across organizations. The others go straight to the shards.
macro_rules! checked {
    ($attributes:tt $harness:expr => $($check:ident,)+) => {
        $(checked!($attributes $harness, $check);)+
    };
    ([$($attribute:tt)*] $harness:expr, $check:ident) => {
        #[test]
        $($attribute)*
        fn $check() -> Verdict {
            tested(holds(stringify!($check), $harness))
        }
    };
}

async fn holds(name: &str, harness: Listed) -> Verdict {
    let check = checks().into_iter().find(|check| check.name == name);
    check.unwrap().hold(&harness).await
}

/// The lists from an index in the registry's database.
mod lists_told_of_each_commit {
    use super::*;
    checked! {
        [#[ignore = "deep: those that outboxes feed see less at once, and more go wrong"]]
        Listed::told_of_each_commit() =>
            lists_organizations_of,
            lists_invitations_to,
            lists_all_organizations,
            lists_organizations_named,
            lists_organizations_with_member,
            lists_are_in_the_order_of_bytes,
            lists_largest_pages_come_whole,
            lists_across_organizations_survive_changes,
            lists_go_on_past_what_cannot_be_read,
            lists_tenants_are_apart,
            values_every_variant_comes_back,
            values_addresses_are_kept_as_typed,
            values_names_keep_their_writing,
            promise_1_a_dropped_commit_happened_or_did_not,
            promise_1_a_storm_leaves_what_its_log_says,
    }
}

/// They lag: three workers at the shards' outboxes are all that feeds them.
mod lists_fed_by_outboxes {
    use super::*;
    checked! {
        []
        Listed::fed_by_outboxes() =>
            lists_organizations_of,
            lists_invitations_to,
            lists_organizations_named,
            lists_organizations_with_member,
            lists_across_organizations_survive_changes,
            lists_go_on_past_what_cannot_be_read,
            values_every_variant_comes_back,
            promise_1_a_dropped_commit_happened_or_did_not,
            promise_1_a_storm_leaves_what_its_log_says,
    }
}
