//! What the random histories reach: which outcome of which command.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy_tests::commands::Kind;

use crate::bytes::steps;
use crate::driver::Driver;
use crate::properties::LONGEST;

/// Too rare in random histories; `tests/rules` reaches them on purpose.
const RARE: [(Kind, &str); 23] = [
    (Kind::ResendInvitation, "already_has_role"),
    (Kind::HandOver, "role_is_retired"),
    (Kind::InviteToOrganization, "too_many_invitations"),
    (Kind::InviteToWorkspace, "too_many_invitations"),
    (Kind::AcceptInvitation, "inviter_lost_authority"),
    (Kind::AcceptReceivedInvitation, "inviter_lost_authority"),
    (Kind::AcceptInvitation, "limit_reached"),
    (Kind::AcceptReceivedInvitation, "limit_reached"),
    (Kind::AcceptInvitation, "membership_suspended"),
    (Kind::AcceptInvitation, "membership_ended"),
    (Kind::AcceptReceivedInvitation, "membership_suspended"),
    (Kind::ResendInvitation, "membership_suspended"),
    (Kind::ResendInvitation, "membership_ended"),
    (Kind::HandOver, "last_admin"),
    (Kind::EditContract, "organization_deleted"),
    (Kind::SuspendOrganization, "organization_deleted"),
    (Kind::ResendInvitation, "organization_deleted"),
    (Kind::RevokeInvitation, "organization_deleted"),
    (Kind::DefineRole, "too_many_roles"),
    (Kind::ChangeOrganizationRole, "role_is_retired"),
    (Kind::ChangeOrganizationRole, "limit_reached"),
    (Kind::LeaveWorkspace, "organization_suspended"),
    (Kind::DeclineReceivedInvitation, "organization_suspended"),
];

/// Which (command, outcome) cells the generator reaches. A property that is never put to the test proves
/// nothing, so an empty cell that should be reachable fails.
#[test]
#[ignore = "deep: 6,500 histories"]
fn the_histories_reach_every_command_and_every_refusal() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut cells: BTreeMap<(Kind, &str), u32> = BTreeMap::new();
    for _ in 0..6_500 {
        let steps = steps(LONGEST).new_tree(&mut runner).unwrap().current();
        let mut driver = Driver::new();
        for step in steps {
            let happened = driver.step(step);
            let outcome = match &happened.result {
                Ok(events) if events.is_empty() => "nothing to do",
                Ok(_) => "done",
                Err(code) => *code,
            };
            *cells.entry((happened.ask.kind(), outcome)).or_default() += 1;
        }
    }
    for ((command, outcome), count) in &cells {
        println!("{:24} {outcome:24} {count}", command.name());
    }
    println!("{} cells", cells.len());
    let mut missing = vec![];
    for (command, outcomes) in REACHABLE {
        for outcome in outcomes.split(' ').map(|outcome| outcome.replace('-', " ")) {
            let rare = RARE.contains(&(*command, outcome.as_str()));
            if !rare && !cells.keys().any(|(c, o)| c == command && **o == *outcome) {
                missing.push(format!("{command:?}: {outcome}"));
            }
        }
    }
    assert!(missing.is_empty(), "never reached: {missing:#?}");
    assert!(
        cells
            .keys()
            .any(|(_, outcome)| *outcome == "identity_missing")
    );
    for (command, outcome) in cells
        .keys()
        .filter(|(_, outcome)| *outcome != "identity_missing")
    {
        let listed = REACHABLE.iter().find(|(c, _)| c == command);
        let listed = listed.is_some_and(|(_, outcomes)| {
            outcomes
                .split(' ')
                .any(|listed| listed.replace('-', " ") == *outcome)
        });
        assert!(listed, "{command:?}: {outcome} is not listed as reachable");
    }
    assert_eq!(REACHABLE.len(), Kind::ALL.len());
}

/// Every outcome of every command, as the rulebook has it; but for `identity_missing`, which is every command's
/// (M6).
const REACHABLE: &[(Kind, &str)] = &[
    (
        Kind::DefineRole,
        "done not_found forbidden role_name_taken too_many_roles beyond_its_layer organization_suspended",
    ),
    (
        Kind::ReviseRole,
        "done nothing-to-do not_found forbidden role_not_found role_name_taken beyond_its_layer organization_suspended",
    ),
    (
        Kind::RetireRole,
        "done nothing-to-do not_found forbidden role_not_found organization_suspended",
    ),
    (
        Kind::RestoreRole,
        "done nothing-to-do not_found forbidden role_not_found organization_suspended",
    ),
    (
        Kind::DeleteRole,
        "done not_found forbidden role_not_found role_in_use organization_suspended",
    ),
    (
        Kind::CreateOrganization,
        "done user_required email_unverified",
    ),
    (
        Kind::RenameOrganization,
        "done nothing-to-do not_found forbidden organization_suspended",
    ),
    (
        Kind::EditCompany,
        "done nothing-to-do not_found forbidden organization_suspended",
    ),
    (
        Kind::EditInvoicing,
        "done nothing-to-do not_found forbidden",
    ),
    (
        Kind::DeleteOrganization,
        "done not_found forbidden organization_not_empty organization_suspended",
    ),
    (
        Kind::CreateWorkspace,
        "done not_found forbidden quota_reached workspace_name_taken organization_suspended",
    ),
    (
        Kind::RenameWorkspace,
        "done nothing-to-do not_found forbidden workspace_name_taken organization_suspended",
    ),
    (
        Kind::EditWorkspaceInvoicing,
        "done nothing-to-do not_found forbidden",
    ),
    (
        Kind::DeleteWorkspace,
        "done not_found forbidden workspace_not_empty organization_suspended",
    ),
    (
        Kind::CreateDomain,
        "done not_found forbidden domain_name_taken limit_reached organization_suspended",
    ),
    (
        Kind::DeactivateDomain,
        "done nothing-to-do not_found forbidden organization_suspended",
    ),
    (
        Kind::ReactivateDomain,
        "done nothing-to-do not_found forbidden organization_suspended",
    ),
    (
        Kind::MoveDomain,
        "done nothing-to-do not_found forbidden organization_suspended",
    ),
    (
        Kind::DeleteDomain,
        "done not_found forbidden organization_suspended",
    ),
    (
        Kind::ChangeOrganizationRole,
        "role_not_found role_is_retired done nothing-to-do not_found forbidden member_not_found \
         last_admin limit_reached organization_suspended",
    ),
    (
        Kind::RemoveMember,
        "done not_found forbidden member_not_found last_admin organization_suspended",
    ),
    (
        Kind::LeaveOrganization,
        "done not_found last_admin user_required organization_suspended",
    ),
    (
        Kind::GiveWorkspaceRole,
        "role_not_found role_is_retired done nothing-to-do not_found forbidden member_not_found \
         organization_suspended",
    ),
    (
        Kind::TakeWorkspaceRole,
        "done not_found forbidden member_not_found organization_suspended",
    ),
    (
        Kind::LeaveWorkspace,
        "done not_found member_not_found user_required organization_suspended",
    ),
    (
        Kind::FollowEmailChange,
        "done nothing-to-do not_found email_unverified email_in_use user_required organization_suspended",
    ),
    (
        Kind::InviteToOrganization,
        "role_not_found role_is_retired done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links \
         limit_reached organization_suspended membership_suspended membership_ended",
    ),
    (
        Kind::InviteToWorkspace,
        "role_not_found role_is_retired done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links \
         limit_reached organization_suspended membership_suspended membership_ended",
    ),
    (
        Kind::InviteMany,
        "done role_not_found role_is_retired nothing-to-do not_found forbidden too_many_lines organization_suspended",
    ),
    (
        Kind::ResendInvitation,
        "done not_found forbidden organization_deleted invitation_not_found invitation_closed \
         already_has_role resent_too_soon too_many_links organization_suspended \
         membership_suspended membership_ended",
    ),
    (
        Kind::RevokeInvitation,
        "done not_found forbidden organization_deleted invitation_not_found invitation_closed organization_suspended",
    ),
    (
        Kind::AcceptInvitation,
        "done invitation_not_found invitation_closed email_unverified wrong_account invitation_expired \
         inviter_lost_authority invitation_outdated email_in_use limit_reached user_required \
         organization_suspended membership_suspended membership_ended",
    ),
    (
        Kind::DeclineInvitation,
        "done invitation_not_found invitation_closed email_unverified wrong_account invitation_expired \
         user_required organization_suspended",
    ),
    (
        Kind::AcceptReceivedInvitation,
        "done invitation_not_found invitation_closed email_unverified invitation_expired \
         inviter_lost_authority invitation_outdated email_in_use limit_reached user_required \
         organization_suspended membership_suspended membership_ended",
    ),
    (
        Kind::DeclineReceivedInvitation,
        "done invitation_not_found invitation_closed email_unverified invitation_expired user_required organization_suspended",
    ),
    (
        Kind::SuspendMember,
        "done nothing-to-do not_found forbidden member_not_found last_admin organization_suspended",
    ),
    (
        Kind::ReinstateMember,
        "done nothing-to-do not_found forbidden member_not_found organization_suspended",
    ),
    (
        Kind::SetMembershipEnd,
        "done nothing-to-do not_found forbidden member_not_found last_admin organization_suspended",
    ),
    (
        Kind::SetWorkspaceRoleEnd,
        "done nothing-to-do not_found forbidden member_not_found organization_suspended",
    ),
    (
        Kind::HandOver,
        "done role_not_found role_is_retired nothing-to-do not_found forbidden handed_to_oneself member_not_found membership_suspended \
         membership_ended last_admin organization_suspended",
    ),
    (
        Kind::SuspendOrganization,
        "done not_found forbidden organization_deleted",
    ),
    (
        Kind::ReinstateOrganization,
        "done not_found forbidden organization_deleted",
    ),
    (
        Kind::SetWorkspaceQuota,
        "done not_found forbidden organization_deleted",
    ),
    (
        Kind::SetLimits,
        "done not_found forbidden organization_deleted",
    ),
    (
        Kind::EditContract,
        "done nothing-to-do not_found forbidden organization_deleted",
    ),
    (
        Kind::AppointAdmin,
        "done nothing-to-do not_found forbidden organization_deleted email_in_use limit_reached",
    ),
    (
        Kind::ReleaseDomainName,
        "done not_found forbidden domain_name_not_retired",
    ),
];
