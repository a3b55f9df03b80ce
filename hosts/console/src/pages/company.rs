//! Company and invoicing information: as a form, and read from one.

use tenancy::text::{PostalAddress, TextLine};
use tenancy::{CompanyInformation, InvoicingInformation};

use crate::form::{Ask, Field, Filled, Form, Reading, Trouble};

pub(crate) fn company_form(to: String, company: Option<&CompanyInformation>) -> Form {
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

pub(crate) fn read_company(filled: &Filled) -> Result<Option<CompanyInformation>, Trouble> {
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
