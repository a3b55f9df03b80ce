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
//! version of the future reads [`Event::Unknown`], whole, so that an older service next to a newer one goes
//! on, and passes on what it doesn't know as it came (A7). Fields that a later version added to an event that this one
//! knows stay with the entry ([`LogEntry::later`](crate::LogEntry::later)), and not with a bare [`Event`].
//!
//! Secrets are never in events: of an invitation's token, only the hash.
//!
//! [`OrganizationState::apply`]: crate::store::OrganizationState::apply

use core::any::Any;

use chrono::{DateTime, Utc};
use serde::de::{self, IntoDeserializer};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::domain::DomainKind;
use crate::grants::Grants;
use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::InvitationTarget;
use crate::later::{Later, Unread, Variant, exactly, watched};
use crate::limits::Limits;
use crate::organization::{CompanyInformation, InvoicingInformation};
use crate::own_role::{RoleBase, RoleNumber};
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::text::{DomainName, EmailAddress, Name, TextLine, stored};
use crate::token::TokenHash;

/// The events, and beside them how each is written as JSON: in a type of its own, so that [`Event`] itself is
/// read and written in one way only, with its envelope.
macro_rules! events {
    ($(
        $(#[doc = $doc:literal])+
        $event:ident {$(
            $(#[doc = $field_doc:literal])+
            $(#[serde $serde:tt])?
            $field:ident: $of:ty,
        )*},
    )+) => {
        /// Something that happened in an organization. When, and by whom, is in its [`LogEntry`](crate::LogEntry).
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum Event {
            $(
                $(#[doc = $doc])+
                $event {$(
                    $(#[doc = $field_doc])+
                    $field: $of,
                )*},
            )+
            /// Something that a newer version of this crate wrote, whole: written again, it is what was read.
            /// It can't be replayed, only passed over.
            Unknown(Unread),
        }

        impl Event {
            /// The values of its fields, of whatever types they are: nothing of one that this version doesn't know.
            pub(crate) fn fields(&self) -> Vec<&dyn Any> {
                match self {
                    $(Self::$event {$($field,)*} => vec![$($field),*],)+
                    Self::Unknown(_) => Vec::new(),
                }
            }
        }

        #[derive(Serialize)]
        #[serde(tag = "type", rename_all = "snake_case", remote = "Event")]
        enum Known {
            $($event {$(
                $(#[serde $serde])?
                $field: $of,
            )*},)+
            #[serde(skip)]
            Unknown(Unread),
        }

        /// The same without the envelope, which is read first.
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case", remote = "Event")]
        enum Content {
            $($event {$(
                $(#[serde $serde])?
                $field: $of,
            )*},)+
            #[serde(skip)]
            Unknown(Unread),
        }
    };
}

events! {
    /// The organization was created (O1).
    OrganizationCreated {
        /// The name that it was created with.
        #[serde(with = "stored")]
        name: Name,
        /// How many workspaces it may hold.
        workspace_quota: u32,
        /// How much else it may hold (Q2).
        #[serde(default)]
        limits: Limits,
    },
    /// The organization was renamed (O5).
    OrganizationRenamed {
        /// The old name.
        #[serde(with = "stored")]
        from: Name,
        /// The new name.
        #[serde(with = "stored")]
        to: Name,
    },
    /// Its company information was edited (O5).
    CompanyEdited {
        /// The new information; `None` if it was cleared.
        #[serde(default, with = "stored")]
        company: Option<CompanyInformation>,
    },
    /// Its invoicing information was edited (O5).
    InvoicingEdited {
        /// The new information; `None` if it was cleared.
        #[serde(default, with = "stored")]
        invoicing: Option<InvoicingInformation>,
    },
    /// The contract's reference was edited, by an operator.
    ContractEdited {
        /// The new reference; `None` if it was cleared.
        #[serde(default, with = "stored")]
        contract: Option<TextLine>,
    },
    /// The workspace quota was set, by an operator (W2).
    WorkspaceQuotaSet {
        /// The old quota.
        from: u32,
        /// The new quota.
        to: u32,
        /// How many workspaces there were at that moment.
        workspaces: u32,
    },
    /// The limits were set, by an operator (Q2).
    LimitsSet {
        /// The old limits.
        from: Limits,
        /// The new limits.
        to: Limits,
        /// How many seats were taken at that moment, by the host's choice then (Q4).
        seats: u32,
        /// How many more were reserved (Q3).
        reserved: u32,
        /// How many domains there were, kept names of deleted ones included (D2).
        domains: u32,
        /// How many workspaces there were.
        workspaces: u32,
        /// How many workspaces there may be, since then.
        workspace_quota: u32,
    },
    /// The organization was suspended, by an operator, or its people are shown another reason than before (T4).
    OrganizationSuspended {
        /// Why, for its people to read.
        #[serde(with = "stored")]
        reason: TextLine,
    },
    /// The organization was reinstated, by an operator (T4).
    OrganizationReinstated {},
    /// The organization was deleted, empty (O6). Nothing happens in it any more, but that an operator
    /// may release its domains' names.
    OrganizationDeleted {},
    /// A workspace was created (W1).
    WorkspaceCreated {
        /// The workspace that was created.
        workspace: WorkspaceId,
        /// The name that it was created with.
        #[serde(with = "stored")]
        name: Name,
    },
    /// A workspace was renamed (W3).
    WorkspaceRenamed {
        /// The workspace that was renamed.
        workspace: WorkspaceId,
        /// The old name.
        #[serde(with = "stored")]
        from: Name,
        /// The new name.
        #[serde(with = "stored")]
        to: Name,
    },
    /// A workspace's own invoicing information was edited (O5).
    WorkspaceInvoicingEdited {
        /// The workspace that the information is of.
        workspace: WorkspaceId,
        /// The new information; `None` if the organization's applies again.
        #[serde(default, with = "stored")]
        invoicing: Option<InvoicingInformation>,
    },
    /// A workspace was deleted, empty (W4).
    WorkspaceDeleted {
        /// The workspace that was deleted.
        workspace: WorkspaceId,
        /// Its last name.
        #[serde(with = "stored")]
        name: Name,
    },
    /// A domain was created (D1).
    DomainCreated {
        /// The domain that was created.
        domain: DomainId,
        /// The workspace that it is in.
        workspace: WorkspaceId,
        /// The name that it was created with.
        #[serde(with = "stored")]
        name: DomainName,
        /// Sandbox or production.
        kind: DomainKind,
    },
    /// A domain was switched off (D3).
    DomainDeactivated {
        /// The domain that was switched off.
        domain: DomainId,
    },
    /// A domain was switched on again (D3).
    DomainReactivated {
        /// The domain that was switched on again.
        domain: DomainId,
    },
    /// A domain was moved to another workspace.
    DomainMoved {
        /// The domain that was moved.
        domain: DomainId,
        /// The workspace that it left.
        from: WorkspaceId,
        /// The workspace that it came to.
        to: WorkspaceId,
    },
    /// A domain was deleted. Its name stays with the organization (D2).
    DomainDeleted {
        /// The domain that was deleted.
        domain: DomainId,
        /// The workspace that it was in.
        workspace: WorkspaceId,
        /// The name that it had.
        #[serde(with = "stored")]
        name: DomainName,
    },
    /// A deleted domain's name was freed for other organizations, by an operator (D2).
    DomainNameReleased {
        /// The name that was freed.
        #[serde(with = "stored")]
        name: DomainName,
    },
    /// Somebody became a member of the organization.
    MemberJoined {
        /// The user who joined.
        user: UserId,
        /// Their verified address.
        #[serde(with = "stored")]
        email: EmailAddress,
        /// The role that they joined with.
        role: OrganizationRole,
    },
    /// A member's organization role was changed.
    OrganizationRoleChanged {
        /// The member whose role changed.
        user: UserId,
        /// The old role.
        from: OrganizationRole,
        /// The new role.
        to: OrganizationRole,
    },
    /// A member's e-mail address changed.
    MemberEmailChanged {
        /// The member whose address changed.
        user: UserId,
        /// The old address.
        #[serde(with = "stored")]
        from: EmailAddress,
        /// The new address.
        #[serde(with = "stored")]
        to: EmailAddress,
    },
    /// A member was removed (M2). Their workspace roles went in the same commit, each with its event.
    MemberRemoved {
        /// The user who is no member any more.
        user: UserId,
        /// The role that they had.
        role: OrganizationRole,
    },
    /// A member left by themself (M3). Their workspace roles went in the same commit, each with its
    /// event.
    MemberLeft {
        /// The user who is no member any more.
        user: UserId,
        /// The role that they had.
        role: OrganizationRole,
    },
    /// A member was suspended: their roles are kept, and none counts (T1).
    MemberSuspended {
        /// The member whose roles don't count.
        user: UserId,
    },
    /// A member was reinstated: what was kept counts again (T1).
    MemberReinstated {
        /// The member whose roles count again.
        user: UserId,
    },
    /// A membership was bound to end, at another time than before, or not any more (T3). That it ended is no
    /// event: the clock does that.
    MembershipEndSet {
        /// The member.
        user: UserId,
        /// The old end, if there was one.
        from: Option<DateTime<Utc>>,
        /// The new end; `None`: it lasts.
        to: Option<DateTime<Utc>>,
    },
    /// Somebody was given a role in a workspace, or another one than before. An end that it has stays.
    WorkspaceRoleGiven {
        /// The workspace that the role is in.
        workspace: WorkspaceId,
        /// The member who holds it.
        user: UserId,
        /// The new role.
        role: WorkspaceRole,
        /// The old role, if there was one (M5).
        replaces: Option<WorkspaceRole>,
    },
    /// Somebody holds no role in a workspace any more.
    WorkspaceRoleTaken {
        /// The workspace that the role is in.
        workspace: WorkspaceId,
        /// The member who held it.
        user: UserId,
        /// The role that they had.
        role: WorkspaceRole,
    },
    /// A role in a workspace was bound to end, at another time than before, or not any more (T3). That it ended
    /// is no event: the clock does that.
    WorkspaceRoleEndSet {
        /// The workspace that the role is in.
        workspace: WorkspaceId,
        /// The member who holds it.
        user: UserId,
        /// The old end, if there was one.
        from: Option<DateTime<Utc>>,
        /// The new end; `None`: it lasts.
        to: Option<DateTime<Utc>>,
    },
    /// Somebody was invited (I1).
    InvitationSent {
        /// The invitation that was sent.
        invitation: InvitationId,
        /// The address that it is for.
        #[serde(with = "stored")]
        email: EmailAddress,
        /// What it is to.
        target: InvitationTarget,
        /// Who sent it.
        inviter: UserId,
        /// The hash of its link's secret; `None` in an audit trail, which withholds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_hash: Option<TokenHash>,
        /// When the link expires.
        expires_at: DateTime<Utc>,
    },
    /// An open invitation was renewed: its link before is dead (I5).
    InvitationRenewed {
        /// The invitation that was renewed.
        invitation: InvitationId,
        /// The address that it is for.
        #[serde(with = "stored")]
        email: EmailAddress,
        /// What it is to from now on.
        target: InvitationTarget,
        /// Who renewed it: the inviter of record from now on.
        inviter: UserId,
        /// The hash of its new link's secret; `None` in an audit trail, which withholds it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token_hash: Option<TokenHash>,
        /// When the link expires.
        expires_at: DateTime<Utc>,
    },
    /// An open invitation was taken back.
    InvitationRevoked {
        /// The invitation that was taken back.
        invitation: InvitationId,
        /// Why.
        reason: RevocationReason,
    },
    /// An invitation was accepted.
    InvitationAccepted {
        /// The invitation that was accepted.
        invitation: InvitationId,
        /// By whom.
        user: UserId,
    },
    /// An invitation was declined.
    InvitationDeclined {
        /// The invitation that was declined.
        invitation: InvitationId,
        /// By whom.
        user: UserId,
    },
    /// Of many addresses that were invited at once, these were not (I9).
    LinesRefused {
        /// Each of them, in the order in which they were asked.
        lines: Vec<RefusedLine>,
    },
    /// A role of the organization's own was defined (R1).
    RoleDefined {
        /// Its number.
        role: RoleNumber,
        /// Its name.
        #[serde(with = "stored")]
        name: Name,
        /// The role that whoever holds it counts as.
        base: RoleBase,
        /// What it adds.
        adds: Grants,
    },
    /// A role of the organization's own was revised: at once, for all who hold it (R7).
    RoleRevised {
        /// The role that was revised.
        role: RoleNumber,
        /// The old name.
        #[serde(with = "stored")]
        from: Name,
        /// The new name.
        #[serde(with = "stored")]
        to: Name,
        /// What it added before.
        added: Grants,
        /// What it adds now.
        adds: Grants,
    },
    /// A role of the organization's own was retired: all who hold it hold its base (R7).
    RoleRetired {
        /// The role that was retired.
        role: RoleNumber,
        /// How many held it.
        holders: u32,
    },
    /// A retired role is in force again (R7).
    RoleRestored {
        /// The role that was restored.
        role: RoleNumber,
        /// How many hold it.
        holders: u32,
    },
    /// A role of the organization's own was deleted: nobody held it, and no open invitation offered it (R7).
    RoleDeleted {
        /// The role that was deleted.
        role: RoleNumber,
        /// Its last name.
        #[serde(with = "stored")]
        name: Name,
    },
    /// A member holds another role of the organization's own than before, or none any more. Its base is the role
    /// that they hold by the event before, or since.
    OwnRoleChanged {
        /// The member.
        user: UserId,
        /// The workspace that the role is held in; `None`: in the organization.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        workspace: Option<WorkspaceId>,
        /// The role that they held.
        from: Option<RoleNumber>,
        /// The role that they hold now.
        to: Option<RoleNumber>,
    },
    /// An open invitation offers another role of the organization's own than before, or none any more. Its base
    /// is the role that the invitation is to.
    OwnRoleOffered {
        /// The invitation.
        invitation: InvitationId,
        /// The role that it offered.
        from: Option<RoleNumber>,
        /// The role that it offers now.
        to: Option<RoleNumber>,
    },
}

/// An address that was not invited, of many (I9). What was typed is not kept: it may be anything.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedLine {
    /// Which line it was, counted from 1.
    pub line: u32,
    /// Why it was not invited.
    #[serde(deserialize_with = "exactly")]
    pub refusal: Refusal,
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
    /// A role of the member with that address was lowered or taken: the invitation would have given it
    /// back (M4).
    AddresseeLowered,
    /// The workspace that it is to was deleted (W4).
    WorkspaceDeleted,
    /// The organization was deleted (O6).
    OrganizationDeleted,
}

/// The version of every type's format. The first type whose fields change their meaning gets the next one,
/// and makes this a function of the type.
const FORMAT: u64 = 1;

#[derive(Serialize)]
struct Written<'a> {
    v: u64,
    #[serde(flatten, with = "Known")]
    event: &'a Event,
}

impl Event {
    /// The users that it names, each once: those whose names a host looks up to say it in words.
    ///
    /// ```
    /// # use tenancy::{Event, OrganizationRole, UserId};
    /// let user = UserId::from_external("bob");
    /// let left = Event::MemberLeft { user, role: OrganizationRole::Member };
    /// assert_eq!(left.users(), [user]);
    /// ```
    #[must_use]
    pub fn users(&self) -> Vec<UserId> {
        let mut users: Vec<UserId> = Vec::new();
        for user in self
            .fields()
            .into_iter()
            .filter_map(<dyn Any>::downcast_ref)
        {
            if !users.contains(user) {
                users.push(*user);
            }
        }
        users
    }
}

impl Event {
    /// An event, and beside it what it says that this version doesn't know.
    ///
    /// The envelope is read before its content: what has a version and a type is an event, known or not.
    pub(crate) fn read(whole: Unread) -> Option<(Self, Later)> {
        let version = whole.get("v").and_then(Unread::as_u64)?;
        let name = whole.get("type").and_then(Unread::as_str)?;
        let content = Variant {
            name,
            value: &whole,
            beside: &["v", "type"],
        };
        let known = watched(content.into_deserializer(), |watched| {
            Content::deserialize(watched)
        });
        Some(match known {
            Ok((event, later)) if version <= FORMAT => (event, later.within()),
            Ok(_) | Err(_) => (Self::Unknown(whole), Later::default()),
        })
    }

    /// The event without what an audit trail must not show: the hash of a link's secret.
    #[must_use]
    pub(crate) fn withheld(mut self) -> Self {
        match self {
            Self::InvitationSent {
                ref mut token_hash, ..
            }
            | Self::InvitationRenewed {
                ref mut token_hash, ..
            } => {
                *token_hash = None;
                self
            }
            Self::Unknown(whole) => Self::Unknown(whole.without(TOKEN_HASH)),
            _ => self,
        }
    }
}

/// In every version, the hash of a link's secret stands in a field of this name, so that a version that doesn't know the
/// rest withholds it (A2).
pub(crate) const TOKEN_HASH: &str = "token_hash";

impl Serialize for Event {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let Self::Unknown(whole) = self {
            return whole.serialize(serializer);
        }
        Written {
            v: FORMAT,
            event: self,
        }
        .serialize(serializer)
    }
}

/// Of fields that this version doesn't know, only the [`LogEntry`](crate::LogEntry) that an event is in keeps any.
impl<'de> Deserialize<'de> for Event {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ReadEvent::deserialize(deserializer).map(|read| read.event)
    }
}

/// An event as an entry of the log reads it.
pub(crate) struct ReadEvent {
    pub(crate) event: Event,
    pub(crate) later: Later,
}

impl<'de> Deserialize<'de> for ReadEvent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Event::read(Unread::deserialize(deserializer)?);
        let (event, later) =
            read.ok_or_else(|| de::Error::custom("an event is an object with `v` and `type`"))?;
        Ok(Self { event, later })
    }
}
