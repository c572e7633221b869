//! Metrics in the text format of Prometheus.

use std::fmt::Write;

use pgflow_core::metrics::{METRICS, Sample};

/// All samples, by metric in the order of the table.
pub(crate) fn render(samples: &[Sample]) -> String {
    let mut text = String::new();
    for metric in METRICS {
        let mut lines = samples.iter().filter(|sample| sample.metric == *metric).peekable();
        if lines.peek().is_none() {
            continue;
        }
        let _ = writeln!(text, "# HELP {} {}", metric.name, metric.description);
        let _ = writeln!(text, "# TYPE {} {}", metric.name, metric.kind.word());
        lines.for_each(|sample| text += &line(sample));
    }
    text
}

fn line(sample: &Sample) -> String {
    let pairs = sample.metric.labels.iter().zip(&sample.labels);
    let labels: Vec<String> =
        pairs.map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
    let labels =
        if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    format!("{}{labels} {}\n", sample.metric.name, sample.value)
}

fn escape(value: &str) -> String {
    value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_end_a_label_is_escaped() {
        let metric = METRICS.iter().find(|metric| metric.name == "pgflow_limit_slots").unwrap();
        let labels = vec!["exclusive:a\"b\\c\nd".into()];
        let text = render(&[Sample { metric, labels, value: 2.0 }]);
        let expected = "# TYPE pgflow_limit_slots gauge\npgflow_limit_slots{limit=\"exclusive:a\\\"b\\\\c\\nd\"} 2\n";
        assert!(
            text.starts_with("# HELP pgflow_limit_slots ") && text.ends_with(expected),
            "{text}"
        );
    }
}
