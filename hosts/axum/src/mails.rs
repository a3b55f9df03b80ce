//! Invitation mails, from the store's outbox: none is lost, and nobody waits for a mail server.

use std::fmt::Display;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use tenancy::{LogEntry, Mail};
use tokio::time::sleep;

use crate::host::{Host, People};

/// How long a worker rests when there is nothing to do.
const PAUSE: Duration = Duration::from_secs(1);

/// How long it rests at the most when the store fails.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// What sends a mail: a host's own way to its mail service.
///
/// ```
/// use tenancy::Mail;
/// use tenancy_axum::Mailer;
///
/// struct Printed;
///
/// impl Mailer for Printed {
///     type Error = std::convert::Infallible;
///
///     async fn send(&self, mail: &Mail, inviter: Option<&str>) -> Result<(), Self::Error> {
///         let (to, from) = (&mail.invitation.email, inviter.unwrap_or("somebody"));
///         println!("to {to}: {from} invites you to {}:", mail.organization_name);
///         println!("https://console.example/invitation#{}", *mail.token.expose());
///         Ok(())
///     }
/// }
/// ```
///
/// To a page of your own, put the token behind the `#` of the address: browsers keep that part to themselves, so that it gets
/// into no log of a server. `tenancy-console` runs no script that could read it there: its link is
/// `Console::invitation`. Let the page show [`preview`](tenancy::Tenancy::preview), and accept only when a button is pressed: programs that
/// look for viruses open every link in a mail.
pub trait Mailer: Send + Sync {
    /// Why a mail isn't sent. Its text is kept with the entry, of which it says what it waits for.
    type Error: Display + Send;

    /// Sends one mail. `inviter` is [`People::names`]' answer for whoever invites.
    ///
    /// A mail may be sent twice, if the program ends between the sending and the note of it: `mail.commit` and
    /// `mail.invitation.id` together name it, for a service that takes an idempotency key.
    ///
    /// # Errors
    ///
    /// Whatever keeps it from being sent now: the entry is handed out again, after a pause that grows.
    fn send(
        &self,
        mail: &Mail,
        inviter: Option<&str>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// A store's outbox, such as `tenancy_sqlite::Outbox` and `tenancy_postgres::Outbox` (features `sqlite` and `postgres`).
pub trait Outbox: Send + Sync {
    /// Some entries of one organization, this worker's for a while.
    type Batch: Send + Sync;
    /// Why the store failed.
    type Error: std::error::Error + Send;

    /// Takes what has waited longest; `None` if nothing is due.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn take(&self) -> impl Future<Output = Result<Option<Self::Batch>, Self::Error>> + Send;

    /// The entries, in order.
    fn entries(batch: &Self::Batch) -> &[LogEntry];

    /// Whether the batch is still this worker's.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn holds(&self, batch: &Self::Batch) -> impl Future<Output = Result<bool, Self::Error>> + Send;

    /// Notes how many of the entries were delivered, and what the next one failed with.
    ///
    /// # Errors
    ///
    /// Whatever fails in the store.
    fn settle(
        &self,
        batch: Self::Batch,
        delivered: u32,
        error: Option<String>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

macro_rules! outbox_of {
    ($feature:literal, $store:ident) => {
        #[cfg(feature = $feature)]
        impl Outbox for $store::Outbox<'_> {
            type Batch = $store::Batch;
            type Error = $store::Error;

            async fn take(&self) -> Result<Option<$store::Batch>, $store::Error> {
                const HUNDRED: core::num::NonZeroU32 =
                    core::num::NonZeroU32::MIN.saturating_add(99);
                (*self).take(HUNDRED).await
            }

            fn entries(batch: &$store::Batch) -> &[LogEntry] {
                batch.entries()
            }

            async fn holds(&self, batch: &$store::Batch) -> Result<bool, $store::Error> {
                (*self).holds(batch).await
            }

            async fn settle(
                &self,
                batch: $store::Batch,
                delivered: u32,
                error: Option<String>,
            ) -> Result<(), $store::Error> {
                let settled = (*self).settle(batch, delivered, error.as_deref());
                settled.await.map(drop)
            }
        }
    };
}

outbox_of!("sqlite", tenancy_sqlite);
outbox_of!("postgres", tenancy_postgres);

/// Mails the links of invitations, one after the other, until `stop` is ready: then it ends after the mail that it is at.
/// Run as many as you like, in as many processes.
///
/// The host's `Tenancy` needs a key for links ([`Tenancy::with_link_keys`](tenancy::Tenancy::with_link_keys)); without one
/// there is nothing to mail, as links are then known to nobody but whoever gets the command's answer.
///
/// It handles everything that the outbox hands out, so that a host that also tells other services runs this beside its own
/// worker only if it has an outbox of its own for that; else it calls [`Tenancy::mails`](tenancy::Tenancy::mails) in its
/// worker.
///
/// ```no_run
/// use tenancy_axum::{Host, Mailer, Outbox, People, mail_invitations};
///
/// async fn serve<H: Host + People>(app: H, outbox: impl Outbox, mailer: impl Mailer) {
///     let stop = async { /* such as tokio::signal::ctrl_c */ };
///     mail_invitations(&app, &outbox, &mailer, stop).await;
/// }
/// ```
pub async fn mail_invitations<H: Host + People, O: Outbox, M: Mailer>(
    host: &H,
    outbox: &O,
    mailer: &M,
    stop: impl Future<Output = ()> + Send,
) {
    let mut stop = pin!(stop);
    let mut failures = 0_u32;
    loop {
        let worked = match outbox.take().await {
            Ok(Some(batch)) => deliver(host, outbox, mailer, batch, stop.as_mut()).await,
            Ok(None) => Ok(Worked::Idle),
            Err(error) => Err(error),
        };
        let rest = match worked {
            Ok(Worked::Delivered) => continue, // others may be due
            Ok(Worked::Stopped) => return,
            Ok(Worked::Idle) => {
                failures = 0;
                PAUSE
            }
            Err(_) => {
                failures = failures.saturating_add(1).min(6);
                PAUSE.saturating_mul(1 << failures).min(LONGEST_PAUSE)
            }
        };
        tokio::select! {
            () = &mut stop => return,
            () = sleep(rest) => {}
        }
    }
}

/// What became of an attempt to work.
enum Worked {
    /// What was taken is delivered, or waits for its next attempt.
    Delivered,
    Idle,
    Stopped,
}

async fn deliver<H: Host + People, O: Outbox, M: Mailer>(
    host: &H,
    outbox: &O,
    mailer: &M,
    batch: O::Batch,
    mut stop: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Result<Worked, O::Error> {
    let mut delivered = 0_u32;
    for entry in O::entries(&batch) {
        if delivered > 0 && !outbox.holds(&batch).await? {
            break; // somebody else has it by now
        }
        if is_ready(stop.as_mut()).await {
            outbox.settle(batch, delivered, None).await?;
            return Ok(Worked::Stopped);
        }
        if let Err(error) = mail(host, mailer, entry).await {
            outbox.settle(batch, delivered, Some(error)).await?;
            return Ok(Worked::Delivered);
        }
        delivered = delivered.saturating_add(1);
    }
    outbox.settle(batch, delivered, None).await?;
    Ok(Worked::Delivered)
}

/// All mails of an entry.
async fn mail<H: Host + People, M: Mailer>(
    host: &H,
    mailer: &M,
    entry: &LogEntry,
) -> Result<(), String> {
    let mails = host.tenancy().mails(entry).await;
    for mail in mails.map_err(|error| error.to_string())? {
        let inviter = mail.invitation.inviter;
        let names = host.names(&[inviter]).await;
        let inviter = names.get(&inviter).map(String::as_str);
        let sent = mailer.send(&mail, inviter).await;
        sent.map_err(|error| error.to_string())?;
    }
    Ok(())
}

/// Whether it is ready now.
async fn is_ready(mut future: Pin<&mut (impl Future<Output = ()> + Send)>) -> bool {
    std::future::poll_fn(|context| Poll::Ready(future.as_mut().poll(context).is_ready())).await
}
