//! The outbox on three nodes: at least once, in order, with workers on any of them; and what the file's outbox promises
//! besides, through leader and follower.

use core::convert::Infallible;
use core::num::NonZeroU32;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;
use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use hiqlite::Row;
use tenancy::commands::{CreateDomain, CreateOrganization, CreatedOrganization};
use tenancy::store::Directory;
use tenancy::{
    Actor, DomainKind, DomainName, LogEntry, Name, OrganizationId, Tenancy, UserId, VerifiedEmail,
    Version,
};
use tenancy_hiqlite::{Depth, HiqliteRepository, hiqlite};
use tokio::runtime::Handle;
use tokio::task::block_in_place;

use crate::nodes::RUNTIME;
use crate::suite::{COUNTED, Cluster, Harness as _};

/// A cluster to be used by one test. Each turn has another node for its first.
pub(crate) struct World {
    pub(crate) nodes: [HiqliteRepository; 3],
    /// Which gets the nodes back.
    pub(crate) cluster: Cluster,
}

impl World {
    pub(crate) async fn new() -> Self {
        let cluster = Cluster::through_the_leader();
        let leader = cluster.fresh().await;
        let second = cluster.another(&leader).await;
        let third = cluster.another(&second).await;
        Self {
            nodes: [leader, second, third],
            cluster,
        }
    }

    /// First through the leader, then through a follower.
    fn turns(&self) -> impl Iterator<Item = [HiqliteRepository; 3]> {
        (0..2).map(|turn| {
            let mut nodes = self.nodes.clone();
            nodes.rotate_left(turn);
            nodes
        })
    }
}

/// Waits until each node has everything: what polls find is in their own copies.
pub(crate) async fn know(nodes: &[HiqliteRepository]) {
    for node in nodes {
        node.outbox().depth().await.unwrap();
    }
}

/// Somebody who doesn't use the library writes, and each node has it.
async fn change(nodes: &[HiqliteRepository], sql: &str) -> usize {
    let steps = [sql, COUNTED].map(|sql| (sql.to_owned(), Vec::new()));
    let changed = nodes[0].client().txn(steps).await.unwrap();
    know(nodes).await;
    changed.into_iter().next().unwrap().unwrap()
}

pub(crate) async fn due_now(nodes: &[HiqliteRepository]) {
    change(nodes, "UPDATE tenancy_outbox SET due = 0").await;
}

struct Text(String);

impl From<&mut Row<'_>> for Text {
    fn from(row: &mut Row<'_>) -> Self {
        Self(row.get("text"))
    }
}

/// What waits, as the leader has it.
pub(crate) async fn rows(node: &HiqliteRepository) -> Vec<String> {
    let all =
        "SELECT json_array(first, due, hex(worker), attempts, error) AS text FROM tenancy_outbox";
    let all = node
        .client()
        .query_consistent_map::<Text, _>(all, Vec::new());
    all.await.unwrap().into_iter().map(|text| text.0).collect()
}

pub(crate) fn limit(limit: u32) -> NonZeroU32 {
    NonZeroU32::new(limit).unwrap()
}

fn ann() -> Actor {
    let ann = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
    Actor::user(UserId::from_external("ann"), ann)
}

/// Acme, made by Ann, with so many domains: its versions are 1 and so many more.
pub(crate) async fn acme<R: Directory + Clone + 'static>(
    store: &R,
    domains: u32,
) -> CreatedOrganization {
    let name = Name::new("Acme").unwrap();
    let tenancy = Tenancy::new(store.clone());
    let acme = tenancy.execute(&ann(), CreateOrganization { name }).await;
    let acme = acme.unwrap().output;
    for _ in 0..domains {
        domain(store, acme).await;
    }
    acme
}

pub(crate) async fn domain<R: Directory + Clone + 'static>(store: &R, acme: CreatedOrganization) {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let called = format!("acme-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    let create = CreateDomain {
        organization: acme.organization,
        workspace: acme.workspace,
        name: DomainName::new(&called).unwrap(),
        kind: DomainKind::Sandbox,
    };
    let tenancy = Tenancy::new(store.clone());
    tenancy.execute(&ann(), create).await.unwrap();
}

pub(crate) type Seen = Vec<(OrganizationId, u64)>;

/// What a worker tells that delivered everything that there is.
pub(crate) async fn deliver_all(node: &HiqliteRepository) -> Seen {
    let mut seen = Seen::new();
    let outbox = node.outbox();
    outbox.depth().await.unwrap(); // so that its copy has everything
    let delivery = outbox.deliver(limit(1000), |entry| {
        seen.push((entry.organization, entry.version.get()));
        Ok::<_, Infallible>(())
    });
    assert_eq!(delivery.await.unwrap().delivered as usize, seen.len());
    seen
}

#[test]
fn everything_is_delivered_once_and_in_order() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let (one, two) = (acme(&nodes[0], 1).await, acme(&nodes[1], 1).await);
            let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for node in nodes.iter().cycle() {
                let outbox = node.outbox();
                outbox.depth().await.unwrap();
                let delivery = outbox.deliver(limit(3), |entry| {
                    let versions = seen.entry(entry.organization).or_default();
                    versions.push(entry.version.get());
                    Ok::<_, Infallible>(())
                });
                let delivery = delivery.await.unwrap();
                assert!(delivery.delivered <= 3 && delivery.failed.is_empty());
                if delivery.delivered == 0 {
                    break;
                }
            }
            assert_eq!(seen.len(), 2);
            assert!(
                seen.values().all(|versions| versions == &[1, 2]),
                "{seen:?}"
            );
            for node in &nodes {
                assert_eq!(node.outbox().depth().await.unwrap(), Depth::default());
            }
            // What comes later is delivered later.
            domain(&nodes[0], two).await;
            know(&nodes).await;
            let batch = nodes[1].outbox().take(limit(10)).await.unwrap().unwrap();
            assert_eq!(batch.organization(), two.organization);
            assert_eq!(batch.entries().len(), 1);
            for node in &nodes {
                assert!(node.outbox().take(limit(10)).await.unwrap().is_none());
            }
            // Whichever node it is given back on.
            assert!(nodes[2].outbox().settle(batch, 1, None).await.unwrap());
            know(&nodes).await;
            for node in &nodes {
                assert!(node.outbox().take(limit(10)).await.unwrap().is_none());
            }
            assert_ne!(one.organization, two.organization);
        }
    });
}

#[test]
fn an_entry_that_fails_holds_up_its_organization_and_waits_twice_as_long_each_time() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let (bad, good) = (acme(&nodes[0], 1).await, acme(&nodes[0], 1).await);
            let (bad, long) = (bad.organization, "ü".repeat(600));
            let refuse = |entry: &LogEntry| match entry.organization {
                organization if organization == bad => Err(&long),
                _ => Ok(()),
            };
            for (attempts, pause) in [(1, 1000), (2, 2000), (3, 3600), (4, 3600)] {
                due_now(&nodes).await;
                let node = &nodes[attempts as usize % 3];
                let outbox = node.outbox().retry_after(Duration::from_secs(1000));
                let before = now();
                let delivery = outbox.deliver(limit(9), refuse).await.unwrap();
                let after = now();
                let goes_on = if attempts == 1 { 2 } else { 0 };
                assert_eq!((delivery.delivered, delivery.failed.len()), (goes_on, 1));
                let failing = nodes[0].outbox().failing(None, limit(9)).await.unwrap();
                let [failing] = &failing[..] else {
                    panic!("{failing:?}");
                };
                assert_eq!(
                    (failing.organization, failing.version, failing.attempts),
                    (bad, Version::new(1), attempts)
                );
                assert_eq!(failing.error, "ü".repeat(500));
                let (due, pause) = (failing.due.timestamp_millis(), pause * 1000);
                assert!((before + pause..=after + pause).contains(&due));
                // Not at once again, on no node.
                for node in &nodes {
                    assert_eq!(deliver_all(node).await, []);
                }
            }
            let depth = nodes[1].outbox().depth().await.unwrap();
            let counted = (depth.organizations, depth.entries, depth.failing);
            assert_eq!(counted, (1, 2, 1));
            assert!(depth.oldest_due.unwrap().timestamp_millis() > now());
            // When its time has come, from where it failed.
            due_now(&nodes).await;
            assert_eq!(deliver_all(&nodes[2]).await, [(bad, 1), (bad, 2)]);
            assert_eq!(nodes[0].outbox().failing(None, limit(9)).await.unwrap(), []);
            assert_ne!(bad, good.organization);
        }
    });
}

/// The time, in milliseconds.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    since.as_millis().try_into().unwrap()
}

#[test]
fn a_worker_that_ends_loses_nothing() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let acme = acme(&nodes[0], 1).await.organization;
            let [one, two, three] = nodes.each_ref().map(HiqliteRepository::outbox);
            let lost = one.clone().lease(Duration::ZERO).take(limit(1)).await;
            let lost = lost.unwrap().unwrap();
            let first = (lost.entries()[0].version, lost.attempts());
            assert_eq!(first, (Version::new(1), 1));
            drop(lost);
            know(&nodes).await;
            let again = two.take(limit(10)).await.unwrap().unwrap();
            // That it was handed out is counted, whatever became of who had it.
            assert_eq!((again.entries().len(), again.attempts()), (2, 2));
            know(&nodes).await;
            assert!(three.take(limit(10)).await.unwrap().is_none());
            // Given back untried, it comes again later.
            assert!(two.settle(again, 0, None).await.unwrap());
            assert!(two.take(limit(10)).await.unwrap().is_none());
            due_now(&nodes).await;
            let again = three.take(limit(10)).await.unwrap().unwrap();
            assert_eq!(again.attempts(), 2);
            // What comes after something that was delivered begins anew.
            assert!(three.settle(again, 1, None).await.unwrap());
            due_now(&nodes).await;
            let rest = one.take(limit(10)).await.unwrap().unwrap();
            let rest_is = (
                rest.organization(),
                rest.entries()[0].version,
                rest.attempts(),
            );
            assert_eq!(rest_is, (acme, Version::new(2), 1));
            assert!(one.settle(rest, 1, None).await.unwrap());
        }
    });
}

/// What a late worker says changes nothing: neither what it delivered, nor why it failed.
#[test]
fn a_late_workers_mark_changes_nothing() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let acme = acme(&nodes[0], 1).await.organization;
            let [one, two, _] = nodes.each_ref().map(HiqliteRepository::outbox);
            let expires = one.clone().lease(Duration::ZERO);
            for (delivered, error) in [(2, None), (1, Some("too late")), (1, None), (0, None)] {
                let late = expires.take(limit(9)).await.unwrap().unwrap();
                know(&nodes).await;
                let other = two.take(limit(9)).await.unwrap().unwrap();
                assert!(!one.holds(&late).await.unwrap());
                assert!(two.holds(&other).await.unwrap());
                let before = rows(&nodes[0]).await;
                assert!(!one.settle(late, delivered, error).await.unwrap());
                assert_eq!(rows(&nodes[0]).await, before);
                assert!(two.holds(&other).await.unwrap());
                assert!(two.settle(other, 0, None).await.unwrap());
                due_now(&nodes).await;
            }
            // Nobody else came: then it is still its own, however late.
            let late = expires.take(limit(9)).await.unwrap().unwrap();
            assert!(!one.holds(&late).await.unwrap());
            assert!(one.settle(late, 1, None).await.unwrap());
            due_now(&nodes).await;
            assert_eq!(deliver_all(&nodes[1]).await, [(acme, 2)]);
            assert!(rows(&nodes[0]).await.is_empty());
        }
    });
}

#[test]
fn a_slow_worker_hands_over_nothing_after_another_one_began() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let acme = acme(&nodes[0], 2).await.organization;
            let [one, two, _] = nodes.each_ref().map(HiqliteRepository::outbox);
            let (mut seen, mut others) = (Vec::new(), None);
            one.depth().await.unwrap();
            let slow = one.deliver(limit(3), |entry| {
                seen.push(entry.version.get());
                // No lock is held: the lease is over, by the clock of the other one, which takes it.
                others = block_in_place(|| {
                    Handle::current().block_on(async {
                        due_now(&nodes).await;
                        two.take(limit(2)).await.unwrap()
                    })
                });
                Ok::<_, Infallible>(())
            });
            assert_eq!(slow.await.unwrap().delivered, 1);
            let others = others.unwrap();
            assert_eq!((seen, others.entries().len()), (vec![1], 2));
            assert!(two.holds(&others).await.unwrap());
            assert!(two.settle(others, 2, None).await.unwrap());
            assert_eq!(deliver_all(&nodes[2]).await, [(acme, 3)]);
        }
    });
}

#[test]
fn an_entry_that_cannot_be_read_holds_up_nothing_but_itself() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let (bad, good) = (acme(&nodes[0], 3).await, acme(&nodes[0], 1).await);
            let (bad_id, good) = (bad.organization, good.organization);
            let hex = bad_id.as_uuid().simple();
            let break_it = format!(
                "UPDATE tenancy_commits SET entry = '{{\"v\": 9 \"' || entry \
                WHERE organization_id = x'{hex}' AND version IN (2, 4)"
            );
            assert_eq!(change(&nodes, &break_it).await, 2);
            let outbox = nodes[1].outbox();
            let mut seen: BTreeMap<_, Vec<_>> = BTreeMap::new();
            let delivery = outbox.deliver(limit(100), |entry| {
                let versions = seen.entry(entry.organization).or_default();
                versions.push(entry.version.get());
                Ok::<_, Infallible>(())
            });
            let delivery = delivery.await.unwrap();
            assert_eq!((delivery.delivered, delivery.parked), (4, 2));
            let due = BTreeMap::from([(bad_id, vec![1, 3]), (good, vec![1, 2])]);
            assert_eq!(seen, due);
            assert!(rows(&nodes[0]).await.is_empty());

            // It is counted and shown, with the reason.
            let outbox = nodes[2].outbox();
            let depth = outbox.depth().await.unwrap();
            assert_eq!((depth.parked, depth.organizations), (2, 0));
            let parked = outbox.parked(None, limit(9)).await.unwrap();
            let versions: Vec<_> = parked.iter().map(|entry| entry.version.get()).collect();
            assert_eq!(versions, [2, 4]);
            let why =
                format!("a row of `tenancy_commits`: {bad_id}, 2 has an unreadable `entry`: ");
            assert!(parked[0].why.starts_with(&why), "{}", parked[0].why);
            let after = Some((bad_id, Version::new(2)));
            let rest = outbox.parked(after, limit(9)).await.unwrap();
            assert_eq!(rest, parked[1..]);

            // What comes later is delivered, and so is what was repaired, by itself.
            domain(&nodes[0], bad).await;
            let repair = format!(
                "UPDATE tenancy_commits SET entry = substr(entry, 10) \
                WHERE organization_id = x'{hex}' AND version = 2"
            );
            assert_eq!(change(&nodes, &repair).await, 1);
            assert!(outbox.release(bad_id, Version::new(2)).await.unwrap());
            assert!(!outbox.release(bad_id, Version::new(2)).await.unwrap());
            let parked = outbox.parked(None, limit(1)).await.unwrap();
            assert!(parked[0].released && !parked[0].skipped);
            assert_eq!(deliver_all(&nodes[0]).await, [(bad_id, 2), (bad_id, 5)]);

            // What still can't be read stays parked, however often it is released.
            assert!(outbox.release(bad_id, Version::new(4)).await.unwrap());
            assert_eq!(deliver_all(&nodes[1]).await, []);
            let parked = outbox.parked(None, limit(9)).await.unwrap();
            assert_eq!(parked.len(), 1);
            assert!(!parked[0].released && rows(&nodes[0]).await.is_empty());
            assert!(outbox.skip(bad_id, Version::new(4), "ops").await.unwrap());
            change(&nodes, "DELETE FROM tenancy_outbox_parked").await;
        }
    });
}

#[test]
fn what_holds_up_too_long_can_be_parked_and_released() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let acme = acme(&nodes[0], 2).await;
            let (id, two) = (acme.organization, Version::new(2));
            let [here, there, _] = nodes.each_ref().map(HiqliteRepository::outbox);
            let refuse = |entry: &LogEntry| match entry.version.get() {
                2 => Err("no such mailbox"),
                _ => Ok(()),
            };
            here.depth().await.unwrap();
            let delivery = here.deliver(limit(9), refuse).await.unwrap();
            assert_eq!((delivery.delivered, delivery.failed.len()), (1, 1));
            // The rest goes on, at once, whichever node it was said on.
            assert!(there.park(id, two, "ops: after the fair").await.unwrap());
            assert_eq!(here.failing(None, limit(9)).await.unwrap(), []);
            assert_eq!(deliver_all(&nodes[2]).await, [(id, 3)]);
            let parked = here.parked(None, limit(9)).await.unwrap();
            let first = (parked[0].version, &*parked[0].why);
            assert_eq!(first, (two, "ops: after the fair"));
            // Released, it comes by itself; and if it fails again, it is parked again, and holds up nothing.
            domain(&nodes[0], acme).await;
            assert!(there.release(id, two).await.unwrap());
            know(&nodes).await;
            let batch = here.take(limit(9)).await.unwrap().unwrap();
            assert_eq!(
                (batch.entries().len(), batch.entries()[0].version),
                (1, two)
            );
            assert!(here.settle(batch, 0, Some("still none")).await.unwrap());
            let parked = there.parked(None, limit(9)).await.unwrap();
            assert_eq!((&*parked[0].why, parked[0].released), ("still none", false));
            assert_eq!(deliver_all(&nodes[1]).await, [(id, 4)]);
            // A worker that ends with it leaves it parked: it may be what ends workers.
            assert!(there.release(id, two).await.unwrap());
            drop(there.take(limit(9)).await.unwrap().unwrap());
            due_now(&nodes).await;
            assert_eq!(deliver_all(&nodes[0]).await, []);
            assert_eq!(here.parked(None, limit(9)).await.unwrap().len(), 1);
            assert!(here.release(id, two).await.unwrap());
            assert_eq!(deliver_all(&nodes[1]).await, [(id, 2)]);
            assert_eq!(here.parked(None, limit(9)).await.unwrap(), []);
            assert!(rows(&nodes[0]).await.is_empty());
        }
    });
}

/// Parking and skipping, on another node, take the organization from a worker whose batch has the entry.
#[test]
fn what_is_parked_or_skipped_under_a_workers_hands_is_not_handed_over() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let id = acme(&nodes[0], 2).await.organization;
            let [here, there, _] = nodes.each_ref().map(HiqliteRepository::outbox);
            let [one, two, three] = [1, 2, 3].map(Version::new);
            let mut seen = Vec::new();
            here.depth().await.unwrap();
            let delivery = here.deliver(limit(9), |entry| {
                seen.push(entry.version);
                block_in_place(|| {
                    Handle::current().block_on(async {
                        assert!(there.skip(id, two, "ops: never mind").await.unwrap());
                        assert!(there.park(id, three, "ops: wait").await.unwrap());
                    });
                });
                Ok::<_, Infallible>(())
            });
            assert_eq!(delivery.await.unwrap().delivered, 1);
            assert_eq!(seen, [one]);
            assert_eq!(deliver_all(&nodes[2]).await, []); // the first may still be in that worker's hands
            due_now(&nodes).await;
            assert_eq!(deliver_all(&nodes[2]).await, [(id, 1)]); // it was not marked: at least once
            assert!(here.release(id, three).await.unwrap());
            assert_eq!(deliver_all(&nodes[1]).await, [(id, 3)]);
            let parked = there.parked(None, limit(9)).await.unwrap();
            let left: Vec<_> = parked
                .iter()
                .map(|entry| (entry.version, entry.skipped))
                .collect();
            assert_eq!(left, [(two, true)]);
            // What was delivered, was skipped or doesn't exist can be neither parked, skipped nor released.
            for version in [one, two, three, Version::new(4), Version::ABSENT] {
                assert!(!there.park(id, version, "").await.unwrap());
                assert!(!there.skip(id, version, "").await.unwrap());
                assert!(!there.release(id, version).await.unwrap());
            }
            let depth = here.depth().await.unwrap();
            assert_eq!((depth.parked, depth.skipped), (0, 1));
            change(&nodes, "DELETE FROM tenancy_outbox_parked").await;
        }
    });
}

#[test]
fn a_clock_that_was_set_back_holds_nothing_up() {
    RUNTIME.block_on(async {
        let world = World::new().await;
        for nodes in world.turns() {
            let id = acme(&nodes[0], 0).await.organization;
            let far = "UPDATE tenancy_outbox SET due = 4102444800000, worker = x'00'";
            assert_eq!(change(&nodes, far).await, 1);
            assert_eq!(deliver_all(&nodes[0]).await, [(id, 1)]);
        }
    });
}
