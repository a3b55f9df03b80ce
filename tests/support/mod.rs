//! The vocabulary that lets tests read as sentences: a world with a clock, people, and Acme.

#![allow(
    dead_code,
    reason = "each test binary speaks only some of the vocabulary"
)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, TimeZone, Utc};
use tenancy::commands::{
    AcceptInvitation, Accepted, AppointAdmin, ChangeOrganizationRole, Command, CreateDomain,
    CreateOrganization, CreateWorkspace, DeactivateDomain, DeclineInvitation, DeleteDomain,
    DeleteOrganization, DeleteWorkspace, EditCompany, EditContract, EditInvoicing,
    EditWorkspaceInvoicing, FollowEmailChange, GiveWorkspaceRole, InviteToOrganization,
    InviteToWorkspace, Invited, LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain,
    ReleaseDomainName, RemoveMember, RenameOrganization, RenameWorkspace, ResendInvitation,
    RevokeInvitation, SetWorkspaceQuota, TakeWorkspaceRole,
};
use tenancy::store::{
    Directory as _, Item, List, MemoryRepository, Organization, OrganizationState, Workspace,
};
use tenancy::text::{PostalAddress, TextLine};
use tenancy::views::InvitationPreview;
use tenancy::{
    Action, Actor, CommitId, CompanyInformation, Decision, DomainId, DomainKind, DomainName, Done,
    EmailAddress, Error, InvitationId, InvitationStatus, InvitationToken, InvoicingInformation,
    LogEntry, Member, Name, Operator, OrganizationId, OrganizationRole, Refusal, Resource, RoleSet,
    Settings, Tenancy, UserId, VerifiedEmail, Version, WorkspaceId, WorkspaceRole,
};

pub(crate) type StoreError = <MemoryRepository as tenancy::store::Repository>::Error;
pub(crate) type Failure = Error<StoreError>;

/// A deployment with a clock that only tests move.
pub(crate) struct World {
    pub(crate) tenancy: Tenancy<MemoryRepository>,
    clock: Arc<Mutex<DateTime<Utc>>>,
    organizations: Mutex<Vec<OrganizationId>>,
}

/// An organization, and all that can be asked of it: each method is a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Acme {
    pub(crate) organization: OrganizationId,
    /// The workspace that it was born with.
    pub(crate) workspace: WorkspaceId,
}

/// All that a world keeps, to see whether anything changed.
#[derive(Debug, PartialEq)]
pub(crate) struct Everything(BTreeMap<OrganizationId, (Option<OrganizationState>, Vec<LogEntry>)>);

impl World {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let start = Utc.with_ymd_and_hms(2026, 11, 23, 12, 0, 0).unwrap();
        let clock = Arc::new(Mutex::new(start));
        let hands = Arc::clone(&clock);
        let tenancy = Tenancy::new(MemoryRepository::new())
            .with_settings(settings)
            .with_clock(move || *hands.lock().unwrap());
        Self {
            tenancy,
            clock,
            organizations: Mutex::default(),
        }
    }

    /// The same store under another roof: other settings, sleeps, attempts.
    pub(crate) fn store(&self) -> MemoryRepository {
        self.tenancy.repository().clone()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        *self.clock.lock().unwrap()
    }

    pub(crate) fn passes(&self, time: TimeDelta) {
        *self.clock.lock().unwrap() += time;
    }

    pub(crate) fn is_at(&self, time: DateTime<Utc>) {
        *self.clock.lock().unwrap() = time;
    }

    /// Ann's Acme, whose quota is wide enough for any test.
    #[track_caller]
    pub(crate) fn acme(&self) -> Acme {
        self.owned_by(&user("ann"), "Acme")
    }

    #[track_caller]
    pub(crate) fn owned_by(&self, owner: &Actor, called: &str) -> Acme {
        let acme = self.born(owner, called);
        self.does(&operator(), acme.quota(100));
        acme
    }

    /// An organization as it is born: with the quota of the settings.
    #[track_caller]
    pub(crate) fn born(&self, owner: &Actor, called: &str) -> Acme {
        let name = name(called);
        let created = self.does(owner, CreateOrganization { name });
        Acme {
            organization: created.organization,
            workspace: created.workspace,
        }
    }

    /// A member of Acme, come in the real way: Ann invites, they accept.
    #[track_caller]
    pub(crate) fn member(&self, acme: Acme, who: &str, role: OrganizationRole) -> Actor {
        let sent = self.does(&user("ann"), acme.invite(who, role));
        self.does(&user(who), accept(&sent));
        user(who)
    }

    /// A member of Acme's first workspace: Ann invites, they accept.
    #[track_caller]
    pub(crate) fn workspace_member(&self, acme: Acme, who: &str, role: WorkspaceRole) -> Actor {
        self.member_of(acme, acme.workspace, who, role)
    }

    #[track_caller]
    pub(crate) fn member_of(
        &self,
        acme: Acme,
        workspace: WorkspaceId,
        who: &str,
        role: WorkspaceRole,
    ) -> Actor {
        let sent = self.does(&user("ann"), acme.invite_to(workspace, who, role));
        self.does(&user(who), accept(&sent));
        user(who)
    }

    /// Does it, and answers what the command answers.
    #[track_caller]
    pub(crate) fn does<C: Command + Debug>(&self, actor: &Actor, command: C) -> C::Output {
        self.did(actor, command).output
    }

    /// Does it, and tells all of it.
    #[track_caller]
    pub(crate) fn did<C: Command + Debug>(&self, actor: &Actor, command: C) -> Done<C::Output> {
        self.did_as(CommitId::new(), actor, command)
    }

    #[track_caller]
    pub(crate) fn did_as<C: Command + Debug>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Done<C::Output> {
        let what = format!("{command:?} by {actor:?}");
        self.note(command.organization(commit));
        match tenancy::block_on(self.tenancy.execute_as(commit, actor, command)) {
            Ok(done) => {
                self.is_in_order();
                done
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// Is refused, and nothing at all has changed (invariant 8).
    #[track_caller]
    pub(crate) fn refused<C: Command + Debug>(&self, actor: &Actor, command: C) -> Refusal {
        self.refused_as(CommitId::new(), actor, command)
    }

    #[track_caller]
    pub(crate) fn refused_as<C: Command + Debug>(
        &self,
        commit: CommitId,
        actor: &Actor,
        command: C,
    ) -> Refusal {
        let what = format!("{command:?} by {actor:?}");
        self.note(command.organization(commit));
        let before = self.everything();
        match tenancy::block_on(self.tenancy.execute_as(commit, actor, command)) {
            Ok(_) => panic!("{what} was not refused"),
            Err(Error::Refused(refusal)) => {
                assert_eq!(
                    self.everything(),
                    before,
                    "{what}: refused, but not traceless"
                );
                refusal
            }
            Err(error) => panic!("{what}: {error}"),
        }
    }

    /// May they?
    #[track_caller]
    pub(crate) fn asks<A: Action>(&self, actor: &Actor, on: A::On, action: A) -> Decision {
        tenancy::block_on(self.tenancy.check(actor, on, action)).unwrap()
    }

    #[track_caller]
    pub(crate) fn may<A: Action>(&self, actor: &Actor, on: A::On, action: A) -> bool {
        self.asks(actor, on, action).is_allowed()
    }

    /// All that is kept of Acme.
    #[track_caller]
    pub(crate) fn state(&self, acme: Acme) -> OrganizationState {
        self.tenancy.repository().state(acme.organization).unwrap()
    }

    #[track_caller]
    pub(crate) fn row(&self, acme: Acme) -> Organization {
        self.state(acme).organization().unwrap().clone()
    }

    #[track_caller]
    pub(crate) fn workspace(&self, acme: Acme, workspace: WorkspaceId) -> Workspace {
        self.state(acme).workspace(workspace).unwrap().clone()
    }

    pub(crate) fn membership(&self, acme: Acme, who: &Actor) -> Option<Member> {
        self.state(acme).member(id(who)).cloned()
    }

    pub(crate) fn role(&self, acme: Acme, who: &Actor) -> Option<OrganizationRole> {
        self.membership(acme, who).map(|member| member.role)
    }

    pub(crate) fn workspace_role(
        &self,
        acme: Acme,
        workspace: WorkspaceId,
        who: &Actor,
    ) -> Option<WorkspaceRole> {
        let state = self.state(acme);
        state
            .workspace_member(workspace, id(who))
            .map(|member| member.role)
    }

    /// How an open invitation looks to the holder of its link.
    #[track_caller]
    pub(crate) fn status(&self, sent: &Invited) -> InvitationStatus {
        match tenancy::block_on(self.tenancy.preview(&token(sent))).unwrap() {
            InvitationPreview::Open { invitation, .. } => invitation.status,
            closed @ InvitationPreview::Closed { .. } => panic!("it is closed: {closed:?}"),
        }
    }

    #[track_caller]
    pub(crate) fn invitation(&self, acme: Acme, id: InvitationId) -> tenancy::store::Invitation {
        self.state(acme).invitation(id).unwrap().clone()
    }

    pub(crate) fn is_open(&self, acme: Acme, sent: &Invited) -> bool {
        self.invitation(acme, sent.invitation).is_open()
    }

    pub(crate) fn log(&self, acme: Acme) -> Vec<LogEntry> {
        log_of(self.tenancy.repository(), acme.organization)
    }

    pub(crate) fn everything(&self) -> Everything {
        let store = self.tenancy.repository();
        let organizations = self.organizations.lock().unwrap().clone();
        let kept = organizations
            .into_iter()
            .map(|id| (id, (store.state(id), log_of(store, id))));
        Everything(kept.collect())
    }

    fn note(&self, organization: OrganizationId) {
        let mut organizations = self.organizations.lock().unwrap();
        if !organizations.contains(&organization) {
            organizations.push(organization);
        }
    }

    /// Invariant 8, and all that one organization's records can show of the others.
    #[track_caller]
    fn is_in_order(&self) {
        for organization in self.organizations.lock().unwrap().iter() {
            let drift = self.tenancy.repository().verify(*organization);
            assert_eq!(drift, Ok(()), "organization {organization}");
        }
    }
}

fn log_of(store: &MemoryRepository, organization: OrganizationId) -> Vec<LogEntry> {
    let list = List::Log {
        organization,
        after: Version::ABSENT,
    };
    let items = tenancy::block_on(store.list(&list, NonZeroU32::MAX)).unwrap();
    let entries = items.into_iter().map(|item| match item {
        Item::LogEntry(entry) => entry,
        other => panic!("a log has entries: {other:?}"),
    });
    entries.collect()
}

/// A person of the host's, signed in with `{who}@acme.example`, verified.
pub(crate) fn user(who: &str) -> Actor {
    user_at(who, &format!("{who}@acme.example"))
}

pub(crate) fn user_at(who: &str, address: &str) -> Actor {
    let verified = VerifiedEmail::attest(email(address));
    Actor::user(UserId::from_external(who), verified)
}

pub(crate) fn unverified(who: &str) -> Actor {
    Actor::unverified(UserId::from_external(who))
}

/// The vendor's staff.
pub(crate) fn operator() -> Actor {
    Actor::Operator(Operator::attest(line("support: Jo")))
}

#[track_caller]
pub(crate) fn id(who: &Actor) -> UserId {
    who.user_id().expect("a user")
}

#[track_caller]
pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[track_caller]
pub(crate) fn line(text: &str) -> TextLine {
    TextLine::new(text).unwrap()
}

#[track_caller]
pub(crate) fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

#[track_caller]
pub(crate) fn label(text: &str) -> DomainName {
    DomainName::new(text).unwrap()
}

pub(crate) fn company() -> CompanyInformation {
    CompanyInformation {
        legal_name: line("Acme SAS"),
        registration_number: Some(line("RCS Paris 123 456 789")),
        vat_number: None,
        address: PostalAddress::new([line("1 rue de la Paix"), line("75002 Paris")]).unwrap(),
    }
}

pub(crate) fn invoicing(recipient: &str) -> InvoicingInformation {
    InvoicingInformation {
        recipient: line(recipient),
        email: email("billing@acme.example"),
        address: PostalAddress::new([line("75002 Paris")]).unwrap(),
        reference: Some(line("PO 4711")),
    }
}

/// The link of an invitation.
#[track_caller]
pub(crate) fn token(sent: &Invited) -> InvitationToken {
    sent.token.clone().expect("a fresh link")
}

#[track_caller]
pub(crate) fn accept(sent: &Invited) -> AcceptInvitation {
    AcceptInvitation { token: token(sent) }
}

#[track_caller]
pub(crate) fn decline(sent: &Invited) -> DeclineInvitation {
    DeclineInvitation { token: token(sent) }
}

/// Refused, though they may view it: by an action that needs another role than they have.
pub(crate) fn forbidden(action: impl Action, has: RoleSet) -> Refusal {
    Refusal::Forbidden {
        action: action.phrase().into(),
        needs: action.allowed(),
        has,
    }
}

pub(crate) fn not_found(resource: impl Into<Resource>) -> Refusal {
    Refusal::NotFound {
        resource: resource.into(),
    }
}

/// What accepting gave, when it placed nobody anew.
pub(crate) fn nothing_new(accepted: &Accepted) -> bool {
    !accepted.joined && accepted.organization_role.is_none() && accepted.workspace_role.is_none()
}

impl Acme {
    /// Its first workspace, as a resource.
    pub(crate) fn there(self) -> (OrganizationId, WorkspaceId) {
        (self.organization, self.workspace)
    }

    pub(crate) fn rename(self, to: &str) -> RenameOrganization {
        RenameOrganization {
            organization: self.organization,
            name: name(to),
        }
    }

    pub(crate) fn edit_company(self, company: Option<CompanyInformation>) -> EditCompany {
        EditCompany {
            organization: self.organization,
            company,
        }
    }

    pub(crate) fn edit_invoicing(self, invoicing: Option<InvoicingInformation>) -> EditInvoicing {
        EditInvoicing {
            organization: self.organization,
            invoicing,
        }
    }

    pub(crate) fn edit_workspace_invoicing(
        self,
        workspace: WorkspaceId,
        invoicing: Option<InvoicingInformation>,
    ) -> EditWorkspaceInvoicing {
        EditWorkspaceInvoicing {
            organization: self.organization,
            workspace,
            invoicing,
        }
    }

    pub(crate) fn delete(self) -> DeleteOrganization {
        DeleteOrganization {
            organization: self.organization,
        }
    }

    pub(crate) fn create_workspace(self, called: &str) -> CreateWorkspace {
        CreateWorkspace {
            organization: self.organization,
            name: name(called),
        }
    }

    pub(crate) fn rename_workspace(self, workspace: WorkspaceId, to: &str) -> RenameWorkspace {
        RenameWorkspace {
            organization: self.organization,
            workspace,
            name: name(to),
        }
    }

    pub(crate) fn delete_workspace(self, workspace: WorkspaceId) -> DeleteWorkspace {
        DeleteWorkspace {
            organization: self.organization,
            workspace,
        }
    }

    /// A sandbox in its first workspace.
    pub(crate) fn sandbox(self, called: &str) -> CreateDomain {
        self.sandbox_in(self.workspace, called)
    }

    pub(crate) fn sandbox_in(self, workspace: WorkspaceId, called: &str) -> CreateDomain {
        CreateDomain {
            organization: self.organization,
            workspace,
            name: label(called),
            kind: DomainKind::Sandbox,
        }
    }

    pub(crate) fn deactivate(self, domain: DomainId) -> DeactivateDomain {
        DeactivateDomain {
            organization: self.organization,
            domain,
        }
    }

    pub(crate) fn reactivate(self, domain: DomainId) -> ReactivateDomain {
        ReactivateDomain {
            organization: self.organization,
            domain,
        }
    }

    pub(crate) fn move_domain(self, domain: DomainId, to: WorkspaceId) -> MoveDomain {
        MoveDomain {
            organization: self.organization,
            domain,
            to,
        }
    }

    pub(crate) fn delete_domain(self, domain: DomainId) -> DeleteDomain {
        DeleteDomain {
            organization: self.organization,
            domain,
        }
    }

    pub(crate) fn release(self, called: &str) -> ReleaseDomainName {
        ReleaseDomainName {
            organization: self.organization,
            name: label(called),
        }
    }

    pub(crate) fn quota(self, quota: u32) -> SetWorkspaceQuota {
        SetWorkspaceQuota {
            organization: self.organization,
            quota,
        }
    }

    pub(crate) fn edit_contract(self, contract: Option<TextLine>) -> EditContract {
        EditContract {
            organization: self.organization,
            contract,
        }
    }

    pub(crate) fn appoint(self, who: &Actor) -> AppointAdmin {
        AppointAdmin {
            organization: self.organization,
            user: id(who),
            email: who.verified_email().expect("a verified address").clone(),
        }
    }

    /// Invites `{who}@acme.example`.
    pub(crate) fn invite(self, who: &str, role: OrganizationRole) -> InviteToOrganization {
        self.invite_address(&format!("{who}@acme.example"), role)
    }

    pub(crate) fn invite_address(
        self,
        address: &str,
        role: OrganizationRole,
    ) -> InviteToOrganization {
        InviteToOrganization {
            organization: self.organization,
            email: email(address),
            role,
        }
    }

    /// Invites `{who}@acme.example` to a workspace.
    pub(crate) fn invite_to(
        self,
        workspace: WorkspaceId,
        who: &str,
        role: WorkspaceRole,
    ) -> InviteToWorkspace {
        InviteToWorkspace {
            organization: self.organization,
            workspace,
            email: email(&format!("{who}@acme.example")),
            role,
        }
    }

    pub(crate) fn invite_address_to(
        self,
        workspace: WorkspaceId,
        address: &str,
        role: WorkspaceRole,
    ) -> InviteToWorkspace {
        InviteToWorkspace {
            organization: self.organization,
            workspace,
            email: email(address),
            role,
        }
    }

    pub(crate) fn resend(self, invitation: InvitationId) -> ResendInvitation {
        ResendInvitation {
            organization: self.organization,
            invitation,
        }
    }

    pub(crate) fn revoke(self, invitation: InvitationId) -> RevokeInvitation {
        RevokeInvitation {
            organization: self.organization,
            invitation,
        }
    }

    pub(crate) fn change_role(self, who: &Actor, role: OrganizationRole) -> ChangeOrganizationRole {
        ChangeOrganizationRole {
            organization: self.organization,
            user: id(who),
            role,
        }
    }

    pub(crate) fn remove(self, who: &Actor) -> RemoveMember {
        RemoveMember {
            organization: self.organization,
            user: id(who),
        }
    }

    pub(crate) fn leave(self) -> LeaveOrganization {
        LeaveOrganization {
            organization: self.organization,
        }
    }

    pub(crate) fn give(
        self,
        workspace: WorkspaceId,
        who: &Actor,
        role: WorkspaceRole,
    ) -> GiveWorkspaceRole {
        GiveWorkspaceRole {
            organization: self.organization,
            workspace,
            user: id(who),
            role,
        }
    }

    pub(crate) fn take(self, workspace: WorkspaceId, who: &Actor) -> TakeWorkspaceRole {
        TakeWorkspaceRole {
            organization: self.organization,
            workspace,
            user: id(who),
        }
    }

    pub(crate) fn leave_workspace(self, workspace: WorkspaceId) -> LeaveWorkspace {
        LeaveWorkspace {
            organization: self.organization,
            workspace,
        }
    }

    pub(crate) fn follow(self) -> FollowEmailChange {
        FollowEmailChange {
            organization: self.organization,
        }
    }
}
