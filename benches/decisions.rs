//! What a check and a command cost, beside the same check on hand-written hash maps, in one run.
//!
//! `cargo bench` prints medians. Machines are noisy: compare lines of one run, never two runs.
//!
//! The population: organizations of 5 workspaces with 4 domains each and 20 members (1 Admin, 1
//! Accounting, 18 Members with a role in one or two workspaces). Checks are random: on organizations,
//! workspaces and domains, about 4 % of them by outsiders. Both engines must agree on every decision.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a benchmark that goes wrong should stop"
)]

use std::collections::{HashMap, HashSet};
use std::hint::black_box;
use std::time::Duration;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tenancy::commands::{
    AppointAdmin, ChangeOrganizationRole, CreateDomain, CreateOrganization, CreateWorkspace,
    GiveWorkspaceRole, InviteToOrganization, SetWorkspaceQuota,
};
use tenancy::store::{Commit, MemoryRepository, Outcome, Repository};
use tenancy::{
    Actor, DomainAction, DomainId, DomainKind, OrganizationAction, OrganizationId,
    OrganizationRole, Resource, Settings, Standing, Tenancy, UserId, WorkspaceAction, WorkspaceId,
    WorkspaceRole, block_on,
};
use tenancy_tests::world::{id, label, name, operator, user};

/// A small generator, so that every run asks the same questions.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % n as u64).unwrap_or(0)
    }
}

/// The same facts as a service writes them down by hand.
#[derive(Default)]
struct ByHand {
    members: HashMap<(OrganizationId, UserId), OrganizationRole>,
    workspaces: HashSet<(OrganizationId, WorkspaceId)>,
    workspace_members: HashMap<(WorkspaceId, UserId), WorkspaceRole>,
    domains: HashMap<(OrganizationId, DomainId), WorkspaceId>,
}

impl ByHand {
    fn may_view_organization(&self, user: UserId, organization: OrganizationId) -> bool {
        self.members.contains_key(&(organization, user))
    }

    fn may_manage(
        &self,
        user: UserId,
        organization: OrganizationId,
        workspace: WorkspaceId,
    ) -> bool {
        if !self.workspaces.contains(&(organization, workspace)) {
            return false;
        }
        match self.members.get(&(organization, user)) {
            None => false,
            Some(OrganizationRole::Admin) => true,
            Some(_) => {
                self.workspace_members.get(&(workspace, user)) == Some(&WorkspaceRole::Admin)
            }
        }
    }

    fn may_configure(&self, user: UserId, organization: OrganizationId, domain: DomainId) -> bool {
        let Some(workspace) = self.domains.get(&(organization, domain)) else {
            return false;
        };
        match self.members.get(&(organization, user)) {
            None => false,
            Some(OrganizationRole::Admin) => true,
            Some(_) => self
                .workspace_members
                .get(&(*workspace, user))
                .is_some_and(|role| *role >= WorkspaceRole::Developer),
        }
    }
}

struct Population {
    tenancy: Tenancy<MemoryRepository>,
    by_hand: ByHand,
    asks: Vec<(UserId, Resource)>,
}

/// Puts a member in: appointed by the vendor, then given the role.
fn place(
    tenancy: &Tenancy<MemoryRepository>,
    organization: OrganizationId,
    admin: &Actor,
    who: &Actor,
    role: OrganizationRole,
) {
    let user = id(who);
    let appoint = AppointAdmin {
        organization,
        user,
        email: who.verified_email().expect("theirs").clone(),
    };
    block_on(tenancy.execute(&operator(), appoint)).expect("appointed");
    if role != OrganizationRole::Admin {
        let demote = ChangeOrganizationRole {
            organization,
            user,
            role,
        };
        block_on(tenancy.execute(admin, demote)).expect("demoted");
    }
}

fn population(organizations: usize) -> Population {
    // One address is invited again and again: more often than a day allows (I8).
    let settings = Settings {
        daily_link_limit: u32::MAX,
        resend_pause: Duration::ZERO,
        ..Settings::default()
    };
    let tenancy = Tenancy::new(MemoryRepository::new()).with_settings(settings);
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut by_hand = ByHand::default();
    let mut asks = Vec::new();
    for o in 0..organizations {
        let admin = user(&format!("admin{o}"));
        let admin_id = id(&admin);
        let created = block_on(tenancy.execute(&admin, CreateOrganization { name: name("Acme") }))
            .expect("created")
            .output;
        let organization = created.organization;
        block_on(tenancy.execute(
            &operator(),
            SetWorkspaceQuota {
                organization,
                quota: 5,
            },
        ))
        .expect("raised");
        let mut workspaces = vec![created.workspace];
        for w in 1..5 {
            let create = CreateWorkspace {
                organization,
                name: name(&format!("Workspace {w}")),
            };
            workspaces.push(
                block_on(tenancy.execute(&admin, create))
                    .expect("created")
                    .output,
            );
        }
        let mut domains = Vec::new();
        for workspace in &workspaces {
            by_hand.workspaces.insert((organization, *workspace));
            for _ in 0..4 {
                let called = format!("d{}", domains.len() + o * 20);
                let create = CreateDomain {
                    organization,
                    workspace: *workspace,
                    name: label(&called),
                    kind: DomainKind::Sandbox,
                };
                let domain = block_on(tenancy.execute(&admin, create))
                    .expect("created")
                    .output;
                by_hand.domains.insert((organization, domain), *workspace);
                domains.push(domain);
            }
        }
        by_hand
            .members
            .insert((organization, admin_id), OrganizationRole::Admin);
        let mut users = vec![admin_id];
        for u in 1..20 {
            let who = user(&format!("user{o}-{u}"));
            let user = id(&who);
            let role = if u == 1 {
                OrganizationRole::Accounting
            } else {
                OrganizationRole::Member
            };
            place(&tenancy, organization, &admin, &who, role);
            by_hand.members.insert((organization, user), role);
            users.push(user);
            if u > 1 {
                for w in 0..=(u % 2) {
                    let workspace = workspaces[(u + w) % 5];
                    let role = WorkspaceRole::ALL[random.below(3)];
                    let give = GiveWorkspaceRole {
                        organization,
                        workspace,
                        user,
                        role,
                    };
                    block_on(tenancy.execute(&admin, give)).expect("given");
                    by_hand.workspace_members.insert((workspace, user), role);
                }
            }
        }
        for _ in 0..200 {
            let user = if random.below(25) == 0 {
                id(&user("outsider"))
            } else {
                users[random.below(20)]
            };
            let resource = match random.below(3) {
                0 => Resource::Organization(organization),
                1 => Resource::Workspace(organization, workspaces[random.below(5)]),
                _ => Resource::Domain(organization, domains[random.below(20)]),
            };
            asks.push((user, resource));
        }
    }
    for i in (1..asks.len()).rev() {
        asks.swap(i, random.below(i + 1));
    }
    Population {
        tenancy,
        by_hand,
        asks,
    }
}

fn by_hand(maps: &ByHand, user: UserId, resource: Resource) -> bool {
    match resource {
        Resource::Organization(o) => maps.may_view_organization(user, o),
        Resource::Workspace(o, w) => maps.may_manage(user, o, w),
        Resource::Domain(o, d) => maps.may_configure(user, o, d),
    }
}

fn ours(tenancy: &Tenancy<MemoryRepository>, user: UserId, resource: Resource) -> bool {
    let standing = block_on(tenancy.standing(&Actor::unverified(user), resource));
    let standing = standing.expect("the store works");
    standing.is_some_and(|standing| decide(&standing, resource))
}

fn decide(standing: &Standing, resource: Resource) -> bool {
    match resource {
        Resource::Organization(_) => standing.decide(OrganizationAction::View).is_allowed(),
        Resource::Workspace(..) => standing.decide(WorkspaceAction::ManageRoles).is_allowed(),
        Resource::Domain(..) => standing.decide(DomainAction::Configure).is_allowed(),
    }
}

fn checks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("check");
    let one = population(1);
    let may = |(user, resource): &&(UserId, Resource)| {
        matches!(resource, Resource::Domain(..)) && by_hand(&one.by_hand, *user, *resource)
    };
    let (user, resource) = one.asks.iter().find(may).expect("somebody may");
    let standing = block_on(one.tenancy.standing(&Actor::unverified(*user), *resource))
        .expect("the store works")
        .expect("a member");
    group.bench_function("decide on a loaded standing", |bencher| {
        bencher.iter(|| black_box(&standing).decide(black_box(DomainAction::Configure)));
    });

    for organizations in [10, 1_000] {
        let all = population(organizations);
        for (user, resource) in &all.asks {
            assert_eq!(
                by_hand(&all.by_hand, *user, *resource),
                ours(&all.tenancy, *user, *resource),
                "both engines agree on {user} at {resource}"
            );
        }
        let mut next = all.asks.iter().cycle();
        group.bench_function(
            format!("by hand on hash maps, {organizations} organizations"),
            |bencher| {
                bencher.iter(|| {
                    let (user, resource) = next.next().expect("endless");
                    by_hand(&all.by_hand, *user, *resource)
                });
            },
        );
        let mut next = all.asks.iter().cycle();
        group.bench_function(
            format!("memory store, {organizations} organizations"),
            |bencher| {
                bencher.iter(|| {
                    let (user, resource) = next.next().expect("endless");
                    ours(&all.tenancy, *user, *resource)
                });
            },
        );
    }
    group.finish();
}

fn commands(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("command on the memory store");
    let all = population(1);
    let admin = user("admin0");
    let organization = all.asks[0].1.organization();
    let member = id(&user("user0-2"));
    let tenancy = &all.tenancy;

    group.bench_function("create an organization", |bencher| {
        bencher.iter(|| {
            block_on(tenancy.execute(&admin, CreateOrganization { name: name("Acme") }))
                .expect("created")
        });
    });
    let mut n = 0_u64;
    group.bench_function("create a domain", |bencher| {
        let workspace = tenancy
            .repository()
            .state(organization)
            .expect("there")
            .workspaces()
            .next()
            .expect("one")
            .id;
        bencher.iter_batched(
            || {
                n += 1;
                let name = label(&format!("bench-{n}"));
                CreateDomain {
                    organization,
                    workspace,
                    name,
                    kind: DomainKind::Sandbox,
                }
            },
            |create| block_on(tenancy.execute(&admin, create)).expect("created"),
            BatchSize::SmallInput,
        );
    });
    let mut roles = [OrganizationRole::Accounting, OrganizationRole::Member]
        .into_iter()
        .cycle();
    group.bench_function("change an organization role", |bencher| {
        bencher.iter(|| {
            let role = roles.next().expect("endless");
            block_on(tenancy.execute(
                &admin,
                ChangeOrganizationRole {
                    organization,
                    user: member,
                    role,
                },
            ))
            .expect("changed")
        });
    });
    group.bench_function("invite, again and again", |bencher| {
        bencher.iter(|| {
            let email = "new@acme.example".parse().expect("a good address");
            let invite = InviteToOrganization {
                organization,
                email,
                role: OrganizationRole::Member,
            };
            block_on(tenancy.execute(&admin, invite)).expect("invited")
        });
    });
    group.bench_function("decide only: prepare a role change", |bencher| {
        bencher.iter(|| {
            let role = roles.next().expect("endless");
            block_on(tenancy.prepare(
                &admin,
                ChangeOrganizationRole {
                    organization,
                    user: member,
                    role,
                },
            ))
            .expect("prepared")
        });
    });
    let stale: Commit = {
        let role = OrganizationRole::Accounting;
        let user = id(&user("user0-3"));
        let change = ChangeOrganizationRole {
            organization,
            user,
            role,
        };
        let prepared = block_on(tenancy.prepare(&admin, change))
            .expect("prepared")
            .commit
            .expect("a change");
        assert_eq!(
            block_on(tenancy.repository().commit(&prepared)).expect("works"),
            Outcome::Committed
        );
        prepared
    };
    group.bench_function("a lost race: conflict", |bencher| {
        bencher.iter(|| block_on(tenancy.repository().commit(&stale)).expect("works"));
    });
    group.finish();
}

criterion_group!(benches, checks, commands);
criterion_main!(benches);
