//! What events about roles of the organization's own mean (R1, R7), and how many hold each.

use chrono::{DateTime, Utc};

use super::apply::Touched;
use super::counts::count;
use super::{Inconsistency, OrganizationState};
use crate::event::Event;
use crate::id::{UserId, WorkspaceId};
use crate::later::Later;
use crate::own_role::{OwnRole, RoleNumber, RoleState};
use crate::record::{Record, RecordId};

impl OrganizationState {
    /// What one event makes of the roles of the organization's own, and of who holds them. Others are no matter
    /// of theirs.
    pub(super) fn apply_to_roles(
        &mut self,
        at: DateTime<Utc>,
        event: Event,
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        match event {
            Event::RoleDefined {
                role,
                name,
                base,
                adds,
            } => {
                let roles = &mut self.organization_mut()?.roles;
                roles.push(OwnRole {
                    number: role,
                    name_key: name.key(),
                    name,
                    base,
                    adds,
                    state: RoleState::InForce,
                    holders: 0,
                    offered: 0,
                    created_at: at,
                    later: Later::default(),
                });
            }
            Event::RoleRevised { role, to, adds, .. } => {
                let role = self.role_mut(role)?;
                role.name_key = to.key();
                role.name = to;
                role.adds = adds;
            }
            Event::RoleRetired { role, .. } => self.role_mut(role)?.state = RoleState::Retired,
            Event::RoleRestored { role, .. } => self.role_mut(role)?.state = RoleState::InForce,
            Event::RoleDeleted { role, .. } => {
                self.role_mut(role)?;
                let roles = &mut self.organization_mut()?.roles;
                roles.retain(|kept| kept.number != role);
            }
            Event::OwnRoleChanged {
                user,
                workspace,
                from,
                to,
            } => {
                self.count_holder(from, -1)?;
                self.count_holder(to, 1)?;
                match workspace {
                    None => self.hold(user, (from, to), touched)?,
                    Some(workspace) => self.hold_there((workspace, user), (from, to), touched)?,
                }
            }
            Event::OwnRoleOffered {
                invitation,
                from,
                to,
            } => {
                self.count_offer(from, -1)?;
                self.count_offer(to, 1)?;
                self.edit_invitation(invitation, touched, |invitation| invitation.own_role = to)?;
            }
            _ => {}
        }
        Ok(())
    }

    // M4: a role of the organization's own that goes is taken, unless the same commit gives a higher base instead.

    fn hold(
        &mut self,
        user: UserId,
        (from, to): (Option<RoleNumber>, Option<RoleNumber>),
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        let version = self.version().next();
        let before = match touched.before(&RecordId::Member(user)) {
            Some(Record::Member(before)) => Some(before.role),
            _ => None,
        };
        self.edit_member(user, touched, |member| {
            let raised = before.is_some_and(|before| before < member.role);
            member.own_role = to;
            if from.is_some() && !raised {
                member.lowered_in = Some(version);
            }
        })
    }

    fn hold_there(
        &mut self,
        (workspace, user): (WorkspaceId, UserId),
        (from, to): (Option<RoleNumber>, Option<RoleNumber>),
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        let version = self.version().next();
        let before = match touched.before(&RecordId::WorkspaceMember(workspace, user)) {
            Some(Record::WorkspaceMember(before)) => Some(before.role),
            _ => None,
        };
        self.edit_workspace_member((workspace, user), touched, |member| {
            let raised = before.is_some_and(|before| before < member.role);
            member.own_role = to;
            if from.is_some() && !raised {
                member.lowered_in = Some(version);
            }
        })
    }

    fn role_mut(&mut self, number: RoleNumber) -> Result<&mut OwnRole, Inconsistency> {
        let mut roles = self.organization_mut()?.roles.iter_mut();
        let role = roles.find(|role| role.number == number);
        role.ok_or(Inconsistency::MissingRole(number))
    }

    pub(super) fn count_holder(
        &mut self,
        role: Option<RoleNumber>,
        by: i32,
    ) -> Result<(), Inconsistency> {
        match role {
            Some(role) => count(&mut self.role_mut(role)?.holders, by, "holders of a role"),
            None => Ok(()),
        }
    }

    pub(super) fn count_offer(
        &mut self,
        role: Option<RoleNumber>,
        by: i32,
    ) -> Result<(), Inconsistency> {
        match role {
            Some(role) => count(&mut self.role_mut(role)?.offered, by, "offers of a role"),
            None => Ok(()),
        }
    }
}
