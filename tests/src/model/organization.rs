//! What is so in one organization.

use chrono::{DateTime, Utc};
use tenancy::store::InvitationState;
use tenancy::{
    InvitationId, InvitationTarget, OrganizationRole, RoleNumber, UserId, WorkspaceId,
    WorkspaceRole,
};

use super::roles::raises;
use super::{Invitation, No, Organization, normal};

type Now = DateTime<Utc>;

impl Organization {
    /// The Admins that T2 is about.
    pub fn admins(&self) -> usize {
        let admins = self.members.values();
        admins.filter(|m| m.is_lasting_admin()).count()
    }

    /// O4, T2, before a member goes or lasts no longer.
    pub(super) fn is_not_the_last(&self, user: UserId) -> Result<(), No> {
        if self.members[&user].is_lasting_admin() && self.admins() == 1 {
            return Err("last_admin");
        }
        Ok(())
    }

    /// A workspace role that counts, as long as the membership does (T3).
    pub fn role_in(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        now: DateTime<Utc>,
    ) -> Option<WorkspaceRole> {
        let held = self.roles.get(&(workspace, user)).copied();
        let end = self.role_ends.get(&(workspace, user));
        held.filter(|_| end.is_none_or(|end| *end > now))
    }

    pub(super) fn take(&mut self, workspace: WorkspaceId, user: UserId) -> Result<(), No> {
        self.role_ends.remove(&(workspace, user));
        self.own_there.remove(&(workspace, user));
        let taken = self.roles.remove(&(workspace, user));
        taken.map(drop).ok_or("member_not_found")
    }

    /// T1, T3: an invitation doesn't bring back what doesn't count.
    pub(super) fn is_no_member_in_vain(&self, email: &str, now: DateTime<Utc>) -> Result<(), No> {
        let member = self.with_email(email).map(|user| &self.members[&user]);
        member.map_or(Ok(()), |member| member.does_count(now))
    }

    /// Whether somebody with that address is a member for I2: one whose membership counts.
    pub(super) fn knows(&self, email: &str, now: DateTime<Utc>) -> bool {
        let member = self.with_email(email).map(|user| &self.members[&user]);
        member.is_some_and(|member| member.counts(now))
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
    fn may_send(&self, user: UserId, email: &str, target: InvitationTarget, now: Now) -> bool {
        self.may_send_to(user, self.knows(email, now), target, now)
    }

    /// I2: whether that user may send such an invitation to somebody who is a member already, or is new.
    pub(super) fn may_send_to(
        &self,
        user: UserId,
        member: bool,
        target: InvitationTarget,
        now: Now,
    ) -> bool {
        let held = self.members.get(&user);
        let Some(held) = held.filter(|held| held.counts(now)) else {
            return false;
        };
        let admin = held.role == OrganizationRole::Admin;
        match target {
            InvitationTarget::Organization { .. } => admin,
            InvitationTarget::Workspace { workspace, .. } => {
                let own = self.role_in(workspace, user, now);
                admin || (own == Some(WorkspaceRole::Admin) && member)
            }
        }
    }

    /// Whether accepting gives somebody what they don't hold themself: a membership, or a higher role.
    pub(super) fn gives(&self, invitation: &Invitation, user: UserId, now: Now) -> bool {
        let Some(held) = self.holds(user) else {
            return true;
        };
        match invitation.target {
            InvitationTarget::Organization { role } => raises(held, (role, invitation.own)),
            InvitationTarget::Workspace { workspace, role } => {
                let held = self.holds_now(workspace, user, now);
                held.is_none_or(|held| raises(held, (role, invitation.own)))
            }
        }
    }

    /// M4, once a role of somebody who stays a member was taken or lowered: in a workspace, or in the
    /// organization, which reaches all of them. What was sent before "gives its person nothing above what they
    /// were left with, and is revoked in the same commit where it is to an address known to be theirs".
    ///
    /// And I6: the open invitations that they could no longer send.
    pub(super) fn lost(&mut self, user: UserId, of: Option<WorkspaceId>, now: Now) {
        let concerned = |i: &Invitation| of.is_none() || i.target.workspace() == of;
        let theirs = normal(&self.members[&user].email);
        self.revoke(|it, i| {
            concerned(i) && normal(&i.email) == theirs && it.is_above(i, user, now)
        });
        self.revoke(|it, i| {
            concerned(i) && i.inviter == user && !it.may_send(user, &i.email, i.target, now)
        });
        self.outdate(user, concerned);
    }

    /// T3: an end that is set, or comes nearer, takes what was sent into the workspace before.
    pub(super) fn ends_in(&mut self, user: UserId, workspace: WorkspaceId, now: Now) {
        let into = |i: &Invitation| i.target.workspace() == Some(workspace);
        let theirs = normal(&self.members[&user].email);
        self.revoke(|_, i| into(i) && normal(&i.email) == theirs);
        if self.role_in(workspace, user, now).is_none() {
            self.revoke(|it, i| {
                into(i) && i.inviter == user && !it.may_send(user, &i.email, i.target, now)
            });
        }
        self.outdate(user, into);
    }

    fn outdate(&mut self, user: UserId, concerned: impl Fn(&Invitation) -> bool) {
        for invitation in self.invitations.values_mut() {
            if invitation.state == InvitationState::Open && concerned(invitation) {
                invitation.outdated_for.insert(user);
            }
        }
    }

    /// I6, once nothing that somebody holds counts.
    pub(super) fn revoke_by(&mut self, user: UserId) {
        self.revoke(|_, i| i.inviter == user);
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
        self.is_not_the_last(user)?;
        self.goes(user);
        Ok(())
    }

    /// What goes with whoever goes (M2).
    pub(super) fn goes(&mut self, user: UserId) {
        let member = self.members.remove(&user).expect("asked before");
        self.roles.retain(|(_, holder), _| *holder != user);
        self.role_ends.retain(|(_, holder), _| *holder != user);
        self.own_there.retain(|(_, holder), _| *holder != user);
        self.revoke_to(&member.email);
        self.revoke_by(user);
        self.outdate(user, |_| true);
    }

    /// I5: whether somebody with that address has that already, or something that an invitation doesn't replace (I7).
    pub(super) fn already_has(
        &self,
        email: &str,
        target: InvitationTarget,
        own: Option<RoleNumber>,
        now: Now,
    ) -> bool {
        self.with_email(email).is_some_and(|user| match target {
            InvitationTarget::Organization { role } => self
                .holds(user)
                .is_some_and(|held| !raises(held, (role, own))),
            InvitationTarget::Workspace { workspace, role } => {
                let held = self.holds_now(workspace, user, now);
                self.members[&user].role == OrganizationRole::Admin
                    || held.is_some_and(|held| !raises(held, (role, own)))
            }
        })
    }

    pub(super) fn name_is_taken(&self, name: &str, but: Option<WorkspaceId>) -> bool {
        self.workspaces.iter().any(|(id, workspace)| {
            Some(*id) != but && workspace.name.to_lowercase() == name.to_lowercase()
        })
    }
}
