//! Finds the programs of Postgres on this system.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    process::Command,
};

use super::{account::Account, error::EmbeddedError, layout::Environment};

/// The major versions that pgflow is made for.
pub(super) const SUPPORTED: RangeInclusive<u32> = 14..=18;

const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// A directory with the programs of one Postgres.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    directory: PathBuf,
    major: u32,
}

impl Binaries {
    /// The directory of `PGFLOW_POSTGRES_BIN`, or else the first supported Postgres of the usual places.
    pub(super) fn find(environment: &Environment) -> Result<Self, EmbeddedError> {
        if let Some(directory) = &environment.binaries {
            if holds_programs(directory) {
                return Self::open(directory);
            }
            return Err(EmbeddedError::NoPrograms(directory.clone()));
        }
        let mut found = candidates(environment).filter(|place| holds_programs(place));
        let first = found.next().ok_or(EmbeddedError::NotInstalled)?;
        Self::open(&first)
            .or_else(|error| found.find_map(|place| Self::open(&place).ok()).ok_or(error))
    }

    fn open(directory: &Path) -> Result<Self, EmbeddedError> {
        let program = directory.join("postgres");
        let output = Command::new(&program)
            .arg("--version")
            .output()
            .map_err(|source| EmbeddedError::Program { program, source })?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let directory = directory.to_owned();
        match major(&version).filter(|major| SUPPORTED.contains(major)) {
            Some(major) => Ok(Self { directory, major }),
            None => Err(EmbeddedError::Unsupported { directory, version }),
        }
    }

    pub(super) fn major(&self) -> u32 {
        self.major
    }

    /// One of the programs, to be run as `account`.
    pub(super) fn command(&self, program: &str, account: Account) -> Command {
        let mut command = Command::new(self.directory.join(program));
        account.run(&mut command);
        command
    }
}

fn holds_programs(directory: &Path) -> bool {
    PROGRAMS.iter().all(|program| directory.join(program).is_file())
}

/// Where to look, best first. Asks `pg_config` only when `PATH` holds no server.
fn candidates(environment: &Environment) -> impl Iterator<Item = PathBuf> {
    let on_path = environment.path.clone().into_iter();
    on_path.chain(std::iter::once_with(pg_config).flatten()).chain(usual_places(&environment.root))
}

fn pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let directory = String::from_utf8(output.stdout).ok()?;
    Some(directory.trim().into()).filter(|path: &PathBuf| path.is_absolute())
}

fn usual_places(root: &Path) -> Vec<PathBuf> {
    let versioned = SUPPORTED.rev().flat_map(|major| {
        [
            format!("usr/lib/postgresql/{major}/bin"),
            format!("usr/lib/postgresql{major}/bin"),
            format!("usr/libexec/postgresql{major}"),
            format!("usr/pgsql-{major}/bin"),
            format!("opt/homebrew/opt/postgresql@{major}/bin"),
            format!("usr/local/opt/postgresql@{major}/bin"),
            format!("home/linuxbrew/.linuxbrew/opt/postgresql@{major}/bin"),
            format!("Applications/Postgres.app/Contents/Versions/{major}/bin"),
        ]
    });
    let rest = ["opt/homebrew/bin", "usr/local/pgsql/bin", "usr/local/bin", "usr/bin"];
    versioned.chain(rest.map(String::from)).map(|place| root.join(place)).collect()
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major(version: &str) -> Option<u32> {
    let number = version.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_releases_betas_and_packages() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 19beta1"), Some(19));
        assert_eq!(major("postgres (PostgreSQL) 18"), Some(18));
        assert_eq!(major("postgres (EnterpriseDB) 15"), None);
    }

    #[test]
    fn path_comes_first_and_newer_before_older() {
        let environment =
            Environment { path: vec!["/first".into(), "/second".into()], ..Environment::default() };
        let places: Vec<_> = candidates(&environment).collect();
        let at = |place: &str| places.iter().position(|found| found.ends_with(place)).unwrap();
        assert_eq!((at("first"), at("second")), (0, 1));
        assert!(at("lib/postgresql/18/bin") < at("pgsql-17/bin"));
        assert!(at("pgsql-14/bin") < at("usr/local/bin"));
    }

    #[test]
    fn a_stated_directory_without_programs_is_refused_rather_than_passed_over() {
        let directory = PathBuf::from("/nonexistent");
        let environment = Environment { binaries: Some(directory), ..Environment::default() };
        assert!(matches!(Binaries::find(&environment), Err(EmbeddedError::NoPrograms(_))));
    }
}
