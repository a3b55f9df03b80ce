//! An API on PostgreSQL, with rows of the host's own in the transactions that create organizations.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p tenancy-hosts --bin billing
//! ```
//!
//! Whoever signs up chooses a plan: the organization and its subscription are written together, or neither is. Everything
//! else about organizations is `tenancy-axum`'s router; what a plan costs is shown to whoever may view the invoicing.

use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use sqlx::PgPool;
use tenancy::commands::{CreateOrganization, CreatedOrganization};
use tenancy::store::Outcome;
use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Allowed, Host, Rejection, SignedIn, may, router};
use tenancy_postgres::{PostgresRepository, apply};

/// The host's own tables.
const TABLES: &str = "
CREATE TABLE IF NOT EXISTS sessions (token text PRIMARY KEY, user_id uuid NOT NULL, email text NOT NULL);
CREATE TABLE IF NOT EXISTS subscriptions (
    organization uuid PRIMARY KEY, plan text NOT NULL CHECK (plan IN ('team', 'company')))";

#[derive(Clone)]
pub(crate) struct App {
    tenancy: Arc<Tenancy<PostgresRepository>>,
    pool: PgPool,
}

impl Host for App {
    type Store = PostgresRepository;

    fn tenancy(&self) -> &Tenancy<PostgresRepository> {
        &self.tenancy
    }

    /// A bearer token of the host's sessions, whose addresses are verified.
    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        let header = request.headers.get("authorization");
        let token = header.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let token = token.ok_or_else(Rejection::signed_out)?;
        let session = sqlx::query_as("SELECT user_id, email FROM sessions WHERE token = $1")
            .bind(token)
            .fetch_optional(&self.pool);
        let session: Option<(sqlx::types::Uuid, String)> = session.await.map_err(rows)?;
        let (user, email) = session.ok_or_else(Rejection::signed_out)?;
        let email = email.parse().map_err(|_| Rejection::signed_out())?;
        Ok(Actor::user(
            UserId::from_uuid(user),
            VerifiedEmail::attest(email),
        ))
    }
}

#[derive(Deserialize)]
struct SignUp {
    name: Name,
    plan: String,
}

#[derive(Serialize)]
struct Subscription {
    plan: String,
}

/// Why the host's rows aren't written.
fn rows(error: sqlx::Error) -> Rejection {
    match error {
        sqlx::Error::Database(error) if error.is_check_violation() => {
            Rejection::invalid("plan", "there are two plans: `team` and `company`")
        }
        _ => Rejection::unavailable(),
    }
}

/// The organization and its subscription, in one transaction.
async fn sign_up(
    State(app): State<App>,
    SignedIn(actor): SignedIn,
    Json(SignUp { name, plan }): Json<SignUp>,
) -> Result<Json<CreatedOrganization>, Rejection> {
    let (pool, plan) = (&app.pool, plan.as_str());
    let create = CreateOrganization { name };
    let write = |commit, created: CreatedOrganization| async move {
        let mut transaction = pool.begin().await.map_err(rows)?;
        let outcome = apply(&mut transaction, &commit).await;
        let outcome = outcome.map_err(|_| Rejection::unavailable())?;
        if outcome == Outcome::Committed {
            let insert = "INSERT INTO subscriptions (organization, plan) VALUES ($1, $2)";
            let insert = sqlx::query(insert).bind(created.organization.as_uuid());
            let inserted = insert.bind(plan).execute(&mut *transaction).await;
            inserted.map_err(rows)?;
            transaction.commit().await.map_err(rows)?;
        }
        Ok::<_, Rejection>(outcome) // dropped, a transaction is rolled back
    };
    Ok(Json(
        app.tenancy
            .execute_with(&actor, create, write)
            .await?
            .output,
    ))
}

async fn subscription(
    State(app): State<App>,
    permit: Allowed<may::organization::ViewInvoicing>,
) -> Result<Json<Subscription>, Rejection> {
    let found = sqlx::query_as("SELECT plan FROM subscriptions WHERE organization = $1")
        .bind(permit.resource().organization().as_uuid())
        .fetch_optional(&app.pool);
    let found: Option<(String,)> = found.await.map_err(rows)?;
    let (plan,) =
        found.ok_or_else(|| Rejection::new(404, "no_subscription", "it has none".to_owned()))?;
    Ok(Json(Subscription { plan }))
}

pub(crate) async fn service(pool: PgPool) -> Result<Router, Box<dyn Error>> {
    tenancy_postgres::migrate(&pool).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let tenancy = Arc::new(Tenancy::new(PostgresRepository::new(pool.clone())));
    Ok(Router::new()
        .nest("/api", router())
        .route("/sign-up", post(sign_up))
        .route(
            "/organizations/{organization}/subscription",
            get(subscription),
        )
        .with_state(App { tenancy, pool }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let service = service(PgPool::connect(&url).await?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    Ok(axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await?)
}
