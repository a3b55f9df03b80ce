//! PgBouncer in front of a server of this machine.

use std::net::TcpStream;

use crate::postgres::url;
use crate::process::{Folder, free_port, nothing_is_missing, program, wait_until};

/// For how long a client keeps the server's connection that it was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolMode {
    /// Until it disconnects.
    Session,
    /// Until its transaction ends: the next one may run on another connection, where nothing is prepared.
    Transaction,
}

/// A pooler that listens on 127.0.0.1, with everything in one folder, gone when the process ends, however it ends.
#[must_use = "it is gone when it is dropped"]
pub struct PgBouncer {
    _folder: Folder,
    port: u16,
}

impl PgBouncer {
    /// Whether there is a pooler to test through. If not, says that tests are skipped, or fails where
    /// `TENANCY_REQUIRE_PGBOUNCER` is set.
    pub fn is_installed() -> bool {
        let missing = program("pgbouncer")
            .is_none()
            .then_some("there is no PgBouncer here: apt-get install pgbouncer");
        nothing_is_missing(missing, "TENANCY_REQUIRE_PGBOUNCER")
    }

    /// Starts one before the server that listens on a port of this machine, for all its databases, with as many
    /// connections to each of them at most; `None` if it isn't installed.
    pub fn start(server: u16, mode: PoolMode, connections: u16) -> Option<Self> {
        if !Self::is_installed() {
            return None;
        }
        let program = program("pgbouncer")?;
        let (folder, port) = (Folder::new("pgbouncer"), free_port());
        let mode = match mode {
            PoolMode::Session => "session",
            PoolMode::Transaction => "transaction",
        };
        // Tests drop databases, and end connections to them: one is tried before it is given to somebody else.
        let settings = format!(
            "[databases]\n\
             * = host=127.0.0.1 port={server}\n\
             [pgbouncer]\n\
             listen_addr = 127.0.0.1\n\
             listen_port = {port}\n\
             unix_socket_dir =\n\
             auth_type = trust\n\
             auth_file = {users}\n\
             pool_mode = {mode}\n\
             default_pool_size = {connections}\n\
             max_user_connections = 200\n\
             max_client_conn = 2000\n\
             server_check_delay = 0\n\
             server_idle_timeout = 5\n\
             ignore_startup_parameters = extra_float_digits\n",
            users = folder.text("users.txt"),
        );
        folder.append("pgbouncer.ini", &settings);
        folder.append("users.txt", "\"postgres\" \"\"\n");
        folder.start("pgbouncer", &program, &[&folder.text("pgbouncer.ini")]);
        wait_until("PgBouncer listens", || {
            TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(Self {
            _folder: folder,
            port,
        })
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The way to a database through it, as a URL.
    pub fn url(&self, database: &str) -> String {
        url(self.port, database)
    }
}
