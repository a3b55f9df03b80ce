//! The rulebook's invariants, as a check of a whole organization.

use std::collections::{BTreeMap, BTreeSet};

use super::OrganizationState;
use crate::invitation::{Invitation, InvitationTarget};
use crate::limits::{MembersByRole, Newcomers};
use crate::member::Member;
use crate::organization::Counts;
use crate::own_role::{OwnRole, RoleBase, RoleNumber};
use crate::policy::Catalogue;
use crate::record::RecordId;
use crate::resource::Layer;

/// An invariant of the rulebook that a whole organization breaks. There is none to be seen while
/// nothing but this library writes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Violation {
    /// There are records, but no organization (invariant 3).
    #[error("there are records of an organization that does not exist")]
    NoOrganization,
    /// A deleted organization still holds something (invariant 4, O6).
    #[error("the organization is deleted, but still holds {0}")]
    DeletedButHolds(RecordId),
    /// An active organization has no Admin who is neither suspended nor bound to end (invariant 2, O4, T2).
    #[error("the organization has no Admin who is neither suspended nor bound to end")]
    NoAdmin,
    /// A workspace member is no organization member (invariant 3, M1).
    #[error("{0} belongs to no organization member")]
    NotAMember(RecordId),
    /// A record belongs to a workspace that doesn't exist (invariant 3).
    #[error("{0} is in a workspace that does not exist")]
    NoWorkspace(RecordId),
    /// Two workspaces have one name (invariant 6, W3).
    #[error("{0} has the name of another workspace")]
    NameTwice(RecordId),
    /// A domain's name is another one's, or a deleted one's (invariant 6, D2).
    #[error("{0} has the name of another domain")]
    DomainNameTwice(RecordId),
    /// Two invitations to one address and target are open (invariant 7, I5).
    #[error("{0} is open beside another one to the same address and target")]
    InvitationTwice(RecordId),
    /// The organization's counts are not those of its records.
    #[error("the counts are {kept:?}, but the records make {found:?}")]
    Counts {
        /// What the organization's row says.
        kept: Box<Counts>,
        /// What the records make.
        found: Box<Counts>,
    },
    /// Somebody holds, or an open invitation offers, a role of the organization's own that doesn't exist, or whose
    /// base is another (invariant 10, R2).
    #[error("{0} is by a role of the organization's own that does not exist, or has another base")]
    NoSuchRole(RecordId),
    /// Two roles of the organization's own have one name, or one number (R1).
    #[error("the organization's role {0} has the name or the number of another role")]
    RoleTwice(RoleNumber),
    /// A role of the organization's own adds what no role of its layer may (invariant 10, R3).
    #[error("the organization's role {0} adds what no role of its layer may")]
    BeyondItsLayer(RoleNumber),
    /// How many hold a role of the organization's own, or offer it, is not what its records make.
    #[error("the counts of the organization's role {0} are not those of its records")]
    RoleCounts(RoleNumber),
    /// A workspace's counts are not those of its records.
    #[error("the counts of {0} are not those of its records")]
    WorkspaceCounts(RecordId),
}

impl OrganizationState {
    /// Checks the invariants of the rulebook that one organization's records can show.
    ///
    /// It must hold *all* records of the organization.
    ///
    /// # Errors
    ///
    /// The first [`Violation`] found.
    pub fn validate(&self) -> Result<(), Violation> {
        let Some(organization) = self.organization() else {
            return match self.records().next() {
                None => Ok(()),
                Some(_) => Err(Violation::NoOrganization),
            };
        };
        if organization.is_deleted() {
            self.nothing_left()?;
        } else if !self.members().any(Member::is_lasting_admin) {
            return Err(Violation::NoAdmin);
        }
        self.everything_in_place()?;
        self.nothing_twice()?;
        self.roles_in_order(&organization.roles)?;
        let found = self.recount();
        if organization.counts != found {
            return Err(Violation::Counts {
                kept: Box::new(organization.counts),
                found: Box::new(found),
            });
        }
        Ok(())
    }

    /// The counts that the records make.
    #[must_use]
    pub fn recount(&self) -> Counts {
        let (mut by_role, mut newcomers) = (MembersByRole::default(), Newcomers::default());
        for member in self.members() {
            let counted = by_role.of_mut(member.role);
            *counted = counted.saturating_add(1);
        }
        let addresses: BTreeSet<_> = self.open_invitations().map(|i| i.email.key()).collect();
        for address in addresses {
            if let Some(counted) = newcomers.of_mut(self.offered_to_newcomer(address)) {
                *counted = counted.saturating_add(1);
            }
        }
        Counts {
            workspaces: size(self.workspaces()),
            domains: size(self.domains()),
            kept_names: size(self.retired_names()),
            members: size(self.members()),
            admins: size(self.members().filter(|member| member.is_lasting_admin())),
            invitations: size(self.open_invitations()),
            by_role,
            newcomers,
        }
    }

    fn nothing_left(&self) -> Result<(), Violation> {
        let left = self
            .records()
            .map(|record| record.id())
            .find(|id| match id {
                RecordId::RetiredDomainName(_) | RecordId::FormerMember(..) => false,
                RecordId::Invitation(id) => self.invitation(*id).is_some_and(Invitation::is_open),
                _ => true,
            });
        left.map_or(Ok(()), |id| Err(Violation::DeletedButHolds(id)))
    }

    fn everything_in_place(&self) -> Result<(), Violation> {
        for member in self.workspace_members() {
            let id = RecordId::WorkspaceMember(member.workspace, member.user);
            if self.member(member.user).is_none() {
                return Err(Violation::NotAMember(id));
            }
            if self.workspace(member.workspace).is_none() {
                return Err(Violation::NoWorkspace(id));
            }
        }
        for domain in self.domains() {
            if self.workspace(domain.workspace).is_none() {
                return Err(Violation::NoWorkspace(RecordId::Domain(domain.id)));
            }
        }
        for invitation in self.open_invitations() {
            if invitation
                .target
                .workspace()
                .is_some_and(|id| self.workspace(id).is_none())
            {
                return Err(Violation::NoWorkspace(RecordId::Invitation(invitation.id)));
            }
        }
        for workspace in self.workspaces() {
            let domains = size(self.domains_in(workspace.id));
            let members = size(self.members_of(workspace.id));
            if (workspace.domains, workspace.members) != (domains, members) {
                return Err(Violation::WorkspaceCounts(RecordId::Workspace(
                    workspace.id,
                )));
            }
        }
        Ok(())
    }

    fn roles_in_order(&self, roles: &[OwnRole]) -> Result<(), Violation> {
        let ours = Catalogue::NONE;
        let known = ours.ceiling(Layer::Organization);
        let (mut names, mut numbers) = (BTreeSet::new(), BTreeSet::new());
        for role in roles {
            if !names.insert(role.name.key()) || !numbers.insert(role.number) {
                return Err(Violation::RoleTwice(role.number));
            }
            // What a host's codes stand for, or a later version's, is not known here.
            if role
                .adds
                .intersects(known.without(ours.ceiling(role.base.layer())))
            {
                return Err(Violation::BeyondItsLayer(role.number));
            }
        }
        let mut held: BTreeMap<RoleNumber, (u32, u32)> = BTreeMap::new();
        let base = |number: RoleNumber| {
            let role = roles.iter().find(|role| role.number == number);
            role.map(|role| role.base)
        };
        for member in self.members() {
            if let Some(number) = member.own_role {
                if base(number).and_then(RoleBase::organization_role) != Some(member.role) {
                    return Err(Violation::NoSuchRole(RecordId::Member(member.user)));
                }
                let (holders, _) = held.entry(number).or_default();
                *holders = holders.saturating_add(1);
            }
        }
        for member in self.workspace_members() {
            if let Some(number) = member.own_role {
                if base(number).and_then(RoleBase::workspace_role) != Some(member.role) {
                    let id = RecordId::WorkspaceMember(member.workspace, member.user);
                    return Err(Violation::NoSuchRole(id));
                }
                let (holders, _) = held.entry(number).or_default();
                *holders = holders.saturating_add(1);
            }
        }
        for invitation in self.open_invitations() {
            if let Some(number) = invitation.own_role {
                let offered = match invitation.target {
                    InvitationTarget::Organization { role } => RoleBase::of_organization(role),
                    InvitationTarget::Workspace { role, .. } => RoleBase::of_workspace(role),
                };
                if offered.is_none() || base(number) != offered {
                    return Err(Violation::NoSuchRole(RecordId::Invitation(invitation.id)));
                }
                let (_, offers) = held.entry(number).or_default();
                *offers = offers.saturating_add(1);
            }
        }
        for role in roles {
            let found = held.get(&role.number).copied().unwrap_or_default();
            if (role.holders, role.offered) != found {
                return Err(Violation::RoleCounts(role.number));
            }
        }
        Ok(())
    }

    fn nothing_twice(&self) -> Result<(), Violation> {
        let mut names = BTreeSet::new();
        for workspace in self.workspaces() {
            if !names.insert(workspace.name.key()) {
                return Err(Violation::NameTwice(RecordId::Workspace(workspace.id)));
            }
        }
        let mut names: BTreeSet<_> = self.retired_names().map(|retired| &retired.name).collect();
        for domain in self.domains() {
            if !names.insert(&domain.name) {
                return Err(Violation::DomainNameTwice(RecordId::Domain(domain.id)));
            }
        }
        let mut targets = BTreeSet::new();
        for invitation in self.open_invitations() {
            if !targets.insert((invitation.email.key(), invitation.target.workspace())) {
                return Err(Violation::InvitationTwice(RecordId::Invitation(
                    invitation.id,
                )));
            }
        }
        Ok(())
    }
}

fn size<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
