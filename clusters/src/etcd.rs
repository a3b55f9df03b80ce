//! An etcd in a folder of its own: a cluster of one.

use std::time::Duration;

use crate::http::ask;
use crate::process::{Folder, free_port, nothing_is_missing, program, wait_until};

/// An etcd that listens on 127.0.0.1, with everything in one folder, gone when the process ends, however it ends.
#[must_use = "it is gone when it is dropped"]
pub struct Etcd {
    _folder: Folder,
    port: u16,
}

impl Etcd {
    /// Whether there is an etcd to test against. If not, says that tests are skipped, or fails where
    /// `TENANCY_REQUIRE_ETCD` is set.
    pub fn is_installed() -> bool {
        let missing = program("etcd").is_none().then_some(
            "there is no etcd here: apt-get install --no-install-recommends etcd-server",
        );
        nothing_is_missing(missing, "TENANCY_REQUIRE_ETCD")
    }

    /// Starts one; `None` if it isn't installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with these flags besides.
    pub fn start_with(flags: &[&str]) -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let program = program("etcd")?;
        let (folder, port) = (Folder::new("etcd"), free_port());
        let clients = format!("http://127.0.0.1:{port}");
        let peers = format!("http://127.0.0.1:{}", free_port());
        let (data, initial) = (folder.text("data"), format!("e={peers}"));
        let own = [
            ("--name", "e"),
            ("--data-dir", &data),
            ("--listen-client-urls", &clients),
            ("--advertise-client-urls", &clients),
            ("--listen-peer-urls", &peers),
            ("--initial-advertise-peer-urls", &peers),
            ("--initial-cluster", &initial),
        ];
        let own = own.iter().flat_map(|(flag, value)| [*flag, *value]);
        let arguments: Vec<&str> = own.chain(flags.iter().copied()).collect();
        folder.start("etcd", &program, &arguments);
        let says = |path: &str, what: &str| {
            let answer = ask(port, &format!("GET {path}"), "", Duration::from_secs(2));
            answer.is_some_and(|answer| answer.contains(what))
        };
        // One that has just started says `not_decided`, of which Patroni dies.
        wait_until("etcd has a version, and is healthy", || {
            says("/version", "\"etcdcluster\":\"3") && says("/health", "\"true\"")
        });
        Some(Self {
            _folder: folder,
            port,
        })
    }

    /// Where it listens for clients.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Where it listens for clients, as a URL.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}
