//! The façade: loads the facts, decides, commits, and tries again when somebody else was first.

use core::fmt;
use core::future::Future;
use core::num::NonZeroU32;
use core::pin::Pin;
use core::time::Duration;
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};

use crate::actor::Actor;
use crate::command::{Circumstances, Command, Decided, Fresh, Undecided, decide};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::refusal::Refusal;
use crate::repository::{Claim, Commit, Facts, Key, Outcome, Repository};
use crate::settings::Settings;
use crate::standing::ConsistencyToken;
use crate::state::Inconsistency;
use crate::token::EntropyError;

/// Everything a host calls: commands, checks, lists.
///
/// ```
/// # tenancy::now(async {
/// use tenancy::{Actor, CreateOrganization, MemoryRepository, Name, Tenancy, UserId, WorkspaceAction};
///
/// let tenancy = Tenancy::new(MemoryRepository::new());
///
/// let ann = Actor::unverified(UserId::from_external("ann"));
/// let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
///
/// let may = tenancy.check(&ann, (acme.organization, acme.workspace), WorkspaceAction::Rename).await?;
/// assert_eq!(may.to_string(), "allowed as organization Admin, by cascade");
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// It holds no state but the store's handle: make one at start, clone it freely.
#[derive(Clone)]
pub struct Tenancy<R> {
    repository: R,
    settings: Settings,
    attempts: NonZeroU32,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    sleep: Sleep,
}

type Sleep = Arc<dyn Fn(Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A command that was carried out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done<T> {
    /// The command's answer.
    pub output: T,
    /// What happened. Empty if everything already was as it was asked to be.
    pub events: Vec<Event>,
    /// The commit: the same id again means the same request.
    pub commit: CommitId,
    /// The organization's version since: keep it with what you write by it (see [`ConsistencyToken`]).
    pub token: ConsistencyToken,
}

/// Why a command or a read did not succeed.
///
/// Every variant says what a host answers; [`http_status`](Self::http_status) says it in a number.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// A rule said no. Nothing happened. Show the refusal; retrying doesn't help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Others were first, again and again. Nothing happened. Answer 503, retry later.
    #[error(
        "the organization is being changed by many at once: {attempts} attempts were too few, try again later"
    )]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The store failed before anything was written. Nothing happened. Answer 503, retry.
    #[error("the store failed, nothing was changed")]
    Store(#[source] E),
    /// The store failed while writing, and could not tell afterwards. It may have happened. Answer 503;
    /// executing the same command under the same id ([`Tenancy::execute_as`]) finds out, and makes it
    /// happen exactly once.
    #[error(
        "the store failed, and it is not known whether commit `{commit}` was made: repeat it under the same id"
    )]
    Unknown {
        /// The id under which to repeat it.
        commit: CommitId,
        /// What the store said.
        #[source]
        source: E,
    },
    /// The store contradicts itself: something other than this library writes it. Nothing happened.
    /// Answer 500, and look at [`verify`](crate::verify).
    #[error("the store contradicts itself")]
    Inconsistent(#[source] Inconsistency),
    /// The operating system gave no randomness. Nothing happened. Answer 503.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl<E> Error<E> {
    /// The refusal, if a rule said no.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Refused(refusal) => refusal.http_status(),
            Self::Contended { .. } | Self::Store(_) | Self::Unknown { .. } | Self::Entropy(_) => {
                503
            }
            Self::Inconsistent(_) => 500,
        }
    }

    /// Whether the same request may succeed later, as it stands.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Contended { .. } | Self::Store(_) | Self::Unknown { .. } | Self::Entropy(_)
        )
    }
}

impl<E> From<Undecided> for Error<E> {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Refused(refusal) => Self::Refused(refusal),
            Undecided::Inconsistent(inconsistency) => Self::Inconsistent(inconsistency),
        }
    }
}

impl<T> Done<T> {
    /// Whether anything changed, now or when the same commit was made before.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.events.is_empty()
    }
}

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
    /// use tenancy::{MemoryRepository, Tenancy};
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

    /// With another number of attempts before [`Error::Contended`].
    #[must_use]
    pub fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts;
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

    pub(crate) fn now(&self) -> DateTime<Utc> {
        (self.clock)()
    }
}

impl<R: Repository> Tenancy<R> {
    /// Carries a command out, whole or not at all.
    ///
    /// If somebody else changes the organization meanwhile, it loads and decides again: at once the
    /// first time, then after a random pause of up to 50 ms where [`with_sleep`](Self::with_sleep) was called. If the returned future is dropped, the
    /// command is done or not done, never half; spawn it if you must know.
    ///
    /// # Errors
    ///
    /// - [`Error::Refused`]: a rule says no. Each command's documentation lists its refusals.
    /// - [`Error::Contended`]: others were first in every attempt.
    /// - [`Error::Store`], [`Error::Unknown`]: the store failed; which says what is known of it.
    /// - [`Error::Inconsistent`]: something other than this library writes the store.
    /// - [`Error::Entropy`]: the operating system gave no randomness.
    pub async fn execute<C: Command>(
        &self,
        actor: &Actor,
        command: C,
    ) -> Result<Done<C::Output>, Error<R::Error>> {
        self.execute_as(CommitId::new(), actor, command).await
    }

    /// Carries a command out under an id of the host's, at most once: the same command of the same actor
    /// under the same id again answers what it answered before, and changes nothing. The same command with
    /// other fields is another request, and is refused. What changed nothing is not remembered.
    ///
    /// Derive the id from the request's idempotency key: [`CommitId::from_key`].
    ///
    /// ```
    /// # tenancy::now(async {
    /// # use tenancy::*;
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let user = UserId::from_external("ann");
    /// # let ann = Actor::unverified(user);
    /// let id = CommitId::from_key(user, "idempotency-key-of-the-request");
    /// let command = CreateOrganization { name: Name::new("Acme")? };
    /// let first = tenancy.execute_as(id, &ann, command.clone()).await?;
    /// let again = tenancy.execute_as(id, &ann, command).await?;
    /// assert_eq!(first.output, again.output); // one organization, not two
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), and [`Refusal::CommitIdReused`] if the id stands for another
    /// request.
    pub async fn execute_as<C: Command>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Result<Done<C::Output>, Error<R::Error>> {
        let work = self.attempt_until_done(commit, actor, &command);
        #[cfg(feature = "tracing")]
        return crate::trace::command(C::NAME, command.organization(commit), commit, work).await;
        #[cfg(not(feature = "tracing"))]
        work.await
    }

    async fn attempt_until_done<C: Command>(
        &self,
        id: CommitId,
        actor: &Actor,
        command: &C,
    ) -> Result<Done<C::Output>, Error<R::Error>> {
        let organization = command.organization(id);
        let fresh = C::Fresh::draw()?;
        for attempt in 0..self.attempts.get() {
            if attempt > 0 {
                (self.sleep)(pause(attempt)).await;
            }
            let decided = self.decide_once(id, actor, command, &fresh).await?;
            let token = ConsistencyToken {
                organization,
                version: decided.version,
            };
            let done = Done {
                output: decided.output,
                events: decided.events,
                commit: id,
                token,
            };
            let Some(commit) = decided.commit else {
                return Ok(done);
            };
            match self.repository.commit(&commit).await {
                Ok(Outcome::Committed) => return Ok(done),
                Ok(Outcome::Conflict) => {}
                Ok(Outcome::Taken(Claim::DomainName(name))) => {
                    return Err(Refusal::DomainNameTaken { name }.into());
                }
                Err(source) => match self.whether_made(&commit).await {
                    Made::Yes => return Ok(done),
                    Made::No => {}
                    Made::Unknown => return Err(Error::Unknown { commit: id, source }),
                },
            }
        }
        Err(Error::Contended {
            attempts: self.attempts.get(),
        })
    }

    /// Decides on a command and writes nothing: for dry runs ("why is this button grey?"), and for hosts
    /// that write the commit together with rows of their own, in one transaction.
    ///
    /// The commit is good until the organization changes; then the store answers
    /// [`Outcome::Conflict`], and you prepare again.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), but for [`Error::Contended`] and [`Error::Unknown`].
    pub async fn prepare<C: Command>(
        &self,
        actor: &Actor,
        command: C,
    ) -> Result<Decided<C::Output>, Error<R::Error>> {
        self.prepare_as(CommitId::new(), actor, command).await
    }

    /// As [`prepare`](Self::prepare), under an id of the host's. If that commit was made before,
    /// [`Decided::commit`] is `None`, and the output is what it was.
    ///
    /// # Errors
    ///
    /// As [`prepare`](Self::prepare), and [`Refusal::CommitIdReused`].
    pub async fn prepare_as<C: Command>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Result<Decided<C::Output>, Error<R::Error>> {
        let fresh = C::Fresh::draw()?;
        self.decide_once(commit, actor, &command, &fresh).await
    }

    async fn decide_once<C: Command>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: &C,
        fresh: &C::Fresh,
    ) -> Result<Decided<C::Output>, Error<R::Error>> {
        let mut keys = command.keys(actor);
        keys.push(Key::Commit(commit));
        let facts = self.load(command.organization(commit), &keys).await?;
        let circumstances = Circumstances {
            actor,
            commit,
            now: self.now(),
            settings: &self.settings,
        };
        Ok(decide(command, circumstances, fresh, facts)?)
    }

    pub(crate) async fn load(
        &self,
        organization: OrganizationId,
        keys: &[Key],
    ) -> Result<Option<Facts>, Error<R::Error>> {
        self.repository
            .load(organization, keys)
            .await
            .map_err(Error::Store)
    }

    /// After a commit that failed without saying what became of it.
    async fn whether_made(&self, commit: &Commit) -> Made {
        match self
            .repository
            .load(commit.organization(), &[Key::Commit(commit.id())])
            .await
        {
            Ok(Some(facts)) if facts.committed.is_some() => Made::Yes,
            // The version has moved on without it, so it can't be made any more.
            Ok(Some(facts)) if facts.organization.version > commit.expected => Made::No,
            // It may still be on its way.
            Ok(_) | Err(_) => Made::Unknown,
        }
    }
}

enum Made {
    Yes,
    No,
    Unknown,
}

/// How long to wait before an attempt: not at all before the second, then a random time, so that those
/// who lost together don't meet again.
fn pause(attempt: u32) -> Duration {
    let ceiling = match attempt {
        0 | 1 => 0,
        _ => 50_000_u32.min(1_000_u32.checked_shl(attempt).unwrap_or(u32::MAX)),
    };
    let draw = getrandom::u32().unwrap_or(u32::MAX);
    let micros = (u64::from(draw).saturating_mul(u64::from(ceiling))) >> 32;
    Duration::from_micros(micros)
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

impl<R: fmt::Debug> fmt::Debug for Tenancy<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tenancy")
            .field("repository", &self.repository)
            .field("settings", &self.settings)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_none_at_first_and_never_over_fifty_milliseconds() {
        assert_eq!(pause(1), Duration::ZERO);
        for attempt in 0..100 {
            assert!(pause(attempt) < Duration::from_millis(50));
        }
    }
}
