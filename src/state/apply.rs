//! What each event means: the one function that turns events into records.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::counts::count;
use super::{Inconsistency, OrganizationState, edit};
use crate::domain::{Domain, DomainStatus, RetiredDomainName};
use crate::event::Event;
use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::{Invitation, InvitationState};
use crate::later::Later;
use crate::member::{FormerMember, Member, WorkspaceMember};
use crate::organization::{Counts, LinksMade, Organization, OrganizationStatus};
use crate::record::{Change, Claim, Record, RecordId};
use crate::role::OrganizationRole;
use crate::version::Version;
use crate::workspace::Workspace;

/// What applying events touched: each record as it was before, and the claims that changed hands.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    before: BTreeMap<RecordId, Option<Record>>,
    claims: Vec<Change>,
}

impl OrganizationState {
    /// The changes that bring a store from before to this state.
    pub(crate) fn changes(&self, touched: Touched) -> Vec<Change> {
        let mut changes = touched.claims;
        for (id, before) in touched.before {
            match (before, self.record(&id)) {
                (_, Some(after)) => changes.push(Change::Put(after)),
                (Some(_), None) => changes.push(Change::Delete(id)),
                (None, None) => {}
            }
        }
        changes
    }

    /// What one event makes of it.
    pub(crate) fn apply(
        &mut self,
        at: DateTime<Utc>,
        event: &Event,
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        match event.clone() {
            Event::OrganizationCreated {
                name,
                workspace_quota,
                limits,
            } => {
                if self.organization.is_some() {
                    return Err(Inconsistency::Version {
                        after: self.version(),
                        found: Version::new(1),
                    });
                }
                self.organization = Some(Organization {
                    id: self.id,
                    version: Version::ABSENT,
                    status: OrganizationStatus::Active,
                    name,
                    company: None,
                    invoicing: None,
                    contract: None,
                    suspension: None,
                    workspace_quota,
                    limits,
                    counts: Counts::default(),
                    links: LinksMade::default(),
                    roles: Vec::new(),
                    created_at: at,
                    later: Later::default(),
                });
            }
            Event::OrganizationRenamed { from: _, to } => self.organization_mut()?.name = to,
            Event::CompanyEdited { company } => self.organization_mut()?.company = company,
            Event::InvoicingEdited { invoicing } => self.organization_mut()?.invoicing = invoicing,
            Event::ContractEdited { contract } => self.organization_mut()?.contract = contract,
            Event::WorkspaceQuotaSet {
                from: _,
                to,
                workspaces: _,
            } => {
                self.organization_mut()?.workspace_quota = to;
            }
            Event::LimitsSet { to, .. } => self.organization_mut()?.limits = to,
            Event::OrganizationSuspended { reason } => {
                let organization = self.organization_mut()?;
                organization.status = OrganizationStatus::Suspended;
                organization.suspension = Some(reason);
            }
            Event::OrganizationReinstated {} => {
                let organization = self.organization_mut()?;
                organization.status = OrganizationStatus::Active;
                organization.suspension = None;
            }
            Event::OrganizationDeleted {} => {
                let organization = self.organization_mut()?;
                organization.status = OrganizationStatus::Deleted;
                organization.suspension = None;
                organization.company = None;
                organization.invoicing = None;
                organization.contract = None;
                organization.roles.clear();
            }
            Event::WorkspaceCreated { workspace, name } => {
                count(
                    &mut self.organization_mut()?.counts.workspaces,
                    1,
                    "workspaces",
                )?;
                self.create(
                    Record::Workspace(Workspace {
                        id: workspace,
                        name_key: name.key(),
                        name,
                        invoicing: None,
                        domains: 0,
                        members: 0,
                        created_at: at,
                        later: Later::default(),
                    }),
                    touched,
                )?;
            }
            Event::WorkspaceRenamed {
                workspace,
                from: _,
                to,
            } => {
                self.edit_workspace(workspace, touched, |workspace| {
                    workspace.name_key = to.key();
                    workspace.name = to;
                    Ok(())
                })?;
            }
            Event::WorkspaceInvoicingEdited {
                workspace,
                invoicing,
            } => {
                self.edit_workspace(workspace, touched, |workspace| {
                    workspace.invoicing = invoicing;
                    Ok(())
                })?;
            }
            Event::WorkspaceDeleted { workspace, name: _ } => {
                count(
                    &mut self.organization_mut()?.counts.workspaces,
                    -1,
                    "workspaces",
                )?;
                self.remove(RecordId::Workspace(workspace), touched)?;
            }
            Event::DomainCreated {
                domain,
                workspace,
                name,
                kind,
            } => {
                count(&mut self.organization_mut()?.counts.domains, 1, "domains")?;
                self.edit_workspace(workspace, touched, |workspace| {
                    count(&mut workspace.domains, 1, "domains")
                })?;
                let retired = RecordId::RetiredDomainName(name.clone());
                if self.has(&retired) {
                    self.count_kept_name(-1)?;
                    self.remove(retired, touched)?; // the organization still holds the claim (D2)
                } else {
                    touched
                        .claims
                        .push(Change::Claim(Claim::DomainName(name.clone())));
                }
                self.create(
                    Record::Domain(Domain {
                        id: domain,
                        workspace,
                        name,
                        kind,
                        status: DomainStatus::Active,
                        created_at: at,
                        later: Later::default(),
                    }),
                    touched,
                )?;
            }
            Event::DomainDeactivated { domain } => {
                self.edit_domain(domain, touched, |domain| {
                    domain.status = DomainStatus::Deactivated;
                })?;
            }
            Event::DomainReactivated { domain } => {
                self.edit_domain(domain, touched, |domain| {
                    domain.status = DomainStatus::Active;
                })?;
            }
            Event::DomainMoved { domain, from, to } => {
                self.edit_domain(domain, touched, |domain| domain.workspace = to)?;
                self.edit_workspace(from, touched, |workspace| {
                    count(&mut workspace.domains, -1, "domains")
                })?;
                self.edit_workspace(to, touched, |workspace| {
                    count(&mut workspace.domains, 1, "domains")
                })?;
            }
            Event::DomainDeleted {
                domain,
                workspace,
                name,
            } => {
                count(&mut self.organization_mut()?.counts.domains, -1, "domains")?;
                self.edit_workspace(workspace, touched, |workspace| {
                    count(&mut workspace.domains, -1, "domains")
                })?;
                self.remove(RecordId::Domain(domain), touched)?;
                self.count_kept_name(1)?;
                self.create(
                    Record::RetiredDomainName(RetiredDomainName {
                        name,
                        retired_at: at,
                        later: Later::default(),
                    }),
                    touched,
                )?;
            }
            Event::DomainNameReleased { name } => {
                self.count_kept_name(-1)?;
                touched
                    .claims
                    .push(Change::Release(Claim::DomainName(name.clone())));
                self.remove(RecordId::RetiredDomainName(name), touched)?;
            }
            Event::MemberJoined { user, email, role } => {
                count(&mut self.organization_mut()?.counts.members, 1, "members")?;
                self.count_roles(Some(role), None)?;
                self.counting_newcomer(&email.key().clone(), |state| {
                    let member = Member {
                        user,
                        role,
                        own_role: None,
                        email,
                        since: at,
                        lowered_in: None,
                        suspended: false,
                        until: None,
                        later: Later::default(),
                    };
                    state.create(Record::Member(member), touched)
                })?;
                self.count_admins(u32::from(role == OrganizationRole::Admin), 0)?;
            }
            Event::OrganizationRoleChanged { user, from, to } => {
                let version = self.version().next();
                self.edit_member(user, touched, |member| {
                    member.role = to;
                    if to < from {
                        member.lowered_in = Some(version);
                    }
                })?;
            }
            Event::MemberEmailChanged { user, from: _, to } => {
                let missing = Inconsistency::Missing(RecordId::Member(user));
                let from = self.member(user).ok_or(missing)?.email.key().clone();
                let key = to.key().clone();
                if from == key {
                    self.edit_member(user, touched, |member| member.email = to)?;
                } else {
                    self.counting_newcomer(&from, |state| {
                        state.counting_newcomer(&key, |state| {
                            state.edit_member(user, touched, |member| member.email = to)
                        })
                    })?;
                }
            }
            Event::MemberRemoved { user, role: _ } | Event::MemberLeft { user, role: _ } => {
                count(&mut self.organization_mut()?.counts.members, -1, "members")?;
                let missing = Inconsistency::Missing(RecordId::Member(user));
                let member = self.member(user).ok_or(missing)?;
                let (email, role) = (member.email.key().clone(), member.role);
                let lasting = member.is_lasting_admin();
                self.count_roles(None, Some(role))?;
                self.count_admins(0, u32::from(lasting))?;
                let own = self.member(user).and_then(|member| member.own_role);
                self.count_holder(own, -1)?;
                self.counting_newcomer(&email, |state| {
                    state.remove(RecordId::Member(user), touched)
                })?;
                // Who departs from the organization has departed from everything in it.
                let below: Vec<_> = self
                    .departures_of(user)
                    .filter(|former| former.workspace.is_some())
                    .map(|former| RecordId::FormerMember(user, former.workspace))
                    .collect();
                for id in below {
                    self.remove(id, touched)?;
                }
                self.departed(user, None, at, touched);
            }
            Event::MemberSuspended { user } => {
                self.edit_member(user, touched, |member| member.suspended = true)?;
            }
            Event::MemberReinstated { user } => {
                self.edit_member(user, touched, |member| member.suspended = false)?;
            }
            Event::MembershipEndSet { user, from: _, to } => {
                self.edit_member(user, touched, |member| member.until = to)?;
            }
            Event::WorkspaceRoleGiven {
                workspace,
                user,
                role,
                replaces: None,
            } => {
                self.edit_workspace(workspace, touched, |workspace| {
                    count(&mut workspace.members, 1, "workspace members")
                })?;
                self.create(
                    Record::WorkspaceMember(WorkspaceMember {
                        workspace,
                        user,
                        role,
                        own_role: None,
                        since: at,
                        lowered_in: None,
                        until: None,
                        later: Later::default(),
                    }),
                    touched,
                )?;
            }
            Event::WorkspaceRoleGiven {
                workspace,
                user,
                role,
                replaces: Some(before),
            } => {
                let version = self.version().next();
                self.edit_workspace_member((workspace, user), touched, |member| {
                    member.role = role;
                    if role < before {
                        member.lowered_in = Some(version);
                    }
                })?;
            }
            Event::WorkspaceRoleTaken {
                workspace,
                user,
                role: _,
            } => {
                self.edit_workspace(workspace, touched, |workspace| {
                    count(&mut workspace.members, -1, "workspace members")
                })?;
                let member = self.workspace_member(workspace, user);
                let own = member.and_then(|member| member.own_role);
                self.count_holder(own, -1)?;
                self.remove(RecordId::WorkspaceMember(workspace, user), touched)?;
                self.departed(user, Some(workspace), at, touched);
            }
            Event::WorkspaceRoleEndSet {
                workspace,
                user,
                from,
                to,
            } => {
                let version = self.version().next();
                self.edit_workspace_member((workspace, user), touched, |member| {
                    member.until = to;
                    if is_nearer(to, from) {
                        member.lowered_in = Some(version);
                    }
                })?;
            }
            Event::InvitationSent {
                invitation,
                email,
                target,
                inviter,
                token_hash,
                expires_at,
            } => {
                let token_hash = token_hash.ok_or(Inconsistency::Withheld)?;
                let organization = self.organization_mut()?;
                organization.links = organization.links.and_one(at);
                count(&mut organization.counts.invitations, 1, "invitations")?;
                let sent_in = self.version().next();
                self.counting_newcomer(&email.key().clone(), |state| {
                    let sent = Invitation {
                        id: invitation,
                        email,
                        target,
                        own_role: None,
                        inviter,
                        token_hash,
                        sent_at: at,
                        sent_in,
                        expires_at,
                        state: InvitationState::Open,
                        later: Later::default(),
                    };
                    state.create(Record::Invitation(sent), touched)
                })?;
            }
            Event::InvitationRenewed {
                invitation,
                email: _,
                target,
                inviter,
                token_hash,
                expires_at,
            } => {
                let token_hash = token_hash.ok_or(Inconsistency::Withheld)?;
                let organization = self.organization_mut()?;
                organization.links = organization.links.and_one(at);
                let sent_in = self.version().next();
                self.edit_invitation(invitation, touched, |renewed| {
                    renewed.target = target;
                    renewed.inviter = inviter;
                    renewed.token_hash = token_hash;
                    renewed.sent_at = at;
                    renewed.sent_in = sent_in;
                    renewed.expires_at = expires_at;
                })?;
            }
            Event::InvitationRevoked {
                invitation,
                reason: _,
            } => {
                self.close(invitation, InvitationState::Revoked, touched)?;
            }
            Event::InvitationAccepted {
                invitation,
                user: _,
            } => {
                self.close(invitation, InvitationState::Accepted, touched)?;
            }
            Event::InvitationDeclined {
                invitation,
                user: _,
            } => {
                self.close(invitation, InvitationState::Declined, touched)?;
            }
            Event::LinesRefused { lines: _ } => {}
            event @ (Event::RoleDefined { .. }
            | Event::RoleRevised { .. }
            | Event::RoleRetired { .. }
            | Event::RoleRestored { .. }
            | Event::RoleDeleted { .. }
            | Event::OwnRoleChanged { .. }
            | Event::OwnRoleOffered { .. }) => self.apply_to_roles(at, event, touched)?,
            Event::Unknown(_) => return Err(Inconsistency::UnknownEvent),
        }
        Ok(())
    }

    fn create(&mut self, record: Record, touched: &mut Touched) -> Result<(), Inconsistency> {
        let id = record.id();
        if self.has(&id) {
            return Err(Inconsistency::Exists(id));
        }
        touched.before.entry(id).or_insert(None);
        self.put(record);
        Ok(())
    }

    fn remove(&mut self, id: RecordId, touched: &mut Touched) -> Result<(), Inconsistency> {
        let record = self.delete(&id).ok_or(Inconsistency::Missing(id))?;
        touched.note(record);
        Ok(())
    }

    /// Remembers when a user departed: nothing that was sent before lets them in again.
    fn departed(
        &mut self,
        user: UserId,
        workspace: Option<WorkspaceId>,
        at: DateTime<Utc>,
        touched: &mut Touched,
    ) {
        let departed_in = self.version().next();
        let before = self.replace(Record::FormerMember(FormerMember {
            user,
            workspace,
            departed_at: at,
            departed_in,
            later: Later::default(),
        }));
        let id = RecordId::FormerMember(user, workspace);
        touched.before.entry(id).or_insert(before);
    }

    fn close(
        &mut self,
        id: InvitationId,
        state: InvitationState,
        touched: &mut Touched,
    ) -> Result<(), Inconsistency> {
        count(
            &mut self.organization_mut()?.counts.invitations,
            -1,
            "invitations",
        )?;
        let own = self
            .invitation(id)
            .and_then(|invitation| invitation.own_role);
        self.count_offer(own, -1)?;
        self.edit_invitation(id, touched, |invitation| invitation.state = state)
    }

    pub(super) fn organization_mut(&mut self) -> Result<&mut Organization, Inconsistency> {
        self.organization
            .as_mut()
            .ok_or(Inconsistency::NoOrganization)
    }

    pub(super) fn edit_member(
        &mut self,
        user: UserId,
        touched: &mut Touched,
        change: impl FnOnce(&mut Member),
    ) -> Result<(), Inconsistency> {
        let before = edit(&mut self.members, &mut self.index, &user, |member| {
            change(member);
            Ok(())
        })?;
        let (Some(before), Some(after)) = (before, self.member(user)) else {
            return Err(Inconsistency::Missing(RecordId::Member(user)));
        };
        let (lasting, role) = (after.is_lasting_admin(), after.role);
        self.count_admins(lasting.into(), before.is_lasting_admin().into())?;
        self.count_roles(Some(role), Some(before.role))?;
        touched.note(Record::Member(before));
        Ok(())
    }

    pub(super) fn edit_workspace_member(
        &mut self,
        (workspace, user): (WorkspaceId, UserId),
        touched: &mut Touched,
        change: impl FnOnce(&mut WorkspaceMember),
    ) -> Result<(), Inconsistency> {
        let members = &mut self.workspace_members;
        let before = edit(members, &mut self.index, &(workspace, user), |member| {
            change(member);
            Ok(())
        })?;
        let id = RecordId::WorkspaceMember(workspace, user);
        touched.note(Record::WorkspaceMember(
            before.ok_or(Inconsistency::Missing(id))?,
        ));
        Ok(())
    }

    fn edit_workspace(
        &mut self,
        id: WorkspaceId,
        touched: &mut Touched,
        change: impl FnOnce(&mut Workspace) -> Result<(), Inconsistency>,
    ) -> Result<(), Inconsistency> {
        let before = edit(&mut self.workspaces, &mut self.index, &id, change)?;
        let missing = Inconsistency::Missing(RecordId::Workspace(id));
        touched.note(Record::Workspace(before.ok_or(missing)?));
        Ok(())
    }

    fn edit_domain(
        &mut self,
        id: DomainId,
        touched: &mut Touched,
        change: impl FnOnce(&mut Domain),
    ) -> Result<(), Inconsistency> {
        let before = edit(&mut self.domains, &mut self.index, &id, |domain| {
            change(domain);
            Ok(())
        })?;
        let missing = Inconsistency::Missing(RecordId::Domain(id));
        touched.note(Record::Domain(before.ok_or(missing)?));
        Ok(())
    }

    pub(super) fn edit_invitation(
        &mut self,
        id: InvitationId,
        touched: &mut Touched,
        change: impl FnOnce(&mut Invitation),
    ) -> Result<(), Inconsistency> {
        let missing = Inconsistency::Missing(RecordId::Invitation(id));
        let Some(invitation) = self.invitation(id) else {
            return Err(missing);
        };
        self.counting_newcomer(&invitation.email.key().clone(), |state| {
            let invitations = &mut state.invitations;
            let before = edit(invitations, &mut state.index, &id, |invitation| {
                change(invitation);
                Ok(())
            })?;
            touched.note(Record::Invitation(before.ok_or(missing)?));
            Ok(())
        })
    }
}

impl Touched {
    /// What a record was before the first event that touched it, if one did and it was there.
    pub(super) fn before(&self, id: &RecordId) -> Option<&Record> {
        self.before.get(id)?.as_ref()
    }

    /// What was touched after that, too. Of a claim that was taken and given up again, or the other way round, nothing
    /// is left: a store is told of each claim once.
    pub(crate) fn merge(&mut self, later: Self) {
        for (id, before) in later.before {
            self.before.entry(id).or_insert(before);
        }
        for change in later.claims {
            let undone = self
                .claims
                .iter()
                .position(|earlier| match (earlier, &change) {
                    (Change::Claim(earlier), Change::Release(claim))
                    | (Change::Release(earlier), Change::Claim(claim)) => earlier == claim,
                    _ => false,
                });
            match undone {
                Some(at) => drop(self.claims.swap_remove(at)),
                None => self.claims.push(change),
            }
        }
    }

    /// Remembers what a record was before the first event that touched it.
    fn note(&mut self, record: Record) {
        self.before.entry(record.id()).or_insert(Some(record));
    }
}

/// Whether an end takes something away that another one didn't.
pub(crate) fn is_nearer(end: Option<DateTime<Utc>>, than: Option<DateTime<Utc>>) -> bool {
    end.is_some_and(|end| than.is_none_or(|than| end < than))
}
