//! Why can't they? A decision about somebody, with what it was made of.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::views::PersonView;
use tenancy::{
    Actor, Decision, DomainAction, DomainId, MembershipStatus, OrganizationAction, OrganizationId,
    Paging, Refusal, RoleSet, UserId, WorkspaceAction, WorkspaceId,
};
use tenancy_axum::Rejection;

use crate::form::{Back, Choice, Field};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit};

const PEOPLE: u32 = 200;
/// In how many workspaces domains are offered.
const WORKSPACES: u32 = 20;

#[derive(Template)]
#[template(path = "why.html")]
pub(crate) struct Why {
    frame: Frame,
    to: String,
    fields: Vec<Field>,
    answer: Option<Answer>,
}

struct Answer {
    question: String,
    may: bool,
    sentence: String,
    facts: Vec<String>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    user: String,
    #[serde(default)]
    action: String,
    #[serde(default)]
    on: String,
}

/// What it is asked of.
#[derive(Clone, Copy)]
enum On {
    Organization,
    Workspace(WorkspaceId),
    Domain(DomainId, WorkspaceId),
}

/// What they would do.
#[derive(Clone, Copy)]
enum Does {
    Organization(OrganizationAction),
    Workspace(WorkspaceAction),
    Domain(DomainAction),
}

impl Does {
    fn all() -> Vec<Self> {
        let organization = OrganizationAction::ALL.map(Self::Organization).into_iter();
        let workspace = WorkspaceAction::ALL.map(Self::Workspace);
        let domain = DomainAction::ALL.map(Self::Domain);
        let all = organization.chain(workspace).chain(domain);
        all.filter(|does| does.allowed() != RoleSet::OPERATOR)
            .collect()
    }

    const fn allowed(self) -> RoleSet {
        match self {
            Self::Organization(action) => action.allowed(),
            Self::Workspace(action) => action.allowed(),
            Self::Domain(action) => action.allowed(),
        }
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Organization(action) => action.phrase(),
            Self::Workspace(action) => action.phrase(),
            Self::Domain(action) => action.phrase(),
        }
    }
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(id): At<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    visit.page(page(&visit, id, &asked).await).await
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    asked: &Asked,
) -> Result<(StatusCode, Why), Rejection> {
    let inside = visit.inside(organization).await?;
    let members = visit
        .tenancy()
        .members(&visit.actor, organization, Paging::first(PEOPLE))
        .await?;
    let names = visit
        .names(members.items.iter().map(|member| member.user))
        .await;
    let mut people: Vec<_> = members
        .items
        .iter()
        .map(|member| {
            let name = names.or(member.user, member.email.as_str());
            Choice::new(member.user, format!("{name} ({})", member.email))
        })
        .collect();
    people.sort_by(|one, other| one.label.cmp(&other.label));
    let places = places(visit, organization).await?;
    let does = Does::all();
    let actions = does
        .iter()
        .map(|does| Choice::new(does.phrase(), does.phrase()));
    let chosen = does.iter().find(|does| does.phrase() == asked.action);
    let place = places.iter().find(|(choice, _)| choice.value == asked.on);
    let user: Option<UserId> = asked.user.parse().ok();
    let answer = match (user, chosen, place) {
        (Some(user), Some(does), Some((choice, on))) => {
            let who = names.show(user);
            let question = format!("May {who} {}? ({})", does.phrase(), choice.label);
            Some(answer(visit, &inside, user, (*does, *on), question).await?)
        }
        _ => None,
    };
    let choices = places.iter().map(|(choice, _)| choice.clone()).collect();
    let field = |name: &str, label: &str, choices, value: &str| {
        let mut field = Field::one(name, label, choices).value(value);
        field.id = format!("why-{name}");
        field
    };
    let why = Why {
        to: visit.path(organization, "/why"),
        fields: vec![
            field("user", "Who", people, &asked.user),
            field("action", "Would like to", actions.collect(), &asked.action),
            field("on", "Where", choices, &asked.on),
        ],
        answer,
        frame: visit
            .frame_in(&inside, "Why can't they?", "/members", &Back::nothing())
            .await,
    };
    Ok((StatusCode::OK, why))
}

/// What can be asked about: the organization, its workspaces, their domains.
async fn places<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<Vec<(Choice, On)>, Rejection> {
    let tenancy = visit.tenancy();
    let mut places = vec![(
        Choice::new("organization", "The organization"),
        On::Organization,
    )];
    let workspaces = tenancy
        .workspaces(&visit.actor, organization, Paging::first(WORKSPACES))
        .await?;
    for workspace in workspaces.items {
        let choice = Choice::new(workspace.id, format!("Workspace {}", workspace.name));
        places.push((choice, On::Workspace(workspace.id)));
        let on = (organization, workspace.id);
        let domains = tenancy
            .domains(&visit.actor, on, Paging::first(PEOPLE))
            .await;
        for domain in domains.map(|page| page.items).unwrap_or_default() {
            let label = format!(
                "Domain {} ({}, in {})",
                domain.name, domain.kind, workspace.name
            );
            places.push((
                Choice::new(domain.id, label),
                On::Domain(domain.id, workspace.id),
            ));
        }
    }
    Ok(places)
}

async fn answer<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    user: UserId,
    (does, on): (Does, On),
    question: String,
) -> Result<Answer, Rejection> {
    let (tenancy, organization) = (visit.tenancy(), inside.id());
    // A check changes nothing, and whoever asks may view the members: so it may be asked as if they asked.
    let them = Actor::unverified(user);
    let decision = match (does, on) {
        (Does::Organization(action), _) => tenancy.check(&them, organization, action).await?,
        (Does::Workspace(action), On::Workspace(at) | On::Domain(_, at)) => {
            tenancy.check(&them, (organization, at), action).await?
        }
        (Does::Domain(action), On::Domain(domain, _)) => {
            tenancy.check(&them, (organization, domain), action).await?
        }
        (Does::Workspace(_), On::Organization) => {
            return Ok(misplaced(
                question,
                "That is done in a workspace: choose one.",
            ));
        }
        (Does::Domain(_), _) => {
            return Ok(misplaced(question, "That is done to a domain: choose one."));
        }
    };
    let explained = tenancy
        .explain(&visit.actor, organization, decision)
        .await?;
    let sentence = match decision {
        Decision::Hidden => say::decision(&decision),
        _ => say::sentence(&explained),
    };
    let person = tenancy.person(&visit.actor, organization, user).await;
    let facts = match person {
        Ok(person) => facts(inside, &person, on),
        Err(error) if matches!(error.refusal(), Some(Refusal::MemberNotFound { .. })) => {
            vec!["They are no member of the organization.".to_owned()]
        }
        Err(error) => return Err(error.into()),
    };
    Ok(Answer {
        question,
        may: decision.is_allowed(),
        sentence,
        facts,
    })
}

fn misplaced(question: String, sentence: &str) -> Answer {
    Answer {
        question,
        may: false,
        sentence: sentence.to_owned(),
        facts: Vec::new(),
    }
}

/// What the decision was made of.
fn facts(inside: &Inside, person: &PersonView, on: On) -> Vec<String> {
    let (member, now) = (&person.member, say::now());
    let role = say::organization_role(member.role, member.own_role, inside.roles());
    let counts = match member.status(now) {
        MembershipStatus::Active => "which counts",
        MembershipStatus::Suspended => "which doesn't count: the membership is suspended",
        MembershipStatus::Ended => "which doesn't count: the membership has ended",
    };
    let mut facts = vec![format!("In the organization: {role}, {counts}.")];
    let workspace = match on {
        On::Organization => None,
        On::Workspace(workspace) | On::Domain(_, workspace) => Some(workspace),
    };
    if let (Some(workspace), Some(roles)) = (workspace, &person.workspaces) {
        let held = roles.iter().find(|view| view.workspace.id == workspace);
        facts.push(match held {
            Some(view) => {
                let role = say::workspace_role(view.role.role, view.role.own_role, inside.roles());
                match view.role.status(now) {
                    MembershipStatus::Ended => {
                        format!("In the workspace: {role}, which has ended.")
                    }
                    _ => format!("In the workspace: {role}."),
                }
            }
            None => "In the workspace: no role of their own.".to_owned(),
        });
    }
    if inside.overview.organization.suspension.is_some() {
        facts.push(
            "The organization is suspended: only reading and settling invoicing go on.".to_owned(),
        );
    }
    facts
}
