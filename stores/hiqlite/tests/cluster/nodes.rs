//! Nodes on this machine: three in this process, each in a folder of its own.

use core::time::Duration;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, LazyLock};

use hiqlite::{LogSync, Node, NodeConfig};
use tenancy_hiqlite::{HiqliteRepository, hiqlite};
use tokio::runtime::Runtime;

pub(crate) static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().unwrap());

/// Free ports, all different.
pub(crate) fn ports<const N: usize>(host: &str) -> [u16; N] {
    // Held until all are chosen.
    let free = [(); N].map(|()| TcpListener::bind((host, 0)).unwrap());
    free.map(|free| free.local_addr().unwrap().port())
}

/// A node's configuration: its ports at `host` are where the others find it, and it listens at `listens`.
pub(crate) fn config(
    id: u64,
    nodes: &[(SocketAddr, SocketAddr)],
    listens: &str,
    folder: &Path,
) -> NodeConfig {
    let nodes = (1..).zip(nodes).map(|(id, (raft, api))| Node {
        id,
        addr_raft: raft.to_string(),
        addr_api: api.to_string(),
    });
    NodeConfig {
        node_id: id,
        nodes: nodes.collect(),
        listen_addr_raft: listens.to_owned().into(),
        listen_addr_api: listens.to_owned().into(),
        data_dir: folder.to_str().unwrap().to_owned().into(),
        wal_sync: LogSync::Immediate,
        wal_size: 16 * 1024 * 1024, // the suite makes commits of some megabytes
        secret_raft: "of a test, and no secret".to_owned(),
        secret_api: "of a test, and no secret".to_owned(),
        ..NodeConfig::default()
    }
}

/// A folder, gone when the process ends, however it ends.
pub(crate) struct Folder {
    path: PathBuf,
    /// Deletes it once the pipe to it closes.
    watchdog: Child,
}

impl Folder {
    pub(crate) fn new() -> Self {
        let path = tempfile::tempdir().unwrap().keep();
        let watchdog = Command::new("/bin/sh")
            .args(["-c", "cat > /dev/null; rm -rf \"$0\""])
            .arg(&path)
            .stdin(Stdio::piped())
            .process_group(0) // Ctrl-C is for the test, not for who cleans up after it
            .spawn();
        let watchdog = watchdog.unwrap();
        Self { path, watchdog }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Three nodes in this process.
pub(crate) struct Nodes {
    pub(crate) stores: [HiqliteRepository; 3],
    pub(crate) folder: Arc<Folder>,
    pub(crate) addresses: Vec<(SocketAddr, SocketAddr)>,
}

impl Nodes {
    pub(crate) async fn start() -> Self {
        let ports: [u16; 6] = ports("127.0.0.1");
        let at = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        let pairs = ports.chunks(2).map(|pair| (at(&pair[0]), at(&pair[1])));
        Self::start_in(Arc::new(Folder::new()), pairs.collect()).await
    }

    pub(crate) async fn start_in(
        folder: Arc<Folder>,
        addresses: Vec<(SocketAddr, SocketAddr)>,
    ) -> Self {
        let node = |id: u64| {
            let place = folder.path().join(id.to_string());
            std::fs::create_dir_all(&place).unwrap();
            let config = config(id, &addresses, "127.0.0.1", &place);
            HiqliteRepository::start_with(config, Duration::from_secs(30)) // a busy machine is slow, which is no failure
        };
        let (one, two, three) = tokio::join!(node(1), node(2), node(3));
        Self {
            stores: [one, two, three].map(Result::unwrap),
            folder,
            addresses,
        }
    }

    /// The stores, the leader's first.
    pub(crate) async fn leader_first(&self) -> [HiqliteRepository; 3] {
        let mut stores = self.stores.clone();
        for first in 0..3 {
            if stores[first].client().is_leader_db().await {
                stores.rotate_left(first);
                break;
            }
        }
        stores
    }
}
