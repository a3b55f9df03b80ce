//! The same facts as a service writes them down by hand: four hash maps.

use std::collections::{HashMap, HashSet};
use std::hash::BuildHasher;

use tenancy::{
    DomainId, OrganizationId, OrganizationRole, Resource, UserId, WorkspaceId, WorkspaceRole,
};

use crate::population::{Ids, Question, role, roles};

#[derive(Default)]
pub(crate) struct ByHand<S> {
    members: HashMap<(OrganizationId, UserId), OrganizationRole, S>,
    workspaces: HashSet<(OrganizationId, WorkspaceId), S>,
    workspace_members: HashMap<(WorkspaceId, UserId), WorkspaceRole, S>,
    domains: HashMap<(OrganizationId, DomainId), WorkspaceId, S>,
}

impl<S: BuildHasher + Default> ByHand<S> {
    pub(crate) fn of(all: &[Ids]) -> Self {
        let mut maps = Self::default();
        for ids in all {
            let organization = ids.organization;
            maps.workspaces
                .extend(ids.workspaces.map(|workspace| (organization, workspace)));
            let domains = ids.domains();
            maps.domains
                .extend(domains.map(|(domain, workspace)| ((organization, domain), workspace)));
            for (at, user) in ids.members.iter().enumerate() {
                maps.members.insert((organization, *user), role(at));
                for (workspace, role) in roles(at) {
                    maps.workspace_members
                        .insert((ids.workspaces[workspace], *user), role);
                }
            }
        }
        maps
    }

    #[inline(never)]
    pub(crate) fn allows(&self, question: &Question) -> bool {
        let Question { user, resource, .. } = *question;
        let member = || self.members.get(&(resource.organization(), user));
        match resource {
            Resource::Organization(_) => member().is_some(),
            Resource::Workspace(organization, workspace) => {
                self.workspaces.contains(&(organization, workspace))
                    && self.holds(member(), workspace, user, WorkspaceRole::Admin)
            }
            Resource::Domain(organization, domain) => {
                let workspace = self.domains.get(&(organization, domain));
                workspace.is_some_and(|workspace| {
                    self.holds(member(), *workspace, user, WorkspaceRole::Developer)
                })
            }
        }
    }

    fn holds(
        &self,
        member: Option<&OrganizationRole>,
        workspace: WorkspaceId,
        user: UserId,
        least: WorkspaceRole,
    ) -> bool {
        match member {
            None => false,
            Some(OrganizationRole::Admin) => true,
            Some(_) => {
                let role = self.workspace_members.get(&(workspace, user));
                role.is_some_and(|role| *role >= least)
            }
        }
    }
}

#[cfg(feature = "engines")]
impl<S: BuildHasher + Default> ByHand<S> {
    pub(crate) fn organization_role(
        &self,
        user: UserId,
        resource: &Resource,
    ) -> Option<OrganizationRole> {
        self.members.get(&(resource.organization(), user)).copied()
    }

    /// The workspace itself, or the domain's; none if there is no such thing in the organization.
    pub(crate) fn workspace(&self, resource: &Resource) -> Option<WorkspaceId> {
        match *resource {
            Resource::Organization(_) => None,
            Resource::Workspace(organization, workspace) => {
                let found = self.workspaces.get(&(organization, workspace));
                found.map(|(_, workspace)| *workspace)
            }
            Resource::Domain(organization, domain) => {
                self.domains.get(&(organization, domain)).copied()
            }
        }
    }

    /// What a member of the organization holds in the resource's workspace.
    pub(crate) fn workspace_role(
        &self,
        user: UserId,
        resource: &Resource,
    ) -> Option<WorkspaceRole> {
        let workspace = self.workspace(resource)?;
        self.organization_role(user, resource)?;
        self.workspace_members.get(&(workspace, user)).copied()
    }
}
