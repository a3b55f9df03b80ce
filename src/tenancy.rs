//! The façade: loads the facts, decides, commits, and tries again when somebody else was first.

use core::fmt;
use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use self::queue::Queue;
use crate::settings::Settings;
use crate::token::LinkKey;

// In the order in which the type's page shows what they give it.
mod builder;
mod everywhere;
mod execute;
mod queue;

mod checks;
mod pages;
mod reads;

mod lists;
pub(crate) mod mails;
mod reverse;

mod find;

pub(crate) mod block_on;
pub(crate) mod page;
#[cfg(feature = "tracing")]
mod trace;
pub mod views;

/// Everything a host calls: commands, checks, lists.
///
/// ```
/// # tenancy::block_on(async {
/// use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail, WorkspaceAction};
/// use tenancy::commands::CreateOrganization;
/// use tenancy::store::MemoryRepository;
///
/// let tenancy = Tenancy::new(MemoryRepository::new());
///
/// let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
///
/// let may = tenancy.check(&ann, (acme.organization, acme.workspace), WorkspaceAction::Rename).await?;
/// assert_eq!(may.to_string(), "allowed as organization Admin, by cascade");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It holds no state but the store's handle, and who waits [in line](Self::with_queue): make one at start, clone it
/// freely.
#[derive(Clone)]
pub struct Tenancy<R> {
    repository: R,
    settings: Settings,
    attempts: NonZeroU32,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    sleep: Sleep,
    queue: Option<Arc<Queue>>,
    link_keys: Arc<[LinkKey]>,
}

type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

impl<R: fmt::Debug> fmt::Debug for Tenancy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenancy")
            .field("repository", &self.repository)
            .field("settings", &self.settings)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
