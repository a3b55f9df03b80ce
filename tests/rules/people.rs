//! M1–M6.

use chrono::TimeDelta;
use tenancy::commands::{
    CreateOrganization, Departure, FollowEmailChange, LeaveOrganization, Revoked,
};
use tenancy::store::InvitationState;
use tenancy::{
    Actor, CommitId, Decision, DomainAction, EmailAddress, Event, Grant, OrganizationAction,
    OrganizationRole, Refusal, RevocationReason, RoleSet, UserId, VerifiedEmail, WorkspaceAction,
    WorkspaceRole, block_on,
};

use tenancy_tests::world::*;

fn not_a_member(who: UserId) -> Refusal {
    Refusal::MemberNotFound { user: who }
}

const REVOKED: Refusal = Refusal::InvitationClosed {
    state: InvitationState::Revoked,
};

#[test]
fn m1_a_workspace_role_is_given_only_to_an_organization_member() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let dora = user("dora");
    assert_eq!(
        world.refused(
            &ann,
            acme.give(acme.workspace, &dora, WorkspaceRole::Reader)
        ),
        not_a_member(id(&dora))
    );
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let done = world.did(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    assert_eq!(
        done.events,
        [Event::WorkspaceRoleGiven {
            workspace: acme.workspace,
            user: id(&bob),
            role: WorkspaceRole::Reader,
            replaces: None
        }]
    );
    assert_eq!(world.workspace(acme, acme.workspace).members, 1);
}

#[test]
fn m1_a_member_of_another_organization_is_not_a_member() {
    let world = World::new();
    let acme = world.acme();
    let zoe = user("zoe");
    world.owned_by(&zoe, "Other");
    assert_eq!(
        world.refused(
            &user("ann"),
            acme.give(acme.workspace, &zoe, WorkspaceRole::Reader)
        ),
        not_a_member(id(&zoe))
    );
}

#[test]
fn m1_an_accepted_workspace_invitation_makes_an_organization_member() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Developer);
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Member));
    assert_eq!(
        world.workspace_role(acme, acme.workspace, &bob),
        Some(WorkspaceRole::Developer)
    );
}

#[test]
fn m1_workspace_and_organization_admins_manage_workspace_roles_and_nobody_else() {
    let world = World::new();
    let acme = world.acme();
    let here = acme.workspace;
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    for (who, has) in [
        (&dev, RoleSet::MEMBER | RoleSet::DEVELOPER),
        (&cy, RoleSet::ACCOUNTING),
        (&operator(), RoleSet::OPERATOR),
    ] {
        let no = forbidden(WorkspaceAction::ManageRoles, has);
        let give = acme.give(here, &bob, WorkspaceRole::Reader);
        assert_eq!(world.refused(who, give), no);
        assert_eq!(world.refused(who, acme.take(here, &wa)), no);
    }
    world.does(&wa, acme.give(here, &bob, WorkspaceRole::Reader));
    world.does(&wa, acme.give(here, &bob, WorkspaceRole::Admin));
    world.does(&wa, acme.take(here, &bob));
    assert_eq!(
        world.refused(&bob, acme.give(here, &bob, WorkspaceRole::Admin)),
        not_found(acme.there())
    );
}

#[test]
fn m1_who_may_not_manage_roles_is_not_told_who_is_a_member() {
    let world = World::new();
    let acme = world.acme();
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let (ann, dora) = (user("ann"), user("dora"));
    let reader = WorkspaceRole::Reader;
    for who in [&dev, &dora] {
        assert_eq!(
            world.refused(who, acme.give(acme.workspace, &ann, reader)),
            world.refused(who, acme.give(acme.workspace, &dora, reader))
        );
        assert_eq!(
            world.refused(who, acme.remove(&ann)),
            world.refused(who, acme.remove(&dora))
        );
        let role = OrganizationRole::Admin;
        assert_eq!(
            world.refused(who, acme.change_role(&ann, role)),
            world.refused(who, acme.change_role(&dora, role))
        );
    }
}

#[test]
fn m2_only_organization_admins_let_someone_go() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    for (who, has) in [
        (&cy, RoleSet::ACCOUNTING),
        (&wa, RoleSet::MEMBER),
        (&operator(), RoleSet::OPERATOR),
    ] {
        assert_eq!(
            world.refused(who, acme.remove(&bob)),
            forbidden(OrganizationAction::RemoveMember, has)
        );
    }
    world.does(&user("ann"), acme.remove(&bob));
    assert_eq!(world.role(acme, &bob), None);
    assert_eq!(
        world.refused(&user("ann"), acme.remove(&bob)),
        not_a_member(id(&bob))
    );
}

#[test]
fn m2_removal_takes_workspace_roles_and_invitations_in_the_same_commit_and_lists_them() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let third = world.does(&ann, acme.create_workspace("Third"));
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    world.does(&ann, acme.give(second, &bob, WorkspaceRole::Admin));
    let dev = world.member_of(acme, second, "dev", WorkspaceRole::Developer);
    // To them; by them; both; and two that have nothing to do with them.
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Member));
    let to_bob = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    let to_bob_there = world.does(&ann, acme.invite_to(third, "BOB", WorkspaceRole::Reader));
    let by_bob = world.does(&bob, acme.invite_to(second, "dev", WorkspaceRole::Admin));
    let to_carl = world.does(&ann, acme.invite("carl", OrganizationRole::Member));
    let to_dev = world.does(&ann, acme.invite_to(third, "dev", WorkspaceRole::Reader));

    let done = world.did(&ann, acme.remove(&bob));
    let Departure {
        user: gone,
        role,
        mut workspaces,
        mut revoked,
    } = done.output;
    assert_eq!((gone, role), (id(&bob), OrganizationRole::Member));
    workspaces.sort_unstable();
    let mut had = [
        (acme.workspace, WorkspaceRole::Reader),
        (second, WorkspaceRole::Admin),
    ];
    had.sort_unstable();
    assert_eq!(workspaces, had);
    revoked.sort_unstable();
    let mut went = [
        to_bob.invitation,
        to_bob_there.invitation,
        by_bob.invitation,
    ];
    went.sort_unstable();
    assert_eq!(revoked, went);
    for (invitation, why) in [
        (&to_bob, RevocationReason::AddresseeLeft),
        (&by_bob, RevocationReason::InviterLostAuthority),
    ] {
        assert!(done.events.contains(&Event::InvitationRevoked {
            invitation: invitation.invitation,
            reason: why
        }));
    }
    assert!(world.is_open(acme, &to_carl) && world.is_open(acme, &to_dev));
    assert_eq!(world.workspace_role(acme, second, &bob), None);
    assert_eq!(world.workspace(acme, acme.workspace).members, 0);
    assert_eq!(
        world.workspace_role(acme, second, &dev),
        Some(WorkspaceRole::Developer)
    );
    // One commit: the log has one entry more, with all of it.
    assert_eq!(world.log(acme).pop().unwrap().events, done.events);
}

#[test]
fn m2_nobody_walks_back_in_by_an_invitation_to_their_address() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(
        &ann,
        acme.invite_address("BOB@Acme.Example", OrganizationRole::Admin),
    );
    world.does(&ann, acme.remove(&bob));
    assert_eq!(world.refused(&bob, accept(&sent)), REVOKED);
}

#[test]
fn m2_nobody_walks_back_in_by_an_expired_invitation_that_is_renewed_by_nobody() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Admin));
    world.passes(chrono::TimeDelta::days(8)); // expired ones are open, too
    let gone = world.does(&ann, acme.remove(&bob));
    assert_eq!(gone.revoked, [sent.invitation]);
}

#[test]
fn m2_nobody_walks_back_in_by_an_invitation_that_they_sent_themself() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    // To a second mailbox of his, of which nobody here knows.
    let sent = world.does(
        &bob,
        acme.invite_address("bob@home.example", OrganizationRole::Admin),
    );
    let gone = world.does(&ann, acme.remove(&bob));
    assert_eq!(gone.revoked, [sent.invitation]);
    let second_account = user_at("bob-again", "bob@home.example");
    assert_eq!(world.refused(&second_account, accept(&sent)), REVOKED);
}

#[test]
fn m2_nobody_walks_back_in_by_an_invitation_that_they_renewed() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let sent = world.does(
        &ann,
        acme.invite_address("x@home.example", OrganizationRole::Member),
    );
    world.passes(TimeDelta::minutes(1));
    let renewed = world.does(
        &bob,
        acme.invite_address("x@home.example", OrganizationRole::Admin),
    );
    assert_eq!(sent.invitation, renewed.invitation);
    assert_eq!(
        world.does(&ann, acme.remove(&bob)).revoked,
        [renewed.invitation]
    );
}

#[test]
fn m2_what_an_admin_renewed_is_no_longer_the_invitation_of_who_sent_it_first() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let sent = world.does(&bob, acme.invite("carl", OrganizationRole::Member));
    world.passes(TimeDelta::minutes(1));
    let renewed = world.does(&ann, acme.resend(sent.invitation));
    assert_eq!(world.does(&ann, acme.remove(&bob)).revoked, []);
    world.does(&user("carl"), accept(&renewed));
}

#[test]
fn m2_nobody_walks_back_in_by_an_invitation_to_a_former_address() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.member(acme, "bob", OrganizationRole::Member);
    let to_the_old = world.does(&ann, acme.invite("bob", OrganizationRole::Admin));
    let bob = user_at("bob", "bob@new.example");
    let followed = world.did(&bob, acme.follow());
    assert_eq!(followed.output.invitations, [to_the_old.invitation]);
    assert_eq!(
        followed.events,
        [
            Event::MemberEmailChanged {
                user: id(&bob),
                from: email("bob@acme.example"),
                to: email("bob@new.example")
            },
            Event::InvitationRevoked {
                invitation: to_the_old.invitation,
                reason: RevocationReason::AddressChanged
            },
        ]
    );
    let to_the_new = world.does(
        &ann,
        acme.invite_address("bob@new.example", OrganizationRole::Admin),
    );
    let gone = world.does(&ann, acme.remove(&bob));
    assert_eq!(gone.revoked, [to_the_new.invitation]);
    assert_eq!(world.refused(&user("bob"), accept(&to_the_old)), REVOKED);
    assert_eq!(world.refused(&bob, accept(&to_the_new)), REVOKED);
}

#[test]
fn m2_coming_back_starts_clean() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    let before = world.membership(acme, &bob).unwrap().since;
    world.does(&ann, acme.remove(&bob));
    world.passes(chrono::TimeDelta::days(1));
    world.member(acme, "bob", OrganizationRole::Member);
    assert_eq!(world.workspace_role(acme, acme.workspace, &bob), None);
    assert!(world.membership(acme, &bob).unwrap().since > before);
    assert!(!world.may(&bob, acme.there(), WorkspaceAction::View));
}

#[test]
fn m2_who_was_removed_sees_nothing_any_more() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    let domain = world.does(&bob, acme.sandbox("shop"));
    world.does(&user("ann"), acme.remove(&bob));
    for action in WorkspaceAction::ALL {
        assert_eq!(world.asks(&bob, acme.there(), action), Decision::Hidden);
    }
    for action in DomainAction::ALL {
        let on = (acme.organization, domain);
        assert_eq!(world.asks(&bob, on, action), Decision::Hidden);
    }
}

#[test]
fn m3_anyone_leaves_an_organization_by_themself_and_takes_everything_along() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let to_bob = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    let by_bob = world.does(
        &bob,
        acme.invite_to(acme.workspace, "dev", WorkspaceRole::Admin),
    );
    let done = world.did(&bob, acme.leave());
    assert_eq!(
        done.output.workspaces,
        [(acme.workspace, WorkspaceRole::Admin)]
    );
    assert_eq!(done.output.revoked.len(), 2);
    assert_eq!(
        done.events.last(),
        Some(&Event::MemberLeft {
            user: id(&bob),
            role: OrganizationRole::Member
        })
    );
    assert_eq!(world.refused(&bob, accept(&to_bob)), REVOKED);
    assert_eq!(world.refused(&dev, accept(&by_bob)), REVOKED);
    assert_eq!(
        world.refused(&bob, acme.leave()),
        not_found(acme.organization)
    );
}

#[test]
fn m3_anyone_leaves_a_workspace_by_themself() {
    let world = World::new();
    let acme = world.acme();
    for (who, role) in [
        ("reader", WorkspaceRole::Reader),
        ("dev", WorkspaceRole::Developer),
        ("wa", WorkspaceRole::Admin),
    ] {
        let who = world.workspace_member(acme, who, role);
        let done = world.did(&who, acme.leave_workspace(acme.workspace));
        assert_eq!(
            done.events,
            [Event::WorkspaceRoleTaken {
                workspace: acme.workspace,
                user: id(&who),
                role
            }]
        );
        assert_eq!(world.role(acme, &who), Some(OrganizationRole::Member));
        assert_eq!(
            world.refused(&who, acme.leave_workspace(acme.workspace)),
            not_found(acme.there())
        );
    }
}

#[test]
fn m3_who_reaches_a_workspace_by_cascade_only_has_nothing_to_leave() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    for who in [&user("ann"), &cy] {
        assert_eq!(
            world.refused(who, acme.leave_workspace(acme.workspace)),
            not_a_member(id(who))
        );
    }
}

#[test]
fn m3_operators_are_members_of_nothing_and_leave_nothing() {
    let world = World::new();
    let acme = world.acme();
    let op = operator();
    assert_eq!(world.refused(&op, acme.leave()), Refusal::UserRequired);
    assert_eq!(world.refused(&op, acme.follow()), Refusal::UserRequired);
    assert_eq!(
        world.refused(&op, acme.leave_workspace(acme.workspace)),
        Refusal::UserRequired
    );
}

#[test]
fn m4_taking_a_workspace_role_away_leaves_the_organization_membership() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Developer);
    let done = world.did(&ann, acme.take(acme.workspace, &bob));
    assert_eq!(
        done.events,
        [Event::WorkspaceRoleTaken {
            workspace: acme.workspace,
            user: id(&bob),
            role: WorkspaceRole::Developer
        }]
    );
    assert_eq!(done.output, Revoked::default());
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Member));
    assert_eq!(
        world.refused(&ann, acme.take(acme.workspace, &bob)),
        not_a_member(id(&bob))
    );
}

#[test]
fn m4_a_workspace_may_be_left_without_any_member() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.does(&wa, acme.take(acme.workspace, &wa));
    assert_eq!(world.workspace(acme, acme.workspace).members, 0);
}

#[test]
fn m5_giving_another_role_replaces_the_one_before() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Admin);
    let since = world
        .state(acme)
        .workspace_member(acme.workspace, id(&bob))
        .unwrap()
        .since;
    world.passes(chrono::TimeDelta::days(1));
    let done = world.did(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    assert_eq!(
        done.events,
        [Event::WorkspaceRoleGiven {
            workspace: acme.workspace,
            user: id(&bob),
            role: WorkspaceRole::Reader,
            replaces: Some(WorkspaceRole::Admin)
        }]
    );
    assert_eq!(world.workspace(acme, acme.workspace).members, 1);
    let state = world.state(acme);
    let held = state.workspace_member(acme.workspace, id(&bob)).unwrap();
    assert_eq!((held.role, held.since), (WorkspaceRole::Reader, since));
    let again = acme.give(acme.workspace, &bob, WorkspaceRole::Reader);
    assert!(!world.did(&ann, again).changed());

    let done = world.did(&ann, acme.change_role(&bob, OrganizationRole::Accounting));
    assert_eq!(
        done.events,
        [Event::OrganizationRoleChanged {
            user: id(&bob),
            from: OrganizationRole::Member,
            to: OrganizationRole::Accounting
        }]
    );
    assert_eq!(world.row(acme).counts.members, 2);
}

#[test]
fn m5_only_organization_admins_change_organization_roles_their_own_included() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    for (who, has) in [
        (&cy, RoleSet::ACCOUNTING),
        (&wa, RoleSet::MEMBER),
        (&operator(), RoleSet::OPERATOR),
    ] {
        for target in [&cy, &wa, &user("ann")] {
            assert_eq!(
                world.refused(who, acme.change_role(target, OrganizationRole::Admin)),
                forbidden(OrganizationAction::ManageRoles, has)
            );
        }
    }
    assert_eq!(
        world.refused(
            &user("ann"),
            acme.change_role(&user("dora"), OrganizationRole::Member)
        ),
        not_a_member(id(&user("dora")))
    );
}

#[test]
fn m5_a_direct_role_never_lowers_a_cascade_and_counts_again_when_the_cascade_ends() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Reader));
    let by = |action| world.asks(&bob, acme.there(), action);
    assert_eq!(
        by(WorkspaceAction::Rename),
        Decision::Allowed {
            by: Grant::Cascade(OrganizationRole::Admin)
        }
    );
    assert_eq!(
        by(WorkspaceAction::ListDomains),
        Decision::Allowed {
            by: Grant::Workspace(WorkspaceRole::Reader)
        }
    );
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Member));
    assert_eq!(
        by(WorkspaceAction::Rename),
        Decision::Forbidden {
            needs: WorkspaceAction::Rename.allowed(),
            has: RoleSet::MEMBER | RoleSet::READER
        }
    );
    assert!(by(WorkspaceAction::ListDomains).is_allowed());
}

#[test]
fn m5_accounting_and_a_workspace_role_add_up() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    world.does(
        &user("ann"),
        acme.give(acme.workspace, &cy, WorkspaceRole::Developer),
    );
    assert!(world.may(&cy, acme.there(), WorkspaceAction::EditInvoicing));
    assert!(world.may(&cy, acme.there(), WorkspaceAction::CreateDomain));
    assert!(!world.may(&cy, acme.there(), WorkspaceAction::Delete));
}

#[test]
fn m6_addresses_are_matched_in_one_normal_form_and_kept_as_they_were_typed() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(
        &ann,
        acme.invite_address(" Bob@Bücher.EXAMPLE ", OrganizationRole::Member),
    );
    let kept = world.invitation(acme, sent.invitation).email;
    assert_eq!(kept.as_str(), "Bob@Bücher.EXAMPLE");
    assert_eq!(kept.key().as_str(), "bob@xn--bcher-kva.example");
    let bob = user_at("bob", "BOB@xn--bcher-kva.example");
    world.does(&bob, accept(&sent));
    let member = world.membership(acme, &bob).unwrap();
    assert_eq!(member.email.as_str(), "BOB@xn--bcher-kva.example");
    // Known again in any spelling.
    assert_eq!(
        world
            .refused(
                &ann,
                acme.invite_address("bOB@BÜCHER.example", OrganizationRole::Member)
            )
            .code(),
        "already_has_role"
    );
}

#[test]
fn m6_what_is_another_mailbox_to_the_mail_provider_is_another_address() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(
        &user("ann"),
        acme.invite_address("kim@acme.example", OrganizationRole::Member),
    );
    // The sign for kelvins looks like a letter, and is refused altogether.
    assert!(EmailAddress::new("\u{212A}im@acme.example").is_err());
    for other in ["kim+a@acme.example", "k.im@acme.example"] {
        let address = EmailAddress::new(other).unwrap();
        let other = user_at("other", address.as_str());
        assert_eq!(
            world.refused(&other, accept(&sent)),
            Refusal::WrongAccount {
                invited: email("kim@acme.example")
            },
            "{address}"
        );
    }
}

#[test]
fn m6_a_member_follows_their_own_change_of_address() {
    let world = World::new();
    let acme = world.acme();
    world.member(acme, "bob", OrganizationRole::Member);
    let bob = user_at("bob", "bob@new.example");
    world.does(&bob, acme.follow());
    let kept = world.membership(acme, &bob).unwrap().email;
    assert_eq!(kept, email("bob@new.example"));
    assert!(!world.did(&bob, acme.follow()).changed());

    // Other letters for the same mailbox are worth keeping, but revoke nothing.
    let to_bob = world.does(
        &user("ann"),
        acme.invite_address("bob@new.example", OrganizationRole::Admin),
    );
    let bob = user_at("bob", "Bob@New.example");
    assert_eq!(world.does(&bob, acme.follow()), Revoked::default());
    assert!(world.is_open(acme, &to_bob));
    let kept = world.membership(acme, &bob).unwrap().email;
    assert_eq!(kept.as_str(), "Bob@New.example");
}

#[test]
fn m6_only_a_member_with_a_verified_address_follows_a_change() {
    let world = World::new();
    let acme = world.acme();
    world.member(acme, "bob", OrganizationRole::Member);
    assert_eq!(
        world.refused(&unverified("bob"), acme.follow()),
        Refusal::EmailUnverified
    );
    assert_eq!(
        world.refused(&user("dora"), acme.follow()),
        not_found(acme.organization)
    );
    assert_eq!(
        world.refused(&unverified("dora"), acme.follow()),
        not_found(acme.organization)
    );
}

#[test]
fn m6_every_member_has_an_address() {
    let world = World::new();
    let name = name("Acme");
    assert_eq!(
        world.refused(&unverified("ann"), CreateOrganization { name }),
        Refusal::EmailUnverified
    );
}

#[test]
fn m6_within_an_organization_an_address_is_one_members() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let cy = world.member(acme, "cy", OrganizationRole::Member);
    // Another account that shows Bob's address is refused, by whatever way it comes.
    let other = user_at("other", "Bob@Acme.example");
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    assert_eq!(world.refused(&other, accept(&sent)), Refusal::EmailInUse);
    assert_eq!(
        world.refused(&operator(), acme.appoint(&other)),
        Refusal::EmailInUse
    );
    let cy_as_bob = user_at("cy", "bob@acme.example");
    assert_eq!(
        world.refused(&cy_as_bob, acme.follow()),
        Refusal::EmailInUse
    );
    assert_eq!(
        world.refused(&cy_as_bob, accept(&sent)),
        Refusal::EmailInUse
    );
    // A member who is appointed keeps their address, and still shows one that isn't theirs.
    assert_eq!(
        world.refused(&operator(), acme.appoint(&cy_as_bob)),
        Refusal::EmailInUse
    );
    // Bob himself takes what is his; and once he is gone, the address is free.
    world.does(&bob, accept(&sent));
    world.does(&ann, acme.remove(&bob));
    world.does(&cy_as_bob, acme.follow());
    assert_eq!(
        world.membership(acme, &cy).unwrap().email,
        email("bob@acme.example")
    );
}

#[test]
fn m6_a_members_address_follows_what_they_show_when_they_accept() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    world.member(acme, "bob", OrganizationRole::Member);
    let to_the_old = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    let to_the_new = world.does(
        &ann,
        acme.invite_address("bob@new.example", OrganizationRole::Admin),
    );
    let bob = user_at("bob", "bob@new.example");
    let done = world.did(&bob, accept(&to_the_new));
    assert_eq!(
        done.events[1..3],
        [
            Event::MemberEmailChanged {
                user: id(&bob),
                from: email("bob@acme.example"),
                to: email("bob@new.example")
            },
            Event::InvitationRevoked {
                invitation: to_the_old.invitation,
                reason: RevocationReason::AddressChanged
            }
        ]
    );
    let member = world.membership(acme, &bob).unwrap();
    assert_eq!(member.email, email("bob@new.example"));
    assert_eq!(member.role, OrganizationRole::Admin);
}

#[test]
fn m6_an_identity_that_is_missing_is_nobody() {
    let world = World::new();
    let acme = world.acme();
    let nobody = Actor::user(
        UserId::from_external(""),
        VerifiedEmail::attest(email("nobody@acme.example")),
    );
    let name = name("Acme");
    assert_eq!(
        world.refused(&nobody, CreateOrganization { name }),
        Refusal::IdentityMissing
    );
    assert_eq!(
        world.refused(&nobody, acme.follow()),
        Refusal::IdentityMissing
    );
    let sent = world.does(
        &user("ann"),
        acme.invite_address("nobody@acme.example", OrganizationRole::Admin),
    );
    assert_eq!(
        world.refused(&nobody, accept(&sent)),
        Refusal::IdentityMissing
    );
    assert_eq!(
        world.refused(&operator(), acme.appoint(&nobody)),
        Refusal::IdentityMissing
    );
    let no_key = CommitId::from_key(id(&user("ann")), "");
    assert_eq!(
        world.refused_as(no_key, &user("ann"), acme.rename("Beta")),
        Refusal::IdentityMissing
    );
    assert_eq!(
        world.asks(&nobody, acme.organization, OrganizationAction::View),
        Decision::Hidden
    );
}

#[test]
fn m2_what_was_sent_before_a_departure_lets_nobody_in_whatever_address_they_show() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    // Bob has two more addresses that Acme doesn't know to be his.
    let elsewhere = world.does(
        &ann,
        acme.invite_address("bob@private.example", OrganizationRole::Admin),
    );
    let workspace = world.does(
        &ann,
        acme.invite_address_to(acme.workspace, "bob@home.example", WorkspaceRole::Admin),
    );
    world.does(&ann, acme.remove(&bob));
    assert!(world.is_open(acme, &elsewhere) && world.is_open(acme, &workspace));
    let bob_elsewhere = user_at("bob", "bob@private.example");
    let bob_at_home = user_at("bob", "bob@home.example");
    for (bob, sent) in [(&bob_elsewhere, &elsewhere), (&bob_at_home, &workspace)] {
        assert_eq!(
            world.refused(bob, accept(sent)),
            Refusal::InvitationOutdated
        );
    }
    // It is his person that departed: somebody else with such an address may come.
    let other = user_at("other", "bob@private.example");
    world.does(&other, accept(&elsewhere));
    // What is sent since lets him in, and the older one still gives nothing.
    let since = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    world.does(&user("bob"), accept(&since));
    assert_eq!(
        world.refused(&bob_at_home, accept(&workspace)),
        Refusal::InvitationOutdated
    );
}

#[test]
fn m2_who_leaves_and_shows_another_address_does_not_walk_back_in() {
    let world = World::new();
    let acme = world.acme();
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    // The founder is invited to another address of theirs, leaves, and opens the link then.
    let sent = world.does(
        &bob,
        acme.invite_address("ann@private.example", OrganizationRole::Admin),
    );
    world.does(&user("ann"), acme.leave());
    let ann = user_at("ann", "ann@private.example");
    assert_eq!(
        world.refused(&ann, accept(&sent)),
        Refusal::InvitationOutdated
    );
    assert_eq!(world.role(acme, &ann), None);
}

#[test]
fn m4_what_was_lowered_does_not_come_back_by_an_older_link() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let known = world.does(&ann, acme.invite("bob", OrganizationRole::Admin));
    let unknown = world.does(
        &ann,
        acme.invite_address("bob@private.example", OrganizationRole::Accounting),
    );
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    let lowered = world.does(&ann, acme.change_role(&bob, OrganizationRole::Member));
    // The one to the address that is known to be his is revoked in the same commit.
    assert_eq!(lowered.invitations, [known.invitation]);
    let bob_elsewhere = user_at("bob", "bob@private.example");
    assert_eq!(
        world.refused(&bob_elsewhere, accept(&unknown)),
        Refusal::InvitationOutdated
    );
    // A link that is made since is good.
    world.passes(TimeDelta::minutes(1));
    let again = world.does(&ann, acme.resend(unknown.invitation));
    world.does(&bob_elsewhere, accept(&again));
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Accounting));
}

#[test]
fn m4_what_was_taken_in_a_workspace_does_not_come_back_by_an_older_link() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let other = world.does(&ann, acme.create_workspace("Other"));
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let sent = world.does(&ann, acme.invite_to(here, "bob", WorkspaceRole::Admin));
    let there = world.does(&ann, acme.invite_to(other, "bob", WorkspaceRole::Developer));
    let unknown = world.does(
        &ann,
        acme.invite_address_to(here, "bob@private.example", WorkspaceRole::Reader),
    );
    let taken = world.does(&ann, acme.take(here, &bob));
    assert_eq!(taken.invitations, [sent.invitation]);
    let bob_elsewhere = user_at("bob", "bob@private.example");
    assert_eq!(
        world.refused(&bob_elsewhere, accept(&unknown)),
        Refusal::InvitationOutdated
    );
    // Another workspace is another matter.
    world.does(&bob, accept(&there));
    // Lowered: to the older one that gives more, no; to what he has, it changes nothing and is spent.
    world.does(&ann, acme.give(here, &bob, WorkspaceRole::Admin));
    let less = world.does(
        &ann,
        acme.invite_address_to(here, "bob@third.example", WorkspaceRole::Reader),
    );
    world.does(&ann, acme.give(here, &bob, WorkspaceRole::Reader));
    let bob_third = user_at("bob", "bob@third.example");
    let accepted = world.does(&bob_third, accept(&less));
    assert_eq!((accepted.joined, accepted.workspace_role), (false, None));
}

#[test]
fn m4_leaving_a_workspace_ends_what_was_sent_to_it_too() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let sent = world.does(
        &ann,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Developer),
    );
    let left = world.does(&bob, acme.leave_workspace(acme.workspace));
    assert_eq!(left.invitations, [sent.invitation]);
}

#[test]
fn m2_whoever_closes_their_account_leaves_every_organization_that_they_may_leave() {
    let world = World::new();
    let (acme, mine) = (world.acme(), world.owned_by(&user("bob"), "Bob's"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let leave = |organization| LeaveOrganization { organization };
    let left = block_on(world.tenancy.execute_in_each(&bob, leave)).unwrap();
    assert_eq!(left.len(), 2);
    for (organization, outcome) in left {
        if organization == acme.organization {
            assert_eq!(outcome.unwrap().user, id(&bob));
        } else {
            assert_eq!(
                (organization, outcome),
                (mine.organization, Err(Refusal::LastAdmin))
            );
        }
    }
    assert_eq!(world.role(acme, &bob), None);
    let again = block_on(world.tenancy.execute_in_each(&bob, leave)).unwrap();
    assert_eq!(again.len(), 1);
    assert!(
        block_on(world.tenancy.execute_in_each(&operator(), leave))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn m6_a_changed_address_is_followed_in_every_organization() {
    let world = World::new();
    let (acme, other) = (world.acme(), world.owned_by(&user("ann"), "Other"));
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    world.member(other, "bob", OrganizationRole::Member);
    let moved = user_at("bob", "bob@new.example");
    let follow = |organization| FollowEmailChange { organization };
    let followed = block_on(world.tenancy.execute_in_each(&moved, follow)).unwrap();
    assert!(followed.len() == 2 && followed.iter().all(|(_, outcome)| outcome.is_ok()));
    for there in [acme, other] {
        let member = world.membership(there, &bob).unwrap();
        assert_eq!(member.email, email("bob@new.example"));
    }
}
