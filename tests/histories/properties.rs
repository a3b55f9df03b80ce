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
    DomainAction, Event, InvitationOffer, InvitationTarget, OrganizationAction, OrganizationId,
    OrganizationRole, Refusal, Resource, Role, WorkspaceAction, WorkspaceRole,
};
use tenancy_tests::commands::Ask;
use tenancy_tests::deep;
use tenancy_tests::model::{self, Answer, Listed as _, On, Who};

pub const LONGEST: usize = 40;

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

pub fn histories(default_cases: u32, run: impl Fn(&[Step])) {
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
        if result.is_ok() {
            assert_eq!(happened.lines, driver.model.lines, "{}", context());
        }
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
    histories(48, |steps| {
        let mut driver = Driver::new();
        for (index, step) in steps.iter().enumerate() {
            driver.step(*step);
            if index % 20 == 19 {
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
                let member = it.members.get(&user(index));
                let member = member.filter(|member| member.counts(driver.model.now));
                let admin = member.map(|m| m.role) == Some(OrganizationRole::Admin);
                if !admin || it.suspended.is_some() {
                    continue;
                }
                for action in OrganizationAction::ALL {
                    let row = action.ticks();
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
            let mut members = state.members();
            let deleted = state.organization().unwrap().is_deleted();
            assert_ne!(members.any(tenancy::Member::is_lasting_admin), deleted);
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
            let counts = |status| status == tenancy::MembershipStatus::Active;
            assert!(counts(inviter.status(happened.now)), "I6, T1, T3");
            let admin = inviter.role == OrganizationRole::Admin;
            let there = invitation.target.workspace();
            let role = there.and_then(|w| before.workspace_member(w, invitation.inviter));
            let role = role.filter(|held| counts(held.status(happened.now)));
            let workspace_admin = role.is_some_and(|held| held.role == WorkspaceRole::Admin);
            let member = before.member(*who).is_some();
            assert!(admin || (workspace_admin && member));
            // What was offered is there, and nothing is lower than before (I7).
            let after = &happened.states_after[&accepted.organization];
            let role = after.member(*who).expect("they are a member").role;
            assert!(before.member(*who).is_none_or(|before| before.role <= role));
            match invitation.target {
                InvitationTarget::Organization { role: offered } => {
                    assert!(role >= offered);
                }
                InvitationTarget::Workspace {
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
        // Whose name a domain's is may be hidden, so that only the commit knows, but for a name in the workspace that
        // it is asked for, which whoever may create there sees (A2).
        let taken = happened.result.as_ref().err() == Some(&"domain_name_taken");
        if let (Ask::CreateDomain(ask), true) = (&happened.ask, taken) {
            let it = &happened.before.organizations[&ask.organization];
            let mut seen = it.domains.values().filter(|d| d.workspace == ask.workspace);
            let seen = seen.any(|domain| domain.name == ask.name.as_str());
            assert_eq!(happened.prepared.is_err(), seen, "{ask:?}");
        } else {
            assert_eq!(happened.prepared, executed, "{:?}", happened.ask);
        }
    });
}

/// A2, W3: of what its actor may not know, a refusal says no more than they asked.
#[test]
fn a_refusal_repeats_what_was_asked() {
    always(64, |_, happened| {
        let Some(refusal) = &happened.refusal else {
            return;
        };
        let ask = format!("{:?}", happened.ask);
        let same = |told: &dyn std::fmt::Debug| {
            let told = format!("{told:?}");
            assert!(ask.contains(&told), "{told} was not asked: {ask}");
        };
        match refusal {
            Refusal::NotFound { resource } => match resource {
                Resource::Organization(id) => same(id),
                Resource::Workspace(id, workspace) => {
                    same(id);
                    same(workspace);
                }
                Resource::Domain(id, domain) => {
                    same(id);
                    same(domain);
                }
            },
            Refusal::WorkspaceNameTaken { name } => same(name),
            Refusal::DomainNameTaken { name } | Refusal::DomainNameNotRetired { name } => {
                same(name);
            }
            Refusal::MemberNotFound { user } => match &happened.who {
                Who::User(who, _) if who == user => {}
                _ => same(user),
            },
            Refusal::AlreadyHasRole { offered } => {
                let expected = match &happened.ask {
                    Ask::InviteToOrganization(ask) => {
                        InvitationOffer::Organization { role: ask.role }
                    }
                    Ask::InviteToWorkspace(ask) => InvitationOffer::Workspace {
                        workspace: ask.workspace,
                        role: ask.role,
                    },
                    Ask::ResendInvitation(ask) => {
                        let it = &happened.before.organizations[&ask.organization];
                        let sent = &it.invitations[&ask.invitation];
                        match (InvitationOffer::from(sent.target), sent.own) {
                            (offer, None) => offer,
                            (InvitationOffer::Organization { .. }, Some(own)) => {
                                InvitationOffer::Organization {
                                    role: Role::Own(own),
                                }
                            }
                            (InvitationOffer::Workspace { workspace, .. }, Some(own)) => {
                                InvitationOffer::Workspace {
                                    workspace,
                                    role: Role::Own(own),
                                }
                            }
                        }
                    }
                    other => panic!("{other:?} offers nothing"),
                };
                assert_eq!(*offered, expected);
            }
            _ => {}
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

/// A slip in the model's own hiding would make agreement worthless.
#[test]
fn the_model_hides_an_organization_from_an_outsider() {
    let model = Driver::new().model;
    let nobody = Who::User(user(4), None);
    for id in model.organizations.keys() {
        for action in OrganizationAction::ALL {
            let answer = model.may(&nobody, On::Organization(*id), &action);
            assert_eq!(answer, Answer::Hidden);
        }
    }
}
