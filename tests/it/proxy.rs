//! Stands between a worker and Postgres, and holds one round trip: its request, so that the server never hears of it, or
//! its answer, so that the commit is done and nobody knows.

use std::{
    env, fs,
    path::PathBuf,
    process::id,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
};

use sqlx::{ConnectOptions, postgres::PgConnectOptions};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        UnixListener, UnixStream,
        unix::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinHandle,
};

use crate::support::Database;

/// What of a round trip is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Request,
    Answer,
}

/// The boundary: the round trip with this number that executes something, and a side of it.
#[derive(Debug, Clone, Copy)]
pub struct Boundary {
    pub number: u32,
    pub side: Side,
}

pub struct Proxy {
    place: PathBuf,
    url: String,
    held: watch::Receiver<bool>,
    release: watch::Sender<bool>,
    task: JoinHandle<()>,
}

struct Gate {
    at: Boundary,
    seen: AtomicU32,
    held: watch::Sender<bool>,
    released: watch::Receiver<bool>,
}

impl Proxy {
    pub fn start(db: &Database, at: Boundary) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = env::temp_dir().join(format!("pgflow-it-{}-proxy-{number}", id()));
        fs::create_dir_all(&place).unwrap();
        let options = db.options().socket(&place);
        let listener = UnixListener::bind(socket(&options)).unwrap();
        let server = socket(&db.options());
        let (says_held, held) = watch::channel(false);
        let (release, released) = watch::channel(false);
        let gate = Arc::new(Gate { at, seen: AtomicU32::new(0), held: says_held, released });
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = UnixStream::connect(&server).await {
                    forward(&gate, client, server);
                }
            }
        });
        Self { place, url: options.to_url_lossy().to_string(), held, release, task }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits until the boundary is reached and held.
    pub async fn held(&self) {
        self.held.clone().wait_for(|held| *held).await.unwrap();
    }

    /// Lets go what is held.
    pub fn release(&self) {
        self.release.send_replace(true);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
        let _ = fs::remove_dir_all(&self.place);
    }
}

fn socket(options: &PgConnectOptions) -> PathBuf {
    options.get_socket().unwrap().join(format!(".s.PGSQL.{}", options.get_port()))
}

fn forward(gate: &Arc<Gate>, client: UnixStream, server: UnixStream) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    let (counted, number) = watch::channel(0);
    tokio::spawn(requests(gate.clone(), from_client, to_server, counted));
    tokio::spawn(answers(gate.clone(), from_server, to_client, number));
}

/// Ends with either side of the connection; so do both directions of it.
async fn requests(
    gate: Arc<Gate>,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    counted: watch::Sender<u32>,
) -> Option<()> {
    // the first message has no type
    let mut request = Vec::new();
    body(&mut from, &mut request).await?;
    let mut executes = false;
    loop {
        to.write_all(&request).await.ok()?;
        request.clear();
        loop {
            let kind = message(&mut from, &mut request).await?;
            executes |= matches!(kind, b'E' | b'Q');
            if matches!(kind, b'S' | b'Q' | b'X' | b'p') {
                break;
            }
        }
        if std::mem::take(&mut executes) {
            let number = gate.seen.fetch_add(1, Ordering::SeqCst) + 1;
            counted.send_replace(number);
            gate.hold(number, Side::Request).await?;
        }
    }
}

async fn answers(
    gate: Arc<Gate>,
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    number: watch::Receiver<u32>,
) -> Option<()> {
    let mut answer = Vec::new();
    loop {
        // to its end, or a notification, or a word about authentication
        while !matches!(message(&mut from, &mut answer).await?, b'Z' | b'A' | b'R') {}
        let now = *number.borrow();
        gate.hold(now, Side::Answer).await?;
        to.write_all(&answer).await.ok()?;
        answer.clear();
    }
}

impl Gate {
    /// `None`: the proxy went without letting go.
    async fn hold(&self, number: u32, side: Side) -> Option<()> {
        if number == self.at.number && side == self.at.side {
            self.held.send_replace(true);
            self.released.clone().wait_for(|released| *released).await.ok()?;
        }
        Some(())
    }
}

/// Reads one message with its type.
async fn message(from: &mut OwnedReadHalf, into: &mut Vec<u8>) -> Option<u8> {
    let kind = from.read_u8().await.ok()?;
    into.push(kind);
    body(from, into).await?;
    Some(kind)
}

async fn body(from: &mut OwnedReadHalf, into: &mut Vec<u8>) -> Option<()> {
    let length = from.read_u32().await.ok()?;
    into.extend(length.to_be_bytes());
    let start = into.len();
    into.resize(start + usize::try_from(length).ok()? - 4, 0);
    from.read_exact(&mut into[start..]).await.ok()?;
    Some(())
}
