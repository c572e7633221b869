//! A cache in bytes: mark, version, checksum and length of the index, the index, then the extracts one after the other.

use std::fs::{self, Metadata};
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Key, NAME_DIGITS};

const MARK: &[u8; 8] = b"archfct1";
const HEAD: usize = MARK.len() + 32 + 32 + 8;

/// Caches of codebases that nobody looks at any more go after so long, the oldest earlier where all take more bytes.
const AGE_MAX: Duration = Duration::from_secs(90 * 86_400);
const ALL_BYTES_MAX: u64 = 1024 * 1024 * 1024;

/// What is in a cache.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Index {
    pub blobs: Vec<Blob>,
    /// Path, what it bore, and the place of what it said among the blobs.
    pub stamps: Vec<(String, Stamp, u32)>,
}

/// Where an extract is.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Blob {
    pub key: Key,
    start: u64,
    length: u64,
    check: [u8; 8],
    /// When it was last used, in days since 1970.
    pub day: u64,
}

/// What a file system says of a file: any write changes it, unless two come within one tick of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::discovery) struct Stamp {
    size: u64,
    /// Seconds and nanoseconds of the last change of the content, and of that of the file's record.
    modified: (i64, i64),
    changed: (i64, i64),
    file: (u64, u64),
}

impl Stamp {
    /// None where the system does not tell when the record of a file changed: times of the content alone can be forged.
    #[cfg(unix)]
    #[expect(clippy::unnecessary_wraps, reason = "other systems do not tell")]
    pub(in crate::discovery) fn of(metadata: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        Some(Self {
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            file: (metadata.dev(), metadata.ino()),
        })
    }

    /// None where the system does not tell when the record of a file changed: times of the content alone can be forged.
    #[cfg(not(unix))]
    pub(in crate::discovery) fn of(_metadata: &Metadata) -> Option<Self> {
        None
    }

    pub(super) fn is_older_than(&self, time: SystemTime) -> bool {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        self.modified.0 < seconds && self.changed.0 < seconds
    }
}

impl Index {
    pub(super) fn add(&mut self, blob: Blob) {
        self.blobs.push(blob);
    }

    /// The place of the blob added last.
    pub(super) fn last(&self) -> u32 {
        u32::try_from(self.blobs.len()).unwrap_or(u32::MAX).saturating_sub(1)
    }
}

impl Blob {
    pub(super) fn of(key: Key, bytes: &[u8], day: u64, start: usize) -> Self {
        Self { key, start: start as u64, length: bytes.len() as u64, check: check(bytes), day }
    }

    /// The same bytes in another place.
    pub(super) fn moved(self, day: u64, start: usize) -> Self {
        Self { start: start as u64, day, ..self }
    }
}

/// The index of a cache; none where anything is amiss or another version wrote it.
pub(super) fn index(file: &[u8], version: &Key) -> Option<Index> {
    let rest = file.strip_prefix(MARK.as_slice())?.strip_prefix(version.as_slice())?;
    let (sum, rest) = rest.split_at_checked(32)?;
    let (length, rest) = rest.split_at_checked(8)?;
    let length = usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let index = rest.get(..length)?;
    (Sha256::digest(index).as_slice() == sum).then(|| postcard::from_bytes(index).ok())?
}

/// An extract in bytes; none where they are damaged.
pub(super) fn content<'f>(file: &'f [u8], blob: &Blob) -> Option<&'f [u8]> {
    unchecked(file, blob).filter(|bytes| check(bytes) == blob.check)
}

/// An extract in bytes, which may be damaged.
pub(super) fn unchecked<'f>(file: &'f [u8], blob: &Blob) -> Option<&'f [u8]> {
    let length = file.get(HEAD - 8..HEAD)?;
    let first = HEAD + usize::try_from(u64::from_le_bytes(length.try_into().ok()?)).ok()?;
    let start = first.checked_add(usize::try_from(blob.start).ok()?)?;
    file.get(start..start.checked_add(usize::try_from(blob.length).ok()?)?)
}

/// A whole cache.
pub(super) fn file(index: &Index, version: &Key, content: &[u8]) -> Option<Vec<u8>> {
    let index = postcard::to_allocvec(index).ok()?;
    let mut whole = Vec::with_capacity(HEAD + index.len() + content.len());
    whole.extend_from_slice(MARK);
    whole.extend_from_slice(version);
    whole.extend_from_slice(&Sha256::digest(&index));
    whole.extend_from_slice(&(index.len() as u64).to_le_bytes());
    whole.extend_from_slice(&index);
    whole.extend_from_slice(content);
    Some(whole)
}

/// Removes caches beside `file` that are old or too many.
pub(super) fn prune(file: &Path, now: SystemTime) {
    let entries = file.parent().and_then(|dir| fs::read_dir(dir).ok()).into_iter().flatten();
    let mut others: Vec<_> = entries
        .filter_map(Result::ok)
        .filter(|entry| entry.path() != file && is_ours(&entry.path()))
        .filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            Some((metadata.modified().ok()?, metadata.len(), entry.path()))
        })
        .collect();
    others.sort();
    let mut bytes = fs::metadata(file).map_or(0, |own| own.len());
    for (written, length, path) in others.into_iter().rev() {
        bytes = bytes.saturating_add(length);
        let old = now.duration_since(written).is_ok_and(|age| age > AGE_MAX);
        if old || bytes > ALL_BYTES_MAX {
            let _ = fs::remove_file(path);
        }
    }
}

/// A cache, or the temporary file of one: a directory that somebody names may hold other things.
fn is_ours(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let hidden = name.strip_prefix('.');
    let Some((stem, ending)) = hidden.unwrap_or(&name).split_once('.') else { return false };
    let ending = match hidden {
        Some(_) => ending.split('.').next().unwrap_or(ending),
        None => ending,
    };
    let digit = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    stem.len() == NAME_DIGITS && stem.chars().all(digit) && matches!(ending, "facts" | "answers")
}

fn check(bytes: &[u8]) -> [u8; 8] {
    let digest = Sha256::digest(bytes);
    std::array::from_fn(|i| digest[i])
}
