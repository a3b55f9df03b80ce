//! How much an organization may hold, and many invitations at once (Q, I9).

use std::collections::BTreeSet;

use tenancy::{
    InvitationOffer, InvitationTarget, OrganizationAction, OrganizationId, OrganizationRole,
    RoleNumber, WorkspaceAction, WorkspaceId,
};

use super::{Call, Choices, Drawn, Member, Model, NOT_FOUND, No, Organization, normal};
use crate::commands::{Ask, ChangeOrganizationRole, InviteMany};

const FULL: No = "limit_reached";

impl Organization {
    /// Q3: "taken by a member, and reserved by the open invitations to an address that is no member's, once per
    /// address"; of those whose role needs one (Q4).
    pub fn seats(&self, needed_by: &[OrganizationRole]) -> (usize, usize) {
        let members = self.members.values();
        let taken = members.filter(|member| needed_by.contains(&member.role));
        let reserved: BTreeSet<_> = self
            .open()
            .map(|(_, invitation)| invitation)
            .filter(|invitation| self.with_email(&invitation.email).is_none())
            .filter(|invitation| {
                needed_by.contains(&match invitation.target {
                    InvitationTarget::Organization { role } => role,
                    InvitationTarget::Workspace { .. } => OrganizationRole::Member,
                })
            })
            .map(|invitation| normal(&invitation.email))
            .collect();
        (taken.count(), reserved.len())
    }

    /// Whether somebody came in, or was promised to, where there is no seat: more are taken or reserved than
    /// before, and more than may be.
    fn is_too_full(&self, before: &Self, choices: Choices) -> bool {
        let taken = |it: &Self| {
            let (taken, reserved) = it.seats(choices.seats);
            taken + reserved
        };
        let too_many = |limit| taken(self) > limit as usize;
        self.limits.seats.is_some_and(too_many) && taken(self) > taken(before)
    }

    /// D2, Q2: "kept names count".
    pub(super) fn may_hold_one_more_domain(
        &self,
        workspace: WorkspaceId,
        name: &str,
    ) -> Result<(), No> {
        let names = self.domains.values().map(|domain| domain.name.as_str());
        let kept = self.retired.iter().map(String::as_str);
        let after: BTreeSet<_> = names.chain(kept).chain([name]).collect();
        let again = self.domains.values().any(|domain| domain.name == name);
        let after = after.len() + usize::from(again);
        let there = self.domains.values().filter(|d| d.workspace == workspace);
        let there = there.count() + 1;
        let over = |limit: Option<u32>, count| limit.is_some_and(|limit| count > limit as usize);
        if over(self.limits.domains, after) || over(self.limits.domains_per_workspace, there) {
            return Err(FULL);
        }
        Ok(())
    }
}

impl Model {
    /// Q1: asked "by whatever way somebody comes in", also by rising to a role that needs a seat; "no removal or
    /// demotion asks it". Who founds an organization has come in with it.
    pub(super) fn are_seats_left(
        &self,
        before: &Self,
        choices: Choices,
        ask: &Ask,
    ) -> Result<(), No> {
        let Some(id) = ask.about() else { return Ok(()) };
        let (Some(was), Some(is)) = (before.organizations.get(&id), self.organizations.get(&id))
        else {
            return Ok(());
        };
        if let Ask::ChangeOrganizationRole(ChangeOrganizationRole { user, role, .. }) = ask {
            let given = was.given(*role);
            let lowers = |held: &Member| given.is_ok_and(|given| given.0 < held.role);
            if was.members.get(user).is_some_and(lowers) {
                return Ok(());
            }
        }
        if matches!(ask, Ask::InviteMany(_)) {
            return Ok(()); // asked for each line
        }
        if is.is_too_full(was, choices) {
            return Err(FULL);
        }
        Ok(())
    }

    /// I9: "each with an outcome of its own"; "one bad line stops nobody".
    pub(super) fn invite_many(&mut self, call: &Call<'_>, many: &InviteMany) -> Result<(), No> {
        let id = many.organization;
        let it = match many.target {
            InvitationOffer::Organization { .. } => {
                self.on_organization(call.who, id, OrganizationAction::Invite)?
            }
            InvitationOffer::Workspace { workspace, .. } => {
                let action = WorkspaceAction::InviteMember;
                self.on_workspace(call.who, id, workspace, action)?
            }
        };
        if many.emails.len() > 100 {
            return Err("too_many_lines");
        }
        let offered = match many.target {
            InvitationOffer::Organization { role } => {
                let (role, own) = it.given(role)?;
                (InvitationTarget::Organization { role }, own)
            }
            InvitationOffer::Workspace { workspace, role } => {
                let (role, own) = it.given_there(role)?;
                (InvitationTarget::Workspace { workspace, role }, own)
            }
        };
        let mut before = BTreeSet::new();
        for (at, typed) in many.emails.iter().enumerate() {
            let typed = typed.trim();
            let outcome = if !typed.contains('@') {
                "email_invalid"
            } else if !before.insert(normal(typed)) {
                "address_repeated"
            } else {
                let drawn = call.drawn.many.get(at).copied().flatten();
                let call = Call {
                    drawn: Drawn {
                        invitation: drawn.map(|(invitation, _)| invitation),
                        link: drawn.map(|(_, link)| link),
                        ..Drawn::default()
                    },
                    ..*call
                };
                let mut after = self.clone();
                match after.invite_one_of_many(&call, typed, many.organization, offered) {
                    Ok(told) => {
                        *self = after;
                        told
                    }
                    Err(code) => code,
                }
            };
            self.lines.push(outcome);
        }
        Ok(())
    }

    fn invite_one_of_many(
        &mut self,
        call: &Call<'_>,
        email: &str,
        id: OrganizationId,
        offered: (InvitationTarget, Option<RoleNumber>),
    ) -> Result<&'static str, No> {
        let it = self.organizations.get(&id).ok_or(NOT_FOUND)?.clone();
        if let InvitationTarget::Workspace { workspace, .. } = offered.0 {
            if it.with_email(email).is_none() {
                let action = WorkspaceAction::InviteNewcomer;
                self.on_workspace(call.who, id, workspace, action)?;
            }
        }
        self.invite(call, id, email, offered)?;
        let after = self.organizations.get(&id).ok_or(NOT_FOUND)?;
        if after.is_too_full(&it, call.choices) {
            return Err(FULL);
        }
        let renewed = after.open().count() == it.open().count();
        Ok(if renewed { "renewed" } else { "invited" })
    }
}
