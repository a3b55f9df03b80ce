//! What a check over HTTP costs beside a handler that does nothing, and whether a server that is told to stop loses a
//! request: 2,000 requests a second for a minute, on one core.
//!
//! ```text
//! cargo run --release -p tenancy-axum --example load            # a minute each
//! cargo run --release -p tenancy-axum --example load -- 5       # five seconds each
//! ```
//!
//! The server is a process of its own on one core, the client on another one. Its processor time is what is compared.

use std::env;
use std::error::Error;
use std::fs;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::routing::get;
use tenancy::commands::CreateOrganization;
use tenancy::{Actor, Tenancy, UserId, VerifiedEmail};
use tenancy_axum::{Allowed, Host, Rejection, may, router};
use tenancy_sqlite::SqliteRepository;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{MissedTickBehavior, interval};

type Failure = Box<dyn Error + Send + Sync>;

const A_SECOND: u32 = 2_000;
const CONNECTIONS: u32 = 16;
/// Of one connection: a request every so often.
const EACH: u32 = A_SECOND / CONNECTIONS;
const EVERY: Duration = Duration::from_millis(8);

#[derive(Clone)]
struct App(Arc<Tenancy<SqliteRepository>>);

impl Host for App {
    type Store = SqliteRepository;

    fn tenancy(&self) -> &Tenancy<SqliteRepository> {
        &self.0
    }

    async fn sign_in(&self, _: &Parts) -> Result<Actor, Rejection> {
        ann().map_err(|_| Rejection::signed_out())
    }
}

fn ann() -> Result<Actor, Failure> {
    let email = VerifiedEmail::attest("ann@acme.example".parse()?);
    Ok(Actor::user(UserId::from_external("ann"), email))
}

async fn permitted(_: Allowed<may::organization::View>) -> StatusCode {
    StatusCode::NO_CONTENT
}

/// The server, until something comes through its standard input.
async fn serve() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let tenancy = Tenancy::new(SqliteRepository::open(folder.path().join("tenancy.db"))?);
    let create = CreateOrganization {
        name: "Acme".parse()?,
    };
    let acme = tenancy.execute(&ann()?, create).await?.output.organization;
    let service = Router::new()
        .route("/empty", get(async || StatusCode::NO_CONTENT))
        .route("/permitted/{organization}", get(permitted))
        .nest("/api", router())
        .with_state(App(Arc::new(tenancy)));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("{} {acme}", listener.local_addr()?);
    let stop = async {
        let mut line = String::new();
        let _ = BufReader::new(tokio::io::stdin())
            .read_line(&mut line)
            .await;
    };
    axum::serve(listener, service)
        .with_graceful_shutdown(stop)
        .await?;
    Ok(())
}

/// How long the process has computed, in hundredths of a second.
fn processor(child: &Child) -> Result<f64, Failure> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", child.id()))?;
    let (_, fields) = stat.rsplit_once(") ").ok_or("no such process")?;
    let fields: Vec<&str> = fields.split(' ').collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok());
    Ok(ticks(11).ok_or("no times")? + ticks(12).ok_or("no times")?)
}

/// One request and its answer: the status.
async fn ask(connection: &mut BufReader<TcpStream>, path: &str) -> Result<u16, Failure> {
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes()).await?;
    let (mut status, mut length) = (0, 0);
    loop {
        let mut line = String::new();
        if connection.read_line(&mut line).await? == 0 {
            return Err("the server closed".into());
        }
        let line = line.trim_end().to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).unwrap_or_default().parse()?;
        } else if let Some(rest) = line.strip_prefix("content-length: ") {
            length = rest.parse()?;
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await?;
    Ok(status)
}

/// So many requests a second, for so long; how many were answered, and the slowest in a hundred.
async fn drive(address: &str, path: &str, seconds: u32) -> Result<(u32, Duration), Failure> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let (address, path) = (address.to_owned(), path.to_owned());
        clients.push(tokio::spawn(async move {
            let mut connection = BufReader::new(TcpStream::connect(address).await?);
            let mut tick = interval(EVERY);
            tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
            let mut times = Vec::new();
            for _ in 0..EACH.saturating_mul(seconds) {
                tick.tick().await;
                let began = Instant::now();
                let status = ask(&mut connection, &path).await?;
                if !(200..300).contains(&status) {
                    return Err(format!("{path} answered {status}").into());
                }
                times.push(began.elapsed());
            }
            Ok::<_, Failure>(times)
        }));
    }
    let mut times = Vec::new();
    for client in clients {
        times.extend(client.await??);
    }
    times.sort_unstable();
    let slow = times.len().saturating_mul(99) / 100;
    let slow = times.get(slow).copied().unwrap_or_default();
    Ok((u32::try_from(times.len())?, slow))
}

/// Requests without a pause, while the server is told to stop: each that was sent is answered.
async fn stops(address: &str, path: &str, server: &mut Child) -> Result<u32, Failure> {
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        let mut connection = BufReader::new(TcpStream::connect(address).await?);
        let path = path.to_owned();
        clients.push(tokio::spawn(async move {
            let mut answered = 0_u32;
            // Ended by the server between two requests: what was sent then was never begun.
            while ask(&mut connection, &path)
                .await
                .is_ok_and(|status| status == 200)
            {
                answered = answered.saturating_add(1);
            }
            let mut rest = Vec::new();
            let _ = connection.read_to_end(&mut rest).await;
            (answered, rest.is_empty())
        }));
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    drop(server.stdin.take());
    let mut all = 0_u32;
    for client in clients {
        let (answered, whole) = client.await?;
        if !whole {
            return Err("an answer was cut off".into());
        }
        all = all.saturating_add(answered);
    }
    if server.wait()?.success() {
        Ok(all)
    } else {
        Err("the server failed".into())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let argument = env::args().nth(1);
    if argument.as_deref() == Some("serve") {
        return serve().await;
    }
    let seconds: u32 = argument.map_or(Ok(60), |seconds| seconds.parse())?;
    let mut server = Command::new(env::current_exe()?)
        .arg("serve")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    let mut output = std::io::BufReader::new(server.stdout.take().ok_or("no output")?);
    std::io::BufRead::read_line(&mut output, &mut said)?;
    let (address, acme) = said.trim().split_once(' ').ok_or("no address")?;
    let check = format!("/api/organizations/{acme}/checks/view");

    println!("{A_SECOND} requests a second for {seconds} s, on SQLite, in a process of one thread");
    let paths = [
        ("a handler that does nothing", "/empty".to_owned()),
        ("the same behind `Allowed`", format!("/permitted/{acme}")),
        ("the check route", check.clone()),
    ];
    let mut empty = None;
    for (what, path) in paths {
        let before = processor(&server)?;
        let (answered, slow) = drive(address, &path, seconds).await?;
        let micros = (processor(&server)? - before) * 10_000.0 / f64::from(answered);
        let of = micros / *empty.get_or_insert(micros);
        println!(
            "{what}: {answered} answered, {micros:.1} µs of processor time each ({of:.2} ×); 99 % within {slow:.1?}"
        );
    }
    let answered = stops(address, &check, &mut server).await?;
    println!("told to stop amid requests: {answered} answered, none cut off");
    Ok(())
}
