//! What a store finds of somebody on the path to a resource.

use chrono::{DateTime, Utc};

use crate::domain::DomainKind;
use crate::id::{DomainId, WorkspaceId};
use crate::member::Term;
use crate::organization::OrganizationStatus;
use crate::own_role::{Added, RoleNumber, RolesInForce};
use crate::resource::Layer;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::version::Version;

/// What a store finds of one user on the path to a resource: the roles that they hold, and what of the
/// path exists. Only [`Tenancy`](crate::Tenancy) makes a [`Standing`](crate::Standing) of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// The organization's version when this was read.
    pub version: Version,
    /// Whether the organization is in use.
    pub status: OrganizationStatus,
    /// The user's role in the organization; `None` if they aren't a member.
    pub organization_role: Option<OrganizationRole>,
    /// For how long that membership counts (T1, T3); [`Term::Open`] if there is none.
    pub organization_term: Term,
    /// What a role of the organization's own adds that they hold in the organization: [`OwnRole::in_force`]
    /// (R2). `None` if they hold none, or it is retired.
    ///
    /// [`OwnRole::in_force`]: crate::OwnRole::in_force
    pub organization_adds: Option<Added>,
    /// The workspace on the path, if it exists: the one asked about, or the one that holds the domain.
    pub workspace: Option<WorkspaceId>,
    /// The user's own role in that workspace, not counting the cascade.
    pub workspace_role: Option<WorkspaceRole>,
    /// For how long that role counts (T3); [`Term::Open`] if there is none.
    pub workspace_term: Term,
    /// What a role of the organization's own adds that they hold in that workspace, in the same way.
    pub workspace_adds: Option<Added>,
    /// The domain asked about, if it exists.
    pub domain: Option<DomainId>,
    /// The kind of that domain: what a role adds may count for sandboxes only (R4).
    pub kind: Option<DomainKind>,
}

impl Held {
    /// Nothing held, and nothing below the organization there: what a store begins with.
    #[must_use]
    pub const fn nothing(version: Version, status: OrganizationStatus) -> Self {
        Self {
            version,
            status,
            organization_role: None,
            organization_term: Term::Open,
            organization_adds: None,
            workspace: None,
            workspace_role: None,
            workspace_term: Term::Open,
            workspace_adds: None,
            domain: None,
            kind: None,
        }
    }
}

impl Held {
    /// What the roles of the organization's own add that a store found beside the others, in the organization and in
    /// the workspace: for a store that keeps their numbers in columns ([`Record::columns`]), and finds what each adds
    /// in the organization's summary. A number that is none of them adds nothing.
    ///
    /// [`Record::columns`]: crate::store::Record::columns
    #[must_use]
    pub fn with_own_roles(
        self,
        in_organization: Option<i64>,
        in_workspace: Option<i64>,
        roles: &RolesInForce,
    ) -> Self {
        let added = |number: i64| roles.added_by(RoleNumber::from_column(number)?);
        Self {
            organization_adds: in_organization.and_then(added),
            workspace_adds: in_workspace.and_then(added),
            ..self
        }
    }

    /// Keeps what of it counts now (T1, T3): what is suspended or has ended is not held. The clock is read only where
    /// something is suspended or ends: it would cost as much as half of a check.
    pub(crate) fn keep_what_counts(&mut self, now: impl FnOnce() -> DateTime<Utc>) {
        if self.organization_term != Term::Open || self.workspace_term != Term::Open {
            self.count_at(now());
        }
    }

    #[cold]
    fn count_at(&mut self, now: DateTime<Utc>) {
        let belongs = self.organization_term.counts_at(now);
        if !belongs {
            (self.organization_role, self.organization_adds) = (None, None);
        }
        if !belongs || !self.workspace_term.counts_at(now) {
            (self.workspace_role, self.workspace_adds) = (None, None);
        }
    }
}

/// As much of a [`Held`] as a check looks at, in 16 bytes: of a user whose roles count as they stand, without an end, a
/// suspension or a role of the organization's own. See [`Repository::glance`](crate::store::Repository::glance).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Glance {
    /// The organization's version when this was read.
    pub version: Version,
    /// Whether the organization is in use.
    pub status: OrganizationStatus,
    /// The user's role in the organization; `None` if they aren't a member.
    pub organization_role: Option<OrganizationRole>,
    /// The user's own role in the workspace on the path, not counting the cascade.
    pub workspace_role: Option<WorkspaceRole>,
    /// Down to which layer what was asked about exists.
    pub reaches: Layer,
}

impl Held {
    /// The same at a glance, if that says enough; it is what a store that has it at hand answers to
    /// [`Repository::glance`](crate::store::Repository::glance).
    #[must_use]
    pub fn glance(&self) -> Option<Glance> {
        let stands = self.organization_term == Term::Open && self.workspace_term == Term::Open;
        let adds = self.organization_adds.is_some() || self.workspace_adds.is_some();
        (stands && !adds).then(|| self.built_in())
    }

    /// As much of it as decisions on built-in roles look at.
    pub(super) const fn built_in(&self) -> Glance {
        Glance {
            version: self.version,
            status: self.status,
            organization_role: self.organization_role,
            workspace_role: self.workspace_role,
            reaches: match (self.workspace, self.domain) {
                (None, _) => Layer::Organization,
                (Some(_), None) => Layer::Workspace,
                (Some(_), Some(_)) => Layer::Domain,
            },
        }
    }
}
