//! The organization: the administrative layer. Contract, invoicing, people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::id::OrganizationId;
use crate::standing::Version;
use crate::text::{EmailAddress, Line, Name};

/// An organization as it is stored: one row, written with every commit.
///
/// It is the consistency boundary. Its [`version`](Self::version) rises by one with each commit, and
/// its [`counts`](Self::counts) are kept by the core, so that no command has to load or count what the
/// organization holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// How often it has changed.
    pub version: Version,
    /// Whether it is in use or deleted. A deleted one stays as a row: its log is kept, its id is never
    /// used again, and its domains' names stay with it (D2).
    pub status: OrganizationStatus,
    /// What people call it. Not unique: there may be two of one name.
    pub name: Name,
    /// Company information, once an Admin has entered it (O5).
    pub company: Option<CompanyInformation>,
    /// Invoicing information, for every workspace that has none of its own (O5).
    pub invoicing: Option<InvoicingInformation>,
    /// The vendor's reference of the contract.
    pub contract: Option<Line>,
    /// How many workspaces it may hold (W2).
    pub workspace_quota: u32,
    /// How much of everything it holds.
    pub counts: Counts,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// Whether an organization is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStatus {
    /// In use.
    Active,
    /// Deleted, empty (O6).
    Deleted,
}

/// How much an organization holds. Kept by the core with every commit; a store only writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// Workspaces: what the quota limits (W2).
    pub workspaces: u32,
    /// Domains, active or not.
    pub domains: u32,
    /// Members, Admins included.
    pub members: u32,
    /// Admins: at least one while the organization is active (O4).
    pub admins: u32,
    /// Open invitations, expired ones included (I8).
    pub invitations: u32,
}

/// Who the organization is on paper (O5).
///
/// ```
/// use tenancy::{CompanyInformation, Line};
///
/// # fn main() -> Result<(), tenancy::TextError> {
/// let company = CompanyInformation {
///     legal_name: Line::new("Acme SAS")?,
///     registration_number: Some(Line::new("RCS Paris 123 456 789")?),
///     vat_number: None,
///     address: vec![Line::new("1 rue de la Paix")?, Line::new("75002 Paris")?],
/// };
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyInformation {
    /// The registered name.
    pub legal_name: Line,
    /// The number in the commercial register.
    pub registration_number: Option<Line>,
    /// The VAT number.
    pub vat_number: Option<Line>,
    /// The registered address, line by line.
    pub address: Vec<Line>,
}

/// Where invoices go, and what stands on them (O5).
///
/// Set on a workspace, it overrides the organization's for that workspace, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicingInformation {
    /// Whom the invoice is made out to.
    pub recipient: Line,
    /// Where it is sent.
    pub email: EmailAddress,
    /// The address on it, line by line.
    pub address: Vec<Line>,
    /// The reference that the customer wants to read on it, such as a purchase order's number.
    pub reference: Option<Line>,
}

/// How many workspaces there are, and how many there may be (W2).
///
/// ```
/// use tenancy::QuotaUsage;
///
/// let lowered = QuotaUsage { workspaces: 3, quota: 1 };
/// assert_eq!((lowered.remaining(), lowered.over_by()), (0, 2));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuotaUsage {
    /// How many there are.
    pub workspaces: u32,
    /// How many there may be. Zero means zero.
    pub quota: u32,
}

impl Organization {
    /// How much of the workspace quota is used (W2).
    #[must_use]
    pub const fn quota_usage(&self) -> QuotaUsage {
        QuotaUsage {
            workspaces: self.counts.workspaces,
            quota: self.workspace_quota,
        }
    }

    /// Whether it is in use.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.status, OrganizationStatus::Active)
    }
}

impl QuotaUsage {
    /// How many more may be created.
    #[must_use]
    pub const fn remaining(&self) -> u32 {
        self.quota.saturating_sub(self.workspaces)
    }

    /// How many there are too many, after the quota was lowered. Nothing is taken away; only creation
    /// is refused.
    #[must_use]
    pub const fn over_by(&self) -> u32 {
        self.workspaces.saturating_sub(self.quota)
    }
}
