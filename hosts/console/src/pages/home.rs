//! The first page: where one belongs, who invites one, and how to begin.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tenancy::commands::{AcceptReceivedInvitation, CreateOrganization, DeclineReceivedInvitation};
use tenancy::store::OrganizationStatus;
use tenancy::views::{FoundOrganization, OrganizationView, ReceivedInvitation};
use tenancy::{
    InvitationId, InvitationStatus, InvitationTarget, MembershipStatus, OrganizationId, Paging,
};
use tenancy_axum::Rejection;

use crate::form::{Back, Field, Filled, Form, Look};
use crate::frame::{Frame, Notice};
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit, paging, sample};

const MANY: u32 = 50;

#[derive(Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    frame: Frame,
    organizations: Vec<Card>,
    more: Option<String>,
    invitations: Vec<Received>,
    create: Form,
    /// For the vendor's staff, who belong to none: where to open one.
    open: Option<Open>,
}

struct Card {
    name: String,
    path: String,
    role: String,
    /// Why nothing in it is open, or that it is suspended.
    state: Option<State>,
}

struct State {
    word: &'static str,
    sentence: String,
    is_closed: bool,
}

struct Received {
    organization: String,
    offer: String,
    from: String,
    until: String,
    accept: Form,
    decline: Form,
}

struct Open {
    to: String,
    typed: String,
    found: Vec<Card>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
    open: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(visit: Visit<H>, Query(asked): Query<Asked>) -> Response {
    if let Some(id) = asked.open.as_deref().and_then(id_in) {
        return Redirect::to(&visit.path(id, "")).into_response();
    }
    visit
        .page(page(&visit, &asked, &Back::nothing()).await)
        .await
}

pub(crate) async fn create<H: ConsoleHost>(visit: Visit<H>, filled: Filled) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("name") {
        Some(name) => visit.execute(&filled, CreateOrganization { name }).await,
        None => Err(reading.trouble()),
    };
    match done {
        Ok(done) => visit.to(&visit.path(done.output.organization, ""), "created"),
        Err(trouble) => {
            let back = Back::of("create", filled, &trouble);
            visit
                .page(page(&visit, &Asked::default(), &back).await)
                .await
        }
    }
}

pub(crate) async fn accept<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let accept = AcceptReceivedInvitation {
        organization,
        invitation,
    };
    match visit.execute(&filled, accept).await {
        Ok(_) => visit.to(&visit.path(organization, ""), "accepted"),
        Err(trouble) => {
            let back = Back::of(format!("accept-{invitation}"), filled, &trouble);
            visit
                .page(page(&visit, &Asked::default(), &back).await)
                .await
        }
    }
}

pub(crate) async fn decline<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let decline = DeclineReceivedInvitation {
        organization,
        invitation,
    };
    match visit.execute(&filled, decline).await {
        Ok(_) => visit.to(&visit.console.path(""), "declined"),
        Err(trouble) => {
            let back = Back::of(format!("decline-{invitation}"), filled, &trouble);
            visit
                .page(page(&visit, &Asked::default(), &back).await)
                .await
        }
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    asked: &Asked,
    back: &Back,
) -> Result<(StatusCode, Home), Rejection> {
    let tenancy = visit.tenancy();
    let paging = paging(MANY, asked.after.as_deref());
    let organizations = tenancy.organizations(&visit.actor, paging).await?;
    let more = organizations
        .cursor()
        .map(|cursor| visit.console.path(&format!("?after={cursor}")));
    let received = tenancy
        .received_invitations(&visit.actor, Paging::first(MANY))
        .await?;
    let names = visit
        .names(
            received
                .items
                .iter()
                .map(|received| received.invitation.inviter),
        )
        .await;
    let mut invitations = Vec::with_capacity(received.items.len());
    for one in &received.items {
        invitations.push(answerable(visit, one, &names, back).await?);
    }
    let create = CreateOrganization {
        name: sample("An organization")?,
    };
    let why_not = visit.why_not(create).await?.next();
    let create = Form::new(
        "create",
        visit.console.path("/organizations"),
        "Create organization",
    )
    .look(Look::Primary)
    .field(Field::text("name", "Name").hint("As its people call it. It can be changed later."))
    .why_not(why_not)
    .back(back);
    let open = if visit.is_operator() {
        let typed = asked.open.clone().unwrap_or_default();
        Some(Open {
            to: visit.console.path(""),
            found: found(visit, typed.trim()).await?,
            typed,
        })
    } else {
        None
    };
    let title = if visit.is_operator() {
        "Organizations"
    } else {
        "Your organizations"
    };
    let mut frame = visit.frame(title).await;
    frame.notice = Notice::back(back).or(frame.notice);
    let home = Home {
        frame,
        organizations: organizations
            .items
            .iter()
            .map(|one| card(visit, one))
            .collect(),
        more,
        invitations,
        create,
        open,
    };
    Ok((back.status(), home))
}

/// What the vendor's staff look for: by a member's address, by a domain's name, by how an organization's name begins; all of
/// them, where they have typed nothing.
async fn found<H: ConsoleHost>(visit: &Visit<H>, typed: &str) -> Result<Vec<Card>, Rejection> {
    let (tenancy, actor) = (visit.tenancy(), &visit.actor);
    let mut found = Vec::new();
    if typed.is_empty() {
        let all = tenancy
            .all_organizations(actor, Paging::first(MANY))
            .await?;
        found.extend(all.items);
    } else if let Ok(email) = typed.parse() {
        let paging = Paging::first(MANY);
        let with = tenancy
            .organizations_with_member(actor, &email, paging)
            .await?;
        found.extend(with.items);
    } else {
        if let Ok(name) = typed.parse() {
            found.extend(tenancy.organization_with_domain(actor, &name).await?);
        }
        if let Ok(name) = typed.parse() {
            let named = tenancy.organizations_named(actor, &name, Paging::first(MANY));
            found.extend(named.await?.items);
        }
    }
    Ok(found.iter().map(|one| found_card(visit, one)).collect())
}

fn found_card<H: ConsoleHost>(visit: &Visit<H>, found: &FoundOrganization) -> Card {
    let state = match found.status {
        OrganizationStatus::Active => None,
        OrganizationStatus::Deleted => Some(State {
            word: "Deleted",
            sentence: "Only its trail and its domain names are left.".to_owned(),
            is_closed: false,
        }),
        OrganizationStatus::Suspended => Some(State {
            word: "On hold",
            sentence: found
                .suspension
                .as_ref()
                .map_or_else(String::new, ToString::to_string),
            is_closed: false,
        }),
    };
    Card {
        name: found.name.to_string(),
        path: visit.path(found.id, ""),
        role: format!("since {}", say::day(found.created_at)),
        state,
    }
}

fn card<H: ConsoleHost>(visit: &Visit<H>, organization: &OrganizationView) -> Card {
    // T1, T3: nothing in it is open to them, so this is where it is explained.
    let state = match organization.membership {
        Some(MembershipStatus::Suspended) => Some(State {
            word: "Suspended",
            sentence: "Your membership is suspended: an Admin can reinstate it. Nothing in it is open to you until then."
                .to_owned(),
            is_closed: true,
        }),
        Some(MembershipStatus::Ended) => Some(State {
            word: "Ended",
            sentence: "Your membership has ended: an Admin can prolong it. Nothing in it is open to you until then."
                .to_owned(),
            is_closed: true,
        }),
        _ => organization.suspension.as_ref().map(|reason| State {
            word: "On hold",
            sentence: format!("The organization is suspended by the vendor: {reason}"),
            is_closed: false,
        }),
    };
    Card {
        name: organization.name.to_string(),
        path: visit.path(organization.id, ""),
        role: organization
            .role
            .map_or_else(String::new, |role| role.to_string()),
        state,
    }
}

async fn answerable<H: ConsoleHost>(
    visit: &Visit<H>,
    received: &ReceivedInvitation,
    names: &Names,
    back: &Back,
) -> Result<Received, Rejection> {
    let (organization, invitation) = (received.organization, received.invitation.id);
    let accept = AcceptReceivedInvitation {
        organization,
        invitation,
    };
    let decline = DeclineReceivedInvitation {
        organization,
        invitation,
    };
    let mut why_not = visit.why_not((accept, decline)).await?;
    let path = |what: &str| {
        let path = format!("/invitations/{organization}/{invitation}/{what}");
        visit.console.path(&path)
    };
    let about = format!("the invitation to {}", received.organization_name);
    let form = |id: &str, button: &str, why_not: Option<String>| {
        Form::new(format!("{id}-{invitation}"), path(id), button)
            .about(about.clone())
            .in_line()
            .why_not(why_not)
            .back(back)
    };
    let shown = &received.invitation;
    let until = match shown.status {
        InvitationStatus::Expired => format!("Expired on {}", say::day(shown.expires_at)),
        _ => format!("Open until {}", say::moment(shown.expires_at)),
    };
    Ok(Received {
        organization: received.organization_name.to_string(),
        offer: match shown.target {
            InvitationTarget::Organization { role } => format!("{role} of the organization"),
            InvitationTarget::Workspace { role, .. } => match &received.workspace_name {
                Some(name) => format!("{role} of the workspace {name}"),
                None => format!("{role} of a workspace"),
            },
        },
        from: names.show(shown.inviter),
        until,
        accept: form("accept", "Accept", why_not.next()).look(Look::Primary),
        decline: form("decline", "Decline", why_not.next()),
    })
}

/// The id of an organization in what somebody pasted: the id itself, or an address with it.
fn id_in(typed: &str) -> Option<OrganizationId> {
    let parts = typed.split(|letter: char| !letter.is_ascii_hexdigit() && letter != '-');
    parts
        .filter(|part| part.len() == 36)
        .find_map(|part| part.parse().ok())
}
