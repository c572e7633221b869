//! What can go wrong, and what to do about it. Whether a repeat may help is a method, never a guess from the text.

use std::path::{Path, PathBuf};

/// A failure of the pipeline or of one of its commands.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearningError {
    /// Nothing to learn from.
    #[error(
        "no Rust codebase in {paths}; give a directory that holds a `Cargo.toml`, or directories of such"
    )]
    NoCodebase {
        /// The places that were searched, ready to print.
        paths: String,
    },
    /// Nothing to classify.
    #[error(
        "no source in `{}` in a language that it reads; give a directory with Rust, Python, TypeScript, JavaScript, Go or Elixir files",
        path.display()
    )]
    NoSource {
        /// The directory.
        path: PathBuf,
    },
    /// A file where a directory is wanted.
    #[error("`{}` is not a directory; give the directory of its codebase", path.display())]
    NotADirectory {
        /// The file.
        path: PathBuf,
    },
    /// A file or directory could not be read.
    #[error("cannot read `{}`; check that it exists and that you may read it", path.display())]
    Read {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file or directory could not be written.
    #[error("cannot write `{}`; check the space and the permissions, or set ARCHLEARN_DATA_DIR to another place", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of the data directory is not what it should be.
    #[error("`{}` is damaged ({reason}); delete it and run `archlearn learn` again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Neither the data directory nor a home directory is known.
    #[error(
        "there is no place for data: neither ARCHLEARN_DATA_DIR nor XDG_DATA_HOME nor HOME is set; set ARCHLEARN_DATA_DIR to a directory"
    )]
    NoDataDir,
    /// A crate of the corpus could not be fetched.
    #[error(
        "cannot fetch `{name}` {version}: {reason}; run `cargo info {name}@{version}` by hand to see more"
    )]
    Fetch {
        /// The crate.
        name: String,
        /// Its version.
        version: String,
        /// What cargo says, or what does not fit.
        reason: String,
    },
    /// The corpus is not all here.
    #[error(
        "{missing} of {crates} crates of the corpus are not here; run `archlearn corpus fetch`"
    )]
    NotFetched {
        /// Crates that are not here.
        missing: usize,
        /// Crates of the corpus.
        crates: usize,
    },
    /// A variable of the environment is not what it should be.
    #[error("{name} is `{value}`; set it to a whole number from {min} to {max}, or leave it unset")]
    Variable {
        /// The variable.
        name: String,
        /// Its value.
        value: String,
        /// The least that it may be.
        min: u64,
        /// The most that it may be.
        max: u64,
    },
    /// A variable of the environment is neither yes nor no.
    #[error("{name} is `{value}`; set it to `true` or `false`, or leave it unset")]
    Flag {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
    },
    /// The corpus is too small for honest numbers.
    #[error(
        "too little to learn from: {have} {what}, and {need} are needed; give more codebases of more owners"
    )]
    TooLittle {
        /// What there is too little of.
        what: &'static str,
        /// How much there is.
        have: usize,
        /// How much is needed.
        need: usize,
    },
    /// No such model is registered.
    #[error("no single model `{name}` is registered; `archlearn model list` shows those that are")]
    NoModel {
        /// What was asked for.
        name: String,
    },
    /// The rule of promotion refused this model.
    #[error(
        "model `{artifact}` was refused by the rule of promotion: {reasons}; only models that it promoted can serve"
    )]
    Refused {
        /// The model.
        artifact: String,
        /// Every check in words.
        reasons: String,
    },
    /// No model has been promoted here yet.
    #[error("no model was promoted in `{}` yet; run `archlearn learn` first", data_dir.display())]
    NoChampion {
        /// The data directory that was searched.
        data_dir: PathBuf,
    },
    /// Rules for a tool that checks another language.
    #[error(
        "`{tool}` checks {language}, of which there is none here; for Rust there are crawk and rustqual, for Python import-linter and tach, for TypeScript and JavaScript dependency-cruiser"
    )]
    OtherLanguage {
        /// The tool.
        tool: &'static str,
        /// What it checks.
        language: &'static str,
    },
    /// Rules from layers where there are none.
    #[error(
        "no layers to write for `{tool}`: there are too few dependencies between parts; give the directory of the whole codebase"
    )]
    NoLayers {
        /// The tool.
        tool: &'static str,
    },
    /// Rules for a tool that checks one crate.
    #[error(
        "`{tool}` checks one crate, and here are several; give the directory of one of them: {crates}"
    )]
    SeveralCrates {
        /// The tool.
        tool: &'static str,
        /// Their directories, ready to print.
        crates: String,
    },
    /// A baseline cannot be read.
    #[error("{}:{line}: not a baseline entry; want `rule from -> to`, or write the file again with `--write-baseline`", path.display())]
    Baseline {
        /// The file.
        path: PathBuf,
        /// The line of the mistake.
        line: usize,
    },
    /// A baseline may not be written here.
    #[error(
        "a baseline is never written in CI, where it would pass everything; write it on your machine and commit it"
    )]
    BaselineInCi,
    /// A name fits no file.
    #[error(
        "no file or directory `{name}` among {files} sources; give a path as the report prints it, or its end"
    )]
    NoSuchFile {
        /// What was given.
        name: String,
        /// Sources of the codebase.
        files: usize,
    },
    /// `archlearn.toml` is not what it should be.
    #[error("{}:{line}: {reason}", path.display())]
    Settings {
        /// The file.
        path: PathBuf,
        /// The line of the mistake.
        line: usize,
        /// What is wrong, and what was expected.
        reason: String,
    },
    /// Git did not do something.
    #[error(
        "`git {command}` fails: {reason}; give a baseline file instead, or run it by hand to see more"
    )]
    Git {
        /// Its sub-command.
        command: String,
        /// Its own words.
        reason: String,
    },
    /// There is no such revision.
    #[error("git knows no revision `{name}`; give a branch, a tag or a commit that was fetched")]
    NoRevision {
        /// What was given.
        name: String,
    },
    /// The device that was asked for cannot be used.
    #[error(
        "device `cuda` cannot be used: {reason}; use `--device cpu`, or `--device auto` to fall back by itself"
    )]
    NoDevice {
        /// What the probe found.
        reason: String,
    },
    /// The loss stopped being a number.
    #[error(
        "training diverged in epoch {epoch}: the loss is not a number; lower the learning rate"
    )]
    Diverged {
        /// The epoch, from 1.
        epoch: usize,
    },
    /// Whoever started the work does not want it any more.
    #[error("stopped on request; start it again and it goes on from its last checkpoint")]
    Cancelled,
    /// The engine could not do something.
    #[error("cannot {doing}; see the cause")]
    Engine {
        /// What was asked of it.
        doing: &'static str,
        /// Why it could not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The registry of models in Postgres did not do something.
    #[error("the registry of models cannot {doing}; see the cause, and start it again to go on")]
    Registry {
        /// What was asked of it.
        doing: &'static str,
        /// Why it could not.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The run ended without a model.
    #[error("run {run} {state}: {reason}")]
    Run {
        /// The run.
        run: i64,
        /// How it ended.
        state: String,
        /// Why.
        reason: String,
    },
    /// The model library refused weights or optimiser state.
    #[error("cannot use the weights of `{what}`: {reason}; train again with `archlearn learn`")]
    Weights {
        /// Which weights.
        what: String,
        /// The library's own words.
        reason: String,
    },
    /// The process that validates did not answer.
    #[error(
        "the validating process failed ({status}): {stderr}; run it by hand to see more: `{command}`"
    )]
    Validator {
        /// How the process ended.
        status: String,
        /// The last lines that it wrote.
        stderr: String,
        /// The command line to repeat it.
        command: String,
    },
}

impl LearningError {
    /// Whether another attempt may succeed without anybody changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            Self::Read { .. }
                | Self::Write { .. }
                | Self::Fetch { .. }
                | Self::Validator { .. }
                | Self::Registry { .. }
        )
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Read { path, source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { path, source }
    }

    pub(crate) fn damaged(path: &Path, reason: impl std::fmt::Display) -> Self {
        Self::Damaged { path: path.to_owned(), reason: reason.to_string() }
    }
}
