//! Acme, and all that can be asked of it.

use chrono::{DateTime, Utc};
use tenancy::commands::{
    AppointAdmin, ChangeOrganizationRole, CreateDomain, CreateWorkspace, DeactivateDomain,
    DeleteDomain, DeleteOrganization, DeleteWorkspace, EditCompany, EditContract, EditInvoicing,
    EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole, HandOver, InviteMany,
    InviteToOrganization, InviteToWorkspace, LeaveOrganization, LeaveWorkspace, MoveDomain,
    ReactivateDomain, ReinstateMember, ReinstateOrganization, ReleaseDomainName, RemoveMember,
    RenameOrganization, RenameWorkspace, ResendInvitation, RevokeInvitation, SetLimits,
    SetMembershipEnd, SetWorkspaceQuota, SetWorkspaceRoleEnd, SuspendMember, SuspendOrganization,
    TakeWorkspaceRole,
};
use tenancy::text::TextLine;
use tenancy::{
    Actor, CompanyInformation, DomainId, DomainKind, InvitationId, InvoicingInformation, Limits,
    OrganizationId, OrganizationRole, Role, WorkspaceId, WorkspaceRole,
};

use super::{email, id, label, line, name};

/// An organization, and all that can be asked of it: each method is a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acme {
    /// Its id.
    pub organization: OrganizationId,
    /// The workspace that it was born with.
    pub workspace: WorkspaceId,
}

impl Acme {
    /// Its first workspace, as a resource.
    pub fn there(self) -> (OrganizationId, WorkspaceId) {
        (self.organization, self.workspace)
    }

    pub fn rename(self, to: &str) -> RenameOrganization {
        RenameOrganization {
            organization: self.organization,
            name: name(to),
        }
    }

    pub fn edit_company(self, company: Option<CompanyInformation>) -> EditCompany {
        EditCompany {
            organization: self.organization,
            company,
        }
    }

    pub fn edit_invoicing(self, invoicing: Option<InvoicingInformation>) -> EditInvoicing {
        EditInvoicing {
            organization: self.organization,
            invoicing,
        }
    }

    pub fn edit_workspace_invoicing(
        self,
        workspace: WorkspaceId,
        invoicing: Option<InvoicingInformation>,
    ) -> EditWorkspaceInvoicing {
        EditWorkspaceInvoicing {
            organization: self.organization,
            workspace,
            invoicing,
        }
    }

    pub fn delete(self) -> DeleteOrganization {
        DeleteOrganization {
            organization: self.organization,
        }
    }

    pub fn create_workspace(self, called: &str) -> CreateWorkspace {
        CreateWorkspace {
            organization: self.organization,
            name: name(called),
        }
    }

    pub fn rename_workspace(self, workspace: WorkspaceId, to: &str) -> RenameWorkspace {
        RenameWorkspace {
            organization: self.organization,
            workspace,
            name: name(to),
        }
    }

    pub fn delete_workspace(self, workspace: WorkspaceId) -> DeleteWorkspace {
        DeleteWorkspace {
            organization: self.organization,
            workspace,
        }
    }

    /// A sandbox in its first workspace.
    pub fn sandbox(self, called: &str) -> CreateDomain {
        self.sandbox_in(self.workspace, called)
    }

    pub fn sandbox_in(self, workspace: WorkspaceId, called: &str) -> CreateDomain {
        CreateDomain {
            organization: self.organization,
            workspace,
            name: label(called),
            kind: DomainKind::Sandbox,
        }
    }

    pub fn deactivate(self, domain: DomainId) -> DeactivateDomain {
        DeactivateDomain {
            organization: self.organization,
            domain,
        }
    }

    pub fn reactivate(self, domain: DomainId) -> ReactivateDomain {
        ReactivateDomain {
            organization: self.organization,
            domain,
        }
    }

    pub fn move_domain(self, domain: DomainId, to: WorkspaceId) -> MoveDomain {
        MoveDomain {
            organization: self.organization,
            domain,
            to,
        }
    }

    pub fn delete_domain(self, domain: DomainId) -> DeleteDomain {
        DeleteDomain {
            organization: self.organization,
            domain,
        }
    }

    pub fn release(self, called: &str) -> ReleaseDomainName {
        ReleaseDomainName {
            organization: self.organization,
            name: label(called),
        }
    }

    pub fn quota(self, quota: u32) -> SetWorkspaceQuota {
        SetWorkspaceQuota {
            organization: self.organization,
            quota,
        }
    }

    /// Sets the limits, and leaves the quota as it is.
    pub fn limits(self, limits: Limits) -> SetLimits {
        SetLimits {
            organization: self.organization,
            limits,
            workspace_quota: None,
        }
    }

    /// Sets how many seats it has, and nothing else.
    pub fn seats(self, seats: u32) -> SetLimits {
        self.limits(Limits {
            seats: Some(seats),
            ..Limits::UNLIMITED
        })
    }

    /// Invites what was typed.
    pub fn invite_many<T>(self, target: T, lines: &[&str]) -> InviteMany<T> {
        InviteMany {
            organization: self.organization,
            target,
            emails: lines.iter().map(|line| (*line).to_owned()).collect(),
        }
    }

    pub fn edit_contract(self, contract: Option<TextLine>) -> EditContract {
        EditContract {
            organization: self.organization,
            contract,
        }
    }

    pub fn appoint(self, who: &Actor) -> AppointAdmin {
        AppointAdmin {
            organization: self.organization,
            user: id(who),
            email: who.verified_email().expect("a verified address").clone(),
        }
    }

    /// Invites `{who}@acme.example`.
    pub fn invite(self, who: &str, role: OrganizationRole) -> InviteToOrganization {
        self.invite_address(&format!("{who}@acme.example"), role)
    }

    pub fn invite_address(self, address: &str, role: OrganizationRole) -> InviteToOrganization {
        InviteToOrganization {
            organization: self.organization,
            email: email(address),
            role,
        }
    }

    /// Invites `{who}@acme.example` to a workspace.
    pub fn invite_to(
        self,
        workspace: WorkspaceId,
        who: &str,
        role: WorkspaceRole,
    ) -> InviteToWorkspace {
        InviteToWorkspace {
            organization: self.organization,
            workspace,
            email: email(&format!("{who}@acme.example")),
            role,
        }
    }

    pub fn invite_address_to(
        self,
        workspace: WorkspaceId,
        address: &str,
        role: WorkspaceRole,
    ) -> InviteToWorkspace {
        InviteToWorkspace {
            organization: self.organization,
            workspace,
            email: email(address),
            role,
        }
    }

    pub fn resend(self, invitation: InvitationId) -> ResendInvitation {
        ResendInvitation {
            organization: self.organization,
            invitation,
        }
    }

    pub fn revoke(self, invitation: InvitationId) -> RevokeInvitation {
        RevokeInvitation {
            organization: self.organization,
            invitation,
        }
    }

    pub fn change_role(self, who: &Actor, role: OrganizationRole) -> ChangeOrganizationRole {
        ChangeOrganizationRole {
            organization: self.organization,
            user: id(who),
            role,
        }
    }

    pub fn remove(self, who: &Actor) -> RemoveMember {
        RemoveMember {
            organization: self.organization,
            user: id(who),
        }
    }

    pub fn leave(self) -> LeaveOrganization {
        LeaveOrganization {
            organization: self.organization,
        }
    }

    pub fn give(
        self,
        workspace: WorkspaceId,
        who: &Actor,
        role: WorkspaceRole,
    ) -> GiveWorkspaceRole {
        GiveWorkspaceRole {
            organization: self.organization,
            workspace,
            user: id(who),
            role,
        }
    }

    pub fn take(self, workspace: WorkspaceId, who: &Actor) -> TakeWorkspaceRole {
        TakeWorkspaceRole {
            organization: self.organization,
            workspace,
            user: id(who),
        }
    }

    pub fn suspend_member(self, who: &Actor) -> SuspendMember {
        SuspendMember {
            organization: self.organization,
            user: id(who),
        }
    }

    pub fn reinstate_member(self, who: &Actor) -> ReinstateMember {
        ReinstateMember {
            organization: self.organization,
            user: id(who),
        }
    }

    pub fn suspend(self, why: &str) -> SuspendOrganization {
        SuspendOrganization {
            organization: self.organization,
            reason: line(why),
        }
    }

    pub fn reinstate(self) -> ReinstateOrganization {
        ReinstateOrganization {
            organization: self.organization,
        }
    }

    /// Lets a membership end then; `None`: it lasts.
    pub fn end(self, who: &Actor, until: Option<DateTime<Utc>>) -> SetMembershipEnd {
        SetMembershipEnd {
            organization: self.organization,
            user: id(who),
            until,
        }
    }

    /// Lets a role in a workspace end then; `None`: it lasts.
    pub fn end_in(
        self,
        workspace: WorkspaceId,
        who: &Actor,
        until: Option<DateTime<Utc>>,
    ) -> SetWorkspaceRoleEnd {
        SetWorkspaceRoleEnd {
            organization: self.organization,
            workspace,
            user: id(who),
            until,
        }
    }

    pub fn hand_over(self, to: &Actor, keep: Option<OrganizationRole>) -> HandOver {
        HandOver {
            organization: self.organization,
            to: id(to),
            keep: keep.map(Role::from),
        }
    }

    pub fn leave_workspace(self, workspace: WorkspaceId) -> LeaveWorkspace {
        LeaveWorkspace {
            organization: self.organization,
            workspace,
        }
    }

    pub fn follow(self) -> FollowEmailChange {
        FollowEmailChange {
            organization: self.organization,
        }
    }
}
