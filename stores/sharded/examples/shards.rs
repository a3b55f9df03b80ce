//! Three shards and a registry, each a PostgreSQL server of its own: what they do together, and what it costs.
//!
//! ```text
//! cargo run -p tenancy-sharded --features postgres --example shards           # tells the story, and ends
//! cargo run --release -p tenancy-sharded --features postgres --example shards # for the costs
//! cargo run -p tenancy-sharded --features postgres --example shards -- stay   # leaves the servers up until Enter
//! ```

#![expect(
    clippy::arithmetic_side_effects,
    reason = "a story counts to a few hundred"
)]

use std::error::Error;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use tenancy::commands::{CreateDomain, CreateOrganization, RenameOrganization};
use tenancy::store::{Directory as _, Item, List, Repository};
use tenancy::{
    Actor, CommitId, DomainKind, DomainName, Name, OrganizationId, Refusal, Tenancy, UserId,
    VerifiedEmail, WorkspaceAction, WorkspaceId,
};
use tenancy_clusters::Cluster;
use tenancy_postgres::PostgresRepository;
use tenancy_postgres::sqlx::PgPool;
use tenancy_postgres::sqlx::postgres::PgPoolOptions;
use tenancy_sharded::{PostgresLists, PostgresRegistry, Shard, Sharded, WithLists};

type Failure = Box<dyn Error + Send + Sync>;
type Store = Sharded<PostgresRepository, PostgresRegistry>;
type Listed = WithLists<Store, PostgresLists>;
type Place = (OrganizationId, WorkspaceId);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let names = ["eu-1", "eu-2", "us-1"];
    let servers: Option<Vec<_>> = names.iter().map(|_| Cluster::start(&[])).collect();
    let (Some(servers), Some(apart)) = (servers, Cluster::start(&[])) else {
        return Ok(()); // it has said that no server is installed
    };
    println!("registry  {}", apart.url("postgres"));
    for (name, server) in names.iter().zip(&servers) {
        println!("{name}      {}", server.url("postgres"));
    }
    let registry = PostgresRegistry::new(pool(&apart).await?);
    registry.migrate().await?;
    let mut shards = Vec::new();
    for (name, server) in names.into_iter().zip(&servers) {
        let pool = pool(server).await?;
        tenancy_postgres::migrate(&pool).await?;
        shards.push(Shard::new(name, PostgresRepository::new(pool)));
    }
    let lists = PostgresLists::new(registry.pool().clone());
    lists.migrate().await?;
    let store = Sharded::open(shards, registry).await?;
    Box::pin(run(&store)).await?;
    let listed = WithLists::new(store.clone(), lists);
    Box::pin(follow(&listed)).await?;
    costs(&listed).await?;
    if std::env::args().any(|argument| argument == "stay") {
        println!("\nThe servers are up until you press Enter.");
        std::io::stdin().read_line(&mut String::new())?;
    }
    Ok(())
}

async fn pool(server: &Cluster) -> Result<PgPool, Failure> {
    let options = PgPoolOptions::new().test_before_acquire(false);
    Ok(options.connect(&server.url("postgres")).await?)
}

fn ann() -> Result<Actor, Failure> {
    let address = VerifiedEmail::attest("ann@acme.example".parse()?);
    Ok(Actor::user(UserId::from_external("ann"), address))
}

async fn found(tenancy: &Tenancy<impl Repository>, id: OrganizationId) -> Result<Place, Failure> {
    let create = CreateOrganization {
        name: Name::new("Acme")?,
    };
    let id = CommitId::from_uuid(id.as_uuid());
    let created = tenancy.execute_as(id, &ann()?, create).await?.output;
    Ok((created.organization, created.workspace))
}

fn domain((organization, workspace): Place, name: &str) -> Result<CreateDomain, Failure> {
    Ok(CreateDomain {
        organization,
        workspace,
        name: DomainName::new(name)?,
        kind: DomainKind::Production,
    })
}

fn said<T, E: std::fmt::Display>(result: &Result<T, E>) -> String {
    match result {
        Ok(_) => "done".to_owned(),
        Err(error) => format!("refused: {error}"),
    }
}

/// The story.
async fn run(store: &Store) -> Result<(), Failure> {
    let tenancy = Tenancy::new(store).with_sleep(tokio::time::sleep);
    let ann = ann()?;
    println!("\nTwelve organizations live where their hash says:");
    let mut places: Vec<Place> = Vec::new();
    for _ in 0..12 {
        places.push(found(&tenancy, OrganizationId::new()).await?);
    }
    for shard in store.shards() {
        let mut there = 0;
        for (organization, _) in &places {
            there += u32::from(store.shard_of(*organization)?.name() == shard.name());
        }
        println!("  {}: {there}", shard.name());
    }
    let first = *places.first().ok_or("there is none")?;
    let home = store.shard_of(first.0)?.name();
    let elsewhere = |place: &&Place| store.shard_of(place.0).is_ok_and(|at| at.name() != home);
    let other = *places
        .iter()
        .find(elsewhere)
        .ok_or("all live on one shard")?;

    println!("\nTwo on different shards want one name at once:");
    let (one, two) = tokio::join!(
        tenancy.execute(&ann, domain(first, "acme")?),
        tenancy.execute(&ann, domain(other, "acme")?),
    );
    println!("  {}\n  {}", said(&one), said(&two));
    if one.is_ok() == two.is_ok() {
        return Err("one of them should have it".into());
    }

    println!("\nA process is stopped in the middle of a commit, a little later each time, and");
    println!("another one wants the name:");
    let (mut theirs_now, mut all_the_same, mut before) = (0, 0, 0);
    for number in 0..60 {
        let name = format!("left-{number}");
        let patience = Duration::from_micros(500 * number);
        let stopped = tokio::time::timeout(patience, tenancy.execute(&ann, domain(first, &name)?));
        let stopped = stopped.await.is_err();
        let theirs = tenancy.execute(&ann, domain(other, &name)?).await;
        match theirs {
            Ok(_) => theirs_now += 1,
            Err(tenancy::Error::Refused(Refusal::DomainNameTaken { .. })) if stopped => {
                all_the_same += 1;
            }
            Err(tenancy::Error::Refused(Refusal::DomainNameTaken { .. })) => before += 1,
            Err(error) => return Err(error.into()),
        }
    }
    println!("  {theirs_now} times the other one gets it");
    println!("  {all_the_same} times the first one was stopped, and has it all the same");
    println!("  {before} times it was done before");
    println!("  the janitor: {:?}", store.settle().await?);

    let to = store.shard_of(other.0)?.name();
    println!(
        "\nAn organization moves from {home} to {to}, while somebody renames it again and again:"
    );
    let renaming = async {
        let mut done: u64 = 0;
        loop {
            let rename = RenameOrganization {
                organization: first.0,
                name: Name::new(&format!("Acme {done}"))?,
            };
            match tenancy.execute(&ann, rename).await {
                Ok(_) => done += 1,
                Err(tenancy::Error::Contended { .. }) => {} // it is closed: again
                Err(error) => return Err(error.into()),
            }
            if done > 20 && store.shard_of(first.0)?.name() == to {
                return Ok::<_, Failure>(done);
            }
        }
    };
    let begun = Instant::now();
    let (renamed, moved) = tokio::join!(renaming, store.move_to(first.0, to));
    moved?;
    println!(
        "  {} renamings, {:?}; it lives on {}",
        renamed?,
        begun.elapsed(),
        store.shard_of(first.0)?.name()
    );
    let shard = store.shard_of(first.0)?.store();
    shard.verify(first.0).await?;
    let list = List::OrganizationsOf {
        user: UserId::from_external("ann"),
        after: None,
    };
    let listed = store.list(&list, NonZeroU32::MAX).await?;
    println!(
        "  its log makes what is kept of it; ann is in {} organizations, each listed once",
        listed.len()
    );
    Ok(())
}

/// The index: a worker for each shard, and an organization that moves under them.
async fn follow(listed: &Listed) -> Result<(), Failure> {
    let (store, ann) = (listed.store(), ann()?);
    println!("\nAn index of what crosses organizations, in the registry's database:");
    let filled = listed.fill_all().await?;
    println!("  {} organizations are filled in", filled.organizations);
    let hundred = NonZeroU32::new(100).ok_or("a hundred")?;
    // Those who commit go past the index, so that the workers have something to tell.
    let tenancy = Tenancy::new(store).with_sleep(tokio::time::sleep);
    let moving = found(&tenancy, OrganizationId::new()).await?;
    let (mut delivered, mut turns) = (0, 0);
    for shard in ["eu-1", "eu-2", "us-1"] {
        store.move_to(moving.0, shard).await?;
        let rename = RenameOrganization {
            organization: moving.0,
            name: Name::new(&format!("Moved to {shard}"))?,
        };
        tenancy.execute(&ann, rename).await?;
        for shard in store.shards() {
            let delivery = listed.deliver(shard.store().outbox(), hundred).await?;
            if let Some((_, error)) = delivery.failed.into_iter().next() {
                return Err(error.into());
            }
            delivered += delivery.delivered;
            turns += 1;
        }
    }
    println!("  {turns} turns of a worker, {delivered} entries of logs");
    let user = UserId::from_external("ann");
    let list = List::OrganizationsOf { user, after: None };
    let merged = store.list(&list, NonZeroU32::MAX).await?;
    let from_index = listed.list(&list, NonZeroU32::MAX).await?;
    let ids = |items: &[Item]| -> Vec<_> {
        let places = items.iter().map(|item| list.place_of(item));
        places.collect()
    };
    if ids(&merged) != ids(&from_index) {
        return Err("the index says something else than the shards".into());
    }
    println!(
        "  ann's {} organizations, as the shards say them together",
        from_index.len()
    );
    Ok(())
}

/// The id of an organization that would live there.
fn next_on(shard: &str, store: &Store) -> Result<OrganizationId, Failure> {
    loop {
        let id = OrganizationId::new();
        if store.shard_of(id)?.name() == shard {
            return Ok(id);
        }
    }
}

/// What it costs, beside one of the shards alone.
async fn costs(listed: &Listed) -> Result<(), Failure> {
    let store = listed.store();
    let alone = Tenancy::new(store.shards().first().ok_or("no shard")?.store().clone());
    let all = Tenancy::new(store);
    let ann = ann()?;
    // An organization on that shard, through it and through all.
    let place = found(&all, next_on("eu-1", store)?).await?;
    let number = &std::cell::Cell::new(0_u32);
    let next = |what: &str| {
        number.set(number.get().wrapping_add(1));
        format!("{what}-{}", number.get())
    };
    println!("\nBeside one shard alone, medians of pairs, each in turn with the other:");
    macro_rules! compare {
        ($what:literal, $times:literal, $of:ident in $all:ident => $work:expr) => {{
            let mut pairs = Vec::new();
            for _ in 0..$times {
                let begun = Instant::now();
                {
                    let $of = &alone;
                    $work
                };
                let one = begun.elapsed();
                let begun = Instant::now();
                {
                    let $of = &$all;
                    $work
                };
                pairs.push((one, begun.elapsed()));
            }
            report($what, &pairs.split_off(10)); // the first ones prepare statements
        }};
    }
    compare!("a check", 210, of in all => {
        of.check(&ann, place, WorkspaceAction::Rename).await?;
    });
    compare!("a commit", 210, of in all => {
        let rename = RenameOrganization { organization: place.0, name: Name::new(&next("Acme"))? };
        of.execute(&ann, rename).await?;
    });
    compare!("a commit under an id of the host's", 210, of in all => {
        let rename = RenameOrganization { organization: place.0, name: Name::new(&next("Acme"))? };
        let id = CommitId::from_event("example", &next("event"));
        of.execute_as(id, &ann, rename).await?;
    });
    // Alone, the names are the shard's; together, the registry's as well.
    compare!("a commit that claims", 50, of in all => {
        of.execute(&ann, domain(place, &next("name"))?).await?;
    });
    let list = List::OrganizationsOf {
        user: UserId::from_external("ann"),
        after: None,
    };
    let ten = NonZeroU32::new(10).ok_or("ten")?;
    compare!("a page of a user's organizations", 210, of in all => {
        of.repository().list(&list, ten).await?;
    });
    // Beside the same shard, from the index.
    let indexed = Tenancy::new(listed);
    compare!("the same page from the index", 210, of in indexed => {
        of.repository().list(&list, ten).await?;
    });
    // Each of the two has an organization of its own, so that the index is told of every renaming of the second one.
    let mut of_the_other = [found(&all, next_on("eu-1", store)?).await?, place]
        .into_iter()
        .cycle();
    let _ = listed.catch_up(place.0).await?;
    compare!("a renaming that the index is told of", 210, of in indexed => {
        let (organization, _) = of_the_other.next().ok_or("endless")?;
        let rename = RenameOrganization { organization, name: Name::new(&next("Acme"))? };
        of.execute(&ann, rename).await?;
    });
    Ok(())
}

fn report(what: &str, pairs: &[(Duration, Duration)]) {
    let median = |mut times: Vec<f64>| {
        times.sort_by(f64::total_cmp);
        times.get(times.len() / 2).copied().unwrap_or_default()
    };
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    let one = median(pairs.iter().map(|pair| micros(pair.0)).collect());
    let all = median(pairs.iter().map(|pair| micros(pair.1)).collect());
    let ratio = median(
        pairs
            .iter()
            .map(|pair| micros(pair.1) / micros(pair.0))
            .collect(),
    );
    println!("  {what:36} {one:7.0} µs alone, {all:7.0} µs sharded: {ratio:.2} times");
}
