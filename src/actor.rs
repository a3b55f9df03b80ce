//! Who asks.
//!
//! Every command and every read takes an [`Actor`]: what the host knows of the person behind the request
//! after it has authenticated them. `tenancy` does no authentication; what an actor says, it believes.
//! That is why the two claims that carry power have types of their own, which no request body can
//! produce: [`VerifiedEmail`] (accepting an invitation) and [`Operator`] (the vendor's staff).

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::id::{CommitId, UserId};
use crate::later::Unread;
use crate::text::{TextLine, VerifiedEmail, stored};

/// Who asks: a signed-in user of the host, or the vendor's staff.
///
/// ```
/// use tenancy::{Actor, EmailAddress, Operator, UserId, VerifiedEmail};
/// use tenancy::text::TextLine;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address: EmailAddress = "ann@acme.example".parse()?;
/// let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest(address));
/// let support = Actor::Operator(Operator::attest(TextLine::new("support: Jo")?));
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// A person of the host application.
    User {
        /// The host's id of them.
        id: UserId,
        /// Their e-mail address, if the host has verified that they control it. `None` does for
        /// everything but accepting and declining invitations (I3).
        verified_email: Option<VerifiedEmail>,
    },
    /// The vendor's staff: not a member of anything (see the matrix's `op` column).
    Operator(Operator),
}

/// The powers of the vendor's staff: quotas, contracts, repairs.
///
/// There is no `Deserialize`, no `From` and no public field: the only way to one is
/// [`attest`](Self::attest), which the host calls where it has established that the person works for
/// the vendor, never where it serves a tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operator {
    label: TextLine,
}

/// Who made a commit, as the log keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Author {
    /// A user.
    User(UserId),
    /// The vendor's staff, by the label that the host gave.
    Operator(TextLine),
    /// Somebody of a kind that a later version of this crate knows, whole: written again, it is what was
    /// read.
    Unknown(Unread),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    User(UserId),
    Operator(#[serde(with = "stored")] TextLine),
}

impl Serialize for Author {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::User(id) => Known::User(*id).serialize(serializer),
            Self::Operator(label) => Known::Operator(label.clone()).serialize(serializer),
            Self::Unknown(whole) => whole.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Author {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let whole = Unread::deserialize(deserializer)?;
        Ok(match Known::deserialize(&whole) {
            Ok(Known::User(id)) => Self::User(id),
            Ok(Known::Operator(label)) => Self::Operator(label),
            Err(_) => Self::Unknown(whole),
        })
    }
}

impl Actor {
    /// The id that stands for an idempotency key of theirs, whoever they are: of a user
    /// [`CommitId::from_key`], of an operator the same by their label. An empty key gives the nil id, which is refused.
    ///
    /// ```
    /// use tenancy::{Actor, CommitId, Operator, UserId};
    ///
    /// let (user, key) = (UserId::from_external("ann"), "7c1f");
    /// assert_eq!(Actor::unverified(user).commit_id(key), CommitId::from_key(user, key));
    /// let support = Actor::Operator(Operator::attest("support: Jo".parse()?));
    /// assert_ne!(support.commit_id(key), CommitId::from_key(user, key));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn commit_id(&self, key: &str) -> CommitId {
        match self {
            Self::User { id, .. } => CommitId::from_key(*id, key),
            Self::Operator(operator) => CommitId::of_operator(operator.label.as_str(), key),
        }
    }

    /// A user whose e-mail address the host has verified.
    #[must_use]
    pub const fn user(id: UserId, verified_email: VerifiedEmail) -> Self {
        Self::User {
            id,
            verified_email: Some(verified_email),
        }
    }

    /// A user without a verified e-mail address. They may do whatever their roles allow, but can't
    /// accept or decline an invitation (I3).
    #[must_use]
    pub const fn unverified(id: UserId) -> Self {
        Self::User {
            id,
            verified_email: None,
        }
    }

    /// The user's id; `None` for an operator.
    #[must_use]
    pub const fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User { id, .. } => Some(*id),
            Self::Operator(_) => None,
        }
    }

    /// The user's verified e-mail address, if they have one.
    #[must_use]
    pub const fn verified_email(&self) -> Option<&VerifiedEmail> {
        match self {
            Self::User { verified_email, .. } => verified_email.as_ref(),
            Self::Operator(_) => None,
        }
    }

    /// The actor as the log will name them.
    #[must_use]
    pub fn author(&self) -> Author {
        match self {
            Self::User { id, .. } => Author::User(*id),
            Self::Operator(operator) => Author::Operator(operator.label.clone()),
        }
    }
}

impl Operator {
    /// The host's word that whoever asks works for the vendor. The label (a name, a ticket) goes into
    /// the audit trail.
    ///
    /// It is part of the request: under one commit's id, another label is another request (A6). A program that repeats
    /// itself, such as a web hook, uses one that stays the same: no delivery's number.
    ///
    /// **Security**: call this only behind the vendor's own sign-in.
    #[must_use]
    pub const fn attest(label: TextLine) -> Self {
        Self { label }
    }

    /// The name that the audit trail shows.
    #[must_use]
    pub const fn label(&self) -> &TextLine {
        &self.label
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(id) => write!(f, "user {id}"),
            Self::Operator(label) => write!(f, "operator {label}"),
            Self::Unknown(_) => f.write_str("somebody whom a later version knows"),
        }
    }
}
