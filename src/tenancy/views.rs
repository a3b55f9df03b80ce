//! What reads and lists answer with: as much of a thing as whoever asks may see.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::grants::Grants;
use crate::id::{InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationState, InvitationStatus, InvitationTarget};
use crate::limits::{Limits, Usage};
use crate::member::{Member, MembershipStatus, WorkspaceMember};
use crate::organization::{
    CompanyInformation, InvoicingInformation, OrganizationStatus, OrganizationSummary,
};
use crate::own_role::{OwnRole, RoleBase, RoleNumber, RoleState};
use crate::policy::OrganizationAction;
use crate::role::OrganizationRole;
use crate::standing::Grant;
use crate::text::{DomainName, EmailAddress, Name, TextLine};
use crate::version::Version;
use crate::workspace::Workspace;

pub use super::page::{InvalidCursor, PageKey};

/// What a member sees of an organization. Of a membership that doesn't count (T1, T3) only the switcher
/// ([`Tenancy::organizations`](crate::Tenancy::organizations)) shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrganizationView {
    /// The organization's id, by which everything in it is asked for.
    pub id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// The viewer's own role in it, which counts if the membership is active; `None` for an operator.
    pub role: Option<OrganizationRole>,
    /// How the viewer's own membership of it looks now; `None` for an operator. While it isn't
    /// [`Active`](MembershipStatus::Active), nothing in the organization is open to them (T1, T3): every command and
    /// read there answers [`NotFound`](crate::Refusal::NotFound). Show a page of your own that says why, by this field.
    #[serde(default)]
    pub membership: Option<MembershipStatus>,
    /// Why the organization is suspended, for whoever belongs to it; `None` unless it is (T4).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<TextLine>,
    /// The role of the organization's own that they hold in it, if they do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role: Option<RoleNumber>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// All that an organization's own page shows ([`Tenancy::overview`](crate::Tenancy::overview)). What the viewer may not
/// see is `None`; what isn't set is `None` too, and [`may`](Self::may) tells which it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// The organization, and the viewer's own membership of it.
    pub organization: OrganizationView,
    /// Its version when this was read.
    pub version: Version,
    /// What the viewer may do with it, in the matrix's order. Whether a rule then stands in the way,
    /// [`Tenancy::why_not`](crate::Tenancy::why_not) tells.
    pub may: Vec<OrganizationAction>,
    /// Its company information (O5).
    pub company: Option<CompanyInformation>,
    /// Its invoicing information (O5).
    pub invoicing: Option<InvoicingInformation>,
    /// The vendor's reference of its contract.
    pub contract: Option<TextLine>,
    /// How much of each of its limits it uses (Q5).
    pub usage: Option<Usage>,
    /// Its limits as they are set, that of each workspace among them, for whoever sees the usage (Q2).
    pub limits: Option<Limits>,
    /// Its own roles, by number (R1).
    pub roles: Vec<OwnRoleView>,
}

/// All that a page about one member shows ([`Tenancy::person`](crate::Tenancy::person)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonView {
    /// Their membership of the organization. [`Member::status`] tells whether it counts.
    pub member: Member,
    /// The roles that they hold in workspaces themselves, by workspace; what an Admin holds by cascade is not among them.
    /// `None` for whoever may view the organization's members, and not those of every workspace.
    pub workspaces: Option<Vec<RoleView>>,
    /// The open invitations to their address, for whoever may view the organization's invitations, and for themself
    /// while that is the address that they have verified.
    pub invitations: Option<Vec<InvitationView>>,
}

/// A role that somebody holds in a workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleView {
    /// The workspace.
    pub workspace: WorkspaceView,
    /// The role, and for how long: [`WorkspaceMember::status`] tells whether it counts.
    pub role: WorkspaceMember,
}

/// A role of an organization's own, as whoever may view the organization sees it
/// ([`Tenancy::own_roles`](crate::Tenancy::own_roles)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnRoleView {
    /// Its number, by which it is given.
    pub number: RoleNumber,
    /// Its name.
    pub name: Name,
    /// The role that whoever holds it counts as. It says the layer, too.
    pub base: RoleBase,
    /// What it adds, or would if it weren't retired.
    pub adds: Grants,
    /// Whether it adds anything now.
    pub state: RoleState,
    /// How many hold it and how many open invitations offer it, for whoever may view the members; `None` for others.
    pub in_use: Option<RoleUse>,
}

/// How much a role of an organization's own is in use (R7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUse {
    /// How many hold it, in the organization or in its workspaces; somebody in two workspaces counts twice.
    pub holders: u32,
    /// How many open invitations offer it.
    pub offered: u32,
}

/// What everybody who may view a workspace sees of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkspaceView {
    /// The workspace's id; with the organization's it names the workspace in checks and commands.
    pub id: WorkspaceId,
    /// Its name.
    pub name: Name,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

/// The name of a deleted domain, which its organization keeps (D2,
/// [`Tenancy::kept_domain_names`](crate::Tenancy::kept_domain_names)).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeptDomainName {
    /// The name.
    pub name: DomainName,
    /// When the last domain of that name was deleted.
    pub since: DateTime<Utc>,
}

/// An invitation as lists show it: without anything of its link.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvitationView {
    /// The invitation's id, by which it is resent, revoked and answered.
    pub id: InvitationId,
    /// The address that it is for, as it was typed.
    pub email: EmailAddress,
    /// What accepting gives.
    pub target: InvitationTarget,
    /// The role of the organization's own that accepting gives, whose base the target's role is (R6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role: Option<RoleNumber>,
    /// That role's name, in a [preview](crate::Tenancy::preview), whose reader can't look it up. Lists leave it out, that
    /// of received invitations too: it would take a round trip more for each organization on the page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub own_role_name: Option<Name>,
    /// Who sent it, or renewed it last.
    pub inviter: UserId,
    /// When its current link was made.
    pub sent_at: DateTime<Utc>,
    /// When the link expires.
    pub expires_at: DateTime<Utc>,
    /// How it looks now (I4).
    pub status: InvitationStatus,
}

/// What the holder of an invitation's link may see before they answer it (I10).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "preview", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "it is made once, and looked into at once: a box would stand in every host's way"
)]
pub enum InvitationPreview {
    /// The invitation is open: not yet answered or revoked.
    Open {
        /// The organization that invites.
        organization: OrganizationId,
        /// Its name.
        organization_name: Name,
        /// The workspace's name, if the invitation is to one.
        workspace_name: Option<Name>,
        /// The invitation. Only if it is [`Pending`](InvitationStatus::Pending) can it be accepted, and not while
        /// the organization is suspended, which accepting says (T4). An expired one can be sent again.
        invitation: InvitationView,
    },
    /// It is closed, and this is how. Nothing else is told: the link may be years old.
    Closed {
        /// How it was closed.
        state: InvitationState,
    },
}

/// The invoicing information that applies to a workspace (O5).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WorkspaceInvoicing {
    /// Its own, which overrides the organization's.
    Own(InvoicingInformation),
    /// The organization's; `None` if it has none either.
    Organization(Option<InvoicingInformation>),
}

impl OrganizationView {
    pub(crate) fn of(
        organization: &OrganizationSummary,
        member: Option<&Member>,
        now: DateTime<Utc>,
    ) -> Self {
        let membership = member.map(|member| member.status(now));
        let belongs = membership.is_none_or(|status| status == MembershipStatus::Active);
        Self {
            id: organization.id,
            name: organization.name.clone(),
            role: member.map(|member| member.role),
            membership,
            suspension: organization.suspension.clone().filter(|_| belongs),
            own_role: member.and_then(|member| member.own_role),
            created_at: organization.created_at,
        }
    }
}

impl OwnRoleView {
    pub(crate) fn of(role: &OwnRole, counts_too: bool) -> Self {
        Self {
            number: role.number,
            name: role.name.clone(),
            base: role.base,
            adds: role.adds,
            state: role.state,
            in_use: counts_too.then_some(RoleUse {
                holders: role.holders,
                offered: role.offered,
            }),
        }
    }
}

impl WorkspaceView {
    pub(crate) fn of(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.name.clone(),
            created_at: workspace.created_at,
        }
    }
}

impl InvitationView {
    pub(crate) fn of(invitation: &Invitation, now: DateTime<Utc>) -> Self {
        Self {
            id: invitation.id,
            email: invitation.email.clone(),
            target: invitation.target,
            own_role: invitation.own_role,
            own_role_name: None,
            inviter: invitation.inviter,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            status: invitation.status(now),
        }
    }
}

/// An invitation to the actor's own address, with the organization that invites them (O3).
///
/// It is listed while it is open. Whether it would let them in is judged when they answer: one that was sent before
/// they departed, or whose inviter lost the authority, is refused then ([`Refusal::InvitationOutdated`],
/// [`Refusal::InviterLostAuthority`]).
///
/// [`Refusal::InvitationOutdated`]: crate::Refusal::InvitationOutdated
/// [`Refusal::InviterLostAuthority`]: crate::Refusal::InviterLostAuthority
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceivedInvitation {
    /// The organization that invites.
    pub organization: OrganizationId,
    /// Its name.
    pub organization_name: Name,
    /// The workspace's name as it is now, if the invitation is to one.
    #[serde(default)]
    pub workspace_name: Option<Name>,
    /// The invitation. They answer it with
    /// [`AcceptReceivedInvitation`](crate::commands::AcceptReceivedInvitation), or by the link that they
    /// were sent.
    pub invitation: InvitationView,
}

/// An organization as operators find it ([`Tenancy::organizations_named`](crate::Tenancy::organizations_named),
/// [`Tenancy::all_organizations`](crate::Tenancy::all_organizations) and others).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FoundOrganization {
    /// The organization's id, by which everything in it is asked for.
    pub id: OrganizationId,
    /// Its name.
    pub name: Name,
    /// Whether it is in use, suspended (T4) or deleted (O6).
    pub status: OrganizationStatus,
    /// Why it is suspended; `None` unless it is (T4).
    pub suspension: Option<TextLine>,
    /// When it was created.
    pub created_at: DateTime<Utc>,
}

impl FoundOrganization {
    pub(crate) fn of(organization: OrganizationSummary) -> Self {
        Self {
            id: organization.id,
            name: organization.name,
            status: organization.status,
            suspension: organization.suspension,
            created_at: organization.created_at,
        }
    }
}

/// Somebody who can do something, and by which role ([`Tenancy::who_can`](crate::Tenancy::who_can)).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The user who can.
    pub user: UserId,
    /// The role by which they can.
    pub by: Grant,
}
