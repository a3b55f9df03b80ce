//! Three PostgreSQL servers under Patroni and etcd, behind HAProxy: one leads, the others follow, and when it fails
//! another leads.

use std::env;
use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::etcd::Etcd;
use crate::http::ask;
use crate::postgres::{bin, url};
use crate::process::{
    Folder, PATIENCE, children, command, free_port, nothing_is_missing, program, run, signal,
    wait_until,
};

/// Three servers, of which one leads, with all that makes them a cluster.
///
/// A commit is acknowledged when a second server has it, or not at all: `synchronous_mode` and
/// `synchronous_mode_strict` are on.
#[must_use = "it is gone when it is dropped"]
pub struct Patroni {
    // The order in which they go.
    folder: Folder,
    etcd: Etcd,
    /// Patroni itself.
    program: PathBuf,
    /// Where HAProxy listens, and passes on to whoever leads.
    port: u16,
    nodes: [Node; 3],
}

/// A server and its Patroni. What they and others say to each other goes through HAProxy, which can cut it off.
struct Node {
    name: &'static str,
    server: Way,
    rest: Way,
    /// Its way to etcd.
    etcd: u16,
}

/// Where something listens, and where others find it.
#[derive(Clone, Copy)]
struct Way {
    inside: u16,
    outside: u16,
}

impl Way {
    fn new() -> Self {
        Self {
            inside: free_port(),
            outside: free_port(),
        }
    }
}

/// What Debian's Python installs if nothing else is named.
const WHEELS: [&str; 3] = ["patroni[etcd3]==3.0.4", "ydiff<1.3", "psycopg2-binary"];

/// Debian's, because the user who runs the servers may have no access to another.
const PYTHON: &str = "/usr/bin/python3";

const NEEDED: &str = "what Patroni's cluster needs isn't all here: apt-get install --no-install-recommends postgresql \
    etcd-server haproxy python3-venv";

impl Patroni {
    /// The names of its nodes.
    pub const NODES: [&'static str; 3] = ["n1", "n2", "n3"];

    /// Whether there is what it needs. If not, says that tests are skipped, or fails where `TENANCY_REQUIRE_PATRONI` is
    /// set.
    pub fn is_installed() -> bool {
        let has_venv = || {
            let asked = Command::new(PYTHON)
                .args(["-c", "import ensurepip, venv"])
                .output();
            asked.is_ok_and(|output| output.status.success())
        };
        let all = bin().is_some()
            && program("etcd").is_some()
            && program("haproxy").is_some()
            && (env::var_os("TENANCY_PATRONI").is_some() || has_venv());
        nothing_is_missing((!all).then_some(NEEDED), "TENANCY_REQUIRE_PATRONI")
    }

    /// Starts one, and waits until all follow; `None` if what it needs isn't installed.
    ///
    /// Patroni is the program that `TENANCY_PATRONI` names, or comes from the registry.
    pub fn start() -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let haproxy = program("haproxy")?;
        let folder = Folder::new("patroni");
        let patroni = patroni(&folder);
        let etcd = Etcd::start()?;
        let nodes = Self::NODES.map(|name| Node {
            name,
            server: Way::new(),
            rest: Way::new(),
            etcd: free_port(),
        });
        let cluster = Self {
            folder,
            etcd,
            program: patroni,
            port: free_port(),
            nodes,
        };
        let ways = cluster.haproxy();
        cluster.folder.append("haproxy.cfg", &ways);
        let arguments = ["-db", "-f", &cluster.folder.text("haproxy.cfg")];
        cluster.folder.start("haproxy", &haproxy, &arguments);
        let bin = bin()?;
        for node in &cluster.nodes {
            let name = node.name;
            run(command("/bin/mkdir").arg(cluster.folder.path().join(name)));
            let settings = cluster.settings(node, &bin);
            let file = format!("{name}.yml");
            cluster.folder.append(&file, &settings.to_string()); // JSON is YAML
            cluster.start_node(name);
        }
        cluster.wait_until_whole();
        Some(cluster)
    }

    fn settings(&self, node: &Node, bin: &Path) -> Value {
        let own = |file: &str| self.folder.text(&format!("{}/{file}", node.name));
        let at = |port: u16| format!("127.0.0.1:{port}");
        json!({
            "scope": "tenancy",
            "name": node.name,
            "restapi": { "listen": at(node.rest.inside), "connect_address": at(node.rest.outside) },
            // Without `use_proxies` it asks etcd where it is, and goes there straight.
            "etcd3": { "hosts": [at(node.etcd)], "use_proxies": true },
            "bootstrap": {
                "dcs": {
                    "ttl": 5,
                    "loop_wait": 1,
                    "retry_timeout": 2,
                    "synchronous_mode": true,
                    "synchronous_mode_strict": true,
                    "postgresql": {
                        "use_pg_rewind": true,
                        "parameters": {
                            "max_connections": 100,
                            "wal_keep_size": "256MB",
                            // How soon the others find who leads now: until one has, no commit is acknowledged.
                            "wal_retrieve_retry_interval": "500ms",
                        },
                    },
                },
                "initdb": [{ "encoding": "UTF8" }, { "locale": "C" }],
            },
            "postgresql": {
                "listen": at(node.server.inside),
                "connect_address": at(node.server.outside),
                "data_dir": own("data"),
                "bin_dir": bin,
                "pgpass": own("pgpass"),
                "authentication": {
                    "superuser": { "username": "postgres" },
                    "replication": { "username": "postgres" },
                },
                "basebackup": [{ "checkpoint": "fast" }],
                "parameters": { "unix_socket_directories": self.folder.text(node.name) },
                "pg_hba": ["host all all 127.0.0.1/32 trust", "host replication all 127.0.0.1/32 trust"],
            },
        })
    }

    /// All ways between clients, nodes and etcd.
    fn haproxy(&self) -> String {
        let mut text = format!(
            "global\n  stats socket {socket} mode 600 level admin\n\
             defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 1h\n  timeout server 1h\n  timeout check 1s\n\
             listen primary\n  bind 127.0.0.1:{port}\n  option httpchk GET /primary\n  http-check expect status 200\n  \
             default-server inter 500ms fall 2 rise 1 on-marked-down shutdown-sessions\n",
            socket = self.folder.text("haproxy.sock"),
            port = self.port,
        );
        let mut line = |line: String| {
            text.push_str(&line);
            text.push('\n');
        };
        for node in &self.nodes {
            let (name, server, rest) = (node.name, node.server.outside, node.rest.outside);
            line(format!(
                "  server {name} 127.0.0.1:{server} check port {rest}"
            ));
        }
        for node in &self.nodes {
            for (way, from, to) in node.ways(self.etcd.port()) {
                let name = node.name;
                line(format!(
                    "listen {way}_{name}\n  bind 127.0.0.1:{from}\n  server s 127.0.0.1:{to}"
                ));
            }
        }
        text
    }

    fn node(&self, name: &str) -> &Node {
        let node = self.nodes.iter().find(|node| node.name == name);
        node.unwrap_or_else(|| panic!("the nodes are {:?}, not `{name}`", Self::NODES))
    }

    /// Where to connect: to whoever leads.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The way to a database of whoever leads, as a URL.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }

    /// Where a node's own server listens, whatever it is and whether it is cut off or not.
    pub fn port_of(&self, node: &str) -> u16 {
        self.node(node).server.inside
    }

    /// Who leads, as others see it: nobody, for some seconds after a failure.
    pub fn leader(&self) -> Option<&'static str> {
        let leads = |node: &&Node| {
            let within = Duration::from_secs(2);
            ask(node.rest.outside, "GET /primary", "", within).is_some()
        };
        self.nodes.iter().find(leads).map(|node| node.name)
    }

    /// Who leads, once somebody does.
    pub fn wait_for_leader(&self) -> &'static str {
        self.wait_for_leader_but("nobody")
    }

    /// Who leads, once it is somebody else than a node.
    pub fn wait_for_leader_but(&self, node: &str) -> &'static str {
        let mut leader = None;
        wait_until("another leads", || {
            leader = self.leader().filter(|leader| *leader != node);
            leader.is_some()
        });
        leader.expect("somebody leads")
    }

    /// Waits until one leads, the others follow it, and one of them is named as the one that commits wait for. Before
    /// that a commit may be acknowledged by a server that is still being copied.
    pub fn wait_until_whole(&self) {
        wait_until("one leads and two follow", || {
            let mut seen: Vec<_> = self.nodes.iter().map(Node::sees).collect();
            seen.dedup();
            matches!(seen.as_slice(), [Some(_)])
        });
    }

    fn pids(&self, node: &str) -> (Option<u32>, Option<u32>) {
        let server = format!("{node}/data/postmaster.pid");
        (
            self.folder.pid(&format!("{node}.pid")),
            self.folder.pid(&server),
        )
    }

    /// kill -9 for a node's Patroni and its server.
    pub fn kill(&self, node: &str) {
        let (patroni, server) = self.pids(self.node(node).name);
        signal("KILL", patroni.into_iter().chain(server));
    }

    /// kill -9 for a node's server alone, which its Patroni starts again.
    pub fn kill_server(&self, node: &str) {
        let (_, server) = self.pids(self.node(node).name);
        signal("KILL", server);
    }

    /// Starts a node that was killed.
    pub fn start_node(&self, node: &str) {
        let name = self.node(node).name;
        let settings = self.folder.text(&format!("{name}.yml"));
        self.folder.start(name, &self.program, &[&settings]);
    }

    /// Stops a node where it is, as a machine that is overloaded or paused: it believes what it believed.
    pub fn freeze(&self, node: &str) {
        self.signal_all("STOP", node);
    }

    /// Lets a frozen node go on as if nothing had been.
    pub fn wake(&self, node: &str) {
        self.signal_all("CONT", node);
    }

    fn signal_all(&self, what: &str, node: &str) {
        let (patroni, server) = self.pids(self.node(node).name);
        // The server first: it starts no more children then.
        signal(what, server.into_iter().chain(patroni));
        signal(what, server.map(children).unwrap_or_default());
    }

    /// Cuts a node off from clients, from the others and from etcd; its processes go on.
    pub fn cut_off(&self, node: &str) {
        for (way, ..) in self.node(node).ways(0) {
            self.tell(&format!(
                "set server {way}_{node}/s state maint; shutdown sessions server {way}_{node}/s"
            ));
        }
    }

    /// Connects a node that was cut off.
    pub fn heal(&self, node: &str) {
        for (way, ..) in self.node(node).ways(0) {
            self.tell(&format!("set server {way}_{node}/s state ready"));
        }
    }

    /// Tells HAProxy to change something.
    fn tell(&self, what: &str) {
        let mut answer = String::new();
        let told =
            UnixStream::connect(self.folder.path().join("haproxy.sock")).and_then(|mut socket| {
                writeln!(socket, "{what}")?;
                socket.read_to_string(&mut answer)
            });
        told.expect("HAProxy listens");
        assert_eq!(answer.trim(), "", "HAProxy's answer to `{what}`");
    }

    /// Makes another node lead, as before maintenance.
    pub fn switch_over(&self) {
        let leader = self.wait_for_leader();
        let body = json!({ "leader": leader }).to_string();
        let rest = self.node(leader).rest.inside;
        let switched = ask(rest, "POST /switchover", &body, PATIENCE);
        switched.expect("Patroni lets another lead");
    }

    /// What each part of it wrote, for who wonders why it doesn't do what it should.
    pub fn logs(&self) -> String {
        let mut logs = String::new();
        for name in Self::NODES.into_iter().chain(["haproxy"]) {
            let _ = writeln!(logs, "== {name}\n{}", self.folder.log(name));
        }
        logs
    }
}

impl Node {
    /// Who leads a whole cluster, as it sees it; `None` if it isn't whole.
    fn sees(&self) -> Option<(String, u64)> {
        let within = Duration::from_secs(2);
        let answer = ask(self.rest.outside, "GET /cluster", "", within)?;
        let answer: Value = serde_json::from_str(&answer).ok()?;
        let members = answer.get("members")?.as_array()?;
        let with = |role: &'static str| {
            members.iter().filter(move |member| {
                let state = member["state"].as_str().unwrap_or_default();
                member["role"] == role && matches!(state, "running" | "streaming")
            })
        };
        let leader = with("leader").next()?;
        let timeline = leader["timeline"].as_u64()?;
        let follow = with("sync_standby").count() == 1 && with("replica").count() == 1;
        let as_it_does = members.iter().all(|member| member["timeline"] == timeline);
        (follow && as_it_does).then(|| (leader["name"].to_string(), timeline))
    }

    /// The ways from it and to it, each from where to where.
    fn ways(&self, etcd: u16) -> [(&'static str, u16, u16); 3] {
        [
            ("etcd", self.etcd, etcd),
            ("server", self.server.outside, self.server.inside),
            ("rest", self.rest.outside, self.rest.inside),
        ]
    }
}

/// Patroni's program, of a version that keeps what was acknowledged.
fn patroni(folder: &Folder) -> PathBuf {
    let patroni = env::var_os("TENANCY_PATRONI").map_or_else(|| install(folder), PathBuf::from);
    let output = run(command(&patroni).arg("--version"));
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said.trim().trim_start_matches("patroni ");
    let parts: Vec<u32> = version
        .split('.')
        .map_while(|part| part.parse().ok())
        .collect();
    assert!(
        parts.as_slice() >= [3, 0, 3].as_slice(),
        "Patroni {version} loses acknowledged commits when a leader that was frozen wakes (patroni#2689): use 3.0.4, or \
         any from 3.0.3 on"
    );
    patroni
}

fn install(folder: &Folder) -> PathBuf {
    let venv = folder.path().join("venv");
    run(command(PYTHON).args(["-m", "venv"]).arg(&venv));
    run(command(venv.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check"])
        .args(WHEELS)
        .env("HOME", folder.path()));
    venv.join("bin/patroni")
}
