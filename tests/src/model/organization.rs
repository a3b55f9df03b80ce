//! What is so in one organization.

use tenancy::store::InvitationState;
use tenancy::{
    InvitationId, InvitationTarget, OrganizationRole, RoleNumber, UserId, WorkspaceId,
    WorkspaceRole,
};

use super::roles::{covers, raises};
use super::{Invitation, No, Organization, normal};

impl Organization {
    pub fn admins(&self) -> usize {
        let admins = self.members.values();
        admins.filter(|m| m.role == OrganizationRole::Admin).count()
    }

    pub fn open(&self) -> impl Iterator<Item = (&InvitationId, &Invitation)> {
        let all = self.invitations.iter();
        all.filter(|(_, invitation)| invitation.state == InvitationState::Open)
    }

    /// The member whose address that is (M6).
    pub(super) fn with_email(&self, email: &str) -> Option<UserId> {
        let mut members = self.members.iter();
        let found = members.find(|(_, member)| normal(&member.email) == normal(email));
        found.map(|(user, _)| *user)
    }

    /// M6: "within an organization an address is one member's: another account that shows it is refused".
    pub(super) fn is_free_for(&self, user: UserId, email: &str) -> Result<(), No> {
        match self.with_email(email) {
            Some(member) if member != user => Err("email_in_use"),
            _ => Ok(()),
        }
    }

    /// M6: the member's address is what they show from now on, "with the consequences of a change".
    pub(super) fn follow(&mut self, user: UserId, shown: &str) -> Result<(), No> {
        self.is_free_for(user, shown)?;
        let member = self.members.get_mut(&user).expect("asked before");
        let before = std::mem::replace(&mut member.email, shown.to_owned());
        if normal(&before) != normal(shown) {
            self.revoke_to(&before);
        }
        Ok(())
    }

    /// I2: whether that user may send an invitation of that address to that.
    fn may_send(&self, user: UserId, email: &str, target: InvitationTarget) -> bool {
        self.may_send_to(user, self.with_email(email).is_some(), target)
    }

    /// I2: whether that user may send such an invitation to somebody who is a member already, or is new.
    pub(super) fn may_send_to(&self, user: UserId, member: bool, target: InvitationTarget) -> bool {
        let Some(held) = self.members.get(&user) else {
            return false;
        };
        let admin = held.role == OrganizationRole::Admin;
        match target {
            InvitationTarget::Organization { .. } => admin,
            InvitationTarget::Workspace { workspace, .. } => {
                let own = self.roles.get(&(workspace, user));
                admin || (own == Some(&WorkspaceRole::Admin) && member)
            }
        }
    }

    /// Whether accepting gives somebody what they don't hold themself: a membership, or a higher role.
    pub(super) fn gives(&self, invitation: &Invitation, user: UserId) -> bool {
        let Some(held) = self.holds(user) else {
            return true;
        };
        match invitation.target {
            InvitationTarget::Organization { role } => raises(held, (role, invitation.own)),
            InvitationTarget::Workspace { workspace, role } => {
                let held = self.holds_there(workspace, user);
                held.is_none_or(|held| raises(held, (role, invitation.own)))
            }
        }
    }

    /// M4, once a role of somebody who stays a member was taken or lowered: in a workspace, or in the
    /// organization, which reaches all of them. What was sent before "gives its person nothing above what they
    /// were left with, and is revoked in the same commit where it is to an address known to be theirs".
    pub(super) fn lost(&mut self, user: UserId, of: Option<WorkspaceId>) {
        let concerned = |i: &Invitation| of.is_none() || i.target.workspace() == of;
        let theirs = normal(&self.members[&user].email);
        self.revoke(|it, i| concerned(i) && normal(&i.email) == theirs && it.is_above(i, user));
        self.outdate(user, concerned);
    }

    fn outdate(&mut self, user: UserId, concerned: impl Fn(&Invitation) -> bool) {
        for invitation in self.invitations.values_mut() {
            if invitation.state == InvitationState::Open && concerned(invitation) {
                invitation.outdated_for.insert(user);
            }
        }
    }

    /// I6, after somebody lost something.
    pub(super) fn revoke_what_they_can_not_send(&mut self, user: UserId) {
        self.revoke(|it, i| i.inviter == user && !it.may_send(user, &i.email, i.target));
    }

    fn revoke_to(&mut self, email: &str) {
        self.revoke(|_, i| normal(&i.email) == normal(email));
    }

    /// Revokes the open invitations of which that is so.
    pub(super) fn revoke(&mut self, so: impl Fn(&Self, &Invitation) -> bool) {
        let found: Vec<_> = self
            .open()
            .filter(|(_, invitation)| so(self, invitation))
            .map(|(id, _)| *id)
            .collect();
        for id in found {
            self.close(id, InvitationState::Revoked);
        }
    }

    pub(super) fn close(&mut self, id: InvitationId, state: InvitationState) {
        let closed = self.invitations.get_mut(&id).expect("it is there");
        closed.state = state;
        closed.outdated_for.clear();
    }

    /// M2.
    pub(super) fn let_go(&mut self, user: UserId) -> Result<(), No> {
        let member = self.members.get(&user).expect("asked before").clone();
        if member.role == OrganizationRole::Admin && self.admins() == 1 {
            return Err("last_admin");
        }
        self.members.remove(&user);
        self.roles.retain(|(_, holder), _| *holder != user);
        self.own_there.retain(|(_, holder), _| *holder != user);
        self.revoke_to(&member.email);
        self.revoke_what_they_can_not_send(user);
        self.outdate(user, |_| true);
        Ok(())
    }

    /// I5: whether somebody with that address has that already, or more.
    pub(super) fn already_has(
        &self,
        email: &str,
        target: InvitationTarget,
        own: Option<RoleNumber>,
    ) -> bool {
        self.with_email(email).is_some_and(|user| match target {
            InvitationTarget::Organization { role } => self
                .holds(user)
                .is_some_and(|held| covers(held, (role, own))),
            InvitationTarget::Workspace { workspace, role } => {
                let held = self.holds_there(workspace, user);
                self.members[&user].role == OrganizationRole::Admin
                    || held.is_some_and(|held| covers(held, (role, own)))
            }
        })
    }

    pub(super) fn name_is_taken(&self, name: &str, but: Option<WorkspaceId>) -> bool {
        self.workspaces.iter().any(|(id, workspace)| {
            Some(*id) != but && workspace.name.to_lowercase() == name.to_lowercase()
        })
    }
}
