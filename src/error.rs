//! What came of a command or a read: done, or why not.

use serde::Serialize;

use crate::decide::{Decided, Undecided};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId};
use crate::random::EntropyError;
use crate::refusal::Refusal;
use crate::state::Inconsistency;
use crate::version::{ConsistencyToken, Version};

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

/// An [`Error`] as clients are told of it: the members of a problem (RFC 9457, `application/problem+json`), and what this
/// library knows beside them. It says nothing of the store, and of what is hidden no more than of what isn't there (A2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What clients compare ([`Error::code`]).
    pub code: &'static str,
    /// What people read: what was refused, and what to do next.
    pub detail: String,
    /// The rule that says no, if one does ([`Refusal::rule`]).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<&'static str>,
    /// Of a request of several commands, which was refused, counted from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<usize>,
    /// Whether the same request may succeed at once ([`Error::is_retryable`]).
    pub retryable: bool,
    /// The refusal with all that it names, if a rule says no.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
}

/// Why a command or a read did not succeed.
///
/// Every variant says what a host answers; [`http_status`](Self::http_status) says it in a number.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error<E> {
    /// A rule said no. Nothing happened. Show the refusal; retrying at once doesn't help.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A rule said no to one of the commands of a [`Request`](crate::commands::Request) of several. Nothing happened,
    /// by none of them. Show the refusal.
    #[error("command {command} of the request: {refusal}")]
    RefusedAt {
        /// Which command, counted from 0.
        command: usize,
        /// What the rule said.
        refusal: Refusal,
    },
    /// Others were first, again and again. Nothing happened. Answer 503, retry later.
    #[error(
        "the organization is being changed by many at once: {attempts} attempts were too few, try again later"
    )]
    Contended {
        /// How often it was tried.
        attempts: u32,
    },
    /// The store failed before anything was written, or knows that nothing was
    /// ([`Repository::wrote_nothing`](crate::store::Repository::wrote_nothing)). Nothing happened. Answer 503, retry.
    #[error("the store failed, nothing was changed")]
    Store(#[source] E),
    /// The store failed while writing, and could not tell afterwards. It may have happened. Answer 503;
    /// executing the same command under the same id
    /// ([`Tenancy::execute_as`](crate::Tenancy::execute_as)) finds out, and makes it happen exactly once.
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
    /// Answer 500, and look at [`Stored::verify`](crate::store::Stored::verify).
    #[error("the store contradicts itself")]
    Inconsistent(#[source] Inconsistency),
    /// The store has not seen the point in the organization's history that a token names: it was restored
    /// from an older backup, or the token is another deployment's. Nothing happened. Answer 503.
    #[error("the store is at version {found}, but version {seen} was seen before")]
    Behind {
        /// The version that was seen before.
        seen: Version,
        /// The store's version; 0 if the organization doesn't exist.
        found: Version,
    },
    /// The operating system gave no randomness. Nothing happened. Answer 503.
    #[error(transparent)]
    Entropy(#[from] EntropyError),
}

impl<E> Error<E> {
    /// The refusal, if a rule said no.
    #[must_use]
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) | Self::RefusedAt { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Its name, stable for ever: the refusal's ([`Refusal::code`]), or one of `contended`, `store_failed`, `unknown`,
    /// `inconsistent`, `behind`, `no_entropy`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Refused(refusal) | Self::RefusedAt { refusal, .. } => refusal.code(),
            Self::Contended { .. } => "contended",
            Self::Store(_) => "store_failed",
            Self::Unknown { .. } => "unknown",
            Self::Inconsistent(_) => "inconsistent",
            Self::Behind { .. } => "behind",
            Self::Entropy(_) => "no_entropy",
        }
    }

    /// What a client is told, as RFC 9457 shapes it.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let leave = LeaveOrganization { organization: acme.organization };
    /// let error = tenancy.execute(&ann, leave).await.unwrap_err();
    /// let problem = serde_json::to_value(error.problem())?;
    /// assert_eq!(problem["status"], 409);
    /// assert_eq!(problem["code"], "last_admin");
    /// assert_eq!(problem["rule"], "O4");
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    #[must_use]
    pub fn problem(&self) -> Problem {
        let command = match self {
            Self::RefusedAt { command, .. } => Some(*command),
            _ => None,
        };
        Problem {
            status: self.http_status(),
            code: self.code(),
            detail: self.to_string(),
            rule: self.refusal().map(Refusal::rule),
            command,
            retryable: self.is_retryable(),
            refusal: self.refusal().cloned(),
        }
    }

    /// The HTTP status that fits.
    #[must_use]
    pub const fn http_status(&self) -> u16 {
        match self {
            Self::Refused(refusal) | Self::RefusedAt { refusal, .. } => refusal.http_status(),
            Self::Contended { .. }
            | Self::Store(_)
            | Self::Unknown { .. }
            | Self::Behind { .. }
            | Self::Entropy(_) => 503,
            Self::Inconsistent(_) => 500,
        }
    }

    /// Whether the same request may succeed at once, as it stands: the store, or a race, was in its way. `false`
    /// of every refusal; those of I8 say themselves when to come again
    /// ([`ResentTooSoon`](Refusal::ResentTooSoon), [`TooManyLinks`](Refusal::TooManyLinks)).
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Contended { .. }
                | Self::Store(_)
                | Self::Unknown { .. }
                | Self::Behind { .. }
                | Self::Entropy(_)
        )
    }
}

impl<E> From<Undecided> for Error<E> {
    fn from(undecided: Undecided) -> Self {
        match undecided {
            Undecided::Refused(refusal) => Self::Refused(refusal),
            Undecided::RefusedAt { command, refusal } => Self::RefusedAt { command, refusal },
            Undecided::Inconsistent(inconsistency) => Self::Inconsistent(inconsistency),
        }
    }
}

impl<T> Done<T> {
    /// What was decided, once it is written.
    pub(crate) fn of(commit: CommitId, organization: OrganizationId, decided: Decided<T>) -> Self {
        Self {
            output: decided.output,
            events: decided.events,
            commit,
            token: ConsistencyToken {
                organization,
                version: decided.version,
            },
        }
    }

    /// Whether anything changed, now or when the same commit was made before.
    #[must_use]
    pub fn changed(&self) -> bool {
        !self.events.is_empty()
    }
}
