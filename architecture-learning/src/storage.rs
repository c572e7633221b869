//! The data directory: where the steps leave what they hand each other by id. Every file is written under a temporary
//! name and renamed, so a reader never sees half of one and a killed process leaves nothing that looks complete.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use sha2::{Digest, Sha256};

use crate::LearningError;

/// Shards, datasets, checkpoints, candidates, artifacts and the registry, under one root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataDir {
    root: PathBuf,
}

impl DataDir {
    /// `ARCHLEARN_DATA_DIR`, else `archlearn` in the XDG data directory, else `~/.local/share/archlearn`.
    ///
    /// # Errors
    /// [`LearningError::NoDataDir`] when none of these is set.
    pub fn from_env() -> Result<Self, LearningError> {
        let var = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
        var("ARCHLEARN_DATA_DIR")
            .or_else(|| var("XDG_DATA_HOME").map(|dir| dir.join("archlearn")))
            .or_else(|| var("HOME").map(|home| home.join(".local/share/archlearn")))
            .map(Self::at)
            .ok_or(LearningError::NoDataDir)
    }

    /// A data directory at `root`, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn shard(&self, id: &str) -> PathBuf {
        self.root.join("shards").join(format!("{id}.json"))
    }

    pub(crate) fn dataset(&self, id: &str) -> PathBuf {
        self.root.join("datasets").join(format!("{id}.json"))
    }

    pub(crate) fn analysis(&self, id: &str) -> PathBuf {
        self.root.join("datasets").join(format!("{id}.analysis.json"))
    }

    pub(crate) fn checkpoints(&self, dataset: &str, training: &str) -> PathBuf {
        self.root.join("checkpoints").join(dataset).join(training)
    }

    pub(crate) fn candidate(&self, id: &str) -> PathBuf {
        self.root.join("candidates").join(id)
    }

    pub(crate) fn candidate_story(&self, id: &str) -> PathBuf {
        self.root.join("candidates").join(format!("{id}.json"))
    }

    pub(crate) fn artifact(&self, id: &str) -> PathBuf {
        self.root.join("artifacts").join(id)
    }

    pub(crate) fn champion(&self) -> PathBuf {
        self.root.join("registry/champion.json")
    }
}

/// Writes `bytes` to `path` so that a reader sees either the old file or all of the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<(), LearningError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(dir).map_err(LearningError::write(dir))?;
    let temporary = dir.join(temporary_name(path));
    fs::write(&temporary, bytes).map_err(LearningError::write(&temporary))?;
    fs::rename(&temporary, path).map_err(LearningError::write(path))
}

/// Fills a new directory through `fill` and then gives it its name; one that is there already stays as it is.
pub(crate) fn write_dir(
    path: &Path,
    fill: impl FnOnce(&Path) -> Result<(), LearningError>,
) -> Result<(), LearningError> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().unwrap_or(Path::new("."));
    let temporary = parent.join(temporary_name(path));
    fs::create_dir_all(&temporary).map_err(LearningError::write(&temporary))?;
    fill(&temporary)?;
    match fs::rename(&temporary, path) {
        Err(_) if path.is_dir() => {
            fs::remove_dir_all(&temporary).map_err(LearningError::write(&temporary))
        }
        result => result.map_err(LearningError::write(path)),
    }
}

/// Two processes, and two threads of one, never share a temporary name.
fn temporary_name(path: &Path) -> String {
    static NEXT: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let n = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.{}-{n}", std::process::id())
}

pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> Result<(), LearningError> {
    write(path, &to_json(path, value)?)
}

pub(crate) fn to_json(path: &Path, value: &impl Serialize) -> Result<Vec<u8>, LearningError> {
    serde_json::to_vec(value).map_err(|e| LearningError::damaged(path, e))
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LearningError> {
    fs::read(path).map_err(LearningError::read(path))
}

pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, LearningError> {
    from_json(path, &read(path)?)
}

pub(crate) fn from_json<T: DeserializeOwned>(
    path: &Path,
    bytes: &[u8],
) -> Result<T, LearningError> {
    serde_json::from_slice(bytes).map_err(|e| LearningError::damaged(path, e))
}

/// [`digest`] as 64 hexadecimal digits.
pub(crate) fn hash<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> String {
    hexadecimal(&digest(parts))
}

/// SHA-256 of `parts`, each with its length before it.
pub(crate) fn digest<P: AsRef<[u8]>>(parts: impl IntoIterator<Item = P>) -> [u8; 32] {
    let mut sha = Sha256::new();
    for part in parts {
        let part = part.as_ref();
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part);
    }
    sha.finalize().into()
}

/// SHA-256 of `bytes` alone, as cargo writes checksums.
pub(crate) fn checksum(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |half: u8| char::from(b"0123456789abcdef"[usize::from(half)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Hash of named files, in the order of their names.
pub(crate) fn hash_named(files: &[(String, Vec<u8>)]) -> String {
    let mut sorted: Vec<_> = files.iter().collect();
    sorted.sort();
    hash(sorted.into_iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes.as_slice()]))
}

/// [`hash_named`] of what is in `directory`.
pub(crate) fn hash_dir(directory: &Path) -> Result<String, LearningError> {
    let entries = fs::read_dir(directory).map_err(LearningError::read(directory))?;
    let mut files = Vec::new();
    for entry in entries.filter_map(Result::ok) {
        files.push((entry.file_name().to_string_lossy().into_owned(), read(&entry.path())?));
    }
    Ok(hash_named(&files))
}

/// The first eight bytes of the SHA-256 of `text`: the same on every machine and in every version.
pub(crate) fn hash64(text: &str) -> u64 {
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold(0, |n, byte| n << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_length_is_part_of_the_hash() {
        assert_ne!(hash(["ab", "c"]), hash(["a", "bc"]));
        assert_eq!(hash(["ab"]).len(), 64);
    }

    #[test]
    fn a_written_file_leaves_no_temporary_one() -> Result<(), LearningError> {
        let dir = std::env::temp_dir().join(format!("archlearn-storage-{}", std::process::id()));
        write(&dir.join("a/b.json"), b"1")?;
        write(&dir.join("a/b.json"), b"2")?;
        assert_eq!(read(&dir.join("a/b.json"))?, b"2");
        let names = fs::read_dir(dir.join("a")).map_err(LearningError::read(&dir))?.count();
        assert_eq!(names, 1);
        fs::remove_dir_all(&dir).map_err(LearningError::write(&dir))
    }
}
