//! Roles of an organization's own: Acme's Admin defines one for testers, a host's own action is among what it adds, and
//! it is revised, retired and deleted.
//!
//! `cargo run --example own_roles`

use std::error::Error;

use tenancy::commands::{
    AcceptInvitation, CreateDomain, CreateOrganization, DefineRole, DeleteRole, GiveWorkspaceRole,
    InviteToWorkspace, RetireRole, ReviseRole,
};
use tenancy::policy::ActionRow;
use tenancy::store::MemoryRepository;
use tenancy::{
    Action, Actor, Code, DomainAction, DomainId, DomainKind, DomainName, Grants, Name,
    OrganizationAction, OrganizationId, Paging, RoleBase, RoleSet, Settings, Tenancy, UserId,
    VerifiedEmail, WorkspaceAction, WorkspaceRole, catalogue,
};

/// What this host can do with a domain. Each has a code, so that an organization's roles may add it.
#[derive(Clone, Copy, Debug)]
enum Deployment {
    Start,
    RollBack,
}

impl Deployment {
    const ALL: [Self; 2] = [Self::Start, Self::RollBack];

    /// One row an action: the words, the built-in roles that may, the code, which is for ever.
    const fn row(self) -> ActionRow {
        let admins = RoleSet::WORKSPACE_ADMIN;
        match self {
            Self::Start => {
                ActionRow::new("start a deployment", admins.union(RoleSet::DEVELOPER)).with_code(64)
            }
            Self::RollBack => ActionRow::new("roll a deployment back", admins).with_code(66),
        }
    }
}

impl Action for Deployment {
    type On = (OrganizationId, DomainId);

    fn allowed(&self) -> RoleSet {
        self.row().allowed()
    }

    fn phrase(&self) -> &'static str {
        self.row().phrase()
    }

    fn code(&self) -> Option<Code> {
        self.row().code()
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    tenancy::block_on(story())
}

async fn story() -> Result<(), Box<dyn Error>> {
    // The codes are checked when this is compiled: a wrong one doesn't build.
    let settings = Settings {
        catalogue: catalogue!(Deployment),
        ..Settings::default()
    };
    let tenancy = Tenancy::new(MemoryRepository::new()).with_settings(settings);
    let (ann, bob) = (person("ann@acme.example")?, person("bob@acme.example")?);
    let name = Name::new("Acme")?;
    let acme = tenancy.execute(&ann, CreateOrganization { name }).await?;
    let (organization, workspace) = (acme.output.organization, acme.output.workspace);
    let mut domains = Vec::new();
    for (name, kind) in [
        ("acme-sandbox", DomainKind::Sandbox),
        ("acme", DomainKind::Production),
    ] {
        let name = DomainName::new(name)?;
        let create = CreateDomain {
            organization,
            workspace,
            name,
            kind,
        };
        domains.push((organization, tenancy.execute(&ann, create).await?.output));
    }
    let [sandbox, live] = domains[..] else {
        return Err("two domains".into());
    };

    println!("Ann defines a role: a Reader who may configure sandboxes, and deploy to them.");
    let adds = Grants::on(DomainKind::Sandbox, DomainAction::Configure)?
        | Grants::on(DomainKind::Sandbox, Deployment::Start)?;
    let define = DefineRole {
        organization,
        name: Name::new("Sandbox tester")?,
        base: RoleBase::Reader,
        adds,
    };
    let tester = tenancy.execute(&ann, define).await?.output;

    println!("Bob is invited with it, as with any other role.");
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: "bob@acme.example".parse()?,
        role: tester,
    };
    let token = tenancy.execute(&ann, invite).await?.output.token;
    let token = token.ok_or("no token")?;
    tenancy.execute(&bob, AcceptInvitation { token }).await?;

    println!("\nWhat he may do, and why:");
    for (on, what) in [(sandbox, "acme-sandbox"), (live, "acme")] {
        let may = tenancy.check(&bob, on, Deployment::Start).await?;
        let why = tenancy.explain(&bob, organization, may).await?;
        println!("   start a deployment on {what}: {why}");
        let may = tenancy.check(&bob, on, DomainAction::View).await?;
        println!("   view {what}: {may}");
    }

    println!("\nPower over people is reserved, whoever asks for it:");
    if let Err(refused) = Grants::of(OrganizationAction::Invite) {
        println!("   {refused}");
    }
    println!("And a workspace's role adds nothing that the workspace's Admin may not do:");
    let too_much = DefineRole {
        organization,
        name: Name::new("Bookkeeper")?,
        base: RoleBase::Developer,
        adds: Grants::of(WorkspaceAction::EditInvoicing)?,
    };
    if let Err(refused) = tenancy.execute(&ann, too_much).await {
        println!("   {refused}");
    }

    println!("\nWho can deploy to the sandbox:");
    let who = tenancy.who_can(&ann, sandbox, Deployment::Start, Paging::first(10));
    for holder in who.await?.items {
        println!("   {}", holder.by);
    }

    println!("\nTesters may also roll back, from now on, all of them:");
    let revise = ReviseRole {
        organization,
        role: tester,
        name: Name::new("Sandbox tester")?,
        adds: adds | Grants::on(DomainKind::Sandbox, Deployment::RollBack)?,
    };
    tenancy.execute(&ann, revise).await?;
    let may = tenancy.check(&bob, sandbox, Deployment::RollBack).await?;
    println!("   {}", tenancy.explain(&bob, organization, may).await?);

    println!("\nAn audit comes. One write, and whoever holds it is a Reader:");
    let role = tester;
    tenancy
        .execute(&ann, RetireRole { organization, role })
        .await?;
    let may = tenancy.check(&bob, sandbox, Deployment::Start).await?;
    println!("   {may}");

    println!("\nIt is deleted once nobody holds it:");
    let delete = DeleteRole { organization, role };
    if let Err(refused) = tenancy.execute(&ann, delete).await {
        println!("   {refused}");
    }
    let give = GiveWorkspaceRole {
        organization,
        workspace,
        user: bob.user_id().ok_or("a user")?,
        role: WorkspaceRole::Developer,
    };
    tenancy.execute(&ann, give).await?;
    tenancy.execute(&ann, delete).await?;
    println!("   gone; its number is never used again");
    Ok(())
}

fn person(email: &str) -> Result<Actor, Box<dyn Error>> {
    Ok(Actor::user(
        UserId::from_external(email),
        VerifiedEmail::attest(email.parse()?),
    ))
}
