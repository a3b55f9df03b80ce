//! A visit: who asks, of which host, for what.

use std::collections::VecDeque;
use std::str::FromStr;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequestParts, OriginalUri, Path, Query};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tenancy::commands::Request;
use tenancy::views::{Overview, OwnRoleView, PageKey};
use tenancy::{Actor, Done, OrganizationAction, OrganizationId, Paging, Tenancy, UserId};
use tenancy_axum::Rejection;

use crate::console::Console;
use crate::form::{Back, Filled, Trouble};
use crate::frame::{Around, Frame, Notice, Who, path};
use crate::pages::problem;
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;

/// Somebody who is signed in, and asks for a page or sends a form.
pub(crate) struct Visit<H> {
    pub(crate) host: H,
    pub(crate) actor: Actor,
    pub(crate) console: Arc<Console>,
    done: Option<String>,
    /// The organization that the page is in, as its address says.
    at: Option<OrganizationId>,
}

#[derive(Deserialize)]
struct Asked {
    done: Option<String>,
}

impl<H: ConsoleHost> FromRequestParts<H> for Visit<H> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, host: &H) -> Result<Self, Response> {
        let console = Extension::<Arc<Console>>::from_request_parts(parts, host).await;
        let Extension(console) = console.map_err(IntoResponse::into_response)?;
        let actor = match host.sign_in(parts).await {
            Ok(actor) => actor,
            Err(rejection) => {
                let uri = OriginalUri::from_request_parts(parts, host).await;
                let asked = uri.map(|uri| uri.0).unwrap_or_default();
                return Err(problem::not_signed_in(&console, &rejection, &asked));
            }
        };
        let asked = Query::<Asked>::from_request_parts(parts, host).await.ok();
        let mut segments = parts.uri.path().split('/');
        let at = segments.find(|segment| *segment == "organizations");
        let at = at.and_then(|_| segments.next()?.parse().ok());
        Ok(Self {
            at,
            host: host.clone(),
            actor,
            console,
            done: asked.and_then(|Query(asked)| asked.done),
        })
    }
}

/// The ids in a page's address. What is no id names nothing.
pub(crate) struct At<T>(pub(crate) T);

impl<H: ConsoleHost, T: DeserializeOwned + Send> FromRequestParts<H> for At<T> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, host: &H) -> Result<Self, Response> {
        let path: Result<Path<T>, PathRejection> = Path::from_request_parts(parts, host).await;
        let Ok(Path(ids)) = path else {
            let visit = Visit::<H>::from_request_parts(parts, host).await?;
            return Err(visit.missing().await);
        };
        Ok(Self(ids))
    }
}

impl<H: ConsoleHost> Visit<H> {
    pub(crate) fn tenancy(&self) -> &Tenancy<H::Store> {
        self.host.tenancy()
    }

    pub(crate) const fn is_operator(&self) -> bool {
        matches!(self.actor, Actor::Operator(_))
    }

    /// Whether that is who asks.
    pub(crate) fn is(&self, user: UserId) -> bool {
        self.actor.user_id() == Some(user)
    }

    /// A path inside an organization.
    pub(crate) fn path(&self, organization: OrganizationId, end: &str) -> String {
        path(&self.console, organization, end)
    }

    pub(crate) async fn names(&self, users: impl IntoIterator<Item = UserId>) -> Names {
        Names::of(&self.host, users).await
    }

    /// What stands around a page that is in no organization.
    pub(crate) async fn frame(&self, title: &str) -> Frame {
        let mut frame = Frame::new(&self.console, title);
        frame.who = Some(self.who().await);
        let done = self.done.as_deref().and_then(say::done);
        frame.notice = done.map(Notice::good);
        frame
    }

    async fn who(&self) -> Who {
        let (name, detail) = match &self.actor {
            Actor::Operator(operator) => {
                (operator.label().to_string(), "Vendor's staff".to_owned())
            }
            Actor::User { id, verified_email } => {
                let email = verified_email
                    .as_ref()
                    .map(|email| email.address().to_string());
                let email = email.unwrap_or_else(|| "address not verified".to_owned());
                (self.names([*id]).await.or(*id, &email), email)
            }
        };
        let initial = name.chars().find(|letter| letter.is_alphanumeric());
        Who {
            initial: initial.map_or_else(String::new, |letter| letter.to_uppercase().collect()),
            name,
            detail,
        }
    }

    /// The organization that a page is in, for whoever may view it.
    pub(crate) async fn inside(&self, organization: OrganizationId) -> Result<Inside, Rejection> {
        let overview = self.tenancy().overview(&self.actor, organization).await?;
        Ok(Inside { overview })
    }

    /// What stands around a page in an organization.
    pub(crate) async fn frame_in(
        &self,
        inside: &Inside,
        title: &str,
        here: &str,
        back: &Back,
    ) -> Frame {
        let mut frame = self.frame(title).await;
        frame.organization = Some(Around::of(&self.console, &inside.overview, here));
        frame.notice = Notice::back(back).or(frame.notice);
        frame
    }

    /// Does what a form asks for, once however often it is sent.
    pub(crate) async fn execute<Q: Request>(
        &self,
        filled: &Filled,
        request: Q,
    ) -> Result<Done<Q::Output>, Trouble> {
        if filled.key().trim().is_empty() {
            return Err(tenancy::Refusal::IdentityMissing.into());
        }
        let commit = self.actor.commit_id(filled.key());
        let done = self
            .tenancy()
            .execute_as(commit, &self.actor, request)
            .await;
        Ok(done?)
    }

    /// What stands in the way of each of these, in one load: for the buttons of a page.
    pub(crate) async fn why_not<Q: Request>(&self, request: Q) -> Result<WhyNot, Rejection> {
        let refusals = self.tenancy().why_not(&self.actor, request).await?;
        let why = refusals
            .iter()
            .map(|refusal| refusal.as_ref().map(say::refusal));
        Ok(WhyNot(why.collect()))
    }

    /// To a page, once a form is done: there, the word becomes a sentence.
    #[expect(clippy::unused_self, reason = "a visit is what goes somewhere")]
    pub(crate) fn to(&self, path: &str, done: &str) -> Response {
        let and = if path.contains('?') { '&' } else { '?' };
        Redirect::to(&format!("{path}{and}done={done}")).into_response()
    }

    /// A page, or why there is none.
    pub(crate) async fn page<T: Template>(
        &self,
        page: Result<(StatusCode, T), Rejection>,
    ) -> Response {
        match page {
            Ok((status, page)) => html(status, &page),
            Err(rejection) if rejection.status() == 404 => self.missing().await,
            Err(rejection) => {
                let mut frame = self.frame("Not possible").await;
                // Where they may be, the way on stays.
                if let Some(at) = self.at {
                    let inside = self.inside(at).await.ok();
                    let around =
                        inside.map(|inside| Around::of(&self.console, &inside.overview, "?"));
                    frame.organization = around;
                }
                problem::page(frame, &rejection)
            }
        }
    }

    /// The one page for what isn't there, and for what isn't theirs to see (A2).
    pub(crate) async fn missing(&self) -> Response {
        problem::missing(self.frame("Nothing here").await)
    }
}

/// An organization as the visitor sees it.
pub(crate) struct Inside {
    pub(crate) overview: Overview,
}

impl Inside {
    pub(crate) const fn id(&self) -> OrganizationId {
        self.overview.organization.id
    }

    pub(crate) fn roles(&self) -> &[OwnRoleView] {
        &self.overview.roles
    }

    pub(crate) fn may(&self, action: OrganizationAction) -> bool {
        self.overview.may.contains(&action)
    }
}

/// What stands in the way of the buttons of a page, one after the other.
pub(crate) struct WhyNot(VecDeque<Option<String>>);

impl WhyNot {
    pub(crate) fn next(&mut self) -> Option<String> {
        self.0.pop_front().flatten()
    }
}

/// The page of a list that a cursor begins; the first one, if there is none, or none that was ever given.
pub(crate) fn paging<K: PageKey + Copy>(limit: u32, cursor: Option<&str>) -> Paging<K> {
    let first = Paging::first(limit);
    let after = cursor.and_then(|cursor| first.from_cursor(cursor).ok());
    after.unwrap_or(first)
}

/// A value to ask "why not?" with, before anybody has typed one.
pub(crate) fn sample<T: FromStr>(text: &str) -> Result<T, Rejection> {
    text.parse().map_err(|_| Rejection::unavailable())
}

/// A page that is done.
pub(crate) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
