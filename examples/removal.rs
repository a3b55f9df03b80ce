//! Removal: what goes with a member, why the last Admin stays, and when a workspace may be deleted.
//!
//! `cargo run --example removal`

use std::error::Error;

use tenancy::commands::{
    AcceptInvitation, ChangeOrganizationRole, CreateDomain, CreateOrganization, DeleteDomain,
    DeleteOrganization, DeleteWorkspace, GiveWorkspaceRole, InviteToOrganization,
    InviteToWorkspace, LeaveOrganization, RemoveMember,
};
use tenancy::store::MemoryRepository;
use tenancy::{
    Actor, DomainKind, DomainName, Name, OrganizationRole, Paging, Tenancy, UserId, VerifiedEmail,
    WorkspaceAction, WorkspaceRole,
};

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

    println!("1. Ann is Acme's only Admin. She wants to leave:");
    refused(
        tenancy
            .execute(&ann, LeaveOrganization { organization })
            .await,
    );
    let only = tenancy
        .only_admin_of(id("ann@acme.example"), Paging::default())
        .await?
        .items;
    for organization in only {
        println!("   She is the only Admin of: {}", organization.name);
    }

    println!("\n2. Bob joins as an Admin, and works in the workspace too.");
    join(&tenancy, &ann, &bob, organization, OrganizationRole::Admin).await?;
    let role = WorkspaceRole::Developer;
    let user = id("bob@acme.example");
    tenancy
        .execute(
            &ann,
            GiveWorkspaceRole {
                organization,
                workspace,
                user,
                role,
            },
        )
        .await?;
    println!("   Bob invites Cy and Eve.");
    for email in ["cy@acme.example", "eve@acme.example"] {
        let role = WorkspaceRole::Reader;
        let email = email.parse()?;
        tenancy
            .execute(
                &bob,
                InviteToWorkspace {
                    organization,
                    workspace,
                    email,
                    role,
                },
            )
            .await?;
    }

    println!("\n3. Bob's account was stolen. Ann removes him; everything goes in one commit:");
    let removed = tenancy
        .execute(&ann, RemoveMember { organization, user })
        .await?
        .output;
    println!("   his role in the organization: {}", removed.role);
    for (_, role) in &removed.workspaces {
        println!("   his role in a workspace: {role}");
    }
    println!(
        "   invitations revoked, as he can't vouch for them any more: {}",
        removed.revoked.len()
    );
    let may = tenancy
        .check(&bob, (organization, workspace), WorkspaceAction::View)
        .await?;
    println!("   May Bob view the workspace? {may}");

    println!(
        "\n4. A demotion does the same, as far as it reaches. Bob is back, then made a Member:"
    );
    join(&tenancy, &ann, &bob, organization, OrganizationRole::Admin).await?;
    let (email, role) = ("cy@acme.example".parse()?, OrganizationRole::Accounting);
    tenancy
        .execute(
            &bob,
            InviteToOrganization {
                organization,
                email,
                role,
            },
        )
        .await?;
    let role = OrganizationRole::Member;
    let demoted = tenancy
        .execute(
            &ann,
            ChangeOrganizationRole {
                organization,
                user,
                role,
            },
        )
        .await?;
    println!(
        "   invitations that he could no longer send: {}",
        demoted.output.invitations.len()
    );

    println!("\n5. The workspace is closed. It isn't empty:");
    let role = WorkspaceRole::Admin;
    tenancy
        .execute(
            &ann,
            GiveWorkspaceRole {
                organization,
                workspace,
                user,
                role,
            },
        )
        .await?;
    let (name, kind) = (DomainName::new("acme-sandbox")?, DomainKind::Sandbox);
    let create = CreateDomain {
        organization,
        workspace,
        name,
        kind,
    };
    let domain = tenancy.execute(&ann, create).await?.output;
    refused(
        tenancy
            .execute(
                &ann,
                DeleteWorkspace {
                    organization,
                    workspace,
                },
            )
            .await,
    );
    tenancy
        .execute(
            &ann,
            DeleteDomain {
                organization,
                domain,
            },
        )
        .await?;
    println!("   The domain is deleted. Bob, the workspace's Admin, closes it himself:");
    let deleted = tenancy
        .execute(
            &bob,
            DeleteWorkspace {
                organization,
                workspace,
            },
        )
        .await?
        .output;
    println!(
        "   done; his own role went with it: {}",
        deleted.role.is_some()
    );

    println!("\n6. And the organization:");
    refused(
        tenancy
            .execute(&ann, DeleteOrganization { organization })
            .await,
    );
    tenancy
        .execute(&bob, LeaveOrganization { organization })
        .await?;
    tenancy
        .execute(&ann, DeleteOrganization { organization })
        .await?;
    println!("   Bob left, Ann deleted it. For her it is now as if it had never been:");
    refused(
        tenancy
            .execute(&ann, DeleteOrganization { organization })
            .await,
    );
    Ok(())
}

async fn join(
    tenancy: &Tenancy<MemoryRepository>,
    inviter: &Actor,
    who: &Actor,
    organization: tenancy::OrganizationId,
    role: OrganizationRole,
) -> Result<(), Box<dyn Error>> {
    let email = who.verified_email().ok_or("unverified")?.address().clone();
    let invite = InviteToOrganization {
        organization,
        email,
        role,
    };
    let token = tenancy
        .execute(inviter, invite)
        .await?
        .output
        .token
        .ok_or("no token")?;
    tenancy.execute(who, AcceptInvitation { token }).await?;
    Ok(())
}

fn refused<T, E: Error>(result: Result<T, tenancy::Error<E>>) {
    match result {
        Ok(_) => println!("   went through?!"),
        Err(error) => {
            let rule = error.refusal().map_or("-", |refusal| refusal.rule());
            println!("   refused by {rule}: {error}");
        }
    }
}

fn id(email: &str) -> UserId {
    UserId::from_external(email)
}

fn person(email: &str) -> Result<Actor, Box<dyn Error>> {
    Ok(Actor::user(
        id(email),
        VerifiedEmail::attest(email.parse()?),
    ))
}
