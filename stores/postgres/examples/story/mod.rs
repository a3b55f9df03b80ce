//! What the drivers' examples do with their stores.

#![allow(
    dead_code,
    clippy::allow_attributes,
    reason = "their tests compile this without their `main`"
)]

use std::error::Error;

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, CreateWorkspace, InviteToWorkspace,
    RemoveMember,
};
use tenancy::store::Directory;
use tenancy::{
    Actor, DomainAction, DomainKind, DomainName, EmailAddress, Name, OrganizationId, Paging,
    Tenancy, UserId, VerifiedEmail, WorkspaceRole,
};

pub(crate) type Failure = Box<dyn Error>;

/// Every method of the contract is asked for: load, commit (made, refused by a rule, refused by a claim), standing,
/// and a list.
pub(crate) async fn tell<R: Directory>(store: R) -> Result<(), Failure> {
    let tenancy = Tenancy::new(store);
    let (ann, bob) = (person("ann")?, person("bob")?);

    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let acme = tenancy.execute(&ann, create).await?.output;
    println!("Ann creates Acme.");
    let second = CreateWorkspace {
        organization: acme.organization,
        name: Name::new("Second")?,
    };
    match tenancy.execute(&ann, second).await {
        Err(refused) => println!("A second workspace: {refused}"),
        Ok(_) => return Err("the quota is one".into()),
    }
    let create = |organization, workspace| -> Result<_, Failure> {
        Ok(CreateDomain {
            organization,
            workspace,
            name: DomainName::new("acme-api")?,
            kind: DomainKind::Production,
        })
    };
    let command = create(acme.organization, acme.workspace)?;
    let api = tenancy.execute(&ann, command).await?.output;
    println!("She creates the domain acme-api.");

    let other = CreateOrganization {
        name: Name::new("Other")?,
    };
    let other = tenancy.execute(&bob, other).await?.output;
    match tenancy
        .execute(&bob, create(other.organization, other.workspace)?)
        .await
    {
        Err(refused) => println!("The same name in another organization: {refused}"),
        Ok(_) => return Err("a domain's name is claimed once".into()),
    }

    let invite = InviteToWorkspace {
        organization: acme.organization,
        workspace: acme.workspace,
        email: EmailAddress::new("bob@acme.example")?,
        role: WorkspaceRole::Developer,
    };
    let invited = tenancy.execute(&ann, invite).await?.output;
    let token = invited.token.ok_or("a fresh invitation has a token")?;
    tenancy.execute(&bob, AcceptInvitation { token }).await?;
    let domain = (acme.organization, api);
    let decision = tenancy.check(&bob, domain, DomainAction::Configure).await?;
    println!("Bob joins. May he configure the domain? {decision}");
    if !decision.is_allowed() {
        return Err("a Developer may".into());
    }

    let remove = RemoveMember {
        organization: acme.organization,
        user: UserId::from_external("bob"),
    };
    let departure = tenancy.execute(&ann, remove).await?.output;
    println!(
        "Ann removes him, and {} workspace role with him.",
        departure.workspaces.len()
    );
    let decision = tenancy.check(&bob, domain, DomainAction::Configure).await?;
    println!("And now? {decision}");
    if decision.is_allowed() {
        return Err("a removed member keeps nothing".into());
    }
    read_aloud(&tenancy, &ann, acme.organization).await
}

/// What the log says in the end, whatever driver read it, page by page.
async fn read_aloud<R: Directory>(
    tenancy: &Tenancy<R>,
    ann: &Actor,
    acme: OrganizationId,
) -> Result<(), Failure> {
    const PAGE: u32 = 3;
    println!("\nThe log, {PAGE} at a time:");
    let mut versions = Vec::new();
    let mut paging = Some(Paging::first(PAGE));
    while let Some(page) = paging {
        let entries = tenancy.audit_trail(ann, acme, page).await?;
        for entry in entries.items {
            println!("  {} {}", entry.version, entry.command);
            versions.push(entry.version.get());
        }
        paging = entries.next.map(|last| page.after(last));
    }
    if versions == [1, 2, 3, 4, 5] {
        return Ok(());
    }
    Err("two creations, an invitation, its acceptance, a removal".into())
}

fn person(name: &str) -> Result<Actor, Failure> {
    let address = EmailAddress::new(&format!("{name}@acme.example"))?;
    let verified = VerifiedEmail::attest(address);
    Ok(Actor::user(UserId::from_external(name), verified))
}
