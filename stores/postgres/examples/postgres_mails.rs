//! Invitation mails from the outbox, and nothing of a link in the database.
//!
//! ```text
//! cargo run -p tenancy-postgres --features sqlx --example postgres_mails
//! ```
//!
//! Whoever invites gets the link's token once, in the answer to the command, and the library keeps its hash. Two ways to
//! mail it:
//!
//! - At once, in the request that invites. Simple; if the mail server is away, somebody presses "resend", which makes
//!   a new link.
//! - As here: the links are made with a key that only the host's processes have (`Tenancy::with_link_keys`), so that
//!   a worker makes them again from the entries that the outbox hands out (`Tenancy::mails`). The request is over
//!   before any mail is out, and no mail is lost when the worker is killed.
//!
//! Inviting the same address again, or resending, renews the invitation: its older link is dead, and isn't mailed.

use std::error::Error;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tenancy::commands::{
    AcceptInvitation, CreateOrganization, InviteToOrganization, ResendInvitation,
};
use tenancy::token::LinkKey;
use tenancy::{
    Actor, CommitId, InvitationId, LogEntry, Mail, Name, OrganizationRole, Settings, Tenancy,
    UserId, VerifiedEmail,
};
use tenancy_postgres::PostgresRepository;

type Failure = Box<dyn Error + Send + Sync>;

/// A mail server that is away for the first mail, and that takes an idempotency key, as mail services do. What it sends,
/// it keeps.
#[derive(Default)]
struct MailServer {
    came: AtomicBool,
    sent: Mutex<Vec<((CommitId, InvitationId), Mail)>>,
}

impl MailServer {
    fn send(&self, mail: Mail) -> Result<(), Failure> {
        let to = &mail.invitation.email;
        if !self.came.swap(true, Ordering::Relaxed) {
            println!("  to {to}: the mail server is away");
            return Err("the mail server is away".into());
        }
        let key = (mail.commit, mail.invitation.id);
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        if sent.iter().all(|(known, _)| *known != key) {
            let shown = mail.token.expose();
            let shown = shown.get(..8).unwrap_or_default(); // a host's log shows nothing of it
            println!("  to {to}: https://console.acme.example/join#{shown} …");
            sent.push((key, mail));
        }
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    match tenancy_clusters::database_for_an_example() {
        Some((_cluster, url)) => run(&url).await,
        None => Ok(()),
    }
}

pub(crate) async fn run(url: &str) -> Result<(), Failure> {
    let pool = PgPool::connect(url).await?;
    tenancy_postgres::migrate(&pool).await?;
    let repository = PostgresRepository::new(pool);
    let settings = Settings {
        resend_pause: Duration::ZERO, // the story doesn't wait the minute that a link stands
        ..Settings::default()
    };
    let key = LinkKey::generate()?; // a host reads it from where its secrets are
    let tenancy = Tenancy::new(repository.clone())
        .with_settings(settings)
        .with_link_keys([key]);

    let ann = person("ann")?;
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let organization = tenancy.execute(&ann, create).await?.output.organization;
    let mut invited = Vec::new();
    for who in ["bob", "carol", "bob"] {
        let invite = InviteToOrganization {
            organization,
            email: format!("{who}@acme.example").parse()?,
            role: OrganizationRole::Member,
        };
        invited.push(tenancy.execute(&ann, invite).await?.output.invitation);
        println!("Ann invites {who}; the request is over, and no mail is out yet.");
    }
    let resend = ResendInvitation {
        organization,
        invitation: *invited.first().ok_or("bob is invited")?,
    };
    tenancy.execute(&ann, resend).await?;
    println!("She presses \"resend\" for bob.");

    println!("\nThe worker starts. The mail server is away for its first attempt.");
    let outbox = repository.outbox().retry_after(Duration::from_millis(100));
    let server = MailServer::default();
    let mail = async |entry: LogEntry| {
        for mail in tenancy.mails(&entry).await? {
            server.send(mail)?;
        }
        Ok::<_, Failure>(())
    };
    let hundred = NonZeroU32::new(100).ok_or("it is more than none")?;
    for round in 1..=3 {
        let delivery = outbox.deliver(hundred, &mail).await?;
        let (delivered, failed) = (delivery.delivered, delivery.failed.len());
        println!("round {round}: {delivered} delivered, {failed} failed");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    // One mail each, with the link that works.
    let mut accepted = Vec::new();
    for (_, mail) in server
        .sent
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        let who = mail.invitation.email.as_str().split('@').next();
        let who = who.unwrap_or_default().to_owned();
        let token = mail.token;
        tenancy
            .execute(&person(&who)?, AcceptInvitation { token })
            .await?;
        accepted.push(who);
    }
    println!(
        "\nBy the links in their mails, {} join.",
        accepted.join(" and ")
    );
    let failing = outbox.depth().await?.failing;
    println!("{failing} failures are left.");
    if failing == 0 && accepted == ["carol", "bob"] {
        return Ok(());
    }
    Err("both mails are out after three rounds".into())
}

fn person(who: &str) -> Result<Actor, Failure> {
    let verified = VerifiedEmail::attest(format!("{who}@acme.example").parse()?);
    Ok(Actor::user(UserId::from_external(who), verified))
}
