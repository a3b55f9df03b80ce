//! The page that an invitation's link leads to. Looking at it changes nothing, so a mail scanner may.

use askama::Template;
use axum::Extension;
use axum::extract::{FromRequestParts, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde::Deserialize;
use std::sync::Arc;
use tenancy::commands::{AcceptInvitation, DeclineInvitation};
use tenancy::views::InvitationPreview;
use tenancy::{Actor, InvitationState, InvitationStatus, InvitationTarget, InvitationToken};
use tenancy_axum::Rejection;

use super::problem::escaped;
use crate::console::Console;
use crate::form::{Back, Field, Filled, Form, Look, Trouble};
use crate::frame::{Frame, Notice};
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{Visit, html};

#[derive(Template)]
#[template(path = "invitation.html")]
pub(crate) struct Invitation {
    frame: Frame,
    offer: Option<Offer>,
    /// Why there is nothing to accept.
    nothing: Option<String>,
    as_whom: Option<String>,
    wrong_account: Option<String>,
    sign_in: Option<String>,
    accept: Option<Form>,
    decline: Option<Form>,
}

struct Offer {
    organization: String,
    workspace: Option<String>,
    role: String,
    from: String,
    email: String,
    until: String,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    token: String,
}

/// Who looks: somebody who is signed in, or nobody yet.
pub(crate) enum Looking<H> {
    SignedIn(Box<Visit<H>>),
    Nobody { console: Arc<Console> },
}

impl<H: ConsoleHost> FromRequestParts<H> for Looking<H> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, host: &H) -> Result<Self, Response> {
        match host.sign_in(parts).await {
            Err(rejection) if rejection.status() == 401 => {
                let console = Extension::<Arc<Console>>::from_request_parts(parts, host).await;
                let Ok(Extension(console)) = console else {
                    return Err(StatusCodeOnly(StatusCode::INTERNAL_SERVER_ERROR).into());
                };
                Ok(Self::Nobody { console })
            }
            _ => Ok(Self::SignedIn(Box::new(
                Visit::from_request_parts(parts, host).await?,
            ))),
        }
    }
}

struct StatusCodeOnly(StatusCode);

impl From<StatusCodeOnly> for Response {
    fn from(status: StatusCodeOnly) -> Self {
        let mut response = Self::default();
        *response.status_mut() = status.0;
        response
    }
}

pub(crate) async fn show<H: ConsoleHost>(
    looking: Looking<H>,
    State(host): State<H>,
    Query(asked): Query<Asked>,
) -> Response {
    page(&looking, &host, &asked.token, &Back::nothing()).await
}

pub(crate) async fn accept<H: ConsoleHost>(
    visit: Visit<H>,
    State(host): State<H>,
    filled: Filled,
) -> Response {
    let Ok(token) = read(&filled) else {
        return visit.missing().await;
    };
    match visit.execute(&filled, AcceptInvitation { token }).await {
        Ok(done) => visit.to(&visit.path(done.output.organization, ""), "accepted"),
        Err(trouble) => come_back(visit, &host, "accept", filled, &trouble).await,
    }
}

pub(crate) async fn decline<H: ConsoleHost>(
    visit: Visit<H>,
    State(host): State<H>,
    filled: Filled,
) -> Response {
    let Ok(token) = read(&filled) else {
        return visit.missing().await;
    };
    match visit.execute(&filled, DeclineInvitation { token }).await {
        Ok(_) => visit.to(&visit.console.path(""), "declined"),
        Err(trouble) => come_back(visit, &host, "decline", filled, &trouble).await,
    }
}

fn read(filled: &Filled) -> Result<InvitationToken, tenancy::token::TokenError> {
    InvitationToken::parse(filled.get("token").unwrap_or_default())
}

async fn come_back<H: ConsoleHost>(
    visit: Visit<H>,
    host: &H,
    form: &str,
    filled: Filled,
    trouble: &Trouble,
) -> Response {
    let token = filled.get("token").unwrap_or_default().to_owned();
    let back = Back::of(form, filled, trouble);
    page(&Looking::SignedIn(Box::new(visit)), host, &token, &back).await
}

async fn page<H: ConsoleHost>(
    looking: &Looking<H>,
    host: &H,
    token: &str,
    back: &Back,
) -> Response {
    let made = made(looking, host, token, back).await;
    match (made, looking) {
        (Ok((status, page)), _) => html(status, &page),
        (Err(rejection), Looking::SignedIn(visit)) => {
            visit.page::<Invitation>(Err(rejection)).await
        }
        (Err(rejection), Looking::Nobody { console, .. }) => {
            super::problem::page(Frame::new(console, "Invitation"), &rejection)
        }
    }
}

async fn made<H: ConsoleHost>(
    looking: &Looking<H>,
    host: &H,
    text: &str,
    back: &Back,
) -> Result<(StatusCode, Invitation), Rejection> {
    let title = "Invitation";
    let (mut frame, console) = match looking {
        Looking::SignedIn(visit) => (visit.frame(title).await, visit.console.clone()),
        Looking::Nobody { console } => (Frame::new(console, title), console.clone()),
    };
    frame.notice = Notice::back(back).or(frame.notice);
    let nothing = |frame, status, sentence: String| {
        let page = Invitation {
            frame,
            offer: None,
            nothing: Some(sentence),
            as_whom: None,
            wrong_account: None,
            sign_in: None,
            accept: None,
            decline: None,
        };
        Ok((status, page))
    };
    let preview = match InvitationToken::parse(text) {
        Ok(token) => host
            .tenancy()
            .preview(&token)
            .await
            .map(|preview| (token, preview)),
        Err(_) => Err(tenancy::Refusal::InvitationNotFound.into()),
    };
    let (token, preview) = match preview {
        Ok(found) => found,
        Err(error) if error.http_status() == 404 => {
            let sentence = say::rejection(&error.into());
            return nothing(frame, StatusCode::NOT_FOUND, sentence);
        }
        Err(error) => return Err(error.into()),
    };
    let (organization, workspace, view) = match preview {
        InvitationPreview::Open {
            organization_name,
            workspace_name,
            invitation,
            ..
        } => (organization_name, workspace_name, invitation),
        InvitationPreview::Closed { state } => {
            let sentence = match state {
                InvitationState::Accepted => "This invitation was accepted already.",
                InvitationState::Declined => {
                    "This invitation was declined. Ask for a new one if you need it."
                }
                _ => "This invitation was taken back. Ask for a new one if you need it.",
            };
            return nothing(frame, StatusCode::GONE, sentence.to_owned());
        }
    };
    let names = Names::of(host, [view.inviter]).await;
    let built_in = match view.target {
        InvitationTarget::Organization { role } => role.to_string(),
        InvitationTarget::Workspace { role, .. } => role.to_string(),
    };
    let own = view.own_role_name.as_ref();
    let until = match view.status {
        InvitationStatus::Expired => format!("It expired on {}.", say::moment(view.expires_at)),
        _ => format!("It is open until {}.", say::moment(view.expires_at)),
    };
    let offer = Offer {
        organization: organization.to_string(),
        workspace: workspace.as_ref().map(ToString::to_string),
        role: own.map_or_else(
            || built_in.clone(),
            |own| format!("{own} ({built_in} and more)"),
        ),
        from: names.show(view.inviter),
        email: view.email.to_string(),
        until,
    };
    let mut page = Invitation {
        frame,
        offer: Some(offer),
        nothing: None,
        as_whom: None,
        wrong_account: None,
        sign_in: None,
        accept: None,
        decline: None,
    };
    match looking {
        Looking::Nobody { .. } => {
            let here = console.path(&format!("/invitation?token={}", escaped(text)));
            let sign_in = console.sign_in.as_ref();
            page.sign_in = sign_in.map(|path| format!("{path}?next={}", escaped(&here)));
        }
        Looking::SignedIn(visit) => {
            let shown = match &visit.actor {
                Actor::User { verified_email, .. } => verified_email.as_ref(),
                Actor::Operator(_) => None,
            };
            page.as_whom = page
                .frame
                .who
                .as_ref()
                .map(|who| format!("{} ({})", who.name, who.detail));
            if shown.is_some_and(|shown| shown.key() != view.email.key()) {
                page.wrong_account = Some(view.email.to_string());
            }
            let accept = AcceptInvitation {
                token: token.clone(),
            };
            let mut why_not = visit.why_not((accept, DeclineInvitation { token })).await?;
            let form = |id: &str, button: &str, why_not: Option<String>| {
                Form::new(id, console.path(&format!("/invitation/{id}")), button)
                    .field(Field::hidden("token", text))
                    .why_not(why_not)
                    .back(back)
            };
            page.accept = Some(form("accept", "Accept", why_not.next()).look(Look::Primary));
            page.decline = Some(form("decline", "Decline", why_not.next()));
        }
    }
    Ok((back.status(), page))
}
