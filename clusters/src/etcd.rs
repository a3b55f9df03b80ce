//! An etcd in a folder of its own, gone when the process ends, however it ends.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::postgres::{command, folder};

/// A member of a cluster of one, which listens on 127.0.0.1.
#[must_use = "it is gone when it is dropped"]
pub struct Etcd {
    port: u16,
    /// Ends etcd and deletes its folder once the pipe to it closes, as with [`Cluster`](crate::Cluster).
    watchdog: Child,
}

impl Etcd {
    /// Starts one; `None`, said on stderr, if etcd isn't installed.
    pub fn start() -> Option<Self> {
        Self::start_with(&[])
    }

    /// Starts one with these flags besides.
    pub fn start_with(flags: &[&str]) -> Option<Self> {
        let found = command("etcd").arg("--version").output();
        if !found.is_ok_and(|output| output.status.success()) {
            // Not `eprintln!`, which is shown only of tests that fail.
            let line = b"SKIPPED: no etcd is installed (apt-get install etcd-server)\n";
            std::io::stderr().write_all(line).expect("stderr is open");
            return None;
        }
        let folder = folder("etcd");
        // Both are held until both are chosen, so that they are two.
        let free = [0, 0].map(|any| TcpListener::bind(("127.0.0.1", any)).expect("a port is free"));
        let [port, peers] = free.map(|free| free.local_addr().expect("it is bound").port());
        let (clients, peers) = (url(port), url(peers));
        let script = "folder=$1; shift; etcd --data-dir \"$folder/data\" \"$@\" > \"$folder/log\" 2>&1 & \
            etcd=$!; cat > /dev/null; kill -9 $etcd; wait $etcd; rm -rf \"$folder\"";
        let watchdog = command("/bin/sh")
            .args(["-c", script, "etcd"])
            .arg(&folder)
            .args([
                "--name",
                "one",
                "--initial-cluster",
                &format!("one={peers}"),
            ])
            .args([
                "--listen-client-urls",
                &clients,
                "--advertise-client-urls",
                &clients,
            ])
            .args([
                "--listen-peer-urls",
                &peers,
                "--initial-advertise-peer-urls",
                &peers,
            ])
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is for the test, not for who cleans up after it
            .spawn()
            .expect("a shell starts");
        let etcd = Self { port, watchdog };
        let begun = Instant::now();
        // It answers before it knows the version of its cluster, which clients ask for.
        while !etcd
            .get("/version")
            .is_some_and(|version| version.contains("\"etcdcluster\":\"3"))
            || !etcd
                .get("/health")
                .is_some_and(|health| health.contains("\"true\""))
        {
            let waited = begun.elapsed();
            assert!(
                waited < Duration::from_mins(1),
                "etcd doesn't start: see {}/log",
                folder.display()
            );
            thread::sleep(Duration::from_millis(20));
        }
        Some(etcd)
    }

    /// Where it listens for clients.
    pub fn url(&self) -> String {
        url(self.port)
    }

    fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

impl Drop for Etcd {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}
