//! What can be changed of an organization itself, and how one leaves it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::commands::{
    DeleteOrganization, EditCompany, EditInvoicing, HandOver, LeaveOrganization, RenameOrganization,
};
use tenancy::{OrganizationAction, OrganizationId, Paging, UserId};
use tenancy_axum::Rejection;

use super::company::{company_form, invoicing_form, read_company, read_invoicing};
use super::confirm::{self, Confirm};
use crate::choices::{organization_choices, read_organization_role};
use crate::form::{Back, Choice, Field, Filled, Form, Look, Trouble, ask_first};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::visit::{At, Inside, Visit};

const HERE: &str = "/settings";
/// How many members are offered to hand the organization over to.
const HEIRS: u32 = 200;

#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct Settings {
    frame: Frame,
    rename: Form,
    company: Form,
    invoicing: Form,
    hand_over: Form,
    leave: Form,
    delete: Form,
}

pub(crate) async fn show<H: ConsoleHost>(visit: Visit<H>, At(id): At<OrganizationId>) -> Response {
    visit.page(page(&visit, id, &Back::nothing()).await).await
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    id: OrganizationId,
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&visit.path(id, HERE), word),
        Err(trouble) => {
            visit
                .page(page(visit, id, &Back::of(form, filled, &trouble)).await)
                .await
        }
    }
}

pub(crate) async fn rename<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("name") {
        Some(name) => {
            let rename = RenameOrganization { organization, name };
            visit.execute(&filled, rename).await
        }
        None => Err(reading.trouble()),
    };
    answer(&visit, organization, "rename", filled, done, "renamed").await
}

pub(crate) async fn company<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let done = match read_company(&filled) {
        Ok(company) => {
            let edit = EditCompany {
                organization,
                company,
            };
            visit.execute(&filled, edit).await
        }
        Err(trouble) => Err(trouble),
    };
    answer(&visit, organization, "company", filled, done, "saved").await
}

pub(crate) async fn invoicing<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let done = match read_invoicing(&filled) {
        Ok(invoicing) => {
            let edit = EditInvoicing {
                organization,
                invoicing,
            };
            visit.execute(&filled, edit).await
        }
        Err(trouble) => Err(trouble),
    };
    answer(&visit, organization, "invoicing", filled, done, "saved").await
}

pub(crate) async fn hand_over<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let to = reading.one::<UserId>("to");
    let keep = match filled.get("keep") {
        None | Some("") => Some(None),
        Some(role) => read_organization_role(role).map(Some),
    };
    if keep.is_none() {
        reading.say("keep", "choose a role of the list");
    }
    let done = match (to, keep) {
        (Some(to), Some(keep)) => {
            let hand_over = HandOver {
                organization,
                to,
                keep,
            };
            visit.execute(&filled, hand_over).await
        }
        _ => Err(reading.trouble()),
    };
    match done {
        Ok(done) if done.output.departure.is_some() => visit.to(&visit.console.path(""), "left"),
        done => answer(&visit, organization, "hand-over", filled, done, "handed").await,
    }
}

/// What goes with whoever leaves, before they do.
pub(crate) async fn before_leaving<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
) -> Response {
    visit.page(leaving(&visit, organization).await).await
}

async fn leaving<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(organization).await?;
    let leave = LeaveOrganization { organization };
    let departure = visit.tenancy().prepare(&visit.actor, leave).await?.output;
    let goes = confirm::departing(visit, organization, &departure, "you").await?;
    let name = &inside.overview.organization.name;
    let form = Form::new(
        "leave",
        visit.path(organization, "/leave"),
        "Leave for good",
    );
    let heading = format!("Leave {name}?");
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: "To come back, somebody has to invite you again.".to_owned(),
        goes,
        form: form.look(Look::Danger),
        cancel: visit.path(organization, HERE),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn leave<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    match visit
        .execute(&filled, LeaveOrganization { organization })
        .await
    {
        Ok(_) => visit.to(&visit.console.path(""), "left"),
        done => answer(&visit, organization, "leave", filled, done, "left").await,
    }
}

/// What goes with the organization, before it goes.
pub(crate) async fn before_deleting<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
) -> Response {
    visit.page(deleting(&visit, organization).await).await
}

async fn deleting<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(organization).await?;
    let delete = DeleteOrganization { organization };
    let revoked = visit.tenancy().prepare(&visit.actor, delete).await?.output;
    let name = &inside.overview.organization.name;
    let form = Form::new(
        "delete",
        visit.path(organization, "/delete"),
        "Delete for good",
    );
    let heading = format!("Delete {name}?");
    let mut goes = vec!["The organization, and your membership of it".to_owned()];
    goes.extend(confirm::invitations(revoked.invitations.len()));
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: "Nobody can bring it back. Its history stays with the vendor.".to_owned(),
        goes,
        form: form.look(Look::Danger),
        cancel: visit.path(organization, HERE),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn delete<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    match visit
        .execute(&filled, DeleteOrganization { organization })
        .await
    {
        Ok(_) => visit.to(&visit.console.path(""), "deleted"),
        done => answer(&visit, organization, "delete", filled, done, "deleted").await,
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    back: &Back,
) -> Result<(StatusCode, Settings), Rejection> {
    let inside = visit.inside(organization).await?;
    let overview = &inside.overview;
    let name = overview.organization.name.clone();
    let heirs = heirs(visit, &inside).await?;
    // Whom it would go to is chosen; whether it can go at all is asked of the first.
    let to = heirs.first().and_then(|(user, _)| user.parse().ok());
    let hand_over = HandOver {
        organization,
        to: to
            .or(visit.actor.user_id())
            .unwrap_or(UserId::from_external("")),
        keep: None,
    };
    let (company, invoicing) = (overview.company.clone(), overview.invoicing.clone());
    let mut why_not = visit
        .why_not((
            RenameOrganization {
                organization,
                name: name.clone(),
            },
            EditCompany {
                organization,
                company: company.clone(),
            },
            EditInvoicing {
                organization,
                invoicing: invoicing.clone(),
            },
            hand_over,
            LeaveOrganization { organization },
            DeleteOrganization { organization },
        ))
        .await?;
    let path = |end: &str| visit.path(organization, end);
    let rename = Form::new("rename", path("/rename"), "Rename")
        .field(Field::text("name", "Name").value(name))
        .why_not(why_not.next())
        .back(back);
    let company = company_form(path("/company"), company.as_ref())
        .why_not(why_not.next())
        .back(back);
    let invoicing = invoicing_form("invoicing", path("/invoicing"), invoicing.as_ref())
        .why_not(why_not.next())
        .back(back);
    let why = why_not.next();
    let nobody = "There is nobody to hand it over to: invite somebody first.".to_owned();
    let mut keep = vec![Choice::new("", "None: I leave the organization")];
    keep.extend(organization_choices(inside.roles()));
    let hand_over = Form::new("hand-over", path("/hand-over"), "Hand over")
        .look(Look::Danger)
        .field(Field::one(
            "to",
            "New Admin",
            heirs
                .iter()
                .map(|(user, name)| Choice::new(user, name))
                .collect(),
        ))
        .field(
            Field::one("keep", "Your role afterwards", keep)
                .hint("Both happen at once, or neither."),
        )
        .why_not(why.or_else(|| heirs.is_empty().then_some(nobody)))
        .back(back);
    let leave = ask_first("leave", path("/leave"), "Leave…", why_not.next(), back);
    let delete = ask_first("delete", path("/delete"), "Delete…", why_not.next(), back);
    let page = Settings {
        frame: visit.frame_in(&inside, "Settings", HERE, back).await,
        rename,
        company,
        invoicing,
        hand_over,
        leave,
        delete,
    };
    Ok((back.status(), page))
}

/// Who could have the organization: its members but whoever asks, each with a name.
async fn heirs<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
) -> Result<Vec<(String, String)>, Rejection> {
    if !inside.may(OrganizationAction::ManageRoles) {
        return Ok(Vec::new());
    }
    let members = visit
        .tenancy()
        .members(&visit.actor, inside.id(), Paging::first(HEIRS))
        .await?;
    let names = visit
        .names(members.items.iter().map(|member| member.user))
        .await;
    let others = members.items.iter().filter(|member| !visit.is(member.user));
    let shown = others.map(|member| {
        let name = names.or(member.user, member.email.as_str());
        (
            member.user.to_string(),
            format!("{name} ({})", member.email),
        )
    });
    Ok(shown.collect())
}
