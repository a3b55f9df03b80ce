//! An organization moves between databases while it is used, with all that is kept of it.

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sqlx::Row as _;
use tenancy::commands::{InviteToOrganization, RenameOrganization};
use tenancy::store::{Directory as _, Item, List, Movable as _, Outcome, Repository as _};
use tenancy::{Error, Name, OrganizationRole, Tenancy, Version};
use tenancy_conformance::Harness as _;

use crate::databases::tested;
use crate::names::{are_settled, domain, organization_on};
use crate::shards::{Shards, Store, ann};

/// Every row of an organization but where it is closed, as PostgreSQL prints it.
async fn rows(store: &Store, shard: &str, id: tenancy::OrganizationId) -> Vec<String> {
    let tables = [
        "organizations",
        "members",
        "workspaces",
        "workspace_members",
        "domains",
        "retired_domain_names",
        "invitations",
        "former_members",
        "claims",
        "commits",
        "outbox",
        "parked_entries",
    ];
    let shard = store.shards().iter().find(|known| known.name() == shard);
    let pool = shard.unwrap().store().pool();
    let mut rows = Vec::new();
    for table in tables {
        let column = if table == "organizations" {
            "id"
        } else {
            "organization_id"
        };
        let text = format!("SELECT t::text FROM tenancy.{table} t WHERE {column} = $1 ORDER BY 1");
        let found = sqlx::query(sqlx::AssertSqlSafe(text)).bind(id.as_uuid());
        for row in found.fetch_all(pool).await.unwrap() {
            rows.push(format!("{table} {}", row.get::<String, _>(0)));
        }
    }
    rows
}

#[test]
fn every_row_comes_as_it_was_and_goes_where_it_was() {
    tested(async {
        let harness = Shards::default();
        let store = harness.fresh().await;
        let stale = harness.another(&store).await;
        let acme = organization_on(&store, "a").await;
        let tenancy = Tenancy::new(&store);
        let invite = InviteToOrganization {
            organization: acme.0,
            email: "o'neil+{}@bücher.example".parse().unwrap(),
            role: OrganizationRole::Member,
        };
        tenancy.execute(&ann(), invite).await.unwrap();
        tenancy
            .execute(&ann(), domain(acme, "a-domain"))
            .await
            .unwrap();
        let rename = |name: &str| RenameOrganization {
            organization: acme.0,
            name: Name::new(name).unwrap(),
        };
        tenancy
            .execute(&ann(), rename("Acme \u{1F600} \"é\" \\u0041"))
            .await
            .unwrap();
        // Two entries are delivered already.
        let outbox = store.shards()[0].store().outbox();
        let two = NonZeroU32::new(2).unwrap();
        let delivered = outbox
            .deliver(two, async |_| Ok::<(), std::io::Error>(()))
            .await;
        assert_eq!(delivered.unwrap().delivered, 2);

        let before = rows(&store, "a", acme.0).await;
        assert!(before.len() > 10, "{before:?}");
        store.move_to(acme.0, "b").await.unwrap();
        assert_eq!(rows(&store, "b", acme.0).await, before);
        // Where it was there is the place of a first entry, which is taken.
        assert_eq!(rows(&store, "a", acme.0).await.len(), 1);
        let all = List::AllOrganizations { after: None };
        for shard in [0, 2] {
            let listed = store.shards()[shard].store().list(&all, two).await.unwrap();
            assert_eq!(listed, []);
        }
        let log = List::Log {
            organization: acme.0,
            after: Version::ABSENT,
        };
        let log = stale.list(&log, NonZeroU32::MAX).await.unwrap();
        assert_eq!(log.len(), 4);
        are_settled(&store, &[acme.0]).await;
        // The rest is delivered from there, and nothing twice.
        let outbox = store.shards()[1].store().outbox();
        let many = NonZeroU32::new(100).unwrap();
        let delivered = outbox
            .deliver(many, async |_| Ok::<(), std::io::Error>(()))
            .await;
        assert_eq!(delivered.unwrap().delivered, 2);
        Tenancy::new(stale)
            .execute(&ann(), rename("Acme"))
            .await
            .unwrap();
        store.move_to(acme.0, "a").await.unwrap();
        tenancy.execute(&ann(), rename("Acme again")).await.unwrap();
        are_settled(&store, &[acme.0]).await;
    });
}

#[test]
fn a_closed_organization_takes_no_commit_and_shows_nothing_of_it() {
    tested(async {
        let store = Shards::default().fresh().await;
        let acme = organization_on(&store, "a").await;
        let shard = store.shards()[0].store();
        let log = List::Log {
            organization: acme.0,
            after: Version::ABSENT,
        };
        let (tenancy, actor) = (Tenancy::new(&store), ann());
        let decided = tenancy.prepare(&actor, domain(acme, "a-domain")).await;
        let commit = decided.unwrap().commit.unwrap();
        assert!(shard.close(acme.0, 7).await.unwrap());
        assert!(!shard.close(acme.0, 6).await.unwrap());
        assert_eq!(shard.commit(&commit).await.unwrap(), Outcome::Conflict);
        let in_steps = tenancy_postgres::PostgresRepository::in_steps(shard.pool().clone());
        assert_eq!(in_steps.commit(&commit).await.unwrap(), Outcome::Conflict);
        assert_eq!(shard.list(&log, NonZeroU32::MAX).await.unwrap().len(), 1);
        assert!(shard.load(acme.0, &[]).await.unwrap().is_some());
        let moved = shard.pack(acme.0).await.unwrap().unwrap();
        for by in [0, 6] {
            assert!(!shard.unpack(acme.0, by, &moved).await.unwrap());
            assert!(!shard.erase(acme.0, by).await.unwrap());
            assert!(!shard.open(acme.0, by).await.unwrap());
        }
        assert!(shard.open(acme.0, 7).await.unwrap());
        assert!(!shard.unpack(acme.0, 8, &moved).await.unwrap()); // it is open
        assert!(!shard.erase(acme.0, 8).await.unwrap());
        assert_eq!(shard.commit(&commit).await.unwrap(), Outcome::Committed);
        assert!(shard.verify(acme.0).await.is_ok());
    });
}

async fn moves_under_eight_writers(moves: usize) {
    let harness = Shards::default();
    let store = harness.fresh().await;
    let acme = organization_on(&store, "a").await;
    let acknowledged = Arc::new(Mutex::new(Vec::new()));
    let enough = Arc::new(AtomicBool::new(false));
    let mut writers = Vec::new();
    for writer in 0..8 {
        let tenancy = Tenancy::new(harness.another(&store).await).with_sleep(tokio::time::sleep);
        let (acknowledged, enough) = (Arc::clone(&acknowledged), Arc::clone(&enough));
        writers.push(tokio::spawn(async move {
            let mut number = 0;
            while !enough.load(Ordering::SeqCst) {
                number += 1;
                let rename = RenameOrganization {
                    organization: acme.0,
                    name: Name::new(&format!("Acme {writer}-{number}")).unwrap(),
                };
                match tenancy.execute(&ann(), rename).await {
                    Ok(done) => {
                        let made = (done.token.version, done.commit);
                        acknowledged.lock().unwrap().push(made);
                    }
                    Err(Error::Contended { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        }));
    }
    let count = || acknowledged.lock().unwrap().len();
    for to in ["b", "c", "a"].into_iter().cycle().take(moves) {
        let before = count();
        store.move_to(acme.0, to).await.unwrap();
        while count() <= before {
            assert!(!writers.iter().any(tokio::task::JoinHandle::is_finished));
            tokio::task::yield_now().await; // they go on in the new home
        }
    }
    enough.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    let log = List::Log {
        organization: acme.0,
        after: Version::ABSENT,
    };
    let log = store.list(&log, NonZeroU32::MAX).await.unwrap();
    let acknowledged = acknowledged.lock().unwrap().clone();
    assert_eq!(log.len(), acknowledged.len() + 1); // its founding
    for (version, id) in &acknowledged {
        let Item::LogEntry(entry) = &log[usize::try_from(version.get()).unwrap() - 1] else {
            panic!("no entry of version {version}");
        };
        assert_eq!((entry.version, entry.id), (*version, *id));
    }
    are_settled(&store, &[acme.0]).await;
    let lists = List::AllOrganizations { after: None };
    let listed = store.list(&lists, NonZeroU32::MAX).await.unwrap();
    assert_eq!(listed.len(), 1);
}

#[test]
fn an_organization_moves_under_eight_writers() {
    tested(moves_under_eight_writers(6));
}

#[test]
#[ignore = "the same for a minute"]
fn an_organization_moves_to_and_fro_under_eight_writers() {
    tested(moves_under_eight_writers(150));
}
