//! The console by itself, with people and an organization to look at: `cargo run -p tenancy-console`.

mod desk;
mod people;
mod seed;

use std::error::Error;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use tenancy::Tenancy;
use tenancy::store::Directory;
use tenancy::token::LinkKey;
use tenancy_axum::mail_invitations;
use tenancy_sqlite::{Calls, Durability, Options, SqliteRepository};
use tokio::net::TcpListener;

use crate::desk::Desk;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(feature = "postgres")]
    if let Ok(url) = std::env::var("DATABASE_URL") {
        let pool = sqlx::PgPool::connect(&url).await?;
        tenancy_postgres::migrate(&pool).await?;
        say("It keeps everything in PostgreSQL, where it was told to.");
        let store = tenancy_postgres::PostgresRepository::new(pool);
        let mails = async |desk: Desk<tenancy_postgres::PostgresRepository>| {
            let outbox = desk.tenancy.repository().outbox();
            mail_invitations(&desk, &outbox, desk.outbox(), stopped()).await;
        };
        return serve(store, mails).await;
    }
    let directory = tempfile::tempdir()?; // gone at the end
    let options = Options {
        calls: Calls::OnThreads,
        durability: Durability::ProcessCrash, // nothing here outlives the process
        ..Options::default()
    };
    let file = directory.path().join("tenancy.db");
    let store = SqliteRepository::open_with(&file, &options)?;
    say(&format!(
        "It keeps everything in {}, until it stops.",
        file.display()
    ));
    let mails = async |desk: Desk<SqliteRepository>| {
        let outbox = desk.tenancy.repository().outbox();
        mail_invitations(&desk, &outbox, desk.outbox(), stopped()).await;
    };
    serve(store, mails).await
}

async fn serve<R>(store: R, mails: impl AsyncFnOnce(Desk<R>)) -> Result<(), Box<dyn Error>>
where
    R: Directory<Error: Error + Send + Sync + 'static> + Clone + Send + Sync + 'static,
{
    let tenancy = Tenancy::new(store).with_link_keys([LinkKey::generate()?]);
    let desk = Desk::new(tenancy);
    let acme = seed::plant(&desk).await?;
    let listener = listen().await?;
    let address = listener.local_addr()?;
    say(&format!(
        "Open http://{address} (the organization to look at is {acme})"
    ));
    let app = desk::app(desk.clone(), acme);
    let serving = axum::serve(listener, app).with_graceful_shutdown(stopped());
    let (served, ()) = tokio::join!(serving.into_future(), mails(desk));
    served?;
    say("Stopped.");
    Ok(())
}

/// Tells whoever started it; nobody may be listening any more.
fn say(words: &str) {
    let _ = writeln!(std::io::stdout(), "{words}");
}

/// On `PORT`, or 3000; on any other one if that is taken.
async fn listen() -> Result<TcpListener, std::io::Error> {
    let port = std::env::var("PORT")
        .ok()
        .and_then(|port| port.parse().ok());
    let asked = SocketAddr::from((Ipv4Addr::LOCALHOST, port.unwrap_or(3000)));
    match TcpListener::bind(asked).await {
        Ok(listener) => Ok(listener),
        Err(_) => TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await,
    }
}

async fn stopped() {
    // Without signals it runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
