//! Spans as an `ExportTraceServiceRequest` in JSON, as
//! [OTLP/HTTP](https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding) says it.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::{Attribute, Span, names};

/// Asynchronous work that somebody asked for, and work inside a process: `SpanKind` of the protocol.
const CONSUMER: u8 = 5;
const INTERNAL: u8 = 1;
/// `StatusCode` of the protocol.
const OK: u8 = 1;
const ERROR: u8 = 2;

/// The spans that have ended, as one request; `service` is what collectors call `service.name`.
pub fn request(service: &str, spans: &[Span]) -> Value {
    let ended = spans.iter().filter_map(|span| Some(encode(span, span.ended_at?)));
    json!({"resourceSpans": [{
        "resource": {"attributes": [attribute("service.name", &Attribute::Text(service.into()))]},
        "scopeSpans": [{
            "scope": {"name": "pgflow", "version": env!("CARGO_PKG_VERSION")},
            "spans": ended.collect::<Vec<_>>(),
        }],
    }]})
}

fn encode(span: &Span, ended_at: SystemTime) -> Value {
    let number = |name, n: u32| attribute(name, &Attribute::Number(i64::from(n)));
    let mut attributes: Vec<Value> =
        span.attributes.iter().map(|(name, value)| attribute(name, value)).collect();
    attributes.push(attribute(names::STATUS, &Attribute::Text(span.status.into())));
    attributes.extend(span.element.map(|n| number(names::ELEMENT, n)));
    attributes.extend(span.attempt.map(|n| number(names::ATTEMPT, n)));
    if let Some(waited) = span.ready_at.and_then(|at| span.started_at.duration_since(at).ok()) {
        let waited = i64::try_from(waited.as_millis()).unwrap_or(i64::MAX);
        attributes.push(attribute(names::WAITED, &Attribute::Number(waited)));
    }
    let links = span.links.iter().map(|link| {
        json!({"traceId": format!("{:032x}", link.trace), "spanId": format!("{:016x}", link.span)})
    });
    json!({
        "traceId": format!("{:032x}", span.id.trace),
        "spanId": format!("{:016x}", span.id.span),
        "parentSpanId": span.parent.map_or_else(String::new, |id| format!("{id:016x}")),
        "name": span.name,
        "kind": if span.attempt.is_some() { INTERNAL } else { CONSUMER },
        "startTimeUnixNano": nanoseconds(span.started_at),
        "endTimeUnixNano": nanoseconds(ended_at),
        "attributes": attributes,
        "links": links.collect::<Vec<_>>(),
        "status": match &span.error {
            Some(message) => json!({"code": ERROR, "message": message}),
            None => json!({"code": OK}),
        },
    })
}

fn attribute(name: &str, value: &Attribute) -> Value {
    // 64-bit numbers are texts in the protocol's JSON
    let value = match value {
        Attribute::Text(text) => json!({"stringValue": text}),
        Attribute::Number(number) => json!({"intValue": number.to_string()}),
        Attribute::Seconds(time) => json!({"doubleValue": time.as_secs_f64()}),
    };
    json!({"key": name, "value": value})
}

fn nanoseconds(at: SystemTime) -> String {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    since.as_nanos().to_string()
}
