//! Organizations that leave the store in memory, and come to it.

use super::{BrokenContract, Everything, Kept, MemoryRepository};
use crate::id::OrganizationId;
use crate::store::{Movable, Stored};
use crate::version::Version;

impl Movable for MemoryRepository {
    type Moved = Stored;

    async fn close(&self, organization: OrganizationId, by: u64) -> Result<bool, BrokenContract> {
        let mut everything = self.write();
        let closed = everything.closed.entry(organization).or_insert(by);
        *closed = by.max(*closed);
        Ok(*closed == by)
    }

    async fn pack(&self, organization: OrganizationId) -> Result<Option<Stored>, BrokenContract> {
        Ok(self.read().stored(organization))
    }

    async fn unpack(
        &self,
        organization: OrganizationId,
        by: u64,
        moved: &Stored,
    ) -> Result<bool, BrokenContract> {
        let mut everything = self.write();
        let is_there = everything.organizations.contains_key(&organization);
        if is_there && !everything.is_closed(organization, by) {
            return Ok(false);
        }
        if everything
            .closed
            .get(&organization)
            .is_some_and(|closed| *closed > by)
        {
            return Ok(false);
        }
        everything.remove(organization);
        everything.put_in(moved);
        everything.closed.insert(organization, by);
        let _ = self.index.insert(&moved.state);
        Ok(true)
    }

    async fn erase(&self, organization: OrganizationId, by: u64) -> Result<bool, BrokenContract> {
        let mut everything = self.write();
        let closed = everything.is_closed(organization, by);
        if closed {
            everything.remove(organization);
            everything.closed.insert(organization, by);
            if let Some(ticket) = self.index.begin(organization) {
                let _ = self.index.finish(organization, ticket, None);
            }
        }
        Ok(closed)
    }

    async fn open(&self, organization: OrganizationId, by: u64) -> Result<bool, BrokenContract> {
        let mut everything = self.write();
        let closed = everything.is_closed(organization, by);
        if closed {
            everything.closed.remove(&organization);
        }
        Ok(closed)
    }
}

impl Everything {
    /// Whether an organization is closed, and by nobody who came later.
    fn is_closed(&self, organization: OrganizationId, by: u64) -> bool {
        let closed = self.closed.get(&organization);
        closed.is_some_and(|closed| *closed <= by)
    }

    fn remove(&mut self, id: OrganizationId) {
        let Some(Kept { state, log }) = self.organizations.remove(&id) else {
            return;
        };
        for record in state.records() {
            self.across.remove(id, &record);
        }
        for entry in &log {
            self.commits.remove(&entry.id);
        }
        self.claims.retain(|_, holder| *holder != id);
        self.organizations_by_id.remove(&id);
        if let Some(organization) = state.organization() {
            let name = organization.name.key();
            self.organizations_by_name.remove(&(name, id));
        }
    }

    fn put_in(&mut self, moved: &Stored) {
        let id = moved.state.id();
        for record in moved.state.records() {
            self.across.add(id, &record);
        }
        for (entry, version) in moved.log.iter().zip(1..) {
            let version = Version::new(version);
            self.commits.insert(entry.id, (id, version));
        }
        let held = moved.claims.iter().filter(|(_, holder)| **holder == id);
        self.claims
            .extend(held.map(|(claim, _)| (claim.clone(), id)));
        if let Some(organization) = moved.state.organization() {
            self.organizations_by_id.insert(id);
            let name = organization.name.key();
            self.organizations_by_name.insert((name, id));
        }
        let (state, log) = (moved.state.clone(), moved.log.clone());
        self.organizations.insert(id, Kept { state, log });
    }
}

#[cfg(test)]
mod tests {
    use core::num::NonZeroU32;

    use super::*;
    use crate::block_on;
    use crate::resource::Resource;
    use crate::store::memory::tests::{Acme, renamed};
    use crate::store::{Directory, List, Outcome, Repository};

    #[test]
    fn a_closed_organization_is_read_and_takes_no_commit() {
        let acme = Acme::new();
        let commit = acme.commit([renamed("A")]);
        assert_eq!(block_on(acme.store.close(acme.id, 1)), Ok(true));
        assert_eq!(block_on(acme.store.commit(&commit)), Ok(Outcome::Conflict));
        assert!(block_on(acme.store.load(acme.id, &[])).unwrap().is_some());
        assert_eq!(block_on(acme.store.open(acme.id, 1)), Ok(true));
        assert_eq!(block_on(acme.store.commit(&commit)), Ok(Outcome::Committed));
    }

    #[test]
    fn who_came_before_another_changes_nothing() {
        let acme = Acme::new();
        let moved = block_on(acme.store.pack(acme.id)).unwrap().unwrap();
        assert_eq!(block_on(acme.store.unpack(acme.id, 9, &moved)), Ok(false)); // it is open
        assert_eq!(block_on(acme.store.erase(acme.id, 9)), Ok(false));
        assert_eq!(block_on(acme.store.close(acme.id, 2)), Ok(true));
        assert_eq!(block_on(acme.store.close(acme.id, 1)), Ok(false));
        assert_eq!(block_on(acme.store.unpack(acme.id, 1, &moved)), Ok(false));
        assert_eq!(block_on(acme.store.erase(acme.id, 1)), Ok(false));
        assert_eq!(block_on(acme.store.open(acme.id, 1)), Ok(false));
        assert_eq!(block_on(acme.store.open(acme.id, 3)), Ok(true));
    }

    #[test]
    fn what_was_erased_is_nowhere_and_nobody_creates_it() {
        let acme = Acme::new();
        let first = acme.history.borrow()[0].clone();
        let moved = block_on(acme.store.pack(acme.id)).unwrap().unwrap();
        assert_eq!(block_on(acme.store.close(acme.id, 1)), Ok(true));
        assert_eq!(block_on(acme.store.erase(acme.id, 1)), Ok(true));
        assert_eq!(block_on(acme.store.load(acme.id, &[])), Ok(None));
        let resource = Resource::Organization(acme.id);
        assert_eq!(block_on(acme.store.standing(acme.ann, resource)), Ok(None));
        assert_eq!(acme.store.glance(acme.ann, resource), None);
        for list in [
            List::AllOrganizations { after: None },
            List::OrganizationsOf {
                user: acme.ann,
                after: None,
            },
        ] {
            let listed = block_on(acme.store.list(&list, NonZeroU32::MAX));
            assert_eq!(listed, Ok(Vec::new()));
        }
        assert_eq!(block_on(acme.store.commit(&first)), Ok(Outcome::Conflict));
        // It comes back as it was.
        assert_eq!(block_on(acme.store.unpack(acme.id, 2, &moved)), Ok(true));
        assert_eq!(block_on(acme.store.open(acme.id, 2)), Ok(true));
        assert_eq!(acme.store.verify(acme.id), Ok(()));
        assert_eq!(acme.store.state(acme.id), Some(moved.state));
        let held = block_on(acme.store.standing(acme.ann, resource)).unwrap();
        assert!(held.is_some_and(|held| held.organization_role.is_some()));
        acme.happens([renamed("A")]);
    }

    #[test]
    fn nobody_creates_what_is_closed() {
        let acme = Acme::new();
        let first = acme.history.borrow()[0].clone();
        let elsewhere = MemoryRepository::new();
        assert_eq!(block_on(elsewhere.close(acme.id, 1)), Ok(true));
        assert!(block_on(elsewhere.pack(acme.id)).unwrap().is_none());
        assert_eq!(block_on(elsewhere.commit(&first)), Ok(Outcome::Conflict));
        assert_eq!(block_on(elsewhere.open(acme.id, 1)), Ok(true));
        assert_eq!(block_on(elsewhere.commit(&first)), Ok(Outcome::Committed));
    }
}
