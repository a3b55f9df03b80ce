//! What a check costs with tenancy, beside hand-written maps, other engines and databases, in one run.
//!
//! `cargo peers` prints all of it, and `cargo peers --write` writes it into `docs/performance.md` and its plots. The
//! engines take minutes to build, so they are a feature: without it, `cargo run --release -p tenancy-peers` asks
//! the hand-written maps and tenancy alone. Whoever is asked must agree on every decision.
//!
//! With `--instructions` it counts instructions instead, and compares them with `instructions.txt`, as CI does.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::cast_precision_loss,
    reason = "a benchmark that goes wrong should stop"
)]

mod by_hand;
#[cfg(feature = "engines")]
mod engines;
mod instructions;
mod items;
mod ours;
mod peer;
mod plot;
mod population;
mod report;
mod writers;

use std::env;
use std::process::{Command, ExitCode};
use std::time::Instant;

use tenancy::store::{AccessIndex, Fed, MemoryRepository};
use tenancy::{Tenancy, block_on};

use crate::by_hand::ByHand;
use crate::ours::{check, fill, readers, through_index};
use crate::peer::{Kind, Peer, growth, nanoseconds, pointer_chase};
#[cfg(feature = "engines")]
use crate::population::Question;
use crate::population::{Ids, MEMBERS, questions};
use crate::report::{Figures, Line, Machine};

fn main() -> ExitCode {
    let (flags, sizes): (Vec<_>, Vec<_>) = env::args()
        .skip(1)
        .partition(|argument| argument.starts_with("--"));
    let sizes: Vec<usize> = sizes
        .iter()
        .map(|size| size.parse().expect("a number of organizations"))
        .collect();
    let flag = flags
        .first()
        .map(|flag| flag.split_once('=').unwrap_or((flag, "")));
    match flag {
        None => {}
        Some(("--write", _)) if cfg!(feature = "engines") => {}
        Some(("--instructions", _)) => return instructions::compare(),
        // What the program asks itself, in another process.
        Some(("--case", case)) => {
            instructions::run(case);
            return ExitCode::SUCCESS;
        }
        Some(("--bytes", name)) => {
            println!("{}", bytes(name, sizes[0]));
            return ExitCode::SUCCESS;
        }
        Some(_) => {
            eprintln!(
                "usage: tenancy-peers [organizations …], tenancy-peers --instructions, cargo peers [--write]"
            );
            return ExitCode::FAILURE;
        }
    }
    let sizes = if sizes.is_empty() {
        vec![10, 1_000, 100_000]
    } else {
        sizes
    };

    let machine = Machine::now();
    println!("{machine}");
    let figures: Vec<Figures> = sizes
        .into_iter()
        .map(|size| {
            let figures = measure(size);
            print!("{figures}");
            figures
        })
        .collect();
    let largest = figures.iter().map(|figures| figures.organizations).max();
    let items = items::measure(if largest > Some(10) { 1_000 } else { 200 });
    println!("\nWhat is linear by nature\n\n{items}");
    let writers = writers::measure();
    println!("\nMany writers in one organization, a millisecond away\n\n{writers}");
    if flag.is_some() {
        report::write(&machine, &figures, writers, items)
            .expect("the repository's files can be written");
    } else if cfg!(not(feature = "engines")) {
        println!(
            "\n`cargo peers` asks other engines and databases, too: they take minutes to build."
        );
    }
    ExitCode::SUCCESS
}

/// Hosts' way to ask: the others are compared with it.
const STORE: &str = "through `Tenancy`, on the store in memory";
const INDEX: &str = "the `AccessIndex` alone";
const FOLDHASH: &str = "by hand: four hash maps, foldhash";

fn indexed(all: &[Ids]) -> AccessIndex {
    let index = AccessIndex::new();
    for (number, ids) in all.iter().enumerate() {
        assert_eq!(index.apply(&ids.commit(number)), Fed::Applied);
    }
    index
}

/// What this one holds in a process of its own.
fn bytes_alone(name: &str, organizations: usize) -> f64 {
    let output = Command::new(env::current_exe().expect("this program"))
        .arg(format!("--bytes={name}"))
        .arg(organizations.to_string())
        .output()
        .expect("it starts again");
    let said = String::from_utf8_lossy(&output.stdout);
    said.trim().parse().expect("it says how much it grew")
}

/// The other side of that.
fn bytes(name: &str, organizations: usize) -> usize {
    let all: Vec<Ids> = (0..organizations).map(|_| Ids::new()).collect();
    match name {
        STORE => growth(|| {
            let store = MemoryRepository::new();
            block_on(fill(&store, &all));
            store
        }),
        INDEX => indexed(&all).bytes(),
        FOLDHASH => growth(|| ByHand::<foldhash::fast::RandomState>::of(&all)),
        #[cfg(feature = "engines")]
        name => engines::bytes(name, &all),
        #[cfg(not(feature = "engines"))]
        name => panic!("{name} holds nothing in memory"),
    }
}

fn measure(organizations: usize) -> Figures {
    let all: Vec<Ids> = (0..organizations).map(|_| Ids::new()).collect();
    let count = if organizations > 1_000 {
        1 << 20
    } else {
        1 << 16
    };
    let questions = questions(&all, count);

    let foldhash = ByHand::<foldhash::fast::RandomState>::of(&all);
    let std = ByHand::<std::hash::RandomState>::of(&all);
    let expected: Vec<bool> = questions.iter().map(|ask| foldhash.allows(ask)).collect();

    let tenancy = Tenancy::new(MemoryRepository::new());
    let began = Instant::now();
    block_on(fill(tenancy.repository(), &all));
    let loaded = began.elapsed();
    let index = indexed(&all);

    let ask = |place: usize| &questions[place];
    let mut peers = vec![
        Peer::new(STORE, Kind::Ours, count, |place| {
            block_on(check(&tenancy, ask(place)))
        })
        .in_memory(),
        Peer::new(INDEX, Kind::Ours, count, |place| {
            through_index(&index, ask(place))
        })
        .in_memory(),
        Peer::new(FOLDHASH, Kind::ByHand, count, |place| {
            foldhash.allows(ask(place))
        })
        .in_memory(),
        Peer::new(
            "by hand: four hash maps, the standard hash",
            Kind::ByHand,
            count,
            |place| std.allows(ask(place)),
        ),
    ];
    #[cfg(feature = "engines")]
    let lent = Lent::at(organizations);
    #[cfg(feature = "engines")]
    peers.extend(lent.peers(&all, &questions));
    for peer in &mut peers {
        peer.agrees(&expected, &questions);
    }
    let times = nanoseconds(&mut peers);
    let lines = peers.iter().zip(times).map(|(peer, nanoseconds)| Line {
        name: peer.name,
        kind: peer.kind,
        nanoseconds,
        asked: peer.asked,
        // Where there are few memberships, a page more or less would be most of it.
        bytes: (peer.in_memory && organizations >= 1_000)
            .then(|| bytes_alone(peer.name, organizations) / (organizations * MEMBERS) as f64),
    });
    Figures {
        organizations,
        lines: lines.collect(),
        access: pointer_chase(index.bytes()),
        loaded,
        readers: readers(&index, &questions, &all[0]),
    }
}

/// What engines need for as long as they are asked: a folder, a server.
#[cfg(feature = "engines")]
struct Lent {
    folder: tempfile::TempDir,
    cluster: Option<engines::postgres::Cluster>,
    /// Whether there are so few organizations that engines bear them.
    few: bool,
}

#[cfg(feature = "engines")]
impl Lent {
    fn at(organizations: usize) -> Self {
        let few = organizations <= 1_000;
        Self {
            folder: tempfile::tempdir().expect("a folder"),
            cluster: few.then(engines::postgres::cluster).flatten(),
            few,
        }
    }

    fn peers<'a>(&self, all: &[Ids], questions: &'a [Question]) -> Vec<Peer<'a>> {
        let mut peers = Vec::new();
        if self.few {
            peers.push(engines::gatehouse::peer(all, questions));
            peers.extend(engines::regorus::peers(all, questions));
            peers.push(engines::cedar::peer(all, questions));
            peers.push(engines::casbin::peer(all, questions));
            peers.extend(engines::sqlite::peers(&self.folder, all, questions));
        }
        if let Some(cluster) = &self.cluster {
            peers.extend(engines::postgres::peers(cluster, all, questions));
        }
        peers
    }
}
