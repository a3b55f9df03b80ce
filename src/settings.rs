//! What a host may choose; the rulebook's numbers by default.

use core::num::NonZeroU32;
use core::time::Duration;

use chrono::TimeDelta;

use crate::limits::Limits;
use crate::policy::Catalogue;
use crate::role::RoleSet;

/// What a host may choose.
///
/// ```
/// use tenancy::{InvitationValidity, Settings};
///
/// let settings = Settings { invitation_validity: InvitationValidity::hours(48).unwrap(), ..Settings::default() };
/// assert_eq!(settings.default_workspace_quota.get(), 1);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long an invitation's link works: 7 days by default (I4).
    pub invitation_validity: InvitationValidity,
    /// How many open invitations an organization may hold: 1,000 by default (I8).
    pub pending_invitation_limit: u32,
    /// How many links to invitations an organization may make in a day of the UTC calendar, resent ones
    /// included: 1,000 by default (I8).
    pub daily_link_limit: u32,
    /// How long the link of an invitation stands before another may be made for it: a minute by default
    /// (I8). Zero: no time at all.
    pub resend_pause: Duration,
    /// How many workspaces a new organization may hold: 1 by default (W2). Not 0, as it is born with one
    /// (O2).
    pub default_workspace_quota: NonZeroU32,
    /// How much else a new organization may hold: by default 100 domains, kept names included, and anything
    /// else without limit (Q2). An organization is born with its founder, whatever this says of seats.
    pub default_limits: Limits,
    /// The organization roles that need a seat: by default Admin and Member, so all but Accounting (Q4). It
    /// counts at once for every organization; nothing has to be migrated. Other roles in the set mean nothing.
    ///
    /// A demotion never asks for a seat (Q1), and Accounting is above Member. By default, therefore, whoever is
    /// Accounting may be made Member beyond the limit, and may hold roles in workspaces without a seat. If that matters,
    /// add [`RoleSet::ACCOUNTING`].
    pub seat_roles: RoleSet,
    /// How many roles of its own an organization may define, retired ones included: 32 by default (R1). Zero: none.
    pub own_role_limit: u8,
    /// The host's actions that such roles may add (A4): none by default. [`catalogue!`](crate::catalogue) makes it.
    pub catalogue: Catalogue,
}

/// How long an invitation's link works: between an hour and 30 days (I4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InvitationValidity {
    // INVARIANT: 1 to 720.
    hours: u16,
}

impl InvitationValidity {
    /// The longest: 30 days.
    pub const LONGEST: Self = Self { hours: 30 * 24 };

    /// That many hours; `None` unless 1 to 720.
    #[must_use]
    pub const fn hours(hours: u16) -> Option<Self> {
        if hours >= 1 && hours <= Self::LONGEST.hours {
            Some(Self { hours })
        } else {
            None
        }
    }

    /// That many days; `None` unless 1 to 30.
    #[must_use]
    pub const fn days(days: u16) -> Option<Self> {
        Self::hours(days.saturating_mul(24))
    }

    pub(crate) fn as_delta(self) -> TimeDelta {
        TimeDelta::hours(i64::from(self.hours))
    }
}

impl Default for InvitationValidity {
    /// 7 days.
    fn default() -> Self {
        Self { hours: 7 * 24 }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            invitation_validity: InvitationValidity::default(),
            pending_invitation_limit: 1_000,
            daily_link_limit: 1_000,
            resend_pause: Duration::from_secs(60),
            default_workspace_quota: NonZeroU32::MIN,
            default_limits: Limits {
                domains: Some(100),
                ..Limits::UNLIMITED
            },
            seat_roles: RoleSet::ORGANIZATION_ADMIN.union(RoleSet::MEMBER),
            own_role_limit: 32,
            catalogue: Catalogue::NONE,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn i4_validity_is_between_an_hour_and_thirty_days() {
        assert_eq!(InvitationValidity::hours(0), None);
        assert!(InvitationValidity::hours(1).is_some());
        assert_eq!(
            InvitationValidity::days(30),
            Some(InvitationValidity::LONGEST)
        );
        assert_eq!(InvitationValidity::hours(721), None);
        assert_eq!(InvitationValidity::days(u16::MAX), None);
        assert_eq!(
            InvitationValidity::days(7),
            Some(InvitationValidity::default())
        );
    }
}
