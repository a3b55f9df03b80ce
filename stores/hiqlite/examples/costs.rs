//! What a cluster costs beside a file: three nodes in this process, each in a folder of its own, and a file in a fourth.
//!
//! `cargo run --example costs` (in `stores/hiqlite`). Compare lines of one run.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "it shares with the tests how nodes are started"
)]

use std::error::Error;
use std::time::Instant;

use nodes::{Nodes, RUNTIME};
use tenancy::commands::{CreateOrganization, CreatedOrganization, RenameOrganization};
use tenancy::store::Directory;
use tenancy::{Actor, Name, Tenancy, UserId, VerifiedEmail, WorkspaceAction};
use tenancy_sqlite::SqliteRepository;
use tokio::task::JoinSet;

#[path = "../tests/cluster/nodes.rs"]
mod nodes;

type Failure = Box<dyn Error + Send + Sync>;

/// How often each thing is done.
const TIMES: u32 = 200;

/// How many write at once, each an organization of their own.
const WRITERS: usize = 32;

fn main() -> Result<(), Failure> {
    RUNTIME.block_on(async {
        let folder = tempfile::tempdir()?;
        let file = SqliteRepository::open_on_threads(folder.path().join("tenancy.db"))?;
        let begun = Instant::now();
        let nodes = Nodes::start().await;
        println!("three nodes answer after {:.1?}", begun.elapsed());
        println!(
            "in {}, for {:?}",
            nodes.folder.path().display(),
            nodes.addresses
        );
        let [leader, follower, _] = nodes.leader_first().await;
        println!("| | a check | a command | commands a second, {WRITERS} writers |");
        println!("| --- | --- | --- | --- |");
        row("the file", file).await?;
        row("three nodes, on the leader", leader).await?;
        row("three nodes, on a follower", follower).await?;
        Ok(())
    })
}

async fn row<R: Directory + Clone + 'static>(what: &str, store: R) -> Result<(), Failure> {
    let tenancy = Tenancy::new(store.clone());
    let ann = VerifiedEmail::attest("ann@acme.example".parse()?);
    let ann = Actor::user(UserId::from_external("ann"), ann);
    let acme = create(&tenancy, &ann).await?;
    let mut commands = Vec::new();
    for turn in 0..TIMES {
        let begun = Instant::now();
        rename(&tenancy, &ann, acme, turn).await?;
        commands.push(begun.elapsed());
    }
    let mut checks = Vec::new();
    for _ in 0..TIMES {
        let (begun, on) = (Instant::now(), (acme.organization, acme.workspace));
        let decision = tenancy.check(&ann, on, WorkspaceAction::Rename).await?;
        checks.push(begun.elapsed());
        assert!(decision.is_allowed());
    }
    let mut writers = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..WRITERS {
        let (tenancy, ann) = (Tenancy::new(store.clone()), ann.clone());
        writers.spawn(async move {
            let acme = create(&tenancy, &ann).await?;
            for turn in 1..20 {
                rename(&tenancy, &ann, acme, turn).await?;
            }
            Ok::<(), Failure>(())
        });
    }
    while let Some(ended) = writers.join_next().await {
        ended??;
    }
    let commits = f64::from(u32::try_from(WRITERS)?) * 20.0 / begun.elapsed().as_secs_f64();
    let [check, command] = [checks, commands].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2] // the median
    });
    println!("| {what} | {check:.1?} | {command:.1?} | {commits:.0} |");
    Ok(())
}

async fn create<R: Directory + 'static>(
    tenancy: &Tenancy<R>,
    ann: &Actor,
) -> Result<CreatedOrganization, Failure> {
    let name = Name::new("Acme")?;
    Ok(tenancy
        .execute(ann, CreateOrganization { name })
        .await?
        .output)
}

async fn rename<R: Directory + 'static>(
    tenancy: &Tenancy<R>,
    ann: &Actor,
    acme: CreatedOrganization,
    turn: u32,
) -> Result<(), Failure> {
    let (organization, name) = (acme.organization, Name::new(&format!("Acme {turn}"))?);
    let rename = RenameOrganization { organization, name };
    tenancy.execute(ann, rename).await?;
    Ok(())
}
