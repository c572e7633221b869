//! How identifiers and paths fall apart into words.

use std::collections::BTreeMap;

/// The words of an identifier, lower case: `parseHTTPHeader_v2` is parse, http, header, v2.
pub(crate) fn split(identifier: &str) -> Vec<String> {
    let chars: Vec<char> = identifier.trim_start_matches("r#").chars().collect();
    let mut words = Vec::new();
    let mut word = String::new();
    for (i, &c) in chars.iter().enumerate() {
        if !c.is_alphanumeric() {
            words.extend((!word.is_empty()).then(|| std::mem::take(&mut word)));
            continue;
        }
        let after_lower = i > 0 && chars[i - 1].is_lowercase();
        let before_lower = chars.get(i + 1).is_some_and(|n| n.is_lowercase());
        if c.is_uppercase() && !word.is_empty() && (after_lower || before_lower) {
            words.push(std::mem::take(&mut word));
        }
        word.extend(c.to_lowercase());
    }
    words.extend((!word.is_empty()).then_some(word));
    words
}

/// Adds the words of `identifier`, which occurs `times` times: those of at least two letters, and the whole where it has
/// several.
pub(crate) fn count(identifier: &str, times: u32, counts: &mut BTreeMap<String, u32>) {
    let words = split(identifier);
    if words.len() > 1 {
        *counts.entry(words.join("_")).or_default() += times;
    }
    add(words, times, counts);
}

/// Adds the words of `text` alone, of at least two letters each.
pub(crate) fn count_parts(text: &str, times: u32, counts: &mut BTreeMap<String, u32>) {
    add(split(text), times, counts);
}

fn add(words: Vec<String>, times: u32, counts: &mut BTreeMap<String, u32>) {
    for word in words {
        if word.len() > 1 && word.starts_with(|c: char| c.is_alphabetic()) {
            *counts.entry(word).or_default() += times;
        }
    }
}

/// A word without its plural, so that `errors` in a path also hides `error` in the code.
pub(crate) fn singular(word: &str) -> &str {
    match word.strip_suffix('s') {
        Some(stem) if stem.len() > 2 && !stem.ends_with('s') => stem,
        _ => word,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_fall_apart_at_case_and_underscores() {
        assert_eq!(split("parseHTTPHeader_v2"), ["parse", "http", "header", "v2"]);
        assert_eq!(split("r#type"), ["type"]);
        assert_eq!(split("SCREAMING_CASE"), ["screaming", "case"]);
        assert_eq!(split("__"), Vec::<String>::new());
    }

    #[test]
    fn plurals_meet_their_singular() {
        assert_eq!(singular("errors"), "error");
        assert_eq!(singular("class"), "class");
        assert_eq!(singular("os"), "os");
    }
}
