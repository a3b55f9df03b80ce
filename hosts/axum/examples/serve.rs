//! The API on a store in memory, with a company in it, for whoever says who they are: to try it out, and for programs that
//! attack it (`hosts/axum/scripts/schemathesis`).
//!
//! ```text
//! cargo run -p tenancy-axum --example serve -- 127.0.0.1:3000
//! curl -s 127.0.0.1:3000/api/organizations -H 'x-who: ann'
//! ```
//!
//! `ann` is the Admin, `rea` a Reader, `staff` the vendor's staff; everybody else is an outsider.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::http::request::Parts;
use tenancy::commands::{
    AcceptReceivedInvitation, CreateDomain, CreateOrganization, DefineRole, InviteToOrganization,
    InviteToWorkspace, SetLimits,
};
use tenancy::store::MemoryRepository;
use tenancy::{
    Actor, DomainKind, Grants, Limits, Operator, OrganizationRole, RoleBase, Tenancy, UserId,
    VerifiedEmail, WorkspaceRole,
};
use tenancy_axum::{Host, Rejection, operators, router};
use tokio::net::TcpListener;

#[derive(Clone)]
struct App(Arc<Tenancy<MemoryRepository>>);

impl Host for App {
    type Store = MemoryRepository;

    fn tenancy(&self) -> &Tenancy<MemoryRepository> {
        &self.0
    }

    async fn sign_in(&self, request: &Parts) -> Result<Actor, Rejection> {
        let who = request.headers.get("x-who");
        let who = who.and_then(|value| value.to_str().ok());
        who.and_then(actor).ok_or_else(Rejection::signed_out)
    }
}

fn actor(who: &str) -> Option<Actor> {
    if who == "staff" {
        return Some(Actor::Operator(Operator::attest("Sam".parse().ok()?)));
    }
    let email = format!("{who}@acme.example").parse().ok()?;
    Some(Actor::user(
        UserId::from_external(who),
        VerifiedEmail::attest(email),
    ))
}

/// The ids of what there is, as a path names them.
async fn company(
    tenancy: &Tenancy<MemoryRepository>,
) -> Result<Vec<(&'static str, String)>, Box<dyn Error>> {
    let who = |name| actor(name).ok_or("nobody");
    let (ann, rea, staff) = (who("ann")?, who("rea")?, who("staff")?);
    let create = CreateOrganization {
        name: "Acme".parse()?,
    };
    let acme = tenancy.execute(&ann, create).await?.output;
    let (organization, workspace) = (acme.organization, acme.workspace);
    let widen = SetLimits {
        organization,
        limits: Limits::UNLIMITED,
        workspace_quota: Some(1_000_000),
    };
    tenancy.execute(&staff, widen).await?;
    let domain = CreateDomain {
        organization,
        workspace,
        name: "acme".parse()?,
        kind: DomainKind::Sandbox,
    };
    let domain = tenancy.execute(&ann, domain).await?.output;
    let invite = InviteToWorkspace {
        organization,
        workspace,
        email: "rea@acme.example".parse()?,
        role: WorkspaceRole::Reader,
    };
    let invitation = tenancy.execute(&ann, invite).await?.output.invitation;
    let accept = AcceptReceivedInvitation {
        organization,
        invitation,
    };
    tenancy.execute(&rea, accept).await?;
    let invite = InviteToOrganization {
        organization,
        email: "bob@acme.example".parse()?,
        role: OrganizationRole::Member,
    };
    let invitation = tenancy.execute(&ann, invite).await?.output.invitation;
    let role = DefineRole {
        organization,
        name: "Auditor".parse()?,
        base: RoleBase::Member,
        adds: Grants::NONE,
    };
    let role = tenancy.execute(&ann, role).await?.output;
    Ok(vec![
        ("organization", organization.to_string()),
        ("workspace", workspace.to_string()),
        ("domain", domain.to_string()),
        ("invitation", invitation.to_string()),
        ("user", UserId::from_external("rea").to_string()),
        ("role", role.to_string()),
    ])
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1);
    let listener = TcpListener::bind(address.as_deref().unwrap_or("127.0.0.1:0")).await?;
    let app = App(Arc::new(Tenancy::new(MemoryRepository::new())));
    println!("address={}", listener.local_addr()?);
    for (name, id) in company(&app.0).await? {
        println!("{name}={id}");
    }
    let service = Router::new()
        .nest("/api", router())
        .nest("/staff", operators());
    Ok(axum::serve(listener, service.with_state(app)).await?)
}
