//! A node as a process: this test binary, started again. It writes without rest, tells its parent what was acknowledged, and
//! does what it is told.

use core::convert::Infallible;
use core::num::NonZeroU32;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::io::{BufRead as _, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tenancy::commands::{
    Command as Asks, CreateDomain, CreateOrganization, DeleteDomain, RenameOrganization,
};
use tenancy::store::{Directory as _, Item, List};
use tenancy::{
    Actor, CommitId, DomainKind, DomainName, Error, LogEntry, Name, OrganizationId, Tenancy,
    UserId, VerifiedEmail, Version,
};
use tenancy_hiqlite::{Batch, HiqliteRepository};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::task::JoinSet;

use crate::nodes::{RUNTIME, config};

const NODE: &str = "TENANCY_NODE";
const FOLDER: &str = "TENANCY_FOLDER";
const NODES: &str = "TENANCY_NODES";

/// How long a worker has an organization: longer than a batch takes, and hardly longer than an election.
const LEASE: Duration = Duration::from_secs(10);

/// How long a call of a node waits for the cluster: hardly longer than an election, so that outcomes are unknown.
const PATIENCE: Duration = Duration::from_secs(5);

/// How many write at a time on each node.
const WRITERS: u32 = 3;

/// Not a test by itself: what a node does, until it is killed or its parent ends.
#[test]
fn child_is_a_node() {
    let Ok(id) = env::var(NODE) else {
        return;
    };
    let addresses = env::var(NODES).unwrap();
    let addresses = addresses
        .split(' ')
        .map(|at| at.parse::<SocketAddr>().unwrap());
    let addresses: Vec<_> = addresses.collect();
    let pairs: Vec<_> = addresses.chunks(2).map(|pair| (pair[0], pair[1])).collect();
    let id: u64 = id.parse().unwrap();
    let folder = PathBuf::from(env::var_os(FOLDER).unwrap());
    RUNTIME.block_on(async {
        let listens = format!("127.0.0.{id}");
        let config = config(id, &pairs, &listens, &folder);
        let started = HiqliteRepository::start_with(config, PATIENCE).await;
        say("ready");
        serve(started.unwrap()).await;
    });
}

/// Tells the parent, in one write, so that a line is there or not.
fn say(line: &str) {
    let line = format!("\n{line}\n");
    std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
}

/// Writes until it is told to stop; then looks whether what others were told is here.
async fn serve(store: HiqliteRepository) {
    let tenancy = Tenancy::new(store)
        .with_attempts(NonZeroU32::new(1000).unwrap())
        .with_sleep(tokio::time::sleep);
    let (tenancy, stop) = (Arc::new(tenancy), Arc::new(AtomicBool::new(false)));
    let mut writers = JoinSet::new();
    for _ in 0..WRITERS {
        writers.spawn(write(Arc::clone(&tenancy), Arc::clone(&stop)));
    }
    let mut taken = None;
    let mut told = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = told.next_line().await.unwrap() {
        match line.split_once(' ') {
            None if line == "stop" => {
                stop.store(true, Ordering::Relaxed);
                while let Some(ended) = writers.join_next().await {
                    ended.unwrap();
                }
                say("stopped");
            }
            None if line == "work" => {
                tokio::spawn(work(Arc::clone(&tenancy)));
            }
            None if line == "settle" => {
                let (outbox, batch) = (tenancy.repository().outbox(), taken.take().unwrap());
                while outbox.holds(&batch).await.is_err() {
                    // There is no leader, or this node doesn't know it.
                }
                let settled = outbox.settle(batch, u32::MAX, None).await.unwrap();
                say(&format!("settled {settled}"));
            }
            None if line == "drain" => {
                while depth(tenancy.repository()).await != Some(0) {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                say("drained");
            }
            None if line == "leader" => {
                let metrics = tenancy.repository().client().metrics_db().await;
                let leader = metrics.unwrap().current_leader;
                say(&format!("leader {}", leader.unwrap_or_default()));
            }
            Some(("take", seconds)) => {
                let lease = Duration::from_secs(seconds.parse().unwrap());
                taken = Some(take(tenancy.repository(), lease).await);
                say("taken");
            }
            Some(("verify", ledger)) => {
                let ledger = std::fs::read_to_string(ledger).unwrap();
                let ledger = ledger.lines().filter_map(acknowledged).collect();
                verify(tenancy.repository(), &ledger).await;
                say("verified");
            }
            _ => panic!("nobody knows how to do that: {line}"),
        }
    }
}

type Store = Arc<Tenancy<HiqliteRepository>>;

/// An organization's small life: a name, a domain that comes and goes, again and again.
async fn write(tenancy: Store, stop: Arc<AtomicBool>) {
    let ann = VerifiedEmail::attest("ann@acme.example".parse().unwrap());
    let ann = Actor::user(UserId::from_external("ann"), ann);
    let name = |turn: u32| Name::new(&format!("Acme {turn}")).unwrap();
    let create = CreateOrganization { name: name(0) };
    let made = until_done(&tenancy, &ann, create).await;
    let (organization, workspace) = (made.organization, made.workspace);
    for turn in 1.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = name(turn);
        until_done(&tenancy, &ann, RenameOrganization { organization, name }).await;
        let called = format!("d{turn}-{}", organization.as_uuid().simple());
        let create = CreateDomain {
            organization,
            workspace,
            name: DomainName::new(&called).unwrap(),
            kind: DomainKind::Sandbox,
        };
        let domain = until_done(&tenancy, &ann, create).await;
        let delete = DeleteDomain {
            organization,
            domain,
        };
        until_done(&tenancy, &ann, delete).await;
    }
}

/// Hands out what there is, until the process ends. When the cluster gives no answer, it asks again.
async fn work(tenancy: Store) {
    let outbox = tenancy.repository().outbox().lease(LEASE);
    let three = NonZeroU32::new(3).unwrap();
    loop {
        let delivery = outbox.deliver(three, |entry| {
            hand_out(entry);
            Ok::<_, Infallible>(())
        });
        if !matches!(delivery.await, Ok(delivery) if delivery.delivered > 0) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Takes something, hands it out, and keeps it.
async fn take(store: &HiqliteRepository, lease: Duration) -> Batch {
    let outbox = store.outbox().lease(lease);
    loop {
        if let Some(batch) = outbox.take(NonZeroU32::new(2).unwrap()).await.unwrap() {
            for entry in batch.entries() {
                say(&format!("takes {} {}", entry.organization, entry.version));
                hand_out(entry);
            }
            return batch;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

fn hand_out(entry: &LogEntry) {
    let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let (at, organization, version) = (at.as_nanos(), entry.organization, entry.version);
    say(&format!("delivered {at} {organization} {version}"));
}

/// How many organizations wait; `None` if the cluster gives no answer.
async fn depth(store: &HiqliteRepository) -> Option<u64> {
    Some(store.outbox().depth().await.ok()?.organizations)
}

/// Repeats a command under its id until it is done. Nothing else may go wrong than that the cluster gives no answer.
async fn until_done<C: Asks + Clone>(tenancy: &Store, actor: &Actor, command: C) -> C::Output {
    let id = CommitId::new();
    let mut is_unknown = false;
    loop {
        match tenancy.execute_as(id, actor, command.clone()).await {
            Ok(done) => {
                let (organization, version) = (done.token.organization, done.token.version);
                say(&format!(
                    "acknowledged {organization} {version} {}",
                    done.commit
                ));
                if is_unknown {
                    say("resolved");
                }
                return done.output;
            }
            Err(error @ (Error::Unknown { .. } | Error::Store(_))) => {
                if !is_unknown && matches!(error, Error::Unknown { .. }) {
                    is_unknown = true;
                    say("unknown");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Err(error) => panic!("nothing but the store may fail here: {error:?}"),
        }
    }
}

/// An organization's acknowledged commits: id by version.
pub(crate) type Ledger = BTreeMap<(OrganizationId, u64), CommitId>;

/// Everything that was handed out: when, and what.
pub(crate) type Deliveries = Vec<(u128, OrganizationId, u64)>;

fn delivered(line: &str) -> Option<(u128, OrganizationId, u64)> {
    let mut words = line.strip_prefix("delivered ")?.split(' ');
    let at = words.next()?.parse().ok()?;
    Some((at, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
}

fn acknowledged(line: &str) -> Option<((OrganizationId, u64), CommitId)> {
    let mut words = line.strip_prefix("acknowledged ")?.split(' ');
    let (organization, version) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    Some(((organization, version), words.next()?.parse().ok()?))
}

/// That everything that was acknowledged is in this node's log, and that each organization is what its log says.
async fn verify(store: &HiqliteRepository, ledger: &Ledger) {
    let organizations: BTreeSet<_> = ledger
        .keys()
        .map(|(organization, _)| *organization)
        .collect();
    for organization in organizations {
        let after = Version::ABSENT;
        let log = List::Log {
            organization,
            after,
        };
        let log = store.list(&log, NonZeroU32::MAX).await.unwrap();
        let log = log.into_iter().map(|item| match item {
            Item::LogEntry(entry) => (entry.version.get(), entry.id),
            other => panic!("a log has entries: {other:?}"),
        });
        let log: BTreeMap<_, _> = log.collect();
        for ((_, version), commit) in ledger.range((organization, 0)..=(organization, u64::MAX)) {
            let found = log.get(version);
            assert_eq!(found, Some(commit), "{organization} {version} is lost");
        }
        store.verify(organization).await.unwrap();
    }
}

/// A node, as its parent has it.
pub(crate) struct Process {
    pub(crate) id: u64,
    child: Child,
    told: ChildStdin,
    heard: Receiver<String>,
    pub(crate) ledger: Ledger,
    pub(crate) deliveries: Deliveries,
    /// What it has in hand.
    pub(crate) taken: Vec<(OrganizationId, u64)>,
    pub(crate) unknown: u32,
    pub(crate) resolved: u32,
    leader: Option<u64>,
}

impl Process {
    /// Starts one; `addresses` are where nodes find each other.
    pub(crate) fn start(id: u64, folder: &Path, addresses: &str) -> Self {
        let folder = folder.join(id.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["process::child_is_a_node", "--exact", "--nocapture"])
            .env(NODE, id.to_string())
            .env(FOLDER, folder)
            .env(NODES, addresses)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (told, lines) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (hears, heard) = channel();
        std::thread::spawn(move || {
            for line in std::io::BufReader::new(lines).lines().map_while(Result::ok) {
                if hears.send(line).is_err() {
                    break;
                }
            }
        });
        Self {
            id,
            child,
            told,
            heard,
            ledger: Ledger::new(),
            deliveries: Deliveries::new(),
            taken: Vec::new(),
            unknown: 0,
            resolved: 0,
            leader: None,
        }
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    /// Tells it something.
    pub(crate) fn tell(&mut self, line: &str) {
        writeln!(self.told, "{line}").unwrap();
    }

    /// Notes what it has said, up to and with a line, for which it is waited.
    pub(crate) fn hear(&mut self, until: &str) {
        let limit = Instant::now() + Duration::from_mins(3);
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let line = self.heard.recv_timeout(left);
            let line =
                line.unwrap_or_else(|error| panic!("node {}: no `{until}`: {error}", self.id));
            if self.note(&line) == until {
                return;
            }
        }
    }

    /// Waits until it has acknowledged something from now on; how long that took.
    pub(crate) fn writes(&mut self) -> Duration {
        let begun = Instant::now();
        self.acknowledged();
        self.hear("acknowledged");
        begun.elapsed()
    }

    /// How much it has acknowledged until now.
    pub(crate) fn acknowledged(&mut self) -> usize {
        while let Ok(line) = self.heard.try_recv() {
            self.note(&line);
        }
        self.ledger.len()
    }

    /// Who leads, as it knows.
    pub(crate) fn leader(&mut self) -> Option<u64> {
        self.tell("leader");
        self.hear("leader");
        self.leader
    }

    fn note<'l>(&mut self, line: &'l str) -> &'l str {
        if let Some((at, commit)) = acknowledged(line) {
            self.ledger.insert(at, commit);
            return "acknowledged";
        }
        if let Some(delivery) = delivered(line) {
            self.deliveries.push(delivery);
            return "delivered";
        }
        if let Some(takes) = line.strip_prefix("takes ") {
            let (organization, version) = takes.split_once(' ').unwrap();
            let taken = (organization.parse().unwrap(), version.parse().unwrap());
            self.taken.push(taken);
            return "takes";
        }
        if let Some(leader) = line.strip_prefix("leader ") {
            self.leader = leader.parse().ok().filter(|leader| *leader != 0);
            return "leader";
        }
        match line {
            "unknown" => self.unknown += 1,
            "resolved" => self.resolved += 1,
            _ => {}
        }
        line
    }

    /// Sends it a signal: `KILL`, `STOP`, `CONT`.
    pub(crate) fn signal(&self, signal: &str) {
        let process = self.process().to_string();
        let sent = Command::new("kill").args(["-s", signal, &process]).status();
        assert!(sent.unwrap().success());
    }

    /// kill -9; what it had acknowledged and handed out by then, and how often it had been told that an outcome is unknown.
    pub(crate) fn kill(mut self) -> (Ledger, Deliveries, u32) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        while let Ok(line) = self.heard.recv() {
            self.note(&line);
        }
        let deliveries = std::mem::take(&mut self.deliveries);
        (std::mem::take(&mut self.ledger), deliveries, self.unknown)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = (self.child.kill(), self.child.wait());
    }
}
