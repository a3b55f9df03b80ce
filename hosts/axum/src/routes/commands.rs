//! What the people of organizations do.

use chrono::{DateTime, Utc};
use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, Accepted, ChangeOrganizationRole, CreateDomain,
    CreateOrganization, CreateWorkspace, CreatedOrganization, DeactivateDomain, DeclineInvitation,
    DeclineReceivedInvitation, DefineRole, DeleteDomain, DeleteOrganization, DeleteRole,
    DeleteWorkspace, DeletedWorkspace, Departure, EditCompany, EditInvoicing,
    EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole, HandOver, HandedOver, InviteMany,
    InviteToOrganization, InviteToWorkspace, Invited, InvitedMany, LeaveOrganization,
    LeaveWorkspace, MoveDomain, ReactivateDomain, ReinstateMember, RemoveMember,
    RenameOrganization, RenameWorkspace, ResendInvitation, RestoreRole, RetireRole, ReviseRole,
    RevokeInvitation, Revoked, SetMembershipEnd, SetWorkspaceRoleEnd, SuspendMember,
    TakeWorkspaceRole,
};
use tenancy::{
    CompanyInformation, DomainId, DomainKind, DomainName, EmailAddress, Grants, InvitationId,
    InvitationOffer, InvitationToken, InvoicingInformation, Name, OrganizationId, OrganizationRole,
    Role, RoleBase, RoleNumber, UserId, WorkspaceId, WorkspaceRole,
};

use super::{
    At, Body, Deserialize, Host, Kind, Method, MethodFilter, Operation, Rejection, Response,
    Routes, Shape, SignedIn, State, Terms, Told, Value, answer, carry_out, command_routes, on,
    present,
};

pub(super) fn add<H: Host>(routes: &mut Routes<H>) {
    organizations(routes);
    workspaces(routes);
    domains(routes);
    members(routes);
    roles(routes);
    invitations(routes);
}

fn organizations<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        POST "/organizations" "Creates an organization with its first workspace, of whom the founder is the Admin."
            CreateOrganization [] { name: Name } -> 201 CreatedOrganization;
        PUT "/organizations/{organization}/name" "Renames the organization."
            RenameOrganization [organization: OrganizationId] { name: Name } -> 200 ();
        PUT "/organizations/{organization}/company" "Sets the company's information, or takes it away."
            EditCompany [organization: OrganizationId]
            { #[serde(deserialize_with = "present")] company: Option<CompanyInformation> } -> 200 ();
        PUT "/organizations/{organization}/invoicing" "Sets the invoicing information, or takes it away."
            EditInvoicing [organization: OrganizationId]
            { #[serde(deserialize_with = "present")] invoicing: Option<InvoicingInformation> } -> 200 ();
        DELETE "/organizations/{organization}" "Deletes the organization, once nothing and nobody else is in it."
            DeleteOrganization [organization: OrganizationId] {} -> 200 Revoked;
        POST "/organizations/{organization}/hand-over"
            "Makes another member Admin, and oneself what `keep` says, or no member."
            HandOver [organization: OrganizationId] { to: UserId, keep: Option<Role<OrganizationRole>> } -> 200 HandedOver;
        POST "/organizations/{organization}/leave" "Leaves the organization."
            LeaveOrganization [organization: OrganizationId] {} -> 200 Departure;
        POST "/organizations/{organization}/follow-email-change"
            "Makes the address that one has verified the membership's."
            FollowEmailChange [organization: OrganizationId] {} -> 200 Revoked;
    }
}

fn workspaces<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        POST "/organizations/{organization}/workspaces" "Creates a workspace, within the quota."
            CreateWorkspace [organization: OrganizationId] { name: Name } -> 201 WorkspaceId;
        PUT "/organizations/{organization}/workspaces/{workspace}/name" "Renames the workspace."
            RenameWorkspace [organization: OrganizationId, workspace: WorkspaceId] { name: Name } -> 200 ();
        PUT "/organizations/{organization}/workspaces/{workspace}/invoicing"
            "Sets invoicing information of the workspace's own, or takes it away."
            EditWorkspaceInvoicing [organization: OrganizationId, workspace: WorkspaceId]
            { #[serde(deserialize_with = "present")] invoicing: Option<InvoicingInformation> } -> 200 ();
        DELETE "/organizations/{organization}/workspaces/{workspace}"
            "Deletes the workspace, once no domain and nobody else is in it."
            DeleteWorkspace [organization: OrganizationId, workspace: WorkspaceId] {} -> 200 DeletedWorkspace;
        POST "/organizations/{organization}/workspaces/{workspace}/leave" "Gives up one's own role in the workspace."
            LeaveWorkspace [organization: OrganizationId, workspace: WorkspaceId] {} -> 200 Revoked;
        PUT "/organizations/{organization}/workspaces/{workspace}/members/{user}/role"
            "Gives a member a role in the workspace, or another one than they have."
            GiveWorkspaceRole [organization: OrganizationId, workspace: WorkspaceId, user: UserId]
            { role: Role<WorkspaceRole> } -> 200 Revoked;
        PUT "/organizations/{organization}/workspaces/{workspace}/members/{user}/end"
            "Sets until when the role in the workspace counts; `null`: without an end."
            SetWorkspaceRoleEnd [organization: OrganizationId, workspace: WorkspaceId, user: UserId]
            { #[serde(deserialize_with = "present")] until: Option<DateTime<Utc>> } -> 200 Revoked;
        DELETE "/organizations/{organization}/workspaces/{workspace}/members/{user}" "Takes a member's role in the workspace."
            TakeWorkspaceRole [organization: OrganizationId, workspace: WorkspaceId, user: UserId] {} -> 200 Revoked;
    }
}

fn domains<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        POST "/organizations/{organization}/workspaces/{workspace}/domains" "Creates a domain."
            CreateDomain [organization: OrganizationId, workspace: WorkspaceId]
            { name: DomainName, kind: DomainKind } -> 201 DomainId;
        POST "/organizations/{organization}/domains/{domain}/deactivate" "Deactivates the domain."
            DeactivateDomain [organization: OrganizationId, domain: DomainId] {} -> 200 ();
        POST "/organizations/{organization}/domains/{domain}/reactivate" "Reactivates the domain."
            ReactivateDomain [organization: OrganizationId, domain: DomainId] {} -> 200 ();
        POST "/organizations/{organization}/domains/{domain}/move" "Moves the domain to another workspace of the organization."
            MoveDomain [organization: OrganizationId, domain: DomainId] { to: WorkspaceId } -> 200 ();
        DELETE "/organizations/{organization}/domains/{domain}" "Deletes the domain; the organization keeps its name."
            DeleteDomain [organization: OrganizationId, domain: DomainId] {} -> 200 ();
    }
}

fn members<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        PUT "/organizations/{organization}/members/{user}/role" "Gives a member another role in the organization."
            ChangeOrganizationRole [organization: OrganizationId, user: UserId]
            { role: Role<OrganizationRole> } -> 200 Revoked;
        PUT "/organizations/{organization}/members/{user}/end" "Sets until when the membership counts; `null`: without an end."
            SetMembershipEnd [organization: OrganizationId, user: UserId]
            { #[serde(deserialize_with = "present")] until: Option<DateTime<Utc>> } -> 200 Revoked;
        POST "/organizations/{organization}/members/{user}/suspend" "Suspends the membership: none of its roles counts."
            SuspendMember [organization: OrganizationId, user: UserId] {} -> 200 Revoked;
        POST "/organizations/{organization}/members/{user}/reinstate" "Reinstates the membership."
            ReinstateMember [organization: OrganizationId, user: UserId] {} -> 200 ();
        DELETE "/organizations/{organization}/members/{user}" "Removes a member with all that they hold there."
            RemoveMember [organization: OrganizationId, user: UserId] {} -> 200 Departure;
    }
}

fn roles<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        POST "/organizations/{organization}/roles" "Defines a role of the organization's own."
            DefineRole [organization: OrganizationId] { name: Name, base: RoleBase, adds: Grants } -> 201 RoleNumber;
        PUT "/organizations/{organization}/roles/{role}" "Changes what the role is called and adds."
            ReviseRole [organization: OrganizationId, role: RoleNumber] { name: Name, adds: Grants } -> 200 ();
        POST "/organizations/{organization}/roles/{role}/retire" "Retires the role: whoever holds it holds its base."
            RetireRole [organization: OrganizationId, role: RoleNumber] {} -> 200 ();
        POST "/organizations/{organization}/roles/{role}/restore" "Restores the role."
            RestoreRole [organization: OrganizationId, role: RoleNumber] {} -> 200 ();
        DELETE "/organizations/{organization}/roles/{role}" "Deletes the role, once nobody holds it and nothing offers it."
            DeleteRole [organization: OrganizationId, role: RoleNumber] {} -> 200 ();
    }
}

fn invitations<H: Host>(routes: &mut Routes<H>) {
    command_routes! { routes;
        POST "/organizations/{organization}/invitations" "Invites an address to the organization. The link goes by mail."
            InviteToOrganization [organization: OrganizationId]
            { email: EmailAddress, role: Role<OrganizationRole> } -> 201 Invited;
        POST "/organizations/{organization}/workspaces/{workspace}/invitations"
            "Invites an address to the workspace. The link goes by mail."
            InviteToWorkspace [organization: OrganizationId, workspace: WorkspaceId]
            { email: EmailAddress, role: Role<WorkspaceRole> } -> 201 Invited;
        POST "/organizations/{organization}/invitations/many" "Invites up to 100 addresses, each answered by itself."
            InviteMany [organization: OrganizationId] { target: InvitationOffer, emails: Vec<String> } -> 201 InvitedMany;
        POST "/organizations/{organization}/invitations/{invitation}/resend" "Makes a new link, which goes by mail; the old one dies."
            ResendInvitation [organization: OrganizationId, invitation: InvitationId] {} -> 200 Invited;
        DELETE "/organizations/{organization}/invitations/{invitation}" "Takes the invitation back."
            RevokeInvitation [organization: OrganizationId, invitation: InvitationId] {} -> 200 ();
        POST "/organizations/{organization}/invitations/{invitation}/accept" "Accepts an invitation to one's own verified address."
            AcceptReceivedInvitation [organization: OrganizationId, invitation: InvitationId] {} -> 200 Accepted;
        POST "/organizations/{organization}/invitations/{invitation}/decline" "Declines an invitation to one's own verified address."
            DeclineReceivedInvitation [organization: OrganizationId, invitation: InvitationId] {} -> 200 ();
        POST "/invitations/accept" "Accepts the invitation of a link."
            AcceptInvitation [] { token: InvitationToken } -> 200 Accepted;
        POST "/invitations/decline" "Declines the invitation of a link."
            DeclineInvitation [] { token: InvitationToken } -> 200 ();
    }
}
