//! Records: what a store keeps of an organization, by which key, and what a commit changes.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

use crate::domain::{Domain, RetiredDomainName};
use crate::id::{DomainId, InvitationId, UserId, WorkspaceId};
use crate::invitation::Invitation;
use crate::later::{Later, watched};
use crate::member::{FormerMember, Member, WorkspaceMember};
use crate::own_role::RoleNumber;
use crate::text::{DomainName, stored};
use crate::workspace::Workspace;

/// A thing that a store keeps for an organization.
///
/// Exhaustive on purpose: a store that ignores a kind must not compile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// A membership of the organization.
    Member(Member),
    /// A workspace.
    Workspace(Workspace),
    /// A membership of a workspace.
    WorkspaceMember(WorkspaceMember),
    /// A domain.
    Domain(Domain),
    /// The name of a deleted domain.
    RetiredDomainName(RetiredDomainName),
    /// An invitation.
    Invitation(Invitation),
    /// Somebody who departed.
    FormerMember(FormerMember),
}

/// How it is written; what a later version keeps with it, or with a part of it, stands where it stood.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", remote = "Record")]
enum Kept {
    Member(Member),
    Workspace(Workspace),
    WorkspaceMember(WorkspaceMember),
    Domain(Domain),
    RetiredDomainName(RetiredDomainName),
    Invitation(Invitation),
    FormerMember(FormerMember),
}

#[derive(Serialize)]
#[serde(transparent)]
struct Known<'a>(#[serde(with = "Kept")] &'a Record);

impl Serialize for Record {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.later().written(&Known(self), serializer)
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (mut record, later) = watched(deserializer, |watched| Kept::deserialize(watched))?;
        *record.later_mut() = later;
        Ok(record)
    }
}

/// The key of a [`Record`] within its organization.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordId {
    /// Of a [`Member`].
    Member(UserId),
    /// Of a [`Workspace`].
    Workspace(WorkspaceId),
    /// Of a [`WorkspaceMember`].
    WorkspaceMember(WorkspaceId, UserId),
    /// Of a [`Domain`].
    Domain(DomainId),
    /// Of a [`RetiredDomainName`].
    RetiredDomainName(#[serde(with = "stored")] DomainName),
    /// Of an [`Invitation`].
    Invitation(InvitationId),
    /// Of a [`FormerMember`], of the organization or of a workspace.
    FormerMember(UserId, Option<WorkspaceId>),
}

/// The kinds of records: a table each, in a store that has tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// [`Record::Member`].
    Member,
    /// [`Record::Workspace`].
    Workspace,
    /// [`Record::WorkspaceMember`].
    WorkspaceMember,
    /// [`Record::Domain`].
    Domain,
    /// [`Record::RetiredDomainName`].
    RetiredDomainName,
    /// [`Record::Invitation`].
    Invitation,
    /// [`Record::FormerMember`].
    FormerMember,
}

/// A column beside a record's JSON, by which a store finds the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub holds: ColumnType,
}

/// What a [`Column`] holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnType {
    /// An id.
    Id,
    /// Text that compares byte for byte.
    Text,
    /// A code, such as [`OrganizationRole::code`](crate::OrganizationRole::code).
    Code,
    /// A number of 64 bits, such as a time in milliseconds.
    Number,
}

/// The value of a [`Column`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Of a [`ColumnType::Id`]; `None` is null.
    Id(Option<Uuid>),
    /// Of a [`ColumnType::Text`]; `None` is null.
    Text(Option<String>),
    /// Of a [`ColumnType::Code`].
    Code(u8),
    /// Of a [`ColumnType::Number`]; `None` is null.
    Number(Option<i64>),
}

const fn id(name: &'static str) -> Column {
    Column {
        name,
        holds: ColumnType::Id,
    }
}

const fn text(name: &'static str) -> Column {
    Column {
        name,
        holds: ColumnType::Text,
    }
}

const fn code(name: &'static str) -> Column {
    Column {
        name,
        holds: ColumnType::Code,
    }
}

const fn number(name: &'static str) -> Column {
    Column {
        name,
        holds: ColumnType::Number,
    }
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Member,
        Self::Workspace,
        Self::WorkspaceMember,
        Self::Domain,
        Self::RetiredDomainName,
        Self::Invitation,
        Self::FormerMember,
    ];

    /// The name of its table.
    #[must_use]
    pub const fn table(self) -> &'static str {
        match self {
            Self::Member => "members",
            Self::Workspace => "workspaces",
            Self::WorkspaceMember => "workspace_members",
            Self::Domain => "domains",
            Self::RetiredDomainName => "retired_domain_names",
            Self::Invitation => "invitations",
            Self::FormerMember => "former_members",
        }
    }

    /// The columns of its key, after the organization's: [`RecordId::key`] has their values.
    #[must_use]
    pub const fn key(self) -> &'static [Column] {
        match self {
            Self::Member => const { &[id("user_id")] },
            Self::Workspace | Self::Domain | Self::Invitation => const { &[id("id")] },
            Self::WorkspaceMember => const { &[id("workspace_id"), id("user_id")] },
            Self::RetiredDomainName => const { &[text("name")] },
            Self::FormerMember => const { &[id("user_id"), id("workspace_id")] },
        }
    }

    /// The columns by which it is found otherwise, and by which hosts join: [`Record::columns`] has their
    /// values. All that a record holds is in its JSON; these repeat some of it.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Member => {
                const {
                    &[
                        code("role"),
                        text("email_key"),
                        number("counts_until"),
                        number("own_role"),
                    ]
                }
            }
            Self::Workspace => const { &[text("name_key")] },
            Self::WorkspaceMember => {
                const { &[code("role"), number("counts_until"), number("own_role")] }
            }
            Self::Domain => {
                const {
                    &[
                        id("workspace_id"),
                        text("name"),
                        code("kind"),
                        code("status"),
                    ]
                }
            }
            Self::Invitation => {
                const {
                    &[
                        text("email_key"),
                        id("workspace_id"),
                        code("role"),
                        id("inviter"),
                        code("state"),
                    ]
                }
            }
            Self::RetiredDomainName | Self::FormerMember => const { &[] },
        }
    }
}

impl RecordId {
    /// The kind of record that it is the key of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Member(_) => Kind::Member,
            Self::Workspace(_) => Kind::Workspace,
            Self::WorkspaceMember(..) => Kind::WorkspaceMember,
            Self::Domain(_) => Kind::Domain,
            Self::RetiredDomainName(_) => Kind::RetiredDomainName,
            Self::Invitation(_) => Kind::Invitation,
            Self::FormerMember(..) => Kind::FormerMember,
        }
    }

    /// The values of [`Kind::key`], none of which is null: a former member of the organization itself has
    /// the nil UUID for a workspace.
    #[must_use]
    pub fn key(&self) -> Vec<Value> {
        let id = |uuid| Value::Id(Some(uuid));
        match self {
            Self::Member(user) => vec![id(user.as_uuid())],
            Self::Workspace(workspace) => vec![id(workspace.as_uuid())],
            Self::WorkspaceMember(workspace, user) => {
                vec![id(workspace.as_uuid()), id(user.as_uuid())]
            }
            Self::Domain(domain) => vec![id(domain.as_uuid())],
            Self::RetiredDomainName(name) => vec![Value::Text(Some(name.as_str().to_owned()))],
            Self::Invitation(invitation) => vec![id(invitation.as_uuid())],
            Self::FormerMember(user, workspace) => {
                let workspace = workspace.map_or(Uuid::nil(), |workspace| workspace.as_uuid());
                vec![id(user.as_uuid()), id(workspace)]
            }
        }
    }
}

/// Something that must be unique across all organizations, whose versions never meet.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Claim {
    /// A domain's name, an address in the whole deployment (D2). Kept while the domain exists, and after
    /// its deletion until an operator releases it.
    DomainName(#[serde(with = "stored")] DomainName),
}

/// One thing that a store has to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Insert the record, or replace the one with its id as a whole.
    Put(Record),
    /// Delete the record with this id.
    Delete(RecordId),
    /// Make the organization the claim's owner, or answer [`Outcome::Taken`](crate::store::Outcome::Taken).
    Claim(Claim),
    /// Free the claim, which the organization holds.
    Release(Claim),
}

impl Record {
    /// What a later version of this crate keeps with it.
    const fn later(&self) -> &Later {
        match self {
            Self::Member(member) => &member.later,
            Self::Workspace(workspace) => &workspace.later,
            Self::WorkspaceMember(member) => &member.later,
            Self::Domain(domain) => &domain.later,
            Self::RetiredDomainName(retired) => &retired.later,
            Self::Invitation(invitation) => &invitation.later,
            Self::FormerMember(former) => &former.later,
        }
    }

    /// The same, to be changed.
    pub(crate) const fn later_mut(&mut self) -> &mut Later {
        match self {
            Self::Member(member) => &mut member.later,
            Self::Workspace(workspace) => &mut workspace.later,
            Self::WorkspaceMember(member) => &mut member.later,
            Self::Domain(domain) => &mut domain.later,
            Self::RetiredDomainName(retired) => &mut retired.later,
            Self::Invitation(invitation) => &mut invitation.later,
            Self::FormerMember(former) => &mut former.later,
        }
    }

    /// The values of [`Kind::columns`].
    #[must_use]
    pub fn columns(&self) -> Vec<Value> {
        let text = |text: &str| Value::Text(Some(text.to_owned()));
        match self {
            Self::Member(member) => vec![
                Value::Code(member.role.code()),
                text(member.email.key().as_str()),
                Value::Number(member.term().column()),
                Value::Number(member.own_role.map(RoleNumber::column)),
            ],
            Self::Workspace(workspace) => vec![text(workspace.name_key.as_str())],
            Self::WorkspaceMember(member) => vec![
                Value::Code(member.role.code()),
                Value::Number(member.term().column()),
                Value::Number(member.own_role.map(RoleNumber::column)),
            ],
            Self::Domain(domain) => vec![
                Value::Id(Some(domain.workspace.as_uuid())),
                text(domain.name.as_str()),
                Value::Code(domain.kind.code()),
                Value::Code(domain.status.code()),
            ],
            Self::Invitation(invitation) => vec![
                text(invitation.email.key().as_str()),
                Value::Id(
                    invitation
                        .target
                        .workspace()
                        .map(|workspace| workspace.as_uuid()),
                ),
                Value::Code(invitation.target.role_code()),
                Value::Id(Some(invitation.inviter.as_uuid())),
                Value::Code(invitation.state.code()),
            ],
            Self::RetiredDomainName(_) | Self::FormerMember(_) => Vec::new(),
        }
    }

    /// Its key.
    #[must_use]
    pub fn id(&self) -> RecordId {
        match self {
            Self::Member(member) => RecordId::Member(member.user),
            Self::Workspace(workspace) => RecordId::Workspace(workspace.id),
            Self::WorkspaceMember(member) => {
                RecordId::WorkspaceMember(member.workspace, member.user)
            }
            Self::Domain(domain) => RecordId::Domain(domain.id),
            Self::RetiredDomainName(retired) => RecordId::RetiredDomainName(retired.name.clone()),
            Self::Invitation(invitation) => RecordId::Invitation(invitation.id),
            Self::FormerMember(former) => RecordId::FormerMember(former.user, former.workspace),
        }
    }
}

impl fmt::Display for RecordId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(user) => write!(f, "member `{user}`"),
            Self::Workspace(id) => write!(f, "workspace `{id}`"),
            Self::WorkspaceMember(workspace, user) => {
                write!(f, "member `{user}` of workspace `{workspace}`")
            }
            Self::Domain(id) => write!(f, "domain `{id}`"),
            Self::RetiredDomainName(name) => write!(f, "retired domain name `{name}`"),
            Self::Invitation(id) => write!(f, "invitation `{id}`"),
            Self::FormerMember(user, None) => write!(f, "former member `{user}`"),
            Self::FormerMember(user, Some(workspace)) => {
                write!(f, "former member `{user}` of workspace `{workspace}`")
            }
        }
    }
}

impl fmt::Display for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DomainName(name) => write!(f, "domain name `{name}`"),
        }
    }
}

impl Claim {
    /// The number of its scope, the same for ever, and its key in it: what a store keeps.
    #[must_use]
    pub fn filed(&self) -> (u8, &str) {
        match self {
            Self::DomainName(name) => (1, name.as_str()),
        }
    }

    /// The claim that is [filed](Self::filed) like this, whatever today's rules say of its key (A7); `None` of a scope
    /// that this version doesn't know.
    ///
    /// ```
    /// use tenancy::store::Claim;
    ///
    /// let claim = Claim::from_filed(1, "acme-staging").unwrap();
    /// assert_eq!(claim.filed(), (1, "acme-staging"));
    /// assert_eq!(Claim::from_filed(200, "acme-staging"), None);
    /// ```
    #[must_use]
    pub fn from_filed(scope: u8, key: &str) -> Option<Self> {
        match scope {
            1 => Some(Self::DomainName(DomainName::believed(key.to_owned()))),
            _ => None,
        }
    }
}
