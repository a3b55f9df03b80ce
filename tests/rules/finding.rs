//! What operators look for: organizations by name, by a member's address, by a domain's name, and all of them.

use tenancy::store::OrganizationStatus;
use tenancy::text::NameKey;
use tenancy::views::FoundOrganization;
use tenancy::{OrganizationId, OrganizationRole, Paging, block_on};
use tenancy_tests::world::*;

fn named(world: &World, beginning: &str) -> Vec<String> {
    let (beginning, staff) = (name(beginning), operator());
    let found = world
        .tenancy
        .organizations_named(&staff, &beginning, Paging::first(50));
    names(&block_on(found).unwrap().items)
}

fn names(found: &[FoundOrganization]) -> Vec<String> {
    let names = found.iter().map(|found| found.name.as_str().to_owned());
    names.collect()
}

#[test]
fn a2_operators_find_organizations_by_what_their_name_begins_with_however_it_is_written() {
    let world = World::new();
    let ann = user("ann");
    let acme = world.born(&ann, "Acme Straßenbau");
    for called in ["ACME", "acme  Süd", "The Acme", "Acne", "Ac_e"] {
        world.born(&ann, called);
    }
    let found = ["ACME", "Acme Straßenbau", "acme  Süd"];
    assert_eq!(named(&world, "acME"), found);
    assert_eq!(named(&world, "ACME STRASS"), ["Acme Straßenbau"]);
    assert_eq!(named(&world, "acme süd"), ["acme  Süd"]);
    assert_eq!(named(&world, "ac_"), ["Ac_e"]);
    assert_eq!(named(&world, "acmes"), [""; 0]);
    // By what it is called now.
    world.does(&ann, acme.rename("Zoë's"));
    assert_eq!(named(&world, "acme"), ["ACME", "acme  Süd"]);
    assert_eq!(named(&world, "ZOË"), ["Zoë's"]);
}

#[test]
fn o6_t4_operators_see_of_what_they_find_whether_it_is_suspended_or_deleted() {
    let world = World::new();
    let ann = user("ann");
    let [used, suspended, deleted] = ["Acme 1", "Acme 2", "Acme 3"].map(|it| world.born(&ann, it));
    world.does(&operator(), suspended.suspend("unpaid"));
    world.does(&ann, deleted.delete_workspace(deleted.workspace));
    world.does(&ann, deleted.delete());
    let expected = [
        (used, OrganizationStatus::Active, None),
        (
            suspended,
            OrganizationStatus::Suspended,
            Some(line("unpaid")),
        ),
        (deleted, OrganizationStatus::Deleted, None),
    ];
    let expected = expected.map(|(it, status, why)| (it.organization, status, why));
    let (beginning, staff) = (name("acme"), operator());
    let by_name = world
        .tenancy
        .organizations_named(&staff, &beginning, Paging::default());
    let all = world.tenancy.all_organizations(&staff, Paging::default());
    for found in [
        block_on(by_name).unwrap().items,
        block_on(all).unwrap().items,
    ] {
        let found = found
            .into_iter()
            .map(|it| (it.id, it.status, it.suspension));
        let mut found: Vec<_> = found.collect();
        found.sort_by_key(|(id, ..)| expected.iter().position(|(due, ..)| due == id));
        assert_eq!(found, expected);
    }
}

#[test]
fn m6_operators_find_every_organization_in_which_a_member_has_an_address() {
    let world = World::new();
    let (acme, globex) = (world.acme(), world.owned_by(&user("zoe"), "Globex"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(&user("zoe"), globex.invite("bob", OrganizationRole::Member));
    let found = |address: &str| -> Vec<OrganizationId> {
        let (address, staff) = (email(address), operator());
        let found = world
            .tenancy
            .organizations_with_member(&staff, &address, Paging::default());
        let found = block_on(found).unwrap().items;
        found.iter().map(|found| found.id).collect()
    };
    // Who is invited is no member yet.
    assert_eq!(found("BOB@acme.example"), [acme.organization]);
    world.does(&bob, accept(&sent));
    let mut both = [acme.organization, globex.organization];
    both.sort();
    assert_eq!(found("bob@acme.example"), both);
    world.does(&user("ann"), acme.suspend_member(&bob));
    assert_eq!(found("bob@acme.example"), both);
    world.does(&user("ann"), acme.remove(&bob));
    assert_eq!(found("bob@acme.example"), [globex.organization]);
    assert_eq!(found("nobody@acme.example"), []);
}

#[test]
fn d2_operators_find_who_has_a_domain_or_keeps_its_name() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let found = || {
        let (name, staff) = (label("shop"), operator());
        let found = world.tenancy.organization_with_domain(&staff, &name);
        block_on(found)
            .unwrap()
            .map(|found| (found.id, found.status))
    };
    assert_eq!(found(), None);
    let shop = world.does(&ann, acme.sandbox("shop"));
    let by_acme = |status| Some((acme.organization, status));
    assert_eq!(found(), by_acme(OrganizationStatus::Active));
    world.does(&ann, acme.delete_domain(shop));
    assert_eq!(found(), by_acme(OrganizationStatus::Active));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    assert_eq!(found(), by_acme(OrganizationStatus::Deleted));
    world.does(&operator(), acme.release("shop"));
    assert_eq!(found(), None);
}

#[test]
fn a2_a_walk_by_cursors_finds_each_once_whatever_is_in_its_name() {
    let world = World::new();
    let ann = user("ann");
    let mut born: Vec<_> = ["A.b", "a b", "A&b/ä?", "ab", "AB", "ab"].into();
    for called in &born {
        world.born(&ann, called);
    }
    let (beginning, staff) = (name("a"), operator());
    let (mut walked, mut paging) = (Vec::new(), Paging::first(1));
    loop {
        let page = world
            .tenancy
            .organizations_named(&staff, &beginning, paging);
        let page = block_on(page).unwrap();
        let cursor = page.cursor();
        walked.extend(names(&page.items));
        let Some(cursor) = cursor else { break };
        let in_a_url = |c: char| c.is_ascii_alphanumeric() || c == '.';
        assert!(cursor.chars().all(in_a_url), "{cursor}");
        paging = Paging::first(1).from_cursor(&cursor).unwrap();
    }
    walked.sort();
    born.sort_unstable();
    assert_eq!(walked, born);
    for forged in ["", "61", ".", "6.00000000000000000000000000000001", "zz"] {
        let page = Paging::<(NameKey, OrganizationId)>::first(1);
        assert!(page.from_cursor(forged).is_err(), "{forged}");
    }
}
