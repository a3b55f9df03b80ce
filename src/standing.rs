//! Standing: all that a decision needs to know of one person at one resource.
//!
//! A store loads it in one round trip; from there on everything is pure. The cascade is here, in
//! [`Standing::effective`], and nowhere else.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::grants::Code;
use crate::id::UserId;
use crate::member::Term;
use crate::organization::OrganizationStatus;
use crate::own_role::{RoleBase, RoleNumber};
use crate::policy::{Action, On, adds_by_right, view_of, viewers};
use crate::refusal::Refusal;
use crate::resource::{Layer, Resource};
use crate::role::{OrganizationRole, RoleSet, WorkspaceRole};
use crate::version::{ConsistencyToken, Version};

mod held;

pub use held::{Glance, Held};

/// What one person holds on the path organization → workspace → domain, and what of the path exists.
///
/// [`Tenancy::standing`](crate::Tenancy::standing) answers with it; nothing else makes one, so that a
/// [`Permit`] is proof of a check. It is a snapshot: hold it for a request, not for a session.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{*, commands::*, store::*};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// let ann = tenancy.standing(&ann, acme.organization).await?.expect("a member");
/// assert!(ann.decide(OrganizationAction::EditInvoicing).is_allowed());
/// assert!(!ann.decide(OrganizationAction::EditContract).is_allowed());
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    held: Held,
    subject: Subject,
    resource: Resource,
}

/// Who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    User(UserId),
    Operator,
}

/// What a decision looks at: a [`Standing`]'s, or a check's, which needs no standing of its own and copies none.
#[derive(Clone, Copy)]
pub(crate) struct Seen<'a> {
    glance: Glance,
    operates: bool,
    /// If a role of the organization's own adds something.
    adding: Option<&'a Held>,
}

/// The answer to "may they?". Each explains itself (A2, A3).
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
    /// The organization is deleted, and only reading what is left of it goes on. Only operators are told.
    Deleted,
    /// Their roles would do, but the organization is suspended: until the vendor reinstates it, only reading and
    /// settling its invoicing go on (T4). [`OrganizationView::suspension`](crate::views::OrganizationView) says
    /// why.
    Suspended,
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
    /// An action that a role of the organization's own adds to its base (R6): the base alone would not do.
    /// [`Tenancy::explain`](crate::Tenancy::explain) says it with the role's name.
    Own {
        /// The role.
        role: RoleNumber,
        /// The role that whoever holds it counts as.
        base: RoleBase,
    },
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

impl Standing {
    /// What a user holds that counts ([`Held::keep_what_counts`]).
    pub(crate) const fn of_user(user: UserId, resource: Resource, held: Held) -> Self {
        Self {
            held,
            subject: Subject::User(user),
            resource,
        }
    }

    /// The same path, seen by the vendor's staff: what exists stays, roles are the operator's.
    pub(crate) const fn of_operator(resource: Resource, held: Held) -> Self {
        Self {
            held: Held {
                organization_role: None,
                organization_term: Term::Open,
                organization_adds: None,
                workspace_role: None,
                workspace_term: Term::Open,
                workspace_adds: None,
                ..held
            },
            subject: Subject::Operator,
            resource,
        }
    }

    /// The same with something held that isn't, or not held that is: what would be, if.
    pub(crate) const fn with(self, held: Held) -> Self {
        Self { held, ..self }
    }

    /// What is held on the path, and what of it exists. A role that was suspended or had ended when it was made
    /// is not held. **Don't show it** to the person whose standing it
    /// is: it tells whether a workspace or a domain that is hidden from them exists. Show the
    /// [`Decision`].
    #[must_use]
    pub const fn held(&self) -> Held {
        self.held
    }

    /// The organization's version when this was read.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.held.version
    }

    /// Whose standing it is; `None` for an operator.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.subject {
            Subject::User(id) => Some(id),
            Subject::Operator => None,
        }
    }

    /// The resource it applies to.
    #[must_use]
    pub const fn resource(&self) -> Resource {
        self.resource
    }

    /// The point in the organization's history that this saw.
    #[must_use]
    pub const fn token(&self) -> ConsistencyToken {
        ConsistencyToken {
            organization: self.resource.organization(),
            version: self.held.version,
        }
    }

    /// Every role that counts at the resource: the cascade.
    ///
    /// | holds | counts on the organization | counts on workspace and domain |
    /// | --- | --- | --- |
    /// | organization Admin | Admin | Admin, and workspace Admin |
    /// | organization Accounting, Member | the same | the same |
    /// | a workspace role | | the same, as long as they are an organization member (M1) |
    /// | a role that is suspended or has ended | | |
    /// | operator | operator | operator |
    #[must_use]
    pub const fn effective(&self) -> RoleSet {
        self.seen().effective_at(self.resource.layer())
    }

    /// The roles that count at every workspace and domain in the organization: its own, and those by cascade.
    pub(crate) const fn effective_below(&self) -> RoleSet {
        let held = Held {
            workspace_role: None,
            ..self.held
        };
        Seen::of(&held, self.subject).effective_at(Layer::Workspace)
    }

    /// May they? Pure: no I/O, no allocation.
    ///
    /// An action on an outer layer can be asked of a deeper standing (may they rename the organization
    /// that this domain is in?). The other way round there is no such thing on the path: hidden.
    ///
    /// Hidden comes first, for every action (A4): a row never opens what they may not view. Then the action's
    /// row, then what a role of the organization's own adds (R2).
    #[must_use]
    pub fn decide<A: Action>(&self, action: A) -> Decision {
        self.seen().decide(action)
    }

    const fn seen(&self) -> Seen<'_> {
        Seen::of(&self.held, self.subject)
    }

    /// The resource of that layer on the path, if it exists.
    const fn resource_at(&self, layer: Layer) -> Option<Resource> {
        let organization = self.resource.organization();
        match (layer, self.held.workspace) {
            (Layer::Organization, _) => Some(Resource::Organization(organization)),
            (Layer::Workspace, Some(workspace)) => {
                Some(Resource::Workspace(organization, workspace))
            }
            (Layer::Domain, Some(_)) => match self.held.domain {
                Some(domain) => Some(Resource::Domain(organization, domain)),
                None => None,
            },
            (_, None) => None,
        }
    }

    /// A [`Permit`] if they may, the refusal if not.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the resource doesn't exist, or they may not see it (A2).
    /// - [`Refusal::Forbidden`]: they may see it, but not do that (A1).
    /// - [`Refusal::OrganizationDeleted`]: an operator asks for more than reading what is left of it.
    /// - [`Refusal::OrganizationSuspended`]: the organization is suspended, and a user asks for more than reading
    ///   or settling its invoicing (T4). A standing doesn't know the reason; [`Tenancy::require`] tells it.
    ///
    /// [`Tenancy::require`]: crate::Tenancy::require
    pub fn require<A: Action>(&self, action: A) -> Result<Permit<A>, Refusal> {
        let by = self.decide(action).granted(action, self.resource)?;
        let resource = self.resource_at(<A::On as On>::LAYER);
        let resource = resource.unwrap_or(self.resource);
        Ok(Permit {
            action,
            standing: Self { resource, ..*self },
            by,
        })
    }
}

impl<'a> Seen<'a> {
    /// What somebody holds that counts ([`Held::keep_what_counts`]); of an operator, what of it exists.
    pub(crate) const fn of(held: &'a Held, subject: Subject) -> Self {
        let adds = held.organization_adds.is_some() || held.workspace_adds.is_some();
        Self {
            glance: held.built_in(),
            operates: matches!(subject, Subject::Operator),
            adding: if adds { Some(held) } else { None },
        }
    }

    /// The same at a glance.
    pub(crate) const fn at_a_glance(glance: Glance, operates: bool) -> Self {
        Self {
            glance,
            operates,
            adding: None,
        }
    }

    const fn effective_at(self, layer: Layer) -> RoleSet {
        if self.operates {
            return RoleSet::OPERATOR;
        }
        let held = match self.glance.organization_role {
            Some(role) => RoleSet::of_organization(role),
            None => RoleSet::empty(),
        };
        // M1: a workspace role without membership is a leftover, and opens nothing.
        if held.is_empty() || matches!(layer, Layer::Organization) {
            return held;
        }
        let cascaded = match held {
            RoleSet::ORGANIZATION_ADMIN => RoleSet::WORKSPACE_ADMIN,
            _ => RoleSet::empty(),
        };
        let direct = match self.glance.workspace_role {
            Some(role) => RoleSet::of_workspace(role),
            None => RoleSet::empty(),
        };
        held.union(cascaded).union(direct)
    }

    /// Whether what this is a standing at exists down to that layer.
    const fn reaches(self, layer: Layer) -> bool {
        layer as u8 <= self.glance.reaches as u8
    }

    /// [`Standing::decide`].
    pub(crate) fn decide<A: Action>(self, action: A) -> Decision {
        let layer = <A::On as On>::LAYER;
        if !self.reaches(layer) {
            return Decision::Hidden;
        }
        let has = self.effective_at(layer);
        let needs = action.allowed();
        let by = self.grant(layer, has.intersection(needs));
        let sees = has.intersects(viewers(layer));
        let decision = match by {
            Some(by) if sees => Decision::Allowed { by },
            _ if self.adding.is_some() => self.decide_by_additions(layer, action.code(), needs, by),
            _ if sees => Decision::Forbidden { needs, has },
            _ => Decision::Hidden,
        };
        if let Decision::Allowed { by } = decision {
            return self.decide_on_status(action, by);
        }
        decision
    }

    /// The same for somebody who holds a role of the organization's own, where the letters alone don't allow it.
    /// `by` is what they allow, if only the thing itself could be viewed.
    #[cold]
    fn decide_by_additions(
        self,
        layer: Layer,
        code: Option<Code>,
        needs: RoleSet,
        by: Option<Grant>,
    ) -> Decision {
        let has = self.effective_at(layer);
        let views = view_of(layer).and_then(|view| self.addition(layer, view, viewers(layer)));
        if views.is_none() && !has.intersects(viewers(layer)) {
            return Decision::Hidden;
        }
        let added = || self.addition(layer, code?, needs);
        match by.or_else(added) {
            Some(by) => Decision::Allowed { by },
            None => Decision::Forbidden { needs, has },
        }
    }

    /// The role of the organization's own, held nearest, that adds that action on that layer, and may (R3).
    fn addition(self, layer: Layer, code: Code, needs: RoleSet) -> Option<Grant> {
        let all = self.adding?;
        // M1: whoever is no member holds nothing; and Admin is no base (R2).
        let member = RoleBase::of_organization(all.organization_role?);
        let code = match (layer, all.kind) {
            (Layer::Organization | Layer::Workspace, _) => code,
            (Layer::Domain, kind) => code.on(kind?),
        };
        let worker = all.workspace_role.and_then(RoleBase::of_workspace);
        let held = [
            (all.workspace_adds, worker, Layer::Workspace),
            (all.organization_adds, member, Layer::Organization),
        ];
        held.into_iter().find_map(|(added, base, of)| {
            let added = added.filter(|added| added.adds.has(code))?;
            let by = Grant::Own {
                role: added.role,
                base: base?,
            };
            adds_by_right(of, layer, needs).then_some(by)
        })
    }

    /// What a role allows, once the organization's status has had its say (O6, T4).
    fn decide_on_status<A: Action>(self, action: A, by: Grant) -> Decision {
        match self.glance.status {
            OrganizationStatus::Deleted if !action.goes_on_when_deleted() => Decision::Deleted,
            OrganizationStatus::Suspended if !self.operates && !action.goes_on_when_suspended() => {
                Decision::Suspended
            }
            _ => Decision::Allowed { by },
        }
    }

    /// The role that explains an allowing set, nearest first; `None` if the set is empty.
    fn grant(self, layer: Layer, allowing: RoleSet) -> Option<Grant> {
        if allowing.is_empty() {
            return None;
        }
        if self.operates {
            return Some(Grant::Operator);
        }
        match (
            layer,
            self.glance.workspace_role,
            self.glance.organization_role,
        ) {
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
}

impl Grant {
    /// How near to what was asked about the role is: a decision names the nearest.
    pub(crate) const fn nearness(self) -> u8 {
        match self {
            Self::Workspace(_) => 0,
            Self::Organization(_) | Self::Cascade(_) => 1,
            Self::Operator => 2,
            Self::Own { base, .. } => match base.layer() {
                Layer::Workspace | Layer::Domain => 3,
                Layer::Organization => 4,
            },
        }
    }
}

impl Decision {
    /// Whether they may.
    #[must_use]
    pub const fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }

    /// What allows it, or the refusal: [`Standing::require`].
    pub(crate) fn granted<A: Action>(
        self,
        action: A,
        resource: Resource,
    ) -> Result<Grant, Refusal> {
        match self {
            Self::Allowed { by } => Ok(by),
            Self::Forbidden { needs, has } => Err(Refusal::Forbidden {
                action: action.phrase().into(),
                needs,
                has,
            }),
            Self::Hidden => Err(Refusal::NotFound { resource }),
            Self::Deleted => Err(Refusal::OrganizationDeleted),
            Self::Suspended => Err(Refusal::OrganizationSuspended { reason: None }),
        }
    }
}

impl<A: Action> Permit<A> {
    /// What was asked.
    pub const fn action(&self) -> A {
        self.action
    }

    /// The resource of the action's own layer: of an action on a workspace that was asked of a domain's
    /// standing, the workspace.
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
        self.standing.version()
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Workspace(role) => write!(f, "workspace {role}"),
            Self::Organization(role) => write!(f, "organization {role}"),
            Self::Cascade(role) => write!(f, "organization {role}, by cascade"),
            Self::Operator => f.write_str("operator"),
            Self::Own { role, base } => {
                write!(f, "role {role} of the organization's own ({base} and more)")
            }
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
                write!(f, "forbidden: needs {needs}, has {}", All(*has))
            }
            Self::Hidden => f.write_str("hidden: not found, or not theirs to see"),
            Self::Deleted => f.write_str("deleted: only what is left can be read"),
            Self::Suspended => {
                f.write_str("suspended: until it is reinstated, only reading and invoicing go on")
            }
        }
    }
}

/// Roles joined by "and": what somebody holds, against [`RoleSet`]'s "or" of what would do.
struct All(RoleSet);

impl fmt::Display for All {
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
