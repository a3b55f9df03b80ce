//! Nodes on this machine: three in this process, each in a folder of its own.

use core::sync::atomic::{AtomicU32, Ordering};
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

/// Free ports, all different, and each given once. They are below those that the system gives to whoever connects: while a
/// node is started again, nobody else has its ports.
pub(crate) fn ports<const N: usize>(host: &str) -> [u16; N] {
    const FIRST: u32 = 10_000;
    const MANY: u32 = 20_000;
    static NEXT: LazyLock<AtomicU32> =
        LazyLock::new(|| AtomicU32::new(std::process::id().wrapping_mul(97)));
    let is_free = |port: &u16| TcpListener::bind((host, *port)).is_ok();
    let next = |_| {
        let next = NEXT.fetch_add(1, Ordering::Relaxed).wrapping_rem(MANY);
        u16::try_from(FIRST.saturating_add(next)).unwrap()
    };
    let mut free = (0..MANY).map(next).filter(is_free);
    [(); N].map(|()| free.next().unwrap())
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
