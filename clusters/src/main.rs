//! Starts servers to play with, says where they are, and ends them with Ctrl-C.
//!
//! ```text
//! cargo run -p tenancy-clusters -- postgres
//! cargo run -p tenancy-clusters -- pgbouncer session      # or: transaction
//! cargo run -p tenancy-clusters -- patroni
//! cargo run -p tenancy-clusters -- etcd
//! ```

use std::io;
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use tenancy_clusters::{Cluster, Etcd, Patroni, PgBouncer, PoolMode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let started = match arguments.as_slice() {
        ["postgres"] => postgres(),
        ["pgbouncer"] | ["pgbouncer", "session"] => pgbouncer(PoolMode::Session),
        ["pgbouncer", "transaction"] => pgbouncer(PoolMode::Transaction),
        ["patroni"] => patroni(),
        ["etcd"] => etcd(),
        _ => {
            eprintln!(
                "say what to start: postgres, pgbouncer [session|transaction], patroni or etcd"
            );
            return ExitCode::from(2);
        }
    };
    if started.is_some() {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

fn postgres() -> Option<()> {
    let cluster = Cluster::start(&[])?;
    println!("PostgreSQL: {}", cluster.url("postgres"));
    until_ctrl_c()
}

fn pgbouncer(mode: PoolMode) -> Option<()> {
    if !PgBouncer::is_installed() {
        return None;
    }
    let cluster = Cluster::start(&[])?;
    let pooler = PgBouncer::start(cluster.port(), mode, 8)?;
    println!("PostgreSQL: {}", cluster.url("postgres"));
    println!("PgBouncer in {mode:?} mode: {}", pooler.url("postgres"));
    until_ctrl_c()
}

fn etcd() -> Option<()> {
    let etcd = Etcd::start()?;
    println!("etcd: {}", etcd.url());
    until_ctrl_c()
}

fn patroni() -> Option<()> {
    println!("This takes half a minute.");
    let cluster = Patroni::start()?;
    println!("Whoever leads: {}", cluster.url("postgres"));
    for node in Patroni::NODES {
        let port = cluster.port_of(node);
        println!("{node} itself: {}", tenancy_clusters::url(port, "postgres"));
    }
    println!(
        "Type: leader | switch | kill n1 | start n1 | freeze n1 | wake n1 | cut n1 | heal n1 | whole"
    );
    for line in io::stdin().lines() {
        let Ok(line) = line else { break };
        let words: Vec<&str> = line.split_whitespace().collect();
        let began = Instant::now();
        match words.as_slice() {
            ["leader"] => println!("{}", cluster.leader().unwrap_or("nobody")),
            ["switch"] => cluster.switch_over(),
            ["whole"] => cluster.wait_until_whole(),
            [what, node] if Patroni::NODES.contains(node) => match *what {
                "kill" => cluster.kill(node),
                "start" => cluster.start_node(node),
                "freeze" => cluster.freeze(node),
                "wake" => cluster.wake(node),
                "cut" => cluster.cut_off(node),
                "heal" => cluster.heal(node),
                _ => println!("it doesn't know `{line}`"),
            },
            [] => continue,
            _ => println!("it doesn't know `{line}`"),
        }
        println!("({:.1} s)", began.elapsed().as_secs_f64());
    }
    until_ctrl_c()
}

/// The servers end when this process does, and so it needs to hear no signal.
fn until_ctrl_c() -> ! {
    println!("Ctrl-C ends it.");
    loop {
        thread::park();
    }
}
