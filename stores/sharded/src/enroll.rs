//! Organizations that were there before the registry.

use core::num::NonZeroU32;

use tenancy::store::{Claim, Directory, Item, List, Record};
use tenancy::{CommitId, OrganizationId};

use crate::error::Error;
use crate::place::Shard;
use crate::registry::{Name, Registry};
use crate::sharded::{Failure, Sharded, failed};

const PAGE: NonZeroU32 = NonZeroU32::new(1_000).unwrap();

impl<S: Directory, R: Registry> Sharded<S, R> {
    /// Enters in the registry what an organization holds: its claims, and the ids of its commits that a host brought.
    /// For organizations of a store that becomes a shard, or that were loaded into one by another way. It changes
    /// nothing that is entered, and reads the organization's domains and its log.
    ///
    /// A deployment that outgrows its one store makes it the only [founding](Shard::new) shard, enrolls each of
    /// [`List::AllOrganizations`] while nobody writes, and goes on through the `Sharded`. Shards that are added are guests.
    ///
    /// The answer is what another organization holds in the registry, and this one on its shard: nothing, unless
    /// something went around the registry before. Such a name is the one that the registry says.
    ///
    /// # Errors
    ///
    /// - [`Error::Registry`], [`Error::Shard`]: one of them failed. What was entered before is.
    /// - [`Error::UnknownShard`]: it lives on a shard that this process was not given.
    /// - [`Error::Entropy`]: the operating system gave no randomness.
    pub async fn enroll(&self, organization: OrganizationId) -> Result<Vec<Name>, Failure<S, R>> {
        let shard = self.shard_of(organization)?;
        let mut held = Vec::new();
        let workspaces = List::Workspaces {
            organization,
            after: None,
        };
        for item in self.whole(shard, workspaces).await? {
            if let Item::Record(Record::Workspace(workspace)) = item {
                let domains = List::Domains {
                    organization,
                    workspace: workspace.id,
                    after: None,
                };
                held.extend(self.whole(shard, domains).await?);
            }
        }
        let kept = List::KeptNames {
            organization,
            after: None,
        };
        held.extend(self.whole(shard, kept).await?);
        let log = List::Log {
            organization,
            after: tenancy::Version::ABSENT,
        };
        held.extend(self.whole(shard, log).await?);
        let names: Vec<_> = held
            .into_iter()
            .filter_map(|item| match item {
                Item::Record(Record::Domain(domain)) => Some(domain_name(domain.name)),
                Item::Record(Record::RetiredDomainName(kept)) => Some(domain_name(kept.name)),
                Item::LogEntry(entry) if self.is_kept(entry.id) => Some(Name::Commit(entry.id)),
                _ => None,
            })
            .collect();
        let attempt = CommitId::try_new().map_err(|_| Error::Entropy)?.as_uuid();
        let anothers = self.registry().enroll(organization, attempt, &names).await;
        let anothers = anothers.map_err(Error::Registry)?;
        Ok(anothers.into_iter().map(|row| row.name).collect())
    }

    /// A list from its beginning to its end.
    async fn whole(&self, shard: &Shard<S>, mut list: List) -> Result<Vec<Item>, Failure<S, R>> {
        let mut all = Vec::new();
        loop {
            let page = shard.store.list(&list, PAGE).await;
            let page = page.map_err(|source| failed(shard, source))?;
            let last = page.last().and_then(|item| list.place_of(item));
            let full = page.len() >= usize::try_from(PAGE.get()).unwrap_or(usize::MAX);
            all.extend(page);
            match last {
                Some(last) if full => list = list.behind(Some(last)),
                _ => return Ok(all),
            }
        }
    }
}

fn domain_name(name: tenancy::DomainName) -> Name {
    Name::Claim(Claim::DomainName(name))
}
