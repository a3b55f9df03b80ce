//! What is used of each limit.

use tenancy::{LimitUsage, OrganizationId, WorkspaceAction};
use tenancy_tests::model::{ALL_BUT_ACCOUNTING, On, Who};

use super::{codes, no};
use crate::driver::{Driver, actor};

impl Driver {
    /// Q5: for whoever may view the contract, and, of domains, for whoever runs into their limits.
    pub(super) fn usage(&self, who: &Who, id: OrganizationId, contract: Option<&'static str>) {
        let as_actor = actor(who);
        let it = self.model.organizations.get(&id);
        let of = |usage: LimitUsage| {
            let (used, reserved) = (usage.used as usize, usage.reserved as usize);
            (used, reserved, usage.limit)
        };
        let names = || it.map(|it| it.domains.len() + it.retired.len()).unwrap();
        let read = codes(tenancy::block_on(self.tenancy.usage(&as_actor, id)));
        let read = read.map(|usage| (of(usage.seats), of(usage.workspaces), of(usage.domains)));
        let counted = || {
            let it = it.unwrap();
            let (taken, reserved) = it.seats(ALL_BUT_ACCOUNTING);
            (
                (taken, reserved, it.limits.seats),
                (it.workspaces.len(), 0, Some(it.quota)),
                (names(), 0, it.limits.domains),
            )
        };
        assert_eq!(read, contract.map_or_else(|| Ok(counted()), Err));

        for (_, workspace) in &self.workspaces {
            let there = (id, *workspace);
            let on = On::Workspace(id, *workspace);
            let creates = no(&self.model.may(who, on, &WorkspaceAction::CreateDomain));
            let refused = match creates {
                Some("forbidden") if contract.is_none() => None,
                creates => creates,
            };
            let read = self.tenancy.workspace_usage(&as_actor, there);
            let read = codes(tenancy::block_on(read));
            let read = read.map(|usage| (of(usage.domains), of(usage.domains_in_all)));
            let counted = || {
                let it = it.unwrap();
                let here = it.domains.values().filter(|d| d.workspace == *workspace);
                (
                    (here.count(), 0, it.limits.domains_per_workspace),
                    (names(), 0, it.limits.domains),
                )
            };
            assert_eq!(
                read,
                refused.map_or_else(|| Ok(counted()), Err),
                "{there:?}"
            );
        }
    }
}
