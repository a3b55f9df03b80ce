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
use crate::invitation::{InvitationOffer, InvitationState};
use crate::limits::Limit;
use crate::own_role::RoleNumber;
use crate::resource::{Layer, Resource};
use crate::role::RoleSet;
use crate::text::{DomainName, EmailAddress, Name, TextLine};

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
    /// The user's id or the idempotency key is empty: an identity that is missing is nobody's (M6).
    #[error("the user's id or the idempotency key is empty: sign in again, or send a key")]
    IdentityMissing,
    /// The organization has been deleted. Only operators are told (A2).
    #[error("the organization is deleted: only its audit trail and its domain names are left")]
    OrganizationDeleted,
    /// The organization is suspended, and nobody but operators changes it until it is reinstated, but that its
    /// invoicing may be settled (T4).
    #[error(
        "the organization is suspended{}: its Admins and Accounting may settle its invoicing, or ask the vendor to reinstate it", why(reason.as_ref())
    )]
    OrganizationSuspended {
        /// Why, for its people to read; `None` for whoever isn't one of them.
        reason: Option<TextLine>,
    },
    /// An organization must keep an Admin who is neither suspended nor bound to end (O4, T2).
    #[error(
        "this is the organization's last Admin who is neither suspended nor bound to end: promote someone first, or delete the organization"
    )]
    LastAdmin,
    /// The membership is suspended, so that none of its roles counts (T1).
    #[error(
        "the membership is suspended: an Admin has to reinstate it first, which an invitation does not"
    )]
    MembershipSuspended,
    /// The membership has ended, so that none of its roles counts (T3).
    #[error(
        "the membership ended at {ended_at}: an Admin has to prolong it first, which an invitation does not"
    )]
    MembershipEnded {
        /// From when on it counted for nothing.
        ended_at: DateTime<Utc>,
    },
    /// An organization is handed over to another member than who hands it over (O7).
    #[error("you can't hand the organization over to yourself: name another member")]
    HandedToOneself,
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
    /// The organization, or a workspace of it, holds as much as it may, or more (Q1).
    #[error("{}", limit_reached(*of, *limit, *used, *reserved))]
    LimitReached {
        /// Which limit.
        of: Limit,
        /// How much there may be.
        limit: u32,
        /// How much there is.
        used: u32,
        /// How much more is promised: seats, by open invitations (Q3).
        reserved: u32,
    },
    /// Another workspace of the organization has that name, compared caselessly (W3).
    #[error("a workspace named `{name}` exists: choose another name")]
    WorkspaceNameTaken {
        /// The name, as it was asked for.
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
        /// The name that was asked for.
        name: DomainName,
    },
    /// The organization keeps no deleted domain's name like that (D2).
    #[error(
        "`{name}` is not the name of a deleted domain of this organization: delete the domain first, or check the name"
    )]
    DomainNameNotRetired {
        /// The name that was asked for.
        name: DomainName,
    },
    /// That user holds no role there (M1).
    #[error("user `{user}` has no role of their own there: invite them first, or check the id")]
    MemberNotFound {
        /// The user who was asked about.
        user: UserId,
    },
    /// There is no such invitation, its link was replaced by a newer one, or the token is wrong (I3).
    #[error(
        "this invitation is not valid: use the newest link that you were sent, or ask for a new one"
    )]
    InvitationNotFound,
    /// The invitation was answered or taken back; that is final (I5).
    #[error("this invitation was {state}, which is final: a new one may be sent, or asked for")]
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
    /// The user shows no verified e-mail address, which this needs (I3, M6).
    #[error("your e-mail address is not verified: verify it, then try again")]
    EmailUnverified,
    /// Whoever sent the invitation could not send it any more (I6).
    #[error("who invited you may no longer do so: ask an Admin for a new invitation")]
    InviterLostAuthority,
    /// It was sent before its person departed, or before their role was lowered: an older link doesn't bring
    /// back what was taken (M2, M4).
    #[error("the invitation was sent before you left or your role was lowered: ask for a new one")]
    InvitationOutdated,
    /// Another member of the organization has that address (M6).
    #[error(
        "another member of the organization has that e-mail address: ask an Admin to remove the older membership or to have its address changed"
    )]
    EmailInUse,
    /// A member with that address has the role already, or one that an invitation doesn't replace: a higher one, or
    /// another role of the organization's own with the same base (I5, I7).
    #[error(
        "somebody with that address is {offered} already, or has a role that an invitation does not replace: change their role instead"
    )]
    AlreadyHasRole {
        /// What was offered.
        offered: InvitationOffer,
    },
    /// The organization holds as many open invitations as it may (I8).
    #[error("the organization has {}, as many as it may: revoke some first", some(*limit, "open invitation"))]
    TooManyInvitations {
        /// How many it may hold.
        limit: u32,
    },
    /// The organization made as many links today as it may (I8).
    #[error("the organization made {} today, as many as it may: try again after {again_at}", some(*limit, "link"))]
    TooManyLinks {
        /// How many it may make in a day.
        limit: u32,
        /// When the next day begins.
        again_at: DateTime<Utc>,
    },
    /// The invitation's last link was made a moment ago (I8).
    #[error("the invitation was sent a moment ago: send it again after {again_at}")]
    ResentTooSoon {
        /// When it may be sent again.
        again_at: DateTime<Utc>,
    },
    /// What was typed is no e-mail address (I9).
    #[error("this is no e-mail address: check how it is written")]
    EmailInvalid,
    /// The same address stands further up among many that are invited at once (I9).
    #[error("the address stands in line {line} already: it is invited once")]
    AddressRepeated {
        /// The first line that it stands in, counted from 1.
        line: u32,
    },
    /// More addresses than may be invited at once (I9).
    #[error("at most {} may be invited at once: send them in parts", addresses(*limit))]
    TooManyLines {
        /// How many may be.
        limit: u32,
    },
    /// No role of an organization's own can add that action: it is reserved, or has no code (R3, A4).
    #[error(
        "no role can add `{action}`: it is reserved to the built-in roles, or was given no code"
    )]
    ActionReserved {
        /// The action, in a few words.
        action: String,
    },
    /// A role of that layer can't add these actions: its layer's Admin may not do them, or they aren't known (R3).
    #[error("a role of the {layer} can't add: {}; its Admin may not do that, or it is not in this program's catalogue: leave it out", actions.join(", "))]
    BeyondItsLayer {
        /// The layer of the role.
        layer: Layer,
        /// What it can't add, in a few words each.
        actions: Vec<String>,
    },
    /// Another role of the organization has that name, or a built-in one has, compared caselessly (R1).
    #[error("a role named `{name}` exists, or is built in: choose another name")]
    RoleNameTaken {
        /// The name, as it was asked for.
        name: Name,
    },
    /// The organization has as many roles of its own as it may (R1).
    #[error("the organization has {} of its own, as many as it may: delete one first", some((*limit).into(), "role"))]
    TooManyRoles {
        /// How many it may have.
        limit: u8,
    },
    /// The organization has no role of that number, or none of that layer (R6).
    #[error(
        "the organization has no role {role} of its own, or none for that layer: check the number, and whether it is a role of the organization or of a workspace"
    )]
    RoleNotFound {
        /// The number that was asked for.
        role: RoleNumber,
    },
    /// A retired role isn't given (R7).
    #[error("the role `{name}` is retired: restore it first, or give its base")]
    RoleIsRetired {
        /// The role.
        role: RoleNumber,
        /// Its name.
        name: Name,
    },
    /// A role is deleted only when nobody holds it and nothing offers it (R7).
    #[error(
        "the role has {} and {} that offer it: give them another role and revoke those first, or only retire it",
        some(*holders, "holder"), some(*offered, "open invitation")
    )]
    RoleInUse {
        /// How many hold it, in the organization and in its workspaces; somebody in two workspaces counts twice.
        holders: u32,
        /// How many open invitations offer it.
        offered: u32,
    },
    /// Commands that are asked for in one request can't be carried out together.
    #[error("these commands can't be carried out together: {why}")]
    NotTogether {
        /// Why not, and what to do.
        why: Together,
    },
    /// The idempotency key stands for another request, which was made before (A6).
    #[error("the idempotency key was used for another request: use a new one")]
    CommitIdReused,
}

/// Why commands of one request can't be carried out together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Together {
    /// There is no command.
    #[error("there is none; ask for one at least")]
    None,
    /// There are more than 100.
    #[error("there are more than 100; ask for them in several requests")]
    TooMany,
    /// They change several organizations, and each commit is one organization's.
    #[error(
        "they change several organizations; ask for each organization's in a request of its own"
    )]
    Organizations,
    /// One sends an invitation, and one after it changes, takes or ends a role. What was taken doesn't come back by an
    /// older link (M4), and within one version neither is older.
    #[error(
        "an invitation is sent before a role is changed or taken; ask for the invitation after that"
    )]
    SentBefore,
    /// One renames a workspace, and another workspace takes the name that it had: a store whose names are unique row by
    /// row can't write both at once.
    #[error(
        "a workspace takes the name that another one gives up; ask for that in the next request"
    )]
    NamePassedOn,
    /// Two define a role of the organization's own: its number is the version that defined it (R1).
    #[error("two roles are defined; ask for each in a request of its own")]
    RolesDefined,
}

fn addresses(count: u32) -> String {
    let plural = if count == 1 { "" } else { "es" };
    format!("{count} address{plural}")
}

/// What to do next depends on what there is too much of.
fn limit_reached(of: Limit, limit: u32, used: u32, reserved: u32) -> String {
    match of {
        Limit::Seats => format!(
            "no seat is left of {limit}, with {used} taken and {reserved} reserved by open invitations, suspended members \
             and expired invitations included: remove a member, revoke an invitation, or contact the vendor to raise the limit"
        ),
        Limit::Domains => format!(
            "the organization has {used} of {}, kept names of deleted ones included: contact the vendor to raise \
             the limit, or to release a name",
            some(limit, "domain")
        ),
        Limit::DomainsPerWorkspace => format!(
            "the workspace has {used} of {}: delete or move one, or contact the vendor to raise the limit",
            some(limit, "domain")
        ),
    }
}

fn why(reason: Option<&TextLine>) -> String {
    reason.map_or_else(String::new, |reason| format!(" ({reason})"))
}

fn some(count: u32, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

impl Refusal {
    /// The reason's name, stable for ever: what clients compare.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.row().0
    }

    /// The rule of the rulebook that it enforces (`docs/rules.md`).
    #[must_use]
    pub const fn rule(&self) -> &'static str {
        self.row().1
    }

    /// The HTTP status that fits: what a host answers unless it knows better. Retrying the same request
    /// never helps, but for 429, whose refusals say when it does.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        self.row().2
    }

    /// One row a refusal: code, rule, status.
    const fn row(&self) -> (&'static str, &'static str, u16) {
        match self {
            Self::NotFound { .. } => ("not_found", "A2", 404),
            Self::Forbidden { .. } => ("forbidden", "A1", 403),
            Self::UserRequired => ("user_required", "A1", 403),
            Self::IdentityMissing => ("identity_missing", "M6", 401),
            Self::OrganizationDeleted => ("organization_deleted", "O6", 410),
            Self::OrganizationSuspended { .. } => ("organization_suspended", "T4", 403),
            Self::LastAdmin => ("last_admin", "O4", 409),
            Self::MembershipSuspended => ("membership_suspended", "T1", 409),
            Self::MembershipEnded { .. } => ("membership_ended", "T3", 409),
            Self::HandedToOneself => ("handed_to_oneself", "O7", 409),
            Self::QuotaReached { .. } => ("quota_reached", "W2", 409),
            Self::LimitReached { .. } => ("limit_reached", "Q1", 409),
            Self::WorkspaceNameTaken { .. } => ("workspace_name_taken", "W3", 409),
            Self::WorkspaceNotEmpty { .. } => ("workspace_not_empty", "W4", 409),
            Self::OrganizationNotEmpty { .. } => ("organization_not_empty", "O6", 409),
            Self::DomainNameTaken { .. } => ("domain_name_taken", "D2", 409),
            Self::DomainNameNotRetired { .. } => ("domain_name_not_retired", "D2", 409),
            Self::MemberNotFound { .. } => ("member_not_found", "M1", 404),
            Self::InvitationNotFound => ("invitation_not_found", "I3", 404),
            Self::InvitationClosed { .. } => ("invitation_closed", "I5", 410),
            Self::InvitationExpired { .. } => ("invitation_expired", "I4", 410),
            Self::WrongAccount { .. } => ("wrong_account", "I3", 403),
            Self::EmailUnverified => ("email_unverified", "I3", 403),
            Self::InviterLostAuthority => ("inviter_lost_authority", "I6", 403),
            Self::InvitationOutdated => ("invitation_outdated", "M4", 403),
            Self::EmailInUse => ("email_in_use", "M6", 409),
            Self::AlreadyHasRole { .. } => ("already_has_role", "I5", 409),
            Self::TooManyInvitations { .. } => ("too_many_invitations", "I8", 409),
            Self::TooManyLinks { .. } => ("too_many_links", "I8", 429),
            Self::ResentTooSoon { .. } => ("resent_too_soon", "I8", 429),
            Self::EmailInvalid => ("email_invalid", "I9", 422),
            Self::AddressRepeated { .. } => ("address_repeated", "I9", 409),
            Self::TooManyLines { .. } => ("too_many_lines", "I9", 422),
            Self::ActionReserved { .. } => ("action_reserved", "R3", 422),
            Self::BeyondItsLayer { .. } => ("beyond_its_layer", "R3", 422),
            Self::RoleNameTaken { .. } => ("role_name_taken", "R1", 409),
            Self::TooManyRoles { .. } => ("too_many_roles", "R1", 409),
            Self::RoleNotFound { .. } => ("role_not_found", "R6", 404),
            Self::RoleIsRetired { .. } => ("role_is_retired", "R7", 409),
            Self::RoleInUse { .. } => ("role_in_use", "R7", 409),
            Self::NotTogether { .. } => ("not_together", "A6", 422),
            Self::CommitIdReused => ("commit_id_reused", "A6", 422),
        }
    }
}
