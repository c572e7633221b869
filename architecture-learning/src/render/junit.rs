//! `JUnit` XML: a test case per rule, failed where it has violations to report.

use std::fmt::Write as _;

use super::{Subject, escape, message};
use crate::rule::Rule;

/// One suite of four cases.
pub fn junit(subject: Subject<'_>) -> String {
    let reported = subject.reported();
    let broken = |rule: Rule| reported.iter().filter(move |v| v.rule == rule);
    let failures = Rule::ALL.into_iter().filter(|rule| broken(*rule).next().is_some()).count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite name=\"archlearn\" tests=\"{}\" failures=\"{failures}\">\n",
        Rule::ALL.len()
    );
    for rule in Rule::ALL {
        let lines: Vec<_> = broken(rule)
            .map(|v| escape(&format!("{}:{}: {}", v.from, v.line, message(v))))
            .collect();
        let head = format!(
            "    <testcase classname=\"{}\" name=\"{}\"",
            escape(subject.name()),
            rule.name()
        );
        let _ = if lines.is_empty() {
            writeln!(xml, "{head}/>")
        } else {
            writeln!(
                xml,
                "{head}>\n      <failure message=\"{} violations\">{}</failure>\n    </testcase>",
                lines.len(),
                lines.join("\n")
            )
        };
    }
    xml + "  </testsuite>\n</testsuites>\n"
}
