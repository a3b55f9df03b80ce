//! A service on SQLite: the console, the API, and a worker that mails invitations.
//!
//! ```text
//! cargo run -p tenancy-hosts --bin console -- console.db
//! ```
//! People sign in by a link in a mail, which proves that the address is theirs. Mails are printed instead of sent.

use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{Form, Path, State};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::response::{Html, IntoResponse, Redirect};
use axum::{Router, routing::get, serve};
use serde::Deserialize;
use tenancy::token::LinkKey;
use tenancy::{Actor, EmailAddress, Mail, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Host, Mailer, People, Rejection, mail_invitations};
use tenancy_console::Console;
use tenancy_sqlite::SqliteRepository;
use tokio::net::TcpListener;

#[derive(Clone)]
pub(crate) struct App {
    tenancy: Arc<Tenancy<SqliteRepository>>,
    /// By the secret that is in a link or in a cookie: the address that it proves.
    proven: Arc<Mutex<HashMap<String, EmailAddress>>>,
}

impl App {
    pub(crate) fn open(file: &str, key: LinkKey) -> Result<Self, tenancy_sqlite::Error> {
        let tenancy = Tenancy::new(SqliteRepository::open(file)?).with_link_keys([key]);
        let (tenancy, proven) = (Arc::new(tenancy), Arc::default());
        Ok(Self { tenancy, proven })
    }

    fn proven(&self) -> MutexGuard<'_, HashMap<String, EmailAddress>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new secret that proves that address.
    pub(crate) fn prove(&self, address: EmailAddress) -> Result<String, Rejection> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| Rejection::unavailable())?;
        let secret = format!("{:032x}", u128::from_ne_bytes(bytes));
        self.proven().insert(secret.clone(), address);
        Ok(secret)
    }
}

impl Host for App {
    type Store = SqliteRepository;

    fn tenancy(&self) -> &Tenancy<SqliteRepository> {
        &self.tenancy
    }

    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        let cookies = request.headers.get(COOKIE);
        let cookies = cookies.and_then(|value| value.to_str().ok());
        let mut cookies = cookies.unwrap_or_default().split("; ");
        let secret = cookies.find_map(|cookie| cookie.strip_prefix("session="));
        let email = secret.and_then(|secret| self.proven().get(secret).cloned());
        let email = VerifiedEmail::attest(email.ok_or_else(Rejection::signed_out)?);
        let user = UserId::from_external(email.key().as_str());
        Ok(Actor::user(user, email))
    }
}

impl People for App {
    async fn names(&self, _: &[UserId]) -> HashMap<UserId, String> {
        HashMap::new() // this host knows addresses only
    }
}

/// What mails would be, printed.
struct Printed;

impl Mailer for Printed {
    type Error = Infallible;

    async fn send(&self, mail: &Mail, _: Option<&str>) -> Result<(), Infallible> {
        let (to, token) = (&mail.invitation.email, mail.token.expose());
        let link = format!("http://127.0.0.1:3000/console/invitation?token={}", *token);
        println!("to {to}: {} invites you: {link}", mail.organization_name);
        Ok(())
    }
}

#[derive(Deserialize)]
pub(crate) struct Asked {
    address: EmailAddress,
}

const FORM: &str = "<!doctype html><title>Sign in</title><form method=post>
<label>Your address <input name=address type=email required></label> <button>Mail me a link</button></form>";
const PRESS: &str =
    "<!doctype html><title>Sign in</title><form method=post><button>Sign in</button>";
const LOOK: &str = "<!doctype html><title>Sign in</title><p>Look into your mails.";

async fn ask(
    State(app): State<App>,
    Form(Asked { address }): Form<Asked>,
) -> Result<Html<&'static str>, Rejection> {
    let secret = app.prove(address.clone())?;
    println!("to {address}: sign in: http://127.0.0.1:3000/sign-in/{secret}");
    Ok(Html(LOOK))
}

/// The link is used once; what proves the address from then on is another secret, in a cookie.
async fn enter(
    State(app): State<App>,
    Path(link): Path<String>,
) -> Result<impl IntoResponse, Rejection> {
    let address = app.proven().remove(&link);
    let secret = app.prove(address.ok_or_else(Rejection::signed_out)?)?;
    let cookie = format!("session={secret}; Path=/; HttpOnly; SameSite=Lax");
    Ok(([(SET_COOKIE, cookie)], Redirect::to("/console")))
}

pub(crate) fn service(app: App) -> Router {
    let console = Console::at("/console").sign_in("/sign-in");
    Router::new()
        .route("/sign-in", get(async || Html(FORM)).post(ask))
        .route("/sign-in/{link}", get(async || Html(PRESS)).post(enter))
        .nest("/api", tenancy_axum::router())
        .merge(tenancy_console::router(console))
        .with_state(app)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let file = std::env::args().nth(1).ok_or("usage: console FILE")?;
    let app = App::open(&file, LinkKey::generate()?)?; // a key that lasts is read from the host's secrets
    let worker = app.clone();
    let stop = || async { drop(tokio::signal::ctrl_c().await) };
    let mails = tokio::spawn(async move {
        let outbox = worker.tenancy.repository().outbox();
        mail_invitations(&worker, &outbox, &Printed, stop()).await;
    });
    let listener = TcpListener::bind("127.0.0.1:3000").await?;
    println!("open http://{}/sign-in", listener.local_addr()?);
    let serving = serve(listener, service(app));
    serving.with_graceful_shutdown(stop()).await?;
    Ok(mails.await?)
}
