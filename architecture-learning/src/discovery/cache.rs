//! What files said before, by the hash of their content: one file per codebase, in the user's cache directory. Whatever
//! is wrong with it, it is ignored and written again; nothing depends on its being there.

mod stored;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use sha2::{Digest, Sha256};

use super::extract;
use crate::storage;
use stored::{Blob, Index};

pub(super) use stored::Stamp;

/// A stamp this close to the look at it says nothing: what is written next may bear the same. File systems count in up to
/// two seconds.
const RACY: Duration = Duration::from_secs(2);

/// What the last look did not ask for is kept so long, and while the whole takes no more than so many bytes; what it did
/// ask for is kept in any case.
const DAYS_MAX: u64 = 30;
const BYTES_MAX: usize = 256 * 1024 * 1024;

/// Digits of the hash of a codebase's directory that name its files.
const NAME_DIGITS: usize = 24;

/// SHA-256 of a file's ending and text.
pub(super) type Key = [u8; 32];

/// Where caches are kept: `ARCHLEARN_CACHE_DIR`, which turns them off where it is empty, else `archlearn` in
/// `XDG_CACHE_HOME`, else in `~/.cache`.
#[derive(Clone, Debug, Default)]
pub struct CacheDir(Option<PathBuf>);

impl CacheDir {
    /// As the environment says.
    pub fn from_env() -> Self {
        let variable = |name| std::env::var_os(name).map(PathBuf::from);
        let named = |name| variable(name).filter(|path| path.is_absolute());
        if let Some(given) = variable("ARCHLEARN_CACHE_DIR") {
            return Self((!given.as_os_str().is_empty()).then_some(given));
        }
        let home = || Some(named("HOME")?.join(".cache"));
        Self(named("XDG_CACHE_HOME").or_else(home).map(|cache| cache.join("archlearn")))
    }

    /// A directory, which is made when it is written to.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self(Some(path.into()))
    }

    /// Nowhere.
    pub fn off() -> Self {
        Self(None)
    }

    /// Where something of the codebase in `root` is kept.
    pub(crate) fn file(&self, root: &Path, ending: &str) -> Option<PathBuf> {
        let name = storage::hash([root.as_os_str().as_encoded_bytes()]);
        Some(self.0.as_ref()?.join(format!("{}.{ending}", &name[..NAME_DIGITS])))
    }
}

/// How a file's extract was come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// Its size and times are those of a known content: it was not read.
    Stamp,
    /// Its content is known.
    Content,
    /// It was parsed.
    Parsed,
}

/// One file as it was seen.
pub(super) struct Seen<'a> {
    pub path: &'a str,
    pub source: Source,
    pub key: Key,
    pub stamp: Option<Stamp>,
    /// Its extract.
    pub bytes: &'a [u8],
}

/// The cache of one codebase.
pub(super) struct Cache {
    file: Option<PathBuf>,
    begun: SystemTime,
    bytes: Vec<u8>,
    blobs: HashMap<Key, Blob>,
    stamps: HashMap<String, (Stamp, Key)>,
}

impl Cache {
    /// Opens the cache of the codebase in `root`; empty where there is none that can be used.
    pub(super) fn open(directory: &CacheDir, root: &Path) -> Self {
        Self::open_at(directory, root, SystemTime::now())
    }

    fn open_at(directory: &CacheDir, root: &Path, begun: SystemTime) -> Self {
        let file = directory.file(root, "facts");
        let bytes = file.as_ref().and_then(|file| std::fs::read(file).ok()).unwrap_or_default();
        let index = stored::index(&bytes, &extract::version()).unwrap_or_default();
        let stamps = index.stamps.into_iter().filter_map(|(path, stamp, blob)| {
            Some((path, (stamp, index.blobs.get(blob as usize)?.key)))
        });
        let stamps = stamps.collect();
        let blobs = index.blobs.into_iter().map(|blob| (blob.key, blob)).collect();
        Self { file, begun, bytes, blobs, stamps }
    }

    /// Knows nothing and keeps nothing.
    pub(super) fn none() -> Self {
        Self::open(&CacheDir::off(), Path::new(""))
    }

    pub(super) fn is_off(&self) -> bool {
        self.file.is_none()
    }

    /// Whether it knows nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.blobs.is_empty()
    }

    /// The same place, and nothing is known.
    pub(super) fn emptied(&self) -> Self {
        let (file, begun) = (self.file.clone(), self.begun);
        Self { file, begun, bytes: Vec::new(), blobs: HashMap::new(), stamps: HashMap::new() }
    }

    /// The extract of the file `path` when it bore `stamp`, in bytes.
    pub(super) fn by_stamp(&self, path: &str, stamp: &Stamp) -> Option<(Key, &[u8])> {
        let (_, key) = self.stamps.get(path).filter(|(known, _)| known == stamp)?;
        Some((*key, self.by_content(key)?))
    }

    /// The extract of a file of this content, in bytes.
    pub(super) fn by_content(&self, key: &Key) -> Option<&[u8]> {
        stored::content(&self.bytes, self.blobs.get(key)?)
    }

    /// Writes what was seen, and of the rest what was used lately. Not being able to is no error.
    pub(super) fn write(&self, seen: &[Seen<'_>]) {
        let Some(file) = &self.file else { return };
        let today = days(self.begun);
        let settled = |stamp: &&Stamp| {
            self.begun.checked_sub(RACY).is_some_and(|before| stamp.is_older_than(before))
        };
        let mut index = Index::default();
        let mut content = Vec::with_capacity(self.bytes.len());
        let mut places: HashMap<Key, u32> = HashMap::new();
        let mut changed = false;
        for Seen { path, source, key, stamp, bytes } in seen {
            let known = self.blobs.get(key).filter(|_| *source != Source::Parsed);
            changed |= known.is_none_or(|known| known.day != today);
            let place = *places.entry(*key).or_insert_with(|| {
                index.add(match known {
                    Some(known) => known.moved(today, content.len()),
                    None => Blob::of(*key, bytes, today, content.len()),
                });
                content.extend_from_slice(bytes);
                index.last()
            });
            if let Some(stamp) = stamp.as_ref().filter(settled) {
                changed |= self.stamps.get(*path) != Some(&(*stamp, *key));
                index.stamps.push(((*path).to_owned(), *stamp, place));
            }
        }
        if !changed {
            return;
        }
        let unasked = self.blobs.values().filter(|b| !places.contains_key(&b.key));
        let mut rest: Vec<_> = unasked.collect();
        rest.sort_by_key(|blob| (u64::MAX - blob.day, blob.key));
        for blob in rest.into_iter().filter(|blob| blob.day + DAYS_MAX >= today) {
            let Some(bytes) = stored::unchecked(&self.bytes, blob) else { continue };
            if content.len() + bytes.len() > BYTES_MAX {
                break;
            }
            index.add(blob.moved(blob.day, content.len()));
            content.extend_from_slice(bytes);
            places.insert(blob.key, index.last());
        }
        // texts that come from no directory, as those of a revision, tell nothing of the files there
        if seen.iter().all(|seen| seen.stamp.is_none()) {
            let kept = self
                .stamps
                .iter()
                .filter_map(|(path, (stamp, key))| Some((path.clone(), *stamp, *places.get(key)?)));
            index.stamps.extend(kept);
        }
        if let Some(whole) = stored::file(&index, &extract::version(), &content) {
            let _ = storage::write(file, &whole);
            stored::prune(file, self.begun);
        }
    }
}

/// The key of a text; of the path only the ending counts, as it tells the grammar.
pub(super) fn key(path: &str, text: &[u8]) -> Key {
    let ending = path.rsplit('.').next().unwrap_or_default();
    let sha = Sha256::new().chain_update(ending).chain_update([0]).chain_update(text);
    sha.finalize().into()
}

fn days(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / 86_400)
}

#[cfg(test)]
mod tests;
