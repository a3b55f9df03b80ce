//! Lists: authorized, paged by key, and answered from a [`Directory`].

use core::num::NonZeroU32;
use std::collections::BTreeSet;

use super::Tenancy;
use super::page::{Page, Paging};
use super::views::{
    InvitationView, KeptDomainName, OrganizationView, ReceivedInvitation, WorkspaceView,
};
use crate::actor::Actor;
use crate::domain::{Domain, RetiredDomainName};
use crate::error::Error;
use crate::id::{DomainId, InvitationId, OrganizationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::list::{Item, List, Place};
use crate::log::LogEntry;
use crate::member::{Member, WorkspaceMember};
use crate::organization::OrganizationSummary;
use crate::own_role::RoleNumber;
use crate::policy::{OrganizationAction, WorkspaceAction};
use crate::record::Record;
use crate::role::RoleSet;
use crate::state::Inconsistency;
use crate::store::Directory;
use crate::text::DomainName;
use crate::version::Version;
use crate::workspace::Workspace;

pub(super) type Answer<T, K, E> = Result<Page<T, K>, Error<E>>;

impl<R: Directory> Tenancy<R> {
    /// The organizations that the actor belongs to, with their role: the organization switcher (O3). An
    /// operator belongs to none.
    ///
    /// One in which they are suspended, or whose membership of theirs has ended, is listed as such
    /// ([`OrganizationView::membership`]), though nothing in it is open to them (T1, T3);
    /// [`reachable_organizations`](Self::reachable_organizations) leaves it out.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn organizations(
        &self,
        actor: &Actor,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        match actor.user_id() {
            Some(user) => self.memberships(user, paging, |_, _| true).await,
            None => Ok(Page::empty()),
        }
    }

    /// The open invitations to the actor's verified address (O3), each with the name of the workspace that it is to, so
    /// that they know what they answer (I11). Without an address, or for an operator, there are none.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let (organization, workspace) = (acme.organization, acme.workspace);
    /// # tenancy.execute(&ann, RenameWorkspace { organization, workspace, name: Name::new("Payments")? }).await?;
    /// # let bob = Actor::user(UserId::from_external("bob"), VerifiedEmail::attest("bob@acme.example".parse()?));
    /// let email = "bob@acme.example".parse()?;
    /// tenancy.execute(&ann, InviteToWorkspace { organization, workspace, email, role: WorkspaceRole::Reader }).await?;
    ///
    /// let received = tenancy.received_invitations(&bob, Paging::first(20)).await?;
    /// assert_eq!(received.items[0].organization_name.as_str(), "Acme");
    /// assert_eq!(received.items[0].workspace_name.as_ref().map(Name::as_str), Some("Payments"));
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn received_invitations(
        &self,
        actor: &Actor,
        paging: Paging<(OrganizationId, InvitationId)>,
    ) -> Answer<ReceivedInvitation, (OrganizationId, InvitationId), R::Error> {
        let Some(email) = actor.verified_email() else {
            return Ok(Page::empty());
        };
        let list = List::InvitationsTo {
            email: email.key().clone(),
            after: paging.after,
        };
        let key = |(organization, invitation, _): &Received| (organization.id, invitation.id);
        let page = self.list(list, paging.limit(), invitation_to, key).await?;
        let now = self.now();
        Ok(
            page.map(|(organization, invitation, workspace)| ReceivedInvitation {
                organization: organization.id,
                organization_name: organization.name,
                workspace_name: workspace.map(|workspace| workspace.name),
                invitation: InvitationView::of(&invitation, now),
            }),
        )
    }

    /// The organizations that this user is the only Admin of (O4), but for Admins who are suspended or bound to
    /// end (T2): what a host asks before it closes an account. Asked by the host for itself, so it takes no actor. It is found
    /// in a list across organizations, which may lag where the store answers it from a replica or an index.
    ///
    /// # Errors
    ///
    /// [`Error::Store`]: the store failed.
    pub async fn only_admin_of(
        &self,
        user: UserId,
        paging: Paging<OrganizationId>,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        self.memberships(user, paging, |organization, member| {
            member.is_lasting_admin() && organization.admins == 1
        })
        .await
    }

    /// The workspaces of an organization that the actor may view: all by cascade, or those in which they
    /// hold a role.
    ///
    /// # Errors
    ///
    /// - [`Refusal::NotFound`](crate::Refusal::NotFound): the organization doesn't exist, or the actor may not view it.
    /// - [`Error::Store`]: the store failed.
    pub async fn workspaces(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::View)
            .await?;
        self.reachable_workspaces(actor, organization, WorkspaceAction::View, paging)
            .await
    }

    /// The members of an organization, those included who are suspended or whose membership has ended:
    /// [`Member::status`] tells.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewMembers`].
    pub async fn members(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<UserId>,
    ) -> Answer<Member, UserId, R::Error> {
        let list = List::Members {
            organization,
            roles: RoleSet::all(),
            after: paging.after,
        };
        self.members_on(actor, organization, list, paging).await
    }

    /// The users who hold a role in a workspace, roles that have ended included: [`WorkspaceMember::status`] tells.
    /// Their addresses, and whether a membership of the organization is suspended or has ended, [`members`](Self::members)
    /// tells. Who reaches it by cascade only is not among them; see [`who_can`](Self::who_can).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ViewMembers`].
    pub async fn workspace_members(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<UserId>,
    ) -> Answer<WorkspaceMember, UserId, R::Error> {
        let (organization, workspace) = on;
        let list = List::WorkspaceMembers {
            organization,
            workspace,
            roles: RoleSet::all(),
            after: paging.after,
        };
        self.workspace_members_on(actor, on, list, paging).await
    }

    /// The members who hold a role of the organization's own in the organization, those included who are suspended or
    /// whose membership has ended. Of a role that is no organization's or one of a workspace: nobody; for that see
    /// [`workspace_holders`](Self::workspace_holders).
    ///
    /// A role that is held can't be deleted ([`DeleteRole`](crate::commands::DeleteRole)): this is who has to be given
    /// another one first.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let organization = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output.organization;
    /// # let bob = UserId::from_external("bob");
    /// # let invite = InviteToOrganization { organization, email: "bob@acme.example".parse()?, role: OrganizationRole::Member };
    /// # let token = tenancy.execute(&ann, invite).await?.output.token.expect("the link");
    /// # let email = VerifiedEmail::attest("bob@acme.example".parse()?);
    /// # tenancy.execute(&Actor::user(bob, email), AcceptInvitation { token }).await?;
    /// let auditor = DefineRole {
    ///     organization,
    ///     name: Name::new("Auditor")?,
    ///     base: RoleBase::Member,
    ///     adds: Grants::of(OrganizationAction::ViewAuditTrail)?,
    /// };
    /// let role = tenancy.execute(&ann, auditor).await?.output;
    /// tenancy.execute(&ann, ChangeOrganizationRole { organization, user: bob, role }).await?;
    ///
    /// let holders = tenancy.holders(&ann, organization, role, Paging::first(50)).await?;
    /// assert_eq!(holders.items[0].user, bob);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewMembers`].
    pub async fn holders(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        role: RoleNumber,
        paging: Paging<UserId>,
    ) -> Answer<Member, UserId, R::Error> {
        let list = List::Holders {
            organization,
            workspace: None,
            roles: BTreeSet::from([role]),
            after: paging.after,
        };
        self.members_on(actor, organization, list, paging).await
    }

    /// The users who hold a role of the organization's own in a workspace, roles that have ended included: as
    /// [`holders`](Self::holders), for one workspace. For all of them, ask for each of [`workspaces`](Self::workspaces).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ViewMembers`].
    pub async fn workspace_holders(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        role: RoleNumber,
        paging: Paging<UserId>,
    ) -> Answer<WorkspaceMember, UserId, R::Error> {
        let (organization, workspace) = on;
        let list = List::Holders {
            organization,
            workspace: Some(workspace),
            roles: BTreeSet::from([role]),
            after: paging.after,
        };
        self.workspace_members_on(actor, on, list, paging).await
    }

    /// A list of an organization's members, for whoever may view them.
    async fn members_on(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        list: List,
        paging: Paging<UserId>,
    ) -> Answer<Member, UserId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewMembers)
            .await?;
        self.list(list, paging.limit(), member, |member| member.user)
            .await
    }

    /// A list of a workspace's members, for whoever may view them.
    async fn workspace_members_on(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        list: List,
        paging: Paging<UserId>,
    ) -> Answer<WorkspaceMember, UserId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ViewMembers)
            .await?;
        self.list(list, paging.limit(), workspace_member, |member| member.user)
            .await
    }

    /// The domains in a workspace.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ListDomains`].
    pub async fn domains(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<DomainId>,
    ) -> Answer<Domain, DomainId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ListDomains)
            .await?;
        self.domains_in(on, paging).await
    }

    /// The domains in a workspace, whoever asks.
    pub(super) async fn domains_in(
        &self,
        (organization, workspace): (OrganizationId, WorkspaceId),
        paging: Paging<DomainId>,
    ) -> Answer<Domain, DomainId, R::Error> {
        let list = List::Domains {
            organization,
            workspace,
            after: paging.after,
        };
        self.list(list, paging.limit(), domain, |domain| domain.id)
            .await
    }

    /// The names of deleted domains that an organization keeps, by name, and since when (D2). They count towards its limit
    /// of domains; it may use them again, and an operator releases them
    /// ([`ReleaseDomainName`](crate::commands::ReleaseDomainName)), those of a deleted organization too.
    ///
    /// For whoever may view the audit trail, which has every deletion of a domain in it: Admins and operators.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let (organization, workspace) = (acme.organization, acme.workspace);
    /// let (name, kind) = (DomainName::new("acme-sandbox")?, DomainKind::Sandbox);
    /// let create = CreateDomain { organization, workspace, name: name.clone(), kind };
    /// let domain = tenancy.execute(&ann, create).await?.output;
    /// tenancy.execute(&ann, DeleteDomain { organization, domain }).await?;
    ///
    /// let kept = tenancy.kept_domain_names(&ann, organization, Paging::first(20)).await?;
    /// assert_eq!(kept.items[0].name, name);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewAuditTrail`].
    pub async fn kept_domain_names(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<DomainName>,
    ) -> Answer<KeptDomainName, DomainName, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewAuditTrail)
            .await?;
        let limit = paging.limit();
        let list = List::KeptNames {
            organization,
            after: paging.after,
        };
        let page = self.list(list, limit, kept_name, |kept| kept.name.clone());
        Ok(page.await?.map(|kept| KeptDomainName {
            name: kept.name,
            since: kept.retired_at,
        }))
    }

    /// The open invitations of an organization, those to its workspaces included; expired ones too, as
    /// they can be renewed (I4).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewInvitations`].
    pub async fn invitations(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewInvitations)
            .await?;
        self.open_invitations(organization, None, paging).await
    }

    /// The open invitations to a workspace; expired ones too, as they can be renewed (I4).
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`WorkspaceAction::ViewInvitations`].
    pub async fn workspace_invitations(
        &self,
        actor: &Actor,
        on: (OrganizationId, WorkspaceId),
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let _ = self
            .require(actor, on, WorkspaceAction::ViewInvitations)
            .await?;
        self.open_invitations(on.0, Some(on.1), paging).await
    }

    /// All that happened in an organization, oldest first, but for the hashes of links, which are withheld. For
    /// operators also of a deleted one.
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewAuditTrail`].
    pub async fn audit_trail(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<Version>,
    ) -> Answer<LogEntry, Version, R::Error> {
        let _ = self
            .require(actor, organization, OrganizationAction::ViewAuditTrail)
            .await?;
        let list = List::Log {
            organization,
            after: paging.after.unwrap_or(Version::ABSENT),
        };
        let page = self
            .list(list, paging.limit(), log_entry, |entry| entry.version)
            .await?;
        Ok(page.map(LogEntry::withheld))
    }

    /// The same newest first, as pages about what happened show it: the first page has the latest entries, and
    /// [`Page::next`] leads to older ones.
    ///
    /// ```
    /// # tenancy::block_on(async {
    /// # use tenancy::{commands::*, store::*, *};
    /// # let tenancy = Tenancy::new(MemoryRepository::new());
    /// # let ann = Actor::user(UserId::from_external("ann"), VerifiedEmail::attest("ann@acme.example".parse()?));
    /// # let acme = tenancy.execute(&ann, CreateOrganization { name: Name::new("Acme")? }).await?.output;
    /// # let organization = acme.organization;
    /// # tenancy.execute(&ann, RenameOrganization { organization, name: Name::new("Acme SAS")? }).await?;
    /// let page = tenancy.activity(&ann, organization, Paging::first(1)).await?;
    /// assert_eq!(page.items[0].command, "rename_organization");
    /// let older = tenancy.activity(&ann, organization, Paging { after: page.next, ..Paging::first(1) }).await?;
    /// assert_eq!(older.items[0].command, "create_organization");
    /// assert_eq!(older.next, None);
    /// # Ok::<(), Box<dyn std::error::Error>>(()) }).unwrap();
    /// ```
    ///
    /// # Errors
    ///
    /// As [`require`](Self::require), for [`OrganizationAction::ViewAuditTrail`].
    pub async fn activity(
        &self,
        actor: &Actor,
        organization: OrganizationId,
        paging: Paging<Version>,
    ) -> Answer<LogEntry, Version, R::Error> {
        let permit = self
            .require(actor, organization, OrganizationAction::ViewAuditTrail)
            .await?;
        // An organization's log has each version once, so that a page from behind is one from the front.
        let latest = permit.version().get();
        let newest = paging
            .after
            .map_or(latest, |after| latest.min(after.get().saturating_sub(1)));
        let older = newest.saturating_sub(paging.limit().get().into());
        let Some(limit) = u32::try_from(newest.saturating_sub(older))
            .ok()
            .and_then(NonZeroU32::new)
        else {
            return Ok(Page::empty());
        };
        let list = List::Log {
            organization,
            after: Version::new(older),
        };
        let mut page = self
            .list(list, limit, log_entry, |entry| entry.version)
            .await?;
        page.items.reverse();
        page.unreadable.reverse();
        page.next = (older > 0).then(|| Version::new(older.saturating_add(1)));
        Ok(page.map(LogEntry::withheld))
    }

    /// The memberships of a user that are worth keeping.
    pub(super) async fn memberships(
        &self,
        user: UserId,
        paging: Paging<OrganizationId>,
        keep: impl Fn(&OrganizationSummary, &Member) -> bool,
    ) -> Answer<OrganizationView, OrganizationId, R::Error> {
        let list = List::OrganizationsOf {
            user,
            after: paging.after,
        };
        let key = |(organization, _): &(OrganizationSummary, Member)| organization.id;
        let page = self.list(list, paging.limit(), membership, key).await?;
        let now = self.now();
        Ok(page.filter_map(|(organization, member)| {
            keep(&organization, &member)
                .then(|| OrganizationView::of(&organization, Some(&member), now))
        }))
    }

    /// All workspaces, whoever asks.
    pub(super) async fn all_workspaces(
        &self,
        organization: OrganizationId,
        paging: Paging<WorkspaceId>,
    ) -> Answer<WorkspaceView, WorkspaceId, R::Error> {
        let list = List::Workspaces {
            organization,
            after: paging.after,
        };
        let page = self
            .list(list, paging.limit(), workspace, |workspace| workspace.id)
            .await?;
        Ok(page.map(|workspace| WorkspaceView::of(&workspace)))
    }

    async fn open_invitations(
        &self,
        organization: OrganizationId,
        workspace: Option<WorkspaceId>,
        paging: Paging<InvitationId>,
    ) -> Answer<InvitationView, InvitationId, R::Error> {
        let list = List::Invitations {
            organization,
            workspace,
            after: paging.after,
        };
        let page = self
            .list(list, paging.limit(), invitation, |invitation| invitation.id)
            .await?;
        let now = self.now();
        Ok(page.map(|invitation| InvitationView::of(&invitation, now)))
    }

    /// A page of a list, each item read as what it must be.
    pub(super) async fn list<T, K: Clone + TryFrom<Place>>(
        &self,
        list: List,
        limit: NonZeroU32,
        read: impl Fn(Item) -> Option<T>,
        key: impl Fn(&T) -> K,
    ) -> Answer<T, K, R::Error> {
        // One more than is shown, so that a page knows whether it is the last one.
        let items = self.repository().list(&list, limit.saturating_add(1)).await;
        let items = items.map_err(Error::Store)?.into_iter();
        let items = items.map(|item| match item {
            Item::Unreadable(place) => K::try_from(place).ok().map(Err),
            item => read(item).map(Ok),
        });
        let items: Option<Vec<Result<T, K>>> = items.collect();
        let items = items.ok_or(Error::Inconsistent(Inconsistency::WrongItem))?;
        Ok(Page::of_some(items, limit, key))
    }
}

/// Reads an item as the one kind that a list has.
macro_rules! read {
    ($($visibility:vis fn $read:ident: $pattern:pat => $value:expr, $type:ty;)+) => {$(
        $visibility fn $read(item: Item) -> Option<$type> {
            match item {
                $pattern => Some($value),
                _ => None,
            }
        }
    )+};
}

read! {
    pub(super) fn member: Item::Record(Record::Member(member)) => member, Member;
    pub(super) fn workspace_member: Item::Record(Record::WorkspaceMember(member)) => member, WorkspaceMember;
    fn workspace: Item::Record(Record::Workspace(workspace)) => workspace, Workspace;
    fn domain: Item::Record(Record::Domain(domain)) => domain, Domain;
    fn kept_name: Item::Record(Record::RetiredDomainName(kept)) => kept, RetiredDomainName;
    fn invitation: Item::Record(Record::Invitation(invitation)) => invitation, Invitation;
    fn log_entry: Item::LogEntry(entry) => entry, LogEntry;
    pub(super) fn workspace_of: Item::Pair(Record::Workspace(workspace), Record::WorkspaceMember(member))
        => (workspace, member), (Workspace, WorkspaceMember);
    fn membership: Item::Across(organization, Record::Member(member))
        => (organization, member), (OrganizationSummary, Member);
}

/// An invitation to an address, and the workspace that it is to, if it is to one.
type Received = (OrganizationSummary, Invitation, Option<Workspace>);

fn invitation_to(item: Item) -> Option<Received> {
    match item {
        Item::Across(organization, Record::Invitation(invitation)) => {
            Some((organization, invitation, None))
        }
        Item::PairAcross(
            organization,
            Record::Invitation(invitation),
            Record::Workspace(workspace),
        ) => Some((organization, invitation, Some(workspace))),
        _ => None,
    }
}
