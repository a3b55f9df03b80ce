//! What the random histories reach: which outcome of which command.

use std::collections::BTreeMap;

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy_tests::commands::Kind;

use crate::bytes::steps;
use crate::driver::Driver;
use crate::properties::LONGEST;

/// Too rare in random histories; `tests/rules/` reaches them on purpose (I6, I8, O6, R1).
const RARE: [(Kind, &str); 8] = [
    (Kind::InviteToOrganization, "too_many_invitations"),
    (Kind::InviteToWorkspace, "too_many_invitations"),
    (Kind::AcceptInvitation, "inviter_lost_authority"),
    (Kind::AcceptReceivedInvitation, "inviter_lost_authority"),
    (Kind::ResendInvitation, "organization_deleted"),
    (Kind::RevokeInvitation, "organization_deleted"),
    (Kind::EditContract, "organization_deleted"),
    (Kind::DefineRole, "too_many_roles"),
];

/// Which (command, outcome) cells the generator reaches. A property that is never put to the test proves
/// nothing, so an empty cell that should be reachable fails.
#[test]
fn the_histories_reach_every_command_and_every_refusal() {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut cells: BTreeMap<(Kind, &str), u32> = BTreeMap::new();
    for _ in 0..5_000 {
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
        "done not_found forbidden role_name_taken too_many_roles beyond_its_layer",
    ),
    (
        Kind::ReviseRole,
        "done nothing-to-do not_found forbidden role_not_found role_name_taken beyond_its_layer",
    ),
    (
        Kind::RetireRole,
        "done nothing-to-do not_found forbidden role_not_found",
    ),
    (
        Kind::RestoreRole,
        "done nothing-to-do not_found forbidden role_not_found",
    ),
    (
        Kind::DeleteRole,
        "done not_found forbidden role_not_found role_in_use",
    ),
    (
        Kind::CreateOrganization,
        "done user_required email_unverified",
    ),
    (
        Kind::RenameOrganization,
        "done nothing-to-do not_found forbidden",
    ),
    (Kind::EditCompany, "done nothing-to-do not_found forbidden"),
    (
        Kind::EditInvoicing,
        "done nothing-to-do not_found forbidden",
    ),
    (
        Kind::DeleteOrganization,
        "done not_found forbidden organization_not_empty",
    ),
    (
        Kind::CreateWorkspace,
        "done not_found forbidden quota_reached workspace_name_taken",
    ),
    (
        Kind::RenameWorkspace,
        "done nothing-to-do not_found forbidden workspace_name_taken",
    ),
    (
        Kind::EditWorkspaceInvoicing,
        "done nothing-to-do not_found forbidden",
    ),
    (
        Kind::DeleteWorkspace,
        "done not_found forbidden workspace_not_empty",
    ),
    (
        Kind::CreateDomain,
        "done not_found forbidden domain_name_taken",
    ),
    (
        Kind::DeactivateDomain,
        "done nothing-to-do not_found forbidden",
    ),
    (
        Kind::ReactivateDomain,
        "done nothing-to-do not_found forbidden",
    ),
    (Kind::MoveDomain, "done nothing-to-do not_found forbidden"),
    (Kind::DeleteDomain, "done not_found forbidden"),
    (
        Kind::ChangeOrganizationRole,
        "role_not_found role_is_retired done nothing-to-do not_found forbidden member_not_found last_admin",
    ),
    (
        Kind::RemoveMember,
        "done not_found forbidden member_not_found last_admin",
    ),
    (
        Kind::LeaveOrganization,
        "done not_found last_admin user_required",
    ),
    (
        Kind::GiveWorkspaceRole,
        "role_not_found role_is_retired done nothing-to-do not_found forbidden member_not_found",
    ),
    (
        Kind::TakeWorkspaceRole,
        "done not_found forbidden member_not_found",
    ),
    (
        Kind::LeaveWorkspace,
        "done not_found member_not_found user_required",
    ),
    (
        Kind::FollowEmailChange,
        "done nothing-to-do not_found email_unverified email_in_use user_required",
    ),
    (
        Kind::InviteToOrganization,
        "role_not_found role_is_retired done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links",
    ),
    (
        Kind::InviteToWorkspace,
        "role_not_found role_is_retired done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links",
    ),
    (
        Kind::ResendInvitation,
        "role_is_retired done not_found forbidden organization_deleted invitation_not_found invitation_closed \
         already_has_role resent_too_soon too_many_links",
    ),
    (
        Kind::RevokeInvitation,
        "done not_found forbidden organization_deleted invitation_not_found invitation_closed",
    ),
    (
        Kind::AcceptInvitation,
        "done invitation_not_found invitation_closed email_unverified wrong_account invitation_expired \
         inviter_lost_authority invitation_outdated email_in_use user_required",
    ),
    (
        Kind::DeclineInvitation,
        "done invitation_not_found invitation_closed email_unverified wrong_account invitation_expired \
         user_required",
    ),
    (
        Kind::AcceptReceivedInvitation,
        "done invitation_not_found invitation_closed email_unverified invitation_expired \
         inviter_lost_authority invitation_outdated email_in_use user_required",
    ),
    (
        Kind::DeclineReceivedInvitation,
        "done invitation_not_found invitation_closed email_unverified invitation_expired user_required",
    ),
    (
        Kind::SetWorkspaceQuota,
        "done not_found forbidden organization_deleted",
    ),
    (
        Kind::EditContract,
        "done nothing-to-do not_found forbidden organization_deleted",
    ),
    (
        Kind::AppointAdmin,
        "done nothing-to-do not_found forbidden organization_deleted email_in_use",
    ),
    (
        Kind::ReleaseDomainName,
        "done not_found forbidden domain_name_not_retired",
    ),
];
