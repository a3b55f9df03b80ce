//! Roles: what a person holds, and the sets that a decision works on.
//!
//! | layer | roles, weakest first |
//! | --- | --- |
//! | organization | [`Member`](OrganizationRole::Member), [`Accounting`](OrganizationRole::Accounting), [`Admin`](OrganizationRole::Admin) |
//! | workspace | [`Reader`](WorkspaceRole::Reader), [`Developer`](WorkspaceRole::Developer), [`Admin`](WorkspaceRole::Admin) |
//!
//! One role per user and layer (M5). Each list is ordered by what it permits, so `>` reads "may more
//! than". The two lists don't compare with each other: Accounting is not more or less than Developer,
//! it is something else.
//!
//! The vendor's staff is no member of anything: an [`Operator`](crate::Operator) has a letter of its own
//! in every [`RoleSet`].

use core::fmt;
use core::str::FromStr;

use bitflags::bitflags;
use serde::{Deserialize, Serialize};

use crate::code::codes;

/// What a member may do in an organization. Each permits all that the one before permits.
///
/// - `Member` belongs: sees the organization's name and their own role.
/// - `Accounting` reaches the invoicing of the organization and of every workspace in it.
/// - `Admin` may do everything in the organization, and acts as Admin of every workspace and domain.
///
/// ```
/// use tenancy::OrganizationRole::{Accounting, Admin, Member};
///
/// assert!(Member < Accounting && Accounting < Admin);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrganizationRole {
    /// Belongs to the organization; grants nothing below it.
    Member,
    /// Invoicing, everywhere in the organization.
    Accounting,
    /// Everything, by cascade in all workspaces and domains too.
    Admin,
}

/// What a workspace member may do in a workspace and its domains. Each permits all that the one before
/// permits.
///
/// ```
/// use tenancy::WorkspaceRole::{Admin, Developer, Reader};
///
/// assert!(Reader < Developer && Developer < Admin);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceRole {
    /// Sees the workspace, its people and its domains.
    Reader,
    /// Creates and configures domains.
    Developer,
    /// Everything in the workspace: people, server keys, deleting.
    Admin,
}

/// A text that names no role. Its message says which there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no such role: it is {0}")]
pub struct UnknownRole(&'static str);

bitflags! {
    /// A set of roles: the row of an action in the permission matrix, or all that somebody holds at a
    /// resource.
    ///
    /// One byte, all operations `const`, so that the whole matrix is a constant. Displayed in words,
    /// for people: `organization Admin or workspace Admin`. Serialized as a list of names.
    ///
    /// ```
    /// use tenancy::RoleSet;
    ///
    /// const MAY_DEPLOY: RoleSet = RoleSet::WORKSPACE_ADMIN.union(RoleSet::DEVELOPER);
    /// assert_eq!(MAY_DEPLOY.to_string(), "workspace Admin or workspace Developer");
    /// assert!(MAY_DEPLOY.contains(RoleSet::DEVELOPER));
    /// ```
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
    pub struct RoleSet: u8 {
        /// `A`: Admin of the organization.
        const ORGANIZATION_ADMIN = 1 << 0;
        /// `C`: Accounting of the organization.
        const ACCOUNTING = 1 << 1;
        /// `M`: Member of the organization.
        const MEMBER = 1 << 2;
        /// `wA`: Admin of the workspace, direct or by cascade.
        const WORKSPACE_ADMIN = 1 << 3;
        /// `wD`: Developer of the workspace.
        const DEVELOPER = 1 << 4;
        /// `wR`: Reader of the workspace.
        const READER = 1 << 5;
        /// `op`: the vendor's staff.
        const OPERATOR = 1 << 6;
    }
}

codes!(OrganizationRole { Member = 1, Accounting = 2, Admin = 3 });
codes!(WorkspaceRole { Reader = 1, Developer = 2, Admin = 3 });

impl OrganizationRole {
    /// Every organization role, weakest first.
    pub const ALL: [Self; 3] = [Self::Member, Self::Accounting, Self::Admin];
}

impl WorkspaceRole {
    /// Every workspace role, weakest first.
    pub const ALL: [Self; 3] = [Self::Reader, Self::Developer, Self::Admin];
}

/// By its name, in capitals or not: a form's field, an argument of a command line.
///
/// ```
/// use tenancy::OrganizationRole;
///
/// assert_eq!("admin".parse(), Ok(OrganizationRole::Admin));
/// let problem = "owner".parse::<OrganizationRole>().unwrap_err();
/// assert_eq!(problem.to_string(), "there is no such role: it is member, accounting or admin");
/// ```
impl FromStr for OrganizationRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        named(Self::ALL, text).ok_or(UnknownRole("member, accounting or admin"))
    }
}

/// By its name, in capitals or not: a form's field, an argument of a command line.
///
/// ```
/// use tenancy::WorkspaceRole;
///
/// assert_eq!("Developer".parse(), Ok(WorkspaceRole::Developer));
/// ```
impl FromStr for WorkspaceRole {
    type Err = UnknownRole;

    fn from_str(text: &str) -> Result<Self, UnknownRole> {
        named(Self::ALL, text).ok_or(UnknownRole("reader, developer or admin"))
    }
}

fn named<R: fmt::Display, const N: usize>(roles: [R; N], text: &str) -> Option<R> {
    let mut roles = roles.into_iter();
    roles.find(|role| role.to_string().eq_ignore_ascii_case(text))
}

impl RoleSet {
    /// Every single role with its letter in the matrix, in the matrix's order.
    pub const LETTERS: [(&'static str, Self); 7] = [
        ("A", Self::ORGANIZATION_ADMIN),
        ("C", Self::ACCOUNTING),
        ("M", Self::MEMBER),
        ("wA", Self::WORKSPACE_ADMIN),
        ("wD", Self::DEVELOPER),
        ("wR", Self::READER),
        ("op", Self::OPERATOR),
    ];

    /// The set of one organization role.
    #[must_use]
    pub const fn of_organization(role: OrganizationRole) -> Self {
        match role {
            OrganizationRole::Member => Self::MEMBER,
            OrganizationRole::Accounting => Self::ACCOUNTING,
            OrganizationRole::Admin => Self::ORGANIZATION_ADMIN,
        }
    }

    /// The set of one workspace role.
    #[must_use]
    pub const fn of_workspace(role: WorkspaceRole) -> Self {
        match role {
            WorkspaceRole::Reader => Self::READER,
            WorkspaceRole::Developer => Self::DEVELOPER,
            WorkspaceRole::Admin => Self::WORKSPACE_ADMIN,
        }
    }

    const fn word(self) -> &'static str {
        match self {
            Self::ORGANIZATION_ADMIN => "organization Admin",
            Self::ACCOUNTING => "organization Accounting",
            Self::MEMBER => "organization Member",
            Self::WORKSPACE_ADMIN => "workspace Admin",
            Self::DEVELOPER => "workspace Developer",
            Self::READER => "workspace Reader",
            Self::OPERATOR => "operator",
            _ => "several roles",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::ORGANIZATION_ADMIN => "organization_admin",
            Self::ACCOUNTING => "accounting",
            Self::MEMBER => "member",
            Self::WORKSPACE_ADMIN => "workspace_admin",
            Self::DEVELOPER => "developer",
            Self::READER => "reader",
            Self::OPERATOR => "operator",
            _ => "several",
        }
    }
}

impl From<OrganizationRole> for RoleSet {
    fn from(role: OrganizationRole) -> Self {
        Self::of_organization(role)
    }
}

impl From<WorkspaceRole> for RoleSet {
    fn from(role: WorkspaceRole) -> Self {
        Self::of_workspace(role)
    }
}

impl fmt::Display for OrganizationRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Member => "Member",
            Self::Accounting => "Accounting",
            Self::Admin => "Admin",
        })
    }
}

impl fmt::Display for WorkspaceRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Reader => "Reader",
            Self::Developer => "Developer",
            Self::Admin => "Admin",
        })
    }
}

impl fmt::Display for RoleSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("no role");
        }
        for (i, role) in self.iter().enumerate() {
            if i > 0 {
                f.write_str(" or ")?;
            }
            f.write_str(role.word())?;
        }
        Ok(())
    }
}

impl Serialize for RoleSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Self::name))
    }
}

impl<'de> Deserialize<'de> for RoleSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let names = Vec::<String>::deserialize(deserializer)?;
        names.iter().try_fold(Self::empty(), |set, name| {
            Self::all()
                .iter()
                .find(|role| role.name() == name)
                .map(|role| set.union(role))
                .ok_or_else(|| {
                    serde::de::Error::custom(format_args!("`{}` is no role", name.escape_debug()))
                })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_said_in_words() {
        assert_eq!(RoleSet::empty().to_string(), "no role");
        assert_eq!(
            (RoleSet::ORGANIZATION_ADMIN | RoleSet::READER).to_string(),
            "organization Admin or workspace Reader"
        );
    }

    #[test]
    fn a_set_travels_as_a_list_of_names() {
        let set = RoleSet::WORKSPACE_ADMIN | RoleSet::OPERATOR;
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(json, r#"["workspace_admin","operator"]"#);
        assert_eq!(serde_json::from_str::<RoleSet>(&json).unwrap(), set);
        let error = serde_json::from_str::<RoleSet>(r#"["root"]"#).unwrap_err();
        assert!(
            error.to_string().starts_with("`root` is no role"),
            "{error}"
        );
    }

    #[test]
    fn every_single_role_has_a_letter_a_word_and_a_name_of_its_own() {
        for (letter, role) in RoleSet::LETTERS {
            assert_eq!(role.iter().count(), 1, "{letter}");
            assert_ne!(role.word(), "several roles");
            assert_ne!(role.name(), "several");
        }
        assert_eq!(
            RoleSet::LETTERS
                .iter()
                .map(|(_, role)| *role)
                .collect::<RoleSet>(),
            RoleSet::all()
        );
    }
}
