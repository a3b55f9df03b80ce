//! The workspaces of an organization.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::OrganizationId;
use tenancy::commands::CreateWorkspace;
use tenancy_axum::Rejection;

use super::organization::Bar;
use crate::form::{Back, Field, Filled, Form, Look};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit, paging, sample};

const HERE: &str = "/workspaces";
const MANY: u32 = 50;

#[derive(Template)]
#[template(path = "workspaces.html")]
pub(crate) struct Workspaces {
    frame: Frame,
    quota: Option<Bar>,
    create: Form,
    rows: Vec<Row>,
    next: Option<String>,
}

struct Row {
    name: String,
    path: String,
    created: String,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(id): At<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    visit
        .page(page(&visit, id, &asked, &Back::nothing()).await)
        .await
}

pub(crate) async fn create<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("name") {
        Some(name) => {
            let create = CreateWorkspace { organization, name };
            visit.execute(&filled, create).await
        }
        None => Err(reading.trouble()),
    };
    match done {
        Ok(done) => visit.to(
            &visit.path(organization, &format!("{HERE}/{}", done.output)),
            "created",
        ),
        Err(trouble) => {
            let back = Back::of("create", filled, &trouble);
            let page = page(&visit, organization, &Asked::default(), &back).await;
            visit.page(page).await
        }
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    asked: &Asked,
    back: &Back,
) -> Result<(StatusCode, Workspaces), Rejection> {
    let inside = visit.inside(organization).await?;
    let paging = paging(MANY, asked.after.as_deref());
    let page = visit
        .tenancy()
        .workspaces(&visit.actor, organization, paging)
        .await?;
    let ask = CreateWorkspace {
        organization,
        name: sample("A workspace that nobody has created yet")?,
    };
    let why_not = visit.why_not(ask).await?.next();
    let create = Form::new("create", visit.path(organization, HERE), "Create workspace")
        .look(Look::Primary)
        .field(Field::text("name", "Name"))
        .why_not(why_not)
        .back(back);
    let workspaces = page.items.iter().map(|workspace| Row {
        name: workspace.name.to_string(),
        path: visit.path(organization, &format!("{HERE}/{}", workspace.id)),
        created: say::day(workspace.created_at),
    });
    let workspaces = Workspaces {
        rows: workspaces.collect(),
        quota: inside
            .overview
            .usage
            .map(|usage| Bar::of("Workspaces", usage.workspaces)),
        create,
        next: page
            .cursor()
            .map(|cursor| visit.path(organization, &format!("{HERE}?after={cursor}"))),
        frame: visit.frame_in(&inside, "Workspaces", HERE, back).await,
    };
    Ok((back.status(), workspaces))
}
