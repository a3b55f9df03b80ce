//! An organization's own page: what it is, how much of it is used, what one may do in it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::{LimitUsage, OrganizationAction, OrganizationId};
use tenancy_axum::Rejection;

use crate::form::Back;
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::say;
use crate::visit::{At, Visit};

#[derive(Template)]
#[template(path = "organization.html")]
pub(crate) struct Organization {
    frame: Frame,
    name: String,
    id: String,
    role: String,
    created: String,
    usage: Option<Vec<Bar>>,
    no_usage: Option<String>,
    company: Vec<(&'static str, Vec<String>)>,
    invoicing: Vec<(&'static str, Vec<String>)>,
    may_view_invoicing: bool,
    contract: Option<String>,
    may_view_contract: bool,
    settings: String,
    own: Option<String>,
    may: Vec<&'static str>,
    may_not: Vec<(&'static str, String)>,
}

/// How much of a limit is used.
pub(crate) struct Bar {
    pub(crate) label: &'static str,
    pub(crate) sentence: String,
    /// As it is drawn: how long it is, how far it is used, and how far reserved.
    pub(crate) drawn: Option<(u32, u32, u32)>,
    pub(crate) is_full: bool,
}

impl Bar {
    pub(crate) fn of(label: &'static str, usage: LimitUsage) -> Self {
        let LimitUsage {
            used,
            reserved,
            limit,
        } = usage;
        let of = limit.map_or_else(|| format!("{used}"), |limit| format!("{used} of {limit}"));
        let reserved_too = if reserved > 0 {
            format!(", {reserved} reserved by invitations")
        } else {
            String::new()
        };
        let over = match usage.over_by() {
            0 => String::new(),
            over => format!(", {over} more than allowed"),
        };
        Self {
            label,
            sentence: format!("{of}{reserved_too}{over}"),
            drawn: limit.map(|limit| {
                let length = limit.max(1);
                (length, used.min(length), usage.taken().min(length))
            }),
            is_full: usage.remaining() == Some(0),
        }
    }
}

pub(crate) async fn show<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
) -> Response {
    visit.page(page(&visit, organization).await).await
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    id: OrganizationId,
) -> Result<(StatusCode, Organization), Rejection> {
    let inside = visit.inside(id).await?;
    let back = Back::nothing();
    let overview = &inside.overview;
    let organization = &overview.organization;
    let frame = visit
        .frame_in(&inside, organization.name.as_str(), "", &back)
        .await;
    let usage = overview.usage.map(|usage| {
        vec![
            Bar::of("Seats", usage.seats),
            Bar::of("Workspaces", usage.workspaces),
            Bar::of("Domains", usage.domains),
        ]
    });
    let asks = OrganizationAction::ALL.map(|action| (id, action));
    let decisions = visit.tenancy().check_many(&visit.actor, asks).await?;
    let (mut may, mut may_not) = (Vec::new(), Vec::new());
    let mut no_usage = None;
    for (action, decision) in OrganizationAction::ALL.into_iter().zip(&decisions) {
        let is_the_vendors = action.allowed() == tenancy::RoleSet::OPERATOR;
        if decision.is_allowed() {
            may.push(action.phrase());
        } else if !is_the_vendors || visit.is_operator() {
            may_not.push((action.phrase(), say::decision(decision)));
        }
        if action == OrganizationAction::ViewContract && !decision.is_allowed() {
            no_usage = Some(say::decision(decision));
        }
    }
    let (company, invoicing) = (overview.company.as_ref(), overview.invoicing.as_ref());
    let page = Organization {
        name: organization.name.to_string(),
        id: organization.id.to_string(),
        role: organization.role.map_or_else(
            || "You look at it as the vendor's staff".to_owned(),
            |role| {
                let role = say::organization_role(role, organization.own_role, inside.roles());
                format!("Your role: {role}")
            },
        ),
        created: say::day(organization.created_at),
        usage,
        no_usage,
        company: company.map_or_else(Vec::new, company_lines),
        invoicing: invoicing.map_or_else(Vec::new, invoicing_lines),
        may_view_invoicing: inside.may(OrganizationAction::ViewInvoicing),
        contract: overview.contract.as_ref().map(ToString::to_string),
        may_view_contract: inside.may(OrganizationAction::ViewContract),
        settings: visit.path(id, "/settings"),
        own: visit
            .actor
            .user_id()
            .map(|user| visit.path(id, &format!("/members/{user}"))),
        may,
        may_not,
        frame,
    };
    Ok((StatusCode::OK, page))
}

fn company_lines(company: &tenancy::CompanyInformation) -> Vec<(&'static str, Vec<String>)> {
    let address = company.address.lines().iter().map(ToString::to_string);
    let lines = [
        ("Legal name", vec![company.legal_name.to_string()]),
        (
            "Registration",
            company
                .registration_number
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
        (
            "VAT",
            company.vat_number.iter().map(ToString::to_string).collect(),
        ),
        ("Address", address.collect()),
    ];
    lines
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
}

pub(crate) fn invoicing_lines(
    invoicing: &tenancy::InvoicingInformation,
) -> Vec<(&'static str, Vec<String>)> {
    let address = invoicing.address.lines().iter().map(ToString::to_string);
    let lines = [
        ("Recipient", vec![invoicing.recipient.to_string()]),
        ("E-mail", vec![invoicing.email.to_string()]),
        ("Address", address.collect()),
        (
            "Reference",
            invoicing
                .reference
                .iter()
                .map(ToString::to_string)
                .collect(),
        ),
    ];
    lines
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .collect()
}
