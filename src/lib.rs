#![doc = include_str!("../README.md")]
#![cfg_attr(docsrs, feature(doc_cfg))]

// In the order in which to read them.
pub mod policy;
pub mod standing;

mod actor;
mod id;
mod resource;
mod role;
mod text;
mod token;

mod domain;
mod invitation;
mod member;
mod organization;
mod workspace;

mod command;
mod commands;
mod event;
mod refusal;
mod settings;
mod state;

mod lists;
mod page;
mod reads;
pub mod repository;
mod tenancy;
#[cfg(feature = "tracing")]
mod trace;

mod any;
mod memory;
mod now;
mod replica;
mod verify;

pub use actor::{Actor, Author, Operator};
pub use any::{AnyError, AnyRepository};
pub use command::{Circumstances, Command, Decided, Fresh, Scene, Undecided, decide};
pub use commands::{
    AcceptInvitation, Accepted, AppointAdmin, ChangeOrganizationRole, CreateDomain,
    CreateOrganization, CreateWorkspace, CreatedOrganization, DeactivateDomain, DeclineInvitation,
    DeleteDomain, DeleteOrganization, DeleteWorkspace, DeletedWorkspace, Departure, EditCompany,
    EditContract, EditInvoicing, EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole,
    InviteToOrganization, InviteToWorkspace, Invited, LeaveOrganization, LeaveWorkspace,
    MoveDomain, ReactivateDomain, ReleaseDomainName, RemoveMember, RenameOrganization,
    RenameWorkspace, ResendInvitation, RevokeInvitation, Revoked, SetWorkspaceQuota,
    TakeWorkspaceRole,
};
pub use domain::{Domain, DomainKind, DomainStatus, RetiredDomainName};
pub use event::{Event, LogEntry, RevocationReason};
pub use id::{CommitId, DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
pub use invitation::{Invitation, InvitationState, InvitationStatus, InvitationTarget};
pub use lists::{Holder, ReceivedInvitation};
pub use member::{Member, WorkspaceMember};
pub use memory::{BrokenContract, MemoryRepository};
pub use now::now;
pub use organization::{
    CompanyInformation, Counts, InvoicingInformation, Organization, OrganizationStatus, QuotaUsage,
};
pub use page::{Page, Paging};
pub use policy::{Action, DomainAction, On, OrganizationAction, WorkspaceAction};
pub use reads::{
    InvitationPreview, InvitationView, OrganizationView, WorkspaceInvoicing, WorkspaceView,
};
pub use refusal::Refusal;
pub use replica::WithReplica;
pub use repository::{
    Change, Claim, Commit, Directory, Facts, Key, Outcome, Record, RecordId, Repository,
};
pub use resource::{Layer, Resource};
pub use role::{OrganizationRole, RoleSet, WorkspaceRole};
pub use settings::{InvitationValidity, Settings};
pub use standing::{ConsistencyToken, Decision, Grant, Permit, Standing, Version};
pub use state::{Inconsistency, OrganizationState, Violation};
pub use tenancy::{Done, Error, Tenancy};
pub use text::{
    DomainName, DomainNameError, EmailAddress, EmailError, EmailKey, Line, Name, NameKey,
    TextError, VerifiedEmail,
};
pub use token::{EntropyError, InvitationSecret, InvitationToken, TokenError, TokenHash};
pub use verify::{Drift, verify};
pub use workspace::Workspace;
