//! The handler that the workspace's README shows: it compiles, and answers as the README says.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use tenancy::commands::{CreateOrganization, RenameWorkspace};
use tenancy::{
    Actor, EmailAddress, Name, OrganizationId, Tenancy, UserId, VerifiedEmail, WorkspaceId,
    block_on,
};
use tenancy_sqlite::SqliteRepository;

// What follows is in the README, to the letter.

async fn rename_workspace(
    State(tenancy): State<Tenancy<SqliteRepository>>,
    CurrentUser(actor): CurrentUser, // your extractor: session → Actor
    Path((organization, workspace)): Path<(OrganizationId, WorkspaceId)>,
    Json(name): Json<Name>, // a bad name is refused while the body is read
) -> Result<StatusCode, ApiError> {
    let rename = RenameWorkspace {
        organization,
        workspace,
        name,
    };
    tenancy.execute(&actor, rename).await?;
    Ok(StatusCode::NO_CONTENT)
}

struct ApiError(tenancy::Problem); // RFC 9457

impl<E> From<tenancy::Error<E>> for ApiError {
    fn from(error: tenancy::Error<E>) -> Self {
        Self(error.problem())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let is_a_problem = [(header::CONTENT_TYPE, "application/problem+json")];
        (status, is_a_problem, Json(self.0)).into_response()
    }
}

// The rest is the host's own.

struct CurrentUser(Actor);

impl<S: Sync> FromRequestParts<S> for CurrentUser {
    type Rejection = StatusCode;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, StatusCode> {
        let user = parts
            .headers
            .get("user")
            .and_then(|user| user.to_str().ok());
        let user = user.ok_or(StatusCode::UNAUTHORIZED)?;
        let email = EmailAddress::new(&format!("{user}@acme.example"));
        let email = email.map_err(|_| StatusCode::UNAUTHORIZED)?;
        let email = VerifiedEmail::attest(email);
        Ok(Self(Actor::user(UserId::from_external(user), email)))
    }
}

#[test]
fn the_readme_shows_this_handler() {
    let between = |text: &'static str, from: &str, to: &str| {
        let (_, rest) = text.split_once(from).expect(from);
        rest.split_once(to).expect(to).0.trim().to_owned()
    };
    let readme = include_str!("../../../../README.md");
    let shown = between(readme, "```rust,ignore\n", "```");
    let here = between(
        include_str!("readme.rs"),
        "to the letter.\n",
        "// The rest is",
    );
    assert_eq!(shown, here);
}

#[test]
fn who_may_not_see_a_thing_gets_the_answer_of_what_does_not_exist() {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteRepository::open(directory.path().join("tenancy.db")).unwrap();
    let tenancy = Tenancy::new(store);
    let actor = |user: &str| {
        let email = EmailAddress::new(&format!("{user}@acme.example")).unwrap();
        Actor::user(UserId::from_external(user), VerifiedEmail::attest(email))
    };
    let name = Name::new("Acme").unwrap();
    let acme = block_on(tenancy.execute(&actor("ann"), CreateOrganization { name }));
    let acme = acme.unwrap().output;
    let asked = |user: &str, organization, workspace| {
        let renamed = rename_workspace(
            State(tenancy.clone()),
            CurrentUser(actor(user)),
            Path((organization, workspace)),
            Json(Name::new("Payments").unwrap()),
        );
        let ids = [organization.to_string(), workspace.to_string()];
        let hidden = |detail: String| detail.replace(&ids[0], "…").replace(&ids[1], "…");
        block_on(renamed).map_err(|error| {
            let response = error.into_response();
            let kind = response.headers().get(header::CONTENT_TYPE).cloned();
            assert_eq!(kind.unwrap(), "application/problem+json");
            let status = response.status();
            let body = block_on(axum::body::to_bytes(response.into_body(), 10_000)).unwrap();
            (status, hidden(String::from_utf8(body.to_vec()).unwrap()))
        })
    };
    let done = asked("ann", acme.organization, acme.workspace);
    assert_eq!(done, Ok(StatusCode::NO_CONTENT));
    let hidden = asked("eve", acme.organization, acme.workspace);
    let absent = asked("eve", OrganizationId::new(), WorkspaceId::new());
    assert_eq!(hidden, absent);
    let (status, body) = hidden.unwrap_err();
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(body.contains(r#""code":"not_found""#), "{body}");
}
