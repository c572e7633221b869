//! Stored names, and the nearest known word to a misspelt one.

/// Words that the engine uses for nodes of its own.
const RESERVED: &[&str] = &["start", "end", "body"];
/// The most characters of a name.
pub const LONGEST: usize = 63;

/// Why a text cannot be a stored name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unfit {
    Empty,
    TooLong,
    /// The first character is neither a letter nor `_`.
    First(char),
    /// Another character is neither letter, digit, `_` nor `-`.
    Character(char),
    Reserved,
}

/// Checks a stored name: an ASCII letter or `_`, then letters, digits, `_` and `-`.
pub fn check(name: &str) -> Result<(), Unfit> {
    let first = name.chars().next().ok_or(Unfit::Empty)?;
    if !(first.is_ascii_alphabetic() || first == '_') {
        return Err(Unfit::First(first));
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if let Some(c) = name.chars().find(|c| !fits(*c)) {
        return Err(Unfit::Character(c));
    }
    if name.len() > LONGEST {
        return Err(Unfit::TooLong);
    }
    if RESERVED.contains(&name) { Err(Unfit::Reserved) } else { Ok(()) }
}

/// The known word at an edit distance of two or less.
pub fn near<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let distances = known.iter().map(|k| (distance(word, k), *k));
    distances.filter(|(d, k)| *d <= 2 && *d < k.len()).min().map(|(_, k)| k)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_fit() {
        for name in ["a", "_", "train", "Train_2", "old-name", &"x".repeat(63)] {
            assert_eq!(check(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn names_that_do_not_fit_say_why() {
        assert_eq!(check(""), Err(Unfit::Empty));
        assert_eq!(check(&"x".repeat(64)), Err(Unfit::TooLong));
        assert_eq!(check("2nd"), Err(Unfit::First('2')));
        assert_eq!(check("-a"), Err(Unfit::First('-')));
        assert_eq!(check("a b"), Err(Unfit::Character(' ')));
        assert_eq!(check("größe"), Err(Unfit::Character('ö')));
        assert_eq!(check("if:x"), Err(Unfit::Character(':')));
        assert_eq!(check("body"), Err(Unfit::Reserved));
    }

    #[test]
    fn a_near_word_is_found() {
        let known = ["timeout", "retries", "gpu", "cpu", "id"];
        assert_eq!(near("timout", &known), Some("timeout"));
        assert_eq!(near("retires", &known), Some("retries"));
        assert_eq!(near("gpus", &known), Some("gpu"));
        assert_eq!(near("colour", &known), None);
        assert_eq!(near("zz", &known), None);
    }
}
