//! One line per step: a bar with counts on a terminal, a plain line at the end of each step elsewhere.

use std::io::IsTerminal;
use std::time::Duration;

use architecture_learning::pipeline::{STEPS, Standing, StepStanding};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

/// The bars of all steps.
pub(super) struct Progress {
    bars: Vec<Bar>,
    terminal: bool,
}

struct Bar {
    step: &'static str,
    line: ProgressBar,
    begun: bool,
    done: bool,
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
            Bar { step, line: bar, begun: false, done: false }
        };
        Self { bars: STEPS.iter().map(bar).collect(), terminal: std::io::stderr().is_terminal() }
    }

    /// Shows how the run stands.
    pub(super) fn show(&mut self, standing: &Standing) {
        for bar in &mut self.bars {
            if let Some(step) = standing.steps.get(bar.step) {
                bar.show(step, self.terminal);
            }
        }
    }

    /// Leaves the lines as they are.
    pub(super) fn end(&self) {
        for bar in self.bars.iter().filter(|b| !b.done) {
            bar.line.abandon();
        }
    }
}

impl Bar {
    fn show(&mut self, step: &StepStanding, terminal: bool) {
        if self.done {
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.line.reset_elapsed();
            self.line.enable_steady_tick(Duration::from_millis(200));
        }
        let progress = &step.progress;
        let again = match step.failed_attempts {
            0 => String::new(),
            n => format!(" ({n} attempts failed)"),
        };
        self.line.set_length(progress.total.max(1) as u64);
        self.line.set_position(progress.done as u64);
        self.line.set_message(format!("{}{again}", progress.note));
        if step.done {
            self.done = true;
            self.line.set_position(self.line.length().unwrap_or(1));
            self.line.finish_with_message(format!("{:.1} s{again}", step.seconds));
            if !terminal {
                eprintln!("{} done in {:.1} s{again}", self.step, step.seconds);
            }
        }
    }
}
