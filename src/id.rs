//! Identifiers: one type for each kind of thing, so that a workspace's id can't be passed for a domain's.
//!
//! All of them are [`Uuid`]s. Fresh ones are version 7: they sort by the time of their creation, which
//! keeps database pages together and lets lists page by id in the order of creation.
//!
//! A host that already has ids for its users keeps them: [`UserId::from_uuid`] takes a UUID as it is,
//! [`UserId::from_external`] turns anything else (an integer, an OIDC subject) into one.
//!
//! Ids are never reused, and they are no secrets: knowing one opens nothing.

use core::fmt;
use core::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::random::{EntropyError, fill};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        ///
        /// Displayed, parsed and serialized as a hyphenated lower-case UUID.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// The id that is this UUID.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The id as a plain UUID, for a host's own tables.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )+};
}

ids! {
    /// An organization.
    OrganizationId,
    /// A workspace, inside an organization.
    WorkspaceId,
    /// A domain, inside an organization.
    DomainId,
    /// An invitation, inside an organization. The secret is in its token, not in its id.
    InvitationId,
    /// A user of the host application.
    UserId,
    /// One commit: the unit in which an organization changes, and the key by which a repeated command
    /// is recognised as a repetition.
    CommitId,
}

macro_rules! fresh {
    ($($name:ident),+) => {$(
        impl $name {
            /// A fresh id (UUID version 7): the clock's milliseconds, then randomness. Those of one process
            /// are in ascending order.
            ///
            /// An id is no secret, so where the operating system gives no randomness, the ascending order is
            /// all that tells ids of one millisecond apart; [`try_new`](Self::try_new) is an error there.
            #[must_use]
            #[expect(clippy::new_without_default, reason = "a default that differs each time would surprise")]
            pub fn new() -> Self {
                Self(in_order(drawn().unwrap_or_default()))
            }

            /// As [`new`](Self::new), for whoever can say that it failed.
            ///
            /// # Errors
            ///
            /// - [`EntropyError`]: the operating system gave no randomness.
            pub fn try_new() -> Result<Self, EntropyError> {
                Ok(Self(in_order(drawn()?)))
            }
        }
    )+};
}

/// 74 random bits, as a version 7 UUID has them.
fn drawn() -> Result<u128, EntropyError> {
    let mut bytes = [0; 16];
    fill(&mut bytes)?;
    Ok(u128::from_le_bytes(bytes) & RANDOM)
}

/// The 74 bits of a version 7 UUID that are random.
const RANDOM: u128 = (1 << 74) - 1;

/// The UUID of version 7 of now with these random bits, or the least one that is greater than all that this
/// process made before.
fn in_order(random: u128) -> Uuid {
    static LAST: Mutex<u128> = Mutex::new(0);
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH);
    let millis = since_1970.unwrap_or_default().as_millis();
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    *last = (millis << 74 | random).max(last.saturating_add(1));
    let (millis, high, low) = (*last >> 74, (*last >> 62) & 0xFFF, *last & ((1 << 62) - 1));
    Uuid::from_u128(millis << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)
}

fresh!(
    OrganizationId,
    WorkspaceId,
    DomainId,
    InvitationId,
    UserId,
    CommitId
);

/// The namespace of [`UserId::from_external`], fixed for ever: changing it would orphan every member.
const EXTERNAL_USERS: Uuid = Uuid::from_u128(0x6f5a_2c1e_8d0b_4b7a_9f36_1d2e_7c48_a0b5);

/// The namespace of [`CommitId::from_key`], fixed for ever.
const COMMIT_KEYS: Uuid = Uuid::from_u128(0x1b8e_47d2_5c93_4e0f_b6a1_93f0_2a7d_c4e8);

/// The namespace of [`CommitId::from_event`], fixed for ever.
const COMMIT_EVENTS: Uuid = Uuid::from_u128(0x83c5_0e6b_f1d2_4a97_ae40_5b1c_96d8_27f3);

impl UserId {
    /// Whether it is the nil UUID: an identity that is missing. Nobody has it, and whoever asks under it is
    /// refused (M6).
    #[must_use]
    pub const fn is_nobody(&self) -> bool {
        self.0.is_nil()
    }

    /// The id of a user whom the host knows by something that is not a UUID: a UUID version 5 of it,
    /// the same on every machine and for ever.
    ///
    /// An empty subject, or one of white space, is nobody's: it gives the nil id, under which everything is
    /// refused with [`Refusal::IdentityMissing`](crate::Refusal::IdentityMissing) (M6).
    ///
    /// There is no way back from it: members, log entries and answers show this id. Keep it beside your user, in an
    /// indexed column, and find them by it.
    ///
    /// Bytes count: `auth0|42` and `Auth0|42` are two users. Prefix what you pass if your ids come from
    /// more than one place (`google|…`, `saml|…`), or two people may share an id.
    ///
    /// ```
    /// use tenancy::UserId;
    ///
    /// let ann = UserId::from_external("auth0|42");
    /// assert_eq!(ann, UserId::from_external("auth0|42"));
    /// assert_ne!(ann, UserId::from_external("auth0|43"));
    /// ```
    #[must_use]
    pub fn from_external(id: &str) -> Self {
        if id.trim().is_empty() {
            return Self(Uuid::nil());
        }
        Self(Uuid::new_v5(&EXTERNAL_USERS, id.as_bytes()))
    }
}

impl CommitId {
    /// The id that stands for one user's idempotency key, so that the same request sent twice is one
    /// commit.
    ///
    /// The user is part of it: one user's keys can't meet another's. An empty key gives the nil id, which is
    /// refused.
    ///
    /// ```
    /// use tenancy::{CommitId, UserId};
    ///
    /// let ann = UserId::from_external("ann");
    /// let first = CommitId::from_key(ann, "POST /workspaces 7c1f");
    /// let again = CommitId::from_key(ann, "POST /workspaces 7c1f");
    /// assert_eq!(first, again);
    /// assert_ne!(first, CommitId::from_key(UserId::from_external("bob"), "POST /workspaces 7c1f"));
    /// ```
    #[must_use]
    pub fn from_key(user: UserId, key: &str) -> Self {
        if key.trim().is_empty() || user.is_nobody() {
            return Self(Uuid::nil());
        }
        Self(Uuid::new_v5(
            &Uuid::new_v5(&COMMIT_KEYS, user.0.as_bytes()),
            key.as_bytes(),
        ))
    }

    /// The same of the vendor's staff, by the label that the host gave them.
    pub(crate) fn of_operator(label: &str, key: &str) -> Self {
        if key.trim().is_empty() || label.is_empty() {
            return Self(Uuid::nil());
        }
        // No user's: the label's id is made in a name space of its own.
        let staff = Uuid::new_v5(&COMMIT_KEYS, b"the vendor's staff");
        Self(Uuid::new_v5(
            &Uuid::new_v5(&staff, label.as_bytes()),
            key.as_bytes(),
        ))
    }

    /// The id that stands for one event of another system, such as a payment provider's web hook, so that an event
    /// that is delivered twice is one commit.
    ///
    /// The source is part of it: two providers' events can't meet, nor can an event and a user's key. An id stands
    /// for one command on one organization. Where an event asks for several, name each: `evt_7/limits`,
    /// `evt_7/reinstate`. If either text is empty it gives the nil id, which is refused.
    ///
    /// ```
    /// use tenancy::CommitId;
    ///
    /// let first = CommitId::from_event("payments", "evt_7/limits");
    /// assert_eq!(first, CommitId::from_event("payments", "evt_7/limits"));
    /// assert_ne!(first, CommitId::from_event("payments", "evt_7/reinstate"));
    /// ```
    #[must_use]
    pub fn from_event(source: &str, event: &str) -> Self {
        if source.trim().is_empty() || event.trim().is_empty() {
            return Self(Uuid::nil());
        }
        Self(Uuid::new_v5(
            &Uuid::new_v5(&COMMIT_EVENTS, source.as_bytes()),
            event.as_bytes(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn external_ids_keep_their_uuid_for_ever() {
        assert_eq!(
            UserId::from_external("auth0|42").to_string(),
            "ed8ba679-4502-58b6-9d97-9a459f51f031"
        );
    }

    #[test]
    fn events_keep_their_id_for_ever_and_are_no_keys() {
        let event = CommitId::from_event("payments", "evt_7");
        assert_eq!(event.to_string(), "d206f1b1-e447-5ebd-ad05-3d9eab57fce0");
        let user = UserId::from_external("payments");
        assert_ne!(event, CommitId::from_key(user, "evt_7"));
        assert_ne!(event, CommitId::from_event("payment", "sevt_7"));
        for (source, event) in [("", "evt_7"), ("payments", " "), (" ", "")] {
            assert!(CommitId::from_event(source, event).as_uuid().is_nil());
        }
    }

    #[test]
    fn ids_read_what_they_write() {
        let id = WorkspaceId::new();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(format!("{id:?}"), format!("WorkspaceId({id})"));
    }

    #[test]
    fn fresh_ids_sort_by_creation() {
        let ids: Vec<_> = (0..10_000).map(|_| DomainId::new()).collect();
        assert!(ids.is_sorted_by(|one, next| one < next));
    }

    #[test]
    fn fresh_ids_are_of_version_7_and_of_now() {
        let id = DomainId::try_new().unwrap().as_uuid();
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
        let (seconds, _) = id.get_timestamp().unwrap().to_unix();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(now.as_secs() - seconds < 60);
    }

    #[test]
    fn ids_without_randomness_still_differ() {
        let (one, other) = (in_order(0), in_order(0));
        assert!(one < other);
    }

    #[test]
    fn m6_an_identity_that_is_missing_is_nobody() {
        assert!(UserId::from_external("").is_nobody());
        assert!(UserId::from_external(" \n").is_nobody());
        assert!(!UserId::from_external("0").is_nobody());
        let ann = UserId::from_external("ann");
        assert!(CommitId::from_key(ann, " ").as_uuid().is_nil());
        assert!(
            CommitId::from_key(UserId::from_external(""), "key")
                .as_uuid()
                .is_nil()
        );
    }
}
