//! What a client is told when something isn't done: a problem (RFC 9457).

use core::fmt;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tenancy::{Error, Problem, Refusal};

/// Why a request isn't done, as its client is told: `application/problem+json`, with the members of a
/// [`Problem`](tenancy::Problem) and, of bad input, the field that it stands in.
///
/// `?` makes one of whatever [`Tenancy`](tenancy::Tenancy) fails with:
///
/// ```
/// use axum::Json;
/// use axum::extract::State;
/// use tenancy_axum::{Host, Rejection, SignedIn};
///
/// async fn how_many<H: Host>(State(host): State<H>, SignedIn(actor): SignedIn) -> Result<Json<usize>, Rejection> {
///     let organizations = host.tenancy().organizations(&actor, Default::default()).await?;
///     Ok(Json(organizations.items.len()))
/// }
/// ```
///
/// **A refusal of the host's own**, whoever makes the commit: what writes rows with each commit (`with_rows` of the stores)
/// looks at the commit and fails with a `Rejection`. The commit is undone, and the client is told this and no "try again
/// later", by the routers and by the console:
///
/// ```
/// use tenancy::Event;
/// use tenancy::store::Commit;
/// use tenancy_axum::Rejection;
///
/// /// Nobody is invited from elsewhere.
/// fn policy(commit: &Commit) -> Result<(), Rejection> {
///     let elsewhere = |event: &Event| match event {
///         Event::InvitationSent { email, .. } => !email.as_str().ends_with("@acme.example"),
///         _ => false,
///     };
///     if commit.entry.events.iter().any(elsewhere) {
///         return Err(Rejection::invalid("email", "people of acme.example only"));
///     }
///     Ok(())
/// }
/// ```
///
/// Whoever asks for what isn't theirs and for what isn't there gets the same bytes (A2): the answer to both names the
/// ids that the request named.
#[derive(Clone, Debug)]
pub struct Rejection(Box<Told>); // small, as every handler's answer holds one or not

#[derive(Clone, Debug, Serialize)]
struct Told {
    /// What the status is called.
    title: &'static str,
    #[serde(flatten)]
    problem: Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<String>,
    /// In how many seconds it is worth to ask again.
    #[serde(skip)]
    again: Option<u64>,
}

impl Rejection {
    /// Nobody is signed in: 401.
    #[must_use]
    pub fn signed_out() -> Self {
        Self::new(401, "signed_out", "sign in first".to_owned())
    }

    /// Something that the answer depends on doesn't answer, such as the store of sessions: 503.
    #[must_use]
    pub fn unavailable() -> Self {
        let mut rejection = Self::new(503, "unavailable", "try again later".to_owned());
        rejection.0.problem.retryable = true;
        rejection
    }

    /// What was sent can't be read: 422. The field is named as the client sent it, nested ones with dots.
    #[must_use]
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        let mut rejection = Self::new(422, "invalid", detail.into());
        rejection.0.field = Some(field.into()).filter(|field| !field.is_empty());
        rejection
    }

    /// The organization isn't as the client saw it: 412.
    pub(crate) fn changed() -> Self {
        let detail = "the organization has changed since you looked at it: look again, then decide";
        Self::new(412, "changed", detail.to_owned())
    }

    /// A problem of the host's own.
    #[must_use]
    pub fn new(status: u16, code: &'static str, detail: String) -> Self {
        let problem = Problem {
            status,
            code,
            detail,
            rule: None,
            command: None,
            retryable: false,
            refusal: None,
        };
        Self::of(problem)
    }

    fn of(problem: Problem) -> Self {
        let again = match &problem.refusal {
            Some(Refusal::ResentTooSoon { again_at } | Refusal::TooManyLinks { again_at, .. }) => {
                let left = again_at.timestamp().saturating_sub(now());
                Some(u64::try_from(left).unwrap_or(0).saturating_add(1))
            }
            _ => (problem.status == 503).then_some(1),
        };
        let title = StatusCode::from_u16(problem.status).ok();
        let title = title.and_then(|status| status.canonical_reason());
        Self(Box::new(Told {
            title: title.unwrap_or("Problem"),
            problem,
            field: None,
            again,
        }))
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.problem.status
    }

    /// The problem's code, which clients compare.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.problem.code
    }

    /// The sentence that people read.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.problem.detail
    }

    /// The refusal, if a rule said no.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        self.0.problem.refusal.as_ref()
    }

    /// The field that bad input stands in.
    #[must_use]
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }
}

/// As the rule or the store says; or as the host said, if the store failed because of a `Rejection` in its error.
impl<E: std::error::Error + 'static> From<Error<E>> for Rejection {
    fn from(error: Error<E>) -> Self {
        let mut source = match &error {
            Error::Store(store) => Some(store as &(dyn std::error::Error + 'static)),
            _ => None,
        };
        while let Some(cause) = source {
            if let Some(rejection) = cause.downcast_ref::<Self>() {
                return rejection.clone();
            }
            source = cause.source();
        }
        Self::of(error.problem())
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.detail())
    }
}

impl std::error::Error for Rejection {}

impl From<Refusal> for Rejection {
    fn from(refusal: Refusal) -> Self {
        Self::from(Error::<std::convert::Infallible>::Refused(refusal))
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.problem.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let again = self.0.again;
        let mut response = (status, axum::Json(&self.0)).into_response();
        let headers = response.headers_mut();
        let problem = HeaderValue::from_static("application/problem+json");
        headers.insert(CONTENT_TYPE, problem);
        if let Some(seconds) = again {
            headers.insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}

/// Seconds since 1970.
fn now() -> i64 {
    let since = std::time::UNIX_EPOCH.elapsed().unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
