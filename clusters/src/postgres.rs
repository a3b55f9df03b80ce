//! A PostgreSQL cluster in a folder of its own, gone when the process ends, however it ends.

use std::env;
use std::fs;
use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;

/// A server that listens on 127.0.0.1, with everything in one folder.
#[must_use = "it is gone when it is dropped"]
pub struct Cluster {
    bin: PathBuf,
    folder: PathBuf,
    port: u16,
    /// Stops the server and deletes the folder once the pipe to it closes: when this is dropped, and when
    /// the process ends without dropping it, as with statics, or is killed.
    watchdog: Child,
}

/// Where the server's programs are: where `TENANCY_POSTGRES_BIN` says, or the newest of Debian's places, or `PATH`.
fn bin() -> Option<PathBuf> {
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

/// A command as the user who may run the server: it refuses root.
pub(crate) fn command(program: impl AsRef<Path>) -> Command {
    static ROOT: OnceLock<bool> = OnceLock::new();
    let root = *ROOT.get_or_init(|| {
        let id = Command::new("id").arg("-u").output();
        id.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
    });
    let mut command = if root {
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program.as_ref());
        command
    } else {
        Command::new(program.as_ref())
    };
    command.current_dir("/").stdin(Stdio::null());
    command
}

/// A new folder of that user's.
pub(crate) fn folder(of: &str) -> PathBuf {
    let template = format!("/tmp/tenancy-{of}-XXXXXXXX");
    let made = run(command("/usr/bin/env").args(["mktemp", "-d", &template]));
    PathBuf::from(String::from_utf8_lossy(&made.stdout).trim())
}

fn run(command: &mut Command) -> Output {
    let output = command.output().expect("the program starts");
    assert!(
        output.status.success(),
        "{command:?} failed: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

impl Cluster {
    /// Whether there is a server to test against. If not, says that tests are skipped, or fails where
    /// `TENANCY_REQUIRE_POSTGRES` is set.
    pub fn is_installed() -> bool {
        let installed = bin().is_some();
        if !installed {
            assert!(
                env::var_os("TENANCY_REQUIRE_POSTGRES").is_none(),
                "PostgreSQL's server is required here and not installed"
            );
            // Not `eprintln!`, which is shown only of tests that fail.
            let line = b"SKIPPED: no PostgreSQL server (initdb) is installed\n";
            std::io::stderr().write_all(line).expect("stderr is open");
        }
        installed
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
        let folder = folder("pg");
        let script =
            "cat > /dev/null; \"$0/pg_ctl\" -D \"$1/data\" -m immediate -s stop; rm -rf \"$1\"";
        let watchdog = command("/bin/sh")
            .args(["-c", script])
            .arg(&bin)
            .arg(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0) // Ctrl-C is for the test, not for who cleans up after it
            .spawn()
            .expect("a shell starts");
        let free = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
        let port = free.local_addr().expect("it is bound").port();
        Self {
            bin,
            folder,
            port,
            watchdog,
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn configure(&self, settings: &[&str]) {
        let always = [
            format!("port = {}", self.port),
            format!("unix_socket_directories = '{}'", self.folder.display()),
            "listen_addresses = '127.0.0.1'".to_owned(),
            "max_connections = 300".to_owned(),
        ];
        let mut lines = always.join("\n");
        for setting in settings {
            lines.push('\n');
            lines.push_str(setting);
        }
        lines.push('\n');
        self.append("postgresql.auto.conf", &lines);
    }

    /// Adds to a file of the server's user.
    fn append(&self, file: &str, text: &str) {
        run(command("/bin/sh")
            .args(["-c", "printf '%s' \"$2\" >> \"$1\"", "sh"])
            .arg(self.data().join(file))
            .arg(text));
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
        let log = self.folder.join("log");
        self.control(&["-l", &log.to_string_lossy(), "start"]);
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
        self.append("postgresql.auto.conf", &format!("{setting}\n"));
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

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
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
