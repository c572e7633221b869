//! How identifiers and paths fall apart into words, and how these are counted.

use std::collections::BTreeMap;

use foldhash::HashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Words and how often each occurs, sorted, in one piece of memory. In JSON an object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// The length of each word in bytes, and its count.
    each: Vec<(u32, u32)>,
}

impl Words {
    /// How many different words there are.
    pub fn len(&self) -> usize {
        self.each.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    /// The words with their counts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        let mut rest = self.text.as_str();
        self.each.iter().map(move |(length, count)| {
            let (word, others) = rest.split_at_checked(*length as usize).unwrap_or((rest, ""));
            rest = others;
            (word, *count)
        })
    }

    /// Whether `word` is among them.
    pub fn contains(&self, word: &str) -> bool {
        self.iter().any(|(known, _)| known == word)
    }
}

impl<W: AsRef<str>> FromIterator<(W, u32)> for Words {
    fn from_iter<I: IntoIterator<Item = (W, u32)>>(words: I) -> Self {
        let mut counter = Counter::default();
        words.into_iter().for_each(|(word, times)| counter.add(word.as_ref(), times));
        counter.finish()
    }
}

impl Serialize for Words {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_map(self.iter())
        } else {
            (&self.text, &self.each).serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Ok(BTreeMap::<String, u32>::deserialize(deserializer)?.into_iter().collect())
        } else {
            let (text, each) = Deserialize::deserialize(deserializer)?;
            Ok(Self { text, each })
        }
    }
}

/// Counts words.
#[derive(Default)]
pub(crate) struct Counter {
    counts: HashMap<String, u32>,
    compound: String,
}

impl Counter {
    /// Adds the words of `identifier`, which occurs `times` times: those of at least two letters, and the whole where it has
    /// several.
    pub(crate) fn identifier(&mut self, identifier: &str, times: u32) {
        let mut compound = std::mem::take(&mut self.compound);
        compound.clear();
        write_words(identifier, &mut compound);
        if compound.contains('_') {
            self.add(&compound, times);
        }
        for word in compound.split('_') {
            if word.len() > 1 && word.starts_with(|c: char| c.is_alphabetic()) {
                self.add(word, times);
            }
        }
        self.compound = compound;
    }

    /// Adds a word as it is.
    pub(crate) fn add(&mut self, word: &str, times: u32) {
        if let Some(count) = self.counts.get_mut(word) {
            *count += times;
        } else {
            self.counts.insert(word.to_owned(), times);
        }
    }

    /// What was counted, and nothing is counted any more.
    pub(crate) fn finish(&mut self) -> Words {
        let mut words: Vec<_> = self.counts.drain().collect();
        words.sort_unstable();
        let each = words.iter().map(|(word, n)| (u32::try_from(word.len()).unwrap_or(0), *n));
        let each = each.collect();
        let mut text = String::with_capacity(words.iter().map(|(word, _)| word.len()).sum());
        for (word, _) in &words {
            text.push_str(word);
        }
        Words { text, each }
    }
}

/// The words of an identifier, lower case: `parseHTTPHeader_v2` is parse, http, header, v2.
pub(crate) fn split(identifier: &str) -> Vec<String> {
    let mut compound = String::with_capacity(identifier.len() + 4);
    write_words(identifier, &mut compound);
    compound.split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Writes the words of an identifier with `_` between them.
fn write_words(identifier: &str, into: &mut String) {
    let mut chars = identifier.trim_start_matches("r#").chars().peekable();
    // whether a word is under way, whether one is complete
    let (mut open, mut ended, mut after_lower) = (false, false, false);
    while let Some(c) = chars.next() {
        if !c.is_alphanumeric() {
            ended |= std::mem::take(&mut open);
            after_lower = false;
            continue;
        }
        let before_lower = chars.peek().is_some_and(|next| next.is_lowercase());
        if c.is_uppercase() && open && (after_lower || before_lower) {
            ended = true;
        }
        if std::mem::take(&mut ended) {
            into.push('_');
        }
        open = true;
        after_lower = c.is_lowercase();
        if c.is_ascii() {
            into.push(c.to_ascii_lowercase());
        } else {
            into.extend(c.to_lowercase());
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
        assert_eq!(split("_aB__cÄÖü_"), ["a", "b", "c", "ä", "öü"]);
        assert_eq!(split("__"), Vec::<String>::new());
    }

    #[test]
    fn plurals_meet_their_singular() {
        assert_eq!(singular("errors"), "error");
        assert_eq!(singular("class"), "class");
        assert_eq!(singular("os"), "os");
    }

    #[test]
    fn words_are_counted_with_their_compounds() -> Result<(), Box<dyn std::error::Error>> {
        let mut counter = Counter::default();
        counter.identifier("HTTPHeader", 2);
        counter.identifier("header_x", 1);
        counter.add("macro:vec", 1);
        let words = counter.finish();
        let told: Vec<_> = words.iter().collect();
        let expected =
            [("header", 3), ("header_x", 1), ("http", 2), ("http_header", 2), ("macro:vec", 1)];
        assert_eq!(told, expected);
        assert!(words.contains("http") && !words.contains("x") && words.len() == 5);
        assert!(counter.finish().is_empty());
        let json = serde_json::to_string(&words)?;
        assert!(json.starts_with("{\"header\":3,"), "{json}");
        assert_eq!(serde_json::from_str::<Words>(&json)?, words);
        assert_eq!(postcard::from_bytes::<Words>(&postcard::to_allocvec(&words)?)?, words);
        Ok(())
    }
}
