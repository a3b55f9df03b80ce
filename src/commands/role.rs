use serde::Serialize;

use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::Event;
use crate::grants::Grants;
use crate::id::{CommitId, OrganizationId, UserId, WorkspaceId};
use crate::organization::Organization;
use crate::own_role::{Holding, OwnRole, Role, RoleBase, RoleNumber, RoleState};
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::role::{OrganizationRole, WorkspaceRole};
use crate::store::Key;
use crate::text::Name;

impl<F> Answer<F> for RoleNumber {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::RoleDefined { role, .. } => Some(*role),
            _ => None,
        })
    }
}

/// Defines a role of the organization's own: a base, and the actions that it adds (R1, R2). It answers with the
/// role's number, by which it is given: commands that give one role take the number as it is, those that take a
/// [`Role`] take it as `.into()`.
///
/// Whoever holds it counts as its base everywhere. What is added brings *view* of what it is on and of what holds
/// that (R5); to list what is inside, such as the domains of a workspace, is an action of its own. An organization
/// role's additions count in all workspaces, a workspace role's in its own.
///
/// **Which of two roles is more** is said by their bases: Developer is more than any role whose base is Reader,
/// whatever that adds. Of two roles of one base neither is more than the other, but each is more than the base. It
/// matters in two places. An invitation doesn't replace a role by one that isn't more (I7), so inviting somebody to such
/// a role is refused (I5); and what is replaced by one that is less, or of the same base, doesn't come back by an older
/// link (M4). A role is changed directly to any other.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
/// let tester = DefineRole {
///     organization: acme.organization,
///     name: Name::new("Sandbox tester")?,
///     base: RoleBase::Reader,
///     adds: Grants::on(DomainKind::Sandbox, DomainAction::Configure)?,
/// };
/// let tester = tenancy.execute(&ann, tester).await?.output;
/// let invite = InviteToWorkspace {
///     organization: acme.organization,
///     workspace: acme.workspace,
///     email: "bob@acme.example".parse()?,
///     role: tester,
/// };
/// tenancy.execute(&ann, invite).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::RoleNameTaken`]: another of its roles has that name, or a built-in one has.
/// - [`Refusal::TooManyRoles`]: it has as many as it may
///   ([`Settings::own_role_limit`](crate::Settings::own_role_limit)).
/// - [`Refusal::BeyondItsLayer`]: something of `adds` is not for a role of that layer, or is unknown (R3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefineRole {
    /// The organization whose role it is.
    pub organization: OrganizationId,
    /// Its name.
    pub name: Name,
    /// The role that whoever holds it counts as. It says the layer, too.
    pub base: RoleBase,
    /// What it adds. May be nothing.
    pub adds: Grants,
}

impl Command for DefineRole {
    type Output = RoleNumber;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::ManageRoles)?;
        name_is_free(organization, &self.name, None)?;
        let limit = scene.settings.own_role_limit;
        if organization.roles.len() >= usize::from(limit) {
            return Err(Refusal::TooManyRoles { limit });
        }
        let adds = within_its_layer(scene, self.base, self.adds, Grants::NONE)?;
        Ok(vec![Event::RoleDefined {
            role: RoleNumber::defined_in(organization.version.next()),
            name: self.name.clone(),
            base: self.base,
            adds,
        }])
    }
}

/// Revises a role of the organization's own: another name, other additions. It acts at once for all who hold it
/// (R7). Its base never changes (R2); for another base, define another role.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::RoleNotFound`]: it has no such role.
/// - [`Refusal::RoleNameTaken`]: another of its roles has that name, or a built-in one has.
/// - [`Refusal::BeyondItsLayer`]: something that is new in `adds` is not for a role of that layer, or is unknown (R3).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReviseRole {
    /// The organization whose role it is.
    pub organization: OrganizationId,
    /// The role to revise.
    pub role: RoleNumber,
    /// Its name from now on.
    pub name: Name,
    /// The whole of what it adds from now on.
    pub adds: Grants,
}

impl Command for ReviseRole {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (organization, role) = managed(scene, self.organization, self.role)?;
        name_is_free(organization, &self.name, Some(role.number))?;
        let adds = within_its_layer(scene, role.base, self.adds, role.adds)?;
        if (&self.name, adds) == (&role.name, role.adds) {
            return Ok(Vec::new());
        }
        Ok(vec![Event::RoleRevised {
            role: role.number,
            from: role.name.clone(),
            to: self.name.clone(),
            added: role.adds,
            adds,
        }])
    }
}

/// Retires a role of the organization's own: all who hold it hold its base from now on, at once and however many
/// they are, and no command gives it any more (R7). [`RestoreRole`] takes that back. An open invitation that offers it
/// stays: whoever accepts it holds the role, which counts as its base until it is restored. Revoke those that you don't
/// want.
///
/// ```
/// # tenancy::block_on(async {
/// # use tenancy::{commands::*, store::*, *};
/// # let tenancy = Tenancy::new(MemoryRepository::new());
/// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
/// # let organization = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output.organization;
/// let auditor = DefineRole {
///     organization,
///     name: Name::new("Auditor")?,
///     base: RoleBase::Member,
///     adds: Grants::of(OrganizationAction::ViewAuditTrail)?,
/// };
/// let role = tenancy.execute(&ann, auditor).await?.output;
/// let name = Name::new("Revisor")?;
/// tenancy.execute(&ann, ReviseRole { organization, role, name, adds: Grants::NONE }).await?;
/// tenancy.execute(&ann, RetireRole { organization, role }).await?;
/// tenancy.execute(&ann, RestoreRole { organization, role }).await?;
/// // Nobody holds it, and no open invitation offers it: `own_roles` counts both.
/// let counted = tenancy.own_roles(&ann, organization).await?;
/// assert_eq!(counted[0].name.as_str(), "Revisor");
/// tenancy.execute(&ann, DeleteRole { organization, role }).await?;
/// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
/// ```
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::RoleNotFound`]: it has no such role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RetireRole {
    /// The organization whose role it is.
    pub organization: OrganizationId,
    /// The role to retire.
    pub role: RoleNumber,
}

impl Command for RetireRole {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (_, role) = managed(scene, self.organization, self.role)?;
        Ok(match role.state {
            RoleState::Retired => Vec::new(),
            RoleState::InForce => vec![Event::RoleRetired {
                role: role.number,
                holders: role.holders,
            }],
        })
    }
}

/// Puts a retired role of the organization's own in force again: all who hold it have what it adds, at once (R7).
///
/// # Refused
///
/// As [`RetireRole`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct RestoreRole {
    /// The organization whose role it is.
    pub organization: OrganizationId,
    /// The role to restore.
    pub role: RoleNumber,
}

impl Command for RestoreRole {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (_, role) = managed(scene, self.organization, self.role)?;
        Ok(match role.state {
            RoleState::InForce => Vec::new(),
            RoleState::Retired => vec![Event::RoleRestored {
                role: role.number,
                holders: role.holders,
            }],
        })
    }
}

/// Deletes a role of the organization's own that nobody holds and no open invitation offers (R7). Its number is never
/// used again; its name is free.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
/// - [`Refusal::Forbidden`]: the actor is not an Admin of it.
/// - [`Refusal::RoleNotFound`]: it has no such role.
/// - [`Refusal::RoleInUse`]: it is held or offered; it says how often. [`RetireRole`] takes what it adds from all who
///   hold it; [`Tenancy::holders`](crate::Tenancy::holders) and
///   [`Tenancy::workspace_holders`](crate::Tenancy::workspace_holders) say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeleteRole {
    /// The organization whose role it is.
    pub organization: OrganizationId,
    /// The role to delete.
    pub role: RoleNumber,
}

impl Command for DeleteRole {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let (_, role) = managed(scene, self.organization, self.role)?;
        let (holders, offered) = (role.holders, role.offered);
        if holders > 0 || offered > 0 {
            return Err(Refusal::RoleInUse { holders, offered });
        }
        Ok(vec![Event::RoleDeleted {
            role: role.number,
            name: role.name.clone(),
        }])
    }
}

/// The role, if the actor may manage roles.
fn managed<'a>(
    scene: &Scene<'a>,
    organization: OrganizationId,
    role: RoleNumber,
) -> Result<(&'a Organization, &'a OwnRole), Refusal> {
    let organization = scene.require(organization, OrganizationAction::ManageRoles)?;
    let found = organization.role(role);
    Ok((organization, found.ok_or(Refusal::RoleNotFound { role })?))
}

/// R1: names of roles are unique in the organization, built-in ones included.
fn name_is_free(
    organization: &Organization,
    name: &Name,
    but: Option<RoleNumber>,
) -> Result<(), Refusal> {
    let key = name.key();
    let mut others = organization.roles.iter();
    let is_taken = others.any(|role| role.name_key == key && Some(role.number) != but);
    let organization_roles = OrganizationRole::ALL.map(|role| role.to_string());
    let workspace_roles = WorkspaceRole::ALL.map(|role| role.to_string());
    let mut built_in = organization_roles.into_iter().chain(workspace_roles);
    if is_taken || built_in.any(|role| Name::new(&role).is_ok_and(|role| role.key() == key)) {
        return Err(Refusal::RoleNameTaken { name: name.clone() });
    }
    Ok(())
}

/// R3, R5: what a role adds, with the views that it brings, if a role of its layer may add all of that. What it
/// added before, when a host perhaps had other actions, it may go on to add.
fn within_its_layer(
    scene: &Scene<'_>,
    base: RoleBase,
    adds: Grants,
    before: Grants,
) -> Result<Grants, Refusal> {
    let catalogue = scene.settings.catalogue;
    let (adds, layer) = (catalogue.with_views(adds), base.layer());
    let beyond = adds.without(catalogue.ceiling(layer)).without(before);
    if beyond.is_empty() {
        return Ok(adds);
    }
    Err(Refusal::BeyondItsLayer {
        layer,
        actions: catalogue.phrases(beyond),
    })
}

/// R6: what somebody holds who is given that role, if it is one of that layer and may be given.
fn to_give<B>(
    scene: &Scene<'_>,
    role: Role<B>,
    base: impl Fn(RoleBase) -> Option<B>,
) -> Result<Holding<B>, Refusal> {
    let number = match role {
        Role::BuiltIn(base) => return Ok(Holding { base, own: None }),
        Role::Own(number) => number,
    };
    let organization = scene.state.organization();
    let role = organization.and_then(|organization| organization.role(number));
    let base = role.and_then(|role| base(role.base));
    let base = base.ok_or(Refusal::RoleNotFound { role: number })?;
    let own = Some(number);
    is_in_force(scene, own)?;
    Ok(Holding { base, own })
}

/// R7: a retired role isn't given.
pub(super) fn is_in_force(scene: &Scene<'_>, role: Option<RoleNumber>) -> Result<(), Refusal> {
    let organization = scene.state.organization();
    let role = organization.and_then(|organization| organization.role(role?));
    match role {
        Some(role) if role.state == RoleState::Retired => Err(Refusal::RoleIsRetired {
            role: role.number,
            name: role.name.clone(),
        }),
        _ => Ok(()),
    }
}

/// [`to_give`] in the organization.
pub(super) fn organization_role(
    scene: &Scene<'_>,
    role: Role<OrganizationRole>,
) -> Result<Holding<OrganizationRole>, Refusal> {
    to_give(scene, role, RoleBase::organization_role)
}

/// [`to_give`] in a workspace.
pub(super) fn workspace_role(
    scene: &Scene<'_>,
    role: Role<WorkspaceRole>,
) -> Result<Holding<WorkspaceRole>, Refusal> {
    to_give(scene, role, RoleBase::workspace_role)
}

/// What happens when a member holds something else in the organization.
pub(super) fn organization_role_changes(
    user: UserId,
    from: Holding<OrganizationRole>,
    to: Holding<OrganizationRole>,
) -> Vec<Event> {
    let mut events = Vec::new();
    if from.base != to.base {
        events.push(Event::OrganizationRoleChanged {
            user,
            from: from.base,
            to: to.base,
        });
    }
    events.extend(own_role_changes(user, None, from.own, to.own));
    events
}

/// What happens when a member holds something in a workspace, or something else than before.
pub(super) fn workspace_role_changes(
    workspace: WorkspaceId,
    user: UserId,
    from: Option<Holding<WorkspaceRole>>,
    to: Holding<WorkspaceRole>,
) -> Vec<Event> {
    let replaces = from.map(|from| from.base);
    let own = from.and_then(|from| from.own);
    let mut events = Vec::new();
    if replaces != Some(to.base) {
        events.push(Event::WorkspaceRoleGiven {
            workspace,
            user,
            role: to.base,
            replaces,
        });
    }
    events.extend(own_role_changes(user, Some(workspace), own, to.own));
    events
}

pub(super) fn own_role_changes(
    user: UserId,
    workspace: Option<WorkspaceId>,
    from: Option<RoleNumber>,
    to: Option<RoleNumber>,
) -> Option<Event> {
    (from != to).then_some(Event::OwnRoleChanged {
        user,
        workspace,
        from,
        to,
    })
}
