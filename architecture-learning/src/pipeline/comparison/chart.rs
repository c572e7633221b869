//! The comparison as a picture: what share of the messages was done after how long, a line per round.

use std::fmt::Write as _;

use super::{Round, count};

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
/// Left, top, right, bottom.
const MARGIN: (f64, f64, f64, f64) = (56.0, 44.0, 20.0, 48.0);

const STYLE: &str = "<style>:root{--ink:#1d2329;--paper:#fff;--line:#c9cfd6;--legacy:#b86e00;--pgflow:#2563a8}\
@media (prefers-color-scheme:dark){:root{--ink:#e4e7eb;--paper:#16191d;--line:#3a424b;--legacy:#f0a63a;--pgflow:#6aa9f0}}\
text{fill:var(--ink);font:12px system-ui,sans-serif}.grid{stroke:var(--line)}.round{fill:none;stroke-width:2}\
.legacy{stroke:var(--legacy)}.pgflow{stroke:var(--pgflow)}.legacy-key{fill:var(--legacy)}.pgflow-key{fill:var(--pgflow)}</style>";

/// A file of its own.
pub fn chart(rounds: &[Round]) -> String {
    let longest = rounds.iter().map(|round| round.latency(1.0)).fold(1.0, f64::max);
    let step = tick(longest);
    let most = (longest / step).ceil() * step;
    let (left, top, right, bottom) = MARGIN;
    let x = |seconds: f64| left + seconds / most * (WIDTH - left - right);
    let y = |share: f64| HEIGHT - bottom - share * (HEIGHT - top - bottom);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"share of messages done after a time, by mode\">{STYLE}\n\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" style=\"fill:var(--paper)\"/>\n"
    );
    for share in [0.0, 0.25, 0.5, 0.75, 1.0] {
        let (at, end) = (y(share), WIDTH - right);
        let _ = writeln!(
            text,
            "<path class=\"grid\" d=\"M{left} {at:.1}H{end}\"/><text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{:.0} %</text>",
            left - 8.0,
            at + 4.0,
            share * 100.0
        );
    }
    let mut seconds = 0.0;
    while seconds <= most + step / 2.0 {
        let (at, under) = (x(seconds), HEIGHT - bottom + 18.0);
        let _ = writeln!(
            text,
            "<text x=\"{at:.1}\" y=\"{under:.1}\" text-anchor=\"middle\">{seconds:.0}</text>"
        );
        seconds += step;
    }
    let (middle, foot) = (f64::midpoint(left, WIDTH - right), HEIGHT - 10.0);
    let _ = writeln!(
        text,
        "<text x=\"{middle}\" y=\"{foot}\" text-anchor=\"middle\">seconds from sending to done</text>"
    );
    for (n, mode) in ["legacy", "pgflow"].into_iter().enumerate() {
        let at = left + count(n) * 100.0;
        let _ = writeln!(
            text,
            "<rect class=\"{mode}-key\" x=\"{at}\" y=\"16\" width=\"12\" height=\"12\"/><text x=\"{}\" y=\"26\">{mode}</text>",
            at + 18.0
        );
    }
    for round in rounds {
        let all = count(round.latencies.len() + round.lost).max(1.0);
        let mut path = format!("M{:.1} {:.1}", x(0.0), y(0.0));
        for (n, latency) in round.latencies.iter().enumerate() {
            let _ = write!(path, "H{:.1}V{:.1}", x(*latency), y(count(n + 1) / all));
        }
        let _ = writeln!(text, "<path class=\"round {}\" d=\"{path}\"/>", round.mode);
    }
    text + "</svg>\n"
}

/// A round number of seconds of which at most eight fit.
fn tick(longest: f64) -> f64 {
    let steps = [1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0];
    steps.into_iter().find(|step| longest / step <= 8.0).unwrap_or(600.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_climbs_to_the_share_that_was_done() {
        let round = Round {
            mode: "pgflow".to_owned(),
            latencies: vec![1.0, 2.0],
            seconds: 2.0,
            lost: 2,
            cpu_seconds: 0.0,
            memory_mib: 0.0,
            failures: Vec::new(),
            refused: 0,
            circulating: 0,
        };
        let text = chart(&[round]);
        // two seconds are the right edge, and half of the messages is half the height
        assert!(
            text.contains(
                "<path class=\"round pgflow\" d=\"M56.0 272.0H338.0V215.0H620.0V158.0\"/>"
            ),
            "{text}"
        );
    }
}
