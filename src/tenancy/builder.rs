//! How a host sets it up.

use core::future::Future;
use core::num::NonZeroU32;
use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use super::Tenancy;
use super::queue::Queue;
use crate::command::whole_milliseconds;
use crate::commands::Drawing;
use crate::id::CommitId;
use crate::settings::Settings;
use crate::token::LinkKey;

impl<R> Tenancy<R> {
    /// On that store, with the rulebook's settings, the system's clock, and 8 attempts.
    #[must_use]
    pub fn new(repository: R) -> Self {
        Self {
            repository,
            settings: Settings::default(),
            attempts: NonZeroU32::new(8).unwrap_or(NonZeroU32::MIN),
            clock: Arc::new(|| SystemTime::now().into()),
            sleep: Arc::new(|_| Box::pin(yield_once())),
            queue: None,
            link_keys: Arc::default(),
        }
    }

    /// With the host's settings.
    #[must_use]
    pub fn with_settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// With another clock than the system's: for tests, and for hosts that have their own.
    ///
    /// ```
    /// use chrono::{TimeZone, Utc};
    /// use tenancy::store::MemoryRepository;
    /// use tenancy::Tenancy;
    ///
    /// let noon = Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap();
    /// let tenancy = Tenancy::new(MemoryRepository::new()).with_clock(move || noon);
    /// ```
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// With the host's way to wait between attempts, such as `tokio::time::sleep`. Without one, a lost
    /// race is tried again at once.
    #[must_use]
    pub fn with_sleep<F, Fut>(mut self, sleep: F) -> Self
    where
        F: Fn(Duration) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.sleep = Arc::new(move |duration| Box::pin(sleep(duration)));
        self
    }

    /// With another number of attempts before [`Error::Contended`](crate::Error::Contended).
    #[must_use]
    pub fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
        self
    }

    /// With a queue for each organization: its commands wait for each other within this process, in the order in which
    /// they came, instead of racing for the next version. Of many at once none is then
    /// [`Contended`](crate::Error::Contended) by another of this process, and each costs the store one load and one
    /// commit. Clones share the queue; other processes still race with this one.
    ///
    /// Commands of different organizations don't wait for each other, and nor do reads, checks and
    /// [`prepare`](Self::prepare).
    ///
    /// Whoever's turn it is must be polled to its end, or dropped: a future of [`execute`](Self::execute) that is kept
    /// and not polled, in a `select!` that loops say, holds up the commands behind it.
    ///
    /// ```
    /// use tenancy::store::MemoryRepository;
    /// use tenancy::Tenancy;
    ///
    /// let tenancy = Tenancy::new(MemoryRepository::new()).with_queue();
    /// ```
    #[must_use]
    pub fn with_queue(mut self) -> Self {
        self.queue = Some(Arc::new(Queue::new()));
        self
    }

    /// With keys of the host's by which links can be made again, and so mailed from the outbox ([`mails`](Self::mails)). The
    /// first makes new links; entries of the log that were made under another one are read with it. Without any, links
    /// are random, and known only to whoever gets the command's answer.
    ///
    /// Read them from where your service keeps its secrets: with a key that is drawn at the start
    /// ([`LinkKey::generate`](crate::token::LinkKey::generate)), what wasn't mailed before a restart is never mailed.
    ///
    /// ```
    /// use tenancy::store::MemoryRepository;
    /// use tenancy::token::LinkKey;
    /// use tenancy::Tenancy;
    ///
    /// # let (this_year, last_year) = ([7; 32], [6; 32]);
    /// let keys = [LinkKey::new(this_year), LinkKey::new(last_year)];
    /// let tenancy = Tenancy::new(MemoryRepository::new()).with_link_keys(keys);
    /// ```
    #[must_use]
    pub fn with_link_keys(mut self, keys: impl IntoIterator<Item = LinkKey>) -> Self {
        self.link_keys = keys.into_iter().collect();
        self
    }

    /// The store.
    #[must_use]
    pub const fn repository(&self) -> &R {
        &self.repository
    }

    /// The settings.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(super) fn drawing(&self, commit: CommitId) -> Drawing<'_> {
        Drawing {
            commit,
            link_key: self.link_keys.first(),
        }
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        whole_milliseconds((self.clock)())
    }
}

/// Lets whoever else runs on this thread go first, once.
fn yield_once() -> impl Future<Output = ()> + Send {
    let mut yielded = false;
    core::future::poll_fn(move |context| {
        if yielded {
            return core::task::Poll::Ready(());
        }
        yielded = true;
        context.waker().wake_by_ref();
        core::task::Poll::Pending
    })
}
