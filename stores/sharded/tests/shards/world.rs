//! Two organizations on two shards, and the commits that they want to make.

use std::convert::Infallible;
use std::num::NonZeroU32;

use tenancy::commands::{CreateDomain, CreateOrganization, DeleteDomain, ReleaseDomainName};
use tenancy::store::{
    BrokenContract, Claim, Commit, Directory, MemoryRepository, OrganizationState,
};
use tenancy::{
    Actor, Author, CommitId, DomainId, DomainKind, DomainName, Event, Limits, LogEntry, Name,
    Operator, OrganizationId, OrganizationRole, Tenancy, UserId, VerifiedEmail, WorkspaceId,
    block_on,
};
use tenancy_sharded::{Error, MemoryRegistry, Registry, Shard, Sharded};

use crate::faults::{Behind, Broken, Steps};

pub(crate) type Store = Sharded<Behind<MemoryRepository>, Behind<MemoryRegistry>>;
pub(crate) type Failure = Error<Broken<BrokenContract>, Broken<Infallible>>;

/// Everything of a deployment but the processes.
pub(crate) struct World {
    shards: Vec<(&'static str, MemoryRepository)>,
    registry: MemoryRegistry,
    ann: Actor,
}

/// An organization, and its first workspace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) organization: OrganizationId,
    pub(crate) workspace: WorkspaceId,
}

pub(crate) fn domain_name(name: &str) -> DomainName {
    DomainName::new(name).unwrap()
}

pub(crate) fn claim(name: &str) -> Claim {
    Claim::DomainName(domain_name(name))
}

/// The commit that founds an organization which has a domain of this name from the first.
pub(crate) fn founding(organization: OrganizationId, name: &str) -> Commit {
    let workspace = WorkspaceId::new();
    let events = vec![
        Event::OrganizationCreated {
            name: Name::new("Rival").unwrap(),
            workspace_quota: 1,
            limits: Limits::UNLIMITED,
        },
        Event::MemberJoined {
            user: UserId::from_external("bob"),
            email: "bob@rival.example".parse().unwrap(),
            role: OrganizationRole::Admin,
        },
        Event::WorkspaceCreated {
            workspace,
            name: Name::new("First").unwrap(),
        },
        Event::DomainCreated {
            domain: DomainId::new(),
            workspace,
            name: domain_name(name),
            kind: DomainKind::Production,
        },
    ];
    let entry = LogEntry {
        organization,
        version: tenancy::Version::new(1),
        id: CommitId::new(),
        at: chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
        author: Author::Operator("a migration".parse().unwrap()),
        command: "migrate".to_owned(),
        parts: Vec::new(),
        request: None,
        events,
        later: tenancy::store::Later::default(),
    };
    Commit::replayed(&mut OrganizationState::absent(organization), entry).unwrap()
}

impl World {
    pub(crate) fn new() -> Self {
        let address = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
        Self {
            shards: ["a", "b"]
                .map(|name| (name, MemoryRepository::new()))
                .into(),
            registry: MemoryRegistry::new(),
            ann: Actor::user(UserId::from_external("ann"), address),
        }
    }

    /// A process that goes through these steps.
    pub(crate) fn process(&self, steps: &Steps) -> Store {
        self.opened(steps, steps)
    }

    /// A process that goes through these steps with the registry.
    pub(crate) fn without_registry(&self, steps: &Steps) -> Store {
        self.opened(&Steps::default(), steps)
    }

    pub(crate) fn opened(&self, steps: &Steps, with_registry: &Steps) -> Store {
        let shards = self.shards.iter().map(|(name, store)| {
            let (inner, steps) = (store.clone(), steps.clone());
            Shard::new(*name, Behind { inner, steps })
        });
        let registry = Behind {
            inner: self.registry.clone(),
            steps: with_registry.clone(),
        };
        let opened: Result<Store, Failure> = block_on(Sharded::open(shards, registry));
        opened.unwrap()
    }

    /// A process that nothing happens to.
    pub(crate) fn sound(&self) -> Store {
        self.process(&Steps::default())
    }

    pub(crate) fn ann(&self) -> &Actor {
        &self.ann
    }

    /// An organization on the shard of this number.
    pub(crate) fn organization_on(&self, number: usize) -> Place {
        let store = self.sound();
        let (name, _) = self.shards[number];
        let id = self.id_on(number);
        let create = CreateOrganization {
            name: Name::new("Acme").unwrap(),
        };
        let id = CommitId::from_uuid(id.as_uuid());
        let created = block_on(Tenancy::new(&store).execute_as(id, &self.ann, create)).unwrap();
        let organization = created.output.organization;
        assert_eq!(store.shard_of(organization).unwrap().name(), name);
        Place {
            organization,
            workspace: created.output.workspace,
        }
    }

    /// The id of an organization that would live on the shard of this number.
    pub(crate) fn id_on(&self, number: usize) -> OrganizationId {
        let store = self.sound();
        loop {
            let id = OrganizationId::new();
            if store.shard_of(id).unwrap().name() == self.shards[number].0 {
                return id;
            }
        }
    }

    /// The commit that makes a domain of this name, under this id.
    pub(crate) fn claiming(&self, place: Place, name: &str, id: CommitId) -> Commit {
        let command = CreateDomain {
            organization: place.organization,
            workspace: place.workspace,
            name: domain_name(name),
            kind: DomainKind::Production,
        };
        let tenancy = Tenancy::new(self.sound());
        let decided = block_on(tenancy.prepare_as(id, &self.ann, command));
        decided.unwrap().commit.unwrap()
    }

    /// The commit that frees the name of a domain, which is deleted before.
    pub(crate) fn releasing(&self, place: Place, domain: DomainId, name: &str) -> Commit {
        let tenancy = Tenancy::new(self.sound());
        let organization = place.organization;
        let delete = DeleteDomain {
            organization,
            domain,
        };
        block_on(tenancy.execute(&self.ann, delete)).unwrap();
        let command = ReleaseDomainName {
            organization,
            name: domain_name(name),
        };
        let staff = Operator::attest("ops".parse().unwrap());
        let decided = block_on(tenancy.prepare(&Actor::Operator(staff), command));
        decided.unwrap().commit.unwrap()
    }

    /// Those who hold a name by what the shards say.
    pub(crate) fn holders(&self, name: &str) -> Vec<OrganizationId> {
        let claim = claim(name);
        let shards = self.shards.iter();
        let holders = shards.filter_map(|(_, store)| block_on(store.claimed_by(&claim)).unwrap());
        holders.collect()
    }

    /// The shards that have something of an organization.
    pub(crate) fn shards_of(&self, organization: OrganizationId) -> Vec<&'static str> {
        let shards = self.shards.iter();
        let has = shards.filter(|(_, store)| store.state(organization).is_some());
        has.map(|(name, _)| *name).collect()
    }

    /// Whether a commit is in its organization's log.
    pub(crate) fn has(&self, commit: &Commit) -> bool {
        use tenancy::store::{Key, Repository};
        let key = [Key::Commit(commit.id())];
        let facts = block_on(self.sound().load(commit.organization(), &key)).unwrap();
        facts.and_then(|facts| facts.committed).as_ref() == Some(&commit.entry)
    }

    /// After the janitor: nothing is pending, the registry says what the shards say, and each organization is what its
    /// log says.
    pub(crate) fn is_settled(&self, names: &[&str], organizations: &[OrganizationId]) {
        let store = self.sound();
        let _ = block_on(store.settle()).unwrap();
        let most = NonZeroU32::MAX;
        assert_eq!(block_on(self.registry.attempts(None, most)).unwrap(), []);
        let rows = block_on(self.registry.claims(None, most)).unwrap();
        for name in names {
            let holders = self.holders(name);
            assert!(holders.len() <= 1, "`{name}` is held by {holders:?}");
            let by_registry = rows
                .iter()
                .filter(|row| row.name == tenancy_sharded::Name::Claim(claim(name)))
                .map(|row| row.organization);
            assert_eq!(by_registry.collect::<Vec<_>>(), holders);
            let by_store = block_on(store.claimed_by(&claim(name))).unwrap();
            assert_eq!(by_store, holders.first().copied());
        }
        for organization in organizations {
            for (_, shard) in &self.shards {
                shard.verify(*organization).unwrap();
            }
        }
    }
}
