//! T1, T2, T4: suspended members, suspended organizations.

use chrono::TimeDelta;
use tenancy::commands::{AcceptReceivedInvitation, Revoked};
use tenancy::{
    Action, Actor, CommitId, Decision, DomainAction, DomainId, Event, MembershipStatus,
    OrganizationAction, OrganizationId, OrganizationRole, Paging, Refusal, RevocationReason,
    RoleSet, WorkspaceAction, WorkspaceRole, block_on,
};
use tenancy_tests::world::*;

fn why(text: &str) -> Refusal {
    Refusal::OrganizationSuspended {
        reason: Some(line(text)),
    }
}

/// Acme with Ann and a second Admin, and a domain.
fn two_admins(world: &World) -> (Acme, Actor, Actor, DomainId) {
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let domain = world.does(&ann, acme.sandbox("acme-sandbox"));
    (acme, ann, bob, domain)
}

#[test]
fn t1_who_is_suspended_keeps_every_role_and_none_counts() {
    let world = World::new();
    let (acme, ann, bob, domain) = two_admins(&world);
    world.does(
        &ann,
        acme.give(acme.workspace, &bob, WorkspaceRole::Developer),
    );
    world.does(&ann, acme.suspend_member(&bob));

    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Admin));
    assert_eq!(
        world.workspace_role(acme, acme.workspace, &bob),
        Some(WorkspaceRole::Developer)
    );
    let organization = acme.organization;
    for action in OrganizationAction::ALL {
        assert_eq!(world.asks(&bob, organization, action), Decision::Hidden);
    }
    for action in WorkspaceAction::ALL {
        assert_eq!(world.asks(&bob, acme.there(), action), Decision::Hidden);
    }
    for action in DomainAction::ALL {
        let on = (organization, domain);
        assert_eq!(world.asks(&bob, on, action), Decision::Hidden);
    }
    assert_eq!(
        world.refused(&bob, acme.rename("Bob's")),
        not_found(organization)
    );
    assert_eq!(
        block_on(world.tenancy.standing(&bob, organization)).unwrap(),
        None
    );
}

#[test]
fn t1_reinstating_gives_back_what_was_kept_and_both_are_done_once() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    let done = world.did(&ann, acme.suspend_member(&bob));
    assert_eq!(done.events, [Event::MemberSuspended { user: id(&bob) }]);
    assert!(!world.did(&ann, acme.suspend_member(&bob)).changed());

    let done = world.did(&ann, acme.reinstate_member(&bob));
    assert_eq!(done.events, [Event::MemberReinstated { user: id(&bob) }]);
    assert!(!world.did(&ann, acme.reinstate_member(&bob)).changed());
    assert!(world.may(&bob, acme.organization, OrganizationAction::Invite));
}

#[test]
fn t1_only_admins_suspend_and_reinstate() {
    let world = World::new();
    let (acme, ann, _, _) = two_admins(&world);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let suspend = OrganizationAction::SuspendMember;
    assert_eq!(
        world.refused(&cy, acme.suspend_member(&ann)),
        forbidden(suspend, RoleSet::ACCOUNTING)
    );
    assert_eq!(
        world.refused(&operator(), acme.suspend_member(&ann)),
        forbidden(suspend, RoleSet::OPERATOR)
    );
    assert_eq!(
        world.refused(&user("zoe"), acme.suspend_member(&ann)),
        not_found(acme.organization)
    );
    world.does(&ann, acme.suspend_member(&cy));
    assert_eq!(
        world.refused(&cy, acme.reinstate_member(&cy)),
        not_found(acme.organization),
        "nor do they reinstate themself"
    );
    let zoe = id(&user("zoe"));
    for refusal in [
        world.refused(&ann, acme.suspend_member(&user("zoe"))),
        world.refused(&ann, acme.reinstate_member(&user("zoe"))),
    ] {
        assert_eq!(refusal, Refusal::MemberNotFound { user: zoe });
    }
}

#[test]
fn t1_open_invitations_that_a_suspended_member_sent_are_revoked_in_the_same_commit() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    let by_bob = world.does(&bob, acme.invite("cy", OrganizationRole::Member));
    let there = world.does(
        &bob,
        acme.invite_to(acme.workspace, "dora", WorkspaceRole::Reader),
    );
    let by_ann = world.does(&ann, acme.invite("eve", OrganizationRole::Member));
    let done = world.did(&ann, acme.suspend_member(&bob));
    let mut revoked = [by_bob.invitation, there.invitation];
    revoked.sort();
    let Revoked { mut invitations } = done.output;
    invitations.sort();
    assert_eq!(invitations, revoked);
    for invitation in revoked {
        assert!(done.events.contains(&Event::InvitationRevoked {
            invitation,
            reason: RevocationReason::InviterLostAuthority,
        }));
    }
    assert!(world.is_open(acme, &by_ann));
    world.does(&ann, acme.reinstate_member(&bob));
    assert!(!world.is_open(acme, &by_bob), "revoked is final (I5)");
}

#[test]
fn t1_an_invitation_does_not_let_a_suspended_member_back_in() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Member));
    let before = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    world.does(&ann, acme.suspend_member(&bob));
    assert_eq!(
        world.refused(&bob, accept(&before)),
        Refusal::MembershipSuspended
    );
    let received = AcceptReceivedInvitation {
        organization: acme.organization,
        invitation: before.invitation,
    };
    assert_eq!(world.refused(&bob, received), Refusal::MembershipSuspended);
    // Nor is a new one sent in vain.
    world.passes(TimeDelta::minutes(2));
    for refusal in [
        world.refused(&ann, acme.invite("bob", OrganizationRole::Admin)),
        world.refused(&ann, acme.resend(before.invitation)),
        world.refused(
            &ann,
            acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
        ),
    ] {
        assert_eq!(refusal, Refusal::MembershipSuspended);
    }
    // They may say no, and once they are reinstated, yes.
    world.does(&ann, acme.reinstate_member(&bob));
    world.does(&bob, accept(&before));
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Accounting));
}

#[test]
fn t1_to_a_workspace_admin_a_suspended_member_is_a_stranger() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.does(&ann, acme.suspend_member(&bob));
    let held = RoleSet::MEMBER | RoleSet::WORKSPACE_ADMIN;
    let invite = |who| acme.invite_to(acme.workspace, who, WorkspaceRole::Reader);
    let stranger = forbidden(WorkspaceAction::InviteNewcomer, held);
    assert_eq!(world.refused(&wa, invite("bob")), stranger);
    assert_eq!(world.refused(&wa, invite("zoe")), stranger);
}

#[test]
fn t1_a_suspended_member_stays_listed_and_sees_the_organization_as_suspended_for_them() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    world.does(&ann, acme.suspend_member(&bob));
    let members = block_on(
        world
            .tenancy
            .members(&ann, acme.organization, Paging::default()),
    );
    let members = members.unwrap().items;
    let listed = members.iter().find(|member| member.user == id(&bob));
    assert_eq!(
        listed.map(|member| member.status(world.now())),
        Some(MembershipStatus::Suspended)
    );
    let mine = block_on(world.tenancy.organizations(&bob, Paging::default()));
    let mine = mine.unwrap().items;
    let [view] = mine.as_slice() else {
        panic!("{mine:?}")
    };
    assert_eq!(
        (view.id, view.role, view.membership),
        (
            acme.organization,
            Some(OrganizationRole::Admin),
            Some(MembershipStatus::Suspended)
        )
    );
    let view = OrganizationAction::View;
    let reached = block_on(
        world
            .tenancy
            .reachable_organizations(&bob, view, Paging::default()),
    );
    assert_eq!(reached.unwrap().items, []);
}

#[test]
fn t1_who_can_leaves_out_the_suspended_and_the_pages_go_on() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    for who in ["dev1", "dev2", "dev3"] {
        world.workspace_member(acme, who, WorkspaceRole::Developer);
    }
    world.does(&ann, acme.suspend_member(&bob));
    world.does(&ann, acme.suspend_member(&user("dev2")));
    let mut found = Vec::new();
    let mut paging = Paging::first(1);
    loop {
        let action = WorkspaceAction::CreateDomain;
        let page = block_on(world.tenancy.who_can(&ann, acme.there(), action, paging));
        let page = page.unwrap();
        found.extend(page.items.iter().map(|holder| holder.user));
        match page.next {
            Some(next) => paging = paging.after(next),
            None => break,
        }
    }
    let mut due: Vec<_> = ["ann", "dev1", "dev3"].map(|who| id(&user(who))).into();
    due.sort();
    assert_eq!(found, due);
}

#[test]
fn t1_m3_a_suspended_member_may_leave() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    world.does(
        &ann,
        acme.give(acme.workspace, &bob, WorkspaceRole::Developer),
    );
    world.does(&ann, acme.suspend_member(&bob));
    world.does(&bob, acme.leave_workspace(acme.workspace));
    world.does(&bob, acme.leave());
    assert_eq!(world.role(acme, &bob), None);
}

#[test]
fn t1_m6_a_suspended_members_address_follows_a_change() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    world.does(&ann, acme.suspend_member(&bob));
    let moved = user_at("bob", "bob@elsewhere.example");
    world.does(&moved, acme.follow());
    let member = world.membership(acme, &bob).unwrap();
    assert_eq!(member.email.as_str(), "bob@elsewhere.example");
    assert!(member.suspended, "and nothing else changes");
}

#[test]
fn t2_the_last_admin_who_lasts_is_not_suspended_removed_demoted_and_does_not_leave() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    let cy = world.member(acme, "cy", OrganizationRole::Admin);
    // Bob is suspended and Cy is bound to end: Ann is the last, though there are three Admins.
    world.does(&ann, acme.suspend_member(&bob));
    let until = world.now() + TimeDelta::days(30);
    world.does(&ann, acme.end(&cy, Some(until)));
    assert_eq!(world.row(acme).counts.admins, 1);
    for by in [&ann, &cy] {
        for refusal in [
            world.refused(by, acme.suspend_member(&ann)),
            world.refused(by, acme.remove(&ann)),
            world.refused(by, acme.change_role(&ann, OrganizationRole::Accounting)),
            world.refused(by, acme.end(&ann, Some(until))),
        ] {
            assert_eq!(refusal, Refusal::LastAdmin);
        }
    }
    assert_eq!(world.refused(&ann, acme.leave()), Refusal::LastAdmin);
    let alone = block_on(world.tenancy.only_admin_of(id(&ann), Paging::default()));
    assert_eq!(alone.unwrap().items.len(), 1, "O4 counts those");
    let alone = block_on(world.tenancy.only_admin_of(id(&cy), Paging::default()));
    assert_eq!(alone.unwrap().items, []);

    // The others may go: they didn't count.
    world.does(&ann, acme.remove(&bob));
    world.does(&cy, acme.leave());
    // And with another who lasts, she may.
    let dora = world.member(acme, "dora", OrganizationRole::Admin);
    world.does(&dora, acme.suspend_member(&ann));
    assert_eq!(
        world.refused(&dora, acme.suspend_member(&dora)),
        Refusal::LastAdmin
    );
}

#[test]
fn t2_o4_who_is_appointed_is_an_admin_who_lasts() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    let now = world.now();
    world.does(&ann, acme.end(&bob, Some(now)));
    world.does(&ann, acme.suspend_member(&bob));
    let done = world.did(&operator(), acme.appoint(&bob));
    let user = id(&bob);
    assert_eq!(
        done.events,
        [
            Event::MemberReinstated { user },
            Event::MembershipEndSet {
                user,
                from: Some(now),
                to: None
            }
        ]
    );
    assert_eq!(world.row(acme).counts.admins, 2);
    assert!(!world.did(&operator(), acme.appoint(&bob)).changed());
}

#[test]
fn t4_everybody_sees_what_they_saw_and_nobody_changes_anything_but_operators() {
    let world = World::new();
    let (acme, ann, bob, domain) = two_admins(&world);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let invited = world.does(&ann, acme.invite("zoe", OrganizationRole::Member));
    world.does(&operator(), acme.suspend("overdue"));

    let refused = [
        world.refused(&ann, acme.rename("New")),
        world.refused(&ann, acme.edit_company(Some(company()))),
        world.refused(&ann, acme.delete()),
        world.refused(&ann, acme.create_workspace("New")),
        world.refused(&wa, acme.rename_workspace(acme.workspace, "New")),
        world.refused(&wa, acme.delete_workspace(acme.workspace)),
        world.refused(&wa, acme.sandbox("new")),
        world.refused(&wa, acme.deactivate(domain)),
        world.refused(&wa, acme.delete_domain(domain)),
        world.refused(&ann, acme.invite("yan", OrganizationRole::Member)),
        world.refused(&ann, acme.revoke(invited.invitation)),
        world.refused(&ann, acme.resend(invited.invitation)),
        world.refused(&ann, acme.change_role(&bob, OrganizationRole::Member)),
        world.refused(&ann, acme.remove(&bob)),
        world.refused(&ann, acme.suspend_member(&bob)),
        world.refused(&ann, acme.end(&bob, Some(world.now()))),
        world.refused(&ann, acme.hand_over(&bob, None)),
        world.refused(&wa, acme.take(acme.workspace, &wa)),
        world.refused(&bob, acme.leave()),
        world.refused(&wa, acme.leave_workspace(acme.workspace)),
        world.refused(&user_at("bob", "b@x.example"), acme.follow()),
    ];
    for refusal in refused {
        assert_eq!(refusal, why("overdue"));
    }
    // Who isn't one of its people isn't told why, and answers nothing.
    let nobodys = Refusal::OrganizationSuspended { reason: None };
    assert_eq!(world.refused(&user("zoe"), accept(&invited)), nobodys);
    assert_eq!(world.refused(&user("zoe"), decline(&invited)), nobodys);
    assert_eq!(
        world.refused(&user("yan"), acme.rename("New")),
        not_found(acme.organization),
        "hidden comes first (A2)"
    );

    // What only reads goes on, and operators do.
    assert!(
        block_on(
            world
                .tenancy
                .members(&ann, acme.organization, Paging::default())
        )
        .is_ok()
    );
    assert!(block_on(world.tenancy.domain(&wa, (acme.organization, domain))).is_ok());
    world.does(&operator(), acme.quota(7));
    world.does(&operator(), acme.edit_contract(Some(line("C-1"))));
    world.does(&operator(), acme.appoint(&wa));

    world.does(&operator(), acme.reinstate());
    world.does(&user("zoe"), accept(&invited));
    world.does(&ann, acme.rename("New"));
}

#[test]
fn t4_whoever_may_edit_invoicing_settles_it() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.does(&operator(), acme.suspend("overdue"));
    for (who, recipient) in [(&cy, "Cy"), (&user("ann"), "Ann")] {
        // Each role permits all that the weaker ones do: an organization without Accounting isn't stuck.
        world.does(who, acme.edit_invoicing(Some(invoicing(recipient))));
        let workspace = acme.workspace;
        world.does(
            who,
            acme.edit_workspace_invoicing(workspace, Some(invoicing(recipient))),
        );
    }
    assert_eq!(
        world.refused(&bob, acme.edit_invoicing(None)),
        forbidden(OrganizationAction::EditInvoicing, RoleSet::MEMBER)
    );
}

/// A payment provider's web hook, which found nothing to do at first.
#[test]
fn t4_a6_what_changed_nothing_changes_nothing_when_it_is_repeated_late() {
    let world = World::new();
    let (acme, ..) = two_admins(&world);
    let suspension = || world.row(acme).suspension;
    let paid = CommitId::from_event("payments", "evt_9/reinstate");
    world.did_as(paid, &operator(), acme.reinstate());
    world.does(&operator(), acme.suspend("abuse"));
    world.did_as(paid, &operator(), acme.reinstate());
    assert_eq!(suspension(), Some(line("abuse")));

    let failed = CommitId::from_event("payments", "evt_10/suspend");
    world.did_as(failed, &operator(), acme.suspend("abuse"));
    world.does(&operator(), acme.reinstate());
    world.did_as(failed, &operator(), acme.suspend("abuse"));
    assert_eq!(suspension(), None);
}

#[test]
fn t4_its_people_are_shown_the_reason_wherever_they_look() {
    let world = World::new();
    let (acme, ann, bob, _) = two_admins(&world);
    world.does(&operator(), acme.suspend("overdue"));
    let done = world.did(&operator(), acme.suspend("overdue"));
    assert!(done.changed(), "the same reason again is on the record");
    world.does(&operator(), acme.suspend("still overdue"));

    let view = block_on(world.tenancy.organization(&ann, acme.organization)).unwrap();
    assert_eq!(view.suspension, Some(line("still overdue")));
    let mine = block_on(world.tenancy.organizations(&bob, Paging::default()));
    assert_eq!(
        mine.unwrap().items[0].suspension,
        Some(line("still overdue"))
    );
    let on = acme.organization;
    let decision = world.asks(&ann, on, OrganizationAction::Rename);
    assert_eq!(decision, Decision::Suspended);
    assert_eq!(
        decision.to_string(),
        "suspended: until it is reinstated, only reading and invoicing go on"
    );
    let required = block_on(world.tenancy.require(&ann, on, OrganizationAction::Rename));
    let refusal = required.unwrap_err().refusal().cloned();
    assert_eq!(refusal, Some(why("still overdue")));
    assert_eq!(
        why("still overdue").to_string(),
        "the organization is suspended (still overdue): its Admins and Accounting may settle its invoicing, or ask the vendor to reinstate it"
    );
    let who = block_on(world.tenancy.who_can(
        &ann,
        on,
        OrganizationAction::Rename,
        Paging::default(),
    ));
    assert_eq!(who.unwrap().items, [], "nobody can, now");

    world.does(&operator(), acme.reinstate());
    assert!(
        world.did(&operator(), acme.reinstate()).changed(),
        "on the record"
    );
    let view = block_on(world.tenancy.organization(&ann, on)).unwrap();
    assert_eq!(view.suspension, None);
}

#[test]
fn t4_only_operators_suspend_and_reinstate_an_organization_and_no_deleted_one() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let suspend = OrganizationAction::Suspend;
    let refused = forbidden(suspend, RoleSet::ORGANIZATION_ADMIN);
    assert_eq!(world.refused(&ann, acme.suspend("mine")), refused);
    world.does(&operator(), acme.suspend("overdue"));
    assert_eq!(world.refused(&ann, acme.reinstate()), refused);
    world.does(&operator(), acme.reinstate());
    world.does(&ann, acme.delete_workspace(acme.workspace));
    world.does(&ann, acme.delete());
    for refusal in [
        world.refused(&operator(), acme.suspend("overdue")),
        world.refused(&operator(), acme.reinstate()),
        world.refused(&operator(), acme.edit_contract(None)),
    ] {
        assert_eq!(refusal, Refusal::OrganizationDeleted);
    }
}

/// A host's action that only reads, and one that says nothing of it.
#[derive(Clone, Copy, Debug)]
struct Meter {
    reads: bool,
}

impl Action for Meter {
    type On = OrganizationId;

    fn allowed(&self) -> RoleSet {
        RoleSet::MEMBER | RoleSet::ORGANIZATION_ADMIN
    }

    fn phrase(&self) -> &'static str {
        "read the meter"
    }

    fn goes_on_when_suspended(&self) -> bool {
        self.reads
    }
}

#[test]
fn t4_a4_a_hosts_own_action_goes_on_only_if_it_says_so() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.does(&operator(), acme.suspend("overdue"));
    let asks = |reads| world.asks(&ann, acme.organization, Meter { reads });
    assert!(asks(true).is_allowed());
    assert_eq!(asks(false), Decision::Suspended);
}
