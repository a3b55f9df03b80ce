//! What only the vendor's staff does.

use tenancy::commands::{
    AppointAdmin, EditContract, ReinstateOrganization, ReleaseDomainName, SetLimits,
    SetWorkspaceQuota, SuspendOrganization,
};
use tenancy::text::TextLine;
use tenancy::views::FoundOrganization;
use tenancy::{
    DomainName, EmailAddress, Limits, Name, OrganizationId, Page, Paging, QuotaUsage, Usage,
    UserId, VerifiedEmail,
};

use super::{
    At, Body, Deserialize, Host, Kind, Method, MethodFilter, Operation, OriginalUri, PageQuery,
    Rejection, Response, Routes, Shape, SignedIn, State, Terms, Told, Value, answer, carry_out,
    command_routes, get, list_routes, on, page_shape, present,
};

pub(super) fn add<H: Host>(routes: &mut Routes<H>) {
    find(routes);
    command_routes! { routes;
        PUT "/organizations/{organization}/quota" "Sets how many workspaces the organization may hold."
            SetWorkspaceQuota [organization: OrganizationId] { quota: u32 } -> 200 QuotaUsage;
        PUT "/organizations/{organization}/limits" "Sets all limits; a limit that is left out is none."
            SetLimits [organization: OrganizationId] { limits: Limits, workspace_quota: Option<u32> } -> 200 Usage;
        PUT "/organizations/{organization}/contract" "Sets the contract's reference, or takes it away."
            EditContract [organization: OrganizationId]
            { #[serde(deserialize_with = "present")] contract: Option<TextLine> } -> 200 ();
        POST "/organizations/{organization}/release-domain-name" "Gives a deleted domain's name free for everybody."
            ReleaseDomainName [organization: OrganizationId] { name: DomainName } -> 200 ();
        POST "/organizations/{organization}/suspend" "Suspends the organization, for a reason that its people read."
            SuspendOrganization [organization: OrganizationId] { reason: TextLine } -> 200 ();
        POST "/organizations/{organization}/reinstate" "Reinstates the organization."
            ReinstateOrganization [organization: OrganizationId] {} -> 200 ();
        POST "/organizations/{organization}/appoint"
            "Makes a user Admin of the organization. That the address is theirs, whoever asks has made sure."
            AppointAdmin [organization: OrganizationId] { user: UserId, #[serde(deserialize_with = "attested")] email: VerifiedEmail }
            -> 200 ();
    }
}

/// For everybody else these are empty lists, and nothing is asked of the store.
fn find<H: Host>(routes: &mut Routes<H>) {
    list_routes! { routes;
        "/organizations" "all_organizations" "Every organization, deleted ones too."
            [] -> FoundOrganization,
            |tenancy, actor, paging| tenancy.all_organizations(actor, paging);
        "/organizations/named/{name}" "organizations_named" "Those whose name begins so, whatever its case."
            [name: Name] -> FoundOrganization,
            |tenancy, actor, paging| tenancy.organizations_named(actor, &name, paging);
        "/organizations/with-member/{email}" "organizations_with_member" "Those with a member of that address."
            [email: EmailAddress] -> FoundOrganization,
            |tenancy, actor, paging| tenancy.organizations_with_member(actor, &email, paging);
        "/organizations/with-domain/{name}" "organization_with_domain" "The one that has, or keeps, a domain's name: none or one."
            [name: DomainName] -> FoundOrganization,
            |tenancy, actor, paging| async {
                let _: &Paging<tenancy::OrganizationId> = &paging;
                let found = tenancy.organization_with_domain(actor, &name).await?;
                Ok::<_, Rejection>(Page::<_, tenancy::OrganizationId> {
                    items: found.into_iter().collect(),
                    next: None,
                    unreadable: Vec::new(),
                })
            };
    }
}

/// The vendor's word that an address is somebody's: only an operator's request gets further with it.
fn attested<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<VerifiedEmail, D::Error> {
    tenancy::EmailAddress::deserialize(deserializer).map(VerifiedEmail::attest)
}

impl Shape for VerifiedEmail {
    fn shape(named: &mut crate::shape::Named) -> Value {
        tenancy::EmailAddress::shape(named)
    }
}
