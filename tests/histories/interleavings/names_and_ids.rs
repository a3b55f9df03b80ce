//! What is unique beyond one organization's version: domain names across organizations, and commits.

use std::num::NonZeroU32;
use tenancy::commands::{
    CreateDomain, CreateOrganization, CreateWorkspace, DeleteDomain, ReleaseDomainName,
};

use tenancy::store::{Directory as _, List, MemoryRepository};
use tenancy::{CommitId, DomainKind, Name, Paging, Version, block_on};

use super::harness::{Founded, ONE_OF_TWO, Writers, every_order_leaves, sets, wants, wants_as};
use tenancy_tests::world::{Acme, operator, user};

fn create(there: Acme) -> CreateDomain {
    CreateDomain {
        organization: there.organization,
        workspace: there.workspace,
        name: "api".parse().unwrap(),
        kind: DomainKind::Production,
    }
}

/// Ann's Acme beside Zoe's Zebra.
fn acme_and_zebra() -> (Founded, Acme) {
    let world = Founded::new();
    let zebra = world.born(&user("zoe"), "Zebra");
    (world, zebra)
}

/// The name's domains, in both organizations together.
fn domains(world: &Founded) -> usize {
    let store = world.tenancy.repository();
    let states = world
        .organizations()
        .into_iter()
        .filter_map(|id| store.state(id));
    states.map(|state| state.domains().count()).sum()
}

#[test]
fn d2_two_organizations_that_create_one_name_make_one_domain() {
    let begin = || {
        let (world, zebra) = acme_and_zebra();
        let writers = vec![
            wants(&user("ann"), create(world.acme)),
            wants(&user("zoe"), create(zebra)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| assert_eq!(domains(world), 1));
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

/// Acme had the domain, and deleted it.
fn acme_keeps_the_name() -> (Founded, Acme) {
    let (world, zebra) = acme_and_zebra();
    let domain = world.does(&user("ann"), create(world.acme));
    let organization = world.acme.organization;
    let delete = DeleteDomain {
        organization,
        domain,
    };
    world.does(&user("ann"), delete);
    (world, zebra)
}

fn release(world: &Founded) -> ReleaseDomainName {
    ReleaseDomainName {
        organization: world.acme.organization,
        name: "api".parse().unwrap(),
    }
}

#[test]
fn d2_another_organization_gets_a_deleted_name_only_after_its_release() {
    let begin = || {
        let (world, zebra) = acme_keeps_the_name();
        let writers = vec![
            wants(&user("zoe"), create(zebra)),
            wants(&operator(), release(&world)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        assert_eq!(domains(world), usize::from(ended[0]));
    });
    assert_eq!(outcomes, sets([[true, true], [false, true]]));
}

#[test]
fn d2_a_name_that_is_used_again_is_not_released() {
    let begin = || {
        let (world, _) = acme_keeps_the_name();
        let writers = vec![
            wants(&user("ann"), create(world.acme)),
            wants(&operator(), release(&world)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| assert_eq!(domains(world), 1));
    // Used again first, there is nothing to release; released first, it is claimed anew.
    assert_eq!(outcomes, sets([[true, false], [true, true]]));
}

#[test]
fn d2_a_released_name_goes_to_one_of_those_who_want_it() {
    let begin = || {
        let (world, zebra) = acme_keeps_the_name();
        let writers = vec![
            wants(&user("ann"), create(world.acme)),
            wants(&operator(), release(&world)),
            wants(&user("zoe"), create(zebra)),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| assert_eq!(domains(world), 1));
    assert_eq!(
        outcomes,
        sets([
            [true, false, false], // used again before the release
            [true, true, false],  // released, Acme first
            [false, true, true],  // released, Zebra first
        ])
    );
}

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

#[test]
fn a_request_that_is_sent_twice_at_once_is_one_commit() {
    let begin = || {
        let world = Founded::new().quota(5);
        let organization = world.acme.organization;
        let create = CreateWorkspace {
            organization,
            name: name("Payments"),
        };
        let id = CommitId::new();
        let ann = user("ann");
        let writers = vec![
            wants_as(id, &ann, create.clone()),
            wants_as(id, &ann, create),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let state = world.state();
        assert_eq!(state.workspaces().count(), 2, "the first one, and one more");
        assert_eq!(state.version(), Version::new(3));
    });
    assert_eq!(
        outcomes,
        sets([[true, true]]),
        "both are told that it is done"
    );
}

#[test]
fn an_organization_that_is_asked_for_twice_at_once_is_one() {
    let begin = || -> (Founded, Writers<MemoryRepository>) {
        let world = Founded::new();
        let create = CreateOrganization {
            name: name("Zebra"),
        };
        let id = CommitId::new();
        let zoe = user("zoe");
        let writers = vec![
            wants_as(id, &zoe, create.clone()),
            wants_as(id, &zoe, create),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        let zoes = block_on(world.tenancy.organizations(&user("zoe"), Paging::default())).unwrap();
        assert_eq!(zoes.items.len(), 1);
        let store = world.tenancy.repository();
        let list = List::Log {
            organization: zoes.items[0].id,
            after: Version::ABSENT,
        };
        let log = block_on(store.list(&list, NonZeroU32::MAX)).unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!(store.verify(zoes.items[0].id), Ok(()));
    });
    assert_eq!(outcomes, sets([[true, true]]));
}

#[test]
fn one_id_for_two_requests_at_once_is_one_of_them() {
    let begin = || {
        let world = Founded::new().quota(5);
        let organization = world.acme.organization;
        let create = CreateWorkspace {
            organization,
            name: name("Payments"),
        };
        let rename = tenancy::commands::RenameOrganization {
            organization,
            name: name("Acme SAS"),
        };
        let id = CommitId::new();
        let ann = user("ann");
        let writers = vec![wants_as(id, &ann, create), wants_as(id, &ann, rename)];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, _| {
        assert_eq!(world.state().version(), Version::new(3), "one commit");
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}

#[test]
fn a6_one_id_for_requests_in_two_organizations_at_once_is_one_of_them() {
    let begin = || {
        let (world, zebra) = acme_and_zebra();
        let id = CommitId::new();
        let writers = vec![
            wants_as(id, &user("ann"), world.acme.rename("Acme SAS")),
            wants_as(id, &user("zoe"), zebra.rename("Zebra SAS")),
        ];
        (world, writers)
    };
    let outcomes = every_order_leaves(begin, |world, ended| {
        let store = world.tenancy.repository();
        let states = world
            .organizations()
            .into_iter()
            .filter_map(|id| store.state(id));
        let renamed = states.filter(|state| {
            let name = state.organization().map(|row| row.name.as_str().to_owned());
            name.is_some_and(|name| name.ends_with("SAS"))
        });
        assert_eq!(renamed.count(), ended.iter().filter(|done| **done).count());
    });
    assert_eq!(outcomes, sets(ONE_OF_TWO));
}
