use std::cell::RefCell;

use chrono::TimeDelta;

use super::*;
use crate::actor::Author;
use crate::block_on;
use crate::domain::DomainKind;
use crate::event::Event;
use crate::id::{DomainId, WorkspaceId};
use crate::invitation::InvitationTarget;
use crate::later::Later;
use crate::organization::Organization;
use crate::role::{OrganizationRole, RoleSet};
use crate::text::{DomainName, EmailAddress, Name};
use crate::token::TokenHash;

mod lists;

/// A store with one organization, Ann its Admin, and one workspace in it.
pub(crate) struct Acme {
    pub(crate) store: MemoryRepository,
    pub(crate) id: OrganizationId,
    pub(crate) ann: UserId,
    pub(crate) payments: WorkspaceId,
    /// All that was committed, for a store that follows.
    pub(crate) history: RefCell<Vec<Commit>>,
}

impl Acme {
    pub(crate) fn new() -> Self {
        Self::in_store(MemoryRepository::new())
    }

    pub(crate) fn in_store(store: MemoryRepository) -> Self {
        let acme = Self {
            store,
            id: OrganizationId::new(),
            ann: UserId::new(),
            payments: WorkspaceId::new(),
            history: RefCell::default(),
        };
        acme.happens([
            Event::OrganizationCreated {
                name: name("Acme"),
                workspace_quota: 1,
                limits: crate::Limits::UNLIMITED,
            },
            joined(acme.ann, OrganizationRole::Admin),
            Event::WorkspaceCreated {
                workspace: acme.payments,
                name: name("Payments"),
            },
        ]);
        acme
    }

    /// The commit that these events make of the organization as it is.
    pub(crate) fn commit(&self, events: impl IntoIterator<Item = Event>) -> Commit {
        let state = self.store.state(self.id);
        let mut state = state.unwrap_or(OrganizationState::absent(self.id));
        let expected = state.version();
        let mut touched = Touched::default();
        let entry = LogEntry {
            organization: self.id,
            version: expected.next(),
            id: CommitId::new(),
            at: noon(),
            author: Author::User(self.ann),
            command: "test".to_owned(),
            parts: Vec::new(),
            request: None,
            events: events.into_iter().collect(),
            later: Later::default(),
        };
        state.apply_entry_noting(&entry, &mut touched).unwrap();
        Commit {
            expected,
            next: state.organization().unwrap().clone(),
            changes: state.changes(touched),
            entry,
        }
    }

    pub(crate) fn happens(&self, events: impl IntoIterator<Item = Event>) -> Commit {
        let commit = self.commit(events);
        assert_eq!(block_on(self.store.commit(&commit)), Ok(Outcome::Committed));
        self.history.borrow_mut().push(commit.clone());
        commit
    }

    /// A page of a list.
    pub(crate) fn list(&self, list: &List, size: u32) -> Vec<Item> {
        let limit = NonZeroU32::new(size).unwrap();
        block_on(self.store.list(list, limit)).unwrap()
    }

    /// Its log after a version.
    pub(crate) fn log_after(&self, after: u64, size: u32) -> Vec<LogEntry> {
        let list = List::Log {
            organization: self.id,
            after: Version::new(after),
        };
        let entries = self.list(&list, size).into_iter().map(|item| match item {
            Item::LogEntry(entry) => entry,
            other => panic!("a log has entries: {other:?}"),
        });
        entries.collect()
    }

    /// Its whole log.
    pub(crate) fn log(&self) -> Vec<LogEntry> {
        self.log_after(0, u32::MAX)
    }

    /// That the store refuses a commit, and is no other than before.
    fn refuses(&self, commit: &Commit) -> BrokenContract {
        let before = self.store.state(self.id);
        let broken = block_on(self.store.commit(commit)).unwrap_err();
        assert_eq!(self.store.state(self.id), before);
        assert_eq!(self.store.verify(self.id), Ok(()));
        broken
    }
}

fn noon() -> DateTime<Utc> {
    DateTime::from_timestamp_millis(1_780_000_000_000).unwrap()
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

pub(crate) fn joined(user: UserId, role: OrganizationRole) -> Event {
    Event::MemberJoined {
        user,
        email: email(&format!("{user}@acme.example")),
        role,
    }
}

pub(crate) fn renamed(to: &str) -> Event {
    Event::OrganizationRenamed {
        from: name("Acme"),
        to: name(to),
    }
}

fn created(domain: DomainId, workspace: WorkspaceId, name: &str) -> Event {
    Event::DomainCreated {
        domain,
        workspace,
        name: DomainName::new(name).unwrap(),
        kind: DomainKind::Sandbox,
    }
}

fn invited(invitation: InvitationId, to: &str, target: InvitationTarget, inviter: UserId) -> Event {
    Event::InvitationSent {
        invitation,
        email: email(to),
        target,
        inviter,
        token_hash: Some(TokenHash::from_bytes([7; 32])),
        expires_at: noon().checked_add_signed(TimeDelta::days(7)).unwrap(),
    }
}

const AS_MEMBER: InvitationTarget = InvitationTarget::Organization {
    role: OrganizationRole::Member,
};

fn claim(name: &str) -> Claim {
    Claim::DomainName(DomainName::new(name).unwrap())
}

#[test]
fn a_commit_is_applied_as_a_whole() {
    let acme = Acme::new();
    let commit = acme.happens([renamed("Acme SAS")]);
    let state = acme.store.state(acme.id).unwrap();
    assert_eq!(state.organization(), Some(&commit.next));
    assert_eq!(state.version(), Version::new(2));
    assert_eq!(acme.log_after(1, 9), [commit.entry]);
    assert_eq!(acme.store.verify(acme.id), Ok(()));
}

#[test]
fn a_clone_is_another_handle_on_the_same_data() {
    let acme = Acme::new();
    let handle = acme.store.clone();
    acme.happens([renamed("Acme SAS")]);
    assert_eq!(
        handle.state(acme.id).unwrap().organization().unwrap().name,
        name("Acme SAS")
    );
}

#[test]
fn of_two_commits_on_one_version_the_second_conflicts() {
    let acme = Acme::new();
    let (one, other) = (acme.commit([renamed("A")]), acme.commit([renamed("B")]));
    assert_eq!(block_on(acme.store.commit(&one)), Ok(Outcome::Committed));
    assert_eq!(block_on(acme.store.commit(&other)), Ok(Outcome::Conflict));
    let state = acme.store.state(acme.id).unwrap();
    assert_eq!(state.organization(), Some(&one.next));
}

#[test]
fn an_organization_is_created_once() {
    let acme = Acme::new();
    let mut again = acme.commit([renamed("A")]);
    again.expected = Version::ABSENT;
    assert_eq!(block_on(acme.store.commit(&again)), Ok(Outcome::Conflict));
    let nowhere = Commit {
        next: Organization {
            id: OrganizationId::new(),
            ..again.next.clone()
        },
        expected: Version::new(1),
        ..again
    };
    assert_eq!(block_on(acme.store.commit(&nowhere)), Ok(Outcome::Conflict));
    assert_eq!(acme.store.state(nowhere.organization()), None);
}

#[test]
fn a_malformed_commit_on_an_old_version_conflicts() {
    let acme = Acme::new();
    let mut old = acme.commit([renamed("A")]);
    old.expected = Version::new(7);
    old.entry.events.clear();
    assert_eq!(block_on(acme.store.commit(&old)), Ok(Outcome::Conflict));
}

#[test]
fn a_claim_has_one_owner() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    let domain = DomainId::new();
    acme.happens([created(domain, acme.payments, "shop")]);
    assert_eq!(
        block_on(acme.store.claimed_by(&claim("shop"))),
        Ok(Some(acme.id))
    );

    let second = globex.commit([
        renamed("Globex"),
        created(DomainId::new(), globex.payments, "shop"),
    ]);
    let before = globex.store.state(globex.id);
    assert_eq!(
        block_on(globex.store.commit(&second)),
        Ok(Outcome::Taken(claim("shop")))
    );
    assert_eq!(globex.store.state(globex.id), before);
    assert_eq!(
        block_on(acme.store.claimed_by(&claim("shop"))),
        Ok(Some(acme.id))
    );
}

#[test]
fn a_claim_outlives_its_domain_until_it_is_released() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    let domain = DomainId::new();
    acme.happens([created(domain, acme.payments, "shop")]);
    acme.happens([Event::DomainDeleted {
        domain,
        workspace: acme.payments,
        name: DomainName::new("shop").unwrap(),
    }]);
    let wanted = globex.commit([created(DomainId::new(), globex.payments, "shop")]);
    assert_eq!(
        block_on(globex.store.commit(&wanted)),
        Ok(Outcome::Taken(claim("shop")))
    );
    acme.happens([Event::DomainNameReleased {
        name: DomainName::new("shop").unwrap(),
    }]);
    assert_eq!(block_on(acme.store.claimed_by(&claim("shop"))), Ok(None));
    assert_eq!(
        block_on(globex.store.commit(&wanted)),
        Ok(Outcome::Committed)
    );
    assert_eq!(
        block_on(acme.store.claimed_by(&claim("shop"))),
        Ok(Some(globex.id))
    );
}

#[test]
fn the_next_version_follows_the_expected_one() {
    let acme = Acme::new();
    let mut commit = acme.commit([renamed("A")]);
    commit.next.version = Version::new(3);
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::NextVersion {
            expected: Version::new(1),
            next: Version::new(3)
        }
    );
}

#[test]
fn the_log_entry_is_of_the_organization_that_changes() {
    let acme = Acme::new();
    let mut commit = acme.commit([renamed("A")]);
    commit.entry.organization = OrganizationId::new();
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::EntryOrganization {
            next: acme.id,
            entry: commit.entry.organization
        }
    );
}

#[test]
fn the_log_entry_has_the_version_that_the_commit_makes() {
    let acme = Acme::new();
    let mut commit = acme.commit([renamed("A")]);
    commit.entry.version = Version::new(9);
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::EntryVersion {
            next: Version::new(2),
            entry: Version::new(9)
        }
    );
}

#[test]
fn a_commit_without_events_is_refused() {
    let acme = Acme::new();
    let commit = acme.commit([]);
    assert_eq!(acme.refuses(&commit), BrokenContract::NoEvents);
}

#[test]
fn times_are_in_whole_milliseconds() {
    let acme = Acme::new();
    let fine = TimeDelta::microseconds(1);
    let mut commit = acme.commit([renamed("A")]);
    commit.entry.at += fine;
    assert_eq!(acme.refuses(&commit), BrokenContract::Time(commit.entry.at));
    let mut commit = acme.commit([joined(UserId::new(), OrganizationRole::Member)]);
    let [Change::Put(Record::Member(member))] = &mut commit.changes[..] else {
        panic!("a member who joins is one change: {:?}", commit.changes);
    };
    member.since += fine;
    let since = member.since;
    assert_eq!(acme.refuses(&commit), BrokenContract::Time(since));
}

#[test]
fn a_commit_id_is_used_once_in_the_deployment() {
    let acme = Acme::new();
    let first = acme.happens([renamed("A")]);
    let mut second = acme.commit([renamed("B")]);
    second.entry.id = first.id();
    let globex = Acme::in_store(acme.store.clone());
    let mut elsewhere = globex.commit([renamed("C")]);
    elsewhere.entry.id = first.id();
    for commit in [second, elsewhere] {
        let outcome = block_on(acme.store.commit(&commit));
        assert_eq!(outcome, Ok(Outcome::IdUsed));
    }
    let keys = [Key::Commit(first.id())];
    let facts = block_on(acme.store.load(globex.id, &keys))
        .unwrap()
        .unwrap();
    assert_eq!(facts.committed.as_ref(), Some(&first.entry));
}

#[test]
fn no_two_changes_touch_one_record() {
    let acme = Acme::new();
    let mut commit = acme.commit([Event::WorkspaceRenamed {
        workspace: acme.payments,
        from: name("Payments"),
        to: name("Payouts"),
    }]);
    let id = RecordId::Workspace(acme.payments);
    commit.changes.push(Change::Delete(id.clone()));
    assert_eq!(acme.refuses(&commit), BrokenContract::RecordTwice(id));
}

#[test]
fn no_two_changes_touch_one_claim() {
    let acme = Acme::new();
    let mut commit = acme.commit([created(DomainId::new(), acme.payments, "shop")]);
    commit.changes.push(Change::Release(claim("shop")));
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::ClaimTwice(claim("shop"))
    );
}

#[test]
fn only_a_record_that_is_there_is_deleted() {
    let acme = Acme::new();
    let mut commit = acme.commit([renamed("A")]);
    let id = RecordId::Member(UserId::new());
    commit.changes.push(Change::Delete(id.clone()));
    assert_eq!(acme.refuses(&commit), BrokenContract::NothingToDelete(id));
}

#[test]
fn only_a_claim_that_is_held_is_released() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    globex.happens([created(DomainId::new(), globex.payments, "shop")]);
    for free_or_held_by_another in ["free", "shop"] {
        let claim = claim(free_or_held_by_another);
        let mut commit = acme.commit([renamed("A")]);
        commit.changes.push(Change::Release(claim.clone()));
        assert_eq!(
            acme.refuses(&commit),
            BrokenContract::NothingToRelease(claim)
        );
    }
    assert_eq!(
        block_on(acme.store.claimed_by(&claim("shop"))),
        Ok(Some(globex.id))
    );
}

#[test]
fn a_claim_that_is_held_is_not_made_again() {
    let acme = Acme::new();
    acme.happens([created(DomainId::new(), acme.payments, "shop")]);
    let mut commit = acme.commit([renamed("A")]);
    commit.changes.push(Change::Claim(claim("shop")));
    assert_eq!(
        block_on(acme.store.commit(&commit)),
        Ok(Outcome::Taken(claim("shop")))
    );
}

#[test]
fn a_malformed_commit_is_refused_even_if_its_claim_is_taken() {
    let acme = Acme::new();
    let globex = Acme::in_store(acme.store.clone());
    globex.happens([created(DomainId::new(), globex.payments, "shop")]);
    let mut commit = acme.commit([created(DomainId::new(), acme.payments, "shop")]);
    commit.entry.events.clear();
    assert_eq!(acme.refuses(&commit), BrokenContract::NoEvents);
}

#[cfg(debug_assertions)]
#[test]
fn the_changes_are_what_the_events_say() {
    let acme = Acme::new();
    let bob = UserId::new();
    let mut commit = acme.commit([joined(bob, OrganizationRole::Member)]);
    commit.changes.clear();
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::Events(Drift::Records {
            missing: vec![RecordId::Member(bob)],
            foreign: vec![],
            different: vec![],
        })
    );
    let mut commit = acme.commit([renamed("A")]);
    commit.next.name = name("B");
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::Events(Drift::Organization)
    );
}

#[cfg(debug_assertions)]
#[test]
fn a_typed_address_is_kept_to_the_letter() {
    let acme = Acme::new();
    let mut commit = acme.commit([Event::MemberEmailChanged {
        user: acme.ann,
        from: email("ann@acme.example"),
        to: email("Ann@acme.example"),
    }]);
    let [Change::Put(Record::Member(ann))] = &mut commit.changes[..] else {
        panic!("one member changes: {:?}", commit.changes);
    };
    ann.email = email("ann@acme.example");
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::Events(Drift::Records {
            missing: vec![],
            foreign: vec![],
            different: vec![RecordId::Member(acme.ann)],
        })
    );
}

#[cfg(debug_assertions)]
#[test]
fn the_claims_are_what_the_events_say() {
    let acme = Acme::new();
    let mut commit = acme.commit([renamed("A")]);
    commit.changes.push(Change::Claim(claim("shop")));
    assert_eq!(acme.refuses(&commit), BrokenContract::Claims);
}

#[cfg(debug_assertions)]
#[test]
fn no_commit_breaks_an_invariant() {
    let acme = Acme::new();
    let commit = acme.commit([Event::MemberLeft {
        user: acme.ann,
        role: OrganizationRole::Admin,
    }]);
    assert_eq!(
        acme.refuses(&commit),
        BrokenContract::Invariant(Violation::NoAdmin)
    );
}

#[test]
fn a_commit_is_found_by_its_id() {
    let acme = Acme::new();
    let commits = ["A", "B", "C"].map(|to| acme.happens([renamed(to)]));
    for commit in commits {
        let facts = block_on(acme.store.load(acme.id, &[Key::Commit(commit.id())])).unwrap();
        assert_eq!(facts.unwrap().committed, Some(commit.entry));
    }
    let facts = block_on(acme.store.load(acme.id, &[Key::Commit(CommitId::new())])).unwrap();
    assert_eq!(facts.unwrap().committed, None);
}

#[test]
fn a_standing_is_that_of_the_records() {
    let acme = Acme::new();
    let resource = Resource::Workspace(acme.id, acme.payments);
    let standing = block_on(acme.store.standing(acme.ann, resource)).unwrap();
    let standing = standing.unwrap();
    assert_eq!(standing.organization_role, Some(OrganizationRole::Admin));
    assert_eq!(standing.workspace, Some(acme.payments));
    assert_eq!(standing.version, Version::new(1));
    let nowhere = Resource::Organization(OrganizationId::new());
    assert_eq!(block_on(acme.store.standing(acme.ann, nowhere)), Ok(None));
}

#[test]
fn an_organization_that_does_not_exist_has_no_lists() {
    let store = MemoryRepository::new();
    let nowhere = OrganizationId::new();
    assert_eq!(block_on(store.load(nowhere, &[])), Ok(None));
    let lists = [
        List::Members {
            organization: nowhere,
            roles: RoleSet::all(),
            after: None,
        },
        List::Workspaces {
            organization: nowhere,
            after: None,
        },
        List::Log {
            organization: nowhere,
            after: Version::ABSENT,
        },
    ];
    for list in lists {
        assert_eq!(block_on(store.list(&list, NonZeroU32::MIN)), Ok(vec![]));
    }
    assert_eq!(store.verify(nowhere), Ok(()));
}

#[test]
fn a_thread_that_panics_with_the_lock_does_not_end_the_store() {
    let acme = Acme::new();
    let handle = acme.store.clone();
    let panicked = std::thread::spawn(move || {
        let _guard = handle.write();
        panic!("while it holds the lock");
    });
    assert!(panicked.join().is_err());
    acme.happens([renamed("A")]);
}
