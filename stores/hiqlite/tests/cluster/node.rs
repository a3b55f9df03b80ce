//! What a node refuses.

use hiqlite::LogSync;
use tenancy::commands::CreateOrganization;
use tenancy::store::{Change, MemoryRepository, Outcome, RecordId, Repository as _};
use tenancy::{Actor, CommitId, Name, Tenancy, UserId, VerifiedEmail};
use tenancy_hiqlite::{Error, HiqliteRepository, hiqlite};

use crate::nodes::{Nodes, RUNTIME, config};

#[test]
fn a_log_that_acknowledges_before_the_disk_has_it_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for wal_sync in [LogSync::ImmediateAsync, LogSync::IntervalMillis(200)] {
        let mut config = config(1, &[], "127.0.0.1", folder.path());
        config.wal_sync = wal_sync;
        let refused = RUNTIME.block_on(HiqliteRepository::start(config));
        assert!(matches!(refused, Err(Error::NotDurable)), "{refused:?}");
    }
    let left = std::fs::read_dir(folder.path()).unwrap();
    assert_eq!(left.count(), 0, "nothing was started");
}

/// hiqlite's log would end the node.
#[test]
fn a_commit_that_is_larger_than_the_log_takes_is_refused() {
    RUNTIME.block_on(async {
        let nodes = Nodes::start().await;
        let [leader, ..] = nodes.leader_first().await;
        let ann = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
        let ann = Actor::user(UserId::from_external("ann"), ann);
        let name = Name::new("Acme").unwrap();
        let tenancy = Tenancy::new(MemoryRepository::new());
        let create = CreateOrganization { name };
        let creation = tenancy.prepare(&ann, create).await.unwrap().commit.unwrap();
        assert_eq!(leader.commit(&creation).await.unwrap(), Outcome::Committed);
        let mut large = creation.clone();
        large.expected = creation.next.version;
        large.next.version = large.expected.next();
        large.entry.version = large.next.version;
        large.entry.id = CommitId::new();
        let gone = |_| Change::Delete(RecordId::FormerMember(UserId::new(), None));
        large.changes = (0..100_000).map(gone).collect();
        let error = leader.commit(&large).await.unwrap_err();
        assert!(matches!(error, Error::TooLarge { .. }), "{error}");
        assert!(leader.wrote_nothing(&error));
        large.changes.truncate(1000);
        assert_eq!(leader.commit(&large).await.unwrap(), Outcome::Committed);
    });
}
