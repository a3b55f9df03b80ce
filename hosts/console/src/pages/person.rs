//! One person: every role that they hold, in one place.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use chrono::Days;
use serde::Deserialize;
use tenancy::commands::{FollowEmailChange, RemoveMember, SetMembershipEnd, SetWorkspaceRoleEnd};
use tenancy::views::{OwnRoleView, PersonView, WorkspaceView};
use tenancy::{
    Member, MembershipStatus, OrganizationId, OrganizationRole, UserId, WorkspaceId,
    WorkspaceMember,
};
use tenancy_axum::Rejection;

use super::confirm::{self, Confirm};
use super::invited::{self, InvitedRow};
use super::member::{self, RowAsk};
use super::workspace_role::{
    asks_in, end_form, end_form_in_line, give_or_take, read_end, role_form,
};
use crate::form::{Back, Filled, Form, Look, Shared, Trouble};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, WhyNot, paging};

const HERE: &str = "/members";
/// With three questions about each, as many as are asked at once.
const WORKSPACES: u32 = 30;

#[derive(Template)]
#[template(path = "person.html")]
pub(crate) struct Person {
    frame: Frame,
    name: String,
    email: String,
    is_self: bool,
    state: Option<(&'static str, String)>,
    since: String,
    role_held: String,
    base: Option<String>,
    role: Form,
    suspension: Form,
    end: Form,
    remove: Form,
    /// Their new address, and the form that lets the organization know it.
    address: Option<(String, Form)>,
    members: Option<String>,
    why: Option<String>,
    shared: Vec<Shared>,
    grid: Vec<Cell>,
    next: Option<String>,
    workspaces_are_hidden: bool,
    invited: Option<Vec<InvitedRow>>,
}

/// What they hold in a workspace.
struct Cell {
    name: String,
    path: String,
    held: Vec<String>,
    role: Form,
    end: Option<Form>,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = page(&visit, organization, user, &asked, &Back::nothing()).await;
    visit.page(page).await
}

pub(crate) async fn come_back<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    user: UserId,
    back: &Back,
) -> Response {
    let page = page(visit, organization, user, &Asked::default(), back).await;
    visit.page(page).await
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    (organization, user): (OrganizationId, UserId),
    form: String,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&visit.path(organization, &format!("{HERE}/{user}")), word),
        Err(trouble) => {
            let back = Back::of(form, filled, &trouble);
            come_back(visit, organization, user, &back).await
        }
    }
}

pub(crate) async fn end<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    let done = match read_end(&filled) {
        Ok(until) => {
            let set = SetMembershipEnd {
                organization,
                user,
                until,
            };
            visit.execute(&filled, set).await.map(|_| until)
        }
        Err(trouble) => Err(trouble),
    };
    let word = if matches!(done, Ok(None)) {
        "endless"
    } else {
        "end"
    };
    answer(
        &visit,
        (organization, user),
        format!("end-{user}"),
        filled,
        done,
        word,
    )
    .await
}

/// A role in a workspace, another one than before, or none any more.
pub(crate) async fn workspace_role<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user, workspace)): At<(OrganizationId, UserId, WorkspaceId)>,
    filled: Filled,
) -> Response {
    let (done, word) = give_or_take(&visit, (organization, workspace), user, &filled).await;
    let form = format!("role-{workspace}");
    answer(&visit, (organization, user), form, filled, done, word).await
}

pub(crate) async fn workspace_end<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user, workspace)): At<(OrganizationId, UserId, WorkspaceId)>,
    filled: Filled,
) -> Response {
    let done = match read_end(&filled) {
        Ok(until) => {
            let set = SetWorkspaceRoleEnd {
                organization,
                workspace,
                user,
                until,
            };
            visit.execute(&filled, set).await.map(|_| until)
        }
        Err(trouble) => Err(trouble),
    };
    let word = if matches!(done, Ok(None)) {
        "endless"
    } else {
        "end"
    };
    answer(
        &visit,
        (organization, user),
        format!("end-{workspace}"),
        filled,
        done,
        word,
    )
    .await
}

/// The address that they show now, which the organization doesn't know yet (M6).
pub(crate) async fn address<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    if !visit.is(user) {
        return visit.missing().await;
    }
    let follow = FollowEmailChange { organization };
    let done = visit.execute(&filled, follow).await;
    let on = (organization, user);
    answer(&visit, on, "address".to_owned(), filled, done, "saved").await
}

/// What would go with them, before they are removed.
pub(crate) async fn before_removing<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
) -> Response {
    visit.page(removing(&visit, organization, user).await).await
}

async fn removing<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    user: UserId,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(organization).await?;
    let person = visit
        .tenancy()
        .person(&visit.actor, organization, user)
        .await?;
    let name = visit
        .names([user])
        .await
        .or(user, person.member.email.as_str());
    let remove = RemoveMember { organization, user };
    let departure = visit.tenancy().prepare(&visit.actor, remove).await?.output;
    let goes = confirm::departing(visit, organization, &departure, "them").await?;
    let to = visit.path(organization, &format!("{HERE}/{user}/remove"));
    let heading = format!("Remove {name}?");
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: format!(
            "{} is shut out at once. To come back, they have to be invited again.",
            person.member.email
        ),
        goes,
        form: Form::new(format!("remove-{user}"), to, "Remove for good").look(Look::Danger),
        cancel: visit.path(organization, &format!("{HERE}/{user}")),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn remove<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    match visit
        .execute(&filled, RemoveMember { organization, user })
        .await
    {
        Ok(_) => visit.to(&visit.path(organization, HERE), "removed"),
        done => {
            let form = format!("remove-{user}");
            answer(&visit, (organization, user), form, filled, done, "removed").await
        }
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    user: UserId,
    asked: &Asked,
    back: &Back,
) -> Result<(StatusCode, Person), Rejection> {
    let inside = visit.inside(organization).await?;
    let person = visit
        .tenancy()
        .person(&visit.actor, organization, user)
        .await?;
    let member = &person.member;
    let paging = paging(WORKSPACES, asked.after.as_deref());
    let workspaces = visit
        .tenancy()
        .workspaces(&visit.actor, organization, paging)
        .await?;
    let inviters = person.invitations.iter().flatten().map(|one| one.inviter);
    let names = visit.names(inviters.chain([user])).await;
    let name = names.or(user, member.email.as_str());

    let in_a_year = say::now().checked_add_days(Days::new(365));
    let end = SetMembershipEnd {
        organization,
        user,
        until: in_a_year,
    };
    let asks = workspaces.items.iter().map(|one| {
        let held = held_in(&person, one.id);
        asks_in((organization, one.id), user, held)
    });
    let row = RowAsk::of(organization, member).commands();
    let mut why_not = visit.why_not((row, end, asks.collect::<Vec<_>>())).await?;
    let forms = member::forms(visit, &inside, member, &name, "person", &mut why_not, back);
    let path = |rest: &str| visit.path(organization, &format!("{HERE}/{user}{rest}"));
    let end = end_form(format!("end-{user}"), path("/end"), member.until)
        .about(format!("the membership of {name}"))
        .why_not(why_not.next())
        .back(back);
    let mut grid = Vec::with_capacity(workspaces.items.len());
    for one in &workspaces.items {
        grid.push(cell(
            visit,
            &inside,
            &person,
            &name,
            one,
            &mut why_not,
            back,
        ));
    }
    let shared = [
        Shared::of("give", "Change", grid.iter_mut().map(|cell| &mut cell.role)),
        Shared::of(
            "ends",
            "Set end",
            grid.iter_mut().filter_map(|cell| cell.end.as_mut()),
        ),
    ];
    let known: Vec<_> = workspaces
        .items
        .iter()
        .map(|one| (one.id, one.name.to_string()))
        .collect();
    let invited = match &person.invitations {
        Some(open) => Some(invited::rows(visit, &inside, open, &names, &known, None, back).await?),
        None => None,
    };
    let base = member.own_role.is_some().then(|| member.role.to_string());
    let page = Person {
        email: member.email.to_string(),
        is_self: visit.is(user),
        state: member::state(member),
        since: say::day(member.since),
        role_held: say::organization_role(member.role, member.own_role, inside.roles()),
        base,
        role: forms.role,
        suspension: forms.suspension,
        end,
        remove: forms.remove,
        address: address_form(visit, organization, member, back).await?,
        members: inside
            .may(tenancy::OrganizationAction::ViewMembers)
            .then(|| visit.path(organization, HERE)),
        why: inside
            .may(tenancy::OrganizationAction::ViewMembers)
            .then(|| visit.path(organization, &format!("/why?user={user}"))),
        shared: shared.into_iter().flatten().collect(),
        grid,
        next: workspaces
            .cursor()
            .map(|cursor| path(&format!("?after={cursor}"))),
        workspaces_are_hidden: person.workspaces.is_none(),
        invited,
        frame: visit.frame_in(&inside, &name, HERE, back).await,
        name,
    };
    Ok((back.status(), page))
}

async fn address_form<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    member: &Member,
    back: &Back,
) -> Result<Option<(String, Form)>, Rejection> {
    let shown = visit
        .actor
        .verified_email()
        .filter(|_| visit.is(member.user));
    let Some(shown) = shown.filter(|shown| shown.key() != member.email.key()) else {
        return Ok(None);
    };
    let why_not = visit
        .why_not(FollowEmailChange { organization })
        .await?
        .next();
    let to = visit.path(organization, &format!("{HERE}/{}/address", member.user));
    let form = Form::new("address", to, "Use it here")
        .why_not(why_not)
        .back(back);
    Ok(Some((shown.address().to_string(), form)))
}

fn held_in(person: &PersonView, workspace: WorkspaceId) -> Option<&WorkspaceMember> {
    let roles = person.workspaces.iter().flatten();
    let mut here = roles.filter(|view| view.workspace.id == workspace);
    here.next().map(|view| &view.role)
}

fn cell<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    person: &PersonView,
    name: &str,
    workspace: &WorkspaceView,
    why_not: &mut WhyNot,
    back: &Back,
) -> Cell {
    let (organization, id, member) = (inside.id(), workspace.id, &person.member);
    let here = held_in(person, id);
    let to = |end: &str| {
        let path = format!("{HERE}/{}/workspaces/{id}{end}", member.user);
        visit.path(organization, &path)
    };
    let about = format!("the role of {name} in {}", workspace.name);
    let mut role = role_form(
        format!("role-{id}"),
        to(""),
        &about,
        inside.roles(),
        here,
        why_not,
    );
    if person.workspaces.is_none() {
        role = role.why_not(Some("Not yours to see".to_owned()));
    }
    let end = here.map(|held| {
        end_form_in_line(format!("end-{id}"), to("/end"), held.until)
            .about(about.clone())
            .why_not(why_not.next())
            .back(back)
    });
    Cell {
        name: workspace.name.to_string(),
        path: visit.path(organization, &format!("/workspaces/{id}")),
        held: held(member, here, inside.roles()),
        role: role.back(back),
        end,
    }
}

/// Where their power in a workspace comes from.
fn held(member: &Member, here: Option<&WorkspaceMember>, roles: &[OwnRoleView]) -> Vec<String> {
    let mut held = Vec::new();
    let counts = member.status(say::now()) == MembershipStatus::Active;
    if member.role == OrganizationRole::Admin && counts {
        held.push("Admin, by their role in the organization".to_owned());
    }
    if let Some(here) = here {
        let role = say::workspace_role(here.role, here.own_role, roles);
        let role = match (here.status(say::now()), here.until) {
            (MembershipStatus::Ended, Some(end)) => format!("{role}, ended on {}", say::day(end)),
            (_, Some(end)) => format!("{role}, up to {}", say::last_day(end).format("%-d %b %Y")),
            (_, None) => role,
        };
        held.push(if counts {
            role
        } else {
            format!("{role}, which doesn't count now")
        });
    }
    held
}
