//! Who belongs to an organization, and who is invited to it: one table.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::commands::InviteToOrganization;
use tenancy::views::InvitationView;
use tenancy::{
    InvitationOffer, Member, OrganizationAction, OrganizationId, OrganizationRole, Page, Paging,
    UserId,
};
use tenancy_axum::Rejection;

use super::invited::{self, InvitedRow, Outcome};
use super::member;
use super::organization::Bar;
use crate::choices::{organization_choices, read_organization_role};
use crate::form::{Ask, Back, Field, Filled, Form, Look, Shared};
use crate::frame::Frame;
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, paging, sample};

const HERE: &str = "/members";
/// With four questions about each, as many as are asked at once.
const MEMBERS: u32 = 25;
const INVITATIONS: u32 = 50;
/// How many members are looked through for an address, a thousand at a time.
const SEARCHED: usize = 10;

#[derive(Template)]
#[template(path = "members.html")]
pub(crate) struct Members {
    frame: Frame,
    seats: Option<Bar>,
    invite: Form,
    outcomes: Vec<Outcome>,
    search: String,
    searched: String,
    shared: Vec<Shared>,
    rows: Vec<Row>,
    invited: Vec<InvitedRow>,
    next: Option<String>,
    more_invited: Option<String>,
    first: Option<String>,
}

struct Row {
    name: String,
    email: String,
    path: String,
    is_self: bool,
    state: Option<(&'static str, String)>,
    since: String,
    role: Form,
    /// Suspend, or reinstate.
    suspension: Form,
    remove: Form,
}

#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    after: Option<String>,
    /// Where the invitations begin: then there are no members on the page.
    invited: Option<String>,
    search: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(id): At<OrganizationId>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = page(&visit, id, &asked, &Back::nothing(), Vec::new()).await;
    visit.page(page).await
}

pub(crate) async fn come_back<H: ConsoleHost>(
    visit: &Visit<H>,
    id: OrganizationId,
    back: &Back,
    outcomes: Vec<Outcome>,
) -> Response {
    let page = page(visit, id, &Asked::default(), back, outcomes).await;
    visit.page(page).await
}

pub(crate) async fn invite<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let Some(role) = filled.get("role").and_then(read_organization_role) else {
        let mut reading = filled.reading();
        reading.say("role", "choose a role of the list");
        let back = Back::of("invite", filled.clone(), &reading.trouble());
        return come_back(&visit, organization, &back, Vec::new()).await;
    };
    let target = InvitationOffer::Organization { role };
    match invited::invite_many(&visit, organization, target, &filled).await {
        Ok(outcomes) if outcomes.iter().all(|outcome| !outcome.is_bad) => {
            visit.to(&visit.path(organization, HERE), "invited")
        }
        Ok(outcomes) => {
            let back = invited::some_refused("invite", filled, &outcomes);
            come_back(&visit, organization, &back, outcomes).await
        }
        Err(trouble) => {
            let back = Back::of("invite", filled, &trouble);
            come_back(&visit, organization, &back, Vec::new()).await
        }
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    asked: &Asked,
    back: &Back,
    outcomes: Vec<Outcome>,
) -> Result<(StatusCode, Members), Rejection> {
    let inside = visit.inside(organization).await?;
    let searched = asked.search.as_deref().map(str::trim).unwrap_or_default();
    let page = match &asked.invited {
        _ if !searched.is_empty() => found(visit, organization, searched).await?,
        Some(_) => nobody(),
        None => {
            let paging = paging(MEMBERS, asked.after.as_deref());
            let members = visit.tenancy().members(&visit.actor, organization, paging);
            members.await?
        }
    };
    let is_first = asked.after.is_none() && asked.invited.is_none();
    let (invitations, more_invited) = if asked.after.is_none() {
        open(visit, &inside, asked, searched).await?
    } else {
        (Vec::new(), None)
    };
    let users = page.items.iter().map(|member| member.user);
    let names = visit
        .names(users.chain(invitations.iter().map(|one| one.inviter)))
        .await;
    let mut rows = rows(visit, &inside, &page.items, &names, back).await?;
    // As near to an order as a page can come: the list itself is by id.
    rows.sort_by_key(|row| row.name.to_lowercase());
    let shared = [
        Shared::of(
            "change-roles",
            "Change roles",
            rows.iter_mut().map(|row| &mut row.role),
        ),
        Shared::of(
            "suspend",
            "Suspend or reinstate",
            rows.iter_mut().map(|row| &mut row.suspension),
        ),
        Shared::of(
            "remove",
            "Remove",
            rows.iter_mut().map(|row| &mut row.remove),
        ),
    ];
    let workspaces = if invitations
        .iter()
        .any(|one| one.target.workspace().is_some())
    {
        let paging = Paging::first(Paging::<()>::MAX_LIMIT);
        let all = visit
            .tenancy()
            .workspaces(&visit.actor, organization, paging)
            .await?;
        all.items
            .into_iter()
            .map(|one| (one.id, one.name.to_string()))
            .collect()
    } else {
        Vec::new()
    };
    let invited = invited::rows(
        visit,
        &inside,
        &invitations,
        &names,
        &workspaces,
        None,
        back,
    )
    .await?;
    let next = page
        .cursor()
        .map(|cursor| visit.path(organization, &format!("{HERE}?after={cursor}")));
    let members = Members {
        seats: inside
            .overview
            .usage
            .map(|usage| Bar::of("Seats", usage.seats)),
        invite: invite_form(visit, &inside, back).await?,
        outcomes,
        search: visit.path(organization, HERE),
        searched: searched.to_owned(),
        shared: shared.into_iter().flatten().collect(),
        rows,
        invited,
        next,
        more_invited,
        first: (!is_first || !searched.is_empty()).then(|| visit.path(organization, HERE)),
        frame: visit.frame_in(&inside, "Members", HERE, back).await,
    };
    Ok((back.status(), members))
}

/// The open invitations after the members of the first page, and where more of them are.
async fn open<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    asked: &Asked,
    searched: &str,
) -> Result<(Vec<InvitationView>, Option<String>), Rejection> {
    if !inside.may(OrganizationAction::ViewInvitations) {
        return Ok((Vec::new(), None));
    }
    let (limit, cursor) = if searched.is_empty() {
        (INVITATIONS, asked.invited.as_deref())
    } else {
        (Paging::<()>::MAX_LIMIT, None)
    };
    let page = visit
        .tenancy()
        .invitations(&visit.actor, inside.id(), paging(limit, cursor))
        .await?;
    let more = page.cursor().filter(|_| searched.is_empty());
    let more = more.map(|cursor| visit.path(inside.id(), &format!("{HERE}?invited={cursor}")));
    let has_it = |one: &InvitationView| {
        let email = one.email.as_str().to_lowercase();
        email.contains(&searched.to_lowercase())
    };
    let most = usize::try_from(INVITATIONS).unwrap_or(usize::MAX);
    let found = page.items.into_iter().filter(has_it).take(most);
    Ok((found.collect(), more))
}

fn nobody() -> Page<Member, UserId> {
    Page {
        items: Vec::new(),
        next: None,
        unreadable: Vec::new(),
    }
}

/// The members whose address or name has that in it, as many as a page shows.
async fn found<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    searched: &str,
) -> Result<Page<Member, UserId>, Rejection> {
    let searched = searched.to_lowercase();
    let mut found = nobody();
    let most = usize::try_from(MEMBERS).unwrap_or(usize::MAX);
    let mut paging = Paging::first(Paging::<()>::MAX_LIMIT);
    for _ in 0..SEARCHED {
        let page = visit
            .tenancy()
            .members(&visit.actor, organization, paging)
            .await?;
        let names = visit
            .names(page.items.iter().map(|member| member.user))
            .await;
        for member in page.items {
            let name = names.get(member.user).unwrap_or_default().to_lowercase();
            let email = member.email.as_str().to_lowercase();
            let is_it = name.contains(&searched) || email.contains(&searched);
            if is_it && found.items.len() < most {
                found.items.push(member);
            }
        }
        match page.next {
            Some(next) if found.items.len() < most => paging = paging.after(next),
            _ => break,
        }
    }
    Ok(found)
}

async fn rows<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    members: &[Member],
    names: &Names,
    back: &Back,
) -> Result<Vec<Row>, Rejection> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let organization = inside.id();
    let asks = members
        .iter()
        .map(|member| member::RowAsk::of(organization, member));
    let mut why_not = visit
        .why_not(asks.map(member::RowAsk::commands).collect::<Vec<_>>())
        .await?;
    let rows = members.iter().map(|member| {
        let user = member.user;
        let name = names.or(user, member.email.as_str());
        let forms = member::forms(visit, inside, member, &name, "members", &mut why_not, back);
        Row {
            email: member.email.to_string(),
            path: visit.path(organization, &format!("/members/{user}")),
            is_self: visit.is(user),
            state: member::state(member),
            since: say::day(member.since),
            role: forms.role.in_line(),
            suspension: forms.suspension.in_line(),
            remove: forms.remove.in_line(),
            name,
        }
    });
    Ok(rows.collect())
}

async fn invite_form<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    back: &Back,
) -> Result<Form, Rejection> {
    let organization = inside.id();
    // Somebody who is surely no member: what is refused is so for everybody.
    let ask = |role| -> Result<_, Rejection> {
        Ok(InviteToOrganization {
            organization,
            email: sample("somebody@new.example")?,
            role,
        })
    };
    let asks: Result<Vec<_>, _> = OrganizationRole::ALL.into_iter().map(ask).collect();
    let mut why_not = visit.why_not(asks?).await?;
    let refused: Vec<_> = OrganizationRole::ALL
        .iter()
        .map(|_| why_not.next())
        .collect();
    let none_goes = refused.iter().all(Option::is_some);
    let why = refused
        .iter()
        .flatten()
        .next()
        .cloned()
        .filter(|_| none_goes);
    let mut choices = organization_choices(inside.roles());
    for (choice, why) in choices.iter_mut().zip(&refused) {
        choice.why_not.clone_from(why);
    }
    Ok(Form::new(
        "invite",
        visit.path(organization, "/members/invite"),
        "Send invitations",
    )
    .look(Look::Primary)
    .field(
        Field::new("emails", "E-mail addresses", Ask::Lines(3))
            .hint("One a line, or separated by commas: up to 100."),
    )
    .field(Field::one("role", "Role", choices).value("member"))
    .why_not(why)
    .back(back))
}
