//! D1–D3.

use chrono::TimeDelta;
use tenancy::commands::CreateDomain;
use tenancy::views::KeptDomainName;
use tenancy::{
    Actor, DomainAction, DomainKind, DomainName, DomainStatus, Event, OrganizationAction,
    OrganizationRole, Paging, Refusal, RoleSet, WorkspaceAction, WorkspaceRole,
};

use tenancy_tests::world::*;

fn taken(called: &str) -> Refusal {
    Refusal::DomainNameTaken {
        name: label(called),
    }
}

#[test]
fn d1_a_domain_is_created_as_sandbox_or_production_and_keeps_its_kind_whatever_happens_to_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    for (called, kind) in [
        ("acme-sandbox", DomainKind::Sandbox),
        ("acme", DomainKind::Production),
    ] {
        let create = CreateDomain {
            organization: acme.organization,
            workspace: acme.workspace,
            name: label(called),
            kind,
        };
        let done = world.did(&ann, create);
        let domain = done.output;
        assert_eq!(
            done.events,
            [Event::DomainCreated {
                domain,
                workspace: acme.workspace,
                name: label(called),
                kind
            }]
        );
        world.does(&ann, acme.deactivate(domain));
        world.does(&ann, acme.move_domain(domain, second));
        world.does(&ann, acme.reactivate(domain));
        let read = tenancy::block_on(world.tenancy.domain(&ann, (acme.organization, domain)));
        let read = read.unwrap();
        assert_eq!((read.kind, read.workspace), (kind, second));
    }
}

#[test]
fn d1_developers_and_admins_create_domains() {
    let world = World::new();
    let acme = world.acme();
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let reader = world.workspace_member(acme, "reader", WorkspaceRole::Reader);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&dev, acme.sandbox("by-dev"));
    world.does(&wa, acme.sandbox("by-wa"));
    world.does(&user("ann"), acme.sandbox("by-ann"));
    for (who, has) in [
        (&reader, RoleSet::MEMBER | RoleSet::READER),
        (&cy, RoleSet::ACCOUNTING),
        (&operator(), RoleSet::OPERATOR),
    ] {
        assert_eq!(
            world.refused(who, acme.sandbox("mine")),
            forbidden(WorkspaceAction::CreateDomain, has)
        );
    }
    assert_eq!(
        world.refused(&bob, acme.sandbox("mine")),
        not_found(acme.there())
    );
}

#[test]
fn d2_a_domain_name_is_a_lower_case_dns_label() {
    let longest = "a".repeat(63);
    for good in ["a", "0", "acme-sandbox", "4cme", "a--b", longest.as_str()] {
        assert_eq!(DomainName::new(good).unwrap().as_str(), good);
    }
    let too_long = "a".repeat(64);
    for bad in [
        "", "-a", "a-", "-", "Acme", "a.b", "a_b", "a b", " a", "a\n", "é", "\u{212A}", &too_long,
        "xn--acme",
    ] {
        assert!(DomainName::new(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn d2_a_name_is_unique_in_the_organization_and_across_the_deployment() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let zoe = user("zoe");
    let other = world.owned_by(&zoe, "Other");
    world.does(&ann, acme.sandbox("shop"));
    assert_eq!(world.refused(&ann, acme.sandbox("shop")), taken("shop"));
    assert_eq!(
        world.refused(&ann, acme.sandbox_in(second, "shop")),
        taken("shop")
    );
    assert_eq!(world.refused(&zoe, other.sandbox("shop")), taken("shop"));
    world.does(&zoe, other.sandbox("shop2"));
}

#[test]
fn d2_a_deactivated_domain_keeps_its_name() {
    let world = World::new();
    let acme = world.acme();
    let domain = world.does(&user("ann"), acme.sandbox("shop"));
    world.does(&user("ann"), acme.deactivate(domain));
    assert_eq!(
        world.refused(&user("ann"), acme.sandbox("shop")),
        taken("shop")
    );
}

#[test]
fn d2_a_deleted_domains_name_is_used_again_by_its_organization_and_by_no_other() {
    let world = World::new();
    let acme = world.acme();
    let (ann, zoe) = (user("ann"), user("zoe"));
    let second = world.does(&ann, acme.create_workspace("Second"));
    let other = world.owned_by(&zoe, "Other");
    let first = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(first));
    assert!(world.state(acme).retired_name(&label("shop")).is_some());
    assert_eq!(world.refused(&zoe, other.sandbox("shop")), taken("shop"));

    // Again and again, in any workspace, of any kind.
    let again = world.does(&ann, acme.sandbox_in(second, "shop"));
    assert_ne!(first, again);
    assert!(world.state(acme).retired_name(&label("shop")).is_none());
    assert_eq!(world.refused(&zoe, other.sandbox("shop")), taken("shop"));
    world.does(&ann, acme.delete_domain(again));
    assert_eq!(world.refused(&zoe, other.sandbox("shop")), taken("shop"));
    world.does(
        &ann,
        CreateDomain {
            kind: DomainKind::Production,
            ..acme.sandbox("shop")
        },
    );
}

#[test]
fn d2_an_operator_releases_the_name_and_then_another_organization_gets_it() {
    let world = World::new();
    let acme = world.acme();
    let (ann, zoe) = (user("ann"), user("zoe"));
    let other = world.owned_by(&zoe, "Other");
    let domain = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(domain));
    assert_eq!(
        world.refused(&ann, acme.release("shop")),
        forbidden(
            OrganizationAction::ReleaseDomainName,
            RoleSet::ORGANIZATION_ADMIN
        )
    );
    assert_eq!(
        world.refused(&operator(), other.release("shop")),
        Refusal::DomainNameNotRetired {
            name: label("shop")
        }
    );
    let done = world.did(&operator(), acme.release("shop"));
    assert_eq!(
        done.events,
        [Event::DomainNameReleased {
            name: label("shop")
        }]
    );
    world.does(&zoe, other.sandbox("shop"));
    assert_eq!(world.refused(&ann, acme.sandbox("shop")), taken("shop"));
}

#[test]
fn d2_a_released_name_may_go_back_to_who_had_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let domain = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(domain));
    world.does(&operator(), acme.release("shop"));
    let again = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(again));
    world.does(&operator(), acme.release("shop"));
}

#[test]
fn d2_only_a_deleted_domains_name_is_released() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let kept = |called| Refusal::DomainNameNotRetired {
        name: label(called),
    };
    assert_eq!(
        world.refused(&operator(), acme.release("shop")),
        kept("shop")
    );
    let domain = world.does(&ann, acme.sandbox("shop"));
    assert_eq!(
        world.refused(&operator(), acme.release("shop")),
        kept("shop")
    );
    world.does(&ann, acme.deactivate(domain));
    assert_eq!(
        world.refused(&operator(), acme.release("shop")),
        kept("shop")
    );
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.sandbox("shop"));
    assert_eq!(
        world.refused(&operator(), acme.release("shop")),
        kept("shop")
    );
}

#[test]
fn d2_a_deleted_organization_keeps_its_names_until_an_operator_releases_them() {
    let world = World::new();
    let acme = world.acme();
    let (ann, zoe) = (user("ann"), user("zoe"));
    let other = world.owned_by(&zoe, "Other");
    let domain = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    assert_eq!(world.refused(&zoe, other.sandbox("shop")), taken("shop"));
    assert_eq!(
        world.refused(&ann, acme.release("shop")),
        not_found(acme.organization)
    );
    world.does(&operator(), acme.release("shop"));
    world.does(&zoe, other.sandbox("shop"));
}

#[test]
fn d2_kept_names_are_listed_for_admins_and_operators_with_since_when() {
    let world = World::new();
    let acme = world.acme();
    let (ann, other) = (user("ann"), world.owned_by(&user("zoe"), "Other"));
    let mut expected = Vec::new();
    for called in ["shop", "api", "a-b"] {
        let domain = world.does(&ann, acme.sandbox(called));
        world.passes(TimeDelta::hours(1));
        world.does(&ann, acme.delete_domain(domain));
        let (name, since) = (label(called), world.now());
        expected.insert(0, KeptDomainName { name, since });
    }
    let elsewhere = world.does(&user("zoe"), other.sandbox("theirs"));
    world.does(&user("zoe"), other.delete_domain(elsewhere));
    expected.sort_by(|one, two| one.name.cmp(&two.name));
    let kept = |who: &Actor| {
        let page = Paging::first(10);
        let kept = world
            .tenancy
            .kept_domain_names(who, acme.organization, page);
        tenancy::block_on(kept).map(|page| page.items)
    };
    assert_eq!(kept(&ann).unwrap(), expected);
    assert_eq!(kept(&operator()).unwrap(), expected);
    for role in [OrganizationRole::Member, OrganizationRole::Accounting] {
        let who = world.member(acme, &role.to_string(), role);
        let refused = kept(&who).unwrap_err();
        let needs = forbidden(
            OrganizationAction::ViewAuditTrail,
            RoleSet::of_organization(role),
        );
        assert_eq!(refused.refusal(), Some(&needs));
    }
    let refused = kept(&user("zoe")).unwrap_err();
    assert_eq!(refused.refusal(), Some(&not_found(acme.organization)));
    // What is used again, or released, isn't kept.
    world.does(&ann, acme.sandbox("api"));
    world.does(&operator(), acme.release("shop"));
    expected.retain(|kept| kept.name == label("a-b"));
    assert_eq!(kept(&ann).unwrap(), expected);
}

#[test]
fn d2_an_operator_lists_the_names_that_a_deleted_organization_keeps() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let domain = world.does(&ann, acme.sandbox("shop"));
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    let kept = |who: &Actor| {
        let page = Paging::default();
        let kept = world
            .tenancy
            .kept_domain_names(who, acme.organization, page);
        tenancy::block_on(kept).map(|page| page.items.len())
    };
    assert_eq!(kept(&operator()).unwrap(), 1);
    assert!(kept(&ann).unwrap_err().refusal().is_some());
}

#[test]
fn d2_a_walk_through_kept_names_by_cursors_meets_each_once() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let names = ["a", "a-b", "ab", "b", "b0"];
    for called in names {
        let domain = world.does(&ann, acme.sandbox(called));
        world.does(&ann, acme.delete_domain(domain));
    }
    let (mut walked, mut paging) = (Vec::new(), Paging::first(2));
    loop {
        let page = world
            .tenancy
            .kept_domain_names(&ann, acme.organization, paging);
        let page = tenancy::block_on(page).unwrap();
        let cursor = page.cursor();
        walked.extend(page.items.into_iter().map(|kept| kept.name));
        let Some(cursor) = cursor else { break };
        paging = Paging::first(2).from_cursor(&cursor).unwrap();
    }
    assert_eq!(walked, names.map(label));
    for forged in ["", "6", "zz", "+1", "ff", "00", "61.61"] {
        assert!(
            Paging::<DomainName>::first(2).from_cursor(forged).is_err(),
            "{forged}"
        );
    }
}

#[test]
fn d2_who_may_not_create_domains_is_not_told_whether_a_name_is_taken() {
    let world = World::new();
    let acme = world.acme();
    world.does(&user("ann"), acme.sandbox("shop"));
    let reader = world.workspace_member(acme, "reader", WorkspaceRole::Reader);
    assert_eq!(
        world.refused(&reader, acme.sandbox("shop")),
        world.refused(&reader, acme.sandbox("free"))
    );
    assert_eq!(
        world.refused(&user("dora"), acme.sandbox("shop")),
        world.refused(&user("dora"), acme.sandbox("free"))
    );
}

#[test]
fn d3_deactivating_is_reversible() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let domain = world.does(&wa, acme.sandbox("shop"));
    let status = || world.state(acme).domain(domain).unwrap().status;
    assert_eq!(status(), DomainStatus::Active);
    for _ in 0..2 {
        let done = world.did(&wa, acme.deactivate(domain));
        assert_eq!(done.events, [Event::DomainDeactivated { domain }]);
        assert_eq!(status(), DomainStatus::Deactivated);
        assert!(!world.did(&wa, acme.deactivate(domain)).changed());
        let done = world.did(&wa, acme.reactivate(domain));
        assert_eq!(done.events, [Event::DomainReactivated { domain }]);
        assert_eq!(status(), DomainStatus::Active);
        assert!(!world.did(&wa, acme.reactivate(domain)).changed());
    }
}

#[test]
fn d3_deleting_is_not_reversible() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let domain = world.does(&ann, acme.sandbox("shop"));
    let done = world.did(&ann, acme.delete_domain(domain));
    assert_eq!(
        done.events,
        [Event::DomainDeleted {
            domain,
            workspace: acme.workspace,
            name: label("shop")
        }]
    );
    let gone = not_found((acme.organization, domain));
    assert_eq!(world.refused(&ann, acme.reactivate(domain)), gone);
    assert_eq!(world.refused(&ann, acme.delete_domain(domain)), gone);
    let read = tenancy::block_on(
        world
            .tenancy
            .domain(&operator(), (acme.organization, domain)),
    );
    assert_eq!(read.unwrap_err().refusal(), Some(&gone));
}

#[test]
fn d3_only_admins_deactivate_reactivate_delete_and_see_the_server_keys() {
    let world = World::new();
    let acme = world.acme();
    let domain = world.does(&user("ann"), acme.sandbox("shop"));
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let reader = world.workspace_member(acme, "reader", WorkspaceRole::Reader);
    for (who, has) in [
        (&dev, RoleSet::MEMBER | RoleSet::DEVELOPER),
        (&reader, RoleSet::MEMBER | RoleSet::READER),
        (&operator(), RoleSet::OPERATOR),
    ] {
        assert_eq!(
            world.refused(who, acme.deactivate(domain)),
            forbidden(DomainAction::Deactivate, has)
        );
        assert_eq!(
            world.refused(who, acme.reactivate(domain)),
            forbidden(DomainAction::Reactivate, has)
        );
        assert_eq!(
            world.refused(who, acme.delete_domain(domain)),
            forbidden(DomainAction::Delete, has)
        );
        assert_eq!(
            world.refused(who, acme.move_domain(domain, acme.workspace)),
            forbidden(DomainAction::Move, has)
        );
        let on = (acme.organization, domain);
        assert!(!world.may(who, on, DomainAction::ViewServerKeys));
    }
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    assert_eq!(
        world.refused(&cy, acme.delete_domain(domain)),
        not_found((acme.organization, domain)),
        "Accounting doesn't see domains"
    );
}

#[test]
fn d3_a_domain_moves_only_with_an_admin_of_both_workspaces() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let domain = world.does(&wa, acme.sandbox("shop"));
    let (here, there) = (acme.workspace, second);

    // They don't see the other workspace: as if there were none.
    assert_eq!(
        world.refused(&wa, acme.move_domain(domain, there)),
        not_found((acme.organization, there))
    );
    world.does(&ann, acme.give(there, &wa, WorkspaceRole::Developer));
    let refusal = world.refused(&wa, acme.move_domain(domain, there));
    let Refusal::Forbidden { needs, has, .. } = refusal else {
        panic!("{refusal}");
    };
    assert_eq!(needs, DomainAction::Move.allowed());
    assert_eq!(has, RoleSet::MEMBER | RoleSet::DEVELOPER);

    world.does(&ann, acme.give(there, &wa, WorkspaceRole::Admin));
    let done = world.did(&wa, acme.move_domain(domain, there));
    assert_eq!(
        done.events,
        [Event::DomainMoved {
            domain,
            from: here,
            to: there
        }]
    );
    let domains = |workspace| world.workspace(acme, workspace).domains;
    assert_eq!((domains(here), domains(there)), (0, 1));
    assert!(!world.did(&wa, acme.move_domain(domain, there)).changed());

    // An Admin of the target alone can't pull it over.
    world.does(&ann, acme.take(there, &wa));
    assert_eq!(
        world.refused(&wa, acme.move_domain(domain, here)),
        not_found((acme.organization, domain))
    );
}

#[test]
fn d3_a_moved_domain_is_reached_by_the_people_of_its_new_workspace_only() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let here = world.workspace_member(acme, "here", WorkspaceRole::Developer);
    let there = world.member_of(acme, second, "there", WorkspaceRole::Developer);
    let domain = world.does(&here, acme.sandbox("shop"));
    let on = (acme.organization, domain);
    world.does(&ann, acme.move_domain(domain, second));
    assert!(!world.may(&here, on, DomainAction::View));
    assert!(world.may(&there, on, DomainAction::Configure));
}

#[test]
fn d3_a_domain_moves_to_no_workspace_of_another_organization() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let own = world.owned_by(&ann, "Another of Ann's");
    let domain = world.does(&ann, acme.sandbox("shop"));
    assert_eq!(
        world.refused(&ann, acme.move_domain(domain, own.workspace)),
        not_found((acme.organization, own.workspace))
    );
}
