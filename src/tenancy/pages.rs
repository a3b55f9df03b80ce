//! Reads that a page is made of, each in one round trip.

use super::Tenancy;
use super::views::{
    InvitationView, OrganizationView, Overview, OwnRoleView, PersonView, RoleView, WorkspaceView,
};
use crate::actor::Actor;
use crate::command::path;
use crate::error::Error;
use crate::id::{OrganizationId, UserId};
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::refusal::Refusal;
use crate::store::{Key, Repository};

impl<R: Repository> Tenancy<R> {
    /// All that an organization's own page shows: what [`organization`](Self::organization), [`usage`](Self::usage),
    /// [`own_roles`](Self::own_roles), [`company`](Self::company), [`invoicing`](Self::invoicing),
    /// [`contract`](Self::contract) and a check of every action say, in one round trip. What the actor may not view is
    /// `None`.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// let page = tenancy.overview(&ann, acme.organization).await?;
    /// assert_eq!(page.organization.name.as_str(), "Acme");
    /// assert!(page.may.contains(&OrganizationAction::Invite));
    /// assert_eq!(page.usage.expect("an Admin may see it").workspaces.remaining(), Some(0));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: it doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn overview(
        &self,
        actor: &Actor,
        organization: OrganizationId,
    ) -> Result<Overview, Error<R::Error>> {
        let state = self
            .find(organization, &[path(actor, organization)])
            .await?;
        let scene = self.scene(actor, &state);
        let row = scene.require(organization, OrganizationAction::View)?;
        let may: Vec<_> = OrganizationAction::ALL
            .into_iter()
            .filter(|action| scene.require(organization, *action).is_ok())
            .collect();
        let views = |action| may.contains(&action);
        let member = actor.user_id().and_then(|user| state.member(user));
        let (invoicing, contract) = (
            views(OrganizationAction::ViewInvoicing),
            views(OrganizationAction::ViewContract),
        );
        let counts_too = views(OrganizationAction::ViewMembers);
        let roles = row.roles.iter();
        Ok(Overview {
            organization: OrganizationView::of(&row.summary(), member, scene.now),
            version: row.version,
            company: row.company.clone().filter(|_| invoicing),
            invoicing: row.invoicing.clone().filter(|_| invoicing),
            contract: row.contract.clone().filter(|_| contract),
            usage: contract.then(|| row.usage(self.settings().seat_roles)),
            limits: contract.then_some(row.limits),
            roles: roles
                .map(|role| OwnRoleView::of(role, counts_too))
                .collect(),
            may,
        })
    }

    /// All that a page about one member shows: their membership, the role that they hold in each workspace, and the open
    /// invitations to their address. For whoever may view the organization's members, and for themself: they see the
    /// workspaces that they may view, and the invitations if they have verified that address.
    ///
    /// Before you remove them, [`prepare`](Self::prepare) [`RemoveMember`](crate::commands::RemoveMember): its answer is
    /// what would go with them.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let user = UserId::from_external("ann");
    /// # let ann = Actor::user(user, VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let (organization, workspace, role) = (acme.organization, acme.workspace, WorkspaceRole::Reader);
    /// tenancy.execute(&ann, GiveWorkspaceRole { organization, workspace, user, role }).await?;
    /// let person = tenancy.person(&ann, organization, user).await?;
    /// assert_eq!(person.member.role, OrganizationRole::Admin);
    /// assert_eq!(person.workspaces.expect("an Admin may see them")[0].role.role, role);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`]: the organization doesn't exist, or the actor may not view it.
    /// - [`Refusal::Forbidden`]: the actor may not view its members, and asks about somebody else.
    /// - [`Refusal::MemberNotFound`]: there is no such member.
    /// - [`Error::Store`]: the store failed.
    pub async fn person(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        user: UserId,
    ) -> Result<PersonView, Error<R::Error>> {
        let keys = [path(actor, organization), Key::Person(user)];
        let state = self.find(organization, &keys).await?;
        let scene = self.scene(actor, &state);
        scene.require(organization, OrganizationAction::View)?;
        let themself = actor.user_id() == Some(user);
        if !themself {
            scene.require(organization, OrganizationAction::ViewMembers)?;
        }
        let member = state.member(user).ok_or(Refusal::MemberNotFound { user })?;
        // Who may view the members of every workspace: by cascade, as no workspace is on the path.
        let standing = scene.standing(organization.into());
        let everywhere = standing.is_some_and(|standing| {
            let below = standing.effective_below();
            below.intersects(WorkspaceAction::ViewMembers.allowed())
        });
        // O3: who doesn't show that address has received nothing.
        let shows_it = actor
            .verified_email()
            .is_some_and(|email| email.key() == member.email.key());
        let invitations = themself && shows_it
            || scene
                .require(organization, OrganizationAction::ViewInvitations)
                .is_ok();
        // T3, A2: a role that has ended opens nothing, not even the workspace's name.
        let roles = state
            .workspaces_of(user)
            .filter(|role| everywhere || role.term().counts_at(scene.now));
        let roles = roles.filter_map(|role| {
            Some(RoleView {
                workspace: WorkspaceView::of(state.workspace(role.workspace)?),
                role: role.clone(),
            })
        });
        let open = state.open_invitations_to(member.email.key());
        Ok(PersonView {
            member: member.clone(),
            workspaces: (themself || everywhere).then(|| roles.collect()),
            invitations: invitations
                .then(|| open.map(|one| InvitationView::of(one, scene.now)).collect()),
        })
    }
}
