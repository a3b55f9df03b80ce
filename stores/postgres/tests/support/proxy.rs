//! Between a client and a server: counts round trips, and cuts connections when it is told to.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

/// A port that leads to a server.
#[derive(Clone)]
pub struct Proxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    round_trips: AtomicU64,
    /// The next query is passed on, and its connection cut before the answer comes back.
    armed: AtomicBool,
    cuts: AtomicU64,
    cut_all: Notify,
}

impl Proxy {
    /// Listens on a port of its own, on the current runtime.
    pub async fn to(server: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State::default());
        let proxy = Self {
            port,
            state: Arc::clone(&state),
        };
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(("127.0.0.1", server)).await {
                    tokio::spawn(pass(client, server, Arc::clone(&state)));
                }
            }
        });
        proxy
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How often a client had something executed and waited for the answer so far. Preparing a text, once for
    /// each connection, is not counted.
    pub fn round_trips(&self) -> u64 {
        self.state.round_trips.load(Ordering::SeqCst)
    }

    /// Lets the next query reach the server, and cuts its connection before the answer.
    pub fn cut_the_next_answer(&self) {
        self.state.armed.store(true, Ordering::SeqCst);
    }

    /// How many answers were cut.
    pub fn cuts(&self) -> u64 {
        self.state.cuts.load(Ordering::SeqCst)
    }

    /// Cuts every connection there is, whatever it is doing.
    pub fn cut_all(&self) {
        self.state.cut_all.notify_waiters();
    }
}

/// The kinds of message that make a client wait for an answer, and the one that makes the server work.
const EXECUTE: u8 = b'E';
const SYNC: u8 = b'S';
const QUERY: u8 = b'Q';

async fn pass(mut client: TcpStream, mut server: TcpStream, state: Arc<State>) {
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let cut = AtomicBool::new(false);
    // Leaving this function closes both connections.
    tokio::select! {
        _ = requests(&mut from_client, &mut to_server, &state, &cut) => {}
        _ = answers(&mut from_server, &mut to_client, &state, &cut) => {}
        () = state.cut_all.notified() => {}
    }
}

async fn requests(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &State,
    cut: &AtomicBool,
) -> io::Result<Infallible> {
    forward(from, to).await?; // the first message has no kind
    let mut executes = false;
    loop {
        let kind = from.read_u8().await?;
        executes |= kind == EXECUTE || kind == QUERY;
        if (kind == SYNC || kind == QUERY) && std::mem::take(&mut executes) {
            state.round_trips.fetch_add(1, Ordering::SeqCst);
            if state.armed.swap(false, Ordering::SeqCst) {
                cut.store(true, Ordering::SeqCst);
            }
        }
        to.write_u8(kind).await?;
        forward(from, to).await?;
    }
}

/// Passes answers on until one is to be cut.
async fn answers(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    state: &State,
    cut: &AtomicBool,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        if cut.load(Ordering::SeqCst) {
            state.cuts.fetch_add(1, Ordering::SeqCst);
            return Ok(());
        }
        if read == 0 {
            return Ok(());
        }
        to.write_all(buffer.get(..read).unwrap_or_default()).await?;
    }
}

/// Passes on the rest of a message: its length, which counts itself, and what follows.
async fn forward(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
) -> io::Result<()> {
    let length = from.read_u32().await?;
    to.write_u32(length).await?;
    let rest = u64::from(length.saturating_sub(4));
    tokio::io::copy(&mut from.take(rest), to).await?;
    Ok(())
}
