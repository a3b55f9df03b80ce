//! No panic without randomness: nobody is given a lease, and everything else goes on.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
#![expect(
    clippy::expect_used,
    unreachable_pub,
    reason = "tests say what they expect by panicking"
)]

#[path = "../../../tests/src/without_randomness.rs"]
mod without_randomness;
mod world;

use std::convert::Infallible;

use tenancy::*;
use tenancy_sqlite::Error;
use without_randomness::second_run;
use world::*;

#[test]
fn nothing_panics_without_randomness() {
    let Some(randomness_goes) = second_run("nothing_panics_without_randomness") else {
        return;
    };
    let worlds = [quick(), threaded()].map(|options| {
        let place = Disk::new(options);
        let tenancy = place.tenancy();
        let acme = acme(&tenancy);
        (place, tenancy, acme, CommitId::new())
    });
    randomness_goes();
    for (place, tenancy, acme, id) in worlds {
        let before = dump(&place);
        let outbox = tenancy.repository().outbox();
        for _ in 0..3 {
            let taken = block_on(outbox.take(limit(9))).map(|batch| batch.is_some());
            assert!(matches!(taken, Err(Error::Entropy(_))), "{taken:?}");
        }
        let delivered = block_on(outbox.deliver(limit(9), |_| Ok::<_, Infallible>(())));
        let delivered = delivered.map(|delivery| delivery.delivered);
        assert!(matches!(delivered, Err(Error::Entropy(_))), "{delivered:?}");
        assert_eq!(dump(&place), before, "no attempt was counted");
        assert_eq!(block_on(outbox.depth()).unwrap().entries, 1);
        let name = name("Globex");
        let rename = commands::RenameOrganization {
            organization: acme.organization,
            name,
        };
        let renamed = block_on(tenancy.execute(&actor("ann"), rename.clone()));
        assert!(matches!(renamed, Err(tenancy::Error::Entropy(_))));
        block_on(tenancy.execute_as(id, &actor("ann"), rename)).unwrap();
        assert!(place.open().path().exists(), "another handle opens");
    }
}
