//! Every way to change an organization. Each command's documentation says who may, which rules can
//! refuse it, and what it answers.

use crate::event::Event;
use crate::id::InvitationId;

mod answer;
mod domain;
mod invitation;
mod member;
mod operator;
mod organization;
mod workspace;
mod workspace_member;

pub use answer::{AcceptInvitation, Accepted, DeclineInvitation};
pub use domain::{CreateDomain, DeactivateDomain, DeleteDomain, MoveDomain, ReactivateDomain};
pub use invitation::{
    InviteToOrganization, InviteToWorkspace, Invited, ResendInvitation, RevokeInvitation,
};
pub use member::{
    ChangeOrganizationRole, Departure, FollowEmailChange, LeaveOrganization, RemoveMember, Revoked,
};
pub use operator::{AppointAdmin, EditContract, ReleaseDomainName, SetWorkspaceQuota};
pub use organization::{
    CreateOrganization, CreatedOrganization, DeleteOrganization, EditCompany, EditInvoicing,
    RenameOrganization,
};
pub use workspace::{
    CreateWorkspace, DeleteWorkspace, DeletedWorkspace, EditWorkspaceInvoicing, RenameWorkspace,
};
pub use workspace_member::{GiveWorkspaceRole, LeaveWorkspace, TakeWorkspaceRole};

/// The invitations that these events revoked.
fn revoked(events: &[Event]) -> Vec<InvitationId> {
    let revoked = events.iter().filter_map(|event| match event {
        Event::InvitationRevoked { invitation, .. } => Some(*invitation),
        _ => None,
    });
    revoked.collect()
}

/// The one event of a command, or none.
fn none_or<'a>(events: &'a [Event], is: impl FnOnce(&'a Event) -> bool) -> Option<()> {
    match events {
        [] => Some(()),
        [event] => is(event).then_some(()),
        _ => None,
    }
}
