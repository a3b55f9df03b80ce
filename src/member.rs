//! Members: users with a role in an organization, and those with a role in a workspace of it.

use core::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{UserId, WorkspaceId};
use crate::later::Later;
use crate::own_role::{Holding, RoleNumber};
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::text::{EmailAddress, stored};
use crate::time;
use crate::version::Version;

/// A user's membership of an organization.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The user.
    pub user: UserId,
    /// Their role: one (M5).
    pub role: OrganizationRole,
    /// The role of the organization's own that they hold, whose base `role` is (R2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role: Option<RoleNumber>,
    /// The e-mail address that they showed when they joined, or since they last followed a change
    /// ([`FollowEmailChange`](crate::commands::FollowEmailChange)). Invitations to it end with the membership (M2).
    #[serde(with = "stored")]
    pub email: EmailAddress,
    /// Since when they are a member.
    #[serde(serialize_with = "time::written")]
    pub since: DateTime<Utc>,
    /// The version in which their role was lowered last: an invitation that was sent before gives nothing
    /// above what they were left with (M4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered_in: Option<Version>,
    /// Whether it is suspended: its roles are kept, and none counts (T1).
    #[serde(default, skip_serializing_if = "is_not")]
    pub suspended: bool,
    /// When it ends, if it is bound to: from then on it counts for nothing (T3). `None`: it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

/// A user who was a member and departed, of the organization or of one workspace: nothing that was sent
/// before lets them in again (M2, M4).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerMember {
    /// The user.
    pub user: UserId,
    /// The workspace that they departed from; `None`: the organization.
    pub workspace: Option<WorkspaceId>,
    /// When they departed last.
    #[serde(serialize_with = "time::written")]
    pub departed_at: DateTime<Utc>,
    /// The version in which they departed last. Versions order what happened in an organization, whatever
    /// the clocks of two servers say.
    pub departed_in: Version,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

/// A user's own role in a workspace. They are always a [`Member`] of its organization too (M1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceMember {
    /// The workspace.
    pub workspace: WorkspaceId,
    /// The user.
    pub user: UserId,
    /// Their role in it: one (M5).
    pub role: WorkspaceRole,
    /// The role of the organization's own that they hold in it, whose base `role` is (R2).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role: Option<RoleNumber>,
    /// Since when they hold a role in it.
    #[serde(serialize_with = "time::written")]
    pub since: DateTime<Utc>,
    /// The version in which their role was lowered last, as in [`Member::lowered_in`]; an end that was set,
    /// or that came nearer, lowers it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered_in: Option<Version>,
    /// When the role ends, if it is bound to: from then on it counts for nothing (T3). `None`: it lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<DateTime<Utc>>,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

/// For how long a membership or a role counts (T1, T3): what a check needs to know of it, in one value, which
/// stores keep in a column ([`column`](Self::column)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Term {
    /// Until somebody takes it away.
    #[default]
    Open,
    /// Until then, and no longer.
    Until(DateTime<Utc>),
    /// Not at all, until it is reinstated.
    Suspended,
}

/// How a membership or a workspace role looks at a moment: what is kept of it, and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MembershipStatus {
    /// It counts.
    Active,
    /// It is suspended, and counts for nothing until it is reinstated (T1).
    Suspended,
    /// Its end has come, and it counts for nothing until it is prolonged (T3).
    Ended,
}

impl Member {
    /// What they hold in the organization.
    pub(crate) const fn holding(&self) -> Holding<OrganizationRole> {
        Holding {
            base: self.role,
            own: self.own_role,
        }
    }

    /// For how long it counts.
    #[must_use]
    pub fn term(&self) -> Term {
        Term::of(self.suspended, self.until)
    }

    /// How it looks at `now`. One that is suspended past its end is suspended.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> MembershipStatus {
        self.term().status(now)
    }

    /// Whether this is an Admin who is neither suspended nor bound to end: an organization always keeps one
    /// (O4, T2).
    #[must_use]
    pub fn is_lasting_admin(&self) -> bool {
        self.role == OrganizationRole::Admin && self.term() == Term::Open
    }
}

impl WorkspaceMember {
    /// What they hold in the workspace.
    pub(crate) const fn holding(&self) -> Holding<WorkspaceRole> {
        Holding {
            base: self.role,
            own: self.own_role,
        }
    }

    /// For how long the role counts, as long as the membership of the organization does.
    #[must_use]
    pub fn term(&self) -> Term {
        Term::of(false, self.until)
    }

    /// How the role looks at `now`. That it counts for nothing while the membership of the organization doesn't
    /// count, this record doesn't know.
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> MembershipStatus {
        self.term().status(now)
    }
}

impl Term {
    fn of(suspended: bool, until: Option<DateTime<Utc>>) -> Self {
        match until {
            _ if suspended => Self::Suspended,
            // The first moment of 1970 would be the number of `Suspended`. Nothing was alive then.
            Some(until) if until.timestamp_millis() == 0 => {
                Self::Until(DateTime::from_timestamp_millis(-1).unwrap_or(until))
            }
            Some(until) => Self::Until(until),
            None => Self::Open,
        }
    }

    /// Whether what has this term counts at `now`. The last moment is just before the end.
    #[must_use]
    pub fn counts_at(self, now: DateTime<Utc>) -> bool {
        self.status(now) == MembershipStatus::Active
    }

    /// How what has this term looks at `now`.
    #[must_use]
    pub fn status(self, now: DateTime<Utc>) -> MembershipStatus {
        match self {
            Self::Open => MembershipStatus::Active,
            Self::Until(end) if now < end => MembershipStatus::Active,
            Self::Until(_) => MembershipStatus::Ended,
            Self::Suspended => MembershipStatus::Suspended,
        }
    }

    /// The number by which stores keep it: none if it is open, the milliseconds since 1970 at which it ends, or
    /// 0 if it is suspended. Whatever counts has none, or one that is greater than the time is.
    #[must_use]
    pub const fn column(self) -> Option<i64> {
        match self {
            Self::Open => None,
            Self::Until(end) => Some(end.timestamp_millis()),
            Self::Suspended => Some(0),
        }
    }

    /// The term that is kept by that number; `None` if it stands for no time.
    #[must_use]
    pub fn from_column(number: Option<i64>) -> Option<Self> {
        match number {
            None => Some(Self::Open),
            Some(0) => Some(Self::Suspended),
            Some(end) => DateTime::from_timestamp_millis(end).map(Self::Until),
        }
    }
}

impl fmt::Display for MembershipStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Ended => "ended",
        })
    }
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
const fn is_not(flag: &bool) -> bool {
    !*flag
}
