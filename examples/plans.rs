//! Plans: a payment provider's web hook sets the limits, people see what is left before they click, the last seat
//! is refused with its reason, and an upgrade lifts it. Who doesn't pay is suspended; a helper's role ends on Friday.
//!
//! `cargo run --example plans`

use std::error::Error;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tenancy::commands::{
    AcceptReceivedInvitation, CreateDomain, CreateOrganization, DeleteDomain, GiveWorkspaceRole,
    InviteMany, InviteToOrganization, ReinstateOrganization, RenameOrganization, SetLimits,
    SetWorkspaceRoleEnd, SuspendOrganization,
};
use tenancy::store::MemoryRepository;
use tenancy::text::TextLine;
use tenancy::{
    Actor, CommitId, DomainKind, InvitationTarget, LimitUsage, Limits, Name, Operator,
    OrganizationAction, OrganizationId, OrganizationRole, Tenancy, UserId, VerifiedEmail,
    WorkspaceAction, WorkspaceRole,
};

type Shell = Tenancy<MemoryRepository>;

fn main() -> Result<(), Box<dyn Error>> {
    tenancy::block_on(story())
}

async fn story() -> Result<(), Box<dyn Error>> {
    let store = MemoryRepository::new();
    let tenancy = Tenancy::new(store.clone());
    let (ann, bob) = (person("ann@acme.example")?, person("bob@acme.example")?);
    let name = Name::new("Acme")?;
    let acme = tenancy.execute(&ann, CreateOrganization { name }).await?;
    let (organization, workspace) = (acme.output.organization, acme.output.workspace);

    println!("1. Ann subscribes to the plan “Starter”. The payment provider tells us, twice:");
    for _ in 0..2 {
        paid(&tenancy, "evt_1", organization, "starter").await?;
    }

    println!("\n2. What her page shows before she clicks:");
    show(&tenancy, &ann, organization).await?;

    println!("\n3. She pastes a list of colleagues. The first lines have the seats that are left:");
    let pasted = "bob@acme.example\ncy@acme.example\nno address\ndora@acme.example";
    let invite = InviteMany {
        organization,
        target: InvitationTarget::Organization {
            role: OrganizationRole::Member,
        },
        emails: pasted.lines().map(str::to_owned).collect(),
    };
    let answer = tenancy.execute(&ann, invite).await?.output;
    let mut first = None;
    for (typed, outcome) in pasted.lines().zip(answer.lines) {
        match outcome {
            Ok(invited) => {
                println!("   {typed}: invited");
                first = first.or(Some(invited.invitation));
            }
            Err(refusal) => println!("   {typed}: {refusal}"),
        }
    }

    println!("\n4. Bob accepts. He takes the seat that his invitation reserved:");
    let invitation = first.ok_or("nobody was invited")?;
    let accept = AcceptReceivedInvitation {
        organization,
        invitation,
    };
    tenancy.execute(&bob, accept).await?;
    show(&tenancy, &ann, organization).await?;

    println!("\n5. Her bookkeeper needs no seat; an Admin does:");
    for (email, role) in [
        ("books@acme.example", OrganizationRole::Accounting),
        ("dora@acme.example", OrganizationRole::Admin),
    ] {
        let email = email.parse()?;
        let invite = InviteToOrganization {
            organization,
            email,
            role,
        };
        match tenancy.execute(&ann, invite).await {
            Ok(_) => println!("   {role}: invited"),
            Err(error) => println!("   {role}: {error}"),
        }
    }

    println!("\n6. Names of deleted domains count, so that nobody squats:");
    for name in ["acme-one", "acme-two", "acme-three"] {
        let create = CreateDomain {
            organization,
            workspace,
            name: name.parse()?,
            kind: DomainKind::Sandbox,
        };
        match tenancy.execute(&ann, create).await {
            Ok(done) => {
                let domain = done.output;
                let delete = DeleteDomain {
                    organization,
                    domain,
                };
                tenancy.execute(&ann, delete).await?;
                println!("   {name}: created, and deleted");
            }
            Err(error) => println!("   {name}: {error}"),
        }
    }

    println!("\n7. Ann upgrades to “Team”, and everything goes on:");
    paid(&tenancy, "evt_2", organization, "team").await?;
    let email = "dora@acme.example".parse()?;
    let role = OrganizationRole::Admin;
    let invite = InviteToOrganization {
        organization,
        email,
        role,
    };
    tenancy.execute(&ann, invite).await?;
    show(&tenancy, &ann, organization).await?;

    println!("\n8. And back to “Starter”. Nobody is thrown out; only nobody comes in:");
    paid(&tenancy, "evt_3", organization, "starter").await?;
    show(&tenancy, &ann, organization).await?;

    println!(
        "\n9. Invoice 4711 stays unpaid, and staff suspend Acme. Everybody sees what they saw:"
    );
    let staff = Actor::Operator(Operator::attest(TextLine::new("support")?));
    let reason = TextLine::new("invoice 4711 is overdue")?;
    let suspend = SuspendOrganization {
        organization,
        reason,
    };
    tenancy.execute(&staff, suspend).await?;
    let rename = RenameOrganization {
        organization,
        name: Name::new("Acme SAS")?,
    };
    match tenancy.execute(&ann, rename).await {
        Ok(_) => println!("   renamed"),
        Err(error) => println!("   Ann renames it: {error}"),
    }
    let settle = tenancy
        .check(&ann, organization, OrganizationAction::EditInvoicing)
        .await?;
    println!("   Ann settles the invoice: {settle}");
    let reinstate = ReinstateOrganization { organization };
    tenancy.execute(&staff, reinstate).await?;

    println!(
        "\n10. Bob helps until Friday. From then on his role counts for nothing, by the clock:"
    );
    let user = UserId::from_external("bob@acme.example");
    let role = WorkspaceRole::Developer;
    let give = GiveWorkspaceRole {
        organization,
        workspace,
        user,
        role,
    };
    tenancy.execute(&ann, give).await?;
    let three_days = Duration::from_secs(3 * 24 * 60 * 60);
    let friday = SystemTime::now().checked_add(three_days);
    let friday: DateTime<Utc> = friday.ok_or("the end of time")?.into();
    let end = SetWorkspaceRoleEnd {
        organization,
        workspace,
        user,
        until: Some(friday),
    };
    tenancy.execute(&ann, end).await?;
    let on_friday = Tenancy::new(store).with_clock(move || friday);
    for (day, tenancy) in [("today", &tenancy), ("on Friday", &on_friday)] {
        let may = tenancy
            .check(&bob, (organization, workspace), WorkspaceAction::View)
            .await?;
        println!("   {day}: {may}");
    }
    Ok(())
}

/// The web hook. The provider's event is the commit's id: the same event twice sets the limits once.
async fn paid(
    tenancy: &Shell,
    event: &str,
    organization: OrganizationId,
    plan: &str,
) -> Result<(), Box<dyn Error>> {
    let (limits, quota) = match plan {
        "team" => (limits(20, 50), 5),
        _ => (limits(3, 2), 1),
    };
    let commit = CommitId::from_event("payments", event);
    let staff = Actor::Operator(Operator::attest(TextLine::new("payments")?));
    let set = SetLimits {
        organization,
        limits,
        workspace_quota: Some(quota),
    };
    let done = tenancy.execute_as(commit, &staff, set).await?;
    println!(
        "   {event} sets “{plan}”, version {}; seats too many: {}",
        done.token.version.get(),
        done.output.seats.over_by()
    );
    Ok(())
}

fn limits(seats: u32, domains: u32) -> Limits {
    Limits {
        seats: Some(seats),
        domains: Some(domains),
        domains_per_workspace: None,
    }
}

async fn show(
    tenancy: &Shell,
    who: &Actor,
    organization: OrganizationId,
) -> Result<(), Box<dyn Error>> {
    let usage = tenancy.usage(who, organization).await?;
    let line = |what: &str, of: LimitUsage| {
        let remaining = of
            .remaining()
            .map_or("any number".to_owned(), |left| left.to_string());
        println!(
            "   {what}: {} used, {} reserved, {remaining} left, {} too many",
            of.used,
            of.reserved,
            of.over_by()
        );
    };
    line("seats", usage.seats);
    line("workspaces", usage.workspaces);
    line("domains", usage.domains);
    Ok(())
}

fn person(email: &str) -> Result<Actor, Box<dyn Error>> {
    let verified = VerifiedEmail::attest(email.parse()?);
    Ok(Actor::user(UserId::from_external(email), verified))
}
