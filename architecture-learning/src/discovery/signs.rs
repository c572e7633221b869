//! What code tells of a role without a model.

use std::collections::BTreeMap;

use super::Sign;
use super::dialect::{Facts, SignRule};

/// What a rule says of a file.
pub(super) fn told(
    rule: &SignRule,
    facts: &Facts,
    outside: &BTreeMap<String, u32>,
) -> Option<Sign> {
    let package = rule.packages.iter().find_map(|p| outside.get_key_value(*p));
    if package.is_none() && !rule.packages.is_empty() {
        return None;
    }
    let sign = facts.signs.iter().find(|(sign, _)| rule.signs.iter().any(|s| fits(s, sign)));
    if sign.is_none() && !rule.signs.is_empty() {
        return None;
    }
    let (reason, line) = match (sign, package) {
        (Some((sign, line)), Some((package, _))) => (format!("`{sign}` of {package}"), *line),
        (Some((sign, line)), None) => (format!("`{sign}`"), *line),
        (None, Some((package, line))) => (format!("uses {package}"), *line),
        (None, None) => return None,
    };
    Some(Sign { role: rule.role, reason, line })
}

fn fits(wanted: &str, sign: &str) -> bool {
    match wanted.split_once('*') {
        None => wanted == sign,
        Some((start, end)) => {
            sign.len() >= start.len() + end.len() && sign.starts_with(start) && sign.ends_with(end)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_star_stands_for_any_text() {
        assert!(fits("@*.get", "@app.get") && fits("use *, :view", "use ShopWeb, :view"));
        assert!(!fits("@*.get", "@app.post") && !fits("ab*ba", "aba"));
        assert!(fits("Flask()", "Flask()") && !fits("Flask()", "x.Flask()"));
    }
}
