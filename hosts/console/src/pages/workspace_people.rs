//! The people of a workspace: their rows, and who else could be given a role in it.

use tenancy::{
    MembershipStatus, OrganizationAction, OrganizationId, Paging, UserId, WorkspaceId,
    WorkspaceMember,
};
use tenancy_axum::Rejection;

use super::workspace::path;
use super::workspace_role::{asks_in, role_form};
use crate::choices::workspace_choices;
use crate::form::{Back, Choice, Field, Form};
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{Inside, Visit};

type On = (OrganizationId, WorkspaceId);

/// How many members of the organization are offered a role.
const CANDIDATES: u32 = 200;

pub(crate) struct PersonRow {
    pub(crate) name: String,
    pub(crate) path: Option<String>,
    pub(crate) is_self: bool,
    pub(crate) state: Option<String>,
    pub(crate) since: String,
    pub(crate) role: Form,
}

/// What people are called here: by the host, or else by their address where it may be seen.
pub(crate) struct Named<'a> {
    pub(crate) names: &'a Names,
    pub(crate) emails: Vec<(UserId, String)>,
    /// Whether there are more members than those.
    pub(crate) are_more: bool,
}

impl Named<'_> {
    pub(crate) fn of(&self, user: UserId) -> String {
        let email = self.emails.iter().find(|(id, _)| *id == user);
        match email {
            Some((_, email)) => self.names.or(user, email),
            None => self.names.show(user),
        }
    }
}

/// The addresses of the organization's members, for whoever may see them.
pub(crate) async fn emails<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
) -> Result<(Vec<(UserId, String)>, bool), Rejection> {
    if !inside.may(OrganizationAction::ViewMembers) {
        return Ok((Vec::new(), false));
    }
    let page = visit
        .tenancy()
        .members(&visit.actor, inside.id(), Paging::first(CANDIDATES))
        .await?;
    let emails = page
        .items
        .iter()
        .map(|member| (member.user, member.email.to_string()));
    Ok((emails.collect(), page.next.is_some()))
}

pub(crate) async fn person_rows<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    on: On,
    members: &[WorkspaceMember],
    named: &Named<'_>,
    back: &Back,
) -> Result<Vec<PersonRow>, Rejection> {
    if members.is_empty() {
        return Ok(Vec::new());
    }
    let asks = members
        .iter()
        .map(|member| asks_in(on, member.user, Some(member)));
    let mut why_not = visit.why_not(asks.collect::<Vec<_>>()).await?;
    let sees_people = inside.may(OrganizationAction::ViewMembers);
    let rows = members.iter().map(|member| {
        let user = member.user;
        let name = named.of(user);
        let to = path(visit, on, &format!("/members/{user}"));
        let about = format!("the role of {name}");
        let id = format!("role-{user}");
        let role = role_form(id, to, &about, inside.roles(), Some(member), &mut why_not).back(back);
        let _ = why_not.next(); // of its end, which is set on the person's page
        let shows = sees_people || visit.is(user);
        PersonRow {
            path: shows.then(|| visit.path(on.0, &format!("/members/{user}"))),
            is_self: visit.is(user),
            state: match (member.status(say::now()), member.until) {
                (MembershipStatus::Ended, Some(end)) => Some(format!("Ended on {}", say::day(end))),
                (_, Some(end)) => Some(format!("Up to {}", say::last_day(end).format("%-d %b %Y"))),
                (_, None) => None,
            },
            since: say::day(member.since),
            role,
            name,
        }
    });
    Ok(rows.collect())
}

/// A role for somebody who is in the organization already; only for whoever sees who is.
pub(crate) async fn give_form<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    on: On,
    members: &[WorkspaceMember],
    named: &Named<'_>,
    back: &Back,
) -> Result<Option<Form>, Rejection> {
    let is_here = |user: UserId| members.iter().any(|member| member.user == user);
    let others: Vec<_> = named
        .emails
        .iter()
        .filter(|(user, _)| !is_here(*user))
        .collect();
    let Some((first, _)) = others.first() else {
        return Ok(None);
    };
    let (give, ..) = asks_in(on, *first, None);
    let why_not = visit.why_not(give).await?.next();
    let more = visit.names(others.iter().map(|(user, _)| *user)).await;
    let people = others.iter().map(|(user, email)| {
        let name = more
            .get(*user)
            .map_or_else(|| email.clone(), |name| format!("{name} ({email})"));
        Choice::new(user, name)
    });
    let mut field = Field::one("user", "Member", people.collect());
    if named.are_more {
        let hint = format!("Of the first {CANDIDATES}. For others, open the person under Members.");
        field = field.hint(&hint);
    }
    let form = Form::new("give", path(visit, on, "/members"), "Give role")
        .field(field)
        .field(Field::one("role", "Role", workspace_choices(inside.roles())).value("reader"))
        .why_not(why_not)
        .back(back);
    Ok(Some(form))
}
