//! Stands between a worker and Postgres, counts what passes, and holds one round trip: its request, so that the server
//! never hears of it, or its answer, so that the commit is done and nobody knows.

use std::{
    collections::HashMap,
    env, fs, io,
    path::PathBuf,
    process,
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
    task::{JoinHandle, JoinSet},
};

/// What of a round trip is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The server has not heard of it.
    Request,
    /// The server has done it, and nobody has heard.
    Answer,
}

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counts {
    /// Whatever executes something.
    RoundTrips,
    /// What records how runs go on: batches of completions, ends of runs, commits of transactional steps.
    Commits,
}

/// The round trip with this number, and a side of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Boundary {
    /// From 1.
    pub number: u32,
    /// Before or after.
    pub side: Side,
}

/// A socket beside that of the server. Dropping it cuts all connections through it.
#[derive(Debug)]
pub struct Proxy {
    place: PathBuf,
    url: String,
    gate: Arc<Gate>,
    held: watch::Receiver<bool>,
    release: watch::Sender<bool>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Gate {
    counts: Counts,
    at: Option<Boundary>,
    seen: AtomicU32,
    held: watch::Sender<bool>,
    released: watch::Receiver<bool>,
}

impl Proxy {
    /// Listens beside the socket of a server, and holds nothing where no boundary is given.
    ///
    /// # Errors
    /// Where the server has no socket here, or the system refuses one.
    pub fn start(
        options: &PgConnectOptions,
        counts: Counts,
        at: Option<Boundary>,
    ) -> io::Result<Self> {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let place = env::temp_dir().join(format!("pgflow-{}-proxy-{number}", process::id()));
        fs::create_dir_all(&place)?;
        let server = socket(options)?;
        let options = options.clone().socket(&place);
        let listener = UnixListener::bind(socket(&options)?)?;
        let (says_held, held) = watch::channel(false);
        let (release, released) = watch::channel(false);
        let seen = AtomicU32::new(0);
        let gate = Arc::new(Gate { counts, at, seen, held: says_held, released });
        let task = tokio::spawn(serve(listener, server, gate.clone()));
        Ok(Self { place, url: options.to_url_lossy().to_string(), gate, held, release, task })
    }

    /// The address of the database through it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// How many have been counted.
    pub fn seen(&self) -> u32 {
        self.gate.seen.load(Ordering::SeqCst)
    }

    /// Waits until the boundary is reached and held.
    pub async fn held(&self) {
        let mut held = self.held.clone();
        if held.wait_for(|held| *held).await.is_err() {
            std::future::pending::<()>().await;
        }
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

fn socket(options: &PgConnectOptions) -> io::Result<PathBuf> {
    let place = options.get_socket().ok_or(io::ErrorKind::AddrNotAvailable)?;
    Ok(place.join(format!(".s.PGSQL.{}", options.get_port())))
}

/// Ends, with all connections, when it is aborted.
async fn serve(listener: UnixListener, server: PathBuf, gate: Arc<Gate>) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        if let Ok(server) = UnixStream::connect(&server).await {
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            let (number, counted) = watch::channel(0);
            let requests = Requests { gate: gate.clone(), to: to_server, number };
            let answers = answers(gate.clone(), from_server, to_client, counted);
            // either side ends both
            connections.spawn(async move {
                tokio::select! {
                    _ = requests.run(from_client) => {}
                    _ = answers => {}
                }
            });
        }
    }
}

struct Requests {
    gate: Arc<Gate>,
    to: OwnedWriteHalf,
    /// Of the last that was counted on this connection.
    number: watch::Sender<u32>,
}

impl Requests {
    async fn run(mut self, mut from: OwnedReadHalf) -> Option<()> {
        let mut request = Vec::new();
        // the first message has no type
        body(&mut from, &mut request).await?;
        let mut statements = Statements::of(&request);
        loop {
            self.to.write_all(&request).await.ok()?;
            request.clear();
            let mut executes = false;
            loop {
                let start = request.len();
                let kind = message(&mut from, &mut request).await?;
                executes |= statements.heard(kind, &request[start + 5..]);
                if matches!(kind, b'S' | b'Q' | b'X' | b'p') {
                    break;
                }
            }
            if executes && (self.gate.counts == Counts::RoundTrips || statements.commits()) {
                let number = self.gate.seen.fetch_add(1, Ordering::SeqCst) + 1;
                self.number.send_replace(number);
                self.gate.hold(number, Side::Request).await?;
            }
        }
    }
}

/// What a connection has prepared, and what it executes now.
struct Statements {
    /// As the engine names its connections.
    role: String,
    prepared: HashMap<Vec<u8>, String>,
    now: String,
}

impl Statements {
    /// Of a connection that begins so.
    fn of(startup: &[u8]) -> Self {
        let mut texts = startup.get(8..).unwrap_or_default().split(|byte| *byte == 0);
        texts.find(|text| *text == b"application_name");
        let role = texts.next().map_or_else(String::new, text);
        Self { role, prepared: HashMap::new(), now: String::new() }
    }

    /// Whether the message executes something.
    fn heard(&mut self, kind: u8, body: &[u8]) -> bool {
        let mut texts = body.split(|byte| *byte == 0);
        let (first, second) = (texts.next().unwrap_or_default(), texts.next().unwrap_or_default());
        match kind {
            b'P' => _ = self.prepared.insert(first.to_vec(), text(second)),
            b'B' => self.now = self.prepared.get(second).cloned().unwrap_or_default(),
            b'Q' => self.now = text(first),
            _ => {}
        }
        matches!(kind, b'E' | b'Q')
    }

    /// See [`Counts::Commits`].
    fn commits(&self) -> bool {
        match self.role.as_str() {
            "pgflow flush" => {
                self.now.contains("pgflow.flush_") || self.now.contains("pgflow.end_run_")
            }
            "pgflow transaction" => self.now.eq_ignore_ascii_case("commit"),
            _ => false,
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
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
        if self.at == Some(Boundary { number, side }) {
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
