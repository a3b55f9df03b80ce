//! Roles of an organization's own: a base, and what they add to it (R1, R2).

use core::fmt;
use core::num::{NonZeroU64, ParseIntError};
use core::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::grants::Grants;
use crate::later::{Later, watched};
use crate::resource::Layer;
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::text::{Name, NameKey, stored};
use crate::version::Version;

/// A role of an organization's own, as it is kept: on the organization's row, of which every command has it
/// (32 at most, R1).
///
/// Whoever holds it counts as its base everywhere, and may do what it adds besides (R2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnRole {
    /// Its number, by which it is held.
    pub number: RoleNumber,
    /// Its name, unique among the organization's roles, built-in ones included (R1).
    pub name: Name,
    /// The key of its name, by which it is unique, as it was when the name was given.
    pub name_key: NameKey,
    /// The role that whoever holds it counts as. It never changes (R2).
    pub base: RoleBase,
    /// What it adds.
    pub adds: Grants,
    /// Whether it adds anything now.
    pub state: RoleState,
    /// How many hold it: members of the organization, or of its workspaces. Kept by the core.
    pub holders: u32,
    /// How many open invitations offer it, expired ones included. Kept by the core.
    pub offered: u32,
    /// When it was defined.
    pub created_at: DateTime<Utc>,
    /// What a later version of this crate keeps with it.
    pub later: Later,
}

/// How it is written; what a later version keeps with it, or with a part of it, stands where it stood.
#[derive(Serialize, Deserialize)]
#[serde(remote = "OwnRole")]
struct Kept {
    number: RoleNumber,
    #[serde(with = "stored")]
    name: Name,
    #[serde(with = "stored")]
    name_key: NameKey,
    base: RoleBase,
    adds: Grants,
    state: RoleState,
    holders: u32,
    offered: u32,
    created_at: DateTime<Utc>,
    #[serde(skip)]
    later: Later,
}

#[derive(Serialize)]
#[serde(transparent)]
struct Known<'a>(#[serde(with = "Kept")] &'a OwnRole);

impl Serialize for OwnRole {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.later.written(&Known(self), serializer)
    }
}

impl<'de> Deserialize<'de> for OwnRole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (known, later) = watched(deserializer, |watched| Kept::deserialize(watched))?;
        Ok(Self { later, ..known })
    }
}

/// The number of a role of an organization's own: that of the organization's version in which it was defined, so
/// that none is ever used again. Unique in the organization.
///
/// ```
/// use tenancy::RoleNumber;
///
/// let number: RoleNumber = "17".parse()?;
/// assert_eq!(number.get(), 17);
/// assert!("0".parse::<RoleNumber>().is_err());
/// # Ok::<(), core::num::ParseIntError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RoleNumber(NonZeroU64);

/// What a role of an organization's own builds on: one of its layer's roles but Admin, who may do everything
/// there already (R2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleBase {
    /// [`OrganizationRole::Member`]: what is added counts on the organization, and in all its workspaces.
    Member,
    /// [`OrganizationRole::Accounting`]: as `Member`, with invoicing.
    Accounting,
    /// [`WorkspaceRole::Reader`]: what is added counts in the workspace that it is held in.
    Reader,
    /// [`WorkspaceRole::Developer`]: as `Reader`, with more.
    Developer,
}

/// Whether a role of an organization's own is in use (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoleState {
    /// It adds what it adds, and may be given.
    InForce,
    /// All who hold it hold its base, and it can't be given, until it is restored.
    Retired,
}

/// A role to give: a built-in one, or the organization's own, by its number (R6). What is built in needs no
/// wrapping where a command asks for a role.
///
/// It travels as the role's name or as the number: `"developer"`, `17`.
///
/// ```
/// use tenancy::{Role, WorkspaceRole};
///
/// let from_a_form: Role<WorkspaceRole> = serde_json::from_str("17").unwrap();
/// assert_eq!(from_a_form, Role::Own("17".parse().unwrap()));
/// assert_eq!(Role::from(WorkspaceRole::Reader), serde_json::from_str("\"reader\"").unwrap());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Role<B> {
    /// One that every organization has.
    BuiltIn(B),
    /// One of the organization's own.
    Own(RoleNumber),
}

/// What a command may be asked to give at a layer whose roles are `B`: a `B` itself, the [`RoleNumber`] of a role of
/// the organization's own, or a [`Role`], which is either.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no role of this layer",
    label = "not a role whose base is `{B}`",
    note = "give a `{B}`, a `RoleNumber`, or a `Role<{B}>`"
)]
pub trait AsRole<B>: Copy + Into<Role<B>> + Send + Sync + 'static {}

impl<B, R: Copy + Into<Role<B>> + Send + Sync + 'static> AsRole<B> for R {}

/// Writes the role that a value stands for, whatever its own type would write: a request is what is asked (A6).
pub(crate) fn as_role<B: Serialize, R: AsRole<B>, S: Serializer>(
    role: &R,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    (*role).into().serialize(serializer)
}

/// What one of an organization's own roles, in force, adds for whoever holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Added {
    /// The role.
    pub role: RoleNumber,
    /// What it adds.
    pub adds: Grants,
}

/// What somebody holds in one layer: a role of the crate's, and perhaps one of the organization's own, whose
/// base that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holding<B> {
    pub(crate) base: B,
    pub(crate) own: Option<RoleNumber>,
}

/// What each of an organization's own roles adds, of those in force: all that a check needs of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RolesInForce(
    // INVARIANT: by number, each once, none that adds nothing.
    Vec<(RoleNumber, Grants)>,
);

impl RoleNumber {
    /// The number of a role that is defined in that version.
    pub(crate) fn defined_in(version: Version) -> Self {
        Self(NonZeroU64::new(version.get()).unwrap_or(NonZeroU64::MIN))
    }

    /// The number, from 1.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// As a store keeps it in a column.
    #[must_use]
    pub fn column(self) -> i64 {
        i64::try_from(self.get()).unwrap_or(i64::MAX)
    }

    /// What a column holds; `None` if that is no number of a role.
    #[must_use]
    pub fn from_column(number: i64) -> Option<Self> {
        NonZeroU64::new(u64::try_from(number).ok()?).map(Self)
    }
}

impl RoleBase {
    /// Every base.
    pub const ALL: [Self; 4] = [
        Self::Member,
        Self::Accounting,
        Self::Reader,
        Self::Developer,
    ];

    /// The layer at which a role of that base is held: the organization or the workspace.
    #[must_use]
    pub const fn layer(self) -> Layer {
        match self {
            Self::Member | Self::Accounting => Layer::Organization,
            Self::Reader | Self::Developer => Layer::Workspace,
        }
    }

    /// The role of the organization that it is; `None` if it is one of a workspace.
    #[must_use]
    pub const fn organization_role(self) -> Option<OrganizationRole> {
        match self {
            Self::Member => Some(OrganizationRole::Member),
            Self::Accounting => Some(OrganizationRole::Accounting),
            Self::Reader | Self::Developer => None,
        }
    }

    /// The role of a workspace that it is; `None` if it is one of the organization.
    #[must_use]
    pub const fn workspace_role(self) -> Option<WorkspaceRole> {
        match self {
            Self::Reader => Some(WorkspaceRole::Reader),
            Self::Developer => Some(WorkspaceRole::Developer),
            Self::Member | Self::Accounting => None,
        }
    }

    /// That role of the organization as a base; `None` for Admin.
    #[must_use]
    pub const fn of_organization(role: OrganizationRole) -> Option<Self> {
        match role {
            OrganizationRole::Member => Some(Self::Member),
            OrganizationRole::Accounting => Some(Self::Accounting),
            OrganizationRole::Admin => None,
        }
    }

    /// That role of a workspace as a base; `None` for Admin.
    #[must_use]
    pub const fn of_workspace(role: WorkspaceRole) -> Option<Self> {
        match role {
            WorkspaceRole::Reader => Some(Self::Reader),
            WorkspaceRole::Developer => Some(Self::Developer),
            WorkspaceRole::Admin => None,
        }
    }
}

impl From<RoleBase> for RoleSet {
    fn from(base: RoleBase) -> Self {
        match base {
            RoleBase::Member => Self::MEMBER,
            RoleBase::Accounting => Self::ACCOUNTING,
            RoleBase::Reader => Self::READER,
            RoleBase::Developer => Self::DEVELOPER,
        }
    }
}

impl OwnRole {
    /// What it adds now: nothing while it is retired (R7).
    #[must_use]
    pub const fn in_force(&self) -> Grants {
        match self.state {
            RoleState::InForce => self.adds,
            RoleState::Retired => Grants::NONE,
        }
    }
}

impl RolesInForce {
    /// What those of these roles add that are in force.
    pub(crate) fn of(roles: &[OwnRole]) -> Self {
        let in_force = roles.iter().map(|role| (role.number, role.in_force()));
        Self(in_force.filter(|(_, adds)| !adds.is_empty()).collect())
    }

    /// Whether there are none: always, for an organization that has no roles of its own.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The roles, and what each adds.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (RoleNumber, Grants)> {
        self.0.iter().copied()
    }

    /// What the role of that number adds; `None` if it is none of them, or retired.
    #[must_use]
    pub fn added_by(&self, role: RoleNumber) -> Option<Added> {
        let (_, adds) = self.0.iter().find(|(number, _)| *number == role)?;
        Some(Added { role, adds: *adds })
    }
}

// By the base first, as whoever holds a role counts as its base everywhere (R2): Developer is more than any
// role whose base is Reader. Of two roles of one base neither is more than the other.
impl<B: Copy + Ord> Holding<B> {
    /// Whether it is what is offered, or more.
    pub(crate) fn includes(self, offered: Self) -> bool {
        self.base > offered.base
            || (self.base == offered.base && (offered.own.is_none() || offered.own == self.own))
    }

    /// Whether changing from this to that takes something away (M4): a higher base, or, with the same base, a role
    /// of the organization's own.
    pub(crate) fn is_lowered_to(self, to: Self) -> bool {
        to.base < self.base || (to.base == self.base && self.own.is_some() && to.own != self.own)
    }

    /// Whether accepting what is offered gives something, and takes nothing away (I7).
    pub(crate) fn gains(self, offered: Self) -> bool {
        offered.base > self.base
            || (offered.base == self.base && self.own.is_none() && offered.own.is_some())
    }
}

impl From<OrganizationRole> for Role<OrganizationRole> {
    fn from(role: OrganizationRole) -> Self {
        Self::BuiltIn(role)
    }
}

impl From<WorkspaceRole> for Role<WorkspaceRole> {
    fn from(role: WorkspaceRole) -> Self {
        Self::BuiltIn(role)
    }
}

impl<B> From<RoleNumber> for Role<B> {
    fn from(number: RoleNumber) -> Self {
        Self::Own(number)
    }
}

impl FromStr for RoleNumber {
    type Err = ParseIntError;

    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

impl fmt::Display for RoleNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RoleBase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&RoleSet::from(*self), f)
    }
}

impl fmt::Display for RoleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InForce => "in force",
            Self::Retired => "retired",
        })
    }
}
