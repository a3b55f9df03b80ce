//! Permissions as types, so that a handler's signature says which one it needs.

use std::ops::Deref;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use tenancy::{Action, DomainId, OrganizationId, Permit, WorkspaceId};

use crate::host::Host;
use crate::rejection::Rejection;
use crate::sign_in::SignedIn;

/// An action as a type. [`may`] has one for each of the library's; of an action of the host's own, that is a type of its
/// own, it takes two lines:
///
/// ```
/// use tenancy::{Action, DomainId, OrganizationId, RoleSet};
/// use tenancy_axum::{Allowed, Permission};
///
/// #[derive(Clone, Copy)]
/// struct RotateKeys;
///
/// impl Action for RotateKeys {
///     type On = (OrganizationId, DomainId);
///
///     fn allowed(&self) -> RoleSet {
///         RoleSet::WORKSPACE_ADMIN
///     }
///
///     fn phrase(&self) -> &'static str {
///         "rotate a domain's keys"
///     }
/// }
///
/// impl Permission for RotateKeys {
///     type Action = Self;
///     const ACTION: Self = Self;
/// }
///
/// async fn rotate_keys(permit: Allowed<RotateKeys>) -> String {
///     let (_organization, domain) = permit.on();
///     format!("rotated those of {domain}")
/// }
/// ```
pub trait Permission: Send + Sync + 'static {
    /// The action's type.
    type Action: Action<On: FromPath> + Send + Sync;
    /// The action.
    const ACTION: Self::Action;
}

/// Proof, in a handler's signature, that whoever is signed in may do it: the handler isn't called otherwise.
///
/// The ids are the path's: `{organization}`, and `{workspace}` or `{domain}` where the action is on one. They are checked
/// together, so that a domain of another organization is not found; [`on`](Self::on) has them. It is one round trip of the
/// store, and what it yields is the library's [`Permit`], which functions further inside can ask for: this is one, by `Deref`.
///
/// ```
/// use axum::Router;
/// use axum::routing::get;
/// use tenancy_axum::{Allowed, Host, may};
///
/// async fn settings(permit: Allowed<may::domain::Configure>) -> String {
///     let (organization, domain) = permit.on(); // your SELECT … WHERE domain = $1
///     format!("the settings of {domain} in {organization}, for whoever is {}", permit.by())
/// }
///
/// fn routes<H: Host>() -> Router<H> {
///     Router::new().route("/organizations/{organization}/domains/{domain}/settings", get(settings))
/// }
/// ```
///
/// # Rejections
///
/// - 401: nobody is signed in.
/// - 403 `forbidden`, `organization_suspended`: they may see it, but not do that.
/// - 404 `not_found`: it isn't there, or isn't theirs to see; which, isn't told.
/// - 422 `invalid`: the path holds no id where one belongs.
/// - 503: the store doesn't answer.
/// - 500 `misrouted`: the route's path lacks a name that the action needs: a bug of the host's.
#[derive(Clone, Copy, Debug)]
pub struct Allowed<P: Permission> {
    permit: Permit<P::Action>,
    on: <P::Action as Action>::On,
}

impl<P: Permission> Allowed<P> {
    /// The ids that the path names, and that the permit is for: the organization's, with the workspace's or the domain's
    /// where the action is on one.
    #[must_use]
    pub const fn on(&self) -> <P::Action as Action>::On {
        self.on
    }
}

impl<P: Permission> Deref for Allowed<P> {
    type Target = Permit<P::Action>;

    fn deref(&self) -> &Self::Target {
        &self.permit
    }
}

impl<H: Host, P: Permission> FromRequestParts<H> for Allowed<P> {
    type Rejection = Rejection;

    async fn from_request_parts(parts: &mut Parts, host: &H) -> Result<Self, Rejection> {
        let on = <P::Action as Action>::On::from_path(parts).await?;
        let SignedIn(actor) = SignedIn::from_request_parts(parts, host).await?;
        let permit = host.tenancy().require(&actor, on, P::ACTION).await?;
        Ok(Self { permit, on })
    }
}

/// The ids of what an action is on, as a path names them. Sealed: there are three layers.
pub trait FromPath: sealed::Sealed + Sized {
    #[doc(hidden)]
    fn from_path(parts: &mut Parts) -> impl Future<Output = Result<Self, Rejection>> + Send;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for tenancy::OrganizationId {}
    impl Sealed for (tenancy::OrganizationId, tenancy::WorkspaceId) {}
    impl Sealed for (tenancy::OrganizationId, tenancy::DomainId) {}
}

async fn params(parts: &mut Parts) -> Result<RawPathParams, Rejection> {
    let params = RawPathParams::from_request_parts(parts, &()).await;
    params.map_err(|_| Rejection::invalid("", "the path holds no text: check the address"))
}

fn id<T: std::str::FromStr>(params: &RawPathParams, name: &'static str) -> Result<T, Rejection> {
    let value = params.iter().find(|(key, _)| *key == name);
    let (_, value) = value.ok_or_else(|| {
        let detail = format!("the route has no `{{{name}}}`, which its permission needs");
        Rejection::new(500, "misrouted", detail)
    })?;
    let id = value.parse();
    id.map_err(|_| Rejection::invalid(name, "this is no id: check the address"))
}

impl FromPath for OrganizationId {
    async fn from_path(parts: &mut Parts) -> Result<Self, Rejection> {
        id(&params(parts).await?, "organization")
    }
}

impl FromPath for (OrganizationId, WorkspaceId) {
    async fn from_path(parts: &mut Parts) -> Result<Self, Rejection> {
        let params = params(parts).await?;
        Ok((id(&params, "organization")?, id(&params, "workspace")?))
    }
}

impl FromPath for (OrganizationId, DomainId) {
    async fn from_path(parts: &mut Parts) -> Result<Self, Rejection> {
        let params = params(parts).await?;
        Ok((id(&params, "organization")?, id(&params, "domain")?))
    }
}

macro_rules! permissions {
    ($($(#[$of:meta])* $module:ident: $actions:ident { $($action:ident)+ })+) => {
        /// Each of the library's actions as a type, by layer: `may::domain::Configure`.
        pub mod may {
            $(
                $(#[$of])*
                pub mod $module {
                    $(
                        #[doc = concat!("[`", stringify!($actions), "::", stringify!($action), "`](tenancy::", stringify!($actions), "::", stringify!($action), ").")]
                        #[derive(Clone, Copy, Debug)]
                        pub struct $action;

                        impl crate::Permission for $action {
                            type Action = tenancy::$actions;
                            const ACTION: tenancy::$actions = tenancy::$actions::$action;
                        }
                    )+
                }
            )+
        }

        #[cfg(test)]
        mod tests {
            #[test]
            fn each_action_of_the_library_is_a_permission() {
                $(
                    let each = [$(tenancy::$actions::$action),+];
                    assert_eq!(each, tenancy::$actions::ALL);
                )+
            }
        }
    };
}

permissions! {
    /// On an organization.
    organization: OrganizationAction {
        View Rename EditCompany ViewMembers ViewInvitations ManageRoles Invite RemoveMember SuspendMember EndMembership CreateWorkspace ViewInvoicing ViewContract EditInvoicing EditContract SetWorkspaceQuota SetLimits AppointAdmin ReleaseDomainName Suspend ViewAuditTrail Delete
    }
    /// On a workspace.
    workspace: WorkspaceAction {
        View Rename ViewMembers ViewInvitations ManageRoles InviteMember InviteNewcomer ViewInvoicing EditInvoicing Delete CreateDomain ListDomains
    }
    /// On a domain.
    domain: DomainAction {
        View Configure ViewServerKeys Deactivate Reactivate Delete Move
    }
}
