//! The domain: one API environment in a workspace, sandbox or production.

use core::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::id::{DomainId, WorkspaceId};
use crate::later::Later;
use crate::text::{DomainName, stored};
use crate::time;

/// A domain as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Domain {
    /// Its id.
    pub id: DomainId,
    /// The workspace that it is in. It may move to another one of the organization.
    pub workspace: WorkspaceId,
    /// Its name: a DNS label, unique across the whole deployment, as it is an address (D2).
    #[serde(with = "stored")]
    pub name: DomainName,
    /// Sandbox or production, for ever (D1).
    pub kind: DomainKind,
    /// Whether it answers (D3).
    pub status: DomainStatus,
    /// When it was created.
    #[serde(serialize_with = "time::written")]
    pub created_at: DateTime<Utc>,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

/// What a domain is for. Chosen at its creation, never changed (D1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainKind {
    /// For trying out.
    Sandbox,
    /// For real.
    Production,
}

/// Whether a domain answers. Deactivating is reversible, deleting is not (D3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DomainStatus {
    /// In use.
    Active,
    /// Switched off; its name and settings stay.
    Deactivated,
}

/// The name of a deleted domain, kept by its organization (D2): clients may still be calling it with
/// their keys. The organization may use it again; another one only after an operator released it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetiredDomainName {
    /// The name.
    #[serde(with = "stored")]
    pub name: DomainName,
    /// When its last domain was deleted.
    #[serde(serialize_with = "time::written")]
    pub retired_at: DateTime<Utc>,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

impl DomainKind {
    /// Both kinds.
    pub const ALL: [Self; 2] = [Self::Sandbox, Self::Production];
}

codes!(DomainKind { Sandbox = 1, Production = 2 });
codes!(DomainStatus { Active = 1, Deactivated = 2 });

impl fmt::Display for DomainKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sandbox => "sandbox",
            Self::Production => "production",
        })
    }
}

impl fmt::Display for DomainStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
        })
    }
}
