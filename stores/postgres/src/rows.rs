//! Rows as JSON: the shape in which records travel to and from the statements, field by column.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tenancy::store::{
    Claim, Counts, Invitation, InvitationState, Organization, OrganizationStatus, RecordId,
    RetiredDomainName, Workspace,
};
use tenancy::text::{EmailKey, TextLine};
use tenancy::token::TokenHash;
use tenancy::{
    Author, CommitId, CompanyInformation, Domain, DomainId, DomainKind, DomainName, DomainStatus,
    EmailAddress, Event, InvitationId, InvitationTarget, InvoicingInformation, LogEntry, Member,
    Name, OrganizationId, OrganizationRole, RoleSet, UserId, Version, WorkspaceId, WorkspaceMember,
    WorkspaceRole,
};

/// A row that doesn't read as what it should be: written by something else, or by a newer version.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The row's text is not the JSON that the statement makes.
    #[error("a row of {of} can't be read")]
    Row {
        /// What it is a row of.
        of: &'static str,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A column holds a code that stands for nothing.
    #[error("{code} is no {of}")]
    Code {
        /// What it should be a code of.
        of: &'static str,
        /// The code.
        code: i64,
    },
}

/// Reads a row's JSON.
pub(crate) fn read<'a, T: Deserialize<'a>>(
    of: &'static str,
    text: &'a str,
) -> Result<T, DecodeError> {
    serde_json::from_str(text).map_err(|source| DecodeError::Row { of, source })
}

#[derive(Serialize, Deserialize)]
pub(crate) struct OrganizationRow {
    pub(crate) id: OrganizationId,
    pub(crate) version: u64,
    status: i16,
    name: Name,
    company: Option<CompanyInformation>,
    invoicing: Option<InvoicingInformation>,
    contract: Option<TextLine>,
    workspace_quota: u32,
    workspaces: u32,
    domains: u32,
    members: u32,
    admins: u32,
    invitations: u32,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct MemberRow {
    user_id: UserId,
    role: i16,
    email: Option<EmailAddress>,
    #[serde(default)] // read only to verify it
    email_key: Option<String>,
    since: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct WorkspaceRow {
    id: WorkspaceId,
    name: Name,
    #[serde(default)]
    name_key: String,
    invoicing: Option<InvoicingInformation>,
    domains: u32,
    members: u32,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct WorkspaceMemberRow {
    workspace_id: WorkspaceId,
    user_id: UserId,
    role: i16,
    since: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct DomainRow {
    id: DomainId,
    workspace_id: WorkspaceId,
    name: DomainName,
    kind: i16,
    status: i16,
    created_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct RetiredDomainNameRow {
    name: DomainName,
    retired_at: DateTime<Utc>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct InvitationRow {
    id: InvitationId,
    email: EmailAddress,
    #[serde(default)]
    email_key: String,
    workspace_id: Option<WorkspaceId>,
    role: i16,
    inviter: UserId,
    token_hash: TokenHash,
    sent_at: DateTime<Utc>,
    expires_at: DateTime<Utc>,
    state: i16,
}

#[derive(Deserialize)]
pub(crate) struct CommitRow {
    organization_id: OrganizationId,
    version: u64,
    id: CommitId,
    at: DateTime<Utc>,
    author: Author,
    command: String,
    events: Vec<Event>,
}

/// A log entry as it is written; organization and version come from the compare-and-set.
#[derive(Serialize)]
pub(crate) struct EntryRow<'a> {
    id: CommitId,
    at: DateTime<Utc>,
    author: &'a Author,
    command: &'a str,
    events: &'a [Event],
}

#[derive(Serialize, Deserialize)]
pub(crate) struct ClaimRow {
    pub(crate) scope: i16,
    pub(crate) key: String,
}

impl From<&Organization> for OrganizationRow {
    fn from(organization: &Organization) -> Self {
        let Counts {
            workspaces,
            domains,
            members,
            admins,
            invitations,
        } = organization.counts;
        Self {
            id: organization.id,
            version: organization.version.get(),
            status: match organization.status {
                OrganizationStatus::Active => 1,
                OrganizationStatus::Deleted => 2,
            },
            name: organization.name.clone(),
            company: organization.company.clone(),
            invoicing: organization.invoicing.clone(),
            contract: organization.contract.clone(),
            workspace_quota: organization.workspace_quota,
            workspaces,
            domains,
            members,
            admins,
            invitations,
            created_at: organization.created_at,
        }
    }
}

impl TryFrom<OrganizationRow> for Organization {
    type Error = DecodeError;

    fn try_from(row: OrganizationRow) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.id,
            version: Version::new(row.version),
            status: match row.status {
                1 => OrganizationStatus::Active,
                2 => OrganizationStatus::Deleted,
                code => return Err(unknown("organization status", code)),
            },
            name: row.name,
            company: row.company,
            invoicing: row.invoicing,
            contract: row.contract,
            workspace_quota: row.workspace_quota,
            counts: Counts {
                workspaces: row.workspaces,
                domains: row.domains,
                members: row.members,
                admins: row.admins,
                invitations: row.invitations,
            },
            created_at: row.created_at,
        })
    }
}

impl From<&Member> for MemberRow {
    fn from(member: &Member) -> Self {
        Self {
            user_id: member.user,
            role: organization_code(member.role),
            email: member.email.clone(),
            email_key: member
                .email
                .as_ref()
                .map(|email| email.key().as_str().to_owned()),
            since: member.since,
        }
    }
}

impl TryFrom<MemberRow> for Member {
    type Error = DecodeError;

    fn try_from(row: MemberRow) -> Result<Self, DecodeError> {
        Ok(Self {
            user: row.user_id,
            role: organization_role(row.role)?,
            email: row.email,
            since: row.since,
        })
    }
}

impl From<&Workspace> for WorkspaceRow {
    fn from(workspace: &Workspace) -> Self {
        Self {
            id: workspace.id,
            name: workspace.name.clone(),
            name_key: workspace.name.key().as_str().to_owned(),
            invoicing: workspace.invoicing.clone(),
            domains: workspace.domains,
            members: workspace.members,
            created_at: workspace.created_at,
        }
    }
}

impl From<WorkspaceRow> for Workspace {
    fn from(row: WorkspaceRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            invoicing: row.invoicing,
            domains: row.domains,
            members: row.members,
            created_at: row.created_at,
        }
    }
}

impl From<&WorkspaceMember> for WorkspaceMemberRow {
    fn from(member: &WorkspaceMember) -> Self {
        Self {
            workspace_id: member.workspace,
            user_id: member.user,
            role: workspace_code(member.role),
            since: member.since,
        }
    }
}

impl TryFrom<WorkspaceMemberRow> for WorkspaceMember {
    type Error = DecodeError;

    fn try_from(row: WorkspaceMemberRow) -> Result<Self, DecodeError> {
        Ok(Self {
            workspace: row.workspace_id,
            user: row.user_id,
            role: workspace_role(row.role)?,
            since: row.since,
        })
    }
}

impl From<&Domain> for DomainRow {
    fn from(domain: &Domain) -> Self {
        Self {
            id: domain.id,
            workspace_id: domain.workspace,
            name: domain.name.clone(),
            kind: match domain.kind {
                DomainKind::Sandbox => 1,
                DomainKind::Production => 2,
            },
            status: match domain.status {
                DomainStatus::Active => 1,
                DomainStatus::Deactivated => 2,
            },
            created_at: domain.created_at,
        }
    }
}

impl TryFrom<DomainRow> for Domain {
    type Error = DecodeError;

    fn try_from(row: DomainRow) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.id,
            workspace: row.workspace_id,
            name: row.name,
            kind: match row.kind {
                1 => DomainKind::Sandbox,
                2 => DomainKind::Production,
                code => return Err(unknown("domain kind", code)),
            },
            status: match row.status {
                1 => DomainStatus::Active,
                2 => DomainStatus::Deactivated,
                code => return Err(unknown("domain status", code)),
            },
            created_at: row.created_at,
        })
    }
}

impl From<&RetiredDomainName> for RetiredDomainNameRow {
    fn from(retired: &RetiredDomainName) -> Self {
        Self {
            name: retired.name.clone(),
            retired_at: retired.retired_at,
        }
    }
}

impl From<RetiredDomainNameRow> for RetiredDomainName {
    fn from(row: RetiredDomainNameRow) -> Self {
        Self {
            name: row.name,
            retired_at: row.retired_at,
        }
    }
}

impl From<&Invitation> for InvitationRow {
    fn from(invitation: &Invitation) -> Self {
        let (workspace_id, role) = match invitation.target {
            InvitationTarget::Organization { role } => (None, organization_code(role)),
            InvitationTarget::Workspace { workspace, role } => {
                (Some(workspace), workspace_code(role))
            }
        };
        Self {
            id: invitation.id,
            email: invitation.email.clone(),
            email_key: invitation.email.key().as_str().to_owned(),
            workspace_id,
            role,
            inviter: invitation.inviter,
            token_hash: invitation.token_hash,
            sent_at: invitation.sent_at,
            expires_at: invitation.expires_at,
            state: match invitation.state {
                InvitationState::Open => 1,
                InvitationState::Accepted => 2,
                InvitationState::Declined => 3,
                InvitationState::Revoked => 4,
            },
        }
    }
}

impl TryFrom<InvitationRow> for Invitation {
    type Error = DecodeError;

    fn try_from(row: InvitationRow) -> Result<Self, DecodeError> {
        Ok(Self {
            id: row.id,
            email: row.email,
            target: match row.workspace_id {
                None => InvitationTarget::Organization {
                    role: organization_role(row.role)?,
                },
                Some(workspace) => InvitationTarget::Workspace {
                    workspace,
                    role: workspace_role(row.role)?,
                },
            },
            inviter: row.inviter,
            token_hash: row.token_hash,
            sent_at: row.sent_at,
            expires_at: row.expires_at,
            state: match row.state {
                1 => InvitationState::Open,
                2 => InvitationState::Accepted,
                3 => InvitationState::Declined,
                4 => InvitationState::Revoked,
                code => return Err(unknown("invitation state", code)),
            },
        })
    }
}

impl<'a> From<&'a LogEntry> for EntryRow<'a> {
    fn from(entry: &'a LogEntry) -> Self {
        Self {
            id: entry.id,
            at: entry.at,
            author: &entry.author,
            command: &entry.command,
            events: &entry.events,
        }
    }
}

impl From<CommitRow> for LogEntry {
    fn from(row: CommitRow) -> Self {
        Self {
            organization: row.organization_id,
            version: Version::new(row.version),
            id: row.id,
            at: row.at,
            author: row.author,
            command: row.command,
            events: row.events,
        }
    }
}

impl From<&Claim> for ClaimRow {
    fn from(claim: &Claim) -> Self {
        match claim {
            Claim::DomainName(name) => Self {
                scope: 1,
                key: name.as_str().to_owned(),
            },
        }
    }
}

/// The codes of the organization roles in a set.
pub(crate) fn organization_codes(roles: RoleSet) -> Vec<i16> {
    let held = OrganizationRole::ALL
        .into_iter()
        .filter(|role| roles.contains(RoleSet::of_organization(*role)));
    held.map(organization_code).collect()
}

/// The codes of the workspace roles in a set.
pub(crate) fn workspace_codes(roles: RoleSet) -> Vec<i16> {
    let held = WorkspaceRole::ALL
        .into_iter()
        .filter(|role| roles.contains(RoleSet::of_workspace(*role)));
    held.map(workspace_code).collect()
}

pub(crate) const fn organization_code(role: OrganizationRole) -> i16 {
    match role {
        OrganizationRole::Member => 1,
        OrganizationRole::Accounting => 2,
        OrganizationRole::Admin => 3,
    }
}

pub(crate) const fn workspace_code(role: WorkspaceRole) -> i16 {
    match role {
        WorkspaceRole::Reader => 1,
        WorkspaceRole::Developer => 2,
        WorkspaceRole::Admin => 3,
    }
}

pub(crate) const fn organization_role(code: i16) -> Result<OrganizationRole, DecodeError> {
    Ok(match code {
        1 => OrganizationRole::Member,
        2 => OrganizationRole::Accounting,
        3 => OrganizationRole::Admin,
        code => return Err(unknown("organization role", code)),
    })
}

pub(crate) const fn workspace_role(code: i16) -> Result<WorkspaceRole, DecodeError> {
    Ok(match code {
        1 => WorkspaceRole::Reader,
        2 => WorkspaceRole::Developer,
        3 => WorkspaceRole::Admin,
        code => return Err(unknown("workspace role", code)),
    })
}

const fn unknown(of: &'static str, code: i16) -> DecodeError {
    DecodeError::Code {
        of,
        code: code as i64,
    }
}

/// A claim, and who holds it.
#[derive(Deserialize)]
pub(crate) struct HeldClaimRow {
    scope: i16,
    key: String,
    organization_id: OrganizationId,
}

impl HeldClaimRow {
    pub(crate) fn read(self) -> Result<(Claim, OrganizationId), DecodeError> {
        let claim = match self.scope {
            1 => DomainName::new(&self.key)
                .map(Claim::DomainName)
                .map_err(|error| DecodeError::Row {
                    of: "claims",
                    source: serde::de::Error::custom(error),
                }),
            code => Err(unknown("claim's scope", code)),
        }?;
        Ok((claim, self.organization_id))
    }
}

impl MemberRow {
    /// Its id, if its folded address is not its address, folded.
    pub(crate) fn misfiled(&self) -> Option<RecordId> {
        let key = self.email.as_ref().map(EmailAddress::key);
        let filed = self.email_key.as_deref() == key.map(EmailKey::as_str);
        (!filed).then_some(RecordId::Member(self.user_id))
    }
}

impl WorkspaceRow {
    /// Its id, if its folded name is not its name, folded.
    pub(crate) fn misfiled(&self) -> Option<RecordId> {
        let filed = self.name_key == self.name.key().as_str();
        (!filed).then_some(RecordId::Workspace(self.id))
    }
}

impl InvitationRow {
    /// Its id, if its folded address is not its address, folded.
    pub(crate) fn misfiled(&self) -> Option<RecordId> {
        let filed = self.email_key == self.email.key().as_str();
        (!filed).then_some(RecordId::Invitation(self.id))
    }
}
