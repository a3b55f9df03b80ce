use serde::Serialize;

use super::member::email_is_free;
use super::role::organization_role_changes;
use crate::actor::Actor;
use crate::command::{Answer, Command, Scene, path};
use crate::event::Event;
use crate::id::{CommitId, OrganizationId, UserId};
use crate::organization::QuotaUsage;
use crate::own_role::Holding;
use crate::policy::OrganizationAction;
use crate::refusal::Refusal;
use crate::role::OrganizationRole;
use crate::store::Key;
use crate::text::{DomainName, DomainNameError, TextLine, VerifiedEmail, attested};

impl<F> Answer<F> for QuotaUsage {
    fn read(_: OrganizationId, events: &[Event], _: Option<&F>) -> Option<Self> {
        events.iter().find_map(|event| match event {
            Event::WorkspaceQuotaSet { to, workspaces, .. } => Some(Self {
                workspaces: *workspaces,
                quota: *to,
            }),
            _ => None,
        })
    }
}

/// Sets how many workspaces an organization may hold (W2). Operators only.
///
/// Lowering it below the count always succeeds and removes nothing: only creation is refused until there
/// are fewer. The answer says by how much it is over. Zero means zero.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SetWorkspaceQuota {
    /// The organization whose quota is set.
    pub organization: OrganizationId,
    /// How many workspaces it may hold.
    pub quota: u32,
}

impl Command for SetWorkspaceQuota {
    type Output = QuotaUsage;
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization =
            scene.require(self.organization, OrganizationAction::SetWorkspaceQuota)?;
        // On the record even if it stays as it is: the vendor confirmed it.
        Ok(vec![Event::WorkspaceQuotaSet {
            from: organization.workspace_quota,
            to: self.quota,
            workspaces: organization.counts.workspaces,
        }])
    }
}

/// Edits the vendor's reference of the contract. Operators only.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EditContract {
    /// The organization whose contract's reference changes.
    pub organization: OrganizationId,
    /// The reference; `None` clears it.
    pub contract: Option<TextLine>,
}

impl Command for EditContract {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![path(actor, self.organization)]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        let organization = scene.require(self.organization, OrganizationAction::EditContract)?;
        if organization.contract == self.contract {
            return Ok(Vec::new());
        }
        Ok(vec![Event::ContractEdited {
            contract: self.contract.clone(),
        }])
    }
}

/// Makes somebody an Admin of an organization, member or not, without an Admin's doing: a repair, on the
/// record (O4). Operators only. A member who was suspended or bound to end is reinstated, and lasts (T2).
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::OrganizationDeleted`]: it is deleted.
/// - [`Refusal::EmailInUse`]: another member has that address (M6).
/// - [`Refusal::IdentityMissing`]: the user's id is empty.
/// - [`Refusal::LimitReached`]: no seat is left for them (Q1). The operator who repairs may raise the limit first
///   ([`SetLimits`](crate::commands::SetLimits)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AppointAdmin {
    /// The organization that gets an Admin.
    pub organization: OrganizationId,
    /// Who becomes an Admin of it.
    pub user: UserId,
    /// Their address, which the host has verified. It is the membership's if they join by this; a member
    /// keeps the address that they have.
    #[serde(serialize_with = "attested")]
    pub email: VerifiedEmail,
}

impl Command for AppointAdmin {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::Path(self.user, self.organization.into()),
            Key::Address(self.email.key().clone(), None),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::AppointAdmin)?;
        let user = self.user;
        let to = OrganizationRole::Admin;
        if user.is_nobody() {
            return Err(Refusal::IdentityMissing);
        }
        email_is_free(scene, user, self.email.key())?;
        Ok(match scene.state.member(user) {
            None => vec![Event::MemberJoined {
                user,
                email: self.email.address().clone(),
                role: to,
            }],
            Some(member) => {
                let reinstated = member.suspended.then_some(Event::MemberReinstated { user });
                let lasts = member.until.map(|until| Event::MembershipEndSet {
                    user,
                    from: Some(until),
                    to: None,
                });
                let to = Holding {
                    base: to,
                    own: None,
                };
                let changed = organization_role_changes(user, member.holding(), to);
                let counts = [reinstated, lasts].into_iter().flatten();
                counts.chain(changed).collect()
            }
        })
    }
}

/// Frees the name of a deleted domain, so that any organization may use it (D2). Operators only; also for
/// a deleted organization.
///
/// # Refused
///
/// - [`Refusal::NotFound`]: the organization doesn't exist, or a user who may not view it asks.
/// - [`Refusal::Forbidden`]: a user asks.
/// - [`Refusal::DomainNameNotRetired`]: the organization keeps no deleted domain's name like that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseDomainName {
    /// The organization that keeps the name.
    pub organization: OrganizationId,
    /// The name to free.
    pub name: DomainName,
}

impl ReleaseDomainName {
    /// The same of a name as it stands in the audit trail or in a list, whatever today's rules say of such names: what
    /// an older version let in, or a later one, can be released too (A7).
    ///
    /// ```
    /// use tenancy::{DomainName, OrganizationId};
    /// use tenancy::commands::ReleaseDomainName;
    ///
    /// let (acme, name) = (OrganizationId::new(), "ab--shop");
    /// assert!(DomainName::new(name).is_err()); // reserved, so none can be created today
    /// assert_eq!(ReleaseDomainName::as_kept(acme, name)?.name.as_str(), name);
    /// # Ok::<(), tenancy::text::DomainNameError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// - [`DomainNameError`]: no version ever let in such a name. It is empty, has more than
    ///   [`DomainName::MAX_LENGTH`] characters, or has others than printable ASCII.
    pub fn as_kept(organization: OrganizationId, name: &str) -> Result<Self, DomainNameError> {
        let name = DomainName::once_let_in(name)?;
        Ok(Self { organization, name })
    }
}

impl Command for ReleaseDomainName {
    type Output = ();
    type Fresh = ();

    fn organization(&self, _: CommitId) -> OrganizationId {
        self.organization
    }

    fn keys(&self, actor: &Actor) -> Vec<Key> {
        vec![
            path(actor, self.organization),
            Key::DomainNamed(self.name.clone()),
        ]
    }

    fn decide(&self, scene: &Scene<'_>, (): &()) -> Result<Vec<Event>, Refusal> {
        scene.require(self.organization, OrganizationAction::ReleaseDomainName)?;
        if scene.state.retired_name(&self.name).is_none() {
            return Err(Refusal::DomainNameNotRetired {
                name: self.name.clone(),
            });
        }
        Ok(vec![Event::DomainNameReleased {
            name: self.name.clone(),
        }])
    }
}
