//! The handler that the workspace's README shows: it compiles, and answers as the README says.

use axum::Json;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use tenancy::commands::{CreateOrganization, RenameWorkspace};
use tenancy::{
    Actor, EmailAddress, Name, OrganizationId, Refusal, Tenancy, UserId, VerifiedEmail,
    WorkspaceId, block_on,
};
use tenancy_sqlite::SqliteRepository;

// What follows is in the README, to the letter.

async fn rename_workspace(
    State(tenancy): State<Tenancy<SqliteRepository>>,
    CurrentUser(actor): CurrentUser, // your extractor: session → Actor
    Path((organization, workspace)): Path<(OrganizationId, WorkspaceId)>,
    Json(name): Json<Name>, // a bad name is refused while the body is read
) -> Result<StatusCode, Problem> {
    let rename = RenameWorkspace {
        organization,
        workspace,
        name,
    };
    tenancy.execute(&actor, rename).await?;
    Ok(StatusCode::NO_CONTENT)
}

impl<E> From<tenancy::Error<E>> for Problem {
    fn from(error: tenancy::Error<E>) -> Self {
        let code = error.refusal().map_or("unavailable", Refusal::code);
        Self {
            status: error.http_status(),
            code,
            detail: error.to_string(),
        }
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

#[derive(Debug)]
struct Problem {
    status: u16,
    code: &'static str,
    detail: String,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status);
        let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, format!("{}: {}", self.code, self.detail)).into_response()
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
        block_on(renamed).map_err(|problem| (problem.status, problem.code, hidden(problem.detail)))
    };
    let done = asked("ann", acme.organization, acme.workspace);
    assert_eq!(done, Ok(StatusCode::NO_CONTENT));
    let hidden = asked("eve", acme.organization, acme.workspace);
    let absent = asked("eve", OrganizationId::new(), WorkspaceId::new());
    assert_eq!(hidden, absent);
    assert!(matches!(hidden, Err((404, "not_found", _))), "{hidden:?}");
}
