//! Invitation mails from the outbox, and no token in clear anywhere.
//!
//! ```text
//! cargo run -p tenancy-postgres --features sqlx --example postgres_mails
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
//!
//! Inviting the same address again, or resending, renews the invitation: its older link is dead. So there is one sealed
//! token for each invitation, the newest, which replaces the one before; and the worker mails it when it comes to the
//! commit that made it. It needs two kinds of events for that, `InvitationSent` and `InvitationRenewed`; at the end of
//! an invitation it forgets what may be left.

#[path = "../tests/support/cluster.rs"]
mod cluster;

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use sqlx::{Executor as _, PgPool};
use tenancy::commands::{
    AcceptInvitation, Command, CreateOrganization, InviteToOrganization, Invited, ResendInvitation,
};
use tenancy::store::Outcome;
use tenancy::{
    Actor, CommitId, EmailAddress, Event, InvitationId, LogEntry, Name, OrganizationRole, Settings,
    Tenancy, UserId, VerifiedEmail,
};
use tenancy_postgres::{PostgresRepository, apply};

type Failure = Box<dyn Error + Send + Sync>;

/// What the host's processes share and the database never sees.
struct Seal(ChaCha20Poly1305);

impl Seal {
    fn with_a_new_key() -> Self {
        Self(ChaCha20Poly1305::new(&Key::<ChaCha20Poly1305>::generate()))
    }

    /// Good for this invitation only: a sealed token that is moved to another row doesn't open.
    fn close(&self, invitation: InvitationId, token: &str) -> Result<(Vec<u8>, Vec<u8>), Failure> {
        let nonce = Nonce::generate();
        let invitation = invitation.as_uuid();
        let payload = Payload {
            msg: token.as_bytes(),
            aad: invitation.as_bytes(),
        };
        let sealed = self.0.encrypt(&nonce, payload);
        Ok((nonce.to_vec(), sealed.map_err(|_| "it can't be sealed")?))
    }

    fn open(
        &self,
        invitation: InvitationId,
        nonce: &[u8],
        sealed: &[u8],
    ) -> Result<String, Failure> {
        let invitation = invitation.as_uuid();
        let payload = Payload {
            msg: sealed,
            aad: invitation.as_bytes(),
        };
        let nonce = Nonce::try_from(nonce).map_err(|_| "it is no nonce")?;
        let opened = self.0.decrypt(&nonce, payload);
        Ok(String::from_utf8(opened.map_err(|_| "it doesn't open")?)?)
    }
}

/// A mail server that is away for the first mail. What it sends, it keeps.
#[derive(Default)]
struct MailServer {
    attempts: AtomicU32,
    sent: Mutex<Vec<(String, String)>>,
}

impl MailServer {
    fn send(&self, to: &str, token: String) -> Result<(), Failure> {
        if self.attempts.fetch_add(1, Ordering::Relaxed) == 0 {
            println!("  to {to}: the mail server is away");
            return Err("the mail server is away".into());
        }
        let shown = token.get(..8).unwrap_or_default(); // a host's log shows nothing of it
        println!("  to {to}: https://console.acme.example/join#{shown} …");
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        sent.push((to.to_owned(), token));
        Ok(())
    }

    fn sent(self) -> Vec<(String, String)> {
        self.sent
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
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
             invitation uuid PRIMARY KEY, commit uuid NOT NULL, email text NOT NULL,
             nonce bytea NOT NULL, sealed bytea NOT NULL)",
    )
    .await?;
    let repository = PostgresRepository::new(pool.clone());
    let settings = Settings {
        resend_pause: Duration::ZERO, // the story doesn't wait the minute that a link stands
        ..Settings::default()
    };
    let tenancy = Tenancy::new(repository.clone()).with_settings(settings);
    let host = Host {
        tenancy: &tenancy,
        pool: &pool,
        seal: Seal::with_a_new_key(),
    };

    let ann = person("ann")?;
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let acme = tenancy.execute(&ann, create).await?.output.organization;
    let mut invitation = None;
    for who in ["bob", "carol", "bob"] {
        let command = InviteToOrganization {
            organization: acme,
            email: address(who)?,
            role: OrganizationRole::Member,
        };
        let invited = host.invite(&ann, command, &address(who)?).await?;
        println!("Ann invites {who}; the request is over, and no mail is out yet.");
        if who == "bob" {
            invitation = Some(invited);
        }
    }
    let resend = ResendInvitation {
        organization: acme,
        invitation: invitation.ok_or("bob is invited")?,
    };
    host.invite(&ann, resend, &address("bob")?).await?;
    println!("She presses \"resend\" for bob.");

    println!("\nThe worker starts. The mail server is away for its first attempt.");
    let outbox = repository.outbox().retry_after(Duration::from_millis(100));
    let mails = MailServer::default();
    let hundred = NonZeroU32::new(100).ok_or("it is more than none")?;
    for round in 1..=3 {
        let delivery = outbox
            .deliver(hundred, |entry| host.mail(&mails, entry))
            .await?;
        let (delivered, failed) = (delivery.delivered, delivery.failed.len());
        println!("round {round}: {delivered} delivered, {failed} failed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    // One mail each, with the link that works.
    let mut accepted = Vec::new();
    for (to, token) in mails.sent() {
        let who = to.split('@').next().unwrap_or_default().to_owned();
        let command = AcceptInvitation {
            token: token.parse()?,
        };
        tenancy.execute(&person(&who)?, command).await?;
        accepted.push(who);
    }
    println!(
        "\nBy the links in their mails, {} join.",
        accepted.join(" and ")
    );
    let left = host.sealed_tokens().await?;
    let depth = outbox.depth().await?;
    println!("{left} sealed tokens are left, {} failures.", depth.failing);
    if left == 0 && depth.failing == 0 && accepted == ["carol", "bob"] {
        return Ok(());
    }
    Err("both mails are out after three rounds".into())
}

/// What the host's requests and its worker share.
struct Host<'a> {
    tenancy: &'a Tenancy<PostgresRepository>,
    pool: &'a PgPool,
    seal: Seal,
}

impl Host<'_> {
    /// The invitation and its sealed token: both, or neither. An older token of the invitation goes, as its link does.
    async fn invite<C>(
        &self,
        actor: &Actor,
        command: C,
        email: &EmailAddress,
    ) -> Result<InvitationId, Failure>
    where
        C: Command<Output = Invited> + Clone,
    {
        loop {
            let decided = self.tenancy.prepare(actor, command.clone()).await?;
            let invitation = decided.output.invitation;
            let (Some(commit), Some(token)) = (decided.commit, decided.output.token) else {
                return Ok(invitation);
            };
            let (nonce, sealed) = self.seal.close(invitation, &token.expose())?;
            let mut transaction = self.pool.begin().await?;
            sqlx::query(
                "INSERT INTO sealed_tokens (invitation, commit, email, nonce, sealed) VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (invitation) DO UPDATE
                 SET commit = excluded.commit, nonce = excluded.nonce, sealed = excluded.sealed",
            )
            .bind(invitation.as_uuid())
            .bind(commit.id().as_uuid())
            .bind(email.as_str())
            .bind(nonce)
            .bind(sealed)
            .execute(&mut *transaction)
            .await?;
            match apply(&mut transaction, &commit).await? {
                Outcome::Committed => {
                    transaction.commit().await?;
                    return Ok(invitation);
                }
                Outcome::Conflict => transaction.rollback().await?, // decide again
                refused => return Err(format!("not made: {refused:?}").into()),
            }
        }
    }

    /// What the worker does with each entry. It may be called twice for one: then the token is gone, and nobody gets a
    /// second mail.
    async fn mail(&self, mails: &MailServer, entry: LogEntry) -> Result<(), Failure> {
        for event in &entry.events {
            match event {
                Event::InvitationSent { invitation, .. }
                | Event::InvitationRenewed { invitation, .. } => {
                    self.mail_link(mails, *invitation, entry.id).await?;
                }
                Event::InvitationAccepted { invitation, .. }
                | Event::InvitationDeclined { invitation, .. }
                | Event::InvitationRevoked { invitation, .. } => {
                    sqlx::query("DELETE FROM sealed_tokens WHERE invitation = $1")
                        .bind(invitation.as_uuid())
                        .execute(self.pool)
                        .await?;
                }
                _ => {} // other events interest other workers
            }
        }
        Ok(())
    }

    /// Mails the link that a commit made, unless it is mailed, or a later commit has made another since.
    async fn mail_link(
        &self,
        mails: &MailServer,
        invitation: InvitationId,
        commit: CommitId,
    ) -> Result<(), Failure> {
        let sealed: Option<(String, Vec<u8>, Vec<u8>)> = sqlx::query_as(
            "SELECT email, nonce, sealed FROM sealed_tokens WHERE invitation = $1 AND commit = $2",
        )
        .bind(invitation.as_uuid())
        .bind(commit.as_uuid())
        .fetch_optional(self.pool)
        .await?;
        let Some((email, nonce, sealed)) = sealed else {
            return Ok(());
        };
        mails.send(&email, self.seal.open(invitation, &nonce, &sealed)?)?;
        sqlx::query("DELETE FROM sealed_tokens WHERE invitation = $1 AND commit = $2")
            .bind(invitation.as_uuid())
            .bind(commit.as_uuid())
            .execute(self.pool)
            .await?;
        Ok(())
    }

    async fn sealed_tokens(&self) -> Result<i64, Failure> {
        let (left,): (i64,) = sqlx::query_as("SELECT count(*) FROM sealed_tokens")
            .fetch_one(self.pool)
            .await?;
        Ok(left)
    }
}

fn address(who: &str) -> Result<EmailAddress, Failure> {
    Ok(EmailAddress::new(&format!("{who}@acme.example"))?)
}

fn person(who: &str) -> Result<Actor, Failure> {
    let verified = VerifiedEmail::attest(address(who)?);
    Ok(Actor::user(UserId::from_external(who), verified))
}
