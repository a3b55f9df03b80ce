//! A program with its organizations in a file of its own: it ends, it starts again, and nothing is lost.
//!
//! ```text
//! cargo run -p tenancy-sqlite --example embedded
//! ```

use std::error::Error;
use std::num::NonZeroU32;
use std::path::Path;

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, CreatedOrganization, InviteToWorkspace,
};
use tenancy::{
    Actor, DomainAction, DomainId, DomainKind, DomainName, EmailAddress, Event, InvitationToken,
    LogEntry, Name, Tenancy, UserId, VerifiedEmail, WorkspaceRole,
};
use tenancy_sqlite::SqliteRepository;

fn main() -> Result<(), Box<dyn Error>> {
    let directory = tempfile::tempdir()?; // gone at the end
    let file = directory.path().join("tenancy.db");

    println!("Monday. The program starts for the first time.");
    let monday = tenancy::block_on(monday(&file))?;
    println!("The program ends.\n");

    println!("Tuesday. The program starts again, with nothing but its file.");
    tenancy::block_on(tuesday(&file, monday))?;
    Ok(())
}

/// What Monday leaves outside the file: ids in links, and the invitation in Bob's mailbox.
struct Monday {
    acme: CreatedOrganization,
    api: DomainId,
    mail_to_bob: InvitationToken,
}

async fn monday(file: &Path) -> Result<Monday, Box<dyn Error>> {
    let tenancy = Tenancy::new(SqliteRepository::open(file)?);
    let ann = person("ann")?;

    let name = Name::new("Acme")?;
    let created = tenancy.execute(&ann, CreateOrganization { name }).await?;
    let acme = created.output;
    println!(
        "  Ann creates Acme, with a first workspace: {}.",
        created.token.version
    );

    let create = CreateDomain {
        organization: acme.organization,
        workspace: acme.workspace,
        name: DomainName::new("acme-api")?,
        kind: DomainKind::Production,
    };
    let api = tenancy.execute(&ann, create).await?.output;
    println!("  She creates the domain acme-api.");

    let invite = InviteToWorkspace {
        organization: acme.organization,
        workspace: acme.workspace,
        email: EmailAddress::new("bob@acme.example")?,
        role: WorkspaceRole::Developer,
    };
    let invited = tenancy.execute(&ann, invite).await?.output;
    println!("  She invites Bob as a Developer.");
    let mail_to_bob = invited.token.ok_or("a fresh invitation has a token")?;

    Ok(Monday {
        acme,
        api,
        mail_to_bob,
    })
}

async fn tuesday(file: &Path, monday: Monday) -> Result<(), Box<dyn Error>> {
    let repository = SqliteRepository::open(file)?;
    let tenancy = Tenancy::new(repository.clone());
    let bob = person("bob")?;
    let api = (monday.acme.organization, monday.api);

    let may = tenancy.check(&bob, api, DomainAction::Configure).await?;
    println!("  May Bob configure acme-api? {may}.");

    let token = monday.mail_to_bob;
    tenancy.execute(&bob, AcceptInvitation { token }).await?;
    println!("  Bob opens Monday's link and accepts.");

    let may = tenancy.check(&bob, api, DomainAction::Configure).await?;
    println!("  May Bob configure acme-api? {may}.");

    println!("  The outbox hands over what happened on both days:");
    let limit = NonZeroU32::new(100).ok_or("not zero")?;
    let tell = |entry: &LogEntry| {
        let joined = entry
            .events
            .iter()
            .filter(|event| matches!(event, Event::MemberJoined { .. }));
        println!(
            "    {}. {}, {} joined",
            entry.version,
            entry.command,
            joined.count()
        );
        Ok::<(), std::io::Error>(())
    };
    let delivery = repository.outbox().deliver(limit, tell).await?;
    println!("  {} commits, each once.", delivery.delivered);

    repository.verify(monday.acme.organization).await?;
    println!("  The log, replayed, makes the tables to the letter.");
    Ok(())
}

fn person(name: &str) -> Result<Actor, Box<dyn Error>> {
    let address = EmailAddress::new(&format!("{name}@acme.example"))?;
    let id = UserId::from_external(name);
    Ok(Actor::user(id, VerifiedEmail::attest(address)))
}
