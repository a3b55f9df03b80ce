//! A store of one's own, over maps: three methods. Put your database in their place.
//!
//! `cargo run --example own_repository`

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tenancy::commands::CreateOrganization;
use tenancy::store::{
    Change, Claim, Commit, Facts, Held, Key, OrganizationState, Outcome, Repository,
};
use tenancy::{
    Actor, LogEntry, Name, OrganizationId, Resource, Tenancy, UserId, VerifiedEmail,
    WorkspaceAction,
};

#[derive(Default)]
struct Maps(Mutex<Tables>);

#[derive(Default)]
struct Tables {
    organizations: HashMap<OrganizationId, OrganizationState>,
    claims: HashMap<Claim, OrganizationId>,
    log: Vec<LogEntry>,
}

impl Maps {
    /// One lock around everything, so each method is one snapshot (promises 1 and 2).
    fn tables(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Repository for Maps {
    type Error = Infallible;

    async fn load(&self, id: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Infallible> {
        let tables = self.tables();
        let Some(state) = tables.organizations.get(&id) else {
            return Ok(None);
        };
        let log = tables.log.iter().filter(|entry| entry.organization == id);
        Ok(Facts::select(state, log, keys))
    }

    async fn commit(&self, commit: &Commit) -> Result<Outcome, Infallible> {
        let mut tables = self.tables();
        let id = commit.organization();
        let mut state = tables
            .organizations
            .get(&id)
            .cloned()
            .unwrap_or(OrganizationState::absent(id));
        if state.version() != commit.expected {
            return Ok(Outcome::Conflict); // somebody else was first
        }
        let taken = |change: &Change| match change {
            Change::Claim(claim) if tables.claims.contains_key(claim) => Some(claim.clone()),
            _ => None,
        };
        if let Some(claim) = commit.changes.iter().find_map(taken) {
            return Ok(Outcome::Taken(claim)); // promise 3
        }
        state.set_organization(commit.next.clone());
        for change in &commit.changes {
            match change {
                Change::Put(record) => state.put(record.clone()),
                Change::Delete(id) => drop(state.delete(id)),
                Change::Claim(claim) => drop(tables.claims.insert(claim.clone(), id)),
                Change::Release(claim) => drop(tables.claims.remove(claim)),
            }
        }
        tables.organizations.insert(id, state);
        tables.log.push(commit.entry.clone());
        Ok(Outcome::Committed)
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Infallible> {
        let tables = self.tables();
        let state = tables.organizations.get(&on.organization());
        Ok(state.and_then(|state| state.held(user, on)))
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let tenancy = Tenancy::new(Maps::default());
    let ann = Actor::user(
        UserId::from_external("ann"),
        VerifiedEmail::attest("ann@acme.example".parse()?),
    );
    let name = Name::new("Acme")?;
    let done = tenancy::block_on(tenancy.execute(&ann, CreateOrganization { name }))?;
    println!("the organization is at version {}", done.token.version);
    let on = (done.output.organization, done.output.workspace);
    println!(
        "{}",
        tenancy::block_on(tenancy.check(&ann, on, WorkspaceAction::Delete))?
    );
    Ok(())
}
