//! Which page stands where.

use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router, middleware};
use tenancy_axum::{Host, People};

use crate::console::Console;
use crate::guard::guard;
use crate::pages::{
    activity, domain, home, invitation, invited, member, members, organization, person, role,
    roles, settings, staff, why, workspace, workspaces,
};
use crate::visit::Visit;

/// What each page asks of its host, in a word.
pub(crate) trait ConsoleHost: Host + People {}

impl<H: Host + People> ConsoleHost for H {}

/// All pages, under the console's base path: `merge` it into a host's router.
///
/// Every answer tells browsers to run nothing and to be framed by nobody; every form is refused that another site sent.
pub fn router<H: Host + People>(console: Console) -> Router<H> {
    let at = |path: &str| console.path(path);
    let inside = |path: &str| console.path(&format!("/organizations/{{organization}}{path}"));
    let pages = Router::new()
        .route(&at("/assets/{file}"), get(asset))
        .route(&at(""), get(home::show))
        .route(&at("/organizations"), post(home::create))
        .route(
            &at("/invitations/{organization}/{invitation}/accept"),
            post(home::accept),
        )
        .route(
            &at("/invitations/{organization}/{invitation}/decline"),
            post(home::decline),
        )
        .route(&at("/invitation"), get(invitation::show))
        .route(&at("/invitation/accept"), post(invitation::accept))
        .route(&at("/invitation/decline"), post(invitation::decline));
    let pages = pages
        .route(&inside(""), get(organization::show))
        .route(&inside("/settings"), get(settings::show))
        .route(&inside("/rename"), post(settings::rename))
        .route(&inside("/company"), post(settings::company))
        .route(&inside("/invoicing"), post(settings::invoicing))
        .route(&inside("/hand-over"), post(settings::hand_over))
        .route(
            &inside("/leave"),
            get(settings::before_leaving).post(settings::leave),
        )
        .route(
            &inside("/delete"),
            get(settings::before_deleting).post(settings::delete),
        );
    let pages = pages
        .route(&inside("/members"), get(members::show))
        .route(&inside("/members/invite"), post(members::invite))
        .route(&inside("/members/{user}"), get(person::show))
        .route(&inside("/members/{user}/role"), post(member::role))
        .route(&inside("/members/{user}/suspend"), post(member::suspend))
        .route(
            &inside("/members/{user}/reinstate"),
            post(member::reinstate),
        )
        .route(&inside("/members/{user}/end"), post(person::end))
        .route(&inside("/members/{user}/address"), post(person::address))
        .route(
            &inside("/members/{user}/remove"),
            get(person::before_removing).post(person::remove),
        )
        .route(
            &inside("/members/{user}/workspaces/{workspace}"),
            post(person::workspace_role),
        )
        .route(
            &inside("/members/{user}/workspaces/{workspace}/end"),
            post(person::workspace_end),
        )
        .route(
            &inside("/invitations/{invitation}/resend"),
            post(invited::resend),
        )
        .route(
            &inside("/invitations/{invitation}/revoke"),
            post(invited::revoke),
        );
    let pages = pages
        .route(&inside("/roles"), get(roles::show).post(role::define))
        .route(&inside("/roles/new"), get(role::new))
        .route(&inside("/roles/{role}"), get(role::edit).post(role::revise))
        .route(&inside("/roles/{role}/retire"), post(role::retire))
        .route(&inside("/roles/{role}/restore"), post(role::restore))
        .route(&inside("/roles/{role}/delete"), post(role::delete));
    let pages = pages
        .route(
            &inside("/workspaces"),
            get(workspaces::show).post(workspaces::create),
        )
        .route(&inside("/workspaces/{workspace}"), get(workspace::show))
        .route(
            &inside("/workspaces/{workspace}/rename"),
            post(workspace::rename),
        )
        .route(
            &inside("/workspaces/{workspace}/invoicing"),
            post(workspace::invoicing),
        )
        .route(
            &inside("/workspaces/{workspace}/domains"),
            post(workspace::create_domain),
        )
        .route(
            &inside("/workspaces/{workspace}/members"),
            post(workspace::give),
        )
        .route(
            &inside("/workspaces/{workspace}/members/{user}"),
            post(workspace::role),
        )
        .route(
            &inside("/workspaces/{workspace}/invite"),
            post(workspace::invite),
        )
        .route(
            &inside("/workspaces/{workspace}/leave"),
            post(workspace::leave),
        )
        .route(
            &inside("/workspaces/{workspace}/delete"),
            get(workspace::before_deleting).post(workspace::delete),
        )
        .route(&inside("/domains/{domain}"), get(domain::show))
        .route(
            &inside("/domains/{domain}/deactivate"),
            post(domain::deactivate),
        )
        .route(
            &inside("/domains/{domain}/reactivate"),
            post(domain::reactivate),
        )
        .route(&inside("/domains/{domain}/move"), post(domain::moving))
        .route(
            &inside("/domains/{domain}/delete"),
            get(domain::before_deleting).post(domain::delete),
        );
    let pages = pages
        .route(&inside("/activity"), get(activity::show))
        .route(&inside("/why"), get(why::show))
        .route(&inside("/staff"), get(staff::show))
        .route(&inside("/staff/limits"), post(staff::limits))
        .route(&inside("/staff/contract"), post(staff::contract))
        .route(&inside("/staff/suspend"), post(staff::suspend))
        .route(&inside("/staff/reinstate"), post(staff::reinstate))
        .route(&inside("/staff/appoint"), post(staff::appoint))
        .route(&inside("/staff/release"), post(staff::release));
    // With a slash behind, where the base isn't the root already.
    let pages = match console.base() {
        "" => pages,
        base => pages.route(&format!("{base}/"), get(home::show)),
    };
    pages
        .route(&at("/{*anything_else}"), get(missing))
        .layer(middleware::from_fn(guard))
        .layer(Extension(Arc::new(console)))
}

async fn asset(Extension(console): Extension<Arc<Console>>, Path(file): Path<String>) -> Response {
    let file = console.assets.file(&file);
    file.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        IntoResponse::into_response,
    )
}

async fn missing<H: ConsoleHost>(visit: Visit<H>) -> Response {
    visit.missing().await
}
