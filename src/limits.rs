//! Limits: how much an organization may hold, and how much of it is used (Q1–Q5).
//!
//! A limit refuses creation only (Q1). All that it is compared with stands on the organization's row, or on
//! the workspace's, so that nothing is counted when it is asked.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::role::{OrganizationRole, RoleSet};

/// How much an organization may hold, besides workspaces, which have a quota of their own (Q2, W2). `None`
/// is unlimited; 0 is none at all.
///
/// ```
/// use tenancy::{Limits, Settings};
///
/// let team = Limits { seats: Some(10), ..Settings::default().default_limits };
/// assert_eq!((team.seats, team.domains, team.domains_per_workspace), (Some(10), Some(100), None));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Limits {
    /// How many seats: members, and addresses with open invitations that are no member's (Q3), whose role
    /// needs one ([`Settings::seat_roles`](crate::Settings::seat_roles), Q4). A member who is suspended, or whose
    /// membership has ended, keeps their seat until they are removed; an invitation that has expired keeps one reserved
    /// until it is revoked, or answered after it was sent again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seats: Option<u32>,
    /// How many domains in all its workspaces, and kept names of deleted ones (D2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains: Option<u32>,
    /// How many domains in each workspace; kept names don't count here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domains_per_workspace: Option<u32>,
}

impl Limits {
    /// No limit at all, but for the workspace quota.
    pub const UNLIMITED: Self = Self {
        seats: None,
        domains: None,
        domains_per_workspace: None,
    };
}

/// Which of the limits was reached ([`Refusal::LimitReached`](crate::Refusal::LimitReached)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Limit {
    /// [`Limits::seats`].
    Seats,
    /// [`Limits::domains`].
    Domains,
    /// [`Limits::domains_per_workspace`].
    DomainsPerWorkspace,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seats => "seats",
            Self::Domains => "domains",
            Self::DomainsPerWorkspace => "domains per workspace",
        })
    }
}

/// How much of one limit is used (Q5).
///
/// ```
/// use tenancy::LimitUsage;
///
/// let seats = LimitUsage { used: 3, reserved: 1, limit: Some(5) };
/// assert_eq!((seats.remaining(), seats.over_by()), (Some(1), 0));
///
/// let lowered = LimitUsage { limit: Some(2), ..seats };
/// assert_eq!((lowered.remaining(), lowered.over_by()), (Some(0), 2));
///
/// let unlimited = LimitUsage { limit: None, ..seats };
/// assert_eq!((unlimited.remaining(), unlimited.over_by()), (None, 0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LimitUsage {
    /// How much is there.
    pub used: u32,
    /// How much more is promised: seats, by open invitations (Q3). 0 of everything else.
    pub reserved: u32,
    /// How much there may be; `None`: unlimited. Zero means zero.
    pub limit: Option<u32>,
}

impl LimitUsage {
    /// What is used or reserved.
    #[must_use]
    pub const fn taken(&self) -> u32 {
        self.used.saturating_add(self.reserved)
    }

    /// How many more may be created; `None`: without limit.
    #[must_use]
    pub fn remaining(&self) -> Option<u32> {
        self.limit.map(|limit| limit.saturating_sub(self.taken()))
    }

    /// How many there are too many, after the limit was lowered. Nothing is taken away; only creation is
    /// refused (Q1).
    #[must_use]
    pub fn over_by(&self) -> u32 {
        self.limit
            .map_or(0, |limit| self.taken().saturating_sub(limit))
    }
}

/// How much of each of its limits an organization uses (Q5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Usage {
    /// Members, and addresses with open invitations that are no member's, whose role needs a seat (Q3, Q4).
    pub seats: LimitUsage,
    /// Workspaces: the same as [`Tenancy::quota_usage`](crate::Tenancy::quota_usage) says (W2).
    pub workspaces: LimitUsage,
    /// Domains in all workspaces, and kept names of deleted ones (D2).
    pub domains: LimitUsage,
}

/// How much of the limits of domains is used, for whoever creates domains in one workspace (Q5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WorkspaceUsage {
    /// Domains in the workspace.
    pub domains: LimitUsage,
    /// Domains in all workspaces of the organization, and kept names of deleted ones (D2).
    pub domains_in_all: LimitUsage,
}

/// How many members hold each role in the organization.
///
/// By role, and not by who needs a seat: a host that changes its choice ([`Settings::seat_roles`]) finds the
/// right number at once.
///
/// [`Settings::seat_roles`]: crate::Settings::seat_roles
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MembersByRole {
    /// Those whose role is Admin.
    pub admin: u32,
    /// Those whose role is Accounting.
    pub accounting: u32,
    /// Those whose role is Member.
    pub member: u32,
}

impl MembersByRole {
    pub(crate) const fn of_mut(&mut self, role: OrganizationRole) -> &mut u32 {
        match role {
            OrganizationRole::Admin => &mut self.admin,
            OrganizationRole::Accounting => &mut self.accounting,
            OrganizationRole::Member => &mut self.member,
        }
    }

    /// The roles that somebody holds.
    pub(crate) fn roles(self) -> RoleSet {
        let roles = OrganizationRole::ALL.into_iter();
        roles
            .map(RoleSet::of_organization)
            .filter(|role| self.holding(*role) > 0)
            .collect()
    }

    /// How many hold one of these roles.
    pub(crate) fn holding(self, roles: RoleSet) -> u32 {
        let counted = [
            (RoleSet::ORGANIZATION_ADMIN, self.admin),
            (RoleSet::ACCOUNTING, self.accounting),
            (RoleSet::MEMBER, self.member),
        ];
        sum(&counted, roles)
    }
}

/// How many addresses are no member's and have open invitations, by what all of those together offer them:
/// each address counts once, however many invitations are to it (Q3). An invitation to a workspace offers
/// the role of a Member (M1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Newcomers {
    /// Those who may become Member, and nothing more.
    pub member: u32,
    /// Those who may become Accounting.
    pub accounting: u32,
    /// Those who may become Accounting, or first Member.
    pub accounting_or_member: u32,
    /// Those who may become Admin.
    pub admin: u32,
    /// Those who may become Admin, or first Member.
    pub admin_or_member: u32,
}

const ACCOUNTING_OR_MEMBER: RoleSet = RoleSet::ACCOUNTING.union(RoleSet::MEMBER);
const ADMIN_OR_MEMBER: RoleSet = RoleSet::ORGANIZATION_ADMIN.union(RoleSet::MEMBER);

impl Newcomers {
    /// Whether there are none: most organizations, most of the time, keep no word of it.
    pub(crate) fn is_nobody(&self) -> bool {
        *self == Self::default()
    }

    /// The count of those who are offered these roles; `None` of roles that no address can be offered at once.
    pub(crate) fn of_mut(&mut self, offered: RoleSet) -> Option<&mut u32> {
        Some(match offered {
            RoleSet::MEMBER => &mut self.member,
            RoleSet::ACCOUNTING => &mut self.accounting,
            ACCOUNTING_OR_MEMBER => &mut self.accounting_or_member,
            RoleSet::ORGANIZATION_ADMIN => &mut self.admin,
            ADMIN_OR_MEMBER => &mut self.admin_or_member,
            _ => return None,
        })
    }

    /// How many are offered one of these roles.
    pub(crate) fn offered(self, roles: RoleSet) -> u32 {
        let counted = [
            (RoleSet::MEMBER, self.member),
            (RoleSet::ACCOUNTING, self.accounting),
            (ACCOUNTING_OR_MEMBER, self.accounting_or_member),
            (RoleSet::ORGANIZATION_ADMIN, self.admin),
            (ADMIN_OR_MEMBER, self.admin_or_member),
        ];
        sum(&counted, roles)
    }
}

fn sum(counted: &[(RoleSet, u32)], roles: RoleSet) -> u32 {
    let counted = counted.iter().filter(|(of, _)| of.intersects(roles));
    counted.fold(0, |sum, (_, count)| sum.saturating_add(*count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn q3_an_address_counts_once_whatever_it_is_offered() {
        let mut newcomers = Newcomers::default();
        for (offered, count) in [
            (RoleSet::MEMBER, 1),
            (RoleSet::ACCOUNTING, 2),
            (ACCOUNTING_OR_MEMBER, 4),
            (RoleSet::ORGANIZATION_ADMIN, 8),
            (ADMIN_OR_MEMBER, 16),
        ] {
            *newcomers.of_mut(offered).unwrap() = count;
        }
        assert_eq!(newcomers.offered(RoleSet::all()), 31);
        assert_eq!(newcomers.offered(RoleSet::MEMBER), 1 + 4 + 16);
        assert_eq!(newcomers.offered(RoleSet::ACCOUNTING), 2 + 4);
        assert_eq!(newcomers.offered(ADMIN_OR_MEMBER), 1 + 4 + 8 + 16);
        assert_eq!(newcomers.offered(RoleSet::empty()), 0);
        assert_eq!(newcomers.of_mut(RoleSet::READER), None);
    }

    #[test]
    fn q4_a_workspace_role_needs_no_seat_of_its_own() {
        let members = MembersByRole {
            admin: 1,
            accounting: 2,
            member: 4,
        };
        assert_eq!(members.holding(RoleSet::all()), 7);
        assert_eq!(members.holding(ADMIN_OR_MEMBER), 5);
        assert_eq!(members.holding(RoleSet::READER), 0);
    }
}
