//! What is changed of a member: from their row in the table, and from their own page.

use axum::response::Response;
use tenancy::commands::{ChangeOrganizationRole, ReinstateMember, RemoveMember, SuspendMember};
use tenancy::{Layer, Member, MembershipStatus, OrganizationId, OrganizationRole, UserId};

use super::{members, person};
use crate::choices::{organization_word, own_organization_choices, read_organization_role};
use crate::form::{Back, Choice, Field, Filled, Form, Trouble, ask_first};
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, WhyNot};

const HERE: &str = "/members";

/// After a form of somebody's row, or of their own page, whichever it stood on.
async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    organization: OrganizationId,
    user: UserId,
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    let stood_on_their_page = filled.get("on") == Some("person");
    let form = format!("{form}-{user}");
    match done {
        Ok(_) if stood_on_their_page => {
            visit.to(&visit.path(organization, &format!("/members/{user}")), word)
        }
        Ok(_) => visit.to(&visit.path(organization, HERE), word),
        Err(trouble) => {
            let back = Back::of(form, filled, &trouble);
            if stood_on_their_page {
                person::come_back(visit, organization, user, &back).await
            } else {
                members::come_back(visit, organization, &back, Vec::new()).await
            }
        }
    }
}

pub(crate) async fn role<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    let done = if let Some(role) = filled.get("role").and_then(read_organization_role) {
        let change = ChangeOrganizationRole {
            organization,
            user,
            role,
        };
        visit.execute(&filled, change).await
    } else {
        let mut reading = filled.reading();
        reading.say("role", "choose a role of the list");
        Err(reading.trouble())
    };
    answer(&visit, organization, user, "role", filled, done, "role").await
}

pub(crate) async fn suspend<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, SuspendMember { organization, user })
        .await;
    answer(
        &visit,
        organization,
        user,
        "suspension",
        filled,
        done,
        "suspended",
    )
    .await
}

pub(crate) async fn reinstate<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, ReinstateMember { organization, user })
        .await;
    answer(
        &visit,
        organization,
        user,
        "suspension",
        filled,
        done,
        "reinstated",
    )
    .await
}

/// How a membership looks, if it isn't simply there.
pub(crate) fn state(member: &Member) -> Option<(&'static str, String)> {
    match (member.status(say::now()), member.until) {
        (MembershipStatus::Suspended, _) => {
            Some(("Suspended", "none of their roles counts".to_owned()))
        }
        (MembershipStatus::Ended, Some(end)) => Some(("Ended", format!("on {}", say::day(end)))),
        (_, Some(end)) => Some((
            "Ends",
            format!("after {}", say::last_day(end).format("%-d %b %Y")),
        )),
        (_, None) => None,
    }
}

/// What is asked about a member before their row is shown.
pub(crate) struct RowAsk {
    roles: Vec<ChangeOrganizationRole>,
    suspend: Option<SuspendMember>,
    reinstate: Option<ReinstateMember>,
    remove: RemoveMember,
}

/// As a request: roles, suspension, removal.
type RowCommands = (
    Vec<ChangeOrganizationRole>,
    Vec<SuspendMember>,
    Vec<ReinstateMember>,
    RemoveMember,
);

impl RowAsk {
    pub(crate) fn of(organization: OrganizationId, member: &Member) -> Self {
        let user = member.user;
        let others = OrganizationRole::ALL
            .into_iter()
            .filter(|role| *role != member.role);
        let roles = others.map(|role| ChangeOrganizationRole {
            organization,
            user,
            role,
        });
        let suspended = member.suspended;
        Self {
            roles: roles.collect(),
            suspend: (!suspended).then_some(SuspendMember { organization, user }),
            reinstate: suspended.then_some(ReinstateMember { organization, user }),
            remove: RemoveMember { organization, user },
        }
    }

    pub(crate) fn commands(self) -> RowCommands {
        (
            self.roles,
            self.suspend.into_iter().collect(),
            self.reinstate.into_iter().collect(),
            self.remove,
        )
    }
}

/// The forms about a member, on their row and on their page.
pub(crate) struct MemberForms {
    pub(crate) role: Form,
    pub(crate) suspension: Form,
    pub(crate) remove: Form,
}

pub(crate) fn forms<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    member: &Member,
    name: &str,
    on: &str,
    why_not: &mut WhyNot,
    back: &Back,
) -> MemberForms {
    let user = member.user;
    let path = |end: &str| visit.path(inside.id(), &format!("/members/{user}/{end}"));
    let mut refused = Vec::new();
    let mut choices = Vec::new();
    for role in OrganizationRole::ALL {
        let is_held = role == member.role;
        let why = if is_held { None } else { why_not.next() };
        if !is_held {
            refused.push(why.clone());
        }
        choices.push(Choice::new(organization_word(role), role.to_string()).why_not(why));
    }
    let own = own_organization_choices(inside.roles(), Layer::Organization);
    // A role of the organization's own is given like its base (R6).
    choices.extend(own.into_iter().map(|(base, choice)| {
        let of_base = choices_why(&refused, member.role, base);
        choice.why_not(of_base)
    }));
    let held = member.own_role.map_or_else(
        || organization_word(member.role).to_owned(),
        |own| own.to_string(),
    );
    let none_goes = refused.iter().all(Option::is_some);
    let why = refused.into_iter().flatten().next().filter(|_| none_goes);
    let role_field = if on == "person" {
        Field::one("role", "Role", choices)
    } else {
        Field::one("role", &format!("Role of {name}"), choices).without_label()
    };
    let role_field = role_field.value(held);
    let role = Form::new(format!("role-{user}"), path("role"), "Change")
        .about(format!("the role of {name}"))
        .field(role_field)
        .field(Field::hidden("on", on))
        .why_not(why)
        .back(back);
    let (end, button) = if member.suspended {
        ("reinstate", "Reinstate")
    } else {
        ("suspend", "Suspend")
    };
    let suspension = Form::new(format!("suspension-{user}"), path(end), button)
        .about(name)
        .field(Field::hidden("on", on))
        .why_not(why_not.next())
        .back(back);
    let remove = ask_first(
        &format!("remove-{user}"),
        path("remove"),
        "Remove…",
        why_not.next(),
        back,
    )
    .about(name);
    MemberForms {
        role,
        suspension,
        remove,
    }
}

/// What stands in the way of a role's base, of what was asked about the roles that aren't held.
fn choices_why(
    refused: &[Option<String>],
    held: OrganizationRole,
    base: OrganizationRole,
) -> Option<String> {
    let asked = OrganizationRole::ALL
        .into_iter()
        .filter(|role| *role != held);
    let mut asked = asked.zip(refused);
    asked
        .find(|(role, _)| *role == base)
        .and_then(|(_, why)| why.clone())
}
