//! One line per step: a bar with counts on a terminal, a plain line at the end of each step elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use architecture_learning::observer::Observer;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The names of the steps, in order.
pub(super) const STEPS: [&str; 5] = [
    "pattern_discovery",
    "pattern_analysis",
    "model_training",
    "model_validation",
    "model_deployment",
];

/// The bars of all steps.
pub(super) struct Progress {
    bars: Vec<ProgressBar>,
    terminal: bool,
}

impl Progress {
    pub(super) fn new() -> Self {
        let all = MultiProgress::new();
        let style = ProgressStyle::with_template(
            "  {prefix:18} {bar:24} {pos:>5}/{len:<5} {elapsed:>4} {wide_msg}",
        );
        let style = style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ ");
        let bar = |step: &&'static str| {
            let bar = all.add(ProgressBar::new(1)).with_style(style.clone()).with_prefix(*step);
            bar.tick();
            bar
        };
        Self { bars: STEPS.iter().map(bar).collect(), terminal: std::io::stderr().is_terminal() }
    }

    /// Begins a step.
    pub(super) fn step(&self, number: usize) -> Step<'_> {
        let bar = &self.bars[number];
        bar.reset_elapsed();
        bar.enable_steady_tick(Duration::from_millis(200));
        Step { bar, name: STEPS[number], terminal: self.terminal, begun: Instant::now() }
    }
}

/// The bar of the step that runs.
pub(super) struct Step<'p> {
    bar: &'p ProgressBar,
    name: &'static str,
    terminal: bool,
    begun: Instant,
}

impl Step<'_> {
    /// Ends the step with a few words on what came out; the seconds that it took.
    pub(super) fn done(self, words: &str) -> f64 {
        let seconds = self.begun.elapsed().as_secs_f64();
        self.bar.set_position(self.bar.length().unwrap_or(1));
        self.bar.finish_with_message(words.to_owned());
        if !self.terminal {
            eprintln!("{} {seconds:.1} s: {words}", self.name);
        }
        seconds
    }
}

impl Observer for Step<'_> {
    fn progress(&mut self, done: usize, total: usize, note: &str) {
        self.bar.set_length(total as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(note.to_owned());
    }
}
