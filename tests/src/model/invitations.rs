//! Sending, renewing and answering invitations.

use std::collections::BTreeSet;

use tenancy::store::InvitationState;
use tenancy::{
    InvitationId, InvitationTarget, InvitationToken, OrganizationAction, OrganizationId,
    OrganizationRole, RoleNumber, UserId, WorkspaceAction,
};

use uuid::Uuid;

use super::roles::raises;
use super::{
    Answer, Call, Invitation, Member, Model, NOT_FOUND, No, On, Organization, Who, normal,
};

const NONE_SUCH: No = "invitation_not_found";

impl Organization {
    /// I8: one more link today, if there may be one more.
    fn one_more_link(&mut self, call: &Call<'_>) -> Result<(), No> {
        let now = call.now.date_naive();
        // Where clocks differ, the day that has begun for one has begun.
        let (today, made) = match self.links {
            Some((day, made)) if day >= now => (day, made),
            _ => (now, 0),
        };
        if made >= call.choices.links {
            return Err("too_many_links");
        }
        self.links = Some((today, made + 1));
        Ok(())
    }

    /// I5: "renews it: new role, new token, new expiry, new inviter of record; the old link dies". What was lost
    /// before now is no matter to the new link (M2, M4).
    pub(super) fn renew(
        &mut self,
        call: &Call<'_>,
        id: InvitationId,
        inviter: UserId,
        (target, own): (InvitationTarget, Option<RoleNumber>),
    ) -> Result<(), No> {
        let sent = self.invitations[&id].sent;
        if call.now < sent + call.choices.pause {
            return Err("resent_too_soon");
        }
        self.one_more_link(call)?;
        let renewed = self.invitations.get_mut(&id).ok_or(NOT_FOUND)?;
        renewed.target = target;
        renewed.own = own;
        renewed.inviter = inviter;
        renewed.link = call.drawn.link.unwrap_or_default();
        renewed.sent = call.now;
        renewed.expires = call.now + call.choices.validity;
        renewed.outdated_for.clear();
        Ok(())
    }
}

impl Model {
    /// I5, I8. Whether they may at all is asked before.
    pub(super) fn invite(
        &mut self,
        call: &Call<'_>,
        id: OrganizationId,
        email: &str,
        (target, own): (InvitationTarget, Option<RoleNumber>),
    ) -> Result<(), No> {
        let inviter = call.who.user()?;
        let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
        it.is_no_member_in_vain(email, call.now)?;
        if it.already_has(email, target, own, call.now) {
            return Err("already_has_role");
        }
        let same = it.open().find(|(_, i)| {
            normal(&i.email) == normal(email) && i.target.workspace() == target.workspace()
        });
        if let Some((same, _)) = same {
            let same = *same;
            return it.renew(call, same, inviter, (target, own));
        }
        if it.open().count() >= call.choices.limit {
            return Err("too_many_invitations");
        }
        it.one_more_link(call)?;
        let invitation = Invitation {
            email: email.to_owned(),
            target,
            own,
            inviter,
            link: call.drawn.link.unwrap_or_default(),
            sent: call.now,
            expires: call.now + call.choices.validity,
            state: InvitationState::Open,
            outdated_for: BTreeSet::new(),
        };
        // Where the crate drew none it has refused; a seat that is missing is seen by what would be reserved.
        let unseen = InvitationId::from_uuid(Uuid::from_u128(1_000 + it.invitations.len() as u128));
        let id = call.drawn.invitation.unwrap_or(unseen);
        it.invitations.insert(id, invitation);
        Ok(())
    }

    /// I5: "who may invite may also revoke or resend". Who may not view it is told nothing of it (A2).
    pub(super) fn may_manage(
        &self,
        who: &Who,
        id: OrganizationId,
        invitation: InvitationId,
    ) -> Result<UserId, No> {
        let on = On::Organization(id);
        let it = self.organizations.get(&id);
        let found = it.and_then(|it| it.invitations.get(&invitation));
        let mut views_all = self.check(who, on, &OrganizationAction::ViewInvitations);
        if views_all.is_ok() && it.is_some_and(|it| it.deleted) {
            views_all = Err("organization_deleted");
        }
        let Some(found) = found else {
            views_all?;
            return Err(NONE_SUCH);
        };
        let there = found
            .target
            .workspace()
            .map_or(on, |w| On::Workspace(id, w));
        let views_these = found.target.workspace().is_some()
            && self.may(who, there, &WorkspaceAction::ViewInvitations) == Answer::Allowed;
        if !views_these {
            views_all?;
        }
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        match found.target {
            InvitationTarget::Organization { .. } => {
                self.check(who, on, &OrganizationAction::Invite)?;
            }
            InvitationTarget::Workspace { .. } => {
                self.check(who, there, &WorkspaceAction::InviteMember)?;
                if !self.organizations[&id].knows(&found.email, self.now) {
                    self.check(who, there, &WorkspaceAction::InviteNewcomer)?;
                }
            }
        }
        who.user()
    }

    fn invitation(&self, id: OrganizationId, invitation: InvitationId) -> Option<&Invitation> {
        self.organizations.get(&id)?.invitations.get(&invitation)
    }

    /// I3, I4: what has to be so before an invitation is answered by its link.
    pub(super) fn by_link(&self, call: &Call<'_>, token: &InvitationToken) -> Result<(), No> {
        call.who.user()?;
        let found = self.invitation(token.organization(), token.invitation());
        let found = found.filter(|i| i.link == *token.hash().as_bytes());
        let found = found.ok_or(NONE_SUCH)?;
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        if normal(call.who.email()?) != normal(&found.email) {
            return Err("wrong_account");
        }
        if call.now >= found.expires {
            return Err("invitation_expired");
        }
        Ok(())
    }

    /// I11: who has verified the address may answer without the link; to anybody else there is none such (I3).
    pub(super) fn listed(
        &self,
        call: &Call<'_>,
        id: OrganizationId,
        invitation: InvitationId,
    ) -> Result<(), No> {
        call.who.user()?;
        let email = call.who.email()?;
        let found = self.invitation(id, invitation);
        let found = found.filter(|i| normal(&i.email) == normal(email));
        let found = found.ok_or(NONE_SUCH)?;
        if found.state != InvitationState::Open {
            return Err("invitation_closed");
        }
        if call.now >= found.expires {
            return Err("invitation_expired");
        }
        Ok(())
    }

    /// I1, once they have shown that it is theirs to answer.
    pub(super) fn accept(
        &mut self,
        who: &Who,
        id: OrganizationId,
        accepted: InvitationId,
    ) -> Result<(), No> {
        let (user, email) = (who.user()?, who.email()?);
        self.changes_go_on(who, id)?;
        let now = self.now;
        let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
        // T1, T3: whose membership doesn't count is not let back in.
        if let Some(member) = it.members.get(&user) {
            member.does_count(now)?;
        }
        let invitation = it.invitations[&accepted].clone();
        // I6: could the inviter still send it, to whoever this is?
        let member = it.members.contains_key(&user);
        if !it.may_send_to(invitation.inviter, member, invitation.target, now) {
            return Err("inviter_lost_authority");
        }
        // M2, M4
        if invitation.outdated_for.contains(&user) && it.gives(&invitation, user, now) {
            return Err("invitation_outdated");
        }
        it.is_free_for(user, email)?;
        it.close(accepted, InvitationState::Accepted);
        let offered = match invitation.target {
            InvitationTarget::Organization { role } => (role, invitation.own),
            InvitationTarget::Workspace { .. } => (OrganizationRole::Member, None),
        };
        if member {
            // M6: "follows what they show when they accept an invitation under another one"
            if normal(&it.members[&user].email) != normal(email) {
                it.follow(user, email)?;
            }
        } else {
            let mut member = Member::new(offered.0, email.clone());
            member.own = offered.1;
            it.members.insert(user, member);
        }
        // I7
        let held = it.holds(user).ok_or(NOT_FOUND)?;
        let member = it.members.get_mut(&user).ok_or(NOT_FOUND)?;
        if raises(held, offered) {
            (member.role, member.own) = offered;
        }
        if let InvitationTarget::Workspace { workspace, role } = invitation.target {
            let offered = (role, invitation.own);
            let held = it.holds_now(workspace, user, now);
            if held.is_none_or(|held| raises(held, offered)) {
                it.hold_there(workspace, user, offered, now);
            }
        }
        Ok(())
    }

    /// Final, and nobody is placed.
    pub(super) fn decline(
        &mut self,
        who: &Who,
        id: OrganizationId,
        declined: InvitationId,
    ) -> Result<(), No> {
        self.changes_go_on(who, id)?;
        let it = self.organizations.get_mut(&id).ok_or(NOT_FOUND)?;
        it.close(declined, InvitationState::Declined);
        Ok(())
    }
}
