//! The wire between nodes that are processes: each is reached through a port of the test's, which cuts a node off when it is
//! told to, in both directions.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Which node is cut off, and which process is which node.
#[derive(Clone)]
pub(crate) struct Wire {
    cut: Arc<watch::Sender<Option<u64>>>,
    processes: Arc<Mutex<BTreeMap<u32, u64>>>,
}

impl Wire {
    pub(crate) fn new() -> Self {
        Self {
            cut: Arc::new(watch::Sender::new(None)),
            processes: Arc::default(),
        }
    }

    pub(crate) fn is_process(&self, node: u64, process: u32) {
        self.processes.lock().unwrap().insert(process, node);
    }

    /// Cuts a node off from the others, or nobody.
    pub(crate) fn cut(&self, node: Option<u64>) {
        self.cut.send_replace(node);
    }

    /// Leads from one address to the other, where a node listens.
    pub(crate) async fn lead(&self, from: SocketAddr, node: u64, to: SocketAddr) {
        let listener = TcpListener::bind(from).await.unwrap();
        let wire = self.clone();
        tokio::spawn(async move {
            while let Ok((mut client, peer)) = listener.accept().await {
                let wire = wire.clone();
                tokio::spawn(async move {
                    let asks = owner(peer, from)
                        .and_then(|process| wire.processes.lock().unwrap().get(&process).copied());
                    let mut cut = wire.cut.subscribe();
                    // A node reaches itself, whatever is cut.
                    let is_cut = |cut: &Option<u64>| {
                        asks != Some(node) && cut.is_some() && (*cut == Some(node) || *cut == asks)
                    };
                    if is_cut(&cut.borrow_and_update()) {
                        return;
                    }
                    let Ok(mut server) = TcpStream::connect(to).await else {
                        return;
                    };
                    let _ = (client.set_nodelay(true), server.set_nodelay(true));
                    // Leaving closes both.
                    tokio::select! {
                        _ = copy_bidirectional(&mut client, &mut server) => {}
                        _ = cut.wait_for(is_cut) => {}
                    }
                });
            }
        });
    }
}

/// The process at the other end of a connection on this machine.
fn owner(peer: SocketAddr, to: SocketAddr) -> Option<u32> {
    let hex = |at: SocketAddr| match at {
        SocketAddr::V4(at) => Some(format!(
            "{:08X}:{:04X}",
            u32::from_le_bytes(at.ip().octets()),
            at.port()
        )),
        SocketAddr::V6(_) => None,
    };
    let (local, remote) = (hex(peer)?, hex(to)?);
    let table = fs::read_to_string("/proc/net/tcp").ok()?;
    let line = table.lines().find(|line| {
        let mut words = line.split_whitespace().skip(1);
        words.next() == Some(&local) && words.next() == Some(&remote)
    })?;
    let socket = format!("socket:[{}]", line.split_whitespace().nth(9)?);
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut ids = processes.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    ids.find(|id| {
        let open = fs::read_dir(format!("/proc/{id}/fd"));
        let mut open = open.into_iter().flatten().flatten();
        open.any(|file| fs::read_link(file.path()).is_ok_and(|link| link.to_str() == Some(&socket)))
    })
}
