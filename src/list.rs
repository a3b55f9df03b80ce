//! Lists as data: which list, and where its next page begins.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::log::LogEntry;
use crate::organization::OrganizationSummary;
use crate::own_role::RoleNumber;
use crate::record::Record;
use crate::role::RoleSet;
use crate::text::{DomainName, EmailKey, NameKey, stored};
use crate::version::Version;
#[cfg(doc)]
use crate::{
    Domain, Member, WorkspaceMember,
    store::{Invitation, RetiredDomainName, Workspace},
};

/// A list, and where its next page begins: after the key of the last item that is known.
///
/// Exhaustive on purpose: a new list is a new major version, because a store that ignored one would be
/// wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum List {
    /// The members of an organization who hold one of `roles` (its organization roles), by user:
    /// [`Item::Record`] of [`Member`]s.
    Members {
        /// The organization whose members are listed.
        organization: OrganizationId,
        /// The roles, of which each member has one. Workspace roles in it mean nothing.
        roles: RoleSet,
        /// The last user of the page before.
        after: Option<UserId>,
    },
    /// The workspaces of an organization, by id, which is the order of creation: [`Item::Record`] of
    /// [`Workspace`]s.
    Workspaces {
        /// The organization whose workspaces are listed.
        organization: OrganizationId,
        /// The last workspace of the page before.
        after: Option<WorkspaceId>,
    },
    /// The workspaces in which a user holds a role, by workspace: [`Item::Pair`]s of a [`Workspace`] and
    /// the [`WorkspaceMember`].
    WorkspacesOf {
        /// The organization that the workspaces are in.
        organization: OrganizationId,
        /// The user whose workspaces are listed.
        user: UserId,
        /// The last workspace of the page before.
        after: Option<WorkspaceId>,
    },
    /// The members of a workspace who hold one of `roles` (its workspace roles), by user:
    /// [`Item::Record`] of [`WorkspaceMember`]s.
    WorkspaceMembers {
        /// The organization that the workspace is in.
        organization: OrganizationId,
        /// The workspace whose members are listed.
        workspace: WorkspaceId,
        /// The roles, of which each workspace member has one. Organization roles in it mean nothing.
        roles: RoleSet,
        /// The last user of the page before.
        after: Option<UserId>,
    },
    /// The domains in a workspace, by id, which is the order of creation: [`Item::Record`] of [`Domain`]s.
    Domains {
        /// The organization that the workspace is in.
        organization: OrganizationId,
        /// The workspace whose domains are listed.
        workspace: WorkspaceId,
        /// The last domain of the page before.
        after: Option<DomainId>,
    },
    /// The names of deleted domains that an organization keeps (D2), by name: [`Item::Record`] of
    /// [`RetiredDomainName`]s.
    KeptNames {
        /// The organization that keeps them.
        organization: OrganizationId,
        /// The last name of the page before.
        #[serde(with = "stored")]
        after: Option<DomainName>,
    },
    /// The open invitations to one workspace, or (`None`) to an organization and all its workspaces, by
    /// id: [`Item::Record`] of [`Invitation`]s.
    Invitations {
        /// The organization that invites.
        organization: OrganizationId,
        /// The workspace, if only those to it are asked for.
        workspace: Option<WorkspaceId>,
        /// The last invitation of the page before.
        after: Option<InvitationId>,
    },
    /// The members of an organization who hold one of these roles of its own, by user: [`Item::Record`] of [`Member`]s;
    /// or the members of a workspace of it who hold one there: of [`WorkspaceMember`]s.
    Holders {
        /// The organization whose roles they are.
        organization: OrganizationId,
        /// The workspace that the roles are held in; `None`: in the organization.
        workspace: Option<WorkspaceId>,
        /// The roles, of which each member holds one. None: nobody is listed.
        roles: BTreeSet<RoleNumber>,
        /// The last user of the page before.
        after: Option<UserId>,
    },
    /// The organizations that a user is a member of, by organization: [`Item::Across`] of [`Member`]s.
    /// Across organizations; may lag behind commits.
    OrganizationsOf {
        /// The user whose organizations are listed.
        user: UserId,
        /// The last organization of the page before.
        after: Option<OrganizationId>,
    },
    /// The open invitations to an address, by organization and invitation: [`Item::Across`] of
    /// [`Invitation`]s, and of one to a workspace [`Item::PairAcross`] of the [`Invitation`] and that [`Workspace`] of
    /// the same organization, as it is called now. Across organizations; may lag behind commits.
    InvitationsTo {
        /// The address.
        #[serde(with = "stored")]
        email: EmailKey,
        /// The last organization and invitation of the page before.
        after: Option<(OrganizationId, InvitationId)>,
    },
    /// Every organization, deleted ones too, by id, which is the order of creation: [`Item::Organization`]. Across
    /// organizations; may lag behind commits.
    AllOrganizations {
        /// The last organization of the page before.
        after: Option<OrganizationId>,
    },
    /// The organizations whose name begins so, deleted ones too, by the key of their name and by id: [`Item::Named`]. A
    /// store files an organization under the [key](crate::Name::key) of its name, as it is after each commit. Across
    /// organizations; may lag behind commits.
    OrganizationsNamed {
        /// What the key of the name begins with, byte for byte.
        #[serde(with = "stored")]
        prefix: NameKey,
        /// The key of the last organization of the page before, and its id.
        #[serde(with = "stored")]
        after: Option<(NameKey, OrganizationId)>,
    },
    /// The organizations a member of which has this address, each once, by id: [`Item::Organization`]. Across
    /// organizations; may lag behind commits.
    OrganizationsWithMember {
        /// The address.
        #[serde(with = "stored")]
        email: EmailKey,
        /// The last organization of the page before.
        after: Option<OrganizationId>,
    },
    /// The log of an organization by version, oldest first: [`Item::LogEntry`].
    Log {
        /// The organization whose log is read.
        organization: OrganizationId,
        /// The last version of the page before; [`Version::ABSENT`] for the first page.
        after: Version,
    },
}

impl List {
    /// The organization that it is in; `None` if it crosses organizations.
    #[must_use]
    pub const fn organization(&self) -> Option<OrganizationId> {
        match self {
            Self::Members { organization, .. }
            | Self::Workspaces { organization, .. }
            | Self::WorkspacesOf { organization, .. }
            | Self::WorkspaceMembers { organization, .. }
            | Self::Domains { organization, .. }
            | Self::KeptNames { organization, .. }
            | Self::Invitations { organization, .. }
            | Self::Holders { organization, .. }
            | Self::Log { organization, .. } => Some(*organization),
            Self::OrganizationsOf { .. }
            | Self::InvitationsTo { .. }
            | Self::AllOrganizations { .. }
            | Self::OrganizationsNamed { .. }
            | Self::OrganizationsWithMember { .. } => None,
        }
    }

    /// The place behind which its page begins; `None` for the first page.
    #[must_use]
    pub fn after(&self) -> Option<Place> {
        match *self {
            Self::Members { after, .. }
            | Self::WorkspaceMembers { after, .. }
            | Self::Holders { after, .. } => after.map(Place::User),
            Self::KeptNames { ref after, .. } => after.clone().map(Place::DomainName),
            Self::Workspaces { after, .. } | Self::WorkspacesOf { after, .. } => {
                after.map(Place::Workspace)
            }
            Self::Domains { after, .. } => after.map(Place::Domain),
            Self::Invitations { after, .. } => after.map(Place::Invitation),
            Self::OrganizationsOf { after, .. }
            | Self::AllOrganizations { after }
            | Self::OrganizationsWithMember { after, .. } => after.map(Place::Organization),
            Self::OrganizationsNamed { ref after, .. } => {
                let after = after.clone();
                after.map(|(name, organization)| Place::Named(name, organization))
            }
            Self::InvitationsTo { after, .. } => after
                .map(|(organization, invitation)| Place::InvitationOf(organization, invitation)),
            Self::Log { after, .. } => (after != Version::ABSENT).then_some(Place::Version(after)),
        }
    }

    /// The same list from its beginning (`None`), or from behind a place in it. A place of another kind of list is
    /// none in this one: then the list is as it was.
    ///
    /// ```
    /// use tenancy::store::{List, Place};
    /// use tenancy::{UserId, WorkspaceId};
    ///
    /// # let user = UserId::new();
    /// let first = List::OrganizationsOf { user, after: None };
    /// assert_eq!(first.behind(Some(Place::Workspace(WorkspaceId::new()))), first);
    /// ```
    #[must_use]
    pub fn behind(&self, place: Option<Place>) -> Self {
        /// Of a list's kind of place, the key.
        macro_rules! key {
            ($pattern:pat => $key:expr, else $after:expr) => {
                match place {
                    Some($pattern) => Some($key),
                    None => None,
                    Some(_) => $after.take(),
                }
            };
        }
        let mut list = self.clone();
        match &mut list {
            Self::Members { after, .. }
            | Self::WorkspaceMembers { after, .. }
            | Self::Holders { after, .. } => {
                *after = key!(Place::User(user) => user, else after);
            }
            Self::Workspaces { after, .. } | Self::WorkspacesOf { after, .. } => {
                *after = key!(Place::Workspace(workspace) => workspace, else after);
            }
            Self::Domains { after, .. } => {
                *after = key!(Place::Domain(domain) => domain, else after);
            }
            Self::KeptNames { after, .. } => {
                *after = key!(Place::DomainName(name) => name, else after);
            }
            Self::Invitations { after, .. } => {
                *after = key!(Place::Invitation(invitation) => invitation, else after);
            }
            Self::OrganizationsNamed { after, .. } => {
                *after = key!(Place::Named(name, organization)
                    => (name, organization), else after);
            }
            Self::OrganizationsOf { after, .. }
            | Self::AllOrganizations { after }
            | Self::OrganizationsWithMember { after, .. } => {
                *after = key!(Place::Organization(organization) => organization, else after);
            }
            Self::InvitationsTo { after, .. } => {
                *after = key!(Place::InvitationOf(organization, invitation)
                    => (organization, invitation), else after);
            }
            Self::Log { after, .. } => match place {
                Some(Place::Version(version)) => *after = version,
                None => *after = Version::ABSENT,
                Some(_) => {}
            },
        }
        list
    }

    /// Where an item stands in it; `None` if the list has no items of its kind.
    #[must_use]
    pub fn place_of(&self, item: &Item) -> Option<Place> {
        Some(match (self, item) {
            (
                Self::Members { .. }
                | Self::Holders {
                    workspace: None, ..
                },
                Item::Record(Record::Member(member)),
            ) => Place::User(member.user),
            (
                Self::WorkspaceMembers { .. }
                | Self::Holders {
                    workspace: Some(_), ..
                },
                Item::Record(Record::WorkspaceMember(member)),
            ) => Place::User(member.user),
            (Self::Workspaces { .. }, Item::Record(Record::Workspace(workspace)))
            | (
                Self::WorkspacesOf { .. },
                Item::Pair(Record::Workspace(workspace), Record::WorkspaceMember(_)),
            ) => Place::Workspace(workspace.id),
            (Self::Domains { .. }, Item::Record(Record::Domain(domain))) => {
                Place::Domain(domain.id)
            }
            (Self::KeptNames { .. }, Item::Record(Record::RetiredDomainName(kept))) => {
                Place::DomainName(kept.name.clone())
            }
            (Self::Invitations { .. }, Item::Record(Record::Invitation(invitation))) => {
                Place::Invitation(invitation.id)
            }
            (Self::OrganizationsOf { .. }, Item::Across(organization, Record::Member(_))) => {
                Place::Organization(organization.id)
            }
            (
                Self::InvitationsTo { .. },
                Item::Across(organization, Record::Invitation(invitation)),
            ) => Place::InvitationOf(organization.id, invitation.id),
            (
                Self::InvitationsTo { .. },
                Item::PairAcross(
                    organization,
                    Record::Invitation(invitation),
                    Record::Workspace(workspace),
                ),
            ) if invitation.target.workspace() == Some(workspace.id) => {
                Place::InvitationOf(organization.id, invitation.id)
            }
            (
                Self::AllOrganizations { .. } | Self::OrganizationsWithMember { .. },
                Item::Organization(organization),
            ) => Place::Organization(organization.id),
            (Self::OrganizationsNamed { .. }, Item::Named(name, organization)) => {
                Place::Named(name.clone(), organization.id)
            }
            (Self::Log { .. }, Item::LogEntry(entry)) => Place::Version(entry.version),
            (_, Item::Unreadable(place)) => place.clone(),
            _ => return None,
        })
    }
}

/// Where an item stands in its list. Lists are in the order of places, and their pages go on behind one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// In a list by user.
    User(UserId),
    /// In a list by workspace.
    Workspace(WorkspaceId),
    /// In a list by domain.
    Domain(DomainId),
    /// In a list by a domain's name.
    DomainName(#[serde(with = "stored")] DomainName),
    /// In a list by invitation.
    Invitation(InvitationId),
    /// In a list by organization.
    Organization(OrganizationId),
    /// In a list by the key of an organization's name, and by organization.
    Named(#[serde(with = "stored")] NameKey, OrganizationId),
    /// In a list by organization and invitation.
    InvitationOf(OrganizationId, InvitationId),
    /// In a log.
    Version(Version),
}

/// The key of each kind of place; of another kind of place, that place is the error.
macro_rules! keys {
    ($($place:ident($($part:ident),+): $key:ty;)+) => {$(
        impl TryFrom<Place> for $key {
            type Error = Place;

            fn try_from(place: Place) -> Result<Self, Place> {
                match place {
                    Place::$place($($part),+) => Ok(($($part),+)),
                    other => Err(other),
                }
            }
        }
    )+};
}

keys! {
    User(user): UserId;
    Workspace(workspace): WorkspaceId;
    Domain(domain): DomainId;
    DomainName(name): DomainName;
    Invitation(invitation): InvitationId;
    Organization(organization): OrganizationId;
    Named(name, organization): (NameKey, OrganizationId);
    InvitationOf(organization, invitation): (OrganizationId, InvitationId);
    Version(version): Version;
}

/// One item of a [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// A record of an organization.
    Record(Record),
    /// Two records of an organization that belong together.
    Pair(Record, Record),
    /// A record in a list across organizations, with what there is to say of its organization.
    Across(OrganizationSummary, Record),
    /// Two records that belong together in a list across organizations, with what there is to say of theirs.
    PairAcross(OrganizationSummary, Record, Record),
    /// What there is to say of an organization.
    Organization(OrganizationSummary),
    /// The same, with the key of its name under which it is filed.
    Named(#[serde(with = "stored")] NameKey, OrganizationSummary),
    /// An entry of a log.
    LogEntry(LogEntry),
    /// What stands there can't be read by this version: a later one wrote it, or something else did. The list goes
    /// on past it, so that it holds up nothing but itself (A7).
    Unreadable(Place),
}
