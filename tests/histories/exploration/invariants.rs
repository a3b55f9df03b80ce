//! The invariants: of a state, and of a step.

use std::collections::{BTreeMap, BTreeSet};

use tenancy::store::{Claim, Invitation, InvitationState, OrganizationState};
use tenancy::{Event, InvitationTarget, LogEntry, OrganizationRole, WorkspaceRole};

use super::explorer::{Explorer, Node, links_today, modelled};
use crate::seen::seen;
use tenancy_tests::model::ALL_BUT_ACCOUNTING;

impl Explorer {
    pub fn in_order(&self, node: &Node) {
        let mut names = BTreeMap::new();
        for state in &node.states {
            assert_eq!(state.validate(), Ok(()));
            let Some(row) = state.organization() else {
                assert_eq!(state.records().count(), 0, "nothing of no organization");
                continue;
            };
            let admins = state
                .members()
                .filter(|m| m.role == OrganizationRole::Admin && !m.suspended && m.until.is_none());
            let admins = admins.count();
            let open: Vec<_> = state.open_invitations().collect();
            if row.is_deleted() {
                let left = state.members().count() + state.workspaces().count();
                assert_eq!(
                    left + open.len() + state.domains().count(),
                    0,
                    "O6: it is empty"
                );
            } else {
                assert!(admins > 0, "O4, T2: an Admin who lasts remains");
            }
            let counts = [
                (row.counts.members, state.members().count()),
                (row.counts.admins, admins),
                (row.counts.workspaces, state.workspaces().count()),
                (row.counts.domains, state.domains().count()),
                (row.counts.invitations, open.len()),
                (row.counts.kept_names, state.retired_names().count()),
            ];
            for (kept, counted) in counts {
                assert_eq!(kept as usize, counted, "counts equal records: {row:?}");
            }
            for workspace in state.workspaces() {
                let domains = state.domains().filter(|d| d.workspace == workspace.id);
                let members = state.workspace_members();
                let members = members.filter(|m| m.workspace == workspace.id);
                let counted = (domains.count(), members.count());
                let kept = (workspace.domains as usize, workspace.members as usize);
                assert_eq!(kept, counted, "counts equal records: {workspace:?}");
            }
            for member in state.workspace_members() {
                assert!(state.member(member.user).is_some(), "M1");
                assert!(state.workspace(member.workspace).is_some(), "invariant 3");
            }
            for domain in state.domains() {
                assert!(state.workspace(domain.workspace).is_some(), "invariant 3");
                assert_eq!(names.insert(domain.name.clone(), state.id()), None, "D2");
            }
            for retired in state.retired_names() {
                assert_eq!(names.insert(retired.name.clone(), state.id()), None, "D2");
            }
            assert!(open.len() <= self.bounds.invitations as usize, "I8");
            if let Some(limit) = self.bounds.links {
                assert!(links_today(row, node.now) <= limit, "I8");
            }
            let addresses = state.members().map(|member| member.email.key());
            let addresses: BTreeSet<_> = addresses.collect();
            assert_eq!(addresses.len(), state.members().count(), "M6");
            let targets = open.iter().map(|i| (i.email.key(), i.target.workspace()));
            assert_eq!(targets.collect::<BTreeSet<_>>().len(), open.len(), "I5");
            for invitation in open {
                assert!(
                    inviter_may(state, invitation),
                    "I6: {invitation:?} of {state:#?}"
                );
            }
        }
        let names = names.into_iter();
        let names = names.map(|(name, id)| (Claim::DomainName(name), id));
        assert_eq!(node.claims, names.collect(), "D2: a claim for each name");
        for state in &node.states {
            let mut log = Vec::new();
            let mut rest = &node.log;
            while let Some(entry) = rest {
                if entry.entry.organization == state.id() {
                    log.push(&entry.entry);
                }
                rest = &entry.before;
            }
            log.reverse();
            let replayed = OrganizationState::replay(state.id(), log);
            assert_eq!(replayed.as_ref(), Ok(state), "invariant 8");
        }
        modelled(node).invariants();
    }
}

/// What no single step may do, whoever takes it.
pub fn only_allowed_steps(
    before: &OrganizationState,
    after: &OrganizationState,
    events: &[Event],
    entry: &LogEntry,
) {
    let quota = after
        .organization()
        .map_or(0, |row| row.workspace_quota as usize);
    let more = after.workspaces().count() > before.workspaces().count();
    assert!(
        !more || after.workspaces().count() <= quota,
        "W2: {entry:?}"
    );
    within_limits(before, after, entry);
    for event in events {
        match event {
            Event::WorkspaceDeleted { workspace, .. } => {
                assert_eq!(before.domains_in(*workspace).count(), 0, "W4: {entry:?}");
                let author = tenancy::Author::User;
                let mut members = before.members_of(*workspace);
                assert!(
                    members.all(|m| author(m.user) == entry.author),
                    "W4: {entry:?}"
                );
            }
            Event::OrganizationDeleted {} => {
                let left = (before.workspaces().count(), before.members().count());
                assert_eq!(left, (0, 1), "O6: {entry:?}");
            }
            _ => {}
        }
    }
    for domain in before.domains() {
        let kind = after
            .domain(domain.id)
            .map_or(domain.kind, |after| after.kind);
        assert_eq!(kind, domain.kind, "D1: {entry:?}");
    }
    for invitation in before.invitations() {
        let since = after.invitation(invitation.id).map(|after| after.state);
        let was = invitation.state;
        assert!(
            was == InvitationState::Open || since == Some(was),
            "I5: {entry:?}"
        );
    }
    if ["accept_invitation", "accept_received_invitation"].contains(&entry.command.as_str()) {
        for member in before.members() {
            let since = after.member(member.user).map(|after| after.role);
            assert!(since >= Some(member.role), "I7: {entry:?}");
        }
        for held in before.workspace_members() {
            if held.until.is_some_and(|until| until <= entry.at) {
                continue; // T3: it counts for nothing
            }
            let since = after.workspace_member(held.workspace, held.user);
            assert!(
                since.map(|since| since.role) >= Some(held.role),
                "I7: {entry:?}"
            );
        }
    }
}

/// Invariant 9: "used and reserved seats and domains never pass a limit by a creation".
fn within_limits(before: &OrganizationState, after: &OrganizationState, entry: &LogEntry) {
    let (Some(_), Some(row)) = (before.organization(), after.organization()) else {
        return; // an organization is born with its founder
    };
    let over = |limit: Option<u32>, count| limit.is_some_and(|limit| count > limit as usize);
    let seats = |state| {
        let (taken, reserved) = seen(state).seats(ALL_BUT_ACCOUNTING);
        taken + reserved
    };
    if seats(after) > seats(before) && entry.command != "change_organization_role" {
        assert!(!over(row.limits.seats, seats(after)), "Q1: {entry:?}");
    }
    if after.domains().count() > before.domains().count() {
        let names = after.domains().count() + after.retired_names().count();
        assert!(!over(row.limits.domains, names), "Q1: {entry:?}");
        for workspace in after.workspaces() {
            let there = after.domains_in(workspace.id).count();
            let more = there > before.domains_in(workspace.id).count();
            assert!(
                !(more && over(row.limits.domains_per_workspace, there)),
                "Q1: {entry:?}"
            );
        }
    }
}

/// I6, as an invariant: every open invitation could be sent by its inviter today, but for what the clock has ended
/// since (T3), which is asked when it is accepted.
fn inviter_may(state: &OrganizationState, invitation: &Invitation) -> bool {
    let inviter = invitation.inviter;
    let Some(member) = state.member(inviter) else {
        return false;
    };
    let known = state
        .members_with_email(invitation.email.key())
        .next()
        .is_some();
    if member.suspended {
        return false;
    }
    member.role == OrganizationRole::Admin
        || match invitation.target {
            InvitationTarget::Organization { .. } => false,
            InvitationTarget::Workspace { workspace, .. } => {
                let held = state.workspace_member(workspace, inviter);
                known && held.is_some_and(|held| held.role == WorkspaceRole::Admin)
            }
        }
}
