//! Ann of Acme, and what she does.

use std::num::NonZeroU32;

use sqlx::{AssertSqlSafe, PgPool, Row as _};
use tenancy::{commands::*, store::*, *};
use tenancy_postgres::PostgresRepository;

pub type Store = Tenancy<PostgresRepository>;

pub fn tenancy(pool: PgPool) -> Store {
    Tenancy::new(PostgresRepository::new(pool)).with_settings(Settings {
        default_workspace_quota: NonZeroU32::new(100_000).unwrap(),
        ..Settings::default()
    })
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn email(text: &str) -> EmailAddress {
    EmailAddress::new(text).unwrap()
}

pub fn user(who: &str) -> UserId {
    UserId::from_external(who)
}

/// A user with the address `who@acme.example`.
pub fn actor(who: &str) -> Actor {
    let address = email(&format!("{who}@acme.example"));
    Actor::user(user(who), VerifiedEmail::attest(address))
}

/// Acme, made by Ann.
pub async fn acme(tenancy: &Store) -> CreatedOrganization {
    let command = CreateOrganization { name: name("Acme") };
    let made = tenancy.execute(&actor("ann"), command).await;
    made.unwrap().output
}

pub fn new_workspace(acme: CreatedOrganization, called: &str) -> CreateWorkspace {
    CreateWorkspace {
        organization: acme.organization,
        name: name(called),
    }
}

pub fn new_domain(acme: CreatedOrganization, called: &str) -> CreateDomain {
    CreateDomain {
        organization: acme.organization,
        workspace: acme.workspace,
        name: DomainName::new(called).unwrap(),
        kind: DomainKind::Sandbox,
    }
}

/// What Ann would commit, were it committed.
pub async fn prepared<C: Command>(tenancy: &Store, command: C) -> Commit {
    let decided = tenancy.prepare(&actor("ann"), command).await.unwrap();
    decided.commit.unwrap()
}

/// Somebody joins the first workspace, invited by Ann.
pub async fn join(tenancy: &Store, acme: CreatedOrganization, who: &str, role: WorkspaceRole) {
    let command = InviteToWorkspace {
        organization: acme.organization,
        workspace: acme.workspace,
        email: email(&format!("{who}@acme.example")),
        role,
    };
    let invited = tenancy.execute(&actor("ann"), command).await.unwrap();
    let token = invited.output.token.unwrap();
    let accepted = AcceptInvitation { token };
    tenancy.execute(&actor(who), accepted).await.unwrap();
}

/// Every row of every table of ours, as text: to see that nothing changed.
pub async fn dump(pool: &PgPool) -> Vec<String> {
    let kinds = Kind::ALL.into_iter().map(Kind::table);
    let mut lines = Vec::new();
    for table in kinds.chain(["organizations", "claims", "commits", "outbox"]) {
        let text = format!("SELECT '{table} ' || t::text FROM tenancy.{table} t");
        let rows = sqlx::query(AssertSqlSafe(text))
            .fetch_all(pool)
            .await
            .unwrap();
        lines.extend(rows.iter().map(|row| row.get::<String, _>(0)));
    }
    lines.sort();
    lines
}
