//! A host's own actions: the same table row, the same cascade, the same explanations; and a `Permit` in a
//! function's signature, so that it can't be called without a check.
//!
//! `cargo run --example own_actions`

use std::error::Error;

use tenancy::commands::{AcceptInvitation, CreateDomain, CreateOrganization, InviteToWorkspace};
use tenancy::store::MemoryRepository;
use tenancy::{
    Action, Actor, DomainId, DomainKind, DomainName, Name, OrganizationId, Permit, RoleSet,
    Tenancy, UserId, VerifiedEmail, WorkspaceRole,
};

/// What this host can do with a domain, beside what every host can.
#[derive(Clone, Copy, Debug)]
enum Deployment {
    Watch,
    Start,
    RollBack,
}

impl Action for Deployment {
    type On = (OrganizationId, DomainId);

    fn allowed(&self) -> RoleSet {
        let admins = RoleSet::WORKSPACE_ADMIN;
        match self {
            Self::Watch => admins | RoleSet::DEVELOPER | RoleSet::READER | RoleSet::OPERATOR,
            Self::Start => admins | RoleSet::DEVELOPER,
            Self::RollBack => admins,
        }
    }

    fn phrase(&self) -> &'static str {
        match self {
            Self::Watch => "watch a deployment",
            Self::Start => "start a deployment",
            Self::RollBack => "roll a deployment back",
        }
    }
}

/// Only who was checked gets here: there is no other way to a `Permit`.
fn deploy(permit: &Permit<Deployment>, build: u32) {
    println!(
        "   {:?} of build {build} on the {}",
        permit.action(),
        permit.resource()
    );
    println!("   (allowed as {})", permit.by());
}

fn main() -> Result<(), Box<dyn Error>> {
    tenancy::block_on(story())
}

async fn story() -> Result<(), Box<dyn Error>> {
    let tenancy = Tenancy::new(MemoryRepository::new());
    let ann = person("ann@acme.example")?;
    let bob = person("bob@acme.example")?;
    let acme = tenancy
        .execute(
            &ann,
            CreateOrganization {
                name: Name::new("Acme")?,
            },
        )
        .await?
        .output;
    let (organization, workspace) = (acme.organization, acme.workspace);
    let (name, kind) = (DomainName::new("acme")?, DomainKind::Production);
    let create = CreateDomain {
        organization,
        workspace,
        name,
        kind,
    };
    let domain = tenancy.execute(&ann, create).await?.output;
    let (email, role) = ("bob@acme.example".parse()?, WorkspaceRole::Developer);
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email,
        role,
    };
    let token = tenancy
        .execute(&ann, invite)
        .await?
        .output
        .token
        .ok_or("no token")?;
    tenancy.execute(&bob, AcceptInvitation { token }).await?;

    println!("Bob, a Developer of the workspace, starts a deployment:");
    let on = (organization, domain);
    deploy(&tenancy.require(&bob, on, Deployment::Start).await?, 42);

    println!("\nIt goes wrong. He wants to roll it back:");
    match tenancy.require(&bob, on, Deployment::RollBack).await {
        Ok(permit) => deploy(&permit, 41),
        Err(refused) => println!("   refused: {refused}"),
    }

    println!("\nAnn has no role in the workspace, but the organization's Admins cascade:");
    deploy(&tenancy.require(&ann, on, Deployment::RollBack).await?, 41);

    println!("\nA page with all the buttons is one round trip:");
    if let Some(standing) = tenancy.standing(&bob, on).await? {
        for action in [Deployment::Watch, Deployment::Start, Deployment::RollBack] {
            println!("   {:<24} {}", action.phrase(), standing.decide(action));
        }
    }
    Ok(())
}

fn person(email: &str) -> Result<Actor, Box<dyn Error>> {
    Ok(Actor::user(
        UserId::from_external(email),
        VerifiedEmail::attest(email.parse()?),
    ))
}
