//! What is linear by nature: a removal with as many workspace roles, an Admin who leaves with as many open invitations.

use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tenancy::commands::{
    AcceptInvitation, CreateOrganization, CreateWorkspace, GiveWorkspaceRole, InviteToOrganization,
    LeaveOrganization, RemoveMember,
};
use tenancy::store::{MemoryRepository, Repository};
use tenancy::{
    Actor, Name, OrganizationId, OrganizationRole, Settings, Tenancy, UserId, VerifiedEmail,
    WorkspaceRole, block_on,
};
use tenancy_sqlite::{Durability, Options, SqliteRepository};

use crate::report::{grouped, table};

fn actor(name: &str) -> Actor {
    let address = format!("{name}@acme.example");
    let email = VerifiedEmail::attest(address.parse().expect("an address"));
    Actor::user(UserId::from_external(name), email)
}

/// Acme, of Ann and of Ben, both Admins.
fn acme<R: Repository>(store: R) -> (Tenancy<R>, OrganizationId) {
    let settings = Settings {
        default_workspace_quota: NonZeroU32::MAX,
        daily_link_limit: u32::MAX,
        ..Settings::default()
    };
    let tenancy = Tenancy::new(store).with_settings(settings);
    let create = CreateOrganization {
        name: Name::new("Acme").expect("a name"),
    };
    let created = block_on(tenancy.execute(&actor("ann"), create)).expect("it is created");
    let organization = created.output.organization;
    let invite = InviteToOrganization {
        organization,
        email: "ben@acme.example".parse().expect("an address"),
        role: OrganizationRole::Admin,
    };
    let invited = block_on(tenancy.execute(&actor("ann"), invite)).expect("he is invited");
    let token = invited.output.token.expect("a link");
    block_on(tenancy.execute(&actor("ben"), AcceptInvitation { token })).expect("he accepts");
    (tenancy, organization)
}

fn removal<R: Repository>(store: R, roles: u32) -> Duration {
    let (tenancy, organization) = acme(store);
    let (ann, user) = (actor("ann"), UserId::from_external("ben"));
    for number in 0..roles {
        let create = CreateWorkspace {
            organization,
            name: Name::new(&format!("Workspace {number}")).expect("a name"),
        };
        let workspace = block_on(tenancy.execute(&ann, create)).expect("it is created");
        let give = GiveWorkspaceRole {
            organization,
            workspace: workspace.output,
            user,
            role: WorkspaceRole::Developer,
        };
        block_on(tenancy.execute(&ann, give)).expect("it is given");
    }
    let began = Instant::now();
    block_on(tenancy.execute(&ann, RemoveMember { organization, user })).expect("he goes");
    began.elapsed()
}

fn leaving<R: Repository>(store: R, invitations: u32) -> Duration {
    let (tenancy, organization) = acme(store);
    let ben = actor("ben");
    for number in 0..invitations {
        let invite = InviteToOrganization {
            organization,
            email: format!("p{number}@acme.example")
                .parse()
                .expect("an address"),
            role: OrganizationRole::Member,
        };
        block_on(tenancy.execute(&ben, invite)).expect("they are invited");
    }
    let began = Instant::now();
    block_on(tenancy.execute(&ben, LeaveOrganization { organization })).expect("he goes");
    began.elapsed()
}

/// The median of five, in microseconds an item.
fn micros(items: u32, run: impl Fn() -> Duration) -> f64 {
    let mut times: Vec<_> = (0..5).map(|_| run()).collect();
    times.sort_unstable();
    times[2].as_secs_f64() * 1e6 / f64::from(items)
}

/// The table, of as many as 100 and of so many.
pub(crate) fn measure(many: u32) -> String {
    let options = Options {
        durability: Durability::ProcessCrash,
        ..Options::default()
    };
    let sqlite = |run: fn(SqliteRepository, u32) -> Duration, items| {
        micros(items, || {
            let directory = tempfile::tempdir().expect("a directory");
            let path = directory.path().join("tenancy.db");
            run(
                SqliteRepository::open_with(path, &options).expect("a store"),
                items,
            )
        })
    };
    let memory = |run: fn(MemoryRepository, u32) -> Duration, items| {
        micros(items, || run(MemoryRepository::new(), items))
    };
    let row = |what: &str, times: [f64; 2]| {
        let [few, many] = times.map(|time| format!("{time:.1}"));
        vec![what.to_owned(), few, many]
    };
    let items = [100, many];
    table([
        vec![
            "what goes, in µs an item".to_owned(),
            "of 100".to_owned(),
            format!("of {}", grouped(many as usize)),
        ],
        row(
            "a member with so many workspace roles, in memory",
            items.map(|items| memory(removal, items)),
        ),
        row(
            "the same on SQLite",
            items.map(|items| sqlite(removal, items)),
        ),
        row(
            "an Admin with so many open invitations, in memory",
            items.map(|items| memory(leaving, items)),
        ),
        row(
            "the same on SQLite",
            items.map(|items| sqlite(leaving, items)),
        ),
    ])
}
