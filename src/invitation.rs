//! Invitations: how people come in.
//!
//! An invitation names an e-mail address and a role, in the organization or in one workspace (I1). The
//! invited person receives a link with a secret token, which the host sends; `tenancy` keeps only its
//! hash (I3). Its life:
//!
//! ```text
//!            invite again, resend: new link, the old one dies
//!              ┌────────┐
//!              ▼        │
//!   invite ─▶ open ─────┘──▶ accepted   (by the invited address only)
//!              │  ├────────▶ declined   (by the invited address only)
//!              │  └────────▶ revoked    (by who may invite; or when the inviter, the workspace or
//!              ▼                         the addressee's membership goes)
//!           expired: by the clock, not a state; can still be renewed or revoked
//! ```

use core::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::id::{InvitationId, UserId, WorkspaceId};
use crate::later::Later;
use crate::own_role::{Holding, Role, RoleNumber};
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::text::{EmailAddress, stored};
use crate::time;
use crate::token::TokenHash;
use crate::version::Version;

/// An invitation as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invitation {
    /// Its id.
    pub id: InvitationId,
    /// The address that it is for.
    #[serde(with = "stored")]
    pub email: EmailAddress,
    /// What accepting gives.
    pub target: InvitationTarget,
    /// The role of the organization's own that accepting gives, whose base is the target's role (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role: Option<RoleNumber>,
    /// The inviter of record: who sent it, or renewed it last. It is worth their authority (I6).
    pub inviter: UserId,
    /// The hash of the current link's secret. Shown by nothing.
    pub token_hash: TokenHash,
    /// When the current link was made.
    #[serde(serialize_with = "time::written")]
    pub sent_at: DateTime<Utc>,
    /// The version in which the current link was made: what happened to its person since outweighs it (M2,
    /// M4).
    pub sent_in: Version,
    /// When the current link expires (I4).
    #[serde(serialize_with = "time::written")]
    pub expires_at: DateTime<Utc>,
    /// Whether it is still open.
    pub state: InvitationState,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

/// What an invitation is to, and with which role (I1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationTarget {
    /// To the organization, with this role.
    Organization {
        /// The role in it.
        role: OrganizationRole,
    },
    /// To a workspace, with this role; accepting also makes the person an organization Member (M1).
    Workspace {
        /// The workspace to join.
        workspace: WorkspaceId,
        /// The role in it.
        role: WorkspaceRole,
    },
}

/// What [`InviteMany`](crate::commands::InviteMany) is asked to offer: an [`InvitationTarget`], or the same with a
/// role of the organization's own (R6).
///
/// ```
/// use tenancy::{InvitationOffer, InvitationTarget, OrganizationRole, Role, WorkspaceId};
///
/// // The number that `DefineRole` answered.
/// let (workspace, tester) = (WorkspaceId::new(), "17".parse().unwrap());
/// let testers = InvitationOffer::Workspace { workspace, role: Role::Own(tester) };
/// assert_eq!(testers.workspace(), Some(workspace));
///
/// // What is built in needs no offer, but makes one.
/// let members = InvitationTarget::Organization { role: OrganizationRole::Member };
/// let role = Role::from(OrganizationRole::Member);
/// assert_eq!(InvitationOffer::from(members), InvitationOffer::Organization { role });
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationOffer {
    /// To the organization, with this role.
    Organization {
        /// The role in it.
        role: Role<OrganizationRole>,
    },
    /// To a workspace, with this role; accepting also makes the person an organization Member (M1).
    Workspace {
        /// The workspace to join.
        workspace: WorkspaceId,
        /// The role in it.
        role: Role<WorkspaceRole>,
    },
}

/// What has become of an invitation. All but `Open` are final (I5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationState {
    /// Not yet answered. At most one is open per address and target (I5).
    Open,
    /// Accepted, once.
    Accepted,
    /// Declined by the addressee.
    Declined,
    /// Taken back.
    Revoked,
}

/// How an invitation looks at a moment: its state, and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvitationStatus {
    /// Open, and its link works.
    Pending,
    /// Open, but its link is too late: renew or revoke it (I4).
    Expired,
    /// Accepted.
    Accepted,
    /// Declined.
    Declined,
    /// Revoked.
    Revoked,
}

codes!(InvitationState { Open = 1, Accepted = 2, Declined = 3, Revoked = 4 });

impl Invitation {
    /// How it looks at `now`. The last moment at which the link works is just before
    /// [`expires_at`](Self::expires_at).
    #[must_use]
    pub fn status(&self, now: DateTime<Utc>) -> InvitationStatus {
        match self.state {
            InvitationState::Open if now < self.expires_at => InvitationStatus::Pending,
            InvitationState::Open => InvitationStatus::Expired,
            InvitationState::Accepted => InvitationStatus::Accepted,
            InvitationState::Declined => InvitationStatus::Declined,
            InvitationState::Revoked => InvitationStatus::Revoked,
        }
    }

    /// Whether it is not yet accepted, declined or revoked. An expired one is open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self.state, InvitationState::Open)
    }
}

impl InvitationOffer {
    /// The workspace, if it is to one.
    #[must_use]
    pub const fn workspace(self) -> Option<WorkspaceId> {
        match self {
            Self::Organization { .. } => None,
            Self::Workspace { workspace, .. } => Some(workspace),
        }
    }
}

impl InvitationOffer {
    /// What an invitation to that target offers, with that role of the organization's own.
    pub(crate) fn of(target: InvitationTarget, own: Option<RoleNumber>) -> Self {
        match (target, own) {
            (target, None) => target.into(),
            (InvitationTarget::Organization { .. }, Some(own)) => Self::Organization {
                role: Role::Own(own),
            },
            (InvitationTarget::Workspace { workspace, .. }, Some(own)) => Self::Workspace {
                workspace,
                role: Role::Own(own),
            },
        }
    }
}

impl From<InvitationTarget> for InvitationOffer {
    fn from(target: InvitationTarget) -> Self {
        match target {
            InvitationTarget::Organization { role } => Self::Organization { role: role.into() },
            InvitationTarget::Workspace { workspace, role } => Self::Workspace {
                workspace,
                role: role.into(),
            },
        }
    }
}

impl InvitationTarget {
    /// What accepting gives in the organization, with that role of the organization's own: if it is to that, its
    /// role; if it is to a workspace, the organization's Member (M1).
    pub(crate) const fn in_organization(
        self,
        own: Option<RoleNumber>,
    ) -> Holding<OrganizationRole> {
        match self {
            Self::Organization { role } => Holding { base: role, own },
            Self::Workspace { .. } => Holding {
                base: OrganizationRole::Member,
                own: None,
            },
        }
    }

    /// What accepting gives in a workspace, and in which.
    pub(crate) fn in_workspace(
        self,
        own: Option<RoleNumber>,
    ) -> Option<(WorkspaceId, Holding<WorkspaceRole>)> {
        match self {
            Self::Organization { .. } => None,
            Self::Workspace { workspace, role } => Some((workspace, Holding { base: role, own })),
        }
    }

    /// The code of the role that it gives, in the layer that it is to.
    pub(crate) const fn role_code(&self) -> u8 {
        match self {
            Self::Organization { role } => role.code(),
            Self::Workspace { role, .. } => role.code(),
        }
    }

    /// The organization role that accepting gives who is no member yet: to a workspace, that of a Member (M1).
    pub(crate) const fn membership(&self) -> OrganizationRole {
        match self {
            Self::Organization { role } => *role,
            Self::Workspace { .. } => OrganizationRole::Member,
        }
    }

    /// The workspace that it is to; `None` if it is to the organization.
    #[must_use]
    pub const fn workspace(&self) -> Option<WorkspaceId> {
        match self {
            Self::Organization { .. } => None,
            Self::Workspace { workspace, .. } => Some(*workspace),
        }
    }
}

impl fmt::Display for InvitationTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization { role } => write!(f, "organization {role}"),
            Self::Workspace { role, .. } => write!(f, "workspace {role}"),
        }
    }
}

impl fmt::Display for InvitationOffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization {
                role: Role::BuiltIn(role),
            } => write!(f, "organization {role}"),
            Self::Workspace {
                role: Role::BuiltIn(role),
                ..
            } => write!(f, "workspace {role}"),
            Self::Organization {
                role: Role::Own(role),
            }
            | Self::Workspace {
                role: Role::Own(role),
                ..
            } => write!(f, "a holder of the organization's role {role}"),
        }
    }
}

impl fmt::Display for InvitationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
        })
    }
}

impl fmt::Display for InvitationStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Expired => "expired",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
            Self::Revoked => "revoked",
        })
    }
}
