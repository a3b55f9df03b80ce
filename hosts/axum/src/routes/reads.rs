//! What there is to see.

use tenancy::views::{
    Holder, InvitationPreview, InvitationView, KeptDomainName, OrganizationView, Overview,
    OwnRoleView, PersonView, ReceivedInvitation, WorkspaceInvoicing, WorkspaceView,
};
use tenancy::{
    Decision, Domain, DomainAction, DomainId, InvitationId, InvitationToken, LogEntry, Member,
    OrganizationAction, OrganizationId, UserId, WorkspaceAction, WorkspaceId, WorkspaceMember,
    WorkspaceUsage,
};

use super::{
    At, Body, Deserialize, Host, IntoResponse, Json, Kind, Method, MethodFilter, Operation,
    OriginalUri, PageQuery, Rejection, Response, Routes, Shape, SignedIn, State, answer, body, get,
    list_routes, on, page_shape, read_routes,
};
use crate::carry_out::etag;

pub(super) fn add<H: Host>(routes: &mut Routes<H>) {
    read_routes! { routes;
        "/organizations/{organization}/roles" "own_roles" "The organization's own roles."
            [organization: OrganizationId] -> Vec<OwnRoleView>,
            |tenancy, actor| tenancy.own_roles(actor, organization);
        "/organizations/{organization}/members/{user}" "person"
            "A member, with their roles in workspaces and the open invitations to their address."
            [organization: OrganizationId, user: UserId] -> PersonView,
            |tenancy, actor| tenancy.person(actor, organization, user);
        "/organizations/{organization}/invitations/{invitation}" "invitation" "An invitation, open or not."
            [organization: OrganizationId, invitation: InvitationId] -> InvitationView,
            |tenancy, actor| tenancy.invitation(actor, organization, invitation);
        "/organizations/{organization}/workspaces/{workspace}" "workspace" "A workspace."
            [organization: OrganizationId, workspace: WorkspaceId] -> WorkspaceView,
            |tenancy, actor| tenancy.workspace(actor, (organization, workspace));
        "/organizations/{organization}/workspaces/{workspace}/invoicing" "workspace_invoicing"
            "The invoicing information that applies to a workspace: its own, or the organization's."
            [organization: OrganizationId, workspace: WorkspaceId] -> WorkspaceInvoicing,
            |tenancy, actor| tenancy.workspace_invoicing(actor, (organization, workspace));
        "/organizations/{organization}/workspaces/{workspace}/usage" "workspace_usage" "How much of its limits a workspace uses."
            [organization: OrganizationId, workspace: WorkspaceId] -> WorkspaceUsage,
            |tenancy, actor| tenancy.workspace_usage(actor, (organization, workspace));
        "/organizations/{organization}/domains/{domain}" "domain" "A domain."
            [organization: OrganizationId, domain: DomainId] -> Domain,
            |tenancy, actor| tenancy.domain(actor, (organization, domain));
        "/organizations/{organization}/checks/{action}" "check_on_organization" "Whether they may do it to the organization, and why."
            [organization: OrganizationId, action: OrganizationAction] -> Decision,
            |tenancy, actor| tenancy.check(actor, organization, action);
        "/organizations/{organization}/workspaces/{workspace}/checks/{action}" "check_on_workspace"
            "Whether they may do it to the workspace, and why."
            [organization: OrganizationId, workspace: WorkspaceId, action: WorkspaceAction] -> Decision,
            |tenancy, actor| tenancy.check(actor, (organization, workspace), action);
        "/organizations/{organization}/domains/{domain}/checks/{action}" "check_on_domain"
            "Whether they may do it to the domain, and why."
            [organization: OrganizationId, domain: DomainId, action: DomainAction] -> Decision,
            |tenancy, actor| tenancy.check(actor, (organization, domain), action);
    }
    list_routes! { routes;
        "/organizations" "organizations" "The organizations that one is a member of."
            [] -> OrganizationView,
            |tenancy, actor, paging| tenancy.organizations(actor, paging);
        "/invitations" "received_invitations" "The open invitations to one's own verified address."
            [] -> ReceivedInvitation,
            |tenancy, actor, paging| tenancy.received_invitations(actor, paging);
        "/organizations/{organization}/members" "members" "The members."
            [organization: OrganizationId] -> Member,
            |tenancy, actor, paging| tenancy.members(actor, organization, paging);
        "/organizations/{organization}/invitations" "invitations" "The open invitations."
            [organization: OrganizationId] -> InvitationView,
            |tenancy, actor, paging| tenancy.invitations(actor, organization, paging);
        "/organizations/{organization}/workspaces" "workspaces" "The workspaces that they may view."
            [organization: OrganizationId] -> WorkspaceView,
            |tenancy, actor, paging| tenancy.workspaces(actor, organization, paging);
        "/organizations/{organization}/workspaces/{workspace}/members" "workspace_members" "Those who hold a role in the workspace."
            [organization: OrganizationId, workspace: WorkspaceId] -> WorkspaceMember,
            |tenancy, actor, paging| tenancy.workspace_members(actor, (organization, workspace), paging);
        "/organizations/{organization}/workspaces/{workspace}/invitations" "workspace_invitations" "The open invitations to the workspace."
            [organization: OrganizationId, workspace: WorkspaceId] -> InvitationView,
            |tenancy, actor, paging| tenancy.workspace_invitations(actor, (organization, workspace), paging);
        "/organizations/{organization}/workspaces/{workspace}/domains" "domains" "The workspace's domains."
            [organization: OrganizationId, workspace: WorkspaceId] -> Domain,
            |tenancy, actor, paging| tenancy.domains(actor, (organization, workspace), paging);
        "/organizations/{organization}/kept-domain-names" "kept_domain_names" "The names of deleted domains, which the organization keeps."
            [organization: OrganizationId] -> KeptDomainName,
            |tenancy, actor, paging| tenancy.kept_domain_names(actor, organization, paging);
        "/organizations/{organization}/activity" "activity" "What happened, newest first."
            [organization: OrganizationId] -> LogEntry,
            |tenancy, actor, paging| tenancy.activity(actor, organization, paging);
        "/organizations/{organization}/who-can/{action}" "who_can_on_organization" "Who may do it to the organization, and by which role."
            [organization: OrganizationId, action: OrganizationAction] -> Holder,
            |tenancy, actor, paging| tenancy.who_can(actor, organization, action, paging);
        "/organizations/{organization}/workspaces/{workspace}/who-can/{action}" "who_can_on_workspace"
            "Who may do it to the workspace, and by which role."
            [organization: OrganizationId, workspace: WorkspaceId, action: WorkspaceAction] -> Holder,
            |tenancy, actor, paging| tenancy.who_can(actor, (organization, workspace), action, paging);
        "/organizations/{organization}/domains/{domain}/who-can/{action}" "who_can_on_domain"
            "Who may do it to the domain, and by which role."
            [organization: OrganizationId, domain: DomainId, action: DomainAction] -> Holder,
            |tenancy, actor, paging| tenancy.who_can(actor, (organization, domain), action, paging);
    }
    overview(routes);
    preview(routes);
}

/// The organization's own page, with its version as the entity tag.
fn overview<H: Host>(routes: &mut Routes<H>) {
    #[derive(Deserialize)]
    struct Ids {
        organization: OrganizationId,
    }

    async fn run<H: Host>(
        State(host): State<H>,
        SignedIn(actor): SignedIn,
        At(Ids { organization }): At<Ids>,
    ) -> Result<Response, Rejection> {
        let overview = host.tenancy().overview(&actor, organization).await?;
        Ok((etag(overview.version), Json(overview)).into_response())
    }

    let operation = Operation {
        method: Method::GET,
        path: "/organizations/{organization}",
        id: "overview".to_owned(),
        summary: "The organization, what one may do with it, and what of it one may see.",
        ids: vec![("organization", OrganizationId::shape(&mut routes.named))],
        kind: Kind::Read,
        answer: (200, Some(Overview::shape(&mut routes.named))),
    };
    routes.add(operation, get(run::<H>));
}

/// What a link offers. It takes a body, so that the secret gets into no log of addresses; it changes nothing, and asks for
/// no sign-in: the link is the key.
fn preview<H: Host>(routes: &mut Routes<H>) {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Said {
        token: InvitationToken,
    }

    async fn run<H: Host>(
        State(host): State<H>,
        Body(Said { token }): Body<Said>,
    ) -> Result<Response, Rejection> {
        let preview = host.tenancy().preview(&token).await?;
        Ok(Json(preview).into_response())
    }

    let token = InvitationToken::shape(&mut routes.named);
    let operation = Operation {
        method: Method::POST,
        path: "/invitations/preview",
        id: "preview".to_owned(),
        summary: "What an invitation's link offers, before it is answered.",
        ids: Vec::new(),
        kind: Kind::ReadWithBody(body(&Method::POST, vec![("token", token, false)])),
        answer: (200, Some(InvitationPreview::shape(&mut routes.named))),
    };
    routes.add(operation, on(MethodFilter::POST, run::<H>));
}
