//! What is read for a decision: the facts that keys bring, and a standing.

use std::collections::BTreeMap;

use serde::Serialize;
use tenancy::store::{Facts, Held, Key, OrganizationStatus, OrganizationSummary, Term};
use tenancy::{
    DomainId, DomainKind, InvitationId, OrganizationId, OrganizationRole, Resource, UserId,
    Version, WorkspaceId, WorkspaceRole,
};
use uuid::Uuid;

use crate::error::DecodeError;
use crate::statements::{Parameter, Statement, Texts, json, read};

/// A look-up: what one sort of key brings.
///
/// Each is a SELECT of its own (`sql/load/`), of rows of a table's name and a record (or null). A [`load`] is the
/// UNION of those that its keys need: one statement, hence one snapshot. In all of them `p` are the keys, and `$1` is
/// the organization.
///
/// Every look-up is by equality, in a subquery that the planner can't turn around (a value, LIMIT, OFFSET 0): an index
/// look-up a row, whatever the statistics say of the organization's size. (With `= ANY (ARRAY (..))`, one that has
/// grown since they were made, or one among very many small ones, is read as a whole.) `left(.., 0) = ''` always
/// holds; it tells the planner that there are few keys, where it takes JSON for a hundred rows, and would rather
/// compile the statement first (JIT).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum LookUp {
    PathToOrganization,
    PathToWorkspace,
    PathToDomain,
    Person,
    SentTo,
    SentBy,
    Address,
    Invitation,
    OpenInvitationsInto,
    OpenInvitations,
    WorkspaceNamed,
    DomainNamed,
    Commit,
}

impl LookUp {
    const ALL: [Self; 13] = [
        Self::PathToOrganization,
        Self::PathToWorkspace,
        Self::PathToDomain,
        Self::Person,
        Self::SentTo,
        Self::SentBy,
        Self::Address,
        Self::Invitation,
        Self::OpenInvitationsInto,
        Self::OpenInvitations,
        Self::WorkspaceNamed,
        Self::DomainNamed,
        Self::Commit,
    ];

    /// The name of its list of keys in the parameter.
    const fn name(self) -> &'static str {
        match self {
            Self::PathToOrganization => "path_to_organization",
            Self::PathToWorkspace => "path_to_workspace",
            Self::PathToDomain => "path_to_domain",
            Self::Person => "person",
            Self::SentTo => "sent_to",
            Self::SentBy => "sent_by",
            Self::Address => "address",
            Self::Invitation => "invitation",
            Self::OpenInvitationsInto => "open_invitations_into",
            Self::OpenInvitations => "open_invitations",
            Self::WorkspaceNamed => "workspace_named",
            Self::DomainNamed => "domain_named",
            Self::Commit => "commit",
        }
    }

    const fn text(self) -> &'static str {
        match self {
            Self::PathToOrganization => include_str!("../sql/load/path_to_organization.sql"),
            Self::PathToWorkspace => include_str!("../sql/load/path_to_workspace.sql"),
            Self::PathToDomain => include_str!("../sql/load/path_to_domain.sql"),
            Self::Person => include_str!("../sql/load/person.sql"),
            Self::SentTo => include_str!("../sql/load/sent_to.sql"),
            Self::SentBy => include_str!("../sql/load/sent_by.sql"),
            Self::Address => include_str!("../sql/load/address.sql"),
            Self::Invitation => include_str!("../sql/load/invitation.sql"),
            Self::OpenInvitationsInto => include_str!("../sql/load/open_invitations_into.sql"),
            Self::OpenInvitations => include_str!("../sql/load/open_invitations.sql"),
            Self::WorkspaceNamed => include_str!("../sql/load/workspace_named.sql"),
            Self::DomainNamed => include_str!("../sql/load/domain_named.sql"),
            Self::Commit => include_str!("../sql/load/commit.sql"),
        }
    }

    /// Whether it has keys, and so needs the parameter.
    const fn has_keys(self) -> bool {
        !matches!(self, Self::OpenInvitations)
    }
}

/// A key as JSON: the fields that its look-up names.
#[derive(Default, Serialize)]
struct Asked<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user_id: Option<UserId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    workspace_id: Option<WorkspaceId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    domain_id: Option<DomainId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email_key: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

fn asked(key: &Key) -> (LookUp, Asked<'_>) {
    let of = |user: &UserId| Asked {
        user_id: Some(*user),
        ..Asked::default()
    };
    match key {
        Key::Path(user, Resource::Organization(_)) => (LookUp::PathToOrganization, of(user)),
        Key::Path(user, Resource::Workspace(_, workspace)) => (
            LookUp::PathToWorkspace,
            Asked {
                workspace_id: Some(*workspace),
                ..of(user)
            },
        ),
        Key::Path(user, Resource::Domain(_, domain)) => (
            LookUp::PathToDomain,
            Asked {
                domain_id: Some(*domain),
                ..of(user)
            },
        ),
        Key::Person(user) => (LookUp::Person, of(user)),
        Key::SentTo(user) => (LookUp::SentTo, of(user)),
        Key::SentBy(user) => (LookUp::SentBy, of(user)),
        Key::Address(email, workspace) => (
            LookUp::Address,
            Asked {
                email_key: Some(email.as_str()),
                workspace_id: *workspace,
                ..Asked::default()
            },
        ),
        Key::Invitation(id, user) => (
            LookUp::Invitation,
            Asked {
                id: Some(InvitationId::as_uuid(id)),
                user_id: *user,
                ..Asked::default()
            },
        ),
        Key::OpenInvitations(Some(workspace)) => (
            LookUp::OpenInvitationsInto,
            Asked {
                workspace_id: Some(*workspace),
                ..Asked::default()
            },
        ),
        Key::OpenInvitations(None) => (LookUp::OpenInvitations, Asked::default()),
        Key::WorkspaceNamed(name) => (
            LookUp::WorkspaceNamed,
            Asked {
                name: Some(name.as_str()),
                ..Asked::default()
            },
        ),
        Key::DomainNamed(name) => (
            LookUp::DomainNamed,
            Asked {
                name: Some(name.as_str()),
                ..Asked::default()
            },
        ),
        Key::Commit(id) => (
            LookUp::Commit,
            Asked {
                id: Some(id.as_uuid()),
                ..Asked::default()
            },
        ),
    }
}

static TEXTS: Texts<Vec<LookUp>> = Texts::new();

fn text(look_ups: &[LookUp]) -> String {
    let organization = "SELECT 'organizations' AS kind, o.record::text AS record\n\
        FROM tenancy.organizations o WHERE o.id = $1::uuid";
    let mut text = organization.to_owned();
    for look_up in look_ups {
        text.push_str("\nUNION ALL\n");
        text.push_str(look_up.text().trim_end());
    }
    text
}

/// All look-ups in one text: what a server must be able to prepare.
pub(crate) fn full_text() -> &'static str {
    TEXTS.of(LookUp::ALL.to_vec(), |look_ups| text(look_ups))
}

/// The facts that keys bring. The rows of the answer have two columns of type `text` (`kind`, `record`), for
/// [`facts`].
#[must_use]
pub fn load(organization: OrganizationId, keys: &[Key]) -> Statement {
    let mut by_look_up: BTreeMap<LookUp, Vec<Asked<'_>>> = BTreeMap::new();
    for (look_up, asked) in keys.iter().map(asked) {
        let asked_before = by_look_up.entry(look_up).or_default();
        if look_up != LookUp::Commit || asked_before.is_empty() {
            asked_before.push(asked); // of commits, facts have one: the first that is asked for
        }
    }
    let look_ups: Vec<LookUp> = by_look_up.keys().copied().collect();
    let mut parameters = vec![Parameter::Uuid(Some(organization.as_uuid()))];
    if look_ups.iter().any(|look_up| look_up.has_keys()) {
        let by_name: BTreeMap<_, _> = by_look_up
            .iter()
            .map(|(look_up, asked)| (look_up.name(), asked))
            .collect();
        parameters.push(Parameter::Text(json(&by_name)));
    }
    Statement {
        text: TEXTS.of(look_ups, |look_ups| text(look_ups)),
        parameters,
    }
}

/// Reads the rows of a [`load`], in whatever order they come; `None` if the organization doesn't exist.
///
/// # Errors
///
/// - [`DecodeError`]: something else has written a row, or a newer version of this library.
pub fn facts<'a>(
    rows: impl IntoIterator<Item = (&'a str, Option<&'a str>)>,
) -> Result<Option<Facts>, DecodeError> {
    let (mut organization, mut committed) = (None, None);
    let mut records = Vec::new();
    for (table, text) in rows {
        let Some(text) = text else { continue }; // a look-up that found nothing
        match table {
            "organizations" => organization = Some(read(table, "record", None, text)?),
            "commits" => committed = Some(read(table, "entry", None, text)?),
            _ => records.push(read(table, "record", None, text)?),
        }
    }
    Ok(organization.map(|organization| Facts {
        organization,
        records,
        committed,
    }))
}

/// `$1` organization, `$2` user, `$3` workspace or null, `$4` domain or null.
///
/// Five look-ups by key, which read no record; of whoever holds a role of the organization's own, the organization's
/// summary, which says what it adds. LATERAL with LIMIT, so that the planner can't join them in another
/// order: taking an organization for small, it would read all its workspaces.
pub(crate) const STANDING: &str = "\
SELECT o.version, o.status, m.role AS organization_role, m.counts_until AS organization_counts_until,
       w.id AS workspace, wm.role AS workspace_role, wm.counts_until AS workspace_counts_until, d.id AS domain,
       d.kind, m.own_role AS organization_own_role, wm.own_role AS workspace_own_role,
       CASE WHEN COALESCE(m.own_role, wm.own_role) IS NOT NULL THEN o.summary::text END AS summary
FROM tenancy.organizations o
LEFT JOIN LATERAL (SELECT t.role, t.counts_until, t.own_role FROM tenancy.members t
                   WHERE t.organization_id = $1::uuid AND t.user_id = $2::uuid LIMIT 1) m ON true
LEFT JOIN LATERAL (SELECT t.id, t.workspace_id, t.kind FROM tenancy.domains t
                   WHERE t.organization_id = $1 AND t.id = $4::uuid LIMIT 1) d ON true
LEFT JOIN LATERAL (SELECT t.id FROM tenancy.workspaces t
                   WHERE t.organization_id = $1 AND t.id = COALESCE($3::uuid, d.workspace_id) LIMIT 1) w ON true
LEFT JOIN LATERAL (SELECT t.role, t.counts_until, t.own_role FROM tenancy.workspace_members t
                   WHERE t.organization_id = $1 AND t.workspace_id = w.id AND t.user_id = $2 LIMIT 1) wm ON true
WHERE o.id = $1";

/// What a user holds on the path to a resource: no row if the organization doesn't exist, else a [`StandingRow`].
#[must_use]
pub fn standing(user: UserId, resource: Resource) -> Statement {
    let (workspace, domain) = match resource {
        Resource::Organization(_) => (None, None),
        Resource::Workspace(_, workspace) => (Some(workspace.as_uuid()), None),
        Resource::Domain(_, domain) => (None, Some(domain.as_uuid())),
    };
    Statement {
        text: STANDING,
        parameters: vec![
            Parameter::Uuid(Some(resource.organization().as_uuid())),
            Parameter::Uuid(Some(user.as_uuid())),
            Parameter::Uuid(workspace),
            Parameter::Uuid(domain),
        ],
    }
}

/// The row that answers [`standing`], column by column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StandingRow {
    /// `version bigint`
    pub version: i64,
    /// `status smallint`
    pub status: i16,
    /// `organization_role smallint`
    pub organization_role: Option<i16>,
    /// `organization_counts_until bigint`
    pub organization_counts_until: Option<i64>,
    /// `workspace uuid`
    pub workspace: Option<Uuid>,
    /// `workspace_role smallint`
    pub workspace_role: Option<i16>,
    /// `workspace_counts_until bigint`
    pub workspace_counts_until: Option<i64>,
    /// `domain uuid`
    pub domain: Option<Uuid>,
    /// `kind smallint`
    pub kind: Option<i16>,
    /// `organization_own_role bigint`
    pub organization_own_role: Option<i64>,
    /// `workspace_own_role bigint`
    pub workspace_own_role: Option<i64>,
    /// `summary text`: null unless there is one of the two
    pub summary: Option<String>,
}

impl StandingRow {
    /// What it says.
    ///
    /// # Errors
    ///
    /// - [`DecodeError`]: something else has written a role, a time, a status or the version, or a newer version of this
    ///   library.
    pub fn held(&self) -> Result<Held, DecodeError> {
        let version = u64::try_from(self.version).map_err(|_| DecodeError::Code {
            column: "version",
            code: self.version,
        })?;
        let role = |code| read_code("role", code, OrganizationRole::from_code);
        let workspace_role = |code| read_code("role", code, WorkspaceRole::from_code);
        let kind = |code| read_code("kind", code, DomainKind::from_code);
        let held = Held {
            version: Version::new(version),
            status: read_code("status", self.status, OrganizationStatus::from_code)?,
            organization_role: self.organization_role.map(role).transpose()?,
            organization_term: read_term(self.organization_counts_until)?,
            workspace: self.workspace.map(WorkspaceId::from_uuid),
            workspace_role: self.workspace_role.map(workspace_role).transpose()?,
            workspace_term: read_term(self.workspace_counts_until)?,
            domain: self.domain.map(DomainId::from_uuid),
            kind: self.kind.map(kind).transpose()?,
            ..Held::nothing(Version::ABSENT, OrganizationStatus::Active)
        };
        let Some(summary) = &self.summary else {
            return Ok(held);
        };
        let summary: OrganizationSummary = read("organizations", "summary", None, summary)?;
        let (in_organization, in_workspace) = (self.organization_own_role, self.workspace_own_role);
        Ok(held.with_own_roles(in_organization, in_workspace, &summary.roles))
    }
}

fn read_term(number: Option<i64>) -> Result<Term, DecodeError> {
    Term::from_column(number).ok_or(DecodeError::Code {
        column: "counts_until",
        code: number.unwrap_or_default(),
    })
}

fn read_code<T>(
    column: &'static str,
    code: i16,
    from_code: impl Fn(u8) -> Option<T>,
) -> Result<T, DecodeError> {
    let known = u8::try_from(code).ok().and_then(from_code);
    known.ok_or(DecodeError::Code {
        column,
        code: code.into(),
    })
}
