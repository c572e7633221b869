use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::{Cache, CacheDir, DAYS_MAX, Seen, Source, key};
use crate::codebase::Codebase;
use crate::discovery::input::Input;
use crate::discovery::{Reading, scan};
use crate::language::Language;
use crate::observer::Unobserved;
use crate::random::Random;

const DAY: Duration = Duration::from_secs(86_400);

/// A codebase in three languages and a cache directory, gone at the end.
struct Sample(PathBuf);

impl Sample {
    fn new(name: &str) -> Self {
        let root =
            std::env::temp_dir().join(format!("archlearn-cache-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&root);
        let sample = Self(root);
        sample.put("Cargo.toml", "[package]\nname = \"it\"\n");
        sample.put("src/lib.rs", "mod a;\nmod b;\nmod c;\npub use b::Thing;\n");
        sample.put("src/a.rs", "use crate::Thing;\npub fn f(t: Thing) { crate::c::g(t) }\n");
        sample.put("src/b.rs", "pub struct Thing;\n#[cfg(test)]\nmod tests { use super::*; }\n");
        sample.put("src/c.rs", "use std::fs;\npub fn g<T>(_: T) { super::a::f(loop {}) }\n");
        sample.put("web/package.json", "{\"dependencies\": {\"express\": \"4\"}}");
        sample.put("web/app.ts", "import { a } from './other';\nimport express from 'express';\n");
        sample.put("web/other.ts", "export const a = 1;\n");
        sample.put("tool.py", "import helper\n\ndef main(): pass\n");
        sample.put("helper.py", "class Helper: pass\n");
        sample
    }

    fn code(&self) -> PathBuf {
        self.0.join("code")
    }

    fn put(&self, path: &str, text: &str) {
        let path = self.code().join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        self.tick();
        fs::write(path, text).expect("a file");
    }

    /// Waits until the file system's clock goes on: looks from the future trust every time that a file bears.
    fn tick(&self) {
        let probe = self.0.join("clock");
        let now = || {
            fs::write(&probe, "").expect("a file");
            fs::metadata(&probe).and_then(|m| m.modified()).expect("a time")
        };
        let begun = now();
        while now() == begun {}
    }

    fn cache(&self) -> CacheDir {
        CacheDir::at(self.0.join("cache"))
    }

    fn cache_file(&self) -> PathBuf {
        let files = fs::read_dir(self.0.join("cache")).expect("a directory");
        let paths: Vec<_> = files.filter_map(Result::ok).map(|entry| entry.path()).collect();
        assert_eq!(paths.len(), 1, "one file per codebase, no temporary ones: {paths:?}");
        paths[0].clone()
    }

    /// Looks through the cache, so much later, and holds what is found against a look without one.
    fn look(&self, later: Duration) -> Reading {
        let codebase = Codebase::open(&self.code()).expect("a codebase");
        let now = SystemTime::now() + later;
        let cache = Cache::open_at(&self.cache(), &codebase.root, now);
        let input = Input::of_directory(&codebase, &Language::ALL);
        let (warm, reading) = input.scan(2, &cache, &mut Unobserved).expect("a shard");
        let cold = scan(&codebase).expect("a shard");
        let json = |shard| serde_json::to_string_pretty(shard).expect("JSON");
        assert_eq!(json(&warm), json(&cold));
        reading
    }
}

impl Drop for Sample {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn counts(reading: Reading) -> (usize, usize, usize) {
    (reading.unchanged, reading.known, reading.parsed)
}

#[test]
fn only_what_changed_is_parsed() {
    let sample = Sample::new("changed");
    assert_eq!(counts(sample.look(DAY)), (0, 0, 8));
    assert_eq!(counts(sample.look(DAY)), (8, 0, 0));
    sample.put("src/a.rs", "pub fn f<T>(_: T) {}\n");
    assert_eq!(counts(sample.look(DAY)), (7, 0, 1));
    let (from, to) = (sample.code().join("src/a.rs"), sample.code().join("src/d.rs"));
    fs::rename(from, to).expect("a file");
    assert_eq!(counts(sample.look(DAY)), (7, 1, 0), "a renamed file is known by its content");
}

#[test]
fn what_is_too_young_to_be_told_by_its_times_is_told_by_its_content() {
    let sample = Sample::new("young");
    let path = sample.code().join("src/b.rs");
    assert_eq!(counts(sample.look(Duration::ZERO)), (0, 0, 8));
    let times = fs::metadata(&path).and_then(|m| m.modified()).expect("a time");
    let text = fs::read_to_string(&path).expect("a text");
    fs::write(&path, text.replace("Thing", "Thong")).expect("a file");
    let file = fs::File::options().write(true).open(&path).expect("a file");
    file.set_modified(times).expect("a time");
    assert_eq!(counts(sample.look(Duration::ZERO)), (0, 7, 1));
}

#[test]
fn a_damaged_cache_is_ignored_and_written_again() {
    let sample = Sample::new("damaged");
    sample.look(DAY);
    let file = sample.cache_file();
    let whole = fs::read(&file).expect("a cache");
    let mut random = Random::new(1);
    for round in 0..60 {
        let mut bytes = whole.clone();
        match round {
            0 => bytes.clear(),
            1..20 => bytes.truncate(random.below(whole.len())),
            _ => {
                let at = random.below(whole.len());
                bytes[at] ^= 1 << random.below(8);
            }
        }
        fs::write(&file, &bytes).expect("a file");
        assert!(sample.look(DAY).parsed > 0, "round {round}");
        assert_eq!(counts(sample.look(DAY)), (8, 0, 0), "round {round}");
    }
}

#[test]
fn bytes_that_are_whole_and_no_extract_are_read_anew() {
    let sample = Sample::new("nonsense");
    sample.look(DAY);
    let codebase = Codebase::open(&sample.code()).expect("a codebase");
    let cache = Cache::open(&sample.cache(), &codebase.root);
    let text = fs::read(sample.code().join("src/a.rs")).expect("a text");
    let (key, bytes) = (key("src/a.rs", &text), [0xff; 40].as_slice());
    let source = Source::Parsed;
    cache.write(&[Seen { path: "src/a.rs", source, key, stamp: None, bytes }]);
    assert!(Cache::open(&sample.cache(), &codebase.root).by_content(&key) == Some(bytes));
    assert_eq!(counts(sample.look(DAY)), (0, 0, 8));
    assert_eq!(counts(sample.look(DAY)), (8, 0, 0));
}

#[test]
fn what_nobody_asks_for_goes() {
    let sample = Sample::new("old");
    let length = || fs::metadata(sample.cache_file()).expect("a cache").len();
    sample.look(DAY);
    let before = length();
    fs::remove_file(sample.code().join("src/a.rs")).expect("a file");
    sample.look(DAY * 2);
    assert!(length() > before * 9 / 10, "a branch that is gone for a day may come back");
    sample.look(DAY * (u32::try_from(DAYS_MAX).expect("days") + 3));
    assert!(length() < before);
    let codebase = Codebase::open(&sample.code()).expect("a codebase");
    assert!(Cache::open(&CacheDir::off(), &codebase.root).is_off());
}

#[test]
fn a_look_at_texts_from_elsewhere_forgets_no_file() {
    let sample = Sample::new("elsewhere");
    sample.look(DAY);
    let codebase = Codebase::open(&sample.code()).expect("a codebase");
    let text = fs::read_to_string(sample.code().join("src/a.rs")).expect("a text");
    sample.put("src/a.rs", "pub fn other() {}\n");
    let cache = Cache::open_at(&sample.cache(), &codebase.root, SystemTime::now() + DAY);
    let input = Input::held(&codebase, &Language::ALL, &Unobserved).expect("texts");
    let (_, reading) = input.scan(2, &cache, &mut Unobserved).expect("a shard");
    assert_eq!(counts(reading), (0, 7, 1), "texts in memory bear no times");
    sample.put("src/a.rs", &text);
    assert_eq!(counts(sample.look(DAY)), (7, 1, 0));
}

#[test]
fn other_peoples_files_stay() {
    let sample = Sample::new("others");
    let old = SystemTime::now() - DAY * 400;
    let ours = "0123456789abcdef01234567";
    let names = [
        ("people.facts", true),
        (".people.answers.1-0", true),
        ("0123456789abcdef0123456.facts", true),
        ("0123456789ABCDEF01234567.facts", true),
        (&format!("{ours}.facts.bak"), true),
        (&format!("{ours}.facts"), false),
        (&format!("{ours}.answers"), false),
        (&format!(".{ours}.facts.1-0"), false),
    ];
    fs::create_dir_all(sample.0.join("cache")).expect("a directory");
    for (name, _) in names {
        let file = fs::File::create(sample.0.join("cache").join(name)).expect("a file");
        file.set_modified(old).expect("a time");
    }
    sample.look(DAY);
    for (name, stays) in names {
        assert_eq!(sample.0.join("cache").join(name).exists(), stays, "{name}");
    }
}

#[test]
fn runs_side_by_side_do_not_disturb_each_other() {
    let sample = Sample::new("parallel");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let sample = &sample;
            scope.spawn(move || {
                for round in 0..5 {
                    sample.look(DAY * (thread + round));
                }
            });
        }
    });
    assert_eq!(sample.look(DAY).parsed, 0);
    sample.cache_file();
}

/// Edits, additions, deletions, renames and copies in any order: what is found is what a first look finds.
#[test]
fn any_sequence_of_changes_gives_what_a_first_look_gives() {
    let sample = Sample::new("sequence");
    let mut random = Random::new(7);
    let mut names: Vec<String> =
        ["src/lib.rs", "src/a.rs", "src/b.rs", "src/c.rs", "web/app.ts", "web/other.ts", "tool.py"]
            .map(str::to_owned)
            .to_vec();
    let lines = [
        "mod a;\nmod b;\nmod c;\nmod n1;\nmod n2;\nmod n3;\n",
        "pub use crate::b::*;\n",
        "use super::{a::f, c::g};\npub fn h() { f(g(crate::n1::Thing)); }\n",
        "pub struct Thing { field: std::sync::Arc<u8> }\nimpl Thing { pub fn new() -> Self { loop {} } }\n",
        "cfg_if! { if #[cfg(unix)] { mod n4; use crate::n2::x; } }\n",
        "import helper\nfrom tool import main\n",
        "import { a } from './other';\nexport * from './app';\n",
        "// @generated\n",
        "fn broken( {\n",
    ];
    sample.look(DAY);
    let mut saved = 0;
    for round in 0..120 {
        sample.tick();
        let chosen = names[random.below(names.len())].clone();
        let path = sample.code().join(&chosen);
        let ending = chosen.rsplit('.').next().unwrap_or_default();
        let fresh = format!("src/n{}.{ending}", random.below(6));
        match random.below(6) {
            0 => drop(fs::remove_file(path)),
            1 => drop(fs::rename(path, sample.code().join(&fresh))),
            2 => drop(fs::copy(path, sample.code().join(&fresh))),
            _ => {
                let text = fs::read_to_string(path).unwrap_or_default();
                let line = lines[random.below(lines.len())];
                let kept = text.len() * random.below(2);
                sample.put(&chosen, &format!("{line}{}", &text[..kept]));
            }
        }
        if !names.contains(&fresh) {
            names.push(fresh);
        }
        // sometimes by times, sometimes by content, and across days
        let reading = sample.look(DAY * u32::try_from(random.below(4)).unwrap_or(0));
        saved += reading.unchanged + reading.known;
        assert!(reading.parsed <= 2, "round {round}: {reading:?}");
    }
    assert!(saved > 120, "the cache was asked");
}
