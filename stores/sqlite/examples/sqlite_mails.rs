//! Invitation mails from the outbox, and no token in clear anywhere.
//!
//! ```text
//! cargo run -p tenancy-sqlite --example sqlite_mails
//! ```
//!
//! Whoever invites gets the link's token once, in the answer to the command. The library keeps its hash, and no
//! event holds it, so a worker that reads events can't mail the link by itself. Two ways:
//!
//! - Mail it at once, in the request that invites. Simple; if the mail server is away, somebody presses
//!   "resend", which makes a new link.
//! - As here: *seal* it with a key that only the host's processes have, and keep the sealed token in the same
//!   transaction as the invitation. The worker opens it, mails, and forgets it. Whoever reads the file
//!   (a backup, a support query) finds a hash and a sealed text, and neither opens a door.
//!
//! Inviting the same address again, or resending, renews the invitation: its older link is dead. So there is one
//! sealed token for each invitation, the newest, which replaces the one before; and the worker mails it when it
//! comes to the commit that made it. It needs two kinds of events for that, `InvitationSent` and
//! `InvitationRenewed`; at the end of an invitation it forgets what may be left.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::num::NonZeroU32;
use std::time::Duration;

use chacha20poly1305::aead::{Aead as _, Generate as _, Key, KeyInit as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, Nonce};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior};
use tenancy::commands::{
    AcceptInvitation, Command, CreateOrganization, InviteToOrganization, Invited, ResendInvitation,
};
use tenancy::store::Outcome;
use tenancy::{
    Actor, CommitId, EmailAddress, Event, InvitationId, LogEntry, Name, OrganizationRole, Settings,
    Tenancy, UserId, VerifiedEmail, block_on,
};
use tenancy_sqlite::{SqliteRepository, apply};

type Failure = Box<dyn Error + Send + Sync>;

/// What the host's processes share and the file never holds.
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
    attempts: Cell<u32>,
    sent: RefCell<Vec<(String, String)>>,
}

impl MailServer {
    fn send(&self, to: &str, token: String) -> Result<(), Failure> {
        if self.attempts.replace(1) == 0 {
            println!("  to {to}: the mail server is away");
            return Err("the mail server is away".into());
        }
        let shown = token.get(..8).unwrap_or_default(); // a host's log shows nothing of it
        println!("  to {to}: https://console.acme.example/join#{shown} …");
        self.sent.borrow_mut().push((to.to_owned(), token));
        Ok(())
    }
}

fn main() -> Result<(), Failure> {
    let directory = tempfile::tempdir()?; // gone at the end
    let file = directory.path().join("tenancy.db");
    let repository = SqliteRepository::open(&file)?;
    let connection = Connection::open(&file)?;
    connection.pragma_update(None, "synchronous", "FULL")?; // as durable as the library's own
    connection.execute_batch(
        "CREATE TABLE sealed_tokens (
             invitation BLOB NOT NULL PRIMARY KEY, commit_id BLOB NOT NULL, email TEXT NOT NULL,
             nonce BLOB NOT NULL, sealed BLOB NOT NULL
         ) STRICT, WITHOUT ROWID",
    )?;
    let settings = Settings {
        resend_pause: Duration::ZERO, // the story doesn't wait the minute that a link stands
        ..Settings::default()
    };
    let tenancy = Tenancy::new(repository.clone()).with_settings(settings);
    let mut host = Host {
        tenancy: &tenancy,
        connection,
        seal: Seal::with_a_new_key(),
    };

    let ann = person("ann")?;
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let acme = block_on(tenancy.execute(&ann, create))?.output.organization;
    let mut invitation = None;
    for who in ["bob", "carol", "bob"] {
        let command = InviteToOrganization {
            organization: acme,
            email: address(who)?,
            role: OrganizationRole::Member,
        };
        let invited = host.invite(&ann, &command, &address(who)?)?;
        println!("Ann invites {who}; the request is over, and no mail is out yet.");
        if who == "bob" {
            invitation = Some(invited);
        }
    }
    let resend = ResendInvitation {
        organization: acme,
        invitation: invitation.ok_or("bob is invited")?,
    };
    host.invite(&ann, &resend, &address("bob")?)?;
    println!("She presses \"resend\" for bob.");

    println!("\nThe worker starts. The mail server is away for its first attempt.");
    let outbox = repository.outbox().retry_after(Duration::from_millis(100));
    let mails = MailServer::default();
    let hundred = NonZeroU32::new(100).ok_or("it is more than none")?;
    for round in 1..=3 {
        let delivery = block_on(outbox.deliver(hundred, |entry| host.mail(&mails, entry)))?;
        let (delivered, failed) = (delivery.delivered, delivery.failed.len());
        println!("round {round}: {delivered} delivered, {failed} failed");
        std::thread::sleep(Duration::from_millis(200));
    }

    // One mail each, with the link that works.
    let mut accepted = Vec::new();
    for (to, token) in mails.sent.into_inner() {
        let who = to.split('@').next().unwrap_or_default().to_owned();
        let command = AcceptInvitation {
            token: token.parse()?,
        };
        block_on(tenancy.execute(&person(&who)?, command))?;
        accepted.push(who);
    }
    println!(
        "\nBy the links in their mails, {} join.",
        accepted.join(" and ")
    );
    let left = host.sealed_tokens()?;
    let depth = block_on(outbox.depth())?;
    println!("{left} sealed tokens are left, {} failures.", depth.failing);
    if left == 0 && depth.failing == 0 && accepted == ["carol", "bob"] {
        return Ok(());
    }
    Err("both mails are out after three rounds".into())
}

/// What the host's requests and its worker share.
struct Host<'a> {
    tenancy: &'a Tenancy<SqliteRepository>,
    connection: Connection,
    seal: Seal,
}

impl Host<'_> {
    /// The invitation and its sealed token: both, or neither. An older token of the invitation goes, as its link
    /// does.
    fn invite<C>(
        &mut self,
        actor: &Actor,
        command: &C,
        email: &EmailAddress,
    ) -> Result<InvitationId, Failure>
    where
        C: Command<Output = Invited> + Clone,
    {
        loop {
            let decided = block_on(self.tenancy.prepare(actor, command.clone()))?;
            let invitation = decided.output.invitation;
            let (Some(commit), Some(token)) = (decided.commit, decided.output.token) else {
                return Ok(invitation);
            };
            let (nonce, sealed) = self.seal.close(invitation, &token.expose())?;
            let immediate = TransactionBehavior::Immediate;
            let transaction = self.connection.transaction_with_behavior(immediate)?;
            match apply(&transaction, &commit)? {
                Outcome::Committed => {}
                Outcome::Conflict => continue, // dropping it rolls back: decide again
                refused => return Err(format!("not made: {refused:?}").into()),
            }
            transaction.execute(
                "INSERT INTO sealed_tokens (invitation, commit_id, email, nonce, sealed) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (invitation) DO UPDATE
                 SET commit_id = excluded.commit_id, nonce = excluded.nonce, sealed = excluded.sealed",
                (
                    invitation.as_uuid().into_bytes(),
                    commit.id().as_uuid().into_bytes(),
                    email.as_str(),
                    nonce,
                    sealed,
                ),
            )?;
            transaction.commit()?;
            return Ok(invitation);
        }
    }

    /// What the worker does with each entry. It may be called twice for one: then the token is gone, and nobody
    /// gets a second mail.
    fn mail(&self, mails: &MailServer, entry: &LogEntry) -> Result<(), Failure> {
        for event in &entry.events {
            match event {
                Event::InvitationSent { invitation, .. }
                | Event::InvitationRenewed { invitation, .. } => {
                    self.mail_link(mails, *invitation, entry.id)?;
                }
                Event::InvitationAccepted { invitation, .. }
                | Event::InvitationDeclined { invitation, .. }
                | Event::InvitationRevoked { invitation, .. } => {
                    self.connection.execute(
                        "DELETE FROM sealed_tokens WHERE invitation = ?1",
                        [invitation.as_uuid().into_bytes()],
                    )?;
                }
                _ => {} // other events interest other workers
            }
        }
        Ok(())
    }

    /// Mails the link that a commit made, unless it is mailed, or a later commit has made another since.
    fn mail_link(
        &self,
        mails: &MailServer,
        invitation: InvitationId,
        commit: CommitId,
    ) -> Result<(), Failure> {
        let key = (
            invitation.as_uuid().into_bytes(),
            commit.as_uuid().into_bytes(),
        );
        let sealed: Option<(String, Vec<u8>, Vec<u8>)> = self
            .connection
            .query_row(
                "SELECT email, nonce, sealed FROM sealed_tokens WHERE invitation = ?1 AND commit_id = ?2",
                key,
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let Some((email, nonce, sealed)) = sealed else {
            return Ok(());
        };
        mails.send(&email, self.seal.open(invitation, &nonce, &sealed)?)?;
        self.connection.execute(
            "DELETE FROM sealed_tokens WHERE invitation = ?1 AND commit_id = ?2",
            key,
        )?;
        Ok(())
    }

    fn sealed_tokens(&self) -> Result<i64, Failure> {
        let count = "SELECT count(*) FROM sealed_tokens";
        Ok(self.connection.query_row(count, (), |row| row.get(0))?)
    }
}

fn address(who: &str) -> Result<EmailAddress, Failure> {
    Ok(EmailAddress::new(&format!("{who}@acme.example"))?)
}

fn person(who: &str) -> Result<Actor, Failure> {
    let verified = VerifiedEmail::attest(address(who)?);
    Ok(Actor::user(UserId::from_external(who), verified))
}
