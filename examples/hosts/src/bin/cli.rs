//! A command-line program on a file: synchronous, without a runtime, a server or a network.
//!
//! ```text
//! cargo run -p tenancy-hosts --bin cli -- acme.db ann@acme.example found Acme
//! cargo run -p tenancy-hosts --bin cli -- acme.db ann@acme.example invite Acme bob@acme.example member
//! cargo run -p tenancy-hosts --bin cli -- acme.db bob@acme.example accept tinv_…
//! ```
//!
//! Whoever runs it says who they are: such a program is for people who hold the file anyway.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use tenancy::commands::{
    AcceptInvitation, Command, CreateOrganization, InviteToOrganization, RemoveMember,
};
use tenancy::views::OrganizationView;
use tenancy::{
    Actor, LogEntry, Member, OrganizationAction, OrganizationId, OrganizationRole, Paging, Tenancy,
    UserId, VerifiedEmail, block_on,
};
use tenancy_sqlite::SqliteRepository;

const USAGE: &str = "usage: cli FILE ADDRESS COMMAND
  found NAME                            creates an organization
  list                                  the organizations that you are in
  show ORGANIZATION                     its people, its limits, what you may do
  invite ORGANIZATION ADDRESS ROLE      as member, accounting or admin; prints the link's token
  accept TOKEN                          accepts an invitation
  remove ORGANIZATION ADDRESS           removes a member
  log ORGANIZATION                      what happened, newest first";

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Program {
    tenancy: Tenancy<SqliteRepository>,
    actor: Actor,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

pub(crate) fn run(arguments: &[&str]) -> Outcome<String> {
    let [file, address, command @ ..] = arguments else {
        return Err(USAGE.into());
    };
    let email = VerifiedEmail::attest(address.parse()?);
    let actor = Actor::user(UserId::from_external(email.key().as_str()), email);
    let tenancy = Tenancy::new(SqliteRepository::open(file)?);
    Program { tenancy, actor }.carry_out(command)
}

impl Program {
    fn done<C: Command>(&self, command: C) -> Outcome<<C as Command>::Output> {
        Ok(block_on(self.tenancy.execute(&self.actor, command))?.output)
    }

    fn carry_out(&self, command: &[&str]) -> Outcome<String> {
        let Self { tenancy, actor } = self;
        Ok(match *command {
            ["found", name] => {
                let name = name.parse()?;
                let created = self.done(CreateOrganization { name })?;
                format!("organization {}", created.organization)
            }
            ["list"] => {
                let mine = block_on(tenancy.organizations(actor, Paging::default()))?;
                let line = |one: &OrganizationView| format!("{}  {}", one.id, one.name);
                mine.items.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            ["show", which] => self.show(self.named(which)?)?,
            ["invite", which, address, role] => {
                let invited = self.done(InviteToOrganization {
                    organization: self.named(which)?,
                    email: address.parse()?,
                    role: role.parse::<OrganizationRole>()?,
                })?;
                let token = invited.token.ok_or("it was sent before")?;
                format!("give them this, it is shown once: {}", *token.expose())
            }
            ["accept", token] => {
                let token = token.parse()?;
                let accepted = self.done(AcceptInvitation { token })?;
                format!("you are in {}", accepted.organization)
            }
            ["remove", which, address] => {
                let organization = self.named(which)?;
                let members = block_on(tenancy.members(actor, organization, Paging::first(1_000)))?;
                let mut members = members.items.iter();
                let found = members.find(|member| member.email.as_str() == address);
                let user = found.ok_or("nobody there has that address")?.user;
                let gone = self.done(RemoveMember { organization, user })?;
                let (roles, links) = (gone.workspaces.len(), gone.revoked.len());
                format!("removed, with {roles} workspace roles and {links} open invitations")
            }
            ["log", which] => {
                let log = block_on(tenancy.activity(actor, self.named(which)?, Paging::default()))?;
                let line = |entry: &LogEntry| {
                    format!("{}  {} by {}", entry.at, entry.command, entry.author)
                };
                log.items.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            _ => return Err(USAGE.into()),
        })
    }

    fn show(&self, organization: OrganizationId) -> Outcome<String> {
        let Self { tenancy, actor } = self;
        let overview = block_on(tenancy.overview(actor, organization))?;
        let may = overview.may.iter().map(|action| action.phrase());
        let may = format!("you may {}", may.collect::<Vec<_>>().join(", "));
        let mut lines = vec![overview.organization.name.to_string(), may];
        if let Some(usage) = overview.usage {
            let (used, limit) = (usage.workspaces.used, usage.workspaces.limit);
            let limit = limit.map_or("any number".to_owned(), |limit| limit.to_string());
            lines.push(format!("{used} of {limit} workspaces"));
        }
        if overview.may.contains(&OrganizationAction::ViewMembers) {
            let members = block_on(tenancy.members(actor, organization, Paging::default()))?;
            let line = |member: &Member| format!("{}  {}", member.email, member.role);
            lines.extend(members.items.iter().map(line));
        }
        Ok(lines.join("\n"))
    }

    fn named(&self, which: &str) -> Outcome<OrganizationId> {
        let first = Paging::first(1_000);
        let mine = block_on(self.tenancy.organizations(&self.actor, first))?;
        let found = mine.items.iter().find(|one| one.name.as_str() == which);
        Ok(found.ok_or("you are in no organization of that name")?.id)
    }
}
