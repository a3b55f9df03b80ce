//! The workspace: the operational layer. A collection of domains, with its own people and its own level
//! of billing.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::WorkspaceId;
use crate::later::Later;
use crate::limits::{LimitUsage, Limits};
use crate::organization::InvoicingInformation;
use crate::text::{Name, NameKey, stored};
use crate::time;

/// A workspace as it is stored.
///
/// Like the organization's row it carries its counts, kept by the core: whether it may be deleted, and
/// what is left in it if not (W4), is known without counting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: WorkspaceId,
    /// Its name, unique in the organization, compared by [`Name::key`] (W3).
    #[serde(with = "stored")]
    pub name: Name,
    /// The key of its name, by which it is unique, as it was when the name was given: later tables of
    /// Unicode don't make two workspaces of it, or one of two.
    #[serde(with = "stored")]
    pub name_key: NameKey,
    /// Its own invoicing information; `None` if the organization's applies (O5).
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    pub invoicing: Option<InvoicingInformation>,
    /// How many domains are in it, active or not.
    pub domains: u32,
    /// How many users hold a role in it. Who reaches it only by cascade isn't counted.
    pub members: u32,
    /// When it was created.
    #[serde(serialize_with = "time::written")]
    pub created_at: DateTime<Utc>,
    /// What a later version of this crate keeps with it. It travels with the [`Record`](crate::store::Record).
    #[serde(skip)]
    pub later: Later,
}

impl Workspace {
    /// How many domains are in it, of how many (Q2).
    pub(crate) const fn usage(&self, of: Limits) -> LimitUsage {
        LimitUsage {
            used: self.domains,
            reserved: 0,
            limit: of.domains_per_workspace,
        }
    }
}
