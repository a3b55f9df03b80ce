//! A role in a workspace, given, changed, taken and bound to end: on the person's page and on the workspace's.

use chrono::{DateTime, NaiveDate, Utc};
use tenancy::commands::{GiveWorkspaceRole, SetWorkspaceRoleEnd, TakeWorkspaceRole};
use tenancy::views::OwnRoleView;
use tenancy::{OrganizationId, UserId, WorkspaceId, WorkspaceMember, WorkspaceRole};

use crate::choices::{read_workspace_role, workspace_choices, workspace_word};
use crate::form::{Ask, Choice, Field, Filled, Form, Trouble};
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{Visit, WhyNot};

/// Gives the role that a form asks for, or takes it.
pub(crate) async fn give_or_take<H: ConsoleHost>(
    visit: &Visit<H>,
    (organization, workspace): (OrganizationId, WorkspaceId),
    user: UserId,
    filled: &Filled,
) -> (Result<(), Trouble>, &'static str) {
    if filled.get("role") == Some("") {
        let take = TakeWorkspaceRole {
            organization,
            workspace,
            user,
        };
        return (visit.execute(filled, take).await.map(drop), "taken");
    }
    let done = if let Some(role) = filled.get("role").and_then(read_workspace_role) {
        let give = GiveWorkspaceRole {
            organization,
            workspace,
            user,
            role,
        };
        visit.execute(filled, give).await.map(drop)
    } else {
        let mut reading = filled.reading();
        reading.say("role", "choose a role of the list");
        Err(reading.trouble())
    };
    (done, "role")
}

/// What is asked about somebody in a workspace: whether a role can be given, taken, and bound to end.
pub(crate) type WorkspaceAsks = (
    GiveWorkspaceRole,
    Vec<TakeWorkspaceRole>,
    Vec<SetWorkspaceRoleEnd>,
);

pub(crate) fn asks_in(
    (organization, workspace): (OrganizationId, WorkspaceId),
    user: UserId,
    held: Option<&WorkspaceMember>,
) -> WorkspaceAsks {
    let role = match held.map(|held| held.role) {
        Some(WorkspaceRole::Reader) => WorkspaceRole::Developer,
        _ => WorkspaceRole::Reader,
    };
    let give = GiveWorkspaceRole {
        organization,
        workspace,
        user,
        role,
    };
    let take = held.map(|_| TakeWorkspaceRole {
        organization,
        workspace,
        user,
    });
    let end = held.map(|held| SetWorkspaceRoleEnd {
        organization,
        workspace,
        user,
        until: held.until,
    });
    (give, take.into_iter().collect(), end.into_iter().collect())
}

/// A role in a workspace: given, changed and taken with one choice.
pub(crate) fn role_form(
    id: String,
    to: String,
    about: &str,
    roles: &[OwnRoleView],
    held: Option<&WorkspaceMember>,
    why_not: &mut WhyNot,
) -> Form {
    let why_give = why_not.next();
    let why_take = if held.is_some() { why_not.next() } else { None };
    let mut choices = vec![Choice::new("", "No role").why_not(why_take.clone())];
    choices.extend(
        workspace_choices(roles)
            .into_iter()
            .map(|choice| choice.why_not(why_give.clone())),
    );
    let value = held.map_or_else(String::new, |held| {
        held.own_role.map_or_else(
            || workspace_word(held.role).to_owned(),
            |own| own.to_string(),
        )
    });
    let none_goes = why_give.is_some() && (held.is_none() || why_take.is_some());
    Form::new(id, to, "Change")
        .about(about)
        .in_line()
        .field(
            Field::one("role", about, choices)
                .value(value)
                .without_label(),
        )
        .why_not(why_give.filter(|_| none_goes))
}

/// When something ends: the last day on which it counts.
pub(crate) fn end_form(id: String, to: String, until: Option<DateTime<Utc>>) -> Form {
    let last = until.map(|end| say::last_day(end).format("%Y-%m-%d").to_string());
    Form::new(id, to, "Set end").field(
        Field::new("until", "Last day", Ask::Date)
            .value(last.unwrap_or_default())
            .optional()
            .hint("Empty: it doesn't end."),
    )
}

/// The same in a row, whose heads say what it is.
pub(crate) fn end_form_in_line(id: String, to: String, until: Option<DateTime<Utc>>) -> Form {
    let mut form = end_form(id, to, until);
    for field in &mut form.fields {
        field.hint = None;
        field.label_is_hidden = true;
    }
    form.in_line()
}

pub(crate) fn read_end(filled: &Filled) -> Result<Option<DateTime<Utc>>, Trouble> {
    let mut reading = filled.reading();
    let text = filled.get("until").unwrap_or_default().trim();
    let day = match text {
        "" => None,
        text => {
            let day: Option<NaiveDate> = text.parse().ok();
            if day.is_none() {
                reading.say("until", "a day is written as 2026-12-31");
                return Err(reading.trouble());
            }
            day
        }
    };
    let end = day.map(|day| say::end_of(day).ok_or(day)).transpose();
    end.map_err(|_| {
        reading.say("until", "that day is too far away");
        reading.trouble()
    })
}
