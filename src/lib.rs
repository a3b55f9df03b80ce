#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order in which to read them.
pub mod policy;

mod standing;
mod version;

mod actor;
mod code;
mod grants;
mod id;
mod later;
mod random;
mod resource;
mod role;
pub mod text;
mod time;
pub mod token;

mod domain;
mod invitation;
mod limits;
mod member;
mod organization;
mod own_role;
mod workspace;

mod error;
mod event;
mod list;
mod log;
mod record;
mod refusal;
mod request;
mod settings;
mod state;

mod command;
pub mod commands;
mod decide;

pub mod store;

mod tenancy;

/// The project's papers, for whoever reads here: a rule's code, such as (I5), has its legend in
/// [`rules`](_documentation::rules).
#[cfg(doc)]
pub mod _documentation {
    #[doc = include_str!("../ARCHITECTURE.md")]
    pub mod architecture {}
    #[doc = include_str!("../DESIGN.md")]
    pub mod design {}
    #[doc = include_str!("../docs/rules.md")]
    pub mod rules {}
    #[doc = include_str!("../docs/log.md")]
    pub mod log {}
    #[doc = include_str!("../docs/scaling.md")]
    pub mod scaling {}
    #[doc = include_str!("../SECURITY.md")]
    pub mod security {}
}

pub use crate::tenancy::{
    Tenancy, block_on::block_on, mails::Mail, page::Page, page::Paging, views,
};
pub use actor::{Actor, Author, Operator};
pub use domain::{Domain, DomainKind, DomainStatus};
pub use error::{Done, Error, Problem};
pub use event::{Event, RefusedLine, RevocationReason};
pub use grants::{Code, Grants};
pub use id::{CommitId, DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
pub use invitation::{InvitationOffer, InvitationState, InvitationStatus, InvitationTarget};
pub use limits::{Limit, LimitUsage, Limits, Usage, WorkspaceUsage};
pub use log::{LogEntry, LogPart};
pub use member::{Member, MembershipStatus, WorkspaceMember};
pub use organization::{CompanyInformation, InvoicingInformation, QuotaUsage};
pub use own_role::{Added, AsRole, OwnRole, Role, RoleBase, RoleNumber, RoleState};
#[doc(inline)]
pub use policy::{Action, DomainAction, OrganizationAction, WorkspaceAction};
pub use refusal::Refusal;
pub use resource::{Layer, Resource};
pub use role::{OrganizationRole, RoleSet, UnknownRole, WorkspaceRole};
pub use settings::{InvitationValidity, Settings};
pub use standing::{Decision, Grant, Permit, Standing};
#[doc(inline)]
pub use text::{DomainName, EmailAddress, Name, VerifiedEmail};
#[doc(inline)]
pub use token::InvitationToken;
pub use version::{ConsistencyToken, Version};
