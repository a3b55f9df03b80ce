//! Refusals: why a rule said no.
//!
//! A closed set, one variant a reason, with the data that explains it. Each has
//!
//! - a message for people ([`Display`](fmt::Display)), which ends with what to do;
//! - a [`code`](Refusal::code), stable for ever, for clients;
//! - the [`rule`](Refusal::rule) of the rulebook that it enforces;
//! - the [HTTP status](Refusal::http_status) that it suggests.
//!
//! A refusal never says more than the actor may know. Who may not view a thing gets
//! [`NotFound`](Refusal::NotFound), the same as if it didn't exist (A2).

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::UserId;
use crate::invitation::{InvitationState, InvitationTarget};
use crate::resource::Resource;
use crate::role::RoleSet;
use crate::text::{DomainName, EmailAddress, Name};

/// Why a rule said no. Nothing was changed.
///
/// Serialized with its code as the tag:
///
/// ```
/// use tenancy::Refusal;
///
/// let refusal = Refusal::QuotaReached { quota: 1, workspaces: 1 };
/// assert_eq!(refusal.code(), "quota_reached");
/// assert_eq!(refusal.rule(), "W2");
/// assert_eq!(refusal.http_status(), 409);
/// assert_eq!(
///     refusal.to_string(),
///     "the organization has 1 of 1 workspace: contact the vendor to raise the quota"
/// );
/// assert_eq!(
///     serde_json::to_string(&refusal).unwrap(),
///     r#"{"code":"quota_reached","quota":1,"workspaces":1}"#
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "code", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Refusal {
    /// It doesn't exist, or the actor may not see it; which of the two is not told (A2).
    #[error(
        "there is no {resource}, or it is not yours to see: check the id, or ask an Admin to add you"
    )]
    NotFound {
        /// What was asked for, as it was asked for.
        resource: Resource,
    },
    /// The actor may see it, but their roles don't allow that (A1).
    #[error("you may not {action}: it needs {needs}; ask somebody with such a role")]
    Forbidden {
        /// What was asked, in a few words.
        action: Cow<'static, str>,
        /// The roles that may; one of them is enough.
        needs: RoleSet,
        /// The roles that the actor has there.
        has: RoleSet,
    },
    /// Only a user of the host can do that; the actor is an operator, who is a member of nothing.
    #[error("an operator is a member of nothing: a user of the organization has to do that")]
    UserRequired,
    /// The organization has been deleted. Only operators are told (A2).
    #[error("the organization is deleted: only its audit trail and its domain names are left")]
    OrganizationDeleted,
    /// An organization must keep an Admin (O4).
    #[error("this is the organization's last Admin: promote someone first")]
    LastAdmin,
    /// The organization holds as many workspaces as it may, or more (W2).
    #[error(
        "the organization has {workspaces} of {}: contact the vendor to raise the quota", some(*quota, "workspace")
    )]
    QuotaReached {
        /// How many it may hold.
        quota: u32,
        /// How many it holds.
        workspaces: u32,
    },
    /// Another workspace of the organization has that name, compared caselessly (W3).
    #[error("a workspace named `{name}` exists: choose another name")]
    WorkspaceNameTaken {
        /// The name of the other workspace, as it is written there.
        name: Name,
    },
    /// A workspace is deleted only when empty (W4).
    #[error("the workspace still holds {} and {}: remove them first", some(*domains, "domain"), some(*members, "other member"))]
    WorkspaceNotEmpty {
        /// How many domains are left in it, active or not.
        domains: u32,
        /// How many users, not counting the one who deletes it, hold a role in it.
        members: u32,
    },
    /// An organization is deleted only when empty (O6).
    #[error(
        "the organization still holds {} and {}: remove them first", some(*workspaces, "workspace"), some(*members, "other member")
    )]
    OrganizationNotEmpty {
        /// How many workspaces are left in it.
        workspaces: u32,
        /// How many members, not counting the one who deletes it.
        members: u32,
    },
    /// A domain of that name exists in the deployment, or existed in another organization (D2).
    #[error("the domain name `{name}` is taken: choose another one")]
    DomainNameTaken {
        /// The name.
        name: DomainName,
    },
    /// The organization keeps no deleted domain's name like that (D2).
    #[error(
        "`{name}` is not the name of a deleted domain of this organization: delete the domain first, or check the name"
    )]
    DomainNameNotRetired {
        /// The name.
        name: DomainName,
    },
    /// That user holds no role there (M1).
    #[error("user `{user}` is not a member: invite them first, or check the id")]
    MemberNotFound {
        /// The user.
        user: UserId,
    },
    /// There is no such invitation, its link was replaced by a newer one, or the token is wrong (I3).
    #[error(
        "this invitation is not valid: use the newest link that you were sent, or ask for a new one"
    )]
    InvitationNotFound,
    /// The invitation was answered or taken back; that is final (I5).
    #[error("this invitation was {}: ask for a new one if you need it", closed(*state))]
    InvitationClosed {
        /// Accepted, declined or revoked.
        state: InvitationState,
    },
    /// The invitation's link is too late (I4).
    #[error("this invitation expired at {expired_at}: ask for a new one")]
    InvitationExpired {
        /// From when on it was too late.
        expired_at: DateTime<Utc>,
    },
    /// The invitation is for another address than the one that the user is signed in with (I3).
    #[error("this invitation is for `{invited}`: sign in with that address")]
    WrongAccount {
        /// The address that it is for. Who holds the link's secret may know it.
        invited: EmailAddress,
    },
    /// The user's e-mail address is not verified (I3).
    #[error("your e-mail address is not verified: verify it, then open the link again")]
    EmailUnverified,
    /// Whoever sent the invitation could not send it any more (I6).
    #[error("who invited you may no longer do so: ask an Admin for a new invitation")]
    InviterLostAuthority,
    /// The invited person has that role already, or a higher one (I5).
    #[error(
        "they already have {held}: there is nothing to invite them to; change the role instead"
    )]
    AlreadyHasRole {
        /// What they hold.
        held: InvitationTarget,
    },
    /// The organization holds as many open invitations as it may (I8).
    #[error("the organization has {}, as many as it may: revoke some first", some(*limit, "open invitation"))]
    TooManyInvitations {
        /// How many it may hold.
        limit: u32,
    },
    /// The commit id stands for something else that was done before.
    #[error("the idempotency key was used for another request: use a new one")]
    CommitIdReused,
}

fn some(count: u32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

const fn closed(state: InvitationState) -> &'static str {
    match state {
        InvitationState::Open => "answered",
        InvitationState::Accepted => "accepted",
        InvitationState::Declined => "declined",
        InvitationState::Revoked => "revoked",
    }
}

impl Refusal {
    /// The reason's name, stable for ever: what clients compare.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "not_found",
            Self::Forbidden { .. } => "forbidden",
            Self::UserRequired => "user_required",
            Self::OrganizationDeleted => "organization_deleted",
            Self::LastAdmin => "last_admin",
            Self::QuotaReached { .. } => "quota_reached",
            Self::WorkspaceNameTaken { .. } => "workspace_name_taken",
            Self::WorkspaceNotEmpty { .. } => "workspace_not_empty",
            Self::OrganizationNotEmpty { .. } => "organization_not_empty",
            Self::DomainNameTaken { .. } => "domain_name_taken",
            Self::DomainNameNotRetired { .. } => "domain_name_not_retired",
            Self::MemberNotFound { .. } => "member_not_found",
            Self::InvitationNotFound => "invitation_not_found",
            Self::InvitationClosed { .. } => "invitation_closed",
            Self::InvitationExpired { .. } => "invitation_expired",
            Self::WrongAccount { .. } => "wrong_account",
            Self::EmailUnverified => "email_unverified",
            Self::InviterLostAuthority => "inviter_lost_authority",
            Self::AlreadyHasRole { .. } => "already_has_role",
            Self::TooManyInvitations { .. } => "too_many_invitations",
            Self::CommitIdReused => "commit_id_reused",
        }
    }

    /// The rule of the rulebook that it enforces (`docs/rules.md`).
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "A2",
            Self::Forbidden { .. } | Self::UserRequired => "A1",
            Self::OrganizationDeleted | Self::OrganizationNotEmpty { .. } => "O6",
            Self::LastAdmin => "O4",
            Self::QuotaReached { .. } => "W2",
            Self::WorkspaceNameTaken { .. } => "W3",
            Self::WorkspaceNotEmpty { .. } => "W4",
            Self::DomainNameTaken { .. } | Self::DomainNameNotRetired { .. } => "D2",
            Self::MemberNotFound { .. } => "M1",
            Self::InvitationNotFound | Self::WrongAccount { .. } | Self::EmailUnverified => "I3",
            Self::InvitationExpired { .. } => "I4",
            Self::InvitationClosed { .. } | Self::AlreadyHasRole { .. } => "I5",
            Self::InviterLostAuthority => "I6",
            Self::TooManyInvitations { .. } => "I8",
            Self::CommitIdReused => "invariant 8",
        }
    }

    /// The HTTP status that fits: what a host answers unless it knows better. Retrying the same request
    /// never helps.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::NotFound { .. } | Self::MemberNotFound { .. } | Self::InvitationNotFound => 404,
            Self::Forbidden { .. }
            | Self::UserRequired
            | Self::WrongAccount { .. }
            | Self::EmailUnverified
            | Self::InviterLostAuthority => 403,
            Self::InvitationClosed { .. }
            | Self::InvitationExpired { .. }
            | Self::OrganizationDeleted => 410,
            Self::CommitIdReused => 422,
            Self::LastAdmin
            | Self::QuotaReached { .. }
            | Self::WorkspaceNameTaken { .. }
            | Self::WorkspaceNotEmpty { .. }
            | Self::OrganizationNotEmpty { .. }
            | Self::DomainNameTaken { .. }
            | Self::DomainNameNotRetired { .. }
            | Self::AlreadyHasRole { .. }
            | Self::TooManyInvitations { .. } => 409,
        }
    }
}
