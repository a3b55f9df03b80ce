//! The organization: the administrative layer. Contract, invoicing, people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::code::codes;
use crate::id::OrganizationId;
use crate::text::{EmailAddress, Name, TextLine};
use crate::version::Version;

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
    pub contract: Option<TextLine>,
    /// How many workspaces it may hold (W2).
    pub workspace_quota: u32,
    /// How much of everything it holds.
    pub counts: Counts,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// As much of an organization as lists across organizations tell. It is small, whatever the organization
/// keeps: what one of them stores makes nobody's list slow (A5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationSummary {
    /// Its id.
    pub id: OrganizationId,
    /// How often it has changed.
    pub version: Version,
    /// Whether it is in use.
    pub status: OrganizationStatus,
    /// Its name.
    pub name: Name,
    /// How many Admins it has (O4).
    pub admins: u32,
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
/// use tenancy::CompanyInformation;
/// use tenancy::text::TextLine;
///
/// # fn main() -> Result<(), tenancy::text::TextError> {
/// let company = CompanyInformation {
///     legal_name: TextLine::new("Acme SAS")?,
///     registration_number: Some(TextLine::new("RCS Paris 123 456 789")?),
///     vat_number: None,
///     address: vec![TextLine::new("1 rue de la Paix")?, TextLine::new("75002 Paris")?],
/// };
/// # Ok(()) }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompanyInformation {
    /// The registered name.
    pub legal_name: TextLine,
    /// The number in the commercial register.
    pub registration_number: Option<TextLine>,
    /// The VAT number.
    pub vat_number: Option<TextLine>,
    /// The registered address, line by line.
    pub address: Vec<TextLine>,
}

/// Where invoices go, and what stands on them (O5).
///
/// Set on a workspace, it overrides the organization's for that workspace, as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoicingInformation {
    /// Whom the invoice is made out to.
    pub recipient: TextLine,
    /// Where it is sent.
    pub email: EmailAddress,
    /// The address on it, line by line.
    pub address: Vec<TextLine>,
    /// The reference that the customer wants to read on it, such as a purchase order's number.
    pub reference: Option<TextLine>,
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

codes!(OrganizationStatus { Active = 1, Deleted = 2 });

impl Organization {
    /// As much of it as lists across organizations tell.
    #[must_use]
    pub fn summary(&self) -> OrganizationSummary {
        OrganizationSummary {
            id: self.id,
            version: self.version,
            status: self.status,
            name: self.name.clone(),
            admins: self.counts.admins,
            created_at: self.created_at,
        }
    }

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
