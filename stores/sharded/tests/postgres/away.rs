//! The registry's server stands still, or is gone, and comes back.

use std::time::Duration;

use sqlx::postgres::PgPoolOptions;
use tenancy::commands::RenameOrganization;
use tenancy::{Error, Name, Tenancy, WorkspaceAction};
use tenancy_clusters::Cluster;
use tenancy_conformance::Harness as _;
use tenancy_sharded::{PostgresRegistry, Sharded};
use tokio::time::timeout;

use crate::databases::tested;
use crate::names::{are_settled, domain, organization_on};
use crate::shards::{Shards, ann};

/// Checks and commits go on; commits that claim wait while the server stands still, fail where it is gone, and leave
/// nothing half done.
#[test]
#[ignore = "it kills a server"]
fn the_registry_is_gone_and_comes_back() {
    tested(async {
        let harness = Shards::default();
        let beside = harness.fresh().await;
        let server = Cluster::start(&[]).unwrap();
        let pool = PgPoolOptions::new()
            .acquire_timeout(Duration::from_millis(500))
            .connect(&server.url("postgres"))
            .await
            .unwrap();
        let registry = PostgresRegistry::new(pool);
        registry.migrate().await.unwrap();
        let shards = beside.shards().to_vec();
        let store = Sharded::open(shards, registry).await.unwrap();
        let acme = organization_on(&store, "a").await;
        let rival = organization_on(&store, "b").await;
        let tenancy = Tenancy::new(&store);
        tenancy
            .execute(&ann(), domain(acme, "before"))
            .await
            .unwrap();

        server.kill();
        for number in 0..10 {
            let rename = RenameOrganization {
                organization: acme.0,
                name: Name::new(&format!("Acme {number}")).unwrap(),
            };
            tenancy.execute(&ann(), rename).await.unwrap();
            let may = tenancy.check(&ann(), acme, WorkspaceAction::Rename).await;
            assert!(may.unwrap().is_allowed());
        }
        let mut unknown = 0;
        for owner in [acme, rival, acme, rival] {
            let actor = ann();
            let work = tenancy.execute(&actor, domain(owner, "wanted"));
            match timeout(Duration::from_secs(5), work).await {
                Ok(Err(Error::Store(_))) => {} // known not to be written
                Ok(Err(Error::Unknown { .. })) => unknown += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(unknown < 4);

        server.up();
        let won = tenancy.execute(&ann(), domain(rival, "wanted")).await;
        let lost = tenancy.execute(&ann(), domain(acme, "wanted")).await;
        assert!(won.is_ok() != lost.is_ok(), "{won:?} {lost:?}");
        are_settled(&store, &[acme.0, rival.0]).await;
    });
}
