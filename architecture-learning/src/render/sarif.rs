//! SARIF 2.1.0, as code scanning of GitHub reads it.

use serde_json::{Value, json};

use super::{Subject, identity, message};
use crate::architecture::{Severity, Violation};
use crate::rule::Rule;

/// Results that GitHub shows of one run.
const RESULTS_MAX: usize = 5000;

/// One run with the four rules and a result per violation.
pub fn sarif(subject: Subject<'_>) -> String {
    let reported = subject.reported();
    let results: Vec<_> = reported.iter().take(RESULTS_MAX).map(result).collect();
    let left_out = reported.len() - results.len();
    let mut run = json!({
        "tool": { "driver": {
            "name": "archlearn",
            "semanticVersion": env!("CARGO_PKG_VERSION"),
            "rules": Rule::ALL.map(rule),
        } },
        "automationDetails": { "id": format!("archlearn/{}/", subject.name()) },
        "columnKind": "unicodeCodePoints",
        "results": results,
    });
    if left_out > 0 {
        let text = format!("{left_out} further violations are left out");
        run["invocations"] = json!([{
            "executionSuccessful": true,
            "toolExecutionNotifications": [{ "level": "note", "message": { "text": text } }],
        }]);
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [run],
    });
    format!("{log:#}\n")
}

fn rule(rule: Rule) -> Value {
    json!({
        "id": rule.name(),
        "name": pascal(rule.name()) + "Dependency",
        "shortDescription": { "text": rule.explanation() },
        "fullDescription": { "text": rule.explanation() },
        "help": { "text": format!("{} `archlearn why FROM TO` shows the way; `archlearn explain FILE` shows why a file has its role.", rule.explanation()) },
        "defaultConfiguration": { "level": "warning" },
    })
}

/// A name in the form that SARIF has for those for people.
fn pascal(name: &str) -> String {
    let word = |word: &str| {
        word.get(..1).unwrap_or_default().to_ascii_uppercase() + word.get(1..).unwrap_or_default()
    };
    name.split('_').map(word).collect()
}

fn result(violation: &Violation) -> Value {
    let level = match violation.severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    };
    json!({
        "ruleId": violation.rule.name(),
        "ruleIndex": Rule::ALL.iter().position(|r| *r == violation.rule),
        "level": level,
        "message": { "text": message(violation) },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": uri(&violation.from), "uriBaseId": "%SRCROOT%" },
            "region": { "startLine": violation.line.max(1) },
        } }],
        "partialFingerprints": { "archlearn/v1": identity(violation) },
    })
}

/// A relative path as a URI.
fn uri(path: &str) -> String {
    let keep = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    path.bytes()
        .map(|b| if keep(b) { char::from(b).to_string() } else { format!("%{b:02X}") })
        .collect()
}
