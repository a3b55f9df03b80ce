//! A PostgreSQL cluster in a folder of its own, gone when the process ends, however it ends.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Output;

use crate::process::{Folder, command, free_port, nothing_is_missing, run};

/// A server that listens on 127.0.0.1, with everything in one folder.
#[must_use = "it is gone when it is dropped"]
pub struct Cluster {
    bin: PathBuf,
    folder: Folder,
    port: u16,
}

/// Where the server's programs are: where `TENANCY_POSTGRES_BIN` says, or the newest of Debian's places, or `PATH`.
pub(crate) fn bin() -> Option<PathBuf> {
    if let Some(chosen) = env::var_os("TENANCY_POSTGRES_BIN").map(PathBuf::from) {
        let found = chosen.join("initdb").exists();
        assert!(
            found,
            "TENANCY_POSTGRES_BIN: no initdb in {}",
            chosen.display()
        );
        return Some(chosen);
    }
    let versions = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten();
    let newest = versions
        .filter_map(|entry| {
            let version: u32 = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            bin.join("initdb").exists().then_some((version, bin))
        })
        .max();
    newest.map(|(_, bin)| bin).or_else(|| {
        env::split_paths(&env::var_os("PATH")?).find(|folder| folder.join("initdb").exists())
    })
}

impl Cluster {
    /// Whether there is a server to test against. If not, says that tests are skipped, or fails where
    /// `TENANCY_REQUIRE_POSTGRES` is set.
    pub fn is_installed() -> bool {
        let missing = bin()
            .is_none()
            .then_some("there is no PostgreSQL server here: apt-get install postgresql");
        nothing_is_missing(missing, "TENANCY_REQUIRE_POSTGRES")
    }

    /// Starts a new cluster with these lines in its configuration; `None` if no server is installed.
    pub fn start(settings: &[&str]) -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let cluster = Self::empty(bin()?);
        run(command(cluster.bin.join("initdb"))
            .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
            .args(["--no-sync", "-D"])
            .arg(cluster.data()));
        cluster.configure(settings);
        cluster.up();
        Some(cluster)
    }

    /// A streaming replica of this cluster, caught up with what it had at this moment.
    pub fn replica(&self, settings: &[&str]) -> Self {
        let replica = Self::empty(self.bin.clone());
        run(command(self.bin.join("pg_basebackup"))
            .args([
                "-h",
                "127.0.0.1",
                "-U",
                "postgres",
                "-c",
                "fast",
                "-R",
                "-X",
                "stream",
            ])
            .args(["--no-sync", "-p", &self.port.to_string(), "-D"])
            .arg(replica.data()));
        replica.configure(settings);
        replica.up();
        replica
    }

    fn empty(bin: PathBuf) -> Self {
        Self {
            bin,
            folder: Folder::new("pg"),
            port: free_port(),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn configure(&self, settings: &[&str]) {
        let always = [
            format!("port = {}", self.port),
            format!(
                "unix_socket_directories = '{}'",
                self.folder.path().display()
            ),
            "listen_addresses = '127.0.0.1'".to_owned(),
            "max_connections = 300".to_owned(),
        ];
        let mut lines = always.join("\n");
        for setting in settings {
            lines.push('\n');
            lines.push_str(setting);
        }
        lines.push('\n');
        self.folder.append("data/postgresql.auto.conf", &lines);
    }

    fn control(&self, arguments: &[&str]) -> Output {
        run(command(self.bin.join("pg_ctl"))
            .arg("-D")
            .arg(self.data())
            .args(["-s", "-w", "-t", "300"]) // a busy machine is slow, which is no failure
            .args(arguments))
    }

    /// Starts the server again, after a stop or a crash.
    pub fn up(&self) {
        // A server inherits its starter's pipes, and `output` waits until they are closed.
        self.control(&["-l", &self.folder.text("log"), "start"]);
    }

    /// Stops it as a power cut would stop its processes: nothing is flushed, recovery runs at the next start.
    pub fn crash(&self) {
        self.control(&["-m", "immediate", "stop"]);
    }

    /// kill -9 for the server's first process; the others end as they notice.
    pub fn kill(&self) {
        run(command("/bin/sh")
            .args(["-c", "kill -9 $(head -n 1 \"$1/postmaster.pid\")", "sh"])
            .arg(self.data()));
    }

    /// Makes a replica a primary.
    pub fn promote(&self) {
        self.control(&["promote"]);
    }

    /// Adds a line to the configuration, for the next reload or start.
    pub fn set(&self, setting: &str) {
        self.folder
            .append("data/postgresql.auto.conf", &format!("{setting}\n"));
        self.control(&["reload"]);
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The way to a database, as a URL.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }
}

/// The way to a database behind a port of this machine.
pub fn url(port: u16, database: &str) -> String {
    format!("postgres://postgres@127.0.0.1:{port}/{database}")
}

/// Where an example keeps its rows: in the database that `DATABASE_URL` names, or else in a cluster that is
/// thrown away in the end.
pub fn database_for_an_example() -> Option<(Option<Cluster>, String)> {
    if let Ok(url) = env::var("DATABASE_URL") {
        return Some((None, url));
    }
    let cluster = Cluster::start(&["fsync = off"]);
    if cluster.is_none() {
        println!(
            "Install PostgreSQL's server, or set DATABASE_URL to a database for this example."
        );
    }
    let url = cluster.as_ref()?.url("postgres");
    Some((cluster, url))
}
