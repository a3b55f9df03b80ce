//! W1–W4.

use tenancy::{
    Event, OrganizationAction, OrganizationRole, Paging, QuotaUsage, Refusal, RevocationReason,
    RoleSet, Settings, WorkspaceAction, WorkspaceRole,
};

use tenancy_tests::world::*;

#[test]
fn w1_an_organization_is_born_with_one_workspace_and_may_hold_several() {
    let world = World::new();
    let acme = world.acme();
    assert_eq!(world.row(acme).counts.workspaces, 1);
    let done = world.did(&user("ann"), acme.create_workspace("Second"));
    assert_eq!(
        done.events,
        [Event::WorkspaceCreated {
            workspace: done.output,
            name: name("Second")
        }]
    );
    assert_eq!(world.row(acme).counts.workspaces, 2);
    assert_eq!(world.workspace(acme, done.output).members, 0);
}

#[test]
fn w1_the_last_workspace_is_deleted_like_any_other_and_its_slot_is_free_again() {
    let world = World::new();
    let ann = user("ann");
    let acme = world.born(&ann, "Acme");
    world.does(&ann, acme.delete_workspace(acme.workspace));
    assert_eq!(world.row(acme).counts.workspaces, 0);
    world.does(&ann, acme.create_workspace("Acme"));
    assert_eq!(world.row(acme).counts.workspaces, 1);
}

#[test]
fn w2_the_quota_is_one_by_default_and_the_refusal_says_quota_count_and_whom_to_contact() {
    let world = World::new();
    let ann = user("ann");
    let acme = world.born(&ann, "Acme");
    let refusal = world.refused(&ann, acme.create_workspace("Second"));
    assert_eq!(
        refusal,
        Refusal::QuotaReached {
            quota: 1,
            workspaces: 1
        }
    );
    let message = refusal.to_string();
    assert!(message.contains("1 of 1 workspace:"), "{message}");
    assert!(message.contains("contact the vendor"), "{message}");
}

#[test]
fn w2_the_host_chooses_the_quota_of_new_organizations() {
    let world = World::with(Settings {
        default_workspace_quota: 2.try_into().unwrap(),
        ..Settings::default()
    });
    let ann = user("ann");
    let acme = world.born(&ann, "Acme");
    world.does(&ann, acme.create_workspace("Second"));
    assert_eq!(
        world.refused(&ann, acme.create_workspace("Third")),
        Refusal::QuotaReached {
            quota: 2,
            workspaces: 2
        }
    );
}

#[test]
fn w2_only_an_operator_sets_the_quota() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    for (who, has) in [
        (user("ann"), RoleSet::ORGANIZATION_ADMIN),
        (cy, RoleSet::ACCOUNTING),
        (wa, RoleSet::MEMBER),
    ] {
        assert_eq!(
            world.refused(&who, acme.quota(1_000)),
            forbidden(OrganizationAction::SetWorkspaceQuota, has)
        );
    }
    assert_eq!(
        world.refused(&user("dora"), acme.quota(1_000)),
        not_found(acme.organization)
    );
    let usage = world.does(&operator(), acme.quota(1_000));
    assert_eq!(
        usage,
        QuotaUsage {
            workspaces: 1,
            quota: 1_000
        }
    );
}

#[test]
fn w2_a_quota_below_the_count_says_by_how_much_and_refuses_creation_alone() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let third = world.does(&ann, acme.create_workspace("Third"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);

    let done = world.did(&operator(), acme.quota(1));
    assert_eq!(done.output.over_by(), 2);
    assert_eq!(
        done.events,
        [Event::WorkspaceQuotaSet {
            from: 100,
            to: 1,
            workspaces: 3
        }]
    );
    assert_eq!(world.row(acme).counts.workspaces, 3);
    assert_eq!(
        world.refused(&ann, acme.create_workspace("Fourth")),
        Refusal::QuotaReached {
            quota: 1,
            workspaces: 3
        }
    );
    // All the rest goes on: reading, renaming, inviting, people, domains, moving, deleting.
    let read = tenancy::block_on(world.tenancy.workspace(&ann, (acme.organization, third)));
    assert_eq!(read.unwrap().name, name("Third"));
    let usage = tenancy::block_on(world.tenancy.quota_usage(&ann, acme.organization)).unwrap();
    assert_eq!(usage.over_by(), 2);
    world.does(&ann, acme.rename_workspace(third, "Troisième"));
    world.does(&ann, acme.invite_to(third, "carl", WorkspaceRole::Reader));
    world.does(&ann, acme.give(third, &bob, WorkspaceRole::Developer));
    let domain = world.does(&bob, acme.sandbox_in(third, "acme-third"));
    world.does(&ann, acme.move_domain(domain, second));
    world.does(&ann, acme.take(third, &bob));
    world.does(&ann, acme.delete_workspace(third));
    // Still over, then full, then free.
    for workspaces in [2, 1] {
        assert_eq!(
            world.refused(&ann, acme.create_workspace("Fourth")),
            Refusal::QuotaReached {
                quota: 1,
                workspaces
            }
        );
        if workspaces == 2 {
            world.does(&ann, acme.delete_workspace(acme.workspace));
        }
    }
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.delete_workspace(second));
    world.does(&ann, acme.create_workspace("Fourth"));
}

#[test]
fn w2_zero_means_zero() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    assert_eq!(world.does(&operator(), acme.quota(0)).over_by(), 1);
    world.does(&ann, acme.delete_workspace(acme.workspace));
    assert_eq!(
        world.refused(&ann, acme.create_workspace("Second")),
        Refusal::QuotaReached {
            quota: 0,
            workspaces: 0
        }
    );
}

#[test]
fn w2_the_quota_counts_workspaces_that_exist_not_those_that_were() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&operator(), acme.quota(2));
    for _ in 0..3 {
        let second = world.does(&ann, acme.create_workspace("Second"));
        world.does(&ann, acme.delete_workspace(second));
    }
    assert_eq!(world.row(acme).counts.workspaces, 1);
}

#[test]
fn w2_only_organization_admins_create_workspaces() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    for (who, has) in [(&wa, RoleSet::MEMBER), (&operator(), RoleSet::OPERATOR)] {
        assert_eq!(
            world.refused(who, acme.create_workspace("Mine")),
            forbidden(OrganizationAction::CreateWorkspace, has)
        );
    }
}

#[test]
fn w2_who_may_not_create_is_not_told_that_the_quota_is_reached() {
    let world = World::new();
    let acme = world.born(&user("ann"), "Acme");
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    assert_eq!(
        world.refused(&wa, acme.create_workspace("Mine")).code(),
        "forbidden"
    );
    assert_eq!(
        world
            .refused(&user("dora"), acme.create_workspace("Mine"))
            .code(),
        "not_found"
    );
}

#[test]
fn w3_workspace_and_organization_admins_rename_it() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let done = world.did(&wa, acme.rename_workspace(acme.workspace, "Payments"));
    assert_eq!(
        done.events,
        [Event::WorkspaceRenamed {
            workspace: acme.workspace,
            from: name("Acme"),
            to: name("Payments")
        }]
    );
    world.does(&user("ann"), acme.rename_workspace(acme.workspace, "Pay"));
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    for (who, has) in [
        (&dev, RoleSet::MEMBER | RoleSet::DEVELOPER),
        (&cy, RoleSet::ACCOUNTING),
        (&operator(), RoleSet::OPERATOR),
    ] {
        assert_eq!(
            world.refused(who, acme.rename_workspace(acme.workspace, "Mine")),
            forbidden(WorkspaceAction::Rename, has)
        );
    }
}

#[test]
fn w3_names_are_unique_in_the_organization_compared_caselessly() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    for (there, same) in [
        ("Kilo", "\u{212A}ILO"), // KELVIN SIGN
        ("Straßenbau", "STRASSENBAU"),
        ("ΒΆΣΗΣ", "βάσης"),
        ("Zoe\u{301}", "ZOÉ"), // combined or not
        ("Two words", "two  WORDS"),
    ] {
        world.does(&ann, acme.create_workspace(there));
        // The name as it was asked for: how a workspace spells it may be hidden from who asks.
        let taken = Refusal::WorkspaceNameTaken { name: name(same) };
        assert_eq!(world.refused(&ann, acme.create_workspace(same)), taken);
        assert_eq!(
            world.refused(&ann, acme.rename_workspace(acme.workspace, same)),
            taken
        );
    }
    world.does(&ann, acme.create_workspace("Zoe")); // an accent makes another name
}

/// Whoever may rename is told that the name is taken, as they asked for it, whether they see the workspace that has it or
/// not; and nobody else is told anything by it.
#[test]
fn w3_a_taken_name_tells_each_role_what_it_may_know() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let hidden = world.does(&ann, acme.create_workspace("Skunk Works"));
    let wes = world.workspace_member(acme, "wes", WorkspaceRole::Admin);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let mel = world.member(acme, "mel", OrganizationRole::Member);
    assert!(!world.may(&wes, (acme.organization, hidden), WorkspaceAction::View));
    let taken = Refusal::WorkspaceNameTaken {
        name: name("SKUNK works"),
    };
    let rename = |to: &str| acme.rename_workspace(acme.workspace, to);
    for may in [&ann, &wes] {
        assert_eq!(world.refused(may, rename("SKUNK works")), taken);
    }
    // Who may not is refused as with any name.
    for (may_not, of) in [
        (&dev, "dev"),
        (&cy, "cy"),
        (&operator(), "staff"),
        (&mel, "mel"),
        (&user("eve"), "eve"),
    ] {
        let refused = world.refused(may_not, rename("SKUNK works"));
        assert_eq!(refused, world.refused(may_not, rename("Free")), "{of}");
        assert!(
            matches!(
                refused,
                Refusal::Forbidden { .. } | Refusal::NotFound { .. }
            ),
            "{of}"
        );
    }
    // Only who creates in the organization learns the same of creating.
    assert_eq!(
        world.refused(&ann, acme.create_workspace("SKUNK works")),
        taken
    );
    for may_not in [&wes, &dev, &cy, &mel, &operator(), &user("eve")] {
        let refused = world.refused(may_not, acme.create_workspace("SKUNK works"));
        assert_eq!(
            refused,
            world.refused(may_not, acme.create_workspace("Free"))
        );
    }
}

#[test]
fn w3_a_workspace_may_be_written_otherwise_and_gets_its_own_name_back() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    assert!(
        world
            .did(&ann, acme.rename_workspace(here, "ACME"))
            .changed()
    );
    assert_eq!(world.workspace(acme, here).name.as_str(), "ACME");
    assert!(
        !world
            .did(&ann, acme.rename_workspace(here, "ACME"))
            .changed()
    );
    assert_eq!(
        world.refused(&ann, acme.create_workspace("acme")),
        Refusal::WorkspaceNameTaken { name: name("acme") }
    );
}

#[test]
fn w3_a_name_is_free_again_once_its_workspace_is_renamed_or_deleted() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    world.does(&ann, acme.rename_workspace(second, "2nd"));
    let again = world.does(&ann, acme.create_workspace("second"));
    world.does(&ann, acme.delete_workspace(again));
    world.does(&ann, acme.create_workspace("SECOND"));
}

#[test]
fn w3_two_organizations_may_have_workspaces_of_one_name() {
    let world = World::new();
    let acme = world.acme();
    let other = world.owned_by(&user("zoe"), "Other");
    world.does(&user("zoe"), other.create_workspace("Acme"));
    world.does(&user("ann"), acme.create_workspace("Other"));
}

#[test]
fn w4_a_workspace_that_holds_anything_is_not_deleted_and_says_what_is_left() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let one = world.does(&ann, acme.sandbox("acme-one"));
    let two = world.does(&ann, acme.sandbox("acme-two"));
    world.does(&ann, acme.deactivate(two));
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let left = |domains, members| Refusal::WorkspaceNotEmpty { domains, members };
    assert_eq!(world.refused(&ann, acme.delete_workspace(here)), left(2, 1));
    world.does(&ann, acme.delete_domain(one));
    assert_eq!(world.refused(&ann, acme.delete_workspace(here)), left(1, 1));
    world.does(&ann, acme.delete_domain(two)); // deactivated ones count as well
    assert_eq!(world.refused(&ann, acme.delete_workspace(here)), left(0, 1));
    assert!(
        left(0, 1)
            .to_string()
            .contains("0 domains and 1 other member:")
    );
    world.does(&ann, acme.take(here, &bob));
    world.does(&ann, acme.delete_workspace(here));
}

#[test]
fn w4_the_membership_of_the_admin_who_deletes_it_does_not_count_and_goes_with_it() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let done = world.did(&wa, acme.delete_workspace(acme.workspace));
    assert_eq!(done.output.role, Some((id(&wa), WorkspaceRole::Admin)));
    assert_eq!(
        done.events,
        [
            Event::WorkspaceRoleTaken {
                workspace: acme.workspace,
                user: id(&wa),
                role: WorkspaceRole::Admin
            },
            Event::WorkspaceDeleted {
                workspace: acme.workspace,
                name: name("Acme")
            },
        ]
    );
    assert_eq!(world.role(acme, &wa), Some(OrganizationRole::Member));
    assert_eq!(world.workspace_role(acme, acme.workspace, &wa), None);
}

#[test]
fn w4_an_organization_admins_own_reader_role_does_not_count_either_but_a_second_admins_does() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.does(&ann, acme.give(acme.workspace, &ann, WorkspaceRole::Reader));
    let one_left = Refusal::WorkspaceNotEmpty {
        domains: 0,
        members: 1,
    };
    assert_eq!(
        world.refused(&ann, acme.delete_workspace(acme.workspace)),
        one_left
    );
    assert_eq!(
        world.refused(&wa, acme.delete_workspace(acme.workspace)),
        one_left
    );
    world.does(&wa, acme.leave_workspace(acme.workspace));
    let gone = world.does(&ann, acme.delete_workspace(acme.workspace));
    assert_eq!(gone.role, Some((id(&ann), WorkspaceRole::Reader)));
}

#[test]
fn w4_pending_invitations_to_it_are_revoked_in_the_same_commit_and_no_others() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let reader = WorkspaceRole::Reader;
    let here = world.does(&ann, acme.invite_to(acme.workspace, "bob", reader));
    let there = world.does(&ann, acme.invite_to(second, "bob", reader));
    let above = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let done = world.did(&ann, acme.delete_workspace(acme.workspace));
    assert_eq!(done.output.revoked, [here.invitation]);
    assert_eq!(
        done.events[0],
        Event::InvitationRevoked {
            invitation: here.invitation,
            reason: RevocationReason::WorkspaceDeleted
        }
    );
    assert!(world.is_open(acme, &there) && world.is_open(acme, &above));
}

#[test]
fn w4_only_admins_of_it_or_of_the_organization_delete_it() {
    let world = World::new();
    let acme = world.acme();
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    for (who, has) in [
        (&dev, RoleSet::MEMBER | RoleSet::DEVELOPER),
        (&cy, RoleSet::ACCOUNTING),
        (&operator(), RoleSet::OPERATOR),
    ] {
        assert_eq!(
            world.refused(who, acme.delete_workspace(acme.workspace)),
            forbidden(WorkspaceAction::Delete, has)
        );
    }
    assert_eq!(
        world.refused(&bob, acme.delete_workspace(acme.workspace)),
        not_found(acme.there())
    );
}

#[test]
fn w4_what_was_deleted_is_gone_for_everybody() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&ann, acme.delete_workspace(acme.workspace));
    for who in [&ann, &operator()] {
        let read = tenancy::block_on(world.tenancy.workspace(who, acme.there()));
        assert_eq!(
            read.unwrap_err().refusal(),
            Some(&not_found(acme.there())),
            "{who:?}"
        );
    }
    assert_eq!(
        world.refused(&ann, acme.delete_workspace(acme.workspace)),
        not_found(acme.there())
    );
    let listed = tenancy::block_on(world.tenancy.workspaces(
        &ann,
        acme.organization,
        Paging::default(),
    ));
    assert_eq!(listed.unwrap().items, []);
}
