//! What every command that looks at a codebase needs: the model, the settings, the survey, the baseline.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use architecture_learning::baseline::{self, Baseline, Comparison};
use architecture_learning::codebase::Codebase;
use architecture_learning::discovery::{CacheDir, Reading};
use architecture_learning::git::{self, Revision};
use architecture_learning::render::Subject;
use architecture_learning::serving::{Origin, Serving};
use architecture_learning::settings::{BaselineSource, Settings};
use architecture_learning::survey::Survey;
use architecture_learning::{DataDir, LearningError, discovery, route};
use clap::Args;

/// The exit status of a check that fails; an error is 1.
const FAILED: u8 = 2;

/// Which codebase, and what it is compared with.
#[derive(Args)]
pub(super) struct Look {
    /// A directory with sources; with its Cargo.toml, package.json or the like the answer is better.
    #[arg(default_value = ".")]
    pub path: PathBuf,
    /// Known violations: a file, or a git revision whose code is looked at.
    #[arg(long, value_name = "FILE|REV")]
    pub baseline: Option<String>,
    /// Write the violations of now to the baseline file, keeping the reasons in it; never in CI.
    #[arg(long)]
    pub write_baseline: bool,
    /// Fail on entries of the baseline that nothing answers to any more, too.
    #[arg(long)]
    pub strict: bool,
    /// Tell only of files that changed since a git revision, and of what reaches them.
    #[arg(long, value_name = "REV")]
    pub affected: Option<String>,
    /// Print how long each part took, and how long parsing alone takes.
    #[arg(long)]
    pub timing: bool,
}

/// A codebase looked at.
pub(super) struct Seen {
    pub codebase: Codebase,
    pub serving: Serving,
    pub settings: Settings,
    pub survey: Survey,
    pub comparison: Option<Comparison>,
    strict: bool,
    opened: Duration,
    scan: Duration,
    reading: Reading,
}

impl Seen {
    /// Looks at a codebase as it is.
    pub(super) fn at(path: &Path, data: Option<&DataDir>) -> Result<Self, LearningError> {
        let begun = Instant::now();
        let codebase = Codebase::open_sources(path)?;
        let settings = Settings::read(&codebase.root)?;
        let serving = Serving::open(data)?;
        let opened = begun.elapsed();
        let begun = Instant::now();
        let cache = CacheDir::from_env();
        let (shard, reading) = discovery::scan_cached(&codebase, &cache)?;
        let scan = begun.elapsed();
        let survey = Survey::cached(&serving, &settings, shard, &cache);
        let (comparison, strict) = (None, false);
        Ok(Self { codebase, serving, settings, survey, comparison, strict, opened, scan, reading })
    }

    /// Looks, compares, and writes the baseline where that is wanted.
    pub(super) fn of(look: &Look, data: Option<&DataDir>) -> Result<Self, LearningError> {
        let mut seen = Self::at(&look.path, data)?;
        seen.strict = look.strict;
        if look.write_baseline {
            seen.write_baseline(look)?;
        }
        let known = seen.known(look)?;
        seen.comparison = known.map(|known| known.compare(&seen.survey.architecture.violations));
        if let Some(name) = &look.affected {
            seen.narrow(name)?;
        }
        if look.timing {
            seen.print_timing()?;
        }
        Ok(seen)
    }

    pub(super) fn subject(&self) -> Subject<'_> {
        Subject {
            survey: &self.survey,
            comparison: self.comparison.as_ref(),
            report: &self.serving.report,
            patterns: &self.serving.patterns,
            bundled: self.serving.origin == Origin::Bundled,
        }
    }

    /// The survey of a revision of the same codebase.
    pub(super) fn revision(&self, name: &str) -> Result<(Revision, Survey), LearningError> {
        let revision = Revision::open(&self.codebase.root, name)?;
        let cache = CacheDir::from_env();
        let shard = discovery::scan_revision(&self.codebase, &revision, &cache)?;
        let survey = Survey::cached(&self.serving, &self.settings, shard, &cache);
        Ok((revision, survey))
    }

    /// Whether the check that was asked for passes.
    pub(super) fn verdict(&self) -> ExitCode {
        let violations = &self.survey.architecture.violations;
        let failure = self
            .comparison
            .as_ref()
            .and_then(|known| known.failure(violations, &self.settings, self.strict));
        match failure {
            None => ExitCode::SUCCESS,
            Some(reason) => {
                eprintln!("failed: {reason}");
                ExitCode::from(FAILED)
            }
        }
    }

    fn baseline_file(&self, look: &Look) -> PathBuf {
        let given = look.baseline.clone().or_else(|| match &self.settings.baseline {
            Some(BaselineSource::File(file)) => {
                Some(self.codebase.root.join(file).to_string_lossy().into_owned())
            }
            _ => None,
        });
        given.map_or_else(|| self.codebase.root.join(baseline::FILE), PathBuf::from)
    }

    fn write_baseline(&self, look: &Look) -> Result<(), LearningError> {
        if std::env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false") {
            return Err(LearningError::BaselineInCi);
        }
        let path = self.baseline_file(look);
        let before = if path.is_file() { Baseline::read(&path)? } else { Baseline::default() };
        let now = Baseline::of(&self.survey.architecture.violations);
        std::fs::write(&path, now.text(&before))
            .map_err(|source| LearningError::Write { path: path.clone(), source })?;
        eprintln!("wrote {}", path.display());
        Ok(())
    }

    /// What is known: from the command line, else from the settings, else from the usual file where it is.
    fn known(&self, look: &Look) -> Result<Option<Baseline>, LearningError> {
        let of_revision = |name: &str| {
            let (_, survey) = self.revision(name)?;
            Ok(Some(Baseline::of(&survey.architecture.violations)))
        };
        if let Some(given) = &look.baseline {
            let path = Path::new(given);
            // a file that is not there may still be a branch
            return if path.is_file() || look.write_baseline {
                Baseline::read(path).map(Some)
            } else {
                of_revision(given)
            };
        }
        match &self.settings.baseline {
            Some(BaselineSource::File(file)) => {
                Baseline::read(&self.codebase.root.join(file)).map(Some)
            }
            Some(BaselineSource::Revision { revision }) => of_revision(revision),
            None => {
                let path = self.codebase.root.join(baseline::FILE);
                path.is_file().then(|| Baseline::read(&path)).transpose()
            }
        }
    }

    /// Leaves only what a change touches.
    fn narrow(&mut self, name: &str) -> Result<(), LearningError> {
        let revision = Revision::open(&self.codebase.root, name)?;
        let changed = git::changed(&self.codebase.root, &revision)?;
        let reached = route::affected(&self.survey.shard, &changed);
        eprintln!(
            "{} files differ from {name}, {} are reached by them",
            changed.len(),
            reached.len()
        );
        let survey = &mut self.survey;
        survey.classification.files.retain(|f| reached.contains(&f.path));
        survey.classification.by_rule.retain(|f| reached.contains(&f.path));
        survey.classification.known.retain(|f| reached.contains(&f.path));
        survey.architecture.names.retain(|n| reached.contains(&n.path));
        survey.architecture.violations.retain(|v| reached.contains(&v.from));
        if let Some(comparison) = &mut self.comparison {
            comparison.new.retain(|v| reached.contains(&v.from));
        }
        Ok(())
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of files")]
    fn print_timing(&self) -> Result<(), LearningError> {
        let (files, parsing) = discovery::parsing_alone(&self.codebase)?;
        let (model, rules) = self.survey.seconds;
        let whole = self.opened + self.scan + model + rules;
        let rate = |time: Duration| files as f64 / time.as_secs_f64().max(1e-9);
        let Reading { unchanged, known, parsed, walk, files: each, together, written, .. } =
            self.reading;
        let state = match self.reading {
            Reading { cached: false, .. } => "no cache",
            Reading { unchanged: 0, known: 0, .. } => "cold",
            _ => "warm",
        };
        eprintln!(
            "{state}: {unchanged} files unchanged, {known} of known content, {parsed} parsed; of {} answers of the model {} known",
            self.survey.answers(),
            self.survey.known
        );
        eprintln!(
            "{:.3} s: model loaded {:.3}, discovery {:.3} (walk {:.3}, files {:.3}, together {:.3}, cache written beside it {:.3}), model {:.3}, rules {:.3}; {files} files, {:.0} a second; reading and parsing alone {:.0} a second, so {:.2} of it",
            whole.as_secs_f64(),
            self.opened.as_secs_f64(),
            self.scan.as_secs_f64(),
            walk.as_secs_f64(),
            each.as_secs_f64(),
            together.as_secs_f64(),
            written.as_secs_f64(),
            model.as_secs_f64(),
            rules.as_secs_f64(),
            rate(whole),
            rate(parsing),
            rate(whole) / rate(parsing)
        );
        Ok(())
    }
}
