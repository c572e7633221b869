//! A serializer that writes nothing and refuses what `jsonb` cannot hold. `serde_json` turns NaN into `null` without
//! a word and passes NUL on to Postgres, which would refuse the whole batch that the value travels in.

use serde::ser::{self, Serialize};

use super::PayloadError;

/// Refuses a value that JSON or `jsonb` would change or reject.
pub(super) fn storable<T: Serialize + ?Sized>(value: &T) -> Result<(), PayloadError> {
    let mut path = Vec::new();
    value.serialize(Check { path: &mut path }).map_err(|e| match e {
        Refusal::Value(problem) => PayloadError::Unstorable {
            path: if path.is_empty() { ".".into() } else { path.concat() },
            problem,
        },
    })
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("{0}")]
    Value(String),
}

impl ser::Error for Refusal {
    fn custom<T: std::fmt::Display>(text: T) -> Self {
        Self::Value(text.to_string())
    }
}

/// `path` keeps the place of the first refusal: segments are popped on success only.
struct Check<'a> {
    path: &'a mut Vec<String>,
}

type Checked = Result<(), Refusal>;

fn refuse(problem: impl Into<String>) -> Checked {
    Err(Refusal::Value(problem.into()))
}

fn finite(v: f64) -> Checked {
    if v.is_finite() {
        Ok(())
    } else {
        refuse(format!("{v} has no JSON form; use an `Option` or a string for it"))
    }
}

fn text(v: &str) -> Checked {
    if v.contains('\0') {
        return refuse(
            "a string with a NUL character cannot be stored in Postgres; remove it or encode the bytes",
        );
    }
    Ok(())
}

fn wide<T: std::fmt::Display>(v: &T) -> Checked {
    refuse(format!("{v} needs more than 64 bits, which JSON readers lose; store it as a string"))
}

impl Check<'_> {
    fn at<T: Serialize + ?Sized>(
        &mut self,
        segment: impl FnOnce() -> String,
        value: &T,
    ) -> Checked {
        self.path.push(segment());
        value.serialize(Check { path: self.path })?;
        self.path.pop();
        Ok(())
    }
}

macro_rules! fine {
    ($($method:ident: $ty:ty),*) => { $(fn $method(self, _: $ty) -> Checked { Ok(()) })* };
}

impl<'a> ser::Serializer for Check<'a> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Sequence<'a>;
    type SerializeTuple = Sequence<'a>;
    type SerializeTupleStruct = Sequence<'a>;
    type SerializeTupleVariant = Sequence<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    fine!(serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64);
    fine!(serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_bytes: &[u8]);

    fn serialize_i128(self, v: i128) -> Checked {
        if i64::try_from(v).is_ok() || u64::try_from(v).is_ok() { Ok(()) } else { wide(&v) }
    }
    fn serialize_u128(self, v: u128) -> Checked {
        if u64::try_from(v).is_ok() { Ok(()) } else { wide(&v) }
    }
    fn serialize_f32(self, v: f32) -> Checked {
        finite(v.into())
    }
    fn serialize_f64(self, v: f64) -> Checked {
        finite(v)
    }
    fn serialize_char(self, v: char) -> Checked {
        text(v.encode_utf8(&mut [0; 4]))
    }
    fn serialize_str(self, v: &str) -> Checked {
        text(v)
    }
    fn serialize_none(self) -> Checked {
        Ok(())
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Checked {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Checked {
        Ok(())
    }
    fn serialize_unit_struct(self, _: &'static str) -> Checked {
        Ok(())
    }
    fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Checked {
        Ok(())
    }
    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Checked {
        value.serialize(self)
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        mut self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Checked {
        self.at(|| format!(".{variant}"), value)
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Sequence<'a>, Refusal> {
        Ok(Sequence { check: self, index: 0 })
    }
    fn serialize_tuple(self, _: usize) -> Result<Sequence<'a>, Refusal> {
        Ok(Sequence { check: self, index: 0 })
    }
    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Sequence<'a>, Refusal> {
        Ok(Sequence { check: self, index: 0 })
    }
    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Sequence<'a>, Refusal> {
        Ok(Sequence { check: self, index: 0 })
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Entries<'a>, Refusal> {
        Ok(Entries { check: self })
    }
    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries<'a>, Refusal> {
        Ok(Entries { check: self })
    }
    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Entries<'a>, Refusal> {
        Ok(Entries { check: self })
    }
}

struct Sequence<'a> {
    check: Check<'a>,
    index: usize,
}

impl Sequence<'_> {
    fn item<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        let index = self.index;
        self.index += 1;
        self.check.at(|| format!("[{index}]"), value)
    }
}

macro_rules! sequence {
    ($($of:ident :: $method:ident),*) => { $(
        impl ser::$of for Sequence<'_> {
            type Ok = ();
            type Error = Refusal;
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked { self.item(value) }
            fn end(self) -> Checked { Ok(()) }
        }
    )* };
}
sequence!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

struct Entries<'a> {
    check: Check<'a>,
}

impl ser::SerializeMap for Entries<'_> {
    type Ok = ();
    type Error = Refusal;
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Checked {
        self.check.at(String::new, key)
    }
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Checked {
        self.check.at(|| ".*".into(), value)
    }
    fn end(self) -> Checked {
        Ok(())
    }
}

macro_rules! fields {
    ($($of:ident),*) => { $(
        impl ser::$of for Entries<'_> {
            type Ok = ();
            type Error = Refusal;
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Checked {
                self.check.at(|| format!(".{key}"), value)
            }
            fn end(self) -> Checked { Ok(()) }
        }
    )* };
}
fields!(SerializeStruct, SerializeStructVariant);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload::Json;

    #[derive(serde::Serialize)]
    struct Row {
        score: f64,
        name: &'static str,
    }

    fn problem(value: &impl Serialize) -> String {
        storable(value).unwrap_err().to_string()
    }

    #[test]
    fn what_jsonb_cannot_hold_is_refused_with_its_path() {
        let rows = [Row { score: 1.0, name: "a" }, Row { score: f64::NAN, name: "b" }];
        assert_eq!(
            problem(&rows),
            "[1].score: NaN has no JSON form; use an `Option` or a string for it"
        );
        assert!(
            problem(&Row { score: 0.0, name: "a\0b" })
                .starts_with(".name: a string with a NUL character")
        );
        assert!(problem(&u128::MAX).contains("more than 64 bits"));
        assert!(problem(&f32::INFINITY).starts_with(".: inf"));
    }

    #[test]
    fn empty_values_survive() {
        for text in ["0", "false", "\"\"", "null", "[]", "{}"] {
            let value: serde_json::Value = serde_json::from_str(text).unwrap();
            assert_eq!(Json::encode(&value).unwrap().as_str(), text);
        }
        assert_eq!(Json::encode(&u64::MAX).unwrap().decode::<u64>().unwrap(), u64::MAX);
    }
}
