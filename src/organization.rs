//! The organization: the administrative layer. Contract, invoicing, people.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::code::codes;
use crate::id::OrganizationId;
use crate::later::{Later, watched};
use crate::limits::{LimitUsage, Limits, MembersByRole, Newcomers, Usage};
use crate::own_role::{Added, OwnRole, RoleNumber, RolesInForce};
use crate::role::RoleSet;
use crate::text::stored::Stored;
use crate::text::{EmailAddress, Name, PostalAddress, TextLine, stored};
use crate::time;
use crate::version::Version;

/// An organization as it is stored: one row, written with every commit.
///
/// It is the consistency boundary. Its [`version`](Self::version) rises by one with each commit, and
/// its [`counts`](Self::counts) are kept by the core, so that no command has to load or count what the
/// organization holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// Its id.
    pub id: OrganizationId,
    /// How often it has changed.
    pub version: Version,
    /// Whether it is in use, suspended or deleted. A deleted one stays as a row: its log is kept, its id is never
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
    /// Why it is suspended, for its people to read; `None` unless it is (T4).
    pub suspension: Option<TextLine>,
    /// How many workspaces it may hold (W2).
    pub workspace_quota: u32,
    /// How much else it may hold (Q2).
    pub limits: Limits,
    /// How much of everything it holds.
    pub counts: Counts,
    /// How many links to invitations it made on the day that it last made one (I8).
    pub links: LinksMade,
    /// The roles of its own, by number: 32 at most by default (R1). They stand here so that every command knows
    /// them, and who has none pays nothing.
    pub roles: Vec<OwnRole>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
    /// What a later version of this crate keeps with it.
    pub later: Later,
}

/// As much of an organization as lists across organizations tell. It is small, whatever the organization
/// keeps: what one of them stores makes nobody's list slow (A5). As JSON it has less than 300 bytes, and 3 KB with 32
/// roles of its own that add all there is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationSummary {
    /// Its id.
    pub id: OrganizationId,
    /// How often it has changed.
    pub version: Version,
    /// Whether it is in use.
    pub status: OrganizationStatus,
    /// Its name.
    #[serde(with = "stored")]
    pub name: Name,
    /// Why it is suspended, for its people to read; `None` unless it is (T4).
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    pub suspension: Option<TextLine>,
    /// How many Admins it has who are neither suspended nor bound to end (O4, T2).
    pub admins: u32,
    /// When it was created.
    #[serde(serialize_with = "time::written")]
    pub created_at: DateTime<Utc>,
    /// What each of its own roles adds, of those in force (R7): a store reads it here for a check of somebody who
    /// holds one.
    #[serde(default, skip_serializing_if = "RolesInForce::is_empty")]
    pub roles: RolesInForce,
}

/// Whether an organization is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationStatus {
    /// In use.
    Active,
    /// Deleted, empty (O6).
    Deleted,
    /// In use, but nothing changes until an operator reinstates it (T4).
    Suspended,
}

/// How much an organization holds. Kept by the core with every commit; a store only writes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Counts {
    /// Workspaces: what the quota limits (W2).
    pub workspaces: u32,
    /// Domains, active or not.
    pub domains: u32,
    /// Names of deleted domains that it keeps (D2).
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kept_names: u32,
    /// Members, Admins included.
    pub members: u32,
    /// Admins who are neither suspended nor bound to end: at least one while the organization is not deleted
    /// (O4, T2).
    pub admins: u32,
    /// Open invitations, expired ones included (I8).
    pub invitations: u32,
    /// Members by their role: who takes a seat (Q3).
    #[serde(default)]
    pub by_role: MembersByRole,
    /// Addresses that are no member's and have open invitations: who reserves a seat (Q3).
    #[serde(default, skip_serializing_if = "Newcomers::is_nobody")]
    pub newcomers: Newcomers,
}

/// How many links to invitations an organization made on one day, of the UTC calendar (I8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinksMade {
    /// The day, counted from 1970-01-01.
    pub day: i64,
    /// How many links.
    pub count: u32,
}

/// Who the organization is on paper (O5).
///
/// ```
/// use tenancy::CompanyInformation;
/// use tenancy::text::{PostalAddress, TextLine};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let company = CompanyInformation {
///     legal_name: TextLine::new("Acme SAS")?,
///     registration_number: Some(TextLine::new("RCS Paris 123 456 789")?),
///     vat_number: None,
///     address: PostalAddress::new([TextLine::new("1 rue de la Paix")?, TextLine::new("75002 Paris")?])?,
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
    /// The registered address.
    pub address: PostalAddress,
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
    /// The address on it.
    pub address: PostalAddress,
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

codes!(OrganizationStatus { Active = 1, Deleted = 2, Suspended = 3 });

impl Organization {
    /// As much of it as lists across organizations tell.
    #[must_use]
    pub fn summary(&self) -> OrganizationSummary {
        OrganizationSummary {
            id: self.id,
            version: self.version,
            status: self.status,
            name: self.name.clone(),
            suspension: self.suspension.clone(),
            admins: self.counts.admins,
            created_at: self.created_at,
            roles: RolesInForce::of(&self.roles),
        }
    }

    /// The role of its own of that number.
    #[must_use]
    pub fn role(&self, number: RoleNumber) -> Option<&OwnRole> {
        self.roles.iter().find(|role| role.number == number)
    }

    /// What the role of its own of that number adds now; `None` if there is none, or it is retired (R7).
    #[must_use]
    pub fn added_by(&self, number: RoleNumber) -> Option<Added> {
        let adds = self.role(number)?.in_force();
        let role = number;
        (!adds.is_empty()).then_some(Added { role, adds })
    }

    /// How much of the workspace quota is used (W2).
    #[must_use]
    pub const fn quota_usage(&self) -> QuotaUsage {
        QuotaUsage {
            workspaces: self.counts.workspaces,
            quota: self.workspace_quota,
        }
    }

    /// How many domains there are in all, and names of deleted ones, of how many (D2).
    pub(crate) const fn domains(&self) -> LimitUsage {
        LimitUsage {
            used: self.counts.domains.saturating_add(self.counts.kept_names),
            reserved: 0,
            limit: self.limits.domains,
        }
    }

    /// How much of each limit is used (Q5), if these roles need a seat
    /// ([`Settings::seat_roles`](crate::Settings::seat_roles), Q4).
    #[must_use]
    pub fn usage(&self, seats_needed_by: RoleSet) -> Usage {
        Usage {
            seats: self.counts.seats(seats_needed_by, self.limits),
            workspaces: LimitUsage {
                used: self.counts.workspaces,
                reserved: 0,
                limit: Some(self.workspace_quota),
            },
            domains: self.domains(),
        }
    }

    /// Whether it is in use, and not suspended.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.status, OrganizationStatus::Active)
    }

    /// Whether it is deleted: only its log, its id and its domains' names are left (O6).
    #[must_use]
    pub const fn is_deleted(&self) -> bool {
        matches!(self.status, OrganizationStatus::Deleted)
    }

    /// Whether it is suspended: only operators change it, but that its invoicing may be settled (T4).
    #[must_use]
    pub const fn is_suspended(&self) -> bool {
        matches!(self.status, OrganizationStatus::Suspended)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like that")]
const fn is_zero(count: &u32) -> bool {
    *count == 0
}

impl Counts {
    /// How many seats are used and reserved, of how many (Q3), if these roles need one (Q4).
    pub(crate) fn seats(&self, needed_by: RoleSet, of: Limits) -> LimitUsage {
        LimitUsage {
            used: self.by_role.holding(needed_by),
            reserved: self.newcomers.offered(needed_by),
            limit: of.seats,
        }
    }
}

impl LinksMade {
    /// Whether none was ever made.
    fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How many were made on the day of `now`. Of two servers' clocks one may be behind midnight still, or be set back:
    /// what was made on a later day counts on this one.
    pub(crate) fn on(self, now: DateTime<Utc>) -> u32 {
        if self.day >= day(now) { self.count } else { 0 }
    }

    /// When the day begins that comes after that of `now`, and after the last one on which some were made.
    pub(crate) fn next_day(self, now: DateTime<Utc>) -> DateTime<Utc> {
        let begins = self
            .day
            .max(day(now))
            .saturating_add(1)
            .saturating_mul(86_400);
        DateTime::from_timestamp(begins, 0).unwrap_or(DateTime::<Utc>::MAX_UTC)
    }

    /// One more.
    pub(crate) fn and_one(self, now: DateTime<Utc>) -> Self {
        Self {
            day: self.day.max(day(now)),
            count: self.on(now).saturating_add(1),
        }
    }
}

/// The day of the UTC calendar, counted from 1970-01-01.
const fn day(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(86_400)
}

/// How it is written; what a later version keeps with it, or with a part of it, stands where it stood.
#[derive(Serialize, Deserialize)]
#[serde(remote = "Organization")]
struct Kept {
    id: OrganizationId,
    version: Version,
    status: OrganizationStatus,
    #[serde(with = "stored")]
    name: Name,
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    company: Option<CompanyInformation>,
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    invoicing: Option<InvoicingInformation>,
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    contract: Option<TextLine>,
    #[serde(default, with = "stored", skip_serializing_if = "Option::is_none")]
    suspension: Option<TextLine>,
    workspace_quota: u32,
    #[serde(default)]
    limits: Limits,
    counts: Counts,
    #[serde(default, skip_serializing_if = "LinksMade::is_none")]
    links: LinksMade,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    roles: Vec<OwnRole>,
    #[serde(serialize_with = "time::written")]
    created_at: DateTime<Utc>,
    #[serde(skip)]
    later: Later,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Known<'a>(#[serde(with = "Kept")] &'a Organization);

impl Serialize for Organization {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.later.written(&Known(self), serializer)
    }
}

impl<'de> Deserialize<'de> for Organization {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (known, later) = watched(deserializer, |watched| Kept::deserialize(watched))?;
        Ok(Self { later, ..known })
    }
}

/// The same information, as it comes back from a store: believed.
#[derive(Serialize, Deserialize)]
struct StoredCompany {
    #[serde(with = "stored")]
    legal_name: TextLine,
    #[serde(default, with = "stored")]
    registration_number: Option<TextLine>,
    #[serde(default, with = "stored")]
    vat_number: Option<TextLine>,
    #[serde(with = "stored")]
    address: PostalAddress,
}

/// The same information, as it comes back from a store: believed.
#[derive(Serialize, Deserialize)]
struct StoredInvoicing {
    #[serde(with = "stored")]
    recipient: TextLine,
    #[serde(with = "stored")]
    email: EmailAddress,
    #[serde(with = "stored")]
    address: PostalAddress,
    #[serde(default, with = "stored")]
    reference: Option<TextLine>,
}

impl Stored for CompanyInformation {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.serialize(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = StoredCompany::deserialize(deserializer)?;
        Ok(Self {
            legal_name: kept.legal_name,
            registration_number: kept.registration_number,
            vat_number: kept.vat_number,
            address: kept.address,
        })
    }
}

impl InvoicingInformation {
    /// Whether it is the same to the letter. Equal ones may have an address typed in two ways, and what is
    /// shown is as it was typed.
    pub(crate) fn is_written_as(&self, other: &Self) -> bool {
        self == other && self.email.is_typed_as(&other.email)
    }
}

impl Stored for InvoicingInformation {
    fn keep<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kept = StoredInvoicing {
            recipient: self.recipient.clone(),
            email: self.email.clone(),
            address: self.address.clone(),
            reference: self.reference.clone(),
        };
        kept.serialize(serializer)
    }

    fn restore<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let kept = StoredInvoicing::deserialize(deserializer)?;
        Ok(Self {
            recipient: kept.recipient,
            email: kept.email,
            address: kept.address,
            reference: kept.reference,
        })
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
