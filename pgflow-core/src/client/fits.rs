//! Whether a value fits a type, as far as its text tells: the types of the language, and options, lists, maps and tuples
//! of them. What stands behind any other name is stored nowhere, so anything fits it.

use serde_json::Value;

use crate::payload::PayloadError;

/// Checks a value at a path by the text of a type.
pub(super) fn fits(value: &Value, text: &str, path: &str) -> Result<(), PayloadError> {
    let mut reader = Reader(text);
    match reader.shape() {
        Some(shape) if reader.0.trim().is_empty() => shape.check(value, path),
        // a text that is not read here
        _ => Ok(()),
    }
}

/// What is known of a type.
#[derive(Debug, Clone)]
enum Shape {
    /// Nothing.
    Any,
    Unit,
    Bool,
    Char,
    Text,
    Number,
    /// A whole number of these: the name of its type, the least, the greatest.
    Whole(&'static str, i128, i128),
    Optional(Box<Self>),
    List(Box<Self>),
    /// Members by names of any kind.
    Map(Box<Self>),
    /// So many, in this order.
    Tuple(Vec<Self>),
}

/// The longest array whose length is checked.
const ARRAY_MAX: usize = 32;

/// Types of whole numbers: their bits, and whether they have a sign.
const WHOLE: [(&str, u32, bool); 10] = [
    ("i8", 8, true),
    ("i16", 16, true),
    ("i32", 32, true),
    ("i64", 64, true),
    ("isize", isize::BITS, true),
    ("u8", 8, false),
    ("u16", 16, false),
    ("u32", 32, false),
    ("u64", 64, false),
    ("usize", usize::BITS, false),
];

impl Shape {
    fn check(&self, value: &Value, path: &str) -> Result<(), PayloadError> {
        let mismatch = |problem: String| Err(PayloadError::Mismatch { path: path.into(), problem });
        let not = |expected: &str| mismatch(format!("{}, expected {expected}", kind(value)));
        match (self, value) {
            (Self::Any, _)
            | (Self::Unit | Self::Optional(_), Value::Null)
            | (Self::Bool, Value::Bool(_))
            | (Self::Text, Value::String(_))
            | (Self::Number, Value::Number(_)) => Ok(()),
            (Self::Char, Value::String(text)) if text.chars().count() == 1 => Ok(()),
            (Self::Whole(name, least, most), Value::Number(number)) => {
                let whole =
                    number.as_u64().map(i128::from).or_else(|| number.as_i64().map(i128::from));
                if whole.is_some_and(|n| (*least..=*most).contains(&n)) {
                    Ok(())
                } else {
                    mismatch(format!("the number is no `{name}`"))
                }
            }
            (Self::Optional(inner), value) => inner.check(value, path),
            (Self::List(inner), Value::Array(items)) => {
                let check = |(i, item)| inner.check(item, &format!("{}[{i}]", member(path)));
                items.iter().enumerate().try_for_each(check)
            }
            (Self::Map(inner), Value::Object(members)) => {
                members.iter().try_for_each(|(name, value)| inner.check(value, &join(path, name)))
            }
            (Self::Tuple(shapes), Value::Array(items)) if shapes.len() == items.len() => {
                let check = |(i, (shape, item)): (usize, (&Self, &Value))| {
                    shape.check(item, &format!("{}[{i}]", member(path)))
                };
                shapes.iter().zip(items).enumerate().try_for_each(check)
            }
            (Self::Tuple(shapes), Value::Array(items)) => {
                mismatch(format!("a list of {}, expected one of {}", items.len(), shapes.len()))
            }
            (Self::Unit, _) => not("`null`"),
            (Self::Bool, _) => not("a boolean"),
            (Self::Char, _) => not("a text of one character"),
            (Self::Text, _) => not("a text"),
            (Self::Number, _) => not("a number"),
            (Self::Whole(name, ..), _) => not(&format!("a whole number (`{name}`)")),
            (Self::List(_) | Self::Tuple(_), _) => not("a list"),
            (Self::Map(_), _) => not("an object"),
        }
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "`null`",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The path of what is within: that of the whole value is `.`.
fn member(path: &str) -> &str {
    if path == "." { "" } else { path }
}

fn join(path: &str, name: &str) -> String {
    if path == "." { name.into() } else { format!("{path}.{name}") }
}

/// What is left of the text of a type. Every method answers `None` where the text is none of these forms.
struct Reader<'t>(&'t str);

impl<'t> Reader<'t> {
    fn shape(&mut self) -> Option<Shape> {
        if self.takes("&") {
            if self.takes("'") {
                self.word()?;
            }
            return self.shape();
        }
        if self.takes("(") {
            return self.tuple();
        }
        if self.takes("[") {
            return self.array();
        }
        self.path()
    }

    fn tuple(&mut self) -> Option<Shape> {
        let mut shapes = Vec::new();
        let mut comma = true;
        while !self.takes(")") {
            if !comma {
                return None;
            }
            shapes.push(self.shape()?);
            comma = self.takes(",");
        }
        Some(match shapes.len() {
            0 => Shape::Unit,
            1 if !comma => shapes.remove(0),
            _ => Shape::Tuple(shapes),
        })
    }

    fn array(&mut self) -> Option<Shape> {
        let inner = self.shape()?;
        let length = if self.takes(";") { Some(self.word()?.parse::<usize>().ok()?) } else { None };
        if !self.takes("]") {
            return None;
        }
        Some(match length {
            Some(length @ 0..=ARRAY_MAX) => Shape::Tuple(vec![inner; length]),
            _ => Shape::List(inner.into()),
        })
    }

    fn path(&mut self) -> Option<Shape> {
        let first = self.word()?;
        let mut name = first;
        let mut known = true;
        while self.takes("::") {
            name = self.word()?;
            known = ["std", "core", "alloc"].contains(&first);
        }
        let arguments = self.arguments()?;
        Some(if known { named(name, &arguments) } else { Shape::Any })
    }

    fn arguments(&mut self) -> Option<Vec<Shape>> {
        let mut arguments = Vec::new();
        if !self.takes("<") {
            return Some(arguments);
        }
        while !self.takes(">") {
            if self.takes("'") {
                self.word()?;
            } else {
                arguments.push(self.shape()?);
            }
            if !self.takes(",") {
                return self.takes(">").then_some(arguments);
            }
        }
        Some(arguments)
    }

    fn takes(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start();
        let found = rest.strip_prefix(token);
        self.0 = found.unwrap_or(rest);
        found.is_some()
    }

    fn word(&mut self) -> Option<&'t str> {
        let rest = self.0.trim_start();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        self.0 = &rest[end..];
        (end > 0).then_some(&rest[..end])
    }
}

fn named(name: &str, arguments: &[Shape]) -> Shape {
    let last = || arguments.last().cloned().unwrap_or(Shape::Any);
    match name {
        "bool" => Shape::Bool,
        "char" => Shape::Char,
        "String" | "str" => Shape::Text,
        "f32" | "f64" | "i128" | "u128" => Shape::Number,
        "Option" => Shape::Optional(last().into()),
        "Box" | "Rc" | "Arc" | "Cow" => last(),
        "Vec" | "VecDeque" | "LinkedList" | "BTreeSet" | "BinaryHeap" => Shape::List(last().into()),
        "HashSet" => Shape::List(arguments.first().cloned().unwrap_or(Shape::Any).into()),
        "BTreeMap" | "HashMap" => {
            Shape::Map(arguments.get(1).cloned().unwrap_or(Shape::Any).into())
        }
        _ => {
            let whole = WHOLE.iter().find(|(known, ..)| *known == name);
            whole.map_or(Shape::Any, |(name, bits, signed)| match signed {
                true => Shape::Whole(name, -(1 << (bits - 1)), (1 << (bits - 1)) - 1),
                false => Shape::Whole(name, 0, (1 << bits) - 1),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        borrow::Cow,
        collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque},
    };

    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    fn values() -> Vec<Value> {
        let plain = json!([
            null, true, 0, 1, -1, 127, 128, 255, 256, -129, 65_535, 65_536, 4_294_967_295_u64, 4_294_967_296_u64,
            i64::MIN, i64::MAX, u64::MAX, 1.0, 0.5, "", "x", "ü", "two", [], [1], [1, 2], ["a", 1], [1, "a"], [[1], [2, 3]],
            [null], {}, {"a": 1}, {"a": "b"}, {"a": [1]}, {"a": null}
        ]);
        plain.as_array().unwrap().clone()
    }

    /// The same verdict as that of the type itself.
    fn agree<T: DeserializeOwned>(text: &str) {
        for value in values() {
            let verdict = serde_json::from_value::<T>(value.clone());
            let fits = fits(&value, text, ".");
            assert_eq!(fits.is_ok(), verdict.is_ok(), "{value} as {text}: {fits:?}");
        }
    }

    macro_rules! agree {
        ($($type:ty),* $(,)?) => { $(agree::<$type>(stringify!($type));)* };
    }

    #[test]
    fn it_refuses_and_takes_what_the_type_does() {
        agree!(
            (), bool, char, String, f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, Option<u8>, Vec<u32>,
            Vec<Option<u32>>, VecDeque<String>, [u8; 2], [u8; 0], (u32, String), (String, u32), (u32,), BTreeSet<i64>,
            HashSet<u32>, BTreeMap<String, u32>, HashMap<String, Vec<u32>>, Box<u32>, std::string::String,
            std::collections::BTreeMap<String, Option<u32>>, Option<(u32, u32)>, Vec<Vec<u32>>, Cow<'static, str>,
        );
        agree::<u32>("(u32)");
        agree::<u32>("&'a u32");
    }

    #[test]
    fn what_stands_behind_another_name_is_not_known() {
        for text in [
            "Order",
            "shop::String",
            "Vec<Order>",
            "dyn Any",
            "Result<u32, Order>",
            "fn(u32) -> u32",
            "[u8; N]",
        ] {
            assert_eq!(fits(&json!([{ "a": 1 }]), text, "."), Ok(()), "{text}");
        }
        assert!(fits(&json!({ "a": 1 }), "Vec<Order>", ".").is_err(), "but that it is a list");
    }

    #[test]
    fn it_says_where_and_what() {
        for (value, text, expected) in [
            (json!(7), "String", ".: a number, expected a text"),
            (json!("7"), "u32", ".: a text, expected a whole number (`u32`)"),
            (json!(300), "u8", ".: the number is no `u8`"),
            (json!([1, "a"]), "Vec<u32>", "[1]: a text, expected a whole number (`u32`)"),
            (
                json!({ "a": [1, true] }),
                "BTreeMap<String, Vec<f64>>",
                "a[1]: a boolean, expected a number",
            ),
            (json!([1]), "(u32, u32)", ".: a list of 1, expected one of 2"),
            (json!({}), "Option<&'static str>", ".: an object, expected a text"),
        ] {
            assert_eq!(fits(&value, text, ".").unwrap_err().to_string(), expected);
        }
    }
}
