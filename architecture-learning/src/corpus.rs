//! The corpus of the published numbers: crates by name, version and checksum, which anybody can fetch with cargo alone.
//! Cargo unpacks them where its own sources lie, so that one that is here already is not fetched again.

use std::path::PathBuf;
use std::process::Command;

use crate::LearningError;
use crate::codebase::{Codebase, CodebaseKind, Split, registry_directory, subdirectories};
use crate::observer::Observer;
use crate::storage;

/// One crate a line: name, version, checksum, owner, kind; tabs between them, sorted by name.
const MANIFEST: &str = include_str!("../corpus/crates.tsv");

/// A crate of the corpus.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CorpusCrate {
    /// Its name.
    pub name: &'static str,
    /// Its version.
    pub version: &'static str,
    /// SHA-256 of the package, as in `Cargo.lock`.
    pub checksum: &'static str,
    /// The family of owners by which the parts of the corpus go.
    pub owner: &'static str,
    /// Application or library, decided by a person.
    pub kind: CodebaseKind,
}

/// How many crates were here, and how many cargo fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Here already, with the right checksum.
    pub known: usize,
    /// Fetched now.
    pub fetched: usize,
}

/// All crates of the corpus, by name.
pub fn crates() -> Vec<CorpusCrate> {
    MANIFEST.lines().filter_map(CorpusCrate::parse).collect()
}

/// Fetches what is not here yet, and checks everything against its checksum.
///
/// # Errors
/// [`LearningError::Fetch`] where cargo cannot, or the package is not the one of the manifest;
/// [`LearningError::Cancelled`] when the observer says so.
pub fn fetch(observer: &mut dyn Observer) -> Result<Fetched, LearningError> {
    let crates = crates();
    let mut count = Fetched { known: 0, fetched: 0 };
    for (done, entry) in crates.iter().enumerate() {
        if observer.cancelled() {
            return Err(LearningError::Cancelled);
        }
        observer.progress(done, crates.len(), entry.name);
        if entry.root().is_some() && entry.has_checksum()? {
            count.known += 1;
        } else {
            entry.fetch()?;
            count.fetched += 1;
        }
    }
    Ok(count)
}

/// The codebases of the corpus.
///
/// # Errors
/// [`LearningError::NotFetched`] when some are not here, [`LearningError::Fetch`] when one is not the manifest's.
pub fn codebases() -> Result<Vec<Codebase>, LearningError> {
    let crates = crates();
    let here: Vec<_> = crates.iter().filter_map(|c| Some((c, c.root()?))).collect();
    if here.len() < crates.len() {
        let missing = crates.len() - here.len();
        return Err(LearningError::NotFetched { missing, crates: crates.len() });
    }
    here.into_iter().map(|(entry, root)| entry.codebase(root)).collect()
}

impl CorpusCrate {
    fn parse(line: &'static str) -> Option<Self> {
        let mut fields = line.split('\t');
        let (name, version) = (fields.next()?, fields.next()?);
        let (checksum, owner) = (fields.next()?, fields.next()?);
        let kind = fields.next()?;
        let kind = [CodebaseKind::Application, CodebaseKind::Library]
            .into_iter()
            .find(|known| known.name() == kind)?;
        fields.next().is_none().then_some(Self { name, version, checksum, owner, kind })
    }

    /// The part of the corpus that it belongs to.
    pub fn split(&self) -> Split {
        Split::of(self.owner)
    }

    /// Where its sources are, if cargo has unpacked them.
    pub fn root(&self) -> Option<PathBuf> {
        self.in_registry("src", "").filter(|root| root.join("Cargo.toml").is_file())
    }

    fn codebase(&self, root: PathBuf) -> Result<Codebase, LearningError> {
        if !self.has_checksum()? {
            return Err(self.error("its package has another checksum than the manifest"));
        }
        let found = Codebase::open(&root)?;
        Ok(Codebase { owner: self.owner.to_owned(), kind: Some(self.kind), ..found })
    }

    fn has_checksum(&self) -> Result<bool, LearningError> {
        let Some(package) = self.in_registry("cache", ".crate") else { return Ok(false) };
        Ok(storage::checksum(&storage::read(&package)?) == self.checksum)
    }

    fn in_registry(&self, place: &str, ending: &str) -> Option<PathBuf> {
        let file = format!("{}-{}{ending}", self.name, self.version);
        let registries = subdirectories(&registry_directory().join(place));
        registries.into_iter().map(|registry| registry.join(&file)).find(|path| path.exists())
    }

    /// `cargo info` is the one command that fetches and unpacks a package without its dependencies.
    fn fetch(&self) -> Result<(), LearningError> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["info", "--quiet", "--registry", "crates-io"])
            .arg(format!("{}@{}", self.name, self.version))
            // within a workspace cargo would tell of its own choice of version
            .current_dir(std::env::temp_dir())
            .output()
            .map_err(|e| self.error(&e.to_string()))?;
        if !output.status.success() {
            return Err(self.error(String::from_utf8_lossy(&output.stderr).trim()));
        }
        if self.root().is_none() || !self.has_checksum()? {
            return Err(self.error("what cargo fetched has another checksum than the manifest"));
        }
        Ok(())
    }

    fn error(&self, reason: &str) -> LearningError {
        let (name, version) = (self.name.to_owned(), self.version.to_owned());
        LearningError::Fetch { name, version, reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_line_of_the_manifest_is_a_crate_and_no_crate_stands_twice() {
        let crates = crates();
        assert_eq!(crates.len(), MANIFEST.lines().count());
        assert!(crates.is_sorted_by(|a, b| a.name < b.name));
        assert!(crates.iter().all(|c| c.checksum.len() == 64));
    }

    #[test]
    fn the_corpus_is_large_and_has_applications_in_every_part() {
        let crates = crates();
        let owners: BTreeSet<_> = crates.iter().map(|c| c.owner).collect();
        assert!(crates.len() >= 600 && owners.len() >= 300);
        for split in [Split::Train, Split::Validation, Split::Test] {
            let applications =
                crates.iter().filter(|c| c.split() == split && c.kind == CodebaseKind::Application);
            let owners: BTreeSet<_> = applications.map(|c| c.owner).collect();
            assert!(owners.len() >= 10, "{split:?}: {owners:?}");
        }
    }
}
