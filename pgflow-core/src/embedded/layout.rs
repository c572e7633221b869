//! What the environment asks for, and where the files of the private server are.

use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::error::EmbeddedError;

/// The superuser of the private server, and its only user.
const USER: &str = "postgres";
/// Only part of the socket's name: the server listens on no network.
const PORT: u16 = 5432;
/// The shortest limit of the supported systems (macOS), without the closing NUL.
const SOCKET_PATH_MAX: usize = 103;

/// The variables that the private server looks at.
#[derive(Debug, Clone, Default)]
pub(super) struct Environment {
    /// `PGFLOW_POSTGRES_BIN`: the directory of the programs.
    pub(super) binaries: Option<PathBuf>,
    /// `PGFLOW_DATA_DIR`.
    pub(super) data: Option<PathBuf>,
    /// `PGFLOW_POSTGRES_OPTIONS`: more options for `postgres`, as a shell reads them (`-c fsync=off`).
    pub(super) options: String,
    pub(super) path: Vec<PathBuf>,
    pub(super) xdg_data: Option<PathBuf>,
    pub(super) home: Option<PathBuf>,
    pub(super) root: PathBuf,
}

impl Environment {
    pub(super) fn read() -> Self {
        let directory =
            |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            binaries: directory("PGFLOW_POSTGRES_BIN"),
            data: directory("PGFLOW_DATA_DIR"),
            options: env::var("PGFLOW_POSTGRES_OPTIONS").unwrap_or_default(),
            path: env::var_os("PATH").iter().flat_map(env::split_paths).collect(),
            xdg_data: directory("XDG_DATA_HOME"),
            home: env::home_dir(),
            root: "/".into(),
        }
    }

    /// The directory that holds the data of every major version. Root's is outside `/root`, which the user that runs
    /// the server cannot enter.
    pub(super) fn base(&self, uid: u32) -> Result<PathBuf, EmbeddedError> {
        let own = || match uid {
            0 => Some(self.root.join("var/lib/pgflow")),
            _ => self
                .xdg_data
                .clone()
                .or_else(|| Some(self.home.as_ref()?.join(".local/share")))
                .map(|data| data.join("pgflow")),
        };
        let base = self.data.clone().or_else(own).ok_or(EmbeddedError::NoHome)?;
        std::path::absolute(&base).map_err(EmbeddedError::file("find", base))
    }
}

/// The files of the private server of one major version.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    base: PathBuf,
    major: u32,
}

impl Layout {
    pub(super) fn new(base: PathBuf, major: u32) -> Self {
        Self { base, major }
    }

    /// Makes the directory of the lock files. Anyone may enter it: as root, the user that runs the server has to.
    pub(super) fn make_base(&self) -> Result<(), EmbeddedError> {
        if self.base.is_dir() {
            return Ok(());
        }
        fs::create_dir_all(&self.base)
            .and_then(|()| fs::set_permissions(&self.base, fs::Permissions::from_mode(0o755)))
            .map_err(EmbeddedError::file("make", &self.base))
    }

    /// Held exclusively to start or stop the server. Outside [`Self::version`], so that root's is in root's hands.
    pub(super) fn gate(&self) -> PathBuf {
        self.base.join(format!("{}.gate", self.major))
    }

    /// Held shared by every process that uses the server.
    pub(super) fn users(&self) -> PathBuf {
        self.base.join(format!("{}.users", self.major))
    }

    /// The directory that belongs to the user that runs the server.
    pub(super) fn version(&self) -> PathBuf {
        self.base.join(self.major.to_string())
    }

    pub(super) fn data(&self) -> PathBuf {
        self.version().join("data")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.version().join("log")
    }

    /// The directory of the socket: beside the data, or a short one that follows from its path where that is too
    /// long. Not in `XDG_RUNTIME_DIR`, which two processes of one user need not both have.
    pub(super) fn socket(&self) -> PathBuf {
        let beside = self.version().join("socket");
        let name = format!("/.s.PGSQL.{PORT}");
        if beside.as_os_str().len() + name.len() <= SOCKET_PATH_MAX {
            return beside;
        }
        let hash = Sha256::digest(beside.as_os_str().as_encoded_bytes());
        let key = hash.iter().take(8).fold(0_u64, |key, &byte| key << 8 | u64::from(byte));
        Path::new("/tmp").join(format!("pgflow-{key:016x}"))
    }

    pub(super) fn options(&self, database: &str) -> PgConnectOptions {
        PgConnectOptions::new_without_pgpass()
            .socket(self.socket())
            .port(PORT)
            .username(USER)
            .database(database)
            .ssl_mode(PgSslMode::Disable)
    }

    pub(super) fn url(&self, database: &str) -> String {
        let socket = percent_encoded(self.socket().as_os_str().as_encoded_bytes());
        format!("postgres://{USER}@{socket}:{PORT}/{}", percent_encoded(database.as_bytes()))
    }
}

fn percent_encoded(bytes: &[u8]) -> String {
    let encode = |&byte: &u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
            char::from(byte).to_string()
        }
        other => format!("%{other:02X}"),
    };
    bytes.iter().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use sqlx::ConnectOptions;

    use super::*;

    fn environment() -> Environment {
        Environment { home: Some("/home/ada".into()), root: "/".into(), ..Environment::default() }
    }

    #[test]
    fn the_data_goes_where_it_was_asked_for_or_else_where_its_user_may_write() {
        let check = |environment: &Environment, uid, base: &str| {
            assert_eq!(environment.base(uid).unwrap(), Path::new(base));
        };
        check(&environment(), 1000, "/home/ada/.local/share/pgflow");
        check(&environment(), 0, "/var/lib/pgflow");
        let xdg = Environment { xdg_data: Some("/xdg".into()), ..environment() };
        check(&xdg, 1000, "/xdg/pgflow");
        check(&Environment { data: Some("/stated".into()), ..xdg }, 1000, "/stated");
        let homeless = Environment { home: None, ..environment() };
        assert!(matches!(homeless.base(1000), Err(EmbeddedError::NoHome)));
    }

    #[test]
    fn a_long_path_gets_a_short_socket_that_every_process_agrees_on() {
        let near = Layout::new("/home/ada".into(), 15);
        assert_eq!(near.socket(), Path::new("/home/ada/15/socket"));
        let far = || Layout::new(format!("/{}", "d".repeat(200)).into(), 15).socket();
        assert!(far().starts_with("/tmp") && far().as_os_str().len() < 40);
        assert_eq!(far(), far());
    }

    #[test]
    fn the_url_leads_where_the_options_lead() {
        let layout = Layout::new("/home/ada l/100%".into(), 15);
        let parsed: PgConnectOptions = layout.url("my db/é").parse().unwrap();
        let parsed = parsed.ssl_mode(PgSslMode::Disable);
        assert_eq!(parsed.to_url_lossy(), layout.options("my db/é").to_url_lossy());
    }
}
