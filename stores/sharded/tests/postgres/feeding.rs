//! The index in PostgreSQL is fed: by workers that are killed, while organizations move, by many at once; and past what
//! can't be read.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tenancy::commands::{
    InviteToOrganization, InviteToWorkspace, RenameOrganization, RevokeInvitation,
};
use tenancy::store::{Directory as _, Fed, Item, List, Place, RecordId};
use tenancy::{
    Error, Name, OrganizationId, OrganizationRole, Tenancy, UserId, Version, WorkspaceId,
    WorkspaceRole,
};
use tenancy_conformance::{Garbled, Harness as _, Tampering};
use tenancy_sharded::{Feed, Lists, PostgresLists, WithLists};

use crate::contract;
use crate::databases::{runtime, stranger, tested};
use crate::listed::{Listed, ListedStore, are_empty, works};
use crate::names::{domain, organization_on};
use crate::pages::{Alike, agree};
use crate::shards::{Store, ann};

type Home = (OrganizationId, WorkspaceId);

fn rename(home: Home, name: &str) -> RenameOrganization {
    RenameOrganization {
        organization: home.0,
        name: Name::new(name).unwrap(),
    }
}

fn guest(number: usize) -> String {
    format!("guest-{}@x.example", number % 4)
}

/// The index says what the shards say.
async fn is_right(index: &ListedStore) {
    let guests: Vec<_> = (0..4).map(guest).collect();
    let mut addresses: Vec<&str> = guests.iter().map(String::as_str).collect();
    addresses.push("ann@acme.example");
    let users = [UserId::from_external("ann")];
    let asked = (&users[..], &addresses[..], &["", "acme", "acme 1"][..]);
    let compared = agree((index.store(), index), asked, Alike::Exactly).await;
    assert!(compared.items > 0);
}

#[test]
fn an_index_in_postgres_keeps_the_contract() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        contract::is_kept(harness.fresh().await.lists().clone()).await;
    });
}

/// Renames, invites and takes back until there is enough.
async fn writes(store: Store, homes: Vec<Home>, writer: usize, enough: Arc<AtomicBool>) -> usize {
    let (tenancy, ann) = (Tenancy::new(store).with_sleep(tokio::time::sleep), ann());
    let (mut number, mut made) = (writer, 0);
    while !enough.load(Ordering::SeqCst) {
        number += 1;
        let home = homes[number % homes.len()];
        let renamed = tenancy
            .execute(&ann, rename(home, &format!("Acme {number}")))
            .await;
        let invite = InviteToWorkspace {
            organization: home.0,
            workspace: home.1,
            email: guest(number).parse().unwrap(),
            role: WorkspaceRole::Reader,
        };
        let invited = tenancy.execute(&ann, invite).await;
        let mut errors = vec![renamed.as_ref().err().map(ToString::to_string)];
        made += usize::from(renamed.is_ok()) + usize::from(invited.is_ok());
        if let (Ok(invited), 0) = (&invited, number % 3) {
            let revoke = RevokeInvitation {
                organization: home.0,
                invitation: invited.output.invitation,
            };
            let revoked = tenancy.execute(&ann, revoke).await;
            made += usize::from(revoked.is_ok());
            if let Err(Error::Store(error) | Error::Unknown { source: error, .. }) = revoked {
                errors.push(Some(error.to_string()));
            }
        }
        if let Err(Error::Store(error) | Error::Unknown { source: error, .. }) = invited {
            errors.push(Some(error.to_string()));
        }
        let lost = |error: &Option<String>| error.as_ref().is_some_and(|e| e.contains("failed"));
        assert!(!errors.iter().any(lost), "{errors:?}");
    }
    made
}

/// A worker for each shard, which is killed again and again in the middle of its work and starts anew, while eight
/// organizations are written and one of them moves. Nothing is missing in the end.
#[test]
fn workers_are_killed_and_an_organization_moves_and_nothing_is_missing() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        let index = harness.fresh().await;
        let mut homes = Vec::new();
        for shard in ["a", "b", "c", "a", "b", "c", "a", "b"] {
            homes.push(organization_on(index.store(), shard).await);
        }
        let enough = Arc::new(AtomicBool::new(false));
        let mut writers = Vec::new();
        for writer in 0..4 {
            let store = harness.shards.another(index.store()).await;
            let (homes, enough) = (homes.clone(), Arc::clone(&enough));
            writers.push(runtime().spawn(writes(store, homes, writer, enough)));
        }
        let workers = [
            harness.another(&index).await,
            harness.another(&index).await,
            harness.another(&index).await,
        ];
        let started = AtomicUsize::new(0);
        let start = |shard: usize| {
            started.fetch_add(1, Ordering::SeqCst);
            runtime().spawn(works(workers[shard].clone(), shard))
        };
        let mut at_work = [start(0), start(1), start(2)];
        for turn in 0..30 {
            // As long as it takes to write something: it ends somewhere else each time.
            let home = ["b", "c", "a"][turn % 3];
            index.store().move_to(homes[0].0, home).await.unwrap();
            let shard = turn % 3;
            at_work[shard].abort();
            let ended = (&mut at_work[shard]).await;
            assert!(ended.unwrap_err().is_cancelled());
            at_work[shard] = start(shard);
        }
        enough.store(true, Ordering::SeqCst);
        let mut made = 0;
        for writer in writers {
            made += writer.await.unwrap();
        }
        assert!(made > 50, "{made}");
        assert_eq!(started.into_inner(), 33);
        // What was taken by who was killed is handed out again when the lease is over.
        are_empty(index.store()).await;
        is_right(&index).await;
        for worker in at_work {
            worker.abort();
        }
    });
}

/// Those who commit tell the index, others catch up and fill in at the same time: one index.
#[test]
fn many_feed_one_organization_at_once() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        let index = harness.fresh().await;
        let home = organization_on(index.store(), "a").await;
        let enough = Arc::new(AtomicBool::new(false));
        let mut feeders = Vec::new();
        for feeder in 0..4 {
            let (index, enough) = (harness.another(&index).await, Arc::clone(&enough));
            feeders.push(runtime().spawn(async move {
                let mut applied = 0;
                while !enough.load(Ordering::SeqCst) {
                    let fed = if feeder == 0 {
                        index.fill(home.0).await.unwrap()
                    } else {
                        index.catch_up(home.0).await.unwrap()
                    };
                    applied += usize::from(fed == Fed::Applied);
                }
                applied
            }));
        }
        let own = harness.another(&index).await;
        let tenancy = Tenancy::new(&own);
        for number in 0..40 {
            tenancy
                .execute(&ann(), rename(home, &format!("Acme {number}")))
                .await
                .unwrap();
            let invite = InviteToOrganization {
                organization: home.0,
                email: guest(number).parse().unwrap(),
                role: OrganizationRole::Member,
            };
            let invited = tenancy.execute(&ann(), invite).await;
            if number % 10 == 0 {
                // It is in the lists when it returns, whoever was first.
                is_right(&index).await;
            }
            if let (Ok(invited), 0) = (invited, number % 2) {
                let invitation = invited.output.invitation;
                let organization = home.0;
                let revoke = RevokeInvitation {
                    organization,
                    invitation,
                };
                tenancy.execute(&ann(), revoke).await.unwrap();
            }
        }
        enough.store(true, Ordering::SeqCst);
        let mut applied = 0;
        for feeder in feeders {
            applied += feeder.await.unwrap();
        }
        assert!(applied > 5, "{applied}");
        is_right(&index).await;
    });
}

/// A member, a workspace and an entry of the log that can't be read on their shard.
#[test]
fn what_can_not_be_read_holds_up_nothing_but_itself() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        let index = harness.fresh().await;
        let index =
            WithLists::new(index.store().clone(), index.lists().clone()).left_to_the_outbox();
        let home = organization_on(index.store(), "a").await;
        let organization = home.0;
        let tenancy = Tenancy::new(&index);
        let shard = index.store().shards()[0].store();
        let garble = async |garbled| {
            let tampering = Tampering::Garble {
                organization,
                garbled,
            };
            assert!(stranger::tamper(shard.pool(), &tampering).await);
        };

        let many = NonZeroU32::new(100).unwrap();
        let delivers = async || {
            let delivery = index.deliver(shard.outbox(), many).await.unwrap();
            assert!(delivery.failed.is_empty());
            (delivery.delivered, delivery.parked)
        };
        assert_eq!(delivers().await, (1, 0));

        // The outbox parks the entry, and of the next one lists show nothing: the organization is filled in.
        let invite = InviteToWorkspace {
            organization,
            workspace: home.1,
            email: guest(0).parse().unwrap(),
            role: WorkspaceRole::Reader,
        };
        let invited = tenancy.execute(&ann(), invite).await.unwrap();
        let domain = domain(home, "a-domain");
        tenancy.execute(&ann(), domain).await.unwrap();
        garble(Garbled::LogEntry(Version::new(2))).await;
        assert_eq!(delivers().await, (1, 1));
        is_right(&index).await;

        let user = UserId::from_external("ann");
        garble(Garbled::Record(RecordId::Member(user))).await;
        garble(Garbled::Record(RecordId::Workspace(home.1))).await;
        assert_eq!(index.fill(organization).await.unwrap(), Fed::Applied);
        let mine = List::OrganizationsOf { user, after: None };
        let theirs = List::InvitationsTo {
            email: invited.output.email.key().clone(),
            after: None,
        };
        let there = Place::Organization(organization);
        let open = Place::InvitationOf(organization, invited.output.invitation);
        for (list, place) in [(mine, there), (theirs, open)] {
            let merged = index.store().list(&list, many).await.unwrap();
            let listed = index.list(&list, many).await.unwrap();
            assert_eq!(listed, [Item::Unreadable(place)]);
            assert_eq!(listed, merged);
        }
    });
}

/// What a worker can't write stays in the outbox, and goes into the index later.
#[test]
fn what_the_index_does_not_take_is_delivered_again() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        let index = harness.fresh().await;
        let home = organization_on(index.store(), "a").await;
        let tenancy = Tenancy::new(index.store());
        let renamed = tenancy.execute(&ann(), rename(home, "Acme 1")).await;
        assert_eq!(renamed.unwrap().token.version, Version::new(2));
        let gone = harness.shards.another(index.store()).await;
        let away = WithLists::new(
            index.store().clone(),
            PostgresLists::new(gone.registry().pool().clone()),
        );
        gone.registry().pool().close().await;
        let outbox = || {
            let outbox = index.store().shards()[0].store().outbox();
            outbox.retry_after(Duration::ZERO)
        };
        let one = NonZeroU32::MIN;
        let delivery = away.deliver(outbox(), one).await.unwrap();
        assert_eq!((delivery.delivered, delivery.parked), (0, 0));
        let [(entry, error)] = &delivery.failed[..] else {
            panic!("{delivery:?}");
        };
        assert_eq!(entry.version, Version::new(1));
        assert_eq!(error.to_string(), "the index of lists failed");
        let many = NonZeroU32::new(10).unwrap();
        let delivery = index.deliver(outbox(), many).await.unwrap();
        assert_eq!((delivery.delivered, delivery.failed.len()), (2, 0));
        is_right(&index).await;
    });
}

/// An index at which somebody else is always faster.
struct Contended(PostgresLists);

impl Lists for Contended {
    type Error = tenancy_postgres::Error;

    async fn version(&self, organization: OrganizationId) -> Result<Version, Self::Error> {
        self.0.version(organization).await
    }

    async fn feed(&self, _: &Feed) -> Result<bool, Self::Error> {
        Ok(false)
    }

    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Self::Error> {
        self.0.list(list, limit).await
    }
}

#[test]
fn what_others_were_always_faster_with_is_delivered_again() {
    tested(async {
        let harness = Listed::told_of_each_commit();
        let index = harness.fresh().await;
        organization_on(index.store(), "a").await;
        let contended = Contended(index.lists().clone());
        let contended = WithLists::new(index.store().clone(), contended);
        let outbox = || {
            let outbox = index.store().shards()[0].store().outbox();
            outbox.retry_after(Duration::ZERO)
        };
        let one = NonZeroU32::MIN;
        let delivery = contended.deliver(outbox(), one).await.unwrap();
        assert_eq!((delivery.delivered, delivery.failed.len()), (0, 0));
        let delivery = index.deliver(outbox(), one).await.unwrap();
        assert_eq!((delivery.delivered, delivery.failed.len()), (1, 0));
        is_right(&index).await;
    });
}
