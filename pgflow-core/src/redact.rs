//! What is stored of a run and not shown. Whatever shows a payload, or a text that may quote one, takes it out here.
//!
//! The engine reads the values, so they stay where they are stored. Errors, notes and log lines it does not read: there the
//! values are taken out before anything is written.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, HashMap},
    fmt,
};

use serde_json::{Map, Value};

use crate::{
    failure::Failure,
    payload::{Json, PayloadError},
};

/// What stands in place of a value.
pub const HIDDEN: &str = "[redacted]";
/// The shortest text that is looked for within others: a shorter one would take half of them away.
const SHORTEST: usize = 4;

/// Values that must not be shown, in the forms in which a text may quote them: of two that begin alike the longer one first.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeSet<(Reverse<usize>, String)>);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Secrets").field(&self.0.len()).finish()
    }
}

impl Secrets {
    /// The values at these places of a payload.
    pub fn of(payload: &Json, pointers: &[impl AsRef<str>]) -> Self {
        let mut secrets = Self::default();
        secrets.add(payload, pointers);
        secrets
    }

    /// Adds the values at these places of a payload.
    pub fn add(&mut self, payload: &Json, pointers: &[impl AsRef<str>]) {
        if !pointers.is_empty()
            && let Ok(mut value) = payload.decode::<Value>()
        {
            self.add_value(&mut value, pointers);
        }
    }

    fn add_value(&mut self, value: &mut Value, pointers: &[impl AsRef<str>]) {
        for pointer in pointers {
            at(value, pointer.as_ref(), &mut |found| self.add_leaves(found));
        }
    }

    /// Adds the values at these places, and takes them out of the payload.
    fn take_out(&mut self, payload: &mut Value, pointers: &[String]) {
        if payload.is_null() {
            return;
        }
        self.add_value(payload, pointers);
        for pointer in pointers {
            at(payload, pointer, &mut |found| *found = HIDDEN.into());
        }
    }

    fn add_leaves(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.add_text(text);
                if text.contains('\n') {
                    text.lines().for_each(|line| self.add_text(line));
                }
            }
            Value::Number(number) => self.add_text(&number.to_string()),
            Value::Array(items) => items.iter().for_each(|item| self.add_leaves(item)),
            Value::Object(members) => members.values().for_each(|member| self.add_leaves(member)),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn add_text(&mut self, text: &str) {
        if text.chars().count() < SHORTEST {
            return;
        }
        let inside = |quoted: String| quoted[1..quoted.len() - 1].to_owned();
        let json = Value::from(text).to_string();
        // as log lines have it
        let line = text
            .chars()
            .map(|c| if c.is_control() { c.escape_default().to_string() } else { c.into() });
        let forms = [text.to_owned(), inside(json), inside(format!("{text:?}")), line.collect()];
        self.0.extend(forms.map(|form| (Reverse(form.len()), form)));
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(_, value)| value.as_str())
    }

    /// A text without these values.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.values().filter(|secret| *secret != HIDDEN) {
            if text.contains(secret) {
                text = text.replace(secret, HIDDEN);
            }
        }
        text
    }

    /// The same for a text that was cut, where one of them may have been cut through.
    #[must_use]
    pub fn hide_in_cut(&self, text: &str) -> String {
        let mut text = self.hide(text);
        let begun = |secret: &str| {
            let begins = secret.char_indices().map(|(at, c)| at + c.len_utf8());
            begins.rev().find(|end| text.ends_with(&secret[..*end]))
        };
        let kept = text.len() - self.values().filter_map(begun).max().unwrap_or_default();
        text.truncate(kept);
        text
    }

    /// A failure without these values.
    #[must_use]
    pub fn hide_in_failure(&self, failure: Failure) -> Failure {
        if self.0.is_empty() {
            return failure;
        }
        let data = |text: String| match serde_json::from_str(&text) {
            Ok(mut value) => {
                self.hide_in_value(&mut value);
                value.to_string()
            }
            Err(_) => self.hide(&text),
        };
        Failure {
            message: self.hide(&failure.message),
            sources: failure.sources.iter().map(|source| self.hide(source)).collect(),
            data: failure.data.map(data),
            ..failure
        }
    }

    /// What is wrong with a payload, without these values.
    #[must_use]
    pub fn hide_in_error(&self, error: PayloadError) -> PayloadError {
        match error {
            PayloadError::Unstorable { path, problem } => {
                PayloadError::Unstorable { path: self.hide(&path), problem: self.hide(&problem) }
            }
            PayloadError::Mismatch { path, problem } => {
                PayloadError::Mismatch { path: self.hide(&path), problem: self.hide(&problem) }
            }
        }
    }

    fn hide_in_value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.hide(text),
            Value::Number(number) if self.values().any(|v| v == number.to_string()) => {
                *value = HIDDEN.into();
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.hide_in_value(item)),
            Value::Object(members) => {
                let hidden = std::mem::take(members).into_iter().map(|(name, mut member)| {
                    self.hide_in_value(&mut member);
                    (self.hide(&name), member)
                });
                *members = hidden.collect::<Map<_, _>>();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

/// Whether a text is a JSON pointer (RFC 6901). Between two `/` a `*` stands for every member or item.
pub fn is_pointer(text: &str) -> bool {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    (text.is_empty() || text.starts_with('/')) && escapes
}

/// Calls `f` with what stands at a pointer.
fn at(value: &mut Value, pointer: &str, f: &mut impl FnMut(&mut Value)) {
    let Some(path) = pointer.strip_prefix('/') else { return f(value) };
    let end = path.find('/').unwrap_or(path.len());
    let (token, rest) = path.split_at(end);
    let name = token.replace("~1", "/").replace("~0", "~");
    match value {
        Value::Object(members) if token == "*" => members.values_mut().for_each(|v| at(v, rest, f)),
        Value::Array(items) if token == "*" => items.iter_mut().for_each(|v| at(v, rest, f)),
        Value::Object(members) => {
            if let Some(member) = members.get_mut(&name) {
                at(member, rest, f);
            }
        }
        Value::Array(items) => {
            let index = name.parse::<usize>().ok();
            if let Some(item) = index.and_then(|index| items.get_mut(index)) {
                at(item, rest, f);
            }
        }
        _ => {}
    }
}

/// All that is stored of a run, without what its definition hides.
pub fn dump(dump: Json) -> Json {
    // what cannot be read cannot be cleaned
    let Ok(mut all) = dump.decode::<Value>() else {
        return Json::from_trusted(Value::from(HIDDEN).to_string());
    };
    let of_run = pointers(&all["definition"]["options"]);
    let nodes = all["definition"]["nodes"].as_array().into_iter().flatten();
    let of_nodes: HashMap<String, Vec<String>> =
        nodes.filter_map(|node| Some((node["id"].as_str()?.to_owned(), pointers(node)))).collect();
    if of_run.is_empty() && of_nodes.values().all(Vec::is_empty) {
        return dump;
    }
    let mut secrets = Secrets::default();
    for name in ["input", "output"] {
        secrets.take_out(&mut all["run"][name], &of_run);
    }
    for attempt in all["attempts"].as_array_mut().into_iter().flatten() {
        if let Some(pointers) = attempt["node"].as_str().and_then(|node| of_nodes.get(node)) {
            secrets.take_out(&mut attempt["output"], pointers);
        }
    }
    for (name, part) in all.as_object_mut().into_iter().flatten() {
        if name != "definition" {
            secrets.hide_in_value(part);
        }
    }
    Json::from_trusted(all.to_string())
}

fn pointers(of: &Value) -> Vec<String> {
    let listed = of["redact"].as_array().into_iter().flatten();
    listed.filter_map(|pointer| pointer.as_str().map(Into::into)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::FailureKind;

    fn secrets(payload: &str, pointers: &[&str]) -> Secrets {
        Secrets::of(&Json::from_trusted(payload), pointers)
    }

    #[test]
    fn a_pointer_is_one_of_rfc_6901() {
        for good in ["", "/", "/a", "/a/0/b", "/a~1b~0", "/*/number"] {
            assert!(is_pointer(good), "{good}");
        }
        for bad in ["a", "password", "~", "/a~", "/a~2"] {
            assert!(!is_pointer(bad), "{bad}");
        }
    }

    #[test]
    fn values_are_found_by_their_place_and_hidden_wherever_they_are_quoted() {
        let payload = r#"{"a/b": {"k\"ey": "se\"cr\net"}, "cards": [{"n": 123456}, {"n": "short", "m": "abc"}], "x": "free"}"#;
        let found =
            secrets(payload, &["/a~1b", "/cards/*/n", "/cards/1/m", "/none/at/all", "/x/y"]);
        for quoted in
            ["se\"cr\net", r#"{"x":"se\"cr\net"}"#, r"card 123456", "short", r#"se"cr\net"#]
        {
            let hidden = found.hide(&format!("it is `{quoted}` and free, abc"));
            assert!(hidden.contains(HIDDEN) && hidden.ends_with("free, abc"), "{hidden}");
            assert!(!["cr\net", "123456", "short"].iter().any(|s| hidden.contains(s)), "{hidden}");
        }
        assert_eq!(found.hide_in_cut("short and sho"), "[redacted] and ");
        assert_eq!(secrets(r#""whole""#, &[""]).hide("the whole"), "the [redacted]");
        assert!(!format!("{found:?}").contains("short"));
    }

    #[test]
    fn a_failure_keeps_its_shape() {
        let found = secrets(r#"{"pin": 98765, "name": "hunter2"}"#, &["/pin", "/name"]);
        let mut failure = Failure::new("s", FailureKind::Failed, "hunter2 was refused");
        failure.sources = vec!["by hunter2".into()];
        failure.data = Some(r#"{"Refused":{"hunter2":98765,"n":1}}"#.into());
        let hidden = found.hide_in_failure(failure);
        assert_eq!(
            (hidden.message.as_str(), hidden.sources[0].as_str()),
            ("[redacted] was refused", "by [redacted]")
        );
        assert_eq!(hidden.data.unwrap(), r#"{"Refused":{"[redacted]":"[redacted]","n":1}}"#);
    }
}
