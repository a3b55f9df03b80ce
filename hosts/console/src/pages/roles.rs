//! Who may do what: the roles that every organization has, and those of its own.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::commands::DefineRole;
use tenancy::policy::ActionRow;
use tenancy::views::OwnRoleView;
use tenancy::{
    Code, DomainAction, DomainKind, Grants, Layer, OrganizationAction, OrganizationId, RoleBase,
    RoleSet, RoleState, WorkspaceAction,
};
use tenancy_axum::Rejection;

use crate::form::Back;
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit, sample};

const HERE: &str = "/roles";

#[derive(Template)]
#[template(path = "roles.html")]
pub(crate) struct Roles {
    frame: Frame,
    columns: Vec<Column>,
    groups: Vec<Group>,
    own: Vec<Card>,
    /// A link for each base, or why there are none.
    define: Vec<(&'static str, String)>,
    why_not: Option<String>,
}

struct Column {
    name: String,
    layer: &'static str,
    is_own: bool,
    is_retired: bool,
}

struct Group {
    title: &'static str,
    rows: Vec<MatrixRow>,
}

struct MatrixRow {
    phrase: String,
    /// Why no role of one's own can add it.
    reserved: bool,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Cell {
    May,
    Added,
    Sandbox,
    Production,
    No,
}

struct Card {
    name: String,
    path: String,
    clone: Option<String>,
    base: &'static str,
    layer: &'static str,
    adds: Vec<String>,
    is_retired: bool,
    in_use: Option<String>,
}

/// A row of the matrix, with its layer.
pub(crate) struct Line {
    pub(crate) layer: Layer,
    pub(crate) row: ActionRow,
}

pub(crate) fn lines(inside_catalogue: tenancy::policy::Catalogue) -> Vec<Line> {
    let line = |layer| move |row| Line { layer, row };
    let mut all: Vec<Line> = Vec::new();
    all.extend(
        OrganizationAction::ALL
            .map(OrganizationAction::row)
            .map(line(Layer::Organization)),
    );
    all.extend(
        WorkspaceAction::ALL
            .map(WorkspaceAction::row)
            .map(line(Layer::Workspace)),
    );
    all.extend(
        DomainAction::ALL
            .map(DomainAction::row)
            .map(line(Layer::Domain)),
    );
    // What only the vendor's staff does is no customer's row.
    all.retain(|line| line.row.allowed() != RoleSet::OPERATOR);
    let offers = inside_catalogue.offers();
    let of_host = offers.filter(|offer| {
        offer
            .row
            .code()
            .is_some_and(|code| code.number() >= Code::FIRST_OF_HOSTS)
    });
    all.extend(of_host.map(|offer| Line {
        layer: offer.layer,
        row: offer.row,
    }));
    all
}

/// What a role counts as, the cascade included.
const BUILT_IN: [(&str, Layer, RoleSet); 6] = [
    (
        "Admin",
        Layer::Organization,
        RoleSet::ORGANIZATION_ADMIN.union(RoleSet::WORKSPACE_ADMIN),
    ),
    ("Accounting", Layer::Organization, RoleSet::ACCOUNTING),
    ("Member", Layer::Organization, RoleSet::MEMBER),
    ("Admin", Layer::Workspace, RoleSet::WORKSPACE_ADMIN),
    ("Developer", Layer::Workspace, RoleSet::DEVELOPER),
    ("Reader", Layer::Workspace, RoleSet::READER),
];

pub(crate) const fn layer_word(layer: Layer) -> &'static str {
    match layer {
        Layer::Organization => "organization",
        Layer::Workspace | Layer::Domain => "workspace",
    }
}

fn cell(line: &Line, role: &OwnRoleView) -> Cell {
    if line.row.allowed().intersects(role.base.into()) {
        return Cell::May;
    }
    let Some(code) = line.row.code().filter(|_| role.state == RoleState::InForce) else {
        return Cell::No;
    };
    match line.layer {
        Layer::Domain => {
            let sandbox = role.adds.has(code.on(DomainKind::Sandbox));
            let production = role.adds.has(code.on(DomainKind::Production));
            match (sandbox, production) {
                (true, true) => Cell::Added,
                (true, false) => Cell::Sandbox,
                (false, true) => Cell::Production,
                (false, false) => Cell::No,
            }
        }
        Layer::Organization | Layer::Workspace if role.adds.has(code) => Cell::Added,
        Layer::Organization | Layer::Workspace => Cell::No,
    }
}

pub(crate) async fn show<H: ConsoleHost>(visit: Visit<H>, At(id): At<OrganizationId>) -> Response {
    visit.page(page(&visit, id).await).await
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<(StatusCode, Roles), Rejection> {
    let inside = visit.inside(organization).await?;
    let lines = lines(visit.tenancy().settings().catalogue);
    let built_in = BUILT_IN.map(|(name, layer, _)| Column {
        name: name.to_owned(),
        layer: layer_word(layer),
        is_own: false,
        is_retired: false,
    });
    let own = inside.roles().iter().map(|role| Column {
        name: role.name.to_string(),
        layer: layer_word(role.base.layer()),
        is_own: true,
        is_retired: role.state == RoleState::Retired,
    });
    let group = |title, layer| {
        let rows = lines.iter().filter(|line| line.layer == layer).map(|line| {
            let allowed = line.row.allowed();
            let cells = BUILT_IN.iter().map(|(.., counts_as)| {
                if allowed.intersects(*counts_as) {
                    Cell::May
                } else {
                    Cell::No
                }
            });
            MatrixRow {
                phrase: capital(line.row.phrase()),
                reserved: line.row.code().is_none(),
                cells: cells
                    .chain(inside.roles().iter().map(|role| cell(line, role)))
                    .collect(),
            }
        });
        Group {
            title,
            rows: rows.collect(),
        }
    };
    let why_not = visit.why_not(define_sample(organization)?).await?.next();
    let new = |base: RoleBase| {
        visit.path(
            organization,
            &format!("{HERE}/new?base={}", base_word(base)),
        )
    };
    let cards = inside.roles().iter().map(|role| Card {
        name: role.name.to_string(),
        path: visit.path(organization, &format!("{HERE}/{}", role.number)),
        clone: why_not
            .is_none()
            .then(|| format!("{}&from={}", new(role.base), role.number)),
        base: say::base(role.base),
        layer: layer_word(role.base.layer()),
        adds: adds_in_words(role, &lines),
        is_retired: role.state == RoleState::Retired,
        in_use: role.in_use.map(|in_use| {
            let holders = say::count(in_use.holders, "holder");
            format!(
                "{holders}, {}",
                say::count(in_use.offered, "open invitation")
            )
        }),
    });
    let roles = Roles {
        own: cards.collect(),
        columns: built_in.into_iter().chain(own).collect(),
        groups: vec![
            group("The organization", Layer::Organization),
            group("Each workspace", Layer::Workspace),
            group("Each domain", Layer::Domain),
        ],
        define: RoleBase::ALL
            .map(|base| (say::base(base), new(base)))
            .to_vec(),
        why_not,
        frame: visit
            .frame_in(&inside, "Roles", HERE, &Back::nothing())
            .await,
    };
    Ok((StatusCode::OK, roles))
}

pub(crate) fn define_sample(organization: OrganizationId) -> Result<DefineRole, Rejection> {
    Ok(DefineRole {
        organization,
        name: sample("A role that nobody has defined yet")?,
        base: RoleBase::Member,
        adds: Grants::NONE,
    })
}

/// What a role adds, without the views that come with it.
fn adds_in_words(role: &OwnRoleView, lines: &[Line]) -> Vec<String> {
    let mut words = Vec::new();
    for line in lines {
        let shown = OwnRoleView {
            state: RoleState::InForce,
            ..role.clone()
        };
        match cell(line, &shown) {
            Cell::Added => words.push(line.row.phrase().to_owned()),
            Cell::Sandbox => words.push(format!("{} (sandbox)", line.row.phrase())),
            Cell::Production => words.push(format!("{} (production)", line.row.phrase())),
            Cell::May | Cell::No => {}
        }
    }
    words
}

pub(crate) fn capital(phrase: &str) -> String {
    let mut letters = phrase.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

pub(crate) const fn base_word(base: RoleBase) -> &'static str {
    match base {
        RoleBase::Member => "member",
        RoleBase::Accounting => "accounting",
        RoleBase::Reader => "reader",
        RoleBase::Developer => "developer",
    }
}
