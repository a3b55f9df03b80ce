//! The statements, for any driver.
//!
//! Each method of the contract is one constant text with a few basic parameters, a function that makes the
//! parameters, and one that reads the answer. Structured values travel as JSON in `text`, so that a driver
//! needs to know `uuid`, `bigint`, `smallint[]` and `text`, and nothing else.
//!
//! | Method | Text | Parameters | Answer |
//! | --- | --- | --- | --- |
//! | `load` | [`LOAD`] | `uuid`, `text` from [`load`] | no row: no organization; else one `text` for [`facts`] |
//! | `commit` | [`COMMIT`] | [`CommitParameters`] from [`commit`] | one row for [`outcome`]; an error for [`refused`] |
//! | `standing` | [`STANDING`] | `uuid` organization, `uuid` user, and [`path`] | no row: no organization; else one for [`standing`] |
//! | lists | [`MEMBERS`] … [`LOG`] | the organization, filters, the last key or null, a limit | rows of `text`, each for the function of its kind |
//!
//! With `tokio-postgres` (`examples/tokio_postgres.rs` has all three, `examples/diesel.rs` the same without
//! `async`):
//!
//! ```ignore
//! let keys = statements::load(keys);
//! let row = client.query_opt(statements::LOAD, &[&organization.as_uuid(), &keys]).await?;
//! let facts = row.map(|row| statements::facts(row.get(0))).transpose()?;
//! ```
//!
//! Send them as they are: outside a transaction each is atomic by itself, and a connection that is lost or a
//! future that is dropped leaves nothing open. Inside a transaction of the host's, [`COMMIT`] is best the
//! last statement, because it locks the organization's row until the end.
//!
//! Two things are up to you:
//!
//! - Read a statement's answer to the end (`ReadyForQuery`). At SERIALIZABLE the server may send the row of a
//!   [`COMMIT`] and then refuse to commit it. The usual `query` methods of drivers do that.
//! - At SERIALIZABLE, and on a replica, a statement that only reads may fail with 40001 or 40P01, too. Send
//!   it again; nothing happened. A [`COMMIT`] isn't sent again: it is [`refused`].

use serde::{Deserialize, Serialize};
use tenancy::store::{
    Change, Claim, Commit, Facts, Invitation, Key, Organization, Outcome, Record, RecordId,
    Workspace,
};
use tenancy::text::{EmailKey, NameKey};
use tenancy::{
    Domain, DomainName, InvitationId, LogEntry, Member, OrganizationId, Resource, Standing, UserId,
    Version, WorkspaceId, WorkspaceMember,
};
use uuid::Uuid;

use crate::rows::{
    ClaimRow, CommitRow, DecodeError, DomainRow, EntryRow, HeldClaimRow, InvitationRow, MemberRow,
    OrganizationRow, RetiredDomainNameRow, WorkspaceMemberRow, WorkspaceRow, organization_role,
    read, workspace_role,
};

mod lists;
pub mod steps;

pub use lists::{
    DOMAINS, HOLDER, INVITATIONS, INVITATIONS_INTO, INVITATIONS_TO, LOG, MEMBERS,
    MEMBERS_WITH_ROLE, ORGANIZATIONS_OF, WORKSPACE_MEMBERS, WORKSPACES, WORKSPACES_OF,
    claim_parameters, organization_roles, workspace_roles,
};

/// The schema, step by step: number and text (several statements, for a simple query). Run those that
/// `tenancy.migrations` doesn't list, or copy them into your own tool.
///
/// Within a major version steps only add: what is running keeps working while the next version starts.
pub const MIGRATIONS: &[(u32, &str)] = &[(1, include_str!("../migrations/0001.sql"))];

/// Loads facts: `$1 uuid` organization, `$2 text` from [`load`].
pub const LOAD: &str = include_str!("../sql/load.sql");

/// Commits, or changes nothing: `$1 uuid`, `$2 bigint`, `$3 text` from [`commit`].
///
/// It writes several tables in one statement (and `organizations` in two sub-statements, of which at most
/// one finds something to do). PostgreSQL and YugabyteDB take it; [`steps`] is for those who don't.
pub const COMMIT: &str = include_str!("../sql/commit.sql");

/// What a check needs: `$1 uuid` organization, `$2 uuid` user, `$3` and `$4` from [`path`].
pub const STANDING: &str = include_str!("../sql/standing.sql");

/// An organization, whole, with its log and claims: `$1 uuid` organization. One column for [`everything`].
pub const EVERYTHING: &str = include_str!("../sql/everything.sql");

/// The parameters of [`COMMIT`], in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitParameters {
    /// `$1`: the organization.
    pub organization: Uuid,
    /// `$2`: the expected version.
    pub expected: i64,
    /// `$3`: what to write, as JSON.
    pub commit: String,
}

/// The answer of [`COMMIT`], column by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommitAnswer {
    /// `committed bigint`: the new version, if it was applied.
    pub committed: Option<i64>,
    /// `seen bigint`: the version before.
    pub seen: Option<i64>,
    /// `taken text`: the claims that somebody holds.
    pub taken: Option<String>,
}

/// The row of [`STANDING`], column by column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandingRow {
    /// `version bigint`
    pub version: i64,
    /// `organization_role smallint`
    pub organization_role: Option<i16>,
    /// `workspace uuid`
    pub workspace: Option<Uuid>,
    /// `workspace_role smallint`
    pub workspace_role: Option<i16>,
    /// `domain uuid`
    pub domain: Option<Uuid>,
}

/// An organization, whole, as [`EVERYTHING`] reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Everything {
    /// Its row; `None` if it doesn't exist.
    pub organization: Option<Organization>,
    /// All its records.
    pub records: Vec<Record>,
    /// The claims that it holds and the claims on its domains' names, each with its holder.
    pub claims: Vec<(Claim, OrganizationId)>,
    /// The records whose column of folded text (`name_key`, `email_key`) is not that of their text.
    pub misfiled: Vec<RecordId>,
    /// Its log, oldest first.
    pub log: Vec<LogEntry>,
}

/// What keys ask for, by the way it is looked up.
#[derive(Default, Serialize)]
struct Asked<'a> {
    users: Vec<UserId>,
    persons: Vec<UserId>,
    inviters: Vec<UserId>,
    workspaces: Vec<AskedWorkspace>,
    domains: Vec<AskedDomain>,
    invitations: Vec<AskedInvitation>,
    addresses: Vec<AskedAddress<'a>>,
    workspace_names: Vec<&'a str>,
    domain_names: Vec<&'a str>,
    open_into: Vec<WorkspaceId>,
    open: bool,
    commit: Option<Uuid>,
}

#[derive(Serialize)]
struct AskedWorkspace {
    user_id: UserId,
    workspace_id: WorkspaceId,
}

#[derive(Serialize)]
struct AskedDomain {
    user_id: UserId,
    domain_id: Uuid,
}

#[derive(Serialize)]
struct AskedInvitation {
    id: InvitationId,
    user_id: Option<UserId>,
}

#[derive(Serialize)]
struct AskedAddress<'a> {
    email_key: &'a str,
    workspace_id: Option<WorkspaceId>,
}

#[derive(Deserialize)]
struct Loaded {
    organization: Option<OrganizationRow>,
    members: Option<Vec<MemberRow>>,
    workspaces: Option<Vec<WorkspaceRow>>,
    workspace_members: Option<Vec<WorkspaceMemberRow>>,
    domains: Option<Vec<DomainRow>>,
    retired_domain_names: Option<Vec<RetiredDomainNameRow>>,
    invitations: Option<Vec<InvitationRow>>,
    committed: Option<CommitRow>,
    claims: Option<Vec<HeldClaimRow>>,
    log: Option<Vec<CommitRow>>,
}

#[derive(Serialize)]
struct Written<'a> {
    next: OrganizationRow,
    entry: EntryRow<'a>,
    put: Put,
    delete: Delete,
    claim: Vec<ClaimRow>,
    release: Vec<ClaimRow>,
}

#[derive(Default, Serialize)]
struct Put {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<MemberRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspaces: Vec<WorkspaceRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspace_members: Vec<WorkspaceMemberRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<DomainRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired_domain_names: Vec<RetiredDomainNameRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invitations: Vec<InvitationRow>,
}

#[derive(Default, Serialize)]
struct Delete {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    members: Vec<UserId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspaces: Vec<WorkspaceId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    workspace_members: Vec<AskedWorkspace>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    domains: Vec<Uuid>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    retired_domain_names: Vec<DomainName>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invitations: Vec<InvitationId>,
}

/// The keys as [`LOAD`]'s `$2`.
#[must_use]
pub fn load(keys: &[Key]) -> String {
    let mut asked = Asked::default();
    for key in keys {
        asked.ask(key);
    }
    json(&asked)
}

/// Reads the answer of [`LOAD`].
///
/// # Errors
///
/// - [`DecodeError`]: a row was not written by this library, or by a newer version of it.
pub fn facts(text: &str) -> Result<Facts, DecodeError> {
    let mut loaded: Loaded = read("facts", text)?;
    let organization = loaded.organization.take().ok_or_else(|| missing("facts"))?;
    let committed = loaded.committed.take().map(LogEntry::from);
    Ok(Facts {
        organization: organization.try_into()?,
        records: loaded.records()?,
        committed,
    })
}

/// A commit as the parameters of [`COMMIT`].
#[must_use]
pub fn commit(commit: &Commit) -> CommitParameters {
    let mut written = Written {
        next: OrganizationRow::from(&commit.next),
        entry: EntryRow::from(&commit.entry),
        put: Put::default(),
        delete: Delete::default(),
        claim: Vec::new(),
        release: Vec::new(),
    };
    for change in &commit.changes {
        match change {
            Change::Put(record) => written.put.add(record),
            Change::Delete(id) => written.delete.add(id),
            Change::Claim(claim) => written.claim.push(ClaimRow::from(claim)),
            Change::Release(claim) => written.release.push(ClaimRow::from(claim)),
        }
    }
    CommitParameters {
        organization: commit.organization().as_uuid(),
        expected: bigint(commit.expected),
        commit: json(&written),
    }
}

/// Reads the answer of [`COMMIT`].
///
/// # Errors
///
/// - [`DecodeError`]: `taken` names no claim of this commit.
pub fn outcome(commit: &Commit, answer: &CommitAnswer) -> Result<Outcome, DecodeError> {
    if answer.committed.is_some() {
        return Ok(Outcome::Committed);
    }
    if answer.seen.unwrap_or(0) != bigint(commit.expected) {
        return Ok(Outcome::Conflict);
    }
    let Some(taken) = &answer.taken else {
        return Ok(Outcome::Conflict); // it changed while the statement waited for the row
    };
    let taken: Vec<ClaimRow> = read("claims", taken)?;
    let taken = claims(commit).find(|claim| {
        let row = ClaimRow::from(*claim);
        taken
            .iter()
            .any(|held| held.scope == row.scope && held.key == row.key)
    });
    taken
        .map(|claim| Outcome::Taken(claim.clone()))
        .ok_or_else(|| missing("claims"))
}

/// What an error of the server's on [`COMMIT`] says for certain; `None`: you don't know, so it stays an
/// error.
///
/// | `SQLSTATE` | constraint | means |
/// | --- | --- | --- |
/// | 40001, 40P01 | | a lost race: [`Outcome::Conflict`] |
/// | 23505 | `claims_pkey` | somebody claimed it in this moment: [`Outcome::Taken`] |
/// | 23505 | `organizations_pkey`, `commits_id` | created, or committed under this id, in this moment: [`Outcome::Conflict`] |
///
/// The statement was undone in each of these cases. Inside a transaction of the host's, so is the
/// transaction: roll it back.
#[must_use]
pub fn refused(
    commit: &Commit,
    sqlstate: &str,
    constraint: Option<&str>,
    detail: Option<&str>,
) -> Option<Outcome> {
    // A shard's constraints carry its number after the name.
    let constraint = constraint.unwrap_or_default();
    match sqlstate {
        "40001" | "40P01" => Some(Outcome::Conflict),
        "23505" if constraint.starts_with("claims_pkey") => {
            // `Key (scope, key)=(1, acme) already exists.`, in whatever language.
            let named = |claim: &&Claim| {
                let end = format!(", {})", ClaimRow::from(*claim).key);
                detail.is_some_and(|detail| detail.contains(&end))
            };
            let claim = claims(commit)
                .find(named)
                .or_else(|| claims(commit).next())?;
            Some(Outcome::Taken(claim.clone()))
        }
        "23505"
            if constraint.starts_with("organizations_pkey")
                || constraint.starts_with("commits_id") =>
        {
            Some(Outcome::Conflict)
        }
        _ => None,
    }
}

/// `$3 uuid` and `$4 uuid` of [`STANDING`]: the workspace or the domain, if the resource is one.
#[must_use]
pub const fn path(resource: Resource) -> (Option<Uuid>, Option<Uuid>) {
    match resource {
        Resource::Organization(_) => (None, None),
        Resource::Workspace(_, workspace) => (Some(workspace.as_uuid()), None),
        Resource::Domain(_, domain) => (None, Some(domain.as_uuid())),
    }
}

/// Reads the row of [`STANDING`].
///
/// # Errors
///
/// - [`DecodeError`]: a role or the version was not written by this library.
pub fn standing(
    user: UserId,
    resource: Resource,
    row: &StandingRow,
) -> Result<Standing, DecodeError> {
    let version = u64::try_from(row.version).map_err(|_| DecodeError::Code {
        of: "version",
        code: row.version,
    })?;
    let mut standing = Standing::new(user, resource, Version::new(version));
    standing.organization_role = row.organization_role.map(organization_role).transpose()?;
    standing.workspace = row.workspace.map(WorkspaceId::from_uuid);
    standing.workspace_role = row.workspace_role.map(workspace_role).transpose()?;
    standing.domain = row.domain.map(tenancy::DomainId::from_uuid);
    Ok(standing)
}

/// Reads the answer of [`EVERYTHING`].
///
/// # Errors
///
/// - [`DecodeError`]: a row was not written by this library, or by a newer version of it.
pub fn everything(text: &str) -> Result<Everything, DecodeError> {
    let mut loaded: Loaded = read("an organization", text)?;
    let organization = loaded.organization.take();
    let claims = loaded.claims.take().unwrap_or_default();
    let log = loaded.log.take().unwrap_or_default();
    let misfiled = loaded.misfiled();
    Ok(Everything {
        organization: organization.map(Organization::try_from).transpose()?,
        records: loaded.records()?,
        claims: claims
            .into_iter()
            .map(HeldClaimRow::read)
            .collect::<Result<_, _>>()?,
        misfiled,
        log: log.into_iter().map(LogEntry::from).collect(),
    })
}

/// Reads an organization from a list's row.
///
/// # Errors
///
/// - [`DecodeError`]: the row was not written by this library, or by a newer version of it.
pub fn organization(text: &str) -> Result<Organization, DecodeError> {
    read::<OrganizationRow>("organizations", text)?.try_into()
}

/// Reads a member from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn member(text: &str) -> Result<Member, DecodeError> {
    read::<MemberRow>("members", text)?.try_into()
}

/// Reads a workspace from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn workspace(text: &str) -> Result<Workspace, DecodeError> {
    read::<WorkspaceRow>("workspaces", text).map(Workspace::from)
}

/// Reads a workspace's member from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn workspace_member(text: &str) -> Result<WorkspaceMember, DecodeError> {
    read::<WorkspaceMemberRow>("workspace members", text)?.try_into()
}

/// Reads a domain from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn domain(text: &str) -> Result<Domain, DecodeError> {
    read::<DomainRow>("domains", text)?.try_into()
}

/// Reads an invitation from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn invitation(text: &str) -> Result<Invitation, DecodeError> {
    read::<InvitationRow>("invitations", text)?.try_into()
}

/// Reads a log entry from a list's row.
///
/// # Errors
///
/// As [`organization`].
pub fn log_entry(text: &str) -> Result<LogEntry, DecodeError> {
    read::<CommitRow>("commits", text).map(LogEntry::from)
}

/// A version as a `bigint`.
#[must_use]
pub fn bigint(version: Version) -> i64 {
    i64::try_from(version.get()).unwrap_or(i64::MAX)
}

impl<'a> Asked<'a> {
    fn ask(&mut self, key: &'a Key) {
        match key {
            Key::Path(user, resource) => {
                self.users.push(*user);
                match resource {
                    Resource::Organization(_) => {}
                    Resource::Workspace(_, workspace) => self.workspaces.push(AskedWorkspace {
                        user_id: *user,
                        workspace_id: *workspace,
                    }),
                    Resource::Domain(_, domain) => self.domains.push(AskedDomain {
                        user_id: *user,
                        domain_id: domain.as_uuid(),
                    }),
                }
            }
            Key::Person(user) => self.persons.push(*user),
            Key::SentBy(user) => self.inviters.push(*user),
            Key::Address(email, workspace) => self.addresses.push(AskedAddress {
                email_key: EmailKey::as_str(email),
                workspace_id: *workspace,
            }),
            Key::Invitation(id, user) => self.invitations.push(AskedInvitation {
                id: *id,
                user_id: *user,
            }),
            Key::OpenInvitations(Some(workspace)) => self.open_into.push(*workspace),
            Key::OpenInvitations(None) => self.open = true,
            Key::WorkspaceNamed(name) => self.workspace_names.push(NameKey::as_str(name)),
            Key::DomainNamed(name) => self.domain_names.push(name.as_str()),
            Key::Commit(id) => self.commit = self.commit.or(Some(id.as_uuid())),
        }
    }
}

impl Loaded {
    fn misfiled(&self) -> Vec<RecordId> {
        let members = self
            .members
            .iter()
            .flatten()
            .filter_map(MemberRow::misfiled);
        let workspaces = self.workspaces.iter().flatten();
        let invitations = self.invitations.iter().flatten();
        members
            .chain(workspaces.filter_map(WorkspaceRow::misfiled))
            .chain(invitations.filter_map(InvitationRow::misfiled))
            .collect()
    }

    fn records(self) -> Result<Vec<Record>, DecodeError> {
        let mut records = Vec::new();
        for row in self.members.unwrap_or_default() {
            records.push(Record::Member(row.try_into()?));
        }
        for row in self.workspaces.unwrap_or_default() {
            records.push(Record::Workspace(row.into()));
        }
        for row in self.workspace_members.unwrap_or_default() {
            records.push(Record::WorkspaceMember(row.try_into()?));
        }
        for row in self.domains.unwrap_or_default() {
            records.push(Record::Domain(row.try_into()?));
        }
        for row in self.retired_domain_names.unwrap_or_default() {
            records.push(Record::RetiredDomainName(row.into()));
        }
        for row in self.invitations.unwrap_or_default() {
            records.push(Record::Invitation(row.try_into()?));
        }
        Ok(records)
    }
}

impl Put {
    fn add(&mut self, record: &Record) {
        match record {
            Record::Member(member) => self.members.push(member.into()),
            Record::Workspace(workspace) => self.workspaces.push(workspace.into()),
            Record::WorkspaceMember(member) => self.workspace_members.push(member.into()),
            Record::Domain(domain) => self.domains.push(domain.into()),
            Record::RetiredDomainName(retired) => self.retired_domain_names.push(retired.into()),
            Record::Invitation(invitation) => self.invitations.push(invitation.into()),
        }
    }
}

impl Delete {
    fn add(&mut self, id: &RecordId) {
        match id {
            RecordId::Member(user) => self.members.push(*user),
            RecordId::Workspace(id) => self.workspaces.push(*id),
            RecordId::WorkspaceMember(workspace, user) => {
                self.workspace_members.push(AskedWorkspace {
                    user_id: *user,
                    workspace_id: *workspace,
                });
            }
            RecordId::Domain(id) => self.domains.push(id.as_uuid()),
            RecordId::RetiredDomainName(name) => self.retired_domain_names.push(name.clone()),
            RecordId::Invitation(id) => self.invitations.push(*id),
        }
    }
}

/// The claims that a commit makes.
fn claims(commit: &Commit) -> impl Iterator<Item = &Claim> {
    commit.changes.iter().filter_map(|change| match change {
        Change::Claim(claim) => Some(claim),
        Change::Put(_) | Change::Delete(_) | Change::Release(_) => None,
    })
}

/// An answer without the part that it must have.
fn missing(of: &'static str) -> DecodeError {
    DecodeError::Row {
        of,
        source: serde::de::Error::custom("the answer is incomplete"),
    }
}

/// A value of this module as JSON.
fn json(value: &impl Serialize) -> String {
    // Can't fail: there are only structs with plain fields. Were it to, the server would refuse the empty text.
    serde_json::to_string(value).unwrap_or_default()
}
