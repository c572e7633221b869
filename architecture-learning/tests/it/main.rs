//! The pipeline from end to end on a made-up corpus: in process, in Postgres, and as a user runs it.

mod broadway;
mod comparing;
mod definition;
mod durable;
mod flip;
mod languages;
mod look;
mod mistakes;
mod process;
mod registry;
mod sarif;
mod support;
mod warm;
mod watching;

use std::fs;
use std::path::{Path, PathBuf};

use architecture_learning::LearningError;
use architecture_learning::analysis::{Dataset, analyse};
use architecture_learning::champion::Champion;
use architecture_learning::classify::{Classification, classify};
use architecture_learning::codebase::{self, Codebase};
use architecture_learning::deployment::{gate, publish};
use architecture_learning::discovery::{Discovery, discover};
use architecture_learning::observer::{Observer, Unobserved};
use architecture_learning::validation::validate;

use support::{NAMES, Scratch, archlearn, prepared, small, trained, write_corpus, write_crate};

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

    fs::remove_file(scratch.path("unseen/Cargo.toml")).expect("removed");
    let bare = classified(&scratch, "unseen");
    assert_eq!(bare.files, answer.files, "a root in its usual place needs no manifest");
    fs::create_dir_all(scratch.path("loose")).expect("a directory");
    fs::copy(scratch.path("unseen/src/part0.rs"), scratch.path("loose/x.rs")).expect("copied");
    let loose = classified(&scratch, "loose");
    assert_eq!(loose.files.len(), 1, "{loose:#?}");
}

/// What the program says of a directory.
fn classified(scratch: &Scratch, name: &str) -> Classification {
    let path = scratch.path(name);
    let path = path.to_str().expect("a plain path");
    let output = archlearn(scratch, &["classify", path, "--json", "-"]).output().expect("starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the documented form")
}

/// Copies in the corpus lose their label to the first one: which that is must not hang on the order of the codebases, nor
/// on what their shards happen to be called.
#[test]
fn a_dataset_depends_on_content_alone() {
    let scratch = Scratch::new("order");
    write_corpus(&scratch.path("corpus"));
    let twin = codebase::find(&[scratch.path("corpus")], None).expect("codebases").remove(0);
    write_crate(&scratch.path("corpus/twin"), &twin.name, |i| NAMES[i].1.to_owned());
    let found = codebase::find(&[scratch.path("corpus")], None).expect("codebases");
    let data = scratch.data();
    let discover = |c| discover(&data, c, &mut Unobserved).expect("a shard");
    let discoveries: Vec<_> = found.iter().map(discover).collect();
    let named = |name: fn(usize) -> String| {
        let renamed = discoveries.iter().enumerate().rev().map(|(i, found)| {
            let shard = |id: &str| scratch.path(&format!("data/shards/{id}.json"));
            fs::copy(shard(&found.shard), shard(&name(i))).expect("a copy");
            Discovery { shard: name(i), ..found.clone() }
        });
        let analysis = analyse(&data, &renamed.collect::<Vec<_>>(), &mut Unobserved);
        let analysis = analysis.expect("a dataset");
        let dataset = Dataset::open(&data, &analysis.dataset).expect("a dataset");
        (analysis.duplicates, serde_json::to_string(&dataset).expect("JSON"))
    };
    let (up, down) = (named(|i| format!("{i:03}")), named(|i| format!("{:03}", 999 - i)));
    assert!(up.0 >= NAMES.len(), "the twin is all copies");
    assert!(up == down, "the same graphs with the same labels");
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
                     {"path":"src/misc.rs","language":"rust","role":null,"confidence":0.31,"likeliest":"codec"}],
            "by_rule":[{"path":"web/api.py","language":"python","role":"http_api","basis":"code",
                        "reason":"`@app.get` of fastapi","line":9},
                       {"path":"web/misc.py","language":"python","role":null,"basis":null,"reason":null,"line":null}],
            "known":[{"path":"src/main.rs","kind":"entry_point"}]}"#,
    )
    .expect("the documented form, whether a language stands there or not");
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
          "language": "rust",
          "role": "cli",
          "confidence": 0.83,
          "likeliest": "cli"
        },
        {
          "path": "src/misc.rs",
          "language": "rust",
          "role": null,
          "confidence": 0.31,
          "likeliest": "codec"
        }
      ],
      "by_rule": [
        {
          "path": "web/api.py",
          "language": "python",
          "role": "http_api",
          "basis": "code",
          "reason": "`@app.get` of fastapi",
          "line": 9
        },
        {
          "path": "web/misc.py",
          "language": "python",
          "role": null,
          "basis": null,
          "reason": null,
          "line": null
        }
      ],
      "known": [
        {
          "path": "src/main.rs",
          "language": "rust",
          "kind": "entry_point"
        }
      ]
    }
    "#);
}

#[test]
fn the_gpu_check_compares_or_says_that_it_skips() {
    let scratch = Scratch::new("gpu");
    let output = archlearn(&scratch, &["gpu-check"]).output().expect("the program starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(
        text.starts_with("skipped: no GPU") || text.contains("logits of equal weights"),
        "{text}"
    );
}

#[test]
fn only_the_pipeline_names_the_engine_and_only_registry_and_queue_the_database() {
    fn sources(directory: &Path) -> Vec<PathBuf> {
        let entries = fs::read_dir(directory).expect("a directory");
        let paths = entries.map(|e| e.expect("an entry").path());
        paths.flat_map(|p| if p.is_dir() { sources(&p) } else { vec![p] }).collect()
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let naming = |word: &str| -> Vec<_> {
        let names = |path: &PathBuf| fs::read_to_string(path).expect("a source").contains(word);
        let found = sources(&root).into_iter().filter(names);
        let mut found: Vec<_> =
            found.map(|p| p.strip_prefix(&root).expect("below").to_owned()).collect();
        found.sort();
        found
    };
    let engine = naming("pgflow::");
    assert!(engine.iter().all(|p| p.starts_with("pipeline") || p == Path::new("pipeline.rs")));
    assert!(engine.len() > 1, "{engine:?}");
    assert_eq!(naming("sqlx::"), ["broadway/pgmq.rs", "pipeline/registry.rs"].map(PathBuf::from));
}
