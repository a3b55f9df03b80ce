//! A check, and the loads of commands.

use std::cell::Cell;
use std::hint::black_box;
use std::path::Path;

use rusqlite::Connection;
use tenancy::{store::*, *};
use tenancy_sqlite::{Calls, Options, SqliteRepository};

use crate::measure::compare;
use crate::world::{World, fill, quick};

/// A check, as one would write it by hand: the same joins, roles as numbers.
const CHECK: &str = "SELECT o.version, o.status, m.role, wm.role, w.id, d.id FROM tenancy_organizations o \
    LEFT JOIN tenancy_members m ON m.organization_id = o.id AND m.user_id = ?2 \
    LEFT JOIN tenancy_domains d ON d.organization_id = o.id AND d.id = ?3 \
    LEFT JOIN tenancy_workspaces w ON w.organization_id = o.id AND w.id = d.workspace_id \
    LEFT JOIN tenancy_workspace_members wm \
        ON wm.organization_id = o.id AND wm.workspace_id = w.id AND wm.user_id = ?2 \
    WHERE o.id = ?1";

pub(crate) fn run(directory: &Path, test: bool) {
    let path = directory.join("tenancy.db");
    let quick = quick();
    let store = SqliteRepository::open_with(&path, &quick).unwrap();
    let world = fill(&store);

    let threaded = Options {
        calls: Calls::OnThreads,
        ..quick.clone()
    };
    let on_threads = SqliteRepository::open_with(&path, &threaded).unwrap();
    let by_hand = Connection::open(&path).unwrap();
    by_hand
        .set_db_config(
            rusqlite::config::DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG,
            true,
        )
        .unwrap();

    println!("one check, of a random user at a random domain");
    let (rounds, size) = if test { (1, 10) } else { (300, 200) };
    let random = Cell::new(1_u64);
    compare(
        rounds,
        size,
        &mut [
            ("by hand, one statement", &mut || {
                let (user, organization, domain) = some(&world, &random);
                check_by_hand(&by_hand, user, organization, domain);
            }),
            ("in place", &mut || {
                let (user, organization, domain) = some(&world, &random);
                let standing = store.standing(user, (organization, domain).into());
                assert!(block_on(standing).unwrap().is_some());
            }),
            ("on threads", &mut || {
                let (user, organization, domain) = some(&world, &random);
                let standing = on_threads.standing(user, (organization, domain).into());
                assert!(block_on(standing).unwrap().is_some());
            }),
        ],
    );
    println!("\none load of a command's facts, in place");
    let key = |keys: fn(UserId, OrganizationId, DomainId) -> Vec<Key>| {
        let (user, organization, domain) = some(&world, &random);
        let keys = keys(user, organization, domain);
        assert!(block_on(store.load(organization, &keys)).unwrap().is_some());
    };
    compare(
        rounds,
        size,
        &mut [
            ("a path to the organization", &mut || {
                key(|user, organization, _| vec![Key::Path(user, organization.into())]);
            }),
            ("a path to a domain", &mut || {
                key(|user, organization, domain| {
                    vec![Key::Path(user, (organization, domain).into())]
                });
            }),
            ("a person", &mut || {
                key(|user, _, _| vec![Key::Person(user)]);
            }),
        ],
    );
}

fn check_by_hand(
    connection: &Connection,
    user: UserId,
    organization: OrganizationId,
    domain: DomainId,
) {
    let mut statement = connection.prepare_cached(CHECK).unwrap();
    let row = statement
        .query_row(
            (
                organization.as_uuid().into_bytes(),
                user.as_uuid().into_bytes(),
                domain.as_uuid().into_bytes(),
            ),
            |row| {
                Ok((
                    row.get::<_, i64>(0)?,
                    row.get::<_, i64>(1)?,
                    row.get::<_, Option<i64>>(2)?,
                    row.get::<_, Option<i64>>(3)?,
                    row.get::<_, Option<[u8; 16]>>(4)?,
                    row.get::<_, Option<[u8; 16]>>(5)?,
                ))
            },
        )
        .unwrap();
    black_box(row);
}

fn some(world: &World, random: &Cell<u64>) -> (UserId, OrganizationId, DomainId) {
    // A linear congruential generator: the same for all.
    let next = random.get().wrapping_mul(6_364_136_223_846_793_005);
    random.set(next.wrapping_add(1_442_695_040_888_963_407));
    let at = (random.get() >> 33) as usize;
    let (organization, domain) = world.domains[at % world.domains.len()];
    let user = world.users[(at / 7) % world.users.len()];
    (user, organization, domain)
}
