//! Shards and their registry keep every promise of the contract together.

use tenancy_conformance::suite;

use crate::databases::tested;
use crate::listed::Listed;
use crate::shards::Shards;

// What is left out goes straight to a shard, and is held on shards in memory (`tests/memory.rs`). To a database, a
// server of its own makes no difference but time. `-- --ignored` runs them all, as `.ci/run` does.
mod four_databases {
    use super::*;
    suite!(
        harness = Shards::default(),
        run = tested,
        without = [keys, values, log, standing, verify],
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

// The lists, from an index in the registry's database. What else there is goes straight to the shards.
mod lists_told_of_each_commit {
    use super::*;
    suite!(
        harness = Listed::told_of_each_commit(),
        run = tested,
        without = [
            promise_1,
            promise_2,
            promise_3,
            keys,
            values,
            log,
            standing,
            verify,
            round_trips
        ]
    );
}

// They lag: three workers at the shards' outboxes are all that feeds them.
mod lists_fed_by_outboxes {
    use super::*;
    suite!(
        harness = Listed::fed_by_outboxes(),
        run = tested,
        without = [
            promise_1,
            promise_2,
            promise_3,
            keys,
            values,
            log,
            standing,
            verify,
            round_trips,
            tamper
        ]
    );
}
