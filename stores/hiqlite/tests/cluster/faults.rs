//! Three nodes as processes, nine writers, and what goes wrong with machines: nothing that was acknowledged is lost, what was
//! unknown is found out by asking again, and every organization is what its log says, on each node.

use core::time::Duration;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::nodes::{Folder, RUNTIME, ports};
use crate::process::{Deliveries, Ledger, Process};
use crate::wire::Wire;

/// How much is written before and after something goes wrong.
const COMMITS: u32 = 10;

/// One test has machines at a time: three processes are as much as two cores bear beside the suite.
static MACHINES: Mutex<()> = Mutex::new(());

pub(crate) struct Machines {
    folder: Folder,
    wire: Wire,
    addresses: String,
    nodes: Vec<Process>,
    /// Whether each has a worker, too.
    works: bool,
    /// What those had acknowledged that are gone.
    ledger: Ledger,
    /// What those had handed out.
    deliveries: Deliveries,
    unknown: u32,
    /// Given back last, when the processes have ended.
    _turn: MutexGuard<'static, ()>,
}

impl Machines {
    pub(crate) fn start() -> Self {
        let turn = MACHINES.lock().unwrap_or_else(PoisonError::into_inner);
        let ports: [u16; 6] = ports("127.0.0.1");
        // Where nodes find each other, and where they listen: the same ports of other addresses of this machine.
        let wire = Wire::new();
        let mut addresses = Vec::new();
        for (id, pair) in (1..).zip(ports.chunks(2)) {
            for port in pair {
                let from = SocketAddr::from(([127, 0, 1, id], *port));
                let to = SocketAddr::from(([127, 0, 0, id], *port));
                RUNTIME.block_on(wire.lead(from, id.into(), to));
                addresses.push(from.to_string());
            }
        }
        let mut machines = Self {
            folder: Folder::new(),
            wire,
            addresses: addresses.join(" "),
            nodes: Vec::new(),
            works: false,
            ledger: Ledger::new(),
            deliveries: Deliveries::new(),
            unknown: 0,
            _turn: turn,
        };
        machines.start_those([1, 2, 3]);
        machines
    }

    /// Starts some nodes at once, and waits until they answer.
    pub(crate) fn start_those(&mut self, ids: impl IntoIterator<Item = u64>) {
        let (folder, addresses) = (self.folder.path(), &self.addresses);
        let ids = ids.into_iter();
        let started = ids.map(|id| Process::start(id, folder, addresses));
        let mut started: Vec<_> = started.collect();
        for node in &mut started {
            self.wire.is_process(node.id, node.process());
        }
        for node in &mut started {
            node.hear("ready");
            if self.works {
                node.tell("work");
            }
        }
        self.nodes.append(&mut started);
    }

    /// From now on each node has a worker, too.
    pub(crate) fn work(&mut self) {
        self.works = true;
        self.nodes.iter_mut().for_each(|node| node.tell("work"));
    }

    pub(crate) fn node(&mut self, id: u64) -> &mut Process {
        let mut nodes = self.nodes.iter_mut();
        nodes.find(|node| node.id == id).unwrap()
    }

    fn others(&mut self, than: u64) -> impl Iterator<Item = &mut Process> {
        self.nodes.iter_mut().filter(move |node| node.id != than)
    }

    /// Waits until each node has acknowledged some more.
    pub(crate) fn all_write(&mut self) {
        for node in &mut self.nodes {
            for _ in 0..COMMITS {
                node.writes();
            }
        }
    }

    /// Waits until all but one have acknowledged something from now on; how long that takes.
    pub(crate) fn others_write(&mut self, than: u64) -> Duration {
        let begun = Instant::now();
        for node in self.others(than) {
            node.writes();
        }
        begun.elapsed()
    }

    /// kill -9. What it had acknowledged is remembered.
    pub(crate) fn kill(&mut self, id: u64) {
        let at = self.nodes.iter().position(|node| node.id == id);
        let (ledger, deliveries, unknown) = self.nodes.swap_remove(at.unwrap()).kill();
        self.ledger.extend(ledger);
        self.deliveries.extend(deliveries);
        self.unknown += unknown;
    }

    /// Which node leads, as node 1, or the first that is there, has it.
    pub(crate) fn leader(&mut self) -> u64 {
        self.nodes.iter_mut().find_map(Process::leader).unwrap()
    }

    /// Nobody writes any more, and each node has everything; what was handed out, if there are workers.
    pub(crate) fn end(mut self) -> Deliveries {
        self.nodes.iter_mut().for_each(|node| node.tell("stop"));
        self.nodes.iter_mut().for_each(|node| node.hear("stopped"));
        if self.works {
            self.nodes.iter_mut().for_each(|node| node.tell("drain"));
            self.nodes.iter_mut().for_each(|node| node.hear("drained"));
        }
        let (mut unknown, mut resolved) = (0, 0);
        for node in &mut self.nodes {
            self.ledger.append(&mut node.ledger);
            self.deliveries.append(&mut node.deliveries);
            unknown += node.unknown;
            resolved += node.resolved;
        }
        assert_eq!(unknown, resolved, "what is unknown is found out");
        let unknown = self.unknown + unknown;
        let lines = self.ledger.iter().map(|((organization, version), commit)| {
            format!("acknowledged {organization} {version} {commit}\n")
        });
        let file = self.folder.path().join("ledger");
        std::fs::write(&file, lines.collect::<String>()).unwrap();
        for node in &mut self.nodes {
            node.tell(&format!("verify {}", file.display()));
            node.hear("verified");
        }
        let acknowledged = self.ledger.len();
        println!("{acknowledged} acknowledged, none lost; {unknown} outcomes were unknown");
        if self.works {
            delivered(&self.ledger, &mut self.deliveries);
        }
        self.deliveries
    }
}

/// That everything in the ledger was handed out, and nothing before what comes before it in its organization.
fn delivered(ledger: &Ledger, deliveries: &mut Deliveries) {
    deliveries.sort_unstable();
    let (all, mut again) = (deliveries.len(), 0);
    let mut last = BTreeMap::new();
    for &mut (_, organization, version) in deliveries {
        let last = last.entry(organization).or_insert(0);
        assert!(
            version <= *last + 1,
            "{organization}: {version} after {last}"
        );
        again += u32::from(version <= *last);
        *last = version.max(*last);
    }
    for (organization, version) in ledger.keys() {
        let last = last.get(organization).copied().unwrap_or_default();
        assert!(
            *version <= last,
            "{organization} {version} was never handed out"
        );
    }
    println!("{all} handed out in order, {again} of them again");
}

#[test]
fn nothing_that_was_acknowledged_is_lost() {
    let mut machines = Machines::start();
    machines.all_write();

    let leader = machines.leader();
    machines.kill(leader);
    let pause = machines.others_write(leader);
    println!("the leader is killed: the others write after {pause:.1?}");
    machines.start_those([leader]);
    machines.all_write();

    let leader = machines.leader();
    machines.node(leader).signal("STOP");
    let pause = machines.others_write(leader);
    println!("the leader is frozen: the others write after {pause:.1?}");
    machines.node(leader).signal("CONT");
    let pause = machines.node(leader).writes();
    println!("it is woken: it writes after {pause:.1?}");
    machines.all_write();

    let leader = machines.leader();
    machines.wire.cut(Some(leader));
    let pause = machines.others_write(leader);
    println!("the leader is cut off: the others write after {pause:.1?}");
    let before = machines.node(leader).acknowledged();
    for _ in 0..COMMITS {
        machines.others_write(leader);
    }
    let after = machines.node(leader).acknowledged();
    assert_eq!(before, after, "who is cut off acknowledges nothing");
    machines.wire.cut(None);
    let pause = machines.node(leader).writes();
    println!("the wire is mended: it writes after {pause:.1?}");
    machines.all_write();

    for id in [1, 2, 3] {
        machines.kill(id);
    }
    let begun = Instant::now();
    machines.start_those([1, 2, 3]);
    let pause = begun.elapsed();
    println!("all are killed and started again: they answer after {pause:.1?}");
    machines.all_write();
    machines.end();
}
