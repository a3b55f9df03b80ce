//! What is found across organizations, in order.

use std::collections::BTreeSet;

use crate::id::{InvitationId, OrganizationId, UserId};
use crate::record::Record;
use crate::text::EmailKey;

/// By whom and by which address an organization is found.
// INVARIANT: it agrees with the records of all organizations.
#[derive(Debug, Default)]
pub(super) struct Across {
    pub(super) members_by_email: BTreeSet<(EmailKey, (OrganizationId, UserId))>,
    pub(super) organizations_by_user: BTreeSet<(UserId, OrganizationId)>,
    pub(super) open_by_email: BTreeSet<(EmailKey, (OrganizationId, InvitationId))>,
}

impl Across {
    /// A record has come, or came in the place of one that has gone.
    pub(super) fn add(&mut self, id: OrganizationId, record: &Record) {
        match record {
            Record::Member(member) => {
                self.organizations_by_user.insert((member.user, id));
                let email = member.email.key().clone();
                self.members_by_email.insert((email, (id, member.user)));
            }
            Record::Invitation(invitation) if invitation.is_open() => {
                let email = invitation.email.key().clone();
                self.open_by_email.insert((email, (id, invitation.id)));
            }
            _ => {}
        }
    }

    /// A record has gone.
    pub(super) fn remove(&mut self, id: OrganizationId, record: &Record) {
        match record {
            Record::Member(member) => {
                self.organizations_by_user.remove(&(member.user, id));
                let email = member.email.key().clone();
                self.members_by_email.remove(&(email, (id, member.user)));
            }
            Record::Invitation(invitation) => {
                let email = invitation.email.key().clone();
                self.open_by_email.remove(&(email, (id, invitation.id)));
            }
            _ => {}
        }
    }
}
