//! One domain: on, off, moved, deleted.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::commands::{DeactivateDomain, DeleteDomain, MoveDomain, ReactivateDomain};
use tenancy::{
    DomainId, DomainKind, DomainStatus, OrganizationId, Paging, WorkspaceAction, WorkspaceId,
};
use tenancy_axum::Rejection;

use super::confirm::Confirm;
use crate::form::{Back, Choice, Field, Filled, Form, Look, Trouble, ask_first};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit};

const HERE: &str = "/workspaces";

type On = (OrganizationId, DomainId);

#[derive(Template)]
#[template(path = "domain.html")]
pub(crate) struct Domain {
    frame: Frame,
    name: String,
    id: String,
    kind: DomainKind,
    is_off: bool,
    created: String,
    workspace: String,
    workspace_path: String,
    switch: Form,
    moving: Form,
    delete: Form,
}

pub(crate) async fn show<H: ConsoleHost>(visit: Visit<H>, At(on): At<On>) -> Response {
    visit.page(page(&visit, on, &Back::nothing()).await).await
}

fn path<H: ConsoleHost>(visit: &Visit<H>, on: On, end: &str) -> String {
    visit.path(on.0, &format!("/domains/{}{end}", on.1))
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    on: On,
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&path(visit, on, ""), word),
        Err(trouble) => {
            visit
                .page(page(visit, on, &Back::of(form, filled, &trouble)).await)
                .await
        }
    }
}

pub(crate) async fn deactivate<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let (organization, domain) = on;
    let deactivate = DeactivateDomain {
        organization,
        domain,
    };
    let done = visit.execute(&filled, deactivate).await;
    answer(&visit, on, "switch", filled, done, "deactivated").await
}

pub(crate) async fn reactivate<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let (organization, domain) = on;
    let reactivate = ReactivateDomain {
        organization,
        domain,
    };
    let done = visit.execute(&filled, reactivate).await;
    answer(&visit, on, "switch", filled, done, "reactivated").await
}

pub(crate) async fn moving<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let (organization, domain) = on;
    let mut reading = filled.reading();
    let done = match reading.one::<WorkspaceId>("to") {
        Some(to) => {
            let to = MoveDomain {
                organization,
                domain,
                to,
            };
            visit.execute(&filled, to).await
        }
        None => Err(reading.trouble()),
    };
    answer(&visit, on, "move", filled, done, "moved").await
}

pub(crate) async fn before_deleting<H: ConsoleHost>(visit: Visit<H>, At(on): At<On>) -> Response {
    visit.page(deleting(&visit, on).await).await
}

async fn deleting<H: ConsoleHost>(
    visit: &Visit<H>,
    on: On,
) -> Result<(StatusCode, Confirm), Rejection> {
    let (organization, domain) = on;
    let inside = visit.inside(organization).await?;
    let view = visit.tenancy().domain(&visit.actor, on).await?;
    let delete = DeleteDomain {
        organization,
        domain,
    };
    let _ = visit.tenancy().prepare(&visit.actor, delete).await?;
    let heading = format!("Delete {}?", view.name);
    let confirm = Confirm {
        frame: visit.frame_in(&inside, &heading, HERE, &Back::nothing()).await,
        heading,
        lead: "To stop it for a while, switch it off instead: that can be undone.".to_owned(),
        goes: vec![
            format!("The {} domain, for good", view.kind),
            "Its name stays with the organization and counts towards its domains, until the vendor releases it".to_owned(),
        ],
        form: Form::new("delete", path(visit, on, "/delete"), "Delete for good").look(Look::Danger),
        cancel: path(visit, on, ""),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn delete<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let (organization, domain) = on;
    let delete = DeleteDomain {
        organization,
        domain,
    };
    let workspace = visit.tenancy().domain(&visit.actor, on).await;
    let workspace = workspace.map_or_else(
        |_| HERE.to_owned(),
        |domain| format!("{HERE}/{}", domain.workspace),
    );
    match visit.execute(&filled, delete).await {
        Ok(_) => visit.to(&visit.path(organization, &workspace), "deleted"),
        done => answer(&visit, on, "delete", filled, done, "deleted").await,
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    on: On,
    back: &Back,
) -> Result<(StatusCode, Domain), Rejection> {
    let (organization, domain) = on;
    let inside = visit.inside(organization).await?;
    let tenancy = visit.tenancy();
    let view = tenancy.domain(&visit.actor, on).await?;
    // Where a domain can go to, one must be able to create one.
    let paging = Paging::first(Paging::<()>::MAX_LIMIT);
    let all = tenancy
        .reachable_workspaces(&visit.actor, organization, WorkspaceAction::View, paging)
        .await?;
    let others: Vec<_> = all
        .items
        .iter()
        .filter(|one| one.id != view.workspace)
        .map(|one| (one.id, one.name.to_string()))
        .collect();
    let to = others
        .first()
        .map_or(view.workspace, |(workspace, _)| *workspace);
    let choices: Vec<_> = others
        .into_iter()
        .map(|(id, name)| Choice::new(id, name))
        .collect();
    let is_off = view.status == DomainStatus::Deactivated;
    let mut why_not = visit
        .why_not((
            DeactivateDomain {
                organization,
                domain,
            },
            ReactivateDomain {
                organization,
                domain,
            },
            MoveDomain {
                organization,
                domain,
                to,
            },
            DeleteDomain {
                organization,
                domain,
            },
        ))
        .await?;
    let (why_off, why_on) = (why_not.next(), why_not.next());
    let (end, button, why) = if is_off {
        ("/reactivate", "Switch on", why_on)
    } else {
        ("/deactivate", "Switch off", why_off)
    };
    let switch = Form::new("switch", path(visit, on, end), button)
        .why_not(why)
        .back(back);
    let nowhere = "There is no other workspace to move it to.".to_owned();
    let why = why_not
        .next()
        .or_else(|| choices.is_empty().then_some(nowhere));
    let moving = Form::new("move", path(visit, on, "/move"), "Move")
        .field(Field::one("to", "To workspace", choices))
        .why_not(why)
        .back(back);
    let delete = ask_first(
        "delete",
        path(visit, on, "/delete"),
        "Delete…",
        why_not.next(),
        back,
    );
    let workspace = all
        .items
        .iter()
        .find(|workspace| workspace.id == view.workspace);
    let page = Domain {
        name: view.name.to_string(),
        id: view.id.to_string(),
        kind: view.kind,
        is_off,
        created: say::day(view.created_at),
        workspace: workspace.map_or_else(|| "a workspace".to_owned(), |one| one.name.to_string()),
        workspace_path: visit.path(organization, &format!("{HERE}/{}", view.workspace)),
        switch,
        moving,
        delete,
        frame: visit
            .frame_in(&inside, view.name.as_str(), HERE, back)
            .await,
    };
    Ok((back.status(), page))
}
