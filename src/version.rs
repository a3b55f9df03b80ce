//! Versions: how often an organization has changed, and a point in its history.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::OrganizationId;

/// How often an organization has changed: 0 while it doesn't exist, one more with each commit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

/// A point in an organization's history: what a write made, or what a check saw.
///
/// Keep it with what you wrote (a session, a document), and hand it to
/// [`WithReplica`](crate::store::WithReplica): a replica that hasn't seen that point is not asked, so somebody
/// who was just removed is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConsistencyToken {
    /// The organization whose history it is a point of.
    pub organization: OrganizationId,
    /// Its version at that point.
    pub version: Version,
}

impl Version {
    /// The version of an organization that doesn't exist.
    pub const ABSENT: Self = Self(0);

    /// The version with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The version after one more commit.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
