//! The tour: an organization from its creation to a full house, and who may do what in it.
//!
//! `cargo run --example tour`

use std::error::Error;

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, CreateWorkspace, InviteToOrganization,
    InviteToWorkspace, SetWorkspaceQuota,
};
use tenancy::store::MemoryRepository;
use tenancy::text::TextLine;
use tenancy::{
    Actor, DomainAction, DomainKind, DomainName, EmailAddress, Name, Operator, OrganizationAction,
    OrganizationRole, Paging, Tenancy, UserId, VerifiedEmail, WorkspaceAction, WorkspaceRole,
};

fn main() -> Result<(), Box<dyn Error>> {
    tenancy::block_on(tour())
}

async fn tour() -> Result<(), Box<dyn Error>> {
    let tenancy = Tenancy::new(MemoryRepository::new());
    let ann = person("ann")?;
    let bob = person("bob")?;
    let cy = person("cy")?;
    let dora = person("dora")?;
    let support = Actor::Operator(Operator::attest(TextLine::new("support: Jo")?));

    println!("Ann creates an organization. It is born with a workspace of the same name.");
    let acme = tenancy
        .execute(
            &ann,
            CreateOrganization {
                name: Name::new("Acme")?,
            },
        )
        .await?
        .output;
    let organization = acme.organization;

    println!("\nShe wants a second workspace:");
    let payments = CreateWorkspace {
        organization,
        name: Name::new("Payments")?,
    };
    match tenancy.execute(&ann, payments.clone()).await {
        Ok(_) => println!("  created?!"),
        Err(refused) => println!("  refused: {refused}"),
    }

    println!("\nShe calls the vendor, whose staff raises the quota.");
    let usage = tenancy
        .execute(
            &support,
            SetWorkspaceQuota {
                organization,
                quota: 3,
            },
        )
        .await?
        .output;
    println!(
        "  {} of {} used, {} left",
        usage.workspaces,
        usage.quota,
        usage.remaining()
    );
    let payments = tenancy.execute(&ann, payments).await?.output;
    println!("  the second workspace is there");

    println!("\nA workspace holds domains: API environments.");
    let mut create = CreateDomain {
        organization,
        workspace: payments,
        name: DomainName::new("acme")?,
        kind: DomainKind::Production,
    };
    tenancy.execute(&ann, create.clone()).await?;
    println!("  {} ({})", create.name, create.kind);
    (create.name, create.kind) = (DomainName::new("acme-sandbox")?, DomainKind::Sandbox);
    let sandbox = tenancy.execute(&ann, create.clone()).await?.output;
    println!("  {} ({})", create.name, create.kind);

    println!(
        "\nPeople come in by invitation: Bob as a Developer of Payments, Cy to keep the books."
    );
    let invitation = InviteToWorkspace {
        organization,
        workspace: payments,
        email: address("bob")?,
        role: WorkspaceRole::Developer,
    };
    let token = tenancy
        .execute(&ann, invitation)
        .await?
        .output
        .token
        .ok_or("no token")?;
    tenancy.execute(&bob, AcceptInvitation { token }).await?;
    let invitation = InviteToOrganization {
        organization,
        email: address("cy")?,
        role: OrganizationRole::Accounting,
    };
    let token = tenancy
        .execute(&ann, invitation)
        .await?
        .output
        .token
        .ok_or("no token")?;
    tenancy.execute(&cy, AcceptInvitation { token }).await?;

    println!(
        "\nThe same questions, asked by each of them, by an outsider, and by the vendor's staff:"
    );
    let people = [
        ("Ann", &ann),
        ("Bob", &bob),
        ("Cy", &cy),
        ("Dora", &dora),
        ("support", &support),
    ];
    println!(
        "  {:<42}{}",
        "",
        people.map(|(name, _)| format!("{name:<11}")).concat()
    );
    for action in [
        OrganizationAction::View,
        OrganizationAction::Invite,
        OrganizationAction::ViewInvoicing,
        OrganizationAction::SetWorkspaceQuota,
    ] {
        let mut row = String::new();
        for (_, person) in people {
            row += &glyph(tenancy.check(person, organization, action).await?);
        }
        println!("  {:<42}{row}", action.phrase());
    }
    for action in [
        WorkspaceAction::View,
        WorkspaceAction::CreateDomain,
        WorkspaceAction::ManageRoles,
        WorkspaceAction::ViewInvoicing,
    ] {
        let mut row = String::new();
        for (_, person) in people {
            row += &glyph(
                tenancy
                    .check(person, (organization, payments), action)
                    .await?,
            );
        }
        println!("  {:<42}{row}", format!("Payments: {}", action.phrase()));
    }
    for action in [
        DomainAction::View,
        DomainAction::Configure,
        DomainAction::ViewServerKeys,
    ] {
        let mut row = String::new();
        for (_, person) in people {
            row += &glyph(
                tenancy
                    .check(person, (organization, sandbox), action)
                    .await?,
            );
        }
        println!(
            "  {:<42}{row}",
            format!("acme-sandbox: {}", action.phrase())
        );
    }

    println!("\nEvery answer explains itself. May they see the server keys of acme-sandbox?");
    for (name, person) in people {
        let decision = tenancy
            .check(
                person,
                (organization, sandbox),
                DomainAction::ViewServerKeys,
            )
            .await?;
        println!("  {name}: {decision}");
    }

    println!("\nAnd the other way round. Who can configure acme-sandbox?");
    let on = (organization, sandbox);
    let holders = tenancy
        .who_can(&ann, on, DomainAction::Configure, Paging::default())
        .await?;
    for holder in holders.items {
        let name = if Some(holder.user) == ann.user_id() {
            "Ann"
        } else {
            "Bob"
        };
        println!("  {name}, as {}", holder.by);
    }

    println!("\nWhat does each of them see in the switcher?");
    for (name, person) in [("Ann", &ann), ("Bob", &bob), ("Cy", &cy)] {
        for seen in tenancy
            .organizations(person, Paging::default())
            .await?
            .items
        {
            let workspaces = tenancy
                .workspaces(person, seen.id, Paging::default())
                .await?
                .items;
            let names: Vec<_> = workspaces
                .iter()
                .map(|workspace| workspace.name.as_str())
                .collect();
            let role = seen
                .role
                .map_or_else(String::new, |role| format!(" as {role}"));
            println!(
                "  {name}: {}{role}, with {}",
                seen.name,
                names.join(" and ")
            );
        }
    }
    let unseen = tenancy.organizations(&dora, Paging::default()).await?.items;
    println!("  Dora: {} organizations", unseen.len());

    println!("\nAll of it is in the audit trail:");
    let trail = tenancy
        .audit_trail(&ann, organization, Paging::default())
        .await?;
    for entry in trail.items {
        println!(
            "  version {}: {}, {} event(s)",
            entry.version,
            entry.command,
            entry.events.len()
        );
    }
    Ok(())
}

fn person(name: &str) -> Result<Actor, Box<dyn Error>> {
    Ok(Actor::user(
        UserId::from_external(name),
        VerifiedEmail::attest(address(name)?),
    ))
}

fn address(name: &str) -> Result<EmailAddress, Box<dyn Error>> {
    Ok(EmailAddress::new(&format!("{name}@acme.example"))?)
}

fn glyph(decision: tenancy::Decision) -> String {
    let word = match decision {
        tenancy::Decision::Allowed { .. } => "yes",
        tenancy::Decision::Forbidden { .. } => "no",
        tenancy::Decision::Hidden => "(hidden)",
        tenancy::Decision::Deleted => "(deleted)",
        tenancy::Decision::Suspended => "(suspended)",
    };
    format!("{word:<11}")
}
