//! The pipeline from end to end on a made-up corpus: in process, and as a user runs it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use architecture_learning::analysis::{Analysis, analyse};
use architecture_learning::champion::Champion;
use architecture_learning::classify::{Classification, classify};
use architecture_learning::codebase::{self, Codebase, Split};
use architecture_learning::deployment::{gate, publish};
use architecture_learning::discovery::discover;
use architecture_learning::model::Device;
use architecture_learning::observer::{Observer, Unobserved};
use architecture_learning::role::Role;
use architecture_learning::training::{TrainedModel, TrainingSettings, train};
use architecture_learning::validation::validate;
use architecture_learning::{DataDir, LearningError};

const CPU: Device = Device::Cpu { stand_in: None };

/// A file name that says each role.
const NAMES: [(Role, &str); 15] = [
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
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("archlearn-it-{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn data(&self) -> DataDir {
        DataDir::at(self.path("data"))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Numbers that look random.
fn number(seed: &str, n: usize) -> usize {
    let mix = |h: u64, b: u8| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3);
    let hash = seed.bytes().chain(n.to_string().bytes()).fold(0xcbf2_9ce4_8422_2325, mix);
    usize::try_from(hash >> 16 & 0xffff_ffff).expect("32 bits")
}

/// A word of letters.
fn word(n: usize) -> String {
    (0..6)
        .map(|i| char::from(b'a' + u8::try_from((n >> (4 * i)) & 15).expect("four bits")))
        .collect()
}

/// A crate with a file per role: some words tell the role, more tell nothing.
fn write_crate(root: &Path, name: &str, names: impl Fn(usize) -> String) {
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
fn write_corpus(root: &Path) {
    for (split, crates) in [(Split::Train, 8), (Split::Validation, 3), (Split::Test, 8)] {
        let owners = (0_usize..).map(|n| format!("owner{n}")).filter(|o| Split::of(o) == split);
        for owner in owners.take(crates) {
            let name = format!("{owner}-lib");
            write_crate(&root.join(&name), &name, |i| NAMES[i].1.to_owned());
        }
    }
}

fn small() -> TrainingSettings {
    let mut settings = TrainingSettings::default();
    (settings.network.hidden, settings.network.epochs_max) = (16, 4);
    settings.regression.epochs_max = 12;
    settings
}

fn prepared(scratch: &Scratch) -> Analysis {
    write_corpus(&scratch.path("corpus"));
    let found = codebase::find(&[scratch.path("corpus")], None).expect("codebases");
    let discoveries: Vec<_> = found
        .iter()
        .map(|c| discover(&scratch.data(), c, &mut Unobserved).expect("a shard"))
        .collect();
    analyse(&scratch.data(), &discoveries, &mut Unobserved).expect("a dataset")
}

fn trained(
    scratch: &Scratch,
    analysis: &Analysis,
    observer: &mut dyn Observer,
) -> Result<TrainedModel, LearningError> {
    train(&scratch.data(), analysis, &CPU, &small(), observer)
}

#[test]
fn what_is_learnt_is_promoted_and_classifies_names_that_it_never_saw() {
    let scratch = Scratch::new("whole");
    let data = scratch.data();
    let analysis = prepared(&scratch);
    assert_eq!(analysis.discovered.codebases, 19);
    assert_eq!(analysis.labelled.train, 8 * 15);
    let model = trained(&scratch, &analysis, &mut Unobserved).expect("a model");
    let report = validate(&data, &model).expect("a report");
    let mut sure = report.clone();
    // a few files calibrate badly; the rule has tests of its own
    sure.scores.values_mut().for_each(|s| s.calibration_error = 0.01);
    let artifact = publish(&data, &model, &sure).expect("an artifact");
    let decision = gate::decide(&sure, artifact.files);
    assert!(decision.promoted, "{decision:#?}");
    let candidate = model.candidate.clone();
    let champion = Champion { artifact: artifact.hash, candidate, macro_f1: 0.5, promoted_at: 0 };
    champion.write(&data).expect("a pointer");

    write_crate(&scratch.path("unseen"), "unseen", |i| format!("part{i}"));
    let answer = classify(&data, &Codebase::open(&scratch.path("unseen")).expect("a codebase"))
        .expect("an answer");
    let expected = |path: &str| {
        let number: usize =
            path.trim_start_matches("src/part").trim_end_matches(".rs").parse().expect("a number");
        NAMES[number].0
    };
    let right = answer.files.iter().filter(|f| f.likeliest == expected(&f.path)).count();
    assert!(right >= 12, "{right} of 15 right: {:#?}", answer.files);
    assert_eq!(answer.known.len(), 1, "the root needs no model");
}

/// Stops at a given moment.
struct StopAt(&'static str, bool);

impl Observer for StopAt {
    fn progress(&mut self, done: usize, _total: usize, note: &str) {
        self.1 |= done == 2 && note.starts_with(self.0);
    }

    fn cancelled(&self) -> bool {
        self.1
    }
}

#[test]
fn a_stopped_training_goes_on_after_its_last_checkpoint() {
    let scratch = Scratch::new("resume");
    let analysis = prepared(&scratch);
    let stopped = trained(&scratch, &analysis, &mut StopAt("network", false));
    assert!(matches!(stopped, Err(LearningError::Cancelled)), "{stopped:?}");
    let resumed = trained(&scratch, &analysis, &mut Unobserved).expect("a model");
    assert_eq!(resumed.network.resumed_after, 2);
    assert_eq!(resumed.network.epochs.len(), small().network.epochs_max);
    let again = trained(&scratch, &analysis, &mut Unobserved).expect("the same model");
    assert_eq!(again, resumed, "what is trained is not trained again");
}

#[test]
fn a_candidate_that_was_touched_is_refused() {
    let scratch = Scratch::new("touched");
    let model = trained(&scratch, &prepared(&scratch), &mut Unobserved).expect("a model");
    let extra = scratch.path("data").join("candidates").join(&model.candidate).join("extra");
    fs::write(extra, "x").expect("a file");
    let report = validate(&scratch.data(), &model).expect("a report");
    assert!(!report.verified);
    let artifact = publish(&scratch.data(), &model, &report).expect("an artifact");
    assert!(!gate::decide(&report, artifact.files).promoted);
}

#[test]
fn the_json_of_classify_is_an_interface() {
    let answer: Classification = serde_json::from_str(
        r#"{"version":1,"model":{"artifact":"9f2c","kind":"network","threshold":0.5},
            "files":[{"path":"src/args.rs","role":"cli","confidence":0.83,"likeliest":"cli"},
                     {"path":"src/misc.rs","role":null,"confidence":0.31,"likeliest":"codec"}],
            "known":[{"path":"src/main.rs","kind":"entry_point"}]}"#,
    )
    .expect("the documented form");
    let text = serde_json::to_string_pretty(&answer).expect("JSON");
    insta::assert_snapshot!(text, @r#"
    {
      "version": 1,
      "model": {
        "artifact": "9f2c",
        "kind": "network",
        "threshold": 0.5
      },
      "files": [
        {
          "path": "src/args.rs",
          "role": "cli",
          "confidence": 0.83,
          "likeliest": "cli"
        },
        {
          "path": "src/misc.rs",
          "role": null,
          "confidence": 0.31,
          "likeliest": "codec"
        }
      ],
      "known": [
        {
          "path": "src/main.rs",
          "kind": "entry_point"
        }
      ]
    }
    "#);
}

fn archlearn(scratch: &Scratch, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_archlearn"));
    command.args(arguments).env("ARCHLEARN_DATA_DIR", scratch.path("data")).env("NO_COLOR", "1");
    command.output().expect("the program starts")
}

fn error(output: &Output) -> String {
    assert!(!output.status.success());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn mistakes_are_told_with_what_to_do() {
    let scratch = Scratch::new("mistakes");
    let empty = scratch.path("empty");
    fs::create_dir_all(&empty).expect("a directory");
    let empty = empty.to_str().expect("a plain path");
    let nothing = error(&archlearn(&scratch, &["learn", empty]));
    assert!(nothing.contains("no Rust codebase in") && nothing.contains("Cargo.toml"), "{nothing}");
    write_crate(&scratch.path("some"), "some", |i| format!("part{i}"));
    let some = scratch.path("some");
    let untaught = error(&archlearn(&scratch, &["classify", some.to_str().expect("a plain path")]));
    assert!(untaught.contains("run `archlearn learn` first"), "{untaught}");
}

#[test]
fn the_gpu_check_compares_or_says_that_it_skips() {
    let scratch = Scratch::new("gpu");
    let output = archlearn(&scratch, &["gpu-check"]);
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.starts_with("skipped: no GPU") || text.contains("logits of equal weights"),
        "{text}"
    );
}
