//! What can be changed of an organization itself, and how one leaves it.

use askama::Template;
use axum::http::StatusCode;
use axum::response::Response;
use tenancy::commands::{
    DeleteOrganization, EditCompany, EditInvoicing, HandOver, LeaveOrganization, RenameOrganization,
};
use tenancy::text::{PostalAddress, TextLine};
use tenancy::{
    CompanyInformation, InvoicingInformation, OrganizationAction, OrganizationId, OrganizationRole,
    Paging, Role, UserId,
};
use tenancy_axum::Rejection;

use super::confirm::{self, Confirm};
use super::members::role_choices;
use crate::form::{Ask, Back, Choice, Field, Filled, Form, Look, Reading, Trouble};
use crate::frame::Frame;
use crate::router::ConsoleHost;
use crate::visit::{At, Inside, Visit};

const HERE: &str = "/settings";
/// How many members are offered to hand the organization over to.
const HEIRS: u32 = 200;

#[derive(Template)]
#[template(path = "settings.html")]
pub(crate) struct Settings {
    frame: Frame,
    rename: Form,
    company: Form,
    invoicing: Form,
    hand_over: Form,
    leave: Form,
    delete: Form,
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

pub(crate) async fn rename<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let done = match reading.one("name") {
        Some(name) => {
            let rename = RenameOrganization { organization, name };
            visit.execute(&filled, rename).await
        }
        None => Err(reading.trouble()),
    };
    answer(&visit, organization, "rename", filled, done, "renamed").await
}

pub(crate) async fn company<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let done = match read_company(&filled) {
        Ok(company) => {
            let edit = EditCompany {
                organization,
                company,
            };
            visit.execute(&filled, edit).await
        }
        Err(trouble) => Err(trouble),
    };
    answer(&visit, organization, "company", filled, done, "saved").await
}

pub(crate) async fn invoicing<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let done = match read_invoicing(&filled) {
        Ok(invoicing) => {
            let edit = EditInvoicing {
                organization,
                invoicing,
            };
            visit.execute(&filled, edit).await
        }
        Err(trouble) => Err(trouble),
    };
    answer(&visit, organization, "invoicing", filled, done, "saved").await
}

pub(crate) async fn hand_over<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    let mut reading = filled.reading();
    let to = reading.one::<UserId>("to");
    let keep = match filled.get("keep") {
        None | Some("") => Some(None),
        Some(role) => read_role(role).map(Some),
    };
    if keep.is_none() {
        reading.say("keep", "choose a role of the list");
    }
    let done = match (to, keep) {
        (Some(to), Some(keep)) => {
            let hand_over = HandOver {
                organization,
                to,
                keep,
            };
            visit.execute(&filled, hand_over).await
        }
        _ => Err(reading.trouble()),
    };
    match done {
        Ok(done) if done.output.departure.is_some() => visit.to(&visit.console.path(""), "left"),
        done => answer(&visit, organization, "hand-over", filled, done, "handed").await,
    }
}

/// What goes with whoever leaves, before they do.
pub(crate) async fn before_leaving<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
) -> Response {
    visit.page(leaving(&visit, organization).await).await
}

async fn leaving<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(organization).await?;
    let leave = LeaveOrganization { organization };
    let departure = visit.tenancy().prepare(&visit.actor, leave).await?.output;
    let goes = confirm::departing(visit, organization, &departure, "you").await?;
    let name = &inside.overview.organization.name;
    let form = Form::new(
        "leave",
        visit.path(organization, "/leave"),
        "Leave for good",
    );
    let heading = format!("Leave {name}?");
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: "To come back, somebody has to invite you again.".to_owned(),
        goes,
        form: form.look(Look::Danger),
        cancel: visit.path(organization, HERE),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn leave<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    match visit
        .execute(&filled, LeaveOrganization { organization })
        .await
    {
        Ok(_) => visit.to(&visit.console.path(""), "left"),
        done => answer(&visit, organization, "leave", filled, done, "left").await,
    }
}

/// What goes with the organization, before it goes.
pub(crate) async fn before_deleting<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
) -> Response {
    visit.page(deleting(&visit, organization).await).await
}

async fn deleting<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
) -> Result<(StatusCode, Confirm), Rejection> {
    let inside = visit.inside(organization).await?;
    let delete = DeleteOrganization { organization };
    let revoked = visit.tenancy().prepare(&visit.actor, delete).await?.output;
    let name = &inside.overview.organization.name;
    let form = Form::new(
        "delete",
        visit.path(organization, "/delete"),
        "Delete for good",
    );
    let heading = format!("Delete {name}?");
    let mut goes = vec!["The organization, and your membership of it".to_owned()];
    goes.extend(confirm::invitations(revoked.invitations.len()));
    let confirm = Confirm {
        frame: visit
            .frame_in(&inside, &heading, HERE, &Back::nothing())
            .await,
        heading,
        lead: "Nobody can bring it back. Its history stays with the vendor.".to_owned(),
        goes,
        form: form.look(Look::Danger),
        cancel: visit.path(organization, HERE),
    };
    Ok((StatusCode::OK, confirm))
}

pub(crate) async fn delete<H: ConsoleHost>(
    visit: Visit<H>,
    At(organization): At<OrganizationId>,
    filled: Filled,
) -> Response {
    match visit
        .execute(&filled, DeleteOrganization { organization })
        .await
    {
        Ok(_) => visit.to(&visit.console.path(""), "deleted"),
        done => answer(&visit, organization, "delete", filled, done, "deleted").await,
    }
}

async fn page<H: ConsoleHost>(
    visit: &Visit<H>,
    organization: OrganizationId,
    back: &Back,
) -> Result<(StatusCode, Settings), Rejection> {
    let inside = visit.inside(organization).await?;
    let overview = &inside.overview;
    let name = overview.organization.name.clone();
    let heirs = heirs(visit, &inside).await?;
    // Whom it would go to is chosen; whether it can go at all is asked of the first.
    let to = heirs.first().and_then(|(user, _)| user.parse().ok());
    let hand_over = HandOver {
        organization,
        to: to
            .or(visit.actor.user_id())
            .unwrap_or(UserId::from_external("")),
        keep: None,
    };
    let (company, invoicing) = (overview.company.clone(), overview.invoicing.clone());
    let mut why_not = visit
        .why_not((
            RenameOrganization {
                organization,
                name: name.clone(),
            },
            EditCompany {
                organization,
                company: company.clone(),
            },
            EditInvoicing {
                organization,
                invoicing: invoicing.clone(),
            },
            hand_over,
            LeaveOrganization { organization },
            DeleteOrganization { organization },
        ))
        .await?;
    let path = |end: &str| visit.path(organization, end);
    let rename = Form::new("rename", path("/rename"), "Rename")
        .field(Field::text("name", "Name").value(name))
        .why_not(why_not.next())
        .back(back);
    let company = company_form(path("/company"), company.as_ref())
        .why_not(why_not.next())
        .back(back);
    let invoicing = invoicing_form("invoicing", path("/invoicing"), invoicing.as_ref())
        .why_not(why_not.next())
        .back(back);
    let why = why_not.next();
    let nobody = "There is nobody to hand it over to: invite somebody first.".to_owned();
    let mut keep = vec![Choice::new("", "None: I leave the organization")];
    keep.extend(role_choices(inside.roles()));
    let hand_over = Form::new("hand-over", path("/hand-over"), "Hand over")
        .look(Look::Danger)
        .field(Field::one(
            "to",
            "New Admin",
            heirs
                .iter()
                .map(|(user, name)| Choice::new(user, name))
                .collect(),
        ))
        .field(
            Field::one("keep", "Your role afterwards", keep)
                .hint("Both happen at once, or neither."),
        )
        .why_not(why.or_else(|| heirs.is_empty().then_some(nobody)))
        .back(back);
    let leave = ask_first("leave", path("/leave"), "Leave…", why_not.next(), back);
    let delete = ask_first("delete", path("/delete"), "Delete…", why_not.next(), back);
    let page = Settings {
        frame: visit.frame_in(&inside, "Settings", HERE, back).await,
        rename,
        company,
        invoicing,
        hand_over,
        leave,
        delete,
    };
    Ok((back.status(), page))
}

/// A button that only leads to the page that says what would happen.
pub(crate) fn ask_first(
    id: &str,
    to: String,
    button: &str,
    why_not: Option<String>,
    back: &Back,
) -> Form {
    Form::new(id, to, button)
        .look(Look::Danger)
        .only_leads()
        .why_not(why_not)
        .back(back)
}

/// Who could have the organization: its members but whoever asks, each with a name.
async fn heirs<H: ConsoleHost>(
    visit: &Visit<H>,
    inside: &Inside,
) -> Result<Vec<(String, String)>, Rejection> {
    if !inside.may(OrganizationAction::ManageRoles) {
        return Ok(Vec::new());
    }
    let members = visit
        .tenancy()
        .members(&visit.actor, inside.id(), Paging::first(HEIRS))
        .await?;
    let names = visit
        .names(members.items.iter().map(|member| member.user))
        .await;
    let others = members.items.iter().filter(|member| !visit.is(member.user));
    let shown = others.map(|member| {
        let name = names.or(member.user, member.email.as_str());
        (
            member.user.to_string(),
            format!("{name} ({})", member.email),
        )
    });
    Ok(shown.collect())
}

/// A role of the organization, as a form names it.
pub(crate) fn read_role(text: &str) -> Option<Role<OrganizationRole>> {
    let built_in = OrganizationRole::ALL
        .into_iter()
        .find(|role| word(*role) == text);
    built_in
        .map(Role::BuiltIn)
        .or_else(|| text.parse().ok().map(Role::Own))
}

/// How a form names it.
pub(crate) const fn word(role: OrganizationRole) -> &'static str {
    match role {
        OrganizationRole::Member => "member",
        OrganizationRole::Accounting => "accounting",
        OrganizationRole::Admin => "admin",
    }
}

fn company_form(to: String, company: Option<&CompanyInformation>) -> Form {
    let line = |line: Option<&TextLine>| line.map_or_else(String::new, ToString::to_string);
    let number = |of: fn(&CompanyInformation) -> Option<&TextLine>| line(company.and_then(of));
    Form::new("company", to, "Save company")
        .field(
            Field::text("legal_name", "Legal name")
                .value(line(company.map(|company| &company.legal_name)))
                .optional()
                .hint("Leave everything empty to clear it."),
        )
        .field(
            Field::text("registration_number", "Registration number")
                .value(number(|company| company.registration_number.as_ref()))
                .optional(),
        )
        .field(
            Field::text("vat_number", "VAT number")
                .value(number(|company| company.vat_number.as_ref()))
                .optional(),
        )
        .field(address_field(company.map(|company| &company.address)))
}

pub(crate) fn invoicing_form(
    id: &str,
    to: String,
    invoicing: Option<&InvoicingInformation>,
) -> Form {
    let line = |line: Option<&TextLine>| line.map_or_else(String::new, ToString::to_string);
    let email = invoicing.map(|invoicing| invoicing.email.to_string());
    Form::new(id, to, "Save invoicing")
        .field(
            Field::text("recipient", "Recipient")
                .value(line(invoicing.map(|invoicing| &invoicing.recipient)))
                .optional()
                .hint("Leave everything empty to clear it."),
        )
        .field(
            Field::new("email", "E-mail for invoices", Ask::Text)
                .value(email.unwrap_or_default())
                .optional(),
        )
        .field(address_field(invoicing.map(|invoicing| &invoicing.address)))
        .field(
            Field::text("reference", "Your reference")
                .value(line(
                    invoicing.and_then(|invoicing| invoicing.reference.as_ref()),
                ))
                .optional(),
        )
}

fn address_field(address: Option<&PostalAddress>) -> Field {
    let lines = address.map(|address| {
        let lines = address.lines().iter().map(ToString::to_string);
        lines.collect::<Vec<_>>().join("\n")
    });
    Field::new("address", "Address", Ask::Lines(4))
        .value(lines.unwrap_or_default())
        .optional()
        .hint("Up to ten lines.")
}

fn is_empty(filled: &Filled, names: &[&str]) -> bool {
    names
        .iter()
        .all(|name| filled.get(name).is_none_or(|value| value.trim().is_empty()))
}

fn read_company(filled: &Filled) -> Result<Option<CompanyInformation>, Trouble> {
    if is_empty(
        filled,
        &["legal_name", "registration_number", "vat_number", "address"],
    ) {
        return Ok(None);
    }
    let mut reading = filled.reading();
    let legal_name = reading.one("legal_name");
    let registration_number = reading.maybe("registration_number");
    let vat_number = reading.maybe("vat_number");
    let address = read_address(&mut reading);
    match (legal_name, registration_number, vat_number, address) {
        (Some(legal_name), Ok(registration_number), Ok(vat_number), Some(address)) => {
            Ok(Some(CompanyInformation {
                legal_name,
                registration_number,
                vat_number,
                address,
            }))
        }
        _ => Err(reading.trouble()),
    }
}

pub(crate) fn read_invoicing(filled: &Filled) -> Result<Option<InvoicingInformation>, Trouble> {
    if is_empty(filled, &["recipient", "email", "address", "reference"]) {
        return Ok(None);
    }
    let mut reading = filled.reading();
    let recipient = reading.one("recipient");
    let email = reading.one("email");
    let reference = reading.maybe("reference");
    let address = read_address(&mut reading);
    match (recipient, email, reference, address) {
        (Some(recipient), Some(email), Ok(reference), Some(address)) => {
            Ok(Some(InvoicingInformation {
                recipient,
                email,
                address,
                reference,
            }))
        }
        _ => Err(reading.trouble()),
    }
}

fn read_address(reading: &mut Reading<'_>) -> Option<PostalAddress> {
    let lines = reading.lines("address");
    let lines: Result<Vec<TextLine>, _> = lines.iter().map(|line| line.parse()).collect();
    let address = match lines {
        Ok(lines) => PostalAddress::new(lines).map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    };
    match address {
        Ok(address) => Some(address),
        Err(error) => {
            reading.say("address", &error);
            None
        }
    }
}
