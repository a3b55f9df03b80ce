//! What can be asked about: an organization, a workspace in it, a domain in that.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{DomainId, OrganizationId, WorkspaceId};

/// An organization, or something in one. Ids go in pairs with their organization: the pair is the key
/// by which stores find it, and a workspace of one organization can't be reached through another (A5).
///
/// ```
/// use tenancy::{OrganizationId, Resource, WorkspaceId};
///
/// let (acme, payments) = (OrganizationId::new(), WorkspaceId::new());
/// assert_eq!(Resource::from((acme, payments)), Resource::Workspace(acme, payments));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// An organization.
    Organization(OrganizationId),
    /// A workspace of an organization.
    Workspace(OrganizationId, WorkspaceId),
    /// A domain of an organization, in whichever workspace it is.
    Domain(OrganizationId, DomainId),
}

/// The three layers, outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Layer {
    /// Administrative: contract, invoicing, people.
    Organization,
    /// Operational: a collection of domains, with its own people and level of billing.
    Workspace,
    /// One API environment.
    Domain,
}

impl Resource {
    /// The organization that it is, or is in.
    #[must_use]
    pub const fn organization(&self) -> OrganizationId {
        match self {
            Self::Organization(id) | Self::Workspace(id, _) | Self::Domain(id, _) => *id,
        }
    }

    /// Its layer.
    #[must_use]
    pub const fn layer(&self) -> Layer {
        match self {
            Self::Organization(_) => Layer::Organization,
            Self::Workspace(..) => Layer::Workspace,
            Self::Domain(..) => Layer::Domain,
        }
    }
}

impl From<OrganizationId> for Resource {
    fn from(id: OrganizationId) -> Self {
        Self::Organization(id)
    }
}

impl From<(OrganizationId, WorkspaceId)> for Resource {
    fn from((organization, id): (OrganizationId, WorkspaceId)) -> Self {
        Self::Workspace(organization, id)
    }
}

impl From<(OrganizationId, DomainId)> for Resource {
    fn from((organization, id): (OrganizationId, DomainId)) -> Self {
        Self::Domain(organization, id)
    }
}

impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Organization(id) => write!(f, "organization `{id}`"),
            Self::Workspace(organization, id) => {
                write!(f, "workspace `{id}` of organization `{organization}`")
            }
            Self::Domain(organization, id) => {
                write!(f, "domain `{id}` of organization `{organization}`")
            }
        }
    }
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Organization => "organization",
            Self::Workspace => "workspace",
            Self::Domain => "domain",
        })
    }
}
