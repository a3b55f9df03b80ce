//! The store keeps every promise of the contract, on a real etcd.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tenancy::commands::CreateOrganization;
use tenancy::store::{Change, Commit, MemoryRepository, Outcome, RecordId, Repository as _};
use tenancy::{Actor, CommitId, Name, OrganizationId, Tenancy, UserId, VerifiedEmail, block_on};
use tenancy_clusters::Etcd;
use tenancy_conformance::{Failure, Harness, suite};
use tenancy_etcd_example::{Error, EtcdRepository};

/// One etcd for all tests, which takes the suite's largest commits: thousands of records.
static ETCD: LazyLock<Option<Etcd>> =
    LazyLock::new(|| Etcd::start_with(&["--max-txn-ops=20000", "--max-request-bytes=16000000"]));

/// A test that finds none says so and holds nothing.
fn tested(test: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    if ETCD.is_some() { test() } else { Ok(()) }
}

/// A prefix for each store, on one etcd.
struct Prefixes;

fn open(prefix: &str) -> EtcdRepository {
    EtcdRepository::new(&ETCD.as_ref().unwrap().url(), prefix)
}

impl Harness for Prefixes {
    type Repository = EtcdRepository;

    async fn fresh(&self) -> EtcdRepository {
        static STORES: AtomicU32 = AtomicU32::new(0);
        let number = STORES.fetch_add(1, Ordering::Relaxed);
        open(&format!("store-{number}"))
    }

    async fn another(&self, same: &EtcdRepository) -> EtcdRepository {
        open(same.prefix())
    }

    async fn reopen(&self, store: EtcdRepository) -> Option<EtcdRepository> {
        Some(open(store.prefix()))
    }

    async fn verify(
        &self,
        store: &EtcdRepository,
        organization: OrganizationId,
    ) -> Option<Result<(), String>> {
        let verified = store.verify(organization).unwrap();
        Some(verified.map_err(|found| found.to_string()))
    }
}

mod on_etcd {
    use super::*;
    // A check of a domain takes two requests, as the second depends on the first; nothing is kept that could be misfiled.
    // Keys and lists take longer than all others together: `-- --ignored keys lists --skip cannot_be_read` runs them, as
    // `.ci/run` does.
    suite!(
        harness = Prefixes,
        run = |test| tested(|| tenancy::block_on(test)),
        without = [round_trips, tamper, keys, lists],
    );
}

/// An etcd as it comes takes 128 operations in a transaction. More are refused, nothing of them is written, and the
/// caller needn't ask what became of them.
#[test]
fn a_commit_that_is_too_large_is_refused_whole() {
    let Some(etcd) = Etcd::start() else {
        return;
    };
    let store = EtcdRepository::new(&etcd.url(), "small");
    let creation = creation();
    assert_eq!(
        block_on(store.commit(&creation)).unwrap(),
        Outcome::Committed
    );
    let organization = creation.organization();
    let mut large = creation.clone();
    large.expected = creation.next.version;
    large.next.version = large.expected.next();
    large.entry.version = large.next.version;
    large.entry.id = CommitId::new();
    let former = |_| {
        let user = UserId::new();
        Change::Delete(RecordId::FormerMember(user, None))
    };
    large.changes = (0..200).map(former).collect();
    let error = block_on(store.commit(&large)).unwrap_err();
    assert!(
        matches!(
            error,
            Error::TooLarge {
                operations: 204,
                ..
            }
        ),
        "{error}"
    );
    assert!(store.wrote_nothing(&error));
    let facts = block_on(store.load(organization, &[])).unwrap().unwrap();
    assert_eq!(facts.organization, creation.next);
    large.changes.truncate(124);
    assert_eq!(block_on(store.commit(&large)).unwrap(), Outcome::Committed);
}

fn creation() -> Commit {
    let ann = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
    let ann = Actor::user(UserId::from_external("ann"), ann);
    let tenancy = Tenancy::new(MemoryRepository::new());
    let name = Name::new("Acme").unwrap();
    block_on(tenancy.prepare(&ann, CreateOrganization { name }))
        .unwrap()
        .commit
        .unwrap()
}
