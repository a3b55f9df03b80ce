//! O1–O6.

use tenancy::commands::{CreateOrganization, CreatedOrganization};
use tenancy::store::OrganizationStatus;
use tenancy::views::WorkspaceInvoicing;
use tenancy::{
    DomainAction, Event, InvitationId, OrganizationAction, OrganizationRole, Paging, Refusal,
    RevocationReason, RoleSet, WorkspaceAction, WorkspaceRole,
};

use tenancy_tests::world::*;

#[test]
fn o1_any_user_creates_an_organization_and_becomes_its_admin() {
    let world = World::new();
    for who in [user("ann"), user("bob")] {
        let acme = world.born(&who, "Acme");
        assert_eq!(world.role(acme, &who), Some(OrganizationRole::Admin));
        assert_eq!(world.row(acme).name, name("Acme"));
        assert_eq!(world.row(acme).counts.members, 1);
    }
}

#[test]
fn o1_one_user_may_create_several_organizations_even_of_one_name() {
    let world = World::new();
    let one = world.born(&user("ann"), "Acme");
    let other = world.born(&user("ann"), "Acme");
    assert_ne!(one.organization, other.organization);
}

#[test]
fn o1_an_operator_is_no_user_and_creates_none() {
    let world = World::new();
    let create = CreateOrganization { name: name("Acme") };
    assert_eq!(world.refused(&operator(), create), Refusal::UserRequired);
}

#[test]
fn o2_the_first_workspace_is_created_in_the_same_commit_under_the_same_name() {
    let world = World::new();
    let done = world.did(&user("ann"), CreateOrganization { name: name("Acme") });
    let CreatedOrganization {
        organization,
        workspace,
    } = done.output;
    assert_eq!(
        done.events,
        [
            Event::OrganizationCreated {
                name: name("Acme"),
                workspace_quota: 1,
                limits: tenancy::Settings::default().default_limits,
            },
            Event::MemberJoined {
                user: id(&user("ann")),
                email: email("ann@acme.example"),
                role: OrganizationRole::Admin
            },
            Event::WorkspaceCreated {
                workspace,
                name: name("Acme")
            },
        ]
    );
    let acme = Acme {
        organization,
        workspace,
    };
    assert_eq!(world.log(acme).len(), 1);
    assert_eq!(world.workspace(acme, workspace).name, name("Acme"));
    assert_eq!(world.row(acme).version.get(), 1);
}

#[test]
fn o2_the_creator_holds_the_first_workspace_by_cascade_only() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    assert_eq!(world.workspace_role(acme, acme.workspace, &ann), None);
    assert_eq!(world.workspace(acme, acme.workspace).members, 0);
    assert_eq!(
        world
            .asks(&ann, acme.there(), WorkspaceAction::Delete)
            .to_string(),
        "allowed as organization Admin, by cascade"
    );
}

#[test]
fn o3_a_user_lists_the_organizations_that_they_belong_to_with_their_role() {
    let world = World::new();
    let acme = world.acme();
    let other = world.owned_by(&user("zoe"), "Other");
    world.member(acme, "bob", OrganizationRole::Accounting);
    let of_bob = world.does(
        &user("bob"),
        CreateOrganization {
            name: name("Bob's"),
        },
    );
    let listed = tenancy::block_on(world.tenancy.organizations(&user("bob"), Paging::default()));
    let mut listed: Vec<_> = listed
        .unwrap()
        .items
        .into_iter()
        .map(|view| (view.id, view.role))
        .collect();
    listed.sort_unstable();
    let mut expected = [
        (acme.organization, Some(OrganizationRole::Accounting)),
        (of_bob.organization, Some(OrganizationRole::Admin)),
    ];
    expected.sort_unstable();
    assert_eq!(listed, expected);
    assert!(!listed.iter().any(|(id, _)| *id == other.organization));
}

#[test]
fn o3_a_user_lists_the_invitations_to_their_verified_address_and_nobody_elses() {
    let world = World::new();
    let acme = world.acme();
    let other = world.owned_by(&user("zoe"), "Other");
    let ann = user("ann");
    let sent = world.does(
        &ann,
        acme.invite_address("Bob@ACME.example", OrganizationRole::Member),
    );
    let also = world.does(
        &user("zoe"),
        other.invite_to(other.workspace, "bob", WorkspaceRole::Reader),
    );
    world.does(&ann, acme.invite("carl", OrganizationRole::Member));

    let received = |who| {
        let page = world.tenancy.received_invitations(&who, Paging::default());
        let items = tenancy::block_on(page).unwrap().items;
        let ids = items
            .into_iter()
            .map(|it| (it.organization, it.invitation.id));
        ids.collect::<Vec<_>>()
    };
    let mut expected = vec![
        (acme.organization, sent.invitation),
        (other.organization, also.invitation),
    ];
    expected.sort_unstable();
    assert_eq!(received(user("bob")), expected);
    assert_eq!(received(unverified("bob")), []);
    assert_eq!(received(user_at("bob", "bob@elsewhere.example")), []);
    assert_eq!(received(operator()), []);

    world.does(&user("bob"), accept(&sent));
    assert_eq!(
        received(user("bob")),
        [(other.organization, also.invitation)]
    );
}

#[test]
fn o4_the_last_admin_is_not_removed_demoted_or_let_go() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.member(acme, "bob", OrganizationRole::Member);
    assert_eq!(world.refused(&ann, acme.leave()), Refusal::LastAdmin);
    assert_eq!(world.refused(&ann, acme.remove(&ann)), Refusal::LastAdmin);
    for role in [OrganizationRole::Member, OrganizationRole::Accounting] {
        let demote = acme.change_role(&ann, role);
        assert_eq!(world.refused(&ann, demote), Refusal::LastAdmin);
    }
    assert!(
        Refusal::LastAdmin
            .to_string()
            .contains("promote someone first"),
        "{}",
        Refusal::LastAdmin
    );
}

#[test]
fn o4_the_last_admin_may_stay_what_they_are() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let done = world.did(&ann, acme.change_role(&ann, OrganizationRole::Admin));
    assert!(!done.changed());
}

#[test]
fn o4_once_somebody_else_is_promoted_the_admin_may_go_but_not_both() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    world.does(&ann, acme.leave());
    assert_eq!(world.refused(&bob, acme.leave()), Refusal::LastAdmin);
    assert_eq!(world.row(acme).counts.admins, 1);
}

#[test]
fn o4_two_admins_may_remove_each_other_only_once() {
    let world = World::new();
    let acme = world.acme();
    let (ann, bob) = (
        user("ann"),
        world.member(acme, "bob", OrganizationRole::Admin),
    );
    world.does(&bob, acme.remove(&ann));
    assert_eq!(
        world.refused(&ann, acme.remove(&bob)),
        not_found(acme.organization)
    );
    assert_eq!(world.refused(&bob, acme.remove(&bob)), Refusal::LastAdmin);
}

#[test]
fn o4_a_workspace_admin_is_no_admin_of_the_organization() {
    let world = World::new();
    let acme = world.acme();
    world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    assert_eq!(
        world.refused(&user("ann"), acme.leave()),
        Refusal::LastAdmin
    );
}

#[test]
fn o4_a_host_asks_which_organizations_somebody_is_the_only_admin_of() {
    let world = World::new();
    let ann = user("ann");
    let (alone, shared) = (world.acme(), world.owned_by(&ann, "Shared"));
    world.member(shared, "bob", OrganizationRole::Admin);
    world.member(alone, "carl", OrganizationRole::Accounting);
    let only = |who| {
        let page = world.tenancy.only_admin_of(id(&who), Paging::default());
        let items = tenancy::block_on(page).unwrap().items;
        items.into_iter().map(|view| view.id).collect::<Vec<_>>()
    };
    assert_eq!(only(user("ann")), [alone.organization]);
    assert_eq!(only(user("bob")), []);
    assert_eq!(only(user("carl")), []);
    assert_eq!(only(user("nobody")), []);
}

#[test]
fn o4_an_operator_appoints_an_admin_on_the_record() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let carl = user("carl");
    let of_bob = world.did(&operator(), acme.appoint(&bob));
    assert_eq!(
        of_bob.events,
        [Event::OrganizationRoleChanged {
            user: id(&bob),
            from: OrganizationRole::Member,
            to: OrganizationRole::Admin
        }]
    );
    let of_carl = world.did(&operator(), acme.appoint(&carl));
    assert_eq!(
        of_carl.events,
        [Event::MemberJoined {
            user: id(&carl),
            email: email("carl@acme.example"),
            role: OrganizationRole::Admin
        }]
    );
    assert!(!world.did(&operator(), acme.appoint(&carl)).changed());
    let entry = world.log(acme).pop().unwrap();
    assert_eq!(entry.author.to_string(), "operator support: Jo");
    assert_eq!(entry.command, "appoint_admin");
    assert_eq!(
        world.refused(&user("ann"), acme.appoint(&user("dora"))),
        forbidden(
            OrganizationAction::AppointAdmin,
            RoleSet::ORGANIZATION_ADMIN
        )
    );
}

#[test]
fn o5_an_admin_renames_it_and_the_workspaces_keep_their_names() {
    let world = World::new();
    let acme = world.acme();
    let done = world.did(&user("ann"), acme.rename("Acme Group"));
    assert_eq!(
        done.events,
        [Event::OrganizationRenamed {
            from: name("Acme"),
            to: name("Acme Group")
        }]
    );
    assert_eq!(world.row(acme).name, name("Acme Group"));
    assert_eq!(world.workspace(acme, acme.workspace).name, name("Acme"));
    assert!(!world.did(&user("ann"), acme.rename("Acme Group")).changed());
}

#[test]
fn o5_only_an_admin_renames_it_and_edits_company_information() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    for (who, has) in [(&cy, RoleSet::ACCOUNTING), (&bob, RoleSet::MEMBER)] {
        assert_eq!(
            world.refused(who, acme.rename("Mine")),
            forbidden(OrganizationAction::Rename, has)
        );
        assert_eq!(
            world.refused(who, acme.edit_company(Some(company()))),
            forbidden(OrganizationAction::EditCompany, has)
        );
    }
    world.does(&user("ann"), acme.edit_company(Some(company())));
    let read = tenancy::block_on(world.tenancy.company(&cy, acme.organization));
    assert_eq!(read.unwrap(), Some(company()));
    world.does(&user("ann"), acme.edit_company(None));
    assert_eq!(world.row(acme).company, None);
}

#[test]
fn o5_admin_and_accounting_edit_the_invoicing_of_the_organization_and_of_every_workspace() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let here = acme.workspace;
    world.does(&cy, acme.edit_invoicing(Some(invoicing("Acme"))));
    world.does(
        &cy,
        acme.edit_workspace_invoicing(here, Some(invoicing("Payments"))),
    );
    world.does(
        &user("ann"),
        acme.edit_invoicing(Some(invoicing("Acme SAS"))),
    );
    assert_eq!(
        world.refused(&wa, acme.edit_invoicing(None)),
        forbidden(OrganizationAction::EditInvoicing, RoleSet::MEMBER)
    );
    assert_eq!(
        world.refused(&wa, acme.edit_workspace_invoicing(here, None)),
        forbidden(
            WorkspaceAction::EditInvoicing,
            RoleSet::MEMBER | RoleSet::WORKSPACE_ADMIN
        )
    );
    assert_eq!(
        world.refused(&operator(), acme.edit_invoicing(None)),
        forbidden(OrganizationAction::EditInvoicing, RoleSet::OPERATOR)
    );
}

#[test]
fn o5_a_workspaces_own_invoicing_overrides_the_organizations_until_it_is_unset() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let applies = || {
        let read = world.tenancy.workspace_invoicing(&ann, acme.there());
        tenancy::block_on(read).unwrap()
    };
    assert_eq!(applies(), WorkspaceInvoicing::Organization(None));
    world.does(&ann, acme.edit_invoicing(Some(invoicing("Acme"))));
    assert_eq!(
        applies(),
        WorkspaceInvoicing::Organization(Some(invoicing("Acme")))
    );
    world.does(
        &ann,
        acme.edit_workspace_invoicing(here, Some(invoicing("Payments"))),
    );
    assert_eq!(applies(), WorkspaceInvoicing::Own(invoicing("Payments")));
    world.does(&ann, acme.edit_invoicing(None));
    assert_eq!(applies(), WorkspaceInvoicing::Own(invoicing("Payments")));
    world.does(&ann, acme.edit_workspace_invoicing(here, None));
    assert_eq!(applies(), WorkspaceInvoicing::Organization(None));
}

#[test]
fn o6_an_organization_that_holds_anything_is_not_deleted_and_says_what_is_left() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&ann, acme.create_workspace("Second"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let left = |workspaces, members| Refusal::OrganizationNotEmpty {
        workspaces,
        members,
    };
    assert_eq!(world.refused(&ann, acme.delete()), left(2, 1));
    world.does(&ann, acme.remove(&bob));
    assert_eq!(world.refused(&ann, acme.delete()), left(2, 0));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    assert_eq!(world.refused(&ann, acme.delete()), left(1, 0));
    assert!(
        left(1, 0)
            .to_string()
            .contains("1 workspace and 0 other members")
    );
}

#[test]
fn o6_deleting_an_empty_one_revokes_its_pending_invitations_in_the_same_commit() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let to_the_workspace = world.does(
        &ann,
        acme.invite_to(acme.workspace, "carl", WorkspaceRole::Reader),
    );
    world.does(&ann, acme.delete_workspace(acme.workspace));
    assert!(!world.is_open(acme, &to_the_workspace));

    let done = world.did(&ann, acme.delete());
    assert_eq!(done.output.invitations, [sent.invitation]);
    assert_eq!(
        done.events,
        [
            Event::InvitationRevoked {
                invitation: sent.invitation,
                reason: RevocationReason::OrganizationDeleted
            },
            Event::MemberLeft {
                user: id(&ann),
                role: OrganizationRole::Admin
            },
            Event::OrganizationDeleted {},
        ]
    );
    assert_eq!(world.row(acme).status, OrganizationStatus::Deleted);
    assert_eq!(world.row(acme).counts, tenancy::store::Counts::default());
    assert_eq!(
        world.refused(&user("bob"), accept(&sent)),
        Refusal::InvitationClosed {
            state: tenancy::store::InvitationState::Revoked
        }
    );
}

#[test]
fn o6_only_an_admin_deletes_it_not_even_an_operator() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    assert_eq!(
        world.refused(&cy, acme.delete()),
        forbidden(OrganizationAction::Delete, RoleSet::ACCOUNTING)
    );
    assert_eq!(
        world.refused(&operator(), acme.delete()),
        forbidden(OrganizationAction::Delete, RoleSet::OPERATOR)
    );
}

fn deleted(world: &World) -> Acme {
    let acme = world.acme();
    let ann = user("ann");
    let domain = world.does(&ann, acme.sandbox("acme-sandbox"));
    world.does(&ann, acme.delete_domain(domain));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    acme
}

#[test]
fn o6_a_deleted_organization_is_hidden_from_all_but_operators() {
    let world = World::new();
    let acme = deleted(&world);
    let ann = user("ann");
    for action in OrganizationAction::ALL {
        let decision = world.asks(&ann, acme.organization, action);
        assert_eq!(decision, tenancy::Decision::Hidden, "{action:?}");
    }
    assert_eq!(
        world.refused(&ann, acme.rename("Back")),
        not_found(acme.organization)
    );
    assert_eq!(
        world.refused(&ann, acme.leave()),
        not_found(acme.organization)
    );
    let mine = tenancy::block_on(world.tenancy.organizations(&ann, Paging::default()));
    assert_eq!(mine.unwrap().items, []);
    let trail = |who| {
        let page = world
            .tenancy
            .audit_trail(&who, acme.organization, Paging::default());
        tenancy::block_on(page)
    };
    assert_eq!(
        trail(user("ann")).unwrap_err().refusal(),
        Some(&not_found(acme.organization))
    );
    let log = trail(operator()).unwrap().items;
    assert_eq!(log.last().unwrap().command, "delete_organization");
}

#[test]
fn o6_nothing_more_is_done_in_a_deleted_organization_but_releasing_its_domain_names() {
    let world = World::new();
    let acme = deleted(&world);
    let op = operator();
    assert_eq!(
        world.refused(&op, acme.quota(3)),
        Refusal::OrganizationDeleted
    );
    assert_eq!(
        world.refused(&op, acme.edit_contract(Some(line("C-1")))),
        Refusal::OrganizationDeleted
    );
    assert_eq!(
        world.refused(&op, acme.appoint(&user("ann"))),
        Refusal::OrganizationDeleted
    );
    world.does(&op, acme.release("acme-sandbox"));
    let other = world.owned_by(&user("zoe"), "Other");
    world.does(&user("zoe"), other.sandbox("acme-sandbox"));
}

#[test]
fn o6_an_operator_who_wants_to_change_an_invitation_is_told_that_the_organization_is_deleted() {
    let world = World::new();
    let acme = world.acme();
    let (ann, op) = (user("ann"), operator());
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    for invitation in [sent.invitation, InvitationId::new()] {
        let refused = world.refused(&op, acme.resend(invitation));
        assert_eq!(refused, Refusal::OrganizationDeleted);
        let refused = world.refused(&op, acme.revoke(invitation));
        assert_eq!(refused, Refusal::OrganizationDeleted);
        // Nobody else is told that it ever was.
        let refused = world.refused(&ann, acme.resend(invitation));
        assert_eq!(refused, not_found(acme.organization));
    }
}

#[test]
fn o6_what_a_deleted_organization_kept_for_itself_is_gone_from_its_row() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&ann, acme.edit_company(Some(company())));
    world.does(&ann, acme.edit_invoicing(Some(invoicing("Acme"))));
    world.does(&operator(), acme.edit_contract(Some(line("C-1"))));
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    let row = world.row(acme);
    assert_eq!(
        (row.company, row.invoicing, row.contract),
        (None, None, None)
    );
    assert_eq!(
        world.asks(
            &ann,
            (acme.organization, tenancy::DomainId::new()),
            DomainAction::View
        ),
        tenancy::Decision::Hidden
    );
}
