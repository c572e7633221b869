//! Values inside strings: durations, sizes, rates, schedules.

/// Starts per interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    pub count: u32,
    pub per_ms: u64,
}

/// Milliseconds of "90s", "6m", "250ms" or "1h30m".
pub fn duration(text: &str) -> Option<u64> {
    let mut total = 0u64;
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let (number, after) = number(rest)?;
        let unit = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let ms = milliseconds(after[..unit].trim())?;
        total = total.checked_add(number.checked_mul(ms)?)?;
        rest = &after[unit..];
    }
    Some(total)
}

/// Bytes of "512MiB" or "8GiB"; powers of 1024 with `i`, of 1000 without.
pub fn size(text: &str) -> Option<u64> {
    let (number, unit) = number(text.trim())?;
    let factor = match unit.trim() {
        "B" => 1,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        _ => return None,
    };
    number.checked_mul(factor).filter(|bytes| *bytes > 0 && i64::try_from(*bytes).is_ok())
}

/// "100/s", "5/m", "1000/h".
pub fn rate(text: &str) -> Option<Rate> {
    let (count, unit) = text.split_once('/')?;
    let count = count.trim().parse().ok().filter(|n| *n > 0)?;
    let per_ms = match unit.trim() {
        unit @ ("s" | "m" | "h" | "d") => milliseconds(unit)?,
        _ => return None,
    };
    Some(Rate { count, per_ms })
}

/// The number of fields of a cron expression.
pub fn fields(text: &str) -> usize {
    text.split_whitespace().count()
}

fn number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    Some((text[..end].parse().ok()?, &text[end..]))
}

fn milliseconds(unit: &str) -> Option<u64> {
    Some(match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    })
}

/// Whether a text is a JSON pointer (RFC 6901).
pub fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let cases = [
            ("90s", Some(90_000)),
            ("6m", Some(360_000)),
            ("250ms", Some(250)),
            ("1h30m", Some(5_400_000)),
            ("7d", Some(604_800_000)),
            ("1h 30 m", Some(5_400_000)),
            ("", None),
            ("90", None),
            ("s", None),
            ("1 parsec", None),
            ("-1s", None),
            ("1.5s", None),
            ("99999999999999999999s", None),
            ("18446744073709551615h", None),
        ];
        for (text, ms) in cases {
            assert_eq!(duration(text), ms, "{text}");
        }
    }

    #[test]
    fn sizes() {
        let cases = [
            ("8GiB", Some(8 << 30)),
            ("512 MiB", Some(512 << 20)),
            ("2GB", Some(2_000_000_000)),
            ("0B", None),
            ("8", None),
            ("8 gigs", None),
            ("9999999999TiB", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(size(text), bytes, "{text}");
        }
    }

    #[test]
    fn rates() {
        assert_eq!(rate("100/s"), Some(Rate { count: 100, per_ms: 1_000 }));
        assert_eq!(rate("5/m"), Some(Rate { count: 5, per_ms: 60_000 }));
        assert_eq!(rate("1000/h"), Some(Rate { count: 1000, per_ms: 3_600_000 }));
        for text in ["", "100", "0/s", "x/s", "5/week", "5/ms", "-1/s"] {
            assert_eq!(rate(text), None, "{text}");
        }
    }
}
