//! A story on the store: an organization, made through one handle and seen through another.
//!
//! `cargo run -p tenancy-etcd-example [-- http://127.0.0.1:2379]`

use std::env;
use std::error::Error;

use tenancy::commands::CreateOrganization;
use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail, WorkspaceAction, block_on};
use tenancy_clusters::Etcd;
use tenancy_etcd_example::EtcdRepository;

fn main() -> Result<(), Box<dyn Error>> {
    // Kept until the end, as it is gone when it is dropped.
    let (_etcd, url) = match env::args().nth(1) {
        Some(url) => (None, url),
        None => match Etcd::start() {
            Some(etcd) => {
                let url = etcd.url();
                (Some(etcd), url)
            }
            None => return Ok(()), // it said why
        },
    };
    let tenancy = Tenancy::new(EtcdRepository::new(&url, "tenancy"));
    let ann = Actor::user(
        UserId::from_external("ann"),
        VerifiedEmail::attest("ann@acme.example".parse()?),
    );
    let name = Name::new("Acme")?;
    let done = block_on(tenancy.execute(&ann, CreateOrganization { name }))?;
    println!("the organization is at version {}", done.token.version);

    let elsewhere = Tenancy::new(EtcdRepository::new(&url, "tenancy")); // as another process would
    let on = (done.output.organization, done.output.workspace);
    println!(
        "{}",
        block_on(elsewhere.check(&ann, on, WorkspaceAction::Delete))?
    );
    Ok(())
}
