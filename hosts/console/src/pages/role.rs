//! One role of an organization's own: defined, revised, retired, restored, deleted.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, SeqDeserializer};
use tenancy::commands::{DefineRole, DeleteRole, RestoreRole, RetireRole, ReviseRole};
use tenancy::views::OwnRoleView;
use tenancy::{DomainKind, Grants, Layer, OrganizationId, RoleBase, RoleNumber, RoleState};
use tenancy_axum::Rejection;

use super::roles::{Line, base_word, capital, define_sample, layer_word, lines};
use crate::form::{Ask, Back, Choice, Field, Filled, Form, Look, Trouble};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit};

const HERE: &str = "/roles";

/// The page on which a role is defined or revised.
#[derive(Template)]
#[template(path = "role.html")]
pub(crate) struct RolePage {
    frame: Frame,
    heading: String,
    lead: String,
    is_retired: bool,
    form: Form,
    others: Vec<Form>,
    all: String,
    clone: Option<String>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    base: Option<String>,
    from: Option<String>,
}

pub(crate) async fn new<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    let base = asked
        .base
        .as_deref()
        .and_then(read_base)
        .unwrap_or(RoleBase::Member);
    let from = asked.from.as_deref().and_then(|from| from.parse().ok());
    let page = define_page(&visit, organization, base, from, &Back::nothing()).await;
    visit.page(page).await
}

pub(crate) async fn define<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let base = filled
        .get("base")
        .and_then(read_base)
        .unwrap_or(RoleBase::Member);
    let mut reading = filled.reading();
    let name = reading.one("name");
    let done = match (name, read_adds(&filled)) {
        (Some(name), Some(adds)) => {
            let define = DefineRole {
                organization,
                name,
                base,
                adds,
            };
            visit.execute(&filled, define).await
        }
        _ => Err(reading.trouble()),
    };
    match done {
        Ok(_) => visit.to(&visit.path(organization, HERE), "defined"),
        Err(trouble) => {
            let back = Back::of("role", filled, &trouble);
            visit
                .page(define_page(&visit, organization, base, None, &back).await)
                .await
        }
    }
}

async fn define_page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    base: RoleBase,
    from: Option<RoleNumber>,
    back: &Back,
) -> Result<(StatusCode, RolePage), Rejection> {
    let inside = visit.inside(organization).await?;
    let from = from.and_then(|number| inside.roles().iter().find(|role| role.number == number));
    let adds = from.map_or(Grants::NONE, |role| role.adds);
    let why_not = visit.why_not(define_sample(organization)?).await?.next();
    let name = from.map_or_else(String::new, |role| format!("{} (copy)", role.name));
    let form = Form::new("role", visit.path(organization, HERE), "Define role")
        .look(Look::Primary)
        .field(Field::text("name", "Name").value(name))
        .field(Field::hidden("base", base_word(base)));
    let form = adds_fields(visit, form, base, adds)
        .why_not(why_not)
        .back(back);
    let heading = format!("New role, on {}", say::base(base));
    let page = RolePage {
        frame: visit.frame_in(&inside, &heading, HERE, back).await,
        lead: lead(base),
        heading,
        is_retired: false,
        form,
        others: Vec::new(),
        all: visit.path(organization, HERE),
        clone: None,
    };
    Ok((back.status(), page))
}

fn lead(base: RoleBase) -> String {
    let word = say::base(base);
    match base.layer() {
        Layer::Organization => format!(
            "Whoever holds it counts as {word}, and may do what you add: on the organization, and in all its workspaces."
        ),
        Layer::Workspace | Layer::Domain => format!(
            "Whoever holds it in a workspace counts as {word} there, and may do what you add: in that workspace only. \
             On the organization itself it can add nothing, as a workspace's Admin may do nothing there."
        ),
    }
}

pub(crate) async fn edit<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, number)): At<(OrganizationId, RoleNumber)>,
) -> Response {
    visit
        .page(role_page(&visit, organization, number, &Back::nothing()).await)
        .await
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    (organization, number): (OrganizationId, RoleNumber),
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&visit.path(organization, HERE), word),
        Err(trouble) => {
            let back = Back::of(form, filled, &trouble);
            visit
                .page(role_page(visit, organization, number, &back).await)
                .await
        }
    }
}

pub(crate) async fn revise<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, role)): At<(OrganizationId, RoleNumber)>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let name = reading.one("name");
    let done = match (name, read_adds(&filled)) {
        (Some(name), Some(adds)) => {
            let revise = ReviseRole {
                organization,
                role,
                name,
                adds,
            };
            visit.execute(&filled, revise).await
        }
        _ => Err(reading.trouble()),
    };
    answer(
        &visit,
        (organization, role),
        "role",
        filled,
        done,
        "revised",
    )
    .await
}

pub(crate) async fn retire<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, role)): At<(OrganizationId, RoleNumber)>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, RetireRole { organization, role })
        .await;
    answer(
        &visit,
        (organization, role),
        "retire",
        filled,
        done,
        "retired",
    )
    .await
}

pub(crate) async fn restore<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, role)): At<(OrganizationId, RoleNumber)>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, RestoreRole { organization, role })
        .await;
    answer(
        &visit,
        (organization, role),
        "restore",
        filled,
        done,
        "restored",
    )
    .await
}

pub(crate) async fn delete<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, role)): At<(OrganizationId, RoleNumber)>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, DeleteRole { organization, role })
        .await;
    answer(
        &visit,
        (organization, role),
        "delete",
        filled,
        done,
        "deleted",
    )
    .await
}

async fn role_page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    number: RoleNumber,
    back: &Back,
) -> Result<(StatusCode, RolePage), Rejection> {
    let inside = visit.inside(organization).await?;
    let role = find(&inside, number)?;
    let mut why_not = visit
        .why_not((
            ReviseRole {
                organization,
                role: number,
                name: role.name.clone(),
                adds: role.adds,
            },
            RetireRole {
                organization,
                role: number,
            },
            RestoreRole {
                organization,
                role: number,
            },
            DeleteRole {
                organization,
                role: number,
            },
        ))
        .await?;
    let path = |end: &str| visit.path(organization, &format!("{HERE}/{number}{end}"));
    let form = Form::new("role", path(""), "Save role")
        .look(Look::Primary)
        .field(Field::text("name", "Name").value(&role.name));
    let form = adds_fields(visit, form, role.base, role.adds)
        .why_not(why_not.next())
        .back(back);
    let (why_retire, why_restore) = (why_not.next(), why_not.next());
    let is_retired = role.state == RoleState::Retired;
    let other = if is_retired {
        Form::new("restore", path("/restore"), "Restore").why_not(why_restore)
    } else {
        Form::new("retire", path("/retire"), "Retire").why_not(why_retire)
    };
    let delete = Form::new("delete", path("/delete"), "Delete")
        .look(Look::Danger)
        .why_not(why_not.next());
    let clone = format!("{HERE}/new?base={}&from={number}", base_word(role.base));
    let page = RolePage {
        frame: visit
            .frame_in(&inside, role.name.as_str(), HERE, back)
            .await,
        heading: role.name.to_string(),
        lead: lead(role.base),
        is_retired,
        form,
        others: vec![other.back(back), delete.back(back)],
        all: visit.path(organization, HERE),
        clone: Some(visit.path(organization, &clone)),
    };
    Ok((back.status(), page))
}

fn find(inside: &Inside, number: RoleNumber) -> Result<&OwnRoleView, Rejection> {
    let role = inside.roles().iter().find(|role| role.number == number);
    role.ok_or_else(|| tenancy::Refusal::RoleNotFound { role: number }.into())
}

/// What can be added, layer by layer; what can't, pale and with the reason.
fn adds_fields<H: ConsoleHost>(
    visit: &Visit<H>,
    mut form: Form,
    base: RoleBase,
    adds: Grants,
) -> Form {
    let catalogue = visit.tenancy().settings().catalogue;
    let ceiling = catalogue.ceiling(base.layer());
    let lines = lines(catalogue);
    let groups = [
        (Layer::Organization, "On the organization"),
        (Layer::Workspace, "In workspaces"),
        (Layer::Domain, "On domains"),
    ];
    let mut offered = Vec::new();
    // R3: what a workspace's Admin may not do on the organization, no role of a workspace adds.
    let of_workspace = base.layer() == Layer::Workspace;
    for (layer, title) in groups {
        if of_workspace && layer == Layer::Organization {
            let codes = lines.iter().filter(|line| line.layer == layer);
            offered.extend(codes.filter_map(|line| line.row.code()));
            continue;
        }
        let mut choices = Vec::new();
        for line in lines.iter().filter(|line| line.layer == layer) {
            let kinds: &[Option<DomainKind>] = match layer {
                Layer::Domain => &[Some(DomainKind::Sandbox), Some(DomainKind::Production)],
                Layer::Organization | Layer::Workspace => &[None],
            };
            for kind in kinds {
                let choice = choice(line, *kind, base, adds, ceiling);
                offered.extend(
                    line.row
                        .code()
                        .map(|code| kind.map_or(code, |kind| code.on(kind))),
                );
                choices.push(choice);
            }
        }
        form = form.field(Field::new("adds", title, Ask::Any(choices)));
    }
    // What a later version, or another program of the host's, lets it add stays (R8).
    let unknown = adds.codes().filter(|code| !offered.contains(code));
    for code in unknown.collect::<Vec<_>>() {
        form = form.field(Field::hidden("adds", code));
    }
    form
}

fn choice(
    line: &Line,
    kind: Option<DomainKind>,
    base: RoleBase,
    adds: Grants,
    ceiling: Grants,
) -> Choice {
    let phrase = capital(line.row.phrase());
    let label = kind.map_or_else(|| phrase.clone(), |kind| format!("{phrase}, {kind}"));
    let code = line
        .row
        .code()
        .map(|code| kind.map_or(code, |kind| code.on(kind)));
    let Some(code) = code else {
        let value = format!("reserved-{}", line.row.phrase().replace(' ', "-"));
        let why = "Reserved to the built-in roles: power over people, roles and limits.".to_owned();
        return Choice::new(value, label).why_not(Some(why));
    };
    let choice = Choice::new(code.number(), label);
    if line.row.allowed().intersects(base.into()) {
        let why = format!("{} may do it already.", say::base(base));
        return choice.chosen(true).why_not(Some(why));
    }
    if !ceiling.has(code) {
        let why = format!(
            "Not for a role of a {}: its Admin may not do it.",
            layer_word(base.layer())
        );
        return choice.why_not(Some(why));
    }
    choice.chosen(adds.has(code))
}

/// The boxes that were ticked, as what a role adds.
fn read_adds(filled: &Filled) -> Option<Grants> {
    let numbers: Option<Vec<u8>> = filled
        .all("adds")
        .map(|number| number.parse().ok())
        .collect();
    let list: SeqDeserializer<_, ValueError> = SeqDeserializer::new(numbers?.into_iter());
    Grants::deserialize(list).ok()
}

fn read_base(word: &str) -> Option<RoleBase> {
    RoleBase::ALL
        .into_iter()
        .find(|base| base_word(*base) == word)
}
