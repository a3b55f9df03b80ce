//! Random histories of the whole rulebook, against a naive second opinion of it.
//!
//! `TENANCY_DEEP=1` tries each property on twenty times as many histories, `PROPTEST_CASES` on so many.

use std::collections::{BTreeMap, BTreeSet};

use crate::bytes::{Step, steps, user};
use crate::driver::{Driver, Happened};
use crate::seen::seen;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use tenancy::store::{InvitationState, Item, List, OrganizationState};
use tenancy::{
    DomainAction, Event, OrganizationAction, OrganizationId, OrganizationRole, WorkspaceAction,
    WorkspaceRole,
};
use tenancy_tests::commands::{Ask, Kind};
use tenancy_tests::deep;
use tenancy_tests::model::{self, Answer, Listed as _, On, Who};

const LONGEST: usize = 40;

/// Tries a property on random histories: after every step.
fn always(default_cases: u32, check: impl Fn(&Driver, &Happened)) {
    histories(default_cases, |steps| {
        let mut driver = Driver::new();
        for step in steps {
            let happened = driver.step(*step);
            check(&driver, &happened);
        }
    });
}

fn histories(default_cases: u32, run: impl Fn(&[Step])) {
    let mut config = Config::default();
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = default_cases * if deep() { 20 } else { 1 };
    }
    config.failure_persistence = None;
    config.max_shrink_iters = 4_000;
    // One seed by default, so that a run says the same twice; more cases try more histories.
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[23; 32]);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let result = runner.run(&steps(LONGEST), |steps| {
        run(&steps);
        Ok(())
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}

#[test]
fn the_model_and_the_crate_agree_on_every_command() {
    always(96, |driver, happened| {
        let context = || format!("{:?} asks {:?}", happened.who, happened.ask);
        let result = happened.result.as_ref().map(drop).map_err(|code| *code);
        assert_eq!(result, happened.expected, "{}", context());
        for (id, state) in &happened.states_after {
            assert_eq!(seen(state), driver.model.organizations[id], "{}", context());
        }
        if let (Some(revoked), Some(on)) = (&happened.revoked, happened.on) {
            let before = happened.before.organizations[&on].open().map(|(id, _)| *id);
            let before: BTreeSet<_> = before.collect();
            let is_revoked = |id: &tenancy::InvitationId| {
                driver.model.organizations[&on].invitations[id].state == InvitationState::Revoked
            };
            let expected: BTreeSet<_> = before.into_iter().filter(is_revoked).collect();
            assert_eq!(
                *revoked,
                expected,
                "the answer lists all of it: {}",
                context()
            );
        }
        driver.model.invariants();
    });
}

#[test]
fn a_decision_through_any_read_equals_the_models() {
    histories(8, |steps| {
        let mut driver = Driver::new();
        for (index, step) in steps.iter().enumerate() {
            driver.step(*step);
            if index % 10 == 9 {
                driver.reads_agree();
            }
        }
        driver.reads_agree();
    });
}

/// Somebody who holds nothing in the organization.
fn is_outsider(before: &model::Model, who: &Who, on: OrganizationId) -> bool {
    match who {
        Who::Operator => false,
        Who::User(user, _) => {
            let it = before.organizations.get(&on);
            it.is_none_or(|it| !it.members.contains_key(user))
        }
    }
}

#[test]
fn an_outsider_may_do_nothing() {
    always(48, |driver, happened| {
        // Who is invited is no outsider, and has rules of their own: there is no invitation for anybody else. Nobody
        // at all is refused before anything is looked at.
        let answers = matches!(
            happened.ask,
            Ask::AcceptInvitation(_)
                | Ask::DeclineInvitation(_)
                | Ask::AcceptReceivedInvitation(_)
                | Ask::DeclineReceivedInvitation(_)
        );
        let nobody = happened.result.as_ref().err() == Some(&"identity_missing");
        if let Some(on) = happened.ask.about() {
            if is_outsider(&happened.before, &happened.who, on) && !answers && !nobody {
                assert_eq!(happened.result.as_ref().err(), Some(&"not_found"));
            }
        }
        for id in &driver.organizations {
            for index in 0..5 {
                let outsider = Who::User(user(index), None);
                if !is_outsider(&driver.model, &outsider, *id) {
                    continue;
                }
                let actor = crate::driver::actor(&outsider);
                for action in OrganizationAction::ALL {
                    let check =
                        tenancy::block_on(driver.tenancy.check(&actor, *id, action)).unwrap();
                    assert_eq!(check, tenancy::Decision::Hidden);
                }
            }
        }
    });
}

#[test]
fn an_organization_admin_may_do_everything_inside_theirs_and_nothing_in_another() {
    always(32, |driver, _| {
        let operators_only = |row: &str| row == "op";
        for (id, it) in &driver.model.organizations {
            for index in 0..5 {
                let who = Who::User(user(index), None);
                let actor = crate::driver::actor(&who);
                let admin =
                    it.members.get(&user(index)).map(|m| m.role) == Some(OrganizationRole::Admin);
                if !admin {
                    continue;
                }
                for action in OrganizationAction::ALL {
                    let row = action.row();
                    let may = tenancy::block_on(driver.tenancy.check(&actor, *id, action)).unwrap();
                    assert_eq!(may.is_allowed(), !operators_only(row), "{action:?}");
                }
                for on in driver
                    .workspaces
                    .iter()
                    .filter(|on| it.workspaces.contains_key(&on.1))
                {
                    for action in WorkspaceAction::ALL {
                        let may =
                            tenancy::block_on(driver.tenancy.check(&actor, *on, action)).unwrap();
                        assert!(may.is_allowed(), "{action:?}");
                    }
                }
                for on in driver
                    .domains
                    .iter()
                    .filter(|on| it.domains.contains_key(&on.1))
                {
                    for action in DomainAction::ALL {
                        let may =
                            tenancy::block_on(driver.tenancy.check(&actor, *on, action)).unwrap();
                        assert!(may.is_allowed(), "{action:?}");
                    }
                }
                for (other, theirs) in &driver.model.organizations {
                    if theirs.members.contains_key(&user(index)) {
                        continue;
                    }
                    for workspace in theirs.workspaces.keys() {
                        // Neither by its own path, nor by that of theirs.
                        for on in [(*other, *workspace), (*id, *workspace)] {
                            let check = tenancy::block_on(driver.tenancy.check(
                                &actor,
                                on,
                                WorkspaceAction::View,
                            ));
                            assert_eq!(check.unwrap(), tenancy::Decision::Hidden);
                        }
                    }
                }
            }
        }
    });
}

#[test]
fn organizations_are_isolated() {
    always(64, |_, happened| {
        for (id, before) in &happened.states_before {
            if Some(*id) != happened.on {
                assert_eq!(
                    before, &happened.states_after[id],
                    "untouched to the last byte"
                );
            }
        }
        // Nor does anything of the others decide: but for the names of domains (D2), the model says the
        // same of a world that holds only this one.
    });
}

#[test]
fn creation_never_passes_the_quota() {
    always(48, |_, happened| {
        for (id, after) in &happened.states_after {
            let Some(before) = happened.states_before.get(id) else {
                continue;
            };
            let (before, after) = (
                before.recount(),
                (after.recount(), after.organization().unwrap()),
            );
            if after.0.workspaces > before.workspaces {
                assert!(after.0.workspaces <= after.1.workspace_quota);
            }
        }
    });
}

#[test]
fn an_admin_always_remains() {
    always(48, |_, happened| {
        for state in happened.states_after.values() {
            let mut admins = state
                .members()
                .filter(|m| m.role == OrganizationRole::Admin);
            let active = state.organization().unwrap().is_active();
            assert_eq!(admins.next().is_some(), active);
        }
    });
}

#[test]
fn a_workspace_member_is_always_a_member() {
    always(48, |_, happened| {
        for state in happened.states_after.values() {
            for member in state.workspace_members() {
                assert!(state.member(member.user).is_some());
            }
        }
    });
}

#[test]
fn what_was_deleted_was_empty() {
    always(48, |_, happened| {
        let (Some(on), Ok(events)) = (happened.on, &happened.result) else {
            return;
        };
        let Who::User(who, _) = happened.who else {
            return;
        };
        let Some(before) = happened.states_before.get(&on) else {
            return;
        };
        for event in events {
            match event {
                Event::WorkspaceDeleted { workspace, .. } => {
                    assert_eq!(before.domains_in(*workspace).count(), 0);
                    assert!(
                        before
                            .members_of(*workspace)
                            .all(|member| member.user == who)
                    );
                }
                Event::OrganizationDeleted {} => {
                    assert_eq!(before.workspaces().count(), 0);
                    assert!(before.members().all(|member| member.user == who));
                }
                _ => {}
            }
        }
    });
}

#[test]
fn only_admins_remove_others() {
    always(48, |_, happened| {
        for (id, before) in &happened.states_before {
            let after = &happened.states_after[id];
            for member in before.members().filter(|m| after.member(m.user).is_none()) {
                let Who::User(who, _) = happened.who else {
                    panic!("an operator removed somebody")
                };
                let admin = before.member(who).map(|m| m.role) == Some(OrganizationRole::Admin);
                assert!(member.user == who || admin);
            }
            for held in before.workspace_members() {
                if after.workspace_member(held.workspace, held.user).is_some() {
                    continue;
                }
                let Who::User(who, _) = happened.who else {
                    panic!("an operator removed somebody")
                };
                let admin = before.member(who).map(|m| m.role) == Some(OrganizationRole::Admin);
                let here = before.workspace_member(held.workspace, who).map(|m| m.role);
                assert!(held.user == who || admin || here == Some(WorkspaceRole::Admin));
            }
        }
    });
}

#[test]
fn an_invitation_is_used_once_by_its_address_before_its_end_while_its_inviter_may() {
    histories(96, |steps| {
        let mut driver = Driver::new();
        let mut used = BTreeSet::new();
        for step in steps {
            let happened = driver.step(*step);
            let Some(accepted) = happened.accepted else {
                continue;
            };
            let id = (accepted.organization, accepted.invitation);
            assert!(used.insert(id), "used twice");
            let before = &happened.states_before[&accepted.organization];
            let invitation = before.invitation(accepted.invitation).unwrap();
            assert_eq!(invitation.state, InvitationState::Open);
            // By its link, or from the list of those to one's address (I11).
            match &happened.ask {
                Ask::AcceptInvitation(ask) => assert!(invitation.token_hash.matches(&ask.token)),
                Ask::AcceptReceivedInvitation(ask) => assert_eq!(ask.invitation, invitation.id),
                other => panic!("{other:?} accepts nothing"),
            }
            assert!(happened.now < invitation.expires_at);
            let Who::User(who, Some(email)) = &happened.who else {
                panic!("who accepted?")
            };
            assert_eq!(model::normal(email), invitation.email.key().as_str());
            let inviter = before.member(invitation.inviter).expect("still a member");
            let admin = inviter.role == OrganizationRole::Admin;
            let there = invitation.target.workspace();
            let role = there.and_then(|w| before.workspace_member(w, invitation.inviter));
            let workspace_admin = role.is_some_and(|held| held.role == WorkspaceRole::Admin);
            let member = before.member(*who).is_some();
            assert!(admin || (workspace_admin && member));
            // What was offered is there, and nothing is lower than before (I7).
            let after = &happened.states_after[&accepted.organization];
            let role = after.member(*who).expect("they are a member").role;
            assert!(before.member(*who).is_none_or(|before| before.role <= role));
            match invitation.target {
                tenancy::InvitationTarget::Organization { role: offered } => {
                    assert!(role >= offered);
                }
                tenancy::InvitationTarget::Workspace {
                    workspace,
                    role: offered,
                } => {
                    let held = after
                        .workspace_member(workspace, *who)
                        .expect("placed")
                        .role;
                    assert!(held >= offered);
                }
            }
        }
    });
}

#[test]
fn a_refused_command_changes_nothing() {
    always(48, |_, happened| {
        if happened.result.is_err() {
            assert_eq!(happened.states_before, happened.states_after);
        }
    });
}

#[test]
fn replaying_the_events_rebuilds_the_state() {
    histories(48, |steps| {
        let mut driver = Driver::new();
        let mut logs: BTreeMap<OrganizationId, Vec<tenancy::LogEntry>> = BTreeMap::new();
        for step in steps {
            driver.step(*step);
        }
        for id in &driver.organizations {
            use tenancy::store::Directory as _;
            let list = List::Log {
                organization: *id,
                after: tenancy::Version::ABSENT,
            };
            let log = driver
                .tenancy
                .repository()
                .list(&list, std::num::NonZeroU32::MAX);
            let log = tenancy::block_on(log).unwrap().into_iter();
            let log = log.map(|item| match item {
                Item::LogEntry(entry) => entry,
                other => panic!("a log has entries: {other:?}"),
            });
            logs.insert(*id, log.collect());
        }
        for (id, log) in &logs {
            let stored = driver.tenancy.repository().state(*id).unwrap();
            let replayed = OrganizationState::replay(*id, log).unwrap();
            assert_eq!(stored, replayed);
            // `==` of addresses is that of their normal form; the typed one has to come back too.
            assert_eq!(format!("{stored:?}"), format!("{replayed:?}"));
            // And through JSON.
            let json = serde_json::to_string(log).unwrap();
            let read: Vec<tenancy::LogEntry> = serde_json::from_str(&json).unwrap();
            assert_eq!(format!("{log:?}"), format!("{read:?}"));
            for state in [stored, replayed] {
                state.validate().unwrap();
            }
        }
    });
}

#[test]
fn prepare_and_execute_agree() {
    always(64, |_, happened| {
        let executed = match &happened.result {
            Ok(events) => Ok(events
                .iter()
                .map(std::mem::discriminant)
                .collect::<Vec<_>>()),
            Err(code) => Err(*code),
        };
        // Preparing reads one organization; that another one holds a domain's name is known to the commit.
        let elsewhere = matches!(happened.ask, Ask::CreateDomain(_))
            && happened.result.as_ref().err() == Some(&"domain_name_taken")
            && happened.prepared.is_ok();
        if !elsewhere {
            assert_eq!(happened.prepared, executed, "{:?}", happened.ask);
        }
    });
}

#[test]
fn every_state_is_valid_and_is_what_its_log_says() {
    always(48, |driver, happened| {
        if let (Some(on), true) = (happened.on, happened.result.is_ok()) {
            driver.tenancy.repository().verify(on).unwrap();
        }
    });
}

/// Too rare in random histories; `tests/rules/invitations.rs` reaches them on purpose (I6, I8).
const RARE: [(Kind, &str); 5] = [
    (Kind::InviteToOrganization, "too_many_invitations"),
    (Kind::InviteToWorkspace, "too_many_invitations"),
    (Kind::AcceptInvitation, "inviter_lost_authority"),
    (Kind::ResendInvitation, "organization_deleted"),
    (Kind::RevokeInvitation, "organization_deleted"),
];

/// Which (command, outcome) cells the generator reaches. A property that is never put to the test proves
/// nothing, so an empty cell that should be reachable fails.
#[test]
fn the_histories_reach_every_command_and_every_refusal() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut cells: BTreeMap<(Kind, &str), u32> = BTreeMap::new();
    for _ in 0..2_000 {
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
        "done nothing-to-do not_found forbidden member_not_found last_admin",
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
        "done nothing-to-do not_found forbidden member_not_found",
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
        "done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links",
    ),
    (
        Kind::InviteToWorkspace,
        "done not_found forbidden already_has_role too_many_invitations resent_too_soon too_many_links",
    ),
    (
        Kind::ResendInvitation,
        "done not_found forbidden organization_deleted invitation_not_found invitation_closed \
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

/// A slip in the model's own hiding would make agreement worthless.
#[test]
fn the_model_hides_an_organization_from_an_outsider() {
    let model = Driver::new().model;
    let nobody = Who::User(user(1), None);
    for id in model.organizations.keys() {
        for action in OrganizationAction::ALL {
            let answer = model.may(&nobody, On::Organization(*id), &action);
            assert_eq!(answer, Answer::Hidden);
        }
    }
}
