//! Fields that are there or not.

use tenancy::text::{PostalAddress, TextLine};
use tenancy::{CompanyInformation, EmailAddress, Event, InvoicingInformation};

use crate::harness::Harness;
use crate::model::whole;
use crate::report::{Failure, Verdict};
use crate::world::{World, invoicing};

/// Optional fields, there and not there, on their own: company, invoicing, contract, a workspace's own
/// invoicing.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_optional_fields_come_and_go<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    let line = |text: &str| TextLine::new(text);
    let longest = "😀".repeat(200);
    let bare = CompanyInformation {
        legal_name: line("A")?,
        registration_number: None,
        vat_number: None,
        address: PostalAddress::default(),
    };
    let full = CompanyInformation {
        legal_name: line(&longest)?,
        registration_number: Some(line("null")?),
        vat_number: Some(line("FR 12 345\\6789 \"x\" 'y' {z} [w],;")?),
        address: PostalAddress::new([line("1")?, line("1")?, line("a, b")?, line(&longest)?])?,
    };
    let mut plain = invoicing("Billing@Acme.example")?;
    plain.reference = None;
    plain.address = PostalAddress::default();
    let steps = [
        Event::CompanyEdited { company: None },
        Event::CompanyEdited {
            company: Some(bare),
        },
        Event::CompanyEdited {
            company: Some(full),
        },
        Event::InvoicingEdited { invoicing: None },
        Event::InvoicingEdited {
            invoicing: Some(plain.clone()),
        },
        Event::ContractEdited { contract: None },
        Event::ContractEdited {
            contract: Some(line(&longest)?),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: Some(plain),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: Some(invoicing("W@x.example")?),
        },
        Event::WorkspaceInvoicingEdited {
            workspace: acme.first,
            invoicing: None,
        },
    ];
    for step in steps {
        world.happen(acme.id, vec![step]).await?;
        world.model.records_agree(&*world.one, acme.id).await?;
        world
            .model
            .list_agrees(&*world.other, &whole::organizations_of(acme.ann), 10)
            .await?;
    }
    world.model.everything_agrees(&*world.other).await
}

/// Each optional part without the others and with them: none of them is kept only where another one is.
///
/// # Errors
///
/// The store breaks the clause.
pub async fn values_optional_parts_in_every_combination<H: Harness>(harness: &H) -> Verdict {
    let mut world = World::new(harness).await;
    let acme = world.acme().await?;
    for parts in 0..32_u8 {
        let has = |part: u8| parts & (1 << part) != 0;
        let line = |part, text: &str| has(part).then(|| TextLine::new(text)).transpose();
        let lines = |part| {
            let lines = match line(part, "1 rue de la Paix")? {
                Some(first) => vec![first, TextLine::new("75002 Paris")?],
                None => Vec::new(),
            };
            Ok::<_, Failure>(PostalAddress::new(lines)?)
        };
        let company = CompanyInformation {
            legal_name: TextLine::new("Acme SAS")?,
            registration_number: line(0, "RCS Paris 123 456 789")?,
            vat_number: line(1, "FR 12 345 678 901")?,
            address: lines(2)?,
        };
        let invoicing = InvoicingInformation {
            recipient: TextLine::new("Acme")?,
            email: EmailAddress::new("Billing@acme.example")?,
            address: lines(3)?,
            reference: line(4, "PO 7")?,
        };
        let events = vec![
            Event::CompanyEdited {
                company: (parts != 0).then_some(company),
            },
            Event::InvoicingEdited {
                invoicing: (!has(2)).then(|| invoicing.clone()),
            },
            Event::WorkspaceInvoicingEdited {
                workspace: acme.first,
                invoicing: has(1).then_some(invoicing),
            },
            Event::ContractEdited {
                contract: line(3, "contract 7")?,
            },
        ];
        world.happen(acme.id, events).await?;
        let store = world.either(parts.into());
        world.model.records_agree(&*store, acme.id).await?;
    }
    let log = whole::log(acme.id);
    world.model.list_agrees(&*world.other, &log, 100).await
}
