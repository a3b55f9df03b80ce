//! One etcd, in a folder of its own.

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
        if !Self::is_installed() {
            return None;
        }
        let program = program("etcd")?;
        let (folder, port) = (Folder::new("etcd"), free_port());
        let clients = format!("http://127.0.0.1:{port}");
        let peers = format!("http://127.0.0.1:{}", free_port());
        let arguments = [
            "--name",
            "e",
            "--data-dir",
            &folder.text("data"),
            "--listen-client-urls",
            &clients,
            "--advertise-client-urls",
            &clients,
            "--listen-peer-urls",
            &peers,
            "--initial-advertise-peer-urls",
            &peers,
            "--initial-cluster",
            &format!("e={peers}"),
        ];
        folder.start("etcd", &program, &arguments);
        // One that has just started says `not_decided`, of which Patroni dies.
        wait_until("etcd's cluster has a version", || {
            ask(port, "GET /version", "", Duration::from_secs(2))
                .is_some_and(|answer| answer.contains("\"etcdcluster\":\"3"))
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
