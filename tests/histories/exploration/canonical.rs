//! The canonical form of a state: two states of one form are the same to every command.
//!
//! Users, addresses, workspaces and organizations are renamed so that the smallest form comes out; names,
//! times, versions, texts on paper, kinds of domains and closed invitations are forgotten. Of what people lost, it
//! is kept which open invitations are older.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use tenancy::store::OrganizationState;
use tenancy::{
    DomainKind, DomainStatus, InvitationTarget, Limits, OrganizationRole, RoleNumber, UserId,
    WorkspaceId, WorkspaceRole,
};

use super::Bounds;
use super::explorer::{Node, PAUSE, links_today};
use crate::bytes::{address, user};
use crate::seen::outdated_for;

pub type Form = Vec<u8>;

/// All orders of `0..n`.
fn orders(n: u8) -> Vec<Vec<u8>> {
    let Some(last) = n.checked_sub(1) else {
        return vec![vec![]];
    };
    let mut all = Vec::new();
    for order in orders(last) {
        for at in 0..=order.len() {
            let mut longer = order.clone();
            longer.insert(at, last);
            all.push(longer);
        }
    }
    all
}

/// The ways to rename users and addresses.
pub struct Renamings {
    all: Vec<(Vec<u8>, Vec<u8>)>,
    users: Vec<UserId>,
    addresses: Vec<String>,
    /// Of each user, the addresses that they may show.
    shown: &'static [&'static [u8]],
    /// Whether it matters how many links were made, and when (I8).
    links: bool,
}

/// An order says who was before at each place; the place is the new name.
fn new(order: &[u8], old: usize) -> u8 {
    let place = order.iter().position(|at| usize::from(*at) == old);
    u8::try_from(place.unwrap()).unwrap()
}

impl Renamings {
    pub fn new(bounds: &Bounds) -> Self {
        let addresses = bounds.all_addresses();
        let mut all = Vec::new();
        for users in orders(bounds.users()) {
            for renamed in orders(u8::try_from(addresses.len()).unwrap()) {
                // Everybody is renamed to somebody who may show the same addresses, renamed.
                let alike = users.iter().zip(bounds.addresses).all(|(old, theirs)| {
                    let before = bounds.addresses[usize::from(*old)].iter();
                    let since: BTreeSet<_> =
                        before.map(|at| new(&renamed, usize::from(*at))).collect();
                    since == theirs.iter().copied().collect()
                });
                if alike {
                    all.push((users.clone(), renamed));
                }
            }
        }
        Self {
            all,
            users: (0..bounds.users()).map(user).collect(),
            addresses: addresses.into_iter().map(address).collect(),
            shown: bounds.addresses,
            links: bounds.links.is_some(),
        }
    }

    fn user(&self, id: UserId) -> usize {
        self.users.iter().position(|known| *known == id).unwrap()
    }

    fn address(&self, email: &str) -> usize {
        self.addresses
            .iter()
            .position(|known| known == email)
            .unwrap()
    }

    pub fn form(&self, node: &Node) -> Form {
        let forms = self.all.iter().map(|renaming| {
            let states = node.states.iter();
            let mut each: Vec<_> = states
                .map(|state| self.of_state(state, node.now, renaming))
                .collect();
            each.sort();
            each.concat()
        });
        forms.min().unwrap()
    }

    fn of_state(
        &self,
        state: &OrganizationState,
        now: DateTime<Utc>,
        renaming: &(Vec<u8>, Vec<u8>),
    ) -> Form {
        let ids: Vec<_> = state.workspaces().map(|workspace| workspace.id).collect();
        let forms = orders(u8::try_from(ids.len()).unwrap())
            .into_iter()
            .map(|order| {
                let ids: Vec<_> = order.iter().map(|at| ids[usize::from(*at)]).collect();
                self.written(state, now, renaming, &ids)
            });
        forms.min().unwrap()
    }

    fn written(
        &self,
        state: &OrganizationState,
        now: DateTime<Utc>,
        (users, addresses): &(Vec<u8>, Vec<u8>),
        workspaces: &[WorkspaceId],
    ) -> Form {
        let Some(row) = state.organization() else {
            return vec![0];
        };
        let placed = |id| u8::try_from(workspaces.iter().position(|known| *known == id).unwrap());
        let placed = |id: WorkspaceId| placed(id).unwrap();
        let mut form = vec![row.status.code()];
        form.push(u8::try_from(row.workspace_quota).unwrap());
        let Limits {
            seats,
            domains,
            domains_per_workspace,
        } = row.limits;
        let limits = [seats, domains, domains_per_workspace];
        form.extend(limits.map(|limit| limit.map_or(0, |limit| 1 + u8::try_from(limit).unwrap())));
        // Roles of the organization's own, in the order in which they were defined.
        let own = |held: Option<RoleNumber>| {
            let place = row.roles.iter().position(|role| Some(role.number) == held);
            place.map_or(0, |place| 1 + u8::try_from(place).unwrap())
        };
        form.push(u8::try_from(row.roles.len()).unwrap());
        for role in &row.roles {
            form.extend([role.base as u8, role.state as u8]);
            form.push(u8::try_from(role.adds.codes().count()).unwrap());
            form.extend(role.adds.codes().map(tenancy::Code::number));
        }
        for at in users {
            let member = state.member(self.users[usize::from(*at)]);
            form.push(member.map_or(0, |member| 1 + of_organization(member.role)));
            form.push(member.map_or(0, |member| own(member.own_role)));
            let email = member.map(|member| &member.email);
            let email = email.map(|email| new(addresses, self.address(email.as_str())));
            form.push(email.map_or(0, |email| 1 + email));
            form.push(member.map_or(0, |member| of_term(member.suspended, member.until, now)));
        }
        form.push(u8::try_from(workspaces.len()).unwrap());
        for workspace in workspaces {
            for at in users {
                let held = state.workspace_member(*workspace, self.users[usize::from(*at)]);
                form.push(held.map_or(0, |held| 1 + of_workspace(held.role)));
                form.push(held.map_or(0, |held| of_term(false, held.until, now)));
                form.push(held.map_or(0, |held| own(held.own_role)));
            }
        }
        let domains = state.domains().map(|domain| {
            2 + 2 * placed(domain.workspace) + u8::from(domain.status == DomainStatus::Active)
        });
        let retired = state.retired_names().map(|_| 1);
        form.push(domains.chain(retired).max().unwrap_or(0));
        if !row.roles.is_empty() {
            // What they add may be for one kind of domains only (R4).
            let sandboxes = state
                .domains()
                .filter(|domain| domain.kind == DomainKind::Sandbox);
            form.push(u8::try_from(sandboxes.count()).unwrap());
        }
        let mut invitations: Vec<_> = state
            .open_invitations()
            .map(|invitation| {
                let target = match invitation.target {
                    InvitationTarget::Organization { role } => of_organization(role),
                    InvitationTarget::Workspace { workspace, role } => {
                        3 + 3 * placed(workspace) + of_workspace(role)
                    }
                };
                let to = self.address(invitation.email.as_str());
                let outdated = outdated_for(state, invitation);
                // To whom can't show the address it is no matter.
                let lost = users.iter().map(|at| {
                    let at = usize::from(*at);
                    self.shown[at].contains(&u8::try_from(to).unwrap())
                        && outdated.contains(&self.users[at])
                });
                let again = invitation.sent_at + PAUSE;
                [
                    new(addresses, to),
                    target,
                    own(invitation.own_role),
                    new(users, self.user(invitation.inviter)),
                    u8::from(now < invitation.expires_at),
                    lost.fold(0, |places, lost| 2 * places + u8::from(lost)),
                    u8::from(self.links && now < again),
                ]
            })
            .collect();
        invitations.sort_unstable();
        form.push(u8::try_from(invitations.len()).unwrap());
        form.extend(invitations.concat());
        if self.links {
            form.push(u8::try_from(links_today(row, now)).unwrap());
        }
        form
    }
}

/// For how long something counts: there is one time in a world at which it may end.
fn of_term(suspended: bool, until: Option<DateTime<Utc>>, now: DateTime<Utc>) -> u8 {
    let end = until.map_or(0, |until| 1 + u8::from(until <= now));
    3 * u8::from(suspended) + end
}

fn of_organization(role: OrganizationRole) -> u8 {
    u8::try_from(
        OrganizationRole::ALL
            .iter()
            .position(|known| *known == role)
            .unwrap(),
    )
    .unwrap()
}

fn of_workspace(role: WorkspaceRole) -> u8 {
    u8::try_from(
        WorkspaceRole::ALL
            .iter()
            .position(|known| *known == role)
            .unwrap(),
    )
    .unwrap()
}
