//! One workspace: its people, its domains, what can be changed of it.

use askama::Template;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use tenancy::commands::{
    CreateDomain, DeleteWorkspace, EditWorkspaceInvoicing, InviteToWorkspace, LeaveWorkspace,
    RenameWorkspace,
};
use tenancy::views::{PageKey, WorkspaceInvoicing, WorkspaceView};
use tenancy::{
    DomainKind, DomainStatus, InvitationOffer, OrganizationId, Page, Refusal, UserId,
    WorkspaceAction, WorkspaceId, WorkspaceRole,
};
use tenancy_axum::Rejection;

use super::company::{invoicing_form, read_invoicing};
use super::confirm::{self, Confirm};
use super::invited::{self, InvitedRow, Outcome};
use super::organization::{Bar, invoicing_lines};
use super::workspace_people::{Named, PersonRow, emails, give_form, person_rows};
use super::workspace_role::give_or_take;
use crate::choices::{read_workspace_role, workspace_choices};
use crate::form::{Ask, Back, Choice, Field, Filled, Form, Look, Shared, Trouble, ask_first};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Inside, Visit, paging, sample};

const HERE: &str = "/workspaces";
/// With three questions about each, as many as are asked at once.
const PEOPLE: u32 = 33;
const INVITATIONS: u32 = 50;
const DOMAINS: u32 = 100;

type On = (OrganizationId, WorkspaceId);

#[derive(Template)]
#[template(path = "workspace.html")]
pub(crate) struct Workspace {
    frame: Frame,
    name: String,
    created: String,
    usage: Vec<Bar>,
    domains: Shown<Vec<DomainRow>>,
    create: Form,
    people: Shown<Vec<PersonRow>>,
    shared: Vec<Shared>,
    more: More,
    give: Option<Form>,
    invite: Form,
    outcomes: Vec<Outcome>,
    invited: Shown<Vec<InvitedRow>>,
    invoicing: Shown<Invoicing>,
    edit_invoicing: Form,
    rename: Form,
    leave: Form,
    delete: Form,
    blockers: Vec<(&'static str, String)>,
}

/// Where each of its lists goes on.
struct More {
    domains: Option<String>,
    people: Option<String>,
    invitations: Option<String>,
}

fn next<H: ConsoleHost, T, K: PageKey>(
    visit: &Visit<H>,
    on: On,
    list: &str,
    page: &Shown<Page<T, K>>,
) -> Option<String> {
    match page {
        Shown::There(page) => {
            let cursor = page.cursor()?;
            Some(path(visit, on, &format!("?{list}={cursor}#{list}")))
        }
        Shown::Not(_) => None,
    }
}

/// A part of a page: there, or why not.
pub(crate) enum Shown<T> {
    There(T),
    Not(String),
}

struct DomainRow {
    name: String,
    path: String,
    kind: DomainKind,
    is_off: bool,
    created: String,
}

struct Invoicing {
    is_own: bool,
    lines: Vec<(&'static str, Vec<String>)>,
}

/// Where each of its lists begins.
#[derive(Default, Deserialize)]
pub(crate) struct Asked {
    domains: Option<String>,
    people: Option<String>,
    invitations: Option<String>,
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    Query(asked): Query<Asked>,
) -> Response {
    let page = page(&visit, on, &asked, &Back::nothing(), Vec::new()).await;
    visit.page(page).await
}

pub(crate) async fn come_back<H: ConsoleHost>(
    visit: &Visit<H>,
    on: On,
    back: &Back,
    outcomes: Vec<Outcome>,
) -> Response {
    let page = page(visit, on, &Asked::default(), back, outcomes).await;
    visit.page(page).await
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    on: On,
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&path(visit, on, ""), word),
        Err(trouble) => come_back(visit, on, &Back::of(form, filled, &trouble), Vec::new()).await,
    }
}

pub(crate) fn path<H: ConsoleHost>(
    visit: &Visit<H>,
    (organization, workspace): On,
    end: &str,
) -> String {
    visit.path(organization, &format!("{HERE}/{workspace}{end}"))
}

pub(crate) async fn rename<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("name") {
        Some(name) => {
            let rename = RenameWorkspace {
                organization: on.0,
                workspace: on.1,
                name,
            };
            visit.execute(&filled, rename).await
        }
        None => Err(reading.trouble()),
    };
    answer(&visit, on, "rename", filled, done, "renamed").await
}

pub(crate) async fn invoicing<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let done = match read_invoicing(&filled) {
        Ok(invoicing) => {
            let edit = EditWorkspaceInvoicing {
                organization: on.0,
                workspace: on.1,
                invoicing,
            };
            visit.execute(&filled, edit).await
        }
        Err(trouble) => Err(trouble),
    };
    answer(&visit, on, "invoicing", filled, done, "saved").await
}

pub(crate) async fn create_domain<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let name = reading.one("name");
    let kind = match filled.get("kind") {
        Some("sandbox") => Some(DomainKind::Sandbox),
        Some("production") => Some(DomainKind::Production),
        _ => None,
    };
    if kind.is_none() {
        reading.say("kind", "choose sandbox or production");
    }
    let done = match (name, kind) {
        (Some(name), Some(kind)) => {
            let create = CreateDomain {
                organization: on.0,
                workspace: on.1,
                name,
                kind,
            };
            visit.execute(&filled, create).await
        }
        _ => Err(reading.trouble()),
    };
    answer(&visit, on, "create-domain", filled, done, "created").await
}

/// A role for somebody, from their row or from the form below.
pub(crate) async fn role<H: ConsoleHost>(
    visit: Visit<H>,
    At((organization, workspace, user)): At<(OrganizationId, WorkspaceId, UserId)>,
    filled: Filled,
) -> Response {
    let on = (organization, workspace);
    let (done, word) = give_or_take(&visit, on, user, &filled).await;
    answer(&visit, on, &format!("role-{user}"), filled, done, word).await
}

pub(crate) async fn give<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let Some(user) = reading.one::<UserId>("user") else {
        let done: Result<(), _> = Err(reading.trouble());
        return answer(&visit, on, "give", filled, done, "role").await;
    };
    let (done, word) = give_or_take(&visit, on, user, &filled).await;
    answer(&visit, on, "give", filled, done, word).await
}

pub(crate) async fn invite<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let Some(role) = filled.get("role").and_then(read_workspace_role) else {
        let mut reading = filled.reading();
        reading.say("role", "choose a role of the list");
        let done: Result<(), _> = Err(reading.trouble());
        return answer(&visit, on, "invite", filled, done, "invited").await;
    };
    let target = InvitationOffer::Workspace {
        workspace: on.1,
        role,
    };
    match invited::invite_many(&visit, on.0, target, &filled).await {
        Ok(outcomes) if outcomes.iter().any(|outcome| outcome.is_bad) => {
            let back = invited::some_refused("invite", filled, &outcomes);
            come_back(&visit, on, &back, outcomes).await
        }
        done => answer(&visit, on, "invite", filled, done, "invited").await,
    }
}

pub(crate) async fn leave<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let leave = LeaveWorkspace {
        organization: on.0,
        workspace: on.1,
    };
    match visit.execute(&filled, leave).await {
        // Who leaves may not see it any more.
        Ok(_) => visit.to(&visit.path(on.0, HERE), "left"),
        done => answer(&visit, on, "leave", filled, done, "left").await,
    }
}

pub(crate) async fn before_deleting<H: ConsoleHost>(visit: Visit<H>, At(on): At<On>) -> Response {
    visit.page(deleting(&visit, on).await).await
}

async fn deleting<H: ConsoleHost>(
    visit: &Visit<H>,
    on: On,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(on.0).await?;
    let workspace = visit.tenancy().workspace(&visit.actor, on).await?;
    let delete = DeleteWorkspace {
        organization: on.0,
        workspace: on.1,
    };
    let deleted = visit.tenancy().prepare(&visit.actor, delete).await?.output;
    let mut goes = vec!["The workspace; its place in the quota is free again".to_owned()];
    goes.extend(
        deleted
            .role
            .map(|(_, role)| format!("Your role in it: {role}")),
    );
    goes.extend(confirm::invitations(deleted.revoked.len()));
    let heading = format!("Delete {}?", workspace.name);
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: "Nobody can bring it back.".to_owned(),
        goes,
        form: Form::new("delete", path(visit, on, "/delete"), "Delete for good").look(Look::Danger),
        cancel: path(visit, on, ""),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn delete<H: ConsoleHost>(
    visit: Visit<H>,
    At(on): At<On>,
    filled: Filled,
) -> Response {
    let delete = DeleteWorkspace {
        organization: on.0,
        workspace: on.1,
    };
    match visit.execute(&filled, delete).await {
        Ok(_) => visit.to(&visit.path(on.0, HERE), "deleted"),
        done => answer(&visit, on, "delete", filled, done, "deleted").await,
    }
}

/// A part that the visitor may not see is said so; anything else that fails, fails the page.
fn shown<T>(part: Result<T, Rejection>) -> Result<Shown<T>, Rejection> {
    match part {
        Ok(part) => Ok(Shown::There(part)),
        Err(rejection) if matches!(rejection.refusal(), Some(Refusal::Forbidden { .. })) => {
            Ok(Shown::Not(say::rejection(&rejection)))
        }
        Err(rejection) => Err(rejection),
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    on: On,
    asked: &Asked,
    back: &Back,
    outcomes: Vec<Outcome>,
) -> Result<(StatusCode, Workspace), Rejection> {
    let inside = visit.inside(on.0).await?;
    let tenancy = visit.tenancy();
    let workspace = tenancy.workspace(&visit.actor, on).await?;
    let usage = tenancy.workspace_usage(&visit.actor, on).await;
    let mut bars = Vec::new();
    if let Ok(usage) = usage {
        bars.push(Bar::of("Domains here", usage.domains));
        bars.push(Bar::of("Domains in all", usage.domains_in_all));
    }
    let domains = tenancy
        .domains(&visit.actor, on, paging(DOMAINS, asked.domains.as_deref()))
        .await;
    let domains = shown(domains.map_err(Rejection::from))?;
    let people = tenancy
        .workspace_members(&visit.actor, on, paging(PEOPLE, asked.people.as_deref()))
        .await;
    let people = shown(people.map_err(Rejection::from))?;
    let open = tenancy
        .workspace_invitations(
            &visit.actor,
            on,
            paging(INVITATIONS, asked.invitations.as_deref()),
        )
        .await;
    let open = shown(open.map_err(Rejection::from))?;
    let invoicing = tenancy.workspace_invoicing(&visit.actor, on).await;
    let invoicing = shown(invoicing.map_err(Rejection::from))?;
    let members = match &people {
        Shown::There(page) => page.items.as_slice(),
        Shown::Not(_) => &[][..],
    };
    let more = More {
        domains: next(visit, on, "domains", &domains),
        people: next(visit, on, "people", &people),
        invitations: next(visit, on, "invitations", &open),
    };
    let inviters = match &open {
        Shown::There(page) => page.items.iter().map(|one| one.inviter).collect(),
        Shown::Not(_) => Vec::new(),
    };
    let users = members.iter().map(|member| member.user).chain(inviters);
    let names = visit.names(users).await;
    let (emails, are_more) = emails(visit, &inside).await?;
    let named = Named {
        names: &names,
        emails,
        are_more,
    };
    let mut rows = person_rows(visit, &inside, on, members, &named, back).await?;
    rows.sort_by_key(|row| row.name.to_lowercase());
    let roles = rows.iter_mut().map(|row| &mut row.role);
    let shared = Shared::of("change-roles", "Change roles", roles).into_iter();
    let give = give_form(visit, &inside, on, members, &named, back).await?;
    let known = [(on.1, workspace.name.to_string())];
    let invited = match &open {
        Shown::There(page) => {
            let rows = invited::rows(
                visit,
                &inside,
                &page.items,
                &names,
                &known,
                Some(on.1),
                back,
            );
            Shown::There(rows.await?)
        }
        Shown::Not(why) => Shown::Not(why.clone()),
    };
    let own = match &invoicing {
        Shown::There(WorkspaceInvoicing::Own(own)) => Some(own.clone()),
        _ => None,
    };
    let forms = Forms::of(visit, &inside, on, &workspace, own.as_ref(), back).await?;
    let (blockers, shown_people) = (forms.blockers, people_shown(people, rows));
    let page = Workspace {
        name: workspace.name.to_string(),
        created: say::day(workspace.created_at),
        usage: bars,
        domains: match domains {
            Shown::There(page) => {
                let rows = page.items.iter().map(|domain| DomainRow {
                    name: domain.name.to_string(),
                    path: visit.path(on.0, &format!("/domains/{}", domain.id)),
                    kind: domain.kind,
                    is_off: domain.status == DomainStatus::Deactivated,
                    created: say::day(domain.created_at),
                });
                Shown::There(rows.collect())
            }
            Shown::Not(why) => Shown::Not(why),
        },
        create: forms.create,
        people: shown_people,
        shared: shared.collect(),
        more,
        give,
        invite: forms.invite,
        outcomes,
        invited,
        invoicing: match invoicing {
            Shown::There(WorkspaceInvoicing::Own(own)) => Shown::There(Invoicing {
                is_own: true,
                lines: invoicing_lines(&own),
            }),
            Shown::There(WorkspaceInvoicing::Organization(of)) => Shown::There(Invoicing {
                is_own: false,
                lines: of.as_ref().map_or_else(Vec::new, invoicing_lines),
            }),
            Shown::Not(why) => Shown::Not(why),
        },
        edit_invoicing: forms.invoicing,
        rename: forms.rename,
        leave: forms.leave,
        delete: forms.delete,
        blockers,
        frame: visit
            .frame_in(&inside, workspace.name.as_str(), HERE, back)
            .await,
    };
    Ok((back.status(), page))
}

fn people_shown<T>(people: Shown<T>, rows: Vec<PersonRow>) -> Shown<Vec<PersonRow>> {
    match people {
        Shown::There(_) => Shown::There(rows),
        Shown::Not(why) => Shown::Not(why),
    }
}

/// The forms about the workspace itself.
struct Forms {
    create: Form,
    invite: Form,
    invoicing: Form,
    rename: Form,
    leave: Form,
    delete: Form,
    blockers: Vec<(&'static str, String)>,
}

impl Forms {
    async fn of<H: ConsoleHost>(
        visit: &Visit<H>,
        inside: &Inside,
        on: On,
        view: &WorkspaceView,
        own: Option<&tenancy::InvoicingInformation>,
        back: &Back,
    ) -> Result<Self, Rejection> {
        let (organization, workspace) = on;
        let delete = DeleteWorkspace {
            organization,
            workspace,
        };
        let asks = (
            CreateDomain {
                organization,
                workspace,
                name: sample("a-name-that-nobody-has-taken-yet")?,
                kind: DomainKind::Sandbox,
            },
            InviteToWorkspace {
                organization,
                workspace,
                email: sample("somebody@new.example")?,
                role: WorkspaceRole::Reader,
            },
            EditWorkspaceInvoicing {
                organization,
                workspace,
                invoicing: own.cloned(),
            },
            RenameWorkspace {
                organization,
                workspace,
                name: view.name.clone(),
            },
            LeaveWorkspace {
                organization,
                workspace,
            },
        );
        let mut why_not = visit.why_not(asks).await?;
        let leave = LeaveWorkspace {
            organization,
            workspace,
        };
        let refused = visit
            .tenancy()
            .why_not(&visit.actor, (delete, leave))
            .await?;
        let mut refused = refused.into_iter();
        let (refused, why_stay) = (refused.next().flatten(), refused.next().flatten());
        let create = Form::new(
            "create-domain",
            path(visit, on, "/domains"),
            "Create domain",
        )
        .look(Look::Primary)
        .field(
            Field::text("name", "Name")
                .hint("Lower-case letters, digits and hyphens. No other organization may have it."),
        )
        .field(
            Field::one(
                "kind",
                "Kind",
                vec![
                    Choice::new("sandbox", "Sandbox"),
                    Choice::new("production", "Production"),
                ],
            )
            .hint("For ever: a domain never changes its kind."),
        )
        .why_not(why_not.next())
        .back(back);
        // A workspace's Admin invites who is a member already, and no newcomers (I2).
        let why_newcomers = why_not.next();
        let may_members = visit
            .tenancy()
            .check(&visit.actor, on, WorkspaceAction::InviteMember)
            .await?;
        let hint = match (&why_newcomers, may_members.is_allowed()) {
            (Some(why), true) => format!("Of members of the organization only. {why}"),
            _ => "One a line, or separated by commas: up to 100.".to_owned(),
        };
        let invite = Form::new("invite", path(visit, on, "/invite"), "Send invitations")
            .field(Field::new("emails", "E-mail addresses", Ask::Lines(3)).hint(&hint))
            .field(Field::one("role", "Role", workspace_choices(inside.roles())).value("reader"))
            .why_not(why_newcomers.filter(|_| !may_members.is_allowed()))
            .back(back);
        let invoicing = invoicing_form("invoicing", path(visit, on, "/invoicing"), own)
            .why_not(why_not.next())
            .back(back);
        let rename = Form::new("rename", path(visit, on, "/rename"), "Rename")
            .field(Field::text("name", "Name").value(&view.name))
            .why_not(why_not.next())
            .back(back);
        // Of oneself, `invite them first` would be odd.
        let why_leave = why_not.next().map(|why| match why_stay {
            Some(Refusal::MemberNotFound { .. }) => {
                "You hold no role of your own in it.".to_owned()
            }
            _ => why,
        });
        let leave = Form::new("leave", path(visit, on, "/leave"), "Leave the workspace")
            .look(Look::Danger)
            .why_not(why_leave)
            .back(back);
        let mut blockers = Vec::new();
        if let Some(Refusal::WorkspaceNotEmpty { domains, members }) = refused {
            if domains > 0 {
                blockers.push(("#domains", say::count(domains, "domain")));
            }
            if members > 0 {
                blockers.push(("#people", say::count(members, "other member")));
            }
        }
        let why = refused.as_ref().map(say::refusal);
        let delete = ask_first("delete", path(visit, on, "/delete"), "Delete…", why, back);
        Ok(Self {
            create,
            invite,
            invoicing,
            rename,
            leave,
            delete,
            blockers,
        })
    }
}
