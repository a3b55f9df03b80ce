//! What only the vendor's staff do: limits, contract, suspension, repairs.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::commands::{
    AppointAdmin, EditContract, ReinstateOrganization, ReleaseDomainName, SetLimits,
    SuspendOrganization,
};
use tenancy::{EmailAddress, Limits, OrganizationId, Paging, UserId, VerifiedEmail};
use tenancy_axum::Rejection;

use super::organization::Bar;
use crate::form::{Ask, Back, Choice, Field, Filled, Form, Look, Trouble};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit, sample};

const HERE: &str = "/staff";

#[derive(Template)]
#[template(path = "staff.html")]
pub(crate) struct Staff {
    frame: Frame,
    usage: Vec<Bar>,
    suspension: Option<String>,
    limits: Form,
    contract: Form,
    suspend: Form,
    appoint: Form,
    release: Form,
    why: String,
}

pub(crate) async fn show<H: ConsoleHost>(visit: Visit<H>, At(id): At<OrganizationId>) -> Response {
    visit.page(page(&visit, id, &Back::nothing()).await).await
}

async fn answer<H: ConsoleHost, T>(
    visit: &Visit<H>,
    id: OrganizationId,
    form: &str,
    filled: Filled,
    done: Result<T, Trouble>,
    word: &str,
) -> Response {
    match done {
        Ok(_) => visit.to(&visit.path(id, HERE), word),
        Err(trouble) => {
            visit
                .page(page(visit, id, &Back::of(form, filled, &trouble)).await)
                .await
        }
    }
}

pub(crate) async fn limits<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let workspaces = reading.one::<Count>("workspaces");
    let seats = reading.maybe::<Count>("seats");
    let domains = reading.maybe::<Count>("domains");
    let here = reading.maybe::<Count>("domains_per_workspace");
    let done = match (workspaces, seats, domains, here) {
        (Some(workspaces), Ok(seats), Ok(domains), Ok(here)) => {
            let set = SetLimits {
                organization,
                limits: Limits {
                    seats: seats.map(|count| count.0),
                    domains: domains.map(|count| count.0),
                    domains_per_workspace: here.map(|count| count.0),
                },
                workspace_quota: Some(workspaces.0),
            };
            visit.execute(&filled, set).await
        }
        _ => Err(reading.trouble()),
    };
    answer(&visit, organization, "limits", filled, done, "saved").await
}

pub(crate) async fn contract<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.maybe("contract") {
        Ok(contract) => {
            let edit = EditContract {
                organization,
                contract,
            };
            visit.execute(&filled, edit).await
        }
        Err(_) => Err(reading.trouble()),
    };
    answer(&visit, organization, "contract", filled, done, "saved").await
}

pub(crate) async fn suspend<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("reason") {
        Some(reason) => {
            let suspend = SuspendOrganization {
                organization,
                reason,
            };
            visit.execute(&filled, suspend).await
        }
        None => Err(reading.trouble()),
    };
    answer(&visit, organization, "suspend", filled, done, "stopped").await
}

pub(crate) async fn reinstate<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let done = visit
        .execute(&filled, ReinstateOrganization { organization })
        .await;
    answer(&visit, organization, "suspend", filled, done, "resumed").await
}

pub(crate) async fn appoint<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    // No form of a user's may say that an address is verified: only the vendor's staff may, who answer for it.
    if !visit.is_operator() {
        return visit.missing().await;
    }
    let mut reading = filled.reading();
    let user = reading.one::<UserId>("user");
    let email = reading.one::<EmailAddress>("email");
    let done = match (user, email) {
        (Some(user), Some(email)) => {
            let appoint = AppointAdmin {
                organization,
                user,
                email: VerifiedEmail::attest(email),
            };
            visit.execute(&filled, appoint).await
        }
        _ => Err(reading.trouble()),
    };
    answer(&visit, organization, "appoint", filled, done, "appointed").await
}

pub(crate) async fn release<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let name = filled.get("name").unwrap_or_default().trim();
    let done = match ReleaseDomainName::as_kept(organization, name) {
        Ok(release) => visit.execute(&filled, release).await,
        Err(error) => {
            let mut reading = filled.reading();
            reading.say("name", &error.to_string());
            Err(reading.trouble())
        }
    };
    answer(&visit, organization, "release", filled, done, "released").await
}

/// How many there may be.
struct Count(u32);

impl std::str::FromStr for Count {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let count = text.trim().parse().map(Self);
        count.map_err(|_| "a whole number is needed here, such as 25; 0 lets nobody create one")
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    back: &Back,
) -> Result<(StatusCode, Staff), Rejection> {
    let inside = visit.inside(organization).await?;
    if !visit.is_operator() {
        return Err(tenancy::Refusal::NotFound {
            resource: organization.into(),
        }
        .into());
    }
    let overview = &inside.overview;
    let usage = overview.usage;
    let is_suspended = overview.organization.suspension.clone();
    let held = overview.limits.unwrap_or(Limits::UNLIMITED);
    let set = SetLimits {
        organization,
        limits: held,
        workspace_quota: None,
    };
    let asks = (
        set,
        EditContract {
            organization,
            contract: overview.contract.clone(),
        },
        SuspendOrganization {
            organization,
            reason: sample("a reason")?,
        },
        ReinstateOrganization { organization },
        AppointAdmin {
            organization,
            user: UserId::from_external("somebody who is surely no member"),
            email: VerifiedEmail::attest(sample("somebody@new.example")?),
        },
    );
    let mut why_not = visit.why_not(asks).await?;
    let path = |end: &str| visit.path(organization, &format!("{HERE}{end}"));
    let shown = |limit: Option<u32>| limit.map_or_else(String::new, |limit| limit.to_string());
    let number = |name: &str, label: &str, limit: Option<u32>| {
        Field::new(name, label, Ask::Number).value(shown(limit))
    };
    let limits = Form::new("limits", path("/limits"), "Set limits")
        .field(number(
            "workspaces",
            "Workspaces",
            usage.and_then(|usage| usage.workspaces.limit),
        ))
        .field(
            number("seats", "Seats", held.seats)
                .optional()
                .hint("Empty: unlimited."),
        )
        .field(
            number("domains", "Domains", held.domains)
                .optional()
                .hint("Empty: unlimited."),
        )
        .field(
            number(
                "domains_per_workspace",
                "Domains in each workspace",
                held.domains_per_workspace,
            )
            .optional()
            .hint("Empty: unlimited."),
        )
        .why_not(why_not.next())
        .back(back);
    let contract = overview
        .contract
        .as_ref()
        .map_or_else(String::new, ToString::to_string);
    let contract = Form::new("contract", path("/contract"), "Save contract")
        .field(
            Field::text("contract", "Contract's reference")
                .value(contract)
                .optional(),
        )
        .why_not(why_not.next())
        .back(back);
    let (why_suspend, why_reinstate) = (why_not.next(), why_not.next());
    let suspend = if is_suspended.is_some() {
        Form::new("suspend", path("/reinstate"), "Reinstate the organization")
            .why_not(why_reinstate)
    } else {
        Form::new("suspend", path("/suspend"), "Suspend the organization")
            .look(Look::Danger)
            .field(Field::text("reason", "Reason").hint("Its people read it."))
            .why_not(why_suspend)
    };
    let appoint = Form::new("appoint", path("/appoint"), "Appoint Admin")
        .field(Field::text("user", "User's id"))
        .field(
            Field::new("email", "Their address", Ask::Text)
                .hint("You answer for it that it is verified."),
        )
        .why_not(why_not.next())
        .back(back);
    let release = Form::new("release", path("/release"), "Release name")
        .field(kept_name(visit, organization).await?)
        .back(back);
    let page = Staff {
        usage: usage.map_or_else(Vec::new, |usage| {
            vec![
                Bar::of("Seats", usage.seats),
                Bar::of("Workspaces", usage.workspaces),
                Bar::of("Domains", usage.domains),
            ]
        }),
        suspension: is_suspended.map(|reason| reason.to_string()),
        limits,
        contract,
        suspend: suspend.back(back),
        appoint,
        release,
        why: visit.path(organization, "/why"),
        frame: visit.frame_in(&inside, "Staff", HERE, back).await,
    };
    Ok((back.status(), page))
}

/// Which name: of those that the organization keeps, or typed where these are too many to choose from.
async fn kept_name<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<Field, Rejection> {
    let first = Paging::first(200);
    let kept = visit
        .tenancy()
        .kept_domain_names(&visit.actor, organization, first)
        .await?;
    let label = "Name of a deleted domain";
    if kept.items.is_empty() || kept.next.is_some() {
        return Ok(Field::text("name", label));
    }
    let choices = kept.items.iter().map(|kept| {
        let since = say::day(kept.since);
        Choice::new(&kept.name, format!("{}, deleted on {since}", kept.name))
    });
    Ok(Field::one("name", label, choices.collect()))
}
