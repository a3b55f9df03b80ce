//! Invitations: the organization's and the workspace's, and everything that can go wrong with a link.
//!
//! `cargo run --example invite`

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};
use tenancy::commands::{
    AcceptInvitation, CreateOrganization, InviteToOrganization, InviteToWorkspace,
    ResendInvitation, RevokeInvitation,
};
use tenancy::store::MemoryRepository;
use tenancy::views::InvitationPreview;
use tenancy::{
    Actor, EmailAddress, InvitationToken, Name, OrganizationRole, Paging, Tenancy, UserId,
    VerifiedEmail, WorkspaceRole,
};

fn main() -> Result<(), Box<dyn Error>> {
    tenancy::block_on(story())
}

async fn story() -> Result<(), Box<dyn Error>> {
    // A clock that the story can move.
    let now: DateTime<Utc> = "2026-11-23T09:00:00Z".parse()?;
    let time = Arc::new(Mutex::new(now));
    let clock = Arc::clone(&time);
    let tenancy = Tenancy::new(MemoryRepository::new())
        .with_clock(move || *clock.lock().unwrap_or_else(PoisonError::into_inner));

    let ann = person("ann@acme.example")?;
    let bob = person("bob@acme.example")?;
    let eve = person("eve@elsewhere.example")?;
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

    println!("1. Ann, Admin of Acme, invites bob@acme.example to a workspace as Developer.");
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: "Bob@Acme.example".parse()?,
        role: WorkspaceRole::Developer,
    };
    let invited = tenancy.execute(&ann, invite.clone()).await?.output;
    let first_link = mail(invited.token.as_ref().ok_or("no token")?);
    println!("   The host mails a link: {}", shortened(&first_link));
    println!("   It is valid until {}.", invited.expires_at);

    println!("\n2. Opening the link previews it. Nothing changes: mail scanners open links too.");
    let token = from_link(&first_link)?;
    preview(&tenancy, &token).await?;

    println!("\n3. The link was forwarded. Eve, signed in with her own address, tries it:");
    accept(&tenancy, &eve, &first_link).await?;
    println!("   Bob, before he verified his address:");
    let unverified = Actor::unverified(UserId::from_external("bob@acme.example"));
    accept(&tenancy, &unverified, &first_link).await?;

    println!("\n4. Bob is on holiday. Eight days later:");
    *time.lock().unwrap_or_else(PoisonError::into_inner) = "2026-12-01T09:00:00Z".parse()?;
    accept(&tenancy, &bob, &first_link).await?;
    let listed = tenancy
        .invitations(&ann, organization, Paging::default())
        .await?
        .items;
    for invitation in listed {
        println!(
            "   Ann still sees {} listed, as {}.",
            invitation.email, invitation.status
        );
    }

    println!("\n5. Ann sends it again: a new link, and the old one is dead.");
    let resend = ResendInvitation {
        organization,
        invitation: invited.invitation,
    };
    let again = tenancy.execute(&ann, resend).await?.output;
    let second_link = mail(again.token.as_ref().ok_or("no token")?);
    print!("   The old link:");
    accept(&tenancy, &bob, &first_link).await?;
    print!("   The new link:");
    accept(&tenancy, &bob, &second_link).await?;
    print!("   The new link, once more:");
    accept(&tenancy, &bob, &second_link).await?;
    preview(&tenancy, &from_link(&second_link)?).await?;

    println!("\n6. Bob, who is a Developer, invites a friend:");
    let friend = InviteToWorkspace {
        email: "friend@home.example".parse()?,
        ..invite.clone()
    };
    if let Err(refused) = tenancy.execute(&bob, friend).await {
        println!("   refused: {refused}");
    }
    println!("   Ann invites Bob to what he has already:");
    if let Err(refused) = tenancy.execute(&ann, invite).await {
        println!("   refused: {refused}");
    }

    println!("\n7. An invitation to the organization, as Accounting, and second thoughts:");
    let email: EmailAddress = "cy@acme.example".parse()?;
    let cy = person("cy@acme.example")?;
    let role = OrganizationRole::Accounting;
    let invite = InviteToOrganization {
        organization,
        email,
        role,
    };
    let invited = tenancy.execute(&ann, invite.clone()).await?.output;
    let link = mail(invited.token.as_ref().ok_or("no token")?);
    let received = tenancy
        .received_invitations(&cy, Paging::default())
        .await?
        .items;
    for invitation in received {
        println!(
            "   Cy's switcher shows: invited to {}.",
            invitation.organization_name
        );
    }
    let revoke = RevokeInvitation {
        organization,
        invitation: invited.invitation,
    };
    tenancy.execute(&ann, revoke).await?;
    print!("   Revoked. Cy's link:");
    accept(&tenancy, &cy, &link).await?;
    let invited = tenancy.execute(&ann, invite).await?.output;
    let link = mail(invited.token.as_ref().ok_or("no token")?);
    print!("   Invited anew:");
    accept(&tenancy, &cy, &link).await?;

    println!("\n8. What is never shown:");
    println!("   Debug of a token: {:?}", from_link(&link)?);
    let guess = format!(
        "{}AAAA",
        link.chars()
            .take(link.chars().count().saturating_sub(4))
            .collect::<String>()
    );
    print!("   A guessed link:");
    match from_link(&guess) {
        Ok(_) => accept(&tenancy, &cy, &guess).await?,
        Err(error) => println!(" {error}"),
    }
    Ok(())
}

/// What a page shows before anybody accepts.
async fn preview(
    tenancy: &Tenancy<MemoryRepository>,
    token: &InvitationToken,
) -> Result<(), Box<dyn Error>> {
    match tenancy.preview(token).await? {
        InvitationPreview::Open {
            organization_name,
            invitation,
            ..
        } => println!(
            "   {organization_name} invites {} to be {}, {}",
            invitation.email, invitation.target, invitation.status
        ),
        InvitationPreview::Closed { state } => {
            println!("   A preview tells only that it is closed: {state}");
        }
    }
    Ok(())
}

/// What a host does with an answer: a page that says what happened.
async fn accept(
    tenancy: &Tenancy<MemoryRepository>,
    who: &Actor,
    link: &str,
) -> Result<(), Box<dyn Error>> {
    match tenancy
        .execute(
            who,
            AcceptInvitation {
                token: from_link(link)?,
            },
        )
        .await
    {
        Ok(done) => match (done.output.workspace_role, done.output.organization_role) {
            (Some((_, role)), _) => println!(" accepted, they are {role} of the workspace."),
            (None, Some(role)) => println!(" accepted, they are {role} of the organization."),
            (None, None) => println!(" accepted, nothing new."),
        },
        Err(refused) => println!("   {} {refused}", refused.http_status()),
    }
    Ok(())
}

fn mail(token: &InvitationToken) -> String {
    format!(
        "https://console.example/invitations#{}",
        token.expose().as_str()
    )
}

fn from_link(link: &str) -> Result<InvitationToken, Box<dyn Error>> {
    let (_, text) = link.split_once('#').ok_or("no token in the link")?;
    Ok(text.parse()?)
}

fn shortened(link: &str) -> String {
    format!("{}…", link.chars().take(52).collect::<String>())
}

fn person(email: &str) -> Result<Actor, Box<dyn Error>> {
    Ok(Actor::user(
        UserId::from_external(email),
        VerifiedEmail::attest(email.parse()?),
    ))
}
