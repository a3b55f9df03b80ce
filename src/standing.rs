//! Standing: all that a decision needs to know of one person at one resource.
//!
//! A store loads it in one round trip; from there on everything is pure. The cascade is here, in
//! [`Standing::effective`], and nowhere else.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::id::{DomainId, OrganizationId, UserId, WorkspaceId};
use crate::policy::{Action, On, viewers};
use crate::refusal::Refusal;
use crate::resource::{Layer, Resource};
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};

/// How often an organization has changed: 0 while it doesn't exist, one more with each commit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

/// A point in an organization's history: what a write made, or what a check saw.
///
/// Keep it with what you wrote (a session, a document), and hand it to
/// [`WithReplica`](crate::WithReplica): a replica that hasn't seen that point is not asked, so somebody
/// who was just removed is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ConsistencyToken {
    /// The organization.
    pub organization: OrganizationId,
    /// Its version at that point.
    pub version: Version,
}

/// What one person holds on the path organization → workspace → domain, and what of the path exists.
///
/// Stores make it ([`Repository::standing`](crate::Repository::standing)); hosts ask it. It is a
/// snapshot: hold it for a request, not for a session.
///
/// ```
/// use tenancy::{OrganizationAction, OrganizationId, OrganizationRole, Resource, Standing, UserId, Version};
///
/// let acme = OrganizationId::new();
/// let mut cy = Standing::new(UserId::new(), Resource::Organization(acme), Version::new(7));
/// cy.organization_role = Some(OrganizationRole::Accounting);
///
/// assert!(cy.decide(OrganizationAction::EditInvoicing).is_allowed());
/// assert!(!cy.decide(OrganizationAction::Rename).is_allowed());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The organization's version when this was read.
    pub version: Version,
    /// Their role in the organization; `None` if they aren't a member.
    pub organization_role: Option<OrganizationRole>,
    /// The workspace on the path, if it exists: the one asked about, or the one that holds the domain.
    pub workspace: Option<WorkspaceId>,
    /// Their own role in that workspace, not counting the cascade.
    pub workspace_role: Option<WorkspaceRole>,
    /// The domain asked about, if it exists.
    pub domain: Option<DomainId>,
    // Private: no store and no request makes a standing an operator's; only an `Operator` does.
    subject: Subject,
    resource: Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    User(UserId),
    Operator,
}

/// The answer to "may they?". Three outcomes, each explains itself (A2, A3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "decision", rename_all = "snake_case")]
pub enum Decision {
    /// They may.
    Allowed {
        /// The role that allows it, and at which layer it is held.
        by: Grant,
    },
    /// They may see the resource, but not do that.
    Forbidden {
        /// The roles that may; one of them is enough.
        needs: RoleSet,
        /// The roles that they have at the resource, the cascade included.
        has: RoleSet,
    },
    /// They may not even see the resource. Answer as if it didn't exist: perhaps it doesn't.
    Hidden,
}

/// The role by which somebody may do something, and where they hold it.
///
/// Where several would do, the one held nearest to the resource is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grant {
    /// A role held in the workspace itself.
    Workspace(WorkspaceRole),
    /// A role held in the organization, for something on the organization.
    Organization(OrganizationRole),
    /// A role held in the organization, for something below it.
    Cascade(OrganizationRole),
    /// The vendor's staff.
    Operator,
}

/// Proof that a check was made and allowed: what [`Standing::require`] hands out.
///
/// A host function that takes a `Permit` of its action can't be called without a check of that action, if
/// the action is a type of its own: a unit struct (see [`Action`]), not one of an enum's
/// variants. A permit of an enum's is for *some* of its variants: ask [`action`](Self::action) which.
///
/// ```
/// # use tenancy::Permit;
/// # struct RotateServerKeys;
/// fn rotate_server_keys(permit: &Permit<RotateServerKeys>) { /* permit.resource() says which */ }
/// ```
///
/// There is no other way to one: no public field, no `Default`, no `Deserialize`. It proves a check at
/// [`version`](Self::version), not for ever; use it in the request that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a permit is proof of a check; hand it to what needs the proof"]
pub struct Permit<A> {
    action: A,
    standing: Standing,
    by: Grant,
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

impl Standing {
    /// The standing of a user who holds nothing at a resource of which nothing exists below the
    /// organization. Stores set the public fields to what they find.
    #[must_use]
    pub const fn new(user: UserId, resource: Resource, version: Version) -> Self {
        Self {
            version,
            organization_role: None,
            workspace: None,
            workspace_role: None,
            domain: None,
            subject: Subject::User(user),
            resource,
        }
    }

    /// The same path, seen by the vendor's staff: what exists stays, roles are the operator's.
    pub(crate) const fn seen_by_operator(self) -> Self {
        Self {
            organization_role: None,
            workspace_role: None,
            subject: Subject::Operator,
            ..self
        }
    }

    /// Whose standing it is; `None` for an operator.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(id) => Some(id),
            Subject::Operator => None,
        }
    }

    /// What it is the standing at.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// The point in the organization's history that this saw.
    #[must_use]
    pub const fn token(&self) -> ConsistencyToken {
        ConsistencyToken {
            organization: self.resource.organization(),
            version: self.version,
        }
    }

    /// Every role that counts at the resource: the cascade.
    ///
    /// | holds | counts on the organization | counts on workspace and domain |
    /// | --- | --- | --- |
    /// | organization Admin | Admin | Admin, and workspace Admin |
    /// | organization Accounting, Member | the same | the same |
    /// | a workspace role | | the same, as long as they are an organization member (M1) |
    /// | operator | operator | operator |
    ///
    /// ```
    /// # use tenancy::*;
    /// let (acme, payments) = (OrganizationId::new(), WorkspaceId::new());
    /// let mut ann = Standing::new(UserId::new(), Resource::Workspace(acme, payments), Version::new(1));
    /// ann.organization_role = Some(OrganizationRole::Admin);
    /// ann.workspace = Some(payments);
    /// assert_eq!(ann.effective(), RoleSet::ORGANIZATION_ADMIN | RoleSet::WORKSPACE_ADMIN);
    /// ```
    #[must_use]
    pub const fn effective(&self) -> RoleSet {
        self.effective_at(self.resource.layer())
    }

    const fn effective_at(&self, layer: Layer) -> RoleSet {
        let Subject::User(_) = self.subject else {
            return RoleSet::OPERATOR;
        };
        let Some(organization_role) = self.organization_role else {
            // M1: a workspace role without membership is a leftover, and opens nothing.
            return RoleSet::empty();
        };
        let held = RoleSet::of_organization(organization_role);
        match (layer, self.workspace_role) {
            (Layer::Organization, _) => held,
            (Layer::Workspace | Layer::Domain, direct) => {
                let cascaded = match organization_role {
                    OrganizationRole::Admin => held.union(RoleSet::WORKSPACE_ADMIN),
                    OrganizationRole::Accounting | OrganizationRole::Member => held,
                };
                match direct {
                    Some(role) => cascaded.union(RoleSet::of_workspace(role)),
                    None => cascaded,
                }
            }
        }
    }

    /// Whether what this is a standing at exists down to that layer.
    const fn reaches(&self, layer: Layer) -> bool {
        match layer {
            Layer::Organization => true,
            Layer::Workspace => self.workspace.is_some(),
            Layer::Domain => self.workspace.is_some() && self.domain.is_some(),
        }
    }

    /// May they? Pure: no I/O, no allocation.
    ///
    /// An action on an outer layer can be asked of a deeper standing (may they rename the organization
    /// that this domain is in?). The other way round there is no such thing on the path: hidden.
    #[must_use]
    pub fn decide<A: Action>(&self, action: A) -> Decision {
        let layer = <A::On as On>::LAYER;
        if !self.reaches(layer) {
            return Decision::Hidden;
        }
        let has = self.effective_at(layer);
        let needs = action.allowed();
        match self.grant(layer, has.intersection(needs)) {
            Some(by) => Decision::Allowed { by },
            None if has.intersects(viewers(layer)) => Decision::Forbidden { needs, has },
            None => Decision::Hidden,
        }
    }

    /// The role that explains an allowing set, nearest first; `None` if the set is empty.
    fn grant(&self, layer: Layer, allowing: RoleSet) -> Option<Grant> {
        if allowing.is_empty() {
            return None;
        }
        let Subject::User(_) = self.subject else {
            return Some(Grant::Operator);
        };
        match (layer, self.workspace_role, self.organization_role) {
            (Layer::Workspace | Layer::Domain, Some(role), _)
                if allowing.contains(RoleSet::of_workspace(role)) =>
            {
                Some(Grant::Workspace(role))
            }
            (Layer::Organization, _, Some(role)) => Some(Grant::Organization(role)),
            (_, _, Some(role)) => Some(Grant::Cascade(role)),
            (_, _, None) => None,
        }
    }

    /// A [`Permit`] if they may, the refusal if not.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or they may not see it (A2).
    /// - [`Refusal::Forbidden`]: they may see it, but not do that (A1).
    pub fn require<A: Action>(&self, action: A) -> Result<Permit<A>, Refusal> {
        match self.decide(action) {
            Decision::Allowed { by } => Ok(Permit {
                action,
                standing: *self,
                by,
            }),
            Decision::Forbidden { needs, has } => Err(Refusal::Forbidden {
                action: action.phrase().into(),
                needs,
                has,
            }),
            Decision::Hidden => Err(Refusal::NotFound {
                resource: self.resource,
            }),
        }
    }
}

impl Decision {
    /// Whether they may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

impl<A: Action> Permit<A> {
    /// What was asked.
    pub const fn action(&self) -> A {
        self.action
    }

    /// Of what.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.standing.resource
    }

    /// By whom; `None` for an operator.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        self.standing.user()
    }

    /// The role that allowed it.
    #[must_use]
    pub const fn by(&self) -> Grant {
        self.by
    }

    /// The organization's version at the check.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.standing.version
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(role) => write!(f, "workspace {role}"),
            Self::Organization(role) => write!(f, "organization {role}"),
            Self::Cascade(role) => write!(f, "organization {role}, by cascade"),
            Self::Operator => f.write_str("operator"),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allowed { by } => write!(f, "allowed as {by}"),
            Self::Forbidden { needs, has } if has.is_empty() => {
                write!(f, "forbidden: needs {needs}")
            }
            Self::Forbidden { needs, has } => {
                write!(f, "forbidden: needs {needs}, has {}", Held(*has))
            }
            Self::Hidden => f.write_str("hidden: not found, or not theirs to see"),
        }
    }
}

/// Roles joined by "and": what somebody holds, against [`RoleSet`]'s "or" of what would do.
struct Held(RoleSet);

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, role) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(" and ")?;
            }
            fmt::Display::fmt(&role, f)?;
        }
        Ok(())
    }
}
