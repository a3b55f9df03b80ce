//! How much of everything an organization holds, kept with every event, so that nothing has to be counted when it is
//! asked for.

use super::{Inconsistency, OrganizationState};
use crate::role::OrganizationRole;
use crate::text::EmailKey;

impl OrganizationState {
    /// The members of a role: one more, one fewer.
    pub(super) fn count_roles(
        &mut self,
        more: Option<OrganizationRole>,
        fewer: Option<OrganizationRole>,
    ) -> Result<(), Inconsistency> {
        let by_role = &mut self.organization_mut()?.counts.by_role;
        for (role, by) in [(more, 1), (fewer, -1)] {
            if let Some(role) = role {
                count(by_role.of_mut(role), by, "members of a role")?;
            }
        }
        Ok(())
    }

    /// The Admins who last: so many more, so many fewer.
    pub(super) fn count_admins(&mut self, more: u32, fewer: u32) -> Result<(), Inconsistency> {
        let admins = &mut self.organization_mut()?.counts.admins;
        *admins = admins
            .checked_add(more)
            .and_then(|admins| admins.checked_sub(fewer))
            .ok_or(Inconsistency::Count("admins"))?;
        Ok(())
    }

    pub(super) fn count_kept_name(&mut self, by: i32) -> Result<(), Inconsistency> {
        count(
            &mut self.organization_mut()?.counts.kept_names,
            by,
            "kept names",
        )
    }

    /// Makes a change after which an address may be a newcomer's no more, or be one, or be offered something else,
    /// and counts it as what it is then (Q3). It depends on all open invitations to the address, and on the member
    /// who has it: whoever decides on such a change has loaded them.
    pub(super) fn counting_newcomer(
        &mut self,
        email: &EmailKey,
        change: impl FnOnce(&mut Self) -> Result<(), Inconsistency>,
    ) -> Result<(), Inconsistency> {
        let before = self.offered_to_newcomer(email);
        change(self)?;
        let after = self.offered_to_newcomer(email);
        if before == after {
            return Ok(());
        }
        let newcomers = &mut self.organization_mut()?.counts.newcomers;
        for (offered, by) in [(before, -1), (after, 1)] {
            if let Some(counted) = newcomers.of_mut(offered) {
                count(counted, by, "newcomers")?;
            }
        }
        Ok(())
    }
}

pub(super) fn count(count: &mut u32, by: i32, of: &'static str) -> Result<(), Inconsistency> {
    *count = count
        .checked_add_signed(by)
        .ok_or(Inconsistency::Count(of))?;
    Ok(())
}
