//! What only the vendor's staff does.

use tenancy::commands::{
    AppointAdmin, EditContract, ReinstateOrganization, ReleaseDomainName, SetLimits,
    SetWorkspaceQuota, SuspendOrganization,
};
use tenancy::text::TextLine;
use tenancy::{DomainName, Limits, OrganizationId, QuotaUsage, Usage, UserId, VerifiedEmail};

use super::{
    At, Body, Deserialize, Host, Kind, Method, MethodFilter, Operation, Rejection, Response,
    Routes, Shape, SignedIn, State, Terms, Told, Value, answer, carry_out, command_routes, on,
    present,
};

pub(super) fn add<H: Host>(routes: &mut Routes<H>) {
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

/// The vendor's word that an address is somebody's: only an operator's request gets further with it.
fn attested<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<VerifiedEmail, D::Error> {
    tenancy::EmailAddress::deserialize(deserializer).map(VerifiedEmail::attest)
}

impl Shape for VerifiedEmail {
    fn shape(named: &mut crate::shape::Named) -> Value {
        tenancy::EmailAddress::shape(named)
    }
}
