//! Shards and their registry keep every promise of the contract together.

use tenancy_conformance::suite;

use crate::databases::tested;
use crate::shards::Shards;

mod four_databases {
    use super::*;
    suite!(harness = Shards::default(), run = tested);
}

// To a database, a server of its own makes no difference but time. `-- --ignored` runs them, as `.ci/run` does.
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
