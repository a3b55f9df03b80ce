//! Random histories on three shards: once every entry of their logs has come by, in whatever order, the index's lists are
//! those that the shards make together.

use std::num::{NonZeroU32, NonZeroU64};

use tenancy::commands::{
    AcceptReceivedInvitation, ChangeOrganizationRole, Command, CreateDomain, CreateOrganization,
    CreateWorkspace, DeclineReceivedInvitation, DefineRole, DeleteDomain, DeleteOrganization,
    DeleteWorkspace, FollowEmailChange, GiveWorkspaceRole, InviteToOrganization, InviteToWorkspace,
    LeaveOrganization, MoveDomain, ReinstateMember, ReinstateOrganization, RemoveMember,
    RenameOrganization, RenameWorkspace, ResendInvitation, RevokeInvitation, SetWorkspaceQuota,
    SuspendMember, SuspendOrganization, TakeWorkspaceRole,
};
use tenancy::store::{Directory, Item, List, MemoryRepository, OrganizationState};
use tenancy::{
    Actor, DomainKind, DomainName, Error, Grants, Limits, LogEntry, Name, Operator, OrganizationId,
    OrganizationRole, RoleBase, Settings, Tenancy, UserId, VerifiedEmail, Version, WorkspaceRole,
    block_on,
};
use tenancy_sharded::{MemoryLists, MemoryRegistry, Shard, Sharded, WithLists};

use crate::pages::{Alike, Compared, agree};

type Store = Sharded<MemoryRepository, MemoryRegistry>;

const ADDRESSES: [&str; 7] = [
    "u0@x.example",
    "u1@x.example",
    "u2@x.example",
    "u3@x.example",
    "U4+tag@Bücher.example",
    "new0@x.example",
    "new1@x.example",
];

const NAMES: [&str; 6] = ["Acme", "Acme Labs", "ACME\u{df}", "Beta", "\u{c4}cme", "ac"];

const PREFIXES: [&str; 6] = ["", "a", "acme", "acme labs", "b", "z"];

/// What happens in a story: who wants what comes from numbers that its seed makes.
struct Story {
    store: Store,
    seed: u64,
    /// What an outbox would hand over, in no order.
    outbox: Vec<LogEntry>,
    told: Vec<(OrganizationId, Version)>,
    refused: u32,
}

fn user(number: u64) -> UserId {
    UserId::from_external(&format!("u{number}"))
}

fn actor(user: UserId, address: &str) -> Actor {
    Actor::user(user, VerifiedEmail::attest(address.parse().unwrap()))
}

impl Story {
    fn of(seed: u64) -> Self {
        let shards = ["a", "b", "c"].map(|name| Shard::new(name, MemoryRepository::new()));
        Self {
            store: block_on(Sharded::open(shards, MemoryRegistry::new())).unwrap(),
            seed,
            outbox: Vec::new(),
            told: Vec::new(),
            refused: 0,
        }
    }

    /// A number below another one.
    fn below(&mut self, bound: u64) -> u64 {
        // SplitMix64
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn one<T>(&mut self, of: impl IntoIterator<Item = T>) -> Option<T> {
        let mut of: Vec<_> = of.into_iter().collect();
        if of.is_empty() {
            return None;
        }
        let at = self.below(u64::try_from(of.len()).unwrap());
        Some(of.swap_remove(usize::try_from(at).unwrap()))
    }

    fn name(&mut self) -> Name {
        let name = self.one(NAMES).unwrap();
        Name::new(name).unwrap()
    }

    fn state(&self, id: OrganizationId) -> OrganizationState {
        let shard = self.store.shard_of(id).unwrap();
        shard.store().state(id).unwrap()
    }

    fn does<C: Command>(&mut self, actor: &Actor, command: C) {
        let settings = Settings {
            default_limits: Limits::UNLIMITED,
            resend_pause: std::time::Duration::ZERO,
            ..Settings::default()
        };
        let tenancy = Tenancy::new(&self.store).with_settings(settings);
        match block_on(tenancy.execute(actor, command)) {
            Ok(done) => {
                let (organization, version) = (done.token.organization, done.token.version);
                let list = List::Log {
                    organization,
                    after: Version::new(version.get() - 1),
                };
                let entry = block_on(self.store.list(&list, NonZeroU32::MIN)).unwrap();
                match entry.into_iter().next() {
                    // A command that finds all as it wants it makes no commit.
                    Some(Item::LogEntry(entry))
                        if !self.told.contains(&(organization, version)) =>
                    {
                        self.told.push((organization, version));
                        self.outbox.push(entry);
                    }
                    _ => {}
                }
            }
            Err(Error::Refused(_)) => self.refused += 1,
            Err(other) => panic!("{other:?}"),
        }
    }

    /// Something happens somewhere.
    fn step(&mut self) {
        let all = self.store.shards().iter().flat_map(|shard| {
            let list = List::AllOrganizations { after: None };
            let found = block_on(shard.store().list(&list, NonZeroU32::MAX)).unwrap();
            found.into_iter().filter_map(|item| match item {
                Item::Organization(summary) => Some(summary.id),
                _ => None,
            })
        });
        let all: Vec<_> = all.collect();
        if all.len() < 8 || (all.len() < 14 && self.below(30) == 0) {
            let (number, name) = (self.below(5), self.name());
            let founder = actor(user(number), ADDRESSES[usize::try_from(number).unwrap()]);
            return self.does(&founder, CreateOrganization { name });
        }
        let organization = self.one(all).unwrap();
        let state = self.state(organization);
        let staff = Actor::Operator(Operator::attest("ops".parse().unwrap()));
        let admins = state
            .members()
            .filter(|member| member.role == OrganizationRole::Admin);
        let admin = self.one(admins.map(|member| (member.user, member.email.to_string())));
        let Some((admin, address)) = admin else {
            return;
        };
        let admin = actor(admin, &address);
        let member = self.one(state.members().cloned()).unwrap();
        let workspace = self.one(state.workspaces().map(|workspace| workspace.id));
        let invitation = self.one(state.open_invitations().cloned());
        let domain = self.one(state.domains().map(|domain| domain.id));
        let address = self.one(ADDRESSES).unwrap();
        let email: tenancy::EmailAddress = address.parse().unwrap();
        let organization_role = self.one(OrganizationRole::ALL).unwrap();
        let workspace_role = self.one(WorkspaceRole::ALL).unwrap();
        match self.below(32) {
            0 | 1 => {
                let name = self.name();
                self.does(&admin, RenameOrganization { organization, name });
            }
            2..=4 => self.does(
                &admin,
                InviteToOrganization {
                    organization,
                    email,
                    role: organization_role,
                },
            ),
            5..=8 => {
                if let Some(workspace) = workspace {
                    let role = workspace_role;
                    self.does(
                        &admin,
                        InviteToWorkspace {
                            organization,
                            workspace,
                            email,
                            role,
                        },
                    );
                }
            }
            9..=11 => {
                if let Some(sent) = invitation {
                    let number = self.below(7);
                    let theirs = actor(user(number), sent.email.as_str());
                    let invitation = sent.id;
                    self.does(
                        &theirs,
                        AcceptReceivedInvitation {
                            organization,
                            invitation,
                        },
                    );
                }
            }
            12 => {
                if let Some(sent) = invitation {
                    let theirs = actor(user(6), sent.email.as_str());
                    let invitation = sent.id;
                    self.does(
                        &theirs,
                        DeclineReceivedInvitation {
                            organization,
                            invitation,
                        },
                    );
                }
            }
            13 => {
                if let Some(invitation) = invitation.map(|sent| sent.id) {
                    self.does(
                        &admin,
                        RevokeInvitation {
                            organization,
                            invitation,
                        },
                    );
                }
            }
            14 => {
                if let Some(invitation) = invitation.map(|sent| sent.id) {
                    self.does(
                        &admin,
                        ResendInvitation {
                            organization,
                            invitation,
                        },
                    );
                }
            }
            15 => {
                let user = member.user;
                self.does(&admin, RemoveMember { organization, user });
            }
            16 => {
                let theirs = actor(member.user, member.email.as_str());
                self.does(&theirs, LeaveOrganization { organization });
            }
            17 => {
                let moved = actor(member.user, address);
                self.does(&moved, FollowEmailChange { organization });
            }
            18 => {
                let (user, role) = (member.user, organization_role);
                self.does(
                    &admin,
                    ChangeOrganizationRole {
                        organization,
                        user,
                        role,
                    },
                );
            }
            19 => {
                let (name, quota) = (self.name(), 5);
                self.does(
                    &staff,
                    SetWorkspaceQuota {
                        organization,
                        quota,
                    },
                );
                self.does(&admin, CreateWorkspace { organization, name });
            }
            20 | 21 => {
                let name = self.name();
                if let Some(workspace) = workspace {
                    self.does(
                        &admin,
                        RenameWorkspace {
                            organization,
                            workspace,
                            name,
                        },
                    );
                }
            }
            22 => {
                if let Some(workspace) = workspace {
                    self.does(
                        &admin,
                        DeleteWorkspace {
                            organization,
                            workspace,
                        },
                    );
                }
            }
            23 | 24 => {
                let number = self.seed;
                if let Some(workspace) = workspace {
                    let name = DomainName::new(&format!("d-{number}")).unwrap();
                    let kind = DomainKind::Sandbox;
                    self.does(
                        &admin,
                        CreateDomain {
                            organization,
                            workspace,
                            name,
                            kind,
                        },
                    );
                }
            }
            25 => {
                if let (Some(domain), Some(to)) = (domain, workspace) {
                    self.does(
                        &admin,
                        MoveDomain {
                            organization,
                            domain,
                            to,
                        },
                    );
                }
            }
            26 => {
                if let Some(domain) = domain {
                    self.does(
                        &admin,
                        DeleteDomain {
                            organization,
                            domain,
                        },
                    );
                }
            }
            27 => {
                let (user, role) = (member.user, workspace_role);
                if let Some(workspace) = workspace {
                    self.does(
                        &admin,
                        GiveWorkspaceRole {
                            organization,
                            workspace,
                            user,
                            role,
                        },
                    );
                }
            }
            28 => {
                let user = member.user;
                if let Some(workspace) = workspace {
                    self.does(
                        &admin,
                        TakeWorkspaceRole {
                            organization,
                            workspace,
                            user,
                        },
                    );
                }
            }
            29 => {
                let user = member.user;
                if self.below(2) == 0 {
                    self.does(&admin, SuspendMember { organization, user });
                } else {
                    self.does(&admin, ReinstateMember { organization, user });
                }
            }
            30 => {
                let reason = "unpaid".parse().unwrap();
                self.does(
                    &staff,
                    SuspendOrganization {
                        organization,
                        reason,
                    },
                );
                if self.below(4) > 0 {
                    self.does(&staff, ReinstateOrganization { organization });
                }
            }
            _ => {
                let (name, base) = (self.name(), RoleBase::Member);
                let adds = Grants::default();
                self.does(
                    &admin,
                    DefineRole {
                        organization,
                        name,
                        base,
                        adds,
                    },
                );
                if self.below(6) == 0 {
                    self.does(&admin, DeleteOrganization { organization });
                }
            }
        }
    }

    fn agrees<R: Directory>(&self, index: &R, alike: Alike) -> Compared {
        let users: Vec<_> = (0..7).map(user).collect();
        let lists = (&users[..], &ADDRESSES[..], &PREFIXES[..]);
        block_on(agree((&self.store, index), lists, alike))
    }
}

fn told_every(commits: u64, alike: Alike) {
    let every = NonZeroU64::new(commits).unwrap();
    let (mut items, mut pairs, mut commits, mut refused) = (0, 0, 0, 0);
    for seed in 0..12 {
        let mut story = Story::of(seed);
        let index = WithLists::new(story.store.clone(), MemoryLists::new()).told_every(every);
        for _ in 0..250 {
            story.step();
            // Now and then some entries come by, in no order, and some of them come again.
            while story.below(3) > 0 {
                let entries = story.outbox.clone();
                let Some(entry) = story.one(entries) else {
                    break;
                };
                let _ = block_on(index.follow(std::slice::from_ref(&entry))).unwrap();
                if story.below(4) > 0 {
                    story.outbox.retain(|left| left.id != entry.id);
                }
            }
        }
        for entry in std::mem::take(&mut story.outbox) {
            let _ = block_on(index.follow(&[entry])).unwrap();
        }
        let compared = story.agrees(&index, alike);
        items += compared.items;
        pairs += compared.pairs;
        commits += story.told.len();
        refused += story.refused;
        // One that is filled in says the same, to the letter.
        let anew = WithLists::new(story.store.clone(), MemoryLists::new());
        let filled = block_on(anew.fill_all()).unwrap();
        assert!(filled.failed.is_empty());
        let _ = story.agrees(&anew, Alike::Exactly);
    }
    println!("{commits} commits, {refused} refused; {items} items, {pairs} of them pairs");
    assert!(
        commits > 1_000 && items > 4_000 && pairs > 100,
        "{commits} {items} {pairs}"
    );
}

#[test]
fn lists_say_all_that_the_shards_say_where_every_commit_is_told() {
    told_every(1, Alike::Exactly);
}

#[test]
fn lists_show_what_the_shards_show_where_quiet_commits_are_not_told() {
    told_every(64, Alike::AsShown);
}
