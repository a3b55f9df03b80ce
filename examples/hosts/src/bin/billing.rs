//! An API on PostgreSQL, with rows of the host's own in the transactions that create organizations.
//!
//! ```text
//! DATABASE_URL=postgres://… cargo run -p tenancy-hosts --bin billing
//! ```
//!
//! Whoever signs up chooses a plan, and an organization that is created otherwise is on the team's: it and its subscription
//! are written together, or neither is. Everything else about organizations is `tenancy-axum`'s router.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::Arc;

use axum::extract::State;
use axum::http::request::Parts;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use sqlx::PgPool;
use tenancy::commands::{CreateOrganization, CreatedOrganization};
use tenancy::store::Outcome;
use tenancy::{Actor, Event, Name, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Allowed, Host, Rejection, SignedIn, may, router};
use tenancy_postgres::{PostgresRepository, apply};

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
    let write = |commit, created: CreatedOrganization| async move {
        let mut transaction = pool.begin().await.map_err(rows)?;
        let outcome = apply(&mut transaction, &commit).await;
        let outcome = outcome.map_err(|_| Rejection::unavailable())?;
        if outcome == Outcome::Committed {
            let insert = sqlx::query("INSERT INTO subscriptions VALUES ($1, $2)");
            let insert = insert.bind(created.organization.as_uuid()).bind(plan);
            insert.execute(&mut *transaction).await.map_err(rows)?;
            transaction.commit().await.map_err(rows)?;
        }
        Ok::<_, Rejection>(outcome) // dropped, a transaction is rolled back
    };
    let create = CreateOrganization { name };
    let done = app.tenancy.execute_with(&actor, create, write).await?;
    Ok(Json(done.output))
}

/// What an organization that wasn't signed up for is created with: by the router, or by anybody.
fn with_subscriptions(store: PostgresRepository) -> PostgresRepository {
    store.with_rows(|connection, commit| {
        Box::pin(async move {
            if let [Event::OrganizationCreated { .. }, ..] = *commit.entry.events {
                let team = sqlx::query("INSERT INTO subscriptions VALUES ($1, 'team')");
                let team = team.bind(commit.organization().as_uuid());
                team.execute(connection).await?;
            }
            Ok(())
        })
    })
}

/// For whoever may view the invoicing.
async fn subscription(
    State(app): State<App>,
    permit: Allowed<may::organization::ViewInvoicing>,
) -> Result<Json<BTreeMap<&'static str, String>>, Rejection> {
    let found = sqlx::query_as("SELECT plan FROM subscriptions WHERE organization = $1")
        .bind(permit.resource().organization().as_uuid())
        .fetch_one(&app.pool);
    let (plan,) = found.await.map_err(rows)?;
    Ok(Json([("plan", plan)].into()))
}

pub(crate) async fn service(pool: PgPool) -> Result<Router, Box<dyn Error>> {
    tenancy_postgres::migrate(&pool).await?;
    sqlx::raw_sql(TABLES).execute(&pool).await?;
    let store = with_subscriptions(PostgresRepository::new(pool.clone()));
    let tenancy = Arc::new(Tenancy::new(store));
    Ok(Router::new()
        .nest("/api", router())
        .route("/sign-up", post(sign_up))
        .route("/subscriptions/{organization}", get(subscription))
        .with_state(App { tenancy, pool }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "set DATABASE_URL")?;
    let service = service(PgPool::connect(&url).await?).await?;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    println!("listening on http://{}", listener.local_addr()?);
    let stop = async { drop(tokio::signal::ctrl_c().await) };
    let serving = axum::serve(listener, service).with_graceful_shutdown(stop);
    Ok(serving.await?)
}
