//! The outbox where several nodes want the same, and where machines are lost: and from a file to three nodes and back.

use core::convert::Infallible;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use tenancy::{OrganizationId, Version};
use tenancy_hiqlite::{Batch, HiqliteRepository};
use tenancy_sqlite::SqliteRepository;
use tenancy_sqlite::rusqlite::Connection;
use tokio::task::JoinSet;

use crate::faults::Machines;
use crate::nodes::RUNTIME;
use crate::outbox::{Seen, World, acme, deliver_all, domain, due_now, know, limit, rows};

const MINUTE: Duration = Duration::from_mins(1);

/// A node that is behind says nothing of what it has: it isn't waited here for any node.
#[test]
fn what_one_node_was_told_is_so_on_the_others() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        let [one, two, three] = world.nodes.each_ref().map(HiqliteRepository::outbox);
        for _ in 0..10 {
            let id = acme(&world.nodes[0], 0).await.organization;
            let first = Version::new(1);
            assert!(two.park(id, first, "wait").await.unwrap());
            assert!(three.release(id, first).await.unwrap());
            assert!(one.skip(id, first, "never mind").await.unwrap());
            assert!(!two.park(id, first, "wait").await.unwrap());
            assert!(!three.release(id, first).await.unwrap());
        }
        assert_eq!(two.depth().await.unwrap().skipped, 10);
    });
}

/// One organization is one worker's, on whichever nodes they ask at once.
#[test]
fn of_nine_workers_on_three_nodes_one_gets_each_organization() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for _ in 0..3 {
            for node in &world.nodes[..2] {
                acme(node, 1).await;
            }
            know(&world.nodes).await;
            let mut workers = JoinSet::new();
            for worker in 0..9 {
                let node = world.nodes[worker % 3].clone();
                workers.spawn(async move { node.outbox().take(limit(9)).await.unwrap() });
            }
            let taken: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
            let organizations: BTreeSet<_> = taken.iter().map(Batch::organization).collect();
            assert_eq!((taken.len(), organizations.len()), (2, 2));
            for batch in taken {
                assert_eq!((batch.entries().len(), batch.attempts()), (2, 1));
                assert!(
                    world.nodes[0]
                        .outbox()
                        .settle(batch, 2, None)
                        .await
                        .unwrap()
                );
            }
            assert!(rows(&world.nodes[0]).await.is_empty());
        }
    });
}

/// The state of a cluster that nobody uses.
#[test]
fn a_poll_that_finds_nothing_writes_nothing() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        let acme = acme(&world.nodes[0], 1).await;
        know(&world.nodes).await;
        // One organization is in a worker's hands, and not due.
        let batch = world.nodes[1]
            .outbox()
            .take(limit(1))
            .await
            .unwrap()
            .unwrap();
        know(&world.nodes).await;
        let log = async || {
            let metrics = world.nodes[0].client().metrics_db().await.unwrap();
            metrics.last_log_index
        };
        let before = log().await;
        for node in &world.nodes {
            for _ in 0..100 {
                assert!(node.outbox().take(limit(9)).await.unwrap().is_none());
            }
        }
        assert_eq!(log().await, before);
        assert!(
            world.nodes[1]
                .outbox()
                .settle(batch, 1, None)
                .await
                .unwrap()
        );
        assert_eq!(
            log().await,
            before.map(|index| index + 1),
            "and this is seen"
        );
        due_now(&world.nodes).await;
        assert_eq!(deliver_all(&world.nodes[2]).await, [(acme.organization, 2)]);
    });
}

#[test]
fn workers_on_two_nodes_keep_the_order() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        let [writes, one, two] = &world.nodes;
        let mut organizations = Vec::new();
        for _ in 0..4 {
            organizations.push(acme(writes, 3).await);
        }
        let seen: Arc<Mutex<BTreeMap<OrganizationId, Vec<u64>>>> = Arc::default();
        let mut workers = JoinSet::new();
        for node in [one, two] {
            let (node, seen) = (node.clone(), Arc::clone(&seen));
            workers.spawn(async move {
                let all = || seen.lock().unwrap().values().map(Vec::len).sum::<usize>();
                while all() < 4 * 6 {
                    let outbox = node.outbox();
                    let delivery = outbox.deliver(limit(4), |entry| {
                        let mut seen = seen.lock().unwrap();
                        let versions = seen.entry(entry.organization).or_default();
                        versions.push(entry.version.get());
                        Ok::<_, Infallible>(())
                    });
                    if delivery.await.unwrap().delivered == 0 {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            });
        }
        for _ in 0..2 {
            for organization in &organizations {
                domain(writes, *organization).await;
            }
        }
        tokio::time::timeout(5 * MINUTE, workers.join_all())
            .await
            .unwrap();
        // The lease is longer than this takes: each once, too.
        let seen = core::mem::take(&mut *seen.lock().unwrap());
        assert_eq!(seen.len(), 4);
        assert!(
            seen.values()
                .all(|versions| *versions == [1, 2, 3, 4, 5, 6]),
            "{seen:?}"
        );
        assert!(rows(writes).await.is_empty());
    });
}

/// What a file's workers tell that delivered up to so many.
async fn deliver_from(file: &SqliteRepository, many: u32) -> Seen {
    let mut seen = Seen::new();
    let outbox = file.outbox();
    let delivery = outbox.deliver(limit(many), |entry| {
        seen.push((entry.organization, entry.version.get()));
        Ok::<_, Infallible>(())
    });
    assert!(delivery.await.unwrap().failed.is_empty());
    seen
}

#[test]
fn a_half_delivered_outbox_goes_on_from_a_file_to_a_cluster_and_back() {
    RUNTIME.block_on(async {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tenancy.db");
        let file = SqliteRepository::open(&path).unwrap();
        let one = acme(&file, 2).await.organization;
        assert_eq!(deliver_from(&file, 2).await, [(one, 1), (one, 2)]);
        let two = acme(&file, 3).await.organization;
        assert!(file.outbox().park(two, Version::new(2), "ops: wait").await.unwrap());
        // Longer than this test takes, on any machine.
        let patient = file.outbox().lease(60 * MINUTE).retry_after(60 * MINUTE);
        let failed = patient.take(limit(1)).await.unwrap().unwrap();
        assert_eq!((failed.organization(), failed.entries()[0].version), (one, Version::new(3)));
        assert!(patient.settle(failed, 0, Some("down")).await.unwrap());
        // A worker of the file's has an organization when the file is closed.
        let lost = patient.take(limit(9)).await.unwrap().unwrap();
        assert_eq!((lost.organization(), lost.entries().len()), (two, 3));
        let of_file = file.outbox();
        let depth = of_file.depth().await.unwrap();
        let failing = of_file.failing(None, limit(9)).await.unwrap();
        let parked = of_file.parked(None, limit(9)).await.unwrap();
        assert_eq!((depth.entries, failing.len(), parked.len()), (5, 1, 1));
        drop(file);

        let world = World::new().await;
        let nodes_of = world.nodes.clone();
        nodes_of[1].import(&path).await.unwrap();
        for node in &nodes_of {
            let outbox = node.outbox();
            assert_eq!(outbox.depth().await.unwrap(), depth);
            assert_eq!(outbox.failing(None, limit(9)).await.unwrap(), failing);
            assert_eq!(outbox.parked(None, limit(9)).await.unwrap(), parked);
            // Both wait: one after it failed, one for a worker that is gone.
            assert!(outbox.take(limit(9)).await.unwrap().is_none());
        }
        due_now(&nodes_of).await;
        let [outbox, ..] = nodes_of.each_ref().map(HiqliteRepository::outbox);
        for (organization, version, attempts) in [(one, 3, 2), (two, 1, 2)] {
            let batch = outbox.take(limit(1)).await.unwrap().unwrap();
            let taken = (batch.organization(), batch.entries()[0].version, batch.attempts());
            assert_eq!(taken, (organization, Version::new(version), attempts));
            let delivered = u32::from(organization == two);
            assert!(outbox.settle(batch, delivered, None).await.unwrap());
        }
        assert!(outbox.release(two, Version::new(2)).await.unwrap());

        // And back, half delivered again.
        know(&nodes_of).await;
        let depth = outbox.depth().await.unwrap();
        let back = folder.path().join("back.db");
        let copy = Connection::open(world.cluster.copy().await).unwrap();
        copy.execute("VACUUM INTO ?1", [back.to_str().unwrap()]).unwrap();
        let file = SqliteRepository::open(&back).unwrap();
        assert_eq!(file.outbox().depth().await.unwrap(), depth);
        let due = "UPDATE tenancy_outbox SET due = organization_id = (SELECT min(organization_id) FROM tenancy_outbox)";
        Connection::open(&back).unwrap().execute(due, ()).unwrap();
        let mut seen = deliver_from(&file, 100).await;
        seen.sort_by_key(|(organization, _)| *organization != one);
        assert_eq!(seen, [(one, 3), (two, 2), (two, 3), (two, 4)]);
        assert_eq!(file.outbox().depth().await.unwrap(), tenancy_sqlite::Depth::default());
    });
}

/// Three processes, each with a worker, under writers: everything that was acknowledged is handed out, each organization's in
/// order, whatever happens to the machines that hand it out. A leader is killed between take and settle: the lease of another
/// node's worker outlives it, and what its own had comes again. The next leader is frozen, and woken.
#[test]
fn what_was_acknowledged_is_delivered_whatever_happens_to_machines() {
    let mut machines = Machines::start();
    machines.work();
    machines.all_write();

    let leader = machines.leader();
    let follower = leader % 3 + 1;
    // One settles when there is a leader again; the other one never does.
    let taken = [(follower, "take 900"), (leader, "take 10")].map(|(id, take)| {
        let node = machines.node(id);
        node.tell(take);
        node.hear("taken");
        core::mem::take(&mut node.taken)
    });
    assert!(taken.iter().all(|taken| !taken.is_empty()));
    machines.kill(leader);
    let node = machines.node(follower);
    node.tell("settle");
    node.hear("settled true");
    machines.start_those([leader]);
    machines.all_write();

    let leader = machines.leader();
    machines.node(leader).signal("STOP");
    machines.others_write(leader);
    machines.node(leader).signal("CONT");
    machines.all_write();
    let deliveries = machines.end();
    let times = |taken: &(OrganizationId, u64)| {
        let all = deliveries.iter();
        all.filter(|(_, organization, version)| (*organization, *version) == *taken)
            .count()
    };
    let [settled, lost] = taken;
    assert!(
        settled.iter().all(|taken| times(taken) == 1),
        "what was settled"
    );
    assert!(lost.iter().all(|taken| times(taken) > 1), "what was not");
}
