//! What each command does, in the rulebook's words.

use std::collections::{BTreeMap, BTreeSet};

use tenancy::commands::{
    AcceptInvitation, AcceptReceivedInvitation, AppointAdmin, ChangeOrganizationRole, CreateDomain,
    CreateOrganization, CreateWorkspace, DeactivateDomain, DeclineInvitation,
    DeclineReceivedInvitation, DefineRole, DeleteDomain, DeleteOrganization, DeleteRole,
    DeleteWorkspace, EditCompany, EditContract, EditInvoicing, EditWorkspaceInvoicing,
    FollowEmailChange, GiveWorkspaceRole, HandOver, InviteToOrganization, InviteToWorkspace,
    LeaveOrganization, LeaveWorkspace, MoveDomain, ReactivateDomain, ReinstateMember,
    ReinstateOrganization, ReleaseDomainName, RemoveMember, RenameOrganization, RenameWorkspace,
    ResendInvitation, RestoreRole, RetireRole, ReviseRole, RevokeInvitation, SetLimits,
    SetMembershipEnd, SetWorkspaceQuota, SetWorkspaceRoleEnd, SuspendMember, SuspendOrganization,
    TakeWorkspaceRole,
};
use tenancy::store::InvitationState;
use tenancy::{
    DomainAction, InvitationTarget, OrganizationAction, OrganizationRole, WorkspaceAction,
};

use super::roles::{OwnRole, adding, lowers};
use super::{
    Call, Domain, FORBIDDEN, Listed as _, Member, Model, NOT_FOUND, No, On, Organization,
    Workspace, identity, meets,
};
use crate::commands::Ask;
use crate::matrix::Asked;

impl Model {
    /// Does it, or stops where a rule says no: what it has done by then is nobody's to see.
    pub(super) fn carry_out(&mut self, call: &Call<'_>, ask: &Ask) -> Result<(), No> {
        let Call {
            choices,
            who,
            ref drawn,
            now,
            ..
        } = *call;
        match ask {
            // O1, O2
            Ask::CreateOrganization(CreateOrganization { name }) => {
                let user = who.user()?;
                let name = name.as_str().to_owned();
                let role = OrganizationRole::Admin;
                let email = who.email()?.clone();
                let first = Workspace {
                    name: name.clone(),
                    invoicing: None,
                };
                let organization = Organization {
                    name,
                    deleted: false,
                    suspended: None,
                    quota: choices.quota,
                    limits: choices.limits,
                    company: None,
                    invoicing: None,
                    contract: None,
                    members: [(user, Member::new(role, email))].into(),
                    own: BTreeMap::new(),
                    own_there: BTreeMap::new(),
                    workspaces: drawn.workspace.map(|id| (id, first)).into_iter().collect(),
                    roles: BTreeMap::new(),
                    role_ends: BTreeMap::new(),
                    domains: BTreeMap::new(),
                    retired: BTreeSet::new(),
                    invitations: BTreeMap::new(),
                    links: None,
                };
                if let Some(id) = drawn.organization {
                    self.organizations.insert(id, organization);
                }
            }
            // O5
            Ask::RenameOrganization(RenameOrganization { organization, name }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Rename)?;
                name.as_str().clone_into(&mut it.name);
            }
            Ask::EditCompany(EditCompany {
                organization,
                company,
            }) => {
                let action = OrganizationAction::EditCompany;
                let it = self.on_organization(who, *organization, action)?;
                it.company.clone_from(company);
            }
            Ask::EditInvoicing(EditInvoicing {
                organization,
                invoicing,
            }) => {
                let action = OrganizationAction::EditInvoicing;
                let it = self.on_organization(who, *organization, action)?;
                it.invoicing.clone_from(invoicing);
            }
            // O6
            Ask::DeleteOrganization(DeleteOrganization { organization }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Delete)?;
                if !it.workspaces.is_empty() || it.members.len() > 1 {
                    return Err("organization_not_empty");
                }
                it.revoke(|_, _| true);
                it.members.clear();
                it.own.clear();
                it.deleted = true;
                it.company = None;
                it.invoicing = None;
                it.contract = None;
            }
            // W1, W2, W3
            Ask::CreateWorkspace(CreateWorkspace { organization, name }) => {
                let action = OrganizationAction::CreateWorkspace;
                let it = self.on_organization(who, *organization, action)?;
                if it.workspaces.len() >= it.quota as usize {
                    return Err("quota_reached");
                }
                if it.name_is_taken(name.as_str(), None) {
                    return Err("workspace_name_taken");
                }
                let name = name.as_str().to_owned();
                let invoicing = None;
                let new = drawn
                    .workspace
                    .map(|id| (id, Workspace { name, invoicing }));
                it.workspaces.extend(new);
            }
            // W3
            Ask::RenameWorkspace(RenameWorkspace {
                organization,
                workspace,
                name,
            }) => {
                let action = WorkspaceAction::Rename;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if it.name_is_taken(name.as_str(), Some(*workspace)) {
                    return Err("workspace_name_taken");
                }
                let renamed = it.workspaces.get_mut(workspace).ok_or(NOT_FOUND)?;
                name.as_str().clone_into(&mut renamed.name);
            }
            // O5
            Ask::EditWorkspaceInvoicing(EditWorkspaceInvoicing {
                organization,
                workspace,
                invoicing,
            }) => {
                let action = WorkspaceAction::EditInvoicing;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let edited = it.workspaces.get_mut(workspace).ok_or(NOT_FOUND)?;
                edited.invoicing.clone_from(invoicing);
            }
            // W4
            Ask::DeleteWorkspace(DeleteWorkspace {
                organization,
                workspace,
            }) => {
                let action = WorkspaceAction::Delete;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let user = who.user()?;
                let domains = it.domains.values().any(|d| d.workspace == *workspace);
                let mut holders = it.roles.keys().filter(|(id, _)| id == workspace);
                if domains || holders.any(|(_, holder)| *holder != user) {
                    return Err("workspace_not_empty");
                }
                it.roles.remove(&(*workspace, user));
                it.role_ends.remove(&(*workspace, user));
                it.own_there.remove(&(*workspace, user));
                it.revoke(|_, i| i.target.workspace() == Some(*workspace));
                it.workspaces.remove(workspace);
            }
            // D1, D2
            Ask::CreateDomain(CreateDomain {
                organization,
                workspace,
                name,
                kind,
            }) => {
                let action = WorkspaceAction::CreateDomain;
                let owner = self.names.get(name.as_str()).copied();
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let mut named = it.domains.values().filter(|d| d.name == name.as_str());
                let here = named.next();
                if here.is_some_and(|d| d.workspace == *workspace) {
                    return Err("domain_name_taken");
                }
                let here = here.is_some();
                it.may_hold_one_more_domain(*workspace, name.as_str())?;
                if here || owner.is_some_and(|owner| owner != *organization) {
                    return Err("domain_name_taken");
                }
                let domain = Domain {
                    workspace: *workspace,
                    name: name.as_str().to_owned(),
                    kind: *kind,
                    active: true,
                };
                it.retired.remove(name.as_str());
                it.domains.extend(drawn.domain.map(|id| (id, domain)));
                self.names.insert(name.as_str().to_owned(), *organization);
            }
            // D3
            Ask::DeactivateDomain(DeactivateDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Deactivate;
                let it = self.on_domain(who, *organization, *domain, action)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.active = false;
            }
            Ask::ReactivateDomain(ReactivateDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Reactivate;
                let it = self.on_domain(who, *organization, *domain, action)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.active = true;
            }
            // "move to another workspace of the organization (on both)"
            Ask::MoveDomain(MoveDomain {
                organization,
                domain,
                to,
            }) => {
                self.on_domain(who, *organization, *domain, DomainAction::Move)?;
                let there = self.letters(who, On::Workspace(*organization, *to));
                let on = On::Workspace(*organization, *to);
                let view = Asked::OnWorkspace(WorkspaceAction::View);
                if !meets(&there, WorkspaceAction::view()) && !self.added(who, on, view) {
                    return Err(NOT_FOUND);
                }
                if !meets(&there, DomainAction::Move.ticks())
                    && !self.may_receive(who, *organization, *to, *domain)
                {
                    return Err(FORBIDDEN);
                }
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.domains.get_mut(domain).ok_or(NOT_FOUND)?.workspace = *to;
            }
            Ask::DeleteDomain(DeleteDomain {
                organization,
                domain,
            }) => {
                let action = DomainAction::Delete;
                let it = self.on_domain(who, *organization, *domain, action)?;
                let gone = it.domains.remove(domain).ok_or(NOT_FOUND)?;
                it.retired.insert(gone.name);
            }
            // M4, M5, O4, I6
            Ask::ChangeOrganizationRole(ChangeOrganizationRole {
                organization,
                user,
                role,
            }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                let held = it.holds(*user).ok_or("member_not_found")?;
                let given = it.given(*role)?;
                if given.0 != held.0 {
                    it.is_not_the_last(*user)?;
                }
                let member = it.members.get_mut(user).ok_or(NOT_FOUND)?;
                (member.role, member.own) = given;
                if lowers(held, given) {
                    it.lost(*user, None, now);
                }
            }
            // M2
            Ask::RemoveMember(RemoveMember { organization, user }) => {
                let action = OrganizationAction::RemoveMember;
                let it = self.on_organization(who, *organization, action)?;
                if !it.members.contains_key(user) {
                    return Err("member_not_found");
                }
                it.let_go(*user)?;
            }
            // M3
            Ask::LeaveOrganization(LeaveOrganization { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.members.contains_key(&user) {
                    return Err(NOT_FOUND);
                }
                self.changes_go_on(who, *organization)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.let_go(user)?;
            }
            // T1, T2
            Ask::SuspendMember(SuspendMember { organization, user }) => {
                let action = OrganizationAction::SuspendMember;
                let it = self.on_organization(who, *organization, action)?;
                let member = it.members.get(user).ok_or("member_not_found")?;
                if !member.suspended {
                    it.is_not_the_last(*user)?;
                    it.members.get_mut(user).ok_or(NOT_FOUND)?.suspended = true;
                    it.revoke_by(*user);
                }
            }
            Ask::ReinstateMember(ReinstateMember { organization, user }) => {
                let action = OrganizationAction::SuspendMember;
                let it = self.on_organization(who, *organization, action)?;
                let member = it.members.get_mut(user).ok_or("member_not_found")?;
                member.suspended = false;
            }
            // T4
            Ask::SuspendOrganization(SuspendOrganization {
                organization,
                reason,
            }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Suspend)?;
                it.suspended = Some(reason.as_str().to_owned());
            }
            Ask::ReinstateOrganization(ReinstateOrganization { organization }) => {
                let it = self.on_organization(who, *organization, OrganizationAction::Suspend)?;
                it.suspended = None;
            }
            // T2, T3
            Ask::SetMembershipEnd(SetMembershipEnd {
                organization,
                user,
                until,
            }) => {
                let action = OrganizationAction::EndMembership;
                let it = self.on_organization(who, *organization, action)?;
                let before = it.members.get(user).ok_or("member_not_found")?.until;
                if until.is_some() {
                    it.is_not_the_last(*user)?;
                }
                it.members.get_mut(user).ok_or(NOT_FOUND)?.until = *until;
                if *until != before && until.is_some_and(|until| until <= now) {
                    it.revoke_by(*user);
                }
            }
            Ask::SetWorkspaceRoleEnd(SetWorkspaceRoleEnd {
                organization,
                workspace,
                user,
                until,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                let held = (*workspace, *user);
                if !it.roles.contains_key(&held) {
                    return Err("member_not_found");
                }
                let before = it.role_ends.remove(&held);
                it.role_ends.extend(until.map(|until| (held, until)));
                let nearer = |until| before.is_none_or(|before| until < before);
                if until.is_some_and(nearer) {
                    it.ends_in(*user, *workspace, now);
                }
            }
            // O7, O4, T2
            Ask::HandOver(HandOver {
                organization,
                to,
                keep,
            }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                let user = who.user()?;
                if *to == user {
                    return Err("handed_to_oneself");
                }
                let heir = it.members.get(to).ok_or("member_not_found")?;
                heir.does_count(now)?;
                let keep = keep.map(|role| it.given(role)).transpose()?;
                let admin = (OrganizationRole::Admin, None);
                let heir = it.members.get_mut(to).ok_or(NOT_FOUND)?;
                (heir.role, heir.own) = admin;
                if keep != Some(admin) {
                    it.is_not_the_last(user)?;
                }
                match keep {
                    Some(kept) if kept == admin => {}
                    Some(kept) => {
                        let member = it.members.get_mut(&user).ok_or(NOT_FOUND)?;
                        (member.role, member.own) = kept;
                        it.lost(user, None, now);
                    }
                    None => it.goes(user),
                }
            }
            // M1, M4, M5, I6
            Ask::GiveWorkspaceRole(GiveWorkspaceRole {
                organization,
                workspace,
                user,
                role,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if !it.members.contains_key(user) {
                    return Err("member_not_found");
                }
                let given = it.given_there(*role)?;
                let held = it.holds_there(*workspace, *user);
                it.hold_there(*workspace, *user, given, now);
                if held.is_some_and(|held| lowers(held, given)) {
                    it.lost(*user, Some(*workspace), now);
                }
            }
            // R1, R2, R3, R5
            Ask::DefineRole(DefineRole {
                organization,
                name,
                base,
                adds,
            }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                if it.role_name_is_taken(name.as_str(), None) {
                    return Err("role_name_taken");
                }
                if it.own.len() >= choices.roles {
                    return Err("too_many_roles");
                }
                let adds = adding(*adds);
                it.may_add(*base, &adds, None)?;
                let role = OwnRole {
                    name: name.as_str().to_owned(),
                    base: *base,
                    adds,
                    retired: false,
                };
                it.own.extend(drawn.role.map(|number| (number, role)));
            }
            // R3, R5, R7
            Ask::ReviseRole(ReviseRole {
                organization,
                role,
                name,
                adds,
            }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                let base = it.own_role(*role)?.base;
                if it.role_name_is_taken(name.as_str(), Some(*role)) {
                    return Err("role_name_taken");
                }
                let adds = adding(*adds);
                it.may_add(base, &adds, Some(*role))?;
                let revised = it.own.get_mut(role).ok_or(NOT_FOUND)?;
                name.as_str().clone_into(&mut revised.name);
                revised.adds = adds;
            }
            // R7
            Ask::RetireRole(RetireRole { organization, role }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                it.own_role(*role)?;
                it.own.get_mut(role).ok_or(NOT_FOUND)?.retired = true;
            }
            Ask::RestoreRole(RestoreRole { organization, role }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                it.own_role(*role)?;
                it.own.get_mut(role).ok_or(NOT_FOUND)?.retired = false;
            }
            Ask::DeleteRole(DeleteRole { organization, role }) => {
                let action = OrganizationAction::ManageRoles;
                let it = self.on_organization(who, *organization, action)?;
                it.own_role(*role)?;
                if it.uses(*role) > 0 {
                    return Err("role_in_use");
                }
                it.own.remove(role);
            }
            // M4, I6
            Ask::TakeWorkspaceRole(TakeWorkspaceRole {
                organization,
                workspace,
                user,
            }) => {
                let action = WorkspaceAction::ManageRoles;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                it.take(*workspace, *user)?;
                it.lost(*user, Some(*workspace), now);
            }
            // M3, M4, I6
            Ask::LeaveWorkspace(LeaveWorkspace {
                organization,
                workspace,
            }) => {
                let user = who.user()?;
                let held = |it: &Organization| it.roles.contains_key(&(*workspace, user));
                if !self.organizations.get(organization).is_some_and(held) {
                    let action = WorkspaceAction::View;
                    self.on_workspace(who, *organization, *workspace, action)?;
                    return Err("member_not_found");
                }
                // "Anyone may leave": what is theirs, whether it counts or not.
                self.changes_go_on(who, *organization)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.take(*workspace, user)?;
                it.lost(user, Some(*workspace), now);
            }
            // M6
            Ask::FollowEmailChange(FollowEmailChange { organization }) => {
                let user = who.user()?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.members.contains_key(&user) {
                    return Err(NOT_FOUND);
                }
                self.changes_go_on(who, *organization)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.follow(user, who.email()?)?;
            }
            Ask::InviteToOrganization(InviteToOrganization {
                organization,
                email,
                role,
            }) => {
                let action = OrganizationAction::Invite;
                let it = self.on_organization(who, *organization, action)?;
                let (role, own) = it.given(*role)?;
                let target = InvitationTarget::Organization { role };
                self.invite(call, *organization, email.as_str(), (target, own))?;
            }
            Ask::InviteToWorkspace(InviteToWorkspace {
                organization,
                workspace,
                email,
                role,
            }) => {
                let action = WorkspaceAction::InviteMember;
                let it = self.on_workspace(who, *organization, *workspace, action)?;
                if !it.knows(email.as_str(), now) {
                    let action = WorkspaceAction::InviteNewcomer;
                    self.on_workspace(who, *organization, *workspace, action)?;
                }
                let it = self.organizations.get(organization).ok_or(NOT_FOUND)?;
                let (role, own) = it.given_there(*role)?;
                let target = InvitationTarget::Workspace {
                    workspace: *workspace,
                    role,
                };
                self.invite(call, *organization, email.as_str(), (target, own))?;
            }
            // I4, I5
            Ask::ResendInvitation(ResendInvitation {
                organization,
                invitation,
            }) => {
                let user = self.may_manage(who, *organization, *invitation)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                let old = it.invitations[invitation].clone();
                it.in_force(old.own)?;
                it.is_no_member_in_vain(&old.email, now)?;
                if it.already_has(&old.email, old.target, old.own, now) {
                    return Err("already_has_role");
                }
                it.renew(call, *invitation, user, (old.target, old.own))?;
            }
            Ask::RevokeInvitation(RevokeInvitation {
                organization,
                invitation,
            }) => {
                self.may_manage(who, *organization, *invitation)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                it.close(*invitation, InvitationState::Revoked);
            }
            // I1, I3, I6, I7, M2, M4, M6
            Ask::AcceptInvitation(AcceptInvitation { token }) => {
                self.by_link(call, token)?;
                self.accept(who, token.organization(), token.invitation())?;
            }
            Ask::DeclineInvitation(DeclineInvitation { token }) => {
                self.by_link(call, token)?;
                self.decline(who, token.organization(), token.invitation())?;
            }
            // I11: "all other rules of accepting hold"
            Ask::AcceptReceivedInvitation(AcceptReceivedInvitation {
                organization,
                invitation,
            }) => {
                self.listed(call, *organization, *invitation)?;
                self.accept(who, *organization, *invitation)?;
            }
            Ask::DeclineReceivedInvitation(DeclineReceivedInvitation {
                organization,
                invitation,
            }) => {
                self.listed(call, *organization, *invitation)?;
                self.decline(who, *organization, *invitation)?;
            }
            // W2
            Ask::SetWorkspaceQuota(SetWorkspaceQuota {
                organization,
                quota,
            }) => {
                let action = OrganizationAction::SetWorkspaceQuota;
                self.on_organization(who, *organization, action)?.quota = *quota;
            }
            // Q2
            Ask::SetLimits(SetLimits {
                organization,
                limits,
                workspace_quota,
            }) => {
                let action = OrganizationAction::SetLimits;
                let it = self.on_organization(who, *organization, action)?;
                it.limits = *limits;
                it.quota = workspace_quota.unwrap_or(it.quota);
            }
            // I9
            Ask::InviteMany(many) => self.invite_many(call, many)?,
            Ask::EditContract(EditContract {
                organization,
                contract,
            }) => {
                let action = OrganizationAction::EditContract;
                let it = self.on_organization(who, *organization, action)?;
                it.contract = contract.as_ref().map(|line| line.as_str().to_owned());
            }
            // O4, M6
            Ask::AppointAdmin(AppointAdmin {
                organization,
                user,
                email,
            }) => {
                let action = OrganizationAction::AppointAdmin;
                let it = self.on_organization(who, *organization, action)?;
                identity(*user)?;
                let role = OrganizationRole::Admin;
                let email = email.address().as_str().to_owned();
                it.is_free_for(*user, &email)?;
                let appointed = it.members.entry(*user);
                let appointed = appointed.or_insert_with(|| Member::new(role, email));
                (appointed.role, appointed.own) = (role, None);
                // T2: it is a repair, so they are an Admin who lasts.
                appointed.suspended = false;
                appointed.until = None;
            }
            // D2; also of a deleted organization
            Ask::ReleaseDomainName(ReleaseDomainName { organization, name }) => {
                let on = On::Organization(*organization);
                self.check(who, on, &OrganizationAction::ReleaseDomainName)?;
                let it = self.organizations.get_mut(organization).ok_or(NOT_FOUND)?;
                if !it.retired.remove(name.as_str()) {
                    return Err("domain_name_not_retired");
                }
                self.names.remove(name.as_str());
            }
        }
        Ok(())
    }
}
