//! A store that notes which of its methods are called, and with which kinds of keys.

use core::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use tenancy::store::{Claim, Commit, Directory, Facts, Held, Item, Key, List, Outcome, Repository};
use tenancy::{OrganizationId, Resource, UserId};

pub struct Counting<R> {
    store: R,
    trips: Mutex<Vec<String>>,
}

impl<R> Counting<R> {
    pub fn new(store: R) -> Self {
        Self {
            store,
            trips: Mutex::default(),
        }
    }

    /// The round trips since it was last asked.
    pub fn taken(&self) -> Vec<String> {
        core::mem::take(&mut self.trips.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, trip: impl Into<String>) {
        let mut trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        trips.push(trip.into());
    }
}

fn kind(key: &Key) -> String {
    match key {
        Key::Path(_, resource) => format!("path to a {}", resource.layer()),
        Key::Person(_) => "person".into(),
        Key::SentTo(_) => "sent to".into(),
        Key::SentBy(_) => "sent by".into(),
        Key::Address(_, workspace) => format!("address, in a workspace: {}", workspace.is_some()),
        Key::Invitation(_, user) => format!("invitation, to a user: {}", user.is_some()),
        Key::OpenInvitations(workspace) => format!("open, to one: {}", workspace.is_some()),
        Key::WorkspaceNamed(_) => "workspace named".into(),
        Key::DomainNamed(_) => "domain named".into(),
        Key::Commit(_) => "commit".into(),
    }
}

impl<R: Repository> Repository for Counting<R> {
    type Error = R::Error;

    async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, R::Error> {
        let kinds: Vec<_> = keys.iter().map(kind).collect();
        self.note(format!("load: {}", kinds.join("; ")));
        self.store.load(organization, keys).await
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, R::Error> {
        self.note("commit");
        self.store.commit(commit).await
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, R::Error> {
        self.note(format!("standing at a {}", on.layer()));
        self.store.standing(user, on).await
    }
}

/// Which list, with whatever it asks beside ids and the numbers of roles.
fn listed(list: &List) -> String {
    let whole = format!("{list:?}");
    let words = whole.split_inclusive(['(', ')']);
    let is_id = |word: &str| uuid::Uuid::parse_str(word.trim_end_matches(')')).is_ok();
    let mut is_number = false;
    words
        .filter(|word| {
            let names_a_role = core::mem::replace(&mut is_number, word.ends_with("RoleNumber("));
            !names_a_role && !is_id(word)
        })
        .collect()
}

impl<R: Directory> Directory for Counting<R> {
    async fn list(&self, list: &List, limit: NonZeroU32) -> Result<Vec<Item>, R::Error> {
        self.note(format!("list: {}", listed(list)));
        self.store.list(list, limit).await
    }

    async fn claimed_by(&self, claim: &Claim) -> Result<Option<OrganizationId>, R::Error> {
        self.note("claimed by");
        self.store.claimed_by(claim).await
    }
}
