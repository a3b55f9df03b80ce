//! Members: users with a role in an organization, and those with a role in a workspace of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{UserId, WorkspaceId};
use crate::later::Later;
use crate::own_role::{Holding, RoleNumber};
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::text::{EmailAddress, stored};
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
    pub since: DateTime<Utc>,
    /// The version in which their role was lowered last: an invitation that was sent before gives nothing
    /// above what they were left with (M4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered_in: Option<Version>,
    /// What a later version of this crate keeps with it.
    #[serde(flatten)]
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
    pub departed_at: DateTime<Utc>,
    /// The version in which they departed last. Versions order what happened in an organization, whatever
    /// the clocks of two servers say.
    pub departed_in: Version,
    /// What a later version of this crate keeps with it.
    #[serde(flatten)]
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
    pub since: DateTime<Utc>,
    /// The version in which their role was lowered last, as in [`Member::lowered_in`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered_in: Option<Version>,
    /// What a later version of this crate keeps with it.
    #[serde(flatten)]
    pub later: Later,
}

impl Member {
    /// What they hold in the organization.
    pub(crate) const fn holding(&self) -> Holding<OrganizationRole> {
        Holding {
            base: self.role,
            own: self.own_role,
        }
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
}
