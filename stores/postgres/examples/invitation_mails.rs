//! Invitation mails from the outbox, and no token in clear anywhere.
//!
//! ```text
//! cargo run -p tenancy-postgres --features sqlx --example invitation_mails
//! ```
//!
//! Whoever invites gets the link's token once, in the answer to the command. The library keeps its hash, and no
//! event holds it, so a worker that reads events can't mail the link by itself. Two ways:
//!
//! - Mail it at once, in the request that invites. Simple; if the mail server is away, somebody presses
//!   "resend", which makes a new link.
//! - As here: *seal* it with a key that only the host's processes have, and keep the sealed token in the same
//!   transaction as the invitation. The worker opens it, mails, and forgets it. Whoever reads the database
//!   (a backup, a support query) finds a hash and a sealed text, and neither opens a door.

#[path = "../tests/support/cluster.rs"]
mod cluster;

use std::error::Error;

use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use sqlx::{Executor as _, PgPool};
use tenancy::commands::{CreateOrganization, InviteToOrganization};
use tenancy::store::Outcome;
use tenancy::{
    Actor, CommitId, EmailAddress, Event, LogEntry, Name, OrganizationRole, Tenancy, UserId,
    VerifiedEmail,
};
use tenancy_postgres::{Outbox, PostgresRepository};

type Failure = Box<dyn Error + Send + Sync>;

/// What the host's processes share and the database never sees.
struct Seal(ChaCha20Poly1305);

impl Seal {
    fn with_a_new_key() -> Self {
        Self(ChaCha20Poly1305::new(&Key::<ChaCha20Poly1305>::generate()))
    }

    /// Good for this commit only: a sealed token that is moved to another row doesn't open.
    fn close(&self, commit: CommitId, token: &str) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let nonce = Nonce::generate();
        let commit = commit.as_uuid();
        let payload = Payload {
            msg: token.as_bytes(),
            aad: commit.as_bytes(),
        };
        let sealed = self.0.encrypt(&nonce, payload);
        Ok((nonce.to_vec(), sealed.map_err(|_| "it can't be sealed")?))
    }

    fn open(&self, commit: CommitId, nonce: &[u8], sealed: &[u8]) -> Result<String, Failure> {
        let commit = commit.as_uuid();
        let payload = Payload {
            msg: sealed,
            aad: commit.as_bytes(),
        };
        let nonce = Nonce::try_from(nonce).map_err(|_| "it is no nonce")?;
        let opened = self.0.decrypt(&nonce, payload);
        Ok(String::from_utf8(opened.map_err(|_| "it doesn't open")?)?)
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match cluster::database_for_an_example() {
        Some((_cluster, url)) => run(&url).await,
        None => Ok(()),
    }
}

pub(crate) async fn run(url: &str) -> Result<(), Failure> {
    let pool = PgPool::connect(url).await?;
    tenancy_postgres::migrate(&pool).await?;
    pool.execute(
        "CREATE TABLE IF NOT EXISTS sealed_tokens (
             commit uuid PRIMARY KEY, nonce bytea NOT NULL, sealed bytea NOT NULL)",
    )
    .await?;
    let tenancy = Tenancy::new(PostgresRepository::new(pool.clone()));
    let seal = Seal::with_a_new_key();

    let ann = person("ann")?;
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let acme = tenancy.execute(&ann, create).await?.output.organization;
    for who in ["bob", "carol"] {
        let command = InviteToOrganization {
            organization: acme,
            email: address(who)?,
            role: OrganizationRole::Member,
        };
        invite(&tenancy, &pool, &seal, &ann, command).await?;
        println!("Ann invites {who}; the request is over, and no mail is out yet.");
    }

    println!("\nThe worker starts. The mail server is away for its first attempt.");
    let outbox = Outbox::new(pool.clone());
    let mut attempts = 0_u32;
    for round in 1..=3 {
        let drained = outbox
            .drain(|entry| {
                attempts = attempts.saturating_add(1);
                let is_away = attempts == 2;
                mail(&pool, &seal, entry, is_away)
            })
            .await?;
        println!(
            "round {round}: {} delivered, {} failed",
            drained.delivered, drained.failed
        );
        tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    }
    let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM sealed_tokens")
        .fetch_one(&pool)
        .await?;
    let waiting = outbox.waiting().await?;
    println!("\n{left} sealed tokens are left, {waiting} entries wait.");
    if left == 0 && waiting == 0 {
        return Ok(());
    }
    Err("both mails are out after three rounds".into())
}

/// The invitation and its sealed token: both, or neither.
async fn invite(
    tenancy: &Tenancy<PostgresRepository>,
    pool: &PgPool,
    seal: &Seal,
    actor: &Actor,
    command: InviteToOrganization,
) -> Result<(), Failure> {
    loop {
        let decided = tenancy.prepare(actor, command.clone()).await?;
        let (Some(commit), Some(token)) = (decided.commit, decided.output.token) else {
            return Ok(());
        };
        let (nonce, sealed) = seal.close(commit.id(), &token.expose())?;
        let mut transaction = pool.begin().await?;
        sqlx::query("INSERT INTO sealed_tokens (commit, nonce, sealed) VALUES ($1, $2, $3)")
            .bind(commit.id().as_uuid())
            .bind(nonce)
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
        match PostgresRepository::apply(&mut transaction, &commit).await? {
            Outcome::Committed => return Ok(transaction.commit().await?),
            Outcome::Conflict => transaction.rollback().await?, // decide again
            Outcome::Taken(claim) => return Err(format!("{claim} is taken").into()),
        }
    }
}

/// What the worker does with each entry. It may be called twice for one: then the token is gone, and nobody
/// gets a second mail.
async fn mail(pool: &PgPool, seal: &Seal, entry: LogEntry, is_away: bool) -> Result<(), Failure> {
    let addressed = entry.events.iter().find_map(|event| match event {
        Event::InvitationSent { email, .. } => Some(email),
        _ => None,
    });
    let Some(email) = addressed else {
        return Ok(()); // other events interest other workers
    };
    let sealed: Option<(Vec<u8>, Vec<u8>)> =
        sqlx::query_as("SELECT nonce, sealed FROM sealed_tokens WHERE commit = $1")
            .bind(entry.id.as_uuid())
            .fetch_optional(pool)
            .await?;
    let Some((nonce, sealed)) = sealed else {
        return Ok(());
    };
    let token = seal.open(entry.id, &nonce, &sealed)?;
    if is_away {
        println!("  to {email}: the mail server is away");
        return Err("the mail server is away".into());
    }
    println!(
        "  to {email}: https://console.acme.example/join#{} …",
        excerpt(&token)
    );
    sqlx::query("DELETE FROM sealed_tokens WHERE commit = $1")
        .bind(entry.id.as_uuid())
        .execute(pool)
        .await?;
    Ok(())
}

/// Enough to see that it is there. A host's log shows nothing of it.
fn excerpt(token: &str) -> &str {
    token.get(..8).unwrap_or_default()
}

fn address(who: &str) -> Result<EmailAddress, Failure> {
    Ok(EmailAddress::new(&format!("{who}@acme.example"))?)
}

fn person(who: &str) -> Result<Actor, Failure> {
    let verified = VerifiedEmail::attest(address(who)?);
    Ok(Actor::user(UserId::from_external(who), verified))
}
