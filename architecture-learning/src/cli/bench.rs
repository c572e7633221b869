//! `archlearn bench compare`: both modes on the same messages.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use architecture_learning::LearningError;
use architecture_learning::pipeline::{Plan, Round, chart, compare};
use clap::Args;

use super::{print, print_json, work};

#[derive(Args)]
pub(super) struct Compare {
    /// A directory of codebases, enough to learn from; it is learnt once before anything is measured.
    corpus: PathBuf,
    /// Messages of a round.
    #[arg(long, default_value_t = 30)]
    messages: usize,
    /// Further messages about a directory that is not there.
    #[arg(long, default_value_t = 3)]
    poison: usize,
    /// Every so many validations one fails; 0 for none.
    #[arg(long, default_value_t = 10)]
    fail_every: usize,
    /// Messages, or runs, at once.
    #[arg(long, default_value_t = 3)]
    at_once: usize,
    /// Rounds of each mode, in turn.
    #[arg(long, default_value_t = 2)]
    rounds: usize,
    /// Seconds for which a message that was read stays hidden: how long legacy mode waits before it tries again.
    #[arg(long, default_value_t = 60)]
    hidden: u64,
    /// Write the latencies as a picture.
    #[arg(long)]
    svg: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn compare_modes(options: &Compare) -> Result<(), LearningError> {
    let corpus = options.corpus.canonicalize();
    let corpus =
        corpus.map_err(|source| LearningError::Read { path: options.corpus.clone(), source })?;
    let data = std::env::temp_dir().join(format!("archlearn-bench-{}", std::process::id()));
    let plan = Plan {
        program: work::this_program()?,
        data: data.clone(),
        corpus,
        messages: options.messages,
        poison: options.poison,
        fail_every: options.fail_every,
        at_once: options.at_once,
        rounds: options.rounds,
        hidden: options.hidden,
    };
    let measured = measure(&plan);
    let _ = fs::remove_dir_all(&data);
    let rounds = measured?;
    if let Some(path) = &options.svg {
        let written = fs::write(path, chart(&rounds));
        written.map_err(|source| LearningError::Write { path: path.clone(), source })?;
    }
    if options.json {
        return print_json(&rounds);
    }
    print(&(table(&rounds) + &patterns(&rounds)));
    Ok(())
}

/// Failures of all rounds by mode, step and kind.
fn patterns(rounds: &[Round]) -> String {
    let mut counts = BTreeMap::<_, usize>::new();
    for (round, pattern) in rounds.iter().flat_map(|r| r.failures.iter().map(move |p| (r, p))) {
        let step = pattern.step.as_deref().unwrap_or("-");
        *counts.entry((&round.mode, step, &pattern.kind)).or_default() += pattern.count;
    }
    if counts.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nmode    step               kind       failures\n");
    for ((mode, step, kind), count) in counts {
        let _ = writeln!(text, "{mode:6}  {step:17}  {kind:9}  {count:8}");
    }
    text
}

fn measure(plan: &Plan) -> Result<Vec<Round>, LearningError> {
    eprintln!("learns the corpus once, so that messages cost what they cost on a warm one");
    let mut learn = Command::new(&plan.program);
    learn.args(["learn", "--device", "cpu"]).arg(&plan.corpus);
    let learnt = learn.env("ARCHLEARN_DATA_DIR", &plan.data).output();
    let learnt =
        learnt.map_err(|source| LearningError::Read { path: plan.program.clone(), source })?;
    if !learnt.status.success() {
        return Err(LearningError::Validator {
            status: learnt.status.to_string(),
            stderr: String::from_utf8_lossy(&learnt.stderr).trim().to_owned(),
            command: format!("archlearn learn {}", plan.corpus.display()),
        });
    }
    super::runtime()?.block_on(compare(plan, |round| {
        eprintln!("{}: {} messages in {:.1} s", round.mode, round.latencies.len(), round.seconds);
    }))
}

fn table(rounds: &[Round]) -> String {
    let mut text = String::from(
        "mode    done  lost  msg/min   p50 s   p95 s   max s  cpu s   MiB  failures  refused  circulating\n",
    );
    for round in rounds {
        let _ = writeln!(
            text,
            "{:6}  {:4}  {:4}  {:7.1}  {:6.1}  {:6.1}  {:6.1}  {:5.1}  {:4.0}  {:8}  {:7}  {:11}",
            round.mode,
            round.latencies.len(),
            round.lost,
            round.per_minute(),
            round.latency(0.5),
            round.latency(0.95),
            round.latency(1.0),
            round.cpu_seconds,
            round.memory_mib,
            round.failed(),
            round.refused,
            round.circulating,
        );
    }
    text
}
