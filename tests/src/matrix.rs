//! The rulebook's table of who may do what, and which actions each of its rows is about.
//!
//! The table itself is `golden/rulebook-matrix.md`, as the rulebook has it. The model reads it, and so does the
//! test that holds the crate's own table against it.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tenancy::store::Repository;
use tenancy::{
    Actor, Decision, DomainAction, DomainId, Grant, Layer, OrganizationAction, OrganizationId,
    Refusal, Resource, RoleSet, Standing, Tenancy, UserId, WorkspaceAction, WorkspaceId, block_on,
};

use Asked::{OnDomain, OnOrganization, OnWorkspace};

/// The rulebook's table.
pub const RULEBOOK: &str = include_str!("../golden/rulebook-matrix.md");

/// The ids of one of each.
pub type Ids = (OrganizationId, WorkspaceId, DomainId, UserId);

/// One action of any layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Asked {
    /// Asked of an organization.
    OnOrganization(OrganizationAction),
    /// Asked of a workspace.
    OnWorkspace(WorkspaceAction),
    /// Asked of a domain.
    OnDomain(DomainAction),
}

/// A row of the rulebook's table: its section, its words, and the actions that it is about.
pub type Row = (Layer, &'static str, &'static [Asked]);

/// The rows of the table, in its order.
pub const ROWS: &[Row] = &[
    (
        Layer::Organization,
        "view (name, own role, the workspaces one may view)",
        &[OnOrganization(OrganizationAction::View)],
    ),
    (
        Layer::Organization,
        "rename, edit company information",
        &[
            OnOrganization(OrganizationAction::Rename),
            OnOrganization(OrganizationAction::EditCompany),
        ],
    ),
    (
        Layer::Organization,
        "view members and invitations",
        &[
            OnOrganization(OrganizationAction::ViewMembers),
            OnOrganization(OrganizationAction::ViewInvitations),
        ],
    ),
    (
        Layer::Organization,
        "manage roles: change one, define the organization's own (R1), hand the organization over (O7)",
        &[OnOrganization(OrganizationAction::ManageRoles)],
    ),
    (
        Layer::Organization,
        "invite",
        &[OnOrganization(OrganizationAction::Invite)],
    ),
    (
        Layer::Organization,
        "remove a member, suspend one, let a membership end (T1, T3)",
        &[
            OnOrganization(OrganizationAction::RemoveMember),
            OnOrganization(OrganizationAction::SuspendMember),
            OnOrganization(OrganizationAction::EndMembership),
        ],
    ),
    (
        Layer::Organization,
        "create a workspace (quota, W2)",
        &[OnOrganization(OrganizationAction::CreateWorkspace)],
    ),
    (
        Layer::Organization,
        "view invoicing, view contract",
        &[
            OnOrganization(OrganizationAction::ViewInvoicing),
            OnOrganization(OrganizationAction::ViewContract),
        ],
    ),
    (
        Layer::Organization,
        "edit invoicing",
        &[OnOrganization(OrganizationAction::EditInvoicing)],
    ),
    (
        Layer::Organization,
        "edit contract, set the workspace quota and the other limits (Q2), appoint an Admin (repair), release a deleted domain's name, suspend and reinstate the organization (T4)",
        &[
            OnOrganization(OrganizationAction::EditContract),
            OnOrganization(OrganizationAction::SetWorkspaceQuota),
            OnOrganization(OrganizationAction::SetLimits),
            OnOrganization(OrganizationAction::AppointAdmin),
            OnOrganization(OrganizationAction::ReleaseDomainName),
            OnOrganization(OrganizationAction::Suspend),
        ],
    ),
    (
        Layer::Organization,
        "view the audit trail",
        &[OnOrganization(OrganizationAction::ViewAuditTrail)],
    ),
    (
        Layer::Organization,
        "delete (O6)",
        &[OnOrganization(OrganizationAction::Delete)],
    ),
    (
        Layer::Workspace,
        "view (name)",
        &[OnWorkspace(WorkspaceAction::View)],
    ),
    (
        Layer::Workspace,
        "rename",
        &[OnWorkspace(WorkspaceAction::Rename)],
    ),
    (
        Layer::Workspace,
        "view members",
        &[OnWorkspace(WorkspaceAction::ViewMembers)],
    ),
    (
        Layer::Workspace,
        "view its invitations",
        &[OnWorkspace(WorkspaceAction::ViewInvitations)],
    ),
    (
        Layer::Workspace,
        "manage roles: give an organization member a role, change it, take it away",
        &[OnWorkspace(WorkspaceAction::ManageRoles)],
    ),
    (
        Layer::Workspace,
        "invite someone who is already an organization member",
        &[OnWorkspace(WorkspaceAction::InviteMember)],
    ),
    (
        Layer::Workspace,
        "invite someone new",
        &[OnWorkspace(WorkspaceAction::InviteNewcomer)],
    ),
    (
        Layer::Workspace,
        "view and edit its invoicing",
        &[
            OnWorkspace(WorkspaceAction::ViewInvoicing),
            OnWorkspace(WorkspaceAction::EditInvoicing),
        ],
    ),
    (
        Layer::Workspace,
        "delete (W4)",
        &[OnWorkspace(WorkspaceAction::Delete)],
    ),
    (
        Layer::Workspace,
        "create a domain",
        &[OnWorkspace(WorkspaceAction::CreateDomain)],
    ),
    (
        Layer::Workspace,
        "list its domains",
        &[OnWorkspace(WorkspaceAction::ListDomains)],
    ),
    (Layer::Domain, "view", &[OnDomain(DomainAction::View)]),
    (
        Layer::Domain,
        "configure (all host settings but the two below)",
        &[OnDomain(DomainAction::Configure)],
    ),
    (
        Layer::Domain,
        "view server keys",
        &[OnDomain(DomainAction::ViewServerKeys)],
    ),
    (
        Layer::Domain,
        "deactivate, reactivate",
        &[
            OnDomain(DomainAction::Deactivate),
            OnDomain(DomainAction::Reactivate),
        ],
    ),
    (Layer::Domain, "delete", &[OnDomain(DomainAction::Delete)]),
    (
        Layer::Domain,
        "move to another workspace of the organization (on both)",
        &[OnDomain(DomainAction::Move)],
    ),
];

impl Asked {
    /// The roles that may, as the crate has them.
    pub fn allowed(self) -> RoleSet {
        match self {
            OnOrganization(action) => action.allowed(),
            OnWorkspace(action) => action.allowed(),
            OnDomain(action) => action.allowed(),
        }
    }

    /// What it is asked of.
    pub fn layer(self) -> Layer {
        match self {
            OnOrganization(_) => Layer::Organization,
            OnWorkspace(_) => Layer::Workspace,
            OnDomain(_) => Layer::Domain,
        }
    }

    /// Where it is asked, if these are the ids.
    pub fn on(self, (organization, workspace, domain, _): Ids) -> Resource {
        match self {
            OnOrganization(_) => Resource::Organization(organization),
            OnWorkspace(_) => Resource::Workspace(organization, workspace),
            OnDomain(_) => Resource::Domain(organization, domain),
        }
    }

    /// What a standing decides on it.
    pub fn of(self, standing: &Standing) -> Decision {
        match self {
            OnOrganization(action) => standing.decide(action),
            OnWorkspace(action) => standing.decide(action),
            OnDomain(action) => standing.decide(action),
        }
    }

    /// By what a standing permits it.
    pub fn required(self, standing: &Standing) -> Result<Grant, Refusal> {
        match self {
            OnOrganization(action) => standing.require(action).map(|permit| permit.by()),
            OnWorkspace(action) => standing.require(action).map(|permit| permit.by()),
            OnDomain(action) => standing.require(action).map(|permit| permit.by()),
        }
    }

    /// What the shell answers, which makes the standing of what its store holds.
    pub fn checked(self, tenancy: &Tenancy<impl Repository>, actor: &Actor, ids: Ids) -> Decision {
        let (organization, workspace, domain, _) = ids;
        let decision = match self {
            OnOrganization(action) => block_on(tenancy.check(actor, organization, action)),
            OnWorkspace(action) => {
                block_on(tenancy.check(actor, (organization, workspace), action))
            }
            OnDomain(action) => block_on(tenancy.check(actor, (organization, domain), action)),
        };
        decision.unwrap()
    }

    /// The action in a few words.
    pub fn phrase(self) -> &'static str {
        match self {
            OnOrganization(action) => action.phrase(),
            OnWorkspace(action) => action.phrase(),
            OnDomain(action) => action.phrase(),
        }
    }
}

/// A table as people wrote it: for each row its section, its words, and the letters that it ticks.
pub fn parsed(text: &str) -> Vec<(Layer, String, Vec<&'static str>)> {
    let mut rows = Vec::new();
    let mut layer = None;
    for line in text.lines() {
        for (heading, named) in [
            ("on an organization", Layer::Organization),
            ("on a workspace", Layer::Workspace),
            ("on a domain", Layer::Domain),
        ] {
            if line.to_lowercase().contains(heading) {
                layer = Some(named);
            }
        }
        let Some(line) = line.strip_prefix("| ") else {
            continue;
        };
        let line = line.strip_suffix('|').expect("a row ends with a bar");
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        assert_eq!(cells.len(), 8, "{line}");
        let words = cells[0];
        if words == "action" || words == "---" || words.starts_with("**") {
            continue;
        }
        let ticks = RoleSet::LETTERS.iter().zip(&cells[1..]);
        let ticked = ticks.filter_map(|((letter, _), cell)| match *cell {
            "✓" => Some(*letter),
            "" => None,
            other => panic!("`{other}` in a cell of `{words}`"),
        });
        rows.push((layer.unwrap(), words.to_owned(), ticked.collect()));
    }
    rows
}

/// The letters that each action's row ticks, as in `A C op`.
static TICKED: LazyLock<BTreeMap<Asked, String>> = LazyLock::new(|| {
    let mut ticked = BTreeMap::new();
    for (layer, words, letters) in parsed(RULEBOOK) {
        let row = ROWS
            .iter()
            .find(|row| (row.0, row.1) == (layer, words.as_str()))
            .unwrap_or_else(|| panic!("no actions for the row `{words}`"));
        for action in row.2 {
            ticked.insert(*action, letters.join(" "));
        }
    }
    ticked
});

/// The letters of the roles that may, as the rulebook ticks them.
pub fn ticked(action: Asked) -> &'static str {
    let letters = TICKED.get(&action);
    letters.unwrap_or_else(|| panic!("no row is about {action:?}"))
}

/// The words of the row that an action is in.
pub fn words(action: Asked) -> &'static str {
    let row = ROWS
        .iter()
        .find(|(_, _, actions)| actions.contains(&action));
    row.unwrap_or_else(|| panic!("no row is about {action:?}"))
        .1
}

/// The action of viewing what is on a layer.
pub const fn view(layer: Layer) -> Asked {
    match layer {
        Layer::Organization => OnOrganization(OrganizationAction::View),
        Layer::Workspace => OnWorkspace(WorkspaceAction::View),
        Layer::Domain => OnDomain(DomainAction::View),
    }
}

/// Every action there is.
pub fn every_action() -> Vec<Asked> {
    let on_organizations = OrganizationAction::ALL.map(OnOrganization);
    let on_workspaces = WorkspaceAction::ALL.map(OnWorkspace);
    let on_domains = DomainAction::ALL.map(OnDomain);
    [&on_organizations[..], &on_workspaces, &on_domains].concat()
}
