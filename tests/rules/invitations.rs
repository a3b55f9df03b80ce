//! I1–I8.

use chrono::TimeDelta;
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, DeclineInvitation, DeclineReceivedInvitation,
};
use tenancy::store::InvitationState;
use tenancy::token::InvitationSecret;
use tenancy::views::InvitationPreview;
use tenancy::{
    Event, InvitationId, InvitationStatus, InvitationTarget, InvitationToken, InvitationValidity,
    OrganizationAction, OrganizationId, OrganizationRole, Paging, Refusal, RevocationReason,
    RoleSet, Settings, WorkspaceAction, WorkspaceRole,
};

use tenancy_tests::world::*;

const fn closed(state: InvitationState) -> Refusal {
    Refusal::InvitationClosed { state }
}

const REVOKED: Refusal = closed(InvitationState::Revoked);

// I1

#[test]
fn i1_an_invitation_places_the_invited_person_with_its_organization_role() {
    let world = World::new();
    let acme = world.acme();
    for (who, role) in [
        ("bob", OrganizationRole::Member),
        ("cy", OrganizationRole::Accounting),
        ("dan", OrganizationRole::Admin),
    ] {
        let sent = world.does(&user("ann"), acme.invite(who, role));
        let done = world.did(&user(who), accept(&sent));
        let accepted = done.output;
        assert_eq!(
            (accepted.organization, accepted.invitation, accepted.joined),
            (acme.organization, sent.invitation, true)
        );
        assert_eq!(accepted.organization_role, Some(role));
        assert_eq!(accepted.workspace_role, None);
        assert_eq!(
            done.events,
            [
                Event::MemberJoined {
                    user: id(&user(who)),
                    email: email(&format!("{who}@acme.example")),
                    role
                },
                Event::InvitationAccepted {
                    invitation: sent.invitation,
                    user: id(&user(who))
                },
            ]
        );
        assert_eq!(world.role(acme, &user(who)), Some(role));
    }
}

#[test]
fn i1_a_workspace_invitation_also_makes_an_organization_member() {
    let world = World::new();
    let acme = world.acme();
    for (who, role) in [
        ("reader", WorkspaceRole::Reader),
        ("dev", WorkspaceRole::Developer),
        ("wa", WorkspaceRole::Admin),
    ] {
        let sent = world.does(&user("ann"), acme.invite_to(acme.workspace, who, role));
        let accepted = world.does(&user(who), accept(&sent));
        assert!(accepted.joined);
        assert_eq!(accepted.organization_role, Some(OrganizationRole::Member));
        assert_eq!(accepted.workspace_role, Some((acme.workspace, role)));
        assert_eq!(
            world.workspace_role(acme, acme.workspace, &user(who)),
            Some(role)
        );
    }
}

#[test]
fn i1_a_sent_invitation_is_recorded_whole() {
    let world = World::new();
    let acme = world.acme();
    let done = world.did(
        &user("ann"),
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
    );
    let sent = done.output;
    assert!(!sent.renewed);
    assert_eq!(sent.expires_at, world.now() + TimeDelta::days(7));
    let kept = world.invitation(acme, sent.invitation);
    assert_eq!(kept.email, email("bob@acme.example"));
    assert_eq!(
        kept.target,
        InvitationTarget::Workspace {
            workspace: acme.workspace,
            role: WorkspaceRole::Reader
        }
    );
    assert_eq!(
        (kept.sent_at, kept.inviter),
        (world.now(), id(&user("ann")))
    );
    assert!(kept.token_hash.matches(&token(&sent)));
}

// I2

#[test]
fn i2_organization_admins_alone_invite_to_the_organization() {
    let world = World::new();
    let acme = world.acme();
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    for (who, has) in [
        (&cy, RoleSet::ACCOUNTING),
        (&wa, RoleSet::MEMBER),
        (&operator(), RoleSet::OPERATOR),
    ] {
        for invited in ["bob", "ann"] {
            assert_eq!(
                world.refused(who, acme.invite(invited, OrganizationRole::Member)),
                forbidden(OrganizationAction::Invite, has)
            );
        }
    }
}

#[test]
fn i2_a_workspace_admin_invites_a_member_but_nobody_new() {
    let world = World::new();
    let acme = world.acme();
    let here = acme.workspace;
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let developer = WorkspaceRole::Developer;
    assert_eq!(
        world.refused(&wa, acme.invite_to(here, "newcomer", developer)),
        forbidden(
            WorkspaceAction::InviteNewcomer,
            RoleSet::MEMBER | RoleSet::WORKSPACE_ADMIN
        )
    );
    let sent = world.does(&wa, acme.invite_to(here, "bob", developer));
    let accepted = world.does(&user("bob"), accept(&sent));
    assert!(!accepted.joined);
    assert_eq!(accepted.organization_role, None);
    assert_eq!(accepted.workspace_role, Some((here, developer)));
    world.does(&user("ann"), acme.invite_to(here, "newcomer", developer));
}

#[test]
fn i2_a_pending_invitation_to_the_organization_makes_nobody_a_member_yet() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader);
    assert_eq!(world.refused(&wa, invite).code(), "forbidden");
}

#[test]
fn i2_developers_readers_accounting_and_operators_invite_nobody_to_a_workspace() {
    let world = World::new();
    let acme = world.acme();
    let dev = world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    let reader = world.workspace_member(acme, "reader", WorkspaceRole::Reader);
    let cy = world.member(acme, "cy", OrganizationRole::Accounting);
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    for (who, has) in [
        (&dev, RoleSet::MEMBER | RoleSet::DEVELOPER),
        (&reader, RoleSet::MEMBER | RoleSet::READER),
        (&cy, RoleSet::ACCOUNTING),
        (&operator(), RoleSet::OPERATOR),
    ] {
        // Whether the address belongs to a member makes no difference to them.
        for invited in ["bob", "newcomer"] {
            assert_eq!(
                world.refused(
                    who,
                    acme.invite_to(acme.workspace, invited, WorkspaceRole::Reader)
                ),
                forbidden(WorkspaceAction::InviteMember, has)
            );
        }
    }
    assert_eq!(
        world.refused(
            &bob,
            acme.invite_to(acme.workspace, "newcomer", WorkspaceRole::Reader)
        ),
        not_found(acme.there())
    );
}

#[test]
fn i2_a_workspace_admin_invites_to_their_own_workspace_only() {
    let world = World::new();
    let acme = world.acme();
    let second = world.does(&user("ann"), acme.create_workspace("Second"));
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    assert_eq!(
        world.refused(&wa, acme.invite_to(second, "bob", WorkspaceRole::Reader)),
        not_found((acme.organization, second))
    );
}

// I3

#[test]
fn i3_an_invitation_is_used_once() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    world.does(&user("bob"), accept(&sent));
    let accepted = closed(InvitationState::Accepted);
    assert_eq!(world.refused(&user("bob"), accept(&sent)), accepted);
    assert_eq!(world.refused(&user("bob"), decline(&sent)), accepted);
    // Also after they have left: the link doesn't bring them back.
    world.does(&user("bob"), acme.leave());
    assert_eq!(world.refused(&user("bob"), accept(&sent)), accepted);
}

#[test]
fn i3_who_holds_the_secret_is_told_plainly_what_is_wrong() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let wrong_account = Refusal::WrongAccount {
        invited: email("bob@acme.example"),
    };
    for who in [user("dora"), user_at("bob", "bob@home.example")] {
        assert_eq!(world.refused(&who, accept(&sent)), wrong_account);
        assert_eq!(world.refused(&who, decline(&sent)), wrong_account);
    }
    let bob = unverified("bob");
    assert_eq!(world.refused(&bob, accept(&sent)), Refusal::EmailUnverified);
    assert_eq!(
        world.refused(&bob, decline(&sent)),
        Refusal::EmailUnverified
    );
    world.is_at(sent.expires_at);
    let expired = Refusal::InvitationExpired {
        expired_at: sent.expires_at,
    };
    assert_eq!(world.refused(&user("bob"), accept(&sent)), expired);
    assert_eq!(world.refused(&user("bob"), decline(&sent)), expired);
    world.does(&user("ann"), acme.revoke(sent.invitation));
    assert_eq!(world.refused(&user("bob"), accept(&sent)), REVOKED);
    assert_eq!(world.refused(&user("bob"), decline(&sent)), REVOKED);
}

#[test]
fn i3_an_operator_answers_no_invitation() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let op = operator();
    assert_eq!(world.refused(&op, accept(&sent)), Refusal::UserRequired);
    assert_eq!(world.refused(&op, decline(&sent)), Refusal::UserRequired);
}

#[test]
fn i3_who_does_not_hold_the_secret_cant_learn_that_an_invitation_exists() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let used = world.does(&user("ann"), acme.invite("carl", OrganizationRole::Member));
    world.does(&user("carl"), accept(&used));
    let guess = |organization, invitation| {
        let secret = InvitationSecret::generate().unwrap();
        InvitationToken::new(organization, invitation, &secret)
    };
    for token in [
        guess(acme.organization, sent.invitation),
        guess(acme.organization, used.invitation),
        guess(acme.organization, InvitationId::new()),
        guess(OrganizationId::new(), sent.invitation),
        guess(OrganizationId::new(), InvitationId::new()),
    ] {
        for who in [user("bob"), user("dora"), unverified("bob"), user("ann")] {
            let accept = AcceptInvitation {
                token: token.clone(),
            };
            let decline = DeclineInvitation {
                token: token.clone(),
            };
            assert_eq!(world.refused(&who, accept), Refusal::InvitationNotFound);
            assert_eq!(world.refused(&who, decline), Refusal::InvitationNotFound);
        }
        let preview = tenancy::block_on(world.tenancy.preview(&token));
        assert_eq!(
            preview.unwrap_err().refusal(),
            Some(&Refusal::InvitationNotFound)
        );
    }
}

#[test]
fn i3_the_secret_of_one_invitation_opens_no_other() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let (secret, other) = (
        InvitationSecret::generate().unwrap(),
        world.does(&ann, acme.invite("bob", OrganizationRole::Admin)),
    );
    let sent = world.does(&ann, acme.invite("carl", OrganizationRole::Member));
    let of_carl = token(&sent).expose();
    let of_bob = token(&other).expose();
    // Carl's secret behind the ids of Bob's invitation, in the text of the link.
    let (ids, _) = of_bob.split_at(of_bob.len() - 42);
    let (_, tail) = of_carl.split_at(of_carl.len() - 42);
    let forged: InvitationToken = format!("{ids}{tail}").parse().unwrap();
    for token in [
        forged,
        InvitationToken::new(acme.organization, other.invitation, &secret),
    ] {
        let refusal = world.refused(&user("bob"), AcceptInvitation { token });
        assert_eq!(refusal, Refusal::InvitationNotFound);
    }
}

#[test]
fn i3_opening_a_link_only_previews_it() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(
        &user("ann"),
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader),
    );
    let before = world.everything();
    for _ in 0..3 {
        let preview = tenancy::block_on(world.tenancy.preview(&token(&sent))).unwrap();
        let InvitationPreview::Open {
            organization,
            organization_name,
            workspace_name,
            invitation,
        } = preview
        else {
            panic!("it is open: {preview:?}");
        };
        assert_eq!(organization, acme.organization);
        assert_eq!(organization_name, name("Acme"));
        assert_eq!(workspace_name, Some(name("Acme")));
        assert_eq!(invitation.email, email("bob@acme.example"));
        assert_eq!(invitation.status, InvitationStatus::Pending);
    }
    assert_eq!(world.everything(), before);
    world.does(&user("bob"), accept(&sent));
}

#[test]
fn i3_a_preview_tells_the_holder_of_the_link_what_became_of_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let member = OrganizationRole::Member;
    let [accepted, declined, revoked, expired] =
        ["a", "b", "c", "d"].map(|who| world.does(&ann, acme.invite(who, member)));
    world.does(&user("a"), accept(&accepted));
    world.does(&user("b"), decline(&declined));
    world.does(&ann, acme.revoke(revoked.invitation));
    world.is_at(expired.expires_at);
    assert_eq!(world.status(&expired), InvitationStatus::Expired);
    // I10: of a closed one, how it was closed, and nothing else.
    for (sent, state) in [
        (&accepted, InvitationState::Accepted),
        (&declined, InvitationState::Declined),
        (&revoked, InvitationState::Revoked),
    ] {
        let preview = tenancy::block_on(world.tenancy.preview(&token(sent))).unwrap();
        assert_eq!(preview, InvitationPreview::Closed { state });
    }
}

#[test]
fn i10_an_old_link_tells_nothing_new() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    world.does(&user("bob"), accept(&sent));
    world.does(&ann, acme.remove(&user("bob")));
    world.does(&ann, acme.rename("Renamed since"));
    let preview = tenancy::block_on(world.tenancy.preview(&token(&sent))).unwrap();
    let said = format!("{preview:?} {}", serde_json::to_string(&preview).unwrap());
    assert!(
        !said.contains("Renamed") && !said.contains("Acme"),
        "{said}"
    );
}

#[test]
fn i3_only_the_hash_of_the_secret_is_kept_and_shown_nowhere() {
    let world = World::new();
    let acme = world.acme();
    let done = world.did(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let token = token(&done.output);
    let text = token.expose();
    let secret = &text[text.len() - 42..];
    let hash = serde_json::to_string(&token.hash()).unwrap();
    let accept = AcceptInvitation {
        token: token.clone(),
    };
    let refusal = world.refused(&user("dora"), accept.clone());
    let preview = tenancy::block_on(world.tenancy.preview(&token)).unwrap();
    let ann = user("ann");
    let listed = world
        .tenancy
        .invitations(&ann, acme.organization, Paging::default());
    let listed = tenancy::block_on(listed).unwrap();
    for shown in [
        format!("{token:?}"),
        format!("{:?}", done.output),
        format!("{accept:?}"),
        format!(
            "{:?}",
            DeclineInvitation {
                token: token.clone()
            }
        ),
        format!("{:?}", done.events),
        format!("{:?}", world.everything()),
        format!("{refusal:?} {refusal}"),
        serde_json::to_string(&refusal).unwrap(),
        format!("{preview:?}"),
        serde_json::to_string(&preview).unwrap(),
        format!("{listed:?}"),
        serde_json::to_string(&listed).unwrap(),
        format!("{:?}", InvitationToken::parse(&format!("{}x", &*text))),
    ] {
        assert!(!shown.contains(secret), "{shown}");
        assert!(!shown.contains(hash.trim_matches('"')), "{shown}");
    }
    // The log keeps the hash, and no secret.
    let log = serde_json::to_string(&world.log(acme)).unwrap();
    assert!(!log.contains(secret) && log.contains(&hash), "{log}");
}

#[test]
fn i3_declining_is_final_and_places_nobody() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let done = world.did(&user("bob"), decline(&sent));
    assert_eq!(
        done.events,
        [Event::InvitationDeclined {
            invitation: sent.invitation,
            user: id(&user("bob"))
        }]
    );
    assert_eq!(world.role(acme, &user("bob")), None);
    let declined = closed(InvitationState::Declined);
    assert_eq!(world.refused(&user("bob"), accept(&sent)), declined);
    assert_eq!(world.refused(&user("bob"), decline(&sent)), declined);
    let again = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    assert_ne!(again.invitation, sent.invitation);
    world.does(&user("bob"), accept(&again));
}

// I4

#[test]
fn i4_an_invitation_expires_to_the_millisecond() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    // A clock that is finer than what is kept: times are cut to whole milliseconds.
    world.passes(TimeDelta::nanoseconds(123_456_789));
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let too_late = world.does(&ann, acme.invite("carl", OrganizationRole::Member));
    assert_eq!(sent.expires_at.timestamp_subsec_nanos(), 123_000_000);
    let status = || world.status(&too_late);
    world.is_at(sent.expires_at - TimeDelta::nanoseconds(1));
    assert_eq!(status(), InvitationStatus::Pending);
    world.does(&user("bob"), accept(&sent));
    world.is_at(too_late.expires_at);
    assert_eq!(status(), InvitationStatus::Expired);
    assert_eq!(
        world.refused(&user("carl"), accept(&too_late)),
        Refusal::InvitationExpired {
            expired_at: too_late.expires_at
        }
    );
}

#[test]
fn i4_how_long_is_the_hosts_choice_between_an_hour_and_thirty_days() {
    assert_eq!(InvitationValidity::hours(0), None);
    assert_eq!(InvitationValidity::days(0), None);
    assert_eq!(InvitationValidity::days(31), None);
    assert_eq!(InvitationValidity::hours(30 * 24 + 1), None);
    assert_eq!(
        InvitationValidity::days(7).unwrap(),
        InvitationValidity::default()
    );
    for (validity, lasts) in [
        (InvitationValidity::hours(1), TimeDelta::hours(1)),
        (InvitationValidity::days(30), TimeDelta::days(30)),
    ] {
        let world = World::with(Settings {
            invitation_validity: validity.unwrap(),
            ..Settings::default()
        });
        let acme = world.acme();
        let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
        assert_eq!(sent.expires_at, world.now() + lasts);
    }
}

#[test]
fn i4_an_expired_invitation_stays_listed_and_is_renewed_or_revoked() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let resent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let again = world.does(&ann, acme.invite("carl", OrganizationRole::Member));
    let revoked = world.does(&ann, acme.invite("dan", OrganizationRole::Member));
    world.passes(TimeDelta::days(365));
    assert_eq!(world.row(acme).counts.invitations, 3);
    let listed = world
        .tenancy
        .invitations(&ann, acme.organization, Paging::default());
    let listed = tenancy::block_on(listed).unwrap().items;
    assert_eq!(listed.len(), 3);
    assert!(
        listed
            .iter()
            .all(|it| it.status == InvitationStatus::Expired)
    );

    let resent = world.does(&ann, acme.resend(resent.invitation));
    let again_invited = world.does(&ann, acme.invite("carl", OrganizationRole::Member));
    assert!(resent.renewed && again_invited.renewed);
    assert_eq!(again.invitation, again_invited.invitation);
    world.does(&ann, acme.revoke(revoked.invitation));
    world.does(&user("bob"), accept(&resent));
    world.does(&user("carl"), accept(&again_invited));
}

#[test]
fn i4_a_shorter_validity_chosen_later_changes_nothing_that_was_sent() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    world.passes(TimeDelta::days(6));
    assert_eq!(
        world.invitation(acme, sent.invitation).expires_at,
        sent.expires_at
    );
    world.does(&user("bob"), accept(&sent));
}

// I5

#[test]
fn i5_inviting_again_renews_role_link_expiry_and_inviter_and_kills_the_old_link() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let eve = world.member(acme, "eve", OrganizationRole::Admin);
    let first = world.does(&ann, acme.invite("bob", OrganizationRole::Admin));
    world.passes(TimeDelta::days(1));
    let done = world.did(&eve, acme.invite("BOB", OrganizationRole::Member));
    let second = done.output;
    assert_eq!(
        (second.invitation, second.renewed),
        (first.invitation, true)
    );
    assert_eq!(second.expires_at, world.now() + TimeDelta::days(7));
    assert_eq!(
        done.events,
        [Event::InvitationRenewed {
            invitation: first.invitation,
            email: email("bob@acme.example"),
            target: InvitationTarget::Organization {
                role: OrganizationRole::Member
            },
            inviter: id(&eve),
            token_hash: second.token.as_ref().map(InvitationToken::hash),
            expires_at: second.expires_at
        }]
    );
    let kept = world.invitation(acme, first.invitation);
    assert_eq!((kept.inviter, kept.sent_at), (id(&eve), world.now()));
    assert_eq!(world.row(acme).counts.invitations, 1);
    let bob = user("bob");
    assert_eq!(
        world.refused(&bob, accept(&first)),
        Refusal::InvitationNotFound
    );
    let accepted = world.does(&bob, accept(&second));
    assert_eq!(accepted.organization_role, Some(OrganizationRole::Member));
}

#[test]
fn i5_resending_renews_link_expiry_and_inviter_and_keeps_the_role() {
    let world = World::new();
    let acme = world.acme();
    let eve = world.member(acme, "eve", OrganizationRole::Admin);
    let first = world.does(
        &user("ann"),
        acme.invite("bob", OrganizationRole::Accounting),
    );
    world.passes(TimeDelta::hours(1));
    let second = world.does(&eve, acme.resend(first.invitation));
    assert!(second.renewed);
    let kept = world.invitation(acme, first.invitation);
    assert_eq!(kept.inviter, id(&eve));
    assert_eq!(kept.expires_at, world.now() + TimeDelta::days(7));
    let bob = user("bob");
    assert_eq!(
        world.refused(&bob, decline(&first)),
        Refusal::InvitationNotFound
    );
    let accepted = world.does(&bob, accept(&second));
    assert_eq!(
        accepted.organization_role,
        Some(OrganizationRole::Accounting)
    );
}

#[test]
fn i5_the_organization_and_each_workspace_are_different_targets() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let second = world.does(&ann, acme.create_workspace("Second"));
    let reader = WorkspaceRole::Reader;
    let sent = [
        world.does(&ann, acme.invite("bob", OrganizationRole::Accounting)),
        world.does(&ann, acme.invite_to(acme.workspace, "bob", reader)),
        world.does(&ann, acme.invite_to(second, "bob", reader)),
    ];
    assert!(sent.iter().all(|sent| !sent.renewed));
    assert_eq!(world.row(acme).counts.invitations, 3);
    for sent in &sent {
        world.does(&user("bob"), accept(sent));
    }
    let bob = user("bob");
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Accounting));
    assert_eq!(world.workspace_role(acme, second, &bob), Some(reader));
}

#[test]
fn i5_accepted_declined_and_revoked_are_final() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let member = OrganizationRole::Member;
    let [accepted, declined, revoked] =
        ["a", "b", "c"].map(|who| world.does(&ann, acme.invite(who, member)));
    world.does(&user("a"), accept(&accepted));
    world.does(&user("b"), decline(&declined));
    world.does(&ann, acme.revoke(revoked.invitation));
    for (sent, state) in [
        (accepted, InvitationState::Accepted),
        (declined, InvitationState::Declined),
        (revoked, InvitationState::Revoked),
    ] {
        let invitation = sent.invitation;
        assert_eq!(world.refused(&ann, acme.resend(invitation)), closed(state));
        assert_eq!(world.refused(&ann, acme.revoke(invitation)), closed(state));
    }
    assert_eq!(world.row(acme).counts.invitations, 0);
}

#[test]
fn i5_revoking_is_on_the_record_and_kills_the_link() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let done = world.did(&user("ann"), acme.revoke(sent.invitation));
    assert_eq!(
        done.events,
        [Event::InvitationRevoked {
            invitation: sent.invitation,
            reason: RevocationReason::Requested
        }]
    );
    assert_eq!(world.refused(&user("bob"), accept(&sent)), REVOKED);
}

#[test]
fn i5_who_may_invite_may_also_resend_and_revoke_whoever_sent_it() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let here = acme.workspace;
    let to_a_member = world.does(&ann, acme.invite_to(here, "bob", WorkspaceRole::Reader));
    let to_a_newcomer = world.does(&ann, acme.invite_to(here, "new", WorkspaceRole::Reader));
    let to_the_organization = world.does(&ann, acme.invite("new", OrganizationRole::Member));

    world.passes(TimeDelta::minutes(1));
    let resent = world.does(&wa, acme.resend(to_a_member.invitation));
    assert_eq!(world.invitation(acme, resent.invitation).inviter, id(&wa));
    world.does(&wa, acme.revoke(resent.invitation));
    let no = forbidden(
        WorkspaceAction::InviteNewcomer,
        RoleSet::MEMBER | RoleSet::WORKSPACE_ADMIN,
    );
    assert_eq!(
        world.refused(&wa, acme.resend(to_a_newcomer.invitation)),
        no
    );
    assert_eq!(
        world.refused(&wa, acme.revoke(to_a_newcomer.invitation)),
        no
    );
    let hidden = forbidden(OrganizationAction::ViewInvitations, RoleSet::MEMBER);
    for invitation in [to_the_organization.invitation, InvitationId::new()] {
        assert_eq!(world.refused(&wa, acme.resend(invitation)), hidden);
        assert_eq!(world.refused(&wa, acme.revoke(invitation)), hidden);
    }
    assert_eq!(
        world.refused(&ann, acme.revoke(InvitationId::new())),
        Refusal::InvitationNotFound
    );
    assert_eq!(
        world.refused(&operator(), acme.revoke(to_the_organization.invitation)),
        forbidden(OrganizationAction::Invite, RoleSet::OPERATOR)
    );
}

#[test]
fn i5_who_may_not_view_invitations_cant_learn_which_exist() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let sent = world.does(&ann, acme.invite_to(here, "new", WorkspaceRole::Reader));
    let done = world.does(&ann, acme.invite_to(here, "dev", WorkspaceRole::Developer));
    world.does(&user("dev"), accept(&done));
    for who in [user("dev"), user("dora")] {
        let absent = world.refused(&who, acme.revoke(InvitationId::new()));
        for invitation in [sent.invitation, done.invitation] {
            assert_eq!(world.refused(&who, acme.revoke(invitation)), absent);
            assert_eq!(world.refused(&who, acme.resend(invitation)), absent);
        }
    }
}

#[test]
fn i5_inviting_someone_to_what_they_have_or_less_is_refused() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    // What was offered is repeated, not what they have.
    let held_above = |role| Refusal::AlreadyHasRole {
        offered: InvitationTarget::Organization { role }.into(),
    };
    let held_here = |role| Refusal::AlreadyHasRole {
        offered: InvitationTarget::Workspace {
            workspace: here,
            role,
        }
        .into(),
    };
    world.member(acme, "cy", OrganizationRole::Accounting);
    world.workspace_member(acme, "dev", WorkspaceRole::Developer);
    for role in [OrganizationRole::Member, OrganizationRole::Accounting] {
        assert_eq!(
            world.refused(&ann, acme.invite("CY", role)),
            held_above(role)
        );
    }
    for role in [WorkspaceRole::Reader, WorkspaceRole::Developer] {
        assert_eq!(
            world.refused(&ann, acme.invite_to(here, "dev", role)),
            held_here(role)
        );
    }
    // An organization Admin has every workspace role, by cascade.
    for role in WorkspaceRole::ALL {
        assert_eq!(
            world.refused(&ann, acme.invite_to(here, "ann", role)),
            held_here(role)
        );
    }
    // To more is fine.
    world.does(&ann, acme.invite("cy", OrganizationRole::Admin));
    world.does(&ann, acme.invite_to(here, "dev", WorkspaceRole::Admin));
    world.does(&ann, acme.invite_to(here, "cy", WorkspaceRole::Reader));
}

#[test]
fn i5_resending_to_someone_who_has_the_role_by_now_is_refused_but_revoking_is_not() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    assert_eq!(
        world.refused(&ann, acme.resend(sent.invitation)),
        Refusal::AlreadyHasRole {
            offered: InvitationTarget::Organization {
                role: OrganizationRole::Accounting
            }
            .into()
        }
    );
    world.does(&ann, acme.revoke(sent.invitation));
}

// I6

#[test]
fn i6_demotion_revokes_what_could_no_longer_be_sent_and_nothing_else() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let second = world.does(&ann, acme.create_workspace("Second"));
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    world.does(&ann, acme.give(here, &bob, WorkspaceRole::Admin));
    world.member(acme, "carl", OrganizationRole::Member);
    let reader = WorkspaceRole::Reader;
    let above = world.does(&bob, acme.invite("new", OrganizationRole::Member));
    let newcomer_here = world.does(&bob, acme.invite_to(here, "new", reader));
    let member_here = world.does(&bob, acme.invite_to(here, "carl", reader));
    let member_there = world.does(&bob, acme.invite_to(second, "carl", reader));
    let by_ann = world.does(&ann, acme.invite_to(second, "new", reader));

    let done = world.did(&ann, acme.change_role(&bob, OrganizationRole::Member));
    let mut revoked = done.output.invitations;
    revoked.sort_unstable();
    let mut lost = [
        above.invitation,
        newcomer_here.invitation,
        member_there.invitation,
    ];
    lost.sort_unstable();
    assert_eq!(revoked, lost);
    for sent in [&above, &newcomer_here, &member_there] {
        assert!(done.events.contains(&Event::InvitationRevoked {
            invitation: sent.invitation,
            reason: RevocationReason::InviterLostAuthority
        }));
        assert_eq!(world.refused(&user("new"), accept(sent)), REVOKED);
    }
    assert!(world.is_open(acme, &member_here) && world.is_open(acme, &by_ann));
    world.does(&user("carl"), accept(&member_here));
}

#[test]
fn i6_a_demotion_to_accounting_is_a_demotion_too_and_a_promotion_is_none() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Admin);
    let sent = world.does(&bob, acme.invite("new", OrganizationRole::Member));
    let demoted = world.does(&ann, acme.change_role(&bob, OrganizationRole::Accounting));
    assert_eq!(demoted.invitations, [sent.invitation]);

    world.does(&ann, acme.give(acme.workspace, &bob, WorkspaceRole::Admin));
    world.member(acme, "carl", OrganizationRole::Member);
    let invite = acme.invite_to(acme.workspace, "carl", WorkspaceRole::Reader);
    let sent = world.does(&bob, invite);
    let promoted = world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    assert_eq!(promoted.invitations, []);
    assert!(world.is_open(acme, &sent));
}

#[test]
fn i6_a_lost_workspace_role_revokes_the_invitations_that_it_was_needed_for() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    world.member(acme, "carl", OrganizationRole::Member);
    for (who, how) in ["wa-demoted", "wa-taken", "wa-left"].into_iter().zip(0..) {
        let wa = world.workspace_member(acme, who, WorkspaceRole::Admin);
        let sent = world.does(&wa, acme.invite_to(here, "carl", WorkspaceRole::Reader));
        let done = match how {
            0 => world.did(&ann, acme.give(here, &wa, WorkspaceRole::Developer)),
            1 => world.did(&ann, acme.take(here, &wa)),
            _ => world.did(&wa, acme.leave_workspace(here)),
        };
        assert_eq!(done.output.invitations, [sent.invitation], "{who}");
        assert_eq!(world.refused(&user("carl"), accept(&sent)), REVOKED);
    }
}

#[test]
fn i6_a_role_lost_in_one_workspace_leaves_the_invitations_to_another() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let second = world.does(&ann, acme.create_workspace("Second"));
    world.member(acme, "carl", OrganizationRole::Member);
    for (who, how) in ["wa-demoted", "wa-taken", "wa-left"].into_iter().zip(0..) {
        let wa = world.workspace_member(acme, who, WorkspaceRole::Admin);
        world.does(&ann, acme.give(second, &wa, WorkspaceRole::Admin));
        world.passes(TimeDelta::minutes(1));
        let sent = world.does(&wa, acme.invite_to(second, "carl", WorkspaceRole::Reader));
        let lost = match how {
            0 => world.does(&ann, acme.give(here, &wa, WorkspaceRole::Reader)),
            1 => world.does(&ann, acme.take(here, &wa)),
            _ => world.does(&wa, acme.leave_workspace(here)),
        };
        assert_eq!(lost.invitations, [], "{who}");
        assert!(world.is_open(acme, &sent), "{who}");
    }
}

#[test]
fn i6_an_organization_admin_who_gives_up_a_workspace_role_keeps_all_their_invitations() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let second = world.does(&ann, acme.create_workspace("Second"));
    let reader = WorkspaceRole::Reader;
    let above = world.does(&ann, acme.invite("new", OrganizationRole::Member));
    let newcomer_here = world.does(&ann, acme.invite_to(here, "new", reader));
    let newcomer_there = world.does(&ann, acme.invite_to(second, "new", reader));
    for how in 0..3 {
        world.does(&ann, acme.give(here, &ann, WorkspaceRole::Admin));
        let lost = match how {
            0 => world.does(&ann, acme.give(here, &ann, reader)),
            1 => world.does(&ann, acme.take(here, &ann)),
            _ => world.does(&ann, acme.leave_workspace(here)),
        };
        assert_eq!(lost.invitations, [], "{how}");
    }
    for sent in [&above, &newcomer_here, &newcomer_there] {
        assert!(world.is_open(acme, sent));
    }
}

#[test]
fn i6_the_inviters_authority_is_checked_again_at_acceptance() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader);
    let sent = world.does(&wa, invite);
    // Bob's mailbox, but an account that is no member: someone new, whom a workspace Admin can't invite.
    let new_account = user_at("bob-again", "bob@acme.example");
    assert_eq!(
        world.refused(&new_account, accept(&sent)),
        Refusal::InviterLostAuthority
    );
    world.does(&user("bob"), accept(&sent));
}

#[test]
fn i6_an_invitation_that_lost_its_authority_may_still_be_declined() {
    let world = World::new();
    let acme = world.acme();
    let wa = world.workspace_member(acme, "wa", WorkspaceRole::Admin);
    world.member(acme, "bob", OrganizationRole::Member);
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader);
    let sent = world.does(&wa, invite);
    world.does(&user_at("bob-again", "bob@acme.example"), decline(&sent));
}

// I7

#[test]
fn i7_accepting_never_lowers_a_role_gained_meanwhile() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let here = acme.workspace;
    let above = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let there = world.does(&ann, acme.invite_to(here, "bob", WorkspaceRole::Reader));
    world.does(&operator(), acme.appoint(&user("bob")));
    let bob = user("bob");
    world.does(&ann, acme.give(here, &bob, WorkspaceRole::Admin));
    for sent in [&above, &there] {
        let done = world.did(&bob, accept(sent));
        assert!(nothing_new(&done.output));
        assert_eq!(
            done.events,
            [Event::InvitationAccepted {
                invitation: sent.invitation,
                user: id(&bob)
            }]
        );
    }
    assert_eq!(world.role(acme, &bob), Some(OrganizationRole::Admin));
    assert_eq!(
        world.workspace_role(acme, here, &bob),
        Some(WorkspaceRole::Admin)
    );
}

#[test]
fn i7_accepting_what_one_already_has_succeeds_and_spends_the_invitation() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Accounting));
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Accounting));
    assert!(nothing_new(&world.does(&bob, accept(&sent))));
    assert_eq!(
        world.refused(&bob, accept(&sent)),
        closed(InvitationState::Accepted)
    );
}

#[test]
fn i7_accepting_raises_the_roles_that_are_lower() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.workspace_member(acme, "bob", WorkspaceRole::Reader);
    let above = world.does(&ann, acme.invite("bob", OrganizationRole::Admin));
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Developer);
    let here = world.does(&ann, invite);
    let accepted = world.does(&bob, accept(&here));
    assert_eq!((accepted.joined, accepted.organization_role), (false, None));
    assert_eq!(
        accepted.workspace_role,
        Some((acme.workspace, WorkspaceRole::Developer))
    );
    let accepted = world.does(&bob, accept(&above));
    assert_eq!(accepted.organization_role, Some(OrganizationRole::Admin));
    assert_eq!(world.row(acme).counts.admins, 2);
    assert_eq!(world.workspace(acme, acme.workspace).members, 1);
}

#[test]
fn i7_an_admin_by_cascade_who_accepts_a_workspace_role_gets_it_beside_the_cascade() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let bob = world.member(acme, "bob", OrganizationRole::Member);
    let invite = acme.invite_to(acme.workspace, "bob", WorkspaceRole::Reader);
    let sent = world.does(&ann, invite);
    world.does(&ann, acme.change_role(&bob, OrganizationRole::Admin));
    let accepted = world.does(&bob, accept(&sent));
    assert_eq!(
        accepted.workspace_role,
        Some((acme.workspace, WorkspaceRole::Reader))
    );
    assert!(world.may(&bob, acme.there(), WorkspaceAction::Delete));
}

// I8

#[test]
fn i8_an_organization_holds_at_most_so_many_open_invitations() {
    let world = World::with(Settings {
        pending_invitation_limit: 2,
        ..Settings::default()
    });
    let acme = world.acme();
    let ann = user("ann");
    let member = OrganizationRole::Member;
    let too_many = Refusal::TooManyInvitations { limit: 2 };
    let one = world.does(&ann, acme.invite("a", member));
    let two = world.does(
        &ann,
        acme.invite_to(acme.workspace, "b", WorkspaceRole::Reader),
    );
    assert_eq!(world.refused(&ann, acme.invite("c", member)), too_many);
    let to_the_workspace = acme.invite_to(acme.workspace, "c", WorkspaceRole::Reader);
    assert_eq!(world.refused(&ann, to_the_workspace.clone()), too_many);
    // Renewing takes no place, and expired ones keep theirs.
    world.passes(TimeDelta::minutes(1));
    assert!(world.does(&ann, acme.invite("a", member)).renewed);
    world.passes(TimeDelta::minutes(1));
    let one = world.does(&ann, acme.resend(one.invitation));
    world.passes(TimeDelta::days(8));
    assert_eq!(world.refused(&ann, acme.invite("c", member)), too_many);
    // Whatever closes one makes room.
    world.does(&ann, acme.revoke(two.invitation));
    let three = world.does(&ann, to_the_workspace);
    let one = world.does(&ann, acme.resend(one.invitation));
    world.does(&user("a"), accept(&one));
    world.does(&user("c"), decline(&three));
    world.does(&ann, acme.invite("d", member));
    world.does(&ann, acme.invite("e", member));
    assert_eq!(world.refused(&ann, acme.invite("f", member)), too_many);
}

#[test]
fn i8_a_thousand_by_default_and_each_organization_has_its_own() {
    assert_eq!(Settings::default().pending_invitation_limit, 1_000);
    let world = World::with(Settings {
        pending_invitation_limit: 1,
        ..Settings::default()
    });
    let acme = world.acme();
    let other = world.owned_by(&user("zoe"), "Other");
    world.does(&user("ann"), acme.invite("a", OrganizationRole::Member));
    world.does(&user("zoe"), other.invite("a", OrganizationRole::Member));
}

#[test]
fn i8_who_may_not_invite_is_not_told_that_the_limit_is_reached() {
    let world = World::with(Settings {
        pending_invitation_limit: 0,
        ..Settings::default()
    });
    let acme = world.acme();
    let refusal = world.refused(&user("dora"), acme.invite("a", OrganizationRole::Member));
    assert_eq!(refusal, not_found(acme.organization));
    assert_eq!(
        world.refused(&user("ann"), acme.invite("a", OrganizationRole::Member)),
        Refusal::TooManyInvitations { limit: 0 }
    );
}

// I8

#[test]
fn i8_an_organization_makes_so_many_links_a_day_resent_ones_included() {
    let settings = Settings {
        daily_link_limit: 3,
        ..Settings::default()
    };
    let world = World::with(settings);
    let acme = world.acme();
    let ann = user("ann");
    let member = OrganizationRole::Member;
    let first = world.does(&ann, acme.invite("a", member));
    world.does(&ann, acme.revoke(first.invitation));
    let second = world.does(&ann, acme.invite("a", member));
    world.passes(TimeDelta::minutes(1));
    world.does(&ann, acme.resend(second.invitation));
    let again_at = (world.now() + TimeDelta::days(1))
        .date_naive()
        .and_hms_opt(0, 0, 0);
    let too_many = Refusal::TooManyLinks {
        limit: 3,
        again_at: again_at.unwrap().and_utc(),
    };
    world.passes(TimeDelta::minutes(1));
    assert_eq!(world.refused(&ann, acme.invite("b", member)), too_many);
    assert_eq!(world.refused(&ann, acme.invite("a", member)), too_many);
    assert_eq!(
        world.refused(&ann, acme.resend(second.invitation)),
        too_many
    );
    assert_eq!(
        (too_many.code(), too_many.http_status()),
        ("too_many_links", 429)
    );
    world.is_at(again_at.unwrap().and_utc());
    world.does(&ann, acme.invite("b", member));
}

/// Two servers on either side of midnight, or one whose clock is set back over it, make no links for two days each time.
#[test]
fn i8_a_clock_that_is_behind_makes_no_more_links() {
    let world = World::with(Settings {
        daily_link_limit: 3,
        ..Settings::default()
    });
    let acme = world.acme();
    let ann = user("ann");
    let day = world.now().date_naive() + TimeDelta::days(1);
    let midnight = day.and_hms_opt(0, 0, 0).unwrap().and_utc();
    let moments = [midnight - TimeDelta::milliseconds(100), midnight];
    let mut made = 0;
    for (number, moment) in moments.into_iter().cycle().take(60).enumerate() {
        world.is_at(moment);
        let invite = acme.invite(&format!("p{number}"), OrganizationRole::Member);
        match tenancy::block_on(world.tenancy.execute(&ann, invite)) {
            Ok(_) => made += 1,
            Err(error) => {
                let too_many = Refusal::TooManyLinks {
                    limit: 3,
                    again_at: midnight + TimeDelta::days(1),
                };
                assert_eq!(error.refusal(), Some(&too_many));
            }
        }
    }
    assert_eq!(
        made,
        1 + 3,
        "one before midnight, and those of the day that has begun"
    );
}

#[test]
fn i8_one_invitation_is_resent_at_most_once_a_minute() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let too_soon = Refusal::ResentTooSoon {
        again_at: world.now() + TimeDelta::minutes(1),
    };
    world.passes(TimeDelta::milliseconds(59_999));
    assert_eq!(world.refused(&ann, acme.resend(sent.invitation)), too_soon);
    assert_eq!(
        world.refused(&ann, acme.invite("BOB", OrganizationRole::Admin)),
        too_soon
    );
    world.passes(TimeDelta::milliseconds(1));
    world.does(&ann, acme.resend(sent.invitation));
}

// I11

#[test]
fn i11_who_is_listed_an_invitation_answers_it_from_the_list() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let organization = acme.organization;
    let sent = world.does(
        &ann,
        acme.invite_to(acme.workspace, "bob", WorkspaceRole::Developer),
    );
    let bob = user("bob");
    let listed = tenancy::block_on(world.tenancy.received_invitations(&bob, Paging::default()));
    let listed = listed.unwrap().items.remove(0);
    assert_eq!(listed.invitation.id, sent.invitation);
    let invitation = sent.invitation;
    let take = AcceptReceivedInvitation {
        organization,
        invitation,
    };
    let refuse = DeclineReceivedInvitation {
        organization,
        invitation,
    };
    // For everybody else there is no such invitation.
    for other in [user("carl"), user("ann")] {
        assert_eq!(world.refused(&other, take), Refusal::InvitationNotFound);
        assert_eq!(world.refused(&other, refuse), Refusal::InvitationNotFound);
    }
    assert_eq!(
        world.refused(&unverified("bob"), take),
        Refusal::EmailUnverified
    );
    assert_eq!(world.refused(&operator(), take), Refusal::UserRequired);
    let accepted = world.does(&bob, take);
    assert!(accepted.joined);
    assert_eq!(
        accepted.workspace_role,
        Some((acme.workspace, WorkspaceRole::Developer))
    );
    assert_eq!(
        world.refused(&bob, refuse),
        closed(InvitationState::Accepted)
    );
}

#[test]
fn i11_the_list_names_what_each_invitation_is_to_as_it_is_called_now() {
    let world = World::new();
    let (acme, globex) = (world.acme(), world.owned_by(&user("zoe"), "Globex"));
    let (ann, zoe, bob) = (user("ann"), user("zoe"), user("bob"));
    world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    for (owner, of) in [(&ann, acme), (&zoe, globex)] {
        let to_workspace = of.invite_to(of.workspace, "bob", WorkspaceRole::Reader);
        world.does(owner, to_workspace);
    }
    let listed = || {
        let listed = world.tenancy.received_invitations(&bob, Paging::first(10));
        let listed = tenancy::block_on(listed).unwrap().items.into_iter();
        let mut named: Vec<_> = listed
            .map(|it| {
                let is_to_one = it.invitation.target.workspace().is_some();
                assert_eq!(it.workspace_name.is_some(), is_to_one);
                (it.organization_name, it.workspace_name)
            })
            .collect();
        named.sort();
        named
    };
    let (in_acme, in_globex) = (name("Acme"), name("Globex"));
    let mut expected = vec![
        (in_acme.clone(), None),
        (in_acme.clone(), Some(in_acme.clone())),
        (in_globex.clone(), Some(in_globex.clone())),
    ];
    assert_eq!(listed(), expected);
    world.does(&ann, acme.rename_workspace(acme.workspace, "Payments"));
    expected[1].1 = Some(name("Payments"));
    assert_eq!(listed(), expected);
    // What is deleted invites nobody (W4).
    world.does(&zoe, globex.delete_workspace(globex.workspace));
    expected.pop();
    assert_eq!(listed(), expected);
}

#[test]
fn i11_all_other_rules_of_accepting_hold_without_the_link() {
    let world = World::new();
    let acme = world.acme();
    let ann = user("ann");
    let organization = acme.organization;
    let sent = world.does(&ann, acme.invite("bob", OrganizationRole::Member));
    let take = AcceptReceivedInvitation {
        organization,
        invitation: sent.invitation,
    };
    world.is_at(sent.expires_at);
    assert_eq!(
        world.refused(&user("bob"), take).code(),
        "invitation_expired"
    );
    let renewed = world.does(&ann, acme.resend(sent.invitation));
    world.does(
        &user("bob"),
        DeclineReceivedInvitation {
            organization,
            invitation: renewed.invitation,
        },
    );
    assert_eq!(
        world.refused(&user("bob"), take),
        closed(InvitationState::Declined)
    );
}

#[test]
fn i11_an_invitation_that_is_not_there_and_one_of_others_are_one_answer() {
    let world = World::new();
    let acme = world.acme();
    let sent = world.does(&user("ann"), acme.invite("bob", OrganizationRole::Member));
    let eve = user("eve");
    for (organization, invitation) in [
        (acme.organization, sent.invitation),
        (acme.organization, InvitationId::new()),
        (OrganizationId::new(), sent.invitation),
    ] {
        let take = AcceptReceivedInvitation {
            organization,
            invitation,
        };
        assert_eq!(world.refused(&eve, take), Refusal::InvitationNotFound);
    }
}
