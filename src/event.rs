//! Events: what happened, for audit trails and for hosts that react.
//!
//! Every commit carries its events, and they are complete: replaying an organization's log rebuilds it
//! ([`OrganizationState::replay`](crate::store::OrganizationState::replay)). The core itself works that way
//! round: a command decides on events, and one function ([`OrganizationState::apply`]) turns them into
//! the records that a store keeps. What is logged and what is stored can't drift apart.
//!
//! # As JSON
//!
//! An event is an object with its `type`, the format's version `v`, and its fields:
//!
//! ```
//! use tenancy::{Event, Name, WorkspaceId};
//!
//! let event = Event::WorkspaceCreated {
//!     workspace: "0198c5a4-0000-7000-8000-000000000001".parse().unwrap(),
//!     name: Name::new("Payments").unwrap(),
//! };
//! assert_eq!(
//!     serde_json::to_string(&event).unwrap(),
//!     r#"{"v":1,"type":"workspace_created","workspace":"0198c5a4-0000-7000-8000-000000000001","name":"Payments"}"#
//! );
//! ```
//!
//! The format is a promise: every event ever written can be read for ever (`tests/golden/` holds one of
//! each). Within a version, fields are only added, with a default. A reader that meets a type or a
//! version of the future reads [`Event::Unknown`], so that an older service next to a newer one goes on.
//!
//! Secrets are never in events: of an invitation's token, only the hash.
//!
//! [`OrganizationState::apply`]: crate::store::OrganizationState::apply

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::actor::Author;
use crate::domain::DomainKind;
use crate::id::{CommitId, DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::InvitationTarget;
use crate::organization::{CompanyInformation, InvoicingInformation};
use crate::request::RequestDigest;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::text::{DomainName, EmailAddress, Name, TextLine};
use crate::token::TokenHash;
use crate::version::Version;

/// The version of the JSON that this crate writes.
const FORMAT: u16 = 1;

/// Something that happened in an organization. When, and by whom, is in its [`LogEntry`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case", remote = "Self")]
#[non_exhaustive]
pub enum Event {
    /// The organization was created (O1).
    OrganizationCreated {
        /// Its name.
        name: Name,
        /// How many workspaces it may hold.
        workspace_quota: u32,
    },
    /// The organization was renamed (O5).
    OrganizationRenamed {
        /// The name before.
        from: Name,
        /// The name since.
        to: Name,
    },
    /// Its company information was edited (O5).
    CompanyEdited {
        /// The information since; `None` if it was cleared.
        company: Option<CompanyInformation>,
    },
    /// Its invoicing information was edited (O5).
    InvoicingEdited {
        /// The information since; `None` if it was cleared.
        invoicing: Option<InvoicingInformation>,
    },
    /// The contract's reference was edited, by an operator.
    ContractEdited {
        /// The reference since; `None` if it was cleared.
        contract: Option<TextLine>,
    },
    /// The workspace quota was set, by an operator (W2).
    WorkspaceQuotaSet {
        /// The quota before.
        from: u32,
        /// The quota since.
        to: u32,
        /// How many workspaces there were at that moment.
        workspaces: u32,
    },
    /// The organization was deleted, empty (O6). Nothing happens in it any more, but that an operator
    /// may release its domains' names.
    OrganizationDeleted {},
    /// A workspace was created (W1).
    WorkspaceCreated {
        /// The workspace.
        workspace: WorkspaceId,
        /// Its name.
        name: Name,
    },
    /// A workspace was renamed (W3).
    WorkspaceRenamed {
        /// The workspace.
        workspace: WorkspaceId,
        /// The name before.
        from: Name,
        /// The name since.
        to: Name,
    },
    /// A workspace's own invoicing information was edited (O5).
    WorkspaceInvoicingEdited {
        /// The workspace.
        workspace: WorkspaceId,
        /// The information since; `None` if the organization's applies again.
        invoicing: Option<InvoicingInformation>,
    },
    /// A workspace was deleted, empty (W4).
    WorkspaceDeleted {
        /// The workspace.
        workspace: WorkspaceId,
        /// Its last name.
        name: Name,
    },
    /// A domain was created (D1).
    DomainCreated {
        /// The domain.
        domain: DomainId,
        /// The workspace that it is in.
        workspace: WorkspaceId,
        /// Its name.
        name: DomainName,
        /// Sandbox or production.
        kind: DomainKind,
    },
    /// A domain was switched off (D3).
    DomainDeactivated {
        /// The domain.
        domain: DomainId,
    },
    /// A domain was switched on again (D3).
    DomainReactivated {
        /// The domain.
        domain: DomainId,
    },
    /// A domain was moved to another workspace.
    DomainMoved {
        /// The domain.
        domain: DomainId,
        /// The workspace before.
        from: WorkspaceId,
        /// The workspace since.
        to: WorkspaceId,
    },
    /// A domain was deleted. Its name stays with the organization (D2).
    DomainDeleted {
        /// The domain.
        domain: DomainId,
        /// The workspace that it was in.
        workspace: WorkspaceId,
        /// Its name.
        name: DomainName,
    },
    /// A deleted domain's name was freed for other organizations, by an operator (D2).
    DomainNameReleased {
        /// The name.
        name: DomainName,
    },
    /// Somebody became a member of the organization.
    MemberJoined {
        /// The user.
        user: UserId,
        /// Their verified address, if the host attested one.
        email: Option<EmailAddress>,
        /// Their role.
        role: OrganizationRole,
    },
    /// A member's organization role was changed.
    OrganizationRoleChanged {
        /// The user.
        user: UserId,
        /// The role before.
        from: OrganizationRole,
        /// The role since.
        to: OrganizationRole,
    },
    /// A member's e-mail address changed.
    MemberEmailChanged {
        /// The user.
        user: UserId,
        /// The address before.
        from: Option<EmailAddress>,
        /// The address since.
        to: Option<EmailAddress>,
    },
    /// A member was removed (M2). Their workspace roles went in the same commit, each with its event.
    MemberRemoved {
        /// The user.
        user: UserId,
        /// The role that they had.
        role: OrganizationRole,
    },
    /// A member left by themself (M3). Their workspace roles went in the same commit, each with its
    /// event.
    MemberLeft {
        /// The user.
        user: UserId,
        /// The role that they had.
        role: OrganizationRole,
    },
    /// Somebody was given a role in a workspace, or another one than before.
    WorkspaceRoleGiven {
        /// The workspace.
        workspace: WorkspaceId,
        /// The user.
        user: UserId,
        /// The role since.
        role: WorkspaceRole,
        /// The role before, if there was one (M5).
        replaces: Option<WorkspaceRole>,
    },
    /// Somebody holds no role in a workspace any more.
    WorkspaceRoleTaken {
        /// The workspace.
        workspace: WorkspaceId,
        /// The user.
        user: UserId,
        /// The role that they had.
        role: WorkspaceRole,
    },
    /// Somebody was invited (I1).
    InvitationSent {
        /// The invitation.
        invitation: InvitationId,
        /// The address that it is for.
        email: EmailAddress,
        /// What it is to.
        target: InvitationTarget,
        /// Who sent it.
        inviter: UserId,
        /// The hash of its link's secret.
        token_hash: TokenHash,
        /// From when on it is too late.
        expires_at: DateTime<Utc>,
    },
    /// An open invitation was renewed: its link before is dead (I5).
    InvitationRenewed {
        /// The invitation.
        invitation: InvitationId,
        /// What it is to since.
        target: InvitationTarget,
        /// Who renewed it: the inviter of record since.
        inviter: UserId,
        /// The hash of its new link's secret.
        token_hash: TokenHash,
        /// From when on it is too late.
        expires_at: DateTime<Utc>,
    },
    /// An open invitation was taken back.
    InvitationRevoked {
        /// The invitation.
        invitation: InvitationId,
        /// Why.
        reason: RevocationReason,
    },
    /// An invitation was accepted.
    InvitationAccepted {
        /// The invitation.
        invitation: InvitationId,
        /// By whom.
        user: UserId,
    },
    /// An invitation was declined.
    InvitationDeclined {
        /// The invitation.
        invitation: InvitationId,
        /// By whom.
        user: UserId,
    },
    /// Something that a newer version of this crate wrote. It can't be replayed, only passed over.
    #[serde(other)]
    Unknown,
}

/// Why an invitation was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RevocationReason {
    /// Somebody who may did it.
    Requested,
    /// Its inviter could not send it any more (I6).
    InviterLostAuthority,
    /// The membership of the person with that address ended (M2).
    AddresseeLeft,
    /// The member with that address has another address now.
    AddressChanged,
    /// The workspace that it is to was deleted (W4).
    WorkspaceDeleted,
    /// The organization was deleted (O6).
    OrganizationDeleted,
}

/// One commit as the log keeps it: who did what, when, and all that happened by it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogEntry {
    /// The organization.
    pub organization: OrganizationId,
    /// The version that the commit made. An organization's log has each version once, from 1.
    pub version: Version,
    /// The commit's id.
    pub id: CommitId,
    /// When, in whole milliseconds.
    pub at: DateTime<Utc>,
    /// Who.
    pub author: Author,
    /// What was asked: the command's name, such as `create_workspace`.
    pub command: String,
    /// The digest of the whole request, by which a repetition is recognised (A6); `None` in entries that
    /// are older than digests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<RequestDigest>,
    /// What happened, in order.
    pub events: Vec<Event>,
}

#[derive(Serialize)]
struct Written<'a> {
    v: u16,
    #[serde(flatten, with = "Event")]
    event: &'a Event,
}

#[derive(Deserialize)]
struct Read {
    v: u16,
    #[serde(flatten, with = "Event")]
    event: Event,
}

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Written {
            v: FORMAT,
            event: self,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Read::deserialize(deserializer)?;
        Ok(if read.v > FORMAT {
            Self::Unknown
        } else {
            read.event
        })
    }
}
