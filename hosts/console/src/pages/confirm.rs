//! What goes with somebody or something, shown before it goes.

use askama::Template;
use tenancy::commands::Departure;
use tenancy::{OrganizationId, Paging};
use tenancy_axum::Rejection;

use crate::form::Form;
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::Visit;

#[derive(Template)]
#[template(path = "confirm.html")]
pub(crate) struct Confirm {
    pub(crate) frame: Frame,
    pub(crate) heading: String,
    pub(crate) lead: String,
    /// What goes, line by line.
    pub(crate) goes: Vec<String>,
    pub(crate) form: Form,
    pub(crate) cancel: String,
}

/// What goes with somebody, in words.
pub(crate) async fn departing<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    departure: &Departure,
    whose: &str,
) -> Result<Vec<String>, Rejection> {
    let mut goes = vec![format!("The membership as {}", departure.role)];
    if !departure.workspaces.is_empty() {
        let paging = Paging::first(Paging::<()>::MAX_LIMIT);
        let all = visit
            .tenancy()
            .workspaces(&visit.actor, organization, paging)
            .await?;
        for (workspace, role) in &departure.workspaces {
            let named = all.items.iter().find(|view| view.id == *workspace);
            let name = named.map_or("a workspace", |view| view.name.as_str());
            goes.push(format!("{role} of {name}"));
        }
    }
    let revoked = departure.revoked.len();
    if revoked > 0 {
        let count = say::count(
            u64::try_from(revoked).unwrap_or(u64::MAX),
            "open invitation",
        );
        goes.push(format!("{count} to {whose} or sent by {whose}"));
    }
    Ok(goes)
}

/// So many invitations that are taken back.
pub(crate) fn invitations(count: usize) -> Option<String> {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    (count > 0).then(|| say::count(count, "open invitation"))
}
