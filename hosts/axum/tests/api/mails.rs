//! Mails from the outbox: none is lost, whatever happens to the worker.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::request::Parts;
use tenancy::commands::{CreateOrganization, InviteToOrganization};
use tenancy::token::LinkKey;
use tenancy::{Actor, Mail, OrganizationRole, Tenancy, UserId};
use tenancy_axum::{Host, Mailer, People, Rejection, mail_invitations};
use tenancy_sqlite::SqliteRepository;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::client::{person, user};

#[derive(Clone)]
struct App(Arc<Tenancy<SqliteRepository>>);

impl Host for App {
    type Store = SqliteRepository;

    fn tenancy(&self) -> &Tenancy<SqliteRepository> {
        &self.0
    }

    async fn sign_in(&self, _: &Parts) -> Result<Actor, Rejection> {
        Err(Rejection::signed_out())
    }
}

impl People for App {
    async fn names(&self, users: &[UserId]) -> HashMap<UserId, String> {
        users
            .iter()
            .map(|user| (*user, "Ann of Acme".to_owned()))
            .collect()
    }
}

/// A mail service that fails, hangs, and takes an idempotency key.
#[derive(Clone, Default)]
struct Service {
    came: Arc<AtomicU32>,
    /// By key: to whom, from whom.
    sent: Arc<Mutex<HashMap<String, (String, String)>>>,
}

impl Mailer for Service {
    type Error = &'static str;

    async fn send(&self, mail: &Mail, inviter: Option<&str>) -> Result<(), &'static str> {
        match self.came.fetch_add(1, Ordering::Relaxed) {
            0 => return Err("the mail service is away"),
            3 => std::future::pending().await, // until somebody kills the worker
            _ => {}
        }
        let key = format!("{} {}", mail.commit, mail.invitation.id);
        let to = mail.invitation.email.as_str().to_owned();
        let from = inviter.unwrap_or_default().to_owned();
        self.sent.lock().unwrap().insert(key, (to, from));
        Ok(())
    }
}

async fn app(invited: u32) -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteRepository::open(folder.path().join("tenancy.db")).unwrap();
    let tenancy = Tenancy::new(store).with_link_keys([LinkKey::new([7; 32])]);
    let app = App(Arc::new(tenancy));
    let create = CreateOrganization {
        name: "Acme".parse().unwrap(),
    };
    let acme = app.0.execute(&person("ann"), create).await.unwrap().output;
    for number in 0..invited {
        let invite = InviteToOrganization {
            organization: acme.organization,
            email: format!("p{number}@acme.example").parse().unwrap(),
            role: OrganizationRole::Member,
        };
        app.0.execute(&person("ann"), invite).await.unwrap();
    }
    assert_eq!(user("ann"), person("ann").user_id().unwrap());
    (app, folder)
}

fn work(app: &App, service: &Service) -> (oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let (app, service) = (app.clone(), service.clone());
    let worker = tokio::spawn(async move {
        let outbox = app.0.repository().outbox();
        let outbox = outbox
            .lease(Duration::from_millis(300))
            .retry_after(Duration::from_millis(10));
        mail_invitations(&app, &outbox, &service, async { drop(stopped.await) }).await;
    });
    (stop, worker)
}

async fn until(what: &str, is: impl Fn() -> bool) {
    let waited = timeout(Duration::from_mins(1), async {
        while !is() {
            sleep(Duration::from_millis(20)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

#[tokio::test]
async fn a_worker_that_is_killed_loses_no_mail_and_one_that_is_stopped_ends() {
    let (app, _folder) = app(6).await;
    let service = Service::default();
    let (_stop, worker) = work(&app, &service);
    until("the fourth mail hangs", || {
        service.came.load(Ordering::Relaxed) == 4
    })
    .await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
    assert_eq!(service.sent.lock().unwrap().len(), 2);

    let (stop, worker) = work(&app, &service);
    until("all are mailed", || service.sent.lock().unwrap().len() == 6).await;
    stop.send(()).unwrap();
    timeout(Duration::from_mins(1), worker)
        .await
        .expect("it stops")
        .unwrap();

    let mut to: Vec<_> = service.sent.lock().unwrap().values().cloned().collect();
    to.sort();
    let expected =
        (0..6).map(|number| (format!("p{number}@acme.example"), "Ann of Acme".to_owned()));
    assert_eq!(to, expected.collect::<Vec<_>>());
    let depth = app.0.repository().outbox().depth().await.unwrap();
    assert_eq!(depth.entries, 0, "what was mailed is done");
}

#[tokio::test]
async fn a_worker_that_is_stopped_between_two_mails_leaves_the_rest_for_the_next() {
    let (app, _folder) = app(2).await;
    let service = Service::default();
    service.came.store(10, Ordering::Relaxed);
    let outbox = app.0.repository().outbox().retry_after(Duration::ZERO);
    mail_invitations(&app, &outbox, &service, std::future::ready(())).await;
    assert!(service.sent.lock().unwrap().is_empty());
    let batch = outbox
        .take(NonZeroU32::MIN)
        .await
        .unwrap()
        .expect("nothing is lost");
    assert!(!batch.entries().is_empty());
}
