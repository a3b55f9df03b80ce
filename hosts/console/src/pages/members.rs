//! Who belongs to an organization, and who is invited to it: one table.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::commands::{
    ChangeOrganizationRole, InviteMany, InviteToOrganization, ReinstateMember, RemoveMember,
    ResendInvitation, RevokeInvitation, SuspendMember,
};
use tenancy::views::{InvitationView, OwnRoleView};
use tenancy::{
    InvitationId, InvitationOffer, InvitationStatus, InvitationTarget, Layer, Member,
    MembershipStatus, OrganizationAction, OrganizationId, OrganizationRole, Page, Paging,
    RoleState, UserId, WorkspaceId,
};
use tenancy_axum::Rejection;

use super::organization::Bar;
use super::problem::escaped;
use super::settings::{ask_first, read_role, word};
use super::workspace;
use crate::console::Link;
use crate::form::{Ask, Back, Choice, Field, Filled, Form, Look, Shared, Trouble};
use crate::frame::Frame;
use crate::people::Names;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, WhyNot, paging, sample};

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

/// Somebody who is invited.
pub(crate) struct InvitedRow {
    pub(crate) email: String,
    pub(crate) offer: String,
    pub(crate) from: String,
    pub(crate) until: String,
    pub(crate) is_expired: bool,
    pub(crate) resend: Form,
    pub(crate) revoke: Form,
}

/// What came of a line of many that were invited.
pub(crate) struct Outcome {
    pub(crate) line: String,
    pub(crate) sentence: String,
    pub(crate) is_bad: bool,
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

async fn come_back<H: ConsoleHost>(
    visit: &Visit<H>,
    id: OrganizationId,
    back: &Back,
    outcomes: Vec<Outcome>,
) -> Response {
    let page = page(visit, id, &Asked::default(), back, outcomes).await;
    visit.page(page).await
}

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
                super::person::come_back(visit, organization, user, &back).await
            } else {
                come_back(visit, organization, &back, Vec::new()).await
            }
        }
    }
}

pub(crate) async fn role<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, user)): At<(OrganizationId, UserId)>,
    filled: Filled,
) -> Response {
    let done = if let Some(role) = filled.get("role").and_then(read_role) {
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

pub(crate) async fn invite<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let Some(role) = filled.get("role").and_then(read_role) else {
        let mut reading = filled.reading();
        reading.say("role", "choose a role of the list");
        let back = Back::of("invite", filled.clone(), &reading.trouble());
        return come_back(&visit, organization, &back, Vec::new()).await;
    };
    let target = InvitationOffer::Organization { role };
    match invite_many(&visit, organization, target, &filled).await {
        Ok(outcomes) if outcomes.iter().all(|outcome| !outcome.is_bad) => {
            visit.to(&visit.path(organization, HERE), "invited")
        }
        Ok(outcomes) => {
            let back = some_refused("invite", filled, &outcomes);
            come_back(&visit, organization, &back, outcomes).await
        }
        Err(trouble) => {
            let back = Back::of("invite", filled, &trouble);
            come_back(&visit, organization, &back, Vec::new()).await
        }
    }
}

/// Invites each line, hands the links to whoever mails them, and says what came of each.
pub(crate) async fn invite_many<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    target: InvitationOffer,
    filled: &Filled,
) -> Result<Vec<Outcome>, Trouble> {
    let mut reading = filled.reading();
    let emails: Vec<String> = reading
        .lines("emails")
        .iter()
        .flat_map(|line| line.split([',', ';']))
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    if emails.is_empty() {
        reading.say("emails", "write at least one address");
        return Err(reading.trouble());
    }
    let invite = InviteMany {
        organization,
        target,
        emails: emails.clone(),
    };
    let answer = visit.execute(filled, invite).await?.output;
    let mut outcomes = Vec::with_capacity(emails.len());
    for (line, outcome) in emails.into_iter().zip(answer.lines) {
        let (sentence, is_bad) = match &outcome {
            Ok(invited) if invited.renewed => ("Invited again, with a new link.".to_owned(), false),
            Ok(_) => ("Invited.".to_owned(), false),
            Err(refusal) => (say::refusal(refusal), true),
        };
        if let Ok(invited) = outcome {
            deliver(visit, organization, &invited);
        }
        outcomes.push(Outcome {
            line,
            sentence,
            is_bad,
        });
    }
    Ok(outcomes)
}

/// The form with the lines that weren't invited, as those are what is left to do.
pub(crate) fn some_refused(form: &str, mut filled: Filled, outcomes: &[Outcome]) -> Back {
    let left = outcomes.iter().filter(|outcome| outcome.is_bad);
    let left: Vec<_> = left.map(|outcome| outcome.line.as_str()).collect();
    let invited = outcomes.len().saturating_sub(left.len());
    filled.set("emails", left.join("\n"));
    let sentence = "these were not invited: see above what is wrong with each".to_owned();
    let notice = format!("{invited} invited, {} not: each line says why.", left.len());
    let trouble = Trouble::Wrong(vec![("emails".to_owned(), say::sentence(&sentence))]);
    Back::of(form, filled, &trouble).with_notice(notice)
}

fn deliver<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    invited: &tenancy::commands::Invited,
) {
    // A request that is repeated has no token: its link was handed out the first time.
    if let (Some(deliver), Some(token)) = (&visit.console.deliver, &invited.token) {
        let path = format!("/invitation?token={}", escaped(&token.expose()));
        deliver(Link {
            organization,
            invitation: invited.invitation,
            email: invited.email.clone(),
            token: token.clone(),
            path: visit.console.path(&path),
        });
    }
}

/// Where a form of an invitation stood: among the members, or in a workspace.
fn stood_in(filled: &Filled) -> Option<WorkspaceId> {
    filled
        .get("workspace")
        .and_then(|workspace| workspace.parse().ok())
}

pub(crate) async fn resend<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let resend = ResendInvitation {
        organization,
        invitation,
    };
    let done = visit.execute(&filled, resend).await;
    if let Ok(done) = &done {
        deliver(&visit, organization, &done.output);
    }
    let form = format!("resend-{invitation}");
    answer_invitation(&visit, organization, form, filled, done, "resent").await
}

pub(crate) async fn revoke<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, invitation)): At<(OrganizationId, InvitationId)>,
    filled: Filled,
) -> Response {
    let revoke = RevokeInvitation {
        organization,
        invitation,
    };
    let done = visit.execute(&filled, revoke).await;
    let form = format!("revoke-{invitation}");
    answer_invitation(&visit, organization, form, filled, done, "revoked").await
}

async fn answer_invitation<H: ConsoleHost, T>(
    visit: &Visit<H>,
    organization: OrganizationId,
    form: String,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    let workspace = stood_in(&filled);
    match (done, workspace) {
        (Ok(_), None) => visit.to(&visit.path(organization, HERE), word),
        (Ok(_), Some(workspace)) => visit.to(
            &visit.path(organization, &format!("/workspaces/{workspace}")),
            word,
        ),
        (Err(trouble), None) => {
            let back = Back::of(form, filled, &trouble);
            come_back(visit, organization, &back, Vec::new()).await
        }
        (Err(trouble), Some(workspace)) => {
            let back = Back::of(form, filled, &trouble);
            workspace::come_back(visit, (organization, workspace), &back, Vec::new()).await
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
    let invited = invited(
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
        .map(|member| RowAsk::of(organization, member));
    let mut why_not = visit
        .why_not(asks.map(RowAsk::commands).collect::<Vec<_>>())
        .await?;
    let rows = members.iter().map(|member| {
        let user = member.user;
        let name = names.or(user, member.email.as_str());
        let forms = member_forms(visit, inside, member, &name, "members", &mut why_not, back);
        Row {
            email: member.email.to_string(),
            path: visit.path(organization, &format!("/members/{user}")),
            is_self: visit.is(user),
            state: state(member),
            since: say::day(member.since),
            role: forms.role.in_line(),
            suspension: forms.suspension.in_line(),
            remove: forms.remove.in_line(),
            name,
        }
    });
    Ok(rows.collect())
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

pub(crate) fn member_forms<H: ConsoleHost>(
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
        choices.push(Choice::new(word(role), role.to_string()).why_not(why));
    }
    let own = own_choices(inside.roles(), Layer::Organization);
    // A role of the organization's own is given like its base (R6).
    choices.extend(own.into_iter().map(|(base, choice)| {
        let of_base = choices_why(&refused, member.role, base);
        choice.why_not(of_base)
    }));
    let held = member
        .own_role
        .map_or_else(|| word(member.role).to_owned(), |own| own.to_string());
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

/// The roles of the organization's own that can be given at a layer, with their bases in the organization.
fn own_choices(roles: &[OwnRoleView], layer: Layer) -> Vec<(OrganizationRole, Choice)> {
    let in_force = roles.iter().filter(|role| role.base.layer() == layer);
    let choices = in_force.map(|role| {
        let base = role
            .base
            .organization_role()
            .unwrap_or(OrganizationRole::Member);
        let label = if role.state == RoleState::Retired {
            format!("{} (retired)", role.name)
        } else {
            role.name.to_string()
        };
        (base, Choice::new(role.number, label))
    });
    choices.collect()
}

/// All roles that can be given in the organization, strongest last.
pub(crate) fn role_choices(roles: &[OwnRoleView]) -> Vec<Choice> {
    let built_in = OrganizationRole::ALL.into_iter();
    let mut choices: Vec<_> = built_in
        .map(|role| Choice::new(word(role), role.to_string()))
        .collect();
    let in_force = roles.iter().filter(|role| role.state == RoleState::InForce);
    let own = in_force.filter(|role| role.base.layer() == Layer::Organization);
    choices.extend(own.map(|role| Choice::new(role.number, role.name.to_string())));
    choices
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
    let mut choices = role_choices(inside.roles());
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

/// The rows of open invitations.
pub(crate) async fn invited<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
    invitations: &[InvitationView],
    names: &Names,
    workspaces: &[(WorkspaceId, String)],
    stand_in: Option<WorkspaceId>,
    back: &Back,
) -> Result<Vec<InvitedRow>, Rejection> {
    if invitations.is_empty() {
        return Ok(Vec::new());
    }
    let organization = inside.id();
    let asks = invitations.iter().map(|one| {
        let invitation = one.id;
        let resend = ResendInvitation {
            organization,
            invitation,
        };
        let revoke = RevokeInvitation {
            organization,
            invitation,
        };
        (resend, revoke)
    });
    let mut why_not = visit.why_not(asks.collect::<Vec<_>>()).await?;
    let rows = invitations.iter().map(|one| {
        let form = |what: &str, button: &str, why_not: Option<String>| {
            let path = visit.path(organization, &format!("/invitations/{}/{what}", one.id));
            let mut form = Form::new(format!("{what}-{}", one.id), path, button)
                .about(format!("the invitation to {}", one.email))
                .in_line();
            if let Some(workspace) = stand_in {
                form = form.field(Field::hidden("workspace", workspace));
            }
            form.why_not(why_not).back(back)
        };
        let resend = form("resend", "Resend", why_not.next());
        let revoke = form("revoke", "Revoke", why_not.next());
        let is_expired = one.status == InvitationStatus::Expired;
        let until = if is_expired {
            "expired on"
        } else {
            "open until"
        };
        InvitedRow {
            email: one.email.to_string(),
            offer: offer(one, inside.roles(), workspaces),
            from: names.show(one.inviter),
            until: format!(
                "sent on {}, {until} {}",
                say::day(one.sent_at),
                say::day(one.expires_at)
            ),
            is_expired,
            resend,
            revoke,
        }
    });
    Ok(rows.collect())
}

/// What an invitation gives.
pub(crate) fn offer(
    invitation: &InvitationView,
    roles: &[OwnRoleView],
    workspaces: &[(WorkspaceId, String)],
) -> String {
    match invitation.target {
        InvitationTarget::Organization { role } => {
            say::organization_role(role, invitation.own_role, roles)
        }
        InvitationTarget::Workspace { workspace, role } => {
            let name = workspaces.iter().find(|(id, _)| *id == workspace);
            let name = name.map_or("a workspace", |(_, name)| name.as_str());
            format!(
                "{} of {name}",
                say::workspace_role(role, invitation.own_role, roles)
            )
        }
    }
}
