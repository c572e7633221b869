//! The text of a codebase, from a directory or from a git revision, and how it becomes a shard. What cannot be read is
//! reported and left out, never fatal.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use super::cache::{self, Cache, Key, Seen, Source, Stamp};
use super::extract::{Extract, Extractor, text};
use super::generated::is_no_source;
use super::portion::{Findings, Portion};
use super::reader::Reader;
use super::walk::{self, Files};
use super::{FORMAT, Shard, Unread, detect, parse};
use crate::LearningError;
use crate::codebase::{Codebase, CodebaseKind};
use crate::git::Revision;
use crate::language::{Language, base_name};
use crate::observer::{Observer, Unobserved};
use crate::{parallel, storage};

/// The text of a codebase.
pub(super) struct Input {
    pub codebase: Codebase,
    pub files: Files,
    texts: Texts,
    /// Of [`Files::manifests`], then of [`Files::declarations`].
    manifests: Vec<String>,
    /// What the walk could not enter, and manifests that could not be read.
    unread: [Vec<Unread>; 2],
}

/// Of [`Files::sources`].
enum Texts {
    /// In memory, or why not.
    Held(Vec<Result<String, String>>),
    /// In the codebase's directory; read one by one, so that memory holds as many as there are threads.
    InDirectory,
}

/// What one source says in bytes, and how that is known or why it is not.
type Told<'c> = (Cow<'c, [u8]>, Result<(Source, Key, Option<Stamp>), String>);

/// How a scan went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// Whether there is a cache at all.
    pub cached: bool,
    /// Files that were not read, as size and times are those of a known content.
    pub unchanged: usize,
    /// Files that were read and not parsed, as their content is known.
    pub known: usize,
    /// Files that were parsed.
    pub parsed: usize,
    /// How long the walk and the opening of the cache took.
    pub walk: Duration,
    /// How long all files took, each on its own.
    pub files: Duration,
    /// How long putting them together took, and writing the cache beside it.
    pub together: Duration,
    /// How long writing the cache took.
    pub written: Duration,
}

impl Reading {
    fn count(&mut self, source: Source) {
        *match source {
            Source::Stamp => &mut self.unchanged,
            Source::Content => &mut self.known,
            Source::Parsed => &mut self.parsed,
        } += 1;
    }
}

impl Input {
    /// The files in the codebase's directory, as they are when each is looked at.
    pub(super) fn of_directory(codebase: &Codebase, languages: &'static [Language]) -> Self {
        let files = walk::walk(&codebase.root, languages);
        let read = |path: &str| read_file(&codebase.root.join(path));
        Self::new(codebase, files, Texts::InDirectory, read)
    }

    /// The files in the codebase's directory as they are, in memory.
    pub(super) fn held(
        codebase: &Codebase,
        languages: &'static [Language],
        observer: &dyn Observer,
    ) -> Result<Self, LearningError> {
        let files = walk::walk(&codebase.root, languages);
        let read = |path: &str| read_file(&codebase.root.join(path));
        let text = |path: &String| {
            if observer.cancelled() {
                return Err(LearningError::Cancelled);
            }
            Ok(read(path).map(text))
        };
        let texts = files.sources.iter().map(text).collect::<Result<_, _>>()?;
        Ok(Self::new(codebase, files, Texts::Held(texts), read))
    }

    /// The files of a revision.
    pub(super) fn of_revision(
        codebase: &Codebase,
        languages: &'static [Language],
        revision: &Revision,
    ) -> Result<Self, LearningError> {
        let files = walk::sort(revision.paths(), languages);
        let Files { sources, manifests, declarations, .. } = &files;
        let wanted = sources.iter().chain(manifests).chain(declarations);
        let wanted = wanted.map(String::as_str).collect::<BTreeSet<_>>().into_iter();
        let blobs = revision.read(wanted)?;
        let read =
            |path: &str| blobs.get(path).cloned().ok_or_else(|| "not among the objects".to_owned());
        let texts = sources.iter().map(|path| read(path).map(text)).collect();
        Ok(Self::new(codebase, files, Texts::Held(texts), read))
    }

    fn new(
        codebase: &Codebase,
        mut files: Files,
        texts: Texts,
        read: impl Fn(&str) -> Result<Vec<u8>, String> + Sync,
    ) -> Self {
        let walked = std::mem::take(&mut files.unread);
        let paths: Vec<_> = files.manifests.iter().chain(&files.declarations).collect();
        let texts_of = parallel::map(paths.len(), |i| read(paths[i]).map(text));
        let mut unread = Vec::new();
        let manifest = |(path, text): (&String, Result<String, String>)| {
            text.unwrap_or_else(|reason| {
                // a source that declares something is told of among the sources
                if files.sources.binary_search(path).is_err() {
                    unread.push(Unread { path: path.clone(), reason });
                }
                String::new()
            })
        };
        let manifests = paths.into_iter().zip(texts_of).map(manifest).collect();
        let codebase = codebase.clone();
        Self { codebase, files, texts, manifests, unread: [walked, unread] }
    }

    /// The hash of all that a shard is made of, for texts that are held.
    pub(super) fn id(&self) -> String {
        let texts = self.held_texts().iter().map(|text| text.as_deref().unwrap_or_default());
        let all = self.in_order(self.failed());
        let names = self.files.sources.iter().zip(texts);
        let manifests = self.manifests.iter().map(String::as_str);
        let names = names.chain(self.files.manifests.iter().zip(manifests));
        let content = names.flat_map(|(path, text)| [path.as_str(), text]);
        let others = self.files.others.iter().map(String::as_str);
        let unread = all.iter().flat_map(|u| [u.path.as_str(), u.reason.as_str()]);
        let about = [FORMAT, &self.codebase.name, &self.codebase.owner];
        let kind = self.codebase.kind.map(CodebaseKind::name);
        storage::hash(about.into_iter().chain(kind).chain(content).chain(others).chain(unread))
    }

    /// Makes the shard, with `threads` parsers.
    pub(super) fn scan(
        &self,
        threads: usize,
        cache: &Cache,
        observer: &mut dyn Observer,
    ) -> Result<(Shard, Reading), LearningError> {
        let begun = Instant::now();
        let mut reading = Reading { cached: !cache.is_off(), ..Reading::default() };
        let sources = &self.files.sources;
        let files = (sources.len(), self.codebase.name.as_str());
        let one = |extractor: &mut Extractor, file: usize| self.one(extractor, cache, file);
        let told = parse::each(files, threads, observer, || self.extractor(), one)?;
        let extracts = parallel::map(told.len(), |file| Extract::of(&told[file].0));
        let Some(extracts) = extracts.into_iter().collect::<Option<Vec<_>>>() else {
            // its bytes are whole and yet no extracts: nothing in it can be believed
            let damaged = || LearningError::damaged(&self.codebase.root, "an extract is none");
            let again = (!cache.is_empty()).then(|| cache.emptied()).ok_or_else(damaged)?;
            return self.scan(threads, &again, observer);
        };
        let (mut seen, mut unread) = (Vec::new(), Vec::new());
        for (path, (bytes, known)) in sources.iter().zip(&told) {
            match known {
                Ok((source, key, stamp)) => {
                    let (source, key, stamp) = (*source, *key, *stamp);
                    reading.count(source);
                    seen.push(Seen { path, source, key, stamp, bytes });
                }
                Err(reason) => unread.push(Unread { path: path.clone(), reason: reason.clone() }),
            }
        }
        reading.files = begun.elapsed();
        let (shard, written) = std::thread::scope(|scope| {
            let writing = scope.spawn(|| {
                let begun = Instant::now();
                cache.write(&seen);
                begun.elapsed()
            });
            let shard = self.together(extracts, unread);
            (shard, writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        reading.together = begun.elapsed().saturating_sub(reading.files);
        reading.written = written;
        Ok((shard, reading))
    }

    /// The shard of what the sources say.
    fn together(&self, extracts: Vec<Extract<&str>>, unread: Vec<Unread>) -> Shard {
        let unread = self.in_order(unread);
        let mut extracts: Vec<_> = extracts.into_iter().map(Some).collect();
        let mut parts = Vec::new();
        for reader in Reader::ALL {
            if let Some((portion, extracts)) = self.portion(reader, &mut extracts, &unread) {
                parts.push(reader.read(&portion, extracts));
            }
        }
        let findings = Findings::all(parts);
        Shard {
            patterns: detect::detect(&findings, &self.files.others),
            codebase: self.codebase.clone(),
            files: findings.files,
            edges: findings.edges,
            unresolved: findings.unresolved,
            application: findings.application,
            unread,
            skipped: self.files.skipped.iter().cloned().collect(),
        }
    }

    /// Reads and parses, and takes nothing from the trees.
    pub(super) fn trees_alone(&self, threads: usize) -> Result<(), LearningError> {
        let tree = |extractor: &mut Extractor, file: usize| {
            let path = &self.files.sources[file];
            let text = self.bytes(file).map(text).unwrap_or_default();
            let learnt = Language::of(path).is_some_and(Language::is_learnt);
            if learnt || !is_no_source(&text) {
                extractor.tree_alone(path, &text);
            }
        };
        let files = (self.files.sources.len(), self.codebase.name.as_str());
        parse::each(files, threads, &mut Unobserved, || self.extractor(), tree).map(drop)
    }

    fn held_texts(&self) -> &[Result<String, String>] {
        match &self.texts {
            Texts::Held(texts) => texts,
            Texts::InDirectory => &[],
        }
    }

    /// Sources that could not be read, of texts that are held.
    fn failed(&self) -> Vec<Unread> {
        let texts = self.files.sources.iter().zip(self.held_texts());
        let unread = |(path, text): (&String, &Result<String, String>)| {
            Some(Unread { path: path.clone(), reason: text.as_ref().err()?.clone() })
        };
        texts.filter_map(unread).collect()
    }

    fn extractor(&self) -> Result<Extractor, LearningError> {
        let none = || LearningError::damaged(&self.codebase.root, "a grammar does not load");
        Extractor::new().ok_or_else(none)
    }

    /// What one source says, from the cache where that knows it.
    fn one<'c>(&self, extractor: &mut Extractor, cache: &'c Cache, file: usize) -> Told<'c> {
        let path = &self.files.sources[file];
        let stamp = if cache.is_off() { None } else { self.stamp(file) };
        if let Some((key, bytes)) = stamp.and_then(|stamp| cache.by_stamp(path, &stamp)) {
            return (bytes.into(), Ok((Source::Stamp, key, stamp)));
        }
        let bytes = match self.bytes(file) {
            Ok(bytes) => bytes,
            Err(reason) => return (extractor.read(path, "").bytes().into(), Err(reason)),
        };
        let key = if cache.is_off() { Key::default() } else { cache::key(path, &bytes) };
        if let Some(bytes) = cache.by_content(&key) {
            return (bytes.into(), Ok((Source::Content, key, stamp)));
        }
        let extract = extractor.read(path, &text(bytes));
        (extract.bytes().into(), Ok((Source::Parsed, key, stamp)))
    }

    /// What the file system says of a source; none where its text does not come from there.
    fn stamp(&self, file: usize) -> Option<Stamp> {
        match &self.texts {
            Texts::Held(_) => None,
            Texts::InDirectory => {
                let path = self.codebase.root.join(&self.files.sources[file]);
                Stamp::of(&std::fs::symlink_metadata(path).ok()?)
            }
        }
    }

    fn bytes(&self, file: usize) -> Result<Cow<'_, [u8]>, String> {
        match &self.texts {
            Texts::Held(texts) => {
                texts[file].as_ref().map(|text| text.as_bytes().into()).map_err(Clone::clone)
            }
            Texts::InDirectory => {
                read_file(&self.codebase.root.join(&self.files.sources[file])).map(Cow::from)
            }
        }
    }

    /// What could not be read, of the walk, the sources and the manifests, in this order.
    fn in_order(&self, sources: Vec<Unread>) -> Vec<Unread> {
        let [walked, manifests] = &self.unread;
        walked.iter().cloned().chain(sources).chain(manifests.iter().cloned()).collect()
    }

    /// The sources of a reader with what they say, which is taken out; none where there is nothing for it.
    fn portion<'a, 'e>(
        &'a self,
        reader: Reader,
        extracts: &mut [Option<Extract<&'e str>>],
        unread: &'a [Unread],
    ) -> Option<(Portion<'a>, Vec<Extract<&'e str>>)> {
        let of = |path: &str| Language::of(path).and_then(Reader::of) == Some(reader);
        let learnt = reader.languages().iter().any(|l| l.is_learnt());
        let own = self.files.sources.iter().zip(extracts).filter(|(path, _)| of(path));
        let own = own.filter_map(|(path, extract)| Some((path.clone(), extract.take()?)));
        let (sources, extracts): (Vec<_>, Vec<_>) =
            own.filter(|(_, extract)| learnt || extract.source).unzip();
        if sources.is_empty() {
            return None;
        }
        let manifests = self.files.manifests.iter().chain(&self.files.declarations);
        let texts_of = self.manifests.iter().map(|text| text.trim_start_matches('\u{feff}'));
        let manifests = manifests.map(String::as_str).zip(texts_of).filter(|(path, _)| {
            reader.languages().iter().any(|l| l.manifests().contains(&base_name(path)))
        });
        let (codebase, manifests) = (&self.codebase, manifests.collect());
        Some((Portion { codebase, sources, manifests, unread }, extracts))
    }
}

/// The bytes of a file, or why not; one that nobody typed is not read at all.
fn read_file(path: &Path) -> Result<Vec<u8>, String> {
    let read = |path| -> std::io::Result<Result<Vec<u8>, u64>> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        if length > walk::READ_BYTES_MAX {
            return Ok(Err(length));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0) + 1);
        file.read_to_end(&mut bytes)?;
        Ok(Ok(bytes))
    };
    let large = |length: u64| format!("{} MB", length / 1_000_000);
    read(path).map_err(|e| e.to_string())?.map_err(large)
}
