//! Every way to change an organization. Each command's documentation says who may, which rules can
//! refuse it, and what it answers.
//!
//! Hand a command to [`Tenancy::execute`](crate::Tenancy::execute). `A` is an Admin of the organization, `C`
//! Accounting, `wA` an Admin of the workspace, direct or by cascade, `wD` a Developer of it, `op` the vendor's
//! staff; the whole matrix is in [`policy`](crate::policy).
//!
//! | command | who may | what it answers |
//! | --- | --- | --- |
//! | **the organization** | | |
//! | [`CreateOrganization`] | any user with a verified address | [`CreatedOrganization`] |
//! | [`RenameOrganization`], [`EditCompany`] | A | |
//! | [`EditInvoicing`] | A, C | |
//! | [`DeleteOrganization`] | A, once it is empty | [`Revoked`] |
//! | **the vendor's staff** | | |
//! | [`SetWorkspaceQuota`] | op | [`QuotaUsage`](crate::QuotaUsage) |
//! | [`SetLimits`] | op | [`Usage`](crate::Usage) |
//! | [`EditContract`], [`AppointAdmin`], [`ReleaseDomainName`] | op | |
//! | [`SuspendOrganization`], [`ReinstateOrganization`] | op | |
//! | **workspaces** | | |
//! | [`CreateWorkspace`] | A, within the quota | [`WorkspaceId`](crate::WorkspaceId) |
//! | [`RenameWorkspace`] | wA | |
//! | [`EditWorkspaceInvoicing`] | A, C | |
//! | [`DeleteWorkspace`] | wA, once it is empty | [`DeletedWorkspace`] |
//! | **domains** | | |
//! | [`CreateDomain`] | wA, wD | [`DomainId`](crate::DomainId) |
//! | [`DeactivateDomain`], [`ReactivateDomain`], [`DeleteDomain`] | wA | |
//! | [`MoveDomain`] | wA of both workspaces | |
//! | **members** | | |
//! | [`ChangeOrganizationRole`] | A | [`Revoked`] |
//! | [`RemoveMember`] | A | [`Departure`] |
//! | [`SuspendMember`], [`SetMembershipEnd`] | A | [`Revoked`] |
//! | [`ReinstateMember`] | A | |
//! | [`HandOver`] | A | [`HandedOver`] |
//! | [`LeaveOrganization`] | the member | [`Departure`] |
//! | [`FollowEmailChange`] | the member | [`Revoked`] |
//! | [`GiveWorkspaceRole`], [`TakeWorkspaceRole`], [`SetWorkspaceRoleEnd`] | wA | [`Revoked`] |
//! | [`LeaveWorkspace`] | the workspace member | [`Revoked`] |
//! | **roles of its own** | | |
//! | [`DefineRole`] | A | [`RoleNumber`](crate::RoleNumber) |
//! | [`ReviseRole`], [`RetireRole`], [`RestoreRole`], [`DeleteRole`] | A | |
//! | **invitations** | | |
//! | [`InviteToOrganization`] | A | [`Invited`] |
//! | [`InviteToWorkspace`] | wA for members, A for newcomers | [`Invited`] |
//! | [`InviteMany`] | as to invite each | [`InvitedMany`] |
//! | [`ResendInvitation`] | who may invite | [`Invited`] |
//! | [`RevokeInvitation`] | who may invite | |
//! | [`AcceptInvitation`], [`AcceptReceivedInvitation`] | the invited address, verified | [`Accepted`] |
//! | [`DeclineInvitation`], [`DeclineReceivedInvitation`] | the invited address, verified | |
//!
//! While an organization is suspended (T4), every command of a user is refused with
//! [`OrganizationSuspended`](crate::Refusal::OrganizationSuspended) where it would have been carried out, but for
//! [`EditInvoicing`] and [`EditWorkspaceInvoicing`]. A role counts for whoever holds it unless it is suspended or
//! has ended (T1, T3): who may, of the above, is always whoever holds a role that counts.
//!
//! Several commands of one organization go in one call, as a tuple or a `Vec`, and are carried out all or none:
//! [`Request`].
//!
//! To decide in surroundings that `Tenancy` doesn't fit, call [`decide`] on what a store loaded.

use crate::command::sealed;
use crate::event::Event;
use crate::id::InvitationId;

mod answer;
mod authority;
mod domain;
mod end;
mod hand_over;
mod invitation;
mod invite_many;
mod limits;
mod member;
mod operator;
mod organization;
mod role;
mod suspension;
mod workspace;
mod workspace_member;

pub use crate::command::{Answer, Circumstances, Command, Drawing, Fresh, Scene};
pub use crate::decide::{Decided, Request, Undecided, decide};

pub use crate::refusal::Together;
pub use crate::request::RequestDigest;
pub use answer::Accepted;
pub use hand_over::HandedOver;
pub use invitation::Invited;
pub(crate) use invitation::viewable;
pub use invite_many::InvitedMany;
pub use member::{Departure, Revoked};
pub use organization::CreatedOrganization;
pub use workspace::DeletedWorkspace;

/// Every command, one row each: the file that it is in, its type, its name in the log. `every_command!(m)`
/// is `m!` of the rows; tests make their lists of it, so that none forgets a command.
#[doc(hidden)]
#[macro_export]
macro_rules! every_command {
    ($with:ident) => {
        $with! {
            organization:
                CreateOrganization = "create_organization",
                RenameOrganization = "rename_organization",
                EditCompany = "edit_company",
                EditInvoicing = "edit_invoicing",
                DeleteOrganization = "delete_organization";
            operator:
                SetWorkspaceQuota = "set_workspace_quota",
                EditContract = "edit_contract",
                AppointAdmin = "appoint_admin",
                ReleaseDomainName = "release_domain_name";
            limits:
                SetLimits = "set_limits";
            workspace:
                CreateWorkspace = "create_workspace",
                RenameWorkspace = "rename_workspace",
                EditWorkspaceInvoicing = "edit_workspace_invoicing",
                DeleteWorkspace = "delete_workspace";
            domain:
                CreateDomain = "create_domain",
                DeactivateDomain = "deactivate_domain",
                ReactivateDomain = "reactivate_domain",
                MoveDomain = "move_domain",
                DeleteDomain = "delete_domain";
            member:
                ChangeOrganizationRole = "change_organization_role",
                RemoveMember = "remove_member",
                LeaveOrganization = "leave_organization",
                FollowEmailChange = "follow_email_change";
            suspension:
                SuspendMember = "suspend_member",
                ReinstateMember = "reinstate_member",
                SuspendOrganization = "suspend_organization",
                ReinstateOrganization = "reinstate_organization";
            end:
                SetMembershipEnd = "set_membership_end",
                SetWorkspaceRoleEnd = "set_workspace_role_end";
            hand_over:
                HandOver = "hand_over";
            role:
                DefineRole = "define_role",
                ReviseRole = "revise_role",
                RetireRole = "retire_role",
                RestoreRole = "restore_role",
                DeleteRole = "delete_role";
            workspace_member:
                GiveWorkspaceRole = "give_workspace_role",
                TakeWorkspaceRole = "take_workspace_role",
                LeaveWorkspace = "leave_workspace";
            invitation:
                InviteToOrganization = "invite_to_organization",
                InviteToWorkspace = "invite_to_workspace",
                ResendInvitation = "resend_invitation",
                RevokeInvitation = "revoke_invitation";
            invite_many:
                InviteMany = "invite_many";
            answer:
                AcceptInvitation = "accept_invitation",
                DeclineInvitation = "decline_invitation",
                AcceptReceivedInvitation = "accept_received_invitation",
                DeclineReceivedInvitation = "decline_received_invitation";
        }
    };
}

/// Seals a command, under its name. Those that give a role are of any type of it ([`AsRole`](crate::AsRole)).
macro_rules! seal {
    (ChangeOrganizationRole = $name:literal) => { seal!(@of_roles ChangeOrganizationRole = $name); };
    (GiveWorkspaceRole = $name:literal) => { seal!(@of_roles GiveWorkspaceRole = $name); };
    (InviteToOrganization = $name:literal) => { seal!(@of_roles InviteToOrganization = $name); };
    (InviteToWorkspace = $name:literal) => { seal!(@of_roles InviteToWorkspace = $name); };
    (InviteMany = $name:literal) => { seal!(@of_roles InviteMany = $name); };
    (@of_roles $command:ident = $name:literal) => {
        impl<R> sealed::Sealed for $command<R> {
            const LOGGED_AS: &'static str = $name;
        }
    };
    ($command:ident = $name:literal) => {
        impl sealed::Sealed for $command {
            const LOGGED_AS: &'static str = $name;
        }
    };
}

macro_rules! commands {
    ($($file:ident: $($command:ident = $name:literal),+;)+) => {$(
        pub use $file::{$($command),+};

        $(seal!($command = $name);)+
    )+};
}

every_command!(commands);

/// The invitations that these events revoked.
fn revoked(events: &[Event]) -> Vec<InvitationId> {
    let revoked = events.iter().filter_map(|event| match event {
        Event::InvitationRevoked { invitation, .. } => Some(*invitation),
        _ => None,
    });
    revoked.collect()
}

#[cfg(test)]
mod tests {
    macro_rules! names {
        ($($file:ident: $($command:ident = $name:literal),+;)+) => {
            &[$($((stringify!($command), $name)),+),+]
        };
    }

    const NAMES: &[(&str, &str)] = every_command!(names);

    #[test]
    fn every_command_is_in_the_table_and_named_after_its_type() {
        let page = include_str!("commands.rs");
        for (command, name) in NAMES {
            let link = format!("[`{command}`]");
            let rows = page.lines().filter(|line| line.starts_with("//! | "));
            assert_eq!(rows.filter(|row| row.contains(&link)).count(), 1, "{link}");
            let mut snake = String::new();
            for letter in command.chars() {
                if letter.is_uppercase() && !snake.is_empty() {
                    snake.push('_');
                }
                snake.extend(letter.to_lowercase());
            }
            assert_eq!(snake, *name);
        }
    }
}
