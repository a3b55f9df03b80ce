//! The permission matrix: printed from the code, compared with the rulebook's table cell by cell, and
//! every cell of it tried on every combination of roles.
//!
//! `UPDATE_DOCS=1 cargo test -p tenancy-tests --test rules matrix` rewrites what it prints, in
//! `docs/permission-matrix.md`: its diff is what reviewers look at.

use std::convert::Infallible;
use std::fmt::Write as _;

use chrono::{DateTime, TimeDelta, Utc};
use tenancy::policy::Catalogue;
use tenancy::store::{
    Commit, Counts, Facts, Held, Key, Later, LinksMade, Organization, OrganizationState,
    OrganizationStatus, Outcome, Record, Repository, Workspace,
};
use tenancy::text::TextLine;
use tenancy::{
    Actor, Decision, Domain, DomainId, DomainKind, DomainName, DomainStatus, EmailAddress, Grant,
    Grants, Layer, Member, Name, Operator, OrganizationId, OrganizationRole, Refusal, Resource,
    RoleSet, Standing, Tenancy, UserId, Version, WorkspaceId, WorkspaceMember, WorkspaceRole,
    block_on,
};

use tenancy_tests::matrix::{Asked, Ids, ROWS, RULEBOOK, Row, every_action, parsed, ticked, view};

const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/permission-matrix.md");

fn ids() -> Ids {
    (
        OrganizationId::new(),
        WorkspaceId::new(),
        DomainId::new(),
        UserId::new(),
    )
}

const LEGEND: &str = "\
`A` organization Admin, `C` Accounting, `M` Member, `wA` workspace Admin (direct or by cascade),
`wD` Developer, `wR` Reader, `op` operator. Empty = refused.
";

/// The roles of a row, which are those of each of its actions.
fn roles_of((_, words, actions): &Row) -> RoleSet {
    let roles = actions[0].allowed();
    for action in *actions {
        assert_eq!(action.allowed(), roles, "in the row `{words}`: {action:?}");
    }
    roles
}

fn printed() -> String {
    let mut text = LEGEND.to_owned();
    for (layer, heading) in [
        (Layer::Organization, "On an organization"),
        (Layer::Workspace, "On a workspace"),
        (Layer::Domain, "On a domain"),
    ] {
        let letters = RoleSet::LETTERS.map(|(letter, _)| letter).join(" | ");
        write!(text, "\n## {heading}\n\n| action | {letters} |\n").unwrap();
        text.push_str("| --- | --- | --- | --- | --- | --- | --- | --- |\n");
        for row in ROWS.iter().filter(|row| row.0 == layer) {
            let roles = roles_of(row);
            let cells =
                RoleSet::LETTERS.map(|(_, role)| if roles.contains(role) { " ✓ |" } else { " |" });
            writeln!(text, "| {} |{}", row.1, cells.concat()).unwrap();
        }
    }
    text
}

/// What roles of an organization's own may add, computed from the rows above (R3).
fn printed_additions() -> String {
    let mut text = "
## What roles of an organization's own may add

An organization role adds what the organization's Admin may do, a workspace role what the workspace's Admin may do, in the
organization's workspaces and domains or in its own. What is reserved no role adds: power over people, roles and
limits, and the deletion of organizations and workspaces. A code is for ever; of an action on domains it counts for
sandboxes, and the next number for production.

| action | code | organization role | workspace role |
| --- | --- | --- | --- |
"
    .to_owned();
    for (layer, of) in [
        (Layer::Organization, "organization"),
        (Layer::Workspace, "workspace"),
        (Layer::Domain, "domain"),
    ] {
        let actions = every_action().into_iter();
        for action in actions.filter(|action| action.layer() == layer) {
            let (phrase, code) = match action {
                Asked::OnOrganization(action) => (action.phrase(), action.code()),
                Asked::OnWorkspace(action) => (action.phrase(), action.code()),
                Asked::OnDomain(action) => (action.phrase(), action.code()),
            };
            let one = match action {
                Asked::OnOrganization(action) => Grants::of(action),
                Asked::OnWorkspace(action) => Grants::of(action),
                Asked::OnDomain(action) => Grants::of(action),
            };
            let cell = |of| match &one {
                Ok(one) if Catalogue::NONE.ceiling(of).contains(*one) => "✓ |",
                _ => "|",
            };
            let cells = [cell(Layer::Organization), cell(Layer::Workspace)].join(" ");
            let code = code.map_or_else(|| "reserved".to_owned(), |code| code.to_string());
            writeln!(text, "| on the {of}: {phrase} | {code} | {cells}").unwrap();
        }
    }
    text
}

#[test]
fn a1_every_action_has_exactly_one_row() {
    for action in every_action() {
        let rows = ROWS.iter().filter(|(layer, _, actions)| {
            assert!(actions.iter().all(|action| action.layer() == *layer));
            actions.contains(&action)
        });
        assert_eq!(rows.count(), 1, "{action:?}");
    }
}

#[test]
fn a1_the_code_ticks_what_the_rulebook_ticks() {
    let rules = parsed(RULEBOOK);
    assert_eq!(rules.len(), ROWS.len(), "rows");
    for ((layer, words, ticked), row) in rules.iter().zip(ROWS) {
        assert_eq!((*layer, words.as_str()), (row.0, row.1), "rows, in order");
        for (letter, role) in RoleSet::LETTERS {
            assert_eq!(
                roles_of(row).contains(role),
                ticked.contains(&letter),
                "on {layer}, `{words}`, column `{letter}`"
            );
        }
    }
}

#[test]
fn a1_the_documentation_shows_the_matrix_of_the_code() {
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(DOCS, printed() + &printed_additions()).unwrap();
    }
    assert_eq!(
        std::fs::read_to_string(DOCS).unwrap(),
        printed() + &printed_additions(),
        "run with UPDATE_DOCS=1"
    );
}

#[test]
fn a1_what_is_printed_reads_back_as_the_rulebook() {
    assert_eq!(parsed(&printed()), parsed(RULEBOOK));
}

/// What somebody holds at a layer in the rulebook's letters: the section "Roles", read to the letter.
fn letters_held(
    layer: Layer,
    organization_role: Option<OrganizationRole>,
    workspace_role: Option<WorkspaceRole>,
) -> Vec<&'static str> {
    let Some(organization_role) = organization_role else {
        return Vec::new(); // M1: who isn't a member of the organization holds nothing in it.
    };
    let mut letters = Vec::new();
    match organization_role {
        OrganizationRole::Admin => letters.push("A"),
        OrganizationRole::Accounting => letters.push("C"),
        OrganizationRole::Member => letters.push("M"),
    }
    if layer != Layer::Organization {
        if organization_role == OrganizationRole::Admin {
            letters.push("wA");
        }
        match workspace_role {
            Some(WorkspaceRole::Admin) => letters.push("wA"),
            Some(WorkspaceRole::Developer) => letters.push("wD"),
            Some(WorkspaceRole::Reader) => letters.push("wR"),
            None => {}
        }
    }
    letters
}

fn letter_of(role: WorkspaceRole) -> &'static str {
    match role {
        WorkspaceRole::Admin => "wA",
        WorkspaceRole::Developer => "wD",
        WorkspaceRole::Reader => "wR",
    }
}

fn set(letters: &[&str]) -> RoleSet {
    let sets = RoleSet::LETTERS
        .iter()
        .filter(|(letter, _)| letters.contains(letter));
    sets.map(|(_, role)| *role).collect()
}

/// What the rulebook answers.
fn oracle(
    action: Asked,
    held: &[&'static str],
    exists: bool,
    explain: impl FnOnce(&[&'static str]) -> Grant,
) -> Decision {
    let meets = |row: &[&str]| held.iter().any(|letter| row.contains(letter));
    let letters = |action| ticked(action).split(' ').collect::<Vec<_>>();
    let row = letters(action);
    if exists && meets(&row) {
        Decision::Allowed { by: explain(&row) }
    } else if exists && meets(&letters(view(action.layer()))) {
        Decision::Forbidden {
            needs: set(&row),
            has: set(held),
        }
    } else {
        Decision::Hidden
    }
}

/// An organization with one workspace and one domain, as far as they exist, and one person in it.
fn state(
    ids: Ids,
    (workspace_exists, domain_exists): (bool, bool),
    organization_role: Option<OrganizationRole>,
    workspace_role: Option<WorkspaceRole>,
) -> OrganizationState {
    let (organization, workspace, domain, user) = ids;
    let at = DateTime::UNIX_EPOCH;
    let mut records = Vec::new();
    if workspace_exists {
        records.push(Record::Workspace(Workspace {
            id: workspace,
            name: Name::new("Payments").unwrap(),
            name_key: Name::new("Payments").unwrap().key(),
            invoicing: None,
            domains: 1,
            members: 1,
            created_at: at,
            later: Later::default(),
        }));
    }
    if domain_exists {
        records.push(Record::Domain(Domain {
            id: domain,
            workspace,
            name: DomainName::new("acme-sandbox").unwrap(),
            kind: DomainKind::Sandbox,
            status: DomainStatus::Active,
            created_at: at,
            later: Later::default(),
        }));
    }
    records.extend(organization_role.map(|role| {
        Record::Member(Member {
            user,
            role,
            own_role: None,
            email: EmailAddress::new("ann@acme.example").unwrap(),
            since: at,
            lowered_in: None,
            suspended: false,
            until: None,
            later: Later::default(),
        })
    }));
    records.extend(workspace_role.map(|role| {
        Record::WorkspaceMember(WorkspaceMember {
            workspace,
            user,
            role,
            own_role: None,
            since: at,
            lowered_in: None,
            until: None,
            later: Later::default(),
        })
    }));
    let row = Organization {
        id: organization,
        version: Version::new(7),
        status: OrganizationStatus::Active,
        name: Name::new("Acme").unwrap(),
        company: None,
        invoicing: None,
        contract: None,
        suspension: None,
        workspace_quota: 1,
        limits: tenancy::Limits::UNLIMITED,
        counts: Counts::default(),
        links: LinksMade::default(),
        roles: Vec::new(),
        created_at: at,
        later: Later::default(),
    };
    OrganizationState::of(row, records)
}

/// A store that holds one organization, for checks only.
struct Holding(OrganizationState);

impl Repository for Holding {
    type Error = Infallible;

    async fn load(&self, _: OrganizationId, keys: &[Key]) -> Result<Option<Facts>, Infallible> {
        Ok(Facts::select(&self.0, [], keys))
    }

    async fn commit(&self, _: &Commit) -> Result<Outcome, Infallible> {
        Ok(Outcome::Conflict)
    }

    async fn standing(&self, user: UserId, on: Resource) -> Result<Option<Held>, Infallible> {
        Ok(self.0.held(user, on))
    }
}

/// Only the library makes a standing, of what a store holds.
fn standing_of(tenancy: &Tenancy<Holding>, actor: &Actor, on: Resource) -> Option<Standing> {
    block_on(tenancy.standing(actor, on)).unwrap()
}

fn with_none<T: Copy>(roles: [T; 3]) -> impl Iterator<Item = Option<T>> + Clone {
    roles.into_iter().map(Some).chain([None])
}

#[test]
fn a1_every_cell_for_every_standing_is_what_the_rulebook_says() {
    let ids = ids();
    let user = Actor::unverified(ids.3);
    let operator = Actor::Operator(Operator::attest(TextLine::new("support").unwrap()));
    let mut cells = 0;
    for (workspace_exists, domain_exists) in
        [(true, true), (true, false), (false, false), (false, true)]
    {
        for organization_role in with_none(OrganizationRole::ALL) {
            for workspace_role in with_none(WorkspaceRole::ALL) {
                for actor in [&user, &operator] {
                    let tenancy = Tenancy::new(Holding(state(
                        ids,
                        (workspace_exists, domain_exists),
                        organization_role,
                        workspace_role,
                    )));
                    for action in every_action() {
                        let (layer, resource) = (action.layer(), action.on(ids));
                        let exists = match layer {
                            Layer::Organization => true,
                            Layer::Workspace => workspace_exists,
                            Layer::Domain => workspace_exists && domain_exists,
                        };
                        let is_operator = actor == &operator;
                        let held = if is_operator {
                            vec!["op"]
                        } else {
                            letters_held(layer, organization_role, workspace_role)
                        };
                        let expected = oracle(action, &held, exists, |row| {
                            // The role held nearest to the resource is named.
                            match (workspace_role, organization_role) {
                                _ if is_operator => Grant::Operator,
                                (Some(role), _)
                                    if layer != Layer::Organization
                                        && row.contains(&letter_of(role)) =>
                                {
                                    Grant::Workspace(role)
                                }
                                (_, Some(role)) if layer == Layer::Organization => {
                                    Grant::Organization(role)
                                }
                                (_, Some(role)) => Grant::Cascade(role),
                                (_, None) => panic!("nobody allowed {action:?}"),
                            }
                        });
                        let what = format!(
                            "{action:?} by {actor:?}, {organization_role:?} and {workspace_role:?}, workspace {workspace_exists}, domain {domain_exists}"
                        );
                        assert_eq!(action.checked(&tenancy, actor, ids), expected, "{what}");
                        cells += 1;
                        let Some(standing) = standing_of(&tenancy, actor, resource) else {
                            assert!(held.is_empty(), "M1: {what}");
                            continue;
                        };
                        assert!(!held.is_empty(), "M1: {what}");
                        assert_eq!(action.of(&standing), expected, "{what}");
                        let required = match expected {
                            Decision::Allowed { by } => Ok(by),
                            Decision::Forbidden { needs, has } => Err(Refusal::Forbidden {
                                action: action.phrase().into(),
                                needs,
                                has,
                            }),
                            Decision::Hidden => Err(Refusal::NotFound { resource }),
                            Decision::Deleted | Decision::Suspended => {
                                panic!("Acme is neither: {what}")
                            }
                        };
                        assert_eq!(action.required(&standing), required, "{what}");
                    }
                }
            }
        }
    }
    assert_eq!(cells, 4 * 4 * 4 * 2 * every_action().len());
}

/// For how long something counts, and whether it does at the time of the checks.
const TERMS: [(bool, Option<i64>, bool); 6] = [
    (false, None, true),
    (false, Some(1), true),
    (false, Some(0), false),
    (false, Some(-1), false),
    (true, None, false),
    (true, Some(1), false),
];

#[test]
fn t1_t3_what_does_not_count_is_as_if_it_were_not_held() {
    let ids = ids();
    let actor = Actor::unverified(ids.3);
    let now: DateTime<Utc> = "2026-11-23T12:00:00Z".parse().unwrap();
    let decisions = |state| {
        let tenancy = Tenancy::new(Holding(state)).with_clock(move || now);
        let decided = |action: Asked| action.checked(&tenancy, &actor, ids);
        every_action().into_iter().map(decided).collect::<Vec<_>>()
    };
    let after = |milliseconds| now + TimeDelta::milliseconds(milliseconds);
    for organization_role in with_none(OrganizationRole::ALL) {
        for workspace_role in with_none(WorkspaceRole::ALL) {
            for (suspended, until, belongs) in TERMS {
                for (never, role_until, works) in TERMS {
                    if never {
                        continue; // a workspace role is not suspended by itself
                    }
                    let mut bound = state(ids, (true, true), organization_role, workspace_role);
                    if let Some(member) = bound.member(ids.3).cloned() {
                        bound.put(Record::Member(Member {
                            suspended,
                            until: until.map(after),
                            ..member
                        }));
                    }
                    if let Some(held) = bound.workspace_member(ids.1, ids.3).cloned() {
                        bound.put(Record::WorkspaceMember(WorkspaceMember {
                            until: role_until.map(after),
                            ..held
                        }));
                    }
                    let left = state(
                        ids,
                        (true, true),
                        organization_role.filter(|_| belongs),
                        workspace_role.filter(|_| works),
                    );
                    assert_eq!(
                        decisions(bound),
                        decisions(left),
                        "{organization_role:?} {suspended} {until:?}, {workspace_role:?} {role_until:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn t4_in_a_suspended_organization_reading_and_invoicing_go_on_and_all_for_operators() {
    let ids = ids();
    let user = Actor::unverified(ids.3);
    let operator = Actor::Operator(Operator::attest(TextLine::new("support").unwrap()));
    for organization_role in with_none(OrganizationRole::ALL) {
        for workspace_role in with_none(WorkspaceRole::ALL) {
            let active = state(ids, (true, true), organization_role, workspace_role);
            let mut suspended = active.clone();
            let mut row = suspended.organization().unwrap().clone();
            row.status = OrganizationStatus::Suspended;
            suspended.set_organization(row);
            let (active, suspended) = (
                Tenancy::new(Holding(active)),
                Tenancy::new(Holding(suspended)),
            );
            for action in every_action() {
                // "Everybody sees what they saw; Accounting may settle invoicing."
                let words = tenancy_tests::matrix::words(action);
                let sees =
                    action.phrase().starts_with("view") || action.phrase().starts_with("list");
                let goes_on =
                    sees || action.phrase().starts_with("edit") && words.contains("invoicing");
                let before = action.checked(&active, &user, ids);
                let expected = match before {
                    Decision::Allowed { .. } if !goes_on => Decision::Suspended,
                    decision => decision,
                };
                assert_eq!(
                    action.checked(&suspended, &user, ids),
                    expected,
                    "{action:?}"
                );
                let before = action.checked(&active, &operator, ids);
                let since = action.checked(&suspended, &operator, ids);
                assert_eq!(since, before, "an operator: {action:?}");
            }
        }
    }
}

#[test]
fn a1_a_stronger_role_never_does_less() {
    // "Each list is totally ordered by what it permits."
    let ids = ids();
    let actor = Actor::unverified(ids.3);
    let decisions = |organization_role, workspace_role| {
        let state = state(ids, (true, true), organization_role, workspace_role);
        let tenancy = Tenancy::new(Holding(state));
        every_action()
            .into_iter()
            .map(|action| match action.checked(&tenancy, &actor, ids) {
                Decision::Hidden | Decision::Deleted | Decision::Suspended => 0,
                Decision::Forbidden { .. } => 1,
                Decision::Allowed { .. } => 2,
            })
            .collect::<Vec<_>>()
    };
    let no_less = |weaker: &[i32], stronger: &[i32], what: &str| {
        for ((action, weaker), stronger) in every_action().iter().zip(weaker).zip(stronger) {
            assert!(weaker <= stronger, "{action:?}: {what}");
        }
    };
    for workspace_role in with_none(WorkspaceRole::ALL) {
        let mut weaker = decisions(None, workspace_role);
        for role in OrganizationRole::ALL {
            let stronger = decisions(Some(role), workspace_role);
            no_less(
                &weaker,
                &stronger,
                &format!("{role} with {workspace_role:?}"),
            );
            weaker = stronger;
        }
    }
    for organization_role in with_none(OrganizationRole::ALL) {
        let mut weaker = decisions(organization_role, None);
        for role in WorkspaceRole::ALL {
            let stronger = decisions(organization_role, Some(role));
            no_less(
                &weaker,
                &stronger,
                &format!("{role} with {organization_role:?}"),
            );
            weaker = stronger;
        }
    }
}

#[test]
fn a1_an_absent_organization_gives_no_standing_to_anybody() {
    let organization = OrganizationId::new();
    let absent = Tenancy::new(Holding(OrganizationState::absent(organization)));
    let operator = Actor::Operator(Operator::attest(TextLine::new("support").unwrap()));
    for actor in [&Actor::unverified(UserId::new()), &operator] {
        assert_eq!(
            standing_of(&absent, actor, organization.into()),
            None,
            "{actor:?}"
        );
    }
}
