//! A made-up corpus, a directory and a database for each test, and the program as a user runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use architecture_learning::analysis::{Analysis, analyse};
use architecture_learning::codebase::{self, Split};
use architecture_learning::discovery::discover;
use architecture_learning::model::Device;
use architecture_learning::observer::{Observer, Unobserved};
use architecture_learning::role::Role;
use architecture_learning::training::{TrainedModel, TrainingSettings, train};
use architecture_learning::{DataDir, LearningError};
use pgflow::testing::Server;
use sqlx::{Connection, PgConnection};

pub const CPU: Device = Device::Cpu { stand_in: None };

/// A file name that says each role.
pub const NAMES: [(Role, &str); 15] = [
    (Role::Cli, "cli"),
    (Role::HttpApi, "routes"),
    (Role::Ui, "widgets"),
    (Role::DataModel, "entities"),
    (Role::Parsing, "lexer"),
    (Role::Codegen, "codegen"),
    (Role::Persistence, "sqlite"),
    (Role::Transport, "socket"),
    (Role::Codec, "codec"),
    (Role::Runtime, "executor"),
    (Role::Platform, "unix"),
    (Role::Security, "cipher"),
    (Role::Config, "settings"),
    (Role::Error, "error"),
    (Role::Observability, "telemetry"),
];

/// A directory of its own, gone at the end.
pub struct Scratch(pub PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("archlearn-it-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub fn data(&self) -> DataDir {
        DataDir::at(self.path("data"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Numbers that look random.
pub fn number(seed: &str, n: usize) -> usize {
    let mix = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let hash = seed.bytes().chain(n.to_string().bytes()).fold(0xcbf2_9ce4_8422_2325, mix);
    usize::try_from(hash >> 16 & 0xffff_ffff).expect("32 bits")
}

/// A word of letters.
pub fn word(n: usize) -> String {
    (0..6)
        .map(|i| char::from(b'a' + u8::try_from((n >> (4 * i)) & 15).expect("four bits")))
        .collect()
}

/// A crate with a file per role: some words tell the role, more tell nothing.
pub fn write_crate(root: &Path, name: &str, names: impl Fn(usize) -> String) {
    fs::create_dir_all(root.join("src")).expect("a directory");
    fs::write(
        root.join("Cargo.toml"),
        format!("[package]\nname = \"{name}\"\nversion = \"1.0.0\"\n"),
    )
    .expect("a manifest");
    let mut modules = String::new();
    for (i, (role, _)) in NAMES.iter().enumerate() {
        let file = names(i);
        modules.push_str(&["mod ", file.as_str(), ";\n"].concat());
        let telling =
            (0..12).map(|n| word(role.index() * 1_000_003 + 77 + number(name, i * 100 + n) % 25));
        let noise = (0..40).map(|n| word(number(&format!("{name} noise"), i * 100 + n)));
        let functions = telling.chain(noise).map(|w| format!("pub fn {w}() {{}}\n"));
        let neighbour = names((i + 1) % NAMES.len());
        let text = format!("use crate::{neighbour};\n{}", functions.collect::<String>());
        fs::write(root.join(format!("src/{file}.rs")), text).expect("a source");
    }
    fs::write(root.join("src/lib.rs"), modules).expect("a root");
}

/// Crates of different owners in all parts of the corpus.
pub fn write_corpus(root: &Path) {
    for (split, crates) in [(Split::Train, 8), (Split::Validation, 3), (Split::Test, 8)] {
        let owners = (0_usize..).map(|n| format!("owner{n}")).filter(|o| Split::of(o) == split);
        for owner in owners.take(crates) {
            let name = format!("{owner}-lib");
            write_crate(&root.join(&name), &name, |i| NAMES[i].1.to_owned());
        }
    }
}

pub fn small() -> TrainingSettings {
    let mut settings = TrainingSettings::default();
    (settings.network.hidden, settings.network.epochs_max) = (16, 4);
    settings.regression.epochs_max = 12;
    settings
}

pub fn prepared(scratch: &Scratch) -> Analysis {
    write_corpus(&scratch.path("corpus"));
    let found = codebase::find(&[scratch.path("corpus")], None).expect("codebases");
    let discoveries: Vec<_> = found
        .iter()
        .map(|c| discover(&scratch.data(), c, &mut Unobserved).expect("a shard"))
        .collect();
    analyse(&scratch.data(), &discoveries, &mut Unobserved).expect("a dataset")
}

pub fn trained(
    scratch: &Scratch,
    analysis: &Analysis,
    observer: &mut dyn Observer,
) -> Result<TrainedModel, LearningError> {
    train(&scratch.data(), analysis, &CPU, &small(), observer)
}

pub fn archlearn(scratch: &Scratch, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archlearn"));
    command.args(arguments).env("NO_COLOR", "1");
    command.env("ARCHLEARN_DATA_DIR", scratch.path("data"));
    command.env("ARCHLEARN_CACHE_DIR", scratch.path("cache"));
    command
}

/// A database of its own on the private server.
pub struct Database {
    server: Server,
    name: String,
}

impl Database {
    pub async fn new(name: &str) -> Self {
        let server = pgflow::testing::server().await.expect("a private Postgres");
        let name = format!("archlearn_it_{name}_{}", std::process::id());
        server.drop_database(&name).await.expect("no database of that name");
        server.ensure_database(&name).await.expect("a database");
        Self { server, name }
    }

    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// One number out of a query.
    pub async fn count(&self, query: &'static str) -> i64 {
        let options = self.server.options(&self.name);
        let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
        sqlx::query_scalar(query).fetch_one(&mut connection).await.expect("a number")
    }

    /// Statements whose results nobody reads.
    pub async fn execute(&self, statements: &'static str) {
        let options = self.server.options(&self.name);
        let mut connection = PgConnection::connect_with(&options).await.expect("a connection");
        sqlx::raw_sql(statements).execute(&mut connection).await.expect("executed");
    }

    pub async fn drop(self) {
        self.server.drop_database(&self.name).await.expect("dropped");
    }
}
