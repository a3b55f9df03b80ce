//! Members: users with a role in an organization, and those with a role in a workspace of it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::{UserId, WorkspaceId};
use crate::later::Later;
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
    #[serde(serialize_with = "time::written")]
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
    /// Since when they hold a role in it.
    #[serde(serialize_with = "time::written")]
    pub since: DateTime<Utc>,
    /// The version in which their role was lowered last, as in [`Member::lowered_in`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowered_in: Option<Version>,
    /// What a later version of this crate keeps with it.
    #[serde(flatten)]
    pub later: Later,
}
