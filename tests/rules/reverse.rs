//! The questions that go backwards, of many people.

use tenancy::{
    Action, DomainAction, DomainId, DomainKind, OrganizationId, OrganizationRole, Paging, RoleBase,
    Tenancy, UserId, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

use crate::outsiders::counting::Counting;
use crate::own_roles::{ForMembers, change, configure, define, give};

/// Everybody who can, page by page, and the most round trips that a page took.
fn walk<A: Action<On = (OrganizationId, DomainId)>>(
    world: &World,
    on: (OrganizationId, DomainId),
    action: A,
    limit: u32,
) -> (Vec<UserId>, usize) {
    let now = world.now();
    let tenancy = Tenancy::new(Counting::new(world.store())).with_clock(move || now);
    let (mut found, mut most) = (Vec::new(), 0);
    let mut paging = Paging::first(limit);
    loop {
        let page = block_on(tenancy.who_can(&user("ann"), on, action, paging)).unwrap();
        most = most.max(tenancy.repository().taken().len());
        found.extend(page.items.iter().map(|holder| holder.user));
        match page.next {
            Some(next) => paging = paging.after(next),
            None => return (found, most),
        }
    }
}

#[test]
fn a5_a_page_of_who_can_takes_a_few_round_trips_however_many_they_are() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sandbox = (
        acme.organization,
        world.does(&ann, acme.sandbox("acme-sandbox")),
    );
    let adds = configure(DomainKind::Sandbox);
    let tester = world.does(&ann, define(acme, "Tester", RoleBase::Reader, adds));
    let mut people = vec![ann.clone()];
    for number in 0..40 {
        let who = format!("p{number}");
        people.push(match number % 5 {
            0 => world.member(acme, &who, OrganizationRole::Member),
            1 => world.member(acme, &who, OrganizationRole::Admin),
            2 => world.workspace_member(acme, &who, WorkspaceRole::Developer),
            _ => world.workspace_member(acme, &who, WorkspaceRole::Reader),
        });
        if number % 5 == 3 {
            world.does(&ann, give(acme, people.last().unwrap(), tester));
        }
    }
    let can = |may: &dyn Fn(&tenancy::Actor) -> bool| {
        let mut can: Vec<_> = people.iter().filter(|who| may(who)).map(id).collect();
        can.sort();
        can
    };
    let configure = can(&|who| world.may(who, sandbox, DomainAction::Configure));
    let for_members = can(&|who| world.may(who, sandbox, ForMembers));
    assert_eq!((configure.len(), for_members.len()), (1 + 8 * 3, 8 * 3));
    for limit in [1, 2, 3, 7, 50] {
        let (found, trips) = walk(&world, sandbox, DomainAction::Configure, limit);
        assert_eq!(found, configure, "in pages of {limit}");
        assert!(trips <= 5, "{trips} round trips for a page of {limit}");
        let (found, trips) = walk(&world, sandbox, ForMembers, limit);
        assert_eq!(found, for_members, "in pages of {limit}");
        assert!(trips <= 5, "{trips} round trips for a page of {limit}");
    }
}

#[test]
fn r1_a_page_of_who_can_takes_a_few_round_trips_however_many_roles_let_them() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sandbox = (
        acme.organization,
        world.does(&ann, acme.sandbox("acme-sandbox")),
    );
    let adds = configure(DomainKind::Sandbox);
    let role = |number: usize| {
        let base = [RoleBase::Member, RoleBase::Reader][number % 2];
        world.does(&ann, define(acme, &format!("R{number}"), base, adds))
    };
    let roles: Vec<_> = (0..32).map(role).collect();
    let mut can = vec![id(&ann)];
    for (number, role) in (0..3).flat_map(|_| roles.iter().enumerate()) {
        let who = format!("p{}", can.len());
        let who = world.member(acme, &who, OrganizationRole::Member);
        if number % 2 == 0 {
            world.does(&ann, change(acme, &who, *role));
        } else {
            world.does(&ann, give(acme, &who, *role));
        }
        can.push(id(&who));
    }
    can.sort();
    for limit in [1, 7, 200] {
        let (found, trips) = walk(&world, sandbox, DomainAction::Configure, limit);
        assert_eq!(found, can, "in pages of {limit}");
        assert!(trips <= 6, "{trips} round trips for a page of {limit}");
    }
}
