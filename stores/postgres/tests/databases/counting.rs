//! Counts what a pool sends, on the wire.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::task::JoinHandle;

/// A way to the server that counts the statements which pass: every `Execute` and every simple `Query`,
/// whoever sends it. (`Parse` happens once a connection and statement; the lone `Sync` with which sqlx tests
/// a connection that comes back to its pool executes nothing.)
#[derive(Debug)]
pub struct Counting {
    pub options: PgConnectOptions,
    count: Arc<AtomicU64>,
    listening: JoinHandle<()>,
}

impl Counting {
    pub async fn before(server: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let count = Arc::new(AtomicU64::new(0));
        let (behind, counter) = (server.clone(), Arc::clone(&count));
        let listening = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (behind, counter) = (behind.clone(), Arc::clone(&counter));
                // Ends with an error when either side closes.
                tokio::spawn(async move { drop(pass(client, &behind, &counter).await) });
            }
        });
        Self {
            // A socket's path would go before the host.
            options: PgConnectOptions::new_without_pgpass()
                .host("127.0.0.1")
                .port(port)
                .username(server.get_username())
                .database(server.get_database().unwrap_or("postgres"))
                .ssl_mode(sqlx::postgres::PgSslMode::Disable),
            count,
            listening,
        }
    }

    pub fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn pass(client: TcpStream, server: &PgConnectOptions, count: &AtomicU64) -> io::Result<()> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let path = server.get_socket().map_or_else(
        || server.get_host().to_owned(),
        |path| path.display().to_string(),
    );
    let path = format!("{path}/.s.PGSQL.{}", server.get_port());
    let (mut from_server, mut to_server) = UnixStream::connect(path).await?.into_split();
    let answers = async {
        tokio::io::copy(&mut from_server, &mut to_client).await?;
        to_client.shutdown().await
    };
    let questions = async {
        // Only the first message has no type: its length and the protocol's version.
        let mut message = vec![0; 4];
        let mut typed = false;
        let mut buffered = tokio::io::BufReader::new(&mut from_client);
        loop {
            let mut kind = 0;
            if typed {
                kind = buffered.read_u8().await?;
            }
            let length = buffered.read_u32().await?;
            message.clear();
            if typed {
                message.push(kind);
            }
            message.extend_from_slice(&length.to_be_bytes());
            let head = message.len();
            message.resize(head + usize::try_from(length).unwrap() - 4, 0);
            buffered.read_exact(&mut message[head..]).await?;
            if matches!(kind, b'E' | b'Q') {
                count.fetch_add(1, Ordering::SeqCst);
            }
            to_server.write_all(&message).await?;
            typed = true;
        }
    };
    tokio::select! {
        result = answers => result,
        result = questions => result,
    }
}
