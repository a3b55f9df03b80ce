//! An index beside a store that fails, lies and is written to meanwhile.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tenancy::commands::{CreateOrganization, RenameOrganization};
use tenancy::store::{
    AccessIndex, Claim, Commit, Directory, Facts, Fed, Held, Item, Key, List, MemoryRepository,
    OrganizationState, Outcome, Place, Repository, WithIndex,
};
use tenancy::{
    Event, Name, OrganizationAction, OrganizationId, OrganizationRole, Resource, Tenancy, UserId,
    Version, WorkspaceId, block_on,
};

use super::{ann, crowded, entry};

#[derive(Debug)]
struct Failed;
impl std::fmt::Display for Failed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("failed")
    }
}
impl std::error::Error for Failed {}

type Hook = Box<dyn FnOnce() + Send>;

/// A store in memory, and what a test does to it.
#[derive(Default)]
struct Hooked {
    store: MemoryRepository,
    standings: AtomicUsize,
    lists: AtomicUsize,
    fail_loads: AtomicBool,
    lose_answer: AtomicBool,
    unreadable: Mutex<Option<UserId>>,
    on_list: Mutex<Option<Hook>>,
    /// After so many loads.
    after_load: Mutex<Option<(usize, Hook)>>,
}

impl Repository for Hooked {
    type Error = Failed;
    async fn load(&self, o: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Failed> {
        if self.fail_loads.load(SeqCst) {
            return Err(Failed);
        }
        let facts = self.store.load(o, keys).await.map_err(|_| Failed);
        let mut after_load = self.after_load.lock().unwrap();
        let hook = match after_load.take() {
            Some((0 | 1, hook)) => Some(hook),
            later => {
                *after_load = later.map(|(loads, hook)| (loads - 1, hook));
                None
            }
        };
        drop(after_load);
        if let Some(hook) = hook {
            hook();
        }
        facts
    }
    async fn commit(&self, commit: &Commit) -> Result<Outcome, Failed> {
        let outcome = self.store.commit(commit).await.map_err(|_| Failed);
        if self.lose_answer.load(SeqCst) {
            return Err(Failed);
        }
        outcome
    }
    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Failed> {
        self.standings.fetch_add(1, SeqCst);
        self.store.standing(user, on).await.map_err(|_| Failed)
    }
}

impl Directory for Hooked {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, Failed> {
        self.lists.fetch_add(1, SeqCst);
        let hook = self.on_list.lock().unwrap().take();
        if let Some(hook) = hook {
            hook();
        }
        let items = self.store.list(list, limit).await.map_err(|_| Failed)?;
        let unreadable = *self.unreadable.lock().unwrap();
        Ok(items
            .into_iter()
            .map(|item| match (list.place_of(&item), unreadable) {
                (Some(Place::User(user)), Some(bad)) if user == bad => {
                    Item::Unreadable(Place::User(user))
                }
                _ => item,
            })
            .collect())
    }
    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, Failed> {
        self.store.claimed_by(claim).await.map_err(|_| Failed)
    }
}

fn create() -> CreateOrganization {
    CreateOrganization {
        name: Name::new("Acme").unwrap(),
    }
}

fn next(state: &mut OrganizationState, event: Event) -> Commit {
    let version = state.version().get() + 1;
    let id = state.id();
    Commit::replayed(state, entry(id, version, vec![event])).unwrap()
}

fn renamed(to: &str) -> Event {
    Event::OrganizationRenamed {
        from: Name::new("x").unwrap(),
        to: Name::new(to).unwrap(),
    }
}

fn bob() -> UserId {
    UserId::from_external("member1")
}

#[test]
fn what_was_read_of_the_log_is_known_even_if_the_rest_fails() {
    let store = Hooked::default();
    let (mut state, _) = crowded(&store, 3);
    let here = WithIndex::new(&store);
    assert_eq!(block_on(here.fill(state.id())).unwrap(), Fed::Applied);
    let gone = next(
        &mut state,
        Event::MemberRemoved {
            user: bob(),
            role: OrganizationRole::Member,
        },
    );
    assert_eq!(block_on(store.commit(&gone)).unwrap(), Outcome::Committed);
    store.fail_loads.store(true, SeqCst);
    block_on(here.catch_up(state.id())).unwrap_err();
    let on = Resource::Organization(state.id());
    assert_eq!(here.index().held(bob(), on), None, "the store is asked");
}

#[test]
fn what_has_something_unreadable_is_left_to_the_store() {
    let store = Hooked::default();
    let (state, _) = crowded(&store, 600);
    let first = state.members().map(|member| member.user).min().unwrap();
    *store.unreadable.lock().unwrap() = Some(first);
    let here = WithIndex::new(&store);
    let fed = block_on(here.fill(state.id())).unwrap();
    let on = Resource::Organization(state.id());
    assert_eq!(fed, Fed::Unknown);
    for member in state.members() {
        assert_eq!(
            here.index().held(member.user, on),
            None,
            "the store is asked"
        );
    }
}

#[test]
fn an_organization_that_was_created_elsewhere_is_there() {
    let shared = MemoryRepository::new();
    let here = Tenancy::new(WithIndex::new(shared.clone()));
    let acme = block_on(Tenancy::new(shared).execute(&ann(), create()))
        .unwrap()
        .output
        .organization;
    let rename = RenameOrganization {
        organization: acme,
        name: Name::new("C").unwrap(),
    };
    let _ = block_on(here.execute(&ann(), rename)).unwrap();
    let decision = block_on(here.check(&ann(), acme, OrganizationAction::Rename)).unwrap();
    assert!(decision.is_allowed(), "{decision}");
}

#[test]
fn a_creation_whose_answer_was_lost_is_there() {
    let store = Hooked::default();
    let here = Tenancy::new(WithIndex::new(&store));
    store.lose_answer.store(true, SeqCst);
    let acme = block_on(here.execute(&ann(), create()))
        .unwrap()
        .output
        .organization;
    let decision = block_on(here.check(&ann(), acme, OrganizationAction::Rename)).unwrap();
    assert!(decision.is_allowed(), "{decision}");
}

#[test]
fn what_was_read_before_a_commit_is_not_taken_for_what_is_now() {
    let store = MemoryRepository::new();
    let (mut state, _) = crowded(&store, 3);
    let index = AccessIndex::new();
    let read = state.clone();
    let gone = next(
        &mut state,
        Event::MemberRemoved {
            user: bob(),
            role: OrganizationRole::Member,
        },
    );
    assert_eq!(index.apply(&gone), Fed::Unknown);
    index.hear(state.id(), Version::new(2));
    let fed = index.insert(&read);
    let held = index.held(bob(), Resource::Organization(state.id()));
    assert_eq!((fed, held), (Fed::Behind, None));
}

#[test]
fn an_outsider_makes_the_same_round_trips_everywhere() {
    let store = Hooked::default();
    let (state, _) = crowded(&store, 3);
    let here = WithIndex::new(&store);
    assert_eq!(block_on(here.fill(state.id())).unwrap(), Fed::Applied);
    here.index().hear(state.id(), Version::new(2));
    let outsider = UserId::from_external("outsider");
    let trips = |organization| {
        let before = store.standings.load(SeqCst);
        let _ = block_on(here.standing(outsider, Resource::Organization(organization)));
        store.standings.load(SeqCst) - before
    };
    assert_eq!(trips(state.id()), trips(OrganizationId::new()));
}

#[test]
fn somebody_suspended_makes_the_round_trips_of_an_outsider() {
    let store = Hooked::default();
    let (mut state, _) = crowded(&store, 3);
    let suspended = next(&mut state, Event::MemberSuspended { user: bob() });
    assert_eq!(
        block_on(store.commit(&suspended)).unwrap(),
        Outcome::Committed
    );
    let here = WithIndex::new(&store);
    assert_eq!(block_on(here.fill(state.id())).unwrap(), Fed::Applied);
    let trips = |organization| {
        let before = store.standings.load(SeqCst);
        let _ = block_on(here.standing(bob(), Resource::Organization(organization)));
        store.standings.load(SeqCst) - before
    };
    assert_eq!(trips(state.id()), trips(OrganizationId::new()));
}

#[test]
fn a_commit_during_a_fill_begins_no_other_one() {
    let store = Arc::new(Hooked::default());
    let (mut state, _) = crowded(&store, 600);
    let id = state.id();
    let here = Arc::new(WithIndex::new(Arc::clone(&store)));
    let commit = next(&mut state, renamed("b"));
    let (there, counted) = (Arc::clone(&here), Arc::clone(&store));
    let cost = Arc::new(AtomicUsize::new(0));
    let noted = Arc::clone(&cost);
    *store.on_list.lock().unwrap() = Some(Box::new(move || {
        let before = counted.lists.load(SeqCst);
        assert_eq!(block_on(there.commit(&commit)).unwrap(), Outcome::Committed);
        noted.store(counted.lists.load(SeqCst) - before, SeqCst);
    }));
    let fed = block_on(here.fill(id)).unwrap();
    assert_eq!(
        (fed != Fed::Unknown, cost.load(SeqCst)),
        (true, 0),
        "{fed:?}"
    );
}

#[test]
fn two_commits_that_arrive_out_of_order_are_both_there() {
    let store = Arc::new(Hooked::default());
    let (mut state, _) = crowded(&store, 3);
    let here = Arc::new(WithIndex::new(Arc::clone(&store)));
    assert_eq!(block_on(here.fill(state.id())).unwrap(), Fed::Applied);
    let first = next(&mut state, renamed("b"));
    let second = next(&mut state, renamed("c"));
    // The first is made, and this process' `apply` of it comes while the second reads the log.
    assert_eq!(block_on(store.commit(&first)).unwrap(), Outcome::Committed);
    let there = Arc::clone(&here);
    *store.on_list.lock().unwrap() = Some(Box::new(move || {
        assert_eq!(there.index().apply(&first), Fed::Applied);
    }));
    assert_eq!(block_on(here.commit(&second)).unwrap(), Outcome::Committed);
    assert_eq!(here.index().lag(state.id()), Some(0));
}

#[test]
#[ignore = "deep: half a million workspaces"]
fn numbers_of_workspaces_are_used_again_when_it_is_filled_anew() {
    let store = MemoryRepository::new();
    let (mut state, _) = crowded(&store, 3);
    let events = (0..2_000).map(|at| Event::WorkspaceCreated {
        workspace: WorkspaceId::new(),
        name: Name::new(&format!("Workspace {at}")).unwrap(),
    });
    let id = state.id();
    let _ = Commit::replayed(&mut state, entry(id, 2, events.collect())).unwrap();
    let index = AccessIndex::new();
    for round in 0..300 {
        let fed = index.insert(&state);
        assert_eq!(
            fed,
            Fed::Applied,
            "round {round}, {} bytes, {:?}",
            index.bytes(),
            index.lag(state.id())
        );
    }
}

#[test]
#[ignore = "deep: half a million workspaces"]
fn numbers_of_deleted_workspaces_are_used_again_when_it_is_filled_anew() {
    let store = MemoryRepository::new();
    let (mut state, _) = crowded(&store, 3);
    let id = state.id();
    let index = AccessIndex::new();
    assert_eq!(index.insert(&state), Fed::Applied);
    let mut filled_anew = 0;
    for _ in 0..600 {
        let workspaces: Vec<_> = (0..1_000).map(|_| WorkspaceId::new()).collect();
        let named = |at: usize| Name::new(&format!("Workspace {at}")).unwrap();
        let create = workspaces.iter().enumerate();
        let create = create.map(|(at, workspace)| Event::WorkspaceCreated {
            workspace: *workspace,
            name: named(at),
        });
        let delete = workspaces.iter().enumerate();
        let delete = delete.map(|(at, workspace)| Event::WorkspaceDeleted {
            workspace: *workspace,
            name: named(at),
        });
        for events in [create.collect::<Vec<_>>(), delete.collect()] {
            let version = state.version().next().get();
            let commit = Commit::replayed(&mut state, entry(id, version, events)).unwrap();
            if index.apply(&commit) == Fed::Behind {
                assert_eq!(index.insert(&state), Fed::Applied);
                filled_anew += 1;
            }
        }
    }
    assert_eq!(filled_anew, 1, "all that were deleted before are free then");
}

#[test]
fn a_commit_at_the_end_of_a_fill_is_caught_up_with() {
    let store = Arc::new(Hooked::default());
    let (mut state, _) = crowded(&store, 3);
    let id = state.id();
    let here = Arc::new(WithIndex::new(Arc::clone(&store)));
    let commit = next(&mut state, renamed("b"));
    let there = Arc::clone(&here);
    // The second load is the fill's last look.
    let hook: Hook = Box::new(move || {
        assert_eq!(block_on(there.commit(&commit)).unwrap(), Outcome::Committed);
    });
    *store.after_load.lock().unwrap() = Some((2, hook));
    assert_eq!(block_on(here.fill(id)).unwrap(), Fed::Applied);
    assert_eq!(here.index().version(id), Some(Version::new(2)));
    assert_eq!(here.index().lag(id), Some(0));
}
