//! Annotations of GitHub Actions.

use super::{Subject, message};
use crate::architecture::Severity;

/// One command per violation; GitHub shows ten of each kind.
pub fn github(subject: Subject<'_>) -> String {
    let line = |v: &crate::architecture::Violation| {
        let level = match v.severity {
            Severity::High => "error",
            Severity::Medium => "warning",
            Severity::Low => "notice",
        };
        let (file, title) = (property(&v.from), property(v.rule.name()));
        format!("::{level} file={file},line={},title={title}::{}\n", v.line, data(&message(v)))
    };
    subject.reported().iter().map(line).collect()
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
