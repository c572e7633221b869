//! Times and durations for people, and how they are written on the command line.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

/// As in JSON: `2026-11-24T10:42:07.123Z`.
pub(crate) fn stamp(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// For people: `2026-11-24 10:42:07 UTC`.
pub(crate) fn moment(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// For people: `3 ms`, `4.2 s`, `3 min 5 s`, `2 h 10 min`, `4 d 2 h`.
pub(crate) fn lasting(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, unit: &str, small: u64, part: &str| match small {
        0 => format!("{large} {unit}"),
        _ => format!("{large} {unit} {small} {part}"),
    };
    match seconds {
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{seconds}.{} s", duration.subsec_millis() / 100),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// From one time to another; clocks that differ a little are no news.
pub(crate) fn between(from: SystemTime, to: SystemTime) -> String {
    lasting(to.duration_since(from).unwrap_or_default())
}

/// For people: `3 min 5 s ago`.
pub(crate) fn ago(at: SystemTime, now: SystemTime) -> String {
    format!("{} ago", between(at, now))
}

/// Reads `500ms`, `30s`, `5m`, `2h`, `7d`, and sums of them such as `1h30m`.
pub(crate) fn parse(text: &str) -> Result<Duration, String> {
    let wrong =
        || format!("`{text}` is no duration; write one as in 500ms, 30s, 5m, 2h, 7d or 1h30m");
    let mut rest = text;
    let mut sum = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let letters =
            rest[digits..].find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let count: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = match &rest[digits..digits + letters] {
            "ms" => 1,
            "s" => 1_000,
            "m" | "min" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        sum += Duration::from_millis(count.saturating_mul(unit));
        rest = &rest[digits + letters..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(sum) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written() {
        for (text, ms, shown) in [
            ("500ms", 500, "500 ms"),
            ("30s", 30_000, "30.0 s"),
            ("1h30m", 5_400_000, "1 h 30 min"),
            ("7d", 604_800_000, "7 d"),
            ("61s", 61_000, "1 min 1 s"),
        ] {
            let read = parse(text).unwrap();
            assert_eq!(read, Duration::from_millis(ms), "{text}");
            assert_eq!(lasting(read), shown, "{text}");
        }
        for wrong in ["", "5", "h", "5 m", "5w", "-1s", "1.5h"] {
            assert!(parse(wrong).unwrap_err().contains("is no duration"), "{wrong}");
        }
    }
}
